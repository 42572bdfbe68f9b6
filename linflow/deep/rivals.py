r"""The classical rivals in compressed sensing: the lasso in an orthonormal basis of cosines or of Haar wavelets.

``min_w 1/(2 m) |A (mean + B w) - y|^2 + alpha |w|_1``, B the inverse transform of every channel by itself. With the mean
image of the training set subtracted and alpha tuned on validation images this is a fair rival; the published comparison
(Asim et al. 2020) ran it with no mean and alpha = 0.01 whatever the images, which :data:`PUBLISHED` repeats.

alpha has the unit of the signal: for measurements with entries of mean square 1 it is about the size of the coefficients
that are set to zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike

from linflow.checks import FloatArray, Random, batch_of, finite_array, generator, image_shape, non_negative, one_of
from linflow.errors import InputError, ShapeError
from linflow.fista import lasso
from linflow.measurement import Measurement, as_dense

BASES = ("dct", "haar")
#: Values of alpha from which `tuned_alpha` chooses.
ALPHAS = tuple(float(a) for a in np.geomspace(1e-3, 0.3, 6))
#: alpha of the published comparison; its mean is 0.
PUBLISHED = 0.01
#: Relative duality gap: at alpha = 1e-3 the l1 part of the objective is still a thousand times larger.
_GAP, _STEPS = 1e-7, 20_000


def analyse(images: ArrayLike, shape: tuple[int, ...], basis: str) -> FloatArray:
    """Coefficients of flat images, (..., n) to (..., n), an orthonormal map of every channel by itself.

    Parameters
    ----------
    images : (..., n) array
    shape : (H, W, C)
    basis : "dct" (two-dimensional cosine transform, type II) or "haar" (as many levels as H and W can be halved).

    Raises
    ------
    ShapeError
        The images do not have this shape.
    InputError
        An unknown basis, or "haar" for images of an odd side.

    Examples
    --------
    >>> ones = np.ones((1, 8 * 8))
    >>> [np.round(np.sort(np.abs(analyse(ones, (8, 8, 1), basis)))[0, -2:], 12).tolist() for basis in BASES]
    [[0.0, 8.0], [0.0, 8.0]]
    """
    planes = _planes(images, shape, basis)
    if basis == "dct":
        found = scipy.fft.dctn(planes, axes=(-2, -1), norm="ortho")
    else:
        found = planes.copy()
        for level in range(_levels(shape)):
            corner = (..., slice(shape[0] >> level), slice(shape[1] >> level))
            found[corner] = _haar_step(found[corner])
    return np.asarray(found).reshape(*np.shape(images)[:-1], -1)


def synthesise(coefficients: ArrayLike, shape: tuple[int, ...], basis: str) -> FloatArray:
    """Flat images of coefficients, the inverse (and transpose) of :func:`analyse`; raises as it does."""
    values = finite_array(coefficients, "coefficients")
    height, width, channels = _checked(shape, basis)
    if values.ndim == 0 or values.shape[-1] != math.prod(shape):
        raise ShapeError(f"coefficients must have shape (..., {math.prod(shape)}) for images {shape}, got {values.shape}")
    planes = values.reshape(-1, channels, height, width)
    if basis == "dct":
        images = scipy.fft.idctn(planes, axes=(-2, -1), norm="ortho")
    else:
        images = planes.copy()
        for level in reversed(range(_levels(shape))):
            corner = (..., slice(height >> level), slice(width >> level))
            images[corner] = _haar_step_back(images[corner])
    return np.moveaxis(np.asarray(images), 1, 3).reshape(values.shape)


def lasso_images(
    A: Measurement, y: ArrayLike, *, shape: tuple[int, ...], basis: str, alpha: float, mean: ArrayLike | float = 0.0
) -> FloatArray:
    """Images from linear measurements by the lasso in a basis.

    Parameters
    ----------
    A : (m, n) array or measurement operator, n = H W C; [y]/[x]
    y : (..., m) array, [y]
    shape : (H, W, C) of the images.
    basis : "dct" or "haar".
    alpha : weight of the l1 norm, scikit-learn's ``alpha``.
    mean : (n,) array or number: what the coefficients are coefficients of the difference from.

    Returns
    -------
    (..., n) array, [x]

    Raises
    ------
    ShapeError, InputError
        Shapes that disagree, values that are not finite, an alpha that is not positive.
    NotConvergedError
        alpha is too small for the iterations allowed.

    Examples
    --------
    An image with one cosine in it, from a quarter of the measurements:

    >>> rng = np.random.default_rng(0)
    >>> x = synthesise(np.eye(64)[9], (8, 8, 1), "dct")
    >>> A = rng.standard_normal((16, 64))
    >>> x_hat = lasso_images(A, A @ x, shape=(8, 8, 1), basis="dct", alpha=1e-3)
    >>> bool(np.abs(x_hat - x).max() < 0.01)
    True
    """
    dense, n = as_dense(A), math.prod(shape)
    if dense.shape[1] != n:
        raise ShapeError(f"A must have {n} columns for images of shape {shape}, got shape {dense.shape}")
    centre = np.broadcast_to(finite_array(mean, "mean"), n)
    values = batch_of(y, len(dense), "y") - dense @ centre
    # The rows of A B are the coefficients of the rows of A, because B is the transpose of the transform.
    found = lasso(analyse(dense, shape, basis), values, penalty=alpha * len(dense), tolerance=_GAP, steps=_STEPS)
    return np.asarray(centre + synthesise(found, shape, basis))


def tuned_alpha(
    images: ArrayLike,
    m: int,
    rng: Random,
    *,
    shape: tuple[int, ...],
    basis: str,
    mean: ArrayLike | float = 0.0,
    noise_std: float = 0.0,
    alphas: Sequence[float] = ALPHAS,
) -> float:
    """The alpha with the least mean squared error on validation images, for m Gaussian measurements drawn with `rng`."""
    values, noise_std = batch_of(images, math.prod(shape), "images"), non_negative(noise_std, "noise_std")
    if not alphas:
        raise InputError("alphas must hold at least one value")
    rng = generator(rng)
    A = rng.standard_normal((m, values.shape[-1]))
    y = values @ A.T + noise_std * rng.standard_normal((*values.shape[:-1], m))
    errors = [
        float(np.mean((lasso_images(A, y, shape=shape, basis=basis, alpha=alpha, mean=mean) - values) ** 2))
        for alpha in alphas
    ]
    return float(alphas[int(np.argmin(errors))])


def _haar_step(planes: FloatArray) -> FloatArray:
    """One level: block means top left, then the differences along the row, along the column, and of both."""
    a, b = planes[..., 0::2, 0::2], planes[..., 0::2, 1::2]
    c, d = planes[..., 1::2, 0::2], planes[..., 1::2, 1::2]
    return np.block([[a + b + c + d, a - b + c - d], [a + b - c - d, a - b - c + d]]) / 2


def _haar_step_back(planes: FloatArray) -> FloatArray:
    half, side = planes.shape[-2] // 2, planes.shape[-1] // 2
    means, along = planes[..., :half, :side], planes[..., :half, side:]
    across, both = planes[..., half:, :side], planes[..., half:, side:]
    found = np.empty_like(planes)
    found[..., 0::2, 0::2] = means + along + across + both
    found[..., 0::2, 1::2] = means - along + across - both
    found[..., 1::2, 0::2] = means + along - across - both
    found[..., 1::2, 1::2] = means - along - across + both
    return found / 2


def _planes(images: ArrayLike, shape: tuple[int, ...], basis: str) -> FloatArray:
    """Flat images as (batch, C, H, W)."""
    _checked(shape, basis)
    values = batch_of(images, math.prod(shape), "images")
    return np.moveaxis(values.reshape(-1, *shape), 3, 1)


def _checked(shape: tuple[int, ...], basis: str) -> tuple[int, int, int]:
    one_of(basis, "basis", BASES)
    shape = image_shape(shape)
    if basis == "haar" and _levels(shape) == 0:
        raise InputError(f"Haar wavelets need an even height and width, got images of shape {shape}")
    return shape[0], shape[1], shape[2]


def _levels(shape: tuple[int, ...]) -> int:
    """How often height and width can both be halved."""
    both = math.gcd(shape[0], shape[1])
    return (both & -both).bit_length() - 1
