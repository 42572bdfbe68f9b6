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

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FloatArray
from linflow.risk.lapack import factor_panel, reflect
from linflow.risk.rows import squares

#: Columns of a panel, below and from `_LARGE` measurements on (timed; a factor of two either way costs 5 %).
_PANEL, _WIDE_PANEL, _LARGE = 64, 128, 1000
#: A difference 1 - captured is wrong by about 1e-15: by this many times as much relative to the remainder, at most.
_HARMLESS = 16.0
#: Entries handled at a time beside the matrix: a megabyte, so that they stay in the cache.
_TOGETHER = 2**17


@dataclass(frozen=True)
class Factored:
    """``M = Q R`` of one draw: the reflectors in the rows of an array (m, n), R above them, and a triangle T a panel."""

    M: NDArray[Any]
    triangles: list[NDArray[Any]]
    width: int
    work: NDArray[Any]

    @classmethod
    def of(cls, M: NDArray[Any]) -> Factored:
        """The factorisation of ``M.T``, in place; M is an (m, n) array, 1 <= m <= n."""
        m = len(M)
        width = min(m, _PANEL if m < _LARGE else _WIDE_PANEL)
        found = cls(M, [], width, np.empty(width * max(m, width), dtype=M.dtype))
        for k in range(0, m, width):
            panel = M[k : k + width, k:]
            T = np.zeros((len(panel), len(panel)), dtype=M.dtype)
            factor_panel(panel, T, found.work)
            reflect(panel, T, M[k + width :, k:], found.work, adjoint=True)
            found.triangles.append(T)
        return found

    @property
    def pivots(self) -> FloatArray:
        """The diagonal of R without signs, (m,); to be read before Q takes its place."""
        pivots: FloatArray = np.abs(np.diagonal(self.M))
        return pivots

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
        together = min(count, max(self.width, m // 16))
        for start in range(0, count, together or 1):
            columns = np.arange(start, min(start + together, count))
            units = np.zeros((columns.size, n), dtype=self.M.dtype)
            units[np.arange(columns.size), columns] = 1.0
            for k, T in zip(range(0, m, self.width), self.triangles, strict=True):
                reflect(self.M[k : k + self.width, k:], T, units[:, k:], self.work, adjoint=True)
            # The scale goes in before the square: the entries reach down to sigma_n/sigma_1, their squares may not.
            units[:, m:] *= sigma[columns, None]
            missed[columns] = squares(units[:, m:])
        return missed

    def _gains(self, sigma: FloatArray) -> FloatArray:
        """``|Sigma q_j|^2``, (m,); Q takes the place of the reflectors."""
        M, width = self.M, self.width
        m, n = M.shape
        V = np.empty((width, n), dtype=M.dtype)
        for k, T in zip(range(0, m, width)[::-1], self.triangles[::-1], strict=True):
            panel = M[k : k + width, k:]
            reflectors = V[: len(panel), : n - k]
            reflectors[...] = panel
            panel[...] = np.eye(*panel.shape)
            M[k + width :, k : k + width] = 0.0  # R
            reflect(reflectors, T, M[k:, k:], self.work, adjoint=False)
        gains, together = np.empty(m), max(1, _TOGETHER // n)
        for start in range(0, m, together):
            gains[start : start + together] = squares(M[start : start + together] * sigma)
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


def _tails(values: FloatArray) -> FloatArray:
    """``sum_{j >= i} values_j``, the small ones first."""
    sums: FloatArray = values[::-1].cumsum()[::-1]
    return sums
