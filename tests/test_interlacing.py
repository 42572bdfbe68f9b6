"""The interlacing theorem: against exact values of both fields, 60 digits, simulation; no index can be another."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linflow import data, risk
from linflow.checks import FIELDS, Field, FloatArray
from linflow.claims.quantities import ExpectedError
from linflow.errors import InputError, NotConvergedError
from linflow.risk.matched import log_dets, matched_errors
from linflow.spectrum import Spectrum
from linflow.testing import assert_bound, cases, spectra
from linflow.testing.strategies import KINDS

#: What rounding may do to a side and to an exact value, relative to either.
ROUNDING = 1e-12
WIDE = Spectrum(10.0 ** np.linspace(150, -150, 12), name="wide")
#: Two cases in which the real chain is tight: n = 2, where E_1 = A_1, and k = m - 2 spikes, where e_m -> A_{m-1}.
PAIR, SPIKE = Spectrum([3.0, 1.0]), Spectrum([1e3, 1.0, 1.0, 1.0, 1.0, 1.0])


def root(l: list[Any], order: Any, gamma: Any) -> Any:
    """kappa by bisection of its logarithm, in the digits of the context."""
    low, high = mp.log(min([*l, *([gamma] if gamma else [])])) - 50, mp.log(sum(l) + gamma) + 50
    for _ in range(120):  # to 1e-32
        middle = (low + high) / 2
        k = mp.exp(middle)
        low, high = (middle, high) if mp.fsum(x / (x + k) for x in l) + gamma / k > order else (low, middle)
    return mp.exp(low)


def in_digits(spectrum: Spectrum, order: float, gamma: float = 0.0, digits: int = 60) -> tuple[Any, Any, Any]:
    """Kappa, sum l kappa/(l + kappa) and the log-determinant's equivalent as usually printed, in so many digits."""
    with mp.workdps(digits):
        l = [mp.mpf(float(x)) for x in spectrum.variances]
        k = root(l, mp.mpf(order), mp.mpf(gamma))
        error = mp.fsum(x * k / (x + k) for x in l)
        if gamma == 0:
            return k, error, None
        g, q = mp.mpf(gamma), mp.mpf(order)
        return k, error, mp.fsum(mp.log(1 + x / k) for x in l) + q * mp.log(q * k / g) + g / k - q


def agree(found: Any, expected: Any) -> bool:
    """Whether they differ by rounding alone, relative to themselves; float64 has no digits below 1e-307."""
    return bool(abs(mp.mpf(float(found)) - expected) <= ROUNDING * abs(expected) + 1e-307)


# ------------------------------------------------------------------------------------------------- the theorem itself


@given(spectra(min_n=2, max_n=9, decades=8.0))
@settings(max_examples=150, deadline=None)
def test_every_link_holds_where_errors_are_known_exactly(spectrum: Spectrum) -> None:
    n = spectrum.n
    m = np.arange(n + 1)
    exact = risk.exact(spectrum, m, "complex")
    lower, upper = risk.interlacing(spectrum, m, field="complex")
    assert np.all(lower <= exact * (1 + ROUNDING))
    assert np.all(exact <= upper * (1 + ROUNDING))
    for count in {1, n - 1}:
        real = risk.exact(spectrum, count)
        below, above = risk.interlacing(spectrum, count)
        assert below <= real * (1 + ROUNDING)
        assert real <= above * (1 + ROUNDING)
        # And against the complex errors of m and of m - 1 measurements.
        assert exact[count] <= real * (1 + ROUNDING)
        assert real <= exact[count - 1] * (n - count) / (n - count + 1) * (1 + ROUNDING)


@given(cases(spectra(min_n=4, max_n=10)))
@settings(max_examples=25, deadline=None)
def test_both_sides_hold_for_real_measurements_of_every_number(case: tuple[Spectrum, int]) -> None:
    lower, upper = risk.interlacing(*case)
    assert_bound(lower * (1 - ROUNDING), *case, kind="lower", max_draws=400)
    assert_bound(upper * (1 + ROUNDING), *case, max_draws=400)


