r"""The truncated priors' risks bound the error: E_m <= (1 + k/(m-k-1)) tail(k); the best k; and no constant is wasted.

Setting.  As in "T3", without noise: l_1 >= ... >= l_n > 0, tail(k) = sum_{i>k} l_i, A (m x n) with independent standard
normal entries, X_A the error of the most likely signal, E_m = E X_A. Let 2 <= m <= n and

    B_k = (1 + k/(m-k-1)) tail(k) = (m-1) tail(k) / (m-1-k),      0 <= k <= m - 2.

Statement ("T2").  E_m <= B_k for every 0 <= k <= m - 2.

Proof.

1. X_A <= Y_k(A) for every A with A_1 of rank k, by "T4"; in one line: the projector P onto the row space of A Sigma fulfils
   A Sigma (I - P) = 0, so that  Sigma (I - P) = (Sigma - K A Sigma)(I - P)  and  |Sigma (I - P)|_F <= |Sigma - K A Sigma|_F
   for every K. With K = (A_1^+; 0),  A Sigma = [A_1 Sigma_1, A_2 Sigma_2]  and  A_1^+ A_1 = I,

       Sigma - K A Sigma = [ 0   -A_1^+ A_2 Sigma_2 ]
                           [ 0          Sigma_2     ],

   of squared norm tail(k) + |A_1^+ A_2 Sigma_2|_F^2 = Y_k(A). (A_1 has rank k with probability 1.)
2. Take the mean: E Y_k(A) = B_k by "T3".                                                                                []

Statement ("T2-best-rank").  With the effective ranks r_k = tail(k) / l_{k+1}, the smallest of B_0, ..., B_{m-2} is that
with k = #{ j in 0, ..., n-1 : j + r_j <= m - 1 }.

Proof.

1. B_k - B_{k+1} = (m-1) l_{k+1} (m - 1 - (k + r_k)) / ((m-k-1)(m-k-2))  for k <= m - 3, by tail(k) = l_{k+1} + tail(k+1).
   So B_{k+1} <= B_k if and only if k + r_k <= m - 1.
2. k + r_k does not decrease with k: the difference of two successive ones is tail(k) (1/l_{k+1} - 1/l_k) >= 0. So
   B_0, B_1, ... first do not increase, and then increase.
3. r_k > 1 for k <= n - 2, and m - 2 <= n - 2: hence (m-2) + r_{m-2} > m - 1, and the count is at most m - 2.            []

Statement ("T2-sharp").  Let l_1 = ... = l_k = h and l_{k+1} = ... = l_n = f, with 0 <= k <= m - 2 and m < n. Then, as
h -> infinity with everything else fixed,

    E_m -> (1 + k/(m-k-1)) (n - m) f,      whereas      min_j B_j = B_k = (1 + k/(m-k-1)) (n - k) f.

The ratio (n-m)/(n-k) tends to 1 as n -> infinity: T2 cannot be improved by any factor that depends on k and m only.
For complex A the same limit holds with k/(m-k) for k/(m-k-1), and k <= m - 1 (read * for T below).

Proof.  Let H be an orthogonal matrix that depends on A_1 only, with H A_1 = (R; 0), R k x k and invertible (A_1 has rank k
with probability 1). The law of H A_2, given A_1, is that of A_2. Let C and D be its first k and last m - k rows: R, C, D
are independent, C and D standard normal, R^T R = A_1^T A_1. Observing H y instead of y changes nothing:

    y_t = R x_1 + C x_2,      y_b = D x_2,      x_1 ~ N(0, h I_k),    x_2 ~ N(0, f I_{n-k}).

1. Given y_b, x_2 ~ N(D^+ y_b, f N) with N = I - D^+ D, a projector with tr N = (n-k) - (m-k) = n - m, by "MLE" and "error".
   What y_t adds is y_t - C D^+ y_b = R x_1 + C delta, with delta ~ N(0, f N) independent of x_1.
2. Let K = f C N C^T, T = R^{-1} K R^{-T} and J = (h I + T)^{-1}. Then h R R^T + K = R (h I + T) R^T, with the inverse
   R^{-T} J R^{-1}, and the formula for conditional covariances gives

       cov(x_1 | y) = h I - h^2 R^T (h R R^T + K)^{-1} R = h I - h^2 J = T - T J T,
       cov(x_2 | y) = f N - f^2 N C^T R^{-T} J R^{-1} C N.

   X_A is the sum of their traces, and tr f^2 N C^T R^{-T} J R^{-1} C N = f tr J T. With T J = I - h J,

       X_A = f (n-m) + tr (T - T J T - f J T) = f (n-m) + (h - f) tr J T.

   (At h = f that is the flat spectrum.) T is positive semidefinite; for each of its eigenvalues tau, (h - f)/(h + tau)
   increases to 1 as h -> infinity. Hence X_A increases to X := f (n-m) + tr T.
3. tr T = f |R^{-1} C N|_F^2, of mean f (n-m) tr R^{-1} R^{-T} = f (n-m) tr (A_1^T A_1)^{-1} over C, since
   E C N C^T = (tr N) I, and then of mean f (n-m) k/(m-k-1) over A_1, by "inverse-Wishart". By monotone convergence
   E_m -> E X.
4. The smallest B_j is B_k, for h large: j + r_j = n > m - 1 for j >= k, so that B_j increases there, by step 1 of
   "T2-best-rank"; and B_j >= tail(j) >= h for j < k.                                                                    []
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from .checks import at_most, less, positive, same
from .dominance import DOMINANCE
from .error import ERROR, definition, error, expected
from .inverse_wishart import WISHART, complex_trace, real_trace
from .ledger import Statement
from .matrices import at_most_by_squares, same_matrices, same_means, same_traces, second_moment, square
from .mle import GRAM, B, G, V
from .notation import E, Mean, l, quantity, tail
from .propositions import Fact, Proposition, argued, at_least, chain, extended, mean, through
from .truncated import A_1, L_2, NOISELESS, W_inverse, risk_given

n, m, k = sp.symbols("n m k", integer=True, positive=True)
#: A rank that may be 0.
rank = sp.Symbol("k", integer=True, nonnegative=True)
h, f = sp.symbols("h f", positive=True)

# Blocks: head k, rest n - k.
A_2 = sp.MatrixSymbol("A_2", m, n - k)
Sigma_1, Sigma_2 = sp.MatrixSymbol("Sigma_1", k, k), sp.MatrixSymbol("Sigma_2", n - k, n - k)
A_1_plus = sp.MatrixSymbol("A_1^+", k, m)

R, R_inverse = sp.MatrixSymbol("R", k, k), sp.MatrixSymbol("R^-1", k, k)
C, N = sp.MatrixSymbol("C", k, n - k), sp.MatrixSymbol("N", n - k, n - k)
J = sp.MatrixSymbol("J", k, k)
I_k = sp.Identity(k)


def bound(tail: Any, m: Any, k: Any) -> Any:
    """B_k."""
    return (m - 1) * tail / (m - 1 - k)


def effective_rank(tail: Any, following: Any) -> Any:
    """r_k, from tail(k) and l_{k+1}."""
    return tail / following


def best_rank(l: Sequence[Any], m: int) -> int:
    """The k of T2-best-rank."""
    return sum(bool(j + effective_rank(sum(l[j:]), l[j]) <= m - 1) for j in range(len(l)))


def infinite_head(m: Any, n: Any, k: Any, floor: Any, beta: int = 1) -> Any:
    """The limit of E_m in T2-sharp."""
    return (1 + k / (m - k - (1 if beta == 1 else 0))) * (n - m) * floor


def remaining() -> tuple[Any, Any]:
    """The two block columns of Sigma - K A Sigma for K = (A_1^+; 0), stacked rows as pairs."""
    head = (Sigma_1 - A_1_plus * A_1 * Sigma_1, sp.ZeroMatrix(n - k, k))
    rest = (-A_1_plus * A_2 * Sigma_2, Sigma_2)
    return head, rest


#: The two-level spectrum of T2-sharp: E_m for real and for complex A.
two_level = quantity("two_level", "E_m({}, {}; head {} times {}, floor {})")
complex_two_level = quantity("complex_two_level", "E_m(complex A, {}, {}; head {} times {}, floor {})")

DOMAIN = (at_least(m, rank + 2),)
T, K = sp.MatrixSymbol("T", k, k), sp.MatrixSymbol("K", k, k)
INVERSES = [(R_inverse * R, I_k), (R * R_inverse, I_k), (J.T, J), (T.T, T), (N.T, N), (N * N, N)]
OF_J = [(T * J, I_k - h * J), (J * T, I_k - h * J)]  # (h I + T) J = I = J (h I + T)
OF_N = [(C * N * C.T, K / f), (R_inverse * K * R_inverse.T, T), (sp.Trace(N), n - m)]
#: |G|^2.
ALL = (sp.Trace(G * G.T), tail(0))


def head_covariance() -> Any:
    """cov(x_1 | y) by the formula for conditional covariances; R'^{-1} J R^{-1} is the inverse of h R R^T + K."""
    return h * I_k - h**2 * R.T * (R_inverse.T * J * R_inverse) * R


