"""What counts as numbers: anything becomes a plain NumPy array of numbers, or one sentence says why it does not.

The core of the gate, :mod:`linflow.checks`, and only for it. NumPy converts more than a caller means: it reads ``b"1"`` and
True as 1, takes what lies behind a mask for data, drops the imaginary part of a complex number, and makes an object of a
sparse matrix. So nothing is converted here before it is known to consist of numbers: int, float, Fraction and Decimal,
NumPy's and PyTorch's integers and floats of any width, and whatever (a Series, a DataArray) NumPy reads as these.
"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from linflow.errors import InputError, ShapeError

#: Kinds of dtypes that are real numbers, those that a complex matrix may have, and those of a choice of entries.
REAL, COMPLEX, CHOICE = "iuf", "iufc", "biuf"
#: What Python or NumPy count among the whole numbers, and nobody means by one.
_NO_INTEGERS = (bool, np.bool_, np.timedelta64)
#: NumPy has no arrays of more axes than this.
_DEEPEST = 64
#: What is shown of a value in a message.
_SHOWN = 60


class NoArray:
    """For classes of which NumPy would make an array without axes, whose one entry is the object: that is refused.

    ``class Posterior(NoArray, instead="its mean, its std or its covariance")`` names what to take.

    >>> class Pair(NoArray, instead="its left or its right"):
    ...     pass
    >>> np.asarray(Pair())
    Traceback (most recent call last):
        ...
    linflow.errors.InputError: a Pair is no array: take its left or its right
    """

    _instead: ClassVar[str] = ""

    def __init_subclass__(cls, *, instead: str = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        if instead:
            cls._instead = instead

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        raise InputError(f"{_article(self)} is no array{f': take {self._instead}' if self._instead else ''}")


def numeric(value: object, name: str, expected: str, *, kinds: str = REAL) -> NDArray[Any]:
    """`value` as an array of numbers, which may share its memory; raises unless all of it is numbers of these `kinds`.

    Parameters
    ----------
    value : anything.
    name, expected : "y" and "an array of real numbers", say: the message is made of them.
    kinds : `REAL`, `COMPLEX` or `CHOICE`.

    Raises
    ------
    InputError
        Text, booleans, dates, masked entries, complex numbers (unless they are asked for), sparse matrices, tensors that
        require grad or lie elsewhere, and anything else that is no number.
    ShapeError
        Rows of different lengths.

    Examples
    --------
    >>> from fractions import Fraction
    >>> numeric([[1, Fraction(1, 2)]], "y", "an array of real numbers")
    array([[1. , 0.5]])
    >>> numeric([1.0, True], "y", "an array of real numbers")
    Traceback (most recent call last):
        ...
    linflow.errors.InputError: y must be an array of real numbers, got True
    """
    if type(value) is not np.ndarray:
        _refuse_what_is_no_number(value, name, expected, kinds)
    if hasattr(value, "resolve_conj"):  # a tensor that is conjugated when it is read, which NumPy does not know
        value = value.resolve_conj()
    array = _converted(value, name, expected)
    if array.dtype.kind == "O":
        return _of_objects(array, name, expected)
    if array.dtype.kind not in kinds:
        raise InputError(f"{name} must be {expected}, got {_kind(value, array)}")
    return array


def scalar(value: object, name: str, expected: str) -> int | float:
    """`value` as one Python number, whole numbers exactly; raises for arrays, whatever their length, and as `numeric`.

    >>> scalar(np.float32(0.5), "noise_std", "one number"), scalar(10**30, "seed", "one number") == 10**30
    (0.5, True)
    >>> scalar([0.1, 0.2], "noise_std", "one number")
    Traceback (most recent call last):
        ...
    linflow.errors.InputError: noise_std must be one number, got an array of shape (2,)
    """
    if type(value) is int or type(value) is float:
        return value
    if isinstance(value, numbers.Integral) and not isinstance(value, _NO_INTEGERS):
        return int(value)
    array = numeric(value, name, expected)
    if array.ndim:
        raise InputError(f"{name} must be one number, got an array of shape {array.shape}")
    return int(array) if array.dtype.kind in "iu" else float(array)


def shown(value: object) -> str:
    """`value` for a message: short, in one line, whatever its `repr` does.

    >>> shown("0.1"), shown(np.zeros((2, 3))), shown({1, 2})
    ("'0.1'", 'an array of shape (2, 3)', 'a set')
    """
    if isinstance(value, np.ndarray) and value.ndim:
        return f"an array of shape {value.shape}"
    if value is None or isinstance(value, numbers.Number | np.generic | np.ndarray | str | bytes | tuple | list | Decimal):
        try:
            text = " ".join(repr(value).split())
        except Exception:  # Python does not write out whole numbers of thousands of digits, and a repr may raise anything
            return f"{_article(value)} too long to be shown"
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
    return _article(value)


def _article(value: object) -> str:
    """Its type's name with an article."""
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def _refuse_what_is_no_number(value: object, name: str, expected: str, kinds: str, *, depth: int = 0) -> None:
    """Raise for what NumPy would turn into something else without a word; sequences are looked into."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return
    if isinstance(value, bool | np.bool_) and "b" in kinds:
        return
    if isinstance(value, bool | np.bool_ | str | bytes | bytearray | type):
        raise InputError(f"{name} must be {expected}, got {shown(value)}")
    if isinstance(value, np.ma.MaskedArray):
        if np.ma.is_masked(value):
            hidden = int(np.count_nonzero(np.ma.getmaskarray(value)))
            of = f"{hidden} of {value.size}"
            raise InputError(f"{name} has masked entries ({of}): drop or fill them, no mask is honoured")
    elif hasattr(value, "detach") and hasattr(value, "requires_grad"):
        _refuse_distant_tensor(value, name)
    elif hasattr(value, "toarray"):
        raise InputError(f"{name} is a sparse matrix, and an array is needed: pass {_called(name)}.toarray()")
    elif isinstance(value, Sequence) and not isinstance(value, range | memoryview):
        if depth >= _DEEPEST:
            raise ShapeError(f"{name} must be {expected}, got lists nested more than {_DEEPEST} deep")
        for part in value:
            _refuse_what_is_no_number(part, name, expected, kinds, depth=depth + 1)
    elif depth and hasattr(value, "__array__"):  # among others its kind would be lost
        numeric(np.asarray(value), name, expected, kinds=kinds)


def _refuse_distant_tensor(tensor: Any, name: str) -> None:
    """Tensors by their behaviour: nothing here imports torch."""
    if tensor.requires_grad:
        raise InputError(f"{name} requires grad, and no gradient flows through here: pass {_called(name)}.detach()")
    if str(getattr(tensor, "layout", "torch.strided")) != "torch.strided":
        raise InputError(f"{name} is a sparse tensor: pass {_called(name)}.to_dense()")
    if str(getattr(tensor, "device", "cpu")) != "cpu":
        raise InputError(f"{name} is a tensor on the device {tensor.device}: pass {_called(name)}.cpu()")
    if str(getattr(tensor, "dtype", "")) == "torch.bfloat16":
        raise InputError(f"{name} is a tensor of bfloat16, which NumPy does not have: pass {_called(name)}.double()")


def _converted(value: object, name: str, expected: str) -> NDArray[Any]:
    try:
        return np.asarray(value)
    except ValueError:
        if isinstance(value, Sequence):
            raise ShapeError(f"{name} must be {expected}, got rows of different lengths") from None
        raise InputError(f"{name} must be {expected}, got {shown(value)}") from None
    except Exception:  # what is no array of NumPy's own may raise anything here
        raise InputError(f"{name} must be {expected}, got {shown(value)}") from None


def _of_objects(array: NDArray[Any], name: str, expected: str) -> NDArray[Any]:
    """Python's own numbers, each rounded to the nearest float64."""
    entries = np.empty(array.size)
    for index, entry in enumerate(array.ravel()):
        if isinstance(entry, _NO_INTEGERS) or not isinstance(entry, numbers.Real | Decimal):
            _refuse_what_is_no_number(entry, name, expected, REAL, depth=1)
            raise InputError(f"{name} must be {expected}, got {shown(entry)}")
        try:
            entries[index] = float(entry)
        except (OverflowError, ValueError):  # ValueError: a signalling NaN of decimal
            raise InputError(f"{name} must be {expected}, got {shown(entry)}, which is no float64 number") from None
    return entries.reshape(array.shape)


def _kind(value: object, array: NDArray[Any]) -> str:
    """What an array that holds no numbers holds instead."""
    if array.ndim == 0:
        return shown(value)
    words = {"b": "booleans", "S": "text", "U": "text", "T": "text", "M": "dates", "m": "time differences"}
    return words.get(array.dtype.kind, "complex numbers" if array.dtype.kind == "c" else f"the dtype {array.dtype}")


def _called(name: str) -> str:
    """`name` as code, where it is an argument's."""
    return name if name.isidentifier() else "it"
