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

from . import truncated
from .checks import nonnegative, same
from .inverse_wishart import trace_mean
from .ledger import Statement, establish
from .matrices import same_matrices, same_traces, square
from .truncated import gaussian_mean

T2 = Statement(
    "T2",
    "E_m <= (1 + k/(m-k-1)) tail(k), 0 <= k <= m-2",
    source="Halko, Martinsson & Tropp 2011, Theorem 10.5",
    uses=("T3", "T4"),
)
BEST_RANK = Statement("T2-best-rank", "the best k in T2 is #{j: j + tail(j)/l_{j+1} <= m-1}", uses=("T2",))
SHARP = Statement(
    "T2-sharp",
    "head h -> inf, floor f: E_m -> (1 + k/(m-k-1)) (n-m) f, while B_k = (1 + k/(m-k-1)) (n-k) f",
    uses=("MLE", "error", "inverse-Wishart", "T2-best-rank"),
)

n, m, k = sp.symbols("n m k", integer=True, positive=True)
tail = sp.Symbol("tail", positive=True)
h, f = sp.symbols("h f", positive=True)

# Blocks: head k, rest n - k.
A_1, A_2 = sp.MatrixSymbol("A_1", m, k), sp.MatrixSymbol("A_2", m, n - k)
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


@T2.symbolic
def projected() -> None:
    """Sigma(I-P) = (Sigma - K A Sigma)(I-P), a contraction of it."""
    B, V = sp.MatrixSymbol("B", m, n), sp.MatrixSymbol("V", m, m)  # A Sigma and (B B^T)^{-1}
    Sigma, K = sp.MatrixSymbol("Sigma", n, n), sp.MatrixSymbol("K", n, m)
    given = [(V.T, V), (B * B.T * V, sp.Identity(m))]
    I_P = sp.Identity(n) - B.T * V * B
    M = Sigma - K * B
    same_matrices(M * I_P, Sigma * I_P, given)
    same_traces(square(M), square(M * I_P) + square(M - M * I_P), given, "Pythagoras")


@T2.symbolic
def block_form() -> None:
    """For K = (A_1^+; 0) its squared norm is Y_k(A)."""
    head, rest = remaining()
    given = [(A_1_plus * A_1, I_k)]
    same_matrices(head[0], sp.ZeroMatrix(k, k), given)
    total = sum((square(block) for block in rest), sp.S.Zero)
    Y = truncated.risk_given(sp.Trace(Sigma_2 * Sigma_2.T), 0)
    mine = {truncated.A_1: A_1, truncated.A_2: A_2, truncated.x_2: sp.MatrixSymbol("x_2", n - k, 1)}
    letters = [(truncated.L_2, Sigma_2 * Sigma_2.T), (truncated.W_inverse * A_1.T, A_1_plus)]
    same_traces(total, Y.xreplace(mine), letters)


@T2.symbolic
def mean() -> None:
    """Its mean is B_k."""
    same(truncated.risk(tail, m, k), bound(tail, m, k))
    same((1 + k / (m - k - 1)) * tail, bound(tail, m, k))


@BEST_RANK.symbolic
def step() -> None:
    """B_k - B_{k+1} has the sign of m - 1 - (k + r_k)."""
    following, rest = sp.symbols("l_next rest", positive=True)  # l_{k+1}, tail(k+1)
    difference = bound(following + rest, m, k) - bound(rest, m, k + 1)
    sign = m - 1 - (k + effective_rank(following + rest, following))
    same(difference, (m - 1) * following * sign / ((m - k - 1) * (m - k - 2)))
    more = sp.Symbol("more", integer=True, nonnegative=True)  # k <= m - 3
    nonnegative(((m - k - 1) * (m - k - 2)).subs(m, k + 3 + more), "denominator")


@BEST_RANK.symbolic
def monotone() -> None:
    """K + r_k does not decrease, and (m-2) + r_{m-2} > m - 1."""
    following = sp.Symbol("l_next", positive=True)  # l_{k+1}
    drop, rest = sp.symbols("drop rest", nonnegative=True)  # l_k - l_{k+1}, tail(k+1)
    before = following + drop  # l_k
    here = k + effective_rank(following + rest, following)
    earlier = k - 1 + effective_rank(before + following + rest, before)
    same(here - earlier, (following + rest) * (1 / following - 1 / before))
    nonnegative(sp.factor(here - earlier))
    positive = sp.Symbol("tail_next", positive=True)
    at_end = (m - 2) + effective_rank(following + positive, following) - (m - 1)
    establish(sp.expand(at_end).is_positive is True, "the count may exceed m - 2")


