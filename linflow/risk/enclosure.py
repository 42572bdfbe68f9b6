r"""Rigorous enclosures ``low <= E_m <= high`` of the expected error, wherever an exact formula is known.

E_m is the expected error of the MLE with m Gaussian measurements, l_i = sigma_i^2, T = sum l_i. Kind: exact. Assumption:
Gaussian A, no noise. The arithmetic is python-flint's ball arithmetic (Arb) but for one case; the sigma_i are taken as
exact float64 numbers, so the result holds for the stored spectrum, rounding included.

* m = 0, m = n, and flat spectra at every m: ``T``, 0 and ``l (n - m)``, for every draw of A.
* m = 1 and m = n - 1. At m = 1 the error is ``sum_j (T - l_j) w_j`` with ``w_j = l_j |g_j|^2 / sum_k l_k |g_k|^2``. At
  m = n - 1 the one unseen direction is ``Sigma^-1 q``, q uniform on the sphere, and the error ``1 / sum_i |q_i|^2 / l_i``
  is ``sum_j l_j w_j`` with ``w_j = l_j^-1 |g_j|^2 / sum_k l_k^-1 |g_k|^2``. Both means are, with h = 1/2 (real A) or
  h = 1 (complex A), from ``1 / x = int exp(-t x) dt`` and the substitution ``s = log t``,

      int h sum_j c_j u_j / (1 + u_j) prod_k (1 + u_k)^-h ds,   u_j = rate_j e^s

  with (c_j, rate_j) = (T - l_j, l_j) or (l_j, 1/l_j): positive terms only, no cancellation (THEORY.md's formula for E_1
  subtracts an integral from T, which loses everything on a decaying spectrum).
* Real A, 1 < m < n - 1: the sums of positive float64 numbers in plane.py, with all of their error bounded there, rounding
  operation by operation. (Balls would take a thousand times as long, for the same interval.)
* Complex A, every m: :func:`_complex_balls`.

Sources: correlated Wishart matrices, James (1964), Chiani, Win & Zanella (2003); Arb's integrator, Johansson (2018),
"Numerical integration in arbitrary-precision ball arithmetic". Tested in tests/test_exact.py against closed forms for
n = 2, mpmath, Monte Carlo and the float64 quadrature of exact.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from linflow.arrays import NoArray
from linflow.checks import FIELDS, Count, Field, extended, one_of
from linflow.errors import InputError, NotConvergedError
from linflow.risk.plane import applies, real_curve
from linflow.spectrum import Spectrum, count_for

if TYPE_CHECKING:
    from flint import acb, arb

#: Complex A, 1 < m < n - 1: largest n. Half a second to a few seconds at this size on usual spectra, a minute on one
#: whose variances span 600 decades (the precision needed grows like n times the decades).
COMPLEX_LIMIT = 200
#: m = 1 and m = n - 1: most distinct values that are enclosed (1 ms each, ten times that over hundreds of decades).
DISTINCT_LIMIT = 1024
#: Working precision is raised until every relative radius is below 2**-ACCURACY (float64 has 53 bits).
ACCURACY = 60
#: Bits at which the squares of float64 numbers are exact, with some to spare.
FIRST_PRECISION = 128
#: Bits given to the matrix formula at the most. It needs some n times the binary digits between l_1 and l_n: 2000 each for
#: 600 decades, 400 000 at n = ``COMPLEX_LIMIT``.
_MOST_BITS = 2**20
#: Length in log t within which the integrand of m = 1 and m = n - 1 vanishes: the rates span 1400 units, and each side
#: decays at least like e^{-s/2}.
_LONGEST = 8000


@dataclass(frozen=True)
class Enclosure(NoArray, instead="its low, its high or its midpoint"):
    """Interval ``low <= E_m <= high`` that holds with rounding included, [x]^2.

    >>> Enclosure(low=1.0, high=2.0).midpoint
    1.5
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        low, high = extended(self.low, "low"), extended(self.high, "high")
        if low > high:
            raise InputError(f"an enclosure needs low <= high, got {low} and {high}")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def midpoint(self) -> float:
        """Centre of the interval."""
        return self.low + (self.high - self.low) / 2


