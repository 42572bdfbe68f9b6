"""What ends a command before its time, and how it says so: signals, pipes that nobody reads, and errors of any kind.

Ctrl-C, a batch queue's SIGTERM and a closed terminal's SIGHUP are the same: the work stops at once, what is finished is on
the disk, one sentence says so, and the exit status is that of the signal (128 + its number).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO

from linflow.errors import LinflowError

#: Exit status of a mistake of the user's, or of anything else that leaves the question unanswered.
UNANSWERED = 2
#: Exit status of a writer whose reader went away, as of a process that SIGPIPE ends.
PIPE = 141
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
#: Characters of somebody else's words that a sentence repeats.
_LONGEST = 300


class Stopped(KeyboardInterrupt):
    """A signal that asks the work to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM and SIGHUP raise as Ctrl-C does; what the caller's shell ignores (nohup) stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {}
    for name in _SIGNALS:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, frame: FrameType | None) -> None:
    for name in _SIGNALS:
        if hasattr(signal, name):
            # The first is being obeyed; whoever cannot wait for that sends another.
            signal.signal(getattr(signal, name), _at_once)
    raise Stopped(number)


def _at_once(number: int, frame: FrameType | None) -> None:
    os._exit(128 + number)


def sentence_and_status(error: BaseException, *, resumes: bool) -> tuple[str, int]:
    """What a command says, "" for nothing, and its exit status, when this comes out of it.

    >>> sentence_and_status(MemoryError(), resumes=False)
    ('out of memory: choose a smaller problem, or fewer --workers', 2)
    """
    if isinstance(error, KeyboardInterrupt):
        number = error.number if isinstance(error, Stopped) else signal.SIGINT
        how = "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
        return how + ("; the same command continues where it stopped" if resumes else ""), 128 + number
    if isinstance(error, BrokenPipeError):
        return "", PIPE
    if isinstance(error, LinflowError):
        return " ".join(str(error).split()), UNANSWERED
    if isinstance(error, MemoryError):
        return "out of memory: choose a smaller problem, or fewer --workers", UNANSWERED
    if isinstance(error, RecursionError):
        return "something is nested too deeply for Python: give it flat", UNANSWERED
    if isinstance(error, OverflowError):
        return f"a number is too large ({_words(error)}): choose a smaller one", UNANSWERED
    if isinstance(error, OSError):
        place = f" {str(error.filename)[:_LONGEST]!r}" if error.filename else ""
        return f"cannot read or write{place}: {error.strerror or _words(error)}", UNANSWERED
    if isinstance(error, UnicodeError):
        return f"text cannot be written as it is ({_words(error)}): leave such characters out", UNANSWERED
    return (
        f"this is a fault of linflow, not yours ({type(error).__name__}: {_words(error)}); LINFLOW_TRACEBACK=1 shows where",
        UNANSWERED,
    )


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:_LONGEST]


def say(sentence: str) -> None:
    """Print a command's last sentence; if even that cannot be written, the exit status has to do."""
    with contextlib.suppress(OSError, ValueError):
        print(f"linflow: {sentence}", file=sys.stderr, flush=True)


def open_streams() -> None:
    """Give standard streams that the caller closed (``>&-``) a place to go, before a file of ours takes their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - for as long as the process lives


def flushed() -> OSError | None:
    """Write out what is printed; a stream that takes no more is turned away, so that Python's last flush is silent too."""
    found = None
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            found = found or error
            _turn_away(stream)
        except ValueError:  # somebody closed it: nothing is left in it
            continue
    return found


def quiet_exit() -> None:
    """Nobody reads: both streams are turned away."""
    for stream in (sys.stdout, sys.stderr):
        _turn_away(stream)


def _turn_away(stream: IO[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)
