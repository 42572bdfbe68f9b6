"""The file proofs/penalty_interlacing.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("penalty_interlacing")
    assert [entry.statement.name for entry in entries] == ["penalty-interlacing"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return m / ((m + 1) * root)", "return 1 / root"),
        ("return m / ((m + 1) * root)", "return (m + 1) / (m * root)"),
        ("error(kappa, m - 1, gamma) + gamma)", "error(kappa, m, gamma) + gamma)"),
        ("error(kappa, m + 1, gamma) + gamma)", "error(kappa, m + 1, gamma))"),
        (
            "slope = sp.diff(fraction * log_determinant(0, m + 1, gamma, kappa), gamma)",
            "slope = sp.diff(log_determinant(0, m + 1, gamma, kappa), gamma)",
        ),
        ("J * seen(gamma / J, kappa), J, sp.oo), measurements", "J * seen(gamma, kappa), J, sp.oo), measurements"),
        (
            "(total + gamma) * (n + J - 1) / (n + J), J, sp.oo), total + gamma",
            "(total + gamma) * (n + J - 1) / (n + J), J, sp.oo), total",
        ),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("penalty_interlacing", old, new)
