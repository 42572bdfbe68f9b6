"""The deep experiments on compressed sensing, run through the engine with tiny models: they run, and their claims hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import linflow as lf
from linflow.experiments import entries, estimate, load, run
from simulations import deep_ood, deep_sample_complexity, deep_starts_and_penalties
from tests.studies import check_outputs, small_run

if TYPE_CHECKING:
    pass

#: Probability with which the statistical check of T9 would fail on other seeds although all is well.
ALPHA = 1e-3
pytestmark = pytest.mark.usefixtures("trained_models")
NAMES = ["deep-sample-complexity", "deep-ood", "deep-starts-and-penalties"]


def test_training_is_what_beats_the_linear_flow(tmp_path: Path) -> None:
    tiny: dict[str, Any] = {
        "m": (32,),
        "images": 6,
        "gan_steps": 20,
        "patch_steps": 20,
        "rounds": 10,
        "restarts": 2,
        "gan_search": 10,
        "parts": 4,
    }
    study, dataset = small_run("deep-sample-complexity", tmp_path, 4, flow_steps=200, **tiny)
    assert len(check_outputs(study, dataset)) == 2
    gain = deep_sample_complexity.gains(dataset, deep_sample_complexity.LINEAR)
    assert float(gain["low"].min()) > 0.3
    assert float(deep_sample_complexity.gains(dataset, deep_sample_complexity.DCT)["low"].min()) > 3.0
    # Twin: one step of training is the linear flow.
    tiny |= {"prior": (deep_sample_complexity.FLOW, deep_sample_complexity.LINEAR)}
    _, untrained = small_run("deep-sample-complexity", tmp_path / "untrained", 2, flow_steps=1, **tiny)
    assert abs(deep_sample_complexity.gains(untrained, deep_sample_complexity.LINEAR)["mean"]).max() < 0.05
    # What is shown is what was measured: of all images of block 0, which are six.
    shown = dataset.isel(case=0, m=0)
    truth = entries(shown["truth"])
    assert len(truth) == tiny["images"] == deep_sample_complexity.SHOWN
    for name, value in zip(shown["prior"].values.tolist(), shown["psnr"].sel(block=0).values, strict=True):
        errors = np.mean((np.clip(entries(shown["reconstruction"].sel(prior=name)), 0, 1) - truth) ** 2, axis=(1, 2, 3))
        assert np.mean(deep_sample_complexity.decibels(errors)) == pytest.approx(value, rel=1e-12)
    # The rival is better with its mean handled than as published.
    psnr = dataset["psnr"].mean("block").isel(case=0, m=0)
    assert float(psnr.sel(prior=deep_sample_complexity.DCT)) > float(psnr.sel(prior=deep_sample_complexity.PUBLISHED)) + 1


def test_the_flow_reaches_every_image_and_the_gan_does_not(tmp_path: Path) -> None:
    tiny = {"pair": (deep_ood.DIGITS,), "share": (0.5,), "images": 4, "parts": 3, "restarts": 2, "gan_search": 20}
    study, dataset = small_run("deep-ood", tmp_path, 3, flow_steps=100, gan_steps=100, **tiny)
    assert len(check_outputs(study, dataset)) == 1
    reach = dataset["reach"].mean("block")
    assert float(reach.sel(model=deep_ood.FLOW).min()) > 90.0
    for name in (deep_ood.GAN, deep_ood.RANK):
        assert float(reach.sel(model=name).max()) < 40.0
    words = "still linear"
    assert words not in deep_ood.reading(dataset)
    same = dataset.copy(deep=True)
    same["psnr"].loc[{"prior": deep_ood.FLOW}] = same["psnr"].sel(prior=deep_ood.LINEAR).values
    assert words in deep_ood.reading(same)


def test_starts_follow_t9_and_a_null_space_start_stays(tmp_path: Path) -> None:
    tiny = {"m": (24,), "tau": (0.0, 3.0), "gamma": (0.0, 1e-3), "flow_steps": 60, "parts": 6}
    study, dataset = small_run("deep-starts-and-penalties", tmp_path, 6, images=4, search=8, **tiny)
    assert len(check_outputs(study, dataset)) == 1
    experiment = deep_starts_and_penalties
    gap = dataset["norms"].sel(flow=experiment.LINEAR) - dataset["expected"]
    found = estimate(gap, level=1 - ALPHA / 3)
    room = 1e-12
    assert bool(((found["low"] <= room) & (found["high"] >= -room)).all())
    # Twin: a start that costs nothing.
    wrong = estimate(dataset["norms"].sel(flow=experiment.LINEAR) - dataset["expected"].sel(tau=0.0), level=1 - ALPHA / 3)
    assert not bool(((wrong["low"] <= room) & (wrong["high"] >= -room)).all())
    moved = dataset["penalties"].sel(flow=experiment.DEEP, start=experiment.MOVED)
    assert np.allclose(moved.sel(gamma=0.0), experiment.MOVE**2, rtol=1e-3)
    # Twin: with a penalty it does not stay.
    assert not np.allclose(moved.sel(gamma=1e-3), experiment.MOVE**2, rtol=1e-3)
    # A far start costs the deep flow too.
    assert float(experiment.loss(dataset, experiment.DEEP).sel(tau=3.0).mean()) > 1.0


@pytest.mark.parametrize("name", NAMES)
def test_files_say_what_they_are(name: str) -> None:
    study = load(name)
    assert study.experiment.name == name
    assert study.experiment.blocks >= 8
    assert study.experiment.quick


def test_test_images_are_not_training_images() -> None:
    data, pair = deep_sample_complexity.data_of("digits", 8), deep_ood.pair_of(deep_ood.DIGITS, 8)
    parts = [data.training, data.validation, data.test], [pair.training, pair.validation, *pair.images.values()]
    for whole in parts:
        rows = np.concatenate(whole)
        assert len(rows) == 1797
        assert len(np.unique(rows, axis=0)) == len(np.unique(lf.data.digits(), axis=0))


def test_a_missing_folder_is_one_sentence() -> None:
    with pytest.raises(lf.InputError, match="--data"):
        deep_ood.two_folders("faces", "")
    with pytest.raises(lf.InputError, match="--data"):
        deep_sample_complexity.folders("", "birds")
    with pytest.raises(lf.InputError, match="no --ood"):
        deep_starts_and_penalties.one_folder("faces", "birds")


def test_folders_of_images_with_noise_and_some_of_the_methods(tmp_path: Path) -> None:
    from skimage import data
    from skimage.io import imsave

    for name, photograph in (("own", data.astronaut()), ("other", data.coffee())):
        (tmp_path / name).mkdir()
        for i in range(24):
            imsave(
                tmp_path / name / f"{i:02}.png", photograph[8 * i : 8 * i + 64, 16 * i : 16 * i + 64], check_contrast=False
            )
    study = load("deep-sample-complexity")
    experiment = deep_sample_complexity
    changes = experiment.folders(str(tmp_path / "own"), str(tmp_path / "other")) | {"size": 16, "noise": 0.5, "m": (100,)}
    names = (experiment.LINEAR, experiment.PATCHES, experiment.LINEAR_PATCHES, experiment.PUBLISHED)
    changes |= {"prior": names, "patch_steps": 30, "rounds": 5, "images": 2, "blocks": 2}
    dataset = run(study.experiment, out=tmp_path / "out", workers=1, changes=changes)
    assert dataset.attrs["n_failed"] == 0, dataset.get("error_text")
    assert len(check_outputs(study, dataset)) == 2
    told = experiment.reading(dataset)
    assert "against its linear control (linear patches) the flow patches" in told
    assert "deep flow" not in told
    with pytest.raises(lf.InputError, match="keep it in --set prior"):
        experiment.names_of(dataset.sel(prior=[experiment.PATCHES]))
    parts = experiment.data_of(changes["case"][0], 16)
    assert len(parts.test) == 24, "with a second folder no image of the first is kept for testing"
    assert len(parts.training) + len(parts.validation) == 24
