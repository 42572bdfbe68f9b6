"""Flipped bits and cut ends in every kind of file that linflow writes and reads again: the same answer, or one sentence.

python -m tests.faults.flips [--count N] [--seed S] [--long]
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from linflow.errors import LinflowError
from tests.faults import materials
from tests.faults.common import Row, answer, run_part, wrong

SHORT, LONG = 60, 5000


@dataclass(frozen=True)
class Kind:
    """A kind of file: how it is written into a folder, and what is read from it again."""

    name: str
    write: Callable[[Path], Path]
    #: The answer; a sentence of refusal raises LinflowError, anything else that comes out is a fault.
    read: Callable[[Path], object]


def play(count: int, rng: random.Random, kinds: Sequence[Kind] | None = None) -> list[Row]:
    """Damage each kind of file in turn, `count` times in all."""
    rows = []
    kinds = kinds or KINDS
    with tempfile.TemporaryDirectory() as folder:
        for number, kind in enumerate(kinds):
            here = Path(folder) / str(number)
            here.mkdir()
            times = count // len(kinds) + (number < count % len(kinds))
            faults = [fault for fault in _played(kind, here, times, rng) if fault]
            rows.append(Row(f"bits of {kind.name}", times, tuple(faults), "the same answer, or one sentence"))
    return rows


def _played(kind: Kind, folder: Path, times: int, rng: random.Random) -> list[str]:
    sound, tried = folder / "sound", folder / "tried"
    sound.mkdir()
    file = kind.write(sound)
    shutil.copytree(sound, tried)
    wanted = kind.read(tried)
    found = []
    for _ in range(times):
        shutil.rmtree(tried)
        shutil.copytree(sound, tried)
        content = bytearray(file.read_bytes())
        if rng.random() < 0.25:
            cut = rng.randrange(len(content))
            how = f"cut to {cut} of {len(content)} bytes"
            del content[cut:]
        else:
            places = [rng.randrange(8 * len(content)) for _ in range(rng.choice((1, 1, 1, 8)))]
            how = f"bits {places} of {8 * len(content)}"
            for place in places:
                content[place // 8] ^= 1 << place % 8
        (tried / file.relative_to(sound)).write_bytes(content)
        found.append(_judged(kind, tried, wanted, how))
    return found


def _judged(kind: Kind, folder: Path, wanted: object, how: str) -> str:
    try:
        got = kind.read(folder)
    except LinflowError as error:
        return f"{how}: no sentence: {error}" if not str(error) or "\n" in str(error) else ""
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{how}: {type(error).__name__}: {error}"
    return "" if got == wanted else f"{how}: another answer"


# ---------------------------------------------------------------------------------------------------- what is written


def _command(*words: str) -> None:
    """A command that must answer, or be refused in one sentence."""
    found = answer(words)
    if problem := wrong(found):
        raise AssertionError(problem)
    if found.status != 0:
        raise LinflowError(found.err.strip().splitlines()[-1])


def _write_run(folder: Path) -> Path:
    materials.experiment(folder)
    _read_run(folder)
    return folder / "small.sqlite"


def _read_run(folder: Path) -> object:
    # From the file of the sound copy: where it lies counts for what its cells are.
    _command("run", str(folder.parent / "sound" / "small.py"), "--out", str(folder), "--workers", "1")
    return (folder / "small.csv").read_bytes(), (folder / "small.nc").read_bytes()


def _write_verify(folder: Path) -> Path:
    materials.claims(folder)
    _read_verify(folder)
    return folder / "verify.sqlite"


def _read_verify(folder: Path) -> object:
    """Without the command's figures, which would take most of the time."""
    from linflow.claims import Case, claims_from_file, verify_all
    from linflow.report import to_csv, to_json
    from linflow.spectrum import Spectrum

    cases = [Case(Spectrum([2.0, 1.0], name="pair"), (0, 1, 2))]
    chosen = claims_from_file(folder.parent / "sound" / "mine.py")
    report = verify_all(chosen, cases=cases, workers=1, journal=folder / "verify.sqlite")
    return to_csv(report), json.dumps(to_json(report))


def _write_hunt(folder: Path) -> Path:
    materials.claims(folder, n=99)
    _read_hunt(folder)
    return folder / "hunt-mine.sqlite"


def _read_hunt(folder: Path) -> object:
    file = str(folder.parent / "sound" / "mine.py")
    _command("hunt", "mine", "--claims", file, "--rounds", "2", "--max-n", "3", "--workers", "1", "--out", str(folder))
    found = json.loads((folder / "hunt-mine.json").read_text())
    return json.dumps({key: value for key, value in found.items() if key != "seconds"})


def _state(model: object) -> object:
    return {name: value.numpy().tobytes() for name, value in model.state_dict().items()}  # type: ignore[attr-defined]


def _write_flow(folder: Path) -> Path:
    import numpy as np

    from linflow import deep
    from linflow.flow import LinearFlow

    linear = LinearFlow.from_matrix(np.diag([2.0, 1.0, 0.5, 0.25]))
    deep.save(deep.RealNVP(linear, (2, 2, 1), steps=1, width=2, levels=1), folder / "flow.pt")
    return folder / "flow.pt"


def _read_flow(folder: Path) -> object:
    from linflow import deep

    flow = deep.load(folder / "flow.pt")
    return _state(flow), type(flow).__name__, flow.shape, flow.config


def _generator() -> object:
    from linflow import deep

    return deep.Generator((2, 2, 1), latent=2, width=4)


def _write_generator(folder: Path) -> Path:
    from linflow import deep

    deep.save(_generator(), folder / "generator.pt")  # type: ignore[arg-type]
    return folder / "generator.pt"


def _read_generator(folder: Path) -> object:
    from linflow import deep

    made = deep.load_generator(folder / "generator.pt")
    return _state(made), made.shape, made.config


def _write_checkpoint(folder: Path) -> Path:
    import torch

    from linflow.deep import checkpoint

    with torch.random.fork_rng():
        torch.manual_seed(0)
        checkpoint.save(folder / "flow.part", "key", {"step": 3, "best": 0.5}, {"model": torch.nn.Linear(3, 2)})
    return folder / "flow.part"


def _read_checkpoint(folder: Path) -> object:
    import torch

    from linflow.deep import checkpoint

    model = torch.nn.Linear(3, 2)
    progress = checkpoint.resume(folder / "flow.part", "key", {"model": model})
    return progress, _state(model)


def _write_cache(folder: Path) -> Path:
    _read_cache(folder)
    return folder / "generator.pt"


def _read_cache(folder: Path) -> object:
    from linflow.deep import recipes, store

    before = os.environ.get("LINFLOW_CACHE")
    os.environ["LINFLOW_CACHE"] = str(folder)
    try:
        made = recipes._cached("generator", store.load_generator, lambda checkpoint: _generator())
    finally:
        if before is None:
            del os.environ["LINFLOW_CACHE"]
        else:
            os.environ["LINFLOW_CACHE"] = before
    return _state(made)


KINDS = (
    Kind("a run's store", _write_run, _read_run),
    Kind("a verification's store", _write_verify, _read_verify),
    Kind("a hunt's store", _write_hunt, _read_hunt),
    Kind("a flow", _write_flow, _read_flow),
    Kind("a generator", _write_generator, _read_generator),
    Kind("a checkpoint", _write_checkpoint, _read_checkpoint),
    Kind("a cached model", _write_cache, _read_cache),
)

if __name__ == "__main__":
    sys.exit(run_part(play, SHORT, LONG, __doc__ or ""))
