r"""Bounds for every A by certificates: found in floating point, rounded to rationals, verified in exact arithmetic.

Setting.  G (n x n) is invertible, M = G^T G, A (m x n), 0 < m < n, is such that A G has full rank; P is the projector on
the row space of A G, and X_A = tr M (I - P) the error for this A ("error"). X >= 0 says that X is symmetric and positive
semidefinite.

Statement ("bound-certificates").  Let S >= 0 and S + lam I - M >= 0. Then, for every A,

    X_A >= tr M - (m lam + tr S)                  (a certificate of size m),
    X_A <= (n - m) lam + tr S                     (a certificate of size n - m).

For each of the matrices G = generator(n), n = 2, ..., 8, none of them diagonal, and every 0 < k < n there are rational S
and lam of size k whose value k lam + tr S is within 10^-5 tr M of the least possible one; the sum of the k largest
eigenvalues of M lies in between. So T1-lower and T8 are proved for these G with that accuracy, by witnesses that do not
know the eigenvectors. For diagonal M there are certificates without any slack.

Proof.

1. For 0 <= Q <= I with tr Q = k,

       k lam + tr S - tr M Q = tr S (I - Q) + tr (S + lam I - M) Q  >=  0,

   since tr X Y = tr (Y^{1/2} X Y^{1/2}) >= 0 for X, Y >= 0. So tr M Q <= k lam + tr S. Q = P has k = m; Q = I - P has
   k = n - m.
2. Semidefiniteness of a rational matrix is decided by elimination. S and lam come from the semidefinite program
   min { k lam + tr S : S >= 0, S + lam I >= M }, rounded to multiples of 2^-40 and moved inside by 10^-7; from its
   multiplier, likewise moved, a rational Q with 0 <= Q <= I and tr Q = k. By step 1 tr M Q is at most the value of every
   certificate of size k; it is within 10^-5 tr M of the one found.
3. The k largest eigenvalues of M, isolated as roots of its characteristic polynomial, sum to a number between the two.
4. For rational A (and M) X_A is a rational number, between the certified bounds.                                         []
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import sympy as sp
from flint import arb, ctx, fmpq, fmpq_mat

from .checks import below, eigenvalues, exactly, positive_semidefinite
from .ledger import Statement, establish
from .matrices import same_traces
from .rationals import diagonal, floats, identity, measurements, rational, rounded, solver, trace

BOUNDS = Statement(
    "bound-certificates",
    "rational dual certificates prove both sides of T8 for explicit G and every A, to 10^-5 of tr G^T G",
    uses=("error",),
)

#: The largest difference between a certified bound and the optimum, in units of tr M.
GAP = fmpq(1, 10**5)
#: How far points of the solver are moved inside the feasible set.
INSIDE = fmpq(1, 10**7)


def generator(n: int) -> fmpq_mat:
    """An invertible G, n x n, without any pattern that an eigenbasis would show."""
    return fmpq_mat(
        [[fmpq((7 * i * i + 11 * i * j + 5 * j**3 + 3 * i + j) % 19 - 9, 10) for j in range(n)] for i in range(n)]
    )


@dataclass(frozen=True)
class TraceBound:
    """tr M Q <= value for every Q with 0 <= Q <= I and tr Q = k."""

    M: fmpq_mat
    k: int
    lam: fmpq
    S: fmpq_mat
    value: fmpq

    def verify(self) -> None:
        """Raise `Gap` unless the dual point is feasible and has this value."""
        positive_semidefinite(self.S, "S")
        positive_semidefinite(self.S + self.lam * identity(self.M.nrows()) - self.M, "S + lam I - M")
        exactly(self.k * self.lam + trace(self.S), self.value, "value of the dual point")


@dataclass(frozen=True)
class Attained:
    """A Q with 0 <= Q <= I, tr Q = k and tr M Q = value."""

    M: fmpq_mat
    k: int
    Q: fmpq_mat
    value: fmpq

    def verify(self) -> None:
        """Raise `Gap` unless the point is feasible and has this value."""
        positive_semidefinite(self.Q, "Q")
        positive_semidefinite(identity(self.M.nrows()) - self.Q, "I - Q")
        exactly(trace(self.Q), fmpq(self.k), "tr Q")
        exactly(trace(self.M * self.Q), self.value, "value of the primal point")


@cache
def bounds(n: int) -> dict[int, tuple[TraceBound, Attained]]:
    """For G = generator(n), the rounded dual and primal optimum of each size 0 < k < n."""
    cp = solver()
    M = generator(n).transpose() * generator(n)
    lam, S, size = cp.Variable(), cp.Variable((n, n), PSD=True), cp.Parameter(nonneg=True)
    constraint = S + lam * floats(identity(n)) - floats(M) >> 0
    problem = cp.Problem(cp.Minimize(size * lam + cp.trace(S)), [constraint])
    found = {}
    for k in range(1, n):
        size.value = k
        problem.solve(solver=cp.CLARABEL)
        found[k] = (
            dual_point(M, k, rational(lam.value), rounded(S.value)),
            primal_point(M, k, rounded(constraint.dual_value)),
        )
    return found


def dual_point(M: fmpq_mat, k: int, lam: fmpq, S: fmpq_mat) -> TraceBound:
    """Both matrices of the dual constraints moved inside by INSIDE (or more)."""
    lam, S = lam + INSIDE, S + INSIDE * identity(M.nrows())
    return TraceBound(M, k, lam, S, k * lam + trace(S))


def primal_point(M: fmpq_mat, k: int, Q: fmpq_mat) -> Attained:
    """Q mixed with (k/n) I, which lies in the interior, and its trace corrected."""
    n = M.nrows()
    Q = (1 - 10 * INSIDE) * Q + 10 * INSIDE * fmpq(k, n) * identity(n)
    Q = Q + (k - trace(Q)) / n * identity(n)
    return Attained(M, k, Q, trace(M * Q))


def diagonal_bounds(l: Sequence[fmpq], k: int) -> tuple[TraceBound, Attained]:
    """lam = l_k and S = diag((l_i - l_k)_+); Q projects on the first k coordinates (l descending)."""
    M, S = diagonal(l), diagonal([max(x - l[k - 1], fmpq(0)) for x in l])
    Q = diagonal([int(i < k) for i in range(len(l))])
    value = sum(l[:k], fmpq(0))
    return TraceBound(M, k, l[k - 1], S, value), Attained(M, k, Q, value)


def error(G: fmpq_mat, A: fmpq_mat) -> fmpq:
    """X_A."""
    B = A * G
    P = B.transpose() * (B * B.transpose()).inv() * B
    return trace(G * (identity(G.nrows()) - P) * G.transpose())


_n = sp.Symbol("n", integer=True, positive=True)
_k, _lam = sp.symbols("k lam", positive=True)
_M, _Q, _S, _X, _Y, _R = (sp.MatrixSymbol(letter, _n, _n) for letter in "MQSXYR")
_I = sp.Identity(_n)


@BOUNDS.symbolic
def weak_duality() -> None:
    """K lam + tr S - tr M Q = tr S (I - Q) + tr (S + lam I - M) Q if tr Q = k."""
    value = _k * _lam + sp.Trace(_S)
    slack = sp.Trace(_S * (_I - _Q)) + sp.Trace((_S + _lam * _I - _M) * _Q)
    same_traces(value - sp.Trace(_M * _Q), slack, given=[(sp.Trace(_Q), _k)])


@BOUNDS.symbolic
def positive_products() -> None:
    """Tr X Y = tr R X R with R = Y^{1/2}."""
    same_traces(sp.Trace(_X * _Y), sp.Trace(_R * _X * _R), given=[(_R * _R, _Y)])


@BOUNDS.certificate
def sandwich() -> None:
    """Every bound is feasible, and within 10^-5 tr M of an attained value."""
    # SCOPE "n = 2..8, all 0 < k < n"
    for n in range(2, 9):
        for k, (bound, attained) in bounds(n).items():
            bound.verify()
            attained.verify()
            surplus = bound.value - attained.value
            establish(bool(0 <= surplus <= GAP * trace(bound.M)), f"n = {n}, k = {k}: slack {surplus}")


@BOUNDS.certificate
def no_slack() -> None:
    """For diagonal M the bound is attained."""
    # SCOPE "l_i = 1/i, n = 2..8, and (4, 1, 1, 1/9); all 0 < k < n"
    for l in (*([fmpq(1, i) for i in range(1, n + 1)] for n in range(2, 9)), [fmpq(4), fmpq(1), fmpq(1), fmpq(1, 9)]):
        for k in range(1, len(l)):
            bound, attained = diagonal_bounds(l, k)
            bound.verify()
            attained.verify()
            exactly(bound.value, attained.value, "value")


@BOUNDS.ball
def eigenvalue_sums() -> None:
    """The sum of the k largest eigenvalues of M lies between the two values."""
    # SCOPE "n = 2..8, all 0 < k < n"
    with ctx.workprec(160):
        for n in range(2, 9):
            l = eigenvalues(generator(n).transpose() * generator(n))
            for k, (bound, attained) in bounds(n).items():
                largest = sum(l[:k], arb(0))
                below(attained.value, largest, f"n = {n}, k = {k}: attained")
                below(largest, bound.value, f"n = {n}, k = {k}: bound")


@BOUNDS.certificate
def instances() -> None:
    """X_A lies between the certified bounds."""
    # SCOPE "one rational A for each n = 2..8, 0 < m < n"
    for n in range(2, 9):
        for m in range(1, n):
            found = error(generator(n), measurements(m, n))
            bound = bounds(n)[m][0]
            establish(bool(trace(bound.M) - bound.value <= found), f"n = {n}, m = {m}: X_A = {found} is too small")
            establish(bool(found <= bounds(n)[n - m][0].value), f"n = {n}, m = {m}: X_A = {found} is too large")
