"""Outcomes put where they belong in the result, as they come: what a run keeps of a cell is its numbers and no more."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from linflow.checks import FloatArray
from linflow.experiments.cells import Outcome
from linflow.experiments.experiment import Variable
from linflow.experiments.plan import Plan

#: Values of the variable "status".
COMPUTED, FAILED, SKIPPED = 0, 1, 2


class Gathered:
    """The numbers of a run's cells.

    Parameters
    ----------
    plan, variables : of the run; cells are told apart by their place in ``plan.cells()``.

    Examples
    --------
    >>> plan = Plan("norms", {"n": (1, 2)}, {}, {}, blocks=1, quick=False, seed=0)
    >>> gathered = Gathered(plan, {"norm": Variable("a norm")})
    >>> gathered.put(1, Outcome("", {"norm": np.array(2.0)}, None, 0.0))
    >>> gathered.values("norm", {}), gathered.status, gathered.done
    (array([nan,  2.]), array([2, 0], dtype=int8), 1)
    """

    def __init__(self, plan: Plan, variables: Mapping[str, Variable]) -> None:
        #: Of each cell; one that nothing is known of counts as skipped.
        self.status = np.full(len(plan.cells()), SKIPPED, dtype=np.int8)
        #: Texts of failed cells.
        self.errors: dict[int, str] = {}
        self.done = 0
        self._variables, self._blocks = variables, plan.blocks
        self._inner = {name: len(values) for name, values in plan.inner.items()}
        #: Of variables whose shape is known beforehand, and of those that are as long as their cells make them.
        self._whole: dict[str, FloatArray] = {}
        self._pieces: dict[str, dict[int, FloatArray]] = {}
        for name, variable in variables.items():
            if all(dim in self._inner for dim in variable.dims):
                self._whole[name] = np.full((self._rows(name), *(self._inner[dim] for dim in variable.dims)), np.nan)
            else:
                self._pieces[name] = {}

    @property
    def failed(self) -> int:
        """How many cells failed."""
        return len(self.errors)

    def put(self, index: int, outcome: Outcome) -> None:
        """Keep what became of the cell at `index`, once for each cell."""
        self.done += 1
        if outcome.error is not None:
            self.status[index] = FAILED
            self.errors[index] = outcome.error
            return
        self.status[index] = COMPUTED
        for name, array in outcome.values.items():
            row = index // self._blocks if self._variables[name].once else index
            if name in self._whole:
                self._whole[name][_part(row, array)] = array
            else:
                self._pieces[name][row] = array

    def sizes(self) -> dict[str, int]:
        """Length of every dimension of the variables' own: its coordinates, or the longest that any cell returned."""
        sizes = dict(self._inner)
        for name, pieces in self._pieces.items():
            for axis, dim in enumerate(self._variables[name].dims):
                if dim not in self._inner:
                    sizes[dim] = max(sizes.get(dim, 1), max((array.shape[axis] for array in pieces.values()), default=0))
        return {dim: sizes[dim] for variable in self._variables.values() for dim in variable.dims}

    def values(self, name: str, sizes: Mapping[str, int]) -> FloatArray:
        """One variable of all cells (of all grid points, if it is kept once), NaN where there is nothing."""
        if name in self._whole:
            return self._whole[name]
        values = np.full((self._rows(name), *(sizes[dim] for dim in self._variables[name].dims)), np.nan)
        for row, array in self._pieces[name].items():
            values[_part(row, array)] = array
        return values

    def _rows(self, name: str) -> int:
        # Blocks run fastest, so that every so-many-th cell is a block 0.
        return len(self.status) // self._blocks if self._variables[name].once else len(self.status)


def _part(row: int, array: FloatArray) -> tuple[int | slice, ...]:
    """Where an array lies in a row that may be longer."""
    return (row, *(slice(length) for length in array.shape))
