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
from flint import arb

from .checks import below, exactly, nonnegative, same
from .complex_exact import determinant
from .first_and_last import complex_pair, integrand_by_parts
from .first_and_last import u as rate_variable
from .ledger import Statement

COMPLEX = Statement(
    "complex-exponential",
    "l_i = e^{-2bi}, complex A: E_m = tail(m) 2bm/(1 - e^{-2bm}) exactly, for every n and m",
    uses=("complex-exact",),
)
SHARP = Statement(
    "sharp-exponential",
    "l_i = e^{-2bi}, real A: E_m >= 4b tanh(b) (m-1) tail(m); E_m <= C_m tail(m-2) for all spectra only if C_m >= (m-1)/8",
    uses=("error", "E_{n-1}", "complex-exponential"),
)
EQUIVALENT = Statement(
    "sharp-exponential-equivalent",
    "l_i = e^{-2bi}, n = inf: m kappa/tail(m) ~ 2 m sinh(b) and m tail(m-2)/(m kappa) -> e^{3b}/(1 - e^{-2b})",
    uses=("equivalents",),
)

q, b, z, v = sp.symbols("q b z v", positive=True)
m, n, j, k = sp.symbols("m n j k", integer=True, positive=True)


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
    return sp.log(1 / base) / (base - base**size)


def summand(degree: Any) -> Any:
    """c_j = e_j I_{j-1}."""
    return sp.log(1 / q) * (1 - q**n) * q**degree / ((1 - q ** (degree - 1)) * (1 - q**degree))


def partial_sum(degree: Any) -> Any:
    """A function of j with the differences c_j."""
    return -sp.log(1 / q) * (1 - q**n) * q / (1 - q) / (1 - q**degree)


def expected_error(count: Any, size: Any) -> Any:
    """E_m for complex A."""
    return tail(count, size) * count * sp.log(1 / q) / (1 - q**count)


def real_bound(rate: Any, count: Any) -> Any:
    """The lower bound of E_m/tail(m) for real A."""
    return 4 * rate * sp.tanh(rate) * (count - 1)


@COMPLEX.symbolic
def symmetric_functions() -> None:
    """E_j (1 - q^j) = e_{j-1} (q^j - q^{n+1})."""
    for size in range(1, 6):
        same(factors(size, q * z) * (1 + q * z), factors(size, z) * (1 + q ** (size + 1) * z))
        coefficients = [sp.Poly(factors(size, z), z).coeff_monomial(z**i) for i in range(size + 1)]
        for i in range(1, size + 1):
            ratio = symmetric_ratio(sp.Integer(i)).subs(n, size)
            same(coefficients[i], coefficients[i - 1] * ratio, f"e_{i}, n = {size}")
    # The coefficients of z^j on both sides: q^j e_j + q q^{j-1} e_{j-1} = e_j + q^{n+1} e_{j-1}.
    e = sp.Symbol("e", positive=True)  # e_{j-1}
    same(q**j * e * symmetric_ratio(j) + q * q ** (j - 1) * e, e * symmetric_ratio(j) + q ** (n + 1) * e)


@COMPLEX.symbolic
def integrals() -> None:
    """Q^{-k} I_k + q^{n-k} I_{k+1} = I_k + q I_{k+1}; log(1/q) + q^n I_1 = q I_1."""
    integral = sp.Symbol("I", positive=True)  # I_k
    following = integral * integral_ratio(k)

    # int z^{k-1} f(qz) dz = q^{-k} I_k: the powers of z, and dz, bring 1/q each.
    def scaled(power: Any, value: Any) -> Any:
        return q ** (-power) * value

    left = scaled(k, integral) + q ** (n + 1) * scaled(k + 1, following)
    same(left, integral + q * following)
    same(left, q ** (-k) * integral + q ** (n - k) * following)
    one = first_integral(q, n)
    same(sp.log(1 / q) + q ** (n + 1) * scaled(1, one), q * one)
    eps = sp.Symbol("eps", positive=True)
    same(sp.expand_log(sp.integrate(1 / z, (z, q * eps, eps))), sp.expand_log(sp.log(1 / q)))


@COMPLEX.symbolic
def summands() -> None:
    """C_j = log(1/q) (1 - q^n) q^j/((1 - q^{j-1})(1 - q^j))."""
    same(symmetric_ratio(j + 1) * integral_ratio(j - 1), summand(j + 1) / summand(j))
    e_2 = tail(0, n) * symmetric_ratio(sp.Integer(2))
    same(e_2 * first_integral(q, n), summand(sp.Integer(2)))


