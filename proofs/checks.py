"""Checkers: what a step may call to establish something. Each decides, or raises :class:`~.ledger.Gap`; none samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp
from flint import arb, fmpq, fmpq_mat

from .ledger import establish

_ROADS: tuple[Callable[[Any], Any], ...] = (
    sp.expand,
    lambda e: sp.cancel(sp.together(e)),
    lambda e: sp.expand(sp.powsimp(sp.expand_power_base(sp.expand(e), force=False))),
    sp.simplify,
    lambda e: sp.simplify(sp.expand_func(sp.gammasimp(e))),
)

#: Forms of an expression in which its sign may be evident, quick ones first.
_FORMS: tuple[Callable[[Any], Any], ...] = (lambda e: e, sp.factor, sp.expand, sp.simplify)


def is_zero(expression: Any) -> bool:
    """Whether algebra reduces the expression to exactly 0 (never by numerical evaluation).

    >>> x = sp.Symbol("x")
    >>> is_zero((x + 1) ** 2 - x**2 - 2 * x - 1), is_zero(x)
    (True, False)
    """
    expression = sp.sympify(expression)
    # For a rational function the normal form decides; the longer roads would only take their time to fail.
    roads = _ROADS[:2] if _is_plain(expression) else _ROADS
    return any(road(expression) == 0 for road in roads)


def _is_plain(expression: Any) -> bool:
    """Whether an expression is a rational function of commuting symbols with rational coefficients."""
    if not expression.is_commutative or expression.has(sp.I) or expression.atoms(sp.Function, sp.NumberSymbol, sp.Float):
        return False
    powers = expression.atoms(sp.Pow)
    return expression.is_rational_function() is True and all(power.exp.is_Integer for power in powers)


def same(left: Any, right: Any, what: str = "") -> None:
    """Establish that two expressions, or two matrices entry by entry, are equal.

    >>> x = sp.Symbol("x")
    >>> same((x - 1) * (x + 1), x**2 - 1)
    """
    left, right = sp.sympify(left), sp.sympify(right)
    if isinstance(left, sp.MatrixBase) or isinstance(right, sp.MatrixBase):
        establish(getattr(left, "shape", None) == getattr(right, "shape", None), f"{what or 'matrices'}: shapes differ")
        pairs = list(zip(left, right, strict=True))
    else:
        pairs = [(left, right)]
    for one, other in pairs:
        establish(is_zero(one - other), f"{what or 'equality'}: {one} is not {other}")


def differs(left: Any, right: Any, what: str = "") -> None:
    """Establish that two expressions without symbols are different numbers."""
    establish((sp.sympify(left) - sp.sympify(right)).is_zero is False, f"{what or 'difference'}: {left} may equal {right}")


def infinite(value: Any, what: str = "") -> None:
    """Establish that an integral, a sum or a limit is +infinity."""
    establish(sp.sympify(value) is sp.S.Infinity, f"{what or 'divergence'}: {value} is finite")


def nonnegative(expression: Any, what: str = "") -> None:
    """Establish that an expression is at least 0 under the assumptions on its symbols.

    >>> x = sp.Symbol("x", positive=True)
    >>> nonnegative(x / (1 + x))
    """
    found = sp.sympify(expression)
    forms = (form(found) for form in _FORMS)
    establish(any(form.is_nonnegative is True for form in forms), f"{what or 'sign'}: {found} >= 0 is not evident")


def positive(expression: Any, what: str = "") -> None:
    """Establish that an expression is larger than 0 under the assumptions on its symbols.

    >>> x = sp.Symbol("x", positive=True)
    >>> positive(x / (1 + x))
    """
    found = sp.sympify(expression)
    forms = (form(found) for form in _FORMS)
    establish(any(form.is_positive is True for form in forms), f"{what or 'sign'}: {found} > 0 is not evident")


def at_most(left: Any, right: Any, what: str = "") -> None:
    """Establish ``left <= right`` under the assumptions on the symbols of both."""
    nonnegative(sp.sympify(right) - sp.sympify(left), what)


def below(left: arb | fmpq | int, right: arb | fmpq | int, what: str = "") -> None:
    """Establish that one enclosed (or exact) number is smaller than another: their balls are disjoint, in this order.

    >>> below(arb(2).sqrt(), fmpq(3, 2))
    """
    a, b = arb(left), arb(right)
    establish(bool(a < b), f"{what or 'comparison'}: {a.str(12)} < {b.str(12)} does not follow")


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
    proofs.ledger.Gap: matrix: not positive semidefinite, pivot 2 is -3
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
