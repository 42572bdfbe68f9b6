"""The file proofs/error.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import error, mle
from proofs.matrices import holds_at, value
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import GENERATOR, ROUNDING, SPECTRA, floats, measurements, rational


def test_it_holds() -> None:
    entries = entries_of("error")
    assert entries
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return sp.Trace(G * (I_n - P) * G.T)", "    return sp.Trace(G * P * G.T)"),
        ("    return sp.Trace(G * (I_n - P) * G.T)", "    return sp.Trace(G.T * (I_n - P) * G)"),
        ("    return square(G - estimator * A * G)", "    return square(I_n - estimator * A * G)"),
        ("best = G * shortest(I_m)", "best = shortest(I_m)"),
        ("+ square((C - best) * B)", "+ square(C - best)"),
        ("deviation(), -G * (I_n - P) * z", "deviation(), -(I_n - P) * z"),
        ("prior = G * G.T", "prior = G.T * G"),
        ("sp.Trace(Sigma * Sigma - Sigma * Sigma * A_U", "sp.Trace(Sigma * Sigma - Sigma * A_U"),
        ("same_traces(substituted, c**2 * error())", "same_traces(substituted, c * error())"),
        ("same_traces(error(), s**2 * (n - m)", "same_traces(error(), s**2 * (n - m - 1)"),
        ("    return square(G * q) / d", "    return square(G * q)"),
        ("q = b - P * b", "q = b"),
        ("P + q * q.T / d", "P - q * q.T / d"),
        ("square(R * Sigma) + square(R * D)", "square(R * Sigma) + square(D)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("error", old, new)


def exact_error(G: sp.Matrix, A: sp.Matrix) -> Any:
    B = A * G
    letters = {mle.G: G, mle.B: B, mle.V: (B * B.T).inv()}
    return value(error.error(), letters)


@pytest.mark.parametrize("values", SPECTRA)
def test_linflow_computes_this_error_for_every_m(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    n, m_max = len(sigma), min(3, len(sigma))
    expected = [sum(s**2 for s in sigma)]
    expected += [exact_error(sp.diag(*sigma), measurements(m, n)) for m in range(1, m_max + 1)]
    found = lf.risk.error_curve(floats(sigma), floats(measurements(m_max, n)))
    np.testing.assert_allclose(found, floats(expected), rtol=ROUNDING, atol=ROUNDING)


def test_linflow_has_the_posterior_covariance_of_a_full_matrix() -> None:
    A = measurements(2, 4)
    flow = lf.LinearFlow.from_matrix(floats(GENERATOR))
    found = lf.posterior(flow, floats(A), np.zeros(2), noise_std=0.0).covariance.trace()
    assert found == pytest.approx(float(exact_error(GENERATOR, A)), rel=100 * ROUNDING)


def test_the_relations_of_the_rotation_say_what_the_letters_mean() -> None:
    U, W = (sp.Matrix([[3, -4], [4, 3]]) / 5, sp.Matrix([[5, 12], [-12, 5]]) / 13)
    Sigma, A = sp.diag(3, sp.Rational(1, 2)), sp.Matrix([[1, 2]])
    G = U * Sigma * W.T
    letters = {error.U: U, error.W: W, error.Sigma: Sigma, error.A_U: A * U}
    letters |= {mle.A: A, mle.G: G, mle.B: A * G, mle.V: (A * G * G.T * A.T).inv()}
    holds_at(error.ROTATED, letters)
    assert value(error.error(), letters) == value(error.rotated_error(), letters)
