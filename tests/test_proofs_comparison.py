"""The file proofs/comparison.py: it holds, and not with a fault in it."""

from __future__ import annotations

import pytest

from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("comparison")
    assert [entry.statement.name for entry in entries] == ["complex-below-real", "real-below-complex"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return error / (n - m)", "return error / (n - m + 1)"),
        ("return factor(n, n - m, beta=1) * (n - m) * V", "return factor(n, n - m, beta=2) * (n - m) * V"),
        ("return factor(n, n - m, beta=2) * (n - m) * V", "return factor(n, n - m, beta=1) * (n - m) * V"),
        ("return factor(n, n - m, beta=2) * (n - m) * V", "return factor(n, n - m, beta=2) * V"),
        ("    return n - 1\n", "    return n\n"),
        ("    return N - 2\n", "    return N - 3\n"),
        ("BASE_SIZE = 3", "BASE_SIZE = 4"),
        ("nonnegative(total * (n - 1) / n - error)", "nonnegative(total * (n - 2) / n - error)"),
        ("complex_error(m - 1, V_complex), m - 1)", "complex_error(m, V_complex), m)"),
        ("of_weights = l * weights.integrand([l], 0, half)", "of_weights = weights.integrand([l], 0, half)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("comparison", old, new)
