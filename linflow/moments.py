r"""Mean, covariance and what shrinkage needs of samples that fit into no memory: one pass over blocks of rows.

Blocks are centred by their own means and merged (Chan, Golub & LeVeque, The American Statistician 37, 1983), so that an
offset which outweighs the spread costs no digits. Variances below ``eps ||C||`` are lost, as in every covariance; samples
in memory go through singular values instead, which keep them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FloatArray
from linflow.errors import InputError

#: Data beyond this have squares that float64 cannot hold.
LARGEST = 1e150
#: Bytes of an array that are looked at in one go.
BLOCK = 2**24


@dataclass(frozen=True, eq=False)
class Moments:
    r"""Sums over samples x_i (rows) that the Gaussian model and its shrinkage are made of.

    Parameters
    ----------
    samples : how many.
    mean : (n,), [x]
    unit : the power of two that the spread is counted in, [x]: no fourth power leaves float64.
    covariance : (n, n) ``sum (x_i - mean)(x_i - mean)^T / samples``, in unit^2
    fourth : ``sum |x_i - mean|^4 / samples``, in unit^4
    least, greatest : (n,) of each column, [x]
    """

    samples: int
    mean: FloatArray
    unit: float
    covariance: FloatArray
    fourth: float
    least: FloatArray
    greatest: FloatArray

    @classmethod
    def of(cls, X: NDArray[Any]) -> Moments:
        """Of the rows of `X`, (samples, n), in one pass; InputError for entries that are not finite.

        Examples
        --------
        >>> X = np.random.default_rng(0).standard_normal((50, 3)) + 1e6
        >>> found = Moments.of(X)
        >>> bool(np.allclose(found.covariance * found.unit**2, np.cov(X.T, bias=True), rtol=1e-9))
        True
        >>> fourth = np.mean(np.sum((X - X.mean(axis=0)) ** 2, axis=1) ** 2)
        >>> bool(np.isclose(found.fourth * found.unit**4, fourth))
        True
        """
        samples, n = X.shape
        shift, unit = _shift_and_unit(X)
        scatter, total, weighted = np.zeros((n, n)), np.zeros(n), np.zeros(n)
        squares, fourths = 0.0, 0.0
        mean, count = np.zeros(n), 0  # of (x - shift) / unit
        least, greatest = np.full(n, np.inf), np.full(n, -np.inf)
        for block in blocks(X):
            _require_numbers(block)
            least, greatest = np.minimum(least, block.min(axis=0)), np.maximum(greatest, block.max(axis=0))
            y = (block - shift) / unit
            own, many = y.mean(axis=0), len(block)
            centred, gap = y - own, own - mean
            scatter += centred.T @ centred + np.outer(gap, gap) * (count * many / (count + many))
            mean, count = mean + gap * (many / (count + many)), count + many
            lengths = np.einsum("ij,ij->i", y, y)
            total += y.sum(axis=0)
            squares, fourths, weighted = squares + lengths.sum(), fourths + lengths @ lengths, weighted + lengths @ y
        # sum |y_i - d|^4, with d the mean of y, from sums over the y_i alone.
        d = total / samples
        e = float(d @ d)
        crossed = float(d @ scatter @ d) + samples * e**2  # sum (y_i . d)^2
        fourth = fourths + 4 * crossed - 3 * samples * e**2 - 4 * float(d @ weighted) + 2 * e * squares
        return cls(samples, shift + unit * mean, unit, scatter / samples, max(fourth, 0.0) / samples, least, greatest)


def _shift_and_unit(X: NDArray[Any]) -> tuple[FloatArray, float]:
    """Near the mean of the rows, and near the largest distance from there: of the first block."""
    first = next(blocks(X))
    _require_numbers(first)
    shift = first.mean(axis=0)
    largest = float(np.abs(first - shift).max())
    return shift, float(2.0 ** np.floor(np.log2(largest))) if largest > 0 else 1.0


def _require_numbers(block: FloatArray) -> None:
    largest = float(np.abs(block).max())  # NaN if any entry is
    if not np.isfinite(largest):
        raise InputError("data must be finite, but has entries that are NaN or infinite")
    if largest > LARGEST:
        raise InputError(f"data must lie within {LARGEST:g}, as their squares are float64 numbers then, got {largest:g}")


def weight_of_identity(
    rule: str, *, samples: int, n: int, trace: float, trace_of_square: float, fourth: float
) -> float | None:
    """The weight rho in [0, 1] that a rule of shrinkage gives to the identity; None if there is no rule of that name.

    Parameters
    ----------
    rule : "oas" or "ledoit-wolf".
    trace, trace_of_square : tr S and tr S^2 of the sample covariance S.
    fourth : mean of ``|x_i - mean|^4``.
    """
    # || S - mu I ||_F^2: what is left of S beside its multiple of the identity.
    spread = trace_of_square - trace**2 / n
    if spread <= 0:
        return 1.0
    if rule == "oas":
        # Chen, Wiesel, Eldar & Hero (2010), eq. 23, without its term 2/n, as in scikit-learn.
        return float(min((trace_of_square + trace**2) / ((samples + 1) * spread), 1.0))
    if rule == "ledoit-wolf":
        # Ledoit & Wolf (2004), Lemma 3.2-3.4.
        return float(min((fourth - trace_of_square) / samples, spread) / spread)
    return None


def blocks(values: NDArray[Any]) -> Iterator[FloatArray]:
    """Some rows at a time, as float64."""
    rows = max(1, BLOCK // max(8 * values[:1].size, 1))
    for start in range(0, len(values), rows):
        yield np.ascontiguousarray(values[start : start + rows], dtype="<f8")


def mapped(values: object) -> NDArray[Any] | None:
    """The samples behind `values` if they are a matrix of real numbers that lies on the disk, and at least as many as wide.

    >>> mapped(np.zeros((3, 2))) is None
    True
    """
    held: Any = values if isinstance(values, np.ndarray) else getattr(values, "values", None)
    if type(held) not in (np.ndarray, np.memmap) or not is_mapped(held):
        return None
    array: NDArray[Any] = held
    return array if array.ndim == 2 and array.dtype.kind in "iuf" and len(array) >= max(array.shape[1], 2) else None


def is_mapped(values: object) -> bool:
    """Whether an array is, or is a view of, a file on the disk.

    >>> is_mapped(np.zeros(3))
    False
    """
    base: object = values
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return False
