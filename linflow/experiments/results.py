"""From stored cells to one labelled array, and from there to NetCDF and CSV."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linflow.arrays import numeric
from linflow.checks import FloatArray, instance_of
from linflow.engine.files import write_bytes, write_pieces
from linflow.errors import InputError
from linflow.experiments.cells import Outcome
from linflow.experiments.experiment import Experiment, Variable
from linflow.experiments.gathered import COMPUTED, FAILED, SKIPPED, Gathered
from linflow.experiments.plan import Plan

if TYPE_CHECKING:
    import xarray as xr

_INT32 = 2**31 - 1


def build(experiment: Experiment, plan: Plan, gathered: Gathered, code_version: str) -> xr.Dataset:
    """The dataset of a complete run.

    Parameters
    ----------
    gathered : what became of the cells; one of which nothing is known was skipped.

    Returns
    -------
    xr.Dataset : dimensions of the grid, "block" (not for variables that are kept once), and the variables' own; NaN where
        a cell failed or was skipped. The variable "status" says which (0 computed, 1 failed, 2 skipped); "error_text" is
        there if any failed. Attributes: experiment, title, seed, quick, code_version, parameters (JSON), n_cells, n_failed,
        n_skipped.

    Raises
    ------
    InputError
        A cell returned more entries along an inner dimension than that has coordinates.
    """
    import xarray as xr

    shape = tuple(map(len, plan.axes().values()))
    sizes = gathered.sizes()
    status = gathered.status
    dims = (*plan.grid, "block")
    data: dict[str, Any] = {}
    for name, variable in experiment.variables.items():
        outer = tuple(plan.grid) if variable.once else dims
        values = gathered.values(name, sizes)
        long_name = {"long_name": variable.description, "units": variable.units}
        data[name] = ((*outer, *variable.dims), values.reshape(*shape[: len(outer)], *values.shape[1:]), long_name)
    flags = {"long_name": "what became of the cell", "flag_values": [0, 1, 2], "flag_meanings": "computed failed skipped"}
    data["status"] = (dims, status.reshape(shape), flags)
    if np.any(status == FAILED):
        texts = np.full(len(status), "", dtype=f"U{max(map(len, gathered.errors.values()))}")
        for index, text in gathered.errors.items():
            texts[index] = text
        data["error_text"] = (dims, texts.reshape(shape), {"long_name": "error of the failed cell"})
    coordinates: dict[str, Any] = {name: list(values) for name, values in plan.grid.items()}
    coordinates["block"] = np.arange(plan.blocks)
    coordinates |= {d: list(plan.inner.get(d, range(size))) for d, size in sizes.items()}
    attributes: dict[str, Any] = {
        "experiment": experiment.name,
        "title": experiment.title,
        "seed": plan.seed,
        "quick": int(plan.quick),
        "code_version": code_version,
        "parameters": json.dumps(plan.parameters(), sort_keys=True),
        "n_cells": len(status),
        "n_failed": int(np.sum(status == FAILED)),
        "n_skipped": int(np.sum(status == SKIPPED)),
    }
    return xr.Dataset(data, coords=coordinates, attrs=attributes)


def fits(outcome: Outcome, variables: Mapping[str, Variable], inner: Mapping[str, tuple[Any, ...]]) -> Outcome:
    """`outcome`, or a failed one in its place where an array is longer than the coordinates of its dimension."""
    for name, array in outcome.values.items():
        for dim, length in zip(variables[name].dims, array.shape, strict=True):
            if dim in inner and length > len(inner[dim]):
                text = f"InputError: {name!r} has {length} entries along {dim!r}, which has {len(inner[dim])} coordinates"
                return Outcome(outcome.key, {}, text, outcome.seconds)
    return outcome


def settings(dataset: xr.Dataset) -> dict[str, Any]:
    """The settings under which a dataset was computed.

    >>> import xarray as xr
    >>> settings(xr.Dataset(attrs={"parameters": '{"settings": {"draws": 10}}'}))
    {'draws': 10}
    """
    try:
        found: dict[str, Any] = json.loads(dataset.attrs["parameters"])["settings"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError("the dataset does not come from an experiment: it has no parameters") from error
    return found


def entries(values: xr.DataArray) -> FloatArray:
    """The array that a cell returned, without its filling; of size 0 where the cell failed, was skipped or returned NaN.

    Parameters
    ----------
    values : one variable at one place: what is left are the variable's own dimensions, in their order.

    Examples
    --------
    >>> import xarray as xr
    >>> entries(xr.DataArray([[1.0, 2.0, np.nan], [np.nan, np.nan, np.nan]]))
    array([[1., 2.]])
    >>> entries(xr.DataArray([np.nan, np.nan])).size
    0
    """
    import xarray as xr

    found = numeric(instance_of(values, xr.DataArray, "values").values, "values", "an array of real numbers")
    array = np.asarray(found, dtype=np.float64)
    if np.all(np.isnan(array)):
        return np.empty((0,) * array.ndim)
    return array[tuple(slice(0, length) for length in _filled(array))].copy()


def write_netcdf(dataset: xr.Dataset, path: Path) -> None:
    """Write NetCDF-3 (64-bit offsets), whole or not at all; ``xarray.open_dataset(path)`` reads it.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    # In memory first: on a full disk the library would leave half a file, and complain a second time when it is closed.
    write_bytes(path, bytes(_for_netcdf(dataset).to_netcdf(engine="scipy", format="NETCDF3_64BIT")))


