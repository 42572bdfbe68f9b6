"""`Plan`: what one run of an experiment computes, settled: its cells, and the random numbers of each.

The random numbers of a cell follow from the root seed, the experiment's name and the cell's own coordinates, through a
digest. They do not depend on the order of the cells, on their number or on who computes them, so a run has the same bits
on any engine, killed and resumed or not, and a grid point keeps its numbers when the grid is extended.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

from linflow.arrays import NoArray, shown
from linflow.checks import finite_array
from linflow.errors import InputError
from linflow.experiments.given import GIVEN
from linflow.spectrum import Spectrum

Coordinate = str | int | float
Params = dict[str, Any]

#: Integers up to here are exact as floats, so that 2 and 2.0 are the same coordinate.
_EXACT_INTEGERS = 2**53
#: Whole numbers that arrays can hold.
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Plan(NoArray, instead="its cells()"):
    """What one run computes; made by :meth:`Experiment.plan`."""

    experiment: str
    grid: dict[str, tuple[Coordinate, ...]]
    inner: dict[str, tuple[Coordinate, ...]]
    settings: dict[str, Coordinate]
    blocks: int
    quick: bool
    seed: int
    given: Mapping[str, Spectrum] = field(default_factory=dict)

    def cells(self) -> Sequence[Params]:
        """The params of every cell, blocks running fastest; each is made when it is asked for."""
        return _Cells(self)

    def keys(self) -> Iterator[str]:
        """The key of every cell, in the order of :meth:`cells`."""
        axes = self.axes()
        order = [list(axes).index(name) for name in self._places()]
        # A million cells have few coordinates: their words are made once.
        words = [[_word(name, value) for value in values] for name, values in axes.items()]
        for point in itertools.product(*words):
            yield self._digest([point[i] for i in order])

    def key(self, params: Params) -> str:
        """Digest of a cell's place: the experiment's name, its grid coordinates and block, and nothing else."""
        return self._digest([_word(name, params[name]) for name in self._places()])

    def axes(self) -> dict[str, Sequence[Coordinate]]:
        """What tells the cells apart: the dimensions of the grid, then the blocks."""
        return {**self.grid, "block": range(self.blocks)}

    def _places(self) -> list[str]:
        return sorted((*self.grid, "block"))

    def _digest(self, words: Iterable[str]) -> str:
        # The JSON of [experiment, {name: coordinate, ...}] with sorted names.
        return hashlib.sha256(f"[{json.dumps(self.experiment)}, {{{', '.join(words)}}}]".encode()).hexdigest()

    def generator(self, params: Params) -> np.random.Generator:
        """The cell's own random numbers."""
        return generator(self.seed, self.key(params))

    def parameters(self) -> dict[str, Any]:
        """Everything that tells this run from others of the experiment, ready for JSON."""
        # By content: of equal names and other values another run.
        content = {name: spectrum.key for name, spectrum in self.given.items()}
        return {
            **({GIVEN: content} if content else {}),
            "grid": {name: list(values) for name, values in self.grid.items()},
            "inner": {name: list(values) for name, values in self.inner.items()},
            "settings": dict(self.settings),
            "blocks": self.blocks,
            "quick": self.quick,
            "seed": self.seed,
        }


class _Cells(Sequence[Params]):
    """A million dicts would take more memory than all that is computed."""

    def __init__(self, plan: Plan) -> None:
        self._fixed = {**plan.settings, **plan.inner, **({GIVEN: dict(plan.given)} if plan.given else {})}
        self._axes = plan.axes()
        self._size = math.prod(map(len, self._axes.values()))

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> Params: ...
    @overload
    def __getitem__(self, index: slice) -> list[Params]: ...
    def __getitem__(self, index: int | slice) -> Params | list[Params]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(self._size))]
        rest = range(self._size)[index]
        place: Params = {}
        for name, values in reversed(self._axes.items()):
            rest, position = divmod(rest, len(values))
            place[name] = values[position]
        return {**self._fixed, **{name: place[name] for name in self._axes}}


def generator(seed: int, key: str) -> np.random.Generator:
    """Generator of the cell with digest `key` (hexadecimal) under the root `seed`."""
    words = tuple(int(key[i : i + 8], 16) for i in range(0, len(key), 8))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=words))


def coordinates(name: str, values: Any) -> tuple[Coordinate, ...]:
    """Coordinates of one dimension: all strings, all whole numbers, or all floats, each once.

    >>> coordinates("m", range(3)), coordinates("noise", (0, 0.5))
    ((0, 1, 2), (0.0, 0.5))
    """
    if isinstance(values, str | bytes) or not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        raise InputError(f"the coordinates of {name!r} must be a sequence, got {shown(values)}")
    if isinstance(values, np.ma.MaskedArray):
        values = finite_array(values, f"coordinates of {name!r}")
    found = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    if not found:
        raise InputError(f"the dimension {name!r} has no coordinates")
    if any(isinstance(value, bool) or not isinstance(value, str | int | float) for value in found):
        bad = next(value for value in found if isinstance(value, bool) or not isinstance(value, str | int | float))
        raise InputError(f"coordinates of {name!r} must be strings or numbers, got {shown(bad)}: name the case instead")
    if any(isinstance(value, float) and not math.isfinite(value) for value in found):
        raise InputError(f"coordinates of {name!r} must be finite, got {found}")
    if any(isinstance(value, int) and abs(value) > _LARGEST for value in found):
        raise InputError(f"whole coordinates of {name!r} must lie within 2**63, give floats for larger ones")
    kinds = {isinstance(value, str) for value in found}
    if len(kinds) > 1:
        raise InputError(f"coordinates of {name!r} must be all strings or all numbers, got {found}")
    if any(isinstance(value, float) for value in found):
        found = tuple(float(value) for value in found)
    if len(set(found)) < len(found):
        twice = next(value for value in found if found.count(value) > 1)
        raise InputError(f"the coordinate {twice!r} of {name!r} is given twice")
    return found


def _word(name: str, value: Coordinate) -> str:
    return f"{json.dumps(name)}: {json.dumps(_canonical(value))}"


def _canonical(value: Coordinate) -> Coordinate:
    """2 and 2.0 alike, so that a whole coordinate keeps its random numbers when the grid is refined by fractions."""
    return float(value) if isinstance(value, int) and abs(value) <= _EXACT_INTEGERS else value
