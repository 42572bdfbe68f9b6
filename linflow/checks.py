"""The gate for inputs, shared by every layer: each function returns clean values or raises one clear sentence.

One function for each kind of argument, all on one core (:mod:`linflow.arrays`) that decides what counts as numbers:

* Arrays, Series, DataArrays, lists and tuples of numbers, and PyTorch's tensors on the CPU are arrays. Python's and NumPy's
  numbers, arrays without axes, Fraction and Decimal are numbers.
* Text, booleans, dates, complex numbers where real ones are meant (also without an imaginary part), None, sets and
  generators are no numbers, and NaN and infinities are not finite. Masked entries are refused, not dropped.
* Tensors that require grad are refused: no gradient flows through NumPy.
* What comes back is a copy: no result changes with an input, and no input is changed. (Measurements alone, which may be
  large, are read where they are.)

What is right and fits into no memory is Python's MemoryError: it depends on the machine. Only an operator that would be
multiplied out into more than the machine has is refused before, because it can stand for A without that.

Layer 0, so that ``risk`` and ``estimators`` can share it without sharing any mathematics (they test each other).
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, get_args, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow.arrays import CHOICE, COMPLEX, numeric, scalar, shown
from linflow.errors import InputError, ShapeError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: One number of measurements, and arrays of them: functions of m give a float for the one, an array for the other.
Count: TypeAlias = int | np.integer[Any]
Counts: TypeAlias = NDArray[np.integer[Any] | np.floating[Any]] | Sequence[int] | Sequence[Sequence[int]]

#: Where random numbers come from: a generator, or the seed of one.
Random: TypeAlias = np.random.Generator | int

#: Entries of Gaussian measurements.
Field: TypeAlias = Literal["real", "complex"]
FIELDS: tuple[Field, ...] = get_args(Field)

#: Standard deviations of noise outside this range have squares that float64 cannot hold.
_FAINTEST, _LOUDEST = 1e-150, 1e150
#: Largest whole number up to which every whole number is a float64.
_LARGEST_COUNT = 2**53

#: Numbers of channels that images have: grey, colour, colour and opacity.
_CHANNELS = (1, 3, 4)
#: Probabilities below this would vanish when shared out.
_RAREST = 1e-280

Option = TypeVar("Option", bound=str)
Kind = TypeVar("Kind")
Function = TypeVar("Function", bound=Callable[..., Any])


# ------------------------------------------------------------------------------------------------------------- arrays


def finite_array(values: ArrayLike, name: str) -> FloatArray:
    """Float64 copy of `values`; raises unless every entry is a finite real number and none is masked."""
    with np.errstate(over="ignore"):  # of long doubles: caught below
        array = np.array(numeric(values, name, "an array of real numbers"), dtype=np.float64)
    _require_finite(array, name)
    return array


def finite_matrix(values: ArrayLike, name: str) -> NDArray[Any]:
    """`values`, real or complex, in double precision; a copy only where the precision is another."""
    array = numeric(values, name, "an array of numbers", kinds=COMPLEX)
    with np.errstate(over="ignore"):  # of long doubles: caught below
        array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64, copy=False)
    _require_finite(array, name)
    return array


def batch_of(values: ArrayLike, length: int, name: str) -> FloatArray:
    """`values` as a finite float64 array of shape (..., length)."""
    return _last_axis(finite_array(values, name), length, name)


def complex_batch_of(values: ArrayLike, length: int, name: str) -> NDArray[np.complex128]:
    """`values`, real or complex, as a finite complex128 array of shape (..., length)."""
    return _last_axis(finite_matrix(values, name), length, name).astype(np.complex128)


def _last_axis(array: NDArray[Any], length: int, name: str) -> NDArray[Any]:
    if array.ndim == 0 or array.shape[-1] != length:
        raise ShapeError(f"{name} must have shape (..., {length}), with batches on the leading axes, got {array.shape}")
    return array


def measurement_counts(m: ArrayLike, n: int | None, name: str = "m") -> IntArray:
    """`m` as an int64 array; raises unless every entry is a whole number in 0..n (n None: of any size)."""
    raw = numeric(m, name, "a whole number of measurements, or an array of them")
    if raw.dtype.kind == "f":
        raw = finite_array(raw, name)
        if np.any(raw != np.floor(raw)):
            raise InputError(f"{name} must be a whole number of measurements, got {shown(m)}")
    most = _LARGEST_COUNT if n is None else n
    if raw.size and (raw.min() < 0 or raw.max() > most):
        worst = raw.min() if raw.min() < 0 else raw.max()
        allowed = "0..2**53" if n is None else f"0..n = 0..{n}"
        raise InputError(f"{name} must lie in {allowed}, got {name} = {_plain(int(worst))}")
    return raw.astype(np.int64)


def measurement_count(m: Count, n: int | None, name: str = "m") -> int:
    """One number of measurements, a whole number in 0..n (n None: of any size)."""
    scalar(m, name, "a whole number of measurements")
    return int(measurement_counts(m, n, name))


def choice_of(values: ArrayLike, name: str) -> NDArray[Any]:
    """`values` as an array of whole numbers or of booleans, which may share their memory; never a mixture of both.

    >>> choice_of([True, False], "indices"), choice_of([2, 0], "indices")
    (array([ True, False]), array([2, 0]))
    """
    expected = "whole numbers (or a boolean mask)"
    found = numeric(values, name, expected, kinds=CHOICE)
    if found.dtype.kind != "b":
        found = numeric(values, name, expected)
    if found.dtype.kind == "f" and found.size:
        raise InputError(f"{name} must be {expected}, got the dtype {found.dtype}")
    return found


def _require_finite(array: NDArray[Any], name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        entry = array.ravel()[bad[0]]
        raise InputError(f"{name} must be finite, but entry {bad[0]} is {entry} ({bad.size} of {array.size} are not)")


# ------------------------------------------------------------------------------------------------------------ numbers


@dataclass(frozen=True)
class Interval:
    """The numbers that an argument may take; an end that is infinite does not belong to it.

    >>> str(Interval(0.0)), str(Interval(0.0, 1.0, open_low=True)), 0.0 in Interval(0.0, open_low=True)
    ('a finite number >= 0', 'a number in (0, 1]', False)
    """

    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, number: float) -> bool:
        above = self.low < number if self.open_low or math.isinf(self.low) else self.low <= number
        below = number < self.high if self.open_high or math.isinf(self.high) else number <= self.high
        return above and below

    @property
    def edges(self) -> str:
        """Both ends, as (0, 1]."""
        return f"{'(['[not self.open_low]}{self.low:g}, {self.high:g}{')]'[not self.open_high]}"

    def __str__(self) -> str:
        if math.isfinite(self.high):
            return f"a number in {self.edges}"
        if math.isinf(self.low):
            return "a finite number"
        return f"a finite number {'>' if self.open_low else '>='} {self.low:g}"


#: A finite number: of either sign, and above 0.
ANY, POSITIVE = Interval(), Interval(0.0, open_low=True)


def number_in(value: float, name: str, interval: Interval = ANY, *, expected: str | None = None) -> float:
    """`value`, one number of the `interval`, as a float; `expected` says so in other words.

    >>> number_in(np.float32(0.5), "density", Interval(0.0, 1.0, open_low=True))
    0.5
    """
    found = scalar(value, name, expected or str(interval))
    try:
        number = float(found)
    except OverflowError:
        number = math.inf
    if number not in interval:
        must = f"be {expected or interval}" if expected or math.isinf(interval.high) else f"lie in {interval.edges}"
        raise InputError(f"{name} must {must}, got {shown(value)}")
    return number


def non_negative(value: float, name: str) -> float:
    """`value` as a finite float >= 0."""
    return number_in(value, name, Interval(0.0))


def positive(value: float, name: str) -> float:
    """`value` as a finite float > 0."""
    return number_in(value, name, POSITIVE)


def until(value: float, name: str) -> float:
    """A time, `value` as a float >= 0; infinity is allowed, for the limit."""
    return extended(value, name, 0.0, "a number >= 0 (math.inf for the limit)")


def extended(value: float, name: str, low: float = -math.inf, expected: str = "a number or an infinity") -> float:
    """`value` as a float from `low` on, infinities included."""
    number = real_number(scalar(value, name, expected))
    if not number >= low:
        raise InputError(f"{name} must be {expected}, got {shown(value)}")
    return number


def noise_level(value: float, name: str = "noise_std") -> float:
    """A noise's standard deviation: 0, or in 1e-150..1e150, so that its square is a float64 number."""
    number = non_negative(value, name)
    if number != 0 and not _FAINTEST <= number <= _LOUDEST:
        raise InputError(
            f"{name} must be 0 or lie in {_FAINTEST:g}..{_LOUDEST:g}, so that its square is a float64 number, got "
            f"{number:g}: rescale the model and the noise"
        )
    return number


