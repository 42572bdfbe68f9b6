"""The report of `linflow verify`: its tables agree with its verdicts, and files are written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from linflow import Case, Claim, Spectrum, catalogue, verify_all
from linflow import report as module
from linflow.claims import Report, Verdict
from linflow.claims.claim import STATUSES
from linflow.claims.evidence import Confidence, Enclosed
from linflow.claims.outcome import Outcome
from linflow.engine.files import prepare_folder, write_bytes
from linflow.errors import OutputError
from linflow.inputs import Given
from linflow.report import (
    decision,
    error_outcomes,
    file_names,
    print_report,
    refutation,
    slug,
    tightest,
    to_csv,
    to_json,
    to_markdown,
)


@pytest.fixture(scope="module")
def report() -> Report:
    names = ("T1-upper", "T1-lower", "T3", "false-m-tail-m", "interlacing-complex-upper")
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
    assert "4 theorems: 2 supported, 2 not refuted; 1 false controls: 1 refuted" in " ".join(text.split())


def test_the_table_shows_what_the_case_shown_rests_on(report: Report) -> None:
    by_name = {verdict.claim.name: verdict for verdict in report.verdicts}
    assert re.search(r"m = \d+: [\d.]+ \.\. [\d.]+ \(rigorous, \d+ draws\)$", tightest(by_name["T3"]))
    assert re.search(r"seen \(no violation in 48 draws, \d searches\)$", tightest(by_name["T1-lower"]))
    assert re.search(r": [\d.e-]+ \(exact\)$", tightest(by_name["interlacing-complex-upper"]))
    # The strongest basis may be that of another case than the one of least room: each is said where it belongs.
    for verdict in report.verdicts:
        assert verdict.worst is not None
        assert verdict.worst.evidence.words() in tightest(verdict)
        low, high = verdict.worst.ratios
        assert low <= verdict.worst.ratio * (1 + 1e-12)
        assert verdict.worst.ratio <= high * (1 + 1e-12)
    assert re.match(r"not refuted \(deviation at most 0\.\d+; rigorous\)", decision(by_name["T3"]))
    assert re.match(r"not refuted \(no violation in \d+ draws and \d+ searches", decision(by_name["T1-lower"]))


def test_the_basis_shown_is_that_of_the_case_shown() -> None:
    claim = Claim(name="c", statement="", kind="upper", value=_one)
    tight = Outcome("c", "tight", "k", 4, 2, "upper", 1.0, 0.05, False, Enclosed(low=0.9, high=0.9))
    loose = Outcome("c", "loose", "l", 4, 3, "upper", 1.0, 0.05, False, Confidence(low=0.4, high=0.5, alpha=1e-9, draws=9))
    for order in ((tight, loose), (loose, tight)):
        verdict = Verdict(claim, order)
        assert tightest(verdict) == "tight, n = 4, m = 2: 1.111 (exact)"
        assert decision(verdict) == "supported (rigorous)"  # no stronger than its weakest case


def test_the_summary_counts_how_claims_came_out() -> None:
    ends = {"supported": (0.4, 0.5), "refuted": (2.0, 3.0), "undecided": (0.4, 3.0)}
    verdicts = []
    for status in STATUSES:
        for i, word in enumerate(("supported", "supported", "refuted", "undecided", "undecided", "undecided")):
            claim = Claim(name=f"{status}-{i}", statement="", kind="upper", value=_one, status=status)
            evidence = Confidence(low=ends[word][0], high=ends[word][1], alpha=1e-9, draws=9)
            verdicts.append(Verdict(claim, (Outcome(claim.name, "s", "k", 4, 2, "upper", 1.0, 0.05, False, evidence),)))
    console = Console(width=150, record=True, file=io.StringIO())
    print_report(Report(tuple(verdicts), alpha=1e-6, seed=7, max_draws=1), console)
    text = " ".join(console.export_text().split())
    counts = "2 supported, 1 refuted, 3 undecided"
    assert (
        f"6 theorems: {counts}; 6 false controls: {counts}; 6 conjectures: {counts}; 6 own claims: {counts} "
        "(family-wise error 1e-06, seed 7)"
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
    monkeypatch.setattr(module, "_figures", lambda *_: ())
    (tmp_path / "mine.py").write_text(OWN.replace("FACTOR", factor))
    options: dict[str, Any] = {"claims": None, "given": Given(), "quick": True, "workers": 1}
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
    assert any(o.basis == "exact" and 1 < o.m < o.n - 1 for o in outcomes)


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
    same = [Spectrum([3.0, 1.0], name="mine"), Spectrum([3.0, 2.0], name="mine"), Spectrum([3.0, 1.0], name="other")]
    names = file_names(same)
    assert len(set(names)) == 3  # one figure must not overwrite another's
    assert names[2] == "other-n2"
    assert all(name.startswith("mine-n2-") for name in names[:2])
