"""linflow.testing: what is right passes, each planted fault is found, shrunk, and reported so that it can be repeated."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom

import linflow as lf
from linflow import testing
from linflow.claims import Claim, ExpectedError, Quantity, catalogue
from linflow.claims.certainties import Dominance
from linflow.claims.quantities import Breach, Draws
from linflow.claims.relation import Kind
from linflow.errors import ClaimError, InputError, LinflowError, ShapeError
from linflow.testing import (
    ENSEMBLES,
    KINDS,
    LAWS,
    Problem,
    assert_bound,
    assert_consistent,
    assert_equivariant,
    assert_every_draw,
    assert_optimal,
    cases,
    flows,
    measurements,
    noise_levels,
    problems,
    spectra,
)

Array = NDArray[np.float64]
Case = tuple[lf.Spectrum, int]
T = TypeVar("T")

some = settings(max_examples=30, deadline=None, derandomize=True, database=None)
#: Without the phase that only comments on a failure.
shrinking = settings(
    some,
    max_examples=60,
    phases=[Phase.generate, Phase.target, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow],
)


def falsified(strategy: st.SearchStrategy[T], check: Callable[[T], object]) -> str:
    """The message of the smallest failing example of a test that must fail."""

    @shrinking
    @given(strategy)
    def test(drawn: T) -> None:
        check(drawn)

    with pytest.raises(AssertionError) as failure:
        test()
    return str(failure.value)


def simplest(strategy: st.SearchStrategy[T], condition: Callable[[T], bool] = lambda drawn: True) -> T:
    """The simplest draw that meets a condition."""
    return find(strategy, condition, settings=settings(shrinking, max_examples=2000))


def problem_in(message: str) -> Problem:
    """The problem that a message names, made again from its text alone."""
    recipe = message.rsplit("problem:", 1)[1].strip()
    made = eval(recipe, {"Problem": Problem, "Spectrum": lf.Spectrum})
    assert isinstance(made, Problem)
    return made


# ---------------------------------------------------------------------------------------------------------- strategies


@pytest.mark.parametrize("kind", KINDS)
def test_spectra_of_each_kind_keep_their_range_and_shrink_to_ones(kind: str) -> None:
    seen = set()

    @settings(some, max_examples=60)
    @given(spectra(min_n=2, max_n=5, decades=3.0, kinds=(kind,)))
    def test(spectrum: lf.Spectrum) -> None:
        seen.add(spectrum.n)
        assert spectrum.name == f"{kind} {spectrum.n}"
        low, high = (1e-150, 1e150) if kind == "extreme" else (1e-3 * (1 - 1e-12), 1.0 + 1e-7)
        assert low <= spectrum.singular_values[-1] <= spectrum.singular_values[0] <= high

    test()
    assert seen == {2, 3, 4, 5}
    smallest = simplest(spectra(min_n=2, kinds=(kind,)))
    np.testing.assert_allclose(smallest.singular_values, [1.0, 1.0], rtol=1e-8)
    # What each kind is for is really drawn.
    wanted: dict[str, Callable[[Array], Any]] = {
        "spread": lambda s: len(set(s)) == 5,
        "clustered": lambda s: len(set(s)) == 5 and s[0] > 10 * s[-1] and (s[:-1] / s[1:] < 1 + 1e-7).sum() >= 2,
        "repeated": lambda s: 2 <= len(set(s)) <= 3,
        "step": lambda s: s[1] == 1.0 and s[2] < 0.1 and s[2] == s[-1],
        "exponential": lambda s: np.allclose(s[1:] / s[:-1], s[1]) and s[1] < 0.7,
        "power": lambda s: (
            np.allclose(np.diff(np.log(s)) / np.diff(np.log(np.arange(1, 6))), np.log(s[1]) / np.log(2)) and s[1] < 0.7
        ),
        "extreme": lambda s: s[0] > 1e100 and s[-1] < 1e-100,
    }
    simplest(spectra(min_n=5, max_n=5, kinds=(kind,)), lambda spectrum: bool(wanted[kind](spectrum.singular_values)))


def test_extreme_spectra_come_only_on_request() -> None:
    assert "extreme" in KINDS
    assert falsified(spectra(kinds=("extreme",)), lambda s: _require(s.condition < 1e100))

    @some
    @given(spectra())
    def test(spectrum: lf.Spectrum) -> None:
        assert spectrum.condition < 1.1e6

    test()


def _require(truth: bool) -> None:
    if not truth:
        raise AssertionError("as it must")


def test_shrinking_finds_the_simplest_spectrum_and_m() -> None:
    assert simplest(spectra(), lambda s: s.condition >= 10).singular_values.tolist() == [1.0, 0.1]
    spectrum, m = simplest(cases())
    assert (spectrum.singular_values.tolist(), m) == ([1.0, 1.0], 1)


@some
@given(cases(), cases(spectra(max_n=3)))
def test_cases_stay_inside_the_theory(case: Case, small: Case) -> None:
    for spectrum, m in (case, small):
        assert 1 <= m < spectrum.n
    assert small[0].n <= 3


@some
@given(st.data())
def test_measurements_have_independent_rows(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 6))
    m = data.draw(st.none() | st.integers(1, n))
    A = data.draw(measurements(n, m=m))
    assert A.shape[1] == n
    assert len(A) == m or (m is None and 1 <= len(A) <= n)
    assert np.linalg.svd(A, compute_uv=False)[-1] > 0.0


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_each_ensemble_is_what_its_name_says(ensemble: str) -> None:
    @some
    @given(measurements(4, m=3, ensembles=(ensemble,)))
    def test(A: Array) -> None:
        assert A.shape == (3, 4)
        assert np.linalg.matrix_rank(A) == 3
        if ensemble == "rows":
            np.testing.assert_array_equal(A @ A.T, np.eye(3))
        if ensemble == "rademacher":
            np.testing.assert_array_equal(np.abs(A), 1.0)
        if ensemble == "dct":
            np.testing.assert_allclose(A @ A.T, 4 * np.eye(3), atol=1e-13)
        if ensemble == "near-parallel":
            assert np.linalg.cond(A) > 10

    test()


@some
@given(flows(rotated=False), flows(mean=False), flows(spectra(min_n=3, max_n=3)))
def test_flows_obey_their_switches(diagonal: lf.LinearFlow, centred: lf.LinearFlow, three: lf.LinearFlow) -> None:
    assert diagonal.basis is None
    assert not centred.mean.any()
    assert three.n == 3


def test_flows_are_rotated_and_moved_where_allowed() -> None:
    simplest(flows(), lambda flow: flow.basis is not None and bool(flow.mean.any()))
    plain = simplest(flows(), lambda flow: flow.n == 2)
    np.testing.assert_array_equal(plain.matrix, np.eye(2))
    assert not plain.mean.any()


@some
@given(problems(noise_std=noise_levels()))
def test_problems_are_made_again_from_their_text(problem: Problem) -> None:
    again = eval(repr(problem), {"Problem": Problem, "Spectrum": lf.Spectrum})
    for name in ("A", "x", "y", "noise_std"):
        np.testing.assert_array_equal(getattr(again, name), getattr(problem, name))
    np.testing.assert_array_equal(again.flow.matrix, problem.flow.matrix)
    assert 1 <= problem.m <= problem.flow.n
    assert problem.x.shape[:-1] == problem.y.shape[:-1]
    assert 1e-3 <= problem.noise_std <= 10.0
    assert not problem.A.flags.writeable


def test_noise_of_a_problem_has_its_standard_deviation() -> None:
    spectrum = lf.Spectrum.power_law(3)
    noiseless = Problem.random(spectrum, 2, batch=(2000,), seed=5)
    noisy = Problem.random(spectrum, 2, batch=(2000,), noise_std=0.2, seed=5)
    np.testing.assert_allclose(noiseless.y, noiseless.x @ noiseless.A.T, atol=1e-14)
    np.testing.assert_array_equal(noisy.x, noiseless.x)  # each part has a stream of its own
    # Chi-squared with 4000 degrees of freedom: |error| of the deviation below 6 standard errors.
    assert abs((noisy.y - noiseless.y).std() / 0.2 - 1) < 6 / math.sqrt(2 * 4000)


def test_switches_of_a_problem_change_nothing_else() -> None:
    spectrum = lf.Spectrum.power_law(3)
    full, plain = (Problem.random(spectrum, 2, rotated=on, mean=on, seed=9) for on in (True, False))
    np.testing.assert_array_equal(full.A, plain.A)
    assert not np.array_equal(full.flow.matrix, plain.flow.matrix)
    np.testing.assert_array_equal(full.flow.inverse(full.x).shape, plain.flow.inverse(plain.x).shape)


def test_problems_with_m_given() -> None:
    assert simplest(problems(m=3)).flow.n == 3
    assert simplest(problems(spectra(max_n=4), m=2, batches=((2,),))).y.shape == (2, 2)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: spectra(min_n=3, max_n=2), "min_n must be at most max_n, got 3 and 2"),
        (lambda: spectra(min_n=0), "min_n must be a whole number >= 1"),
        (lambda: spectra(decades=-1.0), r"decades must lie in .0, 150."),
        (lambda: spectra(kinds=("flat",)), "kind of spectrum must be one of 'spread', .*, got 'flat'"),
        (lambda: spectra(kinds=()), "name at least one kind of spectrum in a tuple"),
        (lambda: spectra(kinds="spread"), "name at least one kind of spectrum in a tuple"),
        (lambda: measurements(3, m=4), r"m must be a whole number in 1\.\.n = 1\.\.3, got 4"),
        (lambda: measurements(3, m=0), r"m must be a whole number in 1\.\.n = 1\.\.3, got 0"),
        (lambda: measurements(3, ensembles=("cauchy",)), "ensemble must be one of 'rows', .*, got 'cauchy'"),
        (lambda: noise_levels(0.0, 1.0), "smallest must be a finite number > 0, got 0.0"),
        (lambda: noise_levels(2.0, 1.0), "0 < smallest <= largest"),
        (lambda: problems(m=0), "m must be a whole number >= 1"),
        (lambda: problems(batches=()), "at least one shape"),
        (lambda: Problem.random(lf.Spectrum.flat(2), 3), r"m must lie in 0\.\.n = 0\.\.2, got m = 3"),
        (lambda: Problem.random(lf.Spectrum.flat(2), 0), r"m must lie in 1\.\.n = 1\.\.2, got m = 0"),
        (lambda: Problem.random(lf.Spectrum.flat(2), 1, ensemble="cauchy"), "ensemble must be one of"),
        (lambda: Problem.random(lf.Spectrum.flat(2), 1, noise_std=-1.0), "noise_std must be"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        make()


def test_hypothesis_shows_the_recipe_of_a_failing_problem() -> None:
    @shrinking
    @given(problems())
    def test(problem: Problem) -> None:
        raise AssertionError

    with pytest.raises(AssertionError) as failure:
        test()
    assert "problem=Problem.random(Spectrum([1.0]), m=1, ensemble='rows'," in "".join(failure.value.__notes__)


def test_problems_of_ones_own() -> None:
    flow = lf.LinearFlow.from_spectrum([2.0, 1.0])
    own = Problem(flow, np.ones((1, 2)), np.array([1.0, 2.0]), np.array([3.0]))
    assert_optimal(lf.mle, own)
    assert "A=[[1.0, 1.0]], x=[1.0, 2.0], y=[3.0], noise_std=0.0" in repr(own)
    with pytest.raises(ShapeError, match=r"A must have shape \(m, 2\)"):
        Problem(flow, np.ones((1, 3)), np.zeros(2), np.zeros(1))
    with pytest.raises(ShapeError, match=r"same batch, got \(\) and \(2,\)"):
        Problem(flow, np.ones((1, 2)), np.zeros(2), np.zeros((2, 1)))


# -------------------------------------------------------------------------------------------------------------- bounds


@some
@given(cases())
def test_true_bounds_pass(case: Case) -> None:
    upper, lower = (lf.risk.best_upper, lf.risk.theorem_upper), (lf.risk.theorem_lower,)
    outcomes = [assert_bound(bound, *case, kind="upper", max_draws=200) for bound in upper]
    outcomes += [assert_bound(bound, *case, kind="lower", max_draws=200) for bound in lower]
    assert all(outcome is None or outcome.verdict != "refuted" for outcome in outcomes)


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_false_bound_is_found_and_its_message_repeats_it(factor: float) -> None:
    message = falsified(cases(), lambda case: assert_bound(lambda s, m: factor * s.tail(m), *case))
    assert message.startswith("bound refuted (exact) at n = 2, m = 1\n  claimed:  E_m <= ")
    again = message.rsplit("again:", 1)[1].strip()
    with pytest.raises(AssertionError) as repeated:
        eval(again, {"assert_bound": assert_bound, "Spectrum": lf.Spectrum})
    assert str(repeated.value) == message


def test_a_false_bound_without_an_oracle_is_refuted_by_draws() -> None:
    spectrum, sampled = lf.Spectrum.exponential(10, 0.5), ExpectedError(oracle=False)
    with pytest.raises(AssertionError, match=r"refuted \(rigorous\) at n = 10, m = 5") as failure:
        # Above what is proved from below, so that only draws can tell.
        assert_bound(lambda s, m: 5.5 * s.tail(m), spectrum, 5, seed=3, quantity=sampled)
    assert "draws)" in str(failure.value)
    assert "seed=3)" in str(failure.value)
    assert str(spectrum.singular_values.tolist()) in str(failure.value)
    outcome = assert_bound(lambda s, m: 8 * s.tail(m), spectrum, 5, undecided="fail", quantity=sampled)
    assert outcome is not None
    assert (outcome.verdict, outcome.basis) == ("supported", "rigorous")
    # With the oracle it takes no draw.
    with pytest.raises(AssertionError, match=r"refuted \(exact\) at n = 10, m = 5"):
        assert_bound(lambda s, m: 2 * s.tail(m), spectrum, 5)


@pytest.mark.parametrize(
    ("kind", "right", "wrong"), [("upper", 2.1, 1.9), ("lower", 1.9, 2.1), ("equal", 2.0, 2.001), ("close", 2.05, 2.2)]
)
def test_each_kind_has_its_side(kind: Kind, right: float, wrong: float) -> None:
    flat = lf.Spectrum.flat(4)  # E_2 = 2
    outcome = assert_bound(right, flat, 2, kind=kind, undecided="fail")
    assert outcome is not None
    assert outcome.basis == "exact"
    with pytest.raises(AssertionError, match=rf"refuted \(exact\)(.|\n)*kind='{kind}'"):
        assert_bound(wrong, flat, 2, kind=kind)


@dataclass(frozen=True)
class Coin(Quantity):
    """Heads or tails."""

    name: ClassVar[str] = "heads"

    def draws(self, spectrum: lf.Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        heads = rng.integers(0, 2, size).astype(float)
        return Draws(weights=heads, values=heads)


@dataclass(frozen=True)
class Faulty(Coin):
    """A quantity whose sampler is caught out."""

    def draws(self, spectrum: lf.Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        drawn = super().draws(spectrum, m, size, rng)
        return Draws(weights=drawn.weights, values=drawn.values, breaches=(Breach("T4", 1.5),))


Faulty.__module__ = "linflow.claims.of_a_test"  # a sampler of linflow's own: one of a user's says nothing about T4


def test_alpha_is_the_chance_of_a_false_alarm() -> None:
    def alarms(value: float, alpha: float) -> int:
        count = 0
        for seed in range(60):
            try:
                assert_bound(value, lf.Spectrum.flat(2), 1, quantity=Coin(), alpha=alpha, seed=seed, max_draws=64)
            except AssertionError:
                count += 1
        return count

    assert alarms(0.5, 0.2) <= binom(60, 0.2).isf(1e-6)
    assert alarms(0.5, 0.999) >= 2  # and it is this alpha that decides, not a smaller one
    assert alarms(0.1, 1e-3) == 60


def test_undecided_passes_unless_told_otherwise() -> None:
    flat = lf.Spectrum.flat(2)
    outcome = assert_bound(0.5, flat, 1, quantity=Coin())
    assert outcome is not None
    assert outcome.verdict == "undecided"
    with pytest.raises(AssertionError, match=r"bound not proved \(undecided\) at n = 2, m = 1: more max_draws") as failure:
        assert_bound(0.5, flat, 1, quantity=Coin(), undecided="fail")
    assert "quantity=Coin()" in str(failure.value)
    with pytest.raises(AssertionError, match=r"kind='equal', quantity=Coin\(\), tolerance=0.05, seed=0"):
        assert_bound(0.5, flat, 1, kind="equal", quantity=Coin(), undecided="fail", max_draws=100)


def test_an_asymptotic_verdict_proves_nothing() -> None:
    call = partial(assert_bound, 0.35, lf.Spectrum.flat(2), 1, quantity=Coin(), alpha=1e-3, max_draws=64)
    # The central limit theorem is sooner sure than the confidence sequence: for some seeds, at the same 64 draws.
    for seed in range(100):
        try:
            outcome = call(seed=seed)
        except AssertionError:  # the sequence was sure as well
            continue
        assert outcome is not None
        if outcome.basis == "asymptotic":
            break
    assert outcome is not None
    assert (outcome.verdict, outcome.basis, outcome.suspected) == ("undecided", "asymptotic", True)
    with pytest.raises(AssertionError, match=r"not proved \(undecided\)(.|\n)*likely: "):
        call(seed=seed, undecided="fail")


def test_a_breach_of_the_sampler_is_never_silent() -> None:
    with pytest.raises(AssertionError, match=r"linflow is at fault: a draw contradicts T4(.|\n)*by a factor 1\.5"):
        assert_bound(0.9, lf.Spectrum.flat(2), 1, quantity=Faulty())


def test_claims_bring_their_own_terms() -> None:
    named = {claim.name: claim for claim in catalogue()}
    spectrum = lf.Spectrum.step(4, 2, 1e-4)
    assert assert_bound(named["T1-upper"], spectrum, 1) is None  # outside its domain
    assert assert_bound(named["T2"], spectrum, 2) is not None
    with pytest.raises(AssertionError, match=r"false-m-tail-m-1 refuted \(exact\) at n = 4, m = 3"):
        assert_bound(named["false-m-tail-m-1"], spectrum, 3)
    with pytest.raises(InputError, match="claim 'T2' has its own kind, quantity and tolerance"):
        assert_bound(named["T2"], spectrum, 2, kind="upper")
    assert assert_bound(math.inf, spectrum, 2) is None
    assert assert_bound(-math.inf, spectrum, 2, kind="lower") is None
    with pytest.raises(AssertionError, match="refuted"):
        assert_bound(-math.inf, spectrum, 2)


def test_claims_about_every_draw_of_another_quantity() -> None:
    def claim(value: float) -> Claim:
        return Claim("ratio", "", "upper", lambda s, m: value, quantity=Dominance(), every_draw=True)

    spectrum = lf.Spectrum([3.0, 2.0, 1.0])
    assert assert_bound(claim(1.0), spectrum, 2) is not None
    with pytest.raises(AssertionError, match=r"ratio refuted(.|\n)*for every draw") as failure:
        assert_bound(claim(0.5), spectrum, 2)
    again = str(failure.value).rsplit("again:", 1)[1].strip()
    names = {"assert_bound": assert_bound, "Spectrum": lf.Spectrum, "Claim": Claim, "Dominance": Dominance}
    with pytest.raises(AssertionError, match=r"again refuted(.|\n)*for every draw"):
        eval(again, names)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"m": 3}, InputError, r"m must lie in 0\.\.n = 0\.\.2"),
        ({"kind": "above"}, InputError, "kind of claim 'bound' must be one of"),
        ({"undecided": "skip"}, InputError, "undecided must be one of 'pass', 'fail'"),
        ({"alpha": 0.0}, InputError, "alpha must lie strictly between 0 and 1"),
        ({"alpha": 1.0}, InputError, "alpha must lie strictly between 0 and 1"),
        ({"max_draws": 0}, InputError, "max_draws must be a whole number >= 1"),
        ({"tolerance": 0.0}, InputError, "tolerance of claim 'bound' must be a finite number > 0"),
        ({"value": math.nan}, ClaimError, "returned nan, not a number"),
        ({"value": lambda s, m: 1 / 0}, ClaimError, "raised ZeroDivisionError"),
        ({"quantity": Dominance()}, InputError, "a property of each draw"),
    ],
)
def test_misuse_of_assert_bound_is_no_failed_bound(options: dict[str, Any], error: type[Exception], sentence: str) -> None:
    given: dict[str, Any] = {"value": 2.0, "spectrum": lf.Spectrum.flat(2), "m": 1} | options
    with pytest.raises(error, match=sentence):
        assert_bound(**given)


@some
@given(spectra(kinds=KINDS), st.data())
def test_bounds_for_every_draw(spectrum: lf.Spectrum, data: st.DataObject) -> None:
    m = data.draw(st.integers(0, spectrum.n))
    low, high = lf.risk.error_range(spectrum, m)
    assert_every_draw(low, spectrum, m, kind="lower", draws=6)
    assert_every_draw(high, spectrum, m, draws=6)


def test_false_bounds_for_every_draw_are_found() -> None:
    def on_average(spectrum: lf.Spectrum, m: int) -> float:
        return float(lf.risk.best_upper(spectrum, m))  # holds for the mean, not for each A

    message = falsified(cases(), lambda case: assert_every_draw(on_average, *case, draws=8))
    assert message.startswith("on_average refuted (exact) at n = ")
    again = message.rsplit("again:", 1)[1].strip()
    with pytest.raises(AssertionError) as repeated:
        eval(again, {"assert_every_draw": assert_every_draw, "Spectrum": lf.Spectrum})
    assert str(repeated.value) == message.replace("on_average", "bound")


def test_false_lower_bounds_for_every_draw_are_found() -> None:
    def too_large(spectrum: lf.Spectrum, m: int) -> float:
        return 1.01 * float(spectrum.tail(m))

    message = falsified(cases(), lambda case: assert_every_draw(too_large, *case, kind="lower", draws=8))
    assert "claimed:  X_A >= 1.01" in message


def test_bounds_for_every_draw_may_be_claims_about_the_error() -> None:
    claims = {claim.name: claim for claim in catalogue()}
    assert_every_draw(claims["T1-lower"], lf.Spectrum([3.0, 2.0, 1.0]), 1)
    assert_every_draw(math.inf, lf.Spectrum([3.0, 2.0, 1.0]), 1)
    for value, sentence in (
        (claims["T4"], "is about X_A, not 'max_k X_A/Y_k': use assert_bound"),
        (claims["T2"], "claim 'T2' is about the mean"),
        (Claim("c", "", "upper", lambda s, m: 1.0, quantity=ExpectedError(field="complex"), every_draw=True), "about X_A"),
        (Claim("c", "", "equal", lambda s, m: 1.0, every_draw=True), "kind of a bound for every A must be one of"),
    ):
        with pytest.raises(InputError, match=sentence):
            assert_every_draw(value, lf.Spectrum([3.0, 2.0, 1.0]), 1)


def test_what_decides_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    monkeypatch.setattr(hypothesis, "event", counted.append)
    flat, ill = lf.Spectrum.flat(2), Problem.random(lf.Spectrum([1.0, 1e-9]), 2)
    undefined = next(claim for claim in catalogue() if claim.name == "T1-upper")

    def examples() -> None:
        assert_bound(0.5, flat, 1, quantity=Coin())
        assert_bound(math.inf, flat, 1)
        assert_bound(undefined, flat, 1)
        assert_optimal(lambda flow, A, y: np.zeros(2), ill)

    examples()
    assert counted == []  # outside Hypothesis there is nobody to count for

    @settings(some, max_examples=1)
    @given(st.none())
    def test(_: None) -> None:
        examples()

    test()
    assert [event.removeprefix("linflow.testing: ") for event in counted] == [
        "assert_bound undecided",
        "bound says nothing",
        "outside the domain of T1-upper",
        "too badly conditioned to decide",
    ]


def test_hypothesis_is_steered_towards_tight_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    scores: list[tuple[float, str]] = []
    monkeypatch.setattr(hypothesis, "target", lambda score, label: scores.append((score, label)))

    @settings(some, max_examples=1)
    @given(st.none())
    def test(_: None) -> None:
        for value in (2.0, 4.0):
            assert_bound(value, lf.Spectrum.flat(4), 2)

    test()
    assert scores == [(0.0, "tightness of bound"), (pytest.approx(-math.log(2)), "tightness of bound")]
    monkeypatch.undo()
    test()  # the second score of one label is dropped, not an error


# ---------------------------------------------------------------------------------------------------------- estimators


def wiener(flow: lf.LinearFlow, A: Array, y: Array, *, noise_std: float = 0.0) -> Array:
    """The posterior mean from dense covariances, as a textbook has it."""
    C = flow.covariance
    S = A @ C @ A.T + noise_std**2 * np.eye(len(A))
    return np.asarray(flow.mean + (y - A @ flow.mean) @ np.linalg.solve(S, A @ C))


@some
@given(problems())
def test_a_correct_estimator_passes(problem: Problem) -> None:
    assert_consistent(wiener, problem)
    assert_optimal(wiener, problem)
    assert_equivariant(wiener, problem)


@some
@given(problems(noise_std=noise_levels()))
def test_a_correct_estimator_with_noise_passes(problem: Problem) -> None:
    estimator = partial(wiener, noise_std=problem.noise_std)
    assert_optimal(estimator, problem)
    assert_equivariant(estimator, problem)


def without_offset(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    return np.asarray(y @ np.linalg.solve(A @ flow.covariance @ A.T, A @ flow.covariance))


def offset_not_returned(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    return wiener(flow, A, y) - flow.mean


def transposed_matrix(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    G = flow.matrix.T
    return np.asarray(flow.mean + (y - A @ flow.mean) @ np.linalg.solve(A @ G @ G.T @ A.T, A @ G @ G.T))


def ridge_in_x(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    return np.asarray(flow.mean + (y - A @ flow.mean) @ np.linalg.solve(A @ A.T + 0.1 * np.eye(len(A)), A))


def no_rotation(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    return wiener(lf.LinearFlow(flow.spectrum, mean=flow.mean), A, y)


def one_measurement_at_a_time(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    C = flow.covariance
    return np.asarray(flow.mean + (y - A @ flow.mean) / np.diag(A @ C @ A.T) @ A @ C)


def centred_batch(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    return wiener(flow, A, y - 0.1 * y.mean(axis=0) if y.ndim > 1 else y)


def least_norm(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    return np.asarray(flow.mean + (y - A @ flow.mean) @ np.linalg.pinv(A).T)


def clipped(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    r, s = y - A @ flow.mean, np.sqrt(np.diag(A @ flow.covariance @ A.T))
    return wiener(flow, A, A @ flow.mean + np.clip(r, -1.5 * s, 1.5 * s))


BREAKS = {
    "units": ridge_in_x,
    "rotation": no_rotation,
    "latents": transposed_matrix,
    "mixing": one_measurement_at_a_time,
    "shift": without_offset,
    "batch": centred_batch,
}


@pytest.mark.parametrize("law", LAWS)
def test_each_law_catches_the_fault_it_is_for(law: str) -> None:
    broken = BREAKS[law]
    message = falsified(problems(), lambda problem: assert_equivariant(broken, problem, laws=(law,)))
    assert message.startswith(f'{broken.__name__} breaks the law "{law}"\n  largest |x_hat - expected|: ')
    again = problem_in(message)
    with pytest.raises(AssertionError) as repeated:
        assert_equivariant(broken, again, laws=(law,))
    assert str(repeated.value) == message
    assert again.flow.n <= 3
    # By default every law is tried.
    falsified(problems(), lambda problem: assert_equivariant(broken, problem))


def test_laws_may_be_left_out() -> None:
    problem = Problem.random(lf.Spectrum([3.0, 1.0, 0.5]), 2)
    assert_equivariant(one_measurement_at_a_time, problem, laws=[law for law in LAWS if law != "mixing"])
    assert_equivariant(least_norm, problem)  # far from optimal, and as symmetric as the best
    with pytest.raises(InputError, match=r"law must be one of 'units', .*, got 'parity'"):
        assert_equivariant(lf.mle, problem, laws=("parity",))
    for none in ((), "units"):
        with pytest.raises(InputError, match="name at least one law in a tuple"):
            assert_equivariant(lf.mle, problem, laws=none)


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (without_offset, "it does not return the mean for the mean's own measurements"),
        (offset_not_returned, "it does not return the mean for the mean's own measurements"),
        (transposed_matrix, "its error depends on the measurements"),
        (least_norm, "its error depends on the measurements"),
        (ridge_in_x, "its error depends on the measurements"),
        (clipped, "it is not affine in y"),
    ],
)
def test_what_is_not_optimal_is_found(broken: testing.Estimator, fault: str) -> None:
    message = falsified(problems(), lambda problem: assert_optimal(broken, problem))
    name = getattr(broken, "__name__", "")
    assert message.startswith(f"{name} is not optimal: {fault}\n  expected squared error:  ")
    again = problem_in(message)
    assert again.flow.n <= 6
    assert again.m == 1
    with pytest.raises(AssertionError, match=fault):
        assert_optimal(broken, again)


def test_a_standard_deviation_taken_for_a_variance_is_found() -> None:
    def check(problem: Problem) -> None:
        assert_optimal(partial(lf.penalised, penalty=problem.noise_std), problem)

    message = falsified(problems(noise_std=noise_levels()), check)
    assert message.startswith("penalised is not optimal: its error depends on the measurements")
    again = problem_in(message)
    assert again.flow.n == 1
    assert again.noise_std != 1.0
    # The reported risks are those of T11: one coordinate, seen as it is.
    spectrum, s = again.flow.spectrum, again.noise_std
    risks = [lf.risk.denoising(spectrum, noise_std=s, penalty=penalty) for penalty in (s, s**2)]
    reported = [float(line.rsplit(" ", 1)[1]) for line in message.splitlines()[1:3]]
    np.testing.assert_allclose(reported, risks, rtol=1e-12)


def test_measurements_that_are_not_reproduced_are_found() -> None:
    def smoothed(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
        return lf.penalised(flow, A, y, penalty=1e-6)

    for broken in (smoothed, offset_not_returned):
        message = falsified(problems(), lambda problem, broken=broken: assert_consistent(broken, problem))  # type: ignore[misc]
        assert message.startswith(f"{broken.__name__} does not reproduce the measurements\n  largest |A x_hat - y|: ")
        assert problem_in(message).flow.n == 1


def test_backward_stability_can_be_asked_for() -> None:
    wide = problems(spectra(min_n=2, decades=30.0))

    def with_pinv(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
        G = flow.matrix
        return np.asarray(flow.mean + (y - A @ flow.mean) @ (G @ np.linalg.pinv(A @ G)).T)

    @settings(some, max_examples=15)
    @given(wide)
    def test(problem: Problem) -> None:
        assert_consistent(lf.mle, problem, rtol=1e-12)
        assert_consistent(with_pinv, problem)  # where normal equations have no digits, nothing is asked of it

    test()
    falsified(wide, lambda problem: assert_consistent(with_pinv, problem, rtol=1e-12))
    for rtol in (0.0, 1.0, math.nan):
        with pytest.raises(InputError, match="rtol must lie strictly between 0 and 1"):
            assert_consistent(lf.mle, Problem.random(lf.Spectrum.flat(2), 1), rtol=rtol)


def _in_place(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    y -= A @ flow.mean
    return flow.mean


def _scaled_in_place(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
    A *= 2.0
    return flow.mean


@pytest.mark.parametrize("check", [assert_consistent, assert_optimal, assert_equivariant])
@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (lambda flow, A, y: y, r"estimator returns shape \(2,\) for y of shape \(2,\), needed is \(3,\)"),
        (lambda flow, A, y: np.full(3, np.nan), "estimator returns nan, not a finite number"),
        (lambda flow, A, y: np.full(3, np.inf), "estimator returns inf, not a finite number"),
        (lambda flow, A, y: np.zeros(3) + 0j, "estimator returns entries of type complex128, not real numbers"),
        (lambda flow, A, y: None, "estimator returns entries of type object"),
        (_in_place, "_in_place changes its argument y"),
        (_scaled_in_place, "_scaled_in_place changes its argument A"),
    ],
)
def test_what_is_no_estimate_fails_every_check(check: Callable[..., None], broken: Any, sentence: str) -> None:
    for spectrum in (lf.Spectrum([3.0, 2.0, 1.0]), lf.Spectrum([1.0, 1e-20, 1e-60])):  # whatever the conditioning
        with pytest.raises(AssertionError, match=sentence) as failure:
            check(broken, Problem.random(spectrum, 2, seed=1))
        assert "Problem.random(" in str(failure.value)


def test_an_exception_of_the_estimator_is_its_own() -> None:
    def unfinished(flow: lf.LinearFlow, A: Array, y: Array) -> Array:
        raise NotImplementedError("soon")

    with pytest.raises(NotImplementedError, match="soon"):
        assert_optimal(unfinished, Problem.random(lf.Spectrum.flat(2), 1))


# ------------------------------------------------------------------------------------------------ without Hypothesis


def test_without_hypothesis_the_package_works_and_testing_says_what_to_install() -> None:
    code = """
import sys
import linflow
from linflow import *
assert linflow.risk.best_upper(Spectrum.flat(3), 1) > 0
assert "hypothesis" not in sys.modules
sys.modules["hypothesis"] = None
for attempt in (lambda: linflow.testing, lambda: __import__("linflow.testing")):
    try:
        attempt()
    except linflow.LinflowError as error:
        assert isinstance(error, ImportError)
        print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout.splitlines() == ["linflow.testing needs Hypothesis: pip install 'linflow[testing]'"] * 2
    assert issubclass(LinflowError, Exception)
