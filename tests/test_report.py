"""The report of `linflow verify`: its tables agree with its verdicts, and files are written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from linflow import Case, Spectrum, catalogue, verify_all
from linflow.claims import Report
from linflow.errors import OutputError
from linflow.files import prepare_folder, write_bytes
from linflow.report import (
    error_outcomes,
    print_report,
    refutation,
    slug,
    to_csv,
    to_json,
    to_markdown,
)


@pytest.fixture(scope="module")
def report() -> Report:
    names = ("T1-upper", "T1-lower", "T3", "false-m-tail-m", "conjecture-complex")
    claims = [claim for claim in catalogue() if claim.name in names]
    return verify_all(claims, cases=[Case(Spectrum.step(12, 4, 1e-3), (2, 4, 6, 11))], workers=1)


def test_every_format_tells_the_same(report: Report) -> None:
    rows = json.loads(json.dumps(to_json(report), allow_nan=False))["claims"]
    lines = list(csv.DictReader(to_csv(report).splitlines()))
    markdown = to_markdown(report).splitlines()
    assert len(markdown) == len(rows) + 2
    for row, line in zip(rows, markdown[2:], strict=True):
        assert line.startswith(f"| {row['name']} |")
        assert row["verdict"] in line
        assert len(row["cases"]) == sum(entry["claim"] == row["name"] for entry in lines)
        worst = row["worst"]
        assert f"n = {worst['n']}, m = {worst['m']}" in line
    console = Console(width=150, record=True, file=io.StringIO())
    print_report(report, console)
    text = console.export_text()
    assert "2 of 3 theorems" in text or "3 of 3 theorems" in text
    assert "1 of 1 false controls refuted" in text


def test_a_refutation_names_its_place(report: Report) -> None:
    verdict = next(v for v in report.verdicts if v.claim.name == "false-m-tail-m")
    assert verdict.worst is not None
    sentence = refutation(verdict.claim, verdict.worst)
    assert "spectrum 'step 4, floor 0.001', n = 12, m = 4" in sentence


def test_figures_get_the_intervals_of_the_error_and_of_nothing_else(report: Report) -> None:
    outcomes = error_outcomes(report)
    assert {o.claim for o in outcomes} == {"T1-upper", "false-m-tail-m"}
    assert any(o.basis == "rigorous" and o.draws > 0 for o in outcomes)


def test_files_whole_or_not_at_all(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a.txt", b"one")
    write_bytes(tmp_path / "a.txt", b"two")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "two"
    for bad in (tmp_path / "a.txt" / "b.txt", tmp_path / "missing" / "b.txt"):
        with pytest.raises(OutputError, match="choose another folder with --out"):
            write_bytes(bad, b"three")
    with pytest.raises(OutputError, match="cannot write to"):
        prepare_folder(tmp_path / "a.txt" / "results")


def test_file_names() -> None:
    assert slug(Spectrum.flat(3).named("1e+140 to $x$/../y")) == "1e140-to-x-..-y-n3"
