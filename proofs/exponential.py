r"""Exponential spectra: for complex A a closed form at every n and m; for real A the factor m of T1 is needed.

Setting.  b > 0, q = e^{-2b}, l_i = q^i for i = 1..n (any multiple c q^i differs by the factor c), 1 <= m < n,
tail(m) = sum_{i>m} l_i = (q^{m+1} - q^{n+1})/(1 - q). E_m is the expected error for m Gaussian measurements.

Statement ("complex-exponential").  For complex A, exactly,

    E_m = tail(m) 2bm / (1 - e^{-2bm}).

So E_m/(m tail(m)) = 2b/(1 - e^{-2bm}) does not depend on n, and decreases to 2b as m grows. At n = inf

    m tail(m-2) = E_m (1 - e^{-2bm}) e^{4b}/(2b),          e^{4b}/(2b) >= 2e            (T1's bound)
    m/r tail(m-r) = E_m (1 - e^{-2bm}) e^{2br}/(2br),      e^{2br}/(2br) >= e           (T7's bound, k = m - r)

with equality on the right if b = 1/4, and if r = 1/(2b).

Proof.  Put z = 1/t in "complex-exact": with g(z) = prod_{i=1}^n (1 + q^i z) = sum_j e_j z^j, e_j = e_j(l),

    E_m = m sum_{j>m} e_j I_{j-1},    I_k = int_0^inf z^{k-1} / g(z) dz    (1 <= k < n).

1. g(qz) (1 + qz) = g(z) (1 + q^{n+1} z), both being prod_{i=1}^{n+1} (1 + q^i z). The coefficients of z^j give

       e_j (1 - q^j) = e_{j-1} (q^j - q^{n+1}).

2. Hence f = 1/g has f(qz) (1 + q^{n+1} z) = f(z) (1 + qz). Multiply by z^{k-1} and integrate over (0, inf), where
   int z^{k-1} f(qz) dz = q^{-k} I_k: for 1 <= k <= n - 2

       q^{-k} I_k + q^{n-k} I_{k+1} = I_k + q I_{k+1}.

   For k = 0 integrate over (eps, inf): there int (f(qz) - f(z)) dz/z = int_{q eps}^{eps} f(z) dz/z tends to log(1/q), as
   f(0) = 1. So log(1/q) + q^n I_1 = q I_1: a logarithm appears, and appears only here.
3. The products c_j = e_j I_{j-1} obey  c_{j+1}/c_j = q (1 - q^{j-1})/(1 - q^{j+1})  by 1 and 2, and c_2 = e_2 I_1 with
   e_1 = sum_i q^i. Hence

       c_j = log(1/q) (1 - q^n) q^j / ((1 - q^{j-1}) (1 - q^j)).

4. q^j / ((1 - q^{j-1})(1 - q^j)) = q/(1-q) [1/(1 - q^{j-1}) - 1/(1 - q^j)]: the sum telescopes,

       sum_{j=m+1}^n c_j = log(1/q) (1 - q^n) q/(1-q) [1/(1 - q^m) - 1/(1 - q^n)] = log(1/q) tail(m)/(1 - q^m).

   Multiply by m; log(1/q) = 2b. For the comparisons, tail(m-r) = q^{-r} tail(m) at n = inf, and e^y/y >= e for y > 0,
   because y - 1 - log y >= 0.                                                                                            []

Statement ("sharp-exponential").  For real A, m >= 2 and every n > m,

    E_m >= 4b tanh(b) (m - 1) tail(m).

Hence, by l_i = e^{-i} (b = 1/2) with n large: if E_m <= C_m tail(m-2) for every spectrum, then C_m >= (m-1)/8. T1 has
C_m = m: its factor m is needed, and cannot be made smaller by more than the factor 8m/(m-1).

Proof.

5. Only the first m + 1 coordinates count. By "error", with u_i the i-th unit vector and a_i the i-th column of A,

       X_A = min_K |Sigma - K A Sigma|_F^2 = min_K sum_i l_i |u_i - K a_i|^2.

   Leave out the terms i > m + 1, and in the others all but the first m + 1 coordinates: what remains is the mean square
   error of a linear estimator from the first m + 1 columns alone. So E_m >= E'_m, the expected error for l_1, ..., l_{m+1}.
6. "E_{n-1}" at n = m + 1 >= 3, with u = l_{m+1} v there, is an integral of m + 1 factors (1 + v l_{m+1}/l_k) = 1 + v q^i,
   i = m + 1 - k:

       E'_m = (m-1)/2 l_{m+1} int_0^inf prod_{i=0}^m (1 + v q^i)^{-1/2} dv.

7. Pair the factors, with one more if m + 1 is odd, into M >= 2 pairs: ((1 + x)(1 + q x))^{1/2} <= 1 + x (1+q)/2, so that
   with Q = q^2 and w = v (1+q)/2 the integral is at least

       2/(1+q) int_0^inf prod_{i=0}^{M-1} (1 + w Q^i)^{-1} dw = 2/(1+q) log(1/Q)/(1 - Q^{M-1}) >= 8b/(1+q),

   by step 2: this is Q I_1 with Q for q and M for n, after w = Q z.
8. l_{m+1} = (1 - q) tail(m)/(1 - q^{n-m}) >= (1 - q) tail(m), and (1-q)/(1+q) = tanh b. Together
   E_m >= (m-1)/2 (1-q) tail(m) 8b/(1+q), which is the bound.
9. b = 1/2: E_m/tail(m-2) >= 2 tanh(1/2) (m-1) tail(m)/tail(m-2), which tends to 2 tanh(1/2) e^{-2} (m-1) as n -> inf, and
   2 tanh(1/2) e^{-2} > 1/8.                                                                                              []

Statement ("sharp-exponential-equivalent").  Let n = inf and kappa the root of m = sum_{i>=1} l_i/(l_i + kappa). As m -> inf

    m kappa / (m tail(m)) -> 2 sinh(b),    m tail(m-2) / (m kappa) -> e^{3b}/(1 - e^{-2b}).

For complex A m kappa/E_m tends to sinh(b)/b: the equivalent is not asymptotic to E_m when the decay is so fast.

Proof.

10. Let k0 = e^{-2b(m+1/2)}. At kappa = k0 the terms are p_i = 1/(1 + e^{2b(i-m-1/2)}), and p_i + p_{2m+1-i} = 1. So those
    with i = 1, ..., 2m sum to m, and sum_i p_i = m + eta with  0 < eta = sum_{i>2m} p_i < e^{-2b(m+1/2)}/(1 - e^{-2b}).
11. Hence kappa = k0 e^d with d > 0, and the term i = m + 1 alone falls by 1/(1 + e^b) - 1/(1 + e^{b+d}) <= eta. So
    e^d <= e^{-b} (1/(1/(1 + e^b) - eta) - 1) once eta < 1/(1 + e^b); this tends to 1, for eta -> 0.
12. kappa ~ k0, tail(m) = e^{-2b(m+1)}/(1 - e^{-2b}) and tail(m-2) = e^{4b} tail(m) give both limits.                     []
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from flint import arb, ctx, fmpq

from .checks import at_most, below, below_at, enclosed, exactly, nonnegative, positive, same
from .complex_exact import COMPLEX as EXACT
from .complex_exact import any_exceedance, determinant
from .enclosures import BITS, ENCLOSURES, real_error
from .equivalents import EQUIVALENTS
from .error import ERROR
from .first_and_last import LAST, complex_pair
from .first_and_last import u as rate_variable
from .kernel import instances
from .ledger import Statement
from .matrices import at_most_by_squares, same_matrices, square
from .notation import E, complex_E, quantity
from .notation import l as level
from .propositions import Fact, Proposition, argued, at_least, chain, discharged, telescoped, through, under

q, b, z, v = sp.symbols("q b z v", positive=True)
m, n, j, k = sp.symbols("m n j k", integer=True, positive=True)
#: l_j = q^j, q = e^{-2b}.
SPECTRUM = (level(j), q**j)
SPECTRUM_IN_B = (level(j), sp.exp(-2 * b * j))
AT_RATE = {q: sp.exp(-2 * b)}
#: e_j I_{j-1}, the share of j in E_m/m.
share = quantity("share", "c_{}")


def rate(base: Any) -> Any:
    """log(1/q)."""
    return sp.log(1 / base)


def tail(first: Any, last: Any) -> Any:
    """sum_{first < i <= last} q^i."""
    return (q ** (first + 1) - q ** (last + 1)) / (1 - q)


def factors(size: int, variable: Any) -> Any:
    """g(z) for n = size."""
    return sp.prod([1 + q**i * variable for i in range(1, size + 1)])


def symmetric_ratio(degree: Any) -> Any:
    """e_j / e_{j-1}."""
    return (q**degree - q ** (n + 1)) / (1 - q**degree)


def integral_ratio(power: Any) -> Any:
    """I_{k+1} / I_k."""
    return (q ** (-power) - 1) / (q - q ** (n - power))


def first_integral(base: Any, size: Any) -> Any:
    """I_1."""
    return rate(base) / (base - base**size)


def summand(degree: Any) -> Any:
    """c_j = e_j I_{j-1}."""
    return rate(q) * (1 - q**n) * q**degree / ((1 - q ** (degree - 1)) * (1 - q**degree))


def partial_sum(degree: Any) -> Any:
    """A function of j with the differences c_j."""
    return -rate(q) * (1 - q**n) * q / (1 - q) / (1 - q**degree)


def expected_error(count: Any, size: Any) -> Any:
    """E_m for complex A."""
    return tail(count, size) * count * rate(q) / (1 - q**count)


def real_bound(decay: Any, count: Any) -> Any:
    """The lower bound of E_m/tail(m) for real A."""
    return 4 * decay * sp.tanh(decay) * (count - 1)


def closed_form() -> Any:
    """E_m for complex A in terms of b."""
    return expected_error(m, n).subs(AT_RATE)


COMPLEX = Statement(
    "complex-exponential",
    Proposition(complex_E(m), "=", expected_error(m, n), when=(at_least(n, m + 1),), given=(SPECTRUM,)),
    Proposition((expected_error(m, n) / tail(m, n)).subs(AT_RATE), "=", 2 * b * m / (1 - sp.exp(-2 * b * m))),
    words="complex A, exactly: {0}; over the tail, in terms of b, {1}",
)


@COMPLEX.symbolic
def symmetric_functions() -> Fact:
    """e_j (1 - q^j) = e_{j-1} (q^j - q^{n+1}): from g(qz) (1 + qz) = g(z) (1 + q^{n+1} z)."""
    # The equation, from n to n + 1: g gets the factor 1 + q^{n+1} z.
    here, there = sp.symbols("g(z) g(qz)", positive=True)
    equation = there * (1 + q * z) - here * (1 + q ** (n + 1) * z)
    following = there * (1 + q ** (n + 2) * z) * (1 + q * z) - here * (1 + q ** (n + 1) * z) * (1 + q ** (n + 2) * z)
    same(following, (1 + q ** (n + 2) * z) * equation, "induction on n")
    same(factors(1, q * z) * (1 + q * z), factors(1, z) * (1 + q**2 * z), "n = 1")
    # The coefficients of z^j on both sides: q^j e_j + q q^{j-1} e_{j-1} = e_j + q^{n+1} e_{j-1}.
    e = sp.Symbol("e", positive=True)  # e_{j-1}
    return same(q**j * e * symmetric_ratio(j) + q * q ** (j - 1) * e, e * symmetric_ratio(j) + q ** (n + 1) * e)


@COMPLEX.instance
def symmetric_functions_in_full() -> None:
    """The same for explicit n."""
    for size in range(1, 6):
        same(factors(size, q * z) * (1 + q * z), factors(size, z) * (1 + q ** (size + 1) * z))
        coefficients = [sp.Poly(factors(size, z), z).coeff_monomial(z**i) for i in range(size + 1)]
        for i in range(1, size + 1):
            ratio = symmetric_ratio(sp.Integer(i)).subs(n, size)
            same(coefficients[i], coefficients[i - 1] * ratio, f"e_{i}, n = {size}")


@COMPLEX.symbolic
def integrals() -> Fact:
    """q^{-k} I_k + q^{n-k} I_{k+1} = I_k + q I_{k+1}; log(1/q) + q^n I_1 = q I_1."""
    integral = sp.Symbol("I", positive=True)  # I_k
    following = integral * integral_ratio(k)

    # int z^{k-1} f(qz) dz = q^{-k} I_k: the powers of z, and dz, bring 1/q each.
    def scaled(power: Any, value: Any) -> Any:
        return q ** (-power) * value

    left = scaled(k, integral) + q ** (n + 1) * scaled(k + 1, following)
    same(left, integral + q * following)
    same(left, q ** (-k) * integral + q ** (n - k) * following)
    # For k = 0 the integral of f(z)/z over (q eps, eps) tends to that of 1/z: the logarithm.
    one = first_integral(q, n)
    eps = sp.Symbol("eps", positive=True)
    start = sp.expand_log(sp.integrate(1 / z, (z, q * eps, eps)))
    return same(start + q ** (n + 1) * scaled(1, one), sp.expand_log(q * one))


@COMPLEX.symbolic
def summands() -> Fact:
    """c_j = log(1/q) (1 - q^n) q^j/((1 - q^{j-1})(1 - q^j)), from c_2 and the ratios of successive ones."""
    symmetric_functions()
    integrals()
    same(symmetric_ratio(j + 1) * integral_ratio(j - 1), summand(j + 1) / summand(j))
    e_2 = tail(0, n) * symmetric_ratio(sp.Integer(2))
    same(e_2 * first_integral(q, n), summand(sp.Integer(2)))
    return argued(share(j), "=", summand(j), "step 3: induction from c_2 on, by the ratios of steps 1 and 2")


@COMPLEX.symbolic
def telescoping() -> tuple[Fact, Fact]:
    """The sum telescopes: E_m = tail(m) 2bm/(1 - e^{-2bm})."""
    each = chain(summands(), same(summand(j), partial_sum(j) - partial_sum(j - 1)))
    total = telescoped(each, partial_sum(j), j, m + 1, n)
    # z = 1/t in "complex-exact": P(N_t > m) dt is sum_{j>m} e_j z^{j-2}/g(z) dz.
    exact = EXACT.fact()
    prefactor = exact.right.function / any_exceedance()
    law = argued(
        complex_E(m), "=", prefactor * total.left, "z = 1/t in complex-exact, and e_j I_{j-1} = c_j", when=exact.when
    )
    found = chain(law, through(lambda side: prefactor * side, total), same(m * total.right, expected_error(m, n)))
    over_tail = same((expected_error(m, n) / tail(m, n)).subs(AT_RATE), 2 * b * m / (1 - sp.exp(-2 * b * m)))
    return under(found, SPECTRUM), over_tail


@COMPLEX.symbolic
def two_levels() -> None:
    """N = 2: the closed form of E_1."""
    found = expected_error(sp.Integer(1), sp.Integer(2))
    same(sp.expand_log(found), sp.expand_log(complex_pair(q, q**2)))


@COMPLEX.certificate
def against_the_determinant() -> None:
    """E_m/log(1/q) by the determinant (b) of complex-exact is m tail(m)/(1 - q^m)."""
    for base in instances((sp.Rational(1, 2), sp.Rational(2, 3), sp.Rational(9, 10)), "q = {}, n <= 6".format):
        for size in range(2, 7):
            for count in range(1, size):
                # log x_i = i log(1/q): in units of log(1/q) all is rational.
                found = determinant(
                    [base**-i for i in range(1, size + 1)], [sp.Integer(i) for i in range(1, size + 1)], count
                )
                closed = expected_error(sp.Integer(count), sp.Integer(size)) / rate(q)
                exactly(found, closed.subs(q, base), f"q = {base}, n = {size}, m = {count}")


@COMPLEX.symbolic
def bounds_compared() -> None:
    """T1's bound is e^{4b} (1 - q^m)/(2b) times E_m, T7's e^{2br}/(2br) (1 - q^m) times; e^y/y >= e."""
    r, y = sp.symbols("r y", positive=True)
    infinite = q ** (m + 1) / (1 - q)
    error = infinite * m * rate(q) / (1 - q**m)
    exponential = {q: sp.exp(-2 * b)}
    theorem = m * infinite.subs(m, m - 2) / error
    same(theorem.subs(exponential), sp.exp(4 * b) * (1 - sp.exp(-2 * b * m)) / (2 * b))
    complex_bound = m / r * infinite.subs(m, m - r) / error
    same(complex_bound.subs(exponential), sp.exp(2 * b * r) / (2 * b * r) * (1 - sp.exp(-2 * b * m)))
    # y - 1 - log y has the derivative (y - 1)/y: it falls to 0 at y = 1 and rises.
    same(sp.diff(y - 1 - sp.log(y), y), (y - 1) / y)
    same((y - 1 - sp.log(y)).subs(y, 1), 0)
    same(sp.exp(4 * b) / (2 * b), 2 * sp.exp(4 * b) / (4 * b))


@COMPLEX.concludes
def conclusion() -> tuple[Fact, ...]:
    return telescoping()


y = sp.Symbol("y", positive=True)  # 1/q - 1, so that q < 1
RATIO = 1 / (1 + y)
#: The expected error of the first m + 1 values alone.
kept_error = quantity("kept_error", "E'_{}")
kappa = quantity("kappa", "kappa_{}")
i = sp.Symbol("i", integer=True)
DOMAIN = (at_least(m, 2), at_least(n, m + 1))


def middle(count: Any) -> Any:
    """k0 = e^{-2b(m + 1/2)}."""
    return sp.exp(-2 * b * (count + sp.Rational(1, 2)))


def infinite_tail(count: Any) -> Any:
    """tail(m) at n = inf."""
    return sp.exp(-2 * b * (count + 1)) / (1 - sp.exp(-2 * b))


def remaining_integral() -> Any:
    """int prod_{i=0}^m (1 + v q^i)^{-1/2} dv."""
    return sp.Integral(sp.Product((1 + v * q**i) ** sp.Rational(-1, 2), (i, 0, m)), (v, 0, sp.oo))


SHARP = Statement(
    "sharp-exponential",
    Proposition(E(m), ">=", real_bound(b, m) * tail(m, n).subs(AT_RATE), when=DOMAIN, given=(SPECTRUM_IN_B,)),
    Proposition(sp.Limit((tail(m, n) / tail(m - 2, n)).subs(q, RATIO), n, sp.oo, "-"), "=", RATIO**2),
    Proposition((m - 1) / 8, "<", real_bound(sp.Rational(1, 2), m) * sp.exp(-2), when=(at_least(m, 2),)),
    words="real A: {0}; the tails have the ratio {1}, so that the constant of T1 must grow with m: {2}",
)
EQUIVALENT = Statement(
    "sharp-exponential-equivalent",
    Proposition(sp.Limit(m * kappa(m) / (m * infinite_tail(m)), m, sp.oo, "-"), "=", 2 * sp.sinh(b)),
    Proposition(sp.Limit(infinite_tail(m - 2) / kappa(m), m, sp.oo, "-"), "=", sp.exp(3 * b) / (1 - sp.exp(-2 * b))),
    words="of infinite length: {0}, {1}",
)


@SHARP.symbolic
def fewer_coordinates() -> Fact:
    """|Sigma - K A Sigma|^2 for n is that for m + 1 plus squares."""
    kept = m + 1
    F, R = sp.MatrixSymbol("F", n, kept), sp.MatrixSymbol("R", n, n - kept)
    one, two = sp.MatrixSymbol("Sigma_1", kept, kept), sp.MatrixSymbol("Sigma_2", n - kept, n - kept)
    K, A = sp.MatrixSymbol("K", n, m), sp.MatrixSymbol("A", m, n)
    coordinates = [
        (F.T * F, sp.Identity(kept)),
        (R.T * R, sp.Identity(n - kept)),
        (F.T * R, sp.ZeroMatrix(kept, n - kept)),
        (R * R.T, sp.Identity(n) - F * F.T),
    ]
    Sigma = F * one * F.T + R * two * R.T
    M = (sp.Identity(n) - K * A) * Sigma
    reduced = one - (F.T * K) * (A * F) * one
    same_matrices(F.T * M * F, reduced, coordinates, "the first coordinates and columns")
    smaller = at_most_by_squares(square(F.T * M * F), square(M), [R.T * M * F, M * R], coordinates)
    # X_A is the least such error, by (b) of "error", and (F^T K, A F) is one estimator for the first m + 1 values.
    ERROR.fact(1)
    return argued(
        kept_error(m),
        smaller.relation,
        E(m),
        "step 5: what remains of the error is that of an estimator for the first m + 1 values",
    )


@SHARP.symbolic
def substitution() -> Fact:
    """E'_m = (m-1)/2 l_{m+1} int prod_{i=0}^m (1 + v q^i)^{-1/2} dv."""
    last = LAST.fact(0)
    prefactor = (last.right / last.right.atoms(sp.Integral).pop()).subs(n, m + 1)
    factor = last.right.atoms(sp.Product).pop().function
    index = last.right.atoms(sp.Product).pop().limits[0][0]
    at_k = factor.subs({level(index): q**k, rate_variable: q ** (m + 1) * v})
    same(at_k, (1 + v * q ** (m + 1 - k)) ** sp.Rational(-1, 2), "factor k, for k = 1, ..., m + 1")
    found = prefactor * q ** (m + 1) * remaining_integral()
    reason = "step 6: E_{n-1} for the first m + 1 values, with u = l_{m+1} v"
    return argued(kept_error(m), "=", found, reason, when=(at_least(m, 2),))


