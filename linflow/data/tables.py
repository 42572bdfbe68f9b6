"""Numbers in text (.csv .tsv .txt .dat) by a strict grammar: what has two readings is refused, never guessed.

* UTF-8, with or without a byte order mark, or UTF-16 with one. Lines that begin with ``#`` are comments.
* One separator in the whole file: comma, semicolon, tab, or blanks; every line has as many cells as the first.
* A first line of words is a header. Empty cells, NaN and infinities are refused, and complex numbers.
* The decimal mark is a point, or a comma where cells are separated by semicolons or quoted. Marks between thousands are
  refused; so is ``3,5``, two whole numbers or three and a half, where nothing else tells which.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from linflow.checks import FloatArray
from linflow.engine.files import shortened
from linflow.errors import DataError

#: Endings of files of text.
TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".dat")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
#: Lines without blanks that may be one number as well as several.
_TWO_OR_ONE = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+", re.ASCII)
_MANY_OR_ONE = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+|\d+)([eE][+-]?\d+)?", re.ASCII)
#: Groups of three digits after each comma, or each point: a mark between thousands as likely as a decimal one.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(([,.' _]\d{3})+[,.]\d*|([' _]\d{3})+|(,\d{3}){2,}|(\.\d{3}){2,})", re.ASCII)
_COMPLEX = re.compile(r"\(?[+-]?[\d.]+([eE][+-]?\d+)?([+-][\d.]*([eE][+-]?\d+)?)?[ij]\)?", re.ASCII)
#: Words for what is missing or infinite; they are no names of columns.
_MISSING = {"nan", "na", "n/a", "null", "none", "nil", "missing", "inf", "infinity", "#n/a", "#div/0!", "?", "-", "--"}
_SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", " ": "blanks"}
#: Characters of a cell that a sentence repeats.
_SHOWN = 30
#: From so many rows on a first column that counts them is taken for an index.
_COUNTED = 3


@dataclass(frozen=True)
class Table:
    """What a file of text holds.

    Parameters
    ----------
    values : (rows, columns) float64 array.
    names : of the columns, where a header gives them; else empty.
    told : what was done, a few words each.
    doubt : why the commas that separate columns might be marks within one number instead; "" where they are not.
    alone : index of the one column that was read of several; None where all were.
    """

    values: FloatArray
    names: tuple[str, ...]
    told: tuple[str, ...]
    doubt: str
    alone: int | None = None


@dataclass(frozen=True)
class _Line:
    number: int
    text: str


def read_table(file: Path, place: Callable[[tuple[str, ...], int], int] | None = None) -> Table:
    """The numbers of a file of text; DataError, with the line, for anything that is not certainly one table of numbers.

    Parameters
    ----------
    place : ``place(names, columns) -> index`` of the one column that is read; the others may then hold words.
    """
    lines = _lines(_decoded(file), file)
    header: _Line | None = None
    if lines and _is_header(lines[0], lines[1:]):
        header, *lines = lines
    if not lines:
        what = "it holds no numbers" if header is None else f"it holds words only, {_quoted(header.text)}"
        raise DataError(f"{shortened(file)} cannot be read as numbers: {what}: the values must be non-empty")
    separator = _separator(lines, file)
    rows = [_cells(line, separator, file) for line in lines]
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(rows[0]):
            raise DataError(
                f"{_at(file, line)} has {len(row)} cells, and line {lines[0].number} has {len(rows[0])}: one row of "
                "numbers, or as many in every line"
            )
    names: tuple[str, ...] = ()
    if header is not None:
        names = tuple(_header_cells(header, separator, len(rows[0]), file))
    comma, values, alone = False, _plain(rows), None
    if values is None and place is not None and len(rows[0]) > 1:
        alone = place(names, len(rows[0]))
        rows, names = [[row[alone]] for row in rows], names[alone : alone + 1]
        if header is not None and _is_number(names[0]):
            raise DataError(
                f"{_at(file, header)} has {_quoted(names[0])}, a number, where it names columns: is it a line of data? "
                "Write a line of names above it"
            )
        values = _plain(rows)
    if values is None:
        comma = _decimal_comma(rows, lines, file)
        values = np.array(
            [[_number(cell, comma, line, file) for cell in row] for line, row in zip(lines, rows, strict=True)]
        )
    told = (["header skipped"] if header is not None else []) + (["decimal commas"] if comma else [])
    doubt = _doubt(lines, file) if header is None and separator == "," else ""
    return Table(values, names, tuple(told), doubt, alone)


def _is_number(cell: str) -> bool:
    """Whether a cell reads as a number, with a point or a comma."""
    return _NUMBER.fullmatch(cell) is not None or _DECIMAL_COMMA.fullmatch(cell) is not None


def _plain(rows: list[list[str]]) -> FloatArray | None:
    """The numbers of cells that all are numbers with points, which most files consist of; None if one is not."""
    cells = [cell for row in rows for cell in row]
    if not all(map(_NUMBER.fullmatch, cells)):
        return None
    values = np.array(list(map(float, cells))).reshape(len(rows), -1)
    return values if np.isfinite(values).all() else None


def _doubt(lines: list[_Line], file: Path) -> str:
    """Why lines of numbers separated by commas may be single numbers, ``3,5`` or ``1,234,567.8``; "" if they cannot."""
    one = _at(file, lines[0])
    if all(_TWO_OR_ONE.fullmatch(line.text) for line in lines):
        return (
            f"{one} has {_quoted(lines[0].text)}: two numbers, or one with a decimal comma? Write a decimal point, or "
            "separate columns by semicolons"
        )
    if all(_MANY_OR_ONE.fullmatch(line.text) for line in lines):
        return (
            f"{one} has {_quoted(lines[0].text)}: several numbers, or one with commas between thousands? Write it without "
            "those, or separate columns by semicolons"
        )
    return ""


def counts_rows(values: FloatArray) -> bool:
    """Whether the first of several columns is 0, 1, 2, ... or 1, 2, 3, ...: an index, as spreadsheets write one.

    >>> counts_rows(np.array([[1.0, 3.5], [2.0, 2.1], [3.0, 1.7]]))
    True
    >>> counts_rows(np.array([[1.0, 3.5], [3.0, 2.1], [4.0, 1.7]]))
    False
    """
    if values.ndim != 2 or values.shape[1] < 2 or len(values) < _COUNTED:
        return False
    return bool(values[0, 0] in (0.0, 1.0) and np.all(np.diff(values[:, 0]) == 1.0))


def _decoded(file: Path) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataError(f"{shortened(file)} cannot be read: {error.strerror}") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shortened(file)} cannot be read as numbers: byte {error.start} is no text in {encoding}: save it as "
            "UTF-8, or give a .npy"
        ) from error
    if "\0" in text:
        raise DataError(
            f"{shortened(file)} cannot be read as numbers: it holds zero bytes: save it as UTF-8, or give a .npy"
        )
    return text


def _lines(text: str, file: Path) -> list[_Line]:
    """The lines between the first and the last that are not empty, without comments; none within may be empty."""
    numbered = [_Line(i, line.strip(" ")) for i, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1)]
    said = [line for line in numbered if not line.text.startswith("#")]
    full = [index for index, line in enumerate(said) if line.text.strip()]
    if not full:
        return []
    inner = said[full[0] : full[-1] + 1]
    for line in inner:
        if not line.text.strip():
            raise DataError(f"{_at(file, line)} is empty, between numbers: is one missing there?")
    return inner


def _is_header(line: _Line, others: list[_Line]) -> bool:
    """Whether a first line names columns: it begins with a word, or is pandas' own row of labels, ``,0,1``."""
    start = re.split(r"[;,\t]", line.text.lstrip(' \t,;"'), maxsplit=1)[0].strip(' "')
    if start.lower() in _MISSING or start.lower().lstrip("+-") in _MISSING:
        return False
    if start and (start[0].isalpha() or start[0] in "_σ%[($§"):
        return not _COMPLEX.fullmatch(start)
    cells = line.text.split(",")
    labels = [str(k) for k in range(len(cells) - 1)]
    return cells[0] == "" and bool(labels) and bool(others) and cells[1:] == labels


