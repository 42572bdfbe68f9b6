"""TIFF through tifffile, which keeps every depth and sees every page; what it leaves to codecs goes to Pillow.

Pillow alone reads colours of 16 bits as 8 bits, and takes a stack that ImageJ wrote for one picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from linflow.data.rasters import frame_of
from linflow.data.raw import TURNED, Pixels, Raw, require_one_size, turned, with_channels
from linflow.engine.files import shortened
from linflow.errors import DataError

#: First bytes of TIFF and BigTIFF, of either byte order.
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
#: Photometric interpretations whose numbers are what is seen: white is zero, black is zero, RGB. Others have palettes,
#: inks and colour spaces, which Pillow knows.
_WHITE_IS_ZERO, _PLAIN = 0, (0, 1, 2)
_PREMULTIPLIED, _OPACITY = 1, (1, 2)
_ORIENTATION = 274
#: What is said of a file that marks some of its pages as copies at a lower resolution.
SMALLER = "without the smaller copies in it"


def read_tiff(file: Path, *, frames: bool) -> Raw:
    """The page of a TIFF, or with `frames` all of them; several without it are a DataError. Raises what tifffile raises."""
    import tifffile

    with tifffile.TiffFile(file, is_ome=False) as tiff:
        series = [part for part in tiff.series if not part.keyframe.is_reduced]
        if not series:
            raise DataError(f"{shortened(file)} holds no page")
        # tifffile takes pages that halve from one to the next for copies of the first, marked as such or not.
        copies = [level for part in series for level in part.levels[1:]]
        unmarked = [copy for copy in copies if not (copy.keyframe.is_reduced or copy.keyframe.is_subifd)]
        require_one_size(((_side(part, "Y"), _side(part, "X")) for part in (*series, *unmarked)), file)
        pages = sum(_pages(part) for part in series)
        if pages > 1 and not frames:
            raise DataError(
                f"{shortened(file)} is a stack of {pages} pages: frames=True (--frames) takes each for an image, or save "
                "the one that is meant"
            )
        first = series[0].keyframe
        if any(_layout(part.keyframe) != _layout(first) for part in series):
            raise DataError(f"{shortened(file)} has pages of different kinds: save them as files of their own")
        bits, photometric = int(first.bitspersample), int(first.photometric)
        tag = first.tags.get(_ORIENTATION)
        orientation = 1 if tag is None else int(tag.value)
        through_pillow = photometric not in _PLAIN or bits not in (1, 8, 16, 32, 64)
        if not through_pillow:
            try:
                parts = [_in_order(part) for part in series]
            except (ValueError, NotImplementedError):  # a compression for which tifffile has no codec of its own
                through_pillow = True
        low, high, kind = _declared(first.dtype, bits, file)
        extra = tuple(int(sample) for sample in first.extrasamples)
        # Where Pillow has read it, up to 8 bits, zero is black already.
        inverted = photometric == _WHITE_IS_ZERO and not (through_pillow and bits <= 8)
        count = len(tiff.pages)
        dropped = len(copies) > 0 or len(series) < len(tiff.series)
    notes = (*((TURNED,) if 2 <= orientation <= 8 else ()), *((SMALLER,) if dropped else ()))
    if through_pillow:
        if count != pages:
            raise DataError(
                f"{shortened(file)} is a compressed stack that is not read: save its pages as files of their own"
            )
        return _by_pillow(file, pages, bits, low, high, kind, inverted, notes)
    found = [turned(with_channels(frame), orientation) for part in parts for frame in part]
    pictures, alphas = zip(*(_split(frame, extra, high, file) for frame in found), strict=True)
    premultiplied = extra[:1] == (_PREMULTIPLIED,)
    return Raw(pictures, alphas, low, high, kind, inverted=inverted, premultiplied=premultiplied, notes=notes)


def _side(series: Any, axis: str) -> int:
    """Length along an axis of a picture."""
    return int(series.shape[series.axes.index(axis)]) if axis in series.axes else 1


def _pages(series: Any) -> int:
    """How many pictures a series holds: all but the axes of a picture."""
    return int(np.prod([length for axis, length in zip(series.axes, series.shape, strict=True) if axis not in "YXS"]))


def _layout(page: Any) -> tuple[Any, ...]:
    return (page.dtype, int(page.photometric), page.bitspersample, tuple(page.extrasamples))


def _in_order(series: Any) -> Pixels:
    """(pages, height, width) or (pages, height, width, samples)."""
    pixels, axes = series.asarray(), series.axes
    last = [axes.index(axis) for axis in "YXS" if axis in axes]
    order = [index for index in range(len(axes)) if index not in last] + last
    shape = [series.shape[index] for index in last]
    return np.asarray(pixels).reshape(series.shape).transpose(order).reshape(-1, *shape)


def _declared(dtype: Any, bits: int, file: Path) -> tuple[float | None, float | None, str]:
    """The numbers of black and white that the kind of numbers declares, and what it is called."""
    kind = np.dtype(dtype).kind
    if kind == "b" or (kind == "u" and bits <= 16):
        return 0.0, float(2**bits - 1), f"{bits}-bit"
    if kind not in "uif":
        raise DataError(f"{shortened(file)} has pixels of the kind {np.dtype(dtype)}, which are no picture")
    return None, None, np.dtype(dtype).name


def _split(frame: Pixels, extra: tuple[int, ...], high: float | None, file: Path) -> tuple[Pixels, Pixels | None]:
    """Colours, and opacity where the file says that the last channel is that."""
    channels = frame.shape[-1] - len(extra)
    if channels not in (1, 3) or len(extra) > 1 or (extra and extra[0] not in _OPACITY):
        raise DataError(
            f"{shortened(file)} has {frame.shape[-1]} channels, which are neither grey nor colour (with or without "
            "opacity): save those that are meant"
        )
    if not extra:
        return frame, None
    if high is None:
        raise DataError(f"{shortened(file)} has opacity among numbers without a range: save it without opacity")
    return frame[..., :-1], frame[..., -1] / high


def _by_pillow(
    file: Path,
    pages: int,
    bits: int,
    low: float | None,
    high: float | None,
    kind: str,
    inverted: bool,
    notes: tuple[str, ...],
) -> Raw:
    """What needs a palette, inks or a codec, as far as Pillow keeps its depth."""
    from PIL import Image, ImageOps

    found: list[Pixels] = []
    alphas: list[Pixels | None] = []
    with Image.open(file, formats=["TIFF"]) as image:
        for index in range(pages):
            image.seek(index)
            image.load()
            # Newer versions of Pillow have turned it by now, and then say so.
            upright = ImageOps.exif_transpose(image)
            mode = str(upright.mode)
            if bits > 8 and not (mode.startswith("I;16") or mode == "F"):
                raise DataError(
                    f"{shortened(file)} is a TIFF of {bits} bits in a compression that is not read: install imagecodecs, "
                    "or save it uncompressed"
                )
            if mode == "F":
                found.append(with_channels(np.asarray(upright)))
                alphas.append(None)
                continue
            pixels, alpha, white = frame_of(upright, file)
            found.append(pixels)
            alphas.append(alpha)
            if bits <= 8:
                low, high, kind = 0.0, white, f"{bits}-bit"
    return Raw(tuple(found), tuple(alphas), low, high, kind, inverted=inverted, notes=notes)
