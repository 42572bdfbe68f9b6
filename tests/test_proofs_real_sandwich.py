"""The file proofs/real_sandwich.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("real_sandwich")
    assert [entry.statement.name for entry in entries] == ["real-equivalent"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return variance / (variance + level)", "return level / (variance + level)"),
        ("return seen(l, tau) * (1 - seen(l, kappa))", "return seen(l, tau)"),
        ("return seen(l, tau) * (1 - seen(l, kappa))", "return seen(l, kappa) * (1 - seen(l, kappa))"),
        ("return 1 / (1 - seen(variance, kappa))", "return 1 - seen(variance, kappa)"),
        ("weight() * (kappa - tau) / kappa)", "weight() * (kappa - tau) / tau)"),
        ("weight() * (kappa - tau) / kappa)", "weight() * (tau - kappa) / kappa)"),
        ("    root = l * (n - m) / m\n", "    root = l * (n - m) / n\n"),
        ("seen(second**2, first * second), 1, ", "seen(second**2, first**2), 1, "),
        (
            "ordered((total(), balanced(), levered(), gained()), rise, climb)",
            "ordered((total(), balanced(), levered(), gained()), rise, -climb)",
        ),
        ('Proposition(equivalent(m), "<=", E(m)', 'Proposition(E(m), "<=", equivalent(m)'),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("real_sandwich", old, new)
