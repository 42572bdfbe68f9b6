"""The file proofs/penalty_sandwich.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("penalty_sandwich")
    assert [entry.statement.name for entry in entries] == ["penalty"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "return summand + m * sp.log(m * root / penalty) + penalty / root - m",
            "return summand + m * sp.log(m * root / penalty) + penalty / root",
        ),
        (
            "return summand + m * sp.log(m * root / penalty) + penalty / root - m",
            "return summand + m * sp.log(m * root / penalty) - m",
        ),
        (
            "return summand + m * sp.log(m * root / penalty) + penalty / root - m",
            "return summand + m * sp.log(root / penalty) + penalty / root - m",
        ),
        ("return m * root - penalty", "return m * root"),
        ("    return gamma * T\n", "    return T\n"),
        ("    return 1 / T\n", "    return T\n"),
        (
            "sums = {seen_at_root: m - gamma / kappa, seen_in_all: m - gamma * T}",
            "sums = {seen_at_root: m, seen_in_all: m - gamma * T}",
        ),
        (
            "given = [(S * inverse, sp.Identity(m) - gamma * inverse)]",
            "given = [(S * inverse, sp.Identity(m) + gamma * inverse)]",
        ),
        ("share = small * c / (1 + small * c)", "share = c / (1 + small * c)"),
        (
            "same(sp.limit(J * seen(gamma / J, kappa), J, sp.oo), gamma / kappa)",
            "same(sp.limit(J * seen(gamma, kappa), J, sp.oo), gamma / kappa)",
        ),
        ("same(sp.diff(rest, gamma), 1 / kappa - m / gamma)", "same(sp.diff(rest, gamma), 1 / kappa)"),
        ('Proposition(complex_trace(m), "<=", 1 / root(m))', 'Proposition(real_trace(m), "<=", 1 / root(m))'),
        ('Proposition(1 / root(m), "<=", real_trace(m))', 'Proposition(1 / root(m + 1), "<=", real_trace(m))'),
        ('Proposition(error(root(m), m, gamma), "<=", real_error(m))', 'Proposition(m * root(m), "<=", real_error(m))'),
        (
            'Proposition(complex_error(m), "<=", error(root(m), m, gamma))',
            'Proposition(complex_error(m), "<=", error(root(m), m - 1, gamma))',
        ),
        ('Proposition(real_log(m), "<=", equivalent_log(m))', 'Proposition(equivalent_log(m), "<=", real_log(m))'),
        ("    value = 1 / kappa\n", "    value = 2 / kappa\n"),
        (
            "ordered((total(), 0, levered(), gained()), rise, climb)",
            "ordered((total(), levered(), levered(), gained()), rise, climb)",
        ),
        (
            "from_error = whole.right.replace(noiseless_root, root) - gamma",
            "from_error = whole.right.replace(noiseless_root, root)",
        ),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("penalty_sandwich", old, new)
