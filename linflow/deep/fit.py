r"""Training by maximum likelihood, resumable: the same weights whether or not it was stopped on the way.

Everything random at step k follows from (seed, k), so that a run that was killed and goes on from its checkpoint draws what
it would have drawn. AdamW, a cosine schedule, clipped gradients, an exponential moving average (EMA) of the weights; the
weights that are kept are those of the EMA with the best likelihood on held-out images.

Progress is in bits per dimension, ``-log2 p(x) / n - log2(delta)`` for images quantised in steps of delta and dequantised
by uniform noise, beside that of the linear model, which is where the flow starts.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike

from linflow.arrays import NoArray
from linflow.checks import (
    POSITIVE,
    FloatArray,
    Interval,
    channels_last,
    finite_array,
    instance_of,
    number_in,
    numbers_of,
    path_of,
    positive,
    positive_int,
    probability,
    whole_number,
)
from linflow.deep import checkpoint as checkpoints
from linflow.deep.augment import Augmentation, described, nothing
from linflow.deep.deterministic import seeded, thread_count
from linflow.deep.flow import Flow
from linflow.errors import InputError, NotConvergedError, ShapeError

#: Called with (fraction done, one line on how it goes).
Progress = Callable[[float, str], None]
Weights = dict[str, torch.Tensor]

_BETAS, _DECAY, _CLIP = (0.9, 0.99), 1e-4, 1.0
_EMA, _WARM_UP = 0.998, 20
#: Steps between two looks at the held-out images.
_LOOK = 50
#: Where training crops, so many held-out crops are looked at; so many at a time.
_CROPS, _PIECE = 1000, 256


@dataclass(frozen=True)
class Fitted(NoArray, instead="its bits"):
    """How training went.

    Parameters
    ----------
    steps : steps taken; with `minutes` this depends on the machine, and the same number given as `steps` repeats the run.
    bits : bits per dimension of the held-out images, with the weights that were kept.
    bits_linear : the same for the flow before training, its linear part.
    best_step : step at which the kept weights were reached; 0 if training never improved on the linear model.
    seconds : time spent in steps.
    """

    steps: int
    bits: float
    bits_linear: float
    best_step: int
    seconds: float


def fit(
    flow: Flow,
    images: ArrayLike,
    *,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    batch: int = 64,
    rate: float = 2e-3,
    levels: int = 256,
    augment: Augmentation = nothing,
    noise_levels: tuple[float, float] | None = None,
    held_out: float = 0.1,
    threads: int = 1,
    checkpoint: str | Path | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Train a flow in place.

    Parameters
    ----------
    images : (count, n) or (count, H, W, C) array, values in [0, 1]; larger than the flow only with an `augment` that crops.
    minutes, steps : how long; exactly one of them. The learning rate falls to zero over it. Given `steps`, the weights
        follow from the arguments alone.
    seed : everything random follows from it.
    batch : images a step.
    rate : largest learning rate.
    levels : number of values that a quantised pixel takes (256 for 8 bits, 17 for scikit-learn's digits).
    augment : see :mod:`linflow.deep.augment`.
    noise_levels : for a conditional flow, the range of the noise's standard deviation, drawn uniformly in its logarithm.
    held_out : fraction of the images that only choose the weights to keep; see :func:`training_images`.
    threads : threads of torch; the weights depend on them through rounding.
    checkpoint : file from which a stopped run continues; removed at the end.
    progress : called now and then.

    Raises
    ------
    ShapeError
        The images do not fit the flow.
    InputError
        Neither or both of `minutes` and `steps`, or a value outside its range.
    DataError
        A checkpoint that is damaged, or of another run.
    OutputError
        The checkpoint cannot be written.
    NotConvergedError
        The likelihood is not finite.

    Examples
    --------
    >>> from linflow.flow import LinearFlow
    >>> from linflow.deep.flow import RealNVP
    >>> u, v = np.random.default_rng(0).random((2, 200, 2))
    >>> images = np.hstack([u, (u - 0.5) ** 2 + 0.02 * v])  # a parabola, which no linear model knows
    >>> flow = RealNVP(LinearFlow.fit(images), steps=4, width=32)
    >>> fitted = fit(flow, images, steps=200)
    >>> fitted.bits < fitted.bits_linear - 0.1
    True
    """
    instance_of(flow, Flow, "flow")
    total, seconds = _length(steps, minutes)
    seed = whole_number(seed, "seed")
    if flow.conditional != (noise_levels is not None):
        raise InputError("noise_levels goes with a conditional flow, and a conditional flow needs it")
    if noise_levels is not None:
        low, high = numbers_of(noise_levels, "noise_levels", POSITIVE, length=2)
        if low > high:
            raise InputError(f"noise_levels must be a positive range (low, high), got {low} and {high}")
        noise_levels = low, high
    rate = number_in(rate, "rate", Interval(0.0, 1.0, open_low=True))
    values = _images(flow, images)
    training, validation = _divided(values, held_out, seed)
    validation = _fitting(flow, validation, augment, seed)
    run = _Run(flow, seed, 1.0 / (_at_least_two(levels) - 1), noise_levels, augment, positive_int(batch, "batch"))
    path = None if checkpoint is None else path_of(checkpoint, "checkpoint")
    with thread_count(threads):
        return _trained(flow, run, training, validation, rate, total, seconds, path, progress)


