"""Whole files of claims through the engine and the command line: no false one is supported, no true one refuted."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from linflow import cli, report
from linflow.claims import Claim, Verdict, claims_from_file, verify_all
from linflow.claims.claim import STATUSES

HERE = Path(__file__).parent


@cache
def planted(name: str) -> tuple[Claim, ...]:
    return tuple(claims_from_file(HERE / f"planted_{name}_claims.py"))


def verdicts(name: str, seed: int, max_draws: int) -> dict[str, Verdict]:
    # Each claim brings its own cases; the default spectra are none of its business.
    report = verify_all(planted(name), cases=[], seed=seed, max_draws=max_draws, workers=1)
    assert not report.errors
    return {verdict.claim.name: verdict for verdict in report.verdicts}


def test_the_files_cover_every_kind_of_claim() -> None:
    false = planted("false")
    assert len(false) >= 20
    assert {claim.kind for claim in false} == {"upper", "lower", "equal", "close"}
    assert any(claim.every_draw for claim in false)
    assert len({claim.quantity.name for claim in false}) >= 4
    assert all(claim.status == STATUSES[-1] for claim in (*false, *planted("true")))


@pytest.mark.parametrize("seed", [1, 2, 3])  # the command line has 0
def test_no_false_claim_is_supported(seed: int) -> None:
    found = verdicts("false", seed, 1000)
    assert {name for name, verdict in found.items() if verdict.verdict == "supported"} == set()
    assert sum(verdict.verdict == "refuted" for verdict in found.values()) >= len(found) // 2


@pytest.mark.parametrize("seed", range(2))
def test_no_true_claim_is_refuted(seed: int) -> None:
    found = verdicts("true", seed, 1000)
    assert {name for name, verdict in found.items() if verdict.verdict == "refuted"} == set()
    assert sum(verdict.verdict == "supported" for verdict in found.values()) >= len(found) // 2


def test_through_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The command in this process and without its figures: real runs of it, with figures, are in test_cli.py.
    monkeypatch.setattr(report, "_figures", lambda *_: iter(()))
    (tmp_path / "mine.py").write_text(TWO_OF_ONE_NAME)
    words = ["verify", str(HERE / "planted_false_claims.py"), "--claims", str(tmp_path / "mine.py"), "--quick"]
    with pytest.raises(SystemExit) as left:
        cli.main([*words, "--workers", "1", "--out", str(tmp_path / "out")])
    assert left.value.code == 1
    rows = {row["name"]: row for row in json.loads((tmp_path / "out" / "verdicts.json").read_text())["claims"]}
    assert set(rows) == {claim.name for claim in planted("false")} | {"two-of-one-name"}
    assert {name for name, row in rows.items() if row["verdict"] == "supported"} == {"two-of-one-name"}
    assert len({case["spectrum_key"] for case in rows["two-of-one-name"]["cases"]}) == 2
    assert "2 spectra, 2 cases" in " ".join(capsys.readouterr().out.split())


TWO_OF_ONE_NAME = """
import linflow as lf
a, b = lf.Spectrum([3.0, 2.0, 1.0], name="mine"), lf.Spectrum([3.0, 0.2, 0.1], name="mine")
claim = lf.Claim(
    name="two-of-one-name", statement="E_m <= E_0", kind="upper", value=lambda s, m: s.energy,
    holds_for=lambda s, m: s in (a, b), cases=(lf.Case(a, (1,)), lf.Case(b, (1,))),
)
"""
