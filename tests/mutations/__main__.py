"""``python -m tests.mutations``: plant every fault, say which test catches it; exit status 0 only if none survives."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence

from linflow.checks import available_cores
from tests.mutations.runner import BROKEN, CAUGHT, SURVIVED, TIMEOUT, Fault, HarnessError, Result, Workshop
from tests.mutations.table import FAULTS


def main(arguments: Sequence[str] | None = None, faults: Sequence[Fault] = FAULTS) -> int:
    """Run the command; returns 0 (all caught), 1 (some not), 2 (the check could not be made), 130 (interrupted)."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", action="append", metavar="NAME", help="this fault only (may be repeated)")
    parser.add_argument("--list", action="store_true", help="list the faults and plant none")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--workers", type=int, default=available_cores(), help="faults at a time; default all cores")
    parser.add_argument("--timeout", type=float, default=TIMEOUT, help="seconds for the tests of one fault")
    options = parser.parse_args(arguments)
    chosen = [fault for fault in faults if options.only is None or fault.name in options.only]
    if unknown := set(options.only or ()) - {fault.name for fault in chosen}:
        parser.error(f"no fault is named {', '.join(sorted(unknown))}: --list shows them")
    if options.workers < 1:
        parser.error("--workers must be at least 1")
    if options.list:
        _print_list(chosen)
        return 0
    start = time.monotonic()
    try:
        results = _results(chosen, options.workers, options.timeout)
    except HarnessError as error:
        print(f"tests.mutations: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tests.mutations: interrupted", file=sys.stderr)
        return 130
    seconds = time.monotonic() - start
    (_print_json if options.json else _print_table)(results, seconds)
    return 0 if all(result.outcome == CAUGHT for result in results) else 1


def _results(faults: Sequence[Fault], workers: int, timeout: float) -> list[Result]:
    """In the order of `faults`."""
    found: dict[str, Result] = {}
    with Workshop(workers=workers, timeout=timeout) as workshop:
        workshop.check(faults)
        tests = [test for fault in faults for test in fault.tests]
        print(f"without any fault: {len(set(tests))} tests ...", file=sys.stderr, flush=True)
        workshop.baseline(tests)
        for result in workshop.results(faults):
            found[result.fault.name] = result
            where = f"[{len(found)}/{len(faults)}]"
            print(f"{where:>9} {result.outcome:8} {result.fault.name}", file=sys.stderr, flush=True)
    return [found[fault.name] for fault in faults]


def _print_list(faults: Sequence[Fault]) -> None:
    file = None
    for fault in faults:
        if fault.file != file:
            file = fault.file
            print(f"\n{file}")
        print(f"  {fault.name:34} {fault.what}")


def _print_table(results: Sequence[Result], seconds: float) -> None:
    file = None
    for result in results:
        if result.fault.file != file:
            file = result.fault.file
            print(f"\n{file}")
        said = result.by.removeprefix("tests/") if result.outcome == CAUGHT else result.why
        print(f"  {result.outcome:8}  {result.fault.name:34}  {result.fault.what}")
        print(f"            {'':34}  {said}")
    count = {outcome: sum(result.outcome == outcome for result in results) for outcome in (CAUGHT, SURVIVED, BROKEN)}
    print(
        f"\n{len(results)} faults: {count[CAUGHT]} caught, {count[SURVIVED]} survived, {count[BROKEN]} broken "
        f"({seconds:.0f} s)"
    )
    for result in results:
        if result.outcome != CAUGHT:
            print(f"{result.outcome}: {result.fault.name} ({result.fault.what}): {result.why}")


def _print_json(results: Sequence[Result], seconds: float) -> None:
    rows = [
        {
            "name": result.fault.name,
            "what": result.fault.what,
            "file": result.fault.file,
            "tests": list(result.fault.tests),
            "outcome": result.outcome,
            "by": result.by or None,
            "why": result.why,
            "seconds": round(result.seconds, 2),
        }
        for result in results
    ]
    print(json.dumps({"seconds": round(seconds, 1), "faults": rows}, indent=1))


if __name__ == "__main__":
    # Ended from outside, or interrupted in the background of a shell, it removes its copies too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
