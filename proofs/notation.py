"""How expressions are written: every number, index and constant of a statement is printed from what was checked.

>>> m, k = sp.symbols("m k")
>>> written((1 + k / (m - k - 1)) * tail(k)), written(sp.exp(-2 * k) * sp.sqrt(m))
('(1 + k/(m - k - 1)) tail(k)', 'sqrt(m) e^{-2 k}')
>>> written(E(m)), written(E(m - 1)), written(complex_E(m)), written(sp.Sum(l(i), (i, m + 1, k)))
('E_m', 'E_{m - 1}', 'E_m(complex)', 'sum_{i=m + 1..k} l_i')
>>> z, M = sp.MatrixSymbol("z", 2, 1), sp.MatrixSymbol("M", 2, 2)
>>> written(Mean(3 * sp.Trace(M * z * z.T * M.T) + m, z))
'm + 3 E_{z}[|M z|^2]'
"""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.precedence import precedence
from sympy.printing.str import StrPrinter

from .algebra import Named
from .kernel import current


def family(name: str, size: int, **kinds: bool) -> list[Any]:
    """The symbols name_1, ..., name_size: an explicit size, which is noted.

    >>> family("x", 3)
    [x1, x2, x3]
    """
    current().sizes.add(size)
    return [sp.Symbol(f"{name}{number}", **kinds) for number in range(1, size + 1)]


def explicit(name: str, rows: int, columns: int, **kinds: bool) -> Any:
    """A matrix of symbols of an explicit size, which is noted.

    >>> explicit("a", 2, 2)
    Matrix([
    [a11, a12],
    [a21, a22]])
    """
    current().sizes.add(max(rows, columns))
    return sp.Matrix(rows, columns, lambda p, q: sp.Symbol(f"{name}{p + 1}{q + 1}", **kinds))


#: The index of sums over a spectrum.
i = sp.Symbol("i", integer=True, positive=True)


class Quantity(Named):
    """A named quantity, written by its template; `varies` if it depends on A, `whole` if on all of the spectrum.

    What is said of a quantity with `every` is said of every functional of its kind.
    """

    is_positive = True
    is_commutative = True
    template = "{}"
    varies = False
    whole = False
    every = False

    @property
    def shown(self) -> str:
        """Its template, filled with its arguments."""
        return self.template.format(
            *(text if argument.is_Atom else self._bracketed(text) for argument, text in self._texts())
        )

    def _texts(self) -> list[tuple[Any, str]]:
        return [(argument, written(argument)) for argument in self.args]

    def _bracketed(self, text: str) -> str:
        """An index of more than one sign."""
        return f"{{{text}}}" if "_{}" in self.template else text


def quantity(
    name: str, template: str, *, random: bool = False, positive: bool = True, whole: bool = False, every: bool = False
) -> type[Quantity]:
    """A quantity: a function of the symbols on which it depends; ``{}`` stands for the first of them.

    >>> written(quantity("risk", "risk({}, {})")(2, 3))
    'risk(2, 3)'
    """
    assumed = {"is_positive": True} if positive else {"is_positive": None}
    return type(name, (Quantity,), {"template": template, "varies": random, "whole": whole, "every": every, **assumed})


#: The error of the most likely signal for one A, and its mean over real, over complex Gaussian A, for m measurements.
X = quantity("X", "X_A", random=True, whole=True)
E = quantity("E", "E_{}", whole=True)
complex_E = quantity("complex_E", "E_{}(complex)", whole=True)  # noqa: N816
#: The error of the truncated prior of rank k for one A.
Y = quantity("Y", "Y_{}(A)", random=True, whole=True)
#: The eigenvalues l_1 >= ... >= l_n > 0 of the covariance of the signal, and tail(k) = sum_{i>k} l_i.
l = quantity("l", "l_{}")
tail = quantity("tail", "tail({})", whole=True)


