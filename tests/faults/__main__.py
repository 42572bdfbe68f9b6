"""``python -m tests.faults [--long] [--seed S]``: every part of the campaign, and one table of what was found."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import random
import subprocess
import sys
from collections.abc import Sequence

from tests.faults.common import ROOT, Row, markdown, told

PARTS = ("lines", "flips", "disks", "signals", "kills", "endurance")
_CALLS = {False: 1000, True: 100_000}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign; 1 if any fault was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    parser.add_argument("--long", action="store_true", help="the long form of every part")
    chosen = parser.parse_args(arguments)
    rows: list[Row] = []
    for name in PARTS:
        part = importlib.import_module(f"tests.faults.{name}")
        rows += part.play(part.LONG if chosen.long else part.SHORT, random.Random(chosen.seed))
    rows += _calls(_CALLS[chosen.long], chosen.seed)
    print(markdown(rows))
    return told(rows)


def _calls(count: int, seed: int) -> list[Row]:
    """Calls of every public function, in a process of their own."""
    if importlib.util.find_spec("tests.faults.calls") is None:
        return []
    command = [sys.executable, "-m", "tests.faults.calls", "--calls", str(count), "--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    after = done.stdout.partition("\ntotal")[2].splitlines()[1:]
    faults = after or ([] if done.returncode == 0 else [done.stderr.strip()[-300:]])
    return [Row("calls of public functions", count, tuple(faults), "an answer without NaN, or one sentence")]


if __name__ == "__main__":
    sys.exit(main())
