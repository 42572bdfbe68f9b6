"""Where linflow's own folders lie; results on disk: folders checked at once, files written whole, records one by one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from linflow.errors import OutputError


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


def prepare_folder(folder: Path) -> None:
    """Create `folder` and make sure that it can be written, before any work is done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(f"cannot write to {str(folder)!r} ({why}): choose another folder with --out") from error


class JsonLines:
    """Records in a file, one JSON line each, synced to disk as they come.

    Each carries a digest of itself: a line that was torn by a killed writer, or damaged since, is not read. (The digest
    guards against accidents; whoever forges a line can forge it too.)

    Parameters
    ----------
    path : created if it does not exist; None keeps nothing.

    Raises
    ------
    OutputError
        The file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self.rows: list[Any] = []
        self._file: Any = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                self._read(path)
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {str(path)!r}: {error.strerror}; choose another folder with --out") from error

    def _read(self, path: Path) -> None:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
                sealed = json.loads(line)
                if sealed["seal"] == _seal(sealed["record"]):
                    self.rows.append(sealed["record"])

    def add(self, row: dict[str, Any]) -> None:
        """Append a record."""
        if self._file is None:
            return
        # A torn last line must not swallow this one: each record starts on a line of its own.
        record = json.loads(json.dumps(row))
        self._file.write("\n" + json.dumps({"seal": _seal(record), "record": record}))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()


def _seal(record: Any) -> str:
    """Digest of a record as JSON writes it."""
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    temporary: Path | None = None
    try:
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise OutputError(f"cannot write {str(path)!r} ({error.strerror}): choose another folder with --out") from error
