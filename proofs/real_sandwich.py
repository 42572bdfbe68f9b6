r"""Real Gaussian measurements: the error is at least its deterministic equivalent, E_m >= m kappa_m.

Setting.  As in "pair-rotation" with Gamma = 0 and 1 <= m < n: Q_i = E P_i, in (0, 1), and tau_i = l_i (1 - Q_i)/Q_i. The
P_i are the diagonal of the projector onto the row space of A Sigma, so sum_i P_i = m, and the error is X = sum_i l_i (1 -
P_i). Hence

    sum_i Q_i = m,      E_m = sum_i l_i (1 - Q_i).

kappa is the root of sum_i p_i = m, p_i = l_i/(l_i + kappa).

Statement ("real-equivalent").  E_m >= m kappa for real A, every n >= 2, 1 <= m <= n - 1 and every spectrum. It is an
equality if and only if all l_i are equal or n = 2.

Proof.

1. Let V_i = Q_i (1 - p_i) > 0. Since Q_i = l_i/(l_i + tau_i),  Q_i - p_i = V_i (kappa - tau_i)/kappa.  Both sum to m, so

       sum_i V_i (tau_i - kappa) = 0.

2. l_i (1 - Q_i) = tau_i Q_i. With z_i = 1/(1 - p_i) = 1 + l_i/kappa therefore

       E_m - m kappa = sum_i (tau_i - kappa) Q_i = sum_i V_i (tau_i - kappa) z_i.

3. tau_i rises with l_i ("pair-rotation"), and so does z_i. "Chebyshev" with the weights V_i says

       sum V (E_m - m kappa) = sum V sum V (tau - kappa) z - sum V (tau - kappa) sum V z >= 0,

   the second product being 0 by 1.
4. For n >= 3, if l_i != l_j, the pair (i, j) contributes a positive term to the double sum. For n = 2, tau_1 = tau_2 =
   kappa by 1. For a flat spectrum E_m = l (n - m) = m kappa.                                                           []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .chebyshev import ordered
from .checks import positive, same
from .ledger import Statement
from .members import MEASURED, equivalent, m, n
from .members import kappa as root
from .notation import E, quantity
from .pair_rotation import ROTATION
from .propositions import Fact, Proposition, argued, chain, through

l, tau, kappa = sp.symbols("l tau kappa", positive=True)


def seen(variance: Any, level: Any) -> Any:
    """l/(l + tau): Q_i at tau_i, and p_i at kappa."""
    return variance / (variance + level)


def weight() -> Any:
    """V_i."""
    return seen(l, tau) * (1 - seen(l, kappa))


def lever(variance: Any) -> Any:
    """z_i."""
    return 1 / (1 - seen(variance, kappa))


#: sum V_i, sum V_i z_i and sum V_i (tau_i - kappa) z_i.
total, levered = quantity("total", "sum_i V_i"), quantity("levered", "sum_i V_i z_i")
gained = quantity("gained", "sum_i V_i (tau_i - kappa) z_i", positive=False)

REAL = Statement("real-equivalent", Proposition(equivalent(m), "<=", E(m), when=(MEASURED,)))


def balanced() -> Any:
    """sum V_i (tau_i - kappa)."""
    return sp.S.Zero


@REAL.symbolic
def balance() -> None:
    """Q_i - p_i = V_i (kappa - tau_i)/kappa (each i, hence all n)."""
    same(seen(l, tau) - seen(l, kappa), weight() * (kappa - tau) / kappa)
    q = sp.Symbol("Q", positive=True)
    same(seen(l, l * (1 - q) / q), q, "tau by its definition")
    positive(weight())


@REAL.symbolic
def excess() -> None:
    """l_i (1 - Q_i) - kappa Q_i = V_i (tau_i - kappa) z_i (each i, hence all n)."""
    same(l * (1 - seen(l, tau)) - kappa * seen(l, tau), weight() * (tau - kappa) * lever(l))
    same(lever(l), 1 + l / kappa)
    gap = sp.Symbol("gap", positive=True)
    positive(lever(l + gap) - lever(l))


@REAL.symbolic
def correlated() -> Fact:
    """Chebyshev for the weights V_i: sum V sum V (tau - kappa) z >= 0, since sum V (tau - kappa) = 0."""
    balance()
    excess()
    ROTATION.fact()
    rise = sp.Symbol("rise", nonnegative=True)  # tau_i - tau_j, by "pair-rotation"
    gap = sp.Symbol("gap", positive=True)  # l_i - l_j
    climb = lever(l + gap) - lever(l)
    found = ordered((total(), balanced(), levered(), gained()), rise, climb)
    return through(lambda side: side / total(), found)


@REAL.symbolic
def equality() -> None:
    """Equality: flat spectra, and n = 2 (all n, m, l; n = 2 with all l)."""
    root = l * (n - m) / m
    positive(root, when=(MEASURED,))
    same(n * seen(l, root), m)
    same(m * root, l * (n - m))
    # tau_1 = tau_2 = tau: sum V (tau - kappa) = 0 with V > 0 gives tau = kappa, and each summand of the excess is 0.
    same((weight() * (tau - kappa) * lever(l)).subs(tau, kappa), 0)
    first, second = sp.symbols("s_1 s_2", positive=True)
    same(seen(first**2, first * second) + seen(second**2, first * second), 1, "n = 2: kappa = sigma_1 sigma_2")


@REAL.concludes
def conclusion() -> Fact:
    reason = "step 2, summed over i: sum_i Q_i = m and E_m = sum_i l_i (1 - Q_i)"
    error = argued(gained(), "=", E(m) - root(m) * m, reason, when=(MEASURED,))
    found = through(lambda side: root(m) * m + side, chain(correlated(), error))
    return chain(same(equivalent(m), found.left), found)
