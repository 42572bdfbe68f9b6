r"""Denoising with a truncated and penalised prior: the risk, the best rank, and why a penalty is better than any rank.

Setting.  x = mu + G z with z ~ N(0, I_n), G = U Sigma V^T, l_i = sigma_i^2, l_1 >= ... >= l_n > 0; y = x + s e with
e ~ N(0, I_n) independent of z, s > 0. The prior of rank k with penalty gamma >= 0 estimates x by mu + G_k v, where
G_k = U_1 Sigma_1 holds the first k directions and v minimises |G_k v - (y - mu)|^2 + gamma |v|^2.

Statement ("T11").  The mean square error is

    risk(k, gamma) = sum_{i<=k} f(l_i, gamma) + sum_{i>k} l_i,      f(l, gamma) = (gamma^2 l + l^2 s^2) / (l + gamma)^2,

and without penalty the best rank is the number of l_i > s^2, with the risk sum_i min(l_i, s^2).

Proof.

1. By "penalised" (by least squares at gamma = 0) v = (Sigma_1^2 + gamma I)^{-1} Sigma_1 U_1^T (y - mu). The estimator is
   therefore mu + C (y - mu), C = U_1 D U_1^T, with D = Sigma_1 (Sigma_1^2 + gamma I)^{-1} Sigma_1, which is diagonal with
   the entries l_i / (l_i + gamma).
2. Its error is (C G - G) z + s C e. The mean square is

       |C G - G|_F^2 + s^2 |C|_F^2 = |(D - I) Sigma_1|_F^2 + |Sigma_2|_F^2 + s^2 |D|_F^2,

   a sum over the directions: (d_i - 1)^2 l_i + s^2 d_i^2 for i <= k, with d_i = l_i / (l_i + gamma), and l_i for i > k.
3. That is f(l_i, gamma), as d_i - 1 = -gamma / (l_i + gamma).
4. f(l, 0) = s^2. So risk(k, 0) - risk(k-1, 0) = s^2 - l_k, which is negative as long as l_k > s^2 and >= 0 from then on,
   the l_i being in descending order. The best rank has risk sum_i min(l_i, s^2).                                        []

Statement ("T11-penalty").  gamma = s^2 without truncation has the least risk of all k and gamma, namely
sum_i l_i s^2 / (l_i + s^2). It beats every rank without penalty strictly, and direction by direction.

Proof.

1. f(l, gamma) - l s^2 / (l + s^2) = l^2 (gamma - s^2)^2 / ((l + gamma)^2 (l + s^2)) >= 0, and 0 only for gamma = s^2.
2. A direction that is left out costs more:  l - l s^2 / (l + s^2) = l^2 / (l + s^2) > 0.  One that is kept without
   penalty also does:  s^2 - l s^2 / (l + s^2) = s^4 / (l + s^2) > 0.  Sum over the directions.                         []
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import at_most, less, same
from .ledger import Statement
from .matrices import independent, same_matrices, same_means, square
from .mle import PENALISED
from .notation import Mean, i, quantity
from .notation import l as value
from .propositions import Fact, Proposition, argued, chain, defined, summed, through

n, k = sp.symbols("n k", integer=True, positive=True)
I_n, I_k = sp.Identity(n), sp.Identity(k)
gamma = sp.Symbol("gamma", nonnegative=True)
l, s = sp.symbols("l s", positive=True)

U_1, U_2 = sp.MatrixSymbol("U_1", n, k), sp.MatrixSymbol("U_2", n, n - k)
V_1, V_2 = sp.MatrixSymbol("V_1", n, k), sp.MatrixSymbol("V_2", n, n - k)
Sigma_1, Sigma_2 = sp.MatrixSymbol("Sigma_1", k, k), sp.MatrixSymbol("Sigma_2", n - k, n - k)
H = sp.MatrixSymbol("H", k, k)  # (Sigma_1^2 + gamma I)^{-1}
D = sp.MatrixSymbol("D", k, k)  # diag(l_i / (l_i + gamma))
y = sp.MatrixSymbol("y", n, 1)  # y - mu
e, z = sp.MatrixSymbol("e", n, 1), sp.MatrixSymbol("z", n, 1)
#: The mean square error with k directions and the penalty gamma.
denoising_risk = quantity("denoising_risk", "risk({}, {})")

ORTHOGONAL = [
    (U_1.T * U_1, I_k),
    (U_2.T * U_2, sp.Identity(n - k)),
    (U_1.T * U_2, sp.ZeroMatrix(k, n - k)),
    (V_1.T * V_1, I_k),
    (V_2.T * V_2, sp.Identity(n - k)),
    (V_1.T * V_2, sp.ZeroMatrix(k, n - k)),
    (Sigma_1.T, Sigma_1),
    (Sigma_2.T, Sigma_2),
    (D.T, D),
]
REGULARISED = [(H.T, H), (Sigma_1 * Sigma_1 * H, I_k - gamma * H)]


def generator() -> Any:
    """G."""
    return U_1 * Sigma_1 * V_1.T + U_2 * Sigma_2 * V_2.T


def latent() -> Any:
    """v."""
    return H * Sigma_1 * U_1.T * y


def filtered(factors: Any) -> Any:
    """C, from D."""
    return U_1 * factors * U_1.T


def kept(variance: Any, penalty: Any) -> Any:
    """d_i, the part of a coordinate that the penalty leaves."""
    return variance / (variance + penalty)


def mode(variance: Any, penalty: Any) -> Any:
    """f(l, gamma)."""
    return (penalty**2 * variance + variance**2 * s**2) / (variance + penalty) ** 2


def risk(rank: Any, penalty: Any) -> Any:
    """risk(k, gamma)."""
    return sp.Sum(mode(value(i), penalty), (i, 1, rank)) + sp.Sum(value(i), (i, rank + 1, n))


def best_mode(variance: Any) -> Any:
    """The least risk of one direction."""
    return variance * s**2 / (variance + s**2)


def excess(variance: Any, penalty: Any) -> Any:
    """What another penalty costs in one direction."""
    return variance**2 * (penalty - s**2) ** 2 / ((variance + penalty) ** 2 * (variance + s**2))


def deviation() -> Any:
    """The estimate less the signal."""
    return (filtered(D) * generator() * z - generator() * z) + s * filtered(D) * e


def least() -> Any:
    """sum_i min(l_i, s^2)."""
    return sp.Sum(sp.Min(value(i), s**2), (i, 1, n))


DENOISING = Statement(
    "T11",
    Proposition(denoising_risk(k, gamma), "=", risk(k, gamma)),
    Proposition(mode(l, sp.S.Zero), "=", s**2),
    Proposition(risk(k, sp.S.Zero) - risk(k - 1, sp.S.Zero), "=", s**2 - value(k)),
    Proposition(least(), "<=", risk(k, sp.S.Zero)),
    words="denoising: {0}; without penalty a direction costs {1} and {2}, so that the best rank counts the l_i above the "
    "noise, of risk {3}",
    setting=(*ORTHOGONAL, *REGULARISED),
)
PENALTY = Statement(
    "T11-penalty",
    Proposition(sp.Sum(best_mode(value(i)), (i, 1, n)), "<=", risk(k, gamma)),
    Proposition(mode(l, s**2), "=", best_mode(l)),
    Proposition(best_mode(l), "<", l),
    Proposition(best_mode(l), "<", mode(l, sp.S.Zero)),
    words="denoising with the noise variance as penalty, {1}, is best: {0}; in each direction {2} and {3}",
)


@DENOISING.symbolic
def estimator() -> None:
    """V solves the penalised problem, and G_k v = C (y - mu)."""
    G_k, v = U_1 * Sigma_1, latent()
    given = [*ORTHOGONAL, *REGULARISED]
    same_matrices((G_k.T * G_k + gamma * I_k) * v, G_k.T * y, given=given, what="normal equations")
    same_matrices(G_k * v, filtered(Sigma_1 * H * Sigma_1) * y, given=given, what="filter")
    same(kept(l, gamma), sp.sqrt(l) / (l + gamma) * sp.sqrt(l), "d_i")


@DENOISING.symbolic
def mean_square() -> Fact:
    """The mean square is a sum over the directions."""
    total = square((D - I_k) * Sigma_1) + square(Sigma_2) + s**2 * square(D)
    return same_means(square(deviation()), total, independent({z: I_n, e: I_n}), ORTHOGONAL)


@DENOISING.symbolic
def one_direction() -> Fact:
    """(d - 1)^2 l + s^2 d^2 = f(l, gamma)."""
    d = kept(l, gamma)
    return same((d - 1) ** 2 * l + s**2 * d**2, mode(l, gamma))


@DENOISING.symbolic
def sum_of_directions() -> Fact:
    """risk(k, gamma)."""
    estimator()
    # v is the penalised latent.
    PENALISED.fact(1)
    over_both, direction = mean_square(), one_direction()
    law = chain(defined(denoising_risk(k, gamma), Mean(square(deviation()), e, z)), over_both)
    kept_part = summed(direction.at({l: value(i)}), i, 1, k)
    rest = sp.Sum(value(i), (i, k + 1, n))
    reason = "step 2: D is diagonal with the entries d_i = l_i/(l_i + gamma), Sigma with sigma_i"
    diagonal = argued(law.right, "=", kept_part.left + rest, reason)
    return chain(law, diagonal, through(lambda side: side + rest, kept_part))


@DENOISING.symbolic
def one_rank_more() -> tuple[Fact, Fact]:
    """Without penalty: risk(k) - risk(k-1) = s^2 - l_k."""
    constant = same(mode(l, sp.S.Zero), s**2)
    return constant, same(risk(k, sp.S.Zero) - risk(k - 1, sp.S.Zero), s**2 - value(k))


@DENOISING.symbolic
def best_rank() -> Fact:
    """The best rank is #{l_i > s^2}: there each term is the smaller of s^2 and l_i."""
    below_noise = at_most(sp.Min(l, s**2), s**2).at({l: value(i)})
    below_signal = at_most(sp.Min(l, s**2), l).at({l: value(i)})
    more = sp.Symbol("more", nonnegative=True)
    same(sp.Min(s**2 + more, s**2), s**2, "l_i above the noise: a direction that is kept")
    same(sp.Min(l, l + more), l, "l_i below the noise: one that is left out")
    kept_part, rest = summed(below_noise, i, 1, k), summed(below_signal, i, k + 1, n)
    both = chain(through(lambda side: side + rest.left, kept_part), through(lambda side: kept_part.right + side, rest))
    return chain(same(least(), both.left), both, same(both.right, risk(k, sp.S.Zero)))


