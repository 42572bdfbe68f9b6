"""A folder of images as rows of pixels: which files count, in which order, and what was done to them, in one sentence."""

from __future__ import annotations

import os
import stat
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linflow.checks import FloatArray, flag, path_of, positive_int
from linflow.data.pictures import IMAGE_SUFFIXES, Picture, range_of, read_picture
from linflow.engine.files import shortened
from linflow.engine.progress import shown
from linflow.errors import DataError

#: From so many files on the reading says how far it is.
_MANY = 500
#: A folder of fewer images is a mistake.
_LEAST = 2
#: Other endings that a sentence lists.
_LISTED = 5


def image_folder(
    folder: str | os.PathLike[str],
    *,
    size: int,
    grey: bool = True,
    recursive: bool = False,
    frames: bool = False,
    value_range: tuple[float, float] | None = None,
) -> FloatArray:
    """Every image of a folder, cropped to its central square and resized.

    Parameters
    ----------
    folder : any folder of images in a common format.
        Hidden files, folders, pipes and devices in it count for nothing, whatever they are called.
    size : side of the result in pixels.
    grey : luminance only; otherwise three channels, interleaved.
    recursive : the images of its subfolders too.
    frames : every frame of an animation, and every page of a stack, is an image. Without it an animation counts with its
        first frame, and a stack of pages is refused.
    value_range : (low, high), the numbers that become 0 and 1, for files that do not declare any.

    Returns
    -------
    (images, size * size * (1 or 3)) array, values in [0, 1] by the range that each file declares, in the order of the file
    names. Pictures are turned as EXIF says, and what is not opaque is laid over white.

    Raises
    ------
    DataError
        The folder does not exist, cannot be read, holds fewer than 2 images, or an image in it is damaged or does not say
        which of its numbers are black and white.

    Examples
    --------
    >>> image_folder("no-such-folder", size=8)
    Traceback (most recent call last):
        ...
    linflow.errors.DataError: 'no-such-folder' is not a folder: give a folder of images
    """
    path, size = path_of(folder, "folder"), positive_int(size, "size")
    return read_folder(path, size=size, grey=grey, recursive=recursive, frames=frames, value_range=value_range).rows


@dataclass(frozen=True)
class Album:
    """The images of a folder: (images, pixels) rows, the shape of each, and what was done, in words."""

    rows: FloatArray
    shape: tuple[int, int, int]
    told: str


def read_folder(
    path: Path,
    *,
    size: int | None,
    grey: bool = True,
    recursive: bool = False,
    frames: bool = False,
    value_range: tuple[float, float] | None = None,
) -> Album:
    """As `image_folder`; `size` None takes the images as they are, all of which must be of one size then."""
    grey, recursive, frames = flag(grey, "grey"), flag(recursive, "recursive"), flag(frames, "frames")
    ends = None if value_range is None else range_of(value_range)
    files = image_files(path, recursive=recursive)
    found = _Found()
    with shown("reading images", unit="files") if len(files) >= _MANY else nullcontext() as report:
        for count, file in enumerate(files, start=1):
            picture = read_picture(file, side=size, grey=grey, frames=frames, value_range=ends)
            found.add(file, _coloured(picture.pixels, grey=grey), picture)
            if report is not None:
                report(count, len(files), "")
    if len(found.rows) < _LEAST:
        raise _too_few(path, len(found.rows), recursive=recursive)
    return found.album(files)


def read_image(
    file: Path, *, size: int | None, grey: bool = True, frames: bool = False, value_range: tuple[float, float] | None = None
) -> Album:
    """One image file, its frames as rows."""
    ends = None if value_range is None else range_of(value_range)
    grey, frames = flag(grey, "grey"), flag(frames, "frames")
    picture = read_picture(file, side=size, grey=grey, frames=frames, value_range=ends)
    found = _Found()
    found.add(file, _coloured(picture.pixels, grey=grey), picture)
    return found.album([file])


