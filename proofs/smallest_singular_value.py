r"""How often the pseudo-inverse of a Gaussian matrix is large.

Setting.  A_1 is an m x k matrix with independent standard normal entries, 1 <= k <= m, p = m - k; W = A_1^T A_1 has the
eigenvalues lambda_1 > ... > lambda_k > 0 with probability 1, and ||A_1^+|| = lambda_k^{-1/2}. Write e = exp(1).

Statement.

(a)  P( ||A_1^+|| >= t ) <= m^{(p+1)/2} / ((p+1)! t^{p+1})              for all t > 0;
(b)  P( ||A_1^+|| >= t e sqrt(m)/(p+1) ) <= t^{-(p+1)}                  for all t > 0;
(c)  E ||A_1^+|| <= e sqrt(m) / p                                       if p >= 1.

Proof.  By the joint density of the eigenvalues of a Wishart matrix (cited), that of lambda_1 > ... > lambda_k is

    K(k, m) prod_i lambda_i^{(m-k-1)/2} e^{-lambda_i/2} prod_{i<j} (lambda_i - lambda_j),

    K(k, m) = pi^{k^2/2} / (2^{km/2} Gamma_k(k/2) Gamma_k(m/2)),    Gamma_k(a) = pi^{k(k-1)/4} prod_{i<k} Gamma(a - i/2),

with i = 0, ..., k-1 in the last product, and K(0, m) = 1.

1. The density of the smallest eigenvalue, lambda_k = x, is at most L x^{(p-1)/2}, L = K(k, m) / K(k-1, m+1).  In the
   integral over lambda_1 > ... > lambda_{k-1} > x replace the factors lambda_i - x by the larger lambda_i, e^{-x/2} by 1,
   and x by 0 as the end of the domain of integration. The exponent of lambda_i becomes (m-k-1)/2 + 1 = ((m+1) - (k-1) -
   1)/2, and what is integrated is the density for (k-1, m+1), but for its constant.
2. L = 2^{(p-1)/2} Gamma((m+1)/2) / (p! Gamma(k/2)): in K(k, m)/K(k-1, m+1) all factors Gamma(j/2) cancel but

       Gamma((m+1)/2) / ( Gamma(k/2) Gamma((m-k+1)/2) Gamma((m-k+2)/2) ),

   and Gamma((p+1)/2) Gamma((p+2)/2) = 2^{-p} sqrt(pi) p! by the duplication formula.
3. With a = k/2 and s = (p+1)/2, so that a + s = (m+1)/2, integrating from 0 to x = 1/t^2 gives

       P( lambda_k <= x ) <= (2x)^s Gamma(a + s) / ((p+1)! Gamma(a)).

4. Gamma(a + s)/Gamma(a) <= (a + s - 1/2)^s = (m/2)^s.  If s = r is an integer, the left side is the product of
   a, a + 1, ..., a + r - 1, all at most a + r - 1/2. If s = r + 1/2, it is the product of a, ..., a + r - 1, all at most
   a + r, and of Gamma(a + r + 1/2)/Gamma(a + r) <= (a + r)^{1/2}, by Schwarz' inequality for Gamma's integral,
   Gamma(y + 1/2)^2 <= Gamma(y) Gamma(y + 1) = y Gamma(y)^2. This proves (a).
5. N! >= (N/e)^N, because N^N/N! is one term of the series of e^N. With N = p + 1 and t e sqrt(m)/N in the place of t, (a)
   becomes (N/e)^N / (N! t^N) <= t^{-N}: this is (b).
6. With c = e sqrt(m)/N, (b) says P( ||A_1^+|| >= t ) <= (c/t)^N. Hence, N = p + 1 >= 2,

       E ||A_1^+|| = int_0^inf P( ||A_1^+|| >= t ) dt <= c + int_c^inf (c/t)^N dt = c N/(N-1) = e sqrt(m)/p.             []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import nonnegative, same
from .ledger import Statement

SMALLEST = Statement(
    "smallest-singular-value",
    "P(||A_1^+|| >= t) <= m^{(p+1)/2} / ((p+1)! t^{p+1}), hence E||A_1^+|| <= e sqrt(m)/p, p = m - k",
    source="Edelman 1988; Chen & Dongarra 2005; Halko, Martinsson & Tropp 2011, Propositions 10.2 and 10.4",
)

m, k, p = sp.symbols("m k p", integer=True, positive=True)
a, t, u, x, y = sp.symbols("a t u x y", positive=True)

LARGEST = 6


def multivariate_gamma(k: int, a: Any) -> Any:
    """Gamma_k(a)."""
    return sp.pi ** sp.Rational(k * (k - 1), 4) * sp.prod(sp.gamma(a - sp.Rational(i, 2)) for i in range(k))


def constant(k: int, m: Any) -> Any:
    """K(k, m)."""
    half = sp.Rational(1, 2)
    return sp.pi ** sp.Rational(k * k, 2) / (
        2 ** (k * m / 2) * multivariate_gamma(k, k * half) * multivariate_gamma(k, m * half)
    )


def density_factor(k: Any, p: Any) -> Any:
    """L."""
    return 2 ** ((p - 1) / 2) * sp.gamma((k + p + 1) / 2) / (sp.gamma(p + 1) * sp.gamma(k / 2))


def tail_probability(m: Any, p: Any, t: Any) -> Any:
    """The right side of (a)."""
    return m ** ((p + 1) / 2) / (sp.gamma(p + 2) * t ** (p + 1))


def scale(m: Any, p: Any) -> Any:
    """The unit of t in (b)."""
    return sp.E * sp.sqrt(m) / (p + 1)


def mean_bound(m: Any, p: Any) -> Any:
    """The right side of (c)."""
    return sp.E * sp.sqrt(m) / p


SMALLEST.cited(
    "the joint density of the eigenvalues of a Wishart matrix, with its constant K(k, m)",
    source="Fisher 1939, Hsu 1939, Roy 1939; Muirhead 1982, Aspects of Multivariate Statistical Theory, section 3.2",
)


@SMALLEST.symbolic
def normalised() -> None:
    """The constant K(k, m) makes a density."""
    for columns, rows in ((1, 2), (1, 4), (2, 3), (2, 5), (3, 4), (3, 6)):
        gaps = sp.symbols(f"g1:{columns + 1}", positive=True)  # lambda_i = g_i + ... + g_k
        roots = [sum(gaps[i:]) for i in range(columns)]
        differences = sp.prod(roots[i] - roots[j] for i in range(columns) for j in range(i + 1, columns))
        polynomial = sp.Poly(sp.prod(roots) ** ((rows - columns - 1) // 2) * differences, *gaps)
        # exp(-sum_i lambda_i/2) = exp(-sum_i i g_i/2), and int_0^inf g^q e^{-ig/2} dg = q! (2/i)^{q+1}
        total = sum(
            coefficient * sp.prod(sp.factorial(q) * sp.Rational(2, i + 1) ** (q + 1) for i, q in enumerate(powers))
            for powers, coefficient in polynomial.terms()
        )
        same(constant(columns, sp.Integer(rows)) * total, 1, f"k = {columns}, m = {rows}")


@SMALLEST.symbolic
def exponents() -> None:
    """The exponent of each lambda_i becomes that for (k-1, m+1)."""

    def exponent(columns: Any, rows: Any) -> Any:
        return (rows - columns - 1) / 2

    same(exponent(k, m) + 1, exponent(k - 1, m + 1))
    same(exponent(k, k + p), (p - 1) / 2, "exponent of the smallest")


@SMALLEST.symbolic
def ratio() -> None:
    """K(k, m)/K(k-1, m+1) = L."""
    for columns in range(1, LARGEST + 1):
        rows = columns + p
        quotient = constant(columns, rows) / constant(columns - 1, rows + 1)
        same(sp.gammasimp(quotient / density_factor(sp.Integer(columns), p)), 1, f"k = {columns}")


@SMALLEST.symbolic
def integrated() -> None:
    """Integrated over the smallest eigenvalue."""
    s = (p + 1) / 2
    probability = density_factor(k, p) * sp.integrate(y ** ((p - 1) / 2), (y, 0, x))
    found = (2 * x) ** s * sp.gamma(k / 2 + s) / (sp.gamma(p + 2) * sp.gamma(k / 2))
    same(sp.gammasimp(probability / found), 1)


@SMALLEST.symbolic
def gamma_ratio() -> None:
    """Gamma(a+s)/Gamma(a) <= (a+s-1/2)^s gives (a)."""
    half = sp.Rational(1, 2)
    for r in range(4):
        whole, largest = sp.prod(a + i for i in range(r)), a + r - half
        same(sp.expand_func(sp.gamma(a + r)) / sp.gamma(a), whole, f"s = {r}")
        for i in range(r):
            nonnegative(largest - (a + i), f"factor {i} of s = {r}")
            nonnegative((a + r) - (a + i), f"factor {i} of s = {r} + 1/2")
        same((largest + half) ** r * sp.sqrt(a + r), (a + (r + half) - half) ** (r + half), f"s = {r} + 1/2")
    same(sp.expand_func(sp.gamma(y + 1)), y * sp.gamma(y))
    s = (p + 1) / 2
    same((2 / t**2) ** s * (k / 2 + s - half) ** s / sp.gamma(p + 2), tail_probability(k + p, p, t))


@SMALLEST.symbolic
def normalised_tail() -> None:
    """In units of e sqrt(m)/(p+1): at most t^{-(p+1)}."""
    N = p + 1
    share = (N / sp.E) ** N / sp.gamma(N + 1)  # at most 1: one term of the series of e^N is N^N/N!
    same(sp.powsimp(tail_probability(m, p, t * scale(m, p)) / (share * t ** (-N)), force=True), 1)


@SMALLEST.symbolic
def mean() -> None:
    """E ||A_1^+|| <= e sqrt(m)/p."""
    c = sp.Symbol("c", positive=True)
    bounded = c + sp.integrate((c / t) ** (p + 1), (t, c, sp.oo))
    same(bounded.subs(c, scale(m, p)), mean_bound(m, p))
