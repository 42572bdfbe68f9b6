r"""Chebyshev's sum inequality: two quantities that rise together are positively correlated, for sums and for integrals.

Setting.  L is a positive linear functional on functions of a variable i: a sum f -> sum_i W_i f_i with weights W_i > 0,
an integral, or an expectation. x and y are functions of i for which L of 1, x, y and xy is finite. They are *similarly
ordered* if (x_i - x_j)(y_i - y_j) >= 0 for all i and j, and *oppositely ordered* if it is <= 0.

Statement ("Chebyshev").

    L(1) L(xy) - L(x) L(y) = 1/2 L_i L_j (x_i - x_j)(y_i - y_j),

L_i L_j being L applied in two independent variables. So L(1) L(xy) >= L(x) L(y) if x and y are similarly ordered, and
<= if they are oppositely ordered. For a sum the inequality is strict as soon as one product on the right is not 0.

Proof.  Multiply the right side out. L_i L_j of f(i) g(j) is L(f) L(g), so that x_i y_i and x_j y_j each give L(1) L(xy),
and x_i y_j and x_j y_i each give L(x) L(y). A positive functional keeps the sign of what it is applied to.             []
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from .checks import at_most, nonnegative, same
from .ledger import Statement
from .notation import quantity
from .propositions import Fact, Proposition, argued, at_least, chain, defined, instantiated, restricted, through

#: A positive linear functional of a quantity that depends on i, and one in two independent variables i and j.
L = quantity("L", "L[{}]", positive=False, every=True)
double = quantity("double", "L_ij[{}]", positive=False)

x, y, x_other, y_other = sp.symbols("x_i y_i x_j y_j", real=True)
ONE = sp.S.One


def applied(polynomial: Any, *copies: Sequence[Any]) -> Any:
    """L in as many independent variables as there are copies of the letters, the first copy's letters for all.

    >>> a, b = sp.symbols("a b")
    >>> applied((a - b) ** 2, [a], [b]) == 2 * L(1) * L(a**2) - 2 * L(a) ** 2
    True
    """
    letters = [letter for copy in copies for letter in copy]
    total = sp.S.Zero
    for powers, coefficient in sp.Poly(sp.expand(polynomial), *letters).terms():
        rest, term = list(powers), coefficient
        for copy in copies:
            term *= L(sp.prod([letter**power for letter, power in zip(copies[0], rest, strict=False)]))
            rest = rest[len(copy) :]
        total += term
    return total


def covariance() -> Any:
    """L(1) L(xy) - L(x) L(y)."""
    return L(ONE) * L(x * y) - L(x) * L(y)


def pair(x: Any, y: Any, x_other: Any, y_other: Any) -> Any:
    """What L_i L_j is applied to."""
    return (x - x_other) * (y - y_other) / 2


#: Similarly and oppositely ordered.
TOGETHER = at_least(pair(x, y, x_other, y_other), 0)
APART = at_least(-pair(x, y, x_other, y_other), 0)

CHEBYSHEV = Statement(
    "Chebyshev",
    Proposition(covariance(), "=", double(pair(x, y, x_other, y_other))),
    Proposition(L(x) * L(y), "<=", L(ONE) * L(x * y), when=(TOGETHER,)),
    Proposition(L(ONE) * L(x * y), "<=", L(x) * L(y), when=(APART,)),
    words="for every positive linear functional L: {0}; {1}; {2}",
    source="Hardy, Littlewood & Polya 1934, Theorem 43",
)


@CHEBYSHEV.symbolic
def symmetrised() -> Fact:
    """L_i L_j of the product of the differences: sums of any length, integrals, means."""
    inside = pair(x, y, x_other, y_other)
    multiplied_out = applied(inside, [x, y], [x_other, y_other])
    return chain(same(covariance(), multiplied_out), defined(double(inside), multiplied_out).turned())


@CHEBYSHEV.symbolic
def sign() -> tuple[Fact, Fact]:
    """Similarly ordered: no product is negative, and a positive functional keeps that."""
    rise, climb = sp.symbols("rise climb", nonnegative=True)
    nonnegative(pair(x + rise, y + climb, x, y))
    nonnegative(pair(x, y, x + rise, y + climb))
    nonnegative(-pair(x + rise, y, x, y + climb), "oppositely ordered")
    inside, found = pair(x, y, x_other, y_other), symmetrised()
    reason = "a positive functional keeps the sign of what it is applied to"
    product = sp.Symbol("product", real=True)
    of_one = at_most(0, product, when=(at_least(product, 0),))
    up = argued(0, "<=", double(inside), reason, when=of_one.at({product: inside}).when)
    down = argued(double(inside), "<=", 0, reason, when=of_one.at({product: -inside}).when)
    added = L(x) * L(y)
    together = through(lambda side: side + added, chain(up, found.turned()))
    apart = through(lambda side: side + added, chain(found, down))
    return together, apart


@CHEBYSHEV.concludes
def conclusion() -> tuple[Fact, ...]:
    return symmetrised(), *sign()


def ordered(values: Sequence[Any], rise: Any, climb: Any) -> Fact:
    """L[x] L[y] <= L[1] L[xy] for the `values` of L at 1, x, y, xy; x and y rise from j to i by `rise` and `climb`."""
    return _at(CHEBYSHEV.fact(1), values, rise, climb)


def oppositely_ordered(values: Sequence[Any], rise: Any, fall: Any) -> Fact:
    """L[1] L[xy] <= L[x] L[y] for the `values` of L at 1, x, y, xy; from j to i x rises and y falls."""
    return _at(CHEBYSHEV.fact(2), values, rise, -fall)


def _at(fact: Fact, values: Sequence[Any], rise: Any, climb: Any) -> Fact:
    named = dict(zip((L(ONE), L(x), L(y), L(x * y)), values, strict=True))
    if values[0] != L(ONE):  # of L itself it is part of what is assumed
        nonnegative(values[0], "L[1]")
    return restricted(instantiated(fact, named).at({x: x_other + rise, y: y_other + climb}))
