"""DICOM through pydicom (extra ``dicom``): stored numbers, rescaled as the file says, black and white by its bits.

The window of a viewer plays no part: it is chosen for eyes, differs from slice to slice, and cuts off what lies outside.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from linflow.data.raw import Raw, with_channels
from linflow.engine.files import shortened
from linflow.errors import DataError

#: Endings that count as DICOM where the file has no preamble that says so.
ENDINGS = (".dcm", ".dicom")
#: Where the preamble ends, and what stands there.
OFFSET, SIGNATURE = 128, b"DICM"


def read_dicom(file: Path, *, frames: bool) -> Raw:
    """The picture of a DICOM file, or with `frames` all of them; several without it are a DataError.

    Numbers are ``slope * stored + intercept`` (Hounsfield units in a CT); black and white are the least and greatest that
    BitsStored and PixelRepresentation allow, so that all slices of a series share them. Raises what pydicom raises.
    """
    try:
        import pydicom
    except ImportError:
        raise DataError(
            f"{shortened(file)} is a DICOM file: reading it needs pydicom (pip install 'linflow[dicom]')"
        ) from None
    dataset = pydicom.dcmread(file)
    count = int(dataset.get("NumberOfFrames") or 1)
    if count > 1 and not frames:
        raise DataError(f"{shortened(file)} is a stack of {count} frames: frames=True (--frames) takes each for an image")
    meaning = str(dataset.PhotometricInterpretation)
    if meaning not in ("MONOCHROME1", "MONOCHROME2", "RGB"):
        raise DataError(f"{shortened(file)} has pixels in {meaning}, which are not read: save it as MONOCHROME2 or RGB")
    stored = np.asarray(dataset.pixel_array)
    stored = stored if count > 1 else stored[None]
    bits = int(dataset.BitsStored)
    signed = bool(dataset.PixelRepresentation)
    ends = np.array([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] if signed else [0, 2**bits - 1], dtype=np.float64)
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    values, notes = stored, list[str]()
    if (slope, intercept) != (1.0, 0.0):
        values, ends = slope * stored.astype(np.float64) + intercept, slope * ends + intercept
        notes.append(f"rescaled by {slope:g} and {intercept:+g}")
    return Raw(
        tuple(with_channels(frame) for frame in values),
        (None,) * len(values),
        float(ends.min()),
        float(ends.max()),
        f"{bits}-bit",
        inverted=meaning == "MONOCHROME1",
        notes=tuple(notes),
    )
