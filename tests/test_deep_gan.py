"""The GAN learns, repeats itself, and its solver finds latents that exist; a wrong solver or prior is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from linflow import data, deep
from linflow.deep.augment import shifts
from linflow.deep.deterministic import thread_count
from linflow.deep.gan import Generator
from linflow.errors import DataError, InputError, ShapeError

DIGITS = data.digits().reshape(-1, 8, 8, 1)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    """Threads of several test processes that wait for each other are many times slower than one thread each."""
    with thread_count(1):
        yield


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def nearest(samples: np.ndarray) -> float:
    """Mean distance from real digits to the nearest sample: small only if the samples cover them."""
    real = DIGITS[:200].reshape(200, -1)
    squared = (real**2).sum(1)[:, None] - 2 * real @ samples.T + (samples**2).sum(1)
    return float(np.sqrt(np.maximum(squared, 0.0).min(1)).mean())


@pytest.fixture(scope="module")
def made() -> Generator:
    return deep.fit_gan(DIGITS, steps=400, latent=10, width=32)


def test_samples_of_a_trained_gan_are_nearer_to_digits(made: Generator) -> None:
    rng = np.random.default_rng(0)
    untrained = deep.Generator((8, 8, 1), latent=10, width=32).eval()
    learnt, before = (nearest(g.sample(500, rng).numpy()) for g in (made, untrained))
    mean = nearest(DIGITS.reshape(len(DIGITS), -1).mean(0)[None])  # a collapsed generator
    assert learnt < 0.9 * mean
    assert learnt < 0.7 * before


def test_csgm_finds_a_latent_that_exists(made: Generator) -> None:
    rng = np.random.default_rng(1)
    x = made.sample(4, rng).numpy()
    A = rng.standard_normal((30, 64)) / np.sqrt(30)
    found = deep.csgm(made, A, x @ A.T, rng=rng, restarts=10)
    assert found.x.shape == (4, 64)
    assert found.z.shape == (4, 10)
    assert np.all(found.objective < 1e-3 * np.sum((x @ A.T) ** 2, axis=1))
    np.testing.assert_allclose(made(found.z).detach().numpy(), found.x, atol=1e-6)
    far = deep.csgm(made, A, x @ A.T, rng=rng, restarts=1, steps=1)  # a solver that does not search
    assert np.all(far.objective > found.objective)


def test_an_image_outside_the_range_is_not_reached_however_much_is_measured(made: Generator) -> None:
    x = np.random.default_rng(2).random((2, 64))
    found = deep.csgm(made, np.eye(64), x, rng=np.random.default_rng(0), restarts=4)
    assert np.all(found.objective > 1.0)


def test_more_starts_are_never_worse_and_the_batch_does_not_matter(made: Generator) -> None:
    A = np.random.default_rng(3).standard_normal((16, 64)) / 4
    y = DIGITS[:3].reshape(3, -1) @ A.T
    one, many = (deep.csgm(made, A, y, rng=np.random.default_rng(0), restarts=k) for k in (1, 6))
    assert np.all(many.objective <= one.objective)
    alone = deep.csgm(made, A, y[1], rng=np.random.default_rng(0), restarts=6)
    np.testing.assert_allclose(alone.objective, many.objective[1], rtol=1e-3)


def test_a_penalty_shrinks_the_latent(made: Generator) -> None:
    A = np.eye(64)
    free, held = (
        deep.csgm(made, A, DIGITS[0].ravel(), rng=np.random.default_rng(0), penalty=p, restarts=3) for p in (0.0, 10.0)
    )
    assert np.linalg.norm(held.z) < 0.5 * np.linalg.norm(free.z)


def test_the_same_arguments_give_the_same_weights() -> None:
    weights: list[Generator] = []
    for seed in (0, 0, 1):
        torch.manual_seed(len(weights))
        weights.append(deep.fit_gan(DIGITS[:100], steps=5, seed=seed, batch=8, width=8))
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("linflow.deep.checkpoint.SECONDS", 0.0)  # after every step
    options: dict[str, Any] = {"steps": 60, "batch": 8, "width": 8, "latent": 4}
    path, told = tmp_path / "run.part", []

    def interrupted(done: float, line: str) -> None:
        told.append(done)
        if done > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deep.fit_gan(DIGITS[:100], checkpoint=path, progress=interrupted, **options)
    changes: list[dict[str, Any]] = [{"steps": 61}, {"seed": 1}, {"rate": 2e-3}, {"augment": shifts}]
    for change in changes:
        with pytest.raises(DataError, match="another run"):
            deep.fit_gan(DIGITS[:100], checkpoint=path, **{**options, **change})
    told.clear()
    resumed = deep.fit_gan(DIGITS[:100], checkpoint=path, progress=lambda done, _: told.append(done), **options)
    assert told[0] > 0.5, "it went on, and did not start again"
    assert same(resumed, deep.fit_gan(DIGITS[:100], **options))
    assert not path.exists()


def test_a_device_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(InputError, match="device 'quantum' cannot be used here"):
        deep.fit_gan(DIGITS[:100], steps=1, device="quantum")


def test_images_are_made_by_convolutions_in_the_flattening_of_the_flows() -> None:
    images = np.zeros((8, 16, 24, 1)) + np.linspace(0, 1, 24)[:, None]  # bright to the right
    made = deep.fit_gan(images, steps=60, latent=4, width=8, batch=8, rate=5e-3)
    mean = made.sample(16, np.random.default_rng(0)).numpy().mean(0).reshape(16, 24)
    assert mean[:, -6:].mean() > mean[:, :6].mean() + 0.2
    with pytest.raises(ShapeError, match="divisible by 8"):
        deep.fit_gan(np.zeros((4, 20, 20, 1)), steps=1)


def test_saved_and_loaded_bit_for_bit(made: Generator, tmp_path: Path) -> None:
    deep.save(made, tmp_path / "generator.pt")
    again = deep.load_generator(tmp_path / "generator.pt")
    assert same(made, again)
    assert not again.training
    with pytest.raises(DataError, match="holds no flow"):
        deep.load(tmp_path / "generator.pt")


def test_bad_input_is_one_sentence(made: Generator) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ShapeError, match="64 columns"):
        deep.csgm(made, np.eye(63), np.zeros(63), rng=rng)
    with pytest.raises(ShapeError, match=r"y must have shape \(\.\.\., 64\)"):
        deep.csgm(made, np.eye(64), np.zeros(63), rng=rng)
    with pytest.raises(InputError, match="penalty"):
        deep.csgm(made, np.eye(64), np.zeros(64), rng=rng, penalty=-1.0)
    with pytest.raises(InputError, match="restarts"):
        deep.csgm(made, np.eye(64), np.zeros(64), rng=rng, restarts=0)
    with pytest.raises(ShapeError, match=r"latents of shape \(\.\.\., 10\)"):
        made(np.zeros(64))
    with pytest.raises(InputError, match=r"values in \[0, 1\]"):
        deep.fit_gan(5 * DIGITS, steps=1)
