r"""Reconstructions of x from ``y = A x + noise`` under a `LinearFlow`: the most likely, the penalised, the posterior, ...

Their factorisations are in :mod:`linflow.estimators.solvers`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from linflow.arrays import NoArray
from linflow.checks import (
    FloatArray,
    Random,
    batch_of,
    finite_array,
    generator,
    non_negative,
    overflow,
    rank_in,
    representable,
    sample_shape,
    until,
)
from linflow.errors import InputError, RankError, ShapeError
from linflow.estimators.matrix_free import by_products, goes_by_products
from linflow.estimators.noise import Noise, NoiseStd
from linflow.estimators.solvers import PenalisedSolver, determines, least_squares, singular_triplets
from linflow.estimators.systems import System, noise_on, signal, system_of
from linflow.flow import LinearFlow
from linflow.graded import times
from linflow.measurement import Measurement


@dataclass(frozen=True, eq=False)
class Posterior(NoArray, instead="its mean, its std or its covariance"):
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
        # Roots of sums of squares, never the squares: of 1e-170 or 1e170 float64 has none.
        with overflow():
            std = np.hypot.reduce(self.factor, axis=1)
        return representable(std, "the standard deviations")

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


def mle(flow: LinearFlow, A: Measurement, y: ArrayLike, *, tolerance: float | None = None) -> FloatArray:
    r"""Most likely signal that explains exact measurements ``y = A x``.

    The minimum-norm latent z with ``A G z = y - A mu``, pushed through the flow; for a linear flow this is also the
    posterior mean, hence the minimum-mean-square-error estimator.

    Parameters
    ----------
    flow : LinearFlow
    A : (m, n) array, sparse matrix or operator (whatever `measurement.as_operator` takes), real or complex; [y]/[x]
        Real: m <= n, full row rank. Complex: the real and the imaginary part of each row measure the real x; where they
        are zero or depend on others (the constant of a Fourier transform has no imaginary part, frequencies k and -k say
        the same), they are left out once y agrees with the others there, to rounding.
    y : (..., m) array, [y]; leading axes are a batch of signals. Complex if A is.
    tolerance : float or None
        Given, or None and A an operator (or sparse) with m n > 2**22: by products with A alone, to this relative residual
        (1e-8 for None), as `reconstruct`. Else by a dense factorisation, to rounding.

    Returns
    -------
    x_hat : (..., n) float64 array, [x]; ``A @ x_hat == y`` up to rounding.

    Raises
    ------
    ShapeError
        The shapes of `A`, `y` and `flow` disagree.
    RankError
        The rows of a real ``A G`` are linearly dependent (to rounding); the message names one.
    InputError
        `A` or `y` not finite, y complex where A is real, or parts of a complex y that contradict each other.

    Notes
    -----
    Asim et al. (2020), theory section; THEORY.md section 1.

    Examples
    --------
    >>> flow = LinearFlow.from_matrix(np.diag([2.0, 1.0]), mean=[0.0, 1.0])
    >>> mle(flow, np.array([[1.0, 0.0]]), np.array([3.0]))
    array([3., 1.])
    """
    if goes_by_products(A, tolerance):
        return by_products(flow, A, y, noise_std=0.0, tolerance=tolerance)
    system = system_of(flow, A, y)
    return _penalised(flow, system, Noise.white(0.0, system.m))


def map_estimate(
    flow: LinearFlow, A: Measurement, y: ArrayLike, *, noise_std: NoiseStd, tolerance: float | None = None
) -> FloatArray:
    r"""Most probable signal, and posterior mean, given ``y = A x + noise`` with Gaussian noise.

    ``mu + G z`` with z the minimiser of ``|A G z - (y - A mu)|^2 / noise_std^2 + |z|^2``.

    Parameters
    ----------
    flow, A, y : as in `mle`; with noise, A may have any number of rows and any rank.
    noise_std : float >= 0, [y], or (m,) array of such, or (m, m) array, [y]^2
        Standard deviation of every measurement, of each one, or the covariance of all (positive semi-definite). 0 is `mle`;
        exact measurements may stand among noisy ones. Complex measurements: ``E |noise|^2 = noise_std^2``, half of it in
        the real and half in the imaginary part; the covariance is ``E noise noise^H``.
    tolerance : float or None
        As in `mle`; where all measurements are noisy, it bounds the relative error of the latents.

    Returns
    -------
    x_hat : (..., n) float64 array, [x]

    Raises
    ------
    ShapeError, RankError, InputError
        As in `mle` (RankError only where the noise is 0, or too small for float64 to tell from it), and for a
        `noise_std` that is negative, infinite, of another shape, or no covariance.

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
    if goes_by_products(A, tolerance):
        return by_products(flow, A, y, noise_std=noise_std, tolerance=tolerance)
    system = system_of(flow, A, y)
    return _penalised(flow, system, noise_on(system, noise_std))


