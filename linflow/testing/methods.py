"""`assert_method`: whether a method may stand in a comparison, before an experiment of hours says that it may not."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from linflow import measurement
from linflow.checks import FloatArray, Interval, callable_of, instance_of, number_in
from linflow.errors import DataError, ShapeError
from linflow.experiments.methods import Method, Problem, answer
from linflow.testing.failing import fail

_TOLERANCES = Interval(0.0, 1.0, open_low=True, open_high=True)
#: Of the problem that is tried where none is given: images, pixels a side, training images, noise.
_BATCH, _SIDE, _TRAINING, _NOISE = 3, 16, 20, 0.1


def assert_method(method: Method, problem: Problem | None = None, *, tolerance: float = 1e-4) -> None:
    """Fail if `method` is none that an experiment could compare.

    It returns finite real numbers, one row for each signal; the same for the same problem (random numbers come from
    ``problem.rng`` and from nowhere else); for a signal in a batch what it returns for that signal alone, unless it drew
    random numbers; and it leaves the measurements as they are.

    Parameters
    ----------
    method : a function of a :class:`linflow.experiments.Problem` (not of `linflow.testing.Problem`, which knows the truth).
    problem : that it is tried on; default a few noisy images of 16 x 16 pixels, (16, 16, 1).
    tolerance : relative to the largest entry, for answers that should be equal.

    Raises
    ------
    AssertionError
        The first property that does not hold, in one sentence.
    InputError
        `method` is no function, `problem` is none.
    ShapeError
        `problem` has no signal.

    Examples
    --------
    >>> assert_method(lambda problem: problem.y / (1 + problem.noise_std**2))
    >>> assert_method(lambda problem: problem.y - problem.y.mean())
    Traceback (most recent call last):
        ...
    AssertionError: the method returns for a signal alone another estimate than in a batch
      largest difference:  ...
      largest entry:       ...
    """
    __tracebackhide__ = True
    method = callable_of(method, "method", "method(problem) -> (batch, n) array")
    tolerance = number_in(tolerance, "tolerance", _TOLERANCES)
    problem = some_images() if problem is None else instance_of(problem, Problem, "problem")
    if len(problem.y) == 0:
        raise ShapeError("problem must hold at least one signal, and its y has no row")
    trial = _Trial(method)
    found = trial.answer(problem)
    if trial.changed:
        fail("the method changes the measurements that it gets: let it work on a copy, problem.y.copy()")
    drew = trial.drew
    _require_equal(trial.answer(problem), found, "the method returns another estimate when it is called again", tolerance)
    if not drew:
        single = [trial.answer(dataclasses.replace(problem, y=row[None]))[0] for row in problem.y]
        said = "the method returns for a signal alone another estimate than in a batch"
        _require_equal(np.stack(single), found, said, tolerance)


def some_images() -> Problem:
    """Noisy images with smooth and with sharp parts, and training images of their kind; always the same."""
    rng = np.random.default_rng(0)
    grid = np.linspace(0.0, 1.0, _SIDE)
    slopes, edges = rng.random((2, _BATCH + _TRAINING, 2, 1, 1))
    smooth = slopes[:, 0] * grid[:, None] + slopes[:, 1] * grid
    sharp = (grid[:, None] > edges[:, 0]) & (grid > edges[:, 1])
    images = (0.25 * smooth + 0.5 * sharp).reshape(_BATCH + _TRAINING, -1)
    return Problem(
        y=images[:_BATCH] + _NOISE * rng.standard_normal((_BATCH, _SIDE**2)),
        A=measurement.identity(_SIDE**2),
        noise_std=_NOISE,
        shape=(_SIDE, _SIDE, 1),
        training=lambda: images[_BATCH:],
        rng=rng,
    )


class _Trial:
    """Calls a method, and sees what it does beside returning an estimate."""

    def __init__(self, method: Method) -> None:
        self.method, self.changed, self.drew = method, False, False

    def answer(self, problem: Problem) -> FloatArray:
        """Its estimates; what an experiment would refuse fails."""
        __tracebackhide__ = True
        try:
            return answer(getattr(self.method, "__name__", type(self.method).__name__), self._watched, problem)
        except DataError as error:
            fail(str(error))

    def _watched(self, problem: Problem) -> ArrayLike:
        before, state = problem.y.copy(), problem.rng.bit_generator.state
        found = self.method(problem)
        self.changed = not np.array_equal(problem.y, before)
        self.drew = problem.rng.bit_generator.state != state
        return found


def _require_equal(found: FloatArray, expected: FloatArray, said: str, tolerance: float) -> None:
    __tracebackhide__ = True
    size, difference = float(np.abs(expected).max()), float(np.abs(found - expected).max())
    if difference > tolerance * size:
        fail(said, ("largest difference", difference), ("largest entry", size))
