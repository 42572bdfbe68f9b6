"""The file proofs/upper_bound.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import pytest
import sympy as sp

import linflow as lf
from proofs import upper_bound
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational


def test_it_holds() -> None:
    entries = entries_of("upper_bound")
    assert [entry.statement.name for entry in entries] == ["T1-upper"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return m * tail", "    return (m - 1) * tail"),
        ("    return m - 1\n", "    return m\n"),
        ("    return m - 1\n", "    return m - 2\n"),
        ("T2.fact().at({rank: m - 2})", "T2.fact().at({rank: m - 3})"),
        ('h, sp.oo, "-") / ((n - (m - 2)) * f)', 'h, sp.oo, "-") / ((n - m) * f)'),
        ("SHARP.fact(1)", "SHARP.fact(2)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("upper_bound", old, new)


@pytest.mark.parametrize("values", SPECTRA)
def test_linflow_computes_this_bound_and_a_better_one(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    spectrum, n = lf.Spectrum(floats(sigma)), len(sigma)
    for m in range(2, n):
        tail = sum(s**2 for s in sigma[m - 2 :])
        exact = upper_bound.theorem(tail, sp.Integer(m))
        assert lf.risk.theorem_upper(spectrum, m) == pytest.approx(float(exact), rel=ROUNDING)
        assert lf.risk.best_upper(spectrum, m) <= float(upper_bound.constant(m) * tail) * (1 + ROUNDING)


def test_linflow_meets_the_constant() -> None:
    # Rank m - 2 and a floor, m = 4 of n = 400: all but the factor (n-m)/(n-m+2) of the constant.
    m, n = 4, 400
    spectrum = lf.Spectrum.step(n=n, rank=m - 2, floor=1e-3)
    ratio = lf.risk.best_upper(spectrum, m) / spectrum.tail(m - 2)
    assert ratio == pytest.approx(upper_bound.constant(m), rel=ROUNDING)
