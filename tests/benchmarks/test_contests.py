"""The machinery of benchmarks: who is timed, what is compared first, and what is said where a number is missing.

Nothing is asserted on seconds.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from linflow.bench import contest
from linflow.bench.contest import Contest, Reading, Side, Work, entrywise, relative, timed
from linflow.bench.effort import Effort

QUICK = Effort(quick=True, threads=1, clock="cpu")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "_SHORTEST", 1e-4)


def side(name: str, run: Callable[[], object], **more: object) -> Side:
    return dataclasses.replace(Side(name, lambda: Work(run)), **more)  # type: ignore[arg-type]


def played(*rivals: Side, far: Callable[[object, object], float] | None = relative) -> list[Reading]:
    return Contest("work", "small", side("linflow", lambda: [1.0]), rivals, far=far).readings(QUICK)


def test_a_reading_is_the_ratio_of_times_of_the_same_round() -> None:
    (reading,) = played(side("rival", lambda: [1.0], goal=1e9))
    assert reading.rounds == contest.FEW_ROUNDS
    assert reading.error == 0.0
    assert reading.ratio_low is not None
    assert reading.ratio is not None
    assert reading.ratio_high is not None
    assert 0 < reading.ratio_low <= reading.ratio <= reading.ratio_high
    assert reading.reached is False
    assert reading.cells()["reached"] is False


def test_a_share_scales_the_time_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contest, "timed", lambda runs, effort: [[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]])
    (reading,) = played(side("rival", lambda: [1.0], share=0.25))
    assert (reading.ours, reading.theirs) == (2.0, 16.0)
    assert (reading.ratio_low, reading.ratio, reading.ratio_high) == (16 / 3, 8.0, 16.0)


def test_another_answer_has_no_time() -> None:
    wrong, right = played(side("wrong", lambda: [1.1]), side("right", lambda: [1.0]))
    assert wrong.theirs is None
    assert wrong.ratio is None
    assert wrong.reached is None
    assert "its answer is another" in wrong.note
    assert wrong.error == pytest.approx(0.1 / 1.1)
    assert right.ratio is not None


@pytest.mark.parametrize("answer", [[math.nan], [1.0, 1.0], [math.inf]])
def test_what_is_no_answer_has_no_time_either(answer: list[float]) -> None:
    with np.errstate(invalid="ignore"):
        (reading,) = played(side("rival", lambda: answer))
    assert reading.ratio is None
    assert reading.note


def test_a_rival_that_is_not_installed_is_named_and_never_called() -> None:
    def prepare() -> Work:
        raise AssertionError("called")

    (reading,) = played(Side("rival", prepare, needs=("no_such_library", "numpy")))
    assert reading.note == "no_such_library is not installed"
    assert reading.theirs is None


def test_a_rival_that_fails_says_how_and_the_others_go_on() -> None:
    def fails() -> object:
        raise ZeroDivisionError("of itself")

    broken, well = played(side("broken", fails), side("well", lambda: [1.0]))
    assert broken.note == "it failed: ZeroDivisionError (of itself)"
    assert broken.ratio is None
    assert well.ratio is not None


def test_a_failure_of_ours_is_not_hidden() -> None:
    def fails() -> object:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Contest("work", "small", side("linflow", fails), [side("rival", lambda: 1.0)]).readings(QUICK)


def test_what_a_side_has_started_is_ended_whatever_happens() -> None:
    ended: list[str] = []

    def failing() -> object:
        raise ZeroDivisionError

    def closing(name: str, run: Callable[[], object]) -> Side:
        return Side(name, lambda: Work(run, close=lambda: ended.append(name)))

    with pytest.raises(ZeroDivisionError):
        Contest("work", "small", closing("linflow", failing), [closing("rival", lambda: 1.0)]).readings(QUICK)
    assert sorted(ended) == ["linflow", "rival"]


def test_the_sides_take_turns() -> None:
    calls: list[str] = []
    timed([lambda: calls.append("a"), lambda: calls.append("b")], dataclasses.replace(QUICK, clock="wall"))
    order = "".join(calls)[2:]
    first = [order[0]]
    for letter in order[1:]:
        if letter != first[-1]:
            first.append(letter)
    # a b, b a, a b: where one round ends with whom the next begins, the two runs are one.
    assert "".join(first) == "abab"


def test_entries_are_compared_relative_to_the_rival_s() -> None:
    assert entrywise([2.0, 1.0], [2.0, 1.0]) == 0.0
    assert entrywise([2.0, 1.0], [2.0, 2.0]) == 0.5
    assert entrywise([2.0], [2.0, 1.0]) == math.inf
    assert relative([0.0], [0.0]) == 0.0


def test_threads_are_those_asked_for_and_put_back() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    with Effort(threads=before + 1).limited():
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