@SHARP.symbolic
def pairing() -> Fact:
    """((1 + x)(1 + qx))^{1/2} <= 1 + x(1+q)/2, and the integral that remains."""
    x = sp.Symbol("x", positive=True)
    at_most((1 + x) * (1 + q * x), (1 + x * (1 + q) / 2) ** 2)
    integrals()
    # int prod_{i<M} (1 + w Q^i)^{-1} dw = Q I_1 at (Q, M), for w Q^i = z Q^{i+1}; dv = 2/(1+q) dw.
    M = sp.Symbol("M", integer=True, positive=True)
    found = q**2 * first_integral(q**2, M)
    closed = rate(q**2) / (1 - (q**2) ** (M - 1))
    same(sp.expand_log(found), sp.expand_log(closed))
    # 0 < 1 - Q^{M-1} <= 1 for M >= 2: with Q^{M-1} = 1/(1 + x).
    at_most(1 - 1 / (1 + x), 1)
    least = 2 / (1 + q) * closed.subs((q**2) ** (M - 1), 0).subs(q ** (2 * M - 2), 0)
    same(least, 2 / (1 + q) * rate(q**2))
    return argued(least, "<=", remaining_integral(), "step 7: factors in pairs, and the closed form of what is left")


@SHARP.symbolic
def constant() -> Fact:
    """(1 - q) tail(m) <= l_{m+1}, (1-q)/(1+q) = tanh b, and together."""
    largest = chain(
        same((1 - q) * tail(m, n), q ** (m + 1) - q ** (n + 1)), at_most(q ** (m + 1) - q ** (n + 1), q ** (m + 1))
    )
    first, paired = substitution(), pairing()
    scale = first.right / remaining_integral() / q ** (m + 1)  # (m - 1)/2
    least = (scale * paired.left).subs(q, RATIO)
    from_tail = through(lambda side: least * side, largest.at({q: RATIO}), when=(at_least(m, 2),))
    from_pairs = through(lambda side: scale * RATIO ** (m + 1) * side, paired.at({q: RATIO}), when=(at_least(m, 2),))
    of_kept = first.at({q: RATIO}).turned()
    links = [from_tail, same(from_tail.right, from_pairs.left), from_pairs, same(from_pairs.right, of_kept.left), of_kept]
    whole = chain(*links, fewer_coordinates()).at({y: sp.exp(2 * b) - 1})
    # q < 1: e^{2b} - 1 > 0.
    above_one = chain(positive(2 * sp.exp(b) * sp.sinh(b)), same(2 * sp.exp(b) * sp.sinh(b), sp.exp(2 * b) - 1))
    bound = real_bound(b, m) * tail(m, n).subs(AT_RATE)
    return under(discharged(chain(same(bound, whole.left), whole), above_one), SPECTRUM_IN_B)


