r"""Rigorous intervals for the expected error of real measurements, 2 <= m <= n - 1: the trapezoidal rule in the plane.

Setting.  l_1 >= ... >= l_n > 0, real A. For t, v > 0 put u_k = l_k t, D_k = (1 + u_k)^2 + 2 u_k v and

    F_m = (m - 1)/t K_m,    K_m = prod_k D_k^{-1/2} sum_{|U|=m+1} u^U sum_{j<k in U} N_jk/(D_j D_k),
    N_jk = 2 (1 + u_j)(1 + u_k) + 2 (u_j + u_k) v,      E_m = int int F_m d(log t) dv

(the double integral of the exact formula, with tau = t and w = 1 + v). Let N be the largest value over t > 0 of
sum_k 4 p_k (1 - p_k), p_k = u_k/(1 + u_k); N <= n.

Statement.  Let S be the sum of  g h F_m v  over the nodes log t in h Z, log v in g Z + c(t), for any steps h, g > 0 and any
offsets c. For phi, psi in (0, pi) let

    eps   = 2 cos(phi/2)^{-(N+4)} / (e^{2 pi phi/h} - 1),      eps' = 2 cos(psi/2)^{-(M/2+2)} / (e^{2 pi psi/g} - 1),

M = min(n, 4N). If both are below 1, then  S / ((1 + eps)(1 + eps'))  <=  E_m  <=  S / ((1 - eps)(1 - eps')).

Proof.

1. |1 + u e^{i phi}|^2 = (1 + u)^2 (1 - 4 p (1-p) s), s = sin(phi/2)^2, and 1 - x s >= (1 - s)^x for 0 <= x <= 1: the
   logarithm of the left side is concave in x, and both sides agree at 0 and 1. So  |1 + u e^{i phi}| >= (1 + u)
   cos(phi/2)^{4 p (1-p)}.
2. Fix v = cosh s - 1. D_k = (1 + u_k e^s)(1 + u_k e^{-s}), so by 1 with t e^s and t e^{-s} for t, on the ray t e^{i phi}
   prod_k |D_k|^{-1/2} grows at most by cos(phi/2)^{-N}, and 1/|D_j D_k| by cos(phi/2)^{-4}, for 4 p (1-p) <= 1. Besides
   them F_m is a sum of multiples >= 0 of powers of t, which does not grow.
3. Fix t. D_k = (1 + u_k)^2 (1 + x_k), x_k = 2 p_k (1 - p_k) v. With t_1, t_2 = t e^s, t e^{-s} and sin(a)^2, sin(b)^2 the p
   of l_k t_1 and l_k t_2, the p of x_k is sin(a - b)^2, and sin(2a - 2b)^2 <= 2 sin(2a)^2 + 2 sin(2b)^2, so that the sum
   of 4 p (1-p) over the x_k is at most 4 N; each is at most 1. As in 2, on the ray v e^{i psi} F_m grows at most by
   cos(psi/2)^{-(M/2+2)}.
4. For f analytic in |Im s| < b, tending to 0 there as |s| -> infinity, with int |f(s + iy)| ds <= M for |y| < b, the
   trapezoidal rule has |S - int f| <= 2 M / (e^{2 pi b/h} - 1) (cited). By 2, for the integral over v as a function of
   log t, M = cos(phi/2)^{-(N+4)} E_m; by 3, at each node, M = cos(psi/2)^{-(M/2+2)} times the integral over v.
5. The ends in t. Put v = z/t: D_k = (1 + u_k)^2 + 2 l_k z and N_jk = 2 (1+u_j)(1+u_k) + 2 (l_j + l_k) z, both increasing
   in t; for t' < t the first falls at most by (1 + u_k)^2, the second by (1+u_j)(1+u_k). The rest of F_m dv is t^{m-1}
   times a constant, dz. So, G_m(t) being the integral over v,

       (1 + u_1)^{-2}  <=  G_m(t') / ((t'/t)^{m-1} G_m(t))  <=  prod_k (1 + u_k) (1 + u_1)^4,      t' < t.

   And K_m is the same at (l, t, m) and at (1/l, 1/t, n - m). So beyond the last node the same holds, with 1/u for u and
   (t'/t)^{-(n-m+1)}.
6. The ends in v. Each pair adds a multiple of v prod_k d_k^{-1/2} (A + B v)/(d_j d_k), d_k = 1 + x_k, A, B >= 0 free of v.
   The slope of its logarithm in log v is at most  2 - sum_k y_k/2 - y_j - y_k,  y = x/(1 + x), which decreases in v; and
   below v its quotient by v rises at most by  prod_k d_k^{1/2} d_j d_k  as v falls, if B = 0.
7. All terms are sums and products of positive numbers, formed in ball arithmetic.                                        []

At units V of v with sum_k 2 p_k (1-p_k) V <= 1, let the first node be nu V, nu <= 1/32, and replace the nodes below it by
the geometric series of its term, with ratio e^{-g} <= 1/(1 + nu). By 6 the terms of A are wrong by at most e^{3 nu} - 1 <=
4 nu of that series, those of B by their own series at most; and as no quotient changes by more than  e^{1/2} (3/2)^2 < 15/4
between nu V and V, the series are at most 15/4 nu, and 15/2 nu^2, of the sum: an error of at most 15 nu^2 of the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import prod
from typing import Any

import sympy as sp
from flint import acb, arb, ctx, fmpq

from . import enclosures, real_exact
from .checks import at_most, below, nonnegative, same
from .enclosures import ENCLOSURES, above_zero, root, trapezoidal_bound
from .kernel import establish, instances, sizes
from .ledger import Statement
from .members import MEASURED
from .notation import E, family, quantity
from .propositions import Fact, Proposition, argued, at_least, chain, defined, discharged, more_than, through, under
from .real_exact import EXACT, TWO_ROWS, m

#: The intervals are about 2**-BITS wide, relative to the value.
BITS = 20


# The formulas are evaluated on symbols and on balls alike.


def quadratic(u: Any, v: Any) -> Any:
    """D."""
    return (1 + u) ** 2 + 2 * u * v


def numerator(one: Any, other: Any, v: Any) -> Any:
    """N_jk."""
    return 2 * (1 + one) * (1 + other) + 2 * (one + other) * v


def denominator(D: Sequence[Any], j: int, k: int) -> Any:
    """What the term of the pair j, k is divided by."""
    return prod(root(x) for x in D) * D[j] * D[k]


def weight(u: Sequence[Any], j: int, k: int, m: int) -> Any:
    """Sum of u^U over the sets of m + 1 that contain j and k."""
    others = [x for i, x in enumerate(u) if i not in (j, k)]
    return u[j] * u[k] * sum(prod(chosen) for chosen in combinations(others, m - 1))


def kernel(u: Sequence[Any], v: Any, m: int) -> Any:
    """K_m, pair by pair."""
    D = [quadratic(x, v) for x in u]
    return sum(
        weight(u, j, k, m) * numerator(u[j], u[k], v) / denominator(D, j, k) for j, k in combinations(range(len(u)), 2)
    )


def growth(crowd: Any, cosine: Any) -> Any:
    """Bound on the growth in the strip of t: cos^-(N + 4)."""
    return cosine ** -(crowd + 4)


def growth_in_v(crowd: Any, cosine: Any) -> Any:
    """The same for v: cos^-(M/2 + 2), of M = `crowd`."""
    return cosine ** -(crowd / 2 + 2)


def rises(u: Sequence[Any]) -> Any:
    """prod (1 + u_k) (1 + u_1)^4: by how much t^{1-m} G_m(t) may rise as t falls to 0."""
    return prod(1 + x for x in u) * (1 + u[0]) ** 4


def slope(shares: Sequence[Any], j: int, k: int) -> Any:
    """2 - sum y/2 - y_j - y_k: of the logarithm of a pair's term in log v, at the most."""
    return 2 - sum(shares) / 2 - shares[j] - shares[k]