@DENOISING.concludes
def conclusion() -> tuple[Fact, ...]:
    return sum_of_directions(), *one_rank_more(), best_rank()


@PENALTY.symbolic
def best_penalty() -> tuple[Fact, Fact]:
    """f(l, gamma) - l s^2/(l + s^2), and its sign."""
    same(mode(l, gamma) - best_mode(l), excess(l, gamma))
    attained = same(mode(l, s**2), best_mode(l), "attained")
    apart = sp.Symbol("apart", positive=True)
    less(0, excess(l, s**2 + apart), "gamma > s^2")
    less(0, excess(l, gamma).subs(s, sp.sqrt(gamma + apart)), "gamma < s^2")
    return at_most(best_mode(l), mode(l, gamma)), attained


@PENALTY.symbolic
def better_than_rank() -> tuple[Fact, Fact]:
    """l s^2/(l + s^2) < min(l, s^2)."""
    same(l - best_mode(l), l**2 / (l + s**2))
    same(mode(l, sp.S.Zero) - best_mode(l), s**4 / (l + s**2))
    left_out = less(best_mode(l), l, "a direction left out")
    return left_out, less(best_mode(l), mode(l, sp.S.Zero), "a direction kept without penalty")


@PENALTY.symbolic
def all_directions() -> Fact:
    """The sum over the directions, for every rank and penalty."""
    one, _ = best_penalty()
    left_out, _ = better_than_rank()
    kept_part = summed(one.at({l: value(i)}), i, 1, k)
    rest = summed(left_out.at({l: value(i)}), i, k + 1, n)
    both = chain(through(lambda side: side + rest.left, kept_part), through(lambda side: kept_part.right + side, rest))
    whole = sp.Sum(best_mode(value(i)), (i, 1, n))
    found = chain(same(whole, both.left), both)
    # What is beaten is the risk of "T11".
    return chain(found, same(found.right, DENOISING.fact(0).right))


@PENALTY.concludes
def conclusion_with_penalty() -> tuple[Fact, ...]:
    return all_directions(), best_penalty()[1], *better_than_rank()
