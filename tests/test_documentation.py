"""The tables of the documentation are of the claims that there are, and are written by the one generator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from linflow import catalogue
from simulations import interlacing
from tests.tables import first_tables, replaced

ROOT = Path(__file__).parents[1]


def rows(document: str, name: str) -> list[list[str]]:
    text = (ROOT / document).read_text(encoding="utf-8")
    inside = text.split(f"<!-- {name} -->\n", 1)[1].split(f"<!-- /{name} -->", 1)[0]
    lines = [line.replace("\\|", "\0") for line in inside.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("\0", "|") for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_of_verdicts_is_of_the_claims_that_there_are() -> None:
    claims = catalogue()
    table = rows("docs/verdicts.md", "verdicts")
    assert [row[:3] for row in table] == [[claim.name, claim.statement, claim.kind] for claim in claims]
    for row, claim in zip(table, claims, strict=True):
        wanted = {"theorem": ("supported", "not refuted"), "control": ("refuted",), "conjecture": ("conjecture, ",)}
        assert row[4].startswith(wanted[claim.status]), row
        # What is shown beside the case is what that case rests on.
        assert row[5].endswith(")")


def test_the_first_page_shows_rows_of_that_table() -> None:
    whole = {row[0]: row for row in rows("docs/verdicts.md", "verdicts")}
    few = rows("README.md", "verdicts")
    assert len(few) == 8
    for name, says, verdict, tightest in few:
        assert [name, says, verdict, tightest] == [whole[name][i] for i in (0, 1, 4, 5)]


def test_the_first_page_is_short_and_every_link_of_the_documentation_leads_somewhere() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= 8000
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+\.\w+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).is_file(), f"{page.name} links to {target}"


def test_the_table_of_calibration_is_there() -> None:
    table = rows("docs/evidence.md", "calibration")
    assert len({row[0] for row in table}) >= 8
    assert {row[1] for row in table} >= {"0.05", "0.01", "0.001"}


def test_the_tables_of_the_interlacing_theorem_are_of_the_experiments_that_print_them() -> None:
    compared, needed = rows("docs/interlacing.md", "interlacing"), rows("docs/interlacing.md", "needed")
    assert [row[0] for row in compared] == [name for name in interlacing.SPECTRA for _ in interlacing.SHARES]
    assert {len(row) for row in compared} == {4 + len(interlacing.BOUNDS)}
    # Columns: T1's upper side, T2, both sides of the theorem, T1's lower side, in units of E_m up to its own error.
    for T1, T2, upper, lower, least in ([float(cell) for cell in row[4:]] for row in compared):
        assert T1 >= T2 > upper >= lower >= least
        assert lower <= 1.05
        assert upper >= 0.95
    for row in needed:
        proved = [int(part) for part in row[5].split(" .. ")]
        assert proved[-1] - proved[0] <= 1
        assert proved[0] <= int(row[3]) <= proved[-1]
    assert (ROOT / "docs" / "gallery" / "interlacing.png").is_file()


def test_tables_are_put_between_their_marks() -> None:
    text = "before\n<!-- t -->\n| old |\n|---|\n<!-- /t -->\nafter\n"
    assert replaced(text, "t", "| new |") == "before\n<!-- t -->\n| new |\n<!-- /t -->\nafter\n"
    assert replaced(replaced(text, "t", "x"), "t", "| old |\n|---|") == text
    assert first_tables("# Title\n\n| a |\n|---|\n| 1 |\n\ntext | no\n| b |\n", whole=False) == "| a |\n|---|\n| 1 |"
    with pytest.raises(ValueError, match="there is no <!-- u -->"):
        replaced(text, "u", "")
