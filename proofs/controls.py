r"""Statements that are false on purpose, disproved: what a weaker or a stronger theorem would say.

Setting.  l_i = sigma_i^2, tail(k) = sum_{i>k} l_i, E_m the expected error for real Gaussian A, 1 <= m < n. Every
counterexample has n = m + 1, so that E_m is known ("E_1", "E_{n-1}"): sigma_1 sigma_2 for m = 1, and for m >= 2

    E_m = (m - 1)/2 int_0^inf prod_{k <= m+1} (1 + t/l_k)^{-1/2} dt.                                                   (*)

Statement.  For every m >= 1 none of these is an upper bound of E_m for all spectra, whatever constant is put in front:

    (a)  m tail(m)          ("false-m-tail-m"),                (b)  (1 + 1/m) tail(m)    ("false-almost-lower"),
    (c)  m tail(m-1), m >= 2  ("false-m-tail-m-1"),
    (d)  min over 0 <= k < m of (1 + k/(m-k)) tail(k), m >= 2, T7's bound for complex A ("false-complex-for-real"),

and neither is, for any C free of m, (e)  C tail(m-2)  ("false-constant"). So T1, E_m <= m tail(m-2), holds neither with
m - 1 in the place of m - 2, nor with a constant in the place of its factor m.

Proof.

1. (a), (b) at m = 1: with sigma = (3, 1), E_1 = 3, but 1 tail(1) = 1 and 2 tail(1) = 2. With sigma = (s, 1) the ratio
   E_1 / tail(1) is s, which has no bound.
2. (a), (b) at m >= 2: l = (1, ..., 1, eps). In (*) put t = eps u:

       E_m / tail(m) = (m - 1)/2 int_0^inf (1 + u)^{-1/2} (1 + eps u)^{-m/2} du.

   For eps <= 1/R the integrand is at least (1 + u)^{-1/2} 2^{-m/2} on [0, R], so the ratio is at least
   (m - 1) 2^{-m/2} (sqrt(1 + R) - 1), which tends to infinity with R.
3. (c) at m >= 2: l = (1, ..., 1, eps, eps), of rank m - 1, tail(m-1) = 2 eps. In (*) put t = eps u:

       E_m / tail(m-1) = (m - 1)/4 int_0^inf (1 + u)^{-1} (1 + eps u)^{-(m-1)/2} du
                       >= (m - 1)/4 2^{-(m-1)/2} log(1 + R)    for eps <= 1/R,

   which tends to infinity with R. At m = 2 the integral is elementary: with a = sqrt(1 - eps),

       E_2 = eps/(2 a) log((1 + a)/(1 - a)),

   and at a = 9999/10000 this exceeds 2 tail(1) = 4 eps, as (1/(2a)) log 19999 > 4.
4. (d) at m >= 2: the term k = m - 1 is m tail(m-1), that is (c); a minimum over k is at most that.
5. (e): l_i = 2^{1-i}, n = m + 1, m >= 2. As log(1 + x) <= x and sum_k 1/l_k = 2^{m+1} - 1 < 2^{m+1},

       E_m >= (m - 1)/2 int_0^inf e^{-2^{m+1} t/2} dt = (m - 1) 2^{-(m+1)},      tail(m-2) = 7 2^{-m},

   so E_m / tail(m-2) >= (m - 1)/14, which exceeds any C when m > 14 C + 1. In fact, in this family, C = 1, 2, 3, 4
   first fail at m = 9, 16, 24, 31, by enclosures.                                                                        []

The same comparisons do not disprove what is true: see "named-spectra", where they establish it.
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from flint import arb, ctx, fmpq

from .checks import at_most, below, exactly, infinite, nonnegative, same
from .enclosures import BITS, real_error
from .ledger import Statement
from .named_spectra import complex_upper, tail

CONTROLS = Statement(
    "controls",
    "none bounds E_m, real A: m tail(m), (1 + 1/m) tail(m), m tail(m-1), T7's bound, C tail(m-2) with C free of m",
    uses=("E_1", "E_{n-1}", "enclosures"),
)

#: C and the smallest m at which E_m > C tail(m-2), for l_i = 2^{1-i} and n = m + 1.
FIRST_FAILURE = {1: 9, 2: 16, 3: 24, 4: 31}

m, t, u, eps, R, s, x, a, v = sp.symbols("m t u epsilon R s x a v", positive=True)
HALF = sp.Rational(1, 2)


def step(rank: int, n: int, floor: fmpq) -> list[fmpq]:
    """`rank` ones, then l_i = floor."""
    return [fmpq(1)] * rank + [floor] * (n - rank)


def halving(n: int) -> list[fmpq]:
    """l_i = 2^{1-i}."""
    return [fmpq(1, 2**i) for i in range(n)]


def pair(sigma_1: Any, sigma_2: Any) -> Any:
    """E_1 at n = 2."""
    return sigma_1 * sigma_2


def last_integrand(*blocks: tuple[Any, Any]) -> Any:
    """The integrand of (*) with its factor, for (value, multiplicity) of the l_k; the multiplicities sum to m + 1."""
    return (m - 1) / 2 * sp.prod([(1 + t / value) ** (-count / sp.Integer(2)) for value, count in blocks])


def m_tail_m(l: list[fmpq], m: int) -> Any:
    """(a)."""
    return m * tail(l, m)


def almost_lower(l: list[fmpq], m: int) -> Any:
    """(b)."""
    return (1 + fmpq(1, m)) * tail(l, m)


def m_tail_m_1(l: list[fmpq], m: int) -> Any:
    """(c)."""
    return m * tail(l, m - 1)


def complex_for_real(l: list[fmpq], m: int) -> Any:
    """(d)."""
    return min(complex_upper(l, m, k) for k in range(m))


def constant(l: list[fmpq], m: int, C: int) -> Any:
    """(e)."""
    return C * tail(l, m - 2)


@CONTROLS.certificate
def first_measurement() -> None:
    """(a), (b) at m = 1: E_1 = 3 exceeds 1 and 2."""
    # SCOPE "sigma = (3, 1), exact"
    sigma = (fmpq(3), fmpq(1))
    l = [value**2 for value in sigma]
    for bound in (m_tail_m, almost_lower):
        below(bound(l, 1), pair(*sigma), bound.__name__)


@CONTROLS.symbolic
def first_measurement_ratio() -> None:
    """(a), (b) at m = 1: the ratio E_1 / tail(1) is unbounded."""
    infinite(sp.limit(pair(s, 1) / 1**2, s, sp.oo))


@CONTROLS.symbolic
def one_small_value() -> None:
    """(a), (b): E_m / tail(m) >= (m - 1) 2^{-m/2} (sqrt(1 + R) - 1)."""
    ratio = last_integrand((1, m), (eps, 1)).subs(t, eps * u) * (eps / eps)  # dt = eps du over tail(m) = eps
    same(ratio, (m - 1) / 2 * (1 + u) ** -HALF * (1 + eps * u) ** (-m / 2))
    _at_most_two()
    lower = (m - 1) / 2 * 2 ** (-m / 2) * sp.integrate((1 + u) ** -HALF, (u, 0, R))
    same(lower, (m - 1) * 2 ** (-m / 2) * (sp.sqrt(1 + R) - 1))
    infinite(sp.limit(lower.subs(m, 1 + x), R, sp.oo))  # m = 1 + x > 1


@CONTROLS.symbolic
def two_small_values() -> None:
    """(c): E_m / tail(m-1) >= (m - 1)/4 2^{-(m-1)/2} log(1 + R)."""
    ratio = last_integrand((1, m - 1), (eps, 2)).subs(t, eps * u) * (eps / (2 * eps))  # dt = eps du over tail(m-1) = 2 eps
    same(ratio, (m - 1) / 4 * (1 + u) ** -1 * (1 + eps * u) ** (-(m - 1) / 2))
    _at_most_two()
    lower = (m - 1) / 4 * 2 ** (-(m - 1) / 2) * sp.integrate(1 / (1 + u), (u, 0, R))
    same(lower, (m - 1) / 4 * 2 ** (-(m - 1) / 2) * sp.log(1 + R))
    infinite(sp.limit(lower.subs(m, 1 + x), R, sp.oo))  # m = 1 + x > 1


def _at_most_two() -> None:
    """1 + eps u <= 2 for u <= R, eps <= 1/R: write u = R/(1 + x), eps = 1/(R (1 + s))."""
    at_most((1 + eps * u).subs({u: R / (1 + x), eps: 1 / (R * (1 + s))}), 2)


def second_error(root: Any, log: Any) -> Any:
    """E_2 for l = (1, eps, eps), with eps = 1 - root^2."""
    return (1 - root**2) / (2 * root) * log((1 + root) / (1 - root))


@CONTROLS.symbolic
def elementary() -> None:
    """E_2 = eps/(2a) log((1 + a)/(1 - a)), a = sqrt(1 - eps)."""
    # v = sqrt(1 + t), dt = 2 v dv, v from 1 to infinity; a = 1/(1 + x) lies in (0, 1).
    integrand = last_integrand((1, 1), (1 - a**2, 2)).subs({m: 2, t: v**2 - 1}) * 2 * v
    primitive = (1 - a**2) / (2 * a) * sp.log((v - a) / (v + a))
    same(sp.diff(primitive, v), integrand, "primitive")
    same(sp.limit(primitive, v, sp.oo), 0, "at infinity")
    inside = a, 1 / (1 + x)
    same(sp.logcombine((second_error(a, sp.log) + primitive.subs(v, 1)).subs(*inside), force=True), 0, "at 1")


@CONTROLS.ball
def second_measurement() -> None:
    """(c), (d) at m = 2: E_2 > 2 tail(1)."""
    # SCOPE "l = (1, eps, eps), eps = 1 - (9999/10000)^2"
    root = fmpq(9999, 10000)
    l = step(1, 3, 1 - root**2)
    with ctx.workprec(2 * BITS):
        found = second_error(arb(root), arb.log)
        below(m_tail_m_1(l, 2), found, "(c)")
        below(complex_for_real(l, 2), found, "(d)")
        below(abs(found - real_error(l, 2)), found * arb(2) ** -64, "closed form and enclosure")


@CONTROLS.symbolic
def complex_term() -> None:
    """(d): the term k = m - 1 of T7's bound is m tail(m-1)."""
    k = m - 1
    same(1 + k / (m - k), m)
    for count in range(2, 6):
        l = halving(count + 1)
        exactly(complex_upper(l, count, count - 1), m_tail_m_1(l, count))


