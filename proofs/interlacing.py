r"""The interlacing theorem: the deterministic equivalents separate the errors of real and of complex measurements.

Setting.  l_1, ..., l_n > 0, n >= 2; E_m^R and E_m^C are the expected errors with m real and m complex Gaussian
measurements, kappa_s the root of sum_i l_i/(l_i + kappa) = s. Per unmeasured dimension

    e_m = E_m/(n - m),   A_m = m kappa_m/(n - m)  (1 <= m <= n - 1),   A_0 = (1/n) sum_i l_i,   A_n = n/sum_i (1/l_i).

Statement ("interlacing").  For 1 <= m <= n - 1

    A_{m+1} <= e_m^C <= A_m <= e_m^R <= e_{m-1}^C <= A_{m-1}.

Each is an equality if all l_i are equal, and otherwise none is, but for A_m = e_m^R at n = 2 and e_0^C = A_0. In
particular, with f = (n - m)/(n - m + 1),

    m kappa_m <= E_m^R <= f (m - 1) kappa_{m-1}  (m >= 2),      E_1^R <= f sum_i l_i.                                  (1)

The indices cannot be improved: for k <= m - 2 equal spikes h and a flat rest, e_m^R/A_{m-1} -> 1 as h -> infinity.

Proof.

1. The links are, in this order, "complex-lower", "complex-equivalent", "real-equivalent", "real-below-complex", and
   "complex-equivalent" for m - 1 (for m = 1: e_0 = (1/n) sum l_i = A_0), each divided by what is unmeasured.
2. (1) is the fourth and fifth links together, times n - m, and the third.
3. By "T2-sharp", E_m^R tends to (1 + k/(m-k-1)) (n - m) f for a rest of value f, and the equation of kappa_{m-1} to
   k + (n - k) f/(f + kappa) = m - 1; then e_m^R and A_{m-1} tend to the same number, f (m-1)/(m-1-k).                  []

Statement ("inverse-trace-bounds").  For M > 0 with roots kappa_s of its eigenvalues and r x n Gaussian A

    complex A, r <= n - 1:   E tr (A M A^*)^{-1} <= 1/kappa_r,
    real A, r <= n - 2:      ((n-r)/(n-r-1)) / kappa_r <= E tr (A M A^T)^{-1} <= (r/(r+1)) / kappa_{r+1},

each an equality for M = c I.

Proof.  "inverse-trace" (d) says kappa_{n-r}(1/mu) = 1/kappa_r. By its (b) and "complex-equivalent" the complex mean is
E_{n-r}/(n-r) <= kappa_{n-r}(1/mu); by its (a) and "real-equivalent" the real mean is E_{n-r}/(n-r-1), at least (n-r)
kappa_{n-r}(1/mu)/(n-r-1). And (1) of "real-below-complex" bounds the real mean, r V_r^R, by r V_{r+1}^C, which is r/(r+1)
times the complex mean for r + 1 rows.                                                                                  []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from . import range_finder
from .checks import same
from .equivalents import df1
from .inverse_trace import factor
from .ledger import Statement

INTERLACING = Statement(
    "interlacing",
    "A_{m+1} <= e_m(complex) <= A_m <= e_m(real) <= e_{m-1}(complex) <= A_{m-1}, e_m = E_m/(n-m), A_m = m kappa_m/(n-m)",
    uses=("complex-lower", "complex-equivalent", "real-equivalent", "real-below-complex", "equivalents", "T2-sharp"),
)
INVERSE = Statement(
    "inverse-trace-bounds",
    "E tr (A M A^*)^{-1}: complex, <= 1/kappa_r; real, >= (n-r)/(n-r-1)/kappa_r and <= r/(r+1)/kappa_{r+1}",
    uses=("inverse-trace", "complex-equivalent", "real-equivalent", "real-below-complex"),
)

n, m, k, r = sp.symbols("n m k r", integer=True, positive=True)
kappa, floor = sp.symbols("kappa f", positive=True)


def per_unmeasured(value: Any, m: Any) -> Any:
    """e_m from E_m, and A_m from m kappa_m."""
    return value / (n - m)


def shrinkage(n: Any, m: Any) -> Any:
    """f = (n-m)/(n-m+1)."""
    return (n - m) / (n - m + 1)


def real_upper(n: Any, m: Any, root: Any) -> Any:
    """The upper bound of E_m^R, from kappa_{m-1}."""
    return shrinkage(n, m) * (m - 1) * root


def real_lower(m: Any, root: Any) -> Any:
    """The lower bound of E_m^R, from kappa_m."""
    return m * root


def complex_lower(n: Any, m: Any, root: Any) -> Any:
    """The lower bound of E_m^C, m <= n - 2, from kappa_{m+1}."""
    return (n - m) / (n - m - 1) * (m + 1) * root


def inverse_upper(r: Any, root: Any) -> Any:
    """The upper bound of E tr (A M A^T)^{-1} for real A, from kappa_{r+1}."""
    return r / ((r + 1) * root)


def inverse_lower(n: Any, r: Any, root: Any) -> Any:
    """The lower bound of E tr (A M A^T)^{-1} for real A, from kappa_r."""
    return (n - r) / ((n - r - 1) * root)


@INTERLACING.symbolic("the bounds of E_m are those of e_m, times n - m", scope="all n, m")
def denormalised() -> None:
    same(per_unmeasured(real_upper(n, m, kappa), m), per_unmeasured((m - 1) * kappa, m - 1))
    same(per_unmeasured(complex_lower(n, m, kappa), m), per_unmeasured((m + 1) * kappa, m + 1))
    total = sp.Symbol("T", positive=True)
    same(per_unmeasured(shrinkage(n, 1) * total, 1), total / n, "m = 1")


@INTERLACING.symbolic("flat spectrum: all members are l", scope="all n, m")
def flat() -> None:
    l = sp.Symbol("l", positive=True)
    root = l * (n - m) / m
    same(n * df1([l], root), m)
    same(per_unmeasured(real_lower(m, root), m), l)
    same(per_unmeasured(real_upper(n, m + 1, root), m + 1), l)
    same(n / (n / l), l, "A_n")


@INTERLACING.symbolic("spikes: e_m^R and A_{m-1} have the same limit", scope="all n, m and k <= m-2")
def sharp() -> None:
    root = sp.solve(sp.Eq(k + (n - k) * df1([floor], kappa), m - 1), kappa)[0]
    error = range_finder.infinite_head(m, n, k, floor)
    same(per_unmeasured(error, m), floor * (m - 1) / (m - 1 - k))
    same(real_upper(n, m, root), error)
    h = sp.Symbol("h", positive=True)
    same(sp.limit(df1([h], kappa), h, sp.oo), 1, "a spike")


@INVERSE.symbolic("complex: 1/kappa_r; real, below: E_{n-r} >= (n-r) kappa_{n-r}(1/mu)", scope="all n, r")
def below() -> None:
    dual = 1 / kappa
    same((n - r) * dual / factor(n, r, beta=2), 1 / kappa)
    same(real_lower(n - r, dual) / factor(n, r, beta=1), inverse_lower(n, r, kappa))


@INVERSE.symbolic("real, above: r V_r <= r V_{r+1} = r/(r+1) E tr, r + 1 complex rows", scope="all n, r")
def above() -> None:
    trace = 1 / kappa  # of r + 1 complex rows, at most
    same(r * trace / (r + 1), inverse_upper(r, kappa))
    # The same from the upper bound of E_{n-r}: m = n - r, and kappa_{m-1}(1/mu) = 1/kappa_{r+1}.
    same(real_upper(n, n - r, 1 / kappa) / factor(n, r, beta=1), inverse_upper(r, kappa))


@INVERSE.symbolic("M = c I: both real bounds are r/(c (n-r-1))", scope="all n, r, c")
def scalar() -> None:
    c = sp.Symbol("c", positive=True)

    def root(s: Any) -> Any:
        return c * (n - s) / s

    same(n * df1([c], root(r)), r)
    same(inverse_lower(n, r, root(r)), r / (c * (n - r - 1)))
    same(inverse_upper(r, root(r + 1)), r / (c * (n - r - 1)))
