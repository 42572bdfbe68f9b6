r"""With a matched penalty: equivalents of the error, the resolvent and the log-determinant, and the theorem about each.

``S = A Lambda A*`` with m Gaussian measurements, gamma > 0, any n and m. For real q >= 0 let ``kappa = kappa^(q)`` be the
root of ``q = sum_i l_i/(l_i + kappa) + gamma/kappa``, and

    D_q = sum_i l_i kappa/(l_i + kappa),
    T_q = 1/(D_q + gamma) = 1/(q kappa),
    H_q = log(1 + D_q/gamma) + (1/q) sum_i [ log(1 + l_i/kappa) - l_i/(l_i + kappa) ],

``D_0 = sum l``, ``H_0 = log(1 + sum l/gamma)``. ``m T_m`` and ``m H_m`` are the deterministic equivalents of
``tr (S + gamma)^{-1}`` and ``log det(I + S/gamma)`` (H_q in its usual form is ``(1/q) [sum log(1 + l_i/kappa) +
q log(q kappa/gamma) + gamma/kappa - q]``, whose terms cancel). For real (R) and complex (C) A, and every m >= 1,

    D_{m+1} <= E X_gamma(C) <= D_m <= E X_gamma(R) <= D_{m-1},
    T_{m-1} <= (1/m) E tr (S + gamma)^{-1}(C) <= T_m <= ...(R) <= T_{m+1},
    H_{m+1} <= (1/m) E log det(I + S/gamma)(R) <= H_m <= ...(C) <= H_{m-1}.

Kind: both sides. Why: the noise is the limit of many more columns of small variance, for which the interlacing theorem
(:mod:`linflow.risk.interlacing`) holds; the log-determinant is the integral of the resolvent over gamma. Proofs: the
ledger. Tested in tests/test_interlacing.py by simulation, by differentiation, and against 60 digits.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from linflow.checks import (
    FIELDS,
    Count,
    Counts,
    Field,
    FloatArray,
    IntArray,
    measurement_counts,
    non_negative,
    one_of,
    vanishing,
)
from linflow.errors import InputError
from linflow.risk.fixed_point import Measure, solve
from linflow.spectrum import Spectrum, spectrum_of


@overload
def resolvent_range(
    spectrum: Spectrum | ArrayLike, m: Count, *, penalty: float, field: Field = ...
) -> tuple[float, float]: ...
@overload
def resolvent_range(
    spectrum: Spectrum | ArrayLike, m: Counts, *, penalty: float, field: Field = ...
) -> tuple[FloatArray, FloatArray]: ...
def resolvent_range(
    spectrum: Spectrum | ArrayLike, m: Count | Counts, *, penalty: float, field: Field = "real"
) -> tuple[float, float] | tuple[FloatArray, FloatArray]:
    r"""Interval that holds ``E tr (A Lambda A* + gamma I)^{-1}`` for m Gaussian measurements, [x]^-2.

    Parameters
    ----------
    spectrum : Spectrum, or (n,) array of singular values, [x]
    m : int or array of ints >= 0, of any size.
    penalty : gamma > 0, [y]^2.
    field : "real" or "complex" entries of A.

    Returns
    -------
    lower, upper : floats (scalar m) or arrays of the shape of m, to a relative 1e-13 (1e-12 beyond 2048 singular values).

    Raises
    ------
    InputError
        A penalty that is not positive, m negative, an unknown field.
    NotConvergedError
        A root that lies where float64 does not hold it.

    Examples
    --------
    With many measurements all but n directions see gamma alone:

    >>> lower, upper = resolvent_range(Spectrum.flat(2), 1000, penalty=0.5)
    >>> bool(0.99 < lower / (998 / 0.5) < upper / (998 / 0.5) < 1.01)
    True
    """
    spectrum = spectrum_of(spectrum)
    gamma = _positive(penalty)
    counts = measurement_counts(m, None)
    low, high = {"real": (0, 1), "complex": (-1, 0)}[one_of(field, "field", FIELDS)]
    edges = [counts / (gamma + matched_errors(spectrum, _order(counts, shift), gamma)) for shift in (low, high)]
    return _in_order(edges, m)


@overload
def log_det_range(
    spectrum: Spectrum | ArrayLike, m: Count, *, penalty: float, field: Field = ...
) -> tuple[float, float]: ...
@overload
def log_det_range(
    spectrum: Spectrum | ArrayLike, m: Counts, *, penalty: float, field: Field = ...
) -> tuple[FloatArray, FloatArray]: ...
def log_det_range(
    spectrum: Spectrum | ArrayLike, m: Count | Counts, *, penalty: float, field: Field = "real"
) -> tuple[float, float] | tuple[FloatArray, FloatArray]:
    r"""Interval that holds ``E log det(I + A Lambda A*/gamma)`` for m Gaussian measurements.

    For complex A this is the ergodic capacity (in nats) of a Rayleigh channel correlated on one side, and the lower side
    its large-system formula. Parameters and errors are those of :func:`resolvent_range`; numbers without a unit.

    Examples
    --------
    One value, one real measurement: ``E log(1 + z**2)`` with z standard normal is 0.5344 to four digits.

    >>> lower, upper = log_det_range(Spectrum([1.0]), 1, penalty=1.0)
    >>> lower < 0.5344 < upper
    True
    """
    spectrum = spectrum_of(spectrum)
    gamma = _positive(penalty)
    counts = measurement_counts(m, None)
    low, high = {"real": (1, 0), "complex": (0, -1)}[one_of(field, "field", FIELDS)]
    with vanishing():
        edges = [counts * log_dets(spectrum, _order(counts, shift), gamma) for shift in (low, high)]
    return _in_order(edges, m)


def matched_errors(spectrum: Spectrum, order: IntArray | FloatArray, penalty: float) -> FloatArray:
    """D_q for each order q >= 0, [x]^2; an array of the shape of `order`.

    >>> bool(np.isclose(matched_errors(Spectrum([1.0]), np.array([1]), 2.0)[0], 0.7320508075688773))  # 3**0.5 - 1, by hand
    True
    """
    measure, flat, root = _roots(spectrum, order, penalty)
    values = np.full(flat.size, spectrum.energy)
    inner = np.flatnonzero(np.isfinite(root))
    for block in measure.blocks(inner.size):
        rows = inner[block]
        l, kappa = measure.l, root[rows][:, None]
        # The smaller one first: kappa/l alone may underflow where its product with l matters.
        values[rows] = (np.minimum(l, kappa) * (np.maximum(l, kappa) / (l + kappa))) @ measure.count
    return values.reshape(order.shape)


def log_dets(spectrum: Spectrum, order: IntArray | FloatArray, penalty: float) -> FloatArray:
    """H_q for each order q >= 0; an array of the shape of `order`."""
    measure, flat, root = _roots(spectrum, order, penalty)
    # Logarithms of quotients as differences: no quotient leaves float64.
    values: FloatArray = np.logaddexp(0.0, np.log(matched_errors(spectrum, flat, penalty)) - np.log(penalty))
    inner = np.flatnonzero(np.isfinite(root))
    for block in measure.blocks(inner.size):
        rows = inner[block]
        l, kappa = measure.l, root[rows][:, None]
        # Where l is small against kappa the two terms cancel, and their difference is small against the first sum.
        gain = np.logaddexp(0.0, np.log(l) - np.log(kappa)) - l / (l + kappa)
        values[rows] += gain @ measure.count / flat[rows]
    return values.reshape(order.shape)


def _roots(spectrum: Spectrum, order: IntArray | FloatArray, penalty: float) -> tuple[Measure, FloatArray, FloatArray]:
    measure, flat = Measure.of(spectrum, spectrum.variances), order.ravel()
    return measure, flat.astype(np.float64), solve(measure, flat, penalty)


def _order(counts: IntArray, shift: int) -> IntArray:
    """m + shift; at m = 0, where both sides are multiples of 0, any order does."""
    order: IntArray = np.maximum(counts + shift, 0)
    return order


def _in_order(edges: list[FloatArray], m: Count | Counts) -> tuple[float, float] | tuple[FloatArray, FloatArray]:
    """Two sides, which may cross by rounding alone, the smaller first; floats for a scalar m."""
    lower, upper = np.minimum(*edges), np.maximum(*edges)
    return (float(lower), float(upper)) if np.ndim(m) == 0 else (lower, upper)


def _positive(penalty: float) -> float:
    gamma = non_negative(penalty, "penalty")
    if gamma == 0:
        raise InputError("penalty must be > 0: without one, the expected resolvent and log-determinant need not be finite")
    return gamma
