r"""Complex Gaussian measurements: the error is at most its deterministic equivalent, E_m <= m kappa_m.

Setting.  l_1, ..., l_n > 0, 1 <= m < n; N_t is a sum of independent Bernoulli variables of means p_i(t) = l_i/(l_i + t),
N_t^{(i)} without the i-th, and P_m(t) = P(N_t = m). By "complex-exact" E_m/m = G := int P(N_t > m) dt (integrals over (0,
inf)). kappa is where E N_kappa = m. Scaling l scales G and kappa: let kappa = 1, and show G <= 1. Write

    a_i = p_i(1) = l_i/(l_i + 1),   b_i = 1 - a_i,   sum a_i = m,   p_i(t) = a_i/(a_i + b_i t),
    w_i = e_m^{(i)}/e_m,   M_i = int P_m(t) (t - 1)/(t (a_i + b_i t)) dt.

0 < w_i < 1, and sum w_i = n - m = sum b_i by "symmetric-functions" (b). (P_m is of order t^{n-m} at 0 and t^{-m} at
infinity.)

Statement ("complex-equivalent").  E_m <= m kappa for complex A, every n >= 2, 1 <= m <= n - 1 and every spectrum, an
equality if and only if all l_i are equal.

Proof.

1. t d/dt P(N_t > m) = -P_m(t) sum_i w_i p_i(t).  For P(N > m) is a polynomial in the p_i, linear in each, with the
   derivative P(N^{(i)} >= m) - P(N^{(i)} > m) = P(N^{(i)} = m); moreover t p_i' = -p_i (1 - p_i), and (1 - p_i) P(N^{(i)}
   = m) = P(N = m without i) = w_i P_m.
2. P(N_t > m) falls from 1 to 0, and t P(N_t > m) vanishes at both ends. So 1 = sum w_i int p_i P_m dt/t, and by parts
   G = sum w_i int p_i P_m dt. Since p_i (1 - 1/t) = a_i (t - 1)/(t (a_i + b_i t)),

       G - 1 = sum_i a_i w_i M_i.                                                                                        (A)

3. t P_m' = (sum_i p_i(t) - m) P_m, and P_m vanishes at both ends. So 0 = int sum_i (p_i(t) - a_i) P_m dt/t, where
   p_i(t) - a_i = -a_i b_i (t - 1)/(a_i + b_i t):

       0 = sum_i a_i b_i M_i.                                                                                            (B)

4. Let r_i = 1 - e_{m-1}^{(i)}/e_m^{(i)}. Because e_m = e_m^{(i)} + l_i e_{m-1}^{(i)} and a_i/b_i = l_i,  a_i w_i r_i =
   w_i - b_i, of sum 0; and (A) minus (B) is

       G - 1 = sum_i a_i^2 w_i r_i M_i.                                                                                  (C)

5. Let l_i > l_j, so that a_i > a_j and b_i < b_j. Then M_i > M_j, r_i < r_j and a_i w_i/b_i >= a_j w_j/b_j:

       M_i - M_j = (b_j - b_i) int P_m (t - 1)^2/(t (a_i + b_i t)(a_j + b_j t)) dt;

   the second and third are "symmetric-functions" (d) and (c), as a w/b = l w.
6. "Chebyshev" three times, sums over i. With the weights W = a^2 w, and r, M oppositely ordered, sum W (G - 1) <= sum W r
   sum W M. With the weights a w, and a, r oppositely ordered,  sum W r <= (sum a w a)(sum a w r)/sum a w = 0.  With the
   weights a b, and a w/b, M similarly ordered,  sum W M >= (sum a w a)(sum a b M)/sum a b = 0.  So G <= 1.
7. If l_i != l_j, the first use is strict, by 5. If all l_i are equal, then M_i = 0 by (B) and G = 1 by (A).            []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .chebyshev import oppositely_ordered, ordered
from .checks import at_most, nonnegative, positive, same
from .complex_exact import COMPLEX
from .ledger import Statement
from .members import MEASURED, equivalent, kappa, m, n
from .notation import complex_E, quantity
from .propositions import Fact, Proposition, argued, chain, through
from .symmetric import SYMMETRIC, joined, product_exchange, ratio_exchange

t, l, a, b = sp.symbols("t l a b", positive=True)

#: e_m^{(i)} and e_{m-1}^{(i)}.
without, below = sp.symbols("e_m^i e_{m-1}^i", positive=True)


def seen(variance: Any) -> Any:
    """p_i(t)."""
    return variance / (variance + t)


def whole() -> Any:
    """e_m, from l_i and what is without it."""
    return without + l * below


def absent() -> Any:
    """w_i."""
    return without / whole()


def tilt() -> Any:
    """r_i."""
    return 1 - below / without


def kernel(first: Any, second: Any) -> Any:
    """What M_i integrates against P_m, from a_i and b_i."""
    return (t - 1) / (t * (first + second * t))


#: G at kappa = 1; sums over i: of W = a^2 w, of a w and of a b, without more and with a, r, M and their products.
area = quantity("area", "int P(N_t > m) dt")
weights = quantity("weights", "sum W")
tilts = quantity("tilts", "sum W r", positive=False)
levels = quantity("levels", "sum W M", positive=False)
unsaturated, saturated = quantity("aw", "sum a w"), quantity("ab", "sum a b")

UPPER = Statement(
    "complex-equivalent",
    Proposition(complex_E(m), "<=", equivalent(m), when=(MEASURED,)),
)


@UPPER.symbolic
def slope() -> None:
    """t d/dt P(N > m) = -P_m sum w_i p_i (each i, hence all n; all m, t)."""
    p, above, at = sp.symbols("p above at")  # P(N^{(i)} > m) and P(N^{(i)} = m)
    same(sp.diff(p * (above + at) + (1 - p) * above, p), at)
    same(t * sp.diff(seen(l), t), -seen(l) * (1 - seen(l)))
    rest = sp.Symbol("prod", positive=True)  # of the t + l_j, j != i
    whole_law = whole() * t ** (n - m) / (rest * (t + l))
    law_without = without * t ** (n - 1 - m) / rest
    same((1 - seen(l)) * law_without / whole_law, absent())


@UPPER.symbolic
def by_parts() -> None:
    """G - 1 = sum a_i w_i M_i (each i, hence all n; all m)."""
    exceedance = sp.Function("P")(t)
    same(sp.diff(t * exceedance, t), exceedance + t * sp.diff(exceedance, t))
    # kappa = 1: l = a/b.
    at_one = seen(l).subs(l, a / b)
    same(at_one * (1 - 1 / t), a * kernel(a, b))
    same(at_one.subs(b, 1 - a).subs(t, 1), a)


@UPPER.symbolic
def balance() -> None:
    """t P_m' = (sum p_i - m) P_m, so 0 = sum a_i b_i M_i (each i, hence all n; all m)."""
    # The logarithmic derivative of t^{n-m}/prod(t + l), times t: n - m less n terms, each 1 - p.
    same(t * sp.diff(sp.log(t + l), t), 1 - seen(l))
    same(t * sp.diff(sp.log(t ** (n - m)), t), n - m)
    total = sp.Symbol("total")
    same(n - m - (n - total), total - m)
    at_one = seen(l).subs(l, a / b)
    same(((at_one - a) / t).subs(b, 1 - a), (-a * b * kernel(a, b)).subs(b, 1 - a))


