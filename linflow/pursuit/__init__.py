r"""Sparse priors, the rivals of the flow: basis pursuit, and the exact decision whether a signal is found.

Basis pursuit is ``argmin |x|_1`` subject to ``A x = y`` (Chen, Donoho & Saunders 1998). The bulk is solved by ADMM on all
instances at once and the rest by HiGHS; nothing that either says is believed without a certificate that depends on
neither, nor on their tolerances:

* x **has** the least norm, up to a gap, if A x = y and some v with ``|A^T v| <= 1`` has ``y . v`` as large as ``|x|_1``;
* x_0 with support S and signs s **is** the unique solution iff A_S has independent columns and some w in the row space of A
  has ``w_S = s`` and ``|w_i| < 1`` off S (Fuchs 2004);
* it **is not** if some h != 0 with ``A h = 0`` has ``s . h_S + |h_{S^c}|_1 <= 0``, since the norm does not grow along h.

Rows are measurements, and none of this depends on their units: `rows` brings each to size 1 before anything is compared
with a number. What no certificate settles is an error, never an answer.
"""

from linflow.pursuit.decisions import Recovery, certificate_margin, recovery
from linflow.pursuit.least import basis_pursuit

__all__ = ["Recovery", "basis_pursuit", "certificate_margin", "recovery"]
