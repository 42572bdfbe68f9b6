"""The short form of the campaign: every part plays, finds nothing, and would find something where there is something."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.faults import disks, endurance, flips, kills, lines, mounts, signals
from tests.faults.common import ROOT, Row, markdown, run_part, told

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are listed in /proc")
_STORES = [kind for kind in flips.KINDS if kind.name.endswith("store")]
_TORCH = [kind for kind in flips.KINDS if kind not in _STORES]


@pytest.fixture(autouse=True)
def _where_we_were() -> Iterator[None]:
    before = Path.cwd()
    yield
    os.chdir(before)


def sound(rows: list[Row], count: int) -> bool:
    assert [fault for row in rows for fault in row.faults] == []
    return sum(row.count for row in rows) == count


def test_flipped_bits_of_stores() -> None:
    assert sound(flips.play(18, random.Random(1), _STORES), 18)


def test_flipped_bits_of_what_torch_writes() -> None:
    assert sound(flips.play(40, random.Random(1), _TORCH), 40)


def test_a_file_without_a_seal_is_found_out(tmp_path: Path) -> None:
    def write(folder: Path) -> Path:
        (folder / "a").write_bytes(bytes(100))
        return folder / "a"

    (row,) = flips.play(20, random.Random(1), [flips.Kind("bare bytes", write, lambda folder: (folder / "a").read_bytes())])
    assert len(row.faults) == 20
    assert all(fault.endswith("another answer") for fault in row.faults)


def test_generated_lines() -> None:
    assert sound(lines.play(40, random.Random(3)), 40)


def test_every_option_of_every_command_is_played() -> None:
    rng, seen = random.Random(0), set()
    for _ in range(1500):
        name, *words = lines.line(rng)
        seen |= {(name, word) for word in words}
    for name, command in lines._commands().items():
        spelled = [
            option for parameter in command.params if parameter.param_type_name == "option" for option in parameter.opts
        ]
        assert {option for option in spelled if (name, option) not in seen} <= {"--machine"}


def test_full_disks() -> None:
    assert sound(disks.play(2, random.Random(2)), 2)


@pytest.mark.skipif(not mounts.may_mount(), reason="this process may not mount")
def test_a_disk_of_our_own_is_full_and_not_to_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mounts.mounted(tmp_path / "disk", 2**20) as disk:
        with mounts.read_only(disk), pytest.raises(OSError, match="Read-only"):
            (disk / "file").write_bytes(b"x")
        mounts.filled(disk, 8192)
        (disk / "file").write_bytes(bytes(8192))
        with pytest.raises(OSError, match="No space"):
            (disk / "other").write_bytes(b"x")
    assert not any(disk.iterdir())
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=8192))
    with pytest.raises(RuntimeError, match="not full"):
        mounts.filled(tmp_path, 4096)


@linux
def test_signals() -> None:
    assert sound(signals.play(2, random.Random(1), [("run", "SIGTERM"), ("prove", "SIGINT")]), 2)


@linux
def test_kills() -> None:
    assert sound(kills.play(1, random.Random(1), [("hunt", "coordinator")]), 1)


@linux
def test_many_tiny_cells() -> None:
    assert sound(endurance.play(200, random.Random(1)), 200)


#: Stores rows as a run does, and keeps a mebibyte for each.
_HOARDER = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("CREATE TABLE records (key TEXT PRIMARY KEY, seal BLOB)")
hoard = []
for i in range(40):
    store.execute("INSERT INTO records VALUES (?, '')", (str(i),))
    hoard.append(b"x" * int(sys.argv[2]))
    sys.stdin.readline()
"""


@linux
def test_memory_that_grows_with_the_cells_is_found_out(tmp_path: Path) -> None:
    for size in (0, 2**20):
        found, store = endurance.Endured(), tmp_path / f"{size}.sqlite"
        command = [sys.executable, "-c", _HOARDER, str(store), str(size)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
            assert endurance.Watch(store, range(40), _stepped(process)).follow(process, "it", found) == 40
        assert [fault.partition(" grew by")[0] for fault in found.faults] == ["it: the coordinator"] * (size > 0)


def _stepped(process: subprocess.Popen[str]) -> Callable[[float], None]:
    """In the place of waiting: the other process takes its next step."""

    def step(seconds: float) -> None:
        assert process.stdin is not None
        print(file=process.stdin, flush=True)

    return step


@linux
def test_a_worker_whose_coordinator_is_gone_ends() -> None:
    program = "import os, time; from linflow.engine.workers import start_worker; start_worker({}); print('here')"
    for parent, said in (("os.getppid()", "here\n"), ("os.getppid() + 1", "")):
        command = [sys.executable, "-c", program.format(parent)]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout == said


def test_faults_are_told_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row("bits", 3, ("lost",), "nothing"), Row("kills", 2, (), "nothing")]
    assert markdown(rows).splitlines()[2:] == ["| bits | 3 | 1 | nothing |", "| kills | 2 | 0 | nothing |"]
    assert told(rows) == 1
    assert capsys.readouterr().err == "FAULT bits: lost\n"
    assert told(rows[1:]) == 0
    counts: list[int] = []

    def part(count: int, rng: random.Random) -> list[Row]:
        counts.append(count)
        return rows[1:]

    for arguments in ([], ["--long"], ["--count", "7"]):
        assert run_part(part, 2, 9, "a part", arguments) == 0
    assert counts == [2, 9, 7]
