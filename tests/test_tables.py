"""Tables in every form: what programs read back is what was there, what people read is escaped, LaTeX has no accidents."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from typer.testing import CliRunner

import linflow as lf
from linflow import cli, proving, risk
from linflow.claims import Report, verify_all
from linflow.errors import InputError, ShapeError
from linflow.figures import FORMATS as FIGURE_FORMATS
from linflow.figures import file_of
from linflow.plotting import save
from linflow.predict import records
from linflow.report import summary, to_csv, to_markdown
from linflow.tables import Column, Table, escaped

CELLS = st.one_of(st.none(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8))
ROWS = st.lists(st.fixed_dictionaries({"a": CELLS, "b,|&": CELLS, "c": st.floats()}), max_size=4)


def table_of(rows: list[dict[str, Any]]) -> Table:
    return Table((Column("a", left=True), Column("b,|&", left=True), Column("c", digits=3)), rows)


# ----------------------------------------------------------------------------------------------------- for programs


@given(ROWS)
@settings(max_examples=40)
def test_json_reads_back_what_was_there(rows: list[dict[str, Any]]) -> None:
    found = json.loads(table_of(rows).json())
    assert len(found) == len(rows)
    for row, known in zip(found, rows, strict=True):
        for name, value in known.items():
            lost = isinstance(value, float) and not math.isfinite(value)
            assert row[name] == (None if lost else value)


@given(ROWS)
@settings(max_examples=40)
def test_csv_reads_back_what_was_there(rows: list[dict[str, Any]]) -> None:
    text = table_of(rows).csv()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(found) == len(rows)
    for row, known in zip(found, rows, strict=True):
        for name, value in known.items():
            if value is None or (isinstance(value, float) and math.isnan(value)):
                assert row[name] == ""
            elif isinstance(value, float):
                assert float(row[name]) == value
            else:
                assert row[name] == str(value)


# ------------------------------------------------------------------------------------------------------- for people


@given(ROWS)
@settings(max_examples=40)
def test_every_row_of_markdown_is_one_line_with_all_of_its_cells(rows: list[dict[str, Any]]) -> None:
    lines = table_of(rows).markdown().split("\n")
    assert len(lines) == len(rows) + 3  # the head, the rule, and the end of the last line
    for line in lines[:-1]:
        assert len(re.findall(r"(?<!\\)\|", line)) == 4


#: What LaTeX can make of a line: letters and signs without a meaning, and the commands that `escaped` writes.
_TOKEN = re.compile(
    r"\$(?:-?[\d.]+(?: \\times 10\^\{-?\d+\})?|-?\\infty|\\[A-Za-z]+|\\\||\^[23]|\^\\circ|-)\$"
    r"|\\[&%$#_{}]|\\text[a-z]+\{\}|\\texttt\{U\+[0-9A-F]{4,6}\}|\\[`'^~=u.\"rHvc]\{[A-Za-z]?\}"
    r"|\\(?:ss|ae|AE|oe|OE|o|O|l|L|i|dots)\{\}|\{\\char34\}|\{[\[*]\}|-\{\}-|[A-Za-z0-9 !'()+,\-./:;=?@\]]"
)


@given(st.text())
@example("[x] *y -- `' ^~ \" %$#_{}\\ ||")
def test_no_text_is_a_command_of_latex(text: str) -> None:
    found = escaped(text)
    assert _TOKEN.sub("", found) == "", found
    assert "--" not in found
    assert found.isascii()


@given(ROWS)
@settings(max_examples=40)
def test_every_line_of_latex_has_its_cells_and_nothing_else(rows: list[dict[str, Any]]) -> None:
    lines = table_of(rows).latex().split("\n")
    assert [lines[0], lines[1], lines[3], *lines[-3:]] == [
        r"\begin{tabular}{llr}",
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
        r"\end{tabular}",
        "",
    ]
    body = [lines[2], *lines[4:-3]]
    assert len(body) == len(rows) + 1
    for line in body:
        assert line.endswith(r" \\")
        cells = re.split(r"(?<!\\) & ", line.removesuffix(r" \\"))
        assert len(cells) == 3
        assert not line.startswith(("[", "*"))  # they would belong to the end of the line before
        for cell in cells:
            assert _TOKEN.sub("", cell.replace("--", "")) == "", cell


def test_numbers_are_set_as_mathematics() -> None:
    numbers = Table((Column("x"),), [{"x": x} for x in (-1.5, 1.25e-7, -3e40, math.inf, -math.inf, math.nan, None, 7)])
    body = numbers.latex().split("\n")[4:-3]
    assert [line.removesuffix(r" \\") for line in body] == [
        "$-1.5$",
        r"$1.25 \times 10^{-7}$",
        r"$-3 \times 10^{40}$",
        r"$\infty$",
        r"$-\infty$",
        "--",
        "--",
        "7",
    ]


def test_a_planted_table_that_escapes_nothing_is_seen() -> None:
    assert _TOKEN.sub("", "50 % of a_1 & \\input{x}") != ""
    assert _TOKEN.sub("", "σ") != ""


# ----------------------------------------------------------------------------------------------------- the commands


def said(*words: object) -> str:
    done = CliRunner().invoke(cli.app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_predict_prints_every_form_of_one_table() -> None:
    words = ("predict", "--family", "power-law", "--n", 12, "--m", "1:12:1")
    frame = lf.predict(lf.Spectrum.power_law(12), range(1, 13))
    assert said(*words, "--json") == said(*words, "--format", "json") == json.dumps(records(frame)) + "\n"
    read = pd.read_csv(io.StringIO(said(*words, "--format", "csv")))
    pd.testing.assert_frame_equal(read, frame.replace(np.inf, np.nan), rtol=1e-14)
    assert said(*words, "--format", "table") == said(*words)
    assert said(*words, "--format", "latex").count("\\\\\n") == 13
    assert said(*words, "--format", "md").count("\n") == 14
    for other in ("csv", "md", "latex", "table"):
        done = CliRunner().invoke(cli.app, [*map(str, words), "--json", "--format", other])
        assert done.exit_code == 2


def test_run_prints_its_table_and_nothing_else(tmp_path: Path) -> None:
    study = tmp_path / "mine.py"
    study.write_text(STUDY)
    words = ("run", study, "--out", tmp_path, "--workers", 1, "--figures", "svg")
    plain = said(*words)
    assert "mine.svg are in" in plain
    assert (tmp_path / "mine.svg").read_bytes().startswith(b"<?xml")
    found = {form: said(*words, "--format", form) for form in ("json", "latex")}
    assert all("are in" not in text for text in found.values())
    [row] = json.loads(found["json"])
    table = (tmp_path / "mine.md").read_text()
    assert f"| {row['n']} | {row['v']:.4g} |" in table
    assert r"v, 95 \%" in found["latex"]
    assert json.loads(said("run", "--list", "--format", "json"))[0]["name"] == "calibration"


def test_prove_hands_its_rows_to_the_one_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def show(names: list[str], **options: Any) -> int:
        if "put" in options:
            options.pop("put")([{"statement": "a_b", "says": "x"}])
        asked.append(options)
        return 0

    stub = SimpleNamespace(show=show, UnknownStatementError=LookupError)
    monkeypatch.setattr(proving, "_package", lambda: None)
    monkeypatch.setattr(proving, "import_module", lambda name: stub)
    assert r"a\_b & x" in said("prove", "--format", "latex")
    assert said("prove", "--format", "csv") == "statement,says\na_b,x\n"
    assert said("prove", "--list", "--format", "json") == '[{"statement": "a_b", "says": "x"}]\n'
    for words in (("--json",), ("--format", "json"), ("--markdown",), ("--format", "md"), ()):
        assert said("prove", *words) == ""
    ours = {"as_json": False, "as_markdown": False, "only_list": False}
    assert asked[-5:] == [ours | {"as_json": True}] * 2 + [ours | {"as_markdown": True}] * 2 + [ours]
    assert CliRunner().invoke(cli.app, ["prove", "--markdown", "--format", "csv"]).exit_code == 2


STUDY = """
from linflow.experiments import Experiment, Variable
EXPERIMENT = Experiment(
    name="mine",
    title="Mine",
    cell=lambda params, rng: {"v": rng.standard_normal()},
    grid={"n": (1,)},
    blocks=2,
    variables={"v": Variable("v")},
)
def figures(dataset):
    from matplotlib.figure import Figure
    return {"": Figure()}
