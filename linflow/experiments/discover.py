"""Finding experiments: by name among linflow's own files, or any Python file by its path."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linflow.arrays import NoArray
from linflow.checks import path_of
from linflow.engine.files import shipped_folder, shortened
from linflow.engine.sources import Source
from linflow.engine.users import described
from linflow.errors import DataError, InputError, LinflowError
from linflow.experiments.cells import code_version
from linflow.experiments.experiment import Experiment

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Study(NoArray, instead="its experiment"):
    """An experiment with what its file does to the result; a function that the file lacks is None."""

    experiment: Experiment
    figures: Callable[[xr.Dataset], dict[str, Any]] | None
    table: Callable[[xr.Dataset], list[dict[str, object]]] | None
    reading: Callable[[xr.Dataset], str] | None


def experiment_files() -> dict[str, Path]:
    """linflow's own experiments: name -> file.

    >>> experiment_files()["sample-complexity"].name
    'sample_complexity.py'
    """
    folder = shipped_folder("simulations")
    files = sorted(folder.glob("[!_]*.py")) if folder else []
    return {file.stem.replace("_", "-"): file for file in files}


def summary(file: Path) -> str:
    """First line of an experiment file's docstring, without executing it."""
    try:
        text = ast.get_docstring(ast.parse(file.read_bytes())) or ""
    except (OSError, SyntaxError):
        return "(cannot be read)"
    return text.split("\n", 1)[0]


def load(target: str | os.PathLike[str]) -> Study:
    """Load an experiment by its name, or a file by its path (it ends in .py).

    Raises
    ------
    InputError
        No experiment has this name.
    DataError
        The file does not exist, cannot be executed, or defines no experiment.

    Examples
    --------
    >>> load("sample-complexity").experiment.name
    'sample-complexity'
    >>> load("sample-complexty")
    Traceback (most recent call last):
        ...
    linflow.errors.InputError: no experiment is named 'sample-complexty', did you mean 'sample-complexity'? 'linflow run
    --list' lists them, and a file of yours is given by its path (my_experiment.py)
    """
    name = str(path_of(target, "target"))
    if name.endswith(".py") or os.sep in name:
        return _load_file(Path(name))
    files = experiment_files()
    wanted = name.replace("_", "-")
    if wanted not in files:
        close = difflib.get_close_matches(wanted, files, n=1, cutoff=0.5)
        guess = f", did you mean {close[0]!r}?" if close else ":"
        raise InputError(
            f"no experiment is named {shortened(name)}{guess} 'linflow run --list' lists them, and a file of yours is "
            "given by its path (my_experiment.py)"
        )
    return _load_file(files[wanted])


def _load_file(file: Path) -> Study:
    shown = str(file)
    source = Source.read(file, "experiment")
    try:
        module = source.execute()
    except KeyboardInterrupt:
        raise
    except SyntaxError as error:
        raise DataError(f"the experiment file {shown!r} has a syntax error in line {error.lineno}: {error.msg}") from error
    except LinflowError as error:
        raise DataError(f"the experiment file {shown!r}: {error}") from error
    except BaseException as error:  # the author's file may raise anything; where it did is what helps
        raise DataError(f"the experiment file {shown!r} raised {described(error)}") from error
    experiment = getattr(module, "EXPERIMENT", None)
    if not isinstance(experiment, Experiment):
        raise DataError(
            f"the experiment file {shown!r} defines no experiment: assign a linflow.experiments.Experiment(...) to the "
            "name EXPERIMENT in it"
        )
    functions = {}
    for name in ("figures", "table", "reading"):
        functions[name] = getattr(module, name, None)
        if functions[name] is not None and not callable(functions[name]):
            raise DataError(f"{name} in the experiment file {shown!r} must be a function of the dataset")
    experiment = dataclasses.replace(experiment, source=source)
    code_version(experiment)  # now, before a cell has left anything in the module
    return Study(experiment, **functions)