def penalised(
    flow: LinearFlow, A: Measurement, y: ArrayLike, *, penalty: float, tolerance: float | None = None
) -> FloatArray:
    r"""``mu + G z`` with z the minimiser of ``|A G z - (y - A mu)|^2 + penalty |z|^2`` (moduli, if A is complex).

    Parameters
    ----------
    flow, A, y : as in `map_estimate`.
    penalty : float >= 0, [y]^2
        The papers' gamma; the noise variance of a real measurement (half that of a complex one) makes this `map_estimate`,
        0 makes it `mle`.
    tolerance : as in `map_estimate`.

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
    penalty = non_negative(penalty, "penalty")
    if goes_by_products(A, tolerance):
        return by_products(flow, A, y, noise_std=None, penalty=penalty, tolerance=tolerance)
    root, system = math.sqrt(penalty), system_of(flow, A, y)
    return _penalised(flow, system, Noise.white(root, system.m))


def posterior(flow: LinearFlow, A: Measurement, y: ArrayLike, *, noise_std: NoiseStd) -> Posterior:
    r"""Law of x given ``y = A x + noise`` with Gaussian noise.

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
    if goes_by_products(A, None):
        raise InputError(
            "the covariance of so large a posterior is no array: use map_estimate for its mean, posterior_std for its "
            "standard deviations"
        )
    system, s = system_of(flow, A, y), flow.spectrum.singular_values
    solver = PenalisedSolver(system, s, noise_on(system, noise_std), complete=True)
    mean = signal(flow, s, solver.solution)
    with overflow():
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
    system, k = system_of(flow, A, y), rank_in(rank, 0, flow.n)
    s = flow.spectrum.singular_values[:k]
    if k <= system.m and determines(system, k):
        coordinates = least_squares(system, k)
    else:
        solution = PenalisedSolver(system, s, Noise.white(0.0, system.m)).solution
        with overflow():
            coordinates = s * solution
    everywhere = np.zeros((*coordinates.shape[:-1], flow.n))
    everywhere[..., :k] = coordinates
    return signal(flow, 1.0, everywhere)


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
    system, s = system_of(flow, A, y), flow.spectrum.singular_values
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
    found = singular_triplets(system, s)
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
        return signal(flow, s, w_0 + limit)
    # The coefficient of a direction is Q_i^T r / S_i, known to rounding of |r| / S_i, and P_i^T limit, known to rounding of
    # |limit|: the first is better where S_i is large and at early times, the second where rows differ wildly in size.
    with overflow():
        raw = np.ldexp(residual, system.exponents)
        direct = np.hypot.reduce(raw, axis=-1, keepdims=True) / found.S <= np.hypot.reduce(limit, axis=-1, keepdims=True)
        coefficients = np.where(direct, (raw @ found.Q) / found.S, limit @ found.P)
        w = w_0 + (coefficients * -np.expm1(-decay)) @ found.P.T
    return signal(flow, s, w)


def _penalised(flow: LinearFlow, system: System, noise: Noise) -> FloatArray:
    s = flow.spectrum.singular_values
    return signal(flow, s, PenalisedSolver(system, s, noise).solution)
