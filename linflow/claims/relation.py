"""What a claim says of a quantity: that it is at most, at least, equal to, or close to a value.

A relation answers three questions, and nothing else in the package asks which relation it is: what an interval for the
quantity means for the claim (:meth:`Relation.answer`), how much room a value leaves (:meth:`Relation.ratio`,
:meth:`Relation.room`), and which end of an interval matters.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from enum import Enum
from typing import ClassVar, Literal, get_args

import numpy as np

Kind = Literal["upper", "lower", "equal", "close"]
KINDS: tuple[Kind, ...] = get_args(Kind)
#: Rooms are kept within e**-LIMIT .. e**LIMIT.
LIMIT = 1000.0
#: A sequence is asked about values that lie clear of the rounding by this factor, so that the answer counts.
_CLEAR = 1.5


class Answer(Enum):
    """What an interval for the quantity says of a claim: it holds everywhere in it, nowhere in it, or neither."""

    HOLDS = "holds"
    FAILS = "fails"
    OPEN = "open"


class Relation(ABC):
    """One of the four relations between a quantity and a value."""

    name: ClassVar[Kind]
    #: For people: "quantity <sign> value".
    sign: ClassVar[str]
    #: Which ends of the quantity can break the claim: +1 large values, -1 small ones.
    directions: ClassVar[tuple[int, ...]]
    #: Whether an interval of positive width can show that the claim holds. None can for an equality.
    shown_by_intervals: ClassVar[bool] = True

    @abstractmethod
    def answer(
        self, low: float, high: float, value: float, *, tolerance: float, forgiven: float, spare: float = 0.0
    ) -> Answer:
        """What ``low <= quantity <= high`` says.

        Parameters
        ----------
        tolerance : relative, for "close" alone.
        forgiven : relative rounding of `value`; a violation within it is none.
        spare : relative room that "holds" needs beside that. Rounding never counts in favour of a claim.
        """

    @abstractmethod
    def ratio(self, value: float, quantity: float) -> float:
        """How many times a bound exceeds the quantity, or the quantity a bound: below 1 the claim is violated."""

    def room(self, value: float, quantity: float, allowance: float = 0.0) -> float:
        """Log of the ratio, within -LIMIT..LIMIT; of an equality, what its deviation leaves of log(1 + allowance)."""
        return _log_ratio(*self._above_and_below(value, quantity))

    def thresholds(self, value: float, tolerance: float, rounding: float) -> tuple[float, ...]:
        """Values of the quantity whose exclusion decides the claim."""
        return tuple(value * (1 + sign * _CLEAR * rounding) for sign in (-1, 1))

    def nearest(self, low: float, high: float, value: float) -> float:
        """The value in low..high that is nearest to keeping the claim: what a refutation proves."""
        return low if self.directions == (1,) else high if self.directions == (-1,) else _closer(low, high, value)

    def farthest(self, low: float, high: float, value: float) -> float:
        """The value in low..high that strains the claim most."""
        if len(self.directions) == 1:
            return high if self.directions == (1,) else low
        near = _closer(low, high, value)
        return high if near == low else low

    def deviation(self, low: float, high: float, value: float) -> float:
        """Largest relative distance between the value and what lies in low..high."""
        size = _size(value)
        most = max(abs(low - value), abs(high - value))
        return 0.0 if most == 0 else most / size if size > 0 else math.inf

    def says_nothing(self, value: float) -> bool:
        """Whether the claim is trivially true at `value`."""
        return False

    @property
    def two_sided(self) -> bool:
        """Whether the claim is about both sides of the value."""
        return len(self.directions) > 1

    def _above_and_below(self, value: float, quantity: float) -> tuple[float, float]:
        return quantity, value


class Upper(Relation):
    """The quantity is at most the value."""

    name, sign, directions = "upper", "<=", (1,)

    def answer(
        self, low: float, high: float, value: float, *, tolerance: float, forgiven: float, spare: float = 0.0
    ) -> Answer:
        """See `Relation.answer`."""
        size = _size(value)
        if low > value + forgiven * size:
            return Answer.FAILS
        return Answer.HOLDS if high <= value - spare * size else Answer.OPEN

    def ratio(self, value: float, quantity: float) -> float:
        """See `Relation.ratio`.

        >>> RELATIONS["upper"].ratio(3.0, 2.0)
        1.5
        """
        return _quotient(value, quantity)

    def says_nothing(self, value: float) -> bool:
        """An infinite upper bound."""
        return value == math.inf

    def _above_and_below(self, value: float, quantity: float) -> tuple[float, float]:
        return value, quantity


class Lower(Relation):
    """The quantity is at least the value."""

    name, sign, directions = "lower", ">=", (-1,)

    def answer(
        self, low: float, high: float, value: float, *, tolerance: float, forgiven: float, spare: float = 0.0
    ) -> Answer:
        """See `Relation.answer`."""
        size = _size(value)
        if high < value - forgiven * size:
            return Answer.FAILS
        return Answer.HOLDS if low >= value + spare * size else Answer.OPEN

    def ratio(self, value: float, quantity: float) -> float:
        """See `Relation.ratio`."""
        return _quotient(quantity, value)

    def says_nothing(self, value: float) -> bool:
        """An infinite lower bound."""
        return value == -math.inf


class Equal(Relation):
    """The quantity is the value. Only an interval without width shows it; any other bounds the deviation."""

    name, sign, directions = "equal", "=", (1, -1)
    shown_by_intervals = False

    def answer(
        self, low: float, high: float, value: float, *, tolerance: float, forgiven: float, spare: float = 0.0
    ) -> Answer:
        """See `Relation.answer`."""
        rounding = forgiven * _size(value)
        if low > value + rounding or high < value - rounding:
            return Answer.FAILS
        return Answer.HOLDS if low == value == high else Answer.OPEN

    def ratio(self, value: float, quantity: float) -> float:
        """Quantity over value."""
        return _quotient(quantity, value)

    def room(self, value: float, quantity: float, allowance: float = 0.0) -> float:
        """See `Relation.room`."""
        return math.log1p(allowance) - abs(_log_ratio(quantity, value))


class Close(Relation):
    """The quantity differs from the value by at most the relative tolerance, which is part of the statement."""

    name, sign, directions = "close", "~", (1, -1)

    def answer(
        self, low: float, high: float, value: float, *, tolerance: float, forgiven: float, spare: float = 0.0
    ) -> Answer:
        """See `Relation.answer`."""
        size = _size(value)
        outer, inner = (tolerance + forgiven) * size, (tolerance - spare) * size
        if math.isinf(value):
            return Answer.FAILS if math.isfinite(low) and math.isfinite(high) else Answer.OPEN
        if math.isinf(size + outer):
            return Answer.OPEN  # the statement leaves float64
        if low > value + outer or high < value - outer:
            return Answer.FAILS
        return Answer.HOLDS if low >= value - inner and high <= value + inner else Answer.OPEN

    def ratio(self, value: float, quantity: float) -> float:
        """Quantity over value."""
        return _quotient(quantity, value)

    def room(self, value: float, quantity: float, allowance: float = 0.0) -> float:
        """See `Relation.room`."""
        return math.log1p(allowance) - abs(_log_ratio(quantity, value))

    def thresholds(self, value: float, tolerance: float, rounding: float) -> tuple[float, ...]:
        """See `Relation.thresholds`."""
        clear = _CLEAR * rounding
        return tuple(value * (1 + side * (tolerance + sign * clear)) for side in (-1, 1) for sign in (-1, 1))


#: The four relations by name.
RELATIONS: dict[Kind, Relation] = {relation.name: relation for relation in (Upper(), Lower(), Equal(), Close())}


def _size(value: float) -> float:
    """What relative tolerances are relative to: no tolerance reaches an infinite value."""
    return abs(value) if math.isfinite(value) else 0.0


def _closer(low: float, high: float, value: float) -> float:
    return low if abs(low - value) < abs(high - value) else high


def _quotient(above: float, below: float) -> float:
    """Their quotient; 1 (or -1) of two zeros or two infinities, and infinity beyond float64."""
    if above == below:
        return 1.0
    if below == 0:
        return math.inf
    if math.isinf(above) and math.isinf(below):
        return -1.0
    with np.errstate(over="ignore"):
        return float(np.divide(above, below))


def _log_ratio(above: float, below: float) -> float:
    if above == below:
        return 0.0
    if below <= 0:
        return LIMIT if above > below else -LIMIT
    if above <= 0:
        return -LIMIT
    return float(np.clip(math.log(above) - math.log(below), -LIMIT, LIMIT)) if below < math.inf else -LIMIT
