"""``linflow prove --machine``: Coq compiles the files and says what it has checked; the golden file must say the same."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import golden, sources
from .chapters import CHAPTERS, Chapter
from .coq import Coq, CoqError, NoCoqError, Stated, check, find_coq
from .sources import Source, SourceError

FOLDER = Path(__file__).resolve().parent
GOLDEN = FOLDER / "statements.txt"

__all__ = ["CoqError", "NoCoqError", "UnknownFileError", "show", "table"]


class UnknownFileError(LookupError):
    """A name that no file has."""


def show(
    names: Sequence[str],
    *,
    as_json: bool = False,
    as_markdown: bool = False,
    only_list: bool = False,
    put: Callable[[list[dict[str, str]]], None] | None = None,
) -> int:
    """Check the files called `names` (default all) with those they use; 0 if all is checked and as agreed, else 1.

    `put` is handed the rows of its table, and prints them in the place of this module.

    Raises
    ------
    UnknownFileError
        A name that no file has.
    NoCoqError
        There is no Coq, or no MathComp.
    """
    try:
        known = chosen_from(FOLDER, names)
        asked = known if not names else [source for source in known if source.name in names]
        if only_list and put is not None:
            put([{"file": chapter.file, "says": chapter.says} for chapter in _chapters(asked)])
            return 0
        if only_list:
            for chapter in _chapters(asked):
                print(f"{chapter.file:<17}{chapter.says}")
            return 0
        coq, started = find_coq(), time.perf_counter()
        live = not (as_json or as_markdown or put is not None)
        if live:
            print(f"Coq {coq.version} compiles {len(known)} files", flush=True)
        stated = check(known, coq, asked=asked, each=_progress if live else None)
    except (CoqError, SourceError) as error:
        print(json.dumps({"holds": False, "error": str(error)}, indent=1) if as_json else f"DOES NOT HOLD: {error}")
        return 1
    held = GOLDEN.read_text(encoding="utf-8")
    changed = golden.differences(stated, held, files=names or None)
    if as_json:
        print(json.dumps(as_row(asked, stated, coq, changed), indent=1))
    elif as_markdown:
        print(table(asked))
    elif put is not None:
        put([dict(zip(_COLUMNS, cells, strict=True)) for cells in _cells(asked)])
    else:
        print("\n\n".join(text(chapter, stated) for chapter in _chapters(asked)))
        print(summary(stated, changed, time.perf_counter() - started))
    if changed:
        print("\n".join([f"{GOLDEN.name} ({held.partition(';')[0]}) says otherwise:", *changed]), file=sys.stderr)
    return 0 if _holds(stated, changed) else 1


def chosen_from(folder: Path, names: Sequence[str]) -> list[Source]:
    """The named Coq files of a folder (default all) and those that they use, in an order in which they compile."""
    known = sources.read(folder)
    unknown = [name for name in names if name not in {source.name for source in known}]
    if unknown:
        there = ", ".join(source.name for source in known)
        raise UnknownFileError(f"no machine-checked file is named {', '.join(unknown)}; there are {there}")
    return sources.with_used(known, names) if names else known


def text(chapter: Chapter, stated: Sequence[Stated]) -> str:
    """One file with its definitions and theorems, as Coq prints them."""
    lines = [f"{chapter.file}: {chapter.says}"]
    if chapter.assumes:
        lines.append(f"    not machine-checked: {chapter.assumes}")
    for one in stated:
        if one.file == chapter.file:
            how = f"  [{one.axioms}; {one.seconds:.2f} s]" if one.kind == "theorem" else ""
            lines += [f"  {one.kind}{how}", *(f"    {line}" for line in one.statement.splitlines())]
    return "\n".join(lines)


def summary(stated: Sequence[Stated], changed: Sequence[str], seconds: float) -> str:
    """Totals, in one line."""
    theorems = [one for one in stated if one.kind == "theorem"]
    open_ones = [one.name for one in theorems if not one.closed]
    state = f"axioms in {', '.join(open_ones)}" if open_ones else "no axioms"
    agreed = "DIFFERENT FROM" if changed else "as in"
    return f"\n{len(theorems)} theorems, {state}, statements {agreed} {GOLDEN.name} ({seconds:.0f} s)"


def table(asked: Sequence[Source]) -> str:
    """Markdown with one row a file; what it says does not hang on a run of Coq."""
    lines = [
        "| file | theorems | checked by Coq, given the next column | not checked by Coq | in the ledger |",
        "|---|---|---|---|---|",
    ]
    rows = [" | ".join(cell.replace("|", "\\|") for cell in cells) for cells in _cells(asked, mark="`")]
    return "\n".join([*lines, *(f"| {row} |" for row in rows)])


#: What the cells of a row are, for programs.
_COLUMNS = ("file", "theorems", "says", "assumes", "ledger")


def _cells(asked: Sequence[Source], mark: str = "") -> list[list[str]]:
    theorems = {source.name: source.theorems for source in asked}
    return [
        [
            f"{chapter.file}.v",
            ", ".join(f"{mark}{name}{mark}" for name in theorems[chapter.file]),
            chapter.says,
            chapter.assumes or "none",
            ", ".join(chapter.ledger),
        ]
        for chapter in _chapters(asked)
    ]


def as_row(asked: Sequence[Source], stated: Sequence[Stated], coq: Coq, changed: Sequence[str]) -> dict[str, Any]:
    """The JSON of a run."""
    files = [
        {
            "file": chapter.file,
            "says": chapter.says,
            "assumes": chapter.assumes,
            "ledger": list(chapter.ledger),
            "statements": [
                {
                    "kind": one.kind,
                    "name": one.name,
                    "statement": one.statement,
                    "axioms": one.axioms,
                    "closed": one.closed,
                    "seconds": round(one.seconds, 3),
                }
                for one in stated
                if one.file == chapter.file
            ],
        }
        for chapter in _chapters(asked)
    ]
    return {"holds": _holds(stated, changed), "coq": coq.version, "files": files, "differences": list(changed)}


def _holds(stated: Sequence[Stated], changed: Sequence[str]) -> bool:
    return bool(stated) and not changed and all(one.closed for one in stated)


def _chapters(asked: Sequence[Source]) -> list[Chapter]:
    names = {source.name for source in asked}
    return [chapter for chapter in CHAPTERS if chapter.file in names]


def _progress(name: str, seconds: float) -> None:
    print(f"  compiled {name} ({seconds:.1f} s)", flush=True)
