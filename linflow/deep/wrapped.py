r"""`wrap`: a flow of another library, or two functions, as a flow of linflow; held against what a flow is at once.

``x = mean + T(base_mean + base_std z)``, z ~ N(0, I): T is the model, whose latents may have any independent normal
distribution, and `mean` an offset for models of centred signals. The model stays what it is: its weights are not copied,
and it computes in its own precision, in which the signals reach it.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from linflow.arrays import shown
from linflow.checks import Interval, batch_of, callable_of, channels_last, instance_of, number_in, positive_int, sides
from linflow.deep.bijection import AnyFlow, Bijection
from linflow.deep.deterministic import thread_count
from linflow.deep.flow import flow_of, is_flow
from linflow.deep.laws import refuted
from linflow.deep.readers import Mapped, Pair, Reader, reader_of
from linflow.deep.slopes import jacobians
from linflow.engine.users import described
from linflow.errors import InputError, LinflowError, ShapeError
from linflow.flow import LinearFlow

#: Largest n for which a missing log-determinant is computed from the Jacobian, which takes n backward passes each time.
LARGEST_WITHOUT = 128
#: Largest n for which `wrap` holds a model's log-determinant against its Jacobian.
LARGEST_CHECKED = 256
#: Signals drawn for the Gaussian model beside a flow: at least so many, so many for each dimension, and numbers at most.
_LEAST, _EACH, _NUMBERS = 2000, 20, 2 * 10**7
#: Signals beyond this have no covariance.
_LARGEST_SIGNAL = 1e100
#: Signals computed at once, and those from which it is seen how large signals are.
_PIECE, _PROBES = 512, 32
_TOLERANCES = Interval(0.0, 1.0, open_low=True, open_high=True)


class Wrapped(Bijection):
    """Another library's flow; made by :func:`wrap`."""

    def __init__(
        self,
        model: Any,
        reader: Reader,
        shape: tuple[int, ...],
        mean: np.ndarray,
        linear: LinearFlow | None,
    ) -> None:
        super().__init__()
        self.model, self.reader, self.shape = model, reader, shape
        self.register_buffer("mean", torch.from_numpy(mean).to(_place(model)[1]))
        self._given, self._linear, self._dtype = linear, linear, _place(model)[0]
        #: How far out samples lie, once it was asked.
        self._reach: float | None = None
        #: Of the model's own latents, which images may have in another shape.
        self.latent_shape: tuple[int, ...] = (self.n,) if len(shape) == 1 else (shape[2], shape[0], shape[1])

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the model's weights; for a model without, that in which it answers."""
        found = _place(self.model)[0]
        return self._dtype or torch.float64 if found is None else found

    @property
    def linear(self) -> LinearFlow:
        """The Gaussian model that was given, or one of the flow's own mean and covariance, from samples."""
        if self._linear is None:
            count = max(2 * self.n, min(max(_EACH * self.n, _LEAST), _NUMBERS // self.n))
            rng = np.random.default_rng(0)
            with self.frozen():
                pieces = [self.sample(min(_PIECE, count - i), rng).cpu().numpy() for i in range(0, count, _PIECE)]
            rows = np.concatenate(pieces)
            if not np.abs(rows).max() < _LARGEST_SIGNAL:
                raise InputError(
                    "samples of this flow are not finite, or beyond 1e100, so that it has no covariance: give wrap a "
                    "linear=, the Gaussian model to compare it with, such as LinearFlow.fit(images)"
                )
            self._linear = LinearFlow.fit(rows, name="samples of the flow")
        return self._linear

    def generate(self, z: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Signals of the latents `z`, and ``log |det dx/dz|``."""
        rows, batch = self._rows(z, "latents", noise_std)
        (x, change), std = self._mapped(self._decoded, rows), self._base()[1]
        if change is None:
            change = self._by_slopes(self._decoded, rows)
        return x.view(*batch, self.n), (change + std.log().sum()).view(batch)

    def normalise(self, x: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Latents of the signals `x`, and ``log |det dz/dx|``."""
        rows, batch = self._rows(x, "signals", noise_std)
        (z, change), std = self._mapped(self._encoded, rows), self._base()[1]
        if change is None:
            change = self._by_slopes(self._encoded, rows)
        return z.view(*batch, self.n), (change - std.log().sum()).view(batch)

    def forward(self, z: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """Signals of the latents `z`; no log-determinant is computed that the model does not give anyway."""
        rows, batch = self._rows(z, "latents", noise_std)
        return self._mapped(self._decoded, rows)[0].view(*batch, self.n)

    def inverse(self, x: ArrayLike | Tensor, noise_std: float | Tensor | None = None) -> Tensor:
        """Latents of the signals `x`, likewise."""
        rows, batch = self._rows(x, "signals", noise_std)
        return self._mapped(self._encoded, rows)[0].view(*batch, self.n)

    def model_log_prob(self, x: Tensor) -> Tensor | None:
        """The model's own log-density of signals, (k, n); None if it has none."""
        found = self.reader.log_prob(self.model, self._to_grid((x - self.mean).to(self.dtype)))
        return None if found is None else found.double().reshape(-1)

    def digest(self) -> str:
        """Of the weights, and of the Gaussian model if one was given."""
        found = hashlib.sha256(super().digest().encode())
        if self._given is not None:
            found.update(self._given.mean.tobytes() + self._given.matrix.tobytes())
        return found.hexdigest()

    def __deepcopy__(self, memo: dict[int, Any]) -> Wrapped:
        if not isinstance(self.model, torch.nn.Module):
            memo[id(self.model)] = self.model  # it has no weights of its own, and may hold what cannot be copied
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return made

    def _far(self, x: ArrayLike | Tensor) -> Tensor:
        if self._reach is None:
            with self.frozen(), torch.no_grad():
                self._reach = float((self.sample(_PROBES, np.random.default_rng(0)) - self.mean).abs().max())
        rows, batch = self._batch(x, "signals")
        out = ~((rows - self.mean).abs().amax(-1) <= self._reach / torch.finfo(self.dtype).eps)
        return (out & ~torch.isnan(rows).any(-1)).view(batch)

    # ------------------------------------------------------------------------------------------------ one way each

    def _decoded(self, z: Tensor) -> Mapped:
        mean, std = self._base()
        own = (mean + std * z).to(self.dtype).reshape(-1, *self.latent_shape)
        x, change = self.reader.generate(self.model, own)
        self._as_asked(x, own, (len(z), *self._signal_shape), "signals")
        return self.mean + self._from_grid(x).double(), change

    def _encoded(self, x: Tensor) -> Mapped:
        own = self._to_grid((x - self.mean).to(self.dtype))
        z, change = self.reader.normalise(self.model, own)
        self._as_asked(z, own, (len(x), *self.latent_shape), "latents")
        mean, std = self._base()
        return (z.reshape(len(x), self.n).double() - mean) / std, change

    def _mapped(self, function: Callable[[Tensor], Mapped], rows: Tensor) -> Mapped:
        values, change = function(rows)
        if change is not None:
            if change.shape not in ((len(rows),), (len(rows), 1)):
                raise ShapeError(
                    f"a log-determinant of the model must have shape ({len(rows)},), got {tuple(change.shape)}"
                )
            change = change.reshape(-1).double()
        return values, change

    def _by_slopes(self, function: Callable[[Tensor], Mapped], rows: Tensor) -> Tensor:
        if self.n > LARGEST_WITHOUT:
            raise InputError(
                f"this model gives no log-determinant, which is computed from its Jacobian up to n = {LARGEST_WITHOUT} and "
                f"not for n = {self.n}: give wrap a log_det of latents"
            )
        found: Tensor = torch.linalg.slogdet(jacobians(lambda part: function(part)[0], rows))[1]
        return found

    def _base(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviations of the model's latents, (n,) or one number, float64."""
        found = self.reader.base(self.model)
        if found is None:
            return self.mean.new_zeros(()), self.mean.new_ones(())
        mean, std = (part.detach().double().reshape(-1).to(self.mean.device).expand(self.n) for part in found)
        return mean, std

    @property
    def _signal_shape(self) -> tuple[int, ...]:
        return self.shape if len(self.shape) == 1 else (self.shape[2], *self.shape[:2])

    def _rows(self, values: ArrayLike | Tensor, what: str, noise_std: object) -> tuple[Tensor, torch.Size]:
        if noise_std is not None:
            raise InputError("noise_std is for a conditional flow; this one has no noise level")
        return self._batch(values, what)

    def _as_asked(self, found: Tensor, given: Tensor, shape: tuple[int, ...], what: str) -> None:
        """Raise where the model answered in another shape, precision or place."""
        if tuple(found.shape) != shape:
            raise ShapeError(
                f"the model must return {what} of shape {shape}, got {tuple(found.shape)}: see n and shape of wrap"
            )
        if found.dtype != given.dtype or found.device != given.device:
            raise InputError(
                f"the model must answer in the precision and on the device of what it is given, {given.dtype} on "
                f"{given.device}, got {found.dtype} on {found.device}"
            )


def wrap(
    model: Any = None,
    *,
    forward: Callable[[Tensor], Any] | None = None,
    inverse: Callable[[Tensor], Any] | None = None,
    log_det: Callable[[Tensor], Tensor] | None = None,
    n: int | None = None,
    shape: tuple[int, ...] | None = None,
    mean: ArrayLike | None = None,
    linear: LinearFlow | None = None,
    tolerance: float | None = None,
) -> AnyFlow:
    """A flow of zuko, normflows, nflows or FrEIA, any object with both maps, or two functions, as a flow of linflow.

    Parameters
    ----------
    model : a trained flow, set to evaluate (``model.eval()``); it is used as it is, and not copied. A flow of linflow or a
        `LinearFlow` comes back as a flow that solvers take. Any other object has `forward`, (batch, n) latents to signals,
        and `inverse` back, either may return ``(values, log-determinant)``; and perhaps `log_det`, of latents.
    forward, inverse, log_det : functions in the place of a model, the same; without a log-determinant it is computed from
        the Jacobian for n up to 128. A model whose `forward` maps signals to latents is wrapped by
        ``wrap(forward=model.inverse, inverse=model.forward)``.
    n : dimension, where neither the model nor `shape` says.
    shape : (H, W, C) for a model that takes images as torch has them, (batch, C, H, W); default (n,).
    mean : (n,) array, added to the model's signals, for a model of centred ones, [x].
    linear : the Gaussian model beside the flow: the control in experiments, and the coordinates in which a search goes on.
        Default a flow of the mean and covariance of the model's own samples; that of the training images
        (`LinearFlow.fit`) is the fairer control.
    tolerance : of the checks, relative; default the root of the rounding unit of the model's precision: half its digits.

    Returns
    -------
    A flow that `solve`, :mod:`linflow.deep.linearised` and every experiment take.

    Raises
    ------
    InputError
        The latents are not independent and normal; or at some latents drawn for it the model is no bijection, contradicts
        its own log-density or (n up to 256) the determinant of its Jacobian, mixes the rows of a batch (as batch
        normalisation does in training), is random, changes its input, the precision or the device, or is not finite. The
        rest of what a flow is asked for, and n beyond 256, is for :func:`linflow.testing.assert_flow`.
    ShapeError
        The model's shapes are not those of `n` and `shape`.

    Notes
    -----
    Which way each library's calls go stands in :mod:`linflow.deep.readers`.

    Examples
    --------
    >>> G = torch.tensor([[2.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    >>> flow = wrap(forward=lambda z: z @ G.T, inverse=lambda x: torch.linalg.solve(G, x.T).T, n=2)
    >>> flow.forward([1.0, 1.0]).tolist(), round(flow.log_det([1.0, 1.0]).item(), 9)
    ([3.0, 1.0], 0.693147181)
    >>> wrap(forward=lambda z: z @ G.T, inverse=lambda x: x @ G, n=2)
    Traceback (most recent call last):
        ...
    linflow.errors.InputError: the model is no flow: the latents of its signals differ from those that made them by ...
    """
    if forward is not None and inverse is not None and model is None:
        call = "of (batch, n) latents or signals"
        model = Pair(callable_of(forward, "forward", call), callable_of(inverse, "inverse", call), log_det)
        if log_det is not None:
            callable_of(log_det, "log_det", "of (batch, n) latents")
    elif model is None or not (forward is inverse is log_det is None):
        raise InputError("give wrap a model, or two functions forward= and inverse= (and log_det=)")
    if isinstance(model, LinearFlow) or is_flow(model):
        return flow_of(model)
    tolerance = None if tolerance is None else number_in(tolerance, "tolerance", _TOLERANCES)
    if linear is not None:
        instance_of(linear, LinearFlow, "linear")
    reader = reader_of(model)
    try:
        with thread_count(1):  # on small networks threads that wait for each other are slower than one
            flow = _made(model, reader, n, shape, mean, linear)
            if not isinstance(model, torch.nn.Module) and flow.forward(flow.mean.new_zeros(1, flow.n)).requires_grad:
                raise InputError(
                    f"the weights behind the model, {shown(model)}, require grad, and are not its own to freeze: wrap the "
                    "module itself, or call requires_grad_(False) of it first"
                )
            found = refuted(flow, tolerance=tolerance, largest=LARGEST_CHECKED, own=flow.model_log_prob)
    except LinflowError:
        raise
    except Exception as error:  # the model's code may raise anything
        raise InputError(f"the model, {shown(model)}, raised {described(error)}") from error
    if found is not None:
        hint = ": call model.eval() first" if getattr(model, "training", False) else ""
        raise InputError(f"the model is no flow: {found}{hint}")
    return flow


def _made(
    model: Any,
    reader: Reader,
    n: int | None,
    shape: tuple[int, ...] | None,
    mean: ArrayLike | None,
    linear: LinearFlow | None,
) -> Wrapped:
    told = {
        "n": None if n is None else positive_int(n, "n"),
        "shape": None if shape is None else math.prod(sides(shape)),
        "linear": None if linear is None else linear.n,
        "the model": reader.size(model),
    }
    known = {name: size for name, size in told.items() if size is not None}
    if not known:
        raise InputError(f"how long is a signal? {shown(model)} does not say: give wrap n or shape")
    if len(set(known.values())) > 1:
        raise ShapeError(f"sizes must agree, got {', '.join(f'{size} for {name}' for name, size in known.items())}")
    size = next(iter(known.values()))
    sizes = (size,) if shape is None else sides(shape)
    if len(sizes) not in (1, 3):
        raise ShapeError(f"shape must be (n,) or (H, W, C), got {sizes}")
    channels_last(sizes, "shape")
    offset = np.zeros(size) if mean is None else batch_of(mean, size, "mean")
    if offset.shape != (size,):
        raise ShapeError(f"mean must have shape ({size},), got {offset.shape}")
    flow = Wrapped(model, reader, sizes, offset, linear)
    with torch.no_grad():
        if flow._dtype is None:
            flow._dtype = _precision(flow)
        if len(sizes) == 3:
            probe = torch.zeros(1, *flow._signal_shape, dtype=flow.dtype, device=flow.mean.device)
            flow.latent_shape = tuple(reader.normalise(model, probe)[0].shape[1:])
    if (base := reader.base(model)) is not None and not all(part.numel() in (1, size) for part in base):
        raise ShapeError(f"the base of the model has {base[0].numel()} dimensions, its signals have {size}")
    return flow


def _place(model: Any) -> tuple[torch.dtype | None, torch.device]:
    """Precision and device of the weights of a model; (None, CPU) without weights."""
    weights: list[Tensor] = []
    if isinstance(model, torch.nn.Module):
        weights = [*model.parameters(), *model.buffers()]
    elif isinstance(loc := getattr(getattr(getattr(model, "base", None), "base_dist", None), "loc", None), Tensor):
        weights = [loc]
    found = next((weight for weight in weights if weight.is_floating_point()), None)
    return (None, torch.device("cpu")) if found is None else (found.dtype, found.device)


def _precision(flow: Wrapped) -> torch.dtype:
    """In which of two precisions a model without weights answers."""
    for dtype in (torch.float64, torch.float32):
        try:
            probe = torch.zeros(1, *flow._signal_shape, dtype=dtype)
            if flow.reader.normalise(flow.model, probe)[0].dtype == dtype:
                return dtype
        except RuntimeError:  # torch's, where precisions meet
            continue
    return torch.float64
