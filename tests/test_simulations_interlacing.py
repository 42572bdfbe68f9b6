"""The experiments that show the interlacing theorem: what they read off it holds, and its twins would not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import linflow as lf
from simulations import interlacing, noise, sample_complexity
from tests.studies import check_outputs, small_run


@pytest.mark.parametrize("name", sample_complexity.SPECTRA)
def test_measurements_needed_are_proved_up_to_one(name: str) -> None:
    spectrum = sample_complexity.spectrum_of(name)
    m = np.arange(spectrum.n + 1)
    lower, upper = lf.risk.interlacing(spectrum, m)
    targets = spectrum.energy * np.geomspace(1e-6, 1, 40)
    least, most = (
        np.array([sample_complexity.measurements_needed(side, target) for target in targets]) for side in (lower, upper)
    )
    # Rounding may part two sides that are equal, as those of m = 0 are.
    assert np.all(least <= most)
    assert np.all(most <= least + 1)
    # The twin: T2 leaves more than that, unless it is as good.
    loose = np.array([sample_complexity.measurements_needed(lf.risk.best_upper(spectrum, m), target) for target in targets])
    assert np.any(loose > least + 1)


def test_what_sample_complexity_says(tmp_path: Path) -> None:
    study, dataset = small_run("sample-complexity", tmp_path, 10, spectrum=("digits 8x8", "spiked"), draws=40)
    assert len(check_outputs(study, dataset)) == 2
    for row in sample_complexity.table(dataset):
        least, *most = (int(part) for part in str(row["m proved"]).split(" .. "))
        simulated = row["m simulated"]
        assert isinstance(simulated, int)
        assert least - 1 <= simulated <= (most[0] if most else least) + 1
    assert "; outside the interlacing theorem: " in sample_complexity.reading(dataset)


def test_what_interlacing_says(tmp_path: Path) -> None:
    study, dataset = small_run("interlacing", tmp_path, 10, spectrum=("digits 8x8", "step at 16"), draws=40)
    assert len(check_outputs(study, dataset)) == 1
    rows = interlacing.table(dataset)
    assert {len(row) for row in rows} == {9}
    for row in rows:
        upper, lower = (float(str(row[interlacing.BOUNDS[key][3]])) for key in ("upper", "lower"))
        assert lower <= 1.1
        assert upper >= 0.9
        assert lower <= upper < float(str(row[interlacing.BOUNDS["T2"][3]]))
    assert "In units of E_m the lower side" in interlacing.reading(dataset)


def test_matched_noise_lies_between_both_sides() -> None:
    spectrum = noise.spectrum_of("digits 8x8")
    noise_std = noise.noise_of(spectrum, 0.3)
    lower, upper = noise.proved(spectrum, np.array([4, 64, 128]), 0.3)
    rng = np.random.default_rng(0)
    for m, least, most in zip((4, 64, 128), lower, upper, strict=True):
        found = []
        for _ in range(200):
            seen = lf.measurement.gaussian(m, 64, rng) * spectrum.singular_values
            inside = np.linalg.inv(np.eye(64) + seen.T @ seen / noise_std**2)
            found.append(float(np.diagonal(inside) @ spectrum.variances / spectrum.energy))
        error = np.std(found) / np.sqrt(200)
        assert least - 5 * error <= np.mean(found) <= most + 5 * error
        assert not least - 5 * error <= 1.2 * np.mean(found) <= most + 5 * error
