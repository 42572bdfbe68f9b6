r"""Elementary symmetric functions: one value apart, two values apart, and a strict form of Newton's inequality.

Setting.  e_k = e_k(l_1, ..., l_n) for l_1, ..., l_n > 0 and every integer k, e_k = 0 for k < 0 and for k > n; e_k > 0 for
0 <= k <= n. e_k^{(i)} is formed without l_i, and e_k^{(ij)} without l_i and l_j.

Statement ("symmetric-functions").

    (a)  e_k = e_k^{(i)} + l_i e_{k-1}^{(i)}.
    (b)  sum_i l_i e_{k-1}^{(i)} = k e_k  and  sum_i e_k^{(i)} = (n - k) e_k.
    (c)  D(p, q) := e_p e_q - e_{p-1} e_{q+1} >= 0 for p <= q, and D(k, k) > 0 for 0 <= k <= n.
    (d)  For two values x = l_i and y = l_j, with e' = e^{(ij)}:
             e_{k-1}^{(i)} e_k^{(j)} - e_{k-1}^{(j)} e_k^{(i)} = (x - y) (e'_{k-1}^2 - e'_{k-2} e'_k),
             x e_k^{(i)} - y e_k^{(j)} = (x - y) e'_k.

Proof.

1. sum_k e_k z^k = prod_i (1 + l_i z). Taking one factor out and comparing the coefficients of z^k is (a).
2. The logarithmic derivative of the product, times z, is  sum_i l_i z/(1 + l_i z). The coefficient of z^k in
   z (prod)' = sum_i l_i z prod_{j != i} (1 + l_j z) is the first half of (b). Sum (a) over i for the second half.
3. (c), by induction on n. For n = 0 only e_0 = 1 is not 0, and D(p, q) = 0 except for D(0, 0) = 1. Let a value x be added
   to others, whose D is D'. By (a), for all p and q,

       D(p, q) = D'(p, q) + x (D'(p, q-1) + D'(p-1, q)) + x^2 D'(p-1, q-1),

   where D'(p, q-1) = 0 if p = q, and all four are >= 0 if p <= q. If p = q = k then D'(k, k) > 0 for k <= n - 1, and
   D'(k-1, k-1) > 0 for k = n.
4. (d): put e^{(i)}_k = e'_k + y e'_{k-1} and e^{(j)}_k = e'_k + x e'_{k-1} into the left sides.                        []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import positive, same
from .ledger import Statement

SYMMETRIC = Statement(
    "symmetric-functions",
    "e_p e_q >= e_{p-1} e_{q+1} for p <= q, e_k^2 > e_{k-1} e_{k+1} for 0 <= k <= n, and e_k with one or two values apart",
    source="(c) is Newton's inequality without its binomial factors: Hardy, Littlewood & Polya 1934, Theorem 51",
)

#: e'_k, of the values that are left when those in question are taken away; it is 0 or positive, for every k.
rest = sp.Function("e'", nonnegative=True)

x, y = sp.symbols("x y", positive=True)
k, n, p, q = sp.symbols("k n p q", integer=True)
z = sp.Symbol("z", positive=True)


def joined(index: Any, value: Any) -> Any:
    """e_k of the rest and one more value."""
    return rest(index) + value * rest(index - 1)


def joined_by_two(index: Any, one: Any, other: Any) -> Any:
    """e_k of the rest and two more values."""
    return joined(index, one) + other * joined(index - 1, one)


def minor(index: Any, other: Any, e: Any) -> Any:
    """D(p, q), from a function that gives e_k."""
    return e(index) * e(other) - e(index - 1) * e(other + 1)


def minor_joined(index: Any, other: Any, value: Any) -> Any:
    """D(p, q) with one more value, from the D' of the rest: step 3."""
    two = minor(index, other - 1, rest) + minor(index - 1, other, rest)
    return minor(index, other, rest) + value * two + value**2 * minor(index - 1, other - 1, rest)


def ratio_exchange(index: Any, one: Any, other: Any) -> Any:
    """The right side of the first line of (d)."""
    return (one - other) * minor(index - 1, index - 1, rest)


def product_exchange(index: Any, one: Any, other: Any) -> Any:
    """The right side of the second line of (d)."""
    return (one - other) * rest(index)


@SYMMETRIC.symbolic("(a), from the generating function", scope="all k, n: two neighbouring terms of the rest's series")
def one_apart() -> None:
    below, above = z ** (k - 1) * rest(k - 1), z**k * rest(k)
    product = sp.expand((1 + x * z) * (below + above))
    same(sp.powsimp(product - below - x * z * above), z**k * joined(k, x))
    same(joined_by_two(k, x, y), joined_by_two(k, y, x), "the order does not matter")


@SYMMETRIC.symbolic("(b), from the logarithmic derivative of the generating function", scope="each factor, hence all n")
def counted() -> None:
    factor = 1 + x * z
    same(z * sp.diff(sp.log(factor), z), x * z / factor)
    same(z * sp.diff(z**k * rest(k), z), k * z**k * rest(k))
    # Sum (a) over the n values: n e_k = sum_i e_k^{(i)} + k e_k.
    whole, without = sp.symbols("whole without")
    same(sp.solve(sp.Eq(n * whole, without + k * whole), without)[0], (n - k) * whole)


@SYMMETRIC.symbolic("D(p, q) with one more value is a sum of the D' of the rest", scope="all p, q, n, by induction on n")
def newton() -> None:
    def with_one_more(index: Any) -> Any:
        return joined(index, x)

    def of_nothing(index: Any) -> Any:
        return sp.Integer(index == 0)

    same(minor(p, q, with_one_more), minor_joined(p, q, x))
    same(minor(p, p - 1, rest), 0, "D'(p, q-1) at p = q")
    for index in range(-2, 3):
        for other in range(index, 3):
            # No value at all.
            same(minor(index, other, of_nothing), sp.Integer(index == 0 and other == 0))


@SYMMETRIC.symbolic("one of the terms of D(k, k) is positive", scope="all k, n")
def strict() -> None:
    gain = sp.Symbol("gain", positive=True)
    mixed, other = sp.symbols("mixed other", nonnegative=True)
    # With D'(k, k) = gain for k <= n - 1, and with D'(k-1, k-1) = gain for k = n.
    positive(gain + x * mixed + x**2 * other)
    positive(other + x * mixed + x**2 * gain)


@SYMMETRIC.symbolic("(d): two values exchanged", scope="all k, n, x, y")
def exchanged() -> None:
    def without_x(index: Any) -> Any:
        return joined(index, y)

    def without_y(index: Any) -> Any:
        return joined(index, x)

    same(without_x(k - 1) * without_y(k) - without_y(k - 1) * without_x(k), ratio_exchange(k, x, y))
    same(x * without_x(k) - y * without_y(k), product_exchange(k, x, y))
