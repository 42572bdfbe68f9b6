"""Runs from beginning to end: resuming after kill -9, failures, files, users' files, the wheel."""

from __future__ import annotations

import csv
import dataclasses
import inspect
import io
import os
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
import xarray as xr
from PIL import Image

import linflow
from linflow import cli, provenance
from linflow.engine import sources
from linflow.errors import DataError, InputError, LinflowError, OutputError
from linflow.experiments import (
    FAILED,
    SKIPPED,
    Experiment,
    Variable,
    cells,
    command,
    entries,
    estimate,
    experiment_files,
    folder_images,
    load,
    run,
    settings,
)
from linflow.experiments.command import default_table, from_folders, from_outside, run_command, typed
from linflow.experiments.folders import folder_word
from linflow.experiments.record import Command, digest_of
from linflow.experiments.results import to_csv, write_netcdf
from linflow.experiments.stored import decode
from linflow.identity import code_digest
from linflow.inputs import SOURCES, Given
from linflow.options import OPTIONS
from tests.test_engine_pool import same_bits, user_file

ROOT = Path(__file__).resolve().parent.parent


def small(**changes: Any) -> Experiment:
    """Two spectra of cases over three m; m = 3 is outside the domain of "short", and block 1 of "long", m = 1 raises."""

    def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        if (params["case"], params["m"], params["block"]) == ("long", 1, 1):
            raise ZeroDivisionError("on purpose")
        values = rng.standard_normal(params["m"]) * params["scale"]
        return {"mean": values.mean(), "odd": np.nan if params["block"] == 0 else -np.inf, "values": values}

    fields: dict[str, Any] = {
        "name": "small-test",
        "title": "Small",
        "cell": cell,
        "grid": {"case": ("short", "long"), "m": (1, 2, 3)},
        "blocks": 3,
        "settings": {"scale": 2.0},
        "variables": {"mean": Variable("mean", "[x]"), "odd": Variable("odd"), "values": Variable("all", "[x]", ("i",))},
        "quick": {"m": (2,), "blocks": 2},
        "skip": lambda params: params["case"] == "short" and params["m"] == 3,
    }
    return Experiment(**{**fields, **changes})


def stored(path: Path) -> set[str]:
    """Places of the cells in a store that another process may be writing."""
    if not path.exists():
        return set()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found = connection.execute(
            "SELECT json_extract(label, '$.kind') || '-' || json_extract(label, '$.n') || '-' ||"
            " json_extract(label, '$.block') FROM records"
        ).fetchall()
    except sqlite3.OperationalError:  # not yet made
        return set()
    finally:
        connection.close()
    return {place for (place,) in found}


