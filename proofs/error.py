r"""The error of the most likely signal: X_A = |G (I - P)|_F^2, a function of the singular values of G and of A.

Setting.  As in "MLE": x = mu + G z, G = U Sigma V^T invertible with singular values sigma_1 >= ... >= sigma_n > 0 and
l_i = sigma_i^2; y = A x with A (m x n) of full row rank; B = A G; P = B^+ B. The error X_A is the mean over z of
|x_hat - x|^2, for x_hat = mu + G B^+ (y - A mu). The measurements are Gaussian if the entries of A are independent N(0, 1);
then A has full row rank with probability 1 (its leading m x m minor is a polynomial in the entries, and not the zero
polynomial), and E_m = E X_A.

Statement ("error").

    (a)  X_A = |G (I - P)|_F^2 = tr G (I - P) G^T, the trace of the posterior covariance; P is the orthogonal projector
         onto the row space of B, and tr P = m.
    (b)  |G - C A G|_F^2 = X_A + |(C - G B^+) B|_F^2 for every n x m matrix C: X_A is the least mean square error of all
         linear estimators mu + C (y - A mu).
    (c)  The error for (G, A) is that for (Sigma, A U). Hence, for Gaussian A, the law of X_A depends on sigma and m only.
    (d)  Scaling G by c > 0 multiplies X_A by c^2. If all sigma_i = s, then X_A = s^2 (n - m) for every A.
    (e)  One more measurement a^T x, with a linearly independent of the rows of A, lowers X_A by exactly |G q|^2 / |q|^2,
         where q = (I - P) G^T a. Hence E_m decreases strictly with m; and since the error is 0 at m = n,
         X_A = sum_{j>m} |G q_j|^2 / |q_j|^2 along the rows j = m+1, ..., n that complete A.
    (f)  For G = Sigma and each fixed A, X_A is non-decreasing in every l_i. Hence so is E_m.

Proof.

1. P = B^T (B B^T)^{-1} B is symmetric, P P = P, P B^T = B^T, and P v = 0 where B v = 0. So it is the projector of (a), and
   tr P = tr (B B^T)^{-1} B B^T = tr I_m = m.
2. x_hat - x = G B^+ B z - G z = -G (I - P) z. For a fixed matrix M, E |M z|^2 = E tr M z z^T M^T = tr M M^T = |M|_F^2,
   since E z z^T = I; and (I - P)(I - P)^T = I - P. By "MLE" G (I - P) G^T is the posterior covariance. With
   Lambda = G G^T, the covariance of x, it is Lambda - Lambda A^T (A Lambda A^T)^{-1} A Lambda.
3. G - C A G = G (I - P) - (C - G B^+) B, and the two parts are orthogonal: (I - P) B^T = 0. Pythagoras gives (b). (The
   error of mu + C (y - A mu) is (C A G - G) z, of mean square |G - C A G|_F^2 as in step 2.)
4. With A' = A U, A G = A' Sigma V^T and G^T G = V Sigma^2 V^T, so that

       tr G P G^T = tr Sigma^2 A'^T (A' Sigma^2 A'^T)^{-1} A' Sigma^2,     tr G G^T = tr Sigma^2,

   in which only Sigma and A' occur. A row of a Gaussian A is N(0, I_n), and so is that row times U, as U^T I U = I; the
   rows stay independent.
5. B -> c B leaves P as it is, and G -> c G brings c^2. For G = s I, tr G (I - P) G^T = s^2 (n - tr P); by (c) that holds
   for every G with all singular values equal to s.
6. Let b = G^T a, q = (I - P) b and d = |q|^2 = b^T q. Here q is not 0, or else b would lie in the row space of B, and a in
   that of A. P' = P + q q^T / d is symmetric and idempotent, leaves B^T and b fixed, and vanishes on every v that B and b^T
   do not see: it is the projector onto the row space with the new row. The error drops by tr G (q q^T / d) G^T
   = |G q|^2 / d > 0. The first m rows of a Gaussian A with m + 1 rows are a Gaussian A with m rows; take the mean.
7. Let l'_i >= l_i and D = diag(sqrt(l'_i - l_i)), so that Sigma'^2 = Sigma^2 + D D^T. For every C, with R = I - C A,

       |R Sigma'|_F^2 = tr R (Sigma^2 + D D^T) R^T = |R Sigma|_F^2 + |R D|_F^2.

   For the C that is best for Sigma' the left side is the error for Sigma', and |R Sigma|_F^2 is at least the error for
   Sigma by (b). Take the mean over A.                                                                                  []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .ledger import Statement
from .matrices import at_most_by_squares, independent, same_matrices, same_means, same_traces, square
from .mle import GRAM, MEASURED, A, B, G, I_m, I_n, V, m, mu, n, projector, shortest, z
from .notation import E, Mean, X
from .propositions import Fact, Proposition, chain, defined, through

C = sp.MatrixSymbol("C", n, m)  # any linear estimator
P = projector()
U, W, Sigma = sp.MatrixSymbol("U", n, n), sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("Sigma", n, n)
A_U = sp.MatrixSymbol("A'", m, n)  # A U
c, d, s = sp.symbols("c d s", positive=True)

#: G = U Sigma W^T (W for the V of the docstring, which is taken) and A = A' U^T; Sigma is diagonal, hence symmetric.
ROTATED = [
    (G, U * Sigma * W.T),
    (A, A_U * U.T),
    (B, A_U * Sigma * W.T),
    (U.T * U, I_n),
    (W.T * W, I_n),
    (Sigma.T, Sigma),
]


def error() -> Any:
    """X_A."""
    return sp.Trace(G * (I_n - P) * G.T)


def linear_error(estimator: Any) -> Any:
    """Mean square error of mu + C (y - A mu)."""
    return square(G - estimator * A * G)


def rotated_error() -> Any:
    """X_A from Sigma and A' alone; V is (A' Sigma^2 A'^T)^{-1}."""
    return sp.Trace(Sigma * Sigma - Sigma * Sigma * A_U.T * V * A_U * Sigma * Sigma)


