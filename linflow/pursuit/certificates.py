r"""The two certificates for one sign pattern, in floats for the bulk and without rounding where it is close.

With s the signs on the support S: some w in the row space of A with ``w_S = s``, ``|w_i| < 1`` off S proves that the
signal is the unique solution (if A_S has independent columns); some h != 0 with ``A h = 0``,
``s . h_S + |h_{S^c}|_1 <= 0`` proves that it is not. The best of both are a pair of dual
linear programs: the least t with ``|w_i| <= t`` off S is the largest ``-s . h_S / |h_{S^c}|_1``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import scipy.linalg
import scipy.optimize
from numpy.typing import NDArray
from scipy.linalg import lapack

from linflow.checks import FloatArray
from linflow.errors import NotConvergedError
from linflow.pursuit.exact import Exact, null_vectors, refined
from linflow.pursuit.least import HIGHS
from linflow.pursuit.rows import Rows

#: In floats, a strict inequality must hold with this much to spare, or with this many units of rounding if that is more.
_MARGIN, _UNITS = 1e-8, 100.0
#: Where sums are exact, all that rounds is the last step of each certificate.
_SPARE = 1e-13
#: Part of a column that is new, relative to its length, below which columns of the support count as dependent.
_DEPENDENT = 1e-11
#: Columns that LAPACK works on at a time.
_BLOCK = 64


@dataclass(frozen=True)
class Certificate:
    """Both certificates for one sign pattern and one matrix."""

    rows: Rows
    index: int
    support: NDArray[np.bool_]
    signs: FloatArray
    #: Q_S, and (Q_S^T)^+: adding ``lift @ (signs - Q_S^T c)`` to c is the smallest change that meets the signs.
    columns: FloatArray
    lift: FloatArray
    #: A_S has more columns than rows, or columns that are dependent to rounding.
    dependent: bool
    spare: float

    @classmethod
    def of(cls, rows: Rows, index: int, signs: FloatArray, condition: float) -> Certificate:
        """`condition` is that of the rows of this matrix."""
        support = signs != 0
        columns = rows.Q[index][:, support]
        m, k = columns.shape
        dependent, lift = k > m, np.zeros((m, k))
        if k and not dependent:
            lengths = np.linalg.norm(columns, axis=0)
            # LAPACK itself: a grid has thousands of these small matrices, and three wrappers cost three times the work.
            factored, tau, _, _ = lapack.dgeqrf(
                np.asfortranarray(columns / np.where(lengths > 0, lengths, 1.0)), lwork=_BLOCK * k, overwrite_a=1
            )
            r = factored[:k].copy(order="F")
            dependent = bool(np.abs(np.diagonal(r)).min() <= _DEPENDENT or lengths.min() == 0)
            if not dependent:
                q = lapack.dorgqr(factored, tau, lwork=_BLOCK * k, overwrite_a=1)[0]
                lift = lapack.dtrtrs(r, q.T)[0].T / lengths
        rounding = _UNITS * np.finfo(float).eps * len(signs) * condition * max(1.0, float(np.linalg.norm(lift)))
        return cls(rows, index, support, signs[support], columns, lift, dependent, max(_MARGIN, float(rounding)))

    def _agreeing(self, c: FloatArray) -> FloatArray:
        """The point nearest to c whose w has the signs on S."""
        agreeing: FloatArray = c + self.lift @ (self.signs - self.columns.T @ c)
        return agreeing

    def holds(self, c: FloatArray) -> bool:
        """The dual point nearest to c proves that x_0 is the unique solution."""
        if self.dependent:
            return False
        w = self.rows.Q[self.index].T @ self._agreeing(c)
        return bool(np.abs(w[~self.support]).max(initial=0.0) < 1.0 - self.spare)

    def fails(self, x: FloatArray) -> bool:
        """The step from the sign pattern to x, which has the same measurements, lowers the norm."""
        h = x.copy()
        h[self.support] -= self.signs
        slope = self.signs @ h[self.support] + np.abs(h[~self.support]).sum()
        return bool(slope < -self.spare * np.abs(h).sum())

    def best(self) -> tuple[FloatArray, FloatArray]:
        """C and h of the pair of linear programs, by HiGHS; the support must not be `dependent`."""
        off = self.rows.Q[self.index][:, ~self.support]
        c = self.lift @ self.signs
        w, free = off.T @ c, scipy.linalg.qr(self.columns)[0][:, len(self.signs) :]
        h = np.zeros(len(self.support))
        size = float(np.abs(w).max(initial=0.0))
        if size == 0.0:
            return c, h
        # Unknowns (d, t): minimise t subject to |w + W d| <= t, c + free d being all that meets the signs.
        W, ones = off.T @ free, np.ones((len(w), 1))
        result = scipy.optimize.linprog(
            np.append(np.zeros(W.shape[1]), 1.0),
            A_ub=np.vstack([np.hstack([W, -ones]), np.hstack([-W, -ones])]),
            b_ub=np.concatenate([-w, w]) / size,
            bounds=[(None, None)] * W.shape[1] + [(0, None)],
            method="highs",
            options=HIGHS,
        )
        if result.status != 0:
            raise NotConvergedError(f"HiGHS could not decide the certificate: {result.message}")
        below, above = np.split(-np.asarray(result.ineqlin.marginals), 2)
        h[~self.support] = below - above
        h[self.support] = -self.lift.T @ (off @ h[~self.support])
        return c + free @ (size * result.x[:-1]), h

    def bound_from_dual(self, c: FloatArray) -> float:
        """The largest |w_i| off S of a w with ``w_S = s`` near ``Q^T c``: t is at most that."""
        A = Exact.of(self.rows.unit[self.index])

        def too_small(v: Exact) -> FloatArray:
            return -(A.T[self.support] @ v).floats(less=self.signs)

        def more(differ: FloatArray) -> FloatArray:
            return self.rows.multipliers(self.index, self.lift @ differ)

        parts = refined(too_small, more, self.rows.multipliers(self.index, self._agreeing(c)))
        v = Exact.of(*parts)
        # What is still missing on S could be added at this cost.
        missing = float(np.linalg.norm(self.lift @ too_small(v)))
        return float((A.T[~self.support] @ v).largest() + Fraction(missing))

    def bound_from_null(self, h: FloatArray) -> float:
        """``-s . h_S / |h_{S^c}|_1`` of an h with ``A h = 0`` near the one given: t is at least that."""
        A, Q = Exact.of(self.rows.unit[self.index]), self.rows.Q[self.index]

        def remainder(h: Exact) -> FloatArray:
            return (A @ h).floats()

        def back(y: FloatArray) -> FloatArray:
            return np.asarray(-Q.T @ self.rows.coordinates_of(self.index, y))

        null = Exact.of(*refined(remainder, back, h))
        missing = np.sqrt(len(h)) * float(np.linalg.norm(back(remainder(null))))
        gain, norm = -float(self.signs @ null[self.support].floats()), float(null[~self.support].total())
        return (gain - missing) / (norm + missing) if norm > 0 else 0.0

    def tied(self, places: NDArray[np.bool_]) -> bool:
        """Some h on these places, with ``A h = 0`` exactly, does not raise the norm: x_0 is not the only solution."""
        columns = np.flatnonzero(places)
        signs = np.zeros(len(places))
        signs[self.support] = self.signs
        for vector in null_vectors(Exact.of(self.rows.unit[self.index][:, columns])):
            along = sum((Fraction(int(signs[j])) * h for j, h in zip(columns, vector, strict=True)), Fraction(0))
            off = sum((abs(h) for j, h in zip(columns, vector, strict=True) if not self.support[j]), Fraction(0))
            if off <= abs(along):
                return True
        return False

    def margin(self, named: str) -> tuple[float, float]:
        """Bounds of ``1 - t`` that prove its sign, (-inf, -inf) if A_S has dependent columns, (., 0) for a tie.

        NotConvergedError, in which the signal is called `named`, if nothing proves the sign.
        """
        if self.dependent:
            if len(self.signs) > len(self.columns) or self.tied(self.support):
                return -np.inf, -np.inf
            raise NotConvergedError(
                f"the columns of A on the support of {named} are dependent to rounding but not exactly, so that nothing "
                "proves whether basis pursuit finds it: drop one of the columns"
            )
        c, h = self.best()
        low, high = 1.0 - self.bound_from_dual(c), 1.0 - self.bound_from_null(h)
        if low > _SPARE or high < -_SPARE:
            return low, high
        if self.tied(self.support | (h != 0)):
            return min(low, 0.0), 0.0
        raise NotConvergedError(
            f"{named} lies at the threshold of basis pursuit, its margin between {low:.1e} and {high:.1e}, so that nothing "
            "proves whether it is found: change A by more than rounding, or leave that signal out"
        )
