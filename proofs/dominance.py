r"""The invertible prior is at least as good as every truncated one, for every single A.

Setting.  As in "error", with G = Sigma (by its part (c) that loses nothing). For 0 <= k <= m split the columns of A and
the singular values after the k-th: A = [A_1 A_2], Sigma = diag(Sigma_1, Sigma_2), tail_k = |Sigma_2|_F^2 = sum_{i>k} l_i.
Let A_1 have full column rank k, and A_1^+ = (A_1^T A_1)^{-1} A_1^T. Least squares in the truncated generator G_k estimates
x by the point of mu + { (c, 0) : c in R^k } whose measurements are nearest to y. (For k = 0 that is mu: A_1 is empty.)

Statement ("T4").

    (a)  Its mean square error, over z, is Y_k(A) = tail_k + |A_1^+ A_2 Sigma_2|_F^2; if the measurements have independent
         noise of variance s^2, that adds s^2 |A_1^+|_F^2.
    (b)  X_A <= Y_k(A), with equality if and only if the two estimators agree. Hence E_m <= min_{k<=m} E Y_k(A).
    (c)  With noise, too: for s > 0 the mean square error of every linear estimator mu + C (y - A mu) exceeds that of the
         penalised one with gamma = s^2, which is tr Sigma (I - B^T (B B^T + s^2 I)^{-1} B) Sigma, by

             tr (C - C_s) (B B^T + s^2 I) (C - C_s)^T >= 0,      C_s = Sigma B^T (B B^T + s^2 I)^{-1}.

Proof.

1. c minimises |A_1 c - (y - A mu)|, so c = A_1^+ (y - A mu) and the estimator is linear, mu + C_k (y - A mu) with
   C_k = [A_1^+; 0]. With x - mu = Sigma z = (x_1, x_2),

       c - x_1 = A_1^+ (A_1 x_1 + A_2 x_2) - x_1 = A_1^+ A_2 x_2,        0 - x_2 = -x_2,        x_2 = Sigma_2 z_2,

   as A_1^+ A_1 = I_k. The mean squares over z_2 ~ N(0, I) are |A_1^+ A_2 Sigma_2|_F^2 and |Sigma_2|_F^2. Independent noise
   s e adds E |C_k s e|^2 = s^2 |C_k|_F^2 = s^2 |A_1^+|_F^2. This is (a); and Y_k(A) = |Sigma - C_k A Sigma|_F^2.
2. By part (b) of "error", |Sigma - C A Sigma|_F^2 = X_A + |(C - Sigma B^+) B|_F^2 for every C. Take C = C_k:

       Y_k(A) = X_A + |(C_k - Sigma B^+) A Sigma|_F^2 >= X_A.

   As A Sigma has full row rank, the last term vanishes only if C_k = Sigma B^+. A Gaussian A has an A_1 of full column rank
   with probability 1, so that taking the mean gives (b). (E Y_k is computed in "T3"; it may be infinite.)
3. The error of mu + C (y - A mu) is now (C B - Sigma) z + s C e. With W = B B^T + s^2 I, completing the square gives (c):

       |Sigma - C B|_F^2 + s^2 |C|_F^2 = tr Sigma^2 - 2 tr C B Sigma + tr C W C^T
                                       = tr (Sigma^2 - Sigma B^T W^{-1} B Sigma) + tr (C - C_s) W (C - C_s)^T.          []

(The posterior mean has the least mean square error among all estimators, linear or not; only linear ones are needed here.)
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .error import ERROR, C, error, expected, linear_error
from .ledger import Statement
from .matrices import at_most_by_squares, independent, same_means, same_traces, square
from .mle import GRAM, MEASURED, OUTER, A, B, G, I_m, K, gamma, m, n, posterior_covariance, shortest
from .notation import E, Mean, X, Y, tail
from .propositions import Fact, Proposition, chain, mean
from .truncated import A_1, A_2, L_2
from .truncated import W_inverse as L
from .truncated import definition as truncated_definition

k = sp.Symbol("k", integer=True, positive=True)
I_k = sp.Identity(k)
#: The first k and the other n - k columns of I_n.
First, Rest = sp.MatrixSymbol("First", n, k), sp.MatrixSymbol("Rest", n, n - k)
Sigma_1, Sigma_2 = sp.MatrixSymbol("Sigma_1", k, k), sp.MatrixSymbol("Sigma_2", n - k, n - k)
r, e = sp.MatrixSymbol("r", m, 1), sp.MatrixSymbol("e", m, 1)

NORMAL = [(L.T, L), (A_1.T * A_1 * L, I_k)]
SPLIT = [
    (G, First * Sigma_1 * First.T + Rest * Sigma_2 * Rest.T),
    (A, A_1 * First.T + A_2 * Rest.T),
    (First.T * First, I_k),
    (Rest.T * Rest, sp.Identity(n - k)),
    (First.T * Rest, sp.ZeroMatrix(k, n - k)),
    *NORMAL,
]
#: Sigma_2^2, and its trace.
LENGTHS = [(L_2, Sigma_2 * Sigma_2.T), (sp.Trace(Sigma_2 * Sigma_2.T), tail(k))]


def least_squares() -> Any:
    """A_1^+."""
    return L * A_1.T


def truncated_estimator() -> Any:
    """C_k: from the measurements to all n coordinates."""
    return First * least_squares()


def truncated_error() -> Any:
    """Y_k(A)."""
    return square(Sigma_2) + square(least_squares() * A_2 * Sigma_2)


def truncated_noise() -> Any:
    """What noise of variance gamma adds."""
    return gamma * square(least_squares())


def least_error() -> Any:
    """Of the penalised estimator, with noise of variance gamma."""
    return sp.Trace(G * posterior_covariance() * G.T)


DOMINANCE = Statement(
    "T4",
    Proposition(linear_error(truncated_estimator()), "=", Y(k)),
    Proposition(X(m), "<=", Y(k)),
    Proposition(E(m), "<=", Mean(Y(k))),
    Proposition(Mean(gamma * square(truncated_estimator() * e), e), "=", truncated_noise()),
    Proposition(least_error(), "<=", linear_error(C) + gamma * square(C)),
    words="the truncated prior has the error {0}; for every A {1}, hence {2}; noise adds {3}, and the penalised estimator "
    "is the best linear one, {4}",
    setting=(*SPLIT, *LENGTHS, *MEASURED, *GRAM, *OUTER),
)


@DOMINANCE.symbolic
def normal_equations() -> Fact:
    """A_1^+ r is the least-squares solution."""
    c = sp.MatrixSymbol("c", k, 1)
    best = least_squares() * r
    same_traces(square(A_1 * c - r), square(A_1 * best - r) + square(A_1 * (c - best)), given=NORMAL)
    return at_most_by_squares(square(A_1 * best - r), square(A_1 * c - r), [A_1 * (c - best)], NORMAL)


@DOMINANCE.symbolic
def error_of_truncation() -> Fact:
    """Y_k(A) = |Sigma - C_k A Sigma|^2 = tail_k + |A_1^+ A_2 Sigma_2|^2."""
    split = same_traces(linear_error(truncated_estimator()), truncated_error(), given=SPLIT)
    named = truncated_definition()
    return chain(split, same_traces(truncated_error(), named.right, given=[*LENGTHS, *NORMAL]), named.turned())


@DOMINANCE.symbolic
def noise_of_truncation() -> Fact:
    """Noise adds s^2 |A_1^+|^2."""
    added = gamma * square(truncated_estimator() * e)
    return same_means(added, truncated_noise(), independent({e: I_m}), SPLIT)


@DOMINANCE.symbolic
def dominated() -> Fact:
    """Y_k(A) = X_A + |(C_k - Sigma B^+) A Sigma|^2."""
    excess = (truncated_estimator() - G * shortest(I_m)) * B
    same_traces(linear_error(truncated_estimator()) - error(), square(excess), given=[*MEASURED, *GRAM])
    # Part (b) of "error", for the estimator C = C_k.
    return chain(ERROR.fact(1).at({C: truncated_estimator()}), error_of_truncation())


@DOMINANCE.symbolic
def dominated_with_noise() -> Fact:
    """With noise, the excess over the penalised estimator."""
    best = G * B.T * K
    excess = (C - best) * (B * B.T + gamma * I_m) * (C - best).T
    given = [*MEASURED, *OUTER]
    same_traces(linear_error(C) + gamma * square(C), least_error() + sp.Trace(excess), given=given)
    squares = [(C - best) * B, sp.sqrt(gamma) * (C - best)]
    return at_most_by_squares(least_error(), linear_error(C) + gamma * square(C), squares, given)


@DOMINANCE.concludes
def conclusion() -> tuple[Fact, ...]:
    draw = dominated()
    averaged = chain(expected(), mean(draw))
    return error_of_truncation(), draw, averaged, noise_of_truncation(), dominated_with_noise()
