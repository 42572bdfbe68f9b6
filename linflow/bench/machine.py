"""The machine of a run, in one line: without it no number of a benchmark means anything."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from linflow.checks import available_cores
from linflow.risk.native import in_use

_LIBRARIES = ("linflow", "numpy", "scipy", "scikit-learn", "torch")


def machine() -> str:
    """Processor, cores, what small error curves are computed by, the BLAS and its kernels, versions.

    >>> "cores" in machine() and "numpy" in machine()
    True
    """
    versions = [f"python {platform.python_version()}", *(f"{name} {of}" for name in _LIBRARIES if (of := _version(name)))]
    return ", ".join([processor(), f"{available_cores()} cores", f"lanes {in_use()}", *_blas(), *versions])


def processor() -> str:
    """The name of the processor, as far as the system tells it."""
    told = Path("/proc/cpuinfo")
    if told.is_file():
        for line in told.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return " ".join(value.split())
    return platform.processor() or platform.machine() or "unknown processor"


def _blas() -> list[str]:
    """Each BLAS that is loaded, with the kernels that it chose and its threads."""
    import numpy  # noqa: F401 - loads one
    import scipy.linalg  # noqa: F401 - may load another
    from threadpoolctl import threadpool_info

    found = {
        f"{info['internal_api']} {info['version']} ({info.get('architecture', '?')}, {info['num_threads']} threads)"
        for info in threadpool_info()
        if info["user_api"] == "blas"
    }
    return sorted(found)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
