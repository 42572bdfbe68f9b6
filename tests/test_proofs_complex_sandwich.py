"""The file proofs/complex_sandwich.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("complex_sandwich")
    assert [entry.statement.name for entry in entries] == ["complex-equivalent"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return variance / (variance + t)", "return t / (variance + t)"),
        ("return without + l * below", "return without + below"),
        ("return without / whole()", "return l * below / whole()"),
        ("return 1 - below / without", "return 1 - without / below"),
        ("return 1 - below / without", "return 1 + below / without"),
        ("return (t - 1) / (t * (first + second * t))", "return (t - 1) / (first + second * t)"),
        ("return (t - 1) / (t * (first + second * t))", "return (t + 1) / (t * (first + second * t))"),
        ("law_without = without * t ** (n - 1 - m) / rest", "law_without = without * t ** (n - m) / rest"),
        ("same(n - m - (n - total), total - m)", "same(n - m - (n - total), total + m)"),
        ("expected = (other - b) * (t - 1) ** 2", "expected = (b - other) * (t - 1) ** 2"),
        ("same((r_j - r_i) * e(m, first)", "same((r_i - r_j) * e(m, first)"),
        ("product_exchange(m, first, second))", "product_exchange(m - 1, first, second))"),
        ("same(a * w * a * r, (a**2 * w) * r)", "same(a * w * r, (a**2 * w) * r)"),
        (
            "oppositely_ordered((weights(), levels(), tilts(), area() - 1)",
            "ordered((weights(), levels(), tilts(), area() - 1)",
        ),
        (
            "oppositely_ordered((unsaturated(), weights(), zero, tilts())",
            "ordered((unsaturated(), weights(), zero, tilts())",
        ),
        ('Proposition(complex_E(m), "<=", equivalent(m)', 'Proposition(complex_E(m), "<=", equivalent(m - 1)'),
        ('Proposition(complex_E(m), "<=", equivalent(m)', 'Proposition(equivalent(m), "<=", complex_E(m)'),
        ("flat_value = m / (n - m)", "flat_value = m / n"),
        (
            "ordered((saturated(), weights(), zero, levels()), rise, climb)",
            "ordered((saturated(), weights(), weights(), levels()), rise, climb)",
        ),
        (
            "ordered((saturated(), weights(), zero, levels()), rise, climb)",
            "ordered((saturated(), weights(), zero, levels()), rise, -climb)",
        ),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("complex_sandwich", old, new)