def training_images(images: FloatArray, held_out: float, seed: int) -> FloatArray:
    """The images that `fit` trains on; the others only choose the weights to keep."""
    return _divided(images, held_out, seed)[0]


def _trained(
    flow: Flow,
    run: _Run,
    training: FloatArray,
    validation: FloatArray,
    rate: float,
    total: int | None,
    seconds: float | None,
    path: Path | None,
    progress: Progress | None,
) -> Fitted:
    optimiser = torch.optim.AdamW(flow.body.parameters(), lr=rate, betas=_BETAS, weight_decay=_DECAY)
    linear = run.bits(validation)
    state = _State(step=0, seconds=0.0, best=linear, best_step=0, linear=linear)
    kept, average = copy.deepcopy(flow.body.state_dict()), copy.deepcopy(flow.body.state_dict())
    key = "" if path is None else _key(flow, run, training, rate, total, seconds)
    stateful = {"weights": flow.body, "optimiser": optimiser, "kept": kept, "average": average}
    if path is not None and path.exists():
        state = _State(**checkpoints.resume(path, key, stateful))
    elif path is not None:
        checkpoints.save(path, key, asdict(state), stateful)  # what cannot be written is known before the work
    saved = time.monotonic()
    while (done := _done(state, total, seconds)) < 1:
        start = time.monotonic()
        for group in optimiser.param_groups:
            group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done)) * min(1.0, (state.step + 1) / _WARM_UP)
        loss = run.loss(training, state.step)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(flow.body.parameters(), _CLIP)
        if bool(torch.isfinite(norm)):  # a step into overflow is left out, and the schedule goes on
            optimiser.step()
        state.step += 1
        _follow(average, flow.body.state_dict(), min(_EMA, (1 + state.step) / (10 + state.step)))
        state.seconds += time.monotonic() - start
        done = _done(state, total, seconds)
        if state.step % _LOOK == 0 or done >= 1:
            bits = run.bits_with(average, validation)
            if bits < state.best:
                state.best, state.best_step = bits, state.step
                kept.update(copy.deepcopy(average))
            if progress:
                progress(min(done, 1.0), f"{bits:.3f} bits/dim held out, linear {state.linear:.3f}")
        if path is not None and done < 1 and time.monotonic() - saved > checkpoints.SECONDS:
            checkpoints.save(path, key, asdict(state), stateful)
            saved = time.monotonic()
    flow.body.load_state_dict(kept)
    flow.eval()
    if not math.isfinite(state.best):
        raise NotConvergedError("the likelihood of the held-out images is not finite: the data may be constant somewhere")
    if path is not None:
        path.unlink(missing_ok=True)
    return Fitted(state.step, state.best, state.linear, state.best_step, state.seconds)


@dataclass
class _State:
    step: int
    seconds: float
    best: float
    best_step: int
    linear: float


