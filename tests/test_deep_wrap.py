"""Other libraries' flows come in with their own densities, whichever way their calls go; what is no flow is refused."""

from __future__ import annotations

import copy
import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import linflow as lf
from linflow import LinearFlow, deep
from linflow.deep.deterministic import seeded, thread_count
from linflow.deep.jacobian import jacobian
from linflow.deep.wrapped import LARGEST_WITHOUT, Wrapped
from linflow.errors import InputError, LinflowError, ShapeError
from linflow.testing import assert_flow

N = 4


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with thread_count(1):
        yield


def library(name: str) -> Any:
    """zuko is among the tools of the tests; the others are looked for."""
    return importlib.import_module(name) if name.startswith("zuko") else pytest.importorskip(name)


def zuko_maf() -> Any:
    return library("zuko").flows.MAF(N, transforms=2, hidden_features=(8,))


def zuko_distribution() -> Any:
    return library("zuko").flows.NICE(N, context=2, hidden_features=(8,)).requires_grad_(False)(torch.ones(2))


def normflows_couplings() -> Any:
    nf = library("normflows")
    base = nf.distributions.DiagGaussian(N)
    with torch.no_grad():  # as trained: its base has learnt a mean and a scale
        base.loc += torch.tensor([[0.5, -1.0, 0.0, 2.0]])
        base.log_scale += torch.tensor([[0.3, 0.0, -0.5, 0.1]])
    layers: list[Any] = []
    for _ in range(2):
        layers.append(nf.flows.AffineCouplingBlock(nf.nets.MLP([2, 8, 4], init_zeros=False)))
        layers.append(nf.flows.Permute(N, mode="swap"))
    return nf.NormalizingFlow(base, layers)


def nflows_couplings() -> Any:
    return library("nflows.flows").SimpleRealNVP(N, 8, 2, 1)


def nflows_diagonal() -> Any:
    flows, transforms = library("nflows.flows"), library("nflows.transforms")
    base = library("nflows.distributions.normal").DiagonalNormal((N,))
    with torch.no_grad():
        base.mean_ += 1.0
        base.log_std_ += 0.5
    return flows.Flow(transforms.MaskedAffineAutoregressiveTransform(N, 8), base)


def freia_sequence() -> Any:
    made = library("FrEIA.framework").SequenceINN(N)
    block = library("FrEIA.modules").AllInOneBlock
    for _ in range(2):
        made.append(block, subnet_constructor=lambda a, b: nn.Sequential(nn.Linear(a, 8), nn.ReLU(), nn.Linear(8, b)))
    return made


class Plain:
    """A module of the user's, in linflow's direction."""

    def __init__(self) -> None:
        self.G = torch.tensor(np.tril(np.random.default_rng(0).standard_normal((N, N))) + 2 * np.eye(N))

    def forward(self, z: Tensor) -> Tensor:
        x: Tensor = torch.sinh(z @ self.G.T)
        return x

    def inverse(self, x: Tensor) -> Tensor:
        z: Tensor = torch.linalg.solve(self.G, torch.asinh(x).T).T
        return z

    def log_det(self, z: Tensor) -> Tensor:
        return torch.as_tensor(torch.log(torch.cosh(z @ self.G.T)).sum(1) + torch.linalg.slogdet(self.G)[1])


MODELS: dict[str, Callable[[], Any]] = {
    "zuko": zuko_maf,
    "zuko-distribution": zuko_distribution,
    "normflows": normflows_couplings,
    "nflows": nflows_couplings,
    "nflows-diagonal": nflows_diagonal,
    "FrEIA": freia_sequence,
    "plain": Plain,
}


def made(name: str) -> Any:
    with seeded(3):
        model = MODELS[name]()
    return model.eval() if isinstance(model, nn.Module) else model


def own_density(name: str, model: Any, x: Tensor) -> Tensor:
    """The density by the library's own means alone."""
    if name == "zuko":
        return torch.as_tensor(model().log_prob(x))
    if name == "FrEIA":
        z, log_jac = model(x)
        return torch.as_tensor(log_jac - 0.5 * (z**2).sum(1) - 0.5 * N * np.log(2 * np.pi))
    if name == "plain":
        z = model.inverse(x)
        return torch.as_tensor(-model.log_det(z) - 0.5 * (z**2).sum(1) - 0.5 * N * np.log(2 * np.pi))
    return torch.as_tensor(model.log_prob(x))


