r"""Exact expected error E_m in float64, fast, wherever a formula is known.

Kind: exact. Assumption: Gaussian A, no noise. l_i = sigma_i^2, T = sum l_i.

* m = 0, m = n, and flat spectra at every m: ``T``, 0 and ``l (n - m)``.
* m = 1 and m = n - 1, real (h = 1/2) and complex (h = 1) A, any n: with u_j = rate_j e^s,

      E = int h sum_j c_j u_j / (1 + u_j) prod_k (1 + u_k)^-h ds,   (c_j, rate_j) = (T - l_j, l_j) or (l_j, 1/l_j).

  enclosure.py says why.
* Real A, 2 <= m <= n - 1: a two-dimensional integral, in plane.py, which also bounds all of its error.
* Complex A, 1 <= m < n: with N_t a sum of independent Bernoulli variables of means l_i / (l_i + t),

      E_m = m int_0^inf P(N_t > m) dt.

  Why: in the formula of enclosure.py put ``log x = int 1/(1+t) - 1/(x+t) dt``. The polynomial that interpolates
  ``q(x)/(x+t)`` at the l_i is ``(q(x) - q(-t) w(x)/w(-t)) / (x+t)``, w the master polynomial. Its coefficients give
  M_{k,k+1} = -I_k and sum_{j<=k} a_{j-1} M_{nj} = +I_k with I_k = int sum_{j<k} e_{n-j}(l) t^j / prod_i (t + l_i) dt,
  and with k = n - m that integrand is P(N_t > m). So E_m = (n - 1) I_k - (n - m - 1) I_k. Equivalently
  E_m = m E[(m+1)-st largest of l_i F_i], the F_i independent ratios of two standard exponential variables. As
  E N_kappa = m defines kappa, it is the deterministic equivalent m kappa with the step function 1(E N_t > m) smoothed.

All else is integrated by the trapezoidal rule in s = log t, which converges geometrically: the integrands are analytic
for |Im s| < pi and decay exponentially on both sides (Trefethen & Weideman 2014, "The exponentially convergent
trapezoidal rule", Theorem 5.1). Every integral is certified before it is returned: every second point must give the same
value up to ``AGREEMENT``, and the integrand must have vanished at both ends. All terms are positive, so the values are
accurate relative to themselves: to about 1e-14, and 1e-12 when the variances span hundreds of decades (the rounding of
log l). No code is shared with enclosure.py's quadrature or its matrix formula, so that each tests the other (for real A and
1 < m < n - 1 the enclosures are plane.py's own, and proofs/enclosures_plane.py is the other road). Tested in
tests/test_exact.py and tests/test_exact_real.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from linflow.checks import FIELDS, Count, Counts, Field, FloatArray, one_of, scalar_or_array, vanishing
from linflow.errors import InputError, NotConvergedError
from linflow.risk.compress import compress
from linflow.risk.enclosure import is_flat
from linflow.risk.plane import CONDITION as REAL_CONDITION
from linflow.risk.plane import LIMIT as REAL_LIMIT
from linflow.risk.plane import applies, real_curve
from linflow.spectrum import Spectrum, count_for, counts_for

#: Complex A, 1 < m < n - 1: largest n (the whole curve costs O(n^2) for each of a thousand quadrature points).
COMPLEX_LIMIT = 1000
#: Step in log t that makes the trapezoidal rule exact to rounding for m = 1 and m = n - 1: the integrand is moderate up
#: to |Im s| = pi/2, so the error is about exp(-pi**2 / STEP) = exp(-59).
STEP = 1 / 6
#: Points where the integrand is below e**-NEGLIGIBLE of its maximum are left out.
NEGLIGIBLE = 46.0
#: The outermost terms of the rule, relative to the sum, that show that nothing was cut off.
VANISHED = math.exp(6.0 - NEGLIGIBLE)
#: What the rule with twice the step may differ by: the error is squared (at least) when the step is halved.
AGREEMENT = 1e-8
#: Range of log l within which the Poisson-binomial law is computed without logarithms (float64 reaches e**-708).
LINEAR_SPAN = 600.0
#: Entries of the (quadrature points, nodes) arrays handled at a time, to bound the memory.
BLOCK = 2**19


def has_exact(spectrum: Spectrum | ArrayLike, m: Count, field: Field = "real") -> bool:
    """Whether :func:`exact` knows E_m.

    >>> [has_exact(Spectrum([4.0, 3.0, 2.0, 1.0]), m) for m in range(5)]
    [True, True, True, True, True]
    >>> has_exact(Spectrum.power_law(10_000), 2), has_exact(Spectrum.power_law(10_000), 1)
    (False, True)
    """
    one_of(field, "field", FIELDS)
    spectrum, m = count_for(spectrum, m)
    ends = m in (0, 1, spectrum.n - 1, spectrum.n)
    return ends or is_flat(spectrum) or (applies(spectrum) if field == "real" else spectrum.n <= COMPLEX_LIMIT)


@overload
def exact(spectrum: Spectrum | ArrayLike, m: Count, field: Field = ...) -> float: ...
@overload
def exact(spectrum: Spectrum | ArrayLike, m: Counts, field: Field = ...) -> FloatArray: ...
def exact(spectrum: Spectrum | ArrayLike, m: Count | Counts, field: Field = "real") -> float | FloatArray:
    r"""Expected error E_m of the MLE with m noiseless Gaussian measurements, where an exact formula is known.

    Parameters
    ----------
    spectrum : Spectrum, or (n,) array of singular values, [x]
    m : int or array of int
        Numbers of measurements, each in 0..n.
    field : "real" or "complex"
        Entries of A: N(0, 1), or complex Gaussian.

    Returns
    -------
    float or array
        E_m, [x]^2, accurate to about 1e-14 relative to itself; scalar m -> float, array m -> array of its shape.

    Raises
    ------
    InputError
        An `m` that is not computed: any size and condition are at m = 0, 1, n - 1, n and for a flat spectrum; every m up
        to n = ``REAL_LIMIT`` and ``sigma_1 / sigma_n = REAL_CONDITION``, and with ``field="complex"`` up to
        n = ``COMPLEX_LIMIT``. Or `m` outside 0..n, or unknown `field`.
    NotConvergedError
        A quadrature that does not certify itself (none is known).

    Notes
    -----
    THEORY.md section 3; the formulas are in this module's docstring. :func:`linflow.risk.enclosure.enclosure` gives
    rigorous intervals.

    Examples
    --------
    Two singular values a, b: with one real measurement the error is a b, with one complex measurement it is
    a^2 b^2 log(a^2 / b^2) / (a^2 - b^2).

    >>> spectrum = Spectrum([3.0, 2.0])
    >>> bool(np.isclose(exact(spectrum, 1), 6.0, rtol=1e-14))
    True
    >>> bool(np.isclose(exact(spectrum, 1, field="complex"), 36 * np.log(9 / 4) / 5, rtol=1e-14))
    True

    A gap in the spectrum is a cliff in m, which no number of draws that can be afforded shows: at m = rank + 1 the error
    still comes from draws of A that are nearly dependent on the large directions.

    >>> curve = exact(Spectrum.step(8, rank=2, floor=1e-3), range(9))
    >>> [f"{value:.2e}" for value in curve[:5]]
    ['2.00e+00', '1.00e+00', '4.62e-03', '6.37e-05', '1.20e-05']
    """
    one_of(field, "field", FIELDS)
    spectrum, counts = counts_for(spectrum, m)
    wanted = [int(count) for count in np.unique(counts)]
    for count in wanted:
        if not has_exact(spectrum, count, field):
            raise InputError(_no_oracle(spectrum, count, field))
    with vanishing():
        values = np.array([_value(spectrum, count, field) for count in wanted])
    return scalar_or_array(values[np.searchsorted(wanted, counts)], m)


def _no_oracle(spectrum: Spectrum, m: int, field: Field) -> str:
    known = "m = 0, 1, n - 1 and n, and flat spectra, at any size"
    if field == "real":
        given = f"n = {spectrum.n} and a condition of {spectrum.condition:.1g}"
        limits = f"n = {REAL_LIMIT} and a condition of {REAL_CONDITION:g}"
    else:
        given, limits = f"n = {spectrum.n}", f"n = {COMPLEX_LIMIT}"
    return f"no exact value is computed for {field} A at m = {m}, {given}: every m has one up to {limits}, and {known}"


def _value(spectrum: Spectrum, m: int, field: Field) -> float:
    n = spectrum.n
    if m in (0, n):
        return float(spectrum.tail(m))
    if is_flat(spectrum):
        return float(spectrum.variances[0]) * (n - m)
    if m in (1, n - 1):
        return _extreme(spectrum, m, 0.5 if field == "real" else 1.0)
    return float(real_curve(spectrum).values[m] if field == "real" else _complex_curve(spectrum)[m])


# ------------------------------------------------------------------------------------------------ m = 1, m = n - 1


def _extreme(spectrum: Spectrum, m: int, h: float) -> float:
    """E_1 or E_{n-1}; `h` is 1/2 for real and 1 for complex A."""
    sigma = spectrum.singular_values
    ones = np.ones(spectrum.n)
    if m == 1:
        # Rates in units of l_1: then the large values, which decide, have the most accurate logarithms. Weights in units
        # of the geometric mean of their extremes, T - l_1 and T: neither leaves the range of float64.
        unit = math.sqrt(spectrum.variances[0]) * math.sqrt(spectrum.tail(1))
        # T - l_j >= T / 2 unless j = 1, so only that one cancels; it is the tail.
        others = (spectrum.energy - spectrum.variances) / unit
        others[0] = spectrum.tail(1) / unit
        log_rate, count, weight = compress(2.0 * np.log(sigma / sigma[0]), ones, others)
    else:
        unit = float(spectrum.variances[-1])
        log_rate, count = compress(-2.0 * np.log(sigma / sigma[-1]), ones)
        weight = count
    sign = np.sign(weight)  # interpolation weights may be negative
    with np.errstate(divide="ignore"):
        log_weight = np.log(np.abs(weight))

    def log_integrand(s: FloatArray) -> FloatArray:
        x = s[:, None] + log_rate
        log_1p = np.logaddexp(0.0, x)
        # At m = n - 1, c_j rate_j = 1 makes the sum e^s sum_j 1 / (1 + u_j): no c_j = l_j / l_n, which could overflow.
        terms = (x if m == 1 else s[:, None]) - log_1p + log_weight
        peak = terms.max(axis=1)
        log_sum = peak + np.log(np.exp(terms - peak[:, None]) @ sign)
        return np.asarray(log_sum - h * (log_1p @ count), dtype=np.float64)

    # Below the first bound the integrand is e^s times a constant that the maximum exceeds; above the second it falls at
    # least like e^{-s}, since n h >= 1.
    margin = NEGLIGIBLE + 4.0 + math.log(spectrum.n)
    start, stop = -float(log_rate.max()) - margin, -float(log_rate.min()) + margin
    return unit * h * _integrate(log_integrand, start, stop, log_rate.size)


def _integrate(log_f: Callable[[FloatArray], FloatArray], start: float, stop: float, width: int) -> float:
    """Trapezoidal rule for exp(log_f) over start..stop, in blocks of points that make arrays `width` wide."""

    def evaluate(s: FloatArray) -> FloatArray:
        pieces = math.ceil(s.size * width / BLOCK)
        return np.concatenate([log_f(piece) for piece in np.array_split(s, pieces)])

    # Coarse pass: find where the integrand matters. Its logarithm rises with slope at most 1, so a peak between two
    # points 2 apart exceeds the left one by at most e^2.
    coarse = _grid(start, stop, 2.0)
    logs = evaluate(coarse)
    matters = coarse[logs > logs.max() - NEGLIGIBLE]
    logs = evaluate(_grid(float(matters[0]) - 2.0, float(matters[-1]) + 2.0, STEP))
    top = float(logs.max())
    terms = np.exp(logs - top)
    total = float(terms.sum())
    _certify(np.array([2.0 * float(terms[::2].sum()) / total]), np.array([terms[0], terms[-1]]) / total)
    return STEP * total * math.exp(top)


def _certify(coarse: FloatArray, ends: FloatArray) -> None:
    """Raise unless integrals have converged: `coarse` by every second point and `ends`, both relative to the full sums."""
    if not (np.all(np.abs(coarse - 1.0) <= AGREEMENT) and np.all(ends <= VANISHED)):
        raise NotConvergedError(
            "the integral of the expected error did not converge: the trapezoidal rule with twice the step differs by "
            f"{float(np.max(np.abs(coarse - 1.0))):.0e} of it (allowed: {AGREEMENT:g}), and the terms at the ends are "
            f"{float(np.max(ends)):.0e} of it (allowed: {VANISHED:.0e})"
        )


def _grid(start: float, stop: float, step: float) -> FloatArray:
    # Not arange(start, stop, step): its spacing is the rounded (start + step) - start, wrong by 1e-14 of itself.
    return start + step * np.arange(math.ceil((stop - start) / step) + 1, dtype=np.float64)


# ------------------------------------------------------------------------------------------------ complex A


@lru_cache(maxsize=64)
def _complex_curve(spectrum: Spectrum) -> FloatArray:
    """E_0..E_n for complex A: ``m int e^s P(N_{e^s} > m) ds`` for all m from one table of Poisson-binomial laws."""
    n = spectrum.n
    unit = float(spectrum.variances[0])
    log_l = 2.0 * np.log(spectrum.singular_values / spectrum.singular_values[0])
    # Left of log l_n the integrand is e^s, right of log l_1 + log n it falls like e^{-m s}.
    margin = NEGLIGIBLE + math.log(n)
    start, stop = float(log_l[-1]) - margin, margin
    step = _complex_step(log_l, start, stop)
    s = _grid(start, stop, step)
    # Log sums, because e^s and P may each leave the range of float64 where their product matters.
    log_sums = [np.full(n + 1, -np.inf) for _ in range(2)]  # over the points of even and of odd number
    for parity, points in enumerate((s[::2], s[1::2])):
        for block in np.array_split(points, math.ceil(points.size * (n + 1) / BLOCK)):
            log_terms = block + _log_exceedance(block, log_l)
            log_sums[parity] = np.logaddexp(log_sums[parity], np.logaddexp.reduce(log_terms, axis=1))
    log_total = np.logaddexp(*log_sums)
    inner, ends = slice(1, n), s[[0, -1]]  # the sums of m = 0 and m = n are known and not used
    log_ends = (ends + _log_exceedance(ends, log_l))[inner]
    _certify(2.0 * np.exp(log_sums[0][inner] - log_total[inner]), np.exp(log_ends - log_total[inner, None]))
    half = np.exp(0.5 * log_total)  # in units of l_1 a small E_m may underflow, its root does not
    curve: FloatArray = step * np.arange(n + 1) * (half * unit) * half
    curve[0], curve[n] = spectrum.energy, 0.0
    curve.flags.writeable = False
    return curve


def _complex_step(log_l: FloatArray, start: float, stop: float) -> float:
    """Step in log t at which the trapezoidal rule is exact to rounding.

    P(N_t > m) falls from 1 to 0 over a width of 1/sqrt(v) in log t, v = max_t var N_t. Precisely: at Im s = y the
    integrand grows at most by prod_i |1 - 4 p_i (1 - p_i) sin(y/2)^2|^-1/2 = exp(v y^2 / 2 + ...), against the factor
    exp(-2 pi y / step) of the rule's error; at the best y this is exp(-2 pi^2 / (v step^2)) = exp(-93), and still
    exp(-23) with twice the step, which is the rule that the result is compared with.
    """
    points = _grid(start, stop, 0.5)
    p = np.exp(-np.logaddexp(0.0, points[:, None] - log_l))
    spread = float((p * (1.0 - p)).sum(axis=1).max())
    return min(STEP, 0.46 / math.sqrt(spread))


def _log_exceedance(s: FloatArray, log_l: FloatArray) -> FloatArray:
    """log P(N_t > m) at t = e^s, shape (n + 1, points): each law by adding one Bernoulli variable after the other."""
    law = np.zeros((log_l.size + 1, s.size))
    tails = np.zeros_like(law)
    law[0] = 1.0
    # Every tail is summed from the top down, from positive terms: accurate relative to itself.
    if log_l[0] - log_l[-1] < LINEAR_SPAN:
        for i, value in enumerate(log_l):
            unseen = 1.0 / (1.0 + np.exp(value - s))
            seen = 1.0 / (1.0 + np.exp(s - value))
            law[1 : i + 2] = law[1 : i + 2] * unseen + law[: i + 1] * seen
            law[0] *= unseen
        tails[:-1] = np.cumsum(law[:0:-1], axis=0)[::-1]
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(tails))
    # Probabilities below 1e-308 matter where t is larger than l_{m+1} by as much: the same recursion, in logarithms.
    law[0], law[1:] = 0.0, -np.inf
    tails[-1] = -np.inf
    for i, value in enumerate(log_l):
        log_unseen, log_seen = -np.logaddexp(0.0, value - s), -np.logaddexp(0.0, s - value)
        law[1 : i + 2] = np.logaddexp(law[1 : i + 2] + log_unseen, law[: i + 1] + log_seen)
        law[0] += log_unseen
    tails[:-1] = np.logaddexp.accumulate(law[:0:-1], axis=0)[::-1]
    return tails
