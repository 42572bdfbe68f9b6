"""The gate for inputs: what is a number, the sentence for what is none, and that nothing is shared or changed."""

from __future__ import annotations

import array
import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import linflow as lf
from linflow import checks
from linflow.arrays import numeric, scalar, shown
from linflow.errors import InputError, ShapeError

FLOW = lf.LinearFlow.from_spectrum([2.0, 1.0])
#: As users call it, unchecked.
raw: Any = lf
FLAT = raw.Spectrum.flat(4)
DOUBLE = torch.ones(2, dtype=torch.float64)

#: what is handed over as y -> what is said
NO_ARRAYS: dict[str, tuple[Any, str]] = {
    "masked": (np.ma.masked_array([1.0, 1e6], mask=[False, True]), "y has masked entries (1 of 2): drop or fill them"),
    "masked in a list": ([1.0, np.ma.masked], "y has masked entries"),
    "text": (["0.1", "0.2"], "y must be an array of real numbers, got '0.1'"),
    "array of text": (np.array(["1", "2"]), "y must be an array of real numbers, got text"),
    "bytes": (np.array([b"1", b"2"]), "got text"),
    "booleans": (np.array([True, False]), "got booleans"),
    "one boolean": ([1.0, np.True_], "got np.True_"),
    "dates": (np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"), "got dates"),
    "durations": (np.array([1, 2], dtype="m8[s]"), "got time differences"),
    "durations as objects": (np.array([np.timedelta64(1, "s"), 1.0], dtype=object), "timedelta64[s]"),
    "date": ([1.0, datetime.date(2020, 1, 1)], "got a date"),
    "complex": (np.array([1.0 + 0j, 2.0]), "got complex numbers"),
    "complex in a list": ([1.0, 2.0 + 0j], "got complex numbers"),
    "none": ([1.0, None], "got None"),
    "set": ({1.0, 2.0}, "got a set"),
    "dict": ({"y": [1.0, 2.0]}, "got a dict"),
    "generator": ((float(i) for i in range(2)), "got a generator"),
    "ragged": ([[1.0, 2.0], [3.0]], "got rows of different lengths"),
    "record": (np.zeros(2, dtype=[("a", float)]), "got the dtype"),
    "grad": (DOUBLE.clone().requires_grad_(), "y requires grad, and no gradient flows through here: pass y.detach()"),
    "grad in a list": ([torch.tensor(1.0, requires_grad=True), 1.0], "requires grad"),
    "bfloat16": (DOUBLE.to(torch.bfloat16), "bfloat16, which NumPy does not have: pass y.double()"),
    "elsewhere": (DOUBLE.to("meta"), "a tensor on the device meta: pass y.cpu()"),
    "sparse tensor": (torch.eye(2).to_sparse(), "a sparse tensor: pass y.to_dense()"),
    "sparse matrix": (
        scipy.sparse.eye(2).tocsr(),
        "y is a sparse matrix, and an array is needed: pass y.toarray()",
    ),
    "missing": (pd.Series([1, None], dtype="Int64"), "y must be "),
    "words in a series": (pd.Series(["a", "b"]), "y must be an array of real numbers, got"),
    "nan": ([np.nan, 1.0], "y must be finite, but entry 0 is nan (1 of 2 are not)"),
    "infinite": ([1.0, -np.inf], "entry 1 is -inf"),
    "too long": ([10**400, 1], "which is no float64 number"),
    "long double": (np.array(["1e4000", "1"], dtype=np.longdouble), "y must be finite"),
}


@pytest.mark.parametrize("name", NO_ARRAYS)
def test_what_is_no_array_of_numbers_is_one_sentence(name: str) -> None:
    value, words = NO_ARRAYS[name]
    with pytest.raises(InputError) as error:
        lf.mle(FLOW, np.eye(2), value)
    assert words in str(error.value)
    assert str(error.value).startswith("y ")
    assert "\n" not in str(error.value)


#: forms of [1.0, 2.0]
ARRAYS: dict[str, Any] = {
    "tuple": (1, 2.0),
    "fractions": [Fraction(1), Decimal(2)],
    "objects": np.array([1, np.float32(2.0)], dtype=object),
    "float32": np.array([1, 2], dtype=np.float32),
    "long double": np.array([1, 2], dtype=np.longdouble),
    "unsigned": np.array([1, 2], dtype=np.uint8),
    "matrix row": np.ma.masked_array([1.0, 2.0], mask=False),
    "tensor": torch.tensor([1.0, 2.0]),
    "list of tensors": [torch.tensor(1.0), torch.tensor(2.0)],
    "series": pd.Series([1.0, 2.0], index=[5, 3]),
    "nullable": pd.Series([1, 2], dtype="Int64"),
    "labelled": xr.DataArray([1.0, 2.0], dims="m"),
    "range": range(1, 3),
    "buffer": memoryview(array.array("d", [1.0, 2.0])),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_numbers_in_any_form(name: str) -> None:
    found = checks.finite_array(ARRAYS[name], "y")
    assert found.tolist() == [1.0, 2.0]
    assert found.dtype == np.float64
    assert type(found) is np.ndarray


#: what is handed over as noise_std -> what is said
NO_NUMBERS: dict[str, tuple[Any, str]] = {
    "too many": ([0.1, 0.2, 0.3], "noise_std must be one number, (2,) standard deviations or a (2, 2) covariance"),
    "one in a list": ([0.1], "for m = 2 measurements, got shape (1,)"),
    "text in a list": ([0.1, "0.2"], "noise_std must be an array of real numbers, got '0.2'"),
    "negative in a list": ([0.1, -0.2], "noise_std must be standard deviations >= 0, but entry 1 is -0.2"),
    "nan in a list": ([0.1, np.nan], "noise_std must be finite"),
    "text": ("0.1", "noise_std must be a finite number >= 0, got '0.1'"),
    "none": (None, "noise_std must be a finite number >= 0, got None"),
    "true": (True, "noise_std must be a finite number >= 0, got True"),
    "masked": (np.ma.masked, "noise_std has masked entries"),
    "complex": (1 + 0j, "noise_std must be a finite number >= 0, got (1+0j)"),
    "duration": (np.timedelta64(1, "s"), "noise_std must be a finite number >= 0, got np.timedelta64(1,'s')"),
    "negative": (-0.1, "noise_std must be a finite number >= 0, got -0.1"),
    "nan": (np.nan, "noise_std must be a finite number >= 0, got nan"),
    "too long": (10**5000, "noise_std must be a finite number >= 0, got an int too long to be shown"),
    "grad": (torch.tensor(0.1, requires_grad=True), "noise_std requires grad"),
}


@pytest.mark.parametrize("name", NO_NUMBERS)
def test_what_is_no_number_is_one_sentence(name: str) -> None:
    value, words = NO_NUMBERS[name]
    with pytest.raises(InputError) as error:
        lf.map_estimate(FLOW, np.eye(2), [1.0, 1.0], noise_std=value)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("one", [1, np.int8(1), np.float32(1), np.array(1.0), Fraction(1), Decimal(1), torch.tensor(1.0)])
def test_one_number_in_any_form(one: Any) -> None:
    assert checks.non_negative(one, "noise_std") == 1.0
    assert checks.positive_int(one, "n") == 1
    assert type(checks.positive_int(one, "n")) is int
    assert lf.Spectrum.flat(3).tail(one) == 2.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: raw.Spectrum.flat(1e300), "n must be at most 2**53, got 1e+300"),
        (lambda: raw.Spectrum.flat(2.5), "n must be a whole number >= 1, got 2.5"),
        (lambda: FLAT.tail(1e300), "m must lie in 0..n = 0..4, got m = about 1e+300"),
        (lambda: FLAT.tail([1, 10**400]), "which is no float64 number"),
        (
            lambda: raw.risk.equivalent(FLAT, "2"),
            "m must be a whole number of measurements, or an array",
        ),
        (
            lambda: raw.risk.theorem_upper("flat", 1),
            "spectrum must be a Spectrum, or an (n,) array of singular values, got",
        ),
        (lambda: raw.risk.theorem_upper(FLOW, 1), "got a LinearFlow: pass its spectrum"),
        (
            lambda: raw.risk.simulate(FLAT, trials=[2], seed=0),
            "trials must be one number, got an array of",
        ),
        (
            lambda: raw.risk.exact(FLAT, 1, field=np.array(["real"])),
            "field must be one of 'real', 'complex'",
        ),
        (lambda: raw.measurement.gaussian(2**52, 2**52, np.random.default_rng(0)), "fits into no memory"),
        (
            lambda: raw.Case(FLAT, 1),
            "m must be a sequence of numbers of measurements, got shape ()",
        ),
        (
            lambda: raw.measurement.row_sampling([True, 2], 3),
            "indices must be whole numbers (or a boolean mask), got True",
        ),
        (
            lambda: raw.Claim(name="c", statement="", kind="upper", value=max, every_draw=1),
            "must be True or False, got 1",
        ),
        (lambda: raw.Claim(name="c\x1b", statement="", kind="upper", value=max), "must be a word without spaces"),
        (lambda: raw.Claim(name="c\udcff", statement="", kind="upper", value=max), "must be a word without spaces"),
        (lambda: raw.Claim(name="c", statement=None, kind="upper", value=max), "statement of claim 'c' must be text"),
        (lambda: raw.Claim(name="c", statement="\udcff", kind="upper", value=max), "statement of claim 'c' must be text"),
        (lambda: raw.Claim(name="c", statement="", kind="upper", value=max, source=3), "source of claim 'c' must be text"),
    ],
)
def test_other_kinds_of_arguments(call: Any, words: str) -> None:
    with pytest.raises(InputError) as error:
        call()
    assert words in str(error.value)