@pytest.mark.parametrize(
    "spectrum", [Spectrum.from_data(data.digits()), Spectrum.power_law(64)], ids=["digits", "power law"]
)
@pytest.mark.parametrize("field", FIELDS)
def test_simulated_errors_lie_between_both_sides(spectrum: Spectrum, field: Field) -> None:
    curves = risk.simulate(spectrum, trials=400, seed=1, field=field)
    m = np.arange(1, spectrum.n - 1)
    mean, error = curves.mean(axis=0)[m], curves.std(axis=0)[m] / 20
    lower, upper = risk.interlacing(spectrum, m, field=field)
    # Six standard errors, and 62 values of m.
    assert np.all(mean + 6 * error >= lower)
    assert np.all(mean - 6 * error <= upper)
    # The twin that must fail: sides of m + 1 measurements.
    shifted = risk.interlacing(spectrum, m + 1, field=field)[1]
    assert np.sum(mean - 6 * error > shifted) > m.size / 2
    if field == "real":  # complex errors lie so close below m kappa that only their exact values tell
        assert np.any(mean - 6 * error > risk.interlacing(spectrum, m, field="complex")[1])


@given(spectra(min_n=2, max_n=30, decades=140.0))
@settings(max_examples=60, deadline=None)
def test_the_chain_of_equivalents_falls_between_the_means(spectrum: Spectrum) -> None:
    n = spectrum.n
    chain = risk.per_dimension(spectrum, np.linspace(0, n, 8 * n + 1))
    assert np.all(np.diff(chain) <= ROUNDING * chain[1:])
    with mp.workdps(60):
        l = [mp.mpf(float(x)) for x in spectrum.variances]
        assert agree(chain[0], mp.fsum(l) / n)
        assert agree(chain[-1], n / mp.fsum(1 / x for x in l))
    # The real side is the complex one a step further: upper(real) = lower(complex) two measurements before, and so on.
    m = np.arange(1, n)
    real, complex_ = (risk.interlacing(spectrum, m, field=field) for field in FIELDS)
    np.testing.assert_allclose(real[0], complex_[1], rtol=ROUNDING)
    np.testing.assert_allclose(real[0] / (n - m), chain[8 * m], rtol=ROUNDING)
    np.testing.assert_allclose(real[1] / (n - m), chain[8 * (m - 1)], rtol=ROUNDING)
    np.testing.assert_allclose(complex_[0] / (n - m), chain[8 * (m + 1)], rtol=ROUNDING)


@given(spectra(min_n=2, max_n=30, decades=140.0))
@settings(max_examples=60, deadline=None)
def test_it_implies_the_theorem_and_the_bound_of_every_rank(spectrum: Spectrum) -> None:
    n, m = spectrum.n, np.arange(1, spectrum.n)
    lower, upper = risk.interlacing(spectrum, m)
    assert np.all(spectrum.tail(m) <= lower * (1 + ROUNDING))
    factor = (n - m) / (n - m + 1)
    assert np.all(upper <= factor * risk.best_upper(spectrum, m) * (1 + ROUNDING))
    assert np.all(risk.interlacing(spectrum, m, field="complex")[1] <= risk.complex_upper(spectrum, m) * (1 + ROUNDING))


# ------------------------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize(
    "spectrum", [Spectrum.power_law(20), Spectrum.step(16, 5, 1e-9), WIDE, Spectrum.power_law(9).scaled(1e140), PAIR]
)
def test_real_orders_against_sixty_digits(spectrum: Spectrum) -> None:
    n = spectrum.n
    for order in (0.1, 0.5, 0.9, 1.0, 1.1, n / 2 - 0.1, n / 2 + 0.1, n - 1.0, n - 0.9, n - 0.1):
        if 0 < order < n:
            k, _, _ = in_digits(spectrum, order, digits=700 if spectrum is WIDE else 60)
            assert agree(risk.per_dimension(spectrum, order), order * k / (n - order))


