"""The file proofs/exponential.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import exponential as proof
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING


def test_it_holds() -> None:
    entries = entries_of("exponential")
    names = [entry.statement.name for entry in entries]
    assert names == ["complex-exponential", "sharp-exponential", "sharp-exponential-equivalent"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return (q**degree - q ** (n + 1)) / (1 - q**degree)", "return (q**degree - q**n) / (1 - q**degree)"),
        ("return (q ** (-power) - 1) / (q - q ** (n - power))", "return (q ** (-power) - 1) / (1 - q ** (n - power))"),
        ("return rate(base) / (base - base**size)", "return rate(base) / (1 - base**size)"),
        ("return rate(q) * (1 - q**n) * q**degree", "return rate(q) * q**degree"),
        ("count * rate(q) / (1 - q**count)", "count * rate(q)"),
        ("count * rate(q) / (1 - q**count)", "(count + 1) * rate(q) / (1 - q**count)"),
        ("return 4 * decay * sp.tanh(decay) * (count - 1)", "return 4 * decay * sp.tanh(decay) * count"),
        ("return 4 * decay * sp.tanh(decay) * (count - 1)", "return 2 * decay * sp.sinh(decay) * (count - 1)"),
        ("(1 + x * (1 + q) / 2) ** 2", "(1 + x * q) ** 2"),
        ("    return 1 / (1 + sp.exp(2 * b * (level - centre)))", "    return 1 / (1 + sp.exp(b * (level - centre)))"),
        ("return sp.exp(-2 * b * (count + sp.Rational(1, 2)))", "return sp.exp(-2 * b * count)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("exponential", old, new)


@pytest.mark.parametrize(("sigma", "n"), [("1/2", 12), ("9/10", 24), ("1/10", 6), ("99/100", 40)])
def test_linflow_computes_the_closed_form(sigma: str, n: int) -> None:
    ratio = sp.Rational(sigma)
    spectrum = lf.Spectrum([float(ratio**i) for i in range(1, n + 1)])
    for m in range(1, n):
        expected = float(sp.N(proof.expected_error(sp.Integer(m), sp.Integer(n)).subs(proof.q, ratio**2), 30))
        np.testing.assert_allclose(lf.risk.exact(spectrum, m, field="complex"), expected, rtol=ROUNDING)


@pytest.mark.parametrize("b", [0.25, 0.5, 1.0])
def test_linflow_keeps_the_bound_for_real_measurements(b: float) -> None:
    for n in (4, 9, 16):
        spectrum = lf.Spectrum(np.exp(-b * np.arange(1, n + 1)))
        m = n - 1
        bound = float(proof.real_bound(b, m)) * float(spectrum.tail(m))
        assert bound < lf.risk.exact(spectrum, m) < lf.risk.theorem_upper(spectrum, m)


@pytest.mark.parametrize("b", [0.25, 0.5, 1.0])
def test_linflow_approaches_the_limits_of_the_equivalent(b: float) -> None:
    m = 40
    # kappa is within a relative distance of e^{-2bm}/(1 - e^{-2b}), times a constant, of its limit; n adds less.
    spectrum = lf.Spectrum(np.exp(-b * np.arange(1, 160)))
    equivalent = lf.risk.equivalent(spectrum, m)
    np.testing.assert_allclose(equivalent / float(spectrum.tail(m)), 2 * m * math.sinh(b), rtol=1e-7)
    expected = math.exp(3 * b) / (1 - math.exp(-2 * b))
    np.testing.assert_allclose(m * float(spectrum.tail(m - 2)) / equivalent, expected, rtol=1e-7)
