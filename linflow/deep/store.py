"""Models in files: what the class needs to be made again, and its tensors; a file is whole or refused with one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from linflow.arrays import shown
from linflow.deep import torchfiles
from linflow.deep.flow import Flow, Glow, RealNVP
from linflow.deep.gan import Generator
from linflow.errors import DataError, InputError
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum

_FLOW, _GENERATOR = "linflow.deep.Flow", "linflow.deep.Generator"
_KINDS: dict[str, type[RealNVP] | type[Glow]] = {"RealNVP": RealNVP, "Glow": Glow}


def save(model: Flow | Generator, path: str | Path, *, key: str = "") -> None:
    """Write a flow or a generator to a file; :func:`load` or :func:`load_generator` gives it back bit for bit.

    `key` says whose weights these are; a reader may ask for it.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    if not isinstance(model, Flow | Generator):
        raise InputError(f"model must be a flow or a generator of linflow.deep, got {shown(model)}")
    content = {
        "kind": type(model).__name__,
        "key": key,
        "shape": tuple(model.shape),
        "config": dict(model.config),
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
        "state": model.state_dict(),
    }
    torchfiles.write(path, _FLOW if isinstance(model, Flow) else _GENERATOR, content)


def load(path: str | Path, *, key: str | None = None) -> RealNVP | Glow:
    """Read a flow that :func:`save` wrote (under this key, if one is given).

    Raises
    ------
    DataError
        The file does not exist, is damaged, holds something else, or was written by another version.
    """
    content = _of(key, torchfiles.read(path, _FLOW, "flow"), path)
    try:
        state = content["state"]
        arrays = {name: state[name].numpy() for name in ("mean", "basis", "latent_basis")}
        linear = LinearFlow(Spectrum(state["singular_values"].numpy(), name="linear part"), **arrays)
        flow = _KINDS[content["kind"]](linear, content["shape"], **content["config"])
        flow.to(getattr(torch, content["dtype"]))
        flow.load_state_dict(state)
    except (KeyError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(f"the flow in {str(path)!r} is damaged: train it again") from error
    return flow.eval()


def load_generator(path: str | Path, *, key: str | None = None) -> Generator:
    """Read a generator that :func:`save` wrote; the errors are those of :func:`load`."""
    content = _of(key, torchfiles.read(path, _GENERATOR, "generator"), path)
    try:
        made = Generator(content["shape"], **content["config"])
        made.to(getattr(torch, content["dtype"]))
        made.load_state_dict(content["state"])
    except (KeyError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(f"the generator in {str(path)!r} is damaged: train it again") from error
    return made.eval()


def _of(key: str | None, content: dict[str, Any], path: str | Path) -> dict[str, Any]:
    if key is not None and content.get("key") != key:
        raise DataError(f"the file {str(path)!r} holds another model than its name says: delete it")
    return content
