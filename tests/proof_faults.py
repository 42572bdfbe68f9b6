"""Planting a fault in a proof: the same file with one phrase changed, which must leave a gap."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import proofs
from proofs.command import cells
from proofs.ledger import Entry, Statement
from proofs.propositions import definitions

_serial = itertools.count()


def entries_of(file: str, old: str | None = None, new: str = "") -> list[Entry]:
    """Run the statements of ``proofs/FILE.py`` by themselves, with `old` (which must occur exactly once) replaced.

    Whether the statements that they use hold is left aside: what is tested here is the file. Without a fault they are what
    docs/ledger.md says of them: the same words, steps, sizes and used statements.
    """
    with planted(file, old, new) as found, definitions():
        entries = [Entry(statement, tuple(statement.run())) for statement in found]
    if old is None:
        for entry in entries:
            assert cells(entry) == documented()[entry.statement.name]
    return entries


@cache
def documented() -> dict[str, list[str]]:
    """The rows of docs/ledger.md by the names of the statements."""
    text = (Path(__file__).parents[1] / "docs" / "ledger.md").read_text(encoding="utf-8")
    lines = [line.replace("\\|", "\0").strip("|") for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip().replace("\0", "|") for cell in line.split("|")] for line in lines[2:]]
    return {row[0]: row for row in rows}


def gaps(file: str, *changes: str | tuple[str, str]) -> list[str]:
    """The first gap that is reported of a proof with a fault in it; empty if the fault goes unnoticed.

    Either an old phrase, which occurs once, and a new one; or pairs of them, each old phrase to be replaced everywhere.
    """
    pairs = [change for change in changes if isinstance(change, tuple)]
    old, new = (str(change) for change in changes) if not pairs else (None, "")
    with planted(file, old, new, everywhere=pairs) as found, definitions():
        for statement in found:
            for result in statement.checked():
                if not result.holds:
                    return [result.gap]
    return []


@contextmanager
def planted(
    file: str, old: str | None, new: str, *, everywhere: Sequence[tuple[str, str]] = ()
) -> Iterator[list[Statement]]:
    """The statements of a proof with phrases replaced."""
    path = Path(proofs.__file__).parent / f"{file}.py"
    source = path.read_text(encoding="utf-8")
    if old is not None:
        assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times in {path.name}"
        source = source.replace(old, new)
    for phrase, other in everywhere:
        assert phrase in source, f"{phrase!r} does not occur in {path.name}"
        source = source.replace(phrase, other)
    name = f"proofs.{file}_with_a_fault_{next(_serial)}"
    spec = spec_from_loader(name, loader=None, origin=str(path))
    assert spec is not None
    module = module_from_spec(spec)
    module.__package__ = "proofs"
    sys.modules[name] = module
    try:
        exec(compile(source, str(path), "exec"), vars(module))
        yield [value for value in vars(module).values() if isinstance(value, Statement) and value.file == name]
    finally:
        del sys.modules[name]
