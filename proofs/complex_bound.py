r"""The bound for complex measurements.

Setting.  A (m x n) has independent complex entries (g + ih)/sqrt(2), g and h independent standard normal, so that E|.|^2
= 1; l_1 >= ... >= l_n > 0, Sigma^2 = diag(l), tail(k) = sum_{i>k} l_i; P is the orthogonal projector of C^n onto the range
of (A Sigma)^*, X_A = |Sigma (I - P)|_F^2 the error averaged over x = Sigma z with z complex, E z z^* = I, and E_m = E X_A.
A^* is the conjugate transpose; A = [A_1 A_2], Sigma = diag(Sigma_1, Sigma_2), with k columns in the first blocks.

Statement ("T7").  For 1 <= m < n and every 0 <= k <= m - 1,

    E_m <= (1 + k/(m-k)) tail(k) = m tail(k) / (m-k).

It is T2's bound for m + 1 measurements. So the best k is #{ j >= 0 : j + tail(j)/l_{j+1} <= m }; and no factor that depends
on k and m only can improve the bound.

Proof.

1. With B = A Sigma, of full row rank with probability 1, P = B^* (B B^*)^{-1} B and B (I - P) = 0. So, for every n x m
   matrix K,  Sigma (I - P) = (Sigma - K B)(I - P),  and Pythagoras gives  |Sigma (I - P)|_F <= |Sigma - K B|_F.
2. K = (A_1^+; 0) with A_1^+ = (A_1^* A_1)^{-1} A_1^* and A_1^+ A_1 = I leaves the blocks -A_1^+ A_2 Sigma_2 and Sigma_2:

       X_A <= tail(k) + |A_1^+ A_2 Sigma_2|_F^2      for every A with A_1 of rank k, which has probability 1.

3. A_2 is independent of A_1 and E A_2 Sigma_2^2 A_2^* = tail(k) I, because the entries have E a_p conj(a_q) = [p = q]. So
   the right side has mean tail(k) (1 + E tr (A_1^* A_1)^{-1}) = tail(k) (1 + k/(m-k)), by "inverse-Wishart".
4. In T2, B_k = (m-1) tail(k)/(m-1-k), 0 <= k <= m-2: put m + 1 for m. "T2-best-rank" applies since m + 1 <= n, and
   "T2-sharp" has the complex case.                                                                                      []

In steps 1 and 2 the algebra is that of the real case with * for T: both are linear over the reals, reverse products, and
are their own inverse, and nothing else is used.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from . import range_finder, truncated
from .checks import same
from .inverse_wishart import trace_mean
from .ledger import Statement
from .matrices import same_matrices, same_traces, square
from .truncated import gaussian_mean

T7 = Statement(
    "T7",
    "complex A: E_m <= (1 + k/(m-k)) tail(k), 0 <= k <= m-1",
    uses=("inverse-Wishart", "T2-best-rank", "T2-sharp"),
)

n, m, k = sp.symbols("n m k", integer=True, positive=True)
tail, f = sp.symbols("tail f", positive=True)


def bound(tail: Any, m: Any, k: Any) -> Any:
    """T7's right side."""
    return (1 + k / (m - k)) * tail


@T7.symbolic
def projected() -> None:
    """Sigma(I-P) = (Sigma - K A Sigma)(I-P), a contraction of it."""
    range_finder.projected()


@T7.symbolic
def blocks() -> None:
    """For K = (A_1^+; 0) what is left is tail(k) + |A_1^+ A_2 Sigma_2|^2."""
    A_1, A_2 = sp.MatrixSymbol("A_1", m, k), sp.MatrixSymbol("A_2", m, n - k)
    Sigma_1, Sigma_2 = sp.MatrixSymbol("Sigma_1", k, k), sp.MatrixSymbol("Sigma_2", n - k, n - k)
    W_inverse = sp.MatrixSymbol("W^-1", k, k)
    given = [(W_inverse.T, W_inverse), (W_inverse * A_1.T * A_1, sp.Identity(k)), (A_1.T * A_1 * W_inverse, sp.Identity(k))]
    A_1_plus = W_inverse * A_1.T
    corner, right = Sigma_1 - A_1_plus * (A_1 * Sigma_1), -A_1_plus * (A_2 * Sigma_2)
    same_matrices(corner, 0, given)
    averaged = [(A_2 * Sigma_2 * Sigma_2.T * A_2.T, tail * sp.Identity(m)), *given]  # step 3
    same_traces(square(right), tail * sp.Trace(W_inverse), averaged)


@T7.symbolic
def second_moment() -> None:
    """E A_2 Sigma_2^2 A_2^* = tail(k) I."""
    real, imaginary = sp.symbols("g:6", real=True), sp.symbols("h:6", real=True)
    entries = sp.Matrix(2, 3, [(g + sp.I * h) / sp.sqrt(2) for g, h in zip(real, imaginary, strict=True)])
    l = sp.symbols("l:3", positive=True)
    scatter = entries * sp.diag(*l) * entries.conjugate().T
    same(scatter.applyfunc(lambda entry: gaussian_mean(entry, (*real, *imaginary))), sum(l) * sp.eye(2))


@T7.symbolic
def mean() -> None:
    """With the inverse-Wishart mean: T7, which is T2 for m + 1."""
    same(tail * (1 + trace_mean(m, k, beta=2)), bound(tail, m, k))
    same(truncated.risk(tail, m, k, beta=2), bound(tail, m, k), "the complex T3")
    same(bound(tail, m, k), range_finder.bound(tail, m + 1, k))


@T7.symbolic
def sharp() -> None:
    """No better factor of k and m."""
    quotient = range_finder.infinite_head(m, n, k, f, beta=2) / bound((n - k) * f, m, k)
    same(sp.limit(quotient, n, sp.oo), 1)
