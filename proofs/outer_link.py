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
from .inverse_trace import factor
from .ledger import Statement

LOWER = Statement(
    "complex-lower",
    "complex A: E_m/(n-m) >= (m+1) kappa_{m+1}/(n-m-1) for m <= n-2, E_{n-1} >= n/sum 1/l; equality if and only if flat",
    uses=("weights", "one-measurement", "inverse-trace", "complex-equivalent", "E_{n-1}"),
)

n, m = sp.symbols("n m", integer=True, positive=True)
N = sp.Symbol("N", integer=True, positive=True)
t, s, mean, x, kappa = sp.symbols("t s mean x kappa", positive=True)


def equivalent(m: Any, root: Any) -> Any:
    """A_m, from kappa_m."""
    return m * root / (n - m)


def pooled(trace: Any, size: Any) -> Any:
    """int (1 + t tr S/N)^{-N} dt."""
    return size / ((size - 1) * trace)


def inverse_bound(m: Any, root: Any) -> Any:
    """The upper bound of V_m(Lambda), from kappa_m."""
    return 1 / (m * root)


@LOWER.symbolic("E 1/(b S b^*) = int prod (1 + t s)^{-1} dt", scope="each factor, hence all N")
def integral() -> None:
    same(weights.transform(t * s, 1), 1 / (1 + t * s))


@LOWER.symbolic("log(1 + t s) lies below its tangent at the mean", scope="each s, hence all N; all t")
def tangent() -> None:
    line = sp.log(1 + t * mean) + t * (s - mean) / (1 + t * mean)
    slack = line - sp.log(1 + t * s)
    same(slack.subs(s, mean), 0)
    gap = sp.Symbol("gap", positive=True)
    positive(sp.factor(sp.diff(slack, s).subs(s, mean + gap)), "beyond the mean")
    positive(-sp.factor(sp.diff(slack, s)).subs(mean, s + gap), "before the mean")
    # The linear terms add up to 0: sum s = N mean.
    count, total = sp.symbols("count total")
    same((total - count * mean).subs(total, count * mean), 0)


@LOWER.symbolic("int (1 + t T/N)^{-N} dt = N/((N-1) T)", scope="all N >= 2, T")
def pooled_integral() -> None:
    total = sp.Symbol("T", positive=True)
    primitive = -pooled(total, N) * (1 + t * total / N) ** (1 - N)
    same(sp.simplify(sp.diff(primitive, t) * (1 + t * total / N) ** N), 1)
    same(-primitive.subs(t, 0), pooled(total, N))
    more = sp.Symbol("more", integer=True, nonnegative=True)
    positive((N - 1).subs(N, 2 + more), "the primitive vanishes at infinity")


@LOWER.symbolic("V_{m+1} <= 1/((m+1) kappa_{m+1})", scope="all m <= n-2")
def from_the_equivalent() -> None:
    q = n - (m + 1)
    dual = sp.Symbol("kappa'", positive=True)  # kappa_q(1/l) = 1/kappa_{m+1}(l)
    bound = q * dual / (factor(n, m + 1, beta=2) * (m + 1))
    same(bound.subs(dual, 1 / kappa), inverse_bound(m + 1, kappa))
    more = sp.Symbol("more", integer=True, nonnegative=True)
    positive(q.subs(n, m + 2 + more), "1 <= q")


@LOWER.symbolic("1/x lies above its tangent; the two bounds give A_{m+1}", scope="all m <= n-2")
def jensen() -> None:
    slack = 1 / x - (2 / mean - x / mean**2)
    same(slack, (x - mean) ** 2 / (x * mean**2))
    nonnegative((x - mean) ** 2)
    size = n - m
    # N/((N-1) E tr S) <= E pooled <= inverse_bound, solved for E tr S.
    trace = pooled(1, size) / inverse_bound(m + 1, kappa)
    same(trace / size, equivalent(m + 1, kappa))


@LOWER.symbolic("m = n-1: E X >= n/sum(1/l), the limit of A_m at n", scope="all n: A_m is a quotient of sums over i")
def last() -> None:
    l = sp.Symbol("l", positive=True)
    # m = sum l/(l + kappa) and n - m = kappa sum 1/(l + kappa): A_m = [sum l/(l + kappa)]/[sum 1/(l + kappa)].
    same(1 - l / (l + kappa), kappa / (l + kappa))
    seen, unseen = sp.symbols("seen unseen", positive=True)
    same((m * kappa / (n - m)).subs({m: seen, n: seen + kappa * unseen}), seen / unseen)
    same(sp.limit(l / (l + kappa), kappa, 0), 1)
    same(sp.limit(1 / (l + kappa), kappa, 0), 1 / l)
    # E sum D/l = (1/n) sum 1/l.
    harmonic = sp.Symbol("H", positive=True)  # sum 1/l
    same(1 / (harmonic / n), n / harmonic)