def test_numbers_are_no_arrays() -> None:
    for call in (
        lambda: lf.mle(FLOW, np.eye(2), 1.0),
        lambda: lf.mle(FLOW, 1.0, [1.0, 2.0]),
        lambda: lf.Spectrum(3.0),
        lambda: FLOW.log_prob(0.5),
        lambda: lf.basis_pursuit(1.0, [1.0]),
        lambda: lf.LinearFlow.fit(1.0),
    ):
        with pytest.raises(ShapeError, match="shape"):
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: FLOW.forward([1e308, 1.0]),
        lambda: lf.LinearFlow.from_spectrum([2.0, 1e-10]).inverse([0.0, 1e308]),
        lambda: lf.mle(FLOW, [[1e-300, 0.0]], [1e300]),
        lambda: lf.measurement.apply([[1e200, 1.0]], [1e200, 1.0]),
    ],
)
def test_what_leaves_float64_is_an_error(call: Any) -> None:
    with pytest.raises(InputError, match="cannot be computed in float64"):
        call()
    assert FLOW.log_prob([1e308, 1.0]) == -np.inf  # this one is right


def test_huge_seeds_and_edges_are_fine() -> None:
    curves = lf.risk.simulate(lf.Spectrum.flat(2), trials=1, seed=10**400)
    assert np.allclose(curves, [2.0, 1.0, 0.0])
    assert lf.risk.kappa(lf.Spectrum.flat(2), 1, penalty=-0.0) == lf.risk.kappa(lf.Spectrum.flat(2), 1)
    assert checks.non_negative(5e-324, "penalty") == 5e-324


