"""Progress: a log shows lines as the work goes, with the time left; a terminal a bar."""

from __future__ import annotations

import io
import re

import pytest

from linflow.engine import progress


class Clock:
    """Time that passes when it is told to."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def test_lines_come_as_the_work_goes_and_further_apart_the_longer_it_takes(clock: Clock) -> None:
    log = io.StringIO()
    with progress.shown("working", unit="cells", stream=log) as report:
        report(100, 10_100, "")
        for done in range(10_000):
            clock.now += 1.0
            report(101 + done, 10_100, "3 failed" if done > 5000 else "")
    lines = log.getvalue().splitlines()
    assert lines[0] == "working: 100 of 10100 cells"
    assert lines[1] == "working: 105 of 10100 cells, 0:00:05, about 2:46:35 left"  # what was done before does not count
    assert lines[-1] == "working: 10100 of 10100 cells, 3 failed, 2:46:40"
    assert 100 < len(lines) < 300


def test_the_last_word_is_always_said(clock: Clock) -> None:
    log = io.StringIO()
    with progress.shown("working", stream=log) as report:
        report(0.0, 1.0, "")
        report(1.0, 1.0, "done")
    assert log.getvalue().splitlines() == ["working: 0 %", "working: 100 %, done, 0:00:00"]


def test_an_interrupt_still_shows_how_far_it_came(clock: Clock) -> None:
    log = io.StringIO()

    def interrupted() -> None:
        with progress.shown("working", unit="cells", stream=log) as report:
            report(0, 5, "")
            report(3, 5, "")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert log.getvalue().splitlines()[-1].startswith("working: 3 of 5 cells")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_and_takes_brackets_as_they_are() -> None:
    terminal = Terminal()
    with progress.shown("a [/bold] claim", unit="cells", stream=terminal) as report:
        report(0, 4, "")
        report(4, 4, "1 [failed]")
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.getvalue())
    assert "a [/bold] claim: 4 of 4 cells, 1 [failed]" in shown
