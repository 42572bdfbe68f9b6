"""Running an experiment: what is not in the store yet goes to an engine, and each result to the store as it comes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linflow.engine.choice import choose_engine
from linflow.engine.files import prepare_folder
from linflow.engine.pool import Lost, listed
from linflow.engine.store import Store
from linflow.engine.users import failing_as
from linflow.errors import DataError
from linflow.experiments.cells import Outcome, code_version, ship
from linflow.experiments.experiment import Experiment
from linflow.experiments.gathered import Gathered
from linflow.experiments.outside import Methods, beside, fitting, given_flow, given_methods
from linflow.experiments.plan import Plan
from linflow.experiments.results import build, fits
from linflow.experiments.stored import recorded, remembered, run_identity

if TYPE_CHECKING:
    import xarray as xr

#: progress(cells done, failed among them, cells in all)
Progress = Callable[[int, int, int], None]


def run(
    experiment: Experiment,
    *,
    out: str | os.PathLike[str],
    quick: bool = False,
    seed: int = 0,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    changes: Mapping[str, Any] | None = None,
    inputs: Mapping[str, str] | None = None,
    flow: str | os.PathLike[str] | None = None,
    methods: Methods = (),
) -> xr.Dataset:
    """Compute every cell of an experiment that is not stored yet, and return all of them, labelled.

    Parameters
    ----------
    out : folder; cells are kept in ``out/NAME.sqlite`` as they finish. The same call again continues where this one
        stopped, however it was stopped. Cells that raised stay as they are (they would raise again); those whose worker was
        killed are tried again.
    quick : with the experiment's `quick` changes.
    seed : everything random follows from it. The result has the same bits for any engine and any number of workers.
    workers : processes on this machine, default all cores; 1 computes in this process.
    scheduler : address of a Dask scheduler, ``tcp://host:port``, whose workers compute instead.
    progress : called with (cells done, failed among them, cells in all), first before anything is computed.
    changes : settings, coordinates or the number of blocks to use instead of the experiment's own; a run of its own.
    inputs : what the cells read from outside by its path (a folder of images), with a digest of its content: with another
        it is another run.
    flow : a flow in the place of the experiment's own: a file of `linflow.deep.save` or ``linflow train``,
        ``"my_flow.py:make_flow"`` or ``"my_module:make_flow"``. The run is told from others by its content and weights.
    methods : methods to be compared beside the experiment's own, functions of a
        :class:`linflow.experiments.methods.Problem`: themselves, or as ``"my_file.py:my_method"`` or
        ``"my_module:my_method"``; in a list, or in a mapping that gives each its name in tables. The run is told from
        others by their content, and the numbers of the experiment's own methods stay what they are.

    Returns
    -------
    xr.Dataset : see :func:`linflow.experiments.results.build`.

    Raises
    ------
    InputError, DataError, OutputError
        Bad parameters; a damaged or foreign store; a folder that cannot be written, a store in use, no scheduler.

    Examples
    --------
    >>> import tempfile
    >>> from linflow.experiments import Variable
    >>> experiment = Experiment(
    ...     name="mean-square",
    ...     title="Mean square of normals",
    ...     cell=lambda params, rng: {"square": (rng.standard_normal(params["n"]) ** 2).mean()},
    ...     grid={"n": (10, 1000)},
    ...     variables={"square": Variable("mean of z_i^2")},
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     dataset = run(experiment, out=folder, workers=1)
    >>> dict(dataset.sizes), dataset.attrs["n_failed"]
    ({'n': 2, 'block': 8}, 0)
    """
    rivals = given_methods(experiment, methods)
    plan = beside(experiment, experiment.plan(quick=quick, seed=seed, changes=changes), rivals)
    cells = plan.cells()
    pending = _wanted(experiment, plan)
    version = code_version(experiment)
    given = fitting(experiment, plan, given_flow(experiment, flow))
    shipment = ship(experiment, plan.seed, given, rivals)
    engine = choose_engine(workers, scheduler)
    prepare_folder(Path(out))
    identity = run_identity(plan, version, experiment.variables, inputs, given, rivals)
    gathered = Gathered(plan, experiment.variables)
    total = len(pending)
    with Store(Path(out) / f"{experiment.name}.sqlite", identity) as store:
        for known in remembered(store.sound()):
            if known.key in pending:
                gathered.put(pending.pop(known.key), known)
        if experiment.cost is not None:
            with failing_as(DataError, f"cost of experiment {experiment.name!r}"):
                costs = {key: float(experiment.cost(cells[index])) for key, index in pending.items()}
            pending = {key: pending[key] for key in sorted(pending, key=lambda key: -costs[key])}
        if progress:
            progress(gathered.done, gathered.failed, total)
        tasks = listed((index, (cells[index], key)) for key, index in pending.items())
        for index, result in engine.work(shipment, tasks, most=max(len(pending), 1), tick=store.check):
            lost = isinstance(result, Lost)
            # An outcome names its own cell, so no engine can mistake one for another.
            outcome = Outcome(plan.key(cells[index]), {}, result.reason, 0.0) if isinstance(result, Lost) else result
            outcome, own = fits(outcome, experiment.variables, plan.inner), pending[outcome.key]
            store.add(recorded(outcome, cells[own], lost=lost))
            gathered.put(own, outcome)
            if progress:
                progress(gathered.done, gathered.failed, total)
    dataset = build(experiment, plan, gathered, version)
    if given is not None:
        dataset.attrs |= {"flow": given.name, "flow_digest": f"{given.digest} {given.weights}"}
    if rivals:
        digests = " ".join(method.digest for method in rivals.values())
        dataset.attrs |= {"methods": " ".join(method.name for method in rivals.values()), "methods_digest": digests}
    return dataset


def _wanted(experiment: Experiment, plan: Plan) -> dict[str, int]:
    """The cells that are not skipped: key -> place among the plan's."""
    if experiment.skip is None:
        return {key: index for index, key in enumerate(plan.keys())}
    cells = plan.cells()
    with failing_as(DataError, f"skip of experiment {experiment.name!r}"):
        return {key: index for index, key in enumerate(plan.keys()) if not experiment.skip(cells[index])}
