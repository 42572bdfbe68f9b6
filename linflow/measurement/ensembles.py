r"""Measurement ensembles: the matrix A of ``y = A x + noise``, dense or matrix-free.

All random ensembles have entries of mean square 1, hence ``E |A x|^2 = m |x|^2`` and one noise level means the same in
each; the selections (`row_sampling`, `random_rows`, `identity`) have entries 0 and 1.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import scipy.fft
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from linflow.arrays import shown
from linflow.checks import (
    FIELDS,
    Field,
    FloatArray,
    IntArray,
    Interval,
    Random,
    choice_of,
    generator,
    number_in,
    one_of,
    positive_int,
    whole_in,
)
from linflow.errors import InputError, ShapeError

#: 8 PiB of numbers.
_MOST_ENTRIES = 2**50


def gaussian(m: int, n: int, rng: Random, *, field: Field = "real") -> NDArray[Any]:
    r"""Independent standard normal entries, the ensemble of the theorem.

    Parameters
    ----------
    m, n : int
        Measurements (0 or more, m > n allowed) and signal size (1 or more).
    rng : numpy.random.Generator, or a whole number as its seed
    field : "real" or "complex"
        Complex entries have ``E |a|^2 = 1``, with real and imaginary part N(0, 1/2).

    Returns
    -------
    A : (m, n) float64 or complex128 array.

    Raises
    ------
    InputError
        Sizes out of range, a `field` that is neither, or no Generator.

    Examples
    --------
    >>> A = gaussian(m=500, n=400, rng=np.random.default_rng(0))
    >>> abs(np.mean(A**2) - 1.0) < 0.02
    np.True_
    """
    m, n, rng = _sizes(m, n, rng, wide=False)
    if one_of(field, "field", FIELDS) == "real":
        return rng.standard_normal((m, n))
    real, imaginary = rng.standard_normal((2, m, n))
    return np.asarray((real + 1j * imaginary) / np.sqrt(2.0))


def rademacher(m: int, n: int, rng: Random) -> FloatArray:
    """Independent fair signs +1 and -1, (m, n).

    Raises
    ------
    InputError
        m < 0, n < 1 or no Generator.

    Examples
    --------
    >>> np.unique(rademacher(m=3, n=20, rng=np.random.default_rng(0)))
    array([-1.,  1.])
    """
    m, n, rng = _sizes(m, n, rng, wide=False)
    return rng.choice(np.array([-1.0, 1.0]), size=(m, n))


def sparse_sign(m: int, n: int, rng: Random, *, density: float = 0.1) -> LinearOperator:
    r"""Entries ``±density**-0.5`` with probability `density`, else 0, all independent: mean 0, variance 1.

    Parameters
    ----------
    m, n : int
        Measurements (0 or more, m > n allowed) and signal size (1 or more).
    rng : numpy.random.Generator, or a whole number as its seed
    density : float in (0, 1]
        Expected fraction of entries that are not zero; 1/3 is Achlioptas (2003).

    Returns
    -------
    A : (m, n) LinearOperator around a sparse array; ``density * m * n`` numbers are stored.

    Raises
    ------
    InputError
        `density` outside (0, 1], m < 0, n < 1 or no Generator.

    Examples
    --------
    >>> from linflow.measurement import as_dense
    >>> A = as_dense(sparse_sign(m=30, n=200, rng=np.random.default_rng(0), density=0.25))
    >>> np.unique(A)
    array([-2.,  0.,  2.])
    """
    m, n, rng = _sizes(m, n, rng, wide=False)
    density = number_in(density, "density", Interval(0.0, 1.0, open_low=True))
    # The number of non-zeros is binomial and, given it, their places are a uniform subset: the law of m n coin tosses.
    count = int(rng.binomial(m * n, density))
    places = rng.choice(m * n, size=count, replace=False, shuffle=False)
    signs = rng.choice(np.array([-1.0, 1.0]), size=count) / np.sqrt(density)
    return aslinearoperator(scipy.sparse.csr_array((signs, (places // n, places % n)), shape=(m, n)))


def subsampled_dct(m: int, n: int, rng: Random) -> LinearOperator:
    r"""m random rows of the cosine transform behind random column signs, matrix-free, O(n log n) a product.

    ``A = sqrt(n) R C D`` with D diagonal of fair signs, C the orthonormal DCT-II, R the choice of m of its rows without
    replacement. ``A A^T = n I``, and each row has entries of mean square exactly 1.

    Parameters
    ----------
    m, n : int
        0 <= m <= n, n >= 1.
    rng : numpy.random.Generator, or a whole number as its seed

    Raises
    ------
    InputError
        m outside 0..n, n < 1 or no Generator.

    Notes
    -----
    Tropp (2011), "Improved analysis of the subsampled randomized Hadamard transform"; the cosine version likewise.

    Examples
    --------
    >>> from linflow.measurement import as_dense
    >>> A = as_dense(subsampled_dct(m=3, n=5, rng=np.random.default_rng(0)))
    >>> bool(np.allclose(A @ A.T, 5 * np.eye(3)))
    True
    """
    return _subsampled("dct", m, n, rng)


def subsampled_hadamard(m: int, n: int, rng: Random) -> LinearOperator:
    r"""m random rows of the Hadamard matrix behind random column signs, matrix-free, O(n log n) a product.

    ``A = R H D`` with D diagonal of fair signs, H the Hadamard matrix in Sylvester's order, R the choice of m of its
    rows without replacement. All entries are +1 or -1, and ``A A^T = n I``.

    Parameters
    ----------
    m, n : int
        0 <= m <= n, n a power of two.
    rng : numpy.random.Generator, or a whole number as its seed

    Raises
    ------
    InputError
        n not a power of two, m outside 0..n or no Generator.

    Examples
    --------
    >>> from linflow.measurement import as_dense
    >>> A = as_dense(subsampled_hadamard(m=3, n=8, rng=np.random.default_rng(0)))
    >>> bool(np.array_equal(A @ A.T, 8 * np.eye(3)) and np.array_equal(abs(A), np.ones((3, 8))))
    True
    """
    n = positive_int(n, "n")
    if n & (n - 1):
        below = 1 << (n.bit_length() - 1)
        raise InputError(
            f"a Hadamard matrix by doubling needs n a power of two, got n = {n}: pad the signal to {2 * below}, or use "
            "subsampled_dct, which takes every n"
        )
    return _subsampled("hadamard", m, n, rng)


def row_sampling(indices: ArrayLike, n: int) -> LinearOperator:
    """The coordinates `indices` of x, in that order (inpainting); rows of the identity.

    Parameters
    ----------
    indices : (m,) integers in 0..n-1, or (n,) booleans that are True where x is seen
        An index may repeat: that coordinate is measured twice (estimators without noise will object).
    n : int

    Raises
    ------
    ShapeError
        `indices` is not one-dimensional, or a mask does not have length n.
    InputError
        An index is not a whole number in 0..n-1.

    Examples
    --------
    >>> from linflow.measurement import apply
    >>> apply(row_sampling([2, 0], n=3), np.array([5.0, 6.0, 7.0]))
    array([7., 5.])
    """
    n = positive_int(n, "n")
    chosen = choice_of(indices, "indices")
    if chosen.ndim != 1:
        raise ShapeError(f"indices must be one-dimensional, got shape {chosen.shape}")
    if chosen.dtype.kind == "b":
        if chosen.size != n:
            raise ShapeError(f"a mask of what is seen must have length n = {n}, got {chosen.size}")
        chosen = np.flatnonzero(chosen)
    outside = chosen[(chosen < 0) | (chosen >= n)]
    if outside.size:
        raise InputError(f"indices must lie in 0..n-1 = 0..{n - 1}, got {outside[0]}")
    chosen = chosen.astype(np.int64)
    m = chosen.size
    return aslinearoperator(scipy.sparse.csr_array((np.ones(m), (np.arange(m), chosen)), shape=(m, n)))


def random_rows(m: int, n: int, rng: Random) -> LinearOperator:
    """m distinct random coordinates of x, in random order (inpainting).

    Raises
    ------
    InputError
        m outside 0..n, n < 1 or no Generator.

    Examples
    --------
    >>> from linflow.measurement import as_dense
    >>> A = as_dense(random_rows(m=3, n=5, rng=np.random.default_rng(0)))
    >>> bool(np.array_equal(A @ A.T, np.eye(3)))
    True
    """
    m, n, rng = _sizes(m, n, rng, wide=True)
    return row_sampling(rng.permutation(n)[:m], n)


def identity(n: int) -> LinearOperator:
    """Every coordinate of x (denoising).

    >>> from linflow.measurement import as_dense
    >>> as_dense(identity(2))
    array([[1., 0.], [0., 1.]])
    """
    return row_sampling(np.arange(positive_int(n, "n")), n)


class _SubsampledTransform(LinearOperator):  # type: ignore[misc]  # scipy is not annotated
    """``scale * R T D``: signs D, an orthonormal fast transform T, then some rows R. A class, so that it pickles."""

    def __init__(self, transform: str, rows: IntArray, signs: FloatArray) -> None:
        super().__init__(dtype=np.dtype(np.float64), shape=(rows.size, signs.size))
        self.transform, self.rows, self.signs = transform, rows, signs

    def _matmat(self, X: NDArray[Any]) -> NDArray[Any]:
        mixed = _fast(self.transform, self.signs[:, None] * X, inverse=False)
        return cast(NDArray[Any], mixed[self.rows] * np.sqrt(self.signs.size))

    def _rmatmat(self, Y: NDArray[Any]) -> NDArray[Any]:
        spread = np.zeros((self.signs.size, Y.shape[1]), dtype=np.result_type(Y, np.float64))
        spread[self.rows] = Y
        mixed = _fast(self.transform, spread, inverse=True)
        return cast(NDArray[Any], self.signs[:, None] * mixed * np.sqrt(self.signs.size))

    def _matvec(self, x: NDArray[Any]) -> NDArray[Any]:
        return self._matmat(x.reshape(-1, 1)).ravel()

    def _rmatvec(self, y: NDArray[Any]) -> NDArray[Any]:
        return self._rmatmat(y.reshape(-1, 1)).ravel()


def _fast(transform: str, X: NDArray[Any], *, inverse: bool) -> NDArray[Any]:
    """Orthonormal transform of each column."""
    if transform == "hadamard":  # symmetric, hence its own inverse
        return np.asarray(_walsh_hadamard(X) / np.sqrt(X.shape[0]))
    function = scipy.fft.idct if inverse else scipy.fft.dct
    return np.asarray(function(X, axis=0, norm="ortho"))


def _walsh_hadamard(X: NDArray[Any]) -> NDArray[Any]:
    """``H X`` for the (n, n) Hadamard matrix of signs, in Sylvester's order: log2(n) rounds of butterflies."""
    n, columns = X.shape
    half = 1
    while half < n:
        pairs = X.reshape(n // (2 * half), 2, half, columns)
        X = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1)
        half *= 2
    return X.reshape(n, columns)


def _subsampled(transform: str, m: int, n: int, rng: Random) -> LinearOperator:
    m, n, rng = _sizes(m, n, rng, wide=True)
    signs = rng.choice(np.array([-1.0, 1.0]), size=n)
    return _SubsampledTransform(transform, rng.permutation(n)[:m], signs)


def _sizes(m: int, n: int, rng: Random, *, wide: bool) -> tuple[int, int, np.random.Generator]:
    """Validated m, n and rng; `wide` asks for m <= n."""
    n = positive_int(n, "n")
    m = whole_in(m, "m", 0, None, "a whole number of measurements >= 0")
    if wide and m > n:
        raise InputError(f"this ensemble has only n = {n} different rows, got m = {shown(m)}: use m <= n, or gaussian")
    if m * n > _MOST_ENTRIES:
        raise InputError(f"a matrix of {shown(m)} x {n} entries fits into no memory")
    return m, n, generator(rng)
