"""The file proofs/tail_corollary.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("tail_corollary")
    assert [entry.statement.name for entry in entries] == ["every-rank"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("largest = upper(m - 1, k, tail, 0)", "largest = upper(m, k, tail, 0)"),
        (
            "same(real_upper(n, m, largest), shrinkage(n, m) * range_finder.bound(tail, m, k))",
            "same(real_upper(n, m, largest), range_finder.bound(tail, m, k))",
        ),
        ("(1 + k / (m - k - 1)) * tail)", "(1 + k / (m - k)) * tail)"),
        ("better = shrinkage(n, m) * range_finder", "better = range_finder"),
        ("at_rank = better.subs(k, m - 2)", "at_rank = better.subs(k, m - 3)"),
        ("same(at_rank, shrinkage(n, m) * (m - 1) * tail)", "same(at_rank, shrinkage(n, m) * m * tail)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("tail_corollary", old, new)
