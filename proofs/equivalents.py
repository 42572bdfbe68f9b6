r"""The deterministic equivalents agree with each other, and m kappa obeys the bounds of E_m.

Setting.  l_1 >= ... >= l_n > 0 and tail(k) = sum_{i>k} l_i; t_1, ..., t_n >= 0 are the variances of the signal, gamma >= 0
is the penalty, s^2 >= 0 the noise variance; m > 0, and m < n if gamma = 0. Sums are over i = 1..n. kappa > 0 is the root of

    m = df1 + gamma / kappa,    df1 = sum l_i / (l_i + kappa),    df2 = sum l_i^2 / (l_i + kappa)^2,                     (1)
    R = [ kappa^2 sum t_i / (l_i + kappa)^2 + s^2 df2 / m ] / (1 - df2/m).                                               (2)

Statement (algebra on these formulas: that R approximates the risk is not claimed here).

    (a) kappa exists and is unique, increases with gamma, decreases with m, and is continuous in gamma >= 0 if m < n: so
        (c) below is the limit of (d) for gamma -> 0.
    (b) 1 - df2/m > 0, so that R is finite and >= 0.
    (c) t = l, gamma = s^2 = 0:  R = m kappa.        (d) t = l, gamma = s^2:  R = sum l_i kappa / (l_i + kappa).
    (e) If all l_i = l and gamma = 0, then m kappa = l (n - m), which is E_m exactly.
    (f) Scaling l, t, gamma and s^2 by c > 0 multiplies kappa and R by c.
    (g) gamma = 0: m kappa decreases with m, a real number in (0, n).
    (h) gamma = 0, 0 <= k < m:  tail(m) <= m kappa <= m/(m - k) tail(k),  and  kappa >= l_{m+1}/m.
        With a penalty  gamma/m <= kappa <= (tail(k) + gamma)/(m - k).

By (h) m kappa lies between the least error of any A, tail(m), and the bound (1 + k/(m-k)) tail(k) of "T7" for complex A.
E_m <= m kappa for complex A ("complex-equivalent") therefore sharpens T7, for every k at once.

Proof.

1. Each l/(l + kappa) and gamma/kappa decreases in kappa. The right side of (1) falls continuously from n, or from infinity
   if gamma > 0, to 0, and passes m exactly once. With

       a = sum l_i / (l_i + kappa)^2 + gamma / kappa^2 > 0,

   implicit differentiation of (1) gives  d kappa/d gamma = 1/(kappa a) > 0  and  d kappa/dm = -1/a < 0: (a).
2. l/(l+kappa) - l^2/(l+kappa)^2 = l kappa/(l+kappa)^2. Summed over i,  df1 - df2 = kappa sum l_i/(l_i+kappa)^2 > 0,  and
   m - df2 = (df1 - df2) + gamma/kappa > 0: (b).
3. By 2, at t = l the numerator of (2) is  kappa (df1 - df2) + s^2 df2/m.  If s^2 = gamma, (1) says s^2 = kappa (m - df1),
   and

       kappa (df1 - df2) + kappa (m - df1) df2/m = kappa df1 (1 - df2/m),

   so R = kappa df1, which is (d). At s^2 = gamma = 0 moreover df1 = m, which is (c).
4. (e): (1) is m = n l/(l + kappa).  (f): the terms of (1) are not changed by the scaling, and (2) is multiplied by c.
5. (g): by 1 and 2, a = (m - df2)/kappa if gamma = 0, and  d(m kappa)/dm = kappa - m/a = -kappa df2/(m - df2) < 0.
6. (h), upper bound, for whole m and k: in (1), the first k terms are at most 1 and the others at most l_i/kappa. Hence
   m <= k + tail(k)/kappa + gamma/kappa.  Also m >= gamma/kappa.
7. (h), lower bound: let p_i = l_i/(l_i + kappa), which does not increase with i, and c = 1 - p_m > 0. Then
   l_i = kappa p_i/(1 - p_i), and (1) reads  sum_{i>m} p_i = sum_{i<=m} (1 - p_i),  so that

       tail(m) = kappa sum_{i>m} p_i/(1 - p_i) <= (kappa/c) sum_{i>m} p_i = (kappa/c) sum_{i<=m} (1 - p_i) <= (kappa/c) m c.

   Finally (m+1) l_{m+1}/(l_{m+1} + kappa) <= m, as m + 1 terms of (1) are at least as large: so l_{m+1} <= m kappa.      []
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from .checks import at_most, less, nonnegative, same
from .error import ERROR
from .ledger import Statement
from .notation import family, i
from .notation import l as level
from .propositions import Fact, Proposition, argued, at_least, chain, summed, through, under

l, kappa, c = sp.symbols("l kappa c", positive=True)
gamma, s2 = sp.symbols("gamma s2", nonnegative=True)
DF1, DF2 = sp.symbols("df1 df2", positive=True)
n, m = sp.symbols("n m", integer=True, positive=True)
k = sp.Symbol("k", integer=True, nonnegative=True)


def df1(variances: Sequence[Any], root: Any) -> Any:
    """df1 = sum l/(l + kappa)."""
    return sum(x / (x + root) for x in variances)


def df2(variances: Sequence[Any], root: Any) -> Any:
    """df2 = sum l^2/(l + kappa)^2."""
    return sum(x**2 / (x + root) ** 2 for x in variances)


def measurements(variances: Sequence[Any], penalty: Any, root: Any) -> Any:
    """The right side of (1)."""
    return df1(variances, root) + penalty / root


def bias(variances: Sequence[Any], signal: Sequence[Any], root: Any) -> Any:
    """kappa^2 sum t/(l + kappa)^2."""
    return root**2 * sum(y / (x + root) ** 2 for x, y in zip(variances, signal, strict=True))


def ratio(bias_term: Any, filtered: Any, noise: Any, m: Any) -> Any:
    """(2), from its first term and df2."""
    return (bias_term + noise * filtered / m) / (1 - filtered / m)


def risk(variances: Sequence[Any], signal: Sequence[Any], m: Any, noise: Any, root: Any) -> Any:
    """(2)."""
    return ratio(bias(variances, signal, root), df2(variances, root), noise, m)


def matched(variances: Sequence[Any], root: Any) -> Any:
    """sum l kappa/(l + kappa)."""
    return sum(x * root / (x + root) for x in variances)


def slack(filtered: Any, penalty: Any, root: Any) -> Any:
    """m - df2 = (df1 - df2) + gamma/kappa, from df1 - df2."""
    return filtered + penalty / root


def upper(m: Any, k: Any, tail: Any, penalty: Any) -> Any:
    """The upper bound of kappa in (h)."""
    return (tail + penalty) / (m - k)


def over(terms: Any, first: Any = 1, last: Any = n) -> Any:
    """The sum of terms in l over the spectrum, or a part of it."""
    return sp.Sum(terms.subs(l, level(i)), (i, first, last))


#: The letters df1, df2, gamma and m of one root kappa: any numbers that fulfil (1).
df1_, df2_, m_ = sp.symbols("df1 df2 m", real=True)
ONE = df1([l], kappa)
KAPPA = (m, over(ONE))  # (1) without penalty
a_ = sp.Symbol("a", positive=True)

EQUIVALENTS = Statement(
    "equivalents",
    Proposition(sp.Derivative(measurements([l], gamma, kappa), kappa), "<", 0),
    Proposition(over(bias([l], [l], kappa)), "=", kappa * (over(ONE) - over(df2([l], kappa)))),
    Proposition(ratio(kappa * (df1_ - df2_), df2_, kappa * (m_ - df1_), m_), "=", kappa * df1_),
    Proposition(over(matched([l], kappa)), "=", kappa * over(ONE)),
    Proposition(ratio(kappa * (m_ - df2_), df2_, 0, m_), "=", m_ * kappa),
    Proposition(n * df1([l], l * (n - m) / m), "=", m, when=(at_least(n, m + 1),)),
    Proposition(over(measurements([c * l], c * gamma, c * kappa)), "=", over(measurements([l], gamma, kappa))),
    Proposition(kappa - m / (a_ / kappa), "=", -kappa * (m - a_) / a_),
    Proposition(over(l, m + 1), "<=", m * kappa, when=(at_least(n, m + 1),), given=(KAPPA,)),
    Proposition(m * kappa, "<=", m / (m - k) * over(l, k + 1), when=(at_least(m, k + 1),), given=(KAPPA,)),
    words="the right side of the equation for kappa falls, {0}, so that kappa is unique; with the matched noise the "
    "numerator is {1} and the risk {2}, {3}; without noise {4}; flat: {5}; scaling: {6}; the slope of m kappa, with a "
    "above m less df2, is {7}; and {8}, {9}",
)


@EQUIVALENTS.symbolic
def slope() -> Fact:
    """Each term of the right side of (1) has the derivative -a, a > 0."""
    falling = -sp.diff(measurements([l], gamma, kappa), kappa)
    same(falling, l / (l + kappa) ** 2 + gamma / kappa**2)
    # Between its limits at 0 and infinity.
    same(sp.limit(measurements([l], 0, kappa), kappa, 0), 1)
    same(sp.limit(measurements([l], gamma, kappa), kappa, sp.oo), 0)
    # Implicit differentiation, on one term: m = f(kappa, gamma).
    same(-sp.diff(measurements([l], gamma, kappa), gamma) / -falling, 1 / (kappa * falling))
    return less(sp.Derivative(measurements([l], gamma, kappa), kappa), 0)


@EQUIVALENTS.symbolic
def difference() -> Fact:
    """df1 - df2 = kappa sum l/(l + kappa)^2; m - df2 = df1 - df2 + gamma/kappa > 0."""
    same(df1([l], kappa) - df2([l], kappa), kappa * l / (l + kappa) ** 2)
    gain = df1([l], kappa) - df2([l], kappa)
    same(measurements([l], gamma, kappa) - df2([l], kappa), slack(gain, gamma, kappa))
    nonnegative(slack(gain, gamma, kappa))
    return same(over(bias([l], [l], kappa)), kappa * (over(ONE) - over(df2([l], kappa))), "bias at t = l")


@EQUIVALENTS.symbolic
def matched_noise() -> tuple[Fact, Fact]:
    """t = l, s^2 = gamma = kappa (m - df1) by (1): R = kappa df1 = sum l kappa/(l + kappa)."""
    whole = same(ratio(kappa * (df1_ - df2_), df2_, kappa * (m_ - df1_), m_), kappa * df1_)
    return whole, same(over(matched([l], kappa)), kappa * over(ONE))


@EQUIVALENTS.symbolic
def noiseless() -> Fact:
    """t = l, gamma = s^2 = 0, df1 = m by (1): R = m kappa."""
    return same(ratio(kappa * (m_ - df2_), df2_, 0, m_), m_ * kappa)


@EQUIVALENTS.instance
def with_all_values() -> None:
    """Both with every l written out, n = 3."""
    variances = family("l", 3, positive=True)
    count = measurements(variances, gamma, kappa)
    same(risk(variances, variances, count, gamma, kappa), matched(variances, kappa))
    count = measurements(variances, 0, kappa)
    same(risk(variances, variances, count, 0, kappa), count * kappa)


@EQUIVALENTS.symbolic
def flat() -> Fact:
    """Flat spectrum: m kappa = l (n - m), which is the error of "error"."""
    root = l * (n - m) / m
    exact = ERROR.fact(3).right
    same(m * root / l, exact / exact.subs({n: m + 1}), "up to the scale")
    return same(n * df1([l], root), m, when=(at_least(n, m + 1),))


@EQUIVALENTS.symbolic
def homogeneity() -> Fact:
    """Scaling by c multiplies kappa and R by c, term by term."""
    t = sp.Symbol("t", positive=True)
    same(bias([c * l], [c * t], c * kappa), c * bias([l], [t], kappa), "numerator")
    same(df2([c * l], c * kappa), df2([l], kappa), "df2")
    return same(over(measurements([c * l], c * gamma, c * kappa)), over(measurements([l], gamma, kappa)))


@EQUIVALENTS.symbolic
def decreasing() -> Fact:
    """d(m kappa)/dm = kappa - m/a = -kappa df2/(m - df2) < 0, a = (m - df2)/kappa."""
    # gamma = 0: the sum of the l/(l + kappa)^2 is a = (m - df2)/kappa, each term by `difference`.
    same(l / (l + kappa) ** 2, (df1([l], kappa) - df2([l], kappa)) / kappa)
    less(-kappa * DF2 / a_, 0)
    return same(kappa - m / (a_ / kappa), -kappa * (m - a_) / a_)


def of_root() -> Fact:
    """(1) without penalty, the definition of kappa."""
    return under(argued(m, "=", over(ONE), "the definition of kappa"), KAPPA)


@EQUIVALENTS.symbolic
def upper_bound() -> Fact:
    """m <= k + tail(k)/kappa, hence kappa <= tail(k)/(m - k)."""
    head = summed(at_most(ONE, 1).at({l: level(i)}), i, 1, k)
    rest = summed(at_most(ONE, l / kappa).at({l: level(i)}), i, k + 1, n)
    split = same(over(ONE), over(ONE, 1, k) + over(ONE, k + 1))
    links = [of_root(), split, through(lambda side: side + rest.left, head), through(lambda side: head.right + side, rest)]
    found = chain(*links)
    last = same(found.right, k + over(l, k + 1) / kappa)
    solved = through(lambda side: (side - k) * kappa * m / (m - k), chain(found, last), when=(at_least(m, k + 1),))
    ends = same(solved.right, m / (m - k) * over(l, k + 1))
    # With a penalty, the same with tail(k) + gamma.
    gap, tail = sp.symbols("gap tail", positive=True)  # gap = m - k
    same((k + (tail + gamma) / kappa - (k + gap)) * kappa / gap, upper(k + gap, k, tail, gamma) - kappa)
    at_most(gamma / kappa, measurements([l], gamma, kappa), "m >= gamma/kappa")
    return chain(same(m * kappa, solved.left), solved, ends)


@EQUIVALENTS.symbolic
def lower_bound() -> Fact:
    """tail(m) <= (kappa/c) sum_{i>m} p_i <= (kappa/c) m c, with p_i = l_i/(l_i + kappa) and c = 1 - p_m."""
    drop = sp.Symbol("drop", nonnegative=True)
    least = 1 - ONE.subs(l, level(m))  # c
    # i > m: l_i <= (kappa/c) p_i, as l_i <= l_m.
    one = at_most(l, kappa / (1 - ONE.subs(l, l + drop)) * ONE).at({l: level(i), drop: level(m) - level(i)})
    rest = summed(one, i, m + 1, n)
    # i <= m: 1 - p_i <= c, as l_i >= l_m.
    two = at_most(1 - ONE.subs(l, l + drop), 1 - ONE).at({l: level(m), drop: level(i) - level(m)})
    head = summed(two, i, 1, m)
    same(head.right, m * least)
    # (1) says sum_{i>m} p_i = sum_{i<=m} (1 - p_i).
    seen = over(ONE, 1, m)
    split = through(lambda side: side - seen, of_root().turned())
    balance = chain(same(over(ONE, m + 1), split.left), split, same(split.right, over(1 - ONE, 1, m)))
    scale = kappa / least
    links = [rest, same(rest.right, scale * balance.left), through(lambda side: scale * side, balance)]
    links += [through(lambda side: scale * side, head), same(scale * head.right, m * kappa)]
    # Finally l_{m+1} <= m kappa: (m + 1) l/(l + kappa) <= m, times l + kappa.
    same((m - (m + 1) * df1([l], kappa)) * (l + kappa), m * kappa - l)
    return chain(*links)


@EQUIVALENTS.concludes
def conclusion() -> tuple[Fact, ...]:
    risks = *matched_noise(), noiseless(), flat(), homogeneity(), decreasing()
    return slope(), difference(), *risks, lower_bound(), upper_bound()
