"""Large draws panel by panel: accuracy, the remainder of tall factors, memory, threads, and LAPACK on parts of arrays."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from linflow import risk
from linflow.errors import RankError
from linflow.risk import blocked, curves, lapack
from linflow.risk.blocked import Factored
from linflow.risk.extended import extended_curves
from linflow.testing import seeds

SPECTRA: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "10^-i": lambda n: 10.0 ** -np.arange(1.0, n + 1),
    "a cliff": lambda n: np.where(np.arange(n) < n // 2, 1.0, 1e-12),
    "size 1e+140": lambda n: 1e140 * 10.0 ** (-np.arange(n) / 2),
    "1/i": lambda n: 1.0 / np.arange(1.0, n + 1),
    "flat": lambda n: np.ones(n),
}


def drawn(m: int, n: int, is_complex: bool, seed: int = 12) -> NDArray[np.float64] | NDArray[np.complex128]:
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, n))
    return A + 1j * rng.standard_normal((m, n)) if is_complex else A


def worst(sigma: NDArray[np.float64], A: NDArray[np.float64] | NDArray[np.complex128], width: int) -> float:
    """Largest relative difference of the curve by panels of this width to the one in extended precision."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocked, "_PANEL", width)
        patch.setattr(blocked, "_COLUMNS", width + 3)
        curve = Factored.of(A * sigma).curve(sigma)
    m, n = A.shape
    expected = extended_curves(sigma, A[None])[0]
    assert (curve[n:] == 0.0).all()
    return float(np.abs(curve[: min(m + 1, n)] / expected[: min(m + 1, n)] - 1.0).max())


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("is_complex", [False, True])
def test_relative_accuracy_against_extended_precision(name: str, is_complex: bool) -> None:
    n = 16
    sigma = SPECTRA[name](n) / SPECTRA[name](n)[n // 2]
    for m in (1, 5, 8, 15, 16):
        for width in (1, 3, 16):
            assert worst(sigma, drawn(m, n, is_complex), width) < 1e-12


@given(st.integers(1, 40), st.integers(1, 12), seeds, st.booleans(), st.data())
@settings(max_examples=30, deadline=None)
def test_panels_of_any_width_give_the_curve(n: int, width: int, seed: int, is_complex: bool, data: st.DataObject) -> None:
    m = data.draw(st.integers(1, n))
    assert worst(1.0 / np.arange(1.0, n + 1), drawn(m, n, is_complex, seed), width) < 1e-11


def test_the_remainder_by_subtraction_fails_the_same_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: where no coordinate is read off the reflectors, the digits of the remainder are lost."""
    monkeypatch.setattr(blocked, "_HARMLESS", 1e300)
    assert worst(SPECTRA["10^-i"](16), drawn(8, 16, False), 3) > 1e-6


def test_the_order_of_rows_decides_the_accuracy() -> None:
    """Another twin: under singular values in ascending order the same reflections lose the small rows."""
    sigma = SPECTRA["10^-i"](16)
    ascending = Factored.of(drawn(16, 16, False)[:, ::-1] * sigma[::-1]).curve(sigma[::-1])
    expected = extended_curves(sigma, drawn(16, 16, False)[None])[0]
    assert np.abs(ascending[:16] / expected[:16] - 1.0).max() > 1e-6


@pytest.mark.parametrize(("m", "n"), [(200, 200), (60, 200)])
@pytest.mark.parametrize("is_complex", [False, True])
def test_all_roads_meet(m: int, n: int, is_complex: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    sigma, A = 1.0 / np.arange(1.0, n + 1), drawn(m, n, is_complex)
    panels = risk.error_curve(sigma, A)
    monkeypatch.setattr(curves, "_SHORT", n)  # lanes, or the drivers of LAPACK
    np.testing.assert_allclose(panels[: n - 1], risk.error_curve(sigma, A)[: n - 1], rtol=1e-12)


def test_bits_do_not_know_how_many_threads_there_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "_COLUMNS", 70)
    sigma, A = 1.0 / np.arange(1.0, 201), drawn(150, 200, False)
    alone = Factored.of(A * sigma).curve(sigma)
    with ThreadPoolExecutor(3) as pool:
        for spread in (pool.map, lambda work, parts: [work(part) for part in parts[::-1]]):
            assert Factored.of(A * sigma, spread).curve(sigma).tobytes() == alone.tobytes()
    monkeypatch.setattr(curves, "_LARGE", 1)
    for threads in (1, 2):
        found, _ = curves.curves_of(sigma, A[None], threads=threads)
        np.testing.assert_allclose(found[0], alone, rtol=1e-13)


def test_dependent_rows_are_found_in_any_panel() -> None:
    n = 150
    sigma, A = 1.0 / np.arange(1.0, n + 1), drawn(n, n, False)
    for row in (1, 63, 64, 100, 149):
        B = A.copy()
        B[row] = B[0] - 3.0 * B[row // 2] if row > 1 else 2.0 * B[0]
        with pytest.raises(RankError, match=f"row {row} of A depends linearly"):
            risk.error_curve(sigma, B)


def test_one_array_of_the_size_of_a_is_needed_besides_it() -> None:
    sigma, A = 1.0 / np.arange(1.0, 2001), drawn(500, 2000, False)
    for B in (A, np.asfortranarray(A)):
        risk.error_curve(sigma, B[:2])
        tracemalloc.start()
        try:
            risk.error_curve(sigma, B)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        # Panels, products with them and what is handled at a time: 0.35 of A here, 0.12 for a factor of 12288 x 2500.
        assert peak < (1.4 if B is A else 2.4) * A.nbytes


@pytest.mark.parametrize("is_complex", [False, True])
def test_lapack_on_parts_of_arrays(is_complex: bool) -> None:
    rng = np.random.default_rng(0)
    whole = drawn(9, 12, is_complex)
    panel, before = whole[2:6, 3:], whole.copy()
    T, work = np.zeros((4, 4), dtype=whole.dtype), np.empty(16, dtype=whole.dtype)
    lapack.factor_panel(panel, T, work)
    outside = np.ones(whole.shape, dtype=bool)
    outside[2:6, 3:] = False
    assert np.array_equal(whole[outside], before[outside])
    V, R = np.triu(panel, 1) + np.eye(4, 9), np.tril(panel[:, :4])
    Q = np.eye(9) - V.T @ T.T @ V.conj()
    np.testing.assert_allclose(Q @ Q.conj().T, np.eye(9), atol=1e-13)
    np.testing.assert_allclose(Q[:, :4] @ R.T, before[2:6, 3:].T, atol=1e-13)
    out = rng.standard_normal((5, 7)).astype(whole.dtype)
    A, B = drawn(9, 9, is_complex, 1)[1:4, 1:8], drawn(6, 5, is_complex, 2)[:5, 1:4]
    expected = -B @ A + out
    lapack.product(A, B, out, add=1.0, sign=-1.0)
    np.testing.assert_allclose(out, expected, atol=1e-13)
    adjoint = np.full((5, 7), np.nan, dtype=whole.dtype)  # overwritten, whatever was there
    lapack.product(np.ascontiguousarray(A.conj().T), np.ascontiguousarray(B.conj().T), adjoint, form="CC")
    np.testing.assert_allclose(adjoint, B @ A, atol=1e-13)
