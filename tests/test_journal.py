"""The journal of a run: what was decided by other code, or altered since, is decided again."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from linflow import provenance
from linflow.claims import Case, Claim, Outcome, Quantity, verify_all
from linflow.claims import run as run_module
from linflow.claims import verdict as verdict_module
from linflow.claims.verdict import Cell, decide
from linflow.engine.store import Store
from linflow.errors import DataError, OutputError
from linflow.spectrum import Spectrum

CASES = [Case(Spectrum([3.0, 2.0, 1.0, 0.5, 0.25]), (2,)), Case(Spectrum([3.0, 2.0, 1.0, 0.5]), (2,))]
OWN = """
import numpy as np
from linflow.claims.quantities import Draws, Quantity
{before}
class Mine(Quantity):
    name = "mine"
    def draws(self, s, m, size, rng):
        return Draws((rng.random(size) < {probability}) * 1.0, np.full(size, 0.5))
"""
#: Ways in which a user's files say what the probability is: the quantity's, that of a helper, one that the helper imports,
#: one named like a module of Python's own, and data that the helper reads when it is imported.
WAYS: dict[str, Callable[[float], str]] = {
    "in the method": lambda p: OWN.format(before="", probability=p),
    "in a global": lambda p: OWN.format(before=f"P = {p}", probability="P"),
    "in a function": lambda p: OWN.format(before=f"def p():\n    return {p}", probability="p()"),
    "in a module": lambda p: OWN.format(before="import linflow_test_helper as helper", probability="helper.P"),
    "in a function of a module": lambda p: OWN.format(before="from linflow_test_helper import p", probability="p()"),
    "in a module imported when called": lambda p: OWN.format(
        before="def p():\n    import linflow_test_helper\n    return linflow_test_helper.P", probability="p()"
    ),
    "from a module imported when called": lambda p: OWN.format(
        before="def p():\n    from linflow_test_helper import P\n    return P", probability="p()"
    ),
    "in a module that a module imports": lambda p: OWN.format(
        before="import linflow_test_helper as helper", probability="helper.second()"
    ),
    "in a name that a module hands on": lambda p: OWN.format(
        before="import linflow_test_helper as helper", probability="helper.handed_on()"
    ),
    "in data that a module reads": lambda p: OWN.format(
        before="import linflow_test_helper as helper", probability="helper.DATA"
    ),
    "in a module named like one of Python's": lambda p: OWN.format(before="from this import p", probability="p()"),
    "in an attribute of a function": lambda p: OWN.format(
        before=f"def p():\n    return p.level\np.level = {p}", probability="p()"
    ),
    "behind the name of a library's function": lambda p: OWN.format(
        before=f"import functools\n@functools.wraps(np.linalg.norm)\ndef p():\n    return {p}", probability="p()"
    ),
    "in a method of a dict": lambda p: OWN.format(before=f"look = {{1: {p}}}.get", probability="look(1)"),
    "in the order of a dict": lambda p: OWN.format(
        before=f"table = {{i: i for i in sorted([0.2, 0.8], key=lambda i: i != {p})}}", probability="next(iter(table))"
    ),
}


HELPER = """
from pathlib import Path
import linflow_test_second
from linflow_test_second import p as handed_on
P = {probability}
DATA = float(Path(__file__).with_name("data.txt").read_text())
def p():
    return {probability}
def second():
    return linflow_test_second.p()
"""
#: Modules of the user's that a quantity imports, those that others import first.
HELPERS = ("this", "linflow_test_second", "linflow_test_helper")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    # A file that is edited within a second, to the same length, would be taken for its older compilation.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in (*HELPERS, "linflow_test_mine"):
        monkeypatch.setitem(sys.modules, name, None)  # so that whatever is left there is taken away


def loaded(name: str, file: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def quantity(folder: Path, way: str, probability: float) -> Quantity:
    """The user's quantity, from files as they stand after an edit."""
    (folder / "data.txt").write_text(str(probability))
    plain = f"def p():\n    return {probability}\n"
    texts = dict(zip(HELPERS, (plain, plain, HELPER.format(probability=probability)), strict=True))
    for name, text in {**texts, "linflow_test_mine": WAYS[way](probability)}.items():
        file = folder / f"{name}.py"
        file.write_text(text)
        loaded(name, file)
    made: Quantity = sys.modules["linflow_test_mine"].Mine()
    return made


