r"""The factorisations behind the closed forms.

All work in the eigenbasis of the flow: with w = V^T z and ``M = Sigma U^T A^T`` (n x m), ``A x = A mu + M^T w``. One
Householder QR of the augmented matrix ``[M; sqrt(gamma) I_m] = Q R`` gives the penalised solution
``w = Q_1 R^{-T} (y - A mu)``, Q_1 the first n rows, because ``M (M^T M + gamma I)^{-1} = Q_1 R (R^T R)^{-1}``. The Gram
matrix is never formed, and the rows of the augmented matrix are sorted by size and its columns pivoted: QR is then
backward stable row by row (Cox & Higham, "Stability of Householder QR factorization for weighted least squares
problems", 1998), so singular values that span hundreds of orders of magnitude cost no accuracy, where
`numpy.linalg.pinv` returns nothing but rounding (THEORY.md section 5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from linflow.checks import (
    FloatArray,
    IntArray,
    overflow,
)
from linflow.errors import InputError, RankError
from linflow.estimators.noise import Noise
from linflow.estimators.systems import System
from linflow.graded import CERTAIN, MARGIN, GradedQR, graded_svd

#: What is left out may differ from what the others say by so many times the rounding of what is said of it.
_AGREEMENT = 100.0


class PenalisedSolver:
    """Minimiser w of ``|B diag(s) w - r|^2 + |w|^2`` in the original units, whitened by the noise (0: as a limit).

    Of the parts of complex rows, those that say nothing new about a real signal (zero, or combinations of the others) are
    left out, once they are known to agree with the others.
    """

    def __init__(self, system: System, s: FloatArray, noise: Noise, *, complete: bool = False) -> None:
        self.system, self.n = system, s.size
        self.qr = system.qr(s, noise, complete=complete)
        if self.qr.rank == system.m:
            return
        if not system.is_complex:
            row = int(self.qr.pivots[self.qr.rank]) if self.qr.pivots.size else 0
            problem = "is, to rounding, zero or a linear combination of the other rows"
            if not system.B[row, : s.size].any():
                problem = "is zero"
            remedy = "a larger penalty (or noise_std)" if noise.any else "a penalty (or noise_std) > 0"
            raise RankError(f"row {row} of A G {problem}: drop that measurement, or use {remedy}")
        reduced = _independent(system, s, noise)
        if reduced.doubtful > 0:
            raise _undecided()
        self.system = system.rows(reduced.rows)
        self.qr = self.system.qr(s, noise.rows(reduced.rows), complete=complete)
        if self.qr.rank < self.system.m:
            raise _undecided()
        _require_agreement(system, reduced, np.hypot.reduce(s * self.solution, axis=-1))

    @property
    def solution(self) -> FloatArray:
        """w, (..., n)."""
        r = self.system.r
        return _smallest_solution(self.qr, r[..., self.qr.pivots])[..., : self.n]

    @property
    def complement(self) -> FloatArray:
        """Q_c, (n, r): ``Q_c Q_c^T`` is the posterior covariance of w."""
        return self.qr.Q[: self.n, self.system.m :]


def _undecided() -> RankError:
    return RankError(
        "parts of the rows of A G are so nearly dependent that float64 cannot tell: drop a measurement, or use a larger "
        "penalty (or noise_std)"
    )


def _smallest_solution(qr: GradedQR, r: FloatArray) -> FloatArray:
    """The smallest w with ``w @ K[:, pivots] = r`` for K = Q R of full rank; r (..., rank) in the order of the pivots."""
    m = qr.rank
    if m == 0:
        return np.zeros((*r.shape[:-1], len(qr.Q)))
    v = scipy.linalg.solve_triangular(qr.R[:m, :m], r.reshape(-1, m).T, trans="T", check_finite=False)
    with overflow():  # what leaves float64 is said of the reconstruction
        return np.reshape((qr.Q[:, :m] @ v).T, (*r.shape[:-1], len(qr.Q)))


def determines(system: System, k: int) -> bool:
    """Whether k directions are to be fitted by least squares: always for k real measurements.

    The parts of complex rows may be fewer than they seem: if they do not determine k directions, many points fit exactly.
    """
    return not system.is_complex or _direct_fit(system, k).qr.rank == k


def _direct_fit(system: System, k: int) -> _WeightedFit:
    return _WeightedFit.of(system.B[:, :k], system.exponents, np.full(system.m, system.rounded_at))


def least_squares(system: System, k: int) -> FloatArray:
    """Minimiser c (..., k) of ``|B_k c - r|`` in the original units, B_k the first k <= m columns of B."""
    fit = _direct_fit(system, k)
    if fit.qr.rank < k:
        raise RankError(
            f"the {system.m} measurements do not determine direction {int(fit.qr.pivots[fit.qr.rank])} of the rank-{k} "
            "prior: lower the rank, or use penalised with a penalty > 0"
        )
    return fit.solution(system.r)


@dataclass(frozen=True, eq=False)
class _WeightedFit:
    """Least squares ``|2^exponents (B c - r)|`` for B (m, k), k <= m: ``2^shift B[:, pivots] = Q R``."""

    qr: GradedQR
    shift: NDArray[np.int32]

    @classmethod
    def of(cls, B: FloatArray, exponents: NDArray[np.int32], row_noise: FloatArray) -> _WeightedFit:
        # Least squares weighs the measurements by their size, so the units go back in, all shifted alike to keep them
        # finite.
        shift = exponents - (exponents.max() if exponents.size else 0)
        noise = np.ldexp(row_noise, shift)
        rows, columns = np.ldexp(B, shift[:, None]), np.full(B.shape[1], noise.max(initial=0.0))
        return cls(GradedQR.of(rows, row_noise=noise, column_noise=columns), shift)

    def solution(self, r: FloatArray) -> FloatArray:
        """The minimiser c (..., k), R being of full rank."""
        k = self.qr.pivots.size
        if k == 0:
            return np.zeros((*r.shape[:-1], 0))
        rhs = np.ldexp(r, self.shift).reshape(-1, len(self.shift))
        v = scipy.linalg.solve_triangular(self.qr.R, self.qr.Q.T @ rhs.T, check_finite=False)
        c = np.empty_like(v)
        c[self.qr.pivots] = v
        return np.reshape(c.T, (*r.shape[:-1], k))


@dataclass(frozen=True, eq=False)
class Triplets:
    """``diag(s) B^T = P diag(S) Q^T`` in the original units, without what is only rounding.

    Parameters
    ----------
    P, S, Q : (n, r), (r,), (m, r) arrays
    doubtful : float
        Size of the largest column left out that float64 cannot tell from a combination of the others; 0 if there is none.
    qr : GradedQR
        Of r rows that do not depend on each other, and perhaps others.
    readings : _WeightedFit
        Of those r rows (in the order of ``qr.pivots``) to all of them: what they should read, given what all of them read.
    """

    P: FloatArray
    S: FloatArray
    Q: FloatArray
    doubtful: float
    qr: GradedQR
    readings: _WeightedFit

    def limit(self, r: FloatArray) -> FloatArray:
        """The smallest minimiser w of ``|B diag(s) w - r|`` in the original units, (..., n)."""
        # Not P diag(1/S) Q^T r: where rows differ wildly in size, that loses the small ones.
        return _smallest_solution(self.qr, self.readings.solution(r))


@dataclass(frozen=True, eq=False)
class _Independent:
    """Which rows of a system say something that the others do not.

    Parameters
    ----------
    qr : GradedQR of the rows that are not combinations of others by rounding
    kept : those rows
    combinations : (rank, m) array
        Every row as a combination of the r rows `rows`.
    doubtful : float
        Size of the largest row left out that float64 cannot tell from a combination of the others; 0 if there is none.
    """

    qr: GradedQR
    kept: IntArray
    combinations: FloatArray
    doubtful: float

    @property
    def rows(self) -> IntArray:
        """Rows that do not depend on each other, in the order of the pivots."""
        return self.kept[self.qr.pivots[: self.qr.rank]]


def _independent(system: System, s: FloatArray, noise: Noise | None = None) -> _Independent:
    kept, doubtful = np.arange(system.m), 0.0
    spanned: list[tuple[IntArray, IntArray, FloatArray]] = []
    # What rounding leaves of a dependent row may be larger than independent rows that see small directions only. So it is
    # taken out, and the others are factorised again, until all pivots count.
    while (qr := system.rows(kept).qr(s, None if noise is None else noise.rows(kept))).rank < len(qr.R):
        dependent = ~(qr.excess > MARGIN)
        dependent[0] = True
        chosen = kept[qr.pivots[qr.rank :][dependent]]
        spanned.append((chosen, kept[qr.pivots[: qr.rank]], _without_rounding(qr.combinations[:, dependent])))
        left = np.ldexp(np.hypot.reduce(qr.R[qr.rank :, qr.rank :][:, dependent], axis=0), system.exponents[chosen])
        doubtful = max(doubtful, float(left.max(where=qr.excess[dependent] > CERTAIN, initial=0.0)))
        kept = np.setdiff1d(kept, chosen)
    if kept.size > qr.rank:  # more rows than coordinates
        spanned.append((kept[qr.pivots[qr.rank :]], kept[qr.pivots[: qr.rank]], _without_rounding(qr.combinations)))
    # Every row as a combination of r of them. Exact for those, so that the small ones stay apart from the large.
    combinations = np.zeros((qr.rank, system.m))
    combinations[:, kept[qr.pivots[: qr.rank]]] = np.eye(qr.rank)
    for chosen, others, combination in reversed(spanned):
        combinations[:, chosen] = combinations[:, others] @ combination
    return _Independent(qr, kept, combinations, doubtful)


def _require_agreement(system: System, reduced: _Independent, length: FloatArray) -> None:
    """Raise unless each row left out reads, to rounding, what the others say it does; `length` is that of x - mu, (...)."""
    assert system.sizes is not None
    sizes = system.sizes + np.hypot.reduce(system.B, axis=1) * length[..., None]
    allowed = sizes + sizes[..., reduced.rows] @ np.abs(reduced.combinations)
    allowed *= _AGREEMENT * math.sqrt(sum(system.B.shape)) * system.precision
    deviation = np.abs(system.r - system.r[..., reduced.rows] @ reduced.combinations)
    deviation[..., reduced.rows] = 0.0
    excess = np.where(deviation > allowed, deviation / np.maximum(allowed, np.finfo(np.float64).tiny), 0.0)
    if excess.any():
        place = np.unravel_index(int(np.argmax(excess)), excess.shape)
        row = int(place[-1])
        unit = int(system.exponents[row])
        raise InputError(
            f"y contradicts itself: {system.named(row)} says nothing of a real signal that the others do not, but there y "
            f"differs by {np.ldexp(deviation[place], unit):.2g} from what they say (rounding explains "
            f"{np.ldexp(allowed[place], unit):.2g}): correct y, drop that measurement, or use noise_std > 0"
        )


def singular_triplets(system: System, s: FloatArray) -> Triplets:
    """The singular value decomposition of ``diag(s) B^T``."""
    found = _independent(system, s)
    qr, doubtful = found.qr, found.doubtful
    readings = _WeightedFit.of(found.combinations.T, system.exponents, np.zeros(system.m))
    if readings.qr.rank < qr.rank:
        raise RankError(
            "the rows of A G depend on each other and differ so much in size that float64 cannot tell what they say "
            "together: drop the dependent ones"
        )
    if qr.rank == 0:
        return Triplets(np.zeros((s.size, 0)), np.zeros(0), np.zeros((system.m, 0)), doubtful, qr, readings)
    weighted = np.ldexp(readings.qr.R, system.exponents.max()) @ qr.R[:, : qr.rank].T[readings.qr.pivots]
    Q, S, V = graded_svd(weighted)
    with overflow():
        P = qr.Q[:, : qr.rank] @ V
    return Triplets(P, S, readings.qr.Q @ Q, doubtful, qr, readings)


def _without_rounding(C: FloatArray) -> FloatArray:
    """Combinations of rows (r, k) without the coefficients that are only rounding: a repeated row repeats one row."""
    size = np.hypot.reduce(C, axis=0, initial=1.0)
    cleaned: FloatArray = np.where(np.abs(C) > CERTAIN * math.sqrt(len(C) + 1) * np.finfo(np.float64).eps * size, C, 0.0)
    return cleaned