def image_files(folder: Path, *, recursive: bool = False) -> list[Path]:
    """The images of a folder in the order of their names; at least 2, or a sentence that says what there is instead."""
    files = [entry for entry in _listing(folder) if _counts(entry)]
    if recursive:
        files = sorted((f for f in _walk(folder) if _counts(f)), key=lambda f: f.relative_to(folder).parts)
    # A single file may be a stack of frames: how many images there are is known when they are read.
    if files:
        return files
    raise _too_few(folder, 0, recursive=recursive)


def _too_few(folder: Path, count: int, *, recursive: bool) -> DataError:
    """What a folder of fewer than `_LEAST` images has instead: files of other endings, images deeper inside."""
    inside = _listing(folder)
    subfolders = [entry for entry in inside if _is_folder(entry)]
    endings = " ".join(IMAGE_SUFFIXES)
    others = sorted({entry.suffix.lower() for entry in inside if entry not in subfolders} - {""} - set(IMAGE_SUFFIXES))
    has = f"; its files end in {' '.join(others[:_LISTED])}" if others else ""
    deeper = 0 if recursive else sum(1 for entry in subfolders for f in _walk(entry) if _counts(f))
    hint = f"; its subfolders hold {deeper}: recursive=True (--recursive) takes those" if deeper else ""
    holds = f"holds {counted(count, 'image')}, at least {_LEAST} are needed (endings: {endings})"
    return DataError(f"the folder {shortened(folder)} {holds}{has}{hint}")


def counted(count: int, what: str) -> str:
    """A number of things.

    >>> counted(1, "grey image"), counted(2, "file")
    ('1 grey image', '2 files')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"


def _listing(folder: Path) -> list[Path]:
    """What lies in a folder and is not hidden, by name."""
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise NotADirectoryError
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"{shortened(folder)} is not a folder: give a folder of images") from None
    except OSError as error:
        raise DataError(f"the folder {shortened(folder)} cannot be read: {error.strerror}") from error


def _walk(folder: Path) -> list[Path]:
    """All files below a folder that are neither hidden nor in a hidden folder."""
    found = []
    for place, names, files in os.walk(folder):
        names[:] = sorted(name for name in names if not name.startswith("."))
        found += [Path(place) / name for name in sorted(files)]
    return found


def _is_folder(entry: Path) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _counts(file: Path) -> bool:
    """Whether a file is to be read as an image; a link to nothing is, and then refused."""
    if file.name.startswith(".") or file.suffix.lower() not in IMAGE_SUFFIXES:
        return False
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return True


def _coloured(pixels: FloatArray, *, grey: bool) -> FloatArray:
    """Three channels where colours are asked for, of a grey picture too."""
    return np.repeat(pixels, 3, axis=-1) if not grey and pixels.shape[-1] == 1 else pixels


class _Found:
    """Rows as they come, and the counts that the sentence gives."""

    def __init__(self) -> None:
        self.rows: list[FloatArray] = []
        self.shape: tuple[int, ...] | None = None
        self.kinds: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.used: list[float] = []

    def add(self, file: Path, pixels: FloatArray, picture: Picture) -> None:
        """One file's frames."""
        shape = pixels.shape[1:]
        self.shape = self.shape or shape
        if shape != self.shape:
            sides = " and ".join(f"{width} x {height}" for height, width, _ in (self.shape, shape))
            raise DataError(f"images of different sizes ({sides} at {shortened(file)}): give a size (--size)")
        self.rows += list(pixels.reshape(len(pixels), -1))
        self.kinds[f"{picture.kind} from {picture.low:g}..{picture.high:g}"] += 1
        self.notes.update(picture.notes)
        self.used += picture.used

    def album(self, files: list[Path]) -> Album:
        """All of them as one array."""
        height, width, channels = self.shape or (0, 0, 0)
        colour = "grey" if channels == 1 else "colour"
        parts = [f"{counted(len(self.rows), f'{colour} image')} of {width} x {height}"]
        if len(self.rows) != len(files):
            parts.append(f"frames of {counted(len(files), 'file')}")
        parts += [f"{kind}" if len(self.kinds) == 1 else f"{count} {kind}" for kind, count in self.kinds.items()]
        parts.append(f"values used {min(self.used):g}..{max(self.used):g}")
        parts += [f"{count} {note}" for note, count in self.notes.items()]
        return Album(np.stack(self.rows), (height, width, channels), ", ".join(parts))
