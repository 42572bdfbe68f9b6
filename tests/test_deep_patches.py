"""The flow of patches as a denoiser, and splitting around it: exact for a linear flow, and what a trained one must keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import linflow as lf
from linflow.deep import Glow, RealNVP, denoise, denoise_once, split
from linflow.deep.patches import linear_control, tweedie
from linflow.errors import InputError, ShapeError
from linflow.measurement import as_dense

SIZE = 4
SHAPE = (11, 9, 3)


def untrained(channels: int = 3) -> Glow:
    rng = np.random.default_rng(0)
    n = SIZE * SIZE * channels
    patches = 0.5 + 0.1 * rng.standard_normal((500, n)) @ rng.standard_normal((n, n)) / 4
    return Glow(lf.LinearFlow.fit(patches), (SIZE, SIZE, channels), steps=2, width=8, levels=1, conditional=True)


def moved(seed: int = 0) -> Glow:
    """A flow away from its linear start, in float64."""
    flow = untrained().double()
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return flow


def images(count: int = 2) -> np.ndarray:
    return np.random.default_rng(1).random((count, *SHAPE))


def test_an_untrained_flow_is_the_wiener_filter_of_every_patch_averaged() -> None:
    flow, x = untrained(), images(1)[0]
    total, count = np.zeros(SHAPE), np.zeros((*SHAPE[:2], 1))
    gain = flow.linear.covariance @ np.linalg.inv(flow.linear.covariance + 0.1**2 * np.eye(flow.n))
    for i in range(SHAPE[0] - SIZE + 1):
        for j in range(SHAPE[1] - SIZE + 1):
            patch = x[i : i + SIZE, j : j + SIZE].ravel()
            found = flow.linear.mean + gain @ (patch - flow.linear.mean)
            total[i : i + SIZE, j : j + SIZE] += found.reshape(SIZE, SIZE, 3)
            count[i : i + SIZE, j : j + SIZE] += 1
    np.testing.assert_allclose(denoise_once(flow, x, 0.1), total / count, atol=1e-5)
    # The twin: another noise level is another filter.
    assert np.abs(denoise_once(flow, x, 0.12) - total / count).max() > 1e-3


def test_tweedie_is_the_slope_of_the_density() -> None:
    """By central differences, on a flow that is not linear."""
    flow, s, h = moved(), 0.1, 1e-5
    y = images(1)[0, :SIZE, :SIZE].reshape(1, -1)
    steps = h * np.eye(flow.n)
    with torch.no_grad():
        slopes = (flow.log_prob(y + steps, s) - flow.log_prob(y - steps, s)).numpy() / (2 * h)
    np.testing.assert_allclose(tweedie(flow, y, s)[0], y[0] + s**2 * slopes, atol=1e-7)
    linear = tweedie(linear_control(flow), y, s)
    assert np.abs(linear - tweedie(flow, y, s)).max() > 1e-3


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_every_pixel_is_covered_and_no_image_sees_another(stride: int) -> None:
    flow, x = moved(), images(3)
    together = denoise(flow, x, 0.1, stride=stride)
    assert together.shape == x.shape
    assert np.isfinite(together).all()
    for one, alone in zip(together, x, strict=True):
        np.testing.assert_array_equal(denoise(flow, alone, 0.1, stride=stride), one)


def test_the_flow_is_handed_back_as_it_was() -> None:
    flow = moved().train()
    denoise_once(flow, images(1), 0.1)
    assert flow.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in flow.parameters())


@pytest.mark.parametrize("kind", ["dense", "pixels", "dct", "dense, dependent rows"])
def test_the_data_step_is_the_minimiser(kind: str) -> None:
    """With one round the result is argmin |A x - y|^2 / s^2 + |x - z|^2 / level^2, here by its normal equations."""
    flow, rng, n, noise_std, level = moved(), np.random.default_rng(2), int(np.prod(SHAPE)), 0.05, 0.1
    if kind == "pixels":
        A = lf.measurement.random_rows(40, n, rng)
    elif kind == "dct":
        A = lf.measurement.subsampled_dct(40, n, rng)
    else:
        A = rng.standard_normal((40, n))
        if kind != "dense":
            A[1] = A[0]
    dense, start = as_dense(A), images(2).reshape(2, n)
    y = rng.standard_normal((2, 40))
    if kind == "dense, dependent rows":
        y[:, 1] = y[:, 0]
    found = split(flow, A, y, shape=SHAPE, start=start, noise_std=noise_std, levels=(level, level), rounds=1, stride=1)
    z = denoise_once(flow, start.reshape(2, *SHAPE), level).reshape(2, n)
    normal = dense.T @ dense / noise_std**2 + np.eye(n) / level**2
    expected = np.linalg.solve(normal, (y @ dense / noise_std**2 + z / level**2).T).T
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_between_rounds_the_step_towards_the_measurements_is_over_relaxed() -> None:
    """Two rounds by hand: x = z + 1.5 (A^+ y - A^+ A z) between them, and the whole step, no more, at the end."""
    flow, rng, n = moved(), np.random.default_rng(5), int(np.prod(SHAPE))
    A, start = rng.standard_normal((40, n)), images(1).reshape(1, n)
    y = rng.standard_normal((1, 40))
    options: dict[str, Any] = {"shape": SHAPE, "start": start, "levels": (0.1, 0.05), "stride": 1, "bounds": None}
    found = split(flow, A, y, rounds=2, relaxation=1.5, **options)
    inverse = np.linalg.pinv(A)
    z = denoise_once(flow, start.reshape(1, *SHAPE), 0.1).reshape(1, n)
    x = z + 1.5 * (y - z @ A.T) @ inverse.T
    z = denoise_once(flow, x.reshape(1, *SHAPE), 0.05).reshape(1, n)
    np.testing.assert_allclose(found, z + (y - z @ A.T) @ inverse.T, atol=1e-7)
    assert np.abs(found - split(flow, A, y, rounds=2, relaxation=1.0, **options)).max() > 1e-3


def test_over_relaxation_comes_nearer_in_as_many_rounds() -> None:
    """Photographs under the Wiener filter of patches, a quarter measured; mean over images, by four standard errors."""
    linear = lf.LinearFlow.fit(lf.data.natural_patches(4, count=2000))
    flow, x = Glow(linear, (4, 4, 1), steps=1, width=1, levels=1, conditional=True), lf.data.natural_patches(16, count=12)
    A = lf.measurement.gaussian(64, 256, np.random.default_rng(6))
    options: dict[str, Any] = {"shape": (16, 16, 1), "rounds": 15, "stride": 2}
    plain, relaxed = (
        np.sum((split(flow, A, x @ A.T, relaxation=length, **options) - x) ** 2, axis=1) for length in (1.0, 1.8)
    )
    gains = np.log(plain / relaxed)
    assert gains.mean() > 4 * gains.std(ddof=1) / np.sqrt(len(gains))


def test_without_noise_the_measurements_are_kept() -> None:
    flow, rng = moved(), np.random.default_rng(3)
    A = rng.standard_normal((60, int(np.prod(SHAPE))))
    y = images(2).reshape(2, -1) @ A.T
    found = split(flow, A, y, shape=SHAPE, rounds=3)
    np.testing.assert_allclose(found @ A.T, y, atol=1e-9)
    alone = split(flow, A, y[1], shape=SHAPE, rounds=3)
    np.testing.assert_allclose(alone, found[1], atol=1e-10)


def test_splitting_improves_on_its_start() -> None:
    """Signals of the flow's own law, tiled: patches the prior knows."""
    flow, rng = untrained(), np.random.default_rng(4)
    x = flow.linear.sample(4, rng).reshape(2, 2, SIZE, SIZE, 3).swapaxes(1, 2).reshape(2 * SIZE, 2 * SIZE, 3)
    A = lf.measurement.gaussian(100, x.size, rng)
    y = A @ x.ravel()
    found = split(flow, A, y, shape=x.shape, rounds=20)
    first = split(flow, A, y, shape=x.shape, rounds=1, levels=(1e-6, 1e-6))  # the start, which no filter has touched
    assert np.sum((found - x.ravel()) ** 2) < 0.8 * np.sum((first - x.ravel()) ** 2)


