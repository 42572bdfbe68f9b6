"""``linflow bench``: measures the rows that are asked for, and leaves table, figure and numbers in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from linflow.bench.contest import Reading
from linflow.bench.effort import Clock, Effort
from linflow.bench.machine import machine
from linflow.engine.files import prepare_folder, write_bytes
from linflow.engine.progress import shown
from linflow.errors import InputError
from linflow.figures import FigureFormat, file_of
from linflow.tables import Format, Table

SUBJECTS = ("rows", "growth")


def run_bench(
    subject: str = "rows",
    *,
    only: Sequence[str] = (),
    quick: bool = False,
    long: bool = False,
    threads: int | None = None,
    clock: Clock = "wall",
    out: Path,
    form: Format | None = None,
    figures: FigureFormat = "png",
) -> None:
    """Measure, print, and write ``bench.json``, ``bench.md`` and a figure (``bench-growth`` for growth) to `out`.

    Raises
    ------
    InputError
        An unknown subject or row; `quick` and `long` at once; rows of growth.
    OutputError
        The folder cannot be written.
    """
    from linflow.bench.rows import chosen

    if subject not in SUBJECTS:
        raise InputError(f"linflow bench takes nothing, or 'growth', got {subject[:80]!r}")
    if quick and long:
        raise InputError("--quick is for a look and --long for those who can wait: choose one of them")
    if subject == "growth" and only:
        raise InputError("--only chooses rows of the table, and growth has none: leave one of them out")
    rows, effort = chosen(only), Effort(quick=quick, long=long, threads=threads or 0, clock=clock)
    prepare_folder(out)
    (_growth if subject == "growth" else _table)(rows, effort, out, form, figures)


def _table(rows: Any, effort: Effort, out: Path, form: Format | None, figures: FigureFormat) -> None:
    from linflow.bench.figure import ratio_figure
    from linflow.bench.rows import measured
    from linflow.bench.shown import readings_table

    where = conditions(effort)
    readings: list[Reading] = []
    with shown("benchmarks", unit="rows") as report:
        for readings in measured(rows, effort, report):
            # After every row: a run that is stopped leaves those that it has finished.
            _written(out / "bench", partial(readings_table, readings, where), where)
    _drawn(out / f"bench.{figures}", ratio_figure(readings, where), figures)
    readings_table(readings, where, form).put(form)


def _growth(rows: Any, effort: Effort, out: Path, form: Format | None, figures: FigureFormat) -> None:
    from linflow.bench.figure import growth_figure
    from linflow.bench.growth import points
    from linflow.bench.shown import growth_table

    with shown("growth", unit="works") as report:
        found = points(effort, report)
    where = conditions(effort)
    _written(out / "bench-growth", partial(growth_table, found, where), where)
    _drawn(out / f"bench-growth.{figures}", growth_figure(found, where), figures)
    growth_table(found, where, form).put(form)


def conditions(effort: Effort) -> str:
    """The machine, and how it was used.

    >>> conditions(Effort(threads=1, clock="cpu")).endswith("threads used: 1, clock: cpu")
    True
    """
    return f"{machine()}, threads used: {effort.threads}, clock: {effort.clock}"


def _written(stem: Path, table: Callable[[Format | None], Table], where: str) -> None:
    """The numbers, and the table in Markdown with the machine's line."""
    numbers = {"machine": where, "rows": json.loads(table("json").json())}
    write_bytes(stem.with_suffix(".json"), (json.dumps(numbers, indent=1, allow_nan=False) + "\n").encode())
    write_bytes(stem.with_suffix(".md"), f"{table('md').markdown()}\n{where[:1].upper()}{where[1:]}.\n".encode())


def _drawn(path: Path, figure: Any, form: FigureFormat) -> None:
    write_bytes(path, file_of(figure, form))
