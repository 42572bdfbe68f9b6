r"""The upper bound of the original theorem, with the constant that it can have.

Setting.  As in "T2": real Gaussian measurements, l_1 >= ... >= l_n > 0, tail(k) = sum_{i>k} l_i, 2 <= m < n.

Statement ("T1-upper").  E_m <= (m-1) tail(m-2) < m tail(m-2). And

(a) T2 is never worse: min_k B_k <= (m-1) tail(m-2);
(b) m - 1 is the right constant: if E_m <= c tail(m-2) for all n and all spectra, then c >= m - 1.

Proof.

1. k = m - 2 is allowed in "T2" and gives the factor 1 + (m-2)/(m - (m-2) - 1) = m - 1, hence (a). Since m - 2 < n,
   tail(m-2) > 0, and (m-1) tail(m-2) < m tail(m-2).
2. By "T2-sharp" with k = m - 2, head h -> infinity and floor f, E_m -> (m-1)(n-m) f, while tail(m-2) = (n-m+2) f: their
   ratio (m-1)(n-m)/(n-m+2) tends to m - 1 as n -> infinity.                                                             []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import less, same
from .ledger import Statement
from .notation import E
from .notation import tail as tail_of
from .propositions import Fact, Proposition, at_least, chain, limit, through
from .range_finder import SHARP, T2, h, k, rank, two_level

n, m = sp.symbols("n m", integer=True, positive=True)
f = sp.Symbol("f", positive=True)


def theorem(tail: Any, m: Any) -> Any:
    """The right side of T1, from tail(m - 2)."""
    return m * tail


def constant(m: Any) -> Any:
    """The constant in front of tail(m - 2) that T2 gives."""
    return m - 1


def of_head() -> Any:
    """E_m over tail(m - 2) for the head h (m - 2 times) and the floor f."""
    return sp.Limit(two_level(m, n, m - 2, h, f), h, sp.oo, "-") / ((n - (m - 2)) * f)


UPPER = Statement(
    "T1-upper",
    Proposition(E(m), "<=", constant(m) * tail_of(m - 2), when=(at_least(m, 2),)),
    Proposition(E(m), "<", theorem(tail_of(m - 2), m), when=(at_least(m, 2),)),
    Proposition(sp.Limit(of_head(), n, sp.oo, "-"), "=", constant(m), when=(at_least(m, 3),)),
    words="{0}, and {1}; no smaller constant will do: {2}",
    source="Asim et al. 2020 (with m)",
)


@UPPER.symbolic
def factor() -> tuple[Fact, Fact]:
    """T2 at k = m - 2 has the factor m - 1, which is below m."""
    largest = T2.fact().at({rank: m - 2})
    ours = chain(largest, same(largest.right, constant(m) * tail_of(m - 2)))
    return ours, chain(ours, less(ours.right, theorem(tail_of(m - 2), m)))


@UPPER.symbolic
def least_constant() -> Fact:
    """No constant below m - 1 will do."""
    head = through(lambda side: side / ((n - (m - 2)) * f), SHARP.fact(1).at({k: m - 2}))
    ends = limit(head, n)
    return chain(ends, same(ends.right, constant(m)))


@UPPER.concludes
def conclusion() -> tuple[Fact, ...]:
    return *factor(), least_constant()