def rest_covariance() -> Any:
    """cov(x_2 | y)."""
    lost = f * N * C.T * R_inverse.T  # cov(x_2, x_1) R^T, up to sign
    return f * N - lost * J * lost.T


def posterior_variance() -> Any:
    """X_A of the two-level spectrum."""
    return sp.Trace(head_covariance()) + sp.Trace(rest_covariance())


def error_of_head() -> Any:
    """T = R^{-1} K R^{-T}, K = f C N C^T."""
    return R_inverse * (f * C * N * C.T) * R_inverse.T


def change(tail_before: Any, tail_after: Any) -> Any:
    """B_k - B_{k+1}."""
    return bound(tail_before, m, rank) - bound(tail_after, m, rank + 1)


following, after = l(rank + 1), tail(rank + 1)
drop = sp.Symbol("d", nonnegative=True)  # l_k - l_{k+1}
room = m - 1 - (rank + effective_rank(following + after, following))

T2 = Statement(
    "T2",
    Proposition(E(m), "<=", (1 + rank / (m - rank - 1)) * tail(rank), when=DOMAIN),
    source="Halko, Martinsson & Tropp 2011, Theorem 10.5",
    setting=(*GRAM, ALL),
)
BEST_RANK = Statement(
    "T2-best-rank",
    Proposition(change(following + after, after), "=", (m - 1) * following * room / ((m - rank - 1) * (m - rank - 2))),
    Proposition(sp.S.Zero, "<", (m - rank - 1) * (m - rank - 2), when=(at_least(m, rank + 3),)),
    Proposition(
        rank + effective_rank(following + drop + following + after, following + drop),
        "<=",
        rank + 1 + effective_rank(following + after, following),
    ),
    Proposition(m - 1, "<", m - 2 + effective_rank(following + after, following)),
    words="the bounds of T2 fall as long as k + tail(k)/l_{{k+1}} is small enough: {0}, with {1}; that quantity rises, as "
    "l_k is l_{{k+1}} + d, {2}; and at the last rank {3}",
)
SHARP = Statement(
    "T2-sharp",
    Proposition(posterior_variance(), "=", f * (n - m) + (h - f) * sp.Trace(J * T)),
    Proposition(sp.Limit(two_level(m, n, k, h, f), h, sp.oo, "-"), "=", infinite_head(m, n, k, f), (at_least(m, k + 2),)),
    Proposition(
        sp.Limit(complex_two_level(m, n, k, h, f), h, sp.oo, "-"),
        "=",
        infinite_head(m, n, k, f, beta=2),
        (at_least(m, k + 1),),
    ),
    Proposition(infinite_head(m, n, k, f) / bound((n - k) * f, m, k), "=", (n - m) / (n - k)),
    Proposition(sp.Limit((n - m) / (n - k), n, sp.oo, "-"), "=", 1),
    Proposition(k + effective_rank((n - k) * f, f), "=", n),
    words="X_A: {0}; {1}; {2}; over the bound of T2, {3}, and {4}; beyond the head k + tail(k)/l_{{k+1}} is n: {5}",
    setting=(*INVERSES, *OF_J, *OF_N, (T, error_of_head())),
)


