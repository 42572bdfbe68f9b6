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
* Complex A, every m: :func:`complex_errors`.

Sources: correlated Wishart matrices, James (1964), Chiani, Win & Zanella (2003); Arb's integrator, Johansson (2018),
"Numerical integration in arbitrary-precision ball arithmetic". Tested in tests/test_exact.py against closed forms for
n = 2, mpmath, Monte Carlo and the float64 quadrature of exact.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from linflow.arrays import NoArray
from linflow.checks import FIELDS, Count, Field, extended, one_of
from linflow.errors import InputError, NotConvergedError
from linflow.risk.balls import (
    FIRST_PRECISION,
    MOST_BITS,
    complex_errors,
    distinct_variances,
    dot,
    first_or_last,
    precision,
    precisions,
)
from linflow.risk.plane import applies, real_curve
from linflow.spectrum import Spectrum, count_for

if TYPE_CHECKING:
    from flint import arb

#: Complex A, 1 < m < n - 1: largest n. Half a second to a few seconds at this size on usual spectra, a minute on one
#: whose variances span 600 decades (the precision needed grows like n times the decades).
COMPLEX_LIMIT = 200
#: m = 1 and m = n - 1: most distinct values that are enclosed (1 ms each, ten times that over hundreds of decades).
DISTINCT_LIMIT = 1024
#: Relative radius 2**-ACCURACY below which a ball is fine for an interval of float64 numbers (which have 53 bits).
ACCURACY = 60


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
    ball = error_ball(spectrum, m, field, ACCURACY)
    if ball is not None:
        with precision(FIRST_PRECISION):
            return outward(ball)
    if field == "real" and 1 < m < spectrum.n - 1 and applies(spectrum):
        curve = real_curve(spectrum)
        return Enclosure(float(curve.low[m]), float(curve.high[m]))
    return None


# ------------------------------------------------------------------------------------------------ balls


def error_ball(spectrum: Spectrum, m: int, field: Field, accuracy: int) -> arb | None:
    """A ball around E_m whose radius is below ``2**-accuracy`` of it, or none where it would not be had in balls.

    All that :func:`enclosure` knows but real A at 1 < m < n - 1, which are intervals of float64 numbers.

    Parameters
    ----------
    m : in 0..n.
    accuracy : bits, at least 1. Where the formula cancels, the working precision is raised until they are right.

    Raises
    ------
    NotConvergedError
        A ball that stays wide at the highest precision allowed.

    Examples
    --------
    For two singular values and one measurement the error is their product:

    >>> ball = error_ball(Spectrum([3.0, 2.0]), 1, "real", 200)
    >>> bool(ball.contains(6)), bool(ball.rad() < 1e-59)
    (True, True)
    """
    from flint import arb

    n = spectrum.n
    if m == n:
        return arb(0)
    if is_flat(spectrum) or m == 0:
        with precision(max(accuracy, FIRST_PRECISION)):
            variances, multiplicity = distinct_variances(spectrum)
            # Flat: (n - m) l. Otherwise m = 0: the sum of all l.
            return dot(variances, [n - m] if is_flat(spectrum) else multiplicity)
    if field == "complex" and n <= COMPLEX_LIMIT:
        return _complex_curve(spectrum, accuracy)[m]
    if m in (1, n - 1) and np.unique(spectrum.singular_values).size <= DISTINCT_LIMIT:
        return _extreme(spectrum, m, field, accuracy)
    return None


def outward(ball: arb) -> Enclosure:
    """The smallest float64 interval around a ball that can be had without knowing how float() rounds."""
    from flint import arb

    lower, upper = ball.lower(), ball.upper()
    low, high = float(lower), float(upper)
    if not arb(low) <= lower:
        low = math.nextafter(low, -math.inf)
    if not arb(high) >= upper:
        high = math.nextafter(high, math.inf)
    return Enclosure(low, high)


def relative_difference(one: arb, other: arb, bits: int) -> Enclosure:
    """An enclosure of ``(one - other)/other``, worked out with so many bits.

    >>> from flint import arb
    >>> found = relative_difference(arb(1) + arb(2) ** -52, arb(1), 128)
    >>> found.low == found.high == 2.0**-52
    True
    """
    with precision(bits):
        return outward((one - other) / other)


def _extreme(spectrum: Spectrum, m: int, field: Field, accuracy: int) -> arb:
    """E_1 or E_{n-1} by Arb's integrator."""
    for bits in precisions(8 * max(accuracy, FIRST_PRECISION)):
        with precision(bits):
            ball = first_or_last(spectrum, m, field, accuracy)
            if ball.rel_accuracy_bits() > accuracy:
                return ball
    raise NotConvergedError(f"the integral for E_{m} is not enclosed to {accuracy} bits with a precision of {bits} bits")


@lru_cache(maxsize=64)
def _complex_curve(spectrum: Spectrum, accuracy: int) -> tuple[arb, ...]:
    """E_0..E_n for complex Gaussian A."""
    for bits in precisions(max(MOST_BITS, 8 * accuracy)):
        with precision(bits):
            balls = complex_errors(spectrum)
            if min(ball.rel_accuracy_bits() for ball in balls[:-1]) > accuracy:
                return tuple(balls)
    raise NotConvergedError(f"the expected errors are not enclosed to {accuracy} bits with a precision of {bits} bits")
