"""The report of `linflow verify`: its tables agree with its verdicts, and files are written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from linflow import Case, Claim, Spectrum, catalogue, verify_all
from linflow import report as module
from linflow.claims import Report, Verdict
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


def test_the_summary_counts_what_was_wanted() -> None:
    kinds = {"theorem": "supported", "control": "refuted", "conjecture": "supported", "user": "supported"}
    verdicts = [
        Verdict(
            Claim(name=f"{status}-{i}", statement="", kind="upper", value=_one, status=status), verdict, "exact", None, ()
        )
        for status in kinds
        for i, verdict in enumerate(("supported", "supported", "refuted", "undecided", "undecided", "undecided"))
    ]
    console = Console(width=150, record=True, file=io.StringIO())
    print_report(Report(tuple(verdicts), alpha=1e-6, seed=7, max_draws=1), console)
    text = " ".join(console.export_text().split())
    assert (
        "2 of 6 theorems supported; 1 of 6 false controls refuted; 2 of 6 conjectures supported; "
        "2 of 6 own claims supported (family-wise error 1e-06, seed 7)"
    ) in text


def _one(spectrum: Spectrum, m: int) -> float:
    return 1.0


OWN = """
import linflow as lf
claim = lf.Claim(name="mine", statement="", kind="upper", value=lambda spectrum, m: FACTOR * spectrum.energy)
"""


@pytest.mark.parametrize(("factor", "status"), [("1", 0), ("1e-3", 1), ("1 / 0", 2)])
def test_the_exit_status_says_what_was_found(
    factor: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "default_cases", lambda quick: [Case(Spectrum.power_law(6), (2, 3))])
    monkeypatch.setattr(module, "_figures", lambda report, folder, workers: ())
    (tmp_path / "mine.py").write_text(OWN.replace("FACTOR", factor))
    options: dict[str, Any] = {"claims": None, "data": None, "size": 8, "quick": True, "workers": 1}
    found = module.run_verify(own=tmp_path / "mine.py", out=tmp_path / "out", seed=4, alpha=0.01, **options)
    assert found == status
    written = json.loads((tmp_path / "out" / "verdicts.json").read_text())
    assert (written["seed"], written["alpha"]) == (4, 0.01)
    assert [row["verdict"] for row in written["claims"]] == [("supported", "refuted", "undecided")[status]]
    assert ("raised ZeroDivisionError" in capsys.readouterr().err) == (status == 2)


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
