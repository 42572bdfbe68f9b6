"""`linflow run` from an experiment to files: progress, table and reading for people, data and figures for later."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linflow.data.folders import image_files
from linflow.engine.files import prepare_folder, write_bytes
from linflow.engine.progress import shown
from linflow.engine.users import described, failing_as
from linflow.errors import DataError, InputError, LinflowError
from linflow.experiments.discover import experiment_files, load, summary
from linflow.experiments.experiment import Experiment
from linflow.experiments.folders import READING, folder_word
from linflow.experiments.gathered import COMPUTED
from linflow.experiments.made import Rows, made_figures, made_reading, made_table
from linflow.experiments.outside import fitting, given_flow, given_methods
from linflow.experiments.record import Command, as_markdown, digest_of
from linflow.experiments.results import write_csv, write_netcdf
from linflow.experiments.run import run
from linflow.experiments.statistics import estimate
from linflow.figures import FigureFormat
from linflow.inputs import Given
from linflow.tables import Column, Format, Table, console

if TYPE_CHECKING:
    import xarray as xr

#: Side in pixels of images, where no other is asked for.
_SIDE = 8
#: So many errors are shown; all of them are in the store and in the CSV file.
_SHOWN = 5
#: So many rows of a table are printed: laying out a hundred thousand takes minutes and gigabytes, and nobody reads them.
_PRINTED = 1000
#: Characters of a user's word that a sentence repeats.
_LONGEST = 80


def run_command(
    target: str,
    *,
    out: Path,
    quick: bool,
    seed: int,
    workers: int | None,
    scheduler: str | None,
    changes: dict[str, str] | None = None,
    given: Given | None = None,
    ood: Path | None = None,
    flow: str | None = None,
    methods: Sequence[str] = (),
    form: Format | None = None,
    figures: FigureFormat = "png",
) -> int:
    """Run one experiment and leave its files in `out`; returns 0, or 1 if a cell failed.

    With a `form` the table alone is printed, and every sentence about it goes to standard error.
    """
    place = out.absolute()  # before the user's file is loaded, which may change the working folder
    study = load(target)
    experiment = study.experiment
    given = Given() if given is None else given
    chosen = {**from_outside(experiment, given, ood), **typed(experiment, changes or {})}
    plan = experiment.plan(quick=quick, seed=seed, changes=chosen)  # refused before a folder is made
    own = given_methods(experiment, methods)
    fitted = fitting(experiment, plan, given_flow(experiment, flow))
    prepare_folder(place)
    with shown(experiment.name, unit="cells") as told:
        dataset = run(
            experiment,
            out=place,
            quick=quick,
            seed=seed,
            workers=workers,
            scheduler=scheduler,
            progress=lambda done, failed, total: told(done, total, f"{failed} failed" if failed else ""),
            changes=chosen,
            inputs=_content(experiment, given, ood),
            flow=flow,
            methods=methods,
        )
    write_netcdf(dataset, place / f"{experiment.name}.nc")
    write_csv(dataset, place / f"{experiment.name}.csv")
    failures = _failures(dataset)
    any_computed = bool(np.any(dataset["status"].values == COMPUTED))
    rows = made_table(study, study.table or default_table, dataset) if any_computed else []
    reading = made_reading(study, study.reading, dataset) if study.reading and any_computed else ""
    named = experiment.name if is_own(experiment) else target
    command = Command(
        named,
        quick=quick,
        seed=seed,
        changes=changes or {},
        given=given,
        ood=ood,
        flow=fitted,
        methods=tuple(own.values()),
    )
    page = to_markdown(experiment.title, rows, reading, failures)
    again = as_markdown(command, dataset.attrs["n_cells"] - dataset.attrs["n_skipped"], dataset.attrs["code_version"])
    write_bytes(place / f"{experiment.name}.md", f"{page}\n{again}\n".encode())
    drawn = made_figures(study, study.figures, dataset, figures) if study.figures and any_computed else {}
    names = [f"{experiment.name}-{key}.{figures}" if key else f"{experiment.name}.{figures}" for key in drawn]
    for name, figure in zip(names, drawn.values(), strict=True):
        write_bytes(place / name, figure)

    if rows or form is not None:
        Table.of(rows, experiment.title).put(form, most=_PRINTED, rest=f"{experiment.name}.md")
    told_on = console() if form is None else console(sys.stderr)
    if reading:
        told_on.print(reading, highlight=False, markup=False)
    files = [f"{experiment.name}{ending}" for ending in (".sqlite", ".nc", ".csv", ".md")] + names
    told_on.print(f"{', '.join(files[:-1])} and {files[-1]} are in {out}/", highlight=False, markup=False, soft_wrap=True)
    for line in failures:
        console(sys.stderr).print(f"linflow: {line}", highlight=False, markup=False, soft_wrap=True)
    return 1 if dataset.attrs["n_failed"] else 0


def from_outside(experiment: Experiment, given: Given, ood: Path | None) -> dict[str, Any]:
    """What the user's own spectra or images change in the experiment."""
    if not given.words():
        return from_folders(experiment, None, ood)
    if experiment.spectra is None:
        images = experiment.folders is not None and not (given.data is None and ood is None)
        taken = ["--data", *(READING if images else ()), *(["--size"] if images and "size" in experiment.settings else ())]
        if refused := [word for word in given.words() if word.startswith("--") and word not in taken]:
            alone = experiment.folders is not None and not images and refused[0] in READING
            why = ": give --data, which it says how to read" if alone else ""
            raise InputError(f"experiment {experiment.name!r} takes no {refused[0]}{why}")
        changes = from_folders(experiment, given.data, ood, given)
        return changes if given.size is None else {**changes, "size": given.size}
    if ood is not None:
        raise InputError(f"experiment {experiment.name!r} takes no --ood")
    spectra = given.spectra(size=_SIDE)
    with failing_as(DataError, f"spectra of experiment {experiment.name!r}"):
        return dict(experiment.spectra(spectra))


