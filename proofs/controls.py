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

from .checks import at_most, below, below_at, exactly, infinite, nonnegative, same
from .complex_bound import T7
from .complex_bound import bound as complex_factor
from .enclosures import BITS, ENCLOSURES, real_error
from .first_and_last import FIRST, LAST
from .first_and_last import n as size_of_last
from .first_and_last import u as rate_variable
from .kernel import Instances, instances
from .ledger import Statement
from .named_spectra import complex_upper, tail
from .notation import E, quantity
from .notation import l as level
from .notation import tail as tail_of
from .propositions import Fact, Proposition, argued, chain, more_than

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


def second_error(root: Any, log: Any) -> Any:
    """E_2 for l = (1, eps, eps), with eps = 1 - root^2."""
    return (1 - root**2) / (2 * root) * log((1 + root) / (1 - root))


def one_small() -> Any:
    """A lower bound of E_m/tail(m) for l = (1, ..., 1, eps), eps <= 1/R."""
    return (m - 1) / 2 * 2 ** (-m / 2) * sp.integrate((1 + u) ** -HALF, (u, 0, R))


def two_small() -> Any:
    """A lower bound of E_m/tail(m-1) for l = (1, ..., 1, eps, eps), eps <= 1/R."""
    return (m - 1) / 4 * 2 ** (-(m - 1) / 2) * sp.integrate(1 / (1 + u), (u, 0, R))


#: The ratios at the spectra of the proof.
pair_ratio = quantity("pair_ratio", "E_1/tail(1) at sigma = ({}, 1)")
one_ratio = quantity("one_ratio", "E_m/tail(m) at (1, ..., 1, 1/R)")
two_ratio = quantity("two_ratio", "E_m/tail(m-1) at (1, ..., 1, 1/R, 1/R)")
halving_ratio = quantity("halving_ratio", "E_m/tail(m-2) at l_i = 2^(1-i), i <= m + 1")
BEYOND = (more_than(m, 1),)
k = m - 1

#: (e) at its first failures: C tail(m-2) < E_m.
C, count_ = sp.Symbol("C", positive=True), sp.Symbol("m", integer=True, positive=True)
FAILURES = Instances(
    "l_i = 2^(1-i), " + "; ".join(f"C = {C_}, m = {m_}" for C_, m_ in FIRST_FAILURE.items()),
    tuple(FIRST_FAILURE.items()),
    lambda failure: f"C = {failure[0]}, m = {failure[1]}, and not before",
)
TOO_SMALL = Proposition(C * tail_of(count_ - 2), "<", E(count_), at_instances=FAILURES.name)

CONTROLS = Statement(
    "controls",
    Proposition(sp.Limit(pair(s, 1), s, sp.oo, "-"), "=", sp.oo),
    Proposition(one_small(), "<=", one_ratio(m, R)),
    Proposition(sp.Limit(one_small(), R, sp.oo, "-"), "=", sp.oo, when=BEYOND),
    Proposition(two_small(), "<=", two_ratio(m, R)),
    Proposition(sp.Limit(two_small(), R, sp.oo, "-"), "=", sp.oo, when=BEYOND),
    Proposition(complex_factor(tail_of(k), m, k), "=", m * tail_of(k)),
    Proposition((count_ - 1) / 14, "<=", halving_ratio(count_)),
    TOO_SMALL,
    words="none of these bounds E_m for real A, whatever constant is put in front: multiples of tail(m), by {0} for the "
    "first measurement, and by {1}, {2}; multiples of tail(m-1), by {3}, {4}, and so T7's bound, since {5}; constant "
    "multiples of tail(m-2), by {6}; so {7}",
)


@CONTROLS.certificate
def first_measurement() -> None:
    """(a), (b) at m = 1: E_1 = 3 exceeds 1 and 2."""
    for sigma in instances(((fmpq(3), fmpq(1)),), "sigma = {0[0]}, {0[1]}".format):
        l = [value**2 for value in sigma]
        for bound in (m_tail_m, almost_lower):
            below(bound(l, 1), pair(*sigma), bound.__name__)


@CONTROLS.symbolic
def first_measurement_ratio() -> Fact:
    """(a), (b) at m = 1: the ratio E_1 / tail(1) is unbounded."""
    # E_1 = sigma_1 sigma_2 at n = 2, and tail(1) = 1.
    known = LAST.fact(2).right
    same(known.subs({level(sp.S.One): s**2, level(sp.S(2)): 1}), pair(s, 1), "E_1")
    return infinite(sp.Limit(pair(s, 1), s, sp.oo, "-"))


@CONTROLS.symbolic
def from_the_last_measurement() -> None:
    """(*) is "E_{n-1}" for n = m + 1 values."""
    last = LAST.fact(0).right
    factor = last.atoms(sp.Product).pop()
    whole = (last / last.atoms(sp.Integral).pop()).subs(size_of_last, count_ + 1).subs(count_, m)
    index = factor.limits[0][0]
    value = sp.Symbol("value", positive=True)
    same(last_integrand((value, m + 1)), whole * factor.function.subs({level(index): value, rate_variable: t}) ** (m + 1))


@CONTROLS.symbolic
def one_small_value() -> tuple[Fact, Fact]:
    """(a), (b): E_m / tail(m) >= (m - 1) 2^{-m/2} (sqrt(1 + R) - 1)."""
    ratio = last_integrand((1, m), (eps, 1)).subs(t, eps * u) * (eps / eps)  # dt = eps du over tail(m) = eps
    same(ratio, (m - 1) / 2 * (1 + u) ** -HALF * (1 + eps * u) ** (-m / 2))
    _at_most_two()
    from_the_last_measurement()
    closed = same(one_small(), (m - 1) * 2 ** (-m / 2) * (sp.sqrt(1 + R) - 1))
    law = argued(closed.left, "<=", one_ratio(m, R), "step 2: 1 + eps u <= 2 on the interval from 0 to R")
    return law, infinite(sp.Limit(one_small(), R, sp.oo, "-"), when=BEYOND)


