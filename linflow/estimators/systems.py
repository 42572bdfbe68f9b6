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
from numpy.typing import ArrayLike, NDArray

from linflow.checks import (
    FloatArray,
    IntArray,
    batch_of,
    finite_array,
    instance_of,
    overflow,
    representable,
)
from linflow.errors import InputError, RankError, ShapeError
from linflow.flow import LinearFlow
from linflow.graded import CERTAIN, MARGIN, GradedQR, graded_svd, times, times_transposed
from linflow.measurement import Measurement, as_dense

#: Of what is factorised: lengths of rows and columns are then float64 numbers too.
_LARGEST_ENTRY = 1e300


@dataclass(frozen=True, eq=False)
class System:
    """``B w' = r`` in the eigenbasis: B = A U (m, n), r = y - A mu (..., m), each measurement in a unit of its own.

    The units are powers of two that bring each row of A to size 1. That is exact, and without it a row in large units
    would decide which directions are large for all the others.
    """

    B: FloatArray
    r: FloatArray
    #: Row j of A and y is the given one times ``2**-exponents[j]``.
    exponents: NDArray[np.int32]
    #: Size at which the entries of B were rounded: 0 if U is the identity and nothing was.
    rounded_at: float

    @property
    def m(self) -> int:
        """Number of measurements."""
        return int(self.B.shape[0])

    def rows(self, chosen: IntArray) -> System:
        """The same with these measurements only."""
        return System(self.B[chosen], self.r[..., chosen], self.exponents[chosen], self.rounded_at)

    def qr(self, s: FloatArray, root_penalty: float = 0.0, *, complete: bool = False) -> GradedQR:
        """QR of ``[diag(s) B^T; root_penalty I]`` (in the units of the rows)."""
        # No rows of zeros without a penalty: penalty 0 is then the same computation as the MLE, bit for bit.
        K = s[:, None] * self.B[:, : s.size].T
        row_noise = s * self.rounded_at
        if root_penalty > 0:
            with np.errstate(over="ignore"):
                weights = np.ldexp(root_penalty, -self.exponents)
            K = np.vstack([K, np.diag(weights)])
            row_noise = np.append(row_noise, np.zeros(self.m))
        if not np.abs(K).max(initial=0.0) < _LARGEST_ENTRY:
            raise InputError("the rows of A and the penalty differ by more than float64 can hold: rescale A")
        column_noise = np.full(self.m, s.max(initial=0.0) * self.rounded_at)
        return GradedQR.of(K, row_noise=row_noise, column_noise=column_noise, complete=complete)


class PenalisedSolver:
    """Minimiser w of ``|B diag(s) w - r|^2 + root_penalty^2 |w|^2`` in the original units."""

    def __init__(self, system: System, s: FloatArray, root_penalty: float, *, complete: bool = False) -> None:
        self.system, self.n = system, s.size
        self.qr = system.qr(s, root_penalty, complete=complete)
        if self.qr.rank < system.m:
            row = int(self.qr.pivots[self.qr.rank]) if self.qr.pivots.size else 0
            problem = "is, to rounding, zero or a linear combination of the other rows"
            if not system.B[row, : s.size].any():
                problem = "is zero"
            remedy = "a larger penalty (or noise_std)" if root_penalty > 0 else "a penalty (or noise_std) > 0"
            raise RankError(f"row {row} of A G {problem}: drop that measurement, or use {remedy}")

    @property
    def solution(self) -> FloatArray:
        """w, (..., n)."""
        r = self.system.r
        return _smallest_solution(self.qr, r[..., self.qr.pivots])[..., : self.n]

    @property
    def complement(self) -> FloatArray:
        """Q_c, (n, r): ``Q_c Q_c^T`` is the posterior covariance of w."""
        return self.qr.Q[: self.n, self.system.m :]


