"""`Problem`: one inverse problem with its true signals, made from a recipe short enough to paste."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linflow import measurement
from linflow.arrays import NoArray
from linflow.checks import (
    FloatArray,
    batch_of,
    finite_array,
    flag,
    instance_of,
    measurement_count,
    non_negative,
    one_of,
    positive_int,
    sample_shape,
    whole_number,
)
from linflow.errors import InputError, ShapeError
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum, spectrum_of
from linflow.testing.failing import pasteable

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False, repr=False)
class Problem(NoArray, instead="its x, its y or its A"):
    r"""Signals x of a flow, seen through ``y = A x + noise``.

    Usually made by `Problem.random` or drawn by `problems`; its repr is then the call that makes it again.

    Parameters
    ----------
    flow : LinearFlow
        The prior.
    A : (m, n) array, [y]/[x]
        Measurements; read-only.
    x : (..., n) array, [x]
        The true signals; leading axes are a batch.
    y : (..., m) array, [y]
        What is seen of them, noise included.
    noise_std : float >= 0, [y]
        Standard deviation of the noise in each measurement.

    Raises
    ------
    ShapeError
        The shapes disagree.
    InputError
        Entries that are not finite, or a negative `noise_std`.

    Examples
    --------
    >>> problem = Problem.random(Spectrum([2.0, 1.0]), m=1, seed=3)
    >>> bool(np.allclose(problem.y, problem.x @ problem.A.T))
    True
    >>> problem
    Problem.random(Spectrum([2.0, 1.0]), m=1, ensemble='gaussian', rotated=True, mean=True, noise_std=0.0, batch=(), seed=3)
    """

    flow: LinearFlow
    A: FloatArray
    x: FloatArray
    y: FloatArray
    noise_std: float = field(default=0.0, kw_only=True)
    recipe: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        instance_of(self.flow, LinearFlow, "flow")
        A = finite_array(self.A, "A")
        if A.ndim != 2 or A.shape[1] != self.flow.n:
            raise ShapeError(f"A must have shape (m, {self.flow.n}) for this flow, got {A.shape}")
        x, y = batch_of(self.x, self.flow.n, "x"), batch_of(self.y, len(A), "y")
        if x.shape[:-1] != y.shape[:-1]:
            raise ShapeError(f"x and y must have the same batch, got {x.shape[:-1]} and {y.shape[:-1]}")
        for name, array in (("A", A), ("x", x), ("y", y)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "noise_std", non_negative(self.noise_std, "noise_std"))

    @classmethod
    def random(
        cls,
        spectrum: Spectrum | ArrayLike,
        m: int,
        *,
        ensemble: str = "gaussian",
        rotated: bool = True,
        mean: bool = True,
        noise_std: float = 0.0,
        batch: tuple[int, ...] = (),
        seed: int = 0,
    ) -> Problem:
        """A random problem; everything random follows from `seed`, each part from a stream of its own.

        Parameters
        ----------
        spectrum : Spectrum, or (n,) array
            Singular values of the flow, [x]; an array is sorted.
        m : int, 1..n
            Number of measurements.
        ensemble : one of `ENSEMBLES`
            Law of A, on the condition that its rows are linearly independent.
        rotated : bool
            Haar-random bases of signals and latents; otherwise G is diagonal.
        mean : bool
            A random offset of the size of sigma_1; otherwise the flow is centred.
        noise_std : float >= 0, [y]
        batch : tuple of ints
            Leading axes of x and y.

        Raises
        ------
        InputError
            m outside 1..n, an ensemble that does not exist, a negative `noise_std`.
        """
        spectrum, noise_std = spectrum_of(spectrum), non_negative(noise_std, "noise_std")
        n = spectrum.n
        rotated, mean = flag(rotated, "rotated"), flag(mean, "mean")
        batch, seed = sample_shape(batch), whole_number(seed, "seed")
        rotation, offset, rows, signals, noise = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(5))
        flow = LinearFlow.from_spectrum(
            spectrum,
            rng=rotation if rotated else None,
            mean=spectrum.singular_values[0] * offset.standard_normal(n) if mean else None,
        )
        A = full_rank(ensemble, m, n, rows)
        x = flow.sample(batch, signals)
        y = measurement.apply(A, x) + noise_std * noise.standard_normal((*batch, len(A)))
        recipe = (
            f"Problem.random({pasteable(spectrum)}, m={len(A)}, ensemble={ensemble!r}, rotated={rotated}, "
            f"mean={mean}, noise_std={noise_std!r}, batch={batch!r}, seed={seed!r})"
        )
        return cls(flow, A, x, y, noise_std=noise_std, recipe=recipe)

    @property
    def m(self) -> int:
        """Number of measurements."""
        return int(self.A.shape[0])

    @cached_property
    def design(self) -> FloatArray:
        """``B = [A G, noise_std I]``, (m, n) or (m, n + m): ``y = A mean + B w`` with white w, [y]."""
        design = self.A @ self.flow.matrix
        return design if self.noise_std == 0 else np.hstack([design, self.noise_std * np.eye(self.m)])

    @cached_property
    def rtol(self) -> float:
        r"""Relative rounding error allowed to an estimator: ``100 n eps kappa**2``, what normal equations need.

        ``kappa = (|A| sigma_1 + noise_std) / sigma_min(B)``. It exceeds the condition number of B, `design`, because its
        entries are rounded at the size of the factors A and G: A may see only the small directions of a rotated G.

        >>> Problem.random(Spectrum.flat(3), m=3, ensemble="rows").rtol < 1e-12
        True
        """
        size = np.linalg.norm(self.A, 2) * self.flow.spectrum.singular_values[0] + self.noise_std
        smallest = np.linalg.svd(self.design, compute_uv=False)[-1]
        with np.errstate(divide="ignore", over="ignore"):
            return float(100 * self.flow.n * _EPS * (size / smallest) ** 2)

    def __repr__(self) -> str:
        if self.recipe:
            return self.recipe
        return (
            f"Problem({self.flow!r}, A={self.A.tolist()}, x={self.x.tolist()}, y={self.y.tolist()}, "
            f"noise_std={self.noise_std!r})"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        # Hypothesis would print a dataclass by its fields: arrays in the place of the recipe.
        printer.text(repr(self))


def _near_parallel(m: int, n: int, rng: np.random.Generator) -> FloatArray:
    """Rows that differ by a hundredth of their length: independent, at first sight not."""
    return rng.standard_normal(n) + 0.01 * rng.standard_normal((m, n))


_OURS = measurement.ensembles()
_ENSEMBLES: dict[str, measurement.Ensemble] = {
    "rows": _OURS["random rows"],
    "gaussian": _OURS["gaussian"],
    "rademacher": _OURS["rademacher"],
    "dct": _OURS["subsampled dct"],
    "near-parallel": _near_parallel,
}
#: Laws of A, from the simplest: coordinates of x, Gaussian, signs, cosines, nearly parallel rows.
ENSEMBLES = tuple(_ENSEMBLES)


def full_rank(ensemble: str, m: int, n: int, rng: np.random.Generator) -> FloatArray:
    """A dense (m, n) draw of `ensemble` with linearly independent rows.

    Raises
    ------
    InputError
        m outside 1..n, or an ensemble that does not exist.

    >>> full_rank("rows", 1, 2, np.random.default_rng(0))
    array([[1., 0.]])
    """
    one_of(ensemble, "ensemble", ENSEMBLES)
    n = positive_int(n, "n")
    m = measurement_count(m, n)
    if m == 0:
        raise InputError(f"m must lie in 1..n = 1..{n}, got m = 0")
    while True:  # random signs of size 3 are dependent in more than half of the draws, all others almost never
        A = measurement.as_dense(_ENSEMBLES[ensemble](m, n, rng))
        if np.linalg.matrix_rank(A) == m:
            return A
