r"""The first and the last measurement: E_1 and E_{n-1} as one-dimensional integrals.

Setting.  n >= 2, l_1, ..., l_n > 0, Lambda = diag(l), Sigma = Lambda^{1/2}, T = sum_i l_i. A is an m x n matrix of
independent standard Gaussian entries: real, and then h = 1/2, or complex, and then h = 1. P is the orthogonal projector
onto the row space of A Sigma (the range of Sigma A^*), X = tr Sigma (I - P) Sigma the error, and E_m = E X.

Statement.

    E_1     = int_0^inf h sum_j (T - l_j) l_j / (1 + u l_j) prod_k (1 + u l_k)^{-h} du                                   (a)
            = T - int_0^inf h sum_j l_j^2 / (1 + u l_j) prod_k (1 + u l_k)^{-h} du,                                      (b)
    E_{n-1} = int_0^inf h sum_j 1 / (1 + u/l_j) prod_k (1 + u/l_k)^{-h} du                                               (c)
            = (h n - 1) int_0^inf prod_k (1 + u/l_k)^{-h} du    if h n > 1.                                              (d)

For real A put u = 2t: then  h du = dt  and (d) reads  (n - 2) int_0^inf prod_k (1 + 2t/l_k)^{-1/2} dt.  (a) subtracts
nothing but l_j from T.  Closed forms, with sigma_i = l_i^{1/2}:

    real A, n = 2:     E_1 = sigma_1 sigma_2,
    real A, n = 3:     E_2 = sigma_1 sigma_2 sigma_3 R_F(l_1, l_2, l_3),
                       E_1 = sum_j (T - l_j) R_D(1/l_i, 1/l_k, 1/l_j) / (3 sigma_1 sigma_2 sigma_3),  {i, j, k} = {1, 2, 3},
    complex A, n = 2:  E_1 = l_1 l_2 log(l_1/l_2) / (l_1 - l_2)    (l_1 != l_2),

where R_F and R_D are Carlson's elliptic integrals

    R_F(x, y, z) = 1/2 int_0^inf ((u+x)(u+y)(u+z))^{-1/2} du,
    R_D(x, y, z) = 3/2 int_0^inf ((u+x)(u+y))^{-1/2} (u+z)^{-3/2} du.

Proof.

1. m = 1. A is one row a, and P = v v^* / |v|^2 with v = Sigma a^*, |v_j|^2 = l_j |a_j|^2. Hence
   X = T - sum_j l_j |v_j|^2 / |v|^2, that is,

       X = sum_j c_j w_j,    w_j = r_j |g_j|^2 / sum_k r_k |g_k|^2,                                                      (*)

   with g = a, r_j = l_j and c_j = T - l_j (the w_j sum to 1).
2. m = n - 1. With probability 1 the kernel of A is a line, spanned by g say, and Sigma^{-1} g is orthogonal to the row
   space of A Sigma, for A Sigma Sigma^{-1} g = 0. So I - P = Sigma^{-1} g g^* Sigma^{-1} / |Sigma^{-1} g|^2, and
   X = |g|^2 / sum_k (|g_k|^2 / l_k), which is (*) with r_j = 1/l_j and c_j = l_j. As A U has the law of A for unitary U,
   the line is uniformly distributed; as w depends on the line only, g may be taken as a standard Gaussian vector.
3. Let y = |g|^2 / 2 for real, y = |g|^2 for complex standard Gaussian g (E |g|^2 = 1). For s >= 0,

       E e^{-s y} = (1 + s)^{-h},    E y e^{-s y} = h (1 + s)^{-h-1}:

   the first is a Gaussian integral (for complex g, of the product of two real ones), the second is minus its derivative.
4. In (*) the |g_j|^2 may be replaced by independent y_j. Put 1/x = int_0^inf e^{-u x} du at x = sum_k r_k y_k. All is
   positive, so the expectation may be taken inside (Tonelli), where it factorises: with 3 at s = u r_k,

       E w_j = int_0^inf h r_j / (1 + u r_j) prod_k (1 + u r_k)^{-h} du.

   Multiplied by c_j and summed this is (a) and (c).
5. Let Q(u) = prod_k (1 + u r_k)^{-h}. Its logarithmic derivative is a sum over k, so that
   -Q' = h sum_j r_j/(1 + u r_j) Q, which integrates to Q(0) - Q(inf) = 1, as it must. Times T, it turns (a) into (b).
6. In the same way  (u Q)' = Q + u Q' = h sum_j 1/(1 + u r_j) Q - (h n - 1) Q,  because h u r/(1 + u r) = h - h/(1 + u r).
   Integrate: u Q vanishes at 0, and u Q = u^{1-hn} prod_k r_k^{-h} (1 + 1/(u r_k))^{-h} vanishes at infinity if h n > 1.
   This is (d). If h n = 1, that is, for real A and n = 2, the last term is absent, and u Q tends to
   prod_k r_k^{-h} = sigma_1 sigma_2.
7. Carlson's forms are (d) and (a) with 1 + u/l = (u + l)/l and 1 + u l = l (u + 1/l). For complex A and n = 2 the integrand
   of (d) is the derivative of  l_1 l_2 log((u + l_2)/(u + l_1)) / (l_1 - l_2), which vanishes at infinity.
8. For a flat spectrum, l_i = s^2, (a) and (c) give s^2 (n - 1) and s^2, as they must.                                    []
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from .checks import same
from .error import ERROR
from .ledger import Statement
from .matrices import same_matrices, same_traces, square
from .notation import E, complex_E, explicit, family
from .notation import i as index
from .notation import l as level
from .propositions import Fact, Proposition, argued, at_least, chain, integrated, summed, through, under

HALF = sp.Rational(1, 2)
u, s, r, l, h = sp.symbols("u s r l h", positive=True)


n = sp.Symbol("n", integer=True, positive=True)
#: sum_i l_i.
TOTAL = sp.Sum(level(index), (index, 1, n))
ERRORS = {HALF: E, sp.S.One: complex_E}


def spectrum(size: int) -> list[sp.Symbol]:
    """l_1, ..., l_size, for instances."""
    return family("l", size, positive=True)


def levels(size: int) -> list[sp.Expr]:
    """l_1, ..., l_size, for what is said of this size."""
    return [level(sp.Integer(number)) for number in range(1, size + 1)]


def any_product(rate: Callable[[sp.Expr], sp.Expr], exponent: sp.Expr) -> sp.Expr:
    """Q(u) for every n, from the rate r_i."""
    return sp.Product(laplace(rate(level(index)), exponent), (index, 1, n))


def slope_of(rate: Callable[[sp.Expr], sp.Expr], exponent: sp.Expr) -> sp.Expr:
    """u Q'/Q for every n: the logarithmic derivatives of the factors, summed."""
    factor = laplace(rate(l), exponent)
    return sp.Sum(sp.simplify(u * sp.diff(factor, u) / factor).subs(l, level(index)), (index, 1, n))


