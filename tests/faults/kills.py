"""kill -9 of whoever takes part, at random moments: the same command then gives the same bytes, and does nothing twice.

python -m tests.faults.kills [--count N] [--seed S] [--long]
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults.cluster import cluster
from tests.faults.common import Row, run_part, sentences
from tests.faults.jobs import Job, jobs
from tests.faults.processes import children, left_over, records, run, start, until, workers

SHORT, LONG = 6, 200
_MEANS = "the same bytes as undisturbed; no stored piece computed twice; nobody left after 2 s"
#: (command, who is killed)
VICTIMS = (
    ("run", "coordinator"),
    ("hunt", "coordinator"),
    ("run", "one worker"),
    ("verify", "coordinator"),
    ("train", "coordinator"),
    ("hunt", "all workers"),
    ("verify", "one worker"),
    ("run", "all workers"),
    ("hunt", "one worker"),
    ("verify", "all workers"),
    ("run", "a Dask worker"),
    ("run", "the Dask scheduler"),
)


def play(count: int, rng: random.Random, victims: Sequence[tuple[str, str]] = VICTIMS) -> list[Row]:
    """Kill `count` times, each kind of victim in turn."""
    faults: dict[tuple[str, str], list[str]] = {}
    times: dict[tuple[str, str], int] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        all_jobs = jobs(folder)
        wanted: dict[str, tuple[tuple[object, ...], float]] = {}
        for number in range(count):
            victim = victims[number % len(victims)]
            job = all_jobs[victim[0]]
            if job.name not in wanted:
                wanted[job.name] = _undisturbed(job, folder)
            times[victim] = times.get(victim, 0) + 1
            kill = _killed_on_a_cluster if "Dask" in victim[1] else _killed
            found = kill(job, victim[1], folder / f"out{number}", wanted[job.name], rng)
            faults.setdefault(victim, []).extend(found)
    return [Row(f"kill -9 of {who} of {name}", times[name, who], tuple(faults[name, who]), _MEANS) for name, who in times]


def _undisturbed(job: Job, folder: Path) -> tuple[tuple[object, ...], float]:
    """The answer of a command that nobody disturbs, and how long it works."""
    out = folder / f"undisturbed-{job.name}"
    process = start(job.command(out), folder / "cache")
    until(lambda: _begun(job, out), process)
    begun = time.monotonic()
    _, err = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{job.name} fails undisturbed: {err}")
    return job.answer(out), time.monotonic() - begun


def _begun(job: Job, out: Path) -> bool:
    """Whether the work itself has begun."""
    return out.exists() if job.store is None else (out / job.store).exists()


def _killed(job: Job, who: str, out: Path, wanted: tuple[tuple[object, ...], float], rng: random.Random) -> list[str]:
    cache = out.parent / "cache"
    process = start(job.command(out), cache)
    until(lambda: _begun(job, out), process)
    time.sleep(rng.uniform(0.0, wanted[1]))
    family = children(process.pid)
    victims = [process.pid]
    if who != "coordinator":
        until(lambda: bool(workers(process.pid)), process, 5.0)
        found = workers(process.pid)
        victims = found if who == "all workers" else [rng.choice(found)] if found else []
        family += found
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    out_text, err = process.communicate(timeout=120)
    faults = []
    if who != "coordinator" and process.returncode != 0:
        faults.append(f"{job.name} does not survive its workers: status {process.returncode}, {err.strip()[-300:]!r}")
    if "Traceback" in err + out_text:
        faults.append(f"a traceback: {err.strip()[-300:]!r}")
    if orphans := left_over(family):
        faults.append(f"{len(orphans)} processes are left")
    return faults + _continued(job, job.command(out), out, wanted[0])


def _killed_on_a_cluster(
    job: Job, who: str, out: Path, wanted: tuple[tuple[object, ...], float], rng: random.Random
) -> list[str]:
    words = job.command(out)
    place = words.index("--workers")
    local, faults = [*words[:place], *words[place + 2 :]], []
    with cluster(out.with_name(f"{out.name}-dask")) as started:
        process = start([*local, "--scheduler", started.address], out.parent / "cache")
        until(lambda: bool(records(out / str(job.store))), process)
        time.sleep(rng.uniform(0.0, wanted[1] / 2))
        victim = 0 if "scheduler" in who else rng.randrange(1, len(started.processes))
        started.processes[victim].kill()
        _, err = process.communicate(timeout=120)
    said = sentences(err)
    # It may have been done before.
    if process.returncode != 0 and (victim > 0 or process.returncode != 2 or len(said) != 1):
        faults.append(f"status {process.returncode}, {said!r}")
    return faults + _continued(job, words, out, wanted[0])


def _continued(job: Job, words: Sequence[str], out: Path, wanted: tuple[object, ...]) -> list[str]:
    """What is wrong after the command has been given again."""
    faults = []
    before = {} if job.store is None else records(out / job.store)
    done = run(words, out.parent / "cache")
    if done.returncode != 0:
        return [f"does not continue: status {done.returncode}, {done.stderr.strip()[-300:]!r}"]
    after = {} if job.store is None else records(out / job.store)
    twice = [key for key, record in before.items() if key[1] != "time" and after.get(key) != record]
    if twice:
        faults.append(f"{len(twice)} of {len(before)} stored pieces were computed again")
    if job.answer(out) != wanted:
        faults.append("another answer than undisturbed")
    return faults


if __name__ == "__main__":
    sys.exit(run_part(play, SHORT, LONG, __doc__ or ""))
