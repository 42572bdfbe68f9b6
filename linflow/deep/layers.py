r"""Invertible layers: maps of a batch that know their inverse and their log-determinant.

Every layer has two directions. ``normalise(h, context)`` goes from data towards the latent, ``generate(u, context)`` back;
each returns its output and ``log |det d output / d input|``, one number a sample, shape (batch,). `context` is None, or a
(batch, features) tensor that conditions the couplings (the noise level of a patch prior).

Couplings start at the identity (their last layer is zero) and the rest starts orthogonal, so that a fresh stack of layers
preserves the standard normal law. Log-scales are bounded by a tanh: sigmoid and plain exponential scales overflow out of
distribution, in float64 too.

Sources: Dinh, Sohl-Dickstein & Bengio 2017 (RealNVP); Kingma & Dhariwal 2018 (Glow).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import cast

import torch
from torch import Tensor, nn

#: Bound of a coupling's log-scale: one coupling changes a coordinate's scale by at most e**1.5 = 4.5.
LOG_SCALE = 1.5

Mapped = tuple[Tensor, Tensor]


class Layer(nn.Module, ABC):
    """An invertible map with its log-determinant."""

    @abstractmethod
    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:
        """From data towards the latent; returns the output and its log-determinant."""

    @abstractmethod
    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:
        """The inverse of `normalise`, with the log-determinant of this direction."""


class Sequence(Layer):
    """Layers one after the other."""

    def __init__(self, *layers: Layer) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        total = h.new_zeros(len(h))
        for layer in _typed(self.layers):
            h, change = layer.normalise(h, context)
            total = total + change
        return h, total

    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        total = u.new_zeros(len(u))
        for layer in reversed(_typed(self.layers)):
            u, change = layer.generate(u, context)
            total = total + change
        return u, total


def _typed(modules: Iterable[nn.Module]) -> list[Layer]:
    """The layers of a ModuleList, which has forgotten what they are."""
    return [cast(Layer, module) for module in modules]


class ActNorm(Layer):
    """Scale and shift of each channel, set by the first batch so that it comes out standardised (or left at 1 and 0).

    Parameters
    ----------
    channels : channels, axis 1 of the input.
    from_data : whether the first batch in training mode sets the parameters. The flag is a buffer, so that a saved and
        loaded layer is never set a second time.
    """

    initialised: Tensor

    def __init__(self, channels: int, *, from_data: bool = False) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        self.register_buffer("initialised", torch.tensor(not from_data))

    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        if self.training and not bool(self.initialised):
            self._standardise(h)
        log_scale, shift = self._along(h)
        return (h + shift) * log_scale.exp(), self._log_det(h)

    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        log_scale, shift = self._along(u)
        return torch.addcmul(-shift, u, (-log_scale).exp()), -self._log_det(u)

    def _along(self, h: Tensor) -> tuple[Tensor, Tensor]:
        view = (1, -1) + (1,) * (h.dim() - 2)
        return self.log_scale.view(view), self.shift.view(view)

    def _log_det(self, h: Tensor) -> Tensor:
        return (self.log_scale.sum() * h.shape[2:].numel()).expand(len(h))

    @torch.no_grad()
    def _standardise(self, h: Tensor) -> None:
        others = [axis for axis in range(h.dim()) if axis != 1]
        self.shift.copy_(-h.mean(dim=others))
        self.log_scale.copy_(-h.std(dim=others).clamp_min(1e-6).log())
        self.initialised.fill_(True)


class InvertibleConv(Layer):
    """The 1 x 1 convolution ``W = P L U`` of Glow: a learned mixing of the channels, orthogonal at the start.

    P is a fixed permutation, L unit lower and U upper triangular with diagonal ``sign * exp(log_diagonal)``. W and its
    inverse are kept until a parameter changes, so that a solver of a thousand steps inverts once.
    """

    permutation: Tensor
    sign: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        rotation = torch.linalg.qr(torch.randn(channels, channels, dtype=torch.float64))[0]
        P, L, U = torch.linalg.lu(rotation)
        self.register_buffer("permutation", P.float())
        self.register_buffer("sign", U.diagonal().sign().float())
        self.log_diagonal = nn.Parameter(U.diagonal().abs().log().float())
        self.lower = nn.Parameter(L.tril(-1).float())
        self.upper = nn.Parameter(U.triu(1).float())
        self._kept: tuple[object, Tensor, Tensor] | None = None

    def _matrices(self) -> tuple[Tensor, Tensor]:
        parameters = (self.log_diagonal, self.lower, self.upper)
        key = tuple((p.data_ptr(), p._version, p.dtype) for p in parameters)
        if not torch.is_grad_enabled() or not any(p.requires_grad for p in parameters):
            if self._kept is None or self._kept[0] != key:
                W = self._weight()
                self._kept = (key, W.detach(), torch.linalg.inv(W.double()).to(W.dtype).detach())
            return self._kept[1], self._kept[2]
        W = self._weight()
        return W, torch.linalg.inv(W)

    def _weight(self) -> Tensor:
        eye = torch.eye(len(self.sign), dtype=self.lower.dtype, device=self.lower.device)
        L = self.lower.tril(-1) + eye
        U = self.upper.triu(1) + torch.diag(self.sign * self.log_diagonal.exp())
        return self.permutation @ L @ U

    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        return _mix(h, self._matrices()[0]), self._log_det(h)

    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        return _mix(u, self._matrices()[1]), -self._log_det(u)

    def _log_det(self, h: Tensor) -> Tensor:
        return (self.log_diagonal.sum() * h.shape[2:].numel()).expand(len(h))


def _mix(h: Tensor, W: Tensor) -> Tensor:
    return (W @ h.flatten(2)).view(h.shape)


class Permutation(Layer):
    """A fixed permutation of the channels (for vectors: of the coordinates)."""

    order: Tensor
    back: Tensor

    def __init__(self, order: Tensor) -> None:
        super().__init__()
        self.register_buffer("order", order)
        self.register_buffer("back", order.argsort())

    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        return h.index_select(1, self.order), h.new_zeros(len(h))

    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        return u.index_select(1, self.back), u.new_zeros(len(u))


class Coupling(Layer):
    """Affine coupling: the first channels pass through and decide scale and shift of the others.

    Parameters
    ----------
    network : called with (first channels, context); returns twice as many channels as there are others, log-scales before
        their bound first. :func:`convolutional` and :func:`fully_connected` make one.
    first : number of channels that pass through.
    """

    bound: Tensor

    def __init__(self, network: nn.Module, first: int) -> None:
        super().__init__()
        self.network, self.first = network, first
        # In the precision and on the device of the rest: a number of Python would be converted at every use.
        self.register_buffer("bound", torch.tensor(LOG_SCALE), persistent=False)

    def _parts(self, h: Tensor) -> tuple[Tensor, Tensor]:
        """What passes through, and what is moved."""
        kept, moved = h.split_with_sizes((self.first, h.shape[1] - self.first), 1)
        return kept, moved

    def _scale_and_shift(self, kept: Tensor, context: Tensor | None) -> tuple[Tensor, Tensor]:
        raw, shift = self.network(kept, context).chunk(2, dim=1)
        return self.bound * torch.tanh(raw / self.bound), shift

    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        kept, moved = self._parts(h)
        log_scale, shift = self._scale_and_shift(kept, context)
        return torch.cat([kept, (moved + shift) * log_scale.exp()], dim=1), log_scale.flatten(1).sum(1)

    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        kept, moved = self._parts(u)
        log_scale, shift = self._scale_and_shift(kept, context)
        return torch.cat([kept, moved * (-log_scale).exp() - shift], dim=1), -log_scale.flatten(1).sum(1)


class _Conditioned(nn.Module):
    """``last(act(middle(act(first(h) + embed(context)))))``, zero at the start."""

    def __init__(self, first: nn.Module, middle: nn.Module, last: nn.Module, embed: nn.Module | None) -> None:
        super().__init__()
        self.first, self.middle, self.last, self.embed = first, middle, last, embed
        for parameter in last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, h: Tensor, context: Tensor | None) -> Tensor:
        # Processors convolve single precision faster where the channels of a pixel lie together.
        together = h.dim() == 4 and h.dtype == torch.float32 and h.device.type == "cpu"
        if together:
            h = h.contiguous(memory_format=torch.channels_last)
        h = self.first(h)
        if self.embed is not None:
            bias = self.embed(context)
            h = h + bias.view(bias.shape + (1,) * (h.dim() - 2))
        found: Tensor = self.last(nn.functional.gelu(self.middle(nn.functional.gelu(h))))
        return found.contiguous() if together else found


class _Dropped(nn.Sequential):
    """Dropout, a layer, dropout; evaluated, the layer alone."""

    def forward(self, h: Tensor) -> Tensor:
        for layer in self if self.training else (self[1],):
            h = layer(h)
        return h


def _embedding(context: int, width: int) -> nn.Module | None:
    if context == 0:
        return None
    return nn.Sequential(nn.Linear(context, width), nn.GELU(), nn.Linear(width, width))


def convolutional(channels: int, width: int, *, context: int = 0) -> Coupling:
    """Coupling of images: 3 x 3, 1 x 1 and 3 x 3 convolutions of `width` channels."""
    first = channels // 2
    network = _Conditioned(
        nn.Conv2d(first, width, 3, padding=1),
        nn.Conv2d(width, width, 1),
        nn.Conv2d(width, 2 * (channels - first), 3, padding=1),
        _embedding(context, width),
    )
    return Coupling(network, first)


def fully_connected(n: int, width: int, *, dropout: float = 0.0, context: int = 0) -> Coupling:
    """Coupling of vectors: two hidden layers of `width` units."""
    first = n // 2
    middle = _Dropped(nn.Dropout(dropout), nn.Linear(width, width), nn.Dropout(dropout))
    network = _Conditioned(nn.Linear(first, width), middle, nn.Linear(width, 2 * (n - first)), _embedding(context, width))
    return Coupling(network, first)


class Haar(Layer):
    """Haar's wavelet step: (C, H, W) to (4 C, H/2, W/2), an orthogonal map; all means first, then the details."""

    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        a, b = h[:, :, 0::2, 0::2], h[:, :, 0::2, 1::2]
        c, d = h[:, :, 1::2, 0::2], h[:, :, 1::2, 1::2]
        return torch.cat(_butterfly(a, b, c, d), dim=1), h.new_zeros(len(h))

    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        a, b, c, d = _butterfly(*u.chunk(4, dim=1))  # symmetric and orthogonal: its own inverse
        rows = [torch.stack(pair, dim=-1).flatten(-2) for pair in ((a, b), (c, d))]
        return torch.stack(rows, dim=-2).flatten(-3, -2), u.new_zeros(len(u))


