r"""Expected errors E_m in ball arithmetic: the integral of m = 1 and m = n - 1, and every m of complex A.

The formulas are those of :mod:`linflow.risk.enclosure`. The arithmetic is python-flint's (Arb), at the working precision:
every function here is called within :func:`precision`. The sigma_i are taken as exact float64 numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from linflow.checks import Field
from linflow.errors import NotConvergedError
from linflow.spectrum import Spectrum

if TYPE_CHECKING:
    from flint import acb, arb

    Ball = arb

#: Bits at which the squares of float64 numbers are exact, with some to spare.
FIRST_PRECISION = 128
#: Bits given to the matrix formula at the most. It needs some n times the binary digits between l_1 and l_n: 2000 each for
#: 600 decades, 400 000 at n = ``COMPLEX_LIMIT``.
MOST_BITS = 2**20
#: Length in log t within which the integrand of m = 1 and m = n - 1 vanishes: the rates span 1400 units, and each side
#: decays at least like e^{-s/2}.
_LONGEST = 8000


def precisions(most: int) -> list[int]:
    """Working precisions to try, each twice the one before, up to `most` bits."""
    return [FIRST_PRECISION << doublings for doublings in range((most // FIRST_PRECISION).bit_length())]


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Working precision of Arb inside the block (its context is global, so it is put back)."""
    from flint import ctx

    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def is_ball(value: object) -> bool:
    """Whether this is a ball of finite radius.

    >>> from flint import arb
    >>> is_ball(arb(1)), is_ball(1.0), is_ball(arb("nan"))
    (True, False, False)
    """
    from flint import arb

    return isinstance(value, arb) and bool(value.is_finite())


def meets(ball: arb, low: float, high: float) -> bool:
    """Whether the ball and ``low..high`` have a number in common.

    >>> from flint import arb
    >>> meets(arb(1, 0.5), 1.25, 2.0), meets(arb(1, 0.5), 1.75, 2.0)
    (True, False)
    """
    return not (ball < low or ball > high)


def distinct_variances(spectrum: Spectrum) -> tuple[list[arb], list[int]]:
    """Distinct l_i = sigma_i**2 as (exact) balls, descending, with their multiplicities."""
    from flint import arb

    values, counts = np.unique(spectrum.singular_values, return_counts=True)
    return [arb(float(value)) ** 2 for value in values[::-1]], [int(count) for count in counts[::-1]]


def dot(balls: list[arb], multiplicity: list[int]) -> arb:
    """Their sum, each as often as it occurs."""
    from flint import arb

    return sum((ball * count for ball, count in zip(balls, multiplicity, strict=True)), arb(0))


# ------------------------------------------------------------------------------------------------ m = 1, m = n - 1


def first_or_last(spectrum: Spectrum, m: int, field: Field, accuracy: int) -> arb:
    """E_1 or E_{n-1} by Arb's integrator, which aims at a relative radius of ``2**-accuracy``."""
    from flint import acb, arb

    squares, multiplicity = distinct_variances(spectrum)
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
    negligible = scale * arb(2) ** (-accuracy - 12)

    # Left of s = a: u / (1 + u) <= u and the product is <= 1, so the integral is at most h sum_j c_j rate_j e^a.
    moment = h * dot([c * rate for c, rate in zip(weights, rates, strict=True)], multiplicity)
    a = math.floor(float((negligible / moment).log()))
    left_tail = moment * arb(a).exp()
    # Right of s = b: log(1 + u) has the slope u / (1 + u) in s, which increases, so with r = sum_k u_k / (1 + u_k) at b
    # the product decays at least like P(b) e^{-h r (s - b)}, and with u / (1 + u) <= 1 the integral is at most
    # sum_j c_j P(b) / r.
    total = dot(weights, multiplicity)
    for b in range(a + 60, a + 60 + _LONGEST, 4):
        u = [rate * arb(b).exp() for rate in rates]
        product = arb(1)
        for x, count in zip(u, multiplicity, strict=True):
            product *= ((1 + x).rsqrt() if root else 1 / (1 + x)) ** count
        right_tail = total * product / dot([x / (1 + x) for x in u], multiplicity)
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
        inner = acb.integral(integrand, acb(a), acb(b), rel_tol=arb(2) ** (-accuracy - 10), abs_tol=negligible)
    except SystemError as error:
        # An interrupt in the integrand comes out of the compiled code as the cause of this, at some remove.
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__cause__
        raise (error if cause is None else cause) from None
    return inner.real + left_tail.union(arb(0)) + right_tail.union(arb(0))


# ------------------------------------------------------------------------------------------------ complex A


def complex_errors(spectrum: Spectrum) -> list[arb]:
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
