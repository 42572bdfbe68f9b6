r"""The base inequality: one real row is no dearer than the second of two complex ones, E 1/(x^T M x) <= V_2(M, complex).

Setting.  M has the eigenvalues mu_1, ..., mu_N > 0, N >= 3; V_1^R and V_2^C are the means of "inverse-trace" over real and
complex Gaussian rows. All sums are over i = 1..N, all single integrals over (0, inf) unless written. Let

    f(t) = prod_i (1 + t mu_i)^{-1/2},    psi = -f'/f = 1/2 sum mu_i/(1 + t mu_i),
    L = int f,    R = int (1 + t sum mu_i) f^2.

Statement ("base-inequality").  V_1^R(M) = L/2 <= R/2 = V_2^C(M), an equality if and only if all mu_i are equal. (For
N = 2 both sides are infinite.)

Proof.  f falls from 1 and is of the order t^{-N/2}: all integrals below converge, and all boundary terms vanish, for
N >= 3.

1. E 1/(x^T M x) = int E e^{-s x^T M x} ds = int prod (1 + 2 s mu_i)^{-1/2} ds, which is L/2 with t = 2s. "inverse-trace"
   (b) with r = 2 is V_2^C = (1/2) int (1 + t sum mu_i)/prod (1 + t mu_i) dt = R/2.
2. sum mu_i = 2 psi(0), and (t f^2)' = f^2 - 2 t psi f^2. Subtract that from R's integrand:

       R = 2 int f^2 + 2 int t (psi(0) - psi(t)) f^2 dt.

3. f psi = -f'. So int_0^b f(a) psi(a) da = 1 - f(b) and int_a^inf f(b) psi(b) db = f(a), which gives

       int int_{a<b} f(a) f(b) (psi(a) - psi(b)) da db = int f (1 - f) - int f^2 = L - 2 int f^2.

4. psi falls; write its differences as integrals of |psi'| = 1/2 sum mu_i^2/(1 + t mu_i)^2 > 0 and exchange (Tonelli). With

       F(s) = int_0^s f,   G = L - F,   J(s) = 2 int_s^inf t f^2 dt,   Z = J - F G,

   2 and 3 become  R - L = int |psi'(s)| Z(s) ds.
5. Z has one zero s_0, and is positive before and negative after it: Z(0) = J(0) > 0, Z(inf) = 0, and Z' = f y with
   y = F - G - 2 s f, where y(0) = -L, y(inf) = L and y' = 2 s psi f > 0. So Z first falls and then rises, to 0.
6. For mu > 0 let T(mu) = int Z(s)/(1 + s mu)^2 ds. The factor ((1 + s_0 mu)/(1 + s mu))^2 rises in mu if s < s_0 and
   falls if s > s_0; times Z it rises for every s but s_0. So (1 + s_0 mu)^2 T(mu) rises strictly: T changes sign at most
   once, from - to +.
7. By 4,  R - L = 1/2 sum mu_i^2 T(mu_i);  and  sum mu_i T(mu_i) = 0,  because sum mu_i/(1 + s mu_i)^2 = (2 s psi)' and

       (2 s psi)' Z = H',    H = 2 s psi Z + 2 F G + 2 s f (F - G) - 2 s^2 f^2,    H(0) = H(inf) = 0.

8. By the second half of 7 the T(mu_i) are not all of one strict sign, so T has a zero mu_0, with T < 0 before and T > 0
   after it (if all T(mu_i) = 0, all mu_i are that zero). Subtract mu_0/2 times the second half of 7 from the first:

       R - L = 1/2 sum mu_i (mu_i - mu_0) T(mu_i) >= 0,

   without a negative term; it is 0 only if all mu_i = mu_0. If all mu_i are equal, L = R = 2/(mu (N - 2)).             []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import infinite, positive, same
from .inverse_trace import INVERSE_TRACE, below
from .inverse_trace import r as rows
from .inverse_trace import t as time
from .ledger import Statement
from .members import V, complex_V, n
from .notation import quantity
from .propositions import Fact, Proposition, argued, at_least, chain, through
from .weights import WEIGHTS, transform
from .weights import factor as gamma_factor

HALF = sp.Rational(1, 2)
s, mu, zero, L = sp.symbols("s mu s_0 L", positive=True)
N = sp.Symbol("N", integer=True, positive=True)
psi_0 = sp.Symbol("psi_0", positive=True)  # psi(0)

#: Functions of s, known by their derivatives; f, psi and F are positive.
f, psi, F, J = (sp.Function(name)(s) for name in ("f", "psi", "F", "J"))
G = L - F

DERIVATIVES = {sp.diff(f, s): -psi * f, sp.diff(F, s): f, sp.diff(J, s): -2 * s * f**2}


def slope(expression: Any) -> Any:
    """The derivative in s, by what is known of f, F and J."""
    return sp.diff(expression, s).subs(DERIVATIVES)


def logarithmic_slope(eigenvalue: Any) -> Any:
    """A summand of psi."""
    return HALF * eigenvalue / (1 + s * eigenvalue)


def right_integrand() -> Any:
    """Of R, with sum mu = 2 psi(0)."""
    return (1 + 2 * psi_0 * s) * f**2


def gain() -> Any:
    """Z."""
    return J - F * G


def turning() -> Any:
    """y, of Z' = f y."""
    return F - G - 2 * s * f