@CONTROLS.symbolic
def two_small_values() -> tuple[Fact, Fact]:
    """(c): E_m / tail(m-1) >= (m - 1)/4 2^{-(m-1)/2} log(1 + R)."""
    ratio = last_integrand((1, m - 1), (eps, 2)).subs(t, eps * u) * (eps / (2 * eps))  # dt = eps du over tail(m-1) = 2 eps
    same(ratio, (m - 1) / 4 * (1 + u) ** -1 * (1 + eps * u) ** (-(m - 1) / 2))
    _at_most_two()
    from_the_last_measurement()
    closed = same(two_small(), (m - 1) / 4 * 2 ** (-(m - 1) / 2) * sp.log(1 + R))
    law = argued(closed.left, "<=", two_ratio(m, R), "step 3: 1 + eps u <= 2 on the interval from 0 to R")
    return law, infinite(sp.Limit(two_small(), R, sp.oo, "-"), when=BEYOND)


def _at_most_two() -> None:
    """1 + eps u <= 2 for u <= R, eps <= 1/R: write u = R/(1 + x), eps = 1/(R (1 + s))."""
    at_most((1 + eps * u).subs({u: R / (1 + x), eps: 1 / (R * (1 + s))}), 2)


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
    for root in instances((fmpq(9999, 10000),), "l = (1, eps, eps), eps = 1 - ({})^2".format):
        l = step(1, 3, 1 - root**2)
        with ctx.workprec(2 * BITS):
            found = second_error(arb(root), arb.log)
            below(m_tail_m_1(l, 2), found, "(c)")
            below(complex_for_real(l, 2), found, "(d)")
            below(abs(found - real_error(l, 2)), found * arb(2) ** -64, "closed form and enclosure")


@CONTROLS.symbolic
def complex_term() -> Fact:
    """(d): the term k = m - 1 of T7's bound is m tail(m-1)."""
    T7.fact(0)
    return same(complex_factor(tail_of(k), m, k), m * tail_of(k))


@CONTROLS.instance
def complex_terms() -> None:
    """The same from the functions on lists."""
    for count in range(2, 6):
        l = halving(count + 1)
        exactly(complex_upper(l, count, count - 1), m_tail_m_1(l, count))


@CONTROLS.ball
def failures_by_a_thousand() -> None:
    """(a), (b) fail by a factor of 1000 at m = 2, 5, 9, and (c), (d) at m = 2, 3, 5, 9."""
    with ctx.workprec(2 * BITS):
        for count in instances((2, 5, 9), "l = (1, ..., 1, 10^-12), m = {}".format):
            l = step(count, count + 1, fmpq(1, 10**12))
            for bound in (m_tail_m, almost_lower):
                below(1000 * bound(l, count), real_error(l, count), f"{bound.__name__}, m = {count}")
        for count in instances((2, 3, 5, 9), "l = (1, ..., 1, 10^-8, 10^-8), m = {}".format):
            l = step(count - 1, count + 1, fmpq(1, 10**8))
            for bound in (m_tail_m_1, complex_for_real):
                below(bound(l, count), real_error(l, count), f"{bound.__name__}, m = {count}")


@CONTROLS.symbolic
def factor_needed() -> Fact:
    """(e): E_m / tail(m-2) >= (m - 1)/14."""
    # x - log(1 + x) vanishes at 0 and has a derivative >= 0.
    gap = x - sp.log(1 + x)
    same(sp.limit(gap, x, 0), 0)
    nonnegative(sp.cancel(sp.diff(gap, x)))
    from_the_last_measurement()
    i = sp.Symbol("i", integer=True)
    value = 2 ** (1 - i)
    inverse = sp.summation(sp.expand(1 / value), (i, 1, count_ + 1))
    same(inverse, 2 ** (count_ + 1) - 1, "sum of 1/l_k")
    exponential = (count_ - 1) / 2 * sp.integrate(sp.exp(-(2 ** (count_ + 1)) * t / 2), (t, 0, sp.oo))
    last_three = sum(value.subs(i, count_ + j) for j in (-1, 0, 1))
    ratio = sp.powsimp(sp.expand(exponential / last_three))
    law = argued(ratio, "<=", halving_ratio(count_), "step 5: log(1 + x) <= x, and the sum of the 1/l_k is below 2^(m+1)")
    return chain(same((count_ - 1) / 14, ratio, "ratio"), law)


@CONTROLS.ball
def first_failures() -> Fact:
    """(e) first fails at m = 9, 16, 24, 31 for C = 1, 2, 3, 4."""
    for known in (FIRST, ENCLOSURES):
        known.fact(0)
    with ctx.workprec(2 * BITS):
        errors = {count: real_error(halving(count + 1), count) for count in range(2, max(FIRST_FAILURE.values()) + 1)}
        for constant_, failure in FAILURES:
            for count in range(2, failure):
                bound = constant(halving(count + 1), count, constant_)
                below(errors[count], bound, f"C = {constant_} holds at m = {count}")
            l = halving(failure + 1)
            values = {C: constant_, count_: failure, tail_of: lambda k, l=l: tail(l, k), E: lambda m: errors[m]}
            found = below_at(TOO_SMALL, values, f"C = {constant_} fails at m = {failure}")
    return found


@CONTROLS.concludes
def conclusion() -> tuple[Fact, ...]:
    ratios = *one_small_value(), *two_small_values()
    return first_measurement_ratio(), *ratios, complex_term(), factor_needed(), first_failures()
