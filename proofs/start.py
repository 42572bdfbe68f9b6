r"""Where gradient flow starts decides what it adds to the error, unless there is a penalty.

Setting.  As in "MLE": B = A G of full row rank m, r = y - A mu, z* = B^+ r, P = B^+ B. Let B = L S R^T be a thin singular
value decomposition: L (m x m) orthogonal, S = diag(s_1, ..., s_m) with s_j > 0, the smallest of them s_min, and R (n x m)
with R^T R = I. N (n x (n-m)) completes R to an orthogonal matrix: N^T N = I, R^T N = 0, R R^T + N N^T = I.

Statement ("T9").

    (a)  The gradient flow  z' = -B^T (B z - r),  z(0) = z_0,  of |B z - r|^2 / 2 is

             R^T z(t) = e^{-S^2 t} R^T z_0 + (I - e^{-S^2 t}) S^{-1} L^T r,        N^T z(t) = N^T z_0,

         and tends to z_0 + B^+ (r - B z_0) = z* + (I - P) z_0, the solution of B z = r nearest to z_0.
    (b)  If z_0 ~ N(0, tau^2 I) is independent of z, the mean square error of the limit is (1 + tau^2) X_A for each A, hence
         (1 + tau^2) E_m for Gaussian A.

Proof.

1. B^+ = R S^{-1} L^T, for B B^T = L S^2 L^T; so B^+ r = R S^{-1} L^T r and P = R R^T.
2. In the coordinates a = R^T z and b = N^T z the flow reads  a' = -S (S a - L^T r),  b' = 0.  The first is, for each j, the
   scalar equation a' = -s (s a - h) with h = (L^T r)_j, whose solution is a(t) = e^{-s^2 t} a(0) + (1 - e^{-s^2 t}) h / s,
   with the limit h / s.
3. Hence z(t) tends to R S^{-1} L^T r + N N^T z_0 = B^+ r + (I - P) z_0 = z_0 + B^+ (r - B z_0). It is the solution
   nearest to z_0, because v = B^+ (r - B z_0) is the shortest solution of B v = r - B z_0, by "MLE".
4. With r = B z the limit misses z by (I - P)(z_0 - z). The vector z_0 - z has mean 0 and covariance (1 + tau^2) I, so the
   mean square of G (I - P)(z_0 - z) is (1 + tau^2) |G (I - P)|_F^2 = (1 + tau^2) X_A, by "error".                      []

Statement ("T9-penalty").  Let gamma > 0. The flow of |B z - r|^2 / 2 + gamma |z|^2 / 2 tends from every start to the same
limit z_gamma = (B^T B + gamma I)^{-1} B^T r, and

    |z_gamma - z*| <= gamma / (s_min^2 + gamma) |z*| <= gamma / s_min^2 |z*|.

So the limit tends to the latent of the most likely signal as gamma -> 0, wherever the flow starts.

Proof.

1. In the coordinates above z' = -B^T (B z - r) - gamma z reads  a' = -S (S a - L^T r) - gamma a,  b' = -gamma b.  So
   b(t) = e^{-gamma t} b(0) -> 0, and each coordinate of a is a(t) = e^{-(s^2 + gamma) t} (a(0) - q) + q -> q with
   q = s h / (s^2 + gamma). The start is forgotten.
2. The limit R (S^2 + gamma I)^{-1} S L^T r is z_gamma: it satisfies (B^T B + gamma I) z = B^T r.
3. A coordinate of z* is h / s, that of z_gamma is s h / (s^2 + gamma): they differ by the factor 1 - gamma / (s^2 + gamma),
   that is, by -gamma / (s^2 + gamma) times h / s. Since gamma / (s^2 + gamma) decreases with s, it is at most
   gamma / (s_min^2 + gamma) <= gamma / s_min^2. Sum the squares over j: both limits lie in the range of R, which preserves
   lengths.                                                                                                             []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import at_most, same
from .error import ERROR, definition, error
from .ledger import Statement
from .matrices import independent, same_matrices, same_means, square
from .mle import GRAM, MLE, PENALISED, B, G, I_m, I_n, V, gamma, m, n, projector, r, shortest, z
from .notation import Mean, X
from .propositions import Fact, Proposition, at_least, chain, through

L, S, R = sp.MatrixSymbol("L", m, m), sp.MatrixSymbol("S", m, m), sp.MatrixSymbol("R", n, m)
N = sp.MatrixSymbol("N", n, n - m)
T = sp.MatrixSymbol("T", m, m)  # S^{-1}
Q = sp.MatrixSymbol("Q", m, m)  # (S^2 + gamma I)^{-1}
z_0 = sp.MatrixSymbol("z_0", n, 1)
tau = sp.Symbol("tau", positive=True)
#: One coordinate: time, singular value, data, start.
t, s, h, a_0 = sp.Symbol("t", nonnegative=True), sp.Symbol("s", positive=True), sp.Symbol("h"), sp.Symbol("a_0")

DECOMPOSITION = [
    (B, L * S * R.T),
    (L.T * L, I_m),
    (L * L.T, I_m),
    (R.T * R, I_m),
    (R.T * N, sp.ZeroMatrix(m, n - m)),
    (N.T * N, sp.Identity(n - m)),
    (S.T, S),
    (T.T, T),
    (S * T, I_m),
]
COMPLETE = [(N * N.T, I_n - R * R.T)]


def velocity(latent: Any, penalty: Any) -> Any:
    """The right side of the flow."""
    return -B.T * (B * latent - r) - penalty * latent


def flowed(time: Any, penalty: Any) -> Any:
    """One coordinate of R^T z at a time."""
    rate = s**2 + penalty
    return sp.exp(-rate * time) * a_0 + (1 - sp.exp(-rate * time)) * s * h / rate


def limit_from(start: Any) -> Any:
    """Where the flow without penalty ends."""
    return start + shortest(r - B * start)


def shrinkage(value: Any) -> Any:
    """By which fraction the penalty shortens a coordinate of singular value `value`."""
    return gamma / (value**2 + gamma)


def random_start_factor() -> Any:
    """Risk from a random start over X_A."""
    return 1 + tau**2


def missed() -> Any:
    """The limit less z, if r = B z."""
    return limit_from(z_0) - z


#: What is measured of z.
MEASURED = (r, B * z)
FINAL = sp.Limit(flowed(t, 0), t, sp.oo, "-")
PENALISED_FINAL = sp.Limit(flowed(t, gamma), t, sp.oo, "-")
smallest = sp.Symbol("s_min", positive=True)

START = Statement(
    "T9",
    Proposition(R * T * L.T * r + N * N.T * z_0, "=", limit_from(z_0)),
    Proposition(B * limit_from(z_0), "=", r),
    Proposition(FINAL, "=", h / s),
    Proposition(Mean(square(G * (I_n - projector()) * (z_0 - z)), z, z_0), "=", random_start_factor() * X(m)),
    words="gradient flow from z_0 tends to {0}, {1}, in each coordinate {2}; from z_0 of variance tau^2 its risk is {3}",
    setting=(*GRAM, *DECOMPOSITION, *COMPLETE, (V, L * T * T * L.T), MEASURED),
)
PENALTY = Statement(
    "T9-penalty",
    Proposition(PENALISED_FINAL, "=", s * h / (s**2 + gamma)),
    Proposition((B.T * B + gamma * I_n) * (R * Q * S * L.T * r), "=", B.T * r),
    Proposition(PENALISED_FINAL, "=", h / s - shrinkage(s) * (h / s)),
    Proposition(shrinkage(s), "<=", gamma / smallest**2, when=(at_least(s, smallest),)),
    words="with a penalty the start is forgotten, {0}; the limit solves {1}; coordinate by coordinate it is {2}, with {3}",
    setting=(*DECOMPOSITION, (Q.T, Q), (S * S * Q, I_m - gamma * Q)),
)


@START.symbolic
def pseudo_inverse() -> None:
    """B^+ = R S^{-1} L^T and P = R R^T."""
    gram_inverse = L * T * T * L.T
    same_matrices(B * B.T * gram_inverse, I_m, given=DECOMPOSITION, what="V")
    given = [*DECOMPOSITION, (V, gram_inverse)]
    same_matrices(shortest(r), R * T * L.T * r, given=given, what="B^+")
    same_matrices(projector(), R * R.T, given=given, what="P")


@START.symbolic
def decoupled() -> None:
    """The flow decouples: a' = -S(Sa - L^T r), b' = 0."""
    same_matrices(R.T * velocity(z, 0), -S * (S * (R.T * z) - L.T * r), given=DECOMPOSITION)
    same_matrices(N.T * velocity(z, 0), 0, given=DECOMPOSITION)


@START.symbolic
def coordinate() -> Fact:
    """Each coordinate solves its equation and tends to h/s."""
    a = flowed(t, 0)
    same(sp.diff(a, t), -s * (s * a - h), "equation")
    same(a.subs(t, 0), a_0, "start")
    return same(FINAL, h / s, "limit")


@START.symbolic
def limit() -> tuple[Fact, Fact]:
    """The limit is z_0 + B^+(r - B z_0), which solves B z = r."""
    modes = R * T * L.T * r + N * N.T * z_0
    given = [*DECOMPOSITION, (V, L * T * T * L.T), *COMPLETE]
    # The solution nearest to z_0: the shortest solution of B v = r - B z_0, by "MLE".
    MLE.fact(1)
    return same_matrices(modes, limit_from(z_0), given=given), same_matrices(B * limit_from(z_0), r, given=GRAM)


@START.symbolic
def random_start() -> Fact:
    """The risk of a random start is (1 + tau^2) X_A."""
    same_matrices(missed(), (I_n - projector()) * (z_0 - z), given=[MEASURED])
    covariances = independent({z_0: tau**2 * I_n, z: I_n})
    deviation = G * (I_n - projector()) * (z_0 - z)
    over_both = same_means(square(deviation), random_start_factor() * error(), covariances, GRAM)
    # X_A is the error of "error".
    ERROR.fact(0)
    return chain(over_both, through(lambda side: random_start_factor() * side, definition()).turned())


@START.concludes
def conclusion() -> tuple[Fact, ...]:
    decoupled()
    pseudo_inverse()
    return *limit(), coordinate(), random_start()


@PENALTY.symbolic
def decoupled_with_penalty() -> None:
    """The penalised flow decouples, b' = -gamma b."""
    a, b = R.T * z, N.T * z
    same_matrices(R.T * velocity(z, gamma), -S * (S * a - L.T * r) - gamma * a, given=DECOMPOSITION)
    same_matrices(N.T * velocity(z, gamma), -gamma * b, given=DECOMPOSITION)


