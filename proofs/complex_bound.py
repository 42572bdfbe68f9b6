r"""The bound for complex measurements.

Setting.  A (m x n) has independent complex entries (g + ih)/sqrt(2), g and h independent standard normal, so that E|.|^2
= 1; l_1 >= ... >= l_n > 0, Sigma^2 = diag(l), tail(k) = sum_{i>k} l_i; P is the orthogonal projector of C^n onto the range
of (A Sigma)^*, X_A = |Sigma (I - P)|_F^2 the error averaged over x = Sigma z with z complex, E z z^* = I, and E_m = E X_A.
A^* is the conjugate transpose; A = [A_1 A_2], Sigma = diag(Sigma_1, Sigma_2), with k columns in the first blocks.

Statement ("T7").  For 1 <= m < n and every 0 <= k <= m - 1,

    E_m <= (1 + k/(m-k)) tail(k) = m tail(k) / (m-k).

It is T2's bound for m + 1 measurements. So the best k is #{ j >= 0 : j + tail(j)/l_{j+1} <= m }; and no factor that depends
on k and m only can improve the bound.

Proof.

1. With B = A Sigma, of full row rank with probability 1, P = B^* (B B^*)^{-1} B and B (I - P) = 0. So, for every n x m
   matrix K,  Sigma (I - P) = (Sigma - K B)(I - P),  and Pythagoras gives  |Sigma (I - P)|_F <= |Sigma - K B|_F.
2. K = (A_1^+; 0) with A_1^+ = (A_1^* A_1)^{-1} A_1^* and A_1^+ A_1 = I leaves the blocks -A_1^+ A_2 Sigma_2 and Sigma_2:

       X_A <= tail(k) + |A_1^+ A_2 Sigma_2|_F^2      for every A with A_1 of rank k, which has probability 1.

3. A_2 is independent of A_1 and E A_2 Sigma_2^2 A_2^* = tail(k) I, because the entries have E a_p conj(a_q) = [p = q]. So
   the right side has mean tail(k) (1 + E tr (A_1^* A_1)^{-1}) = tail(k) (1 + k/(m-k)), by "inverse-Wishart".
4. In T2, B_k = (m-1) tail(k)/(m-1-k), 0 <= k <= m-2: put m + 1 for m. "T2-best-rank" applies since m + 1 <= n, and
   "T2-sharp" has the complex case.                                                                                      []

In steps 1 and 2 the algebra is that of the real case with * for T: both are linear over the reals, reverse products, and
are their own inverse, and nothing else is used.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import same
from .inverse_wishart import WISHART, complex_trace
from .ledger import Statement
from .matrices import same_matrices, same_means, same_traces, second_moment, square
from .notation import Mean, complex_E, tail
from .propositions import Fact, Proposition, argued, at_least, chain, extended, limit, mean, through
from .range_finder import (
    A_2,
    BEST_RANK,
    SHARP,
    T2,
    A_1_plus,
    I_k,
    Sigma_2,
    complex_two_level,
    f,
    h,
    k,
    m,
    n,
    rank,
    remaining,
)
from .truncated import A_1, NOISY, gaussian_mean, s


def bound(tail: Any, m: Any, k: Any) -> Any:
    """T7's right side."""
    return (1 + k / (m - k)) * tail


#: What A measures of x_1 is undone by A_1^+: (A_1^* A_1)^{-1} A_1^*.
W_inverse = sp.MatrixSymbol("W^-1", k, k)
PLUS = [(W_inverse.T, W_inverse), (W_inverse * A_1.T * A_1, I_k), (A_1.T * A_1 * W_inverse, I_k)]
#: |Sigma_2|_F^2.
REST = (sp.Trace(Sigma_2 * Sigma_2.T), tail(k))


def left_over() -> Any:
    """tail(k) + |A_1^+ A_2 Sigma_2|^2."""
    return tail(k) + square(W_inverse * A_1.T * A_2 * Sigma_2)


