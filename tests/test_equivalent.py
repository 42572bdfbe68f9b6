"""Deterministic equivalents against 60-digit root finding, against their special cases, and against simulation."""

from __future__ import annotations

from importlib import import_module

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow import risk
from linflow.errors import InputError, ShapeError
from linflow.spectrum import Spectrum
from linflow.testing import spectra

EXTREME = [
    Spectrum.power_law(20),
    Spectrum.exponential(30, 1.0),
    Spectrum.step(16, 5, 1e-9),
    Spectrum(10.0 ** np.linspace(150, -150, 12), name="wide"),
    Spectrum.power_law(16).scaled(1e140),
    Spectrum.power_law(16).scaled(1e-140),
]


def reference(l: list[float], m: int, gamma: float, s2: float, t: list[float]) -> mp.mpf:
    """Bisection for log kappa in 60 digits, and the formula as printed."""
    with mp.workdps(60):
        L, T = [mp.mpf(x) for x in l], [mp.mpf(x) for x in t]
        low = mp.log(min(L)) - 5 - mp.log(len(L))
        if gamma > 0:
            low = min(low, mp.log(mp.mpf(gamma) / len(L)) - 5)
        high = mp.log(sum(L) + gamma) + 5
        for _ in range(220):
            middle = (low + high) / 2
            k = mp.exp(middle)
            low, high = (middle, high) if sum(x / (x + k) for x in L) + gamma / k > m else (low, middle)
        k = mp.exp(low)
        df2 = sum((x / (x + k)) ** 2 for x in L)
        return (k * k * sum(b / (a + k) ** 2 for a, b in zip(L, T, strict=True)) + s2 * df2 / m) / (1 - df2 / m)


@pytest.mark.parametrize("spectrum", EXTREME, ids=lambda s: s.name)
@pytest.mark.parametrize(
    ("gamma", "s2", "other_law"), [(0, 0, False), (0.1, 0, False), (0.01, 0.3, True), (1e-12, 0, True)]
)
def test_against_sixty_digits(spectrum: Spectrum, gamma: float, s2: float, other_law: bool) -> None:
    scale = float(spectrum.variances[0])
    gamma, noise_std = gamma * scale, float(np.sqrt(s2 * scale))
    t = spectrum.variances * np.linspace(0.2, 2, spectrum.n) if other_law else spectrum.variances
    for m in sorted({1, 2, spectrum.n // 2, spectrum.n - 1}):
        expected = reference(spectrum.variances.tolist(), m, gamma, noise_std**2, t.tolist())
        got = risk.equivalent(spectrum, m, noise_std=noise_std, penalty=gamma, signal_variances=t if other_law else None)
        assert abs(mp.mpf(got) / expected - 1) < 1e-13


@given(spectra(min_n=2, max_n=20), st.floats(0.01, 10))
@settings(max_examples=50, deadline=None)
def test_special_cases(spectrum: Spectrum, noise_std: float) -> None:
    m = np.arange(1, spectrum.n)
    k = risk.kappa(spectrum, m)
    assert np.allclose(risk.equivalent(spectrum, m), m * k, rtol=1e-12, atol=0)
    # matched noise: sum l kappa/(l + kappa) with the penalised kappa
    k = risk.kappa(spectrum, m, penalty=noise_std**2)
    l = spectrum.variances
    matched = [float(np.sum(l * x / (l + x))) for x in k]
    assert np.allclose(risk.equivalent(spectrum, m, noise_std=noise_std, penalty=noise_std**2), matched, rtol=1e-10, atol=0)
    # the model's own law given explicitly changes nothing
    own = risk.equivalent(spectrum, m, signal_variances=l)
    assert np.allclose(own, risk.equivalent(spectrum, m), rtol=1e-12, atol=0)
    # and a matched penalty is the best one
    for other in (0.5, 2.0):
        worse = risk.equivalent(spectrum, m, noise_std=noise_std, penalty=other * noise_std**2)
        assert np.all(worse >= np.asarray(matched) * (1 - 1e-12))


def test_flat_is_exact_and_edges() -> None:
    s = Spectrum.flat(12, value=3.0)
    assert np.allclose(risk.equivalent(s, np.arange(13)), 9.0 * (12 - np.arange(13)), rtol=1e-13, atol=0)
    assert risk.equivalent(s, 0) == s.energy
    assert risk.equivalent(s, 12) == 0.0
    assert risk.equivalent(s, 12, noise_std=0.1) == np.inf
    assert np.isfinite(risk.equivalent(s, 12, noise_std=0.1, penalty=0.01))
    assert risk.kappa(s, 0) == np.inf
    assert risk.kappa(s, 12) == 0.0
    assert risk.equivalent(Spectrum([2.0]), [0, 1]).tolist() == [4.0, 0.0]
    assert risk.equivalent(s, 0, signal_variances=np.arange(12.0)) == 66.0


def test_against_simulation_and_a_twin_that_fails() -> None:
    """At n = 300 the equivalent errs by 3 % (m = 10) to 0.3 % (m = 250); with l in the place of sigma by 99 %."""
    s = Spectrum.power_law(300)
    m = [10, 50, 150, 250]
    mean = risk.simulate(s, trials=100, seed=3, m_max=250)[:, m].mean(axis=0)
    assert np.all(np.abs(risk.equivalent(s, m) / mean - 1) < 0.06)
    assert np.all(np.abs(risk.equivalent(Spectrum(s.variances), m) / mean - 1) > 0.06)


def test_a_million_values_agree_with_the_full_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("linflow.risk.equivalent")  # `linflow.risk.equivalent` is the function
    rng = np.random.default_rng(0)
    for spectrum in (Spectrum.power_law(50_000), Spectrum(rng.uniform(0.1, 1.0, 50_000)), Spectrum.step(50_000, 40, 1e-6)):
        m = [1, 39, 40, 41, 3000, 49_000, 49_999]
        fast = risk.equivalent(spectrum, m, noise_std=1e-4, penalty=1e-9)
        with monkeypatch.context() as patch:
            patch.setattr(module, "SMALL", 10**9)
            full = risk.equivalent(spectrum, m, noise_std=1e-4, penalty=1e-9)
        assert np.allclose(fast, full, rtol=2e-12, atol=0)


def test_bad_input_is_named() -> None:
    s = Spectrum.flat(4)
    with pytest.raises(InputError, match="noise_std must be a finite number >= 0, got -1"):
        risk.equivalent(s, 2, noise_std=-1)
    with pytest.raises(InputError, match="penalty must be a finite number >= 0"):
        risk.equivalent(s, 2, penalty=float("nan"))
    with pytest.raises(ShapeError, match=r"signal_variances must have shape \(4,\)"):
        risk.equivalent(s, 2, signal_variances=[1.0, 2.0])
    with pytest.raises(InputError, match="signal_variances must be >= 0"):
        risk.equivalent(s, 2, signal_variances=[1.0, 2.0, 3.0, -1.0])
