"""Image files written by hand or by their own libraries, byte by byte where no library writes them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[Any]


def ramp(shape: tuple[int, ...], top: int, dtype: Any) -> Pixels:
    """Whole numbers 0..top that differ from row to row, from column to column and between channels."""
    seed = np.random.default_rng(sum(shape))
    pixels = seed.integers(0, top, shape, endpoint=True)
    pixels.flat[0], pixels.flat[-1] = 0, top
    return pixels.astype(dtype)


def png(file: Path, pixels: Pixels, *, filters: bool = True) -> None:
    """A PNG of 8 or 16 bits, grey, grey with opacity, colour, or colour with opacity, by every filter in turn."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, channels = pixels.shape
    rows = np.ascontiguousarray(pixels.astype(pixels.dtype.newbyteorder(">"))).view(np.uint8).reshape(height, -1)
    step = channels * pixels.dtype.itemsize
    body = b"".join(_filtered(rows, y, step, y % 5 if filters else 0) for y in range(height))
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, height, 8 * pixels.dtype.itemsize, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(body)), (b"IEND", b""))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _filtered(rows: NDArray[np.uint8], y: int, step: int, kind: int) -> bytes:
    row = rows[y].astype(int)
    up = rows[y - 1].astype(int) if y else np.zeros_like(row)
    left, corner = (np.concatenate([np.zeros(step, dtype=int), line[:-step]]) for line in (row, up))
    estimate = left + up - corner
    distances = np.stack([np.abs(estimate - line) for line in (left, up, corner)])
    paeth = np.choose(distances.argmin(axis=0), [left, up, corner])
    guess = [np.zeros_like(row), left, up, (left + up) // 2, paeth][kind]
    return bytes([kind, *((row - guess) % 256).tolist()])


def tiff_of_sizes(file: Path, pixels: Pixels, kind: str) -> None:
    """A picture and smaller ones beside it, marked as its copies or not; `kind` is one of those of the tests."""
    smaller = [pixels[::2, ::2], pixels[::4, ::4]]
    with tifffile.TiffWriter(file, ome=kind == "OME images") as tiff:
        tiff.write(pixels, photometric="minisblack", subifds=2 if kind == "pyramid" else None)
        for part in smaller[:1] if kind == "thumbnail" else smaller:
            marked = kind in ("thumbnail", "pyramid")
            part = part[:, 1:] if kind == "pages" else part
            tiff.write(part, photometric="minisblack", subfiletype=1 if marked else 0)


def tiff_of_12_bits(file: Path, pixels: Pixels) -> None:
    """A grey TIFF whose BitsPerSample is 12, two pixels in three bytes."""
    height, width = pixels.shape
    first, second = pixels.astype(int)[:, 0::2], pixels.astype(int)[:, 1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], axis=-1).astype(np.uint8).tobytes()
    tags = {256: width, 257: height, 258: 12, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: len(packed)}
    table = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    file.write_bytes(
        b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + struct.pack("<H", len(tags)) + table + bytes(4)
    )


def tiff(file: Path, pixels: Pixels, **options: Any) -> None:
    """A TIFF by tifffile."""
    tifffile.imwrite(file, pixels, **options)


def dicom(file: Path, pixels: Pixels, *, bits: int, big_endian: bool = False, **tags: Any) -> None:
    """A DICOM file of one picture or, with three axes, of several; `tags` by their keywords."""
    import pydicom
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRBigEndian if big_endian else ExplicitVRLittleEndian
    found = pydicom.dataset.FileDataset(str(file), {}, file_meta=meta, preamble=bytes(128))
    found.SOPClassUID, found.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    found.Rows, found.Columns = pixels.shape[-2:]
    if pixels.ndim == 3:
        found.NumberOfFrames = len(pixels)
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit = 8 * pixels.dtype.itemsize, bits, bits - 1
    found.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in tags.items():
        setattr(found, name, value)
    stored = pixels.astype(pixels.dtype.newbyteorder(">" if big_endian else "<"))
    found.PixelData = stored.tobytes()
    found["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    byte_order = {"little_endian": not big_endian, "implicit_vr": False}
    pydicom.dcmwrite(file, found, enforce_file_format=True, **byte_order)


def pillow(file: Path, pixels: Pixels, **options: Any) -> None:
    """Whatever the ending says, by Pillow."""
    Image.fromarray(pixels).save(file, **options)