# ------------------------------------------------------------------------------------------------------------ the rule


def terms(l: Sequence[arb], t: arb, v: arb) -> list[arb]:
    """F_2, ..., F_{n-1}: the coefficients of a product of linear polynomials in z, each with one mark a and one mark b."""
    u = [x * t for x in l]
    # prod_k (1 + u_k z (1 + x_k a + y_k b)) with a^2 = b^2 = 0, x and y = 1/(1 + u e^(+-s)): the coefficient of a b z^(m+1)
    # is the sum over U and j != k in U of u^U x_j y_k, and x_j y_k + x_k y_j = N_jk/(D_j D_k).
    none, one, other, both = ([arb(1)], [arb(0)], [arb(0)], [arb(0)])
    spread = (v * (v + 2)).sqrt()
    for y in u:
        first, second = 1 / (1 + y * (1 + v + spread)), 1 / (1 + y / (1 + v + spread))
        none, one, other, both = (
            _with(none, none, y),
            _with(one, [a + first * b for a, b in zip(one, none, strict=True)], y),
            _with(other, [a + second * b for a, b in zip(other, none, strict=True)], y),
            _with(both, [a + first * b + second * c for a, b, c in zip(both, other, one, strict=True)], y),
        )
    size = t * prod((quadratic(y, v).sqrt() for y in u), start=arb(1))
    return [(m - 1) * both[m + 1] / size for m in range(2, len(l))]