# -------------------------------------------------------------------------------------------------------- constant data


CONSTANT = ((1.0, 5), (0.1, 3), (14.62, 1000), (-0.13725701, 10), (1e8 + 0.1, 3), (5e-324, 4), (1e-300, 7), (1e149, 6))
FITS = (lf.LinearFlow.fit, lf.Spectrum.from_data)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("value", "rows"), CONSTANT)
def test_constant_data_are_refused(value: float, rows: int, fit: Any) -> None:
    X = np.full((rows, 4), value)
    for data in (X, X * [1.0, -2.0, 3.0, 0.0], X * (1 + np.finfo(float).eps * (np.arange(rows) % 2))[:, None]):
        with pytest.raises(InputError, match="the data are constant"):
            fit(data)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("offset", "spread"), [(1.0, 1e-12), (1e8, 1e-6), (-14.62, 1e-10), (0.0, 1e-140), (1e100, 1e88)])
def test_data_of_small_spread_pass(offset: float, spread: float, fit: Any) -> None:
    X = offset + spread * np.random.default_rng(0).standard_normal((50, 3))
    found = fit(X)
    largest = (found if isinstance(found, lf.Spectrum) else found.spectrum).singular_values[0]
    assert 0.5 * spread < largest < 2 * spread
    X[:, 1] = 0.1  # one constant column among varying ones
    fit(X)


