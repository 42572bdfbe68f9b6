r"""Evidence: what was shown about a quantity at one (spectrum, m), and by what. Verdicts follow from it alone.

==================== =============== =========================================================== ======================
evidence             basis           what was shown                                              what it can support
==================== =============== =========================================================== ======================
:class:`Enclosed`    exact           an interval from ball arithmetic or a closed form           everything
:class:`Separated`   exact           the sign of quantity minus side, both in ball arithmetic    inequalities
:class:`Proved`      proved          bounds of the ledger at this spectrum and m                 everything
:class:`Confidence`  rigorous        an interval that holds with probability 1 - alpha           inequalities, "close"
:class:`Violation`   exact or draw   one A, or one draw, outside of what is claimed for each     nothing: it refutes
:class:`NoViolation` no violation    nothing outside in so many draws and searches over A        nothing, nor refutes
:class:`Asymptotic`  asymptotic      an interval that holds in the limit of many draws           nothing, nor refutes
:class:`Nothing`     none            nothing, for the reason given                               nothing, nor refutes
==================== =============== =========================================================== ======================

An interval supports an equality only if it has no width. One that has bounds the deviation: the verdict is then "not
refuted", and the evidence says "deviation at most x". Draws never support a statement about every A. Rounding is forgiven
when a claim is refuted and never when it is supported: a value within :data:`ROUNDING` of what was shown is "undecided",
equal up to rounding, unless both come in balls (:mod:`linflow.claims.separation`).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Literal, get_args

from linflow.arrays import NoArray
from linflow.claims.relation import Answer, Relation

Word = Literal["supported", "not refuted", "undecided", "refuted"]
SUPPORTED: Word = "supported"
NOT_REFUTED: Word = "not refuted"
UNDECIDED: Word = "undecided"
REFUTED: Word = "refuted"

Basis = Literal["exact", "proved", "rigorous", "draw", "no violation", "asymptotic", "none"]
#: From strongest to weakest.
BASES: tuple[Basis, ...] = get_args(Basis)

#: Relative rounding of a claim's value and of float64 bounds: closer than this, nothing is told apart.
ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Evidence(NoArray, ABC, instead="its low and its high"):
    """An interval ``low <= quantity <= high`` and what it rests on; for statements about every A, what its values span.

    Parameters
    ----------
    low, high : [unit of the quantity]
    estimate : where in the interval the quantity is thought to be; None where nothing says.
    """

    low: float
    high: float
    estimate: float | None = None

    #: The name under which it is stored.
    form: ClassVar[str]
    #: Whether it may support, whether it may refute, and the relative room that supporting needs.
    may_support: ClassVar[bool] = False
    may_refute: ClassVar[bool] = True
    spare: ClassVar[float] = ROUNDING
    #: Whether an interval without width shows an equality: only one that has every rounding error counted does.
    shows_equality: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"evidence needs low <= high, got {self.low}..{self.high}")

    @property
    @abstractmethod
    def basis(self) -> Basis:
        """One of `BASES`."""

    @property
    def drawn(self) -> int:
        """Number of draws behind it."""
        return 0

    def verdict(self, relation: Relation, value: float, tolerance: float) -> Word:
        """What it says of ``quantity <relation> value``."""
        answer = self._answer(relation, value, tolerance)
        if answer is Answer.FAILS and self.may_refute:
            return REFUTED
        if answer is Answer.HOLDS and self.may_support and (relation.shown_by_intervals or self.shows_equality):
            return SUPPORTED
        return self._left_open(relation, value, tolerance)

    def suspicion(self, relation: Relation, value: float, tolerance: float) -> bool:
        """Whether it speaks against the claim, be it enough to refute it or not."""
        return self._answer(relation, value, tolerance) is Answer.FAILS

    def equal_up_to_rounding(self, relation: Relation, value: float) -> bool:
        """Whether nothing but rounding lies between the value and what was shown."""
        return not relation.two_sided and relation.deviation(self.low, self.high, value) <= 2 * ROUNDING

    def compared(self, value: float) -> tuple[float, float, float]:
        """The value and both ends of the quantity, in the units in which they are known best."""
        return value, self.low, self.high

    @abstractmethod
    def words(self) -> str:
        """What it rests on, in a few words for tables."""

    def to_json(self) -> dict[str, Any]:
        """Every field, and the form and the basis."""
        return {"form": self.form, "basis": self.basis, **asdict(self)}

    def _answer(self, relation: Relation, value: float, tolerance: float) -> Answer:
        spare = ROUNDING if relation.two_sided else self.spare
        return relation.answer(self.low, self.high, value, tolerance=tolerance, forgiven=ROUNDING, spare=spare)

    def _left_open(self, relation: Relation, value: float, tolerance: float) -> Word:
        if relation.shown_by_intervals:
            return UNDECIDED
        return NOT_REFUTED if relation.deviation(self.low, self.high, value) <= tolerance else UNDECIDED


@dataclass(frozen=True, kw_only=True)
class Enclosed(Evidence):
    """An interval that holds with rounding included: ball arithmetic, or a closed form."""

    form = "enclosed"
    may_support = True
    shows_equality = True

    @classmethod
    def of(cls, low: float, high: float) -> Enclosed:
        """The interval, with its middle as estimate where it has one."""
        middle = 0.5 * low + 0.5 * high
        return cls(low=low, high=high, estimate=middle if math.isfinite(middle) else None)

    @property
    def basis(self) -> Basis:
        """Exact."""
        return "exact"

    def words(self) -> str:
        """See `Evidence.words`."""
        return "exact"


@dataclass(frozen=True, kw_only=True)
class Separated(Evidence):
    """Quantity and side in ball arithmetic, told apart where their float64 numbers agree up to rounding.

    The claim is then held against the side itself, in no need of any room: every rounding error is counted.

    Parameters
    ----------
    least, most : enclose the relative difference ``(quantity - side)/side``.
    bits : to how many both were known.
    """

    least: float
    most: float
    bits: int

    form = "separated"
    may_support = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.least <= self.most:
            raise ValueError(f"a difference needs least <= most, got {self.least}..{self.most}")

    @property
    def basis(self) -> Basis:
        """Exact."""
        return "exact"

    def compared(self, value: float) -> tuple[float, float, float]:
        """In units of the side, whatever float64 number stands for it."""
        return 1.0, 1.0 + self.least, 1.0 + self.most

    def words(self) -> str:
        """See `Evidence.words`."""
        return f"exact, relative difference {min(abs(self.least), abs(self.most)):.2g}"

    def equal_up_to_rounding(self, relation: Relation, value: float) -> bool:
        """Never: rounding is what it has left behind."""
        return False

    def _answer(self, relation: Relation, value: float, tolerance: float) -> Answer:
        # As real numbers: 1 + difference may be the float64 number 1.
        return relation.answer(self.least, self.most, 0.0, tolerance=0.0, forgiven=0.0)


@dataclass(frozen=True, kw_only=True)
class Proved(Evidence):
    """Bounds of the ledger, evaluated in float64 at this spectrum and m.

    An inequality whose value is a proved bound, the same float64 number, is the proved statement: no room beside it is
    needed. (As real numbers the two may differ by the rounding of the last digit.)

    Parameters
    ----------
    by : the statements that the lower and the upper bound follow from; once a claim is decided, those that decide it.
    """

    by: tuple[str, ...]

    form = "proved"
    may_support = True
    spare = 0.0

    @property
    def basis(self) -> Basis:
        """Proved."""
        return "proved"

    def deciding(self, relation: Relation, word: Word) -> Proved:
        """The same, by the statements that decide a claim alone: one bound supports an inequality, the other refutes it."""
        if relation.two_sided:
            return self
        upper = (word == SUPPORTED) == (relation.directions == (1,))
        return replace(self, by=self.by[-1:] if upper else self.by[:1])

    def words(self) -> str:
        """See `Evidence.words`."""
        return f"proved by {' and '.join(self.by)}"


@dataclass(frozen=True, kw_only=True)
class Confidence(Evidence):
    """An interval from a confidence sequence: it misses the quantity with probability at most `alpha`, whatever the law."""

    alpha: float
    draws: int

    form = "confidence"
    may_support = True

    @property
    def basis(self) -> Basis:
        """Rigorous."""
        return "rigorous"

    @property
    def drawn(self) -> int:
        """See `Evidence.drawn`."""
        return self.draws

    def words(self) -> str:
        """See `Evidence.words`."""
        return f"rigorous, {self.draws} draws"


@dataclass(frozen=True, kw_only=True)
class Violation(Evidence):
    """One A, or one draw, that breaks what is claimed for each: `low` and `high` enclose the quantity there.

    Parameters
    ----------
    A : (m, n) rows of the measurements in the eigenbasis, where they are known (and not too many to be kept).
    enclosed : whether low..high comes from ball arithmetic; otherwise it is one float64 number.
    draws : how many were tried before.
    """

    A: tuple[tuple[float, ...], ...] | None
    enclosed: bool
    draws: int

    form = "violation"

    @property
    def basis(self) -> Basis:
        """Exact if enclosed."""
        return "exact" if self.enclosed else "draw"

    @property
    def drawn(self) -> int:
        """See `Evidence.drawn`."""
        return self.draws

    def words(self) -> str:
        """See `Evidence.words`."""
        return "exact, at one A" if self.enclosed else f"one of {self.draws} draws"


@dataclass(frozen=True, kw_only=True)
class NoViolation(Evidence):
    """Nothing outside of what is claimed for each A; `low` and `high` are the least and the largest value seen.

    Parameters
    ----------
    draws : independent draws of A.
    searches, evaluations : local searches over A for a violation, and values of the quantity that they took.
    alpha : error of what the draws rule out.
    """

    draws: int
    searches: int
    evaluations: int
    alpha: float

    form = "no violation"
    may_refute = False

    @property
    def basis(self) -> Basis:
        """No violation."""
        return "no violation"

    @property
    def drawn(self) -> int:
        """See `Evidence.drawn`."""
        return self.draws

    @property
    def ruled_out(self) -> float:
        """Violations more likely than this among such draws are ruled out, with error `alpha`.

        >>> round(NoViolation(low=0, high=1, draws=100, searches=0, evaluations=0, alpha=0.01).ruled_out, 4)
        0.045
        """
        return -math.expm1(math.log(self.alpha) / self.draws) if self.draws else 1.0

    def words(self) -> str:
        """See `Evidence.words`."""
        searched = f", {self.searches} searches" if self.searches else ""
        return f"no violation in {self.draws} draws{searched}"

    def to_json(self) -> dict[str, Any]:
        """See `Evidence.to_json`."""
        return super().to_json() | {"ruled_out": self.ruled_out}

    def _left_open(self, relation: Relation, value: float, tolerance: float) -> Word:
        return NOT_REFUTED

    def equal_up_to_rounding(self, relation: Relation, value: float) -> bool:
        """Never: what was seen is not what could be."""
        return False


@dataclass(frozen=True, kw_only=True)
class Asymptotic(Evidence):
    """An interval by the central limit theorem: it decides nothing, for a rare large draw never seen leaves no trace."""

    alpha: float
    draws: int

    form = "asymptotic"
    may_refute = False

    @property
    def basis(self) -> Basis:
        """Asymptotic."""
        return "asymptotic"

    @property
    def drawn(self) -> int:
        """See `Evidence.drawn`."""
        return self.draws

    def words(self) -> str:
        """See `Evidence.words`."""
        return f"asymptotic, {self.draws} draws"

    def _left_open(self, relation: Relation, value: float, tolerance: float) -> Word:
        return UNDECIDED


@dataclass(frozen=True, kw_only=True)
class Nothing(Evidence):
    """Nothing was shown, for the reason in `why`."""

    why: str
    draws: int

    form = "nothing"
    may_refute = False

    @property
    def basis(self) -> Basis:
        """None."""
        return "none"

    @property
    def drawn(self) -> int:
        """See `Evidence.drawn`."""
        return self.draws

    def words(self) -> str:
        """See `Evidence.words`."""
        return self.why

    def _left_open(self, relation: Relation, value: float, tolerance: float) -> Word:
        return UNDECIDED


_FORMS: dict[str, type[Evidence]] = {
    kind.form: kind for kind in (Enclosed, Separated, Proved, Confidence, Violation, NoViolation, Asymptotic, Nothing)
}


def from_json(row: dict[str, Any]) -> Evidence:
    """The inverse of `Evidence.to_json`; raises KeyError, TypeError or ValueError for anything else.

    >>> shown = Confidence(low=0.1, high=0.2, estimate=0.15, alpha=0.01, draws=7)
    >>> from_json(shown.to_json()) == shown
    True
    """
    kind = _FORMS[row["form"]]
    values = {field.name: row[field.name] for field in fields(kind)}
    if kind is Violation and values["A"] is not None:
        values["A"] = tuple(tuple(float(entry) for entry in measurement) for measurement in values["A"])
    if kind is Proved:
        values["by"] = tuple(values["by"])
    return kind(**values)
