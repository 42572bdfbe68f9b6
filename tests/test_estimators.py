"""Estimators against the problems that define them (cvxpy), other algebra, differential equations, 1000 digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import cvxpy as _cvxpy
import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.linalg
import scipy.sparse
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse.linalg import aslinearoperator

from linflow import measurement as ms
from linflow import testing
from linflow.errors import InputError, RankError, ShapeError
from linflow.estimators import gradient_flow, map_estimate, mle, penalised, posterior, truncated_least_squares
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum
from linflow.testing import seeds, spectra

#: cvxpy builds its module from star imports, which a type checker cannot follow.
cvxpy: Any = _cvxpy

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
#: Chance that a correct program fails one statistical check of this file.
ALPHA = 1e-9
#: Decimal digits of the references: a Gram matrix of condition 1e270 still leaves hundreds of them.
DIGITS = 1000


@st.composite
def problems(
    draw: st.DrawFn, *, decades: float = 1.0, max_n: int = 7, wide: bool = True
) -> tuple[LinearFlow, Array, Array, np.random.Generator]:
    """A rotated flow with an offset, Gaussian measurements A, measurements y (2, m), and a generator."""
    spectrum = draw(spectra(max_n=max_n, decades=decades)).scaled(3.0)
    rng = np.random.default_rng(draw(seeds))
    flow = LinearFlow.from_spectrum(spectrum, rng=rng, mean=2.0 + rng.standard_normal(spectrum.n))
    m = draw(st.integers(0, flow.n if wide else flow.n + 2))
    A = rng.standard_normal((m, flow.n))
    # Not the measurements of a signal alone: the estimators are defined for every y.
    return flow, A, flow.sample(2, rng) @ A.T + 0.3 * rng.standard_normal((2, m)), rng


quick = settings(max_examples=40, deadline=None, derandomize=True)
few = settings(max_examples=12, deadline=None, derandomize=True)


def _condition(M: Array) -> float:
    """Condition number of M for the purpose of a tolerance (1 if empty)."""
    return float(np.linalg.cond(M)) if M.size else 1.0


# -------------------------------------------------------------------------------------- the defining problems (cvxpy)

#: Clarabel stops at a duality gap below this, relative to 1 + |objective|.
GAP = 1e-9


def _solve(objective: Any, constraints: list[Any], variable: Any) -> tuple[Array, float]:
    problem = cvxpy.Problem(cvxpy.Minimize(objective), constraints)
    problem.solve(solver=cvxpy.CLARABEL, tol_gap_abs=GAP, tol_gap_rel=GAP, tol_feas=GAP)
    return np.asarray(variable.value), float(problem.value)


def _close(x_hat: Array, x_ref: Array, value: float, curvature: float) -> bool:
    """Whether two near-minimisers agree.

    ``f >= f* + curvature |x - x*|^2`` turns a gap g of the solver into a distance sqrt(g / curvature).
    """
    # The solver's tolerance also enters through the constraints, which it meets to GAP in units of x.
    allowed = 2 * math.sqrt(10 * GAP * (1 + abs(value)) / curvature) + 1e-6 * (1 + np.abs(x_ref).max())
    return bool(np.linalg.norm(x_hat - x_ref) <= allowed)


@few
@given(problems())
def test_mle_solves_its_definition(problem: tuple[LinearFlow, Array, Array, np.random.Generator]) -> None:
    flow, A, y, _ = problem
    x = cvxpy.Variable(flow.n)
    inverse = np.linalg.inv(flow.matrix)
    curvature = 1 / flow.spectrum.singular_values[0] ** 2
    x_hat = mle(flow, A, y)
    constraints = [A @ x == y[1]] if len(A) else []
    # argmax p_G(x) subject to A x = y, written in x: G^{-1} appears here and nowhere in the code.
    x_ref, value = _solve(cvxpy.sum_squares(inverse @ (x - flow.mean)), constraints, x)
    assert _close(x_hat[1], x_ref, value, curvature)
    if 0 < len(A) < flow.n:
        moved = LinearFlow(flow.spectrum, mean=flow.mean + 1.0, basis=flow.basis)
        assert not _close(mle(moved, A, y)[1], x_ref, value, curvature) or _moves_nothing(flow, A)


def _moves_nothing(flow: LinearFlow, A: Array) -> bool:
    """Whether an offset of 1 in each coordinate is lost on the MLE (I - K A applied to it is small)."""
    G = flow.matrix
    return bool(np.linalg.norm(np.ones(flow.n) - G @ np.linalg.pinv(A @ G) @ A @ np.ones(flow.n)) < 0.1)


@few
@given(problems(wide=False), st.sampled_from([0.1, 0.7, 3.0]))
def test_map_and_penalised_solve_their_definitions(
    problem: tuple[LinearFlow, Array, Array, np.random.Generator], noise_std: float
) -> None:
    flow, A, y, _ = problem
    if not len(A):
        return
    inverse = np.linalg.inv(flow.matrix)
    curvature = 1 / flow.spectrum.singular_values[0] ** 2
    x = cvxpy.Variable(flow.n)
    # MAP: minus twice the log posterior.
    energy = cvxpy.sum_squares((A @ x - y[0]) / noise_std) + cvxpy.sum_squares(inverse @ (x - flow.mean))
    x_ref, value = _solve(energy, [], x)
    assert _close(map_estimate(flow, A, y, noise_std=noise_std)[0], x_ref, value, curvature)
    # Penalised, in z; penalty != noise variance.
    z, penalty = cvxpy.Variable(flow.n), 0.4 * noise_std
    fit = cvxpy.sum_squares(A @ (flow.matrix @ z + flow.mean) - y[0]) + penalty * cvxpy.sum_squares(z)
    z_ref, value = _solve(fit, [], z)
    curvature = penalty / flow.spectrum.singular_values[0] ** 2
    assert _close(penalised(flow, A, y, penalty=penalty)[0], flow.matrix @ z_ref + flow.mean, value, curvature)


def test_a_standard_deviation_taken_for_a_variance_is_refuted() -> None:
    rng = np.random.default_rng(0)
    flow = LinearFlow.from_spectrum([2.0, 1.0, 0.5], rng=rng, mean=[1.0, 2.0, 3.0])
    A, y = rng.standard_normal((2, 3)), np.array([4.0, -2.0])
    x, inverse = cvxpy.Variable(3), np.linalg.inv(flow.matrix)
    energy = cvxpy.sum_squares((A @ x - y) / 0.1) + cvxpy.sum_squares(inverse @ (x - flow.mean))
    x_ref, value = _solve(energy, [], x)
    assert _close(penalised(flow, A, y, penalty=0.1**2), x_ref, value, 1 / 4)
    assert not _close(penalised(flow, A, y, penalty=0.1), x_ref, value, 1 / 4)
    assert not _close(mle(flow, A, y), x_ref, value, 1 / 4)


@few
@given(problems(wide=False), st.data())
def test_truncated_least_squares_solves_its_definition(
    problem: tuple[LinearFlow, Array, Array, np.random.Generator], data: st.DataObject
) -> None:
    flow, A, y, _ = problem
    k = data.draw(st.integers(0, flow.n))
    x_hat = truncated_least_squares(flow, A, y, rank=k)
    if k == 0:
        np.testing.assert_array_equal(x_hat, np.broadcast_to(flow.mean, (*y.shape[:-1], flow.n)))
        return
    prior = flow.truncate(k)
    np.testing.assert_allclose(prior.project(x_hat), x_hat, atol=100 * flow.n * EPS * (np.abs(x_hat).max() + 5))
    G_k = prior.basis * prior.singular_values
    z = cvxpy.Variable(k)
    if k <= len(A):
        misfit = cvxpy.sum_squares(A @ (prior.basis @ z + prior.mean) - y[0])
        z_ref, value = _solve(misfit, [], z)
        curvature = np.linalg.svd(A @ prior.basis, compute_uv=False)[-1] ** 2
        assert _close(x_hat[0], prior.basis @ z_ref + prior.mean, value, curvature)
    else:
        constraints = [A @ (G_k @ z + prior.mean) == y[0]] if len(A) else []
        z_ref, value = _solve(cvxpy.sum_squares(z), constraints, z)
        curvature = 1 / prior.singular_values[0] ** 2
        assert _close(x_hat[0], prior.forward(z_ref), value, curvature)


def test_truncation_to_another_rank_is_refuted() -> None:
    rng = np.random.default_rng(1)
    flow = LinearFlow.from_spectrum([3.0, 2.0, 1.0, 0.5], rng=rng, mean=[1.0, 2.0, 3.0, 4.0])
    A, y = rng.standard_normal((3, 4)), rng.standard_normal(3)
    prior, z = flow.truncate(2), cvxpy.Variable(2)
    z_ref, value = _solve(cvxpy.sum_squares(A @ (prior.basis @ z + prior.mean) - y), [], z)
    curvature = np.linalg.svd(A @ prior.basis, compute_uv=False)[-1] ** 2
    x_ref = prior.basis @ z_ref + prior.mean
    assert _close(truncated_least_squares(flow, A, y, rank=2), x_ref, value, curvature)
    for rank in (1, 3, 4):
        assert not _close(truncated_least_squares(flow, A, y, rank=rank), x_ref, value, curvature)


# ------------------------------------------------------------------------------------------- invariances (properties)


@quick
@given(problems(decades=60.0, max_n=9))
def test_mle_reproduces_the_measurements_for_any_spectrum(
    problem: tuple[LinearFlow, Array, Array, np.random.Generator],
) -> None:
    flow, A, y, _ = problem
    x_hat = mle(flow, A, y)
    assert x_hat.shape == (2, flow.n)
    assert np.isfinite(x_hat).all()
    # Backward stable: |A x - y| is rounding of the size of A, x and y.
    size = np.abs(A).max(initial=0.0) * (np.abs(x_hat).max() + np.abs(flow.mean).max()) + np.abs(y).max(initial=0.0)
    assert np.abs(x_hat @ A.T - y).max(initial=0.0) <= 100 * flow.n * EPS * size
    assert np.array_equal(penalised(flow, A, y, penalty=0.0), x_hat)
    assert np.array_equal(map_estimate(flow, A, y, noise_std=0.0), x_hat)


@quick
@given(problems(decades=30.0), st.data())
def test_units_and_order_of_measurements_do_not_matter(
    problem: tuple[LinearFlow, Array, Array, np.random.Generator], data: st.DataObject
) -> None:
    flow, A, y, rng = problem
    m = len(A)
    x_hat = mle(flow, A, y)
    # Powers of two are exact, so rows in other units give the same answer bit for bit.
    units = 2.0 ** rng.integers(-300, 300, m)
    np.testing.assert_array_equal(mle(flow, units[:, None] * A, units * y), x_hat)
    order = rng.permutation(m)
    tolerance = 1000 * flow.n * EPS * _amplification(flow, A) * (1 + np.abs(x_hat).max() + np.abs(flow.mean).max())
    assert np.abs(mle(flow, A[order], y[:, order]) - x_hat).max(initial=0.0) <= tolerance
    # A batch is its rows, one by one.
    alone = np.array([mle(flow, A, row) for row in y])
    assert np.abs(alone - x_hat).max() <= tolerance


def _amplification(flow: LinearFlow, A: Array) -> float:
    """How far rounding in A or y can move x_hat: products of the conditions met when directions are used up one by one."""
    if not len(A) or flow.basis is None:
        return 1.0
    B = A @ flow.basis
    return float(np.max([_condition(B[:, :k]) for k in range(1, flow.n + 1)])) ** 2


@pytest.mark.parametrize("name", ["gaussian", "sparse sign", "dct", "rows", "identity", "sparse matrix", "list"])
def test_every_kind_of_measurement(name: str) -> None:
    rng = np.random.default_rng(4)
    n, m = 8, 5
    flow = LinearFlow.from_spectrum(Spectrum.power_law(n), rng=rng, mean=rng.standard_normal(n))
    dense = rng.standard_normal((m, n))
    ensembles: dict[str, Callable[[], Any]] = {
        "gaussian": lambda: ms.gaussian(m=m, n=n, rng=rng),
        "sparse sign": lambda: ms.sparse_sign(m=m, n=n, rng=rng, density=0.8),
        "dct": lambda: ms.subsampled_dct(m=m, n=n, rng=rng),
        "rows": lambda: ms.random_rows(m=m, n=n, rng=rng),
        "identity": lambda: ms.identity(n),
        "sparse matrix": lambda: scipy.sparse.csr_array(dense),
        "list": lambda: dense.tolist(),
    }
    A = ensembles[name]()
    y = ms.apply(A, flow.sample(3, rng))
    same = ms.as_dense(A)
    calls: list[Callable[[Any], Array]] = [
        lambda A: mle(flow, A, y),
        lambda A: penalised(flow, A, y, penalty=0.2),
        lambda A: posterior(flow, A, y, noise_std=0.3).mean,
        lambda A: truncated_least_squares(flow, A, y, rank=3),
        lambda A: gradient_flow(flow, A, y, time=0.7),
    ]
    for call in calls[1:] if name == "rows" else calls:
        np.testing.assert_array_equal(call(A), call(aslinearoperator(same)))
        assert call(A).shape == (3, n)


def test_no_measurements_return_the_mean() -> None:
    flow = LinearFlow.from_spectrum([2.0, 1.0], rng=np.random.default_rng(0), mean=[3.0, 4.0])
    A, y = np.zeros((0, 2)), np.zeros((5, 0))
    for x_hat in (
        mle(flow, A, y),
        map_estimate(flow, A, y, noise_std=0.3),
        truncated_least_squares(flow, A, y, rank=1),
        gradient_flow(flow, A, y, time=math.inf),
        posterior(flow, A, y, noise_std=0.0).mean,
    ):
        np.testing.assert_array_equal(x_hat, np.broadcast_to(flow.mean, (5, 2)))
    np.testing.assert_allclose(posterior(flow, A, y, noise_std=0.5).covariance, flow.covariance, rtol=1e-13)


def test_empty_batches() -> None:
    flow = LinearFlow.from_spectrum([2.0, 1.0], mean=[3.0, 4.0])
    A, y = np.array([[1.0, 2.0]]), np.zeros((0, 1))
    assert mle(flow, A, y).shape == (0, 2)
    assert truncated_least_squares(flow, A, y, rank=1).shape == (0, 2)
    assert gradient_flow(flow, A, y, time=1.0).shape == (0, 2)
    assert posterior(flow, A, y, noise_std=0.1).sample(3, np.random.default_rng(0)).shape == (3, 0, 2)


# ------------------------------------------------------------------------- laws that need no reference (linflow.testing)


@few
@given(testing.problems())
def test_mle_is_the_best_estimator_without_noise(problem: testing.Problem) -> None:
    testing.assert_optimal(mle, problem)
    testing.assert_equivariant(mle, problem)


@few
@given(testing.problems(noise_std=testing.noise_levels()))
def test_map_is_the_best_estimator_with_noise(problem: testing.Problem) -> None:
    noise_std = problem.noise_std
    testing.assert_optimal(partial(map_estimate, noise_std=noise_std), problem)
    testing.assert_optimal(partial(penalised, penalty=noise_std**2), problem)
    testing.assert_equivariant(partial(map_estimate, noise_std=noise_std), problem)


@few
@given(testing.problems())
def test_gradient_flow_has_the_symmetries_of_the_best(problem: testing.Problem) -> None:
    testing.assert_equivariant(partial(gradient_flow, time=0.3), problem)


@few
@given(testing.problems(ensembles=("gaussian",)), st.integers(0, 12))
def test_truncated_least_squares_has_the_symmetries_of_the_best(problem: testing.Problem, rank: int) -> None:
    flow, k = problem.flow, min(rank, problem.m)
    # Its conditioning is that of the tall system A U_k, not that of the problem.
    seen = problem.A @ (np.eye(flow.n) if flow.basis is None else flow.basis)[:, :k]
    condition = np.linalg.norm(problem.A, 2) * np.linalg.norm(np.linalg.pinv(seen), 2) if k else 1.0
    estimator = partial(truncated_least_squares, rank=k)
    testing.assert_equivariant(estimator, problem, rtol=float(min(100 * flow.n * EPS * condition**2, 0.5)))
    if 0 < k < problem.m:  # and not its risk
        with pytest.raises(AssertionError, match="truncated_least_squares is not optimal"):
            testing.assert_optimal(estimator, problem)


# ------------------------------------------------------------------------------------------------- high precision


def _reference(s: Array, A: Array, y: Array, penalty: float) -> tuple[Array, Array]:
    """Penalised solution and diagonal of the posterior covariance of a diagonal flow, by the Gram matrix in many digits."""
    with mpmath.workdps(DIGITS):
        N = mpmath.matrix(A.tolist()) * mpmath.diag([mpmath.mpf(v) for v in s.tolist()])
        gram = N * N.T + mpmath.mpf(penalty) * mpmath.eye(len(A))
        inverse = mpmath.inverse(gram)
        w = N.T * (inverse * mpmath.matrix(y.tolist()))
        shrunk = N.T * inverse * N
        x = [float(s[i] * w[i]) for i in range(len(s))]
        variances = [float(s[i] ** 2 * (1 - shrunk[i, i])) for i in range(len(s))]
    return np.array(x), np.array(variances)


SPECTRA = {
    "10^-i": 10.0 ** -np.arange(16.0),
    "10^-5i": 10.0 ** -(5.0 * np.arange(16)),
    "10^-9i": 10.0 ** -(9.0 * np.arange(16)),
    "two clusters": np.repeat([1.0, 1e-12], 8),
    "large": 10.0 ** (40 - 3.0 * np.arange(16)),
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("m", [1, 7, 15, 16])
@pytest.mark.parametrize("penalty", [0.0, 1e-30, 1e-3, 1e40])
def test_extreme_spectra_against_many_digits(name: str, m: int, penalty: float) -> None:
    rng = np.random.default_rng(m)
    s = SPECTRA[name]
    flow = LinearFlow.from_spectrum(s)
    A, y = rng.standard_normal((m, 16)), rng.standard_normal(m)
    x_ref, variances = _reference(s, A, y, penalty)
    # Rounding of A alone moves x_hat by the condition of the leading blocks, which the sorted elimination goes through.
    blocks = max(_condition(A[:, :k]) for k in range(1, 17))
    allowed = 200 * EPS * blocks**2
    result = posterior(flow, A, y, noise_std=math.sqrt(penalty))
    for x_hat in (penalised(flow, A, y, penalty=penalty), result.mean):
        assert np.abs(x_hat - x_ref).max() <= allowed * np.abs(x_ref).max()
    if penalty == 0:
        assert np.abs(A @ mle(flow, A, y) - y).max() <= allowed * np.abs(x_ref).max()
    # Standard deviations relative to themselves, down to 1e-135: squares of entries, no differences.
    if not (penalty == 0 and m == 16):
        np.testing.assert_allclose(result.std**2, variances, rtol=10 * allowed)
    else:
        assert result.factor.shape == (16, 0)


def test_pinv_fails_the_extreme_check() -> None:
    rng = np.random.default_rng(7)
    s = SPECTRA["10^-5i"]
    A, y = rng.standard_normal((7, 16)), rng.standard_normal(7)
    x_ref, _ = _reference(s, A, y, 0.0)
    with_pinv = s * (np.linalg.pinv(A * s) @ y)
    assert np.abs(with_pinv - x_ref).max() > 0.1 * np.abs(x_ref).max()
    assert np.abs(A @ with_pinv - y).max() > 0.1


@few
@given(spectra(min_n=2, max_n=8, decades=100.0), seeds, st.sampled_from([1e-40, 1e-9, 10.0]))
def test_random_extreme_problems_against_many_digits(spectrum: Spectrum, seed: int, penalty: float) -> None:
    rng = np.random.default_rng(seed)
    n = spectrum.n
    m = int(rng.integers(1, n + 1))
    # Sparse rows and rows in other units: what inpainting and mixed sensors look like in the eigenbasis.
    A = rng.standard_normal((m, n)) * (rng.random((m, n)) < 0.6)
    A[:, 0] += np.where(np.any(A, axis=1), 0.0, 1.0)
    y = rng.standard_normal(m)
    flow = LinearFlow.from_spectrum(spectrum)
    try:
        x_hat = penalised(flow, A, y, penalty=penalty)
    except RankError:
        return  # sparse rows may coincide; that the refusal is right is another test's subject
    with mpmath.workdps(DIGITS):
        N = mpmath.matrix(A.tolist()) * mpmath.diag([mpmath.mpf(v) for v in spectrum.singular_values.tolist()])
        v = mpmath.lu_solve(N * N.T + mpmath.mpf(penalty) * mpmath.eye(m), mpmath.matrix(y.tolist()))
        x_ref = np.array([float(t) for t in N.T * v]) * spectrum.singular_values
    # Backward error, which needs no condition number: x_hat solves A' x = y for an A' within rounding, so it misfits
    # the exact optimality condition by no more than rounding.
    misfit, misfit_ref = y - A @ x_hat, y - A @ x_ref
    size = np.abs(A).max() * (np.abs(x_hat).max() + np.abs(x_ref).max()) + np.abs(y).max()
    blocks = max(_condition_of_rows(A[:, :k]) for k in range(1, n + 1))
    assert np.abs(misfit - misfit_ref).max() <= 1000 * n * EPS * blocks**2 * size


def _condition_of_rows(M: Array) -> float:
    s = np.linalg.svd(M, compute_uv=False)
    s = s[s > 1e-10 * s[0]] if s[0] > 0 else np.ones(1)
    return float(s[0] / s[-1])


# -------------------------------------------------------------------------------------------------------- posterior


@quick
@given(problems(wide=False), st.sampled_from([0.0, 0.2, 2.0]))
def test_posterior_is_gaussian_conditioning(
    problem: tuple[LinearFlow, Array, Array, np.random.Generator], noise_std: float
) -> None:
    flow, A, y, _ = problem
    if noise_std == 0 and len(A) > flow.n:
        return
    result = posterior(flow, A, y, noise_std=noise_std)
    # Block Gaussian conditioning of (x, y).
    C = flow.covariance
    S = A @ C @ A.T + noise_std**2 * np.eye(len(A))
    gain = C @ A.T @ np.linalg.inv(S)
    scale = 1000 * flow.n * EPS * _condition(S) ** 2 * np.abs(C).max() * (1 + np.abs(gain).max(initial=0.0))
    residual = np.abs(y - A @ flow.mean).max(initial=0.0)
    mean_scale = 1000 * flow.n * EPS * _condition(S) ** 2 * (1 + np.abs(gain).max(initial=0.0)) * (1 + residual)
    assert np.abs(result.mean - (flow.mean + (y - A @ flow.mean) @ gain.T)).max() <= mean_scale + 1e-13
    assert np.abs(result.covariance - (C - gain @ A @ C)).max() <= scale
    np.testing.assert_allclose(result.std**2, np.diag(result.covariance), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(result.mean, map_estimate(flow, A, y, noise_std=noise_std), rtol=0, atol=mean_scale + 1e-13)
    assert result.factor.shape == (flow.n, flow.n - (len(A) if noise_std == 0 else 0))
    if noise_std == 0:  # what was measured is known
        assert np.abs(A @ result.factor).max(initial=0.0) <= 100 * flow.n * EPS * np.abs(A).max(initial=0.0) * 3.0 * flow.n


def test_posterior_of_another_noise_is_refuted() -> None:
    rng = np.random.default_rng(0)
    flow = LinearFlow.from_spectrum([2.0, 1.0, 0.5], rng=rng, mean=[1.0, 2.0, 3.0])
    A, y = rng.standard_normal((2, 3)), np.array([4.0, -2.0])
    right, wrong = (posterior(flow, A, y, noise_std=s) for s in (0.3, 0.09))
    C = flow.covariance
    expected = C - C @ A.T @ np.linalg.inv(A @ C @ A.T + 0.3**2 * np.eye(2)) @ A @ C
    np.testing.assert_allclose(right.covariance, expected, atol=1e-13)
    assert np.abs(wrong.covariance - expected).max() > 1e-3


def _draws_fit(draws: Array, mean: Array, covariance: Array) -> bool:
    """Whitened length and whitened mean, both chi-squared: exact tests, ALPHA in all."""
    white = np.linalg.solve(np.linalg.cholesky(covariance), (draws - mean).T).T
    low, high = scipy.stats.chi2(white.size).ppf([ALPHA / 4, 1 - ALPHA / 4])
    centre = len(white) * np.sum(white.mean(axis=0) ** 2)
    return bool(low < np.sum(white**2) < high and centre < scipy.stats.chi2(len(mean)).isf(ALPHA / 2))


def test_posterior_samples_have_its_law() -> None:
    rng = np.random.default_rng(5)
    flow = LinearFlow.from_spectrum([2.0, 1.0, 0.5], rng=rng, mean=[1.0, 2.0, 3.0])
    A, y = rng.standard_normal((2, 3)), np.array([[4.0, -2.0], [0.0, 1.0]])
    result = posterior(flow, A, y, noise_std=0.3)
    draws = result.sample((20, 200), rng)
    assert draws.shape == (20, 200, 2, 3)
    for i in (0, 1):
        assert _draws_fit(draws[:, :, i].reshape(-1, 3), result.mean[i], result.covariance)
    one = draws[:, :, 0].reshape(-1, 3)
    assert not _draws_fit(one, result.mean[1], result.covariance)
    assert not _draws_fit(one, result.mean[0], 1.2 * result.covariance)
    assert not _draws_fit(one, result.mean[0], flow.covariance)
    exact = posterior(flow, A, y[0], noise_std=0.0).sample(50, rng)
    np.testing.assert_allclose(exact @ A.T, np.broadcast_to(y[0], (50, 2)), atol=1e-12)
    with pytest.raises(InputError, match=r"numpy\.random\.Generator"):
        result.sample(3, None)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------- gradient flow


def _by_matrix_exponential(flow: LinearFlow, A: Array, y: Array, time: float, start: Array) -> Array:
    """dz/dt = -H z + b as one linear equation for (z, 1), solved by expm: needs no invertible H."""
    N = A @ flow.matrix
    generator = np.zeros((flow.n + 1, flow.n + 1))
    generator[:-1, :-1], generator[:-1, -1] = -2 * N.T @ N, 2 * N.T @ (y - A @ flow.mean)
    z = (scipy.linalg.expm(time * generator) @ np.append(start, 1.0))[:-1]
    return np.asarray(flow.mean + flow.matrix @ z)


@quick
@given(problems(wide=False), st.sampled_from([0.0, 1e-9, 1e-3, 0.05, 1.0]))
def test_gradient_flow_against_the_matrix_exponential(
    problem: tuple[LinearFlow, Array, Array, np.random.Generator], time: float
) -> None:
    flow, A, y, rng = problem
    start = 2.0 * rng.standard_normal((2, flow.n))
    x = gradient_flow(flow, A, y, time=time, start=start)
    reference = np.array([_by_matrix_exponential(flow, A, y[i], time, start[i]) for i in range(2)])
    # expm by scaling and squaring loses a factor |t H|.
    lost = 1 + time * np.linalg.norm(A @ flow.matrix) ** 2
    size = 1 + np.abs(reference).max() + np.abs(y).max(initial=0.0) * np.abs(flow.matrix).max()
    assert np.abs(x - reference).max() <= 1e4 * flow.n * EPS * lost**2 * size
    if time == 0:
        np.testing.assert_allclose(x, flow.forward(start), atol=100 * flow.n * EPS * size)


def test_gradient_flow_against_an_integrator() -> None:
    rng = np.random.default_rng(3)
    flow = LinearFlow.from_spectrum([1.5, 1.0, 0.5], rng=rng, mean=[1.0, -2.0, 0.5])
    A, y, start = rng.standard_normal((2, 3)), np.array([1.0, 2.0]), rng.standard_normal(3)
    N, r = A @ flow.matrix, y - A @ flow.mean

    def velocity(_: float, z: Array) -> Array:
        return np.asarray(-2 * N.T @ (N @ z - r))

    path = scipy.integrate.solve_ivp(velocity, (0.0, 0.4), start, rtol=1e-11, atol=1e-12)
    x_ref = flow.forward(path.y[:, -1])
    np.testing.assert_allclose(gradient_flow(flow, A, y, time=0.4, start=start), x_ref, atol=1e-8)
    # Twins: another clock (the gradient without its 2), and the offset forgotten.
    assert np.abs(gradient_flow(flow, A, y, time=0.2, start=start) - x_ref).max() > 1e-3
    without = LinearFlow(flow.spectrum, basis=flow.basis, latent_basis=flow.latent_basis)
    assert np.abs(gradient_flow(without, A, y, time=0.4, start=start) - x_ref).max() > 1e-3


@quick
@given(problems())
def test_gradient_flow_ends_at_the_nearest_solution(
    problem: tuple[LinearFlow, Array, Array, np.random.Generator],
) -> None:
    flow, A, y, rng = problem
    start = rng.standard_normal((2, flow.n))
    N = A @ flow.matrix
    tolerance = 1e4 * flow.n * EPS * _condition(N) ** 2 * (1 + np.abs(y).max(initial=0.0) + np.abs(flow.mean).max())
    # T9: z_0 + (AG)^+ (y - A mu - A G z_0).
    z = start + (y - A @ flow.mean - start @ N.T) @ np.linalg.pinv(N).T
    x = gradient_flow(flow, A, y, time=math.inf, start=start)
    assert np.abs(x - flow.forward(z)).max() <= tolerance
    assert np.abs(gradient_flow(flow, A, y, time=math.inf) - mle(flow, A, y)).max() <= tolerance
    # The start is remembered where A does not look (only for m = n is it forgotten).
    if len(A) < flow.n:
        assert np.abs(x - mle(flow, A, y)).max() > tolerance


@pytest.mark.parametrize("name", ["10^-i", "10^-5i", "two clusters"])
@pytest.mark.parametrize("time", [1e-300, 1e-12, 1e20, 1e60, math.inf])
def test_gradient_flow_at_tiny_and_huge_times_against_many_digits(name: str, time: float) -> None:
    rng = np.random.default_rng(9)
    s, m = SPECTRA[name], 6
    A, y = rng.standard_normal((m, 16)), rng.standard_normal(m)
    flow = LinearFlow.from_spectrum(s)
    with mpmath.workdps(DIGITS):
        N = mpmath.matrix(A.tolist()) * mpmath.diag([mpmath.mpf(v) for v in s.tolist()])
        values, Q = mpmath.eigsy(N * N.T)
        c = Q.T * mpmath.matrix(y.tolist())
        gain = [(1 if math.isinf(time) else -mpmath.expm1(-2 * v * mpmath.mpf(time))) / v for v in values]
        w = N.T * (Q * mpmath.matrix([g * t for g, t in zip(gain, c, strict=True)]))
        x_ref = np.array([float(s[i] * w[i]) for i in range(16)])
    blocks = max(_condition(A[:, :k]) for k in range(1, 17))
    x = gradient_flow(flow, A, y, time=time)
    assert np.abs(x - x_ref).max() <= 200 * EPS * blocks**2 * np.abs(x_ref).max()
    if math.isinf(time):
        assert np.abs(mle(flow, A, y) - x_ref).max() <= 200 * EPS * blocks**2 * np.abs(x_ref).max()


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("time", [1e-30, 1.0, 1e10, 1e60, math.inf])
def test_gradient_flow_where_rows_differ_wildly_in_size(time: float, repeated: bool) -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        flow = LinearFlow.from_spectrum([3.0, 2.0, 1.0, 0.5, 0.2, 0.1], rng=rng)
        A = rng.standard_normal((4, 6)) * (10.0 ** rng.uniform(-20.0, 20.0, 4))[:, None]
        y = A @ rng.standard_normal(6)
        N = A @ flow.matrix
        with mpmath.workdps(DIGITS):
            # To read a row twice is to read it once in units of its size over sqrt(2).
            size = mpmath.diag([mpmath.sqrt(2) if repeated else 1, 1, 1, 1])
            K = size * mpmath.matrix(N.tolist())
            values, Q = mpmath.eigsy(K * K.T)
            c = Q.T * (size * mpmath.matrix(y.tolist()))
            gain = [(1 if math.isinf(time) else -mpmath.expm1(-2 * v * mpmath.mpf(time))) / v for v in values]
            w = K.T * (Q * mpmath.matrix([g * t for g, t in zip(gain, c, strict=True)]))
            expected = flow.matrix @ np.array([float(value) for value in w])
        if repeated:
            A, y = np.vstack([A, A[:1]]), np.append(y, y[0])
        np.testing.assert_allclose(gradient_flow(flow, A, y, time=time), expected, atol=1e-11 * np.abs(expected).max())


def test_gradient_flow_long_before_a_huge_limit() -> None:
    """Two rows that nearly agree, read differently: the limit is huge, and early on nothing of it is there."""
    for seed in range(8):
        rng = np.random.default_rng(seed)
        flow = LinearFlow.from_spectrum([2.0, 1.5, 1.0, 0.8], rng=rng)
        row = rng.standard_normal(4)
        A, y = np.vstack([row, row + 1e-8 * rng.standard_normal(4)]), np.array([1.0, -0.5])
        with mpmath.workdps(DIGITS):
            K = mpmath.matrix((A @ flow.matrix).tolist())
            values, Q = mpmath.eigsy(K * K.T)
            c = Q.T * mpmath.matrix(y.tolist())
            gain = [-mpmath.expm1(-2 * v) / v for v in values]
            w = K.T * (Q * mpmath.matrix([g * t for g, t in zip(gain, c, strict=True)]))
            expected = flow.matrix @ np.array([float(value) for value in w])
        assert np.abs(gradient_flow(flow, A, y, time=math.inf)).max() > 1e6 * np.abs(expected).max()
        np.testing.assert_allclose(gradient_flow(flow, A, y, time=1.0), expected, atol=1e-12 * np.abs(expected).max())


def test_gradient_flow_with_repeated_rows_and_too_many_rows() -> None:
    rng = np.random.default_rng(2)
    flow = LinearFlow.from_spectrum([2.0, 1.0, 0.5], rng=rng, mean=[1.0, 2.0, 3.0])
    row = rng.standard_normal((1, 3))
    # Two inconsistent readings of one quantity: the limit fits their average.
    for time in (1e30, math.inf):
        x = gradient_flow(flow, np.vstack([row, row]), [1.0, 3.0], time=time)
        np.testing.assert_allclose(x, mle(flow, row, [2.0]), atol=1e-12)
    A, y = rng.standard_normal((5, 3)), rng.standard_normal(5)
    least_squares = np.linalg.lstsq(A, y, rcond=None)[0]
    np.testing.assert_allclose(gradient_flow(flow, A, y, time=math.inf), least_squares, atol=1e-11)
    np.testing.assert_array_equal(gradient_flow(flow, np.zeros((2, 3)), [1.0, 2.0], time=math.inf), flow.mean)


def test_gradient_flow_broadcasts_starts() -> None:
    rng = np.random.default_rng(2)
    flow = LinearFlow.from_spectrum([2.0, 1.0, 0.5], rng=rng, mean=[1.0, 2.0, 3.0])
    A, y, starts = rng.standard_normal((2, 3)), rng.standard_normal(2), rng.standard_normal((4, 3))
    many = gradient_flow(flow, A, y, time=0.3, start=starts)
    assert many.shape == (4, 3)
    np.testing.assert_allclose(many[2], gradient_flow(flow, A, y, time=0.3, start=starts[2]), atol=1e-13)


# ------------------------------------------------------------------------------------------------------------ refusals


@quick
@given(spectra(min_n=3, max_n=10, decades=60.0), seeds, st.booleans())
def test_dependent_rows_are_named_and_graded_spectra_are_not_accused(spectrum: Spectrum, seed: int, rotate: bool) -> None:
    rng = np.random.default_rng(seed)
    n = spectrum.n
    flow = LinearFlow.from_spectrum(spectrum, rng=rng if rotate else None, mean=np.ones(n))
    m = int(rng.integers(2, n + 1))
    A, y = rng.standard_normal((m, n)), rng.standard_normal(m)
    mle(flow, A, y)  # legitimate, however small the last pivots are
    first, second = (int(i) for i in rng.choice(m, 2, replace=False))
    A[second] = -3.0 * A[first]
    with pytest.raises(
        RankError, match=rf"row ({first}|{second}) of A G is, to rounding, .* drop that measurement, or use a penalty"
    ):
        mle(flow, A, y)
    with pytest.raises(RankError, match=f"row ({first}|{second}) "):
        posterior(flow, A, y, noise_std=0.0)
    # A visible penalty resolves it: two readings, averaged with their weights.
    assert np.isfinite(penalised(flow, A, y, penalty=float(spectrum.variances[0]))).all()


@quick
@given(spectra(min_n=2, max_n=10, decades=140.0), seeds)
def test_inpainting_in_the_eigenbasis_is_exact_for_any_spectrum(spectrum: Spectrum, seed: int) -> None:
    # Independent coordinates: what is seen is kept, what is not seen stays at the mean. Any order, any unit.
    rng = np.random.default_rng(seed)
    n = spectrum.n
    flow = LinearFlow.from_spectrum(spectrum, mean=rng.standard_normal(n))
    seen = rng.permutation(n)[: rng.integers(1, n + 1)]
    y = rng.standard_normal(len(seen))
    x_ref = flow.mean.copy()
    x_ref[seen] = y
    tolerance = 100 * n * EPS * (1 + np.abs(y).max() + np.abs(flow.mean).max())
    np.testing.assert_allclose(mle(flow, ms.row_sampling(seen, n), y), x_ref, rtol=0, atol=tolerance)
    assert np.count_nonzero(posterior(flow, ms.row_sampling(seen, n), y, noise_std=0.0).std) == n - len(seen)
    with pytest.raises(RankError, match="linear combination"):
        mle(flow, ms.row_sampling([*seen, seen[0]], n), [*y, y[0]])


def test_a_small_row_is_not_mistaken_for_rounding() -> None:
    # Row 1 hardly sees the large directions, and its pivot, 1e-20, comes after rows of size 1.
    s, A, y = np.array([1.0, 1.0, 1e-20]), np.array([[1.0, 1.0, 0.0], [0.0, 1e-20, 1.0]]), np.array([1.0, 2.0])
    flow = LinearFlow.from_spectrum(s, mean=[1.0, -1.0, 0.5])
    x_ref, _ = _reference(s, A, y - A @ flow.mean, 0.0)
    np.testing.assert_allclose(mle(flow, A, y) - flow.mean, x_ref, rtol=1e-14)


def test_a_row_that_sees_large_directions_only_through_rounding_is_refused() -> None:
    # Along the last eigenvector of a rotated flow, A U is 1e-17 where it should be 0, and 1e-17 outweighs sigma_n = 1e-40.
    rotated = LinearFlow.from_spectrum([1.0, 1.0, 1e-40], rng=np.random.default_rng(1), mean=np.ones(3))
    assert rotated.basis is not None
    with pytest.raises(RankError, match=r"row 0 of A G is, to rounding, zero or"):
        mle(rotated, rotated.basis[:, 2:].T, [3.0])
    # The same problem in the eigenbasis has exact zeros, and an answer.
    x_hat = mle(LinearFlow.from_spectrum([1.0, 1.0, 1e-40], mean=np.ones(3)), [[0.0, 0.0, 1.0]], [3.0])
    np.testing.assert_array_equal(x_hat, [1.0, 1.0, 3.0])


def test_rank_errors_name_the_row_and_the_remedy() -> None:
    flow = LinearFlow.from_spectrum([2.0, 1.0], mean=[1.0, 0.0])
    with pytest.raises(
        RankError, match=r"row 1 of A G is zero: drop that measurement, or use a penalty \(or noise_std\) > 0"
    ):
        mle(flow, [[1.0, 2.0], [0.0, 0.0]], [1.0, 0.0])
    with pytest.raises(RankError, match=r"row . of A G is, to rounding, zero or a linear combination of the other rows"):
        mle(flow, np.random.default_rng(0).standard_normal((3, 2)), np.zeros(3))
    with pytest.raises(RankError, match="use a larger penalty"):
        penalised(flow, [[1.0, 2.0], [1.0, 2.0]], [1.0, 2.0], penalty=1e-60)
    with pytest.raises(RankError, match=r"do not determine direction . of the rank-2 prior: lower the rank"):
        truncated_least_squares(flow, [[1.0, 2.0], [2.0, 4.0]], [1.0, 2.0], rank=2)
    # Three readings of two coordinates are fine with noise.
    assert map_estimate(flow, np.ones((3, 2)), np.zeros(3), noise_std=0.1).shape == (2,)


@pytest.mark.parametrize(
    ("A", "y", "error", "sentence"),
    [
        (np.ones((1, 3)), [1.0], ShapeError, r"one column for each of the n = 2 coordinates of the flow, got \(1, 3\)"),
        (np.ones(2), [1.0], ShapeError, r"\(m, n\) matrix"),
        (np.ones((1, 2)), [1.0, 2.0], ShapeError, r"y must have shape \(\.\.\., 1\)"),
        (np.ones((1, 2)), 1.0, ShapeError, "y must have shape"),
        (np.ones((1, 2)), [np.nan], InputError, "y must be finite, but entry 0 is nan"),
        (np.ones((1, 2)), [1j], InputError, "y must be an array of real numbers"),
        ([[np.inf, 1.0]], [1.0], InputError, "A must be finite"),
        ([[1j, 1.0]], [1.0, 2.0], ShapeError, r"y must have shape \(\.\.\., 1\)"),
        ([[1j, 1.0]], [1j * np.inf], InputError, "y must be finite"),
    ],
)
def test_wrong_measurements_are_refused_by_every_estimator(A: Any, y: Any, error: type[Exception], sentence: str) -> None:
    flow = LinearFlow.from_spectrum([2.0, 1.0], mean=[1.0, 0.0])
    calls: list[Callable[[], object]] = [
        lambda: mle(flow, A, y),
        lambda: map_estimate(flow, A, y, noise_std=0.5),
        lambda: penalised(flow, A, y, penalty=0.5),
        lambda: posterior(flow, A, y, noise_std=0.5),
        lambda: truncated_least_squares(flow, A, y, rank=1),
        lambda: gradient_flow(flow, A, y, time=0.5),
    ]
    for call in calls:
        with pytest.raises(error, match=sentence):
            call()


def test_wrong_scalars_are_refused() -> None:
    flow = LinearFlow.from_spectrum([2.0, 1.0], mean=[1.0, 0.0])
    A, y = np.ones((1, 2)), np.ones(1)
    for value in (-1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="noise_std must be a finite number >= 0"):
            map_estimate(flow, A, y, noise_std=value)
        with pytest.raises(InputError, match="noise_std must be"):
            posterior(flow, A, y, noise_std=value)
        with pytest.raises(InputError, match="penalty must be a finite number >= 0"):
            penalised(flow, A, y, penalty=value)
    for value in (-1.0, math.nan):
        with pytest.raises(InputError, match="time must be a number >= 0"):
            gradient_flow(flow, A, y, time=value)
    with pytest.raises(InputError, match=r"rank must be a whole number in 0\.\.2"):
        truncated_least_squares(flow, A, y, rank=3)
    with pytest.raises(ShapeError, match=r"start must have shape \(\.\.\., 2\)"):
        gradient_flow(flow, A, y, time=1.0, start=[1.0])
    with pytest.raises(ShapeError, match="start and y must have batches that broadcast"):
        gradient_flow(flow, A, np.ones((3, 1)), time=1.0, start=np.ones((2, 2)))
    with pytest.raises(InputError, match="the rows of A and the penalty differ by more"):
        penalised(flow, [[1e-200, 0.0]], [1.0], penalty=1e300)
