"""One cell, computed wherever it may be: how its function travels, how its result and its failure come back.

An experiment from a file travels as the file's text and is executed once in each worker process: module-level caches, data
classes and helpers then work as they do in the file, though no worker could import it. An experiment defined in a session
or a notebook has no text, and travels as a pickle by value.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import inspect
import pickle
import sys
import threading
import time
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import linflow
from linflow.checks import FloatArray
from linflow.errors import DataError, InputError, MissingTorchError
from linflow.experiments.experiment import Cell, Experiment, Params, Variable, generator

#: Error texts are cut here: they are for people.
_LONGEST = 500
#: Modules and packages of linflow whose code a cell can reach.
_NUMERICAL = (
    *("arrays", "checks", "data", "estimators", "fista", "flow", "graded", "measurement"),
    *("pursuit", "risk", "spectrum", "stacks"),
)
_cells: dict[str, Cell] = {}


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
    path: str
    text: str
    pickled: bytes
    variables: Mapping[str, Variable]
    seed: int

    def __call__(self, job: tuple[Params, str]) -> Outcome:
        """Compute one cell; whatever it raises is its result."""
        params, key = job
        start = time.perf_counter()
        try:
            with _one_thread():
                values = checked_values(self.cell()(dict(params), generator(self.seed, key)), self.variables)
            return Outcome(key, values, None, time.perf_counter() - start)
        except (Exception, SystemExit) as error:  # the author's code may raise anything; a failed cell is a counted row
            return Outcome(key, {}, describe(error), time.perf_counter() - start)

    def cell(self) -> Cell:
        """The function itself, made on first use in each process."""
        if self.key not in _cells:
            if self.text:
                _cells[self.key] = module_from_text(self.path, self.text).EXPERIMENT.cell
            else:
                _cells[self.key] = pickle.loads(self.pickled)
        return _cells[self.key]


def ship(experiment: Experiment, seed: int) -> Shipment:
    """Pack the cell of `experiment` for any worker.

    Raises
    ------
    InputError
        The function cannot be pickled.
    """
    source = experiment.source
    text, pickled = ("", b"") if source is None else (source.text, b"")
    if source is None:
        pickled = _pickle(experiment)
    content = text.encode() or pickled
    path = "" if source is None else source.path
    key = hashlib.sha256(path.encode() + b"\0" + content).hexdigest()
    _cells[key] = experiment.cell  # in this process the function is at hand
    return Shipment(key, path, text, pickled, dict(experiment.variables), seed)


def module_from_text(path: str, text: str) -> types.ModuleType:
    """Execute the text of an experiment file as a module; anything that it raises comes out."""
    name = "linflow_experiment_" + hashlib.sha256(f"{path}\0{text}".encode()).hexdigest()[:16]
    if name in sys.modules:
        return sys.modules[name]
    module = types.ModuleType(name)
    module.__file__ = path
    # Data classes look their module up while they are made, so it has to be known before it is executed.
    sys.modules[name] = module
    try:
        exec(compile(text, path, "exec"), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


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
        array: NDArray[Any] = np.asarray(raw[name])
        if array.dtype.kind not in "biuf":
            raise InputError(f"{name!r} must be real numbers, got dtype {array.dtype}")
        if array.ndim != len(variable.dims):
            raise InputError(f"{name!r} must have dimensions {variable.dims}, got shape {array.shape}")
        values[name] = np.array(array, dtype=np.float64)
    return values


def describe(error: BaseException) -> str:
    """Type, message and the deepest line of the author's file on the error's way."""
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if trace.tb_frame.f_globals.get("__name__", "").startswith("linflow_experiment_"):
            place = f" (line {trace.tb_lineno} of {Path(code.co_filename).name})"
        trace = trace.tb_next
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST] + place


def code_version(experiment: Experiment) -> str:
    """Version of everything that a cell's numbers depend on: the cell's code, linflow, NumPy, SciPy (and torch).

    Results are kept under it, so those of different code never mix. Comments and docstrings do not count.
    """
    own = experiment.source.code if experiment.source is not None else _function_digest(experiment.cell)
    digest = hashlib.sha256(own.encode())
    root = Path(linflow.__file__).parent
    deep = experiment.source is not None and "linflow.deep" in experiment.source.text
    if deep and find_spec("torch") is None:
        raise MissingTorchError(f"experiment {experiment.name!r} needs torch: pip install 'linflow[deep]'")
    for name in (*_NUMERICAL, "deep") if deep else _NUMERICAL:
        place = root / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]:
            tree = ast.parse(file.read_bytes())
            _strip_docstrings(tree)
            digest.update(ast.dump(tree).encode())
    libraries = f"numpy {version('numpy')}, scipy {version('scipy')}" + (f", torch {version('torch')}" if deep else "")
    return f"{linflow.__version__}+{digest.hexdigest()[:12]} ({libraries})"


def reachable_code(text: str) -> str:
    """Digest of the statements of an experiment file that its cell can reach, without comments and docstrings.

    Figures, tables and the reading are left out, so that mending one does not recompute a day's cells.

    >>> before = "def cell(p, rng):\\n  return {'a': 1}\\ndef table(d):\\n  return []\\nEXPERIMENT = Experiment(cell=cell)"
    >>> reachable_code(before) == reachable_code(before.replace("[]", "[1]"))
    True
    >>> reachable_code(before) == reachable_code(before.replace("'a': 1", "'a': 2"))
    False
    """
    statements = ast.parse(text).body
    definitions: dict[str, list[ast.stmt]] = {}
    always: list[ast.stmt] = []
    for statement in statements:
        names = _defined(statement)
        for name in names:
            definitions.setdefault(name, []).append(statement)
        if not names and not isinstance(statement, ast.Expr) and not _is_main(statement):
            always.append(statement)
    wanted: list[ast.AST] = [*always]
    for statement in definitions.get("EXPERIMENT", []):
        calls = [node for node in ast.walk(statement) if isinstance(node, ast.keyword) and node.arg == "cell"]
        # An EXPERIMENT without a plain cell=... is taken whole.
        wanted += [node.value for node in calls] or [statement]
    reached: dict[int, ast.AST] = {}
    while wanted:
        node = wanted.pop()
        if id(node) in reached:
            continue
        reached[id(node)] = node
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                wanted += definitions.get(part.id, [])
    for node in reached.values():
        _strip_docstrings(node)
    chosen = [ast.dump(s) for s in statements if id(s) in reached]
    return hashlib.sha256("\n".join(chosen).encode()).hexdigest()


def _defined(statement: ast.stmt) -> list[str]:
    """Names that a top-level statement binds, where it does nothing else."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = list(statement.targets)
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]


