"""What the parts of the campaign share: a command in this process, what is wrong with its answer, rows of the table."""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[2]
#: What a command says that it has read: "read 'faces': 8 grey images ...".
_READ = re.compile(r"""read ['"]""")
#: A line of progress in a log.
_PROGRESS = re.compile(r".*: [0-9.e+]+ (%|of [0-9.e+]+ \w+|rounds).*")
#: What a command that succeeds may say: damage was seen, and repaired.
_NOTED = "altered on the disk, now computed again"
#: The sentence that the last wall says where nothing else did.
_LAST_RESORT = "this is a fault of linflow"


@dataclass(frozen=True)
class Row:
    """One line of the table: what was played, how often, what went wrong, and what was held against what."""

    what: str
    count: int
    faults: tuple[str, ...]
    lost: str


@dataclass(frozen=True)
class Answer:
    """What a command gave back."""

    status: int
    out: str
    err: str
    hung: bool = False


def answer(words: Sequence[str], *, seconds: float = 30.0) -> Answer:
    """Run a command line in this process, for so many seconds at most."""
    from linflow.cli import main

    out, err = io.StringIO(), io.StringIO()
    fired: list[bool] = []
    status: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _alarm(seconds, fired):
        try:
            main(list(words))
        except SystemExit as end:
            status = 0 if end.code is None else end.code
        except BaseException as error:
            err.write(f"Traceback: {type(error).__name__}: {error!r}\n")
            status = -1
    return Answer(status if isinstance(status, int) else -1, out.getvalue(), err.getvalue(), bool(fired))


class _TooLong(BaseException):
    """Time is up."""


@contextlib.contextmanager
def _alarm(seconds: float, fired: list[bool]) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        fired.append(True)
        raise _TooLong

    before = signal.signal(signal.SIGALRM, ring)
    # Again and again: code that survives everything may survive the first.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def sentences(err: str) -> list[str]:
    """What a command says on standard error, without its progress and without what it has read."""
    told = [line for line in err.splitlines() if line.strip() and not _PROGRESS.fullmatch(line)]
    return [line for line in told if not _READ.match(line)]


def wrong(found: Answer) -> str:
    """What is wrong with an answer, "" if nothing: one sentence for status 2, a reason for 1, no traceback ever.

    >>> wrong(Answer(2, "", "linflow: no such file")), wrong(Answer(2, "", "linflow: this\\nand that"))
    ('', "2 lines on standard error: 'linflow: this'")
    """
    said = sentences(found.err)
    if found.hung:
        return "it hangs"
    if "Traceback" in found.err + found.out:
        return f"a traceback: {found.err.strip().splitlines()[-1]!r}"
    if _LAST_RESORT in found.err:
        return said[-1]
    if found.status not in (0, 1, 2):
        return f"status {found.status}"
    usage = bool(said) and said[0].startswith("Usage:")
    if found.status == 2 and not usage and len(said) != 1:
        return f"{len(said)} lines on standard error: {said[0] if said else ''!r}"
    if found.status == 2 and not usage and not said[0].startswith("linflow: "):
        return f"no sentence of linflow's: {said[0]!r}"
    if found.status == 1 and not any(word in found.out + found.err for word in ("refuted", "failed", "undecided")):
        return "status 1 without a reason"
    said = [line for line in said if _NOTED not in line]
    if found.status == 0 and said:
        return f"complaints of a command that succeeds: {said[0]!r}"
    return ""


def markdown(rows: Sequence[Row]) -> str:
    """The table."""
    lines = ["| what | how many | faults | nothing lost means |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.count} | {len(row.faults)} | {row.lost} |" for row in rows]
    return "\n".join(lines)


#: A part of the campaign: (how many, seed) -> its rows.
Part = Callable[[int, random.Random], list[Row]]


def run_part(part: Part, short: int, long: int, what: str, arguments: Sequence[str] | None = None) -> int:
    """The command line of a part; 1 if it found a fault."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--count", type=int, help=f"how many (default: {short}, with --long {long})")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    parser.add_argument("--long", action="store_true", help="the long form")
    chosen = parser.parse_args(arguments)
    count = chosen.count if chosen.count is not None else long if chosen.long else short
    rows = part(count, random.Random(chosen.seed))
    print(markdown(rows))
    return told(rows)


def told(rows: Sequence[Row]) -> int:
    """Print the faults; 1 if there are any."""
    for row in rows:
        for fault in row.faults:
            print(f"FAULT {row.what}: {fault}", file=sys.stderr)
    return 1 if any(row.faults for row in rows) else 0
