"""Checks of a quantity: that its answers keep the contract on which verdicts rest, and agree with each other."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence

import cloudpickle
import numpy as np

from linflow.arrays import shown
from linflow.checks import FloatArray, instances_of, positive_int, probability, whole_number
from linflow.claims import Case, ConfidenceSequence, Quantity, contract
from linflow.claims.confidence import normal_interval
from linflow.claims.verdict import of_quantity
from linflow.errors import InputError, LinflowError
from linflow.spectrum import Spectrum
from linflow.testing.failing import fail, pasteable

#: Relative step of a difference quotient, and how far it may lie from the gradient.
_STEP, _SLOPE_ERROR = 1e-6, 1e-3
#: Bits of the balls that are held against the enclosures.
_ACCURACY = 100
#: How many A its functions of A are tried at.
_MATRICES = 8


def assert_quantity(
    quantity: Quantity, *, cases: Sequence[Case] | None = None, draws: int = 2000, alpha: float = 1e-9, seed: int = 0
) -> None:
    """Fail if a quantity breaks the contract of :class:`linflow.claims.Quantity`, or if its answers contradict each other.

    At each case where it is defined: enclosures are ordered, scales positive, draws finite, in range and as many as asked
    for; equal generators give equal draws; ``scale * mean weight`` (or its inverse) agrees with the enclosure, and with the
    mean of plain draws; `estimate` and `ball` lie in the enclosure; `at` gives the values of the plain draws,
    `enclosure_at` holds them, and `slope_at` is their slope. And a copy of it, as another process gets it, has the same
    identity.

    Parameters
    ----------
    quantity : Quantity
    cases : spectra and m to try it on; default some small ones of different shapes, with m from 0 to n.
    draws : how many draws stand behind each mean.
    alpha : chance that a sound quantity fails at one case, by its confidence sequence. The means of plain draws are held by
        the central limit theorem at the same level, where their skewness allows it.
    seed : everything random follows from it.

    Raises
    ------
    AssertionError
        Something is wrong; the message says what, and where.
    InputError
        `alpha` outside (0, 1), or no draws.

    Examples
    --------
    >>> from linflow.claims import ExpectedError
    >>> from linflow.claims.quantities import Draws
    >>> assert_quantity(ExpectedError(field="complex"), draws=200)
    >>> class Doubled(ExpectedError):
    ...     def scale(self, spectrum, m):
    ...         return 2 * super().scale(spectrum, m)
    ...     def enclosure(self, spectrum, m):
    ...         return super().enclosure(spectrum, m)
    >>> assert_quantity(Doubled(), cases=[Case(Spectrum.flat(6), (2,))])
    Traceback (most recent call last):
    ...
    AssertionError: E_m: its draws contradict its enclosure
      enclosure:  (4.0, 4.0)
      draws:      (7.9..., 8.0...)
      at:         Spectrum([1.0, 1.0, 1.0, 1.0, 1.0, 1.0]), m = 2, seed = 0
    """
    __tracebackhide__ = True
    if not isinstance(quantity, Quantity):
        raise InputError(f"quantity must be a linflow.claims.Quantity, got {shown(quantity)}")
    contract.name_of(quantity)
    alpha, seed, draws = probability(alpha, "alpha"), whole_number(seed, "seed"), positive_int(draws, "draws")
    cases = _small_cases() if cases is None else instances_of(cases, Case, "cases")
    _same_identity(quantity)
    tried = 0
    for spectrum, m in _places(cases):
        where = ("at", f"{pasteable(spectrum)}, m = {m}, seed = {seed}")
        try:
            if not contract.defined_at(quantity, spectrum, m):
                continue
            tried += 1
            _consistent(quantity, spectrum, m, draws, alpha, seed, where)
        except LinflowError as error:
            fail(f"{quantity.name}: {error}", where)
    if not tried:
        fail(f"{quantity.name}: it is not defined at any case, so nothing was tried: pass cases where it is")


def _small_cases() -> list[Case]:
    spectra = (
        Spectrum([3.0, 1.0]),
        Spectrum.flat(6, 2.0),
        Spectrum.power_law(12),
        Spectrum.step(10, 3, 1e-2),
        Spectrum.exponential(9, 0.5),
    )
    return [Case(s, sorted({0, 1, 2, s.n // 2, s.n - 2, s.n - 1, s.n})) for s in spectra]


def _places(cases: Sequence[Case]) -> Iterator[tuple[Spectrum, int]]:
    for case in cases:
        for m in case.m:
            yield case.spectrum, m


def _same_identity(quantity: Quantity) -> None:
    __tracebackhide__ = True
    copy: Quantity = pickle.loads(cloudpickle.dumps(quantity))
    if copy.key != quantity.key or copy.stream != quantity.stream:
        fail(f"{quantity.name}: a copy of it has another identity, so its results could not be kept")


def _consistent(
    quantity: Quantity, spectrum: Spectrum, m: int, draws: int, alpha: float, seed: int, where: tuple[str, object]
) -> None:
    __tracebackhide__ = True
    name = quantity.name
    rng = np.random.default_rng(seed)
    contract.draws_of(quantity, spectrum, m, 1, rng)
    first, again = (contract.draws_of(quantity, spectrum, m, 5, np.random.default_rng(seed)) for _ in range(2))
    if not (np.array_equal(first.weights, again.weights) and np.array_equal(first.values, again.values)):
        fail(f"{name}: equal generators give different draws", where)
    drawn = contract.draws_of(quantity, spectrum, m, draws, rng)
    for breach in drawn.breaches:
        fail(f"{name}: a draw contradicts {breach.statement}, by a factor {breach.ratio:g}", where)
    plain = contract.plain_of(quantity, spectrum, m, draws, rng)
    if plain is not None:
        one, two = (contract.plain_of(quantity, spectrum, m, 5, np.random.default_rng(seed)) for _ in range(2))
        if one is None or two is None or not np.array_equal(one.values, two.values):
            fail(f"{name}: equal generators give different plain draws", where)
    if plain is not None and plain.A is not None:
        _functions_of_A(quantity, spectrum, m, plain.A[:_MATRICES], plain.values[:_MATRICES], where)
    elif 1 <= m < spectrum.n:
        _functions_of_A(quantity, spectrum, m, rng.standard_normal((_MATRICES, m, spectrum.n)), None, where)
    if not quantity.has_mean:
        return
    sequence = ConfidenceSequence(alpha)
    sequence.add(drawn.weights)
    shown = of_quantity(*sequence.interval(), contract.scale_of(quantity, spectrum, m), quantity.inverse)
    _agree(quantity, spectrum, m, shown, plain.values if plain is not None else drawn.values, alpha, where)


def _agree(
    quantity: Quantity,
    spectrum: Spectrum,
    m: int,
    shown: tuple[float, float],
    values: FloatArray,
    alpha: float,
    where: tuple[str, object],
) -> None:
    """The interval of the weights against the enclosure, the estimate, and the mean of plain values."""
    __tracebackhide__ = True
    name, rounding = quantity.name, contract.rounding_of(quantity)
    oracle = contract.enclosure_of(quantity, spectrum, m)
    if oracle is not None and contract.apart(oracle, shown, rounding):
        fail(f"{name}: its draws contradict its enclosure", ("enclosure", oracle), ("draws", shown), where)
    if oracle is not None:
        contract.ball_of(quantity, spectrum, m, _ACCURACY, *oracle)
    estimate = contract.estimate_of(quantity, spectrum, m)
    known, what = (shown, "draws") if oracle is None else (oracle, "enclosure")
    if estimate is not None and contract.apart(known, (estimate, estimate), rounding):
        fail(f"{name}: its estimate contradicts its {what}", (what, known), ("estimate", estimate), where)
    mean = float(values.mean())
    constant = float(values.std()) <= rounding * abs(mean)
    plain = (mean, mean) if constant else normal_interval(values, alpha)
    if contract.apart(plain, shown, rounding):
        fail(
            f"{name}: scale and weights contradict the mean of plain draws",
            ("weights", shown),
            ("plain draws", plain),
            where,
        )


def _functions_of_A(
    quantity: Quantity, spectrum: Spectrum, m: int, A: FloatArray, values: FloatArray | None, where: tuple[str, object]
) -> None:
    __tracebackhide__ = True
    name, rounding = quantity.name, quantity.rounding
    found = contract.values_at(quantity, spectrum, m, A)
    if found is None:
        return
    if values is not None and np.any(np.abs(found - values) > rounding * np.abs(found)):
        fail(f"{name}: at(A) is not the value of the plain draw with that A", where)
    contract.enclosure_at(quantity, spectrum, m, A[0], float(found[0]))
    slope = contract.slope_at(quantity, spectrum, m, A[0]) if 1 <= m < spectrum.n else None
    if slope is None:
        return
    direction = np.random.default_rng(0).standard_normal(A[0].shape)
    around = np.stack([A[0] + sign * _STEP * direction for sign in (-1.0, 1.0)])
    sides = contract.values_at(quantity, spectrum, m, around)
    expected = float(np.sum(slope * direction))
    quotient = float(sides[1] - sides[0]) / (2 * _STEP) if sides is not None else expected
    # The difference of two rounded values, over the step, is all that is known of a slope that vanishes.
    blur = rounding * abs(float(found[0])) / _STEP
    if abs(quotient - expected) > _SLOPE_ERROR * float(np.linalg.norm(slope)) + blur:
        fail(f"{name}: slope_at(A) is not the slope of at", ("slope", expected), ("differences", quotient), where)