@pytest.mark.parametrize("name", MODELS)
def test_a_flow_of_another_library_keeps_its_density_and_is_a_flow(name: str) -> None:
    model = made(name)
    before = copy.deepcopy(model.state_dict()) if isinstance(model, nn.Module) else {}
    flow = deep.wrap(model, n=N)
    assert flow.n == N
    assert_flow(flow)
    rng = np.random.default_rng(0)
    x = flow.sample(5, rng).detach()
    own = own_density(name, model, x.to(flow.dtype)).double()
    torch.testing.assert_close(flow.log_prob(x), own, rtol=1e-4, atol=1e-4)
    A = rng.standard_normal((2, N))
    y = x[:2].numpy() @ A.T
    found = deep.solution(flow, A, y, steps=15)
    # The measurements are explained exactly, by signals that are no less likely than the Gaussian model's.
    np.testing.assert_allclose(found.x @ A.T, y, atol=1e-9)
    start = flow.log_prob(lf.mle(flow.linear, A, y)).detach().numpy()
    assert (flow.log_prob(found.x).detach().numpy() >= start - 1e-6).all()
    for key, value in before.items():
        assert torch.equal(model.state_dict()[key], value), key


def test_the_base_is_what_the_latents_come_out_of() -> None:
    """Twin: with the base left out the density differs."""
    model = made("nflows-diagonal")
    flow = deep.wrap(model)
    assert isinstance(flow, Wrapped)
    x = flow.sample(400, np.random.default_rng(0)).detach()
    noise = model._transform(x.float())[0].detach()
    assert bool((noise.mean(0) - 1.0).abs().max() < 0.5)
    assert bool((noise.std(0) / np.exp(0.5) - 1.0).abs().max() < 0.2)
    z = flow.inverse(x).detach()
    assert bool(z.mean(0).abs().max() < 0.25)

    class Standard(type(flow.reader)):  # type: ignore[misc]
        def base(self, model: Any) -> None:
            return None

    flow.reader = Standard()
    assert not torch.allclose(flow.log_prob(x), model.log_prob(x.float()).double(), atol=0.1)


def test_two_functions_are_a_flow_and_their_volume_follows_from_them() -> None:
    plain = Plain()
    told, untold = deep.wrap(plain, n=N), deep.wrap(forward=plain.forward, inverse=plain.inverse, n=N)
    x = told.sample(3, np.random.default_rng(0))
    torch.testing.assert_close(untold.log_prob(x), told.log_prob(x))
    variables = [x.clone().requires_grad_(True) for _ in range(2)]
    slopes = [torch.autograd.grad(flow.log_prob(v).sum(), v)[0] for flow, v in zip((told, untold), variables, strict=True)]
    torch.testing.assert_close(*slopes)
    np.testing.assert_allclose(
        np.linalg.slogdet(jacobian(untold, np.ones((1, N))))[1], told.log_det(np.ones(N)).item(), rtol=1e-12
    )
    both = deep.wrap(forward=lambda z: (plain.forward(z), plain.log_det(z)), inverse=plain.inverse, n=N)
    torch.testing.assert_close(both.log_prob(x), told.log_prob(x))
    assert_flow(untold)
    # Without one, beyond the size for which it is computed: a sentence, and no number.
    n = LARGEST_WITHOUT + 1
    with pytest.raises(InputError, match=rf"computed from its Jacobian up to n = {n - 1} and not for n = {n}"):
        deep.wrap(forward=lambda z: 2 * z, inverse=lambda x: x / 2, n=n)


def test_a_linear_map_is_solved_as_the_linear_flow_that_it_is() -> None:
    prior = LinearFlow.from_spectrum([3.0, 1.0, 0.5, 0.2], rng=np.random.default_rng(1), mean=[1.0, 0.0, -2.0, 0.5])
    G = torch.from_numpy(prior.matrix)
    A = np.random.default_rng(2).standard_normal((2, N))
    y = prior.sample(2, np.random.default_rng(3)) @ A.T
    choices: list[dict[str, Any]] = [{"linear": prior}, {}]
    for options in choices:
        flow = deep.wrap(
            forward=lambda z: z @ G.T,
            inverse=lambda x: torch.linalg.solve(G, x.T).T,
            log_det=lambda z: torch.linalg.slogdet(G)[1].expand(len(z)),
            n=N,
            mean=prior.mean,
            **options,
        )
        np.testing.assert_allclose(flow.forward(np.ones(N)).numpy(), prior.forward(np.ones(N)))
        # Whatever Gaussian model the search goes on in, it ends at the same place.
        np.testing.assert_allclose(deep.solve(flow, A, y), lf.mle(prior, A, y), atol=1e-5)
        noisy = lf.map_estimate(prior, A, y, noise_std=0.3)
        np.testing.assert_allclose(deep.solve(flow, A, y, noise_std=0.3), noisy, atol=1e-5)
    own = deep.wrap(forward=lambda z: z @ G.T, inverse=lambda x: torch.linalg.solve(G, x.T).T, n=N).linear
    np.testing.assert_allclose(own.covariance, prior.covariance, atol=1.0)
    assert np.linalg.norm(own.covariance - prior.covariance) < 0.2 * np.linalg.norm(prior.covariance)