@dataclass(frozen=True)
class _Run:
    """The loss of a step and the likelihood of the held-out images, everything random from (seed, step)."""

    flow: Flow
    seed: int
    unit: float
    noise_levels: tuple[float, float] | None
    augment: Augmentation
    batch: int

    def loss(self, images: FloatArray, step: int) -> torch.Tensor:
        rng = np.random.default_rng([self.seed, 2, step])
        chosen = images[rng.integers(0, len(images), self.batch)]
        x, noise_std = self._noisy(self.augment(chosen, rng).reshape(self.batch, -1), rng)
        self.flow.train()
        with seeded(int(rng.integers(2**62))):  # dropout
            return -self.flow.log_prob(x, noise_std).mean() / self.flow.n

    def bits(self, images: FloatArray) -> float:
        """Bits per dimension of held-out images."""
        x, noise = self._noisy(images.reshape(len(images), -1), np.random.default_rng([self.seed, 1]))
        self.flow.eval()
        with torch.no_grad():
            pieces = [
                self.flow.log_prob(x[i : i + _PIECE], None if noise is None else noise[i : i + _PIECE])
                for i in range(0, len(x), _PIECE)
            ]
        return -float(torch.cat(pieces).mean()) / self.flow.n / math.log(2) - math.log2(self.unit)

    def bits_with(self, weights: Weights, images: FloatArray) -> float:
        """The same with other weights."""
        own = copy.deepcopy(self.flow.body.state_dict())
        self.flow.body.load_state_dict(weights)
        found = self.bits(images)
        self.flow.body.load_state_dict(own)
        return found

    def _noisy(self, rows: FloatArray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor | None]:
        # A conditional flow sees noise that dwarfs the quantisation; a plain one is dequantised.
        if self.noise_levels is None:
            return torch.from_numpy(rows + self.unit * (rng.random(rows.shape) - 0.5)), None
        low, high = np.log(self.noise_levels)
        noise_std = np.exp(rng.uniform(low, high, (len(rows), 1)))
        return torch.from_numpy(rows + noise_std * rng.standard_normal(rows.shape)), torch.from_numpy(noise_std)


def _length(steps: int | None, minutes: float | None) -> tuple[int | None, float | None]:
    if (minutes is None) == (steps is None):
        raise InputError("give exactly one of minutes and steps")
    if minutes is not None:
        return None, 60 * positive(minutes, "minutes")
    return None if steps is None else positive_int(steps, "steps"), None


def _at_least_two(levels: int) -> int:
    levels = positive_int(levels, "levels")
    if levels < 2:
        raise InputError("levels must be at least 2: a pixel of one value carries nothing")
    return levels


def _images(flow: Flow, images: ArrayLike) -> FloatArray:
    values = finite_array(images, "images")
    if values.ndim == 2 and values.shape[1] == flow.n and len(flow.shape) == 3:
        values = values.reshape(len(values), *flow.shape)
    if values.ndim not in (2, 4) or len(values) == 0:
        raise ShapeError(f"images must have shape (count, {flow.n}) or (count, H, W, C), got {values.shape}")
    if values.ndim == 4:
        channels_last(values.shape, "images")
    return values


def _divided(images: FloatArray, held_out: float, seed: int) -> tuple[FloatArray, FloatArray]:
    held_out = probability(held_out, "held_out")
    if len(images) < 4:
        raise InputError(f"training needs at least 4 images, got {len(images)}")
    order = np.random.default_rng([seed, 0]).permutation(len(images))
    count = min(max(1, round(held_out * len(images))), len(images) - 2)
    return images[order[count:]], images[order[:count]]


def _fitting(flow: Flow, validation: FloatArray, augment: Augmentation, seed: int) -> FloatArray:
    """Held-out images of the flow's size: as they are, or where training crops, crops of them."""
    try:
        probe = augment(validation, np.random.default_rng([seed, 3]))
    except IndexError:
        raise ShapeError(f"this augmentation needs images of shape (count, H, W, C), got {validation.shape}") from None
    if probe[0].size != flow.n:
        raise ShapeError(
            f"the flow takes images of shape {flow.shape}, these are {validation.shape[1:]}: "
            "resize them, or train with a crop"
        )
    if probe.shape == validation.shape:
        return validation
    repeated = np.resize(validation, (max(_CROPS, len(validation)), *validation.shape[1:]))
    return augment(repeated, np.random.default_rng([seed, 3]))


def _done(state: _State, total: int | None, seconds: float | None) -> float:
    return state.step / total if total is not None else state.seconds / (seconds or math.inf)


@torch.no_grad()
def _follow(average: Weights, weights: Weights, decay: float) -> None:
    for name, value in weights.items():
        if value.dtype.is_floating_point:
            average[name].lerp_(value, 1 - decay)
        else:
            average[name].copy_(value)


def _key(flow: Flow, run: _Run, training: FloatArray, rate: float, total: int | None, seconds: float | None) -> str:
    """Digest of what the weights follow from."""
    network = (type(flow).__name__, flow.shape, flow.config, flow.dtype)
    told = (*network, run.seed, run.unit, run.noise_levels, run.batch, described(run.augment))
    whitening = (flow.mean.cpu().numpy(), flow.singular_values.cpu().numpy())
    return checkpoints.key_of((*told, rate, total, seconds, training.shape), training, *whitening)
