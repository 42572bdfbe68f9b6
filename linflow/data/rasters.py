"""PNG, JPEG, GIF, BMP and WebP through Pillow, without what Pillow would drop: the depth, the turn, the opacity.

Pillow reads a colour PNG of 16 bits as 8 bits, and a grey one as integers that its own conversion cuts off at 255. So grey
ones are taken as they are, and of a colour one both bytes are decoded, one after the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from linflow.data.raw import TURNED, Pixels, Raw, turned, with_channels
from linflow.engine.files import shortened
from linflow.errors import DataError

#: What is opened, whatever the file is called; Pillow would also start other programs for PostScript.
FORMATS = ("PNG", "JPEG", "MPO", "BMP", "DIB", "GIF", "WEBP")
#: From so many pixels on a JPEG is decoded at a fraction of its size, as much as the result leaves room for.
LARGE = 2**22
#: The fraction is at least so many times the size that is wanted: what is left to average hides the blocks' edges.
ROOM = 4
_ORIENTATION = 0x0112


def read_raster(file: Path, *, side: int | None, frames: bool) -> Raw:
    """The first frame, or all of them; `side` (or more) is needed of it. Raises whatever Pillow raises."""
    from PIL import Image

    Image.init()
    with Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN]) as image:
        if side is not None and image.width * image.height > LARGE:
            _draft(image, side)
        deep = _deep_png(image)  # before anything decodes it, as reading a PNG's EXIF does
        orientation = int(image.getexif().get(_ORIENTATION, 1))
        count = int(getattr(image, "n_frames", 1))
        if deep is not None:
            found, alpha = _both_bytes(file, deep)
            raw = Raw((found,), (alpha,), 0.0, 65535.0, "16-bit")
        else:
            parts = []
            for index in range(count if frames else 1):
                if index:
                    image.seek(index)
                parts.append(frame_of(image, file))
            raw = Raw(
                tuple(part[0] for part in parts), tuple(part[1] for part in parts), 0.0, parts[0][2], _kind(parts[0][2])
            )
    notes = [TURNED] if 2 <= orientation <= 8 else []
    notes += ["only the first of its frames"] if count > 1 and not frames else []
    return Raw(
        tuple(turned(frame, orientation) for frame in raw.frames),
        tuple(None if alpha is None else turned(alpha, orientation) for alpha in raw.alphas),
        raw.low,
        raw.high,
        raw.kind,
        notes=tuple(notes),
    )


def frame_of(image: Any, file: Path) -> tuple[Pixels, Pixels | None, float]:
    """The frame at which a Pillow image stands: pixels, opacity or None, and the number of white."""
    mode = str(image.mode)
    if mode.startswith("I;16") or (mode == "I" and image.format == "PNG"):
        if "transparency" in image.info:
            raise DataError(f"{shortened(file)} declares one of its 16-bit values transparent: save it without that")
        return with_channels(np.asarray(image)), None, 65535.0
    if mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"):
        raise DataError(f"{shortened(file)} has pixels of Pillow's mode {mode}, which are not read: save it as PNG or TIFF")
    clear = "transparency" in image.info or mode in ("LA", "PA", "RGBA")
    if mode in ("1", "L", "LA"):
        pixels = np.asarray(image.convert("LA" if clear else "L"))
    else:
        pixels = np.asarray(image.convert("RGBA" if clear else "RGB"))
    if not clear:
        return with_channels(pixels), None, 255.0
    return pixels[..., :-1], pixels[..., -1] / 255.0, 255.0


def _kind(white: float) -> str:
    return "8-bit" if white == 255.0 else "16-bit"


def _draft(image: Any, side: int) -> None:
    """Have a JPEG decoded at 1/2, 1/4 or 1/8 of its size; other formats know no such thing."""
    shrunk = ROOM * side / min(image.size)
    if shrunk < 1:
        image.draft(None, tuple(int(np.ceil(shrunk * length)) for length in image.size))


def _deep_png(image: Any) -> str | None:
    """The layout of a colour PNG of 16 bits, such as "RGB;16B", of which Pillow alone would keep 8."""
    layout = str(image.tile[0][3]) if image.format == "PNG" and image.tile else ""
    return layout if layout.endswith(";16B") and image.mode in ("RGB", "RGBA") else None


def _both_bytes(file: Path, layout: str) -> tuple[Pixels, Pixels | None]:
    from PIL import Image

    if layout == "LA;16B":
        raise DataError(
            f"{shortened(file)} is a grey PNG of 16 bits with opacity, which is not read: save it without opacity"
        )
    halves = []
    # Of two bytes, most significant first, the one layout keeps the first, and the other, which expects them the other way
    # round, the second.
    for byte in (layout, layout.replace("16B", "16L")):
        with Image.open(file, formats=["PNG"]) as image:
            if "transparency" in image.info:
                raise DataError(f"{shortened(file)} declares one of its 16-bit colours transparent: save it without that")
            image.tile = [tile._replace(args=byte) for tile in image.tile]
            halves.append(np.asarray(image).astype(np.uint16))
    pixels = (halves[0] << 8) | halves[1]
    return pixels[..., :3], pixels[..., 3] / 65535.0 if pixels.shape[-1] == 4 else None
