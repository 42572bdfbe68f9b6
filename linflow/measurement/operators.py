"""What stands for A: dense arrays, sparse matrices and operators, multiplied with signals or multiplied out."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator

from linflow.checks import finite_matrix, overflow, representable
from linflow.errors import ShapeError

#: A dense (m, n) array, a scipy sparse matrix, or a LinearOperator (scipy's types are not annotated).
Measurement: TypeAlias = Any


def as_dense(A: Measurement) -> NDArray[Any]:
    """`A` as an (m, n) array: dense arrays as they are, sparse and matrix-free ones multiplied out.

    Raises
    ------
    ShapeError
        `A` is not two-dimensional.

    Examples
    --------
    >>> as_dense(scipy.sparse.csr_array([[0.0, 1.0]]))
    array([[0., 1.]])
    """
    if isinstance(A, LinearOperator):
        A = A.matmat(np.eye(A.shape[1]))
    elif scipy.sparse.issparse(A):
        A = A.toarray()
    dense = finite_matrix(A, "A")
    if dense.ndim != 2:
        raise ShapeError(f"A must be an (m, n) matrix with one measurement a row, got shape {dense.shape}")
    return dense


def apply(A: Measurement, x: ArrayLike) -> NDArray[Any]:
    """``A x`` for each signal of a batch: x (..., n) -> (..., m).

    Raises
    ------
    ShapeError
        The last axis of `x` does not have the n of `A`.

    Examples
    --------
    >>> apply(np.array([[1.0, 2.0]]), [[1.0, 0.0], [0.0, 1.0]])
    array([[1.], [2.]])
    """
    matrix_free = isinstance(A, LinearOperator) or scipy.sparse.issparse(A)
    if scipy.sparse.issparse(A):
        A = A.tocsr()
        finite_matrix(A.data, "A")
    A = A if matrix_free else as_dense(A)
    m, n = A.shape
    x = finite_matrix(x, "x")
    if x.ndim == 0 or x.shape[-1] != n:
        raise ShapeError(f"x must have shape (..., {n}) for a measurement of {n} coordinates, got {x.shape}")
    with overflow():
        # Operators multiply from the left and know one batch axis, which is the last.
        y = (A @ x.reshape(-1, n).T).T.reshape(*x.shape[:-1], m) if matrix_free else x @ A.T
    return representable(np.asarray(y), "A x")
