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
from flint import arb

from .checks import at_most, below, enclosed, same, same_product
from .kernel import instances
from .ledger import Statement
from .notation import family, quantity
from .propositions import Fact, Proposition, argued, at_least, chain, through

m, k = sp.symbols("m k", integer=True, positive=True)
p = sp.Symbol("p", integer=True, nonnegative=True)
a, t, u, x, y = sp.symbols("a t u x y", positive=True)

#: P(||A_1^+|| >= t) and E||A_1^+|| for k columns and k + p rows; Gamma_k(a) for every k.
large = quantity("large", "P(||A_1^+|| >= {0})")
mean_norm = quantity("mean_norm", "E||A_1^+||")
any_gamma = quantity("any_gamma", "Gamma_{}({})")


def multivariate_gamma(k: int, a: Any) -> Any:
    """Gamma_k(a)."""
    return sp.pi ** sp.Rational(k * (k - 1), 4) * sp.prod(sp.gamma(a - sp.Rational(i, 2)) for i in range(k))


def constant(k: Any, m: Any, gamma: Any = multivariate_gamma) -> Any:
    """K(k, m)."""
    return sp.pi ** (k**2 / sp.Integer(2)) / (2 ** (k * m / 2) * gamma(k, k / sp.Integer(2)) * gamma(k, m / sp.Integer(2)))


def without_last(k: Any, a: Any) -> Any:
    """Gamma_k(a) from its product less the last factor."""
    return sp.pi ** ((k - 1) / sp.Integer(2)) * sp.gamma(a - (k - 1) / sp.Integer(2)) * any_gamma(k - 1, a)


def without_first(k: Any, a: Any) -> Any:
    """Gamma_k(a) from its product less the first factor."""
    return sp.pi ** ((k - 1) / sp.Integer(2)) * sp.gamma(a) * any_gamma(k - 1, a - sp.Rational(1, 2))


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
    return scale(m, p) * (p + 1) / p


def gamma_bound(a: Any, s: Any) -> tuple[Any, Any]:
    """The two sides of step 4."""
    return sp.gamma(a + s) / sp.gamma(a), (a + s - sp.Rational(1, 2)) ** s


def integrated_density(x: Any) -> Any:
    """(2x)^s Gamma(k/2 + s)/((p+1)! Gamma(k/2)), s = (p+1)/2."""
    s = (p + 1) / 2
    return (2 * x) ** s * sp.gamma(k / 2 + s) / (sp.gamma(p + 2) * sp.gamma(k / 2))


SMALLEST = Statement(
    "smallest-singular-value",
    Proposition(large(t, k, p), "<=", tail_probability(k + p, p, t)),
    Proposition(large(t * scale(k + p, p), k, p), "<=", t ** (-(p + 1))),
    Proposition(mean_norm(k, p), "<=", mean_bound(k + p, p), when=(at_least(p, 1),)),
    words="A_1 has k columns and k + p rows: {0}; {1}; {2}",
    source="Edelman 1988; Chen & Dongarra 2005; Halko, Martinsson & Tropp 2011, Propositions 10.2 and 10.4",
)

SMALLEST.cited(
    "the joint density of the eigenvalues of a Wishart matrix, with its constant K(k, m)",
    source="Fisher 1939, Hsu 1939, Roy 1939; Muirhead 1982, Aspects of Multivariate Statistical Theory, section 3.2",
)


@SMALLEST.instance
def normalised() -> None:
    """The constant K(k, m) makes a density."""
    for columns, rows in ((1, 2), (1, 4), (2, 3), (2, 5), (3, 4), (3, 6)):
        gaps = family("g", columns, positive=True)  # lambda_i = g_i + ... + g_k
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
def exponents() -> Fact:
    """The exponent of each lambda_i becomes that for (k-1, m+1)."""

    def exponent(columns: Any, rows: Any) -> Any:
        return (rows - columns - 1) / 2

    same(exponent(k, m) + 1, exponent(k - 1, m + 1))
    return same(exponent(k, k + p), (p - 1) / 2, "exponent of the smallest")


