"""A_s in ball arithmetic: held against exact rational arithmetic, closed forms and float64."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow import Spectrum, risk
from linflow.errors import NotConvergedError
from linflow.risk import roots
from linflow.risk.balls import precision
from linflow.risk.roots import per_dimension_ball
from linflow.testing import cases, spectra

WIDE = Spectrum(10.0 ** np.linspace(140, -140, 7), name="wide")
NEARLY_FLAT = Spectrum(1.0 + 1e-15 * np.arange(5), name="nearly flat")
STEP = Spectrum.step(8, 3, 1e-8)


def ends(ball: arb) -> tuple[fmpq, fmpq]:
    """Rational numbers on either side of a ball."""

    def rational(number: arb) -> fmpq:
        mantissa, exponent = number.man_exp()
        return fmpq(int(mantissa)) * fmpq(2) ** int(exponent)

    return rational(ball.mid()) - rational(ball.rad()), rational(ball.mid()) + rational(ball.rad())


def encloses(ball: arb, spectrum: Spectrum, order: int) -> bool:
    """Whether kappa lies in the ball of ``s kappa/(n - s)``, by the sign of an exact sum at either end."""
    n = spectrum.n
    l = [fmpq(*float(sigma).as_integer_ratio()) ** 2 for sigma in spectrum.singular_values]
    low, high = (end * (n - order) / order for end in ends(ball))
    return bool(sum(x / (x + low) for x in l) >= order >= sum(x / (x + high) for x in l))


@pytest.mark.parametrize("spectrum", [WIDE, NEARLY_FLAT, STEP], ids=lambda s: s.name)
@pytest.mark.parametrize("accuracy", [1, 60, 500])
def test_the_root_is_enclosed_as_narrowly_as_asked_for(spectrum: Spectrum, accuracy: int) -> None:
    for order in range(1, spectrum.n):
        ball = per_dimension_ball(spectrum, order, accuracy)
        assert encloses(ball, spectrum, order)
        assert ball.rad() < ball.mid() * arb(2) ** -accuracy
        # The twin: a ball beside it does not enclose the root.
        with precision(accuracy + 64):
            assert not encloses(ball * (1 + arb(2) ** (1 - accuracy)), spectrum, order)


@given(cases(spectra(min_n=2, max_n=6, decades=12.0)), st.integers(20, 300))
@settings(max_examples=40)
def test_the_root_of_any_spectrum(case: tuple[Spectrum, int], accuracy: int) -> None:
    spectrum, m = case
    for order in (m - 1, m, m + 1):
        if not 0 <= order <= spectrum.n:
            continue
        ball = per_dimension_ball(spectrum, order, accuracy)
        assert order in (0, spectrum.n) or encloses(ball, spectrum, order)
        rounded = float(risk.per_dimension(spectrum, order))
        assert float(ball) == pytest.approx(rounded, rel=max(1e-12, 2.0 ** (1 - accuracy)))


def test_closed_forms() -> None:
    pair, flat = Spectrum([0.3, 0.7]), Spectrum.flat(6, 0.1)
    with precision(300):
        product = arb(0.3) * arb(0.7)
        mean, harmonic = (arb(0.3) ** 2 + arb(0.7) ** 2) / 2, 2 / (1 / arb(0.3) ** 2 + 1 / arb(0.7) ** 2)
        for order, value in enumerate((mean, product, harmonic)):
            assert per_dimension_ball(pair, order, 200).contains(value.mid())
        for order in range(7):
            assert per_dimension_ball(flat, order, 200).contains(arb(0.1) ** 2)
            assert not per_dimension_ball(flat, order, 200).contains(arb(0.1) ** 2 * (1 + arb(2) ** -190))


def test_a_start_that_is_far_off_is_an_error_and_no_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "kappa", lambda spectrum, order: 2.0 * float(risk.kappa(spectrum, order)))
    with pytest.raises(NotConvergedError, match="kappa of order 2 is not enclosed to 20 bits"):
        per_dimension_ball(WIDE, 2, 20)