def any_integrand(c: sp.Expr, rate: Callable[[sp.Expr], sp.Expr], exponent: sp.Expr) -> sp.Expr:
    """(a) and (c) for every n: c_j from l, and r_j."""
    x = rate(level(index))
    return sp.Sum(exponent * c * x / (1 + u * x), (index, 1, n)) * any_product(rate, exponent)


def first_integrand(exponent: sp.Expr) -> sp.Expr:
    """(a)."""
    return any_integrand(sp.Symbol("T", positive=True) - level(index), plain, exponent)


def last_integrand(exponent: sp.Expr) -> sp.Expr:
    """(c)."""
    return any_integrand(level(index), inverse, exponent)


def plain(variance: sp.Expr) -> sp.Expr:
    """r at m = 1."""
    return variance


def inverse(variance: sp.Expr) -> sp.Expr:
    """r at m = n - 1."""
    return 1 / variance


def over_half_line(integrand_: sp.Expr) -> sp.Expr:
    """int_0^inf ... du."""
    return sp.Integral(integrand_, (u, 0, sp.oo))


def weights_first(variances: Sequence[sp.Expr]) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """c and r of (*) at m = 1."""
    total = sum(variances)
    return [total - x for x in variances], list(variances)


def weights_last(variances: Sequence[sp.Expr]) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """c and r of (*) at m = n - 1."""
    return list(variances), [1 / x for x in variances]


def product(rates: Sequence[sp.Expr], exponent: sp.Expr) -> sp.Expr:
    """Q(u) = prod_k (1 + u r_k)^{-h}."""
    return sp.prod([(1 + u * x) ** (-exponent) for x in rates])


def logarithmic_slope(rates: Sequence[sp.Expr], exponent: sp.Expr) -> sp.Expr:
    """-Q'/Q = h sum_j r_j/(1 + u r_j)."""
    return exponent * sum(x / (1 + u * x) for x in rates)


