"""Enclosures of the error of one A hold the exact value, and are narrow, whatever the spectrum; so do quotients of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linflow.checks import FloatArray
from linflow.claims import certainties
from linflow.claims.certainties import Dominance, _ranks
from linflow.errors import InputError, RankError
from linflow.risk.enclosure import Enclosure
from linflow.risk.witness import error_enclosure, truncated_enclosure
from linflow.spectrum import Spectrum
from linflow.testing import seeds

SPECTRA = {
    "power": Spectrum.power_law(7),
    "step": Spectrum.step(8, 3, 1e-60),
    "wide": Spectrum(10.0 ** np.linspace(100, -100, 9)),
    "wider": Spectrum(10.0 ** np.linspace(150, -150, 5)),
}


def solved(matrix: list[list[Fraction]], sides: list[list[Fraction]]) -> list[list[Fraction]]:
    """Gauss and Jordan in fractions."""
    rows = [[*left, *right] for left, right in zip(matrix, sides, strict=True)]
    for i in range(len(rows)):
        pivot = next(j for j in range(i, len(rows)) if rows[j][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [entry / rows[i][i] for entry in rows[i]]
        for j in range(len(rows)):
            if j != i:
                rows[j] = [entry - rows[j][i] * own for entry, own in zip(rows[j], rows[i], strict=True)]
    return [row[len(matrix) :] for row in rows]


def product(one: list[list[Fraction]], other: list[list[Fraction]]) -> list[list[Fraction]]:
    return [
        [sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in zip(*other, strict=True)]
        for row in one
    ]


def transposed(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    return [list(column) for column in zip(*matrix, strict=True)]


def exact_error(spectrum: Spectrum, A: FloatArray) -> Fraction:
    """X_A in fractions, as the weighted squared norm of the complement's projector: ``tr(Sigma (I - P) Sigma)``."""
    sigma = [Fraction(float(s)) for s in spectrum.singular_values]
    B = [[Fraction(float(a)) * s for a, s in zip(row, sigma, strict=True)] for row in A]
    P = product(transposed(B), solved(product(B, transposed(B)), B))
    return sum((s * s * (1 - P[i][i]) for i, s in enumerate(sigma)), Fraction(0))


def exact_truncated(spectrum: Spectrum, A: FloatArray, k: int) -> Fraction:
    """Y_k(A) in fractions."""
    l = [Fraction(float(s)) ** 2 for s in spectrum.singular_values]
    head, rest = ([[Fraction(float(a)) for a in row[part]] for row in A] for part in (slice(0, k), slice(k, None)))
    M = solved(product(transposed(head), head), product(transposed(head), rest)) if k else []
    return sum(l[k:], Fraction(0)) + sum((m * m * v for row in M for m, v in zip(row, l[k:], strict=True)), Fraction(0))


def holds_narrowly(found: Enclosure | None, exact: Fraction) -> None:
    assert found is not None
    assert Fraction(found.low) <= exact <= Fraction(found.high)
    assert Fraction(found.high) - Fraction(found.low) <= exact * Fraction(2.0**-50)


@pytest.mark.parametrize("name", SPECTRA)
def test_enclosures_are_narrow_however_wide_the_spectrum(name: str) -> None:
    spectrum = SPECTRA[name]
    rng = np.random.default_rng(0)
    for m in (1, 2, spectrum.n - 1):
        for _ in range(2):
            A = rng.standard_normal((m, spectrum.n))
            holds_narrowly(error_enclosure(spectrum, A), exact_error(spectrum, A))
            for k in range(m + 1):
                holds_narrowly(truncated_enclosure(spectrum, A, k), exact_truncated(spectrum, A, k))


def test_rows_that_are_nearly_dependent_cost_precision_and_no_digits() -> None:
    spectrum = SPECTRA["power"]
    row = np.random.default_rng(1).standard_normal(spectrum.n)
    nearly = np.stack([row, row * (1 + 1e-15 * np.arange(spectrum.n))])
    holds_narrowly(error_enclosure(spectrum, nearly), exact_error(spectrum, nearly))
    holds_narrowly(truncated_enclosure(spectrum, nearly, 2), exact_truncated(spectrum, nearly, 2))
    with pytest.raises(RankError, match="dependent"):
        error_enclosure(spectrum, np.stack([row, 2 * row]))
    assert truncated_enclosure(spectrum, np.stack([row, 2 * row]), 2) is None
    for bad in (row, np.ones((9, 9)), row[None] + 1j, np.full((1, 7), np.nan)):
        with pytest.raises(InputError):
            error_enclosure(spectrum, bad)


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(1, 5))
def test_the_quotient_of_enclosures_is_rounded_outwards(seed: int, m: int) -> None:
    spectrum = Spectrum.power_law(6)
    A = np.random.default_rng(seed).standard_normal((m, 6))
    low, high = Dominance().enclosure_at(spectrum, m, A)
    error = error_enclosure(spectrum, A)
    risks = [risk for k in _ranks(m) if (risk := truncated_enclosure(spectrum, A, k)) is not None]
    assert Fraction(low) <= max(Fraction(error.low) / Fraction(risk.high) for risk in risks)
    assert Fraction(high) >= max(Fraction(error.high) / Fraction(risk.low) for risk in risks)
    exact = exact_error(spectrum, A) / min(exact_truncated(spectrum, A, k) for k in _ranks(m))
    assert Fraction(low) <= exact <= Fraction(high)
    assert high - low <= 1e-14 * high


def test_each_end_of_a_quotient_is_that_of_the_worst_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    # Enclosures much wider than the margin that their quotient is rounded by.
    risks = iter([Enclosure(4.0, 8.0), Enclosure(5.0, 40.0), None])
    monkeypatch.setattr(certainties, "error_enclosure", lambda spectrum, A: Enclosure(1.0, 2.0))
    monkeypatch.setattr(certainties, "truncated_enclosure", lambda spectrum, A, k: next(risks))
    assert len(_ranks(2)) == 3
    low, high = Dominance().enclosure_at(Spectrum.power_law(6), 2, np.eye(2, 6))
    assert (1 - 1e-14) / 8 <= low <= 1 / 8
    assert 2 / 4 <= high <= (1 + 1e-14) * 2 / 4
