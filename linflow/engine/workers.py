"""What every worker process does first, whoever started it."""

from __future__ import annotations

import os
import threading
import time


def start_worker(parent: int) -> None:
    """An interrupt is the coordinator's business, and a worker whose coordinator was killed has nothing more to do."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if os.getppid() == parent:
        threading.Thread(target=watch, daemon=True).start()
