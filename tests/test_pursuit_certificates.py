"""Nothing that ADMM or HiGHS says about sparse signals is believed: exact oracles, any units, solvers that are wrong."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow.checks import FloatArray
from linflow.errors import InputError, NotConvergedError, RankError
from linflow.pursuit import basis_pursuit, certificate_margin, recovery
from linflow.pursuit.exact import Exact, null_vectors
from linflow.pursuit.least import Instances
from linflow.pursuit.rows import Rows
from linflow.testing import seeds

quick = settings(max_examples=60, deadline=None, derandomize=True)

# --------------------------------------------------------------------------------------------------- exact sums

numbers = st.floats(-1e6, 1e6).map(lambda value: value * 10.0 ** (-abs(value) % 9))


@quick
@given(st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=6))
def test_exact_sums_are_those_of_fractions(entries: list[tuple[float, float, float]]) -> None:
    a, v, w = np.array(entries).T
    expected = sum((Fraction(x) * (Fraction(y) + Fraction(z)) for x, y, z in entries), Fraction(0))
    product = Exact.of(a[None]) @ Exact.of(v, w)
    assert product.fraction(0) == expected
    assert product.floats()[0] == float(expected)
    assert Exact.of(v, w).total() == sum((abs(Fraction(y) + Fraction(z)) for _, y, z in entries), Fraction(0))
    assert Exact.of(v, w).largest() == max(abs(Fraction(y) + Fraction(z)) for _, y, z in entries)
    signs = np.sign(a)
    assert np.array_equal(
        Exact.of(a, v).floats(less=signs),
        [float(Fraction(x) + Fraction(y) - int(s)) for (x, y, _), s in zip(entries, signs, strict=True)],
    )


@quick
@given(st.integers(1, 4), st.integers(1, 6), seeds)
def test_null_vectors_are_a_basis(m: int, n: int, seed: int) -> None:
    A = np.random.default_rng(seed).integers(-2, 3, (m, n)).astype(float)
    basis = null_vectors(Exact.of(A))
    assert len(basis) == n - np.linalg.matrix_rank(A)
    for vector in basis:
        assert all(sum(Fraction(entry) * h for entry, h in zip(row, vector, strict=True)) == 0 for row in A)
    if basis:
        assert np.linalg.matrix_rank(np.array(basis, dtype=float)) == len(basis)


# ---------------------------------------------------------------------------------------------------- least norms


@pytest.mark.parametrize("seed", range(3))
def test_a_solution_on_few_columns_is_proved_iff_none_is_shorter(seed: int) -> None:
    """Solutions with m entries are all vertices, and one of them is shortest; hints of any size change nothing."""
    rng = np.random.default_rng(seed)
    A, y = rng.standard_normal((3, 7)), rng.standard_normal(3)
    rows = Rows.of(A[None])
    measured = rows.measured(y[None, :, None])
    instances = Instances(rows, 0, measured.y[0], measured.c[0])
    vertices = [instances.vertex(0, np.isin(np.arange(7), places)) for places in itertools.combinations(range(7), 3)]
    norms = [np.abs(x).sum() for x in vertices if x is not None]
    assert len(norms) == 35
    for x in vertices:
        assert x is not None
        hints = [np.zeros(3), rng.standard_normal(3), 1e3 * measured.c[0, :, 0]]
        proved = {instances.proved(0, x, hint, promising=np.inf) for hint in hints}
        assert proved == {bool(np.abs(x).sum() <= (1 + 1e-9) * min(norms))}


# ---------------------------------------------------------------------------------------------------- decisions


def unique(A: FloatArray, signs: FloatArray) -> bool:
    """Whether x_0 is the only solution, from the null vectors of least support alone, in rational arithmetic.

    Every null vector is a sum of such circuits that agree in sign with it, and the slope of the norm is additive along
    those: the norm grows along all null vectors iff it grows along all circuits.
    """
    m, n = A.shape
    for size in range(1, m + 2):
        for places in itertools.combinations(range(n), size):
            vectors = null_vectors(Exact.of(A[:, places]))
            if len(vectors) != 1:
                continue
            pairs = [(int(signs[place]), h) for place, h in zip(places, vectors[0], strict=True)]
            off = sum((abs(h) for s, h in pairs if not s), Fraction(0))
            if off <= abs(sum((s * h for s, h in pairs), Fraction(0))):
                return False
    return True


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(1, 3), st.integers(0, 3), seeds)
def test_decisions_about_whole_numbers_are_those_of_all_circuits(m: int, more: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A = rng.integers(-2, 3, (m, m + more)).astype(float)
    signs = rng.integers(-1, 2, m + more).astype(float)
    if np.linalg.matrix_rank(A) < m:
        with pytest.raises(RankError):
            recovery(A, signs)
        return
    expected = unique(A, signs)
    for rounds in (0, 10):  # ties, of which there are many here, are decided too
        assert recovery(A, signs, rounds=rounds).found == expected
    assert (certificate_margin(A, signs) > 0) == expected
    units = 2.0 ** rng.integers(-40, 40, m)
    assert recovery(units[:, None] * A, signs * 10.0 ** rng.uniform(-200, 200, m + more)).found == expected


def test_the_norm_is_least_where_the_signal_is_found() -> None:
    """The two functions agree, from matrices of every kind; ties and all."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(60):
        m, n = int(rng.integers(1, 6)), 8
        A = rng.choice([-1.0, 0.0, 1.0, 3.0], (m, n))
        if np.linalg.matrix_rank(A) < m:
            continue
        x = np.zeros(n)
        x[rng.permutation(n)[: rng.integers(1, 3)]] = 1.0
        least = basis_pursuit(A, A @ x)
        assert np.abs(least).sum() <= (1 + 1e-7) * np.abs(x).sum()
        if recovery(A, x).found:
            found += 1
            np.testing.assert_allclose(least, x, atol=1e-9)
        elif np.abs(least - x).max() < 1e-6:  # then another signal has the same norm or less
            assert certificate_margin(A, x) <= 0
    assert 5 < found < 50


