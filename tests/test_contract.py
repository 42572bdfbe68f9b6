"""The contract of quantities: what breaks it is refused in a sentence and decides nothing; answers must agree.

Each fault is planted in a quantity that is right in everything else, and it must be found on both roads: by `verify`, which
asks a quantity for what it needs, and by `assert_quantity`, which asks for everything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, get_args

import numpy as np
import pytest

from linflow.checks import FIELDS, FloatArray
from linflow.claims import Case, Claim, ExpectedError, Quantity, contract, verify
from linflow.claims import certainties as certain
from linflow.claims.open_questions import MisplacedLeverage, OneStep
from linflow.claims.penalised import Functional, Penalised
from linflow.claims.quantities import Breach, Draws, FailureProbability, Plain, Sketch, SpectralError, TruncatedRisk
from linflow.errors import ClaimError, InputError
from linflow.risk import bounds
from linflow.spectrum import Spectrum
from linflow.testing import assert_quantity

SPECTRUM, M = Spectrum([3.0, 2.0, 1.0]), 2
PLACE = (Case(SPECTRUM, (M,)),)


class Sound(Quantity):
    """The smallest squared entry of A, capped at 1: every method, by the shortest road."""

    name: ClassVar[str] = "sound"

    def enclosure(self, spectrum: Spectrum, m: int) -> Any:
        return (0.0, 1.0)

    def estimate(self, spectrum: Spectrum, m: int) -> Any:
        return 0.05

    def scale(self, spectrum: Spectrum, m: int) -> Any:
        return 1.0

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Any:
        values = smallest(rng.standard_normal((size, m, spectrum.n)))
        return Draws(values, values)

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Any:
        A = rng.standard_normal((size, m, spectrum.n))
        return Plain(smallest(A), A)

    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> Any:
        return smallest(A)

    def slope_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> Any:
        slope = np.zeros_like(A)
        place = np.unravel_index(np.abs(A).argmin(), A.shape)
        slope[place] = 2 * A[place] if abs(A[place]) < 1 else 0.0
        return slope

    def enclosure_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> Any:
        value = float(smallest(A[None])[0])
        return (value * (1 - 1e-12), value * (1 + 1e-12))


class Drawn(Sound):
    """The same without an oracle: it is drawn."""

    name: ClassVar[str] = "drawn"

    def enclosure(self, spectrum: Spectrum, m: int) -> Any:
        return None


class Slopeless(Drawn):
    """The same without a gradient."""

    def slope_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> Any:
        return None


def smallest(A: FloatArray) -> FloatArray:
    return np.asarray(np.minimum((A**2).reshape(len(A), -1).min(axis=1), 1.0))


def broken(method: str, answer: Callable[..., Any]) -> Quantity:
    """A sound quantity whose `method` answers with what `answer` makes of the sound answer (and of the size asked for)."""
    base: type[Sound] = Sound if method == "enclosure" else Drawn

    def faulty(self: Any, *arguments: Any) -> Any:
        return answer(getattr(base, method)(self, *arguments))

    made: Quantity = type(f"Broken{method}", (base,), {method: faulty, "name": "faulty"})()
    return made


#: What a number may not be, and how the refusal says it.
NO_NUMBER: dict[str, tuple[Any, str]] = {
    "nan": (np.nan, "no number"),
    "none": ([], "no number"),
    "text": ("1.0", "no number"),
    "complex": (1j, "no number"),
    "a complex number of numpy's, on the real axis": (np.complex128(1.0), "no number"),
    "masked": (np.ma.masked, "no number"),
    "an array": (np.ones(2), "no number"),
    "beyond float64": (10**400, "no number"),
}
NO_SCALE = NO_NUMBER | {
    what: (value, "not a finite number > 0")
    for what, value in {"zero": 0.0, "negative": -1.0, "infinite": np.inf, "minus infinity": -np.inf}.items()
}
NO_INTERVAL: dict[str, tuple[Any, str]] = {
    "inverted": ((5.0, 1.0), "low end exceeds its high end"),
    "one number": (1.0, "not a pair"),
    "one end": ((1.0,), "not a pair"),
    "three": ((1.0, 2.0, 3.0), "not a pair"),
    "an array": (np.array([1.0, 2.0]), "not a pair"),
    **{f"low {what}": ((value, 2.0), how) for what, (value, how) in NO_NUMBER.items()},
    **{f"high {what}": ((0.0, value), how) for what, (value, how) in NO_NUMBER.items()},
}


def spoilt(values: FloatArray, entry: float) -> FloatArray:
    """The values with one entry, the last, spoilt."""
    changed = np.array(values, dtype=np.float64)
    changed[..., -1] = entry
    return changed


def _masked(values: FloatArray) -> Any:
    mask = np.zeros(np.shape(values), dtype=bool)
    mask[..., 0] = True
    return np.ma.masked_array(values, mask)


#: What an array may not be, however good its other entries are.
NO_ARRAY: dict[str, tuple[Callable[[FloatArray], Any], str]] = {
    "nan": (lambda values: spoilt(values, np.nan), "not finite"),
    "infinite": (lambda values: spoilt(values, np.inf), "not finite"),
    "minus infinity": (lambda values: spoilt(values, -np.inf), "not finite"),
    "masked": (_masked, "masked array"),
    "complex": (lambda values: values + 0j, "no real numbers"),
    "objects": (lambda values: values.astype(object), "no real numbers"),
    "text": (lambda values: values.astype(str), "no real numbers"),
    "ragged": (lambda values: [[1.0], [1.0, 2.0]], "no real numbers"),
    "one too many": (lambda values: np.concatenate([values, values[:1]]), "of shape"),
    "one too few": (lambda values: values[1:], "of shape"),
    "a column": (lambda values: values[..., None], "of shape"),
    "one number": (lambda values: 0.5, "of shape"),
    "nothing": (lambda values: (), "of shape"),
}
NO_SLOPE = {what: how for what, how in NO_ARRAY.items() if how[1] != "not finite"}


def _failing(answer: Any) -> Any:
    raise ZeroDivisionError("oh")


def answering(value: Any) -> Callable[[Any], Any]:
    return lambda answer: value


def weighing(fault: Callable[[FloatArray], Any]) -> Callable[[Any], Any]:
    return lambda drawn: Draws(fault(drawn.weights), drawn.values)


def valuing(fault: Callable[[FloatArray], Any]) -> Callable[[Any], Any]:
    return lambda drawn: Plain(fault(drawn.values), drawn.A)


def measuring(fault: Callable[[FloatArray], Any]) -> Callable[[Any], Any]:
    return lambda drawn: Plain(drawn.values, fault(drawn.A))


Fault = tuple[str, Callable[[Any], Any], str]
MEANS: dict[str, Fault] = {
    **{f"enclosure: {what}": ("enclosure", answering(value), how) for what, (value, how) in NO_INTERVAL.items()},
    **{f"scale: {what}": ("scale", answering(value), how) for what, (value, how) in NO_SCALE.items()},
    **{f"weights: {what}": ("draws", weighing(fault), how) for what, (fault, how) in NO_ARRAY.items()},
    "weights: above 1": ("draws", lambda d: Draws(spoilt(d.weights, 1.0 + 1e-15), d.values), r"must lie in 0\.\.1"),
    "weights: below 0": ("draws", lambda d: Draws(spoilt(d.weights, -1e-300), d.values), r"must lie in 0\.\.1"),
    "draws: none": ("draws", lambda d: None, "returned NoneType, not Draws"),
    "draws: an array": ("draws", lambda d: d.values, "returned ndarray, not Draws"),
    "draws: a breach in words": ("draws", lambda d: Draws(d.weights, d.values, ("T4",)), "no Breach"),  # type: ignore[arg-type]
    "draws: no breaches": ("draws", lambda d: Draws(d.weights, d.values, None), "no Breach"),  # type: ignore[arg-type]
    **{
        f"{name} raises": (name, _failing, f"{name} of quantity 'faulty' .* raised ZeroDivisionError: oh")
        for name in ("enclosure", "scale", "draws")
    },
    "defined raises": ("defined", _failing, "raised ZeroDivisionError: oh"),
    "defined is no truth": ("defined", lambda _: np.array([True, False]), "raised ValueError"),
}
EVERY_A: dict[str, Fault] = {
    **{f"plain values: {what}": ("plain", valuing(fault), how) for what, (fault, how) in NO_ARRAY.items()},
    **{f"plain A: {what}": ("plain", measuring(fault), how) for what, (fault, how) in NO_ARRAY.items()},
    "plain: draws": ("plain", lambda drawn: Draws(drawn.values, drawn.values), "returned Draws, not Plain"),
    **{f"at: {what}": ("at", fault, how) for what, (fault, how) in NO_ARRAY.items()},
    **{f"slope_at: {what}": ("slope_at", fault, how) for what, (fault, how) in NO_SLOPE.items()},
    **{
        f"{name} raises": (name, _failing, f"{name} of quantity 'faulty' .* raised ZeroDivisionError: oh")
        for name in ("plain", "at", "slope_at", "enclosure_at")
    },
    **{f"enclosure_at: {what}": ("enclosure_at", answering(value), how) for what, (value, how) in NO_INTERVAL.items()},
}
ESTIMATES: dict[str, Fault] = {
    **{f"estimate: {what}": ("estimate", answering(value), how) for what, (value, how) in NO_NUMBER.items()},
    "estimate raises": ("estimate", _failing, "estimate of quantity 'faulty' .* raised ZeroDivisionError: oh"),
}


def judged(quantity: Quantity, *, every_draw: bool = False, value: float = 1e-6) -> str:
    """The verdict on "<= value": false at 1e-6, which draws show; true at 2, so that violations are looked for."""
    claim = Claim("claim", "", "upper", lambda s, m: value, quantity=quantity, every_draw=every_draw)
    return verify(claim, cases=PLACE, workers=1, max_draws=64).verdict


def in_one_sentence(error: BaseException) -> str:
    """The message, which must be one line that names the quantity and the place."""
    sentence = str(error).splitlines()[0]
    assert "Error(" not in sentence
    assert "m=2" in sentence
    return sentence


@pytest.mark.parametrize("what", MEANS)
def test_a_broken_answer_about_a_mean_is_refused(what: str) -> None:
    method, fault, how = MEANS[what]
    with pytest.raises(ClaimError, match=how) as refused:
        judged(broken(method, fault))
    assert in_one_sentence(refused.value) == str(refused.value)
    with pytest.raises(AssertionError, match=how) as failed:
        assert_quantity(broken(method, fault), cases=PLACE, draws=50)
    in_one_sentence(failed.value)


@pytest.mark.parametrize("what", EVERY_A)
def test_a_broken_answer_about_every_A_is_refused(what: str) -> None:
    method, fault, how = EVERY_A[what]
    with pytest.raises(ClaimError, match=how) as refused:
        judged(broken(method, fault), every_draw=True, value=1e-6 if method == "enclosure_at" else 2.0)
    assert in_one_sentence(refused.value) == str(refused.value)
    with pytest.raises(AssertionError, match=how) as failed:
        assert_quantity(broken(method, fault), cases=PLACE, draws=50)
    in_one_sentence(failed.value)


@pytest.mark.parametrize("what", ESTIMATES)
def test_a_broken_estimate_is_refused(what: str) -> None:
    method, fault, how = ESTIMATES[what]
    with pytest.raises(ClaimError, match=how):
        contract.estimate_of(broken(method, fault), SPECTRUM, M)
    with pytest.raises(AssertionError, match=how) as failed:
        assert_quantity(broken(method, fault), cases=PLACE, draws=50)
    in_one_sentence(failed.value)


SKETCHES: dict[str, tuple[Any, str]] = {
    "outside": (Sketch(3.0, 1.0, 2.0), "outside of its interval"),
    "inverted": (Sketch(1.5, 2.0, 1.0), "outside of its interval"),
    "nan": (Sketch(np.nan, 1.0, 2.0), "no number"),
    "an end nan": (Sketch(1.5, np.nan, 2.0), "no number"),
    "complex": (Sketch(1.5, 1.0, 2j), "no number"),  # type: ignore[arg-type]
    "a tuple": ((1.0, 0.5, 2.0), "returned tuple, not Sketch"),
    "nothing": (None, "returned NoneType, not Sketch"),
}


@pytest.mark.parametrize("what", SKETCHES)
def test_a_broken_sketch_is_refused(what: str) -> None:
    answer, how = SKETCHES[what]
    rng = np.random.default_rng(0)
    with pytest.raises(ClaimError, match=how):
        contract.sketch_of(broken("sketch", lambda _: answer), SPECTRUM, M, 8, rng)
    assert contract.sketch_of(Drawn(), SPECTRUM, M, 8, rng).low <= 1


def test_the_sound_twins_are_decided_and_pass() -> None:
    """What every fault above is planted in."""
    assert judged(Sound()) == "undecided"  # its enclosure says next to nothing
    assert judged(Drawn()) == "refuted"
    for quantity in (Sound(), Drawn(), Slopeless()):
        assert judged(quantity, every_draw=True) == "refuted"
        assert judged(quantity, every_draw=True, value=2.0) == "not refuted"
        assert_quantity(quantity, cases=PLACE, draws=200)
    unchanged: Callable[[Any], Any] = lambda answer: answer  # noqa: E731
    for method in ("enclosure", "scale", "draws", "plain", "at", "slope_at", "enclosure_at", "estimate", "defined"):
        assert_quantity(broken(method, unchanged), cases=PLACE, draws=50)


def test_integers_truths_and_lists_of_numbers_are_numbers() -> None:
    listed = broken("draws", lambda drawn: Draws(list(drawn.weights), drawn.values > 0.5))  # type: ignore[arg-type]
    drawn = contract.draws_of(listed, SPECTRUM, M, 9, np.random.default_rng(0))
    assert drawn.weights.dtype == drawn.values.dtype == np.float64
    for one in (1, np.float32(1), np.array(1.0), True):
        assert contract.scale_of(broken("scale", answering(one)), SPECTRUM, M) == 1.0


def test_a_slope_may_leave_float64() -> None:
    steep = broken("slope_at", lambda slope: spoilt(slope, np.inf))
    assert judged(steep, every_draw=True, value=2.0) == "not refuted"  # such a step is not taken


@pytest.mark.parametrize("what", NO_NUMBER)
def test_what_is_no_number_is_no_claimed_value_either(what: str) -> None:
    value = NO_NUMBER[what][0]
    claim = Claim("claim", "", "upper", lambda s, m: value)
    with pytest.raises(ClaimError, match="not a number"):
        verify(claim, cases=PLACE, workers=1)


class TwiceAtA(ExpectedError):  # noqa: N818
    """Twice the error at each A: what it inherits is about another number."""

    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:
        return 2 * super().at(spectrum, m, A)


class TwiceAtAWithABall(TwiceAtA):
    def enclosure_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> tuple[float, float]:
        return super().enclosure_at(spectrum, m, A)


class TwiceDrawn(ExpectedError):  # noqa: N818
    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:
        drawn = super().plain(spectrum, m, size, rng)
        return Plain(2 * drawn.values, drawn.A)


class AnywhereAtA(ExpectedError):  # noqa: N818
    def enclosure_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> tuple[float, float]:
        return 1e9, 2e9


class Upside(ExpectedError):  # noqa: N818
    inverse: ClassVar[bool] = True


class Rescaled(ExpectedError):  # noqa: N818
    def scale(self, spectrum: Spectrum, m: int) -> float:
        return 2 * super().scale(spectrum, m)


class Wished(ExpectedError):  # noqa: N818
    """An oracle that says what its author would like."""

    def enclosure(self, spectrum: Spectrum, m: int) -> tuple[float, float]:
        return 0.0, 1e-9


class Redrawn(ExpectedError):  # noqa: N818
    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        return Draws(np.zeros(size), np.zeros(size))


#: Answers that say, or could say, what is not so: the quantity, whether the claim is about every A, a value that the claim
#: must not get away with, and the refusal.
FORGED: dict[str, tuple[Quantity, bool, float, str]] = {
    "the value at A": (TwiceAtA(), True, 12.0, "at.* is not the value of the plain draw|is that of ExpectedError"),
    "the value at A, with a ball": (TwiceAtAWithABall(), True, 4.0, "at.* is not the value|does not hold at"),
    "the value drawn": (TwiceDrawn(), True, 30.0, "is not the value of the plain draw"),
    "a ball anywhere": (AnywhereAtA(), True, 0.1, r"does not hold at\(A\)"),
    "an inverse": (Upside(), False, 100.0, "while inverse is not"),
    "a scale": (Rescaled(), False, 100.0, "while scale is not"),
    "draws": (Redrawn(), False, 1e-3, "while draws is not"),
    "an oracle": (Wished(), False, 1e-3, "its draws show a mean in"),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_is_inherited_or_made_up_supports_and_refutes_nothing(what: str) -> None:
    quantity, every_draw, value, how = FORGED[what]
    with pytest.raises(ClaimError, match=how) as refused:
        judged(quantity, every_draw=every_draw, value=value)
    in_one_sentence(refused.value)
    # The same place and value, of the quantity that it was made from.
    assert judged(ExpectedError(), every_draw=every_draw, value=value) in ("refuted", "not refuted", "supported")


def test_an_oracle_needs_no_draws() -> None:
    for how in (_failing, lambda drawn: Draws(drawn.weights + np.nan, drawn.values)):
        certain = type("Certain", (type(broken("draws", how)),), {"enclosure": lambda self, s, m: (0.5, 0.5)})()
        assert judged(certain, value=0.6) == "supported"
    assert judged(broken("enclosure", answering((0.0, 1.0))), value=2.0) == "supported"


@pytest.mark.parametrize("name", [None, "", "  ", 3])
def test_a_quantity_without_a_name_is_refused(name: Any) -> None:
    nameless = type("Nameless", (Drawn,), {"name": name})()
    for ask in (judged, assert_quantity):
        with pytest.raises(InputError, match="quantity Nameless has no name"):
            ask(nameless)


def test_an_error_of_linflow_raised_by_a_quantity_is_a_failure_too() -> None:
    def refuse(answer: Any) -> Any:
        raise InputError("not here")

    with pytest.raises(ClaimError, match="not here"):
        judged(broken("draws", refuse))
    with pytest.raises(AssertionError, match="faulty: not here"):
        assert_quantity(broken("draws", refuse), cases=PLACE, draws=50)


# ------------------------------------------------------------------------------------------- answers that contradict
# Some quantities are errors of an estimate, and their classes no exceptions (N818).


OWN: dict[str, Quantity] = {
    "E_m": ExpectedError(),
    "complex E_m": ExpectedError(field="complex"),
    "E_m, drawn": ExpectedError(oracle=False),
    "complex E_m, drawn": ExpectedError(field="complex", oracle=False),
    "T3": TruncatedRisk(),
    "T3, noisy": TruncatedRisk(noise=0.7),
    "T5": SpectralError(),
    "T6, frobenius": FailureProbability(),
    "T6, spectral": FailureProbability(norm="spectral", form="preprint"),
    **{
        f"{functional}, {field}": Penalised(functional=functional, field=field)
        for functional in get_args(Functional)
        for field in FIELDS
    },
    "majorisation": MisplacedLeverage(),
    "one step": OneStep(),
    **{
        kind.name: kind()
        for kind in vars(certain).values()
        if isinstance(kind, type) and issubclass(kind, certain._PerDraw) and kind is not certain._PerDraw
    },
}


@pytest.mark.parametrize("name", OWN)
def test_linflows_own_quantities_keep_the_contract(name: str) -> None:
    assert_quantity(OWN[name], draws=60)


class Doubled(SpectralError):  # noqa: N818
    def scale(self, spectrum: Spectrum, m: int) -> float:
        return 2 * super().scale(spectrum, m)


class Untilted(SpectralError):  # noqa: N818
    """Weights for the tilted law on draws of the plain one."""

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        k, A = int(bounds.best_rank(spectrum, m)), rng.standard_normal((size, m, spectrum.n))
        amplified = np.linalg.pinv(A[:, :, :k]) @ (A[:, :, k:] * spectrum.singular_values[k:])
        norms, tail = self.at(spectrum, m, A), float(spectrum.tail(k))
        return Draws(norms * np.sqrt(tail) / (tail + np.sum(amplified**2, axis=(1, 2))), norms)


class Shifted(ExpectedError):  # noqa: N818
    def enclosure(self, spectrum: Spectrum, m: int) -> tuple[float, float] | None:
        found = super().enclosure(spectrum, m)
        return None if found is None else (2 * found[0] + 1e-3, 2 * found[1] + 1e-3)

    def estimate(self, spectrum: Spectrum, m: int) -> float | None:
        return None


class Off(ExpectedError):  # noqa: N818
    def estimate(self, spectrum: Spectrum, m: int) -> float | None:
        return None if (found := super().estimate(spectrum, m)) is None else found * (1 + 1e-6) + 1e-12


class FarOff(ExpectedError):  # noqa: N818
    """An estimate far from the draws, where no enclosure is known."""

    def enclosure(self, spectrum: Spectrum, m: int) -> None:
        return None

    def defined(self, spectrum: Spectrum, m: int) -> bool:
        return 1 <= m < spectrum.n

    def estimate(self, spectrum: Spectrum, m: int) -> float | None:
        return 1e-6 * spectrum.tail(m)


class Elsewhere(ExpectedError):  # noqa: N818
    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:
        return super().at(spectrum, m, np.roll(A, 1, axis=0))


class Permuted(ExpectedError):  # noqa: N818
    """Measurements told in the opposite order of their columns."""

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:
        found = super().plain(spectrum, m, size, rng)
        return Plain(found.values, None if found.A is None else found.A[:, :, ::-1])


class Downhill(ExpectedError):  # noqa: N818
    def slope_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:
        return -super().slope_at(spectrum, m, A)


class DownhillWithoutPlain(Downhill):
    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:
        return Plain(super().plain(spectrum, m, size, rng).values)


class WrongBall(ExpectedError):  # noqa: N818
    def enclosure_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> tuple[float, float]:
        low, high = super().enclosure_at(spectrum, m, A)
        return 1.001 * low + 1e-6, 1.001 * high + 1e-6


class Stateful(SpectralError):  # noqa: N818
    """Draws from a generator of its own."""

    own: ClassVar[np.random.Generator] = np.random.default_rng(5)

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        return super().draws(spectrum, m, size, self.own)


class StatefulPlain(SpectralError):  # noqa: N818
    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:
        return super().plain(spectrum, m, size, Stateful.own)


class Global(SpectralError):  # noqa: N818
    """Draws from numpy's global state."""

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        return super().draws(spectrum, m, size, np.random.default_rng(np.random.randint(2**31)))  # noqa: NPY002


