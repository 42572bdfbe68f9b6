"""A flow or methods from outside in an experiment: whether they fit, before anything runs, and what tells them apart."""

from __future__ import annotations

import dataclasses
import inspect
import os
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from linflow.arrays import shown
from linflow.checks import listed, path_of
from linflow.engine.outside import Outside
from linflow.engine.users import described
from linflow.errors import DataError, InputError, LinflowError
from linflow.experiments.experiment import Experiment
from linflow.experiments.methods import Method
from linflow.experiments.plan import Plan

#: Methods from outside: functions of a problem or their places, by themselves or by the names that tables give them.
Methods: TypeAlias = Sequence[str | os.PathLike[str] | Method] | Mapping[str, str | os.PathLike[str] | Method]
#: Characters of a user's word that a sentence repeats.
_SHOWN = 80


def given_flow(experiment: Experiment, name: str | os.PathLike[str] | None) -> Outside | None:
    """What `name` stands for, ``FILE.pt``, ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION``; None for the experiment's own flow.

    Raises
    ------
    InputError
        The experiment takes none.
    DataError
        There is no such file, module or function.
    """
    if name is None:
        return None
    if experiment.flow is None:
        raise InputError(f"experiment {experiment.name!r} takes no --flow")
    return Outside.read(name, "flow")


def fitting(experiment: Experiment, plan: Plan, given: Outside | None) -> Outside | None:
    """`given` with the digest of the flow that it is, held against every grid point of a run.

    Raises
    ------
    LinflowError
        The flow does not fit the images of one of them, or cannot be made.
    """
    if given is None or experiment.flow is None:
        return None
    weights = given.weights
    for params in plan.cells()[:: plan.blocks]:
        try:
            if experiment.skip is None or not experiment.skip(dict(params)):
                weights = str(experiment.flow(given, dict(params)).digest())
        except LinflowError as error:
            place = ", ".join(f"{name} = {params[name]}" for name, values in plan.grid.items() if len(values) > 1)
            raise type(error)(f"{error} (at {place}: --set takes less)" if place else str(error)) from error
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the author's code may raise anything
            raise DataError(f"flow of experiment {experiment.name!r} raised {described(error)}") from error
    return dataclasses.replace(given, weights=weights)


def given_methods(experiment: Experiment, methods: Methods) -> dict[str, Outside]:
    """Methods by the names that tables give them: those of a mapping, else the function's, with blanks for underscores.

    Raises
    ------
    InputError
        The experiment takes none; a name of no function; two methods of one name, or one of the experiment's own.
    DataError
        There is no such file, module or function, or it does not take one problem.
    """
    pairs: list[tuple[str | None, object]]
    if isinstance(methods, Mapping):
        pairs = [(_called(name), method) for name, method in methods.items()]
    else:
        expected = "names such as my_file.py:my_method, or functions of one problem"
        pairs = [(None, method) for method in listed(methods, "methods", expected)]
    if pairs and experiment.methods is None:
        raise InputError(f"experiment {experiment.name!r} takes no --method")
    found: dict[str, Outside] = {}
    for chosen, method in pairs:
        name, given = _one(chosen, method)
        if name in found:
            raise InputError(f"two methods are called {name!r}: rename one of the functions")
        _require_one_argument(given)
        found[name] = given
    known = {str(value).lower(): str(value) for value in _compared(experiment)}
    if taken := [name for name in found if name.lower() in known]:
        raise InputError(
            f"experiment {experiment.name!r} has a method {known[taken[0].lower()]!r} of its own: rename the function"
        )
    return found


def _called(name: object) -> str:
    """The name of a method, as a mapping gives it."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > _SHOWN:
        raise InputError(f"a method is called by a few words in one line, got {shown(name)}")
    return name.strip()


def _one(chosen: str | None, method: object) -> tuple[str, Outside]:
    """A method's name and what it is."""
    if callable(method):
        name = chosen or getattr(method, "__name__", type(method).__name__).replace("_", " ").strip()
        if chosen is None and not name.replace(" ", "_").isidentifier():
            raise InputError(f"a function without a name is called nothing in a table: methods={{'my name': {name}}}")
        return name, Outside.of(method, name, "method")
    place = str(path_of(method, "each of methods"))  # type: ignore[arg-type]
    if not place.rpartition(":")[2].isidentifier() or not place.rpartition(":")[0]:
        raise InputError(f"name the function of a method, such as my_file.py:my_method, got {place[:_SHOWN]!r}")
    given = Outside.read(place, "method")
    if given.is_file:
        raise InputError(f"a method is a function of a Python file, such as my_file.py:my_method, got {place[:_SHOWN]!r}")
    return chosen or given.function.replace("_", " ").strip() or given.function, given


def beside(experiment: Experiment, plan: Plan, methods: Mapping[str, Outside]) -> Plan:
    """The plan with the names of `methods` after those of the experiment's own."""
    if experiment.methods is None or not methods:
        return plan
    own = plan.inner[experiment.methods]
    return dataclasses.replace(plan, inner={**plan.inner, experiment.methods: (*own, *methods)})


def _compared(experiment: Experiment) -> tuple[object, ...]:
    """All methods that the experiment may compare."""
    if experiment.methods is None:
        return ()
    return (*experiment.inner[experiment.methods], *experiment.quick.get(experiment.methods, ()))


def _require_one_argument(given: Outside) -> None:
    try:
        inspect.signature(given.callable()).bind(None)
    except TypeError as error:
        raise DataError(f"{given.name!r} cannot be called with one problem: {error}") from error
    except ValueError:
        return  # some of what is compiled says nothing about its arguments
