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

from .checks import same
from .complex_exact import COMPLEX as EXACT
from .complex_exact import compressed_precision
from .deflation import DEFLATION
from .inverse_wishart import WISHART
from .ledger import Statement
from .matrices import same_matrices, same_traces
from .members import V, complex_V, dual_complex_E, dual_E, dual_kappa, m
from .members import kappa as root
from .notation import complex_E, quantity
from .propositions import Fact, Proposition, argued, at_least, chain, through

n, r = sp.symbols("n r", integer=True, positive=True)
q = sp.Symbol("q", integer=True, positive=True)
t, mu, kappa = sp.symbols("t mu kappa", positive=True)

#: P(K_t < r) and P(K_t > q).
below, above = quantity("below", "P(K_{1} < {0})"), quantity("above", "P(K_{1} > {0})")


def factor(n: Any, r: Any, beta: int) -> Any:
    """E_{n-r} over E tr (A M A^*)^{-1}; beta = 1 real, 2 complex."""
    return n - r - 1 if beta == 1 else n - r


def seen(eigenvalue: Any) -> Any:
    """Mean of a Bernoulli variable of K_t."""
    return t * eigenvalue / (1 + t * eigenvalue)


#: W is the Gram matrix of r columns of length n.
OF_WISHART = {m: n, sp.Symbol("k", integer=True, positive=True): r}
REAL, COMPLEX = at_least(n, r + 2), at_least(n, r + 1)

INVERSE_TRACE = Statement(
    "inverse-trace",
    Proposition(dual_E(n - r), "=", factor(n, r, 1) * r * V(r), when=(REAL,)),
    Proposition(dual_complex_E(n - r), "=", factor(n, r, 2) * r * complex_V(r), when=(COMPLEX,)),
    Proposition(complex_V(r), "=", sp.Integral(below(r, t), (t, 0, sp.oo)) / r, when=(COMPLEX,)),
    Proposition(complex_E(q), "=", q * sp.Integral(above(q, t) / t**2, (t, 0, sp.oo)), when=(at_least(n, q + 1),)),
    Proposition(dual_kappa(n - r), "=", 1 / root(r), when=(COMPLEX,)),
    words="M = diag(l), K_t a sum of independent Bernoulli variables of odds t l: {0}; {1}; {2}; {3}; {4}",
)


@INVERSE_TRACE.symbolic
def polar() -> None:
    """tr (A M A^*)^{-1} = tr B^{-1} W^{-1} (all n, r (noncommutative algebra, * as T))."""
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


@INVERSE_TRACE.symbolic
def compressed() -> None:
    """E tr B^{-1} is the error of the other n - r measurements (all n, m (* as T))."""
    compressed_precision()


def _over(product: Any, mean: Fact) -> Fact:
    """product/(side/r) on both sides of an equation."""
    return through(lambda side: product / (side / r), mean)


@INVERSE_TRACE.symbolic
def wishart() -> tuple[Fact, Fact]:
    """E W^{-1} = I/(n-r-1) real, I/(n-r) complex, and tr B^{-1} is independent of it (all n, r)."""
    polar()
    compressed()
    corner = DEFLATION.fact(1)  # E tr (A M A^*)^{-1} = r V_r
    facts = []
    for beta, error, inverse in ((1, dual_E, V), (2, dual_complex_E, complex_V)):
        mean = WISHART.fact(beta - 1).at(OF_WISHART)
        product = corner.right.subs(V(r), inverse(r))
        reason = "steps 1 and 2: E tr (A M A^*)^{-1} = E tr B^{-1} times E tr W^{-1}/r, W and B independent"
        law = argued(error(n - r), "=", product / (mean.left / r), reason, when=mean.when)
        put = _over(product, mean)
        facts.append(chain(law, put, same(put.right, factor(n, r, beta) * product)))
    return facts[0], facts[1]


@INVERSE_TRACE.symbolic
def counts() -> tuple[Fact, Fact]:
    """N_t for 1/mu is n - K_t; N_{1/t} is K_t (each of the n variables, hence all n and r)."""

    def mean(l: Any, time: Any) -> Any:
        return l / (l + time)

    same(mean(1 / mu, t), 1 - seen(mu))
    same(mean(mu, 1 / t), seen(mu))
    slope = same(-sp.diff(1 / t, t), t**-2, "dt after the substitution")
    # The law of K_t: generating function, factor by factor.
    z = sp.Symbol("z")
    same((1 - seen(mu)) + z * seen(mu), (1 + z * t * mu) / (1 + t * mu))
    error = wishart()[1]
    exact = EXACT.fact()
    integral = sp.Integral(below(r, t), (t, 0, sp.oo))
    law = argued(error.left, "=", (n - r) * integral, 'step 3: "complex-exact", N_t > n - r if and only if K_t < r')
    scale = factor(n, r, 2) * r
    solved = chain(through(lambda side: side / scale, error).turned(), through(lambda side: side / scale, law))
    direct = q * sp.Integral(above(q, t) * slope.right, (t, 0, sp.oo))
    other = argued(complex_E(q), "=", direct, 'step 3: "complex-exact", 1/t for t', when=exact.at({m: q}).when)
    return chain(same(complex_V(r), solved.left), solved, same(solved.right, integral / r)), chain(other)


@INVERSE_TRACE.symbolic
def dual_root() -> Fact:
    """kappa_{n-r}(1/mu) = 1/kappa_r(mu) (each term, hence all n; all r)."""
    term = same((1 / mu) / (1 / mu + 1 / kappa), 1 - mu / (mu + kappa))
    # Summed over i: the right side has the sum n - r if kappa = kappa_r.
    root_of_dual = sp.solve(sp.Eq(term.left, (1 / mu) / (1 / mu + q)), q)[0]
    reason = "step 4: each term of the equation of 1/l is one less a term of that of l"
    return argued(dual_kappa(n - r), "=", root_of_dual.subs(kappa, root(r)), reason, when=(COMPLEX,))


@INVERSE_TRACE.concludes
def conclusion() -> tuple[Fact, ...]:
    return *wishart(), *counts(), dual_root()
