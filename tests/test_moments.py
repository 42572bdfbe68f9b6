"""Samples on the disk: one pass, little memory, and the same model as in memory; covariances as they are given."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linflow as lf
from linflow import moments
from linflow.errors import InputError, ShapeError


def on_disk(folder: Path, X: Any) -> Any:
    np.save(folder / "X.npy", X)
    return np.load(folder / "X.npy", mmap_mode="r")


@pytest.mark.parametrize("shrinkage", ["oas", "ledoit-wolf", 0.25, 0.0])
@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1e6, 1.0), (-3.0, 1e-90), (0.0, 1e100)])
def test_the_model_is_that_of_samples_in_memory(
    shrinkage: Any, offset: float, scale: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moments, "BLOCK", 8 * 7 * 13)  # blocks of 13 rows, and a last one that is shorter
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 7)) @ rng.standard_normal((7, 7)) * scale + offset * scale
    mapped, held = on_disk(tmp_path, X), X
    by_blocks, at_once = lf.LinearFlow.fit(mapped, shrinkage=shrinkage), lf.LinearFlow.fit(held, shrinkage=shrinkage)
    # A covariance is accurate in units of its largest eigenvalue, and the data are in units of their offset.
    rounding = 1e-13 + 100 * np.finfo(float).eps * abs(offset)
    variances, wanted = by_blocks.spectrum.variances, at_once.spectrum.variances
    assert np.abs(variances - wanted).max() <= rounding * wanted[0]
    assert np.allclose(by_blocks.mean, at_once.mean, rtol=1e-12, atol=1e-12 * scale)
    units = at_once.covariance.max()
    assert np.abs(by_blocks.covariance / units - at_once.covariance / units).max() <= 10 * rounding
    assert np.array_equal(lf.Spectrum.from_data(mapped, shrinkage=shrinkage).variances, variances)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 64), st.integers(0, 99))
def test_sums_do_not_depend_on_the_blocks(samples: int, n: int, rows: int, seed: int) -> None:
    X = np.random.default_rng(seed).standard_normal((samples, n)) * 2.0 + 5.0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "BLOCK", 8 * n * rows)
        found = moments.Moments.of(X)
    centred = X - X.mean(axis=0)
    assert np.allclose(found.mean, X.mean(axis=0), rtol=1e-13)
    assert np.allclose(found.covariance * found.unit**2, centred.T @ centred / samples, rtol=1e-10, atol=1e-12)
    fourth = np.mean(np.sum(centred**2, axis=1) ** 2)
    assert np.isclose(found.fourth * found.unit**4, fourth, rtol=1e-9, atol=1e-11)
    # Twin: the fourth powers about the first row are others.
    about_first = np.mean(np.sum((X - X[0]) ** 2, axis=1) ** 2)
    assert samples < 10 or not np.isclose(about_first, fourth, rtol=1e-3)


def test_samples_on_the_disk_are_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "BLOCK", 2**18)
    X = np.random.default_rng(0).standard_normal((100_000, 16)).astype(np.float32)
    mapped = on_disk(tmp_path, X)
    size = X.astype(np.float64).nbytes

    def peak(samples: Any) -> int:
        tracemalloc.start()
        lf.LinearFlow.fit(samples)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(mapped) < size / 4
    assert peak(lf.data.Loaded(mapped, "", "", "")) < size / 4
    assert peak(X) > size  # twin: in memory it is copied


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.full((20, 3), 0.1), "the data are constant"),
        (np.where(np.arange(60).reshape(20, 3) == 31, np.nan, 1.0), "must be finite"),
        (np.arange(60.0).reshape(20, 3) * 1e150, "must lie within 1e\\+150"),
    ],
)
def test_what_is_no_data_is_refused_on_the_disk_too(X: Any, words: str, tmp_path: Path) -> None:
    for fit in (lf.LinearFlow.fit, lf.Spectrum.from_data):
        with pytest.raises(InputError, match=words):
            fit(on_disk(tmp_path, X))
    with pytest.raises(InputError, match="shrinkage must be"):
        lf.LinearFlow.fit(on_disk(tmp_path, np.arange(6.0).reshape(3, 2) ** 2), shrinkage="none")
    with pytest.raises(InputError, match="is singular"):
        lf.LinearFlow.fit(on_disk(tmp_path, np.arange(60.0).reshape(20, 3)), shrinkage=0.0)


def test_masks_on_the_disk_go_through_the_gate(tmp_path: Path) -> None:
    mapped = on_disk(tmp_path, np.arange(60.0).reshape(20, 3) ** 2)
    with pytest.raises(InputError, match="masked"):
        lf.LinearFlow.fit(np.ma.masked_greater(mapped, 5.0))
    with pytest.raises(InputError, match="complex"):
        lf.LinearFlow.fit(on_disk(tmp_path, np.arange(60.0).reshape(20, 3) * 1j))
    wide = on_disk(tmp_path, np.random.default_rng(0).standard_normal((3, 20)))  # fewer samples than dimensions
    assert lf.Spectrum.from_data(wide) == lf.Spectrum.from_data(np.array(wide))


# --------------------------------------------------------------------------------------------------------- covariances


@given(st.integers(1, 6), st.integers(0, 99))
def test_a_covariance_is_that_of_its_model(n: int, seed: int) -> None:
    G = np.random.default_rng(seed).standard_normal((n, n)) + 2 * np.eye(n)
    C, mean = G @ G.T, G[0]
    flow = lf.LinearFlow.from_covariance(C, mean)
    assert np.allclose(flow.covariance, C, rtol=1e-10, atol=1e-12)
    assert np.allclose(flow.matrix, flow.matrix.T, atol=1e-12)  # the symmetric square root
    assert np.array_equal(flow.mean, mean)
    assert np.allclose(lf.Spectrum.from_covariance(C).singular_values, np.linalg.svd(G, compute_uv=False), rtol=1e-7)
    # Twin: singular values of C are the squares.
    assert not np.allclose(lf.Spectrum.from_covariance(C).singular_values, np.linalg.svd(C, compute_uv=False), rtol=1e-3)


def test_variances_are_a_diagonal_of_any_scale() -> None:
    variances = np.array([1e-80, 4.0, 1.0])
    for C in (variances, np.diag(variances)):
        flow = lf.LinearFlow.from_covariance(C)
        assert np.allclose(flow.spectrum.singular_values, [2.0, 1.0, 1e-40], rtol=1e-15)
        assert np.allclose(np.diag(flow.covariance), variances, rtol=1e-15)
        assert lf.Spectrum.from_covariance(C) == flow.spectrum


@pytest.mark.parametrize(
    ("C", "words"),
    [
        ([[1.0, 0.5], [0.4, 1.0]], r"is symmetric, but entries \(0, 1\) and \(1, 0\) are 0.5 and 0.4"),
        ([[1.0, 2.0], [2.0, 1.0]], "no negative eigenvalue, but the smallest of this matrix is -1"),
        ([[1.0, 1.0], [1.0, 1.0]], "singular to rounding"),
        ([1.0, 0.0], "variances must be positive"),
        ([[1.0, 0.0], [0.0, -1.0]], "variances must be positive"),
        ([[1.0, np.nan], [np.nan, 1.0]], "must be finite"),
        (np.ones((2, 3)), "square"),
        (np.ones((2, 2, 2)), "square"),
        (1.0, "square"),
        ([], "square"),
    ],
)
def test_what_is_no_covariance_is_one_sentence(C: Any, words: str) -> None:
    for make in (lf.Spectrum.from_covariance, lf.LinearFlow.from_covariance):
        with pytest.raises((InputError, ShapeError), match=words) as error:
            make(C)
        assert "\n" not in str(error.value)


def test_symmetric_to_rounding_is_symmetric() -> None:
    C = np.array([[2.0, 1.0], [1.0, 2.0]])
    C[0, 1] += 1e-11
    assert np.allclose(lf.Spectrum.from_covariance(C).variances, [3.0, 1.0], rtol=1e-10)
    C[0, 1] += 1e-9
    with pytest.raises(InputError, match="is symmetric"):
        lf.Spectrum.from_covariance(C)
