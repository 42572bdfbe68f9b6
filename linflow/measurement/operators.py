"""What stands for A: dense arrays, sparse matrices and operators, multiplied with signals or multiplied out."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator

from linflow.checks import finite_matrix, memory_of_machine, overflow, representable
from linflow.errors import InputError, ShapeError
from linflow.measurement.checked import CheckedOperator, is_operator

#: A dense (m, n) array, a scipy sparse matrix, or an operator: whatever `as_operator` takes.
Measurement: TypeAlias = Any
#: Entries of the unit signals that an operator is multiplied out with at a time.
_TOGETHER = 2**24


def as_operator(A: Measurement) -> LinearOperator:
    r"""`A` as an operator whose products are checked, whoever wrote it.

    Parameters
    ----------
    A : (m, n) array, scipy sparse matrix, scipy or pylops ``LinearOperator``, or any object that has ``shape`` and either
        ``matvec`` (and ``rmatvec``, its adjoint), or ``@`` (and ``.H`` or ``.T``, its adjoint); real or complex.

    Returns
    -------
    LinearOperator of shape (m, n), and float64 or complex128
        Signals are real: of a complex A the adjoint is that of x -> A x from real x to complex y with the inner product
        ``Re(conj(y_1) . y_2)``. Only that is checked, so operators that are no more than that (a Fourier transform of real
        signals) may be given.

    Raises
    ------
    ShapeError
        `A` has no shape (m, n), or a product has another shape than m and n say.
    InputError
        `A` is no operator; a product is not finite, is complex where `A` says that it is real, changes its input or raises;
        there is no adjoint, or it is none (tried with one random pair of vectors when it is first used).

    Notes
    -----
    The pair is x and ``y = A x / |A x| + g / |g|``, x and g normal: then ``<A x, y>`` is of the size of ``|A x|``, and
    a wrong adjoint cannot hide in directions that random vectors hardly see. Allowed is 1000 times the rounding of the
    operator's own precision.

    Examples
    --------
    >>> class Differences:
    ...     shape = (2, 3)
    ...     def matvec(self, x): return np.diff(x)
    ...     def rmatvec(self, y): return -np.diff(y, prepend=0.0, append=0.0)
    >>> A = as_operator(Differences())
    >>> A.matvec(np.array([1.0, 2.0, 4.0])), A.rmatvec(np.array([1.0, 2.0]))
    (array([1., 2.]), array([-1., -1.,  2.]))
    """
    if isinstance(A, CheckedOperator):
        return A
    if scipy.sparse.issparse(A):
        A = A.tocsr()
        finite_matrix(A.data, "A")
    elif not is_operator(A):
        A = as_dense(A)
    return CheckedOperator.of(A)


def is_matrix_free(A: Measurement) -> bool:
    """Whether `A` is an operator or sparse, rather than an array.

    >>> is_matrix_free(np.eye(2)), is_matrix_free(scipy.sparse.eye_array(2))
    (False, True)
    """
    return bool(scipy.sparse.issparse(A)) or is_operator(A)


def as_dense(A: Measurement) -> NDArray[Any]:
    """`A` as an (m, n) array: dense arrays as they are, sparse and matrix-free ones multiplied out.

    Raises
    ------
    ShapeError
        `A` is not two-dimensional.
    InputError
        As of `as_operator`; the array would be larger than the memory of the machine.

    Examples
    --------
    >>> as_dense(scipy.sparse.csr_array([[0.0, 1.0]]))
    array([[0., 1.]])
    """
    if scipy.sparse.issparse(A):
        require_room(A)
        A = A.toarray()
    elif is_operator(A):
        A = as_operator(A)
        require_room(A)
        A = _multiplied_out(A)
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
    matrix_free = is_matrix_free(A)
    A = as_operator(A) if matrix_free else as_dense(A)
    m, n = A.shape
    x = finite_matrix(x, "x")
    if x.ndim == 0 or x.shape[-1] != n:
        raise ShapeError(f"x must have shape (..., {n}) for a measurement of {n} coordinates, got {x.shape}")
    with overflow():
        # Operators multiply from the left and know one batch axis, which is the last.
        y = (A @ x.reshape(-1, n).T).T.reshape(*x.shape[:-1], m) if matrix_free else x @ A.T
    return representable(np.asarray(y), "A x")


def require_room(A: Any, *, copies: int = 1) -> None:
    """Raise InputError if `copies` of an operator A as arrays are larger than the memory.

    The system would end the process then, without a word: it hands out more memory than there is, until it is written to.
    """
    m, n = A.shape
    needed, has = float(m) * float(n) * np.dtype(A.dtype).itemsize * copies, memory_of_machine()
    if needed > has:
        raise InputError(
            f"A multiplied out has {m} x {n} entries, which takes {needed / 2**30:.3g} GiB here, and this machine has "
            f"{has / 2**30:.3g} GiB of memory: use an estimator that needs products alone (mle, map_estimate, "
            "posterior_std), or fewer measurements"
        )


def _multiplied_out(A: LinearOperator) -> NDArray[Any]:
    m, n = A.shape
    dense = np.empty((m, n), dtype=A.dtype)
    width = max(1, _TOGETHER // n)
    for start in range(0, n, width):
        unit = np.eye(n, min(width, n - start), -start)
        dense[:, start : start + width] = A.matmat(unit)
    return dense