def _smallest_solution(qr: GradedQR, r: FloatArray) -> FloatArray:
    """The smallest w with ``w @ K[:, pivots] = r`` for K = Q R of full rank; r (..., rank) in the order of the pivots."""
    m = qr.rank
    if m == 0:
        return np.zeros((*r.shape[:-1], len(qr.Q)))
    v = scipy.linalg.solve_triangular(qr.R[:m, :m], r.reshape(-1, m).T, trans="T", check_finite=False)
    with overflow():  # what leaves float64 is said of the reconstruction
        return np.reshape((qr.Q[:, :m] @ v).T, (*r.shape[:-1], len(qr.Q)))


def signal(flow: LinearFlow, s: FloatArray | float, w: FloatArray) -> FloatArray:
    """``mu + U (s w)``, in float64 or not at all."""
    with overflow():
        x = flow.mean + times_transposed(s * w, flow.basis)
    return representable(x, "the reconstruction")


def least_squares(system: System, k: int) -> FloatArray:
    """Minimiser c (..., k) of ``|B_k c - r|`` in the original units, B_k the first k <= m columns of B."""
    fit = _WeightedFit.of(system.B[:, :k], system.exponents, np.full(system.m, system.rounded_at))
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


def singular_triplets(system: System, s: FloatArray) -> Triplets:
    """The singular value decomposition of ``diag(s) B^T``."""
    kept, doubtful = np.arange(system.m), 0.0
    spanned: list[tuple[IntArray, IntArray, FloatArray]] = []
    # What rounding leaves of a dependent row may be larger than independent rows that see small directions only. So it is
    # taken out, and the others are factorised again, until all pivots count.
    while (qr := system.rows(kept).qr(s)).rank < min(s.size, kept.size):
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
    readings = _WeightedFit.of(combinations.T, system.exponents, np.zeros(system.m))
    if readings.qr.rank < qr.rank:
        raise RankError(
            "the rows of A G depend on each other and differ so much in size that float64 cannot tell what they say "
            "together: drop the dependent ones"
        )
    if qr.rank == 0:
        return Triplets(np.zeros((s.size, 0)), np.zeros(0), np.zeros((system.m, 0)), doubtful, qr, readings)
    weighted = np.ldexp(readings.qr.R, system.exponents.max()) @ qr.R[:, : qr.rank].T[readings.qr.pivots]
    Q, S, V = graded_svd(weighted)
    return Triplets(qr.Q[:, : qr.rank] @ V, S, readings.qr.Q @ Q, doubtful, qr, readings)


def _without_rounding(C: FloatArray) -> FloatArray:
    """Combinations of rows (r, k) without the coefficients that are only rounding: a repeated row repeats one row."""
    size = np.hypot.reduce(C, axis=0, initial=1.0)
    cleaned: FloatArray = np.where(np.abs(C) > CERTAIN * math.sqrt(len(C) + 1) * np.finfo(np.float64).eps * size, C, 0.0)
    return cleaned


def system_of(flow: LinearFlow, A: Measurement, y: ArrayLike) -> System:
    """The system of a flow, its measurements A and what they gave."""
    instance_of(flow, LinearFlow, "flow")
    A = as_dense(A)
    if np.iscomplexobj(A):
        raise InputError("A must be real: stack the real and imaginary parts of complex measurements as 2 m real rows")
    A = finite_array(A, "A")
    m, n = A.shape
    if n != flow.n:
        raise ShapeError(f"A must have one column for each of the n = {flow.n} coordinates of the flow, got {A.shape}")
    with overflow():
        r = batch_of(y, m, "y") - A @ flow.mean
    representable(r, "y - A mean")
    exponents = np.frexp(np.abs(A).max(axis=1, initial=0.0))[1]
    unit = np.ldexp(A, -exponents[:, None])
    # A product with U rounds each entry at the length of the row of A, also where the entry itself is small.
    rounded_at = 0.0 if flow.basis is None else float(np.linalg.norm(unit, axis=1).max(initial=0.0))
    with overflow():
        r = np.ldexp(r, -exponents)
    return System(times(unit, flow.basis), representable(r, "y in units of the rows of A"), exponents, rounded_at)
