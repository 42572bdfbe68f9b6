"""Models in files: what the class needs to be made again, and its tensors; a file is whole or refused with one sentence."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from linflow.deep.flow import Flow, Glow, RealNVP
from linflow.deep.gan import Generator
from linflow.errors import DataError
from linflow.files import write_bytes
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum

#: Of the files; a file of another version is refused.
VERSION = 1
_FLOW, _GENERATOR = "linflow.deep.Flow", "linflow.deep.Generator"
_KINDS: dict[str, type[RealNVP] | type[Glow]] = {"RealNVP": RealNVP, "Glow": Glow}


def save(model: Flow | Generator, path: str | Path) -> None:
    """Write a flow or a generator to a file; :func:`load` or :func:`load_generator` gives it back bit for bit.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    content = {
        "format": _FLOW if isinstance(model, Flow) else _GENERATOR,
        "version": VERSION,
        "kind": type(model).__name__,
        "shape": tuple(model.shape),
        "config": dict(model.config),
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
        "state": model.state_dict(),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(Path(path), buffer.getvalue())


def load(path: str | Path) -> RealNVP | Glow:
    """Read a flow that :func:`save` wrote.

    Raises
    ------
    DataError
        The file does not exist, is damaged, holds something else, or was written by another version.
    """
    content = read(path, _FLOW, "flow")
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


def load_generator(path: str | Path) -> Generator:
    """Read a generator that :func:`save` wrote; the errors are those of :func:`load`."""
    content = read(path, _GENERATOR, "generator")
    try:
        made = Generator(content["shape"], **content["config"])
        made.to(getattr(torch, content["dtype"]))
        made.load_state_dict(content["state"])
    except (KeyError, AttributeError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(f"the generator in {str(path)!r} is damaged: train it again") from error
    return made.eval()


def read(path: str | Path, format_: str, what: str) -> dict[str, Any]:
    """The contents of a file of linflow's, tensors and plain values only (nothing in a file is executed)."""
    try:
        content = torch.load(Path(path), map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise DataError(f"the file {str(path)!r} does not exist") from None
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise DataError(f"the file {str(path)!r} is damaged, or was not written by linflow.deep") from error
    if not isinstance(content, dict) or content.get("format") != format_:
        raise DataError(f"the file {str(path)!r} holds no {what} of linflow.deep")
    if content.get("version") != VERSION:
        raise DataError(
            f"the {what} in {str(path)!r} has format version {content.get('version')}, this linflow reads {VERSION}: "
            "train it again, or install the linflow that wrote it"
        )
    return content
