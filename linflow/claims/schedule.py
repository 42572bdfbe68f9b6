"""Playing the rounds of a hunt: in numbered order, several at a time, journalled so that none is played twice.

Round r may build on the rounds up to r - LAG, all of them and no other. That lets LAG rounds run at a time without a
barrier, and makes the rounds the same for any number of workers.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from linflow.checks import available_cores, positive_int
from linflow.claims.candidates import Candidate
from linflow.claims.rounds import Find, Plan, Round, play
from linflow.engine.files import JsonLines
from linflow.engine.workers import start_worker
from linflow.errors import ClaimError, OutputError

#: A round knows the rounds that lie so far behind it.
LAG = 16
#: So many of the best candidates are developed further in later rounds.
_ELITES = 8
_RESTARTS = 3


def rounds_in_order(plan: Plan, book: Journal, workers: int | None, *, most: float, seconds: float) -> Iterator[Round]:
    """Rounds 0, 1, ... up to `most`; none is started after `seconds`, those that run are finished."""
    finished: list[Round] = []
    early = {number: known for number, known in book.rounds.items() if number < most}
    number = 0
    with _Pool(available_cores() if workers is None else positive_int(workers, "workers")) as pool:
        while True:
            if len(finished) in early:
                # Handed on before more are started: it may end the hunt.
                finished.append(early.pop(len(finished)))
                number = max(number, len(finished))
                yield finished[-1]
                continue
            while number < most and number - len(finished) < LAG:
                if number not in early:
                    if not pool.idle or book.seconds >= seconds:
                        break
                    pool.start(plan, number, _elites(plan, finished[: max(number - LAG + 1, 0)]))
                number += 1
            if not pool.busy:
                if number < most:
                    book.note_time()
                return
            for found in pool.wait():
                book.keep(found)
                early[found.number] = found


def _elites(plan: Plan, finished: Sequence[Round]) -> list[Candidate]:
    # Of claims that are tight on flat spectra the best away from there: near flat all is known.
    finds = [r.away if plan.terrain.tight_when_flat else r.best for r in finished]
    best: dict[int, Find] = {}
    for find in sorted((find for find in finds if find is not None), key=lambda find: find.score):
        best.setdefault(len(find.sigma), find)  # one of each dimension: they are not to be all alike
    return [find.candidate for find in list(best.values())[:_ELITES]]


class _Pool:
    """Worker processes that outlive the death of one of them; a single worker is this process."""

    def __init__(self, workers: int) -> None:
        self.workers = min(workers, LAG)
        self.pool: Any = None
        self.jobs: dict[int, tuple[Plan, int, list[Candidate]]] = {}
        self.futures: dict[Future[Round], int] = {}
        self.deaths = 0

    @property
    def idle(self) -> bool:
        return len(self.jobs) < self.workers

    @property
    def busy(self) -> bool:
        return bool(self.jobs)

    def start(self, plan: Plan, number: int, elites: list[Candidate]) -> None:
        self.jobs[number] = (plan, number, elites)
        if self.workers > 1:
            self._submit(number)

    def _submit(self, number: int) -> None:
        from joblib.externals.loky import ProcessPoolExecutor
        from joblib.externals.loky.process_executor import BrokenProcessPool

        if self.pool is None:
            self.pool = ProcessPoolExecutor(max_workers=self.workers, initializer=start_worker, initargs=(os.getpid(),))
        try:
            self.futures[self.pool.submit(play, *self.jobs[number])] = number
        except BrokenProcessPool:
            failed: Future[Round] = Future()
            failed.set_exception(BrokenProcessPool())
            self.futures[failed] = number

    def wait(self) -> list[Round]:
        """The rounds finished next, at least one unless a worker died."""
        from joblib.externals.loky.process_executor import BrokenProcessPool

        if self.workers == 1:
            return [play(*self.jobs.pop(min(self.jobs)))]
        found = []
        for future in wait(self.futures, return_when=FIRST_COMPLETED).done:
            if future not in self.futures:
                continue
            number = self.futures.pop(future)
            try:
                found.append(future.result())
                del self.jobs[number]
            except BrokenProcessPool:
                self._restart()
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                claim = self.jobs[number][0].terrain.claim
                raise ClaimError(
                    f"claim {claim.name!r} cannot be sent to other processes ({error}): run with --workers 1"
                ) from error
        return found

    def _restart(self) -> None:
        """A worker was killed, and the rounds in flight with it: play them again."""
        self.deaths += 1
        if self.deaths > _RESTARTS:
            raise OutputError(f"worker processes were killed {self.deaths} times (out of memory?): run with --workers 1")
        self._stop()
        for number in sorted(set(self.jobs)):
            self._submit(number)

    def _stop(self) -> None:
        self.futures.clear()
        if self.pool is not None:
            # Also on an interrupt, and where the caller stops listening: nothing is left running.
            self.pool.shutdown(wait=True, kill_workers=True)
            self.pool = None

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()


class Journal(JsonLines):
    """Finished rounds; each record carries its hunt's key, so that hunts never mix."""

    def __init__(self, path: Path | None, key: str) -> None:
        super().__init__(path)
        self.key = key
        self.rounds: dict[int, Round] = {}
        self.before, self.began = 0.0, time.monotonic()
        for row in self.rows:
            # The last line of a killed hunt may be torn: that round is played again.
            with suppress(ValueError, TypeError, KeyError, AttributeError):
                if row["key"] == key:
                    if "round" in row:
                        found = Round.from_json(row["round"])
                        self.rounds[found.number] = found
                    self.before = max(self.before, float(row["seconds"]))

    @property
    def seconds(self) -> float:
        """Time of this run and of those that it continues."""
        return self.before + time.monotonic() - self.began

    def keep(self, found: Round) -> None:
        """Append a finished round."""
        self.rounds[found.number] = found
        self.add({"key": self.key, "seconds": self.seconds, "round": found.to_json()})

    def note_time(self) -> None:
        """Append that the time was spent, so that the same budget again plays nothing more."""
        self.add({"key": self.key, "seconds": self.seconds})
