r"""Sparse priors, the rivals of the flow: basis pursuit, and the exact decision whether a signal is found.

Basis pursuit is ``argmin |x|_1`` subject to ``A x = y`` (Chen, Donoho & Saunders 1998). The bulk is solved by ADMM on all
instances at once; nothing that ADMM says is believed without a certificate that does not depend on its convergence:

* x_0 with support S and signs s **is** the unique solution iff A_S has independent columns and some w in the row space of A
  has ``w_S = s`` and ``|w_i| < 1`` off S (Fuchs 2004);
* it **is not** if some h with ``A h = 0`` has ``s . h_S + |h_{S^c}|_1 < 0``, since the norm falls along h.

What neither certificate settles lies near the threshold and goes to HiGHS, which computes the margin
``1 - min max_{i not in S} |w_i|`` over all w with ``w_S = s``, whose sign is the answer. Decisions are invariant under
everything but A, S and s, so magnitudes of x_0 never enter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from linflow.checks import FloatArray, non_negative, positive_int
from linflow.errors import NotConvergedError, RankError, ShapeError
from linflow.measurement import Measurement
from linflow.stacks import batches, columns_of, matrices

#: A strict inequality must hold with this much to spare before rounding is ruled out.
_MARGIN = 1e-8
#: ADMM: threshold in units of the largest |A^+ y|, over-relaxation, iterations between two looks at the certificates.
_THRESHOLD, _RELAXATION, _ROUND = 0.3, 1.7, 40
#: Smallest diagonal entry of R, relative to the largest, of columns that count as independent.
_DEPENDENT = 1e-11


def basis_pursuit(A: Measurement, y: ArrayLike, *, rounds: int = 25) -> FloatArray:
    r"""Signal of least 1-norm that explains exact measurements: ``argmin |x|_1`` subject to ``A x = y``.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or LinearOperator, or (*lead, m, n) array; m <= n, independent rows; [y]/[x]
    y : (*lead, ..., m) array, [y]
        The first axes are those of A, one matrix for each place; the others are a batch for that matrix.
    rounds : int >= 1
        How many times 40 steps of ADMM are tried before HiGHS takes over an instance. It changes the time, never the
        answer beyond rounding.

    Returns
    -------
    x_hat : (*lead, ..., n) float64 array, [x]
        A solution whose 1-norm is certified, by a dual feasible point, to exceed the least one by at most 1e-8 of itself
        (HiGHS: its own tolerance of about 1e-7).

    Raises
    ------
    ShapeError, InputError
        Shapes that disagree, m > n, entries that are complex or not finite.
    RankError
        The rows of A are linearly dependent (to rounding).

    Notes
    -----
    Chen, Donoho & Saunders (1998), eq. (3.1); ADMM as in Boyd et al. (2011), section 6.2, over-relaxed. The support that
    ADMM finds is solved for anew, so solutions are exact to rounding and not to the tolerance of an iteration.

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
        scale = np.abs(Y).max(axis=1, keepdims=True)
        scale[scale == 0] = 1.0
        iteration = _Iteration.of(stack, Y / scale)
        for _ in range(rounds):
            iteration.advance(_ROUND)
            w, measured = iteration.dual(), iteration.columns(Y / scale)
            for a, b in iteration.undecided():
                x = _vertex(stack[iteration.active[a]], measured[a, :, b], iteration.z[a, :, b])
                if x is None:
                    continue
                # Weak duality: w = A^T nu with |w| <= 1 gives nu . y = w . (any x with A x = y) <= the least norm.
                bound = w[a, :, b] @ x / max(1.0, float(np.abs(w[a, :, b]).max()))
                if np.abs(x).sum() - bound <= _MARGIN * max(np.abs(x).sum(), np.finfo(float).tiny):
                    iteration.decided[a, b] = True
                    solution[iteration.active[a], :, iteration.origin[a, b]] = x
            if not iteration.shrink():
                break
        left = {(int(iteration.active[a]), int(iteration.origin[a, b])) for a, b in iteration.undecided()}
        for a, b in left:
            solution[a, :, b] = _by_highs(stack[a], Y[a, :, b] / scale[a, 0, b])
        solution *= scale
    return np.moveaxis(solution, 2, 1).reshape(*values.shape[:-1], n)


