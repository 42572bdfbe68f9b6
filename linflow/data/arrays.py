"""Arrays from files (.npy .npz .mat .h5 .parquet and text) and from objects of other libraries: one, or a refusal.

A file with several arrays is refused until `variable` names one: which of them is meant is not to be guessed. None of the
libraries whose objects come in is imported here; they are known by their behaviour.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.arrays import numeric, shown
from linflow.checks import whole_in
from linflow.data.tables import TEXT_SUFFIXES, counts_rows, read_table
from linflow.engine.files import regular_file, shortened
from linflow.engine.users import text_of
from linflow.errors import DataError, InputError

HDF5_SUFFIXES = (".h5", ".hdf5")
#: Endings of files that hold arrays.
ARRAY_SUFFIXES = (".npy", ".npz", ".mat", *HDF5_SUFFIXES, ".parquet", *TEXT_SUFFIXES)
#: A .npy of so many bytes or more stays on the disk, and its pages are read when they are needed.
MAPPED_FROM = 2**28
#: So many arrays, or columns, are named by a sentence.
_NAMED = 8
#: First bytes of a .npy.
_NPY = b"\x93NUMPY"
#: Classes of MATLAB's variables that are numbers.
_MATLAB = {"double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}


@dataclass(frozen=True)
class Found:
    """An array as it stands in a file or an object.

    Parameters
    ----------
    values : (length,) or (rows, columns, ...) array of real numbers; a file that is mapped is a view of it.
    names : of the columns, where they have any.
    told : what was done, a few words each.
    flat : rows and columns of length 1 mean nothing: MATLAB has no vectors, and text is always a table.
    chosen : a column has been taken already, by a reader that knows their names.
    """

    values: NDArray[Any]
    names: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    flat: bool = False
    chosen: bool = False


def read_array(file: Path, *, variable: str | None, column: str | int | None) -> Found:
    """The array of a file, or its `variable`; of that, the `column` that is named.

    Raises
    ------
    DataError
        The file is missing, damaged, of another kind, ambiguous, or holds several arrays.
    InputError
        Numbers that are complex; a choice that the file does not offer.
    """
    regular_file(file, "file")
    ending = file.suffix.lower()
    reader = _READERS.get(ending)
    if reader is None:
        raise DataError(
            f"{shortened(file)} ends in {ending or 'nothing'}, which is not read: give {' '.join(ARRAY_SUFFIXES)}"
        )
    if variable is not None and ending not in _WITH_VARIABLES:
        raise InputError(f"variable (--variable) chooses among the arrays of a file, and {shortened(file)} holds one")
    try:
        found = reader(file, variable, column)
    except (DataError, InputError, MemoryError):
        raise
    except Exception as error:  # the readers meet bytes of anybody's, and raise whatever their parsers do
        raise DataError(f"{shortened(file)} cannot be read as numbers ({text_of(error)})") from error
    return _column(found, column, shortened(file))


def array_of(value: object, *, variable: str | None, column: str | int | None) -> Found:
    """The array that an object is: of NumPy, pandas, xarray, PyTorch, or nested lists of numbers."""
    if hasattr(value, "data_vars"):  # xarray's Dataset
        found = Found(*_one(dict(value.data_vars), variable, "the dataset", lambda name: np.shape(value[name])))  # type: ignore[index]
    elif variable is not None:
        raise InputError("variable chooses among the arrays of a file or a dataset, and this is one array")
    elif hasattr(value, "columns") and hasattr(value, "to_numpy"):  # a DataFrame of pandas, or of its like
        found = _of_frame(value, column, "the data frame")
    else:
        found = Found(numeric(value, "the data", "an array of real numbers"))
    return _column(found, column, "the data")


# ------------------------------------------------------------------------------------------------------------- readers


def _npy(file: Path, _: object, __: object) -> Found:
    with file.open("rb") as stream:
        if stream.read(len(_NPY)) != _NPY:  # NumPy would take it for pickled objects, and advise to trust them
            raise DataError(f"{shortened(file)} is no .npy file, whatever it is called: save it with numpy.save")
    values = np.load(file, allow_pickle=False, mmap_mode="r")
    numeric(values[:0], shortened(file), "an array of real numbers")
    if values.nbytes >= MAPPED_FROM:
        return Found(values, told=("stays on the disk",))
    return Found(np.array(values))


def _npz(file: Path, variable: str | None, _: object) -> Found:
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    numbers = {name: array for name, array in arrays.items() if array.dtype.kind in "iufc"}
    return Found(*_one(numbers, variable, shortened(file), lambda name: numbers[name].shape))


def _mat(file: Path, variable: str | None, _: object) -> Found:
    from scipy.io import loadmat, whosmat
    from scipy.sparse import issparse

    if _is_hdf5(file):  # version 7.3
        return _hdf5(file, variable, None)
    numbers = {name: shape for name, shape, kind in whosmat(file) if kind in {*_MATLAB, "sparse"}}
    name = _name_of(numbers, variable, shortened(file), lambda name: numbers[name])
    found = loadmat(file, variable_names=[name])[name]
    if issparse(found):
        raise InputError(f"{name!r} of {shortened(file)} is a sparse matrix: save full({name})")
    values = numeric(found, f"{name!r} of {shortened(file)}", "an array of real numbers")
    return Found(values, told=_named(numbers, name), flat=True)


def _hdf5(file: Path, variable: str | None, _: object) -> Found:
    try:
        import h5py
    except ImportError:
        raise DataError(f"{shortened(file)} is an HDF5 file: reading it needs h5py (pip install 'linflow[data]')") from None
    with _opened(h5py.File(file, "r")) as tree:
        sets: dict[str, Any] = {}

        def visit(name: str, item: Any) -> None:
            # What MATLAB writes beside its variables lies in groups whose names begin with #.
            if isinstance(item, h5py.Dataset) and not name.startswith("#") and _holds_numbers(item):
                sets[name] = item

        tree.visititems(visit)
        name = _name_of(sets, variable and variable.strip("/"), shortened(file), lambda name: _shape(sets[name]))
        values = numeric(sets[name][()], f"{name!r} of {shortened(file)}", "an array of real numbers")
        by_matlab = "MATLAB_class" in sets[name].attrs
    # MATLAB stores columns one after the other, HDF5 rows.
    return Found(np.ascontiguousarray(values.T) if by_matlab else values, told=_named(sets, name), flat=by_matlab)


def _opened(tree: Any) -> AbstractContextManager[Any]:
    opened: AbstractContextManager[Any] = tree
    return opened


def _holds_numbers(item: Any) -> bool:
    """Real numbers, or the pairs that complex ones are stored as (which are refused when they are chosen)."""
    kind = item.attrs.get("MATLAB_class")
    if kind is not None and (bytes(kind).decode() not in _MATLAB or "MATLAB_empty" in item.attrs):
        return False
    return item.dtype.kind in "iufc" or set(item.dtype.names or ()) in ({"real", "imag"}, {"r", "i"})


def _shape(item: Any) -> tuple[int, ...]:
    return tuple(item.shape[::-1] if "MATLAB_class" in item.attrs else item.shape)


def _is_hdf5(file: Path) -> bool:
    with file.open("rb") as stream:
        head = stream.read(520)
    return b"\x89HDF\r\n\x1a\n" in (head[:8], head[512:])


def _parquet(file: Path, _: object, column: str | int | None) -> Found:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise DataError(
            f"{shortened(file)} is a Parquet file: reading it needs pyarrow (pip install 'linflow[data]')"
        ) from None
    import pandas as pd

    return _of_frame(pd.read_parquet(file), column, shortened(file))


def _text(file: Path, _: object, column: str | int | None) -> Found:
    what = shortened(file)
    table = read_table(file, None if column is None else lambda names, count: _place(column, names, count, what))
    if table.alone is not None:
        called = table.names[0] if table.names and table.names[0] else table.alone + 1
        return Found(table.values[:, 0], told=(*table.told, f"column {called!r}"), chosen=True)
    if column is None and table.doubt:
        raise DataError(f"{table.doubt}; or choose a column (--column)")
    return _unless_counted(Found(table.values, table.names, table.told, flat=True), column, what)


def _unless_counted(found: Found, column: str | int | None, what: str) -> Found:
    """A table, refused where its first column counts the rows and nobody said which column is meant."""
    if column is None and counts_rows(found.values):
        raise DataError(
            f"the first column of {what} counts its rows (it has {columns_of(found)}): choose one (column=, --column), "
            "leave it out, or save what is meant as .npy"
        )
    return found


_READERS: dict[str, Callable[[Path, str | None, str | int | None], Found]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".mat": _mat,
    ".parquet": _parquet,
    **dict.fromkeys(HDF5_SUFFIXES, _hdf5),
    **dict.fromkeys(TEXT_SUFFIXES, _text),
}
_WITH_VARIABLES = (".npz", ".mat", *HDF5_SUFFIXES)


# ------------------------------------------------------------------------------------------------------------- choices


def _name_of(arrays: Mapping[str, Any], variable: str | None, what: str, shape: Callable[[str], tuple[int, ...]]) -> str:
    """The array that is meant: the only one, or the one that is named."""
    names = list(arrays)
    listed = ", ".join(f"{name!r} {_by(shape(name))}" for name in names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    if variable is not None:
        if variable in arrays:
            return variable
        raise InputError(f"{what} has no array {shown(variable)} of numbers: it has {listed or 'none'}")
    if not names:
        raise DataError(f"{what} holds no array of numbers")
    if len(names) > 1:
        raise DataError(f"{what} holds {len(names)} arrays, {listed}: name one (variable=, --variable)")
    return names[0]


def _one(
    arrays: Mapping[str, Any], variable: str | None, what: str, shape: Callable[[str], tuple[int, ...]]
) -> tuple[NDArray[Any], tuple[str, ...], tuple[str, ...]]:
    name = _name_of(arrays, variable, what, shape)
    return numeric(arrays[name], f"{name!r} of {what}", "an array of real numbers"), (), _named(arrays, name)


def _named(arrays: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return (f"variable {name!r}",) if len(arrays) > 1 else ()


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _of_frame(frame: Any, column: str | int | None, what: str) -> Found:
    """All columns of a data frame, which must be numbers, or the one that is named."""
    labels = tuple(map(str, frame.columns))
    if column is not None:
        place = _place(column, labels, len(labels), what)
        values = numeric(frame.iloc[:, place], f"column {labels[place]!r} of {what}", "numbers")
        return Found(values, told=(f"column {labels[place]!r}",), chosen=True)
    found = Found(numeric(frame.to_numpy(), what, "a table of real numbers"), labels)
    return _unless_counted(found, column, what)


def _column(found: Found, column: str | int | None, what: str) -> Found:
    """The column that is named, by its name or its number (from 1)."""
    if column is None or found.chosen:
        return found
    values = found.values
    if values.ndim != 2:
        raise InputError(f"column (--column) chooses among columns, and {what} has the shape {values.shape}")
    place = _place(column, found.names, values.shape[1], what)
    called = found.names[place] if found.names and found.names[place] else place + 1
    return Found(np.array(values[:, place]), told=(*found.told, f"column {called!r}"), chosen=True)


def _place(column: str | int, names: tuple[str, ...], count: int, what: str) -> int:
    """Index of the column that is named, among `count` that may have names."""
    has = _listed(names, count)
    if isinstance(column, str) and column in names:
        if names.count(column) > 1:
            raise InputError(f"{what} has several columns {shown(column)}: give the number of one, from 1")
        return names.index(column)
    if isinstance(column, str) and not column.isdecimal():
        raise InputError(f"{what} has no column {shown(column)}: it has {has}")
    number = int(column) if isinstance(column, str) else column
    return whole_in(number, "column", 1, count, f"a whole number in 1..{count}, or a name ({has})") - 1


def columns_of(found: Found) -> str:
    """The columns of a table, for a sentence.

    >>> columns_of(Found(np.zeros((4, 2)), names=("index", "sigma"))), columns_of(Found(np.zeros((4, 2))))
    ("1 'index', 2 'sigma'", '2 columns without names')
    """
    return _listed(found.names, found.values.shape[1])


def _listed(names: tuple[str, ...], count: int) -> str:
    if not names:
        return f"{count} columns without names"
    named = [f"{place} {name!r}" for place, name in enumerate(names[:_NAMED], start=1)]
    return ", ".join(named) + (", ..." if len(names) > _NAMED else "")
