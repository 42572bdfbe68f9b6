"""Models in files: what the class needs to be made again, and its tensors; a file is whole or refused with one sentence."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from linflow.arrays import shown
from linflow.checks import label
from linflow.deep import torchfiles
from linflow.deep.flow import Flow, Glow, RealNVP
from linflow.deep.gan import Generator
from linflow.engine.users import described
from linflow.errors import DataError, InputError, LinflowError
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum

_FLOW, _GENERATOR = "linflow.deep.Flow", "linflow.deep.Generator"
_KINDS: dict[str, type[Flow]] = {"RealNVP": RealNVP, "Glow": Glow}
#: What a file that is no model of this linflow's makes its reader raise.
_DAMAGED = (KeyError, AttributeError, RuntimeError, TypeError, ValueError, IndexError)

Class = TypeVar("Class", bound=type[Flow])


def register(kind: Class) -> Class:
    """Let :func:`save` and :func:`load` know a class of flows of your own; also a decorator.

    The class derives from :class:`~linflow.deep.Flow`, is made by ``kind(linear, shape, **config)``, and keeps in `config`
    what it was made with: numbers, text, and lists of them. Files name it by its name alone, and nothing in them is
    executed, so a program that loads one defines (or imports) and registers the class first.

    Raises
    ------
    InputError
        It is no class of flows, or another class has its name.

    Examples
    --------
    >>> @register
    ... class Shifted(RealNVP):
    ...     "A RealNVP that is told apart."
    """
    given: object = kind
    if not isinstance(given, type) or not issubclass(given, Flow) or given is Flow:
        raise InputError(f"register takes a class that derives from linflow.deep.Flow, got {shown(kind)}")
    known = _KINDS.get(kind.__name__)
    # The same class again, as where a file is executed twice.
    if known is not None and (known.__module__, known.__qualname__) != (kind.__module__, kind.__qualname__):
        raise InputError(f"another class named {kind.__name__!r} is registered: rename this one")
    _KINDS[kind.__name__] = kind
    return kind


def save(model: Flow | Generator, path: str | Path, *, key: str = "") -> None:
    """Write a flow or a generator to a file; :func:`load` or :func:`load_generator` gives it back bit for bit.

    `key` says whose weights these are; a reader may ask for it.

    Raises
    ------
    OutputError
        The file cannot be written.
    InputError
        The model would not come back: its class is not registered (:func:`register`), or its `config` does not make it
        again; a flow of another library, which that library saves.
    """
    if not isinstance(model, Flow | Generator):
        raise InputError(
            f"model must be a flow or a generator of linflow.deep, got {shown(model)}: flows of other libraries are saved "
            "by these, and a LinearFlow by its own save"
        )
    key = label(key, "key")
    known = Generator if isinstance(model, Generator) else _KINDS.get(type(model).__name__)
    if known is not type(model):
        raise InputError(
            f"a {type(model).__name__} could not be loaded again: let linflow.deep.register know the class"
            if isinstance(model, Flow) and type(model) is not Flow
            else f"this {type(model).__name__} could not be loaded again: its class is not one that load makes"
        )
    content = {
        "kind": type(model).__name__,
        "key": key,
        "shape": tuple(model.shape),
        "config": dict(model.config),
        "dtype": str(next((p.dtype for p in model.parameters()), torch.float64)).removeprefix("torch."),
        "state": model.state_dict(),
    }
    _require_whole(model, content)
    torchfiles.write(path, _FLOW if isinstance(model, Flow) else _GENERATOR, content)


def load(path: str | Path, *, key: str | None = None) -> Flow:
    """Read a flow that :func:`save` wrote (under this key, if one is given), of a class that is registered.

    Raises
    ------
    DataError
        The file does not exist, is damaged, holds something else, was written by another version, or holds a flow of a
        class that is not registered.
    """
    content = _of(key, torchfiles.read(path, _FLOW, "flow"), path)
    if isinstance(kind := content.get("kind"), str) and kind not in _KINDS:
        raise DataError(
            f"the flow in {str(path)!r} is a {kind}, which is not registered here: import the file that defines it and "
            "gives it to linflow.deep.register"
        )
    try:
        return _flow_of(content).eval()
    except _DAMAGED as error:
        raise DataError(f"the flow in {str(path)!r} is damaged: train it again") from error


def load_generator(path: str | Path, *, key: str | None = None) -> Generator:
    """Read a generator that :func:`save` wrote; the errors are those of :func:`load`."""
    content = _of(key, torchfiles.read(path, _GENERATOR, "generator"), path)
    try:
        return _generator_of(content).eval()
    except _DAMAGED as error:
        raise DataError(f"the generator in {str(path)!r} is damaged: train it again") from error


def _flow_of(content: Mapping[str, Any]) -> Flow:
    state = content["state"]
    arrays = {name: state[name].numpy() for name in ("mean", "basis", "latent_basis")}
    linear = LinearFlow(Spectrum(state["singular_values"].numpy(), name="linear part"), **arrays)
    kind: Any = _KINDS[content["kind"]]
    flow: Flow = kind(linear, content["shape"], **content["config"])
    flow.to(getattr(torch, content["dtype"]))
    flow.load_state_dict(state)
    return flow


def _generator_of(content: Mapping[str, Any]) -> Generator:
    made = Generator(content["shape"], **content["config"])
    made.to(getattr(torch, content["dtype"]))
    made.load_state_dict(content["state"])
    return made


def _require_whole(model: Flow | Generator, content: Mapping[str, Any]) -> None:
    """Raise InputError unless what is written makes the model again; its class may have forgotten something in `config`."""
    plain = {name: part for name, part in content.items() if name != "state"}
    state = {name: value.cpu() if isinstance(value, torch.Tensor) else value for name, value in content["state"].items()}
    try:
        # What a file gives back of it: a tuple may have become a list, and an object of the user's is not read at all.
        again = torchfiles.read_back(plain) | {"state": state}
        made = _flow_of(again) if isinstance(model, Flow) else _generator_of(again)
        whole = type(made) is type(model) and made.shape == model.shape and made.config == model.config
        whole = whole and (not isinstance(model, Flow) or not isinstance(made, Flow) or _alike(made, model))
    except (*_DAMAGED, LinflowError, pickle.UnpicklingError) as error:
        raise InputError(
            f"this {type(model).__name__} could not be loaded again, its config does not make it ({described(error)}): "
            "nothing is written"
        ) from error
    if not whole:
        raise InputError(f"this {type(model).__name__} would be loaded as another one: nothing is written")


def _alike(made: Flow, model: Flow) -> bool:
    """Whether both map a latent to the same signal: an attribute that is set later is in no file."""
    z = torch.linspace(-1.0, 1.0, model.n, dtype=torch.float64)
    level = 0.1 if model.conditional else None
    with made.frozen(), model.frozen():
        found, expected = made.forward(z, level), model.forward(z, level).cpu()
    digits = float(torch.finfo(model.dtype).eps) ** 0.5
    return torch.allclose(found, expected, rtol=digits, atol=digits * float(expected.abs().max()), equal_nan=True)


def _of(key: str | None, content: dict[str, Any], path: str | Path) -> dict[str, Any]:
    if key is not None and content.get("key") != key:
        raise DataError(f"the file {str(path)!r} holds another model than its name says: delete it")
    return content