@given(spectra(max_n=8, decades=150.0, kinds=KINDS), st.floats(0.05, 0.95), st.data())
@settings(max_examples=60, deadline=None)
def test_a_real_order_is_attained_on_the_whole_range(spectrum: Spectrum, part: float, draw: st.DataObject) -> None:
    order = draw.draw(st.integers(0, spectrum.n - 1)) + part
    k = float(risk.per_dimension(spectrum, order)) * (spectrum.n - order) / order
    with mp.workdps(400):
        l = [mp.mpf(float(x)) for x in spectrum.variances]
        below, above = (
            mp.fsum(x / (x + kappa) for x in l) - mp.mpf(order)
            for kappa in (mp.mpf(k) * (1 + sign * mp.mpf(10) ** -12) for sign in (-1, 1))
        )
        assert below > 0 > above


def test_real_orders_of_a_compressed_spectrum_lie_between_whole_ones() -> None:
    for values in (np.arange(1.0, 5001.0) ** -0.7, np.where(np.arange(5000) < 40, 1e150, 1e-150)):
        spectrum = Spectrum(values)
        at = risk.per_dimension(spectrum, np.array([39.0, 39.5, 40.0, 40.5, 41.0, 4998.5, 4999.0, 4999.9, 5000.0]))
        assert np.all(np.diff(at) < 0)


def test_flat_pairs_single_values_and_the_ends() -> None:
    flat = Spectrum.flat(7, value=1e-150)
    for field in FIELDS:
        for edge in risk.interlacing(flat, np.arange(8), field=field):
            np.testing.assert_allclose(edge, flat.variances[0] * (7 - np.arange(8)), rtol=ROUNDING)
        lower, upper = risk.interlacing(WIDE, [0, 12], field=field)
        assert lower.tolist() == upper.tolist() == [WIDE.energy, 0.0]
        assert risk.interlacing(Spectrum([2.0]), 1, field=field) == (0.0, 0.0)
        assert risk.interlacing(Spectrum([2.0]), 0, field=field) == (4.0, 4.0)
    np.testing.assert_allclose(risk.interlacing(PAIR, 1), (3.0, 5.0), rtol=1e-14)
    np.testing.assert_allclose(risk.interlacing(PAIR, 1, field="complex"), (1.8, 3.0), rtol=1e-14)
    assert np.shape(risk.interlacing(flat, np.ones((2, 3), dtype=int))[0]) == (2, 3)
    assert risk.interlacing(flat, [])[1].shape == (0,)
    assert risk.per_dimension(flat, 2.5).shape == ()


def test_a_million_values_and_as_many_measurements_as_a_thousand() -> None:
    spectrum = Spectrum.power_law(10**6)
    m = np.unique(np.geomspace(1, 10**6 - 1, 1000).astype(int))
    lower, upper = risk.interlacing(spectrum, m)
    assert np.all(lower < upper)
    assert np.all(upper[100:] < lower[100:] * 1.05)
    np.testing.assert_allclose(lower, risk.equivalent(spectrum, m), rtol=1e-12)


def test_bad_input_is_named() -> None:
    s = Spectrum.flat(4)
    with pytest.raises(InputError, match=r"m must lie in 0\.\.n = 0\.\.4, got m = 5"):
        risk.interlacing(s, 5)
    with pytest.raises(InputError, match="field must be one of"):
        risk.interlacing(s, 2, field="rael")  # type: ignore[call-overload]
    for order in (-0.1, 4.1, math.nan):
        with pytest.raises(InputError, match="order must"):
            risk.per_dimension(s, order)
    mismatch = r"proved for the matched penalty noise_std\*\*2 = 0.25 .*, got penalty = 0.1"
    with pytest.raises(InputError, match=mismatch):
        risk.interlacing(s, 2, noise_std=0.5, penalty=0.1)
    with pytest.raises(InputError, match="matched penalty"):
        risk.interlacing(s, 2, noise_std=0.0, penalty=0.1)
    for function in (risk.resolvent_range, risk.log_det_range):
        with pytest.raises(InputError, match="penalty must be > 0"):
            function(s, 2, penalty=0.0)
    with pytest.raises(NotConvergedError):
        risk.interlacing(Spectrum([1e20, 1e-20]), 4, penalty=1e-323)


