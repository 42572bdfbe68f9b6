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

from .checks import at_most_at, below, eigenvalues, exactly, positive_semidefinite
from .error import ERROR
from .kernel import Instances
from .kernel import instances as instances_of
from .ledger import Statement
from .matrices import at_most_by_squares, same_traces
from .propositions import Fact, Proposition
from .rationals import diagonal, floats, identity, measurements, rational, rounded, solver, trace

#: The largest difference between a certified bound and the optimum, in units of tr M.
GAP = fmpq(1, 10**5)
_SIZES = range(2, 9)
#: The instances: their sizes.
SIZES = Instances(f"G of n = {min(_SIZES)}, ..., {max(_SIZES)}", _SIZES, "n = {}, every k".format)
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
_T, _U, _W = (sp.MatrixSymbol(letter, _n, _n) for letter in "TUW")
_I = sp.Identity(_n)
#: S, S + lam I - M, Q and I - Q are squares.
_FEASIBLE = [(_S, _R * _R.T), (_M, _lam * _I + _R * _R.T - _T * _T.T), (_W * _W.T, _I - _U * _U.T)]
_SIZE = (sp.Trace(_U * _U.T), _k)

_value, _attained, _total = sp.symbols("value attained tr(M)", real=True)
_X_A = sp.Symbol("X_A", real=True)
_WHERE = SIZES.name
WITHIN = Proposition(_value - _attained, "<=", sp.Rational(int(GAP.p), int(GAP.q)) * _total, at_instances=_WHERE)
ABOVE = Proposition(_total - _value, "<=", _X_A, at_instances=_WHERE)
BELOW = Proposition(_X_A, "<=", _value, at_instances=_WHERE)

BOUNDS = Statement(
    "bound-certificates",
    Proposition(sp.Trace(_M * _U * _U.T), "<=", _k * _lam + sp.Trace(_S), given=(*_FEASIBLE, _SIZE)),
    WITHIN,
    ABOVE,
    BELOW,
    words="rational dual certificates for explicit G and every A: {0}, Q the square of U; how near they come: {1}; and for "
    "explicit A {2} and {3}",
)


@BOUNDS.symbolic
def weak_duality() -> Fact:
    """k lam + tr S - tr M Q = tr S (I - Q) + tr (S + lam I - M) Q if tr Q = k."""
    value = _k * _lam + sp.Trace(_S)
    slack = sp.Trace(_S * (_I - _Q)) + sp.Trace((_S + _lam * _I - _M) * _Q)
    same_traces(value - sp.Trace(_M * _Q), slack, given=[(sp.Trace(_Q), _k)])
    # Q = P and Q = I - P are what "error" is about.
    ERROR.fact(0)
    return at_most_by_squares(sp.Trace(_M * _U * _U.T), value, [_R.T * _W, _T.T * _U], [*_FEASIBLE, _SIZE])


@BOUNDS.symbolic
def positive_products() -> Fact:
    """tr X Y = tr R X R with R = Y^{1/2}."""
    return same_traces(sp.Trace(_X * _Y), sp.Trace(_R * _X * _R), given=[(_R * _R, _Y)])


@BOUNDS.certificate
def sandwich() -> Fact:
    """Every bound is feasible, and within 10^-5 tr M of an attained value."""
    for n in SIZES:
        for k, (bound, attained) in bounds(n).items():
            bound.verify()
            attained.verify()
            numbers = {_value: bound.value, _attained: attained.value, _total: trace(bound.M)}
            within = at_most_at(WITHIN, numbers, f"n = {n}, k = {k}")
            exactly(bound.value >= attained.value, True, f"n = {n}, k = {k}: order")
    return within


@BOUNDS.certificate
def no_slack() -> None:
    """For diagonal M the bound is attained."""
    spectra = [[fmpq(1, i) for i in range(1, n + 1)] for n in _SIZES]
    for l in instances_of([*spectra, [fmpq(4), fmpq(1), fmpq(1), fmpq(1, 9)]], lambda l: f"l = {', '.join(map(str, l))}"):
        for k in range(1, len(l)):
            bound, attained = diagonal_bounds(l, k)
            bound.verify()
            attained.verify()
            exactly(bound.value, attained.value, "value")


@BOUNDS.ball
def eigenvalue_sums() -> None:
    """The sum of the k largest eigenvalues of M lies between the two values."""
    with ctx.workprec(160):
        for n in SIZES:
            l = eigenvalues(generator(n).transpose() * generator(n))
            for k, (bound, attained) in bounds(n).items():
                largest = sum(l[:k], arb(0))
                below(attained.value, largest, f"n = {n}, k = {k}: attained")
                below(largest, bound.value, f"n = {n}, k = {k}: bound")


@BOUNDS.certificate
def instances() -> tuple[Fact, Fact]:
    """X_A lies between the certified bounds, for one rational A of each size."""
    for n in SIZES:
        for m in range(1, n):
            found = error(generator(n), measurements(m, n))
            bound, other = bounds(n)[m][0], bounds(n)[n - m][0]
            above = at_most_at(ABOVE, {_total: trace(bound.M), _value: bound.value, _X_A: found}, f"n = {n}, m = {m}")
            under = at_most_at(BELOW, {_value: other.value, _X_A: found}, f"n = {n}, m = {m}")
    return above, under


@BOUNDS.concludes
def conclusion() -> tuple[Fact, ...]:
    return weak_duality(), sandwich(), *instances()
