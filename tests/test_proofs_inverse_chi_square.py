"""The file proofs/inverse_chi_square.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("inverse_chi_square")
    assert entries
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("same(inverse_mean(), 1 / excess)", "same(inverse_mean(), 1 / (excess + 1))"),
        ("sp.exp(-x / 2) / (2 **", "sp.exp(-x) / (2 **"),
        ("density(sp.Integer(2)) / x", "density(sp.Integer(3)) / x"),
        ("density(2 + excess) / x", "density(3 + excess) / x"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("inverse_chi_square", old, new)
