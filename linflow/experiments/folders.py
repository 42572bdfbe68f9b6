"""A user's folder of images in an experiment: one word that names it and says how it is read, and the images it stands for.

A cell knows its data by the coordinate of a dimension, which is a word. So the options with which a folder is read stand in
the word, behind the path: ``/data/photographs [--range 0:4095 --recursive]``. They reach every process with it, they are
part of what tells the run from others, and tables show them.
"""

from __future__ import annotations

import re
from pathlib import Path

from linflow.checks import FloatArray, label
from linflow.data import image_folder
from linflow.errors import InputError
from linflow.inputs import Given, range_of_words

#: Options for folders of images, whose size and colours are the experiment's.
READING = ("--recursive", "--frames", "--range")
_WORD = re.compile(r"(?P<path>.*) \[(?P<options>--(recursive|frames|range)\b.*)\]", re.DOTALL)
#: Stands between the words of two folders.
BETWEEN = " / "


def folder_word(folder: Path, given: Given) -> str:
    """The word for a folder that is read as `given` says.

    Raises
    ------
    InputError
        The folder's path reads as such a word itself, or as two.

    Examples
    --------
    >>> folder_word(Path("/data/faces"), Given()), folder_word(Path("/data/faces"), Given(recursive=True))
    ('/data/faces', '/data/faces [--recursive]')
    """
    path = str(folder)
    if BETWEEN in path or _WORD.fullmatch(path):
        raise InputError(f"the path {path!r} reads as that of two folders, or as one with options: rename it")
    words = Given(recursive=given.recursive, frames=given.frames, value_range=given.value_range).words()
    return f"{path} [{' '.join(words)}]" if words else path


def folder_images(word: str, *, size: int, grey: bool = True) -> FloatArray:
    """The images of a folder by its word, as :func:`linflow.data.image_folder` reads them.

    Parameters
    ----------
    word : a path, with the options behind it: what ``folders`` of an experiment is given for ``--data`` and ``--ood``.
    size, grey : as of :func:`linflow.data.image_folder`.

    Returns
    -------
    (images, size * size * (1 or 3)) array, values in [0, 1].

    Raises
    ------
    DataError
        As :func:`linflow.data.image_folder`.
    InputError
        A word with other options.

    Examples
    --------
    >>> folder_images("no-such-folder [--recursive]", size=8)
    Traceback (most recent call last):
        ...
    linflow.errors.DataError: 'no-such-folder' is not a folder: give a folder of images
    """
    found = _WORD.fullmatch(label(word, "word"))
    if found is None:
        return image_folder(word, size=size, grey=grey)
    given = _given(found["options"].split())
    ends = range_of_words(given.value_range)
    return image_folder(
        found["path"], size=size, grey=grey, recursive=given.recursive, frames=given.frames, value_range=ends
    )


def _given(words: list[str]) -> Given:
    """The options of a word."""
    recursive, frames, value_range = False, False, None
    rest = list(words)
    while rest:
        option = rest.pop(0)
        if option == "--recursive":
            recursive = True
        elif option == "--frames":
            frames = True
        elif option == "--range" and rest:
            value_range = rest.pop(0)
        else:
            raise InputError(f"{option!r} is no option of a folder of images: {', '.join(READING)} are")
    return Given(recursive=recursive, frames=frames, value_range=value_range)
