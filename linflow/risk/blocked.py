r"""The error curve of one draw, real or complex, of any size, by blocked Householder reflections.

M = Sigma A^T is factored panel by panel; what lies behind a panel is reflected at once, by products of matrices (compact
WY form, ``I - V T V^H``; Schreiber & Van Loan 1989). LAPACK's own driver takes narrow panels and factors them column by
column; here they are wide and factored recursively (Elmroth & Gustavson 2000). Q then takes the place of the reflectors,
from the last panel to the first, so that one array of the size of A is all that is needed besides A.

For m < n the remainder ``|| Sigma (I - P_m) ||_F^2`` is not formed as a difference from the total, which would lose
everything below 1e-16 of it, but as ``sum_i sigma_i^2 (1 - captured_i)``, where coordinate i was captured by ``|row i of
Q|^2``. Rounding of each difference enters with sigma_i^2, and X_A(m) is never below ``sum_{i > m} sigma_i^2``: harmless
for the coordinates behind the first few, beyond which the sum of sigma_i^2 is at most `_HARMLESS` times that. Those few (at
most m) are read off the last n - m entries of ``Q_full^H e_i``, to which the reflectors give relative accuracy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FloatArray
from linflow.risk.lapack import factor_panel, product
from linflow.risk.room import Room
from linflow.risk.rows import squares

#: Columns of a panel, below and from `_LARGE` measurements on (timed; a factor of two either way costs 5 %).
_PANEL, _WIDE_PANEL, _LARGE = 64, 128, 1000
#: A difference 1 - captured is wrong by about 1e-15: by this many times as much relative to the remainder, at most.
_HARMLESS = 16.0
#: Entries handled at a time beside the matrix: a megabyte, so that they stay in the cache.
_TOGETHER = 2**17
#: Columns reflected at a time: as many as fill a product of matrices, more than a panel has.
_COLUMNS = 512

#: Runs a function of a part on each of some parts.
Spread = Callable[[Callable[[slice], None], Sequence[slice]], Iterable[None]]


@dataclass(frozen=True)
class Factored:
    """``M = Q R`` of one draw: reflectors in the rows of an array (m, n), heads of one after zeros, in panels.

    pivots : (m,), the diagonal of R without signs; nothing else of R is kept.
    """

    M: NDArray[Any]
    pivots: FloatArray
    panels: list[_Panel]
    spread: Spread
    room: Room

    @classmethod
    def of(cls, M: NDArray[Any], spread: Spread = map, room: Room | None = None) -> Factored:
        """The factorisation of ``M.T``, in place; M is an (m, n) array, 1 <= m <= n.

        `spread` may run functions at the same time, as the `map` of a pool of threads does. What they work on is fixed by
        the size of M: the numbers do not know how many threads there were.
        """
        m = len(M)
        width = min(m, _PANEL if m < _LARGE else _WIDE_PANEL)
        room = Room() if room is None else room
        products = room.take("products", (2, max(m, width) * width), M.dtype)
        pivots, panels = np.empty(m), []
        for k in range(0, m, width):
            panel = _Panel.of(M[k : k + width, k:], products)
            pivots[k : k + width] = panel.pivots
            panel.reflect(M[k + width :, k:], spread)
            panels.append(panel)
        return cls(M, pivots, panels, spread, room)

    def curve(self, sigma: FloatArray) -> FloatArray:
        """``X_A(m)``, m = 0..m_max, from the scale of sigma that M has; overwrites the factorisation with Q."""
        m, n = self.M.shape
        if m == n:
            return np.append(_tails(self._gains(sigma)), 0.0)
        tails = _tails(sigma**2)
        careful = int(np.argmax(tails <= _HARMLESS * tails[m]))
        missed = np.empty(n)
        missed[:careful] = self._missed_by_reflectors(careful, sigma)
        gains = self._gains(sigma)
        missed[careful:] = sigma[careful:] ** 2 * (1.0 - self._captured(careful))
        remainder = np.sum(missed[::-1])
        return np.append(_tails(gains) + remainder, remainder)

    def _missed_by_reflectors(self, count: int, sigma: FloatArray) -> FloatArray:
        """``sigma_i^2 |(I - P) e_i|^2`` of the first coordinates, accurate relative to itself."""
        m, n = self.M.shape
        missed = np.empty(count)
        together = min(count, max(len(self.panels[0].T), m // 16))
        for start in range(0, count, together or 1):
            columns = np.arange(start, min(start + together, count))
            units = np.zeros((columns.size, n), dtype=self.M.dtype)
            units[np.arange(columns.size), columns] = 1.0
            for panel in self.panels:
                panel.reflect(units[:, n - panel.V.shape[1] :], self.spread)
            # The scale goes in before the square: the entries reach down to sigma_n/sigma_1, their squares may not.
            units[:, m:] *= sigma[columns, None]
            missed[columns] = squares(units[:, m:])
        return missed

    def _gains(self, sigma: FloatArray) -> FloatArray:
        """``|Sigma q_j|^2``, (m,); Q takes the place of the reflectors."""
        m, n = self.M.shape
        room = self.room.take("panel", (len(self.panels[0].T), n), self.M.dtype)
        for panel in self.panels[::-1]:
            k = n - panel.V.shape[1]
            panel.unfold(self.M[k:, k:], room, self.spread)
        gains, together = np.empty(m), max(1, _TOGETHER // n)
        for start in range(0, m, together):
            part = self.M[start : start + together]
            weighted = np.multiply(part, sigma, out=self.room.take("weighted", part.shape, part.dtype))
            gains[start : start + together] = squares(weighted)
        return gains

    def _captured(self, first: int) -> FloatArray:
        """``|row i of Q|^2`` from row `first` on."""
        m, n = self.M.shape
        captured, together = np.zeros(n - first), max(1, _TOGETHER // n)
        for start in range(0, m, together):
            part = self.M[start : start + together, first:]
            captured += np.einsum("ji,ji->i", part.real, part.real)
            if np.iscomplexobj(part):
                captured += np.einsum("ji,ji->i", part.imag, part.imag)
        return captured


@dataclass(frozen=True)
class _Panel:
    """``I - V T V^H``: reflectors V in b rows of the matrix, the triangle T (b, b), and room for products with V, twice."""

    V: NDArray[Any]
    T: NDArray[Any]
    pivots: FloatArray
    room: NDArray[Any]

    @classmethod
    def of(cls, rows: NDArray[Any], room: NDArray[Any]) -> _Panel:
        """The QR of ``rows.T``, in place."""
        b = len(rows)
        T = np.zeros((b, b), dtype=rows.dtype)
        factor_panel(rows, T, room[0])
        pivots = np.abs(_diagonal(rows[:, :b]))
        corner = rows[:, :b]
        corner *= _above(b)
        _diagonal(corner)[:] = 1.0
        return cls(rows, T, pivots, room)

    def reflect(self, C: NDArray[Any], spread: Spread) -> None:
        """``C.T = Q^H C.T``, in place."""

        def work(part: slice) -> None:
            columns, (products, turned) = C[part], self._products(part)
            product(self.V, columns, products, form="CN")
            product(self.T, products, turned, form="CN")
            product(self.V, turned, columns, add=1.0, sign=-1.0)

        _run(spread, work, len(C))

    def unfold(self, C: NDArray[Any], room: NDArray[Any], spread: Spread) -> None:
        """Columns of Q in the place of C, whose first b rows are V and whose others are columns of Q of later panels.

        Those have zeros before their b-th entry until now; with the panel's own they make b columns of the identity.
        """
        b, rows = self.V.shape
        V = room[:b, :rows]
        V[...] = self.V
        C[:b, b:] = 0.0

        def work(part: slice) -> None:
            columns, (products, turned) = C[part], self._products(part)
            first = b if part.start == 0 else 0
            np.conjugate(V[:, :first].T, out=products[:first])
            if rows == b:
                products[first:] = 0.0
            product(V[:, b:], columns[first:, b:], products[first:], form="CN")
            product(self.T, products, turned)
            product(V[:, :b], turned, columns[:, :b], sign=-1.0)
            product(V[:, b:], turned, columns[:, b:], add=1.0, sign=-1.0)

        _run(spread, work, len(C))
        _diagonal(C[:b, :b])[:] += 1.0

    def _products(self, part: slice) -> tuple[NDArray[Any], NDArray[Any]]:
        """Room for the products of V with some columns, each (columns, b)."""
        b = len(self.T)
        place = slice(part.start * b, part.stop * b)
        return self.room[0, place].reshape(-1, b), self.room[1, place].reshape(-1, b)


def _run(spread: Spread, work: Callable[[slice], None], count: int) -> None:
    """Work on 0..count, a fixed number at a time."""
    parts = [slice(start, min(start + _COLUMNS, count)) for start in range(0, count, _COLUMNS)]
    for _ in spread(work, parts):
        pass


@cache
def _above(b: int) -> FloatArray:
    """Ones above the diagonal, zeros elsewhere."""
    return np.triu(np.ones((b, b)), 1)


def _diagonal(square: NDArray[Any]) -> NDArray[Any]:
    """The diagonal, writable."""
    diagonal: NDArray[Any] = np.einsum("ii->i", square)
    return diagonal


def _tails(values: FloatArray) -> FloatArray:
    """``sum_{j >= i} values_j``, the small ones first."""
    sums: FloatArray = values[::-1].cumsum()[::-1]
    return sums
