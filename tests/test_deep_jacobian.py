"""Jacobians of flows, and the linear theory at a latent: both against other algebra, each check with a twin that fails."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import linflow as lf
from linflow.deep import Glow, RealNVP
from linflow.deep.flow import Flow
from linflow.deep.jacobian import jacobian, singular_values, volume_slope
from linflow.deep.linearised import (
    ESTIMATORS,
    LATENT,
    SIGNAL,
    entropy_lower,
    linearise,
    smallest_latent,
)

#: Rounding of float64 networks of this size, with room.
ROUNDING = 1e-9
SHAPES = {"vector": (12,), "image": (4, 4, 1), "glow": (4, 4, 2)}


def flow_of(kind: str, *, bent: float = 0.3) -> Flow:
    """A small flow in float64; `bent` > 0 moves its weights away from the linear start."""
    shape = SHAPES[kind]
    rng = np.random.default_rng(0)
    n = int(np.prod(shape))
    linear = lf.LinearFlow.fit(rng.standard_normal((200, n)) * np.linspace(2.0, 0.2, n))
    if kind == "glow":
        flow: Flow = Glow(linear, (4, 4, 2), steps=2, width=8, levels=2)
    else:
        flow = RealNVP(linear, shape, steps=3, width=16, levels=2)
    flow.double().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in flow.body.named_parameters():
            if "network" in name:
                parameter.add_(bent * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return flow


def linear_flow(spectrum: lf.Spectrum) -> tuple[lf.LinearFlow, Flow]:
    linear = lf.LinearFlow.from_spectrum(spectrum, rng=np.random.default_rng(5))
    return linear, RealNVP(linear, steps=2, width=8).double()


@pytest.mark.parametrize("kind", SHAPES)
def test_volume_is_the_product_of_the_singular_values(kind: str) -> None:
    flow = flow_of(kind)
    z = np.random.default_rng(1).standard_normal((5, flow.n))
    volume = np.log(singular_values(flow, z)).sum(axis=-1)
    told = flow.log_det(z).detach().numpy()
    np.testing.assert_allclose(volume, told, atol=ROUNDING)
    assert np.ptp(told) > 0.1  # the flow is bent: its volume is not constant
    # Twin: the volume of the linear part, which an untrained flow has everywhere.
    assert np.abs(volume - flow.linear.log_det).max() > 0.1


@pytest.mark.parametrize("kind", SHAPES)
def test_jacobian_against_differences(kind: str) -> None:
    flow, step = flow_of(kind), 1e-5
    z = np.random.default_rng(2).standard_normal(flow.n)
    moves = step * np.eye(flow.n)
    with torch.no_grad():
        differences = (flow.forward(z + moves) - flow.forward(z - moves)).numpy().T / (2 * step)
        slopes = (flow.log_det(z + moves) - flow.log_det(z - moves)).numpy() / (2 * step)
    J = jacobian(flow, z)
    np.testing.assert_allclose(J, differences, atol=1e-7)
    np.testing.assert_allclose(volume_slope(flow, z), slopes, atol=1e-7)
    # Twin: the transpose.
    assert np.abs(J.T - differences).max() > 1e-2


def test_score_is_minus_the_pulled_back_latent() -> None:
    """``z + slope of log|det J| = -J^T grad log p(x)``, the identity that the theory of the most likely signal rests on."""
    flow = flow_of("vector")
    z = np.random.default_rng(3).standard_normal(flow.n)
    x = flow.forward(z).detach().requires_grad_(True)
    (score,) = torch.autograd.grad(flow.log_prob(x), x)
    pulled = -jacobian(flow, z).T @ score.numpy()
    np.testing.assert_allclose(pulled, z + volume_slope(flow, z), atol=1e-8)
    assert np.abs(pulled - z).max() > 0.05  # twin: without the slope


def test_batches_are_their_rows_and_leave_the_flow_as_it_was() -> None:
    flow = flow_of("vector").train()
    z = np.random.default_rng(4).standard_normal((2, 3, flow.n))
    J = jacobian(flow, z)
    assert J.shape == (2, 3, flow.n, flow.n)
    np.testing.assert_allclose(J[1, 2], jacobian(flow, z[1, 2]), atol=1e-12)
    np.testing.assert_allclose(J, jacobian(flow, z, rows=5), atol=1e-12)
    assert flow.training
    assert all(parameter.requires_grad for parameter in flow.body.parameters())


def test_bad_input_is_one_sentence() -> None:
    flow = flow_of("vector")
    with pytest.raises(lf.ShapeError, match=r"latents of shape \(\.\.\., 12\)"):
        jacobian(flow, np.zeros(3))
    with pytest.raises(lf.InputError, match="finite"):
        jacobian(flow, np.full(12, np.nan))
    with pytest.raises(lf.ShapeError, match=r"\(k, 12\)"):
        linearise(flow, np.zeros(12))
    with pytest.raises(lf.ShapeError, match=r"\(m, 12\)"):
        smallest_latent(flow, np.ones((2, 5)), np.ones((1, 2)))
    with pytest.raises(lf.ShapeError, match="covariance"):
        entropy_lower(np.eye(3), 0.0, np.ones((3, 3)))
    linear = lf.LinearFlow.from_matrix(np.eye(4))
    conditional = RealNVP(linear, steps=2, width=8, conditional=True)
    with pytest.raises(lf.InputError, match="conditional"):
        jacobian(conditional, np.zeros(4))
    with pytest.raises(lf.InputError, match="conditional"):
        smallest_latent(conditional, np.ones((2, 4)), np.ones((1, 2)))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_for_a_linear_flow_first_order_is_the_error_of_the_mle(estimator: str) -> None:
    linear, flow = linear_flow(lf.Spectrum.power_law(16, 0.7))
    rng = np.random.default_rng(6)
    z, A = rng.standard_normal((4, 16)), rng.standard_normal((6, 16))
    x = flow.forward(z).detach().numpy()
    error = np.sum((lf.mle(linear, A, x @ A.T) - x) ** 2, axis=1)
    found = linearise(flow, z).error(A, estimator)
    np.testing.assert_allclose(found, error, rtol=1e-8)
    # Twin: linearised at other latents.
    assert not np.allclose(linearise(flow, z[::-1].copy()).error(A, estimator), error, rtol=0.01)


def test_the_mean_over_measurements_is_that_of_the_latent_itself() -> None:
    """A flat spectrum, where the equivalent is exact: ``(1 - m/n) s^2 |z|^2``, and not the typical ``(n - m) s^2``."""
    _, flow = linear_flow(lf.Spectrum.flat(16, 0.5))
    rng = np.random.default_rng(7)
    z = 1.5 * rng.standard_normal((1, 16))
    local = linearise(flow, z)
    exact = (1 - 6 / 16) * 0.25 * np.sum(z**2)
    np.testing.assert_allclose(local.predicted(6), exact, rtol=1e-8)
    draws = np.array([local.error(rng.standard_normal((6, 16)))[0] for _ in range(400)])
    half = 5.0 * draws.std(ddof=1) / np.sqrt(draws.size)  # a normal mean leaves this once in two million
    assert abs(draws.mean() - exact) < half
    assert abs(draws.mean() - 10 * 0.25) > half  # twin


def test_the_equivalent_foretells_a_slightly_bent_flow_to_first_order() -> None:
    flow = flow_of("vector", bent=0.1)
    rng = np.random.default_rng(8)
    local = linearise(flow, rng.standard_normal((30, flow.n)))
    for estimator in (LATENT, SIGNAL):
        predicted = local.predicted(5, estimator).mean()
        ratio = [local.error(rng.standard_normal((5, flow.n)), estimator).mean() / predicted for _ in range(60)]
        # The equivalent of 12 dimensions and a spectrum over one decade is good to a tenth (steep ones are not).
        assert abs(np.mean(ratio) - 1) < 0.1 + 5 * np.std(ratio) / np.sqrt(60)
    assert not np.allclose(local.predicted(5, LATENT), local.predicted(5, SIGNAL), rtol=0.01)


def test_smallest_latent_is_the_mle_of_a_linear_flow() -> None:
    linear, flow = linear_flow(lf.Spectrum.power_law(16, 0.7))
    rng = np.random.default_rng(9)
    A = rng.standard_normal((6, 16))
    y = linear.sample(3, rng) @ A.T
    np.testing.assert_allclose(smallest_latent(flow, A, y), lf.mle(linear, A, y), atol=1e-9)


def test_smallest_latent_explains_and_is_stationary() -> None:
    flow = flow_of("vector", bent=0.1)
    rng = np.random.default_rng(10)
    z_0, A = rng.standard_normal((3, flow.n)), rng.standard_normal((5, flow.n))
    y = flow.forward(z_0).detach().numpy() @ A.T
    x = smallest_latent(flow, A, y, steps=200)
    np.testing.assert_allclose(x @ A.T, y, atol=1e-8)
    z = flow.inverse(x).detach().numpy()
    unseen = np.linalg.qr(A.T, mode="complete")[0][:, 5:]

    def slope(at: np.ndarray) -> float:
        """Of |z|^2/2 along what A does not see, relative to its size: zero at the solution."""
        back = np.linalg.solve(np.swapaxes(jacobian(flow, at), 1, 2), at[..., None])[..., 0]
        return float(np.max(np.linalg.norm(back @ unseen, axis=1) / np.linalg.norm(back, axis=1)))

    assert slope(z) < 1e-4
    assert slope(z_0) > 0.1  # twin: the truth, which explains y too
    assert np.all(np.linalg.norm(z, axis=1) < np.linalg.norm(z_0, axis=1))


def test_entropy_bound_lies_below_the_exact_error_of_a_gaussian() -> None:
    rng = np.random.default_rng(11)
    linear, _ = linear_flow(lf.Spectrum.power_law(16, 0.7))
    C, log_det = linear.covariance, linear.log_det
    for m in (1, 6, 15):
        A = rng.standard_normal((m, 16))
        unseen = C - C @ A.T @ np.linalg.solve(A @ C @ A.T, A @ C)
        bound, exact = entropy_lower(C, log_det, A), np.trace(unseen)
        # One unseen dimension has one variance, and the bound is attained.
        assert bound <= exact * (1 + 1e-9)
        assert m < 15 or bound == pytest.approx(exact)
        assert bound == pytest.approx(entropy_lower(C, log_det, 3.0 * A[::-1]))
        # Twin: a volume larger by half a nat a dimension.
        assert m < 15 or entropy_lower(C, log_det + 8.0, A) > exact


def test_local_spectra_have_more_energy_and_less_volume_than_the_covariance() -> None:
    flow = flow_of("vector")
    rng = np.random.default_rng(12)
    x = flow.sample(20_000, rng).numpy()
    sigma = singular_values(flow, rng.standard_normal((1000, flow.n)))
    energy, C = np.sum(sigma**2, axis=1), np.cov(x.T)
    half = 5 * energy.std() / np.sqrt(1000) + 5 * np.sum(x**2, axis=1).std() / np.sqrt(20_000)
    assert energy.mean() > np.trace(C) - half
    volume = 2 * np.log(sigma).sum(axis=1)
    assert volume.mean() < np.linalg.slogdet(C)[1]
    # Twin: for the squares of the mean Jacobian the inequality goes the other way.
    mean = jacobian(flow, rng.standard_normal((1000, flow.n))).mean(axis=0)
    assert np.sum(mean**2) < np.trace(C) + half
    assert np.sum(mean**2) < energy.mean() - half