"""


# ---------------------------------------------------------------------------------------------------------- pandas


def test_a_prediction_is_a_frame_of_what_risk_says() -> None:
    spectrum, m = lf.Spectrum.power_law(30), np.array([3, 1, 12, 0, 30])
    frame = lf.predict(spectrum, m, noise_std=0.3, penalty=0.02)
    assert frame["m"].tolist() == m.tolist()
    for name in ("theorem_lower", "theorem_upper", "best_upper", "best_rank"):
        assert np.array_equal(frame[name], getattr(risk, name)(spectrum, m))
    lower, upper = risk.interlacing(spectrum, m)
    assert np.array_equal(frame["interlacing_lower"], lower)
    assert np.array_equal(frame["interlacing_upper"], upper)
    assert np.array_equal(frame["equivalent"], risk.equivalent(spectrum, m, noise_std=0.3, penalty=0.02))
    np.testing.assert_allclose(frame["exact"], risk.exact(spectrum, m), rtol=1e-14)
    assert (frame["m"].dtype.kind, frame["best_rank"].dtype.kind) == ("i", "i")
    assert frame.attrs == {"spectrum": "power law 1", "n": 30, "noise_std": 0.3, "penalty": 0.02}
    again = lf.predict(spectrum.singular_values[::-1], m.tolist(), noise_std=0.3, penalty=0.02)
    pd.testing.assert_frame_equal(again, frame, check_exact=True)
    assert len(lf.predict(spectrum, 4)) == 1
    assert np.isnan(lf.predict(lf.Spectrum.power_law(2000), 2)["exact"][0])
    with pytest.raises(ShapeError):
        lf.predict(spectrum, [[1, 2]])
    with pytest.raises(InputError):
        lf.predict(spectrum, 31)


@pytest.fixture(scope="module")
def report() -> Report:
    wrong = lf.Claim(name="wrong", statement="E_m <= 1 & 50 %", kind="upper", value=lambda s, m: 0.5 * s.tail(m))
    right = lf.Claim(name="right", statement="E_m <= |E_0|", kind="upper", value=lambda s, m: s.energy)
    return verify_all([wrong, right], cases=[lf.Case([2.0, 1.0], (0, 1)), lf.Case([1.0] * 3, (1,))], workers=1)


def test_verdicts_are_frames_with_the_columns_of_their_csv_file(report: Report) -> None:
    frame = report.to_dataframe()
    read = pd.read_csv(io.StringIO(to_csv(report)), keep_default_na=False)
    pd.testing.assert_frame_equal(frame, read, check_dtype=False, rtol=1e-14)
    for verdict in report.verdicts:
        own = verdict.to_dataframe()
        assert len(own) == len(verdict.cases)
        assert set(own["claim"]) == {verdict.claim.name}
    nothing = Report((), alpha=1e-6, seed=0, max_draws=1).to_dataframe()
    assert list(nothing.columns) == list(frame.columns)
    assert nothing.empty


def test_the_summary_of_verdicts_in_every_form(report: Report) -> None:
    table = summary(report)
    rows = json.loads(table.json())
    assert [(row["claim"], row["verdict"]) for row in rows] == [("wrong", "refuted"), ("right", "supported")]
    assert table.markdown() == to_markdown(report)
    assert r"50 \%" in table.latex()
    assert r"\textbar{}E\_0\textbar{}" in table.latex()


def test_a_hunt_is_a_frame_of_the_cases_that_it_reports() -> None:
    claim = lf.Claim(name="c", statement="", kind="upper", value=lambda s, m: s.tail(m), holds_for=lambda s, m: 0 < m < s.n)
    found = lf.hunt(claim, rounds=1, max_n=3, workers=1)
    frame = found.to_dataframe()
    assert found.worst is not None
    assert frame["case"].tolist()[0] == "tightest"
    assert (frame["ratio"][0], frame["m"][0]) == (found.worst.ratio, found.worst.m)
    assert frame["singular_values"][0] == found.worst.singular_values


# --------------------------------------------------------------------------------------------------------- figures


def drawn() -> Figure:
    figure = Figure(figsize=(2, 2))
    axes = figure.subplots()
    axes.plot([1, 2], [1, 3], marker="o", label="$\\sigma_i$")
    axes.fill_between([1, 2], [0, 1], [1, 2], alpha=0.3)
    axes.legend()
    return figure


@pytest.mark.parametrize("form", FIGURE_FORMATS)
def test_the_same_figure_is_the_same_file(form: Any, tmp_path: Path) -> None:
    first, again = file_of(drawn(), form), file_of(drawn(), form)
    assert first == again
    assert first.startswith({"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[form])
    for word in (b"Date", b"matplotlib.org/</dc", b"Matplotlib v"):
        assert word not in first
    path = save(drawn(), tmp_path / f"figure.{form}")
    assert path.read_bytes() == first


def test_without_a_salt_and_without_silence_the_files_differ() -> None:
    """The twin: what matplotlib writes by itself is not the same twice."""
    files = []
    for _ in range(2):
        file = io.BytesIO()
        drawn().savefig(file, format="svg")
        files.append(file.getvalue())
    assert files[0] != files[1]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"path must end in \.png, \.pdf, \.svg"):
        save(drawn(), tmp_path / "figure.jpg")
    assert save(drawn(), tmp_path / "FIGURE.PDF").read_bytes().startswith(b"%PDF")
