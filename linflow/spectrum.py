"""`Spectrum`: the singular values of a linear invertible model, and everything that depends on them alone.

Because Gaussian measurements are rotation invariant, the expected error of the linear model depends on G only through
its singular values. That makes a spectrum the one input of every bound, oracle, prediction and simulation.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from linflow.arrays import numeric, shown
from linflow.checks import (
    Count,
    Counts,
    FloatArray,
    IntArray,
    Interval,
    finite_array,
    label,
    listed,
    measurement_count,
    measurement_counts,
    non_negative,
    number_in,
    positive,
    positive_int,
    rank_in,
    scalar_or_array,
)
from linflow.errors import InputError, ShapeError
from linflow.moments import Moments, mapped, weight_of_identity

#: Singular values outside this range have squares that float64 cannot hold.
SMALLEST, LARGEST = 1e-150, 1e150
#: A column whose values differ by at most so many units of rounding says nothing: that is less than the arithmetic of
#: whoever made it, or of a mean, leaves of equal numbers.
_ROUNDING = 4
#: Largest difference of the two halves of a covariance, in units of its largest entry, that counts as rounding.
_SYMMETRY = 1e-10
_SHRINKAGE = "'oas', 'ledoit-wolf' or a number in 0..1"


@dataclass(frozen=True, eq=False, init=False, repr=False)
class Spectrum:
    r"""Singular values ``sigma_1 >= ... >= sigma_n > 0`` of a linear flow ``x = mu + G z``, with a name.

    Parameters
    ----------
    singular_values : (n,) array, [x]
        Finite and positive, in any order: they are sorted (nothing is lost, only the set matters) and kept read-only.
        Each must lie in 1e-150..1e150, because every formula uses the squares.
    name : str
        Appears in tables and legends.

    Raises
    ------
    InputError
        Empty, not one-dimensional, not finite, not positive, or outside 1e-150..1e150.

    Examples
    --------
    >>> spectrum = Spectrum([1.0, 3.0, 2.0])
    >>> spectrum.singular_values
    array([3., 2., 1.])
    >>> spectrum.tail(1) == 2.0**2 + 1.0**2
    True

    It is read as the array of its singular values:

    >>> np.log10(spectrum).size, list(spectrum), spectrum[0], spectrum[1:]
    (3, [3.0, 2.0, 1.0], 3.0, array([2., 1.]))
    """

    singular_values: FloatArray
    name: str

    def __init__(self, singular_values: ArrayLike, *, name: str = "spectrum") -> None:
        values = finite_array(singular_values, "singular values")
        if values.ndim != 1 or values.size == 0:
            raise ShapeError(f"a spectrum needs a non-empty, one-dimensional array, got shape {values.shape}")
        if values.min() <= 0:
            raise InputError(
                f"singular values must be positive, but the smallest is {values.min():g}: an invertible model has none "
                "that is zero (drop those directions, or regularise the covariance)"
            )
        if values.min() < SMALLEST or values.max() > LARGEST:
            raise InputError(
                f"singular values must lie in {SMALLEST:g}..{LARGEST:g} so that their squares are float64 numbers, got "
                f"{values.min():g}..{values.max():g}: rescale them, or drop the smallest"
            )
        values = np.sort(values)[::-1].copy()
        values.flags.writeable = False
        object.__setattr__(self, "singular_values", values)
        object.__setattr__(self, "name", label(name, "name"))

    # ------------------------------------------------------------------------------------------------ families

    @classmethod
    def from_values(cls, values: ArrayLike, *, name: str = "values") -> Spectrum:
        """Spectrum with the given singular values, in any order.

        >>> Spectrum.from_values([0.5, 1.0], name="pair").n
        2
        """
        return cls(values, name=name)

    @classmethod
    def power_law(cls, n: int, exponent: float = 1.0) -> Spectrum:
        """``sigma_i = i**-exponent``, i = 1..n.

        >>> Spectrum.power_law(n=4, exponent=1.0).singular_values
        array([1.        , 0.5       , 0.33333333, 0.25      ])
        """
        exponent = non_negative(exponent, "exponent")
        i = np.arange(1, positive_int(n, "n") + 1, dtype=np.float64)
        return cls(i**-exponent, name=f"power law {exponent:g}")

    @classmethod
    def exponential(cls, n: int, rate: float = 0.25) -> Spectrum:
        """``sigma_i = exp(-rate * (i - 1))``, i = 1..n.

        >>> bool(np.isclose(Spectrum.exponential(n=3, rate=1.0).singular_values[2], np.exp(-2.0)))
        True
        """
        rate = non_negative(rate, "rate")
        with np.errstate(over="ignore"):  # of the exponent: the value is then 0, and refused
            values = np.exp(-rate * np.arange(positive_int(n, "n")))
        return cls(values, name=f"exponential {rate:g}")

    @classmethod
    def step(cls, n: int, rank: int, floor: float = 1e-3) -> Spectrum:
        """`rank` ones, then ``n - rank`` values equal to `floor`.

        >>> Spectrum.step(n=3, rank=1, floor=0.1).singular_values
        array([1. , 0.1, 0.1])
        """
        n, floor = positive_int(n, "n"), positive(floor, "floor")
        rank = rank_in(rank, 0, n)
        return cls(np.where(np.arange(n) < rank, 1.0, floor), name=f"step {rank}, floor {floor:g}")

    @classmethod
    def flat(cls, n: int, value: float = 1.0) -> Spectrum:
        """Every singular value equal to `value`.

        >>> Spectrum.flat(n=3, value=2.0).energy
        12.0
        """
        return cls(np.full(positive_int(n, "n"), positive(value, "value")), name="flat")

    @classmethod
    def spiked(cls, n: int, spikes: Sequence[float] = (30.0, 20.0, 10.0), bulk: float = 1.0) -> Spectrum:
        """The given `spikes`, and ``n - len(spikes)`` values equal to `bulk`.

        >>> Spectrum.spiked(n=4, spikes=(5.0,), bulk=1.0).singular_values
        array([5., 1., 1., 1.])
        """
        n, large = positive_int(n, "n"), finite_array(spikes, "spikes")
        if large.ndim != 1:
            raise ShapeError(f"spikes must be one-dimensional, got shape {large.shape}")
        if large.size > n:
            raise InputError(f"{large.size} spikes do not fit into n = {n} singular values")
        values = np.concatenate([large, np.full(n - large.size, positive(bulk, "bulk"))])
        return cls(values, name=f"{large.size} spikes")

    @classmethod
    def log_spaced(cls, n: int, condition: float = 1e6) -> Spectrum:
        """From 1 down to ``1 / condition`` in equal ratios.

        >>> Spectrum.log_spaced(n=3, condition=100.0).singular_values
        array([1.  , 0.1 , 0.01])
        """
        condition = number_in(condition, "condition", Interval(1.0))
        return cls(np.logspace(0.0, -np.log10(condition), positive_int(n, "n")), name=f"log-spaced {condition:.0e}")

    @classmethod
    def from_data(cls, X: ArrayLike, *, shrinkage: str | float = "oas", name: str = "data") -> Spectrum:
        r"""Spectrum of the Gaussian model fitted to data: square roots of the eigenvalues of a shrunk covariance.

        Parameters
        ----------
        X : (samples, n) array, rows are samples, [x]
        shrinkage : "oas", "ledoit-wolf", or a float rho in [0, 1]
            The covariance is ``(1 - rho) S + rho tr(S)/n I`` with S the sample covariance; "oas" and "ledoit-wolf"
            choose rho from the data (Chen et al. 2010; Ledoit & Wolf 2004; the same values as scikit-learn's).

        A memory-mapped `X` with at least as many samples as dimensions is read once, by blocks of rows, and never held: the
        variances are then those of the covariance, to rounding in units of the largest.

        Raises
        ------
        InputError
            Fewer than two samples, constant data, or a singular covariance (rho = 0 and fewer samples than dimensions).

        Examples
        --------
        >>> X = np.random.default_rng(0).standard_normal((2000, 3)) * [3.0, 2.0, 1.0]
        >>> np.round(Spectrum.from_data(X).singular_values, 1)
        array([3., 2., 1.])
        """
        if (rows := mapped(X)) is not None:
            return cls(np.sqrt(model_of_mapped(rows, shrinkage)[1]), name=name)
        X, rho, centred = centred_with_shrinkage(X, shrinkage)
        shrunk = shrunk_variances(np.linalg.svd(centred, compute_uv=False), centred.shape, rho)
        return cls(np.sqrt(shrunk), name=name)

    @classmethod
    def from_covariance(cls, C: ArrayLike, *, name: str = "covariance") -> Spectrum:
        r"""Spectrum of the Gaussian model with covariance `C`: the square roots of its eigenvalues.

        Parameters
        ----------
        C : (n, n) symmetric, positive definite array, or the (n,) variances of a diagonal one, [x]^2
            Symmetric to 1e-10 of its largest entry (the mean of both halves is taken). Eigenvalues up to ``n eps`` times
            the largest are rounding, and a matrix that has them counts as singular; a diagonal is taken as it is.

        Raises
        ------
        ShapeError
            Neither a square matrix nor a vector.
        InputError
            Not symmetric, not positive definite, or singular.

        Examples
        --------
        >>> Spectrum.from_covariance([[2.0, 1.0], [1.0, 2.0]]).singular_values ** 2
        array([3., 1.])
        >>> Spectrum.from_covariance([1.0, 4.0]).singular_values
        array([2., 1.])
        """
        return cls(np.sqrt(eigen_of_covariance(C)[0]), name=name)

    @classmethod
    def concatenate(cls, spectra: Sequence[Spectrum | ArrayLike], *, name: str | None = None) -> Spectrum:
        """Singular values of the block-diagonal model made of `spectra` (independent parts of one signal).

        >>> Spectrum.concatenate([Spectrum.flat(2), Spectrum.flat(1, value=3.0)]).singular_values
        array([3., 1., 1.])
        """
        parts = [spectrum_of(part, "each of spectra") for part in listed(spectra, "spectra", "Spectrum")]
        if not parts:
            raise InputError("concatenate needs at least one spectrum")
        values = np.concatenate([s.singular_values for s in parts])
        return cls(values, name=" + ".join(s.name for s in parts) if name is None else name)

    def scaled(self, factor: float, *, name: str | None = None) -> Spectrum:
        """Every singular value times `factor` > 0; errors and bounds scale with its square.

        >>> Spectrum.flat(2).scaled(3.0).energy
        18.0
        """
        factor = positive(factor, "factor")
        with np.errstate(over="ignore"):  # what is too large is refused as a singular value
            values = self.singular_values * factor
        return Spectrum(values, name=f"{factor:g} x {self.name}" if name is None else name)

    def named(self, name: str) -> Spectrum:
        """The same values under another name."""
        return Spectrum(self.singular_values, name=name)

    # ------------------------------------------------------------------------------------------------ quantities

    @property
    def n(self) -> int:
        """Dimension of the signal."""
        return int(self.singular_values.size)

    def __len__(self) -> int:
        return self.n

    def __iter__(self) -> Iterator[float]:
        return iter(self.singular_values.tolist())

    @overload
    def __getitem__(self, index: SupportsIndex) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> FloatArray: ...
    def __getitem__(self, index: SupportsIndex | slice) -> float | FloatArray:
        if isinstance(index, slice):
            return self.singular_values[index]
        return float(self.singular_values[operator.index(index)])

    # Without this NumPy would make an array without axes of it, whose one entry is the object.
    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.singular_values, dtype=dtype, copy=copy)

    @cached_property
    def variances(self) -> FloatArray:
        """``l_i = sigma_i**2``, descending, read-only, [x]^2."""
        return _read_only(self.singular_values**2)

    @cached_property
    def _tails(self) -> FloatArray:
        # Summed from the smallest up, in extended precision where the platform has it: each tail is then accurate
        # relative to itself, however far it lies below the total.
        sums = np.cumsum(self.variances[::-1], dtype=np.longdouble)[::-1]
        return _read_only(np.append(sums, 0.0).astype(np.float64))

    @property
    def energy(self) -> float:
        """``sum_i sigma_i**2`` = E ||x - mu||^2, [x]^2."""
        return float(self._tails[0])

    @overload
    def tail(self, m: Count) -> float: ...
    @overload
    def tail(self, m: Counts) -> FloatArray: ...
    def tail(self, m: Count | Counts) -> float | FloatArray:
        """``sum_{i > m} sigma_i**2``, the best rank-m error, [x]^2; scalar m -> float, array m -> array.

        >>> Spectrum.power_law(n=3).tail([0, 3])
        array([1.36111111, 0.        ])
        """
        return scalar_or_array(self._tails[measurement_counts(m, self.n)], m)

    def effective_rank(self, k: int = 0) -> float:
        r"""``r_k = sum_{i > k} l_i / l_{k+1}``: how many directions of the size of the (k+1)-st the tail amounts to.

        ``k = 0`` is the intrinsic dimension tr(C)/||C|| of the covariance (Koltchinskii & Lounici 2017); general k is
        the effective rank of the benign-overfitting literature (Bartlett, Long, Lugosi & Tsigler 2020).

        >>> Spectrum.step(n=10, rank=4, floor=1e-6).effective_rank()
        4.000000000006
        """
        k = rank_in(k, 0, self.n - 1, name="k")
        return float(self._tails[k] / self.variances[k])

    @property
    def condition(self) -> float:
        """``sigma_1 / sigma_n``."""
        return float(self.singular_values[0] / self.singular_values[-1])

    @cached_property
    def key(self) -> str:
        """Hexadecimal digest of the values alone: equal for equal spectra, whatever their names."""
        return hashlib.sha256(self.singular_values.tobytes()).hexdigest()

    @property
    def content_key(self) -> str:
        """What :func:`linflow.identity.content` takes a spectrum to be: its values; names are for people only."""
        return self.key

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spectrum):
            return NotImplemented
        return np.array_equal(self.singular_values, other.singular_values)

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        first, last = self.singular_values[0], self.singular_values[-1]
        return f"Spectrum({self.name!r}, n={self.n}, sigma_1={first:.4g}, sigma_n={last:.4g})"


def spectrum_of(spectrum: Spectrum | ArrayLike, name: str = "spectrum") -> Spectrum:
    """`spectrum` as a Spectrum; an array of singular values is one without a name of its own.

    >>> spectrum_of([1.0, 3.0]) == Spectrum([3.0, 1.0])
    True
    >>> spectrum_of("flat")
    Traceback (most recent call last):
        ...
    linflow.errors.InputError: spectrum must be a Spectrum, or an (n,) array of singular values, got 'flat'
    """
    return ordered(spectrum, name)[0]


def ordered(spectrum: Spectrum | ArrayLike, name: str = "spectrum") -> tuple[Spectrum, IntArray | None]:
    """`spectrum` as a Spectrum, and where its values lay in the array that was given: value k at ``order[k]``.

    For what belongs to the values one by one, such as columns and variances. None where nothing moved: a Spectrum, or an
    array that descends already.

    >>> ordered([1.0, 3.0, 2.0])[1].tolist(), ordered([3.0, 2.0, 1.0])[1]
    ([1, 2, 0], None)
    """
    if isinstance(spectrum, Spectrum):
        return spectrum, None
    if isinstance(getattr(spectrum, "spectrum", None), Spectrum):  # a flow, or a case
        raise InputError(
            f"{name} must be a Spectrum, or an (n,) array of singular values, got {shown(spectrum)}: pass its spectrum"
        )
    values = numeric(spectrum, name, "a Spectrum, or an (n,) array of singular values")
    made = Spectrum.from_values(values)
    order = np.argsort(-np.asarray(values, dtype=np.float64), kind="stable")
    return made, None if np.array_equal(order, np.arange(order.size)) else order


def counts_for(spectrum: Spectrum | ArrayLike, m: ArrayLike) -> tuple[Spectrum, IntArray]:
    """`spectrum` as a Spectrum, and `m` as an int64 array of numbers of measurements in 0..n."""
    found = spectrum_of(spectrum)
    return found, measurement_counts(m, found.n)


def count_for(spectrum: Spectrum | ArrayLike, m: Count) -> tuple[Spectrum, int]:
    """`spectrum` as a Spectrum, and one number of measurements in 0..n."""
    found = spectrum_of(spectrum)
    return found, measurement_count(m, found.n)


def _read_only(values: FloatArray) -> FloatArray:
    values.flags.writeable = False
    return values


def eigen_of_covariance(C: ArrayLike) -> tuple[FloatArray, FloatArray | None]:
    """Descending eigenvalues of a covariance and its eigenvectors (columns), None for the unit vectors in their order."""
    C = finite_array(C, "the covariance")
    if C.ndim not in (1, 2) or C.size == 0 or C.shape[0] != C.shape[-1]:
        raise ShapeError(f"a covariance is a square (n, n) matrix, or a vector of n variances, got shape {C.shape}")
    largest = float(np.abs(C).max())
    if C.ndim == 2:
        gap = np.abs(C / 2 - C.T / 2) * 2
        if gap.max() > _SYMMETRY * largest:
            i, j = np.unravel_index(int(gap.argmax()), C.shape)
            raise InputError(
                f"a covariance is symmetric, but entries ({i}, {j}) and ({j}, {i}) are {C[i, j]:g} and {C[j, i]:g}"
            )
        if np.count_nonzero(C) == np.count_nonzero(C.diagonal()):
            C = C.diagonal()
    if C.ndim == 1:
        if C.min() <= 0:
            raise InputError(f"variances must be positive, but the smallest is {C.min():g}: drop those directions")
        order = np.argsort(-C, kind="stable")
        return C[order], None if np.array_equal(order, np.arange(C.size)) else np.eye(C.size)[:, order]
    values, basis = np.linalg.eigh(C / 2 + C.T / 2)
    margin = C.shape[0] * np.finfo(np.float64).eps * float(np.abs(values).max())
    if values[0] < -margin:
        raise InputError(f"a covariance has no negative eigenvalue, but the smallest of this matrix is {values[0]:g}")
    if values[0] <= margin:
        raise InputError(
            f"the covariance is singular to rounding (eigenvalues {values[0]:.3g}..{values[-1]:.3g}): an invertible model "
            "has no variance that is zero; drop those directions, or add a multiple of the identity"
        )
    return values[::-1], np.ascontiguousarray(basis[:, ::-1])


def centred_with_shrinkage(X: ArrayLike, shrinkage: str | float) -> tuple[FloatArray, float, FloatArray]:
    """Validated samples, the shrinkage intensity rho, and the centred samples."""
    X = finite_array(X, "data")
    if X.ndim != 2 or X.shape[1] == 0:
        raise ShapeError(f"data must be a (samples, n) array with one sample a row, got shape {X.shape}")
    if X.shape[0] < 2:
        raise InputError(f"fitting a spectrum needs at least 2 samples, got {X.shape[0]}")
    size = np.abs(X).max(axis=0)
    if size.max() > LARGEST:
        raise InputError(f"data must lie within {LARGEST:g}, as their squares are float64 numbers then, got {size.max():g}")
    _require_spread(X.max(axis=0) - X.min(axis=0), size)
    centred = X - X.mean(axis=0)
    # Twice: the first mean is rounded as the offset is, which could outweigh small variances, and the mean of equal numbers
    # need not be that number. What the rounding leaves of those is a few units in their last place, whose mean is exact.
    centred -= centred.mean(axis=0)
    return X, shrinkage_intensity(centred, shrinkage), centred


def _require_spread(ranges: FloatArray, size: FloatArray) -> None:
    if np.all(ranges <= _ROUNDING * np.finfo(np.float64).eps * size):
        raise InputError("the data are constant: every sample is the same to rounding, so there is no spectrum to fit")


def shrunk_variances(centred_values: ArrayLike, shape: tuple[int, ...], rho: float) -> FloatArray:
    """Descending eigenvalues of ``(1 - rho) S + rho tr(S)/n I``, from singular values of (samples, n) centred data."""
    samples, n = shape
    with np.errstate(over="ignore"):  # refused below
        squares = np.asarray(centred_values, dtype=np.float64) ** 2
    variances = np.zeros(n)
    variances[: squares.size] = squares / samples
    if not np.isfinite(variances).all():
        raise InputError("the covariance of the data is too large for float64: rescale them")
    shrunk: FloatArray = (1 - rho) * variances + rho * variances.mean()
    if shrunk.min() <= shrunk.max() * np.finfo(float).eps * n:
        raise InputError(
            f"the covariance of {samples} samples in {n} dimensions is singular with shrinkage {rho:g}: "
            "use shrinkage='oas', more samples, or drop constant coordinates"
        )
    return shrunk


def shrinkage_intensity(centred: FloatArray, shrinkage: str | float) -> float:
    """The weight rho in [0, 1] that `shrinkage` gives to the identity, for centred samples (rows).

    Both rules need only ``tr S``, ``tr S^2`` and the fourth powers of the samples' norms, which the small one of the two
    Gram matrices gives: at n = 4096 that is several hundred times faster than forming S, as scikit-learn does. (Its
    values are the tests' reference.)
    """
    if not isinstance(shrinkage, str):
        return number_in(shrinkage, "shrinkage", Interval(0.0, 1.0), expected=_SHRINKAGE)
    samples, n = centred.shape
    # In units of the largest entry, so that fourth powers neither overflow nor vanish.
    X = centred / np.abs(centred).max()
    gram = X @ X.T if samples <= n else X.T @ X
    trace, trace_of_square = float(np.trace(gram)) / samples, float(np.sum(gram**2)) / samples**2
    fourth = float(np.sum(np.sum(X**2, axis=1) ** 2)) / samples
    return _weight(shrinkage, samples=samples, n=n, trace=trace, trace_of_square=trace_of_square, fourth=fourth)


def _weight(shrinkage: str, **sums: Any) -> float:
    found = weight_of_identity(shrinkage, **sums)
    if found is None:
        raise InputError(f"shrinkage must be {_SHRINKAGE}, got {shown(shrinkage)}")
    return found


def model_of_mapped(X: NDArray[Any], shrinkage: str | float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, descending shrunk variances and their eigenvectors (columns), of samples on the disk, read once."""
    moments = Moments.of(X)
    samples, n = moments.samples, X.shape[1]
    size = np.maximum(np.abs(moments.least), np.abs(moments.greatest))
    _require_spread(moments.greatest - moments.least, size)
    S = moments.covariance
    if isinstance(shrinkage, str):
        sums = {"trace": float(np.trace(S)), "trace_of_square": float(np.sum(S**2)), "fourth": moments.fourth}
        rho = _weight(shrinkage, samples=samples, n=n, **sums)
    else:
        rho = number_in(shrinkage, "shrinkage", Interval(0.0, 1.0), expected=_SHRINKAGE)
    variances, basis = np.linalg.eigh(S)
    # Rounding may leave those that are zero on either side of it.
    scaled = np.sqrt(np.maximum(variances[::-1], 0.0) * samples) * moments.unit
    return moments.mean, shrunk_variances(scaled, (samples, n), rho), np.ascontiguousarray(basis[:, ::-1])
