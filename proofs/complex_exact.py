r"""Complex Gaussian measurements: the expected error in closed form, for every n and m.

Setting.  l_1, ..., l_n > 0, Lambda = diag(l), T = sum_i l_i; A is an m x n matrix, 1 <= m < n, of independent standard
complex Gaussian entries; E_m = E X, X = tr S, where S = Lambda - Lambda A^* (A Lambda A^*)^{-1} A Lambda is the posterior
covariance. e_j is the j-th elementary symmetric polynomial. For t > 0 let N_t be a sum of independent Bernoulli variables
of means l_i / (l_i + t).

Statement.

    E_m = m int_0^inf P(N_t > m) dt,    P(N_t = j) = e_j(l) t^{n-j} / prod_i (t + l_i).                                  (a)

If the l_i are distinct, put x_i = 1/l_i, in increasing order, and let det[f_1, ..., f_n] be the determinant with the
entries f_k(x_i). Then

    E_m = m det[1, x, ..., x^{m-1}, x^{m-1} log x, x^{m+1}, ..., x^{n-1}] / det[1, x, ..., x^{n-1}]                      (b)

(the column x^m is replaced), and

    E_m = sum_i l_i (1 - dF_m / d log l_i),    F_m = sum_{k=n-m+1}^n [V^{-1} L V]_kk,                                    (c)

with V_ij = l_i^{j-1} and L = diag(log l); up to a constant F_m is E log det(A Lambda A^*).

Proof.

1. S is a compressed precision. Let the columns of N be an orthonormal basis of ker A and B = N^* Lambda^{-1} N. Then
   S = N B^{-1} N^*: both sides map A^* to 0 and Lambda^{-1} N to N, and the matrix [A^*, Lambda^{-1} N] is invertible (if
   A^* y + Lambda^{-1} N z = 0, multiply by N^*: B z = 0, so z = 0 and y = 0). Hence X = tr B^{-1}. As A U has the law of A
   for every unitary U, ker A is uniformly distributed: B has, up to conjugation by a unitary matrix, the law of the
   leading r x r block, r = n - m, of U diag(x) U^*, with U Haar distributed.
2. One dimension less. Let B be the compression of diag(x_1, ..., x_k), x_1 < ... < x_k, to the hyperplane orthogonal to a
   uniformly distributed unit vector v, and q_i = |v_i|^2. The eigenvalues y_1, ..., y_{k-1} of B are the roots of (Cramer's
   rule for the entry v^* (z - diag(x))^{-1} v of the inverse)

       det(z - B) = prod_i (z - x_i) sum_i q_i / (z - x_i),    so    q_i = prod_j (x_i - y_j) / prod_{j != i} (x_i - x_j).

   This maps the simplex {q_i > 0, sum q_i = 1} one to one onto {x_1 < y_1 < x_2 < ... < y_{k-1} < x_k}: between two poles
   the sum has one root, and conversely interlacing y make all q_i positive, of sum 1 (the coefficient of z^{k-1}). The
   law of q is uniform, of density (k-1)! (q_i is E_i / sum_j E_j with independent exponential variables E_i), and

       |d(q_1, ..., q_{k-1}) / d(y_1, ..., y_{k-1})| = D(y)/D(x),   D(x) = det[1, x, ..., x^{k-1}] = prod_{i<j} (x_j - x_i).

   (dq_i/dy_j = -q_i/(x_i - y_j): a Cauchy determinant). So y has the density (k-1)! D(y)/D(x) where it interlaces.
3. Down to r dimensions. B of step 1 is reached by removing one dimension m times. Each block is W diag(y) W^* with W Haar
   and independent of y, because conjugation by a unitary matrix does not change its law; so the eigenvalues form a Markov
   chain with the densities of step 2. For functions f_1, ..., f_{k-1} with antiderivatives I f_j,

       int det[f_j(y_i)] dy over interlacing y  =  det[ I f_j(x_{i+1}) - I f_j(x_i) ]  =  det[1, I f_1, ..., I f_{k-1}](x),

   since row i of the determinant contains y_i only. Begin at the end of the chain with f_j(y) = f(y) y^{j-1}, where
   prod_i f(y_i) D(y) = det[f_j(y_i)]; each of the m integrations brings one more such determinant over the next D:

       E prod_i f(y_i) = c det[1, x, ..., x^{m-1}, I^m f, I^m (x f), ..., I^m (x^{r-1} f)](x) / D(x),

   y the eigenvalues of B, I^m an m-fold antiderivative (polynomials of degree < m added to it do not matter),
   c = prod_{j=r}^{n-1} j! / prod_{j=0}^{m-1} j!.
4. Put f(y) = 1 + eps/y and differentiate at eps = 0: E tr B^{-1} is a sum of r determinants, the k-th of which has
   I^m x^{k-1} for I^m x^k, 0 <= k < r. If k >= 1, this is a multiple of the column before, and the determinant 0. If k = 0,

       I^m (1/x) = x^{m-1} log x / (m-1)!   (up to polynomials of degree < m),

   stands for I^m 1 = x^m / m!. All other columns are those of f = 1, for which the formula says 1 = D/D. Hence (b).
5. log x = int_0^inf (1/(1+t) - 1/(x+t)) dt. Put this into (b): the part with 1/(1+t) repeats the column x^{m-1}, and

       det[1, ..., x^{m-1}, x^{m-1}/(x+t), x^{m+1}, ...] / D = - sum_{j>m} e_{n-j}(x) t^{j-2} / prod_i (t + x_i).

   For x^{m-1}/(x+t) is (-t)^{m-1}/(x+t) up to powers below x^{m-1}, and the quotient is, by Cramer's rule, the coefficient
   of x^m of the polynomial of degree < n that interpolates it at the x_i. With w(x) = prod_i (x - x_i) that polynomial is

       (-t)^{m-1} (w(x) - w(-t)) / (-w(-t) (x+t)),    w(x) = sum_j (-1)^{n-j} e_{n-j}(x_1, ..., x_n) x^j,

   and (x^j - (-t)^j)/(x+t) contains x^m if j > m, with the factor (-t)^{j-1-m}.
6. Substitute 1/t for t: as e_{n-j}(1/l) prod_i l_i = e_j(l), the integrand becomes e_j(l) t^{n-j} / prod_i (t + l_i),
   summed over j > m. These are the coefficients of prod_i (t + l_i z) / (t + l_i), the generating function of N_t. This
   is (a), for distinct l_i. Both sides are continuous in l: X <= T, and P(N_t > m) <= e_{m+1}(l) t^{-(m+1)}, a bound that
   is integrable at infinity. So (a) holds for all l.
7. (c): in step 3 take f(y) = y^s, with I^m x^{k-1+s} a multiple of x^{k-1+s+m}. The derivative at s = 0 is, with V_x the
   matrix of the x_i^{k-1}, of which the columns k > m change,

       E log det B = sum_{k>m} [V_x^{-1} (-L) V_x]_kk + constant.

   As x_i^{k-1} = l_i^{-(n-1)} l_i^{n-k}, V_x is V with its rows scaled (by a diagonal matrix, which commutes with L) and
   its columns reversed: this is the sum of -[V^{-1} L V]_kk over k <= n - m. Adding sum_i log l_i, the trace of L, leaves
   F_m. Now det(A Lambda A^*) = det(A A^*) det(B) det(Lambda), so that E log det(A Lambda A^*) = F_m + constant. The
   derivative of log det(A Lambda A^*) along log l_i is p_i = l_i a_i^* (A Lambda A^*)^{-1} a_i, a_i the i-th column of A;
   0 <= p_i <= 1, so that the mean may be differentiated; and X = sum_i l_i (1 - p_i) by the definition of S.             []

The formula agrees with "E_1" and "E_{n-1}" (h = 1) and with flat spectra, which are derived differently.

Corollary.  Let R_i be independent ratios of two independent standard exponential variables. Then
P(l_i R_i > t) = l_i/(l_i + t), so that N_t counts the l_i R_i that exceed t, and E_m = m E[(m+1)-st largest of l_i R_i].

Remark.  kappa is defined by E N_kappa = m. So "E_m <= m kappa for complex A", which is proved in "complex-equivalent", says
that int_0^inf P(N_t > m) dt <= kappa: the smooth step P(N_t > m) has no more area than the sharp one, 1(E N_t > m).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import Any

import sympy as sp

from .checks import same
from .error import ERROR
from .first_and_last import FIRST, LAST, integrand, integrand_by_parts, weights_first
from .first_and_last import u as rate_variable
from .kernel import sizes
from .ledger import Statement
from .matrices import same_matrices, same_traces
from .notation import complex_E, explicit, family, quantity
from .notation import i as index
from .notation import l as level
from .propositions import Fact, Proposition, argued, at_least

t, z = sp.symbols("t z", positive=True)
#: Explicit sizes at which the steps are checked that are not checked for all.
SIZES = (2, 3, 4)

n, m, j = sp.symbols("n m j", integer=True, positive=True)
#: The elementary symmetric polynomials of l_1, ..., l_n.
e = quantity("e", "e_{}")


def symmetric(j: int, values: Sequence[Any]) -> Any:
    """e_j of the values."""
    return sum(sp.prod(chosen) for chosen in combinations(values, j))


def exceedance(variances: Sequence[Any], m: int) -> Any:
    """P(N_t > m)."""
    n = len(variances)
    return sum(symmetric(j, variances) * t ** (n - j) for j in range(m + 1, n + 1)) / sp.prod([t + x for x in variances])


def any_exceedance() -> Any:
    """P(N_t > m) for every n and m."""
    return sp.Sum(e(j) * t ** (n - j), (j, m + 1, n)) / sp.Product(t + level(index), (index, 1, n))


def over_t(probability: Any, count: Any) -> Any:
    """The integrand of (a): m P(N_t > m)."""
    return count * probability


def vandermonde(values: Sequence[Any]) -> Any:
    """D = det[1, x, ..., x^{n-1}] = prod_{i<j} (x_j - x_i)."""
    return sp.prod([y - x for x, y in combinations(values, 2)])


def replaced(values: Sequence[Any], column: Sequence[Any], m: int) -> Any:
    """det[1, x, ..., x^{n-1}] with the column x^m replaced."""
    n = len(values)
    return sp.Matrix(n, n, lambda i, k: column[i] if k == m else values[i] ** k).det(method="berkowitz")


def determinant(values: Sequence[Any], logarithms: Sequence[Any], m: int) -> Any:
    """E_m by (b), from the x_i = 1/l_i and their logarithms."""
    column = [x ** (m - 1) * y for x, y in zip(values, logarithms, strict=True)]
    return m * replaced(values, column, m) / vandermonde(values)


def log_determinant(variances: Sequence[Any], m: int) -> Any:
    """F_m."""
    n = len(variances)
    V = sp.Matrix(n, n, lambda i, j: variances[i] ** j)
    M = V.adjugate() * sp.diag(*[sp.log(x) for x in variances]) * V
    return sum(M[k, k] for k in range(n - m, n)) / vandermonde(variances)


def by_derivatives(variances: Sequence[Any], m: int) -> Any:
    """E_m by (c)."""
    F = log_determinant(variances, m)
    return sum(x * (1 - x * sp.diff(F, x)) for x in variances)


def repeated_antiderivative(power: int, m: int, x: Any, logarithm: Any) -> Any:
    """I^m x^power for power >= -1, up to polynomials of degree < m."""
    if power == -1:
        return x ** (m - 1) * logarithm / sp.factorial(m - 1)
    return sp.Rational(sp.factorial(power), sp.factorial(power + m)) * x ** (power + m)


def corner_constant(n: int, m: int) -> Any:
    """c of step 3."""
    return sp.prod([sp.factorial(j) for j in range(n - m, n)]) / sp.prod([sp.factorial(j) for j in range(m)])


def density(nodes: Sequence[Any], roots: Sequence[Any]) -> Any:
    """Density of the eigenvalues after one dimension is removed: (k - 1)! D(y)/D(x)."""
    return sp.factorial(len(roots)) * vandermonde(roots) / vandermonde(nodes)


def weights_of(nodes: Sequence[Any], roots: Sequence[Any]) -> list[Any]:
    """q_i of step 2."""
    return [
        sp.prod([x - y for y in roots]) / sp.prod([x - other for j, other in enumerate(nodes) if j != i])
        for i, x in enumerate(nodes)
    ]


COMPLEX = Statement(
    "complex-exact",
    Proposition(complex_E(m), "=", sp.Integral(over_t(any_exceedance(), m), (t, 0, sp.oo)), when=(at_least(n, m + 1),)),
    words="complex A, e_j the elementary symmetric polynomials of the l_i: {0}",
)


@COMPLEX.symbolic
def compressed_precision() -> None:
    """S = N B^{-1} N^*: both map A^* to 0 and Lambda^{-1} N to N; tr S = tr B^{-1}."""
    Lambda, precision = sp.MatrixSymbol("Lambda", n, n), sp.MatrixSymbol("Lambda'", n, n)  # Lambda' = Lambda^{-1}
    A, N = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("N", n, n - m)
    gram, B_inverse = sp.MatrixSymbol("V", m, m), sp.MatrixSymbol("B'", n - m, n - m)
    rules = [
        (A * N, sp.ZeroMatrix(m, n - m)),
        (N.T * N, sp.Identity(n - m)),
        (Lambda * precision, sp.Identity(n)),
        (gram * A * Lambda * A.T, sp.Identity(m)),
        (B_inverse * N.T * precision * N, sp.Identity(n - m)),
    ]
    S, K = Lambda - Lambda * A.T * gram * A * Lambda, N * B_inverse * N.T
    same_matrices(S * A.T, sp.ZeroMatrix(n, m), given=rules, what="S A^*")
    same_matrices(K * A.T, sp.ZeroMatrix(n, m), given=rules, what="N B^{-1} N^* A^*")
    same_matrices(S * precision * N, N, given=rules, what="S Lambda^{-1} N")
    same_matrices(K * precision * N, N, given=rules, what="N B^{-1} N^* Lambda^{-1} N")
    same_traces(sp.Trace(K), sp.Trace(B_inverse), given=rules)


@COMPLEX.symbolic
def characteristic_polynomial() -> None:
    """Det(z - B) = prod_i (z - x_i) sum_i q_i/(z - x_i)."""
    for k in sizes(SIZES):
        x, v = family("x", k), family("v", k)
        dual = family("d", k)  # the conjugates of v
        # Columns v'_1 e_j - v'_j e_1 span the vectors orthogonal to v; that they are not orthonormal cancels.
        basis = sp.Matrix(k, k - 1, lambda i, j, d=dual: -d[j + 1] if i == 0 else (d[0] if i == j + 1 else 0))
        adjoint = sp.Matrix(k - 1, k, lambda j, i, w=v: -w[j + 1] if i == 0 else (w[0] if i == j + 1 else 0))
        same(sp.Matrix([dual]) * basis, sp.zeros(1, k - 1), "orthogonality")
        compression = adjoint * sp.diag(*[z - y for y in x]) * basis
        left = compression.det(method="berkowitz") * sum(a * b for a, b in zip(v, dual, strict=True))
        terms = [v[i] * dual[i] * sp.prod([z - y for j, y in enumerate(x) if j != i]) for i in range(k)]
        same(left, (adjoint * basis).det(method="berkowitz") * sum(terms))


@COMPLEX.symbolic
def jacobian() -> None:
    """The q_i sum to 1 and have the Jacobian D(y)/D(x)."""
    for k in sizes(SIZES):
        x, y = family("x", k), family("y", k - 1)
        q = weights_of(x, y)
        same(sum(q), 1)
        # q_i is a product of the x_i - y_j, so its derivative along y_j is -q_i/(x_i - y_j).
        for i in range(k - 1):
            for j in range(k - 1):
                same(sp.diff(q[i], y[j]), -q[i] / (x[i] - y[j]))
        # Hence row i of the Jacobian matrix has the common denominator prod_{j != i} (x_i - x_j) and polynomials above it.
        rows = sp.Matrix(k - 1, k - 1, lambda i, j, a=x, b=y: sp.prod([a[i] - c for c in b if c != b[j]]))
        denominator = sp.prod([x[i] - x[j] for i in range(k - 1) for j in range(k) if j != i])
        left = rows.det(method="berkowitz") * vandermonde(x)
        same(left, (-1) ** (k - 1) * density(x, y) / sp.factorial(k - 1) * vandermonde(x) * denominator, "Jacobian")


@COMPLEX.symbolic
def interlacing_integral() -> None:
    """Det[If_j(x_{i+1}) - If_j(x_i)] = det[1, If_1, ..., If_{k-1}]."""
    for k in sizes(SIZES):
        values = explicit("g", k, k - 1)
        steps = values[1:, :] - values[:-1, :]
        same(steps.det(method="berkowitz"), sp.ones(k, 1).row_join(values).det(method="berkowitz"))


@COMPLEX.symbolic
def antiderivatives() -> None:
    """D/dx of I^{m+1} x^p is I^m x^p up to polynomials, and I^1 x^p has the derivative x^p."""
    x = sp.Symbol("x", positive=True)
    m, p = sp.symbols("m p", integer=True, positive=True)

    def power(order: Any) -> Any:
        return sp.factorial(p) / sp.factorial(p + order) * x ** (p + order)

    def logarithmic(order: Any) -> Any:
        return x ** (order - 1) * sp.log(x) / sp.factorial(order - 1)

    same(sp.simplify(sp.diff(power(m + 1), x) / power(m)), 1)
    # What is left is a multiple of x^{m-1}: a polynomial of degree < m.
    rest = sp.diff(logarithmic(m + 1), x) - logarithmic(m)
    same(sp.gammasimp(sp.expand(rest / x ** (m - 1))), 1 / sp.factorial(m))
    for order in range(1, 6):
        for exponent in range(4):
            same(repeated_antiderivative(exponent, order, x, sp.log(x)), power(order).subs(p, exponent))
        same(repeated_antiderivative(-1, order, x, sp.log(x)), logarithmic(order))
        same(sp.diff(repeated_antiderivative(-1, order, x, sp.log(x)), x, order) * x, 1)


@COMPLEX.symbolic
def expected_trace() -> None:
    """E tr B^{-1} = m det[..., x^{m-1} log x, ...]/D, and E 1 = 1."""
    for n in sizes(SIZES):
        x, y = family("x", n, positive=True), family("y", n)  # y = log x
        for m in range(1, n):

            def corner(powers: Sequence[int], n: int = n, m: int = m, x: Any = x, y: Any = y) -> Any:
                """c det[1, ..., x^{m-1}, I^m x^{powers[0]}, ...]/D."""
                columns = [[a**k for a in x] for k in range(m)]
                columns += [[repeated_antiderivative(p, m, a, b) for a, b in zip(x, y, strict=True)] for p in powers]
                return corner_constant(n, m) * sp.Matrix(columns).det(method="berkowitz") / vandermonde(x)

            plain = list(range(n - m))
            same(corner(plain), 1, "E 1")
            # The derivative at eps = 0 of a product of columns x^k + eps x^{k-1}: one column at a time.
            changed = sum(corner([*plain[:k], k - 1, *plain[k + 1 :]]) for k in plain)
            same(changed, determinant(x, y, m), f"n = {n}, m = {m}")


@COMPLEX.symbolic
def logarithm() -> None:
    """Log x = int_0^inf 1/(1+t) - 1/(x+t) dt."""
    x = sp.Symbol("x", positive=True)
    primitive = sp.log((1 + t) / (x + t))
    same(sp.diff(primitive, t), 1 / (1 + t) - 1 / (x + t))
    same(sp.limit(primitive, t, sp.oo), 0)
    same(sp.expand_log(-primitive.subs(t, 0)), sp.log(x))


@COMPLEX.symbolic
def coefficient() -> None:
    """Det[..., x^{m-1}/(x+t), ...]/D = -sum_{j>m} e_{n-j}(x) t^{j-2}/prod(t + x_i)."""
    for n in sizes(SIZES):
        x = family("x", n, positive=True)
        for m in range(1, n):
            # Row i is multiplied by x_i + t, to have polynomials only.
            rows = sp.Matrix(n, n, lambda i, k, m=m, x=x: x[i] ** (m - 1) if k == m else x[i] ** k * (x[i] + t))
            right = -sum(symmetric(n - j, x) * t ** (j - 2) for j in range(m + 1, n + 1)) * vandermonde(x)
            same(rows.det(method="berkowitz"), right, f"n = {n}, m = {m}")


@COMPLEX.symbolic
def law_of_the_count() -> Fact:
    """N_t has the generating function prod_i (t + l_i z)/(t + l_i); 1/t for t turns the sum of step 5 into it."""
    x = sp.Symbol("l", positive=True)
    p = x / (x + t)
    same((1 - p) + p * z, (t + x * z) / (t + x), "factor of the generating function")
    same((1 / t + 1 / x) * t * x, x + t, "factor after the substitution")
    # From n to n + 1: e_j becomes e_j + l e_{j-1}. Coefficients c_j = e_j t^{n-j} of prod_i (t + l_i z):
    before, one_before = sp.symbols("e_j e_{j-1}", positive=True)
    grown = t * before * t ** (n - j) + x * one_before * t ** (n - (j - 1))
    same(sp.expand(grown / t ** (n + 1 - j)), before + x * one_before, "coefficient")
    # And e_{n-j}(1/l) prod_i l_i, which obeys the same recursion, and is 1 at n = j = 0 like e_j(l).
    reverse, one_reverse, volume = sp.symbols("e_{n+1-j} e_{n-j} V", positive=True)
    same((reverse + one_reverse / x) * volume * x, x * (reverse * volume) + one_reverse * volume, "reversed")
    reason = "the coefficients of z^j for j > m, by the recursion from n to n + 1"
    return argued(sp.Symbol("P(N_t>m)", positive=True), "=", any_exceedance(), reason)


@COMPLEX.instance
def law_of_the_count_in_full() -> None:
    """The same for explicit n."""
    for n in SIZES:
        variances = family("l", n, positive=True)
        generating = sp.Poly(sp.prod([t + x * z for x in variances]), z)
        terms = [generating.coeff_monomial(z**j) for j in range(n + 1)]
        for j in range(1, n + 1):
            before = symmetric(n - j, [1 / x for x in variances]) * t ** (j - 2)
            same(before.subs(t, 1 / t) / t**2 * t**n * sp.prod(variances), terms[j], f"summand {j}")
        for m in range(1, n):
            same(exceedance(variances, m) * sp.prod([t + x for x in variances]), sum(terms[m + 1 :]), f"P(N_t > {m})")


def _symmetric(variances: Sequence[Any], j: Any) -> Any:
    return symmetric(int(j), variances)


def _entry(variances: Sequence[Any], number: Any) -> Any:
    return variances[int(number) - 1]


@COMPLEX.symbolic
def formula() -> Fact:
    """(a) for every n, which at explicit n and m is what the other steps are about."""
    for size in sizes(SIZES):
        variances = family("l", size, positive=True)
        for count in range(1, size):
            at = {n: size, m: count}
            explicit = any_exceedance().subs(at).doit().replace(e, partial(_symmetric, variances))
            explicit = explicit.replace(level, partial(_entry, variances))
            same(explicit, exceedance(variances, count), f"n = {size}, m = {count}")
    found = over_t(law_of_the_count().right, m)
    reason = "steps 1 to 6, whose identities are checked at explicit sizes where they are not for all"
    return argued(complex_E(m), "=", sp.Integral(found, (t, 0, sp.oo)), reason)


@COMPLEX.instance
def derivatives() -> None:
    """Sum_i l_i (1 - dF_m/d log l_i) is (b)."""
    for n in (2, 3):
        variances = family("l", n, positive=True)
        for m in range(1, n):
            found = determinant([1 / x for x in variances], [-sp.log(x) for x in variances], m)
            # After the derivatives the logarithms are letters, and all is a rational function.
            letters = {sp.log(x): sp.Symbol(f"log_{x}") for x in variances}
            same(by_derivatives(variances, m).subs(letters), found.subs(letters), f"n = {n}, m = {m}")


@COMPLEX.symbolic
def ends() -> None:
    """(a) agrees with "E_{n-1}" and with "E_1"."""
    # "E_1" and "E_{n-1}" for complex A.
    for known in (FIRST, LAST):
        known.fact(1)
    one = sp.Integer(1)
    for n in sizes(SIZES):
        variances = family("l", n, positive=True)
        last = integrand_by_parts(variances, one).subs(rate_variable, t)
        same(over_t(exceedance(variances, n - 1), n - 1), last, "m = n - 1")
        # m = 1, with t = 1/u: the integrands differ by the derivative of (1 - Q - u T Q)/u. This vanishes at
        # infinity, where u Q -> 0, and at 0, where Q = 1 - u T + O(u^2).
        u = rate_variable
        Q = sp.prod([1 / (1 + u * x) for x in variances])
        boundary = (1 - Q - u * sum(variances) * Q) / u
        left = over_t(exceedance(variances, 1), 1).subs(t, 1 / u) / u**2
        same(left, integrand(*weights_first(variances), one) - sp.diff(boundary, u), "m = 1")
        same(sp.diff(Q, u).subs(u, 0), -sum(variances))


@COMPLEX.symbolic
def flat() -> None:
    """Flat spectrum: E_m = s^2 (n - m)."""
    p = sp.Symbol("p", positive=True)
    # t = s^2 (1-p)/p turns dt into -s^2 dp/p^2 and l/(l + t) into p; int_0^1 p^{j-2} (1-p)^{n-j} dp = (j-2)! (n-j)!/(n-1)!.
    spread = sp.Symbol("s2", positive=True)
    same(sp.diff(spread * (1 - p) / p, p), -spread / p**2)
    same(spread / (spread + spread * (1 - p) / p), p)
    beta = sp.factorial(j - 2) * sp.factorial(n - j) / sp.factorial(n - 1)
    summand = sp.gammasimp(sp.factorial(n) / (sp.factorial(j) * sp.factorial(n - j)) * beta)
    same(summand, n / (j - 1) - n / j)
    same(m * spread * (n / m - n / n), spread * (n - m))


@COMPLEX.symbolic
def exponential_ratio() -> None:
    """P(l R > t) = l/(l + t) for the ratio R of two exponential variables."""
    x, l = sp.symbols("x l", positive=True)
    # Given the denominator x, the numerator exceeds t x/l with probability e^{-t x/l}.
    same(sp.integrate(sp.exp(-t * x / l) * sp.exp(-x), (x, 0, sp.oo)), l / (l + t))


@COMPLEX.concludes
def conclusion() -> Fact:
    # X_A is the error of "error".
    ERROR.fact(0)
    return formula()
