"""Predictions without simulation: every bound, exact value and equivalent of a spectrum, as a table."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow import risk
from linflow.checks import Count, Counts, IntArray
from linflow.data import load
from linflow.engine.files import shortened
from linflow.errors import InputError, ShapeError
from linflow.inputs import Given, of_values
from linflow.spectrum import Spectrum, counts_for
from linflow.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd

#: What each family is made by, and the options that it takes, in this order.
_MAKERS: dict[str, tuple[Callable[..., Spectrum], tuple[str, ...]]] = {
    "power-law": (Spectrum.power_law, ("n", "exponent")),
    "exponential": (Spectrum.exponential, ("n", "rate")),
    "flat": (Spectrum.flat, ("n",)),
    "step": (Spectrum.step, ("n", "rank", "floor")),
    "spiked": (Spectrum.spiked, ("n",)),
    "log-spaced": (Spectrum.log_spaced, ("n", "condition")),
}
FAMILIES = tuple(_MAKERS)
#: Of those options.
DEFAULTS: dict[str, Any] = {"n": 1000, "exponent": 1.0, "rate": 0.25, "rank": 10, "floor": 1e-3, "condition": 1e6}
COLUMNS = (
    Column("m", latex="$m$"),
    Column("theorem_lower", "T1 lower", digits=5),
    Column("theorem_upper", "T1 upper", digits=5),
    Column("best_upper", "T2 best", digits=5),
    Column("best_rank", "k", latex="$k$"),
    Column("interlacing_lower", "E_m >=", latex=r"$E_m \geq$", digits=5),
    Column("interlacing_upper", "E_m <=", latex=r"$E_m \leq$", digits=5),
    Column("equivalent", digits=5),
    Column("exact", digits=5),
)
#: Rows of a table when no m is asked for.
_DEFAULT_ROWS = 12
#: Columns are arrays as long as the spectrum, and each row is kept until all are printed: more would fill the memory.
_MOST_VALUES, _MOST_ROWS = 10**7, 10**6
#: Side in pixels of images, where no other is asked for.
_SIDE = 32
#: Characters of a user's word that a sentence repeats.
_SHOWN = 80


def predict(
    spectrum: Spectrum | ArrayLike, m: Count | Counts, *, noise_std: float = 0.0, penalty: float = 0.0
) -> pd.DataFrame:
    """Every bound on the noiseless E_m, its exact value where one is known, and the (noisy, penalised) equivalent.

    Parameters
    ----------
    spectrum : Spectrum, or (n,) array of singular values, [x]
    m : int or (count,) array of ints in 0..n
    noise_std : standard deviation of the noise on each measurement, [y]; for the equivalent alone.
    penalty : gamma; for the equivalent alone.

    Returns
    -------
    DataFrame : one row for each m, in the order given, [x]^2 but for `m` and `best_rank`. An upper bound that makes no
        statement is inf; `exact` is NaN where no formula is known. The setting is in `attrs`.

    Raises
    ------
    InputError, ShapeError
        What :mod:`linflow.risk` refuses; m of more than one axis.

    Notes
    -----
    The interlacing theorem's two sides hold for every m; E_m is known between them to one part in ``upper/lower``.

    Examples
    --------
    >>> frame = predict([1.0] * 8, [2, 4])
    >>> frame[["m", "theorem_lower", "best_upper", "exact"]]
       m  theorem_lower  best_upper  exact
    0  2            6.0         8.0    6.0
    1  4            4.0         8.0    4.0
    """
    import pandas as pd

    spectrum, counts = counts_for(spectrum, m)
    if counts.ndim > 1:
        raise ShapeError(f"m must be one number of measurements or several in a row, got shape {counts.shape}")
    counts = counts.reshape(-1)
    lower, upper = risk.interlacing(spectrum, counts)
    columns: dict[str, NDArray[Any]] = {
        "m": counts,
        "theorem_lower": risk.theorem_lower(spectrum, counts),
        "theorem_upper": risk.theorem_upper(spectrum, counts),
        "best_upper": risk.best_upper(spectrum, counts),
        "best_rank": risk.best_rank(spectrum, counts),
        "interlacing_lower": lower,
        "interlacing_upper": upper,
        "equivalent": risk.equivalent(spectrum, counts, noise_std=noise_std, penalty=penalty),
        "exact": np.full(counts.size, np.nan),
    }
    for place, count in enumerate(counts.tolist()):
        if risk.has_exact(spectrum, count):
            columns["exact"][place] = risk.exact(spectrum, count)
    frame = pd.DataFrame(columns)
    frame.attrs = {"spectrum": spectrum.name, "n": spectrum.n, "noise_std": float(noise_std), "penalty": float(penalty)}
    return frame


def records(frame: pd.DataFrame) -> list[dict[str, int | float | None]]:
    """The rows for JSON, which has no infinity and no NaN: None.

    >>> row = records(predict(Spectrum.flat(8), 1))[0]
    >>> row["m"], row["theorem_lower"], row["theorem_upper"], row["best_rank"], row["exact"]
    (1, 7.0, None, 0, 7.0)
    """
    columns = {str(name): frame[name].tolist() for name in frame}
    return [
        {name: value if np.isfinite(value) else None for name, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def spectrum_from_options(
    *,
    family: str | None,
    n: int | None,
    exponent: float | None,
    rate: float | None,
    rank: int | None,
    floor: float | None,
    condition: float | None,
    given: Given,
) -> Spectrum:
    """The one spectrum that the options name: a family with what it takes, or what a user has. None: not given."""
    named = [*(["--family"] if family is not None else []), *given.paths]
    if len(named) != 1:
        raise InputError(
            f"give exactly one of --family, --values, --data and --covariance, got {' and '.join(named) or 'none'}"
        )
    options = {"n": n, "exponent": exponent, "rate": rate, "rank": rank, "floor": floor, "condition": condition}
    told = {name: value for name, value in options.items() if value is not None}
    if family is None:
        if told:
            raise InputError(f"--{next(iter(told))} is for --family, and {named[0]} was given")
        (spectrum,) = given.spectra(size=_SIDE)
        return _small_enough(spectrum)
    if given.choices:
        raise InputError(f"{given.choices[0]} is for --values, --data and --covariance, and --family was given")
    if family not in _MAKERS:
        raise InputError(f"--family must be one of {', '.join(FAMILIES)}, got {family!r}")
    maker, takes = _MAKERS[family]
    if foreign := [name for name in told if name not in takes]:
        others = [name for name, (_, of) in _MAKERS.items() if foreign[0] in of]
        raise InputError(f"--{foreign[0]} is for --family {' or '.join(others)}, and --family {family} was given")
    asked = {**{name: DEFAULTS[name] for name in takes}, **told}
    _few_enough(int(asked["n"]), "--n asks for", "singular values")
    made: Spectrum = maker(*(asked[name] for name in takes))
    return made


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


def draw(spectrum: Spectrum, frame: pd.DataFrame, path: Path) -> None:
    """The rows as a figure: a PNG, PDF or SVG by the ending of its name."""
    from linflow.plotting import prediction_figure, save

    setting = {name: frame.attrs[name] for name in ("noise_std", "penalty")}
    save(prediction_figure(spectrum, frame["m"].to_numpy(), exact=frame["exact"].to_numpy(), **setting), path)


def table(spectrum: Spectrum, frame: pd.DataFrame) -> Table:
    """The rows for people."""
    noise_std, penalty = frame.attrs["noise_std"], frame.attrs["penalty"]
    setting = f"{spectrum.name}, n = {spectrum.n}, energy {spectrum.energy:.5g}"
    if noise_std or penalty:
        setting += f"; equivalent with noise_std {noise_std:g}, penalty {penalty:g} (the bounds are those without either)"
    return Table(COLUMNS, records(frame), setting)


class _Callable(ModuleType):
    """``lf.predict`` is this module and its function at once: importing the one would otherwise hide the other."""

    def __call__(
        self, spectrum: Spectrum | ArrayLike, m: Count | Counts, *, noise_std: float = 0.0, penalty: float = 0.0
    ) -> pd.DataFrame:
        return predict(spectrum, m, noise_std=noise_std, penalty=penalty)


sys.modules[__name__].__class__ = _Callable