@COMPLEX.symbolic
def telescoping() -> None:
    """The sum telescopes: E_m = tail(m) 2bm/(1 - e^{-2bm})."""
    same(partial_sum(j) - partial_sum(j - 1), summand(j))
    same(m * (partial_sum(n) - partial_sum(m)), expected_error(m, n))
    same((expected_error(m, n) / tail(m, n)).subs(q, sp.exp(-2 * b)), 2 * b * m / (1 - sp.exp(-2 * b * m)))


@COMPLEX.symbolic
def two_levels() -> None:
    """N = 2: the closed form of E_1."""
    found = expected_error(sp.Integer(1), sp.Integer(2))
    same(sp.expand_log(found), sp.expand_log(complex_pair(q, q**2)))


@COMPLEX.certificate
def against_the_determinant() -> None:
    """E_m/log(1/q) by the determinant (b) of complex-exact is m tail(m)/(1 - q^m)."""
    # SCOPE "q = 1/2, 2/3, 9/10; n = 2, ..., 6, all m"
    for base in (sp.Rational(1, 2), sp.Rational(2, 3), sp.Rational(9, 10)):
        for size in range(2, 7):
            for count in range(1, size):
                # log x_i = i log(1/q): in units of log(1/q) all is rational.
                found = determinant(
                    [base**-i for i in range(1, size + 1)], [sp.Integer(i) for i in range(1, size + 1)], count
                )
                closed = expected_error(sp.Integer(count), sp.Integer(size)) / sp.log(1 / q)
                exactly(found, closed.subs(q, base), f"q = {base}, n = {size}, m = {count}")


@COMPLEX.symbolic
def bounds_compared() -> None:
    """T1's bound is e^{4b} (1 - q^m)/(2b) times E_m, T7's e^{2br}/(2br) (1 - q^m) times; e^y/y >= e."""
    r, y = sp.symbols("r y", positive=True)
    infinite = q ** (m + 1) / (1 - q)
    error = infinite * m * sp.log(1 / q) / (1 - q**m)
    exponential = {q: sp.exp(-2 * b)}
    theorem = m * infinite.subs(m, m - 2) / error
    same(theorem.subs(exponential), sp.exp(4 * b) * (1 - sp.exp(-2 * b * m)) / (2 * b))
    complex_bound = m / r * infinite.subs(m, m - r) / error
    same(complex_bound.subs(exponential), sp.exp(2 * b * r) / (2 * b * r) * (1 - sp.exp(-2 * b * m)))
    # y - 1 - log y has the derivative (y - 1)/y: it falls to 0 at y = 1 and rises.
    same(sp.diff(y - 1 - sp.log(y), y), (y - 1) / y)
    same((y - 1 - sp.log(y)).subs(y, 1), 0)
    same(sp.exp(4 * b) / (2 * b), 2 * sp.exp(4 * b) / (4 * b))


@SHARP.symbolic
def fewer_coordinates() -> None:
    """|Sigma - K A Sigma|^2 for n is that for m + 1 plus sum_{i>m+1} l_i |u_i - K a_i|^2 and squares."""
    for size, count in ((3, 1), (4, 2)):
        kept = count + 1
        K = sp.Matrix(size, count, sp.symbols(f"k1:{size * count + 1}", real=True))
        A = sp.Matrix(count, size, sp.symbols(f"a1:{size * count + 1}", real=True))
        variances = sp.symbols(f"l1:{size + 1}", positive=True)

        def error(estimator: Any, measured: Any, variances: Any = variances) -> Any:
            """|Sigma - K A Sigma|^2."""
            residual = sp.eye(estimator.rows) - estimator * measured
            return sum(variances[i] * residual[j, i] ** 2 for i in range(residual.cols) for j in range(residual.rows))

        residual = sp.eye(size) - K * A
        left_out = sum(variances[i] * residual[j, i] ** 2 for i in range(size) for j in range(size) if max(i, j) >= kept)
        nonnegative(left_out)
        same(error(K, A), error(K[:kept, :], A[:, :kept]) + left_out)


@SHARP.symbolic
def substitution() -> None:
    """E'_m = (m-1)/2 l_{m+1} int prod_{i=0}^m (1 + v q^i)^{-1/2} dv."""
    for count in (2, 3, 4):
        variances = [q**i for i in range(1, count + 2)]
        found = integrand_by_parts(variances, sp.Rational(1, 2)).subs(rate_variable, variances[-1] * v) * variances[-1]
        product = sp.prod([(1 + v * q**i) ** sp.Rational(-1, 2) for i in range(count + 1)])
        same((found / product) ** 2, (variances[-1] * sp.Rational(count - 1, 2)) ** 2)


