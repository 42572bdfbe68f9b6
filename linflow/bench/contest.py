"""A comparison: one piece of work, done by linflow and by those that are used for it today, timed in turn.

Machines slow down and speed up as they run, all sides alike; so the sides take turns, each round begins with the next of
them, and a ratio is one of two times of the same round. What is printed is the median over the rounds, and the lowest and
the highest of them: five rounds have no use for finer quantiles.

First of all each side gives its answer. Where it is not linflow's, no time is given: times of different work say nothing.
"""

from __future__ import annotations

import importlib.util
import math
import statistics
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linflow.bench.effort import Effort
from linflow.tables import Cell

#: A reading of the clock covers so many seconds at least, calls of short work being repeated.
_SHORTEST = 0.02
#: Rounds; fewer of those that take longer than so many seconds each.
ROUNDS, FEW_ROUNDS, _LONG = 5, 3, 10.0


def _nothing() -> None:
    """Nothing to end."""


@dataclass(frozen=True)
class Work:
    """What a side does.

    Parameters
    ----------
    run : the work itself; it is called again and again.
    answer : what is compared with the other side's; default: what `run` returns.
    close : ends what it has started.
    """

    run: Callable[[], object]
    answer: Callable[[], object] | None = None
    close: Callable[[], object] = _nothing

    def solved(self) -> object:
        """The answer."""
        return self.run() if self.answer is None else self.answer()


@dataclass(frozen=True)
class Side:
    """One of those compared.

    Parameters
    ----------
    name : as people know it.
    prepare : makes the work, outside of what is timed; imports belong there.
    share : the part of the whole that one run of the work is, as where a loop over 2048 m is run for two of them.
    goal : how many times this side's time linflow's should fit into it; None for a rival without one.
    needs : modules that it is made of.
    note : what has to be known of its number; as a function, what is only known after the work.
    """

    name: str
    prepare: Callable[[], Work]
    share: float = 1.0
    goal: float | None = None
    needs: tuple[str, ...] = ()
    note: str | Callable[[], str] = ""

    @property
    def words(self) -> str:
        """Its note."""
        return self.note if isinstance(self.note, str) else self.note()

    @property
    def missing(self) -> str:
        """In words, what it needs and is not installed; "" if it can take part."""
        absent = [name for name in self.needs if importlib.util.find_spec(name) is None]
        return f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed" if absent else ""


