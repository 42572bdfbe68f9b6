"""Records on disk: what was torn or altered is not read, and everything else comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linflow.engine.files import JsonLines

ROWS: list[dict[str, Any]] = [{"key": "a", "value": 0.1}, {"key": "b", "value": [1, None, "é"]}, {"key": "c", "value": {}}]


def written(path: Path, rows: list[dict[str, Any]] = ROWS) -> list[str]:
    """The lines of a file of these records."""
    with JsonLines(path) as book:
        for row in rows:
            book.add(row)
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line]


def read(path: Path) -> list[Any]:
    with JsonLines(path) as book:
        return book.rows


def test_records_come_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "rows"
    assert len(written(path)) == len(ROWS)
    assert read(path) == ROWS
    assert read(path) == ROWS  # reading leaves no trace


ALTERED: dict[str, tuple[str, str]] = {
    "a digit": ("0.1", "0.2"),
    "a name": ('"key": "a"', '"kex": "a"'),
    "a key": ('"key": "a"', '"key": "x"'),
    "a type": ("0.1", '"0.1"'),
    "a part more": ('"value": 0.1', '"value": 0.1, "more": 1'),
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_record_that_was_altered_is_not_read(what: str, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    first, *others = written(path)
    old, new = ALTERED[what]
    assert first.count(old) == 1
    path.write_text("\n".join([first.replace(old, new), *others]), encoding="utf-8")
    assert read(path) == ROWS[1:]


def test_the_seal_of_another_record_is_none(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    one, other = (json.loads(line) for line in written(path)[:2])
    path.write_text(json.dumps(one | {"seal": other["seal"]}), encoding="utf-8")
    assert read(path) == []


@given(cut=st.integers(1, 60))
def test_a_torn_record_costs_itself_only(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("torn") / "rows"
    written(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with JsonLines(path) as book:
        assert book.rows == ROWS[:2]
        book.add({"key": "d"})
    assert read(path) == [*ROWS[:2], {"key": "d"}]


def test_the_order_of_a_records_parts_is_no_difference(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    sealed = json.loads(written(path, ROWS[:1])[0])
    sealed["record"] = dict(reversed(sealed["record"].items()))
    path.write_text(json.dumps(sealed), encoding="utf-8")
    assert read(path) == ROWS[:1]
