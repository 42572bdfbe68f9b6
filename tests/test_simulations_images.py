"""The experiments on images and at the paper's size, run through the engine in tiny configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

import linflow as lf
from linflow.experiments import estimate
from simulations import denoising, inpainting, paper_scale
from tests.studies import check_outputs, small_run

#: Probability with which a statistical check here may fail although all is well.
ALPHA = 1e-4


def checked_run(name: str, folder: Path, blocks: int, **changes: Any) -> xr.Dataset:
    """A small run whose figures, table and reading come out too."""
    study, dataset = small_run(name, folder, blocks, **changes)
    check_outputs(study, dataset)
    return dataset


@pytest.mark.parametrize(("std_scale", "calibrated"), [(1.0, True), (1.3, False)])
def test_intervals_are_calibrated_on_samples_of_the_model(tmp_path: Path, std_scale: float, calibrated: bool) -> None:
    dataset = checked_run("inpainting", tmp_path, 8, case=("digits",), std_scale=std_scale)
    p_value, _ = inpainting.calibration(dataset)
    assert (p_value > ALPHA) == calibrated
    # The squared error is the posterior variance: the same check of its second moment.
    ratio = estimate(dataset["ratio"].sel(law="model"), level=1 - ALPHA / 3)
    assert bool(((ratio["low"] < 1.0) & (ratio["high"] > 1.0)).all()) == calibrated


@pytest.mark.parametrize("case", list(inpainting.SIDES))
def test_test_images_are_not_training_images(case: str) -> None:
    train, test = inpainting.split(case, 10, 3, np.random.default_rng(0))
    assert train.shape[1] == test.shape[1] == inpainting.SIDES[case] ** 2
    assert len(test) == 10
    assert np.min(np.max(np.abs(train[:, None] - test[None]), axis=2)) > 0


@pytest.mark.parametrize("mask", inpainting.MASKS)
def test_masks_hide_some_pixels_and_leave_others(mask: str) -> None:
    for seed in range(20):
        hidden = inpainting.hidden_pixels(mask, 8, np.random.default_rng(seed))
        assert hidden.shape == (64,)
        assert 0.15 < hidden.mean() < 0.7


def test_denoising_holds_t10_and_t11(tmp_path: Path) -> None:
    dataset = checked_run("denoising", tmp_path, 4, noise_std=(0.1,), size=48, samples=1000, proxies=2, bm3d=0)
    assert float(dataset["proxy_gap"].max()) < 1e-9
    found = estimate(dataset["risk_ratio"], level=1 - ALPHA / 6)
    assert bool(((found["low"] <= 1.0) & (found["high"] >= 1.0)).all())
    gain = dataset["psnr"].sel(denoiser="linear flow") - dataset["psnr"].sel(denoiser="noisy")
    assert float(gain.min()) > 2.0
    assert bool(dataset["psnr"].sel(denoiser="BM3D").isnull().all())


def test_a_wrong_t11_is_noticed() -> None:
    """The twin: the noise level of the prediction off by a tenth."""
    flow, rng = denoising.patch_flow(), np.random.default_rng(0)
    x = flow.sample((8, 1000), rng)
    x_hat = lf.map_estimate(flow, lf.measurement.identity(64), x + 0.1 * rng.standard_normal(x.shape), noise_std=0.1)
    risks = np.mean(np.sum((x_hat - x) ** 2, axis=-1), axis=-1)
    half = 8.0 * risks.std(ddof=1) / np.sqrt(8)  # Student's t with 7 degrees of freedom passes 8 once in 1e4
    assert abs(risks.mean() - denoising.predicted(flow, 0.1)[0]) < half
    assert abs(risks.mean() - denoising.predicted(flow, 0.11)[0]) > half


def test_wiener_filter_is_the_closed_form_on_one_patch() -> None:
    """An image of one patch's size is that patch, and nothing is averaged."""
    flow, s2 = denoising.patch_flow(), 0.1**2
    noisy = np.random.default_rng(0).random((8, 8))
    expected = flow.mean + flow.covariance @ np.linalg.solve(flow.covariance + s2 * np.eye(64), noisy.ravel() - flow.mean)
    np.testing.assert_allclose(denoising.denoise_flow(noisy, 0.1).ravel(), expected, atol=1e-10)


def test_bm3d_runs_on_unclipped_input() -> None:
    pytest.importorskip("bm3d", reason="the extra bm3d is not installed")
    clean = denoising.photograph("coins", 48)
    noisy = clean + 0.1 * np.random.default_rng(0).standard_normal(clean.shape)
    restored = denoising.restorations(denoising.problem_of(noisy, 0.1), 48, has_bm3d=True)["BM3D"]
    assert denoising.psnr(restored, clean) > denoising.psnr(noisy, clean) + 3.0


@pytest.mark.parametrize("pm", [inpainting._pm, denoising._pm], ids=["inpainting", "denoising"])
def test_tables_give_the_standard_error_of_the_mean(pm: Any) -> None:
    blocks = np.array([1.0, 4.0, 2.0, 7.0, 5.0])
    # A block that failed counts for nothing.
    written = pm(xr.DataArray([*blocks, np.nan], dims="block"), 6)
    mean, error = (float(word) for word in written.split(" ± "))
    assert mean == pytest.approx(blocks.mean(), abs=1e-6)
    assert error == pytest.approx(float(stats.sem(blocks)), abs=1e-6)


def test_calibration_is_a_t_test_over_blocks() -> None:
    rng = np.random.default_rng(3)
    level = np.array([0.5, 0.9])
    coverage = level[:, None] + 0.02 * rng.standard_normal((2, 12)) + np.array([[0.01], [0.0]])
    dims = ("law", "level", "block")
    both = np.stack([coverage, np.zeros_like(coverage)])  # real images, which need not be covered, count for nothing
    dataset = xr.Dataset({"coverage": (dims, both)}, coords={"law": ["model", "data"], "level": level})
    p_value, gap = inpainting.calibration(dataset)
    assert p_value == pytest.approx(2 * min(stats.ttest_1samp(coverage, level[:, None], axis=1).pvalue.ravel()), rel=1e-9)
    assert gap == pytest.approx(np.abs(coverage.mean(axis=1) - level).max(), rel=1e-12)


def test_paper_scale_follows_the_equivalent(tmp_path: Path) -> None:
    dataset = checked_run("paper-scale", tmp_path, 24, n=(384,), m_max=120)
    curves = paper_scale.curves_of(dataset)
    assert np.all(curves["smallest"] >= curves["T1 lower"] * (1 - 1e-12))
    drawn = dataset["error"].isel(n=0).transpose("block", ...).values
    assert np.allclose(curves["s.e."], stats.sem(drawn[:, 1:]) / paper_scale.spectrum_of(384, "").energy, rtol=1e-10)
    # The equivalent is asymptotic, hence 2 % beside the interval, and m from 20 on; T1's lower side must not pass.
    at = [20, 40, 80, 120]
    found = estimate(dataset["error"].isel(n=0, m=at), level=1 - ALPHA / len(at))
    for name, fits in (("equivalent", True), ("T1 lower", False)):
        value = curves[name][np.array(at) - 1] * paper_scale.spectrum_of(384, "").energy
        inside = (found["low"].values <= value * 1.02) & (value * 0.98 <= found["high"].values)
        assert bool(inside.all()) == fits


def test_paper_scale_takes_a_folder_of_images(tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for index in range(4):
        Image.fromarray(rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)).save(tmp_path / f"{index}.png")
    assert paper_scale.spectrum_of(200, str(tmp_path)).n == 8 * 8 * 3
