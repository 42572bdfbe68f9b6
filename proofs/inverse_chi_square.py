r"""The mean of one over a chi-square variable.

Statement.  For real nu > 2,  E[1 / chi^2_nu] = 1 / (nu - 2);  for nu <= 2 it is infinite.

Proof.  The density of chi^2_nu is  p(x) = x^{nu/2 - 1} e^{-x/2} / (2^{nu/2} Gamma(nu/2)).

1. Gamma's integral, int_0^inf x^{a-1} e^{-x/2} dx = 2^a Gamma(a) for a > 0, makes p a density: take a = nu/2.
2. Dividing by x lowers a by one: with a = nu/2 - 1 > 0,

       E[1/chi^2_nu] = 2^{nu/2 - 1} Gamma(nu/2 - 1) / (2^{nu/2} Gamma(nu/2)) = 1 / (2 (nu/2 - 1)) = 1 / (nu - 2),

   by Gamma(a + 1) = a Gamma(a).
3. At a = 0 and below the integral diverges at 0, like int dx / x.                                                        []
"""

from __future__ import annotations

import sympy as sp

from .checks import infinite, same
from .ledger import Statement

CHI = Statement("inverse-chi-square", "E 1/chi^2_nu = 1/(nu - 2) for nu > 2, and infinite for nu <= 2")

x = sp.Symbol("x", positive=True)
nu = sp.Symbol("nu", positive=True)
excess = sp.Symbol("excess", positive=True)  # nu - 2


def density(degrees: sp.Expr) -> sp.Expr:
    """Density of chi^2 with `degrees` degrees of freedom at x."""
    return x ** (degrees / 2 - 1) * sp.exp(-x / 2) / (2 ** (degrees / 2) * sp.gamma(degrees / 2))


def inverse_mean() -> sp.Expr:
    """E[1/chi^2_nu] for nu = 2 + excess."""
    return sp.integrate(sp.expand_power_exp(density(2 + excess) / x), (x, 0, sp.oo))


@CHI.symbolic("the chi-square density integrates to 1", scope="all real nu > 0")
def normalised() -> None:
    same(sp.integrate(density(nu), (x, 0, sp.oo)), 1)


@CHI.symbolic("E 1/chi^2_nu = 1/(nu - 2)", scope="all real nu > 2")
def mean() -> None:
    same(inverse_mean(), 1 / excess)


@CHI.symbolic("at nu = 2 the mean diverges", scope="nu = 2, and smaller nu have heavier density at 0")
def divergence() -> None:
    infinite(sp.integrate(density(sp.Integer(2)) / x, (x, 0, sp.oo)))