@dataclass(frozen=True)
class Recovery:
    """Which sparse signals basis pursuit finds, and how each was decided.

    Parameters
    ----------
    found : (...) booleans, the signal is the unique solution.
    adjudicated : (...) booleans, neither certificate settled it within the iterations and HiGHS did.
    """

    found: NDArray[np.bool_]
    adjudicated: NDArray[np.bool_]


def recovery(A: Measurement, x_0: ArrayLike, *, rounds: int = 10) -> Recovery:
    r"""Decide for each sparse x_0 whether it is the unique solution of basis pursuit from ``y = A x_0``.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or LinearOperator, or (*lead, m, n) array; m <= n, independent rows
    x_0 : (*lead, ..., n) array
        Only its support (entries that are not exactly 0) and its signs matter.
    rounds : int >= 0
        As in `basis_pursuit`; 0 sends to HiGHS everything that the least-squares certificate does not settle.

    Returns
    -------
    Recovery
        Arrays of shape (*lead, ...).

    Raises
    ------
    ShapeError, InputError, RankError
        As in `basis_pursuit`.

    Notes
    -----
    Fuchs (2004), Theorem 2, and its converse; see the module's head. Both certificates must hold with 1e-8 to spare.
    HiGHS decides with a tolerance of about 1e-7 on the margin, which for Gaussian A has a density.

    Examples
    --------
    One measurement finds the coordinate that it weights most, and no other.

    >>> recovery(np.array([[1.0, 2.0]]), [[0.0, 5.0], [5.0, 0.0]]).found
    array([ True, False])
    """
    stack, lead = matrices(A)
    D, m, n = stack.shape
    values = batches(x_0, lead, n, "x_0")
    S = columns_of(np.sign(values), D)
    rounds = int(non_negative(rounds, "rounds"))
    found = np.zeros((D, S.shape[2]), dtype=bool)
    adjudicated = np.zeros_like(found)
    if S.size and not m:
        found[:] = ~S.any(axis=1)
    elif S.size:
        iteration = _Iteration.of(stack, stack @ S)
        certificates = {}
        for a, b in iteration.undecided():
            certificate = certificates[a, b] = _Certificate.of(iteration.Q[a], S[a, :, b])
            if certificate.impossible:
                iteration.decided[a, b] = True
            elif certificate.holds(np.zeros(m)):
                iteration.decided[a, b] = found[a, b] = True
        for _ in range(rounds):
            if not iteration.shrink():
                break
            iteration.advance(_ROUND)
            c, x = iteration.coefficients(), iteration.feasible()
            for i, j in iteration.undecided():
                a, b = int(iteration.active[i]), int(iteration.origin[i, j])
                found[a, b] = certificates[a, b].holds(c[i, :, j])
                iteration.decided[i, j] = found[a, b] or certificates[a, b].fails(x[i, :, j])
        for i, j in iteration.undecided():
            a, b = int(iteration.active[i]), int(iteration.origin[i, j])
            found[a, b], adjudicated[a, b] = certificate_margin(stack[a], S[a, :, b]) > 0, True
    shape = values.shape[:-1]
    return Recovery(found.reshape(shape), adjudicated.reshape(shape))


def certificate_margin(A: Measurement, x_0: ArrayLike) -> float:
    r"""``1 - min max_{i not in S} |w_i|`` over w in the row space of A with ``w_S = sign(x_0)_S``, by HiGHS.

    Positive iff x_0 is the unique solution of basis pursuit (when A_S has independent columns); 1 if the support is
    everything, -inf if no w fits the signs or A_S has dependent columns.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or LinearOperator, m <= n
    x_0 : (n,) array

    Raises
    ------
    ShapeError, InputError, RankError
        As in `basis_pursuit`.

    Examples
    --------
    With rows (1, 2), w = (w_1, 2 w_1): for the second coordinate w = (1/2, 1), for the first w = (1, 2).

    >>> A = np.array([[1.0, 2.0]])
    >>> certificate_margin(A, [0.0, 5.0]), certificate_margin(A, [5.0, 0.0])
    (0.5, -1.0)
    """
    stack, lead = matrices(A)
    if lead:
        raise ShapeError(f"A must be one (m, n) matrix here, got shape {(*lead, *stack.shape[1:])}: call it for each")
    m, n = stack.shape[1:]
    signs = np.sign(batches(x_0, (), n, "x_0"))
    if signs.ndim != 1:
        raise ShapeError(f"x_0 must be one signal of shape ({n},) here, got {signs.shape}: call it for each")
    Q, _ = _orthonormal_rows(stack)
    certificate = _Certificate.of(Q[0], signs)
    if certificate.impossible:
        return -np.inf
    off = Q[0][:, ~certificate.support].T
    if off.size == 0:
        return 1.0
    # Unknowns (c, t): minimise t subject to |w_i| <= t off S and w_S = s, w = Q^T c.
    ones = np.ones((len(off), 1))
    result = scipy.optimize.linprog(
        np.append(np.zeros(m), 1.0),
        A_ub=np.vstack([np.hstack([off, -ones]), np.hstack([-off, -ones])]),
        b_ub=np.zeros(2 * len(off)),
        A_eq=np.hstack([certificate.columns.T, np.zeros((certificate.columns.shape[1], 1))]),
        b_eq=certificate.signs,
        bounds=[(None, None)] * m + [(0, None)],
        method="highs",
    )
    if result.status == 2:
        return -np.inf
    if result.status != 0:
        raise NotConvergedError(f"HiGHS could not decide the certificate: {result.message}")
    return float(1.0 - result.x[-1])