def claim(about: Quantity) -> Claim:
    return Claim(name="c", statement="Q <= 0.5", kind="upper", value=lambda s, m: 0.5, quantity=about)


def interrupted(about: Quantity, journal: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify_all([claim(about)], cases=CASES, workers=1, journal=journal, progress=stop)


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[Cell]:
    cells: list[Cell] = []

    def counting(cell: Cell) -> list[Outcome]:
        cells.append(cell)
        return decide(cell)

    monkeypatch.setattr(run_module, "decide", counting)
    return cells


@pytest.mark.parametrize("way", WAYS)
def test_what_the_old_code_decided_is_not_taken(way: str, tmp_path: Path, decided: list[Cell]) -> None:
    journal = tmp_path / "cells.sqlite"
    interrupted(quantity(tmp_path, way, 0.8), journal)
    decided.clear()
    mended = quantity(tmp_path, way, 0.2)
    report = verify_all([claim(mended)], cases=CASES, workers=1, journal=journal)
    assert [case.verdict for case in report.verdicts[0].cases] == ["supported", "supported"]
    assert len(decided) == 2


@pytest.mark.parametrize("way", WAYS)
def test_what_the_same_code_decided_is_taken(way: str, tmp_path: Path, decided: list[Cell]) -> None:
    journal = tmp_path / "cells.sqlite"
    interrupted(quantity(tmp_path, way, 0.2), journal)
    again = quantity(tmp_path, way, 0.2)  # the file read once more, as a second start reads it
    verify_all([claim(again)], cases=CASES, workers=1, journal=journal)
    assert len(decided) == 2


def test_what_an_older_linflow_decided_is_not_taken(
    tmp_path: Path, decided: list[Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = tmp_path / "cells.sqlite"
    about = quantity(tmp_path, "in the method", 0.2)
    interrupted(about, journal)
    for module in (provenance, verdict_module):
        monkeypatch.setattr(module, "code_digest", lambda: "another version")
    verify_all([claim(about)], cases=CASES, workers=1, journal=journal)
    assert len(decided) == 3


def altered(journal: Path, change: Callable[[str], str]) -> None:
    connection = sqlite3.connect(journal)
    [(key, payload)] = connection.execute("SELECT key, payload FROM records").fetchall()
    assert change(payload.decode()) != payload.decode()
    connection.execute("UPDATE records SET payload = ? WHERE key = ?", (change(payload.decode()).encode(), key))
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"high": 0.', '"high": 0.0', 1),
        lambda text: text.replace('"form": "confidence"', '"form": "enclosed"', 1),
        lambda text: text.replace('"value": 0.5', '"value": 0.9', 1),
        lambda text: text.replace('"n": 5', '"n": 6', 1).replace('"n": 4', '"n": 5', 1),
    ],
)
def test_a_row_that_was_altered_is_decided_again(change: Callable[[str], str], tmp_path: Path, decided: list[Cell]) -> None:
    journal = tmp_path / "cells.sqlite"
    about = quantity(tmp_path, "in the method", 0.2)
    reference = verify_all([claim(about)], cases=CASES, workers=1).verdicts[0].cases
    interrupted(about, journal)
    altered(journal, change)
    decided.clear()
    found = verify_all([claim(about)], cases=CASES, workers=1, journal=journal).verdicts[0].cases
    assert found == reference
    assert len(decided) == 2


def test_without_the_seal_an_altered_row_would_be_believed(
    tmp_path: Path, decided: list[Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the tests above."""
    journal = tmp_path / "cells.sqlite"
    about = quantity(tmp_path, "in the method", 0.2)
    reference = verify_all([claim(about)], cases=CASES, workers=1).verdicts[0].cases
    interrupted(about, journal)
    altered(journal, lambda text: text.replace('"form": "confidence"', '"form": "enclosed"', 1))
    connection = sqlite3.connect(journal)
    [(kept,)] = connection.execute("SELECT seal FROM records").fetchall()
    connection.close()
    monkeypatch.setattr(Store, "_seal", lambda self, record: kept)
    decided.clear()
    believed = verify_all([claim(about)], cases=CASES, workers=1, journal=journal).verdicts[0].cases
    assert len(decided) == 1
    assert believed != reference


def test_a_flipped_bit_anywhere_changes_nothing_or_is_refused(tmp_path: Path, decided: list[Cell]) -> None:
    journal = tmp_path / "cells.sqlite"
    about = quantity(tmp_path, "in the method", 0.2)
    reference = verify_all([claim(about)], cases=CASES, workers=1).verdicts[0].cases
    interrupted(about, journal)
    whole = journal.read_bytes()
    refusals = []
    for place in (*range(0, 100, 7), *range(100, len(whole), 997)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << (place % 7)
        for path in tmp_path.glob("cells.sqlite*"):
            path.unlink()
        journal.write_bytes(bytes(flipped))
        try:
            found = verify_all([claim(about)], cases=CASES, workers=1, journal=journal).verdicts[0].cases
        except DataError as error:
            refusals.append(str(error))
        else:
            assert found == reference, place
    assert refusals
    assert all("choose another folder" in sentence for sentence in refusals)


def test_a_sealed_row_that_answers_another_question_is_not_taken(tmp_path: Path, decided: list[Cell]) -> None:
    about = quantity(tmp_path, "in the method", 0.2)
    reference = verify_all([claim(about)], cases=CASES, workers=1).verdicts[0].cases
    for number, change in enumerate(({"value": 1e9}, {"m": 3}, {"claim": "other"}, {"spectrum_key": "other"}, None)):
        journal = tmp_path / f"cells{number}.sqlite"
        interrupted(about, journal)
        with Store(journal, {"command": "verify", "code": provenance.code_digest()}) as store:
            [record] = store.records().values()
            outcomes = json.loads(record.payload or b"")
            wrong = [] if change is None else [outcomes[0] | change]
            store.add(replace(record, payload=json.dumps(wrong).encode()))
        decided.clear()
        found = verify_all([claim(about)], cases=CASES, workers=1, journal=journal).verdicts[0].cases
        assert found == reference
        assert len(decided) == 2


def test_another_run_in_the_same_file_costs_this_one_nothing(tmp_path: Path, decided: list[Cell]) -> None:
    journal = tmp_path / "cells.sqlite"
    about = quantity(tmp_path, "in the method", 0.2)
    interrupted(about, journal)
    other = Claim(name="other", statement="E_m <= 100", kind="upper", value=lambda s, m: 100.0)
    verify_all([other], cases=CASES, workers=1, journal=journal)
    decided.clear()
    verify_all([claim(about)], cases=CASES, workers=1, journal=journal)
    assert len(decided) == 1


def test_two_runs_at_once_are_one_sentence(tmp_path: Path) -> None:
    journal = tmp_path / "cells.sqlite"
    about = claim(quantity(tmp_path, "in the method", 0.2))

    def second(done: int, total: int) -> None:
        with pytest.raises(OutputError, match="another run writes to"):
            verify_all([about], cases=CASES, workers=1, journal=journal)

    verify_all([about], cases=CASES, workers=1, journal=journal, progress=second)


def test_a_deleted_journal_is_said_at_once(tmp_path: Path, decided: list[Cell]) -> None:
    about = claim(quantity(tmp_path, "in the method", 0.2))
    folder = tmp_path / "out"

    def delete(done: int, total: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    with pytest.raises(OutputError, match="deleted or replaced"):
        verify_all([about], cases=CASES, workers=1, journal=folder / "cells.sqlite", progress=delete)
    assert len(decided) <= 1
