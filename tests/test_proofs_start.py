"""The file proofs/start.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import error, mle, start
from proofs.matrices import holds_at, value
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import GENERATOR, ROUNDING, floats, measurements

Y, Z_0 = sp.Matrix([3, -1, 2]), sp.Matrix([1, 0, -2, sp.Rational(1, 2)])


def test_it_holds() -> None:
    entries = entries_of("start")
    assert [entry.statement.name for entry in entries] == ["T9", "T9-penalty"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return -B.T * (B * latent - r) - pen", "    return -(B * latent - r) - pen"),
        ("    return -B.T * (B * latent - r) - pen", "    return B.T * (B * latent - r) - pen"),
        ("    rate = s**2 + penalty", "    rate = 2 * s**2 + penalty"),
        ("(1 - sp.exp(-rate * time)) * s * h / rate", "s * h / rate"),
        ("    return start + shortest(r - B * start)", "    return start + shortest(r)"),
        ("    return gamma / (value**2 + gamma)", "    return gamma / (value + gamma)"),
        ("    return gamma / (value**2 + gamma)", "    return value**2 / (value**2 + gamma)"),
        ("    return 1 + tau**2", "    return 1 + tau"),
        ("    return 1 + tau**2", "    return tau**2"),
        ("    gram_inverse = L * T * T * L.T", "    gram_inverse = L * T * L.T"),
        ("    return limit_from(z_0) - z\n", "    return limit_from(z_0)\n"),
        ("    found = R * Q * S * L.T * r", "    found = R * Q * L.T * r"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("start", old, new)


def at(expression: Any, m: int) -> Any:
    B = measurements(m, 4) * GENERATOR
    return value(expression, {mle.B: B, mle.V: (B * B.T).inv(), mle.r: Y[:m, :], start.z_0: Z_0})


@pytest.mark.parametrize("m", [1, 2, 3])
def test_linflow_ends_where_the_flow_does(m: int) -> None:
    flow, A = lf.LinearFlow.from_matrix(floats(GENERATOR)), floats(measurements(m, 4))
    found = lf.gradient_flow(flow, A, floats(Y[:m, :]), time=math.inf, start=floats(Z_0))
    expected = floats(GENERATOR * at(start.limit_from(start.z_0), m))
    np.testing.assert_allclose(found, expected, rtol=0, atol=10 * ROUNDING)


def test_linflow_moves_along_the_flow() -> None:
    # Diagonal G and measured coordinates: B = [S 0]. linflow's flow is that of |Bz - r|^2, twice as fast as here.
    sigma, time = [3, 2, 1], sp.Rational(1, 16)
    x = lf.gradient_flow(
        lf.LinearFlow.from_matrix(np.diag(floats(sigma))), np.eye(2, 3), [5.0, 7.0], time=float(time), start=[1.0, 2.0, 4.0]
    )
    modes = [
        start.flowed(2 * time, 0).subs({start.s: sigma[j], start.h: h, start.a_0: a_0})
        for j, (h, a_0) in enumerate([(5, 1), (7, 2)])
    ]
    expected = [float(sigma[j] * mode) for j, mode in enumerate(modes)]
    np.testing.assert_allclose(x, [*expected, 4.0], rtol=ROUNDING)


def test_linflow_has_the_risk_of_a_random_start() -> None:
    m, tau = 2, 0.5
    flow, A = lf.LinearFlow.from_matrix(floats(GENERATOR)), floats(measurements(m, 4))
    # Deviations that start at a unit vector, and those of signals: their squares sum to the two parts of the risk.
    from_start = lf.gradient_flow(flow, A, np.zeros(m), time=math.inf, start=np.eye(4))
    of_signal = lf.gradient_flow(flow, A, (A @ flow.matrix).T, time=math.inf, start=np.zeros(4)) - flow.matrix.T
    B = measurements(m, 4) * GENERATOR
    expected = float(value(error.error(), {mle.G: GENERATOR, mle.B: B, mle.V: (B * B.T).inv()}))
    risk = np.sum(of_signal**2) + tau**2 * np.sum(from_start**2)
    factor = float(start.random_start_factor().subs(start.tau, tau))
    assert risk == pytest.approx(factor * expected, rel=100 * ROUNDING)


def test_linflow_shrinks_each_mode_as_stated() -> None:
    sigma, gamma = [3, 2, 1], sp.Rational(1, 4)
    flow, A, y = lf.LinearFlow.from_matrix(np.diag(floats(sigma))), np.eye(2, 3), np.array([5.0, 7.0])
    likeliest, penalised = lf.mle(flow, A, y), lf.penalised(flow, A, y, penalty=float(gamma))
    expected = [float(start.shrinkage(sp.Integer(s)).subs(mle.gamma, gamma)) for s in sigma[:2]]
    np.testing.assert_allclose(1 - penalised[:2] / likeliest[:2], expected, rtol=ROUNDING)


def test_the_relations_say_what_the_letters_mean() -> None:
    L, S = sp.Matrix([[3, -4], [4, 3]]) / 5, sp.diag(3, sp.Rational(1, 2))
    whole = sp.Matrix([[1, 2, 2], [2, 1, -2], [2, -2, 1]]) / 3
    R, N = whole[:, :2], whole[:, 2:]
    letters = {mle.B: L * S * R.T, start.L: L, start.S: S, start.T: S.inv(), start.R: R, start.N: N}
    holds_at([*start.DECOMPOSITION, *start.COMPLETE], letters)
