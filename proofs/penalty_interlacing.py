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

from typing import Any

import sympy as sp

from .checks import same
from .equivalents import EQUIVALENTS, df1, kappa, l, measurements
from .interlacing import INTERLACING, INVERSE, complex_lower, inverse_upper, real_upper
from .ledger import Statement
from .members import kappa as noiseless_root
from .notation import tail
from .penalty_sandwich import (
    PENALTY,
    complex_error,
    equivalent_log,
    error,
    gamma,
    log_determinant,
    real_error,
    real_log,
    real_trace,
    root,
)
from .propositions import Fact, Proposition, argued, at_least, chain

n, m = sp.symbols("n m", integer=True, positive=True)
J = sp.Symbol("J", positive=True)


def trace_upper(m: Any, root: Any) -> Any:
    """(b), from kappa^{(m+1)}."""
    return m / ((m + 1) * root)


def matched_error(q: Any) -> Any:
    """d(q)."""
    return error(root(q), q, gamma)


FEWER = at_least(m, 2)

OUTER = Statement(
    "penalty-interlacing",
    Proposition(matched_error(m + 1), "<=", complex_error(m)),
    Proposition(complex_error(m), "<=", matched_error(m)),
    Proposition(matched_error(m), "<=", real_error(m)),
    Proposition(real_error(m), "<=", complex_error(m - 1)),
    Proposition(complex_error(m - 1), "<=", matched_error(m - 1), when=(FEWER,)),
    Proposition(real_error(1), "<=", tail(0)),
    Proposition(real_trace(m), "<=", trace_upper(m, root(m + 1))),
    Proposition(trace_upper(m, 1) * equivalent_log(m + 1), "<=", real_log(m)),
)


@OUTER.symbolic
def limits() -> tuple[Any, Any]:
    """The limits of the bounds for n + J columns (all n, m)."""
    upper = sp.limit(real_upper(n + J, m, kappa), J, sp.oo)
    lower = sp.limit(complex_lower(n + J, m, kappa), J, sp.oo)
    same(upper, error(kappa, m - 1, gamma) + gamma)
    same(lower, error(kappa, m + 1, gamma) + gamma)
    # kappa of n + J columns tends to kappa^{(q)}: the new columns see gamma/kappa.
    EQUIVALENTS.fact()
    same(df1([l], kappa) + sp.limit(J * df1([gamma / J], kappa), J, sp.oo), measurements([l], gamma, kappa))
    total = sp.Symbol("total", positive=True)  # sum l
    same(sp.limit((total + gamma) * (n + J - 1) / (n + J), J, sp.oo), total + gamma, "m = 1")
    return upper, lower


@OUTER.symbolic
def errors() -> tuple[Fact, ...]:
    """(a): "interlacing" for n + J columns, times n + J - m, less gamma."""
    _, lower = limits()
    INTERLACING.fact(0), INTERLACING.fact(4)
    last = "step 1: the limit J -> infinity of the bounds for n + J columns, less gamma"
    below = argued(lower.subs(kappa, root(m + 1)) - gamma, "<=", complex_error(m), last)
    step = argued(real_error(m), "<=", complex_error(m - 1), last)
    none = argued(complex_error(0), "=", tail(0), "without measurements the error is the trace")
    # "penalty" for m - 1 measurements.
    above = PENALTY.fact(2).at({m: m - 1})
    return (
        chain(same(matched_error(m + 1), below.left), below),
        PENALTY.fact(2),
        PENALTY.fact(3),
        step,
        above,
        chain(step.at({m: 1}), none),
    )


@OUTER.symbolic
def traces() -> Fact:
    """(b): m rows, kappa_{m+1}, whatever n + J is (all n, m)."""
    bound = INVERSE.fact(2)
    rows = bound.left.args[0]
    found = bound.right.subs(rows, m).replace(noiseless_root, root)
    same(found, inverse_upper(m, root(m + 1)))
    law = argued(real_trace(m), "<=", found, "step 2: the limit J -> infinity of the bound for n + J columns (Fatou)")
    return chain(law, same(found, trace_upper(m, root(m + 1))))


@OUTER.symbolic
def log_determinants() -> Fact:
    """(c): the derivatives of both sides (all n, m, through the stationarity of D in kappa)."""
    fraction = trace_upper(m, 1)
    slope = sp.diff(fraction * log_determinant(0, m + 1, gamma, kappa), gamma)
    same(slope, trace_upper(m, kappa) - m / gamma)
    same(sp.diff(log_determinant(0, m + 1, gamma, kappa), kappa), (m + 1 - gamma / kappa) / kappa)
    traces()
    return argued(fraction * equivalent_log(m + 1), "<=", real_log(m), "step 3: (b), integrated from gamma to infinity")


@OUTER.concludes
def conclusion() -> tuple[Fact, ...]:
    return *errors(), traces(), log_determinants()
