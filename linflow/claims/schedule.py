"""Playing the rounds of a hunt: in numbered order, several at a time, journalled so that none is played twice.

Round r may build on the rounds up to r - LAG, all of them and no other. That lets LAG rounds run at a time without a
barrier, and makes the rounds the same for any number of workers.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from linflow.claims.candidates import Candidate
from linflow.claims.rounds import Find, Plan, Round, play
from linflow.engine.choice import choose_engine
from linflow.engine.pool import Lost, UnsendableError
from linflow.engine.sources import send_by_value
from linflow.engine.store import Record, Store
from linflow.errors import ClaimError
from linflow.identity import code_digest

#: A round knows the rounds that lie so far behind it.
LAG = 16
#: So many of the best candidates are developed further in later rounds.
_ELITES = 8


def rounds_in_order(plan: Plan, book: Journal, workers: int | None, *, most: float, seconds: float) -> Iterator[Round]:
    """Rounds 0, 1, ... up to `most`; none is started after `seconds`, those that run are finished."""
    finished: list[Round] = []
    early = {number: known for number, known in book.rounds.items() if number < most}
    started = set(early)
    playing = 0
    engine = choose_engine(workers)

    def next_round() -> tuple[int, tuple[Plan, int, list[Candidate]]] | None:
        nonlocal playing
        ahead = range(len(finished), len(finished) + LAG)
        number = next((i for i in ahead if i not in started and i < most), None)
        if number is None or playing >= engine.workers or book.seconds >= seconds:
            return None
        started.add(number)
        playing += 1
        return number, (plan, number, _elites(plan, finished[: max(number - LAG + 1, 0)]))

    def in_order() -> Iterator[Round]:
        while len(finished) in early:
            finished.append(early.pop(len(finished)))
            yield finished[-1]

    claim = plan.terrain.claim
    send_by_value(*(str(made.__module__) for made in (type(claim.quantity), claim.value, claim.holds_for)))
    # Those known are handed on before more are played: they may end the hunt.
    yield from in_order()
    try:
        for number, found in engine.work(_play, next_round, most=LAG, tick=book.check):
            playing -= 1
            early[number] = _empty(number, found) if isinstance(found, Lost) else found
            book.keep(early[number])
            yield from in_order()
    except UnsendableError as error:
        raise ClaimError(f"claim {plan.terrain.claim.name!r}: {error}") from error
    if len(finished) < most:
        book.note_time()


def _play(job: tuple[Plan, int, list[Candidate]]) -> Round:
    return play(*job)


def _empty(number: int, lost: Lost) -> Round:
    """In the place of a round that killed its workers: nothing was found in it, and it says why."""
    return Round(number, best=None, away=None, verdict=None, evaluations=0, lowest=None, seconds=0.0, lost=lost.reason)


def _elites(plan: Plan, finished: Sequence[Round]) -> list[Candidate]:
    # Of claims that are tight on flat spectra the best away from there: near flat all is known.
    finds = [r.away if plan.terrain.tight_when_flat else r.best for r in finished]
    best: dict[int, Find] = {}
    for find in sorted((find for find in finds if find is not None), key=lambda find: find.score):
        best.setdefault(len(find.sigma), find)  # one of each dimension: they are not to be all alike
    return [find.candidate for find in list(best.values())[:_ELITES]]


class Journal(Store):
    """Finished rounds of one hunt in a store, with the time that they took."""

    def __init__(self, path: Path | None, key: str) -> None:
        super().__init__(path, {"command": "hunt", "plan": key, "code": code_digest()})
        self.rounds: dict[int, Round] = {}
        self.before, self.began = 0.0, time.monotonic()
        for record in self.records().values():
            if record.lost:  # played again
                continue
            with suppress(ValueError, TypeError, KeyError, AttributeError):
                row = json.loads(record.payload or b"")
                self.before = max(self.before, float(row["seconds"]))
                if row["round"] is not None:
                    found = Round.from_json(row["round"])
                    self.rounds[found.number] = found

    @property
    def seconds(self) -> float:
        """Time of this run and of those that it continues."""
        return self.before + time.monotonic() - self.began

    def keep(self, found: Round) -> None:
        """Store a finished round; one that was lost is kept as such."""
        self.rounds[found.number] = found
        if found.lost is not None:
            self.add(Record(str(found.number), None, found.lost, lost=True, label=f"round {found.number}"))
            return
        payload = json.dumps({"seconds": self.seconds, "round": found.to_json()}).encode()
        self.add(Record(str(found.number), payload, seconds=found.seconds, label=f"round {found.number}"))

    def note_time(self) -> None:
        """Store that the time was spent, so that the same budget again plays nothing more."""
        self.add(Record("time", json.dumps({"seconds": self.seconds, "round": None}).encode(), label="time spent"))
