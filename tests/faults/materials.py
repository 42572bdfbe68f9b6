"""Small files of users: an experiment, claims, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

EXPERIMENT = """
import sys
import time

from linflow.experiments import Experiment, Variable


class Wordless(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def deep(n=0):
    return deep(n + 1)


def fails():
    {fails}


def cell(params, rng):
    time.sleep(params["seconds"])
    {cell}
    return {{"v": rng.standard_normal(), "w": [params["i"], 1.0]}}


EXPERIMENT = Experiment(
    name="small",
    title={title!r},
    cell=cell,
    grid={{"i": (1, 2), "kind": ("a", "b")}},
    blocks={blocks},
    settings={{"seconds": {seconds}}},
    variables={{"v": Variable("v"), "w": Variable("w", "", ("j",))}},
    {options}
)
{after}
"""

CLAIMS = """
import sys
import time

import linflow
from linflow.claims.quantities import ExpectedError


class Wordless(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Slow(ExpectedError):
    def enclosure(self, spectrum, m):
        time.sleep({seconds})
        return super().enclosure(spectrum, m)


def deep(n=0):
    return deep(n + 1)


def fails():
    {fails}


def value(spectrum, m):
    {value}
    return spectrum.energy * 1.5


claim = linflow.Claim(
    name={name!r}, statement={statement!r}, kind="upper", value=value, holds_for=lambda s, m: s.n <= {n}, quantity=Slow()
)
{after}
"""


def experiment(
    folder: Path,
    *,
    fails: str = "pass",
    cell: str = "",
    title: str = "A small experiment",
    blocks: int = 2,
    seconds: float = 0.0,
    options: str = "",
    after: str = "",
) -> str:
    """Write the experiment; its name as an argument."""
    text = EXPERIMENT.format(
        fails=fails, cell=cell, title=title, blocks=blocks, seconds=seconds, options=options, after=after
    )
    return _written(folder / "small.py", text)


def claims(
    folder: Path,
    *,
    fails: str = "pass",
    value: str = "",
    name: str = "mine",
    statement: str = "E_m <= 3/2 E_0",
    n: int = 2,
    seconds: float = 0.0,
    after: str = "",
) -> str:
    """Write the claims; their file's name as an argument."""
    text = CLAIMS.format(fails=fails, value=value, name=name, statement=statement, n=n, seconds=seconds, after=after)
    return _written(folder / "mine.py", text)


def _written(file: Path, text: str) -> str:
    file.write_text(text, encoding="utf-8")
    return str(file)


#: What a user's function may do instead of answering.
RAISED = {
    "memory": "raise MemoryError",
    "disk": "raise OSError(28, 'No space left on device', 'x')",
    "overflow": "return 10.0**10000",
    "recursion": "deep()",
    "exit": "sys.exit(0)",
    "exit with words": "sys.exit('bye\\nbye')",
    "wordless": "raise Wordless",
    "stop": "raise StopIteration",
    "generator": "raise GeneratorExit",
    "own base": "raise type('Own', (BaseException,), {})('b')",
    "lines": "raise ValueError('a\\nb [/bold]')",
    "pipe": "raise BrokenPipeError",
    "surrogate": "raise ValueError('\\ud800')",
    "usage": "import typer; raise typer.Exit(0)",
}
#: What an author's table, reading or figures may return instead of rows, text and figures.
NONSENSE = ("None", "3", "[1, 2]", "{'': 3}", "{3: 3}", "[{'a': 10**5000}]", "object()", "'\\ud800'", "{'../x': 1}")
