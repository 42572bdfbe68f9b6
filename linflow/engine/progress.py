"""How far long work is: a bar on a terminal, and in a file, as in a batch queue's log, plain lines as it goes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, TypeAlias

#: report(how much is done, of how much in all (None: not known), a few words on how it goes)
Report: TypeAlias = Callable[[float, float | None, str], None]
#: In a file a line comes after at least so many seconds, more of them the longer it takes, but never more than so many.
_SOONEST, _SHARE, _LATEST = 5.0, 0.1, 60.0
#: The bar's own resolution.
_STEPS = 1000


@contextmanager
def shown(what: str, *, unit: str = "", stream: IO[str] | None = None) -> Iterator[Report]:
    """A function to which the work reports how far it is.

    Parameters
    ----------
    what : the work, such as "deciding claims".
    unit : what is counted, such as "cells"; "" for a share, which is shown in per cent.
    stream : where to; default standard error.

    Examples
    --------
    >>> import io
    >>> log = io.StringIO()
    >>> with shown("sorting", unit="files", stream=log) as report:
    ...     report(0, 8, "")
    ...     report(8, 8, "2 empty")
    >>> print(log.getvalue(), end="")
    sorting: 0 of 8 files
    sorting: 8 of 8 files, 2 empty, 0:00:00
    """
    stream = stream or sys.stderr
    with _bar(what, unit, stream) if stream.isatty() else _lines(what, unit, stream) as report:
        yield report


@contextmanager
def _bar(what: str, unit: str, stream: IO[str]) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task(what, total=None)

        def report(done: float, total: float | None, note: str) -> None:
            words = f"{what}: {_amount(done, total, unit)}{f', {note}' if note else ''}"
            share = None if not total else _STEPS * min(done / total, 1.0)
            bar.update(task, completed=share or 0, total=None if share is None else _STEPS, description=words)

        yield report


@contextmanager
def _lines(what: str, unit: str, stream: IO[str]) -> Iterator[Report]:
    began = time.monotonic()
    told, first = began, (0.0, began)
    last: tuple[float, float | None, str] | None = None

    def line(done: float, total: float | None, note: str) -> None:
        nonlocal told, last
        now = time.monotonic()
        words = [f"{what}: {_amount(done, total, unit)}"] + ([note] if note else [])
        if last is not None:
            words.append(_clock(now - began))
            rate = (done - first[0]) / (now - first[1]) if now > first[1] else 0.0
            if total is not None and rate > 0 and done < total:
                words.append(f"about {_clock((total - done) / rate)} left")
        try:
            print(", ".join(words), file=stream, flush=True)
        except BrokenPipeError:
            raise
        except OSError:  # a full disk under the log is no reason to end the work
            pass
        told, last = now, (done, total, note)

    latest: tuple[float, float | None, str] | None = None

    def report(done: float, total: float | None, note: str) -> None:
        nonlocal latest, first
        now = time.monotonic()
        if latest is None:
            # What was done before this run says nothing about its speed.
            first = (done, now)
        latest = (done, total, note)
        if last is None or now - told >= min(max(_SOONEST, _SHARE * (now - began)), _LATEST):
            line(*latest)

    try:
        yield report
    finally:
        if latest is not None and latest != last:
            line(*latest)


def _amount(done: float, total: float | None, unit: str) -> str:
    if not unit:
        return f"{100 * done / total:.0f} %" if total else f"{100 * done:.0f} %"
    return f"{_number(done)} {unit}" if total is None else f"{_number(done)} of {_number(total)} {unit}"


def _number(amount: float) -> str:
    """A count in full, however large.

    >>> _number(1234567), _number(2.5)
    ('1234567', '2.5')
    """
    return str(int(amount)) if float(amount).is_integer() else f"{amount:g}"


def _clock(seconds: float) -> str:
    """Hours, minutes, seconds.

    >>> _clock(3725.4)
    '1:02:05'
    """
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
