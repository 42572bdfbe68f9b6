"""The ledger on a terminal, as Markdown and as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from . import statements
from .ledger import Entry, How, StepResult, examine

_WIDTH = 124
#: What the cells of a row are, for programs.
_COLUMNS = ("statement", "says", "steps", "uses", "verdict")


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


def show(
    names: Sequence[str],
    *,
    as_json: bool = False,
    as_markdown: bool = False,
    only_list: bool = False,
    put: Callable[[list[dict[str, str]]], None] | None = None,
) -> int:
    """Print the ledger of the statements called `names` and those they use (default all); 0 if all hold, else 1.

    `put` is handed the rows of its table, and prints them in the place of this module.
    """
    known = statements()
    unknown = [name for name in names if name not in {statement.name for statement in known}]
    if unknown:
        raise UnknownStatementError(
            f"no statement is named {', '.join(unknown)}; there are {', '.join(statement.name for statement in known)}"
        )
    if only_list:
        chosen = [statement for statement in known if not names or statement.name in names]
        if put is not None:
            put([{"statement": statement.name, "says": statement.says} for statement in chosen])
            return 0
        for statement in chosen:
            print(f"{statement.name:<{_column(chosen)}}{statement.says}")
        return 0
    live = not (as_json or as_markdown or put is not None)
    entries = examine(known, names, each=(lambda entry: print(text(entry) + "\n", flush=True)) if live else None)
    if as_json:
        print(json.dumps({"holds": _holds(entries), "statements": [as_row(entry) for entry in entries]}, indent=1))
    elif as_markdown:
        print(markdown(entries))
    elif put is not None:
        put([dict(zip(_COLUMNS, cells(entry), strict=True)) for entry in entries])
    else:
        print(summary(entries))
    return 0 if _holds(entries) else 1


def text(entry: Entry) -> str:
    """One statement with its steps, as lines of text."""
    statement = entry.statement
    lines = [f"{statement.name}: {_wrapped(statement.says, 4)}"]
    if statement.source:
        lines.append(f"    after {statement.source}")
    for result in entry.results:
        step = result.step
        lines.append(f"    {'holds' if result.holds else 'GAP  '}  {step.how:<15}  {_wrapped(step.says, 28)}")
        lines += [f"{'':28}{_wrapped(fact, 30)}" for fact in _facts(result)]
        lines += [f"{'':28}argued: {_wrapped(reason, 36)}" for reason in result.record.argued]
        if result.scope:
            lines.append(f"{'':28}[{_wrapped(result.scope, 29)}]")
        if result.gap:
            lines.append(f"{'':28}{_wrapped(_short(result.gap), 28)}")
    uses = f" (uses {', '.join(entry.used)})" if entry.used and not entry.missing else ""
    verdict = entry.verdict + (f": {entry.missing}" if entry.missing else "")
    lines.append(f"    => {statement.name} {verdict}{uses}")
    return "\n".join(lines)


#: So many facts of a step are printed.
_FACTS = 4


def _facts(result: StepResult) -> list[str]:
    """What a step established, the first facts in full."""
    facts = [_short(str(fact)) for fact in result.record.facts]
    if result.step.how is How.INSTANCE or len(facts) > 4 * _FACTS:
        return [f"{len(facts)} facts"] if facts else []
    return facts[:_FACTS] + ([f"and {len(facts) - _FACTS} more"] if len(facts) > _FACTS else [])


def summary(entries: Sequence[Entry]) -> str:
    """Totals, in one line."""
    kinds = Counter(result.step.how for entry in entries for result in entry.results)
    failed = sum(not entry.holds for entry in entries)
    seconds = sum(result.seconds for entry in entries for result in entry.results)
    checks = sum(result.checks for entry in entries for result in entry.results)
    argued = sum(entry.argued for entry in entries)
    finite = sum(result.largest is not None for entry in entries for result in entry.results)
    scopes = f"{argued} links argued in words, {finite} symbolic steps up to some size only"
    state = "all hold" if entries and not failed else f"{failed} DO NOT HOLD"
    total = f"{len(entries)} statements, {kinds.total()} steps ({_counted(kinds)}), {checks} checks"
    return f"{total}; {scopes}: {state} ({seconds:.0f} s)"


def _counted(kinds: Counter[How]) -> str:
    return ", ".join(f"{kinds[how]} {how}" for how in How if kinds[how])


def cells(entry: Entry) -> list[str]:
    """One row of the table: name, what is said, how it is established, what is used, the verdict."""
    steps = _counted(Counter(result.step.how for result in entry.results))
    checks = sum(result.checks for result in entry.results)
    argued = f"; {entry.argued} argued" if entry.argued else ""
    statement = entry.statement
    return [statement.name, statement.says, f"{steps}{argued}; {checks} checks", ", ".join(entry.used), entry.verdict]


def markdown(entries: Sequence[Entry]) -> str:
    """A table with one row a statement."""
    lines = ["| statement | what it says | steps | uses | |", "|---|---|---|---|---|"]
    for entry in entries:
        row = " | ".join(cell.replace("|", "\\|") for cell in cells(entry))
        lines.append(f"| {row} |")
    return "\n".join([*lines, "", summary(entries)])


def as_row(entry: Entry) -> dict[str, Any]:
    """The JSON of one statement."""
    statement = entry.statement
    return {
        "name": statement.name,
        "says": statement.says,
        "source": statement.source,
        "uses": list(entry.used),
        "holds": entry.holds,
        "verdict": entry.verdict,
        "sizes_up_to": entry.largest,
        "argued": entry.argued,
        "missing": entry.missing,
        "steps": [_step_row(result) for result in entry.results],
    }


def _step_row(result: StepResult) -> dict[str, Any]:
    return {
        "says": result.step.says,
        "how": str(result.step.how),
        "scope": result.scope,
        "facts": [str(fact) for fact in result.record.facts],
        "argued": list(result.record.argued),
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
