r"""Halko, Martinsson and Tropp's bound for every k at once, sharpened; T1 and T2 are corollaries.

Setting.  As in "interlacing": real A, 2 <= m <= n - 1, f = (n - m)/(n - m + 1) < 1; l_1 >= ... >= l_n, tail(k) =
sum_{i>k} l_i.

Statement ("every-rank").  For every 0 <= k <= m - 2

    E_m <= f (m - 1) kappa_{m-1} <= f (m - 1)/(m - 1 - k) tail(k) = f (1 + k/(m-k-1)) tail(k) < (1 + k/(m-k-1)) tail(k).

The second member does not depend on k. The last is T2, and for k = m - 2 the fourth is f (m - 1) tail(m-2) < m tail(m-2),
T1.

Proof.  The first inequality is "interlacing" (1). The second is kappa_s <= tail(k)/(s - k) for k < s, "equivalents" (h)
with s = m - 1, times f (m - 1): of the terms of s = sum l_i/(l_i + kappa), the first k are at most 1, the others at most
l_i/kappa. The third is algebra, and f < 1.                                                                             []
"""

from __future__ import annotations

import sympy as sp

from . import range_finder
from .checks import positive, same
from .equivalents import upper
from .interlacing import real_upper, shrinkage
from .ledger import Statement

EVERY_RANK = Statement(
    "every-rank",
    "real A: E_m <= f (m-1) kappa_{m-1} <= f (1 + k/(m-k-1)) tail(k), f = (n-m)/(n-m+1), for every 0 <= k <= m-2",
    source="Halko, Martinsson & Tropp 2011, Theorem 10.5, is the case f = 1 of the last bound",
    uses=("interlacing", "equivalents", "T2", "T1-upper"),
)

n, m = sp.symbols("n m", integer=True, positive=True)
k, more, unmeasured = sp.symbols("k more unmeasured", integer=True, nonnegative=True)
tail = sp.Symbol("tail", positive=True)


@EVERY_RANK.symbolic("f (m-1) kappa_{m-1} <= f B_k, B_k the bound of T2", scope="all n, m and k <= m-2")
def from_the_root() -> None:
    largest = upper(m - 1, k, tail, 0)
    same(real_upper(n, m, largest), shrinkage(n, m) * range_finder.bound(tail, m, k))
    same(range_finder.bound(tail, m, k), (1 + k / (m - k - 1)) * tail)
    root = sp.Symbol("kappa", positive=True)
    # real_upper rises with kappa.
    allowed = {n: m + 1 + unmeasured}
    positive(sp.diff(real_upper(n, m, root), root).subs(allowed).subs(m, k + 2 + more))


@EVERY_RANK.symbolic("f < 1: smaller than T2, and at k = m - 2 smaller than T1", scope="all n, m and k <= m-2")
def smaller() -> None:
    allowed = {n: m + 1 + unmeasured}
    better = shrinkage(n, m) * range_finder.bound(tail, m, k)
    positive((range_finder.bound(tail, m, k) - better).subs(allowed).subs(m, k + 2 + more))
    at_rank = better.subs(k, m - 2)
    same(at_rank, shrinkage(n, m) * (m - 1) * tail)
    positive((m * tail - at_rank).subs(allowed))
