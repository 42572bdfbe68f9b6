"""The campaign of calls: each public function with one or two arguments as users write them, right or wrong.

    python -m tests.faults.calls [--calls N] [--seed S] [--only NAME]

Every call must return a result without NaN, or raise a LinflowError whose message is one sentence; no other exception, no
warning, no changed input, no stored array that an input can change. Moreover a right value in another type (a list, a
tensor, a Series) must be answered as the plain value is, and what is no number must be refused. One row a function; exit
status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

import linflow as lf
from linflow.errors import DataError, LinflowError
from tests.faults.recipes import Argument, Recipe, fill
from tests.faults.values import EITHER, FORMS, SAME, WRONG, DoesNotApplyError, Form

#: Kinds of arguments in which no number is meant, so that a right value has no other forms.
_NO_NUMBERS = ("option", "options", "cases", "shape", "callable", "object", "path", "label", "flag", "rng")
#: Messages may quote what was given, and are cut off there.
_LONGEST = 400
#: Functions that fail by an AssertionError on purpose: that is an answer.
_ASSERTIONS = "testing.assert_"


@dataclasses.dataclass
class Row:
    """What became of the calls of one function."""

    calls: int = 0
    answered: int = 0
    refused: int = 0
    faults: list[str] = dataclasses.field(default_factory=list)


def campaign(recipes: Sequence[Recipe], *, calls: int, seed: int) -> dict[str, Row]:
    """Make `calls` calls; everything follows from `seed`."""
    rng = np.random.default_rng(seed)
    weights = np.array([recipe.weight for recipe in recipes])
    rows = {recipe.name: Row() for recipe in recipes}
    for index in rng.choice(len(recipes), size=calls, p=weights / weights.sum()):
        recipe = recipes[index]
        row = rows[recipe.name]
        chosen = changes(recipe, rng)
        row.calls += 1
        outcome = judged(recipe, chosen)
        if outcome in ("answered", "refused"):
            setattr(row, outcome, getattr(row, outcome) + 1)
        else:
            forms = ", ".join(f"{name}: {form.name}" for name, form in chosen.items())
            row.faults.append(f"{recipe.name}({forms}): {outcome}")
    return rows


def changes(recipe: Recipe, rng: np.random.Generator) -> dict[str, Form]:
    """One or two arguments, and the form each of them gets; one time in four each argument may be of an extreme size."""
    names, extreme = list(recipe.arguments), rng.random() < 0.25
    count = min(len(names), int(rng.integers(2, 5)) if extreme else int(rng.integers(1, 3)))
    chosen: dict[str, Form] = {}
    for name in rng.permutation(names)[:count]:
        argument = recipe.arguments[name]
        if extreme and argument.kind in _NO_NUMBERS:
            continue
        forms = [form for form in FORMS.values() if not extreme or form.extreme]
        for index in rng.permutation(len(forms)):
            try:
                value = forms[index].make(argument.make())
            except DoesNotApplyError:
                continue
            if argument.kind == "callable" and callable(value):
                continue  # a function of the user's, whose errors are the user's
            chosen[str(name)] = forms[index]
            break
    return chosen


def meaning(argument: Argument, form: Form) -> str:
    """What a form means for this argument."""
    if form.name == "none" and argument.optional:
        return EITHER
    if form.meaning == SAME and argument.kind in _NO_NUMBERS:
        return EITHER
    if argument.kind == "bound" and form.meaning == SAME:
        return EITHER
    if argument.kind in ("path", "label") and isinstance(form.make(argument.make()), str):
        return EITHER
    return form.but.get(argument.kind, form.meaning)


def judged(recipe: Recipe, chosen: dict[str, Form]) -> str:
    """ "answered", "refused", or what is wrong."""
    given = recipe.fixed() | {name: argument.make() for name, argument in recipe.arguments.items()}
    expected = None
    meanings = {name: meaning(recipe.arguments[name], form) for name, form in chosen.items()}
    if set(meanings.values()) == {SAME} and recipe.repeatable:
        with contextlib.suppress(DataError):  # of a file that does not exist
            expected = list(numbers(recipe.function(**given)))
        given = recipe.fixed() | {name: argument.make() for name, argument in recipe.arguments.items()}
    for name, form in chosen.items():
        given[name] = form.make(given[name])
    before = {name: content(value) for name, value in given.items()}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            result = recipe.function(**given)
        except LinflowError as error:
            outcome, answer = sentence(str(error)), None
            if not outcome and expected is not None:
                outcome = f"a right value was refused: {error}"
            outcome = outcome or "refused"
        except AssertionError as error:
            outcome, answer = ("answered" if recipe.name.startswith(_ASSERTIONS) else f"AssertionError: {error}"), None
        except Exception as error:  # whatever it is, it is what is looked for
            outcome, answer = f"{type(error).__name__}: {error}", None
        else:
            outcome, answer = "answered", result
    if heard:
        return f"warned: {heard[0].message}"
    if any(content(value) != before[name] for name, value in given.items()):
        return "an input was changed"
    if outcome == "answered" and answer is not None:
        found = list(numbers(answer))
        if any(np.isnan(part).any() for part in found):
            return "NaN in the result"
        if shares(answer, given):
            return "the result holds an input's memory"
        if expected is not None and not agree(expected, found):
            return "a right value in another type gave another answer"
    if outcome == "answered" and WRONG in meanings.values():
        return "what is no number was answered"
    return outcome


def sentence(message: str) -> str:
    """What is wrong with a message; empty if it is one sentence."""
    if not message or "\n" in message or len(message) > _LONGEST or message.rstrip().endswith((":", ",")):
        return f"not one sentence: {message!r}"
    return ""


def numbers(result: object, depth: int = 0) -> Iterator[np.ndarray[Any, Any]]:
    """Every number of a result, as arrays."""
    if isinstance(result, bool | str | bytes) or result is None or depth > 6:
        return
    if isinstance(result, int | float | complex | np.number):
        yield np.asarray(result if not isinstance(result, int) else float(result % 2**53))
    elif isinstance(result, np.ndarray):
        if result.dtype.kind in "iufc":
            yield result
    elif isinstance(result, torch.Tensor):
        yield result.detach().numpy()
    elif isinstance(result, xr.Dataset):
        yield from (result[name].values for name in ("mean",) if name in result)
    elif isinstance(result, torch.nn.Module):
        yield from (part.detach().numpy() for part in result.parameters())
    elif isinstance(result, dict):
        for part in result.values():
            yield from numbers(part, depth + 1)
    elif isinstance(result, list | tuple):
        for part in result:
            yield from numbers(part, depth + 1)
    elif dataclasses.is_dataclass(result):
        for field in dataclasses.fields(result):
            yield from numbers(getattr(result, field.name, None), depth + 1)


def shares(result: object, given: dict[str, Any]) -> bool:
    """Whether an object that is kept (no plain array) holds memory of an input."""
    if isinstance(result, np.ndarray) or not dataclasses.is_dataclass(result):
        return False
    inputs = [value for value in given.values() if isinstance(value, np.ndarray)]
    inputs += [value.numpy() for value in given.values() if plain_tensor(value)]
    return any(np.may_share_memory(part, value) for part in numbers(result) for value in inputs if value.size)


def plain_tensor(value: object) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and not value.requires_grad
        and value.is_leaf
        and str(value.device) == "cpu"
        and (value.layout == torch.strided and value.dtype != torch.bfloat16)
    )


def agree(expected: list[np.ndarray[Any, Any]], found: list[np.ndarray[Any, Any]]) -> bool:
    """Equal up to the rounding of another order of the same sums."""
    if len(expected) != len(found):
        return False
    pairs = zip(expected, found, strict=True)
    return all(one.shape == other.shape and np.allclose(one, other, rtol=1e-9, atol=1e-12) for one, other in pairs)


def content(value: object) -> object:
    """What an input holds, to be compared before and after; None for what no call can change."""
    if isinstance(value, np.ma.MaskedArray):
        return (value.data.tobytes(), np.ma.getmaskarray(value).tobytes())
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype.str, repr(value.tolist()) if value.dtype.kind == "O" else value.tobytes())
    if isinstance(value, pd.Series | pd.DataFrame | xr.DataArray):
        return value.to_numpy().tobytes() if isinstance(value, pd.DataFrame) else repr(value)
    if isinstance(value, torch.Tensor):
        return (value.detach().numpy().tobytes(), value.requires_grad) if plain_tensor(value) else None
    if isinstance(value, list | tuple):
        return [content(part) if isinstance(part, list | tuple | np.ndarray) else repr(part) for part in value]
    if isinstance(value, lf.Spectrum | lf.LinearFlow):
        return [part.tobytes() for part in numbers(value)]
    return None


def table(rows: dict[str, Row]) -> str:
    """One row a function, and the total."""
    total = Row()
    for row in rows.values():
        for name in ("calls", "answered", "refused", "faults"):
            setattr(total, name, getattr(total, name) + getattr(row, name))
    lines = [f"{'function':<40}{'calls':>8}{'answered':>10}{'refused':>9}{'faults':>8}"]
    for name, row in [*sorted(rows.items()), ("total", total)]:
        lines.append(f"{name:<40}{row.calls:>8}{row.answered:>10}{row.refused:>9}{len(row.faults):>8}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.calls", description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of the names of the functions that are called")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        before = Path.cwd()
        os.chdir(folder)  # what is meant as a name may be taken for a file's
        try:
            recipes = [recipe for name, recipe in fill().items() if chosen.only in name]
            rows = campaign(recipes, calls=chosen.calls, seed=chosen.seed)
        finally:
            os.chdir(before)
    print(table(rows))
    faults = [fault for row in rows.values() for fault in row.faults]
    for fault in faults[:200]:
        print(fault.replace("\n", " ")[:300])
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