def _content(experiment: Experiment, given: Given, ood: Path | None) -> dict[str, str]:
    """A digest of each folder that the cells read themselves; spectra from outside are in the parameters by theirs."""
    if experiment.spectra is not None or experiment.folders is None:
        return {}
    folders = {"--data": given.data, "--ood": ood}
    return {option: digest_of(folder) for option, folder in folders.items() if folder is not None}


def from_folders(experiment: Experiment, data: Path | None, ood: Path | None, given: Given | None = None) -> dict[str, Any]:
    """What ``--data`` and ``--ood`` change in the experiment; each must be a folder, and is read as `given` says."""
    given = Given() if given is None else given
    if data is None and ood is None:
        return {}
    if experiment.folders is None:
        raise InputError(f"experiment {experiment.name!r} takes no --data and no --ood")
    for folder in (data, ood):
        if folder is not None and not folder.is_dir():
            raise DataError(f"{str(folder)!r} is not a folder: give a folder of images")
        if folder is not None and is_own(experiment):
            image_files(folder, recursive=given.recursive)  # now, and not in each cell
    try:
        words = ("" if folder is None else folder_word(folder.resolve(), given) for folder in (data, ood))
        return dict(experiment.folders(*words))
    except (LinflowError, KeyboardInterrupt):
        raise
    except BaseException as error:  # the author's code may raise anything
        raise DataError(f"folders of experiment {experiment.name!r} raised {described(error)}") from error


def typed(experiment: Experiment, changes: dict[str, str]) -> dict[str, Any]:
    """The user's words as values of the kind that the experiment has: ``{"draws": "50"}`` -> ``{"draws": 50}``.

    Dimensions take several values, separated by commas.
    """
    own = {**experiment.settings, "blocks": experiment.blocks}
    dimensions = {**experiment.grid, **experiment.inner}
    values: dict[str, Any] = {}
    for name, words in changes.items():
        if name in dimensions:
            values[name] = tuple(_like(next(iter(dimensions[name])), word, name) for word in words.split(","))
            experiment.choose(name, values[name])
        else:
            values[name] = _like(own.get(name, ""), words, name)
            experiment.choose(name, [values[name]])
    return values