@pytest.mark.parametrize("decades", [0, 4, 8, 12])
def test_columns_of_different_size_are_decided_or_refused(decades: int) -> None:
    """A column in units of its own is another problem; its own certificate must hold there."""
    rng = np.random.default_rng(decades)
    A = rng.standard_normal((8, 16)) * 10.0 ** rng.uniform(-decades, decades, 16)
    y = rng.standard_normal(8)
    x = answer(A, y)
    assert x is not None or decades >= 8
    if x is not None:
        assert np.all(np.abs(A @ x - y) <= 1e-11 * (np.abs(A) @ np.abs(x) + np.abs(y)))
        assert recovery(A, x).found == (certificate_margin(A, x) > 0)
    one = np.eye(16)[int(np.argmax(np.abs(A).max(axis=0)))]
    assert recovery(A, one).found or decades == 0
    assert not recovery(A, np.eye(16)[int(np.argmin(np.abs(A).max(axis=0)))]).found or decades == 0


def test_what_nothing_proves_is_an_error() -> None:
    # Columns that differ by one unit in the last place: on (1, -1) the norm is kept to rounding along a null vector that
    # there is only to rounding.
    A = np.random.default_rng(1).standard_normal((3, 6))
    A[:, 1] = np.nextafter(A[:, 0], np.inf)
    with pytest.raises(
        NotConvergedError, match=r"support of signal 1 of matrix 0 of the batch are dependent to rounding[^\n]*"
    ):
        recovery(A, [[0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]])
    with pytest.raises(NotConvergedError, match="support of x_0 are dependent to rounding"):
        certificate_margin(A, [1, 1, 0, 0, 0, 0])
    A[:, 1] = A[:, 0]  # exactly: no answer but one
    assert not recovery(A, [1, 1, 0, 0, 0, 0]).found
    assert certificate_margin(A, [1, 1, 0, 0, 0, 0]) == -np.inf
    # w = (1, t) with t one unit in the last place from the threshold.
    for t, found in ((1.0 - 1e-10, True), (1.0, False), (1.0 + 1e-10, False)):
        assert recovery([[1.0, t]], [1.0, 0.0]).found == found
    with pytest.raises(NotConvergedError, match=r"^signal 0 of matrix 0 of the batch lies at the threshold[^\n]*$"):
        recovery([[1.0, np.nextafter(1.0, 0.0)]], [1.0, 0.0])


