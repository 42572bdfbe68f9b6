"""A flow from outside in the place of an experiment's own: whether it fits, before anything runs, and what tells it."""

from __future__ import annotations

import dataclasses
import os

from linflow.engine.outside import Outside
from linflow.engine.users import described
from linflow.errors import DataError, InputError, LinflowError
from linflow.experiments.experiment import Experiment
from linflow.experiments.plan import Plan


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
