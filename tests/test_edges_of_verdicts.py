"""What a referee would try: values that no float64 is, settings that are none, names that are markup, draws that cheat."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest
from rich.console import Console

from linflow.claims import Case, Claim, Draws, ExpectedError, Quantity, Verdict, hunt, verify, verify_all
from linflow.claims.evidence import Confidence, Enclosed, Proved
from linflow.claims.quantities import Breach
from linflow.claims.relation import RELATIONS
from linflow.claims.verdict import of_quantity
from linflow.errors import ClaimError, InputError
from linflow.report import print_report, to_markdown
from linflow.spectrum import Spectrum
from linflow.testing import assert_every_draw

PAIR = [Case(Spectrum([3.0, 2.0]), (1,))]  # E_1 = 6


def about(value: Any, kind: Any = "upper", **options: Any) -> Claim:
    settings: dict[str, Any] = {"name": "c", "statement": ""} | options
    return Claim(kind=kind, value=value if callable(value) else lambda s, m: value, **settings)


@dataclass(frozen=True)
class Scaled(Quantity):
    """``scale * 0.3``, or over 0.3."""

    name: ClassVar[str] = "scaled"
    size: float = 1.0

    def scale(self, spectrum: Spectrum, m: int) -> float:
        return self.size

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        return Draws(weights=np.full(size, 0.3), values=np.full(size, 0.3))


class Inverse(Scaled):
    inverse: ClassVar[bool] = True


# --------------------------------------------------------------------------------------------------------------- values


@pytest.mark.parametrize(
    "value",
    [Fraction(6) - Fraction(1, 10**30), 2**53 + 1, Decimal("6.0000000000000000000001"), "6", b"6", 10**5000, "6.0"],
    ids=range(7),
)
def test_values_that_no_float64_is_are_refused(value: object) -> None:
    with pytest.raises(ClaimError, match=r"no float64 number is|not a number") as raised:
        verify(about(value), cases=PAIR, workers=1)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    "value", [7, Fraction(13, 2), Decimal("6.5"), np.float32(6.5), np.int64(7), np.array(6.5)], ids=str
)
def test_values_of_any_type_that_float64_holds_are_taken(value: object) -> None:
    assert verify(about(value), cases=PAIR, workers=1).verdict == "supported"


def test_a_zero_width_that_comes_from_rounding_shows_no_equality() -> None:
    equal = RELATIONS["equal"]
    assert Enclosed(low=0.3, high=0.3).verdict(equal, 0.3, 0.05) == "supported"
    assert Confidence(low=0.3, high=0.3, alpha=0.1, draws=9).verdict(equal, 0.3, 0.05) == "not refuted"
    assert Proved(low=0.3, high=0.3, by=("T8",)).verdict(equal, 0.3, 0.05) == "not refuted"
    for every_draw in (False, True):
        flat = [Case(Spectrum.flat(3, 0.1), (0, 1))]
        verdict = verify(about(lambda s, m: s.tail(m), "equal", every_draw=every_draw), cases=flat, workers=1)
        assert verdict.verdict == "not refuted"


@pytest.mark.parametrize("scale", [1.0, 1e-300, 1e300, 3.0])
@pytest.mark.parametrize("inverse", [False, True])
def test_ends_are_rounded_outwards(scale: float, inverse: bool) -> None:
    rng = np.random.default_rng(0)
    for low, high in np.sort(rng.random((50, 2)), axis=1):
        found = of_quantity(low, high, scale, inverse)
        exact = [Fraction(scale) / Fraction(w) if inverse else Fraction(scale) * Fraction(w) for w in (low, high)]
        if np.isfinite(found).all():
            assert Fraction(found[0]) <= min(exact)
            assert max(exact) <= Fraction(found[1])


@pytest.mark.parametrize("quantity", [Scaled(5e-324), Scaled(1e-310), Scaled(0.0), Scaled(np.inf)], ids=repr)
def test_scales_that_leave_float64_are_refused(quantity: Quantity) -> None:
    with pytest.raises(ClaimError, match="scale"):
        verify(about(1.0, quantity=quantity), cases=PAIR, workers=1)


def test_a_quantity_beyond_float64_is_not_decided() -> None:
    for kind, value in (("upper", 1e308), ("close", 1e300), ("equal", 1e308), ("lower", 1e308)):
        verdict = verify(about(value, kind, quantity=Inverse(1e308), tolerance=1e3), cases=PAIR, workers=1, max_draws=100)
        (case,) = verdict.cases
        assert case.low <= case.high
        assert case.verdict != "supported" or kind == "lower"


def test_evidence_is_ordered() -> None:
    with pytest.raises(ValueError, match="low <= high"):
        Enclosed(low=2.0, high=1.0)
    assert Enclosed.of(-np.inf, np.inf).estimate is None
    assert Enclosed.of(1.5e308, 1.7e308).estimate == pytest.approx(1.6e308)


# ------------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": None}, "seed must be a whole number >= 0"),
        ({"seed": -1}, "seed must be"),
        ({"seed": 1.5}, "seed must be"),
        ({"alpha": "x"}, "alpha must"),
        ({"alpha": 5e-324}, "alpha must"),
        ({"alpha": np.nan}, "alpha must"),
        ({"cases": [Spectrum.flat(3)]}, "each of cases must be a Case of linflow"),
    ],
)
def test_settings_that_are_none_are_refused(options: dict[str, Any], message: str) -> None:
    settings: dict[str, Any] = {"cases": PAIR, "workers": 1} | options
    with pytest.raises(InputError, match=message):
        verify_all([about(7.0)], **settings)


def test_numbers_of_other_types_are_taken() -> None:
    claim = about(7.0, tolerance=np.float32(0.5), every_draw=np.bool_(False))
    report = verify_all([claim], cases=PAIR, workers=1, seed=np.int64(3), alpha=np.float32(1e-3))  # type: ignore[arg-type]
    assert report.verdicts[0].verdict == "supported"


@pytest.mark.parametrize(
    "make",
    [
        lambda: about(1.0, tolerance="wide"),
        lambda: about(1.0, tolerance=np.inf),
        lambda: about(1.0, quantity=None),
        lambda: about(1.0, quantity=ExpectedError),
        lambda: ExpectedError(field="reel"),  # type: ignore[arg-type]
        lambda: Breach("T4", np.nan),
        lambda: Breach("T4", 0.5),
        lambda: Breach("T4", "x"),  # type: ignore[arg-type]
    ],
)
def test_what_says_nothing_is_refused_where_it_is_made(make: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        make()


# ------------------------------------------------------------------------------------------------------------ quantities


class Doubled(ExpectedError):  # noqa: N818 - an error of estimation, no exception
    """Twice the error, of which the oracle of the parent knows nothing."""

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        return super().draws(spectrum, m, size, rng)

    def scale(self, spectrum: Spectrum, m: int) -> float:
        return 2 * super().scale(spectrum, m)


def test_an_inherited_oracle_is_not_that_of_other_draws() -> None:
    with pytest.raises(ClaimError, match="is that of ExpectedError, while draws is not: define both, or neither"):
        verify(about(6.6, quantity=Doubled()), cases=PAIR, workers=1)
    claim = Claim(name="c", statement="", kind="upper", value=lambda s, m: 13.0, quantity=Doubled(), every_draw=True)
    with pytest.raises(InputError, match="assert_every_draw is about X_A"):
        assert_every_draw(claim, Spectrum([3.0, 2.0, 1.0]), 1)


class Deaf(Quantity):
    """Draws that do not come from the generator."""

    name = "deaf"

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        weights = np.random.default_rng(1).random(size)
        return Draws(weights=weights, values=weights)


def test_draws_that_repeat_themselves_are_noticed() -> None:
    with pytest.raises(ClaimError, match="its draws repeat themselves"):
        verify(about(0.5, quantity=Deaf()), cases=PAIR, workers=1)


# ---------------------------------------------------------------------------------------------------------- hunts, names


def test_a_mended_claim_takes_nothing_from_the_journal_of_the_old_one(tmp_path: Any) -> None:
    def claim(factor: float) -> Claim:
        # Differs from the other at n = 4 alone, where a few probes may never look.
        return about(lambda s, m: (factor if s.n == 4 else 1.0) * 1.1 * s.energy, holds_for=lambda s, m: 0 < m < s.n)

    options: dict[str, Any] = {"rounds": 6, "max_n": 4, "workers": 1, "journal": tmp_path / "rounds.sqlite"}
    assert hunt(claim(1e-3), **options).outcome == "refuted"
    assert hunt(claim(1.0), **options).outcome == "not refuted"


def test_names_are_no_markup_and_no_table() -> None:
    spectrum = Spectrum([3.0, 2.0], name="run [/1] | [bold]")
    claim = about(1.0, name="bracket[b]", statement="first line\nsecond | line", quantity=Scaled(10.0))
    report = verify_all([claim], cases=[Case(spectrum, (1,))], workers=1)
    console = Console(width=200, record=True, file=io.StringIO())
    print_report(report, console)
    text = console.export_text()
    assert "bracket[b]" in text
    assert "run [/1] | [bold]" in text
    assert len(to_markdown(report).splitlines()) == 3


def test_a_verdict_without_cases_says_so() -> None:
    empty = Verdict(about(1.0), ())
    assert (empty.verdict, empty.basis, empty.worst, empty.sentence) == ("undecided", "none", None, "undecided")
