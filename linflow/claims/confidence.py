r"""Confidence sequences for the mean of draws in [0, 1]: valid at every stopping time, with no assumption on the law.

Test by betting (Waudby-Smith & Ramdas 2024; Ville 1939). Against the hypothesis ``E W <= q`` a gambler who stakes the
fraction c of the capital on each draw holds

    K_t = prod_{s <= t} (1 - c + c W_s / q),

a supermartingale that starts at 1: it ever reaches 1/alpha with probability at most alpha. A mixture over a grid of c is
one as well, and adapts to the unknown spread. All q whose capital has reached 1/alpha are excluded, from below; the
mirror image (1 - W, 1 - q) excludes from above. K falls in q, so the excluded set is an interval.

Kind: rigorous, non-asymptotic. Tested in tests/test_confidence.py (coverage, power, and a gambler that must be caught).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import logsumexp

from linflow.checks import FloatArray
from linflow.errors import InputError

# Fractions of the capital staked: from a cautious 1e-4 (draws that hover about q) to all but 1e-4 (draws far from it).
_STAKES = 1.0 / (1.0 + 10.0 ** np.linspace(-4.0, 4.0, 33))
_BISECTIONS = 40
_FEWEST_FOR_NORMAL = 30


@dataclass
class ConfidenceSequence:
    """Two-sided confidence sequence for ``E W``, W in [0, 1], with total error `alpha` over all times.

    Parameters
    ----------
    alpha : probability that the interval ever misses the mean; half of it for each side.

    Examples
    --------
    >>> sequence = ConfidenceSequence(alpha=0.01)
    >>> sequence.add(np.tile([0.4, 0.6], 500))
    >>> sequence.above(0.45), sequence.below(0.55), sequence.above(0.499)
    (True, True, False)
    >>> low, high = sequence.interval()
    >>> 0.45 < low < 0.5 < high < 0.55
    True
    """

    alpha: float
    draws: FloatArray = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha must lie strictly between 0 and 1, got {self.alpha}")

    def add(self, draws: FloatArray) -> None:
        """Append draws in [0, 1], in the order in which they were made."""
        draws = np.asarray(draws, dtype=np.float64)
        if draws.size and not (draws.min() >= 0 and draws.max() <= 1):
            raise InputError(f"draws must lie in 0..1, got {draws.min()}..{draws.max()}")
        self.draws = np.concatenate([self.draws, draws])

    def above(self, q: float) -> bool:
        """Whether ``E W <= q`` is excluded."""
        if q < 0:
            return True
        return q < 1 and self._reached(self.draws, q)

    def below(self, q: float) -> bool:
        """Whether ``E W >= q`` is excluded."""
        if q > 1:
            return True
        return q > 0 and self._reached(1.0 - self.draws, 1.0 - q)

    def interval(self) -> tuple[float, float]:
        """The means not excluded, rounded outwards."""
        return self._edge(self.draws), 1.0 - self._edge(1.0 - self.draws)

    def _reached(self, draws: FloatArray, q: float) -> bool:
        """Whether the mixture's capital against ``E W <= q`` ever reached 2/alpha."""
        if draws.size == 0:
            return False
        if q == 0:
            return bool(draws.max() > 0)
        with np.errstate(over="ignore"):  # a q so small that the quotient is infinite: so is the capital
            gains = draws[:, None] / q - 1.0
        capital = np.cumsum(np.log1p(_STAKES * gains), axis=0)
        mixed = logsumexp(capital, axis=1) - np.log(_STAKES.size)
        return bool(mixed.max() >= np.log(2.0 / self.alpha))

    def _edge(self, draws: FloatArray) -> float:
        """Largest q (to a part in 1e4, never too large) for which ``E W <= q`` is excluded; 0 if none is."""
        if draws.size == 0 or draws.max() == 0:
            return 0.0
        # Search in log q: the mean may be any number of decades below 1.
        low, high = 1e-300, float(draws.mean()) if draws.mean() < 1 else 1.0
        if not self._reached(draws, low):
            return 0.0
        for _ in range(_BISECTIONS):
            middle = float(np.sqrt(low) * np.sqrt(high))
            low, high = (middle, high) if self._reached(draws, middle) else (low, middle)
            if high / low < 1 + 1e-4:
                break
        return low


def normal_interval(draws: FloatArray, alpha: float) -> tuple[float, float]:
    r"""Asymptotic (central limit) interval for the mean at level `alpha`; the whole line where the limit is not near.

    Near means: at least 30 draws, some spread, and a skewness g so small that the first Edgeworth term at the quantile z,
    ``|g| z^3 / (6 sqrt(size))``, is below 1. Means carried by rare large draws fail this, as they should.

    >>> low, high = normal_interval(np.tile([0.0, 1.0], 50), alpha=0.05)
    >>> round(low, 3), round(high, 3)
    (0.402, 0.598)
    """
    from scipy.stats import norm, skew

    everything = (-np.inf, np.inf)
    spread = float(draws.std()) if draws.size >= _FEWEST_FOR_NORMAL else 0.0
    if spread <= 1e-12 * abs(float(draws.mean() if draws.size else 0.0)):
        return everything
    z = float(norm.isf(alpha / 2))
    if abs(float(skew(draws))) * z**3 / (6 * np.sqrt(draws.size)) > 1:
        return everything
    half = float(z * spread / np.sqrt(draws.size))
    return float(draws.mean()) - half, float(draws.mean()) + half
