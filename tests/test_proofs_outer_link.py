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
        ("return size / ((size - 1) * trace)", "return size / ((size + 1) * trace)"),
        ("return size / ((size - 1) * trace)", "return 1 / ((size - 1) * trace)"),
        (
            "line = sp.log(1 + t * mean) + t * (s - mean) / (1 + t * mean)",
            "line = sp.log(1 + t * mean) + (s - mean) / (1 + t * mean)",
        ),
        ("slack = 1 / x - (2 / mean - x / mean**2)", "slack = 1 / x - (1 / mean - x / mean**2)"),
        ("q = n - (m + 1)", "q = n - m"),
        (
            "same(weights.transform(t * s, 1), 1 / (1 + t * s))",
            "same(weights.transform(t * s, sp.Rational(1, 2)), 1 / (1 + t * s))",
        ),
        (
            'per_unmeasured(equivalent(m + 1), m + 1), "<=", per_unmeasured(complex_E(m), m)',
            'per_unmeasured(equivalent(m), m), "<=", per_unmeasured(complex_E(m), m)',
        ),
        (
            'per_unmeasured(equivalent(m + 1), m + 1), "<=", per_unmeasured(complex_E(m), m)',
            'per_unmeasured(equivalent(m + 1), m), "<=", per_unmeasured(complex_E(m), m)',
        ),
        ('Proposition(n / inverse_sum(), "<="', 'Proposition(1 / inverse_sum(), "<="'),
        ("    size = n - m\n", "    size = n - m + 1\n"),
        ("bound = at_inverse_spectrum(UPPER.fact().at({m: q}))", "bound = UPPER.fact().at({m: q})"),
        ("same((m * kappa / (n - m)).subs({m: seen,", "same((m * kappa / n).subs({m: seen,"),
        ("reciprocal(from_the_equivalent(), 1)", "reciprocal(from_the_equivalent(), 2)"),
        ("MORE = at_least(n, m + 2)", "MORE = at_least(n, m + 1)"),
        ('law = argued(last_inverse(), "=", inverses / n,', 'law = argued(last_inverse(), "=", inverses,'),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("outer_link", old, new)
