"""Planting a fault in a copy of the tree and running the tests that must catch it there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.mutations.witness import COPY, PROFILE, REPORT

ROOT = Path(__file__).resolve().parents[2]
#: What the tests need; what does not exist is left out.
TREE = ("linflow", "simulations", "proofs", "tests", "docs", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE")

CAUGHT, SURVIVED, BROKEN = "caught", "survived", "broken"
#: Seconds that the tests of one fault may take: a hang is no catch.
TIMEOUT = 120.0
_BASELINE_TIMEOUT = 600.0
#: A program that stumbles over its own fault has not been contradicted by a test.
_STUMBLES = ("NameError", "UnboundLocalError", "AttributeError", "ImportError", "ModuleNotFoundError", "SyntaxError")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class HarnessError(Exception):
    """The check itself cannot be made."""


@dataclass(frozen=True)
class Fault:
    """One planted fault.

    Parameters
    ----------
    name : short and unique.
    what : the fault in words.
    file : relative to the root of the checkout.
    old, new : `old` occurs exactly once in the file, and is replaced by `new`.
    tests : node ids of the tests expected to catch it, the fastest that do.
    """

    name: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def planted(self, root: Path) -> str:
        """The faulty text of the file.

        Raises
        ------
        HarnessError
            The file has changed so that the fault cannot be planted, or no longer compiles with it.
        """
        path = root / self.file
        if not path.is_file():
            raise HarnessError(f"fault {self.name!r}: there is no file {self.file}")
        source = path.read_text(encoding="utf-8")
        if (count := source.count(self.old)) != 1:
            raise HarnessError(f"fault {self.name!r}: its old text occurs {count} times in {self.file}, not once")
        faulty = source.replace(self.old, self.new)
        try:
            # Not ast.parse, whose recursion counter threads share in Python 3.11.
            compile(faulty, self.file, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise HarnessError(f"fault {self.name!r}: {self.file} does not compile with it ({error})") from error
        return faulty


@dataclass(frozen=True)
class Result:
    """What became of a fault: caught (by the test `by`), survived, or broken, which is neither; `why` says more."""

    fault: Fault
    outcome: str
    by: str
    why: str
    seconds: float


@dataclass(frozen=True)
class Run:
    """One run of pytest."""

    status: int | None
    counts: dict[str, int]
    failures: list[dict[str, str]]
    tail: str
    seconds: float


class Workshop:
    """A copy of the tree, and a copy of the copy for each fault; use it as a context manager.

    Parameters
    ----------
    workers : runs at a time.
    timeout : seconds for the tests of one fault.
    root : the tree to copy.
    """

    def __init__(self, *, workers: int, timeout: float = TIMEOUT, root: Path = ROOT) -> None:
        self.workers, self.timeout, self.root = workers, timeout, root
        self._pool = ThreadPoolExecutor(workers)
        self._live: set[subprocess.Popen[str]] = set()
        self._lock = threading.Condition()
        self._at_work = 0
        self._stopped = False

    def __enter__(self) -> Workshop:
        self.folder = Path(tempfile.mkdtemp(prefix="linflow-mutations-"))
        try:
            self.sound = self.folder / "sound"
            self.sound.mkdir()
            for name in TREE:
                source = self.root / name
                if source.is_dir():
                    shutil.copytree(source, self.sound / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
                elif source.exists():
                    shutil.copy(source, self.sound / name)
            # Compiled once, and checked by content: a faulty file must never be taken for the sound one of the same second.
            compiling = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "linflow"]
            subprocess.run(compiling, cwd=self.sound, check=False, capture_output=True)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._lock:
            self._stopped = True
            for process in self._live:
                _kill(process)
        # Also on an interrupt: what has not begun never does, and what has is ended by now.
        self._pool.shutdown(wait=True, cancel_futures=True)
        # The pool does not know a thread in the start of which it was interrupted, and that thread may write here still.
        with self._lock:
            self._lock.wait_for(lambda: self._at_work == 0)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def _place(self, prefix: str) -> Iterator[Path]:
        """A folder for as long as it is needed; HarnessError once the workshop is closing."""
        with self._lock:
            if self._stopped:
                raise HarnessError("stopped")
            self._at_work += 1
        try:
            place = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder))
            try:
                yield place
            finally:
                shutil.rmtree(place, ignore_errors=True)
        finally:
            with self._lock:
                self._at_work -= 1
                self._lock.notify_all()

    def check(self, faults: Sequence[Fault]) -> None:
        """Raise HarnessError unless every fault can be planted in the tree as it was copied."""
        for fault in faults:
            fault.planted(self.sound)

    def baseline(self, tests: Sequence[str]) -> None:
        """Raise HarnessError unless every one of `tests` runs and passes without a fault."""
        chosen = sorted(set(tests))
        parts = [chosen[i :: self.workers] for i in range(min(self.workers, len(chosen)))]
        runs = self._pool.map(lambda part: self._pytest(self.sound, part, _BASELINE_TIMEOUT), parts)
        for part, run in zip(parts, runs, strict=True):
            if run.failures:
                failures = ", ".join(failure["test"] for failure in run.failures)
                raise HarnessError(f"without any fault, tests fail: {failures}")
            if run.status != 0:
                raise HarnessError(f"without any fault, pytest ends with status {run.status}: {run.tail}")
            if run.counts["skipped"] or run.counts["passed"] < len(part):
                raise HarnessError(f"without any fault, only {run.counts} of the tests {', '.join(part)} ran")

    def results(self, faults: Sequence[Fault]) -> Iterator[Result]:
        """What becomes of each fault, as it is known."""
        for future in as_completed([self._pool.submit(self.try_out, fault) for fault in faults]):
            yield future.result()

    def try_out(self, fault: Fault) -> Result:
        """Plant one fault and run its tests."""
        with self._place("fault-") as place:
            copy = place / "copy"
            shutil.copytree(self.sound, copy)
            (copy / fault.file).write_text(fault.planted(self.sound), encoding="utf-8")
            run = self._pytest(copy, fault.tests, self.timeout)
        outcome, by, why = judged(run)
        return Result(fault, outcome, by, why, run.seconds)

    def _pytest(self, copy: Path, tests: Sequence[str], timeout: float) -> Run:
        # A folder beside the copy for each run, since several share the sound one.
        with self._place("run-") as place:
            return self._pytest_in(place, copy, tests, timeout)

    def _pytest_in(self, place: Path, copy: Path, tests: Sequence[str], timeout: float) -> Run:
        start = time.monotonic()
        report = place / "report.json"
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "tests.mutations.witness"]
        command += ["-o", "addopts=", "--tb=short", f"--basetemp={place / 'tmp'}", *tests]
        environment = {
            **os.environ,
            **dict.fromkeys(_THREADS, "1"),
            "PYTHONPATH": str(copy),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_PROFILE": PROFILE,
            COPY: str(copy),
            REPORT: str(report),
        }
        with self._lock:
            if self._stopped:
                raise HarnessError("stopped")
            # A session of its own: an interrupt is ours to pass on, and whatever a test leaves behind ends with it.
            process = subprocess.Popen(
                command,
                cwd=copy,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._live.add(process)
        status: int | None
        try:
            output, _ = process.communicate(timeout=timeout)
            status = process.returncode
        except subprocess.TimeoutExpired:
            _kill(process)
            output, status = process.communicate()[0], None
        finally:
            with self._lock:
                self._live.discard(process)
        content = {"counts": {"passed": 0, "failed": 0, "skipped": 0}, "failures": []}
        if report.is_file():
            content = json.loads(report.read_text(encoding="utf-8"))
        tail = " / ".join(line.strip() for line in output.strip().splitlines()[-4:])
        return Run(status, **content, tail=tail, seconds=time.monotonic() - start)  # type: ignore[arg-type]


def judged(run: Run) -> tuple[str, str, str]:
    """(outcome, the test that caught it, why)."""
    if run.status is None:
        return BROKEN, "", f"not finished after {run.seconds:.0f} s"
    if run.status == 0:
        ran = run.counts["passed"]
        return (SURVIVED, "", f"{ran} tests passed") if ran else (BROKEN, "", "no test ran")
    if run.status != 1 or not run.failures:
        return BROKEN, "", f"pytest ends with status {run.status}: {run.tail}"
    failure = run.failures[0]
    if failure["phase"] != "call":
        return BROKEN, "", f"{failure['phase']} of {failure['test']} raised {failure['error']}: {failure['text']}"
    if failure["error"] in _STUMBLES:
        return BROKEN, "", f"{failure['test']} stumbled, {failure['error']}: {failure['text']}"
    return CAUGHT, failure["test"], failure["error"]


def _kill(process: subprocess.Popen[str]) -> None:
    """End a run that has not ended by itself, and everything that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
