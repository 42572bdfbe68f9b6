r"""Error curves of the MLE by simulation, to full relative accuracy, from one QR factorisation a draw.

With the rows of ``M = Sigma A^T`` sorted by decreasing sigma and ``M = Q R``, the first m columns of Q span the row space
of ``A_m Sigma`` for every m at once, so

    X_A(m) = || Sigma (I - P_m) ||_F^2 = sum_{j > m} || Sigma q_j ||^2,

a reverse cumulative sum of positive terms: nothing cancels. Householder reflections of rows sorted by scale are accurate
row by row (Cox & Higham 1998), so every X_A(m) comes out to about 1e-14 of itself at any condition number, where
``pinv(A @ G)`` loses everything below 1e-16 of the largest singular value. (Draws under very steep spectra are taken in
extended precision, for the reason given in :mod:`linflow.risk.extended`.)

Kind: exact for each draw (up to rounding). Cost: 8/3 n^3 flops for all m = 0..n.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import lapack
from threadpoolctl import ThreadpoolController

from linflow.checks import (
    FIELDS,
    Count,
    Field,
    FloatArray,
    available_cores,
    callable_of,
    finite_matrix,
    measurement_count,
    one_of,
    positive_int,
    whole_number,
)
from linflow.errors import InputError, RankError, ShapeError
from linflow.measurement import Ensemble, Measurement, as_dense, is_matrix_free
from linflow.risk.extended import extended_curves, has_gap, has_grown, is_steep
from linflow.spectrum import Spectrum, ordered, spectrum_of

#: Below this size threads cost more than they bring (the interpreter lock is held between LAPACK calls).
_THREADED_FROM = 64
#: Of all curves together: 8 TiB.
_MOST_VALUES = 2**40
#: Entries of A handled at a time: a megabyte, so that they stay in the cache.
_TOGETHER = 2**17


def error_curve(spectrum: Spectrum | ArrayLike, A: ArrayLike) -> FloatArray:
    r"""X_A(m) for every m at once: the error of the MLE, averaged over signals, after the first m rows of A.

    Parameters
    ----------
    spectrum : Spectrum, or (n,) array of singular values, [x]
        An array may be in any order; column i of A belongs to entry i.
    A : (..., m_max, n) array, real or complex, m_max <= n
        Measurements in the eigenbasis of the flow (``A U`` for a flow with left singular vectors U; for Gaussian A the
        basis does not matter), one a row; leading axes are independent draws. Taken in order: the first m rows are the
        first m measurements.

    Returns
    -------
    curves : (..., m_max + 1) float64 array, [x]^2
        ``curves[..., m] = || Sigma (I - P_m) ||_F^2``, m = 0..m_max. With m_max = n the last entry is 0.

    Raises
    ------
    ShapeError, InputError
        Shapes that do not fit, entries that are not finite.
    RankError
        A row depends linearly on the rows before it, so that the estimator of that m does not exist.

    Notes
    -----
    Neither the units of A nor those of single rows matter: each row is first scaled by a power of two, which is exact, so
    that its largest entry is of size 1.

    Asim et al. (2020), theory section; equal to the residual of the randomized range finder of Halko, Martinsson &
    Tropp (2011). For m_max < n the remainder X_A(m_max) is not formed as a difference from the total (which would lose
    everything below 1e-16 of it) but from the reflectors themselves.

    Examples
    --------
    >>> A = np.array([[1.0, 1.0], [1.0, -1.0]])
    >>> error_curve([2.0, 1.0], A)  # by hand: 5, then 5 - (4 + 1/4)/(5/4) = 8/5, then 0
    array([5. , 1.6, 0. ])
    """
    sigma, A = _prepare(spectrum, A)
    *batch, m_max, n = A.shape
    draws = A.reshape(-1, m_max, n) if A.size else np.empty((int(np.prod(batch)), m_max, n))
    curves = np.empty((len(draws), m_max + 1))
    together = max(1, _TOGETHER // max(m_max * n, 1))
    with _one_blas_thread():
        for start in range(0, len(draws), together):
            part = slice(start, start + together)
            curves[part], dependent = _curves(sigma, draws[part])
            if dependent.any():
                draw, row = np.argwhere(dependent)[0]
                raise RankError(
                    f"row {row} of A depends linearly on the rows before it (in draw {start + draw}): drop that row, it "
                    "measures nothing new"
                )
    return curves.reshape(*batch, m_max + 1)


def simulate(
    spectrum: Spectrum | ArrayLike,
    *,
    trials: int,
    seed: int | np.random.SeedSequence,
    field: Field = "real",
    ensemble: Ensemble | None = None,
    m_max: Count | None = None,
    workers: int | None = None,
) -> FloatArray:
    r"""Independent error curves X_A(m) under random measurements.

    Parameters
    ----------
    spectrum : Spectrum, or (n,) array of singular values, [x]
    trials : number of independent draws of A.
    seed : int or SeedSequence; draw number t depends on (seed, t) alone, never on `trials` or `workers`.
    field : "real" or "complex" Gaussian measurements.
    ensemble : ``ensemble(m, n, rng) -> A`` instead of the Gaussian ones, A of shape (m, n): an array, a sparse matrix or an
        operator; those of :func:`linflow.measurement.ensembles` are such. Rows that depend on earlier ones
        (possible for discrete entries) leave the error where it was: ``X(m) = X(m - 1)``.
    m_max : stop at this m (default n); the cost then falls from 8/3 n^3 to about 4 n m_max^2.
    workers : threads (default: all cores this process may use). The result is identical for any number.

    Returns
    -------
    curves : (trials, m_max + 1) float64 array, [x]^2. ``curves.mean(axis=0)`` estimates E_m, m = 0..m_max.

    Examples
    --------
    >>> curves = simulate(Spectrum.flat(5), trials=3, seed=0)
    >>> np.allclose(curves, [5.0, 4.0, 3.0, 2.0, 1.0, 0.0])
    True
    """
    spectrum, trials = spectrum_of(spectrum), positive_int(trials, "trials")
    n = spectrum.n
    rows = n if m_max is None else measurement_count(m_max, n, "m_max")
    if trials * (rows + 1) > _MOST_VALUES:
        raise InputError(f"{trials} curves of {rows + 1} values fit into no memory: draw fewer trials at a time")
    draw = gaussian_rows(field)
    if ensemble is not None:
        draw = callable_of(ensemble, "ensemble", "of (m, n, rng)")
    sigma = spectrum.singular_values
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(whole_number(seed, "seed"))
    curves = np.empty((trials, rows + 1))
    block = _block_size(n)

    def run(start: int) -> None:
        # One generator a block of draws, the blocks fixed by n alone: the numbers do not know how many workers there are.
        rng = np.random.default_rng(
            np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, start // block), pool_size=root.pool_size)
        )
        drawn = []
        for _ in range(start, min(start + block, trials)):
            A = _drawn(draw(rows, n, rng))
            if A.shape != (rows, n):
                raise ShapeError(f"the ensemble must return shape ({rows}, {n}), got {A.shape}")
            drawn.append(A)
        for kind in {A.dtype for A in drawn}:  # real or complex, almost always one of them
            places = [place for place, A in enumerate(drawn) if A.dtype == kind]
            found, dependent = _curves(sigma, np.stack([drawn[place] for place in places]))
            for place, curve, rows_lost in zip(places, found, dependent, strict=True):
                curves[start + place] = _curve_skipping(sigma, drawn[place]) if rows_lost.any() else curve

    starts = range(0, trials, block)
    count = min(available_cores() if workers is None else positive_int(workers, "workers"), len(starts))
    with _one_blas_thread():
        if count == 1 or n < _THREADED_FROM:
            for start in starts:
                run(start)
        else:
            with ThreadPoolExecutor(count) as pool:
                for _ in pool.map(run, starts):
                    pass
    return curves


def gaussian_rows(field: Field) -> Ensemble:
    """The ensemble of i.i.d. standard normal entries, real or complex (E |a|^2 = 1)."""
    if one_of(field, "field", FIELDS) == "real":
        return lambda m, n, rng: rng.standard_normal((m, n))
    return lambda m, n, rng: rng.standard_normal((m, n, 2)).view(np.complex128)[..., 0] * np.sqrt(0.5)


def _drawn(A: Measurement) -> NDArray[Any]:
    """What an ensemble returned, as an array."""
    return as_dense(A) if is_matrix_free(A) else finite_matrix(A, "A of the ensemble")


def _prepare(spectrum: Spectrum | ArrayLike, A: ArrayLike) -> tuple[FloatArray, NDArray[Any]]:
    """Singular values and measurements, checked; the columns of A follow the values into descending order."""
    A = finite_matrix(A, "A")
    if A.ndim < 2:
        raise ShapeError(f"A must have shape (..., m, n), got {A.shape}")
    found, order = ordered(spectrum)
    sigma = found.singular_values
    if order is not None and A.shape[-1] == order.size:
        A = A[..., order]
    if A.shape[-1] != sigma.size:
        raise ShapeError(f"A has {A.shape[-1]} columns, the spectrum {sigma.size} singular values: they must agree")
    if A.shape[-2] > sigma.size:
        raise ShapeError(f"A has {A.shape[-2]} rows, more than n = {sigma.size}: pass at most n measurements")
    return sigma, A


def _unit_rows(A: NDArray[Any]) -> NDArray[Any]:
    """Each row times the power of two that brings its largest entry into 1/2..1: exact, and X_A stays the same.

    An entry loses at most 5e-324 of the row's largest. Singular values reach over 300 decades, so that this is below
    1e-23 of the row of ``A Sigma``, far below its rounding.
    """
    parts = np.ascontiguousarray(A).view(np.float64)  # real and imaginary parts side by side
    _, exponents = np.frexp(np.abs(parts).max(axis=-1, initial=0.0))
    scaled: NDArray[Any] = np.ldexp(parts, -exponents[..., None]).view(A.dtype)
    return scaled


def _curve_skipping(sigma: FloatArray, A: NDArray[Any]) -> FloatArray:
    """The curve of one draw in which a dependent row leaves the error where it was."""
    [curve], [dependent] = _curves(sigma, A[None])
    informative = np.ones(len(A), dtype=bool)
    while dependent.any():
        # After a dependent row the remaining directions are polluted: drop the first one and factor again.
        informative[np.flatnonzero(informative)[dependent.argmax()]] = False
        [curve], [dependent] = _curves(sigma, A[None, informative])
    position: FloatArray = curve[np.append(0, np.cumsum(informative))]
    return position


@np.errstate(under="ignore")  # what is too small for float64 is nothing, whatever the caller has told NumPy to make of it
def _curves(sigma: FloatArray, A: NDArray[Any]) -> tuple[FloatArray, NDArray[np.bool_]]:
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


def _block_size(n: int) -> int:
    """Draws that share a generator: enough to hide Python's overhead, few enough to share out among threads."""
    return int(np.clip(2**18 // max(n * n, 1), 1, 64))


@cache
def _blas() -> ThreadpoolController:
    """The BLAS libraries of this process; finding them takes milliseconds, so once."""
    return ThreadpoolController()


def _one_blas_thread() -> AbstractContextManager[Any]:
    """Parallelism is over draws; a second level inside BLAS would oversubscribe the cores and change the rounding."""
    limited: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limited
