"""The workers of a running Dask scheduler, on any number of machines, as an engine."""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from linflow.engine.pool import STRIKES, Engine, Lost, R, Source, T, nothing
from linflow.engine.threads import one_thread
from linflow.errors import InputError, OutputError

#: A Dask task costs 3-5 ms of overhead, so it should compute for at least this long.
_TASK_SECONDS = 0.1
_LARGEST_BATCH = 1000
#: Seconds between two looks at whether a result has come.
_POLL = 0.01


class DaskEngine(Engine):
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

    def work(
        self, function: Callable[[T], R], source: Source[T], *, most: int | None = None, tick: Callable[[], None] = nothing
    ) -> Iterator[tuple[int, R | Lost]]:
        """See :class:`Engine`; short tasks travel in batches, and a bounded number at a time."""
        distributed = _distributed()
        _quiet_loggers()
        client = self._client(distributed)
        _quiet_loop(client)
        try:
            yield from _Work(distributed, client, function, source, most, tick).results()
        except _gone(distributed) as error:
            raise OutputError(
                f"the Dask scheduler at {self.address!r} went away: start it again, and the same command continues"
            ) from error
        except (ImportError, RuntimeError) as error:  # not of the work: its function returns its own failures
            raise OutputError(
                f"the Dask workers at {self.address!r} cannot load linflow as it is here ({' '.join(str(error).split())}): "
                "install the same version there"
            ) from error
        finally:
            with contextlib.suppress(*_gone(distributed)):
                client.close(timeout=2)

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


class _Work:
    """One function over one source, on one cluster."""

    def __init__(
        self,
        distributed: Any,
        client: Any,
        function: Callable[[Any], Any],
        source: Source[Any],
        most: int | None,
        tick: Callable[[], None],
    ) -> None:
        self.distributed, self.client, self.function, self.source, self.tick = distributed, client, function, source, tick
        self.arriving = distributed.as_completed(loop=client.loop)
        self.flying: dict[Any, list[_Task]] = {}
        self.done: deque[Any] = deque()
        self.again: deque[_Task] = deque()
        self.suspects: deque[_Task] = deque()
        #: Tasks that are still to come, where that is known.
        self.left = math.inf if most is None else most
        self.seconds, self.count = 0.0, 0

    def results(self) -> Iterator[tuple[int, Any]]:
        while True:
            self._fill()
            if not self.flying:
                if not self.suspects:
                    return
                # All that was queued on a dead worker is suspected by Dask; alone on the cluster, a death is one's own.
                self._submit([self.suspects.popleft()])
            future = self._next()
            batch = self.flying.pop(future)
            try:
                results, took = future.result()
            except self.distributed.scheduler.KilledWorker:
                yield from self._struck(batch)
                continue
            self.seconds, self.count = self.seconds + took, self.count + len(batch)
            for task, result in zip(batch, results, strict=True):
                yield task.number, result

    def _fill(self) -> None:
        # Asked each time, for workers may join and leave while the run goes on.
        threads = max(1, sum(self.client.nthreads().values()))
        while len(self.flying) < 2 * threads:
            task = self.again.popleft() if self.again else self._new()
            if task is None:
                return
            batch = [task]
            # A task that has lost a worker travels without others.
            while task.strikes == 0 and len(batch) < self._size(threads) and (more := self._new()) is not None:
                batch.append(more)
            self._submit(batch)

    def _size(self, threads: int) -> int:
        """How many tasks make a batch: enough to be worth the way, and few enough that all workers have some."""
        share = _LARGEST_BATCH if math.isinf(self.left) else min(_LARGEST_BATCH, math.ceil(self.left / (2 * threads)))
        return min(share, int(_TASK_SECONDS * self.count / self.seconds) + 1 if self.seconds else 1)

    def _new(self) -> _Task | None:
        task = self.source()
        if task is None:
            return None
        self.left -= 1
        return _Task(*task)

    def _submit(self, batch: list[_Task]) -> None:
        future = self.client.submit(_batch, self.function, [task.item for task in batch], pure=False)
        self.flying[future] = batch
        self.arriving.add(future)

    def _next(self) -> Any:
        """The next future that is done; the scheduler's silence is noticed meanwhile."""
        while not self.done:
            self.done.extend(self.arriving.next_batch(block=False))
            if not self.done:
                self.tick()
                if self.client.status not in ("running", "newly-created"):
                    raise OSError(self.client.status)
                time.sleep(_POLL)
        return self.done.popleft()

    def _struck(self, batch: list[_Task]) -> Iterator[tuple[int, Lost]]:
        for task in batch:
            if task.strikes >= STRIKES:
                yield task.number, Lost("every Dask worker that computed this died (out of memory?)")
                continue
            more = _Task(task.number, task.item, task.strikes + 1)
            (self.suspects if more.strikes >= STRIKES else self.again).append(more)


@dataclass(frozen=True)
class _Task:
    number: int
    item: Any
    strikes: int = 0


def _batch(function: Callable[[T], R], items: list[T]) -> tuple[list[R], float]:
    """Run by a Dask worker: several items, and how long they took."""
    start = time.perf_counter()
    with one_thread():
        return [function(item) for item in items], time.perf_counter() - start


def _gone(distributed: Any) -> tuple[type[BaseException], ...]:
    """What tells that the scheduler is not there any more."""
    return (distributed.CancelledError, distributed.comm.CommClosedError, OSError, TimeoutError)


def _quiet_loggers() -> None:
    """What the library logs when a connection breaks is said in one sentence here; its loggers have levels of their own."""
    for name in ["distributed", *logging.root.manager.loggerDict]:
        if f"{name}.".startswith("distributed."):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _quiet_loop(client: Any) -> None:
    """Nor does the client's own event loop tell of requests whose answers nobody waits for any more."""
    with contextlib.suppress(AttributeError):
        client.loop.add_callback(lambda: client.loop.asyncio_loop.set_exception_handler(lambda loop, context: None))


def _distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError as error:
        raise InputError("a scheduler needs the extra 'dist': pip install 'linflow[dist]'") from error
