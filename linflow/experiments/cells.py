"""One cell, computed wherever it may be: how its function travels, how its result and its failure come back.

An experiment from a file travels as the file's text (and that of the modules beside it that it imports) and is executed
once in each worker process: module-level caches, data classes and helpers then work as they do in the file, though no
worker could import it. An experiment defined in a session or a notebook has no text, and travels as a pickle by value.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import pickle
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from linflow import __version__
from linflow.arrays import numeric
from linflow.checks import FloatArray
from linflow.engine.outside import Outside, pickled_by_value
from linflow.engine.sources import Source
from linflow.engine.undisturbed import undisturbed
from linflow.engine.users import described
from linflow.errors import InputError, MissingTorchError
from linflow.experiments.experiment import Cell, Experiment, Variable
from linflow.experiments.plan import Params, generator
from linflow.identity import code_digest, content

_cells: dict[str, Cell] = {}
#: Digests of files' cells, told before a cell has run: it may leave things in its module.
_codes: dict[str, str] = {}


@dataclass(frozen=True)
class Outcome:
    """What became of the cell `key`: its values, or the text of its error."""

    key: str
    values: dict[str, FloatArray]
    error: str | None
    seconds: float


@dataclass(frozen=True)
class Shipment:
    """A cell's function on its way to a worker; call it with (params, key) there."""

    key: str
    source: Source | None
    pickled: bytes
    variables: Mapping[str, Variable]
    seed: int
    #: What the cell is given beside its parameters.
    more: Mapping[str, Any]

    def __call__(self, job: tuple[Params, str]) -> Outcome:
        """Compute one cell; whatever it raises is its result."""
        params, key = job
        start = time.perf_counter()
        try:
            cell = self.cell()
            with undisturbed():
                if self.source is not None:
                    self.source.enter()
                raw = cell({**params, **self.more}, generator(self.seed, key))
            values = checked_values(raw, self.variables)
            values = {name: array for name, array in values.items() if self.variables[name].kept(params["block"])}
            return Outcome(key, values, None, time.perf_counter() - start)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the author's code may raise anything; a failed cell is a counted row
            return Outcome(key, {}, described(error), time.perf_counter() - start)

    def cell(self) -> Cell:
        """The function itself, made on first use in each process."""
        if self.source is not None:
            self.source.activate()  # it may import a neighbour when it is called
        if self.key not in _cells:
            if self.source is not None:
                _cells[self.key] = self.source.execute().EXPERIMENT.cell
            else:
                _cells[self.key] = pickle.loads(self.pickled)
        return _cells[self.key]


def ship(
    experiment: Experiment, seed: int, given: Outside | None = None, methods: Mapping[str, Outside] | None = None
) -> Shipment:
    """Pack the cell of `experiment` for any worker, with the flow and the methods from outside if there are any.

    Raises
    ------
    InputError
        The function cannot be pickled.
    """
    pickled = b""
    if experiment.source is None:
        what, instead = f"the cell of experiment {experiment.name!r}", "put the experiment into a file of its own"
        pickled = pickled_by_value(experiment.cell, what, instead)
    key = experiment.source.key if experiment.source is not None else hashlib.sha256(pickled).hexdigest()
    _cells[key] = experiment.cell  # in this process the function is at hand
    more: dict[str, Any] = {} if experiment.flow is None else {"given_flow": given}
    more |= {} if experiment.methods is None else {"given_methods": dict(methods or {})}
    return Shipment(key, experiment.source, pickled, dict(experiment.variables), seed, more)


def checked_values(raw: Any, variables: Mapping[str, Variable]) -> dict[str, FloatArray]:
    """A cell's return value as float64 arrays, one for each declared variable.

    >>> checked_values({"risk": 2}, {"risk": Variable("a risk")})
    {'risk': array(2.)}
    """
    if not isinstance(raw, Mapping):
        raise InputError(f"the cell must return a dict of its variables, got {type(raw).__name__}")
    missing, extra = [v for v in variables if v not in raw], [v for v in raw if v not in variables]
    if missing or extra:
        what = f"did not return {missing[0]!r}" if missing else f"returned {extra[0]!r}, which is not among the variables"
        raise InputError(f"the cell {what} (declared: {', '.join(variables)})")
    values = {}
    for name, variable in variables.items():
        array = numeric(raw[name], repr(name), "real numbers", kinds="biuf")
        if array.ndim != len(variable.dims):
            raise InputError(f"{name!r} must have dimensions {variable.dims}, got shape {array.shape}")
        values[name] = np.array(array, dtype=np.float64)
    return values


def code_version(experiment: Experiment) -> str:
    """Version of everything that a cell's numbers depend on: what its function reaches, and all of linflow.

    Results are kept under it, so those of different code never mix. The function's code is followed through the helpers,
    constants and modules of the user's that it names, and the libraries that it names count by their versions
    (:mod:`linflow.identity`). What draws figures, tables and the reading is not reached by a cell, so that mending it
    does not recompute a day's cells.

    Raises
    ------
    InputError
        The cell of a session reaches something whose content cannot be told.
    MissingTorchError
        The file needs torch, which is not installed.
    """
    source = experiment.source
    if source is None:
        own = content(experiment.cell)
    else:
        if _needs_torch(source) and find_spec("torch") is None:
            raise MissingTorchError(f"experiment {experiment.name!r} needs torch: pip install 'linflow[deep]'")
        own = _codes.get(source.key) or _codes.setdefault(source.key, source.content_of(experiment.cell))
    digest = hashlib.sha256(f"{code_digest()} {own}".encode()).hexdigest()
    return f"{__version__}+{digest[:12]} (numpy {version('numpy')}, scipy {version('scipy')})"


def _needs_torch(source: Source) -> bool:
    """Whether a file or a neighbour of it imports torch or linflow.deep, in any form."""
    for text in (source.text, *(neighbour.text for neighbour in source.neighbours)):
        with contextlib.suppress(SyntaxError, ValueError):
            for node in ast.walk(ast.parse(text)):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [f"{node.module}.{alias.name}" for alias in node.names]
                if any(f"{name}.".startswith(("torch.", "linflow.deep.")) for name in names):
                    return True
    return False
