"""The ledger: statements, the steps of their proofs, how each step is established, and whether it holds.

A statement says propositions: relations between expressions on a domain. Its last step composes them from facts that the
steps before it established, and from conclusions of other statements; what is printed is written from those expressions.
Nothing else is typed: for which sizes a step holds, at which instances it was checked, and which statements are used, is
what was seen while it ran.

A step is established in one of these ways, and in no other; drawing random matrices is not one of them.

* ``symbolic``: computer algebra on symbols, of all sizes unless explicit ones occurred;
* ``instance``: the same at explicit sizes, to hold a general step against: nothing rests on it;
* ``certificate``: a witness (dual variables, multipliers) verified in exact rational arithmetic, for named instances;
* ``ball arithmetic``: an interval that encloses the number with every rounding error counted, for named instances;
* ``cited``: a theorem of the literature, named with its number;
* ``chain``: the conclusion, link by link.

An argument in words within a step is counted too: its two sides are expressions, and the chain must go through them.

A check passes only by calling :func:`establish` (through :mod:`proofs.checks`), so a step that checks nothing is a gap,
and so is one that raises. A statement holds if all of its steps do, and every statement that it uses.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeVar, overload

from .kernel import Gap as Gap
from .kernel import Record, current, recording
from .kernel import establish as establish
from .propositions import Fact, Proposition, definitions, follows, recorded


class How(StrEnum):
    """How a step is established."""

    SYMBOLIC = "symbolic"
    INSTANCE = "instance"
    CERTIFICATE = "certificate"
    BALL = "ball arithmetic"
    CITED = "cited"
    CHAIN = "chain"


@dataclass(frozen=True)
class Step:
    """One step: its name, how it is established, and the function that checks it."""

    says: str
    how: How
    scope: str
    check: Callable[[], Any] | None = None


@dataclass(frozen=True)
class StepResult:
    """Whether a step holds, what was seen while it was checked, and its processor time; `gap` says why it does not."""

    step: Step
    holds: bool
    gap: str
    seconds: float
    record: Record = field(default_factory=Record)

    @property
    def checks(self) -> int:
        """How many times something was established."""
        return self.record.checks

    @property
    def largest(self) -> int | None:
        """The largest explicit size at which a step that others rest on was checked; None if it is one of all sizes."""
        return max(self.record.sizes) if self.step.how is How.SYMBOLIC and self.record.sizes else None

    @property
    def scope(self) -> str:
        """For which sizes, or for what."""
        if self.step.scope:
            return self.step.scope
        if self.record.instances:
            return "; ".join(self.record.instances)
        if self.record.sizes:
            return f"sizes {', '.join(map(str, sorted(self.record.sizes)))}"
        return "all sizes" if self.step.how is How.SYMBOLIC else ""


Result = TypeVar("Result")


class Decorator(Protocol):
    """Adds a function as a step; with a title and a scope typed by hand, or better without."""

    @overload
    def __call__(self, check: Callable[[], Result]) -> Callable[[], Result]: ...

    @overload
    def __call__(self, check: str, *, scope: str = "") -> Callable[[Callable[[], Result]], Callable[[], Result]]: ...


class Statement:
    """A statement with the steps of its proof.

    Parameters
    ----------
    name : the identifier by which it is known.
    says : the propositions, in the order in which its last step returns them.
    words : how they are put together, ``{0}`` for the first; default one after the other. No number, index or relation
        stands in the words.
    setting : relations that say what its letters mean (V for an inverse, say).
    source : where it comes from.

    Examples
    --------
    >>> import sympy as sp
    >>> from proofs.checks import same
    >>> a, b = sp.symbols("a b")
    >>> square = Statement("square", Proposition((a + b) ** 2, "=", a**2 + 2 * a * b + b**2))
    >>> @square.symbolic
    ... def expand():
    ...     return same((a + b) ** 2, a**2 + 2 * a * b + b**2)
    >>> @square.concludes
    ... def conclusion():
    ...     return expand()
    >>> square.says
    '(a + b)^2 = a^2 + b^2 + 2 a b'
    >>> [(str(result.step.how), result.holds) for result in square.run()]
    [('symbolic', True), ('chain', True)]
    """

    def __init__(
        self,
        name: str,
        *says: Proposition | str,
        words: str = "",
        setting: Sequence[Any] = (),
        source: str = "",
        uses: Sequence[str] = (),
    ) -> None:
        self.name, self.source, self.setting, self.declared = name, source, tuple(setting), tuple(uses)
        self.goals = tuple(goal for goal in says if isinstance(goal, Proposition))
        self.by_hand = "".join(goal for goal in says if isinstance(goal, str))
        self.words = words or "; ".join(f"{{{number}}}" for number in range(len(self.goals)))
        self.steps: list[Step] = []
        self.file: str = sys._getframe(1).f_globals["__name__"]
        self._found: dict[Any, Any] | None = None
        self._running: Callable[[], Any] | None = None

    @property
    def says(self) -> str:
        """The statement, in one line, written from its propositions."""
        return self.by_hand or self.words.format(*self.goals)

    def fact(self, number: int = 0) -> Fact:
        """A conclusion of this statement, for the proof of another one, which is noted to use it."""
        current().used.append(self.name)
        goal = self.goals[number]
        left, relation, right = goal.upwards
        return recorded(Fact(left, relation, right, goal.when, goal.given, goal.at_instances, self.name))

    def _step(self, how: How) -> Decorator:
        def decorate(check: Any, *, scope: str = "") -> Any:
            if not callable(check):
                return lambda function: self._added(how, check, scope, function)
            return self._added(how, check.__name__.replace("_", " ").strip(), scope, check)

        return decorate

    def _added(self, how: How, says: str, scope: str, check: Callable[[], Result]) -> Callable[[], Result]:
        def once() -> Result:
            # In one run of the statement a step is checked once; what it established is there for the steps after it.
            if self._found is None:
                return check()
            if check not in self._found:
                with recording() as record:
                    try:
                        self._found[check] = check(), None, record
                    except Exception as error:
                        self._found[check] = None, error, record
            found, failure, record = self._found[check]
            if self._running is once:
                current().take(record)
            if failure is not None:
                raise failure
            return found  # type: ignore[no-any-return]

        once.__name__, once.__doc__ = check.__name__, check.__doc__
        self.steps.append(Step(says, how, scope, once))
        return once

    @property
    def symbolic(self) -> Decorator:
        """Decorate a function that checks a step by computer algebra."""
        return self._step(How.SYMBOLIC)

    @property
    def instance(self) -> Decorator:
        """Decorate a function that checks, at explicit sizes, what another step shows for all of them."""
        return self._step(How.INSTANCE)

    @property
    def certificate(self) -> Decorator:
        """Decorate a function that verifies certificates in exact arithmetic, at instances."""
        return self._step(How.CERTIFICATE)

    @property
    def ball(self) -> Decorator:
        """Decorate a function that compares enclosures from ball arithmetic, at instances."""
        return self._step(How.BALL)

    def cited(self, says: Proposition | str, *, source: str) -> Fact | None:
        """Add a step that is a theorem of the literature; `source` names work and number."""
        self.steps.append(Step(str(says), How.CITED, source))
        if isinstance(says, str):
            return None
        return Fact(says.left, says.relation, says.right, says.when, says.given)

    def concludes(self, conclusion: Callable[[], Fact | tuple[Fact, ...]]) -> Callable[[], None]:
        """Decorate the last step: it returns the facts that the statement says, composed from those of the other steps."""

        def composed() -> None:
            found = conclusion()
            facts = found if isinstance(found, tuple) else (found,)
            if len(facts) != len(self.goals):
                raise Gap(f"{len(self.goals)} propositions are said and {len(facts)} are concluded")
            seen = {name for _, _, record in (self._found or {}).values() for name in record.completed}
            for fact, goal in zip(facts, self.goals, strict=True):
                follows(fact, goal, self.setting)
                families = goal.at_instances.split(" and ") if goal.at_instances else []
                if not fact.origin and not seen.issuperset(families):
                    raise Gap(f"{goal} was not checked at every instance")

        composed.__name__ = conclusion.__name__
        self._added(How.CHAIN, "conclusion", "", composed)
        return composed

    def run(self) -> list[StepResult]:
        """Check each step."""
        return list(self.checked())

    def checked(self) -> Iterator[StepResult]:
        """Check each step, one after the other."""
        self._found = {}
        try:
            for step in self.steps:
                self._running = step.check
                yield _checked(step)
        finally:
            self._found = self._running = None


@dataclass(frozen=True)
class Entry:
    """A statement in the ledger with the results of its steps; `missing` says which statement it uses fails."""

    statement: Statement
    results: tuple[StepResult, ...]
    missing: str = ""

    @property
    def concluded(self) -> bool:
        """Whether the statement has propositions that its last step composes (or was put in words by hand)."""
        goals = bool(self.statement.goals)
        return bool(self.statement.by_hand) or (goals and any(result.step.how is How.CHAIN for result in self.results))

    @property
    def holds(self) -> bool:
        """Every step holds, the last one composes what is said, and so does every statement that is used."""
        steps = bool(self.results) and all(result.holds for result in self.results)
        return steps and self.concluded and not self.missing

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the statements that the proof was seen to use."""
        seen = [name for result in self.results for name in result.record.used]
        return tuple(dict.fromkeys([*self.statement.declared, *seen]))

    @property
    def argued(self) -> int:
        """How many links are arguments in words."""
        return sum(len(result.record.argued) for result in self.results)

    @property
    def largest(self) -> int | None:
        """Up to which size every step was checked; None if all are for all sizes."""
        found = [result.largest for result in self.results if result.largest is not None]
        return min(found, default=None)

    @property
    def verdict(self) -> str:
        """In words."""
        if not self.holds:
            return "DOES NOT HOLD"
        if self.statement.by_hand:
            return "holds (said by hand)"
        return "holds" if self.largest is None else f"holds (sizes <= {self.largest}; the general step by hand)"


