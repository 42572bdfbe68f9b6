"""Linear algebra that stays accurate when rows or columns differ in size by hundreds of orders of magnitude.

Householder QR of rows sorted by size, with pivoted columns, is backward stable row by row (Cox & Higham, "Stability of
Householder QR factorization for weighted least squares problems", 1998); the one-sided Jacobi SVD of LAPACK's gejsv gives
small singular values relative accuracy (Drmac & Veselic 2008). Used by flows and estimators; `linflow.risk` has its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.linalg import lapack

from linflow.checks import FloatArray, IntArray
from linflow.errors import RankError


def times(rows: FloatArray, Q: Any) -> FloatArray:
    """``rows @ Q`` for an orthogonal array, a fast basis, or None for the identity; one (n,) row or a batch (..., n)."""
    product: FloatArray = rows if Q is None else rows @ Q
    return product


def times_transposed(rows: FloatArray, Q: Any) -> FloatArray:
    """``rows @ Q.T``, where None is the identity: Q applied to each vector of a batch (..., n)."""
    product: FloatArray = rows if Q is None else rows @ Q.T
    return product


def graded_svd(M: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""``M = U diag(s) V^T`` for a (rows, columns) array with rows >= columns >= 1.

    Returns U (rows, columns), s (columns,) descending, V (columns, columns). The singular values are accurate relative to
    themselves whenever M is well conditioned up to scaling its rows and columns, also where they span hundreds of
    orders of magnitude.

    Examples
    --------
    >>> scale = 10.0 ** -np.array([0.0, 40.0])
    >>> U, s, V = graded_svd(np.array([[1.0, 1.0], [-1.0, 1.0]]) * scale[:, None])
    >>> np.round(s / (np.sqrt(2) * scale), 12)
    array([1., 1.])
    """
    U, s, Vt = np.linalg.svd(M, full_matrices=False)
    # 1e-3: a backward stable SVD then still has 13 digits in the smallest singular value, and gejsv is 5 times slower.
    if s[-1] > 1e-3 * s[0]:
        return U, s, np.ascontiguousarray(Vt.T)
    # gejsv pivots its columns only. Unsorted rows cost it every digit of the smallest singular values.
    rows, columns = (np.argsort(-np.abs(M).max(axis=axis), kind="stable") for axis in (1, 0))
    # 'G': rows and columns may both be graded; jobr 'N': keep singular values however small; jobp 'N': do not perturb.
    s, sorted_U, sorted_V, work, _, info = lapack.dgejsv(
        M[np.ix_(rows, columns)], joba=3, jobu=0, jobv=0, jobr=0, jobt=1, jobp=1
    )
    if info != 0:
        raise RankError(f"the singular value decomposition did not converge (LAPACK gejsv returned {info})")
    U, V = np.empty_like(sorted_U), np.empty_like(sorted_V)
    U[rows], V[columns] = sorted_U, sorted_V
    return U, s * (work[0] / work[1]), V


def largest_entries(K: FloatArray, axis: int | None = None) -> FloatArray:
    """The largest modulus along an axis, 0 where there is nothing, without another array of the size of K.

    >>> largest_entries(np.array([[1.0, -3.0], [2.0, 0.0]]), axis=1)
    array([3., 2.])
    """
    largest: FloatArray = np.maximum(K.max(axis=axis, initial=0.0), -K.min(axis=axis, initial=0.0))
    return largest


