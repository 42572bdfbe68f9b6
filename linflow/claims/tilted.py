r"""Exactly tilted sampling: draws in [0, 1] whose mean is ``E_m / B_k``, whatever the spectrum.

For every A, ``X_A <= Y_k(A) := tail(k) + || A_1^+ A_2 Sigma_2 ||_F^2``, the risk of least squares in the rank-k truncated
prior for that A (A_1 the first k columns in the eigenbasis, A_2 the others), and ``E Y_k = B_k = (1 + k/(m-k-1)) tail(k)``
is known (T3). Hence, with ``dQ = (Y_k / B_k) dP``,

    E_m = B_k E_Q[ X_A / Y_k(A) ],      0 < X_A / Y_k(A) <= 1,

a bounded mean on which a confidence sequence is sharp, where plain draws of X_A on a decaying spectrum pay for a range of
up to 1e28 times the mean. The same tilt gives every other statement its bounded variable:
``E Y_k = tail(k) / E_Q[tail(k)/Y_k]`` (T3 itself), ``E ||G(I-P)||`` and the probability of large errors.

Q is sampled exactly and in triangular form. The law of A is invariant under rotations of the measurements, so A_1 may be
taken upper triangular at once (Bartlett): ``R_ii ~ chi(m-i+1)``, normal entries elsewhere. Under P that is all. The term
``l_j (e_i^T A_1^+ a_j)**2`` of Y_k with column i put last is ``l_j b_kj**2 / R_kk**2``; its share of B_k is
``(l_j/tail(k)) / (m-1)``, and tilting by it size-biases ``R_kk**2`` from chi2(m-k+1) to chi2(m-k-1) and ``b_kj**2`` from
chi2(1) to chi2(3).

Kind: exact. Neither T3 nor T4 is taken on trust: the ratio is checked on each draw and ``E_Q[B_k/Y_k] = 1`` is a claim.
Tested in tests/test_tilted.py against plain draws, the exact oracles, and a wrong tilt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FloatArray, positive_int, rank_in
from linflow.errors import InputError
from linflow.spectrum import Spectrum


@dataclass(frozen=True)
class TiltedDraws:
    """A batch of measurements under Q.

    Parameters
    ----------
    A : (size, m, n) array, measurements in the eigenbasis, columns by descending singular value.
    dominating : (size,) array, Y_k(A), [x]^2.
    """

    A: FloatArray
    dominating: FloatArray


def draw_tilted(
    spectrum: Spectrum,
    m: int,
    rank: int,
    *,
    size: int,
    rng: np.random.Generator,
) -> TiltedDraws:
    r"""Draw `size` real Gaussian measurements from Q, the law tilted by ``Y_k / B_k``; `rank` = 0 is the plain law.

    Parameters
    ----------
    m : number of measurements, 1..n.
    rank : k, 0 <= k <= m - 2 (k = 0: Y_0 is the constant energy).

    Examples
    --------
    >>> s = Spectrum.exponential(n=8, rate=0.5)
    >>> draws = draw_tilted(s, 4, rank=2, size=3, rng=np.random.default_rng(0))
    >>> draws.A.shape, bool(np.all(draws.dominating >= s.tail(2)))
    ((3, 4, 8), True)
    """
    k, l, tail = _setting(spectrum, m, rank, size)
    top = rng.standard_normal((size, k, l.size))
    rest = rng.standard_normal((size, m - k, l.size))
    if k == 0:
        return TiltedDraws(A=rest, dominating=np.full(size, tail))
    diagonal = np.arange(k)
    top[:, :, :k] *= np.triu(np.ones((k, k)), 1)
    rest[:, :, :k] = 0.0
    freedom = np.broadcast_to((m - diagonal).astype(np.float64), (size, k)).copy()
    tilted = rng.random(size) < k / (m - 1)
    freedom[tilted, k - 1] = m - k - 1
    top[:, diagonal, diagonal] = np.sqrt(rng.chisquare(freedom))
    # Every random number is drawn for each member of the batch, used or not.
    column, biased = _biased_entry(l[k:], size, rng)
    top[tilted, k - 1, k + column[tilted]] = biased[tilted]
    mixing = np.linalg.solve(top[:, :, :k], top[:, :, k:] * np.sqrt(l[k:]))
    dominating = tail + np.einsum("bij,bij->b", mixing, mixing)
    # The column put last in the triangular form was any of the k with equal probability: exchange it with one of them.
    batch, last = np.arange(size), rng.integers(0, k, size)
    chosen, final = top[batch, :, last].copy(), top[:, :, k - 1].copy()
    top[batch, :, last] = final
    top[:, :, k - 1] = np.where((last == k - 1)[:, None], final, chosen)
    return TiltedDraws(A=np.concatenate([top, rest], axis=1), dominating=dominating)


def draw_amplification(m: int, rank: int, *, size: int, rng: np.random.Generator) -> FloatArray:
    r"""(size,) independent draws of ``||A_1^+||_F^2`` under Q, A_1 the first `rank` columns of `draw_tilted`'s A.

    The other columns are independent of A_1 and white, so that ``E[Y_k | A_1] = tail(k) (1 + ||A_1^+||_F^2)``, whatever
    the spectrum: with them integrated out, nothing but A_1 has to be drawn, and Y_k loses the larger part of its spread.

    Parameters
    ----------
    m : number of measurements.
    rank : k, 0 <= k <= m - 2.

    Notes
    -----
    The Frobenius norm of ``R^-1`` does not change when the leading k - 1 columns of R are turned into bidiagonal form from
    both sides (Golub & Kahan 1965): of an m x p Gaussian matrix its diagonal is ``chi(m), ..., chi(m-p+1)`` and its upper
    one ``chi(p-1), ..., chi(1)``, all independent (Silverstein 1985). The last column, whose pivot the tilt changes, stays
    as it is. A draw takes O(k) operations.

    Examples
    --------
    Its mean under the plain law is ``k/(m-k-1)``, so that under Q that of ``1/(1 + ||A_1^+||^2)`` is ``(m-k-1)/(m-1)``:

    >>> drawn = draw_amplification(12, 3, size=40_000, rng=np.random.default_rng(0))
    >>> bool(np.isclose(np.mean(1 / (1 + drawn)), 8 / 11, rtol=0.01))
    True
    """
    k, size = rank_in(rank, 0, max(m - 2, 0), " (at most m - 2)"), positive_int(size, "size")
    if k == 0:
        return np.zeros(size)
    tilted = rng.random(size) < k / (m - 1)
    pivot = rng.chisquare(np.where(tilted, m - k - 1, m - k + 1))
    diagonal = np.sqrt(rng.chisquare(np.arange(m, m - k + 1, -1.0)[:, None], (k - 1, size)))
    above = np.sqrt(rng.chisquare(np.arange(k - 2, 0, -1.0)[:, None], (max(k - 2, 0), size)))
    beside = rng.standard_normal((k - 1, size))
    # Column i of the inverse of a bidiagonal matrix is its last entry times a product of ratios: its square by recursion.
    total, column = np.zeros(size), np.ones(size)
    for i in range(k - 1):
        if i:
            column = 1.0 + column * (above[i - 1] / diagonal[i - 1]) ** 2
        total += column / diagonal[i] ** 2
    last, entry = np.ones(size), np.zeros(size)
    for i in range(k - 2, -1, -1):
        entry = (beside[i] - (above[i] * entry if i < k - 2 else 0.0)) / diagonal[i]
        last += entry**2
    return np.asarray(total + last / pivot)


def _setting(spectrum: Spectrum, m: int, rank: int, size: int) -> tuple[int, FloatArray, float]:
    """The rank k, the variances, and tail(k)."""
    if not 1 <= m <= spectrum.n:
        raise InputError(f"m must lie in 1..n = 1..{spectrum.n}, got {m}")
    k = rank_in(rank, 0, max(m - 2, 0), " (at most m - 2)")
    positive_int(size, "size")
    l = spectrum.variances
    return k, l, float(np.sum(l[k:][::-1]))


def _biased_entry(l: FloatArray, size: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], FloatArray]:
    """Which column the tilt changes, with probabilities as l, and the size-biased entry there: chi_3 with a random sign."""
    column = np.searchsorted(np.cumsum(l), rng.random(size) * np.sum(l), side="right").clip(max=l.size - 1)
    return column, np.sqrt(rng.chisquare(3, size)) * rng.choice([-1.0, 1.0], size)
