r"""Deterministic equivalents: the sharp prediction of the risk, with no simulation.

With kappa the positive root of ``m = sum_i l_i/(l_i + kappa) + gamma/kappa`` and ``df2 = sum_i l_i**2/(l_i + kappa)**2``,
the risk of the penalised estimator under Gaussian measurements is, up to relative errors of order 1/n,

    [ kappa**2 sum_i t_i/(l_i + kappa)**2 + s**2 df2/m ] / (1 - df2/m),

t_i the variances of the signal in the model's eigenbasis (t = l: the model is right), s the noise. With gamma = s = 0
it is ``m kappa``; with gamma = s**2 and t = l it is ``sum_i l_i kappa/(l_i + kappa)``.

Kind: asymptotic (an equality in the limit, no bound at finite n). Sources: Derezinski, Liang, Liao & Mahoney (NeurIPS
2020); Hastie, Montanari, Rosset & Tibshirani (2022); Cheng & Montanari, "Dimension free ridge regression".

Nothing cancels at any conditioning: ``1 - df2/m`` is evaluated as ``(sum_i l_i kappa/(l_i+kappa)**2 + gamma/kappa)/m``,
and :mod:`linflow.risk.fixed_point` finds kappa and certifies it.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from linflow.checks import (
    Count,
    Counts,
    FloatArray,
    IntArray,
    finite_array,
    measurement_counts,
    noise_level,
    non_negative,
    scalar_or_array,
    vanishing,
)
from linflow.errors import InputError, ShapeError
from linflow.risk.fixed_point import Measure, filters, solve
from linflow.spectrum import Spectrum, ordered, spectrum_of


@overload
def equivalent(
    spectrum: Spectrum | ArrayLike,
    m: Count,
    *,
    noise_std: float = ...,
    penalty: float = ...,
    signal_variances: ArrayLike | None = ...,
) -> float: ...
@overload
def equivalent(
    spectrum: Spectrum | ArrayLike,
    m: Counts,
    *,
    noise_std: float = ...,
    penalty: float = ...,
    signal_variances: ArrayLike | None = ...,
) -> FloatArray: ...
def equivalent(
    spectrum: Spectrum | ArrayLike,
    m: Count | Counts,
    *,
    noise_std: float = 0.0,
    penalty: float = 0.0,
    signal_variances: ArrayLike | None = None,
) -> float | FloatArray:
    r"""Deterministic equivalent of the risk of the penalised estimator.

    Parameters
    ----------
    spectrum : Spectrum, or (n,) array of singular values in any order, [x]
    m : int or array of ints in 0..n; with a penalty also more than n.
    noise_std : standard deviation s of the noise on each measurement, [y]; 0, or in 1e-150..1e150.
    penalty : gamma in ``|A G z - y|^2 + gamma |z|^2``; 0 is the MLE, ``noise_std**2`` the posterior mean.
    signal_variances : (n,) array, [x]^2, optional
        Variances t_i of the signal along the model's eigenvectors, in the order of the singular values (of a Spectrum
        the descending one); for signals from another law than the model's. Default: the model's own.

    Returns
    -------
    float (scalar m) or array, [x]^2. ``inf`` at m = n with noise and no penalty, where the risk has no mean.

    Raises
    ------
    InputError, ShapeError
        m outside its range, a negative level, variances that are negative or not n.
    NotConvergedError
        kappa lies where float64 does not hold it (a penalty of 1e308, say).

    Examples
    --------
    For a flat spectrum the noiseless equivalent is exact:

    >>> bool(np.isclose(equivalent(Spectrum.flat(10), m=4), 6.0))
    True
    """
    spectrum, order = ordered(spectrum)
    s, gamma = noise_level(noise_std), non_negative(penalty, "penalty")
    counts = measurement_counts(m, spectrum.n if gamma == 0 else None)
    if signal_variances is None:
        t = spectrum.variances
    else:
        t = finite_array(signal_variances, "signal_variances")
        if t.shape != (spectrum.n,):
            raise ShapeError(f"signal_variances must have shape ({spectrum.n},), one for each eigenvector, got {t.shape}")
        if t.size and t.min() < 0:
            raise InputError(f"signal_variances must be >= 0, got {t.min():g}")
        t = t if order is None else t[order]
    measure = Measure.of(spectrum, t)
    root = solve(measure, counts.ravel(), gamma)
    risk = np.empty(root.size)
    with vanishing():
        for block in measure.blocks(root.size):
            risk[block] = _risk(measure, counts.ravel()[block], root[block], gamma, s, float(t.sum()))
    return scalar_or_array(risk.reshape(counts.shape), m)


@overload
def kappa(spectrum: Spectrum | ArrayLike, m: Count, *, penalty: float = ...) -> float: ...
@overload
def kappa(spectrum: Spectrum | ArrayLike, m: Counts, *, penalty: float = ...) -> FloatArray: ...
def kappa(spectrum: Spectrum | ArrayLike, m: Count | Counts, *, penalty: float = 0.0) -> float | FloatArray:
    r"""The positive root of ``m = sum_i l_i/(l_i + kappa) + penalty/kappa``, [x]^2: the effective regularisation.

    ``inf`` at m = 0; 0 at m = n without penalty. With a penalty m may exceed n. A root that cannot be certified is a
    :class:`~linflow.errors.NotConvergedError`.

    Examples
    --------
    >>> k = kappa(Spectrum.power_law(n=50), m=7)
    >>> l = Spectrum.power_law(n=50).variances
    >>> bool(np.isclose(np.sum(l / (l + k)), 7.0, rtol=1e-13))
    True

    Two values far apart, and one measurement, leave their geometric mean:

    >>> bool(np.isclose(kappa(Spectrum([1e50, 1e-50]), m=1), 1.0, rtol=1e-13))
    True
    """
    spectrum = spectrum_of(spectrum)
    gamma = non_negative(penalty, "penalty")
    counts = measurement_counts(m, spectrum.n if gamma == 0 else None)
    root = solve(Measure.of(spectrum, spectrum.variances), counts.ravel(), gamma)
    return scalar_or_array(root.reshape(counts.shape), m)


def _risk(measure: Measure, m: IntArray, root: FloatArray, gamma: float, s: float, energy: float) -> FloatArray:
    risk = np.where(m == 0, energy, np.inf if s > 0 else 0.0)  # the values at kappa = inf and at kappa = 0
    inner = np.flatnonzero((root > 0) & np.isfinite(root))
    root, m = root[inner], m[inner]
    kept, lost = filters(measure.l, root)
    slack = (kept * lost) @ measure.count + gamma / root
    # t (kappa/(l + kappa))**2 and (s l/(l + kappa))**2, one factor after the other: a square alone may underflow where
    # its product with t or s matters.
    bias = np.sum(measure.signal * lost * lost, axis=1)
    noise = (s * kept) ** 2 @ measure.count
    with np.errstate(over="ignore"):  # beyond float64 the risk is inf
        risk[inner] = (bias + noise / m) * (m / slack)
    return risk