def enclosure(spectrum: Spectrum | ArrayLike, m: Count, field: Field = "real") -> Enclosure | None:
    r"""Rigorous enclosure of the expected error E_m, or None where no exact formula is known (or it would take too long).

    Parameters
    ----------
    spectrum : Spectrum, or (n,) array of singular values, [x]
    m : int
        Number of measurements, 0..n.
    field : "real" or "complex"
        Entries of A: N(0, 1), or complex Gaussian.

    Returns
    -------
    Enclosure or None
        An interval of relative width about 1e-15, or for real A and 1 < m < n - 1 about 1e-12. There is one for m = 0 and
        m = n; for a flat spectrum at every m; for m = 1 and m = n - 1 with up to ``DISTINCT_LIMIT`` distinct values; for
        every m up to n = ``REAL_LIMIT`` and a condition of ``CONDITION`` of plane.py, and with ``field="complex"`` up to
        n = ``COMPLEX_LIMIT``.

    Raises
    ------
    InputError
        `m` not a whole number in 0..n, or an unknown `field`.
    NotConvergedError
        An interval that stays wide at the highest precision allowed.

    Notes
    -----
    THEORY.md section 3 and this module's docstring. Results are cached by the values of the spectrum.

    Examples
    --------
    For two singular values a, b and one real measurement the expected error is their product:

    >>> found = enclosure(Spectrum([3.0, 2.0]), m=1)
    >>> found.low <= 6.0 <= found.high, found.high - found.low < 1e-14
    (True, True)
    >>> enclosure(Spectrum.power_law(2000), m=2) is None
    True
    """
    one_of(field, "field", FIELDS)
    return _enclosure(*count_for(spectrum, m), field)


def is_flat(spectrum: Spectrum) -> bool:
    """Whether all singular values are equal, to the last bit.

    >>> is_flat(Spectrum.flat(3)), is_flat(Spectrum([1.0, 2.0]))
    (True, False)
    """
    return bool(spectrum.singular_values[0] == spectrum.singular_values[-1])


@lru_cache(maxsize=1024)
def _enclosure(spectrum: Spectrum, m: int, field: Field) -> Enclosure | None:
    n = spectrum.n
    if m == n:
        return Enclosure(0.0, 0.0)
    if is_flat(spectrum) or m == 0:
        with _precision(FIRST_PRECISION):
            squares, multiplicity = _squares(spectrum)
            # Flat: (n - m) l. Otherwise m = 0: the sum of all l.
            copies = [n - m] if is_flat(spectrum) else multiplicity
            return _outward(_dot(squares, copies))
    if field == "complex" and n <= COMPLEX_LIMIT:
        return _complex_curve(spectrum)[m]
    if m in (1, n - 1) and np.unique(spectrum.singular_values).size <= DISTINCT_LIMIT:
        return _extreme(spectrum, m, field)
    if field == "real" and 1 < m < n - 1 and applies(spectrum):
        curve = real_curve(spectrum)
        return Enclosure(float(curve.low[m]), float(curve.high[m]))
    return None


# ------------------------------------------------------------------------------------------------ balls


