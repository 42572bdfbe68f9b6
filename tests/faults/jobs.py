"""Long enough commands of each kind, what they write, and how much of it is the answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults import materials


@dataclass(frozen=True)
class Job:
    """A command that can be stopped and continued: its words, its store, and the files that are its answer."""

    name: str
    words: tuple[str, ...]
    store: str | None
    answers: tuple[str, ...]

    def command(self, out: Path) -> list[str]:
        """The command line that writes into `out`."""
        place = out / "flow.pt" if self.name == "train" else out
        return [*self.words, "--out", str(place)]

    def answer(self, out: Path) -> tuple[object, ...]:
        """What must be the same however often the command was ended; of a hunt, not how long it took."""
        found: list[object] = []
        for name in self.answers:
            content = (out / name).read_bytes()
            if name.startswith("hunt"):
                found.append({key: value for key, value in json.loads(content).items() if key != "seconds"})
            else:
                found.append(content)
        return tuple(found)


def jobs(folder: Path, *, seconds: float = 0.05, workers: int = 2) -> dict[str, Job]:
    """One of each kind, over users' files in `folder`."""
    experiment = materials.experiment(folder, blocks=4, seconds=seconds)
    claims = materials.claims(folder, n=3, seconds=seconds)
    own = ("--workers", str(workers))
    hunted = ("--rounds", "6", "--max-n", "3")
    return {
        "run": Job("run", ("run", experiment, *own), "small.sqlite", ("small.csv", "small.nc", "small.md")),
        "verify": Job("verify", ("verify", claims, "--quick", *own), "verify.sqlite", ("verdicts.csv", "verdicts.json")),
        "hunt": Job("hunt", ("hunt", "mine", "--claims", claims, *hunted, *own), "hunt-mine.sqlite", ("hunt-mine.json",)),
        "train": Job("train", ("train", "--steps", "40", "--kind", "realnvp"), None, ("flow.pt",)),
    }


def chosen(folder: Path, names: Sequence[str]) -> dict[str, Job]:
    """Those of the names."""
    return {name: job for name, job in jobs(folder).items() if name in names}
