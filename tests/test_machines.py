"""The parts of ``python -m tests.machines``: what it runs, the bounds that it reads, the outcomes that it calls sound."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from tests.machines import (
    KERNELS,
    LIBRARIES,
    NEED_TORCH,
    NUMERICAL,
    OTHERS,
    ROOT,
    MachineError,
    Outcome,
    files,
    main,
    oldest,
    probe,
    run_tests,
    runnable,
)


def test_every_test_file_is_run_or_left_out_for_a_reason() -> None:
    there = {path.name for path in (ROOT / "tests").glob("test_*.py")}
    run = {Path(path).name for path in files(NUMERICAL + LIBRARIES)}
    assert len(run) == len(NUMERICAL + LIBRARIES)
    assert run <= there
    reasons = {name: [p for p in OTHERS if name.startswith(f"test_{p}")] for name in there - run}
    assert [name for name, prefixes in reasons.items() if len(prefixes) != 1] == []
    assert set(OTHERS) == {prefixes[0] for prefixes in reasons.values()}, "a reason that applies to no file"
    assert not any(name.startswith(f"test_{prefix}") for prefix in OTHERS for name in run)
    for test in NEED_TORCH:
        path, name = test.split("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_the_lower_bounds_are_those_of_the_project() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = oldest(text)
    assert len(found) == len(tomllib.loads(text)["project"]["dependencies"])
    assert any(line.startswith("numpy==2.") for line in found)
    with pytest.raises(MachineError, match=r"'numpy' in pyproject\.toml has no lower bound"):
        oldest('project.dependencies = ["scipy>=1.13", "numpy"]')
    with pytest.raises(MachineError, match="has no lower bound"):
        oldest('project.dependencies = ["numpy<3"]')


@pytest.mark.parametrize(
    ("output", "status", "passed", "failed", "sound"),
    [
        ("..\n12 passed in 3.10s\n", 0, 12, 0, True),
        ("..\n12 passed, 1 warning in 63.10s (0:01:03)\n", 0, 12, 0, True),
        ("FAILED tests/a.py::b[x y]\n1 failed, 11 passed in 3.10s\n", 1, 11, 1, False),
        ("ERROR tests/a.py - X\n2 failed, 11 passed, 4 errors in 3.10s\n", 1, 11, 6, False),
        ("no tests ran in 0.01s\n", 5, 0, 0, False),
        ("no tests ran in 0.01s\n", 0, 0, 0, False),
        ("12 passed in 3.10s\n", 3, 12, 0, False),
        ("Illegal instruction\n", -4, 0, 0, False),
    ],
)
def test_only_a_run_in_which_all_tests_pass_is_sound(
    output: str, status: int, passed: int, failed: int, sound: bool
) -> None:
    outcome = Outcome.read(output, status)
    assert (outcome.passed, outcome.failed, outcome.sound) == (passed, failed, sound)
    assert Outcome.read("FAILED tests/a.py::b[x y] - E\n1 failed in 1.0s", 1).names == ("tests/a.py::b[x y]",)


def test_kernels_that_the_processor_cannot_execute_are_not_asked_for() -> None:
    assert "SkylakeX" not in runnable(KERNELS, "fpu avx avx2")
    assert runnable(KERNELS, "fpu avx avx2 avx512f") == list(KERNELS)


def test_the_kernel_in_use_is_looked_up() -> None:
    architecture, versions = probe(sys.executable, None)
    assert architecture
    assert versions.startswith("python 3.")
    with pytest.raises(MachineError, match="cannot be imported"):
        probe("false", None)


SEEDED = """
from hypothesis import given, settings, strategies as st
seen = []
@settings(max_examples=20, derandomize=True)
@given(st.integers(0, 10**12))
def test_numbers(number):
    seen.append(number)
def test_write():
    open({file!r}, "a").write(repr(seen) + "\\n")
"""


def test_the_seed_decides_the_examples(tmp_path: Path) -> None:
    report = tmp_path / "seen"
    (tmp_path / "test_seeded.py").write_text(SEEDED.format(file=str(report)), encoding="utf-8")
    for seed in (1, 2, 1):
        outcome, output = run_tests(sys.executable, [str(tmp_path)], kernel=None, seed=seed, workers=0)
        assert outcome.sound, output
    first, second, again = report.read_text(encoding="utf-8").splitlines()
    assert first == again
    assert first != second


def test_the_exit_status_is_that_of_the_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    architecture = probe(sys.executable, None)[0]
    for body, status in (("def test_a(): pass\n", 0), ("def test_a(): assert False\n", 1)):
        (tmp_path / "test_one.py").write_text(body, encoding="utf-8")
        kernel = architecture.split("+")[0]
        assert main(["--kernel", kernel, "--workers", "0", str(tmp_path / "test_one.py")]) == status
        said = capsys.readouterr().out
        assert f"{1 - status} passed, {status} failed" in said
        assert "kernels " in said
    assert "test_one.py::test_a" in said
