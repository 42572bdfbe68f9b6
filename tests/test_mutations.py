"""The mutation check itself: its table cannot rot in silence, and it calls nothing caught that is not."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

import pytest

from tests.mutations.__main__ import main
from tests.mutations.runner import BROKEN, CAUGHT, ROOT, SURVIVED, TREE, Fault, HarnessError, Run, Workshop, judged
from tests.mutations.table import FAULTS
from tests.mutations.witness import COPY, PROFILE, REPORT

BOUNDS, SENTENCE = "linflow/risk/bounds.py", "tests/test_bounds.py::test_m_outside_its_range_is_one_clear_sentence[-1]"
THEOREM = "tests/test_bounds.py::test_both_sides_of_the_theorem_are_those_that_it_states[power law 0.7]"
LINE = "    return spectrum.tail(m)\n"


def fault(name: str, old: str, new: str, test: str = THEOREM) -> Fault:
    return Fault(name=name, what="", file=BOUNDS, old=old, new=new, tests=(test,))


@cache
def sound_program(file: str) -> str:
    return ast.dump(ast.parse((ROOT / file).read_text(encoding="utf-8")))


@pytest.mark.parametrize("planted", FAULTS, ids=lambda f: f.name)
def test_every_fault_can_be_planted_and_changes_the_program(planted: Fault) -> None:
    faulty = planted.planted(ROOT)
    compile(faulty, planted.file, "exec", dont_inherit=True)
    assert ast.dump(ast.parse(faulty)) != sound_program(planted.file), "a fault in a comment is none"
    assert planted.what
    assert planted.tests


def test_names_are_unique_and_every_room_has_its_faults() -> None:
    names = [planted.name for planted in FAULTS]
    assert len(set(names)) == len(names) >= 50
    rooms = {planted.file for planted in FAULTS}
    mathematics = ["spectrum", "flow", "graded", "fista"]
    mathematics += [
        "measurement/ensembles",
        "estimators/closed",
        "estimators/systems",
        "estimators/solvers",
        "estimators/noise",
    ]
    mathematics += [f"pursuit/{name}" for name in ("rows", "exact", "least", "certificates", "decisions")]
    mathematics += [f"risk/{name}" for name in ("bounds", "simulate", "equivalent", "fixed_point")]
    mathematics += [f"risk/{name}" for name in ("exact", "enclosure", "compress")]
    mathematics += [f"claims/{name}" for name in ("confidence", "tilted", "quantities", "certainties", "verdict", "run")]
    mathematics += [f"experiments/{name}" for name in ("experiment", "statistics", "stored", "run", "results")]
    mathematics += [f"engine/{name}" for name in ("store", "pool", "sources", "stopping")]
    assert {f"linflow/{name}.py" for name in mathematics} <= rooms


def test_every_listed_test_exists() -> None:
    # The part in brackets is looked up by the command itself, whose run without any fault must find every test.
    listed = {(*test.split("[")[0].split("::"), planted.name) for planted in FAULTS for test in planted.tests}
    for path in {file for file, _, _ in listed}:
        body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
        there = {node.name for node in body if isinstance(node, ast.FunctionDef)}
        assert {(test, name) for file, test, name in listed if file == path and test not in there} == set()


@pytest.mark.parametrize(
    ("file", "old", "message"),
    [
        (BOUNDS, "no such text", "occurs 0 times"),
        (BOUNDS, "spectrum.tail", "times in linflow/risk/bounds.py, not once"),
        ("linflow/none.py", "x", "there is no file"),
        (BOUNDS, LINE, "does not compile"),
    ],
)
def test_a_fault_that_cannot_be_planted_is_said(file: str, old: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        Fault("name", "", file, old, "    return (\n", ()).planted(ROOT)
    assert main([], faults=[Fault("name", "", file, old, "    return (\n", (THEOREM,))]) == 2


#: name -> (fault, what must become of it)
HONESTY = {
    "real": (fault("real", LINE, "    return 2 * spectrum.tail(m)\n"), CAUGHT),
    "comment": (fault("comment", LINE, "    return spectrum.tail(m)  # the same\n"), SURVIVED),
    "no-import": (fault("no-import", "import math\n", "import no_such_module_anywhere\n"), BROKEN),
}


def test_nothing_is_called_caught_that_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    faults = [planted for planted, _ in HONESTY.values()]
    before = (ROOT / BOUNDS).read_bytes()
    assert main(["--json"], faults=faults) == 1
    rows = json.loads(capsys.readouterr().out)["faults"]
    assert {row["name"]: row["outcome"] for row in rows} == {name: outcome for name, (_, outcome) in HONESTY.items()}
    assert [row["name"] for row in rows] == list(HONESTY)
    why = {row["name"]: row["why"] for row in rows}
    assert (rows[0]["by"], why["real"]) == (THEOREM, "AssertionError")
    assert all(row["by"] is None for row in rows[1:])
    assert why["no-import"].startswith("pytest ends with status")
    assert list(tmp_path.iterdir()) == [], "the copies are removed"
    assert (ROOT / BOUNDS).read_bytes() == before


@pytest.mark.parametrize(
    ("status", "passed", "failure", "outcome", "why"),
    [
        (0, 3, None, SURVIVED, "3 tests passed"),
        (0, 0, None, BROKEN, "no test ran"),
        (1, 2, ("call", "AssertionError"), CAUGHT, "AssertionError"),
        (1, 2, ("call", "NameError"), BROKEN, "stumbled, NameError"),
        (1, 2, ("setup", "AssertionError"), BROKEN, "setup of t raised"),
        (1, 2, None, BROKEN, "status 1"),  # such as a process that ended itself
        (2, 0, ("call", "AssertionError"), BROKEN, "status 2"),
        (4, 0, None, BROKEN, "status 4"),
        (5, 0, None, BROKEN, "status 5"),
        (-9, 0, None, BROKEN, "status -9"),
        (None, 0, None, BROKEN, "not finished after 7 s"),
    ],
)
def test_only_a_test_that_fails_by_itself_is_a_catch(
    status: int | None, passed: int, failure: tuple[str, str] | None, outcome: str, why: str
) -> None:
    failures = [] if failure is None else [{"test": "t", "phase": failure[0], "error": failure[1], "text": ""}]
    found = judged(Run(status, {"passed": passed, "failed": len(failures), "skipped": 0}, failures, "tail", 7.0))
    assert found[0] == outcome
    assert found[1] == ("t" if outcome == CAUGHT else "")
    assert why in found[2]


def test_a_hang_is_no_catch() -> None:
    hangs = fault("hangs", LINE, "    import time\n\n    time.sleep(600)\n")
    with Workshop(workers=1, timeout=4.0) as workshop:
        start = time.monotonic()
        result = workshop.try_out(hangs)
        assert time.monotonic() - start < 60
    assert result.outcome == BROKEN
    assert "not finished after" in result.why
    assert not workshop.folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_behind(number: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.mutations", "--only", FAULTS[0].name]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "without any fault" in process.stderr.readline()
        assert len(list(tmp_path.iterdir())) == 1
        process.send_signal(number)
        assert "interrupted" in process.stderr.read()
        assert process.wait(20) == 130
    assert list(tmp_path.iterdir()) == []


def test_closing_waits_for_a_run_that_the_pool_does_not_know() -> None:
    """A pool that is interrupted in the start of a thread forgets it, and the thread goes on."""
    begun = threading.Event()
    left: list[bool] = []

    def late() -> None:
        with workshop._place("run-") as place:
            begun.set()
            time.sleep(0.3)
            left.append(place.exists())

    with Workshop(workers=1) as workshop:
        threading.Thread(target=late).start()
        begun.wait(20)
    assert left == [True]
    assert not workshop.folder.exists()
    with pytest.raises(HarnessError, match="stopped"), workshop._place("run-"):
        pass


def test_exit_status_zero_only_if_all_are_caught(capsys: pytest.CaptureFixture[str]) -> None:
    real, comment = HONESTY["real"][0], HONESTY["comment"][0]
    assert main(["--only", "real"], faults=[real, comment]) == 0
    assert "1 faults: 1 caught, 0 survived, 0 broken" in capsys.readouterr().out
    assert main(["--list"], faults=[real, comment]) == 0
    assert main(["--only", "real"], faults=[fault("real", LINE, "    return 2.0\n", THEOREM + "x")]) == 2
    assert "without any fault, pytest ends with status 4" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "no-such-fault"], faults=[real])


def test_a_linflow_from_elsewhere_is_refused(tmp_path: Path) -> None:
    """What an editable install would do if it came first: the witness must not let the sound library be tested."""
    (tmp_path / "linflow").mkdir()
    (tmp_path / "tests").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), COPY: str(tmp_path), REPORT: str(tmp_path / "r")}
    command = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", "-p", "tests.mutations.witness", SENTENCE]
    environment["HYPOTHESIS_PROFILE"] = PROFILE
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "linflow was imported from" in done.stderr
    assert f"not from the copy {tmp_path}" in done.stderr


def test_the_copied_tree_is_all_that_the_tests_need() -> None:
    assert {"linflow", "simulations", "tests", "pyproject.toml", "README.md"} <= set(TREE)
    assert not any(Path(name).is_absolute() for name in TREE)
