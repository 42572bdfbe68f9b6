"""What counts as a check, and the record that is kept while a step is checked.

Nothing that the ledger says about a step is typed by hand: the facts it established, the sizes and the instances at which
it looked, and the statements that it used are all written down here as they happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar


class Gap(Exception):  # noqa: N818
    """A step that does not hold; the message says what was found."""


@dataclass
class Record:
    """What happened while one step was checked.

    Parameters
    ----------
    checks : how many times something was established.
    facts : what was established, in this order.
    sizes : explicit sizes (of a matrix, of a family of symbols) that occurred; empty if all sizes were symbols.
    instances : names of the instances that were looked at.
    used : names of the statements whose conclusions were used.
    argued : reasons of the links that are arguments in words.
    completed : names of the families of instances that were gone through to the end.
    """

    checks: int = 0
    facts: list[Any] = field(default_factory=list)
    sizes: set[int] = field(default_factory=set)
    instances: list[str] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    argued: list[str] = field(default_factory=list)
    completed: set[str] = field(default_factory=set)

    def take(self, other: Record) -> None:
        """Add what another record holds."""
        self.checks += other.checks
        self.facts += [fact for fact in other.facts if fact not in self.facts]
        self.sizes |= other.sizes
        self.completed |= other.completed
        for mine, theirs in ((self.instances, other.instances), (self.used, other.used), (self.argued, other.argued)):
            mine += theirs


_record: ContextVar[Record | None] = ContextVar("record", default=None)

Item = TypeVar("Item")


def current() -> Record:
    """The record of the step that is being checked; outside of any step, one that is thrown away."""
    return _record.get() or Record()


@contextmanager
def recording() -> Iterator[Record]:
    """Keep a record of what happens inside.

    >>> with recording() as record:
    ...     establish(True, "")
    >>> record.checks
    1
    """
    record = Record()
    token = _record.set(record)
    try:
        yield record
    finally:
        _record.reset(token)


def establish(holds: bool, otherwise: str) -> None:
    """Count one check, or raise `Gap` with the text `otherwise`; every checker ends here.

    >>> establish(1 + 1 == 2, "arithmetic is broken")
    >>> establish(1 + 1 == 3, "1 + 1 is not 3")
    Traceback (most recent call last):
    ...
    proofs.kernel.Gap: 1 + 1 is not 3
    """
    # Neither None, nor a symbolic relation that was left unevaluated, nor a numpy array is a proof.
    if holds is not True:
        raise Gap(otherwise)
    current().checks += 1


def sizes(numbers: Iterable[int]) -> Iterator[int]:
    """Go through explicit sizes: the step holds up to the largest of them and is said to.

    >>> with recording() as record:
    ...     total = sum(sizes((2, 3)))
    >>> total, record.sizes
    (5, {2, 3})
    """
    for number in numbers:
        current().sizes.add(number)
        yield number


def instances(things: Iterable[Item], name: Callable[[Item], str] = str) -> Iterator[Item]:
    """Go through named instances: the step is about these and is said to.

    >>> with recording() as record:
    ...     total = sum(instances((2, 3), "m = {}".format))
    >>> total, record.instances
    (5, ['m = 2', 'm = 3'])
    """
    for thing in things:
        label = name(thing)
        if label not in current().instances:
            current().instances.append(label)
        yield thing


@dataclass(frozen=True)
class Instances(Generic[Item]):
    """A family of instances under one name; what is said of it must have been checked at every one.

    Parameters
    ----------
    name : how it is called in a statement.
    items : its members.
    label : the name of one of them.

    Examples
    --------
    >>> with recording() as record:
    ...     total = sum(Instances("n = 2, 3", (2, 3), "n = {}".format))
    >>> total, record.completed
    (5, {'n = 2, 3'})
    """

    name: str
    items: Sequence[Item]
    label: Callable[[Item], str] = str

    def __iter__(self) -> Iterator[Item]:
        yield from instances(self.items, self.label)
        current().completed.add(self.name)
