"""The file proofs/base_inequality.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("base_inequality")
    assert [entry.statement.name for entry in entries] == ["base-inequality"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sp.diff(f, s): -psi * f,", "sp.diff(f, s): -2 * psi * f,"),
        ("sp.diff(F, s): f,", "sp.diff(F, s): -f,"),
        ("sp.diff(J, s): -2 * s * f**2}", "sp.diff(J, s): -s * f**2}"),
        ("return HALF * eigenvalue / (1 + s * eigenvalue)", "return eigenvalue / (1 + s * eigenvalue)"),
        ("return (1 + 2 * psi_0 * s) * f**2", "return (1 + psi_0 * s) * f**2"),
        ("return (1 + 2 * psi_0 * s) * f**2", "return (1 + 2 * psi_0 * s) * f"),
        ("return J - F * G", "return J + F * G"),
        ("return F - G - 2 * s * f", "return F - G - s * f"),
        ("return F - G - 2 * s * f", "return F - G + 2 * s * f"),
        ("+ 2 * F * G + 2 * s * f * (F - G) - 2 * s**2 * f**2", "+ F * G + 2 * s * f * (F - G) - 2 * s**2 * f**2"),
        ("+ 2 * F * G + 2 * s * f * (F - G) - 2 * s**2 * f**2", "+ 2 * F * G + 2 * s * f * (F - G) - s**2 * f**2"),
        ("return (1 + s * eigenvalue) ** (-2)", "return (1 + s * eigenvalue) ** (-1)"),
        ("return 2 / (eigenvalue * (size - 2))", "return 2 / (eigenvalue * (size - 1))"),
        ("first, second = HALF * mu**2 * value, mu * value", "first, second = mu**2 * value, mu * value"),
        ("same(f * (1 - f) - f * f, f - 2 * f**2)", "same(f * (1 - f) - f * f, f - f**2)"),
        (
            "same((2 * square + mixed) - L, mixed - (L - 2 * square))",
            "same((2 * square + mixed) - L, mixed - (L - square))",
        ),
        ("SIZE = (at_least(n, 3),)", "SIZE = (at_least(n, 2),)"),
        ('Proposition(V(1), "<=", complex_V(2)', 'Proposition(V(1), "<=", complex_V(1)'),
        ('Proposition(V(1), "<=", complex_V(2)', 'Proposition(complex_V(2), "<=", V(1)'),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("base_inequality", old, new)
