"""Tables: rows with typed columns, written for people and for other programs.

======== ==================================================================================================================
format   what it is
======== ==================================================================================================================
table    for a terminal: labels, and numbers with the digits that people compare
md       the same as Markdown
latex    the same as a `tabular` for the package booktabs; every character of it compiles
csv      everything that is known of a row, every number so that it reads back exactly; what is missing is empty
json     a list of objects, likewise; what is missing, or not finite, is null
======== ==================================================================================================================
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from rich.console import Console

Format: TypeAlias = Literal["table", "md", "latex", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)

#: Columns of characters where no terminal says how many it has.
_WIDTH = 150

#: What a cell may hold; None is what is missing.
Cell: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    name : for programs: the key in JSON, the head in CSV.
    label : for people; default the name.
    latex : the label where mathematics says it better, as LaTeX; default the label, escaped.
    digits : significant digits of numbers that are no whole numbers, for people.
    left : text, which is aligned to the left.
    """

    name: str
    label: str = ""
    latex: str = ""
    digits: int = 4
    left: bool = False

    def text(self, value: Cell) -> str:
        """A cell for people.

        >>> [Column("x", digits=3).text(value) for value in (3, 0.123456, 1e-7, None, float("inf"), "flat")]
        ['3', '0.123', '1e-07', '-', 'inf', 'flat']
        """
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "-"
        return f"{value:.{self.digits}g}" if isinstance(value, float) else " ".join(str(value).split())


