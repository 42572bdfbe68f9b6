"""E_m for real A at every m: closed forms, other quadratures, draws, the laws it obeys, cliffs, and what is counted."""

from __future__ import annotations

import math
from importlib import import_module
from itertools import combinations, pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow.checks import FloatArray
from linflow.claims.confidence import ConfidenceSequence
from linflow.claims.quantities import ExpectedError
from linflow.errors import NotConvergedError
from linflow.risk import enclosure, equivalent, exact, has_exact
from linflow.risk.plane import BITS, SEARCH_BITS, RealCurve, real_curve
from linflow.spectrum import Spectrum
from linflow.testing import spectra

plane_module = import_module("linflow.risk.plane")

CLIFFS = [Spectrum.step(8, 2, 1e-3), Spectrum.step(12, 5, 1e-12), Spectrum([1e6, 1e6, 1e3, 1.0, 1.0, 1e-3, 1e-6])]
SOME = [
    Spectrum([3.0, 2.0, 1.0]),
    Spectrum.power_law(16),
    Spectrum.exponential(24, 0.25),
    Spectrum.log_spaced(10, 1e12),
    Spectrum([2.0, 1.0, 1.0, 1.0 + 2**-52, 0.5, 0.5]),
    Spectrum(10.0 ** (-5.0 * np.arange(8))),
    *CLIFFS,
]


def curve(spectrum: Spectrum, bits: int = BITS) -> RealCurve:
    found = real_curve(spectrum, bits)
    inner = slice(2, spectrum.n)
    assert np.all(found.low[inner] <= found.values[inner])
    assert np.all(found.values[inner] <= found.high[inner])
    assert np.all((found.high - found.low)[inner] <= 2e-12 * found.values[inner] * 2.0 ** (BITS - bits))
    return found


# ------------------------------------------------------------------------------------------------ known values


@pytest.mark.parametrize("n", [3, 4, 9, 33])
def test_a_flat_spectrum_leaves_n_minus_m(n: int) -> None:
    found = curve(Spectrum.flat(n, 3.0))
    wanted = 9.0 * (n - np.arange(n + 1))[2:n]
    np.testing.assert_allclose(found.values[2:n], wanted, rtol=2e-14)
    assert np.all((found.low[2:n] <= wanted) & (wanted <= found.high[2:n]))


@pytest.mark.parametrize("sigma", [[3.0, 2.0, 1.0], [1e6, 1.0, 1e-6], [1.0, 1.0, 1e-9], [1e-140, 2e-140, 5e-141]])
def test_three_values_by_hand(sigma: list[float]) -> None:
    # E_2 = sigma_1 sigma_2 sigma_3 R_F(l_1, l_2, l_3).
    found = curve(Spectrum(sigma))
    with mpmath.workdps(40):
        values = [mpmath.mpf(s) for s in sigma]
        wanted = mpmath.fprod(values) * mpmath.elliprf(*(x**2 for x in values))
        assert found.low[2] <= wanted <= found.high[2]
        assert abs(found.values[2] / wanted - 1) < 1e-13


@pytest.mark.parametrize("spectrum", SOME, ids=lambda s: f"{s.name} {s.n}")
def test_the_last_m_by_the_integral_on_a_line(spectrum: Spectrum) -> None:
    n = spectrum.n
    found, line = curve(spectrum), enclosure(spectrum, n - 1)
    assert line is not None
    assert found.low[n - 1] <= line.high
    assert line.low <= found.high[n - 1]
    assert found.values[n - 1] == pytest.approx(exact(spectrum, n - 1), rel=1e-13)


def set_by_set(l: list[float], m: int, t_1: FloatArray, t_2: FloatArray) -> FloatArray:
    """The integrand over t_1 > t_2 > 0, from every set U of m + 1 values: nothing of linflow's."""
    x, y = [1 / (1 + a * t_1) for a in l], [1 / (1 + a * t_2) for a in l]
    total = sum(
        math.prod(l[i] for i in chosen) * sum(x[j] * y[k] for j in chosen for k in chosen if j != k)
        for chosen in combinations(range(len(l)), m + 1)
    )
    found: FloatArray = total * np.sqrt(np.prod(x, axis=0) * np.prod(y, axis=0)) * (t_1 * t_2) ** ((m - 3) / 2)
    return (m - 1) / 4 * (t_1 - t_2) * found