@SHARP.symbolic
def tails() -> Fact:
    """tail(m)/tail(m-2) -> q^2 as n -> inf, q < 1."""
    quotient = (tail(m, n) / tail(m - 2, n)).subs(q, RATIO)
    return same(sp.Limit(quotient, n, sp.oo, "-"), RATIO**2)


@SHARP.ball
def one_eighth() -> Fact:
    """2 tanh(1/2) e^{-2} > 1/8."""
    half = sp.Rational(1, 2)
    same(real_bound(half, m) / (m - 1), 2 * sp.tanh(half))
    (decay,) = instances((half,), "b = {}".format)
    at_two = below_at(Proposition(sp.Rational(1, 8), "<", real_bound(decay, sp.S(2)) * sp.exp(-4 * decay)), {})
    every = through(lambda side: (m - 1) * side, at_two, when=(at_least(m, 2),))
    return chain(every, same(every.right, real_bound(half, m) * sp.exp(-2)))


@SHARP.ball
def last_measurements() -> None:
    """The bound lies below the enclosed E_m for n = m + 1."""
    ENCLOSURES.fact(0)
    for count in instances((2, 4, 8), "b = 1/2, n - 1 = m = {}".format):
        with ctx.workprec(2 * BITS):
            found = real_error([arb(-number).exp() for number in range(1, count + 2)], count)
            bound = enclosed(real_bound(b, m) * tail(m, n).subs(AT_RATE), {b: fmpq(1, 2), m: count, n: count + 1})
            below(bound, found, f"m = {count}")


