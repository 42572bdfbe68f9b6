r"""Draws that a verdict costs, against other intervals for the mean of a bounded variable, on the same draws.

The variable is ``W = X_A / X_A(0)``, in [0, 1]; the statement to be refuted is ``E W <= q`` with q below the truth, at one
error probability alpha for everyone. linflow's confidence sequence may be looked at after every draw. Hoeffding's and the
empirical Bernstein interval hold at one number of draws that was fixed before: they are given the least number at which
they decide, with hindsight. So is the normal interval, which at no finite number of draws is valid.

No test of error alpha can do with fewer draws, on average, than ``log(1/alpha) / KL``, KL the least divergence of the
law of W from the laws on [0, 1] whose mean is at most q (Wald 1945; Honda & Takemura 2010 for the formula,
``max over stakes c in [0, 1] of E log(1 + c (W/q - 1))``).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from linflow import risk
from linflow.bench.contest import Reading
from linflow.bench.effort import Effort
from linflow.checks import FloatArray
from linflow.claims.confidence import ConfidenceSequence
from linflow.spectrum import Spectrum

_ALPHA = 1e-6
#: q as shares of the mean: a claim that is wrong by a factor of 2, by a tenth, by two hundredths.
_SHARES = (0.5, 0.9, 0.98)
_SEEDS, _FEW_SEEDS = 5, 3
_N, _M = 64, 16
#: Most draws for which anyone is asked.
_MOST = 2**15


def readings(effort: Effort) -> Iterator[Reading]:
    """One row a rival and q, medians over seeds."""
    spectrum = Spectrum.power_law(_N)
    seeds = range(_FEW_SEEDS if effort.quick else _SEEDS)
    most = 2**13 if effort.quick else _MOST
    draws = [_draws(spectrum, most, seed) for seed in seeds]
    mean = float(np.mean([part.mean() for part in draws]))
    for share in effort.pick(quick=_SHARES[:2], usual=_SHARES, long=_SHARES):
        q = share * mean
        least = math.log(1 / _ALPHA) / divergence(np.concatenate(draws), q)
        ours = [_first(partial(_sequence, q), W) for W in draws]
        for name, (low, note) in _RIVALS.items():
            theirs = [_first(partial(_beyond, low, q), W) for W in draws]
            yield _row(share, name, ours, theirs, note)
        yield _row(share, "log(1/alpha) / KL", ours, [least] * len(ours), "no test needs fewer on average")


def hoeffding(W: FloatArray, alpha: float) -> float:
    """Lower end of Hoeffding's interval for the mean of draws in [0, 1].

    >>> round(hoeffding(np.full(200, 0.5), 0.01), 3)
    0.393
    """
    return float(W.mean()) - math.sqrt(math.log(1 / alpha) / (2 * W.size))


def empirical_bernstein(W: FloatArray, alpha: float) -> float:
    """Lower end of the empirical Bernstein interval (Maurer & Pontil 2009, Theorem 4).

    >>> round(empirical_bernstein(np.full(200, 0.5), 0.01), 3)
    0.438
    """
    log = math.log(2 / alpha)
    return float(W.mean()) - math.sqrt(2 * float(W.var(ddof=1)) * log / W.size) - 7 * log / (3 * (W.size - 1))


def normal(W: FloatArray, alpha: float) -> float:
    """Lower end of the central limit theorem's interval."""
    from scipy.stats import norm

    return float(W.mean()) - float(norm.isf(alpha)) * math.sqrt(float(W.var(ddof=1)) / W.size)


_FIXED = "a fixed number of draws, chosen with hindsight"
_RIVALS: dict[str, tuple[Callable[[FloatArray, float], float], str]] = {
    "Hoeffding": (hoeffding, _FIXED),
    "empirical Bernstein": (empirical_bernstein, _FIXED),
    "central limit theorem": (normal, f"valid in the limit alone; {_FIXED}"),
}


def divergence(W: FloatArray, q: float) -> float:
    """Least divergence of the law of the draws from a law on [0, 1] of mean q at most; 0 if its own mean is.

    >>> coin = divergence(np.array([0.0, 1.0]), 0.25)
    >>> bool(np.isclose(coin, 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)))
    True
    """
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda c: -np.mean(np.log1p(c * (W / q - 1))), bounds=(0, 1 - 1e-9), method="bounded")
    return max(0.0, float(-found.fun))


def _draws(spectrum: Spectrum, most: int, seed: int) -> FloatArray:
    curves = risk.simulate(spectrum, trials=most, seed=seed, m_max=_M)
    return np.minimum(curves[:, _M] / spectrum.energy, 1.0)


def _beyond(low: Callable[[FloatArray, float], float], q: float, W: FloatArray) -> bool:
    """Whether an interval of fixed size excludes q."""
    return low(W, _ALPHA) > q


def _sequence(q: float, W: FloatArray) -> bool:
    sequence = ConfidenceSequence(alpha=2 * _ALPHA)  # half of it for each of the two sides
    sequence.add(W)
    return sequence.above(q)


def _first(decides: Callable[[FloatArray], bool], W: FloatArray) -> float:
    """The least number of draws at which it decides, by bisection between powers of two; infinite if it never does."""
    high = 4
    while high <= W.size and not decides(W[:high]):
        high *= 2
    if high > W.size:
        return math.inf
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(W[:middle]) else (middle, high)
    return float(high)


def _row(share: float, name: str, ours: list[float], theirs: list[float], note: str) -> Reading:
    size = f"E W <= {share:g} of the truth"
    if any(map(math.isinf, (*ours, *theirs))):
        words = f"not decided within the draws made; {note}"
        return Reading("draws to a verdict", size, name, unit="draws", rounds=len(ours), note=words)
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    goal = 1.0 if name in ("Hoeffding", "empirical Bernstein") else None
    return Reading(
        row="draws to a verdict",
        size=size,
        rival=name,
        unit="draws",
        ours=statistics.median(ours),
        ours_low=min(ours),
        ours_high=max(ours),
        theirs=statistics.median(theirs),
        theirs_low=min(theirs),
        theirs_high=max(theirs),
        ratio=statistics.median(ratios),
        ratio_low=min(ratios),
        ratio_high=max(ratios),
        goal=goal,
        rounds=len(ours),
        note=note,
    )
