r"""Real against complex measurements: m real ones leave no less error than m complex ones, and no more, per unmeasured
dimension, than m - 1 complex ones.

Setting.  l_1, ..., l_n > 0, Lambda = diag(l), T = sum_i l_i. E_m^R and E_m^C are the expected errors with m real and m
complex Gaussian measurements, E_0 = T; per unmeasured dimension  e_m = E_m/(n - m).  V_r^R and V_r^C are the means of
"one-measurement", over real and over complex rows.

Statement ("complex-below-real").  E_m^C <= E_m^R for 1 <= m <= n - 1.

Proof.  By induction on m, for all spectra at once; E_0 is T for both. Let a be a real row. "one-measurement" (c), the
induction hypothesis at Lambda_a, which has n - 1 positive eigenvalues and m - 1 <= (n - 1) - 1, and "swap" (E) with q = m
- 1 <= n - 2 give

    E_m^R(Lambda) = E_a E_{m-1}^R(Lambda_a) >= E_a E_{m-1}^C(Lambda_a) >= E_m^C(Lambda).                                []

Statement ("real-below-complex").  e_m^R <= e_{m-1}^C for 1 <= m <= n - 1. Equivalently, for m >= 2, with N = n and r = n
- m,

    V_r^R(M) <= V_{r+1}^C(M)      for 1 <= r <= N - 2, N the number of positive eigenvalues of M.                        (1)

Proof.

1. (1), by induction on r: r = 1 is "base-inequality". For r >= 2 let a be a real row: M_a has N - 1 positive eigenvalues,
   and r - 1 <= (N - 1) - 2. By "one-measurement" (c), the induction hypothesis and "swap" (V)

       V_r^R(M) = E_a V_{r-1}^R(M_a) <= E_a V_r^C(M_a) <= V_{r+1}^C(M).

2. m >= 2. Put M = diag(1/l), r = n - m. By "inverse-trace" (a) and (b)

       e_m^R     = (n - r - 1) r V_r^R/(n - m)               = (m - 1) V_r^R,
       e_{m-1}^C = (n - r - 1)(r + 1) V_{r+1}^C/(n - m + 1)  = (m - 1) V_{r+1}^C.

3. m = 1. E_1^R = T - sum_i l_i W_i(1/2) with d = l ("E_1" and "weights" (a)), and sum_i W_i l_i >= T/n by "weights" (c).
   So e_1^R <= T/n = e_0^C.                                                                                             []

Both are equalities only if all l_i are equal: "swap", "base-inequality" and "weights" (c) are.
"""

from __future__ import annotations

import sympy as sp

from . import first_and_last, weights
from .base_inequality import BASE
from .checks import positive, same
from .deflation import DEFLATION
from .inverse_trace import INVERSE_TRACE
from .ledger import Statement
from .members import (
    MEASURED,
    V,
    after_E,
    after_V,
    at_inverse_spectrum,
    complex_V,
    mixed_E,
    mixed_V,
    per_unmeasured,
)
from .notation import E, complex_E, tail
from .propositions import Fact, Proposition, argued, at_least, chain, extended, restricted, through
from .swap import SWAP
from .swap import q as swapped_rows
from .weights import WEIGHTS

n, m, r = sp.symbols("n m r", integer=True, positive=True)
more = sp.Symbol("more", integer=True, nonnegative=True)
#: Where V_r is finite.
ROWS = at_least(n, r + 2)

BELOW = Statement("complex-below-real", Proposition(complex_E(m), "<=", E(m), when=(MEASURED,)))
ABOVE = Statement(
    "real-below-complex",
    Proposition(V(r), "<=", complex_V(r + 1), when=(ROWS,)),
    Proposition(per_unmeasured(E(m), m), "<=", per_unmeasured(complex_E(m - 1), m - 1), when=(MEASURED,)),
    words="{0}, n the number of positive eigenvalues, and {1}",
)


@BELOW.symbolic
def induction_below() -> Fact:
    """One measurement at a time: the induction hypothesis behind one real row, then the swap lemma."""
    one_row = DEFLATION.fact(2)
    # The statement for m - 1 measurements of n - 1 dimensions.
    allowed = (MEASURED.at({n: n - 1, m: m - 1}),)
    reason = "induction on m, at L_a with n - 1 eigenvalues; E_0 is the trace"
    hypothesis = argued(mixed_E(m - 1), "<=", after_E(m - 1), reason, when=allowed)
    return chain(SWAP.fact(1).at({swapped_rows: m - 1}), hypothesis, one_row.turned())


@BELOW.concludes
def conclusion_below() -> Fact:
    found: Fact = induction_below()
    return found


@ABOVE.symbolic
def induction_above() -> Fact:
    """(1): the base inequality, then the induction hypothesis behind one real row and the swap lemma."""
    one_row = DEFLATION.fact(4)
    # The statement for r - 1 rows and n - 1 eigenvalues.
    allowed = (at_least(r, 2), ROWS.at({n: n - 1, r: r - 1}))
    hypothesis = argued(after_V(r - 1), "<=", mixed_V(r), "induction on r, at M_a with n - 1 eigenvalues", when=allowed)
    return extended(chain(one_row, hypothesis, SWAP.fact(0)), r, 1, BASE.fact())


@ABOVE.symbolic
def quotient() -> Fact:
    """e_m^R = (m - 1) V_r^R and e_{m-1}^C = (m - 1) V_{r+1}^C for r = n - m (all 2 <= m <= n - 1)."""
    rows = {r: n - m}
    real, unitary = INVERSE_TRACE.fact(0).at(rows), INVERSE_TRACE.fact(1).at({r: n - m + 1})
    positive((m - 1).subs(m, 2 + more), "the common factor")
    upper = through(lambda side: side / (n - m), real)
    lower = through(lambda side: side / (n - m + 1), unitary)
    compared = through(lambda side: (m - 1) * side, induction_above().at(rows))
    upper = chain(upper, same(upper.right, compared.left))
    lower = chain(lower, same(lower.right, compared.right))
    # M is any positive definite matrix: its eigenvalues may be called 1/l.
    found = at_inverse_spectrum(chain(upper, compared, lower.turned()))
    return restricted(found, at_least(m, 2), MEASURED)


@ABOVE.symbolic
def first() -> Fact:
    """m = 1: T - sum W l <= T (n-1)/n (each term of E_1's integrand, hence all n)."""
    first_and_last.FIRST.fact()
    # The subtracted form of E_1, at l alone: its integrand is l times that of W.
    l, u = first_and_last.l, first_and_last.u
    half = sp.Rational(1, 2)
    of_weights = l * weights.integrand([l], 0, half).subs(weights.u, u)
    same(first_and_last.subtracted([l], half) / of_weights, 1)
    share = WEIGHTS.fact(3).at({weights.h: half, weights.N: n, weights.total: tail(0)})
    # T - sum W l <= T - T/n.
    smaller = through(lambda side: side + tail(0) - share.left - share.right, share)
    error = argued(E(1), "=", smaller.left, '"E_1": T minus sum_i l_i W_i', when=(at_least(n, 2),))
    whole = through(lambda side: side / (n - 1), chain(error, smaller), when=(at_least(n, 2),))
    return chain(whole, same(whole.right, tail(0) / n))


@ABOVE.concludes
def conclusion_above() -> tuple[Fact, ...]:
    none = argued(tail(0) / n, "=", complex_E(0) / n, "E_0 is the trace")
    return induction_above(), extended(quotient(), m, 1, chain(first(), none))
