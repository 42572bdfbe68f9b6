"""The lasso in any units, and the value that its duality gap promises."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow.checks import FloatArray
from linflow.errors import InputError, NotConvergedError
from linflow.fista import lasso
from linflow.testing import seeds

quick = settings(max_examples=40, deadline=None, derandomize=True)


def stationary(A: FloatArray, y: FloatArray, x: FloatArray, penalty: float) -> float:
    """How far x is from the conditions of an optimum, relative to the penalty: |A^T r| <= penalty, equal with x's sign."""
    correlation = A.T @ (y - A @ x) / penalty
    on = x != 0
    return max(float(np.abs(correlation[on] - np.sign(x[on])).max(initial=0.0)), float(np.abs(correlation).max()) - 1.0)


@quick
@given(seeds, st.integers(-400, 400), st.integers(-400, 400))
def test_units_of_two_change_no_bit(seed: int, of_A: int, of_y: int) -> None:
    rng = np.random.default_rng(seed)
    A, y = rng.standard_normal((5, 9)), rng.standard_normal((2, 5))
    penalty = 0.3
    expected = lasso(A, y, penalty=penalty)
    found = lasso(np.ldexp(A, of_A), np.ldexp(y, of_y), penalty=float(np.ldexp(penalty, of_A + of_y)))
    np.testing.assert_array_equal(found, np.ldexp(expected, of_y - of_A))


@pytest.mark.parametrize("of_A", [1e-150, 1e-12, 1e10, 1e150])
@pytest.mark.parametrize("of_y", [1e-150, 1e-3, 1e7, 1e150])
def test_units_of_ten(of_A: float, of_y: float) -> None:
    rng = np.random.default_rng(1)
    A, y = rng.standard_normal((7, 5)), rng.standard_normal(7)
    found = lasso(of_A * A, of_y * y, penalty=0.5 * (of_A * of_y), tolerance=1e-13)
    np.testing.assert_allclose(found / (of_y / of_A), lasso(A, y, penalty=0.5, tolerance=1e-13), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("penalty", [10.0, 1e-1, 1e-3, 1e-5])
@pytest.mark.parametrize("shape", [(6, 14), (14, 6), (8, 8)])
def test_the_value_is_right_relative_to_itself(shape: tuple[int, int], penalty: float) -> None:
    """From measurements of a sparse signal and no noise, the optimum is about penalty |x|_1, however large y is."""
    rng = np.random.default_rng(2)
    A, x = rng.standard_normal(shape), np.zeros(shape[1])
    x[[1, 4]] = 3.0, -2.0
    y = A @ x
    found = lasso(A, y, penalty=penalty)
    residual = y - A @ found
    value = 0.5 * residual @ residual + penalty * np.abs(found).sum()
    # The dual point, made feasible: r, times what brings its correlations below the penalty.
    inside = min(1.0, penalty / np.abs(A.T @ residual).max())
    bound = inside * residual @ y - 0.5 * inside**2 * residual @ residual
    assert value - bound <= 1e-6 * value
    assert stationary(A, y, found, penalty) < 1e-4


def test_what_has_not_converged_is_an_error_and_never_a_number() -> None:
    rng = np.random.default_rng(3)
    A, y = rng.standard_normal((6, 20)), rng.standard_normal(6)
    for penalty in (1e-1, 1e-2, 1e-3, 1e-4):
        with contextlib.suppress(NotConvergedError):
            assert stationary(A, y, lasso(A, y, penalty=penalty, steps=500), penalty) < 1e-3
    for penalty in (1e-9, 1e-12, 1e-100):
        with pytest.raises(NotConvergedError, match=r"^the lasso reached [^\n]* in 500 steps, asked was 1e-10[^\n]*$"):
            lasso(A, y, penalty=penalty, steps=500)
    with pytest.raises(InputError, match="too small for float64"):
        lasso(A, y, penalty=1e-300)


def test_an_exact_fit_under_a_vanishing_penalty_is_no_proof() -> None:
    # The least-squares solution (0.2, 0.4) fits exactly, which says nothing about its 1-norm: (0, 0.5) is better.
    A, y = np.array([[1.0, 2.0]]), np.array([1.0])
    for penalty in (1e-3, 1e-6, 1e-12, 1e-200):
        try:
            np.testing.assert_allclose(lasso(A, y, penalty=penalty, steps=5000), [0.0, 0.5], atol=1e-3)
        except NotConvergedError:
            assert penalty < 1e-3


def test_nothing_to_explain_or_nothing_worth_its_price_is_zero() -> None:
    rng = np.random.default_rng(4)
    A, y = rng.standard_normal((5, 8)), rng.standard_normal(5)
    for penalty in (1e-300, 1e-12, 1.0, 1e300):
        assert not lasso(A, 0.0 * y, penalty=penalty).any()
        assert not lasso(0.0 * A, y, penalty=max(penalty, 1e-200)).any()
    assert not lasso(A, y, penalty=1e300).any()
    assert not lasso(np.zeros((0, 8)), np.zeros((3, 0)), penalty=1.0).any()
    largest = float(np.abs(A.T @ y).max())
    assert not lasso(A, y, penalty=largest * (1 + 1e-12)).any()
    assert lasso(A, y, penalty=largest * (1 - 1e-3)).any()


def test_signals_of_a_batch_do_not_know_of_each_other() -> None:
    rng = np.random.default_rng(5)
    A, y = rng.standard_normal((6, 12)), rng.standard_normal((3, 6)) * np.array([[1.0], [1e-9], [30.0]])
    together = lasso(A, y, penalty=0.01, tolerance=1e-11)
    for x, measured in zip(together, y, strict=True):
        np.testing.assert_allclose(x, lasso(A, measured, penalty=0.01, tolerance=1e-11), rtol=1e-12, atol=1e-300)


def test_a_solution_that_no_float_can_hold_is_an_error() -> None:
    with pytest.raises(InputError, match="too large for float64"):
        lasso([[1e-200]], [1e200], penalty=1e-200)