class Mean(sp.Function):  # type: ignore[misc]
    """The mean of the first argument, over all that is random in it, or over the letters that follow; it is linear."""

    is_real = True
    is_commutative = True

    @classmethod
    def eval(cls, *arguments: Any) -> Any:
        """Constants come out, sums are taken apart, and the mean of a mean over some letters is the mean over all."""
        argument, letters = arguments[0], arguments[1:]
        if not _random(argument, letters):
            return argument
        if isinstance(argument, Mean):
            return None if letters else cls(argument.args[0])
        traces = {trace: sp.Dummy() for trace in argument.atoms(sp.Trace)}
        flat = sp.expand(argument.xreplace(traces)).xreplace({dummy: trace for trace, dummy in traces.items()})
        if flat.is_Add:
            return sp.Add(*(cls(term, *letters) for term in flat.args))
        constant, rest = flat.as_independent(*_atoms(flat, letters), as_Add=False)
        return constant * cls(rest, *letters) if constant != 1 else (None if rest == argument else cls(rest, *letters))


def _atoms(argument: Any, letters: Any) -> list[Any]:
    if letters:
        return list(letters)
    named = [found for found in argument.atoms(Quantity) if found.varies]
    return [*argument.atoms(sp.MatrixSymbol), *named, *argument.atoms(Mean)]


def _random(argument: Any, letters: Any) -> bool:
    return any(argument.has(atom) for atom in _atoms(argument, letters))


#: Products with a name of their own, as tuples of factors.
_names: dict[tuple[Any, ...], str] = {}


def abbreviated(product: Any, name: str) -> None:
    """Write a product of matrices by its name, wherever it occurs.

    >>> U, W = sp.MatrixSymbol("U", 2, 2), sp.MatrixSymbol("W", 2, 2)
    >>> abbreviated(U.T * W, "U^+")
    >>> written(W * U.T * W * U), written(sp.Identity(2) - U.T * W * U)
    ('W U^+ U', 'I - U^+ U')
    """
    _names[product.args] = name


