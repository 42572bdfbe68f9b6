"""The same two flows in four libraries: RealNVP of vectors, Glow of images, with the same couplings and the same width.

What the libraries fix themselves stays theirs: the activation between the layers of a coupling (linflow: GELU; normflows:
leaky ReLU; the others: ReLU), the bound of its scales, and that linflow's first layer is a linear flow in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from linflow.deep.flow import Glow, RealNVP
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum

#: Size of the random part of every weight: a fresh coupling is the identity, and some libraries skip nothing for that.
_SIZE = 0.05


@dataclass(frozen=True)
class Network:
    """A flow of any library: what is timed of it.

    Parameters
    ----------
    model : all its parameters.
    log_prob : (batch, n) signals to (batch,) log-densities.
    generate : (batch, n) latents to signals.
    inverse : signals to latents.
    """

    model: nn.Module
    log_prob: Callable[[Tensor], Tensor]
    generate: Callable[[Tensor], Tensor]
    inverse: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Architecture:
    """Sizes that all libraries share; `shape` is (n,) for RealNVP and (H, W, C) for Glow."""

    shape: tuple[int, ...]
    steps: int
    width: int
    levels: int = 1

    @property
    def n(self) -> int:
        """Dimension."""
        return int(torch.Size(self.shape).numel())


def linflow(of: Architecture, dtype: torch.dtype) -> Network:
    """Ours."""
    linear = LinearFlow.from_spectrum(Spectrum.power_law(of.n), rng=0)
    flow: Any
    if len(of.shape) == 1:
        flow = RealNVP(linear, steps=of.steps, width=of.width, dropout=0.0)
    else:
        height, width, channels = of.shape
        flow = Glow(linear, (height, width, channels), steps=of.steps, width=of.width, levels=of.levels)
    flow = stirred(flow.to(dtype))
    return Network(flow, flow.log_prob, flow.forward, flow.inverse)


def normflows(of: Architecture, dtype: torch.dtype) -> Network:
    """Of the library normflows."""
    import normflows as nf

    if len(of.shape) == 1:
        layers = []
        for _ in range(of.steps):
            first = of.n // 2
            net = nf.nets.MLP([first, of.width, of.width, 2 * (of.n - first)], init_zeros=True)
            layers += [nf.flows.AffineCouplingBlock(net), nf.flows.Permute(of.n, mode="shuffle")]
        model = stirred(nf.NormalizingFlow(nf.distributions.DiagGaussian(of.n), layers).to(dtype))
        return Network(model, model.log_prob, lambda z: model.forward(z), model.inverse)
    height, width, channels = of.shape
    bases, flows, merges = [], [], []
    for level in range(of.levels):  # the last one of the list is nearest to the image
        inner = channels * 2 ** (of.levels + 1 - level)
        side = height // 2 ** (of.levels - level)
        blocks = [nf.flows.GlowBlock(inner, of.width, split_mode="channel", scale=True) for _ in range(of.steps)]
        flows.append([*blocks, nf.flows.Squeeze()])
        kept = inner if level == 0 else inner // 2
        bases.append(nf.distributions.DiagGaussian((kept, side, side)))
        if level > 0:
            merges.append(nf.flows.Merge())
    model = nf.MultiscaleFlow(bases, flows, merges)
    _started(model, torch.randn(16, channels, height, width))
    model = stirred(model.to(dtype))
    image = (channels, height, width)

    def generate(z: Tensor) -> Tensor:
        return _outwards(model, [*_pieces(z, [q.loc[0].numel() for q in bases])], bases).flatten(1)

    def inverse(x: Tensor) -> Tensor:
        return torch.cat(_inwards(model, x.view(-1, *image)), dim=1)

    return Network(model, lambda x: model.log_prob(x.view(-1, *image), None), generate, inverse)


def zuko(of: Architecture, dtype: torch.dtype) -> Network:
    """Of the library zuko, which has no flows of images."""
    import zuko as library

    model = library.flows.RealNVP(of.n, transforms=of.steps, randmask=True, hidden_features=(of.width, of.width))
    model = stirred(model.to(dtype))
    return Network(
        model,
        lambda x: model().log_prob(x),
        lambda z: model().transform.inv(z),
        lambda x: model().transform(x),
    )


def nflows(of: Architecture, dtype: torch.dtype) -> Network:
    """Of the library nflows, which has the parts of both; its convolutional nets are residual ones, so vectors only."""
    from nflows.distributions import StandardNormal
    from nflows.flows import Flow
    from nflows.nn.nets import MLP
    from nflows.transforms import AffineCouplingTransform, CompositeTransform, RandomPermutation

    first = of.n // 2
    mask = torch.ones(of.n)
    mask[:first] = 0

    class Net(nn.Module):
        def __init__(self, inside: int, outside: int) -> None:
            super().__init__()
            self.net = MLP((inside,), (outside,), [of.width, of.width])

        def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
            found: Tensor = self.net(x)
            return found

    layers = []
    for _ in range(of.steps):
        layers += [RandomPermutation(of.n), AffineCouplingTransform(mask, Net)]
    model = stirred(Flow(CompositeTransform(layers), StandardNormal((of.n,))).to(dtype))
    inwards = model._transform
    return Network(model, model.log_prob, lambda z: inwards.inverse(z)[0], lambda x: inwards(x)[0])


def _pieces(z: Tensor, sizes: list[int]) -> Iterator[Tensor]:
    start = 0
    for size in sizes:
        yield z[:, start : start + size]
        start += size


def stirred(model: Any) -> Any:
    """The model for evaluation, its weights moved a little off where they begin."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_((_SIZE / max(1, parameter.shape[-1] if parameter.dim() else 1) ** 0.5 * noise).to(parameter))
    return model.eval()


def _started(model: Any, images: Tensor) -> None:
    """A first batch, by which its activation norms are set."""
    with torch.no_grad():
        model.log_prob(images, None)


def _inwards(model: Any, h: Tensor) -> list[Tensor]:
    """Latents of each level, flat, through the parts of normflows' multi-scale flow."""
    found = []
    for level in reversed(range(len(model.flows))):
        for layer in reversed(model.flows[level]):
            h, _ = layer.inverse(h)
        if level > 0:
            [h, part], _ = model.merges[level - 1].inverse(h)
            found.append(part.flatten(1))
        else:
            found.append(h.flatten(1))
    return found[::-1]


def _outwards(model: Any, parts: list[Tensor], bases: list[Any]) -> Tensor:
    h = parts[0]
    for level, (part, base) in enumerate(zip(parts, bases, strict=True)):
        part = part.reshape(-1, *base.loc.shape[1:])
        h = part if level == 0 else model.merges[level - 1]([h, part])[0]
        for layer in model.flows[level]:
            h, _ = layer(h)
    return h
