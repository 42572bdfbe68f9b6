"""The file proofs/range_finder.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import pytest
import sympy as sp

import linflow as lf
from linflow.checks import Field
from proofs import range_finder
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational

LONGER = tuple(str(sp.Rational(6, i)) for i in range(1, 10))


def test_it_holds() -> None:
    entries = entries_of("range_finder")
    assert [entry.statement.name for entry in entries] == ["T2", "T2-best-rank", "T2-sharp"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return (m - 1) * tail / (m - 1 - k)", "    return m * tail / (m - k)"),
        ("    return (m - 1) * tail / (m - 1 - k)", "    return (m - 1) * tail / (m - 2 - k)"),
        ("    return tail / following", "    return tail / following + 1"),
        ("Sigma_1 - A_1_plus * A_1 * Sigma_1", "Sigma_1 + A_1_plus * A_1 * Sigma_1"),
        ("(-A_1_plus * A_2 * Sigma_2, Sigma_2)", "(-A_1_plus * A_2, Sigma_2)"),
        ("(-A_1_plus * A_2 * Sigma_2, Sigma_2)", "(-A_1_plus * A_2 * Sigma_2,)"),
        ("M = Sigma - K * B\n", "M = Sigma - K\n"),
        ("h * I_k - h**2 * R.T", "h * I_k - h * R.T"),
        ("* (n - m) * floor", "* (n - k) * floor"),
        ("return R_inverse * (f * C * N * C.T) * R_inverse.T", "return R_inverse * (C * N * C.T) * R_inverse.T"),
        ("return R_inverse * (f * C * N * C.T) * R_inverse.T", "return R * (f * C * N * C.T) * R.T"),
        ("lost = f * N * C.T * R_inverse.T", "lost = f * N * C.T * R_inverse"),
        ("f + (h - f) * T / (h + T)", "f + h * T / (h + T)"),
        ("before = following + drop", "before = following - drop"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("range_finder", old, new)


@pytest.mark.parametrize("values", [*SPECTRA, LONGER])
def test_linflow_computes_these_bounds_and_finds_the_best_rank(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    l, n = [s**2 for s in sigma], len(sigma)
    spectrum = lf.Spectrum(floats(sigma))
    for m in range(2, n + 1):
        bounds = [range_finder.bound(sum(l[k:]), sp.Integer(m), k) for k in range(m - 1)]
        best = range_finder.best_rank(l, m)
        assert bounds[best] == min(bounds)
        assert lf.risk.best_upper(spectrum, m) == pytest.approx(float(bounds[best]), rel=ROUNDING)
        assert bounds[lf.risk.best_rank(spectrum, m)] == min(bounds)


@pytest.mark.parametrize(("n", "k", "field"), [(8, 2, "real"), (10, 3, "real"), (7, 0, "real"), (7, 2, "complex")])
def test_linflow_tends_to_the_limit_as_the_head_grows(n: int, k: int, field: Field) -> None:
    # T has a finite second moment for m - k >= 4 (real) or 2 (complex), so that E_m is within O(f/h) of its limit.
    m, head, floor = n - 1, 1e6, 0.5
    spectrum = lf.Spectrum([head] * k + [floor] * (n - k))
    limit = float(range_finder.infinite_head(m, n, sp.Integer(k), sp.Rational(1, 4), beta=1 if field == "real" else 2))
    assert lf.risk.exact(spectrum, m, field=field) == pytest.approx(limit, rel=1e3 * (floor / head) ** 2 + ROUNDING)
