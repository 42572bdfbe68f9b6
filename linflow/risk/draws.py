"""Independent draws of A: each depends on the seed and its own number alone, whoever makes it and wherever it is put."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FIELDS, Field, finite_matrix, one_of
from linflow.errors import ShapeError
from linflow.measurement import Ensemble, Measurement, as_dense, is_matrix_free

#: Numbers of draws, and these draws, (draws, m, n).
Stack = tuple[NDArray[np.int64], NDArray[Any]]


@dataclass(frozen=True)
class Draws:
    """`trials` draws of A of one shape.

    Parameters
    ----------
    trials : how many.
    shape : (m, n).
    field : "real" or "complex", of Gaussian draws.
    ensemble : ``ensemble(m, n, rng) -> A`` instead of the Gaussian ones.
    root : the seed.
    """

    trials: int
    shape: tuple[int, int]
    field: Field
    ensemble: Ensemble | None
    root: np.random.SeedSequence

    @property
    def block(self) -> int:
        """Draws that share a generator: enough to hide Python's overhead, few enough to share out among threads."""
        return int(np.clip(2**18 // max(self.shape[1] ** 2, 1), 1, 64))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of Gaussian draws."""
        return np.dtype(np.float64 if self.field == "real" else np.complex128)

    @property
    def starts(self) -> range:
        """The numbers at which blocks begin: fixed by n alone, so that no number knows how many workers there are."""
        return range(0, self.trials, self.block)

    def stacks(self, start: int, space: NDArray[Any] | None = None) -> list[Stack]:
        """The draws of the block that begins there, those of one type together; Gaussian ones are put into `space`."""
        spawn_key = (*self.root.spawn_key, start // self.block)
        rng = np.random.default_rng(
            np.random.SeedSequence(self.root.entropy, spawn_key=spawn_key, pool_size=self.root.pool_size)
        )
        places = np.arange(start, min(start + self.block, self.trials))
        if self.ensemble is None:
            return [(places, gaussian(rng, (len(places), *self.shape), self.field, space))]
        return drawn(self.ensemble, self.shape, places, rng)

    def ahead(self, pool: Executor, together: int, spaces: list[NDArray[Any]]) -> Iterator[Stack]:
        """All draws, about `together` at a time; the next ones are made in `pool` while the caller has these.

        Parameters
        ----------
        spaces : two arrays (together, m, n) that Gaussian draws are put into in turn.
        """
        step = max(1, together // self.block) * self.block

        def coming(first: int) -> list[Future[list[Stack]]]:
            starts = range(first, min(first + step, self.trials), self.block)
            if self.ensemble is not None:
                return [pool.submit(self.stacks, start) for start in starts]
            space = spaces[first // step % 2]
            return [pool.submit(self.stacks, start, space[start - first : start - first + self.block]) for start in starts]

        waiting = coming(0)
        for first in range(0, self.trials, step):
            found = [stack for future in waiting for stack in future.result()]
            waiting = coming(first + step)
            if self.ensemble is None:
                last = min(first + step, self.trials)
                yield np.arange(first, last), spaces[first // step % 2][: last - first]
            else:
                yield from _by_type(found)


def drawn(ensemble: Ensemble, shape: tuple[int, int], places: NDArray[np.int64], rng: np.random.Generator) -> list[Stack]:
    """Draws of an ensemble, one after the other from one generator, those of one type together.

    Raises
    ------
    InputError, ShapeError
        The ensemble returns something else than a finite array of this shape.
    """
    made = [_as_array(ensemble(*shape, rng), shape) for _ in places]
    return _by_type([(places[k : k + 1], A[None]) for k, A in enumerate(made)])


def gaussian_rows(field: Field) -> Ensemble:
    """The ensemble of i.i.d. standard normal entries, real or complex (E |a|^2 = 1)."""
    one_of(field, "field", FIELDS)
    return lambda m, n, rng: gaussian(rng, (m, n), field)


def gaussian(
    rng: np.random.Generator, shape: tuple[int, ...], field: Field, out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Standard normal entries, in `out` if it is given; a stack of draws is the draws one after the other."""
    A = np.empty(shape, dtype=np.float64 if field == "real" else np.complex128) if out is None else out[: shape[0]]
    parts = A.view(np.float64)  # real and imaginary parts side by side
    rng.standard_normal(out=parts)
    if field == "complex":
        parts *= np.sqrt(0.5)
    return A


def _by_type(stacks: list[Stack]) -> list[Stack]:
    """The same draws, real and complex ones (almost always one of them) in a stack each."""
    kinds = dict.fromkeys(A.dtype for _, A in stacks)
    chosen = [[stack for stack in stacks if stack[1].dtype == kind] for kind in kinds]
    return [(np.concatenate([places for places, _ in of]), np.concatenate([A for _, A in of])) for of in chosen]


def _as_array(A: Measurement, shape: tuple[int, int]) -> NDArray[Any]:
    """What an ensemble returned, as an array of this shape."""
    array = as_dense(A) if is_matrix_free(A) else finite_matrix(A, "A of the ensemble")
    if array.shape != shape:
        raise ShapeError(f"the ensemble must return shape ({shape[0]}, {shape[1]}), got {array.shape}")
    return array
