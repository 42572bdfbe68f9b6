"""The file proofs/interlacing.py: it holds, and not with a fault in it; linflow's values interlace."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import interlacing as proof
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational

#: The last is far from flat.
MORE = [*SPECTRA, ("1000", "1", "1", "1/1000"), ("2", "2", "2", "1/100")]


def test_it_holds() -> None:
    entries = entries_of("interlacing")
    assert [entry.statement.name for entry in entries] == ["interlacing", "inverse-trace-bounds"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return (n - m) / (n - m + 1)", "return sp.Integer(1)"),
        ("return (n - m) / (n - m + 1)", "return (n - m + 1) / (n - m)"),
        ("return shrinkage(n, m) * (m - 1) * root", "return shrinkage(n, m) * m * root"),
        ("return m * root\n", "return (m + 1) * root\n"),
        ("return (n - m) / (n - m - 1) * (m + 1) * root", "return (n - m) / (n - m + 1) * (m + 1) * root"),
        ("return (n - m) / (n - m - 1) * (m + 1) * root", "return (n - m) / (n - m - 1) * m * root"),
        ("return r / ((r + 1) * root)", "return 1 / root"),
        ("return r / ((r + 1) * root)", "return (r + 1) / (r * root)"),
        ("return (n - r) / ((n - r - 1) * root)", "return 1 / root"),
        (
            "found = sp.solve(sp.Eq(k + (n - k) * df1([floor], kappa), m - 1), kappa)[0]",
            "found = sp.solve(sp.Eq(k + (n - k) * df1([floor], kappa), m), kappa)[0]",
        ),
        (
            'Proposition(per_unmeasured(equivalent(m), m), "<=", per_unmeasured(E(m), m)',
            'Proposition(per_unmeasured(equivalent(m), m), "<=", per_unmeasured(complex_E(m), m)',
        ),
        (
            'Proposition(per_unmeasured(complex_E(m), m), "<=", per_unmeasured(equivalent(m), m)',
            'Proposition(per_unmeasured(E(m), m), "<=", per_unmeasured(equivalent(m), m)',
        ),
        (
            'Proposition(per_unmeasured(E(m), m), "<=", per_unmeasured(complex_E(m - 1), m - 1)',
            'Proposition(per_unmeasured(E(m), m), "<=", per_unmeasured(complex_E(m - 1), m)',
        ),
        (
            'Proposition(per_unmeasured(E(m), m), "<=", per_unmeasured(complex_E(m - 1), m - 1)',
            'Proposition(per_unmeasured(E(m), m), "<=", per_unmeasured(complex_E(m), m)',
        ),
        (
            '"<=", per_unmeasured(complex_E(m), m), when=(MORE,))',
            '"<=", per_unmeasured(complex_E(m), m), when=(MEASURED,))',
        ),
        ("FEWER, MORE = at_least(m, 2), at_least(n, m + 2)", "FEWER, MORE = at_least(m, 1), at_least(n, m + 2)"),
        ("FEWER, MORE = at_least(m, 2), at_least(n, m + 2)", "FEWER, MORE = at_least(m, 2), at_least(n, m + 1)"),
        (
            'Proposition(complex_trace(r), "<=", 1 / root(r), when=(at_least(n, r + 1),))',
            'Proposition(real_trace(r), "<=", 1 / root(r), when=(at_least(n, r + 1),))',
        ),
        ("upper = at_inverse_spectrum(UPPER.fact().at(size))", "upper = at_inverse_spectrum(REAL.fact().at(size))"),
        ("side / factor(n, r, 2), upper, when", "side / factor(n, r, 1), upper, when"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("interlacing", old, new)


@pytest.mark.parametrize("values", MORE)
def test_linflow_computes_members_of_the_chain_that_are_in_order(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    spectrum, n, total = lf.Spectrum(floats(sigma)), len(sigma), float(sum(x**2 for x in sigma))
    for m in range(1, n):
        after = lf.risk.kappa(spectrum, m + 1) if m + 1 < n else None
        harmonic = n / float(sum(x**-2 for x in sigma))
        below = harmonic if after is None else (m + 1) * after / (n - m - 1)
        unitary = lf.risk.exact(spectrum, m, field="complex") / (n - m)
        middle = float(proof.real_lower(m, lf.risk.kappa(spectrum, m))) / (n - m)
        chain = [below, unitary, middle]
        if m in (1, n - 1):
            chain.append(lf.risk.exact(spectrum, m) / (n - m))
        before = lf.risk.exact(spectrum, m - 1, field="complex") if m > 1 else total
        chain.append(before / (n - m + 1))
        top = total / n if m == 1 else float(proof.real_upper(sp.Integer(n), m, lf.risk.kappa(spectrum, m - 1))) / (n - m)
        chain.append(top)
        assert all(left <= right * (1 + ROUNDING) for left, right in pairwise(chain)), (m, chain)


@pytest.mark.parametrize("values", MORE)
def test_a_shifted_chain_would_be_noticed(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    spectrum, n = lf.Spectrum(floats(sigma)), len(sigma)
    if len(set(sigma)) == 1:
        pytest.skip("a flat spectrum has one value everywhere")
    for m in range(2, n):
        unitary = lf.risk.exact(spectrum, m - 1, field="complex") / (n - m + 1)
        # The fields exchanged: the complex error of one measurement fewer is not below the equivalent.
        assert unitary > lf.risk.equivalent(spectrum, m) / (n - m)
    last = n - 1
    without_factor = (last - 1) * lf.risk.kappa(spectrum, last - 1) if last > 1 else float("nan")
    assert not np.isfinite(without_factor) or lf.risk.exact(spectrum, last) < without_factor / 2 * (1 + ROUNDING)
