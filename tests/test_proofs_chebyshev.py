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
        (
            "return moment(0, 0) * moment(1, 1) - moment(1, 0) * moment(0, 1)",
            "return moment(1, 1) - moment(1, 0) * moment(0, 1)",
        ),
        (
            "return moment(0, 0) * moment(1, 1) - moment(1, 0) * moment(0, 1)",
            "return moment(0, 0) * moment(1, 1) + moment(1, 0) * moment(0, 1)",
        ),
        ("return (x - x_other) * (y - y_other) / 2", "return (x - x_other) * (y - y_other)"),
        ("return (x - x_other) * (y - y_other) / 2", "return (x - x_other) * (y + y_other) / 2"),
        ("return (x - x_other) * (y - y_other) / 2", "return (x - x_other) * (y_other - y) / 2"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("chebyshev", old, new)
