r"""The error of every draw lies between the n - m smallest and the n - m largest l_i.

Setting.  As in "error": A (m x n) of full row rank, X_A = tr M (I - P) with M = Sigma^2 = diag(l_1, ..., l_n),
l_1 >= ... >= l_n > 0, and P the orthogonal projector onto the row space of A Sigma, of rank m. (For G = U Sigma V^T, X_A
is the error for Sigma and A U, which has full row rank as well.) Let 1 <= m <= n - 1.

Statement ("T1-lower").  X_A >= sum_{i>m} l_i for every A, hence E_m >= sum_{i>m} l_i.
Statement ("T8").        X_A <= sum_{i<=n-m} l_i for every A.
Both bounds are attained, so neither can be improved.

Proof.  Both follow from one fact about a projector Q of rank p, namely

    tr M Q <= l_1 + ... + l_p,                                                                                         (*)

with Q = P, p = m, as X_A = tr M - tr M P, for the first; with Q = I - P, p = n - m for the second. Q is a feasible point of
the semidefinite program  max { tr M Q : 0 <= Q <= I, tr Q = p },  and (*) is the value of a feasible point of its dual,
min { p lambda + tr S : S >= 0, S + lambda I - M >= 0 }.

1. Weak duality.  For every symmetric S, every lambda, and every Q with tr Q = p,

       tr M Q = p lambda + tr S - tr S (I - Q) - tr (S + lambda I - M) Q.

2. If S = R R^T is positive semidefinite and Q a projector, then tr S Q = |Q R|_F^2 >= 0; the same for I - Q, which is a
   projector too. So tr M Q <= p lambda + tr S if S >= 0 and S + lambda I - M >= 0.
3. The dual point  lambda = l_p, S = diag(max(l_i - l_p, 0))  is feasible, as S + lambda I - M = diag(max(l_p - l_i, 0)).
   Its value is

       p l_p + sum_{i<=p} (l_i - l_p) = l_1 + ... + l_p,

   because l_i - l_p is >= 0 for i <= p and <= 0 for i > p. This is (*).
4. Attained.  If A consists of the first m rows of I, then P = diag(1, ..., 1, 0, ..., 0) and X_A = sum_{i>m} l_i. If A
   consists of the last m rows of I, then X_A = sum_{i<=n-m} l_i. (X_A is continuous in A, so a Gaussian A comes as near
   as one likes to both with positive probability.)                                                                    []

The l_i may have ties: what is used of their order is l_i = l_p + d with d >= 0 for i <= p, and l_i = l_p - d for i > p.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from .checks import nonnegative, same
from .error import ERROR, definition, error, expected
from .ledger import Statement
from .matrices import at_most_by_squares, same_matrices, same_traces, square
from .mle import GRAM, B, G, V, projector
from .notation import E, X, i, l
from .propositions import Fact, Proposition, argued, at_least, chain, mean, through

n, m, p = sp.symbols("n m p", integer=True, positive=True)
multiplier = sp.Symbol("lambda", real=True)
I = sp.Identity(n)
M, Q, R, S, T = (sp.MatrixSymbol(name, n, n) for name in "MQRST")

PROJECTOR = [(Q.T, Q), (Q * Q, Q)]
RANK = (sp.Trace(Q), p)
#: S >= 0 and S + lambda I - M >= 0, as squares.
FEASIBLE = [(S, R * R.T), (M, multiplier * I + R * R.T - T * T.T)]

#: M = G^T G, and P in the place of Q.
CAPTURED = [(G.T * G, M), (projector(), Q), (sp.Trace(Q), m)]

UNSEEN = [(G.T * G, M), (projector(), I - Q)]

# A measures some coordinates: the columns of U are the unit vectors of these, those of W the others.
U, W = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n - m)
seen, unseen = sp.MatrixSymbol("Sigma_U", m, m), sp.MatrixSymbol("Sigma_W", n - m, n - m)
inverse = sp.MatrixSymbol("Sigma_U^{-1}", m, m)
COORDINATES = [
    (U.T * U, sp.Identity(m)),
    (W.T * W, sp.Identity(n - m)),
    (U.T * W, sp.ZeroMatrix(m, n - m)),
    (seen.T, seen),
    (inverse.T, inverse),
    (seen * inverse, sp.Identity(m)),
    (unseen.T, unseen),
]


def sum_of(first: Any, last: Any) -> Any:
    """l_first + ... + l_last."""
    return sp.Sum(l(i), (i, first, last))


def dual_value(rank: Any) -> Any:
    """p lambda + tr S at lambda = l_p, S = diag(max(l_i - l_p, 0))."""
    return rank * l(rank) + sp.Sum(l(i) - l(rank), (i, 1, rank))


def lower(count: Any) -> Any:
    """The bound of T1-lower."""
    return sum_of(count + 1, n)


def upper(count: Any) -> Any:
    """The bound of T8."""
    return sum_of(1, n - count)


def error_of_coordinates() -> Any:
    """X_A, from its definition, for A = U^T."""
    Sigma = U * seen * U.T + W * unseen * W.T
    B = U.T * Sigma
    P = B.T * inverse * inverse * B
    return sp.Trace(Sigma * (I - P) * Sigma.T)


SIZES = (at_least(n, m + 1),)

LOWER = Statement(
    "T1-lower",
    Proposition(sp.Trace(M * Q), "<=", sum_of(1, p), given=(*PROJECTOR, RANK)),
    Proposition(X(m), ">=", lower(m), when=SIZES),
    Proposition(E(m), ">=", lower(m), when=SIZES),
    Proposition(error_of_coordinates(), "=", square(unseen)),
    words="for every A {1}, hence {2}, since {0}; attained by measuring the first coordinates: {3}",
    setting=(*COORDINATES, *PROJECTOR, *FEASIBLE, RANK, *CAPTURED),
    source="Asim et al. 2020; Ky Fan 1949",
)
RANGE = Statement(
    "T8",
    Proposition(X(m), "<=", upper(m), when=SIZES),
    Proposition(error_of_coordinates(), "=", square(unseen)),
    words="for every A {0}; attained by measuring the last coordinates: {1}",
    setting=(*COORDINATES, *PROJECTOR, *UNSEEN, (sp.Trace(Q), n - m)),
    source="Ky Fan 1949",
)


@LOWER.symbolic
def weak_duality() -> Fact:
    """tr MQ = p lambda + tr S - tr S(I-Q) - tr(S + lambda I - M)Q, the last two squares."""
    value = p * multiplier + sp.Trace(S)
    rest = sp.Trace(S * (I - Q)) + sp.Trace((S + multiplier * I - M) * Q)
    same_traces(sp.Trace(M * Q), value - rest, given=[(M.T, M), (Q.T, Q), (S.T, S), RANK])
    same_matrices((I - Q) * (I - Q), I - Q, given=PROJECTOR)
    return at_most_by_squares(sp.Trace(M * Q), value, [(I - Q) * R, Q * T], [*PROJECTOR, *FEASIBLE, RANK])


@LOWER.symbolic
def dual() -> Fact:
    """The dual point is feasible, of value l_1 + ... + l_p."""
    least, apart = sp.Symbol("l_p", positive=True), sp.Symbol("d", nonnegative=True)
    for value, excess in ((least + apart, apart), (least - apart, sp.S.Zero)):  # i <= p, i > p
        entry = sp.Max(value - least, 0)
        same(entry, excess, "entry of S")
        nonnegative(entry, "S")
        nonnegative(entry + least - value, "S + lambda I - M")
    return same(dual_value(p), sum_of(1, p), "value")


def largest() -> Fact:
    """(*): tr M Q <= l_1 + ... + l_p."""
    bound, value = weak_duality(), dual()
    put = argued(bound.right, "=", value.left, "lambda = l_p and S = diag(max(l_i - l_p, 0)), of which p entries remain")
    return chain(bound, put, value)


@LOWER.symbolic
def attained() -> Fact:
    """X_A for A = U^T, that is, for some coordinates."""
    same_matrices(U.T * (U * seen * U.T + W * unseen * W.T), seen * U.T, COORDINATES, "A Sigma")
    same_matrices(seen * U.T * (seen * U.T).T * inverse * inverse, sp.Identity(m), COORDINATES, "its Gram matrix")
    return same_traces(error_of_coordinates(), square(unseen), COORDINATES)


def total() -> Fact:
    """tr M."""
    return argued(sp.Trace(M), "=", sum_of(1, n), "M = diag(l_1, ..., l_n)")


def least_error(bound: Fact) -> Fact:
    """l_{m+1} + ... + l_n <= X_A from tr M Q <= l_1 + ... + l_m, Q = P."""
    rest = sp.Trace(M * Q)
    seen_by = same_traces(error(), sp.Trace(M) - rest, given=CAPTURED)
    whole = through(lambda side: side - rest, total())
    error_is = chain(definition(), seen_by, whole)
    # Add lower(m) - tr M Q to both sides; lower(m) + (l_1 + ... + l_m) is the sum of all.
    more = through(lambda side: side + lower(m) - rest, bound)
    return chain(same(lower(m), more.left), more, same(more.right, error_is.right), error_is.turned())


@LOWER.concludes
def conclusion() -> tuple[Fact, ...]:
    # X_A is the error of "error".
    ERROR.fact(0)
    draw = least_error(largest().at({p: m}))
    return largest(), draw, chain(mean(draw), expected().turned()), attained()


@RANGE.symbolic
def complement() -> Fact:
    """X_A = tr M Q, Q = I - P a projector of rank n - m."""
    P = B.T * V * B
    same_matrices((I - P) * (I - P), I - P, given=GRAM)
    same_traces(sp.Trace(I - P), n - m, given=GRAM)
    return chain(definition(), same_traces(error(), sp.Trace(M * Q), given=UNSEEN))


@RANGE.concludes
def conclusion_above() -> tuple[Fact, ...]:
    ERROR.fact(0)
    return chain(complement(), LOWER.fact(0).at({p: n - m})), LOWER.fact(3)
