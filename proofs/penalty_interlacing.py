r"""With a penalty gamma > 0: the other sides of the bounds, at one measurement more or fewer.

Setting.  As in "penalty", for real and complex A; kappa^{(q)} is the root of  q = sum_i l_i/(l_i + kappa) + gamma/kappa,
for q > 0, D_q(gamma) the expression D there with q and kappa^{(q)}, and  d(q) = sum_i l_i kappa/(l_i + kappa) at kappa =
kappa^{(q)}, d(0) = sum_i l_i. E X(m) is the mean of X_gamma with m measurements, X(0) = sum_i l_i.

Statement ("penalty-interlacing").  For any n, m >= 1

    d(m+1) <= E X^C(m) <= d(m) <= E X^R(m) <= E X^C(m-1) <= d(m-1),                                                      (a)
    real A:   E tr (S + gamma I)^{-1} <= (m/(m+1)) / kappa^{(m+1)},                                                      (b)
    real A:   E log det(I + S/gamma) >= (m/(m+1)) D_{m+1}(gamma).                                                        (c)

Proof.  The columns of "penalty", step 5: J more columns of variance gamma/J, J -> infinity.

1. (a): "interlacing" for n + J columns, multiplied by n + J - m. The factors (n+J-m)/(n+J-m-1) and (n+J-m)/(n+J-m+1) tend
   to 1, q kappa_q to q kappa^{(q)} = d(q) + gamma, and the errors to E X + gamma (they are bounded by sum l + gamma).
   Subtract gamma. (For m = 1 the last two members are (1/(n+J)) (sum l + gamma), times n + J - 1.)
2. (b): "inverse-trace-bounds", real, for n + J columns and r = m rows does not depend on n + J except through
   kappa_{m+1}. The trace of the limit is at most the lower limit of the traces (Fatou).
3. (c): integrate (b) from gamma to infinity: d/dgamma of the left side is E tr (S + gamma I)^{-1} - m/gamma, and of the
   right side (m/(m+1)) (1/kappa^{(m+1)} - (m+1)/gamma), by "penalty"; both vanish at infinity.                         []
"""

from __future__ import annotations

import sympy as sp

from .checks import same
from .equivalents import measurements
from .interlacing import complex_lower, inverse_upper, real_upper
from .ledger import Statement
from .penalty_sandwich import error, gamma, log_determinant
from .real_sandwich import kappa, l, seen

OUTER = Statement(
    "penalty-interlacing",
    "gamma > 0, any n, m: d(m+1) <= E X(complex) <= d(m) <= E X(real) <= E X(complex, m-1) <= d(m-1), d(q) = "
    "sum l kappa/(l + kappa) at kappa^{(q)}; real A: E tr (S + gamma I)^{-1} <= m/(m+1)/kappa^{(m+1)}",
    uses=("interlacing", "inverse-trace-bounds", "penalty"),
)

n, m = sp.symbols("n m", integer=True, positive=True)
J = sp.Symbol("J", positive=True)


def trace_upper(m: sp.Expr, root: sp.Expr) -> sp.Expr:
    """(b), from kappa^{(m+1)}."""
    return m / ((m + 1) * root)


@OUTER.symbolic("(a): the limits of the bounds for n + J columns", scope="all n, m")
def errors() -> None:
    same(sp.limit(real_upper(n + J, m, kappa), J, sp.oo), error(kappa, m - 1, gamma) + gamma)
    same(sp.limit(complex_lower(n + J, m, kappa), J, sp.oo), error(kappa, m + 1, gamma) + gamma)
    # kappa of n + J columns tends to kappa^{(q)}: the new columns see gamma/kappa.
    same(seen(l, kappa) + sp.limit(J * seen(gamma / J, kappa), J, sp.oo), measurements([l], gamma, kappa))
    total = sp.Symbol("total", positive=True)  # sum l
    same(sp.limit((total + gamma) * (n + J - 1) / (n + J), J, sp.oo), total + gamma, "m = 1")


@OUTER.symbolic("(b): m rows, kappa_{m+1}, whatever n + J is", scope="all n, m")
def traces() -> None:
    same(inverse_upper(m, kappa), trace_upper(m, kappa))


@OUTER.symbolic("(c): the derivatives of both sides", scope="all n, m, through the stationarity of D in kappa")
def log_determinants() -> None:
    fraction = m / (m + 1)
    slope = sp.diff(fraction * log_determinant(0, m + 1, gamma, kappa), gamma)
    same(slope, trace_upper(m, kappa) - m / gamma)
    same(sp.diff(log_determinant(0, m + 1, gamma, kappa), kappa), (m + 1 - gamma / kappa) / kappa)
