r"""Deterministic equivalents: the sharp prediction of the risk, with no simulation.

With kappa the positive root of ``m = sum_i l_i/(l_i + kappa) + gamma/kappa`` and ``df2 = sum_i l_i**2/(l_i + kappa)**2``,
the risk of the penalised estimator under Gaussian measurements is, up to relative errors of order 1/n,

    [ kappa**2 sum_i t_i/(l_i + kappa)**2 + s**2 df2/m ] / (1 - df2/m),

t_i the variances of the signal in the model's eigenbasis (t = l: the model is right), s the noise. With gamma = s = 0
it is ``m kappa``; with gamma = s**2 and t = l it is ``sum_i l_i kappa/(l_i + kappa)``.

Kind: asymptotic (an equality in the limit, no bound at finite n). Sources: Derezinski, Liang, Liao & Mahoney (NeurIPS
2020); Hastie, Montanari, Rosset & Tibshirani (2022); Cheng & Montanari, "Dimension free ridge regression".

Nothing cancels at any conditioning: ``1 - df2/m`` is evaluated as ``(sum_i l_i kappa/(l_i+kappa)**2 + gamma/kappa)/m``,
and the equation for kappa is solved as ``sum_{i <= m} kappa/(l_i+kappa) = sum_{i > m} l_i/(l_i+kappa) + gamma/kappa``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linflow.checks import FloatArray, IntArray, finite_array, measurement_counts, non_negative, scalar_or_array
from linflow.errors import InputError, ShapeError
from linflow.risk.compress import SMALL, compress
from linflow.spectrum import Spectrum

_NEWTON_STEPS = 200


def equivalent(
    spectrum: Spectrum,
    m: ArrayLike,
    *,
    noise_std: float = 0.0,
    penalty: float = 0.0,
    signal_variances: ArrayLike | None = None,
) -> Any:
    r"""Deterministic equivalent of the risk of the penalised estimator.

    Parameters
    ----------
    m : int or array of ints in 0..n.
    noise_std : standard deviation s of the noise on each measurement, [y].
    penalty : gamma in ``|A G z - y|^2 + gamma |z|^2``; 0 is the MLE, ``noise_std**2`` the posterior mean.
    signal_variances : (n,) array, [x]^2, optional
        Variances t_i of the signal along the model's eigenvectors, in the order of the descending singular values;
        for signals from another law than the model's. Default: the model's own.

    Returns
    -------
    float (scalar m) or array, [x]^2. ``inf`` at m = n with noise and no penalty, where the risk has no mean.

    Examples
    --------
    For a flat spectrum the noiseless equivalent is exact:

    >>> bool(np.isclose(equivalent(Spectrum.flat(10), m=4), 6.0))
    True
    """
    counts = measurement_counts(m, spectrum.n)
    s2, gamma = non_negative(noise_std, "noise_std") ** 2, non_negative(penalty, "penalty")
    if signal_variances is None:
        t = spectrum.variances
    else:
        t = finite_array(signal_variances, "signal_variances")
        if t.shape != (spectrum.n,):
            raise ShapeError(f"signal_variances must have shape ({spectrum.n},), one for each eigenvector, got {t.shape}")
        if t.size and t.min() < 0:
            raise InputError(f"signal_variances must be >= 0, got {t.min():g}")
    with np.errstate(over="ignore"):
        weights = t / spectrum.variances
    if not np.all(np.isfinite(weights)):
        raise InputError("signal_variances exceed the model's by more than float64 can hold: rescale or drop directions")
    measure = _Measure.of(spectrum, weights)
    root = _solve(measure, counts.ravel().astype(np.float64), gamma)
    risk = np.empty(root.size)
    for block in _blocks(root.size, measure.l.size):
        risk[block] = _risk(measure, counts.ravel()[block], root[block], gamma, s2, float(t.sum()))
    return scalar_or_array(risk.reshape(counts.shape), m)


def kappa(spectrum: Spectrum, m: ArrayLike, *, penalty: float = 0.0) -> Any:
    r"""The positive root of ``m = sum_i l_i/(l_i + kappa) + penalty/kappa``, [x]^2: the effective regularisation.

    ``inf`` at m = 0; 0 at m = n without penalty.

    Examples
    --------
    >>> k = kappa(Spectrum.power_law(n=50), m=7)
    >>> l = Spectrum.power_law(n=50).variances
    >>> bool(np.isclose(np.sum(l / (l + k)), 7.0, rtol=1e-13))
    True
    """
    counts = measurement_counts(m, spectrum.n)
    measure = _Measure.of(spectrum, np.ones(spectrum.n))
    root = _solve(measure, counts.ravel().astype(np.float64), non_negative(penalty, "penalty"))
    return scalar_or_array(root.reshape(counts.shape), m)


@dataclass(frozen=True)
class _Measure:
    """The spectrum as weighted points l: all that the sums below need, compressed where n is large.

    ``l`` descends, ``count`` are the multiplicities and ``before`` their running sums from 0; ``signal`` are the
    multiplicities times t_i/l_i; ``lower`` and ``upper`` bracket kappa.
    """

    n: int
    l: FloatArray
    count: FloatArray
    before: FloatArray
    signal: FloatArray
    lower: FloatArray
    upper: FloatArray

    @classmethod
    def of(cls, spectrum: Spectrum, signal_weights: FloatArray) -> _Measure:
        n, l = spectrum.n, spectrum.variances
        count, signal = np.ones(n), signal_weights
        index = np.arange(n)
        if n > SMALL:
            nodes, count, signal = compress(2.0 * np.log(spectrum.singular_values), count, signal)
            order = np.argsort(-nodes)
            l, count, signal = np.exp(nodes[order]), count[order], signal[order]
        before = np.append(0.0, np.cumsum(count))
        # Between bins the running sum is a whole number up to rounding, and must be one where m falls into a gap.
        whole = np.rint(before)
        before = np.where(np.abs(before - whole) < 1e-6, whole, before)
        lower = np.append(spectrum.variances / (index + 1.0), 0.0)
        return cls(n=n, l=l, count=count, before=before, signal=signal, lower=lower, upper=spectrum.tail(index))


def _blocks(counts: int, width: int) -> list[slice]:
    """Slices over m that keep the (m, nodes) tables near 8 MB."""
    step = max(1, 1_000_000 // max(width, 1))
    return [slice(i, i + step) for i in range(0, counts, step)]


def _solve(measure: _Measure, m: FloatArray, gamma: float) -> FloatArray:
    """Root kappa for each m (float), by bracketed Newton steps in log kappa."""
    out = np.full(m.size, np.inf)
    out[(m == measure.n) & (gamma == 0)] = 0.0
    todo = np.flatnonzero((m > 0) & ((m < measure.n) | (gamma > 0)))
    for block in _blocks(todo.size, measure.l.size):
        which = todo[block]
        out[which] = _newton(measure, m[which], gamma)
    return out


def _newton(measure: _Measure, m: FloatArray, gamma: float) -> FloatArray:
    index = m.astype(np.int64)
    # l_{m+1}/(m+1) <= kappa, gamma/m <= kappa, and kappa <= (tail(k) + gamma)/(m - k) at k = m - 1 and at k = 0.
    low = np.maximum(measure.lower[index], gamma / m) * (1 - 1e-9)
    high = np.minimum(measure.upper[index - 1] + gamma, (measure.upper[0] + gamma) / m) * (1 + 1e-9)
    root: FloatArray = high.copy()
    split = np.abs(measure.before - m[:, None]).argmin(axis=1)
    offset = measure.before[split] - m
    above = np.arange(measure.l.size) < split[:, None]
    for _ in range(_NEWTON_STEPS):
        kept, lost = _filters(measure.l, root)
        pull = gamma / root
        # sum l/(l+kappa) - m with the terms near 1 taken as 1 - kappa/(l+kappa): at the root two positive sums balance.
        value = np.where(above, -lost, kept) @ measure.count + offset + pull
        slope = (kept * lost) @ measure.count + pull
        low, high = np.where(value > 0, root, low), np.where(value > 0, high, root)
        step = value / slope
        # kappa moves by a factor, so that it keeps all its digits however far from 1 it lies.
        new = root * np.exp(np.clip(step, -700.0, 700.0))
        new = np.where((new > low) & (new < high), new, np.sqrt(low) * np.sqrt(high))
        moved = np.abs(new / root - 1)
        root = np.asarray(new)
        if np.all(moved <= 4e-16):
            break
    return root


def _filters(variances: FloatArray, root: FloatArray) -> tuple[FloatArray, FloatArray]:
    """``l/(l + kappa)`` and ``kappa/(l + kappa)``, each of shape (len(kappa), len(l)) and accurate relative to itself."""
    total = variances + root[:, None]
    kept: FloatArray = variances / total
    lost: FloatArray = root[:, None] / total
    return kept, lost


def _risk(measure: _Measure, m: IntArray, root: FloatArray, gamma: float, s2: float, energy: float) -> FloatArray:
    risk = np.where(m == 0, energy, np.inf if s2 > 0 else 0.0)  # the values at kappa = inf and at kappa = 0
    inner = np.flatnonzero((root > 0) & np.isfinite(root))
    root, m = root[inner], m[inner]
    kept, lost = _filters(measure.l, root)
    # kappa**2 t/(l + kappa)**2 = kappa * (t/l) * kept * lost: no square that could overflow.
    bias = root * ((kept * lost) @ measure.signal)
    slack = (kept * lost) @ measure.count + gamma / root
    with np.errstate(over="ignore"):  # beyond float64 the risk is inf
        risk[inner] = (bias * m + s2 * ((kept * kept) @ measure.count)) / slack
    return risk
