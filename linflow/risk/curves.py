"""Error curves of draws of A in memory, and the rows that depend on earlier ones: which road a draw takes.

Small real draws go along lanes (:mod:`linflow.risk.lanes`), small complex ones through the drivers of LAPACK
(:mod:`linflow.risk.drivers`), large ones panel by panel (:mod:`linflow.risk.blocked`), and those that lose digits in double
precision through :mod:`linflow.risk.extended`. The road depends on n, on the spectrum and on the draw itself, never on the
other draws nor on whether there is a compiler. Where a device was asked for, it takes all but the last
(:mod:`linflow.risk.device`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FloatArray
from linflow.risk import lanes
from linflow.risk.blocked import Factored
from linflow.risk.device import Device
from linflow.risk.drivers import curves_by_reflectors, factored_in_place
from linflow.risk.extended import GROWTH, extended_curves, growth, has_gap, is_steep
from linflow.risk.room import Room
from linflow.risk.rows import squares, unit_rows

#: Up to this n a draw is small. (Compiled lanes are faster than panels up to 250; without a compiler they are the slower.)
_SHORT = 128
#: Lanes are for spectra of a smaller spread than this, whose squares neither overflow nor vanish: 240 decades.
_SPREAD = 2.0**800
#: Draws of fewer entries than this are not shared among threads.
_LARGE = 2**20


@dataclass(frozen=True)
class _Found:
    """What a road says of each draw: sizes of rows and pivots (draws, m), growth (draws,), curves (draws, m + 1)."""

    lengths: FloatArray
    sizes: FloatArray
    pivots: FloatArray
    grown: FloatArray
    curves: FloatArray


def centred(sigma: FloatArray) -> tuple[FloatArray, int]:
    """Singular values with their geometric middle brought to 1 by a power of two, whose exponent comes second.

    Squares of what is centred neither overflow nor vanish.

    >>> centred(np.array([2.0**40, 2.0**20]))
    (array([1.024000e+03, 9.765625e-04]), 30)
    """
    middle = int(np.rint(0.5 * (np.log2(sigma[0]) + np.log2(sigma[-1]))))
    return np.ldexp(sigma, -middle), middle


@np.errstate(under="ignore")  # what is too small for float64 is nothing, whatever the caller has told NumPy to make of it
def curves_of(
    sigma: FloatArray, A: NDArray[Any], *, threads: int = 1, room: Room | None = None, on: Device | None = None
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Error curves of (draws, m, n) measurements, and the rows found to depend on earlier ones, (draws, m).

    The curve of a draw is meaningless after its first dependent row. Several threads share a draw where it is large; what
    comes out does not depend on their number. A caller of many draws keeps the room for them. `on` is the device that
    factors, made for sigma centred.
    """
    draws, m, n = A.shape
    scaled, middle = centred(sigma)
    if m == 0 or draws == 0:
        total = np.ldexp(np.sum(scaled[::-1] ** 2), 2 * middle)
        return np.full((draws, m + 1), total), np.zeros((draws, m), dtype=bool)
    steep = is_steep(sigma)
    watched = has_gap(sigma) and not steep
    if on is not None and not steep:
        found = _by_device(on, A, watched)
    elif n > _SHORT:
        found = _by_blocks(scaled, A, watched, threads, Room() if room is None else room)
    else:
        in_lanes = not np.iscomplexobj(A) and scaled[0] <= _SPREAD * scaled[-1]
        found = (_by_lanes if in_lanes else _by_drivers)(scaled, A, watched)
    # A row that sees small directions only is small from the start.
    scale = np.minimum(scaled[:m] * found.lengths, found.sizes)
    # Legitimate pivots shrink with sigma_j; one that is zero up to the rounding of its own row is a dependent row.
    dependent = found.pivots <= 32 * n * np.finfo(float).eps * scale
    curves = np.ldexp(found.curves, 2 * middle)
    if steep or watched:
        wide = ~dependent.any(axis=1) & (steep | (found.grown > GROWTH))
        if wide.any():
            curves[wide] = extended_curves(sigma, unit_rows(A[wide]))
    return curves, dependent


def _by_lanes(sigma: FloatArray, A: NDArray[Any], watched: bool) -> _Found:
    """All draws together; the growth of their rows where it is watched."""
    m = A.shape[1]
    found = lanes.tails(sigma, A, reflectors=watched)
    grown = np.zeros(len(A))
    if found.reflectors is not None:
        heads = np.abs(np.diagonal(found.reflectors, axis1=1, axis2=2))
        unit = np.divide(found.pivots, heads, out=np.zeros_like(heads), where=heads > 0)
        grown = growth(sigma, found.reflectors, unit)
    return _Found(found.lengths, found.sizes, found.pivots, grown, found.tails[:, : m + 1])


def _by_device(on: Device, A: NDArray[Any], watched: bool) -> _Found:
    """All draws together, somewhere else."""
    lengths, sizes, pivots, grown, gains = on(A)
    curves = np.zeros((len(A), A.shape[2] + 1))
    curves[:, :-1] = gains[:, ::-1].cumsum(axis=1)[:, ::-1]
    return _Found(lengths, sizes, pivots, grown if watched else np.zeros(len(A)), curves[:, : A.shape[1] + 1])


def _by_drivers(sigma: FloatArray, A: NDArray[Any], watched: bool) -> _Found:
    """One draw after the other, in one copy of all."""
    A = unit_rows(A)
    M = A * sigma
    lengths, sizes = np.linalg.norm(A, axis=2), np.linalg.norm(M, axis=2)
    tau = factored_in_place(M)
    pivots = np.abs(np.diagonal(M, axis1=1, axis2=2))
    grown = growth(sigma, M, pivots) if watched else np.zeros(len(A))
    return _Found(lengths, sizes, pivots, grown, curves_by_reflectors(sigma, M, tau))


def _by_blocks(sigma: FloatArray, A: NDArray[Any], watched: bool, threads: int, room: Room) -> _Found:
    """One draw after the other, each in a copy of its own."""
    draws, m, n = A.shape
    lengths, sizes, pivots = (np.empty((draws, m)) for _ in range(3))
    grown, curves = np.zeros(draws), np.empty((draws, m + 1))
    share = threads > 1 and m * n >= _LARGE
    with ThreadPoolExecutor(threads) as pool:  # which starts no thread before it is used
        for t, draw in enumerate(A):
            M = unit_rows(draw, out=room.take("M", (m, n), A.dtype))
            lengths[t] = np.sqrt(squares(M))
            M *= sigma
            sizes[t] = np.sqrt(squares(M))
            factored = Factored.of(M, pool.map if share else map, room)
            pivots[t] = factored.pivots
            if watched:
                grown[t] = growth(sigma, M, pivots[t])
            curves[t] = factored.curve(sigma)
    return _Found(lengths, sizes, pivots, grown, curves)
