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
        ("J * df1([gamma / J], kappa), J, sp.oo), measurements", "J * df1([gamma], kappa), J, sp.oo), measurements"),
        (
            "(total + gamma) * (n + J - 1) / (n + J), J, sp.oo), total + gamma",
            "(total + gamma) * (n + J - 1) / (n + J), J, sp.oo), total",
        ),
        ("slope = sp.diff(fraction * log_determinant", "slope = sp.diff(log_determinant"),
        (
            'Proposition(matched_error(m + 1), "<=", complex_error(m))',
            'Proposition(matched_error(m), "<=", complex_error(m))',
        ),
        ('Proposition(real_error(m), "<=", complex_error(m - 1))', 'Proposition(real_error(m), "<=", complex_error(m))'),
        (
            'Proposition(complex_error(m - 1), "<=", matched_error(m - 1), when=(FEWER,))',
            'Proposition(complex_error(m - 1), "<=", matched_error(m - 1))',
        ),
        (
            'Proposition(real_trace(m), "<=", trace_upper(m, root(m + 1)))',
            'Proposition(real_trace(m), "<=", trace_upper(m, root(m)))',
        ),
        (
            'Proposition(trace_upper(m, 1) * equivalent_log(m + 1), "<=", real_log(m))',
            'Proposition(equivalent_log(m + 1), "<=", real_log(m))',
        ),
        ("    return error(root(q), q, gamma)\n", "    return q * root(q)\n"),
        ("below = argued(lower.subs(kappa, root(m + 1)) - gamma", "below = argued(lower.subs(kappa, root(m + 1))"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("penalty_interlacing", old, new)