def test_bad_input_gets_one_sentence() -> None:
    flow, x = untrained(), images(1)
    n = int(np.prod(SHAPE))
    A, y = np.eye(n)[:5], np.zeros(5)
    plain = RealNVP(lf.LinearFlow.from_matrix(np.eye(4)), steps=1, width=4)
    calls: list[tuple[type[Exception], Callable[[], object]]] = [
        (InputError, lambda: denoise_once(plain, x, 0.1)),
        (InputError, lambda: denoise_once(flow, x, 0.0)),
        (InputError, lambda: denoise_once(flow, x, np.nan)),
        (InputError, lambda: denoise_once(flow, x, 0.1, stride=SIZE + 1)),
        (InputError, lambda: denoise_once(flow, np.full(SHAPE, np.nan), 0.1)),
        (InputError, lambda: denoise(flow, x, 0.1, schedule=())),
        (ShapeError, lambda: denoise_once(flow, x[..., :1], 0.1)),
        (ShapeError, lambda: denoise_once(flow, x[:, :3], 0.1)),
        (ShapeError, lambda: split(flow, A, np.zeros(6), shape=SHAPE)),
        (ShapeError, lambda: split(flow, A, y, shape=(n, 1, 1))),
        (ShapeError, lambda: split(flow, A, y, shape=SHAPE, start=np.zeros(3))),
        (InputError, lambda: split(flow, A, y, shape=SHAPE, levels=(0.01, 0.1))),
        (InputError, lambda: split(flow, A, y, shape=SHAPE, noise_std=-1.0)),
        (InputError, lambda: split(flow, A, y, shape=SHAPE, relaxation=2.0)),
    ]
    for error, call in calls:
        with pytest.raises(error) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_denoiser_that_runs_away_is_held_in_the_range_of_a_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far from its training images the slope of a flow's log-density can have any size."""
    flow, x = linear_control(moved()), images(2)
    A = np.random.default_rng(0).standard_normal((x[0].size // 2, x[0].size))
    y = x.reshape(2, -1) @ A.T
    monkeypatch.setattr("linflow.deep.patches.tweedie", lambda flow, patches, noise_std: 1e3 * patches)
    held = split(flow, A, y, shape=x.shape[1:], rounds=40, stride=1)
    assert np.abs(held).max() < 100
    assert np.abs(denoise(flow, x, 0.1)).max() <= 1
    assert np.abs(split(flow, A, y, shape=x.shape[1:], rounds=40, stride=1, bounds=None)).max() > 1e20


def test_bounds_that_leave_the_images_out_are_refused() -> None:
    with pytest.raises(InputError, match="bounds must hold the values of the images"):
        denoise(moved(), images(1), 0.1, bounds=(2.0, 3.0))
