"""Real images that ship inside scikit-learn and scikit-image, as rows of pixels.

Nothing is downloaded. scikit-learn and scikit-image are imported inside the functions: they load slowly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from linflow.arrays import shown
from linflow.checks import FloatArray, positive_int, whole_number
from linflow.errors import InputError

#: Photographs inside scikit-image's wheel; others would be downloaded.
_PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee")


def digits() -> FloatArray:
    """1797 handwritten digits of 8 x 8 pixels, values in [0, 1], shape (1797, 64) (scikit-learn's `load_digits`).

    >>> digits().shape
    (1797, 64)
    """
    from sklearn.datasets import load_digits

    return np.asarray(load_digits().data, dtype=np.float64) / 16.0


def natural_patches(size: int = 8, count: int = 4000, seed: int = 0) -> FloatArray:
    """Random grey patches of scikit-image's photographs (astronaut, camera, chelsea, coffee), values in [0, 1].

    Returns
    -------
    (count, size * size) array, `count` rounded down to a multiple of 4: equally many from each photograph.

    >>> natural_patches(size=4, count=8).shape
    (8, 16)
    """
    from skimage import data

    size, count, seed = positive_int(size, "size"), positive_int(count, "count"), whole_number(seed, "seed")
    photographs = [_grey(getattr(data, name)()) for name in _PHOTOGRAPHS]
    rng = np.random.default_rng(seed)
    patches = []
    for photograph in photographs:
        if size > min(photograph.shape):
            raise InputError(f"size must be at most {min(photograph.shape)}, the side of a photograph, got {size}")
        windows = np.lib.stride_tricks.sliding_window_view(photograph, (size, size))
        rows = rng.integers(0, windows.shape[0], count // len(photographs))
        columns = rng.integers(0, windows.shape[1], rows.size)
        patches.append(windows[rows, columns].reshape(rows.size, -1))
    return np.concatenate(patches)


def faces(size: int = 12) -> FloatArray:
    """100 aligned grey faces, averaged down from 24 x 24 to `size` x `size` pixels (scikit-image's `lfw_subset`).

    >>> faces().shape
    (100, 144)
    """
    return _lfw(size)[:100]


def non_faces(size: int = 12) -> FloatArray:
    """100 grey patches without a face, as large as those of `faces`: its out-of-distribution partner.

    >>> non_faces(6).shape
    (100, 36)
    """
    return _lfw(size)[100:]


def _grey(image: NDArray[np.generic]) -> FloatArray:
    """Luminance in [0, 1] of an 8-bit or float image, grey or RGB."""
    from skimage.color import rgb2gray

    if image.ndim == 3:
        return np.asarray(rgb2gray(image), dtype=np.float64)
    return image.astype(np.float64) / (255.0 if image.dtype == np.uint8 else 1.0)


def _lfw(size: int) -> FloatArray:
    from skimage import data

    size = positive_int(size, "size")
    if 24 % size:
        raise InputError(f"size must divide 24, got {shown(size)}")
    block = 24 // size
    images = np.asarray(data.lfw_subset(), dtype=np.float64)[:, :24, :24]
    return np.asarray(images.reshape(200, size, block, size, block).mean(axis=(2, 4)).reshape(200, -1))