@dataclass(frozen=True, eq=False)
class GradedQR:
    """``K[:, pivots] = Q R`` for a (rows, columns) K whose rows may differ wildly in size.

    ``rank`` counts the leading pivots that rounding cannot have made. Pivots of columns that depend on each other to a few
    units in the last place are more than twenty times smaller than the smallest one that counts: which processor rounded
    them, and how, decides nothing.

    ``excess`` says, for each of the columns ``pivots[rank:]``, how many times what rounding is expected to leave of a
    dependent column is left of it beyond the span of the first `rank`. Up to `CERTAIN` it is a linear combination of them,
    above `MARGIN` it is none, and between float64 cannot tell. Empty if every pivot counts.
    """

    Q: FloatArray
    R: FloatArray
    pivots: IntArray
    rank: int
    excess: FloatArray

    @classmethod
    def of(cls, K: FloatArray, *, row_noise: FloatArray, column_noise: FloatArray, complete: bool = False) -> GradedQR:
        """Factorise; entry (i, j) was rounded at min(row_noise[i], column_noise[j]), or at the sizes of K where larger."""
        rows, columns = K.shape
        if rows == 0 or columns == 0:
            empty = np.zeros(0, dtype=np.int64)
            return cls(np.eye(rows, rows if complete else 0), np.zeros((0, columns)), empty, 0, np.zeros(0))
        row_sizes, column_sizes = largest_entries(K, axis=1), largest_entries(K, axis=0)
        order = np.argsort(-row_sizes, kind="stable")
        # In the order of LAPACK, which then factorises in place instead of in a copy of its own.
        ordered = np.take(K, order, axis=0, out=np.empty(K.shape, order="F"), mode="clip")
        (reflectors, tau), R, pivots = scipy.linalg.qr(
            ordered, mode="raw", pivoting=True, check_finite=False, overwrite_a=True
        )
        steps = tau.size
        R = R[:steps]
        sorted_Q = _columns_of_q(reflectors, tau, rows if complete else steps)
        rounding = _Rounding(
            R=R,
            Q=sorted_Q[:, :steps],
            by_row=np.maximum(row_sizes, row_noise)[order],
            by_column=np.maximum(column_sizes, column_noise)[pivots],
        )
        remainder = rounding.remainder_at_most()
        rank = rounding.rank(remainder)
        if rank < steps:
            remainder = rounding.remainder(reflectors, tau)
            rank = rounding.rank(remainder)
        Q = np.empty_like(sorted_Q)
        Q[order] = sorted_Q
        return cls(Q, R, pivots.astype(np.int64), rank, rounding.excess(rank, remainder))

    @property
    def combinations(self) -> FloatArray:
        """C with ``K[:, pivots[rank:]]`` nearest to ``K[:, pivots[:rank]] @ C``, (rank, columns - rank)."""
        return _combinations(self.R, self.rank)


#: A pivot counts from this many times what rounding is expected to leave of a dependent column. Householder QR left at
#: most 0.6 of that expectation, and 2.5 times it where the column was wrong by 4 units in its last places (measured on
#: 4,500 problems each, of up to 59 unknowns, graded over up to 280 decades, with three sets of BLAS kernels).
MARGIN = 64.0
#: Below this many times it, a column does depend on the others.
CERTAIN = 8.0