@SMALLEST.symbolic
def products() -> None:
    """Gamma_k(a) less its last factor, and less its first: the latter by induction from the former."""
    of_pi = sp.pi ** (k * (k - 1) / 4)
    same(of_pi / of_pi.subs(k, k - 1), without_last(k, a).subs(any_gamma(k - 1, a), 1) / sp.gamma(a - (k - 1) / 2))
    # Less the last factor, then the first of what remains; less the first, then the last.
    one = without_last(k, a).subs(any_gamma(k - 1, a), without_first(k - 1, a))
    half = a - sp.Rational(1, 2)
    other = without_first(k, a).subs(any_gamma(k - 1, half), without_last(k - 1, half))
    same(sp.powsimp(one / other), 1, "induction")
    for size in (1, 2, 3):
        first = without_first(sp.Integer(size), a).replace(any_gamma, lambda k, a: multivariate_gamma(int(k), a))
        same(first, multivariate_gamma(size, a), f"k = {size}")


@SMALLEST.symbolic
def ratio() -> Fact:
    """K(k, m)/K(k-1, m+1) = L."""
    rows = k + p
    quotient = constant(k, rows, any_gamma) / constant(k - 1, rows + 1, any_gamma)
    steps = (
        (any_gamma(k, k / 2), without_first(k, k / 2)),
        (any_gamma(k, rows / 2), without_last(k, rows / 2)),
        (any_gamma(k - 1, rows / 2), without_last(k - 1, rows / 2)),
        (any_gamma(k - 1, (rows + 1) / 2), without_first(k - 1, (rows + 1) / 2)),
    )
    found = quotient
    for whole, split in steps:
        found = found.subs(whole, split)
    same(sp.gammasimp(sp.powsimp(sp.simplify(found / density_factor(k, p)))), 1, "k >= 2")
    same(sp.gammasimp(constant(1, 1 + p) / density_factor(sp.Integer(1), p)), 1, "k = 1, as K(0, m) = 1")
    return argued(quotient, "=", density_factor(k, p), "the products of step 2 and, for k = 1, K(0, m) = 1")


@SMALLEST.symbolic
def integrated() -> Fact:
    """Integrated over the smallest eigenvalue, up to x."""
    products()
    quotient = ratio()
    power = exponents().right
    dropped = quotient.left * sp.Integral(y**power, (y, 0, t ** (-2)))
    reason = (
        "step 1: the other eigenvalues have the density for (k-1, m+1), but for its constant; ||A_1^+|| = lambda_k^{-1/2}"
    )
    law = argued(large(t, k, p), "<=", dropped, reason)
    put = through(lambda side: side * sp.Integral(y**power, (y, 0, t ** (-2))), quotient)
    value = same(put.right, put.right.doit(), "the integral")
    return chain(law, put, value, same_product(value.right, integrated_density(t ** (-2))))


@SMALLEST.symbolic
def gamma_ratio() -> Fact:
    """Gamma(a+s)/Gamma(a) <= (a+s-1/2)^s for s = 1/2, 1, 3/2, ..."""
    half = sp.Rational(1, 2)
    # s = 1/2: Schwarz' inequality for Gamma's integral, Gamma(y + 1/2)^2 <= Gamma(y) Gamma(y + 1) = y Gamma(y)^2.
    same(sp.expand_func(sp.gamma(y + 1)), y * sp.gamma(y))
    same(gamma_bound(a, half)[1], sp.sqrt(a), "s = 1/2")
    left, right = gamma_bound(a, sp.S.One)
    at_most(sp.expand_func(left), right, "s = 1")
    # From s = 1/2 + r to s + 1: the left side grows by a + s, the right side by more.
    r = sp.Symbol("r", nonnegative=True)
    s = half + r
    left, right = gamma_bound(a, s)
    after_left, after_right = gamma_bound(a, s + 1)
    same(sp.gammasimp(after_left / left), a + s, "growth")
    base = a + s - half
    higher = through(lambda side: (a + s) * side**s, at_most(base, base + 1))
    wider = through(lambda side: side * (base + 1) ** s, at_most(a + s, base + 1))
    step = chain(higher, wider)
    same(step.left, (a + s) * right, "begins at s")
    same(step.right, after_right, "ends at s + 1")
    left, right = gamma_bound(k / 2, (p + 1) / 2)
    return argued(left, "<=", right, "step 4: induction on s = (p+1)/2 in steps of 1")


