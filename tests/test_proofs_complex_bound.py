"""The file proofs/complex_bound.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import pytest
import sympy as sp

import linflow as lf
from proofs import complex_bound, range_finder
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational


def test_it_holds() -> None:
    entries = entries_of("complex_bound")
    assert [entry.statement.name for entry in entries] == ["T7"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return (1 + k / (m - k)) * tail", "    return (1 + k / (m - k - 1)) * tail"),
        ("    return (1 + k / (m - k)) * tail", "    return k / (m - k) * tail"),
        ("by_normal_equations = [(A_1_plus, W_inverse * A_1.T)]", "by_normal_equations = [(A_1_plus, A_1.T)]"),
        ("tail(k) + square(W_inverse * A_1.T * A_2 * Sigma_2)", "tail(k) + square(W_inverse * A_1.T * A_2)"),
        ("[(A_1_plus * A_1, I_k)]", "[(A_1_plus * A_1, -I_k)]"),
        ("(one + sp.I * two) / sp.sqrt(2)", "(one + sp.I * two)"),
        ("a * sp.conjugate(a)", "a * a"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("complex_bound", old, new)


@pytest.mark.parametrize("values", SPECTRA)
def test_linflow_computes_this_bound_and_stays_below_it(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    l, n = [s**2 for s in sigma], len(sigma)
    spectrum = lf.Spectrum(floats(sigma))
    for m in range(1, n):
        bounds = [complex_bound.bound(sum(l[k:]), sp.Integer(m), sp.Integer(k)) for k in range(m)]
        for k, exact in enumerate(bounds):
            assert lf.risk.complex_upper(spectrum, m, rank=k) == pytest.approx(float(exact), rel=ROUNDING)
        assert bounds[range_finder.best_rank(l, m + 1)] == min(bounds)
        best = lf.risk.complex_upper(spectrum, m)
        assert best == pytest.approx(float(min(bounds)), rel=ROUNDING)
        assert lf.risk.exact(spectrum, m, field="complex") < best
