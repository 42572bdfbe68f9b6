"""A user's own spectra on the command line: what ``--values``, ``--data`` and ``--covariance`` name, read and told once.

The one definition that ``predict``, ``verify``, ``hunt`` and ``run`` share: what the options mean, what is said on standard
error about what was read, and the words with which the same command is written down again.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linflow.engine.files import shortened
from linflow.errors import DataError, InputError

if TYPE_CHECKING:  # imported where they are used: the command line's help need not wait for NumPy
    from linflow.data import Loaded
    from linflow.spectrum import Spectrum

#: The options that name something to read.
SOURCES = ("values", "data", "covariance")
#: Characters of a user's word that a sentence repeats.
_SHOWN = 80


@dataclass(frozen=True)
class Given:
    """What the options of a command name.

    Parameters
    ----------
    values : file of singular values.
    data : folder of images, an image with frames, or a file of numbers with a sample in each row.
    covariance : file of a symmetric, positive definite matrix, or of a vector of variances.
    size, rgb, recursive, frames, value_range : how images are read ("0:4095" is a range); None: as the command does.
    variable, column : which array, or column, of a file.

    Examples
    --------
    >>> Given(values=Path("s.mat"), variable="s").words()
    ['--values', 's.mat', '--variable', 's']
    """

    values: Path | None = None
    data: Path | None = None
    covariance: Path | None = None
    size: int | None = None
    rgb: bool = False
    recursive: bool = False
    frames: bool = False
    value_range: str | None = None
    variable: str | None = None
    column: str | None = None

    @property
    def paths(self) -> dict[str, Path]:
        """Option -> path, of those that were given."""
        found = {name: getattr(self, name) for name in SOURCES}
        return {f"--{name}": path for name, path in found.items() if path is not None}

    def words(self) -> list[str]:
        """The options as they were typed."""
        words = [word for option, path in self.paths.items() for word in (option, str(path))]
        for option, value in (
            ("--size", self.size),
            ("--range", self.value_range),
            ("--variable", self.variable),
            ("--column", self.column),
        ):
            words += [] if value is None else [option, str(value)]
        for option, chosen in (("--rgb", self.rgb), ("--recursive", self.recursive), ("--frames", self.frames)):
            words += [option] if chosen else []
        return words

    @property
    def choices(self) -> list[str]:
        """The options that say how to read, without those that say what."""
        return [word for word in self.words() if word.startswith("--") and word not in self.paths]

    def spectra(self, *, size: int) -> list[Spectrum]:
        """The spectra that the options name, in the order of `SOURCES`; what was read is said on standard error.

        Parameters
        ----------
        size : side in pixels of images, where ``--size`` does not say another.
        """
        if not self.paths and self.choices:
            raise InputError(
                f"{self.choices[0]} says how to read what --values, --data or --covariance name: give one of them"
            )
        return list(self._read(size))

    def _read(self, size: int) -> Iterator[Spectrum]:
        for option, path in self.paths.items():
            loaded = self._load(option, path, size)
            print(loaded.told, file=sys.stderr)
            try:
                yield {"--values": of_values, "--data": of_samples, "--covariance": of_covariance}[option](loaded)
            except InputError as error:
                raise InputError(f"{shortened(path)}: {error}") from error

    def _load(self, option: str, path: Path, size: int) -> Loaded:
        from linflow.data import IMAGE_SUFFIXES, load

        of_images = option == "--data" and (path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES)
        choices: dict[str, Any] = {"variable": self.variable, "column": self.column}
        if of_images:
            choices |= {"size": size if self.size is None else self.size, "grey": not self.rgb}
            choices |= {"recursive": self.recursive, "frames": self.frames, "value_range": range_of_words(self.value_range)}
        elif len(self.paths) == 1 and (images := [word for word in self.choices if word not in ("--variable", "--column")]):
            raise InputError(f"{images[0]} is for images, and {shortened(path)} is a file of numbers")
        if option != "--data" and path.is_dir():
            raise DataError(f"{shortened(path)} is a folder: give a file (--data takes folders of images)")
        return load(path, **choices)


def of_values(loaded: Loaded) -> Spectrum:
    """A vector as singular values; a matrix, of which one column or row is meant, is refused.

    >>> from linflow.data import load
    >>> of_values(load([3.0, 2.0])).singular_values
    array([3., 2.])
    >>> of_values(load([[1.0, 3.5], [4.0, 2.1]]))
    Traceback (most recent call last):
        ...
    linflow.errors.InputError: singular values are one column or one row, and this is a 2 x 2 matrix: choose a column
    (--column NAME or NUMBER), or --covariance or --data if it is that
    """
    from linflow.spectrum import Spectrum

    values = loaded.values.reshape(-1) if loaded.values.ndim == 2 and 1 in loaded.values.shape else loaded.values
    if values.ndim == 2:
        names = f", whose columns are {', '.join(map(repr, loaded.columns[:8]))}" if loaded.columns else ""
        raise InputError(
            f"singular values are one column or one row, and this is a {values.shape[0]} x {values.shape[1]} "
            f"matrix{names}: choose a column (--column NAME or NUMBER), or --covariance or --data if it is that"
        )
    return Spectrum(values, name=loaded.name)


def of_samples(loaded: Loaded) -> Spectrum:
    """The Gaussian model of samples, one a row."""
    from linflow.spectrum import Spectrum

    if loaded.values.ndim != 2:
        raise InputError(f"data are a matrix with a sample in each row, and this has the shape {loaded.values.shape}")
    return Spectrum.from_data(loaded, name=loaded.name)


def of_covariance(loaded: Loaded) -> Spectrum:
    """A covariance matrix, or a vector of variances."""
    from linflow.spectrum import Spectrum

    return Spectrum.from_covariance(loaded, name=loaded.name)


def range_of_words(words: str | None) -> tuple[float, float] | None:
    """``"0:4095"`` as (0.0, 4095.0).

    >>> range_of_words("0:4095"), range_of_words(None)
    ((0.0, 4095.0), None)
    """
    if words is None:
        return None
    try:
        low, high = (float(word) for word in words.split(":"))
    except ValueError:
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise InputError(f"--range takes two numbers, the lower one first, such as 0:4095, got {words[:_SHOWN]!r}")
    return low, high
