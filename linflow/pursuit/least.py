"""Basis pursuit: signals of least 1-norm, each with a dual point that proves it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray

from linflow.checks import FloatArray, positive_int
from linflow.errors import NotConvergedError
from linflow.measurement import Measurement
from linflow.pursuit.admm import ROUND, Iteration
from linflow.pursuit.exact import Exact, refined
from linflow.pursuit.rows import Rows
from linflow.stacks import batches, columns_of, in_units, matrices

#: What a 1-norm may exceed the least one by, relative to itself; ADMM goes on until floats promise a tenth of it.
_GAP = Fraction(1, 10**7)
_PROMISING = 1e-8
#: What a measurement may be missed by, relative to the size of the products that it is the sum of.
_FEASIBLE = 1e-12
#: HiGHS takes no smaller tolerances than these.
HIGHS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


def basis_pursuit(A: Measurement, y: ArrayLike, *, rounds: int = 25) -> FloatArray:
    r"""Signal of least 1-norm that explains exact measurements: ``argmin |x|_1`` subject to ``A x = y``.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or LinearOperator, or (*lead, m, n) array; m <= n, independent rows; [y]/[x]
    y : (*lead, ..., m) array, [y]
        The first axes are those of A, one matrix for each place; the others are a batch for that matrix.
    rounds : int >= 1
        How many times 40 steps of ADMM are tried before HiGHS takes over an instance. It changes the time, never the
        answer beyond what is promised here.

    Returns
    -------
    x_hat : (*lead, ..., n) float64 array, [x]
        ``|A x_hat - y| <= 1e-12 (|A| |x_hat| + |y|)`` for each measurement, and the 1-norm exceeds the least one by at most
        1e-7 of itself, which a dual point proves without rounding. The units of x and of each measurement do not matter.

    Raises
    ------
    ShapeError, InputError
        Shapes that disagree, m > n, entries that are complex or not finite, a solution too large for float64.
    RankError
        The rows of A are linearly dependent (to rounding).
    NotConvergedError
        No dual point proves the signal that was found, as where the rows of A are nearly dependent.

    Notes
    -----
    Chen, Donoho & Saunders (1998), eq. (3.1); ADMM as in Boyd et al. (2011), section 6.2, over-relaxed. The support that
    ADMM finds is solved for anew, so solutions are exact to rounding and not to the tolerance of an iteration. Where the
    signal of least norm is not unique, any one is returned.

    Examples
    --------
    >>> basis_pursuit(np.array([[1.0, 2.0]]), [[2.0], [-4.0]])
    array([[ 0.,  1.], [ 0., -2.]])
    """
    stack, lead = matrices(A)
    D, m, n = stack.shape
    values = batches(y, lead, m, "y")
    Y = columns_of(values, D)
    solution = np.zeros((D, n, Y.shape[2]))
    rounds = positive_int(rounds, "rounds")
    if m and Y.size:
        rows = Rows.of(stack)
        measured = rows.measured(Y)
        problems = [Instances(rows, index, measured.y[index], measured.c[index]) for index in range(D)]
        iteration = Iteration.of(rows.Q, measured.c)
        for _ in range(rounds):
            iteration.advance(ROUND)
            coefficients = iteration.coefficients()
            for i, j in iteration.undecided():
                a, b = iteration.first(i, j)
                x = problems[a].vertex(b, iteration.z[i, :, j] != 0)
                if x is not None and problems[a].proved(b, x, coefficients[i, :, j], promising=_PROMISING):
                    iteration.decided[i, j] = True
                    solution[a, :, b] = x
            if not iteration.shrink():
                break
        for a, b in [iteration.first(i, j) for i, j in iteration.undecided()]:
            solution[a, :, b] = problems[a].by_highs(b)
        solution = in_units(solution, measured.power)
    return np.moveaxis(solution, 2, 1).reshape(*values.shape[:-1], n)


class Instances:
    """One matrix with its measurements: y (m, K), and c (m, K) for which ``Q x = c`` is the same problem."""

    def __init__(self, rows: Rows, index: int, y: FloatArray, c: FloatArray) -> None:
        self.rows, self.index, self.y, self.c = rows, index, y, c
        self.A, self.Q = rows.unit[index], rows.Q[index]
        self.exact = Exact.of(self.A)

    def vertex(self, b: int, support: NDArray[np.bool_]) -> FloatArray | None:
        """Solution on that support, or None if there is none."""
        m, n = self.A.shape
        if np.count_nonzero(support) > m:
            return None
        x = np.zeros(n)
        if support.any():
            columns = self.Q[:, support]
            x[support] = np.linalg.lstsq(columns, self.c[:, b], rcond=None)[0]
            x[support] += np.linalg.lstsq(columns, self._missed(b, x), rcond=None)[0]
        return x if self._feasible(b, x) else None

    def proved(self, b: int, x: FloatArray, coefficients: FloatArray, *, promising: float = 1.0) -> bool:
        """Whether a dual point near ``Q^T coefficients`` proves that |x|_1 is the least norm, up to the gap.

        The point is moved to where it agrees with the signs of x, if there is such a place. What does not even look
        `promising` in floats is not looked at without rounding.
        """
        norm = float(np.abs(x).sum())
        for near in self._agreeing(x, coefficients):
            bound = near @ self.c[:, b] / max(1.0, float(np.abs(self.Q.T @ near).max()))
            if norm - bound <= promising * norm and self._gap_closes(b, x, near):
                return True
        return False

    def by_highs(self, b: int) -> FloatArray:
        """The solution of a linear program, by HiGHS."""
        n = self.A.shape[1]
        result = scipy.optimize.linprog(
            np.ones(2 * n),
            A_eq=np.hstack([self.Q, -self.Q]),
            b_eq=self.c[:, b],
            bounds=(0, None),
            method="highs",
            options=HIGHS,
        )
        if result.status == 0:
            for x in self._from_highs(b, result.x[:n] - result.x[n:]):
                if self.proved(b, x, np.asarray(result.eqlin.marginals)):
                    return x
        raise NotConvergedError(
            f"no dual point proves that the signal found for measurements {b} of matrix {self.index} of the batch has the "
            f"least 1-norm (condition number of the rows: {self.rows.condition[self.index]:.1e}): drop measurements that "
            "nearly depend on others, bring the columns of A nearer to one size, or allow for noise with lasso"
        )

    def _from_highs(self, b: int, x: FloatArray) -> Iterator[FloatArray]:
        for part in (1e-6, 1e-9, 0.0):
            exact = self.vertex(b, np.abs(x) > part * np.abs(x).max(initial=0.0))
            if exact is not None:
                yield exact
        moved = x + self.Q.T @ self._missed(b, x)
        if self._feasible(b, moved):
            yield moved

    def _missed(self, b: int, x: FloatArray) -> FloatArray:
        """``c - Q x``, from the measurements themselves."""
        return self.rows.coordinates_of(self.index, self.y[:, b] - self.A @ x)

    def _feasible(self, b: int, x: FloatArray) -> bool:
        size = np.abs(self.A) @ np.abs(x) + np.abs(self.y[:, b])
        return bool(np.all(np.abs(self.A @ x - self.y[:, b]) <= _FEASIBLE * size))

    def _agreeing(self, x: FloatArray, coefficients: FloatArray) -> Iterator[FloatArray]:
        support = x != 0
        if 0 < np.count_nonzero(support) <= len(coefficients):
            columns = self.Q[:, support]
            differ = np.sign(x[support]) - columns.T @ coefficients
            yield coefficients + np.linalg.lstsq(columns.T, differ, rcond=None)[0]
        yield coefficients

    def _gap_closes(self, b: int, x: FloatArray, coefficients: FloatArray) -> bool:
        """Weak duality without rounding: any v has ``y . v / |A^T v|_inf <= |x'|_1`` for all x' with ``A x' = y``."""
        support = x != 0
        signs, columns = np.sign(x[support]), self.Q[:, support]

        seen, y = self.exact.T, Exact.of(self.y[:, b])[None]
        norm = Exact.of(x).total()

        def too_small(v: Exact) -> FloatArray:
            return -(seen[support] @ v).floats(less=signs)

        def more(differ: FloatArray) -> FloatArray:
            return self.rows.multipliers(self.index, np.linalg.lstsq(columns.T, differ, rcond=None)[0])

        def closes(*parts: FloatArray) -> bool:
            v = Exact.of(*parts)
            bound = (y @ v).fraction(0) / max(Fraction(1), (seen @ v).largest())
            return norm - bound <= _GAP * norm

        start = self.rows.multipliers(self.index, coefficients)
        # One float vector is enough, unless rows are so nearly dependent that its rounding shows.
        return closes(start) or (0 < len(signs) <= len(start) and closes(*refined(too_small, more, start)))
