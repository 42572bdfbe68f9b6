r"""Compression of a large spectrum: a few hundred weighted nodes in the place of up to millions of values.

Every sum that the exact quadratures and the deterministic equivalents need has the form ``sum_i w_i f(log l_i)`` with
f analytic for ``|Im log l| < pi``: ``log(1 + t l)``, ``t l / (1 + t l)``, ``l / (l + kappa)`` and its square have their
only singularity at ``log l = log kappa +- i pi``. On a bin of width 1 such an f is a polynomial of degree 15 up to
rounding: the nearest singularity lies at ``2 pi`` half-widths, on the Bernstein ellipse of parameter
``rho = 2 pi + sqrt(4 pi^2 + 1) = 12.6``, and ``rho^-16 = 2e-18``. So a bin's points may be replaced by its 16 Chebyshev
nodes, each carrying the sum of the points' Lagrange weights.

Source: Trefethen, *Approximation Theory and Approximation Practice* (2013), Theorem 8.2 (error of Chebyshev
interpolation). Tested in tests/test_exact.py against the full sums.
"""

from __future__ import annotations

import numpy as np

from linflow.checks import FloatArray
from linflow.errors import ShapeError

#: Up to this many values nothing is compressed: the full sum is as fast and has no interpolation error at all.
SMALL = 2048
#: Chebyshev nodes for a bin of width 1 in log l.
NODES = 16


def compress(log_l: FloatArray, *measures: FloatArray) -> tuple[FloatArray, ...]:
    r"""Nodes and weights with ``sum_i measure_i f(log l_i) = sum_k weight_k f(node_k)`` up to rounding.

    Parameters
    ----------
    log_l : (n,) array
        Logarithms of the variances, in any order.
    *measures : (n,) arrays
        Weights of the values in the sums to come: ones, the variances themselves, another signal's variances, ...

    Returns
    -------
    nodes, weights... : (K,) arrays
        Node positions in log l, and one array of weights for each measure. The input itself, unchanged, when
        ``n <= SMALL``. Otherwise equal values are merged, each bin of width 1 with more than 16 distinct values gets
        16 nodes, and every other bin keeps its points, so ``K <= n``. A node weight may be negative even where the
        measure is not (interpolation weights have both signs); the sums of its weights are the sums of the measure.

    Raises
    ------
    ShapeError
        A measure whose shape is not that of `log_l`, or `log_l` not one-dimensional.

    Notes
    -----
    The error of a sum is about ``1e-16 sum_i |measure_i| max |f|`` with the maximum over the bin of value i, for every
    f that is analytic and moderate in the strip ``|Im log l| < pi``. Trefethen (2013), Theorem 8.2.

    Examples
    --------
    The effective dimension ``sum_i l_i / (l_i + kappa)`` of a long power law, from a few hundred nodes:

    >>> log_l = -2.0 * np.log(np.arange(1.0, 100_001.0))
    >>> nodes, weights = compress(log_l, np.ones(100_000))
    >>> nodes.size < 400
    True
    >>> bool(np.isclose(weights @ (1 / (1 + 1e-3 / np.exp(nodes))), np.sum(1 / (1 + 1e-3 / np.exp(log_l))), rtol=1e-14))
    True
    """
    if log_l.ndim != 1 or any(measure.shape != log_l.shape for measure in measures):
        shapes = ", ".join(str(measure.shape) for measure in measures)
        raise ShapeError(f"compress needs arrays of one shape (n,), got log_l {log_l.shape} and measures {shapes}")
    if log_l.size <= SMALL:
        return (log_l, *measures)
    x, merged = _merge_equal(log_l, measures)
    position = x - x[0]
    bins = np.floor(position)
    starts = _run_starts(bins)
    crowded = np.diff(np.append(starts, x.size)) > NODES
    in_crowded = np.repeat(crowded, np.diff(np.append(starts, x.size)))
    if not crowded.any():
        return (x, *merged)
    # u is the position within the bin, mapped to [-1, 1).
    u = 2.0 * (position[in_crowded] - bins[in_crowded]) - 1.0
    crowded_starts = _run_starts(bins[in_crowded])
    angles = np.pi * (np.arange(NODES) + 0.5) / NODES
    centres = x[0] + bins[starts[crowded]] + 0.5
    nodes = (centres[:, None] + 0.5 * np.cos(angles)).ravel()
    # Lagrange polynomial of node c_k in the Chebyshev basis (discrete orthogonality at the Chebyshev points):
    # L_k(u) = (1 + 2 sum_q T_q(c_k) T_q(u)) / NODES. So the weights follow from the bins' Chebyshev moments.
    synthesis = np.cos(np.outer(np.arange(NODES), angles)) * (2.0 / NODES)
    synthesis[0] /= 2.0
    moments = _chebyshev_moments(u, [measure[in_crowded] for measure in merged], crowded_starts)
    weights = [(moment.T @ synthesis).ravel() for moment in moments]
    kept = ~in_crowded
    return (
        np.concatenate([x[kept], nodes]),
        *(np.concatenate([measure[kept], weight]) for measure, weight in zip(merged, weights, strict=True)),
    )


def _run_starts(values: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Index of the first entry of each run of equal entries."""
    return np.flatnonzero(np.append(True, values[1:] != values[:-1]))


def _merge_equal(log_l: FloatArray, measures: tuple[FloatArray, ...]) -> tuple[FloatArray, list[FloatArray]]:
    """Distinct values in ascending order, and each measure summed over equal values."""
    order = np.argsort(log_l, kind="stable")
    x = log_l[order]
    first = _run_starts(x)
    return x[first], [np.add.reduceat(measure[order], first) for measure in measures]


def _chebyshev_moments(
    u: FloatArray, measures: list[FloatArray], starts: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> list[FloatArray]:
    """For each measure the (NODES, bins) array of ``sum_i measure_i T_q(u_i)`` over each bin's points."""
    moments = [np.empty((NODES, starts.size)) for _ in measures]
    previous, current = u, np.ones_like(u)  # T_{-1} = T_1 = u starts the three-term recurrence
    for q in range(NODES):
        for measure, moment in zip(measures, moments, strict=True):
            moment[q] = np.add.reduceat(measure * current, starts)
        previous, current = current, 2.0 * u * current - previous
    return moments
