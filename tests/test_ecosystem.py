"""Habits of the ecosystem: a spectrum is the array of its values wherever one is asked for, and a seed is a generator."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linflow as lf
from linflow import checks, risk
from linflow.arrays import NoArray
from linflow.errors import InputError
from linflow.spectrum import Spectrum, ordered
from linflow.testing import spectra
from tests.faults import calls
from tests.faults.recipes import FLOW, Recipe, fill, public_names
from tests.test_risk_laws import RISK

#: As users call it, unchecked.
raw: Any = lf

# -------------------------------------------------------------------------------------------- a spectrum is an array


@given(spectra(max_n=7))
def test_a_spectrum_is_read_as_the_array_of_its_values(spectrum: Spectrum) -> None:
    values = spectrum.singular_values
    assert np.array_equal(np.asarray(spectrum), values)
    assert np.asarray(spectrum).dtype == np.float64
    assert list(spectrum) == values.tolist() == [spectrum[i] for i in range(len(spectrum))]
    assert np.array_equal(spectrum[1:], values[1:])
    assert spectrum[-1] == values[-1]
    assert spectrum[0] in spectrum
    assert np.array_equal(np.asarray(spectrum, dtype=np.float32), values.astype(np.float32))
    np.array(spectrum)[0] = 0.0  # a copy
    assert np.array_equal(spectrum.singular_values, values)
    assert all(type(value) is float for value in (*spectrum, spectrum[0]))


def test_nothing_of_a_spectrum_can_be_written() -> None:
    spectrum = Spectrum([2.0, 1.0])
    for view in (np.asarray(spectrum), spectrum[:]):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 0.0
    with pytest.raises(IndexError):
        spectrum[2]
    with pytest.raises(TypeError):
        spectrum[raw_float()]


def raw_float() -> Any:
    return 0.5


def test_what_is_no_array_says_so() -> None:
    """NumPy makes an array without axes, of one object, out of anything that does not say what it is."""
    for thing, words in ((FLOW, "a LinearFlow is no array: take its matrix"), (FLOW.truncate(1), "a TruncatedFlow is no")):
        with pytest.raises(InputError, match=words):
            np.asarray(thing)
        with pytest.raises(InputError, match="must be an array"):
            lf.mle(FLOW, np.eye(4), raw_value(thing))


def public_classes() -> dict[str, type]:
    """Every class that is exported, without errors."""
    found: dict[str, type] = {}
    for name in public_names():
        part: Any = lf
        for word in name.split("."):
            part = getattr(part, word)
        if inspect.isclass(part) and not issubclass(part, Exception):
            found[name] = part
    return found


def names_of(kind: type) -> set[str]:
    """What can be taken of an instance: methods, properties and fields, and what fitting or a subclass adds."""
    fields = {name for part in kind.__mro__ for name in getattr(part, "__annotations__", {})}
    return fields | set(dir(kind)) | {"flow_", "forward"}


def of_class(kind: type) -> Any:
    """An instance without anything in it, also of an abstract class."""
    concrete = type(kind.__name__, (kind,), {})
    concrete.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    return object.__new__(concrete)


@pytest.mark.parametrize("name", sorted(public_classes()))
def test_numpy_makes_no_object_of_any_public_class(name: str) -> None:
    kind = public_classes()[name]
    assert "__array__" in dir(kind), f"np.asarray of a {name} is an array without axes of one object: derive from NoArray"
    if issubclass(kind, NoArray):
        with pytest.raises(InputError, match=rf"^an? {kind.__name__} is no array") as error:
            of_class(kind).__array__()
        assert "\n" not in str(error.value)
        # What the sentence advises exists.
        assert set(re.findall(r"its (\w+)", str(error.value))) <= names_of(kind)


def test_what_comes_out_is_an_array_or_none_at_all() -> None:
    """The same for answers: none becomes an array of an object without a word."""
    A, y = np.array([[1.0, 0.5, 0.0, 0.0]]), np.array([1.0])
    for answer in (
        lf.posterior(FLOW, A, y, noise_std=0.1),
        lf.reconstruct(FLOW, A, y, noise_std=0.1),
        lf.Case(FLOW.spectrum, (1,)),
        lf.Claim("energy", "E_m <= E_0", "upper", lambda spectrum, m: spectrum.energy),
        risk.Enclosure(low=0.0, high=1.0),
    ):
        for several in (answer, [answer], [answer, answer]):
            with pytest.raises(InputError, match="is no array"):
                np.asarray(several)
    # Twin: a class that says nothing becomes an object.
    assert np.asarray(object()).dtype == object


def raw_value(value: object) -> Any:
    return value


def companions(function: Callable[..., Any], arguments: dict[str, Any], order: Any) -> dict[str, Any]:
    """What belongs to the singular values one by one follows them into their order."""
    moved = dict(arguments)
    if moved.get("signal_variances") is not None:
        moved["signal_variances"] = np.asarray(moved["signal_variances"])[order]
    if function.__name__ == "error_curve":
        moved["A"] = np.asarray(moved["A"])[..., order]
    return moved


@pytest.mark.parametrize("name", RISK)
def test_every_function_of_risk_takes_the_values_in_any_order(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, slow = getattr(risk, name), name in ("enclosure", "exact")
    signature = inspect.signature(function)
    compared = 0

    def both(*positional: Any, **named: Any) -> Any:
        nonlocal compared
        arguments = dict(signature.bind(*positional, **named).arguments)
        spectrum = arguments.pop("spectrum")
        order = np.random.default_rng(spectrum.n).permutation(spectrum.n)
        values = spectrum.singular_values[order]
        expected = function(spectrum, **arguments)
        for given_values in (values, values.tolist()):
            found = function(given_values, **companions(function, arguments, order))
            assert same(found, expected), name
        compared += 1
        return expected

    monkeypatch.setattr(risk, name, both)

    @given(spectra(max_n=4, decades=5.0))
    @settings(max_examples=3 if slow else 6, deadline=None)
    def law(spectrum: Spectrum) -> None:
        # Ties are kept in the order in which they stand: where nothing tells values apart, nothing depends on it.
        RISK[name][1](Spectrum(np.unique(spectrum.singular_values)), 1.0)

    law()
    RISK[name][1](Spectrum([4.0, 3.0, 2.0, 1.0, 0.5]), 1.0)
    assert compared > 0


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, tuple):
        return all(same(one, other) for one, other in zip(found, expected, strict=True))
    if isinstance(expected, np.ndarray):
        return np.array_equal(found, expected)
    return bool(found == expected)


def recipes_with(argument: str) -> list[Recipe]:
    return [recipe for recipe in fill().values() if argument in recipe.arguments]


@pytest.mark.parametrize("recipe", recipes_with("spectrum"), ids=lambda recipe: recipe.name)
def test_every_public_function_takes_the_values_of_a_spectrum(recipe: Recipe) -> None:
    spectrum = Spectrum(recipe.arguments["spectrum"].make())

    def answered(given_spectrum: Any) -> list[Any]:
        made = {name: argument.make() for name, argument in recipe.arguments.items()}
        return list(calls.numbers(recipe.function(**recipe.fixed() | made | {"spectrum": given_spectrum})))

    expected = answered(spectrum)
    for values in (np.asarray(spectrum), tuple(spectrum)):
        assert all(np.array_equal(one, other) for one, other in zip(answered(values), expected, strict=True))
    for wrong in (None, "flat", FLOW, [[2.0, 1.0]], [], [1.0, -1.0]):
        with pytest.raises(InputError):
            answered(wrong)


def test_no_public_function_of_a_spectrum_or_of_a_generator_is_forgotten() -> None:
    """By the names of their arguments, of everything that is exported."""
    for argument in ("spectrum", "rng"):
        tested = {recipe.name.split(" ")[0] for recipe in fill().values() if argument in recipe.arguments}
        there = {
            recipe.name.split(" ")[0]
            for recipe in fill().values()
            if argument in inspect.signature(recipe.function).parameters
        }
        # Quantities call what users write with one Spectrum: `value_at` is the gate, and is called here.
        assert there == tested


@given(st.permutations(range(5)), st.integers(0, 2**32))
def test_a_flow_of_unsorted_values_is_the_one_that_was_written_down(order: list[int], seed: int) -> None:
    """``G = U diag(values) V^T`` whatever the order: columns follow their values."""
    values = np.array([5.0, 4.0, 3.0, 2.0, 1.0])[order]
    U, V = (np.linalg.qr(np.random.default_rng(seed + i).standard_normal((5, 5)))[0] for i in range(2))
    assert np.array_equal(lf.LinearFlow.from_spectrum(values).matrix, np.diag(values))
    np.testing.assert_allclose(lf.LinearFlow.from_spectrum(values, basis=U).matrix, U * values, atol=1e-14)
    made = raw.LinearFlow(values, basis=U, latent_basis=V)
    np.testing.assert_allclose(made.matrix, U * values @ V.T, atol=1e-13)
    assert np.array_equal(made.spectrum.singular_values, [5.0, 4.0, 3.0, 2.0, 1.0])
    symmetric = raw.LinearFlow(values, basis=U, latent_basis=U)
    np.testing.assert_allclose(symmetric.matrix, U * values @ U.T, atol=1e-13)


def test_a_sorted_array_moves_nothing() -> None:
    assert ordered([3.0, 2.0, 2.0])[1] is None
    assert lf.LinearFlow.from_spectrum([3.0, 2.0]).basis is None


# ---------------------------------------------------------------------------------------------- a seed is a generator


#: Whose answer here is the same for all draws: mirror images of constant images, the one minimum that all starts find.
ALIKE = ("deep.flips", "deep.csgm", "experiments.Problem")


@pytest.mark.parametrize("recipe", recipes_with("rng"), ids=lambda recipe: recipe.name)
def test_a_seed_draws_what_its_generator_draws(recipe: Recipe) -> None:
    def drawn(rng: Any) -> list[Any]:
        made = {name: argument.make() for name, argument in recipe.arguments.items()}
        return list(calls.numbers(readable(recipe.function(**recipe.fixed() | made | {"rng": rng}))))

    expected = drawn(np.random.default_rng(11))
    for seed in (11, np.int64(11), np.uint8(11)):
        for found in (drawn(seed), drawn(seed)):
            assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    if recipe.name not in ALIKE:
        assert not all(np.array_equal(one, other) for one, other in zip(drawn(12), expected, strict=True))
    refused: list[Any] = [True, False, np.True_, -1, 0.5, "0", [1], np.random.RandomState(0), np.random]
    for wrong in refused if recipe.arguments["rng"].optional else [None, *refused]:
        with pytest.raises(InputError, match=r"^rng must be "):
            drawn(wrong)


def readable(result: Any) -> Any:
    return lf.measurement.as_dense(result) if hasattr(result, "matvec") else result


def test_seeds_that_are_long_and_generators_that_go_on() -> None:
    assert checks.generator(10**40).random() == np.random.default_rng(10**40).random()
    rng = np.random.default_rng(0)
    assert checks.generator(rng) is rng
    assert not np.array_equal(FLOW.sample(3, rng), FLOW.sample(3, rng))
