"""Where linflow's own folders lie; results on disk: folders checked at once, files written whole."""

from __future__ import annotations

import tempfile
from pathlib import Path

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