def probability(value: float, name: str) -> float:
    """`value` as a float strictly between 0 and 1 that may be shared out among a million."""
    expected = f"strictly between 0 and 1 (and not below {_RAREST:g})"
    number = scalar(value, name, f"a number {expected}")
    if not _RAREST <= number < 1:
        raise InputError(f"{name} must lie {expected}, got {shown(value)}")
    return float(number)


def real_number(value: object) -> float:
    """What a function returned as a float; NaN if it is not one real number: text, a masked entry, or complex.

    A truth value counts as 0 or 1 here, as in sums of them.

    >>> real_number(2), real_number(np.complex128(2.0)), real_number("2")
    (2.0, nan, nan)
    """
    if isinstance(value, bool | np.bool_):
        return float(value)
    try:
        return float(scalar(value, "the value", "one number"))
    except (InputError, OverflowError):
        return float("nan")


def whole_in(value: int, name: str, low: int, high: int | None, expected: str) -> int:
    """`value` as an int in low..high (None: of any size); `expected` says so in words."""
    number = scalar(value, name, expected)
    if not low <= number < math.inf or number != int(number) or (high is not None and number > high):
        raise InputError(f"{name} must be {expected}, got {shown(value)}")
    return int(number)


def whole_number(value: int, name: str) -> int:
    """`value` as an int >= 0, of any size: a seed."""
    return whole_in(value, name, 0, None, "a whole number >= 0")