@PENALTY.symbolic
def forgotten() -> Fact:
    """Each coordinate forgets its start."""
    a = flowed(t, gamma)
    same(sp.diff(a, t), -s * (s * a - h) - gamma * a, "equation")
    same(a.subs(t, 0), a_0, "start")
    unseen = a_0 * sp.exp(-gamma * t)
    same(sp.diff(unseen, t), -gamma * unseen, "unseen coordinate")
    same(sp.limit(unseen, t, sp.oo), 0, "unseen limit")
    return same(PENALISED_FINAL, s * h / (s**2 + gamma), "limit")


@PENALTY.symbolic
def penalised_limit() -> Fact:
    """The limit satisfies (B^T B + gamma I) z = B^T r."""
    given = [*DECOMPOSITION, (Q.T, Q), (S * S * Q, I_m - gamma * Q)]
    found = R * Q * S * L.T * r
    # So it is z_gamma of "penalised".
    PENALISED.fact(0)
    return same_matrices((B.T * B + gamma * I_n) * found, B.T * r, given=given)


@PENALTY.symbolic
def distance() -> tuple[Fact, Fact]:
    """z_gamma - z*, coordinate by coordinate, and its bound."""
    # Without penalty the coordinate ends at h/s, by "T9".
    most_likely = START.fact(2).right
    less = chain(forgotten(), same(forgotten().right, most_likely - shrinkage(s) * most_likely))
    worst = at_most(shrinkage(s), shrinkage(smallest), "the smallest s is worst", when=(at_least(s, smallest),))
    same(sp.limit(gamma / smallest**2, gamma, 0, "+"), 0, "it vanishes with gamma")
    return less, chain(worst, at_most(shrinkage(smallest), gamma / smallest**2))


@PENALTY.concludes
def conclusion_with_penalty() -> tuple[Fact, ...]:
    decoupled_with_penalty()
    return forgotten(), penalised_limit(), *distance()