@T2.symbolic
def projected() -> Fact:
    """Sigma(I-P) = (Sigma - K A Sigma)(I-P), a contraction of it."""
    Sigma, K = sp.MatrixSymbol("Sigma", n, n), sp.MatrixSymbol("K", n, m)
    I_P = sp.Identity(n) - B.T * V * B  # B is A Sigma
    M = Sigma - K * B
    same_matrices(M * I_P, Sigma * I_P, GRAM)
    return at_most_by_squares(square(Sigma * I_P), square(M), [M - M * I_P], GRAM, "Pythagoras")


@T2.symbolic
def block_form() -> Fact:
    """For K = (A_1^+; 0) its squared norm is Y_k(A)."""
    head, rest = remaining()
    same_matrices(head[0], sp.ZeroMatrix(k, k), [(A_1_plus * A_1, I_k)])
    total = sum((square(block) for block in rest), sp.S.Zero)
    letters = [(L_2, Sigma_2 * Sigma_2.T), (W_inverse * A_1.T, A_1_plus)]
    return same_traces(total, risk_given(sp.Trace(Sigma_2 * Sigma_2.T), 0), letters)


@T2.symbolic
def no_rank() -> Fact:
    """k = 0: X_A <= tr G G^T."""
    # X_A is the error of "error".
    ERROR.fact(0)
    P = B.T * V * B
    whole = at_most_by_squares(error(), sp.Trace(G * G.T), [G * P], GRAM)
    return chain(definition(), whole, same_traces(sp.Trace(G * G.T), tail(0), [ALL]))


