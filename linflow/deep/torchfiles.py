"""linflow.deep's files: tensors and plain values under a format, a version, a seal; whole, or refused in one sentence."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from linflow.checks import path_of
from linflow.engine.files import write_bytes
from linflow.engine.seal import sealed, unsealed
from linflow.errors import DataError, InputError

#: Of every file; one of another version is refused.
VERSION = 2
_SEALED_AS = "linflow.deep"


def write(path: str | Path, format_: str, content: Mapping[str, Any]) -> None:
    """Write `content`; an OutputError says why not."""
    buffer = io.BytesIO()
    torch.save({"format": format_, "version": VERSION, **content}, buffer)
    write_bytes(path_of(path, "path"), sealed(_SEALED_AS, buffer.getvalue()))


def read_back(content: Mapping[str, Any]) -> dict[str, Any]:
    """What `read` would give of this content; it raises what pickling and unpickling raise."""
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    buffer.seek(0)
    found: dict[str, Any] = torch.load(buffer, map_location="cpu", weights_only=True)
    return found


def read(path: str | Path, format_: str, what: str) -> dict[str, Any]:
    """The contents of a file of linflow's, tensors and plain values only (nothing in a file is executed)."""
    try:
        # Not one weight is taken from a file of which any bit has changed.
        payload = unsealed(_SEALED_AS, path_of(path, "path").read_bytes())
        content = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except InputError:
        raise
    except FileNotFoundError:
        raise DataError(f"the file {str(path)!r} does not exist") from None
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise DataError(f"the file {str(path)!r} is damaged, or was not written by this linflow.deep") from error
    if not isinstance(content, dict) or content.get("format") != format_:
        raise DataError(f"the file {str(path)!r} holds no {what} of linflow.deep")
    if content.get("version") != VERSION:
        raise DataError(
            f"the {what} in {str(path)!r} has format version {content.get('version')}, this linflow reads {VERSION}: "
            "train it again, or install the linflow that wrote it"
        )
    return content
