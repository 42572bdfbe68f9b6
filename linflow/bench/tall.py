"""One tall factor: the MLE of one signal, and every error, time and memory, against dense least squares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from linflow.bench.contest import Contest, Reading, Side, Work, relative
from linflow.bench.effort import Effort
from linflow.bench.memory import peak
from linflow.checks import FloatArray
from linflow.estimators import mle
from linflow.flow import LinearFlow
from linflow.risk import error_curve
from linflow.spectrum import Spectrum

#: What the memory beyond the measurements should be at most, in units of them.
_MOST = 2.2
_ROW = "one tall factor"
_ONE = "one solution, of one m"


def contests(effort: Effort) -> Iterator[Contest]:
    """Time: `lf.mle`, and its error after each measurement, against the minimum-norm solutions of scipy and numpy."""
    n, m = _size(effort)
    yield Contest(
        row=_ROW,
        size=f"n = {n}, m = {m}, every X_A(m)",
        n=n,
        ours=Side("lf.risk.error_curve", partial(_work, n, m, _curve)),
        rivals=(
            Side("scipy.linalg.lstsq", partial(_work, n, m, _lstsq), goal=1.0, note=_ONE),
            Side("numpy.linalg.pinv", partial(_work, n, m, _pinv), goal=1.0, note=_ONE),
        ),
    )
    yield Contest(
        row=_ROW,
        size=f"n = {n}, m = {m}, one solution",
        n=n,
        ours=Side("lf.mle", partial(_work, n, m, _mle)),
        rivals=(
            Side("scipy.linalg.lstsq", partial(_work, n, m, _lstsq), goal=1.0),
            Side("numpy.linalg.pinv", partial(_work, n, m, _pinv), goal=1.0),
        ),
        far=relative,
        tolerance=1e-8,
    )


def memory(effort: Effort) -> Iterator[Reading]:
    """Peak memory beyond the measurements, in units of them; the ratio is the rival's over ours."""
    n, m = _size(effort)
    factor = 8 * n * m
    with effort.limited():
        taken = [peak(_work(n, m, solve).run) for solve in (_curve, _mle, _lstsq, _pinv)]
    for what, ours in zip(("every X_A(m)", "one solution"), taken[:2], strict=True):
        size = f"n = {n}, m = {m}, {what}"
        for name, theirs in zip(("scipy.linalg.lstsq", "numpy.linalg.pinv"), taken[2:], strict=True):
            if ours is None or theirs is None:
                note = "this system does not tell the peak memory of a process"
                yield Reading(_ROW, size, name, unit="factors", note=note)
                continue
            note = f"memory beyond the m x n factor, in units of it; with it ours should be {_MOST:g} at most"
            yield Reading(
                row=_ROW,
                size=size,
                rival=name,
                unit="factors",
                ours=ours / factor,
                theirs=theirs / factor,
                ratio=theirs / max(ours, 1),
                rounds=1,
                note=note,
            )


def _size(effort: Effort) -> tuple[int, int]:
    return effort.pick(quick=(1024, 208), usual=(3072, 625), long=(12288, 2500))


def _work(n: int, m: int, solve: Callable[[LinearFlow, FloatArray, FloatArray], FloatArray]) -> Work:
    flow = LinearFlow.from_spectrum(Spectrum.power_law(n))
    rng = np.random.default_rng(0)
    A = rng.standard_normal((m, n))
    y = A @ flow.sample(1, rng)[0]
    return Work(lambda: solve(flow, A, y))


def _curve(flow: LinearFlow, A: FloatArray, y: FloatArray) -> FloatArray:
    return error_curve(flow.spectrum, A)


def _mle(flow: LinearFlow, A: FloatArray, y: FloatArray) -> FloatArray:
    return mle(flow, A, y)


def _lstsq(flow: LinearFlow, A: FloatArray, y: FloatArray) -> FloatArray:
    from scipy.linalg import lstsq

    s = flow.spectrum.singular_values
    solved: FloatArray = s * lstsq(A * s, y)[0]
    return solved


def _pinv(flow: LinearFlow, A: FloatArray, y: FloatArray) -> FloatArray:
    s = flow.spectrum.singular_values
    solved: FloatArray = s * (np.linalg.pinv(A * s) @ y)
    return solved
