r"""The exact risk of least squares in a truncated generator.

Setting.  x = Sigma z has independent coordinates x_i ~ N(0, l_i), l_1 >= ... >= l_n > 0 (the eigenbasis of the generator,
mean 0), and one sees y = A x + w, A m x n with independent standard normal entries, w ~ N(0, s^2 I_m), all three
independent. Write A = [A_1 A_2] and x = (x_1; x_2), the first k columns and coordinates apart from the others, k at most
m and n, and tail(k) = sum_{i>k} l_i. The rank-k truncated generator G_k makes signals of the form (x_1; 0) only; least
squares in it answers x_hat = (A_1^+ y; 0), where A_1^+ = (A_1^T A_1)^{-1} A_1^T (A_1 has rank k with probability 1).

Statement ("T3-noisy").

    E |x_hat - x|^2 = tail(k) + (tail(k) + s^2) k / (m-k-1)      for 0 <= k <= m - 2,

infinite for k = m - 1 and k = m if k >= 1 and tail(k) + s^2 > 0: the interpolation peak.

Statement ("T3").  Without noise, and for every single A with A_1 of rank k, averaged over x,

    E_x |x_hat - x|^2 = tail(k) + || A_1^+ A_2 Sigma_2 ||_F^2 =: Y_k(A),      Sigma_2^2 = diag(l_{k+1}, ..., l_n);
    E Y_k(A) = (1 + k/(m-k-1)) tail(k)      for 0 <= k <= m - 2.

The representation error tail(k) is never removed: for k >= 1 the risk is larger at every m, and tends to it as m grows.
For complex A (and x, w), E|.|^2 = 1 in every entry, k/(m-k-1) becomes k/(m-k), for 0 <= k <= m - 1, infinite at k = m.

Proof.  For k = 0 there is nothing to prove: x_hat = 0. Let k >= 1.

1. For every A with A_1 of rank k, A_1^+ A_1 = I gives  x_hat - x = (e; -x_2),  e = A_1^+ (A_2 x_2 + w).

2. Averaged over x_2 and w, which are independent with covariances Sigma_2^2 and s^2 I,

       E |x_hat - x|^2 = tail(k) + tr A_1^+ (A_2 Sigma_2^2 A_2^T + s^2 I) A_1^{+T}.

   With s = 0 this is Y_k(A).

3. A_2 is independent of A_1, and E A_2 Sigma_2^2 A_2^T = tail(k) I: the entry at (p, q) is
   sum_{j>k} l_j E[a_pj a_qj] = sum_{j>k} l_j [p = q]. Hence the second term has mean, given A_1,

       (tail(k) + s^2) tr A_1^+ A_1^{+T} = (tail(k) + s^2) tr (A_1^T A_1)^{-1}.

4. The inverse-Wishart mean, k/(m-k-1), or k/(m-k), or infinity, finishes the proof. (All terms are non-negative, so the
   order of the averages does not matter, and infinite values are allowed.)

5. k/(m-k-1) is positive and tends to 0 as m -> infinity.                                                                []
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from .checks import less, same
from .inverse_wishart import WISHART, complex_trace, real_trace
from .ledger import Statement
from .matrices import independent, same_matrices, same_means, second_moment, square
from .notation import Mean, Y, quantity, tail
from .propositions import Fact, Proposition, argued, at_least, chain, defined, mean, through

m, n, k = sp.symbols("m n k", integer=True, positive=True)
s = sp.Symbol("s", nonnegative=True)
noise = s**2

#: The mean square error of least squares in the truncated generator: real, complex A.
real_risk = quantity("real_risk", "risk({}, {}, {})")
complex_risk = quantity("complex_risk", "risk(complex A, {}, {}, {})")

A_1, A_2 = sp.MatrixSymbol("A_1", m, k), sp.MatrixSymbol("A_2", m, n - k)
L_2 = sp.MatrixSymbol("L_2", n - k, n - k)  # Sigma_2^2
W_inverse = sp.MatrixSymbol("W_inverse", k, k)  # (A_1^T A_1)^{-1}
x_1, x_2, w = sp.MatrixSymbol("x_1", k, 1), sp.MatrixSymbol("x_2", n - k, 1), sp.MatrixSymbol("w", m, 1)
A_1_plus = W_inverse * A_1.T
GIVEN = [
    (W_inverse.T, W_inverse),
    (L_2.T, L_2),
    (W_inverse * A_1.T * A_1, sp.Identity(k)),
    (A_1.T * A_1 * W_inverse, sp.Identity(k)),
]


def gaussian_mean(polynomial: Any, normals: Sequence[Any]) -> Any:
    """Mean of a polynomial in independent standard normals: E g^p = (p-1)!! for even p, and 0 for odd p.

    >>> g, h, c = sp.symbols("g h c")
    >>> gaussian_mean((g + c * h) ** 4, [g, h])
    3*c**4 + 6*c**2 + 3
    """
    terms = sp.Poly(sp.expand(polynomial), *normals).terms()
    return sum(
        coefficient * sp.prod(sp.factorial2(p - 1) for p in powers)
        for powers, coefficient in terms
        if not any(p % 2 for p in powers)
    )


def risk(tail: Any, m: Any, k: Any, noise: Any = 0, beta: int = 1) -> Any:
    """T3 and T3-noisy; `noise` is s^2, beta = 1 real, 2 complex."""
    return tail + (tail + noise) * k / (m - k - (1 if beta == 1 else 0))


def coordinate_error(seen: Any = A_2 * x_2 + s * w) -> Any:
    """e, the error of the first k coordinates, from what is seen of the others, and the noise s w."""
    return A_1_plus * seen


def risk_given(tail: Any, noise: Any) -> Any:
    """Error averaged over x and w, for one A; with noise 0 it is Y_k(A)."""
    return tail + sp.Trace(A_1_plus * (A_2 * L_2 * A_2.T + noise * sp.Identity(m)) * A_1_plus.T)


#: x_2 and w are independent, of covariances Sigma_2^2 and I, the noise being s w; tr Sigma_2^2 = tail(k).
SIGNALS = independent({x_2: L_2, w: sp.Identity(m)})
TAIL = (sp.Trace(L_2), tail(k))


def squared_error() -> Any:
    """|x_hat - x|^2."""
    return square(coordinate_error()) + square(x_2)


def squared_error_without_noise() -> Any:
    """|x_hat - x|^2 at s = 0."""
    return square(coordinate_error(A_2 * x_2)) + square(x_2)


def definition() -> Fact:
    """Y_k(A), the error averaged over x without noise."""
    return defined(Y(k), risk_given(tail(k), 0))


NOISY = Statement(
    "T3-noisy",
    Proposition(real_risk(m, k, s), "=", risk(tail(k), m, k, noise), when=(at_least(m, k + 2),)),
    Proposition(complex_risk(m, k, s), "=", risk(tail(k), m, k, noise, beta=2), when=(at_least(m, k + 1),)),
    Proposition(real_risk(k + 1, k, s), "=", sp.oo),
    Proposition(real_risk(k, k, s), "=", sp.oo),
    Proposition(complex_risk(k, k, s), "=", sp.oo),
    setting=(*GIVEN, TAIL),
)
NOISELESS = Statement(
    "T3",
    Proposition(Mean(squared_error_without_noise(), x_2), "=", Y(k)),
    Proposition(Mean(Y(k)), "=", (1 + k / (m - k - 1)) * tail(k), when=(at_least(m, k + 2),)),
    Proposition(tail(k), "<", risk(tail(k), m, k, noise), when=(at_least(m, k + 2),)),
    Proposition(sp.Limit(risk(tail(k), m, k, noise), m, sp.oo, "-"), "=", tail(k)),
    words="for every A {0}; {1}; the representation error is exceeded, {2}, and approached, {3}",
    setting=(*GIVEN, TAIL),
)


@NOISY.symbolic
def error() -> Fact:
    """x_hat - x = (A_1^+ (A_2 x_2 + w); -x_2)."""
    y = A_1 * x_1 + A_2 * x_2 + s * w
    return same_matrices(A_1_plus * y - x_1, coordinate_error(), GIVEN)


@NOISY.symbolic
def over_signals() -> Fact:
    """Its mean square over x and w."""
    return same_means(squared_error(), risk_given(tail(k), noise), SIGNALS, [*GIVEN, TAIL])


@NOISY.symbolic
def over_other_columns() -> Fact:
    """The mean over A_2 is tail(k) + (tail(k) + s^2) tr (A_1^T A_1)^{-1}."""
    scatter = second_moment(A_2, L_2, tail(k))
    reduced = tail(k) + (tail(k) + noise) * sp.Trace(W_inverse)
    return same_means(risk_given(tail(k), noise), reduced, [scatter], [*GIVEN, TAIL])


def through_wishart(beta: int) -> Fact:
    """The risk, from E tr (A_1^T A_1)^{-1}."""
    error()
    both = chain(mean(over_signals()), mean(over_other_columns()))
    of_trace = defined(real_trace(m, k), Mean(sp.Trace(W_inverse)))
    law = chain(defined(real_risk(m, k, s), both.left), both)
    real = chain(law, through(lambda side: tail(k) + (tail(k) + noise) * side, of_trace.turned()))
    if beta == 1:
        return real
    reason = "steps 1 to 3 with * for T: nothing else of them changes"
    return argued(complex_risk(m, k, s), "=", real.right.replace(real_trace, complex_trace), reason)


@NOISY.symbolic
def mean_risk() -> tuple[Fact, ...]:
    """With the inverse-Wishart mean: the risk, real and complex."""
    facts = []
    for beta in (1, 2):
        law = through_wishart(beta)
        put = through(lambda side: tail(k) + (tail(k) + noise) * side, WISHART.fact(beta - 1))
        facts.append(chain(law, put, same(put.right, risk(tail(k), m, k, noise, beta), f"beta = {beta}")))
    return tuple(facts)


@NOISY.symbolic
def peak() -> tuple[Fact, ...]:
    """Infinite for k = m - 1 and k = m; complex: for k = m."""
    facts = []
    for rows, beta, number in ((k + 1, 1, 3), (k, 1, 2), (k, 2, 4)):
        law = through_wishart(beta).at({m: rows})
        put = through(lambda side: tail(k) + (tail(k) + noise) * side, WISHART.fact(number))
        facts.append(chain(law, put))
    return tuple(facts)


@NOISY.concludes
def conclusion() -> tuple[Fact, ...]:
    return *mean_risk(), *peak()


@NOISELESS.symbolic
def noiseless() -> tuple[Fact, Fact]:
    """Without noise the risk is the mean of Y_k(A), (1 + k/(m-k-1)) tail(k)."""
    silent = squared_error_without_noise()
    over_x = same_means(silent, risk_given(tail(k), 0), independent({x_2: L_2}), [*GIVEN, TAIL])
    law = NOISY.fact(0).at({s: 0})
    named = defined(real_risk(m, k, sp.S.Zero), Mean(silent))
    of_Y = chain(mean(definition()), mean(over_x).turned(), named.turned(), law)
    bound = (1 + k / (m - k - 1)) * tail(k)
    return chain(over_x, definition().turned()), chain(of_Y, same(law.right, bound))


@NOISELESS.symbolic
def representation_error() -> tuple[Fact, Fact]:
    """The representation error tail(k) is exceeded for every m, and approached."""
    risk_of = risk(tail(k), m, k, noise)
    exceeded = less(tail(k), risk_of, when=(at_least(m, k + 2),))
    return exceeded, same(sp.Limit(risk_of, m, sp.oo, "-"), tail(k), "many measurements")


@NOISELESS.concludes
def conclusion_without_noise() -> tuple[Fact, ...]:
    return *noiseless(), *representation_error()
