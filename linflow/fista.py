"""The lasso, a rival of the flow: l1-penalised least squares, batched.

FISTA (Beck & Teboulle 2009) with restarts, stopped by the duality gap. Tested in tests/test_pursuit.py against
scikit-learn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from linflow.checks import FloatArray, non_negative, positive_int
from linflow.errors import InputError, NotConvergedError
from linflow.measurement import Measurement
from linflow.stacks import batches, columns_of, matrices, shrink


def lasso(A: Measurement, y: ArrayLike, *, penalty: float, tolerance: float = 1e-10, steps: int = 50_000) -> FloatArray:
    r"""``argmin 1/2 |A x - y|^2 + penalty |x|_1``, batched, by FISTA with restarts.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or LinearOperator, or (*lead, m, n) array, any m and any rank; [y]/[x]
    y : (*lead, ..., m) array, [y]
    penalty : float > 0, [y]^2/[x]
        scikit-learn's ``alpha`` is this over m.
    tolerance : float > 0
        Every instance stops when its duality gap is at most this times ``1/2 |y|^2``.
    steps : int >= 1
        Most iterations.

    Returns
    -------
    x_hat : (*lead, ..., n) float64 array, [x]

    Raises
    ------
    ShapeError, InputError
        Shapes that disagree, a penalty or tolerance that is not positive, entries that are complex or not finite.
    NotConvergedError
        The gap is still too large after `steps` iterations.

    Notes
    -----
    Beck & Teboulle (2009), eqs. (4.1)-(4.3); momentum is dropped where it points uphill (O'Donoghue & Candes 2015).

    Examples
    --------
    With orthonormal measurements it shrinks each coordinate towards 0 by the penalty.

    >>> np.round(lasso(np.eye(3), [3.0, -2.0, 0.5], penalty=1.0), 6)
    array([ 2., -1.,  0.])
    """
    stack, lead = matrices(A, wide=False)
    D, m, n = stack.shape
    values = batches(y, lead, m, "y")
    for name, number in (("penalty", penalty), ("tolerance", tolerance)):
        if non_negative(number, name) == 0:
            raise InputError(f"{name} must be a finite number > 0, got {number}")
    Y = columns_of(values, D)
    x = np.zeros((D, n, Y.shape[2]))
    if x.size and m:
        x = _fista(stack, Y, float(penalty), float(tolerance), positive_int(steps, "steps"))
    return np.moveaxis(x, 2, 1).reshape(*values.shape[:-1], n)


def _fista(A: FloatArray, Y: FloatArray, penalty: float, tolerance: float, steps: int) -> FloatArray:
    transposed = np.swapaxes(A, 1, 2)
    curvature = np.maximum(np.linalg.norm(A, ord=2, axis=(1, 2)) ** 2, np.finfo(float).tiny)[:, None, None]
    x = np.zeros((len(A), A.shape[2], Y.shape[2]))
    ahead, momentum = x, np.ones((len(A), 1, Y.shape[2]))
    energy = 0.5 * np.sum(Y**2, axis=1)
    for step in range(steps):
        moved = shrink(ahead - transposed @ (A @ ahead - Y) / curvature, penalty / curvature)
        uphill = np.sum((ahead - moved) * (moved - x), axis=1, keepdims=True) > 0
        momentum[uphill] = 1.0
        following = (1.0 + np.sqrt(1.0 + 4.0 * momentum**2)) / 2.0
        ahead = moved + np.where(uphill, 0.0, (momentum - 1.0) / following) * (moved - x)
        x, momentum = moved, following
        if step % 20 == 19 or step == steps - 1:
            residual = Y - A @ x
            correlation = np.abs(transposed @ residual).max(axis=1)
            dual = residual * np.minimum(1.0, penalty / np.maximum(correlation, penalty))[:, None]
            primal = 0.5 * np.sum(residual**2, axis=1) + penalty * np.abs(x).sum(axis=1)
            gap = primal - energy + 0.5 * np.sum((Y - dual) ** 2, axis=1)
            if np.all(gap <= tolerance * energy):
                return x
    worst = float((gap / np.maximum(energy, np.finfo(float).tiny)).max())
    raise NotConvergedError(
        f"the lasso reached a relative duality gap of {worst:.1e} in {steps} steps, asked was {tolerance:g}: allow more "
        "steps, or a larger tolerance"
    )
