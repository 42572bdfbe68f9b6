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
from typing import ClassVar

import numpy as np

from linflow.checks import FloatArray
from linflow.claims.quantities import Draws, Quantity
from linflow.risk.draws import gaussian_rows
from linflow.risk.equivalent import kappa
from linflow.risk.leverages import complex_leverages
from linflow.spectrum import Spectrum

#: Leverages of hundreds of decades, or of many values, take more than float64 or more time than a search has.
_SIZE, _CONDITION = 48, 1e12
#: Halvings of 1400 units of log kappa, down to rounding.
_HALVINGS = 64


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
        Q = np.linalg.qr(np.conj(np.swapaxes(A * spectrum.singular_values, 1, 2)), mode="complete")[0]
        part = Q[:, :k, m:] if k < m else Q[:, k:, :m]
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
        return (m - 1) * float(kappa(Spectrum(spectrum.singular_values[:-1]), m - 1))

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        weights = rng.standard_normal((size, spectrum.n)) ** 2
        values = (m - 1) * roots_after(spectrum, weights, m - 1)
        return Draws(weights=np.clip(values / self.scale(spectrum, m), 0, 1), values=values)


def roots_after(spectrum: Spectrum, weights: FloatArray, j: int) -> FloatArray:
    r"""kappa_j(S_a) for each row of weights ``w_i = a_i^2``, 1 <= j <= n - 2, by bisection in log kappa.

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
    l, n = spectrum.variances, spectrum.n
    # Between the roots of the largest and of the smallest eigenvalues that interlacing allows.
    low = float(kappa(Spectrum(spectrum.singular_values[1:]), j))
    high = float(kappa(Spectrum(spectrum.singular_values[:-1]), j))
    below, above = np.full(len(weights), np.log(low) - 1e-9), np.full(len(weights), np.log(high) + 1e-9)
    w = weights / weights.max(axis=1, keepdims=True)
    first = np.arange(n) <= j
    for _ in range(_HALVINGS):
        middle = 0.5 * (below + above)
        root = np.exp(middle)[:, None]
        p, q = l / (l + root), root / (l + root)
        # By the largest term, which cannot underflow.
        seen = w * p
        more = np.sum(p, axis=1, where=~first) + np.sum(seen * q, axis=1) / np.sum(seen, axis=1)
        larger = more > np.sum(q, axis=1, where=first)
        below, above = np.where(larger, middle, below), np.where(larger, above, middle)
    return np.asarray(np.exp(0.5 * (below + above)))
