r"""The error curve of one draw in extended precision, for spectra so steep that double precision loses digits.

Householder reflections of sorted rows are backward stable row by row, but the error of X_A(m) also carries the condition
number of the leading m x m minors of A, about twice over. Under a smooth spectrum X_A hardly feels those minors. Under a
steep one (``sigma_i = 10**(-5 i)``) every draw with an unlucky minor loses three to six digits: in double precision 7 %
of the draws at n = 16 miss a relative 1e-12. A long one need not fall as fast: with ``sigma_i = 2**-i`` at n = 200 nearly
every draw does. The same reflections in the platform's extended precision (64 bits of mantissa on x86, 113 on most other
Linux machines) keep it. On platforms whose ``long double`` is a double this changes nothing.

Extended precision costs some fifty times as much. Spectra of a few steep steps are short (float64 holds some 300 decades),
and long ones that fall by moderate steps all the way get it up to n = 256, where double precision was seen to lose six
digits. Beyond that a curve is the exact one of an A whose entries differ from the given ones in their last bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FloatArray

#: A spectrum is steep when this many neighbours fall by this factor, and each draw is then taken in extended precision.
_STEEP_GAPS, _STEEP_FACTOR = 3, 5.0
#: So is one of this many scales or more, up to this n.
_STEEP_SCALES, _AFFORDABLE = 40.0, 256
#: Where values two apart fall by this factor somewhere, single draws may need it: those whose rows grow by `GROWTH`.
_GAP, GROWTH = 10.0, 300.0


def is_steep(sigma: FloatArray) -> bool:
    """Whether every draw under this spectrum is to be taken in extended precision."""
    if int(np.sum(sigma[:-1] >= _STEEP_FACTOR * sigma[1:])) >= _STEEP_GAPS:
        return True
    return sigma.size <= _AFFORDABLE and _scales(sigma) >= _STEEP_SCALES


def _scales(sigma: FloatArray) -> float:
    """``sum_m sigma_m^2 / sum_{j >= m} sigma_j^2``: on how many scales a spectrum lives, each felt apart from what follows.

    About log n for flat spectra, power laws and steps; a fixed share of n for a geometric one.

    >>> round(_scales(np.ones(100)), 1), round(_scales(2.0 ** -np.arange(100.0)), 1)
    (5.2, 75.3)
    """
    # Relative to the first, in pieces: a square may vanish only beside one that is beyond comparison larger.
    ratios, tail = np.append(sigma[1:] / sigma[:-1], 0.0) ** 2, 0.0
    total = 0.0
    for ratio in ratios[::-1]:
        tail = 1.0 + ratio * tail  # of the values from here on, in units of the first of them
        total += 1.0 / tail
    return float(total)


def has_gap(sigma: FloatArray) -> bool:
    """Whether single draws under this spectrum can need extended precision."""
    return bool(np.any(sigma[:-2] >= _GAP * sigma[2:])) if sigma.size > 2 else False


def growth(sigma: FloatArray, reflectors: NDArray[Any], scales: FloatArray) -> FloatArray:
    """By how much rows grew during a factorisation; beyond `GROWTH`, digits were lost.

    Parameters
    ----------
    sigma : (n,) array, descending.
    reflectors : (..., m, n) array, row k the k-th reflector; what comes before its k-th entry is not read.
    scales : (..., m) array: the size of each pivot where the reflectors have unit heads, over the head where not.

    Returns
    -------
    growth : (...) array.
    """
    largest = np.zeros(scales.shape[:-1])
    for k in range(scales.shape[-1]):  # row by row: the reflectors can be large
        below = np.abs(reflectors[..., k, k + 1 :]) / sigma[k + 1 :]
        np.maximum(largest, below.max(axis=-1, initial=0.0) * scales[..., k], out=largest)
    return largest


def extended_curves(sigma: FloatArray, A: NDArray[Any]) -> FloatArray:
    """X_A(m), m = 0..m_max, by Householder reflections in extended precision.

    Parameters
    ----------
    sigma : (n,) array, descending.
    A : (draws, m_max, n) array, columns in the order of `sigma`.

    Returns
    -------
    curves : (draws, m_max + 1) float64 array.
    """
    draws, m, n = A.shape
    wide = np.clongdouble if np.iscomplexobj(A) else np.longdouble
    M = (A.astype(wide) * sigma).swapaxes(1, 2).copy()
    reflectors: list[tuple[NDArray[Any], Any]] = []
    for j in range(m):
        v = M[:, j:, j].copy()
        norm = np.sqrt(np.sum(np.abs(v) ** 2, axis=1))
        first = np.where(v[:, 0] != 0, v[:, 0], wide(1))
        v[:, 0] += first / np.abs(first) * norm
        v /= v[:, :1].copy()
        factor = 2 / np.sum(np.abs(v) ** 2, axis=1)
        reflectors.append((v, factor[:, None] * v))
        _reflect(M[:, j:, j:], *reflectors[j])
    # All n columns: the last n - m span what the measurements missed, and give the remainder without a subtraction.
    Q = np.tile(np.eye(n, dtype=wide), (draws, 1, 1))
    for j in range(m - 1, -1, -1):
        _reflect(Q[:, j:, j:], *reflectors[j])
    gains = np.sum(np.abs(sigma[:, None] * Q) ** 2, axis=1)
    errors = np.append(np.cumsum(gains[:, ::-1], axis=1)[:, ::-1], np.zeros((draws, 1)), axis=1)
    return errors[:, : m + 1].astype(np.float64)


def _reflect(M: NDArray[Any], v: NDArray[Any], scaled: NDArray[Any]) -> None:
    """``M -= scaled v^* M`` for each draw, in place."""
    M -= scaled[:, :, None] * (v.conj()[:, None, :] @ M)
