"""Small random changes of training images that leave them plausible; each follows from the generator that is passed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from linflow.checks import (
    FloatArray,
    Interval,
    Random,
    channels_last,
    finite_array,
    flag,
    generator,
    non_negative,
    number_in,
    one_of,
    positive_int,
)
from linflow.errors import ShapeError

#: (batch, H, W, C) images and a generator -> images of the flow's size.
Augmentation = Callable[[FloatArray, np.random.Generator], FloatArray]

#: What `named` knows.
NAMES = ("nothing", "flips", "shifts", "crops", "jitter")


def nothing(images: FloatArray, rng: np.random.Generator) -> FloatArray:
    """No change."""
    return images


def flips(images: FloatArray, rng: Random) -> FloatArray:
    """Mirror each image left to right with probability 1/2."""
    images, rng = _several(images, rng)
    mirrored = rng.random(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)


def shifts(images: FloatArray, rng: Random) -> FloatArray:
    """Move each image by up to one pixel each way (what comes in is a reflection), and mirror half of them."""
    images, rng = _several(images, rng)
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
    top, left = rng.integers(0, 3, (2, len(images)))
    height, width = images.shape[1:3]
    moved = [x[i : i + height, j : j + width] for x, i, j in zip(padded, top, left, strict=True)]
    return flips(np.stack(moved), rng)


def crops(size: int, *, mirror: bool = True) -> Augmentation:
    """Windows of `size` x `size` pixels at random places, mirrored half of the time."""
    return partial(_cut, size=positive_int(size, "size"), mirror=flag(mirror, "mirror"))


def _cut(images: FloatArray, rng: Random, *, size: int, mirror: bool) -> FloatArray:
    images, rng = _several(images, rng)
    if size > min(images.shape[1:3]):
        raise ShapeError(f"windows of {size} pixels do not fit into images of shape {images.shape[1:]}")
    top = rng.integers(0, images.shape[1] - size + 1, len(images))
    left = rng.integers(0, images.shape[2] - size + 1, len(images))
    windows = np.stack([x[i : i + size, j : j + size] for x, i, j in zip(images, top, left, strict=True)])
    return flips(windows, rng) if mirror else windows


def jitter(*, angle: float = 5.0, shift: float = 0.3, zoom: float = 0.05, share: float = 0.5) -> Augmentation:
    """Small rotations (degrees), shifts (pixels) and changes of scale, bilinear: for digits, which have no mirror image.

    Only a `share` of the images is moved: interpolation blurs, and a flow that sees nothing else learns blurred images
    (digits: 2.79 bits/dim with all of them moved, 2.49 with half).
    """
    share = number_in(share, "share", Interval(0.0, 1.0))
    angle, shift, zoom = non_negative(angle, "angle"), non_negative(shift, "shift"), non_negative(zoom, "zoom")
    return partial(_jittered, angle=angle, shift=shift, zoom=zoom, share=share)


def _jittered(images: FloatArray, rng: Random, *, angle: float, shift: float, zoom: float, share: float) -> FloatArray:
    images, rng = _several(images, rng)
    moved = np.flatnonzero(rng.random(len(images)) < share)
    changed = images.copy()
    changed[moved] = _turned(images[moved], rng, angle, shift, zoom)
    return changed


def _turned(images: FloatArray, rng: np.random.Generator, angle: float, shift: float, zoom: float) -> FloatArray:
    count, height, width, _ = images.shape
    turn = np.deg2rad(rng.uniform(-angle, angle, count))
    scale = 1.0 + rng.uniform(-zoom, zoom, count)
    dx, dy = rng.uniform(-shift, shift, (2, count)) * 2.0 / np.array([[width], [height]])
    rows = [[np.cos(turn) * scale, -np.sin(turn) * scale, dx], [np.sin(turn) * scale, np.cos(turn) * scale, dy]]
    theta = torch.from_numpy(np.moveaxis(np.array(rows), 2, 0))
    batch = torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, 3, 1)))
    grid = torch.nn.functional.affine_grid(theta, list(batch.shape), align_corners=False)
    moved = torch.nn.functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)
    return np.moveaxis(moved.numpy(), 1, 3)


def _several(images: FloatArray, rng: Random) -> tuple[FloatArray, np.random.Generator]:
    values = finite_array(images, "images")
    if values.ndim != 4 or values.size == 0:
        raise ShapeError(f"this augmentation needs images of shape (count, H, W, C), got {values.shape}")
    channels_last(values.shape, "images")
    return values, generator(rng)


def named(name: str, size: int | None = None) -> Augmentation:
    """The augmentation called `name`; "crops" cuts windows of `size` pixels.

    >>> named("flips") is flips
    True
    """
    one_of(name, "augment", NAMES)
    if name == "crops":
        return crops(0 if size is None else size)
    return {"nothing": nothing, "flips": flips, "shifts": shifts, "jitter": jitter()}[name]


def described(change: Augmentation) -> str:
    """What tells one augmentation from another, the same in every process; functions are told by their name.

    >>> described(flips), described(crops(8))
    ('linflow.deep.augment.flips', "linflow.deep.augment._cut{'size': 8, 'mirror': True}")
    """
    if isinstance(change, partial):
        return f"{described(change.func)}{change.args or ''}{change.keywords}"
    kind = change if hasattr(change, "__qualname__") else type(change)
    return f"{kind.__module__}.{kind.__qualname__}"
