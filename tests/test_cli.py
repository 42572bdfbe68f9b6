"""The command line as a user meets it: real processes, real files, exit statuses, and sentences instead of tracebacks."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import linflow.predict as predicting
from linflow import Spectrum, cli, risk
from linflow.errors import InputError
from linflow.inputs import Given

WRONG = """
import linflow as lf

claim = lf.Claim(
    name="twice-the-tail",
    statement="E_m <= 2 sum_{i>m} l_i",
    kind="upper",
    value=lambda spectrum, m: 2 * spectrum.tail(m),
    holds_for=lambda spectrum, m: m < spectrum.n,
)
"""

#: The same, asked on the smallest spectra only.
WRONG_ON_FEW = WRONG.replace("m < spectrum.n", "m < spectrum.n <= 4")


def linflow(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "linflow", *map(str, words)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=240)


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The error of a run that must fail with status 2, one line on stderr and no traceback anywhere."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("linflow:")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_users_wrong_claim_is_refuted_with_its_spectrum_and_m(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(WRONG)
    done = linflow("verify", "mine.py", "--quick", "--out", "results", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "twice-the-tail is refuted at spectrum" in done.stdout
    report = json.loads((tmp_path / "results" / "verdicts.json").read_text())
    assert set(report) >= {"alpha", "seed", "version", "claims"}
    (row,) = report["claims"]
    assert (row["name"], row["status"], row["verdict"]) == ("twice-the-tail", "user", "refuted")
    worst = next(c for c in row["cases"] if (c["spectrum"], c["m"]) == (row["worst"]["spectrum"], row["worst"]["m"]))
    assert worst["low"] > worst["value"]
    assert row["worst"]["ratio"] < 1
    assert set(worst) >= {"spectrum", "n", "m", "value", "estimate", "low", "high", "draws", "verdict", "basis"}
    lines = list(csv.DictReader((tmp_path / "results" / "verdicts.csv").read_text().splitlines()))
    assert len(lines) == len(row["cases"])
    assert (tmp_path / "results" / "verdicts.md").read_text().count("twice-the-tail") == 1
    figures = sorted(p.name for p in (tmp_path / "results" / "figures").iterdir())
    assert "spectra.png" in figures
    assert len(figures) == 9


def test_the_whole_catalogue_quickly(tmp_path: Path) -> None:
    """The main job with fewer spectra: every theorem supported, every control refuted, beside a true claim of the user."""
    (tmp_path / "mine.py").write_text(WRONG.replace("2 * spectrum.tail(m)", "spectrum.energy"))
    # One worker: that the number of workers changes nothing is shown on small runs, and each would load everything again.
    done = linflow("verify", "--claims", "mine.py", "--quick", "--seed", 3, "--workers", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "linflow-results" / "verdicts.json").read_text())
    assert report["seed"] == 3
    verdicts = {row["name"]: row["verdict"] for row in report["claims"]}
    statuses = {row["name"]: row["status"] for row in report["claims"]}
    # The interlacing theorem is an equality on flat spectra, which no float64 value tells from a violation by rounding.
    tight = {row["name"] for row in report["claims"] if row["note"].startswith("equal up to rounding")}
    assert all(name.startswith("interlacing-") for name in tight)
    theorems = {verdicts[name] for name, status in statuses.items() if status == "theorem" and name not in tight}
    assert theorems == {"supported", "not refuted"}
    assert {verdicts[name] for name, status in statuses.items() if status == "control"} == {"refuted"}
    assert verdicts["twice-the-tail"] == "supported"
    assert "conjecture" in statuses.values()


def test_predict_against_the_library(tmp_path: Path) -> None:
    values = np.array([0.5, 2.0, 1.0, 0.25])
    np.save(tmp_path / "values.npy", values)
    (tmp_path / "values.csv").write_text("0.5,2.0,1.0,0.25\n")
    (tmp_path / "values.txt").write_text("0.5\n2.0\n1.0\n0.25\n")
    spectrum = Spectrum(values)
    answers = []
    for name in ("values.npy", "values.csv", "values.txt"):
        done = linflow("predict", "--values", name, "--m", "0,1,2,3,4", "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    assert answers[0] == answers[1] == answers[2]
    for row in answers[0]:
        m = row["m"]
        bounds = ["theorem_lower", "theorem_upper", "best_upper", "best_rank", "interlacing_lower", "interlacing_upper"]
        assert list(row) == ["m", *bounds, "equivalent", "exact"]
        assert (row["interlacing_lower"], row["interlacing_upper"]) == pytest.approx(
            risk.interlacing(spectrum, m), rel=1e-14
        )
        assert row["theorem_lower"] == spectrum.tail(m)
        assert row["theorem_upper"] == (risk.theorem_upper(spectrum, m) if m >= 2 else None)
        assert row["best_upper"] == risk.best_upper(spectrum, m)
        assert row["best_rank"] == risk.best_rank(spectrum, m)
        assert row["equivalent"] == pytest.approx(risk.equivalent(spectrum, m), rel=1e-14)
        assert row["exact"] == pytest.approx(risk.exact(spectrum, m), rel=1e-13)


@pytest.mark.parametrize("family", predicting.FAMILIES)
def test_predict_every_family_as_a_table(family: str, tmp_path: Path) -> None:
    done = linflow("predict", "--family", family, "--n", 50, "--m", "10:20:5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "n = 50" in done.stdout
    assert all(f" {m} " in done.stdout for m in (10, 15, 20))


def json_rows(*words: object) -> list[dict[str, float]]:
    done = CliRunner().invoke(cli.app, ["predict", *map(str, words), "--json"])
    assert done.exit_code == 0, done.output
    rows: list[dict[str, float]] = json.loads(done.stdout)
    return rows


#: Every option of every family, away from its default.
FAMILIES: list[tuple[list[object], Spectrum]] = [
    (["power-law", "--exponent", 0.7], Spectrum.power_law(30, 0.7)),
    (["exponential", "--rate", 0.1], Spectrum.exponential(30, 0.1)),
    (["flat"], Spectrum.flat(30)),
    (["step", "--rank", 4, "--floor", 0.05], Spectrum.step(30, 4, 0.05)),
    (["spiked"], Spectrum.spiked(30)),
    (["log-spaced", "--condition", 100], Spectrum.log_spaced(30, 100.0)),
]


@pytest.mark.parametrize(("words", "spectrum"), FAMILIES, ids=[str(words[0]) for words, _ in FAMILIES])
def test_predict_takes_every_option(words: list[object], spectrum: Spectrum) -> None:
    assert [words[0] for words, _ in FAMILIES] == list(predicting.FAMILIES)
    plain, noisy = (
        json_rows("--family", *words, "--n", 30, "--m", "3:21:9", *more)
        for more in ([], ["--noise-std", 0.3, "--penalty", 0.02])
    )
    assert [row["m"] for row in plain] == [3, 12, 21]
    for row, with_noise in zip(plain, noisy, strict=True):
        m = int(row["m"])
        assert row["best_upper"] == pytest.approx(risk.best_upper(spectrum, m), rel=1e-14)
        assert row["equivalent"] == pytest.approx(risk.equivalent(spectrum, m), rel=1e-14)
        wanted = risk.equivalent(spectrum, m, noise_std=0.3, penalty=0.02)
        assert with_noise["equivalent"] == pytest.approx(wanted, rel=1e-14)
        assert with_noise | {"equivalent": row["equivalent"]} == row, "the bounds are about the noiseless MLE"


def test_every_option_of_verify_and_run_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []

    def record(*positional: Any, **options: Any) -> int:
        seen.append(options | {"positional": positional})
        return 3

    monkeypatch.setattr("linflow.report.run_verify", record)
    monkeypatch.setattr("linflow.experiments.command.run_command", record)
    words = "verify a.py --claims b.py --out c --data d --size 9 --quick --seed 5 --alpha 0.01 --workers 2 --recursive"
    words += " --format latex --figures pdf"
    assert CliRunner().invoke(cli.app, words.split()).exit_code == 3
    assert seen.pop() == {
        "positional": (),
        "own": Path("a.py"),
        "claims": Path("b.py"),
        "out": Path("c"),
        "given": Given(data=Path("d"), size=9, recursive=True),
        "quick": True,
        "seed": 5,
        "alpha": 0.01,
        "workers": 2,
        "form": "latex",
        "figures": "pdf",
    }
    words = "run noise --out c --quick --seed 5 --workers 2 --set draws=3 --set m=1,2 --data d --ood e"
    words += " --flow f.pt --method a.py:b --method c:d --format md --figures svg"
    assert CliRunner().invoke(cli.app, words.split()).exit_code == 3
    assert seen.pop() == {
        "positional": ("noise",),
        "out": Path("c"),
        "quick": True,
        "seed": 5,
        "workers": 2,
        "scheduler": None,
        "changes": {"draws": "3", "m": "1,2"},
        "given": Given(data=Path("d")),
        "ood": Path("e"),
        "flow": "f.pt",
        "methods": ["a.py:b", "c:d"],
        "form": "md",
        "figures": "svg",
    }
    assert CliRunner().invoke(cli.app, ["run", "noise", "--scheduler", "tcp://a:1"]).exit_code == 3
    assert seen.pop()["scheduler"] == "tcp://a:1"


def test_predict_a_million_values(tmp_path: Path) -> None:
    done = linflow("predict", "--family", "power-law", "--n", 10**6, "--m", "1:999001:1000", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == 1000
    assert rows[0]["exact"] is not None
    for row in rows:
        assert row["theorem_lower"] <= row["equivalent"] <= row["best_upper"] * (1 + 1e-12)
        assert row["equivalent"] == pytest.approx(row["interlacing_lower"], rel=1e-12)
        assert row["interlacing_lower"] <= row["interlacing_upper"] <= row["best_upper"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["predict", "--m", "3"], "give exactly one of --family, --values, --data and --covariance, got none"),
        (["predict", "--family", "flat", "--values", "x.npy"], "got --family and --values"),
        (["predict", "--family", "fractal"], "--family must be one of"),
        (["predict", "--family", "flat", "--rank", "3"], "--rank is for --family step, and --family flat was given"),
        (["predict", "--family", "step", "--condition", "3"], "--condition is for --family log-spaced"),
        (["predict", "--values", "x.npy", "--n", "3"], "--n is for --family, and --values was given"),
        (["predict", "--family", "flat", "--n", "8", "--m", "9"], "--m must lie in 0..n = 0..8, got 9"),
        (["predict", "--family", "flat", "--n", "8", "--m", "four"], "--m takes whole numbers"),
        (["predict", "--family", "flat", "--n", "8", "--m", "5:3"], "empty range"),
        (["predict", "--family", "flat", "--n", "8", "--noise-std", "-1"], "noise_std must be a finite number >= 0"),
        (["predict", "--values", "none.npy"], "does not exist"),
        (["predict", "--values", "words.txt"], "cannot be read as numbers"),
        (["predict", "--values", "zero.txt"], "must be positive"),
        (["predict", "--values", "nan.txt"], "must be finite"),
        (["predict", "--values", "empty.txt"], "non-empty"),
        (["predict", "--data", "empty-folder"], "holds 0 images"),
        (["verify", "none.py"], "does not exist"),
        (["verify", "raises.py"], "raised ZeroDivisionError in line 2"),
        (["verify", "words.txt"], "syntax error in line 1"),
        (["verify", "--claims", "empty.py"], "defines no claim"),
        (["verify", "--data", "empty-folder"], "holds 0 images"),
        (["verify", "--out", "words.txt/results"], "choose another folder with --out"),
        (["verify", "--alpha", "2", "--quick"], "alpha must lie strictly between 0 and 1"),
    ],
)
def test_bad_input_is_one_sentence(words: list[str], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("singular values\n")
    (tmp_path / "zero.txt").write_text("1 0\n")
    (tmp_path / "nan.txt").write_text("1 nan\n")
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "raises.py").write_text("import linflow\n1 / 0\n")
    (tmp_path / "empty-folder").mkdir()
    assert sentence in one_sentence(linflow(*words, cwd=tmp_path))


def test_a_claim_that_raises_costs_nothing_but_itself(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        WRONG_ON_FEW + WRONG_ON_FEW.replace("claim =", "bad =").replace("twice", "bad").replace("2 * ", "1 / 0 * ")
    )
    done = linflow("verify", "mine.py", "--quick", "--workers", 1, "--out", "r", cwd=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "claim 'bad-the-tail': value(single, m=0) raised ZeroDivisionError" in done.stderr
    rows = {row["name"]: row for row in json.loads((tmp_path / "r" / "verdicts.json").read_text())["claims"]}
    assert rows["twice-the-tail"]["verdict"] == "refuted"
    assert rows["bad-the-tail"]["verdict"] == "undecided"
    # Figures of the spectra that were asked about, and no others.
    assert {path.stem for path in (tmp_path / "r" / "figures").iterdir()} == {
        "spectra",
        *("single-n1", "pair-n2", "step-1-floor-0.001-n3", "step-2-floor-0.0001-n4"),
    }


def test_an_interrupted_run_says_so_and_is_continued(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(WRONG_ON_FEW.replace("<= 4", "<= 32"))
    command = [sys.executable, "-m", "linflow", "verify", "mine.py", "--quick", "--workers", "1", "--out", "r"]
    # A shell that starts the tests in the background has them ignore interrupts, and their children with them.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    journal = tmp_path / "r" / "verify.sqlite"
    for _ in range(1200):
        if process.poll() is not None or records(journal) >= 5:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, output + errors
    assert "interrupted; the same command continues where it stopped" in errors
    assert "Traceback" not in errors
    stored = records(journal)
    assert stored >= 5
    again = linflow("verify", "mine.py", "--quick", "--workers", "1", "--out", "r", cwd=tmp_path)
    assert again.returncode == 1
    assert f"deciding claims: {stored} of " in again.stderr


def records(journal: Path) -> int:
    """How many cells a journal holds that another process may be writing."""
    try:
        connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True)
        [(count,)] = connection.execute("SELECT count(*) FROM records").fetchall()
        connection.close()
    except sqlite3.Error:
        return 0
    return int(count)


def test_counts_of_measurements() -> None:
    assert predicting.whole_numbers("3,1:4", 5).tolist() == [3, 1, 2, 3, 4]
    assert predicting.whole_numbers(None, 1).tolist() == [1]
    assert predicting.whole_numbers(None, 1000)[-1] == 999
    for bad in ("", "1:2:3:4", "1:9:0", "-1", "1.5"):
        with pytest.raises(InputError):
            predicting.whole_numbers(bad, 10)


def test_help_version_and_no_arguments(tmp_path: Path) -> None:
    assert "verify" in linflow("--help", cwd=tmp_path).stdout
    assert linflow("--version", cwd=tmp_path).stdout.strip().count(".") == 2
    for command in ("verify", "predict", "bench"):
        assert linflow(command, "--help", cwd=tmp_path).returncode == 0
    assert linflow("unheard-of", cwd=tmp_path).returncode == 2
