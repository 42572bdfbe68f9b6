r"""Reconstructions of x from ``y = A x + noise`` under a `LinearFlow`: the most likely, the penalised, the posterior, ...

All work in the eigenbasis of the flow: with w = V^T z and ``M = Sigma U^T A^T`` (n x m), ``A x = A mu + M^T w``. One
Householder QR of the augmented matrix ``[M; sqrt(gamma) I_m] = Q R`` gives the penalised solution
``w = Q_1 R^{-T} (y - A mu)``, Q_1 the first n rows, because ``M (M^T M + gamma I)^{-1} = Q_1 R (R^T R)^{-1}``. The Gram
matrix is never formed, and the rows of the augmented matrix are sorted by size and its columns pivoted: QR is then
backward stable row by row (Cox & Higham, "Stability of Householder QR factorization for weighted least squares
problems", 1998), so singular values that span hundreds of orders of magnitude cost no accuracy, where
`numpy.linalg.pinv` returns nothing but rounding (THEORY.md section 5).

This module never imports `linflow.risk`: each checks the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike, NDArray

from linflow.checks import (
    FloatArray,
    IntArray,
    Random,
    batch_of,
    finite_array,
    generator,
    instance_of,
    non_negative,
    overflow,
    rank_in,
    representable,
    sample_shape,
    until,
)
from linflow.errors import InputError, RankError, ShapeError
from linflow.flow import LinearFlow
from linflow.graded import CERTAIN, MARGIN, GradedQR, graded_svd, times, times_transposed
from linflow.measurement import Measurement, as_dense

#: Of what is factorised: lengths of rows and columns are then float64 numbers too.
_LARGEST_ENTRY = 1e300


@dataclass(frozen=True, eq=False)
class Posterior:
    """Gaussian law of x given y: ``N(mean, factor @ factor.T)``, so its covariance is positive semi-definite as stored.

    Parameters
    ----------
    mean : (..., n) array, [x]
        One for each measurement vector of the batch.
    factor : (n, r) array, [x]
        The same for all of them; r = n with noise, n - m without.
    """

    mean: FloatArray
    factor: FloatArray

    def __post_init__(self) -> None:
        for name in ("mean", "factor"):
            values = finite_array(getattr(self, name), name)
            values.flags.writeable = False
            object.__setattr__(self, name, values)
        if self.factor.ndim != 2 or self.mean.shape[-1:] != self.factor.shape[:1]:
            raise ShapeError(f"mean (..., n) and factor (n, r) must agree, got {self.mean.shape} and {self.factor.shape}")

    @property
    def covariance(self) -> FloatArray:
        """``factor @ factor.T``, (n, n), [x]^2."""
        with overflow():
            covariance = self.factor @ self.factor.T
        return representable(covariance, "the covariance")

    @property
    def std(self) -> FloatArray:
        """Standard deviation of each coordinate, (n,), [x]."""
        return cast(FloatArray, np.linalg.norm(self.factor, axis=1))

    def sample(self, size: int | tuple[int, ...], rng: Random) -> FloatArray:
        """Independent draws of x given y, shape (*size, ..., n), [x].

        >>> known = Posterior(mean=np.array([1.0, 2.0]), factor=np.array([[0.0], [1.0]]))
        >>> known.sample(3, np.random.default_rng(0))[:, 0]
        array([1., 1., 1.])
        """
        shape = (*sample_shape(size), *self.mean.shape[:-1], self.factor.shape[1])
        z = generator(rng).standard_normal(shape)
        with overflow():
            x = self.mean + z @ self.factor.T
        return representable(x, "a draw")


def mle(flow: LinearFlow, A: Measurement, y: ArrayLike) -> FloatArray:
    r"""Most likely signal that explains exact measurements ``y = A x``.

    The minimum-norm latent z with ``A G z = y - A mu``, pushed through the flow; for a linear flow this is also the
    posterior mean, hence the minimum-mean-square-error estimator.

    Parameters
    ----------
    flow : LinearFlow
    A : (m, n) array, scipy sparse matrix or LinearOperator, m <= n, full row rank; [y]/[x]
    y : (..., m) array, [y]; leading axes are a batch of signals.

    Returns
    -------
    x_hat : (..., n) float64 array, [x]; ``A @ x_hat == y`` up to rounding.

    Raises
    ------
    ShapeError
        The shapes of `A`, `y` and `flow` disagree.
    RankError
        The rows of ``A G`` are linearly dependent (to rounding); the message names one.
    InputError
        `A` or `y` complex or not finite.

    Notes
    -----
    Asim et al. (2020), theory section; THEORY.md section 1.

    Examples
    --------
    >>> flow = LinearFlow.from_matrix(np.diag([2.0, 1.0]), mean=[0.0, 1.0])
    >>> mle(flow, np.array([[1.0, 0.0]]), np.array([3.0]))
    array([3., 1.])
    """
    return _penalised(flow, A, y, root_penalty=0.0)


def map_estimate(flow: LinearFlow, A: Measurement, y: ArrayLike, *, noise_std: float) -> FloatArray:
    r"""Most probable signal, and posterior mean, given ``y = A x + noise`` with white Gaussian noise.

    ``mu + G z`` with z the minimiser of ``|A G z - (y - A mu)|^2 + noise_std^2 |z|^2``.

    Parameters
    ----------
    flow, A, y : as in `mle`; with noise, A may have any number of rows and any rank.
    noise_std : float >= 0, [y]
        Standard deviation of each measurement; 0 is `mle`.

    Returns
    -------
    x_hat : (..., n) float64 array, [x]

    Raises
    ------
    ShapeError, RankError, InputError
        As in `mle` (RankError only if the noise is too small for float64 to tell from zero), and for a negative or
        infinite `noise_std`.

    Notes
    -----
    THEORY.md section 1.

    Examples
    --------
    One coordinate of variance 4 seen with noise variance 1: the estimate moves 4/5 of the way from the mean to y.

    >>> flow = LinearFlow.from_matrix([[2.0]], mean=[10.0])
    >>> bool(np.isclose(map_estimate(flow, np.eye(1), [15.0], noise_std=1.0)[0], 10.0 + 4.0 / 5.0 * 5.0))
    True
    """
    return _penalised(flow, A, y, root_penalty=non_negative(noise_std, "noise_std"))


def penalised(flow: LinearFlow, A: Measurement, y: ArrayLike, *, penalty: float) -> FloatArray:
    r"""``mu + G z`` with z the minimiser of ``|A G z - (y - A mu)|^2 + penalty |z|^2``.

    Parameters
    ----------
    flow, A, y : as in `map_estimate`.
    penalty : float >= 0, [y]^2
        The papers' gamma; the noise variance makes this `map_estimate`, 0 makes it `mle`.

    Returns
    -------
    x_hat : (..., n) float64 array, [x]

    Raises
    ------
    ShapeError, RankError, InputError
        As in `map_estimate`.

    Examples
    --------
    >>> flow = LinearFlow.from_matrix([[2.0]], mean=[10.0])
    >>> bool(np.isclose(penalised(flow, np.eye(1), [18.0], penalty=4.0)[0], 10.0 + 4.0 / (4.0 + 4.0) * 8.0))
    True
    """
    return _penalised(flow, A, y, root_penalty=math.sqrt(non_negative(penalty, "penalty")))


def posterior(flow: LinearFlow, A: Measurement, y: ArrayLike, *, noise_std: float) -> Posterior:
    r"""Law of x given ``y = A x + noise`` with white Gaussian noise.

    Parameters
    ----------
    flow, A, y, noise_std : as in `map_estimate`; zero noise is allowed.

    Returns
    -------
    Posterior
        Its mean is `map_estimate`, its covariance ``G (I - P) G^T`` with P the (shrunk) projector on the rows of A G.

    Raises
    ------
    ShapeError, RankError, InputError
        As in `map_estimate`.

    Notes
    -----
    With the complete ``Q = [Q_1 Q_c]`` of the augmented matrix, orthonormal rows give
    ``I - Q_1 Q_1^T = Q_c Q_c^T``. The right-hand side is used: it is semi-definite by construction, and small variances
    are not differences of large ones.

    Examples
    --------
    >>> flow = LinearFlow.from_matrix([[2.0]], mean=[10.0])
    >>> bool(np.isclose(posterior(flow, np.eye(1), [15.0], noise_std=1.0).std[0] ** 2, 1 / (1 / 4 + 1 / 1)))
    True
    """
    noise_std, system, s = non_negative(noise_std, "noise_std"), _system(flow, A, y), flow.spectrum.singular_values
    solver = _PenalisedSolver(system, s, noise_std, complete=True)
    mean = _signal(flow, s, solver.solution)
    complement = s[:, None] * solver.complement
    factor = complement if flow.basis is None else flow.basis @ complement
    return Posterior(mean=mean, factor=factor)


def truncated_least_squares(flow: LinearFlow, A: Measurement, y: ArrayLike, *, rank: int) -> FloatArray:
    r"""Reconstruction in the range of the rank-k prior ``G_k``, the linear stand-in for a GAN prior.

    For ``rank <= m``, least squares: the point of ``mu + range(U_k)`` whose measurements are nearest to y. For
    ``rank > m``, where many points fit exactly, the one with the smallest latent (`mle` of the truncated flow).

    Parameters
    ----------
    flow, A, y : as in `mle`, any m.
    rank : int, 0 <= rank <= n
        k; 0 returns the mean.

    Returns
    -------
    x_hat : (..., n) float64 array, [x]

    Raises
    ------
    RankError
        The measurements do not determine the first k directions (rank <= m), or depend on each other there (rank > m).
    ShapeError, InputError
        As in `mle`, and for a rank outside 0..n.

    Notes
    -----
    THEORY.md T3 gives its exact risk under Gaussian measurements.

    Examples
    --------
    >>> flow = LinearFlow.from_spectrum([3.0, 1.0], mean=[0.0, 7.0])
    >>> truncated_least_squares(flow, np.array([[1.0, 0.0], [1.0, 0.0]]), [2.0, 4.0], rank=1)
    array([3., 7.])
    """
    system, k = _system(flow, A, y), rank_in(rank, 0, flow.n)
    s = flow.spectrum.singular_values[:k]
    coordinates = _least_squares(system, k) if k <= system.m else s * _PenalisedSolver(system, s, 0.0).solution
    everywhere = np.zeros((*coordinates.shape[:-1], flow.n))
    everywhere[..., :k] = coordinates
    return _signal(flow, 1.0, everywhere)


def gradient_flow(
    flow: LinearFlow, A: Measurement, y: ArrayLike, *, time: float, start: ArrayLike | None = None
) -> FloatArray:
    r"""Gradient descent with infinitesimal steps on ``|A G z - (y - A mu)|^2``, stopped at `time`; closed form.

    ``x = mu + G z(t)`` for ``dz/dt = -2 (A G)^T (A G z - (y - A mu))`` from ``z(0) = start``.

    Parameters
    ----------
    flow, A, y : as in `mle`, any m and any rank.
    time : float >= 0, `math.inf` allowed, 1/[y]^2
        At infinity, the nearest minimiser to the start: ``z_0 + (A G)^+ (y - A mu - A G z_0)``
        (THEORY T9); for ``start = 0`` and independent rows that is `mle`.
    start : (..., n) array or None
        Latents z_0, broadcast against the batch of `y`; None is 0, the most likely latent.

    Returns
    -------
    x_hat : (..., n) float64 array, [x]

    Raises
    ------
    ShapeError, InputError
        As in `mle`, and for a negative or NaN `time`.
    RankError
        Rows so nearly dependent that float64 cannot tell, at a time so late that this moves ``A x`` by more than rounding.

    Notes
    -----
    With ``M = P diag(S) Q^T``, ``w(t) = w_0 + P diag((1 - e^{-2 S^2 t}) / S) Q^T (y - A x_0)``. The singular values
    come from the sorted QR and a one-sided Jacobi SVD of its R, so that small ones are right relative to themselves: at
    huge times they decide what has converged. Rows that depend on others to rounding count as exact combinations of them.

    Examples
    --------
    >>> flow = LinearFlow.from_matrix([[2.0]], mean=[1.0])
    >>> x = gradient_flow(flow, np.eye(1), [5.0], time=0.1, start=[0.0])
    >>> bool(np.isclose(x[0], 5.0 + (1.0 - 5.0) * np.exp(-2 * 2.0**2 * 0.1)))
    True
    """
    time = until(time, "time")
    system, s = _system(flow, A, y), flow.spectrum.singular_values
    w_0 = np.zeros(flow.n) if start is None else times(batch_of(start, flow.n, "start"), flow.latent_basis)
    try:
        np.broadcast_shapes(w_0.shape[:-1], system.r.shape[:-1])
    except ValueError:
        raise ShapeError(
            f"start and y must have batches that broadcast, got {w_0.shape[:-1]} and {system.r.shape[:-1]}"
        ) from None
    with overflow():
        residual = system.r - (s * w_0) @ system.B.T
    representable(residual, "y - A x at the start")
    found = _singular_triplets(system, s)
    # (S sqrt(t))^2 rather than S^2 t: S^2 alone may underflow where the product matters.
    with overflow():
        decay, doubtful = (2.0 * (np.asarray(S) * math.sqrt(time)) ** 2 for S in (found.S, found.doubtful))
    if found.doubtful > 0 and doubtful > np.finfo(np.float64).eps:
        raise RankError(
            "the rows of A G are so nearly dependent that float64 cannot tell, and by this time it decides the answer: "
            f"stop before {np.finfo(np.float64).eps / 2 / found.doubtful**2:.1e}, or drop a measurement"
        )
    limit = found.limit(residual)
    if math.isinf(time):
        return _signal(flow, s, w_0 + limit)
    # The coefficient of a direction is Q_i^T r / S_i, known to rounding of |r| / S_i, and P_i^T limit, known to rounding of
    # |limit|: the first is better where S_i is large and at early times, the second where rows differ wildly in size.
    with overflow():
        raw = np.ldexp(residual, system.exponents)
        direct = np.hypot.reduce(raw, axis=-1, keepdims=True) / found.S <= np.hypot.reduce(limit, axis=-1, keepdims=True)
        coefficients = np.where(direct, (raw @ found.Q) / found.S, limit @ found.P)
        w = w_0 + (coefficients * -np.expm1(-decay)) @ found.P.T
    return _signal(flow, s, w)


# ------------------------------------------------------------------------------------------------------- numerics


@dataclass(frozen=True, eq=False)
class _System:
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
        return int(self.B.shape[0])

    def rows(self, chosen: IntArray) -> _System:
        """The same with these measurements only."""
        return _System(self.B[chosen], self.r[..., chosen], self.exponents[chosen], self.rounded_at)

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


class _PenalisedSolver:
    """Minimiser w of ``|B diag(s) w - r|^2 + root_penalty^2 |w|^2`` in the original units."""

    def __init__(self, system: _System, s: FloatArray, root_penalty: float, *, complete: bool = False) -> None:
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


def _penalised(flow: LinearFlow, A: Measurement, y: ArrayLike, *, root_penalty: float) -> FloatArray:
    system, s = _system(flow, A, y), flow.spectrum.singular_values
    w = _PenalisedSolver(system, s, root_penalty).solution
    return _signal(flow, s, w)


def _signal(flow: LinearFlow, s: FloatArray | float, w: FloatArray) -> FloatArray:
    """``mu + U (s w)``, in float64 or not at all."""
    with overflow():
        x = flow.mean + times_transposed(s * w, flow.basis)
    return representable(x, "the reconstruction")


def _least_squares(system: _System, k: int) -> FloatArray:
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
class _Triplets:
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


def _singular_triplets(system: _System, s: FloatArray) -> _Triplets:
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
        return _Triplets(np.zeros((s.size, 0)), np.zeros(0), np.zeros((system.m, 0)), doubtful, qr, readings)
    weighted = np.ldexp(readings.qr.R, system.exponents.max()) @ qr.R[:, : qr.rank].T[readings.qr.pivots]
    Q, S, V = graded_svd(weighted)
    return _Triplets(qr.Q[:, : qr.rank] @ V, S, readings.qr.Q @ Q, doubtful, qr, readings)


def _without_rounding(C: FloatArray) -> FloatArray:
    """Combinations of rows (r, k) without the coefficients that are only rounding: a repeated row repeats one row."""
    size = np.hypot.reduce(C, axis=0, initial=1.0)
    cleaned: FloatArray = np.where(np.abs(C) > CERTAIN * math.sqrt(len(C) + 1) * np.finfo(np.float64).eps * size, C, 0.0)
    return cleaned


def _system(flow: LinearFlow, A: Measurement, y: ArrayLike) -> _System:
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
    return _System(times(unit, flow.basis), representable(r, "y in units of the rows of A"), exponents, rounded_at)