def _outside_quotes(text: str) -> str:
    return re.sub(r'"[^"]*"', "0", text) if '"' in text else text


def _separator(lines: list[_Line], file: Path) -> str | None:
    """The one separator of the file, or None for one number a line."""
    bare = [_outside_quotes(line.text.strip()) for line in lines]
    if any('"' in text for text in bare):
        line = next(line for line, text in zip(lines, bare, strict=True) if '"' in text)
        raise DataError(f"{_at(file, line)} has a quotation mark without its partner")
    found = [mark for mark in (";", "\t", ",") if any(mark in text for text in bare)]
    if found == [";", ","]:
        found = [";"]  # the comma is a decimal one, or the cell is refused
    if len(found) > 1:
        line = next(line for line, text in zip(lines, bare, strict=True) if found[-1] in text)
        names = " and ".join(_SEPARATORS[mark] for mark in found)
        raise DataError(
            f"{shortened(file)} separates numbers by {names} (line {line.number}): one separator a file is read"
        )
    if found:
        return found[0]
    return " " if any(len(text.split()) > 1 for text in bare) else None


def _cells(line: _Line, separator: str | None, file: Path) -> list[str]:
    text = line.text.strip(" ") if separator == "\t" else line.text.strip()
    if separator is None:
        parts = [text]
    elif separator == " ":
        parts = text.split()
    else:
        parts = re.findall(rf'((?:"[^"]*"|[^"{separator}])*)(?:{separator}|$)', text)
        parts = parts[:-1] if not text.endswith(separator) and parts and parts[-1] == "" else parts
        wanted = _outside_quotes(text).count(separator) + 1
        parts = [*parts, *[""] * wanted][:wanted]
    cells = []
    for part in parts:
        cell = part.strip()
        if len(cell) >= 2 and cell[0] == cell[-1] == '"':
            cell = cell[1:-1].strip()
        if not cell:
            raise DataError(f"{_at(file, line)} has an empty cell: fill it or leave the line out")
        cells.append(cell)
    return cells


