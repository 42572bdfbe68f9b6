"""`Raw`: an image file's frames in its own numbers, with what the file declares about them; what every reader returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.engine.files import shortened
from linflow.errors import DataError

Pixels = NDArray[Any]


@dataclass(frozen=True)
class Raw:
    """Frames as they are stored, upright, and what their numbers mean.

    Parameters
    ----------
    frames : each (height, width, 1 or 3), in the file's own numbers.
    alphas : for each frame its opacity (height, width) in [0, 1], or None where it has none.
    low, high : the numbers of black and white that the file declares; None where it declares none.
    kind : what the numbers are, for people: "8-bit", "float32".
    inverted : the file says that `low` is white.
    premultiplied : the colours are stored times their opacity.
    notes : what was done to it, a few words each.
    """

    frames: tuple[Pixels, ...]
    alphas: tuple[Pixels | None, ...]
    low: float | None
    high: float | None
    kind: str
    inverted: bool = False
    premultiplied: bool = False
    notes: tuple[str, ...] = ()


def turned(pixels: Pixels, orientation: int) -> Pixels:
    """(height, width, ...) pixels as EXIF's `orientation` (1..8; others count as 1) wants them shown; a view.

    >>> turned(np.array([[1, 2], [3, 4]]), 6)  # stored lying on its left side
    array([[3, 1],
           [4, 2]])
    """
    across = np.swapaxes(pixels, 0, 1)
    shown = {
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: across,
        6: across[:, ::-1],
        7: across[::-1, ::-1],
        8: across[::-1],
    }
    return shown.get(orientation, pixels)


#: What is said of a picture that was turned.
TURNED = "turned as EXIF says"


def require_one_size(sizes: Iterable[tuple[int, ...]], file: Path) -> None:
    """Raise DataError unless all (height, width) are equal.

    Frames of several sizes are a picture with smaller copies of it (a pyramid, a preview) as likely as several pictures,
    and a file that does not mark the copies leaves open which.
    """
    found = list(dict.fromkeys(size[:2] for size in sizes))
    if len(found) > 1:
        (height, width), (other_height, other_width) = found[:2]
        raise DataError(
            f"{shortened(file)} holds pictures of different sizes ({width} x {height} and {other_width} x {other_height}), "
            "which may be copies of one: save those that are meant as files of their own"
        )


def with_channels(pixels: Pixels) -> Pixels:
    """(height, width) pixels as (height, width, 1); others as they are."""
    return pixels[..., None] if pixels.ndim == 2 else pixels