@SHARP.symbolic
def pairing() -> None:
    """((1 + x)(1 + qx))^{1/2} <= 1 + x(1+q)/2, and the integral that remains."""
    x = sp.Symbol("x", positive=True)
    nonnegative(sp.factor((1 + x * (1 + q) / 2) ** 2 - (1 + x) * (1 + q * x)))
    # int prod_{i<M} (1 + w Q^i)^{-1} dw = Q I_1 at (Q, M), for w Q^i = z Q^{i+1}.
    M = sp.Symbol("M", integer=True, positive=True)
    found = q**2 * first_integral(q**2, M)
    same(sp.expand_log(found), sp.expand_log(sp.log(1 / q**2) / (1 - (q**2) ** (M - 1))))


@SHARP.symbolic
def constant() -> None:
    """L_{m+1} = (1 - q) tail(m)/(1 - q^{n-m}), (1-q)/(1+q) = tanh b, and together."""
    same((1 - q) * tail(m, n) / (1 - q ** (n - m)), q ** (m + 1))
    integral = 2 / (1 + q) * sp.log(1 / q**2)
    found = ((m - 1) / 2 * (1 - q) * integral).subs(q, sp.exp(-2 * b))
    same(sp.expand_log(found).rewrite(sp.exp), real_bound(b, m).rewrite(sp.exp))


@SHARP.ball
def one_eighth() -> None:
    """2 tanh(1/2) e^{-2} > 1/8."""
    # SCOPE "b = 1/2"
    half = sp.Rational(1, 2)
    same(real_bound(half, m) / (m - 1), 2 * sp.tanh(half))
    # n -> inf: tail(m)/tail(m-2) -> q^2.
    below(arb(1) / 8, 2 * (arb(1) / 2).tanh() * arb(-2).exp())
    same((q ** (m + 1) / q ** (m - 1)).subs(q, sp.exp(-1)), sp.exp(-2))


def occupation(level: Any, centre: Any) -> Any:
    """l_i/(l_i + kappa) at i = level, kappa = e^{-2b centre}."""
    return 1 / (1 + sp.exp(2 * b * (level - centre)))


@EQUIVALENT.symbolic
def symmetry() -> None:
    """P_i + p_{2m+1-i} = 1 at kappa = e^{-2b(m+1/2)}, and eta < e^{-2b(m+1/2)}/(1 - e^{-2b})."""
    centre = m + sp.Rational(1, 2)
    level = sp.exp(-2 * b * j)
    same(occupation(j, centre), level / (level + sp.exp(-2 * b * centre)))
    same(sp.expand(occupation(j, centre) + occupation(2 * m + 1 - j, centre) - 1).rewrite(sp.exp), 0)
    # p_i < e^{-2b(i - m - 1/2)}; the terms from i = 2m + 1 form a geometric series.
    same(sp.exp(-2 * b * (2 * m + 1 - centre)), sp.exp(-2 * b * (m + sp.Rational(1, 2))))


@EQUIVALENT.symbolic
def distance() -> None:
    """E^d <= e^{-b} (1/(1/(1 + e^b) - eta) - 1), which tends to 1."""
    eta, d = sp.symbols("eta d", positive=True)
    bound = sp.exp(-b) * (1 / (1 / (1 + sp.exp(b)) - eta) - 1)
    # Where the inequality is an equality, the bound is e^d; and it increases with eta, as long as rest > 0.
    rest = sp.Symbol("rest", positive=True)
    same(bound.subs(eta, 1 / (1 + sp.exp(b)) - 1 / (1 + sp.exp(b) * sp.exp(d))), sp.exp(d))
    nonnegative(sp.diff(bound, eta).subs(eta, 1 / (1 + sp.exp(b)) - rest))
    same(bound.subs(eta, 0), 1)


@EQUIVALENT.symbolic
def limits() -> None:
    """The limits 2 sinh(b) and e^{3b}/(1 - e^{-2b})."""
    k0 = sp.exp(-2 * b * (m + sp.Rational(1, 2)))
    infinite = sp.exp(-2 * b * (m + 1)) / (1 - sp.exp(-2 * b))
    same(k0 / infinite, (2 * sp.sinh(b)).rewrite(sp.exp))
    same(infinite.subs(m, m - 2) / k0, sp.exp(3 * b) / (1 - sp.exp(-2 * b)))
