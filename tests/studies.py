"""Small runs of the shipped experiments, and what holds for the figures, the table and the reading of every one.

All three only read. They are therefore called on what the NetCDF file gives back, in a module whose caches are cold, while
every function of linflow that fits, trains, draws, measures, loads data or solves raises.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import xarray as xr

import linflow as lf
from linflow.experiments import Study, load, run
from linflow.experiments.results import write_netcdf

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Rooms whose functions compute: none of them may be called for a figure, a table or a reading.
COMPUTING = (
    *("linflow.data", "linflow.deep", "linflow.estimators", "linflow.fista", "linflow.measurement"),
    *("linflow.pursuit", "linflow.risk.simulate"),
)


class ComputedError(AssertionError):
    """A figure, a table or a reading computed something."""


def small_run(name: str, folder: Path, blocks: int, **changes: Any) -> tuple[Study, xr.Dataset]:
    """The experiment with other coordinates and settings, computed in this process; no cell may fail."""
    study = load(name)
    merged: dict[str, Any] = {
        part: {key: changes.get(key, value) for key, value in getattr(study.experiment, part).items()}
        for part in ("grid", "inner", "settings")
    }
    dataset = run(dataclasses.replace(study.experiment, **merged, blocks=blocks, quick={}), out=folder, workers=1)
    assert dataset.attrs["n_failed"] == 0, dataset.get("error_text")
    return study, dataset


def check_outputs(study: Study, dataset: xr.Dataset) -> dict[str, Figure]:
    """Figures can be drawn, the table has one set of columns, the reading is a paragraph, and nothing is computed."""
    with only_reading():
        cold = again(study)
        stored = written_and_read(dataset)
        assert cold.figures is not None
        assert cold.table is not None
        assert cold.reading is not None
        drawn = cold.figures(stored)
        assert "" in drawn
        for figure in drawn.values():
            figure.draw_without_rendering()
        rows = cold.table(stored)
        reading = cold.reading(stored)
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert len(reading) > 200
    assert "\n" not in reading
    assert not re.search(r"\b(nan|inf)\b", reading)
    return drawn


def again(study: Study) -> Study:
    """The functions of the study's file, executed once more: what its first module has in caches is not there."""
    source = study.experiment.source
    if source is None:
        return study
    module = dataclasses.replace(source, path=f"{source.path} again").execute()
    del sys.modules[module.__name__]
    functions = {name: getattr(module, name, None) for name in ("figures", "table", "reading")}
    return Study(study.experiment, **functions)


def written_and_read(dataset: xr.Dataset) -> xr.Dataset:
    """What is left of a dataset in its NetCDF file."""
    with tempfile.TemporaryDirectory() as folder:
        write_netcdf(dataset, Path(folder) / "x.nc")
        with xr.open_dataset(Path(folder) / "x.nc", engine="scipy") as back:
            return back.load()


@contextmanager
def only_reading() -> Iterator[None]:
    """Inside, the functions of `COMPUTING` raise, wherever a module of linflow names them, and so do fits."""
    with pytest.MonkeyPatch.context() as patch:
        for name in lf.__all__:
            getattr(lf, name)  # what the package loads on first use must be there before it is replaced
        for room in COMPUTING:
            if room == "linflow.deep" and room not in sys.modules:
                patch.setitem(sys.modules, room, None)  # an import of it fails
            else:
                importlib.import_module(room)
        patch.setattr(lf.LinearFlow, "fit", _refusing("LinearFlow.fit"))
        patch.setattr(lf.Spectrum, "from_data", _refusing("Spectrum.from_data"))
        loaded: list[Any] = [sys.modules[name] for name in list(sys.modules) if name.split(".")[0] == "linflow"]
        for module in loaded:
            for name, value in list(getattr(module, "__dict__", {}).items()):
                if inspect.isfunction(value) and _computes(value.__module__):
                    patch.setattr(module, name, _refusing(f"{value.__module__}.{name}"))
        yield


def _computes(module: str) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in COMPUTING)


def _refusing(name: str) -> Callable[..., Any]:
    def refused(*_: Any, **__: Any) -> Any:
        raise ComputedError(f"{name} was called for a figure, a table or a reading")

    return refused
