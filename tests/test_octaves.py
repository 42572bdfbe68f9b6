"""The trapezoidal rule on powers of two: its nodes, its bound, and integrands for which the bound is needed."""

from __future__ import annotations

import math
from fractions import Fraction
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linflow.errors import NotConvergedError
from linflow.risk.octaves import LOG_2, in_transition, nodes_per_octave, powers, rule_error
from linflow.testing import spectra

octaves_module = import_module("linflow.risk.octaves")


def trapezoid(factors: int, per_octave: int, shift: float) -> float:
    """The rule for ``int t (1 + t)^(-N/2) dt/t = 2 / (N - 2)``, relative to it, with nodes shifted by part of a step."""
    t = np.exp2((np.arange(-70 * per_octave, 80 * per_octave) + shift) / per_octave)
    return float(np.sum(t * (1 + t) ** (-factors / 2)) * LOG_2 / per_octave * (factors - 2) / 2)


@pytest.mark.parametrize("factors", [4, 20, 100, 400])
@pytest.mark.parametrize("per_octave", [1, 2, 4])
def test_the_rule_errs_by_no_more_than_its_bound(factors: int, per_octave: int) -> None:
    found = [abs(trapezoid(factors, per_octave, shift) - 1) for shift in (0.0, 0.25, 0.5)]
    bound = rule_error(factors, per_octave)
    assert max(found) <= bound + 1e-13
    # Nor is the bound wildly too large where the error is seen.
    if max(found) > 1e-9:
        assert bound < 1e3 * max(found) ** 0.5


def test_the_bound_is_the_least_over_the_angle() -> None:
    for factors, per_octave in ((10.0, 1), (68.0, 4), (7.5, 3)):
        angles = np.linspace(1e-3, math.pi - 1e-3, 20_001)
        step = LOG_2 / per_octave
        logs = -factors / 2 * np.log(np.cos(angles / 2)) - np.log(np.expm1(2 * math.pi * angles / step))
        least = 2 * math.exp(float(logs.min()))
        assert least <= rule_error(factors, per_octave) <= 1.03 * least


def test_the_fewest_nodes_that_suffice() -> None:
    for factors in (2.0, 30.0, 808.0):
        found = nodes_per_octave(factors, 50)
        assert rule_error(factors, found) <= 2.0**-50
        assert found == 1 or rule_error(factors, found - 1) > 2.0**-50
    assert rule_error(10_000, 1) > 1  # it says nothing there, and nothing wrong


@pytest.mark.parametrize("per_octave", [1, 2, 3, 5, 16])
def test_powers_of_two_to_the_last_bit_but_one(per_octave: int) -> None:
    found = powers(-40 * per_octave, 3 * per_octave, per_octave)
    slack = Fraction(1, 2**52)
    for k, value in zip(range(-40 * per_octave, 3 * per_octave + 1), found, strict=True):
        wanted = Fraction(2) ** k
        assert (
            (Fraction(float(value)) * (1 - slack)) ** per_octave
            <= wanted
            <= (Fraction(float(value)) * (1 + slack)) ** per_octave
        )
    assert np.array_equal(powers(-7, 9, 2), np.ldexp(powers(-7 + 2 * 500, 9 + 2 * 500, 2), -500))


def test_a_power_function_that_is_wrong_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    octaves_module._roots.cache_clear()
    monkeypatch.setattr(octaves_module, "LOG_2", LOG_2)
    array = np.array
    monkeypatch.setattr(octaves_module.np, "array", lambda values: array(values) * (1 + 2.0**-50))
    with pytest.raises(NotConvergedError, match="power function is wrong"):
        powers(0, 1, 3)
    octaves_module._roots.cache_clear()


@given(spectra(min_n=1, max_n=9, decades=12.0), st.floats(-60.0, 60.0))
def test_no_more_factors_are_in_transition_than_said(spectrum: object, log_t: float) -> None:
    sigma = spectrum.singular_values  # type: ignore[attr-defined]
    u = (sigma / sigma[0]) ** 2 * math.exp(log_t)
    at_once = float((4 * u / (1 + u) ** 2).sum())
    bound = in_transition(sigma)
    assert at_once <= bound * (1 + 1e-12)
    assert bound <= sigma.size
    # On the ray, what is grown is bounded by it.
    for phi in (0.5, 1.5, 2.8):
        grown = float(np.prod(np.abs(1 + u * np.exp(1j * phi)) / (1 + u)) ** -0.5)
        assert grown <= math.cos(phi / 2) ** (-bound / 2) * (1 + 1e-12)


def test_the_number_in_transition_is_close_where_it_is_known() -> None:
    assert in_transition(np.full(7, 3.0)) == 7.0
    assert 1.0 <= in_transition(np.array([1e9, 1.0])) < 1.2
    assert 3.0 <= in_transition(np.array([1e9, 1e9, 1e9, 1.0, 1.0])) < 3.4
