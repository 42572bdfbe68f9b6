"""One BLAS thread while work runs: pieces of work are the parallelism, and the number of threads changes the rounding."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_lock = threading.Lock()
_limit: dict[str, Any] = {"users": 0, "limiter": None}


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """One BLAS thread in this process, until the last that asked for it is done.

    Counted, because a Dask worker runs several cells at once in threads, and the setting is the whole process's.
    """
    # SciPy brings a BLAS of its own, which can be limited only once it is loaded.
    import scipy.linalg  # noqa: F401

    with _lock:
        if _limit["users"] == 0:
            _limit["limiter"] = _libraries(len(sys.modules)).limit(limits=1)
        _limit["users"] += 1
    try:
        yield
    finally:
        with _lock:
            _limit["users"] -= 1
            if _limit["users"] == 0:
                _limit["limiter"].restore_original_limits()


@lru_cache(maxsize=1)
def _libraries(modules: int) -> Any:
    """The BLAS and OpenMP libraries of this process; finding them takes milliseconds, so again only after an import."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
