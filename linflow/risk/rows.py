"""Rows of measurements, real or complex: units of their own, and sums of squares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FloatArray


def unit_rows(A: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Each row times the power of two that brings its largest entry into 1/2..1: exact, and X_A stays the same.

    An entry loses at most 5e-324 of the row's largest. Singular values reach over 300 decades, so that this is below
    1e-23 of the row of ``A Sigma``, far below its rounding. `out` is a contiguous array of this shape and type to write to.

    >>> unit_rows(np.array([[6.0, 1.0], [2.0**-1074, 0.0]]))
    array([[0.75 , 0.125],
           [0.5  , 0.   ]])
    """
    parts = np.ascontiguousarray(A).view(np.float64)  # real and imaginary parts side by side
    _, exponents = np.frexp(np.maximum(parts.max(axis=-1, initial=0.0), -parts.min(axis=-1, initial=0.0)))
    # Of subnormal rows in two steps, each exact: no double is as large as their power.
    first = np.minimum(-exponents, 1000)
    into = None if out is None else out.view(np.float64)
    scaled: NDArray[Any] = np.multiply(parts, np.ldexp(1.0, first)[..., None], out=into)
    if np.any(first != -exponents):
        scaled *= np.ldexp(1.0, -exponents - first)[..., None]
    found: NDArray[Any] = scaled.view(A.dtype)
    return found


def squares(rows: NDArray[Any]) -> FloatArray:
    """Sums of squared moduli along the rows of a matrix.

    >>> squares(np.array([[3.0, 4.0j]]))
    array([25.])
    """
    sums: FloatArray = np.einsum("ji,ji->j", rows.real, rows.real)
    return sums + np.einsum("ji,ji->j", rows.imag, rows.imag) if np.iscomplexobj(rows) else sums
