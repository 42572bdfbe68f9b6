"""Claims about other ensembles than the Gaussian one: decided by plain draws, and by no theorem, oracle or search."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

import linflow as lf
from linflow import measurement as ms
from linflow.claims import MLERisk, verify
from linflow.claims.proved import proved_about
from linflow.errors import ClaimError, InputError
from linflow.testing import assert_quantity

#: Where a selection of coordinates misses what Gaussian measurements always see.
SPIKED = lf.Spectrum([10.0, *[1.0] * 7])
CASE = lf.Case(SPIKED, (2,))
ENERGY = SPIKED.energy


def claim(kind: Any, value: Callable[..., float], quantity: Any, **more: Any) -> lf.Claim:
    return lf.Claim(name="c", statement="a claim", kind=kind, value=value, quantity=quantity, **more)


def constant(m: int, n: int, rng: np.random.Generator) -> Any:
    """The first m coordinates, whatever the draw."""
    return np.eye(m, n)


@pytest.mark.parametrize("name", ms.ensembles())
def test_every_ensemble_keeps_the_contract_of_a_quantity(name: str) -> None:
    cases = [lf.Case(lf.Spectrum.power_law(8), (0, 1, 3, 8)), lf.Case([2.0, 1.0], (1,))]
    assert_quantity(MLERisk(ensemble=name), cases=cases, draws=40)
    by_name, by_function = MLERisk(ensemble=name), MLERisk(ensemble=ms.ensembles()[name])
    for quantity in (by_name, by_function):
        draws = quantity.draws(SPIKED, 2, 3, np.random.default_rng(5))
        # The other road: the library's own simulator, which makes its generator from the seed.
        seed = np.random.SeedSequence(5)
        curves = lf.risk.simulate(SPIKED, trials=3, seed=seed, ensemble=ms.ensembles()[name], m_max=2)
        assert draws.values.shape == (3,)
        assert np.all((curves >= 0) & (curves <= ENERGY * (1 + 1e-12)))
        assert np.array_equal(draws.weights, np.clip(draws.values / ENERGY, 0, 1))


def test_the_draws_are_those_of_the_simulator() -> None:
    rng = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(0,)))
    for name in ("rademacher", "random rows", "subsampled dct"):
        wanted = lf.risk.simulate(SPIKED, trials=5, seed=3, ensemble=ms.ensembles()[name], m_max=4)[:, 4]
        rng = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(0,)))
        assert np.array_equal(MLERisk(ensemble=name).plain(SPIKED, 4, 5, rng).values, wanted)


@pytest.mark.parametrize(
    ("ensemble", "mean"),
    [
        ("random rows", 0.75 * ENERGY),  # each coordinate is missed with probability 1 - m/n
        (constant, float(SPIKED.tail(2))),
    ],
)
def test_known_means_are_told_from_wrong_ones(ensemble: Any, mean: float) -> None:
    quantity = MLERisk(ensemble=ensemble)
    for kind, factor, word in (
        ("upper", 1.2, "supported"),
        ("upper", 0.8, "refuted"),
        ("lower", 0.8, "supported"),
        ("lower", 1.2, "refuted"),
        ("close", 1.0, "supported"),
        ("equal", 1.2, "refuted"),
    ):
        verdict = verify(
            claim(kind, lambda s, m, f=factor: f * mean, quantity, tolerance=0.2), cases=[CASE], workers=1, max_draws=1500
        )
        assert verdict.verdict == word, (kind, factor, verdict.sentence)
        assert verdict.basis == "rigorous"
    # No sampling supports an equality.
    verdict = verify(claim("equal", lambda s, m: mean, quantity, tolerance=0.2), cases=[CASE], workers=1, max_draws=200)
    assert verdict.verdict in ("not refuted", "undecided")


def test_a_row_that_says_nothing_new_leaves_the_error_where_it_was() -> None:
    again = MLERisk(ensemble=lambda m, n, rng: np.tile(np.eye(1, n), (m, 1)))
    assert np.allclose(again.draws(SPIKED, 3, 2, np.random.default_rng(0)).values, SPIKED.tail(1), rtol=1e-12)


def test_what_is_proved_of_gaussian_measurements_decides_nothing_about_others() -> None:
    def bound(spectrum: lf.Spectrum, m: int) -> float:
        return 2 * float(lf.risk.interlacing(spectrum, m)[1])

    case = [lf.Case(SPIKED, (4,))]
    own = verify(claim("upper", bound, lf.claims.ExpectedError()), cases=case, workers=1)
    assert (own.verdict, own.basis in ("exact", "proved")) == ("supported", True)
    for quantity in (MLERisk(ensemble="random rows"), MLERisk(ensemble="gaussian")):
        assert all(proved_about(quantity, SPIKED, 4, every_draw=every) is None for every in (False, True))
        assert quantity.enclosure(SPIKED, 4) is None
    # The same bound is false of rows, which miss the spike half of the time, and no more than sampled where it is true.
    wrong = verify(claim("upper", bound, MLERisk(ensemble="random rows")), cases=case, workers=1)
    assert (wrong.verdict, wrong.basis) == ("refuted", "rigorous")
    true = verify(claim("upper", bound, MLERisk(ensemble="gaussian")), cases=case, workers=1)
    assert (true.verdict, true.basis) == ("supported", "rigorous")


def test_each_draw_of_an_ensemble_is_no_search_over_all_A() -> None:
    def bound(spectrum: lf.Spectrum, m: int) -> float:
        return 1.000001 * float(spectrum.tail(m))

    kept = verify(claim("upper", bound, MLERisk(ensemble=constant), every_draw=True), cases=[CASE], workers=1)
    assert kept.verdict == "not refuted"
    assert "no violation" in kept.cases[0].evidence.words()
    assert "searches" not in kept.cases[0].evidence.words()
    broken = verify(claim("upper", bound, MLERisk(ensemble="rademacher"), every_draw=True), cases=[CASE], workers=1)
    assert (broken.verdict, broken.basis) == ("refuted", "draw")


def _scaled(factor: float) -> Any:
    def ensemble(m: int, n: int, rng: np.random.Generator) -> Any:
        return factor * rng.standard_normal((m, n)) + 1.0

    return ensemble


def test_identity_is_the_content_of_the_ensemble() -> None:
    pairs = {
        "what it closes over": (_scaled(1.0), _scaled(2.0)),
        "its code": (lambda m, n, rng: np.eye(m, n), lambda m, n, rng: 2 * np.eye(m, n)),
        "its options": (partial(ms.sparse_sign, density=0.1), partial(ms.sparse_sign, density=0.2)),
        "its name": ("rademacher", "gaussian"),
    }
    for what, (one, other) in pairs.items():
        assert MLERisk(ensemble=one).key != MLERisk(ensemble=other).key, what
    assert MLERisk(ensemble=_scaled(1.0)).key == MLERisk(ensemble=_scaled(1.0)).key
    assert MLERisk(ensemble=partial(ms.sparse_sign, density=0.1)).key == (
        MLERisk(ensemble=partial(ms.sparse_sign, density=0.1)).key
    )


@pytest.mark.parametrize(
    ("ensemble", "words"),
    [
        (lambda m, n, rng: np.ones((n, m)), r"must return shape \(2, 8\), got \(8, 2\)"),
        (lambda m, n, rng: np.full((m, n), np.nan), "must be finite"),
        (lambda m, n, rng: 1 / 0, "raised ZeroDivisionError"),
        (lambda m, n, rng: "A", "must be"),
    ],
)
def test_a_broken_ensemble_decides_nothing(ensemble: Any, words: str) -> None:
    with pytest.raises(ClaimError, match=words) as error:
        verify(claim("upper", lambda s, m: s.energy, MLERisk(ensemble=ensemble)), cases=[CASE], workers=1)
    assert "\n" not in str(error.value)


def test_what_is_no_ensemble_is_refused() -> None:
    wrong: tuple[Any, ...] = ("gausian", 3, None, np.eye(2))
    for ensemble in wrong:
        with pytest.raises(InputError, match="ensemble must be"):
            MLERisk(ensemble=ensemble)
