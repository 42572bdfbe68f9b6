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

from typing import Any

import sympy as sp

from . import first_and_last, weights
from .checks import nonnegative, positive, same
from .inverse_trace import factor
from .ledger import Statement

BELOW = Statement(
    "complex-below-real",
    "E_m(complex A) <= E_m(real A), 1 <= m <= n-1; equality if and only if the spectrum is flat",
    uses=("one-measurement", "swap"),
)
ABOVE = Statement(
    "real-below-complex",
    "E_m(real A)/(n-m) <= E_{m-1}(complex A)/(n-m+1), 1 <= m <= n-1; equality if and only if the spectrum is flat",
    uses=("one-measurement", "swap", "base-inequality", "inverse-trace", "E_1", "weights"),
)

n, m, r = sp.symbols("n m r", integer=True, positive=True)
more = sp.Symbol("more", integer=True, nonnegative=True)
V_real, V_complex = sp.symbols("V_r^R V_{r+1}^C", positive=True)

#: The number of positive eigenvalues that "base-inequality" needs.
BASE_SIZE = 3


def swap_rows(N: Any) -> Any:
    """The largest r in "swap" (V), and the largest q in (E)."""
    return N - 2


def per_unmeasured(error: Any, m: Any) -> Any:
    """e_m."""
    return error / (n - m)


def real_error(m: Any, V: Any) -> Any:
    """E_m^R, from V_{n-m}^R."""
    return factor(n, n - m, beta=1) * (n - m) * V


def complex_error(m: Any, V: Any) -> Any:
    """E_m^C, from V_{n-m}^C."""
    return factor(n, n - m, beta=2) * (n - m) * V


def last(n: Any) -> Any:
    """The largest m of both statements."""
    return n - 1


@BELOW.symbolic("the indices of the induction are allowed ones", scope="all 1 <= m <= n-1")
def indices_below() -> None:
    at_end = {n: m + 1 + more}
    same(last(n).subs(at_end) - m, more, "m <= n - 1")
    nonnegative((swap_rows(n) - (m - 1)).subs(at_end), "q = m - 1 in the swap")
    nonnegative((last(n - 1) - (m - 1)).subs(at_end), "m - 1 measurements of n - 1 dimensions")
    # The swap begins at q = 0, and the induction at E_0.
    nonnegative(m - 1)


@ABOVE.symbolic("the indices of the induction are allowed ones", scope="all 1 <= r <= N-2")
def indices_above() -> None:
    at_end = {n: r + 2 + more}
    nonnegative((swap_rows(n) - r).subs(at_end), "r in the swap")
    nonnegative(((n - 1) - 2 - (r - 1)).subs(at_end), "r - 1 rows, N - 1 eigenvalues")
    nonnegative((n - BASE_SIZE).subs(at_end).subs(r, 1), "the base has N >= 3")
    # r = n - m <= n - 2 for m >= 2, and r + 1 <= n - 1 complex rows.
    nonnegative((n - 2 - (n - m)).subs(m, 2 + more))


@ABOVE.symbolic("e_m^R/e_{m-1}^C = V_r^R/V_{r+1}^C for r = n - m", scope="all 2 <= m <= n-1")
def quotient() -> None:
    upper, lower = per_unmeasured(real_error(m, V_real), m), per_unmeasured(complex_error(m - 1, V_complex), m - 1)
    same(upper / lower, V_real / V_complex)
    same(upper, (m - 1) * V_real)
    positive((m - 1).subs(m, 2 + more), "m >= 2")


@ABOVE.symbolic("m = 1: T - sum W l <= T (n-1)/n", scope="each term of E_1's integrand, hence all n")
def first() -> None:
    # The subtracted form of E_1, at l alone: its integrand is l times that of W.
    l, u = first_and_last.l, first_and_last.u
    half = sp.Rational(1, 2)
    of_weights = l * weights.integrand([l], 0, half).subs(weights.u, u)
    same(first_and_last.subtracted([l], half) / of_weights, 1)
    total, weighted = sp.symbols("T weighted", positive=True)
    # weighted = T/n + excess, excess >= 0 by "weights" (c).
    excess = sp.Symbol("excess", nonnegative=True)
    error = total - weighted.subs(weighted, total / n + excess)
    nonnegative(total * (n - 1) / n - error)
    same(per_unmeasured(total * (n - 1) / n, 1), per_unmeasured(total, 0))
