"""Engines: who computes the cells. All of them give the same results, in whatever order they come.

A function given to an engine must return its own failures: what an engine adds is to survive the death of a worker. A
task that takes its worker down again and again is handed back as :class:`Lost`, and the others go on.
"""

from __future__ import annotations

import importlib
import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from linflow.checks import available_cores, positive_int
from linflow.engine.workers import start_worker
from linflow.errors import InputError, OutputError

T = TypeVar("T")
R = TypeVar("R")

#: After so many deaths of workers around it, a task is run alone: only then is it known which one is the killer.
_STRIKES = 2
#: So many tasks lost with not one finished: the workers are at fault, and not the tasks.
_HOPELESS = 5
#: A Dask task costs 3-5 ms of overhead, so it should compute for at least this long.
_TASK_SECONDS = 0.1
_LARGEST_BATCH = 1000
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


@dataclass(frozen=True)
class Lost:
    """In the place of a result: the task killed every worker that tried it."""

    reason: str


class Engine(Protocol):
    """Anything that maps a function over items."""

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R | Lost]]:
        """(index, result) of every item, each index once, as they finish."""
        ...


class SerialEngine:
    """In this process, one after another.

    >>> list(SerialEngine().map(abs, [-1, 2]))
    [(0, 1), (1, 2)]
    """

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R | Lost]]:
        """See :class:`Engine`."""
        for index, item in enumerate(items):
            yield index, function(item)


