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
        ("OF_ROOT = {m: m - 1, below: rank, root: kappa(m - 1)}", "OF_ROOT = {m: m, below: rank, root: kappa(m - 1)}"),
        (
            "OF_ROOT = {m: m - 1, below: rank, root: kappa(m - 1)}",
            "OF_ROOT = {m: m - 1, below: rank + 1, root: kappa(m - 1)}",
        ),
        ("EQUATION = (KAPPA[0] - 1, KAPPA[1]", "EQUATION = (KAPPA[0], KAPPA[1]"),
        ("tails = defined(tail(rank), over(l, rank + 1)).turned()", "tails = defined(tail(rank), over(l, rank)).turned()"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("tail_corollary", old, new)
