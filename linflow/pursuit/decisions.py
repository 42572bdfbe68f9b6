"""Which sparse signals basis pursuit finds: decided, not tried out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow.arrays import NoArray
from linflow.checks import rounds_of
from linflow.errors import NotConvergedError, ShapeError
from linflow.measurement import Measurement
from linflow.pursuit.admm import ROUND, Iteration
from linflow.pursuit.certificates import Certificate
from linflow.pursuit.rows import Rows
from linflow.stacks import batches, columns_of, matrices

#: What is promised of a margin, relative to 1 or to itself if that is more.
_PROMISE = 1e-7


@dataclass(frozen=True)
class Recovery(NoArray, instead="its found"):
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
        Rounds of 40 steps of ADMM; 0 sends to HiGHS everything that the least-squares certificate does not settle.

    Returns
    -------
    Recovery
        Arrays of shape (*lead, ...).

    Raises
    ------
    ShapeError, InputError, RankError
        As in `basis_pursuit`.
    NotConvergedError
        A signal, which is named, lies so near the threshold that nothing proves whether it is found: no answer is given,
        also not for the others.

    Notes
    -----
    Fuchs (2004), Theorem 2, and its converse; see the module's head. Every answer is that of a certificate. In floats each
    must hold with 1e-8 to spare (more where the rows of A, or its columns on the support, are nearly dependent); what
    that leaves is decided by the certificates of HiGHS, held against A without rounding, and an exact tie by rational
    arithmetic.

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
    rounds = rounds_of(rounds, "rounds")
    found = np.zeros((D, S.shape[2]), dtype=bool)
    adjudicated = np.zeros_like(found)
    if S.size and not m:
        found[:] = ~S.any(axis=1)
    elif S.size:
        rows = Rows.of(stack)
        iteration = Iteration.of(rows.Q, rows.Q @ S)
        certificates = {}
        for a, condition in enumerate(rows.condition):
            for b in range(S.shape[2]):
                certificate = certificates[a, b] = Certificate.of(rows, a, S[a, :, b], float(condition))
                found[a, b] = certificate.holds(np.zeros(m))
                iteration.decided[a, b] = found[a, b] or np.count_nonzero(certificate.support) > m
        for _ in range(rounds):
            if not iteration.shrink():
                break
            iteration.advance(ROUND)
            c, x = iteration.coefficients(), iteration.feasible()
            for i, j in iteration.undecided():
                a, b = iteration.first(i, j)
                found[a, b] = certificates[a, b].holds(c[i, :, j])
                iteration.decided[i, j] = found[a, b] or certificates[a, b].fails(x[i, :, j])
        for i, j in iteration.undecided():
            a, b = iteration.first(i, j)
            found[a, b] = certificates[a, b].margin(f"signal {b} of matrix {a} of the batch")[0] > 0
            adjudicated[a, b] = True
    shape = values.shape[:-1]
    return Recovery(found.reshape(shape), adjudicated.reshape(shape))


def certificate_margin(A: Measurement, x_0: ArrayLike) -> float:
    r"""``1 - min max_{i not in S} |w_i|`` over w in the row space of A with ``w_S = sign(x_0)_S``, by HiGHS.

    Positive iff x_0 is the unique solution of basis pursuit; 1 if the support is everything or nothing, -inf if A_S has
    dependent columns. A dual point and a null vector of A enclose the value to 1e-7 of itself, or of 1 if that is more, and
    prove its sign.

    Parameters
    ----------
    A : (m, n) array, sparse matrix or LinearOperator, m <= n
    x_0 : (n,) array

    Raises
    ------
    ShapeError, InputError, RankError
        As in `basis_pursuit`.
    NotConvergedError
        The value is not enclosed, or its sign not proved.

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
    if not m:
        return -np.inf if signs.any() else 1.0
    rows = Rows.of(stack)
    low, high = Certificate.of(rows, 0, signs, float(rows.condition[0])).margin("x_0")
    if np.isfinite(low) and high - low > _PROMISE * max(1.0, abs(low)):
        raise NotConvergedError(
            f"the margin of x_0 is only known to lie between {low:.9g} and {high:.9g}: drop measurements that nearly "
            "depend on others, bring the columns of A nearer to one size, or ask recovery for the sign alone"
        )
    return float(low if low > 0 else high)
