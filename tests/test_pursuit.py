"""Basis pursuit and the lasso against other solvers, and the exact decisions against HiGHS and cvxpy."""

from __future__ import annotations

import itertools
from typing import Any

import cvxpy
import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn.linear_model import Lasso

from linflow.checks import FloatArray
from linflow.errors import InputError, NotConvergedError, RankError, ShapeError
from linflow.fista import lasso
from linflow.measurement import as_dense, subsampled_dct
from linflow.pursuit import basis_pursuit, certificate_margin, recovery
from linflow.pursuit.certificates import Certificate
from linflow.pursuit.rows import Rows


def near_threshold(draws: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """(draws, 12, 30) matrices and, for each, six signals with 1 to 11 entries: clear and unclear cases."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((draws, 12, 30))
    x = np.zeros((draws, 6, 30))
    for draw, (index, k) in itertools.product(range(draws), enumerate((1, 3, 4, 5, 6, 11))):
        x[draw, index, rng.permutation(30)[:k]] = rng.normal(size=k) * 10.0 ** rng.uniform(-3, 3, k)
    return A, x


def by_cvxpy(A: FloatArray, y: FloatArray) -> FloatArray:
    solver: Any = cvxpy  # whose own annotations are incomplete
    x = solver.Variable(A.shape[1])
    problem = solver.Problem(solver.Minimize(solver.norm1(x)), [A @ x == y])
    problem.solve(solver=solver.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    return np.asarray(x.value)


def agrees_with_cvxpy(found: Any, A: FloatArray, x: FloatArray) -> bool:
    """Each decision against the solution of an interior-point solver, from signals of unit size."""
    for a, b in np.ndindex(*x.shape[:2]):
        signs = np.sign(x[a, b])
        if found[a, b] != (np.abs(by_cvxpy(A[a], A[a] @ signs) - signs).max() < 1e-5):
            return False
    return True


def test_decisions_agree_with_cvxpy_and_with_highs() -> None:
    A, x = near_threshold(8, seed=1)
    decided = recovery(A, x)
    assert 0.2 < decided.found.mean() < 0.8
    assert agrees_with_cvxpy(decided.found, A, x)
    margins = np.array([[certificate_margin(A[a], x[a, b]) for b in range(6)] for a in range(8)])
    np.testing.assert_array_equal(decided.found, margins > 0)
    # The twin: one wrong decision is noticed.
    wrong = decided.found.copy()
    wrong[0, 1] ^= True
    assert not agrees_with_cvxpy(wrong, A, x)


def test_highs_alone_decides_like_the_certificates() -> None:
    A, x = near_threshold(12, seed=2)
    alone = recovery(A, x, rounds=0)
    bulk = recovery(A, x, rounds=10)
    np.testing.assert_array_equal(alone.found, bulk.found)
    assert alone.adjudicated.mean() > 0.2 > bulk.adjudicated.mean()


def test_certificates_are_believed_only_when_they_hold() -> None:
    A, x = near_threshold(12, seed=3)
    rows = Rows.of(A[:1])
    Q = rows.Q[0]
    for signal in np.sign(x[0]):
        certificate = Certificate.of(rows, 0, signal, float(rows.condition[0]))
        found = certificate_margin(A[0], signal) > 0
        rng = np.random.default_rng(0)
        for _ in range(50):  # points that no iteration has prepared: never a proof of what is false
            assert not (certificate.holds(rng.standard_normal(12)) and not found)
            h = rng.standard_normal(30)
            assert not (certificate.fails(signal + h - Q.T @ (Q @ h)) and found)


def test_decisions_know_only_support_and_signs_and_no_batch() -> None:
    A, x = near_threshold(6, seed=4)
    together = recovery(A, x).found
    np.testing.assert_array_equal(together, recovery(A, np.sign(x)).found)
    np.testing.assert_array_equal(
        together, [[recovery(a, signal).found for signal in s] for a, s in zip(A, x, strict=True)]
    )
    np.testing.assert_array_equal(together, recovery(1e3 * A, -x).found)


def test_decisions_at_the_edges() -> None:
    A = np.random.default_rng(5).standard_normal((4, 9))
    assert recovery(A, np.zeros(9)).found
    assert not recovery(A, np.ones(9)).found
    assert recovery(np.eye(3), np.ones(3)).found
    np.testing.assert_array_equal(recovery(np.zeros((0, 3)), [[0, 0, 0], [1, 0, 0]]).found, [True, False])
    assert certificate_margin(A, np.ones(9)) == -np.inf
    assert certificate_margin(np.eye(3), np.ones(3)) == 1.0
    # A tie: both coordinates explain y equally well, so neither is the unique solution.
    assert not recovery(np.array([[1.0, 1.0]]), [1.0, 0.0]).found


@pytest.mark.parametrize("rounds", [1, 25])
def test_basis_pursuit_is_feasible_and_has_the_least_norm(rounds: int) -> None:
    A, x = near_threshold(4, seed=6)
    y = x @ np.swapaxes(A, 1, 2)
    x_hat = basis_pursuit(A, y, rounds=rounds)
    assert x_hat.shape == x.shape
    residual = x_hat @ np.swapaxes(A, 1, 2) - y
    assert np.abs(residual).max() <= 1e-6 * np.abs(y).max()
    for a, b in np.ndindex(4, 6):
        scale = np.abs(y[a, b]).max()
        least = np.abs(by_cvxpy(A[a], y[a, b] / scale)).sum() * scale
        assert np.abs(x_hat[a, b]).sum() == pytest.approx(least, rel=1e-6)
    found = recovery(A, x).found
    assert found.any()
    np.testing.assert_allclose(x_hat[found], x[found], rtol=1e-6, atol=1e-6 * np.abs(x).max())


def test_basis_pursuit_has_the_least_norm_where_iterations_are_slow() -> None:
    # Very wide matrices and measurements of no sparse signal: after 40 steps ADMM may sit on the support of a solution
    # that is not the shortest, with a dual point just outside the unit box, which proves nothing.
    A = np.random.default_rng(3).standard_normal((5, 40))
    y = np.random.default_rng(4).standard_normal((60, 5))
    found = np.abs(basis_pursuit(A, y)).sum(axis=1)
    for norm, measured in zip(found, y, strict=True):
        # The linear program's dual: its optimum is the least norm.
        dual = linprog(-measured, A_ub=np.vstack([A.T, -A.T]), b_ub=np.ones(80), bounds=(None, None), method="highs")
        assert norm == pytest.approx(-dual.fun, rel=1e-7)


def test_basis_pursuit_takes_operators_and_one_vector() -> None:
    A = subsampled_dct(6, 16, np.random.default_rng(7))
    y = np.arange(1.0, 7.0)
    np.testing.assert_array_equal(basis_pursuit(A, y), basis_pursuit(as_dense(A), y[None])[0])
    assert not basis_pursuit(A, np.zeros(6)).any()
    np.testing.assert_array_equal(basis_pursuit(np.zeros((0, 2)), np.zeros((5, 0))), np.zeros((5, 2)))


@pytest.mark.parametrize("shape", [(12, 30), (30, 12)])
@pytest.mark.parametrize("penalty", [0.3, 5.0])
def test_lasso_agrees_with_scikit_learn(shape: tuple[int, int], penalty: float) -> None:
    rng = np.random.default_rng(8)
    A, y = rng.standard_normal((3, *shape)), 4.0 * rng.standard_normal((3, 2, shape[0]))
    x_hat = lasso(A, y, penalty=penalty, tolerance=1e-13)
    for a, b in np.ndindex(3, 2):
        model = Lasso(alpha=penalty / shape[0], fit_intercept=False, tol=1e-12, max_iter=100_000).fit(A[a], y[a, b])
        np.testing.assert_allclose(x_hat[a, b], model.coef_, atol=1e-5)
        other = Lasso(alpha=2 * penalty / shape[0], fit_intercept=False, tol=1e-12, max_iter=100_000).fit(A[a], y[a, b])
        assert np.abs(x_hat[a, b] - other.coef_).max() > 1e-3  # the twin: a penalty off by two is seen


def test_lasso_is_zero_from_the_largest_correlation_on() -> None:
    rng = np.random.default_rng(9)
    A, y = rng.standard_normal((5, 8)), rng.standard_normal(5)
    largest = float(np.abs(A.T @ y).max())
    assert not lasso(A, y, penalty=1.001 * largest).any()
    assert lasso(A, y, penalty=0.9 * largest).any()


def test_bad_input_is_one_clear_sentence() -> None:
    A = np.random.default_rng(10).standard_normal((3, 6))
    with pytest.raises(ShapeError, match=r"y must have shape \(\.\.\., 3\)"):
        basis_pursuit(A, np.zeros(4))
    with pytest.raises(ShapeError, match=r"x_0 must have shape \(2, \.\.\., 6\)"):
        recovery(np.stack([A, A]), np.zeros(6))
    with pytest.raises(ShapeError, match="more rows"):
        recovery(A.T, np.zeros(3))
    with pytest.raises(ShapeError, match="one measurement a row"):
        basis_pursuit(np.zeros(3), np.zeros(3))
    with pytest.raises(RankError, match="row 2 of A"):
        basis_pursuit(np.vstack([A[:2], A[0] + A[1]]), np.zeros(3))
    with pytest.raises(InputError, match="real numbers"):
        lasso(1j * A, np.zeros(3), penalty=1.0)
    with pytest.raises(InputError, match="penalty must be a finite number > 0"):
        lasso(A, np.zeros(3), penalty=0.0)
    with pytest.raises(InputError, match="finite"):
        recovery(A, np.full(6, np.nan))
    with pytest.raises(ShapeError, match="one signal"):
        certificate_margin(A, np.zeros((2, 6)))
    with pytest.raises(ShapeError, match="one \\(m, n\\) matrix"):
        certificate_margin(A[None], np.zeros((1, 6)))
    with pytest.raises(NotConvergedError, match="allow more steps"):
        lasso(A, np.ones(3), penalty=1e-6, steps=3)
