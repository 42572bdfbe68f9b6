"""The file proofs/deflation.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("deflation")
    assert [entry.statement.name for entry in entries] == ["one-measurement"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return M - M * a.T * scale * a * M", "return M + M * a.T * scale * a * M"),
        ("return M - M * a.T * scale * a * M", "return M - M * a.T * a * M"),
        ("return matrix - matrix * rows.T * inverse * rows * matrix", "return matrix - rows.T * inverse * rows"),
        ("return weight * eigenvalue / (1 + t * eigenvalue)", "return weight * eigenvalue**2 / (1 + t * eigenvalue)"),
        ("return weight * eigenvalue / (1 + t * eigenvalue)", "return weight / (1 + t * eigenvalue)"),
        ("[[I, v], [zero.T, one + dual.T * v]]", "[[I, v], [zero.T, one - dual.T * v]]"),
        ("second = [[I + v * dual.T, v]", "second = [[I, v]"),
        ("Y_a = scale * a * M - scale", "Y_a = scale * a * M + scale"),
        ("Y_others = inner * others * M_a", "Y_others = inner * others * M"),
        ("below = -gram * others * M * b.T", "below = gram * others * M * b.T"),
        ("sp.Trace(scale * a * M * M * a.T)", "sp.Trace(scale * a * M * a.T)"),
        ('Proposition(E(m), "=", after_E(m - 1)', 'Proposition(E(m), "=", after_E(m)'),
        (
            'Proposition(V(r), "=", after_V(r - 1), when=(at_least(r, 2), at_least(n, r)))',
            'Proposition(V(r), "=", after_V(r - 1), when=(at_least(n, r),))',
        ),
        ('Proposition(inverse_trace(r), "=", r * V(r))', 'Proposition(inverse_trace(r), "=", V(r))'),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("deflation", old, new)