def antiderivative() -> Any:
    """H, of (2 s psi)' Z."""
    return 2 * s * psi * gain() + 2 * F * G + 2 * s * f * (F - G) - 2 * s**2 * f**2


def weight(eigenvalue: Any) -> Any:
    """What T(mu) integrates Z against."""
    return (1 + s * eigenvalue) ** (-2)


def flat_value(eigenvalue: Any, size: Any) -> Any:
    """L = R if all mu_i are equal."""
    return 2 / (eigenvalue * (size - 2))


#: L, R, int f^2 and int int_{a<b} f(a) f(b) (psi(a) - psi(b)); sum mu^2 T(mu) and sum mu T(mu).
left_integral, right_integral = quantity("left", "L"), quantity("right", "R")
square, double = quantity("square", "int f^2"), quantity("double", "int int")
second_sum = quantity("second_sum", "sum_i mu_i^2 T(mu_i)", positive=False)
first_sum = quantity("first_sum", "sum_i mu_i T(mu_i)", positive=False)

#: What the integrals need.
SIZE = (at_least(n, 3),)

BASE = Statement(
    "base-inequality",
    Proposition(V(1), "<=", complex_V(2), when=SIZE),
)


@BASE.symbolic
def integrals() -> None:
    """V_1^R = L/2, V_2^C = R/2, and psi = -f'/f (each factor, hence all N)."""
    WEIGHTS.fact(0)
    # x^2 is twice a Gamma variable of shape 1/2.
    same(transform(2 * (s / 2) * mu, HALF), (1 + s * mu) ** (-HALF))
    one = gamma_factor(mu, HALF).subs(sp.Symbol("u", positive=True), s)
    same(one**2 * (1 + s * mu), 1, "f^2 is 1/prod(1 + t mu)")
    same(-sp.diff(sp.log(one), s), logarithmic_slope(mu))
    same(2 * logarithmic_slope(mu).subs(s, 0), mu, "sum mu = 2 psi(0)")


@BASE.symbolic
def right_side() -> None:
    """R = 2 int f^2 + 2 int t (psi(0) - psi) f^2 (all N, all f with f' = -psi f)."""
    rest = 2 * f**2 + 2 * s * (psi_0 - psi) * f**2
    same(right_integrand() - rest, -slope(s * f**2))


@BASE.symbolic
def left_side() -> None:
    """int int_{a<b} f f (psi(a) - psi(b)) = L - 2 int f^2 (all N, all f with f' = -psi f)."""
    same(slope(-f), f * psi)
    # The inner integrals are 1 - f(b) and f(a): what is left to integrate.
    same(f * (1 - f) - f * f, f - 2 * f**2)


@BASE.symbolic
def falling() -> None:
    """Psi falls: |psi'| = 1/2 sum mu^2/(1 + t mu)^2 (each term, hence all N)."""
    found = -sp.diff(logarithmic_slope(mu), s)
    same(found, HALF * mu**2 * weight(mu))
    positive(found)
    # R - L = 2 int t (psi(0) - psi(t)) f^2 - [L - 2 int f^2]: J and F G are what s is integrated against.
    square, mixed = sp.symbols("square mixed")
    same((2 * square + mixed) - L, mixed - (L - 2 * square))


@BASE.symbolic
def one_change_of_sign() -> None:
    """Z' = f y, y' = 2 s psi f, y(0) = -L (all N, all f with f' = -psi f)."""
    same(slope(gain()), f * turning())
    same(slope(turning()), 2 * s * psi * f)
    at_start = {F: 0, f: 1, s: 0}
    same(turning().subs(at_start), -L)
    same(gain().subs(F, 0), J)
    at_end = {F: L, s * f: 0}
    same(turning().subs(at_end), L)
    same(gain().subs({F: L, J: 0}), 0)