def drop(q: Any) -> Any:
    """By how much a further measurement lowers the error; d = |q|^2."""
    return square(G * q) / d


def deviation() -> Any:
    """x_hat - x, from mu, G, z and A."""
    return mu + G * shortest(A * (mu + G * z) - A * mu) - (mu + G * z)


def definition() -> Fact:
    """X_A."""
    return defined(X(m), error())


def expected() -> Fact:
    """E_m is the mean of X_A."""
    return defined(E(m), Mean(X(m)))


FLAT = (G, s * I_n)
b, v = sp.MatrixSymbol("b", n, 1), sp.MatrixSymbol("v", n, 1)  # a further row of B, and a vector
q = b - P * b
#: d = b^T q.
LENGTH = (b.T * b, b.T * P * b + d * sp.Identity(1))
larger, D = sp.MatrixSymbol("Sigma'", n, n), sp.MatrixSymbol("D", n, n)
GROWN = (larger * larger.T, Sigma * Sigma.T + D * D.T)

ERROR = Statement(
    "error",
    Proposition(Mean(square(deviation()), z), "=", X(m)),
    Proposition(X(m), "<=", linear_error(C)),
    Proposition(X(m), "=", rotated_error()),
    Proposition(X(m), "=", s**2 * (n - m), given=(FLAT,)),
    Proposition(sp.Trace(G * (I_n - P - q * q.T / d) * G.T), "=", X(m) - drop(q)),
    Proposition(square((I_n - C * A) * Sigma), "<=", square((I_n - C * A) * larger), given=(GROWN,)),
    words="X_A, the mean square error over z, {0}, is that of the best linear estimator, {1}; its law depends on Sigma "
    "alone, {2}; for a flat spectrum {3}; one more measurement lowers it, {4}; it is monotone, {5}",
    setting=(*GRAM, *MEASURED, *ROTATED, LENGTH),
    source="Asim et al. 2020",
)