def test_images_go_to_a_model_with_their_channels_first() -> None:
    shape, seen = (2, 3, 3), []

    def forward(z: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(tuple(z.shape))
        return z * 2, torch.full((len(z),), 18 * np.log(2.0), dtype=z.dtype)

    flow = deep.wrap(forward=forward, inverse=lambda x: x / 2, shape=shape)
    assert seen[-1][1:] == (3, 2, 3)
    image = np.arange(18.0).reshape(shape)
    z = flow.inverse(image.ravel()).numpy().reshape(3, 2, 3)
    np.testing.assert_array_equal(z, np.moveaxis(image, 2, 0) / 2)
    np.testing.assert_array_equal(flow.forward(z.ravel()).numpy().reshape(shape), image)


def test_a_model_that_works_in_place_changes_no_input() -> None:
    def doubled(z: Tensor) -> Tensor:
        return z.mul_(2)

    flow = deep.wrap(forward=doubled, inverse=lambda x: x / 2, log_det=lambda z: 0 * z[:, 0] + N * np.log(2.0), n=N)
    z = torch.ones(2, N, dtype=torch.float64)
    assert flow.forward(z).tolist() == [[2.0] * N] * 2
    assert z.tolist() == [[1.0] * N] * 2


def batch_norm() -> Any:
    return library("nflows.flows").SimpleRealNVP(N, 8, 2, 1, batch_norm_between_layers=True)


class Encoder(nn.Module):
    """Of the many whose `forward` maps signals to latents."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x

    def inverse(self, z: Tensor) -> Tensor:
        return z / 2

    def log_prob(self, x: Tensor) -> Tensor:
        z = 2 * x
        return torch.as_tensor(N * np.log(2.0) - 0.5 * (z**2).sum(1) - 0.5 * N * np.log(2 * np.pi))


def functions(forward: Callable[[Tensor], Any], inverse: Callable[[Tensor], Any], **more: Any) -> Any:
    return {"forward": forward, "inverse": inverse, "n": N, **more}


def one(z: Tensor) -> Tensor:
    return torch.ones_like(z[:, 0])


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "no-bijection": (lambda: functions(lambda z: z**2, lambda x: x.abs().sqrt()), "differ from those that made them by"),
    "transposed": (lambda: functions(lambda z: z @ Plain().G.T, lambda x: x @ Plain().G), "differ from those that made"),
    "sign": (lambda: functions(lambda z: 2 * z, lambda x: x / 2, log_det=lambda z: -one(z)), "Jacobian by autograd"),
    "mixed": (
        lambda: functions(lambda z: z - z.mean(0), lambda x: x - x.mean(0), log_det=one),
        "mixes the rows of a batch",
    ),
    "mixed, volume unknown": (lambda: functions(lambda z: z - z.mean(0), lambda x: x - x.mean(0)), "mixes the rows"),
    "precision": (lambda: functions(lambda z: (2 * z).float(), lambda x: (x / 2).double()), "precision and on the device"),
    "detached": (lambda: functions(lambda z: 2 * z.detach(), lambda x: x.detach() / 2), "has no slopes"),
    "numpy": (lambda: functions(lambda z: 2 * z.numpy(), lambda x: x / 2), "must return a tensor"),
    "infinite": (lambda: functions(lambda z: z / 0, lambda x: x, log_det=one), "must be finite, got"),
    "shape": (lambda: functions(lambda z: z[:, :2], lambda x: x), "must return signals of shape"),
    "random": (lambda: functions(lambda z: z + torch.rand_like(z), lambda x: x, log_det=one), "is random"),
    "grad": (
        lambda: library("zuko").flows.NICE(N, context=2, hidden_features=(8,))(torch.ones(2)),
        r"require grad, and .* call requires_grad_\(False\)",
    ),
    "raises": (lambda: functions(lambda z: 1 / 0, lambda x: x), "raised ZeroDivisionError: division by zero"),
    "exchanged": (Encoder, "forward and inverse are exchanged"),
    "uniform base": (lambda: library("zuko").flows.NCSF(N, hidden_features=(8,)), "independent and normal, .* BoxUniform"),
    "mixture": (lambda: library("zuko").flows.GMM(N), "has a transform and a base"),
    "multi-scale": (
        lambda: library("normflows").MultiscaleFlow([library("normflows").distributions.DiagGaussian(N)], [[]], []),
        "independent and normal, the base of this one is a ModuleList",
    ),
    "context": (lambda: library("zuko").flows.NICE(N, context=2, hidden_features=(8,)), "raised RuntimeError"),
    "batch norm": (batch_norm, "only available in eval mode"),
    "list": (lambda: [1.0, 2.0], "must be a flow of zuko, normflows, nflows, FrEIA, or have forward"),
    "module": (lambda: nn.Linear(N, N), "must be a flow of zuko"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_flow_is_refused_in_one_sentence(name: str) -> None:
    make, sentence = REFUSED[name]
    given = make()
    with pytest.raises(LinflowError, match=sentence) as error:
        deep.wrap(**given) if isinstance(given, dict) else deep.wrap(given, n=N)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_a_module_that_mixes_its_batch_while_it_trains_is_told_to_evaluate() -> None:
    class Normalised(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(N, dtype=torch.float64)

        def inverse(self, x: Tensor) -> Tensor:
            z: Tensor = self.norm(x)
            return z

        def forward(self, z: Tensor) -> Tensor:
            norm = self.norm
            assert norm.running_mean is not None
            assert norm.running_var is not None
            return (z - norm.bias) / norm.weight * (norm.running_var + norm.eps).sqrt() + norm.running_mean

    model = Normalised()
    with pytest.raises(InputError, match=r"raised ValueError: Expected more than 1|: call model\.eval\(\) first"):
        deep.wrap(model, n=N)
    assert_flow(deep.wrap(Normalised().eval(), n=N))


def test_sizes_that_disagree_and_arguments_that_do_not_go_together_are_refused() -> None:
    plain = Plain()
    with pytest.raises(ShapeError, match="sizes must agree, got 5 for n, 4 for the model"):
        deep.wrap(zuko_maf(), n=5)
    with pytest.raises(ShapeError, match="sizes must agree, got 4 for n, 2 for linear"):
        deep.wrap(plain, n=N, linear=LinearFlow.from_matrix(np.eye(2)))
    with pytest.raises(InputError, match="does not say: give wrap n or shape"):
        deep.wrap(plain)
    with pytest.raises(ShapeError, match=r"shape must be \(n,\) or \(H, W, C\)"):
        deep.wrap(plain, shape=(2, 2))
    with pytest.raises(ShapeError, match="mean must have shape"):
        deep.wrap(plain, n=N, mean=np.zeros(3))
    with pytest.raises(ShapeError, match="mean must have shape"):
        deep.wrap(plain, n=N, mean=np.zeros((2, N)))
    with pytest.raises(InputError, match="give wrap a model, or two functions"):
        deep.wrap()
    with pytest.raises(InputError, match="give wrap a model, or two functions"):
        deep.wrap(plain, forward=plain.forward, inverse=plain.inverse, n=N)
    with pytest.raises(InputError, match="give wrap a model, or two functions"):
        deep.wrap(forward=plain.forward, n=N)
    with pytest.raises(InputError, match="inverse must be a function"):
        deep.wrap(forward=plain.forward, inverse=3, n=N)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="tolerance"):
        deep.wrap(plain, n=N, tolerance=2.0)
    with pytest.raises(InputError, match="noise_std is for a conditional flow"):
        deep.wrap(plain, n=N).forward(np.ones(N), 0.1)
    with pytest.raises(InputError, match="conditional flow of square image patches"):
        deep.denoise(deep.wrap(plain, n=N), np.zeros((2, 2, 1)), 0.1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="samples of this flow are not finite"):
        _ = deep.wrap(
            forward=lambda z: torch.exp(torch.exp(2 * z)),
            inverse=lambda x: torch.log(torch.log(x)) / 2,
            n=1,
            tolerance=0.5,
        ).linear


def test_a_wrapped_flow_is_told_from_another_by_its_weights(tmp_path: Path) -> None:
    first, second = (deep.wrap(made("zuko")) for _ in range(2))
    assert first.digest() == second.digest()
    before = first.digest()
    _ = first.linear  # what is remembered changes nothing
    assert first.digest() == before
    moved = made("zuko")
    with torch.no_grad():
        next(iter(moved.parameters())).mul_(1.001)
    assert deep.wrap(moved).digest() != before
    assert deep.wrap(made("zuko"), linear=LinearFlow.from_matrix(np.eye(N))).digest() != before
    doubled = copy.deepcopy(first)
    assert isinstance(doubled, Wrapped)
    assert doubled.double().dtype == torch.float64
    assert first.dtype == torch.float32  # the copy has weights of its own
    x = np.ones((1, N))
    torch.testing.assert_close(doubled.log_prob(x), first.log_prob(x), rtol=1e-5, atol=1e-5)
