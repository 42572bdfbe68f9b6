"""Error curves of small draws by LAPACK's own drivers: complex measurements, and spectra whose squares float64 cannot hold.

Where neither panels pay nor lanes hold: one call for the reflectors of a draw, one for its Q.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from linflow.checks import FloatArray


def factored_in_place(M: NDArray[Any]) -> NDArray[Any]:
    """Reflectors of unit heads below the diagonal of each ``M[t].T``, R above; their factors tau, (draws, m)."""
    m = M.shape[1]
    geqrf = lapack.zgeqrf if np.iscomplexobj(M) else lapack.dgeqrf
    # A draw is row-major (m, n): its transpose is the column-major n x m matrix Sigma A^T that LAPACK factors in place.
    return np.array([geqrf(draw.T, lwork=64 * m, overwrite_a=1)[1] for draw in M])


def curves_by_reflectors(sigma: FloatArray, factored: NDArray[Any], tau: NDArray[Any]) -> FloatArray:
    """Error curves (draws, m + 1), on the scale of sigma, from what :func:`factored_in_place` left."""
    draws, m, n = factored.shape
    orgqr = lapack.zungqr if np.iscomplexobj(factored) else lapack.dorgqr
    curves = np.zeros((draws, m + 1))
    Q_rows = factored.copy()
    for draw, factors in zip(Q_rows, tau, strict=True):
        orgqr(draw.T, factors, lwork=64 * m, overwrite_a=1)
    if m < n:
        curves[:, m] = _remainders(sigma, Q_rows, factored, tau)
    weighted = np.multiply(Q_rows, sigma, out=Q_rows)
    gains = np.einsum("tij,tij->ti", weighted.real, weighted.real)
    if np.iscomplexobj(weighted):
        gains = gains + np.einsum("tij,tij->ti", weighted.imag, weighted.imag)
    curves[:, :m] = gains[:, ::-1].cumsum(axis=1)[:, ::-1] + curves[:, m:]
    return curves


def _remainders(sigma: FloatArray, Q_rows: NDArray[Any], factored: NDArray[Any], tau: NDArray[Any]) -> FloatArray:
    """``|| Sigma (I - Q Q^T) ||_F^2`` with every term accurate relative to itself; Q_rows holds the Q^T, (draws, m, n)."""
    _, m, n = Q_rows.shape
    is_complex = np.iscomplexobj(Q_rows)
    captured = np.einsum("tij,tij->tj", Q_rows.real, Q_rows.real)
    if is_complex:
        captured = captured + np.einsum("tij,tij->tj", Q_rows.imag, Q_rows.imag)
    left = sigma**2 * (1.0 - captured)
    # A coordinate that the measurements caught almost whole (at most 4m/3 of them) would lose its digits in 1 - captured:
    # its residual is read off the last n - m entries of Q_full^T e_i, to which the reflectors give relative accuracy.
    multiply, transpose = (lapack.zunmqr, "C") if is_complex else (lapack.dormqr, "T")
    for t in range(len(factored)):
        caught = np.flatnonzero(captured[t] > 0.75)
        width = max(1, min(caught.size, 4_000_000 // n))
        for start in range(0, caught.size, width):
            columns = caught[start : start + width]
            unit = np.zeros((n, columns.size), dtype=factored.dtype, order="F")
            unit[columns, np.arange(columns.size)] = 1.0
            rotated, _, _ = multiply("L", transpose, factored[t].T, tau[t], unit, 64 * columns.size, overwrite_c=1)
            # The scale goes in before the square: the entries reach down to sigma_n/sigma_1, their squares may not.
            left[t, columns] = np.sum(np.abs(rotated[m:] * sigma[columns]) ** 2, axis=0)
    remainder: FloatArray = np.sum(left[:, ::-1], axis=1)
    return remainder