def write_csv(dataset: xr.Dataset, path: Path) -> None:
    """Write long form: one line for each cell and value; every float so that it reads back exactly.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    write_pieces(path, (lines.encode() for lines in _csv_lines(dataset)))


def to_csv(dataset: xr.Dataset) -> str:
    """Columns: the grid, block, the inner dimensions (empty where a variable has none), variable, value, status, error.

    Fillings beyond the end of a cell's array have no line; a failed or skipped cell has one for each variable. Variables
    that are kept once (pictures, spectra) are left out: NetCDF has them.
    """
    return "".join(_csv_lines(dataset))


def _csv_lines(dataset: xr.Dataset) -> Iterator[str]:
    """The header, then the lines of each cell."""
    outer = [str(d) for d in dataset["status"].dims]
    # Taken out of the dataset once, for that takes longer than to write a line.
    own: dict[str, tuple[list[str], Any]] = {}
    for name in map(str, dataset.data_vars):
        if name not in ("status", "error_text") and "block" in dataset[name].dims:
            own[name] = [str(d) for d in dataset[name].dims if d not in outer], dataset[name].values
    inner = list(dict.fromkeys(d for dims, _ in own.values() for d in dims))
    labels = {d: dataset[d].values.tolist() for d in (*outer, *inner)}
    words = ("computed", "failed", "skipped")
    status = dataset["status"].values
    errors = dataset["error_text"].values if "error_text" in dataset else None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*outer, *inner, "variable", "value", "status", "error"])
    for place in itertools.product(*(range(len(labels[d])) for d in outer)):
        start = [labels[d][i] for d, i in zip(outer, place, strict=True)]
        end = [words[int(status[place])], "" if errors is None else errors[place]]
        for name, (dims, array) in own.items():
            if status[place] != COMPUTED:
                writer.writerow([*start, *("" for _ in inner), name, "", *end])
                continue
            values = array[place]
            for index in np.ndindex(*_filled(values)):
                at = dict(zip(dims, index, strict=True))
                middle = [labels[d][at[d]] if d in at else "" for d in inner]
                writer.writerow([*start, *middle, name, repr(float(values[index])), *end])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _filled(values: Any) -> tuple[int, ...]:
    """The shape up to the last entry that is a number: what follows is filling."""
    if values.ndim == 0:
        return ()
    there = np.argwhere(~np.isnan(values))
    return tuple(int(i) + 1 for i in there.max(axis=0)) if len(there) else values.shape


def _for_netcdf(dataset: xr.Dataset) -> xr.Dataset:
    """NetCDF-3 has no 64-bit integers and no empty attributes: small ones become 32-bit, large ones floats."""
    changed = dataset.copy()
    for name in dataset.coords:
        values = dataset[name].values
        if values.dtype.kind == "i":
            small = values.size == 0 or int(np.abs(values).max()) <= _INT32
            changed = changed.assign_coords({name: values.astype(np.int32 if small else np.float64)})
    for name in dataset.variables:
        attributes = dataset[name].attrs
        changed[name].attrs = {
            key: np.array(value, dtype=np.int32) if isinstance(value, list) else value
            for key, value in attributes.items()
            if value != ""
        }
    seed = dataset.attrs.get("seed", 0)
    changed.attrs["seed"] = seed if abs(seed) <= _INT32 else str(seed)
    return changed
