"""Every row of the table, run small: both sides give the same answer. Speed itself is not asserted.

Run it in full with ``linflow bench`` (``--long`` for what takes minutes).
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from linflow import InputError, Spectrum, risk
from linflow.bench import (
    contest,
    curves,
    decisions,
    expectations,
    growth,
    memory,
    models,
    predictions,
    rows,
    shown,
    transitions,
)
from linflow.bench.accuracy import accuracy_rows, accuracy_table, pinv_curve
from linflow.bench.command import run_bench
from linflow.bench.contest import Reading
from linflow.bench.effort import Effort
from linflow.bench.figure import growth_figure, ratio_figure

QUICK = Effort(quick=True, threads=1, clock="cpu")


def test_loops_over_m_compute_the_same_curve() -> None:
    spectrum, counts = Spectrum.power_law(24), [1, 5, 23]
    A = np.random.default_rng(0).standard_normal((24, 24))
    ours = risk.error_curve(spectrum, A)[counts]
    for curve in (pinv_curve, curves.lstsq_curve, curves.regression_curve):
        assert np.allclose(curve(spectrum, A, counts), ours, rtol=1e-9)
    pytest.importorskip("torch")
    batch = np.random.default_rng(0).standard_normal((2, 24, 24))
    found = curves._batched(spectrum, batch, counts).solved()
    assert np.allclose(np.asarray(found), risk.error_curve(spectrum, batch[0])[counts], rtol=1e-9)


def test_quadratures_integrate_the_exact_values() -> None:
    spectrum = Spectrum.power_law(6)
    exact = risk.exact(spectrum, [1, 3], "complex")
    assert np.allclose(expectations.by_scipy(spectrum, [1, 3], expectations.complex_integrand), exact, rtol=1e-9)
    first = expectations.by_scipy(spectrum, [1], expectations.first_integrand)
    assert np.allclose(first, risk.exact(spectrum, 1), rtol=1e-9)
    # The twin: the integrand of another m.
    assert not np.allclose(expectations.by_scipy(spectrum, [2, 3], expectations.complex_integrand), exact, rtol=1e-3)


def test_exact_values_are_computed_anew_at_each_run() -> None:
    exact = import_module("linflow.risk.exact")
    risk.exact(Spectrum.power_law(6), 3, "complex")
    expectations._forget()
    sizes = [of.cache_info().currsize for of in vars(exact).values() if hasattr(of, "cache_info")]
    assert sizes
    assert set(sizes) == {0}


def test_a_root_finder_finds_the_equivalents() -> None:
    spectrum = Spectrum.power_law(200)
    assert np.allclose(predictions.by_brentq(spectrum, [3, 50]), risk.equivalent(spectrum, [3, 50]), rtol=1e-10)


def test_solvers_decide_as_certificates_do() -> None:
    problems = [transitions._problem(12, 6.0, 1)]
    ours = transitions._ours(problems, 1).solved()
    assert ours == transitions._highs(problems).solved()
    assert True in ours  # type: ignore[operator]
    assert False in ours  # type: ignore[operator]
    flipped = [not found for found in ours]  # type: ignore[attr-defined]
    assert transitions._differing(flipped, ours) == 1.0  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [models.fits, models.posteriors])
def test_scikit_learn_gives_the_same_models_and_posteriors(make: object) -> None:
    for one in make(QUICK):  # type: ignore[operator]
        ours = one.ours.prepare().solved()
        for side in one.rivals:
            assert one.far(ours, side.prepare().solved()) <= one.tolerance, side.name


def test_intervals_cover_at_their_error_and_decide_when_they_must() -> None:
    rng = np.random.default_rng(0)
    alpha, mean = 0.05, 0.2
    missed = dict.fromkeys(decisions._RIVALS, 0)
    for _ in range(400):
        W = (rng.random(100) < mean).astype(float)
        for name, (low, _) in decisions._RIVALS.items():
            missed[name] += low(W, alpha) > mean
    # 400 draws of a rate of 0.05 exceed 45 with probability below 1e-6.
    assert max(missed.values()) <= 45
    assert decisions._first(lambda W: len(W) >= 37, np.zeros(100)) == 37
    assert decisions._first(lambda W: False, np.zeros(100)) == np.inf


def test_no_sequence_needs_fewer_draws_than_the_divergence_allows() -> None:
    W = np.random.default_rng(1).beta(2.0, 5.0, 20_000)
    q = 0.7 * W.mean()
    assert decisions.divergence(W, W.mean() * 1.1) == 0.0
    least = np.log(1 / decisions._ALPHA) / decisions.divergence(W, q)
    needed = np.mean([decisions._first(lambda part: decisions._sequence(q, part), W[i::8]) for i in range(8)])
    assert least <= 1.1 * needed
    assert needed <= 4 * least


def test_memory_is_that_of_the_work_alone() -> None:
    taken = memory.peak(lambda: np.ones(2_000_000).sum())
    if taken is None:
        pytest.skip("this system does not tell")
    assert 15e6 < taken < 30e6
    assert (memory.peak(lambda: None) or 0) < 5e6


def test_every_row_is_named_once_and_found() -> None:
    names = [row.name for row in rows.ROWS]
    assert len(set(names)) == len(names)
    assert [row.name for row in rows.chosen([])] == names
    with pytest.raises(InputError, match="there is no row 'nothing'"):
        rows.chosen(["nothing"])
    for row in rows.ROWS:
        for place in row.source:
            module, function = place.split(".")
            assert callable(getattr(import_module(f"linflow.bench.{module}"), function))


def test_a_run_leaves_table_numbers_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_bench(only=["predictions", "gpu"], quick=True, threads=1, clock="cpu", out=tmp_path, form="json")
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert {row["row"] for row in told} == {"predictions", "error curves on a GPU"}
    assert all("threads used: 1, clock: cpu" in row["machine"] for row in told)
    assert told[0]["error"] <= 1e-8
    assert told[0]["ratio_low"] <= told[0]["ratio"] <= told[0]["ratio_high"]
    stored = json.loads((tmp_path / "bench.json").read_text())
    assert stored["rows"][0]["row"] == "predictions"
    assert (tmp_path / "bench.md").read_text().startswith("| work | size |")
    assert (tmp_path / "bench.png").read_bytes()[:4] == b"\x89PNG"
    assert "2 of 2 rows" in printed.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"subject": "extra"}, "nothing, or 'growth'"),
        ({"only": ["none"]}, "there is no row"),
        ({"quick": True, "long": True}, "choose one of them"),
        ({"subject": "growth", "only": ["tall"]}, "growth has none"),
    ],
)
def test_what_cannot_be_run_is_refused_before_any_work(options: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        run_bench(out=tmp_path / "new", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_growth_reads_off_exponents_and_stops_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "SIZES", (64, 128, 256))
    calls: list[int] = []

    def prepare(n: int) -> contest.Work:
        return contest.Work(lambda: calls.append(n))

    short = list(growth.Series("work", "us", prepare).points(QUICK, longest=10.0))
    assert [point.n for point in short] == [64, 128, 256]
    stopped = list(growth.Series("work", "us", prepare).points(QUICK, longest=0.0))
    assert [point.n for point in stopped] == [64]
    assert [point.n for point in growth.Series("work", "us", prepare, most=128).points(QUICK, longest=10.0)] == [64, 128]
    made = [growth.Point("w", "us", n, 1e-9 * n**2.5, 2**20 * n) for n in (64, 128, 256, 512)]
    assert growth.with_exponents(made)[0].time_exponent == pytest.approx(2.5)
    assert growth.with_exponents(made)[0].memory_exponent == pytest.approx(1.0)
    assert growth.with_exponents(made[:2])[0].time_exponent is None


def test_every_work_of_growth_runs() -> None:
    for one in growth.series():
        if one.who != "scipy.integrate.quad":  # tested above, at a smaller n
            one.prepare(64).run()


def test_tables_and_figures_take_every_kind_of_reading() -> None:
    readings = [
        Reading("a", "n = 1", "them", ours=1.0, theirs=2.0, ratio=2.0, ratio_low=1.0, ratio_high=3.0, goal=4.0, error=1e-9),
        Reading("b", "n = 1", note="not installed"),
        Reading("c", "n = 1", unit="readings/s", ours=12345.0),
    ]
    table = shown.readings_table(readings, "a machine")
    assert "| a | n = 1 | 1 s | them | 2 s | 2 | 1..3 | 4 | 1e-09 | - |" in table.markdown()
    assert "12300 readings/s" in table.markdown()
    assert json.loads(shown.readings_table(readings, "a machine", "json").json())[1]["ratio"] is None
    labels = [label.get_text() for label in ratio_figure(readings, "a machine").axes[0].get_yticklabels()]
    assert labels == ["a", "n = 1: them"]
    points = growth.with_exponents([growth.Point("w", "us", n, n**2.0, None) for n in (64, 128, 256)])
    assert "| w | us | 256 |" in shown.growth_table(points, "a machine").markdown()
    assert len(json.loads(shown.growth_table(points, "a machine", "json").json())) == 3
    assert len(growth_figure(points, "a machine").axes) == 2


def test_accuracy_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    accuracy_table(accuracy_rows(draws=1)).put()
    assert "numpy.linalg.pinv" in capsys.readouterr().out


def test_the_tables_of_the_documentation_are_of_rows_that_there_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")
    head = "| " + " | ".join(column.label or column.name for column in shown._READINGS) + " |"
    for name in ("curves", "factors", "others", "flows"):
        inside = text.split(f"<!-- bench-{name} -->\n", 1)[1].split(f"<!-- /bench-{name} -->", 1)[0].splitlines()
        assert inside[0] == head
        assert "clock: " in inside[-1]  # the machine is named
    growth_head = "| " + " | ".join(column.label or column.name for column in shown._POINTS) + " |"
    assert growth_head in text
