"""What float64 cannot tell apart: decided in balls where both sides have them, either way, and left open elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import cloudpickle
import numpy as np
import pytest
from flint import arb, fmpq

from linflow import Spectrum
from linflow.claims import separation
from linflow.claims.chain import interlacing_theorems
from linflow.claims.claim import Case, Claim
from linflow.claims.evidence import REFUTED, SUPPORTED, UNDECIDED, Enclosed, Separated, from_json
from linflow.claims.outcome import Outcome, outcome_from_json
from linflow.claims.quantities import ExpectedError
from linflow.claims.relation import RELATIONS, Kind
from linflow.claims.sides import Side
from linflow.claims.verdict import Cell, Test, decide
from linflow.errors import ClaimError
from linflow.risk.balls import precision
from linflow.testing import assert_quantity

STEP = Spectrum.step(32, 8, 1e-4).named("step 8, floor 0.0001")
WIDE = Spectrum(10.0 ** np.linspace(140, -140, 12), name="1e+140 to 1e-140")
NEARLY_FLAT = Spectrum([1.0, 1.0 + 1e-9, 1.0 + 3e-9, 1.0 + 4e-9]).named("nearly flat")
LINKS = {claim.name: claim for claim in interlacing_theorems() if isinstance(claim.value, Side)}
#: Cases that float64 leaves open, and on which side by how much, relative to the side.
OPEN = [
    ("interlacing-complex-upper", Spectrum.step(4, 2, 1e-4), 1, -9e-15),
    ("interlacing-complex-upper", STEP, 1, -5.2e-18),
    ("interlacing-complex-upper", STEP, 2, -2.5e-17),
    ("interlacing-complex-upper", STEP, 3, -1.1e-16),
    ("interlacing-complex-upper", STEP, 4, -5.6e-16),
]


@dataclass(frozen=True)
class Moved(Side):
    """A side times ``1 + by``, in float64 and in balls."""

    side: Side
    by: fmpq

    def __call__(self, spectrum: Spectrum, m: int) -> float:
        return self.side(spectrum, m) * float(1 + self.by)

    def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Any:
        found = self.side.ball(spectrum, m, accuracy)
        with precision(accuracy + 16):
            return None if found is None else found * (1 + self.by)


def judged(kind: Kind, value: Any, spectrum: Spectrum, m: int, quantity: ExpectedError) -> Outcome:
    claim = Claim(name="side", statement="", kind=kind, value=value, quantity=quantity, status="theorem")
    test = Test.of(claim, claim.value_at(spectrum, m), max_draws=1)
    (outcome,) = decide(Cell(quantity, spectrum, m, (test,), alpha=1e-6, seed=0))
    return outcome


def judge_link(name: str, spectrum: Spectrum, m: int, by: float = 0.0) -> Outcome:
    """A link of the chain with its side moved by the exact float64 number `by`, relative to itself."""
    claim = LINKS[name]
    assert isinstance(claim.value, Side)
    assert isinstance(claim.quantity, ExpectedError)
    side = Moved(claim.value, fmpq(*by.as_integer_ratio())) if by else claim.value
    return judged(claim.kind, side, spectrum, m, claim.quantity)


def test_all_strict_links_have_sides_in_balls() -> None:
    assert {name.removeprefix("interlacing-") for name in LINKS} == {
        *("complex-lower", "complex-upper", "complex-real", "real-lower", "real-complex", "real-upper")
    }


@pytest.mark.parametrize(("name", "spectrum", "m", "difference"), OPEN)
def test_what_rounding_leaves_open_is_decided_as_the_truth_requires(
    name: str, spectrum: Spectrum, m: int, difference: float
) -> None:
    outcome = judge_link(name, spectrum, m)
    assert isinstance(outcome.evidence, Separated)
    assert outcome.verdict == SUPPORTED
    assert outcome.evidence.least == pytest.approx(difference, rel=0.05)
    assert outcome.ratio >= 1
    # The side moved by a part in 10^16 either way, and by twice the difference: what is true then is decided, too.
    for by in (-1e-16, 1e-16, 2 * difference, difference / 2):
        moved = judge_link(name, spectrum, m, by)
        assert moved.verdict == (SUPPORTED if difference < by else REFUTED), by
        assert moved.basis == "exact"
        assert (moved.ratio < 1) <= (moved.verdict == REFUTED)
    # The twin: a plain function of the same numbers stays open.
    claim = LINKS[name]
    plain = judged(claim.kind, lambda s, m: claim.value(s, m), spectrum, m, ExpectedError(field="complex"))
    assert plain.verdict == UNDECIDED
    assert plain.equal_up_to_rounding


def test_a_difference_far_below_any_float64_number_beside_one() -> None:
    outcome = judge_link("interlacing-real-lower", WIDE, 1)
    assert outcome.verdict == SUPPORTED
    assert outcome.sentence == "supported (exact, relative difference 3.6e-50)"
    assert outcome.ratio == 1.0
    assert outcome_from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


@pytest.mark.parametrize("name", LINKS)
def test_each_link_is_decided_on_a_nearly_flat_spectrum(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation, "ACCURACIES", (100,))
    claim = LINKS[name]
    for m in (1, 3):
        if not claim.applies(NEARLY_FLAT, m):
            continue
        outcome = judge_link(name, NEARLY_FLAT, m)
        assert isinstance(outcome.evidence, Separated)
        assert outcome.verdict == SUPPORTED
        # The side moved across the quantity.
        assert judge_link(name, NEARLY_FLAT, m, 2 * outcome.evidence.most).verdict == REFUTED


def test_equal_numbers_stay_as_open_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separation, "ACCURACIES", (60, 100))
    # E_1 = m kappa_m for n = 2 and real A.
    outcome = judge_link("interlacing-real-lower", Spectrum([3.0, 1.0]), 1)
    assert outcome.verdict == UNDECIDED
    assert outcome.equal_up_to_rounding
    assert isinstance(outcome.evidence, Enclosed)


def test_only_what_is_left_open_goes_to_balls() -> None:
    @dataclass(frozen=True)
    class Forbidden(Side):
        def __call__(self, spectrum: Spectrum, m: int) -> float:
            return 2.0 * spectrum.energy

        def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Any:
            raise AssertionError

    assert judged("upper", Forbidden(), Spectrum([3.0, 1.0]), 1, ExpectedError()).verdict == SUPPORTED


@pytest.mark.parametrize("ball", [arb(3.1), arb("nan"), 3.0, "3"])
def test_a_side_that_contradicts_itself_decides_nothing(ball: Any) -> None:
    @dataclass(frozen=True)
    class Wrong(Side):
        def __call__(self, spectrum: Spectrum, m: int) -> float:
            return 3.0

        def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Any:
            return ball

    with pytest.raises(ClaimError, match=r"Wrong.ball\(pair, m=1\) returned .* no ball around its value 3.0"):
        judged("upper", Wrong(), Spectrum([3.0, 1.0]).named("pair"), 1, ExpectedError())


@pytest.mark.parametrize("ball", [arb(3.1), arb("nan"), 3.0])
def test_a_quantity_whose_ball_is_not_its_own_decides_nothing(ball: Any) -> None:
    class StrayError(ExpectedError):
        def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Any:
            return ball

    with pytest.raises(ClaimError, match=r"breaks its contract: ball\(pair, m=1\) returned .* no ball within 3..3"):
        judged("lower", LINKS["interlacing-real-lower"].value, Spectrum([3.0, 1.0]).named("pair"), 1, StrayError())


def test_an_inherited_ball_is_not_that_of_another_quantity() -> None:
    class WiderError(ExpectedError):
        def enclosure(self, spectrum: Spectrum, m: int) -> tuple[float, float]:
            return 0.0, spectrum.energy

    assert judge_link(*OPEN[1][:3]).verdict == SUPPORTED
    name, spectrum, m, _ = OPEN[1]
    assert judged("upper", LINKS[name].value, spectrum, m, WiderError(field="complex")).verdict == UNDECIDED


def test_a_ball_that_leaves_its_enclosure_is_found_when_the_quantity_is_tried() -> None:
    class StrayError(ExpectedError):
        def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Any:
            return arb(1e3)

    case = Case(Spectrum([3.0, 1.0]), (1,))
    assert_quantity(ExpectedError(), cases=[case], draws=50)
    with pytest.raises(AssertionError, match="which is no ball within"):
        assert_quantity(StrayError(), cases=[case], draws=50)


def test_a_cell_with_a_side_is_the_same_in_another_process() -> None:
    claim = LINKS["interlacing-complex-upper"]

    def cell(value: Any) -> Cell:
        test = Test.of(Claim(name="c", statement="", kind="upper", value=value), 1.0, 1)
        return Cell(claim.quantity, STEP, 1, (test,), alpha=0.1, seed=0)

    assert isinstance(claim.value, Side)
    one, moved = cell(claim.value), cell(Moved(claim.value, fmpq(1, 3)))
    assert cloudpickle.loads(cloudpickle.dumps(one)).key == one.key
    assert len({one.key, moved.key, cell(lambda spectrum, m: 1.0).key}) == 3


@pytest.mark.parametrize("kind", ["upper", "lower"])
def test_the_sign_of_the_difference_alone_decides(kind: Kind) -> None:
    relation, sign = RELATIONS[kind], 1 if kind == "upper" else -1
    for size in (1e-300, 1e-17, 0.5):
        ends = sorted((-sign * size, -sign * size / 2))
        shown = Separated(low=1.0, high=1.0, least=ends[0], most=ends[1], bits=64)
        assert shown.verdict(relation, 1.0, 0.05) == SUPPORTED
        assert from_json(json.loads(json.dumps(shown.to_json()))) == shown
        other = Separated(low=1.0, high=1.0, least=-ends[1], most=-ends[0], bits=64)
        assert other.verdict(relation, 1.0, 0.05) == REFUTED
        both = Separated(low=1.0, high=1.0, least=-size, most=size, bits=64)
        assert both.verdict(relation, 1.0, 0.05) == UNDECIDED
        assert not both.equal_up_to_rounding(relation, 1.0)
    with pytest.raises(ValueError, match="least <= most"):
        Separated(low=1.0, high=1.0, least=1.0, most=0.0, bits=64)
