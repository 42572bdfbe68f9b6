"""The engine: what a second worker brings, and what a cell costs beyond its work, against joblib and Dask themselves.

The goals: a second worker brings 1.85 times the work at least; a cell costs 2 ms at most, and one of 0.1 s 5 % at most.

Always by the clock on the wall: what a pool costs is waiting. Workers are started before anything is timed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from linflow.bench.contest import Contest, Reading, Side, Work, entrywise
from linflow.bench.effort import Effort
from linflow.checks import available_cores
from linflow.engine.pool import LokyEngine

#: Iterations of a loop that no library shortens: about a tenth of a second.
_SPINS = 2_000_000


def contests(effort: Effort) -> Iterator[Contest]:
    """One worker against two, cells of about 0.1 s; and empty cells, whose time is all overhead."""
    if available_cores() < 2:
        return
    cells = effort.pick(quick=8, usual=40, long=200)
    yield Contest(
        row="engine",
        size=f"{cells} cells of about 0.1 s, two workers",
        ours=Side("linflow, two workers", partial(_engine, 2, spin, cells)),
        rivals=(
            Side("linflow, one worker", partial(_engine, 1, spin, cells), goal=1.85),
            Side("joblib's loky, two workers", partial(_joblib, spin, cells)),
            Side("Dask, two workers", partial(_dask, spin, cells), needs=("distributed",)),
        ),
        far=entrywise,
        waits=True,
    )
    empty = effort.pick(quick=200, usual=1000, long=1000)
    yield Contest(
        row="engine",
        size=f"an empty cell, of {empty}",
        ours=Side("linflow, two workers", partial(_engine, 2, nothing, empty), share=float(empty)),
        rivals=(
            Side("joblib's loky, two workers", partial(_joblib, nothing, empty), share=float(empty)),
            Side("Dask, two workers", partial(_dask, nothing, empty), share=float(empty), needs=("distributed",)),
        ),
        far=entrywise,
        waits=True,
    )


def overhead(effort: Effort) -> Iterator[Reading]:
    """What a cell of 0.1 s costs beyond it: cells that sleep, which no other work on the machine slows down."""
    cells = effort.pick(quick=8, usual=40, long=200)
    work = _engine(1, rest, cells)
    try:
        work.run()
        start = time.perf_counter()
        work.run()
        each = (time.perf_counter() - start) / cells
    finally:
        work.close()
    yield Reading(
        row="engine",
        size=f"{cells} cells that sleep 0.1 s, one worker",
        unit="% overhead",
        ours=100 * (each / 0.1 - 1),
        rounds=1,
        note="goal: 5 % at most",
    )


def spin(number: int) -> int:
    """Work of Python alone: a number that takes a tenth of a second to find."""
    for _ in range(_SPINS):
        number = (1103515245 * number + 12345) % 2147483648
    return number


def nothing(number: int) -> int:
    """No work."""
    return number


def rest(number: int) -> int:
    """A tenth of a second of no work."""
    time.sleep(0.1)
    return number


def _engine(workers: int, function: Any, cells: int) -> Work:
    engine = LokyEngine(workers)
    engine.__enter__()
    return Work(
        lambda: [result for _, result in sorted(engine.map(function, range(1, cells + 1)))],
        close=lambda: engine.__exit__(None, None, None),
    )


def _joblib(function: Any, cells: int) -> Work:
    from joblib import Parallel, delayed

    return Work(lambda: Parallel(n_jobs=2)(delayed(function)(i) for i in range(1, cells + 1)))


def _dask(function: Any, cells: int) -> Work:
    from importlib import import_module

    distributed: Any = import_module("distributed")
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    client = distributed.Client(cluster, set_as_default=False)

    def close() -> None:
        client.close()
        cluster.close()

    return Work(lambda: client.gather(client.map(function, range(1, cells + 1), pure=False)), close=close)
