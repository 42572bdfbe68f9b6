r"""The mean trace of an inverse, E tr (A M A^*)^{-1}, is an error in disguise.

Setting.  A is an r x n matrix of independent standard Gaussian entries, real or complex, 1 <= r < n, M = diag(mu), all
mu_i > 0; V_r(M) = (1/r) E tr (A M A^*)^{-1}, as in "one-measurement". E_m is the expected error at the variances l_i =
1/mu_i. For t > 0 let K_t be a sum of independent Bernoulli variables of means t mu_i/(1 + t mu_i), so that

    P(K_t = k) = t^k e_k(mu) / prod_i (1 + t mu_i).

kappa_s(mu) is the root of sum_i mu_i/(mu_i + kappa) = s, 0 < s < n.

Statement ("inverse-trace").

    (a)  real A, r <= n - 2:     E_{n-r} = (n - r - 1) r V_r(M);   for r = n - 1, V_r(M) is infinite.
    (b)  complex A, r <= n - 1:  E_{n-r} = (n - r) r V_r(M),    V_r(M) = (1/r) int_0^inf P(K_t < r) dt.
    (c)  complex A, 1 <= q < n:  E_q(l) = q int_0^inf t^{-2} P(K_t > q) dt, K_t formed with the l_i in place of the mu_i.
    (d)  kappa_{n-r}(l) = 1/kappa_r(mu).

Proof.

1. A^* = Q R with W = A A^* = R^* R and Q an orthonormal basis of the range, independent of W and uniformly distributed
   (A^* U has the law of A^*). A M A^* = R^* B R with B = Q^* M Q, so tr (A M A^*)^{-1} = tr B^{-1} (R R^*)^{-1}. R may be
   taken Hermitian, R R^* = W; then, W and B being independent, E tr (A M A^*)^{-1} = c E tr B^{-1} with E W^{-1} = c I:
   c = 1/(n-r-1) for real A, 1/(n-r) for complex A, infinite for real A if r = n - 1, by "inverse-Wishart".
2. E tr B^{-1} = E_{n-r}: a uniform subspace of dimension r is the kernel of n - r Gaussian rows, and step 1 of
   "complex-exact" says that the error of these rows is tr B^{-1} with B = Q^* Lambda^{-1} Q. That is (a), and half of (b).
3. "complex-exact" at l = 1/mu, m = n - r: N_t has the means l/(l + t) = 1/(1 + t mu), so n - N_t has the law of K_t, and
   N_t > n - r if and only if K_t < r. This is (b). At l itself, with 1/t for t: l/(l + 1/t) = t l/(1 + t l), which is (c).
4. l/(l + 1/kappa) = 1 - mu/(mu + kappa), of sum n - r if kappa = kappa_r(mu).                                          []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from . import complex_exact
from .checks import infinite, same
from .inverse_wishart import trace_mean
from .ledger import Statement
from .matrices import same_matrices, same_traces

INVERSE_TRACE = Statement(
    "inverse-trace",
    "E_{n-r}(1/mu) = c E tr (A M A^*)^{-1}, c = n-r-1 (real, r <= n-2), n-r (complex, where it is c int P(K_t < r) dt)",
    uses=("inverse-Wishart", "complex-exact", "one-measurement"),
)

n, r = sp.symbols("n r", integer=True, positive=True)
t, mu, kappa = sp.symbols("t mu kappa", positive=True)


def factor(n: Any, r: Any, beta: int) -> Any:
    """E_{n-r} over E tr (A M A^*)^{-1}; beta = 1 real, 2 complex."""
    return n - r - 1 if beta == 1 else n - r


def seen(eigenvalue: Any) -> Any:
    """Mean of a Bernoulli variable of K_t."""
    return t * eigenvalue / (1 + t * eigenvalue)


@INVERSE_TRACE.symbolic("tr (A M A^*)^{-1} = tr B^{-1} W^{-1}", scope="all n, r (noncommutative algebra, * as T)")
def polar() -> None:
    Q, M = sp.MatrixSymbol("Q", n, r), sp.MatrixSymbol("M", n, n)
    root, root_inverse, B_inverse = (sp.MatrixSymbol(name, r, r) for name in ("R", "R'", "B'"))
    I = sp.Identity(r)
    given = [
        (root.T, root),
        (root_inverse.T, root_inverse),
        (root * root_inverse, I),
        (root_inverse * root, I),
        (Q.T * M * Q * B_inverse, I),
        (Q.T * Q, I),
    ]
    A = root * Q.T
    inverse = root_inverse * B_inverse * root_inverse
    same_matrices(A * M * A.T * inverse, I, given, "(A M A^*)^{-1}")
    same_matrices(A * A.T, root * root, given, "W")
    same_traces(sp.Trace(inverse), sp.Trace(B_inverse * root_inverse * root_inverse), given)


@INVERSE_TRACE.symbolic("E W^{-1} = I/(n-r-1) real, I/(n-r) complex, infinite for real r = n-1", scope="all n, r")
def wishart() -> None:
    for beta in (1, 2):
        same(trace_mean(n, r, beta) / r, 1 / factor(n, r, beta), f"beta = {beta}")
    infinite(trace_mean(r + 1, r, beta=1), "n = r + 1")


@INVERSE_TRACE.symbolic("E tr B^{-1} is the error of the other n - r measurements", scope="all n, m (* as T)")
def compressed() -> None:
    complex_exact.compressed_precision()


@INVERSE_TRACE.symbolic("N_t for 1/mu is n - K_t; N_{1/t} is K_t", scope="each of the n variables, hence all n and r")
def counts() -> None:
    def mean(l: Any, time: Any) -> Any:
        return l / (l + time)

    same(mean(1 / mu, t), 1 - seen(mu))
    same(mean(mu, 1 / t), seen(mu))
    same(-sp.diff(1 / t, t), t**-2, "dt after the substitution")
    # The law of K_t: generating function and terms, factor by factor.
    z = sp.Symbol("z")
    same((1 - seen(mu)) + z * seen(mu), (1 + z * t * mu) / (1 + t * mu))
    # r V_r c' = E_{n-r} = (n-r) int, with the same factor n - r.
    same(factor(n, r, beta=2) / (n - r), 1)


@INVERSE_TRACE.symbolic("kappa_{n-r}(1/mu) = 1/kappa_r(mu)", scope="each term, hence all n; all r")
def dual_root() -> None:
    same((1 / mu) / (1 / mu + 1 / kappa), 1 - mu / (mu + kappa))
