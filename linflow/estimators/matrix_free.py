r"""Estimates by products with A alone: n = 10^5 to 10^6, in O(n + m) memory, to a tolerance that is certified.

The iteration, and what is certified of it, is in :mod:`linflow.estimators.craig`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from linflow.arrays import NoArray
from linflow.checks import FloatArray, Interval, Random, generator, number_in, overflow, positive_int, representable
from linflow.estimators.craig import solved
from linflow.estimators.latent import LatentSystem
from linflow.estimators.noise import Noise, NoiseStd, noise_of
from linflow.flow import LinearFlow
from linflow.measurement import Measurement, as_operator, is_matrix_free

#: Relative, where nothing is asked for; an operator in single precision cannot do better than `_ROUNDINGS` of its own.
TOLERANCE, _ROUNDINGS = 1e-8, 1000.0
#: m n from which operators (and sparse matrices) are not multiplied out: a dense system of this size takes seconds.
LARGE = 2**22
STEPS = 5000
_EXPECTED = "a number in [1e-15, 1)"


@dataclass(frozen=True, eq=False)
class Reconstruction(NoArray, instead="its x"):
    """An estimate and what is known of its error.

    Parameters
    ----------
    x : (..., n) array, [x]
    residual : (...,) array
        ``|y - A x - noise|`` over ``|y - A mu|``, each measurement in a unit of its own: up to the tolerance, x is exactly
        the estimate of measurements that differ from y by this.
    error : (...,) array or None
        Bound on ``|z - z*| / |z|`` for its latents z; None if some measurement is exact, where none is known.
    iterations : int
    """

    x: FloatArray
    residual: FloatArray
    error: FloatArray | None
    iterations: int


def reconstruct(
    flow: LinearFlow,
    A: Measurement,
    y: ArrayLike,
    *,
    noise_std: NoiseStd = 0.0,
    tolerance: float | None = None,
    iterations: int = STEPS,
) -> Reconstruction:
    r"""`map_estimate` (`mle` for noise 0) by products with A alone, with its certificate.

    Parameters
    ----------
    flow : LinearFlow
        In a fast basis, or with a diagonal G, nothing larger than n is kept.
    A : whatever `measurement.as_operator` takes, real or complex, any number of rows and any rank
        Rows that depend on each other need no attention, as long as y is consistent where they are exact.
    y : (..., m) array, [y]
    noise_std : as in `map_estimate`; a covariance must be positive definite.
    tolerance : float in [1e-15, 1) or None
        Largest `error` where every measurement is noisy, else largest `residual`. None is 1e-8, or 1000 times the precision
        of an operator that computes in single precision.
    iterations : int
        Products with A and its adjoint, at most.

    Raises
    ------
    NotConvergedError
        The tolerance was not reached: nothing unconverged is returned.
    ShapeError, InputError
        As in `map_estimate` and `measurement.as_operator`.

    Examples
    --------
    >>> flow = LinearFlow.from_variances(1.0 / (1.0 + np.arange(1000.0)) ** 2)
    >>> found = reconstruct(flow, np.eye(1000)[::2], np.ones(500))
    >>> bool(np.allclose(found.x[::2], 1.0, atol=1e-6)), bool(found.residual <= 1e-8), found.error
    (True, True, None)
    """
    A = as_operator(A)
    m = A.shape[0]
    system = LatentSystem.of(flow, A, noise_of(noise_std, m, is_complex=A.dtype.kind == "c"))
    return _reconstructed(system, y, tolerance, iterations)


def by_products(
    flow: LinearFlow,
    A: Measurement,
    y: ArrayLike,
    *,
    noise_std: NoiseStd | None,
    penalty: float = 0.0,
    tolerance: float | None,
) -> FloatArray:
    """The estimate alone; `noise_std` None is a `penalty`, the same in both parts of a complex measurement."""
    A = as_operator(A)
    m, is_complex = A.shape[0], A.dtype.kind == "c"
    if noise_std is None:
        noise = Noise.white(float(np.sqrt(penalty)), 2 * m if is_complex else m)
    else:
        noise = noise_of(noise_std, m, is_complex=is_complex)
    return _reconstructed(LatentSystem.of(flow, A, noise), y, tolerance, STEPS).x


def goes_by_products(A: Measurement, tolerance: float | None) -> bool:
    """Whether an estimate goes by products: if a tolerance is asked for, or A is an operator with m n > 2**22.

    >>> goes_by_products(np.eye(3), None), goes_by_products(np.eye(3), 1e-8)
    (False, True)
    """
    if tolerance is not None:
        return True
    if not is_matrix_free(A):
        return False
    m, n = as_operator(A).shape
    return int(m) * int(n) > LARGE


def posterior_std(
    flow: LinearFlow,
    A: Measurement,
    *,
    noise_std: NoiseStd,
    probes: int = 64,
    rng: Random,
    tolerance: float | None = None,
) -> tuple[FloatArray, FloatArray]:
    r"""Standard deviation of each coordinate given y, by draws of the posterior; for problems too large for `posterior`.

    Parameters
    ----------
    flow, A, noise_std, tolerance : as in `reconstruct`. The answer does not depend on y.
    probes : int
        Draws; the standard error is ``1 / sqrt(2 probes)`` of the value.
    rng : numpy.random.Generator, or a seed

    Returns
    -------
    std, standard_error : (n,) arrays, [x]

    Raises
    ------
    NotConvergedError, ShapeError, InputError
        As in `reconstruct`, and for fewer than one probe.

    Notes
    -----
    Perturb and optimise (Papandreou & Yuille, NIPS 2010): for x and y drawn from the model, ``x - E[x | y]`` is an exact
    draw of the posterior's deviation from its mean, whatever y is. The mean of its squares is unbiased for the variances,
    with the law of chi-square whatever the correlations; probes of random signs would do the same for the diagonal of the
    covariance, but with an error that grows with its other entries, and with variances that may come out negative.

    Examples
    --------
    >>> flow = LinearFlow.from_variances([4.0, 1.0])
    >>> std, error = posterior_std(flow, np.array([[1.0, 0.0]]), noise_std=0.0, probes=200, rng=0)
    >>> bool(std[0] < 1e-6), bool(abs(std[1] - 1.0) < 5 * error[1])
    (True, True)
    """
    probes = positive_int(probes, "probes")
    draws = generator(rng)
    A = as_operator(A)
    system = LatentSystem.of(flow, A, noise_of(noise_std, A.shape[0], is_complex=A.dtype.kind == "c"))
    spread, width = np.zeros(flow.n), system.together
    for start in range(0, probes, width):
        count = min(width, probes - start)
        w = draws.standard_normal((count, flow.n))
        r = system.seen(w) + system.std * draws.standard_normal((count, system.std.size))
        missed = w - solved(system, r, _tolerance(tolerance, A, 1e-6), STEPS).w
        with overflow():
            spread = np.hypot(spread, np.hypot.reduce(system.signal(missed) - flow.mean, axis=0) / np.sqrt(probes))
    std = representable(spread, "the standard deviations")
    return std, std / np.sqrt(2.0 * probes)


def _tolerance(tolerance: float | None, A: Any, default: float) -> float:
    if tolerance is None:
        return max(default, _ROUNDINGS * A.precision) if A.precision > 1e-15 else default
    return number_in(tolerance, "tolerance", Interval(1e-15, 1.0, open_high=True), expected=_EXPECTED)


def _reconstructed(system: LatentSystem, y: ArrayLike, tolerance: float | None, iterations: int) -> Reconstruction:
    wanted, steps = _tolerance(tolerance, system.A, TOLERANCE), positive_int(iterations, "iterations")
    r, batch = system.residual(y)
    parts = [solved(system, r[i : i + system.together], wanted, steps) for i in range(0, len(r), system.together)]
    w = np.concatenate([part.w for part in parts]) if parts else np.zeros((0, system.flow.n))
    residual = np.concatenate([part.residual for part in parts]) if parts else np.zeros(0)
    error = None
    if system.std.all():
        error = (np.concatenate([part.error for part in parts]) if parts else np.zeros(0)).reshape(batch)
    steps = max((part.steps for part in parts), default=0)
    return Reconstruction(system.signal(w).reshape(*batch, system.flow.n), residual.reshape(batch), error, steps)
