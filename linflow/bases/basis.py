"""`Basis`: an orthogonal matrix known by its products, linflow's own or somebody's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from linflow.arrays import numeric, shown
from linflow.checks import FloatArray, IntArray
from linflow.errors import InputError, ShapeError

#: Largest relative deviation of a random vector that counts as rounding.
_ORTHOGONAL_TOLERANCE = 1e-12
#: Entries of an (n, n) array that is made where products would do (2 GiB): larger ones are refused.
_MOST_ENTRIES = 2**28


class Basis(ABC):
    """An orthogonal (n, n) matrix known by its products; ``rows @ basis``, ``rows @ basis.T`` and ``np.asarray(basis)``."""

    #: NumPy leaves ``rows @ basis`` to the basis.
    __array_ufunc__: ClassVar[None] = None
    ndim: ClassVar[int] = 2

    def __init__(self, n: int) -> None:
        self.shape = (n, n)

    @property
    def n(self) -> int:
        """Number of coefficients."""
        return self.shape[0]

    @abstractmethod
    def synthesis(self, rows: FloatArray) -> FloatArray:
        """``U c`` for each row c of (k, n)."""

    @abstractmethod
    def analysis(self, rows: FloatArray) -> FloatArray:
        """``U^T x`` for each row x of (k, n)."""

    @abstractmethod
    def described(self) -> dict[str, Any] | None:
        """What `from_description` makes it again of; None if it is somebody's own."""

    @property
    def T(self) -> Transposed:
        """The transpose, which is the inverse."""
        return Transposed(self)

    def __rmatmul__(self, rows: FloatArray) -> FloatArray:
        return _applied(self.analysis, rows, self.n)

    def __matmul__(self, columns: FloatArray) -> FloatArray:
        return _applied(self.synthesis, np.asarray(columns).T, self.n).T

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> FloatArray:
        require_dense(self.n, "the basis")
        return np.ascontiguousarray((np.eye(self.n) @ self.T).T, dtype=dtype)


class Transposed:
    """``U^T`` of a basis U."""

    __array_ufunc__: ClassVar[None] = None

    def __init__(self, basis: Basis) -> None:
        self.basis, self.shape = basis, basis.shape

    def __rmatmul__(self, rows: FloatArray) -> FloatArray:
        return _applied(self.basis.synthesis, rows, self.basis.n)

    def __matmul__(self, columns: FloatArray) -> FloatArray:
        return _applied(self.basis.analysis, np.asarray(columns).T, self.basis.n).T


class Ordered(Basis):
    """The columns of another basis (None: of the identity) in the order `order`."""

    def __init__(self, basis: Basis | None, order: IntArray) -> None:
        super().__init__(order.size)
        self.basis: Basis | None = basis.basis if isinstance(basis, Ordered) else basis
        self.order: IntArray = basis.order[order] if isinstance(basis, Ordered) else order

    def synthesis(self, rows: FloatArray) -> FloatArray:
        """``U c`` for each row."""
        placed = np.empty_like(rows)
        placed[:, self.order] = rows
        return placed if self.basis is None else self.basis.synthesis(placed)

    def analysis(self, rows: FloatArray) -> FloatArray:
        """``U^T x`` for each row."""
        found = rows if self.basis is None else self.basis.analysis(rows)
        return np.ascontiguousarray(found[:, self.order])

    def described(self) -> dict[str, Any] | None:
        """Of the other basis; the order is apart."""
        return {"kind": "identity", "shape": [self.n]} if self.basis is None else self.basis.described()


