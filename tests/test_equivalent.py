"""Deterministic equivalents against 400 digits, against their special cases, and against simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow import risk
from linflow.checks import FloatArray
from linflow.errors import InputError, NotConvergedError, ShapeError
from linflow.spectrum import Spectrum
from linflow.testing import spectra
from linflow.testing.strategies import KINDS

fixed_point = import_module("linflow.risk.fixed_point")
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


# ------------------------------------------------------------------------------------------------ the whole range

WITHIN = mp.mpf(10) ** -12


def excess(l: Sequence[Any], m: int, gamma: float, kappa: Any) -> Any:
    """``sum l/(l + kappa) + gamma/kappa - m``, which falls in kappa and vanishes at the root."""
    return mp.fsum(x / (x + kappa) for x in l) + mp.mpf(gamma) / kappa - m


def is_root(spectrum: Spectrum, m: int, gamma: float, kappa: float) -> bool:
    """Whether the root lies within 1e-12 of `kappa`, by a change of sign in 400 digits: enough for 600 decades."""
    with mp.workdps(400):
        l = [mp.mpf(float(x)) for x in spectrum.variances]
        below, above = (excess(l, m, gamma, mp.mpf(kappa) * (1 + sign * WITHIN)) for sign in (-1, 1))
        return bool(below > 0 > above)


def reference_risk(spectrum: Spectrum, m: int, gamma: float, s: float, t: FloatArray, near: float) -> Any:
    """The formula as printed, in 400 digits, at the root that lies within 1e-12 of `near`."""
    with mp.workdps(400):
        l, T = ([mp.mpf(float(x)) for x in values] for values in (spectrum.variances, t))
        low, high = mp.mpf(near) * (1 - WITHIN), mp.mpf(near) * (1 + WITHIN)
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(l, m, gamma, middle) > 0 else (low, middle)
        bias = mp.fsum(b * (low / (a + low)) ** 2 for a, b in zip(l, T, strict=True))
        df2 = mp.fsum((a / (a + low)) ** 2 for a in l)
        return (bias + mp.mpf(s) ** 2 * df2 / m) / (1 - df2 / m)


penalties = st.one_of(st.just(0.0), st.floats(-300, 300).map(lambda decades: 10.0**decades))


@given(spectra(max_n=10, decades=150.0, kinds=KINDS), penalties, st.data())
@settings(max_examples=100, deadline=None)
def test_kappa_brackets_a_change_of_sign_on_the_whole_range(
    spectrum: Spectrum, penalty: float, data: st.DataObject
) -> None:
    with_penalty = [spectrum.n, spectrum.n + 1, 3 * spectrum.n, 10**6] if penalty else []
    m = [*range(1, spectrum.n), *with_penalty]
    roots = risk.kappa(spectrum, m, penalty=penalty)
    assert all(is_root(spectrum, count, penalty, root) for count, root in zip(m, roots, strict=True))
    if m:
        at = data.draw(st.sampled_from(range(len(m))))
        assert not is_root(spectrum, m[at], penalty, roots[at] * (1 + 3e-12))  # the check sees what it is to see
        assert not is_root(spectrum, m[at], penalty, roots[at] * (1 - 3e-12))


@given(
    spectra(max_n=8, decades=150.0, kinds=KINDS),
    penalties,
    st.floats(-150, 150).map(lambda decades: 10.0**decades),
    st.lists(st.floats(-300, 300).map(lambda decades: 10.0**decades), min_size=8, max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_the_equivalent_on_the_whole_range(spectrum: Spectrum, penalty: float, noise_std: float, t: list[float]) -> None:
    own, other = spectrum.variances, np.array(t[: spectrum.n])
    for m in [*range(1, spectrum.n), *([spectrum.n, 2 * spectrum.n] if penalty else [])]:
        root = risk.kappa(spectrum, m, penalty=penalty)
        for variances, s in ((own, 0.0), (own, noise_std), (other, noise_std)):
            expected = reference_risk(spectrum, m, penalty, s, variances, root)
            got = risk.equivalent(spectrum, m, penalty=penalty, noise_std=s, signal_variances=variances)
            # What float64 itself cannot hold is inf, or has lost digits below 1e-300.
            assert (got == np.inf and expected > 1e307) or abs(mp.mpf(got) - expected) <= 1e-12 * expected + 1e-310


@pytest.mark.parametrize("a", [1e3, 1e10, 1e25, 1e50, 1e100, 1e150])
def test_closed_forms(a: float) -> None:
    assert risk.kappa(Spectrum([a, 1 / a]), 1) == pytest.approx(1.0, rel=1e-13)
    # A step at its rank k solves k x^2 + (k - (n - k)) f x - (n - k) f = 0, f the floor's variance and 1 the head's.
    step, k = Spectrum.step(32, 8, 1 / a), 8
    with mp.workdps(700):
        floor = mp.mpf(float(step.variances[-1]))
        b = (2 * k - 32) * floor
        exact = (-b + mp.sqrt(b * b + 4 * k * (32 - k) * floor)) / (2 * k)
        assert abs(mp.mpf(risk.kappa(step, k)) / exact - 1) < 1e-12


LARGE: dict[str, Callable[[int, np.random.Generator], FloatArray]] = {
    "power law": lambda n, rng: np.arange(1.0, n + 1) ** -0.7,
    "steep": lambda n, rng: np.arange(1.0, n + 1) ** -30.0,
    "uniform": lambda n, rng: rng.uniform(0.1, 1.0, n),
    "600 decades": lambda n, rng: 10.0 ** np.linspace(150, -150, n),
    "anywhere": lambda n, rng: 10.0 ** rng.uniform(-150, 150, n),
    "step": lambda n, rng: np.where(np.arange(n) < 40, 1e150, 1e-150),
    "two bulks": lambda n, rng: np.r_[1e150 * rng.uniform(0.5, 1, n // 2), 1e-150 * rng.uniform(1, 5, n - n // 2)],
    "spikes": lambda n, rng: np.r_[10.0 ** rng.uniform(-150, 150, 10), 1e100 * rng.uniform(0.9, 1.1, n - 10)],
    "cluster": lambda n, rng: 1e-140 * (1 + 1e-6 * rng.uniform(0, 1, n)),
}


@pytest.mark.parametrize("kind", LARGE)
def test_compressed_spectra_agree_with_400_digits_and_with_the_full_sums(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    spectrum = Spectrum(LARGE[kind](3000, rng), name=kind)
    assert spectrum.n > fixed_point.SMALL
    for penalty in (0.0, float(spectrum.variances[1500])):
        assert all(is_root(spectrum, m, penalty, risk.kappa(spectrum, m, penalty=penalty)) for m in (40, 2999))
    spectrum = Spectrum(LARGE[kind](6000, rng), name=kind)
    for penalty, noise_std in (
        (0.0, 0.0),
        (1e-9 * spectrum.variances[0], 1e-4 * spectrum.singular_values[0]),
        (1e-300, 1e-9),
    ):
        m = [1, 39, 40, 41, 2999, 3000, 3001, 5999, *([6000, 6001, 10**7] if penalty else [])]
        t = spectrum.variances * rng.uniform(0, 2, spectrum.n)
        fast: list[FloatArray] = []
        full: list[FloatArray] = []
        for small, into in ((fixed_point.SMALL, fast), (10**9, full)):
            with monkeypatch.context() as patch:
                patch.setattr(fixed_point, "SMALL", small)
                into += [risk.kappa(spectrum, m, penalty=penalty)]
                into += [risk.equivalent(spectrum, m, noise_std=noise_std, penalty=penalty, signal_variances=t)]
        np.testing.assert_allclose(fast, full, rtol=1e-12, atol=0)


def test_a_million_values() -> None:
    spectrum = Spectrum(10.0 ** np.linspace(150, -150, 10**6))
    m = np.unique(np.linspace(1, 10**6 - 1, 100).astype(int))
    k = risk.kappa(spectrum, m)
    assert np.all(np.diff(k) < 0)
    for at in (0, 50, 99):
        total = np.sum(np.sort(spectrum.variances / (spectrum.variances + k[at])))
        assert total == pytest.approx(m[at], rel=1e-12)


def test_what_is_not_certified_is_an_error_and_never_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Spectrum([1e20, 1e-20])
    assert is_root(Spectrum.flat(3, 1e150), 1, 1.7e308, risk.kappa(Spectrum.flat(3, 1e150), 1, penalty=1.7e308))
    with pytest.raises(NotConvergedError, match="kappa at m = 4 could not be found to a relative 1e-13"):
        risk.kappa(pair, [1, 4], penalty=1e-323)  # the root is subnormal: it has no digits
    monkeypatch.setattr(fixed_point, "STEPS", 2)
    for function in (risk.kappa, risk.equivalent):
        with pytest.raises(NotConvergedError):
            function(Spectrum.power_law(50), 7)


def test_penalised_measurements_may_exceed_n_and_others_may_not() -> None:
    flat = Spectrum.flat(4)
    k = risk.kappa(flat, 10, penalty=1.0)  # 10 = 4/(1 + k) + 1/k, that is 10 k^2 + 5 k - 1 = 0
    assert k == pytest.approx((-5 + 65**0.5) / 20, rel=1e-14)
    # With many measurements the signal is known: what remains is noise in n directions, s^2 n / m.
    assert risk.equivalent(flat, 10**8, noise_std=0.5, penalty=0.25) == pytest.approx(0.25 * 4 / 10**8, rel=1e-6)
    for function in (risk.kappa, risk.equivalent):
        with pytest.raises(InputError, match=r"m must lie in 0\.\.n = 0\.\.4, got m = 5"):
            function(flat, 5)
        with pytest.raises(InputError, match=r"m must lie in 0\.\.2\*\*53, got m = -1"):
            function(flat, -1, penalty=1.0)


def test_bad_input_is_named() -> None:
    s = Spectrum.flat(4)
    with pytest.raises(InputError, match="noise_std must be a finite number >= 0, got -1"):
        risk.equivalent(s, 2, noise_std=-1)
    for level in (1e-160, 1e160):  # no square that vanishes or overflows
        with pytest.raises(InputError, match="noise_std must be 0 or lie in 1e-150"):
            risk.equivalent(s, 2, noise_std=level)
    with pytest.raises(InputError, match="penalty must be a finite number >= 0"):
        risk.equivalent(s, 2, penalty=float("nan"))
    with pytest.raises(ShapeError, match=r"signal_variances must have shape \(4,\)"):
        risk.equivalent(s, 2, signal_variances=[1.0, 2.0])
    with pytest.raises(InputError, match="signal_variances must be >= 0"):
        risk.equivalent(s, 2, signal_variances=[1.0, 2.0, 3.0, -1.0])
