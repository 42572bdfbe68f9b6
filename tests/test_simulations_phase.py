"""phase-transition and universality: run small through the engine, theory lines and statistics held against other ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import integrate, stats

import linflow as lf
from linflow.checks import Field
from linflow.experiments import load
from simulations import phase_transition as phase
from simulations import sample_complexity, universality
from tests.studies import check_outputs, small_run

if TYPE_CHECKING:
    import xarray as xr


@pytest.fixture(scope="module")
def diagram(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    fractions = tuple(round(0.04 * i, 2) for i in range(1, 25))
    changes: dict[str, Any] = {"n": (25, 50), "m_fraction": fractions, "rank_fraction": (0.2, 0.4)}
    changes |= {"draws": 12, "floor": 0.05, "tolerance": 0.05}
    return small_run("phase-transition", tmp_path_factory.mktemp("phase"), 4, **changes)[1]


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    changes: dict[str, Any] = {"spectrum": ("power law 1", "step at n/4"), "n": 16, "draws": 15}
    return small_run("universality", tmp_path_factory.mktemp("universality"), 10, **changes)[1]


# ------------------------------------------------------------------------------------------------ phase-transition


def test_phase_transition_gives_figures_table_and_reading(diagram: xr.Dataset) -> None:
    assert check_outputs(load("phase-transition"), diagram)
    rows: list[Any] = phase.table(diagram)
    assert len(rows) == 6
    assert "n = 50" in phase.reading(diagram)
    for row in rows:
        assert abs(row["50 % point - theory, mean"]) < 3
        assert row["s.e."] > 0
    wide = {(row["prior"], row["n"]): row["10-90 % width / n"] for row in rows}
    assert wide["basis pursuit", 50] < wide["basis pursuit", 25]
    assert wide["linear flow", 50] < wide["basis pursuit", 50]


@pytest.mark.parametrize("rho", [0.02, 0.2, 0.5, 0.9])
def test_statistical_dimension_is_the_distance_to_the_cone_of_subgradients(rho: float) -> None:
    """delta = E dist^2(g, cone of the subdifferential), the best multiple chosen after g: here with n = 4000, one draw."""
    n = 4000
    g = np.random.default_rng(0).standard_normal((20, n))
    k = round(rho * n)
    tau = np.linspace(0, 5, 1001)
    distance = [
        np.min([np.sum((d[:k] - t) ** 2) + np.sum(np.maximum(np.abs(d[k:]) - t, 0) ** 2) for t in tau[::10]]) / n for d in g
    ]
    # The distance squared has variance at most 4 delta n (it is the square of a 1-Lipschitz function).
    allowed = 5 * np.sqrt(4 * rho + 4) / np.sqrt(n * len(g)) + 1e-3
    assert np.mean(distance) == pytest.approx(phase.statistical_dimension(rho), abs=allowed)
    # And the formula of the brief, by quadrature.
    by_quadrature = []
    for t in tau[::20]:
        tail = integrate.quad(lambda u, t=t: (u - t) ** 2 * np.exp(-u * u / 2), t, np.inf)[0]
        by_quadrature.append(rho * (1 + t * t) + (1 - rho) * np.sqrt(2 / np.pi) * tail)
    assert phase.statistical_dimension(rho) <= min(by_quadrature) + 1e-12
    assert phase.statistical_dimension(rho) == pytest.approx(min(by_quadrature), abs=5e-3)
    assert abs(phase.statistical_dimension(1.2 * rho if rho < 0.8 else 0.7) - np.mean(distance)) > 0.005  # the twin


def test_contours_solve_their_equations() -> None:
    n, k, floor, tolerance = 100, 30, 0.05, 0.05
    energy, tail = k + 70 * floor**2, 70 * floor**2
    # T3: tail (1 + k / (m - k - 1)) = tolerance energy, solved by hand for m.
    by_hand = k + 1 + k / (tolerance * energy / tail - 1)
    assert phase.contour("truncated", n, k, floor, tolerance) == pytest.approx(by_hand, abs=0.15)
    # The equivalent: m and kappa from m kappa = tolerance energy, k / (1 + kappa) + (n - k) l / (l + kappa) = m.
    kappa = np.geomspace(1e-6, 1, 200_001)
    counts = k / (1 + kappa) + 70 * floor**2 / (floor**2 + kappa)
    m = float(np.interp(tolerance * energy, counts * kappa, counts))
    assert phase.contour("flow", n, k, floor, tolerance) == pytest.approx(m, abs=0.15)
    assert phase.contour("flow", n, k, floor, tolerance) < phase.contour("truncated", n, k, floor, tolerance)
    # A floor that alone exceeds the tolerance is never reached by the truncation.
    assert phase.contour("truncated", n, 2, floor, tolerance) == n


@pytest.mark.parametrize("m", [3, 6, 9])
def test_error_of_the_truncation_is_that_of_the_estimator(m: int) -> None:
    n, k, floor = 12, 6, 0.3
    A = np.random.default_rng(m).standard_normal((1, m, n))
    flow = lf.LinearFlow.from_spectrum(lf.Spectrum.step(n, k, floor))
    G = np.asarray(flow.matrix)
    recovered = lf.truncated_least_squares(flow, A[0], G.T @ A[0].T, rank=k)
    assert phase.truncated_error(A, k, floor)[0] == pytest.approx(np.sum((recovered - G.T) ** 2), rel=1e-9)


def test_probit_fit_finds_the_maximum_and_covers_the_truth() -> None:
    rng = np.random.default_rng(3)
    m, trials = np.arange(1.0, 40.0), np.full(39, 60.0)
    successes = rng.binomial(60, stats.norm.cdf((m - 17.3) / 4.0), size=(300, 39)).astype(float)
    a, b = phase.probit_fit(m, successes, np.broadcast_to(trials, successes.shape))

    def likelihood(a: Any, b: Any) -> Any:
        p = stats.norm.cdf((m - a[:, None]) / b[:, None])
        return np.sum(stats.binom.logpmf(successes, 60, p), axis=1)

    for da, db in ((0.05, 0), (-0.05, 0), (0, 0.05), (0, -0.05)):
        assert np.all(likelihood(a, b) > likelihood(a + da, b + db))
    # 300 fits: the mean is known to a s.e. of their spread over sqrt(300); five of them fail once in a million.
    assert abs(a.mean() - 17.3) < 5 * a.std() / np.sqrt(300) + 0.01
    assert abs(b.mean() - 4.0) < 5 * b.std() / np.sqrt(300) + 0.03
    assert abs(a.mean() - 17.6) > 5 * a.std() / np.sqrt(300) + 0.01  # the twin


def test_probit_fit_survives_separation_and_missing_blocks() -> None:
    m = np.arange(1.0, 11.0)
    successes = np.where(m > 5, 20.0, 0.0)
    a, b = phase.probit_fit(m, successes, np.full(10, 20.0))
    assert 5 < a < 6
    assert 0 < b < 0.5
    trials = np.full(10, 20.0)
    trials[3] = 0.0
    again, _ = phase.probit_fit(m, successes, trials)
    assert 5 < again < 6


# ---------------------------------------------------------------------------------------------------- universality


def test_universality_gives_figures_table_and_reading(curves: xr.Dataset) -> None:
    assert check_outputs(load("universality"), curves)
    verdicts = {(r["ensemble"], r["basis"], r["noise"]): r["verdict"] for r in universality.table(curves)}
    assert len(verdicts) == 24
    # Exact statements: these laws are the same, those differ (family-wise level 1e-2, a false alarm here is one run in 100;
    # the seed is fixed).
    assert all(
        verdicts["Gaussian again", basis, noise] == "not refuted" for basis in ("Haar", "canonical") for noise in (0, 0.2)
    )
    assert all(verdicts[e, "Haar", 0.0] == "not refuted" for e in ("Rademacher", "sparse sign", "DCT", "Hadamard"))
    # The twin: orthogonal rows under noise must be told apart.
    assert all(verdicts[e, basis, 0.2] == "differs" for e in ("DCT", "Hadamard") for basis in ("Haar", "canonical"))
    assert "family-wise" in universality.reading(curves)


def test_ends_of_the_curves_are_known(curves: xr.Dataset) -> None:
    spectrum = lf.Spectrum.power_law(16, 1.0)
    l = spectrum.variances
    at_one = curves["error"].sel(spectrum="power law 1", noise_std=0.0, m=1) * spectrum.energy
    for ensemble in ("Rademacher", "Hadamard"):  # entries +-1: the same for every draw
        values = at_one.sel(basis="canonical", ensemble=ensemble).values
        np.testing.assert_allclose(values, l.sum() - np.sum(l**2) / l.sum(), rtol=1e-10)
    blocks = at_one.sel(basis="Haar", ensemble="Gaussian").values
    complex_blocks = at_one.sel(basis="Haar", ensemble="complex Gaussian").values
    for exact, values in ((lf.risk.exact(spectrum, 1), blocks), (lf.risk.exact(spectrum, 1, "complex"), complex_blocks)):
        assert abs(values.mean() - exact) < 6 * values.std(ddof=1) / np.sqrt(len(values))
    # Discrete entries may leave n rows short of rank n; these never do.
    complete = ["Gaussian", "DCT", "Hadamard", "complex Gaussian"]
    np.testing.assert_allclose(curves["error"].sel(noise_std=0.0, m=16, ensemble=complete), 0.0, atol=1e-12)
    np.testing.assert_allclose(curves["error"].sel(m=0), 1.0, rtol=1e-12)


@pytest.mark.parametrize("field", ["real", "complex"])
def test_noisy_curves_are_the_trace_of_the_posterior_covariance(field: Field) -> None:
    spectrum, noise_std = lf.Spectrum.power_law(6, 1.0), 0.3
    A = np.stack([lf.measurement.gaussian(5, 6, np.random.default_rng(s), field=field) for s in range(2)])
    curves = universality.noisy_curves(spectrum, A, noise_std)
    for draw, m in np.ndindex(2, 6):
        rows = A[draw, :m]
        precision = np.diag(1 / spectrum.variances) + rows.conj().T @ rows / noise_std**2
        assert curves[draw, m] == pytest.approx(np.trace(np.linalg.inv(precision)).real, rel=1e-10)
    if field == "real":
        flow = lf.LinearFlow.from_spectrum(spectrum)
        posterior = lf.posterior(flow, A[0], np.zeros(5), noise_std=noise_std)
        assert curves[0, 5] == pytest.approx(np.trace(posterior.covariance), rel=1e-10)


def test_welch_and_holm_agree_with_scipy() -> None:
    rng = np.random.default_rng(4)
    x, y = 1 + 0.1 * rng.standard_normal((20, 4)), 1 + 0.3 * rng.standard_normal((12, 4))
    x[3, 0] = np.nan
    found = universality.welch(x, y)
    other = stats.ttest_ind(x, y, equal_var=False, nan_policy="omit")
    np.testing.assert_allclose(found["p"], other.pvalue, rtol=1e-9)
    np.testing.assert_allclose(found["freedom"], other.df, rtol=1e-9)
    # Holm by its definition: the smallest level at which each hypothesis is rejected.
    p = np.array([0.2, 0.001, 0.02, 0.9, 0.012])
    for index, adjusted in enumerate(universality.holm(p)):
        rejected = [level for level in np.linspace(0, 1, 10_001) if _holm_rejects(p, level)[index]]
        assert adjusted == pytest.approx(min(rejected, default=1.0), abs=2e-4)


def test_the_error_of_a_deviation_is_its_spread() -> None:
    # 4000 repetitions: their spread is known to 1.1 %, the delta method at 60 blocks adds less than 1 %.
    rng = np.random.default_rng(14)
    x, y = 1.5 + 0.2 * rng.standard_normal((60, 4000)), 1 + 0.2 * rng.standard_normal((60, 4000))
    found = universality.welch(x, y)
    stated = np.sqrt(np.mean(found["error"] ** 2))
    spread = found["deviation"].std()
    assert abs(stated / spread - 1) < 0.06
    # Twins: without the error of the reference, and with it as if the two means were equal.
    own, other = x.var(axis=0, ddof=1).mean() / 60, y.var(axis=0, ddof=1).mean() / 60
    for wrong in (np.sqrt(own), np.sqrt(own + other)):
        assert abs(wrong / spread - 1) > 0.06


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (40, 50), (50, 50)])
def test_the_interval_of_a_share_is_wilson_s(k: int, n: int) -> None:
    low, high = phase.wilson(np.array(k / n), np.array(float(n)), z=float(stats.norm.isf(0.025)))
    reference = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert (float(low), float(high)) == pytest.approx((reference.low, reference.high), abs=1e-12)


def test_measurements_needed_for_a_relative_error() -> None:
    curve = [1.0, 0.5, 0.3, 0.3, 0.1, 0.0]
    needed = {target: sample_complexity.measurements_needed(curve, target) for target in (2.0, 0.5, 0.4, 0.3, 0.05, 0.0)}
    assert needed == {2.0: 0, 0.5: 1, 0.4: 2, 0.3: 2, 0.05: 5, 0.0: 5}
    assert sample_complexity.measurements_needed([3.0, 2.0], 1.0) == 1  # beyond what was simulated: all of them


def _holm_rejects(p: Any, level: float) -> Any:
    rejects = np.zeros(len(p), dtype=bool)
    for rank, index in enumerate(np.argsort(p)):
        if p[index] > level / (len(p) - rank):
            break
        rejects[index] = True
    return rejects


def test_the_family_wise_level_is_kept_and_a_deviation_of_five_percent_is_found() -> None:
    """Families of 50 tests on equal laws: the share with a false alarm is at most LEVEL; shifted ones are seen."""
    rng = np.random.default_rng(5)
    alarms = missed = 0
    for _ in range(300):
        x, y = 1 + 0.05 * rng.standard_normal((2, 30, 50))
        alarms += int(universality.holm(universality.welch(x, y)["p"]).min() <= universality.LEVEL)
        missed += int(universality.holm(universality.welch(x + 0.1, y)["p"]).max() > universality.LEVEL)
    # Binomial(300, 0.01) exceeds 14 with probability 1e-6.
    assert stats.binom.sf(alarms - 1, 300, universality.LEVEL) > 1e-6
    assert missed < 15
