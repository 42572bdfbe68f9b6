"""Relations between expressions, the facts that were established among them, and the rules that make facts of facts.

A `Proposition` is what a statement says. A `Fact` is a proposition that something established: the checkers of
:mod:`proofs.checks` and :mod:`proofs.matrices`, a citation, an argument in words whose two sides are typed, the conclusion
of another statement, or one of the rules below. Every rule computes its result, so that a fact can only say what follows:

* `chain`: a = b <= c < d gives a < d, if each link begins where the one before it ends;
* `through`: a <= b gives f(a) <= f(b) for a non-decreasing f, and a = b gives f(a) = f(b) for every f;
* `mean`, `summed`, `integrated`: the same for means, sums and integrals, which are monotone;
* `limit`: the limits of two equal things are equal;
* `extended`: from the least value on, if it is known there and from the next value on;
* `Fact.at`: values for the free letters, within the domain of the fact;
* `instantiated`: a fact about every functional of a kind, at one of them.

A fact carries the conditions under which it was established. A statement's conclusion must imply them on its own domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import sympy as sp

from .algebra import is_nonnegative, is_positive, is_zero
from .kernel import Gap, current, establish, recording
from .notation import Mean, Quantity, l, written

#: Strength of what a chain of links establishes; ">=" and ">" are the same read from right to left.
_STRENGTH = {"=": 0, "<=": 1, "<": 2}
_TURNED = {">=": "<=", ">": "<"}
#: What is at least as strong as a relation.
_ENOUGH = {"=": ("=",), "<=": ("=", "<=", "<"), "<": ("<",)}


@dataclass(frozen=True)
class Condition:
    """larger >= smaller, or > if `strict`."""

    larger: Any
    smaller: Any
    strict: bool = False

    def at(self, values: Mapping[Any, Any]) -> Condition:
        """The condition at other values of its symbols."""
        return Condition(_put(self.larger, values), _put(self.smaller, values), self.strict)

    def __str__(self) -> str:
        return f"{written(self.larger)} {'>' if self.strict else '>='} {written(self.smaller)}"


def at_least(larger: Any, smaller: Any) -> Condition:
    """larger >= smaller."""
    return Condition(sp.sympify(larger), sp.sympify(smaller))


def more_than(larger: Any, smaller: Any) -> Condition:
    """larger > smaller."""
    return Condition(sp.sympify(larger), sp.sympify(smaller), strict=True)


@dataclass(frozen=True)
class Domain:
    """Conditions of the form symbol >= bound, each bound in symbols that come before it.

    >>> m, k = sp.symbols("m k", integer=True, positive=True)
    >>> print(Domain((at_least(m, k + 2),)).opened(m - k))
    m' + 2
    """

    conditions: tuple[Condition, ...] = ()

    def opened(self, expression: Any) -> Any:
        """The expression in symbols that may have every value of their kind: m >= k + 2 is m = k + 2 + m', m' >= 0."""
        values: dict[Any, Any] = {}
        for condition in self.conditions:
            symbol = condition.larger
            if not isinstance(symbol, sp.Symbol):
                continue  # it narrows the domain, and opens nothing
            if symbol in values:
                raise Gap(f"the domain {self} has two bounds of {symbol}")
            sign = {"positive": True} if condition.strict and not symbol.is_integer else {"nonnegative": True}
            spare = sp.Symbol(f"{symbol}'", **({"integer": True} if symbol.is_integer else {}), **sign)
            least = condition.smaller + (1 if condition.strict and symbol.is_integer else 0)
            values[symbol] = _put(least, values) + spare
        return _put(expression, values)

    def implies(self, condition: Condition) -> bool:
        """Whether the condition holds everywhere in the domain, as far as algebra can see."""
        if condition in self.conditions:
            return True
        gap = self.opened(condition.larger - condition.smaller)
        if is_positive(gap) if condition.strict else is_nonnegative(gap):
            return True
        # Last, as it takes longest to find out that two expressions are not the same.
        return any(_includes(known, condition) for known in self.conditions)

    def __str__(self) -> str:
        return ", ".join(str(condition) for condition in self.conditions)


def _includes(known: Condition, condition: Condition) -> bool:
    same_gap = agree(known.larger - known.smaller, condition.larger - condition.smaller)
    return same_gap and (known.strict or not condition.strict)


@dataclass(frozen=True)
class Proposition:
    """left relation right on a domain, if the relations `given` hold (pairs of equal things), everywhere or at instances.

    >>> m, k = sp.symbols("m k", integer=True, positive=True)
    >>> print(Proposition(k, "<=", m - 2, when=(at_least(m, k + 2),)))
    k <= m - 2 for k >= 1, m >= k + 2
    """

    left: Any
    relation: str
    right: Any
    when: tuple[Condition, ...] = ()
    given: tuple[tuple[Any, Any], ...] = ()
    at_instances: str = ""

    @property
    def upwards(self) -> tuple[Any, str, Any]:
        """Both sides and the relation, the smaller side first."""
        turned = _TURNED.get(self.relation)
        return (self.right, turned, self.left) if turned else (self.left, self.relation, self.right)

    def __str__(self) -> str:
        text = f"{written(self.left)} {self.relation} {written(self.right)}"
        if self.given:
            text += " if " + ", ".join(f"{written(one)} = {written(other)}" for one, other in self.given)
        text += f" for {Domain((*_kinds(self.when), *self.when))}" if self.when else ""
        return text + (f" at {self.at_instances}" if self.at_instances else "")


def _kinds(conditions: Sequence[Condition]) -> list[Condition]:
    """Where the whole numbers begin from which the bounds of others are made."""
    bounded = {condition.larger for condition in conditions}
    free = {symbol for condition in conditions for symbol in condition.smaller.free_symbols} - bounded
    whole = sorted((symbol for symbol in free if symbol.is_integer), key=str)
    return [at_least(symbol, 1 if symbol.is_positive else 0) for symbol in whole if symbol.is_nonnegative]


@dataclass(frozen=True)
class Fact(Proposition):
    """A proposition that has been established; made by checkers and rules only, never by hand in a proof.

    `when` are its conditions, of any form; `origin` names the statement whose conclusion it is, if it is one.
    """

    origin: str = ""

    def at(self, values: Mapping[Any, Any]) -> Fact:
        """The fact for other values of its free letters, on the domain that remains.

        A letter stands for every number, or matrix, of its kind; a quantity is what it is and has no other value.

        >>> from .checks import at_most
        >>> x, y = sp.symbols("x y", nonnegative=True)
        >>> print(at_most(x, x + 1).at({x: y**2}))
        y^2 <= y^2 + 1
        >>> at_most(0, l(1)).at({l(1): -1})
        Traceback (most recent call last):
        ...
        proofs.kernel.Gap: l_1 is no free letter of 0 <= l_1: it has no other value
        """
        bound = _bound(self)
        for letter, value in values.items():
            if not isinstance(letter, sp.Symbol | sp.MatrixSymbol) or letter in bound:
                raise Gap(f"{written(letter)} is no free letter of {self}: it has no other value")
            if captured := bound & sp.sympify(value).free_symbols:
                raise Gap(f"{written(value)} is no value for {letter}: {captured} is summed over in {self}")
            if isinstance(letter, sp.MatrixSymbol) and getattr(value, "shape", None) != letter.shape:
                raise Gap(f"{written(value)} is no matrix of the shape of {letter}")
        if any(str(symbol) == "n" for symbol in values) and any(found.whole for found in _quantities(self)):
            raise Gap(f"{self} is about the whole spectrum: n stays")
        needs = [condition.at(values) for condition in self.when]
        for symbol, value in values.items():
            if isinstance(symbol, sp.Symbol):
                needs += _kept(symbol, sp.sympify(value))
        return replaced(replace(self, when=()), values, needs)

    def turned(self) -> Fact:
        """b = a from a = b."""
        if self.relation != "=":
            raise Gap(f"{self} cannot be read from right to left")
        return replace(self, left=self.right, right=self.left)


def _quantities(fact: Proposition) -> set[Any]:
    return {found for side in (fact.left, fact.right) for found in sp.sympify(side).atoms(Quantity)}


def _parts(fact: Proposition) -> list[Any]:
    """Every expression in a fact: its sides, its conditions, the relations on which it rests."""
    conditions = [side for condition in fact.when for side in (condition.larger, condition.smaller)]
    return [
        sp.sympify(part) for part in (fact.left, fact.right, *conditions, *(side for pair in fact.given for side in pair))
    ]


def _bound(fact: Proposition) -> set[Any]:
    """Letters that stand for no value of their own: indices, variables of integration and of limits, what is random."""
    found: set[Any] = set()
    for part in _parts(fact):
        for inside in part.atoms(sp.Sum, sp.Product, sp.Integral):
            found |= set(inside.variables)
        found |= {inside.args[1] for inside in part.atoms(sp.Limit)}
        for inside in part.atoms(Mean):
            found |= set(inside.args[1:]) or inside.atoms(sp.MatrixSymbol)
    return found


def replaced(fact: Fact, values: Mapping[Any, Any], needs: Iterable[Condition] = ()) -> Fact:
    """The fact with values put everywhere, and more conditions; for rules that know why it remains true."""
    when = tuple(dict.fromkeys((*needs, *(condition.at(values) for condition in fact.when))))
    given = tuple((_put(one, values), _put(other, values)) for one, other in fact.given)
    left, right = _put(fact.left, values), _put(fact.right, values)
    return recorded(replace(fact, left=left, right=right, when=when, given=given))


def instantiated(fact: Fact, values: Mapping[Any, Any]) -> Fact:
    """A fact about every functional of a kind, at one of them: `values` for everything to which the fact applies it.

    The functional must be declared to stand for every one of its kind (`quantity(..., every=True)`), and none of its
    applications may remain: some of them at one functional and the others at another say nothing.

    >>> from .checks import same
    >>> from .notation import quantity
    >>> L, x = quantity("L", "L[{}]", every=True), sp.Symbol("x")
    >>> print(instantiated(same(2 * L(x) + L(1), L(1) + 2 * L(x)), {L(x): 3, L(1): 1}))
    7 = 7
    """
    kinds = {getattr(found, "func", None) for found in values}
    if len(kinds) != 1 or not all(getattr(kind, "every", False) for kind in kinds):
        raise Gap(f"{', '.join(map(written, values))} does not stand for every functional of a kind")
    applied = {found for part in _parts(fact) for found in part.atoms(Quantity) if found.func in kinds}
    if applied != set(values):
        raise Gap(
            f"{', '.join(sorted(map(written, applied ^ set(values))))}: these applications have no value, or do not occur"
        )
    return replaced(replace(fact, origin=""), values)


def _kept(symbol: sp.Symbol, value: Any) -> list[Condition]:
    """What the value must fulfil because the symbol does."""
    if symbol.is_integer and value.is_integer is not True:
        raise Gap(f"{value} for the integer {symbol} may not be an integer")
    if symbol.is_positive and value.is_positive is not True:
        return [Condition(value, sp.S.Zero, strict=True)]
    if symbol.is_nonnegative and value.is_nonnegative is not True:
        return [Condition(value, sp.S.Zero)]
    return []


def recorded(fact: Fact) -> Fact:
    """Write a fact down in the record of the step that is being checked."""
    facts = current().facts
    if fact not in facts:
        facts.append(fact)
    return fact


def established(
    left: Any, relation: str, right: Any, when: Iterable[Condition] = (), given: Sequence[Any] = (), at_instances: str = ""
) -> Fact:
    """A fact, for the checkers."""
    return recorded(Fact(left, relation, right, tuple(when), tuple(given), at_instances))


def argued(left: Any, relation: str, right: Any, because: str, *, when: Iterable[Condition] = ()) -> Fact:
    """A link that rests on an argument in words, which the ledger counts; its two sides bind it to its neighbours."""
    establish(bool(because), "an argument has a reason")
    current().argued.append(because)
    return established(sp.sympify(left), relation, sp.sympify(right), when)


# --------------------------------------------------------------------------------------------------------------- rules


def agree(one: Any, other: Any) -> bool:
    """Whether two expressions are the same, as algebra sees it."""
    if one == other:
        return True
    one, other = sp.sympify(one), sp.sympify(other)
    if one.has(sp.MatrixExpr) or other.has(sp.MatrixExpr):
        return _same_words(one, other)
    difference = one - other
    return not difference.has(sp.nan, sp.zoo) and is_zero(difference)


def _same_words(one: Any, other: Any) -> bool:
    from .matrices import same_matrices, same_traces

    checker = same_matrices if isinstance(one, sp.MatrixExpr) else same_traces
    with recording():
        try:
            checker(one, other)
        except (Gap, AttributeError):
            return False
    return True


def chain(*links: Fact) -> Fact:
    """From a = b <= c < ... the relation of both ends; each link must begin where the one before it ends.

    >>> from .checks import at_most, same
    >>> x = sp.Symbol("x", nonnegative=True)
    >>> print(chain(same((x + 1) ** 2, x**2 + 2 * x + 1), at_most(1, x + 1).at({x: x**2 + 2 * x})))
    Traceback (most recent call last):
    ...
    proofs.kernel.Gap: the chain breaks: after 2 x + x^2 + 1 comes 1
    """
    for before, after in pairwise(links):
        if not agree(before.right, after.left):
            raise Gap(f"the chain breaks: after {written(before.right)} comes {written(after.left)}")
    strongest = max((link.relation for link in links), key=lambda relation: _STRENGTH[relation])
    when = tuple(dict.fromkeys(condition for link in links for condition in link.when))
    given = tuple(dict.fromkeys(pair for link in links for pair in link.given))
    where = " and ".join(dict.fromkeys(link.at_instances for link in links if link.at_instances))
    establish(True, "")
    return recorded(Fact(links[0].left, strongest, links[-1].right, when, given, where))


def through(function: Callable[[Any], Any], fact: Fact, *, when: Iterable[Condition] = ()) -> Fact:
    """f(a) <= f(b) from a <= b, if the derivative of f shows that f does not decrease; f(a) = f(b) from a = b.

    >>> from .checks import at_most
    >>> x = sp.Symbol("x", nonnegative=True)
    >>> print(through(lambda side: 3 * side + 1, at_most(x, x + 2)))
    3 x + 1 <= 3 x + 7
    """
    if fact.relation != "=":
        both = [sp.sympify(side) for side in (fact.left, fact.right)]
        signed = {"positive": True} if all(side.is_positive for side in both) else {"real": True}
        side = sp.Symbol("side", **signed)
        slope = sp.diff(function(side), side)
        rises = is_positive if fact.relation == "<" else is_nonnegative
        domain = Domain(tuple(when))
        # A slope 1/x rises with x > 0.
        known = any(domain.implies(Condition(sign, sp.S.Zero, strict=True)) for sign in (slope, 1 / slope) if when)
        establish(rises(slope) or rises(domain.opened(slope)) or known, f"{written(function(side))} may decrease")
    both_hold = tuple(dict.fromkeys((*fact.when, *when)))
    return recorded(replace(fact, left=function(fact.left), right=function(fact.right), when=both_hold, origin=""))


def reciprocal(fact: Fact, over: Any) -> Fact:
    """c/b <= c/a from 0 < a <= b, c >= 0."""
    shown = is_positive(fact.left) and is_nonnegative(over) and fact.relation != "="
    establish(shown, f"{written(over)} over both sides of {fact} may not turn them")
    return recorded(replace(fact, left=over / fact.right, right=over / fact.left, origin=""))


def discharged(fact: Fact, *by: Fact) -> Fact:
    """The fact without the conditions that other facts establish."""
    known = {Condition(one.right, one.left, strict=one.relation == "<") for one in by if one.relation in ("<", "<=")}
    missing = [condition for condition in known if condition not in fact.when]
    if missing:
        raise Gap(f"{missing[0]} is no condition of {fact}")
    needed = (*(condition for condition in fact.when if condition not in known), *(c for one in by for c in one.when))
    return recorded(replace(fact, when=tuple(dict.fromkeys(needed)), origin=""))


def extended(fact: Fact, symbol: sp.Symbol, least: Any, other: Fact) -> Fact:
    """The fact from symbol = least on, if it is known from least + 1 on, and `other` is the fact at least.

    >>> from .checks import at_most
    >>> k = sp.Symbol("k", integer=True, nonnegative=True)
    >>> print(extended(at_most(k, k**2, when=(at_least(k, 1),)), k, 0, at_most(0, 0)))
    k <= k^2
    """
    beyond = Domain((at_least(symbol, sp.sympify(least) + 1),))
    kept = tuple(condition for condition in fact.when if not beyond.implies(condition))
    at_end = [_put(side, {symbol: sp.sympify(least)}) for side in (fact.left, fact.right)]
    if not (agree(other.left, at_end[0]) and agree(other.right, at_end[1]) and other.relation == fact.relation):
        raise Gap(f"at {symbol} = {least} stands {other}, not {fact}")
    remaining = Domain(tuple(condition.at({symbol: sp.sympify(least)}) for condition in kept))
    for condition in other.when:
        if not remaining.implies(condition):
            raise Gap(f"at {symbol} = {least}, {other} needs {condition}")
    evident = is_nonnegative(symbol - least)
    establish(True, "")
    return recorded(replace(fact, when=kept if evident else (at_least(symbol, least), *kept), origin=""))


def mean(fact: Fact) -> Fact:
    """E[a] <= E[b] from a <= b, which holds for every value of what is random."""
    return recorded(replace(fact, left=Mean(fact.left), right=Mean(fact.right), origin=""))


def _in_order(condition: Condition, index: Any, low: Any, high: Any) -> bool:
    """Whether the condition says l_p >= l_q with p <= q for every index from low to high."""
    gap = sp.expand(condition.larger - condition.smaller)
    terms = {level: gap.coeff(level) for level in gap.atoms(l)}
    first, second = ([level for level, sign in terms.items() if sign == wanted] for wanted in (1, -1))
    if condition.strict or len(first) != 1 or len(second) != 1 or sp.expand(gap - first[0] + second[0]) != 0:
        return False
    apart = second[0].args[0] - first[0].args[0]
    step = sp.Symbol("step", integer=True, nonnegative=True)
    return is_nonnegative(apart.subs(index, low + step)) or is_nonnegative(apart.subs(index, high - step))


def summed(fact: Fact, index: Any, low: Any, high: Any) -> Fact:
    """sum a(i) <= sum b(i) from a(i) <= b(i), for every i from low to high, the l_i being in descending order.

    >>> from .checks import at_most
    >>> d, x = sp.Symbol("d", nonnegative=True), sp.Symbol("x", positive=True)
    >>> j, n = sp.symbols("j n", integer=True, positive=True)
    >>> below = at_most(x, x + d).at({x: l(j), d: l(1) - l(j)})
    >>> print(summed(below, j, 1, n))
    sum_{j=1..n} l_j <= sum_{j=1..n} l_1
    """
    sides = [sp.Sum(side, (index, low, high)) for side in (fact.left, fact.right)]
    relation = "<=" if fact.relation == "<" else fact.relation  # there may be no term
    kept = []
    for condition in fact.when:
        if index not in condition.larger.free_symbols | condition.smaller.free_symbols:
            kept.append(condition)
        elif not _in_order(condition, index, low, high):
            raise Gap(f"{fact} is not known for every {index}")
    return recorded(replace(fact, left=sides[0], relation=relation, right=sides[1], when=tuple(kept), origin=""))


def telescoped(fact: Fact, primitive: Any, index: Any, low: Any, high: Any) -> Fact:
    """sum_{i=low..high} a(i) = F(high) - F(low - 1) from a(i) = F(i) - F(i - 1)."""
    if fact.relation != "=" or not agree(fact.right, primitive - primitive.subs(index, index - 1)):
        raise Gap(f"{fact} does not telescope")
    ends = primitive.subs(index, high) - primitive.subs(index, low - 1)
    return recorded(replace(fact, left=sp.Sum(fact.left, (index, low, high)), right=ends, origin=""))


def integrated(fact: Fact, variable: Any, low: Any = 0, high: Any = sp.oo) -> Fact:
    """int a <= int b from a <= b at every value of the variable that is positive."""
    sides = [sp.Integral(side, (variable, low, high)) for side in (fact.left, fact.right)]
    return recorded(replace(fact, left=sides[0], right=sides[1], origin=""))


def under(fact: Fact, *relations: tuple[Any, Any]) -> Fact:
    """The fact where relations hold; it then says no more than before."""
    return recorded(replace(fact, given=tuple(dict.fromkeys((*fact.given, *relations))), origin=""))


def limit(fact: Fact, variable: Any, point: Any = sp.oo) -> Fact:
    """lim a = lim b from a = b."""
    if fact.relation != "=":
        raise Gap(f"the limit is taken of an equation, and {fact} is none")
    sides = [sp.Limit(side, variable, point, "-") for side in (fact.left, fact.right)]
    return recorded(replace(fact, left=sides[0], right=sides[1], origin=""))


def restricted(fact: Fact, *when: Condition) -> Fact:
    """The fact on a smaller domain, which implies its conditions: those of a substitution become those of a domain again.

    >>> from .checks import at_most
    >>> n, m, r = sp.symbols("n m r", integer=True, positive=True)
    >>> print(restricted(at_most(1, r).at({r: n - m}), at_least(n, m + 1)))
    1 <= n - m for m >= 1, n >= m + 1
    """
    domain = Domain(when)
    unmet = [condition for condition in fact.when if not domain.implies(condition)]
    if unmet:
        raise Gap(f"the domain {domain} does not imply {unmet[0]}, which {fact} needs")
    establish(True, "")
    return recorded(replace(fact, when=when, origin=""))


_meanings: ContextVar[dict[Any, Any]] = ContextVar("meanings", default={})  # noqa: B039


@contextmanager
def definitions() -> Iterator[None]:
    """Inside, names have no meaning yet: one ledger, one language."""
    token = _meanings.set({})
    try:
        yield
    finally:
        _meanings.reset(token)


def defined(name: Any, meaning: Any) -> Fact:
    """name = meaning, by definition; a name has one meaning."""
    if getattr(name, "every", False):
        raise Gap(f"{written(name)} stands for every functional of its kind, and is no one of them")
    known = _meanings.get().setdefault(name, meaning)
    if not agree(known, meaning):
        raise Gap(f"{written(name)} is {written(known)} and cannot be {written(meaning)} as well")
    return recorded(Fact(name, "=", meaning))


def follows(fact: Fact, goal: Proposition, setting: Sequence[Any] = ()) -> None:
    """Raise `Gap` unless the fact is the proposition, or stronger, on the whole domain of the proposition."""
    left, relation, right = goal.upwards
    ends = agree(fact.left, left) and agree(fact.right, right)
    if not ends and fact.relation == relation == "=":
        ends = agree(fact.left, right) and agree(fact.right, left)
    if not ends:
        raise Gap(f"what is established is {fact}, and not {goal}")
    if fact.relation not in _ENOUGH[relation]:
        raise Gap(f"{goal} is more than {fact}")
    if fact.at_instances not in ("", goal.at_instances):
        raise Gap(f"{goal} is more than {fact}")
    domain = Domain(goal.when)
    for condition in fact.when:
        if not domain.implies(condition):
            raise Gap(f"{goal} is said for {domain if goal.when else 'all values'}, but needs {condition}")
    # The letters of the setting keep their meaning at every size.
    named = {str(pair) for pair in (*goal.given, *setting)}
    for pair in fact.given:
        if str(pair) not in named:
            raise Gap(f"{goal} rests on {written(pair[0])} = {written(pair[1])}, which it does not say")
    establish(True, "")


def _put(expression: Any, values: Mapping[Any, Any]) -> Any:
    expression = sp.sympify(expression)
    if not values:
        return expression
    if isinstance(expression, sp.MatrixExpr) or expression.has(sp.MatrixExpr):
        return expression.xreplace(dict(values))
    return expression.subs(dict(values), simultaneous=True)