@dataclass(frozen=True)
class Table:
    """Rows under typed columns.

    Parameters
    ----------
    columns : in their order.
    rows : one mapping by the columns' names a row; what it lacks is missing.
    title : for people.

    Examples
    --------
    >>> table = Table((Column("spectrum", left=True), Column("E_m", latex="$E_m$")), [{"spectrum": "a|b", "E_m": 0.125}])
    >>> print(table.markdown(), end="")
    | spectrum | E_m |
    |---|---|
    | a\\|b | 0.125 |
    >>> print(table.latex(), end="")
    \\begin{tabular}{lr}
    \\toprule
    spectrum & $E_m$ \\\\
    \\midrule
    a\\textbar{}b & 0.125 \\\\
    \\bottomrule
    \\end{tabular}
    """

    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]] = field(repr=False)
    title: str = ""

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], title: str = "") -> Table:
        """The table whose columns are the keys of the first row; numbers are aligned to the right."""
        names = list(rows[0]) if rows else []
        return cls([Column(name, left=not _numeric(row.get(name) for row in rows)) for name in names], rows, title)

    def put(self, form: Format | None = None, *, most: int | None = None, rest: str = "") -> None:
        """Print it in one of `FORMATS`; as a table of `most` rows at most unless told otherwise; `rest` has all."""
        if form is None or form == "table":
            shown = self if most is None or len(self.rows) <= most else replace(self, rows=self.rows[:most])
            shown.show(console())
            if len(shown.rows) < len(self.rows):
                left = f"{len(self.rows) - len(shown.rows)} of {len(self.rows)} rows are in {rest} only"
                console().print(left, highlight=False, markup=False)
        else:
            print(self.written(form), end="")

    def written(self, form: Format) -> str:
        """The table as text, in a form other than "table"; with a line break at its end."""
        writers = {"md": self.markdown, "latex": self.latex, "csv": self.csv, "json": self.json}
        return writers[form]()

    @property
    def names(self) -> list[str]:
        """What is known of a row, which may be more than people are shown."""
        return list(self.rows[0]) if self.rows else [column.name for column in self.columns]

    def csv(self) -> str:
        """Comma-separated values."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.names)
        writer.writerows([_exact(row.get(name)) for name in self.names] for row in self.rows)
        return text.getvalue()

    def json(self) -> str:
        """JSON, without NaN and infinities, which it does not have."""
        rows = [{name: _finite(row.get(name)) for name in self.names} for row in self.rows]
        return json.dumps(rows, allow_nan=False) + "\n"

    def markdown(self) -> str:
        """Markdown; what would end a cell or a line is escaped."""
        lines = [[_label(column) for column in self.columns], *self._texts()]
        head, *body = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
        rule = "|" + "---|" * len(self.columns)
        return "\n".join([head, rule, *body]) + "\n"

    def latex(self) -> str:
        """A `tabular` with the rules of booktabs, to be put under ``\\usepackage{booktabs}``."""
        head = " & ".join(column.latex or escaped(_label(column)) for column in self.columns)
        styles = [escaped if column.left else _number for column in self.columns]
        cells = [[style(cell) for style, cell in zip(styles, line, strict=True)] for line in self._texts()]
        body = [" & ".join(line) + r" \\" for line in cells]
        columns = "".join("l" if column.left else "r" for column in self.columns)
        lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", rf"{head} \\", r"\midrule", *body, r"\bottomrule"]
        return "\n".join([*lines, r"\end{tabular}"]) + "\n"

    def show(self, console: Console) -> None:
        """Print it on a terminal."""
        from rich import box
        from rich.table import Table as Printed
        from rich.text import Text

        title = Text(self.title) if self.title else None
        printed = Printed(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for column in self.columns:
            # Where there is no room, text is folded; half a number on each of two lines would be read as two.
            layout: dict[str, Any] = {"justify": "left", "overflow": "fold"} if column.left else {"justify": "right"}
            printed.add_column(Text(_label(column)), **layout)
        for line in self._texts():
            printed.add_row(*map(Text, line))
        console.print(printed)

    def _texts(self) -> Iterable[list[str]]:
        return [[column.text(row.get(column.name)) for column in self.columns] for row in self.rows]


def console(stream: IO[str] | None = None) -> Console:
    """A terminal, or, where there is none, a page that is wide enough for tables."""
    from rich.console import Console

    return Console(file=stream, width=None if Console(file=stream).is_terminal else _WIDTH)


def escaped(text: str) -> str:
    r"""`text` for LaTeX, in any of its encodings: no character of it is a command, and none is lost.

    What has a meaning there is escaped, accents and Greek letters are spelt, any other character is named by its number.

    >>> print(escaped(r"50 % of a_1 & b^2 {c} ~ \d # $"))
    50 \% of a\_1 \& b\textasciicircum{}2 \{c\} \textasciitilde{} \textbackslash{}d \# \$
    >>> print(escaped("σ ≤ é < 漢 -- [x]"))
    $\sigma$ $\leq$ \'{e} \textless{} \texttt{U+6F22} -{}- {[}x]
    """
    characters = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(map(_character, characters)).replace("--", "-{}-").replace("--", "-{}-")


_ESCAPES = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\char34}",
    "`": r"\`{}",
    # At the start of a row they would belong to the end of the one before.
    "[": "{[}",
    "*": "{*}",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": r"\dots{}",
    **{"ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}"},
    **{"ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}"},
    **{"‖": r"$\|$", "∞": r"$\infty$"},
    **{"≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "≈": r"$\approx$", "∈": r"$\in$"},
    **{"√": r"$\surd$", "×": r"$\times$", "·": r"$\cdot$", "±": r"$\pm$", "−": "$-$", "°": r"$^\circ$"},
    **{"²": "$^2$", "³": "$^3$"},
}
#: The Greek letters that LaTeX has under names of its own.
_GREEK = {
    "αβγδεζηθικλμν": "alpha beta gamma delta varepsilon zeta eta theta iota kappa lambda mu nu",
    "ξπρςστυφχψω": "xi pi rho varsigma sigma tau upsilon varphi chi psi omega",
    "ΓΔΘΛΞΠΣΦΨΩ": "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega",
}
for _letters, _names in _GREEK.items():
    _ESCAPES |= {letter: f"$\\{name}$" for letter, name in zip(_letters, _names.split(), strict=True)}
#: Accents, by the character that combines with a letter.
_COMBINING = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327"
_ACCENTS = dict(zip(_COMBINING, "`'^~=u.\"rHvc", strict=True))


def _character(c: str) -> str:
    if c in _ESCAPES:
        return _ESCAPES[c]
    if c.isascii() and c.isprintable():
        return c
    letter, accent = (*unicodedata.normalize("NFD", c), "", "")[:2]
    if letter.isascii() and letter.isalpha() and accent in _ACCENTS and len(unicodedata.normalize("NFD", c)) == 2:
        return f"\\{_ACCENTS[accent]}{{{letter}}}"
    return rf"\texttt{{U+{ord(c):04X}}}"


_NUMBER = re.compile(r"(-?)(\d+(?:\.\d+)?)(?:e([+-]\d+))?")


def _number(cell: str) -> str:
    """A cell that holds a number, as mathematics sets it."""
    if cell in ("inf", "-inf"):
        return rf"${cell.replace('inf', '')}\infty$"
    found = _NUMBER.fullmatch(cell)
    if found is None:
        return "--" if cell == "-" else escaped(cell)
    sign, digits, exponent = found.groups()
    if exponent is None:
        return f"${cell}$" if sign else cell
    return rf"${sign}{digits} \times 10^{{{int(exponent)}}}$"


def _label(column: Column) -> str:
    return " ".join((column.label or column.name).split())


def _numeric(values: Iterable[object]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _exact(value: Cell) -> object:
    """A cell of CSV: Python writes a float so that it reads back as itself."""
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def _finite(value: Cell) -> Cell:
    return None if isinstance(value, float) and not math.isfinite(value) else value
