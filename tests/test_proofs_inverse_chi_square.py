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
        ("same(of_inverse.right, 1 / (nu - 2)", "same(of_inverse.right, 1 / (nu - 1)"),
        ("sp.exp(-x / 2) / (2 **", "sp.exp(-x) / (2 **"),
        ("for degrees in (1, 2)", "for degrees in (1, 3)"),
        ("density(degrees) / x", "density(degrees + 1) / x"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("inverse_chi_square", old, new)
