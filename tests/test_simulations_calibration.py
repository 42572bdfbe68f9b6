"""The calibration experiment: its laws, its statistics and its twins by other ways, and a small run through the engine.

Every statistical check fails by chance with probability at most 1e-6, and each run is of one seed.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, norm

import linflow as lf
from linflow.claims.confidence import ConfidenceSequence
from linflow.claims.tilted import draw_tilted
from linflow.experiments import load
from simulations import calibration
from tests.studies import check_outputs, small_run

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]

#: Standard deviations beyond which a mean of bounded draws lies with probability below 1e-6 (and some to spare).
SIGMAS = 6.0


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    changes: dict[str, Any] = {"law": ("coin 1/2", "0.001/U up to 1", "tilted X_A/Y_k"), "draws": 300}
    changes |= {"repetitions": 50, "horizon": 3000, "runs": 3}
    return small_run("calibration", tmp_path_factory.mktemp("calibration"), 4, **changes)[1]


@pytest.mark.parametrize("name", calibration.LAWS)
def test_laws_lie_in_the_unit_interval_and_have_the_mean_they_state(name: str) -> None:
    law = calibration.LAWS[name]
    draws = law.sample(np.random.default_rng(0), 120_000)
    assert draws.shape == (120_000,)
    assert draws.min() >= 0
    assert draws.max() <= 1
    error = max(float(draws.std()), 1e-12) / np.sqrt(draws.size)
    assert abs(draws.mean() - law.mean()) < SIGMAS * error
    # The twin: a mean that is off by as much as the draws can tell is told.
    assert abs(draws.mean() - (law.mean() + 2 * SIGMAS * error)) > SIGMAS * error
    if law.values:
        values, weights = law.values()
        assert weights.sum() == pytest.approx(1, rel=1e-12)
        assert weights @ values == pytest.approx(law.mean(), rel=1e-6)
        # The draws have that law: its second moment and the share above the mean too.
        for seen, expected in ((draws**2, values**2), (draws > law.mean(), values > law.mean())):
            assert abs(seen.mean() - weights @ expected) < SIGMAS * float(seen.std()) / np.sqrt(draws.size) + 1e-5


def test_the_tilted_ratios_are_those_of_the_error_curve() -> None:
    spectrum, m, rank = calibration.STEP, calibration.STEP_M, calibration.STEP_RANK
    assert rank + 2 == m == spectrum.n - 1
    drawn = draw_tilted(spectrum, m, rank, size=200, rng=np.random.default_rng(5))
    expected = lf.risk.error_curve(spectrum, drawn.A)[:, m] / drawn.dominating
    np.testing.assert_allclose(calibration.tilted_batch(np.random.default_rng(5), 200), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mean", [0.35, 0.65])
def test_levels_of_misses_are_where_the_sequence_itself_begins_to_exclude(mean: float) -> None:
    """At means that are off on either side, so that there is something to exclude."""
    draws = np.random.default_rng(1).beta(0.5, 0.5, (20, 150))
    levels = np.exp(calibration.levels_of_misses(draws, mean)["sequence"])
    assert np.sum(levels < 0.5) >= 15
    for row, level in zip(draws, levels, strict=True):
        for alpha, excluded in ((1.001 * level, True), (0.999 * level, False)):
            if alpha < 1:
                sequence = ConfidenceSequence(float(alpha))
                sequence.add(row)
                assert (sequence.above(mean) or sequence.below(mean)) is excluded


def test_the_twins_are_the_textbook_intervals_at_every_look() -> None:
    rng, mean, alpha = np.random.default_rng(2), 0.5, 0.3
    draws = rng.binomial(1, mean, (30, 120)).astype(float)
    normal, hoeffding = calibration.peeking_levels(draws, mean)
    missed = np.zeros((2, len(draws)), dtype=bool)
    for i, row in enumerate(draws):
        for size in range(1, row.size + 1):
            seen = row[:size]
            half = np.sqrt(np.log(2 / alpha) / (2 * size))
            missed[1, i] |= abs(seen.mean() - mean) >= half
            spread = float(seen.std())
            if size >= calibration.FIRST_LOOK and spread > 0:
                missed[0, i] |= abs(seen.mean() - mean) >= float(norm.isf(alpha / 2)) * spread / np.sqrt(size)
    np.testing.assert_array_equal(normal <= np.log(alpha), missed[0])
    np.testing.assert_array_equal(hoeffding <= np.log(alpha), missed[1])
    assert np.all((missed.sum(axis=1) > 0) & (missed.sum(axis=1) < len(draws)))
    # Where nothing has spread there is no normal interval, and so no miss.
    assert calibration.peeking_levels(np.zeros((1, 100)), 0.01)[0][0] == pytest.approx(0.0, abs=1e-12)


def ends_of_all_paths(p: float, length: int) -> tuple[Array, Array]:
    """Every path of a coin, and its probability."""
    paths = np.array(list(itertools.product([0.0, 1.0], repeat=length)))
    return paths, np.prod(np.where(paths == 1, p, 1 - p), axis=1)


@pytest.mark.parametrize("p", [0.5, 0.1])
def test_exact_probability_of_a_miss_is_at_most_alpha(p: float) -> None:
    """By enumeration: no chance is involved."""
    paths, chance = ends_of_all_paths(p, 14)
    level = calibration.levels_of_misses(paths, p)["sequence"]
    for alpha in (0.9, 0.5, 0.2, 0.05):
        assert chance @ (level <= np.log(alpha)) <= alpha
    # The twin: capital 1/alpha on either side and not 2/alpha.
    assert chance @ (level - np.log(2) <= np.log(0.9)) > 0.9


@pytest.mark.parametrize(("p", "factor"), [(0.5, 0.9), (0.5, 1.1), (0.2, 1 / 3), (0.2, 3.0), (0.01, 3.0)])
def test_information_of_a_coin_is_the_binary_divergence(p: float, factor: float) -> None:
    q, values = factor * p, calibration.LAWS["coin 1/2"].values
    assert values is not None
    divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    assert calibration.information(values()[0], np.array([1 - p, p]), q, p) == pytest.approx(divergence, rel=1e-7)


def test_information_is_the_least_divergence_to_a_law_beyond_q() -> None:
    """By its definition: the infimum over laws on the atoms and the ends of [0, 1], a convex programme."""
    cvxpy: Any = pytest.importorskip("cvxpy")
    atoms, weights, q = np.array([0.0, 0.1, 0.4, 0.7, 1.0]), np.array([0.0, 0.3, 0.4, 0.3, 0.0]), 0.2
    other = cvxpy.Variable(5)
    # The mean of the law is 0.4; the laws beyond q = 0.2 have mean at most 0.2.
    cost = cvxpy.sum(cvxpy.multiply(weights[1:4], np.log(weights[1:4]) - cvxpy.log(other[1:4])))
    least = cvxpy.Problem(cvxpy.Minimize(cost), [other >= 0, cvxpy.sum(other) == 1, atoms @ other <= q]).solve()
    assert calibration.information(atoms, weights, q, 0.4) == pytest.approx(float(least), rel=1e-4)
    # Mirrored: means above q.
    assert calibration.information(1 - atoms, weights, 1 - q, 0.6) == pytest.approx(float(least), rel=1e-4)


def test_draws_needed_are_the_first_look_that_excludes() -> None:
    draws = np.random.default_rng(3).random((6, 200))
    for q, mean in ((0.3, 0.5), (0.7, 0.5)):
        needed = calibration.draws_needed(draws, q, mean, (0.1, 1e-3))
        for a, alpha in enumerate((0.1, 1e-3)):
            for row, first in zip(draws, needed[a], strict=True):
                sequence = ConfidenceSequence(alpha)
                looks = []
                for draw in row:
                    sequence.add([draw])
                    looks.append(sequence.above(q) if q < mean else sequence.below(q))
                assert first == (looks.index(True) + 1 if any(looks) else np.inf)
    assert np.all(np.isinf(calibration.draws_needed(draws, 0.499, 0.5, (1e-9,))))


def test_a_share_has_its_binomial_interval(dataset: xr.Dataset) -> None:
    for interval in calibration.INTERVALS:
        share = calibration.misses(dataset, "coin 1/2", interval, 0.3)
        count = round(share.rate * share.repetitions)
        assert share.repetitions == 200
        # By definition: the edges are where the count becomes improbable by 2.5 % on either side.
        if count:
            assert binom.sf(count - 1, 200, share.low) == pytest.approx(0.025, rel=1e-6)
        assert binom.cdf(count, 200, share.high) == pytest.approx(0.025, rel=1e-6)


def test_the_sequence_is_calibrated_and_the_twins_are_caught(dataset: xr.Dataset) -> None:
    assert dataset.attrs["n_failed"] == 0
    for law, alpha in itertools.product(dataset["law"].values.tolist(), (0.5, 0.2, *calibration.ALPHAS)):
        most = int(binom.isf(1e-7, 200, alpha))
        counts = {name: 200 * calibration.misses(dataset, law, name, alpha).rate for name in calibration.INTERVALS}
        assert counts["sequence"] <= most
    caught = {
        name: [
            200 * calibration.misses(dataset, law, name, 0.05).rate > binom.isf(1e-7, 200, 0.05)
            for law in dataset["law"].values.tolist()
        ]
        for name in calibration.INTERVALS
    }
    assert all(caught["normal interval"])
    assert not any(caught["sequence"])
    # Hoeffding's interval needs a law with all its spread and a mild level to be caught by 200 repetitions.
    assert 200 * calibration.misses(dataset, "coin 1/2", "Hoeffding", 0.3).rate > binom.isf(1e-7, 200, 0.3)


def test_sample_sizes_of_the_rivals_solve_their_inequalities(dataset: xr.Dataset) -> None:
    alpha = calibration.level_shown(dataset)
    assert alpha == 0.01
    for law, factor, found in calibration.verdicts(dataset):
        gap, n = abs(factor - 1) * calibration.LAWS[law].mean(), found.bernstein
        assert np.sqrt(np.log(2 / alpha) / (2 * found.hoeffding)) == pytest.approx(gap, rel=1e-12)
        variance = float(dataset["variance"].sel(law=law).mean())
        half = np.sqrt(2 * variance * np.log(4 / alpha) / n) + 7 * np.log(4 / alpha) / (3 * n)
        assert half == pytest.approx(gap, rel=1e-9)
    assert ("coin 1/2", 3.0) not in [(law, factor) for law, factor, _ in calibration.verdicts(dataset)]


def test_no_verdict_is_cheaper_than_the_information_allows(dataset: xr.Dataset) -> None:
    """The bound is on the mean number of draws, so the median may lie below it by a little; and it is not far above."""
    ratios = [one.quartiles[1] / one.information for *_, one in calibration.verdicts(dataset)]
    finite = np.array([ratio for ratio in ratios if np.isfinite(ratio)])
    assert finite.size >= 6
    assert finite.min() > 0.7
    assert np.median(finite) < 3


def test_figures_table_and_reading(dataset: xr.Dataset) -> None:
    assert set(check_outputs(load("calibration"), dataset)) == {"", "verdict"}
    rows: list[Any] = calibration.table(dataset)
    assert len(rows) == 3 * 3 + len(calibration.verdicts(dataset))
    assert all(list(row) == list(rows[0]) for row in rows)
    text = calibration.reading(dataset)
    assert "200 repetitions a law" in text
    assert "in 0 of 9 cases" in text
