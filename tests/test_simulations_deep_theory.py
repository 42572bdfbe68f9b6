"""The linear theory of a deep flow, and its likelihood as a proxy: tiny runs through the engine, their claims and twins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from linflow.experiments import estimate
from simulations import deep_likelihood_proxy, linearised_theory
from tests.studies import check_outputs, small_run

if TYPE_CHECKING:
    pass


#: Probability with which a statistical check here may fail although all is well.
ALPHA = 1e-5
STEPS = 150
pytestmark = pytest.mark.usefixtures("trained_models")


def holds(values: Any, theory: Any) -> bool:
    """Whether every `theory` lies in the interval of the mean of `values` over blocks, at ALPHA in all."""
    theory = np.asarray(theory)
    interval = estimate(values, level=1 - ALPHA / theory.size)
    return bool(np.all((interval["low"].values <= theory) & (theory <= interval["high"].values)))


def test_linearised_theory(tmp_path: Path) -> None:
    kinds = (linearised_theory.SAMPLES, linearised_theory.HELD_OUT)
    changes: dict[str, Any] = {"signals": kinds, "fraction": (0.25, 0.75), "images": 4, "steps": 15, "training": STEPS}
    study, dataset = small_run("linearised-theory", tmp_path, 6, **changes)
    assert list(check_outputs(study, dataset)) == [""]
    own = dataset.sel(case="digits", signals=linearised_theory.SAMPLES)
    # The linear model's own theory, and a twin: that of the other m.
    assert holds(own["linear"] / own["linear_theory"], np.ones(2))
    assert not holds(own["linear"] / own["linear_theory"].values[::-1], np.ones(2))
    # First order is near the error of the smallest latent; twin: that of the other m is not.
    ratio = (own["latent"] / own["latent_first_order"]).mean("block")
    assert bool(((ratio > 0.6) & (ratio < 1.7)).all())
    swapped = (own["latent"] / own["latent_first_order"].values[::-1]).mean("block")
    assert not bool(((swapped > 0.6) & (swapped < 1.7)).any())
    # Shannon's bound, and a twin: that of a flow with one nat a dimension more of volume.
    measured = np.minimum(own["latent"].mean("block"), own["signal"].mean("block"))
    bound = own["entropy_bound"].mean("block")
    assert bool((bound < measured).all())
    assert not bool((bound * np.exp(2.0 / (1 - bound["fraction"])) < measured).any())
    # Poincare's inequality and that of entropy; twins: in the other direction.
    energy, volume = estimate(own["energy"].mean("fraction")), estimate(own["volume"].mean("fraction"))
    scale, most = float(own["scale"].mean()), float(own["global_volume"].mean())
    assert float(energy["high"]) > scale
    assert float(volume["low"]) < most
    assert not float(volume["high"]) > most
    # The local theory is averaged over A, and the linearisation is not: the same mean, each image's own.
    assert dataset["measured"].shape == dataset["predicted"].shape == (1, 2, 2, 6, 4)
    assert bool((linearised_theory.rank_correlation(own).mean("block") > 0).all())


def test_rank_correlation_is_spearmans(tmp_path: Path) -> None:
    import xarray as xr
    from scipy import stats

    x = np.random.default_rng(0).standard_normal((3, 20))
    y = x + np.random.default_rng(1).standard_normal((3, 20))
    part = xr.Dataset({"measured": (("block", "image"), x), "predicted": (("block", "image"), np.exp(y))})
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(linearised_theory.rank_correlation(part), expected, rtol=1e-12)
    dims = ("block", "group", "sample")
    both = xr.Dataset({"latent": (dims, x[:, None]), "signal": (dims, np.exp(y)[:, None])}, coords={"group": ["one"]})
    found = deep_likelihood_proxy.correlations(both)
    np.testing.assert_allclose(found["within"].values.ravel(), expected, rtol=1e-12)
    np.testing.assert_allclose(found["across"], expected, rtol=1e-12)


def test_deep_likelihood_proxy(tmp_path: Path) -> None:
    changes = {"signals": 60, "jacobians": 4, "training": STEPS, "distance": (0.5, 4.0)}
    study, dataset = small_run("deep-likelihood-proxy", tmp_path, 6, **changes)
    assert list(check_outputs(study, dataset)) == [""]
    linear = dataset.sel(case="digits", model=deep_likelihood_proxy.LINEAR)
    deep = dataset.sel(case="digits", model=deep_likelihood_proxy.DEEP)
    # T10: for the linear part the two differ by a constant, and rank alike; twin: a deep flow's do not.
    for part, exact in ((linear, True), (deep, False)):
        gap = part["signal"] - part["latent"]
        assert bool((gap.std() < 1e-6).all()) == exact
        ranks = deep_likelihood_proxy.correlations(part)
        assert bool((ranks["within"] > 1 - 1e-9).all()) == exact
        assert bool((ranks["across"] > 1 - 1e-9).all()) == exact
    # The linear part moves the image by |d|^2 energy / n in isotropic directions; twin: by |d| energy / n.
    moved = linear["moved"].sel(direction=deep_likelihood_proxy.ISOTROPIC) / linear["energy"]
    assert holds(moved, linear["distance"].values ** 2)
    assert not holds(moved, linear["distance"].values)


def test_directions_are_what_they_are_called() -> None:
    rng = np.random.default_rng(0)
    z, others = rng.standard_normal((2, 4000, 9))
    found = {kind: deep_likelihood_proxy.directions(kind, z, others, rng) for kind in deep_likelihood_proxy.DIRECTIONS}
    for steps in found.values():
        np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 1.0)
    isotropic = found[deep_likelihood_proxy.ISOTROPIC]
    np.testing.assert_allclose(isotropic.T @ isotropic / 4000, np.eye(9) / 9, atol=0.02)
    published = found[deep_likelihood_proxy.PUBLISHED]
    assert published.min() >= 0
    # Twin: non-negative directions are not isotropic, they share most of their length.
    assert np.linalg.norm(published.mean(axis=0)) > 0.8
    natural = found[deep_likelihood_proxy.NATURAL]
    np.testing.assert_allclose(natural * np.linalg.norm(others - z, axis=1)[:, None], others - z)


def test_samples_lie_where_the_flow_puts_them() -> None:
    model = linearised_theory.model_of("digits", STEPS, 8)
    rng = np.random.default_rng(0)
    linear, variances = model.linear(linearised_theory.SAMPLES)
    np.testing.assert_allclose(linear.covariance, model.covariance, atol=1e-9)
    np.testing.assert_allclose(variances.sum(), np.trace(model.covariance))
    z = model.latents(linearised_theory.HELD_OUT, 5, rng)
    images = model.images[linearised_theory.HELD_OUT]
    x = model.flow.forward(z).numpy()
    assert np.max(np.min(np.abs(x[:, None] - images[None]).max(axis=2), axis=1)) < 1e-9
    # No held-out image was trained on.
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(model.latents(linearised_theory.SAMPLES, 5, rng), z)


@pytest.mark.parametrize("module", [linearised_theory, deep_likelihood_proxy], ids=["theory", "proxy"])
def test_folders_name_the_case(module: Any) -> None:
    folders = module.EXPERIMENT.folders
    assert folders("/a/faces", "")["case"] == ("/a/faces",)
    assert folders("/a/faces", "/b/birds")["case"] == ("/a/faces / /b/birds",)
    assert module._short("/a/faces / /b/birds/") == "faces / birds"
