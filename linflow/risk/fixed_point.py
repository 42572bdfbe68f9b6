r"""The positive root kappa of ``m = sum_i l_i/(l_i + kappa) + gamma/kappa``, certified to a relative 1e-13.

How: the equation says ``B = A``, that what lies below a split s of the spectrum balances what lies above it,

    B = sum_{i > s} l_i/(l_i + kappa) + gamma/kappa + max(s - m, 0),   A = sum_{i <= s} kappa/(l_i + kappa) + max(m - s, 0),

two sums of positive terms: nothing cancels, whatever the spectrum. With s = m the slope of ``log A - log B`` in log kappa
lies between 1/2 and 2: above ``l_{m+1}`` every term of B has a slope of -1/2 or steeper, below ``l_m`` every term of A one
of 1/2. So Newton's steps in log kappa are harmless, and **the residual bounds the error**: ``|log B - log A| <= r`` proves
``|log kappa - log root| <= 2 r``. A root whose residual is not seen to be small is an error, never a number.

A spectrum of more than ``SMALL`` values is compressed to weighted nodes (:mod:`linflow.risk.compress`). A bin of nodes
must not be cut, since single weights mean nothing, so where m falls into a bin, s is the end of the bin on the side of
kappa, and the slope is still at least ``1/(1 + e^{1/2}) > 1/3``. What compression itself adds, the rounding of log l over
600 decades, is of the order 1e-13 and no part of the certificate. A real m between two whole numbers cuts the value between
them, and is treated like one inside a bin.

Kind: exact up to rounding. Tested in tests/test_equivalent.py against bisection with 400 digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linflow.checks import FloatArray, IntArray
from linflow.errors import NotConvergedError
from linflow.risk.compress import SMALL, compress
from linflow.spectrum import Spectrum

#: ``|log B - log A|`` at which a root is accepted: with the smallest slope, 1/3, its relative error is below 3e-14.
RESIDUAL = 1e-14
#: Bisection of 1400 log units down to rounding takes 63 steps; each is followed by Newton steps where those are better.
STEPS = 200
#: Entries of the (m, nodes) tables handled at a time, to bound the memory.
BLOCK = 500_000


@dataclass(frozen=True)
class Measure:
    """A spectrum as weighted points: all that sums over it need, compressed where n is large.

    ``l`` descends; ``count`` are the multiplicities, ``signal`` sums of the signal's variances. The points fall into
    cells that must not be cut: cell c is ``start[c]:start[c + 1]`` and holds the values number ``before[c]`` up to
    ``before[c + 1]`` of the spectrum. ``lower`` and ``upper`` bracket kappa without penalty, by m.
    """

    l: FloatArray
    count: FloatArray
    signal: FloatArray
    start: IntArray
    before: IntArray
    lower: FloatArray
    upper: FloatArray

    @classmethod
    def of(cls, spectrum: Spectrum, signal_variances: FloatArray) -> Measure:
        """The measure of a spectrum, with the variances of a signal along its directions."""
        n, l = spectrum.n, spectrum.variances
        count, signal = np.ones(n), signal_variances
        start = before = np.arange(n + 1)
        if n > SMALL:
            log_l = 2.0 * np.log(spectrum.singular_values)
            nodes, count, signal = compress(log_l, count, signal)
            order = np.argsort(-nodes)
            l, count, signal = np.exp(nodes[order]), count[order], signal[order]
            # The bins of `compress`: of width 1, from the smallest log l up.
            bins, of_values = np.floor(nodes[order] - log_l[-1]), np.floor(log_l - log_l[-1])
            start = np.append(np.flatnonzero(np.append(True, np.diff(bins) != 0)), bins.size)
            before = np.searchsorted(-of_values, -bins[start[:-1]], side="left")
            before = np.append(before, n)
        # l_{m+1}/(m+1) <= kappa <= tail(k)/(m - k) at k = m - 1 and at k = 0.
        lower = np.append(spectrum.variances / (np.arange(n) + 1.0), 0.0)
        return cls(l, count, signal, start, before, lower, spectrum.tail(np.arange(n + 1)))

    @property
    def n(self) -> int:
        """Dimension of the signal."""
        return int(self.before[-1])

    def blocks(self, rows: int) -> list[slice]:
        """Slices over `rows` numbers m that keep the (m, points) tables near 4 MB."""
        step = max(1, BLOCK // self.l.size)
        return [slice(i, i + step) for i in range(0, rows, step)]


def filters(variances: FloatArray, kappa: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``l/(l + kappa)`` and ``kappa/(l + kappa)``, each of shape (len(kappa), len(l)) and accurate relative to itself."""
    total = variances + kappa[:, None]
    return variances / total, kappa[:, None] / total