def _like(example: object, word: str, name: str) -> str | int | float:
    if isinstance(example, str):
        return word
    try:
        return int(word)
    except ValueError:
        pass
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{name} takes numbers such as {example}, got {word[:_LONGEST]!r}")
    return int(number) if number.is_integer() and "." not in word else number


def list_command() -> list[tuple[str, str]]:
    """(name, what it is) of every experiment of linflow."""
    return [(name, summary(file)) for name, file in experiment_files().items()]


def default_table(dataset: xr.Dataset) -> Rows:
    """Mean and 95 % interval over blocks of every variable that has no dimension of its own, at every grid point."""
    dims = [str(d) for d in dataset["status"].dims if d != "block"]
    names = [str(v) for v in dataset.data_vars if v != "error_text" and dataset[v].dims == dataset["status"].dims]
    names.remove("status")
    results = {name: estimate(dataset[name]) for name in names}
    # Taken out of the datasets once, for that takes longer than to write a row.
    columns = {name: [result[part].values for part in ("mean", "low", "high")] for name, result in results.items()}
    labels = {d: dataset[d].values.tolist() for d in dims}
    status = dataset["status"].values
    rows: Rows = []
    for place in itertools.product(*(range(dataset.sizes[d]) for d in dims)):
        if np.all(status[place] != COMPUTED):
            continue
        row: dict[str, object] = {d: labels[d][i] for d, i in zip(dims, place, strict=True)}
        for name, column in columns.items():
            mean, low, high = (float(values[place]) for values in column)
            row[name] = mean
            row[f"{name}, 95 %"] = f"{_word(low)} .. {_word(high)}"
        rows.append(row)
    return rows


def to_markdown(title: str, rows: Rows, reading: str, failures: list[str]) -> str:
    """Title, table and reading.

    >>> print(to_markdown("Norms", [{"|x|": 1.5}], "Large.", []))
    # Norms
    <BLANKLINE>
    | \\|x\\| |
    |---|
    | 1.5 |
    <BLANKLINE>
    Large.
    <BLANKLINE>
    """
    parts = [f"# {' '.join(title.split())}"]
    if rows:
        parts.append(Table.of(rows).markdown().rstrip("\n"))
    parts += [reading] if reading else []
    parts += ["\n".join(f"- {line}" for line in failures)] if failures else []
    return "\n\n".join(parts) + "\n"


def is_own(experiment: Experiment) -> bool:
    """Whether this is one of linflow's own experiments, known by its name."""
    own = experiment_files().get(experiment.name)
    return own is not None and experiment.source is not None and own.resolve() == Path(experiment.source.path)


def _failures(dataset: xr.Dataset) -> list[str]:
    """How many cells failed, and the first few errors with their places."""
    count = dataset.attrs["n_failed"]
    if not count:
        return []
    status = dataset["status"]
    lines = [f"{count} of {status.size - dataset.attrs['n_skipped']} cells failed; their errors are in the CSV file"]
    texts = dataset["error_text"].values
    places: dict[str, list[tuple[int, ...]]] = {}
    for place in np.argwhere(texts != ""):
        places.setdefault(str(texts[tuple(place)]), []).append(tuple(int(i) for i in place))
    for text, where in list(places.items())[:_SHOWN]:
        first = ", ".join(f"{d} = {dataset[d].values[i]}" for d, i in zip(status.dims, where[0], strict=True))
        lines.append(f"{text} [{first}{f', and {len(where) - 1} more' if len(where) > 1 else ''}]")
    return lines


def _word(value: float) -> str:
    return Column("").text(value)
