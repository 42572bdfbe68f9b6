"""The file proofs/tilt.py: it holds, not with a fault in it, and linflow draws from the law that it describes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import linflow as lf
from linflow.claims.tilted import draw_tilted
from proofs import tilt, truncated
from proofs.matrices import value
from tests.proof_faults import entries_of, gaps
from tests.proof_spectra import ROUNDING, SPECTRA, floats, rational


def test_it_holds() -> None:
    entries = entries_of("tilt")
    assert [entry.statement.name for entry in entries] == ["tilt"]
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return l / tail / (m - 1)", "    return l / tail / m"),
        ("    return 1 - k / (m - 1)", "    return 1 - k / (m - k - 1)"),
        ("    return m - k - 1", "    return m - k"),
        ("    return m - k - 1", "    return m - k + 1"),
        ("    return 3\n", "    return 2\n"),
        ("(S * B.T * a).T * B.T", "(S * B.T * a).T * S * B.T"),
        ("r.T / r.dot(r)", "r.T"),
        ("* 2 * positive / 2", "* 2 * positive"),
        ("of_length * (l_1 * of_coefficient", "of_length * (l_2 * of_coefficient"),
        ("weight(l_2, total, nu) * second", "weight(l_1, total, nu) * second"),
        ("of_length = (1 + 2 * t) / excess", "of_length = (1 + t) / excess"),
        ("[(unit.T * R, last * unit.T)]", "[(unit.T * R, unit.T)]"),
        ("(H * V * H.T) * (H * M), M.T * V * M", "(H.T * V * H) * (H * M), M.T * V * M"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("tilt", old, new)


class Recorder:
    """A generator that writes down which degrees of freedom it is asked for; `share` stands for every uniform variable."""

    def __init__(self, share: float) -> None:
        self.rng, self.share, self.degrees = np.random.default_rng(5), share, list[Any]()

    def standard_normal(self, size: Any) -> Any:
        return self.rng.standard_normal(size)

    def random(self, size: Any) -> Any:
        return np.full(size, self.share)

    def integers(self, low: int, high: int, size: Any) -> Any:
        return np.full(size, low)

    def choice(self, values: Any, size: Any) -> Any:
        return np.full(size, values[0])

    def chisquare(self, degrees: Any, size: Any = None) -> Any:
        self.degrees.append(np.array(degrees))
        return self.rng.chisquare(degrees, size)


@pytest.mark.parametrize(("m", "k"), [(3, 1), (4, 1), (4, 2), (5, 2), (5, 3)])
def test_linflow_draws_from_this_law(m: int, k: int) -> None:
    spectrum = lf.Spectrum([3.0, 2.0, 1.0, 0.5, 0.25])
    share = float(1 - tilt.plain_weight(sp.Integer(m), sp.Integer(k)))
    for uniform, tilted in ((share * (1 - ROUNDING), True), (share * (1 + ROUNDING), False)):
        recorder = Recorder(uniform)
        draw_tilted(spectrum, m, k, size=2, rng=recorder)  # type: ignore[arg-type]
        diagonal, coefficient = recorder.degrees
        expected = [float(m - q) for q in range(k)]
        if tilted:
            expected[-1] = float(tilt.tilted_length_degrees(m, k))
        assert diagonal.tolist() == [expected] * 2
        assert coefficient == tilt.tilted_coefficient_degrees()


@pytest.mark.parametrize("values", SPECTRA[:2])
def test_linflow_computes_the_density_of_the_law(values: tuple[str, ...]) -> None:
    sigma, k = rational(values), 1
    spectrum, m = lf.Spectrum(floats(sigma)), len(sigma)
    draws = draw_tilted(spectrum, m, k, size=3, rng=np.random.default_rng(0))
    for A_floats, dominating in zip(draws.A, draws.dominating, strict=True):
        A = sp.Matrix(A_floats.tolist()).applyfunc(sp.Rational)
        head, L_2 = A[:, :k], sp.diag(*(s**2 for s in sigma[k:]))
        letters = {
            truncated.A_1: head,
            truncated.A_2: A[:, k:],
            truncated.L_2: L_2,
            truncated.W_inverse: (head.T * head).inv(),
        }
        assert dominating == pytest.approx(float(value(truncated.risk_given(L_2.trace(), 0), letters)), rel=ROUNDING)
