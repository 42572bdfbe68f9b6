"""Where linflow's own folders lie; results on disk: folders checked at once, files written whole."""

from __future__ import annotations

import contextlib
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from linflow.errors import DataError, OutputError

#: Paths longer than the first are cut to the second where a sentence names them.
_LONGEST, _FIRST = 400, 80


def shipped_folder(name: str) -> Path | None:
    """Folder of the source tree that wheels carry too ("simulations", "proofs"); None if it is in neither place.

    >>> shipped_folder("simulations").name.endswith("simulations")
    True
    """
    package = Path(__file__).resolve().parent.parent
    # A wheel carries the folder inside the package; in a source tree it lies beside it.
    inside, beside = package / f"_{name}", package.parent / name
    if inside.is_dir():
        return inside
    return beside if beside.is_dir() and (package.parent / "pyproject.toml").is_file() else None


def regular_file(path: Path, what: str) -> None:
    """Raise DataError unless `path` is a file that can be read to its end: a pipe or a device may have none.

    >>> regular_file(Path("."), "claims file")
    Traceback (most recent call last):
        ...
    linflow.errors.DataError: the claims file '.' is a folder: give a file
    """
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        raise DataError(f"the {what} {shortened(path)} does not exist") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"the {what} {shortened(path)} cannot be read: {why}") from error
    if stat.S_ISDIR(kind):
        raise DataError(f"the {what} {shortened(path)} is a folder: give a file")
    if not stat.S_ISREG(kind):
        raise DataError(f"the {what} {shortened(path)} is a pipe or a device: give a file")


def shortened(path: Path | str) -> str:
    """A path as sentences name it.

    >>> shortened("a" * 5000) == repr("a" * 80 + "...")
    True
    """
    text = str(path)
    return repr(text if len(text) <= _LONGEST else f"{text[:_FIRST]}...")


def prepare_folder(folder: Path) -> None:
    """Create `folder` and make sure that it can be written, before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"cannot write to {shortened(folder)} ({why}): choose another folder with --out") from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    write_pieces(path, (content,))


def write_pieces(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file whole or not at all, piece after piece, so that all of it is never in memory."""
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            temporary = Path(file.name)
            file.writelines(pieces)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        if not isinstance(error, OSError):
            raise
        why = error.strerror or error
        raise OutputError(f"cannot write {shortened(path)} ({why}): choose another folder with --out") from error