def counted(marks: Path) -> Counter[str]:
    return Counter(file.name.rsplit(".", 1)[0] for file in marks.iterdir())


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_loses_no_finished_cell_and_nothing_is_computed_twice(tmp_path: Path, workers: int) -> None:
    file = user_file(tmp_path, ("plain", "wrong", "other"), seconds=0.1)
    marks, out = tmp_path / "marks", tmp_path / "out"
    command = [sys.executable, "-m", "linflow", "run", str(file), "--out", str(out), "--workers", str(workers)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        limit = time.monotonic() + 60
        while len(stored(out / "user-test.sqlite")) < 5:
            assert time.monotonic() < limit
            assert process.poll() is None
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    finished = stored(out / "user-test.sqlite")
    assert 5 <= len(finished) < 24
    finishing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert finishing.returncode == 1, finishing.stderr  # the "wrong" cells fail, and are counted
    assert "2 of 24 cells failed" in finishing.stderr
    marked = counted(marks)
    assert len(marked) == 24
    assert {marked[place] for place in finished} == {1}, "a stored cell was computed again"
    # At most those in flight at the kill were computed twice.
    assert marked.total() <= 24 + 2 * workers
    experiment = load(file).experiment
    resumed = run(experiment, out=out, workers=1)
    assert counted(marks) == marked, "a complete run computes nothing"
    assert same_bits(resumed, run(experiment, out=tmp_path / "whole", workers=1))


def test_an_interrupt_keeps_what_is_finished(tmp_path: Path) -> None:
    experiment = load(user_file(tmp_path, ("plain",))).experiment

    def interrupt(done: int, failed: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(experiment, out=tmp_path, workers=1, progress=interrupt)
    seen: list[int] = []
    run(experiment, out=tmp_path, workers=1, progress=lambda done, failed, total: seen.append(done))
    assert seen == [3, 4, 5, 6, 7, 8]
    assert counted(tmp_path / "marks").total() == 8


def test_changed_parameters_make_a_new_run(tmp_path: Path) -> None:
    first = run(small(), out=tmp_path, workers=1)
    for experiment, options in (
        (small(), {"seed": 1}),
        (small(), {"quick": True}),
        (small(settings={"scale": 3.0}), {}),
        (small(blocks=2), {}),
    ):
        computed: list[int] = []
        run(experiment, out=tmp_path, workers=1, progress=lambda d, f, t, c=computed: c.append(d), **options)  # type: ignore[misc]
        assert computed[0] == 0
    assert run(small(), out=tmp_path, workers=1).identical(first)


def test_changed_code_makes_a_new_run_but_changed_figures_do_not(tmp_path: Path) -> None:
    file = user_file(tmp_path, ("plain",))
    run(load(file).experiment, out=tmp_path, workers=1)
    file.write_text(file.read_text() + "\n\ndef reading(dataset):\n    return 'new'\n")
    run(load(file).experiment, out=tmp_path, workers=1)
    assert counted(tmp_path / "marks").total() == 8
    file.write_text(file.read_text().replace("default_rng(n)", "default_rng(n + 1)"))
    run(load(file).experiment, out=tmp_path, workers=1)
    assert counted(tmp_path / "marks").total() == 16


def test_a_grid_point_keeps_its_numbers_when_the_grid_is_extended(tmp_path: Path) -> None:
    first = run(small(), out=tmp_path, workers=1)
    wider = run(small(grid={"m": (0.5, 1, 2, 3, 4), "case": ("long", "other", "short")}, blocks=5), out=tmp_path, workers=1)
    assert wider.attrs["n_failed"] > first.attrs["n_failed"]  # m is a float now, and no array has 0.5 entries
    extended = run(small(grid={"m": (3, 2, 1, 4), "case": ("long", "other", "short")}, blocks=5), out=tmp_path, workers=1)
    for case, m in (("short", 1), ("short", 2), ("long", 2), ("long", 3)):
        old = first["mean"].sel(case=case, m=m).values
        assert extended["mean"].sel(case=case, m=m, block=[0, 1, 2]).values.tobytes() == old.tobytes()
        assert small().plan().key({"case": case, "m": m, "block": 0}) == small().plan().key(
            {"case": case, "m": float(m), "block": 0}
        )


def test_failed_and_skipped_cells_are_counted_rows(tmp_path: Path) -> None:
    dataset = run(small(), out=tmp_path, workers=1)
    assert (dataset.attrs["n_cells"], dataset.attrs["n_failed"], dataset.attrs["n_skipped"]) == (18, 1, 3)
    at = {"case": "long", "m": 1, "block": 1}
    assert int(dataset["status"].sel(at)) == FAILED
    assert str(dataset["error_text"].sel(at).values).startswith("ZeroDivisionError: on purpose")
    assert np.isnan(dataset["mean"].sel(at))
    assert (dataset["status"].sel(case="short", m=3) == SKIPPED).all()
    assert dataset["values"].sel(case="long", m=2, block=0).notnull().values.tolist() == [True, True, False]
    assert settings(dataset) == {"scale": 2.0}


def test_failed_cells_are_told_in_the_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = user_file(tmp_path, ("plain", "wrong"))
    status = run_command(str(file), out=tmp_path / "out", quick=False, seed=0, workers=1, scheduler=None)
    assert status == 1
    assert "2 of 16 cells failed" in capsys.readouterr().err


def test_a_table_of_many_rows_is_printed_in_part_and_written_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = user_file(tmp_path, ("plain", "other"))
    for most, more in ((3, "1 of 4 rows are in user-test.md only"), (4, "")):
        monkeypatch.setattr(command, "_PRINTED", most)
        run_command(str(file), out=tmp_path / "out", quick=False, seed=0, workers=1, scheduler=None)
        printed = capsys.readouterr().out
        assert printed.count("plain") + printed.count("other") == most
        assert [line for line in printed.splitlines() if "rows are" in line] == [more] * bool(more)
        page = (tmp_path / "out" / "user-test.md").read_text()
        assert page.count("| plain ") + page.count("| other ") == 4


def command_of(page: Path) -> list[str]:
    """The command that a result's page gives."""
    [line] = [line for line in page.read_text().splitlines() if line.startswith("    linflow run")]
    return shlex.split(line)


def finished(words: list[str]) -> int:
    """Exit status of a command."""
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    return int(left.value.code or 0)


def test_the_page_of_a_result_gives_the_same_bytes_again(tmp_path: Path) -> None:
    folder = tmp_path / "a folder's | `name`"
    folder.mkdir()
    file = user_file(folder, ("plain", "other"), seconds=5.0)
    file.write_text(file.read_text() + "\n\ndef table(dataset):\n    return [{'a | b': 'c\\nd', 'n': 1}]\n")
    typed = ["run", str(file), "--seed", "3", "--set", "seconds=0", "--set", "n=3,4", "--workers", "1"]
    first, second = tmp_path / "first", tmp_path / "second"
    assert finished([*typed, "--out", str(first)]) == 0
    assert finished([*command_of(first / "user-test.md")[1:], "--workers", "1", "--out", str(second)]) == 0
    names = {path.name for path in first.iterdir() if not path.name.startswith(".") and path.suffix != ".sqlite"}
    assert names == {"user-test.csv", "user-test.md", "user-test.nc"}
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    page = (first / "user-test.md").read_text()
    assert "| a \\| b | n |" in page
    assert "| c d | 1 |" in page
    assert f"- input {file}: sha256 {digest_of(file)}" in page


def test_the_record_knows_every_option_that_decides_a_number() -> None:
    options = set(inspect.signature(cli.run).parameters)
    decide_nothing = {"out", "workers", "scheduler", "show_list", "form", "figures"}
    named = {"experiment": "target", **dict.fromkeys(OPTIONS, "given")}
    assert {named.get(name, name) for name in options - decide_nothing} == {f.name for f in dataclasses.fields(Command)}
    assert set(OPTIONS) == {f.name for f in dataclasses.fields(Given)} < options
    for name in OPTIONS:
        given: dict[str, Any] = {name: Path("x") if name in SOURCES else 8}
        written = str(Command("noise", given=Given(**given)))
        assert written != str(Command("noise")), name


def test_the_record_holds_a_digest_of_each_input(tmp_path: Path) -> None:
    for name in ("data", "ood"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "image").write_text(name)
    command = Command("deep-ood", quick=True, given=Given(data=tmp_path / "data"), ood=tmp_path / "ood")
    assert str(command) == f"linflow run deep-ood --quick --seed 0 --data {tmp_path / 'data'} --ood {tmp_path / 'ood'}"
    before = command.inputs()
    assert len(before) == 2
    (tmp_path / "ood" / "image").rename(tmp_path / "ood" / "other")
    after = command.inputs()
    assert [before[path] == after[path] for path in before] == [True, False]


def test_the_seed_decides_the_numbers(tmp_path: Path) -> None:
    first, again, other = (
        run(small(), out=tmp_path / name, workers=1, seed=s) for name, s in (("a", 5), ("b", 5), ("c", 6))
    )
    assert first.identical(again)
    for case, m in (("short", 1), ("long", 3)):
        numbers = [d["mean"].sel(case=case, m=m).values for d in (first, other)]
        assert np.isfinite(numbers).all(), "each block is there"
        assert np.all(numbers[0] != numbers[1])
        assert len(set(numbers[0])) == 3, "each block has random numbers of its own"


@pytest.mark.parametrize(
    "room", ["spectrum.py", "risk/exact.py", "deep/patches.py", "claims/verdict.py", "testing/bounds.py"]
)
def test_all_of_linflow_counts(room: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(Path(linflow.__file__).parent, tmp_path / "linflow", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "_ROOT", tmp_path / "linflow")
    monkeypatch.setattr(cells, "code_digest", code_digest.__wrapped__)
    before = cells.code_version(small())
    assert cells.code_version(small()) == before
    file = tmp_path / "linflow" / room
    file.write_text(file.read_text() + "\n_CHANGED = 1\n")
    assert cells.code_version(small()) != before


#: Ways in which the number that a cell returns stands in a file or beside it.
WAYS = {
    "in the cell": ("", "{number}"),
    "in a constant": ("LEVEL = {number}", "LEVEL"),
    "in a helper": ("def level():\n    return {number}", "level()"),
    "in a default": ("def level(value={number}):\n    return value", "level()"),
    "in a class": ("class Case:\n    level = {number}", "Case().level"),
    "in what a decorator holds": ("import functools\n@functools.cache\ndef level():\n    return {number}", "level()"),
    "in a neighbour": ("import neighbour", "neighbour.LEVEL"),
    "in a name from a neighbour": ("from neighbour import level", "level()"),
    "in a neighbour imported when called": ("def level():\n    import neighbour\n    return neighbour.LEVEL", "level()"),
    "in a neighbour of a neighbour": ("import neighbour", "neighbour.handed_on()"),
    "in a package": ("from package import inside", "inside.LEVEL"),
    "in a folder without __init__": ("import folder.inside", "folder.inside.LEVEL"),
    "in data read by a neighbour": ("import neighbour", "neighbour.DATA"),
}
OWN = """
from linflow.experiments import Experiment, Variable
{before}
def cell(params, rng):
    return {{"mean": {level}}}
def reading(dataset):
    return "{reading}"
EXPERIMENT = Experiment(name="own", title="", cell=cell, grid={{"m": (1,)}}, blocks=1, variables={{"mean": Variable("")}})
"""


def own(folder: Path, way: str, number: float, reading: str = "") -> Path:
    before, level = (text.format(number=number) for text in WAYS[way])
    for name in ("package", "folder"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "inside.py").write_text(f"LEVEL = {number}\n")
    (folder / "package" / "__init__.py").write_text("")
    (folder / "data.txt").write_text(str(number))
    (folder / "second.py").write_text(f"def level():\n    return {number}\n")
    (folder / "neighbour.py").write_text(
        "from pathlib import Path\nfrom second import level as handed_on\n"
        f"LEVEL = {number}\nDATA = float(Path(__file__).with_name('data.txt').read_text())\n"
        f"def level():\n    return {number}\n"
    )
    file = folder / "own.py"
    file.write_text(OWN.format(before=before, level=level, reading=reading))
    return file


def forget() -> None:
    """As a new process, which reads every file again."""
    for name in ("linflow_file_own", "neighbour", "second", "package", "package.inside", "folder", "folder.inside"):
        sys.modules.pop(name, None)
    sources._FINDER.served, sources._FINDER._made = {}, {}
    cells._cells.clear()
    cells._codes.clear()


def keys(path: Path) -> int:
    connection = sqlite3.connect(path)
    [(count,)] = connection.execute("SELECT count(*) FROM records").fetchall()
    connection.close()
    return int(count)


@pytest.mark.parametrize("way", WAYS)
def test_no_stored_cell_is_stale(way: str, tmp_path: Path) -> None:
    def mean(file: Path) -> float:
        return float(run(load(file).experiment, out=tmp_path / "out", workers=1)["mean"].values[0, 0])

    assert mean(own(tmp_path, way, 1.8)) == 1.8
    forget()
    assert mean(own(tmp_path, way, 1.2)) == 1.2
    assert keys(tmp_path / "out" / "own.sqlite") == 2
    forget()
    assert mean(own(tmp_path, way, 1.8, reading="the cell does not reach this")) == 1.8
    assert keys(tmp_path / "out" / "own.sqlite") == 2


def test_where_the_content_of_a_cell_cannot_be_told_the_texts_and_the_libraries_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(before: str) -> str:
        forget()
        file = tmp_path / "own.py"
        file.write_text(
            OWN.format(before=f"import numpy\nheld = open(__file__)\n{before}", level="len(held.name)", reading="")
        )
        version = cells.code_version(load(file).experiment)
        sys.modules["linflow_file_own"].held.close()
        return version

    first = told("A = 1")
    assert first == told("A = 1")
    assert first != told("A = 2")
    monkeypatch.setattr(provenance, "of_import", lambda name: f"{name} 99")
    assert first != told("A = 1")


def test_neighbours_reach_the_workers_and_files_of_one_name_do_not_mix(tmp_path: Path) -> None:
    way = "in a neighbour imported when called"
    studies = []
    for number in (1.0, 2.0):
        folder = tmp_path / str(number)
        folder.mkdir()
        studies.append(load(own(folder, way, number)).experiment)
    for _ in range(2):
        for number, experiment in zip((1.0, 2.0), studies, strict=True):
            for workers in (1, 2):
                out = tmp_path / f"out{workers}"
                shutil.rmtree(out, ignore_errors=True)
                found = run(experiment, out=out, workers=workers, changes={"blocks": 2})["mean"].values
                assert found.tolist() == [[number] * 2]


def test_wrong_return_values_are_failed_rows(tmp_path: Path) -> None:
    for returned, message in (
        ({"mean": 1.0}, "did not return 'values'"),
        ({"mean": 1.0, "values": [1.0], "extra": 2}, "returned 'extra'"),
        ({"mean": [1.0], "values": [1.0]}, r"'mean' must have dimensions \(\)"),
        ({"mean": 1j, "values": [1.0]}, "'mean' must be real numbers"),
        ({"mean": 1.0, "values": [1.0, 2.0, 3.0]}, "'values' has 3 entries along 'i', which has 2 coordinates"),
        (None, "must return a dict"),
    ):
        wrong = small(
            cell=lambda params, rng, returned=returned: returned,
            variables={"mean": Variable("mean"), "values": Variable("all", dims=("i",))},
            inner={"i": (10, 20)},
            name=f"wrong-{len(message)}",
        )
        dataset = run(wrong, out=tmp_path, workers=1)
        assert dataset.attrs["n_failed"] == 15
        with pytest.raises(AssertionError, match=message):
            raise AssertionError(str(dataset["error_text"].values.flat[0]))


def test_netcdf_and_csv_hold_everything(tmp_path: Path) -> None:
    dataset = run(small(), out=tmp_path, workers=1, seed=2**40)
    write_netcdf(dataset, tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc", engine="scipy") as back:
        for name in ("mean", "odd", "values", "status"):
            assert back[name].dims == dataset[name].dims
            np.testing.assert_array_equal(back[name].values, dataset[name].values)
        assert back["case"].values.tolist() == ["short", "long"]
        assert back["error_text"].values.tolist() == dataset["error_text"].values.tolist()
        assert back.attrs["parameters"] == dataset.attrs["parameters"]
        assert back.attrs["seed"] == str(2**40)
        assert back["mean"].attrs["units"] == "[x]"
    rows = list(csv.DictReader(io.StringIO(to_csv(dataset))))
    # 14 computed cells with 2 numbers and an array of m entries each, 4 others with 3 empty values each
    assert len(rows) == 14 * 2 + (3 * 1 + 3 * 2 + 2 * 1 + 3 * 2 + 3 * 3) + 4 * 3
    for row in rows:
        at = {"case": row["case"], "m": int(row["m"]), "block": int(row["block"])}
        if row["status"] != "computed":
            assert row["value"] == ""
            continue
        exact = dataset[row["variable"]].sel(at)
        exact = exact.sel(i=int(row["i"])) if row["i"] else exact
        np.testing.assert_array_equal(float(row["value"]), exact.values)
    assert sum("on purpose" in row["error"] for row in rows) == 3


def with_pictures(**changes: Any) -> Experiment:
    """Pictures of another shape in each case; block 0 of "none" raises, and "long" with m = 2 is skipped."""

    def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        if params["case"] == "none" and params["block"] == 0:
            raise ZeroDivisionError("on purpose")
        picture = rng.random((2 + params["m"], 3 if params["case"] == "long" else 1))
        return {"mean": picture.mean(), "picture": picture, "both": np.stack([picture, 0 * picture + np.nan])}

    fields: dict[str, Any] = {
        "name": "pictures-test",
        "title": "Pictures",
        "cell": cell,
        "grid": {"case": ("short", "long", "none"), "m": (1, 2)},
        "blocks": 3,
        "inner": {"way": ("one", "absent")},
        "variables": {
            "mean": Variable("mean of the picture"),
            "picture": Variable("the picture", "[x]", ("row", "column"), once=True),
            "both": Variable("by two methods", "[x]", ("way", "row", "column"), once=True),
        },
        "skip": lambda params: params["case"] == "long" and params["m"] == 2,
    }
    return Experiment(**{**fields, **changes})


def test_pictures_are_those_of_block_0_and_are_stored_once(tmp_path: Path) -> None:
    dataset = run(with_pictures(), out=tmp_path, workers=1)
    assert dataset["picture"].dims == ("case", "m", "row", "column")
    assert dataset["both"].dims == ("case", "m", "way", "row", "column")
    for case, m, shape in (("short", 1, (3, 1)), ("short", 2, (4, 1)), ("long", 1, (3, 3))):
        place = dataset.sel(case=case, m=m)
        picture = entries(place["picture"])
        assert picture.shape == shape
        # The very numbers that the mean was computed from; those of block 1 are others.
        assert picture.mean() == float(place["mean"].sel(block=0))
        assert picture.mean() != float(place["mean"].sel(block=1))
        np.testing.assert_array_equal(entries(place["both"].sel(way="one")), picture)
        assert entries(place["both"].sel(way="absent")).shape == (0, 0)
    for case, m in (("none", 1), ("none", 2), ("long", 2)):  # failed, failed, skipped
        assert entries(dataset["picture"].sel(case=case, m=m)).size == 0
    assert dataset["mean"].sel(case="none", block=1).notnull().all()
    # Kept once: other blocks bring none to the store, and none come back after an interrupt.
    with sqlite3.connect(tmp_path / "pictures-test.sqlite") as connection:
        rows = connection.execute("SELECT json_extract(label, '$.block'), payload FROM records WHERE payload NOT NULL")
        sizes = [(block, set(decode(result))) for block, result in rows]
    connection.close()
    assert len(sizes) == 13
    assert all(names == ({"mean", "picture", "both"} if block == 0 else {"mean"}) for block, names in sizes)
    assert run(with_pictures(), out=tmp_path, workers=1).identical(dataset)


def test_pictures_are_in_netcdf_and_not_in_csv(tmp_path: Path) -> None:
    dataset = run(with_pictures(), out=tmp_path, workers=1)
    rows = list(csv.DictReader(io.StringIO(to_csv(dataset))))
    assert set(rows[0]) == {"case", "m", "block", "variable", "value", "status", "error"}
    assert {row["variable"] for row in rows} == {"mean"}
    assert len(rows) == 18
    write_netcdf(dataset, tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc", engine="scipy") as back:
        np.testing.assert_array_equal(back["both"].values, dataset["both"].values)
    assert [list(row) for row in default_table(dataset)] == [["case", "m", "mean", "mean, 95 %"]] * 5


def test_the_interval_is_student_s() -> None:
    rng = np.random.default_rng(0)
    draws = xr.DataArray(5.0 + rng.standard_normal((4000, 6)), dims=("case", "block"))
    for positive in (False, True):
        result = estimate(draws, positive=positive)
        inside = float(((result["low"] <= 5.0) & (result["high"] >= 5.0)).mean())
        # 4000 cases: five standard deviations are 0.017; the delta method adds a little.
        assert abs(inside - 0.95) < 0.02
    one = estimate(draws.isel(block=[0]))
    assert one["low"].isnull().all()


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_the_interval_of_a_few_blocks_is_the_textbook_s(level: float) -> None:
    found = np.array([1.0, 2.0, 4.0, 4.5, 7.0])
    draws = xr.DataArray([*found, np.nan, np.nan], dims="block")  # two blocks failed
    law = scipy.stats.t(df=4, loc=found.mean(), scale=scipy.stats.sem(found))
    low, high = law.interval(level)
    result = estimate(draws, level=level)
    assert int(result["blocks"]) == 5
    assert float(result["mean"]) == pytest.approx(found.mean(), rel=1e-14)
    assert (float(result["low"]), float(result["high"])) == pytest.approx((low, high), rel=1e-10)
    # The delta method: the logarithm of the mean has the relative error of the mean.
    positive = estimate(draws, level=level, positive=True)
    half = (high - low) / 2 / found.mean()
    edges = found.mean() * np.exp([-half, half])
    assert (float(positive["low"]), float(positive["high"])) == pytest.approx(tuple(edges), rel=1e-10)


def test_the_default_table_has_mean_and_interval(tmp_path: Path) -> None:
    rows = default_table(run(small(), out=tmp_path, workers=1))
    assert len(rows) == 5
    assert list(rows[0]) == ["case", "m", "mean", "mean, 95 %", "odd", "odd, 95 %"]


def test_a_user_s_file_runs_and_leaves_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = user_file(tmp_path, ("plain",))
    file.write_text(
        file.read_text()
        + "\ndef figures(dataset):\n"
        + "    from matplotlib.figure import Figure\n"
        + "    return {'': Figure(), 'detail': Figure()}\n"
        + "\ndef reading(dataset):\n    return f'{dataset.sizes[\"n\"]} sizes were tried.'\n"
    )
    status = run_command(str(file), out=tmp_path / "out", quick=False, seed=3, workers=1, scheduler=None)
    assert status == 0
    names = sorted(f.name for f in (tmp_path / "out").iterdir() if not f.name.startswith("."))
    assert names == [
        "user-test-detail.png",
        "user-test.csv",
        "user-test.md",
        "user-test.nc",
        "user-test.png",
        "user-test.sqlite",
    ]
    printed = capsys.readouterr().out
    assert "2 sizes were tried." in printed
    markdown = (tmp_path / "out" / "user-test.md").read_text()
    assert f"linflow run {file} --seed 3" in markdown
    assert "| kind | n | trace | trace, 95 % |" in markdown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "defines no experiment"),
        ("def cell(:", "has a syntax error in line 1"),
        ("x = 1\ny = 1 / 0", r"raised ZeroDivisionError: division by zero \(line 2 of mine.py\)"),
        ("import sys\nsys.exit(3)", "raised SystemExit"),
        (
            "from linflow.experiments import Experiment\nExperiment(name='A b', title='', cell=abs, grid={}, variables={})",
            "words",
        ),
    ],
)
def test_mistakes_in_a_file_are_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        load(file)
    assert "\n" not in str(caught.value)


def test_unknown_names_get_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'sample-complexity'"):
        load("sample-complexiti")
    with pytest.raises(DataError, match="does not exist"):
        load(tmp_path / "none.py")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Bad Name"}, "lower-case words"),
        ({"cell": 3}, "must be a function"),
        ({"grid": {}}, "at least one dimension"),
        ({"grid": {"m": ()}}, "no coordinates"),
        ({"grid": {"m": (1, "a")}}, "all strings or all numbers"),
        ({"grid": {"m": (1, 1)}}, "given twice"),
        ({"grid": {"m": (1.0, float("nan"))}}, "must be finite"),
        ({"grid": {"m": (object(),)}}, "name the case instead"),
        ({"grid": {"m": (1,), "mean": (1,)}}, "uses the name 'mean' twice"),
        ({"grid": {"block": (1,)}}, "cannot name"),
        ({"inner": {"j": (1,)}}, "has the inner dimension 'j'"),
        ({"quick": {"draws": 3}}, "changes 'draws'"),
        ({"variables": {"mean": "mean"}}, "must be a Variable"),
        ({"blocks": 0}, "blocks must be"),
    ],
)
def test_mistakes_in_an_experiment_are_one_sentence(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        small(**{"quick": {}, **changes})


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write to"):
        run(small(cell=lambda params, rng: os.abort()), out=tmp_path / "file" / "out", workers=1)


def test_every_experiment_of_ours_is_what_its_file_says() -> None:
    assert "sample-complexity" in experiment_files()
    for name, file in experiment_files().items():
        study = load(name)
        assert study.experiment.name == name == file.stem.replace("_", "-")
        assert None not in dataclasses.astuple(study)[1:], f"{name} lacks figures, table or reading"
        assert study.experiment.quick, f"{name} has no quick version"


def test_the_module_runs_like_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "simulations.sample_complexity", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--scheduler" in result.stdout


def test_the_wheel_carries_the_experiments_inside_the_package(tmp_path: Path) -> None:
    script = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    built = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    wheel = next(tmp_path.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "site")
    assert "linflow/_simulations/sample_complexity.py" in names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"linflow"}
    code = "from linflow.experiments import load; print(load('sample-complexity').experiment.source.path)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(tmp_path / "site" / "linflow" / "_simulations" / "sample_complexity.py")


