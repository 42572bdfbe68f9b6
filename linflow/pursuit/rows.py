"""The measurements of a stack of matrices in units of their own, with an orthonormal basis of each row space.

``A x = y`` is the same set of signals whatever multiple of a measurement is written down, so every row is first brought to
size 1 by a power of two, which rounds nothing. Then ``A = R^T Q`` with orthonormal rows Q, and the problem is
``Q x = c = R^{-T} y``: all its numbers are of one size, whatever A was, which is what the absolute tolerances of solvers
ask for.

The QR is that of A^T with its rows (the columns of A) sorted by size and its columns pivoted: it is then backward stable
row by row (Cox & Higham 1998), so that columns of A of very different size are each right relative to themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from linflow.checks import FloatArray
from linflow.errors import InputError, RankError

#: Part of a row that is new, relative to the size of the products that it is the sum of, below which it is rounding.
_DEPENDENT = 1e-11


@dataclass(frozen=True)
class Rows:
    """``2**-exponents A = unit`` and ``unit[pivots] = R^T Q`` for each matrix of a stack.

    Parameters
    ----------
    unit : (D, m, n), rows of size 1.
    exponents : (D, m)
    Q : (D, m, n), orthonormal rows.
    R : (D, m, m), upper triangular.
    pivots : (D, m)
    """

    unit: FloatArray
    exponents: NDArray[np.int64]
    Q: FloatArray
    R: FloatArray
    pivots: NDArray[np.int64]

    @classmethod
    def of(cls, A: FloatArray) -> Rows:
        """Rows of A, (D, m, n); RankError if they are dependent."""
        D, m, n = A.shape
        exponents = np.frexp(np.abs(A).max(axis=2, initial=0.0))[1].astype(np.int64)
        unit = np.ldexp(A, -exponents[:, :, None])
        Q, R, pivots = np.empty((D, m, n)), np.empty((D, m, m)), np.empty((D, m), dtype=np.int64)
        for index, rows in enumerate(unit):
            order = np.argsort(-np.abs(rows).max(axis=0, initial=0.0), kind="stable")
            q, R[index], pivots[index] = scipy.linalg.qr(rows[:, order].T, mode="economic", pivoting=True)
            Q[index][:, order] = q.T
        found = cls(unit, exponents, Q, R, pivots)
        found._check_rank()
        return found

    @property
    def condition(self) -> FloatArray:
        """Condition numbers of the rows in their own units, (D,)."""
        return np.asarray(np.linalg.cond(self.R))

    def measured(self, Y: FloatArray) -> Measured:
        """Measurements Y, (D, m, K), in the units of the rows; InputError if no float64 can hold a solution."""
        size = np.frexp(Y)[1] - self.exponents[:, :, None]
        power = np.where(Y != 0, size, np.iinfo(np.int64).min).max(axis=1, keepdims=True)
        power = np.where(np.any(Y != 0, axis=1, keepdims=True), power, 0)
        y = np.ldexp(Y, -self.exponents[:, :, None] - power)
        c = self.coordinates(y)
        if not np.isfinite(c).all():
            raise InputError("the columns of A differ by more than float64 can hold: rescale them, and x with them")
        # x is of the size of c, which is that of y only if the rows are far from dependent.
        more = np.frexp(np.abs(c).max(axis=1, keepdims=True))[1]
        return Measured(np.ldexp(y, -more), np.ldexp(c, -more), power + more)

    def coordinates(self, y: FloatArray) -> FloatArray:
        """C with ``Q^T c`` the least-squares solution of ``unit x = y``, (D, m, K)."""
        c = np.empty_like(y)
        for index in range(len(y)):
            c[index] = self.coordinates_of(index, y[index])
        return c

    def coordinates_of(self, index: int, y: FloatArray) -> FloatArray:
        """As `coordinates`, for one matrix: y (m,) or (m, K)."""
        with np.errstate(over="ignore"):
            c: FloatArray = scipy.linalg.solve_triangular(
                self.R[index], y[self.pivots[index]], trans="T", check_finite=False
            )
        return c

    def multipliers(self, index: int, coefficients: FloatArray) -> FloatArray:
        """V, (m,), with ``unit^T v = Q^T coefficients``."""
        v = np.empty_like(coefficients)
        v[self.pivots[index]] = scipy.linalg.solve_triangular(self.R[index], coefficients, check_finite=False)
        return v

    def _check_rank(self) -> None:
        for index, (rows, Q, R, pivots) in enumerate(zip(self.unit, self.Q, self.R, self.pivots, strict=True)):
            # What is new in a row is q . row; where the products of that sum cancel, only rounding is left of it.
            products = np.sum(np.abs(Q) * np.abs(rows[pivots]), axis=1)
            bad = np.flatnonzero(np.abs(np.diagonal(R)) <= _DEPENDENT * products)
            if bad.size:
                place = int(bad[0])
                weights = scipy.linalg.solve_triangular(R[:place, :place], R[:place, place]) if place else np.zeros(0)
                involved = [int(pivots[place]), *pivots[:place][np.abs(weights) > 1e-6]]
                raise RankError(
                    f"row {max(involved)} of A (matrix {index} of the batch) is, to rounding, zero or a linear combination "
                    "of the rows before it: drop that measurement"
                )


@dataclass(frozen=True)
class Measured:
    """Measurements in the units of the rows: ``unit x = y`` and ``Q x = c`` for ``x = 2**-power x_hat``.

    Parameters
    ----------
    y, c : (D, m, K)
    power : (D, 1, K)
    """

    y: FloatArray
    c: FloatArray
    power: NDArray[np.int64]
