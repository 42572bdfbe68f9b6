"""The compiled twin of :mod:`linflow.risk.lanes`: how it is built, where it lies, and whether it is the one of this source.

``lanes.c`` is compiled where linflow is installed (``hatch_build.py``; ``python linflow/risk/native.py`` after an edit) by
the C compiler found there. Without one nothing is missing but speed: the functions of numpy return the same bits. Plain C
behind `ctypes` rather than an extension module: it needs no headers of Python, fits every version of it, and lets other
threads run. Rather than a just-in-time compiler, too: that would bring 50 MB of dependencies, seconds of compilation to
every new environment and its import to every start, and multiply-adds contracted as the processor has them.

The name of the binary, and a symbol inside, hold a digest of the source and of the flags: one that was compiled from
another text is not loaded. This module knows the standard library alone, because the build runs it by itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import sysconfig
from functools import cache
from pathlib import Path

#: What is compiled.
SOURCE = Path(__file__).with_name("lanes.c")
#: IEEE arithmetic as it is written, for any processor of this kind.
_FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-shared", "-ffp-contract=off", "-fno-math-errno")
#: Tried in this order: with code for wider vectors, chosen when it is loaded, where compiler and system know how to choose.
VARIANTS = (("-DLINFLOW_CLONES",), ())
_DIGEST_SYMBOL = "linflow_lanes_digest"
_SIZE, _ADDRESS = ctypes.c_size_t, ctypes.c_void_p


def digest(source: bytes | None = None) -> str:
    """Of the source of the binary and of how it is compiled.

    >>> digest(b"int x;") == digest(b"int x;") != digest(b"int y;")
    True
    """
    text = SOURCE.read_bytes() if source is None else source
    return hashlib.sha256(repr((text, _FLAGS, VARIANTS)).encode()).hexdigest()[:16]


def binary(folder: Path) -> Path:
    """Where the binary of this source, for this kind of machine, lies in a folder.

    >>> binary(Path("x")).name.startswith(f"_lanes_{digest()}_")
    True
    """
    return folder / f"_lanes_{digest()}_{machine()}.so"


def machine() -> str:
    """The kind of this machine, as the tag of a wheel has it."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def build(folder: Path) -> Path | None:
    """Compile the source into a folder; None where that cannot be done.

    Binaries of other sources are removed from there.
    """
    wanted = binary(folder)
    made = wanted.with_name(f"{wanted.name}.{os.getpid()}")
    try:
        for variant in VARIANTS:
            defined = f'-DLINFLOW_DIGEST="{digest()}"'
            command = [*_compiler(), *_FLAGS, *variant, defined, str(SOURCE), "-o", str(made), "-lm"]
            try:
                done = subprocess.run(command, capture_output=True, check=False, timeout=300, stdin=subprocess.DEVNULL)
            except (OSError, ValueError, subprocess.SubprocessError):
                return None
            if done.returncode == 0 and opened(made) is not None:
                for stale in set(folder.glob("_lanes_*.so")) - {wanted}:
                    stale.unlink(missing_ok=True)
                made.replace(wanted)
                return wanted
        return None
    except (OSError, ValueError):  # a folder that cannot be written, a CC that is no command
        return None
    finally:
        with contextlib.suppress(OSError):
            made.unlink(missing_ok=True)


@cache
def library() -> ctypes.CDLL | None:
    """The compiled functions, if they were built from this very source."""
    return opened(binary(SOURCE.parent))


def in_use() -> str:
    """What the short curves are computed by, for people: "compiled" or "numpy"."""
    return "numpy" if library() is None else "compiled"


def _compiler() -> list[str]:
    """The C compiler of the environment, else that of Python, else one that is found."""
    named = os.environ.get("CC") or ""
    if named:
        return shlex.split(named)
    built_with = shlex.split(sysconfig.get_config_var("CC") or "")[:1]
    return next(([name] for name in (*built_with, "cc", "gcc", "clang") if shutil.which(name)), ["cc"])


def opened(path: Path) -> ctypes.CDLL | None:
    """The library at a path, with the types of its functions; None if there is none, or one of another source."""
    if not path.is_file():
        return None
    try:
        found = ctypes.CDLL(str(path.resolve()))
        known = (ctypes.c_char * 17).in_dll(found, _DIGEST_SYMBOL).value.decode("ascii", "replace")
        if known != digest():
            return None
        found.linflow_tails.argtypes = [*[_SIZE] * 3, *[_ADDRESS] * 7, _SIZE, _ADDRESS]
        found.linflow_tails.restype = None
    except (OSError, AttributeError, ValueError):  # of another system, or without these symbols
        return None
    return found


if __name__ == "__main__":
    made = build(SOURCE.parent)
    print(made or "no C compiler was found that compiles lanes.c: numpy computes the same, slower")
