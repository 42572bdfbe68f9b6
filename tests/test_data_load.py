"""Arrays from every kind of file and object: what is written is what is loaded, and what is not certain is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import linflow as lf
from linflow import data
from linflow.data import arrays
from linflow.errors import DataError, InputError, LinflowError
from linflow.moments import is_mapped

VALUES = np.array([[3.5, 2.25], [-1.0, 0.125], [7.0, 1e-3]])


def hdf5(file: Path, sets: dict[str, Any], *, matlab: bool = False) -> None:
    """An HDF5 file; as MATLAB's version 7.3 writes it, columns first and with its classes."""
    import h5py

    with h5py.File(file, "w", userblock_size=512 if matlab else 0) as tree:
        for name, values in sets.items():
            item = tree.create_dataset(name, data=np.asarray(values).T if matlab else values)
            if matlab:
                item.attrs["MATLAB_class"] = np.bytes_(b"char" if np.asarray(values).dtype == np.uint16 else b"double")


WRITERS: dict[str, Callable[[Path, Any], None]] = {
    ".npy": np.save,
    ".npz": lambda file, x: np.savez(file, x=x),
    ".mat": lambda file, x: scipy.io.savemat(file, {"x": x}),
    ".h5": lambda file, x: hdf5(file, {"group/x": x}),
    ".HDF5": lambda file, x: hdf5(file, {"x": x}),
    ".parquet": lambda file, x: pd.DataFrame(x, columns=[f"c{k}" for k in range(x.shape[1])]).to_parquet(file),
    ".csv": lambda file, x: pd.DataFrame(x).to_csv(file, index=False, header=False),
    ".tsv": lambda file, x: np.savetxt(file, x, delimiter="\t", fmt="%.17g"),
    ".txt": lambda file, x: np.savetxt(file, x, header="made by hand", fmt="%.17g"),
    ".dat": lambda file, x: np.savetxt(file, x, delimiter=";", fmt="%.17g"),
}
MATLAB_73 = {"matlab 7.3": lambda file, x: hdf5(file, {"x": x}, matlab=True)}


@pytest.mark.parametrize("kind", [*WRITERS, *MATLAB_73])
def test_what_is_written_is_what_is_loaded(kind: str, tmp_path: Path) -> None:
    file = tmp_path / ("x.mat" if kind in MATLAB_73 else f"x{kind}")
    (WRITERS | MATLAB_73)[kind](file, VALUES)
    found = data.load(file)
    assert np.array_equal(found, VALUES)
    assert found.digest == data.load(VALUES).digest
    assert len({found.digest, data.load(VALUES[::-1]).digest, data.load(VALUES.reshape(2, 3)).digest}) == 3
    assert found.told.startswith(f"read {str(file)!r}: a 3 x 2 matrix, float64, -1..7")
    assert not found.values.flags.writeable
    assert np.array_equal(data.load(file, column=2), VALUES[:, 1])


@given(st.data())
@settings(max_examples=25)
def test_every_dtype_byte_order_and_shape(tmp_path_factory: pytest.TempPathFactory, drawn: st.DataObject) -> None:
    code = drawn.draw(st.sampled_from(["i1", "u1", "i2", "u2", "i4", "u4", "i8", "f2", "f4", "f8"]))
    dtype = np.dtype(drawn.draw(st.sampled_from("<>")) + code)
    shape = tuple(drawn.draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)))
    values = np.array(drawn.draw(st.lists(st.integers(0, 100), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))))
    values = values.astype(dtype).reshape(shape, order=drawn.draw(st.sampled_from(["C", "F"])))
    ending = drawn.draw(st.sampled_from([".npy", ".npz", ".mat", ".h5", "matlab 7.3"]))
    file = tmp_path_factory.mktemp("array") / ("x.mat" if ending == "matlab 7.3" else f"x{ending}")
    stored = np.atleast_2d(values) if file.suffix == ".mat" else values
    if ending == "matlab 7.3":
        stored = stored.astype(float)
    (WRITERS | MATLAB_73)[ending](file, stored)
    found = np.asarray(data.load(file))
    assert found.dtype == np.float64
    flat = file.suffix == ".mat" and 1 in stored.shape
    assert np.array_equal(found, values.reshape(-1) if flat else values)


