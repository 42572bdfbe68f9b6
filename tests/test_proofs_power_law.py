"""The file proofs/power_law.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

import linflow as lf
from proofs import power_law as proof
from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("power_law")
    assert len(entries) == 1
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return sp.pi / (2 * exponent) / sp.sin", "return sp.pi / exponent / sp.sin"),
        ("return start ** (1 - 2 * a) / (2 * a - 1)", "return start ** (1 - 2 * a) / (2 * a)"),
        (
            "return (2 * a - 1) * C ** (2 * a) * (count / (count + 1)) ** (2 * a)",
            "return (2 * a - 1) * C * (count / (count + 1)) ** (2 * a)",
        ),
        ("((count + 1) / count) ** (2 * a - 1)", "((count + 1) / count) ** (2 * a)"),
        ("return base ** (-m) * sp.exp(s * (base - 1))", "return base ** (-m) * sp.exp(s * base)"),
        ("return sp.sqrt(sp.pi / (2 * precision))", "return sp.sqrt(2 * sp.pi / precision)"),
        ("    return 1 / (1 + point ** (2 * a))", "    return 1 / (1 + point**a)"),
        ("difference = -w - w**2 / 2 - sp.log", "difference = -w + w**2 / 2 - sp.log"),
        ("(1 - (count + distance) / distance**2)", "(1 - (count + distance) / distance)"),
        ("sp.exp(2 * a + 1) * gaussian(count - 2 * a - 1)", "sp.exp(2 * a) * gaussian(count - 2 * a)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("power_law", old, new)


def number(expression: Any, exponent: sp.Rational) -> float:
    values = {proof.excess: exponent - sp.Rational(1, 2), proof.C: proof.constant(exponent)}
    return float(sp.sympify(expression).subs(values))


# n is so large that what it leaves out of the sums is far below the gap between the bounds.
@pytest.mark.parametrize("exponent", [sp.Rational(3, 2), sp.Integer(2)])
@pytest.mark.parametrize("m", [6, 20])
def test_linflow_keeps_the_bounds(exponent: sp.Rational, m: int) -> None:
    spectrum = lf.Spectrum.power_law(n=500, exponent=float(exponent))
    equivalent, error = lf.risk.equivalent(spectrum, m), lf.risk.exact(spectrum, m, field="complex")
    ratio = equivalent / float(spectrum.tail(m))
    assert number(proof.lower(m), exponent) < ratio < number(proof.upper(m), exponent)
    assert error < number(proof.error_upper(sp.Integer(m)), exponent)
    assert error > max(number(proof.error_lower(m, sp.Rational(d)), exponent) for d in range(1, 4 * m))


def test_linflow_approaches_the_constant() -> None:
    spectrum = lf.Spectrum.power_law(n=900, exponent=2.0)
    limit = number((2 * proof.a - 1) * proof.C ** (2 * proof.a), sp.Integer(2))
    for value in (lf.risk.equivalent(spectrum, 60), lf.risk.exact(spectrum, 60, field="complex")):
        # The bounds (a) allow a relative distance of 2a/m.
        assert abs(value / float(spectrum.tail(60)) / limit - 1) < 4 / 60
