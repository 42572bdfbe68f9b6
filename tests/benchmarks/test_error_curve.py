"""The benchmark behind the README's performance table, run small: it must work and be fair; speed itself is not asserted.

Run it in full with ``linflow bench``.
"""

from __future__ import annotations

import numpy as np
import pytest

from linflow import Spectrum, bench, risk
from linflow.bench import curves


def test_both_sides_compute_the_same_curve() -> None:
    spectrum = Spectrum.power_law(24)
    A = np.random.default_rng(0).standard_normal((24, 24))
    ours, theirs = risk.error_curve(spectrum, A), bench.pinv_curve(spectrum, A)
    assert np.allclose(ours[:-1], theirs[:-1], rtol=1e-9)


def test_rows_are_consistent_ratios(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(curves, "_SIZES", ((16, 20), (24, 10)))
    rows = bench.error_curve_rows()
    for row in rows:
        assert row["times_pinv"] == pytest.approx(row["curves_per_second"] / row["pinv_curves_per_second"])
        assert row["of_flop_bound"] == pytest.approx(row["curves_per_second"] / row["flop_bound_curves_per_second"])
        flops = row["flop_bound_curves_per_second"] * 8 / 3 * row["n"] ** 3
        assert flops == pytest.approx(row["gemm_gflops"] * 1e9)
    bench.error_curve_table(rows).put()
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("times pinv", "flop", " 16 ", " 24 "))