OBJECTS: dict[str, Any] = {
    "array": VALUES,
    "big-endian": VALUES.astype(">f8"),
    "list": VALUES.tolist(),
    "frame": pd.DataFrame(VALUES, columns=["a", "b"]),
    "labelled": xr.DataArray(VALUES, dims=("sample", "pixel")),
    "dataset": xr.Dataset({"x": (("sample", "pixel"), VALUES)}),
    "tensor": torch.tensor(VALUES),
    "loaded": data.load(VALUES),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_of_other_libraries(name: str) -> None:
    found = data.load(OBJECTS[name])
    assert np.array_equal(found, VALUES)
    assert found.digest == data.load(VALUES).digest
    assert lf.Spectrum.from_data(found) == lf.Spectrum.from_data(VALUES)


#: what is handed over -> what is said
REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "grad": (torch.tensor(VALUES, requires_grad=True), {}, "requires grad"),
    "masked": (np.ma.masked_greater(VALUES, 1), {}, "masked"),
    "nan": ([1.0, np.nan], {}, "must be finite"),
    "complex": ([1j], {}, "got"),
    "words": (pd.DataFrame({"a": ["x", "y"], "b": [1.0, 2.0]}), {}, "must be a table of real numbers"),
    "missing": (pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}), {}, "must be"),
    "dates": (pd.Series(pd.date_range("2020", periods=2)), {}, "got dates"),
    "two variables": (xr.Dataset({"x": ("i", [1.0]), "y": ("i", [2.0])}), {}, "holds 2 arrays, 'x' 1, 'y' 1: name one"),
    "variable of an array": (VALUES, {"variable": "x"}, "variable chooses among"),
    "no such variable": (xr.Dataset({"x": ("i", [1.0])}), {"variable": "z"}, "has no array 'z' of numbers"),
    "column of a vector": ([1.0, 2.0], {"column": 1}, "chooses among columns"),
    "no such column": (pd.DataFrame({"a": [1.0]}), {"column": "b"}, r"has no column 'b': it has 1 'a'"),
    "column of a wrong kind": (VALUES, {"column": 1.5}, "column must be a name or a number"),
    "images' options": (VALUES, {"size": 8, "recursive": True}, "recursive and size are for images"),
    "none": (None, {}, "must be an array of real numbers, got None"),
    "nothing": ([], {}, "must be non-empty"),
    "a number": (3.0, {}, "holds no array of numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_objects_that_are_no_data(name: str) -> None:
    value, options, words = REFUSED[name]
    with pytest.raises(LinflowError, match=words) as error:
        data.load(value, **options)
    assert "\n" not in str(error.value)


def test_a_column_beside_words_is_taken_alone(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["x", "y"], "sigma": [2.0, 1.0]})
    frame.to_parquet(tmp_path / "x.parquet")
    assert data.load(frame, column="sigma").values.tolist() == [2.0, 1.0]
    assert data.load(tmp_path / "x.parquet", column="sigma").values.tolist() == [2.0, 1.0]
    with pytest.raises(InputError, match="must be a table of real numbers"):
        data.load(tmp_path / "x.parquet")
    # By its number too, and out of text; what would be lost as a header is refused.
    for text in ("name,sigma\nx,2.0\ny,1\n", "name;sigma\nx;2,0\ny;1\n"):
        (tmp_path / "x.csv").write_text(text)
        for source in (tmp_path / "x.csv", frame, tmp_path / "x.parquet"):
            for column in ("sigma", 2, "2"):
                assert data.load(source, column=column).values.tolist() == [2.0, 1.0]
        with pytest.raises(DataError, match=r"line 2 of .* has 'x', which is no number"):
            data.load(tmp_path / "x.csv", column=1)
        with pytest.raises(InputError, match=r"has no column 'z': it has 1 'name', 2 'sigma'"):
            data.load(tmp_path / "x.csv", column="z")
    (tmp_path / "x.csv").write_text("x,2.5\ny,1\n")
    with pytest.raises(DataError, match=r"line 1 of .* has '2\.5', a number, where it names columns"):
        data.load(tmp_path / "x.csv", column=2)


COUNTED = pd.DataFrame({"k": [1, 2, 3], "sigma": [3.5, 2.1, 1.7]})


@pytest.mark.parametrize("kind", ["frame", ".parquet", ".csv", ".tsv"])
def test_an_index_is_no_column_in_any_table(kind: str, tmp_path: Path) -> None:
    source: Any = COUNTED if kind == "frame" else tmp_path / f"x{kind}"
    if kind == ".parquet":
        COUNTED.to_parquet(source)
    elif kind != "frame":
        COUNTED.to_csv(source, index=False, sep="," if kind == ".csv" else "\t")
    with pytest.raises(DataError, match=r"the first column of .* counts its rows \(it has 1 'k', 2 'sigma'\)"):
        data.load(source)
    assert data.load(source, column="sigma").values.tolist() == [3.5, 2.1, 1.7]
    assert data.load(source, column=1).values.tolist() == [1, 2, 3]
    # An array has no index, and a table that does not count keeps its first column.
    assert data.load(COUNTED.to_numpy()).values.shape == (3, 2)
    assert data.load(COUNTED.iloc[::-1]).values.shape == (3, 2)


def test_of_two_columns_of_one_name_none_is_taken(tmp_path: Path) -> None:
    twice = pd.DataFrame([[1.0, 2.0], [5.0, 4.0]], columns=["s", "s"])
    with pytest.raises(InputError, match="several columns 's': give the number"):
        data.load(twice, column="s")
    assert data.load(twice, column=2).values.tolist() == [2.0, 4.0]