# --------------------------------------------------------------------------------------- nothing is shared, or changed


def test_what_is_kept_does_not_follow_its_inputs() -> None:
    values, mean, basis, G = np.array([2.0, 1.0]), np.array([1.0, 2.0]), np.eye(2), np.array([[2.0, 1.0], [0.0, 1.0]])
    m, X = np.array([0, 1]), np.random.default_rng(0).standard_normal((9, 2))
    kept = [
        lf.Spectrum(values),
        lf.LinearFlow(lf.Spectrum(values), mean=mean, basis=basis, latent_basis=basis),
        lf.LinearFlow.from_matrix(G, mean),
        lf.LinearFlow.fit(X),
        lf.TruncatedFlow(mean=mean, basis=basis, singular_values=values, representation_error=0.0),
        lf.Posterior(mean=mean, factor=basis),
        lf.Case(lf.Spectrum(values), m),
    ]
    before = [repr(vars(thing)) for thing in kept]
    for given_array in (values, mean, basis, G, m, X):
        given_array += 1
    assert [repr(vars(thing)) for thing in kept] == before


def test_tensors_are_read_and_not_held() -> None:
    values = torch.tensor([2.0, 1.0], dtype=torch.float64)
    spectrum = lf.Spectrum(values)
    values += 1
    assert spectrum.singular_values.tolist() == [2.0, 1.0]


# ------------------------------------------------------------------------------------------------------------- the core


NUMBERS = st.one_of(st.integers(-(2**60), 2**60), st.floats(allow_nan=False, allow_infinity=False, width=32))
NOTHING = st.sampled_from([True, "1", b"1", None, 1j, np.ma.masked, datetime.date(2020, 1, 1), np.timedelta64(1, "s"), {1}])


@given(st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1, max_size=4))
def test_numbers_are_what_numpy_reads(rows: list[list[float]]) -> None:
    found = numeric(rows, "x", "numbers")
    assert np.array_equal(found.astype(float), np.array(rows, dtype=float))
    assert scalar(rows[0][0], "x", "a number") == rows[0][0]


@given(st.lists(NUMBERS, max_size=4), NOTHING, st.integers(0, 4), st.integers(0, 3))
def test_one_that_is_no_number_spoils_them_all(numbers: list[float], nothing: Any, place: int, depth: int) -> None:
    spoiled: Any = [*numbers[:place], nothing, *numbers[place:]]
    for _ in range(depth):
        spoiled = [spoiled]
    with pytest.raises(InputError) as error:
        numeric(spoiled, "x", "an array of real numbers")
    assert str(error.value).startswith("x ")
    assert "\n" not in str(error.value)


def test_what_is_shown_is_short() -> None:
    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError

    assert shown(Rude()) == "a Rude"
    assert shown([Rude()]) == "a list too long to be shown"
    assert len(shown(list(range(10**5)))) <= 60
    assert "\n" not in shown("one\ntwo" + np.array2string(np.zeros((3, 3))))
    itself: list[Any] = []
    itself.append(itself)
    with pytest.raises(ShapeError, match="nested more than 64 deep"):
        numeric(itself, "x", "numbers")
