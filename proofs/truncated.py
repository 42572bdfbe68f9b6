r"""The exact risk of least squares in a truncated generator.

Setting.  x = Sigma z has independent coordinates x_i ~ N(0, l_i), l_1 >= ... >= l_n > 0 (the eigenbasis of the generator,
mean 0), and one sees y = A x + w, A m x n with independent standard normal entries, w ~ N(0, s^2 I_m), all three
independent. Write A = [A_1 A_2] and x = (x_1; x_2), the first k columns and coordinates apart from the others, k at most
m and n, and tail(k) = sum_{i>k} l_i. The rank-k truncated generator G_k makes signals of the form (x_1; 0) only; least
squares in it answers x_hat = (A_1^+ y; 0), where A_1^+ = (A_1^T A_1)^{-1} A_1^T (A_1 has rank k with probability 1).

Statement ("T3-noisy").

    E |x_hat - x|^2 = tail(k) + (tail(k) + s^2) k / (m-k-1)      for 0 <= k <= m - 2,

infinite for k = m - 1 and k = m if k >= 1 and tail(k) + s^2 > 0: the interpolation peak.

Statement ("T3").  Without noise, and for every single A with A_1 of rank k, averaged over x,

    E_x |x_hat - x|^2 = tail(k) + || A_1^+ A_2 Sigma_2 ||_F^2 =: Y_k(A),      Sigma_2^2 = diag(l_{k+1}, ..., l_n);
    E Y_k(A) = (1 + k/(m-k-1)) tail(k)      for 0 <= k <= m - 2.

The representation error tail(k) is never removed: for k >= 1 the risk is larger at every m, and tends to it as m grows.
For complex A (and x, w), E|.|^2 = 1 in every entry, k/(m-k-1) becomes k/(m-k), for 0 <= k <= m - 1, infinite at k = m.

Proof.  For k = 0 there is nothing to prove: x_hat = 0. Let k >= 1.

1. For every A with A_1 of rank k, A_1^+ A_1 = I gives  x_hat - x = (e; -x_2),  e = A_1^+ (A_2 x_2 + w).

2. Averaged over x_2 and w, which are independent with covariances Sigma_2^2 and s^2 I,

       E |x_hat - x|^2 = tail(k) + tr A_1^+ (A_2 Sigma_2^2 A_2^T + s^2 I) A_1^{+T}.

   With s = 0 this is Y_k(A).

3. A_2 is independent of A_1, and E A_2 Sigma_2^2 A_2^T = tail(k) I: the entry at (p, q) is
   sum_{j>k} l_j E[a_pj a_qj] = sum_{j>k} l_j [p = q]. Hence the second term has mean, given A_1,

       (tail(k) + s^2) tr A_1^+ A_1^{+T} = (tail(k) + s^2) tr (A_1^T A_1)^{-1}.

4. The inverse-Wishart mean, k/(m-k-1), or k/(m-k), or infinity, finishes the proof. (All terms are non-negative, so the
   order of the averages does not matter, and infinite values are allowed.)

5. k/(m-k-1) is positive and tends to 0 as m -> infinity.                                                                []
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from .checks import infinite, same
from .inverse_wishart import trace_mean
from .ledger import Statement, establish
from .matrices import same_matrices, same_traces, value

SAYS = "E|x_hat_k - x|^2 = tail(k) + (tail(k) + s^2) k/(m-k-1) for k <= m-2, infinite for k = m-1, m"
NOISY = Statement("T3-noisy", SAYS, uses=("inverse-Wishart",))
NOISELESS = Statement("T3", "E Y_k(A) = (1 + k/(m-k-1)) tail(k) is the risk of the truncated prior", uses=("T3-noisy",))

m, n, k = sp.symbols("m n k", integer=True, positive=True)
tail = sp.Symbol("tail", positive=True)
noise = sp.Symbol("noise", nonnegative=True)  # s^2

A_1, A_2 = sp.MatrixSymbol("A_1", m, k), sp.MatrixSymbol("A_2", m, n - k)
L_2 = sp.MatrixSymbol("L_2", n - k, n - k)  # Sigma_2^2
W_inverse = sp.MatrixSymbol("W_inverse", k, k)  # (A_1^T A_1)^{-1}
x_1, x_2, w = sp.MatrixSymbol("x_1", k, 1), sp.MatrixSymbol("x_2", n - k, 1), sp.MatrixSymbol("w", m, 1)
A_1_plus = W_inverse * A_1.T
GIVEN = [
    (W_inverse.T, W_inverse),
    (L_2.T, L_2),
    (W_inverse * A_1.T * A_1, sp.Identity(k)),
    (A_1.T * A_1 * W_inverse, sp.Identity(k)),
]


def gaussian_mean(polynomial: Any, normals: Sequence[Any]) -> Any:
    """Mean of a polynomial in independent standard normals: E g^p = (p-1)!! for even p, and 0 for odd p.

    >>> g, h, c = sp.symbols("g h c")
    >>> gaussian_mean((g + c * h) ** 4, [g, h])
    3*c**4 + 6*c**2 + 3
    """
    terms = sp.Poly(sp.expand(polynomial), *normals).terms()
    return sum(
        coefficient * sp.prod(sp.factorial2(p - 1) for p in powers)
        for powers, coefficient in terms
        if not any(p % 2 for p in powers)
    )


def risk(tail: Any, m: Any, k: Any, noise: Any = 0, beta: int = 1) -> Any:
    """T3 and T3-noisy; `noise` is s^2, beta = 1 real, 2 complex."""
    return tail + (tail + noise) * k / (m - k - (1 if beta == 1 else 0))


def coordinate_error() -> Any:
    """e, the error of the first k coordinates, as a matrix in A, x and w."""
    return A_1_plus * (A_2 * x_2 + w)


def risk_given(tail: Any, noise: Any) -> Any:
    """Error averaged over x and w, for one A; with noise 0 it is Y_k(A)."""
    return tail + sp.Trace(A_1_plus * (A_2 * L_2 * A_2.T + noise * sp.Identity(m)) * A_1_plus.T)


@NOISY.symbolic
def error() -> None:
    """X_hat - x = (A_1^+ (A_2 x_2 + w); -x_2)."""
    y = A_1 * x_1 + A_2 * x_2 + w
    same_matrices(A_1_plus * y - x_1, coordinate_error(), GIVEN)


@NOISY.symbolic
def over_signals() -> None:
    """Its mean square over x and w."""
    for rows, rank, size in ((2, 1, 3), (3, 1, 3), (3, 2, 3)):
        l = sp.symbols(f"l:{size}", positive=True)
        K = sp.Matrix(rank, rank, sp.symbols(f"K:{rank * rank}"))  # any matrix in the place of (A_1^T A_1)^{-1}
        A = sp.Matrix(rows, size, sp.symbols(f"a:{rows * size}"))
        letters = {A_1: A[:, :rank], A_2: A[:, rank:], W_inverse: K}
        s = sp.Symbol("s", positive=True)
        z, v = sp.symbols(f"z:{size - rank}"), sp.symbols(f"v:{rows}")
        signal = {
            L_2: sp.diag(*l[rank:]),
            x_2: sp.Matrix([sp.sqrt(l_i) * z_i for l_i, z_i in zip(l[rank:], z, strict=True)]),
            w: s * sp.Matrix(v),
        }
        e = value(coordinate_error(), letters | signal)
        squared = gaussian_mean((e.T * e)[0] + (signal[x_2].T * signal[x_2])[0], (*z, *v))
        same(squared, value(risk_given(sum(l[rank:]), s**2), letters | signal), f"{rows, rank, size}")


@NOISY.symbolic
def over_other_columns() -> None:
    """The mean over A_2 is tail(k) + (tail(k) + s^2) tr (A_1^T A_1)^{-1}."""
    columns = sp.Matrix(3, 3, sp.symbols("a:9"))
    l = sp.symbols("l:3", positive=True)
    second_moment = (columns * sp.diag(*l) * columns.T).applyfunc(lambda entry: gaussian_mean(entry, list(columns)))
    same(second_moment, sum(l) * sp.eye(3), "E A_2 Sigma_2^2 A_2^T")
    scatter = (A_2 * L_2 * A_2.T, tail * sp.Identity(m))  # this mean, in the place of the matrix, by linearity
    same_traces(risk_given(tail, noise), tail + (tail + noise) * sp.Trace(W_inverse), [scatter, *GIVEN])


@NOISY.symbolic
def mean() -> None:
    """With the inverse-Wishart mean: the risk, real and complex."""
    for beta in (1, 2):
        same(tail + (tail + noise) * trace_mean(m, k, beta), risk(tail, m, k, noise, beta), f"beta = {beta}")


@NOISY.symbolic
def peak() -> None:
    """Infinite for k = m - 1 and k = m; complex: for k = m."""
    for rows, beta in ((k, 1), (k + 1, 1), (k, 2)):
        infinite(tail + (tail + noise) * trace_mean(rows, k, beta), f"m = {rows}, beta = {beta}")


@NOISELESS.symbolic
def noiseless() -> None:
    """Without noise the risk is the mean of Y_k(A), (1 + k/(m-k-1)) tail(k)."""
    same(risk(tail, m, k), (1 + k / (m - k - 1)) * tail)
    same(risk(tail, m, k, beta=2), (1 + k / (m - k)) * tail, "complex")
    product = A_1_plus * A_2
    same_traces(risk_given(tail, 0), tail + sp.Trace(product * L_2 * product.T), GIVEN, "Y_k(A)")


@NOISELESS.symbolic
def representation_error() -> None:
    """The representation error tail(k) is exceeded for every m, and approached."""
    extra = sp.Symbol("extra", integer=True, positive=True)  # m - k - 1
    excess = risk(tail, k + 1 + extra, k, noise) - tail
    establish(sp.factor(excess).is_positive is True, "the risk is not above the representation error")
    same(sp.limit(risk(tail, m, k, noise), m, sp.oo), tail, "many measurements")