def panels(start: float, stop: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of Gauss's rule on panels of length 1."""
    nodes, weights = np.polynomial.legendre.leggauss(12)
    edges = np.arange(start, stop)
    return ((nodes + 1) / 2 + edges[:, None]).ravel(), np.tile(weights / 2, edges.size)


@pytest.mark.parametrize(("sigma", "m"), [([2.0, 1.5, 1.0], 2), ([2.0, 1.0, 0.7, 0.1], 2), ([1.5, 1.0, 1.0, 0.6, 0.5], 3)])
def test_another_quadrature_of_the_formula_in_other_variables(sigma: list[float], m: int) -> None:
    # t_1 = e^a, t_2 = e^(a - b), b > 0, by Gauss's rule.
    (a, weights_a), (b, weights_b) = panels(-30.0, 50.0), panels(0.0, 50.0)
    t_1, t_2 = np.exp(a)[:, None], np.exp(a[:, None] - b)
    found = float(weights_a @ (set_by_set([s * s for s in sigma], m, t_1, t_2) * t_1 * t_2) @ weights_b)
    assert found == pytest.approx(exact(Spectrum(sigma), m), rel=1e-8)
    assert found != pytest.approx(exact(Spectrum(sigma), m - 1), rel=1e-2)


# ------------------------------------------------------------------------------------------------ draws


@pytest.mark.parametrize(
    ("spectrum", "m"),
    [(Spectrum([2.0, 1.0, 0.5, 0.25]), 2), (Spectrum.power_law(12), 5), (Spectrum.step(8, 2, 1e-3), 5)],
    ids=["four", "power law", "step"],
)
def test_tilted_draws_confirm_the_value_and_reject_others(spectrum: Spectrum, m: int) -> None:
    quantity = ExpectedError(oracle=False)
    sequence = ConfidenceSequence(1e-9)
    sequence.add(quantity.draws(spectrum, m, 20_000, np.random.default_rng(7)).weights)
    low, high = (quantity.scale(spectrum, m) * edge for edge in sequence.interval())
    assert low <= exact(spectrum, m) <= high
    for wrong in (exact(spectrum, m - 1), exact(spectrum, m + 1), exact(spectrum, m, "complex")):
        assert not low <= wrong <= high


# ------------------------------------------------------------------------------------------------ laws


@given(spectra(min_n=3, max_n=8, decades=6.0))
@settings(max_examples=15, deadline=None)
def test_between_the_equivalents_of_m_and_of_one_measurement_fewer(spectrum: Spectrum) -> None:
    # Interlacing: m kappa_m <= E_m <= (n - m)/(n - m + 1) (m - 1) kappa_{m-1}, and between complex ones.
    n, found = spectrum.n, curve(spectrum)
    for m in range(2, n):
        share = (n - m) / (n - m + 1)
        slack = 1 + 1e-9
        assert equivalent(spectrum, m) <= slack * found.high[m]
        assert found.low[m] <= slack * share * equivalent(spectrum, m - 1)
        assert exact(spectrum, m, "complex") <= slack * found.high[m]
        assert found.low[m] <= slack * share * exact(spectrum, m - 1, "complex")


@given(spectra(min_n=3, max_n=7, decades=6.0), st.integers(-300, 300))
@settings(max_examples=15, deadline=None)
def test_a_power_of_two_scales_the_curve(spectrum: Spectrum, power: int) -> None:
    before, after = curve(spectrum), curve(Spectrum(np.ldexp(spectrum.singular_values, power)))
    for name in ("values", "low", "high"):
        # Every number is the same but for its exponent; the order of sums is the library's own affair.
        np.testing.assert_allclose(getattr(after, name), np.ldexp(getattr(before, name), 2 * power), rtol=1e-13)


@given(spectra(min_n=3, max_n=7, decades=8.0), st.data())
@settings(max_examples=15, deadline=None)
def test_it_falls_with_m_and_grows_with_every_value(spectrum: Spectrum, data: st.DataObject) -> None:
    n, found = spectrum.n, curve(spectrum)
    whole = [exact(spectrum, 1), *found.values[2:n]]
    assert all(after < before for before, after in pairwise(whole))
    larger = spectrum.singular_values.copy()
    larger[data.draw(st.integers(0, n - 1))] *= 1.5
    assert np.all(curve(Spectrum(larger)).high[2:n] >= found.low[2:n])


def test_nearly_equal_values_tend_to_repeated_ones() -> None:
    repeated = curve(Spectrum([2.0, 1.0, 1.0, 1.0, 0.5, 0.5]))
    near = curve(Spectrum([2.0, 1.0 + 1e-13, 1.0, 1.0 - 1e-13, 0.5, 0.5]))
    np.testing.assert_allclose(near.values[2:6], repeated.values[2:6], rtol=1e-12)


# ------------------------------------------------------------------------------------------------ cliffs and extremes


@pytest.mark.parametrize("floor", [1e-3, 1e-9, 1e-30])
def test_the_cliff_of_a_step_has_its_known_heights(floor: float) -> None:
    # rank = 2. At m = rank the smallest singular value of a square block decides: E_2 is of the order of floor, where
    # T1's tail is floor^2; from m = rank + 2 on it is of the order of floor^2, and at rank + 1 a logarithm above.
    n = 8
    errors, lower = (curve(Spectrum.step(n, 2, height)).values for height in (floor, floor / 10))
    assert lower[2] / errors[2] == pytest.approx(0.1, rel=0.02)
    assert 0.01 < lower[3] / errors[3] < 0.02
    assert lower[5] / errors[5] == pytest.approx(0.01, rel=0.01)
    # A draw with a square block of s_min < eps has the probability eps: E_2 = c floor, which no bound by tails shows.
    assert errors[2] > 1e2 * Spectrum.step(n, 2, floor).tail(2) or floor > 1e-9


@pytest.mark.parametrize(
    "spectrum",
    [
        Spectrum([1e40, 1e-40, 1e-40]),
        Spectrum([1e40, 1e40, 1e-39]),
        Spectrum([1e40] * 4 + [1e-39] * 4),
        Spectrum([1e40, *([1.0] * 3), *([1e-39] * 6)]),
        Spectrum([1e150, 1e148, 1e75]),
        Spectrum([1e-80, 1e-150, 1e-150, 1e-150]),
    ],
    ids=str,
)
def test_the_largest_conditions_are_certified(spectrum: Spectrum) -> None:
    found = curve(spectrum)
    assert found.values[spectrum.n - 1] == pytest.approx(exact(spectrum, spectrum.n - 1), rel=1e-12)


def test_the_limits_are_where_they_are_said_to_be() -> None:
    assert has_exact(Spectrum.power_law(plane_module.LIMIT), 5)
    assert not has_exact(Spectrum.power_law(plane_module.LIMIT + 1), 5)
    assert has_exact(Spectrum([1e40, 1.0, 1.0, 1.1e-40]), 2)
    assert not has_exact(Spectrum([1e40, 1.0, 1.0, 0.9e-40]), 2)


# ------------------------------------------------------------------------------------------------ what is counted


@pytest.mark.parametrize("spectrum", SOME[:6], ids=lambda s: f"{s.name} {s.n}")
def test_a_coarse_rule_encloses_a_fine_one(spectrum: Spectrum) -> None:
    inner = slice(2, spectrum.n)
    fine = curve(spectrum).values[inner]
    for bits in (12, 24, SEARCH_BITS):
        coarse = curve(spectrum, bits)
        assert np.all((coarse.low[inner] <= fine) & (fine <= coarse.high[inner]))
        assert np.all((coarse.high - coarse.low)[inner] >= 2.0 ** (-bits - 2) * fine)


def test_the_curve_is_certified_or_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    spectrum = Spectrum([5.0, 3.0, 2.0, 1.0, 0.1])
    real_curve.cache_clear()
    monkeypatch.setattr(plane_module, "TINY", 1e-20)
    with pytest.raises(NotConvergedError, match=r"is certified to .* of itself only"):
        exact(spectrum, 2)
    monkeypatch.undo()
    monkeypatch.setattr(plane_module, "_MOST_OCTAVES", 9)
    with pytest.raises(NotConvergedError, match="does not vanish within"):
        exact(spectrum, 2)
    monkeypatch.undo()
    assert exact(spectrum, 2) > 0


@pytest.mark.parametrize("fault", ["step", "weight", "scale"])
def test_faults_leave_the_enclosure_of_the_line(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin of the agreement at m = n - 1: nodes too far apart, a lost pair, another power of t."""
    spectrum = Spectrum([3.0, 2.0, 1.0, 0.5, 0.4], name=fault)
    sums, grid = plane_module.pair_sums, plane_module._Grid.of
    if fault == "step":
        monkeypatch.setattr(plane_module.octaves, "nodes_per_octave", lambda factors, bits: 1)
        monkeypatch.setattr(plane_module.octaves, "rule_error", lambda factors, per_octave: 1e-15)
    if fault == "weight":

        def lost(seen: Any, unseen: Any, weights: Any, **roundings: int) -> Any:
            weights[:, 0, 1] = weights[:, 1, 0] = 0.0
            return sums(seen, unseen, weights, **roundings)

        monkeypatch.setattr(plane_module, "pair_sums", lost)
    if fault == "scale":
        monkeypatch.setattr(plane_module.octaves, "LOG_2", 0.6931)
        assert grid is not None
    real_curve.cache_clear()
    found, line = real_curve(spectrum), enclosure(spectrum, 4)
    real_curve.cache_clear()
    assert line is not None
    assert not (found.low[4] <= line.high and line.low <= found.high[4])


def test_a_curve_is_computed_once_and_cannot_be_changed() -> None:
    spectrum = Spectrum([3.0, 2.0, 1.0, 0.5])
    found = real_curve(spectrum)
    assert real_curve(Spectrum([3.0, 2.0, 1.0, 0.5], name="again")) is found
    with pytest.raises(ValueError, match="read-only"):
        found.values[2] = 0.0