# ------------------------------------------------------------------------------------------------- noise and penalty


def test_a_noise_alone_means_its_penalty_and_a_penalty_alone_its_noise() -> None:
    s = Spectrum.power_law(12)
    m = [0, 1, 5, 12, 40]
    by_noise, by_penalty, by_both = (
        risk.interlacing(s, m, noise_std=a, penalty=b) for a, b in ((0.3, None), (None, 0.09), (0.3, 0.09))
    )
    np.testing.assert_allclose(by_noise, by_penalty, rtol=1e-14)
    np.testing.assert_allclose(by_noise, by_both, rtol=0)
    for a, b in ((0.0, None), (None, 0.0), (0.0, 0.0)):
        np.testing.assert_array_equal(risk.interlacing(s, 5, noise_std=a, penalty=b), risk.interlacing(s, 5))
    np.testing.assert_allclose(by_noise[0], risk.equivalent(s, m, noise_std=0.3, penalty=0.09), rtol=1e-12)
    # As the penalty vanishes the sides become those without: f (m-1) kappa_{m-1} for (m-1) kappa_{m-1}, without its f.
    lower, upper = risk.interlacing(s, [3, 8], penalty=1e-14)
    np.testing.assert_allclose(lower, risk.equivalent(s, [3, 8]), rtol=1e-9)
    np.testing.assert_allclose(upper, risk.equivalent(s, [2, 7]), rtol=1e-9)


@given(spectra(max_n=6, decades=3.0), st.sampled_from([1e-3, 0.1, 1.0, 30.0]), st.integers(1, 9))
@settings(max_examples=25, deadline=None)
def test_penalised_equivalents_against_sixty_digits(spectrum: Spectrum, gamma: float, order: int) -> None:
    gamma *= float(spectrum.variances[0])
    k, error, log_det = in_digits(spectrum, order, gamma)
    at = np.array([order])
    assert agree(matched_errors(spectrum, at, gamma)[0], error)
    assert agree(log_dets(spectrum, at, gamma)[0], log_det / order)
    assert agree(risk.resolvent_range(spectrum, order, penalty=gamma)[0], 1 / k)
    # The resolvent is what the log-determinant changes by: d/dgamma (q H_q) = 1/kappa - q/gamma.
    step = 1e-4 * gamma
    change = (log_dets(spectrum, at, gamma + step) - log_dets(spectrum, at, gamma - step))[0] * order / (2 * step)
    assert abs(change + order / gamma - float(1 / k)) < 1e-6 * order / gamma


@pytest.mark.parametrize(("value", "gamma"), [(1e150, 1e-281), (1e-12, 1e6), (1.0, 1.0), (1e10, 1e-200)])
def test_penalised_equivalents_of_one_value_far_from_its_penalty(value: float, gamma: float) -> None:
    spectrum = Spectrum([value])
    for order in (1, 2, 11):
        _, error, log_det = in_digits(spectrum, order, gamma, digits=1300)
        at = np.array([order])
        assert agree(matched_errors(spectrum, at, gamma)[0], error)
        assert agree(log_dets(spectrum, at, gamma)[0], log_det / order)


