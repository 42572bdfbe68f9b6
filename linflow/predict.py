"""Predictions without simulation: every bound, exact value and equivalent of a spectrum, as rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from linflow import risk
from linflow.checks import IntArray
from linflow.data import load
from linflow.engine.files import shortened
from linflow.errors import InputError
from linflow.inputs import Given, of_values
from linflow.spectrum import Spectrum

FAMILIES = ("power-law", "exponential", "flat", "step", "spiked", "log-spaced")
#: Rows of a table when no m is asked for.
_DEFAULT_ROWS = 12
#: Columns are arrays as long as the spectrum, and each row is kept until all are printed: more would fill the memory.
_MOST_VALUES, _MOST_ROWS = 10**7, 10**6
#: Side in pixels of images, where no other is asked for.
_SIDE = 32
#: Characters of a user's word that a sentence repeats.
_SHOWN = 80


def predictions(
    spectrum: Spectrum, m: IntArray, *, noise_std: float = 0.0, penalty: float = 0.0
) -> list[dict[str, int | float | None]]:
    """One row for each m: bounds on the noiseless E_m, its exact value or None, and the (noisy, penalised) equivalent.

    The interlacing theorem's two sides hold for every m; E_m is known between them to one part in ``upper/lower``.

    Examples
    --------
    >>> row = predictions(Spectrum.flat(8), np.array([2]))[0]
    >>> row["m"], row["theorem_lower"], row["theorem_upper"], row["best_upper"], row["best_rank"], row["exact"]
    (2, 6.0, 16.0, 8.0, 0, 6.0)
    >>> round(row["interlacing_lower"], 12), round(row["interlacing_upper"], 12)
    (6.0, 6.0)
    """
    lower, upper = risk.interlacing(spectrum, m)
    columns = {
        "theorem_lower": risk.theorem_lower(spectrum, m),
        "theorem_upper": risk.theorem_upper(spectrum, m),
        "best_upper": risk.best_upper(spectrum, m),
        "interlacing_lower": lower,
        "interlacing_upper": upper,
        "equivalent": risk.equivalent(spectrum, m, noise_std=noise_std, penalty=penalty),
    }
    ranks = risk.best_rank(spectrum, m)
    rows = []
    for i, count in enumerate(m.tolist()):
        values = {name: _finite(column[i]) for name, column in columns.items()}
        known = risk.exact(spectrum, count) if risk.has_exact(spectrum, count) else None
        rows.append({"m": count, **values, "best_rank": int(ranks[i]), "exact": known})
    bounds = ("theorem_lower", "theorem_upper", "best_upper", "best_rank", "interlacing_lower", "interlacing_upper")
    return [{name: row[name] for name in ("m", *bounds, "equivalent", "exact")} for row in rows]


def spectrum_from_options(
    *,
    family: str | None,
    n: int,
    exponent: float,
    rate: float,
    rank: int,
    floor: float,
    condition: float,
    given: Given,
) -> Spectrum:
    """The one spectrum that the options name: a family, or what a user has."""
    named = [*(["--family"] if family is not None else []), *given.paths]
    if len(named) != 1:
        raise InputError(
            f"give exactly one of --family, --values, --data and --covariance, got {' and '.join(named) or 'none'}"
        )
    if family is None:
        (spectrum,) = given.spectra(size=_SIDE)
        return _small_enough(spectrum)
    if given.choices:
        raise InputError(f"{given.choices[0]} is for --values, --data and --covariance, and --family was given")
    _few_enough(n, "--n asks for", "singular values")
    made = {
        "power-law": lambda: Spectrum.power_law(n, exponent),
        "exponential": lambda: Spectrum.exponential(n, rate),
        "flat": lambda: Spectrum.flat(n),
        "step": lambda: Spectrum.step(n, rank, floor),
        "spiked": lambda: Spectrum.spiked(n),
        "log-spaced": lambda: Spectrum.log_spaced(n, condition),
    }
    if family not in made:
        raise InputError(f"--family must be one of {', '.join(FAMILIES)}, got {family!r}")
    return made[family]()


def spectrum_from_file(path: Path) -> Spectrum:
    """Singular values from a file of numbers, see :func:`linflow.data.load`."""
    try:
        return _small_enough(of_values(load(path)))
    except InputError as error:
        raise InputError(f"{shortened(path)}: {error}") from error


def _small_enough(spectrum: Spectrum) -> Spectrum:
    _few_enough(spectrum.n, f"{spectrum.name!r} has", "singular values")
    return spectrum


def whole_numbers(text: str | None, n: int) -> IntArray:
    """``"64"``, ``"8,16"``, ``"10:100:10"`` (both ends included), or None: some dozen values spread over 1..n-1.

    >>> whole_numbers("2,8:16:4", 20)
    array([ 2,  8, 12, 16])
    """
    if text is None:
        return np.unique(np.geomspace(1, max(n - 1, 1), _DEFAULT_ROWS).round().astype(np.int64))
    ranges: list[range] = []
    for part in text.split(","):
        try:
            numbers = [int(word) for word in part.split(":")]
        except ValueError:
            numbers = []
        if not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and numbers[2] < 1):
            raise InputError(f"--m takes whole numbers such as 64 or 8,16,64 or 10:100:10, got {text[:_SHOWN]!r}")
        first, last, *step = numbers if len(numbers) > 1 else (numbers[0], numbers[0])
        ranges.append(range(first, last + 1, *step))
    for ends in (counts[i] for counts in ranges if counts for i in (0, -1)):
        if not 0 <= ends <= n:
            raise InputError(f"--m must lie in 0..n = 0..{n}, got {_digits(ends)}")
    _few_enough(sum(map(len, ranges)), "--m names", "numbers of measurements", most=_MOST_ROWS)
    counts = [count for one in ranges for count in one]
    if not counts:
        raise InputError(f"--m names no number of measurements: {text[:_SHOWN]!r} is an empty range")
    return np.array(counts, dtype=np.int64)


def _few_enough(count: int, what: str, of: str, *, most: int = _MOST_VALUES) -> None:
    if count > most:
        raise InputError(f"{what} {_digits(count)} {of}, {most} at most can be predicted at once")


def _digits(number: int) -> str:
    """A whole number, rounded where it is long: Python refuses to write those of thousands of digits."""
    return str(number) if abs(number) < 10**30 else f"about 2**{number.bit_length()}"


def draw(spectrum: Spectrum, rows: list[dict[str, Any]], path: Path, *, noise_std: float, penalty: float) -> None:
    """The rows as a figure: a PNG, PDF or SVG by the ending of its name."""
    from linflow.plotting import prediction_figure, save

    m = [row["m"] for row in rows]
    exact = [np.nan if row["exact"] is None else row["exact"] for row in rows]
    save(prediction_figure(spectrum, m, exact=exact, noise_std=noise_std, penalty=penalty), path)


def print_table(spectrum: Spectrum, rows: list[dict[str, Any]], *, noise_std: float, penalty: float) -> None:
    """The rows as a table for people."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    setting = f"{spectrum.name}, n = {spectrum.n}, energy {spectrum.energy:.5g}"
    if noise_std or penalty:
        setting += f"; equivalent with noise_std {noise_std:g}, penalty {penalty:g} (the bounds are those without either)"
    table = Table(title=Text(setting), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    columns = ("m", "T1 lower", "T1 upper", "T2 best", "k", "E_m >=", "E_m <=", "equivalent", "exact")
    for name in columns:
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            str(row["m"]),
            *(_short(row[name]) for name in ("theorem_lower", "theorem_upper", "best_upper")),
            str(row["best_rank"]),
            *(_short(row[name]) for name in ("interlacing_lower", "interlacing_upper", "equivalent", "exact")),
        )
    Console().print(table)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"