class LokyEngine:
    """Processes of this machine (joblib's loky), with one BLAS thread each.

    Parameters
    ----------
    workers : processes; default all cores that this process may use.

    Raises
    ------
    OutputError
        While mapping: every worker dies at once, whatever it is given.

    Examples
    --------
    >>> sorted(LokyEngine(2).map(abs, [-1, 2]))
    [(0, 1), (1, 2)]
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = available_cores() if workers is None else positive_int(workers, "workers")

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R | Lost]]:
        """See :class:`Engine`."""
        todo = deque(range(len(items)))
        strikes = dict.fromkeys(todo, 0)
        finished = lost = 0
        while todo:
            suspects = [index for index in todo if strikes[index] >= _STRIKES]
            # A suspect is run alone, so that its death, if it comes, is its own.
            chosen, workers = (deque(suspects[:1]), 1) if suspects else (todo, min(self.workers, len(todo)))
            if suspects:
                todo.remove(suspects[0])
            for index, result in _in_pool(function, items, chosen, workers):
                if not isinstance(result, Lost):
                    finished += 1
                    yield index, result
                elif suspects:
                    lost += 1
                    yield index, result
                else:
                    strikes[index] += 1
                    todo.append(index)
            if lost >= _HOPELESS and finished == 0:
                raise OutputError(
                    f"worker processes die at once ({lost} cells so far, out of memory?): run with --workers 1"
                )


def _in_pool(
    function: Callable[[T], R], items: Sequence[T], todo: deque[int], workers: int
) -> Iterator[tuple[int, R | Lost]]:
    """Results until `todo` is empty or a worker died; in that case the tasks in flight come out as Lost."""
    from joblib.externals.loky import ProcessPoolExecutor
    from joblib.externals.loky.process_executor import BrokenProcessPool

    pool = ProcessPoolExecutor(
        max_workers=workers,
        env=dict.fromkeys(_THREAD_VARIABLES, "1"),
        initializer=start_worker,
        initargs=(os.getpid(),),
    )
    flying: dict[Future[Any], int] = {}
    broken = False
    try:
        while flying or (todo and not broken):
            try:
                while todo and not broken and len(flying) < 2 * workers:
                    # Taken off only once it is accepted: a broken pool refuses it.
                    flying[pool.submit(function, items[todo[0]])] = todo[0]
                    todo.popleft()
            except BrokenProcessPool:
                broken = True
            done = wait(flying, return_when=FIRST_COMPLETED).done if flying else set()
            for future in done:
                index = flying.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    broken = True
                    yield index, Lost("the worker process was killed (out of memory?) each time it computed this cell")
                else:
                    yield index, result
    finally:
        # Also on an interrupt, and where the caller stops listening: nothing is left running.
        pool.shutdown(wait=True, kill_workers=True)


class DaskEngine:
    """The workers of a running Dask scheduler, on any number of machines.

    Parameters
    ----------
    address : of the scheduler, ``tcp://host:port``.
    timeout : seconds to wait for the scheduler, and for its first worker.

    Raises
    ------
    InputError
        The extra ``dist`` is not installed.
    OutputError
        The scheduler cannot be reached, has no workers, or goes away.
    """

    def __init__(self, address: str, *, timeout: float = 20.0) -> None:
        self.address, self.timeout = address, timeout

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[tuple[int, R | Lost]]:
        """See :class:`Engine`; short tasks travel in batches, and a bounded number at a time."""
        distributed = _distributed()
        with self._client(distributed) as client:
            yield from self._results(distributed, client, function, items)

    def _client(self, distributed: Any) -> Any:
        try:
            client = distributed.Client(self.address, timeout=self.timeout, set_as_default=False)
        except ValueError as error:
            raise InputError(f"{self.address!r} is no address of a scheduler ({error}): give tcp://host:port") from error
        except (OSError, TimeoutError) as error:
            raise OutputError(
                f"no Dask scheduler answers at {self.address!r} within {self.timeout:g} s: start one with 'dask scheduler'"
            ) from error
        try:
            client.wait_for_workers(1, timeout=self.timeout)
        except TimeoutError as error:
            client.close()
            raise OutputError(
                f"the Dask scheduler at {self.address!r} has no workers: start one with 'dask worker {self.address}'"
            ) from error
        return client

    def _results(
        self, distributed: Any, client: Any, function: Callable[[T], R], items: Sequence[T]
    ) -> Iterator[tuple[int, R | Lost]]:
        todo, suspects = deque((index, 0) for index in range(len(items))), deque[tuple[int, int]]()
        flying: dict[Any, list[tuple[int, int]]] = {}
        arriving = distributed.as_completed(loop=client.loop)
        seconds, count = 0.0, 0

        def submit(batch: list[tuple[int, int]]) -> None:
            future = client.submit(_batch, function, [items[index] for index, _ in batch], pure=False)
            flying[future] = batch
            arriving.add(future)

        while todo or suspects or flying:
            # Asked each time, for workers may join and leave while the run goes on.
            threads = max(1, sum(client.nthreads().values()))
            while todo and len(flying) < 2 * threads:
                batch = [todo.popleft()]
                share = min(_LARGEST_BATCH, math.ceil(len(todo) / (2 * threads)))
                size = min(share, int(_TASK_SECONDS * count / seconds) + 1 if seconds else 1)
                # A cell that has lost a worker travels without others.
                while batch[0][1] == 0 and todo and len(batch) < size and todo[0][1] == 0:
                    batch.append(todo.popleft())
                submit(batch)
            if not flying:
                # All that was queued on a dead worker is suspected by Dask; alone on the cluster, a death is one's own.
                submit([suspects.popleft()])
            future = next(arriving)
            batch = flying.pop(future)
            try:
                results, took = future.result()
            except distributed.scheduler.KilledWorker:
                for index, strikes in batch:
                    if strikes >= _STRIKES:
                        yield index, Lost("every Dask worker that computed this cell died (out of memory?)")
                    elif strikes + 1 >= _STRIKES:
                        suspects.append((index, strikes + 1))
                    else:
                        todo.append((index, strikes + 1))
                continue
            except (distributed.CancelledError, OSError, TimeoutError) as error:
                raise OutputError(
                    f"the Dask scheduler at {self.address!r} went away: start it again, and the same command continues"
                ) from error
            except ImportError as error:
                raise OutputError(
                    f"the Dask workers at {self.address!r} cannot load linflow ({error}): install the same version there"
                ) from error
            seconds, count = seconds + took, count + len(batch)
            for (index, _), result in zip(batch, results, strict=True):
                yield index, result


def _batch(function: Callable[[T], R], items: list[T]) -> tuple[list[R], float]:
    """Run by a Dask worker: several items, and how long they took."""
    start = time.perf_counter()
    return [function(item) for item in items], time.perf_counter() - start


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise InputError("a scheduler needs the extra 'dist': pip install 'linflow[dist]'") from error
