"""The file proofs/lower_bound.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import lower_bound
from proofs.matrices import holds_at, value
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, at_spectrum, floats, rational


def test_it_holds() -> None:
    entries = entries_of("lower_bound")
    assert [entry.statement.name for entry in entries] == ["T1-lower", "T8"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(M, multiplier * I + R * R.T - T * T.T)", "(M, multiplier * I - R * R.T - T * T.T)"),
        ("p * multiplier + sp.Trace(S)", "n * multiplier + sp.Trace(S)"),
        ("[(I - Q) * R, Q * T]", "[R * (I - Q), Q * T]"),
        ("rank * l(rank) +", "rank * l(rank + 1) +"),
        ("sp.Max(value - least, 0)", "value - least"),
        ("sp.Sum(l(i), (i, first, last))", "sp.Sum(l(i), (i, first, last - 1))"),
        ("return sum_of(count + 1, n)", "return sum_of(count, n)"),
        ("return sum_of(1, n - count)", "return sum_of(1, count)"),
        ("(sp.Trace(Q), n - m)", "(sp.Trace(Q), m)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("lower_bound", old, new)


def error_of_rows(l: list[sp.Expr], rows: list[int]) -> sp.Expr:
    """X_A for A made of these rows of I, by the formula of the proof."""
    others = [j for j in range(len(l)) if j not in rows]
    one, roots = sp.eye(len(l)), [sp.sqrt(value) for value in l]
    Sigma_U = sp.diag(*(roots[j] for j in rows))
    letters = {
        lower_bound.U: one[:, rows],
        lower_bound.W: one[:, others],
        lower_bound.seen: Sigma_U,
        lower_bound.inverse: Sigma_U.inv(),
        lower_bound.unseen: sp.diag(*(roots[j] for j in others)),
    }
    holds_at(lower_bound.COORDINATES, letters)
    return value(lower_bound.error_of_coordinates(), letters)


@pytest.mark.parametrize("values", SPECTRA)
def test_linflow_computes_these_bounds_and_the_rows_attain_them(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    l, n = [s**2 for s in sigma], len(sigma)
    spectrum = lf.Spectrum(floats(sigma))
    for m in range(1, n):
        lower, upper = lf.risk.error_range(spectrum, m)
        assert lower == pytest.approx(float(at_spectrum(lower_bound.lower(m).subs(lower_bound.n, n), l)), rel=ROUNDING)
        assert lf.risk.theorem_lower(spectrum, m) == lower
        assert upper == pytest.approx(float(at_spectrum(lower_bound.upper(m).subs(lower_bound.n, n), l)), rel=ROUNDING)
        for rows, bound in ((range(m), lower), (range(n - m, n), upper)):
            found = lf.risk.error_curve(spectrum, np.eye(n)[list(rows)])[m]
            assert found == pytest.approx(float(error_of_rows(l, list(rows))), rel=ROUNDING)
            assert found == pytest.approx(bound, rel=ROUNDING)
