"""Commands in processes of their own: who is left of them, how they are started, and what their stores hold."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.common import ROOT

#: Seconds that any command of the campaign may take.
PATIENCE = 180.0


def children(parent: int) -> list[int]:
    """Processes whose parent is `parent`, and theirs."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found += [int(entry.name), *children(int(entry.name))]
    return found


def alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def workers(parent: int) -> list[int]:
    """Those of the children that compute: loky's watch over the others' memory is none."""
    found = []
    for pid in children(parent):
        try:
            words = (Path("/proc") / str(pid) / "cmdline").read_bytes()
        except OSError:
            continue
        if b"tracker" not in words:
            found.append(pid)
    return found


def left_over(pids: Sequence[int], seconds: float = 2.0) -> list[int]:
    """Those of the processes that are still there after so many seconds."""
    limit = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < limit:
        time.sleep(0.02)
    return [pid for pid in pids if alive(pid)]


def start(words: Sequence[str], cache: Path, **streams: object) -> subprocess.Popen[str]:
    """A command of this checkout in a process, with the handling of interrupts that a terminal gives it."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "LINFLOW_CACHE": str(cache)}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [sys.executable, "-m", "linflow", *words], cwd=ROOT, env=environment, text=True, **options
        )
    finally:
        signal.signal(signal.SIGINT, before)


def run(words: Sequence[str], cache: Path) -> subprocess.CompletedProcess[str]:
    """The same, to its end."""
    process = start(words, cache)
    out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(list(words), process.returncode, out, err)


def records(store: Path) -> dict[tuple[str, str], tuple[object, ...]]:
    """Every record of a store that another process may be writing, or has left in the middle of it."""
    try:
        connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    except sqlite3.Error:
        return {}
    try:
        return {(run, key): tuple(rest) for run, key, *rest in connection.execute("SELECT * FROM records")}
    except sqlite3.Error:
        return {}
    finally:
        connection.close()


def until(ready: object, process: subprocess.Popen[str], seconds: float = 60.0) -> bool:
    """Wait until `ready()` is true; False if the process ends first, or time is up."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if ready():  # type: ignore[operator]
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.01)
    return False