def test_penalised_equivalents_of_a_compressed_spectrum(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import import_module

    spectrum, order, gamma = Spectrum.power_law(4000, 0.8), np.array([0, 1, 30, 2000, 9000]), 1e-3
    fast = [f(spectrum, order, gamma) for f in (matched_errors, log_dets)]
    monkeypatch.setattr(import_module("linflow.risk.fixed_point"), "SMALL", 10**9)
    np.testing.assert_allclose(fast, [f(spectrum, order, gamma) for f in (matched_errors, log_dets)], rtol=1e-12)


def gaussian(field: Field, size: int, m: int, n: int, rng: np.random.Generator) -> Any:
    A = rng.standard_normal((size, m, n))
    return A if field == "real" else (A + 1j * rng.standard_normal((size, m, n))) / math.sqrt(2)


def functionals(spectrum: Spectrum, A: Any, gamma: float) -> dict[str, FloatArray]:
    """X_gamma, tr (S + gamma)^-1 and log det(I + S/gamma) for each A, from the eigenvalues of S and a dense inverse."""
    seen = A * spectrum.singular_values
    S = seen @ np.conj(np.swapaxes(seen, 1, 2))
    values = np.maximum(np.linalg.eigvalsh(S), 0.0)
    B = seen * spectrum.singular_values
    solved = np.linalg.solve(S + gamma * np.eye(A.shape[1]), B)
    error = spectrum.energy - np.real(np.einsum("bij,bij->b", np.conj(B), solved))
    return {
        "error": error,
        "resolvent": (1 / (values + gamma)).sum(axis=1),
        "log det": np.log1p(values / gamma).sum(axis=1),
    }


Sides = Callable[..., tuple[float, float]]
SIDES: dict[str, Sides] = {
    "error": risk.interlacing,
    "resolvent": risk.resolvent_range,
    "log det": risk.log_det_range,
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(("n", "m", "gamma"), [(2, 1, 1.0), (3, 2, 0.2), (4, 7, 0.5), (5, 1, 0.05), (5, 4, 0.1)])
def test_penalised_means_lie_between_both_sides_and_the_fields_on_either_side(
    n: int, m: int, gamma: float, field: Field
) -> None:
    spectrum = Spectrum.exponential(n, 0.7)
    found = functionals(spectrum, gaussian(field, 40_000, m, n, np.random.default_rng(3)), gamma)
    for name, values in found.items():
        lower, upper = SIDES[name](spectrum, m, penalty=gamma, field=field)
        mean, error = values.mean(), values.std() / 200
        assert lower - 5 * error <= mean <= upper + 5 * error, name
        # The twin: the other field's sides, which the equivalent of order m parts.
        least, most = SIDES[name](spectrum, m, penalty=gamma, field="complex" if field == "real" else "real")
        assert not least <= mean <= most, name
        # And sides whose order is off by one.
        least, most = SIDES[name](spectrum, m + 1, penalty=gamma, field=field)
        assert not least <= mean <= most, name


# ------------------------------------------------------------------------------------------------- sharpness: twins


def test_orders_off_by_a_tenth_fail() -> None:
    """E_1 = A_1 for a pair, so A_0.9 is no lower side; one spike brings e_3 to A_2, so A_2.1 is no upper one."""
    n, m = 6, 3
    assert risk.exact(PAIR, 1) < float(risk.per_dimension(PAIR, 0.9))
    rng = np.random.default_rng(0)
    quantity = ExpectedError(oracle=False)
    drawn = quantity.draws(SPIKE, m, 4000, rng).weights
    mean = quantity.scale(SPIKE, m) * drawn.mean() / (n - m)
    error = quantity.scale(SPIKE, m) * drawn.std() / math.sqrt(4000) / (n - m)
    right, wrong = risk.per_dimension(SPIKE, [m - 1, m - 0.9])
    assert mean - 5 * error > wrong
    assert mean - 5 * error < right
    # Complex A: E_1 of a steep pair exceeds A_1.1; for its lower side the order m itself is too low already.
    steep = Spectrum([1.0, 1e-6])
    assert risk.exact(steep, 1, "complex") > 2 * float(risk.per_dimension(steep, 1.1))
    assert risk.exact(PAIR, 1, "complex") < 0.99 * float(risk.per_dimension(PAIR, 1.2))


@given(cases())
@settings(max_examples=40, deadline=None)
def test_the_exchanged_chain_fails_unless_flat(case: tuple[Spectrum, int]) -> None:
    spectrum, m = case
    assume(spectrum.condition > 1.01)
    lower, upper = risk.interlacing(spectrum, m)
    least, most = risk.interlacing(spectrum, m, field="complex")
    assert least < most * (1 + ROUNDING)
    assert lower < upper
    assert risk.exact(spectrum, m, "complex") < lower  # the lower side of real A is none of complex A
