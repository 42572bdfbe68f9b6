"""What ends a command: signals as Ctrl-C, errors of any kind as one sentence; and who is left running afterwards."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linflow.engine import stopping
from linflow.errors import InputError
from tests.faults.processes import alive, children
from tests.test_cli import records
from tests.test_engine_pool import user_file

ROOT = Path(__file__).resolve().parent.parent

#: What may come out of a command, and what is said of it.
ERRORS: dict[str, tuple[BaseException, str, int]] = {
    "ours": (InputError("n must be\npositive"), "n must be positive", 2),
    "memory": (MemoryError(), "out of memory: choose a smaller problem, or fewer --workers", 2),
    "recursion": (RecursionError("maximum recursion depth exceeded"), "something is nested too deeply", 2),
    "overflow": (OverflowError("int too large"), "a number is too large (int too large)", 2),
    "file": (OSError(errno.ENOSPC, "No space left on device", "a.txt"), "cannot read or write 'a.txt': No space left", 2),
    "name": (OSError(errno.ENAMETOOLONG, "File name too long", "a"), "cannot read or write 'a': File name too long", 2),
    "fault": (KeyError("x"), "this is a fault of linflow, not yours (KeyError: 'x')", 2),
    "pipe": (BrokenPipeError(), "", 141),
    "interrupt": (KeyboardInterrupt(), "interrupted", 130),
    "term": (stopping.Stopped(signal.SIGTERM), "stopped by SIGTERM", 143),
    "hangup": (stopping.Stopped(signal.SIGHUP), "stopped by SIGHUP", 129),
}


@pytest.mark.parametrize("what", ERRORS)
def test_whatever_comes_out_is_a_sentence_and_a_status(what: str) -> None:
    error, said, status = ERRORS[what]
    found = stopping.sentence_and_status(error, resumes=False)
    assert found[0].startswith(said)
    assert "\n" not in found[0]
    assert found[1] == status
    resumed = stopping.sentence_and_status(error, resumes=True)[0]
    assert resumed.endswith("the same command continues where it stopped") == isinstance(error, KeyboardInterrupt)


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are listed in /proc")


@linux
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"])
def test_a_signal_ends_a_run_and_its_workers(name: str, tmp_path: Path) -> None:
    number = getattr(signal, name)
    file = user_file(tmp_path, ("plain", "other", "third"), seconds=0.3)
    command = [sys.executable, "-m", "linflow", "run", str(file), "--out", str(tmp_path / "out"), "--workers", "2"]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        limit = time.monotonic() + 60
        while records(tmp_path / "out" / "user-test.sqlite") < 1:
            assert time.monotonic() < limit
            assert process.poll() is None
            time.sleep(0.02)
        workers = children(process.pid)
        assert len(workers) >= 2
        os.kill(process.pid, number)
        _, said = process.communicate(timeout=30)
    assert "Traceback" not in said
    if name == "SIGKILL":
        assert process.returncode == -number
    else:
        assert process.returncode == 128 + number
        how = "interrupted" if name == "SIGINT" else f"stopped by {name}"
        assert f"linflow: {how}; the same command continues where it stopped" in said
    limit = time.monotonic() + 10
    while any(map(alive, workers)):
        assert time.monotonic() < limit, "workers outlive their coordinator"
        time.sleep(0.05)


def test_a_reader_that_goes_away_is_silence() -> None:
    command = f"{sys.executable} -m linflow predict --family flat --n 400 --m 1:400 --json | head -c 1 > /dev/null"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() in ("141", "0")  # 0 where the pipe took all before the reader left
    assert done.stderr == ""
