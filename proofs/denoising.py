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

from .checks import at_most, positive, same
from .ledger import Statement
from .matrices import same_matrices, same_traces, square

DENOISING = Statement(
    "T11",
    "denoising: risk(k, gamma) = sum_{i<=k} (gamma^2 l_i + l_i^2 s^2)/(l_i+gamma)^2 + sum_{i>k} l_i; best k = #{l_i > s^2}",
    uses=("penalised",),
)
PENALTY = Statement("T11-penalty", "denoising: penalty gamma = s^2 beats every choice of rank", uses=("T11",))

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


def risk(variances: list[Any], rank: int, penalty: Any) -> Any:
    """risk(k, gamma), the variances in descending order."""
    return sum((mode(value, penalty) for value in variances[:rank]), sp.S.Zero) + sum(variances[rank:], sp.S.Zero)


def best_mode(variance: Any) -> Any:
    """The least risk of one direction."""
    return variance * s**2 / (variance + s**2)


def excess(variance: Any, penalty: Any) -> Any:
    """What another penalty costs in one direction."""
    return variance**2 * (penalty - s**2) ** 2 / ((variance + penalty) ** 2 * (variance + s**2))


def descending(size: int, best: int) -> tuple[list[Any], Any]:
    """Symbols l_1 >= ... >= l_size, and s^2 of which exactly the first `best` are larger."""
    gaps = sp.symbols(f"gap:{size}", nonnegative=True)
    noise, above = sp.symbols("s2 above", positive=True)
    if best == size:
        rising = [noise + above + sum(gaps[:i], sp.S.Zero) for i in range(size)]
        return rising[::-1], noise
    smallest = sp.Symbol("smallest", positive=True)
    small = [smallest + sum(gaps[: i + 1], sp.S.Zero) for i in range(size - best)]
    noise = small[-1] + sp.Symbol("room", nonnegative=True)
    large = [noise + above + sum(gaps[size - best : i], sp.S.Zero) for i in range(size - best, size)]
    return [*large[::-1], *small[::-1]], noise


@DENOISING.symbolic
def estimator() -> None:
    """V solves the penalised problem, and G_k v = C (y - mu)."""
    G_k, v = U_1 * Sigma_1, latent()
    given = [*ORTHOGONAL, *REGULARISED]
    same_matrices((G_k.T * G_k + gamma * I_k) * v, G_k.T * y, given=given, what="normal equations")
    same_matrices(G_k * v, filtered(Sigma_1 * H * Sigma_1) * y, given=given, what="filter")
    same(kept(l, gamma), sp.sqrt(l) / (l + gamma) * sp.sqrt(l), "d_i")


@DENOISING.symbolic
def mean_square() -> None:
    """The mean square is a sum over the directions."""
    e, z, G, C = sp.MatrixSymbol("e", n, 1), sp.MatrixSymbol("z", n, 1), generator(), filtered(D)
    signal, noise = C * G * z - G * z, s * C * e
    total = square((D - I_k) * Sigma_1) + square(Sigma_2) + s**2 * square(D)
    # The mean over z and e is linear, and puts their covariances for these products.
    moments = [(z * z.T, I_n), (e * e.T, I_n), (z * e.T, sp.ZeroMatrix(n, n))]
    same_traces(square(signal + noise), total, given=[*moments, *ORTHOGONAL])


@DENOISING.symbolic
def one_direction() -> None:
    """(d - 1)^2 l + s^2 d^2 = f(l, gamma)."""
    d = kept(l, gamma)
    same((d - 1) ** 2 * l + s**2 * d**2, mode(l, gamma))


@DENOISING.symbolic
def one_rank_more() -> None:
    """Without penalty: risk(k) - risk(k-1) = s^2 - l_k."""
    same(mode(l, 0), s**2)
    variances = list(sp.symbols("l1:6", positive=True))
    for rank in range(1, len(variances) + 1):
        step = risk(variances, rank, 0) - risk(variances, rank - 1, 0)
        same(step, s**2 - variances[rank - 1])


@DENOISING.symbolic
def best_rank() -> None:
    """The best rank is #{l_i > s^2}."""
    for size in range(1, 5):
        for best in range(size + 1):
            variances, noise = descending(size, best)
            risks = [risk(variances, rank, 0).subs(s, sp.sqrt(noise)) for rank in range(size + 1)]
            for other in risks:
                at_most(risks[best], other)
            same(risks[best], sum(sp.Min(value, noise) for value in variances), "value")


@PENALTY.symbolic
def best_penalty() -> None:
    """F(l, gamma) - l s^2/(l + s^2), and its sign."""
    same(mode(l, gamma) - best_mode(l), excess(l, gamma))
    same(mode(l, s**2), best_mode(l), "attained")
    apart = sp.Symbol("apart", positive=True)
    positive(excess(l, s**2 + apart), "gamma > s^2")
    positive(excess(l, gamma).subs(s, sp.sqrt(gamma + apart)), "gamma < s^2")


@PENALTY.symbolic
def better_than_rank() -> None:
    """L s^2/(l + s^2) < min(l, s^2)."""
    same(l - best_mode(l), l**2 / (l + s**2))
    positive(l - best_mode(l), "a direction left out")
    same(mode(l, 0) - best_mode(l), s**4 / (l + s**2))
    positive(mode(l, 0) - best_mode(l), "a direction kept without penalty")
