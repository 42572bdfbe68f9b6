"""Sums over pairs left out of a product: against every subset, with exact rationals, and what the rounding count says."""

from __future__ import annotations

from fractions import Fraction
from importlib import import_module
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow.checks import FloatArray
from linflow.risk.pairs import pair_sums

pairs_module = import_module("linflow.risk.pairs")


def by_subsets(p: FloatArray, q: FloatArray, W: FloatArray) -> list[Fraction]:
    """The coefficients from their definition: a pair, and a subset of the others."""
    n = p.size
    exact_p, exact_q = [Fraction(float(x)) for x in p], [Fraction(float(x)) for x in q]
    found = [Fraction(0)] * (n + 1)
    for j, k in combinations(range(n), 2):
        rest = [i for i in range(n) if i not in (j, k)]
        for size in range(len(rest) + 1):
            for chosen in combinations(rest, size):
                term = prod(exact_p[i] if i in chosen else exact_q[i] for i in rest)
                found[size + 2] += Fraction(float(W[j, k])) * term
    return found


def problem(n: int, seed: int, decades: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    u = 10.0 ** rng.uniform(-decades, decades, n)
    W = 10.0 ** rng.uniform(-decades, decades, (n, n))
    return u / (1 + u), 1 / (1 + u), W + W.T


@given(st.integers(1, 9), st.integers(0, 10**6), st.sampled_from([0.1, 3.0, 20.0]))
@settings(max_examples=40, deadline=None)
def test_each_coefficient_is_within_the_roundings_that_are_counted(n: int, seed: int, decades: float) -> None:
    p, q, W = problem(n, seed, decades)
    found = pair_sums(p[None], q[None], W[None])
    allowed = Fraction(found.roundings, 2**53 - found.roundings)
    for value, wanted in zip(found.coefficients[0], by_subsets(p, q, W), strict=True):
        assert abs(Fraction(float(value)) - wanted) <= allowed * wanted
        assert abs(float(value) - float(wanted)) <= 1e-13 * float(wanted)
    assert found.coefficients.shape == (1, n + 1)


@given(st.integers(2, 12), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_points_are_summed_each_for_itself_and_order_does_not_count(n: int, seed: int) -> None:
    problems = [problem(n, seed + i, 5.0) for i in range(3)]
    p, q, W = (np.stack(part) for part in zip(*problems, strict=True))
    together = pair_sums(p, q, W).coefficients
    order = np.random.default_rng(seed).permutation(n)
    moved = pair_sums(p[:, order], q[:, order], W[:, order][:, :, order]).coefficients
    np.testing.assert_allclose(moved, together, rtol=1e-13)
    for i in range(3):
        np.testing.assert_allclose(
            pair_sums(p[i : i + 1], q[i : i + 1], W[i : i + 1]).coefficients[0], together[i], rtol=1e-13
        )


def test_the_roundings_that_go_in_come_out() -> None:
    p, q, W = problem(6, 0, 2.0)
    counts = [
        pair_sums(p[None], q[None], W[None], roundings=a, weight_roundings=b).roundings for a, b in ((0, 0), (0, 7), (5, 0))
    ]
    assert counts[1] == counts[0] + 7  # once
    assert counts[2] >= counts[0] + 4 * 5  # once for each factor that is left


def test_nothing_is_lost_where_division_would_lose_everything() -> None:
    # p of 1 - 1e-17 and of 1e-17 beside each other: leaving a factor out by division has no digit right.
    p = np.array([1.0, 1e-17, 0.5, 1.0])
    q = np.array([1e-17, 1.0, 0.5, 1e-17])
    W = np.ones((4, 4))
    found = pair_sums(p[None], q[None], W[None]).coefficients[0]
    for value, wanted in zip(found, by_subsets(p, q, W), strict=True):
        assert float(value) == pytest.approx(float(wanted), rel=1e-14, abs=0)


def test_a_sum_that_is_wrong_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: antidiagonals off by one row change the coefficients grossly."""
    correct = pairs_module._antidiagonals

    def shifted(matrix: Any) -> Any:
        return correct(np.roll(matrix, 1, axis=-1))

    p, q, W = problem(5, 3, 1.0)
    monkeypatch.setattr(pairs_module, "_antidiagonals", shifted)
    wrong = pair_sums(p[None], q[None], W[None]).coefficients[0]
    assert not np.allclose(wrong, [float(x) for x in by_subsets(p, q, W)])