@pytest.mark.parametrize("kind", [".npz", ".mat", ".h5", "matlab 7.3"])
def test_several_arrays_are_refused_until_one_is_named(kind: str, tmp_path: Path) -> None:
    file = tmp_path / ("x.mat" if kind == "matlab 7.3" else f"x{kind}")
    sets = {"s": np.array([[2.0, 1.0, 0.5]]), "U": np.eye(3), "label": np.array([[104, 105]], dtype=np.uint16)}
    if kind == ".npz":
        np.savez(file, s=sets["s"], U=sets["U"], label=np.array("hi"))
    elif kind == ".mat":
        scipy.io.savemat(file, {"s": sets["s"], "U": sets["U"], "label": "hi", "yes": np.array([[True]])})
    else:
        hdf5(file, sets if kind == "matlab 7.3" else {"s": sets["s"], "U": sets["U"]}, matlab=kind == "matlab 7.3")
    with pytest.raises(DataError, match=r"holds 2 arrays, .*'s' 1 x 3.*: name one \(variable=, --variable\)") as error:
        data.load(file)
    assert "'U' 3 x 3" in str(error.value)
    found = data.load(file, variable="s")
    assert found.values.ravel().tolist() == [2.0, 1.0, 0.5]
    assert "variable 's'" in found.told
    with pytest.raises(InputError, match="has no array 'V' of numbers"):
        data.load(file, variable="V")


def test_what_is_no_array_in_a_file(tmp_path: Path) -> None:
    np.save(tmp_path / "complex.npy", np.array([1j, 2.0]))
    np.save(tmp_path / "objects.npy", np.array([{}, None], dtype=object))
    np.save(tmp_path / "yes.npy", np.array([True]))
    np.save(tmp_path / "record.npy", np.zeros(2, dtype=[("a", float)]))
    np.save(tmp_path / "nan.npy", np.array([1.0, np.nan]))
    np.save(tmp_path / "none.npy", np.zeros((0, 3)))
    scipy.io.savemat(tmp_path / "complex.mat", {"x": np.array([1j])})
    scipy.io.savemat(tmp_path / "sparse.mat", {"x": scipy.sparse.eye_array(3).tocsc()})
    scipy.io.savemat(tmp_path / "struct.mat", {"x": {"a": 1.0}})
    (tmp_path / "broken.npy").write_bytes(b"pickled?")
    (tmp_path / "broken.npz").write_bytes(b"PK\3\4")
    (tmp_path / "broken.mat").write_bytes(b"MATLAB")
    (tmp_path / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    (tmp_path / "x.xlsx").write_bytes(b"PK")
    np.savez(tmp_path / "empty.npz")
    for file in sorted(tmp_path.iterdir()):
        with pytest.raises(LinflowError) as error:
            data.load(file)
        assert file.name in str(error.value)
        assert "\n" not in str(error.value)
        # Advice for another program: objects are never unpickled, and a file has no method to call.
        assert "pickle" not in str(error.value).removeprefix("pickled")
        assert "toarray" not in str(error.value)
    with pytest.raises(DataError, match="does not exist"):
        data.load(tmp_path / "missing.npy")
    with pytest.raises(DataError, match="does not exist"):
        data.load(tmp_path / "missing.png")


def test_images_through_the_same_door(tmp_path: Path) -> None:
    for k, name in enumerate("ab"):
        Image.fromarray(np.full((4, 6), 51 * (k + 1), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    found = data.load(tmp_path, size=2)
    assert np.allclose(found, [[0.2] * 4, [0.4] * 4])
    assert found.name == f"{tmp_path.name} 2x2"
    assert found.told.endswith(
        "2 grey images of 2 x 2, 8-bit from 0..255, values used 51..102, 2 cropped to the central square"
    )
    assert data.load(tmp_path).values.shape == (2, 24)
    assert data.load(tmp_path / "a.png", grey=False).values.shape == (1, 72)
    assert np.allclose(data.load(tmp_path, size=2, value_range=(0, 102)), [[0.5] * 4, [1.0] * 4])
    with pytest.raises(InputError, match="column is for files of numbers"):
        data.load(tmp_path, column=1)
    with pytest.raises(InputError, match="recursive is for folders"):
        data.load(tmp_path / "a.png", recursive=True)


def test_a_large_file_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "x.npy", VALUES.astype(np.float32))
    monkeypatch.setattr(arrays, "MAPPED_FROM", 1)
    found = data.load(tmp_path / "x.npy")
    assert is_mapped(found.values)
    assert is_mapped(np.asarray(found))
    assert found.told.endswith("stays on the disk")
    assert found.digest == data.load(VALUES.astype(np.float32)).digest
    np.save(tmp_path / "nan.npy", np.array([1.0, np.nan]))
    with pytest.raises(InputError, match="must be finite"):
        data.load(tmp_path / "nan.npy")
