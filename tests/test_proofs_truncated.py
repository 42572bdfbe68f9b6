"""The file proofs/truncated.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import truncated
from proofs.matrices import value
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, measurements, rational


def test_it_holds() -> None:
    entries = entries_of("truncated")
    assert [entry.statement.name for entry in entries] == ["T3-noisy", "T3"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tail + (tail + noise) * k /", "tail + tail * k /"),
        ("tail + (tail + noise) * k /", "(tail + noise) * k /"),
        ("(1 if beta == 1 else 0)", "(2 if beta == 1 else 0)"),
        ("(1 if beta == 1 else 0)", "1"),
        ("seen: Any = A_2 * x_2 + s * w", "seen: Any = A_2 * x_2 - s * w"),
        ("seen: Any = A_2 * x_2 + s * w", "seen: Any = s * w"),
        ("+ noise * sp.Identity(m))", "+ noise * A_1 * A_1.T)"),
        ("(A_2 * L_2 * A_2.T + noise", "(A_2 * L_2 * L_2 * A_2.T + noise"),
        ("second_moment(A_2, L_2, tail(k))", "second_moment(A_2, L_2, 2 * tail(k))"),
        ("A_1_plus = W_inverse * A_1.T", "A_1_plus = A_1.T"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("truncated", old, new)


@pytest.mark.parametrize("values", SPECTRA)
def test_linflow_computes_these_risks(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    spectrum, n = lf.Spectrum(floats(sigma)), len(sigma)
    for k in range(n + 1):
        tail = sum((s**2 for s in sigma[k:]), sp.S.Zero)
        for m in range(k + 2, n + 1):
            for noise_std in (sp.S.Zero, sp.Rational(3, 2)):
                exact = truncated.risk(tail, sp.Integer(m), sp.Integer(k), noise_std**2)
                found = lf.risk.truncated(spectrum, m, k, noise_std=float(noise_std))
                assert found == pytest.approx(float(exact), rel=ROUNDING)


@pytest.mark.parametrize("k", [1, 2])
def test_linflow_errs_as_much_as_the_estimator_for_one_A(k: int) -> None:
    sigma, m = rational(SPECTRA[1]), 3
    n = len(sigma)
    A = measurements(m, n)
    head, L_2 = A[:, :k], sp.diag(*(s**2 for s in sigma[k:]))
    letters = {
        truncated.A_1: head,
        truncated.A_2: A[:, k:],
        truncated.L_2: L_2,
        truncated.W_inverse: (head.T * head).inv(),
    }
    exact = value(truncated.risk_given(L_2.trace(), 0), letters)
    flow = lf.LinearFlow.from_spectrum(floats(sigma))
    signals = np.diag(floats(sigma))  # linear: the mean square over z is the sum over the columns
    errors = lf.truncated_least_squares(flow, floats(A), signals @ floats(A).T, rank=k) - signals
    assert np.sum(errors**2) == pytest.approx(float(exact), rel=ROUNDING)
