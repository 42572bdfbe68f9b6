"""The file proofs/equivalents.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import equivalents as proof
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational


def test_it_holds() -> None:
    entries = entries_of("equivalents")
    assert len(entries) == 1
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return df1(variances, root) + penalty / root", "return df1(variances, root) + penalty"),
        ("return root**2 * sum(y /", "return root * sum(y /"),
        ("noise * filtered / m) / (1 - filtered / m)", "noise * filtered / m) / (1 + filtered / m)"),
        ("noise * filtered / m) / (1 - filtered / m)", "noise * filtered) / (1 - filtered / m)"),
        ("return sum(x**2 / (x + root) ** 2", "return sum(x / (x + root) ** 2"),
        ("return sum(x * root / (x + root)", "return sum(x**2 / (x + root)"),
        ("return (tail + penalty) / (m - k)", "return (tail + penalty) / (m - k - 1)"),
        ("return filtered + penalty / root", "return filtered - penalty / root"),
        ("    root = l * (n - m) / m\n", "    root = l * (n - m) / n\n"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("equivalents", old, new)


@pytest.mark.parametrize("values", SPECTRA)
@pytest.mark.parametrize("gamma", [sp.Integer(0), sp.Rational(9, 16)])
def test_linflow_solves_the_equation_and_evaluates_the_prediction(values: tuple[str, ...], gamma: sp.Rational) -> None:
    sigma = rational(values)
    squares = [x**2 for x in sigma]
    spectrum, signal = lf.Spectrum(floats(sigma)), [sp.Rational(k + 1, 3) for k in range(len(sigma))]
    for m in range(1, len(sigma)):
        kappa = lf.risk.kappa(spectrum, m, penalty=float(gamma))
        np.testing.assert_allclose(float(proof.measurements(squares, gamma, kappa)), m, rtol=ROUNDING)
        for noise in (sp.Integer(0), sp.Rational(1, 4)):
            found = lf.risk.equivalent(
                spectrum, m, noise_std=float(sp.sqrt(noise)), penalty=float(gamma), signal_variances=floats(signal)
            )
            np.testing.assert_allclose(found, float(proof.risk(squares, signal, m, noise, kappa)), rtol=ROUNDING)
        matched = lf.risk.equivalent(spectrum, m, noise_std=float(sp.sqrt(gamma)), penalty=float(gamma))
        np.testing.assert_allclose(matched, float(proof.matched(squares, kappa)), rtol=ROUNDING)


@pytest.mark.parametrize("values", SPECTRA)
def test_linflow_keeps_the_bounds(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    spectrum = lf.Spectrum(floats(sigma))
    for m in range(1, len(sigma)):
        found = lf.risk.equivalent(spectrum, m)
        assert float(spectrum.tail(m)) <= found * (1 + ROUNDING)
        for k in range(m):
            bound = float(m * proof.upper(m, k, sum(x**2 for x in sigma[k:]), 0))
            assert found <= bound * (1 + ROUNDING)