def _with(absent: list[arb], present: list[arb], y: arb) -> list[arb]:
    """absent + z y present."""
    return [a + y * b for a, b in zip([*absent, arb(0)], [arb(0), *present], strict=True)]


def _step(grown: arb, bits: int) -> tuple[arb, arb]:
    """A step at which the rule errs by less than 2^-bits, and its error; `grown` is the growth at phi = 2."""
    step = arb(1)
    while True:
        error = 2 * grown / ((4 * arb.pi() / step).exp() - 1)
        if error < arb(2) ** (-bits - 3):
            return step, error
        step = step * 7 / 8


def real_errors(l: Sequence[arb | fmpq], bits: int = BITS) -> list[arb]:
    """Enclose E_2, ..., E_{n-1} for real Gaussian A, n >= 3, with l descending.

    >>> [value.contains(exact) for value, exact in zip(real_errors([fmpq(3)] * 4, 12), [6, 3])]
    [True, True]
    """
    n = len(l)
    with ctx.workprec(2 * bits + 40):
        balls = [arb(x) for x in l]
        h, error = _step(growth(arb(n), arb(1).cos()), bits)  # N <= n
        g, error_in_v = _step(growth_in_v(arb(n), arb(1).cos()), bits)

        def rest(direction: int, node: int, values: list[arb]) -> list[arb]:
            """What is left out beyond a node."""
            u = [x * (-abs(node) * h).exp() for x in (balls if direction < 0 else [1 / x for x in reversed(balls)])]
            rates = range(1, n - 1) if direction < 0 else range(n - 1, 1, -1)
            return [x * rises(u) / ((rate * h).exp() - 1) for x, rate in zip(values, rates, strict=True)]

        totals, outside = _outward(lambda t: _over_v(balls, t, g, bits), h, rest, bits)
        found = []
        for total, left_out in zip(totals, outside, strict=True):
            for bound in (error, error_in_v):
                below(bound, 1, "error bound of the rule")
            low = h * total / ((1 + error) * (1 + error_in_v))
            found.append(low.union(h * (total + left_out) / ((1 - error) * (1 - error_in_v))))
        return found


