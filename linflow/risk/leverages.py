r"""Expected leverages of complex Gaussian measurements: ``Q_i = E P_ii``, P the projector on the rows of ``A Sigma``.

Kind: exact. Assumption: complex Gaussian A, 1 <= m < n. With N the sum of independent Bernoulli variables of means
``p_j(t) = l_j/(l_j + t)`` and N^(i) the same without the i-th,

    Q_i = int_0^inf p_i (1 - p_i) P(N^(i) < m) dt/t,     1 - Q_i = int_0^inf p_i (1 - p_i) P(N^(i) >= m) dt/t.

Why: E log det(A Lambda A*) is, up to a constant, ``sum_{j < m} int 1/(1+t) - P(N <= j)/t dt`` (the formula of
:mod:`linflow.risk.exact` before it is differentiated), its derivative in log l_i is E P_ii, that of ``P(N <= j)`` in p_i is
``-P(N^(i) = j)``, and that of p_i in log l_i is p_i (1 - p_i). All terms are positive, so both are accurate relative to
themselves. Integrated by the trapezoidal rule in log t, which converges geometrically; an integral that every second point
gives differently is an error. Tested in tests/test_open_questions.py against E_m, simulation and closed forms.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from linflow.checks import FloatArray
from linflow.errors import NotConvergedError
from linflow.spectrum import Spectrum

#: Below e**-MARGIN of its largest value the integrand is left out.
_MARGIN = 46.0
#: Largest step in log t; the law of N is narrower for large n.
_STEP = 0.25
_AGREEMENT = 1e-8
#: Entries of the (points, n, m) tables handled at a time.
_BLOCK = 4_000_000


@lru_cache(maxsize=256)
def complex_leverages(spectrum: Spectrum, m: int) -> tuple[FloatArray, FloatArray]:
    """``(Q, 1 - Q)``, each (n,) and accurate relative to itself, in the order of the descending singular values.

    Raises
    ------
    NotConvergedError
        The trapezoidal rule with twice the step gives something else (a spectrum over hundreds of decades, say).

    Examples
    --------
    >>> seen, missed = complex_leverages(Spectrum.flat(4), 1)
    >>> bool(np.allclose(seen, 1 / 4)), bool(np.allclose(missed, 3 / 4))
    (True, True)
    """
    log_l = 2.0 * np.log(spectrum.singular_values / spectrum.singular_values[0])
    start, stop = float(log_l[-1]) - _MARGIN - math.log(spectrum.n), _MARGIN + math.log(spectrum.n)
    coarse = np.arange(start, stop, 0.5)
    p = 1.0 / (1.0 + np.exp(coarse[:, None] - log_l))
    step = min(_STEP, 0.46 / math.sqrt(float((p * (1.0 - p)).sum(axis=1).max())))
    points: FloatArray = start + step * np.arange(math.ceil((stop - start) / step) + 1, dtype=np.float64)
    sums = np.zeros((2, 2, spectrum.n))  # points of even and of odd number; seen and missed
    rows = max(1, _BLOCK // (spectrum.n * (m + 1)))
    for parity in range(2):
        half = points[parity::2]
        for first in range(0, half.size, rows):
            sums[parity] += _terms(half[first : first + rows], log_l, m)
    total = sums.sum(axis=0)
    if not (np.all(total > 0) and np.all(np.abs(2.0 * sums[0] / total - 1.0) <= _AGREEMENT)):
        raise NotConvergedError(
            "the integrals of the leverages did not converge: the trapezoidal rule with twice the step gives other values"
        )
    seen, missed = step * total
    for values in (seen, missed):
        values.flags.writeable = False
    return seen, missed


def _terms(points: FloatArray, log_l: FloatArray, m: int) -> FloatArray:
    """Sums over points of the two integrands, (2, n): laws of the others by adding from both sides, with no division."""
    shifted = points[:, None] - log_l
    p, q = 1.0 / (1.0 + np.exp(shifted)), 1.0 / (1.0 + np.exp(-shifted))
    n = log_l.size
    # before[i] is the law of the sum of the first i variables, capped: its last entry is "m or more".
    before = np.zeros((n, m + 1, points.size))
    before[0, 0] = 1.0
    for i in range(n - 1):
        before[i + 1] = _added(before[i], p[:, i], q[:, i])
    after = np.zeros((m + 1, points.size))
    after[0] = 1.0
    found = np.empty((2, n))
    for i in range(n - 1, -1, -1):
        below = np.cumsum(after[:m], axis=0)  # P(later <= j), j < m
        above = np.cumsum(after[::-1], axis=0)[::-1]  # P(later >= j)
        few = np.sum(before[i, :m] * below[::-1], axis=0)
        many = before[i, m] + np.sum(before[i, :m] * above[:0:-1], axis=0)
        weight = p[:, i] * q[:, i]
        found[:, i] = float(weight @ few), float(weight @ many)
        after = _added(after, p[:, i], q[:, i])
    return found


def _added(law: FloatArray, p: FloatArray, q: FloatArray) -> FloatArray:
    """The law with one more Bernoulli variable, its last entry collecting the rest."""
    grown = law * q
    grown[1:] += law[:-1] * p
    grown[-1] += law[-1] * p
    return grown
