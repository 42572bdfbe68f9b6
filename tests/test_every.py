"""Statements about every A: false ones fall by one A that is shown to break them; trying supports none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from linflow.checks import Field, FloatArray
from linflow.claims import Case, Claim, ExpectedError, Quantity, every, verify
from linflow.claims.certainties import Dominance
from linflow.claims.evidence import NoViolation, Violation
from linflow.claims.outcome import Outcome
from linflow.claims.quantities import Draws, Plain, SpectralError
from linflow.claims.relation import Kind
from linflow.errors import InputError
from linflow.risk.witness import error_enclosure, truncated_enclosure
from linflow.spectrum import Spectrum

SPECTRA = {
    "three": Spectrum([3.0, 2.0, 1.0]),
    "power": Spectrum.power_law(20),
    "step": Spectrum.step(16, 5, 1e-3),
    "wide": Spectrum(10.0 ** np.linspace(100, -100, 9)),
}


def judged(quantity: Quantity, spectrum: Spectrum, m: int, kind: Kind, value: float, seed: int = 0) -> Outcome:
    """The outcome of one claim about every A, which no proof may decide."""
    claim = Claim(
        name="every",
        statement="",
        kind=kind,
        value=lambda spectrum, m: value,
        quantity=quantity,
        every_draw=True,
        status="theorem",
    )
    (outcome,) = verify(claim, cases=[Case(spectrum, (m,))], workers=1, seed=seed).cases
    return outcome


def extremes(spectrum: Spectrum, m: int) -> tuple[float, float]:
    """Least and largest X_A over all A (Ky Fan), summed anew."""
    l = np.sort(spectrum.singular_values.astype(np.longdouble) ** 2)
    return float(l[: spectrum.n - m].sum()), float(l[::-1][: spectrum.n - m][::-1].sum())


@pytest.mark.parametrize("field", ["real", "complex"])
@pytest.mark.parametrize("off", [1e-6, 0.01, 0.5])
@pytest.mark.parametrize("name", SPECTRA)
def test_a_false_bound_on_every_A_falls_by_one_A(name: str, off: float, field: Field) -> None:
    spectrum = SPECTRA[name]
    about = ExpectedError(field=field)
    for m in (1, spectrum.n // 2, spectrum.n - 1):
        least, most = extremes(spectrum, m)
        for kind, value in (("upper", most * (1 - off)), ("lower", least * (1 + off))):
            found = judged(about, spectrum, m, kind, value)  # type: ignore[arg-type]
            assert (found.verdict, found.basis) == ("refuted", "exact")
            assert isinstance(found.evidence, Violation)
            assert found.evidence.A is not None
            shown = error_enclosure(spectrum, np.array(found.evidence.A))
            assert shown.low > value if kind == "upper" else shown.high < value
            assert found.ratio < 1


@pytest.mark.parametrize("name", SPECTRA)
def test_a_true_bound_on_every_A_is_not_refuted_and_not_supported(name: str) -> None:
    spectrum = SPECTRA[name]
    for m in (0, 1, spectrum.n // 2, spectrum.n - 1, spectrum.n):
        least, most = extremes(spectrum, m)
        for kind, value in (("upper", most), ("lower", least), ("upper", 2 * most + 1), ("lower", 0.5 * least)):
            for seed in range(2):
                found = judged(ExpectedError(), spectrum, m, kind, value, seed)  # type: ignore[arg-type]
                assert (found.verdict, found.basis) == ("not refuted", "no violation")
                assert isinstance(found.evidence, NoViolation)
                assert found.evidence.draws == Quantity.tries


def test_what_draws_never_see_is_found_by_climbing(monkeypatch: pytest.MonkeyPatch) -> None:
    # The largest of the m x n draws comes nowhere near the supremum of the last three per cent.
    spectrum, m = SPECTRA["power"], 12
    value = 0.97 * extremes(spectrum, m)[1]
    monkeypatch.setattr(every, "_starts", lambda tried, direction, rng: iter([rng.standard_normal((m, spectrum.n))]))
    assert judged(ExpectedError(), spectrum, m, "upper", value).verdict == "refuted"
    monkeypatch.setattr(every, "_STEPS", 0)  # the twin: without a step the start is all that is seen
    monkeypatch.setattr(every._Climb, "run", lambda climb: None)
    assert judged(ExpectedError(), spectrum, m, "upper", value).verdict == "not refuted"


def test_a_climb_without_a_gradient_finds_its_way_too() -> None:
    # The largest singular value of what is missed is sigma_1 for A that see the other directions.
    spectrum, m = Spectrum.power_law(8), 3
    found = judged(SpectralError(), spectrum, m, "upper", 0.99)
    assert (found.verdict, found.basis) == ("refuted", "draw")  # no ball arithmetic: it is taken at its word, and told so
    assert judged(SpectralError(), spectrum, m, "upper", 1.0).verdict == "not refuted"


@dataclass(frozen=True)
class Ring(Quantity):
    """``(|a| - 1)**2`` of the only row a: smooth, without a gradient, and 0 on a sphere that no draw meets."""

    name: ClassVar[str] = "ring"

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        A = 10 * rng.standard_normal((size, m, spectrum.n))
        return Draws(weights=np.zeros(size), values=self.at(spectrum, m, A))

    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:
        return np.asarray((np.linalg.norm(A[:, 0], axis=1) - 1.0) ** 2 + 1e-6)


def test_a_users_quantity_is_hunted_over_A_as_well() -> None:
    spectrum = Spectrum.flat(5)
    assert judged(Ring(), spectrum, 1, "lower", 1e-3).verdict == "refuted"
    assert judged(Ring(), spectrum, 1, "lower", 1e-6).verdict == "not refuted"


@dataclass(frozen=True)
class Tilted(Quantity):
    """Plain draws are about 1/4; those for the mean come from another law."""

    name: ClassVar[str] = "tilted"

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        return Draws(weights=np.full(size, 0.5), values=np.full(size, 0.75))

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:
        return Plain(rng.uniform(0.2, 0.3, size))


def test_what_draws_rule_out_is_about_plain_draws() -> None:
    found = judged(Tilted(), Spectrum.flat(4), 2, "upper", 1.0)
    assert isinstance(found.evidence, NoViolation)
    assert 0.2 <= found.low < found.high <= 0.3
    assert judged(Tilted(), Spectrum.flat(4), 2, "upper", 0.5).verdict == "not refuted"
    assert judged(Tilted(), Spectrum.flat(4), 2, "lower", 0.5).verdict == "refuted"


def test_T4_is_never_broken_by_a_climb_and_its_sharpened_twin_is() -> None:
    spectrum, m = Spectrum.step(8, 3, 1e-2), 4
    assert judged(Dominance(), spectrum, m, "upper", 1.0).verdict == "not refuted"
    found = judged(Dominance(), spectrum, m, "upper", 0.99)
    assert (found.verdict, found.basis) == ("refuted", "exact")
    A = np.array(found.evidence.A)  # type: ignore[attr-defined]
    risks = [risk for k in range(m + 1) if (risk := truncated_enclosure(spectrum, A, k)) is not None]
    assert error_enclosure(spectrum, A).low > 0.99 * min(risk.low for risk in risks)


@dataclass(frozen=True)
class Blurred(ExpectedError):  # noqa: N818 - an error of estimation, no exception
    """X_A with a relative error of 1e-4, which it declares; its ball arithmetic is right."""

    name: ClassVar[str] = "blurred"
    rounding: ClassVar[float] = 2e-4

    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:
        return super().at(spectrum, m, A) * (1 + 1e-4)

    def enclosure_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> tuple[float, float]:
        return super().enclosure_at(spectrum, m, A)


def test_only_ball_arithmetic_says_exact() -> None:
    # At the supremum the blur looks like a violation; the enclosure knows better.
    spectrum, m = SPECTRA["three"], 1
    assert judged(Blurred(), spectrum, m, "upper", 13.0).verdict == "not refuted"
    assert judged(Blurred(), spectrum, m, "upper", 12.9).basis == "exact"


@pytest.mark.parametrize("kind", ["equal", "close"])
def test_equalities_about_every_A(kind: Kind) -> None:
    flat, bent = Spectrum.flat(6), Spectrum([1.0, 1.0, 1.0, 1.0, 1.0, 0.8])
    assert judged(ExpectedError(), flat, 2, kind, 4.0).verdict == "not refuted"  # true of each, shown of none
    assert judged(ExpectedError(), bent, 2, kind, 3.0).verdict == "refuted"
    tight = judged(ExpectedError(), flat, 2, kind, 4.0 * 1.01)
    assert tight.verdict == ("refuted" if kind == "equal" else "not refuted")


def test_enclosures_of_one_A() -> None:
    spectrum = Spectrum([2.0, 1.0, 0.5])
    rng = np.random.default_rng(0)
    for m in (0, 1, 2, 3):
        A = rng.standard_normal((m, 3))
        M = (A * spectrum.singular_values).T
        Q = np.linalg.qr(M)[0]
        plain = float(np.sum((spectrum.singular_values[:, None] * (np.eye(3) - Q @ Q.T)) ** 2))
        found = error_enclosure(spectrum, A)
        assert found.low <= found.high
        assert found.midpoint == pytest.approx(plain, rel=1e-12, abs=1e-14)
        scaled = error_enclosure(spectrum, A * 10.0 ** rng.integers(-200, 200, (m, 1)).astype(float))
        assert scaled.midpoint == pytest.approx(found.midpoint, rel=1e-13, abs=1e-300)
    with pytest.raises(InputError, match="dependent"):
        error_enclosure(spectrum, [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    with pytest.raises(InputError, match="must have shape"):
        error_enclosure(spectrum, [[1.0, 2.0]])
