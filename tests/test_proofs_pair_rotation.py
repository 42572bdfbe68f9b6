"""The file proofs/pair_rotation.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("pair_rotation")
    assert [entry.statement.name for entry in entries] == ["pair-rotation"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return A_0 + eigenvalue * s + eigenvalue**2 * A_2", "return A_0 + eigenvalue * s + eigenvalue * A_2"),
        ("return A_0 + first * second * A_2 + first * entry", "return A_0 + A_2 + first * entry"),
        ("second * (s - entry)", "second * entry"),
        ("return own * entry + own * other * A_2", "return own * entry"),
        ("return (x * v - y * u) / (u - v)", "return (x * u - y * v) / (u - v)"),
        ("return (x * v - y * u) / (u - v)", "return (x * v - y * u) / (u + v)"),
        ("return 1 / (u * v)\n", "return 1 / (u + v)\n"),
        (
            "return own * entry_mean + own * other * A_2 * averaged_inverse()",
            "return own * entry_mean + own * A_2 * averaged_inverse()",
        ),
        ("(x - y) ** 2 * (h_1 * h_2 - A_0 * A_2)", "(x + y) ** 2 * (h_1 * h_2 - A_0 * A_2)"),
        ("primitive = 2 / (g * h) * sp.atan(h * z / g)", "primitive = 1 / (g * h) * sp.atan(h * z / g)"),
        ("over_x, over_y = y + theta, x + theta", "over_x, over_y = x + theta, y + theta"),
        ("(x - y) * ((x + y) * A_0 + x * y * s))\n    positive", "(x - y) * ((x + y) * A_0 - x * y * s))\n    positive"),
        ("same(pair, first * second)", "same(pair, (first + second) / 2)"),
        ("same((A_0 * Y).det(), A_0 * (A_0 * Y.det()))", "same((A_0 * Y).det(), A_0 * Y.det())"),
        ("square = chebyshev.applied((theta - other) ** 2 / 2", "square = chebyshev.applied((theta - other) ** 2"),
        ('Proposition(tau(y), "<=", tau(y + gap))', 'Proposition(tau(y + gap), "<=", tau(y))'),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("pair_rotation", old, new)