@T2.symbolic
def mean_bound() -> Fact:
    """Its mean is B_k."""
    for_each = chain(DOMINANCE.fact(2), NOISELESS.fact(1)).at({k: rank})
    same(for_each.right, bound(tail(rank), m, rank))
    nothing = chain(expected(), mean(no_rank()))
    return extended(for_each, rank, 0, nothing)


@T2.concludes
def conclusion() -> Fact:
    return mean_bound()


@BEST_RANK.symbolic
def step() -> tuple[Fact, Fact]:
    """B_k - B_{k+1} has the sign of m - 1 - (k + r_k)."""
    denominator = (m - rank - 1) * (m - rank - 2)
    # The bounds are those of T2.
    same(bound(tail(rank), m, rank), T2.fact().right)
    difference = same(change(following + after, after), (m - 1) * following * room / denominator)
    return difference, positive(denominator, when=(at_least(m, rank + 3),))


@BEST_RANK.symbolic
def monotone() -> tuple[Fact, Fact]:
    """k + r_k does not decrease, and (m-2) + r_{m-2} > m - 1."""
    before = following + drop  # l_k
    here = rank + 1 + effective_rank(following + after, following)
    earlier = rank + effective_rank(before + following + after, before)
    same(here - earlier, (following + after) * (1 / following - 1 / before))
    return at_most(earlier, here), less(m - 1, m - 2 + effective_rank(following + after, following))


@BEST_RANK.concludes
def conclusion_on_ranks() -> tuple[Fact, ...]:
    return *step(), *monotone()


@SHARP.symbolic
def bottom() -> None:
    """Given y_b: cov(x_2) = f N, tr N = n - m."""
    D, V = sp.MatrixSymbol("D", m - k, n - k), sp.MatrixSymbol("V", m - k, m - k)
    given = [(V.T, V), (D * D.T * V, sp.Identity(m - k))]
    projector = sp.Identity(n - k) - D.T * V * D
    same_matrices(projector * projector, projector, given)
    same_traces(sp.Trace(projector), n - m, given)
    same_matrices(projector * D.T, 0, given, "what is left is independent of y_b")


@SHARP.symbolic
def both() -> Fact:
    """X_A = f(n-m) + (h-f) tr J T."""
    scaled = R * (h * I_k + T) * R.T
    same_matrices(scaled, h * R * R.T + K, [*INVERSES, (R * T * R.T, K)], "T = R^{-1} K R^{-T}")
    of_J = [*INVERSES, *OF_J]
    same_matrices(scaled * (R_inverse.T * J * R_inverse), I_k, of_J, "inverse")
    same_matrices(head_covariance(), T - T * J * T, of_J)
    head = same_traces(sp.Trace(head_covariance()), h * sp.Trace(J * T), of_J)
    rest = same_traces(sp.Trace(rest_covariance()), f * (n - m) - f * sp.Trace(J * T), [*INVERSES, *OF_N])
    put = through(lambda side: side + rest.left, head)
    return chain(put, through(lambda side: head.right + side, rest), same_traces(_sum(head, rest), _two(head.right)))


