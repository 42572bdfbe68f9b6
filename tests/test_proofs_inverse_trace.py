"""The file proofs/inverse_trace.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("inverse_trace")
    assert [entry.statement.name for entry in entries] == ["inverse-trace"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return n - r - 1 if beta == 1 else n - r", "return n - r"),
        ("return n - r - 1 if beta == 1 else n - r", "return n - r - 1"),
        ("return n - r - 1 if beta == 1 else n - r", "return n - r if beta == 1 else n - r - 1"),
        ("return t * eigenvalue / (1 + t * eigenvalue)", "return 1 / (1 + t * eigenvalue)"),
        ("inverse = root_inverse * B_inverse * root_inverse", "inverse = root * B_inverse * root_inverse"),
        ("same(-sp.diff(1 / t, t), t**-2", "same(-sp.diff(1 / t, t), t**-1"),
        (
            "same((1 / mu) / (1 / mu + 1 / kappa), 1 - mu / (mu + kappa))",
            "same((1 / mu) / (1 / mu + kappa), 1 - mu / (mu + kappa))",
        ),
        (
            "REAL, COMPLEX = at_least(n, r + 2), at_least(n, r + 1)",
            "REAL, COMPLEX = at_least(n, r + 1), at_least(n, r + 1)",
        ),
        ("REAL, COMPLEX = at_least(n, r + 2), at_least(n, r + 1)", "REAL, COMPLEX = at_least(n, r + 2), at_least(n, r)"),
        ('Proposition(dual_kappa(n - r), "=", 1 / root(r)', 'Proposition(dual_kappa(n - r), "=", root(r)'),
        ("sp.Integral(below(r, t), (t, 0, sp.oo)) / r, when", "sp.Integral(below(r, t), (t, 0, sp.oo)), when"),
        ('Proposition(dual_E(n - r), "=", factor(n, r, 1)', 'Proposition(dual_E(n - r), "=", factor(n, r, 2)'),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("inverse_trace", old, new)