def _butterfly(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return (a + b + c + d) / 2, (a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2


class SpaceToDepth(Layer):
    """Each 2 x 2 block becomes 4 channels: (C, H, W) to (4 C, H/2, W/2), a permutation."""

    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        return nn.functional.pixel_unshuffle(h, 2), h.new_zeros(len(h))

    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        return nn.functional.pixel_shuffle(u, 2), u.new_zeros(len(u))


SQUEEZES: dict[str, type[Layer]] = {"haar": Haar, "space-to-depth": SpaceToDepth}


class MultiScale(Layer):
    """Images to flat latents: at each level squeeze, transform, and let half of the channels go out as latents.

    Parameters
    ----------
    squeezes : one layer a level.
    steps : one `Sequence` a level.
    shape : (C, H, W) of the input.
    """

    def __init__(self, squeezes: list[Layer], steps: list[Layer], shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.squeezes, self.steps, self.shape = nn.ModuleList(squeezes), nn.ModuleList(steps), shape

    def normalise(self, h: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        out, total, last = [], h.new_zeros(len(h)), len(self.steps) - 1
        for i, (squeeze, steps) in enumerate(zip(_typed(self.squeezes), _typed(self.steps), strict=True)):
            h, change = steps.normalise(squeeze.normalise(h)[0], context)
            total = total + change
            if i < last:
                # The details go out; with Haar's squeeze the first channels are the coarse image, which goes on.
                h, gone = h.chunk(2, dim=1)
                out.append(gone.flatten(1))
        return torch.cat([h.flatten(1), *reversed(out)], dim=1), total

    def generate(self, u: Tensor, context: Tensor | None = None) -> Mapped:  # noqa: D102
        squeezes, steps = _typed(self.squeezes), _typed(self.steps)
        total, levels = u.new_zeros(len(u)), len(steps)
        c, height, width = self.shape
        shapes = []
        for i in range(levels):
            c, height, width = 4 * c, height // 2, width // 2
            shapes.append((c, height, width))
            c = c // 2 if i < levels - 1 else c
        h, used = u[:, :0], 0
        for i in reversed(range(levels)):
            c, height, width = shapes[i]
            needed = c * height * width - (0 if i == levels - 1 else h[0].numel())
            part = u[:, used : used + needed]
            used += needed
            shape = (c, height, width) if i == levels - 1 else (c - h.shape[1], height, width)
            part = part.view(len(u), *shape)
            h, change = steps[i].generate(part if i == levels - 1 else torch.cat([h, part], dim=1), context)
            total = total + change
            h = squeezes[i].generate(h)[0]
        return h, total
