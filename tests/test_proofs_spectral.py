"""The file proofs/spectral.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import pytest
import sympy as sp

import linflow as lf
from proofs import spectral
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational


def test_it_holds() -> None:
    entries = entries_of("spectral")
    assert [entry.statement.name for entry in entries] == ["Chevet", "T5"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return S * T_F + S_F * T", "    return S * T + S_F * T_F"),
        ("    return S * T_F + S_F * T", "    return S * T_F"),
        ("sp.sqrt(k / (p - 1))", "sp.sqrt(k / p)"),
        ("sp.sqrt(k + p) / p * root_tail", "sp.sqrt(k + p) / (p + 1) * root_tail"),
        ("+ c**2 * d**2 - 2 * ac * bd", "+ c**2 * d**2 - ac * bd"),
        ("- 2 * a * c * bd + beta**2", "- 2 * ac * bd + beta**2"),
        ("2 * sp.Trace(a.T * c * d.T * b)", "2 * sp.Trace(a.T * c) * sp.Trace(a.T * c)"),
        ("square(T.T * h), square(T)", "square(T.T * h), 2 * square(T)"),
        ("square(W_inverse * A_1.T), sp.Trace(W_inverse)", "square(W_inverse * A_1.T), sp.Trace(W_inverse * W_inverse)"),
        ("sigma + rest_norm(k, p), reason", "rest_norm(k, p), reason"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("spectral", old, new)


@pytest.mark.parametrize("values", SPECTRA)
def test_linflow_computes_this_bound(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    spectrum, n = lf.Spectrum(floats(sigma)), len(sigma)
    for m in range(2, n + 1):
        exact = []
        for k in range(m - 1):
            root_tail = sp.sqrt(sum(s**2 for s in sigma[k:]))
            exact.append(float(spectral.bound(sigma[k], root_tail, sp.Integer(k), sp.Integer(m - k))))
            assert lf.risk.spectral_upper(spectrum, m, rank=k) == pytest.approx(exact[k], rel=ROUNDING)
        assert lf.risk.spectral_upper(spectrum, m) == pytest.approx(min(exact), rel=ROUNDING)
