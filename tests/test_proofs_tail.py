"""The file proofs/tail.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import pytest
import sympy as sp

import linflow as lf
from linflow.risk.bounds import Form, Norm
from proofs import tail
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING

SIGMA = [sp.Rational(9, i) for i in range(1, 10)]


def test_it_holds() -> None:
    entries = entries_of("tail")
    assert [entry.statement.name for entry in entries] == ["T6"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"journal": (3, 1, 2, 1, 1)', '"journal": (3, 0, 2, 1, 1)'),
        ('"journal": (3, 1, 2, 1, 1)', '"journal": (3, 1, 1, 1, 1)'),
        ('"preprint": (12, 0, 5, 2, 1)', '"preprint": (2, 0, 5, 2, 1)'),
        ('"preprint": (12, 0, 5, 2, 1)', '"preprint": (12, 0, 1, 2, 1)'),
        ("2 ** (-p / 2) * sp.sqrt(sp.pi)", "2 ** (-p) * sp.sqrt(sp.pi)"),
        ("((p + 1) / 6) ** (p / 2)", "((p + 1) / 3) ** (p / 2)"),
        ("return (1 + t * r) * root_tail + u * t * c * sigma", "return (1 + t * r) * root_tail + u * c * sigma"),
        ("return (1 + t * r) * sigma + t * c * root_tail", "return (1 + t * r) * sigma + c * root_tail"),
        ("(1 + 1 / y) ** (y + sp.Rational(1, 2)) / 3", "(1 + 1 / y) ** y / 3"),
        ("(k / (t * r) ** 2) ** (p / 2)", "(k / (t * r)) ** (p / 2)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("tail", old, new)


@pytest.mark.parametrize("form", ["journal", "preprint"])
@pytest.mark.parametrize("norm", ["frobenius", "spectral"])
def test_linflow_computes_these_bounds(norm: Norm, form: Form) -> None:
    spectrum = lf.Spectrum([float(s) for s in SIGMA])
    t, u = sp.Rational(3, 2), sp.Rational(5, 2)
    for m, k in ((4, 0), (6, 1), (8, 4)):
        p = sp.Integer(m - k)
        root_tail = sp.sqrt(sum(s**2 for s in SIGMA[k:]))
        exact = tail.bound(SIGMA[k], root_tail, sp.Integer(k), p, t, u, norm, form)
        found = lf.risk.tail_upper(spectrum, m, rank=k, t=float(t), u=float(u), norm=norm, form=form)
        assert found == pytest.approx(float(exact), rel=ROUNDING)
        rarity = lf.risk.tail_probability(int(p), t=float(t), u=float(u), norm=norm, form=form)
        assert rarity == pytest.approx(float(tail.probability(p, t, u, norm, form)), rel=ROUNDING)
