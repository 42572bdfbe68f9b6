"""The file proofs/chebyshev.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("chebyshev")
    assert [entry.statement.name for entry in entries] == ["Chebyshev"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return (x - x_other) * (y - y_other) / 2", "return (x - x_other) * (y - y_other)"),
        ("return (x - x_other) * (y - y_other) / 2", "return (x - x_other) * (y + y_other) / 2"),
        ("return (x - x_other) * (y - y_other) / 2", "return (x - x_other) * (y_other - y) / 2"),
        ("return L(ONE) * L(x * y) - L(x) * L(y)", "return L(x * y) - L(x) * L(y)"),
        ("return L(ONE) * L(x * y) - L(x) * L(y)", "return L(ONE) * L(x * y) + L(x) * L(y)"),
        (
            'Proposition(L(x) * L(y), "<=", L(ONE) * L(x * y), when=(TOGETHER,))',
            'Proposition(L(x) * L(y), "<=", L(ONE) * L(x * y))',
        ),
        (
            'Proposition(L(x) * L(y), "<=", L(ONE) * L(x * y), when=(TOGETHER,))',
            'Proposition(L(x) * L(y), "<=", L(x * y), when=(TOGETHER,))',
        ),
        ("TOGETHER = at_least(pair(x, y, x_other, y_other), 0)", "TOGETHER = at_least(x - x_other, 0)"),
        ("APART = at_least(-pair(x, y, x_other, y_other), 0)", "APART = TOGETHER"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("chebyshev", old, new)