def _precisions(most: int) -> list[int]:
    """Working precisions to try, each twice the one before, up to `most` bits."""
    return [FIRST_PRECISION << doublings for doublings in range((most // FIRST_PRECISION).bit_length())]


@contextmanager
def _precision(bits: int) -> Iterator[None]:
    """Working precision of Arb inside the block (its context is global, so it is put back)."""
    from flint import ctx

    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def _squares(spectrum: Spectrum) -> tuple[list[arb], list[int]]:
    """Distinct l_i = sigma_i**2 as (exact) balls, descending, with their multiplicities."""
    from flint import arb

    values, counts = np.unique(spectrum.singular_values, return_counts=True)
    return [arb(float(value)) ** 2 for value in values[::-1]], [int(count) for count in counts[::-1]]


def _dot(balls: list[arb], multiplicity: list[int]) -> arb:
    from flint import arb

    return sum((ball * count for ball, count in zip(balls, multiplicity, strict=True)), arb(0))


def _outward(ball: arb) -> Enclosure:
    """The smallest float64 interval around a ball that can be had without knowing how float() rounds."""
    from flint import arb

    lower, upper = ball.lower(), ball.upper()
    low, high = float(lower), float(upper)
    if not arb(low) <= lower:
        low = math.nextafter(low, -math.inf)
    if not arb(high) >= upper:
        high = math.nextafter(high, math.inf)
    return Enclosure(low, high)


# ------------------------------------------------------------------------------------------------ m = 1, m = n - 1


def _extreme(spectrum: Spectrum, m: int, field: Field) -> Enclosure:
    """E_1 or E_{n-1} by Arb's integrator."""
    for bits in _precisions(8 * FIRST_PRECISION):
        with _precision(bits):
            ball = _extreme_ball(spectrum, m, field)
            if ball.rel_accuracy_bits() > ACCURACY:
                return _outward(ball)
    raise NotConvergedError(f"the integral for E_{m} is not enclosed to {ACCURACY} bits with a precision of {bits} bits")


def _extreme_ball(spectrum: Spectrum, m: int, field: Field) -> arb:
    from flint import acb, arb

    squares, multiplicity = _squares(spectrum)
    if m == 1:
        rates = squares
        # T - l_j as the sum of the others, from sums over the larger and over the smaller values: no subtraction.
        blocks = [x * count for x, count in zip(squares, multiplicity, strict=True)]
        larger = list(accumulate(blocks, initial=arb(0)))
        smaller = list(accumulate(reversed(blocks), initial=arb(0)))[::-1]
        weights = [
            larger[j] + smaller[j + 1] + x * (count - 1)
            for j, (x, count) in enumerate(zip(squares, multiplicity, strict=True))
        ]
    else:
        rates = [1 / x for x in squares]
        weights = squares
    root = field == "real"
    h = arb(0.5) if root else arb(1)
    # What the answer exceeds, up to a constant: (l_1 l_2)^1/2 or (l_{n-1} l_n)^1/2 for real A, T - l_1 or l_n for complex
    # A. It only sets where the tails are cut: they are bounded and added whatever it is.
    first, second = (arb(float(value)) for value in spectrum.singular_values[[0, 1] if m == 1 else [-1, -2]])
    scale = first * second if root else (weights[0] if m == 1 else squares[-1])
    negligible = scale * arb(2) ** (-ACCURACY - 12)

    # Left of s = a: u / (1 + u) <= u and the product is <= 1, so the integral is at most h sum_j c_j rate_j e^a.
    moment = h * _dot([c * rate for c, rate in zip(weights, rates, strict=True)], multiplicity)
    a = math.floor(float((negligible / moment).log()))
    left_tail = moment * arb(a).exp()
    # Right of s = b: log(1 + u) has the slope u / (1 + u) in s, which increases, so with r = sum_k u_k / (1 + u_k) at b
    # the product decays at least like P(b) e^{-h r (s - b)}, and with u / (1 + u) <= 1 the integral is at most
    # sum_j c_j P(b) / r.
    total = _dot(weights, multiplicity)
    for b in range(a + 60, a + 60 + _LONGEST, 4):
        u = [rate * arb(b).exp() for rate in rates]
        product = arb(1)
        for x, count in zip(u, multiplicity, strict=True):
            product *= ((1 + x).rsqrt() if root else 1 / (1 + x)) ** count
        right_tail = total * product / _dot([x / (1 + x) for x in u], multiplicity)
        if right_tail < negligible:
            break
    else:
        raise NotConvergedError(f"the integrand for E_{m} does not vanish within {_LONGEST} units of log t")

    factors = list(zip(rates, multiplicity, [c * k for c, k in zip(weights, multiplicity, strict=True)], strict=True))

    def integrand(s: acb, analytic: bool) -> acb:
        t = s.exp()
        product, total = acb(1), acb(0)
        for rate, count, weight in factors:
            u = rate * t
            # One square root per factor, and not one of the product: 1 + u meets the branch cut only at |Im s| = pi.
            factor = (1 + u).rsqrt(analytic=analytic) if root else 1 / (1 + u)
            total += weight * (u * (factor * factor if root else factor))
            product *= factor if count == 1 else factor**count
        return h * total * product

    try:
        inner = acb.integral(integrand, acb(a), acb(b), rel_tol=arb(2) ** (-ACCURACY - 10), abs_tol=negligible)
    except SystemError as error:
        # An interrupt in the integrand comes out of the compiled code as the cause of this, at some remove.
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__cause__
        raise (error if cause is None else cause) from None
    return inner.real + left_tail.union(arb(0)) + right_tail.union(arb(0))


# ------------------------------------------------------------------------------------------------ complex A


@lru_cache(maxsize=64)
def _complex_curve(spectrum: Spectrum) -> tuple[Enclosure, ...]:
    """Enclosures of E_0..E_n for complex Gaussian A."""
    for bits in _precisions(_MOST_BITS):
        with _precision(bits):
            balls = _complex_balls(spectrum)
            if min(ball.rel_accuracy_bits() for ball in balls[:-1]) > ACCURACY:
                return tuple(_outward(ball) for ball in balls)
    raise NotConvergedError(f"the expected errors are not enclosed to {ACCURACY} bits with a precision of {bits} bits")


def _complex_balls(spectrum: Spectrum) -> list[arb]:
    r"""E_0..E_n for complex Gaussian A, at the working precision.

    Notes
    -----
    With V the Vandermonde matrix of the l_i, Lambda = diag(l) and L = diag(log l), F_m = sum_{k > n-m} [V^-1 L V]_kk is
    E log det(A Lambda A*) up to a constant, E P_ii = dF_m / dlog l_i, so that E_m = sum_i l_i (1 - E P_ii) is T minus
    the derivative of F_m along l_i + eps l_i^2 (THEORY.md section 3). With D = diag(0..n-1), the three terms of that
    derivative (of L, of V, of V^-1) are the diagonals of

        C,   (M C) D,   - C D M,   where C = V^-1 Lambda V,   M = V^-1 L V = log C.

    C multiplies a polynomial by x modulo the master polynomial prod_i (x - l_i) = x^n + sum_k a_{k-1} x^{k-1}: it is
    the companion matrix, and column k of M holds the coefficients of the polynomial that interpolates x^{k-1} log x at
    the l_i. Therefore (M C)_kk = M_{k,k+1}, (C D M)_kk = (k - 2) M_{k-1,k} - a_{k-1} (n - 1) M_{nk}; the sum over
    k > n - m telescopes, sum_k M_nk a_{k-1} = -M_{n,n+1}, the trace of C is T, and for 1 <= m < n

        E_m = (n - m - 1) M_{n-m,n-m+1} + (n - 1) sum_{k <= n-m} a_{k-1} M_{nk}

    (both terms are multiples of one positive integral, which is the road that exact.py takes).

    Nothing is left of V and its inverse. The first column of M comes from divided differences of log, each further one
    from a shift: O(n^2) operations for all m. Interpolation is continuous when nodes merge (Hermite), so repeated
    values need only the derivatives of log in the divided differences. The sums cancel, hence the high precision.
    """
    from flint import arb, arb_poly

    sigma = spectrum.singular_values
    n = spectrum.n
    square = [arb(float(value)) ** 2 for value in sigma]
    difference = [x.log() for x in square]
    newton = [difference[0]]
    for order in range(1, n):
        difference = [
            # f[x, ..., x] = f^(order)(x) / order! for f = log where all order + 1 nodes are one.
            (-1) ** (order - 1) / (order * square[i] ** order)
            if sigma[i] == sigma[i + order]
            else (difference[i + 1] - difference[i]) / (square[i + order] - square[i])
            for i in range(n - order)
        ]
        newton.append(difference[0])
    column, master = arb_poly([newton[-1]]), arb_poly([1])
    for i in reversed(range(n - 1)):
        column = column * arb_poly([-square[i], 1]) + newton[i]
    for x in square:
        master *= arb_poly([-x, 1])
    a = [master[k] for k in range(n)]
    lower_master = arb_poly(a)
    times_x = arb_poly([0, 1])
    last_row, above_diagonal = [], []  # M_{nk} and M_{k,k+1} for k = 1..n
    for k in range(n):
        top = column[n - 1]
        # x * column modulo the master polynomial: the coefficient of x^n is dropped, not subtracted from itself.
        shifted = times_x * arb_poly([column[j] for j in range(n - 1)])
        column = shifted - top * lower_master
        last_row.append(top)
        above_diagonal.append(column[k])
    partial = list(accumulate((x * y for x, y in zip(a, last_row, strict=True)), initial=arb(0)))
    curve = [(n - m - 1) * above_diagonal[n - m - 1] + (n - 1) * partial[n - m] for m in range(1, n)]
    return [sum(square, arb(0)), *curve, arb(0)]
