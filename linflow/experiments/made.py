"""What an experiment's file makes of its result (table, reading, figures), held against what it should be.

The cells are on the disk by then: whatever the author's code raises or returns costs a sentence, and no result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from linflow.engine.users import described, failing_as
from linflow.errors import DataError
from linflow.experiments.discover import Study
from linflow.figures import FigureFormat, file_of

if TYPE_CHECKING:
    import xarray as xr

Rows = list[dict[str, object]]
#: Keys of figures become parts of file names.
_KEY = re.compile(r"[A-Za-z0-9_.-]{0,100}")


def made_table(study: Study, function: Callable[[xr.Dataset], Any], dataset: xr.Dataset) -> Rows:
    """The rows that a table consists of; DataError if it is none."""
    what = _name(study, "table")
    with failing_as(DataError, what):
        found = function(dataset)
    if not isinstance(found, list | tuple):
        raise DataError(f"{what} must return a list of rows, got {_kind(found)}")
    rows: Rows = []
    for row in found:
        if not isinstance(row, Mapping):
            raise DataError(f"{what} must return rows that are dicts, got {_kind(row)} in the place of one")
        with failing_as(DataError, what):
            rows.append({str(name): _value(value) for name, value in row.items()})
    return rows


def made_reading(study: Study, function: Callable[[xr.Dataset], Any], dataset: xr.Dataset) -> str:
    """The paragraph; DataError if it is no text."""
    what = _name(study, "reading")
    with failing_as(DataError, what):
        found = function(dataset)
    if not isinstance(found, str):
        raise DataError(f"{what} must return text, got {_kind(found)}")
    return found


def made_figures(
    study: Study, function: Callable[[xr.Dataset], Any], dataset: xr.Dataset, form: FigureFormat = "png"
) -> dict[str, bytes]:
    """Each figure as a file of this form, by its key; DataError if it is none, or cannot be drawn."""
    what = _name(study, "figures")
    with failing_as(DataError, what):
        found = function(dataset)
    if not isinstance(found, Mapping):
        raise DataError(f"{what} must return a dict of matplotlib figures, got {_kind(found)}")
    drawn = {}
    for key, figure in found.items():
        if not (isinstance(key, str) and _KEY.fullmatch(key)):
            raise DataError(f"{what} must be named by letters, digits, dots and dashes, since files are, got {_kind(key)}")
        if not callable(getattr(figure, "savefig", None)):
            raise DataError(f"{what} must return matplotlib figures, got {_kind(figure)} for {key!r}")
        with failing_as(DataError, f"drawing figure {key!r} of {what}"):
            drawn[key] = file_of(figure, form)
    return drawn


def _name(study: Study, function: str) -> str:
    return f"{function} of experiment {study.experiment.name!r}"


def _value(value: object) -> object:
    """Numbers as they are, anything else as text."""
    text = str(value)  # of whole numbers with very many digits there is none
    return value if isinstance(value, bool | int | float) else text


def _kind(value: object) -> str:
    """What kind of thing it is, and which one if that is short."""
    try:
        shown = repr(value)
    except Exception as error:  # an object of the author's may raise even here
        shown = described(error)
    kind = type(value).__name__
    return kind if value is None or len(shown) > 40 else f"{kind} {' '.join(shown.split())}"
