r"""Error curves of many small draws at once: Householder reflections along lanes, compiled or not, bit for bit.

Below n about 200 a call of LAPACK costs more in the interpreter, in level-2 products and in copies than in arithmetic. Here
the columns of M = Sigma A^T lie side by side, and each entry of a row undergoes the same scalar operations: vectors of any
width, one draw or many at a time, and the plain C of ``lanes.c`` or numpy give the same bits. Three things make it fast:

- reflectors are kept as they come, ``H = I - v v^T / d`` with ``d = |v|^2 / 2``: no entry is divided;
- one pass over the matrix applies a reflector and sums the products with the next one, which holds for the factorisation
  (where the next column is known once it is updated) as for the accumulation of Q (where all are known);
- Q is formed with all its n columns, also for m < n. The gains of the last n - m add up to what m measurements miss, where
  ``1 - captured`` would lose its digits.

The accuracy is that of :mod:`linflow.risk.simulate`: rows sorted by scale, the sign of each reflector chosen so that the
pivot grows, sums of positive terms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linflow.checks import FloatArray
from linflow.risk import native
from linflow.risk.rows import unit_rows

#: Columns are padded to whole steps, in both twins: numpy adds a leading axis up in order where the last one is longer
#: than one, and in pairs where it is not.
_STEP = 8
#: From row to row in the compiled twin, as it says there.
_LINE = 8
#: Entries that the plain twin handles at a time: half a megabyte, so that they stay in the cache.
_TOGETHER = 2**16


@dataclass(frozen=True)
class Lanes:
    """Of `draws` measurements, m x n: what one QR factorisation of each says.

    lengths, sizes : (draws, m), of the rows of A in units of their own, and of the rows of A Sigma after that.
    pivots : (draws, m), the diagonal of R without signs.
    tails : (draws, n + 1), ``sum_{i >= j} |Sigma q_i|^2``.
    reflectors : (draws, m, n) if asked for; row k is 0 before entry k, and has any scale.
    """

    lengths: FloatArray
    sizes: FloatArray
    pivots: FloatArray
    tails: FloatArray
    reflectors: FloatArray | None


def tails(sigma: FloatArray, A: FloatArray, *, reflectors: bool = False) -> Lanes:
    """The sums of gains of (draws, m, n) real measurements, m >= 1, under n descending singular values.

    Examples
    --------
    >>> A = np.array([[[1.0, 1.0], [1.0, -1.0]]])
    >>> tails(np.array([2.0, 1.0]), A).tails  # by hand: 5, then 5 - (4 + 1/4)/(5/4) = 8/5, then 0
    array([[5. , 1.6, 0. ]])
    """
    return (plain if native.library() is None else compiled)(sigma, A, reflectors=reflectors)


def compiled(sigma: FloatArray, A: FloatArray, *, reflectors: bool = False) -> Lanes:
    """:func:`tails` by ``lanes.c``, for as long as which other threads run."""
    library = native.library()
    assert library is not None, "there is no binary"
    draws, m, n = A.shape
    A, sigma = np.ascontiguousarray(A, dtype=np.float64), np.ascontiguousarray(sigma, dtype=np.float64)
    lengths, sizes, pivots, found = (np.empty((draws, size)) for size in (m, m, m, n + 1))
    kept = np.empty((draws if reflectors else 1, m, n))
    work = np.empty((n + 4) * (n + _STEP + _LINE))
    inputs, outputs = (sigma, A), (lengths, sizes, pivots, found, kept)
    step = m * n if reflectors else 0
    library.linflow_tails(draws, m, n, *(array.ctypes.data for array in inputs + outputs), step, work.ctypes.data)
    return Lanes(lengths, sizes, pivots, found, kept if reflectors else None)


def plain(sigma: FloatArray, A: FloatArray, *, reflectors: bool = False) -> Lanes:
    """:func:`tails` by numpy, the definition of the numbers."""
    draws, m, n = A.shape
    lengths, sizes, pivots, found = (np.empty((draws, size)) for size in (m, m, m, n + 1))
    kept = np.empty((draws, m, n)) if reflectors else None
    together = max(1, _TOGETHER // (n * n))
    for start in range(0, draws, together):
        part = slice(start, start + together)
        # Row i, draw t, column j: the rows are added up in order, as a loop over them would.
        W = np.zeros((n, len(A[part]), _padded(m)))
        W[:, :, :m] = unit_rows(A[part]).transpose(2, 0, 1)
        lengths[part] = np.sqrt(np.add.reduce(W * W, axis=0)[:, :m])
        W *= sigma[:, None, None]
        sizes[part] = np.sqrt(np.add.reduce(W * W, axis=0)[:, :m])
        V, norms, divisors = _factor(W, m)
        pivots[part] = norms.T
        weighted = sigma[:, None, None] * _accumulate(V, divisors)
        gains = np.add.reduce(weighted * weighted, axis=0)[:, :n]
        found[part, n] = 0.0
        found[part, :n] = gains[:, ::-1].cumsum(axis=1)[:, ::-1]
        if kept is not None:
            kept[part] = V.transpose(2, 0, 1)
    return Lanes(lengths, sizes, pivots, found, kept)


def _padded(columns: int) -> int:
    return -(-columns // _STEP) * _STEP


def _factor(W: FloatArray, m: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Reflectors (m, n, draws), pivots and divisors (m, draws) of the columns of W (n, draws, padded m), overwritten."""
    n, draws, _ = W.shape
    V, pivots, divisors = np.zeros((m, n, draws)), np.empty((m, draws)), np.empty((m, draws))
    V[0] = W[:, :, 0]
    sums = np.add.reduce(W[1:, :, :1] * W[1:], axis=0)
    for k in range(m):
        v = V[k, k:]
        alpha = v[0].copy()
        squares = sums[:, k] + alpha * alpha
        pivots[k] = np.sqrt(squares)
        divisors[k] = squares + np.abs(alpha) * pivots[k]
        v[0] = np.where(alpha < 0.0, alpha - pivots[k], alpha + pivots[k])
        if k + 1 == m:
            break
        first = (k + 1) // _STEP * _STEP
        w = _over(sums[:, first:] + v[0][:, None] * W[k, :, first:], divisors[k])
        w[:, : k + 1 - first] = 0.0
        rest = W[k + 1 :, :, first:]
        rest -= v[1:, :, None] * w
        V[k + 1, k + 1 :] = W[k + 1 :, :, k + 1]
        # The row of the next pivot stays out of the sums.
        sums[:, first:] = np.add.reduce(V[k + 1, k + 2 :, :, None] * rest[1:], axis=0)
    return V, pivots, divisors


def _accumulate(V: FloatArray, divisors: FloatArray) -> FloatArray:
    """``Q = H_0 ... H_{m-1}``, all n columns, (n, draws, padded n)."""
    m, n, draws = V.shape
    Q = np.zeros((n, draws, _padded(n)))
    Q[np.arange(n), :, np.arange(n)] = 1.0
    sums = np.zeros((draws, _padded(n)))
    sums[:, m:n] = V[m - 1, m:].T
    for k in range(m - 1, -1, -1):
        first = k // _STEP * _STEP
        sums[:, k] = V[k, k]
        w = _over(sums[:, first:], divisors[k])
        w[:, : k - first] = 0.0
        rest = Q[k:, :, first:]
        rest -= V[k, k:, :, None] * w
        if k > 0:
            sums[:, first:] = np.add.reduce(V[k - 1, k:, :, None] * rest, axis=0)
    return Q


def _over(products: FloatArray, divisors: FloatArray) -> FloatArray:
    """Quotients, 0 for a column of zeros, which is its own reflection."""
    positive = np.broadcast_to(divisors[:, None] > 0.0, products.shape)
    quotients: FloatArray = np.divide(products, divisors[:, None], out=np.zeros_like(products), where=positive)
    return quotients
