"""Rational instances at which linflow is held against the formulas of the proofs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from proofs.notation import l as level

#: Rounding of a few small products and one orthogonal factorisation at condition numbers below 100.
ROUNDING = 1e-12

#: Singular values, descending.
SPECTRA = (("3", "2", "1"), ("5/2", "2", "1/2", "1/3"), ("4", "4", "1/2", "1/2"), ("1", "1", "1", "1", "1"))

#: Measurements, one a row: the first m rows of the first n columns have full row rank (m <= 3).
_ROWS = ((1, 2, -1, 1, 3), (0, 1, 1, -2, 1), (2, -1, 1, 1, 0))

#: An invertible matrix with singular values between 1/4 and 6, and the mean.
GENERATOR = sp.Matrix([[2, 1, 0, 0], [0, 1, -1, 0], [0, 0, sp.Rational(1, 2), 1], [1, 0, 0, 3]])
MEAN = sp.Matrix([1, -2, sp.Rational(1, 2), 0])


def rational(values: tuple[str, ...]) -> list[Any]:
    return [sp.Rational(value) for value in values]


def measurements(m: int, n: int) -> sp.Matrix:
    return sp.Matrix([row[:n] for row in _ROWS[:m]])


def floats(values: Any) -> NDArray[np.float64]:
    """A sympy matrix (a column becomes a vector) or a list, rounded once."""
    found = np.array(sp.Matrix(values).tolist(), dtype=np.float64)
    return found[:, 0] if found.shape[1] == 1 else found


def at_spectrum(expression: Any, l: Sequence[Any]) -> Any:
    """The value of an expression in l_1, l_2, ... and sums of them."""
    return expression.doit().replace(level, lambda number: l[int(number) - 1])
