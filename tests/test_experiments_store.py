"""The store: exact floats, refusal of everything that is not a sound store, one writer, no mixing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from linflow.errors import DataError, OutputError
from linflow.experiments import Experiment, Plan, Variable
from linflow.experiments.cells import Outcome
from linflow.experiments.store import Store, decode, encode

EXPERIMENT = Experiment(
    name="store-test",
    title="",
    cell=lambda params, rng: {"a": 1.0},
    grid={"x": (1, 2)},
    variables={"a": Variable("a")},
)


def plan(seed: int = 0) -> Plan:
    return EXPERIMENT.plan(seed=seed)


def filled(path: Path) -> Path:
    """A store with both runs' worth of pages."""
    with Store(path, plan(), "code") as store:
        for params in plan().cells():
            store.add(params, Outcome(plan().key(params), {"a": np.arange(300.0)}, None, 0.1))
    return path


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


def test_a_changed_bit_is_seen() -> None:
    blob = bytearray(encode({"a": np.arange(3.0)}))
    blob[-3] ^= 1
    with pytest.raises(ValueError, match="has changed"):
        decode(bytes(blob))


def test_nan_infinity_and_errors_survive_on_disk(tmp_path: Path) -> None:
    first, second = plan().cells()[:2]
    with Store(tmp_path / "s.sqlite", plan(), "code") as store:
        store.add(first, Outcome(plan().key(first), {"a": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324])}, None, 1.5))
        store.add(second, Outcome(plan().key(second), {}, "ValueError: no", 0.5), lost=True)
    with Store(tmp_path / "s.sqlite", plan(), "code") as store:
        rows = store.rows()
    a = rows[plan().key(first)]
    assert a.outcome.values["a"].tobytes() == np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]).tobytes()
    assert (a.outcome.seconds, a.lost, a.outcome.error) == (1.5, False, None)
    b = rows[plan().key(second)]
    assert (b.outcome.values, b.lost, b.outcome.error) == ({}, True, "ValueError: no")


def test_runs_in_one_file_do_not_mix_and_each_row_knows_its_run(tmp_path: Path) -> None:
    path = filled(tmp_path / "s.sqlite")
    for other, code in ((plan(seed=1), "code"), (EXPERIMENT.plan(quick=True), "code"), (plan(), "other code")):
        with Store(path, other, code) as store:
            assert store.rows() == {}
    with Store(path, plan(), "code") as store:
        assert len(store.rows()) == len(plan().cells())
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM runs").fetchone() == (4,)
    row = connection.execute("SELECT experiment, seed, code_version, parameters FROM rows").fetchone()
    connection.close()
    assert row[:3] == ("store-test", 0, "code")
    assert '"blocks": 8' in row[3]


def refused(path: Path) -> str:
    before = path.read_bytes()
    with pytest.raises(DataError) as caught, Store(path, plan(), "code") as store:
        store.rows()
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
def test_damage_anywhere_is_seen(tmp_path: Path, part: float) -> None:
    path = filled(tmp_path / "s.sqlite")
    content = bytearray(path.read_bytes())
    place = int(len(content) * part)
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


def test_a_folder_that_does_not_exist_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot"):
        Store(tmp_path / "no" / "s.sqlite", plan(), "code")


HOLD = """
import sys, time
from pathlib import Path
from linflow.experiments.store import Store
from tests.test_experiments_store import plan
store = Store(Path(sys.argv[1]), plan(), "code")
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
                Store(path, plan(), "code")
        finally:
            holder.kill()
            holder.wait()
    filled(path)