def test_the_user_changes_settings_and_dimensions(tmp_path: Path) -> None:
    experiment = small()
    words = {"scale": "0.5", "m": "2,1", "case": "short", "blocks": "1"}
    changes = typed(experiment, words)
    assert changes == {"scale": 0.5, "m": (2, 1), "case": ("short",), "blocks": 1}
    dataset = run(experiment, out=tmp_path, workers=1, changes=changes)
    assert dict(dataset["mean"].sizes) == {"case": 1, "m": 2, "block": 1}
    unchanged = run(experiment, out=tmp_path, workers=1)
    # Settings and the extent of the grid do not enter the random numbers: a fourth of the scale is a fourth of the mean.
    place = {"case": "short", "m": 2, "block": 0}
    assert float(dataset["mean"].sel(place)) == float(unchanged["mean"].sel(place)) / 4
    for wrong, message in (({"rows": "3"}, "has no 'rows' to set: it has scale, case, m"), ({"m": "x"}, "m takes numbers")):
        with pytest.raises(InputError, match=message):
            run(experiment, out=tmp_path, changes=typed(experiment, wrong))


def test_folders_enter_as_the_experiment_says(tmp_path: Path) -> None:
    experiment = small(settings={"scale": 2.0, "images": ""}, folders=lambda data, ood: {"images": f"{data}|{ood}"})
    assert from_folders(experiment, None, None) == {}
    with pytest.raises(DataError, match="holds 0 images"):  # linflow's own read images alone: before anything runs
        from_folders(load("out-of-distribution").experiment, tmp_path, tmp_path)
    assert from_folders(experiment, tmp_path, None) == {"images": f"{tmp_path.resolve()}|"}
    with pytest.raises(DataError, match="is not a folder"):
        from_folders(experiment, tmp_path, tmp_path / "missing")
    with pytest.raises(InputError, match="takes no --data"):
        from_folders(small(), tmp_path, None)


