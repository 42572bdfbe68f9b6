"""The file proofs/proxy.py: it holds, not with a fault in it, and linflow computes what it says."""

from __future__ import annotations

import pytest
import sympy as sp

import linflow as lf
from proofs import proxy
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import GENERATOR, MEAN, ROUNDING, SPECTRA, floats, rational

LATENTS = ((0, 0, 0, 0), (1, -2, sp.Rational(1, 2), 3))


def test_it_holds() -> None:
    entries = entries_of("proxy")
    assert entries
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return -q / 2 - log", "    return -q / 2 + log"),
        ("- log_det_covariance / 2 -", "- log_det_covariance -"),
        ("    return 2 * log_abs_det", "    return log_abs_det"),
        ("    return log_latent_density - log_abs_det", "    return log_latent_density + log_abs_det"),
        ("    precision = F.T * F", "    precision = F * F.T"),
        ("    return log_density(w**2, 0, 1) - w", "    return log_density(w**2, 0, 1)"),
        ("    return log_density(w**2, 0, 1) - w", "    return log_density(w**2, 0, 1) + w"),
        ("explicit.det() ** 2)", "explicit.det())"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("proxy", old, new)


@pytest.mark.parametrize("G", [GENERATOR, *(sp.diag(*rational(values)) for values in SPECTRA)])
def test_linflow_computes_this_likelihood(G: sp.Matrix) -> None:
    n = G.rows
    flow = lf.LinearFlow.from_matrix(floats(G), mean=floats(sp.Matrix([*MEAN, 1][:n])))
    log_abs_det = sp.log(sp.Abs(G.det()))
    assert flow.log_det == pytest.approx(float(log_abs_det), rel=ROUNDING, abs=ROUNDING)
    for start in LATENTS:
        z = sp.Matrix([*start, 1][:n])
        latent = proxy.log_density(z.dot(z), 0, n)
        expected = proxy.proxy(latent).subs(proxy.log_abs_det, log_abs_det)
        assert float(flow.log_prob(flow.forward(floats(z)))) == pytest.approx(float(expected), rel=100 * ROUNDING)
