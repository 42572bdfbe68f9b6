"""The file proofs/weights.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("weights")
    assert [entry.statement.name for entry in entries] == ["weights"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "return value ** (shape - 1) * sp.exp(-value) / sp.gamma(shape)",
            "return value**shape * sp.exp(-value) / sp.gamma(shape)",
        ),
        ("return (1 + argument) ** (-shape)\n", "return (1 + argument) ** (-shape - 1)\n"),
        ("return shape * (1 + argument) ** (-shape - 1)", "return (1 + argument) ** (-shape - 1)"),
        ("return (1 + u * scale) ** (-shape)", "return (1 + u * scale) ** (-2 * shape)"),
        ("return shape * scale / (1 + u * scale)", "return shape / (1 + u * scale)"),
        ("return shape * scale / (1 + u * scale)", "return scale / (1 + u * scale)"),
        ("same(rate(d, LARGER) / rate(d, h), LARGER / h)", "same(rate(d, LARGER) / rate(d, h), h / LARGER)"),
        ("same(ratio, (1 + u * d) / (1 + u * larger))", "same(ratio, (1 + u * larger) / (1 + u * d))"),
        ("h * fall / ((1 + u * larger) * (1 + u * d))", "fall / ((1 + u * larger) * (1 + u * d))"),
        ("up = ordered((1, 1, rising(h)", "up = ordered((2, 1, rising(h)"),
        ("down = oppositely_ordered((1, 1", "down = ordered((1, 1"),
        ("found = ordered((N, 1, total, own(h))", "found = ordered((1, 1, total, own(h))"),
        ('Proposition(rising(h), "<=", rising(LARGER))', 'Proposition(rising(h), ">=", rising(LARGER))'),
        ('Proposition(rising(h), "<=", rising(LARGER))', 'Proposition(rising(h), "<=", rising(h - more))'),
        ('Proposition(total / N, "<=", own(h))', 'Proposition(total, "<=", own(h))'),
        ("ordered((1, phi, R, both), -drop, -slide)", "ordered((1, phi, R, both), -drop, slide)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("weights", old, new)