def rounds_of(value: int, name: str) -> int:
    """`value` as an int in 0..2**53."""
    return whole_in(value, name, 0, _LARGEST_COUNT, "a whole number >= 0 (and at most 2**53)")


def positive_int(value: int, name: str) -> int:
    """`value` as an int in 1..2**53."""
    found = whole_in(value, name, 1, None, "a whole number >= 1")
    if found > _LARGEST_COUNT:
        raise InputError(f"{name} must be at most 2**53, got {shown(value)}")
    return found


def rank_in(rank: int, low: int, high: int, why: str = "", *, name: str = "rank") -> int:
    """`rank` as an int in low..high."""
    return whole_in(rank, name, low, high, f"a whole number in {low}..{high}{why}")


def numbers_of(values: ArrayLike, name: str, interval: Interval = ANY, *, length: int | None = None) -> tuple[float, ...]:
    """`values`, several numbers of the `interval` (`length` of them), as a tuple."""
    array = finite_array(values, name)
    if array.ndim != 1 or array.size == 0 or (length is not None and array.size != length):
        raise ShapeError(f"{name} must be {'several' if length is None else length} numbers, got shape {array.shape}")
    return tuple(number_in(float(value), f"each of {name}", interval) for value in array)


def sides(shape: tuple[int, ...], name: str = "shape") -> tuple[int, ...]:
    """`shape` as a tuple of whole numbers >= 1: (n,), say, or (H, W, C)."""
    given: object = shape
    if (
        isinstance(given, str | bytes | bytearray)
        or not isinstance(given, Sequence | np.ndarray)
        or getattr(given, "ndim", 1) != 1
    ):
        raise ShapeError(f"{name} must be a tuple of whole numbers, such as (H, W, C), got {shown(given)}")
    return tuple(positive_int(side, f"each side of {name}") for side in given)


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """`shape` as the (H, W, C) of an image."""
    found = sides(shape)
    if len(found) != 3:
        raise ShapeError(f"shape must be (H, W, C), got {found}")
    channels_last(found, "shape")
    return found[0], found[1], found[2]


