"""Quantities of the penalised links and of the open questions: other algebra, exact errors, simulation, and twins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib import import_module

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linflow import Spectrum, catalogue, risk
from linflow.checks import Field
from linflow.claims import Case, hunt, verify
from linflow.claims.chain import interlacing_controls, interlacing_theorems
from linflow.claims.open_questions import OneStep, misplaced, roots_after
from linflow.claims.penalised import Penalised
from linflow.errors import InputError, NotConvergedError
from linflow.risk.leverages import complex_leverages
from linflow.testing import cases, seeds, spectra

NAMES = {claim.name: claim for claim in catalogue()}


# ------------------------------------------------------------------------------------------------- leverages


@given(cases(spectra(min_n=2, max_n=10)))
@settings(max_examples=80, deadline=None)
def test_leverages_give_the_exact_error_and_add_up(case: tuple[Spectrum, int]) -> None:
    spectrum, m = case
    seen, missed = complex_leverages(spectrum, m)
    np.testing.assert_allclose(seen + missed, 1.0, rtol=1e-12)
    assert seen.sum() == pytest.approx(m, rel=1e-12)
    assert float(spectrum.variances @ missed) == pytest.approx(risk.exact(spectrum, m, "complex"), rel=1e-10)
    assert np.all(np.diff(seen) <= 1e-12)


def test_leverages_of_a_pair_and_by_simulation() -> None:
    # For l_1 = a, l_2 = 1 and one measurement: E a u/(a u + v), u and v exponential, is a/(a-1) - a log(a)/(a-1)^2.
    a = 9.0
    seen, _ = complex_leverages(Spectrum([3.0, 1.0]), 1)
    assert seen[0] == pytest.approx(a / (a - 1) - a * np.log(a) / (a - 1) ** 2, rel=1e-13)
    spectrum, m, rng = Spectrum.exponential(7, 0.5), 3, np.random.default_rng(1)
    A = rng.standard_normal((4000, m, 7)) + 1j * rng.standard_normal((4000, m, 7))
    Q = np.linalg.qr(np.conj(np.swapaxes(A * spectrum.singular_values, 1, 2)))[0]
    drawn = np.sum(np.abs(Q) ** 2, axis=2)
    error = drawn.std(axis=0) / np.sqrt(4000)
    exact = complex_leverages(spectrum, m)[0]
    assert np.all(np.abs(drawn.mean(axis=0) - exact) < 5 * error)
    # The twin: those of one measurement more.
    assert np.any(np.abs(drawn.mean(axis=0) - complex_leverages(spectrum, m + 1)[0]) > 5 * error)


def test_leverages_that_do_not_converge_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("linflow.risk.leverages")
    with monkeypatch.context() as patch:
        patch.setattr(module, "_AGREEMENT", 0.0)
        with pytest.raises(NotConvergedError, match="leverages did not converge"):
            complex_leverages(Spectrum([1.0, 0.77]), 1)


@given(cases(spectra(min_n=2, max_n=8)))
@settings(max_examples=60, deadline=None)
def test_leverages_majorise_where_that_is_proved(case: tuple[Spectrum, int]) -> None:
    spectrum, m = case
    assume(m in (1, spectrum.n - 1))
    _, exact, equivalent = misplaced(spectrum, m)
    assert exact <= equivalent * (1 + 1e-12)


def test_misplaced_leverage_is_the_worst_of_every_k() -> None:
    spectrum, m = Spectrum([3.0, 2.5, 1.0, 0.5, 0.4, 0.1]), 3
    seen, _ = complex_leverages(spectrum, m)
    l = spectrum.variances
    p = l / (l + risk.kappa(spectrum, m))
    lacks = [(np.sum(1 - q[:k]) if k < m else np.sum(q[k:])) for q in (seen, p) for k in range(1, 6)]
    ratios = np.array(lacks[:5]) / np.array(lacks[5:])
    k, exact, equivalent = misplaced(spectrum, m)
    assert k == int(ratios.argmax()) + 1
    assert exact / equivalent == pytest.approx(ratios.max(), rel=1e-10)
    assert np.all(np.cumsum(seen) >= np.cumsum(p) - 1e-12)


# ------------------------------------------------------------------------------------------------- one step


@given(spectra(min_n=3, max_n=8, decades=2.0), seeds, st.data())
@settings(max_examples=60, deadline=None)
def test_roots_after_a_row_are_those_of_the_dense_covariance(spectrum: Spectrum, seed: int, data: st.DataObject) -> None:
    n, j = spectrum.n, data.draw(st.integers(1, spectrum.n - 2))
    a = np.random.default_rng(seed).standard_normal(n)
    sigma = spectrum.singular_values
    seen = a * sigma / np.linalg.norm(a * sigma)
    left = np.linalg.eigvalsh(sigma[:, None] * (np.eye(n) - np.outer(seen, seen)) * sigma)[1:]
    root = float(roots_after(spectrum, a[None] ** 2, j)[0])
    assert float(np.sum(left / (left + root))) == pytest.approx(j, rel=1e-7)


def test_roots_after_a_row_keep_their_digits_over_two_hundred_decades() -> None:
    spectrum = Spectrum(10.0 ** np.linspace(50, -50, 6))
    w = np.array([[1.0, 2.0, 0.5, 1.0, 3.0, 0.1]])
    for j in (1, 2, 3, 4):
        parts = (Spectrum(values) for values in (spectrum.singular_values[1:], spectrum.singular_values[:-1]))
        low, high = (float(risk.kappa(part, j)) for part in parts)
        root = float(roots_after(spectrum, w, j)[0])
        assert low <= root <= high
        # Only the two values around the root matter: p_{j+2} (1 + w_{j+2}/W_{j+1}) = q_{j+1} (1 - w_{j+1}/W_{j+1}).
        sums = np.cumsum(w[0])
        by_hand = np.sqrt(spectrum.variances[j] * spectrum.variances[j + 1] * sums[j + 1] / sums[j - 1])
        assert root == pytest.approx(float(by_hand), rel=1e-9)


@given(spectra(min_n=3, max_n=8, decades=150.0), seeds, st.data())
@settings(max_examples=60, deadline=None)
def test_roots_by_steps_are_those_by_halving(spectrum: Spectrum, seed: int, data: st.DataObject) -> None:
    """Of any spectrum: the equation itself, halved where its sides change their order."""
    j, n, l = data.draw(st.integers(1, spectrum.n - 2)), spectrum.n, spectrum.variances
    w = np.random.default_rng(seed).standard_normal((5, n)) ** 2
    found = roots_after(spectrum, w, j)
    parts = (Spectrum(values) for values in (spectrum.singular_values[1:], spectrum.singular_values[:-1]))
    low, high = (float(np.log(risk.kappa(part, j))) for part in parts)
    below, above = np.full(5, low - 1e-9), np.full(5, high + 1e-9)
    for _ in range(70):
        middle = 0.5 * (below + above)
        root = np.exp(middle)[:, None]
        p, q = l / (l + root), root / (l + root)
        larger = p[:, j + 1 :].sum(axis=1) + (w * p * q).sum(axis=1) / (w * p).sum(axis=1) > q[:, : j + 1].sum(axis=1)
        below, above = np.where(larger, middle, below), np.where(larger, above, middle)
    # In a gap between the l_i the two sides balance over decades, as far as rounding can tell: there any root will do.
    slope = np.sum(p * q, axis=1)
    np.testing.assert_allclose(np.log(found), middle, rtol=1e-12, atol=1e-12 + 1e-14 / slope.min())


@given(spectra(min_n=3, max_n=12, decades=3.0), st.data())
@settings(max_examples=20, deadline=None)
def test_one_step_is_never_seen_to_fail(spectrum: Spectrum, data: st.DataObject) -> None:
    m = data.draw(st.integers(2, spectrum.n - 1))
    drawn = OneStep().draws(spectrum, m, 2000, np.random.default_rng(0)).values
    error = drawn.std() / np.sqrt(2000)
    assert drawn.mean() + 7 * error >= m * risk.kappa(spectrum, m) * (1 - 1e-12)


def test_conjectures_are_hunted_and_their_twins_fall() -> None:
    for name in ("leverages-majorise", "one-step"):
        found = hunt(NAMES[name], seed=0, rounds=1, max_n=6, workers=1)
        assert (found.outcome, found.tight_when_flat) == ("not refuted", True)
    # By a tenth too strong, both fall.
    for name, factor in (("leverages-majorise", 0.9), ("one-step", 1.1)):
        wrong = replace(NAMES[name], value=partial(_times, factor, NAMES[name].value))
        assert hunt(wrong, seed=0, rounds=2, max_n=6, workers=1).outcome == "refuted"


def _times(factor: float, value: Callable[[Spectrum, int], float], spectrum: Spectrum, m: int) -> float:
    return factor * value(spectrum, m)


# ------------------------------------------------------------------------------------------------- penalised links


def test_a_penalty_follows_the_units_and_its_inputs_are_checked() -> None:
    quantity = Penalised(level=0.5)
    assert quantity.penalty(Spectrum([2.0, 2.0])) == 2.0
    assert not quantity.defined(Spectrum.flat(65), 3)
    assert not Penalised(level=1e-9).defined(Spectrum.flat(4), 3)
    for bad in ({"level": 0.0}, {"functional": "determinant"}, {"field": "rael"}):
        with pytest.raises(InputError):
            Penalised(**bad)


@pytest.mark.parametrize("field", ["real", "complex"])
def test_the_tilted_log_determinant_is_the_plain_one(field: Field) -> None:
    quantity, spectrum, m = Penalised(functional="log-det", field=field), Spectrum.exponential(4, 0.7), 2
    rng = np.random.default_rng(0)
    tilted = quantity.draws(spectrum, m, 20_000, rng).weights
    plain = quantity.plain(spectrum, m, 20_000, rng).values
    scale = quantity.scale(spectrum, m)
    error = np.hypot(scale * tilted.std(), plain.std()) / np.sqrt(20_000)
    assert abs(scale * tilted.mean() - plain.mean()) < 5 * error


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_penalised_links_are_supported_at_every_seed(seed: int) -> None:
    links = [claim for claim in interlacing_theorems() if isinstance(claim.quantity, Penalised)]
    assert len(links) == 8
    for claim in links:
        few = [Case(case.spectrum, case.m[:1]) for case in claim.cases[:2]]
        assert all(case.verdict == "supported" for case in verify(claim, seed=seed, cases=few, workers=1).cases)


@pytest.mark.parametrize("seed", range(5))
def test_every_false_twin_falls_at_every_seed(seed: int) -> None:
    small = [
        Case(Spectrum([3.0, 1.0]), (1,)),
        Case(Spectrum.step(3, 1, 1e-3), (1, 2)),
        Case(Spectrum.exponential(5, 2.0), (2,)),
    ]
    for claim in interlacing_controls():
        assert verify(claim, seed=seed, cases=small, workers=1, max_draws=10_000).verdict == "refuted", claim.name
