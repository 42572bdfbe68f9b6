"""What is compared: a method gets one `Problem` and returns its estimates, whoever wrote it.

The methods of a comparison are functions of the same measurements. Each gets random numbers of its own, which follow from
the cell and from its name, and a copy of the measurements: no method changes what another one sees, so that the numbers of
the others stay what they are when one is added. What comes back is looked at before it is measured: an estimate with the
wrong shape, a NaN in it or an exception is a sentence with the method's name, and never a number in a table.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from linflow.arrays import NoArray
from linflow.checks import (
    FloatArray,
    callable_of,
    finite_array,
    generator,
    instance_of,
    label,
    mapping,
    non_negative,
    sides,
)
from linflow.engine.outside import Outside
from linflow.engine.users import failing_as
from linflow.errors import DataError, InputError, LinflowError, ShapeError
from linflow.measurement import Measurement, apply, as_dense, as_operator, is_matrix_free


def _nothing() -> FloatArray:
    raise InputError("there are no training signals in this problem")


@dataclass(frozen=True, eq=False, kw_only=True)
class Problem(NoArray, instead="its y, its A or its train"):
    """Some signals as they are seen: what a method gets, and all that it gets.

    Parameters
    ----------
    y : (batch, m) array, [y]
        Measurements ``y = A x + noise`` of `batch` signals, one a row. A copy of the method's own.
    A : (m, n) array, [y]/[x], read-only, or an operator
        The measurement (:func:`linflow.measurement.as_operator`); the identity where signals are seen as they are, with
        noise.
    noise_std : float >= 0, [y]
        Standard deviation of the noise on each measurement.
    shape : (n,), or (H, W, C)
        Of one signal; its entries in this order are the n columns of A.
    training : function without arguments that returns a (samples, n) array, [x]
        Called when the training signals are asked for, and not before: :attr:`train`.
    rng : Generator, or the seed of one
        Random numbers of the method's own.

    Raises
    ------
    ShapeError
        `y`, `A` and `shape` do not fit each other.
    InputError
        Entries that are not finite, a negative level, an operator that is none.

    Examples
    --------
    >>> from linflow.measurement import identity
    >>> problem = Problem(y=np.ones((3, 4)), A=identity(4), noise_std=0.1, shape=(2, 2, 1))
    >>> problem.noisy.shape, problem.images(np.zeros((5, 4))).shape
    ((3, 2, 2, 1), (5, 2, 2, 1))
    """

    y: FloatArray
    A: Measurement
    noise_std: float
    shape: tuple[int, ...]
    training: Callable[[], ArrayLike] = field(default=_nothing, repr=False)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0), repr=False)

    def __post_init__(self) -> None:
        A = as_operator(self.A) if is_matrix_free(self.A) else finite_array(as_dense(self.A), "A")
        if A.dtype.kind == "c":
            raise InputError("A must be real: signals and measurements are, in what is compared")
        if not is_matrix_free(A):
            A.flags.writeable = False
        y, (m, n), shape = finite_array(self.y, "y"), A.shape, sides(self.shape)
        if y.ndim != 2 or y.shape[1] != m:
            raise ShapeError(f"y must have shape (batch, {m}) for this A, got {y.shape}")
        if int(np.prod(shape)) != n:
            raise ShapeError(f"signals of shape {shape} have {int(np.prod(shape))} entries, and A has {n} columns")
        callable_of(self.training, "training", "training() -> (samples, n) array")
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "A", A)
        object.__setattr__(self, "noise_std", non_negative(self.noise_std, "noise_std"))
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "rng", generator(self.rng))

    @property
    def n(self) -> int:
        """Entries of a signal."""
        return int(self.A.shape[1])

    @cached_property
    def train(self) -> FloatArray:
        """Training signals, (samples, n), [x], read-only: none of them is among the signals to be estimated."""
        found = finite_array(self.training(), "the training signals")
        if found.ndim != 2 or found.shape[1] != self.n:
            raise ShapeError(f"the training signals must have shape (samples, {self.n}), got {found.shape}")
        found.flags.writeable = False
        return found

    def images(self, x: ArrayLike) -> FloatArray:
        """Rows as signals of their shape: (batch, n) -> (batch, H, W, C).

        Raises
        ------
        ShapeError
            `x` is not of shape (batch, n).
        """
        rows = finite_array(x, "x")
        if rows.ndim != 2 or rows.shape[1] != self.n:
            raise ShapeError(f"x must have shape (batch, {self.n}), got {rows.shape}")
        return rows.reshape(-1, *self.shape)

    @property
    def noisy(self) -> FloatArray:
        """The noisy signals themselves, (batch, H, W, C), [x], where A is the identity; a copy.

        Raises
        ------
        InputError
            A is another measurement: then there are none.
        """
        # No other linear map leaves a vector of random entries as it is.
        probe = np.random.default_rng(self.n).standard_normal(self.n)
        if self.A.shape[0] != self.n or not np.array_equal(apply(self.A, probe), probe):
            raise InputError("the measurements are no noisy signals: A is not the identity, see problem.A and problem.y")
        return self.images(self.y)


Method: TypeAlias = Callable[[Problem], ArrayLike]


def answer(name: str, method: Method | Outside, problem: Problem) -> FloatArray:
    """What a method makes of a problem, (batch, n), [x].

    Parameters
    ----------
    name : of the method, for sentences; its random numbers follow from it too, and from those of `problem`.
    method : a function of a :class:`Problem`, or one from outside.
    problem : it is left as it is, its random numbers included.

    Raises
    ------
    DataError
        The method raised, or what it returned is not (batch, n) finite real numbers.

    Examples
    --------
    >>> problem = Problem(y=np.ones((3, 2)), A=np.eye(2), noise_std=0.1, shape=(2,))
    >>> answer("half", lambda problem: problem.y / 2, problem)[0]
    array([0.5, 0.5])
    >>> answer("mean", lambda problem: problem.y.mean(axis=0), problem)
    Traceback (most recent call last):
        ...
    linflow.errors.DataError: method 'mean' must return an array of shape (3, 2), one row for each signal, got shape (2,)
    """
    name, problem = label(name, "name"), instance_of(problem, Problem, "problem")
    own = dataclasses.replace(problem, rng=own_generator(problem, name))
    if isinstance(method, Outside):
        found = method.call(own)
    else:
        callable_of(method, "method", "method(problem) -> (batch, n) array")
        with failing_as(DataError, f"method {name!r}"):
            found = method(own)
    if found is None:
        raise DataError(f"method {name!r} returned None: let it return its estimates, one row for each signal")
    try:
        estimates = finite_array(found, f"what method {name!r} returned")
    except LinflowError as error:
        raise DataError(str(error)) from error
    expected = (len(problem.y), problem.n)
    if estimates.shape != expected:
        images = estimates.shape == (len(problem.y), *problem.shape)
        hint = ": return x.reshape(len(x), -1)" if images else ""
        raise DataError(
            f"method {name!r} must return an array of shape {expected}, one row for each signal, "
            f"got shape {estimates.shape}{hint}"
        )
    return estimates


def own_answers(params: Mapping[str, Any], problem: Problem) -> dict[str, FloatArray]:
    """What the methods from outside, if there are any, make of a problem; `params` are those of a cell.

    >>> own_answers({}, Problem(y=np.ones((3, 2)), A=np.eye(2), noise_std=0.1, shape=(2,)))
    {}
    """
    instance_of(problem, Problem, "problem")
    given = mapping(mapping(params, "params").get("given_methods", {}), "given_methods")
    return {name: answer(name, method, problem) for name, method in given.items()}


def own_generator(problem: Problem, name: str) -> np.random.Generator:
    """Random numbers of the method `name`: the same whatever other methods run, and another stream for each m."""
    seed = problem.rng.bit_generator.seed_seq
    if not isinstance(seed, np.random.SeedSequence):
        raise InputError("the random numbers of a problem must come from a seed: numpy.random.default_rng(seed)")
    digest = hashlib.sha256(f"{problem.y.shape[1]} {name}".encode("utf-8", "backslashreplace")).digest()
    words = tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *words)))


# -------------------------------------------------------------------------------- methods that several experiments share


def noisy(problem: Problem) -> FloatArray:
    """The measurements as they are, where signals are measured as they are."""
    return problem.noisy.reshape(len(problem.y), -1)


def non_local_means(problem: Problem, *, factor: float) -> FloatArray:
    """Non-local means with ``h = factor * noise_std`` and the noise known."""
    from skimage.restoration import denoise_nl_means

    options: dict[str, Any] = {"patch_size": 5, "patch_distance": 6, "fast_mode": True}
    options |= {"h": factor * problem.noise_std, "sigma": problem.noise_std}
    found = []
    for image in problem.noisy:
        if image.ndim == 2 or image.shape[-1] == 1:  # a channel axis of length 1 gives nonsense there
            found.append(denoise_nl_means(image.reshape(image.shape[:2]), **options))
        else:
            found.append(denoise_nl_means(image, channel_axis=-1, **options))
    return np.asarray(found, dtype=np.float64).reshape(len(problem.y), -1)


def bm3d(problem: Problem) -> FloatArray:
    """BM3D (extra ``bm3d``) with the noise known; colour in opponent channels, as its authors do."""
    from bm3d import bm3d as grey
    from bm3d import bm3d_rgb as colour

    found = []
    for image in problem.noisy:
        single = image.ndim == 2 or image.shape[-1] == 1
        found.append(
            grey(image.reshape(image.shape[:2]), problem.noise_std) if single else colour(image, problem.noise_std)
        )
    return np.asarray(found, dtype=np.float64).reshape(len(problem.y), -1)


def bm3d_clipped(problem: Problem) -> FloatArray:
    """BM3D of the measurements clipped to [0, 1], as files hold them."""
    return bm3d(dataclasses.replace(problem, y=np.clip(problem.y, 0.0, 1.0)))


#: By the name that tables give them.
METHODS: dict[str, Method] = {"noisy": noisy, "BM3D": bm3d, "BM3D, clipped input": bm3d_clipped}
