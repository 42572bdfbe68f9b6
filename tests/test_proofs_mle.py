"""The file proofs/mle.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from proofs import mle
from proofs.matrices import holds_at, value
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import GENERATOR, MEAN, ROUNDING, floats, measurements

Y = sp.Matrix([3, -1, 2])
GAMMA = sp.Rational(9, 4)


def test_it_holds() -> None:
    entries = entries_of("mle")
    assert len(entries) == 2
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return B.T * V * target", "    return B.T * V * target / 2"),
        ("    return B.T * V * target", "    return V * B * target"),
        ("precision = F.T * F", "precision = F * F.T"),
        ("y = A * mu + r", "y = r"),
        ("    return B.T * V * B\n", "    return B.T * B\n"),
        ("return square(B * latent - r) + gamma * square(latent)", "return square(B * latent - r) + square(latent)"),
        ("return square(B * latent - r) + gamma * square(latent)", "return square(B * latent - r)"),
        ("    return H * B.T * r", "    return B.T * r - H * B.T * r"),
        ("    return B.T * K * r", "    return B.T * V * r"),
        ("    return I_n - B.T * K * B", "    return I_n - gamma * B.T * K * B"),
        ("minus_twice_log = square(B * z - r) / gamma", "minus_twice_log = square(B * z - r) / gamma**2"),
        ("-gamma * B.T * V * K * r", "gamma * B.T * V * K * r"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("mle", old, new)


def letters(m: int) -> dict[Any, sp.Matrix]:
    A = measurements(m, 4)
    B = A * GENERATOR
    return {
        mle.A: A,
        mle.G: GENERATOR,
        mle.F: GENERATOR.inv(),
        mle.B: B,
        mle.V: (B * B.T).inv(),
        mle.H: (B.T * B + GAMMA * sp.eye(4)).inv(),
        mle.K: (B * B.T + GAMMA * sp.eye(m)).inv(),
        mle.r: Y[:m, :] - A * MEAN,
    }


def numeric(expression: Any, m: int) -> Any:
    return value(expression.subs(mle.gamma, GAMMA), letters(m))


@pytest.mark.parametrize("m", [1, 2, 3])
def test_linflow_computes_these_estimates(m: int) -> None:
    flow = lf.LinearFlow.from_matrix(floats(GENERATOR), mean=floats(MEAN))
    A, y = floats(measurements(m, 4)), floats(Y[:m, :])
    likeliest = MEAN + GENERATOR * numeric(mle.shortest(mle.r), m)
    np.testing.assert_allclose(lf.mle(flow, A, y), floats(likeliest), rtol=0, atol=10 * ROUNDING)
    noisy = lf.map_estimate(flow, A, y, noise_std=float(sp.sqrt(GAMMA)))
    penalised = lf.penalised(flow, A, y, penalty=float(GAMMA))
    for form in (mle.minimiser(), mle.minimiser_by_measurements()):
        expected = floats(MEAN + GENERATOR * numeric(form, m))
        np.testing.assert_allclose(noisy, expected, rtol=0, atol=10 * ROUNDING)
        np.testing.assert_allclose(penalised, expected, rtol=0, atol=10 * ROUNDING)
    for noise_std, covariance in ((1.5, mle.posterior_covariance()), (0.0, mle.I_n - mle.projector())):
        expected = floats(GENERATOR * numeric(covariance, m) * GENERATOR.T)
        found = lf.posterior(flow, A, y, noise_std=noise_std).covariance
        np.testing.assert_allclose(found, expected, rtol=0, atol=10 * ROUNDING)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_the_relations_say_what_the_letters_mean(m: int) -> None:
    given = [*mle.MEASURED, *mle.INVERSE, *mle.GRAM, *mle.INNER, *mle.OUTER]
    holds_at([(word, sp.sympify(meaning).subs(mle.gamma, GAMMA)) for word, meaning in given], letters(m))
