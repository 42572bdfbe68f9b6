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

from .checks import same
from .comparison import ABOVE
from .complex_sandwich import UPPER
from .equivalents import EQUIVALENTS, df1
from .inverse_trace import INVERSE_TRACE, factor
from .ledger import Statement
from .members import (
    MEASURED,
    V,
    at_inverse_spectrum,
    complex_V,
    equivalent,
    inverse_sum,
    per_unmeasured,
)
from .members import kappa as root
from .notation import E, complex_E, quantity, tail
from .outer_link import LOWER
from .propositions import Fact, Proposition, argued, at_least, chain, restricted, through
from .range_finder import SHARP
from .real_sandwich import REAL

n, m, k, r = sp.symbols("n m k r", integer=True, positive=True)
kappa, floor = sp.symbols("kappa f", positive=True)


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


#: E tr (A M A^*)^{-1} for r rows: real, complex.
real_trace, complex_trace = quantity("inverse", "E[tr (A M A^T)^{{-1}}]"), quantity("inverse_c", "E[tr (A M A^*)^{{-1}}]")

FEWER, MORE = at_least(m, 2), at_least(n, m + 2)

INTERLACING = Statement(
    "interlacing",
    Proposition(per_unmeasured(equivalent(m + 1), m + 1), "<=", per_unmeasured(complex_E(m), m), when=(MORE,)),
    Proposition(n / inverse_sum(), "<=", complex_E(n - 1), when=(at_least(n, 2),)),
    Proposition(per_unmeasured(complex_E(m), m), "<=", per_unmeasured(equivalent(m), m), when=(MEASURED,)),
    Proposition(per_unmeasured(equivalent(m), m), "<=", per_unmeasured(E(m), m), when=(MEASURED,)),
    Proposition(per_unmeasured(E(m), m), "<=", per_unmeasured(complex_E(m - 1), m - 1), when=(MEASURED,)),
    Proposition(
        per_unmeasured(complex_E(m - 1), m - 1), "<=", per_unmeasured(equivalent(m - 1), m - 1), when=(FEWER, MEASURED)
    ),
    Proposition(E(m), "<=", real_upper(n, m, root(m - 1)), when=(FEWER, MEASURED)),
    Proposition(real_lower(m, root(m)), "<=", E(m), when=(MEASURED,)),
    Proposition(complex_lower(n, m, root(m + 1)), "<=", complex_E(m), when=(MORE,)),
    Proposition(E(1), "<=", shrinkage(n, 1) * tail(0), when=(at_least(n, 2),)),
    words="per unmeasured dimension {0}, and {1}; {2}; {3}; {4}; {5}; hence {6}, {7}; {8}; and {9}",
)
INVERSE = Statement(
    "inverse-trace-bounds",
    Proposition(complex_trace(r), "<=", 1 / root(r), when=(at_least(n, r + 1),)),
    Proposition(inverse_lower(n, r, root(r)), "<=", real_trace(r), when=(at_least(n, r + 2),)),
    Proposition(real_trace(r), "<=", inverse_upper(r, root(r + 1)), when=(at_least(n, r + 2),)),
    words="for r rows: complex A, {0}; real A, {1} and {2}",
)


@INTERLACING.symbolic
def links() -> tuple[Fact, ...]:
    """The links, divided by what is unmeasured."""
    complex_upper = through(lambda side: per_unmeasured(side, m), UPPER.fact(), when=(MEASURED,))
    real_lower = through(lambda side: per_unmeasured(side, m), REAL.fact(), when=(MEASURED,))
    before = restricted(UPPER.fact().at({m: m - 1}), FEWER, MEASURED)
    above = through(lambda side: per_unmeasured(side, m - 1), before, when=(FEWER, MEASURED))
    return LOWER.fact(0), LOWER.fact(1), complex_upper, real_lower, ABOVE.fact(1), above


@INTERLACING.symbolic
def denormalised() -> tuple[Fact, ...]:
    """The upper bounds of E_m are those of e_m, times n - m."""
    outer, _, _, below, step, above = links()
    times = through(lambda side: (n - m) * side, restricted(chain(step, above), FEWER, MEASURED), when=(FEWER, MEASURED))
    at_first = restricted(step.at({m: 1}), at_least(n, 2))
    first = through(lambda side: (n - 1) * side, at_first, when=(at_least(n, 2),))
    total = argued(complex_E(0), "=", tail(0), "E_0 is the trace")
    of_total = through(lambda side: shrinkage(n, 1) * side, total)
    real = through(lambda side: (n - m) * side, below, when=(MEASURED,))
    unitary = through(lambda side: (n - m) * side, outer, when=(MORE,))
    return (
        chain(times, same(times.right, real_upper(n, m, root(m - 1)))),
        chain(same(real_lower(m, root(m)), real.left), real),
        chain(same(complex_lower(n, m, root(m + 1)), unitary.left), unitary),
        chain(first, same(first.right, of_total.left), of_total),
    )


