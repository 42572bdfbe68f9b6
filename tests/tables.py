"""Writes the tables of the documentation from what the commands printed.

``python -m tests.tables README.md verdicts FILE.md`` replaces what stands between ``<!-- verdicts -->`` and
``<!-- /verdicts -->`` by the first table of FILE (by the whole file with ``--all``), so that no number in the documentation
is typed by hand. ``--rows T1-upper,T2`` keeps these rows (by their first cells), ``--columns claim,verdict`` these columns.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path


def first_tables(text: str, whole: bool) -> str:
    """The first table of a Markdown file, or all of it."""
    if whole:
        return text.strip()
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    end = next((i for i in range(start, len(lines)) if not lines[i].startswith("|")), len(lines))
    return "\n".join(lines[start:end])


def cells(line: str) -> list[str]:
    """The cells of one row.

    >>> cells("| a | b \\\\| c |")
    ['a', 'b \\\\| c']
    """
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def chosen_cells(table: str, rows: list[str] | None, columns: list[str] | None) -> str:
    """Some rows and columns of a table, in the order in which they are named; ValueError for one that it does not have.

    >>> print(chosen_cells("| a | b |\\n|---|---|\\n| x | 1 |\\n| y | 2 |", ["y"], ["b"]))
    | b |
    |---|
    | 2 |
    """
    head, _, *body = [cells(line) for line in table.splitlines()]
    places = [head.index(name) for name in columns or head]
    by_name = {row[0]: row for row in body}
    if missing := [name for name in rows or [] if name not in by_name]:
        raise ValueError(f"the table has no row {missing[0]!r}")
    kept = body if rows is None else [by_name[name] for name in rows]
    lines = [f"| {' | '.join(row[i] for i in places)} |" for row in (head, *kept)]
    return "\n".join([lines[0], "|---" * len(places) + "|", *lines[1:]])


def replaced(document: str, name: str, table: str) -> str:
    """The document with another table under that name; ValueError if it has no place for it.

    >>> replaced("a\\n<!-- t -->\\nold\\n<!-- /t -->\\nb", "t", "| new |")
    'a\\n<!-- t -->\\n| new |\\n<!-- /t -->\\nb'
    """
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n)(?:.*?\n)??(<!-- /{re.escape(name)} -->)", re.DOTALL)
    if not pattern.search(document):
        raise ValueError(f"there is no <!-- {name} --> ... <!-- /{name} --> in the document")
    return pattern.sub(lambda match: f"{match[1]}{table}\n{match[2]}", document, count=1)


def main() -> None:
    """Replace one table of one document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", type=Path)
    parser.add_argument("name")
    parser.add_argument("source", type=Path)
    parser.add_argument("--all", action="store_true", help="the whole source, not its first table")
    parser.add_argument("--rows", type=lambda names: names.split(","), help="these rows only")
    parser.add_argument("--columns", type=lambda names: names.split(","), help="these columns only")
    chosen = parser.parse_args()
    table = first_tables(chosen.source.read_text(encoding="utf-8"), chosen.all)
    if chosen.rows or chosen.columns:
        table = chosen_cells(table, chosen.rows, chosen.columns)
    text = replaced(chosen.document.read_text(encoding="utf-8"), chosen.name, table)
    chosen.document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
