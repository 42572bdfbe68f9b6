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

from .checks import less, same
from .equivalents import EQUIVALENTS, KAPPA, l, over
from .equivalents import k as below
from .equivalents import kappa as root
from .interlacing import INTERLACING, real_upper, shrinkage
from .ledger import Statement
from .members import kappa, m, n
from .notation import E, tail
from .propositions import Fact, Proposition, at_least, chain, defined, restricted, through
from .range_finder import T2, rank
from .upper_bound import UPPER

#: rank is k.
DOMAIN = (at_least(m, rank + 2), at_least(n, m + 1))
SHARPER = shrinkage(n, m) * (1 + rank / (m - rank - 1)) * tail(rank)

#: "equivalents" for m - 1 measurements, and what its root is.
OF_ROOT = {m: m - 1, below: rank, root: kappa(m - 1)}
EQUATION = (KAPPA[0] - 1, KAPPA[1].subs(root, kappa(m - 1)))

EVERY_RANK = Statement(
    "every-rank",
    Proposition(E(m), "<=", real_upper(n, m, kappa(m - 1)), when=DOMAIN),
    Proposition(real_upper(n, m, kappa(m - 1)), "<=", SHARPER, when=DOMAIN),
    Proposition(SHARPER, "<", (1 + rank / (m - rank - 1)) * tail(rank), when=DOMAIN),
    Proposition(E(m), "<", m * tail(m - 2), when=(at_least(m, 2), at_least(n, m + 1))),
    words="{0}, {1}, which sharpens T2, {2}, and T1, {3}",
    source="Halko, Martinsson & Tropp 2011, Theorem 10.5, is the case f = 1 of the last bound",
    setting=(EQUATION,),
)


@EVERY_RANK.symbolic
def from_the_root() -> Fact:
    """f (m-1) kappa_{m-1} <= f B_k, B_k the bound of T2 (all n, m and k <= m-2)."""
    bound = EQUIVALENTS.fact(9).at(OF_ROOT)
    scaled = through(lambda side: shrinkage(n, m) * side, bound, when=DOMAIN)
    tails = defined(tail(rank), over(l, rank + 1)).turned()
    named = through(lambda side: scaled.right / tails.left * side, tails)
    start, middle = same(real_upper(n, m, kappa(m - 1)), scaled.left), same(scaled.right, named.left)
    found = chain(start, scaled, middle, named)
    return restricted(chain(found, same(found.right, SHARPER)), *DOMAIN)


@EVERY_RANK.symbolic
def smaller() -> tuple[Fact, Fact]:
    """f < 1: smaller than T2, and at k = m - 2 smaller than T1 (all n, m and k <= m-2)."""
    bound = T2.fact().right
    better = less(SHARPER, bound, when=DOMAIN)
    at_rank = {rank: m - 2}
    last = (at_least(m, 2), at_least(n, m + 1))
    whole = chain(restricted(INTERLACING.fact(6), *DOMAIN), from_the_root()).at(at_rank)
    whole = restricted(whole, *last)
    old = UPPER.fact(1)
    final = less(whole.right, old.right, when=last)
    return better, chain(whole, final)


@EVERY_RANK.concludes
def conclusion() -> tuple[Fact, ...]:
    return restricted(INTERLACING.fact(6), *DOMAIN), from_the_root(), *smaller()
