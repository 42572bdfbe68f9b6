"""The ledger on a terminal, as Markdown and as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

from . import statements
from .ledger import Entry, How, StepResult, examine, with_used

_WIDTH = 124


class UnknownStatementError(LookupError):
    """A name that no statement has."""


def main(arguments: Sequence[str]) -> int:
    """Run the command line; 0 if everything asked for holds, 1 if not, 2 for a name that does not exist."""
    parser = argparse.ArgumentParser(prog="proofs", description="Check every step of every proof.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these statements, and those they use")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print a table of the statements")
    parser.add_argument("--list", action="store_true", help="list the statements, check nothing")
    options = parser.parse_args(list(arguments))
    try:
        return show(options.names, as_json=options.json, as_markdown=options.markdown, only_list=options.list)
    except UnknownStatementError as error:
        print(f"proofs: {error}", file=sys.stderr)
        return 2


def show(names: Sequence[str], *, as_json: bool = False, as_markdown: bool = False, only_list: bool = False) -> int:
    """Print the ledger of the statements called `names` and those they use (default all); 0 if all hold, else 1."""
    known = statements()
    unknown = [name for name in names if name not in {statement.name for statement in known}]
    if unknown:
        raise UnknownStatementError(
            f"no statement is named {', '.join(unknown)}; there are {', '.join(statement.name for statement in known)}"
        )
    chosen = with_used(known, names) if names else known
    if only_list:
        for statement in chosen:
            print(f"{statement.name:<{_column(chosen)}}{statement.says}")
        return 0
    live = not (as_json or as_markdown)
    entries = examine(chosen, each=(lambda entry: print(text(entry) + "\n", flush=True)) if live else None)
    if as_json:
        print(json.dumps({"holds": _holds(entries), "statements": [as_row(entry) for entry in entries]}, indent=1))
    elif as_markdown:
        print(markdown(entries))
    else:
        print(summary(entries))
    return 0 if _holds(entries) else 1


def text(entry: Entry) -> str:
    """One statement with its steps, as lines of text."""
    statement = entry.statement
    lines = [f"{statement.name}: {statement.says}"]
    if statement.source:
        lines.append(f"    after {statement.source}")
    for result in entry.results:
        step = result.step
        lines.append(f"    {'holds' if result.holds else 'GAP  '}  {step.how:<15}  {_wrapped(step.says, 28)}")
        lines.append(f"{'':28}[{_wrapped(step.scope, 29)}]")
        if result.gap:
            lines.append(f"{'':28}{_wrapped(_short(result.gap), 28)}")
    uses = f" (uses {', '.join(statement.uses)})" if statement.uses and not entry.missing else ""
    verdict = "holds" if entry.holds else "DOES NOT HOLD" + (f": {entry.missing}" if entry.missing else "")
    lines.append(f"    => {statement.name} {verdict}{uses}")
    return "\n".join(lines)


def summary(entries: Sequence[Entry]) -> str:
    """Totals, in one line."""
    kinds = Counter(result.step.how for entry in entries for result in entry.results)
    failed = sum(not entry.holds for entry in entries)
    seconds = sum(result.seconds for entry in entries for result in entry.results)
    checks = sum(result.checks for entry in entries for result in entry.results)
    steps = ", ".join(f"{kinds[how]} {how}" for how in How if kinds[how])
    state = "all hold" if entries and not failed else f"{failed} DO NOT HOLD"
    return f"{len(entries)} statements, {kinds.total()} steps ({steps}), {checks} checks: {state} ({seconds:.0f} s)"


def markdown(entries: Sequence[Entry]) -> str:
    """A table with one row a statement."""
    lines = ["| statement | what it says | steps | |", "|---|---|---|---|"]
    for entry in entries:
        kinds = Counter(result.step.how for result in entry.results)
        steps = ", ".join(f"{kinds[how]} {how}" for how in How if kinds[how])
        says = entry.statement.says.replace("|", "\\|")
        lines.append(f"| {entry.statement.name} | {says} | {steps} | {'holds' if entry.holds else 'DOES NOT HOLD'} |")
    return "\n".join([*lines, "", summary(entries)])


def as_row(entry: Entry) -> dict[str, Any]:
    """The JSON of one statement."""
    statement = entry.statement
    return {
        "name": statement.name,
        "says": statement.says,
        "source": statement.source,
        "uses": list(statement.uses),
        "holds": entry.holds,
        "missing": entry.missing,
        "steps": [_step_row(result) for result in entry.results],
    }


def _step_row(result: StepResult) -> dict[str, Any]:
    return {
        "says": result.step.says,
        "how": str(result.step.how),
        "scope": result.step.scope,
        "holds": result.holds,
        "gap": result.gap,
        "checks": result.checks,
        "seconds": round(result.seconds, 3),
    }


def _holds(entries: Sequence[Entry]) -> bool:
    return bool(entries) and all(entry.holds for entry in entries)


def _wrapped(words: str, indent: int) -> str:
    return ("\n" + " " * indent).join(textwrap.wrap(words, _WIDTH - indent)) or words


def _short(message: str) -> str:
    return message if len(message) <= 400 else message[:400] + " ..."


def _column(statements_: Sequence[Any]) -> int:
    return max(len(statement.name) for statement in statements_) + 2
