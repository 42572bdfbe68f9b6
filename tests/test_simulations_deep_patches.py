"""Denoising and inpainting by trained flows, run through the engine in tiny configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from linflow.errors import InputError
from linflow.experiments import entries
from simulations import deep_denoising, deep_inpainting
from tests.studies import check_outputs, small_run

#: Probability with which a statistical check here may fail although all is well.
ALPHA = 1e-3
pytestmark = pytest.mark.usefixtures("trained_models")


def checked_run(name: str, folder: Path, blocks: int, **changes: Any) -> xr.Dataset:
    """A small run whose figures, table and reading come out too."""
    study, dataset = small_run(name, folder, blocks, **changes)
    check_outputs(study, dataset)
    return dataset


def better(gains: xr.DataArray) -> bool:
    """Whether the mean over blocks is positive beyond chance."""
    return bool(stats.ttest_1samp(gains.values.ravel(), 0.0, alternative="greater").pvalue < ALPHA)


def test_the_linear_patch_filter_denoises_and_bm3d_is_left_out(tmp_path: Path) -> None:
    options: dict[str, Any] = {"case": ("photographs",), "noise_std": (0.1,), "size": 48, "steps": 20, "stride": 4}
    dataset = checked_run("deep-denoising", tmp_path, 9, bm3d=0, **options)
    found = dataset["psnr"].isel(case=0, noise_std=0)
    for name in ("linear patches", "flow patches", "non-local means"):
        assert better(found.sel(estimator=name) - found.sel(estimator="noisy"))
        # The twin: nobody gains that much.
        assert not better(found.sel(estimator=name) - found.sel(estimator="noisy") - 15.0)
    assert bool(found.sel(estimator=["BM3D", "BM3D, clipped input"]).isnull().all())
    # What is shown is what was measured.
    shown = dataset.isel(case=0, noise_std=0)
    for name, value in zip(deep_denoising.METHODS, found.sel(block=0).values, strict=True):
        picture = entries(shown["restored"].sel(estimator=name))
        assert bool(np.isnan(value)) == (picture.size == 0)
        assert not picture.size or deep_denoising.psnr(picture, entries(shown["original"])) == value


def test_a_trained_flow_beats_its_linear_part_on_digits(tmp_path: Path) -> None:
    options: dict[str, Any] = {"case": ("digits",), "noise_std": (0.2,), "steps": 150}
    dataset = checked_run("deep-denoising", tmp_path, 28, **options)
    found = dataset["psnr"].isel(case=0, noise_std=0)
    assert better(found.sel(estimator="flow patches") - found.sel(estimator="linear patches"))
    assert bool(found.sel(estimator="BM3D").isnull().all())  # 8 x 8 pixels hold one block


def test_scattered_pixels_of_digits_are_completed(tmp_path: Path) -> None:
    options: dict[str, Any] = {"case": ("digits",), "mask": ("random",), "steps": 250, "images": 20}
    dataset = checked_run("deep-inpainting", tmp_path, 12, **options)
    found = dataset["psnr"].isel(case=0).sel(mask="random")
    assert better(found.sel(estimator="linear") - found.sel(estimator="biharmonic"))
    assert better(found.sel(estimator="flow") - found.sel(estimator="linear"))
    assert bool((dataset["hidden"] == 0.5).all())


def test_larger_images_are_completed_by_splitting(tmp_path: Path) -> None:
    options: dict[str, Any] = {"case": ("photographs",), "mask": ("random",), "steps": 20, "rounds": 6}
    dataset = checked_run("deep-inpainting", tmp_path, 3, **options)
    found = dataset["psnr"].isel(case=0, mask=0)
    # The splitting starts at the biharmonic image, and even a hardly trained flow must not spoil it.
    assert float((found.sel(estimator="flow") - found.sel(estimator="biharmonic")).min()) > -3.0
    assert np.isfinite(found.values).all()
    # What is shown is what was measured, on one image a block.
    shown = dataset.isel(case=0, mask=0)
    original, hidden = entries(shown["original"]), entries(shown["unseen"]) > 0
    for name in deep_inpainting.METHODS:
        picture, values = entries(shown["completed"].sel(estimator=name)), shown.sel(estimator=name, block=0)
        assert deep_inpainting.psnr(picture[hidden], original[hidden]) == pytest.approx(float(values["psnr"]), rel=1e-12)
        assert deep_inpainting.psnr(picture, original) == pytest.approx(float(values["psnr_image"]), rel=1e-12)


@pytest.mark.parametrize("side", [8, 64])
@pytest.mark.parametrize("mask", deep_inpainting.MASKS)
def test_masks_hide_some_pixels_and_leave_others(mask: str, side: int) -> None:
    hidden = deep_inpainting.hidden_pixels(mask, side, np.random.default_rng(0))
    assert hidden.shape == (side, side)
    assert 0.05 < hidden.mean() < 0.7
    if mask == "centre box":
        assert hidden.sum() == {8: 2**2, 64: 19**2}[side]  # the published one: 30 % of the side


@pytest.mark.parametrize("case", ["digits", "photographs"])
def test_test_images_are_not_training_images(case: str) -> None:
    train, test = deep_denoising.images_of(case, 64)
    assert train.shape[1:] == test.shape[1:]
    assert min(np.abs(train - image).max(axis=(1, 2, 3)).min() for image in test) > 0


@pytest.mark.parametrize("module", [deep_denoising, deep_inpainting])
def test_one_folder_is_not_enough(module: Any) -> None:
    with pytest.raises(InputError, match="--ood"):
        module.EXPERIMENT.folders("somewhere", "")


@pytest.mark.parametrize("pm", [deep_denoising._pm, deep_inpainting._pm])
def test_tables_give_the_standard_error_of_the_mean(pm: Any) -> None:
    blocks = np.array([1.0, 4.0, 2.0, 7.0, 5.0])
    mean, error = (float(word) for word in pm(xr.DataArray([*blocks, np.nan], dims="block")).split(" ± "))
    assert mean == pytest.approx(blocks.mean(), abs=0.005)
    assert error == pytest.approx(float(stats.sem(blocks)), abs=0.005)
    assert pm(xr.DataArray([np.nan, 1.0], dims="block")) == "-"