@UPPER.symbolic
def combined() -> None:
    """a_i w_i r_i = w_i - b_i (each i, hence all n; all m)."""
    at_one = seen(l).subs(t, 1)
    same(at_one * absent() * tilt(), absent() - (1 - at_one))
    # (A) - (B), term by term.
    same(at_one * absent() - at_one * (1 - at_one), at_one**2 * absent() * tilt())


@UPPER.symbolic
def rising() -> None:
    """M_i > M_j if l_i > l_j (all l_i > l_j; all n, m)."""
    other, gap = sp.symbols("b_j gap", positive=True)
    difference = kernel(1 - b, b) - kernel(1 - other, other)
    expected = (other - b) * (t - 1) ** 2 / (t * (1 - b + b * t) * (1 - other + other * t))
    same(difference, expected)
    # 0 < b_i < b_j < 1, with a = 1 - b.
    rest = sp.Symbol("a_j", positive=True)
    ordered = (gap / (rest + (b + gap) * t)) * (t - 1) ** 2 / (t * (rest + gap + b * t))
    same((kernel(rest + gap, b) - kernel(rest, b + gap)).subs(rest, 1 - b - gap), ordered.subs(rest, 1 - b - gap))
    positive(gap / ((rest + (b + gap) * t) * t * (rest + gap + b * t)))


