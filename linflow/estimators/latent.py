"""`LatentSystem`: measurements of the latents of a flow by products alone, in units of their own, with their noise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator

from linflow.checks import FloatArray, batch_of, complex_batch_of, instance_of, overflow, representable
from linflow.errors import InputError, ShapeError
from linflow.estimators.noise import Noise
from linflow.flow import LinearFlow
from linflow.graded import times, times_transposed

#: Draws of the prior that find the units: a unit is then right to about an eighth, which is all that it is for.
_DRAWS = 32
#: Numbers of a batch that is multiplied at a time.
TOGETHER = 2**22
#: A preconditioner is used if it undoes the system to this share, on a random vector.
_GOOD = 0.5


@dataclass(frozen=True, eq=False)
class LatentSystem:
    r"""``K^T w + F^T t = r`` for w in the eigenbasis (z = V w) and t white; ``K^T = A U Sigma``, rows in their own units.

    Its smallest solution (w, t) is the estimate: the most likely latent and noise that explain r. The unit of a measurement
    is the standard deviation that flow and noise give it (found by draws; a complex one has one unit for both parts), so
    that neither the units of the rows nor the scale of the prior matter.

    Parameters
    ----------
    units : (M,) array, in the unit of y, whitened where noise is correlated
    std : (M,) array
        Of the noise, in these units; F is diagonal.
    """

    flow: LinearFlow
    A: LinearOperator
    noise: Noise
    is_complex: bool
    units: FloatArray
    std: FloatArray
    #: Rows that see nothing, and have no noise.
    blind: NDArray[np.bool_]

    @classmethod
    def of(cls, flow: LinearFlow, A: LinearOperator, noise: Noise) -> LatentSystem:
        """Find the units; `noise` is that of the real measurements, parts of complex ones."""
        m, n = A.shape
        if n != instance_of(flow, LinearFlow, "flow").n:
            raise ShapeError(f"A must have one column for each of the n = {flow.n} coordinates of the flow, got {A.shape}")
        is_complex = A.dtype.kind == "c"
        if noise.mixing is not None and not noise.everywhere:
            raise InputError("a singular covariance of noise needs A as an array, not as an operator: pass as_dense(A)")
        std = noise.std if noise.mixing is None else np.ones_like(noise.std)
        raw = cls(flow, A, noise, is_complex, np.ones_like(std), std, std < 0)
        # Roots of sums of squares, never the squares: entries of A may be as large as float64 can hold.
        spread, rng, width = std, np.random.default_rng(0), raw.together
        with overflow():
            for start in range(0, _DRAWS, width):
                seen = raw.seen(rng.standard_normal((min(width, _DRAWS - start), n)))
                spread = np.hypot(spread, np.hypot.reduce(seen, axis=0) / math.sqrt(_DRAWS))
            units = np.tile(np.hypot(spread[:m], spread[m:]), 2) if is_complex else spread.copy()
        representable(units, "the size of the measurements")
        blind = units == 0
        units[blind] = 1.0
        return cls(flow, A, noise, is_complex, units, std / units, blind)

    @property
    def together(self) -> int:
        """Signals of a batch that are handled at a time."""
        return max(1, TOGETHER // (self.flow.n + self.std.size))

    def seen(self, w: FloatArray) -> FloatArray:
        """``K^T w`` for w (k, n) -> (k, M)."""
        with overflow():
            x = times_transposed(w * self.flow.spectrum.singular_values, self.flow.basis)
            return self._in_units(self.A.matmat(x.T).T)

    def back(self, q: FloatArray) -> FloatArray:
        """``K q`` for q (k, M) -> (k, n)."""
        return self.flow.spectrum.singular_values * self._spread(q)

    def residual(self, y: ArrayLike) -> tuple[FloatArray, tuple[int, ...]]:
        """r for measurements y (..., m): (k, M), the batch flat, and the shape of the batch.

        Raises
        ------
        InputError
            A row that is zero, without noise, has measured something.
        """
        m = self.A.shape[0]
        values: NDArray[Any] = complex_batch_of(y, m, "y") if self.is_complex else batch_of(y, m, "y")
        batch = values.shape[:-1]
        with overflow():
            found = values.reshape(math.prod(batch), m) - self.A.matvec(self.flow.mean)
            r = representable(self._in_units(found), "y - A mean in units of the measurements")
        wrong = np.flatnonzero(self.blind & r.any(axis=0))
        if wrong.size:
            row = int(wrong[0]) % m
            raise InputError(f"row {row} of A G is zero, but y is not what it sees of the mean: drop that measurement")
        return r, batch

    def preconditioner(self) -> Callable[[FloatArray], FloatArray] | None:
        r"""A function (k, M) -> (k, M) that nearly undoes ``K^T K + F^T F``; None where none is known.

        For rows of A that are orthogonal and of one length, ``A A^T = c I``, it is ``A U (Sigma^2 + s^2/c)^{-1} U^T A^T``
        over c^2: exact if A is square, or if the rows are eigenvectors of the flow. Tried on one random vector; without
        noise, on one that the flow can make.
        """
        if self.noise.mixing is not None:
            return None
        with overflow():
            squares = self.units**2
        if not np.isfinite(squares * self.units).all() or not squares.all():
            return None
        rng = np.random.default_rng(1)
        q = rng.standard_normal((1, self.std.size)) if self.noise.any else self.seen(rng.standard_normal((1, self.flow.n)))
        with np.errstate(all="ignore"):
            length = float(np.sum((q * self.units) ** 2))
            c = float(np.sum(self._spread(q * squares) ** 2)) / length if length > 0 else 0.0
            level = float(np.mean((self.std * self.units) ** 2)) / c if c > 0 else 0.0
        # As a product: Python's power raises an error where this one is infinite.
        if not (0 < c < np.inf and 0 < c * c < np.inf and np.isfinite(level)):
            return None
        variances = self.flow.spectrum.variances
        level /= variances[0]

        def undone(q: FloatArray) -> FloatArray:
            # The squares of the units, because both products divide by the units, and q and the answer are in them.
            weighted = self._spread(q * squares) / (variances / variances[0] + level)
            x = times_transposed(weighted, self.flow.basis)
            made: FloatArray = self._in_units(self.A.matmat(x.T).T) * squares / (c * c * variances[0])
            return made

        with np.errstate(all="ignore"):
            tried = undone(self.seen(self.back(q)) + self.std**2 * q)
            good = np.linalg.norm(tried - q) <= _GOOD * np.linalg.norm(q)
        return undone if good else None

    def signal(self, w: FloatArray) -> FloatArray:
        """``mu + U Sigma w``, (..., n)."""
        with overflow():
            x = self.flow.mean + times_transposed(w * self.flow.spectrum.singular_values, self.flow.basis)
        return representable(x, "the reconstruction")

    def _spread(self, q: FloatArray) -> FloatArray:
        """``U^T A^T q`` for q in units."""
        values = q / self.units
        if self.noise.mixing is not None:
            values = self.noise.unwhitened(values)
        if self.is_complex:
            m = self.A.shape[0]
            values = values[:, :m] + 1j * values[:, m:]
        return times(np.ascontiguousarray(self.A.rmatmat(values.T).T.real), self.flow.basis)

    def _in_units(self, measured: NDArray[Any]) -> FloatArray:
        values = np.concatenate([measured.real, measured.imag], axis=1) if self.is_complex else measured
        if self.noise.mixing is not None:
            values = self.noise.whitened(values)
        scaled: FloatArray = values / self.units
        return scaled
