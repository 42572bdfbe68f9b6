"""Checkers: what a step may call to establish something. Each decides, or raises :class:`~.kernel.Gap`; none samples.

Each returns the fact that it established, for the chains of :mod:`proofs.propositions`; `when` narrows the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache, reduce
from operator import add, mul
from typing import Any

import sympy as sp
from flint import arb, fmpq, fmpq_mat

from .algebra import is_nonnegative, is_positive, is_zero
from .kernel import current, establish
from .propositions import Condition, Domain, Fact, Proposition, established


def same(left: Any, right: Any, what: str = "", *, when: Iterable[Condition] = ()) -> Fact:
    """Establish that two expressions, or two matrices entry by entry, are equal.

    An integral, a sum, a limit that was left unevaluated is evaluated on the domain.

    >>> x = sp.Symbol("x")
    >>> print(same((x - 1) * (x + 1), x**2 - 1))
    (x + 1) (x - 1) = x^2 - 1
    """
    left, right = sp.sympify(left), sp.sympify(right)
    domain = Domain(tuple(when))
    if isinstance(left, sp.MatrixBase) or isinstance(right, sp.MatrixBase):
        establish(getattr(left, "shape", None) == getattr(right, "shape", None), f"{what or 'matrices'}: shapes differ")
        # An explicit matrix has an explicit size, and so has what is shown by it.
        current().sizes.add(max(left.shape))
        pairs = list(zip(left, right, strict=True))
    else:
        pairs = [(left, right)]
    for one, other in pairs:
        difference = _evaluated(domain.opened(one)) - _evaluated(domain.opened(other))
        establish(is_zero(difference), f"{what or 'equality'}: {one} is not {other}")
    return established(left, "=", right, domain.conditions)


def same_product(left: Any, right: Any, what: str = "", *, when: Iterable[Condition] = ()) -> Fact:
    """Establish that two products of powers and Gamma functions of positive numbers are equal: their quotient is 1.

    >>> x, n = sp.symbols("x n", positive=True)
    >>> print(same_product((2 * x) ** n * sp.gamma(n + 1), 2**n * x**n * n * sp.gamma(n)))
    (2 x)^n gamma(n + 1) = n 2^n x^n gamma(n)
    """
    left, right = sp.sympify(left), sp.sympify(right)
    domain = Domain(tuple(when))
    opened = [domain.opened(side) for side in (left, right)]
    for side in opened:
        establish(side.is_positive is True, f"{what or 'product'}: {side} may not be positive")
    quotient = opened[0] / opened[1]
    roads: tuple[Callable[[Any], Any], ...] = (
        lambda e: sp.gammasimp(sp.powsimp(e, force=True)),
        lambda e: sp.gammasimp(sp.powsimp(sp.simplify(e), force=True)),
        lambda e: sp.exp(sp.simplify(sp.expand_log(sp.log(sp.gammasimp(e)), force=True))),
    )
    found = any(road(quotient) == 1 for road in roads)
    establish(found, f"{what or 'product'}: {left} is not {right}")
    return established(left, "=", right, domain.conditions)


@lru_cache(maxsize=1024)
def _evaluated(side: Any) -> Any:
    """Without integrals and limits that wait to be evaluated."""
    return side.doit() if side.has(sp.Integral, sp.Limit, sp.Derivative) else side


def differs(left: Any, right: Any, what: str = "") -> None:
    """Establish that two expressions without symbols are different numbers."""
    establish((sp.sympify(left) - sp.sympify(right)).is_zero is False, f"{what or 'difference'}: {left} may equal {right}")


def infinite(value: Any, what: str = "", *, when: Iterable[Condition] = ()) -> Fact:
    """Establish that an integral, a sum or a limit is +infinity."""
    found, domain = sp.sympify(value), Domain(tuple(when))
    diverges = _evaluated(domain.opened(found)) is sp.S.Infinity
    establish(diverges, f"{what or 'divergence'}: {value} is finite")
    return established(found, "=", sp.S.Infinity, domain.conditions)


def nonnegative(expression: Any, what: str = "", *, when: Iterable[Condition] = ()) -> Fact:
    """Establish that an expression is at least 0 under the assumptions on its symbols.

    >>> x = sp.Symbol("x", positive=True)
    >>> print(nonnegative(x / (1 + x)))
    0 <= x/(x + 1)
    """
    return at_most(sp.S.Zero, expression, what, when=when)


def positive(expression: Any, what: str = "", *, when: Iterable[Condition] = ()) -> Fact:
    """Establish that an expression is larger than 0 under the assumptions on its symbols.

    >>> x = sp.Symbol("x", positive=True)
    >>> print(positive(x / (1 + x)))
    0 < x/(x + 1)
    """
    return less(sp.S.Zero, expression, what, when=when)


def at_most(left: Any, right: Any, what: str = "", *, when: Iterable[Condition] = ()) -> Fact:
    """Establish ``left <= right`` under the assumptions on the symbols of both."""
    left, right, domain = sp.sympify(left), sp.sympify(right), Domain(tuple(when))
    found = _evaluated(domain.opened(right)) - _evaluated(domain.opened(left))
    establish(is_nonnegative(found), f"{what or 'sign'}: {found} >= 0 is not evident")
    return established(left, "<=", right, domain.conditions)


def less(left: Any, right: Any, what: str = "", *, when: Iterable[Condition] = ()) -> Fact:
    """Establish ``left < right`` under the assumptions on the symbols of both."""
    left, right, domain = sp.sympify(left), sp.sympify(right), Domain(tuple(when))
    found = _evaluated(domain.opened(right)) - _evaluated(domain.opened(left))
    establish(is_positive(found), f"{what or 'sign'}: {found} > 0 is not evident")
    return established(left, "<", right, domain.conditions)


def below(left: arb | fmpq | int, right: arb | fmpq | int, what: str = "") -> None:
    """Establish that one enclosed (or exact) number is smaller than another: their balls are disjoint, in this order.

    >>> below(arb(2).sqrt(), fmpq(3, 2))
    """
    a, b = arb(left), arb(right)
    establish(bool(a < b), f"{what or 'comparison'}: {a.str(12)} < {b.str(12)} does not follow")


_FUNCTIONS = {sp.log: arb.log, sp.tanh: arb.tanh, sp.sinh: arb.sinh, sp.sin: arb.sin, sp.gamma: arb.gamma}


def enclosed(expression: Any, values: Mapping[Any, Any] | None = None) -> arb:
    """The number that an expression is, enclosed: `values` for its symbols, functions of numbers for its quantities.

    >>> m, tail = sp.Symbol("m"), sp.Function("tail")
    >>> enclosed(m * tail(m - 1) / sp.exp(0), {m: 3, tail: lambda k: arb(1) / k}).contains(fmpq(3, 2))
    True
    """
    return arb(_evaluator(sp.sympify(expression))(values or {}))


def exact_value(expression: Any, values: Mapping[Any, Any]) -> fmpq:
    """The rational number that an expression is at rational values.

    >>> m = sp.Symbol("m")
    >>> exact_value(m / (m + 1), {m: 2})
    2/3
    """
    found = _evaluator(sp.sympify(expression))(values)
    establish(isinstance(found, int | fmpq), f"{expression} is not rational")
    return fmpq(found)


@cache
def _evaluator(expression: Any) -> Callable[[Mapping[Any, Any]], Any]:
    """Rational numbers stay exact, all else is a ball."""
    if expression.is_Rational:
        number = fmpq(int(expression.p), int(expression.q))
        return lambda values: number
    if expression.is_Symbol:
        return lambda values: values[expression]
    if expression is sp.pi:
        return lambda values: arb.pi()
    if expression is sp.E or isinstance(expression, sp.exp):
        exponent = _evaluator(expression.args[0] if expression.args else sp.S.One)
        return lambda values: arb(exponent(values)).exp()
    if isinstance(expression, sp.Sum):
        index, low, high = expression.limits[0]
        term, first, last = (_evaluator(part) for part in (expression.function, low, high))

        def total(values: Mapping[Any, Any]) -> Any:
            span = range(int(first(values)), int(last(values)) + 1)
            return sum((term({**values, index: number}) for number in span), fmpq(0))

        return total
    parts = [_evaluator(part) for part in expression.args]
    if expression.is_Add:
        return lambda values: reduce(add, (part(values) for part in parts))
    if expression.is_Mul:
        return lambda values: reduce(mul, (part(values) for part in parts))
    if expression.is_Pow:
        return lambda values: _power(parts[0](values), parts[1](values))
    if expression.func in _FUNCTIONS:
        function = _FUNCTIONS[expression.func]
        return lambda values: function(arb(parts[0](values)))
    return lambda values: values[expression.func](*(int(fmpq(part(values)).p) for part in parts))


def _power(base: Any, exponent: Any) -> Any:
    base = fmpq(base) if isinstance(base, int) else base
    if isinstance(exponent, fmpq) and exponent.q == 1:
        return base ** int(exponent.p)
    return arb(base).sqrt() if exponent == fmpq(1, 2) else arb(base) ** arb(exponent)


def below_at(claim: Proposition, values: Mapping[Any, Any], what: str = "") -> Fact:
    """Establish left < right at one instance: both sides are evaluated there, from their expressions, in balls."""
    left, relation, right = claim.upwards
    establish(relation == "<", "" if relation == "<" else f"{what or 'comparison'}: {claim} is no strict inequality")
    below(enclosed(left, values), enclosed(right, values), what)
    return established(left, relation, right, claim.when, claim.given, claim.at_instances)


def exactly(left: Any, right: Any, what: str = "") -> None:
    """Establish that two exact objects (rationals, integers, matrices of them) are equal."""
    for value in (left, right):
        if isinstance(value, float | arb):
            establish(False, f"{what or 'equality'}: {value!r} is not exact")
    establish(bool(left == right), f"{what or 'equality'}: {left} is not {right}")


def positive_semidefinite(matrix: fmpq_mat, what: str = "") -> None:
    """Establish that a symmetric rational matrix is positive semidefinite, by elimination in exact arithmetic.

    >>> positive_semidefinite(fmpq_mat([[1, 1], [1, 1]]))
    >>> positive_semidefinite(fmpq_mat([[1, 2], [2, 1]]))
    Traceback (most recent call last):
    ...
    proofs.kernel.Gap: matrix: not positive semidefinite, pivot 2 is -3
    """
    label = what or "matrix"
    n = matrix.nrows()
    exactly(matrix, matrix.transpose(), f"{label}: symmetry")
    rows = [[matrix[i, j] for j in range(n)] for i in range(n)]
    for k in range(n):
        pivot = rows[k][k]
        establish(bool(pivot >= 0), f"{label}: not positive semidefinite, pivot {k + 1} is {pivot}")
        if pivot == 0:
            # A zero on the diagonal of a positive semidefinite matrix stands in a zero row.
            establish(all(rows[k][j] == 0 for j in range(k, n)), f"{label}: not positive semidefinite, pivot {k + 1} is 0")
            continue
        for i in range(k + 1, n):
            factor = rows[i][k] / pivot
            if factor != 0:
                for j in range(k, n):
                    rows[i][j] -= factor * rows[k][j]


def eigenvalues(matrix: fmpq_mat) -> list[arb]:
    """Enclose the eigenvalues of a symmetric rational matrix, in descending order.

    They are the isolated roots of its exact characteristic polynomial, established to be real and n with multiplicity.

    >>> [str(value.mid()) for value in eigenvalues(fmpq_mat([[2, 1], [1, 2]]))]
    ['3.00000000000000', '1.00000000000000']
    """
    n = matrix.nrows()
    exactly(matrix, matrix.transpose(), "symmetry")
    polynomial = matrix.charpoly()
    exactly(polynomial[n - 1], -sum((matrix[i, i] for i in range(n)), fmpq(0)), "trace in the characteristic polynomial")
    found: list[arb] = []
    roots: list[Any] = polynomial.numer().complex_roots()
    for root, multiplicity in roots:
        establish(root.imag == 0, f"eigenvalue {root} may not be real")
        found += [root.real] * multiplicity
    exactly(len(found), n, "number of eigenvalues")
    return sorted(found, key=lambda value: -float(value))


def at_most_at(claim: Proposition, values: Mapping[Any, Any], what: str = "") -> Fact:
    """Establish left <= right at one instance of rational numbers, exactly."""
    left, relation, right = claim.upwards
    numbers = {symbol: sp.Rational(int(fmpq(value).p), int(fmpq(value).q)) for symbol, value in values.items()}
    smaller, larger = left.subs(numbers), right.subs(numbers)
    exact = relation == "<=" and smaller.is_Rational and larger.is_Rational
    establish(exact and bool(smaller <= larger), f"{what or 'comparison'}: {smaller} <= {larger} does not hold")
    return established(left, relation, right, claim.when, claim.given, claim.at_instances)