def test_how_a_folder_is_read_stands_in_its_word(tmp_path: Path) -> None:
    plain, deep = tmp_path / "a [x] folder", tmp_path / "deep"
    for place in (plain, deep, deep / "inner"):
        place.mkdir()
        for k in range(3):
            Image.fromarray(np.full((4, 6), 1000 * k, dtype=np.uint16)).save(place / f"{k}.png")
    for given, count, top in (
        (Given(), 3, 2000 / 65535),
        (Given(recursive=True), 6, 2000 / 65535),
        (Given(recursive=True, value_range="0:4000"), 6, 0.5),
        (Given(frames=True, value_range="0:2000"), 3, 1.0),
    ):
        word = folder_word(deep, given)
        found = folder_images(word, size=4)
        assert (found.shape, found.max()) == ((count, 16), pytest.approx(top))
        assert folder_images(word, size=2, grey=False).shape == (count, 12)
        assert (word == str(deep)) == (given == Given())
        # The words of a plain folder are its path, whatever that looks like.
        assert folder_images(folder_word(plain, Given()), size=4).shape == (3, 16)
    for name in (f"{deep} [--recursive]", "a / b"):
        with pytest.raises(InputError, match="reads as that of two folders, or as one with options: rename it"):
            folder_word(Path(name), Given())
    for wrong in ("x [--recursive --no]", "x [--range]"):
        with pytest.raises(InputError, match="is no option of a folder of images"):
            folder_images(wrong, size=4)


