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

from . import chebyshev
from .checks import nonnegative, positive, same
from .ledger import Statement

REAL = Statement(
    "real-equivalent",
    "real A: E_m >= m kappa_m for every n, m and spectrum; equality if and only if the spectrum is flat or n = 2",
    uses=("error", "Chebyshev", "equivalents", "pair-rotation"),
)

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


@REAL.symbolic("Q_i - p_i = V_i (kappa - tau_i)/kappa", scope="each i, hence all n")
def balance() -> None:
    same(seen(l, tau) - seen(l, kappa), weight() * (kappa - tau) / kappa)
    q = sp.Symbol("Q", positive=True)
    same(seen(l, l * (1 - q) / q), q, "tau by its definition")
    positive(weight())


@REAL.symbolic("l_i (1 - Q_i) - kappa Q_i = V_i (tau_i - kappa) z_i", scope="each i, hence all n")
def excess() -> None:
    same(l * (1 - seen(l, tau)) - kappa * seen(l, tau), weight() * (tau - kappa) * lever(l))
    same(lever(l), 1 + l / kappa)
    gap = sp.Symbol("gap", positive=True)
    positive(lever(l + gap) - lever(l))


@REAL.symbolic("sum V (E_m - m kappa) is a double sum of products >= 0", scope="all n, through sum V (tau - kappa) = 0")
def correlated() -> None:
    level, z = sp.symbols("level z", real=True)
    other = sp.symbols("level' z'", real=True)
    double = chebyshev.applied(chebyshev.pair(level, z, *other), [level, z], other)
    # Here `level` is tau - kappa, of weighted sum 0; L(1, 1) is E_m - m kappa, L(0, 0) is sum V.
    total, gap = chebyshev.moment(0, 0), chebyshev.moment(1, 1)
    same(double.subs(chebyshev.moment(1, 0), 0), total * gap)
    rise, climb = sp.symbols("rise climb", nonnegative=True)
    nonnegative(chebyshev.pair(level + rise, z + climb, level, z))


@REAL.symbolic("equality: flat spectra, and n = 2", scope="all n, m, l; n = 2 with all l")
def equality() -> None:
    n, m = sp.symbols("n m", positive=True)
    root = l * (n - m) / m
    same(n * seen(l, root), m)
    same(m * root, l * (n - m))
    # tau_1 = tau_2 = tau: sum V (tau - kappa) = 0 with V > 0 gives tau = kappa, and each summand of the excess is 0.
    same((weight() * (tau - kappa) * lever(l)).subs(tau, kappa), 0)
    first, second = sp.symbols("s_1 s_2", positive=True)
    same(seen(first**2, first * second) + seen(second**2, first * second), 1, "n = 2: kappa = sigma_1 sigma_2")
