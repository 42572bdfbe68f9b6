r"""E_m for real Gaussian A, every 2 <= m <= n - 1 at once: one two-dimensional integral, with a bound on all of its error.

Kind: exact. With ``u_k = l_k t``, ``p_k = u_k / (1 + u_k)``, ``q_k = 1 - p_k`` and ``d_k = 1 + 2 p_k q_k v``,

    E_m = (m - 1) int_0^inf dt / t^2 int_0^inf dv  prod_k d_k^(-1/2)  sum_{j != k} W_jk P_jk,

    W_jk = (q_j q_k + v p_j q_j q_k^2 + v p_k q_k q_j^2) / (d_j d_k),

P_jk the probability that j and k are seen and m - 1 of the others, each i independently with probability p_i.

Why: ``E (1 / det S) det-like(S)`` for ``S = A Lambda A^T`` is a Gaussian integral over B in R^(m x 2), ``(2 pi)^-m int
exp(-tr B^T S B / 2) dB = 1 / det S``; the mean over A factorises, and leaves the two singular values of B, ``t e^(+-s)``
with ``v = cosh s - 1``. Everything is positive.

How it is summed, and by how much that may be wrong (all of it relative to E_m itself, so a steep spectrum costs nothing):

* The trapezoidal rule in log t, and at each of its nodes the one in log v: :mod:`linflow.risk.octaves` bounds the error
  of either beforehand. In t the denominators are ``(1 + u_k)^2 d_k = (1 + l_k t e^s) (1 + l_k t e^-s)``: twice as many are
  in transition as of the ``1 + l_k t``. In v they are d_k; with ``sin(a)^2 = p`` of l_k t e^s and ``sin(b)^2`` of
  l_k t e^-s, its p is ``sin(a - b)^2``, and ``sin(2a - 2b)^2 <= 2 sin(2a)^2 + 2 sin(2b)^2``: at most four times as many.
* What is left out of the rule in log t. ``v = z / t`` and ``v = z t`` show that with ``a = m - 1`` the integrand is ``t^a``
  times a function that lies within ``prod_k (1 + u_k) (1 + u_1)^4`` of its limit for t -> 0, and for t -> inf ``t^-b``,
  ``b = n - m + 1``, within the same of ``1 / u``. So the nodes beyond the last one add the geometric series of its value,
  up to ``6 sum_k u_k``, or ``6 sum_k 1 / u_k``, of that series.
* The rule in log v, in units V of v in which ``sum_k 2 p_k q_k V <= 1``. Below the first node ``nu``, likewise: its
  geometric series, up to ``15 nu^2`` of the sum. Above the last one the terms fall geometrically, for each pair (j, k).
* Rounding: sums and products of positive numbers, so that counting the operations bounds it (:mod:`linflow.risk.pairs`),
  with any processor's order of summation. Underflow adds at most 2^-1022 for each operation.

Proved in proofs/real_exact.py and proofs/enclosures_plane.py; tested in tests/test_plane.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from linflow.checks import FloatArray, IntArray
from linflow.errors import NotConvergedError
from linflow.risk import octaves
from linflow.risk.pairs import pair_sums
from linflow.spectrum import Spectrum

#: Largest n (the cost grows like n^3, and a little with log(sigma_1 / sigma_n)): seconds at 200.
LIMIT = 400
#: Largest sigma_1 / sigma_n: beyond, terms of one sum leave the range of float64.
CONDITION = 1e80
#: Each error of the rule is at most about 2**-BITS of the value: what float64 has use for, and what suits searches.
BITS, SEARCH_BITS = 50, 40
#: Bits that may be lost between that and what is certified for a value: uncertain ends, and rounding.
MARGIN = 13
#: Entries of the arrays (nodes in t, nodes in v, n) handled at a time.
BLOCK = 2**17
#: Unit roundoff, and the absolute error of an operation that underflows.
UNIT, TINY = 2.0**-53, 2.0**-1022


@dataclass(frozen=True)
class RealCurve:
    """E_2..E_{n-1} for real A, [x]^2, in places 2..n-1; the places 0, 1 and n are not used, and 0.

    Parameters
    ----------
    low, high : (n + 1,) arrays that enclose E_m, everything counted.
    values : (n + 1,) array between them, accurate to about 1e-14 of itself.
    """

    values: FloatArray
    low: FloatArray
    high: FloatArray


def applies(spectrum: Spectrum) -> bool:
    """Whether the curve is computed: n up to ``LIMIT`` and sigma_1 / sigma_n up to ``CONDITION``.

    >>> applies(Spectrum.power_law(200)), applies(Spectrum([1e100, 1.0, 1e-100]))
    (True, False)
    """
    return spectrum.n <= LIMIT and spectrum.condition <= CONDITION


@lru_cache(maxsize=256)
def real_curve(spectrum: Spectrum, bits: int = BITS) -> RealCurve:
    """E_m and its enclosure for 2 <= m <= n - 1.

    Parameters
    ----------
    bits : what the rule aims at. With ``SEARCH_BITS`` it takes half the time, and the enclosure is as wide as 1e-11.

    Raises
    ------
    NotConvergedError
        A value whose enclosure is wider than ``2**(MARGIN - bits)`` of itself.

    Examples
    --------
    A flat spectrum leaves ``n - m`` times its variance:

    >>> curve = real_curve(Spectrum.flat(6, 2.0))
    >>> bool(np.all(curve.low[2:6] <= [16, 12, 8, 4]) and np.all([16, 12, 8, 4] <= curve.high[2:6]))
    True
    """
    exponent = math.frexp(spectrum.singular_values[0])[1]
    grid = _Grid.of(np.ldexp(spectrum.singular_values, -exponent), bits)
    values, relative, absolute = _sum(grid)
    low, high = values * (1 - relative) - absolute, values * (1 + relative) + absolute
    inner = slice(2, spectrum.n)
    allowed = 2.0 ** (MARGIN - bits)
    if not np.all(high[inner] - low[inner] <= allowed * values[inner]):
        worst = float(np.max((high - low)[inner] / values[inner]))
        raise NotConvergedError(
            f"the expected error for real A is certified to {worst:.0e} of itself only (allowed: {allowed:.0e}), at "
            f"n = {spectrum.n} and a condition of {spectrum.condition:.0e}"
        )
    edges = [np.zeros(spectrum.n + 1) for _ in range(3)]
    for edge, found in zip(edges, (values, np.nextafter(low, 0), np.nextafter(high, np.inf)), strict=True):
        edge[inner] = np.ldexp(found[inner], 2 * exponent)
        edge.flags.writeable = False
    return RealCurve(*edges)


# ------------------------------------------------------------------------------------------------ nodes


@dataclass(frozen=True)
class _Grid:
    """The nodes in t, and what the integrand needs of each.

    Parameters
    ----------
    root : (T,) array, sqrt(t).
    seen, unseen : (T, n) arrays, p and q.
    unit : (T,) array of powers of two, V.
    half_width : (T, n) array, ``2 p q V``.
    last : (T,) array, exponents of two at which the rule in v / V ends.
    per_octave, per_octave_v : nodes for each factor 2 in t and in v.
    bits : what each error was to be less than.
    rules : bound on the relative error of both rules.
    left_out : what the geometric series on the left and on the right are uncertain by, relative to themselves.
    """

    root: FloatArray
    seen: FloatArray
    unseen: FloatArray
    unit: FloatArray
    half_width: FloatArray
    last: IntArray
    per_octave: int
    per_octave_v: int
    bits: int
    rules: float
    left_out: tuple[float, float]

    @classmethod
    def of(cls, sigma: FloatArray, bits: int) -> _Grid:
        n = sigma.size
        crowd = octaves.in_transition(sigma)
        # Besides the square roots of all d there are d_j and d_k.
        factors, factors_v = 2 * crowd + 8, min(n, 4 * crowd) + 4
        per_octave, per_octave_v = (octaves.nodes_per_octave(count, bits) for count in (factors, factors_v))
        # The series beyond either end are a part of E_m like 2^-bits/2 and 2^-bits/3 (or less), and as uncertain as that.
        first = -bits / 2 - math.log2(float(np.sum(sigma**2)))
        last = bits / 3 - 2 * math.log2(sigma[-1]) + math.log2(float(np.sum((sigma[-1] / sigma) ** 2)))
        # t = root^2 is taken at twice as many nodes for each octave of the root.
        root = octaves.powers(math.floor(first * per_octave), math.ceil(last * per_octave), 2 * per_octave)
        u = (sigma * root[:, None]) ** 2
        left_out = (6 * float(u[0].sum()), 6 * float((1 / u[-1]).sum()))
        seen, unseen = u / (1 + u), 1 / (1 + u)
        product = 2 * seen * unseen
        unit = np.ldexp(1.0, -np.frexp(product.sum(axis=1))[1])
        half_width = product * unit[:, None]
        last_v = _last_octave(half_width, per_octave_v, bits)
        rules = octaves.rule_error(factors, per_octave) + octaves.rule_error(factors_v, per_octave_v)
        return cls(root, seen, unseen, unit, half_width, last_v, per_octave, per_octave_v, bits, rules, left_out)


def _last_octave(half_width: FloatArray, per_octave: int, bits: int) -> IntArray:
    """Where the rule in v = V nu may end, for each node in t: what is left out is at most 2^-bits of the sum of any pair.

    From one node to another the integrand of a pair grows at most like ``f = nu^2 prod_k d_k^(-1/2) / (d_j d_k)``, j and k
    the two of the smallest ``g = 2 p q V``. The slope of log f, ``2 - sum_k x_k / 2 - x_j - x_k`` with ``x = g nu / (1 + g
    nu)``, decreases: beyond a node where it is negative the terms fall at least geometrically, and the sum is at least the
    term where f is largest. The logarithms here only choose a node: half a bit is enough to cover their rounding.
    """
    g = np.sort(half_width, axis=1)
    last = np.zeros(len(g), dtype=np.int64)
    step = octaves.LOG_2 / per_octave
    pending, largest = np.arange(len(g)), np.full(len(g), -np.inf)
    for octave in range(0, _MOST_OCTAVES, 3):
        if pending.size == 0:
            return last
        x = np.ldexp(g[pending], octave)
        logs, share = np.log1p(x), x / (1 + x)
        slope = 2 - share.sum(axis=1) / 2 - share[:, :2].sum(axis=1)
        log_f = 2 * octave * octaves.LOG_2 - logs.sum(axis=1) / 2 - logs[:, :2].sum(axis=1)
        largest = np.maximum(largest, log_f)
        rest, falling = np.full(slope.shape, np.inf), slope < 0
        rest[falling] = np.exp(log_f - largest)[falling] / np.expm1(-slope[falling] * step)
        done = rest < 2.0 ** -(bits + 1)
        last[pending[done]] = octave
        pending, largest = pending[~done], largest[~done]
    raise NotConvergedError("the integrand of the expected error does not vanish within the range of float64")


#: Octaves of v / V within which the integrand has to vanish.
_MOST_OCTAVES = 620


# ------------------------------------------------------------------------------------------------ sums


def _sum(grid: _Grid) -> tuple[FloatArray, float, FloatArray]:
    """E_0..E_n in units of the first variance, a bound on their relative error, and on what underflow adds."""
    nodes, n = grid.seen.shape
    terms = np.zeros((nodes, n + 1))
    lost = np.zeros(nodes)
    first = -(grid.bits // 2 + 1) * grid.per_octave_v
    roundings, start = 0, 0
    while start < nodes:
        size = _block(grid, start, first)
        part = slice(start, start + size)
        weights, in_weights, lost_in_weights = _weights(grid, part, first)
        sums = pair_sums(grid.seen[part], grid.unseen[part], weights, roundings=9, weight_roundings=in_weights)
        terms[part] = sums.coefficients
        roundings = max(roundings, sums.roundings)
        # Each of up to 8 n^3 operations on products enters with an entry of W, or with 1.
        lost[part] = lost_in_weights * n**2 + 8 * n**3 * np.maximum(weights.sum(axis=(1, 2)), 1.0)
        start += size
    # The sum over j != k is twice that over j < k.
    scale = 2 * grid.unit / grid.root**2
    terms *= scale[:, None]
    m = np.arange(n)
    left = terms[0, 1:] * _series(m - 1, grid.per_octave)
    right = terms[-1, 1:] * _series(n - m + 1, grid.per_octave)
    factor = (m - 1) * (octaves.LOG_2 / grid.per_octave)
    values, uncertain = np.zeros(n + 1), np.zeros(n + 1)
    values[:n] = factor * (terms[:, 1:].sum(axis=0) + left + right)
    uncertain[:n] = factor * (grid.left_out[0] * left + grid.left_out[1] * right + 1.01 * TINY * float(lost @ scale))
    # 120: the scale, the series and the last line.
    roundings += nodes + 120
    ends = 15 * 4.0 ** (first / grid.per_octave_v) + 2.0**-grid.bits
    # A hundredth covers products of these small errors.
    return values, 1.01 * (roundings * UNIT + grid.rules + ends), uncertain


def _series(rate: IntArray, per_octave: int) -> FloatArray:
    """``sum_{i > 0} 2^(-rate i / per_octave)``; 0 where the rate is not positive (there the value is not used)."""
    ratio = octaves.powers(-int(rate.max()), 0, per_octave)[::-1][np.maximum(rate, 0)]
    return np.where(rate > 0, ratio / np.where(rate > 0, 1 - ratio, 1.0), 0.0)


def _block(grid: _Grid, start: int, first: int) -> int:
    """How many nodes in t to take at a time from `start` on."""
    n = grid.seen.shape[1]
    nodes_v = int(grid.last[start]) * grid.per_octave_v - first + 1
    return int(max(1, min(BLOCK // (nodes_v * n), 4 * BLOCK // n**2)))


def _weights(grid: _Grid, part: slice, first: int) -> tuple[FloatArray, int, FloatArray]:
    """``p_j p_k int dv prod d^(-1/2) W_jk / V`` at some nodes in t.

    Returns
    -------
    weights : (T, n, n) array.
    roundings : how many are in each entry.
    lost : (T,) array, what underflow takes from an entry at the most, in units of ``TINY``.
    """
    n = grid.seen.shape[1]
    last = grid.last[part] * grid.per_octave_v
    place = np.arange(first, int(last.max()) + 1)
    nu = octaves.powers(first, int(last.max()), grid.per_octave_v)
    measure = nu * (octaves.LOG_2 / grid.per_octave_v)
    # The nodes below the first one: sum_i nu 2^(-i / r) = nu / (1 - 2^(-1/r)).
    measure[0] /= 1 - octaves.powers(-1, -1, grid.per_octave_v)[0]
    # The nodes in v last, and arrays used again: these passes over them are most of the cost.
    x = grid.half_width[part][:, :, None] * nu
    inverse = x + 1
    np.divide(1, inverse, out=inverse)
    # nu^2 and the product may be as large and as small as 2^+-1200, their own product is not: it is formed evenly.
    share = place // (grid.per_octave_v * n)
    roots = np.sqrt(inverse)
    roots *= np.ldexp(1.0, share)
    product = np.prod(roots, axis=1)
    measure = np.where(place <= last[:, None], np.ldexp(measure, -n * share) * product, 0.0)[:, None, :]
    plain = np.multiply(inverse, measure, out=roots) @ inverse.swapaxes(1, 2)
    x *= inverse
    x *= measure
    unseen = grid.unseen[part]
    mixed = (x @ inverse.swapaxes(1, 2)) * (unseen**2 / 2)[:, None, :]
    weights: FloatArray = plain * unseen[:, :, None] * unseen[:, None, :] + mixed + mixed.swapaxes(1, 2)
    weights *= grid.seen[part][:, :, None] * grid.seen[part][:, None, :]
    # u: 7; p and q: 9; 2 p q V: 19; x: 22; 1 / d: 24, its root: 13; the product of n roots: 14 n; x / d and the measure:
    # 14 n + 62; 1 / d and q^2 / 2: 44; W: the product of both, and a sum over the nodes.
    roundings = 14 * n + place.size + 130
    lost = 8 * (place.size + measure.sum(axis=(1, 2))) * grid.seen[part][:, 0] * grid.seen[part][:, 1] + 2
    return weights, roundings, lost
