"""Engines: the same bits from each of them, and nothing lost when workers are killed."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from joblib.externals.loky import ProcessPoolExecutor
from threadpoolctl import threadpool_limits

from linflow.checks import available_cores
from linflow.engine.cluster import DaskEngine
from linflow.engine.pool import Engine, LokyEngine, Lost, SerialEngine, UnsendableError, _forget_waiting
from linflow.engine.threads import _libraries
from linflow.errors import InputError, OutputError
from linflow.experiments import Experiment, load, run
from tests.faults.cluster import cluster
from tests.faults.common import ROOT, sentences
from tests.faults.processes import alive, records, until

#: A user's file: not importable by any worker, with a cached helper, a data class and a mark for each computed cell.
FILE = """
import os
import signal
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from linflow.experiments import Experiment, Variable


@dataclass(frozen=True)
class Case:
    n: int


@cache
def matrix(n):
    return np.random.default_rng(n).standard_normal((n, n))


def cell(params, rng):
    place = f"{params['kind']}-{params['n']}-{params['block']}"
    folder = Path(params["marks"])
    first = not list(folder.glob(place + ".*"))
    (folder / f"{place}.{time.time_ns()}").touch()
    if params["kind"] == "deadly" or (params["kind"] == "fragile" and params["block"] == 1 and first):
        os.kill(os.getpid(), signal.SIGKILL)
    if params["kind"] == "wrong" and params["block"] == 1:
        raise ValueError("no such\\nluck")
    time.sleep(params["seconds"])
    A = matrix(Case(params["n"]).n) @ rng.standard_normal((params["n"], params["n"]))
    return {"trace": np.trace(A), "values": np.linalg.svd(A, compute_uv=False), "shown": A[:4]}