def channels_last(shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    """`shape`, (..., H, W, C); a ShapeError where it can only be the (..., C, H, W) of other libraries.

    That is so where the place of H holds 1, 3 or 4, as channels are counted, and both after it more.

    >>> channels_last((10, 8, 8, 3), "images")
    (10, 8, 8, 3)
    >>> channels_last((10, 3, 8, 8), "images")
    Traceback (most recent call last):
        ...
    linflow.errors.ShapeError: images must have the channels last, (..., H, W, C), got shape (10, 3, 8, 8): move them with
    numpy.moveaxis(images, -3, -1)
    """
    if len(shape) >= 3 and shape[-3] in _CHANNELS and min(shape[-2:]) > max(_CHANNELS):
        turned = f"give {(*shape[-2:], shape[-3])}, and images in that order"
        move = turned if name == "shape" else f"move them with numpy.moveaxis({name}, -3, -1)"
        raise ShapeError(f"{name} must have the channels last, (..., H, W, C), got shape {shape}: {move}")
    return shape


def sample_shape(size: int | tuple[int, ...]) -> tuple[int, ...]:
    """`size` as a tuple of whole numbers >= 0."""
    expected = "a whole number >= 0 or a tuple of them"
    sizes = size if isinstance(size, tuple) else (size,)
    return tuple(whole_in(side, "size", 0, _LARGEST_COUNT, expected) for side in sizes)


# ------------------------------------------------------------------------------------------------------- other things


def one_of(value: Option, name: str, options: tuple[Option, ...]) -> Option:
    """`value`, which must be one of `options`."""
    given: object = value
    if not isinstance(given, str) or given not in options:
        raise InputError(f"{name} must be one of {', '.join(map(repr, options))}, got {shown(value)}")
    return value


def flag(value: bool, name: str) -> bool:
    """`value`, which must be True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} must be True or False, got {shown(value)}")
    return bool(value)


def collection(value: Collection[Kind], what: str, example: object) -> tuple[Kind, ...]:
    """`value`, several of `what` (at least one), as a tuple; text is no collection of letters."""
    given: object = value
    try:
        parts = () if isinstance(given, str | bytes) else tuple(value)
    except TypeError:
        parts = ()
    if not parts:
        raise InputError(f"name at least one {what} in a tuple, such as ({example!r},), got {shown(given)}")
    return parts


def instance_of(value: object, kind: type[Kind], name: str) -> Kind:
    """`value`, which must be made by the class `kind`.

    >>> instance_of([2.0, 1.0], np.random.Generator, "rng")
    Traceback (most recent call last):
        ...
    linflow.errors.InputError: rng must be a Generator of numpy, got [2.0, 1.0]
    """
    if not isinstance(value, kind):
        home = kind.__module__.split(".")[0]
        raise InputError(f"{name} must be a {kind.__name__} of {home}, got {shown(value)}")
    return value


def instances_of(values: Iterable[object], kind: type[Kind], name: str) -> list[Kind]:
    """`values` as a list, each of which must be made by the class `kind`."""
    return [instance_of(value, kind, f"each of {name}") for value in listed(values, name, kind.__name__)]


def listed(values: Iterable[Kind], name: str, what: str) -> list[Kind]:
    """`values`, several of `what`, as a list; text is no list of letters."""
    given: object = values
    try:
        if isinstance(given, str | bytes):
            raise TypeError
        return list(values)
    except Exception:  # what cannot be gone through raises a TypeError, or whatever its library does
        raise InputError(f"{name} must be several of {what}, in a list, got {shown(values)}") from None


def mapping(value: Mapping[Any, Any], name: str) -> Mapping[Any, Any]:
    """`value`, which must be a dict, or another mapping."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must be a dict, got {shown(value)}")
    return value