@dataclass(frozen=True)
class Reading:
    """One row of the table: linflow against one rival, or alone.

    Parameters
    ----------
    row, size : what was done, and how large.
    n : the size as a number, where growth is asked for.
    rival : against whom; "" for none.
    unit : of `ours` and `theirs`: "s", "draws", "MiB", ...
    ours, theirs : medians over the rounds, each with its lowest and highest; None where nothing was measured.
    ratio : theirs / ours (or what `unit` is a ratio of), median over the rounds, with its lowest and highest.
    goal : what `ratio` should be at least.
    error : how far the two answers are apart.
    rounds : how often each side was timed.
    note : in words, why a number is missing or what it rests on.
    """

    row: str
    size: str
    rival: str = ""
    n: int | None = None
    unit: str = "s"
    ours: float | None = None
    ours_low: float | None = None
    ours_high: float | None = None
    theirs: float | None = None
    theirs_low: float | None = None
    theirs_high: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    goal: float | None = None
    error: float | None = None
    rounds: int = 0
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal was reached; None where there is none, or no ratio."""
        return None if self.goal is None or self.ratio is None else self.ratio >= self.goal

    def cells(self) -> dict[str, Cell]:
        """The row for tables and files."""
        return {**vars(self), "reached": self.reached}


@dataclass(frozen=True)
class Contest:
    """One piece of work and all who do it.

    Parameters
    ----------
    row, size, n : as in `Reading`.
    ours : linflow.
    rivals : the others.
    far : how far a rival's answer is from ours; None where the answers are not to be the same.
    tolerance : the farthest at which they count as the same.
    waits : the work is to wait, as for other processes: it is timed by the clock on the wall, whatever was asked for.
    """

    row: str
    size: str
    ours: Side
    rivals: Sequence[Side] = ()
    n: int | None = None
    far: Callable[[Any, Any], float] | None = None
    tolerance: float = 1e-8
    waits: bool = False

    def readings(self, effort: Effort) -> list[Reading]:
        """Play it: one reading a rival, or one of ours alone."""
        base: dict[str, Any] = {"row": self.row, "size": self.size, "n": self.n}
        if self.ours.missing:
            return [Reading(**base, note=self.ours.missing)]
        made = {side.name: _made(side) for side in self.rivals}
        works = [self.ours.prepare()]
        clocked = replace(effort, clock="wall") if self.waits else effort
        try:
            with clocked.limited():
                return self._played(base, works, made, clocked)
        finally:
            for work in (works[0], *made.values()):
                if isinstance(work, Work):
                    work.close()

    def _played(
        self, base: dict[str, Any], works: list[Work], made: dict[str, Work | str], effort: Effort
    ) -> list[Reading]:
        wanted, notes, errors = works[0].solved(), {}, {}
        playing = [self.ours]
        for side in self.rivals:
            work = made[side.name]
            found = _answer(work) if isinstance(work, Work) else work
            if not isinstance(work, Work) or isinstance(found, _Failed):
                notes[side.name] = str(found)
                continue
            if self.far is not None:
                errors[side.name] = self.far(wanted, found)
                if not errors[side.name] <= self.tolerance:
                    notes[side.name] = f"its answer is another (more than {self.tolerance:g} apart): no time is given"
                    continue
            works.append(work)
            playing.append(side)
        seconds = timed([work.run for work in works], effort)
        scaled = [[t / side.share for t in times] for side, times in zip(playing, seconds, strict=True)]
        if not self.rivals:
            return [Reading(**base, **_three("ours", scaled[0]), rounds=len(scaled[0]), note=self.ours.words)]
        told = dict(zip((side.name for side in playing), scaled, strict=True))
        return [
            _reading(base, side, scaled[0], told.get(side.name), errors.get(side.name), notes.get(side.name))
            for side in self.rivals
        ]


def timed(runs: Sequence[Callable[[], object]], effort: Effort) -> list[list[float]]:
    """Seconds of one call of each, once for every round; all are called once before, and not counted.

    >>> [len(times) for times in timed([lambda: sum(range(10)), lambda: None], Effort(quick=True))]
    [3, 3]
    """

    def seconds_of(run: Callable[[], object], calls: int) -> float:
        start = effort.now()
        for _ in range(calls):
            run()
        return (effort.now() - start) / calls

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other libraries
        first = [seconds_of(run, 1) for run in runs]
        calls = [max(1, math.ceil(_SHORTEST / max(seconds, 1e-9))) for seconds in first]
        rounds = FEW_ROUNDS if effort.quick or sum(first) > _LONG else ROUNDS
        found: list[list[float]] = [[] for _ in runs]
        for turn in range(rounds):
            for place in range(len(runs)):
                chosen = (turn + place) % len(runs)
                found[chosen].append(seconds_of(runs[chosen], calls[chosen]))
    return found


def relative(ours: ArrayLike | object, theirs: ArrayLike | object) -> float:
    """Largest difference, relative to the largest entry; infinite where the shapes differ.

    >>> relative([1.0, 2.0], [1.0, 2.5]), relative([1.0], [1.0, 2.0])
    (0.2, inf)
    """
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape:
        return math.inf
    size = float(np.abs(b).max(initial=0.0))
    difference = float(np.abs(a - b).max(initial=0.0))
    return difference / size if size else difference


def entrywise(ours: object, theirs: object) -> float:
    """Largest difference of two entries, relative to the rival's entry.

    >>> entrywise([1.0, 100.0], [2.0, 100.0])
    0.5
    """
    a, b = np.asarray(ours), np.asarray(theirs)
    return math.inf if a.shape != b.shape else float(np.max(np.abs(a - b) / np.abs(b), initial=0.0))


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, lowest and highest.

    >>> spread([3.0, 1.0, 2.0])
    (2.0, 1.0, 3.0)
    """
    return statistics.median(values), min(values), max(values)


class _Failed(str):
    """In words, why there is no answer."""


def _made(side: Side) -> Work | str:
    """A rival's work, or in words why there is none."""
    if side.missing:
        return side.missing
    found = _tried(side.prepare)
    return found if isinstance(found, Work | _Failed) else _Failed("it prepared no work")


def _answer(work: Work) -> object:
    return _tried(work.solved)


def _tried(function: Callable[[], object]) -> object:
    """What another library's function returns, or in words how it failed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function()
    except Exception as error:  # whatever it raises when it fails
        words = " ".join(str(error).split())
        return _Failed(f"it failed: {type(error).__name__}{f' ({words[:160]})' if words else ''}")


def _reading(
    base: dict[str, Any],
    side: Side,
    ours: list[float],
    theirs: list[float] | None,
    error: float | None,
    note: str | None,
) -> Reading:
    told = _three("ours", ours)
    if theirs is not None:
        told |= _three("theirs", theirs) | _three("ratio", [b / a for a, b in zip(ours, theirs, strict=True)])
    words = "; ".join(part for part in (note, side.words if theirs is not None else "") if part)
    rounds = len(ours)
    return Reading(**base, **told, rival=side.name, goal=side.goal, error=error, rounds=rounds, note=words)


def _three(name: str, values: Sequence[float]) -> dict[str, Any]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), spread(values), strict=True))