def _over_v(l: Sequence[arb], t: arb, g: arb, bits: int) -> list[arb]:
    """The rule over log v at one t, what it leaves out included."""
    widths = [2 * x * t / (1 + x * t) ** 2 for x in l]
    # The offset c(t): the unit of v.
    unit = 1 / sum(widths, arb(0)).mid()

    def rest(direction: int, node: int, values: list[arb]) -> list[arb]:
        """What is left out beyond a node: v times a bounded quotient below it, a geometric series above it."""
        d = [1 + x * unit * (node * g).exp() for x in widths]
        if direction < 0:
            rise = prod((x.sqrt() for x in d), start=arb(1)) * max(d, key=float) ** 2
            return [x * rise / (g.exp() - 1) for x in values]
        shares = sorted((1 - 1 / x for x in d), key=float)
        fall = slope(shares, 0, 1)
        return [x / ((-fall * g).exp() - 1) if fall < 0 else arb("inf") for x in values]

    def values(scale: arb) -> list[arb]:
        v = unit * scale
        return [v * x for x in terms(l, t, v)]

    totals, outside = _outward(values, g, rest, bits)
    return [g * total + (g * left_out).union(arb(0)) for total, left_out in zip(totals, outside, strict=True)]


def _outward(
    values: Callable[[arb], list[arb]], step: arb, rest: Callable[[int, int, list[arb]], list[arb]], bits: int
) -> tuple[list[arb], list[arb]]:
    """Sums over nodes e^{k step} from k = 0 outwards, until the rest on either side is small; and those rests."""
    negligible = arb(2) ** (-bits - 3)
    totals = values(arb(1))
    outside = [arb(0)] * len(totals)
    for direction in (-1, 1):
        for node in range(direction, 16 * bits * direction, direction):
            last = values((node * step).exp())
            totals = [x + y for x, y in zip(totals, last, strict=True)]
            left_out = rest(direction, node, last)
            if all(x < negligible * y for x, y in zip(left_out, totals, strict=True)):
                break
        else:
            raise ValueError(f"the terms do not vanish within {16 * bits} nodes")
        outside = [x + y for x, y in zip(outside, left_out, strict=True)]
    return totals, outside


# -------------------------------------------------------------------------------------------------------------- steps

_l, _l_k, _t, _u, _v, _z, _more = sp.symbols("l l_k t u v z e", positive=True)
_a, _b, _A, _B, _c, _q = sp.symbols("a b A B c q", positive=True)
_x = sp.Symbol("x", nonnegative=True)
#: Steps h and g, half-widths of the strips, and the largest sum of 4 p (1-p).
_h, _g, _phi, _psi, _N = sp.symbols("h g phi psi N", positive=True)
#: c and c'; T, the rule in t of exact integrals over v; and S, the rule in both.
_growth, _growth_v, _outer, _sum = sp.symbols("c c' T S", positive=True)
#: sin(phi/2)^2.
_s = sp.Symbol("s", positive=True)
_n = sp.Symbol("n", integer=True, positive=True)

#: The variables of the exact formula.
_AT = {real_exact.tau: _t, real_exact.w: 1 + _v}
K = quantity("K", "K_{0}({1}, {2})")


def _spectrum(n: int) -> list[Any]:
    return family("l", n, positive=True)


def integrand(m: Any, t: Any, v: Any) -> Any:
    """F_m."""
    return (m - 1) / t * K(m, t, v)


def double_integral() -> Any:
    """int int F_m d(log t) dv."""
    return sp.Integral(integrand(m, _t, _v) / _t, (_v, 0, sp.oo), (_t, 0, sp.oo))


def strip_growth(halves: Any, ones: Any, angle: Any) -> Any:
    """Growth of that many factors (1 + u)^{-1/2} and (1 + u)^{-1} in transition, |1 + u| falling by cos(angle/2)."""
    return sp.cos(angle / 2) ** -(halves / sp.Integer(2)) * sp.cos(angle / 2) ** -ones


def transition(u: Any) -> Any:
    """4 p (1 - p), p = u/(1 + u)."""
    return 4 * u / (1 + u) ** 2


def on_ray(u: Any, s: Any) -> Any:
    """|1 + u e^{i phi}|^2 with s = sin(phi/2)^2."""
    return 1 + 2 * u * (1 - 2 * s) + u**2


_ERROR, _ERROR_V = trapezoidal_bound(_growth, _phi, _h), trapezoidal_bound(_growth_v, _psi, _g)
_SMALL, _SMALL_V = more_than(1, _ERROR), more_than(1, _ERROR_V)
_DOMAIN = (TWO_ROWS, MEASURED)
_SINE = (_s, sp.sin(_phi / 2) ** 2)
#: At most N in t; in v at most one for each coordinate, and at most 4 N.
_crowd_v = sp.Min(_n, 4 * _N)

