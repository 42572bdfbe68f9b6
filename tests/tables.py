"""Writes the tables of the documentation from what the commands printed.

``python -m tests.tables README.md verdicts FILE.md`` replaces what stands between ``<!-- verdicts -->`` and
``<!-- /verdicts -->`` by the first table of FILE (by the whole file with ``--all``), so that no number in the documentation
is typed by hand.
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
    chosen = parser.parse_args()
    table = first_tables(chosen.source.read_text(encoding="utf-8"), chosen.all)
    text = replaced(chosen.document.read_text(encoding="utf-8"), chosen.name, table)
    chosen.document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