@UPPER.symbolic
def falling() -> None:
    """r_i < r_j and a_i w_i/b_i >= a_j w_j/b_j if l_i > l_j (all l_i > l_j; all n, m)."""
    first, second = sp.symbols("l_i l_j", positive=True)

    def e(index: Any, other: Any) -> Any:
        """e^{(i)} has l_j and the rest."""
        return joined(index, other)

    SYMMETRIC.fact(3)  # the factor of ratio_exchange is positive
    r_i, r_j = 1 - e(m - 1, second) / e(m, second), 1 - e(m - 1, first) / e(m, first)
    same((r_j - r_i) * e(m, first) * e(m, second), ratio_exchange(m, first, second))
    same(first * e(m, second) - second * e(m, first), product_exchange(m, first, second))
    gap, newton = sp.symbols("gap newton", positive=True)
    factors = ratio_exchange(m, second + gap, second) / ratio_exchange(m, second + 1, second)
    positive(factors * newton)
    nonnegative(product_exchange(m, second + gap, second))
    same(absent() * seen(l).subs(t, 1) / (1 - seen(l).subs(t, 1)), l * absent(), "a w/b")


@UPPER.symbolic
def correlated() -> Fact:
    """Chebyshev three times (all n), with sum a w r = 0 = sum a b M."""
    for step in (by_parts, balance, combined, rising, falling):
        step()
    # The sums are those of W = a^2 w: a w * a r = W r, and a b * (a w/b) M = W M.
    w, r, M = sp.symbols("w r M")
    same(a * w * a * r, (a**2 * w) * r)
    same(a * b * (a * w / b) * M, (a**2 * w) * M)
    same(a * b * (a * w / b), a * (a * w))
    rise, climb = sp.symbols("rise climb", nonnegative=True)
    zero = sp.S.Zero
    # Weights a w, x = a, y = r; weights a b, x = a w/b, y = M; weights W, x = r (which falls), y = M.
    below = through(
        lambda side: side / unsaturated(), oppositely_ordered((unsaturated(), weights(), zero, tilts()), rise, climb)
    )
    above = through(lambda side: side / saturated(), ordered((saturated(), weights(), zero, levels()), rise, climb))
    found = oppositely_ordered((weights(), levels(), tilts(), area() - 1), rise, climb)
    # sum W r = -first and sum W M = second.
    same(below.right, above.left)
    first, second = sp.symbols("first second", nonnegative=True)
    at_most(-first * second, 0)
    last = argued(found.right, "<=", 0, "a product of two numbers, one at most 0 and one at least 0")
    return through(lambda side: 1 + side / weights(), chain(found, last))


@UPPER.symbolic
def flat() -> None:
    """Flat spectrum: M_i = 0 by (B), so G = 1 (all n, m)."""
    unknown = sp.Symbol("M_1")
    found = sp.solve(sp.Eq(n * a * b * unknown, 0), unknown)[0]
    same(1 + n * a * found, 1)
    # kappa = 1 where all l_i are m/(n - m).
    flat_value = m / (n - m)
    positive(flat_value, when=(MEASURED,))
    same(n * seen(flat_value).subs(t, 1), m)


@UPPER.concludes
def conclusion() -> Fact:
    slope()
    COMPLEX.fact()
    exact = 'scaled to kappa = 1, "complex-exact": E_m = m kappa G'
    law = argued(complex_E(m), "=", m * kappa(m) * area(), exact, when=(MEASURED,))
    found = chain(law, through(lambda side: m * kappa(m) * side, correlated()))
    return chain(found, same(found.right, equivalent(m)))
