r"""How flows of other libraries are read: which of their calls maps latents to signals, and what their latents are.

The libraries disagree about directions. Found by running them:

* **zuko** (`flow().transform`) maps signals to latents; its inverse is ``.inv``.
* **nflows** (`flow._transform`) maps signals to latents; ``.inverse`` goes back.
* **FrEIA** (`SequenceINN`, `GraphINN`): called plainly it maps signals to latents, with ``rev=True`` back; it has no base
  distribution, and its users' is the standard normal one.
* **normflows** (`NormalizingFlow`): `forward` maps latents to signals, `inverse` back.
* any other object: `forward` maps latents to signals, `inverse` back, as in linflow.

None of these libraries is imported here: a model is known by where its classes come from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from linflow.arrays import shown
from linflow.errors import InputError

#: Values, and the log-determinant of the map to them; None where the model has none.
Mapped = tuple[Tensor, Tensor | None]
#: Mean and standard deviations of the latents of a model, in its own shape.
Base = tuple[Tensor, Tensor]


class Reader(ABC):
    """One library's calls, on rows in the model's own shape."""

    @abstractmethod
    def generate(self, model: Any, z: Tensor) -> Mapped:
        """Signals of the model's latents, and ``log |det dx/dz|``."""

    @abstractmethod
    def normalise(self, model: Any, x: Tensor) -> Mapped:
        """Latents of the signals, and ``log |det dz/dx|``."""

    def base(self, model: Any) -> Base | None:
        """Mean and standard deviations of the latents; None for the standard normal distribution.

        Raises
        ------
        InputError
            They are not independent and normal.
        """
        return None

    def size(self, model: Any) -> int | None:
        """Dimension of the signals, where the model says."""
        return None

    def log_prob(self, model: Any, x: Tensor) -> Tensor | None:
        """The model's own log-density, to compare with; None where it has none."""
        found = getattr(model, "log_prob", None)
        return found(x) if callable(found) else None


class _Zuko(Reader):
    def generate(self, model: Any, z: Tensor) -> Mapped:
        return _pair(_distribution(model).transform.inv.call_and_ladj(z))

    def normalise(self, model: Any, x: Tensor) -> Mapped:
        return _pair(_distribution(model).transform.call_and_ladj(x))

    def base(self, model: Any) -> Base | None:
        base = _distribution(model).base
        normal = getattr(base, "base_dist", base)
        if not isinstance(normal, torch.distributions.Normal):
            raise _no_normal_base(base)
        return normal.loc, normal.scale

    def size(self, model: Any) -> int | None:
        return int(_distribution(model).base.event_shape.numel())

    def log_prob(self, model: Any, x: Tensor) -> Tensor | None:
        return _pair((_distribution(model).log_prob(x), None))[0]


class _Normflows(Reader):
    def generate(self, model: Any, z: Tensor) -> Mapped:
        return _pair(_has(model, "forward_and_log_det")(z))

    def normalise(self, model: Any, x: Tensor) -> Mapped:
        return _pair(_has(model, "inverse_and_log_det")(x))

    def base(self, model: Any) -> Base | None:
        base = _has(model, "q0")
        if type(base).__name__ != "DiagGaussian":
            raise _no_normal_base(base)
        return base.loc[0], torch.exp(base.log_scale[0]) * (1.0 if base.temperature is None else base.temperature)

    def size(self, model: Any) -> int | None:
        base = self.base(model)
        return None if base is None else base[0].numel()


class _Nflows(Reader):
    def generate(self, model: Any, z: Tensor) -> Mapped:
        return _pair(_has(model, "_transform").inverse(z))

    def normalise(self, model: Any, x: Tensor) -> Mapped:
        return _pair(_has(model, "_transform")(x))

    def base(self, model: Any) -> Base | None:
        base = _has(model, "_distribution")
        if type(base).__name__ == "StandardNormal":
            return None
        if type(base).__name__ != "DiagonalNormal":
            raise _no_normal_base(base)
        return base.mean_[0], torch.exp(base.log_std_[0])

    def size(self, model: Any) -> int | None:
        return int(torch.Size(_has(model, "_distribution")._shape).numel())


class _Freia(Reader):
    def generate(self, model: Any, z: Tensor) -> Mapped:
        return _pair(model(z, rev=True))

    def normalise(self, model: Any, x: Tensor) -> Mapped:
        return _pair(model(x))

    def size(self, model: Any) -> int | None:
        shapes = getattr(model, "shapes", None)
        return int(torch.Size(shapes[0]).numel()) if shapes else None


class _Plain(Reader):
    """`forward`, `inverse` and, where there is one, `log_det` of latents; or maps that return it beside the values."""

    def generate(self, model: Any, z: Tensor) -> Mapped:
        x, change = _pair(_has(model, "forward")(z))
        own = getattr(model, "log_det", None)
        if change is None and own is not None:
            told = torch.as_tensor(own(z) if callable(own) else own, dtype=x.dtype, device=x.device)
            change = told.expand(len(x)) if told.dim() == 0 else told
        return x, change

    def normalise(self, model: Any, x: Tensor) -> Mapped:
        z, change = _pair(_has(model, "inverse")(x))
        if change is None and (found := self.generate(model, z.clone())[1]) is not None:
            change = -found
        return z, change


@dataclass(frozen=True)
class Pair:
    """Two functions as a model: `forward` from latents to signals, `inverse` back, `log_det` of latents or None."""

    forward: Callable[[Tensor], Any]
    inverse: Callable[[Tensor], Any]
    log_det: Callable[[Tensor], Any] | None = None


READERS: Mapping[str, Reader] = {"zuko": _Zuko(), "normflows": _Normflows(), "nflows": _Nflows(), "FrEIA": _Freia()}
_PLAIN = _Plain()


def reader_of(model: Any) -> Reader:
    """The reader of a model.

    Raises
    ------
    InputError
        It is of no library that is known here, and has no `forward` and `inverse` of its own.
    """
    # Classes of the user's that derive from a library's are that library's.
    for kind in type(model).__mro__:
        if (found := READERS.get(kind.__module__.partition(".")[0])) is not None:
            return found
    if not all(callable(getattr(model, name, None)) for name in ("forward", "inverse")):
        raise InputError(
            f"model must be a flow of {', '.join(READERS)}, or have forward (latents to signals) and inverse, got "
            f"{shown(model)}: two functions are taken too, wrap(forward=f, inverse=g, n=4)"
        )
    return _PLAIN


def _distribution(model: Any) -> Any:
    """Zuko's flows are modules that make a distribution."""
    found = model if hasattr(model, "call_and_ladj") or not isinstance(model, torch.nn.Module) else model()
    if not (hasattr(found, "transform") and hasattr(found, "base")):
        raise InputError(f"a flow of zuko has a transform and a base, {shown(found)} has not")
    return found


def _pair(returned: Any) -> Mapped:
    """What a map returned: values, or values and a log-determinant."""
    values, change = returned if isinstance(returned, tuple | list) and len(returned) == 2 else (returned, None)
    if not isinstance(values, Tensor) or not (change is None or isinstance(change, Tensor)):
        raise InputError(
            f"a map of the model must return a tensor, or a tensor and its log-determinant, got {shown(returned)}"
        )
    return values, change


def _has(model: Any, name: str) -> Any:
    if not hasattr(model, name):
        raise InputError(f"the model, {shown(model)}, has no {name}, which flows of its library have")
    return getattr(model, name)


def _no_normal_base(base: Any) -> InputError:
    return InputError(
        f"the latents of the model must be independent and normal, the base of this one is {shown(base)}: "
        "linflow's theory and solvers are about normal latents"
    )
