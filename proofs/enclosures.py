r"""Rigorous intervals for the expected error: the trapezoidal rule with an error bound relative to the integral itself.

Setting.  l_1 >= ... >= l_n > 0, T = sum_i l_i, and e_j the j-th elementary symmetric polynomial of the l_i. Wherever the
expected error is known as an integral over the half-line ("E_1", "E_{n-1}", "complex-exact"), it is an integral
int f(s) ds over the whole line; with t = e^s and u_k = l_k t, respectively u_k = t / l_k in the second row,

    E_1, real A, n >= 2:         f = 1/2 sum_j (T - l_j) u_j / (1 + u_j) prod_k (1 + u_k)^{-1/2},        c = 2^{(n+2)/4},
    E_{n-1}, real A, n >= 3:     f = (n - 2)/2 t prod_k (1 + u_k)^{-1/2},                                c = 2^{n/4},
    E_m, complex A, 1 <= m < n:  f = m t sum_{j > m} e_j t^{-j} / sum_{j >= 0} e_j t^{-j},               c = 2^{n/2}.

Statement.  Let h > 0, S = h sum_{k in Z} f(k h) and eps = 2 c / (e^{pi^2/h} - 1). If eps < 1, then

    S / (1 + eps)  <=  int f ds  <=  S / (1 - eps).

The same holds with eps = 2 c / (e^{2 pi b/h} - 1) for every f > 0 that is analytic and grows at most by c in a strip of
half-width b, |f(s + iy)| <= c f(s) for |y| < b, and tends to 0 there as |s| -> infinity.

All terms of S are positive: nothing cancels, however fast the l_i decay. (At h = 1/8 and n = 60, eps is below 10^-24.)

Proof.

1. Put t = e^s, dt = t ds in the known integrals

       E_1     = 1/2 int_0^inf sum_j (T - l_j) l_j / (1 + t l_j) prod_k (1 + t l_k)^{-1/2} dt,
       E_{n-1} = (n/2 - 1) int_0^inf prod_k (1 + t/l_k)^{-1/2} dt,
       E_m     = m int_0^inf P(N_t > m) dt,

   N_t a sum of independent Bernoulli variables of means l_i / (l_i + t), whose generating function is

       prod_i (t + l_i x) / (t + l_i) = sum_j e_j t^{n-j} x^j / sum_j e_j t^{n-j}.

2. f is analytic for |Im s| < pi, where no 1 + u_k vanishes or is negative. For |y| <= pi/2 and u > 0

       |1 + u e^{iy}|^2 = 1 + 2 u cos y + u^2 = (1 + u)^2 / 2 + (1 - u)^2 / 2 + 2 u cos y >= (1 + u)^2 / 2,

   so from s to s + iy a factor (1 + u_k)^{-a} grows at most by 2^{a/2}. The first f has n such factors with a = 1/2 and
   one with a = 1, the second n with a = 1/2, the third n with a = 1, as sum_j e_j t^{-j} = prod_i (1 + l_i/t); all else
   in f is a sum of positive multiples of powers of t, which does not grow. Hence |f(s + iy)| <= c f(s).
3. For f analytic in |Im s| < b, tending to 0 there as |s| -> infinity, with int |f(s + iy)| ds <= M for |y| < b, the
   trapezoidal rule has |S - int f| <= 2 M / (e^{2 pi b/h} - 1) (cited). With M = c int f this is |S - int f| <= eps
   int f, and by step 2 the three f have their c for b = pi/2.
4. Finitely many terms suffice. With the constants of `Decay`,

       f <= left e^s    and    f <= right e^{-rate s}    for all s,

   because u/(1+u) <= min(u, 1) and (1 + u)^{-1/2} <= min(1, u^{-1/2}), and, for the third, P(N_t > m) <= 1 and

       sum_{j > m} e_j t^{-j} <= e_{m+1} t^{-(m+1)} sum_{j >= 0} e_j t^{-j},

   term by term: e_{m+1+j} <= e_{m+1} e_j. So the terms below node k, and those above it, sum to at most a geometric
   series: h left e^{kh} / (e^h - 1) and h right e^{-rate kh} / (e^{rate h} - 1).
5. The sums are formed in ball arithmetic, which counts every rounding error.                                             []

The intervals are held against closed forms. One of them, for complex A and distinct rational l_i, is exact but for the
logarithms: the integrand of E_m is a rational function of t with simple poles -l_i and of order t^{-2} at infinity, so

    E_m = - sum_i c_i log l_i,    c_i = m sum_{j > m} e_j (-l_i)^{n-j} / prod_{k != i} (l_k - l_i),    sum_i c_i = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import prod
from typing import Any

import sympy as sp
from flint import acb, arb, ctx, fmpq

from .checks import at_most, below, exactly, nonnegative, positive, same
from .complex_exact import COMPLEX
from .first_and_last import FIRST, LAST
from .kernel import instances, sizes
from .ledger import Statement
from .notation import family
from .propositions import Condition, Fact, Proposition, argued, chain, discharged, through

#: The intervals are about 2**-BITS wide, relative to the value (for n up to 60).
BITS = 80

Values = Sequence[arb | fmpq]


# The formulas are evaluated on symbols and on balls alike.


def root(x: Any) -> Any:
    """Square root of a symbol or a ball."""
    return x.sqrt() if isinstance(x, arb) else sp.sqrt(x)


def first(l: Sequence[Any], t: Any, factor: Any = 1) -> Any:
    """f of E_1, real A, at s = log t, with each 1 + u_k multiplied by `factor`."""
    total, ones = sum(l), [factor * (1 + x * t) for x in l]
    weights = sum((total - x) * x * t / one for x, one in zip(l, ones, strict=True))
    return weights / (2 * root(prod(ones)))


def last(l: Sequence[Any], t: Any, factor: Any = 1) -> Any:
    """f of E_{n-1}, real A, n >= 3, at s = log t, with each 1 + u_k multiplied by `factor`."""
    return (len(l) - 2) * t / (2 * root(prod(factor * (1 + t / x) for x in l)))


def symmetric(l: Sequence[Any]) -> list[Any]:
    """e_0, ..., e_n."""
    e: list[Any] = [1] + [0] * len(l)
    for count, x in enumerate(l, start=1):
        for j in range(count, 0, -1):
            e[j] = e[j] + x * e[j - 1]
    return e


def exceedances(e: Sequence[Any], t: Any) -> list[Any]:
    """P(N_t > m) for m = 0..n, from e_0, ..., e_n."""
    powers = accumulate([1 / t] * (len(e) - 1), lambda x, y: x * y, initial=t / t)
    terms = [x * y for x, y in zip(e, powers, strict=True)]
    from_top = list(accumulate(reversed(terms), initial=0 * t))
    return [above / from_top[-1] for above in reversed(from_top[:-1])]


@dataclass(frozen=True)
class Decay:
    """f(s) <= left e^s and f(s) <= right e^(-rate s) for all s, and |f(s + iy)| <= 2^(fourths/4) f(s) for |y| < pi/2."""

    left: Any
    right: Any
    twice_rate: int
    fourths: int


def first_fourths(n: Any) -> Any:
    """c = 2^(fourths/4) of f for E_1."""
    return n + 2


def last_fourths(n: Any) -> Any:
    """Of f for E_{n-1}."""
    return n


def complex_fourths(n: Any) -> Any:
    """Of f for E_m, complex A."""
    return 2 * n


def first_decay(l: Sequence[Any]) -> Decay:
    """Of f for E_1."""
    n, total = len(l), sum(l)
    left = sum((total - x) * x for x in l) / 2
    return Decay(left, (n - 1) * total / (2 * root(prod(l))), twice_rate=n, fourths=first_fourths(n))


def last_decay(l: Sequence[Any]) -> Decay:
    """Of f for E_{n-1}."""
    n = len(l)
    half = sum(l) / sum(l) / 2
    return Decay((n - 2) * half, (n - 2) * half * root(prod(l)), twice_rate=n - 2, fourths=last_fourths(n))


def complex_decay(e: Sequence[Any], m: int) -> Decay:
    """Of f for E_m, complex A."""
    return Decay(m * e[0], m * e[m + 1], twice_rate=2 * m, fourths=complex_fourths(len(e) - 1))


# ------------------------------------------------------------------------------------------------------------ the rule


def epsilon(growth: Any, step: Any, pi: Any = sp.pi, exp: Callable[[Any], Any] = sp.exp) -> Any:
    """eps, from c and h."""
    return 2 * growth / (exp(pi**2 / step) - 1)


def trapezoidal_bound(mass: Any, width: Any, step: Any, exp: Callable[[Any], Any] = sp.exp, pi: Any = sp.pi) -> Any:
    """2 M/(e^{2 pi b/h} - 1)."""
    return 2 * mass / (exp(2 * pi * width / step) - 1)


def relative_error(fourths: int, step: arb) -> arb:
    """eps in balls, c = 2^(fourths/4)."""
    return arb(epsilon(arb(2) ** (arb(fourths) / 4), step, arb.pi(), arb.exp))


def rest(coefficient: Any, rate: Any, step: Any, k: Any, exp: Callable[[Any], Any]) -> Any:
    """h sum_{j > k} coefficient e^(-rate j h)."""
    return step * coefficient * exp(-rate * k * step) / (exp(rate * step) - 1)


def integrals(f: Callable[[arb], Sequence[arb]], decays: Sequence[Decay], bits: int = BITS) -> list[arb]:
    """Enclose int f ds for several f, evaluated together at nodes t = e^s."""
    step, negligible = arb(10) / bits, arb(2) ** -(bits + 2)

    def below_node(decay: Decay, k: int) -> Any:
        return rest(decay.left, arb(1), step, -k, arb.exp)

    def above_node(decay: Decay, k: int) -> Any:
        return rest(decay.right, arb(decay.twice_rate) / 2, step, k, arb.exp)

    totals, k = list(f(arb(1))), [0, 0]
    for side, (direction, left_out) in enumerate(((-1, below_node), (1, above_node))):
        while not all(left_out(d, k[side]) < step * x * negligible for d, x in zip(decays, totals, strict=True)):
            k[side] += direction
            values = f((k[side] * step).exp())
            totals = [x + y for x, y in zip(totals, values, strict=True)]
    found = []
    for decay, total in zip(decays, totals, strict=True):
        eps = relative_error(decay.fourths, step)
        below(eps, 1, "error bound of the trapezoidal rule")
        low = step * total
        high = low + below_node(decay, k[0]) + above_node(decay, k[1])
        found.append((low / (1 + eps)).union(high / (1 - eps)))
    return found


def real_error(l: Values, m: int, bits: int = BITS) -> arb:
    """Enclose E_m for real Gaussian A; m = 1 or m = n - 1.

    >>> real_error([fmpq(4), fmpq(1)], 1).contains(2)
    True
    """
    if m not in (1, len(l) - 1) or len(l) < 2:
        raise ValueError(f"no formula for real A at m = {m}, n = {len(l)}")
    with ctx.workprec(2 * bits):
        balls = [arb(x) for x in l]
        if m == 1:
            return integrals(lambda t: [first(balls, t)], [first_decay(balls)], bits)[0]
        return integrals(lambda t: [last(balls, t)], [last_decay(balls)], bits)[0]


def complex_errors(l: Values, bits: int = BITS) -> list[arb]:
    """Enclose E_0, ..., E_n for complex Gaussian A.

    >>> [value.contains(exact) for value, exact in zip(complex_errors([fmpq(3)] * 3), [9, 6, 3, 0])]
    [True, True, True, True]
    """
    n = len(l)
    with ctx.workprec(2 * bits):
        e = symmetric([arb(x) for x in l])

        def f(t: arb) -> list[arb]:
            law = exceedances(e, t)
            return [m * t * law[m] for m in range(1, n)]

        inner = integrals(f, [complex_decay(e, m) for m in range(1, n)], bits)
        return [arb(e[1]), *inner, arb(0)]


def logarithms(l: Sequence[Any], m: int) -> list[Any]:
    """The coefficients c_i of E_m = - sum_i c_i log l_i, complex A, distinct l_i."""
    n, e = len(l), symmetric(l)
    return [
        m * sum(e[j] * (-x) ** (n - j) for j in range(m + 1, n + 1)) / prod(y - x for k, y in enumerate(l) if k != i)
        for i, x in enumerate(l)
    ]


# -------------------------------------------------------------------------------------------------------------- steps

_t, _u, _c, _h, _rate, _left = sp.symbols("t u c h rate left", positive=True)
_x = sp.Symbol("x")


#: c, int f ds, the sum S, b and M of the trapezoidal rule.
_growth, _integral, _sum, _width, _mass = sp.symbols("c int(f) S b M", positive=True)
_error = sp.Symbol("|S-int(f)|", nonnegative=True)
_n = sp.Symbol("n", integer=True, positive=True)
_HALF = sp.Rational(1, 2)
#: The letters of the rule: the growth c in a strip of half-width b, the step, the sum S and the integral.
LETTERS = (_growth, _width, _h, _sum, _integral)
#: Half-width of the strip in which c is the growth: both follow from it.
_STRIP = sp.pi / 2
_SMALL = Condition(sp.S.One, epsilon(_growth, _h), strict=True)
#: The error relative to int f, from the growth c in a strip of any half-width.
_RELATIVE = trapezoidal_bound(_growth, _width, _h)


def _spectrum(n: int) -> list[Any]:
    return family("l", n, positive=True)


def growth_of(halves: Any, ones: Any) -> Any:
    """By how much that many factors (1 + u)^{-1/2} and (1 + u)^{-1} grow in the strip, as 1 + u falls by sqrt 2 at most."""
    return sp.sqrt(2) ** (halves * _HALF) * sp.sqrt(2) ** ones


ENCLOSURES = Statement(
    "enclosures",
    Proposition(_sum / (1 + epsilon(_growth, _h)), "<=", _integral),
    Proposition(_integral, "<=", _sum / (1 - epsilon(_growth, _h)), when=(_SMALL,)),
    Proposition(growth_of(_n, 1), "=", 2 ** (first_fourths(_n) / sp.Integer(4))),
    Proposition(growth_of(_n, 0), "=", 2 ** (last_fourths(_n) / sp.Integer(4))),
    Proposition(growth_of(0, _n), "=", 2 ** (complex_fourths(_n) / sp.Integer(4))),
    Proposition(_sum / (1 + _RELATIVE), "<=", _integral),
    Proposition(_integral, "<=", _sum / (1 - _RELATIVE), when=(Condition(sp.S.One, _RELATIVE, strict=True),)),
    words="with the trapezoidal sum S of step h, {0} and {1}; c is {2} for the first, {3} for the last measurement of "
    "real A, and {4} for complex A and every m; and for every f that grows at most by c in a strip of half-width b, {5} "
    "and {6}",
)


@ENCLOSURES.symbolic
def substitution() -> None:
    """The substitution t = e^s."""
    # The integrals are those of "E_1", "E_{n-1}" and "complex-exact".
    for known in (FIRST, LAST, COMPLEX):
        known.fact(0)
    for n in sizes((2, 3, 4)):
        l = _spectrum(n)
        product = sp.prod([(1 + _t * x) ** -_HALF for x in l])
        same(first(l, _t), _HALF * sum((sum(l) - x) * x / (1 + _t * x) for x in l) * product * _t, "E_1")
        if n > 2:
            same(last(l, _t), (sp.Rational(n, 2) - 1) * sp.prod([(1 + _t / x) ** -_HALF for x in l]) * _t, "E_{n-1}")


@ENCLOSURES.symbolic
def law() -> None:
    """The law of N_t."""
    for n in sizes((2, 3, 4)):
        l = _spectrum(n)
        generating = sp.Poly(sp.prod([_t + x * _x for x in l]), _x)
        found = exceedances(symmetric(l), _t)
        for m in range(n + 1):
            above = sum(generating.coeff_monomial(_x**j) for j in range(m + 1, n + 1))
            same(found[m], above / sp.prod([_t + x for x in l]), f"P(N_t > {m}), n = {n}")


@ENCLOSURES.symbolic
def strip() -> Fact:
    """|1 + u e^{iy}|^2 >= (1 + u)^2 / 2."""
    modulus = (1 + _u * _c) ** 2 + _u**2 * (1 - _c**2)  # c = cos y >= 0
    surplus = (1 - _u) ** 2 / 2 + 2 * _u * _c
    same(modulus, (1 + _u) ** 2 / 2 + surplus)
    return chain(at_most((1 + _u) ** 2 / 2, (1 + _u) ** 2 / 2 + surplus), same((1 + _u) ** 2 / 2 + surplus, modulus))


@ENCLOSURES.symbolic
def growth() -> tuple[Fact, ...]:
    """f grows at most by c in the strip: each factor (1 + u)^{-a} by 2^{a/2}, as |1 + u e^{iy}| >= (1 + u)/sqrt 2."""
    same((1 + _u) ** 2 / strip().left, sp.cos(_STRIP / 2) ** -2, "the square of what 1 + u may lose")
    return (
        same(growth_of(_n, 1), 2 ** (first_fourths(_n) / sp.Integer(4))),
        same(growth_of(_n, 0), 2 ** (last_fourths(_n) / sp.Integer(4))),
        same(growth_of(0, _n), 2 ** (complex_fourths(_n) / sp.Integer(4))),
    )


@ENCLOSURES.symbolic
def factors() -> None:
    """The factors are so many: 1 + u_k smaller by sqrt 2 makes f larger by c."""
    smaller = 1 / sp.sqrt(2)
    for n in sizes((2, 3, 4)):
        l = _spectrum(n)
        same(first(l, _t, smaller) / first(l, _t), 2 ** sp.Rational(first_decay(l).fourths, 4), "E_1")
        if n > 2:
            same(last(l, _t, smaller) / last(l, _t), 2 ** sp.Rational(last_decay(l).fourths, 4), "E_{n-1}")
        e = symmetric(l)
        same(sum(x / _t**j for j, x in enumerate(e)), sp.prod([1 + x / _t for x in l]), "factors")
        same(smaller**-n, 2 ** sp.Rational(complex_decay(e, 1).fourths, 4), "E_m")


ENCLOSURES.cited(
    "Poisson's summation formula: h sum f(kh) - int f is the sum of the Fourier transform of f at 2 pi k/h, k not 0",
    source="Trefethen & Weideman 2014, The exponentially convergent trapezoidal rule, SIAM Review 56, Theorem 5.1",
)


@ENCLOSURES.symbolic
def trapezoidal_rule() -> Fact:
    """|S - int f| <= sum over k != 0 of M e^{-2 pi b |k|/h} = 2 M/(e^{2 pi b/h} - 1)."""
    # One side, k = 1, 2, ...: a geometric series of ratio 1/(1 + y), y = e^{2 pi b/h} - 1.
    y, count = sp.Symbol("y", positive=True), sp.Symbol("N", integer=True, positive=True)
    ratio = 1 / (1 + y)
    partial = (ratio - ratio ** (count + 1)) / (1 - ratio)
    same(partial - partial.subs(count, count - 1), ratio**count, "the term N")
    one_side = same(sp.Limit(partial, count, sp.oo, "-"), 1 / y)
    # Both sides: k and -k.
    both = sum(one_side.right for _ in (-1, 1))
    found = _mass * both.subs(y, sp.exp(2 * sp.pi * _width / _h) - 1)
    law = argued(_error, "<=", found, "step 3: |f-hat(x)| <= M e^{-b |x|}, by shifting the line of integration")
    return chain(law, same(found, trapezoidal_bound(_mass, _width, _h)))


def above_zero(growth: Any, width: Any, step: Any) -> Fact:
    """1 + eps > 0, as e^x - 1 = 2 e^{x/2} sinh(x/2) > 0."""
    half = sp.pi * width / step
    grown = 1 + growth / (sp.exp(half) * sp.sinh(half))
    return chain(positive(grown), same(grown, 1 + trapezoidal_bound(growth, width, step)))


@ENCLOSURES.symbolic
def relative() -> tuple[Fact, Fact]:
    """With M = c int f the error is at most eps int f, in a strip of any half-width."""
    bounded = trapezoidal_rule().at({_mass: _growth * _integral})
    within = chain(bounded, same(bounded.right, _RELATIVE * _integral))
    # |S - int f| <= eps int f is (1 - eps) int f <= S <= (1 + eps) int f.
    above = argued(_sum, "<=", _integral + within.right, "S is at most the integral and the error")
    under = argued(_integral - within.right, "<=", _sum, "S is at least the integral less the error")
    over = (Condition(1 + _RELATIVE, sp.S.Zero, strict=True),)
    lowered = through(lambda side: side / (1 + _RELATIVE), above, when=over)
    low = discharged(lowered, above_zero(_growth, _width, _h))
    small = (Condition(sp.S.One, _RELATIVE, strict=True),)
    high = through(lambda side: side / (1 - _RELATIVE), under, when=small)
    return chain(low, same(low.right, _integral)), chain(same(_integral, high.left), high)


@ENCLOSURES.symbolic
def half_plane() -> tuple[Fact, ...]:
    """The strip of half-width b = pi/2, in which the three f grow at most by their c."""
    growth()
    factors()
    low, high = (fact.at({_width: _STRIP}) for fact in relative())
    eps = epsilon(_growth, _h)
    return chain(same(_sum / (1 + eps), low.left), low), chain(high, same(high.right, _sum / (1 - eps)))


@ENCLOSURES.symbolic
def decay() -> None:
    """f <= left e^s and f <= right e^{-rate s}."""
    u = _u
    for smaller, larger in ((u / (1 + u), u), (u / (1 + u), 1), (1 / (1 + u), 1), (1 / (1 + u), 1 / u)):
        nonnegative(sp.cancel(larger - smaller), "factors")
    for n in sizes((2, 3, 4)):
        l = _spectrum(n)
        total, product = sum(l), sp.sqrt(sp.prod([1 / (x * _t) for x in l]))
        found = first_decay(l)
        same(sum((total - x) * x * _t for x in l) / 2, found.left * _t, "E_1, left")
        right = sum(total - x for x in l) * product / 2
        same(right, found.right * _t ** sp.Rational(-found.twice_rate, 2), "E_1, right")
        if n > 2:
            found = last_decay(l)
            same((n - 2) * _t / 2, found.left * _t, "E_{n-1}, left")
            right = (n - 2) * _t * sp.sqrt(sp.prod([x / _t for x in l])) / 2
            same(right, found.right * _t ** sp.Rational(-found.twice_rate, 2), "E_{n-1}, right")
        e = symmetric(l)
        for m in range(1, n):
            found = complex_decay(e, m)
            same(m * _t, found.left * _t, "E_m, left")
            # m t e_{m+1} t^{-(m+1)} is right t^{-rate}, and the union bound, coefficient by coefficient.
            same(m * e[m + 1] * _t**-m, found.right * _t ** sp.Rational(-found.twice_rate, 2), "E_m, right")
            for j in range(n - m):
                nonnegative(sp.expand(e[m + 1] * e[j] - e[m + 1 + j]), "union bound")


@ENCLOSURES.symbolic
def geometric() -> None:
    """What is left out on either side is a geometric series."""
    k = sp.Symbol("k", integer=True)
    # Telescoping: the rest beyond k - 1 is the rest beyond k and the term at k; and it vanishes at infinity.
    difference = rest(_left, _rate, _h, k - 1, sp.exp) - rest(_left, _rate, _h, k, sp.exp)
    same(difference, _h * _left * sp.exp(-_rate * k * _h))
    q = sp.Symbol("q", positive=True)  # the rest beyond k, with k = q >= 0 real, is proportional to e^{-rate q h}
    same(sp.limit(rest(_left, _rate, _h, q, sp.exp), q, sp.oo), 0)


@ENCLOSURES.instance
def partial_fractions() -> None:
    """E_m = - sum c_i log l_i, against which the rule is held."""
    for n in (2, 3):
        l = _spectrum(n)
        for m in range(1, n):
            c = logarithms(l, m)
            poles = sum(coefficient / (_t + x) for coefficient, x in zip(c, l, strict=True))
            same(poles, m * exceedances(symmetric(l), _t)[m], "poles")
            same(sum(c), 0, "order at infinity")


@ENCLOSURES.ball
def factor_two() -> None:
    """The bound of the rule is nearly attained by e^{-s^2/(2 L^2)} cos(2 pi s/h), and so has no smaller factor than 2."""
    L, step, width = arb(10), arb(1), arb.pi() / 2
    for frequency in instances((1,), "L = 10, h = 1, b = pi/2, frequency {}/h".format):
        # Sum and integral: at the nodes the cosine is 1; the terms left out of the sum are positive.
        total = sum(((-((k * step / L) ** 2) / 2).exp() for k in range(-120, 121)), arb(0)) * step
        mass = L * (2 * arb.pi()).sqrt()
        integral = mass * (-((2 * arb.pi() * frequency * L / step) ** 2) / 2).exp()
        # |cos(x + iy)| <= cosh y, and |e^{-(s + iy)^2/(2 L^2)}| = e^{y^2/(2 L^2)} e^{-s^2/(2 L^2)}.
        shifted = mass * (width**2 / (2 * L**2)).exp() * (2 * arb.pi() * width / step).cosh()
        bound = trapezoidal_bound(shifted, width, step, arb.exp, arb.pi())
        below(total - integral, bound, "the bound")
        below(bound * fmpq(98, 100), total - integral, "and no less")


def _named(l: Sequence[arb]) -> str:
    return f"l = {', '.join(value.str(3, radius=False) for value in l)}"


def _agree(one: arb, other: Any, what: str) -> None:
    """Establish that two enclosed numbers differ by less than 2**-64 of themselves."""
    below(abs(one - other), abs(arb(other)) * arb(2) ** -64, what)


@ENCLOSURES.ball
def against_logarithms() -> None:
    """Complex A: the rule agrees with - sum c_i log l_i to 2^-64, for all m."""
    spectra = (
        [fmpq(1, i * i) for i in range(1, 11)],
        [fmpq(1, 2**i) for i in range(12)],
        [fmpq(10**20), fmpq(3), fmpq(2), fmpq(1), fmpq(1, 10**20)],
    )
    with ctx.workprec(1000):
        for l in instances(spectra, lambda l: f"l = {', '.join(map(str, l))}"):
            found = complex_errors(l)
            for m in range(1, len(l)):
                c = logarithms(l, m)
                exactly(sum(c, fmpq(0)), 0)
                _agree(found[m], -sum((arb(a) * arb(x).log() for a, x in zip(c, l, strict=True)), arb(0)), f"m = {m}")


@ENCLOSURES.ball
def against_closed_forms() -> None:
    """Real A: the rule agrees to 2^-64 with sigma_1 sigma_2 at n = 2, Carlson's R_F and R_D at n = 3, and flat spectra."""
    with ctx.workprec(400):
        for l in instances(([arb(9), arb(4)], [arb(10) ** 40, arb(1)]), _named):
            _agree(real_error(l, 1), (l[0] * l[1]).sqrt(), "n = 2")
        for l in instances(([arb(4), arb(2), arb(1)], [arb(10) ** 6, arb(1), arb(10) ** -6]), _named):
            x, y, z = (acb(value) for value in l)
            volume = (l[0] * l[1] * l[2]).sqrt()
            _agree(real_error(l, 2), volume * acb.elliptic_rf(x, y, z).real, "R_F")
            seen = sum(a.real * acb.elliptic_rd(1 / b, 1 / c, 1 / a).real for a, b, c in ((x, y, z), (y, z, x), (z, x, y)))
            _agree(real_error(l, 1), sum(l, arb(0)) - seen / (3 * volume), "R_D")
        for n in instances((3, 7, 20), "flat, n = {}".format):
            flat = [fmpq(2, 3)] * n
            _agree(real_error(flat, 1), fmpq(2, 3) * (n - 1), "flat")
            _agree(real_error(flat, n - 1), fmpq(2, 3), "flat")
            for m, value in enumerate(complex_errors(flat)[1:-1], start=1):
                _agree(value, fmpq(2, 3) * (n - m), "flat, complex A")


@ENCLOSURES.concludes
def conclusion() -> tuple[Fact, ...]:
    return *half_plane(), *growth(), *relative()
