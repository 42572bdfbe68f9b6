"""How time and memory grow with n: error curves, predictions, exact values, fits, estimates, verdicts, and their rivals.

Every piece of work is doubled in size until one run of it would take longer than it may, or n reaches 8192. The exponent
is the slope of log time (log memory) over log n by least squares, over the last few sizes: small ones pay for Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from linflow import risk
from linflow.bench.accuracy import pinv_curve
from linflow.bench.contest import Work, spread
from linflow.bench.effort import Effort
from linflow.bench.memory import peak
from linflow.checks import FloatArray
from linflow.estimators import mle
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum
from linflow.tables import Cell

SIZES = tuple(2**k for k in range(6, 14))
#: Sizes whose points an exponent is read off.
_LAST = 4
#: Memory below this is that of the interpreter.
_LEAST = 2**17

#: Called with (works done, works in all, the work that begins).
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Point:
    """One size of one work.

    Parameters
    ----------
    work, who : what was done, and by whom.
    seconds : of one run, the median of three; scaled to the whole where `note` says so.
    memory : bytes beyond what it was given, at most; None where the system does not tell.
    time_exponent, memory_exponent : of this work and this `who`, over its largest sizes; None of fewer than three.
    """

    work: str
    who: str
    n: int
    seconds: float
    memory: int | None
    time_exponent: float | None = None
    memory_exponent: float | None = None
    note: str = ""

    def cells(self) -> dict[str, Cell]:
        """The row for tables and files."""
        return dict(vars(self))


@dataclass(frozen=True)
class Series:
    """One work of one `who`, at any n; `share` is the part of the whole that one run does, at most at n = `most`."""

    work: str
    who: str
    prepare: Callable[[int], Work]
    share: Callable[[int], float] = lambda n: 1.0
    most: int = SIZES[-1]
    note: str = ""

    def points(self, effort: Effort, *, longest: float) -> Iterator[Point]:
        """Until a run takes `longest` seconds, which is not repeated."""
        for n in SIZES:
            if n > self.most:
                return
            run = self.prepare(n).run
            with effort.limited():
                if n == SIZES[0]:
                    run()  # what a first call imports and keeps is no cost of this n
                memory = peak(run)
                times = [_seconds(run, effort)]
                if times[0] < longest / 8:
                    times += [_seconds(run, effort) for _ in range(2)]
            yield Point(self.work, self.who, n, spread(times)[0] / self.share(n), memory, note=self.note)
            if times[0] > longest / 8:  # the next is eight times as much, or more
                return


def series() -> tuple[Series, ...]:
    """All of them, each work of linflow's followed by its rivals."""
    one = "one m, scaled to all"
    return (
        Series("curve", "linflow", _curve, note="all m"),
        Series("curve", "numpy.linalg.pinv", _pinv, share=lambda n: 1 / n, note=one),
        Series("prediction", "linflow", _prediction, note="16 m"),
        Series("prediction", "scipy.optimize.brentq", _brentq, share=lambda n: 1 / 16, note="one m, scaled to 16"),
        Series("exact value", "linflow", _exact, most=512, note="every m, complex A"),
        Series("exact value", "scipy.integrate.quad", _quadrature, most=512, share=lambda n: 1 / n, note=one),
        Series("fit", "linflow", _fit, note="n / 4 samples"),
        Series("fit", "scikit-learn OAS and eigh", _sklearn, note="n / 4 samples"),
        Series("mle", "linflow", _mle, note="m = n / 4"),
        Series("mle", "scipy.linalg.lstsq", _lstsq, note="m = n / 4"),
        Series("verify", "linflow", _verify, note="one claim, one case, m = n / 4"),
    )


def points(effort: Effort, progress: Progress | None = None) -> list[Point]:
    """Every point, with the exponents of its series."""
    longest = effort.pick(quick=0.2, usual=10.0, long=600.0)
    found: list[Point] = []
    every = series()
    for place, one in enumerate(every):
        if progress:
            progress(place, len(every), f"{one.work}, {one.who}")
        found += with_exponents(list(one.points(effort, longest=longest)))
    if progress:
        progress(len(every), len(every), "")
    return found


