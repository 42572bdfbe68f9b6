"""The file proofs/smallest_singular_value.py: it holds, not with a fault in it, and linflow uses its bounds."""

from __future__ import annotations

import pytest
import sympy as sp

import linflow as lf
from proofs import smallest_singular_value
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING


def test_it_holds() -> None:
    entries = entries_of("smallest_singular_value")
    assert [entry.statement.name for entry in entries] == ["smallest-singular-value"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sp.gamma(a - sp.Rational(i, 2))", "sp.gamma(a - sp.Rational(i + 1, 2))"),
        ("sp.Rational(k * (k - 1), 4)", "sp.Rational(k * (k - 1), 2)"),
        ("2 ** (k * m / 2) *", "2 ** (k * m) *"),
        ("return (rows - columns - 1) / 2", "return (rows - columns) / 2"),
        ("2 ** ((p - 1) / 2) * sp.gamma((k + p + 1) / 2)", "2 ** ((p + 1) / 2) * sp.gamma((k + p + 1) / 2)"),
        ("2 ** ((p - 1) / 2) * sp.gamma((k + p + 1) / 2)", "2 ** ((p - 1) / 2) * sp.gamma((k + p) / 2)"),
        ("m ** ((p + 1) / 2) / (sp.gamma(p + 2)", "m ** ((p + 1) / 2) / (sp.gamma(p + 1)"),
        ("sp.E * sp.sqrt(m) / (p + 1)", "sp.E * sp.sqrt(m) / p"),
        ("return scale(m, p) * (p + 1) / p", "return scale(m, p)"),
        ("(a + s - sp.Rational(1, 2)) ** s", "(a + s - 1) ** s"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("smallest_singular_value", old, new)


@pytest.mark.parametrize(("n", "m", "k"), [(6, 4, 1), (9, 7, 3), (30, 20, 2)])
def test_linflow_uses_these_bounds(n: int, m: int, k: int) -> None:
    # With all singular values 1, T5 less its first part is E||A_1^+|| <= ... times the root of the tail; T6 likewise.
    spectrum, p = lf.Spectrum.flat(n), m - k
    of_mean = lf.risk.spectral_upper(spectrum, m, rank=k) - (1 + (k / (p - 1)) ** 0.5)
    expected = smallest_singular_value.mean_bound(sp.Integer(m), p) * sp.sqrt(n - k)
    assert of_mean == pytest.approx(float(expected), rel=ROUNDING)
    if p >= 4:
        u, t = 5.0, 1.5
        wider, bound = (lf.risk.tail_upper(spectrum, m, rank=k, t=t, u=u + extra) for extra in (1.0, 0.0))
        scale = smallest_singular_value.scale(sp.Integer(m), p)
        assert wider - bound == pytest.approx(float(t * scale), rel=ROUNDING)