@SMALLEST.symbolic
def probability() -> Fact:
    """(a)."""
    s = (p + 1) / 2
    factor = (2 / t**2) ** s / sp.gamma(p + 2)
    density = integrated()
    bounded = through(lambda side: factor * side, gamma_ratio())
    return chain(density, bounded, same(bounded.right, tail_probability(k + p, p, t)))


@SMALLEST.symbolic
def normalised_tail() -> Fact:
    """In units of e sqrt(m)/(p+1): at most t^{-(p+1)}, since N! >= (N/e)^N."""
    N, j = p + 1, sp.Symbol("j", integer=True, nonnegative=True)
    unit = scale(k + p, p)
    # N^N/N! is one term of the series of e^N; e is N/sqrt(m) units.
    series = sp.summation(x**j / sp.factorial(j), (j, 0, sp.oo)).subs(x, N)
    one_term = argued(N**N / sp.gamma(N + 1), "<=", series, "step 5: one term of a series of positive terms")
    term = chain(one_term, same(series, (unit * N / sp.sqrt(k + p)) ** N))
    share = N**N / sp.gamma(N + 1) / (unit * N / sp.sqrt(k + p)) ** N
    at_most_one = through(lambda side: side / term.right * t ** (-N), term)
    same(share * t ** (-N), at_most_one.left)
    in_units = same_product(tail_probability(k + p, p, t * unit), at_most_one.left)
    return chain(probability().at({t: t * unit}), in_units, at_most_one, same(at_most_one.right, t ** (-N)))


@SMALLEST.symbolic
def mean() -> Fact:
    """E ||A_1^+|| <= e sqrt(m)/p."""
    c = sp.Symbol("c", positive=True)
    unit = scale(k + p, p)
    decay = normalised_tail().at({t: t / c})
    beyond = sp.Integral(decay.right, (t, c, sp.oo))
    same(decay.left.subs(c, unit), large(t, k, p), "c is the unit")
    reason = "step 6: E||A_1^+|| is the integral of P(||A_1^+|| >= t), at most 1 for t < c, and by (b) beyond"
    law = argued(mean_norm(k, p), "<=", (c + beyond).subs(c, unit), reason)
    domain = (at_least(p, 1),)
    value = same(c + beyond, c * (p + 1) / p, when=domain)
    return chain(law, value.at({c: unit}), same(value.at({c: unit}).right, mean_bound(k + p, p)))


@SMALLEST.ball
def one_column() -> None:
    """For k = 1 ||A_1^+|| is one over a chi variable: both bounds hold."""
    for rows in instances((2, 3, 5, 9), "k = 1, m = {}".format):
        columns = {k: 1, p: rows - 1}
        of_chi = ((arb(rows) - 1) / 2).gamma() / (arb(2).sqrt() * (arb(rows) / 2).gamma())
        below(of_chi, enclosed(mean_bound(k + p, p), columns), "mean")
        for level in (arb(1) / 2, arb(1), arb(4)):
            # P(chi^2_m <= 1/t^2), a regularised incomplete Gamma function.
            found = (1 / (2 * level**2)).gamma_lower(arb(rows) / 2, regularized=1)
            below(found, enclosed(tail_probability(k + p, p, t), {**columns, t: level}), "probability")


@SMALLEST.concludes
def conclusion() -> tuple[Fact, ...]:
    return probability(), normalised_tail(), mean()
