r"""The upper bound of the original theorem, with the constant that it can have.

Setting.  As in "T2": real Gaussian measurements, l_1 >= ... >= l_n > 0, tail(k) = sum_{i>k} l_i, 2 <= m < n.

Statement ("T1-upper").  E_m <= (m-1) tail(m-2) < m tail(m-2). And

(a) T2 is never worse: min_k B_k <= (m-1) tail(m-2);
(b) m - 1 is the right constant: if E_m <= c tail(m-2) for all n and all spectra, then c >= m - 1.

Proof.

1. k = m - 2 is allowed in "T2" and gives the factor 1 + (m-2)/(m - (m-2) - 1) = m - 1, hence (a). Since m - 2 < n,
   tail(m-2) > 0, and (m-1) tail(m-2) < m tail(m-2).
2. By "T2-sharp" with k = m - 2, head h -> infinity and floor f, E_m -> (m-1)(n-m) f, while tail(m-2) = (n-m+2) f: their
   ratio (m-1)(n-m)/(n-m+2) tends to m - 1 as n -> infinity.                                                             []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import same
from .ledger import Statement, establish
from .range_finder import bound, infinite_head

UPPER = Statement(
    "T1-upper",
    "E_m <= (m-1) tail(m-2) < m tail(m-2), 2 <= m < n; m-1 is the least possible constant",
    source="Asim et al. 2020 (with m)",
    uses=("T2", "T2-sharp"),
)

n, m = sp.symbols("n m", integer=True, positive=True)
tail, f = sp.symbols("tail f", positive=True)


def theorem(tail: Any, m: Any) -> Any:
    """The right side of T1, from tail(m - 2)."""
    return m * tail


def constant(m: Any) -> Any:
    """The constant in front of tail(m - 2) that T2 gives."""
    return m - 1


@UPPER.symbolic
def factor() -> None:
    """T2 at k = m - 2 has the factor m - 1, which is below m."""
    same(bound(tail, m, m - 2), constant(m) * tail)
    gain = sp.expand(theorem(tail, m) - bound(tail, m, m - 2))
    same(gain, tail, "what T1 gives away")
    establish(gain.is_positive is True, "T1 is not strictly weaker")


@UPPER.symbolic
def least_constant() -> None:
    """No constant below m - 1 will do."""
    of_head = infinite_head(m, n, m - 2, f) / ((n - (m - 2)) * f)
    same(of_head, constant(m) * (n - m) / (n - m + 2))
    same(sp.limit(of_head, n, sp.oo), constant(m))
