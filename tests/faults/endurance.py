"""A great many tiny cells in one run, killed once in mid-way: memory stays flat, nothing is lost, nothing is done twice.

    python -m tests.faults.endurance [--count N] [--seed S] [--long]

What a run may keep of a cell is its numbers: arrays that are made before the first cell and filled as the results come. So
no process may grow while it works, from a fifth of its cells to the last, by more than those arrays (all of their pages may
be touched late) and a fixed amount: SQLite's cache of pages (2 MB), what is imported on first use, and the allocator's
holes. It does not depend on the number of cells, so that the more there are, the less can hide in it: of 10^6 cells, 8
bytes each.
"""

from __future__ import annotations

import contextlib
import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.common import Row, run_part, sentences
from tests.faults.processes import alive, left_over, start, workers

SHORT, LONG = 2000, 1_000_000
_MEANS = "every cell stored once, none computed twice, the same bytes again; memory flat; nobody left after 2 s"
#: Bytes that a process may grow by whatever it does, and bytes of the results of one cell: two float64 and a status.
_FIXED, _A_CELL = 8 * 2**20, 17
#: Growth is counted from this share of the cells that a process works on.
_WARM = 0.2
#: A look at the store takes about this share of the time.
_SHARE = 0.1

_EXPERIMENT = """
from linflow.experiments import Experiment, Variable


def cell(params, rng):
    return {{"u": rng.random(), "v": rng.standard_normal()}}


EXPERIMENT = Experiment(
    name="tiny",
    title="Tiny cells",
    cell=cell,
    grid={{"i": range({points})}},
    blocks={blocks},
    variables={{"u": Variable("u"), "v": Variable("v")}},
)
"""


@dataclass
class Endured:
    """What was found, and what was measured on the way."""

    faults: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)


def play(count: int, rng: random.Random) -> list[Row]:
    """One run of `count` cells."""
    return [Row("tiny cells in one run, killed once", count, tuple(endured(count, rng).faults), _MEANS)]


