"""A Dask scheduler and its workers, each a process, as the README starts them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.common import ROOT


@dataclass(frozen=True)
class Cluster:
    """Where the scheduler listens, and the processes: the scheduler first."""

    address: str
    processes: list[subprocess.Popen[bytes]]


@contextlib.contextmanager
def cluster(folder: Path, *, workers: int = 2) -> Iterator[Cluster]:
    """Start one, whose files lie in `folder`, and end it."""
    folder.mkdir(parents=True, exist_ok=True)
    contact = folder / "scheduler.json"
    # A task is given up at its worker's first death, so that nobody waits for four; workers import this checkout.
    environment = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0", "PYTHONPATH": str(ROOT)}
    commands = [
        ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(contact)],
        *[["worker", "--scheduler-file", str(contact), "--nthreads", "1", "--no-dashboard"]] * workers,
    ]
    processes: list[subprocess.Popen[bytes]] = []
    with (folder / "log").open("w") as log:
        try:
            for command in commands:
                words = [sys.executable, "-m", "dask", *command]
                processes.append(subprocess.Popen(words, stdout=log, stderr=log, cwd=folder, env=environment))
            limit = time.monotonic() + 60
            while not contact.exists() or not contact.read_text().strip():
                if time.monotonic() > limit:
                    raise RuntimeError((folder / "log").read_text())
                time.sleep(0.05)
            yield Cluster(str(json.loads(contact.read_text())["address"]), processes)
        finally:
            for process in reversed(processes):
                process.terminate()
            for process in processes:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:  # a worker that waits for a scheduler that was killed
                    process.kill()
                    process.wait(10)
