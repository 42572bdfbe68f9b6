"""The file proofs/named_spectra.py: it holds, and not with a fault in it; linflow's bounds, equivalents and fits agree."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, ctx, fmpq

from linflow import Spectrum, risk
from proofs import named_spectra
from proofs.enclosures import complex_errors, real_error
from tests.proof_faults import entries_of, gaps

SIGMA = [(3, 2, 1), (8, 4, 4, 1, 1), (9, 9, 9, 2, 1, 1, 1)]


def number(value: fmpq) -> float:
    return float(value.p) / float(value.q)


def test_it_holds() -> None:
    entries = entries_of("named_spectra")
    assert len(entries) == 2
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return m * tail(l, m - 2)", "return m * tail(l, m - 1)"),
        ("return m * tail(l, m - 2)", "return tail(l, m - 2)"),
        ("(1 + fmpq(k, m - k - 1)) * tail(l, k)", "(1 + fmpq(k, m - k - 1)) * tail(l, k + 1)"),
        ("(1 + fmpq(k, m - k)) * tail(l, k)", "(1 + fmpq(k, m - k + 1)) * tail(l, k)"),
        ("return sum(l[k + 1 :], l[k])", "return sum(l[k:], l[k])"),
        ("return sum(x / (x + kappa) for x in l)", "return sum(kappa / (x + kappa) for x in l)"),
        ("- total.transpose() * total", "- 0 * total.transpose() * total"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("named_spectra", old, new)


@pytest.mark.parametrize("sigma", SIGMA, ids=str)
def test_the_bounds_are_those_of_linflow(sigma: tuple[int, ...]) -> None:
    spectrum, l, n = Spectrum([float(s) for s in sigma]), [fmpq(s * s) for s in sigma], len(sigma)
    for m in range(1, n):
        assert risk.theorem_lower(spectrum, m) == number(named_spectra.tail(l, m))
        assert risk.error_range(spectrum, m)[1] == number(named_spectra.head(l, n - m))
        for k in range(m):
            exact = number(named_spectra.complex_upper(l, m, k))
            assert np.isclose(risk.complex_upper(spectrum, m, rank=k), exact, rtol=1e-15)
        if m >= 2:
            assert risk.theorem_upper(spectrum, m) == number(named_spectra.theorem_upper(l, m))
            best = min(named_spectra.real_upper(l, m, k) for k in range(m - 1))
            assert np.isclose(risk.best_upper(spectrum, m), number(best), rtol=1e-15)


@pytest.mark.parametrize("sigma", SIGMA, ids=str)
def test_kappa_solves_its_equation(sigma: tuple[int, ...]) -> None:
    spectrum, l = Spectrum([float(s) for s in sigma]), [fmpq(s * s) for s in sigma]
    for m in range(1, len(sigma)):
        kappa = fmpq(*float(risk.kappa(spectrum, m)).as_integer_ratio())
        # The left side decreases in kappa; linflow's root is accurate to a few units in the last place.
        little = fmpq(1, 10**14)
        assert named_spectra.seen(l, kappa * (1 + little)) < m < named_spectra.seen(l, kappa * (1 - little))
        assert np.isclose(risk.equivalent(spectrum, m), m * number(kappa), rtol=1e-14)


@pytest.mark.parametrize("name", named_spectra.REAL)
def test_the_real_spectra(name: str) -> None:
    samples = np.array(named_spectra.REAL[name](), dtype=np.float64)
    spectrum, exact = Spectrum.from_data(samples, shrinkage=0.0), named_spectra.real(name)
    sigma = np.array([float(x.sqrt()) for x in exact.l])
    # Centring and the singular value decomposition are backward stable: an error relative to the largest value.
    backward = 1e-13 * sigma[0]
    assert np.abs(spectrum.singular_values - sigma).max() < backward
    # E_m increases in each l_i and is homogeneous, so it changes by at most the largest relative change of an l_i.
    relative = 2 * backward / sigma[-1]
    with ctx.workprec(160):
        curve = complex_errors(exact.l)
        for m in (1, exact.n // 4, exact.n // 2, exact.n - 1):
            assert abs(float(arb(risk.exact(spectrum, m, "complex")) / curve[m]) - 1) < relative
        for m in (1, exact.n - 1):
            assert abs(float(arb(risk.exact(spectrum, m)) / real_error(exact.l, m)) - 1) < relative


def test_the_digits_have_three_constant_pixels() -> None:
    assert len(named_spectra.digits(1)[0]) == 61
    assert len(named_spectra.digits(2)[0]) == 16


def test_errors_on_the_other_side_of_the_root_would_be_noticed() -> None:
    """The same comparison, the other way round: complex A above m kappa, or real A below."""
    for spectrum in named_spectra.SYNTHETIC:
        with ctx.workprec(2 * spectrum.bits):
            for m in (1, spectrum.n - 1):
                real, unitary = named_spectra.real_value(spectrum, m), named_spectra.complex_curve(spectrum)[m]
                assert named_spectra.seen(spectrum.l, real / m) < m < named_spectra.seen(spectrum.l, unitary / m)
                assert unitary < real
