r"""Sums over pairs in a product of Bernoulli laws: positive terms, no division, and a count of the roundings.

For probabilities ``p_i + q_i = 1`` and a symmetric matrix W of numbers >= 0, all the coefficients of

    sum_{j < k} W_jk z^2 prod_{i != j, k} (q_i + p_i z).

Leaving two factors out of a product by dividing by them loses everything where they are small. Here the set is halved
again and again instead: with a half's product ``law(z)``, its products with one factor ``q_j + p_j z`` replaced by
z (`singles`), and its sum over pairs (`pairs`), two halves A and B make

    law = law_A law_B,   singles = {singles_A law_B, law_A singles_B},
    pairs = pairs_A law_B + law_A pairs_B + sum_{j in A, k in B} W_jk single_j single_k,

all of it products of small matrices: O(n^3) in all, and what the coefficients lose is bounded by how many operations
lead to each, whatever the numbers and the order of summation (Higham 2002, "Accuracy and Stability of Numerical
Algorithms", Lemma 3.1 and section 3.1). Tested in tests/test_pairs.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from linflow.checks import FloatArray


@dataclass(frozen=True)
class PairSums:
    """Coefficients of the sum over pairs.

    Parameters
    ----------
    coefficients : (points, n + 1) array, those of z^0..z^n.
    roundings : each coefficient is the exact one times at most so many factors ``(1 + d)^+-1``, ``|d| <= 2^-53``.
    """

    coefficients: FloatArray
    roundings: int


def pair_sums(
    seen: FloatArray, unseen: FloatArray, weights: FloatArray, *, roundings: int = 0, weight_roundings: int = 0
) -> PairSums:
    """The coefficients at several points at once.

    Parameters
    ----------
    seen, unseen : (points, n) arrays, p and q, in 0..1.
    weights : (points, n, n) array, W, symmetric and >= 0; its diagonal is not used.
    roundings, weight_roundings : how many are in the entries of p and q, and of W.

    Examples
    --------
    With ``W_jk = p_j p_k`` it is C(c, 2) times the law of the sum of the Bernoulli variables at c:

    >>> p = np.array([[0.25, 0.5, 0.75]])
    >>> pair_sums(p, 1 - p, p[:, :, None] * p[:, None, :]).coefficients
    array([[0.     , 0.     , 0.40625, 0.28125]])
    """
    points, n = seen.shape
    # Factors that are 1 fill up to a power of two: they change nothing.
    full = 1 << (n - 1).bit_length()
    law = np.zeros((points, full, 2))
    law[:, :, 0] = 1.0
    law[:, :n, 0], law[:, :n, 1] = unseen, seen
    singles = np.zeros((points, full, 1, 2))
    singles[..., 1] = 1.0
    pairs = np.zeros((points, full, 2))
    W = np.zeros((points, full, full))
    W[:, :n, :n] = weights
    in_law, in_singles, in_pairs = roundings, 0, 0
    size = 1
    while size < full:
        count = full // (2 * size)
        times_A, times_B = _multiplication(law[:, ::2]), _multiplication(law[:, 1::2])
        singles_A, singles_B = singles[:, ::2], singles[:, 1::2]
        between = W.reshape(points, count, 2, size, count, 2, size)[:, range(count), 0, :, range(count), 1, :]
        products = singles_A.swapaxes(-1, -2) @ (between.swapaxes(0, 1) @ singles_B)
        # A sum of s products of an entry with d and one with e roundings has d + e + s.
        in_products = weight_roundings + 2 * in_singles + 3 * size
        in_pairs = max(in_products, in_pairs + in_law + size + 1) + 2
        pairs = _antidiagonals(products) + _apply(pairs[:, ::2], times_B) + _apply(pairs[:, 1::2], times_A)
        if count > 1:
            singles = np.concatenate([singles_A @ times_B, singles_B @ times_A], axis=2)
            law = _apply(law[:, ::2], times_B)
            in_singles += in_law + size + 1
            in_law += in_law + size + 1
        size *= 2
    return PairSums(pairs[:, 0, : n + 1], in_pairs)


def _apply(polynomial: FloatArray, times: FloatArray) -> FloatArray:
    product: FloatArray = (polynomial[..., None, :] @ times)[..., 0, :]
    return product


def _multiplication(polynomial: FloatArray) -> FloatArray:
    """Matrices (..., s + 1, 2 s + 1) that multiply a row of s + 1 coefficients by these polynomials."""
    *shape, length = polynomial.shape
    padded = np.zeros((*shape, 3 * length - 2))
    padded[..., length - 1 : 2 * length - 1] = polynomial
    # Contiguous, for BLAS.
    return np.ascontiguousarray(sliding_window_view(padded, 2 * length - 1, axis=-1)[..., ::-1, :])


def _antidiagonals(matrix: FloatArray) -> FloatArray:
    """Sums over the antidiagonals of square matrices: c -> sum_{a + b = c} matrix_ab."""
    *shape, rows, columns = matrix.shape
    skewed = np.zeros((*shape, rows, rows + columns))
    skewed[..., :columns] = matrix
    # Read with rows one entry shorter, row a moves by a to the right.
    width = rows + columns - 1
    flat = skewed.reshape(*shape, rows * (width + 1))[..., : rows * width]
    total: FloatArray = flat.reshape(*shape, rows, width).sum(axis=-2)
    return total