def integrand(c: Sequence[sp.Expr], rates: Sequence[sp.Expr], exponent: sp.Expr) -> sp.Expr:
    """h sum_j c_j r_j/(1 + u r_j) prod_k (1 + u r_k)^{-h}: (a) and (c)."""
    total = sum(y * x / (1 + u * x) for y, x in zip(c, rates, strict=True))
    return exponent * total * product(rates, exponent)


def integrand_by_parts(variances: Sequence[sp.Expr], exponent: sp.Expr) -> sp.Expr:
    """(h n - 1) prod_k (1 + u/l_k)^{-h}: (d)."""
    return (exponent * len(variances) - 1) * product([1 / x for x in variances], exponent)


def subtracted(variances: Sequence[sp.Expr], exponent: sp.Expr) -> sp.Expr:
    """h sum_j l_j^2/(1 + u l_j) prod_k (1 + u l_k)^{-h}: what (b) subtracts from T."""
    return exponent * sum(x**2 / (1 + u * x) for x in variances) * product(variances, exponent)


def laplace(rate: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """E e^{-s y} at s = u * rate."""
    return (1 + u * rate) ** (-exponent)


def laplace_biased(rate: sp.Expr, exponent: sp.Expr) -> sp.Expr:
    """E y e^{-s y} at s = u * rate."""
    return exponent * (1 + u * rate) ** (-exponent - 1)


def carlson_f(x: sp.Expr, y: sp.Expr, z: sp.Expr) -> sp.Expr:
    """Integrand of R_F."""
    return HALF / sp.sqrt((u + x) * (u + y) * (u + z))


def carlson_d(x: sp.Expr, y: sp.Expr, z: sp.Expr) -> sp.Expr:
    """Integrand of R_D."""
    return 3 * HALF / (sp.sqrt((u + x) * (u + y)) * sp.sqrt(u + z) ** 3)


def complex_pair(first: sp.Expr, second: sp.Expr) -> sp.Expr:
    """E_1 for complex A and n = 2."""
    return first * second * sp.log(first / second) / (first - second)


def weighted(c: Sequence[sp.Expr], rates: Sequence[sp.Expr], squares: Sequence[sp.Expr]) -> sp.Expr:
    """sum_j c_j w_j, where `squares` are the |g_j|^2."""
    terms = [x * y for x, y in zip(rates, squares, strict=True)]
    return sum(x * y for x, y in zip(c, terms, strict=True)) / sum(terms)


def volume(variances: Sequence[sp.Expr]) -> sp.Expr:
    """sigma_1 ... sigma_n."""
    return sp.sqrt(sp.prod(variances))


def flat(c: Sequence[sp.Expr], rates: Sequence[sp.Expr], value: sp.Expr) -> None:
    """Establish the integral of `integrand`: with equal rates it is c_1 times -Q', and Q falls from 1 to 0."""
    same(c[0], value)
    Q = product(rates, h)
    same(integrand(c, rates, h) / Q, -c[0] * sp.diff(Q, u) / Q)
    same(Q.subs(u, 0), 1)


FIRST = Statement(
    "E_1",
    *(Proposition(error(sp.S.One), "=", over_half_line(first_integrand(exponent))) for exponent, error in ERRORS.items()),
    words="with T the sum of the l_i: {0}; {1}",
)
LAST = Statement(
    "E_{n-1}",
    *(
        Proposition(
            error(n - 1),
            "=",
            (exponent * n - 1) * over_half_line(any_product(inverse, exponent)),
            when=(at_least(n, least),),
        )
        for (exponent, error), least in zip(ERRORS.items(), (3, 2), strict=True)
    ),
    Proposition(E(sp.S.One), "=", sp.sqrt(level(sp.S.One) * level(sp.S(2))), given=((n, sp.S(2)),)),
)

v, A_row = sp.MatrixSymbol("v", n, 1), sp.MatrixSymbol("a", 1, n)
Sigma, I_n = sp.MatrixSymbol("Sigma", n, n), sp.Identity(n)
length = sp.Symbol("|v|^2", positive=True)
SYMMETRIC = [(Sigma.T, Sigma)]


@FIRST.symbolic
def error_first() -> Fact:
    """m = 1: tr Sigma (I - v v^*/|v|^2) Sigma is sum_j c_j w_j."""
    P = v * v.T / length
    same_matrices(P * P, P, [(v.T * v, length * sp.Identity(1))], "projector")
    same_traces(
        sp.Trace(Sigma * (I_n - P) * Sigma),
        square(Sigma) - square(Sigma * v) / length,
        SYMMETRIC,
        "X_A = T - sum_j l_j w_j",
    )
    # With the sum of the w_j equal to 1, for any w.
    w, total = sp.IndexedBase("w"), sp.Symbol("T", positive=True)
    subtracted_ = total * sp.Sum(w[index], (index, 1, n)) - sp.Sum(level(index) * w[index], (index, 1, n))
    return same(subtracted_, sp.Sum((total - level(index)) * w[index], (index, 1, n)))


@FIRST.instance
def error_first_in_entries() -> None:
    """The same entry by entry."""
    for size in (2, 3, 4):
        variances = spectrum(size)
        a, conjugate = family("a", size), family("b", size)  # b_j stands for the conjugate of a_j
        sigma = sp.diag(*[sp.sqrt(x) for x in variances])
        v, v_star = sigma * sp.Matrix(conjugate), sp.Matrix([a]) * sigma
        P = v * v_star / (v_star * v)[0]
        squares = [x * y for x, y in zip(a, conjugate, strict=True)]
        same((sigma * (sp.eye(size) - P) * sigma).trace(), weighted(*weights_first(variances), squares))


@FIRST.symbolic
def laplace_transforms() -> None:
    """E e^{-sy} = (1 + s)^{-h} and E y e^{-sy} = h (1 + s)^{-h-1}."""
    g = sp.Symbol("g", real=True)
    real = sp.integrate(sp.exp(-(1 + s) * g**2 / 2), (g, -sp.oo, sp.oo)) / sp.sqrt(2 * sp.pi)
    # A complex g = (g' + i g'')/sqrt 2 has |g|^2 = g'^2/2 + g''^2/2.
    for exponent, transform in ((HALF, real), (sp.Integer(1), real * real)):
        same(transform, laplace(s / u, exponent))
        same(-sp.diff(transform, s), laplace_biased(s / u, exponent))


def factorised(c: sp.Expr, rate: Callable[[sp.Expr], sp.Expr], exponent: sp.Expr) -> Fact:
    """sum_j c_j r_j E[y_j e^{-u r_j y_j}] prod_{k != j} E e^{-u r_k y_k} is the integrand."""
    Q = any_product(rate, exponent)
    x = rate(level(index))
    terms = sp.Sum(c * x * laplace_biased(x, exponent) / laplace(x, exponent), (index, 1, n))
    wanted = any_integrand(c, rate, exponent)
    one = same(terms.function, (wanted / Q).function, "term")
    return through(lambda side: side * Q, summed(one, index, 1, n))


@FIRST.symbolic
def factorisation() -> tuple[Fact, ...]:
    """Each exponent at m = 1."""
    return tuple(factorised(sp.Symbol("T", positive=True) - level(index), plain, exponent) for exponent in ERRORS)


@FIRST.symbolic
def expectation() -> tuple[Fact, ...]:
    """E_1 by Tonelli: 1/x = int_0^inf e^{-ux} du at x = sum_k r_k y_k."""
    # X_A is that of "error".
    ERROR.fact(0)
    error_first()
    laplace_transforms()
    reason = "steps 1, 3 and 4: E X_A = sum_j c_j E w_j, and the mean of each product factorises (Tonelli)"
    facts = []
    for error, product_form in zip(ERRORS.values(), factorisation(), strict=True):
        law = argued(error(sp.S.One), "=", over_half_line(product_form.left), reason)
        facts.append(chain(law, integrated(product_form, u)))
    return tuple(facts)


@FIRST.symbolic
def subtractive_form() -> None:
    """-Q' = h sum_j r_j/(1 + u r_j) Q, and (a) = T (-Q') - what (b) subtracts."""
    same(-sp.diff(product([r], h), u) / product([r], h), logarithmic_slope([r], h))
    # Summand by summand: (T - l) l/(1 + u l) = T l/(1 + u l) - l^2/(1 + u l), with T free.
    total = sp.Symbol("T", positive=True)
    summand = integrand([total - l], [l], h) / product([l], h)
    same(summand, total * logarithmic_slope([l], h) - subtracted([l], h) / product([l], h))


@FIRST.instance
def subtractive_form_in_full() -> None:
    """The same for all factors."""
    for size in (2, 3):
        variances = spectrum(size)
        Q = product(variances, h)
        left = integrand(*weights_first(variances), h)
        same(left / Q, (-sum(variances) * sp.diff(Q, u) - subtracted(variances, h)) / Q)


@FIRST.symbolic
def carlson_first() -> None:
    """Real A, n = 3: E_1 by Carlson's R_D."""
    variances = levels(3)
    c, _ = weights_first(variances)
    for j, (i, k) in enumerate(((1, 2), (0, 2), (0, 1))):
        # The summand j of (a).
        only = [c[j] if index == j else sp.Integer(0) for index in range(3)]
        term = c[j] * carlson_d(1 / variances[i], 1 / variances[k], 1 / variances[j]) / (3 * volume(variances))
        same((integrand(only, variances, HALF) / term) ** 2, 1)


def flat_integrand(c: sp.Expr, rate: sp.Expr) -> None:
    """Establish that with n equal rates the integrand is c (-Q'), and Q falls from 1 to 0."""
    Q = (1 + u * rate) ** (-h * n)
    same(n * h * c * rate / (1 + u * rate) * Q / Q, -c * sp.diff(Q, u) / Q)
    same(Q.subs(u, 0), 1)


@FIRST.symbolic
def flat_first() -> None:
    """Flat spectrum: E_1 = s^2 (n - 1)."""
    same(n * l - l, l * (n - 1), "T - l")
    flat_integrand(l * (n - 1), l)


@FIRST.instance
def flat_first_in_full() -> None:
    """The same for explicit n."""
    for size in (2, 3, 4):
        flat(*weights_first([l] * size), l * (size - 1))


@FIRST.concludes
def conclusion() -> tuple[Fact, ...]:
    return expectation()


@LAST.symbolic
def error_last() -> Fact:
    """m = n - 1: Sigma^{-1} ker A is orthogonal to the rows of A Sigma, and X is |g|^2/|Sigma^{-1} g|^2."""
    A, g = sp.MatrixSymbol("A", n - 1, n), sp.MatrixSymbol("g", n, 1)
    F = sp.MatrixSymbol("Sigma^{-1}", n, n)
    inverse_of = [(F.T, F), (Sigma * F, I_n), (F * Sigma, I_n), (A * g, sp.ZeroMatrix(n - 1, 1))]
    same_matrices(A * Sigma * F * g, 0, inverse_of, "orthogonality")
    unseen = F * g * g.T * F / length  # I - P, where |Sigma^{-1} g|^2 is `length`
    same_matrices(unseen * unseen, unseen, [*inverse_of, (g.T * F * F * g, length * sp.Identity(1))], "projector")
    return same_traces(sp.Trace(Sigma * unseen * Sigma), square(g) / length, inverse_of)


@LAST.instance
def error_last_in_entries() -> None:
    """The same entry by entry, the kernel by Cramer's rule."""
    for size in (2, 3, 4):
        variances = spectrum(size)
        sigma = sp.diag(*[sp.sqrt(x) for x in variances])
        A = explicit("a", size - 1, size)
        # The kernel of A, by Cramer's rule: the signed maximal minors.
        minors = [A.extract(list(range(size - 1)), [j for j in range(size) if j != i]).det() for i in range(size)]
        g = sp.Matrix([(-1) ** i * minor for i, minor in enumerate(minors)])
        same(A * sigma * (sigma.inv() * g), sp.zeros(size - 1, 1), "orthogonality")
        line, dual = family("g", size), family("d", size)  # d_j stands for the conjugate of g_j
        v, v_star = sigma.inv() * sp.Matrix(line), sp.Matrix([dual]) * sigma.inv()
        unseen = v * v_star / (v_star * v)[0]  # I - P
        squares = [x * y for x, y in zip(line, dual, strict=True)]
        same((sigma * unseen * sigma).trace(), weighted(*weights_last(variances), squares))


def times(factor: sp.Expr) -> Callable[[Any], Any]:
    """Multiplication."""
    return lambda side: side * factor


def total_derivative(exponent: sp.Expr) -> sp.Expr:
    """(u Q)', from the logarithmic derivatives of the factors."""
    return any_product(inverse, exponent) * (1 + slope_of(inverse, exponent))


@LAST.symbolic
def by_parts() -> tuple[Fact, ...]:
    """(u Q)' = h sum_j 1/(1 + u r_j) Q - (h n - 1) Q."""
    facts = []
    for exponent in ERRORS:
        Q = any_product(inverse, exponent)
        right = total_derivative(exponent) / Q + (exponent * n - 1)
        one = same(last_integrand(exponent) / Q, right)
        facts.append(through(times(Q), one))
    return tuple(facts)


@LAST.instance
def by_parts_in_full() -> None:
    """The same for all factors."""
    for size in (2, 3, 4):
        variances = spectrum(size)
        Q = product([1 / x for x in variances], h)
        left = integrand(*weights_last(variances), h) - integrand_by_parts(variances, h)
        same(sp.diff(u * Q, u) / Q, left / Q)


def boundary(exponent: sp.Expr, least: int) -> Fact:
    """u Q = u^{1-hn} prod_k r_k^{-h} (1 + 1/(u r_k))^{-h}, so its limit is 0 if hn > 1."""
    # Equal powers of positive numbers: the bases are compared.
    same(1 + u * r, u * r * (1 + 1 / (u * r)))
    same(sp.Limit(1 + 1 / (u * r), u, sp.oo, "-"), 1)
    return same(sp.Limit(u ** (1 - exponent * n), u, sp.oo, "-"), 0, when=(at_least(n, least),))


@LAST.symbolic
def expectation_last() -> tuple[Fact, ...]:
    """E_{n-1}."""
    ERROR.fact(0)
    error_last()
    laplace_transforms()
    reason = "steps 2 to 4: w depends on the kernel only, and the mean of each product factorises (Tonelli)"
    facts = []
    for (exponent, error), parts, least in zip(ERRORS.items(), by_parts(), (3, 2), strict=True):
        product_form = factorised(level(index), inverse, exponent)
        law = argued(error(n - 1), "=", over_half_line(product_form.left), reason)
        inside = chain(product_form, same(product_form.right, parts.left), parts)
        at_end = boundary(exponent, least)
        rest = (exponent * n - 1) * over_half_line(any_product(inverse, exponent))
        whole = integrated(inside, u)
        # u Q is 0 at both ends, where at_end says so.
        ends = argued(whole.right, "=", rest, "step 6: the integral of (u Q)' vanishes", when=at_end.when)
        facts.append(chain(law, whole, ends))
    return tuple(facts)


@LAST.symbolic
def real_pair() -> Fact:
    """Real A, n = 2: E_1 = sigma_1 sigma_2."""
    first, second = levels(2)
    same(integrand_by_parts([first, second], HALF), 0)
    # At n = 2 the first measurement is the last: u -> u/(l_1 l_2) turns (a) into (c).
    FIRST.fact(0)
    scale = first * second
    image = integrand(*weights_first([first, second]), HALF).subs(u, u / scale) / scale
    same((image / integrand(*weights_last([first, second]), HALF)) ** 2, 1)
    # By step 6 E_1 is the limit of u Q.
    end = sp.Limit(u * product([1 / first, 1 / second], HALF), u, sp.oo, "-")
    law = argued(E(sp.S.One), "=", end, "step 6 at n = 2: the integral of (u Q)' is all that remains")
    value = same(end, sp.sqrt(first * second))
    return under(chain(law, value), (n, sp.S(2)))


@LAST.symbolic
def carlson_last() -> None:
    """Real A, n = 3: E_2 by Carlson's R_F."""
    variances = levels(3)
    same((integrand_by_parts(variances, HALF) / (volume(variances) * carlson_f(*variances))) ** 2, 1)


@LAST.symbolic
def complex_closed_form() -> None:
    """Complex A, n = 2: E_1 = l_1 l_2 log(l_1/l_2)/(l_1 - l_2)."""
    first, second = levels(2)
    primitive = first * second / (first - second) * sp.log((u + second) / (u + first))
    same(sp.diff(primitive, u), integrand_by_parts([first, second], sp.Integer(1)))
    same(sp.limit((u + 2) / (u + 3), u, sp.oo), 1)
    same(sp.expand_log(-primitive.subs(u, 0)), sp.expand_log(complex_pair(first, second)))


@LAST.symbolic
def flat_last() -> None:
    """Flat spectrum: E_{n-1} = s^2."""
    flat_integrand(l, 1 / l)


@LAST.instance
def flat_last_in_full() -> None:
    """The same for explicit n."""
    for size in (2, 3, 4):
        flat(*weights_last([l] * size), l)


@LAST.concludes
def conclusion_last() -> tuple[Fact, ...]:
    return *expectation_last(), real_pair()
