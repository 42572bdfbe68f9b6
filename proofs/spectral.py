r"""The expected spectral norm of the error operator.

Setting.  ||.|| is the spectral norm. The errors are x_hat - x = -G (I - P) z, see "error", with P the orthogonal projector
onto the row space of A G, and ||(I - P) G^T|| = ||G (I - P)||. If G = U Sigma V^T, then P = V P' V^T with the projector P'
for A U and Sigma in the place of A and G, and G (I - P) = U Sigma (I - P') V^T has the norms of Sigma (I - P'). As the law
of A U is that of A, we may take G = Sigma = diag(sigma_1, ..., sigma_n), l_i = sigma_i^2. The rest is as in "T3", without
noise. Let k + p = m <= n with p >= 2.

Statement ("Chevet").  For fixed matrices S, T and a matrix Omega with independent standard normal entries,

    E ||S Omega T|| <= ||S|| ||T||_F + ||S||_F ||T||.

Proof.

1. ||S Omega T|| is the largest X(u, v) = a^T Omega b with a = S^T u, b = T v, over unit vectors u and v. Let g and h be
   independent standard normal vectors, beta = ||T||, and Y(u, v) = |a| h^T b + beta g^T a. For another pair
   (c, d) in the place of (a, b)

       E (X - X')^2 = |a b^T - c d^T|_F^2,      E (Y - Y')^2 = | |a| b - |c| d |^2 + beta^2 |a - c|^2,
       E (Y - Y')^2 - E (X - X')^2 = 2 (beta^2 - b^T d)(|a| |c| - a^T c) + beta^2 (|a| - |c|)^2 >= 0,

   since |b|, |d| <= beta.
2. By the Sudakov-Fernique inequality (cited) the mean of the largest X is at most that of the largest Y, and the largest Y
   is at most ||S|| |T^T h| + beta |S g|, where E |T^T h| <= (E |T^T h|^2)^{1/2} = ||T||_F; the same for S.              []

Statement ("T5").

    E ||(I - P) G^T|| <= (1 + sqrt(k/(p-1))) sigma_{k+1} + (e sqrt(k+p)/p) tail(k)^{1/2}.

Proof.  For k = 0, ||Sigma (I - P)|| <= sigma_1 is enough. Let k >= 1, and A_1 of rank k (probability 1).

1. For every A,  ||Sigma (I - P)|| <= ||Sigma_2|| + ||F||  with  F = A_1^+ A_2 Sigma_2: by step 1 of "T2",
   Sigma (I - P) = M (I - P), where M = Sigma - (A_1^+; 0) A Sigma has the block columns 0 and (-F; Sigma_2). Hence
   ||M||^2 = ||F^T F + Sigma_2^2|| <= ||F||^2 + ||Sigma_2||^2 <= (||F|| + ||Sigma_2||)^2, and ||Sigma_2|| = sigma_{k+1}.
2. A_2 is independent of A_1. Given A_1, "Chevet" with S = A_1^+ and T = Sigma_2, ||Sigma_2||_F^2 = tail(k), gives

       E ||F|| <= E ||A_1^+|| tail(k)^{1/2} + E ||A_1^+||_F sigma_{k+1}.

3. E ||A_1^+||_F <= (E ||A_1^+||_F^2)^{1/2} = (E tr (A_1^T A_1)^{-1})^{1/2} = sqrt(k/(p-1)), by "inverse-Wishart", and
   E ||A_1^+|| <= e sqrt(m)/p by "smallest-singular-value".                                                              []
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from flint import arb, fmpq

from . import range_finder
from .checks import below, enclosed, nonnegative, same
from .inverse_wishart import WISHART, real_trace
from .kernel import instances
from .ledger import Statement
from .matrices import independent, same_matrices, same_means, same_traces, square
from .notation import l, quantity, tail
from .propositions import Fact, Proposition, argued, at_least, chain, through
from .smallest_singular_value import SMALLEST, mean_norm
from .truncated import A_1

n, m, k = sp.symbols("n m k", integer=True, positive=True)
p = sp.Symbol("p", integer=True, nonnegative=True)
#: Spectral and Frobenius norms of S and of T.
S, S_F, T, T_F = sp.symbols("||S|| ||S||_F ||T|| ||T||_F", positive=True)
sigma, root_tail = sp.sqrt(l(k + 1)), sp.sqrt(tail(k))  # sigma_{k+1}, tail(k)^{1/2}

#: E||S Omega T||, E||A_1^+ A_2 Sigma_2||, E||A_1^+||_F, and E||(I-P)G^T||.
product_norm = quantity("product_norm", "E||S Omega T||")
rest_norm = quantity("rest_norm", "E||A_1^+ A_2 Sigma_2||")
frobenius_norm = quantity("frobenius_norm", "E||A_1^+||_F")
error_norm = quantity("error_norm", "E||(I-P)G^T||")


def chevet(S: Any, S_F: Any, T: Any, T_F: Any) -> Any:
    """Bound on E ||S Omega T|| from the spectral and the Frobenius norms."""
    return S * T_F + S_F * T


def bound(sigma: Any, root_tail: Any, k: Any, p: Any) -> Any:
    """The right side of T5."""
    return (1 + sp.sqrt(k / (p - 1))) * sigma + sp.E * sp.sqrt(k + p) / p * root_tail


CHEVET = Statement(
    "Chevet",
    Proposition(product_norm(S, S_F, T, T_F), "<=", chevet(S, S_F, T, T_F)),
    source="Chevet 1978; Gordon 1985",
)
T5 = Statement(
    "T5",
    Proposition(error_norm(k, p), "<=", bound(sigma, root_tail, k, p), when=(at_least(p, 2),)),
    source="Halko, Martinsson & Tropp 2011, Theorem 10.6",
)


@CHEVET.symbolic
def increments() -> Fact:
    """The increments of Y exceed those of X."""
    a, c, b, d, beta = sp.symbols("a c b d beta", nonnegative=True)  # lengths
    ac, bd = sp.symbols("ac bd", real=True)  # inner products
    of_X = a**2 * b**2 + c**2 * d**2 - 2 * ac * bd
    of_Y = a**2 * b**2 + c**2 * d**2 - 2 * a * c * bd + beta**2 * (a**2 + c**2 - 2 * ac)
    slack_1, slack_2 = sp.symbols("slack_1 slack_2", nonnegative=True)  # beta^2 - b.d and |a| |c| - a.c
    same(of_Y - of_X, 2 * (beta**2 - bd) * (a * c - ac) + beta**2 * (a - c) ** 2)
    return nonnegative((of_Y - of_X).subs({bd: beta**2 - slack_2, ac: a * c - slack_1}).expand() - beta**2 * (a - c) ** 2)


@CHEVET.symbolic
def lengths() -> None:
    """|ab^T - cd^T|^2, and that of Y, in lengths and products."""
    a, c = (sp.MatrixSymbol(name, m, 1) for name in "ac")
    b, d = (sp.MatrixSymbol(name, n, 1) for name in "bd")
    products = sp.Trace(a.T * a * b.T * b) + sp.Trace(c.T * c * d.T * d) - 2 * sp.Trace(a.T * c * d.T * b)
    same_traces(square(a * b.T - c * d.T), products)
    x, y = sp.symbols("x y", positive=True)  # |a|, |c|
    same_traces(square(x * b - y * d), x**2 * square(b) + y**2 * square(d) - 2 * x * y * sp.Trace(b.T * d))
    same_traces(square(a - c), square(a) + square(c) - 2 * sp.Trace(a.T * c))


CHEVET.cited(
    "Sudakov-Fernique: larger mean square increments, larger mean maximum (centred Gaussian processes)",
    source="Fernique 1975; Vershynin 2018, High-Dimensional Probability, Theorem 7.2.11",
)


@CHEVET.symbolic
def mean_length() -> Fact:
    """E |T^T h|^2 = ||T||_F^2."""
    T, h = sp.MatrixSymbol("T", n, m), sp.MatrixSymbol("h", n, 1)
    return same_means(square(T.T * h), square(T), independent({h: sp.Identity(n)}))


@CHEVET.symbolic
def largest() -> Fact:
    """The largest Y is at most ||S|| |T^T h| + ||T|| |S g|, of mean at most ||S|| ||T||_F + ||S||_F ||T||."""
    increments()
    lengths()
    # |T^T h| and |S g| have means at most the roots of their mean squares, ||T||_F and ||S||_F.
    mean_length()
    largest_Y = S * T_F + T * S_F
    reason = "Sudakov-Fernique, and steps 1 and 2: |S^T u| <= ||S||, |T v| <= ||T||, E|T^T h| <= ||T||_F, E|S g| <= ||S||_F"
    return argued(product_norm(S, S_F, T, T_F), "<=", largest_Y, reason)


@CHEVET.ball
def one_row() -> None:
    """S = 1 and T = I of N dimensions: ||Omega|| is a chi variable, of mean below the bound and above nine tenths of it."""
    for size in instances((400, 2500), "S = 1, T = I of size {}".format):
        norms = {S: 1, S_F: 1, T: 1, T_F: arb(size).sqrt()}
        bound = enclosed(chevet(S, S_F, T, T_F), norms)
        mean_is = arb(2).sqrt() * ((arb(size) + 1) / 2).gamma() / (arb(size) / 2).gamma()
        below(mean_is, bound, "mean of chi")
        below(bound * fmpq(9, 10), mean_is, "nearly attained")


@CHEVET.concludes
def conclusion() -> Fact:
    found = largest()
    return chain(found, same(found.right, chevet(S, S_F, T, T_F)))


@T5.symbolic
def deterministic() -> Fact:
    """||Sigma(I-P)|| <= sigma_{k+1} + ||A_1^+ A_2 Sigma_2|| for every A."""
    range_finder.projected()
    head, (upper, lower) = range_finder.remaining()
    for block in head:
        same_matrices(block, sp.ZeroMatrix(*block.shape), [(range_finder.A_1_plus * A_1, range_finder.I_k)])
    F, Sigma_2 = range_finder.A_1_plus * range_finder.A_2 * range_finder.Sigma_2, range_finder.Sigma_2
    same_matrices(upper.T * upper + lower.T * lower, F.T * F + Sigma_2.T * Sigma_2, what="M^T M")
    x = sp.Symbol("x", nonnegative=True)  # ||F||
    nonnegative(sp.expand((x + sigma) ** 2 - (x**2 + sigma**2)))
    # Sigma (I - P) = M (I - P) is step 1 of "T2".
    range_finder.T2.fact()
    reason = "step 1: ||M||^2 <= ||F||^2 + sigma_{k+1}^2, at most the square of the sum"
    return argued(error_norm(k, p), "<=", sigma + rest_norm(k, p), reason)


@T5.symbolic
def frobenius() -> Fact:
    """||A_1^+||_F^2 = tr (A_1^T A_1)^{-1}, of mean k/(p-1)."""
    W_inverse = sp.MatrixSymbol("W^-1", k, k)
    given = [(W_inverse.T, W_inverse), (W_inverse * A_1.T * A_1, sp.Identity(k))]
    same_traces(square(W_inverse * A_1.T), sp.Trace(W_inverse), given)
    jensen = argued(
        frobenius_norm(k, p), "<=", sp.sqrt(real_trace(k + p, k)), "step 3: E||A_1^+||_F <= (E||A_1^+||_F^2)^{1/2}"
    )
    return chain(jensen, through(sp.sqrt, WISHART.fact(0).at({m: k + p})))


@T5.symbolic
def combined() -> Fact:
    """Together: T5."""
    norms = {S: mean_norm(k, p), S_F: frobenius_norm(k, p), T: sigma, T_F: root_tail}
    given_A_1 = CHEVET.fact().right.subs(norms, simultaneous=True)
    averaged = argued(rest_norm(k, p), "<=", given_A_1, "Chevet for S = A_1^+ given A_1, which is linear in the norms of S")
    whole = through(lambda side: sigma + side, averaged)
    smallest = through(lambda side: sigma + root_tail * side + frobenius_norm(k, p) * sigma, SMALLEST.fact(2))
    links = [deterministic(), whole, smallest]
    rest = smallest.right - frobenius_norm(k, p) * sigma
    entries = through(lambda side: rest + side * sigma, frobenius())
    return chain(*links, entries, same(entries.right, bound(sigma, root_tail, k, p)))


@T5.concludes
def conclusion_spectral() -> Fact:
    return combined()