PLANE = Statement(
    "enclosures-plane",
    Proposition(_sum / (1 + _ERROR_V) / (1 + _ERROR), "<=", E(m), when=_DOMAIN),
    Proposition(E(m), "<=", _sum / (1 - _ERROR_V) / (1 - _ERROR), when=(*_DOMAIN, _SMALL, _SMALL_V)),
    Proposition(E(m), "=", double_integral(), when=_DOMAIN),
    Proposition((1 + _u) ** 2 * (1 - _s) ** transition(_u), "<=", on_ray(_u, _s), when=(more_than(1, _s),), given=(_SINE,)),
    Proposition(strip_growth(2 * _N, 4, _phi), "=", growth(_N, sp.cos(_phi / 2)), when=(more_than(sp.pi, _phi),)),
    Proposition(
        strip_growth(_crowd_v, 2, _psi), "=", growth_in_v(_crowd_v, sp.cos(_psi / 2)), when=(more_than(sp.pi, _psi),)
    ),
    words="real A, S the trapezoidal sum in the plane of steps h and g: {0}, and {1}, of the integral {2}; on a ray {3}, "
    "hence c is {4}, N the largest sum of these exponents over the coordinates, and c' is {5}",
)


@PLANE.symbolic
def of_the_exact_formula() -> Fact:
    """E_m is the integral of F_m: w = 1 + v, and dt = t d(log t)."""
    exact = EXACT.fact(2)
    inner = (real_exact.roots(*_AT) * real_exact.pairs(m - 1, *_AT)).xreplace(_AT)
    kernel_of = defined(K(m, _t, _v), _t ** (m + 1) * inner)
    exact_integrand = (real_exact.error_factor(m) * real_exact.powers(m, real_exact.tau)).xreplace(_AT) * inner
    same(exact_integrand, integrand(m, _t, _v).xreplace({kernel_of.left: kernel_of.right}) / _t)
    for variable, (_, least, most) in zip((_v, _t), double_integral().limits, strict=True):
        (before,) = (letter for letter, value in _AT.items() if value.has(variable))
        same(sp.diff(_AT[before], variable), 1, f"d{before} = d{variable}")
        ends = {found.limits for found in exact.right.atoms(sp.Integral)}
        (low, high) = next(limits[1:] for found in ends for limits in found if limits[0] == before)
        same(_AT[before].subs(variable, least), low, "the lower end")
        establish(bool(sp.limit(_AT[before], variable, most) == high), "the upper end is another")
    moved = argued(exact.right, "=", double_integral(), "the same integrand in other variables, w = 1 + v and tau = t")
    return chain(exact, moved)


@PLANE.symbolic
def kernels() -> None:
    """K_m is the sum of the exact formula: its D and N, and u^U over the U with j and k."""
    same(quadratic(_l * _t, _v), real_exact.quadratic(_l, *_AT).xreplace(_AT))
    same(numerator(_l * _t, _l_k * _t, _v), real_exact.numerator(_l, _l_k, *_AT).xreplace(_AT))
    for n in sizes((3, 4)):
        l = _spectrum(n)
        u = [x * _t for x in l]
        for size in range(2, n):
            for j, k in combinations(range(n), 2):
                others = [x for i, x in enumerate(l) if i not in (j, k)]
                symmetric = enclosures.symmetric(others)[size - 1]
                same(weight(u, j, k, size), _t ** (size + 1) * l[j] * l[k] * symmetric, f"n = {n}, m = {size}")
                sets = [chosen for chosen in combinations(range(n), size + 1) if {j, k} <= {*chosen}]
                same(weight(u, j, k, size), sum(prod(u[i] for i in chosen) for chosen in sets), "u^U")