class Counting(SpectralError):  # noqa: N818
    """Each call answers a little differently."""

    calls: ClassVar[list[int]] = []

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        self.calls.append(m)
        found = super().draws(spectrum, m, size, rng)
        return Draws(found.weights * (1 - 1e-6 * len(self.calls)), found.values)


class Caught(SpectralError):  # noqa: N818
    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        found = super().draws(spectrum, m, size, rng)
        return Draws(found.weights, found.values, (Breach("T4", 1.5),))


CONTRADICTIONS: dict[str, tuple[Quantity, str]] = {
    "scale doubled": (Doubled(), "scale and weights contradict the mean of plain draws"),
    "tilt forgotten": (Untilted(), "scale and weights contradict the mean of plain draws"),
    "enclosure shifted": (Shifted(), "its draws contradict its enclosure"),
    "estimate off": (Off(), "its estimate contradicts its enclosure"),
    "estimate off, no enclosure": (FarOff(), "its estimate contradicts its draws"),
    "at of another A": (Elsewhere(), r"at\(A\) is not the value of the plain draw"),
    "A in another order": (Permuted(), r"at\(A\) is not the value of the plain draw"),
    "slope downhill": (Downhill(), r"slope_at\(A\) is not the slope of at"),
    "slope downhill, A unknown": (DownhillWithoutPlain(), r"slope_at\(A\) is not the slope of at"),
    "ball arithmetic off": (WrongBall(), r"enclosure_at\(.*\) returned .*, which does not hold at\(A\)"),
    "generator of its own": (Stateful(), "equal generators give different draws"),
    "generator of its own for plain draws": (StatefulPlain(), "equal generators give different plain draws"),
    "global state": (Global(), "equal generators give different draws"),
    "calls counted": (Counting(), "equal generators give different draws"),
    "a breach": (Caught(), "a draw contradicts T4, by a factor 1.5"),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_answers_that_contradict_each_other_fail(what: str) -> None:
    quantity, how = CONTRADICTIONS[what]
    cases = [Case(Spectrum([3.0, 2.0, 1.0, 0.5]), (1, 2)), Case(Spectrum.step(10, 3, 1e-1), (5,))]
    with pytest.raises(AssertionError, match=how) as failed:
        assert_quantity(quantity, cases=cases, draws=4000, alpha=1e-4)
    assert "Spectrum([" in str(failed.value)
    assert ", m = " in str(failed.value)


def test_the_misuse_of_the_check_is_no_failed_check() -> None:
    for alpha in (0.0, 1.0, np.nan):
        with pytest.raises(InputError, match="alpha"):
            assert_quantity(Sound(), alpha=alpha)
    with pytest.raises(InputError, match="draws"):
        assert_quantity(Sound(), draws=0)
    with pytest.raises(AssertionError, match="not defined at any case"):
        assert_quantity(broken("defined", lambda _: False))


def test_an_infinite_estimate_agrees_with_weights_that_are_all_zero() -> None:
    """Under an inverse scale the quantity is then infinite, or so large that the draws do not tell."""

    class Infinite(Drawn):
        inverse: ClassVar[bool] = True

        def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
            return Draws(np.zeros(size), np.ones(size))

        def estimate(self, spectrum: Spectrum, m: int) -> float:
            return float(np.inf)

        def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> None:
            return None

        def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> None:
            return None

    with pytest.raises(AssertionError, match="contradict the mean of plain draws"):  # for its values are 1
        assert_quantity(Infinite(), cases=PLACE, draws=50)
