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
        ("same(rate(d, h + more) / rate(d, h), (h + more) / h)", "same(rate(d, h + more) / rate(d, h), h / (h + more))"),
        ("same(ratio, (1 + u * d) / (1 + u * larger))", "same(ratio, (1 + u * larger) / (1 + u * d))"),
        (
            "normalised = {chebyshev.moment(0, 0): 1, chebyshev.moment(1, 0): 1}",
            "normalised = {chebyshev.moment(0, 0): 1, chebyshev.moment(0, 1): 1}",
        ),
        (
            "nonnegative(-chebyshev.pair(rho + rise, q, rho, q + climb)",
            "nonnegative(chebyshev.pair(rho + rise, q, rho, q + climb)",
        ),
        ("h * fall / ((1 + u * larger) * (1 + u * d))", "fall / ((1 + u * larger) * (1 + u * d))"),
        ("same(gap / count, weighted - total / count)", "same(gap / count, weighted - total)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("weights", old, new)
