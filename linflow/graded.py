"""Linear algebra that stays accurate when rows or columns differ in size by hundreds of orders of magnitude.

Householder QR of rows sorted by size, with pivoted columns, is backward stable row by row (Cox & Higham, "Stability of
Householder QR factorization for weighted least squares problems", 1998); the one-sided Jacobi SVD of LAPACK's gejsv gives
small singular values relative accuracy (Drmac & Veselic 2008). Used by flows and estimators; `linflow.risk` has its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.linalg import lapack

from linflow.checks import FloatArray, IntArray
from linflow.errors import RankError


def times(rows: FloatArray, Q: FloatArray | None) -> FloatArray:
    """``rows @ Q``, where None is the identity; a single (n,) row or a batch (..., n)."""
    return rows if Q is None else rows @ Q


def times_transposed(rows: FloatArray, Q: FloatArray | None) -> FloatArray:
    """``rows @ Q.T``, where None is the identity: Q applied to each vector of a batch (..., n)."""
    return rows if Q is None else rows @ Q.T


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


@dataclass(frozen=True, eq=False)
class GradedQR:
    """``K[:, pivots] = Q R`` for a (rows, columns) K whose rows may differ wildly in size."""

    Q: FloatArray
    R: FloatArray
    pivots: IntArray
    rank: int

    @classmethod
    def of(cls, K: FloatArray, *, row_noise: FloatArray, column_noise: FloatArray, complete: bool = False) -> GradedQR:
        """Factorise; entry (i, j) was rounded at min(row_noise[i], column_noise[j]), or at the sizes of K where larger."""
        rows, columns = K.shape
        if rows == 0 or columns == 0:
            empty = np.zeros(0, dtype=np.int64)
            return cls(np.eye(rows, rows if complete else 0), np.zeros((0, columns)), empty, 0)
        row_sizes, column_sizes = np.abs(K).max(axis=1), np.abs(K).max(axis=0)
        order = np.argsort(-row_sizes, kind="stable")
        mode = "full" if complete else "economic"
        sorted_Q, R, pivots = scipy.linalg.qr(K[order], mode=mode, pivoting=True, check_finite=False)
        Q = np.empty_like(sorted_Q)
        Q[order] = sorted_Q
        # QR is backward stable by columns, and by rows too once they are sorted: the factors are exact for a K + E with
        # |E_ij| below rounding of the size of row i and of column j. To first order R[j, j] moves by q_j^T E e_j, so a
        # pivot above that sum is a true one, however small it is next to R[0, 0].
        steps = min(rows, columns)
        by_row, by_column = np.maximum(row_sizes, row_noise), np.maximum(column_sizes, column_noise)[pivots[:steps]]
        moved = np.sum(np.abs(Q[:, :steps]) * np.minimum(by_row[:, None], by_column), axis=0)
        noise = 4 * (rows + columns) * np.finfo(np.float64).eps * moved
        small = np.flatnonzero(np.abs(np.diag(R)[:steps]) <= noise)
        rank = int(small[0]) if small.size else steps
        return cls(Q, R[:steps], pivots.astype(np.int64), rank)


def binary_exponents(values: FloatArray) -> NDArray[np.int32]:
    """Binary exponents e with ``2**(e-1) <= value < 2**e`` (0 for 0): scaling by powers of two loses no bit."""
    return np.frexp(values)[1]