def endured(count: int, rng: random.Random, *, processes: int = 2) -> Endured:
    """Play it, with so many workers."""
    found = Endured()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        points = math.gcd(count, 100)
        file = folder / "tiny.py"
        file.write_text(_EXPERIMENT.format(points=points, blocks=count // points), encoding="utf-8")
        out, store = folder / "out", folder / "out" / "tiny.sqlite"
        words = ["run", str(file), "--out", str(out), "--workers", str(processes)]

        killed = round(rng.uniform(0.4, 0.6) * count)
        with _started(words, folder) as first:
            seen = Watch(store, range(killed)).follow(first, "the first start", found)
            family = workers(first.pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(first.pid, signal.SIGKILL)
            first.wait()
            if orphans := left_over(family):
                found.faults.append(f"{len(orphans)} processes are left")
        before = seals(store)
        if len(before) < seen or seen < killed:
            found.faults.append(f"{len(before)} cells are stored, {seen} were before kill -9, to come after {killed}")

        with _started(words, folder) as second:
            Watch(store, range(len(before), count)).follow(second, "after kill -9", found)
            begun = time.monotonic()
            _finish(second, folder, found)
            found.measured.append(f"table, NetCDF, CSV: {time.monotonic() - begun:.1f} s")
        after = seals(store)
        if len(after) != count:
            found.faults.append(f"{len(after)} of {count} cells are stored")
        if twice := sum(after.get(key) != seal for key, seal in before.items()):
            found.faults.append(f"{twice} of {len(before)} stored cells were computed again")

        answers = _answers(out)
        begun = time.monotonic()
        with _started(words, folder) as third:
            _finish(third, folder, found)
        found.measured.append(f"a complete run again: {time.monotonic() - begun:.1f} s")
        if seals(store) != after:
            found.faults.append("a complete run computes cells again")
        if _answers(out) != answers:
            found.faults.append("a complete run gives other bytes")
    return found


def seals(store: Path) -> dict[str, bytes]:
    """Key and seal of every stored cell: the seal holds its numbers, and how long it took."""
    return dict(_asked(store, "SELECT key, seal FROM records"))


def growth(sizes: Sequence[tuple[float, int]]) -> int:
    """Bytes that a process grew by after it was warm: of (share of its cells, bytes) in their order.

    >>> growth([(0.0, 10), (0.1, 50), (0.3, 60), (0.6, 90), (0.9, 80)]), growth([(0.1, 50)])
    (30, 0)
    """
    warm = [size for share, size in sizes if share >= _WARM]
    return max(warm) - warm[0] if warm else 0


class Watch:
    """A run's processes and its store, seen from outside while it works on some of its cells."""

    def __init__(self, store: Path, cells: range, rest: Callable[[float], None] = time.sleep) -> None:
        self.store, self.cells, self.rest = store, cells, rest
        #: process -> (share of the cells, bytes), in the order of time.
        self.sizes: dict[int, list[tuple[float, int]]] = {}

    def follow(self, process: subprocess.Popen[str], what: str, found: Endured) -> int:
        """Until all of the cells are stored, or the process has ended; how many are stored."""
        begun, first = time.monotonic(), 0.0
        done, cost = self.cells.start, 0.0
        while process.poll() is None and done < self.cells.stop:
            self.rest(max(0.02, cost / _SHARE))
            # Sizes first: what a process takes after its last cell is not that of its cells.
            sizes = {pid: size for pid in (process.pid, *workers(process.pid)) if (size := _resident(pid))}
            asked = time.monotonic()
            done = max((number for (number,) in _asked(self.store, "SELECT COUNT(*) FROM records")), default=0)
            cost = time.monotonic() - asked
            first = first or (asked - begun if done > self.cells.start else 0.0)
            share = (done - self.cells.start) / len(self.cells)
            if share < 1.0:
                for pid, size in sizes.items():
                    self.sizes.setdefault(pid, []).append((share, size))
        took = time.monotonic() - begun
        rate = (done - self.cells.start) / max(took - first, 1e-3)
        found.measured.append(f"{what}: first new cell after {first:.1f} s, then {rate:.0f} cells/s")
        allowed = _FIXED + _A_CELL * len(self.cells)
        for pid, sizes_of in self.sizes.items():
            who = "coordinator" if pid == process.pid else "worker"
            grown, largest = growth(sizes_of), max(size for _, size in sizes_of)
            found.measured.append(f"{what}: {who} has up to {largest / 2**20:.0f} MB, grown by {grown / 2**20:.1f} MB")
            if grown > allowed:
                found.faults.append(f"{what}: the {who} grew by {grown / 2**20:.1f} MB, allowed {allowed / 2**20:.1f}")
        return done


@contextlib.contextmanager
def _started(words: Sequence[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, whose progress goes to a file: nobody reads a pipe while it is watched."""
    with (folder / "log").open("w", encoding="utf-8") as log:
        process = start(words, folder / "cache", stdout=subprocess.DEVNULL, stderr=log)
        try:
            yield process
        finally:
            if alive(process.pid):
                process.kill()
                process.wait()


def _finish(process: subprocess.Popen[str], folder: Path, found: Endured) -> None:
    status = process.wait()
    said = sentences((folder / "log").read_text(encoding="utf-8"))
    if status or said:
        found.faults.append(f"status {status}: {said!r}")


def _answers(out: Path) -> list[bytes]:
    return [path.read_bytes() for name in ("tiny.csv", "tiny.nc", "tiny.md") if (path := out / name).exists()]


def _resident(pid: int) -> int:
    """Bytes of memory that a process has; 0 if there is none."""
    try:
        status = (Path("/proc") / str(pid) / "status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)


def _asked(store: Path, question: str) -> list[Any]:
    """Rows of a store that another process may be writing; none while there is no such table."""
    try:
        with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return connection.execute(question).fetchall()
    except sqlite3.Error:
        return []


def _told(count: int, rng: random.Random) -> list[Row]:
    found = endured(count, rng, processes=1 if count >= LONG else 2)
    print(*found.measured, sep="\n")
    return [Row("tiny cells in one run, killed once", count, tuple(found.faults), _MEANS)]


if __name__ == "__main__":
    sys.exit(run_part(_told, SHORT, LONG, __doc__ or ""))
