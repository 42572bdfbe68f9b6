r"""Quantities of the open questions beside the interlacing theorem: where leverage lies, and one measurement's effect.

Majorisation. For complex A let ``Q_i = E P_ii`` (:mod:`linflow.risk.leverages`) and ``p_i = l_i/(l_i + kappa_m)``: both
sum to m. Question: do the Q_i majorise the p_i, that is, is ``sum_{i <= k} Q_i >= sum_{i <= k} p_i`` for every k? It would
imply ``E_m(C) <= m kappa_m``. Proved for m = 1 and m = n - 1. The quantity is the leverage that is not where the first k
directions would have it, at the k that leaves the least room; positive terms only, so that nothing cancels.

One step. Let S_a be the covariance after one real Gaussian row a, and kappa_j(S_a) the equivalent's root for its n - 1
positive eigenvalues. Question: is ``E_a [j kappa_j(S_a)] >= (j+1) kappa_{j+1}`` for every j? By induction it would prove
``m kappa_m <= E_m(R)`` one measurement at a time. The number of measurements of the claim is m = j + 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np

from linflow.checks import FloatArray
from linflow.claims.quantities import Draws, Quantity
from linflow.risk.draws import gaussian_rows
from linflow.risk.equivalent import kappa
from linflow.risk.leverages import complex_leverages
from linflow.spectrum import Spectrum

#: Leverages of hundreds of decades, or of many values, take more than float64 or more time than a search has.
_SIZE, _CONDITION = 48, 1e12
#: Steps of the search for a root, nearly all of which need fewer than ten; halvings of 1400 units take so many.
_STEPS = 64
#: Steps in log kappa below which the next would be rounding.
_CLOSE = 1e-15


@lru_cache(maxsize=256)
def misplaced(spectrum: Spectrum, m: int) -> tuple[int, float, float]:
    """``(k, by Q, by p)``: the k of least room, and the misplaced leverage there, exact and of the equivalent.

    For k < m it is what the first k directions lack, ``sum_{i <= k} (1 - Q_i)``, else what the others have,
    ``sum_{i > k} Q_i``; for k = m the two are equal.

    >>> k, exact, equivalent = misplaced(Spectrum([3.0, 2.0, 1.0]), 1)
    >>> exact < equivalent
    True
    """
    seen, missed = complex_leverages(spectrum, m)
    l, root = spectrum.variances, float(kappa(spectrum, m))
    sides = []
    for high, low in ((missed, seen), (root / (l + root), l / (l + root))):
        lacking, beyond = np.cumsum(high), np.cumsum(low[::-1])[::-1]
        sides.append(np.append(lacking[: m - 1], beyond[m:]))  # k = 1..m-1, then k = m..n-1
    at = int(np.argmax(sides[0] / sides[1]))
    return at + 1, float(sides[0][at]), float(sides[1][at])


@dataclass(frozen=True)
class MisplacedLeverage(Quantity):
    """The leverage of complex measurements outside of the first k directions, at the k of least room."""

    name: ClassVar[str] = "misplaced leverage"

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        return 1 <= m < spectrum.n <= _SIZE and spectrum.condition <= _CONDITION

    def estimate(self, spectrum: Spectrum, m: int) -> float:  # noqa: D102
        return misplaced(spectrum, m)[1]

    def scale(self, spectrum: Spectrum, m: int) -> float:  # noqa: D102
        k = misplaced(spectrum, m)[0]
        return float(min(k, spectrum.n - m) if k < m else min(spectrum.n - k, m))

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        k, rows = misplaced(spectrum, m)[0], gaussian_rows("complex")
        A = np.stack([rows(m, spectrum.n, rng) for _ in range(size)])
        # Rows sorted by scale: each row of Q is accurate relative to itself.
        mode: Literal["complete", "reduced"] = "complete" if k < m else "reduced"
        Q = np.linalg.qr(np.conj(np.swapaxes(A * spectrum.singular_values, 1, 2)), mode=mode)[0]
        part = Q[:, :k, m:] if k < m else Q[:, k:]
        values = np.sum(np.abs(part) ** 2, axis=(1, 2))
        return Draws(weights=np.clip(values / self.scale(spectrum, m), 0, 1), values=values)


@dataclass(frozen=True)
class OneStep(Quantity):
    """``E_a [(m-1) kappa_{m-1}(S_a)]``, S_a the covariance after one real Gaussian row, 2 <= m <= n - 1."""

    name: ClassVar[str] = "E (m-1) kappa(S_a)"

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        return 2 <= m < spectrum.n

    def scale(self, spectrum: Spectrum, m: int) -> float:  # noqa: D102
        # The eigenvalues of S_a interlace the l_i, and kappa grows with each of them.
        return (m - 1) * _ends(spectrum, m - 1)[1]

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        weights = rng.standard_normal((size, spectrum.n)) ** 2
        values = (m - 1) * roots_after(spectrum, weights, m - 1)
        return Draws(weights=np.clip(values / self.scale(spectrum, m), 0, 1), values=values)


def roots_after(spectrum: Spectrum, weights: FloatArray, j: int) -> FloatArray:
    r"""kappa_j(S_a) for each row of weights ``w_i = a_i^2``, 1 <= j <= n - 2, by Newton steps in log kappa within brackets.

    Notes
    -----
    ``det(I + t S_a) = prod_i (1 + t l_i) sum_i w_i p_i / sum_i w_i l_i`` (times 1/t) with t = 1/kappa and p_i =
    l_i/(l_i + kappa), so that ``tr S_a (S_a + kappa)^{-1} = sum_i p_i - sum_i w_i p_i^2 / sum_i w_i p_i``. That it is j
    says, with q_i = 1 - p_i, that two sums of positive terms balance:

        sum_{i > j+1} p_i + sum_i w_i p_i q_i / sum_i w_i p_i = sum_{i <= j+1} q_i.

    >>> spectrum = Spectrum([2.0, 1.0, 0.5])
    >>> a = np.array([1.0, -2.0, 3.0])
    >>> Sigma = np.diag(spectrum.singular_values)
    >>> seen = a @ Sigma / np.linalg.norm(a @ Sigma)
    >>> left = np.linalg.eigvalsh(Sigma @ (np.eye(3) - np.outer(seen, seen)) @ Sigma)[1:]
    >>> root = roots_after(spectrum, a[None] ** 2, 1)[0]
    >>> bool(np.isclose(np.sum(left / (left + root)), 1.0))
    True
    """
    l, (low, high) = spectrum.variances, _ends(spectrum, j)
    below, above = np.full(len(weights), np.log(low) - 1e-9), np.full(len(weights), np.log(high) + 1e-9)
    w = weights / weights.max(axis=1, keepdims=True)
    here = 0.5 * (below + above)
    for _ in range(_STEPS):
        excess, slope = _balance(l, w, here, j)
        below, above = np.where(excess > 0, here, below), np.where(excess > 0, above, here)
        step = -excess / slope
        inside = (here + step >= below) & (here + step <= above)
        step = np.where(inside, step, 0.5 * (below + above) - here)
        here = here + step
        if np.all(np.abs(step) <= _CLOSE * np.maximum(np.abs(here), 1.0)):
            break
    return np.asarray(np.exp(here))


@lru_cache(maxsize=256)
def _ends(spectrum: Spectrum, j: int) -> tuple[float, float]:
    """Between these kappa_j(S_a) lies: the roots of the smallest and of the largest eigenvalues that interlacing allows."""
    sigma = spectrum.singular_values
    return float(kappa(Spectrum(sigma[1:]), j)), float(kappa(Spectrum(sigma[:-1]), j))


def _balance(l: FloatArray, w: FloatArray, log_root: FloatArray, j: int) -> tuple[FloatArray, FloatArray]:
    """The left sum less the right one for each row of weights, and its slope in log kappa, which is negative."""
    root = np.exp(log_root)[:, None]
    p, q = l / (l + root), root / (l + root)
    spread = p * q
    # By the largest weight, which cannot underflow.
    leverage = np.sum(w * p, axis=1)
    mixed = np.sum(w * spread, axis=1) / leverage
    excess = np.sum(p[:, j + 1 :], axis=1) + mixed - np.sum(q[:, : j + 1], axis=1)
    slope = np.sum(w * spread * (p - q), axis=1) / leverage + mixed**2 - np.sum(spread, axis=1)
    return excess, slope
