"""`System`: a flow, its measurements and what they gave, in the eigenbasis of the flow and in units of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow.checks import (
    FloatArray,
    IntArray,
    batch_of,
    complex_batch_of,
    finite_array,
    instance_of,
    overflow,
    representable,
)
from linflow.errors import InputError, ShapeError
from linflow.estimators.noise import Noise, NoiseStd, noise_of
from linflow.flow import LinearFlow
from linflow.graded import GradedQR, largest_entries, times, times_transposed
from linflow.measurement import Measurement, as_dense, as_operator, is_matrix_free
from linflow.measurement.checked import is_operator
from linflow.measurement.operators import require_room

#: Of what is factorised: lengths of rows and columns are then float64 numbers too.
_LARGEST_ENTRY = 1e300
#: Arrays of the size of A that a factorisation holds at a time: A, A U, what is factorised, and its reflectors.
_COPIES = 4
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class System:
    """``B w' = r`` in the eigenbasis: B = A U (m, n), r = y - A mu (..., m), each measurement in a unit of its own.

    The units are powers of two that bring each row of A to size 1. That is exact, and without it a row in large units
    would decide which directions are large for all the others. A complex measurement is two real ones in one unit, of the
    real and the imaginary part, the real parts of all before the imaginary ones.
    """

    B: FloatArray
    r: FloatArray
    #: Row j of A and y is the given one times ``2**-exponents[j]``.
    exponents: NDArray[np.int32]
    #: Size at which the entries of B were rounded: 0 if U is the identity and nothing was.
    rounded_at: float
    #: Size at which the entries of r were rounded, before any solution is known, (..., m); None if A is real.
    sizes: FloatArray | None = None
    #: Unit of rounding of a complex A and its y.
    precision: float = float(np.finfo(np.float64).eps)

    @property
    def m(self) -> int:
        """Number of measurements."""
        return int(self.B.shape[0])

    @property
    def is_complex(self) -> bool:
        """Whether the measurements are parts of complex ones."""
        return self.sizes is not None

    def rows(self, chosen: IntArray) -> System:
        """The same with these measurements only."""
        return replace(
            self,
            B=self.B[chosen],
            r=self.r[..., chosen],
            exponents=self.exponents[chosen],
            sizes=None if self.sizes is None else self.sizes[..., chosen],
        )

    def qr(self, s: FloatArray, noise: Noise | None = None, *, complete: bool = False) -> GradedQR:
        """QR of ``[diag(s) B^T; F]`` (in the units of the rows), F the factor of the noise."""
        # No rows of zeros without a penalty: penalty 0 is then the same computation as the MLE, bit for bit.
        K = s[:, None] * self.B[:, : s.size].T
        row_noise = s * self.rounded_at
        if noise is not None and noise.any:
            F = noise.factor(self.exponents)
            K = np.vstack([K, F])
            row_noise = np.append(row_noise, np.zeros(len(F)))
        if not largest_entries(K) < _LARGEST_ENTRY:
            raise InputError("the rows of A and the penalty differ by more than float64 can hold: rescale A")
        column_noise = np.full(self.m, s.max(initial=0.0) * self.rounded_at)
        return GradedQR.of(K, row_noise=row_noise, column_noise=column_noise, complete=complete)

    def named(self, row: int) -> str:
        """What row `row` is, for a message."""
        if not self.is_complex:
            return f"row {row} of A"
        m = self.m // 2
        return f"the {'real' if row < m else 'imaginary'} part of row {row % m} of A"


def noise_on(system: System, noise_std: NoiseStd) -> Noise:
    """`noise_std`, checked, of the rows of a system."""
    m = system.m // 2 if system.is_complex else system.m
    return noise_of(noise_std, m, is_complex=system.is_complex)


def signal(flow: LinearFlow, s: FloatArray | float, w: FloatArray) -> FloatArray:
    """``mu + U (s w)``, in float64 or not at all."""
    with overflow():
        x = flow.mean + times_transposed(s * w, flow.basis)
    return representable(x, "the reconstruction")


def system_of(flow: LinearFlow, A: Measurement, y: ArrayLike) -> System:
    """The system of a flow, its measurements A and what they gave."""
    instance_of(flow, LinearFlow, "flow")
    precision = _precision(A)
    if is_operator(A):
        A = as_operator(A)
        precision = A.precision
    if is_matrix_free(A):
        require_room(A, copies=_COPIES)
    A = as_dense(A)
    is_complex = np.iscomplexobj(A)
    if not is_complex:
        A = finite_array(A, "A")
    m, n = A.shape
    if n != flow.n:
        raise ShapeError(f"A must have one column for each of the n = {flow.n} coordinates of the flow, got {A.shape}")
    given = complex_batch_of(y, m, "y") if is_complex else batch_of(y, m, "y")
    with overflow():
        r = given - A @ flow.mean
    representable(r, "y - A mean")
    exponents = np.frexp(np.abs(A).max(axis=1, initial=0.0))[1]
    sizes = None
    if is_complex:
        # One unit for both parts: what is only rounding of one of them stays small beside the other.
        exponents = np.tile(exponents, 2)
        with overflow():
            lengths = np.ldexp(np.linalg.norm(np.ldexp(1.0, -exponents[:m, None]) * A, axis=1), exponents[:m])
            sizes = np.tile(np.abs(given) + lengths * np.linalg.norm(flow.mean), 2)
            sizes = np.ldexp(sizes, -exponents)
        A, r = np.concatenate([A.real, A.imag]), np.concatenate([r.real, r.imag], axis=-1)
    unit = np.ldexp(A, -exponents[:, None])
    # A product with U rounds each entry at the length of the row of A, also where the entry itself is small.
    rounded_at = 0.0 if flow.basis is None and not is_complex else float(np.linalg.norm(unit, axis=1).max(initial=0.0))
    if is_complex:
        # Entries of a complex row, such as those of a Fourier transform, were rounded themselves: to n units where they are
        # exponentials of angles of up to 2 pi n.
        precision = max(precision, _precision(y))
        rounded_at *= max(precision / _EPS, n)
    with overflow():
        r = np.ldexp(r, -exponents)
    B, r = times(unit, flow.basis), representable(r, "y in units of the rows of A")
    return System(B, r, exponents, rounded_at, sizes, precision)


def _precision(values: object) -> float:
    """Unit of rounding of the numbers that were given."""
    dtype = np.asarray(values).dtype if isinstance(values, np.ndarray | np.generic) else np.dtype(np.float64)
    dtype = np.dtype(str(getattr(values, "dtype", dtype)).removeprefix("torch.")) if hasattr(values, "numpy") else dtype
    return max(float(np.finfo(dtype).eps), _EPS) if dtype.kind in "fc" else _EPS
