"""One image file as floats in [0, 1]: by the range that the file declares, or one sentence that says why not.

Nothing is stretched to the values that happen to occur: 16 bits are 0..65535 whatever a picture uses of them, so that those
of one kind stay comparable. Numbers that declare no range (32-bit integers, signed ones, floats beyond [0, 1]) are refused
until the caller says what is black and what is white.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linflow.checks import FloatArray, numbers_of
from linflow.data.dicoms import ENDINGS, OFFSET, SIGNATURE, read_dicom
from linflow.data.rasters import LARGE, ROOM, read_raster
from linflow.data.raw import Pixels, Raw, require_one_size
from linflow.data.tiffs import SIGNATURES, read_tiff
from linflow.engine.files import regular_file, shortened
from linflow.engine.users import text_of
from linflow.errors import DataError, InputError

#: Endings of the files that are taken for images (DICOM needs the extra "dicom").
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", *ENDINGS)
#: Weights of red, green and blue in the luminance (ITU-R BT.709, as scikit-image's).
_LUMINANCE = np.array([0.2125, 0.7154, 0.0721])
#: What is said of a picture whose sides differ.
CROPPED = "cropped to the central square"


@dataclass(frozen=True)
class Picture:
    """Frames in [0, 1], and how they came to be.

    Parameters
    ----------
    pixels : (frames, height, width, channels) float64 array; channels are 1 or 3.
    kind : what the file's numbers are: "8-bit".
    low, high : the numbers that became 0 and 1.
    used : the least and the greatest number that the file has.
    notes : what was done beside, a few words each.
    """

    pixels: FloatArray
    kind: str
    low: float
    high: float
    used: tuple[float, float]
    notes: tuple[str, ...]


def read_picture(
    file: Path,
    *,
    side: int | None = None,
    grey: bool = False,
    frames: bool = False,
    value_range: tuple[float, float] | None = None,
) -> Picture:
    """An image file as floats in [0, 1], upright; opacity is laid over white.

    Parameters
    ----------
    side : crop to the central square and resize to so many pixels; None leaves the picture as it is.
    grey : luminance only.
    frames : every frame of an animation or page of a stack, not the first; a stack of pages is refused without it.
    value_range : the numbers that become 0 and 1, in the file's own units, instead of those that it declares.

    Raises
    ------
    DataError
        The file is damaged, too large, of another kind, or has numbers without a range or outside of `value_range`.
    """
    raw = _read(file, side=side, frames=frames)
    require_one_size((frame.shape for frame in raw.frames), file)
    low, high, used = _range(raw, value_range, file)
    notes = list(raw.notes)
    done = []
    for frame, alpha in zip(raw.frames, raw.alphas, strict=True):
        if alpha is not None and not np.all(alpha == 1):
            notes += ["laid over white"] * ("laid over white" not in notes)
        if side is not None and frame.shape[0] != frame.shape[1]:
            notes += [CROPPED] * (CROPPED not in notes)
        done.append(_finished(raw, frame, alpha, low, high, side=side, grey=grey))
    return Picture(np.stack(done), raw.kind, low, high, used, tuple(notes))


def _read(file: Path, *, side: int | None, frames: bool) -> Raw:
    from PIL import Image

    regular_file(file, "image")  # a pipe would be waited for, and a device may have no end
    try:
        with file.open("rb") as stream:
            head = stream.read(OFFSET + len(SIGNATURE))
        # Pillow warns of large pictures and of odd metadata; what it refuses altogether is an error.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if head[:4] in SIGNATURES:
                return read_tiff(file, frames=frames)
            if head[OFFSET:] == SIGNATURE or file.suffix.lower() in ENDINGS:
                return read_dicom(file, frames=frames)
            return read_raster(file, side=side, frames=frames)
    except (DataError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{shortened(file)} has more pixels than is safe to decode ({text_of(error)}): shrink or remove it"
        ) from error
    except Exception as error:  # the readers meet bytes of anybody's, and raise whatever their parsers do
        raise DataError(f"{shortened(file)} cannot be read as an image ({text_of(error)}): remove or replace it") from error


def _range(raw: Raw, value_range: tuple[float, float] | None, file: Path) -> tuple[float, float, tuple[float, float]]:
    """The numbers of black and white, and those that occur; raises where none are declared or some lie outside."""
    least = min(float(frame.min()) for frame in raw.frames)
    greatest = max(float(frame.max()) for frame in raw.frames)
    if not np.isfinite([least, greatest]).all():
        raise DataError(f"{shortened(file)} has pixels that are NaN or infinite: remove or replace it")
    used = f"{least:g}..{greatest:g}"
    if value_range is not None:
        low, high = value_range
        if least < low or greatest > high:
            raise DataError(
                f"{shortened(file)} has values in {used}, outside of the range {low:g}..{high:g} that was given"
            )
        return low, high, (least, greatest)
    if raw.low is not None and raw.high is not None:
        if least < raw.low or greatest > raw.high:
            raise DataError(
                f"{shortened(file)} declares {raw.kind} values ({raw.low:g}..{raw.high:g}), and has some in {used}"
            )
        return raw.low, raw.high, (least, greatest)
    if raw.kind.startswith("float") and least >= 0 and greatest <= 1:
        return 0.0, 1.0, (least, greatest)
    raise DataError(
        f"{shortened(file)} has {raw.kind} values in {used} and does not say which are black and white: give "
        f"value_range=(low, high), or --range {_exactly(least)}:{_exactly(greatest)} if it is these"
    )


def _exactly(number: float) -> str:
    """A number that reads back as the same: a range that is copied from a sentence must not leave the ends out.

    >>> _exactly(100.0), _exactly(1234564.0), _exactly(0.1)
    ('100', '1234564', '0.1')
    """
    return next((word for digits in (6, 15) if float(word := f"{number:.{digits}g}") == number), repr(number))


def _finished(
    raw: Raw, frame: Pixels, alpha: Pixels | None, low: float, high: float, *, side: int | None, grey: bool
) -> FloatArray:
    if side is not None:
        frame, alpha = _square(frame), None if alpha is None else _square(alpha)
    if alpha is None:
        pixels = _unit(frame if side is None else _averaged(frame, side), low, high, inverted=raw.inverted)
    else:
        pixels = _unit(frame, low, high, inverted=raw.inverted)
        opacity = alpha[..., None]
        pixels = np.clip((pixels if raw.premultiplied else pixels * opacity) + (1 - opacity), 0.0, 1.0)
        pixels = pixels if side is None else _averaged(pixels, side)
    if grey and pixels.shape[-1] == 3:
        pixels = (pixels @ _LUMINANCE)[..., None]
    if side is not None and pixels.shape[0] != side:
        from skimage.transform import resize

        shrinks, plane = pixels.shape[0] > side, pixels[..., 0] if pixels.shape[-1] == 1 else pixels
        pixels = np.asarray(resize(plane, (side, side, *plane.shape[2:]), order=1, anti_aliasing=shrinks))
        pixels = pixels.reshape(side, side, -1)
    return np.asarray(pixels, dtype=np.float64)


def _square(pixels: Pixels) -> Pixels:
    """The central square of (height, width, ...) pixels; a view."""
    side = min(pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return pixels[top : top + side, left : left + side]


def _averaged(square: Pixels, side: int) -> Pixels:
    """A large square averaged over blocks of whole pixels, which leaves `ROOM` times the `side` or more to resize.

    What resizing does to the whole (smoothing in float64) takes minutes and gigabytes there.
    """
    length = square.shape[0]
    block = length // (ROOM * side)
    if block < 2 or length * length <= LARGE:
        return square
    blocks = length // block
    start = (length - blocks * block) // 2
    part = square[start : start + blocks * block, start : start + blocks * block]
    # Row by row of blocks: a float64 copy of the whole would be eight times as large.
    rows = part.reshape(blocks, block, blocks, block, -1)
    return np.stack([row.mean(axis=(0, 2), dtype=np.float64) for row in rows])


def _unit(pixels: Pixels, low: float, high: float, *, inverted: bool) -> FloatArray:
    values = (pixels.astype(np.float64) - low) / (high - low)
    return 1.0 - values if inverted else values


def range_of(value_range: object, name: str = "value_range") -> tuple[float, float]:
    """`value_range` as two finite numbers, the lower one first."""
    low, high = numbers_of(value_range, name, length=2)  # type: ignore[arg-type]
    if not low < high:
        raise InputError(f"{name} must name two numbers, the lower one first, got ({low:g}, {high:g})")
    return low, high
