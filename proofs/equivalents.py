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
The open conjecture E_m <= m kappa for complex A would therefore sharpen T7, for every k at once.

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

from .checks import at_most, nonnegative, same
from .ledger import Statement

EQUIVALENTS = Statement(
    "equivalents",
    "kappa is well defined, the equivalents agree with each other, and tail(m) <= m kappa <= m/(m-k) tail(k) for k < m",
    uses=("error",),
)

l, kappa, c = sp.symbols("l kappa c", positive=True)
gamma, s2 = sp.symbols("gamma s2", nonnegative=True)
DF1, DF2 = sp.symbols("df1 df2", positive=True)


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


@EQUIVALENTS.symbolic
def slope() -> None:
    """The right side of (1) has the derivative -a, a > 0."""
    falling = -sp.diff(measurements([l], gamma, kappa), kappa)
    same(falling, l / (l + kappa) ** 2 + gamma / kappa**2)
    nonnegative(falling)
    # Between its limits at 0 and infinity.
    same(sp.limit(measurements([l], 0, kappa), kappa, 0), 1)
    same(sp.limit(measurements([l], gamma, kappa), kappa, sp.oo), 0)
    # Implicit differentiation, on one term: m = f(kappa, gamma).
    same(-sp.diff(measurements([l], gamma, kappa), gamma) / -falling, 1 / (kappa * falling))


@EQUIVALENTS.symbolic
def difference() -> None:
    """Df1 - df2 = kappa sum l/(l + kappa)^2; m - df2 = df1 - df2 + gamma/kappa > 0."""
    same(df1([l], kappa) - df2([l], kappa), kappa * l / (l + kappa) ** 2)
    same(bias([l], [l], kappa), kappa * (df1([l], kappa) - df2([l], kappa)), "bias at t = l")
    gain = df1([l], kappa) - df2([l], kappa)
    same(measurements([l], gamma, kappa) - df2([l], kappa), slack(gain, gamma, kappa))
    nonnegative(slack(gain, gamma, kappa))


@EQUIVALENTS.symbolic
def matched_noise() -> None:
    """T = l, s^2 = gamma: R = sum l kappa/(l + kappa)."""
    m = sp.Symbol("m", positive=True)
    # All n: the bias by `difference`, s^2 = gamma by (1), and sum l kappa/(l + kappa) = kappa df1.
    same(ratio(kappa * (DF1 - DF2), DF2, kappa * (m - DF1), m), kappa * DF1)
    same(matched([l], kappa), kappa * df1([l], kappa))
    variances = sp.symbols("l1:4", positive=True)
    count = measurements(variances, gamma, kappa)
    same(risk(variances, variances, count, gamma, kappa), matched(variances, kappa))


@EQUIVALENTS.symbolic
def noiseless() -> None:
    """T = l, gamma = s^2 = 0: R = m kappa."""
    m = sp.Symbol("m", positive=True)
    same(ratio(kappa * (m - DF2), DF2, 0, m), m * kappa)
    variances = sp.symbols("l1:4", positive=True)
    count = measurements(variances, 0, kappa)
    same(risk(variances, variances, count, 0, kappa), count * kappa)


@EQUIVALENTS.symbolic
def flat() -> None:
    """Flat spectrum: m kappa = l (n - m)."""
    n, m = sp.symbols("n m", positive=True)
    root = l * (n - m) / m
    same(n * df1([l], root), m)
    same(m * root, l * (n - m))


@EQUIVALENTS.symbolic
def homogeneity() -> None:
    """Scaling by c multiplies kappa and R by c."""
    variances, signal = sp.symbols("l1:3", positive=True), sp.symbols("t1:3", positive=True)
    m = sp.Symbol("m", positive=True)
    scaled, other = [c * x for x in variances], [c * x for x in signal]
    same(measurements(scaled, c * gamma, c * kappa), measurements(variances, gamma, kappa))
    same(risk(scaled, other, m, c * s2, c * kappa), c * risk(variances, signal, m, s2, kappa))


@EQUIVALENTS.symbolic
def decreasing() -> None:
    """D(m kappa)/dm = -kappa df2/(m - df2) < 0."""
    gain = sp.Symbol("gain", positive=True)  # m - df2
    m = DF2 + gain
    # gamma = 0: the sum of the l/(l + kappa)^2 is a = (m - df2)/kappa, each term by `difference`.
    same(l / (l + kappa) ** 2, (df1([l], kappa) - df2([l], kappa)) / kappa)
    a = (m - DF2) / kappa
    same(kappa - m / a, -kappa * DF2 / gain)
    nonnegative(-(kappa - m / a))


@EQUIVALENTS.symbolic
def upper_bound() -> None:
    """Kappa <= (tail(k) + gamma)/(m - k) and kappa >= gamma/m."""
    k = sp.Symbol("k", integer=True, nonnegative=True)
    gap, tail = sp.symbols("gap tail", positive=True)  # gap = m - k
    at_most(df1([l], kappa), 1, "one of the first k terms")
    at_most(df1([l], kappa), l / kappa, "one of the others")
    # m <= k + (tail + gamma)/kappa is kappa <= (tail + gamma)/(m - k): their difference, times kappa/(m - k).
    m = k + gap
    same((k + (tail + gamma) / kappa - m) * kappa / gap, upper(m, k, tail, gamma) - kappa)
    at_most(gamma / kappa, measurements([l], gamma, kappa), "m >= gamma/kappa")
    same(m * upper(m, k, tail, 0), m / (m - k) * tail)


@EQUIVALENTS.symbolic
def lower_bound() -> None:
    """Tail(m) <= m kappa and l_{m+1} <= m kappa."""
    p = sp.Symbol("p", positive=True)
    same(l, kappa * (p / (1 - p)).subs(p, df1([l], kappa)))
    # 1 - p = kappa/(l + kappa) decreases in l: for i > m it is at least c = 1 - p_m, for i <= m at most c.
    nonnegative(-sp.diff(1 - df1([l], kappa), l))
    m = sp.Symbol("m", integer=True, positive=True)
    # (1) split at m: with S = sum_{i>m} p_i and Q = sum_{i<=m} (1 - p_i), df1 = (m - Q) + S, so df1 = m says S = Q.
    S, Q = sp.symbols("S Q", positive=True)
    same(sp.solve(sp.Eq((m - Q) + S, m), S)[0], Q)
    same(kappa / c * (m * c), m * kappa)
    # (m + 1) l/(l + kappa) <= m is l <= m kappa: the difference of the sides, times l + kappa.
    same((m - (m + 1) * df1([l], kappa)) * (l + kappa), m * kappa - l)
