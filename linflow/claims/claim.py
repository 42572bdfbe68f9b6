"""`Claim`: one statement about one quantity of the linear model, to be decided on many spectra and m."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import ArrayLike

from linflow.arrays import NoArray, shown
from linflow.checks import (
    Counts,
    callable_of,
    flag,
    instances_of,
    one_of,
    positive,
    real_number,
)
from linflow.claims.contract import name_of
from linflow.claims.quantities import EXPECTED_ERROR, Quantity
from linflow.claims.relation import KINDS, RELATIONS, Kind, Relation
from linflow.engine.users import failing_as
from linflow.errors import ClaimError, InputError, ShapeError
from linflow.spectrum import Spectrum, counts_for, spectrum_of

Status = Literal["theorem", "conjecture", "control", "user"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class Case(NoArray, instead="its spectrum or its m"):
    """A spectrum and the numbers of measurements to try it with.

    >>> Case(Spectrum.flat(8), (2, 4, 4)).m
    (2, 4)
    """

    spectrum: Spectrum
    m: tuple[int, ...]

    def __init__(self, spectrum: Spectrum | ArrayLike, m: Counts | Iterable[int]) -> None:
        spectrum, counts = counts_for(spectrum, list(m) if isinstance(m, Iterator | Set) else cast(Counts, m))
        if counts.ndim != 1:
            raise ShapeError(f"m must be a sequence of numbers of measurements, got shape {counts.shape}")
        object.__setattr__(self, "spectrum", spectrum)
        object.__setattr__(self, "m", tuple(int(c) for c in np.unique(counts)))


def _everywhere(spectrum: Spectrum, m: int) -> bool:
    return True


@dataclass(frozen=True)
class Claim(NoArray, instead="its value_at(spectrum, m)"):
    """A statement ``quantity <= value``, ``>= value``, ``= value`` or ``~ value`` on a domain of spectra and m.

    Parameters
    ----------
    name : short, unique, without spaces; the command line and the tables use it.
    statement : what it says, in one line.
    kind : "upper" (the quantity is at most `value`), "lower" (at least), "equal", or "close" (equal within the relative
        `tolerance`, which is then part of the statement).
    value : ``value(spectrum, m) -> float``, called with one Spectrum and one integer m. ``inf`` in an upper bound (and
        ``-inf`` in a lower one) makes no statement at that m.
    holds_for : ``holds_for(spectrum, m) -> bool``, the domain of the claim.
    source : where it comes from.
    status : "theorem" (must not be refuted, nor left undecided), "control" (false on purpose; must come out refuted),
        "conjecture" or "user". What the ledger proves decides users' claims, and never a statement of the catalogue.
    quantity : what the claim is about; default the expected error E_m of the MLE under real Gaussian measurements.
    every_draw : the claim holds for each A and not only on average. Each draw is then held against it, and a violation is
        hunted over A; that none was found leaves it "not refuted", however many were tried.
    tolerance : for "close", see `kind`; for "equal": the relative deviation above which it counts as undecided rather
        than not refuted, once the whole budget is spent. No sampling supports an equality; any exclusion of the value
        refutes it.
    cases : further cases to try this claim on, beside the default ones.

    Raises
    ------
    InputError
        A kind or status that does not exist, an empty name or one that cannot be printed, a statement or source that is no
        text, a quantity without a name, a `value` that cannot be called, a claim about the mean of a quantity without one.

    Examples
    --------
    >>> claim = Claim(name="energy", statement="E_m <= E_0", kind="upper", value=lambda spectrum, m: spectrum.energy)
    >>> claim.value_at(Spectrum.flat(4), 2)
    4.0
    """

    name: str
    statement: str
    kind: Kind
    value: Callable[[Spectrum, int], float]
    holds_for: Callable[[Spectrum, int], bool] = _everywhere
    source: str = ""
    status: Status = "user"
    quantity: Quantity = EXPECTED_ERROR
    every_draw: bool = False
    tolerance: float = 0.05
    cases: tuple[Case, ...] = field(default=())

    def __post_init__(self) -> None:
        word: object = self.name
        if not isinstance(word, str) or not word or any(c.isspace() for c in word) or not word.isprintable():
            raise InputError(f"a claim's name must be a word without spaces, got {shown(word)}")
        for name in ("statement", "source"):
            words: object = getattr(self, name)
            # Half a surrogate pair can be held by a string, and be written nowhere.
            if not isinstance(words, str) or any("\ud800" <= c <= "\udfff" for c in words):
                raise InputError(f"{name} of claim {self.name!r} must be text, got {shown(words)}")
        one_of(self.kind, f"kind of claim {self.name!r}", KINDS)
        one_of(self.status, f"status of claim {self.name!r}", STATUSES)
        if not isinstance(self.quantity, Quantity):
            raise InputError(
                f"quantity of claim {self.name!r} must be a linflow.claims.Quantity, got {shown(self.quantity)}"
            )
        name_of(self.quantity)
        for name in ("value", "holds_for"):
            callable_of(getattr(self, name), f"{name} of claim {self.name!r}", "of (spectrum, m)")
        object.__setattr__(self, "every_draw", flag(self.every_draw, f"every_draw of claim {self.name!r}"))
        if not (self.every_draw or self.quantity.has_mean):
            raise InputError(
                f"claim {self.name!r} is about {self.quantity.name!r}, a property of each draw without a mean: "
                "set every_draw=True"
            )
        object.__setattr__(self, "tolerance", positive(self.tolerance, f"tolerance of claim {self.name!r}"))
        object.__setattr__(self, "cases", tuple(instances_of(self.cases, Case, f"cases of claim {self.name!r}")))

    def applies(self, spectrum: Spectrum | ArrayLike, m: int) -> bool:
        """Whether (spectrum, m) is in the domain of the claim and of its quantity."""
        spectrum = spectrum_of(spectrum)
        inside = self._call(lambda s, m: bool(self.quantity.defined(s, m)), "quantity.defined", spectrum, m)
        return inside and bool(self._call(lambda s, m: bool(self.holds_for(s, m)), "holds_for", spectrum, m))

    def value_at(self, spectrum: Spectrum | ArrayLike, m: int) -> float:
        """The claimed value, a float; raises ClaimError if the user's function raises or returns no number."""
        spectrum = spectrum_of(spectrum)
        returned = self._call(self.value, "value", spectrum, m)
        value = real_number(returned)
        if np.isnan(value):
            raise ClaimError(f"{self._at(spectrum, m)} returned {shown(returned)}, not a number")
        if np.isfinite(value) and not returned == value:
            raise ClaimError(
                f"{self._at(spectrum, m)} returned {shown(returned)}, which no float64 number is: what is decided is a "
                "float64 number, so round it yourself"
            )
        return value

    def _at(self, spectrum: Spectrum, m: int) -> str:
        return f"claim {self.name!r}: value({spectrum.name}, m={m})"

    def says_nothing(self, value: float) -> bool:
        """Whether `value` is trivially true for this kind of claim."""
        return self.relation.says_nothing(value)

    @property
    def relation(self) -> Relation:
        """What is claimed of the quantity and the value."""
        return RELATIONS[self.kind]

    def _call(self, function: Callable[[Spectrum, int], Any], what: str, spectrum: Spectrum, m: int) -> Any:
        with failing_as(ClaimError, f"claim {self.name!r}: {what}({spectrum.name}, m={m})"):
            return function(spectrum, m)
