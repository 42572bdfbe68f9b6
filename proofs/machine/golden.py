"""The golden file: every definition and theorem as Coq printed it when it was last agreed upon."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence

from .coq import Stated

_HEAD = re.compile(r"^(definition|theorem) (\w+)\.(\w+)$", re.MULTILINE)


def written(stated: Sequence[Stated], version: str) -> str:
    """The whole file."""
    lines = [f"as printed by Coq {version}; python -m tests.machine_statements writes this file anew.", ""]
    for one in stated:
        lines += [f"{one.kind} {one.file}.{one.name}", *(f"    {line}" for line in one.statement.splitlines()), ""]
    return "\n".join(lines)


def read(text: str) -> dict[str, str]:
    """Statement of each "kind file.name".

    >>> read("as printed ...\\n\\ntheorem a.t\\n    t\\n         : True\\n")
    {'theorem a.t': 't : True'}
    """
    heads = list(_HEAD.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {head[0]: " ".join(text[head.end() : end].split()) for head, end in zip(heads, ends, strict=True)}


def differences(stated: Sequence[Stated], text: str, *, files: Collection[str] | None = None) -> list[str]:
    """What is not as in the golden file, as lines of a diff; blanks and line breaks do not count.

    Only those files are compared, if `files` is given.
    """
    now = {f"{one.kind} {one.file}.{one.name}": " ".join(one.statement.split()) for one in stated}
    then = {head: said for head, said in read(text).items() if files is None or head.split()[1].split(".")[0] in files}
    found: list[str] = []
    for head in dict.fromkeys([*then, *now]):
        if then.get(head) != now.get(head):
            old, new = (_lines(head, one.get(head)) for one in (then, now))
            found += [line for line in difflib.ndiff(old, new) if line[0] in "+- "]
    return found


def _lines(head: str, said: str | None) -> list[str]:
    """The statement broken where its hypotheses end, so that a diff shows the one that changed."""
    return [] if said is None else [head, *(f"    {part}" for part in said.replace(" -> ", " ->\n").split("\n"))]
