"""The file proofs/enclosures.py: it holds, and not with a fault in it; linflow's own intervals and values agree with it."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx, fmpq

from linflow import Spectrum, risk
from proofs import enclosures
from tests.proof_faults import entries_of, gaps

#: Squares of their singular values, taken as exact numbers, are the l_i.
SPECTRA = [
    Spectrum.power_law(9, 1.0),
    Spectrum.exponential(12, 0.25),
    Spectrum.step(8, 3, 1e-4),
    Spectrum.flat(6, 1.5),
    Spectrum.log_spaced(10, 1e12),
    Spectrum(10.0 ** np.linspace(20, -20, 5)),
]


def squares(spectrum: Spectrum) -> list[fmpq]:
    return [fmpq(*float(value).as_integer_ratio()) ** 2 for value in spectrum.singular_values]


def meets(ball: arb, interval: risk.Enclosure | None) -> bool:
    assert interval is not None
    return bool(ball.overlaps(arb(interval.low).union(arb(interval.high))))


def relative_error(value: float, ball: arb) -> float:
    return abs(float(arb(value) / ball) - 1)


def test_it_holds() -> None:
    entries = entries_of("enclosures")
    assert entries
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sum((total - x) * x * t / one", "sum(total * x * t / one"),
        ("return weights / (2 * root(", "return weights / (root("),
        ("return (len(l) - 2) * t / (2 *", "return (len(l) - 1) * t / (2 *"),
        ("m * e[m + 1], twice_rate", "m * e[m], twice_rate"),
        ("    return n + 2\n", "    return n\n"),
        ("    return 2 * n\n", "    return n\n"),
        ("twice_rate=n - 2, fourths", "twice_rate=n - 1, fourths"),
        ("left = sum((total - x) * x for x in l) / 2", "left = sum((total - x) for x in l) / 2"),
        ("(exp(rate * step) - 1)", "(exp(rate * step) + 1)"),
        ("range(m + 1, n + 1)) / prod(y - x", "range(m, n + 1)) / prod(y - x"),
        ("/ prod(y - x for k", "/ prod(x - y for k"),
        ("initial=0 * t)", "initial=t / t)"),
        ("low = step * total", "low = total"),
        ("return 2 * mass / (exp(2 * pi * width / step) - 1)", "return mass / (exp(2 * pi * width / step) - 1)"),
        ("fact.at({_width: _STRIP})", "fact.at({_width: 2 * _STRIP})"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("enclosures", old, new)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=lambda spectrum: spectrum.name)
def test_linflow_agrees(spectrum: Spectrum) -> None:
    l, n = squares(spectrum), spectrum.n
    with ctx.workprec(2 * enclosures.BITS):
        for m in (1, n - 1):
            ball = enclosures.real_error(l, m)
            assert meets(ball, risk.enclosure(spectrum, m))
            # The float64 values are accurate to about 1e-14 relative to themselves (linflow.risk.exact).
            assert relative_error(risk.exact(spectrum, m), ball) < 1e-13
        for m, ball in enumerate(enclosures.complex_errors(l)[:-1]):
            assert meets(ball, risk.enclosure(spectrum, m, "complex"))
            assert relative_error(risk.exact(spectrum, m, "complex"), ball) < 1e-13


def test_a_coarse_rule_contains_a_fine_one() -> None:
    """The error bound at work: a wide step gives a wide interval, and still a true one."""
    l = [fmpq(9), fmpq(4), fmpq(1), fmpq(1, 100)]
    fine, coarse = enclosures.complex_errors(l, 160), enclosures.complex_errors(l, 12)
    with ctx.workprec(320):
        for m in range(1, 4):
            assert coarse[m].contains(fine[m])
            assert coarse[m].rad() > fine[m].rad() * 2**60
        assert enclosures.real_error(l, 1, 12).contains(enclosures.real_error(l, 1, 160))
        assert enclosures.real_error(l, 3, 12).contains(enclosures.real_error(l, 3, 160))
