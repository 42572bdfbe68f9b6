"""The ledger: statements, the steps of their proofs, how each step is established, and whether it holds.

A step is established in one of four ways, and in no other; drawing random matrices is not one of them.

* ``symbolic``: computer algebra on symbols, within the scope that the step names;
* ``certificate``: a witness (dual variables, multipliers) verified in exact rational arithmetic, for named instances;
* ``ball arithmetic``: an interval that encloses the number with every rounding error counted, for named instances;
* ``cited``: a theorem of the literature, named with its number.

A check passes only by calling :func:`establish` (through :mod:`proofs.checks`), so a step that checks nothing is a gap,
and so is one that raises. A statement holds if all of its steps do, and every statement that it uses.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


class How(StrEnum):
    """How a step is established."""

    SYMBOLIC = "symbolic"
    CERTIFICATE = "certificate"
    BALL = "ball arithmetic"
    CITED = "cited"


class Gap(Exception):  # noqa: N818
    """A step that does not hold; the message says what was found."""


_checks: ContextVar[int] = ContextVar("checks", default=0)


def establish(holds: bool, otherwise: str) -> None:
    """Count one check, or raise `Gap` with the text `otherwise`; every checker ends here.

    >>> establish(1 + 1 == 2, "arithmetic is broken")
    >>> establish(1 + 1 == 3, "1 + 1 is not 3")
    Traceback (most recent call last):
    ...
    proofs.ledger.Gap: 1 + 1 is not 3
    """
    # Neither None, nor a symbolic relation that was left unevaluated, nor a numpy array is a proof.
    if holds is not True:
        raise Gap(otherwise)
    _checks.set(_checks.get() + 1)


@dataclass(frozen=True)
class Step:
    """One step: what it says, how it is established, for which sizes or parameters, and the function that checks it."""

    says: str
    how: How
    scope: str
    check: Callable[[], None] | None = None


@dataclass(frozen=True)
class StepResult:
    """Whether a step holds; `gap` says why not."""

    step: Step
    holds: bool
    gap: str
    checks: int
    seconds: float


Check = TypeVar("Check", bound=Callable[[], None])


class Statement:
    """A statement with the steps of its proof.

    Parameters
    ----------
    name : the identifier that other statements use.
    says : the statement, in one line of mathematics.
    source : where it comes from.
    uses : names of the statements that its proof relies on.

    Examples
    --------
    >>> square = Statement("square", "(a + b)^2 = a^2 + 2ab + b^2")
    >>> @square.symbolic("expand", scope="numbers 1, 2")
    ... def expand():
    ...     establish((1 + 2) ** 2 == 1 + 4 + 4, "the two sides differ")
    >>> [result.holds for result in square.run()]
    [True]
    """

    def __init__(self, name: str, says: str, *, source: str = "", uses: Sequence[str] = ()) -> None:
        self.name, self.says, self.source, self.uses = name, says, source, tuple(uses)
        self.steps: list[Step] = []
        self.file: str = sys._getframe(1).f_globals["__name__"]

    def _step(self, says: str, how: How, scope: str) -> Callable[[Check], Check]:
        def add(check: Check) -> Check:
            self.steps.append(Step(says, how, scope, check))
            return check

        return add

    def symbolic(self, says: str, *, scope: str) -> Callable[[Check], Check]:
        """Decorate a function that checks a step by computer algebra; `scope` names what is left symbolic."""
        return self._step(says, How.SYMBOLIC, scope)

    def certificate(self, says: str, *, scope: str) -> Callable[[Check], Check]:
        """Decorate a function that verifies certificates in exact arithmetic; `scope` names the instances."""
        return self._step(says, How.CERTIFICATE, scope)

    def ball(self, says: str, *, scope: str) -> Callable[[Check], Check]:
        """Decorate a function that compares enclosures from ball arithmetic; `scope` names the instances."""
        return self._step(says, How.BALL, scope)

    def cited(self, says: str, *, source: str) -> None:
        """Add a step that is a theorem of the literature; `source` names work and number."""
        self.steps.append(Step(says, How.CITED, source))

    def run(self) -> list[StepResult]:
        """Check each step."""
        return [_checked(step) for step in self.steps]


@dataclass(frozen=True)
class Entry:
    """A statement in the ledger with the results of its steps; `missing` says which statement it uses fails."""

    statement: Statement
    results: tuple[StepResult, ...]
    missing: str = ""

    @property
    def holds(self) -> bool:
        """Every step holds, there is one, and so does every statement that is used."""
        return bool(self.results) and all(result.holds for result in self.results) and not self.missing


def _checked(step: Step) -> StepResult:
    if step.check is None:
        cited = step.how is How.CITED and bool(step.scope)
        return StepResult(step, cited, "" if cited else "nothing establishes it", 0, 0.0)
    start, token = time.perf_counter(), _checks.set(0)
    try:
        step.check()
        gap = "" if _checks.get() else "it checks nothing"
    except Exception as error:  # whatever a step raises is a gap in the proof, and the other steps go on
        gap = str(error) if isinstance(error, Gap) else f"{type(error).__name__}: {error}"
    checks = _checks.get()
    _checks.reset(token)
    return StepResult(step, not gap, gap, checks, time.perf_counter() - start)


def with_used(statements: Sequence[Statement], names: Iterable[str]) -> list[Statement]:
    """The statements called `names` and all that they use, in the order of `statements`."""
    known = {statement.name: statement for statement in statements}
    wanted: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name in known and name not in wanted:
            wanted.add(name)
            pending += known[name].uses
    return [statement for statement in statements if statement.name in wanted]


def examine(statements: Sequence[Statement], *, each: Callable[[Entry], None] | None = None) -> list[Entry]:
    """Check every statement, in order; a statement may use earlier ones only, so no argument is circular.

    Parameters
    ----------
    statements : in reading order, with different names.
    each : called with each entry as soon as it is known.
    """
    entries: list[Entry] = []
    holding: dict[str, bool] = {}
    for statement in statements:
        results = tuple(statement.run())
        missing = ", ".join(name for name in statement.uses if not holding.get(name))
        why = f"uses {missing}, not established before it" if missing else ""
        if statement.name in holding:
            why = f"another statement has the name {statement.name}"
        entry = Entry(statement, results, why)
        entries.append(entry)
        holding[statement.name] = entry.holds
        if each:
            each(entry)
    return entries
