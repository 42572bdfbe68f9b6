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

Steps 3 and 4 hold for every n; they are checked with symbols for all n <= 6, ties among the l_i included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sympy as sp

from .checks import at_most, nonnegative, same
from .ledger import Statement
from .matrices import same_matrices, same_traces, square

LOWER = Statement(
    "T1-lower", "X_A >= sum_{i>m} l_i for every A, hence E_m is", source="Asim et al. 2020; Ky Fan 1949", uses=("error",)
)
RANGE = Statement(
    "T8", "X_A <= sum_{i<=n-m} l_i for every A; both bounds are attained", source="Ky Fan 1949", uses=("error", "T1-lower")
)

n, p = sp.symbols("n p", integer=True, positive=True)
multiplier = sp.Symbol("lambda", real=True)
I = sp.Identity(n)
M, Q, R, S = (sp.MatrixSymbol(name, n, n) for name in "MQRS")

SYMMETRIC = [(M.T, M), (Q.T, Q), (S.T, S)]
PROJECTOR = [(Q.T, Q), (Q * Q, Q)]

LARGEST = 6


def slack() -> Any:
    """S + lambda I - M."""
    return S + multiplier * I - M


def spectra() -> Iterator[tuple[list[Any], int]]:
    """Every descending spectrum l of n <= 6 symbols (smallest value and increments, which may be 0), with every p."""
    smallest = sp.Symbol("l_n", positive=True)
    for size in range(1, LARGEST + 1):
        increments = sp.symbols(f"d1:{size}", nonnegative=True)
        l = [smallest + sum(increments[i:], sp.S.Zero) for i in range(size)]
        for rank in range(1, size + 1):
            yield l, rank


def dual_point(l: list[Any], rank: int) -> tuple[Any, list[Any]]:
    """lambda and the diagonal of S."""
    return l[rank - 1], [sp.Max(value - l[rank - 1], 0) for value in l]


def largest(l: list[Any], rank: int) -> Any:
    """l_1 + ... + l_rank."""
    return sum(l[:rank], sp.S.Zero)


def lower(l: list[Any], m: int) -> Any:
    """The bound of T1-lower."""
    return sum(l[m:], sp.S.Zero)


def upper(l: list[Any], m: int) -> Any:
    """The bound of T8."""
    return largest(l, len(l) - m)


def error_of_rows(l: list[Any], rows: list[int]) -> Any:
    """X_A for A made of these rows of I, from its definition."""
    B = sp.Matrix([[sp.sqrt(l[j]) if j == row else 0 for j in range(len(l))] for row in rows])
    P = B.T * (B * B.T).inv() * B
    return (sp.diag(*l) * (sp.eye(len(l)) - P)).trace()


@LOWER.symbolic
def weak_duality() -> None:
    """Weak duality: tr MQ = p lambda + tr S - tr S(I-Q) - tr(S + lambda I - M)Q."""
    value = p * multiplier + sp.Trace(S) - sp.Trace(S * (I - Q)) - sp.Trace(slack() * Q)
    same_traces(sp.Trace(M * Q), value, given=[*SYMMETRIC, (sp.Trace(Q), p)])


@LOWER.symbolic
def product_of_semidefinite() -> None:
    """Tr RR^T Q = |QR|^2 and tr RR^T (I-Q) = |(I-Q)R|^2."""
    same_traces(sp.Trace(R * R.T * Q), square(Q * R), given=PROJECTOR)
    same_traces(sp.Trace(R * R.T * (I - Q)), square((I - Q) * R), given=PROJECTOR)
    same_matrices((I - Q) * (I - Q), I - Q, given=PROJECTOR)


@LOWER.symbolic
def dual() -> None:
    """The dual point is feasible, of value l_1 + ... + l_p."""
    for l, rank in spectra():
        level, excess = dual_point(l, rank)
        for value, entry in zip(l, excess, strict=True):
            nonnegative(entry, "S")
            nonnegative(entry + level - value, "S + lambda I - M")
        same(rank * level + sum(excess), largest(l, rank), "value")


@LOWER.symbolic
def attained_below() -> None:
    """X_A >= sum_{i>m} l_i, attained by the first m rows of I."""
    for l, m in spectra():
        if m < len(l):
            same(sum(l) - largest(l, m), lower(l, m), "bound")
            same(error_of_rows(l, list(range(m))), lower(l, m), "attained")


@RANGE.symbolic
def complement() -> None:
    """X_A = tr M Q, Q = I - P a projector of rank n - m."""
    m = sp.Symbol("m", integer=True, positive=True)
    P = I - Q
    given = [*PROJECTOR, (sp.Trace(Q), n - m)]
    same_matrices(P * P, P, given=PROJECTOR)
    same_traces(sp.Trace(P), m, given=given)
    same_traces(sp.Trace(M) - sp.Trace(M * P), sp.Trace(M * Q))


@RANGE.symbolic
def attained_above() -> None:
    """T1-lower's (*), p = n - m; attained by the last m rows of I."""
    for l, m in spectra():
        if m < len(l):
            level, excess = dual_point(l, len(l) - m)
            same((len(l) - m) * level + sum(excess), upper(l, m), "bound")
            at_most(lower(l, m), upper(l, m), "the bounds in order")
            same(error_of_rows(l, list(range(len(l) - m, len(l)))), upper(l, m), "attained")
