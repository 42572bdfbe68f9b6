"""Figures of a run: how many times faster, row by row, and how cost grows with n."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from linflow.bench.contest import Reading
from linflow.bench.growth import Point
from linflow.experiments import OKABE_ITO as _NAMED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TEXT, _SMALL = 8.0, 7.0
_MARKERS = "osv^D"
_COLOURS = [_NAMED[name] for name in ("blue", "vermillion", "green", "purple", "orange")]
_MEBIBYTE = 2**20


def ratio_figure(readings: Sequence[Reading], machine: str) -> Figure:
    """One line a rival: the ratio with its spread, and a bar where the goal is."""
    from matplotlib.figure import Figure

    shown = [reading for reading in readings if reading.ratio is not None and reading.ratio > 0]
    # A line of its own for the name of each row of the table, so that what stands beside the points stays short.
    lines: list[str | Reading] = []
    for row, readings_of_it in groupby(shown, key=lambda reading: reading.row):
        lines += [row, *readings_of_it]
    figure = Figure(figsize=(8.0, 1.4 + 0.19 * max(len(lines), 1)), layout="constrained")
    axes = figure.subplots()
    for place, line in enumerate(lines):
        if isinstance(line, Reading):
            _line(axes, place, line)
    axes.axvline(1.0, color="black", linewidth=0.8)
    labels = [line if isinstance(line, str) else f"{line.size}: {line.rival}" for line in lines]
    axes.set_yticks(range(len(lines)), labels, fontsize=_SMALL)
    for label, line in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_fontweight("bold" if isinstance(line, str) else "normal")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", which="major", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xscale("log")
    axes.set_xlabel("rival / linflow (line: spread over the rounds; bar: goal)", fontsize=_TEXT)
    axes.tick_params(axis="x", labelsize=_SMALL)
    figure.supxlabel(_folded(machine), fontsize=_SMALL - 1.5, color="0.35")
    return figure


def growth_figure(points: Sequence[Point], machine: str) -> Figure:
    """Time above, memory below, one column a work; a rival beside it in each."""
    from matplotlib.figure import Figure

    works = list(dict.fromkeys(point.work for point in points))
    figure = Figure(figsize=(2.2 * max(len(works), 1), 5.0), layout="constrained")
    grid = figure.subplots(2, max(len(works), 1), sharex=True, squeeze=False)
    for column, work in enumerate(works):
        for place, who in enumerate(dict.fromkeys(point.who for point in points if point.work == work)):
            chosen = [point for point in points if (point.work, point.who) == (work, who)]
            style: dict[str, Any] = {
                "color": _COLOURS[place % len(_COLOURS)],
                "marker": _MARKERS[place % len(_MARKERS)],
                "markersize": 3.5,
                "linewidth": 1.2,
                "linestyle": "-" if place == 0 else "--",
            }
            _series(grid[0, column], [(p.n, p.seconds) for p in chosen], who, chosen[0].time_exponent, style)
            taken = [(p.n, p.memory / _MEBIBYTE) for p in chosen if p.memory]
            _series(grid[1, column], taken, who, chosen[0].memory_exponent, style)
        grid[0, column].set_title(work, fontsize=_TEXT)
        grid[1, column].set_xlabel("n", fontsize=_TEXT)
    for axes in grid.ravel():
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.tick_params(which="both", labelsize=_SMALL)
        if axes.lines:
            axes.legend(fontsize=5.5, frameon=False)
    grid[0, 0].set_ylabel("seconds", fontsize=_TEXT)
    grid[1, 0].set_ylabel("MiB at most", fontsize=_TEXT)
    figure.supxlabel(_folded(machine), fontsize=_SMALL - 1.5, color="0.35")
    return figure


def _line(axes: Axes, place: int, reading: Reading) -> None:
    if reading.ratio is None:
        return
    colour = _COLOURS[0] if reading.reached is not False else _COLOURS[1]
    if reading.ratio_low is not None and reading.ratio_high is not None:
        axes.plot([reading.ratio_low, reading.ratio_high], [place, place], color=colour, linewidth=1.5)
    axes.plot([reading.ratio], [place], color=colour, marker="o", markersize=3.5)
    if reading.goal is not None:
        axes.plot([reading.goal] * 2, [place - 0.4, place + 0.4], color="black", linewidth=1.2)


def _series(axes: Axes, values: Sequence[tuple[int, float]], who: str, slope: float | None, style: dict[str, Any]) -> None:
    if values:
        x, y = zip(*values, strict=True)
        axes.plot(x, y, label=who if slope is None else f"{who}: $n^{{{slope:.1f}}}$", **style)


def _folded(machine: str) -> str:
    """The machine's line, as wide as the figure."""
    return textwrap.fill(machine, 130)