@PLANE.symbolic
def concave() -> Fact:
    """log(1 - x s) is concave in x, and x log(1 - s) at x = 0 and x = 1."""
    chord, arc = (1 - _s) ** _x, 1 - _x * _s
    gain = sp.log(arc) - _x * sp.log(1 - _s)
    for end in (0, 1):
        same(gain.subs(_x, end), 0)
        same(chord.subs(_x, end), arc.subs(_x, end))
    inside = {_x: 1 / (1 + _a), _s: 1 / (1 + _b)}
    nonnegative(sp.cancel(-sp.diff(gain, _x, 2)).subs(inside), "concavity")
    reason = "step 1: a concave function that vanishes at 0 and 1 is not negative between them"
    return argued(chord, "<=", arc, reason, when=(at_least(1, _x), more_than(1, _s)))


@PLANE.symbolic
def modulus() -> Fact:
    """|1 + u e^{i phi}|^2 = (1 + u)^2 (1 - 4 p (1-p) sin(phi/2)^2)."""
    cosine, p = sp.Symbol("cos", real=True), _u / (1 + _u)
    same(1 + 2 * _u * cosine + _u**2, on_ray(_u, (1 - cosine) / 2))
    same(sp.cos(_phi), 1 - 2 * _SINE[1], "cos phi")
    same(transition(_u), 4 * p * (1 - p))
    one = concave().at({_x: transition(_u)})
    factor = discharged(one, at_most(transition(_u), 1))
    scaled = through(lambda side: (1 + _u) ** 2 * side, factor)
    return under(chain(scaled, same(scaled.right, on_ray(_u, _s))), _SINE)


@PLANE.symbolic
def factors() -> None:
    """D = (1 + u e^s)(1 + u e^{-s}), v = cosh s - 1; x_j y_k + x_k y_j = N_jk/(D_j D_k)."""
    v = (_q + 1 / _q) / 2 - 1
    first, second = (1 / (1 + _l * _q), 1 / (1 + _l / _q)), (1 / (1 + _l_k * _q), 1 / (1 + _l_k / _q))
    same(quadratic(_l, v), 1 / (first[0] * first[1]))
    pair = first[0] * second[1] + first[1] * second[0]
    same(pair, numerator(_l, _l_k, v) / (quadratic(_l, v) * quadratic(_l_k, v)))
    # In v: one factor, in units of (1 + u)^2.
    same(quadratic(_u, _v), (1 + _u) ** 2 * (1 + transition(_u) / 2 * _v))


@PLANE.symbolic
def shares() -> tuple[Fact, Fact]:
    """In v the share of d is sin(a - b)^2, and 4 of them at most in transition for one in t."""
    # a and b are the tangents: u e^s = a^2, u e^{-s} = b^2.
    D, square = (1 + _a**2) * (1 + _b**2), (1 + _a * _b) ** 2
    share = (_a - _b) ** 2 / D
    same(1 - square / D, share)
    sine_a, sine_b = 2 * _a / (1 + _a**2), 2 * _b / (1 + _b**2)
    cosine_a, cosine_b = (1 - _a**2) / (1 + _a**2), (1 - _b**2) / (1 + _b**2)
    moved = (sine_a * cosine_b - cosine_a * sine_b) ** 2
    for tangent, sine in ((_a, sine_a), (_b, sine_b)):
        same(transition(tangent**2), sine**2)
    # The transition of the share is at most twice the sum of those of t_1 and t_2, and at most 1.
    surplus = (sine_a * cosine_b + cosine_a * sine_b) ** 2 + 4 * sine_a**2 * sine_b**2
    bound = 2 * sine_a**2 + 2 * sine_b**2
    among = chain(same(4 * share * (1 - share), moved), at_most(moved, moved + surplus), same(moved + surplus, bound))
    one = at_most(transition(_u), 1)
    return among, one


@PLANE.symbolic
def polynomials() -> None:
    """Besides the D, K_m is a polynomial in t and in v with coefficients >= 0."""
    for n in sizes((3, 4)):
        u = [x * _t for x in _spectrum(n)]
        for size in range(2, n):
            for j, k in combinations(range(n), 2):
                term = weight(u, j, k, size) * numerator(u[j], u[k], _v)
                for coefficient in sp.Poly(term, _t, _v).coeffs():
                    nonnegative(coefficient, "coefficient")


