"""The file proofs/real_exact.py: it holds, and not with a fault in it; the integral is the error that linflow computes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

import linflow as lf
from proofs import real_exact as proof
from tests.proof_faults import entries_of, gaps

#: Squares of the singular values.
SPECTRA = ((3.0, 2.0, 1.0), (5.0, 1.0, 0.2, 0.1), (1.0, 1.0, 1.0, 1.0), (100.0, 3.0, 1.0, 1.0, 0.5))

#: The trapezoidal rule in log tau and log(w - 1) converges geometrically; halving the step changes the sum by less.
ACCURACY = 1e-10


def test_it_holds() -> None:
    entries = entries_of("real_exact")
    assert [entry.statement.name for entry in entries] == ["real-exact"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "return 1 + 2 * variance * time * cosh + variance**2 * time**2",
            "return 1 + variance * time * cosh + variance**2 * time**2",
        ),
        (
            "return 2 + 2 * one * other * time**2 + 2 * time * (one + other) * cosh",
            "return 1 + one * other * time**2 + time * (one + other) * cosh",
        ),
        ("return 1 / (1 + variance * time)", "return 1 / (1 + 2 * variance * time)"),
        (
            "return 2 * sp.pi ** (dimension / 2) / sp.gamma(dimension / 2)",
            "return sp.pi ** (dimension / 2) / sp.gamma(dimension / 2)",
        ),
        ("return sphere(m) * sphere(m - 1) / 4 * sp.pi / 2", "return sphere(m) * sphere(m - 1) / 4 * sp.pi"),
        ("return sphere(m) * sphere(m - 1) / 4 * sp.pi / 2", "return sphere(m) ** 2 / 4 * sp.pi / 2"),
        ("    return m - 1\n", "    return m\n"),
        ("return time ** (m - 1)", "return time ** (m - 2)"),
        ("return sp.factorial(count)", "return sp.factorial(count + 1)"),
        ("same(one**2 / (2 * sp.pi), 1 / q)", "same(one / (2 * sp.pi), 1 / q)"),
        ("minor**2 + spread_other * minor_other**2)", "minor**2 - spread_other * minor_other**2)"),
        ("same(sp.Rational(1, 8) * 2 * 2 * 2, 1)", "same(sp.Rational(1, 8) * 2 * 2, 1)"),
        ("TWO_ROWS = at_least(m, 2)", "TWO_ROWS = at_least(m, 1)"),
        (
            'Proposition(E(m), "=", error_factor(m) * double_integral(m - 1)',
            'Proposition(E(m), "=", m * double_integral(m - 1)',
        ),
        ("same(sp.simplify(jacobian) ** 2, (t_1 - t_2) ** 2)", "same(sp.simplify(jacobian) ** 2, (t_1 + t_2) ** 2)"),
        ("same(to_square, 4 * r**2 * y)", "same(to_square, 2 * r**2 * y)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("real_exact", old, new)


def symmetric(order: int, values: list[float]) -> float:
    return float(sum(np.prod(chosen) for chosen in combinations(values, order)))


def integral(l: tuple[float, ...], m: int, order: int) -> float:
    """I[order] of the file."""
    step = 0.2
    log_tau = np.arange(-45, 45, step)[:, None]
    log_excess = np.arange(-45, 60, step)[None, :]
    tau: NDArray[np.float64] = np.exp(log_tau)
    w: NDArray[np.float64] = 1 + np.exp(log_excess)
    quadratics = [proof.quadratic(x, tau, w) for x in l]
    pairs = 0.0
    for j, k in combinations(range(len(l)), 2):
        rest = [x for i, x in enumerate(l) if i not in (j, k)]
        pair = proof.numerator(l[j], l[k], tau, w) / (quadratics[j] * quadratics[k])
        pairs = pairs + l[j] * l[k] * symmetric(order, rest) * pair
    weight = proof.powers(m, tau) * tau * np.exp(log_excess) / np.sqrt(np.prod(np.stack(quadratics), axis=0))
    return float((weight * pairs).sum()) * step**2


@pytest.mark.parametrize("l", SPECTRA)
def test_the_integral_is_one_and_the_error(l: tuple[float, ...]) -> None:
    n = len(l)
    spectrum = lf.Spectrum(np.sqrt(l))
    for m in range(2, n):
        assert integral(l, m, m - 2) == pytest.approx(1, rel=ACCURACY)
        error = float(proof.error_factor(m)) * integral(l, m, m - 1)
        if m == n - 1:
            assert error == pytest.approx(lf.risk.exact(spectrum, m), rel=ACCURACY)
        if len(set(l)) == 1:
            assert error == pytest.approx(l[0] * (n - m), rel=ACCURACY)
        # Between the equivalents of m and of m - 1 measurements.
        assert lf.risk.equivalent(spectrum, m) * (1 - ACCURACY) <= error
        assert error <= (n - m) / (n - m + 1) * lf.risk.equivalent(spectrum, m - 1) * (1 + ACCURACY)
