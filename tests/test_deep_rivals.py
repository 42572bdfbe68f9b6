"""The lasso in a basis: against scikit-learn with explicit bases, PyWavelets' own functions, and what a basis must be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import pywt

import linflow as lf
from linflow.deep import rivals

SHAPES = [(8, 8, 1), (8, 4, 3), (12, 12, 2)]


def atoms(shape: tuple[int, int, int], basis: str) -> np.ndarray:
    """The matrix of the transform, (n, n)."""
    return rivals.analyse(np.eye(int(np.prod(shape))), shape, basis).T


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("basis", rivals.BASES)
def test_the_transform_is_orthonormal_and_inverted(shape: tuple[int, int, int], basis: str) -> None:
    T = atoms(shape, basis)
    np.testing.assert_allclose(T @ T.T, np.eye(len(T)), atol=1e-13)
    x = np.random.default_rng(0).standard_normal((2, 3, len(T)))
    np.testing.assert_allclose(rivals.analyse(x, shape, basis), x @ T.T, atol=1e-13)
    np.testing.assert_allclose(rivals.synthesise(rivals.analyse(x, shape, basis), shape, basis), x, atol=1e-13)


def test_channels_do_not_mix() -> None:
    x = np.zeros((8, 8, 3))
    x[:, :, 1] = np.random.default_rng(0).random((8, 8))
    for basis in rivals.BASES:
        kept = rivals.analyse(x.ravel(), (8, 8, 3), basis).reshape(3, 64)
        assert np.abs(kept[1]).max() > 0.1
        assert np.abs(kept[[0, 2]]).max() == 0


def test_cosines_are_scipys() -> None:
    from scipy.fft import dct

    image = np.random.default_rng(0).random((8, 8))
    C = dct(np.eye(8), axis=0, norm="ortho")
    np.testing.assert_allclose(rivals.analyse(image.ravel(), (8, 8, 1), "dct").reshape(8, 8), C @ image @ C.T, atol=1e-13)


def test_wavelets_are_those_of_pywavelets() -> None:
    image = np.random.default_rng(0).random((12, 8))  # two levels
    ours = np.abs(rivals.analyse(image.ravel(), (12, 8, 1), "haar")).reshape(12, 8)
    coarse, second, first = pywt.wavedec2(image, "haar", level=2)
    np.testing.assert_allclose(ours[:3, :2], np.abs(coarse), atol=1e-13)
    for bands, rows, columns in ((first, 6, 4), (second, 3, 2)):
        across, along, both = (np.abs(band) for band in bands)
        np.testing.assert_allclose(ours[rows : 2 * rows, :columns], across, atol=1e-13)
        np.testing.assert_allclose(ours[:rows, columns : 2 * columns], along, atol=1e-13)
        np.testing.assert_allclose(ours[rows : 2 * rows, columns : 2 * columns], both, atol=1e-13)


@pytest.mark.parametrize("basis", rivals.BASES)
@pytest.mark.parametrize("alpha", [0.003, 0.03])
def test_against_scikit_learn(basis: str, alpha: float) -> None:
    """Another algorithm (coordinate descent) on an explicit matrix."""
    from sklearn.linear_model import Lasso

    images, rng = lf.data.digits(), np.random.default_rng(1)
    mean, x = images[200:].mean(axis=0), images[:3]
    A = rng.standard_normal((40, 64))
    ours = rivals.lasso_images(A, x @ A.T, shape=(8, 8, 1), basis=basis, alpha=alpha, mean=mean)
    B = A @ atoms((8, 8, 1), basis).T
    for row, image in zip(ours, x, strict=True):
        model = Lasso(alpha=alpha, fit_intercept=False, max_iter=200_000, tol=1e-10)
        w = model.fit(B, A @ (image - mean)).coef_
        np.testing.assert_allclose(row, mean + atoms((8, 8, 1), basis).T @ w, atol=2e-3)
        # Twin: the published variant, which leaves the mean in, is another estimate.
        w = model.fit(B, A @ image).coef_
        assert np.abs(row - atoms((8, 8, 1), basis).T @ w).max() > 0.02


def test_tuning_chooses_the_best_and_the_mean_helps() -> None:
    images = lf.data.digits()
    mean, validation = images[300:].mean(axis=0), images[:20]
    options: dict[str, Any] = {"shape": (8, 8, 1), "basis": "dct", "mean": mean}

    def error(alpha: float, **changed: object) -> float:
        A = np.random.default_rng(5).standard_normal((32, 64))
        found = rivals.lasso_images(A, validation @ A.T, alpha=alpha, **(options | changed))
        return float(np.mean((found - validation) ** 2))

    alphas = (0.01, 0.1, 1.0)
    chosen = rivals.tuned_alpha(validation, 32, np.random.default_rng(5), alphas=alphas, **options)
    assert error(chosen) == min(error(alpha) for alpha in alphas)
    assert chosen < 1.0
    assert error(chosen) < error(rivals.PUBLISHED, mean=0.0)


def test_bad_input_is_one_sentence() -> None:
    A = np.ones((2, 64))
    with pytest.raises(lf.InputError, match="one of"):
        rivals.analyse(np.ones(64), (8, 8, 1), "fourier")
    with pytest.raises(lf.InputError, match="even"):
        rivals.analyse(np.ones(49), (7, 7, 1), "haar")
    with pytest.raises(lf.ShapeError, match="images must have shape"):
        rivals.analyse(np.ones(63), (8, 8, 1), "dct")
    with pytest.raises(lf.ShapeError, match="columns"):
        rivals.lasso_images(A, np.ones(2), shape=(8, 8, 3), basis="dct", alpha=0.1)
    with pytest.raises(lf.InputError, match="penalty"):
        rivals.lasso_images(A, np.ones(2), shape=(8, 8, 1), basis="dct", alpha=0.0)
    with pytest.raises(lf.InputError, match="alphas"):
        rivals.tuned_alpha(np.ones((2, 64)), 2, np.random.default_rng(0), shape=(8, 8, 1), basis="dct", alphas=())
