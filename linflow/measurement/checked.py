"""`CheckedOperator`: products with an operator that somebody else wrote, none of which is taken on trust."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from linflow.arrays import COMPLEX, numeric, shown
from linflow.engine.users import failing_as
from linflow.errors import InputError, ShapeError

#: The adjoint may differ by so many units of rounding of the operator's own precision.
_ROUNDINGS = 1000


def is_operator(A: object) -> bool:
    """Whether `A` multiplies vectors without being an array of numbers.

    >>> is_operator(np.eye(2)), is_operator([[1.0]]), is_operator("A")
    (False, False, False)
    """
    if isinstance(A, LinearOperator):
        return True
    if not hasattr(A, "shape") or hasattr(A, "__array__") or hasattr(A, "toarray") or isinstance(A, type):
        return False
    return hasattr(A, "matvec") or hasattr(A, "__matmul__")


class CheckedOperator(LinearOperator):  # type: ignore[misc]  # scipy is not annotated
    """``A``, real or complex, acting on real signals; made by `of`. A class, so that it pickles.

    `precision` is the unit of rounding of the operator's own arithmetic.
    """

    def __init__(self, inner: Any, shape: tuple[int, int], *, is_complex: bool, precision: float) -> None:
        super().__init__(dtype=np.dtype(np.complex128 if is_complex else np.float64), shape=shape)
        self.inner, self.is_complex, self.precision = inner, is_complex, precision
        self._adjoint_known = False

    @classmethod
    def of(cls, A: Any) -> CheckedOperator:
        """Wrap an array or an operator; one product says which numbers it makes, if it does not say so itself."""
        shape = _shape(A)
        dtype = getattr(A, "dtype", None)
        try:
            kind = np.dtype(dtype) if dtype is not None else None
        except TypeError:  # a dtype of torch, say
            kind = None
        if kind is None or kind.kind not in "fc":
            probe = cls(A, shape, is_complex=True, precision=float(np.finfo(np.float64).eps))
            kinds: list[np.dtype[Any]] = []
            probe._made(lambda x: _noted(_product(A, x), kinds), np.ones((shape[1], 1)), shape[0], "A x")
            kind = kinds[0] if kinds and kinds[0].kind in "fc" else np.dtype(np.float64)
        precision = max(float(np.finfo(kind).eps), float(np.finfo(np.float64).eps))
        return cls(A, shape, is_complex=kind.kind == "c", precision=precision)

    def _matmat(self, X: NDArray[Any]) -> NDArray[Any]:
        return self._made(lambda x: _product(self.inner, x), X, self.shape[0], "A x")

    def _rmatmat(self, Y: NDArray[Any]) -> NDArray[Any]:
        self._require_adjoint()
        return self._made(lambda y: _adjoint_product(self.inner, y), Y, self.shape[1], "A^T y")

    def _matvec(self, x: NDArray[Any]) -> NDArray[Any]:
        return self._matmat(x.reshape(-1, 1)).ravel()

    def _rmatvec(self, y: NDArray[Any]) -> NDArray[Any]:
        return self._rmatmat(y.reshape(-1, 1)).ravel()

    def _require_adjoint(self) -> None:
        """The dot-product test, once."""
        if self._adjoint_known or isinstance(self.inner, np.ndarray) or hasattr(self.inner, "toarray"):
            return
        if not any(hasattr(self.inner, name) for name in ("rmatvec", "H", "T")):
            raise InputError("A has no adjoint: give the operator a method rmatvec, or .T or .H")
        m, n = self.shape
        rng = np.random.default_rng(0)
        x, g = rng.standard_normal(n), rng.standard_normal((2, m))
        seen = self._matvec(x)
        other = g[0] + 1j * g[1] if self.is_complex else g[0]
        y = _unit(seen) + _unit(other)
        self._adjoint_known = True  # what follows uses it
        try:
            back = self._rmatvec(y)
            left, right = float(np.real(np.vdot(seen, y))), float(np.real(np.vdot(x, back)))
            allowed = (
                _ROUNDINGS
                * self.precision
                * float(np.linalg.norm(seen) * np.linalg.norm(y) + np.linalg.norm(x) * np.linalg.norm(back))
            )
            if not abs(left - right) <= allowed:
                raise InputError(
                    f"the adjoint of A is none: for random x and y, <A x, y> = {left:.6g} but <x, A^T y> = {right:.6g}: "
                    "correct its rmatvec (or .T, .H)"
                )
        except BaseException:
            self._adjoint_known = False
            raise

    def _made(self, product: Any, X: NDArray[Any], rows: int, what: str) -> NDArray[Any]:
        """``product(X)``, (rows, columns), checked."""
        if X.shape[1] == 0:
            return np.zeros((rows, 0), dtype=self.dtype)
        given = np.array(X)  # a copy: whoever multiplies may write into it
        with failing_as(InputError, f"the product {what} of an operator"):
            found = product(given)
        if not np.array_equal(given, X):
            raise InputError(f"the product {what} of an operator changes its input: let it copy first")
        values = numeric(found, what, "an array of numbers", kinds=COMPLEX)
        if values.shape != (rows, X.shape[1]):
            raise ShapeError(f"{what} must have {rows} entries for A of shape {self.shape}, got shape {values.shape}")
        if not np.isfinite(values).all():
            raise InputError(f"the product {what} of an operator is not finite")
        if values.dtype.kind == "c" and not self.is_complex and not np.iscomplexobj(X):
            if values.imag.any():
                raise InputError(f"{what} is complex, but the dtype of A is real: give A the dtype complex128")
            values = values.real
        is_complex = values.dtype.kind == "c" or (self.is_complex and what == "A x")
        return values.astype(np.complex128 if is_complex else np.float64, copy=False)


def _shape(A: Any) -> tuple[int, int]:
    shape = getattr(A, "shape", None)
    try:
        m, n = (int(side) for side in shape)  # type: ignore[union-attr]
    except (TypeError, ValueError):
        raise ShapeError(f"an operator A must have a shape (m, n), got {shown(shape)}") from None
    if m < 0 or n < 1:
        raise ShapeError(f"an operator A must have a shape (m, n) with m >= 0 and n >= 1, got {shown(shape)}")
    return m, n


def _has_blocks(A: LinearOperator, product: str) -> bool:
    """Whether an operator multiplies matrices in a way of its own.

    SciPy's own would hand columns of shape (n, 1) to functions that were written for vectors.
    """
    kind = type(A)
    if kind.__module__.startswith("scipy."):
        return kind.__name__ == "MatrixLinearOperator"
    return getattr(kind, product) is not getattr(LinearOperator, product)


def _product(A: Any, X: NDArray[Any]) -> Any:
    if isinstance(A, LinearOperator):
        return A.matmat(X) if _has_blocks(A, "_matmat") else _by_columns(A.matvec, X)
    if isinstance(A, np.ndarray) or hasattr(A, "toarray"):
        return A @ X
    return _by_columns(A.matvec if hasattr(A, "matvec") else lambda x: A @ x, X)


def _adjoint_product(A: Any, Y: NDArray[Any]) -> Any:
    if isinstance(A, np.ndarray) or hasattr(A, "toarray"):
        return A.conj().T @ Y
    if isinstance(A, LinearOperator) and _has_blocks(A, "_rmatmat"):
        return A.rmatmat(Y)
    if hasattr(A, "rmatvec"):
        return _by_columns(A.rmatvec, Y)
    if hasattr(A, "H"):
        return _by_columns(lambda y: A.H @ y, Y)
    return np.conj(_by_columns(lambda y: A.T @ y, np.conj(Y)))


def _noted(found: Any, kinds: list[np.dtype[Any]]) -> Any:
    """`found`, its dtype put down."""
    kinds.append(np.asarray(found).dtype)
    return found


def _by_columns(product: Any, X: NDArray[Any]) -> NDArray[Any]:
    """One vector at a time: more is not asked of anybody's operator."""
    columns = []
    for x in X.T:
        column = numeric(product(np.ascontiguousarray(x)), "a product", "an array of numbers", kinds=COMPLEX)
        columns.append(column.reshape(-1) if column.ndim == 2 and 1 in column.shape else column)
    return np.stack(columns, axis=1) if columns else np.zeros((0, 0))


def _unit(values: NDArray[Any]) -> NDArray[Any]:
    length = np.linalg.norm(values)
    return values / length if length > 0 else values
