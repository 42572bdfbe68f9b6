"""Deterministic equivalents at a thousand m of a spectrum of a million values, against a loop of a root finder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from linflow import risk
from linflow.bench.contest import Contest, Side, Work, entrywise
from linflow.bench.effort import Effort
from linflow.checks import FloatArray, IntArray
from linflow.spectrum import Spectrum

#: Numbers of measurements in all, and those for which a rival is run.
_ALL, _FEW = 1000, 4


def contests(effort: Effort) -> Iterator[Contest]:
    """``m kappa``, kappa the root of ``m = sum_i l_i / (l_i + kappa)``, for 1000 m."""
    n = effort.pick(quick=10_000, usual=1_000_000, long=1_000_000)
    spectrum = Spectrum.power_law(n)
    m = np.unique(np.geomspace(2, n - 1, _ALL).astype(np.int64))
    few = np.linspace(0, m.size - 1, _FEW + 2).astype(int)[1:-1]
    yield Contest(
        row="predictions",
        size=f"n = {n}, {m.size} m",
        n=n,
        ours=Side("lf.risk.equivalent", partial(_ours, spectrum, m, few)),
        rivals=(
            Side(
                "scipy.optimize.brentq, a loop",
                partial(_brentq, spectrum, m[few]),
                share=_FEW / m.size,
                goal=50.0,
                note=f"{_FEW} of {m.size} values of m, scaled",
            ),
        ),
        far=entrywise,
        tolerance=1e-8,
    )


def _ours(spectrum: Spectrum, m: IntArray, few: IntArray) -> Work:
    return Work(lambda: risk.equivalent(spectrum, m), answer=lambda: risk.equivalent(spectrum, m)[few])


def by_brentq(spectrum: Spectrum, m: Iterable[float]) -> FloatArray:
    """``m kappa`` for some m, one root at a time, in log kappa."""
    from scipy.optimize import brentq

    l, found = spectrum.singular_values**2, []
    for count in m:
        root = brentq(lambda s, count=count: np.sum(l / (l + np.exp(s))) - count, np.log(l[-1]) - 40, np.log(l.sum()) + 1)
        found.append(count * np.exp(root))
    return np.array(found)


def _brentq(spectrum: Spectrum, m: IntArray) -> Work:
    return Work(lambda: by_brentq(spectrum, m))