def _is_main(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "__name__" in {
        n.id for n in ast.walk(statement.test) if isinstance(n, ast.Name)
    }


def _strip_docstrings(node: ast.AST) -> None:
    for part in ast.walk(node):
        if isinstance(part, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(part, clean=False) is not None:
            part.body = part.body[1:] or [ast.Pass()]


def _function_digest(function: Cell) -> str:
    """For a function from a session: its module's text where there is one, else its byte code."""
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        text = f"{code.co_code!r}{code.co_consts!r}{code.co_names!r}" if code is not None else repr(type(function))
    return hashlib.sha256(text.encode()).hexdigest()


def _pickle(experiment: Experiment) -> bytes:
    import cloudpickle

    module = sys.modules.get(getattr(experiment.cell, "__module__", ""))
    by_value = module is not None and module.__name__ != "__main__" and not module.__name__.startswith("linflow.")
    try:
        # By value, because a worker on another machine has not got the module.
        if by_value:
            cloudpickle.register_pickle_by_value(module)
        return bytes(cloudpickle.dumps(experiment.cell))
    except Exception as error:
        raise InputError(
            f"the cell of experiment {experiment.name!r} cannot be sent to other processes "
            f"({type(error).__name__}: {error}): put the experiment into a file of its own"
        ) from error
    finally:
        if by_value:
            with contextlib.suppress(ValueError):
                cloudpickle.unregister_pickle_by_value(module)


_limit_lock = threading.Lock()
_limit: dict[str, Any] = {"users": 0, "limiter": None}


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """One BLAS thread while any cell runs here: cells are the parallelism, and the number of threads changes the rounding.

    Counted, because a Dask worker runs several cells at once in threads, and the setting is the whole process's.
    """
    # SciPy brings a BLAS of its own, which can be limited only once it is loaded.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    with _limit_lock:
        if _limit["users"] == 0:
            _limit["limiter"] = threadpool_limits(limits=1)
        _limit["users"] += 1
    try:
        yield
    finally:
        with _limit_lock:
            _limit["users"] -= 1
            if _limit["users"] == 0:
                _limit["limiter"].restore_original_limits()


def read_text(path: Path) -> str:
    """Text of an experiment file, or one sentence on why not."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(f"the experiment file {str(path)!r} does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the experiment file {str(path)!r} cannot be read: {error}") from error
