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

from .checks import nonnegative, same
from .ledger import Statement

CHEBYSHEV = Statement(
    "Chebyshev",
    "L(1) L(xy) - L(x) L(y) = 1/2 L_i L_j (x_i - x_j)(y_i - y_j) for every positive functional L",
    source="Hardy, Littlewood & Polya 1934, Theorem 43",
)

#: L of x^a y^b.
moment = sp.Function("L")

x, y, x_other, y_other = sp.symbols("x y x' y'", real=True)


def applied(polynomial: Any, *copies: Sequence[Any]) -> Any:
    """L in as many independent variables as there are copies of the letters; L of x^a y^b is L(a, b).

    >>> a, b = sp.symbols("a b")
    >>> applied((a - b) ** 2, [a], [b])
    2*L(0)*L(2) - 2*L(1)**2
    """
    letters = [letter for copy in copies for letter in copy]
    total = sp.S.Zero
    for powers, coefficient in sp.Poly(sp.expand(polynomial), *letters).terms():
        rest, term = list(powers), coefficient
        for copy in copies:
            term *= moment(*rest[: len(copy)])
            rest = rest[len(copy) :]
        total += term
    return total


def covariance() -> Any:
    """L(1) L(xy) - L(x) L(y)."""
    return moment(0, 0) * moment(1, 1) - moment(1, 0) * moment(0, 1)


def pair(x: Any, y: Any, x_other: Any, y_other: Any) -> Any:
    """What L_i L_j is applied to."""
    return (x - x_other) * (y - y_other) / 2


@CHEBYSHEV.symbolic("L_i L_j of the product of the differences", scope="every positive functional: sums of any length")
def symmetrised() -> None:
    same(applied(pair(x, y, x_other, y_other), [x, y], [x_other, y_other]), covariance())


@CHEBYSHEV.symbolic("similarly ordered: no product is negative", scope="every x_i - x_j, y_i - y_j of one sign")
def sign() -> None:
    rise, climb = sp.symbols("rise climb", nonnegative=True)
    nonnegative(pair(x + rise, y + climb, x, y))
    nonnegative(pair(x, y, x + rise, y + climb))
    nonnegative(-pair(x + rise, y, x, y + climb), "oppositely ordered")
