r"""Checks of estimators: what any reconstruction ``estimator(flow, A, y) -> x_hat`` must satisfy, without a reference.

Each check compares an estimator with itself or with the model, never with another implementation, so that no bug is
shared. Tolerances are those of `Problem.rtol`: rounding as an estimator that solves the normal equations may have it. A
problem so badly conditioned that these leave no two digits is passed and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import qr
from scipy.stats import ortho_group

from linflow.checks import FloatArray, callable_of, collection, instance_of, one_of, probability, whole_number
from linflow.flow import LinearFlow
from linflow.testing.failing import count, fail
from linflow.testing.problem import Problem

#: ``estimator(flow, A, y)``: A (m, n), y (..., m) with a batch on the leading axes -> x_hat (..., n).
Estimator = Callable[[LinearFlow, FloatArray, FloatArray], ArrayLike]

#: Symmetries of the linear model; see `assert_equivariant`.
LAWS = ("units", "rotation", "latents", "mixing", "shift", "batch")

#: A relative tolerance above this would let anything pass.
_NO_DIGITS = 1e-2
#: A power of two: the change of units rounds nothing.
_UNIT = 1024.0


def assert_consistent(estimator: Estimator, problem: Problem, *, rtol: float | None = None) -> None:
    """Fail if ``A x_hat`` is not y: for estimators without noise, which explain all measurements.

    Parameters
    ----------
    estimator : ``estimator(flow, A, y) -> x_hat``, batches on the leading axes
        Other arguments through a lambda or `functools.partial`.
    problem : Problem, with noise or without
    rtol : relative rounding allowed, default `Problem.rtol`; ``1e-12`` asks for a backward stable estimator at any
        conditioning.

    Raises
    ------
    AssertionError
        It is not; or `estimator` returned another shape, entries that are not finite real numbers, or changed `A` or `y`.

    Examples
    --------
    >>> import linflow as lf
    >>> problem = Problem.random(lf.Spectrum([2.0, 1.0]), m=1)
    >>> assert_consistent(lf.mle, problem)
    >>> assert_consistent(lambda flow, A, y: lf.map_estimate(flow, A, y, noise_std=0.5), problem)
    Traceback (most recent call last):
    ...
    AssertionError: estimator does not reproduce the measurements
      largest |A x_hat - y|:  ...
      allowed:                ...
      problem:                Problem.random(Spectrum([2.0, 1.0]), m=1, ensemble='gaussian', ...)
    """
    __tracebackhide__ = True
    instance_of(problem, Problem, "problem")
    x_hat = _estimate(estimator, problem, problem.flow, problem.A, problem.y)
    rtol = _tolerance(problem, rtol)
    if rtol is None:
        return
    size = np.abs(x_hat).max(initial=0.0) + np.abs(problem.flow.mean).max() + np.abs(problem.x).max(initial=0.0)
    allowed = rtol * (np.linalg.norm(problem.A, axis=1) * size + np.abs(problem.y).max(initial=0.0))
    _compare(
        x_hat @ problem.A.T, problem.y, allowed, "does not reproduce the measurements", "A x_hat - y", estimator, problem
    )


def assert_optimal(estimator: Estimator, problem: Problem, *, rtol: float | None = None) -> None:
    r"""Fail if `estimator` is not the posterior mean: if another one has a smaller expected squared error under the model.

    The law of x is the flow's and that of the noise N(0, noise_std^2), both known to the test. Everything follows from the
    estimates of m + 1 measurement vectors: the estimator has to be affine, without bias, and its error uncorrelated with
    the measurements.

    Parameters
    ----------
    estimator, problem, rtol : as in `assert_consistent`
        With noise, hand `problem.noise_std` to the estimator.

    Raises
    ------
    AssertionError
        It is not optimal, with its expected squared error and the least possible one; or as in `assert_consistent`.

    Notes
    -----
    With ``y = A mean + B w``, w white, ``x = mean + [G, 0] w``, and ``B^T = Q R``, the posterior mean is
    ``mean + [G, 0] Q Q^T w``. That of an affine estimator with gain K is ``mean + bias + K B w``, so its excess risk is
    ``|bias|^2 + || ([G, 0] - K B) Q ||_F^2``, in which no Gram matrix is inverted.

    Examples
    --------
    >>> import linflow as lf
    >>> problem = Problem.random(lf.Spectrum([2.0, 1.0]), m=1, noise_std=0.1)
    >>> assert_optimal(lambda flow, A, y: lf.map_estimate(flow, A, y, noise_std=problem.noise_std), problem)
    >>> assert_optimal(lf.mle, problem)
    Traceback (most recent call last):
    ...
    AssertionError: mle is not optimal: its error depends on the measurements
      expected squared error:  2.51990...
      least possible:          2.51985...
      problem:                 Problem.random(Spectrum([2.0, 1.0]), m=1, ensemble='gaussian', ...)
    """
    __tracebackhide__ = True
    instance_of(problem, Problem, "problem")
    flow, A, B = problem.flow, problem.A, problem.design
    centre = A @ flow.mean
    steps = np.linalg.norm(B, axis=1)  # one standard deviation of each measurement
    at_centre = _estimate(estimator, problem, flow, A, centre)
    probes = [_estimate(estimator, problem, flow, A, centre + step) - at_centre for step in np.diag(steps)]
    x_hat = _estimate(estimator, problem, flow, A, problem.y)
    rtol = _tolerance(problem, rtol)
    if rtol is None:
        return
    gain = np.array(probes).T / steps
    G = np.zeros((flow.n, B.shape[1]))
    G[:, : flow.n] = flow.matrix
    Q = qr(B.T, mode="economic", check_finite=False)[0]
    bias = at_centre - flow.mean
    excess = (G - gain @ B) @ Q
    least, more = float(np.sum((G - G @ Q @ Q.T) ** 2)), float(np.sum(bias**2) + np.sum(excess**2))
    scale = float(np.sqrt(flow.spectrum.energy))
    size = float(np.linalg.norm(flow.mean)) + scale
    affine = at_centre + (problem.y - centre) @ gain.T
    faults = {
        "it does not return the mean for the mean's own measurements": np.linalg.norm(bias) > rtol * size,
        "its error depends on the measurements": np.linalg.norm(excess) > rtol * size,
        "it is not affine in y": np.any(np.abs(x_hat - affine) > rtol * (size + np.abs(affine).max(initial=0.0))),
    }
    for fault, found in faults.items():
        if found:
            fail(
                f"{_name(estimator)} is not optimal: {fault}",
                ("expected squared error", "unknown" if "affine" in fault else repr(least + more)),
                ("least possible", repr(least)),
                ("problem", problem),
            )


def assert_equivariant(
    estimator: Estimator, problem: Problem, *, laws: Collection[str] = LAWS, rtol: float | None = None, seed: int = 0
) -> None:
    """Fail if `estimator` breaks a symmetry of the linear model, which the best and the worst estimators share.

    Parameters
    ----------
    estimator, problem, rtol : as in `assert_consistent`
    laws : some of `LAWS`, all by default
        "units": G and the mean times c, A over c, the same y: x_hat times c. "rotation": x turned by Q, A by its transpose:
        x_hat turned. "latents": G times a rotation of z is the same law of x: the same x_hat. "mixing": A and y turned by
        one orthogonal matrix, which leaves white noise white: the same x_hat. "shift": the mean plus d, y plus A d: x_hat
        plus d. "batch": the signals of a batch do not know of each other. (Sparse methods have no "rotation", weighted
        ones no "mixing".)
    seed : the random rotations and shifts follow from it.

    Raises
    ------
    AssertionError
        A law is broken, and which; or as in `assert_consistent`.
    InputError
        A law that does not exist.

    Examples
    --------
    >>> import linflow as lf
    >>> problem = Problem.random(lf.Spectrum([2.0, 1.0]), m=1)
    >>> assert_equivariant(lf.mle, problem)
    >>> assert_equivariant(lambda flow, A, y: y @ A @ flow.covariance, problem)
    Traceback (most recent call last):
    ...
    AssertionError: estimator breaks the law "shift"
      largest |x_hat - expected|:  ...
      allowed:                     ...
      problem:                     Problem.random(Spectrum([2.0, 1.0]), m=1, ensemble='gaussian', ...)
    """
    __tracebackhide__ = True
    chosen = [one_of(law, "law", LAWS) for law in collection(laws, "law", LAWS[0])]
    seed = whole_number(seed, "seed")
    instance_of(problem, Problem, "problem")
    flow, A, y = problem.flow, problem.A, problem.y
    x_hat = _estimate(estimator, problem, flow, A, y)
    rtol = _tolerance(problem, rtol)
    if rtol is None:
        return
    for law in chosen:
        if law == "batch":
            other = A @ flow.mean
            batch = np.stack([y, other + 2.0 * (y - other), other - y])
            found = _estimate(estimator, problem, flow, A, batch)
            rows = [_estimate(estimator, problem, flow, A, row) for row in batch.reshape(-1, problem.m)]
            expected, prior = np.reshape(rows, found.shape), flow
        else:
            prior, seen, measured, expected = _transformed(law, problem, x_hat, np.random.default_rng(seed))
            found = _estimate(estimator, problem, prior, seen, measured)
        size = np.abs(expected).max(initial=0.0) + np.abs(prior.mean).max() + prior.spectrum.singular_values[0]
        _compare(found, expected, rtol * size, f'breaks the law "{law}"', "x_hat - expected", estimator, problem)


def _transformed(
    law: str, problem: Problem, x_hat: FloatArray, rng: np.random.Generator
) -> tuple[LinearFlow, FloatArray, FloatArray, FloatArray]:
    """The same problem seen differently, and what its estimate then has to be."""
    flow, A, y, n = problem.flow, problem.A, problem.y, problem.flow.n
    spectrum, mean, U, V = flow.spectrum, flow.mean, flow.basis, flow.latent_basis
    if law == "units":
        # Downwards where upwards would leave the range of a Spectrum.
        c = _UNIT if spectrum.singular_values[0] < 1.0 else 1 / _UNIT
        return LinearFlow(spectrum.scaled(c), mean=c * mean, basis=U, latent_basis=V), A / c, y, c * x_hat
    if law == "rotation":
        Q = _rotation(n, rng)
        turned = LinearFlow(spectrum, mean=Q @ mean, basis=Q if U is None else Q @ U, latent_basis=V)
        return turned, A @ Q.T, y, x_hat @ Q.T
    if law == "latents":
        Q = _rotation(n, rng)
        return LinearFlow(spectrum, mean=mean, basis=U, latent_basis=Q if V is None else Q @ V), A, y, x_hat
    if law == "mixing":
        Q = _rotation(problem.m, rng)
        return flow, Q @ A, y @ Q.T, x_hat
    d = spectrum.singular_values[0] * (1.0 + rng.standard_normal(n))
    return LinearFlow(spectrum, mean=mean + d, basis=U, latent_basis=V), A, y + A @ d, x_hat + d


def _rotation(n: int, rng: np.random.Generator) -> FloatArray:
    """Haar-random orthogonal matrix, -1 for n = 1: the sign is then the only thing that a rotation can change."""
    return np.asarray(ortho_group.rvs(n, random_state=rng) if n > 1 else -np.eye(1))


def _estimate(estimator: Estimator, problem: Problem, flow: LinearFlow, A: FloatArray, y: FloatArray) -> FloatArray:
    """The estimate, which must be finite and of the right shape, and must not be made at the cost of A and y."""
    __tracebackhide__ = True
    callable_of(estimator, "estimator", "of (flow, A, y)")
    given_A, given_y = A.copy(), y.copy()
    returned = np.asarray(estimator(flow, given_A, given_y))
    name, shape = _name(estimator), (*y.shape[:-1], flow.n)
    if returned.dtype.kind not in "biuf":
        fail(f"{name} returns entries of type {returned.dtype}, not real numbers", ("problem", problem))
    if returned.shape != shape:
        fail(f"{name} returns shape {returned.shape} for y of shape {y.shape}, needed is {shape}", ("problem", problem))
    if not np.isfinite(returned).all():
        bad = returned[~np.isfinite(returned)][0]
        fail(f"{name} returns {bad}, not a finite number", ("y", y.tolist()), ("problem", problem))
    for what, before, after in (("A", A, given_A), ("y", y, given_y)):
        if not np.array_equal(before, after):
            fail(f"{name} changes its argument {what}", ("problem", problem))
    return returned.astype(np.float64)


def _compare(
    found: FloatArray,
    expected: FloatArray,
    allowed: FloatArray | float,
    fault: str,
    difference: str,
    estimator: Estimator,
    problem: Problem,
) -> None:
    __tracebackhide__ = True
    misfit, allowed = np.abs(found - expected), np.broadcast_to(allowed, found.shape)
    if np.any(misfit > allowed):
        worst = np.unravel_index(np.argmax(misfit - allowed), misfit.shape)
        fail(
            f"{_name(estimator)} {fault}",
            (f"largest |{difference}|", repr(float(misfit[worst]))),
            ("allowed", repr(float(allowed[worst]))),
            ("problem", problem),
        )


def _tolerance(problem: Problem, rtol: float | None) -> float | None:
    """The relative tolerance; None, and counted, where no digits would be left to compare."""
    if rtol is not None:
        return probability(rtol, "rtol")
    if problem.rtol > _NO_DIGITS:
        count("too badly conditioned to decide")
        return None
    return problem.rtol


def _name(estimator: Estimator) -> str:
    function = getattr(estimator, "func", estimator)
    name = str(getattr(function, "__name__", type(function).__name__))
    return "estimator" if name == "<lambda>" else name