def solve(measure: Measure, m: IntArray | FloatArray, penalty: float) -> FloatArray:
    """Root kappa for each m >= 0, whole or real, one-dimensional: ``inf`` at m = 0, and 0 at m = n without penalty.

    Raises
    ------
    NotConvergedError
        A root that could not be certified, such as one beyond the range of float64.
    """
    root = np.full(m.size, np.inf)
    root[(m == measure.n) & (penalty == 0)] = 0.0
    todo = np.flatnonzero((m > 0) & ((m < measure.n) | (penalty > 0)))
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        for block in measure.blocks(todo.size):
            root[todo[block]] = _solve_block(measure, m[todo[block]], penalty)
    return root


def _solve_block(measure: Measure, m: IntArray | FloatArray, penalty: float) -> FloatArray:
    n = measure.n
    inner = np.minimum(np.ceil(m), n).astype(np.int64)
    # n - m <= sum_i kappa/(l_i + kappa) <= n kappa/l_n, for what lies between n - 1 and n.
    least = np.maximum(measure.lower[inner], np.maximum(n - m, 0.0) * measure.lower[n - 1])
    low = np.maximum(least, penalty / m) * (1 - 1e-9)
    # m - k <= sum_{i > k} l_i/(l_i + kappa) + penalty/kappa <= (tail(k) + penalty)/kappa at k = 0 and at the last k < m.
    last = (measure.upper[inner - 1] + penalty) / np.minimum(m - inner + 1, 1.0)
    high = np.minimum((measure.upper[0] + penalty) / m, last) * (1 + 1e-9)
    root: FloatArray = np.sqrt(low) * np.sqrt(high)
    certified = np.zeros(m.size, dtype=bool)
    for _ in range(STEPS):
        open_rows = np.flatnonzero(~certified)
        at = root[open_rows]
        residual, slope = _balance(measure, m[open_rows], at, penalty)
        certified[open_rows] = np.abs(residual) <= RESIDUAL
        low[open_rows] = np.where(residual > 0, at, low[open_rows])
        high[open_rows] = np.where(residual > 0, high[open_rows], at)
        # kappa moves by a factor, so that it keeps all its digits however far from 1 it lies. A certified root takes its
        # last step, which is below its certificate.
        moved = at * np.exp(residual / slope)
        inside = (moved >= low[open_rows]) & (moved <= high[open_rows])
        middle = np.sqrt(low[open_rows]) * np.sqrt(high[open_rows])
        root[open_rows] = np.where(inside | certified[open_rows], moved, middle)
        if certified.all():
            return root
    missed = m[np.flatnonzero(~certified)[0]]
    raise NotConvergedError(
        f"kappa at m = {missed} could not be found to a relative 1e-13: the penalty {penalty:g} or the root lies beyond "
        "what float64 holds, rescale the singular values and the penalty"
    )


def _balance(
    measure: Measure, m: IntArray | FloatArray, kappa: FloatArray, penalty: float
) -> tuple[FloatArray, FloatArray]:
    """``log B - log A`` at each kappa, and minus its derivative in log kappa."""
    # The cell that m falls into, its two ends, and the one of them on the side of kappa.
    first = np.minimum(np.searchsorted(measure.before, m, side="right") - 1, measure.before.size - 1)
    last = np.minimum(np.searchsorted(measure.before, m, side="left"), measure.before.size - 1)
    # e^{1/2} above the smallest point of the cell is its middle, in bins of width 1.
    smallest = measure.l[measure.start[last] - 1]
    end = np.where(kappa <= 1.65 * smallest, last, first)
    above = np.arange(measure.l.size) < measure.start[end][:, None]
    total = measure.l + kappa[:, None]
    share = np.where(above, kappa[:, None], measure.l) / total
    mass = share * measure.count
    change = mass * (1.0 - share)
    offset = (measure.before[end] - m).astype(np.float64)
    pull = penalty / kappa
    A = np.sum(mass, axis=1, where=above) + np.maximum(-offset, 0.0)
    B = np.sum(mass, axis=1, where=~above) + pull + np.maximum(offset, 0.0)
    slope = np.sum(change, axis=1, where=above) / A + (np.sum(change, axis=1, where=~above) + pull) / B
    # The quotient before its logarithm: near the root both sides agree, and log 1 has no rounding.
    return np.log(B / A), slope
