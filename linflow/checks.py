"""Validation shared by every layer: each function returns clean values or raises one clear sentence.

Layer 0, so that ``risk`` and ``estimators`` can share it without sharing any mathematics (they test each other).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, TypeVar, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow.errors import InputError, ShapeError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: One number of measurements, and arrays of them: functions of m give a float for the one, an array for the other.
Count: TypeAlias = int | np.integer[Any]
Counts: TypeAlias = NDArray[np.integer[Any] | np.floating[Any]] | Sequence[int] | Sequence[Sequence[int]]

#: Entries of Gaussian measurements.
Field: TypeAlias = Literal["real", "complex"]
FIELDS: tuple[Field, ...] = get_args(Field)

#: Standard deviations of noise outside this range have squares that float64 cannot hold.
_FAINTEST, _LOUDEST = 1e-150, 1e150
#: Largest whole number up to which every whole number is a float64.
_LARGEST_COUNT = 2**53

#: Probabilities below this would vanish when shared out.
_RAREST = 1e-280

Option = TypeVar("Option", bound=str)


def finite_array(values: ArrayLike, name: str) -> FloatArray:
    """Float64 copy of `values`; raises unless every entry is a finite real number and none is masked."""
    try:
        array = np.array(unmasked(values, name))
        if np.iscomplexobj(array):
            raise TypeError
        array = array.astype(np.float64)
    except InputError:
        raise
    except (TypeError, ValueError):
        raise InputError(f"{name} must be an array of real numbers, got {type(values).__name__}") from None
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        entry = array.ravel()[bad[0]]
        raise InputError(f"{name} must be finite, but entry {bad[0]} is {entry} ({bad.size} of {array.size} are not)")
    return array


def real_number(value: object) -> float:
    """`value` as a float; NaN if it is not one real number: text, a masked entry, or complex, whatever its parts.

    >>> real_number(2), real_number(np.complex128(2.0)), real_number("2")
    (2.0, nan, nan)
    """
    if isinstance(value, str | bytes | bytearray | complex | np.ma.MaskedArray):
        return float("nan")
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in "biuf":
        return float("nan")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def measurement_counts(m: ArrayLike, n: int | None, name: str = "m") -> IntArray:
    """`m` as an int64 array; raises unless every entry is a whole number in 0..n (n None: of any size)."""
    raw = np.asarray(unmasked(m, name))
    if raw.dtype.kind not in "iu":
        as_float = finite_array(raw, name)
        if np.any(as_float != np.floor(as_float)):
            raise InputError(f"{name} must be a whole number of measurements, got {m!r}")
        raw = as_float
    most = _LARGEST_COUNT if n is None else n
    if raw.size and (raw.min() < 0 or raw.max() > most):
        worst = raw.min() if raw.min() < 0 else raw.max()
        allowed = "0..2**53" if n is None else f"0..n = 0..{n}"
        raise InputError(f"{name} must lie in {allowed}, got {name} = {int(worst)}")
    return raw.astype(np.int64)


def rank_in(rank: int, low: int, high: int, why: str = "") -> int:
    """`rank` as an int in low..high."""
    if isinstance(rank, bool) or int(rank) != rank or not low <= rank <= high:
        raise InputError(f"rank must be a whole number in {low}..{high}{why}, got {rank}")
    return int(rank)


def non_negative(value: float, name: str) -> float:
    """`value` as a finite float >= 0."""
    number = float(value)
    if not np.isfinite(number) or number < 0:
        raise InputError(f"{name} must be a finite number >= 0, got {value}")
    return number


def noise_level(value: float) -> float:
    """A noise's standard deviation: 0, or in 1e-150..1e150, so that its square is a float64 number."""
    number = non_negative(value, "noise_std")
    if number != 0 and not _FAINTEST <= number <= _LOUDEST:
        raise InputError(
            f"noise_std must be 0 or lie in {_FAINTEST:g}..{_LOUDEST:g}, so that its square is a float64 number, got "
            f"{number:g}: rescale the model and the noise"
        )
    return number


def one_of(value: Option, name: str, options: tuple[Option, ...]) -> Option:
    """`value`, which must be one of `options`."""
    if value not in options:
        raise InputError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value


def positive_int(value: int, name: str) -> int:
    """`value` as an int >= 1."""
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise InputError(f"{name} must be a whole number >= 1, got {value}")
    return int(value)


def whole_number(value: int, name: str) -> int:
    """`value` as an int >= 0."""
    try:
        whole = not isinstance(value, bool) and int(value) == value and value >= 0
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise InputError(f"{name} must be a whole number >= 0, got {value!r}")
    return int(value)


def probability(value: float, name: str) -> float:
    """`value` as a float strictly between 0 and 1 that may be shared out among a million."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not _RAREST <= number < 1:
        raise InputError(f"{name} must lie strictly between 0 and 1 (and not below {_RAREST:g}), got {value!r}")
    return number


def batch_of(values: ArrayLike, length: int, name: str) -> FloatArray:
    """`values` as a finite float64 array of shape (..., length)."""
    array = finite_array(values, name)
    if array.ndim == 0 or array.shape[-1] != length:
        raise ShapeError(f"{name} must have shape (..., {length}), with batches on the leading axes, got {array.shape}")
    return array


def generator(rng: np.random.Generator) -> np.random.Generator:
    """`rng`, which must be a numpy Generator: no global state, no seed in disguise."""
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng must be a numpy.random.Generator, such as numpy.random.default_rng(0), got {rng!r}")
    return rng


def sample_shape(size: int | tuple[int, ...]) -> tuple[int, ...]:
    """`size` as a tuple of whole numbers >= 0."""
    sizes = size if isinstance(size, tuple) else (size,)
    if any(isinstance(s, bool) or int(s) != s or s < 0 for s in sizes):
        raise InputError(f"size must be a whole number >= 0 or a tuple of them, got {size!r}")
    return tuple(int(s) for s in sizes)


@overload
def scalar_or_array(values: NDArray[Any], like: Count) -> float: ...
@overload
def scalar_or_array(values: NDArray[Any], like: Counts) -> FloatArray: ...
def scalar_or_array(values: NDArray[Any], like: Count | Counts) -> float | FloatArray:
    """A Python float where `like` was a scalar, else the array: scalar m -> float, array m -> array."""
    return float(values[()]) if np.ndim(like) == 0 else values


def available_cores() -> int:
    """Cores that this process may use (its affinity mask, not the machine's size)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def unmasked(values: ArrayLike, name: str) -> ArrayLike:
    """`values`, unless entries are masked, as behind a dead sensor: NumPy would take what lies behind the mask for data."""
    parts = values if isinstance(values, list | tuple) else [values]
    for part in parts:
        if isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part):
            hidden = int(np.count_nonzero(np.ma.getmaskarray(part)))
            raise InputError(f"{name} has masked entries ({hidden} of {part.size}): drop or fill them, no mask is honoured")
        if part is not values and isinstance(part, list | tuple):
            unmasked(part, name)
    return values
