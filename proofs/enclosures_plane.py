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

from . import enclosures
from .checks import below, nonnegative, same
from .enclosures import root
from .ledger import Statement, establish

PLANE = Statement(
    "enclosures-plane",
    "the trapezoidal rule encloses E_m, real A, 2 <= m < n, to a relative error",
    uses=("enclosures",),
)

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


def kernel(u: Sequence[Any], v: Any, m: int) -> Any:
    """K_m, set by set."""
    D = [quadratic(x, v) for x in u]
    return sum(
        prod(u[i] for i in chosen) * numerator(u[j], u[k], v) / denominator(D, j, k)
        for chosen in combinations(range(len(u)), m + 1)
        for j, k in combinations(chosen, 2)
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


def _spectrum(n: int) -> list[Any]:
    return list(sp.symbols(f"l1:{n + 1}", positive=True))


@PLANE.symbolic("|1 + u e^{i phi}|^2 = (1 + u)^2 (1 - 4 p (1-p) sin(phi/2)^2)", scope="all u > 0 and phi")
def modulus() -> None:
    cosine, p = sp.Symbol("cos", real=True), _u / (1 + _u)
    same(1 + 2 * _u * cosine + _u**2, (1 + _u) ** 2 * (1 - 4 * p * (1 - p) * (1 - cosine) / 2))


@PLANE.symbolic("log(1 - x s) is concave in x, and x log(1 - s) at x = 0 and x = 1", scope="all 0 < s < 1, 0 <= x <= 1")
def concave() -> None:
    s = sp.Symbol("s")
    gain = sp.log(1 - _x * s) - _x * sp.log(1 - s)
    same(gain.subs(_x, 0), 0)
    same(gain.subs(_x, 1), 0)
    inside = {_x: 1 / (1 + _a), s: 1 / (1 + _b)}
    nonnegative(sp.cancel(-sp.diff(gain, _x, 2)).subs(inside), "concavity")


@PLANE.symbolic("D = (1 + u e^s)(1 + u e^{-s}), v = cosh s - 1; x_j y_k + x_k y_j = N_jk/(D_j D_k)", scope="all u, s")
def factors() -> None:
    v = (_q + 1 / _q) / 2 - 1
    first, second = (1 / (1 + _l * _q), 1 / (1 + _l / _q)), (1 / (1 + _l_k * _q), 1 / (1 + _l_k / _q))
    same(quadratic(_l, v), 1 / (first[0] * first[1]))
    pair = first[0] * second[1] + first[1] * second[0]
    same(pair, numerator(_l, _l_k, v) / (quadratic(_l, v) * quadratic(_l_k, v)))


@PLANE.symbolic("in v the share of d is sin(a - b)^2, and 4 of them at most in transition for one in t", scope="all u, s")
def shares() -> None:
    # a and b are the tangents: u e^s = a^2, u e^{-s} = b^2.
    D, square = (1 + _a**2) * (1 + _b**2), (1 + _a * _b) ** 2
    share = (_a - _b) ** 2 / D
    same(1 - square / D, share)
    sine_a, sine_b = 2 * _a / (1 + _a**2), 2 * _b / (1 + _b**2)
    cosine_a, cosine_b = (1 - _a**2) / (1 + _a**2), (1 - _b**2) / (1 + _b**2)
    same(4 * share * (1 - share), (sine_a * cosine_b - cosine_a * sine_b) ** 2)
    same(4 * _a**2 / (1 + _a**2) ** 2, sine_a**2)
    surplus = (sine_a * cosine_b + cosine_a * sine_b) ** 2 + 4 * sine_a**2 * sine_b**2
    same(2 * sine_a**2 + 2 * sine_b**2 - (sine_a * cosine_b - cosine_a * sine_b) ** 2, surplus)
    real = sp.Symbol("r", real=True)
    nonnegative(real**2 + 4 * _a**2 * _b**2, "surplus")


@PLANE.symbolic("besides the D, K_m is a polynomial in t and in v with coefficients >= 0", scope="n = 3, 4, all m; any n")
def polynomials() -> None:
    for n in (3, 4):
        u = [x * _t for x in _spectrum(n)]
        for m in range(2, n):
            for chosen in combinations(range(n), m + 1):
                for j, k in combinations(chosen, 2):
                    for coefficient in sp.Poly(
                        sp.prod([u[i] for i in chosen]) * numerator(u[j], u[k], _v), _t, _v
                    ).coeffs():
                        nonnegative(coefficient, "coefficient")


@PLANE.symbolic("a term of K_m grows at most by cos^-(N+4) in t, cos^-(M/2+2) in v", scope="n = 3, 4, 5; any n: a count")
def growths() -> None:
    for n in (3, 4, 5):
        D = _spectrum(n)
        # In t each of the two factors of D may shrink by c, in v D itself, in units of (1 + u)^2.
        for smaller, found in ((_c**2, growth(n, _c)), (_c, growth_in_v(sp.Integer(n), _c))):
            same(denominator(D, 0, 1) / denominator([smaller * x for x in D], 0, 1), found)


PLANE.cited(
    "|h sum f(kh) - int f| <= 2 M / (e^{2 pi b/h} - 1) for f analytic in the strip |Im s| < b, M as in step 4",
    source="Trefethen & Weideman 2014, The exponentially convergent trapezoidal rule, SIAM Review 56, Theorem 5.1",
)


@PLANE.symbolic("G_m(t')/G_m(t) between (t'/t)^{m-1} (1+u_1)^{-2} and prod (1+u_k)(1+u_1)^4 of it", scope="all l, t' < t")
def ends() -> None:
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
    for n in (3, 4):
        l = _spectrum(n)
        u = [x * _t for x in l]
        for m in range(2, n):
            # (m - 1)/t K_m dv with dv = dz/t; the D and N at v = z/t are those above.
            for chosen in combinations(range(n), m + 1):
                same(prod(u[i] for i in chosen) / _t**2, _t ** (m - 1) * prod(l[i] for i in chosen), "power of t")
        # prod (D(t)/D(t'))^{1/2} and the two of a pair: at most this.
        same(rises([_u] * n), (1 + _u) ** n * (1 + _u) ** 4)


@PLANE.symbolic(
    "K_m(l, t) = K_{n-m}(1/l, 1/t)", scope="symbolic u and v, n = 3, 4, all m; every n: u -> 1/u in each factor"
)
def mirror() -> None:
    same(quadratic(1 / _u, _v), quadratic(_u, _v) / _u**2)
    same(numerator(1 / _l, 1 / _l_k, _v), numerator(_l, _l_k, _v) / (_l * _l_k))
    for n in (3, 4, 5):
        u = _spectrum(n)
        for m in range(1, n):
            # Term by term: U at u, its complement with j and k at 1/u; the roots give prod u, D and N the rest.
            for chosen in combinations(range(n), m + 1):
                for j, k in combinations(chosen, 2):
                    mirrored = {*range(n)} - {*chosen} | {j, k}
                    establish(len(mirrored) == n - m + 1, "the other set has another size")
                    found = prod(u) * prod(1 / u[i] for i in mirrored) * (u[j] * u[k]) ** 2 / (u[j] * u[k])
                    same(prod(u[i] for i in chosen), found, f"n = {n}, m = {m}")


@PLANE.symbolic(
    "the logarithm of a pair's term has at most the slope 2 - sum y/2 - y_j - y_k, which decreases", scope="all x"
)
def slopes() -> None:
    x = [y * _v for y in _spectrum(3)]
    found = [y / (1 + y) for y in x]
    term = _v * (_A + _B * _v) / (sp.sqrt(sp.prod([1 + y for y in x])) * (1 + x[0]) * (1 + x[1]))
    surplus = slope(found, 0, 1) - _v * sp.diff(sp.log(term), _v)
    same(surplus, _A / (_A + _B * _v))
    positive_slope = sp.cancel(sp.diff(found[0], _v))
    nonnegative(positive_slope, "the shares rise")


@PLANE.ball("e^{3 nu} - 1 <= 4 nu up to nu = 1/32 (it is convex), and e^{1/2} (3/2)^2 < 15/4", scope="two numbers")
def first_series() -> None:
    nu = arb(1) / 32
    below((3 * nu).exp() - 1, 4 * nu)
    below((arb(1) / 2).exp() * 9 / 4, arb(15) / 4)


@PLANE.ball("the product with marks is the sum over sets", scope="l = (5, 3, 2, 1/7), t = 1/3, v = 2/5, m = 2, 3")
def marks() -> None:
    with ctx.workprec(200):
        l, t, v = [arb(5), arb(3), arb(2), arb(1) / 7], arb(1) / 3, arb(2) / 5
        for m, found in zip((2, 3), terms(l, t, v), strict=True):
            _agree(found, (m - 1) * kernel([x * t for x in l], v, m) / t, 2 * BITS, f"m = {m}")


@PLANE.ball(
    "the rule agrees to 2^-16 with (n-m) s^2 for flat spectra, R_F at n = 3, and E_{n-1} by the rule on a line",
    scope="n = 4 flat; l = (4, 2, 1), (100, 1, 1/100); (30, 3, 3, 1/10)",
)
def against_closed_forms() -> None:
    for m, found in enumerate(real_errors([fmpq(2, 3)] * 4), start=2):
        _agree(found, arb(fmpq(2, 3)) * (4 - m), BITS - 4, "flat")
    for l in ([fmpq(4), fmpq(2), fmpq(1)], [fmpq(100), fmpq(1), fmpq(1, 100)]):
        x, y, z = (acb(value) for value in l)
        _agree(real_errors(l)[0], (x * y * z).sqrt().real * acb.elliptic_rf(x, y, z).real, BITS - 4, "R_F")
    l = [fmpq(30), fmpq(3), fmpq(3), fmpq(1, 10)]
    _agree(real_errors(l)[-1], enclosures.real_error(l, 3), BITS - 4, "E_{n-1}")


def _agree(one: arb, other: arb, bits: int, what: str) -> None:
    """Establish that two enclosed numbers meet, and differ by less than 2**-bits of themselves."""
    below(abs(one - other), abs(other) * arb(2) ** -bits, what)
    establish(bool(one.overlaps(other)), f"{what}: the intervals {one.str(20)} and {other.str(20)} are disjoint")
