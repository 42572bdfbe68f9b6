r"""Power laws: the sharp constant in E_m ~ constant * tail(m).

Setting.  a > 1/2, l_i = i^{-2a} for i = 1, 2, ... (n = inf), tail(m) = sum_{i>m} l_i, and

    C = int_0^inf dx / (1 + x^{2a}) = (pi/2a) / sin(pi/2a).

kappa is the root of m = S(kappa), S(t) = sum_i l_i/(l_i + t); N_t is a sum of independent Bernoulli variables of means
l_i/(l_i + t), so that S(t) = E N_t. For complex A the errors for the first n values increase with n, by "complex-exact",
to E_m = m int_0^inf P(N_t > m) dt; the roots for the first n values increase to kappa.

Statement.  For every m >= 1

    (2a-1) C^{2a} (m/(m+1))^{2a}  <=  m kappa / tail(m)  <=  (2a-1) C^{2a} ((m+1)/m)^{2a-1}.                             (a)

For complex A, every m > 2a + 1 and every d > 0,

    m (C/(m+d+1))^{2a} (1 - (m+d)/d^2)  <=  E_m  <=  m (C/m)^{2a} (1 + 2a e^{2a+1} (pi/(2(m-2a-1)))^{1/2}),              (b)

and hence both m kappa and E_m (complex A) are asymptotic to (2a-1) C^{2a} tail(m) as m -> inf. At a = 1 the constant is
pi^2/4. (For real A this is proved here for the equivalent m kappa only.)

Proof.

1. The substitution x = (y/(1-y))^{1/2a} makes C a Beta integral, (1/2a) Gamma(1/2a) Gamma(1 - 1/2a), and the reflection
   formula gives its value.
2. Let f(x) = 1/(1 + x^{2a}), decreasing, and h = t^{1/2a}. Then l_i/(l_i + t) = f(h i), int_0^inf f(h x) dx = C/h, and
   int_0^1 f(h x) dx <= 1; comparing the sum with integrals over (0, inf) and (1, inf),

       C t^{-1/2a} - 1  <=  S(t)  <=  C t^{-1/2a}.                                                                       (*)

   At t = kappa this is  (C/(m+1))^{2a} <= kappa <= (C/m)^{2a}.
3. In the same way  (m+1)^{1-2a}/(2a-1) <= tail(m) <= m^{1-2a}/(2a-1).  With 2 this is (a).
4. (b), upper bound. Let T = (C/m)^{2a}. Then E_m/m <= T + int_T^inf P(N_t >= m) dt. For t > T put s = C t^{-1/2a} < m, so
   that S(t) <= s. For every x > 1, with p_i the means,

       P(N_t >= m)  <=  x^{-m} E x^{N_t}  =  x^{-m} prod_i (1 + p_i (x-1))  <=  x^{-m} e^{s(x-1)};

   at x = m/s this is (s/m)^m e^{m-s}. With y = s/m, that is, t = T y^{-2a},

       int_T^inf P(N_t >= m) dt  <=  2a T int_0^1 y^{m-2a-1} e^{m(1-y)} dy.

5. Put y = 1 - w. As log(1-w) <= -w - w^2/2 for 0 <= w < 1, the integrand is

       e^{(2a+1)w} ((1-w) e^w)^{m-2a-1}  <=  e^{2a+1} e^{-(m-2a-1) w^2/2},

   and int_0^inf e^{-c w^2/2} dw = (pi/(2c))^{1/2}.
6. (b), lower bound. S decreases continuously from inf to 0: let S(t) = m + d. By (*) t >= (C/(m+d+1))^{2a}. The variance
   of N_t is at most its mean, so by Chebyshev's inequality P(N_t <= m) <= (m+d)/d^2. As P(N_t > m) decreases in t,
   E_m >= m t P(N_t > m).
7. With d = m^{2/3} both sides of (b) are m (C/m)^{2a} (1 + o(1)), and tail(m) is m^{1-2a}/(2a-1) (1 + o(1)) by 3.        []
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from flint import arb

from .checks import below, enclosed, nonnegative, same, same_product
from .complex_exact import COMPLEX
from .equivalents import EQUIVALENTS
from .kernel import instances
from .ledger import Statement
from .notation import complex_E, quantity
from .notation import tail as tail_of
from .propositions import Condition, Fact, Proposition, argued, chain, more_than, reciprocal, through

excess = sp.Symbol("excess", positive=True)
a = sp.Rational(1, 2) + excess  # a > 1/2
x, y, w, t, i, m, d, h, s, C, c = sp.symbols("x y w t i m d h s C c", positive=True)
#: a, and kappa, as they are written.
rate = sp.Symbol("a", positive=True)
kappa = quantity("kappa", "kappa_{}")
AT = {excess: rate - sp.Rational(1, 2)}


def constant(exponent: Any) -> Any:
    """C."""
    return sp.pi / (2 * exponent) / sp.sin(sp.pi / (2 * exponent))


def profile(point: Any) -> Any:
    """f(x) = 1/(1 + x^{2a})."""
    return 1 / (1 + point ** (2 * a))


def root_bound(count: Any) -> Any:
    """(C/count)^{2a}: an upper bound of kappa at count = m, a lower one at m + 1."""
    return (C / count) ** (2 * a)


def tail_bound(start: Any) -> Any:
    """int_start^inf x^{-2a} dx: an upper bound of tail(m) at start = m, a lower one at m + 1."""
    return start ** (1 - 2 * a) / (2 * a - 1)


def lower(count: Any) -> Any:
    """The lower bound (a) of m kappa/tail(m)."""
    return (2 * a - 1) * C ** (2 * a) * (count / (count + 1)) ** (2 * a)


def upper(count: Any) -> Any:
    """The upper bound (a) of m kappa/tail(m)."""
    return (2 * a - 1) * C ** (2 * a) * ((count + 1) / count) ** (2 * a - 1)


def error_lower(count: Any, distance: Any) -> Any:
    """The lower bound (b) of E_m."""
    return count * root_bound(count + distance + 1) * (1 - (count + distance) / distance**2)


def error_upper(count: Any) -> Any:
    """The upper bound (b) of E_m."""
    return count * root_bound(count) * (1 + 2 * a * sp.exp(2 * a + 1) * gaussian(count - 2 * a - 1))


def gaussian(precision: Any) -> Any:
    """int_0^inf e^{-c w^2/2} dw."""
    return sp.sqrt(sp.pi / (2 * precision))


def chernoff(base: Any) -> Any:
    """x^{-m} e^{s (x-1)}."""
    return base ** (-m) * sp.exp(s * (base - 1))


def at_a(expression: Any) -> Any:
    """In terms of a."""
    return expression.subs(AT)


POWER = Statement(
    "sharp-power-law",
    Proposition(C, "=", constant(rate), when=(more_than(rate, sp.Rational(1, 2)),)),
    Proposition(m * kappa(m) / tail_of(m), "<=", at_a(upper(m)), when=(more_than(rate, sp.Rational(1, 2)),)),
    Proposition(m * kappa(m) / tail_of(m), ">=", at_a(lower(m)), when=(more_than(rate, sp.Rational(1, 2)),)),
    Proposition(
        complex_E(m),
        "<=",
        at_a(error_upper(m)),
        when=(more_than(rate, sp.Rational(1, 2)), more_than(m, 2 * rate + 1)),
    ),
    Proposition(complex_E(m), ">=", at_a(error_lower(m, d)), when=(more_than(rate, sp.Rational(1, 2)),)),
    Proposition(sp.Limit(at_a(upper(m) / lower(m)), m, sp.oo, "-"), "=", 1, when=(more_than(rate, sp.Rational(1, 2)),)),
    words="the spectrum is l_i, a power of i, of infinite length; {0}; {1}; {2}; {3}; {4} for every d; both bounds of the "
    "equivalent have the same limit, {5}",
)


@POWER.symbolic
def beta_integral() -> Fact:
    """C = (pi/2a)/sin(pi/2a), and pi/2 at a = 1."""
    point = (y / (1 - y)) ** (1 / (2 * a))
    # dx = x dy / (2a y (1-y)), and 1/(1 + x^{2a}) = 1 - y.
    same(sp.diff(point, y) / point, 1 / (2 * a * y * (1 - y)))
    same(1 / (1 + y / (1 - y)), 1 - y)
    p, r = 1 / (2 * a), 1 - 1 / (2 * a)
    # int_0^1 y^{p-1} (1-y)^{r-1} dy = Gamma(p) Gamma(r)/Gamma(p + r), p + r = 1.
    same(p + r, 1)
    # The integrand (1 - y) dx/dy, in terms of the odds x^{2a} = y/(1-y) and the logarithms of y and 1 - y.
    Y, Z = sp.symbols("Y Z")  # log y, log(1 - y)
    same((Y - Z) / (2 * a) - Y, (p - 1) * Y + (r - 1) * Z)
    same(sp.gammasimp(p * sp.gamma(p) * sp.gamma(r)), constant(a))
    same(constant(sp.Integer(1)), sp.pi / 2)
    same(sp.integrate(1 / (1 + x**2), (x, 0, sp.oo)), constant(sp.Integer(1)))
    # C is the integral, with dx/dy and 1/(1 + x^{2a}) as above.
    beta = p * sp.gamma(p) * sp.gamma(r)
    law = argued(C, "=", beta, "step 1: the substitution makes C a Beta integral")
    return chain(law, same(beta, constant(a), "reflection"))


@POWER.symbolic
def riemann_sum() -> tuple[Fact, Fact]:
    """l/(l + t) = f(t^{1/2a} i), f decreases, and (*) solved for t."""
    level = i ** (-2 * a)
    same(level / (level + h ** (2 * a)), sp.expand_power_base(profile(h * i)))
    nonnegative(-sp.diff(profile(x), x))
    # C/h <= count, h = t^{1/2a}, is t >= (C/count)^{2a}.
    same(sp.powdenest((C / x) ** (2 * a), force=True), root_bound(x))
    EQUIVALENTS.fact(0)
    reason = "step 2: sums compared with integrals, at the root of m = S(kappa)"
    return argued(kappa(m), "<=", root_bound(m), reason), argued(root_bound(m + 1), "<=", kappa(m), reason)


@POWER.symbolic
def tails() -> tuple[Fact, Fact]:
    """The bounds of tail(m)."""
    primitive = x ** (1 - 2 * a) / (1 - 2 * a)
    same(sp.diff(primitive, x), x ** (-2 * a))
    same(-primitive.subs(x, m), tail_bound(m))
    reason = "step 3: the sum compared with integrals"
    return argued(tail_of(m), "<=", tail_bound(m), reason), argued(tail_bound(m + 1), "<=", tail_of(m), reason)


@POWER.symbolic
def ratio() -> tuple[Fact, Fact]:
    """(a)."""
    (above, below), (most, least) = riemann_sum(), tails()
    one = through(lambda side: m * side / tail_of(m), above)
    upwards = chain(one, reciprocal(least, m * root_bound(m)), same_product(m * root_bound(m) / least.left, upper(m)))
    three = through(lambda side: m * side / tail_of(m), below)
    downwards = chain(
        same_product(lower(m), m * root_bound(m + 1) / most.right), reciprocal(most, m * root_bound(m + 1)), three
    )
    same((lower(m) / lower(m).subs(m / (m + 1), 1)).subs(excess, sp.Rational(1, 2)), (m / (m + 1)) ** 2)
    return upwards, downwards


def logarithm(expression: Any) -> Any:
    """log of a product of powers of positive numbers, multiplied out."""
    return sp.expand(sp.expand_log(sp.log(expression), force=True))


@POWER.symbolic
def chernoff_bound() -> None:
    """P(N_t >= m) <= (s/m)^m e^{m-s}, and the substitution t = T s^{-2a} m^{2a}."""
    same(logarithm(chernoff(m / s) / ((s / m) ** m * sp.exp(m - s))), 0)
    # x = m/s is the best x: the logarithmic derivative s - m/x vanishes there.
    same((sp.diff(chernoff(x), x) / chernoff(x)).subs(x, m / s), 0)
    # s = m y at t = T y^{-2a}, T = (C/m)^{2a}; and dt = -2a T y^{-2a-1} dy.
    time = root_bound(m) * y ** (-2 * a)
    same(logarithm(C * time ** (-1 / (2 * a)) / (m * y)), 0)
    same(sp.diff(time, y), -2 * a * root_bound(m) * y ** (-2 * a - 1))
    integrand = y**m * sp.exp(m * (1 - y)) * y ** (-2 * a - 1)
    same(logarithm(integrand / (y ** (m - 2 * a - 1) * sp.exp(m * (1 - y)))), 0)


@POWER.symbolic
def gaussian_bound() -> Fact:
    """Log(1-w) <= -w - w^2/2, and the Gaussian integral."""
    # Equal at w = 0; with w = 1 - y the difference has the derivative w^2/(1-w).
    difference = -w - w**2 / 2 - sp.log(1 - w)
    same(difference.subs(w, 0), 0)
    same(sp.diff(difference, w), w**2 / (1 - w))
    nonnegative((w**2 / (1 - w)).subs(w, x / (1 + x)))
    # The exponents of (1-w)^{m-2a-1} e^{mw}, with L = log(1-w) and then L = -w - w^2/2.
    L = sp.Symbol("L")
    exponent = (m - 2 * a - 1) * L + m * w
    same(exponent, (2 * a + 1) * w + (m - 2 * a - 1) * (L + w))
    same(exponent.subs(L, -w - w**2 / 2), (2 * a + 1) * w - (m - 2 * a - 1) * w**2 / 2)
    same(sp.integrate(sp.exp(-c * w**2 / 2), (w, 0, sp.oo)), gaussian(c))
    # Put together: e^{linear w} <= e^{linear}, the Gaussian integral of the rest, and the factor 2a T of step 4.
    quadratic, linear, _ = sp.Poly(exponent.subs(L, -w - w**2 / 2), w).all_coeffs()
    found = m * root_bound(m) * (1 + 2 * a * sp.exp(linear) * gaussian(-2 * quadratic))
    chernoff_bound()
    COMPLEX.fact(0)
    needed = (Condition(-2 * quadratic, sp.S.Zero, strict=True),)
    law = argued(
        complex_E(m), "<=", found, "steps 4 and 5: Chernoff's bound for P(N_t >= m) beyond t = (C/m)^{2a}", when=needed
    )
    return chain(law, same(found, error_upper(m)))


@POWER.symbolic
def chebyshev_bound() -> Fact:
    """m t P(N_t > m) at S(t) = m + d, where t >= (C/(m+d+1))^{2a} and P(N_t <= m) <= (m+d)/d^2."""
    variance()
    mean_is = m + d
    time = root_bound(mean_is + 1)
    found = m * time * (1 - mean_is / d**2)
    law = argued(found, "<=", complex_E(m), "step 6: P(N_t > m) falls with t; Chebyshev's inequality, Var N_t <= E N_t")
    return chain(same(error_lower(m, d), found), law)


@POWER.symbolic
def limits() -> Fact:
    """With d = m^{2/3} both sides of (b) are m (C/m)^{2a} (1 + o(1))."""
    distance = m ** sp.Rational(2, 3)
    main = m * root_bound(m)
    # The quotient with the main term is a fixed power of m/(m+d+1), times 1 - (m+d)/d^2.
    same(logarithm(m * root_bound(m + d + 1) / main), logarithm((m / (m + d + 1)) ** (2 * a)))
    same(error_lower(m, d) / (m * root_bound(m + d + 1)), 1 - (m + d) / d**2)
    same(sp.limit(m / (m + distance + 1), m, sp.oo), 1)
    same(sp.limit(1 - (m + distance) / distance**2, m, sp.oo), 1)
    same(sp.limit(gaussian(m - c), m, sp.oo), 0)
    same(sp.limit((m + 1) / m, m, sp.oo), 1)
    # The limit in both: the main term over m^{1-2a}/(2a-1).
    same(logarithm(main / tail_bound(m)), logarithm((2 * a - 1) * C ** (2 * a)))
    same(((2 * a - 1) * C ** (2 * a)).subs(excess, sp.Rational(1, 2)).subs(C, constant(sp.Integer(1))), sp.pi**2 / 4)
    return same(sp.Limit(upper(m) / lower(m), m, sp.oo, "-"), 1)


@POWER.symbolic
def variance() -> None:
    """Var N_t <= E N_t."""
    mean = x / (x + t)
    nonnegative(mean - mean * (1 - mean))


@POWER.ball
def squares() -> None:
    """a = 1: S(t) = (pi/sqrt t coth(pi/sqrt t) - 1)/2, which puts kappa between its bounds, and tail(m) is known."""
    pi = arb.pi()

    def seen(root: arb) -> arb:
        return ((pi / root.sqrt()) / (pi / root.sqrt()).tanh() - 1) / 2

    for count in instances((1, 2, 5, 20), "a = 1, m = {}".format):
        at = {rate: 1, C: pi / 2, m: count}
        largest, least = (enclosed(at_a(root_bound(m + step)), at) for step in (0, 1))
        below(seen(largest), count, "kappa is below its bound")
        below(count, seen(least), "kappa is above its bound")
        known = pi**2 / 6 - sum((arb(1) / number**2 for number in range(1, count + 1)), arb(0))
        most, fewest = (enclosed(at_a(tail_bound(m + step)), at) for step in (0, 1))
        below(known, most, "tail")
        below(fewest, known, "tail")


@POWER.concludes
def conclusion() -> tuple[Fact, ...]:
    upwards, downwards = ratio()
    found = beta_integral(), upwards, downwards, gaussian_bound(), chebyshev_bound()
    return tuple(fact.at(AT) for fact in (*found, limits()))
