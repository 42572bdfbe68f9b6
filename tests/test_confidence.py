"""Confidence sequences: they never miss more often than stated, however often one peeks; and a cheat is caught.

Every statistical check fails by chance with probability at most `BY_CHANCE`, by the binomial law.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import binom, norm

from linflow.claims.confidence import _GRID_STEP, _STAKES, ConfidenceSequence, _grid, _Side, log_capital, normal_interval
from linflow.errors import InputError
from linflow.testing import seeds

Array = NDArray[np.float64]
Law = Callable[[np.random.Generator, int], Array]

ALPHA = 0.1
BY_CHANCE = 1e-6
RUNS, DRAWS = 300, 400
#: A method whose miss rate is at most ALPHA misses more often than this with probability at most BY_CHANCE.
MOST_MISSES = int(binom.isf(BY_CHANCE, RUNS, ALPHA))


def two_point(rng: np.random.Generator, size: int) -> Array:
    return np.where(rng.random(size) < 0.1, 0.9, 0.2)


def heavy(rng: np.random.Generator, size: int) -> Array:
    return np.where(rng.random(size) < 0.01, 1.0, 1e-6)


LAWS: dict[str, tuple[Law, float]] = {
    "Bernoulli(0.5)": (lambda rng, size: (rng.random(size) < 0.5).astype(float), 0.5),
    "Bernoulli(0.01)": (lambda rng, size: (rng.random(size) < 0.01).astype(float), 0.01),
    "Beta(0.5, 5)": (lambda rng, size: rng.beta(0.5, 5.0, size), 0.5 / 5.5),
    "constant": (lambda rng, size: np.full(size, 0.3), 0.3),
    "two-point": (two_point, 0.9 * 0.2 + 0.1 * 0.9),
    "heavy": (heavy, 0.01 + 0.99e-6),
}


class Peeking(ConfidenceSequence):
    """Twin: the fixed-sample normal interval, looked at after every draw."""

    def _reached(self, side: _Side, q: float) -> bool:
        draws = side.draws
        size = np.arange(1, draws.size + 1)
        mean = np.cumsum(draws) / size
        spread = np.sqrt(np.maximum(np.cumsum(draws**2) / size - mean**2, 0.0))
        sure = (mean - q) * np.sqrt(size) > float(norm.isf(self.alpha / 2)) * spread
        return bool(np.any(sure[30:] & (spread[30:] > 0)))


class Clairvoyant(ConfidenceSequence):
    """Twin: the stake is chosen after the draw is seen."""

    def _reached(self, side: _Side, q: float) -> bool:
        draws = side.draws
        if q == 0 or draws.size == 0:
            return False
        gains = np.log1p(np.outer([1e-4, 1 - 1e-4], draws / q - 1))
        return bool(np.cumsum(gains.max(axis=0)).max() >= np.log(2 / self.alpha))


def misses(kind: type[ConfidenceSequence], law: Law, mean: float, seed: int) -> int:
    """Runs in which the true mean is excluded at any time: `above` and `below` look at every prefix of the draws."""
    rng = np.random.default_rng(seed)
    slack = 1e-12  # the mean is known up to rounding
    count = 0
    for _ in range(RUNS):
        sequence = kind(ALPHA)
        sequence.add(law(rng, DRAWS))
        count += sequence.above(mean * (1 + slack)) or sequence.below(mean * (1 - slack))
    return count


@pytest.mark.parametrize("name", LAWS)
def test_the_mean_is_missed_no_more_often_than_stated_over_the_whole_path(name: str) -> None:
    assert misses(ConfidenceSequence, *LAWS[name], seed=1) <= MOST_MISSES


@pytest.mark.parametrize("name", ["Bernoulli(0.5)", "Beta(0.5, 5)", "two-point"])
@pytest.mark.parametrize("kind", [Peeking, Clairvoyant])
def test_cheats_are_caught_by_the_same_check(name: str, kind: type[ConfidenceSequence]) -> None:
    assert misses(kind, *LAWS[name], seed=1) > MOST_MISSES


def probability_of_exclusion(kind: type[ConfidenceSequence], mean: float, alpha: float, length: int) -> float:
    """Exact probability that Bernoulli draws ever exclude their own mean, by enumeration of all paths."""
    total = 0.0
    for path in itertools.product([0.0, 1.0], repeat=length):
        sequence = kind(alpha)
        sequence.add(np.array(path))
        if sequence.above(mean) or sequence.below(mean):
            total += float(np.prod([mean if step else 1 - mean for step in path]))
    return total


@pytest.mark.parametrize("mean", [0.5, 0.1])
def test_exact_miss_probability_by_enumeration(mean: float) -> None:
    assert 0 < probability_of_exclusion(ConfidenceSequence, mean, 0.5, 9) <= 0.5
    assert probability_of_exclusion(Clairvoyant, mean, 0.5, 9) > 0.5


def test_one_excluded_stays_excluded() -> None:
    rng = np.random.default_rng(3)
    for _ in range(5):
        sequence = ConfidenceSequence(0.2)
        excluded = np.zeros((2, 19), dtype=bool)
        for _ in range(15):
            sequence.add(rng.beta(0.3, 0.7, 20))
            grid = np.arange(0.05, 1.0, 0.05)
            now = np.array([[sequence.above(q) for q in grid], [sequence.below(q) for q in grid]])
            assert np.all(now >= excluded)
            excluded = now


@pytest.mark.parametrize(
    ("law", "alpha", "draws", "low", "high"),
    [
        # growth of the best capital minus log(2 / alpha) minus log(33), over its spread: more than 4.8 sigma in each row
        (LAWS["Bernoulli(0.5)"][0], 1e-6, 4000, 0.4, 0.6),
        (LAWS["Bernoulli(0.01)"][0], 1e-2, 20_000, 0.005, 0.02),
        (lambda rng, size: rng.uniform(0.45, 0.55, size), 1e-6, 2000, 0.49, 0.51),
    ],
)
def test_power(law: Law, alpha: float, draws: int, low: float, high: float) -> None:
    sequence = ConfidenceSequence(alpha)
    sequence.add(law(np.random.default_rng(0), draws))
    assert sequence.above(low)
    assert sequence.below(high)


laws = st.sampled_from(sorted(LAWS))
levels = st.floats(1e-6, 0.9)


@given(laws, seeds, levels, st.integers(1, 120), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=150, deadline=None)
def test_above_and_below_are_monotone_in_q(name: str, seed: int, alpha: float, size: int, one: float, other: float) -> None:
    sequence = ConfidenceSequence(alpha)
    sequence.add(LAWS[name][0](np.random.default_rng(seed), size))
    low, high = min(one, other), max(one, other)
    assert sequence.above(low) or not sequence.above(high)
    assert sequence.below(high) or not sequence.below(low)


@given(laws, seeds, levels, st.integers(1, 120))
@settings(max_examples=100, deadline=None)
def test_the_interval_is_what_is_not_excluded(name: str, seed: int, alpha: float, size: int) -> None:
    sequence = ConfidenceSequence(alpha)
    sequence.add(LAWS[name][0](np.random.default_rng(seed), size))
    low, high = sequence.interval()
    mean = float(sequence.draws.mean())
    assert 0 <= low <= mean <= high + 1e-15 <= 1 + 1e-15
    assert low == 0 or sequence.above(low)
    assert high == 1 or sequence.below(high + 1e-15)
    # to a part in 1e4 of the distance from 0 (from 1), unless the search stopped at the mean
    inside, mirrored = low * (1 + 2e-4), 1 - (1 - high) * (1 + 2e-4)
    assert inside >= mean or not sequence.above(inside)
    assert mirrored <= mean or not sequence.below(mirrored)


@pytest.mark.parametrize("name", LAWS)
def test_the_edges_are_where_a_bisection_finds_them(name: str) -> None:
    sequence = ConfidenceSequence(1e-3)
    for size in (50, 1000):  # an edge is looked for anew, and from the last one
        sequence.add(LAWS[name][0](np.random.default_rng(size), size))
        for edge, side in zip(sequence.interval(), (sequence._low, sequence._high), strict=True):
            excluded, open_ = 7_000_000, int(-np.log(side.draws.mean()) / _GRID_STEP)
            while excluded - open_ > 1:
                middle = (excluded + open_) // 2
                reached = log_capital(side.draws, _grid(middle)).max() >= np.log(2e3)
                excluded, open_ = (middle, open_) if reached else (excluded, middle)
            bound = _grid(excluded) if excluded < 7_000_000 else 0.0
            assert edge == pytest.approx(bound if side is sequence._low else 1 - bound, rel=1e-12)


def test_mirror_image() -> None:
    draws = np.random.default_rng(0).beta(0.5, 5.0, 300)
    one, other = ConfidenceSequence(0.05), ConfidenceSequence(0.05)
    one.add(draws)
    other.add(1 - draws)
    assert one.interval() == pytest.approx(tuple(1 - q for q in reversed(other.interval())), abs=1e-12)


def test_edges_of_the_unit_interval() -> None:
    sequence = ConfidenceSequence(0.1)
    assert sequence.interval() == (0.0, 1.0)
    assert not any(decide(q) for decide in (sequence.above, sequence.below) for q in (0.0, 0.3, 1.0))
    for out in (-0.1, -np.inf):  # no mean lies there, whatever the draws
        assert sequence.above(out)
        assert not sequence.below(out)
    for out in (1.1, np.inf):
        assert sequence.below(out)
        assert not sequence.above(out)
    sequence.add(np.array([0.0, 0.0]))
    assert not sequence.above(0.0)
    assert not sequence.below(0.0)
    assert sequence.below(1.0)
    sequence.add(np.array([1e-300]))
    assert sequence.above(0.0)
    assert not sequence.above(1.0)
    assert sequence.above(5e-324)  # the capital overflows without a warning
    ones = ConfidenceSequence(0.1)
    ones.add(np.ones(5))
    assert not ones.below(1.0)
    assert ones.above(0.0)


@pytest.mark.parametrize("bad", [np.nan, -1e-300, 1 + 1e-15, np.inf, -np.inf])
def test_draws_outside_the_unit_interval_are_refused_and_not_kept(bad: float) -> None:
    sequence = ConfidenceSequence(0.1)
    sequence.add(np.array([0.5]))
    for position in (0, 3):
        draws = np.full(4, 0.5)
        draws[position] = bad
        with pytest.raises(InputError, match=r"must lie in 0\.\.1"):
            sequence.add(draws)
    assert sequence.draws.size == 1
    sequence.add(np.empty(0))
    assert sequence.draws.size == 1


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, np.nan, np.inf, "a", None, [0.1]])
def test_levels_that_are_none(alpha: Any) -> None:
    with pytest.raises(InputError, match="alpha"):
        ConfidenceSequence(alpha)


@pytest.mark.parametrize("alpha", [1e-300, 5e-324])
def test_no_level_is_too_small_to_be_reached(alpha: float) -> None:
    sequence = ConfidenceSequence(alpha)
    sequence.add(np.ones(2000))
    assert sequence.above(0.5)
    assert not sequence.above(0.999)


def test_of_a_mean_that_is_no_number_nothing_is_said() -> None:
    sequence = ConfidenceSequence(0.1)
    for decide in (sequence.above, sequence.below):
        with pytest.raises(InputError, match="nan"):
            decide(np.nan)


def test_draws_are_copied_and_cannot_be_changed() -> None:
    sequence, draws = ConfidenceSequence(0.1), np.full(3, 0.5)
    sequence.add(draws)
    draws[:] = 1.0
    assert sequence.draws.tolist() == [0.5, 0.5, 0.5]
    with pytest.raises(ValueError, match="read-only"):
        sequence.draws[0] = 1.0


# --------------------------------------------------------------------------------------------------------- the capital


def capital_by_logarithms(draws: Array, q: float) -> Array:
    """The definition: a logarithm of each factor, summed over draws, and the mean over stakes."""
    factors = np.log1p(_STAKES * (draws[..., None] / q - 1.0))
    return np.asarray(logsumexp(np.cumsum(factors, axis=-2), axis=-1) - np.log(_STAKES.size))


#: q from where a single draw may multiply the capital by 1e290 to the mean that no draw exceeds.
tested = st.one_of(st.floats(1e-3, 1.0), st.floats(-290.0, 0.0).map(lambda power: 10.0**power))


@given(laws, seeds, tested, st.integers(0, 700), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_the_capital_is_its_definition_row_by_row(name: str, seed: int, q: float, size: int, rows: int) -> None:
    draws = np.array([LAWS[name][0](rng, size) for rng in np.random.default_rng(seed).spawn(rows)])
    found = log_capital(draws, q)
    assert found.shape == (rows, size)
    # Each of `size` factors is rounded once or twice, and each logarithm by an ulp of itself, at most 1e-16 x 700 x size.
    np.testing.assert_allclose(found, capital_by_logarithms(draws, q), rtol=1e-13, atol=1e-15 * (size + 10))
    np.testing.assert_array_equal(log_capital(draws[0], q), log_capital(draws[:1], q)[0])


def test_the_capital_of_long_games_and_of_many() -> None:
    rng = np.random.default_rng(0)
    for shape in ((1, 30_000), (5000, 3), (3, 2, 500)):
        draws = rng.beta(0.2, 2.0, shape)
        np.testing.assert_allclose(log_capital(draws, 0.1), capital_by_logarithms(draws, 0.1), rtol=1e-11, atol=1e-12)


@given(seeds, st.floats(0.01, 1.0), st.integers(1, 10))
@settings(max_examples=30, deadline=None)
def test_the_capital_is_fair_against_the_true_mean(seed: int, mean: float, length: int) -> None:
    """Its expectation over all paths of Bernoulli draws is 1 after every draw; against any smaller q it is more."""
    paths = np.array(list(itertools.product([0.0, 1.0], repeat=length)))
    chance = np.prod(np.where(paths == 1, mean, 1 - mean), axis=1)
    np.testing.assert_allclose(chance @ np.exp(log_capital(paths, mean)), 1.0, rtol=1e-12)
    assert np.all(chance @ np.exp(log_capital(paths, 0.9 * mean)) > 1.0)


@pytest.mark.parametrize("q", [0.0, -0.1, 1.0 + 1e-15, np.nan, np.inf])
def test_means_that_no_game_is_about(q: float) -> None:
    with pytest.raises(InputError, match="q must lie in"):
        log_capital([0.5], q)


@pytest.mark.parametrize("draws", [0.5, [np.nan], [[0.5], [1.5]], ["x"], [-1e-9]])
def test_draws_that_no_game_is_played_with(draws: Any) -> None:
    with pytest.raises(InputError, match="draws"):
        log_capital(draws, 0.5)


@given(laws, seeds, levels, st.lists(st.integers(0, 90), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_looks_leave_no_trace(name: str, seed: int, alpha: float, sizes: list[int]) -> None:
    """What is decided of some draws does not depend on when, and at which means, one looked before."""
    parts = [
        LAWS[name][0](rng, size) for rng, size in zip(np.random.default_rng(seed).spawn(len(sizes)), sizes, strict=True)
    ]
    looked, fresh = ConfidenceSequence(alpha), ConfidenceSequence(alpha)
    means = (1e-6, LAWS[name][1], 0.5, 0.9)
    for part in parts:
        looked.add(part)
        for q in means:
            looked.above(q)
            looked.below(q)
        looked.interval()
    fresh.add(np.concatenate(parts))
    assert looked.interval() == fresh.interval()
    assert [looked.above(q) for q in means] == [fresh.above(q) for q in means]
    assert [looked.below(q) for q in means] == [fresh.below(q) for q in means]


@given(laws, seeds, st.lists(st.integers(1, 90), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_a_mean_is_excluded_once_its_capital_reaches_two_over_alpha(name: str, seed: int, sizes: list[int]) -> None:
    """Neither sooner nor later, also by a game that goes on from look to look."""
    rng, q = np.random.default_rng(seed), LAWS[name][1] / 2
    parts = [LAWS[name][0](rng, size) for size in sizes]
    largest = float(log_capital(np.concatenate(parts), q).max())
    assume(largest > 1.0)
    for shift, excluded in ((1e-9, True), (-1e-9, False)):
        sequence = ConfidenceSequence(float(2.0 * np.exp(shift - largest)))
        for part in parts:
            sequence.add(part)
            found = sequence.above(q)
        assert found is excluded


def naive_interval(draws: Array, alpha: float) -> tuple[float, float]:
    """Twin: the same without the guard."""
    half = float(norm.isf(alpha / 2) * draws.std() / np.sqrt(draws.size))
    return float(draws.mean()) - half, float(draws.mean()) + half


def normal_misses(interval: Callable[[Array, float], tuple[float, float]], law: Law, mean: float, alpha: float) -> int:
    rng = np.random.default_rng(4)
    count = 0
    for _ in range(RUNS):
        low, high = interval(law(rng, DRAWS), alpha)
        count += not low <= mean <= high
    return count


@pytest.mark.parametrize("name", ["Bernoulli(0.5)", "Beta(0.5, 5)", "two-point"])
def test_normal_interval_covers_for_nice_draws(name: str) -> None:
    # At 400 draws of these laws the first Edgeworth terms move the level 0.1 by less than 0.01.
    most = int(binom.isf(BY_CHANCE, RUNS, ALPHA + 0.01))
    law, mean = LAWS[name]
    assert normal_misses(normal_interval, law, mean, ALPHA) <= most
    assert all(np.isfinite(normal_interval(law(np.random.default_rng(0), DRAWS), ALPHA)))
    assert normal_misses(lambda draws, alpha: normal_interval(draws, 4 * alpha), law, mean, ALPHA) > most


@pytest.mark.parametrize("alpha", [0.5, 0.05, 1e-6])
def test_normal_interval_is_two_sided(alpha: float) -> None:
    draws = LAWS["Bernoulli(0.5)"][0](np.random.default_rng(6), 2000)
    error = float(np.sqrt(draws.mean() * (1 - draws.mean()) / draws.size))  # of a share, by another formula
    low, high = normal_interval(draws, alpha)
    # The law of the mean, from the standard library: alpha/2 of it lies beyond each edge.
    law = NormalDist(float(draws.mean()), error)
    assert law.cdf(low) == pytest.approx(alpha / 2, rel=1e-6)
    assert 1 - law.cdf(high) == pytest.approx(alpha / 2, rel=1e-6)


def test_normal_interval_refuses_where_the_limit_is_far() -> None:
    def rare(rng: np.random.Generator, size: int) -> Array:
        return np.where(rng.random(size) < 0.002, 1.0, 1e-3 * rng.random(size))

    mean, everything = 0.002 + 0.998 * 5e-4, (-np.inf, np.inf)
    most = int(binom.isf(BY_CHANCE, RUNS, 1e-3))
    assert normal_misses(naive_interval, rare, mean, 1e-3) > most
    # A rare large draw that was seen is enough to refuse. (One that was not seen leaves no trace: that is why verdicts by
    # this interval are labelled asymptotic.)
    assert normal_interval(np.r_[rare(np.random.default_rng(1), DRAWS), 1.0], 1e-3) == everything
    assert normal_interval(np.exp(6 * np.random.default_rng(2).standard_normal(500)), 1e-3) == everything
    assert normal_interval(np.full(100, 0.3), 0.1) == everything
    assert normal_interval(np.zeros(100), 0.1) == everything
    assert normal_interval(np.tile([0.0, 1.0], 14), 0.1) == everything  # 28 draws are too few
    assert normal_interval(np.empty(0), 0.1) == everything