class Printer(StrPrinter):  # type: ignore[misc]
    """Plain text in the notation of papers: ``^`` for powers, a space for products, |X|^2 for tr X X^T."""

    def _print_Add(self, expr: Any, order: Any = None) -> str:
        terms = sorted(expr.args, key=_place(expr))
        text = ""
        for number, term in enumerate(terms):
            scalar = term.as_coeff_matrices()[0] if isinstance(term, sp.MatMul) else term
            negative = scalar.could_extract_minus_sign()
            shown = str(self.parenthesize(-term if negative else term, precedence(expr)))
            text += (f" {'-' if negative else '+'} " if number else "-" * negative) + shown
        return text

    def _print_Mul(self, expr: Any) -> str:
        if expr.could_extract_minus_sign():
            return "-" + str(self.parenthesize(-expr, precedence(sp.Mul(2, sp.Symbol("x"), evaluate=False)) - 1))
        above, below = [], []
        for factor in sp.Mul.make_args(expr):
            if factor.is_Rational and not factor.is_Integer:
                above += [sp.Integer(factor.p)] if factor.p != 1 else []
                below.append(sp.Integer(factor.q))
            elif isinstance(factor, sp.Pow) and factor.exp.could_extract_minus_sign() and factor.base != sp.E:
                below.append(factor.base**-factor.exp)
            else:
                above.append(factor)
        level = precedence(expr)
        top = " ".join(self.parenthesize(factor, level) for factor in above) or "1"
        if not below:
            return top
        bottom = " ".join(self.parenthesize(factor, level) for factor in below)
        single = len(below) == 1 and (below[0].is_Atom or isinstance(below[0], sp.Pow | sp.Function))
        return f"{top}/{bottom}" if single or (len(below) == 1 and bottom.startswith("(")) else f"{top}/({bottom})"

    def _print_Pow(self, expr: Any, rational: bool = False) -> str:
        if expr.exp == sp.Rational(1, 2):
            return f"sqrt({self._print(expr.base)})"
        if expr.exp.could_extract_minus_sign() and expr.base != sp.E:
            return self._print_Mul(expr)
        base, exponent = self.parenthesize(expr.base, precedence(expr) + 1), self._print(expr.exp)
        return f"{base}^{exponent}" if expr.exp.is_Integer or expr.exp.is_Symbol else f"{base}^{{{exponent}}}"

    def _print_MatPow(self, expr: Any) -> str:
        return self._print_Pow(expr)

    def _print_ExpBase(self, expr: Any) -> str:
        return f"e^{{{self._print(expr.exp)}}}"

    _print_exp = _print_ExpBase

    def _print_Min(self, expr: Any) -> str:
        return f"min({', '.join(map(self._print, sorted(expr.args, key=sp.default_sort_key)))})"

    def _print_Determinant(self, expr: Any) -> str:
        return f"det({self._print(expr.arg)})"

    def _print_Derivative(self, expr: Any) -> str:
        return f"d/d{self._print(expr.variables[0])} ({self._print(expr.expr)})"

    def _print_Exp1(self, expr: Any) -> str:
        return "e"

    def _print_Infinity(self, expr: Any) -> str:
        return "inf"

    def _print_Function(self, expr: Any) -> str:
        if isinstance(expr, Quantity):
            return expr.shown
        return str(super()._print_Function(expr))

    def _print_Mean(self, expr: Any) -> str:
        over = f"_{{{', '.join(map(self._print, expr.args[1:]))}}}" if len(expr.args) > 1 else ""
        return f"E{over}[{self._print(expr.args[0])}]"

    def _print_Indexed(self, expr: Any) -> str:
        return f"{expr.base}_{', '.join(self._print(index) for index in expr.indices)}"

    def _print_Limit(self, expr: Any) -> str:
        what, variable, point, _ = expr.args
        return f"lim_{{{self._print(variable)} -> {self._print(point)}}} {self.parenthesize(what, 35)}"

    def _print_Sum(self, expr: Any) -> str:
        return self._over("sum", expr)

    def _print_Product(self, expr: Any) -> str:
        return self._over("prod", expr)

    def _over(self, name: str, expr: Any) -> str:
        index, low, high = expr.limits[0]
        ends = f"{self._print(index)}={self._print(low)}..{self._print(high)}"
        body = self._print(expr.function)
        bare = not expr.function.is_Add and not body.startswith("-")
        return f"{name}_{{{ends}}} {body if bare else f'({body})'}"

    def _print_Integral(self, expr: Any) -> str:
        text = str(self.parenthesize(expr.function, 45))
        for limits in expr.limits:  # the innermost first
            ends = f"_{{{self._print(limits[1])}..{self._print(limits[2])}}}" if len(limits) == 3 else ""
            text = f"int{ends} {text} d{self._print(limits[0])}"
        return text

    def _print_Trace(self, expr: Any) -> str:
        factors = list(expr.arg.args) if isinstance(expr.arg, sp.MatMul) else [expr.arg]
        half = len(factors) // 2
        mirrored = [sp.Transpose(factor).doit() for factor in reversed(factors[half:])]
        if half and len(factors) == 2 * half and mirrored == factors[:half]:
            inside = self._print(sp.MatMul(*factors[:half]) if half > 1 else factors[0])
            return f"|{inside}|^2"
        return f"tr {self.parenthesize(expr.arg, precedence(sp.Mul(2, sp.Symbol('x'))))}"

    def _print_MatAdd(self, expr: Any) -> str:
        return self._print_Add(expr)

    def _print_MatMul(self, expr: Any) -> str:
        scalar, factors = expr.as_coeff_matrices()
        for product, name in _names.items():
            for at in range(len(factors) - len(product) + 1):
                if tuple(factors[at : at + len(product)]) == product:
                    named = sp.MatrixSymbol(name, product[0].rows, product[-1].cols)
                    factors = [*factors[:at], named, *factors[at + len(product) :]]
        shown = [self.parenthesize(factor, precedence(sp.Mul(2, sp.Symbol("x")))) for factor in factors]
        sign = ""
        if scalar.could_extract_minus_sign():
            sign, scalar = "-", -scalar
        return sign + " ".join(([] if scalar == 1 else [self.parenthesize(scalar, 50)]) + shown)

    def _print_Transpose(self, expr: Any) -> str:
        return f"{self.parenthesize(expr.arg, 100)}^T"

    def _print_Identity(self, expr: Any) -> str:
        return "I"

    def _print_ZeroMatrix(self, expr: Any) -> str:
        return "0"


def _place(expr: Any) -> Any:
    """Positive terms first; a number behind polynomials, before anything else."""
    polynomial = all(term.is_number or (term.is_commutative and term.is_polynomial()) for term in expr.args)

    def key(term: Any) -> tuple[bool, bool, Any]:
        number = term.is_number
        return (term.could_extract_minus_sign(), number if polynomial else not number, sp.default_sort_key(term))

    return key


def written(expression: Any) -> str:
    """The expression in plain text."""
    return str(Printer({"order": None}).doprint(sp.sympify(expression)))
