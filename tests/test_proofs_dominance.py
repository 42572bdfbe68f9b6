"""The file proofs/dominance.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import dominance, mle, truncated
from proofs.matrices import holds_at, value
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, measurements, rational

CASES = [(values, m, k) for values in SPECTRA for m in (2, 3) for k in range(1, m + 1) if m < len(values)]


def test_it_holds() -> None:
    entries = entries_of("dominance")
    assert entries
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return L * A_1.T", "    return A_1.T"),
        ("    return square(Sigma_2) + square(least", "    return square(Sigma_1) + square(least"),
        ("    return square(Sigma_2) + square(least", "    return square(least"),
        ("square(least_squares() * A_2 * Sigma_2)", "square(least_squares() * A_2)"),
        ("    return gamma * square(least_squares())", "    return gamma * sp.Trace(L * L)"),
        ("    return First * least_squares()", "    return First * Sigma_1 * least_squares()"),
        ("- G * shortest(I_m)) * B", "- shortest(I_m)) * B"),
        ("    best = G * B.T * K", "    best = G * B.T * K / 2"),
        ("(B * B.T + gamma * I_m) * (C - best).T", "(B * B.T) * (C - best).T"),
        ("+ gamma * square(C), least", "+ square(C), least"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("dominance", old, new)


def letters(values: tuple[str, ...], m: int, k: int) -> dict[Any, sp.Matrix]:
    sigma = rational(values)
    n = len(sigma)
    A, one = measurements(m, n), sp.eye(n)
    return {
        dominance.First: one[:, :k],
        dominance.Rest: one[:, k:],
        truncated.A_1: A[:, :k],
        truncated.A_2: A[:, k:],
        dominance.Sigma_1: sp.diag(*sigma[:k]),
        dominance.Sigma_2: sp.diag(*sigma[k:]),
        truncated.W_inverse: (A[:, :k].T * A[:, :k]).inv(),
        mle.A: A,
        mle.G: sp.diag(*sigma),
    }


@pytest.mark.parametrize(("values", "m", "k"), CASES)
def test_linflow_computes_this_estimator_and_stays_below_it(values: tuple[str, ...], m: int, k: int) -> None:
    here = letters(values, m, k)
    A, G = floats(here[mle.A]), floats(here[mle.G])
    flow = lf.LinearFlow.from_matrix(G)
    # The estimator applied to the measurements of each column of G, one a row: its error is the risk over z.
    found = lf.truncated_least_squares(flow, A, (A @ G).T, rank=k).T
    estimator = floats(value(dominance.truncated_estimator(), here))
    np.testing.assert_allclose(found, estimator @ A @ G, rtol=0, atol=100 * ROUNDING)
    risk = float(value(dominance.truncated_error(), here))
    assert np.sum((found - G) ** 2) == pytest.approx(risk, rel=100 * ROUNDING)
    assert lf.risk.error_curve(np.diag(G), A)[m] <= risk * (1 + ROUNDING)


@pytest.mark.parametrize(("values", "m", "k"), CASES)
def test_the_relations_say_what_the_letters_mean(values: tuple[str, ...], m: int, k: int) -> None:
    holds_at(dominance.SPLIT, letters(values, m, k))