@INTERLACING.symbolic
def flat() -> None:
    """Flat spectrum: all members are l (all n, m)."""
    l = sp.Symbol("l", positive=True)
    value = l * (n - m) / m
    same(n * df1([l], value), EQUIVALENTS.fact(5).right)
    same(per_unmeasured(m * value, m), l)
    same(per_unmeasured(real_upper(n, m + 1, value), m + 1), l)
    same(n / (n / l), l, "A_n")


@INTERLACING.symbolic
def sharp() -> None:
    """Spikes: e_m^R and A_{m-1} have the same limit (all n, m and k <= m-2)."""
    found = sp.solve(sp.Eq(k + (n - k) * df1([floor], kappa), m - 1), kappa)[0]
    error = SHARP.fact(1).right.subs(sp.Symbol("f", positive=True), floor)
    same(per_unmeasured(error, m), floor * (m - 1) / (m - 1 - k))
    same(real_upper(n, m, found), error)
    h = sp.Symbol("h", positive=True)
    same(sp.limit(df1([h], kappa), h, sp.oo), 1, "a spike")


@INTERLACING.concludes
def conclusion() -> tuple[Fact, ...]:
    return *links(), *denormalised()


@INVERSE.symbolic
def from_the_errors() -> tuple[Fact, Fact]:
    """Complex: 1/kappa_r; real, below: E_{n-r} >= (n-r) kappa_{n-r}(1/mu) (all n, r)."""
    roots = through(lambda side: (n - r) * side, INVERSE_TRACE.fact(4))
    size = {m: n - r}
    upper = at_inverse_spectrum(UPPER.fact().at(size))
    upper = restricted(chain(INVERSE_TRACE.fact(1).turned(), upper, roots), at_least(n, r + 1))
    lower = at_inverse_spectrum(REAL.fact().at(size))
    lower = restricted(chain(roots.turned(), lower, INVERSE_TRACE.fact(0)), at_least(n, r + 2))
    complex_side = through(lambda side: side / factor(n, r, 2), upper, when=(at_least(n, r + 1),))
    real_side = through(lambda side: side / factor(n, r, 1), lower, when=(at_least(n, r + 2),))
    unitary, real = (
        argued(name(r), "=", r * V_r, CORNER) for name, V_r in ((complex_trace, complex_V(r)), (real_trace, V(r)))
    )
    return (
        chain(unitary, same(unitary.right, complex_side.left), complex_side),
        chain(real_side, same(real_side.right, real.right), real.turned()),
    )


CORNER = 'V_r is the mean of a diagonal entry of the inverse, "one-measurement"'


@INVERSE.symbolic
def above() -> Fact:
    """Real, above: r V_r <= r V_{r+1} = r/(r+1) E tr, r + 1 complex rows (all n, r)."""
    complex_side = restricted(from_the_errors()[0].at({r: r + 1}), at_least(n, r + 2))
    one_more = argued(complex_V(r + 1), "=", complex_trace(r + 1) / (r + 1), CORNER)
    scaled = through(lambda side: side / (r + 1), complex_side)
    rows = through(lambda side: r * side, chain(ABOVE.fact(0), one_more, scaled))
    found = chain(argued(real_trace(r), "=", r * V(r), CORNER), rows)
    return chain(found, same(found.right, inverse_upper(r, root(r + 1))))


@INVERSE.symbolic
def scalar() -> None:
    """M = c I: both real bounds are r/(c (n-r-1)) (all n, r, c)."""
    c = sp.Symbol("c", positive=True)

    def at(s: Any) -> Any:
        return c * (n - s) / s

    same(n * df1([c], at(r)), r)
    same(inverse_lower(n, r, at(r)), r / (c * (n - r - 1)))
    same(inverse_upper(r, at(r + 1)), r / (c * (n - r - 1)))


@INVERSE.concludes
def conclusion_on_traces() -> tuple[Fact, ...]:
    return *from_the_errors(), above()