def _checked(step: Step) -> StepResult:
    if step.check is None:
        cited = step.how is How.CITED and bool(step.scope)
        return StepResult(step, cited, "" if cited else "nothing establishes it", 0.0)
    start = time.process_time()
    with recording() as record:
        try:
            step.check()
            gap = "" if record.checks else "it checks nothing"
        except Exception as error:  # whatever a step raises is a gap in the proof, and the other steps go on
            gap = str(error) if isinstance(error, Gap) else f"{type(error).__name__}: {error}"
    if not gap and step.how in (How.CERTIFICATE, How.BALL) and not record.instances and not step.scope:
        gap = "it names no instance"
    return StepResult(step, not gap, gap, time.process_time() - start, record)


def examine(
    statements: Sequence[Statement], names: Iterable[str] = (), *, each: Callable[[Entry], None] | None = None
) -> list[Entry]:
    """Check statements, in order; one may use earlier ones only, so no argument is circular.

    Parameters
    ----------
    statements : in reading order, with different names.
    names : only these, and those that they were seen to use; default all.
    each : called with each entry as soon as it is known.
    """
    with definitions():
        return _examined(statements, set(names), each)


def _examined(statements: Sequence[Statement], wanted: set[str], each: Callable[[Entry], None] | None) -> list[Entry]:
    results: dict[int, tuple[StepResult, ...]] = {}
    if wanted:
        while pending := [number for number, s in enumerate(statements) if s.name in wanted and number not in results]:
            for number in pending:
                results[number] = tuple(statements[number].run())
                wanted |= set(Entry(statements[number], results[number]).used)
    entries: list[Entry] = []
    holding: dict[str, bool] = {}
    for number, statement in enumerate(statements):
        if wanted and number not in results:
            continue
        found = results[number] if wanted else tuple(statement.run())
        used = Entry(statement, found).used
        missing = ", ".join(name for name in used if not holding.get(name))
        why = f"uses {missing}, not established before it" if missing else ""
        if statement.name in holding:
            why = f"another statement has the name {statement.name}"
        entry = Entry(statement, found, why)
        entries.append(entry)
        holding[statement.name] = entry.holds
        if each:
            each(entry)
    return entries
