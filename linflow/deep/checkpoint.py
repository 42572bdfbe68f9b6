"""A training in a file: how far it is, of which run, and everything that has a state."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from linflow.checks import FloatArray
from linflow.deep import torchfiles
from linflow.errors import DataError
from linflow.identity import code_digest

#: Between two checkpoints of a training.
SECONDS = 15.0
_FORMAT = "linflow.deep.checkpoint"


def key_of(told: object, *arrays: FloatArray) -> str:
    """Digest of what the weights follow from, code included: a checkpoint of anything else is refused."""
    digest = hashlib.sha256(repr((told, code_digest(), torch.__version__)).encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def save(path: Path, key: str, progress: Mapping[str, Any], stateful: Mapping[str, Any]) -> None:
    """Write the progress and the state of everything in `stateful` (modules, optimisers, or plain state dicts).

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    states = {name: held if isinstance(held, dict) else held.state_dict() for name, held in stateful.items()}
    torchfiles.write(path, _FORMAT, {"key": key, "progress": dict(progress), "states": states})


def resume(path: Path, key: str, stateful: Mapping[str, Any]) -> dict[str, Any]:
    """Put the states back where they were (plain state dicts are filled anew) and return the progress.

    Raises
    ------
    DataError
        The file is damaged, or of another run.
    """
    content = torchfiles.read(path, _FORMAT, "checkpoint")
    if content.get("key") != key:
        raise DataError(f"the checkpoint {str(path)!r} is of another run, or of other code: delete it to start again")
    try:
        for name, held in stateful.items():
            state = content["states"][name]
            if isinstance(held, dict):
                held.update({name: value.to(held[name].device) for name, value in state.items()})
            else:
                held.load_state_dict(state)
        return dict(content["progress"])
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(f"the checkpoint {str(path)!r} is damaged: delete it to start again") from error