@SHARP.symbolic
def bottom() -> None:
    """Given y_b: cov(x_2) = f N, tr N = n - m."""
    D, V = sp.MatrixSymbol("D", m - k, n - k), sp.MatrixSymbol("V", m - k, m - k)
    given = [(V.T, V), (D * D.T * V, sp.Identity(m - k))]
    projector = sp.Identity(n - k) - D.T * V * D
    same_matrices(projector * projector, projector, given)
    same_traces(sp.Trace(projector), n - m, given)
    same_matrices(projector * D.T, 0, given, "what is left is independent of y_b")


def head_covariance() -> Any:
    """cov(x_1 | y) by the formula for conditional covariances; R'^{-1} J R^{-1} is the inverse of h R R^T + K."""
    return h * I_k - h**2 * R.T * (R_inverse.T * J * R_inverse) * R


@SHARP.symbolic
def both() -> None:
    """X_A = f(n-m) + (h-f) tr J T."""
    T, K = sp.MatrixSymbol("T", k, k), sp.MatrixSymbol("K", k, k)
    inverses = [(R_inverse * R, I_k), (R * R_inverse, I_k), (J.T, J), (T.T, T), (N.T, N), (N * N, N)]
    scaled = R * (h * I_k + T) * R.T
    same_matrices(scaled, h * R * R.T + K, [*inverses, (R * T * R.T, K)], "T = R^{-1} K R^{-T}")
    of_J = [*inverses, (T * J, I_k - h * J), (J * T, I_k - h * J)]  # (h I + T) J = I = J (h I + T)
    same_matrices(scaled * (R_inverse.T * J * R_inverse), I_k, of_J, "inverse")
    same_matrices(head_covariance(), T - T * J * T, of_J)
    same_traces(sp.Trace(head_covariance()), sp.Trace(h * J * T), of_J)
    of_N = [*inverses, (C * N * C.T, K / f), (R_inverse * K * R_inverse.T, T)]
    lost = f * N * C.T * R_inverse.T  # cov(x_2, x_1) R^T, up to sign
    same_traces(sp.Trace(lost * J * lost.T), f * sp.Trace(J * T), of_N, "what y_t tells on x_2")


@SHARP.symbolic
def limit() -> None:
    """E tr T = (n - m) f E tr (A_1^T A_1)^{-1}, hence the limit."""
    entries, any_N = sp.Matrix(2, 3, sp.symbols("c:6")), sp.Matrix(3, 3, sp.symbols("N:9"))
    second = (entries * any_N * entries.T).applyfunc(lambda entry: gaussian_mean(entry, list(entries)))
    same(second, any_N.trace() * sp.eye(2), "E C N C^T = (tr N) I")
    T = R_inverse * (f * C * N * C.T) * R_inverse.T
    averaged = [(C * N * C.T, (n - m) * I_k), (N.T, N)]
    same_traces(sp.Trace(T), f * (n - m) * sp.Trace(R_inverse * R_inverse.T), averaged)
    inverses = [(R * R_inverse, I_k), (R_inverse * R, I_k)]
    same_matrices((R.T * R) * (R_inverse * R_inverse.T), I_k, inverses, "R^{-1} R^{-T} = (A_1^T A_1)^{-1}")
    for beta in (1, 2):
        same(f * (n - m) * (1 + trace_mean(m, k, beta)), infinite_head(m, n, k, f, beta))


@SHARP.symbolic
def from_definition() -> None:
    """The same from the definition of X_A."""
    r, c_1, c_2, d_1, d_2 = sp.symbols("r c_1 c_2 d_1 d_2", positive=True)
    A, L = sp.Matrix([[r, c_1, c_2], [0, d_1, d_2]]), sp.diag(h, f, f)
    X_A = (L - L * A.T * (A * L * A.T).inv() * A * L).trace()
    T = f * (c_1 * d_2 - c_2 * d_1) ** 2 / (r**2 * (d_1**2 + d_2**2))
    same(sp.cancel(X_A), f + (h - f) * T / (h + T))
    same(sp.limit(sp.cancel(X_A), h, sp.oo), f + T)


@SHARP.symbolic
def ratio() -> None:
    """B_k is the smallest; the ratio is (n-m)/(n-k) -> 1."""
    same(k + effective_rank((n - k) * f, f), n, "k + r_k")
    quotient = infinite_head(m, n, k, f) / bound((n - k) * f, m, k)
    same(quotient, (n - m) / (n - k))
    same(sp.limit(quotient, n, sp.oo), 1)
