"""The file proofs/inverse_wishart.py: it holds, not with a fault in it, and linflow uses these means."""

from __future__ import annotations

import math

import pytest
import sympy as sp

import linflow as lf
from proofs import inverse_wishart
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational


def test_it_holds() -> None:
    entries = entries_of("inverse_wishart")
    assert [entry.statement.name for entry in entries] == ["inverse-Wishart"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return a - P * a", "    return P * a"),
        ("P = B * S * B.T", "P = B * S * S * B.T"),
        ("    return m - k + 1", "    return m - k"),
        ("    return beta * degrees(m, k)", "    return degrees(m, k)"),
        ("k / (m - k - 1) if beta == 1", "k / (m - k) if beta == 1"),
        ("else k / (m - k)", "else k / (m - k - 1)"),
        ("((k, 1, 1), (k + 1, 1, 2), (k, 2, 2))", "((k, 1, 1), (k + 2, 1, 2), (k, 2, 2))"),
        ("below = -S * B.T * a", "below = S * B.T * a"),
        ("(1 + 2 * t) ** sp.Rational(-1, 2)", "(1 + t) ** sp.Rational(-1, 2)"),
        ("(D * other, other)", "(D * other, -other)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("inverse_wishart", old, new)


@pytest.mark.parametrize("values", SPECTRA)
def test_linflow_uses_these_means(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    spectrum, n = lf.Spectrum(floats(sigma)), len(sigma)
    for k in range(1, n):
        tail = sum(s**2 for s in sigma[k:])
        for m in range(k, n + 1):
            found = lf.risk.truncated(spectrum, m, k)
            if m < k + 2:
                assert found == math.inf
            else:
                real = tail * (1 + inverse_wishart.trace_mean(sp.Integer(m), sp.Integer(k)))
                assert found == pytest.approx(float(real), rel=ROUNDING)
            if m > k:
                of_complex = tail * (1 + inverse_wishart.trace_mean(sp.Integer(m), sp.Integer(k), beta=2))
                assert lf.risk.complex_upper(spectrum, m, rank=k) == pytest.approx(float(of_complex), rel=ROUNDING)
