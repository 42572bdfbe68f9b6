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
        ("largest = upper(m - 1, rank, tail(rank), 0)", "largest = upper(m, rank, tail(rank), 0)"),
        (
            "SHARPER = shrinkage(n, m) * (1 + rank / (m - rank - 1)) * tail(rank)",
            "SHARPER = (1 + rank / (m - rank - 1)) * tail(rank)",
        ),
        (
            "SHARPER = shrinkage(n, m) * (1 + rank / (m - rank - 1)) * tail(rank)",
            "SHARPER = shrinkage(n, m) * (1 + rank / (m - rank)) * tail(rank)",
        ),
        ("DOMAIN = (at_least(m, rank + 2), at_least(n, m + 1))", "DOMAIN = (at_least(m, rank + 1), at_least(n, m + 1))"),
        ("DOMAIN = (at_least(m, rank + 2), at_least(n, m + 1))", "DOMAIN = (at_least(m, rank + 2), at_least(n, m))"),
        ('Proposition(E(m), "<", m * tail(m - 2)', 'Proposition(E(m), "<", (m - 2) * tail(m - 2)'),
        ('Proposition(E(m), "<", m * tail(m - 2)', 'Proposition(E(m), "<", m * tail(m - 1)'),
        ("at_rank = {rank: m - 2}", "at_rank = {rank: m - 3}"),
        ('Proposition(E(m), "<=", real_upper(n, m, kappa(m - 1))', 'Proposition(E(m), "<=", real_upper(n, m, kappa(m))'),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("tail_corollary", old, new)
