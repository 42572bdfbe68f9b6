"""The file proofs/first_and_last.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp

import linflow as lf
from linflow.checks import Field
from proofs import first_and_last as proof
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational

HALF, ONE = sp.Rational(1, 2), sp.Integer(1)


def test_it_holds() -> None:
    entries = entries_of("first_and_last")
    assert [entry.statement.name for entry in entries] == ["E_1", "E_{n-1}"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return [total - x for x in variances], list(variances)", "return [total for x in variances], list(variances)"),
        ("return list(variances), [1 / x for x in variances]", "return list(variances), list(variances)"),
        ("return exponent * (1 + u * rate) ** (-exponent - 1)", "return (1 + u * rate) ** (-exponent - 1)"),
        ("return (1 + u * rate) ** (-exponent)\n", "return (1 + u * rate) ** (-2 * exponent)\n"),
        ("return (exponent * len(variances) - 1) * product", "return exponent * (len(variances) - 1) * product"),
        ("return exponent * sum(x**2 / (1 + u * x)", "return exponent * sum(x / (1 + u * x)"),
        ("return 3 * HALF / (sp.sqrt", "return HALF / (sp.sqrt"),
        ("return HALF / sp.sqrt((u + x)", "return 1 / sp.sqrt((u + x)"),
        ("sp.log(first / second) / (first - second)", "sp.log(second / first) / (first - second)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("first_and_last", old, new)


def integral(integrand: sp.Expr) -> float:
    """int_0^inf du, in 30 digits: the trapezoidal rule in log u, which converges geometrically."""
    f = sp.lambdify(proof.u, integrand, "mpmath")
    with mpmath.workdps(30):
        step = mpmath.mpf(1) / 8
        points = [mpmath.exp(k * step) for k in range(-800, 801)]
        return float(step * mpmath.fsum(point * f(point) for point in points))


@pytest.mark.parametrize("values", [*SPECTRA, ("1000", "1", "1/1000")])
@pytest.mark.parametrize(("field", "h"), [("real", HALF), ("complex", ONE)])
def test_linflow_computes_the_integrals(values: tuple[str, ...], field: Field, h: sp.Rational) -> None:
    sigma = rational(values)
    squares = [x**2 for x in sigma]
    spectrum = lf.Spectrum(floats(sigma))
    expected = [integral(proof.integrand(*proof.weights_first(squares), h)), integral(proof.integrand_by_parts(squares, h))]
    for m, value in zip((1, len(sigma) - 1), expected, strict=True):
        np.testing.assert_allclose(lf.risk.exact(spectrum, m, field=field), value, rtol=ROUNDING)
        enclosure = lf.risk.enclosure(spectrum, m, field)
        assert enclosure is not None
        np.testing.assert_allclose([enclosure.low, enclosure.high], value, rtol=ROUNDING)


def test_linflow_agrees_with_the_closed_forms() -> None:
    x, y, z = 9.0, 4.0, 0.25
    spectrum = lf.Spectrum([3.0, 2.0, 0.5])
    R_F, R_D = mpmath.elliprf, mpmath.elliprd
    first = sum((13.25 - c) * R_D(1 / a, 1 / b, 1 / c) for a, b, c in ((x, y, z), (y, z, x), (z, x, y))) / (3 * 3)
    np.testing.assert_allclose(lf.risk.exact(spectrum, 1), float(first), rtol=ROUNDING)
    np.testing.assert_allclose(lf.risk.exact(spectrum, 2), float(3 * R_F(x, y, z)), rtol=ROUNDING)
    pair = lf.Spectrum([3.0, 2.0])
    np.testing.assert_allclose(lf.risk.exact(pair, 1), 6.0, rtol=ROUNDING)
    expected = float(proof.complex_pair(sp.Integer(9), sp.Integer(4)))
    np.testing.assert_allclose(lf.risk.exact(pair, 1, field="complex"), expected, rtol=ROUNDING)