# --------------------------------------------------------------------------------------------------------- units


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seeds)
def test_every_power_of_two_of_a_measurement_gives_the_same_bits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, x = rng.standard_normal((6, 12)), np.zeros((3, 12))
    for row in x:
        row[rng.permutation(12)[: rng.integers(1, 7)]] = rng.normal()
    y = x @ A.T
    powers, unit = rng.integers(-200, 200, 6), int(rng.integers(-300, 300))
    expected = basis_pursuit(A, y)
    np.testing.assert_array_equal(basis_pursuit(np.ldexp(A, powers[:, None]), np.ldexp(y, powers)), expected)
    np.testing.assert_array_equal(basis_pursuit(A, np.ldexp(y, unit)), np.ldexp(expected, unit))
    np.testing.assert_array_equal(recovery(np.ldexp(A, powers[:, None]), x).found, recovery(A, x).found)
    assert certificate_margin(np.ldexp(A, powers[:, None]), x[0]) == certificate_margin(A, x[0])


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-12, 1e10, 1e200, 1e300])
def test_small_and_large_measurements(size: float) -> None:
    rng = np.random.default_rng(2)
    A, y = rng.standard_normal((5, 11)), rng.standard_normal((2, 5))
    expected = basis_pursuit(A, y)
    for rounds in (1, 25):
        np.testing.assert_allclose(basis_pursuit(A, size * y, rounds=rounds) / size, expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_array_equal(basis_pursuit(size * A, 0.0 * y), np.zeros((2, 11)))


def test_small_measurements_are_explained_like_large_ones() -> None:
    """One instance of a batch, and one measurement of an instance, in no-one's shadow."""
    rng = np.random.default_rng(3)
    A = np.kron(np.eye(2), rng.standard_normal((3, 6)))
    y = rng.standard_normal((4, 6))
    small = y * np.repeat([1.0, 1e-7], 3)
    x, x_small = basis_pursuit(A, y), basis_pursuit(A, small)
    np.testing.assert_allclose(x_small[:, 6:], 1e-7 * x[:, 6:], rtol=1e-5, atol=1e-18)
    np.testing.assert_allclose(basis_pursuit(A, [y[0], 1e-250 * y[1]])[0], basis_pursuit(A, y[0]), rtol=1e-12)
    missed = x_small @ A.T - small
    assert np.all(np.abs(missed) <= 1e-11 * (np.abs(x_small) @ np.abs(A).T + np.abs(small)))


@pytest.mark.parametrize("small", [1e-5, 1e-7, 1e-9])
def test_small_entries_are_found_beside_large_ones(small: float) -> None:
    rng = np.random.default_rng(8)
    found = 0
    while found < 6:
        A, x = rng.standard_normal((10, 20)), np.zeros(20)
        x[rng.permutation(20)[:2]] = 1.0, small
        if not recovery(A, x).found:
            continue
        found += 1
        np.testing.assert_allclose(basis_pursuit(A, A @ x), x, rtol=1e-13 / small, atol=1e-14)


def test_a_solution_that_no_float_can_hold_is_an_error() -> None:
    with pytest.raises(InputError, match="too large for float64"):
        basis_pursuit([[1e-200, 0.0]], [1e200])
    assert basis_pursuit([[1e200, 0.0]], [1e-100])[0] == pytest.approx(1e-300)


# ------------------------------------------------------------------------------------------- solvers that are wrong


def answer(A: FloatArray, y: FloatArray) -> FloatArray | None:
    """Basis pursuit, mostly by HiGHS, or None if it says in one sentence that nothing proves an answer."""
    try:
        return basis_pursuit(A, y, rounds=1)
    except NotConvergedError as error:
        said = str(error)
    assert re.fullmatch(r"no dual point proves [^\n]*", said)
    return None


def wrong(factor: float, *, shift: float = 0.0) -> Any:
    """HiGHS as before, but with its answers changed, and sure of itself."""
    right = scipy.optimize.linprog

    def linprog(*arguments: Any, **options: Any) -> Any:
        result = right(*arguments, **options)
        result.x = result.x + shift * np.arange(len(result.x))
        for name in ("eqlin", "ineqlin"):
            result[name].marginals = factor * result[name].marginals * np.linspace(1.0, factor, len(result[name].marginals))
        return result

    return linprog


def test_a_solver_that_is_wrong_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    A, y, x_0 = rng.standard_normal((5, 40)), rng.standard_normal((8, 5)), np.eye(40)[0]
    expected = basis_pursuit(A, y, rounds=1)
    margin = certificate_margin(A, x_0)
    monkeypatch.setattr(scipy.optimize, "linprog", wrong(0.5))
    for measured, x in zip(y, expected, strict=True):  # what ADMM leaves to HiGHS must be right or refused
        found = answer(A, measured)
        assert found is None or np.abs(found - x).max() < 1e-6
    monkeypatch.undo()
    monkeypatch.setattr(scipy.optimize, "linprog", wrong(1.0, shift=0.05))
    found_or_not = [answer(A, measured) for measured in y]
    assert any(found is None for found in found_or_not)
    for found, measured in zip(found_or_not, y, strict=True):
        assert found is None or np.abs(found @ A.T - measured).max() < 1e-9
    with pytest.raises(NotConvergedError, match="only known to lie between"):
        certificate_margin(A, x_0)
    monkeypatch.undo()
    assert certificate_margin(A, x_0) == margin


def test_a_solver_that_gives_up_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    right = scipy.optimize.linprog

    def linprog(*arguments: Any, **options: Any) -> Any:
        result = right(*arguments, **options)
        result.status, result.message = 4, "numerical difficulties"
        return result

    monkeypatch.setattr(scipy.optimize, "linprog", linprog)
    rng = np.random.default_rng(5)
    A = rng.standard_normal((5, 40))
    with pytest.raises(NotConvergedError, match="no dual point proves"):
        basis_pursuit(A, rng.standard_normal((20, 5)), rounds=1)
    with pytest.raises(NotConvergedError, match="numerical difficulties"):
        certificate_margin(A, np.eye(40)[0])


@pytest.mark.parametrize(("apart", "refused"), [(1e-2, False), (1e-6, True), (1e-9, True)])
def test_nearly_dependent_rows_are_solved_or_refused(apart: float, refused: bool) -> None:
    rng = np.random.default_rng(7)
    spread, common, x = rng.standard_normal((6, 20)), rng.standard_normal(20), np.zeros(20)
    x[[2, 11]] = 1.0, -2.0
    A = common + apart * spread
    found = answer(A, A @ x)
    # Whether y is what x gives is only known to rounding, and that is amplified.
    assert refused if found is None else np.abs(found - x).max() < 1e-12 / apart
    with pytest.raises(RankError, match="linear combination of the rows before it"):
        basis_pursuit(common + 1e-14 * spread, common @ x * np.ones(6))
