"""Sums of products of float64 numbers without any rounding: whether a certificate holds is no matter of tolerances.

Each float is a whole number times a power of two, so matrices become Python's integers with one common exponent. A sum of
several float vectors stands for a vector of more digits than one has: that is how a certificate is refined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FloatArray

_DIGITS = 53


@dataclass(frozen=True, eq=False)
class Exact:
    """``integers * 2**-places``, an array of exact numbers.

    >>> third = Exact.of(np.array([[0.1, 0.2]])) @ Exact.of(np.array([3.0, -1.0]))
    >>> third.floats()[0] == 3 * 0.1 - 0.2, float(third.fraction(0)) == float(3 * Fraction(0.1) - Fraction(0.2))
    (np.False_, True)
    """

    integers: NDArray[Any]
    places: int

    @classmethod
    def of(cls, *parts: FloatArray) -> Exact:
        """The sum of the parts, arrays of one shape."""
        values = np.stack(parts)
        fractions, exponents = np.frexp(values)
        whole = np.ldexp(fractions, _DIGITS).astype(np.int64).astype(object)
        exponents = exponents.astype(np.int64) - _DIGITS
        lowest = int(exponents[values != 0].min(initial=0))
        shifts = np.where(values != 0, exponents - lowest, 0).astype(object)
        return cls(np.sum(whole << shifts, axis=0), -lowest)

    def __matmul__(self, other: Exact) -> Exact:
        return Exact(self.integers @ other.integers, self.places + other.places)

    @property
    def T(self) -> Exact:
        """Transpose."""
        return Exact(self.integers.T, self.places)

    def __getitem__(self, index: Any) -> Exact:
        return Exact(self.integers[index], self.places)

    def floats(self, less: FloatArray | None = None) -> FloatArray:
        """The nearest floats, of the difference to `less` if that is given."""
        unit = 1 << self.places
        if less is None:
            return np.array([whole / unit for whole in self.integers.ravel()]).reshape(self.integers.shape)
        return Exact(self.integers - _at(less, self.places), self.places).floats()

    def fraction(self, index: int) -> Fraction:
        """One entry."""
        return Fraction(int(self.integers[index]), 1 << self.places)

    def total(self) -> Fraction:
        """Sum of the absolute values."""
        return Fraction(int(np.sum(np.abs(self.integers))), 1 << self.places)

    def largest(self) -> Fraction:
        """Largest absolute value, 0 if empty."""
        return Fraction(int(max((abs(whole) for whole in self.integers.ravel()), default=0)), 1 << self.places)


def null_vectors(A: Exact) -> list[list[Fraction]]:
    """A basis of ``{h : A h = 0}`` for A (m, k), by elimination without fractions (Bareiss 1968).

    >>> [[str(h) for h in vector] for vector in null_vectors(Exact.of(np.array([[1.0, 3.0]])))]
    [['-3', '1']]
    """
    rows: list[list[int]] = [[int(entry) for entry in row] for row in A.integers]
    count = A.integers.shape[1]
    pivots: list[int] = []
    previous = 1
    for column in range(count):
        done = len(pivots)
        chosen = next((row for row in range(done, len(rows)) if rows[row][column]), None)
        if chosen is None:
            continue
        rows[done], rows[chosen] = rows[chosen], rows[done]
        pivot = rows[done][column]
        for index in range(len(rows)):
            if index != done:
                factor = rows[index][column]
                rows[index] = [
                    (pivot * entry - factor * above) // previous
                    for entry, above in zip(rows[index], rows[done], strict=True)
                ]
        previous = pivot
        pivots.append(column)
    basis: list[list[Fraction]] = []
    for free in sorted(set(range(count)) - set(pivots)):
        vector = [Fraction(0)] * count
        vector[free] = Fraction(1)
        for row, column in enumerate(pivots):
            vector[column] = Fraction(-rows[row][free], rows[row][column])
        basis.append(vector)
    return basis


def refined(residual: Any, correction: Any, start: FloatArray, *, times: int = 3) -> Sequence[FloatArray]:
    """Parts of a vector with more digits: `times` corrections for what `residual` finds, without rounding, to be left.

    Parameters
    ----------
    residual : from an `Exact` vector to the float array that should be 0.
    correction : from that to what to add.
    start : the first part.
    """
    parts = [start]
    for _ in range(times):
        parts.append(correction(residual(Exact.of(*parts))))
    return parts


def _at(values: FloatArray, places: int) -> NDArray[Any]:
    """Floats that are whole numbers, as integers with that exponent."""
    return np.array([int(value) << places for value in values.ravel()], dtype=object).reshape(values.shape)