# ------------------------------------------------------------------------------------------------------- numerics


@dataclass
class _Iteration:
    """ADMM for ``min |x|_1, A x = y`` on every (matrix, column) that is not decided yet.

    `active` names the matrices still here, `origin` the columns; both are thinned out by `shrink`.
    """

    Q: FloatArray
    particular: FloatArray
    z: FloatArray
    u: FloatArray
    threshold: FloatArray
    active: NDArray[np.int64]
    origin: NDArray[np.int64]
    decided: NDArray[np.bool_]

    @classmethod
    def of(cls, A: FloatArray, Y: FloatArray) -> _Iteration:
        Q, R = _orthonormal_rows(A)
        # A = R^T Q, so Q x = R^{-T} y.
        particular = np.swapaxes(Q, 1, 2) @ np.linalg.solve(np.swapaxes(R, 1, 2), Y)
        size = np.abs(particular).max(axis=1, keepdims=True)
        threshold = _THRESHOLD * np.where(size > 0, size, 1.0)
        D, K = len(A), Y.shape[2]
        return cls(
            Q=Q,
            particular=particular,
            z=particular,
            u=np.zeros_like(particular),
            threshold=threshold,
            active=np.arange(D),
            origin=np.broadcast_to(np.arange(K), (D, K)),
            decided=np.zeros((D, K), dtype=bool),
        )

    def advance(self, steps: int) -> None:
        """Run some steps."""
        transposed, z, u = np.ascontiguousarray(np.swapaxes(self.Q, 1, 2)), self.z, self.u
        for _ in range(steps):
            v = z - u
            x = v - transposed @ (self.Q @ v) + self.particular
            x += (_RELAXATION - 1.0) * (x - z)
            x += u
            u = np.clip(x, -self.threshold, self.threshold)
            z = x - u
        self.z, self.u = z, u

    def coefficients(self) -> FloatArray:
        """C, (D, m, K): the dual candidate w = Q^T c in coordinates of the row space."""
        projected: FloatArray = self.Q @ (self.u / self.threshold)
        return projected

    def dual(self) -> FloatArray:
        """Candidate w in the row space of A, (D, n, K)."""
        w: FloatArray = np.swapaxes(self.Q, 1, 2) @ self.coefficients()
        return w

    def feasible(self) -> FloatArray:
        """z moved to the nearest solution of A x = y."""
        moved: FloatArray = self.z - np.swapaxes(self.Q, 1, 2) @ (self.Q @ self.z) + self.particular
        return moved

    def columns(self, values: FloatArray) -> FloatArray:
        """The part of `values`, (D, ., K) of the start, that belongs to what is still here."""
        return np.take_along_axis(values[self.active], self.origin[:, None, :], axis=2)

    def undecided(self) -> list[tuple[int, int]]:
        """Places (matrix, column) of this moment."""
        return [(int(a), int(b)) for a, b in np.argwhere(~self.decided)]

    def shrink(self) -> bool:
        """Drop what is decided; False if nothing is left."""
        keep = np.flatnonzero(~self.decided.all(axis=1))
        self._keep_matrices(keep)
        if not keep.size:
            return False
        width = int((~self.decided).sum(axis=1).max())
        if width < self.decided.shape[1]:
            order = np.argsort(self.decided, axis=1, kind="stable")[:, :width]
            for name in ("particular", "z", "u", "threshold"):
                setattr(self, name, np.take_along_axis(getattr(self, name), order[:, None, :], axis=2))
            self.origin = np.take_along_axis(self.origin, order, axis=1)
            self.decided = np.take_along_axis(self.decided, order, axis=1)
        return True

    def _keep_matrices(self, keep: NDArray[np.int64]) -> None:
        if keep.size < len(self.active):
            for name in ("Q", "particular", "z", "u", "threshold", "active", "origin", "decided"):
                setattr(self, name, getattr(self, name)[keep])


