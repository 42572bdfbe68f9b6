"""Generated command lines: no traceback, no hang, a status that means something, one sentence for what is refused.

    python -m tests.faults.lines [--count N] [--seed S] [--long]

A line starts from one that does little work, and gets options of the command with values of a catalogue: sane, hostile,
huge, empty, not a number, in other scripts. All options come from the commands themselves, so that none is forgotten.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer

from linflow.cli import app
from tests.faults import materials
from tests.faults.common import Answer, Row, answer, run_part, wrong

SHORT, LONG = 60, 2000
#: Seconds that a line may take: its work is small.
_PATIENCE = 30.0

_LONG = "x" * 5000
_WORDS = (
    "",
    " ",
    "a",
    _LONG,
    "é",
    "中文",
    "a\nb",
    "[/bold]",
    "--",
    "-",
    "*",
    "$HOME",
    "a b",
    "\u202e",
    "'\"",
    "%s",
    "None",
)
_NUMBERS: tuple[str, ...] = (
    "0",
    "-1",
    "1",
    "2",
    "1.5",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1e-400",
    "99999999999999999999",
    "9" * 5000,
    "0x10",
)
_NUMBERS += ("1_000", "٣", " 3 ", "1e3", "9223372036854775807", "9223372036854775808", "-0", "true")
_FILES: tuple[str, ...] = (
    "none",
    "folder",
    "pipe",
    "empty",
    "bytes",
    "huge.npy",
    "objects.npy",
    "cut.npy",
    "words.txt",
    "/dev/null",
    ".",
)
_FILES += (_LONG, "file/below", "good.npy", "good.csv", "folder.py", "pipe.py", "bytes.py", "raises.py", "exits.py")
#: Where to write: nothing outside of the folder of the campaign.
_PLACES = (
    "out",
    "words.txt",
    "words.txt/below",
    "folder",
    "pipe",
    _LONG,
    "é",
    "a b",
    "",
    ".",
    "a\nb",
    "new/below",
    "[/bold]",
)
_COUNTS = ("3", "1,2", "1:5:2", "5:1", "0:99999999999", "1:2:3:4", ",", ":", "1:5:-1", "0", "٣")
_CHANGES: tuple[str, ...] = (
    "blocks=1",
    "blocks=nan",
    "blocks=1e400",
    "blocks=0",
    "blocks=1e12",
    "i=1",
    "i=3,4",
    "i=",
    "kind=mine",
    "kind=a",
)
_CHANGES += (
    "seconds=x",
    "=",
    "a",
    "none=1",
    "i=1,1",
    "i=99999999999999999999",
    f"kind={_LONG}",
    "i=nan",
    "seed=3",
    "kind=",
)

#: Of each command, lines that do little.
_STARTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "verify": (("mine.py",), ("raises.py",), ("exits.py",), ("none.py",), ("bytes.py",), ("claims.py",)),
    "hunt": (
        ("mine", "--claims", "mine.py", "--rounds", "1", "--max-n", "3"),
        ("nobody",),
        ("mine", "--claims", "exits.py"),
    ),
    "predict": (("--family", "flat", "--n", "9", "--m", "3"), ("--values", "good.csv"), ("--data", "folder"), ()),
    "bench": (("extra",), ("--none",)),
    "prove": (("--list",), ("--list", "inverse-chi-square"), ("--list", "none"), ("--machine", "--list")),
    "train": (("--size", "9"), ("--minutes", "1", "--steps", "1"), ("--kind", "none"), ("--data", "folder", "--size", "8")),
    "run": (
        ("small.py",),
        ("nonsense.py",),
        ("none",),
        ("--list",),
        ("raises.py",),
        ("figures.py",),
        ("noise", "--data", "."),
    ),
}
#: Options whose larger values are asked for to do more work, or to do it elsewhere: their sane values stay small.
_CAREFUL = {
    "minutes": ("0", "-1", "nan", "x", "0.0001"),
    "rounds": ("0", "-1", "x", "1"),
    "steps": ("0", "-1", "x"),
    "max_n": ("0", "2", "3", "x", "-1"),
    "workers": ("0", "1", "-1", "x", "1.5", "9" * 30),
    "size": ("0", "1", "8", "129", "-1", "x"),
    "threads": ("0", "99999", "x"),
    "scheduler": ("tcp://127.0.0.1:x", "", "nonsense", "http://[", "tcp://"),
    "device": ("cpu", "none", "", "cuda:99"),
    "out": _PLACES,
    "m": _COUNTS,
    "changes": _CHANGES,
    "family": ("flat", "step", "spiked", "log-spaced", "power-law", "exponential", "", "é", _LONG),
    "kind": ("realnvp", "none", ""),
    "claims": ("mine.py", "raises.py", *_FILES),
}
_PATHS = ("covariance", "data", "ood", "values")
#: Without these, a line of a command asks for hours.
_ALWAYS = {
    "verify": ("--quick", "--workers", "1"),
    "run": ("--workers", "1"),
    "train": ("--minutes", "0.0001"),
    "hunt": ("--workers", "1", "--rounds", "1", "--max-n", "3"),
}


def play(count: int, rng: random.Random) -> list[Row]:
    """Make and run `count` lines."""
    faults = []
    with tempfile.TemporaryDirectory() as folder, _inside(Path(folder)):
        users_files(Path(folder))
        for _ in range(count):
            words = line(rng)
            if problem := judged(words, answer(words, seconds=_PATIENCE)):
                faults.append(
                    f"{problem} [linflow {' '.join(word if len(word) < 60 else word[:20] + '...' for word in words)}]"
                )
    return [Row("generated command lines", count, tuple(faults), "an answer, or one sentence and status 2")]


def judged(words: list[str], found: Answer) -> str:
    """What is wrong with the answer to a line."""
    return wrong(found)


def line(rng: random.Random) -> list[str]:
    """A command line."""
    commands = _commands()
    name = rng.choice(sorted(commands))
    words = list(rng.choice(_STARTS[name]))
    options = [parameter for parameter in commands[name].params if parameter.param_type_name == "option"]
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        words += _option(rng, rng.choice(options))
    if rng.random() < 0.1:
        words.insert(rng.randrange(len(words) + 1), rng.choice((*_WORDS, *_NUMBERS)))
    fixed = _ALWAYS.get(name, ())
    # The scheduler and the workers exclude each other.
    fixed = () if "--scheduler" in words and name == "run" else fixed
    return [name, *fixed, *words]


def _option(rng: random.Random, option: Any) -> list[str]:
    spelled = rng.choice(option.opts)
    if getattr(option, "is_flag", False):
        return [spelled] if option.name != "machine" else []
    return [spelled, rng.choice(_values(option))]


def _values(option: Any) -> tuple[str, ...]:
    if option.name in _CAREFUL:
        return _CAREFUL[option.name]
    return (*_FILES, *_WORDS) if option.name in _PATHS else (*_NUMBERS, *_WORDS)


@cache
def _commands() -> dict[str, Any]:
    command: Any = typer.main.get_command(app)
    return dict(command.commands)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before, cache = Path.cwd(), os.environ.get("LINFLOW_CACHE")
    os.chdir(folder)
    os.environ["LINFLOW_CACHE"] = str(folder / "cache")
    try:
        yield
    finally:
        os.chdir(before)
        if cache is None:
            del os.environ["LINFLOW_CACHE"]
        else:
            os.environ["LINFLOW_CACHE"] = cache


def users_files(folder: Path) -> None:
    """Everything that the lines name."""
    import numpy as np

    np.save(folder / "good.npy", [2.0, 1.0])
    (folder / "good.csv").write_text("2.0,1.0\n")
    (folder / "words.txt").write_text("singular values\n")
    (folder / "empty").write_text("")
    for name in ("bytes", "bytes.py"):
        (folder / name).write_bytes(bytes(range(256)))
    for name in ("folder", "folder.py"):
        (folder / name).mkdir()
    for name in ("pipe", "pipe.py"):
        os.mkfifo(folder / name)
    with (folder / "huge.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    np.save(folder / "objects.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    (folder / "cut.npy").write_bytes((folder / "good.npy").read_bytes()[:40])
    materials.claims(folder, name="[/bold]", statement="[/bold] \\ud800 é")
    (folder / "mine.py").rename(folder / "claims.py")
    materials.claims(folder, value="fails()", fails="raise ValueError('a\\nb')")
    (folder / "mine.py").rename(folder / "raises.py")
    (folder / "exits.py").write_text("import sys\nsys.exit(0)\n")
    materials.claims(folder, n=3, value="if m == 99: fails()", after="claim = [claim][0]")
    materials.experiment(folder, title="[/bold]", after="def table(d): return 3")
    (folder / "small.py").rename(folder / "nonsense.py")
    materials.experiment(folder, title="[/bold]", after="def figures(d): return {'': 3}")
    (folder / "small.py").rename(folder / "figures.py")
    materials.experiment(folder)


if __name__ == "__main__":
    sys.exit(run_part(play, SHORT, LONG, __doc__ or ""))
