"""What users hand over in the place of a number or an array: forms of a right value, and values that are wrong.

A form that is `SAME` says the same in another type: the answer must be that to the plain value. A form that is `WRONG` is
no number, no finite number, or not for this program: the call must be refused. The others are `EITHER`.
"""

from __future__ import annotations

import datetime
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse
import torch
import xarray as xr
from scipy.sparse.linalg import aslinearoperator

Meaning = Literal["same", "wrong", "either"]
SAME, WRONG, EITHER = "same", "wrong", "either"


class DoesNotApplyError(Exception):
    """The form is for other values."""


@dataclass(frozen=True)
class Form:
    """A way to write a value: `make` turns the right value into what is handed over."""

    name: str
    meaning: Meaning
    make: Callable[[Any], Any]
    #: Kinds of arguments for which it means something else.
    but: dict[str, Meaning]

    @property
    def extreme(self) -> bool:
        """Whether it is a number near the ends of float64, or an array with one."""
        return self.name in _EXTREME


_EXTREME = (
    *("tiny", "small", "large", "minus_large", "larger", "nearly_too_small", "nearly_too_large", "square_too_small"),
    *("square_too_large", "root_of_the_largest", "times_large", "times_small", "one_large", "one_small", "graded_rows"),
    *("graded_columns", "nearly_equal_rows", "to_the_end", "zero_row", "near_the_ends_of_a_spectrum", "zeros", "zero"),
    *("offset", "minus", "no_rows"),
)

FORMS: dict[str, Form] = {}


