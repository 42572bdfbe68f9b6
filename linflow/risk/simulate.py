r"""Error curves of the MLE by simulation, to full relative accuracy, from one QR factorisation a draw.

With the rows of ``M = Sigma A^T`` sorted by decreasing sigma and ``M = Q R``, the first m columns of Q span the row space
of ``A_m Sigma`` for every m at once, so

    X_A(m) = || Sigma (I - P_m) ||_F^2 = sum_{j > m} || Sigma q_j ||^2,

a reverse cumulative sum of positive terms: nothing cancels. Householder reflections of rows sorted by scale are accurate
row by row (Cox & Higham 1998), so every X_A(m) comes out to about 1e-14 of itself at any condition number, where
``pinv(A @ G)`` loses everything below 1e-16 of the largest singular value. How a draw is factored depends on its size:
:mod:`linflow.risk.curves`; which spectra need more than double precision, and what is promised for those that are too long
for it: :mod:`linflow.risk.extended`.

Kind: exact for each draw (up to rounding). Cost: 8/3 n^3 flops for all m = 0..n.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
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
from linflow.measurement import Ensemble
from linflow.risk.curves import centred, curves_of
from linflow.risk.device import Device
from linflow.risk.draws import Draws, Stack, drawn
from linflow.risk.room import Room
from linflow.spectrum import Spectrum, ordered, spectrum_of

#: Below this size threads cost more than they bring: most of the time goes into Python, one thread at a time.
_THREADED_FROM = 16
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
    everything below 1e-16 of it) but from the reflectors themselves. One array of the size of A is needed besides A.

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
            curves[part], dependent = curves_of(sigma, draws[part], threads=available_cores())
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
    device: str | None = None,
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
    m_max : stop at this m (default n); the cost then falls from 8/3 n^3 to about 4 n m_max^2 (4 n^2 m_max up to n = 128).
    workers : threads (default: all cores this process may use). The result is identical for any number.
    device : "cuda", "cuda:1", "cpu", ...: factor on this device of torch, in float64. The draws are those of the default
        (made here, while the device factors those before), and the curves agree with its curves up to rounding.

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
    one_of(field, "field", FIELDS)
    draw = None if ensemble is None else callable_of(ensemble, "ensemble", "of (m, n, rng)")
    sigma = spectrum.singular_values
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(whole_number(seed, "seed"))
    curves = np.empty((trials, rows + 1))
    draws = Draws(trials, (rows, n), field, draw, root)
    most = available_cores() if workers is None else positive_int(workers, "workers")
    threads = min(most, len(draws.starts))

    factor = partial(_enter, curves, sigma, threads=most // threads)
    rooms = threading.local()

    def run(start: int) -> None:
        room = rooms.__dict__.setdefault("room", Room())
        for stack in draws.stacks(start, room.take("A", (draws.block, rows, n), draws.dtype)):
            factor(stack, room=room)

    with _one_blas_thread(), ThreadPoolExecutor(threads) as pool:  # which starts no thread before it is used
        if device is not None:
            on = Device(device, centred(sigma)[0])
            together = max(draws.block, on.draws_together(rows, draws.dtype.itemsize))
            spaces = [on.space((min(together, trials), rows, n), field) for _ in range(2 if draw is None else 0)]
            for stack in draws.ahead(pool, together, spaces):
                factor(stack, on=on)
        elif threads == 1 or n < _THREADED_FROM:
            for start in draws.starts:
                run(start)
        else:
            for _ in pool.map(run, draws.starts):
                pass
    return curves


def ensemble_curves(spectrum: Spectrum, ensemble: Ensemble, m: int, *, size: int, rng: np.random.Generator) -> FloatArray:
    """(size, m + 1) error curves of draws of an ensemble, one after the other from one generator; as `simulate` else.

    >>> from linflow.measurement import random_rows
    >>> ensemble_curves(Spectrum.flat(3), random_rows, 2, size=2, rng=np.random.default_rng(0))
    array([[3., 2., 1.],
           [3., 2., 1.]])
    """
    curves = np.empty((size, m + 1))
    with _one_blas_thread():
        for stack in drawn(ensemble, (m, spectrum.n), np.arange(size), rng):
            _enter(curves, spectrum.singular_values, stack)
    return curves


def _enter(
    curves: FloatArray,
    sigma: FloatArray,
    stack: Stack,
    *,
    threads: int = 1,
    room: Room | None = None,
    on: Device | None = None,
) -> None:
    """Write the curves of these draws to their places; where rows depend on others, those leave the error where it was."""
    places, A = stack
    curves[places], dependent = curves_of(sigma, A, threads=threads, room=room, on=on)
    for t in np.flatnonzero(dependent.any(axis=1)) if dependent.any() else ():
        curves[places[t]] = _curve_skipping(sigma, A[t])


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


def _curve_skipping(sigma: FloatArray, A: NDArray[Any]) -> FloatArray:
    """The curve of one draw in which a dependent row leaves the error where it was."""
    [curve], [dependent] = curves_of(sigma, A[None])
    informative = np.ones(len(A), dtype=bool)
    while dependent.any():
        # After a dependent row the remaining directions are polluted: drop the first one and factor again.
        informative[np.flatnonzero(informative)[dependent.argmax()]] = False
        [curve], [dependent] = curves_of(sigma, A[None, informative])
    position: FloatArray = curve[np.append(0, np.cumsum(informative))]
    return position


@cache
def _blas() -> ThreadpoolController:
    """The BLAS libraries of this process; finding them takes milliseconds, so once."""
    return ThreadpoolController()


def _one_blas_thread() -> AbstractContextManager[Any]:
    """Parallelism is over draws; a second level inside BLAS would oversubscribe the cores and change the rounding."""
    limited: AbstractContextManager[Any] = _blas().limit(limits=1, user_api="blas")
    return limited
