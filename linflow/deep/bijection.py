r"""What linflow needs of a flow: the protocol `AnyFlow`, and `Bijection`, which has all of it but the two maps themselves.

Signals and latents are flat, (..., n), in float64 whatever the precision of the network; an image of shape (H, W, C) is
flat in that order. `forward`, `inverse`, `log_det`, `log_prob` and `sample` are those of `LinearFlow`, in torch.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from linflow.arrays import NoArray
from linflow.checks import finite_array, generator, non_negative, positive_int
from linflow.errors import ShapeError
from linflow.flow import LinearFlow


class AnyFlow(Protocol):
    """A flow as solvers, theory and experiments use it; `noise_std` is for conditional flows alone.

    `RealNVP` and `Glow` are one, so is what :func:`linflow.deep.wrap` makes of another library's flow, and
    :func:`linflow.deep.flow.flow_of` of a `LinearFlow`.
    """

    shape: tuple[int, ...]
    #: Whether it is a family of densities, one for each level of noise.
    conditional: bool
    #: Where a search may begin, (n,) in float64; it says on which device the flow is.
    mean: Tensor

    @property
    def n(self) -> int:
        """Dimension of signal and latent."""

    @property
    def linear(self) -> LinearFlow:
        """The Gaussian model with which the flow is compared, and in whose coordinates a search goes on."""

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the maps; results are float64 in any case."""

    def tensor(self, values: ArrayLike) -> Tensor:
        """An array in float64 on the flow's device."""

    def generate(self, z: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Signals of the latents `z`, (..., n), and ``log |det dx/dz|``, (...)."""

    def normalise(self, x: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Latents of the signals `x`, (..., n), and ``log |det dz/dx|``, (...)."""

    def forward(self, z: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """The first of `generate`."""

    def inverse(self, x: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """The first of `normalise`."""

    def log_det(self, z: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """The second of `generate`."""

    def log_prob(self, x: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """Log-density at the signals, (...), in nats; -inf where it is beyond the range of numbers."""

    def sample(
        self, count: int, rng: np.random.Generator, *, noise_std: float | None = None, temperature: float = 1.0
    ) -> Tensor:
        """Signals of latents ``z ~ N(0, temperature^2 I)``, (count, n)."""

    def frozen(self) -> AbstractContextManager[None]:
        """Evaluate, and keep no graph behind the weights, for the length of a block."""

    def digest(self) -> str:
        """What tells it from other flows: a digest of its weights."""


class Bijection(NoArray, nn.Module, instead="its sample(...), or its forward(z)"):
    """An `AnyFlow` ``x = G(z)``, z ~ N(0, I); a subclass adds `normalise`, `generate`, `linear` and `dtype`."""

    mean: Tensor
    shape: tuple[int, ...]
    conditional: bool = False

    def _apply(self, fn: Any, recurse: bool = True) -> Bijection:
        # ``flow.float()`` is for the network: a flow's own buffers stay in float64 whatever is asked for.
        linear = {name: buffer for name, buffer in self._buffers.items() if buffer is not None}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        for name, buffer in linear.items():
            moved = cast(Tensor, self._buffers[name])
            self._buffers[name] = buffer.to(device=moved.device, dtype=torch.float64)
        return self

    @property
    def n(self) -> int:
        """Dimension of signal and latent."""
        return int(self.mean.numel())

    @property
    def linear(self) -> LinearFlow:
        """The Gaussian model beside the flow."""
        raise NotImplementedError

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the network."""
        raise NotImplementedError

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
        """Log-density at the signals `x`, in nats, shape (...).

        It is -inf where the latent, or the way to it, leaves the range of numbers of the flow's precision.
        """
        z, log_det = self.normalise(x, noise_std)
        found = log_det - 0.5 * (z.square().sum(-1) + self.n * math.log(2 * math.pi))
        if bool(torch.isnan(found).any()):
            # Infinities of both signs met on the way. A NaN near the data has another cause, and stays.
            found = torch.where(torch.isnan(found) & self._far(x), -math.inf, found)
        return found

    def sample(
        self, count: int, rng: np.random.Generator, *, noise_std: float | None = None, temperature: float = 1.0
    ) -> Tensor:
        """`count` signals, (count, n), of latents ``z ~ N(0, temperature^2 I)``."""
        temperature = non_negative(temperature, "temperature")
        z = temperature * generator(rng).standard_normal((positive_int(count, "count"), self.n))
        with torch.no_grad():
            return self.forward(z, noise_std)

    def normalise(self, x: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Latents of the signals `x`, and ``log |det dz/dx|``."""
        raise NotImplementedError

    def generate(self, z: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Signals of the latents `z`, and ``log |det dx/dz|``."""
        raise NotImplementedError

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """No dropout, and no graph behind the weights, for the length of a block."""
        # Each part by itself: some of a model may have been set to evaluate, and the rest not.
        modes, learning = (
            [(part, part.training) for part in self.modules()],
            [p for p in self.parameters() if p.requires_grad],
        )
        self.eval().requires_grad_(False)
        try:
            yield
        finally:
            for part, training in modes:
                part.training = training
            for parameter in learning:
                parameter.requires_grad_(True)

    def digest(self) -> str:
        """Hexadecimal digest of every weight: names, precision, shapes and bits."""
        found = hashlib.sha256(f"{type(self).__qualname__} {self.shape}".encode())
        for name, value in sorted(self.state_dict().items()):
            values = value.detach().cpu().contiguous() if isinstance(value, Tensor) else torch.tensor([])
            found.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
            found.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
        return found.hexdigest()

    def _far(self, x: ArrayLike | Tensor) -> Tensor:
        """Which signals lie so many standard deviations out that in the flow's precision they keep no digit of one."""
        rows, batch = self._batch(x, "signals")
        scale = float(self.linear.spectrum.singular_values[0])
        out = ~((rows - self.mean).abs().amax(-1) <= scale / torch.finfo(self.dtype).eps)
        return (out & ~torch.isnan(rows).any(-1)).view(batch)

    def _batch(self, values: ArrayLike | Tensor, what: str) -> tuple[Tensor, torch.Size]:
        tensor = values if isinstance(values, Tensor) else self.tensor(finite_array(values, what))
        tensor = tensor.to(device=self.mean.device, dtype=torch.float64)
        if tensor.dim() == 0 or tensor.shape[-1] != self.n:
            raise ShapeError(
                f"this flow takes flat {what} of shape (..., {self.n}), an image {self.shape} flattened; "
                f"got shape {tuple(tensor.shape)}"
            )
        return tensor.reshape(-1, self.n), tensor.shape[:-1]

    def _to_grid(self, h: Tensor) -> Tensor:
        return h if len(self.shape) == 1 else h.view(-1, *self.shape).permute(0, 3, 1, 2)

    def _from_grid(self, h: Tensor) -> Tensor:
        return h if len(self.shape) == 1 else h.permute(0, 2, 3, 1).reshape(len(h), self.n)
