"""The campaign of calls in short form, and the campaign itself: it sees each sort of fault, and forgets no function."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import linflow as lf
from linflow import checks
from tests.faults import calls
from tests.faults.recipes import NOT_CALLED, Argument, Recipe, fill, of, public_names
from tests.faults.values import FORMS

#: Not in the short form: each takes a tenth of a second or more, or loads what does.
SLOW = ("deep.", "data.", "hunt", "testing.assert_quantity", "claims.default_cases")


def short(name: str) -> bool:
    return not name.startswith(SLOW)


@pytest.mark.parametrize("seed", [1, 2])
def test_calls_are_answered_or_refused_in_one_sentence(seed: int, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # what is meant as a name may be taken for a file's
    rows = calls.campaign([r for name, r in fill().items() if short(name)], calls=800, seed=seed)
    assert [fault for row in rows.values() for fault in row.faults] == []
    assert sum(row.answered for row in rows.values()) > 50
    assert sum(row.refused for row in rows.values()) > 400


def test_the_recipes_are_right_calls(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, recipe in fill().items():
        if short(name) and not any(argument.kind == "path" for argument in recipe.arguments.values()):
            assert calls.judged(recipe, {}) == "answered", name


def test_no_public_name_is_forgotten() -> None:
    called = {name.split(" ")[0] for name in fill()}
    assert public_names() - called == set(NOT_CALLED)
    assert set(NOT_CALLED) & called == set()
    methods = {name for name in called - public_names() if "." in name}
    assert called - public_names() == methods, "a recipe of nothing"


def of_one_array(function: Callable[[Any], Any]) -> Recipe:
    return Recipe("planted", function, {"x": of("array", np.array([1.0, 2.0, 4.0]))})


def adds_one_in_place(x: Any) -> Any:
    x += 1.0
    return 1.0


def warns(x: Any) -> Any:
    warnings.warn("beware", stacklevel=1)
    return checks.finite_array(x, "x")


def keeps_a_view(x: Any) -> Any:
    spectrum = lf.Spectrum(x)
    object.__setattr__(spectrum, "singular_values", x)
    return spectrum


def arrays_only(x: Any) -> Any:
    if type(x) is not np.ndarray:
        raise lf.InputError("no array")
    return x


def two_lines(x: Any) -> Any:
    raise lf.InputError("x is\nwrong")


#: planted fault -> (function, form of its argument, what the campaign says)
PLANTED: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "foreign error": (lambda x: x + "1", "zero", "TypeError"),
    "mask dropped": (lambda x: np.asarray(x), "masked", "what is no number was answered"),
    "text read": (lambda x: np.asarray(x).astype(float), "written", "what is no number was answered"),
    "truth read": (lambda x: np.asarray(x).astype(float), "two_booleans", "what is no number was answered"),
    "NaN": (lambda x: np.asarray(x, dtype=float) * np.nan, "a_list", "NaN in the result"),
    "input changed": (adds_one_in_place, "strided", "an input was changed"),
    "warning": (warns, "whole", "warned: beware"),
    "view kept": (keeps_a_view, "strided", "the result holds an input's memory"),
    "other answer": (lambda x: float(type(x) is list), "a_list", "gave another answer"),
    "right value refused": (
        lambda x: lf.Spectrum(x) if type(x) is np.ndarray else two_lines(x),
        "a_series",
        "one sentence",
    ),
    "two lines": (two_lines, "zero", "not one sentence"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_campaign_sees_every_sort_of_fault(name: str) -> None:
    function, form, said = PLANTED[name]
    assert said in calls.judged(of_one_array(function), {"x": FORMS[form]})


def test_a_gate_that_stands_open_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = [fill()[name] for name in ("Spectrum", "LinearFlow.forward", "risk.equivalent")]
    assert not any(row.faults for row in calls.campaign(recipes, calls=150, seed=0).values())
    monkeypatch.setattr(checks, "numeric", lambda value, name, expected, **kinds: np.asarray(value))
    found = calls.campaign(recipes, calls=150, seed=0)
    assert all(row.faults for row in found.values())


def test_a_form_is_wrong_or_right_by_what_the_argument_is() -> None:
    assert calls.meaning(of("array", np.ones(2)), FORMS["a_sparse_matrix"]) == "wrong"
    assert calls.meaning(of("measurement", np.ones((2, 2))), FORMS["a_sparse_matrix"]) == "same"
    assert calls.meaning(Argument("number", lambda: 1.0, optional=True), FORMS["none"]) == "either"


def test_the_command_prints_a_table_and_fails_on_a_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["--calls", "20", "--only", "Spectrum.tail"]
    assert calls.main(arguments) == 0
    header, row, total = capsys.readouterr().out.splitlines()
    assert header.split() == ["function", "calls", "answered", "refused", "faults"]
    assert row.split()[:2] == ["Spectrum.tail", "20"]
    assert total.split()[0] == "total"
    monkeypatch.setattr(calls, "judged", lambda recipe, chosen: "planted")
    assert calls.main(arguments) == 1
    assert "planted" in capsys.readouterr().out
