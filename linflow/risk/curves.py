"""Error curves of draws of A in memory, and the rows that depend on earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from linflow.checks import FloatArray
from linflow.risk.extended import extended_curves, has_gap, has_grown, is_steep


def curves_of(sigma: FloatArray, A: NDArray[Any]) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Error curves of (draws, m, n) measurements, and the rows found to depend on earlier ones, (draws, m).

    The curve of a draw is meaningless after its first dependent row.
    """
    draws, m, n = A.shape
    # Centred on the geometric middle by a power of two, so that squares neither overflow nor vanish.
    middle = int(np.rint(0.5 * (np.log2(sigma[0]) + np.log2(sigma[-1]))))
    scaled = np.ldexp(sigma, -middle)
    curves = np.zeros((draws, m + 1))
    if m == 0:
        curves[:, 0] = np.sum(scaled[::-1] ** 2)
        return np.ldexp(curves, 2 * middle), np.zeros((draws, 0), dtype=bool)
    A, is_complex = _unit_rows(A), np.iscomplexobj(A)
    M = A * scaled
    geqrf, orgqr = (lapack.zgeqrf, lapack.zungqr) if is_complex else (lapack.dgeqrf, lapack.dorgqr)
    sizes = np.linalg.norm(M, axis=2)
    # A draw is row-major (m, n): its transpose is the column-major n x m matrix Sigma A^T that LAPACK factors in place.
    tau = np.array([geqrf(draw.T, lwork=64 * m, overwrite_a=1)[1] for draw in M])
    # Legitimate pivots shrink with sigma_j; one that is zero up to the rounding of its own row is a dependent row.
    pivots = np.abs(np.diagonal(M, axis1=1, axis2=2))
    # A row that sees small directions only is small from the start.
    scale = np.minimum(scaled[:m] * np.linalg.norm(A, axis=2), sizes)
    dependent = pivots <= 32 * n * np.finfo(float).eps * scale
    wide = ~dependent.any(axis=1)
    if not is_steep(sigma):
        wide &= has_gap(sigma) and np.array([has_grown(scaled, draw.T) for draw in M])
    left = np.flatnonzero(~wide)
    curves[left] = np.ldexp(_by_reflectors(scaled, M, tau, left, orgqr), 2 * middle)
    if wide.any():
        curves[wide] = extended_curves(sigma, A[wide])
    return curves, dependent


def _unit_rows(A: NDArray[Any]) -> NDArray[Any]:
    """Each row times the power of two that brings its largest entry into 1/2..1: exact, and X_A stays the same.

    An entry loses at most 5e-324 of the row's largest. Singular values reach over 300 decades, so that this is below
    1e-23 of the row of ``A Sigma``, far below its rounding.
    """
    parts = np.ascontiguousarray(A).view(np.float64)  # real and imaginary parts side by side
    _, exponents = np.frexp(np.abs(parts).max(axis=-1, initial=0.0))
    scaled: NDArray[Any] = np.ldexp(parts, -exponents[..., None]).view(A.dtype)
    return scaled


def _by_reflectors(
    sigma: FloatArray, factored: NDArray[Any], tau: NDArray[Any], chosen: NDArray[np.int64], orgqr: Callable[..., Any]
) -> FloatArray:
    """Error curves of the chosen draws from the reflectors of LAPACK's QR: ``factored[t].T`` and ``tau[t]``."""
    _, m, n = factored.shape
    curves = np.zeros((len(chosen), m + 1))
    Q_rows = factored[chosen]
    for draw, row in zip(Q_rows, chosen, strict=True):
        orgqr(draw.T, tau[row], lwork=64 * m, overwrite_a=1)
    if m < n:
        curves[:, m] = _remainders(sigma, Q_rows, factored, tau, chosen)
    weighted = np.multiply(Q_rows, sigma, out=Q_rows)
    gains = np.einsum("tij,tij->ti", weighted.real, weighted.real)
    if np.iscomplexobj(weighted):
        gains = gains + np.einsum("tij,tij->ti", weighted.imag, weighted.imag)
    curves[:, :m] = gains[:, ::-1].cumsum(axis=1)[:, ::-1] + curves[:, m:]
    return curves


def _remainders(
    sigma: FloatArray, Q_rows: NDArray[Any], factored: NDArray[Any], tau: NDArray[Any], chosen: NDArray[np.int64]
) -> FloatArray:
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
    for place, row in enumerate(chosen):
        caught = np.flatnonzero(captured[place] > 0.75)
        width = max(1, min(caught.size, 4_000_000 // n))
        for start in range(0, caught.size, width):
            columns = caught[start : start + width]
            unit = np.zeros((n, columns.size), dtype=factored.dtype, order="F")
            unit[columns, np.arange(columns.size)] = 1.0
            rotated, _, _ = multiply("L", transpose, factored[row].T, tau[row], unit, 64 * columns.size, overwrite_c=1)
            # The scale goes in before the square: the entries reach down to sigma_n/sigma_1, their squares may not.
            left[place, columns] = np.sum(np.abs(rotated[m:] * sigma[columns]) ** 2, axis=0)
    remainder: FloatArray = np.sum(left[:, ::-1], axis=1)
    return remainder
