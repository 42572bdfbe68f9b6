r"""`Bijection`: what every flow here can do, given how it maps a batch of rows both ways.

The protocol is that of `LinearFlow`: `forward`, `inverse`, `log_det`, `log_prob`, `sample`, on flat signals and latents of
shape (..., n). An image of shape (H, W, C) is flat in that order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from linflow.checks import finite_array, generator, non_negative, positive_int
from linflow.errors import ShapeError


class Bijection(nn.Module):
    """Invertible model ``x = G(z)``, z ~ N(0, I); a subclass says how with :meth:`normalise` and :meth:`generate`."""

    mean: Tensor
    shape: tuple[int, ...]

    def _apply(self, fn: Any, recurse: bool = True) -> Bijection:
        # ``flow.float()`` is for the network: the linear part stays in float64 whatever is asked for.
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


@contextmanager
def frozen(flow: Bijection) -> Iterator[None]:
    """No dropout, and no graph behind the weights, for the length of a block."""
    training, learning = flow.training, [p for p in flow.parameters() if p.requires_grad]
    flow.eval().requires_grad_(False)
    try:
        yield
    finally:
        flow.train(training)
        for parameter in learning:
            parameter.requires_grad_(True)
