"""``python -m tests.machine_statements``: write the golden file of the statements that Coq checks, and their table in docs.

To be run when a statement is changed on purpose; what it writes is to be read, line by line, before it is kept.
"""

from __future__ import annotations

from pathlib import Path

from proofs.machine import golden, sources
from proofs.machine.command import FOLDER, GOLDEN, table
from proofs.machine.coq import check, find_coq
from tests.tables import replaced

DOCUMENT = Path(__file__).parents[1] / "docs" / "machine.md"


def main() -> None:
    """Compile, and write both."""
    coq, found = find_coq(), sources.read(FOLDER)
    GOLDEN.write_text(golden.written(check(found, coq), coq.version), encoding="utf-8")
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8"), "machine", table(found)), encoding="utf-8")


if __name__ == "__main__":
    main()
