"""`assert_flow` passes what is a flow and names what is not; each planted fault is caught by the law that is about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from linflow import LinearFlow, deep
from linflow.deep.deterministic import thread_count
from linflow.deep.flow import Flow, flow_of
from linflow.deep.wrapped import Wrapped
from linflow.errors import InputError, ShapeError
from linflow.testing import assert_flow

FAR = (1e20, 1e80, 1e160, 1e200, 1e300)


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with thread_count(1):
        yield


def linear(n: int) -> LinearFlow:
    rng = np.random.default_rng(0)
    return LinearFlow.from_spectrum(np.geomspace(3.0, 0.3, n), rng=rng, mean=rng.standard_normal(n))


def stirred(flow: Any, size: float = 0.3) -> Any:
    """As if trained: every weight moved."""
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in flow.parameters():
            fan = weight[0].numel() if weight.dim() > 1 else 1
            weight.add_(size / fan**0.5 * torch.randn(weight.shape, generator=noise).to(weight.dtype))
    return flow.eval()


def realnvp() -> deep.RealNVP:
    made: deep.RealNVP = stirred(deep.RealNVP(linear(6), steps=2, width=8))
    return made


FLOWS: dict[str, Callable[[], Any]] = {
    "realnvp": realnvp,
    "realnvp-double": lambda: realnvp().double(),
    "realnvp-conditional": lambda: stirred(deep.RealNVP(linear(6), steps=2, width=8, conditional=True)),
    "glow": lambda: stirred(deep.Glow(linear(16), (4, 4, 1), steps=1, width=4, levels=1)),
    "linear": lambda: linear(5),
    "line": lambda: LinearFlow.from_matrix([[-2.0]], mean=[1.0]),
    "graded": lambda: LinearFlow.from_spectrum([1e3, 1.0, 1e-4], rng=np.random.default_rng(2)),
}


@pytest.mark.parametrize("name", FLOWS)
def test_what_is_a_flow_passes(name: str) -> None:
    flow = FLOWS[name]()
    assert_flow(flow)
    if name != "realnvp-conditional":
        assert_flow(flow, points=flow_of(flow).sample(3, np.random.default_rng(5)).numpy())


class Planted(deep.RealNVP):
    """A flow with one fault."""

    def __init__(self, fault: str) -> None:
        super().__init__(linear(6), steps=2, width=8)
        self.fault = fault
        self.norm = nn.BatchNorm1d(6, affine=False, dtype=torch.float64)
        self.noise = torch.Generator().manual_seed(0)

    def generate(self, z: Any, noise_std: Any = None) -> tuple[Tensor, Tensor]:
        if self.fault == "changes its input" and isinstance(z, Tensor):
            z.mul_(1.25)
        x, log_det = super().generate(z, noise_std)
        if self.fault == "sign":
            return x, -log_det
        if self.fault == "scale":
            return x, log_det + 0.05
        if self.fault == "NaN":
            return x * torch.where(x[..., :1] > -torch.inf, torch.nan, 1.0), log_det
        if self.fault == "random":
            return x + 0.01 * torch.randn(x.shape, generator=self.noise, dtype=x.dtype), log_det
        if self.fault == "shape":
            return x, log_det[..., None]
        return x, log_det

    def normalise(self, x: Any, noise_std: Any = None) -> tuple[Tensor, Tensor]:
        z, log_det = super().normalise(x, noise_std)
        if self.fault == "transposed":
            rows = (x - self.mean) @ self.basis * self.singular_values  # G^T where G^-1 is meant
            return rows @ self.latent_basis.T, log_det
        if self.fault == "batch norm" and z.dim() == 2 and len(z) > 1:
            return z + 0.1 * self.norm(z), log_det
        return z, -log_det if self.fault == "inverse sign" else log_det

    def log_prob(self, x: Any, noise_std: Any = None) -> Tensor:
        found = super().log_prob(x, noise_std)
        if self.fault == "density":
            return found + 0.5
        if self.fault == "far":
            return torch.where(found == -torch.inf, torch.nan, found)
        return found

    def sample(self, count: int, rng: np.random.Generator, **options: Any) -> Tensor:
        if self.fault == "seed":
            rng = np.random.default_rng(0)
        found = super().sample(count, rng, **options)
        return found[:2] if self.fault == "count" else found


FAULTS = {
    "sign": "log-determinants of its two maps must be opposite",
    "scale": r"sum is 0\.05|is not that of its Jacobian",
    "inverse sign": "log-determinants of its two maps must be opposite",
    "NaN": "near the mean must be finite, got nan",
    "random": "generate is random, two calls differ by",
    "shape": "must return shapes",
    "changes its input": "forward changes its input by",
    "transposed": "differ from those that made them by",
    "batch norm": "mixes the rows of a batch, values of normalise",
    "density": r"log_prob differs by 0\.5",
    "far": "far out as a signal must be finite or -inf, got nan",
    "seed": "samples of two seeds are the same",
    "count": "3 samples must have shape",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_with_its_number(fault: str) -> None:
    assert_flow(stirred(Planted("none"), 0.1))
    planted = stirred(Planted(fault), 0.1)
    if fault == "batch norm":
        planted.norm.train()
    with pytest.raises(AssertionError, match=FAULTS[fault]) as failure:
        assert_flow(planted)
    assert "\n" not in str(failure.value)


def test_a_log_determinant_with_both_signs_wrong_is_caught_by_the_jacobian() -> None:
    class Opposite(deep.RealNVP):
        def generate(self, z: Any, noise_std: Any = None) -> tuple[Tensor, Tensor]:
            x, log_det = super().generate(z, noise_std)
            return x, -log_det

        def normalise(self, x: Any, noise_std: Any = None) -> tuple[Tensor, Tensor]:
            z, log_det = super().normalise(x, noise_std)
            return z, -log_det

    with pytest.raises(AssertionError, match="is not that of its Jacobian by autograd"):
        assert_flow(stirred(Opposite(linear(6), steps=2, width=8)))


def test_what_is_asked_of_assert_flow_is_checked() -> None:
    flow = realnvp()
    with pytest.raises(InputError, match=r"must be a Flow of linflow or a LinearFlow, got a Linear: pass linflow"):
        assert_flow(nn.Linear(2, 2))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="points must"):
        assert_flow(flow, points=np.zeros((3, 5)))
    with pytest.raises(ShapeError, match="points must"):
        assert_flow(flow, points=np.zeros(6))
    with pytest.raises(InputError, match="tolerance"):
        assert_flow(flow, tolerance=0.0)
    # As it is: dropout is random until it is told to evaluate.
    with pytest.raises(AssertionError, match=r"is random, .*: call eval\(\) first"):
        assert_flow(stirred(deep.RealNVP(linear(6), steps=2, width=8, dropout=0.5)).train())


@pytest.mark.parametrize("name", [name for name in FLOWS if name != "realnvp-conditional"])
def test_far_out_a_log_density_is_minus_infinity_or_a_number_and_never_nan(name: str) -> None:
    flow = flow_of(FLOWS[name]())
    x = flow.sample(3, np.random.default_rng(0))
    with torch.no_grad():
        near, *far = (flow.log_prob(flow.mean + scale * (x - flow.mean)) for scale in (1.0, *FAR))
    assert bool(torch.isfinite(near).all())
    for found in far:
        assert bool((torch.isfinite(found) | torch.isneginf(found)).all())
        assert bool((found < -1e20).all())
    assert bool(torch.isneginf(far[-1]).all())


def test_a_nan_that_is_no_overflow_stays() -> None:
    flow = realnvp()
    with torch.no_grad():
        next(iter(flow.body.parameters())).fill_(torch.nan)
    assert bool(torch.isnan(flow.log_prob(flow.mean)).all())
    assert bool(torch.isnan(realnvp().log_prob(torch.full((6,), torch.nan, dtype=torch.float64))))


def test_a_linear_flow_is_a_flow_for_every_solver() -> None:
    import linflow as lf
    from linflow.deep.linearised import linearise, smallest_latent

    prior, rng = linear(5), np.random.default_rng(3)
    A = rng.standard_normal((2, 5))
    y = prior.sample(3, rng) @ A.T
    exact, noisy = lf.mle(prior, A, y), lf.map_estimate(prior, A, y, noise_std=0.3)
    np.testing.assert_allclose(deep.solve(prior, A, y), exact, atol=1e-9)
    np.testing.assert_allclose(deep.solve(prior, A, y, noise_std=0.3), noisy, atol=1e-9)
    np.testing.assert_allclose(deep.solve(prior, A, y[:1], noise_std=0.3, space="signal"), noisy[:1], atol=1e-5)
    np.testing.assert_allclose(smallest_latent(prior, A, y), exact, atol=1e-9)
    np.testing.assert_allclose(linearise(prior, np.zeros((1, 5))).singular_values[0], prior.spectrum.singular_values)
    starts = deep.null_space_start(prior, A, exact, 1.0, rng)
    np.testing.assert_allclose(prior.forward(starts) @ A.T, y, atol=1e-9)
    assert isinstance(deep.wrap(prior), Flow)
    assert not isinstance(deep.wrap(prior), Wrapped)
