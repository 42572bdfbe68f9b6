"""Bounds: each against its definition written out in another way, their order, and the edges of their domains."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from linflow import risk
from linflow.claims.relation import Kind
from linflow.errors import InputError
from linflow.spectrum import Spectrum
from linflow.testing import assert_bound, assert_every_draw, cases, seeds, spectra

SOME = [
    Spectrum.power_law(40, 0.7),
    Spectrum.exponential(40, 0.5),
    Spectrum.step(40, 7, 1e-5),
    Spectrum.flat(20),
    Spectrum(10.0 ** np.linspace(150, -150, 30), name="wide"),
    Spectrum([2.0]),
]


@pytest.mark.parametrize("spectrum", SOME, ids=lambda s: s.name)
def test_best_upper_is_the_minimum_over_every_rank(spectrum: Spectrum) -> None:
    variances = [float(v) ** 2 for v in spectrum.singular_values]
    for m in range(spectrum.n + 1):
        terms = [(1 + k / (m - k - 1)) * math.fsum(variances[k:]) for k in range(m - 1)] or [math.fsum(variances)]
        assert risk.best_upper(spectrum, m) == pytest.approx(min(terms), rel=1e-13)
        assert risk.best_rank(spectrum, m) <= max(m - 2, 0)
        complex_terms = [(1 + k / (m - k)) * math.fsum(variances[k:]) for k in range(m)] or [math.fsum(variances)]
        assert risk.complex_upper(spectrum, m) == pytest.approx(min(complex_terms), rel=1e-13)


@pytest.mark.parametrize("spectrum", SOME, ids=lambda s: s.name)
def test_both_sides_of_the_theorem_are_those_that_it_states(spectrum: Spectrum) -> None:
    # The factor m - 1 would be true as well (T2 at k = m - 2), and is another theorem.
    variances = [float(v) ** 2 for v in spectrum.singular_values]
    for m in range(spectrum.n + 1):
        assert risk.theorem_lower(spectrum, m) == pytest.approx(math.fsum(variances[m:]), rel=1e-14)
        stated = m * math.fsum(variances[m - 2 :]) if m >= 2 else math.inf
        assert risk.theorem_upper(spectrum, m) == pytest.approx(stated, rel=1e-14)


@given(spectra(max_n=30, decades=140.0))
@settings(max_examples=60, deadline=None)
def test_bounds_are_ordered_and_scale(spectrum: Spectrum) -> None:
    m = np.arange(spectrum.n + 1)
    lower, best, upper = risk.theorem_lower(spectrum, m), risk.best_upper(spectrum, m), risk.theorem_upper(spectrum, m)
    assert np.all(lower <= best)
    inner = m[2 : spectrum.n]
    assert np.all(best[inner] <= upper[inner] * (1 + 1e-12))  # T2 at k = m - 2 has factor m - 1
    low, high = risk.error_range(spectrum, m)
    assert np.all(low <= high * (1 + 1e-12))
    for bound in (risk.best_upper, risk.complex_upper, risk.theorem_lower):
        assert np.allclose(bound(spectrum.scaled(2.0), m), 4 * bound(spectrum, m), rtol=1e-14, atol=0)


@given(cases())
@settings(max_examples=25, deadline=None)
def test_bounds_hold_where_hypothesis_climbs_to_the_tightest(case: tuple[Spectrum, int]) -> None:
    assert_bound(risk.best_upper, *case, max_draws=400)
    assert_bound(risk.theorem_lower, *case, kind="lower", max_draws=400)
    low, high = (float(edge) for edge in risk.error_range(*case))
    assert_every_draw(low, *case, kind="lower", draws=8)
    assert_every_draw(high, *case, draws=8)


@pytest.mark.parametrize(
    ("kind", "bound"), [("lower", lambda s, m: risk.theorem_lower(s, m - 1)), ("upper", lambda s, m: m * s.tail(m))]
)
def test_bounds_with_a_wrong_index_are_refuted(kind: Kind, bound: Callable[[Spectrum, int], float]) -> None:
    @given(cases())
    @settings(max_examples=100, deadline=None, phases=[Phase.generate])
    def test(case: tuple[Spectrum, int]) -> None:
        assert_bound(bound, *case, kind=kind, max_draws=400)

    with pytest.raises(AssertionError, match="bound refuted"):
        test()


@given(spectra(min_n=3, decades=2.0), seeds)
@settings(max_examples=30, deadline=None)
def test_range_holds_for_adversarial_measurements(spectrum: Spectrum, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((spectrum.n, spectrum.n)) * 10.0 ** rng.uniform(-4, 4, spectrum.n)  # not Gaussian at all
    low, high = risk.error_range(spectrum, np.arange(spectrum.n + 1))
    curve = risk.error_curve(spectrum, A)
    assert np.all(curve >= low * (1 - 1e-9))
    assert np.all(curve <= high * (1 + 1e-9))
    # The twin: one index off must be caught by some draw, here by measuring the top (or bottom) directions themselves.
    best, worst = risk.error_curve(spectrum, np.eye(spectrum.n)), risk.error_curve(spectrum, np.eye(spectrum.n)[::-1])
    assert best[1] < spectrum.tail(0)
    assert worst[1] == pytest.approx(high[1], rel=1e-9)


def test_truncated_is_infinite_where_the_inverse_wishart_mean_is() -> None:
    s = Spectrum.step(10, 3, 0.5)
    assert risk.truncated(s, 5, rank=3) == pytest.approx((1 + 3 / 1) * 7 * 0.25)
    assert risk.truncated(s, [3, 4], rank=3).tolist() == [math.inf, math.inf]
    assert risk.truncated(s, [0, 10], rank=0).tolist() == [s.energy, s.energy]
    assert risk.truncated(s, 10, rank=10) == 0.0
    assert risk.truncated(s, 10, rank=10, noise_std=0.1) == math.inf
    assert risk.truncated(s, 8, rank=3, noise_std=0.5) == pytest.approx(1.75 + (1.75 + 0.25) * 3 / 4)
    with pytest.raises(InputError, match=r"needs m >= 3 measurements, got m = 2"):
        risk.truncated(s, 2, rank=3)


def test_truncated_by_plain_simulation_and_a_twin_that_fails() -> None:
    """T3 against least squares in the rank-k prior, noise included; m - k - 1 in place of m - k must be rejected."""
    s, k, m, noise_std, draws = Spectrum.power_law(12), 3, 9, 0.3, 20_000
    rng = np.random.default_rng(7)
    A = rng.standard_normal((draws, m, s.n))
    mixing = np.linalg.pinv(A[:, :, :k]) @ np.concatenate(
        [A[:, :, k:] * s.singular_values[k:], noise_std * rng.standard_normal((draws, m, 1))], axis=2
    )
    risks = s.tail(k) + np.sum(mixing**2, axis=(1, 2))
    z = (risks.mean() - risk.truncated(s, m, rank=k, noise_std=noise_std)) / (risks.std() / math.sqrt(draws))
    wrong = s.tail(k) + (s.tail(k) + noise_std**2) * k / (m - k)
    assert abs(z) < 4.5  # two-sided failure probability 7e-6
    assert abs(risks.mean() - wrong) / (risks.std() / math.sqrt(draws)) > 4.5


@pytest.mark.parametrize("noise_std", [0.0, 0.3, 2.0])
def test_denoising_against_matrices(noise_std: float) -> None:
    s, penalty, k = Spectrum([3.0, 1.0, 0.2]), 0.7, 2
    G = np.diag(s.singular_values)
    Gk = G[:, :k]
    K = Gk @ np.linalg.solve(Gk.T @ Gk + penalty * np.eye(k), Gk.T)
    by_hand = np.linalg.norm((K - np.eye(3)) @ G) ** 2 + noise_std**2 * np.linalg.norm(K) ** 2
    assert risk.denoising(s, noise_std=noise_std, rank=k, penalty=penalty) == pytest.approx(by_hand, rel=1e-13)
    # gamma = s^2 beats every rank, and the best rank without penalty counts l_i > s^2.
    matched = risk.denoising(s, noise_std=noise_std, penalty=noise_std**2)
    by_rank = [risk.denoising(s, noise_std=noise_std, rank=r) for r in range(4)]
    assert matched <= min(by_rank) * (1 + 1e-14)
    assert int(np.argmin(by_rank)) == int(np.sum(s.variances > noise_std**2))


def test_spectral_and_tail_bounds_from_their_published_formulas() -> None:
    s, m, k = Spectrum.power_law(30, 1.5), 12, 5
    p, tail, sigma = m - k, s.tail(k), (k + 1) ** -1.5
    spectral = (1 + math.sqrt(k / (p - 1))) * sigma + math.e * math.sqrt(k + p) / p * math.sqrt(tail)
    assert risk.spectral_upper(s, m, rank=k) == pytest.approx(spectral, rel=1e-14)
    assert risk.spectral_upper(s, m) <= spectral
    assert risk.spectral_upper(s, 1) == math.inf
    t, u, c = 1.5, 2.0, math.e * math.sqrt(k + p) / (p + 1)
    preprint = (1 + t * math.sqrt(12 * k / p)) * math.sqrt(tail) + u * t * c * sigma
    journal = (1 + t * math.sqrt(3 * k / (p + 1))) * math.sqrt(tail) + u * t * c * sigma
    assert risk.tail_upper(s, m, rank=k, t=t, u=u, form="preprint") == pytest.approx(preprint, rel=1e-14)
    assert risk.tail_upper(s, m, rank=k, t=t, u=u) == pytest.approx(journal, rel=1e-14)
    twin = (1 + t * math.sqrt(3 * k / (p + 1))) * sigma + t * c * math.sqrt(tail) + u * t * c * sigma
    assert risk.tail_upper(s, m, rank=k, t=t, u=u, norm="spectral") == pytest.approx(twin, rel=1e-14)
    assert risk.tail_probability(p, t=t, u=u, form="preprint") == pytest.approx(5 * t**-p + 2 * math.exp(-2))
    assert risk.tail_probability(p, t=t, u=u, form="preprint", norm="spectral") == pytest.approx(5 * t**-p + math.exp(-2))
    assert risk.tail_probability(p, t=t, u=u) == pytest.approx(2 * t**-p + math.exp(-2))
    with pytest.raises(InputError, match=r"oversampling m - rank >= 4"):
        risk.tail_upper(s, 8, rank=5, t=1, u=1)
    with pytest.raises(InputError, match=r"t must be a finite number >= 1, got 0.5"):
        risk.tail_upper(s, 12, rank=5, t=0.5, u=1)


@pytest.mark.parametrize("m", [-1, 21, 2.5, float("nan"), "three"])
def test_m_outside_its_range_is_one_clear_sentence(m: Any) -> None:
    for bound in (risk.theorem_lower, risk.theorem_upper, risk.best_upper, risk.complex_upper, risk.equivalent):
        with pytest.raises(InputError, match=r"m must"):
            bound(Spectrum.flat(20), m)


@given(st.integers(1, 50))
@settings(max_examples=20, deadline=None)
def test_scalar_in_scalar_out_and_array_in_array_out(n: int) -> None:
    s = Spectrum.power_law(n)
    for bound in (risk.theorem_lower, risk.theorem_upper, risk.best_upper, risk.complex_upper, risk.equivalent):
        assert isinstance(bound(s, n), float)
        assert bound(s, np.arange(n + 1)).shape == (n + 1,)
        assert bound(s, []).shape == (0,)