def label(value: str, name: str) -> str:
    """`value`, which must be text: a name for people."""
    if not isinstance(value, str):
        raise InputError(f"{name} must be text, got {shown(value)}")
    return str(value)


def path_of(value: str | os.PathLike[str], name: str) -> Path:
    """`value`, a file or folder, as a Path."""
    given: object = value
    if not isinstance(given, str | os.PathLike) or not str(given) or "\0" in str(given):
        raise InputError(f"{name} must be a path, got {shown(value)}")
    return Path(value)


def callable_of(value: Function, name: str, call: str) -> Function:
    """`value`, which must be a function; `call` says of what."""
    if not callable(value):
        raise InputError(f"{name} must be a function {call}, got {shown(value)}")
    return value


def generator(rng: Random, name: str = "rng") -> np.random.Generator:
    """`rng`, a numpy Generator, or the one of a seed: the same whole number draws the same numbers.

    None is refused, because every random result follows from a seed that somebody chose. Two calls with one seed draw the
    same numbers, whatever they are for: what is to be independent shares one generator.

    >>> generator(3).random() == np.random.default_rng(3).random()
    True
    """
    if isinstance(rng, np.random.Generator):
        return rng
    expected = "a numpy.random.Generator, or a whole number >= 0 to seed one"
    return np.random.default_rng(whole_in(rng, name, 0, None, expected))


# ------------------------------------------------------------------------------------------------------- and ways out


@overload
def scalar_or_array(values: NDArray[Any], like: Count) -> float: ...
@overload
def scalar_or_array(values: NDArray[Any], like: Counts) -> FloatArray: ...
def scalar_or_array(values: NDArray[Any], like: Count | Counts) -> float | FloatArray:
    """A Python float where `like` was a scalar, else the array: scalar m -> float, array m -> array."""
    return float(values[()]) if np.ndim(values) == 0 else values


@contextmanager
def overflow() -> Iterator[None]:
    """Where numbers may leave float64, and `representable` then says so."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        yield


@contextmanager
def vanishing() -> Iterator[None]:
    """Where numbers may be too small for float64, and are then nothing, whatever the caller has told NumPy of them."""
    with np.errstate(under="ignore"):
        yield


def representable(values: NDArray[Any], what: str) -> FloatArray:
    """`values`, the result of a computation, unless it left float64: an error, never a NaN that nobody asked for."""
    if not np.isfinite(values).all():
        raise InputError(f"{what} cannot be computed in float64, which ends at 1.8e308: rescale the problem")
    return values


def available_cores() -> int:
    """Cores that this process may use (its affinity mask, not the machine's size)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_of_machine() -> float:
    """Bytes that this process can have at most: the machine's memory, or its control group's; infinite if unknown."""
    try:
        found = float(os.sysconf("SC_PAGE_SIZE")) * float(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # on systems without either
        found = math.inf
    try:
        limit = float(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
    except (OSError, ValueError):  # no control groups, or "max"
        limit = math.inf
    return min(found, limit)


def _plain(number: int) -> str:
    """Whole numbers of hundreds of digits help nobody."""
    return str(number) if abs(number) < 10**20 else f"about {float(number):.0e}"
