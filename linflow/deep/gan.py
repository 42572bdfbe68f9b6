r"""The rival without an inverse: a generative adversarial network, and compressed sensing with it (CSGM).

A generator maps a latent z ~ N(0, I_k), k far below n, to an image; only images in its k-dimensional range can be
reconstructed, whatever is measured. It is trained against a discriminator with the non-saturating loss and a penalty on the
discriminator's slope at real images (R1); what is kept is the exponential moving average of the generator. Spectral
normalisation in the place of R1 was tried: 4 dB less in compressed sensing of digits (m = 32).

Sources: Radford, Metz & Chintala 2016 (DCGAN); Mescheder, Geiger & Nowozin 2018 (R1); Bora et al. 2017 (CSGM).
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import softplus

from linflow.arrays import NoArray
from linflow.checks import (
    Interval,
    Random,
    channels_last,
    finite_array,
    generator,
    instance_of,
    noise_level,
    non_negative,
    number_in,
    path_of,
    positive_int,
    representable,
    sides,
    whole_number,
)
from linflow.deep import checkpoint as checkpoints
from linflow.deep.augment import Augmentation, described, nothing
from linflow.deep.deterministic import named_device, seeded, thread_count
from linflow.deep.lbfgs import minimise
from linflow.deep.solve import Solution
from linflow.errors import InputError, NotConvergedError, ShapeError
from linflow.measurement import Measurement, as_dense

_BETAS, _EMA = (0.5, 0.99), 0.995
#: Weight of the penalty on the discriminator's slope.
_R1 = 3.0
#: Up to this dimension generator and discriminator are fully connected.
LARGEST_VECTOR = 256
_REPORT = 50


class Generator(NoArray, nn.Module, instead="its forward(z)"):
    """``x = G(z)``: fully connected for vectors and small images, else transposed convolutions as in DCGAN.

    Parameters
    ----------
    shape : (H, W, C), or (n,); with n > 256 an image, H and W divisible by 8.
    latent : k, dimension of z.
    width : channels of the last hidden layer; fully connected, a quarter of the hidden units.
    seed : of the initial weights.
    """

    def __init__(self, shape: tuple[int, ...], *, latent: int = 20, width: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.shape = channels_last(sides(shape), "shape")
        self.latent, self.n = positive_int(latent, "latent"), math.prod(self.shape)
        width, seed = positive_int(width, "width"), whole_number(seed, "seed")
        self.config = {"latent": self.latent, "width": width, "seed": seed}
        with seeded(seed):
            self.network = _generator(self.shape, self.latent, width)

    def forward(self, z: ArrayLike | Tensor) -> Tensor:
        """Signals of the latents `z`, (..., k) to (..., n), float64, values in (0, 1)."""
        tensor = z if isinstance(z, Tensor) else torch.from_numpy(finite_array(z, "latents"))
        if tensor.dim() == 0 or tensor.shape[-1] != self.latent:
            raise ShapeError(f"this generator takes latents of shape (..., {self.latent}), got {tuple(tensor.shape)}")
        weights = next(self.network.parameters())
        grid = self.network(tensor.reshape(-1, self.latent).to(device=weights.device, dtype=weights.dtype))
        flat = grid if grid.dim() == 2 else grid.permute(0, 2, 3, 1).reshape(len(grid), self.n)
        return torch.sigmoid(flat.double()).view(*tensor.shape[:-1], self.n)

    def sample(self, count: int, rng: Random) -> Tensor:
        """`count` signals, (count, n), of latents z ~ N(0, I)."""
        with torch.no_grad():
            found: Tensor = self(generator(rng).standard_normal((positive_int(count, "count"), self.latent)))
        return found


def fit_gan(
    images: ArrayLike,
    *,
    steps: int,
    seed: int = 0,
    latent: int = 20,
    width: int = 64,
    batch: int = 64,
    rate: float = 1e-3,
    augment: Augmentation = nothing,
    threads: int = 1,
    device: str = "cpu",
    checkpoint: str | Path | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Generator:
    """Train a generator.

    Parameters
    ----------
    images : (count, n) or (count, H, W, C) array, values in [0, 1].
    steps : steps of the generator, each after one of the discriminator; the learning rate falls to zero over them.
    seed : everything random follows from it.
    latent, width : of the `Generator`.
    batch : images a step.
    rate : largest learning rate.
    augment : see :mod:`linflow.deep.augment`.
    threads : threads of torch; the weights depend on them through rounding.
    device : where to train, and where the generator is afterwards.
    checkpoint : file from which a stopped run continues, to the same weights; removed at the end.
    progress : called now and then with the fraction done and one line.

    Raises
    ------
    ShapeError
        Images that a generator cannot make.
    DataError
        A checkpoint that is damaged, or of another run.
    OutputError
        The checkpoint cannot be written.
    NotConvergedError
        The losses are not finite any more.
    """
    values = finite_array(images, "images")
    if values.ndim not in (2, 4) or len(values) < 2:
        raise ShapeError(f"images must have shape (count, n) or (count, H, W, C) with count > 1, got {values.shape}")
    if values.ndim == 4:
        channels_last(values.shape, "images")
    if values.min() < 0 or values.max() > 1:
        raise InputError(f"images must have values in [0, 1], got {values.min():g} to {values.max():g}")
    steps, batch = positive_int(steps, "steps"), positive_int(batch, "batch")
    rate = number_in(rate, "rate", Interval(0.0, 1.0, open_low=True))
    seed = whole_number(seed, "seed")
    made = Generator(values.shape[1:], latent=latent, width=width, seed=seed).to(named_device(device))
    with thread_count(threads), seeded(seed):
        judge = _discriminator(made.shape, width).to(device)
        average = copy.deepcopy(made)
        players = [torch.optim.Adam(net.parameters(), lr=rate, betas=_BETAS) for net in (made.network, judge)]
        nets = {"generator": made, "discriminator": judge, "average": average}
        stateful = nets | {f"optimiser {i}": player for i, player in enumerate(players)}
        path = None if checkpoint is None else path_of(checkpoint, "checkpoint")
        told = (made.shape, made.config, steps, seed, batch, rate, values.shape, described(augment))
        key = "" if path is None else checkpoints.key_of(told, values)
        first = 0
        if path is not None and path.exists():
            first = int(checkpoints.resume(path, key, stateful)["step"])
        elif path is not None:
            checkpoints.save(path, key, {"step": first}, stateful)  # what cannot be written is known before the work
        saved = time.monotonic()
        for step in range(first, steps):
            rng = np.random.default_rng([seed, 2, step])
            for player in players:
                player.param_groups[0]["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
            chosen = values[rng.integers(0, len(values), batch)]
            real = torch.from_numpy((augment(chosen, rng) if chosen.ndim == 4 else chosen).reshape(batch, -1)).to(device)
            losses = _round(made, judge, players, real, torch.from_numpy(rng.standard_normal((batch, latent))))
            if not all(math.isfinite(loss) for loss in losses):
                raise NotConvergedError(f"the losses were not finite at step {step}: train with a smaller rate")
            _follow(average, made, min(_EMA, (1 + step) / (10 + step)))
            if progress and (step % _REPORT == 0 or step == steps - 1):
                progress((step + 1) / steps, f"losses {losses[0]:.2f} discriminator, {losses[1]:.2f} generator")
            if path is not None and time.monotonic() - saved > checkpoints.SECONDS:
                checkpoints.save(path, key, {"step": step + 1}, stateful)
                saved = time.monotonic()
    if path is not None:
        path.unlink(missing_ok=True)
    return average.eval()


def csgm(
    made: Generator,
    A: Measurement,
    y: ArrayLike,
    *,
    rng: Random,
    noise_std: float = 0.0,
    penalty: float | None = None,
    restarts: int = 10,
    steps: int = 100,
) -> Solution:
    """Explain measurements by a generator: ``min_z |A G(z) - y|^2 + gamma |z|^2``, the best of several starts.

    Parameters
    ----------
    A : (m, n) array or measurement operator, [y]/[x]
    y : (..., m) array, [y]; leading axes are a batch, and every image gets the same starts.
    rng : of the starts, z ~ N(0, I); the first start is 0.
    noise_std : noise on each measurement, [y].
    penalty : gamma, [y]^2; default ``noise_std**2``, for the most likely latent.
    restarts : number of starts.
    steps : most steps of L-BFGS from each.

    Returns
    -------
    Solution
        With latents `z` of shape (..., k).

    Raises
    ------
    ShapeError
        `A` or `y` do not fit the generator.
    InputError
        Values that are not finite, or a negative penalty.
    """
    instance_of(made, Generator, "made")
    noise_std = noise_level(noise_std)
    gamma = noise_std**2 if penalty is None else non_negative(penalty, "penalty")
    restarts, steps = positive_int(restarts, "restarts"), positive_int(steps, "steps")
    dense, values = as_dense(A), finite_array(y, "y")
    if np.iscomplexobj(dense) or dense.shape[1] != made.n:
        raise ShapeError(f"A must be real with {made.n} columns for this generator, got shape {dense.shape}")
    if values.ndim == 0 or values.shape[-1] != len(dense):
        raise ShapeError(f"y must have shape (..., {len(dense)}) for this A, got {values.shape}")
    batch, count = values.shape[:-1], math.prod(values.shape[:-1])
    starts = generator(rng).standard_normal((restarts, made.latent))
    starts[0] = 0.0
    searched = copy.deepcopy(made).eval()
    if made.n <= LARGEST_VECTOR:  # in float32 rounding decides where a search ends, and other images in the batch with it
        searched.double()
    device = next(searched.parameters()).device
    operator = torch.from_numpy(np.array(dense, dtype=np.float64)).to(device)
    target = torch.from_numpy(values.reshape(count, -1)).to(device)

    def objective(z: Tensor, rows: Tensor) -> Tensor:
        misfit: Tensor = searched(z) @ operator.T - target[rows // restarts]
        return misfit.square().sum(1) + gamma * z.square().sum(1)

    found = minimise(objective, torch.from_numpy(np.tile(starts, (count, 1))).to(device), steps=steps)
    best = found.values.view(count, restarts).argmin(1) + restarts * torch.arange(count, device=device)
    z = found.points[best]
    with torch.no_grad():
        x = searched(z)
    return Solution(
        x=representable(x.cpu().numpy(), "the reconstruction").reshape(*batch, made.n),
        z=representable(z.cpu().numpy(), "its latent").reshape(*batch, made.latent),
        objective=representable(found.values[best].cpu().numpy(), "the objective").reshape(batch),
        steps=found.steps[best].cpu().numpy().reshape(batch),
        converged=found.converged[best].cpu().numpy().reshape(batch),
    )


# --------------------------------------------------------------------------------------------------------- the networks


def _generator(shape: tuple[int, ...], latent: int, width: int) -> nn.Sequential:
    n = math.prod(shape)
    if n <= LARGEST_VECTOR:
        hidden = 4 * width
        layers: list[nn.Module] = [nn.Linear(latent, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU()]
        return nn.Sequential(*layers, nn.Linear(hidden, n))
    height, side, channels = _image(shape)
    layers = [nn.Linear(latent, 4 * width * height * side, bias=False), nn.Unflatten(1, (4 * width, height, side))]
    for before, after in ((4 * width, 2 * width), (2 * width, width), (width, channels)):
        layers += [nn.BatchNorm2d(before), nn.GELU(), nn.ConvTranspose2d(before, after, 4, 2, 1)]
    return nn.Sequential(*layers)


def _discriminator(shape: tuple[int, ...], width: int) -> nn.Sequential:
    n = math.prod(shape)
    if n <= LARGEST_VECTOR:
        hidden: list[nn.Module] = []
        for before, after in ((n, 4 * width), (4 * width, 4 * width)):
            hidden += [nn.Linear(before, after), nn.LeakyReLU(0.2)]
        return nn.Sequential(*hidden, nn.Linear(4 * width, 1))
    height, side, channels = _image(shape)
    counts = (channels, width, 2 * width, 4 * width)
    layers: list[nn.Module] = [_ToGrid(shape)]
    for before, after in pairwise(counts):
        layers += [nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * width * height * side, 1))


def _image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) != 3 or shape[0] % 8 or shape[1] % 8:
        raise ShapeError(
            f"a generator of more than {LARGEST_VECTOR} pixels makes images (H, W, C) with H and W divisible by 8, "
            f"got shape {shape}"
        )
    return shape[0] // 8, shape[1] // 8, shape[2]


class _ToGrid(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, flat: Tensor) -> Tensor:
        return flat.view(-1, *self.shape).permute(0, 3, 1, 2)


def _round(
    made: Generator, judge: nn.Module, players: list[torch.optim.Adam], real: Tensor, z: Tensor
) -> tuple[float, float]:
    """One step of the discriminator, one of the generator; returns their losses."""
    fake = made(z)
    seen = (real.float() - 0.5).requires_grad_(True)
    judged = judge(seen)
    loss = softplus(-judged).mean() + softplus(judge(fake.detach().float() - 0.5)).mean()
    (slope,) = torch.autograd.grad(judged.sum(), seen, create_graph=True)
    players[1].zero_grad(set_to_none=True)
    held = loss + 0.5 * _R1 * slope.square().sum(1).mean()
    held.backward()  # type: ignore[no-untyped-call]
    players[1].step()
    own = softplus(-judge(fake.float() - 0.5)).mean()
    players[0].zero_grad(set_to_none=True)
    own.backward()  # type: ignore[no-untyped-call]
    players[0].step()
    return float(loss.detach()), float(own.detach())


@torch.no_grad()
def _follow(average: Generator, made: Generator, decay: float) -> None:
    for kept, new in zip(average.state_dict().values(), made.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)
