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

from .checks import nonnegative, positive, same
from .ledger import Statement
from .notation import quantity
from .propositions import Fact, Proposition, argued, at_least, chain, through

#: e'_k, of the values that are left when those in question are taken away; it is 0 or positive, for every k.
rest = sp.Function("e'", nonnegative=True)

x, y = sp.symbols("x y", positive=True)
k, p, q = sp.symbols("k p q", integer=True)
n = sp.Symbol("n", integer=True, positive=True)
z = sp.Symbol("z", positive=True)

#: e_k of all values; sum_i l_i e_k^{(i)} and sum_i e_k^{(i)}.
elementary = quantity("elementary", "e_{}", positive=False)
with_own = quantity("with_own", "sum_i l_i e^(i)_{}", positive=False)
left_out = quantity("left_out", "sum_i e^(i)_{}", positive=False)
#: e_k^{(i)}, and l_i.
without, value = quantity("without", "e^(i)_{}", positive=False), sp.Symbol("l_i", positive=True)


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


def swapped(index: Any) -> Any:
    """The left side of the first line of (d): x is l_i, and e^{(i)} has y and the rest."""
    return joined(index - 1, y) * joined(index, x) - joined(index - 1, x) * joined(index, y)


def own_difference(index: Any) -> Any:
    """The left side of the second line of (d)."""
    return x * joined(index, y) - y * joined(index, x)


SYMMETRIC = Statement(
    "symmetric-functions",
    Proposition(with_own(k - 1), "=", k * elementary(k)),
    Proposition(left_out(k), "=", (n - k) * elementary(k)),
    Proposition(sp.S.Zero, "<=", minor(p, q, elementary), when=(at_least(q, p),)),
    Proposition(sp.S.Zero, "<", minor(k, k, elementary), when=(at_least(k, 0), at_least(n, k))),
    Proposition(swapped(k), "=", ratio_exchange(k, x, y)),
    Proposition(own_difference(k), "=", product_exchange(k, x, y)),
    Proposition(elementary(k), "=", without(k) + value * without(k - 1)),
    words="{6}; {0}; {1}; {2}; {3}; with two values x and y apart and e' of the rest {4}; {5}",
    source="Newton's inequality without its binomial factors: Hardy, Littlewood & Polya 1934, Theorem 51",
)


@SYMMETRIC.symbolic
def one_apart() -> Fact:
    """(a), from two neighbouring terms of the generating function of the rest."""
    below, above = z ** (k - 1) * rest(k - 1), z**k * rest(k)
    product = sp.expand((1 + x * z) * (below + above))
    same(sp.powsimp(product - below - x * z * above), z**k * joined(k, x))
    same(joined_by_two(k, x, y), joined_by_two(k, y, x), "the order does not matter")
    found = joined(k, value).replace(rest, without)
    return argued(elementary(k), "=", found, "step 1: the coefficient of z^k")


@SYMMETRIC.symbolic
def counted() -> tuple[Fact, Fact]:
    """(b), from the logarithmic derivative of the generating function, factor by factor."""
    factor = 1 + x * z
    same(z * sp.diff(sp.log(factor), z), x * z / factor)
    power = same(z * sp.diff(z**k * elementary(k), z) / z**k, k * elementary(k))
    own = argued(with_own(k - 1), "=", power.right, "step 2: the coefficient of z^k in z (prod)'")
    # Sum (a) over the n values.
    one_apart()
    summed = argued(left_out(k), "=", n * elementary(k) - with_own(k - 1), "(a), summed over i")
    put = through(lambda side: n * elementary(k) - side, own)
    return own, chain(summed, put, same(put.right, (n - k) * elementary(k)))


@SYMMETRIC.symbolic
def newton() -> Fact:
    """D(p, q) with one more value is a sum of the D' of the rest; by induction on n it is not negative."""

    def with_one_more(index: Any) -> Any:
        return joined(index, x)

    def of_nothing(index: Any) -> Any:
        return sp.Integer(index == 0)

    same(minor(p, q, with_one_more), minor_joined(p, q, x))
    same(minor(p, p - 1, rest), 0, "D'(p, q-1) at p = q")
    parts = sp.symbols("D_1 D_2 D_3 D_4", nonnegative=True)
    nonnegative(parts[0] + x * (parts[1] + parts[2]) + x**2 * parts[3])
    for index in range(-2, 3):
        for other in range(index, 3):
            # No value at all.
            same(minor(index, other, of_nothing), sp.Integer(index == 0 and other == 0))
    return argued(0, "<=", minor(p, q, elementary), "step 3: induction on n", when=(at_least(q, p),))


@SYMMETRIC.symbolic
def strict() -> Fact:
    """One of the terms of D(k, k) is positive: D'(k, k) for k <= n - 1, D'(k-1, k-1) for k = n."""
    newton()
    gain = sp.Symbol("gain", positive=True)
    mixed, other = sp.symbols("mixed other", nonnegative=True)
    positive(gain + x * mixed + x**2 * other)
    positive(other + x * mixed + x**2 * gain)
    domain = (at_least(k, 0), at_least(n, k))
    return argued(0, "<", minor(k, k, elementary), "step 3: induction on n", when=domain)


@SYMMETRIC.symbolic
def exchanged() -> tuple[Fact, Fact]:
    """(d): two values exchanged."""
    return same(swapped(k), ratio_exchange(k, x, y)), same(own_difference(k), product_exchange(k, x, y))


@SYMMETRIC.concludes
def conclusion() -> tuple[Fact, ...]:
    return *counted(), newton(), strict(), *exchanged(), one_apart()
