"""Cells as records of a store: their arrays as bytes, every float as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from linflow.checks import FloatArray
from linflow.engine.given import Given
from linflow.engine.store import Record
from linflow.experiments.cells import Outcome
from linflow.experiments.experiment import Params, Plan, Variable


def run_identity(
    plan: Plan, code_version: str, variables: Mapping[str, Variable], given: Given | None = None
) -> dict[str, Any]:
    """All that the numbers of a run, and what of them is kept, depend on."""
    kept = {name: [list(variable.dims), variable.once] for name, variable in variables.items()}
    found = {"experiment": plan.experiment, "parameters": plan.parameters(), "code": code_version, "variables": kept}
    return found if given is None else {**found, "flow": [given.digest, given.weights]}


def recorded(outcome: Outcome, params: Params, *, lost: bool = False) -> Record:
    """What became of a cell, as a record; `params` are for people who look into the file."""
    payload = None if outcome.error is not None else encode(outcome.values)
    return Record(outcome.key, payload, outcome.error, lost, outcome.seconds, json.dumps(params))


def remembered(records: Mapping[str, Record]) -> dict[str, Outcome]:
    """Outcomes by cell; those whose worker was killed are to be computed again."""
    return {
        key: Outcome(key, {} if record.payload is None else decode(record.payload), record.error, record.seconds)
        for key, record in records.items()
        if not record.lost
    }


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
    values, start = {}, 0
    for name, shape in json.loads(header).items():
        stop = start + 8 * int(np.prod(shape, dtype=np.int64))
        values[name] = np.frombuffer(data[start:stop], dtype="<f8").astype(np.float64).reshape(shape)
        start = stop
    return values
