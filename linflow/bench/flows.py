"""Deep flows: log-density, sampling, a training step and a step of a search in latent space, against other libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from linflow.bench.contest import Contest, Side, Work
from linflow.bench.effort import Effort

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from linflow.bench.networks import Architecture, Network

#: Makes, of a network and of its signals or latents, what is timed.
Kind: TypeAlias = "Callable[[Network, Tensor], Callable[[], Any]]"

_BATCH = 64
#: Steps of the search in one run.
_STEPS = 5
#: Largest error of a round trip, by the precision of the network.
ROUND_TRIP = {"float32": 2e-3, "float64": 1e-10}
_LIBRARIES = {"RealNVP": ("normflows", "zuko", "nflows"), "Glow": ("normflows",)}


def contests(effort: Effort) -> Iterator[Contest]:
    """Both flows, four kinds of work, two precisions."""
    for flow, libraries in _LIBRARIES.items():
        for precision in effort.pick(quick=("float32",), usual=("float32", "float64"), long=("float32", "float64")):
            for kind, work in KINDS.items():
                prepare = partial(_prepared, flow, precision, work)
                yield Contest(
                    row="deep flows",
                    size=f"{flow}, {kind}, {precision}",
                    ours=Side("linflow", partial(prepare, "linflow"), needs=("torch",)),
                    rivals=[Side(name, partial(prepare, name), goal=1.0, needs=("torch", name)) for name in libraries],
                    far=max,
                    tolerance=ROUND_TRIP[precision],
                )


def architecture(name: str) -> Architecture:
    """RealNVP of 64 coordinates and 8 couplings; Glow of 16 x 16 x 3 images and 12 steps."""
    from linflow.bench.networks import Architecture

    if name == "RealNVP":
        return Architecture((64,), steps=8, width=128)
    return Architecture((16, 16, 3), steps=6, width=48, levels=2)


def _prepared(name: str, precision: str, work: Kind, library: str) -> Work:
    import torch

    from linflow.bench import networks
    from linflow.deep.deterministic import seeded

    sizes, dtype = architecture(name), getattr(torch, precision)
    with seeded(0):
        return work_of(getattr(networks, library)(sizes, dtype), work, sizes.n, dtype)


def work_of(network: Network, work: Kind, n: int, dtype: torch.dtype) -> Work:
    """One kind of work of a network; the answer is the error of its round trip."""
    import torch

    z = torch.randn(_BATCH, n, dtype=dtype)
    with torch.no_grad():
        x = network.generate(z)
    signals = x.to(dtype)

    def round_trip() -> float:
        with torch.no_grad():
            return float((network.inverse(signals) - z).abs().max())

    return Work(work(network, z if work in (_sampling, _search) else signals), answer=round_trip)


def _density(network: Network, x: Tensor) -> Callable[[], Any]:
    import torch

    def run() -> object:
        with torch.no_grad():
            return network.log_prob(x)

    return run


def _sampling(network: Network, z: Tensor) -> Callable[[], Any]:
    import torch

    def run() -> object:
        with torch.no_grad():
            return network.generate(z)

    return run


def _training(network: Network, x: Tensor) -> Callable[[], Any]:
    import torch

    network.model.train()
    # So small a rate that the weights stay, whatever the number of steps.
    optimiser = torch.optim.Adam(network.model.parameters(), lr=1e-9)

    def run() -> None:
        optimiser.zero_grad(set_to_none=True)
        step: Any = -network.log_prob(x).mean()
        step.backward()
        optimiser.step()

    return run


def _search(network: Network, z: Tensor) -> Callable[[], Any]:
    """Steps down ``|A g(z) - y|^2 + |z|^2`` by the gradient: what every solver in latent space spends its time on."""
    import torch

    with torch.no_grad():
        A = torch.randn(z.shape[1] // 4, z.shape[1], dtype=torch.float64)
        y = network.generate(z).double() @ A.T

    def run() -> Tensor:
        for parameter in network.model.parameters():
            parameter.requires_grad_(False)
        latent = z.clone()
        for _ in range(_STEPS):
            latent.requires_grad_(True)
            loss = (network.generate(latent).double() @ A.T - y).square().sum() + latent.square().sum()
            (slope,) = torch.autograd.grad(loss, latent)
            latent = (latent - 1e-6 * slope).detach()
        return latent

    return run


#: By name, what is timed.
KINDS: dict[str, Kind] = {
    "log-density": _density,
    "sampling": _sampling,
    "training step": _training,
    f"latent search, {_STEPS} steps": _search,
}
