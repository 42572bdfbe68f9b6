r"""The most likely signal that explains the measurements is the posterior mean; so is the penalised one, with noise.

Setting.  x = mu + G z with z ~ N(0, I_n) and G (n x n) invertible; y = A x with A (m x n) of full row rank m <= n. Write
B = A G, of full row rank too, r = y - A mu, and B^+ = B^T (B B^T)^{-1}. (B B^T is invertible: B B^T v = 0 gives
|B^T v|^2 = v^T B B^T v = 0, hence v = 0.)

Statement ("MLE").  These are the same:

    (a)  the most likely signal, argmax { p_X(x) : A x = y }, which exists and is unique;
    (b)  mu + G z*, where z* = B^+ r has the smallest norm of all z with B z = r (A mu + B z = y);
    (c)  the posterior mean E[x | A x = y]; the posterior covariance is G (I - P) G^T with P = B^+ B.

Proof.

1. z* is feasible: B B^+ = I. It is the shortest, by Pythagoras: for every z with B z = r

       |z|^2 = |z*|^2 + |z - z*|^2,       as   (z*)^T (z - z*) = r^T (B B^T)^{-1} (B z - B z*) = 0.

2. x = mu + G z is a bijection; A x = y if and only if B z = r; and p_X(x) is a decreasing function of |z|, because the
   density of N(mu, G G^T) is a constant times exp(-q/2) with q = (x - mu)^T (G G^T)^{-1} (x - mu) = |z|^2. So the most
   likely signal is the one with the shortest z: (a) = (b).
3. z = B^+ (B z) + u with u = (I - P) z. The vector (B z, u) is Gaussian, and cov(u, B z) = (I - P) B^T = 0, so that u is
   independent of B z. Given B z = r, therefore, z = z* + u with u ~ N(0, (I - P)(I - P)^T) = N(0, I - P): mean z*,
   covariance I - P. Apply the affine map z -> mu + G z: (b) = (c).                                                      []

Statement ("penalised").  Let gamma > 0 and J(z) = |B z - r|^2 + gamma |z|^2, B now of any rank. Its only minimiser is

    z_gamma = (B^T B + gamma I)^{-1} B^T r = B^T (B B^T + gamma I)^{-1} r,

and if y = A x + s e with e ~ N(0, I_m) independent of x and s^2 = gamma, then x given y is Gaussian with mean
mu + G z_gamma and covariance G (I - B^T (B B^T + gamma I)^{-1} B) G^T. For B of full row rank, z_gamma -> z* and the
covariance tends to G (I - P) G^T as gamma -> 0.

Proof.  Write H = (B^T B + gamma I)^{-1} and K = (B B^T + gamma I)^{-1}; both exist, as B^T B and B B^T are positive
semidefinite.

1. Completing the square, with z_gamma = H B^T r:

       J(z) - J(z_gamma) = (z - z_gamma)^T (B^T B + gamma I) (z - z_gamma),

   which is positive for z != z_gamma.
2. Push-through: (B^T B + gamma I) B^T = B^T (B B^T + gamma I); H from the left and K from the right give B^T K = H B^T.
3. By Bayes' formula -2 log p(z | y) = |B z - r|^2 / s^2 + |z|^2 + const = J(z) / gamma + const, which by step 1 is the
   exponent of a Gaussian with mean z_gamma and covariance gamma H. And gamma H = I - B^T K B, for
   (B^T B + gamma I) (I - B^T K B) = gamma I. Apply z -> mu + G z.
4. If B B^T is invertible, let V be its inverse. V B B^T K is K, and it is V (I - gamma K): so K - V = -gamma V K and

       z_gamma - z* = -gamma B^T V K r.

   As gamma -> 0, K -> V because inversion is continuous; hence z_gamma -> z* and I - B^T K B -> I - P.                   []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .ledger import Statement
from .matrices import same_matrices, same_traces, square
from .notation import abbreviated
from .propositions import Fact, Proposition, chain

n, m = sp.symbols("n m", integer=True, positive=True)
gamma = sp.Symbol("gamma", positive=True)
I_n, I_m = sp.Identity(n), sp.Identity(m)
A, B, G = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("B", m, n), sp.MatrixSymbol("G", n, n)
F = sp.MatrixSymbol("F", n, n)  # G^{-1}
V = sp.MatrixSymbol("V", m, m)  # (B B^T)^{-1}
H = sp.MatrixSymbol("H", n, n)  # (B^T B + gamma I)^{-1}
K = sp.MatrixSymbol("K", m, m)  # (B B^T + gamma I)^{-1}
mu, z, r = sp.MatrixSymbol("mu", n, 1), sp.MatrixSymbol("z", n, 1), sp.MatrixSymbol("r", m, 1)

abbreviated(B.T * V, "B^+")

MEASURED = [(A * G, B)]
INVERSE = [(F * G, I_n)]
GRAM = [(V.T, V), (B * B.T * V, I_m)]
INNER = [(H.T, H), (B.T * B * H, I_n - gamma * H)]
OUTER = [(K.T, K), (B * B.T * K, I_m - gamma * K)]


def shortest(target: Any) -> Any:
    """z* for B z = target."""
    return B.T * V * target


def projector() -> Any:
    """P = B^+ B."""
    return B.T * V * B


def objective(latent: Any) -> Any:
    """J."""
    return square(B * latent - r) + gamma * square(latent)


def minimiser() -> Any:
    """z_gamma, by an n x n system."""
    return H * B.T * r


def minimiser_by_measurements() -> Any:
    """z_gamma, by an m x m system."""
    return B.T * K * r


def posterior_covariance() -> Any:
    """Of z given y, with noise variance gamma."""
    return I_n - B.T * K * B


def first_order() -> Any:
    """z_gamma - z*."""
    return -gamma * B.T * V * K * r


def exponent(signal: Any) -> Any:
    """q in the density exp(-q/2) of N(mu, G G^T), up to a constant factor."""
    return (signal - mu).T * (F.T * F) * (signal - mu)


def curvature() -> Any:
    """Of J: how it grows away from its minimiser."""
    away = z - minimiser()
    return sp.Trace(away.T * (B.T * B + gamma * I_n) * away)


SOLVED = (B * z, r)

MLE = Statement(
    "MLE",
    Proposition(B * shortest(r), "=", r),
    Proposition(square(z), "=", square(shortest(r)) + square(z - shortest(r)), given=(SOLVED,)),
    Proposition(exponent(mu + G * z), "=", z.T * z),
    Proposition((I_n - projector()) * B.T, "=", sp.ZeroMatrix(n, m)),
    Proposition((I_n - projector()) * (I_n - projector()).T, "=", I_n - projector()),
    words="the most likely signal with A x = y, mu + G z, has the shortest z: {0}, and {1}, where p_X falls with {2}; it "
    "is the posterior mean, and what is left of z is independent of B z: {3}, with the covariance {4}",
    setting=(*GRAM, *INVERSE, *MEASURED),
    source="Asim et al. 2020",
)
PENALISED = Statement(
    "penalised",
    Proposition(objective(z), "=", objective(minimiser()) + curvature()),
    Proposition(minimiser(), "=", minimiser_by_measurements()),
    Proposition(square(B * z - r) / gamma + square(z), "=", objective(z) / gamma),
    Proposition((B.T * B + gamma * I_n) * posterior_covariance(), "=", gamma * I_n),
    Proposition(minimiser_by_measurements(), "=", shortest(r) + first_order()),
    words="the penalised estimate is the minimiser, {0}; in two forms, {1}; and the posterior mean, as {2}, with {3}; it "
    "tends to the most likely one with gamma, {4}",
    setting=(*GRAM, *INNER, *OUTER),
)


@MLE.symbolic
def feasible() -> Fact:
    """B B^+ r = r."""
    return same_matrices(B * shortest(r), r, given=GRAM)


@MLE.symbolic
def pythagoras() -> Fact:
    """|z|^2 = |z*|^2 + |z - z*|^2 if B z = r."""
    return same_traces(square(z), square(shortest(r)) + square(z - shortest(r)), given=[*GRAM, SOLVED])


@MLE.symbolic
def likelihood() -> Fact:
    """The exponent of p_X at mu + G z is |z|^2; A x = y is B z = r."""
    x = mu + G * z
    precision = F.T * F  # (G G^T)^{-1}
    same_matrices(precision * G * G.T, I_n, given=[*INVERSE, (F.T * G.T, I_n)], what="precision")
    y = A * mu + r
    same_matrices(A * x - y, B * z - r, given=MEASURED)
    return same_matrices(exponent(x), z.T * z, given=INVERSE)


@MLE.symbolic
def conditioning() -> tuple[Fact, Fact]:
    """Given B z = r, z is z* plus an independent N(0, I - P)."""
    rest = I_n - projector()
    same_matrices(shortest(B * z) + rest * z, z, what="decomposition")
    uncorrelated = same_matrices(rest * B.T, 0, given=GRAM, what="covariance of u and B z")
    return uncorrelated, same_matrices(rest * rest.T, rest, given=GRAM, what="covariance of u")


@MLE.concludes
def conclusion() -> tuple[Fact, ...]:
    return feasible(), pythagoras(), likelihood(), *conditioning()


@PENALISED.symbolic
def completed_square() -> Fact:
    """Completing the square."""
    return same_traces(objective(z), objective(minimiser()) + curvature(), given=INNER)


@PENALISED.symbolic
def push_through() -> Fact:
    """Push-through: H B^T = B^T K."""
    left, right = (B.T * B + gamma * I_n) * B.T, B.T * (B * B.T + gamma * I_m)
    by_measurements = same_matrices(H * left * K * r, minimiser_by_measurements(), given=INNER)
    by_latent = same_matrices(H * right * K * r, minimiser(), given=OUTER)
    between = same_matrices(H * right * K * r, H * left * K * r)
    return chain(by_latent.turned(), between, by_measurements)


@PENALISED.symbolic
def covariance() -> tuple[Fact, Fact]:
    """The posterior covariance."""
    minus_twice_log = square(B * z - r) / gamma + square(z)  # s^2 = gamma
    bayes = same_traces(minus_twice_log, objective(z) / gamma)
    return bayes, same_matrices((B.T * B + gamma * I_n) * posterior_covariance(), gamma * I_n, given=OUTER)


@PENALISED.symbolic
def limit() -> Fact:
    """Z_gamma - z* = -gamma B^T V K r -> 0."""
    between = B.T * (V * B * B.T * K) * r
    both = same_matrices(between, minimiser_by_measurements(), given=GRAM)
    return chain(both.turned(), same_matrices(between, shortest(r) + first_order(), given=OUTER))


@PENALISED.concludes
def conclusion_with_penalty() -> tuple[Fact, ...]:
    return completed_square(), push_through(), *covariance(), limit()