@dataclass(frozen=True)
class _Certificate:
    """The two certificates for one sign pattern."""

    Q: FloatArray
    support: NDArray[np.bool_]
    signs: FloatArray
    #: Q_S, and (Q_S^T)^+: adding ``lift @ (signs - Q_S^T c)`` to c is the smallest change that meets the signs.
    columns: FloatArray
    lift: FloatArray
    #: A_S has dependent columns, so that x_0 is not determined by its support.
    impossible: bool

    @classmethod
    def of(cls, Q: FloatArray, signs: FloatArray) -> _Certificate:
        support = signs != 0
        columns = Q[:, support]
        m, k = columns.shape
        impossible, lift = k > m, np.zeros((m, k))
        if k and not impossible:
            q, r = np.linalg.qr(columns)
            diagonal = np.abs(np.diagonal(r))
            impossible = bool(diagonal.min() <= _DEPENDENT * diagonal.max())
            if not impossible:
                lift = scipy.linalg.solve_triangular(r, q.T, check_finite=False).T
        return cls(Q, support, signs[support], columns, lift, impossible)

    def holds(self, c: FloatArray) -> bool:
        """The dual point nearest to c proves that x_0 is the unique solution."""
        w = self.Q.T @ (c + self.lift @ (self.signs - self.columns.T @ c))
        return bool(np.abs(w[~self.support]).max(initial=0.0) < 1.0 - _MARGIN)

    def fails(self, x: FloatArray) -> bool:
        """The step from the sign pattern to x, which has the same measurements, lowers the norm."""
        h = x.copy()
        h[self.support] -= self.signs
        slope = self.signs @ h[self.support] + np.abs(h[~self.support]).sum()
        return bool(slope < -_MARGIN * np.abs(h).sum())


def _vertex(A: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray | None:
    """Solution of A x = y on the support of z, or None if there is none."""
    support = np.flatnonzero(z)
    x = np.zeros(A.shape[1])
    if support.size > A.shape[0]:
        return None
    if support.size:
        x[support] = np.linalg.lstsq(A[:, support], y, rcond=None)[0]
    size = np.abs(A) @ np.abs(x) + np.abs(y)
    return x if np.all(np.abs(A @ x - y) <= 1e-10 * size) else None


def _by_highs(A: FloatArray, y: FloatArray) -> FloatArray:
    n = A.shape[1]
    result = scipy.optimize.linprog(np.ones(2 * n), A_eq=np.hstack([A, -A]), b_eq=y, bounds=(0, None), method="highs")
    if result.status != 0:
        raise NotConvergedError(f"HiGHS could not solve basis pursuit: {result.message}")
    x: FloatArray = result.x[:n] - result.x[n:]
    exact = _vertex(A, y, np.where(np.abs(x) > 1e-9 * np.abs(x).max(initial=0.0), x, 0.0))
    return x if exact is None or np.abs(exact).sum() > np.abs(x).sum() * (1 + 1e-7) else exact


def _orthonormal_rows(A: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Q (D, m, n) with orthonormal rows and R (D, m, m) with ``A = R^T Q``."""
    Q, R = np.linalg.qr(np.swapaxes(A, 1, 2))
    diagonal = np.abs(np.diagonal(R, axis1=1, axis2=2))
    size = np.linalg.norm(A, axis=2)
    bad = np.argwhere(diagonal <= _DEPENDENT * size)
    if bad.size:
        raise RankError(
            f"row {bad[0][1]} of A (matrix {bad[0][0]} of the batch) is, to rounding, zero or a linear combination of the "
            "rows before it: drop that measurement"
        )
    return np.ascontiguousarray(np.swapaxes(Q, 1, 2)), R
