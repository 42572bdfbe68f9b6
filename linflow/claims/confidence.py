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

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from linflow.arrays import NoArray
from linflow.checks import FloatArray, Interval, extended, finite_array, number_in
from linflow.errors import InputError

# Fractions of the capital staked: from a cautious 1e-4 (draws that hover about q) to all but 1e-4 (draws far from it).
_STAKES = 1.0 / (1.0 + 10.0 ** np.linspace(-4.0, 4.0, 33))
# A draw above q multiplies a capital by less than 1/q (and no draw by less than 1e-4, the least that is not staked): so
# many draws in a row that their product stays within e^600 are multiplied without a logarithm.
_RANGE, _LONGEST_PRODUCT = 600.0, 24
# Draws whose quotient W/q leaves float64 count as this much: the capital is then rounded down, and excludes all the same.
_LARGEST_QUOTIENT = 1e300
# Products held at a time: half a megabyte, so that they stay in the cache.
_PRODUCTS = 2**16
# The edges of an interval lie on this geometric grid, so that they do not depend on how they were searched for.
_GRID_STEP = float(np.log1p(1e-4))
_LEAST_EDGE = 1e-300
_FEWEST_FOR_NORMAL = 30


def log_capital(draws: ArrayLike, q: float) -> FloatArray:
    r"""Logarithm of the gambler's capital against ``E W <= q``, after each draw; it starts at 0.

    Parameters
    ----------
    draws : (..., size) array in [0, 1], in the order in which they were made; leading axes are separate games.
    q : the mean that is tested, 0 < q <= 1.

    Returns
    -------
    (..., size) float64 array, ``log mean_c prod_{s<=t} (1 - c + c W_s / q)`` over the 33 stakes c. To exclude means from q
    on, pass ``1 - draws`` and ``1 - q``.

    Raises
    ------
    InputError
        Draws that do not lie in 0..1, or q that does not lie in (0, 1].

    Notes
    -----
    Waudby-Smith & Ramdas (2024), section 4. The products are carried out in stretches that cannot overflow, and each
    starts from the logarithms of the last one: a logarithm a stretch and not a draw.

    Examples
    --------
    One draw at 1 against q = 1/2 gives the stake c the capital 1 + c, and the stakes average 1/2:

    >>> bool(np.isclose(log_capital([1.0], 0.5)[0], np.log(1.5)))
    True
    """
    q = number_in(q, "q", Interval(0.0, 1.0, open_low=True))
    games = _in_unit_interval(draws)
    if games.ndim == 0:
        raise InputError(f"draws must have shape (..., size), got the single number {games}")
    rows = games.reshape(-1, games.shape[-1]) if games.size else np.empty((0, 0))
    path = np.empty_like(rows)
    together = max(1, _PRODUCTS // (_STAKES.size * max(rows.shape[1], 1)))
    for first in range(0, len(rows), together):
        part = slice(first, first + together)
        path[part], _ = _play(rows[part], q, np.zeros((_STAKES.size, len(rows[part]))))
    return path.reshape(games.shape)


def _play(draws: FloatArray, q: float, logs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The mixture's log capital after each of (rows, size) draws, for stakes that start at `logs`, and the stakes' own.

    Logarithms of the stakes have shape (stakes, rows).
    """
    rows, size = draws.shape
    # Of a few draws few together: a stretch costs its logarithms, and a call for each of its draws.
    longest = min(_LONGEST_PRODUCT, 1 + math.isqrt(size))
    stretch = int(np.clip(_RANGE / max(-np.log(q), 1e-9), 1, longest))
    path, most = np.empty_like(draws), stretch * max(1, _PRODUCTS // (_STAKES.size * stretch * rows))
    for first in range(0, size, most):
        part = draws[:, first : first + most]
        count = -(-part.shape[1] // stretch)
        with np.errstate(over="ignore"):
            gains = np.minimum(part / q, _LARGEST_QUOTIENT) - 1.0
        # Filled up with draws that equal q, which change no capital.
        gains = np.pad(gains, ((0, 0), (0, count * stretch - part.shape[1]))).reshape(rows * count, stretch)
        # The draws of a stretch run slowest, then the stakes: what is done is done to long rows of numbers.
        factors = np.ascontiguousarray(gains.T)[:, None] * _STAKES[:, None]
        factors += 1.0
        for step in range(1, stretch):
            factors[step] *= factors[step - 1]
        growth = np.log(factors[-1]).reshape(-1, rows, count)
        start = np.concatenate([logs[:, :, None], logs[:, :, None] + np.cumsum(growth, axis=2)], axis=2)
        # One draw moves two stakes apart by at most 1e4: what is lost below e^-745 of the largest is lost for the stretch.
        top = start[:, :, :-1].max(axis=0)
        factors *= np.exp(start[:, :, :-1] - top).reshape(-1, rows * count)
        mixed = factors.sum(axis=1).T.reshape(rows, count, stretch)
        path[:, first : first + most] = (np.log(mixed) + top[..., None]).reshape(rows, -1)[:, : part.shape[1]]
        logs = start[:, :, -1]
    return path - np.log(_STAKES.size), logs


@dataclass
class _Game:
    """The capital against one q so far: of how many draws, of each stake, and its largest mixture ever (logarithms)."""

    played: int = 0
    logs: FloatArray = field(default_factory=lambda: np.zeros((_STAKES.size, 1)))
    best: float = 0.0

    def play(self, draws: FloatArray, q: float) -> None:
        """Go on with the draws that are new."""
        if self.played < draws.size:
            path, self.logs = _play(draws[None, self.played :], q, self.logs)
            self.best = max(self.best, float(path.max()))
            self.played = draws.size


@dataclass
class _Side:
    """Draws as one side sees them (the other sees ``1 - W``), the games that go on, and the last edge."""

    draws: FloatArray = field(default_factory=lambda: np.empty(0))
    games: dict[float, _Game] = field(default_factory=dict)
    edge: int | None = None


class ConfidenceSequence(NoArray, instead="its interval()"):
    """Two-sided confidence sequence for ``E W``, W in [0, 1], with total error `alpha` over all times.

    Parameters
    ----------
    alpha : probability that the interval ever misses the mean; half of it for each side.

    Raises
    ------
    InputError
        `alpha` is not strictly between 0 and 1; draws that do not lie in 0..1 (none of them is kept); a mean that is NaN.

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

    def __init__(self, alpha: float) -> None:
        self.alpha = number_in(alpha, "alpha", Interval(0.0, 1.0, open_low=True, open_high=True))
        self._low, self._high = _Side(), _Side()

    @property
    def draws(self) -> FloatArray:
        """(size,) array, the draws so far."""
        return self._low.draws

    def add(self, draws: ArrayLike) -> None:
        """Append draws in [0, 1], in the order in which they were made."""
        new = _in_unit_interval(draws).ravel()
        for side, seen in ((self._low, new), (self._high, 1.0 - new)):
            side.draws = np.concatenate([side.draws, seen])
            # Games and edges are kept from look to look: what was drawn must stay.
            side.draws.flags.writeable = False

    def above(self, q: float) -> bool:
        """Whether ``E W <= q`` is excluded."""
        if (q := _number(q)) < 0:
            return True
        return q < 1 and self._reached(self._low, q)

    def below(self, q: float) -> bool:
        """Whether ``E W >= q`` is excluded."""
        if (q := _number(q)) > 1:
            return True
        return q > 0 and self._reached(self._high, 1.0 - q)

    def interval(self) -> tuple[float, float]:
        """The means not excluded, rounded outwards: each edge to a part in 1e4 of its distance from 0 (from 1)."""
        return self._edge(self._low), 1.0 - self._edge(self._high)

    def _reached(self, side: _Side, q: float) -> bool:
        """Whether the mixture's capital against ``E W <= q`` ever reached 2/alpha; the game goes on at the next look."""
        if side.draws.size == 0:
            return False
        if q == 0:
            return bool(side.draws.max() > 0)
        game = side.games.setdefault(q, _Game())
        # One that has reached it has, whatever follows.
        if game.best < self._threshold:
            game.play(side.draws, q)
        return game.best >= self._threshold

    @property
    def _threshold(self) -> float:
        return float(np.log(2.0) - np.log(self.alpha))

    def _edge(self, side: _Side) -> float:
        """Largest q of the grid, at most the mean of the draws, for which ``E W <= q`` is excluded; 0 if none is."""
        if side.draws.size == 0 or side.draws.max() == 0:
            return 0.0
        mean = min(float(side.draws.mean()), 1.0)
        if mean == 0:  # all that there is underflows
            return 0.0
        # The grid runs downwards from 1: `high` lies on or above the mean, `low` is looked for below.
        high, least = int(np.floor(-np.log(mean) / _GRID_STEP)), int(-np.log(_LEAST_EDGE) / _GRID_STEP)
        while _grid(high) > mean:
            high += 1
        if side.edge is not None and side.edge <= high:
            return _grid(high)
        low = self._first_excluded(side, high - 1, least if side.edge is None else side.edge, mean)
        if low is None:
            return 0.0
        side.edge = low
        return _grid(low)

    def _first_excluded(self, side: _Side, high: int, far: int, mean: float) -> int | None:
        """Least index beyond `high` whose mean is excluded; None if none up to `far` is (a past edge is, for good).

        The root of the largest logarithm of the capital grows about linearly with the distance from the mean of the draws:
        so one aims at where it is large enough, a few games in the place of the twenty of a bisection. The games decide
        alone, wherever one aimed.
        """
        needed, roots = math.sqrt(self._threshold), {high: 0.0}

        def excluded(index: int) -> bool:
            if index == side.edge:
                return True
            game = _Game()
            game.play(side.draws, _grid(index))
            roots[index] = math.sqrt(game.best)
            return game.best >= self._threshold

        # A mixture of so many stakes costs its logarithm.
        distance = math.sqrt(2.0 * (self._threshold + math.log(_STAKES.size)) * float(side.draws.var()) / side.draws.size)
        aim = int(-math.log(max(mean - distance, mean / 2)) / _GRID_STEP)
        start, low, step = high, min(max(aim, high + 1), far), 64
        while not excluded(low):
            if low == far:
                return None
            beyond = int(1.1 * (low - start) * (needed / roots[low] - 1)) if roots[low] > 0 else 0
            low, high, step = min(low + min(max(step, beyond), 8 * step), far), low, 4 * step
        while low - high > 1:
            middle = (low + high) // 2
            # Every third game halves what is left, for an end that stays where it is.
            if len(roots) % 3 and roots.get(low, 0.0) > roots[high]:
                share = (needed - roots[high]) / (roots[low] - roots[high])
                middle = min(max(high + int(share * (low - high)), high + 1), low - 1)
            low, high = (middle, high) if excluded(middle) else (low, middle)
        return low


def _grid(index: int) -> float:
    """Point `index` of the edges' grid, (1 + 1e-4)^-index."""
    return float(np.exp(-index * _GRID_STEP))


def _number(q: float) -> float:
    """`q`, which must be a number: of a mean that is none, nothing can be said."""
    return extended(q, "a mean to be tested", expected="a number")


def _in_unit_interval(draws: ArrayLike) -> FloatArray:
    """Float64 copy of draws that lie in 0..1."""
    array = finite_array(draws, "draws, which must lie in 0..1,")
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise InputError(f"draws must lie in 0..1, got {array.min()}..{array.max()}")
    return array


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
