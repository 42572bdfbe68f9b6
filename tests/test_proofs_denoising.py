"""The file proofs/denoising.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import denoising
from proofs.matrices import holds_at
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, at_spectrum, floats, rational

NOISE = (sp.Rational(1, 4), sp.Rational(3, 2))
PENALTIES = (0, sp.Rational(1, 3), sp.Rational(9, 4))


def test_it_holds() -> None:
    entries = entries_of("denoising")
    assert [entry.statement.name for entry in entries] == ["T11", "T11-penalty"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(penalty**2 * variance + variance**2", "(penalty * variance + variance**2"),
        ("(penalty**2 * variance + variance**2", "(penalty**2 + variance**2"),
        ("* s**2) / (variance + penalty) ** 2", "* s**2) / (variance + penalty)"),
        ("    return U_1 * factors * U_1.T", "    return U_1.T * factors * U_1"),
        ("    return H * Sigma_1 * U_1.T * y", "    return H * U_1.T * y"),
        ("square((D - I_k) * Sigma_1) + square(Sigma_2)", "square((D - I_k) * Sigma_1)"),
        ("    return variance / (variance + penalty)", "    return penalty / (variance + penalty)"),
        ("+ sp.Sum(value(i), (i, rank + 1, n))", "+ sp.Sum(value(i), (i, rank + 2, n))"),
        ("    return variance * s**2 / (variance + s**2)", "    return variance * s / (variance + s)"),
        ("    return variance**2 * (penalty - s**2) ** 2", "    return variance * (penalty - s**2) ** 2"),
        ("sp.Sum(sp.Min(value(i), s**2), (i, 1, n))", "sp.Sum(sp.Min(value(i), s), (i, 1, n))"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("denoising", old, new)


@pytest.mark.parametrize("values", SPECTRA)
@pytest.mark.parametrize("s", NOISE)
def test_linflow_computes_this_risk(values: tuple[str, ...], s: sp.Rational) -> None:
    sigma = rational(values)
    variances, spectrum = [value**2 for value in sigma], lf.Spectrum(floats(sigma))
    for rank in range(len(sigma) + 1):
        for penalty in PENALTIES:
            risk = denoising.risk(sp.Integer(rank), penalty).subs(denoising.n, len(sigma))
            expected = at_spectrum(risk, variances).subs(denoising.s, s)
            found = lf.risk.denoising(spectrum, noise_std=float(s), rank=rank, penalty=float(penalty))
            assert found == pytest.approx(float(expected), rel=ROUNDING)
    best = sum(denoising.best_mode(value) for value in variances).subs(denoising.s, s)
    assert lf.risk.denoising(spectrum, noise_std=float(s), penalty=float(s**2)) == pytest.approx(float(best), rel=ROUNDING)


@pytest.mark.parametrize("s", NOISE)
def test_linflow_filters_each_direction_as_stated(s: sp.Rational) -> None:
    sigma = rational(SPECTRA[1])
    flow, y = lf.LinearFlow.from_spectrum(floats(sigma)), np.array([1.0, -2.0, 3.0, 4.0])
    found = lf.penalised(flow, np.eye(4), y, penalty=float(s**2))
    expected = [float(denoising.kept(value**2, s**2)) for value in sigma]
    np.testing.assert_allclose(found / y, expected, rtol=ROUNDING)


def test_the_relations_say_what_the_letters_mean() -> None:
    U = sp.Matrix([[1, 2, 2], [2, 1, -2], [2, -2, 1]]) / 3
    V, Sigma, gamma = U[:, [2, 0, 1]], sp.diag(3, 1), sp.Rational(1, 2)
    letters = {denoising.U_1: U[:, :2], denoising.U_2: U[:, 2:], denoising.V_1: V[:, :2], denoising.V_2: V[:, 2:]}
    letters |= {denoising.Sigma_1: Sigma, denoising.Sigma_2: sp.Matrix([[1]]) / 2, denoising.D: sp.diag(3, 4)}
    letters[denoising.H] = (Sigma**2 + gamma * sp.eye(2)).inv()
    given = [*denoising.ORTHOGONAL, *denoising.REGULARISED]
    holds_at([(word, sp.sympify(meaning).subs(denoising.gamma, gamma)) for word, meaning in given], letters)