EXPERIMENT = Experiment(
    name="user-test",
    title="A user's experiment",
    cell=cell,
    grid={"kind": KINDS, "n": (3, 60)},
    blocks=4,
    settings={"marks": MARKS, "seconds": SECONDS},
    variables={
        "trace": Variable("trace"),
        "values": Variable("singular values", "[x]", ("i",)),
        "shown": Variable("its first rows", "[x]", ("row", "column"), once=True),
    },
)
"""


def user_file(folder: Path, kinds: tuple[str, ...], *, seconds: float = 0.0, marks: Path | None = None) -> Path:
    """The experiment above, in a file."""
    marks = marks or folder / "marks"
    marks.mkdir(exist_ok=True)
    file = folder / "user_test.py"
    text = FILE.replace("KINDS", repr(kinds)).replace("MARKS", repr(str(marks))).replace("SECONDS", repr(seconds))
    file.write_text(text)
    return file


def experiment(folder: Path, *kinds: str, seconds: float = 0.0) -> Experiment:
    return load(user_file(folder, kinds, seconds=seconds)).experiment


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with cluster(tmp_path_factory.mktemp("dask")) as started:
        yield started.address


def same_bits(first: xr.Dataset, second: xr.Dataset) -> bool:
    return first.identical(second) and all(
        first[name].values.tobytes() == second[name].values.tobytes() for name in ("trace", "values", "shown", "status")
    )


def test_every_engine_gives_the_same_bits(tmp_path: Path, scheduler: str) -> None:
    chosen = experiment(tmp_path, "plain", "wrong")
    serial = run(chosen, out=tmp_path / "1", workers=1)
    assert serial.attrs["n_failed"] == 2
    assert serial["values"].sel(kind="plain", n=60).notnull().all()
    assert serial["shown"].sel(kind="plain", n=60).notnull().all()
    loky = run(chosen, out=tmp_path / "2", workers=2)
    dask = run(chosen, out=tmp_path / "d", scheduler=scheduler)
    assert same_bits(serial, loky)
    assert same_bits(serial, dask)
    # Broken on purpose: another seed must show.
    assert not same_bits(serial, run(chosen, out=tmp_path / "1", workers=1, seed=1))


def test_a_killed_loky_worker_loses_nothing(tmp_path: Path) -> None:
    chosen = experiment(tmp_path, "fragile", "plain")
    dataset = run(chosen, out=tmp_path / "2", workers=2)
    assert dataset.attrs["n_failed"] == 0
    assert len(list((tmp_path / "marks").glob("fragile-*-1.*"))) >= 4, "both fragile cells must have been tried twice"
    assert same_bits(dataset, run(chosen, out=tmp_path / "1", workers=1))


def test_a_killed_dask_worker_loses_nothing(tmp_path: Path, scheduler: str) -> None:
    chosen = experiment(tmp_path, "fragile", "plain")
    dataset = run(chosen, out=tmp_path / "d", scheduler=scheduler)
    assert dataset.attrs["n_failed"] == 0
    assert len(list((tmp_path / "marks").glob("fragile-*-1.*"))) >= 4, "both fragile cells must have been tried twice"
    assert same_bits(dataset, run(chosen, out=tmp_path / "1", workers=1))


@pytest.mark.parametrize("engine", ["loky", "dask"])
def test_a_cell_that_kills_every_worker_is_a_failed_row(
    tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    file = user_file(tmp_path, ("deadly", "plain"))
    file.write_text(file.read_text().replace("blocks=4", "blocks=2").replace("(3, 60)", "(3,)"))
    chosen = load(file).experiment
    how = {"workers": 2} if engine == "loky" else {"scheduler": request.getfixturevalue("scheduler")}
    dataset = run(chosen, out=tmp_path / "out", **how)
    assert dataset.attrs["n_failed"] == 2
    assert dataset["status"].sel(kind="plain").values.tolist() == [[0, 0]]
    assert all("killed" in text or "died" in text for text in dataset["error_text"].sel(kind="deadly").values.ravel())
    # The next run tries the killed ones again, and only those.
    before = {kind: len(list((tmp_path / "marks").glob(f"{kind}-*"))) for kind in ("deadly", "plain")}
    if engine == "loky":
        run(chosen, out=tmp_path / "out", **how)
        assert len(list((tmp_path / "marks").glob("plain-*"))) == before["plain"]
        assert len(list((tmp_path / "marks").glob("deadly-*"))) > before["deadly"]


def test_an_experiment_from_a_session_travels_by_value(tmp_path: Path) -> None:
    chosen = experiment(tmp_path, "plain")
    here = {"n": 5}
    local = Experiment(
        name=chosen.name,
        title=chosen.title,
        cell=lambda params, rng: {"trace": rng.random() + here["n"], "values": [params["block"]], "shown": [[0.0]]},
        grid={"n": (1, 2)},
        variables=chosen.variables,
    )
    serial = run(local, out=tmp_path / "1", workers=1)
    assert same_bits(serial, run(local, out=tmp_path / "2", workers=2))


def test_no_scheduler_is_one_sentence() -> None:
    with pytest.raises(OutputError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:9'"):
        list(DaskEngine("tcp://127.0.0.1:9", timeout=1.0).map(abs, [1]))


def test_a_scheduler_that_dies_is_one_sentence_and_nothing_is_lost(tmp_path: Path) -> None:
    file, out = user_file(tmp_path, ("plain",), seconds=0.2), tmp_path / "out"
    command = [sys.executable, "-m", "linflow", "run", str(file), "--out", str(out), "--scheduler"]
    with cluster(tmp_path / "dask", workers=1) as started:
        options: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen([*command, started.address], cwd=ROOT, **options) as process:
            assert until(lambda: len(records(out / "user-test.sqlite")) >= 1, process)
            started.processes[0].kill()
            _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    (sentence,) = sentences(said)
    assert re.fullmatch(r"linflow: the Dask scheduler at '.*' went away: start it again, and the same command .*", sentence)
    assert records(out / "user-test.sqlite")


def test_no_address_is_one_sentence() -> None:
    with pytest.raises(InputError, match="give tcp://host:port"):
        list(DaskEngine("nonsense://x", timeout=1.0).map(abs, [1]))


def test_a_missing_extra_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'linflow\[dist\]'"):
        list(DaskEngine("tcp://127.0.0.1:9").map(abs, [1]))


def threads(_: int) -> list[int]:
    """Threads of each BLAS here."""
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    return [pool["num_threads"] for pool in threadpool_info()]


@pytest.mark.parametrize("engine", [SerialEngine(), LokyEngine(2)], ids=["serial", "loky"])
def test_work_runs_on_one_thread(engine: Engine) -> None:
    with threadpool_limits(limits=2):
        found = [counts for _, counts in engine.map(threads, [0, 1]) if not isinstance(counts, Lost)]
    assert len(found) == 2
    assert {count for counts in found for count in counts} == {1}


@pytest.mark.parametrize("engine", [SerialEngine(), LokyEngine(2)], ids=["serial", "loky"])
def test_tasks_may_depend_on_results(engine: Engine) -> None:
    done: dict[int, int] = {}

    def source() -> tuple[int, int] | None:
        number = len(done)
        if number == 0:
            return (0, 1) if not asked.pop(0) else None
        return (number, done[number - 1]) if number < 4 and not asked.pop(0) else None

    asked = [False, *[True] * 50]
    for number, result in engine.work(double, source):
        assert isinstance(result, int)
        done[number] = result
        asked = [False, *[True] * 50]
    assert done == {0: 2, 1: 4, 2: 8, 3: 16}


def double(number: int) -> int:
    return 2 * number


def test_a_pool_that_is_ended_forgets_what_waits_for_it() -> None:
    """Its thread would look for it otherwise, and die with a traceback."""

    class Pool:
        def __init__(self) -> None:
            self._work_ids: queue.Queue[int] = queue.Queue()

    pool = Pool()
    for number in range(3):
        pool._work_ids.put(number)
    _forget_waiting(pool)
    assert pool._work_ids.empty()
    _forget_waiting(object())
    assert hasattr(ProcessPoolExecutor(1), "_work_ids"), "the library has another name for it"


def test_what_cannot_be_sent_is_one_sentence() -> None:
    with pytest.raises(UnsendableError, match="--workers 1"):
        list(LokyEngine(2).map(str, [threading.Lock()]))


def test_no_more_processes_than_make_sense() -> None:
    assert LokyEngine(10**9).workers == 8 * available_cores()


def processes(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def pids(engine: Engine) -> set[int]:
    return {pid for _, pid in engine.map(processes, range(8)) if isinstance(pid, int)}


def test_inside_its_block_an_engine_keeps_its_processes_and_after_it_none_lives() -> None:
    with LokyEngine(2) as engine:
        first = pids(engine)
        assert pids(engine) == first
    assert not any(alive(pid) for pid in first)
    assert not pids(engine) & first  # it still works, with processes of its own for each piece


def test_what_was_left_in_mid_flight_is_not_handed_on() -> None:
    with LokyEngine(2) as engine:
        first = pids(engine)
        for _ in engine.map(processes, range(100)):
            break
        assert not pids(engine) & first


def test_an_idle_process_that_is_killed_costs_nothing() -> None:
    with LokyEngine(2) as engine:
        first = pids(engine)
        os.kill(min(first), signal.SIGKILL)
        assert sorted(engine.map(abs, [-1, -2, -3])) == [(0, 1), (1, 2), (2, 3)]


def test_the_libraries_are_looked_for_again_after_an_import_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    def looks() -> int:
        before = _libraries.cache_info().misses
        list(SerialEngine().map(abs, [1, 2, 3]))
        return _libraries.cache_info().misses - before

    looks()
    assert looks() == 0
    monkeypatch.setitem(sys.modules, "a_library_of_its_own", sys)
    assert looks() == 1
