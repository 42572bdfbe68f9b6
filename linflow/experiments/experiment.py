"""`Experiment`: a grid and a pure function of one cell."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from linflow.arrays import NoArray, shown
from linflow.checks import flag, mapping, positive_int, whole_number
from linflow.engine.outside import Outside
from linflow.engine.sources import Source
from linflow.errors import InputError
from linflow.experiments.given import GIVEN, named
from linflow.experiments.plan import Coordinate, Params, Plan, coordinates
from linflow.spectrum import Spectrum

Cell = Callable[[Params, np.random.Generator], Mapping[str, Any]]

#: Names that the engine gives to dimensions and variables of its own.
RESERVED = ("block", "blocks", GIVEN, "seed", "status", "error_text", "quick", "given_flow", "given_methods")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
#: Cells are kept in memory: so many of them take some gigabytes.
_MOST_CELLS = 10**7
#: Characters of a refused value that a sentence repeats.
_SHOWN = 80


@dataclass(frozen=True)
class Variable(NoArray):
    """One quantity that a cell returns.

    Parameters
    ----------
    description : what it is; the long name in the result.
    units : "[x]^2", "dB", ...; "" for a pure number.
    dims : dimensions that it has beyond those of the grid, all computed inside one cell.
    once : kept of block 0 alone, as an example (images to be shown) or because every block has the same (the spectrum of
        the model). In the result it has no dimension "block"; NetCDF holds it, the CSV file does not.
    """

    description: str
    units: str = ""
    dims: tuple[str, ...] = ()
    once: bool = False

    def kept(self, block: int) -> bool:
        """Whether the cell of this block keeps it."""
        return block == 0 or not self.once


@dataclass(frozen=True, kw_only=True)
class Experiment(NoArray, instead="the dataset that run() returns"):
    """An experiment: what to vary, what to compute at each point, and what comes out.

    Parameters
    ----------
    name : lower-case words joined by dashes; names the output files. The file is called the same with underscores.
    title : one line for people.
    cell : ``cell(params, rng) -> {variable: float or array}``
        A pure function of one cell. `params` is a plain dict: one value for each dimension of `grid`, the tuple of
        coordinates for each dimension of `inner`, each of `settings`, and ``params["block"]``. All randomness must come
        from `rng`, a Generator of the cell's own. It must return every name of `variables`. If it raises, the cell is a
        failed row with the error's text, and the run goes on. Expensive things that many cells share (a spectrum fitted
        to data) go into a module-level function under ``functools.cache``: each worker process computes them once.
    grid : dimension -> coordinates (strings, whole numbers or floats; each once).
        Every combination of them is a grid point. Coordinates stand for objects: pass the names of the cases ("flat",
        "digits") and let `cell` build the object from the name.
    variables : name -> :class:`Variable`, everything that `cell` returns.
    blocks : independent repetitions of each grid point, with random numbers of their own.
        Uncertainty comes from their spread (see :func:`linflow.experiments.estimate`), so use at least 8, and average
        over draws inside a cell as far as makes the cell take about 0.1 to 10 s.
    inner : dimension -> coordinates, for dimensions that one cell computes at once (all m of an error curve).
        A dimension named in a variable's `dims` but not here gets coordinates 0, 1, 2, ... and takes the longest length
        that any cell returns. Shorter arrays are filled up with NaN at the end.
    settings : constants of the cell (draws a block, n, ...), given to it in `params`. They do not enter the random numbers.
    quick : what ``--quick`` changes: names of dimensions of `grid` and `inner`, of `settings`, and "blocks".
    skip : ``skip(params) -> bool``, true for grid points outside the domain (m > n); they are NaN in the result.
    cost : ``cost(params) -> float``, relative; expensive cells start first, so that no core idles at the end.
    choices : name -> all values that this dimension or setting can take, None for any.
        Others are refused before anything runs. A dimension of strings takes those of `grid`, `inner` and `quick` unless
        it is named here; numbers are free. What `folders` makes of a user's folders is not held against it.
    folders : ``folders(data, ood) -> changes``, for experiments that take images: what ``--data`` and ``--ood`` change, by
        the names of `quick`. Each is a word, "" where not given, that :func:`linflow.experiments.folder_images` reads: an
        absolute path, with the options of the command behind it (``--recursive``, ``--frames``, ``--range``); ``--size``
        sets the setting "size".
    spectra : ``spectra(given) -> changes``, for experiments on spectra: what those of ``--values``, ``--data`` and
        ``--covariance`` (a list of :class:`linflow.Spectrum`) change, by the names of `quick`. Spectra stand as coordinates
        of a dimension of strings: each goes by its name, `cell` gets it through :func:`linflow.experiments.spectrum_for`,
        and its values are part of what tells this run from others.
    flow : ``flow(given, params) -> flow``, for experiments that take a flow from outside, ``--flow``: the flow that `given`
        names (:mod:`linflow.deep.outside`), at one grid point; a LinflowError where it does not fit the images there. It is
        called for each grid point before anything runs. The cell finds `given` under ``params["given_flow"]``, None without
        ``--flow``, and calls the same function; the random numbers are the same with any flow, so that results are paired.
    methods : the dimension of `inner` along which methods are compared, for experiments that take methods from outside,
        ``--method``: their names are appended to its coordinates. The cell asks for their estimates by
        :func:`linflow.experiments.own_answers`; ``params["given_methods"]`` holds them by name.
    source : set by :func:`linflow.experiments.load`; leave it alone.

    Notes
    -----
    An experiment file assigns one to the name ``EXPERIMENT`` and may define three functions of the resulting
    ``xarray.Dataset`` (dimensions: those of `grid`, then "block", then the variable's own):

    ``figures(dataset) -> dict[str, Figure]``
        Matplotlib figures; "" is saved as ``NAME.png``, "detail" as ``NAME-detail.png``. Make them with
        ``matplotlib.figure.Figure``, imported inside the function: workers then need not load matplotlib.
    ``table(dataset) -> list[dict[str, object]]``
        Rows, with uncertainties. Without it: mean and interval of every variable that has no dimension of its own.
    ``reading(dataset) -> str``
        One paragraph on what the result shows, computed from it.

    All three only read: what they show was stored by a cell (``once=True`` for pictures and for what is known of the
    model), so that it is never computed anew, and no interrupt, folder or other machine changes it.
    A change of these three does not recompute anything: results are kept under a digest of the code that `cell` reaches.
    The file may import installed packages and modules that lie beside it: it is sent to the workers as text, and these too.

    Examples
    --------
    >>> def cell(params, rng):
    ...     draws = rng.standard_normal((params["draws"], params["n"]))
    ...     return {"longest": np.abs(draws).max(axis=1).mean()}
    >>> experiment = Experiment(
    ...     name="longest-entry",
    ...     title="Largest of n standard normals",
    ...     cell=cell,
    ...     grid={"n": (10, 100)},
    ...     blocks=4,
    ...     settings={"draws": 200},
    ...     variables={"longest": Variable("E max |z_i|")},
    ...     quick={"n": (10,), "draws": 50},
    ... )
    >>> plan = experiment.plan(quick=True, seed=1)
    >>> len(plan.cells()), plan.cells()[0]
    (4, {'draws': 50, 'n': 10, 'block': 0})
    >>> generator = plan.generator(plan.cells()[0])
    >>> sorted(cell(plan.cells()[0], generator))
    ['longest']
    """

    name: str
    title: str
    cell: Cell
    grid: Mapping[str, Sequence[Coordinate]]
    variables: Mapping[str, Variable]
    blocks: int = 8
    inner: Mapping[str, Sequence[Coordinate]] = field(default_factory=dict)
    settings: Mapping[str, Coordinate] = field(default_factory=dict)
    quick: Mapping[str, Any] = field(default_factory=dict)
    skip: Callable[[Params], bool] | None = None
    cost: Callable[[Params], float] | None = None
    choices: Mapping[str, Sequence[Coordinate] | None] = field(default_factory=dict)
    folders: Callable[[str, str], Mapping[str, Any]] | None = None
    spectra: Callable[[Sequence[Spectrum]], Mapping[str, Any]] | None = None
    flow: Callable[[Outside, Params], Any] | None = None
    methods: str | None = None
    source: Source | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        word: object = self.name
        if not isinstance(word, str) or not _NAME.fullmatch(word):
            raise InputError(f"an experiment's name is lower-case words joined by dashes, got {shown(self.name)}")
        if not callable(self.cell):
            raise InputError(
                f"cell of experiment {self.name!r} must be a function (params, rng) -> dict, got {shown(self.cell)}"
            )
        for part in ("grid", "variables", "inner", "settings", "quick"):
            # A copy: what is changed later in the caller's dict must not change the experiment.
            object.__setattr__(self, part, dict(mapping(getattr(self, part), f"{part} of experiment {self.name!r}")))
        if not self.grid or not self.variables:
            raise InputError(f"experiment {self.name!r} needs at least one dimension in grid and one of variables")
        for variable, declared in self.variables.items():
            if not isinstance(declared, Variable):
                raise InputError(
                    f"variable {variable!r} of experiment {self.name!r} must be a Variable, got {shown(declared)}"
                )
        extra = list(dict.fromkeys(d for variable in self.variables.values() for d in variable.dims))
        strangers = [d for d in self.inner if d not in extra]
        if strangers:
            raise InputError(f"no variable of experiment {self.name!r} has the inner dimension {strangers[0]!r}")
        if self.methods is not None and not all(isinstance(name, str) for name in self.inner.get(self.methods, (0,))):
            raise InputError(
                f"methods of experiment {self.name!r} must be a dimension of inner that holds names of methods"
            )
        names = [*self.grid, *extra, *self.settings, *self.variables]
        for name in names:
            if name in RESERVED or not _IDENTIFIER.fullmatch(str(name)):
                raise InputError(f"{name!r} cannot name a dimension, setting or variable of experiment {self.name!r}")
            if names.count(name) > 1:
                raise InputError(f"experiment {self.name!r} uses the name {name!r} twice")
        changeable = {*self.grid, *self.inner, *self.settings, "blocks"}
        unknown = [name for name in self.quick if name not in changeable]
        if unknown:
            raise InputError(f"quick of experiment {self.name!r} changes {unknown[0]!r}, which it does not have")
        object.__setattr__(self, "blocks", positive_int(self.blocks, "blocks"))
        unknown = [name for name in self.choices if name not in changeable - {"blocks"}]
        if unknown:
            raise InputError(f"choices of experiment {self.name!r} name {unknown[0]!r}, which it does not have")
        self.plan()
        self.plan(quick=True)

    def plan(self, *, quick: bool = False, seed: int = 0, changes: Mapping[str, Any] | None = None) -> Plan:
        """The grid, blocks and settings of one run; `changes` are the user's, on top of those of `quick`.

        Raises
        ------
        InputError
            Coordinates or a seed that cannot be used; a change of something that the experiment does not have.
        """
        own, given = named({} if changes is None else mapping(changes, "changes"))
        changeable = [*self.settings, *self.grid, *self.inner, "blocks"]
        if unknown := [name for name in own if name not in changeable]:
            raise InputError(f"experiment {self.name!r} has no {unknown[0]!r} to set: it has {', '.join(changeable)}")
        quick = flag(quick, "quick")
        changes = {**(self.quick if quick else {}), **own}
        plan = Plan(
            experiment=self.name,
            grid={name: coordinates(name, changes.get(name, values)) for name, values in self.grid.items()},
            inner={name: coordinates(name, changes.get(name, values)) for name, values in self.inner.items()},
            settings={name: coordinates(name, [changes.get(name, value)])[0] for name, value in self.settings.items()},
            blocks=positive_int(changes.get("blocks", self.blocks), "blocks"),
            quick=quick,
            seed=whole_number(seed, "seed"),
            given=given,
        )
        if self.folders is None:
            settled = {**plan.grid, **plan.inner, **{name: (value,) for name, value in plan.settings.items()}}
            for name in own:
                self.choose(name, [value for value in settled.get(name, ()) if value not in given])
        cells = math.prod([*(len(values) for values in plan.grid.values()), plan.blocks])
        if cells > _MOST_CELLS:
            raise InputError(f"experiment {self.name!r} would have {cells:.3g} cells: at most {_MOST_CELLS:.0e} are run")
        return plan

    def choose(self, name: str, values: Sequence[Coordinate]) -> None:
        """Raise InputError unless all of `values` are among the choices for `name`, if it has any."""
        allowed = self.choices.get(name, self._cases(name))
        for value in values:
            if allowed is not None and value not in allowed:
                listed = ", ".join(map(repr, allowed))
                raise InputError(f"{name} of experiment {self.name!r} must be one of {listed}, got {str(value)[:_SHOWN]!r}")

    def _cases(self, name: str) -> list[str] | None:
        """The names of cases that the experiment gives a dimension; None for numbers and for settings."""
        own = {**self.grid, **self.inner}
        known = [*own[name], *self.quick.get(name, ())] if name in own else []
        return list(dict.fromkeys(map(str, known))) if known and all(isinstance(value, str) for value in known) else None
