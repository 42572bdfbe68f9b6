"""Readings and points as tables: words and rounded numbers for people, every number for programs."""

from __future__ import annotations

from collections.abc import Sequence

from linflow.bench.contest import Reading
from linflow.bench.growth import Point
from linflow.tables import Cell, Column, Format, Table

_READINGS = (
    Column("row", "work", left=True),
    Column("size", left=True),
    Column("ours", "linflow"),
    Column("rival", "against", left=True),
    Column("theirs"),
    Column("ratio", "times"),
    Column("spread"),
    Column("goal"),
    Column("error", digits=1),
    Column("note", left=True),
)
_POINTS = (
    Column("work", left=True),
    Column("who", left=True),
    Column("n", "largest n", latex="$n$"),
    Column("seconds", digits=3),
    Column("mebibytes", "MiB", digits=3),
    Column("time_exponent", "time ~ n^", digits=2),
    Column("memory_exponent", "memory ~ n^", digits=2),
    Column("note", left=True),
)
#: For programs.
_EXACT: tuple[Format, ...] = ("csv", "json")


def readings_table(readings: Sequence[Reading], machine: str, form: Format | None = None) -> Table:
    """The table of performance, in the form in which it is to be written."""
    if form in _EXACT:
        rows: list[dict[str, Cell]] = [{**reading.cells(), "machine": machine} for reading in readings]
    else:
        rows = [_words(reading) for reading in readings]
    return Table(_READINGS, rows, machine)


def growth_table(points: Sequence[Point], machine: str, form: Format | None = None) -> Table:
    """Exponents, and the largest size of each work; for programs every size."""
    if form in _EXACT:
        return Table(_POINTS, [{**point.cells(), "machine": machine} for point in points], machine)
    largest = {(point.work, point.who): point for point in sorted(points, key=lambda point: point.n)}
    order = dict.fromkeys((point.work, point.who) for point in points)
    rows: list[dict[str, Cell]] = []
    for key in order:
        point = largest[key]
        rows.append({**point.cells(), "mebibytes": None if point.memory is None else point.memory / 2**20})
    return Table(_POINTS, rows, machine)


def quantity(value: float | None, unit: str) -> str:
    """A number with its unit.

    >>> [quantity(v, "s") for v in (2.5, 0.00123, 4.2e-6)], quantity(31.0, "draws"), quantity(None, "s")
    (['2.5 s', '1.23 ms', '4.2 us'], '31 draws', '-')
    """
    if value is None:
        return "-"
    if unit == "s":
        for factor, name in ((1.0, "s"), (1e-3, "ms")):
            if value >= factor:
                return f"{value / factor:.3g} {name}"
        return f"{value / 1e-6:.3g} us"
    return f"{_digits(value)} {unit}"


def _words(reading: Reading) -> dict[str, Cell]:
    spread = "-"
    if reading.ratio_low is not None and reading.ratio_high is not None:
        spread = f"{_digits(reading.ratio_low)}..{_digits(reading.ratio_high)}"
    return {
        "row": reading.row,
        "size": reading.size,
        "ours": quantity(reading.ours, reading.unit),
        "rival": reading.rival or "-",
        "theirs": quantity(reading.theirs, reading.unit),
        "ratio": "-" if reading.ratio is None else _digits(reading.ratio),
        "spread": spread,
        "goal": "-" if reading.goal is None else _digits(reading.goal),
        "error": reading.error,
        "note": reading.note or "-",
    }


def _digits(value: float) -> str:
    """Three digits, without a power of ten for numbers that people count in.

    >>> _digits(1234.5), _digits(0.123456), _digits(1e9)
    ('1230', '0.123', '1e+09')
    """
    rounded = float(f"{value:.3g}")
    return f"{rounded:.0f}" if 1000 <= abs(rounded) < 1e6 else f"{rounded:g}"
