"""The rows of the table of performance, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module

from linflow.bench.contest import Contest, Reading
from linflow.bench.effort import Effort
from linflow.errors import InputError

#: Called with (rows done, rows in all, the row that begins).
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Row:
    """One kind of work.

    Parameters
    ----------
    name : for ``--only``.
    source : modules of this package and their functions of an `Effort`, which yield contests or finished readings.
    says : what is compared.
    """

    name: str
    source: tuple[str, ...]
    says: str

    def readings(self, effort: Effort) -> Iterator[Reading]:
        """All of it."""
        for place in self.source:
            module, function = place.split(".")
            for part in getattr(import_module(f"linflow.bench.{module}"), function)(effort):
                yield from part.readings(effort) if isinstance(part, Contest) else (part,)


ROWS = (
    Row("curves", ("curves.contests",), "error curves, all m: loops of pinv, lstsq, LinearRegression; batched torch"),
    Row("flops", ("curves.flop_contests",), "error curves, all m: 8/3 n^3 flops at this run's rate of A @ B"),
    Row("tall", ("tall.contests", "tall.memory"), "one tall factor, time and memory: scipy.linalg.lstsq, pinv"),
    Row("exact", ("expectations.contests",), "every E_m: mpmath, direct quadrature"),
    Row("predictions", ("predictions.contests",), "equivalents at 1000 m: a loop of scipy.optimize.brentq"),
    Row("verdicts", ("decisions.readings",), "draws to a verdict: other intervals at the same alpha, log(1/alpha) / KL"),
    Row("pursuit", ("transitions.contests",), "a phase transition, certified: cvxpy and HiGHS in a loop"),
    Row("hunts", ("hunts.readings",), "readings of a claim a second"),
    Row("engine", ("engines.contests", "engines.overhead"), "a second worker, an empty cell: joblib's loky, Dask"),
    Row("flows", ("flows.contests",), "RealNVP and Glow: normflows, zuko, nflows"),
    Row("denoiser", ("images.contests",), "the patch denoiser: bm3d, scikit-image's nl_means"),
    Row("models", ("models.fits", "models.posteriors"), "fit, mle, posterior: scikit-learn"),
    Row("gpu", ("accelerator.contests",), "error curves on a GPU: the processors, the card's rate of A @ B"),
)


def chosen(names: Sequence[str]) -> tuple[Row, ...]:
    """The rows of these names, in the table's order; all for none.

    >>> [row.name for row in chosen(["tall", "curves"])]
    ['curves', 'tall']
    """
    known = {row.name for row in ROWS}
    for name in names:
        if name not in known:
            raise InputError(f"there is no row {name[:80]!r} in the table: --only takes {', '.join(r.name for r in ROWS)}")
    return tuple(row for row in ROWS if not names or row.name in names)


def measured(rows: Sequence[Row], effort: Effort, progress: Progress | None = None) -> Iterator[list[Reading]]:
    """All readings so far, after each of these rows: nothing else of ours runs meanwhile."""
    found: list[Reading] = []
    for place, row in enumerate(rows):
        if progress:
            progress(place, len(rows), row.name)
        found += row.readings(effort)
        yield found
    if progress:
        progress(len(rows), len(rows), "")
