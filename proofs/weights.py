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

from . import chebyshev
from .checks import nonnegative, positive, same
from .ledger import Statement

WEIGHTS = Statement(
    "weights",
    "sum_i W_i(h) q_i <= sum_i W_i(h') q_i, h < h', W_i(h) = E w_i d_i/sum_k w_k d_k, w_i ~ Gamma(h), q_i rising with d_i",
    uses=("Chebyshev",),
)

h, u, s, d, w, more, fall = sp.symbols("h u s d w more fall", positive=True)


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


@WEIGHTS.symbolic("the Laplace transforms of a Gamma variable", scope="all h > 0, s >= 0")
def transforms() -> None:
    mean = sp.integrate(sp.exp(-s * w) * density(w, h), (w, 0, sp.oo))
    same(mean, transform(s, h))
    same(-sp.diff(mean, s), biased_transform(s, h))


@WEIGHTS.symbolic("1/S = int e^{-uS} du, factor by factor: (a)", scope="each factor, hence all N; all h")
def representation() -> None:
    total = sp.Symbol("S", positive=True)
    same(sp.integrate(sp.exp(-u * total), (u, 0, sp.oo)), 1 / total)
    # Factor i of the mean, over what it is in g^h; the other factors are those of g^h.
    same(d * biased_transform(u * d, h) / factor(d, h), rate(d, h))
    same(transform(u * d, h), factor(d, h))
    # The sum over i is -(g^h)': it integrates to g(0)^h - g(inf)^h = 1.
    same(-sp.diff(sp.log(factor(d, h)), u), rate(d, h))
    same(factor(d, h).subs(u, 0), 1)
    same(sp.limit(factor(d, sp.Rational(1, 2)), u, sp.oo), 0)
    positive(rate(d, h))


@WEIGHTS.symbolic("W_i(h')/W_i(h) = (h'/h) E_i[g^{h'-h}], and g falls", scope="each factor, hence all N; all h < h'")
def quotient() -> None:
    same(rate(d, h + more) / rate(d, h), (h + more) / h)
    same(factor(d, h + more) / factor(d, h), factor(d, more))
    positive(-sp.diff(factor(d, more), u))


@WEIGHTS.symbolic("the density of i over that of j is (1 + u d_j)/(1 + u d_i), and falls", scope="all d_i > d_j")
def likelihood_ratio() -> None:
    larger = d + fall
    ratio = (rate(larger, h) / larger) / (rate(d, h) / d)
    same(ratio, (1 + u * d) / (1 + u * larger))
    positive(-sp.factor(sp.diff(ratio, u)))
    # E_i[phi] = E_j[phi R]/E_j[R], and by "Chebyshev" E_j[phi R] - E_j[phi] E_j[R] is half the mean of a product >= 0.
    first, second = sp.symbols("phi R")
    other = sp.symbols("phi' R'")
    same(chebyshev.applied(chebyshev.pair(first, second, *other), [first, second], other), chebyshev.covariance())
    drop, slide = sp.symbols("drop slide", positive=True)
    positive(chebyshev.pair(first + drop, second + slide, first, second), "two functions that fall")


@WEIGHTS.symbolic("the two weighted means differ by half a double sum", scope="all N, through sum W = sum W rho = 1")
def tilted() -> None:
    rho, q = sp.symbols("rho q")
    other = sp.symbols("rho' q'")
    double = chebyshev.applied(chebyshev.pair(rho, q, *other), [rho, q], other)
    # sum W(h) = 1 and sum W(h) rho = sum W(h') = 1; sum W(h) rho q = sum W(h') q.
    normalised = {chebyshev.moment(0, 0): 1, chebyshev.moment(1, 0): 1}
    before, after = chebyshev.moment(0, 1), chebyshev.moment(1, 1)
    same(double.subs(normalised), after - before)
    rise, climb = sp.symbols("rise climb", nonnegative=True)
    nonnegative(chebyshev.pair(rho + rise, q + climb, rho, q))
    nonnegative(-chebyshev.pair(rho + rise, q, rho, q + climb), "q that does not increase")


@WEIGHTS.symbolic("W_i rises with d_i, and sum_i W_i d_i >= (1/N) sum_i d_i", scope="all N, d, h")
def larger_share() -> None:
    larger = d + fall
    same(rate(larger, h) - rate(d, h), h * fall / ((1 + u * larger) * (1 + u * d)))
    positive(rate(larger, h) - rate(d, h))
    # "Chebyshev" with weights 1: L(1) = N, L(W) = 1, L(d) = sum d.
    count, total, weighted = sp.symbols("N total weighted", positive=True)
    gap = chebyshev.covariance().subs(
        {
            chebyshev.moment(0, 0): count,
            chebyshev.moment(1, 0): 1,
            chebyshev.moment(0, 1): total,
            chebyshev.moment(1, 1): weighted,
        }
    )
    same(gap / count, weighted - total / count)
