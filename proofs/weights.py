r"""The weights lemma: how the shape of a Gamma law tilts a weighted mean.

Setting.  d_1, ..., d_N > 0; w_1, ..., w_N are independent Gamma variables of shape h > 0 and rate 1: the squared moduli of
Gaussian entries, up to a common factor, with h = 1/2 for real and h = 1 for complex ones. Let

    W_i(h) = E[ w_i d_i / sum_k w_k d_k ],      g(u) = prod_k (1 + u d_k)^{-1},      u >= 0.

Statement ("weights").

    (a)  W_i(h) = int_0^inf h d_i/(1 + u d_i) g(u)^h du > 0, and sum_i W_i(h) = 1.
    (b)  If h < h' and q_i does not decrease with d_i (and q_i = q_j where d_i = d_j), then
             sum_i W_i(h) q_i <= sum_i W_i(h') q_i,
         and >= if q_i does not increase with d_i; strict if q_i != q_j for some i, j.
    (c)  W_i(h) >= W_j(h) if d_i >= d_j. So sum_i W_i(h) d_i >= (1/N) sum_i d_i, strict unless all d_i are equal.

Proof.

1. E e^{-s w} = (1 + s)^{-h} and E w e^{-s w} = h (1 + s)^{-h-1}. Put 1/S = int_0^inf e^{-uS} du at S = sum_k w_k d_k and
   take the mean inside (all is positive): factor i gives d_i h (1 + u d_i)^{-h-1}, the others (1 + u d_k)^{-h}.
   The w_i d_i/S sum to 1. This is (a).
2. Let rho_i = W_i(h')/W_i(h). By (a), rho_i = (h'/h) E_i[phi], with phi = g^{h'-h} and E_i the mean over u with the
   density proportional to g^h/(1 + u d_i). phi falls strictly. The density of i over that of j is proportional to (1 + u
   d_j)/(1 + u d_i), which falls strictly if d_i > d_j. So "Chebyshev", for E_j, phi and this ratio R, says E_i[phi] =
   E_j[phi R]/E_j[R] > E_j[phi]: rho_i rises strictly with d_i.
3. sum_i W_i(h) rho_i = sum_i W_i(h') = 1 = sum_i W_i(h), and by "Chebyshev" with the weights W_i(h)

       sum_i W_i(h') q_i - sum_i W_i(h) q_i = 1/2 sum_{ij} W_i(h) W_j(h) (rho_i - rho_j)(q_i - q_j),

   where no product is negative if q does not decrease with d. This is (b).
4. The integrands of W_i and W_j differ by  h g^h (d_i - d_j)/((1 + u d_i)(1 + u d_j)).  So W_i rises with d_i, and
   "Chebyshev" with weights 1 gives N sum_i W_i d_i >= sum_i W_i sum_i d_i = sum_i d_i: (c).                            []
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from .chebyshev import oppositely_ordered, ordered
from .checks import positive, same
from .ledger import Statement
from .notation import quantity
from .propositions import Fact, Proposition, argued, chain, through

h, u, s, d, w, more, fall = sp.symbols("h u s d w more fall", positive=True)
#: h' > h.
LARGER = h + more


def density(value: Any, shape: Any) -> Any:
    """Of a Gamma variable of rate 1."""
    return value ** (shape - 1) * sp.exp(-value) / sp.gamma(shape)


def transform(argument: Any, shape: Any) -> Any:
    """E e^{-sw}."""
    return (1 + argument) ** (-shape)


def biased_transform(argument: Any, shape: Any) -> Any:
    """E w e^{-sw}."""
    return shape * (1 + argument) ** (-shape - 1)


def factor(scale: Any, shape: Any) -> Any:
    """One factor of g(u)^h."""
    return (1 + u * scale) ** (-shape)


def rate(scale: Any, shape: Any) -> Any:
    """h d/(1 + u d): what W_i integrates against g^h."""
    return shape * scale / (1 + u * scale)


def integrand(scales: Sequence[Any], i: int, shape: Any) -> Any:
    """Of W_i(h)."""
    return rate(scales[i], shape) * sp.prod([factor(scale, shape) for scale in scales])


#: W_i(h), sum_i W_i(h) q_i and sum_i W_i(h) d_i; the same with a q that does not increase.
share = quantity("share", "W_i({})")
rising = quantity("rising", "sum_i W_i({}) q_i", positive=False)
falling = quantity("falling", "sum_i W_i({}) p_i", positive=False)
own = quantity("own", "sum_i W_i({}) d_i")
N, total = sp.Symbol("N", integer=True, positive=True), sp.Symbol("sum_i d_i", positive=True)
d_i = sp.Symbol("d_i", positive=True)
#: g(u)^h.
common = quantity("common", "g(u)^{}")

WEIGHTS = Statement(
    "weights",
    Proposition(share(h), "=", sp.Integral(rate(d_i, h) * common(h), (u, 0, sp.oo))),
    Proposition(rising(h), "<=", rising(LARGER)),
    Proposition(falling(LARGER), "<=", falling(h)),
    Proposition(total / N, "<=", own(h)),
    words="for Gamma weights of shape h, W_i(h) the mean of w_i d_i/(sum_k w_k d_k) and g(u) the product of all "
    "one over (one plus u d_k): {0}; for q_i that rise with d_i {1}, for p_i that fall {2}; {3}",
)


@WEIGHTS.symbolic
def transforms() -> None:
    """The Laplace transforms of a Gamma variable (all h > 0, s >= 0)."""
    mean = sp.integrate(sp.exp(-s * w) * density(w, h), (w, 0, sp.oo))
    same(mean, transform(s, h))
    same(-sp.diff(mean, s), biased_transform(s, h))


@WEIGHTS.symbolic
def representation() -> Fact:
    """1/S = int e^{-uS} du, factor by factor: (a) (each factor, hence all N; all h)."""
    transforms()
    total = sp.Symbol("S", positive=True)
    same(sp.integrate(sp.exp(-u * total), (u, 0, sp.oo)), 1 / total)
    # Factor i of the mean, over what it is in g^h; the other factors are those of g^h.
    found = same(d_i * biased_transform(u * d_i, h) / factor(d_i, h), rate(d_i, h))
    same(transform(u * d, h), factor(d, h))
    # The sum over i is -(g^h)': it integrates to g(0)^h - g(inf)^h = 1.
    same(-sp.diff(sp.log(factor(d, h)), u), rate(d, h))
    same(factor(d, h).subs(u, 0), 1)
    same(sp.limit(factor(d, sp.Rational(1, 2)), u, sp.oo), 0)
    positive(rate(d, h))
    return argued(share(h), "=", sp.Integral(found.right * common(h), (u, 0, sp.oo)), "step 1: the mean taken inside")


@WEIGHTS.symbolic
def quotient() -> None:
    """W_i(h')/W_i(h) = (h'/h) E_i[g^{h'-h}], and g falls (each factor, hence all N; all h < h')."""
    same(rate(d, LARGER) / rate(d, h), LARGER / h)
    same(factor(d, LARGER) / factor(d, h), factor(d, more))
    positive(-sp.diff(factor(d, more), u))


@WEIGHTS.symbolic
def likelihood_ratio() -> Fact:
    """The density of i over that of j is (1 + u d_j)/(1 + u d_i), and falls: E_j[phi] <= E_i[phi] (all d_i > d_j)."""
    larger = d + fall
    ratio = (rate(larger, h) / larger) / (rate(d, h) / d)
    same(ratio, (1 + u * d) / (1 + u * larger))
    positive(-sp.factor(sp.diff(ratio, u)))
    # E_i[phi] = E_j[phi R]/E_j[R], L = E_j; both phi and R fall.
    phi, R, both = sp.symbols("E_j[phi] E_j[R] E_j[phi_R]", positive=True)
    drop, slide = sp.symbols("drop slide", nonnegative=True)
    return through(lambda side: side / R, ordered((1, phi, R, both), -drop, -slide))


@WEIGHTS.symbolic
def tilted() -> tuple[Fact, Fact]:
    """Chebyshev for the weights W_i(h), of sum 1 like sum W_i(h) rho_i, rho_i = W_i(h')/W_i(h)."""
    quotient()
    likelihood_ratio()
    # sum W(h) = 1 and sum W(h) rho = sum W(h') = 1; sum W(h) rho q = sum W(h') q.
    rise, climb = sp.symbols("rise climb", nonnegative=True)
    up = ordered((1, 1, rising(h), rising(LARGER)), rise, climb)
    down = oppositely_ordered((1, 1, falling(h), falling(LARGER)), rise, climb)
    return chain(up), chain(down)


@WEIGHTS.symbolic
def larger_share() -> Fact:
    """W_i rises with d_i, and sum_i W_i d_i >= (1/N) sum_i d_i (all N, d, h)."""
    larger = d + fall
    difference = rate(larger, h) - rate(d, h)
    same(difference, h * fall / ((1 + u * larger) * (1 + u * d)))
    positive(difference)
    # Chebyshev with weights 1: L[1] = N, L[W] = 1.
    found = ordered((N, 1, total, own(h)), sp.Symbol("rise", nonnegative=True), fall)
    return through(lambda side: side / N, found)


@WEIGHTS.concludes
def conclusion() -> tuple[Fact, ...]:
    return representation(), *tilted(), larger_share()