def head_ratio() -> Any:
    """E_m over T7's bound, for the head h (k times) and the floor f."""
    return sp.Limit(complex_two_level(m, n, k, h, f), h, sp.oo, "-") / bound((n - k) * f, m, k)


T7 = Statement(
    "T7",
    Proposition(complex_E(m), "<=", bound(tail(rank), m, rank), when=(at_least(m, rank + 1),)),
    Proposition(bound(tail(rank), m, rank), "=", T2.goals[0].right.subs(m, m + 1), when=(at_least(m, rank + 1),)),
    Proposition(sp.Limit(head_ratio(), n, sp.oo, "-"), "=", 1, when=(at_least(m, k + 1),)),
    words="complex A: {0}, the bound of T2 for one measurement more: {1}; and no better factor will do: {2}",
    setting=(*PLUS, REST),
)


@T7.symbolic
def blocks() -> Fact:
    """For K = (A_1^+; 0) what is left is tail(k) + |A_1^+ A_2 Sigma_2|^2 (* for T)."""
    head, (above, below) = remaining()
    same_matrices(head[0], sp.ZeroMatrix(k, k), [(A_1_plus * A_1, I_k)])
    by_normal_equations = [(A_1_plus, W_inverse * A_1.T)]
    return same_traces(square(above) + square(below), left_over(), [*by_normal_equations, REST])


@T7.symbolic
def second_moments() -> Fact:
    """E A_2 Sigma_2^2 A_2^* = tail(k) I: real and imaginary parts have variance 1/2 and are independent."""
    g, imaginary, other, its_imaginary = normals = sp.symbols("g h g' h'", real=True)
    a, b = ((one + sp.I * two) / sp.sqrt(2) for one, two in ((g, imaginary), (other, its_imaginary)))
    same(gaussian_mean(a * sp.conjugate(a), normals), 1, "E a conj(a)")
    same(gaussian_mean(a * sp.conjugate(b), normals), 0, "E a conj(b)")
    scatter = second_moment(A_2 * Sigma_2, sp.Identity(n - k), tail(k))
    averaged = (A_2 * Sigma_2 * Sigma_2.T * A_2.T, scatter[1])
    return same_means(left_over(), tail(k) + tail(k) * sp.Trace(W_inverse), [averaged], PLUS)


@T7.symbolic
def mean_bound() -> Fact:
    """With the inverse-Wishart mean."""
    after_means = mean(second_moments())
    reason = (
        "T2's steps with * for T: X_A <= |Sigma - K A Sigma|^2 for every K, which is what blocks says for K = (A_1^+; 0)"
    )
    law = argued(complex_E(m), "<=", after_means.left, reason)
    of_trace = argued(Mean(sp.Trace(W_inverse)), "=", complex_trace(m, k), "W = A_1^* A_1")
    links = [law, after_means, through(lambda side: tail(k) + tail(k) * side, chain(of_trace, WISHART.fact(1)))]
    blocks()
    for_each = chain(*links)
    found = chain(for_each, same(for_each.right, bound(tail(k), m, k))).at({k: rank})
    nothing = argued(complex_E(m), "<=", tail(sp.S.Zero), "k = 0: X_A <= |Sigma|^2, as in T2")
    return extended(found, rank, 0, nothing)


@T7.symbolic
def one_more() -> Fact:
    """It is T2 for m + 1; so T2-best-rank applies; and it is the complex T3."""
    truncated_one = NOISY.fact(1).at({s: 0})
    same(truncated_one.right, bound(tail(k), m, k), "the complex T3")
    BEST_RANK.fact(0)
    return same(bound(tail(rank), m, rank), T2.fact().right.subs(m, m + 1), when=(at_least(m, rank + 1),))


@T7.symbolic
def sharp() -> Fact:
    """No better factor of k and m."""
    head = through(lambda side: side / bound((n - k) * f, m, k), SHARP.fact(2))
    return chain(limit(head, n), same(limit(head, n).right, 1))


@T7.concludes
def conclusion() -> tuple[Fact, ...]:
    return mean_bound(), one_more(), sharp()
