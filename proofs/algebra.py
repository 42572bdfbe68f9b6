"""What algebra can decide about an expression: that it is zero, not negative, positive; never by numerical evaluation."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.functions.elementary.hyperbolic import HyperbolicFunction

#: The answer is a function of the expression alone, and proofs ask the same again and again.
_remembered = lru_cache(maxsize=4096)


class Named(sp.Function):  # type: ignore[misc]
    """A function that algebra knows nothing about but its name: a letter."""


_ROADS: tuple[Callable[[Any], Any], ...] = (
    sp.expand,
    lambda e: sp.cancel(sp.together(e)),
    lambda e: sp.expand(sp.powsimp(sp.expand_power_base(sp.expand(e), force=False))),
    sp.simplify,
    lambda e: sp.simplify(sp.expand_func(sp.gammasimp(e))),
    lambda e: sp.simplify(e.rewrite(sp.exp)) if e.has(HyperbolicFunction) else e,
)

#: Forms of an expression in which its sign may be evident, quick ones first.
_FORMS: tuple[Callable[[Any], Any], ...] = (
    lambda e: e,
    sp.factor,
    sp.expand,
    lambda e: e.replace(sp.Min, lambda a, b: a - sp.Max(0, a - b)),
    lambda e: e.replace(sp.Min, lambda a, b: b - sp.Max(0, b - a)),
    sp.simplify,
)


def is_zero(expression: Any) -> bool:
    """Whether algebra reduces the expression to exactly 0 (never by numerical evaluation).

    Sums with symbolic ends are linear, and sum_{a..b} + sum_{b+1..c} = sum_{a..c}.

    >>> x, n, m = sp.Symbol("x"), sp.Symbol("n"), sp.Symbol("m")
    >>> is_zero((x + 1) ** 2 - x**2 - 2 * x - 1), is_zero(x)
    (True, False)
    >>> l, i = sp.IndexedBase("l"), sp.Symbol("i")
    >>> whole, head, rest = (sp.Sum(l[i], (i, *ends)) for ends in ((1, n), (1, m), (m + 1, n)))
    >>> is_zero(whole - head - rest), is_zero(whole - head)
    (True, False)
    """
    return _is_zero(sp.sympify(expression))


@_remembered
def _is_zero(expression: Any) -> bool:
    if expression == 0:
        return True
    if expression.has(sp.Sum):
        return _sums_vanish(expression)
    # For a rational function the normal form decides; the longer roads would only take their time to fail.
    roads = _ROADS[:2] if _is_plain(expression) else _ROADS
    return any(road(expression) == 0 for road in roads)


def is_nonnegative(expression: Any) -> bool:
    """Whether some form of the expression shows that it is at least 0 under the assumptions on its symbols."""
    return _is_nonnegative(sp.sympify(expression))


@_remembered
def _is_nonnegative(expression: Any) -> bool:
    return any(form(expression).is_nonnegative is True for form in _FORMS)


def is_positive(expression: Any) -> bool:
    """Whether some form of the expression shows that it is larger than 0 under the assumptions on its symbols."""
    return _is_positive(sp.sympify(expression))


@_remembered
def _is_positive(expression: Any) -> bool:
    return any(form(expression).is_positive is True for form in _FORMS)


def _is_plain(expression: Any) -> bool:
    """Whether an expression is a rational function of commuting symbols with rational coefficients."""
    if not expression.is_commutative or expression.has(sp.I) or expression.atoms(sp.NumberSymbol, sp.Float):
        return False
    expression = expression.xreplace({quantity: sp.Dummy() for quantity in expression.atoms(Named)})
    if expression.atoms(sp.Function):
        return False
    powers = expression.atoms(sp.Pow)
    return expression.is_rational_function() is True and all(power.exp.is_Integer for power in powers)


_INDEX = sp.Dummy("i", integer=True)
#: Ends of sums that lie further apart stay apart.
_APART = 8


def _sums_vanish(expression: Any) -> bool:
    """Write sum_{i=a..b} f(i) as F(b) - F(a-1), and ask at each end whether the summands add up to 0."""
    sums = {found: sp.Dummy() for found in expression.atoms(sp.Sum)}
    flat = sp.expand(expression.xreplace(sums))
    rest = flat.xreplace(dict.fromkeys(sums.values(), sp.S.Zero))
    at: dict[Any, Any] = {}
    for found, dummy in sums.items():
        factor = sp.diff(flat, dummy)
        if factor.has(*sums.values()) or len(found.limits) != 1:
            return False
        index, low, high = found.limits[0]
        constant, varying = sp.expand(found.function).as_independent(index, as_Add=True)
        rest += factor * constant * (high - low + 1)
        summand = factor * varying.xreplace({index: _INDEX})
        for end, sign in ((sp.expand(high), 1), (sp.expand(low - 1), -1)):
            at[end] = at.get(end, 0) + sign * summand
    # F(b + 2) = F(b) + f(b + 1) + f(b + 2): ends that differ by a whole number become one.
    ends = list(at)
    for end in ends:
        for base in at:
            apart = sp.expand(end - base)
            if apart.is_Integer and 0 < apart <= _APART:
                summand = at.pop(end)
                at[base] += summand
                rest += sum(summand.xreplace({_INDEX: base + step}) for step in range(1, int(apart) + 1))
                break
    for end, summand in at.items():
        at[end] = reduced = sp.cancel(sp.together(summand)) if _is_plain(summand) else summand
        if not reduced.has(_INDEX):  # a constant c brings c times the number of terms
            rest += reduced * end
            at[end] = sp.S.Zero
    return is_zero(rest) and all(is_zero(summand) for summand in at.values())
