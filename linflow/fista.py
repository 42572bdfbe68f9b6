"""The lasso, a rival of the flow: l1-penalised least squares, batched.

FISTA (Beck & Teboulle 2009) with restarts, in the units of A and of each y (powers of two, which round nothing), until the
duality gap proves the value: relative to that value itself, since a gap that is small beside ``1/2 |y|^2`` says nothing
where the penalty is small and y is explained almost exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow.checks import FloatArray, positive, positive_int
from linflow.errors import InputError, NotConvergedError
from linflow.measurement import Measurement
from linflow.stacks import batches, columns_of, in_units, matrices, shrink

#: Steps between two looks at the gap.
_LOOK = 20
#: A penalty, in the units of A and y, whose products with entries of x are still normal numbers.
_SMALLEST = 1e-290


def lasso(A: Measurement, y: ArrayLike, *, penalty: float, tolerance: float = 1e-10, steps: int = 50_000) -> FloatArray:
    r"""``argmin 1/2 |A x - y|^2 + penalty |x|_1``, batched, by FISTA with restarts.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or LinearOperator, or (*lead, m, n) array, any m and any rank; [y]/[x]
    y : (*lead, ..., m) array, [y]
    penalty : float > 0, [y]^2/[x]
        scikit-learn's ``alpha`` is this over m.
    tolerance : float > 0
        Every instance stops when its duality gap is at most this times the value of the objective, which is then within
        that of the least one, relative to itself.
    steps : int >= 1
        Most iterations.

    Returns
    -------
    x_hat : (*lead, ..., n) float64 array, [x]

    Raises
    ------
    ShapeError, InputError
        Shapes that disagree, a penalty or tolerance that is not positive, entries that are complex or not finite, a
        solution too large for float64.
    NotConvergedError
        The gap is still too large after `steps` iterations: the penalty is too small for them, or for float64.

    Notes
    -----
    Beck & Teboulle (2009), eqs. (4.1)-(4.3); momentum is dropped where it points uphill (O'Donoghue & Candes 2015). For
    any u with ``|A^T u| <= penalty`` the gap is ``1/2 |r - u|^2 + penalty |x|_1 - x . A^T u``, r the residual, in which
    nothing of the size of ``|y|^2`` cancels.

    Examples
    --------
    With orthonormal measurements it shrinks each coordinate towards 0 by the penalty.

    >>> np.round(lasso(np.eye(3), [3.0, -2.0, 0.5], penalty=1.0), 6)
    array([ 2., -1.,  0.])
    """
    stack, lead = matrices(A, wide=False)
    D, m, n = stack.shape
    values = batches(y, lead, m, "y")
    penalty, tolerance = positive(penalty, "penalty"), positive(tolerance, "tolerance")
    Y, steps = columns_of(values, D), positive_int(steps, "steps")
    x = np.zeros((D, n, Y.shape[2]))
    if x.size and m:
        size_A, size_y = (np.frexp(np.abs(part).max(axis=axis))[1] for part, axis in ((stack, (1, 2)), (Y, 1)))
        size_A, size_y = size_A[:, None, None], size_y[:, None, :]
        with np.errstate(over="ignore"):
            # No correlation exceeds m in these units: from there on x = 0, and a larger penalty changes nothing.
            penalties = np.minimum(np.ldexp(penalty, -size_A - size_y), m + 1.0)
        if np.any((penalties < _SMALLEST) & (np.abs(Y).max(axis=1, keepdims=True) > 0)):
            raise InputError(f"penalty = {penalty:g} is too small for float64 beside A and y: use basis_pursuit")
        x = _fista(np.ldexp(stack, -size_A), np.ldexp(Y, -size_y), penalties, tolerance, steps)
        x = in_units(x, size_y - size_A)
    return np.moveaxis(x, 2, 1).reshape(*values.shape[:-1], n)


def _fista(A: FloatArray, Y: FloatArray, penalty: FloatArray, tolerance: float, steps: int) -> FloatArray:
    """A (D, m, n) and Y (D, m, K) of size 1, penalty (D, 1, K)."""
    transposed = np.swapaxes(A, 1, 2)
    curvature = np.linalg.norm(A, ord=2, axis=(1, 2))[:, None, None] ** 2
    curvature[curvature == 0] = 1.0
    x = np.zeros((len(A), A.shape[2], Y.shape[2]))
    ahead, momentum = x, np.ones((len(A), 1, Y.shape[2]))
    # Each instance is kept as it was when its gap closed: what else is in the batch must not change it.
    solution, unproved = x, np.ones((len(A), Y.shape[2]), dtype=bool)
    settle = _LOOK
    for step in range(steps):
        moved = shrink(ahead - transposed @ (A @ ahead - Y) / curvature, penalty / curvature)
        uphill = np.sum((ahead - moved) * (moved - x), axis=1, keepdims=True) > 0
        momentum[uphill] = 1.0
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        ahead = moved + np.where(uphill, 0.0, (momentum - 1.0) / following) * (moved - x)
        x, momentum = moved, following
        if step % _LOOK == _LOOK - 1 or step == steps - 1:
            candidates = [(x, Y - A @ x)]
            if step + 1 >= settle or step == steps - 1:
                settle *= 2
                candidates.append(_settled(A, Y, penalty, x, unproved))
            for candidate, dual in candidates:
                gap, value = _gap(A, Y, penalty, candidate, dual)
                proved = unproved & (gap <= tolerance * value)
                solution = np.where(proved[:, None], candidate, solution)
                unproved &= ~proved
            if not unproved.any():
                return solution
    worst = float((gap[unproved] / value[unproved]).max())
    raise NotConvergedError(
        f"the lasso reached a relative duality gap of {worst:.1e} in {steps} steps, asked was {tolerance:g}: allow more "
        "steps, a larger penalty or a larger tolerance"
    )


def _settled(
    A: FloatArray, Y: FloatArray, penalty: FloatArray, x: FloatArray, wanted: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray]:
    """The stationary points with the supports and signs of x, which an iteration only comes near to, and dual points.

    The dual point is found for itself: as the difference ``y - A x`` it would be rounded at the size of y.
    """
    settled, dual = x.copy(), Y - A @ x
    for a, b in np.argwhere(wanted):
        support = x[a, :, b] != 0
        if 0 < np.count_nonzero(support) <= A.shape[1]:
            columns, signs = A[a][:, support], np.sign(x[a, support, b])
            # A_S^T (y - A_S x_S) = penalty s: the residual is what A_S cannot reach of y and the least u that does this.
            u = np.linalg.lstsq(columns.T, penalty[a, 0, b] * signs, rcond=None)[0]
            settled[a, support, b] = np.linalg.lstsq(columns, Y[a, :, b] - u, rcond=None)[0]
            left = Y[a, :, b]
            for _ in range(2):  # the second time takes off what the first one rounded at the size of y
                left = left - columns @ np.linalg.lstsq(columns, left, rcond=None)[0]
            dual[a, :, b] = u + left
    return settled, dual


def _gap(
    A: FloatArray, Y: FloatArray, penalty: FloatArray, x: FloatArray, dual: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Duality gap and value of the objective, (D, K) each, for x (D, n, K) and a dual point (D, m, K), brought inside."""
    correlation = np.swapaxes(A, 1, 2) @ dual
    largest = np.abs(correlation).max(axis=1, keepdims=True)
    inside = np.where(largest > penalty, penalty / np.where(largest > 0, largest, 1.0), 1.0)
    residual = Y - A @ x
    slack = penalty * np.abs(x) - inside * correlation * x
    # Where the dual point is far larger than its correlations, these are rounded at its size.
    slack += np.finfo(float).eps * (np.abs(np.swapaxes(A, 1, 2)) @ np.abs(inside * dual)) * np.abs(x)
    gap = 0.5 * np.sum((residual - inside * dual) ** 2, axis=1) + np.sum(slack, axis=1)
    value = 0.5 * np.sum(residual**2, axis=1) + np.sum(penalty * np.abs(x), axis=1)
    return gap, value