def _sum(head: Fact, rest: Fact) -> Any:
    return head.right + rest.right


def _two(head: Any) -> Any:
    return f * (n - m) + (h - f) * sp.Trace(J * T)


def limit_of_draw(beta: int) -> Fact:
    """lim E_m = E[f (n - m) + tr T], by monotone convergence in each eigenvalue of T."""
    both()
    tau = sp.Symbol("tau", positive=True)
    grows = (h - f) / (h + tau)  # an eigenvalue of (h - f) J T is this times tau
    positive(sp.diff(grows, h), "increases with h")
    same(sp.Limit(grows, h, sp.oo, "-"), 1)
    name = (two_level, complex_two_level)[beta - 1]
    reason = "step 2: for each A the error increases to f (n - m) + tr T; monotone convergence"
    limit_is = f * (n - m) + sp.Trace(T)
    law = argued(sp.Limit(name(m, n, k, h, f), h, sp.oo, "-"), "=", Mean(limit_is), reason)
    return chain(law, mean_of_limit(limit_is, beta))


def mean_of_limit(limit_is: Any, beta: int) -> Fact:
    """E tr T = (n - m) f E tr (A_1^T A_1)^{-1}."""
    of_T = error_of_head()
    scatter = second_moment(C, N, n - m)
    named = same_traces(sp.Trace(T), sp.Trace(of_T), [(T, of_T)])
    over_C = same_means(sp.Trace(of_T), f * (n - m) * sp.Trace(R_inverse * R_inverse.T), [scatter], [(N.T, N)])
    same_matrices((R.T * R) * (R_inverse * R_inverse.T), I_k, [(R * R_inverse, I_k), (R_inverse * R, I_k)])
    trace = (real_trace, complex_trace)[beta - 1](m, k)
    reason = "R^T R = A_1^T A_1" + ("" if beta == 1 else ", with * for T")
    of_R = argued(Mean(sp.Trace(R_inverse * R_inverse.T)), "=", trace, reason)
    links = [mean(named), mean(over_C), through(lambda side: f * (n - m) * side, of_R)]
    links.append(through(lambda side: f * (n - m) * side, WISHART.fact(beta - 1)))
    whole = through(lambda side: f * (n - m) + side, chain(*links))
    return chain(whole, same(whole.right, infinite_head(m, n, k, f, beta)))


@SHARP.symbolic
def limits() -> tuple[Fact, Fact]:
    """The limits of E_m, real and complex."""
    return limit_of_draw(1), limit_of_draw(2)


@SHARP.instance
def from_definition() -> None:
    """The same from the definition of X_A, (m, k, n) = (2, 1, 3)."""
    r, c_1, c_2, d_1, d_2 = sp.symbols("r c_1 c_2 d_1 d_2", positive=True)
    A, L = sp.Matrix([[r, c_1, c_2], [0, d_1, d_2]]), sp.diag(h, f, f)
    X_A = (L - L * A.T * (A * L * A.T).inv() * A * L).trace()
    T = f * (c_1 * d_2 - c_2 * d_1) ** 2 / (r**2 * (d_1**2 + d_2**2))
    same(sp.cancel(X_A), f + (h - f) * T / (h + T))
    same(sp.limit(sp.cancel(X_A), h, sp.oo), f + T)


@SHARP.symbolic
def ratio() -> tuple[Fact, Fact, Fact]:
    """B_k is the smallest; the ratio is (n-m)/(n-k) -> 1."""
    beyond = same(k + effective_rank((n - k) * f, f), n, "k + r_k")
    # Beyond the head, then, the bounds rise.
    BEST_RANK.fact(0)
    share = (n - m) / (n - k)
    quotient = same(infinite_head(m, n, k, f) / bound((n - k) * f, m, k), share)
    return quotient, same(sp.Limit(share, n, sp.oo, "-"), 1), beyond


@SHARP.concludes
def conclusion_sharp() -> tuple[Fact, ...]:
    return both(), *limits(), *ratio()
