"""The file proofs/outer_link.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("outer_link")
    assert [entry.statement.name for entry in entries] == ["complex-lower"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return m * root / (n - m)", "return m * root / (n - m + 1)"),
        ("return size / ((size - 1) * trace)", "return size / ((size + 1) * trace)"),
        ("return size / ((size - 1) * trace)", "return 1 / ((size - 1) * trace)"),
        ("    return 1 / (m * root)", "    return 1 / ((m + 1) * root)"),
        ("    return 1 / (m * root)", "    return m / root"),
        (
            "line = sp.log(1 + t * mean) + t * (s - mean) / (1 + t * mean)",
            "line = sp.log(1 + t * mean) + (s - mean) / (1 + t * mean)",
        ),
        ("slack = 1 / x - (2 / mean - x / mean**2)", "slack = 1 / x - (1 / mean - x / mean**2)"),
        ("same(trace / size, equivalent(m + 1, kappa))", "same(trace / size, equivalent(m, kappa))"),
        ("q = n - (m + 1)", "q = n - m"),
        ("same(1 / (harmonic / n), n / harmonic)", "same(1 / (harmonic / n), 1 / harmonic)"),
        (
            "same(weights.transform(t * s, 1), 1 / (1 + t * s))",
            "same(weights.transform(t * s, sp.Rational(1, 2)), 1 / (1 + t * s))",
        ),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("outer_link", old, new)
