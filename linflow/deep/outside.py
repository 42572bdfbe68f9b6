"""Flows from outside an experiment, ``--flow``: made once in each process, and held against the images that they meet."""

from __future__ import annotations

import dataclasses

from linflow.deep import store
from linflow.deep.bijection import AnyFlow
from linflow.deep.deterministic import thread_count
from linflow.deep.flow import Flow
from linflow.deep.wrapped import wrap
from linflow.engine.outside import Outside
from linflow.errors import DataError, InputError, LinflowError, ShapeError

_made: dict[Outside, AnyFlow] = {}


def outside(given: Outside) -> AnyFlow:
    """The flow of a file or of a function; a function may make one of linflow, a `LinearFlow`, or anything for `wrap`.

    Raises
    ------
    DataError
        The file holds no flow or has changed; the function raised, or made another flow than in the process that began.
    InputError
        It makes something that is no flow.
    """
    if given not in _made:
        first = dataclasses.replace(given, weights="")
        # With one thread, as each worker has: a function that computes its weights then makes the same everywhere.
        with thread_count(1):
            flow = _made[first] if first in _made else _read(given)
        if given.weights not in ("", flow.digest()):
            raise DataError(
                f"{given.name!r} makes another flow each time: let it load its weights from a file, or follow from a seed"
            )
        _made[first] = _made[given] = flow
    return _made[given]


def whole(given: Outside, n: int) -> AnyFlow:
    """The flow, which has to be one of whole signals, of dimension `n`.

    Raises
    ------
    InputError, ShapeError
        It is one of patches, or of another dimension; and as in :func:`outside`.
    """
    flow = outside(given)
    if flow.conditional:
        raise InputError(f"the flow of {given.name!r} knows levels of noise, as one of patches: here it is one of images")
    if flow.n != n:
        raise ShapeError(
            f"the flow of {given.name!r} has n = {flow.n} and the images have n = {n}: choose images of its size with "
            "--data and --set size=..., or another flow"
        )
    return flow


def patches(given: Outside, side: int, channels: int) -> Flow:
    """The flow, which has to be a conditional one of square patches that fit into images of `side` pixels.

    Raises
    ------
    InputError, ShapeError
        It is none, or its patches do not fit; and as in :func:`outside`.
    """
    flow = outside(given)
    if not isinstance(flow, Flow) or not flow.conditional or len(flow.shape) != 3 or flow.shape[0] != flow.shape[1]:
        raise InputError(
            f"the flow of {given.name!r} is none of square patches that knows levels of noise: "
            "linflow train --kind patches makes one"
        )
    if flow.shape[2] != channels or flow.shape[0] > side:
        size = " x ".join(map(str, flow.shape))
        raise ShapeError(
            f"the flow of {given.name!r} is of patches of {size}, and the images are of {side} x {side} x {channels}"
        )
    return flow


def _read(given: Outside) -> AnyFlow:
    if given.is_file:
        given.require_unchanged()
        return store.load(given.path)
    model = given.call()
    if model is None:
        raise DataError(f"{given.name!r} returned None: let it return a flow")
    try:
        return wrap(model)
    except LinflowError as error:
        raise InputError(f"what {given.name!r} returned is no flow here: {error}") from error