def test_training_reads_images_as_it_is_told(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from linflow.deep.training import _images

    (tmp_path / "inner").mkdir()
    for k in range(4):
        Image.fromarray(np.full((4, 4), 1000 * k, dtype=np.uint16)).save(tmp_path / "inner" / f"{k}.png")
    assert _images(tmp_path, 4, True, Given(recursive=True, value_range="0:3000")).max() == 1.0
    with pytest.raises(DataError, match="its subfolders hold 4"):
        _images(tmp_path, 4, True, Given())
    with pytest.raises(InputError, match="--recursive says how to read the images of --data: give it"):
        _images(None, None, True, Given(recursive=True))


def test_options_of_images_reach_the_experiments_that_take_folders(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.png").touch()
    sized = small(settings={"scale": 2.0, "images": "", "size": 8}, folders=lambda data, ood: {"images": f"{data}|{ood}"})
    unsized = small(settings={"scale": 2.0, "images": ""}, folders=lambda data, ood: {"images": f"{data}|{ood}"})
    word = f"{tmp_path.resolve()} [--range 0:4095 --recursive]"
    read: dict[str, Any] = {"data": tmp_path, "recursive": True, "value_range": "0:4095"}
    assert from_outside(unsized, Given(**read), None) == {"images": f"{word}|"}
    assert from_outside(sized, Given(**read, size=4), tmp_path) == {"images": f"{word}|{word}", "size": 4}
    options: dict[str, Any]
    for experiment, options, message in (
        (unsized, {**read, "size": 4}, "takes no --size"),
        (sized, {**read, "rgb": True}, "takes no --rgb"),
        (sized, {**read, "variable": "x"}, "takes no --variable"),
        (sized, {"recursive": True}, "takes no --recursive: give --data, which it says how to read"),
        (small(), {"recursive": True}, "takes no --recursive"),
        (load("paper-scale").experiment, {"data": tmp_path}, "its subfolders hold 1: recursive=True"),
    ):
        with pytest.raises(LinflowError, match=message) as error:
            from_outside(experiment, Given(**options), None)
        assert "\n" not in str(error.value)
