"""Rational matrices for the certificates, and the way from a floating-point solver to them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from flint import fmpq, fmpq_mat


def identity(n: int) -> fmpq_mat:
    """I."""
    return fmpq_mat([[int(i == j) for j in range(n)] for i in range(n)])


def diagonal(values: Sequence[Any]) -> fmpq_mat:
    """diag(values)."""
    return fmpq_mat([[value if i == j else 0 for j in range(len(values))] for i, value in enumerate(values)])


def column(values: Sequence[Any]) -> fmpq_mat:
    """A vector."""
    return fmpq_mat([[value] for value in values])


def trace(matrix: fmpq_mat) -> fmpq:
    """tr."""
    return sum((matrix[i, i] for i in range(matrix.nrows())), fmpq(0))


def columns(matrix: fmpq_mat, chosen: Sequence[int]) -> fmpq_mat:
    """Some columns."""
    return fmpq_mat([[matrix[i, j] for j in chosen] for i in range(matrix.nrows())])


def entries(vector: fmpq_mat) -> list[fmpq]:
    """The numbers of a column."""
    return [vector[i, 0] for i in range(vector.nrows())]


def rational(value: float) -> fmpq:
    """The nearest multiple of 2^-40."""
    return fmpq(round(float(value) * 2**40), 2**40)


def rounded(matrix: Any) -> fmpq_mat:
    """A symmetric float matrix, entry by entry."""
    n = len(matrix)
    return fmpq_mat([[(rational(matrix[i][j]) + rational(matrix[j][i])) / 2 for j in range(n)] for i in range(n)])


def solver() -> Any:
    """cvxpy, which loads slowly."""
    return import_module("cvxpy")


def floats(matrix: fmpq_mat) -> Any:
    """For the solver."""
    import numpy as np

    return np.array([[float(x.p) / float(x.q) for x in row] for row in matrix.tolist()])


def measurements(m: int, n: int) -> fmpq_mat:
    """An A, m x n, of full rank."""
    return fmpq_mat([[(5 * i * i * j + 3 * i * j * j + 2 * j + i + 1) % 13 - 6 for j in range(n)] for i in range(m)])
