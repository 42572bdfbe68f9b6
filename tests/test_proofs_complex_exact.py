"""The file proofs/complex_exact.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import complex_exact as proof
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational


def test_it_holds() -> None:
    entries = entries_of("complex_exact")
    assert len(entries) == 1
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return m * replaced(values", "    return (m + 1) * replaced(values"),
        ("column = [x ** (m - 1) * y", "column = [x**m * y"),
        (
            "for j in range(m + 1, n + 1)) / sp.prod([t + x for x in variances])",
            "for j in range(m, n + 1)) / sp.prod([t + x for x in variances])",
        ),
        ("sum(M[k, k] for k in range(n - m, n))", "sum(M[k, k] for k in range(m))"),
        (
            "    return sp.factorial(len(roots)) * vandermonde(roots)",
            "    return sp.factorial(len(nodes)) * vandermonde(roots)",
        ),
        ("* x ** (power + m)", "* x**power"),
        ("* logarithm / sp.factorial(m - 1)", "* logarithm / sp.factorial(m)"),
        ("A * Lambda, N * B_inverse * N.T", "A * Lambda, N * precision * N.T"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("complex_exact", old, new)


@pytest.mark.parametrize("values", [*SPECTRA[:2], ("1000", "1", "1/1000"), ("6", "5", "4", "3", "2", "1")])
def test_linflow_computes_the_determinant(values: tuple[str, ...]) -> None:
    sigma = rational(values)
    spectrum = lf.Spectrum(floats(sigma))
    x = [1 / value**2 for value in sigma]
    for m in range(1, len(sigma)):
        expected = float(sp.N(proof.determinant(x, [sp.log(value) for value in x], m), 30, maxn=200))
        np.testing.assert_allclose(lf.risk.exact(spectrum, m, field="complex"), expected, rtol=ROUNDING)
        enclosure = lf.risk.enclosure(spectrum, m, "complex")
        assert enclosure is not None
        np.testing.assert_allclose([enclosure.low, enclosure.high], expected, rtol=ROUNDING)


def test_linflow_computes_the_integral_with_repeated_values() -> None:
    values = SPECTRA[2]
    sigma = rational(values)
    spectrum = lf.Spectrum(floats(sigma))
    for m in range(1, len(sigma)):
        f = sp.lambdify(proof.t, proof.exceedance([x**2 for x in sigma], m), "mpmath")
        with mpmath.workdps(30):
            step = mpmath.mpf(1) / 8
            points = [mpmath.exp(k * step) for k in range(-600, 601)]
            expected = float(m * step * mpmath.fsum(point * f(point) for point in points))
        np.testing.assert_allclose(lf.risk.exact(spectrum, m, field="complex"), expected, rtol=ROUNDING)
