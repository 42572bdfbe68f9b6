"""Verdicts follow from evidence by rules: what may support, what may refute, and that rounding never counts in favour."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binom

from linflow.claims.evidence import (
    BASES,
    NOT_REFUTED,
    REFUTED,
    ROUNDING,
    SUPPORTED,
    UNDECIDED,
    Asymptotic,
    Confidence,
    Enclosed,
    Evidence,
    Nothing,
    NoViolation,
    Proved,
    Violation,
    from_json,
)
from linflow.claims.outcome import Outcome, outcome_from_json
from linflow.claims.relation import KINDS, RELATIONS, Answer, Kind

ONE_SIDED: tuple[Kind, ...] = ("upper", "lower")
TOLERANCE = 0.05


def every_form(low: float, high: float) -> list[Evidence]:
    ends: dict[str, Any] = {"low": low, "high": high}
    return [
        Enclosed(**ends),
        Proved(**ends, by=("T1-lower", "T2")),
        Confidence(**ends, alpha=1e-6, draws=100),
        Violation(**ends, A=((1.0, 0.0),), enclosed=True, draws=7),
        Violation(**ends, A=None, enclosed=False, draws=7),
        NoViolation(**ends, draws=48, searches=2, evaluations=9, alpha=1e-6),
        Asymptotic(**ends, alpha=1e-6, draws=100),
        Nothing(**ends, why="because", draws=3),
    ]


def holds(kind: Kind, quantity: float, value: float) -> bool:
    """What the relations say, once more and in one line each."""
    return {
        "upper": quantity <= value,
        "lower": quantity >= value,
        "equal": quantity == value,
        "close": abs(quantity - value) <= TOLERANCE * abs(value),
    }[kind]


FINITE = st.floats(-1e6, 1e6)


@given(st.sampled_from(KINDS), FINITE, FINITE, FINITE)
def test_an_answer_is_true_of_everything_in_the_interval(kind: Kind, one: float, other: float, value: float) -> None:
    low, high = min(one, other), max(one, other)
    answer = RELATIONS[kind].answer(low, high, value, tolerance=TOLERANCE, forgiven=ROUNDING, spare=ROUNDING)
    grid = [*np.linspace(low, high, 9).clip(low, high), min(max(value, low), high)]
    if answer is Answer.HOLDS:
        assert all(holds(kind, quantity, value) for quantity in grid)
    if answer is Answer.FAILS:
        assert not any(holds(kind, quantity, value) for quantity in grid)


@given(st.sampled_from(KINDS), FINITE, st.floats(0, 1e3), st.floats(0, 1e3))
def test_less_is_known_of_a_wider_interval(kind: Kind, middle: float, inner: float, more: float) -> None:
    relation, options = RELATIONS[kind], {"tolerance": TOLERANCE, "forgiven": ROUNDING, "spare": ROUNDING}
    wide = relation.answer(middle - inner - more, middle + inner + more, 1.0, **options)
    narrow = relation.answer(middle - inner, middle + inner, 1.0, **options)
    assert wide in (narrow, Answer.OPEN)


@pytest.mark.parametrize("evidence", every_form(0.5, 0.6), ids=lambda e: f"{e.form} {e.basis}")
def test_what_each_kind_of_evidence_may_decide(evidence: Evidence) -> None:
    def says(kind: Kind, value: float) -> str:
        return evidence.verdict(RELATIONS[kind], value, TOLERANCE)

    supporting = isinstance(evidence, Enclosed | Proved | Confidence)
    deciding = not isinstance(evidence, Asymptotic | Nothing | NoViolation)
    for kind, true, false in (("upper", 0.7, 0.4), ("lower", 0.4, 0.7), ("close", 0.55, 0.7)):
        expected = {"close": 0.1}.get(kind, TOLERANCE)
        verdict = evidence.verdict(RELATIONS[kind], true, expected)  # type: ignore[index]
        assert (verdict == SUPPORTED) == supporting
        assert (says(kind, false) == REFUTED) == deciding  # type: ignore[arg-type]
    # No interval of positive width shows an equality.
    assert says("equal", 0.55) != SUPPORTED
    left_open = NOT_REFUTED if isinstance(evidence, NoViolation) else UNDECIDED
    assert says("equal", 0.4) == (REFUTED if deciding else left_open)
    assert evidence.basis in BASES
    assert evidence.words()


def test_only_an_interval_without_width_shows_an_equality() -> None:
    equal = RELATIONS["equal"]
    assert Enclosed(low=0.5, high=0.5).verdict(equal, 0.5, TOLERANCE) == SUPPORTED
    width = math.nextafter(0.5, 1)
    assert Enclosed(low=0.5, high=width).verdict(equal, 0.5, TOLERANCE) == NOT_REFUTED
    # A deviation that the interval leaves larger than the tolerance says too little.
    assert Confidence(low=0.4, high=0.6, alpha=0.1, draws=9).verdict(equal, 0.5, 0.3) == NOT_REFUTED
    for low, high in ((0.4, 0.6), (0.4, 0.51), (0.49, 0.6)):  # whichever end is the farther one
        assert Confidence(low=low, high=high, alpha=0.1, draws=9).verdict(equal, 0.5, 0.1) == UNDECIDED
        assert equal.deviation(low, high, 0.5) == pytest.approx(0.2, rel=1e-12)


@pytest.mark.parametrize("kind", ONE_SIDED)
@pytest.mark.parametrize("off", [0.0, 3e-16, 1e-13, 9.9e-13])
@pytest.mark.parametrize("scale", [6.0, 1e-200, 1e200])
def test_within_rounding_an_inequality_is_neither_supported_nor_refuted(kind: Kind, off: float, scale: float) -> None:
    relation = RELATIONS[kind]
    sign = 1 if kind == "upper" else -1
    for value in (scale * (1 - sign * off), scale * (1 + sign * off)):
        for evidence in (Enclosed(low=scale, high=scale), Confidence(low=scale, high=scale, alpha=0.1, draws=1)):
            assert evidence.verdict(relation, value, TOLERANCE) == UNDECIDED
            assert evidence.equal_up_to_rounding(relation, value)
    # The twin: beyond rounding it is decided.
    for value, verdict in ((scale * (1 - sign * 1e-11), REFUTED), (scale * (1 + sign * 1e-11), SUPPORTED)):
        assert Enclosed(low=scale, high=scale).verdict(relation, value, TOLERANCE) == verdict


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("scale", [6.0, 1e-200, 1e200])
def test_at_the_edge_of_a_tolerance_rounding_decides_nothing(side: int, scale: float) -> None:
    close = RELATIONS["close"]
    for off in (-9e-13, -1e-13, 0.0, 1e-13, 9e-13):
        edge = scale * (1 + side * (TOLERANCE + off))
        for evidence in (Enclosed(low=edge, high=edge), Confidence(low=edge, high=edge, alpha=0.1, draws=1)):
            assert evidence.verdict(close, scale, TOLERANCE) == UNDECIDED
    # The twins: beyond rounding it is decided.
    for off, verdict in ((-1e-11, SUPPORTED), (1e-11, REFUTED)):
        edge = scale * (1 + side * (TOLERANCE + off))
        assert Enclosed(low=edge, high=edge).verdict(close, scale, TOLERANCE) == verdict


def test_only_inequalities_are_equalities_up_to_rounding() -> None:
    for evidence in (Enclosed(low=1.0, high=1.0), Confidence(low=1.0, high=1.0, alpha=0.1, draws=1)):
        for kind in KINDS:
            assert evidence.equal_up_to_rounding(RELATIONS[kind], 1.0) == (kind in ONE_SIDED)
    # "Close" within less than rounding is left open, and that is not to be excused as an equality.
    found = Enclosed(low=1.0, high=1.0)
    assert found.verdict(RELATIONS["close"], 1.0, 1e-13) == UNDECIDED
    assert not found.equal_up_to_rounding(RELATIONS["close"], 1.0)


def test_a_proved_bound_is_the_claim_that_states_it_and_no_more() -> None:
    proved = Proved(low=0.1, high=0.3, by=("T1-lower", "T2"))
    upper, lower = RELATIONS["upper"], RELATIONS["lower"]
    assert proved.verdict(upper, 0.3, TOLERANCE) == proved.verdict(lower, 0.1, TOLERANCE) == SUPPORTED
    assert proved.verdict(upper, math.nextafter(0.3, 0), TOLERANCE) == UNDECIDED
    assert proved.verdict(lower, math.nextafter(0.1, 1), TOLERANCE) == UNDECIDED
    assert proved.deciding(upper, SUPPORTED).by == proved.deciding(lower, REFUTED).by == ("T2",)
    assert proved.deciding(lower, SUPPORTED).by == proved.deciding(upper, REFUTED).by == ("T1-lower",)
    assert proved.verdict(upper, 0.0999, TOLERANCE) == proved.verdict(lower, 0.3001, TOLERANCE) == REFUTED


def test_zero_is_decided_without_rounding() -> None:
    nothing_left = Enclosed(low=0.0, high=0.0)
    for kind in KINDS:
        assert nothing_left.verdict(RELATIONS[kind], 0.0, TOLERANCE) == SUPPORTED


@given(st.floats(0, 1, exclude_min=True, exclude_max=True), st.integers(1, 500))
def test_what_so_many_draws_rule_out(alpha: float, draws: int) -> None:
    assume(alpha > 1e-12)
    found = NoViolation(low=0.0, high=1.0, draws=draws, searches=0, evaluations=0, alpha=alpha).ruled_out
    # The chance that a violation of that frequency shows in none of the draws is alpha.
    assert binom.pmf(0, draws, found) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize("evidence", every_form(0.5, math.inf), ids=lambda e: f"{e.form} {e.basis}")
@pytest.mark.parametrize("kind", KINDS)
def test_records_are_read_back_as_they_were(evidence: Evidence, kind: Kind) -> None:
    assert from_json(json.loads(json.dumps(evidence.to_json()))) == evidence
    outcome = Outcome("claim", "s", "key", 4, 2, kind, 0.7, TOLERANCE, False, evidence)
    again = outcome_from_json(json.loads(json.dumps(outcome.to_json())))
    assert again == outcome
    assert (again.verdict, again.basis, again.sentence) == (outcome.verdict, outcome.basis, outcome.sentence)


@pytest.mark.parametrize("row", [{}, {"form": "hearsay"}, {"form": "enclosed"}, {"form": "proved", "low": 0, "high": 1}])
def test_what_is_no_record_is_not_read(row: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_json(row)


@given(st.sampled_from(KINDS), st.floats(0, 1e300), st.floats(0, 1e300))
def test_room_is_the_logarithm_of_the_ratio(kind: Kind, value: float, quantity: float) -> None:
    relation = RELATIONS[kind]
    ratio, room = relation.ratio(value, quantity), relation.room(value, quantity)
    if 1e-300 < ratio < 1e300 and min(value, quantity) > 1e-300:
        assert room == pytest.approx(-abs(math.log(ratio)) if relation.two_sided else math.log(ratio), abs=1e-9)
    low, high = min(value, quantity), max(value, quantity)
    assert relation.nearest(low, high, value) in (low, high)
    assert relation.farthest(low, high, value) in (low, high)
