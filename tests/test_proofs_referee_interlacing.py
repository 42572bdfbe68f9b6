"""The interlacing theorem's proofs changed as a referee would: consistently, in every place of the file."""

from __future__ import annotations

import pytest

from tests.proof_faults import gaps

#: name -> (file, (old, new), ...): every occurrence of each phrase is replaced.
CONSISTENT: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "Chebyshev without the half": ("chebyshev", (("(y - y_other) / 2", "(y - y_other)"),)),
    "Chebyshev for everything": (
        "chebyshev",
        (("when=(TOGETHER,)", "when=()"), ("when=(at_least(product, 0),)", "when=()")),
    ),
    "Newton with a factor two": ("symmetric", (("e(index - 1) * e(other + 1)", "2 * e(index - 1) * e(other + 1)"),)),
    "one value more left out": ("symmetric", (("(n - k)", "(n - k + 1)"),)),
    "weights of another shape": (
        "weights",
        (("return shape * scale / (1 + u * scale)", "return scale / (1 + u * scale)"),),
    ),
    "the tilt the other way": ("weights", (("LARGER = h + more", "LARGER = h - more"),)),
    "one measurement leaves less": ("deflation", (("weight * eigenvalue / (1 + t", "weight * eigenvalue**2 / (1 + t"),)),
    "V_r of a row too many": (
        "inverse_trace",
        (("REAL, COMPLEX = at_least(n, r + 2)", "REAL, COMPLEX = at_least(n, r + 1)"),),
    ),
    "the real field for the complex one": ("inverse_trace", (("n - r - 1 if beta == 1 else n - r", "n - r"),)),
    "swapped with one row more": ("swap", (("at_least(n, r + 2)", "at_least(n, r + 1)"),)),
    "swapped with one measurement more": ("swap", (("at_least(n, q + 2)", "at_least(n, q + 1)"),)),
    "a real row of another shape": ("swap", (("sp.Rational(1, 2)", "sp.Rational(1, 3)"),)),
    "the base for two eigenvalues": ("base_inequality", (("at_least(n, 3)", "at_least(n, 2)"),)),
    "the base with half a mean": ("base_inequality", (("(1 + 2 * psi_0 * s)", "(1 + psi_0 * s)"),)),
    "no common theta": ("pair_rotation", (("(x * v - y * u) / (u - v)", "(x * u - y * v) / (u - v)"),)),
    "real: one measurement too many": ("real_sandwich", (("root(m) * m", "root(m) * (m + 1)"),)),
    "complex: one measurement too few": ("complex_sandwich", (("m * kappa(m)", "(m - 1) * kappa(m)"),)),
    "complex: the other sign": ("complex_sandwich", (("return 1 - below / without", "return 1 - without / below"),)),
    "compared with one row more": ("comparison", (("at_least(n, r + 2)", "at_least(n, r + 1)"),)),
    "one dimension fewer unmeasured": ("comparison", (("n - m + 1", "n - m"),)),
    "the outer link to the end": ("outer_link", (("at_least(n, m + 2)", "at_least(n, m + 1)"),)),
    "the outer link of m": ("outer_link", (("equivalent(m + 1), m + 1", "equivalent(m), m"),)),
    "no factor f": ("interlacing", (("return (n - m) / (n - m + 1)", "return sp.Integer(1)"),)),
    "f inverted": ("interlacing", (("return (n - m) / (n - m + 1)", "return (n - m + 1) / (n - m)"),)),
    "the upper bound at m": ("interlacing", (("root(m - 1)", "root(m)"),)),
    "the theorem from m = 1": ("interlacing", (("at_least(m, 2)", "at_least(m, 1)"),)),
    "the trace with r rows": ("interlacing", (("root(r + 1)", "root(r)"),)),
    "every rank and one more": ("tail_corollary", (("at_least(m, rank + 2)", "at_least(m, rank + 1)"),)),
    "T1 with m - 1 and its tail": ("tail_corollary", (("m * tail(m - 2)", "(m - 2) * tail(m - 2)"),)),
    "the penalty forgotten": ("penalty_sandwich", (("return m * root - penalty", "return m * root"),)),
    "a logarithm without m": ("penalty_sandwich", (("penalty / root - m", "penalty / root"),)),
    "the trace with m + 1": ("penalty_interlacing", (("return m / ((m + 1) * root)", "return 1 / root"),)),
    "the error of m and m": ("penalty_interlacing", (("matched_error(m + 1)", "matched_error(m)"),)),
    "the exact formula for one measurement": ("real_exact", (("TWO_ROWS = at_least(m, 2)", "TWO_ROWS = at_least(m, 1)"),)),
    "the exact formula with m": ("real_exact", (("    return m - 1\n", "    return m\n"),)),
    "another quadratic": ("real_exact", (("return 1 + 2 * variance", "return 1 + variance"),)),
}


@pytest.mark.parametrize("name", CONSISTENT)
def test_a_consistent_change_leaves_a_gap(name: str) -> None:
    file, changes = CONSISTENT[name]
    assert gaps(file, *changes)
