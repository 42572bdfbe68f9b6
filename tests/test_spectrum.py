"""Spectrum: validation, families, tails against exact fractions, and data."""

from __future__ import annotations

import dataclasses
import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow import Spectrum
from linflow.errors import InputError, ShapeError
from linflow.testing import spectra


@given(spectra(max_n=20, decades=140.0))
@settings(max_examples=60, deadline=None)
def test_tails_are_accurate_relative_to_themselves(spectrum: Spectrum) -> None:
    exact = [Fraction(float(v)) ** 2 for v in spectrum.singular_values]
    for m in range(spectrum.n + 1):
        expected = sum(exact[m:], Fraction(0))
        assert spectrum.tail(m) == pytest.approx(float(expected), rel=1e-15 * spectrum.n, abs=0)
    assert spectrum.energy == spectrum.tail(0)
    assert 1 <= spectrum.effective_rank() <= spectrum.n * (1 + 1e-12)


@given(st.lists(st.floats(1e-100, 1e100), min_size=1, max_size=30), st.randoms())
@settings(max_examples=50, deadline=None)
def test_order_does_not_matter_and_nothing_is_lost(values: list[float], random: Any) -> None:
    shuffled = values[:]
    random.shuffle(shuffled)
    one, other = Spectrum(values), Spectrum(shuffled)
    assert one == other
    assert hash(one) == hash(other)
    assert one.key == other.key
    assert sorted(values, reverse=True) == one.singular_values.tolist()
    assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([], "non-empty"),
        ([[1.0]], "one-dimensional"),
        (3.0, "one-dimensional"),
        ([1.0, float("nan")], "entry 1 is nan"),
        ([1.0, float("inf")], "finite"),
        ([1.0, 0.0], "must be positive, but the smallest is 0"),
        ([1.0, -2.0], "must be positive"),
        ([1e200, 1.0], "must lie in 1e-150..1e.150"),
        ([1.0, 1e-300], "rescale them"),
        (["a"], "array of real numbers"),
        ([1j], "array of real numbers"),
    ],
)
def test_bad_values_are_one_clear_sentence(values: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        Spectrum(values)
    assert "\n" not in str(caught.value)


def test_immutable() -> None:
    given_values = np.array([2.0, 1.0])
    spectrum = Spectrum(given_values)
    given_values[0] = 7.0
    assert spectrum.singular_values[0] == 2.0
    with pytest.raises(ValueError, match="read-only"):
        spectrum.singular_values[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        spectrum.name = "other"  # type: ignore[misc]
    assert spectrum.variances.flags.writeable is False


def test_families() -> None:
    assert np.allclose(Spectrum.power_law(3, 2.0).singular_values, [1, 1 / 4, 1 / 9])
    assert np.allclose(Spectrum.exponential(3, 0.5).singular_values, [1, math.exp(-0.5), math.exp(-1)])
    assert Spectrum.step(4, 4).singular_values.tolist() == [1.0] * 4
    assert Spectrum.step(4, 0, 0.5).singular_values.tolist() == [0.5] * 4
    assert Spectrum.spiked(4, (3.0, 9.0), 2.0).singular_values.tolist() == [9.0, 3.0, 2.0, 2.0]
    assert Spectrum.log_spaced(1, 10.0).n == 1
    assert Spectrum.from_values([1, 2]).singular_values.tolist() == [2.0, 1.0]
    assert Spectrum.flat(2).scaled(2.0).condition == 1.0
    assert len(Spectrum.concatenate([Spectrum.flat(2), Spectrum.power_law(3)])) == 5
    assert Spectrum.flat(2).named("x").name == "x"
    assert "n=2" in repr(Spectrum.flat(2))
    for wrong in (
        lambda: Spectrum.flat(0),
        lambda: Spectrum.power_law(2.5),  # type: ignore[arg-type]
        lambda: Spectrum.power_law(3, -1.0),
        lambda: Spectrum.step(3, 4),
        lambda: Spectrum.spiked(1),
        lambda: Spectrum.log_spaced(3, 0.5),
        lambda: Spectrum.concatenate([]),
        lambda: Spectrum.flat(3).scaled(-1.0),
        lambda: Spectrum.flat(3).effective_rank(3),
        lambda: Spectrum.flat(3).tail(4),
    ):
        with pytest.raises(InputError):
            wrong()


def test_effective_rank_of_the_literature() -> None:
    s = Spectrum([2.0, 1.0, 1.0])
    assert s.effective_rank() == 6 / 4
    assert s.effective_rank(1) == 2.0


@pytest.mark.parametrize("shrinkage", ["oas", "ledoit-wolf", 0.0, 0.3, 1.0])
def test_from_data_against_the_dense_covariance(shrinkage: str | float) -> None:
    from sklearn.covariance import OAS, LedoitWolf, ShrunkCovariance

    X = np.random.default_rng(0).standard_normal((50, 6)) @ np.diag([5, 4, 3, 2, 1, 0.5]) + 3.0
    model = {"oas": OAS(), "ledoit-wolf": LedoitWolf()}.get(str(shrinkage)) or ShrunkCovariance(shrinkage=shrinkage)
    expected = np.sqrt(np.linalg.eigvalsh(model.fit(X).covariance_)[::-1])
    assert np.allclose(Spectrum.from_data(X, shrinkage=shrinkage).singular_values, expected, rtol=1e-9)


def test_from_data_with_more_dimensions_than_samples_and_bad_data() -> None:
    X = np.random.default_rng(0).standard_normal((5, 20))
    assert Spectrum.from_data(X).n == 20
    with pytest.raises(InputError, match="singular with shrinkage 0"):
        Spectrum.from_data(X, shrinkage=0.0)
    with pytest.raises(InputError, match="at least 2 samples"):
        Spectrum.from_data(X[:1])
    with pytest.raises(InputError, match="constant"):
        Spectrum.from_data(np.ones((4, 3)))
    with pytest.raises(ShapeError, match="one sample a row"):
        Spectrum.from_data(X[0])
    with pytest.raises(InputError, match="finite"):
        Spectrum.from_data(np.full((3, 3), np.nan))
    for bad in ("pca", 1.5, -0.1, float("nan")):
        with pytest.raises(InputError, match="shrinkage must be"):
            Spectrum.from_data(X, shrinkage=bad)