@CONTROLS.ball
def instances() -> None:
    """(a), (b) fail by a factor of 1000 at m = 2, 5, 9, and (c), (d) at m = 2, 3, 5, 9."""
    # SCOPE "n = m + 1; l = (1^m, 10^-12); l = (1^{m-1}, 10^-8, 10^-8)"
    with ctx.workprec(2 * BITS):
        for count in (2, 5, 9):
            l = step(count, count + 1, fmpq(1, 10**12))
            for bound in (m_tail_m, almost_lower):
                below(1000 * bound(l, count), real_error(l, count), f"{bound.__name__}, m = {count}")
        for count in (2, 3, 5, 9):
            l = step(count - 1, count + 1, fmpq(1, 10**8))
            for bound in (m_tail_m_1, complex_for_real):
                below(bound(l, count), real_error(l, count), f"{bound.__name__}, m = {count}")


@CONTROLS.symbolic
def factor_needed() -> None:
    """(e): E_m / tail(m-2) >= (m - 1)/14."""
    # x - log(1 + x) vanishes at 0 and has a derivative >= 0.
    gap = x - sp.log(1 + x)
    same(sp.limit(gap, x, 0), 0)
    nonnegative(sp.cancel(sp.diff(gap, x)))
    i = sp.Symbol("i", integer=True)
    count = sp.Symbol("count", integer=True, positive=True)
    value = 2 ** (1 - i)
    inverse = sp.summation(sp.expand(1 / value), (i, 1, count + 1))
    same(inverse, 2 ** (count + 1) - 1, "sum of 1/l_k")
    exponential = (count - 1) / 2 * sp.integrate(sp.exp(-(2 ** (count + 1)) * t / 2), (t, 0, sp.oo))
    last_three = sum(value.subs(i, count + j) for j in (-1, 0, 1))
    same(sp.powsimp(sp.expand(exponential / last_three)), (count - 1) / 14, "ratio")


@CONTROLS.ball
def first_failures() -> None:
    """(e) first fails at m = 9, 16, 24, 31 for C = 1, 2, 3, 4."""
    # SCOPE "l_i = 2^{1-i}, n = m + 1"
    with ctx.workprec(2 * BITS):
        errors = {count: real_error(halving(count + 1), count) for count in range(2, max(FIRST_FAILURE.values()) + 1)}
        for C, failure in FIRST_FAILURE.items():
            for count in range(2, failure):
                below(errors[count], constant(halving(count + 1), count, C), f"C = {C} holds at m = {count}")
            below(constant(halving(failure + 1), failure, C), errors[failure], f"C = {C} fails at m = {failure}")
