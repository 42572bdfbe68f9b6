"""The file proofs/lower_bound.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import numpy as np
import pytest

import linflow as lf
from proofs import lower_bound
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational


def test_it_holds() -> None:
    entries = entries_of("lower_bound")
    assert [entry.statement.name for entry in entries] == ["T1-lower", "T8"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return S + multiplier * I - M", "    return S - multiplier * I - M"),
        ("p * multiplier + sp.Trace(S)", "n * multiplier + sp.Trace(S)"),
        ("square(Q * R)", "square(R * Q)"),
        ("    return l[rank - 1], [", "    return l[rank - 2], ["),
        ("sp.Max(value - l[rank - 1], 0)", "value - l[rank - 1]"),
        ("    return sum(l[:rank], sp.S.Zero)", "    return sum(l[: rank - 1], sp.S.Zero)"),
        ("    return sum(l[m:], sp.S.Zero)", "    return sum(l[m + 1 :], sp.S.Zero)"),
        ("    return largest(l, len(l) - m)", "    return largest(l, m)"),
        ("(sp.Trace(Q), n - m)", "(sp.Trace(Q), m)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("lower_bound", old, new)


@pytest.mark.parametrize("values", SPECTRA)
def test_linflow_computes_these_bounds_and_the_rows_attain_them(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    l, n = [s**2 for s in sigma], len(sigma)
    spectrum = lf.Spectrum(floats(sigma))
    for m in range(1, n):
        lower, upper = lf.risk.error_range(spectrum, m)
        assert lower == pytest.approx(float(lower_bound.lower(l, m)), rel=ROUNDING)
        assert lf.risk.theorem_lower(spectrum, m) == lower
        assert upper == pytest.approx(float(lower_bound.upper(l, m)), rel=ROUNDING)
        for rows, bound in ((range(m), lower), (range(n - m, n), upper)):
            found = lf.risk.error_curve(spectrum, np.eye(n)[list(rows)])[m]
            assert found == pytest.approx(float(lower_bound.error_of_rows(l, list(rows))), rel=ROUNDING)
            assert found == pytest.approx(bound, rel=ROUNDING)
