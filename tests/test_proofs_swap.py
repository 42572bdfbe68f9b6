"""The file proofs/swap.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("swap")
    assert [entry.statement.name for entry in entries] == ["swap"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return eigenvalue / (1 + t * eigenvalue)", "return eigenvalue"),
        ("return (1 + t * own) * (partial", "return (1 + t * other) * (partial"),
        ("(partial(index) + t * other * partial(index - 1))", "(partial(index) + t * other * partial(index))"),
        ("(partial(index) + t * other * partial(index - 1))", "(partial(index) + other * partial(index - 1))"),
        ("return t**index * (one - other) * rest(index - 1)", "return t**index * (one - other) * rest(index)"),
        ("return t**index * (one - other) * rest(index - 1)", "return t**index * (other - one) * rest(index - 1)"),
        (
            "return -(t ** (index + 1)) * (one - other) * rest(index)",
            "return t ** (index + 1) * (one - other) * rest(index)",
        ),
        ("return -(t ** (index + 1)) * (one - other) * rest(index)", "return -(t**index) * (one - other) * rest(index)"),
        ("before, after = head(r) + t * y * head(r - 1)", "before, after = head(r) + t * y * head(r)"),
        ("shorter = tail(r - 1) - t**r * rest(r)", "shorter = tail(r - 1) + t**r * rest(r)"),
        ("same(sp.limit(scaled(mu), t, 0) * w * mu, w * mu**2)", "same(sp.limit(scaled(mu), t, 0) * w, w * mu**2)"),
        ("REAL_SHAPE = sp.Rational(1, 2)", "REAL_SHAPE = sp.Rational(1, 3)"),
        ("COMPLEX_SHAPE = sp.Integer(1)", "COMPLEX_SHAPE = sp.Integer(2)"),
        (
            'Proposition(mixed_V(r), "<=", complex_V(r + 1), when=(at_least(n, r + 2),))',
            'Proposition(mixed_V(r), "<=", complex_V(r + 1), when=(at_least(n, r + 1),))',
        ),
        ('Proposition(mixed_V(r), "<=", complex_V(r + 1)', 'Proposition(mixed_V(r), ">=", complex_V(r + 1)'),
        (
            'Proposition(complex_E(q + 1), "<=", mixed_E(q), when=(at_least(n, q + 2),))',
            'Proposition(complex_E(q + 1), "<=", mixed_E(q), when=(at_least(n, q + 1),))',
        ),
        ('Proposition(complex_E(q + 1), "<=", mixed_E(q)', 'Proposition(complex_E(q), "<=", mixed_E(q)'),
        (
            "integral.function.subs(probability, side / product(t)), weighted)",
            "integral.function.subs(probability, side * product(t)), weighted)",
        ),
        (
            "INVERSE_TRACE.fact(3).at({error_rows: q}), above(q, t)",
            "INVERSE_TRACE.fact(3).at({error_rows: q + 1}), above(q + 1, t)",
        ),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("swap", old, new)