def _header_cells(header: _Line, separator: str | None, columns: int, file: Path) -> list[str]:
    if columns == 1:
        return [header.text.strip().strip('"').strip()]
    text = header.text.strip(" ") if separator == "\t" else header.text.strip()
    names = text.split() if separator == " " else [cell.strip().strip('"').strip() for cell in text.split(separator)]
    if len(names) != columns:
        raise DataError(
            f"{_at(file, header)} names {len(names)} columns, and the lines after it have {columns}: one name a column"
        )
    return names


def _decimal_comma(rows: list[list[str]], lines: list[_Line], file: Path) -> bool:
    """Whether commas within cells are decimal marks; raises where they, or points, may mark thousands."""
    flat = [(cell, line) for row, line in zip(rows, lines, strict=True) for cell in row]
    for cell, line in flat:
        if _GROUPED.fullmatch(cell):
            raise DataError(f"{_at(file, line)} has {_quoted(cell)}, with marks between thousands: write it without")
    commas = [(cell, line) for cell, line in flat if "," in cell]
    if not commas:
        return False
    for cell, line in commas:
        if not _DECIMAL_COMMA.fullmatch(cell):
            raise DataError(f"{_at(file, line)} has {_quoted(cell)}, which is no number")
    pointed = [(cell, line) for cell, line in flat if "." in cell]
    if pointed:
        cell, line = pointed[0]
        raise DataError(
            f"{_at(file, line)} has {_quoted(cell)}, where others have decimal commas: one decimal mark a file is read"
        )
    if all(_THOUSANDS.fullmatch(cell) for cell, _ in commas):
        cell, line = commas[0]
        raise DataError(
            f"{_at(file, line)} has {_quoted(cell)}, whose comma is a decimal mark or one between thousands, and no other "
            "cell tells which: write decimal points"
        )
    return True


def _number(cell: str, comma: bool, line: _Line, file: Path) -> float:
    text = cell.replace(",", ".") if comma else cell
    if not _NUMBER.fullmatch(text):
        if cell.lower().lstrip("+-") in _MISSING:
            why = "which is missing or not finite: every number must be finite"
        elif _COMPLEX.fullmatch(cell.replace(" ", "")):
            why = "a complex number, where real ones are meant"
        else:
            why = "which is no number"
        raise DataError(f"{_at(file, line)} cannot be read as numbers: it has {_quoted(cell)}, {why}")
    number = float(text)
    if not np.isfinite(number):
        raise DataError(f"{_at(file, line)} has {_quoted(cell)}, which is no float64 number")
    return number


def _at(file: Path, line: _Line) -> str:
    return f"line {line.number} of {shortened(file)}"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
