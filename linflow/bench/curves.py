"""Error curves X_A(m) for every m: against loops over m, and against the rate at which this machine multiplies matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from linflow import risk
from linflow.bench.accuracy import pinv_curve
from linflow.bench.contest import Contest, Side, Work, entrywise
from linflow.bench.effort import Effort
from linflow.checks import FloatArray
from linflow.spectrum import Spectrum

#: n: (trials of one call of ours, numbers of measurements for which a rival is run, its goal, the share of the flop bound).
_SIZES = {
    32: (2000, 16, 300.0, 0.15),
    64: (800, 8, None, 0.2),
    128: (400, 8, 600.0, 0.3),
    512: (24, 4, 1500.0, 0.5),
    2048: (2, 2, 4000.0, 0.65),
}
#: Draws that torch factors in one call.
_TOGETHER = 4


def contests(effort: Effort) -> Iterator[Contest]:
    """All m, by loops of pinv, lstsq, scikit-learn and torch; a loop is run for a few m and scaled to all n."""
    for n in effort.pick(quick=(32, 128), usual=(32, 128, 512), long=(32, 128, 512, 2048)):
        trials, count, goal, _ = _SIZES[n]
        spectrum, A = Spectrum.power_law(n), np.random.default_rng(0).standard_normal((_TOGETHER, n, n))
        counts = [round((i + 0.5) * n / count) for i in range(count)]
        note = f"{count} of {n} values of m, scaled"
        rival = partial(Side, share=count / n, note=note)
        yield Contest(
            row="error curves",
            size=f"n = {n}, all m",
            n=n,
            ours=Side("lf.risk.simulate", partial(_ours, spectrum, trials, A, counts, effort.threads), share=float(trials)),
            rivals=(
                rival("numpy.linalg.pinv", partial(_loop, pinv_curve, spectrum, A, counts), goal=goal),
                rival("numpy.linalg.lstsq", partial(_loop, lstsq_curve, spectrum, A, counts)),
                rival(
                    "scikit-learn LinearRegression",
                    partial(_loop, regression_curve, spectrum, A, counts),
                    needs=("sklearn",),
                ),
                Side(
                    "torch.linalg.lstsq, batched",
                    partial(_batched, spectrum, A, counts),
                    share=_TOGETHER * count / n,
                    needs=("torch",),
                    note=note,
                ),
            ),
            far=entrywise,
            tolerance=1e-6,
        )


def flop_contests(effort: Effort) -> Iterator[Contest]:
    """The same, against 8/3 n^3 flops at the rate of ``A @ B`` of n x n matrices; random numbers are included in ours."""
    for n in effort.pick(quick=(32, 128), usual=(32, 64, 128, 512), long=tuple(_SIZES)):
        trials, _, _, goal = _SIZES[n]
        spectrum = Spectrum.power_law(n)
        yield Contest(
            row="flop bound",
            size=f"n = {n}",
            n=n,
            ours=Side("lf.risk.simulate", partial(_simulated, spectrum, trials, effort.threads), share=float(trials)),
            rivals=(Side("8/3 n^3 flops of A @ B", partial(_products, n), share=0.75 * _repeats(n), goal=goal),),
        )


def lstsq_curve(spectrum: Spectrum, A: FloatArray, m: list[int]) -> FloatArray:
    """``|| G (I - P) ||_F^2`` with the projection P by `numpy.linalg.lstsq`, one m at a time.

    >>> np.allclose(lstsq_curve(Spectrum([2.0, 1.0]), np.eye(2), [1]), [1.0])
    True
    """
    return _curve(spectrum, A, m, lambda AG: np.linalg.lstsq(AG, AG, rcond=None)[0])


def regression_curve(spectrum: Spectrum, A: FloatArray, m: list[int]) -> FloatArray:
    """As `lstsq_curve`, with scikit-learn's `LinearRegression`.

    >>> np.allclose(regression_curve(Spectrum([2.0, 1.0]), np.eye(2), [1]), [1.0])
    True
    """
    from sklearn.linear_model import LinearRegression

    return _curve(spectrum, A, m, lambda AG: LinearRegression(fit_intercept=False).fit(AG, AG).coef_.T)


def _curve(spectrum: Spectrum, A: FloatArray, m: list[int], projection: Callable[[FloatArray], Any]) -> FloatArray:
    sigma, errors = spectrum.singular_values, []
    for count in m:
        P = projection(A[:count] * sigma)
        errors.append(float(np.linalg.norm(sigma[:, None] * (np.eye(len(sigma)) - P)) ** 2))
    return np.array(errors)


def _ours(spectrum: Spectrum, trials: int, A: FloatArray, counts: list[int], threads: int) -> Work:
    return Work(
        lambda: risk.simulate(spectrum, trials=trials, seed=0, workers=threads),
        answer=lambda: risk.error_curve(spectrum, A[0])[counts],
    )


def _loop(curve: Callable[..., FloatArray], spectrum: Spectrum, A: FloatArray, counts: list[int]) -> Work:
    return Work(lambda: curve(spectrum, A[0], counts))


def _batched(spectrum: Spectrum, A: FloatArray, counts: list[int]) -> Work:
    import torch

    sigma = torch.from_numpy(np.array(spectrum.singular_values))
    draws, eye = torch.from_numpy(A) * sigma, torch.eye(spectrum.n, dtype=torch.float64)

    def curves() -> FloatArray:
        errors = []
        for count in counts:
            AG = draws[:, :count]
            P = torch.linalg.lstsq(AG, AG).solution
            errors.append((sigma[:, None] * (eye - P)).square().sum((1, 2)).numpy())
        return np.array(errors)

    return Work(curves, answer=lambda: curves()[:, 0])


def _simulated(spectrum: Spectrum, trials: int, threads: int) -> Work:
    return Work(lambda: risk.simulate(spectrum, trials=trials, seed=0, workers=threads))


def _repeats(n: int) -> int:
    """Products of n x n matrices that take about 0.02 s at 40 GFlop/s."""
    return max(1, int(4e8 / n**3))


def _products(n: int) -> Work:
    A, B = np.random.default_rng(0).standard_normal((2, n, n))

    def products() -> None:
        for _ in range(_repeats(n)):
            A @ B

    return Work(products)