@PLANE.symbolic
def growths() -> tuple[Fact, Fact]:
    """F_m grows at most by cos^-(N+4) in t, and by cos^-(M/2+2) in v: the factors in transition, and those of a pair."""
    for n in sizes((3, 4, 5)):
        D = _spectrum(n)
        # In t each of the two factors of D may shrink by c, in v D itself, in units of (1 + u)^2.
        for smaller, found in ((_c**2, growth(n, _c)), (_c, growth_in_v(sp.Integer(n), _c))):
            same(denominator(D, 0, 1) / denominator([smaller * x for x in D], 0, 1), found)
    modulus()
    shares()
    # In t there are two factors 1 + u for each D: N halves for each of t e^s and t e^{-s}, and two pairs of ones.
    below_pi = [(more_than(sp.pi, angle),) for angle in (_phi, _psi)]
    in_t = same(strip_growth(2 * _N, 4, _phi), growth(_N, sp.cos(_phi / 2)), when=below_pi[0])
    in_v = same(strip_growth(_crowd_v, 2, _psi), growth_in_v(_crowd_v, sp.cos(_psi / 2)), when=below_pi[1])
    return in_t, in_v


@PLANE.symbolic
def both_rules() -> tuple[Fact, Fact]:
    """The rule in t, of the integrals over v, and at each node the rule in v: the sums at the nodes bound each other."""
    growths()
    known = enclosures.LETTERS
    in_t = dict(zip(known, (_growth, _phi, _h, _outer, E(m)), strict=True))
    in_v = dict(zip(known, (_growth_v, _psi, _g, _sum, _outer), strict=True))
    low, high = ENCLOSURES.fact(5), ENCLOSURES.fact(6)
    over = (more_than(1 + _ERROR, 0),)
    narrowed = through(lambda side: side / (1 + _ERROR), low.at(in_v), when=over)
    lower = chain(discharged(narrowed, above_zero(_growth, _phi, _h)), low.at(in_t))
    widened = through(lambda side: side / (1 - _ERROR), high.at(in_v), when=(_SMALL,))
    upper = chain(high.at(in_t), widened)
    # E_m is the integral to which the rule is applied.
    integral = of_the_exact_formula()
    return chain(lower, integral, integral.turned()), chain(integral, integral.turned(), upper)


@PLANE.symbolic
def ends() -> None:
    """G_m(t')/G_m(t) is between (t'/t)^{m-1} (1+u_1)^{-2} and prod (1+u_k)(1+u_1)^4 of it, t' < t."""
    t = _t + _more  # t' is _t
    for earlier, later, factor in (
        (quadratic(_l * _t, _z / _t), quadratic(_l * t, _z / t), (1 + _l * t) ** 2),
        (
            numerator(_l * _t, _l_k * _t, _z / _t),
            numerator(_l * t, _l_k * t, _z / t),
            (1 + _l * t) * (1 + _l_k * t),
        ),
    ):
        nonnegative(sp.expand(sp.cancel(later - earlier)), "rises")
        nonnegative(sp.expand(sp.cancel(factor * earlier - later)), "by no more")
    for n in sizes((3, 4)):
        l = _spectrum(n)
        u = [x * _t for x in l]
        for size in range(2, n):
            # (m - 1)/t K_m dv with dv = dz/t; the D and N at v = z/t are those above.
            for j, k in combinations(range(n), 2):
                same(weight(u, j, k, size) / _t**2, _t ** (size - 1) * weight(l, j, k, size), "power of t")
        # prod (D(t)/D(t'))^{1/2} and the two of a pair: at most this.
        same(rises([_u] * n), (1 + _u) ** n * (1 + _u) ** 4)


