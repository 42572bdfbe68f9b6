"""Batches of sparse problems as stacks of matrices and columns: (D, m, n) and (D, length, K)."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator

from linflow.checks import FloatArray, finite_array
from linflow.errors import InputError, ShapeError
from linflow.measurement import Measurement, as_dense


def matrices(A: Measurement, *, wide: bool = True) -> tuple[FloatArray, tuple[int, ...]]:
    """A as (D, m, n), and the leading axes that it had."""
    if isinstance(A, LinearOperator) or scipy.sparse.issparse(A):
        A = as_dense(A)
    stack: Any = finite_array(A, "A")
    if stack.ndim < 2:
        raise ShapeError(f"A must have shape (..., m, n) with one measurement a row, got {stack.shape}")
    *lead, m, n = stack.shape
    if wide and m > n:
        raise ShapeError(f"A has more rows ({m}) than columns ({n}): y = A x has one solution at most, no prior is needed")
    return stack.reshape(int(np.prod(lead)), m, n), tuple(lead)


def columns_of(values: FloatArray, D: int) -> FloatArray:
    """(*lead, ..., length) as (D, length, K): the batch of each matrix becomes columns."""
    length = values.shape[-1]
    count = int(np.prod(values.shape[:-1]))
    columns: FloatArray = np.moveaxis(values.reshape(D, count // max(D, 1), length), 1, 2)
    return columns


def batches(values: ArrayLike, lead: tuple[int, ...], length: int, name: str) -> FloatArray:
    """`values` as a finite (*lead, ..., length) array."""
    array = finite_array(values, name)
    if array.ndim < len(lead) + 1 or array.shape[: len(lead)] != lead or array.shape[-1] != length:
        front = "".join(f"{axis}, " for axis in lead)
        raise ShapeError(
            f"{name} must have shape ({front}..., {length}), its first axes those of A and its last one signal or "
            f"measurement vector, got {array.shape}"
        )
    return array


def shrink(values: FloatArray, threshold: FloatArray | float) -> FloatArray:
    """Soft threshold."""
    return values - np.clip(values, -threshold, threshold)


def in_units(values: FloatArray, power: NDArray[np.int64]) -> FloatArray:
    """``values * 2**power``; InputError where that is too large for float64."""
    with np.errstate(over="ignore"):
        scaled = np.ldexp(values, power)
    if not np.isfinite(scaled).all():
        raise InputError("the solution is too large for float64: write y in larger units, or A in smaller ones")
    return scaled
