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
        (
            '"complex-below-real", Proposition(complex_E(m), "<=", E(m)',
            '"complex-below-real", Proposition(E(m), "<=", complex_E(m)',
        ),
        ("allowed = (MEASURED.at({n: n - 1, m: m - 1}),)", "allowed = (MEASURED.at({n: n - 2, m: m - 1}),)"),
        ("SWAP.fact(1).at({swapped_rows: m - 1})", "SWAP.fact(1).at({swapped_rows: m})"),
        ("ROWS = at_least(n, r + 2)", "ROWS = at_least(n, r + 1)"),
        ('Proposition(V(r), "<=", complex_V(r + 1)', 'Proposition(V(r), "<=", complex_V(r)'),
        ("ROWS.at({n: n - 1, r: r - 1})", "ROWS.at({n: n - 1, r: r})"),
        (
            "return extended(chain(one_row, hypothesis, SWAP.fact(0)), r, 1, BASE.fact())",
            "return chain(one_row, hypothesis, SWAP.fact(0))",
        ),
        ("rows = {r: n - m}", "rows = {r: n - m + 1}"),
        ("INVERSE_TRACE.fact(1).at({r: n - m + 1})", "INVERSE_TRACE.fact(1).at({r: n - m})"),
        ("INVERSE_TRACE.fact(0).at(rows), INVERSE_TRACE.fact(1)", "INVERSE_TRACE.fact(1).at(rows), INVERSE_TRACE.fact(1)"),
        (
            "lower = through(lambda side: side / (n - m + 1), unitary)",
            "lower = through(lambda side: side / (n - m), unitary)",
        ),
        (
            'Proposition(per_unmeasured(E(m), m), "<=", per_unmeasured(complex_E(m - 1), m - 1)',
            'Proposition(E(m), "<=", per_unmeasured(complex_E(m - 1), m - 1)',
        ),
        ("of_weights = l * weights.integrand([l], 0, half)", "of_weights = weights.integrand([l], 0, half)"),
        ("weights.N: n, weights.total", "weights.N: n - 1, weights.total"),
        ("restricted(found, at_least(m, 2), MEASURED)", "restricted(found, MEASURED)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("comparison", old, new)
