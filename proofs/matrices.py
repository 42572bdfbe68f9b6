r"""Identities between matrices of every size, decided by algebra modulo relations that are written out.

A polynomial in matrices of symbolic sizes (sympy's `MatrixSymbol`) is multiplied out into words: products of letters and
transposed letters with scalar coefficients. Every product and every sum is checked for matching sizes. A relation
``(word, polynomial)``, such as ``(B * B.T * V, I)`` for V = (B B^T)^{-1}, says that both sides are equal; it is applied,
also in its transposed form, wherever the word occurs. If the difference of two sides comes to nothing, they are equal:
each replacement is of equals by equals. (The converse is not claimed: a true identity may need a relation that was not
given.)

Under a trace, words are in addition equal up to rotation and transposition: tr XY = tr YX, tr X = tr X^T.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import sympy as sp

from .algebra import is_zero
from .checks import same
from .kernel import Gap, establish
from .notation import Mean
from .propositions import Fact, established

Word = tuple[Any, ...]
Relation = tuple[Any, Any]

#: More replacements than any proof here needs: beyond, the relations go round in circles.
_LIMIT = 20_000


def square(matrix: Any) -> Any:
    """The squared Frobenius norm tr X X^T; for a column, its squared length.

    >>> square(sp.MatrixSymbol("X", 2, 3))
    Trace(X*X.T)
    """
    return sp.Trace(matrix * matrix.T)


def same_matrices(left: Any, right: Any, given: Sequence[Relation] = (), what: str = "") -> Fact:
    """Establish that two polynomials in matrices are equal, by the relations `given`.

    >>> n = sp.Symbol("n")
    >>> P, I = sp.MatrixSymbol("P", n, n), sp.Identity(n)
    >>> print(same_matrices((I - P) * (I - P), I - P, given=[(P * P, P)]))
    (I - P)^2 = I - P if P^2 = P
    """
    label = what or "matrices"
    fits = _same_shape(left, right)
    establish(fits, "" if fits else f"{label}: {left} and {right} differ in size")
    rest = _reduced(_sum((1, _words(left)), (-1, _words(right))), _rules(given))
    establish(not rest, "" if not rest else f"{label}: {left} is not {right}, by {_show(rest)}")
    return established(left, "=", sp.ZeroMatrix(*left.shape) if right == 0 else right, given=given)


def same_traces(left: Any, right: Any, given: Sequence[Relation] = (), what: str = "") -> Fact:
    """Establish that two expressions, linear in traces, are equal; a relation may also give the trace of a word.

    >>> m, n = sp.symbols("m n")
    >>> A, B = sp.MatrixSymbol("A", m, n), sp.MatrixSymbol("B", n, m)
    >>> print(same_traces(sp.Trace(A * B), sp.Trace(B * A)))
    tr (A B) = tr (B A)
    """
    _decide_traces(left, right, given, what)
    return established(sp.sympify(left), "=", sp.sympify(right), given=given)


def _decide_traces(left: Any, right: Any, given: Sequence[Relation], what: str) -> None:
    traces = [relation for relation in given if isinstance(relation[0], sp.Trace)]
    rules = _rules([relation for relation in given if not isinstance(relation[0], sp.Trace)])
    known = {_round(_single(trace.arg)): meaning for trace, meaning in traces}
    scalar, words = _traces(sp.sympify(left) - sp.sympify(right), rules)
    for word in list(words):
        if word in known:
            scalar += words.pop(word) * known[word]
    words = {word: coefficient for word, coefficient in words.items() if not _vanishes(coefficient)}
    holds = not words and _vanishes(sp.sympify(scalar))
    rest = "" if holds else f"tr {_show(words)} + {scalar}"
    establish(holds, "" if holds else f"{what or 'traces'}: {left} is not {right}, by {rest}")


def same_means(left: Any, right: Any, means: Sequence[Relation], given: Sequence[Relation] = (), what: str = "") -> Fact:
    """Establish E[left] = right: `means` gives the mean of each product of random letters, and the mean is linear.

    >>> n = sp.Symbol("n", integer=True, positive=True)
    >>> z, M = sp.MatrixSymbol("z", n, 1), sp.MatrixSymbol("M", n, n)
    >>> print(same_means(square(M * z), square(M), [(z * z.T, sp.Identity(n))]))
    E_{z}[|M z|^2] = |M|^2
    """
    _decide_traces(left, right, [*means, *given], what)
    random = {letter for word, _ in means for letter in sp.sympify(word).atoms(sp.MatrixSymbol)} - _fixed(means)
    rest = random & sp.sympify(right).atoms(sp.MatrixSymbol)
    establish(not rest, f"{what or 'mean'}: {right} still depends on {rest}")
    over = sorted(random, key=str)
    return established(Mean(sp.sympify(left), *over), "=", sp.sympify(right), given=given)


def independent(covariances: Mapping[Any, Any]) -> list[Relation]:
    """The means of products of independent centred columns: x x^T is its covariance, x y^T is 0.

    >>> x, y = sp.MatrixSymbol("x", 2, 1), sp.MatrixSymbol("y", 3, 1)
    >>> independent({x: sp.Identity(2), y: sp.Identity(3)})
    [(x*x.T, I), (x*y.T, 0), (y*y.T, I)]
    """
    letters = list(covariances)
    means: list[Relation] = []
    for number, letter in enumerate(letters):
        means.append((letter * letter.T, covariances[letter]))
        means += [(letter * other.T, sp.ZeroMatrix(letter.rows, other.rows)) for other in letters[number + 1 :]]
    return means


def second_moment(A: Any, L: Any, total: Any) -> Relation:
    """E A L A^T = (tr L) I for independent standard entries, tr L = `total`; for complex ones with A^* for A^T.

    The entry (p, q) is sum_jk L_jk E[a_pj a_qk], and E[a_pj a_qk] = [p = q] [j = k].

    >>> A, L = sp.MatrixSymbol("A", 2, 3), sp.MatrixSymbol("L", 3, 3)
    >>> second_moment(A, L, sp.Symbol("t"))
    (A*L*A.T, t*I)
    """
    p, q, j, k, n = sp.symbols("p q j k n", integer=True, positive=True)
    entry = sp.IndexedBase("L")
    inner = sp.summation(entry[j, k] * sp.KroneckerDelta(j, k), (k, 1, n)).args[0][0]  # 1 <= j <= n
    found = sp.KroneckerDelta(p, q) * sp.Sum(inner, (j, 1, n))
    same(found.subs(p, q), sp.Sum(entry[j, j], (j, 1, n)), "diagonal entry: the trace")
    same(found.subs(p, q + k), 0, "another entry")
    return A * L * A.T, total * sp.Identity(A.rows)


def _fixed(means: Sequence[Relation]) -> set[Any]:
    """Letters of a mean that occur in its value: a matrix between two random ones."""
    return {letter for _, meaning in means for letter in sp.sympify(meaning).atoms(sp.MatrixSymbol)}


def at_most_by_squares(
    left: Any, right: Any, squares: Sequence[Any], given: Sequence[Relation] = (), what: str = ""
) -> Fact:
    """Establish left <= right: what is missing is a sum of |Y|^2 = tr Y Y^T.

    >>> n = sp.Symbol("n", integer=True, positive=True)
    >>> P, X = sp.MatrixSymbol("P", n, n), sp.MatrixSymbol("X", n, n)
    >>> print(at_most_by_squares(square(X * P), square(X), [X - X * P], [(P.T, P), (P * P, P)]))
    |X P|^2 <= |X|^2 if P^T = P, P^2 = P
    """
    missing = sum((square(factor) for factor in squares), sp.S.Zero)
    _decide_traces(left, sp.sympify(right) - missing, given, what)
    return established(sp.sympify(left), "<=", sp.sympify(right), given=given)


def value(expression: Any, letters: Mapping[Any, Any]) -> Any:
    """The expression (a matrix, or a scalar with traces) at explicit matrices.

    >>> n = sp.Symbol("n")
    >>> P = sp.MatrixSymbol("P", n, n)
    >>> value(sp.Trace(sp.Identity(n) - P) + 1, {P: sp.diag(1, 5, 0)})
    -2
    """
    sizes = {
        size: explicit.shape[axis]
        for letter, explicit in letters.items()
        for axis, size in enumerate(letter.shape)
        if isinstance(size, sp.Symbol)
    }
    if isinstance(expression, sp.MatrixExpr):
        rows, columns = (int(sp.sympify(size).subs(sizes)) for size in expression.shape)
        total = sp.zeros(rows, columns)
        for word, coefficient in _words(expression).items():
            product = sp.eye(rows)
            for letter in word:
                product *= letters[letter.arg].T if isinstance(letter, sp.Transpose) else letters[letter]
            total += coefficient * product
        return total
    expression = sp.sympify(expression)
    return expression.xreplace({t: value(t.arg, letters).trace() for t in expression.atoms(sp.Trace)}).subs(sizes)


def holds_at(given: Sequence[Relation], letters: Mapping[Any, Any]) -> None:
    """Establish that relations hold at explicit matrices: they say what the letters are meant to be.

    >>> P = sp.MatrixSymbol("P", 2, 2)
    >>> holds_at([(P * P, P)], {P: sp.diag(1, 0)})
    """
    for word, meaning in given:
        same(value(word, letters), value(meaning, letters), f"relation {word} = {meaning}")


# --------------------------------------------------------------------------------------------------------- words


def _words(expression: Any) -> dict[Word, Any]:
    """The polynomial as {word: coefficient}; the empty word is the identity."""
    if isinstance(expression, sp.Identity):
        return {(): sp.S.One}
    if isinstance(expression, sp.ZeroMatrix) or expression == 0:
        return {}
    if isinstance(expression, sp.MatrixSymbol):
        return {(expression,): sp.S.One}
    if isinstance(expression, sp.Transpose):
        turned = _words(expression.arg).items()
        return {_transposed(word): coefficient for word, coefficient in turned}
    if isinstance(expression, sp.MatAdd):
        for term in expression.args:
            if not _same_shape(term, expression.args[0]):
                raise Gap(f"{term} and {expression.args[0]} differ in size and cannot be added")
        return _sum(*((1, _words(term)) for term in expression.args))
    if isinstance(expression, sp.MatMul):
        scalar, factors = expression.as_coeff_matrices()
        return _product(scalar, factors)
    if isinstance(expression, sp.MatPow) and expression.exp.is_Integer and expression.exp > 0:
        return _product(sp.S.One, [expression.base] * int(expression.exp))
    raise Gap(f"{expression} is not a polynomial in letters and their transposes")


def _product(scalar: Any, factors: Sequence[Any]) -> dict[Word, Any]:
    product: dict[Word, Any] = {(): scalar}
    for factor, following in pairwise(factors):
        if sp.expand(factor.cols - following.rows) != 0:
            raise Gap(f"{factor} has {factor.cols} columns and {following} has {following.rows} rows: no product")
    for factor in factors:
        right = _words(factor)
        product = _sum(*((a * b, {u + v: sp.S.One}) for u, a in product.items() for v, b in right.items()))
    return product


def _sum(*terms: tuple[Any, dict[Word, Any]]) -> dict[Word, Any]:
    total: dict[Word, Any] = {}
    for factor, words in terms:
        for word, coefficient in words.items():
            total[word] = total.get(word, 0) + factor * coefficient
    return total


def _transposed(word: Word) -> Word:
    return tuple(letter.arg if isinstance(letter, sp.Transpose) else sp.Transpose(letter) for letter in reversed(word))


def _same_shape(left: Any, right: Any) -> bool:
    """Zero has every size."""
    shapes = [getattr(side, "shape", None) for side in (left, right)]
    if None in shapes:
        return bool(left == 0 or right == 0)
    return all(sp.expand(one - other) == 0 for one, other in zip(*shapes, strict=True))


def _rules(given: Sequence[Relation]) -> list[tuple[Word, dict[Word, Any], Any]]:
    """Each relation and its transpose as (word, polynomial, number of rows)."""
    rules = []
    # A relation between two letters (V^T = V) also goes into the other relations, so that they meet the words.
    synonyms = {left: right for left, right in given if _is_letter(left) and _is_letter(right)}
    for left, right in given:
        if not _same_shape(left, right):
            raise Gap(f"the two sides of the relation {left} = {right} differ in size")
        word, meaning = _single(left), _words(right)
        rules.append((word, meaning, left.rows))
        turned = tuple(synonyms.get(letter, letter) for letter in _transposed(word))
        # A relation that its transpose undoes (two matrices commute) goes one way only.
        if left not in synonyms and list(meaning) != [turned]:
            rules.append((turned, {_transposed(w): c for w, c in meaning.items()}, left.cols))
    return rules


def _single(expression: Any) -> Word:
    """The word that a relation is about."""
    words = list(_words(expression).items())
    if len(words) != 1 or words[0][1] != 1 or not words[0][0]:
        raise Gap(f"a relation is about one word, and {expression} is none")
    return words[0][0]


def _vanishes(coefficient: Any) -> bool:
    # Normal forms decide for rational functions; the longer roads of is_zero would only take their time to fail.
    coefficient = sp.sympify(coefficient)
    return sp.cancel(sp.together(coefficient)) == 0 if coefficient.is_rational_function() else is_zero(coefficient)


def _is_letter(expression: Any) -> bool:
    return isinstance(expression.arg if isinstance(expression, sp.Transpose) else expression, sp.MatrixSymbol)


def _reduced(polynomial: dict[Word, Any], rules: Sequence[tuple[Word, dict[Word, Any], Any]]) -> dict[Word, Any]:
    """What is left when no relation applies any more, without the words whose coefficient vanishes."""
    left: dict[Word, Any] = {}
    pending = list(polynomial.items())
    for _ in range(_LIMIT):
        if not pending:
            return {word: coefficient for word, coefficient in left.items() if not _vanishes(coefficient)}
        word, coefficient = pending.pop()
        for (pattern, meaning, _), at in _places(word, rules):
            head, tail = word[:at], word[at + len(pattern) :]
            pending += [(head + inner + tail, coefficient * factor) for inner, factor in meaning.items()]
            break
        else:
            left[word] = left.get(word, 0) + coefficient
    raise Gap("the relations go round in circles")


def _places(word: Word, rules: Sequence[tuple[Word, dict[Word, Any], Any]]) -> Iterator[tuple[Any, int]]:
    for rule in rules:
        length = len(rule[0])
        for at in range(len(word) - length + 1):
            if word[at : at + length] == rule[0]:
                yield rule, at


# -------------------------------------------------------------------------------------------------------- traces


def _traces(expression: Any, rules: Sequence[tuple[Word, dict[Word, Any], Any]]) -> tuple[Any, dict[Word, Any]]:
    """A scalar, and the coefficient of the trace of each word."""
    atoms = {trace: sp.Dummy() for trace in expression.atoms(sp.Trace)}
    flat = sp.expand(expression.xreplace(atoms))
    scalar = flat.xreplace(dict.fromkeys(atoms.values(), sp.S.Zero))
    pending: list[tuple[Word, Any]] = []
    for trace, dummy in atoms.items():
        factor = sp.diff(flat, dummy)
        if factor.free_symbols & set(atoms.values()):
            raise Gap(f"{expression} is not linear in its traces")
        for word, coefficient in _words(trace.arg).items():
            if word:
                pending.append((word, factor * coefficient))
            else:
                scalar += factor * coefficient * trace.arg.rows
    words: dict[Word, Any] = {}
    for _ in range(_LIMIT):
        if not pending:
            return scalar, words
        word, coefficient = pending.pop()
        found = next(((rotation, place) for rotation in _rotations(word) for place in _places(rotation, rules)), None)
        if found is None:
            key = _round(word)
            words[key] = words.get(key, 0) + coefficient
            continue
        rotation, ((pattern, meaning, size), at) = found
        for inner, factor in meaning.items():
            after = rotation[:at] + inner + rotation[at + len(pattern) :]
            if after:
                pending.append((after, coefficient * factor))
            else:
                scalar += coefficient * factor * size  # the trace of the identity
    raise Gap("the relations go round in circles")


def _rotations(word: Word) -> Iterator[Word]:
    return (word[i:] + word[:i] for i in range(len(word)))


def _round(word: Word) -> Word:
    """One representative of the words with the same trace."""
    return min((*_rotations(word), *_rotations(_transposed(word))), key=lambda w: [_name(letter) for letter in w])


def _name(letter: Any) -> tuple[str, bool]:
    return (letter.arg.name, True) if isinstance(letter, sp.Transpose) else (letter.name, False)


def _show(words: Mapping[Word, Any]) -> str:
    if not words:
        return "0"
    return " + ".join(f"({c}) {' '.join(map(str, word)) or 'I'}" for word, c in list(words.items())[:4])
