r"""The mean of one over a chi-square variable.

Statement.  For real nu > 2,  E[1 / chi^2_nu] = 1 / (nu - 2);  for nu = 1 and nu = 2 it is infinite.

Proof.  The density of chi^2_nu is  p(x) = x^{nu/2 - 1} e^{-x/2} / (2^{nu/2} Gamma(nu/2)).

1. Gamma's integral, int_0^inf x^{a-1} e^{-x/2} dx = 2^a Gamma(a) for a > 0, makes p a density: take a = nu/2.
2. Dividing by x lowers a by one: with a = nu/2 - 1 > 0,

       E[1/chi^2_nu] = 2^{nu/2 - 1} Gamma(nu/2 - 1) / (2^{nu/2} Gamma(nu/2)) = 1 / (2 (nu/2 - 1)) = 1 / (nu - 2),

   by Gamma(a + 1) = a Gamma(a).
3. At nu = 2, and at nu = 1, the integral diverges at 0, like int dx / x.                                                 []
"""

from __future__ import annotations

import sympy as sp

from .checks import infinite, same
from .ledger import Statement
from .notation import quantity
from .propositions import Fact, Proposition, chain, defined, more_than

x = sp.Symbol("x", positive=True)
nu = sp.Symbol("nu", positive=True)

#: E[1/chi^2_nu].
inverse_mean = quantity("inverse_mean", "E[1/chi^2_{}]")


def density(degrees: sp.Expr) -> sp.Expr:
    """Density of chi^2 with `degrees` degrees of freedom at x."""
    return x ** (degrees / 2 - 1) * sp.exp(-x / 2) / (2 ** (degrees / 2) * sp.gamma(degrees / 2))


CHI = Statement(
    "inverse-chi-square",
    Proposition(inverse_mean(nu), "=", 1 / (nu - 2), when=(more_than(nu, 2),)),
    Proposition(inverse_mean(sp.S.One), "=", sp.oo),
    Proposition(inverse_mean(sp.S(2)), "=", sp.oo),
    Proposition(sp.Integral(density(nu), (x, 0, sp.oo)), "=", 1),
    words="{0}; {1}; {2}; the density: {3}",
)


def meaning(degrees: sp.Expr) -> Fact:
    """E[1/chi^2_nu] as an integral."""
    integrand = sp.powsimp(sp.expand_power_exp(density(degrees) / x))
    return defined(inverse_mean(degrees), sp.Integral(integrand, (x, 0, sp.oo)))


@CHI.symbolic
def normalised() -> Fact:
    """The chi-square density integrates to 1."""
    return same(sp.Integral(density(nu), (x, 0, sp.oo)), 1)


@CHI.symbolic
def mean() -> Fact:
    """Only above 2 does the integral converge at 0."""
    of_inverse = meaning(nu)
    return chain(of_inverse, same(of_inverse.right, 1 / (nu - 2), when=(more_than(nu, 2),)))


@CHI.symbolic
def divergence() -> tuple[Fact, Fact]:
    """At nu = 1 and nu = 2."""
    one, two = (meaning(sp.Integer(degrees)) for degrees in (1, 2))
    return chain(one, infinite(one.right)), chain(two, infinite(two.right))


@CHI.concludes
def conclusion() -> tuple[Fact, ...]:
    return mean(), *divergence(), normalised()
