"""The file proofs/symmetric.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("symmetric")
    assert [entry.statement.name for entry in entries] == ["symmetric-functions"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return rest(index) + value * rest(index - 1)", "return rest(index) + value * rest(index)"),
        ("return rest(index) + value * rest(index - 1)", "return rest(index) + rest(index - 1)"),
        (
            "return joined(index, one) + other * joined(index - 1, one)",
            "return joined(index, one) + other * joined(index, one)",
        ),
        (
            "return e(index) * e(other) - e(index - 1) * e(other + 1)",
            "return e(index) * e(other) - e(index + 1) * e(other - 1)",
        ),
        (
            "return e(index) * e(other) - e(index - 1) * e(other + 1)",
            "return e(index) * e(other) - 2 * e(index - 1) * e(other + 1)",
        ),
        ("two = minor(index, other - 1, rest) + minor(index - 1, other, rest)", "two = 2 * minor(index, other - 1, rest)"),
        ("+ value * two + value**2 * minor(", "+ value * two + value * minor("),
        ("return (one - other) * minor(index - 1, index - 1, rest)", "return (one - other) * minor(index, index, rest)"),
        (
            "return (one - other) * minor(index - 1, index - 1, rest)",
            "return (other - one) * minor(index - 1, index - 1, rest)",
        ),
        ("return (one - other) * rest(index)", "return (one - other) * rest(index - 1)"),
        ("same(z * sp.diff(sp.log(factor), z), x * z / factor)", "same(z * sp.diff(sp.log(factor), z), x / factor)"),
        ("positive(gain + x * mixed + x**2 * other)", "positive(x * mixed + x**2 * other)"),
        (
            'Proposition(left_out(k), "=", (n - k) * elementary(k))',
            'Proposition(left_out(k), "=", (n - k + 1) * elementary(k))',
        ),
        ('Proposition(with_own(k - 1), "=", k * elementary(k))', 'Proposition(with_own(k), "=", k * elementary(k))'),
        (
            'Proposition(sp.S.Zero, "<=", minor(p, q, elementary), when=(at_least(q, p),))',
            'Proposition(sp.S.Zero, "<=", minor(p, q, elementary))',
        ),
        (
            "minor(k, k, elementary), when=(at_least(k, 0), at_least(n, k))),",
            "minor(k, k, elementary), when=(at_least(k, 0),)),",
        ),
        (
            'Proposition(elementary(k), "=", without(k) + value * without(k - 1))',
            'Proposition(elementary(k), "=", without(k) + value * without(k))',
        ),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("symmetric", old, new)
