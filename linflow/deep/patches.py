r"""Images larger than the flow: a noise-conditional flow of patches as a denoiser, and splitting around it.

A conditional flow knows p_s, the law of a patch plus noise of standard deviation s. Tweedie's formula makes it a denoiser,

    D_s(y) = y + s^2 grad log p_s(y) = E[x | y],

the exact posterior mean if p_s were exact; on an image it is averaged over the overlapping patches. Half-quadratic
splitting alternates it with the measurements, at falling s: z = D_s(x), then
x = argmin |A x - y|^2 / noise_std^2 + |x - z|^2 / s^2.

That step is over-relaxed. The error that it leaves lies where A does not see, whereas the denoiser is made for one that
lies everywhere; going on beyond the minimum, towards its mirror image (twice the step), puts some back. At twice the
step the error has the norm that it had in z; beyond that a larger one, and the rounds can diverge.

With an untrained flow, which is linear, D_s is the Wiener filter of patches: the control without which a gain over other
methods says nothing about depth. An image's result does not depend on the others of its batch.

Sources: Robbins 1956, Efron 2011 (Tweedie's formula); Zoran & Weiss 2011 (expected patch log-likelihood); Venkatakrishnan
et al. 2013 (splitting around a denoiser); Eckstein & Bertsekas 1992 (relaxation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator

from linflow.checks import (
    FloatArray,
    Interval,
    channels_last,
    finite_array,
    image_shape,
    non_negative,
    number_in,
    numbers_of,
    positive_int,
    representable,
)
from linflow.deep.flow import Flow, Glow, flow_of
from linflow.errors import InputError, ShapeError
from linflow.measurement import Measurement, apply, as_dense

#: Noise levels of the denoiser's passes, in units of the noise in the image.
SCHEDULE = (1.0, 0.65, 0.45, 0.3, 0.2)
#: Patches evaluated at once: more of them leave the processor's cache, and fewer take as long. An image begins at a
#: multiple of the last number, which the tiles of matrix products (8, 12, 16 or 24 rows) divide.
_BATCH, _LEAST, _ALIGNED = 1008, 192, 48

#: Levels of noise, and ratios of them, whose squares are far from the ends of float64.
_LEVELS = Interval(1e-70, 1e70)

#: Over-relaxation of the step towards the measurements. Held-out images, 60 rounds, against a step of 1: faces of 64 x 64,
#: m/n = 0.2, + 0.8 dB at 1.5 and + 1.3 at 2; at 1.8, faces of 32 x 32, m/n = 0.1, + 0.3 dB, and digits, m/n = 0.25 and 0.5,
#: + 0.2 and + 0.8 dB.
RELAXATION = 1.8

#: What the measurements make of a denoised image: (z (batch, n), noise level of z) -> x (batch, n).
_Step = Callable[[FloatArray, float], FloatArray]


def denoise_once(flow: Flow, images: ArrayLike, noise_std: float, *, stride: int = 1) -> FloatArray:
    """Posterior mean of images given noise of standard deviation `noise_std`, averaged over overlapping patches.

    Parameters
    ----------
    flow : conditional flow of (p, p, C) patches.
    images : (..., H, W, C) array, H and W at least p, in the units that the flow was trained in.
    noise_std : in the units of the images, positive; best inside the range that the flow was trained for.
    stride : pixels between patches, at most p; 1 takes them all.

    Returns
    -------
    (..., H, W, C) float64 array

    Raises
    ------
    ShapeError
        Images with other channels than the flow's patches, or smaller than them.
    InputError
        A flow that is not a conditional one of image patches; a noise level that is not positive; a stride beyond p.

    Examples
    --------
    An untrained flow is linear, and its denoiser on one patch the Wiener filter:

    >>> import linflow as lf
    >>> from linflow.deep import Glow
    >>> linear = lf.LinearFlow.fit(lf.data.natural_patches(4, count=400))
    >>> flow = Glow(linear, (4, 4, 1), levels=1, steps=1, width=4, conditional=True)
    >>> y = np.random.default_rng(0).random((4, 4, 1))
    >>> wiener = lf.map_estimate(linear, np.eye(16), y.ravel(), noise_std=0.1)
    >>> bool(np.allclose(denoise_once(flow, y, 0.1).ravel(), wiener, atol=1e-5))
    True
    """
    values = _images(flow, images)
    return _denoised(flow, values, _level(noise_std), _stride(flow, stride), 0)


def denoise(
    flow: Flow,
    images: ArrayLike,
    noise_std: float,
    *,
    schedule: Sequence[float] = SCHEDULE,
    stride: int = 1,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> FloatArray:
    """Images without their noise: splitting with the levels ``schedule * noise_std``; arguments of :func:`denoise_once`.

    The first pass alone is :func:`denoise_once`; the later ones, at lower levels, let overlapping patches agree. For
    `bounds` see :func:`split`.
    """
    noisy, s, step = _images(flow, images), _level(noise_std), _stride(flow, stride)
    limits = _bounds(flow, bounds)
    schedule = numbers_of(schedule, "schedule", _LEVELS)
    x = z = noisy
    for i, ratio in enumerate(schedule):
        z = _clipped(_denoised(flow, x, ratio * s, step, i), limits)
        x = (noisy + z / ratio**2) / (1 + 1 / ratio**2)
    return z  # not x: that holds a share of the noise again


def split(
    flow: Flow,
    A: Measurement,
    y: ArrayLike,
    *,
    shape: tuple[int, int, int],
    start: ArrayLike | None = None,
    noise_std: float = 0.0,
    levels: tuple[float, float] = (0.1, 0.005),
    rounds: int = 80,
    stride: int = 4,
    relaxation: float = RELAXATION,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> FloatArray:
    """Images from linear measurements, by splitting around the patch denoiser.

    Parameters
    ----------
    flow : conditional flow of (p, p, C) patches.
    A : (m, n) array or measurement operator, n = H W C. Where ``A A^T = c I`` (pixels that are seen, orthogonal
        transforms) an operator stays matrix-free; else ``A A^T`` is diagonalised, once for all images.
    y : (..., m) array, [y]
    shape : (H, W, C) of the images.
    start : (n,) or (..., n) array, a first estimate; default the flow's mean colour corrected by the measurements.
    noise_std : noise on each measurement, [y].
    levels : first and last noise level of the denoiser, geometric in between.
    rounds : passes of the denoiser.
    stride : pixels between patches; each round shifts them, so that no seam stays.
    relaxation : length of the step towards the measurements, in (0, 2); 1 is the minimum, with which the last round ends
        whatever is given here. Beyond 2 rounds can diverge.
    bounds : values that a pixel can have. A posterior mean cannot leave them; that of a flow far from the images that it
        was trained on does, and the next rounds then diverge. So every denoised image is clipped to them; None: never.

    Returns
    -------
    (..., n) float64 array, images flattened in the order (H, W, C).

    Raises
    ------
    ShapeError
        `A`, `y`, `start` or `shape` do not fit together, or not the flow.
    InputError
        A flow that is not a conditional one of image patches; levels that do not fall; a relaxation outside (0, 2); values
        that are not finite.
    """
    first, last = numbers_of(levels, "levels", _LEVELS, length=2)
    if first < last:
        raise InputError(f"levels must fall from a positive number to a positive number, got {first} and {last}")
    noise_std, rounds = non_negative(noise_std, "noise_std"), positive_int(rounds, "rounds")
    relaxation = number_in(relaxation, "relaxation", Interval(0.0, 2.0, open_low=True, open_high=True))
    shape = image_shape(shape)
    _images(flow, np.zeros(shape))
    values, n, step = finite_array(y, "y"), int(np.prod(shape)), _stride(flow, stride)
    limits = _bounds(flow, bounds)
    operator = A if isinstance(A, LinearOperator) else as_dense(A)
    if operator.shape[1] != n or values.ndim == 0 or values.shape[-1] != operator.shape[0]:
        raise ShapeError(
            f"A must have shape (m, {n}) for images {shape}, and y (..., m): got {operator.shape}, {values.shape}"
        )
    rows = values.reshape(-1, values.shape[-1])
    correct = _data_step(operator, rows, noise_std)
    grey = np.tile(flow.mean.cpu().numpy().reshape(-1, shape[2]).mean(axis=0), n // shape[2])
    given = finite_array(start, "start") if start is not None else correct(np.tile(grey, (len(rows), 1)), first)
    if given.shape not in ((n,), (len(rows), n), (*values.shape[:-1], n)):
        raise ShapeError(f"start must have shape ({n},) or {(*values.shape[:-1], n)}, got {given.shape}")
    x = np.broadcast_to(given.reshape(-1, n), (len(rows), n))
    z = x
    for i, level in enumerate(np.geomspace(first, last, rounds)):
        if i > 0:
            x = z + relaxation * (x - z)
        z = _clipped(_denoised(flow, _images(flow, x.reshape(-1, *shape)), float(level), step, i), limits).reshape(-1, n)
        x = correct(z, float(level))
    return x.reshape(*values.shape[:-1], n)


def linear_control(flow: Flow) -> Glow:
    """The untrained conditional flow with the linear part of `flow`: its denoiser is the Wiener filter of patches."""
    _images(flow, np.zeros(flow.shape))
    height, width, channels = flow.shape
    return Glow(flow.linear, (height, width, channels), steps=1, width=1, levels=1, conditional=True)


# -------------------------------------------------------------------------------------------------- the measurements


def _data_step(A: LinearOperator | NDArray[np.float64], y: FloatArray, noise_std: float) -> _Step:
    """``argmin |A x - y|^2 / noise_std^2 + |x - z|^2 / s^2 = z + A^T (A A^T + (noise_std/s)^2 I)^{-1} (y - A z)``."""
    if isinstance(A, LinearOperator):
        adjoint = A.rmatmat
        # For almost every vector v, A A^T v = c v only if A A^T = c I.
        v = np.random.default_rng(0).standard_normal(A.shape[0])
        back = A @ A.rmatvec(v)
        scale = float(back @ v / (v @ v))
        if np.allclose(back, scale * v, rtol=0, atol=1e-10 * scale * np.abs(v).max()):

            def scaled(z: FloatArray, s: float) -> FloatArray:
                misfit = (y - apply(A, z)) / (scale + (noise_std / s) ** 2)
                return np.asarray(z + adjoint(misfit.T).T)

            return scaled
        A = as_dense(A)
    dense = A
    squares, basis = eigh(dense @ dense.T)
    # Directions that A does not measure (rows that depend on each other) are left alone.
    seen = squares > len(squares) * np.finfo(np.float64).eps * squares[-1]

    def diagonalised(z: FloatArray, s: float) -> FloatArray:
        misfit = (y - z @ dense.T) @ basis
        weights = np.divide(1.0, squares + (noise_std / s) ** 2, out=np.zeros_like(squares), where=seen)
        return np.asarray(z + (misfit * weights) @ basis.T @ dense)

    return diagonalised


# ------------------------------------------------------------------------------------------------------- the denoiser


def _denoised(flow: Flow, images: FloatArray, noise_std: float, stride: int, turn: int) -> FloatArray:
    """One pass over all images; with stride > 1 each `turn` puts the patches elsewhere."""
    height, width, channels = images.shape[-3:]
    size = flow.shape[0]
    rows, columns = _places(height, size, stride, turn), _places(width, size, stride, turn // stride)
    flat = images.reshape(-1, height, width, channels)
    # Without slopes for the weights, 1 x 1 convolutions are multiplied out once.
    with flow.frozen():
        moved = _in_groups(flow, flat, rows, columns, noise_std)
    moved = moved.reshape(len(flat), len(rows), len(columns), size, size, channels)
    total, count = np.zeros_like(flat), np.zeros((height, width, 1))
    for i in range(size):
        for j in range(size):
            # Every patch puts its pixel (i, j) at its own place: no two of them meet.
            there = np.ix_(rows + i, columns + j)
            total[:, there[0], there[1]] += moved[:, :, :, i, j]
            count[there] += 1
    return representable((total / count).reshape(images.shape), "the denoised image")


def _in_groups(
    flow: Flow, images: FloatArray, rows: NDArray[np.int64], columns: NDArray[np.int64], noise_std: float
) -> FloatArray:
    """The patches at `rows` and `columns` of every image, denoised in groups, so that no image's bits depend on the others.

    Groups have a size that depends on one image only, and images begin at multiples of `_ALIGNED` rows in them: sums of
    products round differently in rows that lie differently in memory.
    """
    side, count = flow.shape[0], len(rows) * len(columns)
    windows = np.lib.stride_tricks.sliding_window_view(images, (side, side), axis=(1, 2))
    padded = -(-count // _ALIGNED) * _ALIGNED
    size = min(_BATCH, max(_LEAST, padded))
    found = np.empty((len(images) * padded, flow.n))
    for first in range(0, len(found), size):
        # Past the end of an image, or of all of them, the last patch again.
        image, place = np.divmod(np.minimum(np.arange(first, first + size), len(found) - 1), padded)
        row, column = np.divmod(np.minimum(place, count - 1), len(columns))
        patches = np.moveaxis(windows[image, rows[row], columns[column]], 1, 3).reshape(size, flow.n)
        found[first : first + size] = tweedie(flow, patches, noise_std)[: len(found) - first]
    return found.reshape(len(images), padded, flow.n)[:, :count]


def tweedie(flow: Flow, patches: FloatArray, noise_std: float) -> FloatArray:
    """``y + s^2 grad log p_s(y)`` of flat patches y, (count, n) to (count, n)."""
    y = flow.tensor(patches).requires_grad_(True)
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(flow.log_prob(y, noise_std).sum(), y)
    found: FloatArray = (y + noise_std**2 * slope).detach().cpu().numpy()
    return found


def _places(side: int, size: int, stride: int, turn: int) -> NDArray[np.int64]:
    """Where patches begin: every `stride` pixels from a place that moves with `turn`, and at both edges."""
    inner = np.arange(turn % stride, side - size + 1, stride)
    return np.unique(np.concatenate([inner, [0, side - size]]))


# ------------------------------------------------------------------------------------------------------------- checks


def _images(flow: Flow, images: ArrayLike) -> FloatArray:
    values = finite_array(images, "images")
    if not flow_of(flow).conditional or len(flow.shape) != 3 or flow.shape[0] != flow.shape[1]:
        raise InputError("a denoiser needs a conditional flow of square image patches: make it with conditional=True")
    size, _, channels = flow.shape
    if values.ndim >= 3 and values.shape[-1] != channels:
        channels_last(values.shape, "images")
    if values.ndim < 3 or values.shape[-1] != channels or min(values.shape[-3:-1]) < size:
        raise ShapeError(f"images must have shape (..., H, W, {channels}) with H, W >= {size}, got {values.shape}")
    return values


def _level(noise_std: float) -> float:
    return number_in(noise_std, "noise_std", _LEVELS)


def _stride(flow: Flow, stride: int) -> int:
    stride = positive_int(stride, "stride")
    if stride > flow.shape[0]:
        raise InputError(f"stride must be at most {flow.shape[0]}, the side of a patch, or pixels are missed: got {stride}")
    return stride


def _bounds(flow: Flow, bounds: tuple[float, float] | None) -> tuple[float, float] | None:
    if bounds is None:
        return None
    low, high = numbers_of(bounds, "bounds", length=2)
    middle = float(flow.mean.mean())
    if not low < middle < high:
        raise InputError(
            f"bounds must hold the values of the images, whose mean is {middle:g} for this flow, got {bounds}: "
            "give the range of a pixel, or None"
        )
    return low, high


def _clipped(images: FloatArray, bounds: tuple[float, float] | None) -> FloatArray:
    return images if bounds is None else np.clip(images, *bounds)
