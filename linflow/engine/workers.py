"""What happens inside a worker process: how it begins, and how a piece of work reaches it."""

from __future__ import annotations

import os
import threading
import time
from functools import lru_cache
from typing import Any

#: Between two looks at whether the coordinator lives.
_SECONDS = 0.25


def start_worker(parent: int) -> None:
    """An interrupt is the coordinator's business, and a worker whose coordinator was killed has nothing more to do."""
    import signal

    # Ctrl-C and a batch queue's signal reach the whole group: the coordinator decides, and then ends its workers.
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_SECONDS)
        os._exit(1)

    if os.getppid() != parent:
        os._exit(1)  # it was killed while this process started
    threading.Thread(target=watch, daemon=True).start()


def call(function: bytes, item: bytes) -> Any:
    """Run by a worker: a pickled function of a pickled item. The function is made once, for all of its items."""
    import cloudpickle

    return _made(function)(cloudpickle.loads(item))


@lru_cache(maxsize=8)
def _made(function: bytes) -> Any:
    import cloudpickle

    return cloudpickle.loads(function)
