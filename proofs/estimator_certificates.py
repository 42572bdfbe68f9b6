r"""The estimators by certificates: a solver finds the support and the signs, multipliers in exact arithmetic decide.

Setting.  x = mu + G z with G (n x n) invertible, y = A x with A (m x n); B = A G of full rank m < n, r = y - A mu,
|x|_1 = sum_i |x_i|.

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
from typing import Any

import sympy as sp
from flint import fmpq, fmpq_mat

from .checks import exactly
from .kernel import instances
from .ledger import Statement, establish
from .matrices import at_most_by_squares, same_matrices, same_traces, square
from .mle import MLE, PENALISED
from .propositions import Fact, Proposition
from .rationals import column, columns, diagonal, entries, floats, identity, measurements, rational, solver


def rotation(n: int, shift: int) -> fmpq_mat:
    """An orthogonal matrix, (I - K)(I + K)^{-1} for a skew-symmetric K (Cayley)."""
    K = fmpq_mat([[fmpq((i - j) * ((i + j + shift) % 3 + 1), 4) for j in range(n)] for i in range(n)])
    return (identity(n) - K) * (identity(n) + K).inv()


def signs(values: Sequence[fmpq]) -> list[int]:
    """-1, 0 or 1 for each."""
    return [int(value > 0) - int(value < 0) for value in values]


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


_n, _m = sp.symbols("n m", integer=True, positive=True)
_lam, _gamma = sp.symbols("lam gamma", positive=True)
_A, _B = sp.MatrixSymbol("A", _m, _n), sp.MatrixSymbol("B", _m, _n)
_z, _d, _x = (sp.MatrixSymbol(letter, _n, 1) for letter in "zdx")
_nu, _r, _y = (sp.MatrixSymbol(letter, _m, 1) for letter in ("nu", "r", "y"))
_other = sp.MatrixSymbol("other", _n, 1)
_half = sp.Rational(1, 2)


def _objective(z: Any) -> Any:
    """J."""
    return square(_B * z - _r) + _gamma * square(z)


def _lasso(x: Any) -> Any:
    """The smooth part of the lasso's objective."""
    return _half * square(_A * x - _y)


_UNSEEN = (_B * _d, sp.ZeroMatrix(_m, 1))
_gradient = _B.T * (_B * _z - _r) + _gamma * _z
_g = _A.T * (_y - _A * _x)

ESTIMATORS = Statement(
    "estimator-certificates",
    Proposition(square(_B.T * _nu), "<=", square(_B.T * _nu + _d), given=(_UNSEEN,)),
    Proposition(_objective(_z) + 2 * sp.Trace(_d.T * _gradient), "<=", _objective(_z + _d)),
    Proposition((_A.T * _nu).T * _other, "=", _nu.T * _y, given=((_A * _other, _y),)),
    Proposition(_lasso(_x) - sp.Trace(_g.T * _d), "<=", _lasso(_x + _d)),
    words="multipliers prove explicit points to be the MLE, {0}, the penalised and the truncated estimate, {1}, basis "
    "pursuit, {2}, and the lasso, {3}",
)


@ESTIMATORS.symbolic
def minimum_norm() -> Fact:
    """(a): |z + d|^2 = |z|^2 + |d|^2 if z = B^T nu and B d = 0."""
    MLE.fact(1)
    z = _B.T * _nu
    same_traces(square(z + _d), square(z) + square(_d), given=[_UNSEEN])
    return at_most_by_squares(square(z), square(z + _d), [_d], [_UNSEEN])


@ESTIMATORS.symbolic
def stationary() -> Fact:
    """(b), (c): J(z + d) = J(z) + |B d|^2 + gamma |d|^2 + 2 d^T (B^T (B z - r) + gamma z)."""
    PENALISED.fact(0)
    growth = square(_B * _d) + _gamma * square(_d) + 2 * sp.Trace(_d.T * _gradient)
    same_traces(_objective(_z + _d), _objective(_z) + growth)
    least = _objective(_z) + 2 * sp.Trace(_d.T * _gradient)
    return at_most_by_squares(least, _objective(_z + _d), [_B * _d, sp.sqrt(_gamma) * _d])


@ESTIMATORS.symbolic
def dual_value() -> Fact:
    """(d): w^T x' = nu^T y for w = A^T nu and every x' with A x' = y."""
    return same_matrices((_A.T * _nu).T * _other, _nu.T * _y, given=[(_A * _other, _y)])


@ESTIMATORS.symbolic
def lasso_growth() -> Fact:
    """(e): 1/2 |A (x+d) - y|^2 = 1/2 |A x - y|^2 - g^T d + 1/2 |A d|^2, g = A^T (y - A x)."""
    least = _lasso(_x) - sp.Trace(_g.T * _d)
    same_traces(_lasso(_x + _d), least + _half * square(_A * _d))
    return at_most_by_squares(least, _lasso(_x + _d), [_A * _d / sp.sqrt(2)])


@ESTIMATORS.certificate
def linear_estimates() -> None:
    """(a), (b), (c) at rational points."""
    for m in instances((2, 3, 4), "n = 5, m = {}, every rank".format):
        model = problem(m)
        for basis in (model.U, model.V):
            exactly(basis.transpose() * basis, identity(5), "orthogonal basis")
        model.mle().verify()
        for gamma in GAMMA:
            model.penalised(gamma).verify()
        for rank in range(1, m + 1):
            model.truncated(rank).verify()


@ESTIMATORS.certificate
def basis_pursuit() -> None:
    """(d) at rational points."""
    for m, n, x in instances(SPARSE, _sparse):
        BasisPursuit.of(*sparse_problem(m, n, x)).verify()


@ESTIMATORS.certificate
def lasso() -> None:
    """(e) at rational points."""
    for m, n, x in instances(SPARSE, _sparse):
        for penalty in instances(PENALTIES, "penalty {}".format):
            Lasso.of(*sparse_problem(m, n, x), penalty).verify()


def _sparse(instance: tuple[int, int, Sequence[int]]) -> str:
    m, n, x = instance
    return f"m = {m}, n = {n}, {sum(bool(value) for value in x)} nonzero"


@ESTIMATORS.concludes
def conclusion() -> tuple[Fact, ...]:
    return minimum_norm(), stationary(), dual_value(), lasso_growth()
