"""What a user's code may leave behind in the process, put back: the standard streams, NumPy's errors, the working folder.

Code with ``sys.stdout.close()``, ``np.seterr(all="raise")`` or ``os.chdir(...)`` is ordinary. Without this the command's
last words would fail, linflow's own numbers would raise errors, and the next cell would be computed in another place and
under another rule than by another worker.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from types import TracebackType

import numpy as np

_STREAMS = {"stdin": 0, "stdout": 1, "stderr": 2}


class undisturbed:  # noqa: N801 - used like a function
    """Around a call of a user's code: what is named above is afterwards what it was.

    Examples
    --------
    >>> before = np.geterr()
    >>> with undisturbed():
    ...     found = np.seterr(all="raise")
    ...     os.chdir("/")
    >>> np.geterr() == before, os.getcwd() == "/"
    (True, False)
    """

    def __init__(self) -> None:
        self.folder = working_folder()
        self.errors = np.geterr()
        self.streams = {name: getattr(sys, name) for name in _STREAMS}

    # No generator: those give a StopIteration of the user's a meaning of their own.
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.put_back()

    def put_back(self) -> None:
        """Whatever the code changed."""
        np.seterr(**self.errors)
        for name, stream in self.streams.items():
            # First the old one: a wrapper of the user's around its buffer closes that when it is dropped.
            setattr(sys, name, stream)
            if stream is not None and stream.closed and stream is getattr(sys, f"__{name}__"):
                setattr(sys, name, _opened_again(stream, name))
        enter(self.folder)


def working_folder() -> Path | None:
    """Where the process is; None in a folder that was deleted, which has no name any more."""
    try:
        return Path.cwd()
    except OSError:
        return None


def enter(folder: Path | None) -> None:
    """Go there, if there is such a folder."""
    if folder is not None:
        with contextlib.suppress(OSError):
            os.chdir(folder)


def _opened_again(stream: object, name: str) -> object:
    """A standard stream that was closed; its number is still open, as Python closes no file of its own start."""
    mode = "r" if name == "stdin" else "w"
    encoding, errors = (getattr(stream, part, None) for part in ("encoding", "errors"))
    try:
        return open(_STREAMS[name], mode, encoding=encoding, errors=errors, closefd=False)
    except OSError:  # that was closed as well
        return open(os.devnull, mode)  # noqa: PTH123