@BASE.symbolic
def single_crossing() -> None:
    """((1 + s_0 mu)/(1 + s mu))^2 rises in mu before s_0, and falls after it (all s, s_0, mu > 0)."""
    ratio = (1 + zero * mu) ** 2 * weight(mu)
    found = sp.factor(sp.diff(ratio, mu))
    same(found, 2 * (zero - s) * (1 + zero * mu) / (1 + s * mu) ** 3)
    gap = sp.Symbol("gap", positive=True)
    positive(found.subs(zero, s + gap))
    positive(-found.subs(s, zero + gap))


@BASE.symbolic
def balanced() -> Fact:
    """(2 s psi)' Z = H', H(0) = 0 = H(inf) (all N, all f with f' = -psi f)."""
    same(slope(antiderivative()), sp.diff(2 * s * psi, s) * gain())
    same(sp.diff(2 * s * logarithmic_slope(mu), s), mu * weight(mu), "sum mu/(1 + s mu)^2")
    same(antiderivative().subs({s: 0, F: 0}), 0)
    limit = sp.Symbol("limit")  # of 2 s psi, which tends to N
    at_end = antiderivative().subs(psi, limit / (2 * s)).subs({F: L, J: 0}).subs(f, 0)
    same(at_end, 0)
    same(sp.limit(2 * s * logarithmic_slope(mu), s, sp.oo), 1)
    return argued(first_sum(), "=", at_end, "step 7: the integral of H' is H(inf) - H(0)", when=SIZE)


@BASE.symbolic
def no_negative_term() -> Fact:
    """R - L = 1/2 sum mu (mu - mu_0) T(mu), no term negative (each term, hence all N)."""
    crossing, value, distance = sp.symbols("mu_0 T distance", positive=True)
    first, second = HALF * mu**2 * value, mu * value
    combined = first - crossing / 2 * second
    same(combined, HALF * mu * (mu - crossing) * value)
    positive(combined.subs(mu, crossing + distance), "mu > mu_0, T > 0")
    positive(combined.subs({value: -value, crossing: mu + distance}), "mu < mu_0, T < 0")
    total = HALF * second_sum() - crossing / 2 * first_sum()
    return argued(0, "<=", total, "step 8: T changes sign at mu_0, from - to +; each term as above")


@BASE.symbolic
def convergence() -> None:
    """N >= 3: t f and t^2 f^2 vanish at infinity; all mu equal: L = R = 2/(mu (N-2)) (all N >= 3; N = 2)."""
    order = 1 - HALF * n  # t f ~ t^{1 - N/2}
    positive(-order, when=SIZE)
    primitive = -flat_value(mu, N) * (1 + s * mu) ** (1 - N / 2)
    same(sp.simplify(sp.diff(primitive, s) * (1 + s * mu) ** (N / 2)), 1)
    same(-primitive.subs(s, 0), flat_value(mu, N), "L")
    # R: (1 + N mu t)(1 + mu t)^{-N} = N (1 + mu t)^{1-N} - (N-1)(1 + mu t)^{-N}.
    same(1 + N * mu * s, N * (1 + mu * s) - (N - 1))
    same(N / (mu * (N - 2)) - (N - 1) / (mu * (N - 1)), flat_value(mu, N), "R")
    infinite(sp.integrate(1 / (1 + s * mu), (s, 0, sp.oo)), "N = 2")


@BASE.symbolic
def difference() -> Fact:
    """R - L = 1/2 sum mu^2 T(mu) = 1/2 sum mu (mu - mu_0) T(mu) >= 0."""
    for step in (right_side, left_side, falling, one_change_of_sign, single_crossing, convergence):
        step()
    found = argued(right_integral() - left_integral(), "=", HALF * second_sum(), "steps 2 to 6, (Tonelli)", when=SIZE)
    crossing = sp.Symbol("mu_0", positive=True)
    without = through(lambda side: HALF * second_sum() - crossing / 2 * side, balanced())
    whole = chain(no_negative_term(), without, found.turned())
    return through(lambda side: left_integral() + side, whole)


@BASE.concludes
def conclusion() -> Fact:
    integrals()
    reason = "step 1: 1/x = int e^{-sx} ds"
    one = argued(V(1), "=", left_integral() / 2, reason, when=SIZE)
    # "inverse-trace": P(K_t < 2) is (1 + t sum mu)/prod (1 + t mu).
    two = INVERSE_TRACE.fact(2).at({rows: 2})
    same(two.right, sp.Integral(below(2, time), (time, 0, sp.oo)) / 2)
    other = argued(two.right, "=", right_integral() / 2, "step 1: two terms of the law of K_t", when=SIZE)
    return chain(one, through(lambda side: side / 2, difference()), chain(two, other).turned())
