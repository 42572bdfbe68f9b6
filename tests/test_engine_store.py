"""The store: nothing but what was stored comes back, whose it was; one writer; no mixing; sound or refused."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from linflow.engine.seal import seal, sealed, unsealed
from linflow.engine.store import Record, Store
from linflow.errors import DataError, OutputError
from linflow.experiments.stored import decode, encode

IDENTITY = {"what": "a test", "seed": 0}
RECORDS = [Record(f"cell {i}", bytes([i]) * 2000, seconds=0.1 * i, label=f'{{"i": {i}}}') for i in range(8)]


def filled(path: Path) -> Path:
    with Store(path, IDENTITY) as store:
        for record in RECORDS:
            store.add(record)
    return path


def held(path: Path, **identity: object) -> dict[str, Record]:
    with Store(path, identity or IDENTITY) as store:
        return store.records()


@given(
    arrays(np.float64, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), elements=st.floats(width=64)),
    st.floats(),
)
def test_every_float_comes_back_bit_for_bit(array: NDArray[np.float64], number: float) -> None:
    values = {"array": array, "number": np.array(number)}
    back = decode(encode(values))
    assert list(back) == ["array", "number"]
    for name, value in values.items():
        assert back[name].shape == value.shape
        assert back[name].tobytes() == value.tobytes()


@given(
    st.builds(
        Record,
        key=st.text(),
        payload=st.binary(),
        seconds=st.floats(0, 1e9),
        label=st.text(),
        lost=st.booleans(),
    )
)
def test_every_record_comes_back(record: Record) -> None:
    for kept in (record, replace(record, payload=None, error="ValueError: no")):
        with Store(None, IDENTITY) as store:
            try:
                store.add(kept)
            except DataError:  # SQLite holds no lone surrogates
                assert any("\ud800" <= c <= "\udfff" for c in kept.key + kept.label)
                continue
            assert store.records() == {kept.key: kept}


def test_a_record_is_a_result_or_an_error() -> None:
    with Store(None, IDENTITY) as store:
        for wrong in (Record("a", None), Record("a", b"", error="no")):
            with pytest.raises(ValueError, match="a result or an error"):
                store.add(wrong)


def test_runs_in_one_file_do_not_mix_and_each_row_knows_its_run(tmp_path: Path) -> None:
    path = filled(tmp_path / "s.sqlite")
    with Store(path, {"what": "a test", "seed": 1}) as other:
        assert other.records() == {}
        assert other.damaged == 0  # not asked for at all, rather than refused for its seal
    assert held(path) == {record.key: record for record in RECORDS}
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    assert connection.execute("SELECT identity FROM rows").fetchone() == ('{"seed": 0, "what": "a test"}',)
    connection.close()


#: What may happen to a row: the statement, and how many records are lost by it.
ALTERATIONS = {
    "another result": ("UPDATE records SET payload = x'00' WHERE key = 'cell 3'", 1),
    "no result": ("UPDATE records SET payload = NULL WHERE key = 'cell 3'", 1),
    "a result that becomes an error": ("UPDATE records SET payload = NULL, error = 'no' WHERE key = 'cell 3'", 1),
    "a result as text": ("UPDATE records SET payload = CAST(payload AS TEXT) WHERE key = 'cell 3'", 1),
    "another seal": ("UPDATE records SET seal = x'00' WHERE key = 'cell 3'", 1),
    "the seal of another": ("UPDATE records SET seal = (SELECT seal FROM records WHERE key = 'cell 4')", 7),
    "another's result": (
        "UPDATE records SET (payload, seal, label, seconds) = "
        "(SELECT payload, seal, label, seconds FROM records WHERE key = 'cell 4') WHERE key = 'cell 3'",
        1,
    ),
    "another name": ("UPDATE records SET key = 'cell 9' WHERE key = 'cell 3'", 1),
    "other seconds": ("UPDATE records SET seconds = 7 WHERE key = 'cell 3'", 1),
    "seconds as text": ("UPDATE records SET seconds = 'x' WHERE key = 'cell 3'", 1),
    "another label": ("UPDATE records SET label = '{}' WHERE key = 'cell 3'", 1),
    "lost": ("UPDATE records SET lost = 1 WHERE key = 'cell 3'", 1),
    "lost as text": ("UPDATE records SET lost = 'x' WHERE key = 'cell 3'", 1),
}


@pytest.mark.parametrize("what", ALTERATIONS)
def test_a_row_that_was_altered_is_not_read(what: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = filled(tmp_path / "s.sqlite")
    statement, lost = ALTERATIONS[what]
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    with Store(path, IDENTITY) as store:
        found = store.records()
        assert store.damaged == lost
        assert f"altered on the disk, now computed again: {lost}" in caplog.text
        assert found == {record.key: record for record in RECORDS if record.key in found}
        assert len(found) == len(RECORDS) - lost
        # It is done again, and then held again.
        for record in RECORDS:
            store.add(record)
        assert {key: store.records()[key] for key in (r.key for r in RECORDS)} == {r.key: r for r in RECORDS}


def test_a_row_of_another_run_is_not_taken(tmp_path: Path) -> None:
    path = filled(tmp_path / "s.sqlite")
    with Store(path, {"seed": 1}) as store:
        other = store.run
    connection = sqlite3.connect(path)
    connection.execute("UPDATE records SET run = ?", (other,))
    connection.commit()
    connection.close()
    assert held(path, seed=1) == {}


def test_flipped_bits_change_nothing_or_are_refused(tmp_path: Path) -> None:
    whole = filled(tmp_path / "whole.sqlite").read_bytes()
    path = tmp_path / "s.sqlite"
    rng = np.random.default_rng(0)
    refused = missing = 0
    for place in (*range(100), *rng.integers(100, len(whole), 300)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        for file in tmp_path.glob("s.sqlite*"):
            file.unlink()
        path.write_bytes(bytes(flipped))
        try:
            found = held(path)
        except (DataError, OutputError):
            refused += 1
            continue
        missing += len(RECORDS) - len(found)
        assert found == {record.key: record for record in RECORDS if record.key in found}, place
    assert refused
    assert missing


def refused(path: Path) -> str:
    before = path.read_bytes()
    with pytest.raises(DataError) as caught:
        held(path)
    assert path.read_bytes() == before, "a refused file must not be changed"
    return str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_text("nothing of the kind, but long enough to be looked at " * 20)
    assert "is damaged" in refused(path)


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.close()
    assert "of another program" in refused(path)


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "s.sqlite")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE schema_version SET version = 99")
    connection.commit()
    connection.close()
    assert "schema version 99" in refused(path)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_damaged_page_is_seen(tmp_path: Path, part: float) -> None:
    path = filled(tmp_path / "s.sqlite")
    content = bytearray(path.read_bytes())
    place = int(len(content) * part) // 4096 * 4096
    content[place : place + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    assert "is damaged" in refused(path)


def test_a_truncated_store_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "s.sqlite")
    path.write_bytes(path.read_bytes()[:-6000])
    assert "is damaged" in refused(path)


def test_an_empty_file_is_a_new_store(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.touch()
    assert len(filled(path).read_bytes()) > 0


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="choose another folder with --out"):
        Store(tmp_path / "file" / "s.sqlite", IDENTITY)


def test_a_store_that_was_deleted_or_replaced_says_so(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path, IDENTITY) as store:
        store.check()
        path.unlink()
        for attempt in (store.check, lambda: store.add(RECORDS[0])):
            with pytest.raises(OutputError, match="was deleted or replaced"):
                attempt()
        path.touch()
        with pytest.raises(OutputError, match="was deleted or replaced"):
            store.check()


HOLD = """
import sys, time
from pathlib import Path
from linflow.engine.store import Store
from tests.test_engine_store import IDENTITY
store = Store(Path(sys.argv[1]), IDENTITY)
print("open", flush=True)
time.sleep(60)
"""


def test_a_second_writer_is_refused_and_a_killed_one_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "open\n"
            with pytest.raises(OutputError, match="another run writes to"):
                Store(path, IDENTITY)
        finally:
            holder.kill()
            holder.wait()
    filled(path)


@given(st.text(), st.binary(), st.text(), st.binary())
def test_a_seal_fits_one_thing_only(identity: str, payload: bytes, other: str, changed: bytes) -> None:
    content = sealed(identity, payload)
    assert unsealed(identity, content) == payload
    if (other, changed) != (identity, payload):
        assert seal(identity, payload) != seal(other, changed)
    if other != identity:
        with pytest.raises(ValueError, match="the seal is broken"):
            unsealed(other, content)
    for wrong in (b"", changed, content[:-1], content + b"\0", payload):
        if wrong != content:
            with pytest.raises(ValueError, match="seal"):
                unsealed(identity, wrong)
