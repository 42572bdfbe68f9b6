"""Engines: who does the work. All of them give the same results, in whatever order they come.

Work is a function and a source of tasks. The function must return its own failures: what an engine adds is to survive the
death of a worker. A task that takes its worker down again and again is handed back as :class:`Lost`, and the others go on.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from linflow.arrays import NoArray
from linflow.checks import available_cores, positive_int
from linflow.engine.threads import one_thread
from linflow.engine.workers import call, start_worker
from linflow.errors import InputError, OutputError

T = TypeVar("T")
R = TypeVar("R")
#: The next task under its number; None while there is none. It is asked again after each result, and the work is done when
#: it has none although nothing runs. Tasks may so depend on results.
Source: TypeAlias = Callable[[], tuple[int, T] | None]

#: After so many deaths of workers around it, a task is run alone: only then is it known which one is the killer.
STRIKES = 2
#: So many tasks lost with not one finished: the workers are at fault, and not the tasks.
_HOPELESS = 5
#: Tasks that wait at each worker, so that it need not wait for them.
_QUEUE = 2
#: More processes than this for each core would only take memory.
_CROWD = 8
#: Longest time between two calls of `tick`.
_TICK = 1.0
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


@dataclass(frozen=True)
class Lost(NoArray):
    """In the place of a result: the task killed every worker that tried it."""

    reason: str


def nothing() -> None:
    """Nothing to do once a second."""


class UnsendableError(InputError):
    """A function or an item that cannot be pickled."""


class Engine(NoArray, ABC):
    """Anything that works off tasks, several at a time.

    Inside ``with engine:`` what it has started stays for the next piece of work; it ends with the block.
    """

    #: How many tasks run at a time.
    workers: int = 1

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *reason: object) -> None:
        pass

    @abstractmethod
    def work(
        self, function: Callable[[T], R], source: Source[T], *, most: int | None = None, tick: Callable[[], None] = nothing
    ) -> Iterator[tuple[int, R | Lost]]:
        """(number, result) of every task of `source`, as they finish.

        Parameters
        ----------
        most : no more than so many tasks will ever run at a time, so that no idle worker need be started.
        tick : called about once a second while others work; what it raises ends the work.
        """

    def map(
        self, function: Callable[[T], R], items: Sequence[T], *, tick: Callable[[], None] = nothing
    ) -> Iterator[tuple[int, R | Lost]]:
        """(index, result) of every item, each index once, as they finish."""
        return self.work(function, listed(enumerate(items)), most=max(len(items), 1), tick=tick)


def listed(tasks: Iterable[tuple[int, T]]) -> Source[T]:
    """Tasks that are all known beforehand."""
    left = iter(tasks)
    return lambda: next(left, None)


class SerialEngine(Engine):
    """In this process, one after another.

    >>> list(SerialEngine().map(abs, [-1, 2]))
    [(0, 1), (1, 2)]
    """

    def work(
        self, function: Callable[[T], R], source: Source[T], *, most: int | None = None, tick: Callable[[], None] = nothing
    ) -> Iterator[tuple[int, R | Lost]]:
        """See :class:`Engine`."""
        while (task := source()) is not None:
            tick()
            with one_thread():
                result = function(task[1])
            yield task[0], result


class LokyEngine(Engine):
    """Processes of this machine (joblib's loky), with one BLAS thread each.

    Parameters
    ----------
    workers : processes; default all cores that this process may use. At most eight times as many are started.

    Raises
    ------
    OutputError
        While working: every worker dies at once, whatever it is given.
    UnsendableError
        While working: the function or an item cannot be sent to another process.

    Examples
    --------
    >>> with LokyEngine(2) as engine:  # the same processes for both
    ...     sorted(engine.map(abs, [-1, 2])), sorted(engine.map(float, [3]))
    ([(0, 1), (1, 2)], [(0, 3.0)])
    """

    def __init__(self, workers: int | None = None) -> None:
        cores = available_cores()
        self.workers = cores if workers is None else min(positive_int(workers, "workers"), _CROWD * cores)
        self._pools = _Pools()

    def __enter__(self) -> LokyEngine:
        self._pools.keeping = True
        return self

    def __exit__(self, *reason: object) -> None:
        self._pools.close()

    def work(
        self, function: Callable[[T], R], source: Source[T], *, most: int | None = None, tick: Callable[[], None] = nothing
    ) -> Iterator[tuple[int, R | Lost]]:
        """See :class:`Engine`."""
        workers = self.workers if most is None else min(self.workers, most)
        sent = _pickled(function)
        again: dict[int, T] = {}
        strikes: Counter[int] = Counter()
        finished = in_vain = 0

        def next_task() -> tuple[int, T] | None:
            number = next(iter(again), None)
            return source() if number is None else (number, again.pop(number))

        while True:
            suspect = next((number for number in again if strikes[number] >= STRIKES), None)
            if suspect is None:
                flight = _Flight(sent, next_task, workers, tick, self._pools)
            else:
                # Alone, so that its death, if it comes, is its own.
                flight = _Flight(sent, listed([(suspect, again.pop(suspect))]), 1, tick, self._pools)
            for number, item, result in flight.results():
                if not isinstance(result, Lost):
                    finished += 1
                    yield number, result
                elif suspect is not None:
                    in_vain += 1
                    yield number, result
                else:
                    strikes[number] += 1
                    again[number] = item
            again |= flight.refused
            if flight.broken and not flight.flew:
                in_vain += 1
            if in_vain >= _HOPELESS and finished == 0:
                raise OutputError(f"worker processes die at once ({in_vain} so far, out of memory?): run with --workers 1")
            if suspect is None and not flight.broken and not again:
                return


class _Pools:
    """Where a flight has its processes from, and what becomes of them after it."""

    def __init__(self) -> None:
        #: Whether the next flight may have what the last one left.
        self.keeping = False
        self._idle: tuple[int, Any] | None = None

    def take(self, workers: int) -> Any:
        """A pool of so many processes, the idle one if it is of that size."""
        from joblib.externals.loky import ProcessPoolExecutor

        if self._idle is not None:
            (size, pool), self._idle = self._idle, None
            if size == workers:
                return pool
            _end(pool)
        return ProcessPoolExecutor(
            max_workers=workers,
            env=dict.fromkeys(_THREAD_VARIABLES, "1"),
            initializer=start_worker,
            initargs=(os.getpid(),),
        )

    def give_back(self, pool: Any, workers: int, *, sound: bool) -> None:
        """Keep it for the next flight, if it is sound and there is to be one."""
        if self.keeping and sound:
            self._idle = (workers, pool)
        else:
            _end(pool)

    def close(self) -> None:
        """Nothing is left running."""
        self.keeping = False
        if self._idle is not None:
            (_, pool), self._idle = self._idle, None
            _end(pool)


def _end(pool: Any) -> None:
    _forget_waiting(pool)
    pool.shutdown(wait=True, kill_workers=True)


class _Flight:
    """One pool of processes, until the source is dry or one of them has died."""

    def __init__(self, function: bytes, source: Source[Any], workers: int, tick: Callable[[], None], pools: _Pools) -> None:
        self.function, self.source, self.workers, self.tick, self.pools = function, source, workers, tick, pools
        self.broken = False
        #: Whether any task was taken, lost or not.
        self.flew = False
        #: What a broken pool did not take.
        self.refused: dict[int, Any] = {}

    def results(self) -> Iterator[tuple[int, Any, Any]]:
        """(number, item, result); what was in flight when a worker died comes out as Lost."""
        from joblib.externals.loky.process_executor import BrokenProcessPool

        flying: dict[Future[Any], tuple[int, Any]] = {}
        pool = None
        landed = False
        try:
            while True:
                while not self.broken and len(flying) < _QUEUE * self.workers and (task := self.source()) is not None:
                    item = _pickled(task[1])
                    if pool is None:
                        pool = self.pools.take(self.workers)
                    try:
                        flying[pool.submit(call, self.function, item)] = task
                    except BrokenProcessPool:
                        self.broken = True
                        self.refused[task[0]] = task[1]
                if not flying:
                    landed = True
                    return
                for future in wait(flying, timeout=_TICK, return_when=FIRST_COMPLETED).done:
                    number, item = flying.pop(future)
                    self.flew = True
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        self.broken = True
                        result = Lost("the worker process was killed (out of memory?) each time it computed this")
                    yield number, item, result
                self.tick()
        finally:
            if pool is not None:
                # On an interrupt, and where the caller stops listening, nothing is left running.
                self.pools.give_back(pool, self.workers, sound=landed and not self.broken)


def _forget_waiting(pool: Any) -> None:
    """Take back what no worker has: the pool's thread would look for it after the pool has dropped it, and die."""
    with contextlib.suppress(queue.Empty, AttributeError):
        while True:
            pool._work_ids.get_nowait()


def _pickled(value: object) -> bytes:
    """By value where it must be, as for a function from a notebook."""
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(value))
    except (pickle.PicklingError, AttributeError, TypeError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise UnsendableError(f"work cannot be sent to other processes ({why}): run with --workers 1") from error
