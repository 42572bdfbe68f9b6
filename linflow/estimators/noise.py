r"""Noise of measurements: one level, a level for each, or a covariance; the gate for all of them, and a factor.

Conventions: a number or a vector are standard deviations, in the unit of y; a matrix is a covariance, in its square. Noise
of complex measurements has ``E |noise|^2 = noise_std^2``, half of it in the real part and half in the imaginary one, and no
preferred phase (``E noise noise^T = 0``); a covariance is then ``E noise noise^H``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow.arrays import shown
from linflow.checks import FloatArray, IntArray, finite_array, finite_matrix, non_negative
from linflow.errors import InputError, ShapeError

#: One standard deviation, (m,) of them, or an (m, m) covariance.
NoiseStd: TypeAlias = float | ArrayLike
#: Eigenvalues of a matrix with ones on its diagonal, per row, that are rounding.
_ROUNDING = 64 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Noise:
    """Gaussian noise of m real measurements with covariance ``F^T F``, ``F = mixing * std`` (None: the identity).

    Parameters
    ----------
    std : (m,) array >= 0, [y]
        Standard deviations.
    mixing : (k, m) array with columns of length 1, or None
        None is independent noise; ``mixing.T @ mixing`` are the correlations.
    """

    std: FloatArray
    mixing: FloatArray | None = None

    @classmethod
    def white(cls, std: float, m: int) -> Noise:
        """The same level in each of m measurements."""
        return cls(np.full(m, std))

    @property
    def any(self) -> bool:
        """Whether there is noise anywhere."""
        return bool(self.std.any())

    @property
    def everywhere(self) -> bool:
        """Whether no measurement, nor any combination of them, is exact."""
        return bool(self.std.all()) and (self.mixing is None or len(self.mixing) == self.std.size)

    def rows(self, chosen: IntArray) -> Noise:
        """That of these measurements only."""
        return Noise(self.std[chosen], None if self.mixing is None else self.mixing[:, chosen])

    def factor(self, exponents: NDArray[np.int32]) -> FloatArray:
        """F, (k, m), where measurement j is in units of ``2**exponents[j]``; no rows of zeros."""
        with np.errstate(over="ignore"):
            weights = np.ldexp(self.std, -exponents)
        if self.mixing is not None:
            return self.mixing * weights
        diagonal: FloatArray = np.diag(weights)[self.std > 0]
        return diagonal

    def whitened(self, values: FloatArray) -> FloatArray:
        """``F^{-T} values`` for values (..., m), of noise that is `everywhere`: its covariance is then the identity."""
        scaled: FloatArray = values / self.std
        if self.mixing is not None:
            flat = scaled.reshape(-1, self.std.size)
            scaled = np.asarray(np.linalg.solve(self.mixing.T, flat.T).T).reshape(values.shape)
        return scaled

    def unwhitened(self, values: FloatArray) -> FloatArray:
        """``F^{-1} values``, the transpose of `whitened`."""
        if self.mixing is not None:
            flat = values.reshape(-1, self.std.size)
            values = np.asarray(np.linalg.solve(self.mixing, flat.T).T).reshape(values.shape)
        scaled: FloatArray = values / self.std
        return scaled


def noise_of(noise_std: NoiseStd, m: int, *, is_complex: bool = False, name: str = "noise_std") -> Noise:
    r"""`noise_std` of m measurements: a number >= 0, (m,) numbers >= 0, or an (m, m) covariance.

    Complex measurements have 2 m real ones, the real parts before the imaginary ones.

    Raises
    ------
    InputError
        Negative, not finite, not symmetric (Hermitian), or a covariance that is not positive semi-definite.
    ShapeError
        An array of another shape.

    Examples
    --------
    >>> noise_of([0.1, 0.2], 2).std
    array([0.1, 0.2])
    >>> F = noise_of([[4.0, 2.0], [2.0, 1.0]], 2).factor(np.zeros(2, dtype=np.int32))
    >>> F.T @ F
    array([[4., 2.],
           [2., 1.]])
    """
    if not _has_axes(noise_std):
        return _parts(np.full(m, non_negative(noise_std, name)), is_complex)  # type: ignore[arg-type]
    values = finite_matrix(noise_std, name) if is_complex else finite_array(noise_std, name)
    if values.shape == (m,) and values.dtype.kind != "c":
        if (values < 0).any():
            at = int(np.argmax(values < 0))
            raise InputError(f"{name} must be standard deviations >= 0, but entry {at} is {values[at]:g}")
        return _parts(values, is_complex)
    if values.shape != (m, m):
        raise ShapeError(
            f"{name} must be one number, ({m},) standard deviations or a ({m}, {m}) covariance for m = {m} measurements, "
            f"got shape {values.shape}"
        )
    if is_complex:
        C = values / 2
        values = np.block([[C.real, -C.imag], [C.imag, C.real]])
    return _correlated(values, name)


def _has_axes(value: object) -> bool:
    return (isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)) or bool(
        getattr(value, "ndim", 0)
    )


def _parts(std: FloatArray, is_complex: bool) -> Noise:
    return Noise(np.tile(np.sqrt(0.5) * std, 2) if is_complex else std)


def _correlated(C: FloatArray, name: str) -> Noise:
    """Factor a covariance; in correlations, so that measurements in any units are told apart from rounding."""
    size = len(C)
    variances = np.diag(C)
    if (variances < 0).any():
        at = int(np.argmax(variances < 0))
        raise InputError(f"{name} is no covariance: its diagonal entry {at} is {shown(variances[at])}")
    std = np.sqrt(variances)
    exact = std == 0
    if C[exact].any() or C[:, exact].any():
        raise InputError(f"{name} is no covariance: a measurement without variance has covariances")
    safe = np.where(exact, 1.0, std)
    correlations = C / safe[:, None] / safe
    allowed = _ROUNDING * size
    if not np.abs(correlations - correlations.T).max(initial=0.0) <= allowed:
        raise InputError(f"{name} is no covariance: it is not symmetric")
    if not (correlations - np.diag(np.diag(correlations))).any():
        return Noise(std)
    values, vectors = np.linalg.eigh((correlations + correlations.T) / 2)
    if values[0] < -allowed:
        raise InputError(
            f"{name} is no covariance: it is not positive semi-definite (as correlations, its smallest eigenvalue is "
            f"{values[0]:.1e})"
        )
    kept = values > allowed
    return Noise(std, np.sqrt(values[kept])[:, None] * vectors[:, kept].T)
