"""Whether rows are dependent is decided with a margin: no answer and no refusal hangs on the last bits of a number."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linflow.errors import InputError, RankError
from linflow.estimators import gradient_flow, map_estimate, mle, penalised, posterior, truncated_least_squares
from linflow.flow import LinearFlow
from linflow.graded import GradedQR
from linflow.spectrum import Spectrum
from linflow.testing import seeds, spectra

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)

many = settings(max_examples=150, deadline=None, derandomize=True)
few = settings(max_examples=30, deadline=None, derandomize=True)

#: Units in the last place by which each entry of a dependent row may be wrong.
ulps = st.sampled_from([0, 1, 4])


def _dependent(rng: np.random.Generator, m: int, n: int, kind: str, *, wrong_by: float) -> Array:
    """(m, n) rows one of which, in a random place, depends on the others up to `wrong_by` of each entry; any units."""
    A = np.round(rng.standard_normal((m, n)) * 2**20) / 2**20
    A[-1] = A[0] if kind == "equal" else -3 * A[0]
    if kind == "combination":
        weights = rng.integers(-2, 3, m - 1)
        weights[0] = 1
        A[-1] = weights @ A[:-1]
    A[-1] *= 1 + wrong_by * rng.integers(-1, 2, n)
    return np.ldexp(A, rng.integers(-100, 100, (m, 1)))[rng.permutation(m)]


kinds = st.sampled_from(["equal", "multiple", "combination"])

#: Everything that needs independent rows, without a penalty.
STRICT: dict[str, Callable[[LinearFlow, Array], object]] = {
    "mle": lambda flow, A: mle(flow, A, np.ones(len(A))),
    "map_estimate": lambda flow, A: map_estimate(flow, A, np.ones(len(A)), noise_std=0.0),
    "posterior": lambda flow, A: posterior(flow, A, np.ones(len(A)), noise_std=0.0),
    "truncated_least_squares": lambda flow, A: truncated_least_squares(flow, A, np.ones(len(A)), rank=flow.n),
}


@many
@given(spectra(min_n=3, max_n=12, decades=60.0), seeds, kinds, ulps, st.booleans())
def test_dependent_rows_are_refused_whatever_the_last_bits(
    spectrum: Spectrum, seed: int, kind: str, wrong_by: int, rotate: bool
) -> None:
    rng = np.random.default_rng(seed)
    n = spectrum.n
    # Fewer rows than unknowns: with as many, truncated least squares solves for the unknowns instead.
    m = int(rng.integers(2, n))
    flow = LinearFlow.from_spectrum(spectrum, rng=rng if rotate else None, mean=rng.standard_normal(n))
    A = _dependent(rng, m, n, kind, wrong_by=wrong_by * EPS)
    for call in STRICT.values():
        with pytest.raises(RankError, match=r"linear combination of the other rows: drop .* use a penalty"):
            call(flow, A)
    # No penalty that float64 cannot see beside the smallest entries helps: up to 1e-4 of what rounding makes of them.
    smallest = float(spectrum.singular_values[-1] * np.abs(A).max(axis=1).min())
    for fraction in (1e-150, 1e-60, 1e-20):
        with pytest.raises(RankError, match="use a larger penalty"):
            map_estimate(flow, A, np.ones(m), noise_std=fraction * smallest)
        if (penalty := (fraction * smallest) ** 2) > 0:
            with pytest.raises(RankError, match="use a larger penalty"):
                penalised(flow, A, np.ones(m), penalty=penalty)


@many
@given(spectra(min_n=3, max_n=12, decades=1.0), seeds, kinds, ulps, st.sampled_from([1e-9, 1e-6, 1.0]))
def test_a_penalty_that_can_be_seen_resolves_dependent_rows(
    spectrum: Spectrum, seed: int, kind: str, wrong_by: int, fraction: float
) -> None:
    rng = np.random.default_rng(seed)
    n = spectrum.n
    m = int(rng.integers(2, n + 1))
    flow = LinearFlow.from_spectrum(spectrum, rng=rng)
    A = _dependent(rng, m, n, kind, wrong_by=wrong_by * EPS)
    noise_std = fraction * float(spectrum.singular_values[0] * np.linalg.norm(A, axis=1).max())
    assert np.isfinite(map_estimate(flow, A, A.sum(axis=1), noise_std=noise_std)).all()
    assert np.isfinite(penalised(flow, A, A.sum(axis=1), penalty=noise_std**2)).all()


@many
@given(spectra(min_n=5, max_n=12, decades=1.0), seeds, kinds)
def test_nearly_dependent_rows_are_answered(spectrum: Spectrum, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    n = spectrum.n
    # Room for three unknowns more than rows: chance then leaves no row dependent on the others to 1e-13.
    m = int(rng.integers(2, n - 2))
    flow = LinearFlow.from_spectrum(spectrum, rng=rng)
    A = _dependent(rng, m, n, kind, wrong_by=0.0)
    A *= 1 + 1e-10 * rng.standard_normal(A.shape)
    for call in STRICT.values():
        call(flow, A)
    x = mle(flow, A, A @ np.ones(n))
    assert np.abs(A @ (x - 1.0)).max() <= 1e3 * n * EPS * np.abs(A).max() * (1 + np.abs(x).max())


@pytest.mark.parametrize("penalty", [0.0, 1e-300, 1e-60, 1e-40])
@pytest.mark.parametrize("n", [2, 3, 5, 17])
def test_two_equal_rows_are_refused_where_the_computed_direction_misses_them(n: int, penalty: float) -> None:
    # The second column of Q is then rounding too: its entries in the large rows may be exactly 0, on some processors.
    for first in (1.0, 3.0, 0.1):
        row = first + np.arange(n)
        for A in (np.stack([row, row]), np.stack([row, -4 * row]), np.stack([0.1 * row, row, row])):
            with pytest.raises(RankError, match="penalty"):
                penalised(LinearFlow.from_spectrum(1.0 + np.arange(n)), A, np.ones(len(A)), penalty=penalty)


def test_the_rows_that_a_pivot_could_move_in_need_not_be_those_of_the_computed_direction() -> None:
    # Exactly equal columns with a small entry under each: the computed second direction lies in the small rows alone, and
    # seen from it the pivot looks true.
    K = np.array([[1.0, 1.0], [1.0, 1.0], [1e-30, 0.0], [0.0, 1e-30]])
    for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]):
        assert GradedQR.of(K[order], row_noise=np.zeros(4), column_noise=np.zeros(2)).rank == 1
    # Without the second large row there is no direction that a rounding of the large entries could open.
    alone = K[[0, 2, 3]]
    assert GradedQR.of(alone, row_noise=np.zeros(3), column_noise=np.zeros(2)).rank == 2


@pytest.mark.parametrize(("n", "rank_is_full"), [(20, True), (120, False)])
def test_pivots_that_hide_a_dependent_column_do_not_count(n: int, rank_is_full: bool) -> None:
    # Kahan (1966): all pivots are large, but the last column is a combination of the others with coefficients that grow
    # like 1.4^n, which carry the rounding of the others with them.
    cosine, sine = math.cos(1.2), math.sin(1.2)
    K = (np.eye(n) - cosine * np.triu(np.ones((n, n)), 1)) * sine ** np.arange(n)[:, None]
    K *= (1 - 1e-9) ** np.arange(n)  # decides ties
    qr = GradedQR.of(K, row_noise=np.zeros(n), column_noise=np.zeros(n))
    assert np.abs(np.diag(qr.R)).min() > 1e-4
    assert (np.linalg.cond(K) < 1e10) == rank_is_full
    assert (qr.rank == n) == rank_is_full


@many
@given(spectra(min_n=2, max_n=30, decades=140.0), seeds, st.booleans())
def test_graded_columns_are_not_accused(spectrum: Spectrum, seed: int, tall: bool) -> None:
    # The directions that large rows leave free are down to 1e-280: found from the reflectors, by no subtraction.
    rng = np.random.default_rng(seed)
    n = spectrum.n
    m = int(rng.integers(1, n + 1)) if tall else n
    K = (spectrum.singular_values[:, None] * rng.standard_normal((n, m)))[rng.permutation(n)]
    assert GradedQR.of(K, row_noise=np.zeros(n), column_noise=np.zeros(m)).rank == m


@few
@given(spectra(min_n=3, max_n=9, decades=20.0), seeds, st.integers(-120, 120))
def test_the_decision_does_not_depend_on_units(spectrum: Spectrum, seed: int, exponent: int) -> None:
    rng = np.random.default_rng(seed)
    n = spectrum.n
    K = spectrum.singular_values[:, None] * rng.standard_normal((n, n))
    K[:, -1] = K[:, 0] * (1 + 10.0 ** rng.uniform(-17, -8) * rng.standard_normal(n))
    first = GradedQR.of(K, row_noise=np.zeros(n), column_noise=np.zeros(n))
    scaled = GradedQR.of(np.ldexp(K, exponent), row_noise=np.zeros(n), column_noise=np.zeros(n))
    assert scaled.rank == first.rank
    np.testing.assert_array_equal(scaled.excess, first.excess)


def _states(outcome: Callable[[float], str]) -> list[str]:
    """Outcomes as two rows come apart, each once, in the order in which they appear."""
    found: list[str] = []
    for exponent in range(-56, -29):
        state = outcome(2.0**exponent)
        if not found or found[-1] != state:
            found.append(state)
    return found


@pytest.mark.parametrize("seed", range(10))
def test_outcomes_change_once_as_rows_come_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 9))
    flow = LinearFlow.from_spectrum(1.0 + rng.random(n))
    row, away = np.round(rng.standard_normal((2, n)) * 2**10) / 2**10

    def strict(distance: float) -> str:
        try:
            mle(flow, np.stack([row, row + distance * away]), np.array([1.0, 3.0]))
        except RankError:
            return "refused"
        return "answered"

    def limit(distance: float) -> str:
        try:
            x = gradient_flow(flow, np.stack([row, row + distance * away]), [1.0, 3.0], time=math.inf)
        except RankError:
            return "refused"
        # Dependent rows: the average of both readings. Independent ones: both are met, by a huge signal.
        return "average" if np.abs(x).max() < 1e6 else "both"

    assert _states(strict) == ["refused", "answered"]
    assert _states(limit) == ["average", "refused", "both"]


# ------------------------------------------------------------------------------------------- gradient flow, in particular


@many
@given(spectra(min_n=2, max_n=9, decades=60.0), seeds, ulps, st.booleans())
def test_gradient_flow_counts_a_repeated_row_as_one(spectrum: Spectrum, seed: int, wrong_by: int, rotate: bool) -> None:
    rng = np.random.default_rng(seed)
    n = spectrum.n
    m = int(rng.integers(1, n + 1))
    flow = LinearFlow.from_spectrum(spectrum, rng=rng if rotate else None, mean=rng.standard_normal(n))
    A, y = rng.standard_normal((m, n)), rng.standard_normal(m)
    again = A[:1] * (1 + wrong_by * EPS * rng.integers(-1, 2, n))
    # Two readings that differ: the limit meets their average, and all the others.
    x = gradient_flow(flow, np.vstack([A, again]), np.append(y, y[0] + 2.0), time=math.inf)
    y[0] += 1.0
    size = np.abs(A).max() * (np.abs(x).max() + np.abs(flow.mean).max()) + np.abs(y).max()
    basis = np.eye(n) if flow.basis is None else flow.basis
    blocks = max(np.linalg.cond((A @ basis)[:, :k]) for k in range(1, n + 1))
    assert np.abs(A @ x - y).max() <= 1e3 * n * EPS * blocks**2 * size


@pytest.mark.parametrize("small", [1.0, 1e-10, 1e-20, 1e-80])
@pytest.mark.parametrize("seed", range(5))
def test_rounding_of_a_repeated_row_hides_no_small_direction(small: float, seed: int) -> None:
    # Rows 0, 1 and 2 are multiples of each other: rounding leaves 1e-17 of one, which may be more than row 3 sees.
    rng = np.random.default_rng(seed)
    row = rng.standard_normal(5)
    flow = LinearFlow.from_spectrum([1.0, 1.0, 1.0, 1.0, small, small])
    A = np.zeros((4, 6))
    A[:3, :5] = np.outer([1.0, 0.3, -2.1], row * [1.0, 1.0, 1.0, 1.0, 0.0])
    A[3, 4:] = 1.0
    x = gradient_flow(flow, A, A @ np.arange(6.0), time=math.inf)
    np.testing.assert_allclose(A @ x, A @ np.arange(6.0), rtol=1e-12)
    np.testing.assert_allclose(x[4:], [4.5, 4.5], rtol=1e-12)


def test_a_doubtful_row_is_refused_only_when_it_decides() -> None:
    flow = LinearFlow.from_spectrum([1.0, 1.0])
    A = np.array([[1.0, 2.0], [1.0, 2.0 + 2.0**-45]])
    assert np.isfinite(gradient_flow(flow, A, [1.0, 3.0], time=1.0)).all()
    assert np.isfinite(gradient_flow(flow, A, [1.0, 3.0], time=1e8)).all()
    for time in (1e16, math.inf):
        with pytest.raises(
            RankError, match=r"cannot tell, and by this time it decides the answer: stop before .*e\+1[0-2]"
        ):
            gradient_flow(flow, A, [1.0, 3.0], time=time)
    np.testing.assert_allclose(gradient_flow(flow, A[[0, 0]], [1.0, 3.0], time=math.inf), [0.4, 0.8], rtol=1e-13)


# ---------------------------------------------------------------------------------------- unknowns, matrices and data


@many
@given(st.integers(2, 10), seeds, kinds, ulps)
def test_directions_that_cannot_be_told_apart_are_refused(k: int, seed: int, kind: str, wrong_by: int) -> None:
    rng = np.random.default_rng(seed)
    m = k + int(rng.integers(0, 4))
    flow = LinearFlow.from_spectrum(np.sort(2.0 + rng.random(m + 1))[::-1], mean=rng.standard_normal(m + 1))
    A = rng.standard_normal((m, m + 1))
    A[:, :k] = _dependent(rng, k, m, kind, wrong_by=wrong_by * EPS).T
    with pytest.raises(RankError, match="do not determine direction"):
        truncated_least_squares(flow, A, np.ones(m), rank=k)
    A[:, :k] *= 1 + 1e-8 * rng.standard_normal((m, k))
    assert np.isfinite(truncated_least_squares(flow, A, np.ones(m), rank=k)).all()


@many
@given(st.integers(2, 12), seeds, kinds, ulps, st.booleans())
def test_singular_matrices_are_refused_whatever_the_last_bits(
    n: int, seed: int, kind: str, wrong_by: int, transpose: bool
) -> None:
    rng = np.random.default_rng(seed)
    G = _dependent(rng, n, n, kind, wrong_by=wrong_by * EPS)
    with pytest.raises(RankError, match="singular to rounding"):
        LinearFlow.from_matrix(G.T if transpose else G)
    core = np.linalg.qr(rng.standard_normal((n, n)))[0]
    assert LinearFlow.from_matrix(core * np.geomspace(1.0, 1e-10, n) @ core.T).n == n


@pytest.mark.parametrize("samples", range(2, 12))
@pytest.mark.parametrize("value", [0.1, -1 / 3, 1e-300, 1e5 + 0.1, 12345678.9])
@pytest.mark.parametrize("shrinkage", ["oas", "ledoit-wolf", 0.5, 0.0])
def test_equal_samples_are_constant_though_their_mean_is_rounded(
    samples: int, value: float, shrinkage: str | float
) -> None:
    X = np.full((samples, 3), value) * [1.0, 3.0, 7.0]
    for fit in (LinearFlow.fit, Spectrum.from_data):
        with pytest.raises(InputError, match="the data are constant"):
            fit(X, shrinkage=shrinkage)


@few
@given(seeds, st.integers(0, 12))
def test_singular_data_are_refused_at_any_offset(seed: int, decades: int) -> None:
    rng = np.random.default_rng(seed)
    n, samples = int(rng.integers(2, 7)), int(rng.integers(3, 40))
    # Integers: the samples are exactly what they are meant to be, offset included.
    values = np.append(rng.integers(0, 8, samples - 1), 8)
    X = np.outer(values, 1.0 + np.arange(n)) + np.round(10.0**decades * rng.random(n))
    for fit in (LinearFlow.fit, Spectrum.from_data):
        with pytest.raises(InputError, match="singular with shrinkage 0"):
            fit(X, shrinkage=0.0)
    # Each variance is that of exact arithmetic.
    column = [Fraction(int(v)) for v in X[:, 0]]
    mean = sum(column) / samples
    exact = float(sum((v - mean) ** 2 for v in column) / samples)
    np.testing.assert_allclose(LinearFlow.fit(X, shrinkage=0.5).covariance.trace(), exact * sum((1 + np.arange(n)) ** 2))
