"""Disks that are full, folders that cannot be written or vanish, two runs at once: one sentence, and the command resumes.

    python -m tests.faults.disks [--count N] [--seed S] [--long]

Where this process may mount, a full disk and a read-only one are small file systems of their own; elsewhere they are
played by a limit on the size of files and by a folder without permissions, and the rows say so. /dev/full stands behind
standard output.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.common import Answer, Row, run_part, wrong
from tests.faults.jobs import Job, jobs
from tests.faults.mounts import filled, may_mount, mounted, read_only
from tests.faults.processes import PATIENCE, run, start, until

SHORT, LONG = 7, 70
_MEANS = "one sentence, and afterwards the same command gives the bytes of an undisturbed one"
_RESUMABLE = ("run", "hunt", "train", "verify")


def play(count: int, rng: random.Random) -> list[Row]:
    """Play `count` faults of disks, each kind in turn."""
    kinds = _kinds(may_mount())
    rows: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        stage = _Stage(Path(name), rng, len(kinds))
        for number in range(count):
            what = list(kinds)[number % len(kinds)]
            rows.setdefault(what, []).extend(kinds[what](stage, number))
    return [
        Row(what, sum(n % len(kinds) == i for n in range(count)), tuple(faults), _MEANS)
        for i, (what, faults) in enumerate(rows.items())
    ]


class _Stage:
    """Where the faults are played, and what undisturbed commands answer."""

    def __init__(self, folder: Path, rng: random.Random, kinds: int) -> None:
        self.folder, self.rng, self.cache, self.kinds = folder, rng, folder / "cache", kinds
        self.jobs = jobs(folder)
        self.known: dict[str, tuple[object, ...]] = {}

    def job(self, number: int) -> Job:
        """The commands in turn: all kinds of faults meet all kinds of commands."""
        return self.jobs[_RESUMABLE[(number // self.kinds + number) % len(_RESUMABLE)]]

    def out(self, number: int) -> Path:
        return self.folder / f"out{number}"

    def resumes(self, job: Job, out: Path) -> list[str]:
        """What is wrong after the same command has been given again on a sound disk."""
        if job.name not in self.known:
            fresh = self.folder / f"undisturbed-{job.name}"
            run(job.command(fresh), self.cache)
            self.known[job.name] = job.answer(fresh)
        done = run(job.command(out), self.cache)
        if done.returncode != 0:
            return [f"{job.name} does not continue: {done.stderr.strip()[-300:]!r}"]
        return [] if job.answer(out) == self.known[job.name] else [f"{job.name}: another answer than undisturbed"]


def _full(stage: _Stage, number: int) -> list[str]:
    """A small disk that is full, or becomes so; then room is made."""
    job, out = stage.job(number), stage.out(number)
    left = stage.rng.choice((0, 4096, 8192, 16_384, 40_960, 65_536, 131_072, 262_144, 524_288, 1_048_576))
    with mounted(out, 4 * 2**20):
        ballast = filled(out, left)
        problem = wrong(_ended(start(job.command(out), stage.cache)))
        ballast.unlink()
        faults = [f"{job.name} with {left} bytes free: {problem}"] if problem else []
        return faults + stage.resumes(job, out)


def _limited(stage: _Stage, number: int) -> list[str]:
    """No file may grow beyond some bytes: writing fails as on a full disk (Python ignores the signal for it)."""
    job, out = stage.job(number), stage.out(number)
    limit = stage.rng.choice((0, 1, 1000, 5000, 12_000, 30_000, 60_000))

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    found = _ended(start(job.command(out), stage.cache, preexec_fn=small))
    problem = wrong(found)
    faults = [f"{job.name} with files of {limit} bytes at most: {problem}"] if problem else []
    return faults + stage.resumes(job, out)


def _nowhere(stage: _Stage, number: int) -> list[str]:
    """Standard output on a full disk."""
    words = stage.rng.choice(
        (["predict", "--family", "flat", "--json"], ["--help"], ["run", "--list"], ["prove", "--list"])
    )
    with Path("/dev/full").open("w") as full:
        found = _ended(start(words, stage.cache, stdout=full))
    if found.status != 2 or wrong(found):
        return [f"{' '.join(words)} > /dev/full: status {found.status}, {found.err[-300:]!r}"]
    return []


def _protected(stage: _Stage, number: int) -> list[str]:
    """A disk that is mounted read-only, empty or with a result on it."""
    job, out = stage.job(number), stage.out(number)
    with mounted(out, 4 * 2**20):
        before = stage.resumes(job, out) if stage.rng.random() < 0.5 else []
        with read_only(out):
            found = _ended(start(job.command(out), stage.cache))
        problem = wrong(found) or ("" if found.status == 2 else f"status {found.status}")
        faults = [f"{job.name} on a disk that is read-only: {problem}"] if problem else []
        return before + faults + stage.resumes(job, out)


def _read_only(stage: _Stage, number: int) -> list[str]:
    """A folder in which nothing can be made; where nothing is forbidden (root), a file in its place."""
    job, out = stage.job(number), stage.out(number)
    out.mkdir()
    out.chmod(0o500)
    if os.access(out, os.W_OK):
        out.rmdir()
        out.write_text("")
    found = _ended(start(job.command(out), stage.cache))
    if out.is_file():
        out.unlink()
    else:
        out.chmod(0o700)
    problem = wrong(found) or ("" if found.status == 2 else f"status {found.status}")
    return ([f"{job.name} into a folder that is read-only: {problem}"] if problem else []) + stage.resumes(job, out)


def _deleted(stage: _Stage, number: int) -> list[str]:
    """The folder is deleted in mid-run: it is said at once, for all that is written is lost."""
    job, out = stage.job(number), stage.out(number)
    process = start(job.command(out), stage.cache)
    until(lambda: out.exists() and any(out.iterdir()) if job.store else out.exists(), process)
    time.sleep(stage.rng.uniform(0.0, 0.5))
    shutil.rmtree(out, ignore_errors=True)
    found = _ended(process)
    problem = wrong(found)
    if not problem and found.status == 0 and not all((out / name).exists() for name in job.answers):
        problem = "it succeeds, and its files are gone"
    return ([f"{job.name} whose folder was deleted: {problem}"] if problem else []) + stage.resumes(job, out)


def _two(stage: _Stage, number: int) -> list[str]:
    """Two at once into one folder: one works, the other is told so (or comes too late to meet it)."""
    job, out = stage.jobs[_RESUMABLE[number % 2]], stage.out(number)
    first = start(job.command(out), stage.cache)
    until(lambda: out.exists() and (out / str(job.store)).exists(), first)
    second = _ended(start(job.command(out), stage.cache))
    found = _ended(first)
    faults = [f"two {job.name} at once: {problem}" for problem in (wrong(found), wrong(second)) if problem]
    if found.status != 0 or second.status not in (0, 2):
        faults.append(f"two {job.name} at once: statuses {found.status}, {second.status}")
    if second.status == 2 and "another run writes to" not in second.err:
        faults.append(f"two {job.name} at once: {second.err.strip()[-200:]!r}")
    return faults + stage.resumes(job, out)


def _ended(process: subprocess.Popen[str]) -> Answer:
    out, err = process.communicate(timeout=PATIENCE)
    return Answer(process.returncode, out or "", err or "")


def _kinds(mounting: bool) -> dict[str, Callable[[_Stage, int], list[str]]]:
    """What is played, by the name of its row."""
    disks = {"a full disk": _full, "a disk mounted read-only": _protected} if mounting else {}
    return {
        **disks,
        "a full disk, played by a limit on the size of files": _limited,
        "standard output on a full disk": _nowhere,
        "a read-only folder": _read_only,
        "a folder deleted in mid-run": _deleted,
        "two runs at once": _two,
    }


if __name__ == "__main__":
    sys.exit(run_part(play, SHORT, LONG, __doc__ or ""))
