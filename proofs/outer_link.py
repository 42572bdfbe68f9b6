r"""The outer link: m complex measurements do no better than the deterministic equivalent of m + 1.

Setting.  As in "complex-equivalent"; A_m = m kappa_m/(n - m) for 1 <= m <= n - 1 and A_n = n/sum_i (1/l_i), the limit;
complex A, e_m = E_m/(n - m).

Statement ("complex-lower").  e_m >= A_{m+1} for complex A and 1 <= m <= n - 1, an equality if and only if all l_i are
equal. (In the other normalisation: E_m >= ((n - m)/(n - m - 1)) (m + 1) kappa_{m+1} for m <= n - 2.)

Proof.  Let m <= n - 2, S = Lambda_A, with the N = n - m >= 2 positive eigenvalues s_i, and let b be one more complex row.

1. E[1/(b S b^*) | S] = int_0^inf prod_i (1 + t s_i)^{-1} dt, as in "weights".
2. prod_i (1 + t s_i) <= (1 + t tr S/N)^N, by the tangent of log(1 + t s) at the mean of the s_i. Hence the integral is at
   least int (1 + t tr S/N)^{-N} dt = N/((N - 1) tr S).
3. By "one-measurement" and "inverse-trace" (b), (d), E 1/(b S b^*) = V_{m+1}(Lambda) = E_q(1/l)/(q (m + 1)) with q = n -
   m - 1, and by "complex-equivalent" this is at most kappa_q(1/l)/(m + 1) = 1/((m + 1) kappa_{m+1}).
4. E tr S >= 1/E(1/tr S), by the tangent of 1/x. With 2 and 3

       E_m = E tr S >= (N/(N - 1)) (m + 1) kappa_{m+1},    which, divided by n - m = N, is A_{m+1}.

5. m = n - 1: by "E_{n-1}", X = 1/sum_i D_i/l_i with D_i = |g_i|^2/|g|^2 of mean 1/n. So e_{n-1} = E X >= 1/E(1/X) = A_n.
6. Step 2 is an equality only if all s_i are equal, step 3 only if all l_i are; step 5, if X is constant.               []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from . import weights
from .checks import nonnegative, positive, same
from .complex_sandwich import UPPER
from .deflation import DEFLATION
from .first_and_last import LAST
from .inverse_trace import INVERSE_TRACE
from .inverse_trace import r as rows
from .ledger import Statement
from .members import (
    at_inverse_spectrum,
    complex_V,
    equivalent,
    inverse_sum,
    m,
    n,
    per_unmeasured,
)
from .notation import complex_E, i, quantity
from .notation import l as variance
from .propositions import Fact, Proposition, argued, at_least, chain, reciprocal, restricted, through

N = sp.Symbol("N", integer=True, positive=True)
t, s, mean, x, kappa = sp.symbols("t s mean x kappa", positive=True)


def pooled(trace: Any, size: Any) -> Any:
    """int (1 + t tr S/N)^{-N} dt."""
    return size / ((size - 1) * trace)


#: At m = n - 1, where X = 1/sum_i D_i/l_i.
last_inverse = quantity("last_inverse", "E[1/X_A]")

MORE = at_least(n, m + 2)

LOWER = Statement(
    "complex-lower",
    Proposition(per_unmeasured(equivalent(m + 1), m + 1), "<=", per_unmeasured(complex_E(m), m), when=(MORE,)),
    Proposition(n / inverse_sum(), "<=", complex_E(n - 1), when=(at_least(n, 2),)),
)


@LOWER.symbolic
def integral() -> None:
    """E 1/(b S b^*) = int prod (1 + t s)^{-1} dt (each factor, hence all N)."""
    weights.WEIGHTS.fact(0)
    same(weights.transform(t * s, 1), 1 / (1 + t * s))


@LOWER.symbolic
def tangent() -> None:
    """log(1 + t s) lies below its tangent at the mean (each s, hence all N; all t)."""
    line = sp.log(1 + t * mean) + t * (s - mean) / (1 + t * mean)
    slack = line - sp.log(1 + t * s)
    same(slack.subs(s, mean), 0)
    gap = sp.Symbol("gap", positive=True)
    positive(sp.factor(sp.diff(slack, s).subs(s, mean + gap)), "beyond the mean")
    positive(-sp.factor(sp.diff(slack, s)).subs(mean, s + gap), "before the mean")
    # The linear terms add up to 0: sum s = N mean.
    count, total = sp.symbols("count total")
    same((total - count * mean).subs(total, count * mean), 0)


@LOWER.symbolic
def pooled_integral() -> None:
    """int (1 + t T/N)^{-N} dt = N/((N-1) T) (all N >= 2, T)."""
    total = sp.Symbol("T", positive=True)
    primitive = -pooled(total, N) * (1 + t * total / N) ** (1 - N)
    same(sp.simplify(sp.diff(primitive, t) * (1 + t * total / N) ** N), 1)
    same(-primitive.subs(t, 0), pooled(total, N))
    more = sp.Symbol("more", integer=True, nonnegative=True)
    positive((N - 1).subs(N, 2 + more), "the primitive vanishes at infinity")


@LOWER.symbolic
def from_the_equivalent() -> Fact:
    """V_{m+1} <= 1/((m+1) kappa_{m+1}) (all m <= n-2)."""
    q = n - (m + 1)
    trace, kappas = INVERSE_TRACE.fact(1).at({rows: m + 1}), INVERSE_TRACE.fact(4).at({rows: m + 1})
    # The upper bound holds for every spectrum, so for 1/l.
    bound = at_inverse_spectrum(UPPER.fact().at({m: q}))
    whole = chain(trace.turned(), bound, through(lambda side: q * side, kappas))
    whole = restricted(whole, MORE)
    found = through(lambda side: side / (q * (m + 1)), whole, when=(MORE,))
    return chain(same(complex_V(m + 1), found.left), found, same(found.right, 1 / equivalent(m + 1)))


@LOWER.symbolic
def jensen() -> Fact:
    """1/x lies above its tangent; the two bounds give A_{m+1} (all m <= n-2)."""
    slack = 1 / x - (2 / mean - x / mean**2)
    same(slack, (x - mean) ** 2 / (x * mean**2))
    nonnegative((x - mean) ** 2)
    for step in (integral, tangent, pooled_integral):
        step()
    DEFLATION.fact(5)
    size = n - m
    scaled = through(lambda side: pooled(1, size) * side, reciprocal(from_the_equivalent(), 1), when=(MORE,))
    reason = "steps 1, 2 and 4: E tr S >= 1/E[1/tr S], and N/((N-1) tr S) averages to at most V_{m+1}"
    inverse = argued(scaled.right, "<=", complex_E(m), reason)
    found = through(lambda side: side / size, chain(scaled, inverse), when=(MORE,))
    return chain(same(per_unmeasured(equivalent(m + 1), m + 1), found.left), found)


@LOWER.symbolic
def last() -> Fact:
    """m = n-1: E X >= n/sum(1/l), the limit of A_m at n (all n: A_m is a quotient of sums over i)."""
    l = sp.Symbol("l", positive=True)
    # m = sum l/(l + kappa) and n - m = kappa sum 1/(l + kappa): A_m = [sum l/(l + kappa)]/[sum 1/(l + kappa)].
    same(1 - l / (l + kappa), kappa / (l + kappa))
    seen, unseen = sp.symbols("seen unseen", positive=True)
    same((m * kappa / (n - m)).subs({m: seen, n: seen + kappa * unseen}), seen / unseen)
    same(sp.limit(l / (l + kappa), kappa, 0), 1)
    term = same(sp.limit(1 / (l + kappa), kappa, 0), 1 / l).left
    inverses = sp.Sum(term.subs(l, variance(i)), (i, 1, n))
    # E sum D/l = (1/n) sum 1/l.
    LAST.fact()
    reason = 'step 5: 1/X is sum_i D_i/l_i ("E_{n-1}"), E D_i = 1/n'
    law = argued(last_inverse(), "=", inverses / n, reason, when=(at_least(n, 2),))
    inverse = argued(1 / last_inverse(), "<=", complex_E(n - 1), "step 5: the tangent of 1/x at the mean")
    found = chain(through(lambda side: 1 / side, law).turned(), inverse)
    return chain(same(n / inverse_sum(), found.left), found)


@LOWER.concludes
def conclusion() -> tuple[Fact, ...]:
    return jensen(), last()