@dataclass(frozen=True, eq=False)
class _Rounding:
    r"""What rounding can make of the pivots of ``K = Q R``, rows sorted by decreasing size, columns pivoted.

    QR is backward stable by columns, and by rows too once they are sorted: the factors are exact for a K + E with
    ``|E_ij|`` below rounding of the size of row i and of column j. With c = ``R_11^{-1} R_1j``, the coefficients of column
    j in the earlier ones, what is left of it beyond their span moves by ``(I - P_j) E (e_j - c)``, where P_j projects on
    the span. Row i of I - P_j has the length ``d_ij = (sum_{k >= j} Q_ik^2)^{1/2}`` over the columns of the *complete* Q,
    so the length of that vector is about

        eps (sum_i d_ij^2 min(|(c, 1)| row_i, |(c, 1) * column|)^2)^{1/2}.

    The computed column q_j alone would not do: where the pivot is rounding, so is the direction of q_j, and its entries in
    the large rows may vanish on one processor and not on another. The lengths d_ij do not depend on it.
    """

    R: FloatArray
    Q: FloatArray
    by_row: FloatArray
    by_column: FloatArray

    def rank(self, remainder: FloatArray) -> int:
        """Pivots before the first that may be rounding; `remainder` as given by the methods below, (rows,)."""
        steps = self.Q.shape[1]
        by_row, by_column = self._sizes_in_combination()
        moved = np.hypot.reduce(self._left(remainder) * np.minimum(self.by_row[:, None] * by_row, by_column), axis=0)
        # Not `<=`: what is no number is no pivot either.
        unsure = np.flatnonzero(~(np.abs(np.diag(self.R)) > MARGIN * self._unit * moved))
        return int(unsure[0]) if unsure.size else steps

    def excess(self, rank: int, remainder: FloatArray) -> FloatArray:
        """What is left of the columns from `rank` on, over its expectation for dependent ones; empty at full rank."""
        if rank == self.Q.shape[1]:
            return np.zeros(0)
        C = np.abs(_combinations(self.R, rank))
        by_row = np.hypot(np.hypot.reduce(C, axis=0), 1.0)
        by_column = np.hypot(np.hypot.reduce(C * self.by_column[:rank, None], axis=0), self.by_column[rank:])
        left = self._left(remainder)[:, rank, None]
        moved = np.hypot.reduce(left * np.minimum(self.by_row[:, None] * by_row, by_column), axis=0)
        found, expected = np.hypot.reduce(self.R[rank:, rank:], axis=0), self._unit * moved
        # A column of zeros is left with nothing, and rounding makes nothing of it.
        excess: FloatArray = np.divide(found, expected, out=np.zeros_like(found), where=found > 0)
        return excess

    @property
    def _unit(self) -> float:
        return math.sqrt(len(self.Q) + self.R.shape[1]) * float(np.finfo(np.float64).eps)

    def _left(self, remainder: FloatArray) -> FloatArray:
        """The lengths d_ij, (rows, steps)."""
        rows, steps = self.Q.shape
        left = np.empty((rows, steps + 1))
        left[:, 0], left[:, 1:] = remainder, self.Q[:, ::-1]
        # hypot: the entries reach down to sigma_n / sigma_1, whose square float64 may not hold. Sums of positive terms, so
        # that the small ones are accurate relative to themselves.
        np.hypot.accumulate(left, axis=1, out=left)
        return left[:, :0:-1]

    def _sizes_in_combination(self) -> tuple[FloatArray, FloatArray]:
        """``|(c, 1)|`` and ``|(c, 1) * column|`` for each pivot, (steps,) both."""
        steps = self.Q.shape[1]
        # With R = D T, T of unit diagonal, column j of T^{-1} is (-c, 1).
        inverse, _ = lapack.dtrtri(_unit_diagonal(self.R[:, :steps], steps), unitdiag=1)
        C = np.abs(np.triu(inverse))
        return np.hypot.reduce(C, axis=0), np.hypot.reduce(C * self.by_column[:steps, None], axis=0)

    def remainder_at_most(self) -> FloatArray:
        """Upper bounds of `remainder` that cost nothing: by subtraction, with its rounding added."""
        captured = np.einsum("ij,ij->i", self.Q, self.Q)
        bound: FloatArray = np.sqrt(np.maximum(1.0 - captured, 0.0) + 8 * len(self.Q) * np.finfo(np.float64).eps)
        return bound

    def remainder(self, reflectors: FloatArray, tau: FloatArray) -> FloatArray:
        """Lengths of the rows of the complete Q beyond the columns of Q, accurate relative to themselves, (rows,)."""
        rows, steps = self.Q.shape
        captured = np.einsum("ij,ij->i", self.Q, self.Q)
        remainder: FloatArray = np.sqrt(np.maximum(1.0 - captured, 0.0))
        # Rows captured almost whole (at most 4/3 of `steps`) would lose their digits in the subtraction: they are the last
        # entries of Q^T e_i, to which the reflectors of sorted rows give relative accuracy.
        almost_whole = np.flatnonzero(captured > 0.75)
        width = max(1, 4_000_000 // rows)
        for start in range(0, almost_whole.size, width):
            chosen = almost_whole[start : start + width]
            unit = np.zeros((rows, chosen.size), order="F")
            unit[chosen, np.arange(chosen.size)] = 1.0
            rotated, _, _ = lapack.dormqr("L", "T", reflectors[:, :steps], tau, unit, 64 * chosen.size, overwrite_c=1)
            remainder[chosen] = np.hypot.reduce(rotated[steps:], axis=0)
        return remainder


def _unit_diagonal(R: FloatArray, count: int) -> FloatArray:
    """The first `count` rows of R, each over its pivot (of size <= 1 then, because the columns are pivoted)."""
    pivots = np.diag(R)[:count, None]
    scaled: FloatArray = np.divide(R[:count], pivots, out=np.eye(count, R.shape[1]), where=pivots != 0)
    return scaled


def _combinations(R: FloatArray, rank: int) -> FloatArray:
    if rank == 0:  # which older versions of scipy do not solve
        return np.zeros((0, R.shape[1]))
    T = _unit_diagonal(R, rank)
    solution: FloatArray = scipy.linalg.solve_triangular(T[:, :rank], T[:, rank:], unit_diagonal=True, check_finite=False)
    return solution


def _columns_of_q(reflectors: FloatArray, tau: FloatArray, count: int) -> FloatArray:
    """The first `count` columns of the orthogonal factor, (rows, count)."""
    columns = np.zeros((len(reflectors), count), order="F")
    columns[:, : tau.size] = reflectors[:, : tau.size]
    Q: FloatArray = lapack.dorgqr(columns, tau, lwork=64 * count, overwrite_a=1)[0]
    return Q


def binary_exponents(values: FloatArray) -> NDArray[np.int32]:
    """Binary exponents e with ``2**(e-1) <= value < 2**e`` (0 for 0): scaling by powers of two loses no bit."""
    return np.frexp(values)[1]