@SHARP.concludes
def conclusion_sharp() -> tuple[Fact, ...]:
    return constant(), tails(), one_eighth()


def occupation(level: Any, centre: Any) -> Any:
    """l_i/(l_i + kappa) at i = level, kappa = e^{-2b centre}."""
    return 1 / (1 + sp.exp(2 * b * (level - centre)))


@EQUIVALENT.symbolic
def symmetry() -> Fact:
    """p_i + p_{2m+1-i} = 1 at kappa = e^{-2b(m+1/2)}, and eta < e^{-2b(m+1/2)}/(1 - e^{-2b})."""
    centre = m + sp.Rational(1, 2)
    level = sp.exp(-2 * b * j)
    same(occupation(j, centre), level / (level + middle(m)))
    # p_i < e^{-2b(i - m - 1/2)}; the terms from i = 2m + 1 form a geometric series.
    same(sp.exp(-2 * b * (2 * m + 1 - centre)), middle(m))
    return same((occupation(j, centre) + occupation(2 * m + 1 - j, centre)).rewrite(sp.exp), 1)


@EQUIVALENT.symbolic
def distance() -> Fact:
    """e^d <= e^{-b} (1/(1/(1 + e^b) - eta) - 1), which tends to 1."""
    eta, d = sp.symbols("eta d", positive=True)
    bound = sp.exp(-b) * (1 / (1 / (1 + sp.exp(b)) - eta) - 1)
    # Where the inequality is an equality, the bound is e^d; and it increases with eta, as long as rest > 0.
    rest = sp.Symbol("rest", positive=True)
    same(bound.subs(eta, 1 / (1 + sp.exp(b)) - 1 / (1 + sp.exp(b) * sp.exp(d))), sp.exp(d))
    nonnegative(sp.diff(bound, eta).subs(eta, 1 / (1 + sp.exp(b)) - rest))
    to_one = same(bound.subs(eta, 0), 1)
    symmetry()
    # kappa is the root that "equivalents" is about.
    EQUIVALENTS.fact(0)
    reason = "steps 10 and 11: kappa = k0 e^d with d > 0, and eta -> 0"
    return argued(sp.Limit(kappa(m) / middle(m), m, sp.oo, "-"), "=", to_one.right, reason)


@EQUIVALENT.symbolic
def limits() -> tuple[Fact, Fact]:
    """The limits 2 sinh(b) and e^{3b}/(1 - e^{-2b})."""
    near = distance()
    sinh = same(middle(m) / infinite_tail(m), 2 * sp.sinh(b))
    cubed = same(infinite_tail(m - 2) / middle(m), sp.exp(3 * b) / (1 - sp.exp(-2 * b)))
    reason = "kappa ~ k0, and the quotient of k0 and the tail does not depend on m"
    one = argued(sp.Limit(m * kappa(m) / (m * infinite_tail(m)), m, sp.oo, "-"), "=", sinh.left * near.right, reason)
    two = argued(sp.Limit(infinite_tail(m - 2) / kappa(m), m, sp.oo, "-"), "=", cubed.left / near.right, reason)
    return chain(one, sinh), chain(two, cubed)


@EQUIVALENT.concludes
def conclusion_on_equivalent() -> tuple[Fact, ...]:
    return limits()
