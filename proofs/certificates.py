r"""Certificates: what a floating-point solver found, rounded to rationals and verified in exact arithmetic.

Setting.  x = mu + G z with G (n x n) invertible, y = A x with A (m x n); B = A G, r = y - A mu, M = G^T G, P the
projector on the row space of B (of full rank m < n), and X_A = tr M (I - P) the error for this A ("error"). X >= 0 says
that X is symmetric and positive semidefinite, |x|_1 = sum_i |x_i|.

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

Statement ("estimator-certificates").  Each condition proves that the point it is about is the only minimiser:

    (a) z = B^T nu, B z = r                                  |z|^2 subject to B z = r                          (MLE)
    (b) B^T (B z - r) + gamma z = 0, gamma > 0               |B z - r|^2 + gamma |z|^2                   (penalised)
    (c) C^T (C c - r) = 0, C = A U_k of full column rank     |C c - r|^2                   (truncated: mu + U_k c)
    (d) A x = y; w = A^T nu has w_i = sign x_i on the        |x|_1 subject to A x = y               (basis pursuit)
        support of x, |w_i| < 1 off it; A_S^T A_S invertible,
        A_S the columns of A on the support
    (e) g = A^T (y - A x) has g_i = lam sign x_i on the      1/2 |A x - y|^2 + lam |x|_1                     (lasso)
        support, |g_i| < lam off it; A_S^T A_S invertible

with U_k the first k left singular vectors of G; and for the rational instances below there are exact rational points and
multipliers that satisfy them.

Proof.  Let d be the step to any other point.

1. (a): if B d = 0, then |z + d|^2 = |z|^2 + |d|^2, because d^T z = (B d)^T nu = 0.
2. (b): J(z + d) = J(z) + |B d|^2 + gamma |d|^2; the terms linear in d are 2 d^T (B^T (B z - r) + gamma z) = 0.
   (c): the same with gamma = 0; C d = 0 only for d = 0.
3. (d): |w_i| <= 1, so |x'|_1 >= w^T x' = nu^T A x' = nu^T y = w^T x = |x|_1 for every x' with A x' = y. Equality forces
   x'_i = 0 wherever |w_i| < 1, so that x' - x lives on the support, where A is injective: x' = x.
4. (e): 1/2 |A (x + d) - y|^2 = 1/2 |A x - y|^2 - g^T d + 1/2 |A d|^2, and lam |x'|_1 >= g^T x' with equality at x: the
   objective grows from x to x + d by at least 1/2 |A d|^2, and by more unless x + d vanishes off the support. As in 3.
5. In (a)-(c) the points solve rational linear equations. In (d), (e) a solver finds the signs, and in (d) an
   approximate nu; then x on the support and the correction of nu on it solve rational equations. Only the conditions
   above are believed.                                                                                                    []
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import sympy as sp
from flint import arb, ctx, fmpq, fmpq_mat

from .checks import below, eigenvalues, exactly, positive_semidefinite
from .ledger import Statement, establish
from .matrices import same_matrices, same_traces, square

BOUNDS = Statement(
    "bound-certificates",
    "rational dual certificates prove both sides of T8 for explicit G and every A, to 10^-5 of tr G^T G",
    uses=("error",),
)
ESTIMATORS = Statement(
    "estimator-certificates",
    "multipliers prove explicit points to be the MLE, the penalised, the truncated estimate, basis pursuit and the lasso",
    uses=("MLE", "penalised"),
)

#: The largest difference between a certified bound and the optimum, in units of tr M.
GAP = fmpq(1, 10**5)
#: How far points of the solver are moved inside the feasible set.
INSIDE = fmpq(1, 10**7)


# --------------------------------------------------------------------------------------------------- rational matrices


def identity(n: int) -> fmpq_mat:
    """I."""
    return fmpq_mat([[int(i == j) for j in range(n)] for i in range(n)])


def diagonal(values: Sequence[Any]) -> fmpq_mat:
    """diag(values)."""
    return fmpq_mat([[value if i == j else 0 for j in range(len(values))] for i, value in enumerate(values)])


def column(values: Sequence[Any]) -> fmpq_mat:
    """A vector."""
    return fmpq_mat([[value] for value in values])


def trace(matrix: fmpq_mat) -> fmpq:
    """tr."""
    return sum((matrix[i, i] for i in range(matrix.nrows())), fmpq(0))


def columns(matrix: fmpq_mat, chosen: Sequence[int]) -> fmpq_mat:
    """Some columns."""
    return fmpq_mat([[matrix[i, j] for j in chosen] for i in range(matrix.nrows())])


def entries(vector: fmpq_mat) -> list[fmpq]:
    """The numbers of a column."""
    return [vector[i, 0] for i in range(vector.nrows())]


def rational(value: float) -> fmpq:
    """The nearest multiple of 2^-40."""
    return fmpq(round(float(value) * 2**40), 2**40)


def rounded(matrix: Any) -> fmpq_mat:
    """A symmetric float matrix, entry by entry."""
    n = len(matrix)
    return fmpq_mat([[(rational(matrix[i][j]) + rational(matrix[j][i])) / 2 for j in range(n)] for i in range(n)])


def solver() -> Any:
    """cvxpy, which loads slowly."""
    return import_module("cvxpy")


def floats(matrix: fmpq_mat) -> Any:
    """For the solver."""
    import numpy as np

    return np.array([[float(x.p) / float(x.q) for x in row] for row in matrix.tolist()])


def generator(n: int) -> fmpq_mat:
    """An invertible G, n x n, without any pattern that an eigenbasis would show."""
    return fmpq_mat(
        [[fmpq((7 * i * i + 11 * i * j + 5 * j**3 + 3 * i + j) % 19 - 9, 10) for j in range(n)] for i in range(n)]
    )


def measurements(m: int, n: int) -> fmpq_mat:
    """An A, m x n, of full rank."""
    return fmpq_mat([[(5 * i * i * j + 3 * i * j * j + 2 * j + i + 1) % 13 - 6 for j in range(n)] for i in range(m)])


def rotation(n: int, shift: int) -> fmpq_mat:
    """An orthogonal matrix, (I - K)(I + K)^{-1} for a skew-symmetric K (Cayley)."""
    K = fmpq_mat([[fmpq((i - j) * ((i + j + shift) % 3 + 1), 4) for j in range(n)] for i in range(n)])
    return (identity(n) - K) * (identity(n) + K).inv()


def signs(values: Sequence[fmpq]) -> list[int]:
    """-1, 0 or 1 for each."""
    return [int(value > 0) - int(value < 0) for value in values]


# --------------------------------------------------------------------------------------------- bounds for every A


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


_n, _m, _p = sp.symbols("n m p", integer=True, positive=True)
_k, _lam, _gamma = sp.symbols("k lam gamma", positive=True)
_M, _Q, _S, _X, _Y, _R = (sp.MatrixSymbol(letter, _n, _n) for letter in "MQSXYR")
_I = sp.Identity(_n)


@BOUNDS.symbolic("k lam + tr S - tr M Q = tr S (I - Q) + tr (S + lam I - M) Q if tr Q = k", scope="all n, k")
def weak_duality() -> None:
    value = _k * _lam + sp.Trace(_S)
    slack = sp.Trace(_S * (_I - _Q)) + sp.Trace((_S + _lam * _I - _M) * _Q)
    same_traces(value - sp.Trace(_M * _Q), slack, given=[(sp.Trace(_Q), _k)])


@BOUNDS.symbolic("tr X Y = tr R X R with R = Y^{1/2}", scope="all n")
def positive_products() -> None:
    same_traces(sp.Trace(_X * _Y), sp.Trace(_R * _X * _R), given=[(_R * _R, _Y)])


@BOUNDS.certificate("every bound is feasible, and within 10^-5 tr M of an attained value", scope="n = 2..8, all 0 < k < n")
def sandwich() -> None:
    for n in range(2, 9):
        for k, (bound, attained) in bounds(n).items():
            bound.verify()
            attained.verify()
            surplus = bound.value - attained.value
            establish(bool(0 <= surplus <= GAP * trace(bound.M)), f"n = {n}, k = {k}: slack {surplus}")


@BOUNDS.certificate("for diagonal M the bound is attained", scope="l_i = 1/i, n = 2..8, and (4, 1, 1, 1/9); all 0 < k < n")
def no_slack() -> None:
    for l in (*([fmpq(1, i) for i in range(1, n + 1)] for n in range(2, 9)), [fmpq(4), fmpq(1), fmpq(1), fmpq(1, 9)]):
        for k in range(1, len(l)):
            bound, attained = diagonal_bounds(l, k)
            bound.verify()
            attained.verify()
            exactly(bound.value, attained.value, "value")


@BOUNDS.ball("the sum of the k largest eigenvalues of M lies between the two values", scope="n = 2..8, all 0 < k < n")
def eigenvalue_sums() -> None:
    with ctx.workprec(160):
        for n in range(2, 9):
            l = eigenvalues(generator(n).transpose() * generator(n))
            for k, (bound, attained) in bounds(n).items():
                largest = sum(l[:k], arb(0))
                below(attained.value, largest, f"n = {n}, k = {k}: attained")
                below(largest, bound.value, f"n = {n}, k = {k}: bound")


@BOUNDS.certificate("X_A lies between the certified bounds", scope="one rational A for each n = 2..8, 0 < m < n")
def instances() -> None:
    for n in range(2, 9):
        for m in range(1, n):
            found = error(generator(n), measurements(m, n))
            bound = bounds(n)[m][0]
            establish(bool(trace(bound.M) - bound.value <= found), f"n = {n}, m = {m}: X_A = {found} is too small")
            establish(bool(found <= bounds(n)[n - m][0].value), f"n = {n}, m = {m}: X_A = {found} is too large")


# ------------------------------------------------------------------------------------------------------ estimators


@dataclass(frozen=True)
class MinimumNorm:
    """z is the only minimiser of |z|^2 subject to B z = r."""

    B: fmpq_mat
    r: fmpq_mat
    z: fmpq_mat
    nu: fmpq_mat

    def verify(self) -> None:
        """Raise `Gap` unless (a) holds."""
        exactly(self.B * self.z, self.r, "B z = r")
        exactly(self.B.transpose() * self.nu, self.z, "z = B^T nu")

    @classmethod
    def of(cls, B: fmpq_mat, r: fmpq_mat) -> MinimumNorm:
        """Solve for nu."""
        nu = (B * B.transpose()).solve(r)
        return cls(B, r, B.transpose() * nu, nu)


@dataclass(frozen=True)
class Penalised:
    """z is the only minimiser of |B z - r|^2 + gamma |z|^2; at gamma = 0, if B has full column rank."""

    B: fmpq_mat
    r: fmpq_mat
    gamma: fmpq
    z: fmpq_mat

    def verify(self) -> None:
        """Raise `Gap` unless (b), or (c) at gamma = 0, holds."""
        establish(bool(self.gamma > 0) or bool((self.B.transpose() * self.B).det() != 0), "the minimiser is not unique")
        establish(bool(self.gamma >= 0), "gamma is negative")
        gradient = self.B.transpose() * (self.B * self.z - self.r) + self.gamma * self.z
        exactly(gradient, 0 * gradient, "stationarity")

    @classmethod
    def of(cls, B: fmpq_mat, r: fmpq_mat, gamma: fmpq) -> Penalised:
        """Solve the normal equations."""
        gram = B.transpose() * B
        return cls(B, r, gamma, (gram + gamma * identity(gram.nrows())).solve(B.transpose() * r))


@dataclass(frozen=True)
class BasisPursuit:
    """x is the only minimiser of |x|_1 subject to A x = y."""

    A: fmpq_mat
    y: fmpq_mat
    x: fmpq_mat
    nu: fmpq_mat

    def verify(self) -> None:
        """Raise `Gap` unless (d) holds."""
        exactly(self.A * self.x, self.y, "A x = y")
        _subgradient(entries(self.A.transpose() * self.nu), entries(self.x), fmpq(1))
        _injective_on_support(self.A, self.x)

    @classmethod
    def of(cls, A: fmpq_mat, y: fmpq_mat) -> BasisPursuit:
        """Support, signs and an approximate nu from the solver; the rest is exact."""
        cp = solver()
        x, target = cp.Variable(A.ncols()), floats(y)[:, 0]
        constraint = floats(A) @ x == target
        cp.Problem(cp.Minimize(cp.norm1(x)), [constraint]).solve(solver=cp.CLARABEL)
        support, pattern = _support(x.value)
        multiplier = constraint.dual_value
        approximate = column([rational(value if multiplier @ target > 0 else -value) for value in multiplier])
        A_S = columns(A, support)
        gram = A_S.transpose() * A_S
        nu = approximate + A_S * gram.solve(pattern - A_S.transpose() * approximate)
        return cls(A, y, _spread(gram.solve(A_S.transpose() * y), support, A.ncols()), nu)


@dataclass(frozen=True)
class Lasso:
    """x is the only minimiser of 1/2 |A x - y|^2 + penalty |x|_1."""

    A: fmpq_mat
    y: fmpq_mat
    penalty: fmpq
    x: fmpq_mat

    def verify(self) -> None:
        """Raise `Gap` unless (e) holds."""
        establish(bool(self.penalty > 0), "the penalty is not positive")
        _subgradient(entries(self.A.transpose() * (self.y - self.A * self.x)), entries(self.x), self.penalty)
        _injective_on_support(self.A, self.x)

    @classmethod
    def of(cls, A: fmpq_mat, y: fmpq_mat, penalty: fmpq) -> Lasso:
        """Support and signs from the solver; the rest is exact."""
        cp = solver()
        x = cp.Variable(A.ncols())
        objective = cp.sum_squares(floats(A) @ x - floats(y)[:, 0]) / 2 + float(penalty.p) / float(penalty.q) * cp.norm1(x)
        cp.Problem(cp.Minimize(objective)).solve(solver=cp.CLARABEL)
        support, pattern = _support(x.value)
        A_S = columns(A, support)
        found = (A_S.transpose() * A_S).solve(A_S.transpose() * y - penalty * pattern)
        return cls(A, y, penalty, _spread(found, support, A.ncols()))


def _subgradient(w: list[fmpq], x: list[fmpq], size: fmpq) -> None:
    """Establish that w is `size` times the sign of x on its support, and strictly smaller in modulus off it."""
    for i, (slope, sign) in enumerate(zip(w, signs(x), strict=True)):
        if sign:
            exactly(slope, sign * size, f"multiplier on the support, coordinate {i}")
        else:
            establish(bool(-size < slope < size), f"multiplier off the support, coordinate {i}: {slope}")


def _injective_on_support(A: fmpq_mat, x: fmpq_mat) -> None:
    A_S = columns(A, [i for i, sign in enumerate(signs(entries(x))) if sign])
    establish(bool((A_S.transpose() * A_S).det() != 0), "the columns on the support are dependent")


def _support(x: Any) -> tuple[list[int], fmpq_mat]:
    support = [i for i, value in enumerate(x) if abs(value) > 1e-5 * max(abs(x))]
    return support, column([1 if x[i] > 0 else -1 for i in support])


def _spread(values: fmpq_mat, support: list[int], n: int) -> fmpq_mat:
    found = dict(zip(support, entries(values), strict=True))
    return column([found.get(i, 0) for i in range(n)])


@dataclass(frozen=True)
class Problem:
    """A rational model x = mu + G z, G = U diag(sigma) V^T, with measurements y = A x."""

    U: fmpq_mat
    sigma: tuple[fmpq, ...]
    V: fmpq_mat
    mu: fmpq_mat
    A: fmpq_mat
    y: fmpq_mat

    @property
    def G(self) -> fmpq_mat:
        """G."""
        return self.U * diagonal(self.sigma) * self.V.transpose()

    @property
    def B(self) -> fmpq_mat:
        """A G."""
        return self.A * self.G

    @property
    def r(self) -> fmpq_mat:
        """y - A mu."""
        return self.y - self.A * self.mu

    def mle(self) -> MinimumNorm:
        """(a)."""
        return MinimumNorm.of(self.B, self.r)

    def penalised(self, gamma: fmpq) -> Penalised:
        """(b)."""
        return Penalised.of(self.B, self.r, gamma)

    def truncated(self, rank: int) -> Penalised:
        """(c), in the coordinates c."""
        return Penalised.of(self.A * columns(self.U, range(rank)), self.r, fmpq(0))


#: gamma, the noise variance of the MAP estimate.
GAMMA = (fmpq(1, 4), fmpq(9))
SPARSE = (
    (4, 8, (0, 3, 0, 0, 0, 0, 0, 0)),
    (5, 9, (0, 0, 2, 0, 0, 0, -1, 0, 0)),
    (6, 12, (1, 0, 0, 0, -4, 0, 0, 0, 0, 2, 0, 0)),
)
PENALTIES = (fmpq(1, 2), fmpq(5))


def problem(m: int, n: int = 5) -> Problem:
    """Singular values 4, 2, 1, 1/2, 1/4, with m measurements."""
    mu, y = column([fmpq(i - 2, 3) for i in range(n)]), column([fmpq(3 * i * i - 4, 2) for i in range(m)])
    sigma = tuple(fmpq(4, 2**i) for i in range(n))
    return Problem(rotation(n, 0), sigma, rotation(n, 1), mu, measurements(m, n), y)


def sparse_problem(m: int, n: int, x: Sequence[int]) -> tuple[fmpq_mat, fmpq_mat]:
    """A and y = A x."""
    A = measurements(m, n)
    return A, A * column(x)


_A, _B = sp.MatrixSymbol("A", _m, _n), sp.MatrixSymbol("B", _m, _n)
_z, _d, _x = (sp.MatrixSymbol(letter, _n, 1) for letter in "zdx")
_nu, _r, _y = (sp.MatrixSymbol(letter, _m, 1) for letter in ("nu", "r", "y"))
_other = sp.MatrixSymbol("other", _n, 1)
_half = sp.Rational(1, 2)


@ESTIMATORS.symbolic("(a): |z + d|^2 = |z|^2 + |d|^2 if z = B^T nu and B d = 0", scope="all n, m")
def minimum_norm() -> None:
    z = _B.T * _nu
    same_traces(square(z + _d), square(z) + square(_d), given=[(_B * _d, sp.ZeroMatrix(_m, 1))])


@ESTIMATORS.symbolic(
    "(b), (c): J(z + d) = J(z) + |B d|^2 + gamma |d|^2 + 2 d^T (B^T (B z - r) + gamma z)", scope="all n, m, gamma"
)
def stationary() -> None:
    def objective(z: Any) -> Any:
        return square(_B * z - _r) + _gamma * square(z)

    gradient = _B.T * (_B * _z - _r) + _gamma * _z
    growth = square(_B * _d) + _gamma * square(_d) + 2 * sp.Trace(_d.T * gradient)
    same_traces(objective(_z + _d), objective(_z) + growth)


@ESTIMATORS.symbolic("(d): w^T x' = nu^T y for w = A^T nu and every x' with A x' = y", scope="all n, m")
def dual_value() -> None:
    same_matrices((_A.T * _nu).T * _other, _nu.T * _y, given=[(_A * _other, _y)])


@ESTIMATORS.symbolic(
    "(e): 1/2 |A (x+d) - y|^2 = 1/2 |A x - y|^2 - g^T d + 1/2 |A d|^2, g = A^T (y - A x)", scope="all n, m"
)
def lasso_growth() -> None:
    g = _A.T * (_y - _A * _x)
    growth = -sp.Trace(g.T * _d) + _half * square(_A * _d)
    same_traces(_half * square(_A * (_x + _d) - _y), _half * square(_A * _x - _y) + growth)


@ESTIMATORS.certificate("(a), (b), (c) at rational points", scope="n = 5, m = 2, 3, 4; gamma = 1/4, 9; every rank k <= m")
def linear_estimates() -> None:
    for m in (2, 3, 4):
        model = problem(m)
        for basis in (model.U, model.V):
            exactly(basis.transpose() * basis, identity(5), "orthogonal basis")
        model.mle().verify()
        for gamma in GAMMA:
            model.penalised(gamma).verify()
        for rank in range(1, m + 1):
            model.truncated(rank).verify()


@ESTIMATORS.certificate("(d) at rational points", scope="(m, n) = (4, 8), (5, 9), (6, 12), sparse signals")
def basis_pursuit() -> None:
    for m, n, x in SPARSE:
        BasisPursuit.of(*sparse_problem(m, n, x)).verify()


@ESTIMATORS.certificate("(e) at rational points", scope="the same; penalty 1/2, 5")
def lasso() -> None:
    for m, n, x in SPARSE:
        for penalty in PENALTIES:
            Lasso.of(*sparse_problem(m, n, x), penalty).verify()