@PLANE.symbolic
def mirror() -> None:
    """K_m(l, t) = K_{n-m}(1/l, 1/t)."""
    same(quadratic(1 / _u, _v), quadratic(_u, _v) / _u**2)
    same(numerator(1 / _l, 1 / _l_k, _v), numerator(_l, _l_k, _v) / (_l * _l_k))
    for n in sizes((3, 4, 5)):
        u = _spectrum(n)
        for size in range(1, n):
            # Term by term: U at u, its complement with j and k at 1/u; the roots give prod u, D and N the rest.
            for chosen in combinations(range(n), size + 1):
                for j, k in combinations(chosen, 2):
                    mirrored = {*range(n)} - {*chosen} | {j, k}
                    establish(len(mirrored) == n - size + 1, "the other set has another size")
                    found = prod(u) * prod(1 / u[i] for i in mirrored) * (u[j] * u[k]) ** 2 / (u[j] * u[k])
                    same(prod(u[i] for i in chosen), found, f"n = {n}, m = {size}")


@PLANE.symbolic
def slopes() -> None:
    """The logarithm of a pair's term has at most the slope 2 - sum y/2 - y_j - y_k, which decreases."""
    x = [y * _v for y in _spectrum(4)]
    found = [y / (1 + y) for y in x]
    term = _v * (_A + _B * _v) / (sp.sqrt(sp.prod([1 + y for y in x])) * (1 + x[0]) * (1 + x[1]))
    surplus = slope(found, 0, 1) - _v * sp.diff(sp.log(term), _v)
    same(surplus, _A / (_A + _B * _v))
    positive_slope = sp.cancel(sp.diff(found[0], _v))
    nonnegative(positive_slope, "the shares rise")


@PLANE.ball
def first_series() -> None:
    """e^{3 nu} - 1 <= 4 nu up to nu = 1/32 (it is convex), and e^{1/2} (3/2)^2 < 15/4."""
    for nu in instances((fmpq(1, 32),), "nu = {}".format):
        below((3 * arb(nu)).exp() - 1, 4 * arb(nu))
        below((arb(1) / 2).exp() * 9 / 4, arb(15) / 4)


def _named(l: Sequence[fmpq]) -> str:
    return f"l = {', '.join(map(str, l))}"


@PLANE.ball
def marks() -> None:
    """The product with marks is the sum over sets, t = 1/3 and v = 2/5."""
    with ctx.workprec(200):
        for l in instances(([fmpq(5), fmpq(3), fmpq(2), fmpq(1, 7)],), _named):
            t, v, balls = arb(1) / 3, arb(2) / 5, [arb(x) for x in l]
            for size, found in zip((2, 3), terms(balls, t, v), strict=True):
                _agree(found, (size - 1) * kernel([x * t for x in balls], v, size) / t, 2 * BITS, f"m = {size}")


@PLANE.ball
def against_closed_forms() -> None:
    """The rule agrees to 2^-16 with (n-m) s^2 for flat spectra, R_F at n = 3, and E_{n-1} by the rule on a line."""
    for l in instances(([fmpq(2, 3)] * 4,), _named):
        for size, found in enumerate(real_errors(l), start=2):
            _agree(found, arb(l[0]) * (4 - size), BITS - 4, "flat")
    for l in instances(([fmpq(4), fmpq(2), fmpq(1)], [fmpq(100), fmpq(1), fmpq(1, 100)]), _named):
        x, y, z = (acb(value) for value in l)
        _agree(real_errors(l)[0], (x * y * z).sqrt().real * acb.elliptic_rf(x, y, z).real, BITS - 4, "R_F")
    for l in instances(([fmpq(30), fmpq(3), fmpq(3), fmpq(1, 10)],), _named):
        _agree(real_errors(l)[-1], enclosures.real_error(l, 3), BITS - 4, "E_{n-1}")


def _agree(one: arb, other: arb, bits: int, what: str) -> None:
    """Establish that two enclosed numbers meet, and differ by less than 2**-bits of themselves."""
    below(abs(one - other), abs(other) * arb(2) ** -bits, what)
    establish(bool(one.overlaps(other)), f"{what}: the intervals {one.str(20)} and {other.str(20)} are disjoint")


@PLANE.concludes
def conclusion() -> tuple[Fact, ...]:
    return *both_rules(), of_the_exact_formula(), modulus(), *growths()
