"""Planting a fault in a proof: the same file with one phrase changed, which must leave a gap."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import proofs
from proofs.ledger import Entry, Statement
from proofs.propositions import definitions

_serial = itertools.count()


def entries_of(file: str, old: str | None = None, new: str = "") -> list[Entry]:
    """Run the statements of ``proofs/FILE.py`` by themselves, with `old` (which must occur exactly once) replaced.

    Whether the statements that they use hold is left aside: what is tested here is the file.
    """
    with planted(file, old, new) as found, definitions():
        return [Entry(statement, tuple(statement.run())) for statement in found]


def gaps(file: str, old: str, new: str) -> list[str]:
    """The first gap that is reported when `old` is replaced by `new` in a proof; empty if the fault goes unnoticed."""
    with planted(file, old, new) as found, definitions():
        for statement in found:
            for result in statement.checked():
                if not result.holds:
                    return [result.gap]
    return []


@contextmanager
def planted(file: str, old: str | None, new: str) -> Iterator[list[Statement]]:
    """The statements of a proof with one phrase replaced."""
    path = Path(proofs.__file__).parent / f"{file}.py"
    source = path.read_text(encoding="utf-8")
    if old is not None:
        assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times in {path.name}"
        source = source.replace(old, new)
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