def with_exponents(measured: Sequence[Point]) -> list[Point]:
    """The points of one series, with the slopes over the largest sizes.

    >>> made = [Point("w", "us", n, n**2.0, 2**20 * n) for n in (64, 128, 256)]
    >>> [round(x, 6) for x in (with_exponents(made)[0].time_exponent, with_exponents(made)[0].memory_exponent)]
    [2.0, 1.0]
    """
    last = measured[-_LAST:]
    times = [(point.n, point.seconds) for point in last]
    taken = [(point.n, float(point.memory)) for point in last if point.memory is not None and point.memory >= _LEAST]
    time, memory = exponent(times), exponent(taken)
    return [replace(point, time_exponent=time, memory_exponent=memory) for point in measured]


def exponent(values: Sequence[tuple[int, float]]) -> float | None:
    """Slope of log value over log n; None of fewer than three points.

    >>> exponent([(2, 8.0), (4, 64.0)]) is None
    True
    """
    if len(values) < 3:
        return None
    n, value = np.array(values, dtype=np.float64).T
    return float(np.polyfit(np.log(n), np.log(np.maximum(value, 1e-12)), 1)[0])


def _seconds(run: Callable[[], object], effort: Effort) -> float:
    start = effort.now()
    run()
    return effort.now() - start


def _case(n: int) -> tuple[Spectrum, FloatArray]:
    return Spectrum.power_law(n), np.random.default_rng(0).standard_normal((n // 4, n))


def _curve(n: int) -> Work:
    spectrum = Spectrum.power_law(n)
    return Work(lambda: risk.simulate(spectrum, trials=1, seed=0, workers=1))


def _pinv(n: int) -> Work:
    spectrum, A = Spectrum.power_law(n), np.random.default_rng(0).standard_normal((n // 2, n))
    return Work(lambda: pinv_curve(spectrum, A, [n // 2]))


def _prediction(n: int) -> Work:
    spectrum = Spectrum.power_law(n)
    m = np.unique(np.geomspace(1, n - 1, 16).astype(np.int64))
    return Work(lambda: risk.equivalent(spectrum, m))


def _brentq(n: int) -> Work:
    from linflow.bench.predictions import by_brentq

    spectrum = Spectrum.power_law(n)
    return Work(lambda: by_brentq(spectrum, [n // 4]))


def _exact(n: int) -> Work:
    from linflow.bench.expectations import every_value

    spectrum = Spectrum.power_law(n)
    return Work(lambda: every_value(spectrum, "complex"))


def _quadrature(n: int) -> Work:
    from linflow.bench.expectations import by_scipy, complex_integrand

    spectrum = Spectrum.power_law(n)
    return Work(lambda: by_scipy(spectrum, [n // 4], complex_integrand))


def _data(n: int) -> FloatArray:
    data: FloatArray = np.random.default_rng(0).standard_normal((n // 4, n)) / np.arange(1.0, n + 1)
    return data


def _fit(n: int) -> Work:
    return Work(partial(LinearFlow.fit, _data(n)))


def _sklearn(n: int) -> Work:
    from linflow.bench.models import decomposed

    return Work(partial(decomposed, _data(n), "OAS"))


def _mle(n: int) -> Work:
    spectrum, A = _case(n)
    flow, y = LinearFlow.from_spectrum(spectrum), A.sum(axis=1)
    return Work(lambda: mle(flow, A, y))


def _lstsq(n: int) -> Work:
    from scipy.linalg import lstsq

    spectrum, A = _case(n)
    y = A.sum(axis=1)
    return Work(lambda: lstsq(A * spectrum.singular_values, y))


def _verify(n: int) -> Work:
    from linflow.claims import Case, catalogue, verify

    claim = next(claim for claim in catalogue() if claim.name == "T2")
    case = Case(Spectrum.power_law(n), (n // 4,))
    return Work(lambda: verify(claim, cases=[case], max_draws=1000, workers=1))
