r"""`Flow`: an invertible network whose first layer is a linear flow.

``x = mean + G g(z)``, z ~ N(0, I): G is the matrix of a :class:`~linflow.flow.LinearFlow`, g a stack of invertible layers
that starts as an orthogonal map. So a fresh flow *is* the linear flow, with its likelihood; what training adds is the
nonlinear part. G and its inverse are applied in float64: kept in float32 they cost five digits out of distribution.

The protocol is that of `LinearFlow`: `forward`, `inverse`, `log_det`, `log_prob`, `sample`, on flat signals and latents of
shape (..., n). An image of shape (H, W, C) is flat in that order.

With ``conditional=True`` the flow is a family p_s(x) over noise levels s: the law of x plus noise of standard deviation s
(a prior for denoising). Its linear part is then the exact ``(Sigma + s^2 I)^{1/2}``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from linflow.checks import (
    Interval,
    Random,
    finite_array,
    flag,
    generator,
    instance_of,
    non_negative,
    number_in,
    one_of,
    positive_int,
    sides,
    whole_number,
)
from linflow.deep.deterministic import seeded
from linflow.deep.layers import (
    SQUEEZES,
    ActNorm,
    InvertibleConv,
    Layer,
    MultiScale,
    Permutation,
    Sequence,
    convolutional,
    fully_connected,
)
from linflow.errors import InputError, ShapeError
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum

#: Features of the noise level that the couplings of a conditional flow see.
CONTEXT = 8
#: Noise level at which the features are centred, and the ratio that one unit of them stands for.
_CENTRE, _DECADE = 0.05, math.log(5.0)


class Flow(nn.Module):
    r"""Invertible generative model ``x = mean + G g(z)``; made as `RealNVP` or `Glow`.

    Parameters
    ----------
    linear : LinearFlow
        The linear part, as `LinearFlow.fit` gives it; it is kept in float64.
    body : Layer
        g^{-1}; takes images as (batch, C, H, W), vectors as (batch, n), and returns (batch, n).
    shape : (H, W, C) of an image, or (n,)
    config : what the class needs to be made again, for :func:`~linflow.deep.save`.
    conditional : whether the flow takes a noise level.
    """

    mean: Tensor
    basis: Tensor
    singular_values: Tensor
    latent_basis: Tensor

    def __init__(
        self, linear: LinearFlow, body: Layer, shape: tuple[int, ...], config: dict[str, Any], *, conditional: bool
    ) -> None:
        super().__init__()
        self.body, self.shape, self.config, self.conditional = body, shape, config, conditional
        basis = _or_eye(linear.basis, linear.n)
        self.register_buffer("mean", torch.tensor(np.array(linear.mean)))
        self.register_buffer("singular_values", torch.tensor(np.array(linear.spectrum.singular_values)))
        self.register_buffer("basis", torch.tensor(basis))
        if linear.latent_basis is linear.basis or np.array_equal(_or_eye(linear.latent_basis, linear.n), basis):
            self.register_buffer("latent_basis", self.basis)  # as of a fitted flow: kept, moved and saved once
        else:
            self.register_buffer("latent_basis", torch.tensor(_or_eye(linear.latent_basis, linear.n)))

    def _apply(self, fn: Any, recurse: bool = True) -> Flow:
        # ``flow.float()`` is for the network: the linear part stays in float64 whatever is asked for.
        linear = {name: buffer for name, buffer in self._buffers.items() if buffer is not None}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, buffer in linear.items():
            moved = cast(Tensor, self._buffers[name])
            self._buffers[name] = buffer.to(device=moved.device, dtype=torch.float64)
        return self

    # ------------------------------------------------------------------------------------------------- quantities

    @property
    def n(self) -> int:
        """Dimension of signal and latent."""
        return int(self.mean.numel())

    @property
    def linear(self) -> LinearFlow:
        """The linear flow that this flow started from."""
        arrays = {name: getattr(self, name).cpu().numpy() for name in ("mean", "basis", "latent_basis")}
        return LinearFlow(Spectrum(self.singular_values.cpu().numpy(), name="linear part"), **arrays)

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the network."""
        return next((p.dtype for p in self.body.parameters()), torch.float64)

    def tensor(self, values: ArrayLike) -> Tensor:
        """A copy of an array in float64, where the flow is (on the CPU or an accelerator)."""
        return torch.from_numpy(finite_array(values, "values")).to(self.mean.device)

    # ------------------------------------------------------------------------------------------------- both ways

    def forward(self, z: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """Signals of the latents `z`, (..., n) to (..., n), float64."""
        return self.generate(z, noise_std)[0]

    def inverse(self, x: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """Latents of the signals `x`, (..., n) to (..., n), float64."""
        return self.normalise(x, noise_std)[0]

    def log_det(self, z: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """``log |det dx/dz|`` at the latents `z`, shape (...)."""
        return self.generate(z, noise_std)[1]

    def log_prob(self, x: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """Log-density at the signals `x`, in nats, shape (...)."""
        z, log_det = self.normalise(x, noise_std)
        return log_det - 0.5 * (z.square().sum(-1) + self.n * math.log(2 * math.pi))

    def sample(self, count: int, rng: Random, *, noise_std: float | None = None, temperature: float = 1.0) -> Tensor:
        """`count` signals, (count, n), of latents ``z ~ N(0, temperature^2 I)``."""
        temperature = non_negative(temperature, "temperature")
        z = temperature * generator(rng).standard_normal((positive_int(count, "count"), self.n))
        with torch.no_grad():
            return self.forward(z, noise_std)

    def normalise(self, x: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Latents of the signals `x`, and ``log |det dz/dx|``."""
        x, batch = self._batch(x, "signals")
        scale, context = self._noise(noise_std, len(x))
        white = ((x - self.mean) @ self.basis / scale) @ self.latent_basis.T
        z, log_det = self.body.normalise(self._to_grid(white.to(self.dtype)), context)
        return z.double().view(*batch, self.n), (log_det.double() - scale.log().sum(-1)).view(batch)

    def generate(self, z: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Signals of the latents `z`, and ``log |det dx/dz|``."""
        z, batch = self._batch(z, "latents")
        scale, context = self._noise(noise_std, len(z))
        h, log_det = self.body.generate(z.to(self.dtype), context)
        x = self.mean + (self._from_grid(h).double() @ self.latent_basis * scale) @ self.basis.T
        return x.view(*batch, self.n), (log_det.double() + scale.log().sum(-1)).view(batch)

    def _batch(self, values: ArrayLike | Tensor, what: str) -> tuple[Tensor, torch.Size]:
        tensor = values if isinstance(values, Tensor) else self.tensor(finite_array(values, what))
        tensor = tensor.to(device=self.mean.device, dtype=torch.float64)
        if tensor.dim() == 0 or tensor.shape[-1] != self.n:
            raise ShapeError(
                f"this flow takes flat {what} of shape (..., {self.n}), an image {self.shape} flattened; "
                f"got shape {tuple(tensor.shape)}"
            )
        return tensor.reshape(-1, self.n), tensor.shape[:-1]

    def _noise(self, noise_std: float | Tensor | None, count: int) -> tuple[Tensor, Tensor | None]:
        """Scales of the linear part, (1 or count, n), and what the couplings see of the noise level."""
        if not self.conditional:
            if noise_std is not None:
                raise InputError("noise_std is for a flow made with conditional=True; this one has no noise level")
            return self.singular_values[None], None
        if noise_std is None:
            raise InputError("this flow is conditional: give the noise level noise_std, in the signals' units")
        s = noise_std if isinstance(noise_std, Tensor) else self.tensor(finite_array(noise_std, "noise_std"))
        s = s.to(device=self.mean.device, dtype=torch.float64).reshape(-1, 1)
        if not bool(((s > 0) & torch.isfinite(s)).all()) or len(s) not in (1, count):
            raise InputError("noise_std must be positive and finite, one number or one for each signal")
        place = (s.log() - math.log(_CENTRE)) / _DECADE
        waves = torch.cat([place * 2.0**k for k in range((CONTEXT - 2) // 2)], dim=1)
        features = torch.cat([place, place.square() - 1, waves.sin(), waves.cos()], dim=1)
        return (self.singular_values.square() + s.square()).sqrt(), features.to(self.dtype).expand(count, -1)

    def _to_grid(self, h: Tensor) -> Tensor:
        return h if len(self.shape) == 1 else h.view(-1, *self.shape).permute(0, 3, 1, 2)

    def _from_grid(self, h: Tensor) -> Tensor:
        return h if len(self.shape) == 1 else h.permute(0, 2, 3, 1).reshape(len(h), self.n)


class RealNVP(Flow):
    r"""RealNVP: affine couplings between fixed permutations.

    Parameters
    ----------
    linear : LinearFlow
        First layer.
    shape : (n,) for vectors, (H, W, C) for images, with H and W divisible by ``2**levels``.
    steps : couplings (for images: in each level).
    width : hidden units or channels of a coupling.
    levels : levels of the multi-scale architecture, images only.
    dropout : vectors only.
    conditional : take a noise level.
    seed : of the permutations and the initial weights.
    """

    def __init__(
        self,
        linear: LinearFlow,
        shape: tuple[int, ...] | None = None,
        *,
        steps: int = 8,
        width: int = 128,
        levels: int = 2,
        dropout: float = 0.1,
        conditional: bool = False,
        seed: int = 0,
    ) -> None:
        steps, width, levels = _sizes(steps=steps, width=width, levels=levels)
        instance_of(linear, LinearFlow, "linear")
        dropout = number_in(dropout, "dropout", Interval(0.0, 1.0, open_high=True))
        conditional, seed = flag(conditional, "conditional"), whole_number(seed, "seed")
        shape = _checked_shape((linear.n,) if shape is None else shape, linear.n, levels)
        config = {"steps": steps, "width": width, "levels": levels, "dropout": dropout}
        config |= {"conditional": conditional, "seed": seed}
        context = CONTEXT if conditional else 0

        def coupling(channels: int) -> list[Layer]:
            permuted = Permutation(torch.randperm(channels))
            if len(shape) == 1:
                return [permuted, fully_connected(channels, width, dropout=dropout, context=context)]
            return [permuted, convolutional(channels, width, context=context)]

        with seeded(seed):
            if len(shape) == 1:
                body: Layer = Sequence(*(layer for _ in range(steps) for layer in coupling(linear.n)))
            else:
                body = _multi_scale(shape, levels, steps, "space-to-depth", coupling)
        super().__init__(linear, body, shape, config, conditional=conditional)


class Glow(Flow):
    r"""Glow: at each level a squeeze, then steps of actnorm, invertible 1 x 1 convolution and affine coupling.

    Parameters
    ----------
    linear : LinearFlow
        First layer.
    shape : (H, W, C), H and W divisible by ``2**levels``.
    steps : steps in each level.
    width : channels of a coupling.
    levels : levels of the multi-scale architecture.
    squeeze : "haar" or "space-to-depth".
    conditional : take a noise level.
    seed : of the initial rotations and weights.
    """

    def __init__(
        self,
        linear: LinearFlow,
        shape: tuple[int, int, int],
        *,
        steps: int = 6,
        width: int = 48,
        levels: int = 2,
        squeeze: str = "haar",
        conditional: bool = False,
        seed: int = 0,
    ) -> None:
        steps, width, levels = _sizes(steps=steps, width=width, levels=levels)
        instance_of(linear, LinearFlow, "linear")
        conditional, seed = flag(conditional, "conditional"), whole_number(seed, "seed")
        if len(sides(shape)) != 3:
            raise ShapeError(f"Glow is for images: shape must be (H, W, C), got {shape}")
        shape = cast(tuple[int, int, int], _checked_shape(shape, linear.n, levels))
        config = {"steps": steps, "width": width, "levels": levels, "squeeze": squeeze}
        config |= {"conditional": conditional, "seed": seed}
        context = CONTEXT if conditional else 0

        def step(channels: int) -> list[Layer]:
            return [ActNorm(channels), InvertibleConv(channels), convolutional(channels, width, context=context)]

        with seeded(seed):
            body = _multi_scale(shape, levels, steps, squeeze, step)
        super().__init__(linear, body, shape, config, conditional=conditional)


def _multi_scale(
    shape: tuple[int, ...], levels: int, steps: int, squeeze: str, step: Callable[[int], list[Layer]]
) -> MultiScale:
    one_of(squeeze, "squeeze", tuple(SQUEEZES))
    height, width, channels = shape
    stacks: list[Layer] = []
    for _ in range(levels):
        channels *= 4
        stacks.append(Sequence(*(layer for _ in range(steps) for layer in step(channels))))
        channels //= 2
    return MultiScale([SQUEEZES[squeeze]() for _ in range(levels)], stacks, (shape[2], height, width))


def _sizes(**sizes: int) -> list[int]:
    return [positive_int(value, name) for name, value in sizes.items()]


def _checked_shape(shape: tuple[int, ...], n: int, levels: int) -> tuple[int, ...]:
    shape = sides(shape)
    if n < 2:
        raise ShapeError("a coupling needs two coordinates at least: n = 1 has no nonlinear flow here")
    if math.prod(shape) != n or len(shape) not in (1, 3):
        raise ShapeError(f"the linear part has n = {n}: shape must be ({n},), or (H, W, C) with H W C = {n}; got {shape}")
    if len(shape) == 3 and any(side % 2**levels for side in shape[:2]):
        raise ShapeError(f"{levels} levels halve the image {levels} times: {shape[0]} x {shape[1]} does not allow that")
    return shape


def _or_eye(basis: np.ndarray | None, n: int) -> np.ndarray:
    return np.eye(n) if basis is None else np.array(basis)


@contextmanager
def frozen(flow: Flow) -> Iterator[None]:
    """No dropout, and no graph behind the weights, for the length of a block."""
    training, learning = flow.training, [p for p in flow.parameters() if p.requires_grad]
    flow.eval().requires_grad_(False)
    try:
        yield
    finally:
        flow.train(training)
        for parameter in learning:
            parameter.requires_grad_(True)
