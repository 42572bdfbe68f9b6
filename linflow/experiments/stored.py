"""Cells as records of a store: their arrays as bytes, every float as it is."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from linflow.checks import FloatArray
from linflow.engine.outside import Outside
from linflow.engine.store import Record
from linflow.experiments.cells import Outcome
from linflow.experiments.experiment import Variable
from linflow.experiments.given import GIVEN
from linflow.experiments.plan import Params, Plan


def run_identity(
    plan: Plan,
    code_version: str,
    variables: Mapping[str, Variable],
    inputs: Mapping[str, str] | None = None,
    flow: Outside | None = None,
    methods: Mapping[str, Outside] | None = None,
) -> dict[str, Any]:
    """All that the numbers of a run, and what of them is kept, depend on."""
    kept = {name: [list(variable.dims), variable.once] for name, variable in variables.items()}
    found = {"experiment": plan.experiment, "parameters": plan.parameters(), "code": code_version, "variables": kept}
    found |= {"inputs": dict(inputs)} if inputs else {}
    found |= {} if flow is None else {"flow": [flow.digest, flow.weights]}
    return found | ({"methods": {name: method.digest for name, method in methods.items()}} if methods else {})


def recorded(outcome: Outcome, params: Params, *, lost: bool = False) -> Record:
    """What became of a cell, as a record; `params` are for people who look into the file."""
    payload = None if outcome.error is not None else encode(outcome.values)
    said = {name: list(value) if name == GIVEN else value for name, value in params.items()}
    return Record(outcome.key, payload, outcome.error, lost, outcome.seconds, json.dumps(said))


def remembered(records: Iterable[Record]) -> Iterator[Outcome]:
    """What became of the cells; those whose worker was killed are to be computed again."""
    for record in records:
        if not record.lost:
            values = {} if record.payload is None else decode(record.payload)
            yield Outcome(record.key, values, record.error, record.seconds)


def encode(values: Mapping[str, FloatArray]) -> bytes:
    """Arrays as bytes: names and shapes as JSON, then every float64 as it is, NaN and infinity included.

    >>> decode(encode({"a": np.array([1.0, np.nan])}))
    {'a': array([ 1., nan])}
    """
    header = json.dumps({name: array.shape for name, array in values.items()}).encode()
    return header + b"\n" + b"".join(np.ascontiguousarray(array, dtype="<f8").tobytes() for array in values.values())


def decode(payload: bytes) -> dict[str, FloatArray]:
    """The inverse of `encode`."""
    header, data = payload.split(b"\n", 1)
    numbers = np.frombuffer(data, dtype="<f8").astype(np.float64)
    return {name: numbers[start:stop].reshape(shape) for name, start, stop, shape in _layout(header)}


@lru_cache(maxsize=1024)
def _layout(header: bytes) -> tuple[tuple[str, int, int, tuple[int, ...]], ...]:
    """(name, first number, number after the last, shape); the cells of a run have few headers."""
    layout, start = [], 0
    for name, shape in json.loads(header).items():
        stop = start + math.prod(shape)
        layout.append((name, start, stop, tuple(shape)))
        start = stop
    return tuple(layout)
