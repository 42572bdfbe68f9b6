"""`load`: a folder, a file or an object as one array, with a sentence that says what was read and what was done to it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import finite_array, flag, path_of, positive_int
from linflow.data.arrays import ARRAY_SUFFIXES, Found, array_of, read_array
from linflow.data.folders import read_folder, read_image
from linflow.data.pictures import IMAGE_SUFFIXES
from linflow.engine.files import shortened
from linflow.errors import DataError, InputError
from linflow.moments import blocks, is_mapped


@dataclass(frozen=True, eq=False)
class Loaded:
    """What was read; NumPy, and every function of linflow that takes an array, takes it as the array that it holds.

    Parameters
    ----------
    values : read-only array: rows are samples; or a vector, or a matrix as it stands.
    told : one sentence on what was read, and on what was done to it.
    digest : SHA-256 of its shape and values (as float64), the same for the same numbers in any kind of file.
    name : short, for tables and legends.
    """

    values: NDArray[Any]
    told: str
    digest: str
    name: str
    columns: tuple[str, ...] = field(default=(), repr=False)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """The values, as NumPy asks for them."""
        return np.array(self.values, dtype=dtype, copy=copy) if copy else np.asarray(self.values, dtype=dtype)


def load(
    source: object,
    *,
    size: int | None = None,
    grey: bool = True,
    recursive: bool = False,
    frames: bool = False,
    value_range: tuple[float, float] | None = None,
    variable: str | None = None,
    column: str | int | None = None,
) -> Loaded:
    """Read a folder of images, a file, or an object of another library.

    Parameters
    ----------
    source : a folder of images; an image; a file of numbers (.npy .npz .mat .h5 .hdf5 .parquet .csv .tsv .txt .dat); or an
        array, a nested list, a DataFrame, Series, DataArray, Dataset or tensor.
    size, grey, recursive, frames, value_range : for images, see :func:`image_folder`; without `size` they stay as they are,
        and must all be of one size.
    variable : the array that is meant, in a file or dataset of several.
    column : the column that is meant, by its name or its number (from 1), in a table.

    Returns
    -------
    Loaded : images are rows of pixels in [0, 1]; numbers are as they stand, float64. A large .npy stays on the disk.

    Raises
    ------
    DataError
        What cannot be read, or has more than one reading.
    InputError
        Numbers that are not real and finite; a choice that the source does not offer.

    Examples
    --------
    >>> import pandas as pd
    >>> found = load(pd.DataFrame({"sigma": [3.5, 2.1, 1.7], "error": [0.1, 0.1, 0.2]}), column="sigma")
    >>> print(found.told)
    read the data: a vector of 3 numbers, float64, 1.7..3.5, column 'sigma'
    >>> np.asarray(found)
    array([3.5, 2.1, 1.7])
    """
    if isinstance(source, Loaded):
        return source
    choices = {
        "grey": not flag(grey, "grey"),
        "recursive": flag(recursive, "recursive"),
        "frames": flag(frames, "frames"),
        "size": size is not None,
        "value_range": value_range is not None,
    }
    for name, text in (("variable", variable), ("column", column)):
        if text is not None and not (isinstance(text, str) or (name == "column" and isinstance(text, int | np.integer))):
            raise InputError(f"{name} must be a name{' or a number' if name == 'column' else ''}, got {text!r:.60}")
    if not isinstance(source, str | os.PathLike):
        _no(choices, "images")
        return _numbers(array_of(source, variable=variable, column=column), "the data", "data")
    path = path_of(source, "source")
    if not _is_images(path):
        _no(choices, "images")
        return _numbers(read_array(path, variable=variable, column=column), shortened(path), path.stem)
    _no({"variable": variable is not None, "column": column is not None}, "files of numbers")
    side = None if size is None else positive_int(size, "size")
    if path.is_dir():
        album = read_folder(path, size=side, grey=grey, recursive=recursive, frames=frames, value_range=value_range)
    else:
        _no({"recursive": recursive}, "folders")
        album = read_image(path, size=side, grey=grey, frames=frames, value_range=value_range)
    height, width, _ = album.shape
    name = f"{path.resolve().name} {width}x{height}"
    return Loaded(_kept(album.rows), f"read {shortened(path)}: {album.told}", _digest(album.rows), name)


def _is_images(path: Path) -> bool:
    try:
        if path.is_dir() or (path.suffix.lower() in IMAGE_SUFFIXES and path.exists()):
            return True
    except OSError as error:
        raise DataError(f"{shortened(path)} cannot be read: {error.strerror}") from error
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise DataError(f"the file {shortened(path)} does not exist")
    if path.suffix.lower() not in ARRAY_SUFFIXES and path.is_file():
        raise DataError(
            f"{shortened(path)} is not a folder: give a folder of images, an image ({' '.join(IMAGE_SUFFIXES)}), or a "
            f"file of numbers ({' '.join(ARRAY_SUFFIXES)})"
        )
    return False


def _no(choices: dict[str, bool], what: str) -> None:
    given = [name for name, chosen in choices.items() if chosen]
    if given:
        raise InputError(f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} for {what}")


def _numbers(found: Found, what: str, name: str) -> Loaded:
    values = found.values
    if values.size == 0 or values.ndim == 0:
        raise DataError(f"{what} holds no array of numbers: its shape is {values.shape}, and it must be non-empty")
    if found.flat and values.ndim == 2 and 1 in values.shape:
        values = values.reshape(-1)
    kind = values.dtype.name
    if not is_mapped(values):
        values = _kept(finite_array(values, what))
    least, greatest = _ends(values, what)
    parts = [_shaped(values.shape), kind, f"{least:g}..{greatest:g}", *found.told]
    names = found.names if values.ndim == 2 else ()
    return Loaded(values, f"read {what}: {', '.join(parts)}", _digest(values), name, names)


def _shaped(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return f"a vector of {shape[0]} numbers"
    return f"a {' x '.join(map(str, shape))} {'matrix' if len(shape) == 2 else 'array'}"


def _kept(values: NDArray[Any]) -> NDArray[Any]:
    values.flags.writeable = False
    return values


def _ends(values: NDArray[Any], what: str) -> tuple[float, float]:
    least, greatest = np.inf, -np.inf
    for block in blocks(values):
        low, high = float(block.min()), float(block.max())
        if not np.isfinite([low, high]).all():
            raise InputError(f"{what} must be finite, but has entries that are NaN or infinite")
        least, greatest = min(least, low), max(greatest, high)
    return least, greatest


def _digest(values: NDArray[Any]) -> str:
    digest = hashlib.sha256(repr(values.shape).encode())
    for block in blocks(values):
        digest.update(block.tobytes())
    return digest.hexdigest()