class _Own(Basis):
    """Somebody's transform, one vector at a time."""

    def __init__(self, given: Any, name: str) -> None:
        shape = getattr(given, "shape", None)
        try:
            m, n = (int(side) for side in shape)  # type: ignore[union-attr]
        except (TypeError, ValueError):
            raise ShapeError(f"{name} must have a shape (n, n), got {shown(shape)}") from None
        super().__init__(n)
        if m != n:
            raise ShapeError(f"{name} must have a shape (n, n), got {shown(shape)}")
        self.given, self.called = given, name

    def synthesis(self, rows: FloatArray) -> FloatArray:
        return self._each(self.given.matvec, "matvec", rows)

    def analysis(self, rows: FloatArray) -> FloatArray:
        return self._each(self.given.rmatvec, "rmatvec", rows)

    def described(self) -> dict[str, Any] | None:
        return None

    def _each(self, product: Any, what: str, rows: FloatArray) -> FloatArray:
        found = np.empty(rows.shape)
        for place, row in enumerate(rows):
            try:
                made = product(row.copy())
            except Exception as error:
                raise InputError(
                    f"{what} of the {self.called} raised {type(error).__name__}: {shown(str(error))}"
                ) from error
            values = numeric(made, f"{what} of the {self.called}", "an array of real numbers")
            if values.shape != row.shape or not np.isfinite(values).all():
                raise InputError(f"{what} of the {self.called} must return {self.n} finite numbers, got {shown(values)}")
            found[place] = values
        return found


def as_basis(given: object, n: int, name: str = "basis") -> Basis:
    """`given`, an object with shape, matvec (synthesis) and rmatvec (analysis), as a `Basis`; checked on random vectors.

    Raises
    ------
    ShapeError, InputError
        Another shape, products that are no finite real numbers, or no orthogonal transform.

    >>> class Reversed:
    ...     shape = (3, 3)
    ...     def matvec(self, c): return c[::-1]
    ...     def rmatvec(self, x): return x[::-1]
    >>> np.array([1.0, 2.0, 3.0]) @ as_basis(Reversed(), 3)
    array([3., 2., 1.])
    """
    basis = given if isinstance(given, Basis) else _Own(given, name)
    if basis.shape != (n, n):
        raise ShapeError(f"{name} must have shape ({n}, {n}) for n = {n} singular values, got {basis.shape}")
    if isinstance(basis, _Own):
        require_orthogonal(basis, name)
    return basis


def is_fast(given: object) -> bool:
    """Whether `given` is a basis known by its products, and no array."""
    return isinstance(given, Basis) or (
        not hasattr(given, "__array__") and all(hasattr(given, part) for part in ("shape", "matvec", "rmatvec"))
    )


def require_dense(n: int, what: str, columns: int | None = None) -> None:
    """Raise if an (n, columns) array is too large to be made without having been asked for; None is n columns."""
    entries = n * (n if columns is None else columns)
    if entries > _MOST_ENTRIES:
        raise InputError(
            f"{what} of n = {n} would be an array of {8 * entries / 2**30:.0f} GiB: use products with vectors (forward, "
            "inverse, sample)"
        )


def _applied(transform: Any, rows: ArrayLike, n: int) -> FloatArray:
    values = np.asarray(rows, dtype=np.float64)
    if values.shape[-1:] != (n,):
        raise ShapeError(f"a basis of n = {n} multiplies vectors of {n} entries, got shape {values.shape}")
    if not values.size:
        return values.copy()
    found: FloatArray = transform(values.reshape(-1, n)).reshape(values.shape)
    return found


def require_orthogonal(basis: Basis, name: str) -> None:
    """Raise unless, on random vectors, lengths are kept, the analysis undoes the synthesis, and that is linear."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((2, basis.n))
    rows = np.vstack([rows, rows[0] - 2.0 * rows[1]])
    made = basis.synthesis(rows)
    length = np.linalg.norm(rows, axis=1)
    deviation = max(
        float(np.abs(np.linalg.norm(made, axis=1) / length - 1.0).max()),
        float((np.linalg.norm(basis.analysis(made) - rows, axis=1) / length).max()),
        float(np.linalg.norm(made[0] - 2.0 * made[1] - made[2]) / length[2]),
    )
    if not deviation <= _ORTHOGONAL_TOLERANCE:
        raise InputError(
            f"{name} must be orthogonal, but matvec of random vectors changes their lengths, is not undone by rmatvec or "
            f"is not linear (by {deviation:.1e} of them, allowed: {_ORTHOGONAL_TOLERANCE:g})"
        )
