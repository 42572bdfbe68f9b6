"""Small disks of one's own, where this process may mount: full ones, and such as cannot be written."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_BLOCK = 4096


@cache
def may_mount() -> bool:
    """Whether this process may mount a file system: mostly, whether it is root's."""
    with tempfile.TemporaryDirectory() as name:
        try:
            with mounted(Path(name) / "disk", 2**20):
                return True
        except OSError:
            return False


@contextlib.contextmanager
def mounted(folder: Path, size: int) -> Iterator[Path]:
    """A disk of so many bytes in `folder`, which is made; OSError if that is not allowed."""
    folder.mkdir()
    _said(["mount", "-t", "tmpfs", "-o", f"size={size}", "linflow", str(folder)])
    try:
        yield folder
    finally:
        # What still has a file open there keeps it, and it goes with the last of them.
        _said(["umount", "-l", str(folder)])


def filled(folder: Path, left: int) -> Path:
    """Fill the disk until `left` bytes are free (in whole blocks); the file that does it.

    Raises
    ------
    RuntimeError
        The disk takes more than it should: it is none, or somebody else wrote to it.
    """
    free = shutil.disk_usage(folder).free - left // _BLOCK * _BLOCK
    ballast = folder / "ballast"
    ballast.write_bytes(b"x" * max(free, 0))
    with contextlib.suppress(OSError), (folder / "probe").open("wb") as probe:
        probe.write(b"x" * (left + _BLOCK))
        probe.flush()
        raise RuntimeError(f"{folder} is not full")
    (folder / "probe").unlink(missing_ok=True)
    return ballast


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A mounted disk that cannot be written inside the block."""
    _said(["mount", "-o", "remount,ro", str(folder)])
    try:
        yield
    finally:
        _said(["mount", "-o", "remount,rw", str(folder)])


def _said(command: list[str]) -> None:
    """Run a command; OSError with its words if it fails, or is not there."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(done.stderr.strip())
