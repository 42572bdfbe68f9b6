"""Numbers in text: every reading that is certain, and one sentence for all that is not."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow import data
from linflow.data.tables import read_table
from linflow.errors import DataError

#: text -> the numbers, by rows, and what is said
CERTAIN: dict[str, tuple[str, list[list[float]], tuple[str, ...]]] = {
    "column": ("3.5\n2.1\n1.7\n", [[3.5], [2.1], [1.7]], ()),
    "no end": ("3.5\n2.1", [[3.5], [2.1]], ()),
    "mark and windows lines": ("\ufeff3.5\r\n2.1\r\n", [[3.5], [2.1]], ()),
    "old lines": ("3.5\r2.1\r", [[3.5], [2.1]], ()),
    "row": ("3.5,2.1,1.7\n", [[3.5, 2.1, 1.7]], ()),
    "row with blanks": ("3.5, 2.1, 1.7 \n", [[3.5, 2.1, 1.7]], ()),
    "blanks": ("  1  2 3\n", [[1, 2, 3]], ()),
    "tabs": ("1\t2\n3\t4\n", [[1, 2], [3, 4]], ()),
    "semicolons": ("1.5;2\n3;4\n", [[1.5, 2], [3, 4]], ()),
    "header": ("sigma\n3.5\n2.1\n", [[3.5], [2.1]], ("header skipped",)),
    "header of words": ("singular values\n3.5\n2.1\n", [[3.5], [2.1]], ("header skipped",)),
    "header of columns": ("a,b\n3,5\n2,1\n", [[3, 5], [2, 1]], ("header skipped",)),
    "header in quotes": ('"","x"\n"1",3.5\n"2",2.1\n', [[1, 3.5], [2, 2.1]], ("header skipped",)),
    "header of pandas": (",0\n0,3.5\n1,2.1\n", [[0, 3.5], [1, 2.1]], ("header skipped",)),
    "comments": ("# by hand\n3.5\n# and on\n2.1\n", [[3.5], [2.1]], ()),
    "empty lines around": ("\n\n3.5\n2.1\n\n", [[3.5], [2.1]], ()),
    "exponents": ("1e3\n-2.5E-1\n+.5\n7.\n", [[1000], [-0.25], [0.5], [7]], ()),
    "german row": ("3,5;2,1;1,7\n", [[3.5, 2.1, 1.7]], ("decimal commas",)),
    "german quotes": ('"3,5"\n"2,1"\n"1,7"\n', [[3.5], [2.1], [1.7]], ("decimal commas",)),
    "german quotes in a row": ('"3,5","2,1"\n', [[3.5, 2.1]], ("decimal commas",)),
    "german whole and not": ("3;2,125\n1;1,5\n", [[3, 2.125], [1, 1.5]], ("decimal commas",)),
    "three decimals below one": ("0,125;0,250\n", [[0.125, 0.25]], ("decimal commas",)),
    "negative whole pairs": ("3,-5\n2,1\n", [[3, -5], [2, 1]], ()),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", CERTAIN)
def test_what_is_certain_is_read(name: str, encoding: str, tmp_path: Path) -> None:
    text, wanted, told = CERTAIN[name]
    (tmp_path / "s.csv").write_bytes(text.lstrip("\ufeff").encode(encoding) if encoding != "utf-8" else text.encode())
    table = read_table(tmp_path / "s.csv")
    assert table.values.tolist() == wanted
    assert table.told == told
    assert table.doubt == ""


#: text -> what is said
REFUSED: dict[str, tuple[str, str]] = {
    "german column": ("3,5\n2,1\n1,7\n", "line 1 of .* two numbers, or one with a decimal comma"),
    "german single": ("3,5\n", "two numbers, or one with a decimal comma"),
    "german thousands": ("1.234,5\n2.345,1\n", "two numbers, or one with a decimal comma"),
    "thousands": ("1,234,567\n", "several numbers, or one with commas between thousands"),
    "thousands and decimals": ("1,234,567.5\n2,000,000.25\n", "several numbers, or one with commas between thousands"),
    "semicolons and three digits": ("1,234;2,500\n", "decimal mark or one between thousands"),
    "both marks": ("1.234,5;2,5\n", "marks between thousands"),
    "points between": ("1.234.567\n", "marks between thousands"),
    "apostrophes": ("1'234'567\n", "marks between thousands"),
    "underscores": ("1_000\n", "marks between thousands"),
    "comma and point": ("1,5;2.5\n", "one decimal mark a file"),
    "two separators": ("3,5\t2,1\n", "separates numbers by tabs and commas"),
    "comma and blanks": ("3,5 2,1 1,7\n", "which is no number"),
    "ragged": ("1,2,3\n4,5\n", r"line 2 of .* has 2 cells, and line 1 has 3"),
    "wrapped": ("1 2 3\n4\n", "line 2 of .* has 1 cells"),
    "empty cell": ("1.5,\n2.5,\n", "line 1 of .* has an empty cell"),
    "empty cell within": ("1;;3\n", "has an empty cell"),
    "empty line within": ("1.5\n\n2.5\n", "line 2 of .* is empty, between numbers"),
    "empty quotes": ('1.5\n""\n', "line 2 of .* has an empty cell"),
    "nan": ("1.5\nNaN\n", "line 2 of .* missing or not finite"),
    "nan first": ("nan\n1.5\n", "line 1 of .* missing or not finite"),
    "inf": ("1.5\n-inf\n", "line 2 of .* missing or not finite"),
    "missing of R": ("x\n1.5\nNA\n", "line 3 of .* missing or not finite"),
    "complex": ("1+2j\n3\n", "a complex number"),
    "complex of numpy": ("(1.0+2.0j)\n", "a complex number"),
    "complex without real part": ("x\n2.5i\n", "a complex number"),
    "word": ("1.5\nx\n", "line 2 of .* which is no number"),
    "second header": ("a\nb\n1\n", "line 2 of .* which is no number"),
    "names that do not fit": ("a,b,c\n1.5,2\n", "names 3 columns, and the lines after it have 2"),
    "words only": ("singular values\n", "it holds words only"),
    "nothing": ("", "holds no numbers"),
    "comments only": ("# a\n", "holds no numbers"),
    "too large": ("1e400\n", "no float64 number"),
    "hexadecimal": ("0x10\n", "which is no number"),
    "other digits": ("\u0663\n", "which is no number"),
    "quotation mark": ('"3\n', "without its partner"),
    "index": ("1,3.5\n2,2.1\n3,1.7\n", "the first column of .* counts its rows"),
    "index from zero": ("k;sigma\n0;3,5\n1;2,1\n2;1,7\n", r"counts its rows \(it has 1 'k', 2 'sigma'\)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_two_readings_or_none_is_refused(name: str, tmp_path: Path) -> None:
    text, words = REFUSED[name]
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=words) as error:
        data.load(tmp_path / "s.csv")
    assert "\n" not in str(error.value)
    assert "s.csv" in str(error.value)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    for content in (b"\xff\xfe1", b"\x93NUMPY\x01", b"1\0002\n", "3,5é".encode("latin-1"), "1\n2\n".encode("utf-16-be")):
        (tmp_path / "s.csv").write_bytes(content)
        with pytest.raises(DataError, match="cannot be read as numbers"):
            data.load(tmp_path / "s.csv")


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.data())
@settings(max_examples=40)
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, drawn: st.DataObject) -> None:
    """Every separator, decimal mark, header and encoding; never other numbers than those that were written."""
    rows, columns = drawn.draw(st.integers(1, 4)), drawn.draw(st.integers(1, 4))
    values = np.array(drawn.draw(st.lists(FINITE, min_size=rows * columns, max_size=rows * columns))).reshape(rows, columns)
    separator = drawn.draw(st.sampled_from([",", ";", "\t", " "]))
    decimal = drawn.draw(st.sampled_from([".", ","])) if separator == ";" else "."
    header = drawn.draw(st.booleans())
    quoted = drawn.draw(st.booleans()) or (decimal == "," and columns == 1)  # a column of 3,5 is two, as far as one sees
    lines = [[repr(float(v)).replace(".", decimal) for v in row] for row in values]
    lines = [[f'"{cell}"' for cell in row] for row in lines] if quoted and separator != " " else lines
    lines = [[f"c{k}" for k in range(columns)], *lines] if header else lines
    text = "\n".join(separator.join(row) for row in lines) + "\n"
    file = tmp_path_factory.mktemp("text") / "x.txt"
    file.write_bytes(text.encode(drawn.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))))
    commas = [cell.strip('"') for row in lines for cell in row if "," in cell]
    if commas and all(re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", cell) for cell in commas):
        with pytest.raises(DataError, match="thousands"):
            read_table(file)
        return
    table = read_table(file)
    assert np.array_equal(table.values, values)
    assert ("header skipped" in table.told) == header
    assert ("decimal commas" in table.told) == (decimal == "," and "," in text)


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("options", [{}, {"sep": ";", "decimal": ","}, {"sep": "\t"}, {"encoding": "utf-16"}])
def test_what_pandas_writes(index: bool, options: dict[str, str], tmp_path: Path) -> None:
    frame = pd.DataFrame({"sigma": [3.25, 2.5, 1.125], "error": [0.5, 0.25, 0.75]})
    frame.to_csv(tmp_path / "x.csv", index=index, **options)
    for column in ("sigma", 1 + index):
        found = data.load(tmp_path / "x.csv", column=column)
        assert found.values.tolist() == [3.25, 2.5, 1.125]
        assert "column 'sigma'" in found.told
    if index:
        with pytest.raises(DataError, match="counts its rows"):
            data.load(tmp_path / "x.csv")
    else:
        assert np.array_equal(data.load(tmp_path / "x.csv").values, frame.to_numpy())


def test_columns_by_name_and_number(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("3,5\n2,1\n1,7\n")
    assert data.load(tmp_path / "x.csv", column=2).values.tolist() == [5, 1, 7]
    assert data.load(tmp_path / "x.csv", column="1").values.tolist() == [3, 2, 1]
    for column, words in ((0, "column must be a whole number in 1..2"), (3, "1..2"), ("sigma", "has no column 'sigma'")):
        with pytest.raises(ValueError, match=words):
            data.load(tmp_path / "x.csv", column=column)
    (tmp_path / "x.csv").write_text("2,1\n5,6\n7,8\n")  # names that are numbers are no header
    with pytest.raises(DataError, match="two numbers, or one"):
        data.load(tmp_path / "x.csv")