def form(meaning: Meaning, **but: Meaning) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    def register(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
        FORMS[make.__name__] = Form(make.__name__, meaning, make, but)
        return make

    return register


def constant(name: str, value: Callable[[], Any], meaning: Meaning = "wrong", **but: Meaning) -> None:
    FORMS[name] = Form(name, meaning, lambda right: value(), but)


def array(value: Any, dimensions: tuple[int, ...] = ()) -> np.ndarray[Any, Any]:
    """`value` as an array of numbers; only arrays of these dimensions, of any but 0 by default."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iuf" or (dimensions and value.ndim not in dimensions):
        raise DoesNotApplyError
    return value


def number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        raise DoesNotApplyError
    return value


# ---------------------------------------------------------------------------------------------- the same in another type


@form("same")
def a_list(value: Any) -> Any:
    return array(value).tolist()


@form("same")
def a_tuple_of_rows(value: Any) -> Any:
    return tuple(array(value))


@form("same")
def a_deque(value: Any) -> Any:
    return deque(array(value, (1,)).tolist())


@form("same")
def strided(value: Any) -> Any:
    wide = np.zeros((*array(value).shape[:-1], 2 * array(value).shape[-1]), dtype=array(value).dtype)
    wide[..., ::2] = array(value)
    return wide[..., ::2]


@form("same")
def reversed_twice(value: Any) -> Any:
    return np.ascontiguousarray(array(value)[::-1])[::-1]


@form("same")
def fortran(value: Any) -> Any:
    return np.asfortranarray(array(value))


@form("same")
def read_only(value: Any) -> Any:
    copy = array(value).copy()
    copy.flags.writeable = False
    return copy


@form("same")
def other_bytes(value: Any) -> Any:
    found = array(value)
    return found.astype(found.dtype.newbyteorder())


@form("same", indices="either")
def long_double(value: Any) -> Any:
    return array(value).astype(np.longdouble) if isinstance(value, np.ndarray) else np.longdouble(number(value))


@form("same", indices="either")
def objects(value: Any) -> Any:
    return array(value).astype(object)


@form("same")
def a_plain_masked_array(value: Any) -> Any:
    return np.ma.masked_array(array(value), mask=False)


@form("same", indices="either")
def a_tensor(value: Any) -> Any:
    return torch.from_numpy(array(value).copy())


@form("same")
def a_data_array(value: Any) -> Any:
    return xr.DataArray(array(value))


@form("same")
def a_series(value: Any) -> Any:
    return pd.Series(array(value, (1,)))


@form("same")
def a_frame(value: Any) -> Any:
    return pd.DataFrame(array(value, (2,)))


@form("same")
def an_array_without_axes(value: Any) -> Any:
    return np.array(number(value))


@form("same")
def a_numpy_number(value: Any) -> Any:
    return np.int64(number(value)) if isinstance(value, int) else np.float64(number(value))


@form("same")
def a_fraction(value: Any) -> Any:
    return Fraction(number(value))


@form("same")
def a_decimal(value: Any) -> Any:
    return Decimal(number(value))


@form("same")
def a_tensor_without_axes(value: Any) -> Any:
    return torch.tensor(number(value), dtype=torch.int64 if isinstance(value, int) else torch.float64)


@form("same")
def a_float(value: Any) -> Any:
    return float(number(value))


# ------------------------------------------------------------------------------------------------------- what is no number


@form("wrong", measurement="wrong")
def masked(value: Any) -> Any:
    hidden = np.ma.masked_array(array(value).astype(float), mask=False)
    if not hidden.size:
        raise DoesNotApplyError
    hidden[(-1,) * hidden.ndim] = np.ma.masked
    return hidden


@form("wrong")
def masked_in_a_list(value: Any) -> Any:
    if not array(value).size:
        raise DoesNotApplyError
    return [*array(value)[:-1], masked(array(value)[-1:])[0]]


@form("wrong")
def text(value: Any) -> Any:
    return str(number(value))


@form("wrong")
def written(value: Any) -> Any:
    return array(value).astype(str)


@form("wrong")
def written_as_bytes(value: Any) -> Any:
    return array(value).astype("S8")


@form("wrong")
def text_in_a_list(value: Any) -> Any:
    if not array(value).size:
        raise DoesNotApplyError
    return ["0.5", *array(value).tolist()[1:]]


@form("wrong", indices="either")
def booleans(value: Any) -> Any:
    return array(value) > 0


@form("wrong")
def a_boolean_in_a_list(value: Any) -> Any:
    return [True, *array(value, (1,)).tolist()[1:]]


@form("wrong", measurement="either", complex_matrix="either")
def complex_numbers(value: Any) -> Any:
    return array(value) + 0j if isinstance(value, np.ndarray) else complex(number(value))


@form("wrong")
def dates(value: Any) -> Any:
    return np.full(array(value).shape, np.datetime64("2020-01-01"))


@form("wrong")
def times(value: Any) -> Any:
    return array(value).astype("timedelta64[s]")


@form("wrong")
def requires_grad(value: Any) -> Any:
    return torch.tensor(value if isinstance(value, np.ndarray) else number(value), dtype=torch.float64, requires_grad=True)


@form("wrong")
def tensors_with_grad_in_a_list(value: Any) -> Any:
    return list(requires_grad(array(value, (1,))))


@form("wrong")
def bfloat16(value: Any) -> Any:
    return torch.from_numpy(array(value).copy()).to(torch.bfloat16)


@form("wrong")
def meta(value: Any) -> Any:
    return torch.from_numpy(array(value).copy()).to("meta")


@form("wrong")
def a_sparse_tensor(value: Any) -> Any:
    return torch.from_numpy(array(value).copy()).to_sparse()


@form("wrong", measurement="same")
def a_sparse_matrix(value: Any) -> Any:
    return scipy.sparse.csr_matrix(array(value, (2,)))


@form("wrong", measurement="same")
def an_operator(value: Any) -> Any:
    return aslinearoperator(array(value, (2,)))


@form("wrong")
def not_a_number(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return number(value) * np.nan
    spoiled = array(value).astype(float)
    spoiled[(0,) * spoiled.ndim if spoiled.size else ()] = np.nan
    return spoiled if spoiled.size else np.nan


@form("wrong", time="either", bound="either")
def infinite(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return number(value) * 0 + np.inf
    spoiled = array(value).astype(float)
    spoiled[(-1,) * spoiled.ndim if spoiled.size else ()] = -np.inf
    return spoiled if spoiled.size else np.inf


@form("wrong")
def a_missing_value(value: Any) -> Any:
    return pd.Series([pd.NA, *array(value, (1,)).tolist()[1:]], dtype="Float64")


@form("wrong")
def several(value: Any) -> Any:
    return np.array([number(value)] * 2)


@form("wrong")
def a_list_of_one(value: Any) -> Any:
    return [number(value)]


FORMS["several"].but.update(counts="either", array="either", mean="either", noise="either")
FORMS["an_operator"].but.update(basis="either")
FORMS["a_list_of_one"].but.update(counts="either", array="either", mean="either")


@form("wrong")
def an_iterator(value: Any) -> Any:
    return iter(array(value).tolist())


FORMS["an_iterator"].but.update(cases="either")

constant("none", lambda: None)
constant("masked_number", lambda: np.ma.masked)
constant("nan", lambda: float("nan"))
constant("word", lambda: "0.1")
constant("empty_word", lambda: "")
constant("many_lines", lambda: "one\ntwo")
constant("byte", lambda: b"1")
constant("byte_array", lambda: bytearray(b"\x01\x02"))
constant("true", lambda: True, flag="either", bound="either")
constant("numpy_false", lambda: np.False_, flag="either", bound="either")
constant("two_booleans", lambda: [True, False])
constant("imaginary", lambda: 1j)
constant("date", lambda: datetime.date(2020, 1, 1))
constant("numpy_date", lambda: np.datetime64("2020-01-01"))
constant("duration", lambda: np.timedelta64(1, "s"))
constant("a_set", lambda: {1.0, 2.0}, cases="either")
constant("a_dict", lambda: {"a": 1.0})
constant("a_generator", lambda: (float(i) for i in range(3)), cases="either")
constant("an_object", object)
constant("a_type", lambda: float, bound="either")
constant("a_function", lambda: max, bound="either")
constant("a_signalling_nan", lambda: Decimal("sNaN"))
constant("too_long", lambda: 10**400, seed="either", rng="either")
constant("ragged", lambda: [[1.0, 2.0], [3.0]])
constant("a_record", lambda: np.zeros(2, dtype=[("a", float)]))
constant("a_categorical", lambda: pd.Categorical(["a", "b"]))
constant("a_missing_number", lambda: pd.NA)
constant("an_exception", lambda: ValueError("one\ntwo"))
constant("a_random_state", lambda: random.Random(0))
# What is right here and wrong there: neither may bring a foreign error, a warning or a NaN.
constant("zero", lambda: 0, "either")
constant("minus_zero", lambda: -0.0, "either")
constant("minus_one", lambda: -1, "either")
constant("a_half", lambda: 0.5, "either")
constant("one_and_a_half", lambda: 1.5, "either")
constant("tiny", lambda: 5e-324, "either")
constant("small", lambda: 1e-300, "either")
constant("large", lambda: 1e300, "either")
constant("minus_large", lambda: -1e300, "either")
constant("larger", lambda: 1.7e308, "either")
constant("nearly_too_small", lambda: 1e-150, "either")
constant("nearly_too_large", lambda: 1e150, "either")
constant("square_too_small", lambda: 1e-160, "either")
constant("square_too_large", lambda: 1e160, "either")
constant("root_of_the_largest", lambda: 1e154, "either")
constant("three", lambda: 3, "either")
constant("beyond_int64", lambda: 2**63, "either")
constant("longer", lambda: np.longdouble("1e4000"), "either")
constant("no_numbers", lambda: [], "either")
constant("no_rows", lambda: np.zeros((0, 3)), "either")
constant("no_columns", lambda: np.zeros((3, 0)), "either")
constant("no_text", lambda: np.array([], dtype=str), "either")
constant("deep_list", lambda: [[[[1.0]]]], "either")
constant("a_range", lambda: range(3), "either")


@form("either")
def transposed(value: Any) -> Any:
    return array(value, (2, 3)).T


@form("either")
def one_axis_more(value: Any) -> Any:
    return array(value)[None]


@form("either")
def last_column_dropped(value: Any) -> Any:
    return array(value)[..., :-1]


@form("either")
def single_precision(value: Any) -> Any:
    return array(value).astype(np.float32)


@form("either")
def half_precision(value: Any) -> Any:
    return array(value).astype(np.float16)


@form("either")
def whole(value: Any) -> Any:
    return np.rint(array(value)).astype(np.int32)


@form("either")
def unsigned(value: Any) -> Any:
    return np.abs(np.rint(array(value))).astype(np.uint64)


@form("either")
def repeated_rows(value: Any) -> Any:
    found = array(value).copy()
    found[...] = found[:1]
    return found


@form("either")
def zeros(value: Any) -> Any:
    return np.zeros_like(array(value))


@form("either")
def times_large(value: Any) -> Any:
    return array(value) * 1e300


@form("either")
def times_small(value: Any) -> Any:
    return array(value) * 1e-300


@form("either")
def one_large(value: Any) -> Any:
    found = array(value).astype(float)
    if not found.size:
        raise DoesNotApplyError
    found[(0,) * found.ndim] = 1e300
    return found


@form("either")
def minus(value: Any) -> Any:
    return -array(value) if isinstance(value, np.ndarray) else -number(value)


@form("either")
def offset(value: Any) -> Any:
    return array(value) + 1e8


@form("either")
def graded_rows(value: Any) -> Any:
    found = array(value, (2,))
    return found * np.logspace(-140, 140, len(found))[:, None]


@form("either")
def graded_columns(value: Any) -> Any:
    found = array(value)
    return found * np.logspace(140, -140, found.shape[-1])


@form("either")
def one_small(value: Any) -> Any:
    found = array(value).astype(float)
    if not found.size:
        raise DoesNotApplyError
    found[(0,) * found.ndim] = 1e-300
    return found


@form("either")
def nearly_equal_rows(value: Any) -> Any:
    found = array(value, (2,)).astype(float)
    return found[:1] + 1e-15 * found


@form("either")
def to_the_end(value: Any) -> Any:
    return array(value) * 1.5e307


@form("either")
def zero_row(value: Any) -> Any:
    found = array(value, (2,)).copy()
    found[0] = 0
    return found


@form("either")
def near_the_ends_of_a_spectrum(value: Any) -> Any:
    return np.clip(np.abs(array(value)) * 1e149, 1e-150, 1e150)
