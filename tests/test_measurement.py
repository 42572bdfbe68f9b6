"""Ensembles: dense references for the matrix-free ones, adjoints, entry statistics with a stated failure probability."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from linflow import measurement as ms
from linflow.errors import InputError, ShapeError

EPS = float(np.finfo(np.float64).eps)
#: Chance that a correct program fails one statistical check of this file.
ALPHA = 1e-9

quick = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)
Ensemble = Callable[[int, int, np.random.Generator], Any]

RANDOM: dict[str, Ensemble] = {
    "gaussian": ms.gaussian,
    "complex gaussian": lambda m, n, rng: ms.gaussian(m, n, rng, field="complex"),
    "rademacher": ms.rademacher,
    "sparse sign": lambda m, n, rng: ms.sparse_sign(m, n, rng, density=0.3),
    "dct": ms.subsampled_dct,
    "hadamard": ms.subsampled_hadamard,
    "rows": ms.random_rows,
}
WIDE_ONLY = {"dct", "hadamard", "rows"}


# ---------------------------------------------------------------------------------------- every ensemble: algebra


@quick
@given(st.sampled_from(sorted(RANDOM)), st.sampled_from([1, 2, 4, 8, 16]), seeds, st.data())
def test_operators_are_linear_have_adjoints_and_agree_with_their_dense_form(
    name: str, n: int, seed: int, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    m = data.draw(st.integers(0, n))
    A = RANDOM[name](m, n, rng)
    dense = ms.as_dense(A)
    assert A.shape == dense.shape == (m, n)
    x, y = rng.standard_normal((2, 3, n)), rng.standard_normal((m, 2))
    scale = 20 * n * EPS * math.sqrt(n) * (1 + np.abs(dense).max(initial=0.0)) * 10
    measured = ms.apply(A, x)
    assert measured.shape == (2, 3, m)
    np.testing.assert_allclose(measured, np.einsum("ij,abj->abi", dense, x), atol=scale)
    np.testing.assert_allclose(ms.apply(A, x[0, 0]), dense @ x[0, 0], atol=scale)
    if isinstance(A, LinearOperator):
        np.testing.assert_allclose(A.matvec(x[0, 0]), dense @ x[0, 0], atol=scale)
        np.testing.assert_allclose(A.rmatvec(y[:, 0]), dense.T @ y[:, 0], atol=scale)
        np.testing.assert_allclose(A.rmatmat(y), dense.T @ y, atol=scale)
        # <A x, y> = <x, A^T y>
        assert abs(A.matvec(x[0, 0]) @ y[:, 0] - x[0, 0] @ A.rmatvec(y[:, 0])) <= 10 * m * scale + scale


@pytest.mark.parametrize("name", sorted(RANDOM))
def test_ensembles_repeat_with_the_seed_and_differ_without(name: str) -> None:
    first, again, other = (ms.as_dense(RANDOM[name](6, 16, np.random.default_rng(seed))) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("name", sorted(RANDOM))
def test_sizes_out_of_range_are_refused(name: str) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="m must be a whole number of measurements >= 0, got -1"):
        RANDOM[name](-1, 4, rng)
    with pytest.raises(InputError, match=r"m must be a whole number .* got 1\.5"):
        RANDOM[name](1.5, 4, rng)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="n must be a whole number >= 1, got 0"):
        RANDOM[name](0, 0, rng)
    with pytest.raises(InputError, match=r"numpy\.random\.Generator.*got -5"):
        RANDOM[name](2, 4, -5)  # type: ignore[arg-type]
    if name in WIDE_ONLY:
        with pytest.raises(InputError, match="only n = 4 different rows, got m = 5"):
            RANDOM[name](5, 4, rng)
    else:
        assert ms.as_dense(RANDOM[name](5, 4, rng)).shape == (5, 4)


# ---------------------------------------------------------------------------------------- transforms: dense oracles


@quick
@given(st.integers(1, 12), seeds, st.data())
def test_dct_rows_are_cosines_behind_signs(n: int, seed: int, data: st.DataObject) -> None:
    m = data.draw(st.integers(0, n))
    operator = ms.subsampled_dct(m, n, np.random.default_rng(seed))
    j, i = np.arange(n), np.arange(n)[:, None]
    # DCT-II from its definition, rows of mean square 1 (not from scipy.fft).
    cosines = np.where(i == 0, 1.0, math.sqrt(2.0) * np.cos(math.pi * (j + 0.5) * i / n))
    assert _is_subsampled(operator, cosines)
    np.testing.assert_allclose(np.mean(ms.as_dense(operator) ** 2, axis=1), 1.0, atol=20 * n * EPS)


@quick
@given(st.integers(0, 4), seeds, st.data())
def test_hadamard_rows_are_sylvester_behind_signs(log_n: int, seed: int, data: st.DataObject) -> None:
    n = 2**log_n
    m = data.draw(st.integers(0, n))
    operator = ms.subsampled_hadamard(m, n, np.random.default_rng(seed))
    assert _is_subsampled(operator, scipy.linalg.hadamard(n).astype(float))


def _is_subsampled(operator: Any, full: NDArray[Any]) -> bool:
    """Whether the operator is distinct rows of `full` times one sign per column (the ones it reports)."""
    m, n = operator.shape
    A, rows, signs = ms.as_dense(operator), operator.rows, operator.signs
    tolerance = 50 * n * EPS
    return bool(
        rows.shape == (m,)
        and np.unique(rows).size == m
        and np.array_equal(np.abs(signs), np.ones(n))
        and np.allclose(A, full[rows] * signs, rtol=0, atol=tolerance)
        and np.allclose(A @ A.T, n * np.eye(m), rtol=0, atol=n * tolerance)
    )


def test_another_transform_or_normalisation_is_refuted() -> None:
    full = scipy.linalg.hadamard(8).astype(float)
    operator = ms.subsampled_hadamard(3, 8, np.random.default_rng(0))
    assert _is_subsampled(operator, full)
    assert not _is_subsampled(operator, full / math.sqrt(8))
    assert not _is_subsampled(operator, full[np.random.default_rng(1).permutation(8)])
    assert not _is_subsampled(ms.subsampled_dct(3, 8, np.random.default_rng(0)), full)


def test_column_signs_are_fair() -> None:
    n = 2**12
    low, high = scipy.stats.binom(n, 0.5).ppf([ALPHA / 4, 1 - ALPHA / 4])
    for make in (ms.subsampled_dct, ms.subsampled_hadamard):
        assert low <= np.sum(make(1, n, np.random.default_rng(5)).signs > 0) <= high
    assert not low <= n <= high  # twin: no signs at all


def test_hadamard_needs_a_power_of_two() -> None:
    with pytest.raises(InputError, match="power of two, got n = 12: pad the signal to 16, or use subsampled_dct"):
        ms.subsampled_hadamard(3, 12, np.random.default_rng(0))


def test_transforms_scale_to_sizes_that_have_no_dense_form() -> None:
    n = 2**17  # dense: 64 GB at m = n / 2
    rng = np.random.default_rng(0)
    x = rng.standard_normal(n)
    for A in (ms.subsampled_dct(n, n, rng), ms.subsampled_hadamard(n, n, rng)):
        # m = n is orthogonal up to sqrt(n).
        np.testing.assert_allclose(A.rmatvec(A.matvec(x)), n * x, atol=1e-9 * n)
        assert pickle.loads(pickle.dumps(A)).matvec(x)[0] == A.matvec(x)[0]


def test_random_rows_are_uniform() -> None:
    # Each of n coordinates is chosen with probability m / n; counts of one coordinate are binomial (Bonferroni over n).
    rng, m, n, draws = np.random.default_rng(1), 2, 6, 2000
    counts = sum(ms.as_dense(ms.random_rows(m, n, rng)).sum(axis=0) for _ in range(draws))
    law = scipy.stats.binom(draws, m / n)
    low, high = law.ppf(ALPHA / (2 * n)), law.isf(ALPHA / (2 * n))
    assert np.all((low <= counts) & (counts <= high))
    always_the_first = np.array([draws, draws, 0, 0, 0, 0])
    assert not np.all((low <= always_the_first) & (always_the_first <= high))


def test_random_rows_are_distinct() -> None:
    # Drawn with replacement, all 20 draws of 5 out of 6 would be distinct with probability (6!/6^5)^20 = 2e-21.
    rng = np.random.default_rng(2)
    for _ in range(20):
        A = ms.as_dense(ms.random_rows(5, 6, rng))
        np.testing.assert_array_equal(A @ A.T, np.eye(5))


# ------------------------------------------------------------------------------------------------ entry statistics


def _square_law(entries: NDArray[Any], law: str, density: float = 1.0) -> bool:
    """Exact two-sided tests at level ALPHA: mean square 1, and mean 0 (signs: given the squares, a fair coin each)."""
    size = entries.size
    if law == "gaussian":
        total = np.sum(np.abs(entries) ** 2)
        degrees, factor = (2 * size, 2.0) if np.iscomplexobj(entries) else (size, 1.0)
        low, high = scipy.stats.chi2(degrees).ppf([ALPHA / 4, 1 - ALPHA / 4])
        square_fits = low < factor * total < high
        limit = scipy.stats.norm.isf(ALPHA / 8) / math.sqrt(size)
        mean_fits = max(abs(entries.real.mean()), abs(entries.imag.mean())) < limit
        return bool(square_fits and mean_fits)
    nonzero = entries[entries != 0]
    values_fit = np.allclose(np.abs(nonzero), density**-0.5, rtol=4 * EPS)
    low, high = scipy.stats.binom(size, density).ppf([ALPHA / 4, 1 - ALPHA / 4])
    positive_low, positive_high = scipy.stats.binom(nonzero.size, 0.5).ppf([ALPHA / 4, 1 - ALPHA / 4])
    return bool(values_fit and low <= nonzero.size <= high and positive_low <= np.sum(nonzero > 0) <= positive_high)


def test_entries_have_the_stated_law() -> None:
    m, n = 300, 200
    real = ms.gaussian(m=m, n=n, rng=np.random.default_rng(0))
    complex_ = ms.gaussian(m=m, n=n, rng=np.random.default_rng(1), field="complex")
    signs = ms.rademacher(m=m, n=n, rng=np.random.default_rng(2))
    sparse = ms.as_dense(ms.sparse_sign(m=m, n=n, rng=np.random.default_rng(3), density=0.2))
    assert _square_law(real, "gaussian")
    assert _square_law(complex_, "gaussian")
    assert _square_law(signs, "signs")
    assert _square_law(sparse, "signs", density=0.2)
    assert abs(np.mean(complex_.real**2) - 0.5) < 0.05  # the halves have equal variance
    # Kolmogorov-Smirnov for the shape, at level ALPHA (Dvoretzky-Kiefer-Wolfowitz-Massart).
    limit = math.sqrt(math.log(2 / ALPHA) / (2 * real.size))
    assert scipy.stats.kstest(real.ravel(), "norm").statistic < limit
    # Twins: each wrong normalisation or law is refuted.
    assert not _square_law(1.05 * real, "gaussian")
    assert not _square_law(math.sqrt(2.0) * complex_, "gaussian")
    assert not _square_law(real + 0.05, "gaussian")
    assert not _square_law(np.abs(signs), "signs")
    assert not _square_law(sparse, "signs", density=0.25)
    assert scipy.stats.kstest(signs.ravel(), "norm").statistic > limit


def test_sparse_sign_rows_are_independent_of_each_other() -> None:
    # The number of non-zeros of a row is binomial(n, density): compare its dispersion over the rows.
    n, density = 400, 0.1
    A = ms.as_dense(ms.sparse_sign(500, n, np.random.default_rng(0), density=density)) != 0
    dispersion = np.sum((A.sum(axis=1) - n * density) ** 2) / (n * density * (1 - density))
    # Approximately chi-squared with 500 degrees; 8 standard deviations cover the approximation.
    assert abs(dispersion - 500) < 8 * math.sqrt(2 * 500)
    fixed_count = np.zeros(500)
    assert abs(np.sum(fixed_count**2) - 500) > 8 * math.sqrt(2 * 500)


@pytest.mark.parametrize("density", [0.0, -0.1, 1.5, math.nan])
def test_densities_out_of_range_are_refused(density: float) -> None:
    with pytest.raises(InputError, match=r"density must lie in \(0, 1\]"):
        ms.sparse_sign(2, 3, np.random.default_rng(0), density=density)


def test_fields_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="field must be one of 'real', 'complex', got 'quaternion'"):
        ms.gaussian(2, 3, np.random.default_rng(0), field="quaternion")  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------------ selections


@quick
@given(st.integers(1, 8), seeds, st.data())
def test_row_sampling_picks_coordinates(n: int, seed: int, data: st.DataObject) -> None:
    indices = data.draw(st.lists(st.integers(0, n - 1), max_size=10))
    x = np.random.default_rng(seed).standard_normal((3, n))
    np.testing.assert_array_equal(ms.apply(ms.row_sampling(indices, n), x), x[:, np.array(indices, dtype=int)])
    np.testing.assert_array_equal(ms.as_dense(ms.row_sampling(indices, n)), np.eye(n)[np.array(indices, dtype=int)])
    mask = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    np.testing.assert_array_equal(ms.apply(ms.row_sampling(np.array(mask), n), x), x[:, np.array(mask)])
    np.testing.assert_array_equal(ms.apply(ms.identity(n), x), x)


@pytest.mark.parametrize(
    ("indices", "error", "sentence"),
    [
        ([0, 3], InputError, r"indices must lie in 0\.\.n-1 = 0\.\.2, got 3"),
        ([-1], InputError, "got -1"),
        ([0.5], InputError, "indices must be whole numbers"),
        ([[0]], ShapeError, "one-dimensional"),
        (np.array([True, False]), ShapeError, "length n = 3, got 2"),
    ],
)
def test_row_sampling_refuses(indices: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        ms.row_sampling(indices, 3)


# --------------------------------------------------------------------------------------------------- dense and apply


def test_every_representation_of_a_matrix_is_accepted() -> None:
    A = np.random.default_rng(0).standard_normal((3, 5))
    x = np.random.default_rng(1).standard_normal((2, 5))
    operator = scipy.sparse.linalg.aslinearoperator(A)
    for form in (A, A.tolist(), operator, scipy.sparse.csr_array(A), scipy.sparse.csc_matrix(A)):
        np.testing.assert_allclose(ms.as_dense(form), A, rtol=4 * EPS)
        np.testing.assert_allclose(ms.apply(form, x), x @ A.T, rtol=1e-13)
    assert ms.apply(operator, np.zeros((0, 5))).shape == (0, 3)
    with pytest.raises(ShapeError, match=r"\(m, n\) matrix"):
        ms.as_dense(A[0])
    for form in (A, operator):
        with pytest.raises(ShapeError, match=r"x must have shape \(\.\.\., 5\)"):
            ms.apply(form, np.zeros((5, 3)))
        with pytest.raises(ShapeError, match="got"):
            ms.apply(form, 1.0)