@ERROR.symbolic
def projection() -> None:
    """P projects onto the row space of B, tr P = m."""
    same_matrices(P.T, P, given=GRAM, what="symmetry")
    same_matrices(P * P, P, given=GRAM, what="idempotence")
    same_matrices(P * B.T, B.T, given=GRAM, what="rows of B are fixed")
    same_matrices(P * z, 0, given=[(B * z, sp.ZeroMatrix(m, 1))], what="what B does not see")
    same_traces(sp.Trace(P), m, given=GRAM)


@ERROR.symbolic
def residual() -> Fact:
    """X_A = |G(I-P)|_F^2 = tr G(I-P)G^T, the posterior variance."""
    same_matrices(deviation(), -G * (I_n - P) * z, given=MEASURED, what="deviation")
    prior = G * G.T
    same_matrices(prior - prior * A.T * V * A * prior, G * (I_n - P) * G.T, given=MEASURED, what="covariance")
    over_z = same_means(square(deviation()), error(), independent({z: I_n}), [*MEASURED, *GRAM], what="mean over z")
    return chain(over_z, definition().turned())


@ERROR.symbolic
def pythagoras() -> Fact:
    """|G - CAG|^2 = X_A + |(C - G B^+) B|^2."""
    best = G * shortest(I_m)
    same_traces(linear_error(C), error() + square((C - best) * B), given=[*MEASURED, *GRAM])
    return chain(definition(), at_most_by_squares(error(), linear_error(C), [(C - best) * B], [*MEASURED, *GRAM]))


@ERROR.symbolic
def rotation() -> Fact:
    """The error for (G, A) is that for (Sigma, A U)."""
    same_matrices(A * G, B, given=ROTATED, what="B")
    same_matrices(B * B.T, A_U * Sigma * Sigma * A_U.T, given=ROTATED, what="what V inverts")
    row = sp.MatrixSymbol("a", 1, n)
    same_matrices((row * U).T * (row * U), I_n, given=[(row.T * row, I_n), (U.T * U, I_n)], what="covariance of a row")
    return chain(definition(), same_traces(error(), rotated_error(), given=ROTATED))


@ERROR.symbolic
def scaling() -> Fact:
    """Degree 2 in sigma; s^2 (n - m) for a flat spectrum."""
    scaled = [(G, c * G), (B, c * B), (V, V / c**2)]
    same_matrices((c * B) * (c * B).T * (V / c**2), I_m, given=GRAM, what="inverse of the scaled Gram matrix")
    substituted = error().xreplace(dict(scaled))
    same_traces(substituted, c**2 * error())
    return chain(definition(), same_traces(error(), s**2 * (n - m), given=[*GRAM, FLAT]))


@ERROR.symbolic
def further_measurement() -> Fact:
    """One more measurement: the new projector and the drop."""
    length = [LENGTH]
    same_matrices(q.T * q, d * sp.Identity(1), given=[*GRAM, *length], what="d = |q|^2")
    grown = P + q * q.T / d
    same_matrices(grown.T, grown, given=GRAM, what="symmetry")
    same_matrices(grown * grown, grown, given=[*GRAM, *length], what="idempotence")
    same_matrices(grown * B.T, B.T, given=GRAM, what="old rows are fixed")
    same_matrices(grown * b, b, given=[*GRAM, *length], what="the new row is fixed")
    unseen = [(B * v, sp.ZeroMatrix(m, 1)), (b.T * v, sp.ZeroMatrix(1, 1))]
    same_matrices(grown * v, 0, given=unseen, what="what no row sees")
    lowered = same_traces(sp.Trace(G * (I_n - grown) * G.T), error() - drop(q), given=GRAM)
    return chain(lowered, through(lambda side: side - drop(q), definition()).turned())


@ERROR.symbolic
def monotone() -> Fact:
    """Larger l_i: |R Sigma'|^2 = |R Sigma|^2 + |R D|^2."""
    R = I_n - C * A
    same_traces(square(R * larger), square(R * Sigma) + square(R * D), given=[GROWN])
    return at_most_by_squares(square(R * Sigma), square(R * larger), [R * D], [GROWN])


@ERROR.concludes
def conclusion() -> tuple[Fact, ...]:
    return residual(), pythagoras(), rotation(), scaling(), further_measurement(), monotone()
