"""Signals at random moments of every command, and readers that go away: one sentence, the signal's status, nobody left.

    python -m tests.faults.signals [--count N] [--seed S] [--long]

How long a command takes to end is printed; no time is too long, for that depends on the machine.
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.common import Row, run_part, sentences
from tests.faults.jobs import jobs
from tests.faults.processes import PATIENCE, children, left_over, start, until

SHORT, LONG = 4, 40
_MEANS = "one sentence, 128 + the signal (141 for a closed pipe), nobody left after 2 s"
_WORDS = {"SIGINT": "interrupted", "SIGTERM": "stopped by SIGTERM", "SIGHUP": "stopped by SIGHUP"}
#: (command, signal); SIGPIPE is a reader of standard output that goes away.
CASES = (
    ("run", "SIGTERM"),
    ("hunt", "SIGINT"),
    ("predict", "SIGPIPE"),
    ("verify", "SIGHUP"),
    ("train", "SIGTERM"),
    ("prove", "SIGINT"),
    *((name, number) for number in ("SIGINT", "SIGHUP", "SIGTERM") for name in ("run", "hunt", "verify", "train", "prove")),
    *((name, "SIGPIPE") for name in ("run", "hunt", "verify", "train", "prove")),
)


def play(count: int, rng: random.Random, cases: Sequence[tuple[str, str]] = CASES) -> list[Row]:
    """Send `count` signals, each kind in turn."""
    rows: dict[tuple[str, str], list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(count):
            case = cases[number % len(cases)]
            rows.setdefault(case, []).append(_sent(*case, folder, number, rng))
    return [
        Row(f"{sent} to {name}", len(found), tuple(fault for fault in found if fault), _MEANS)
        for (name, sent), found in rows.items()
    ]


def _command(name: str, folder: Path, number: int) -> list[str]:
    if name == "prove":
        return ["prove", "--json"]
    if name == "predict":
        return ["predict", "--family", "power-law", "--n", "100000", "--m", "1:30000", "--json"]
    return jobs(folder, seconds=0.2)[name].command(folder / f"out{number}")


def _sent(name: str, what: str, folder: Path, number: int, rng: random.Random) -> str:
    process = start(_command(name, folder, number), folder / "cache")
    assert process.stdout is not None
    out = folder / f"out{number}"
    # The command itself has to be there: while Python starts, signals are Python's.
    until(lambda: out.exists() if name not in ("prove", "predict") else _awake(process.pid), process, 30.0)
    time.sleep(rng.uniform(0.0, 1.0))
    family, begun = children(process.pid), time.monotonic()
    if what == "SIGPIPE":
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.stderr.close()
        process.wait(PATIENCE)
    else:
        process.send_signal(getattr(signal, what))
        _, err = process.communicate(timeout=PATIENCE)
    seconds = time.monotonic() - begun
    print(f"{what} to {name}: status {process.returncode} after {seconds:.2f} s", file=sys.stderr)
    problem = _judged(name, what, process.returncode, err)
    if not problem and left_over(family):
        problem = "processes are left"
    return problem


def _awake(pid: int) -> bool:
    """Whether the process handles SIGTERM itself by now."""
    try:
        for line in (Path("/proc") / str(pid) / "status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    except OSError:
        pass
    return False


def _judged(name: str, what: str, status: int, err: str) -> str:
    said = sentences(err)
    if "Traceback" in err:
        return f"a traceback: {err.strip()[-300:]!r}"
    if status == 0 and not said:  # it had ended before
        return ""
    if what == "SIGPIPE":
        return "" if status == 141 and not said else f"status {status}, {said!r}"
    if status != 128 + getattr(signal, what):
        return f"status {status}, {said!r}"
    if len(said) != 1 or not said[0].startswith(f"linflow: {_WORDS[what]}"):
        return f"no single sentence: {said!r}"
    if (name in ("run", "hunt", "verify", "train")) != said[0].endswith("the same command continues where it stopped"):
        return f"it says {said[0]!r}"
    return ""


if __name__ == "__main__":
    sys.exit(run_part(play, SHORT, LONG, __doc__ or ""))
