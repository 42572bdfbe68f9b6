r"""The interlacing theorem: the expected error lies between the deterministic equivalents of neighbouring m.

Setting: n singular values, ``l_i = sigma_i**2``, m noiseless Gaussian measurements, real (R) or complex (C). ``kappa_s`` is
the root of ``sum_i l_i/(l_i + kappa_s) = s``. For each unmeasured dimension put

    e_m = E_m/(n - m),   A_s = s kappa_s/(n - s)   (0 < s < n, s real),   A_0 = mean of l,   A_n = harmonic mean of l,

the last two being the limits. A_s is a weighted mean of the l_i that falls as s grows. For every n >= 2, every spectrum and
every 1 <= m <= n - 1,

    A_{m+1}  <=  e_m(C)  <=  A_m  <=  e_m(R)  <=  e_{m-1}(C)  <=  A_{m-1},

each an equality for flat spectra, and ``A_m <= e_m(R)`` for n = 2 as well. So the error of m real measurements lies between
``m kappa_m`` and ``f (m-1) kappa_{m-1}``, ``f = (n-m)/(n-m+1)``: one root each, no rank to choose, no constant.

With a penalty gamma > 0 that is matched to the noise (gamma = noise_std**2), for every n and m (m > n too): let kappa^(q)
be the root of ``q = sum_i l_i/(l_i + kappa) + gamma/kappa`` and D_q = sum_i l_i kappa^(q)/(l_i + kappa^(q)), D_0 = sum l.
The Bayes risk ``X_gamma = tr(Lambda - Lambda A*(A Lambda A* + gamma)^{-1} A Lambda)`` has

    D_{m+1}  <=  E X_gamma(C)  <=  D_m  <=  E X_gamma(R)  <=  D_{m-1}.

Kind: both sides. Why: given one measurement what is left is again such a model, so the links follow one measurement at a
time from an inequality between weights of one real and one complex row; ``A_m <= e_m(R)`` from averaging over the rotation
of a pair of columns. Proofs: the ledger (proofs/). Tested in tests/test_interlacing.py against exact values of both fields,
simulations, and 60 digits.
"""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow.checks import (
    FIELDS,
    Count,
    Counts,
    Field,
    FloatArray,
    finite_array,
    measurement_counts,
    noise_level,
    non_negative,
    one_of,
)
from linflow.errors import InputError
from linflow.risk.fixed_point import Measure, solve
from linflow.risk.matched import matched_errors
from linflow.spectrum import Spectrum, spectrum_of

#: Orders of the equivalents below and above E_m, relative to m.
ORDERS: dict[Field, tuple[int, int]] = {"real": (0, -1), "complex": (1, 0)}
#: Relative difference up to which a penalty is noise_std**2: the square is rounded.
_MATCHED = 1e-12


@overload
def interlacing(
    spectrum: Spectrum | ArrayLike,
    m: Count,
    *,
    field: Field = ...,
    noise_std: float | None = ...,
    penalty: float | None = ...,
) -> tuple[float, float]: ...
@overload
def interlacing(
    spectrum: Spectrum | ArrayLike,
    m: Counts,
    *,
    field: Field = ...,
    noise_std: float | None = ...,
    penalty: float | None = ...,
) -> tuple[FloatArray, FloatArray]: ...
def interlacing(
    spectrum: Spectrum | ArrayLike,
    m: Count | Counts,
    *,
    field: Field = "real",
    noise_std: float | None = None,
    penalty: float | None = None,
) -> tuple[float, float] | tuple[FloatArray, FloatArray]:
    r"""Both sides of the interlacing theorem: ``lower <= E_m <= upper`` for m Gaussian measurements.

    Parameters
    ----------
    spectrum : Spectrum, or (n,) array of singular values, [x]
    m : int or array of ints in 0..n; with a penalty also more than n.
    field : "real" or "complex" entries of A.
    noise_std : standard deviation of the noise on each measurement, [y]; alone it stands for the posterior mean, whose
        penalty is ``noise_std**2``.
    penalty : gamma in ``|A G z - y|^2 + gamma |z|^2``; alone it stands for the noise to which it is matched.

    Returns
    -------
    lower, upper : floats (scalar m) or arrays of the shape of m, [x]^2. Equal at m = 0, and at m = n without a penalty.
        Each is its formula to a relative error of 1e-13 (1e-12 beyond 2048 singular values), and no more: for a flat
        spectrum both are the error, up to that.

    Raises
    ------
    InputError
        m outside its range, an unknown field, a negative level, or a penalty and a noise that do not match.
    NotConvergedError
        A root that lies where float64 does not hold it.

    Notes
    -----
    In the notation of this module, ``(n - m) A_m`` and ``(n - m) A_{m-1}`` for real A, ``(n - m) A_{m+1}`` and
    ``(n - m) A_m`` for complex A; with a penalty D in their place.

    Examples
    --------
    For two singular values and one measurement the lower side is the error, their product:

    >>> lower, upper = interlacing(Spectrum([3.0, 2.0]), 1)
    >>> bool(np.isclose(lower, 6.0)), upper
    (True, 6.5)

    >>> spectrum = Spectrum.power_law(200)
    >>> lower, upper = interlacing(spectrum, [10, 100])
    >>> np.round(upper / lower, 3)
    array([1.098, 1.009])
    """
    spectrum = spectrum_of(spectrum)
    orders = ORDERS[one_of(field, "field", FIELDS)]
    gamma = _matched_penalty(noise_std, penalty)
    counts = measurement_counts(m, spectrum.n if gamma == 0 else None)
    flat = counts.ravel()
    inner = (flat > 0) & ((flat < spectrum.n) | (gamma > 0))
    asked = flat[inner]
    edges = np.where(flat == 0, spectrum.energy, np.zeros((2, 1)))
    for edge, order in zip(edges, orders, strict=True):
        if gamma > 0:
            edge[inner] = matched_errors(spectrum, asked + order, gamma)
        else:
            edge[inner] = (spectrum.n - asked) * per_dimension(spectrum, asked + order)
    # Where all l are equal, rounding alone says which of two equal numbers is the larger.
    lower, upper = (edge.reshape(counts.shape) for edge in (edges.min(axis=0), edges.max(axis=0)))
    return (float(lower), float(upper)) if np.ndim(m) == 0 else (lower, upper)


def per_dimension(spectrum: Spectrum | ArrayLike, order: ArrayLike) -> FloatArray:
    r"""A_s, the equivalent error for each unmeasured dimension, at real orders s in 0..n, [x]^2.

    ``A_s = s kappa_s/(n - s)``; the mean of the l_i at s = 0, their harmonic mean at s = n. It falls as s grows, and the
    interlacing theorem is a statement about neighbouring orders. An array of the shape of `order`.

    Raises
    ------
    InputError
        An order outside 0..n.

    Examples
    --------
    >>> per_dimension(Spectrum([3.0, 1.0]), [0, 1, 2])  # by hand: (9 + 1)/2, (9 1)^1/2, 2/(1/9 + 1)
    array([5. , 3. , 1.8])
    """
    spectrum = spectrum_of(spectrum)
    n = spectrum.n
    orders = finite_array(order, "order")
    if orders.size and not 0 <= orders.min() <= orders.max() <= n:
        raise InputError(f"order must lie in 0..n = 0..{n}, got {orders.min():g}..{orders.max():g}")
    flat = orders.ravel()
    root = solve(Measure.of(spectrum, spectrum.variances), flat, 0.0)
    inner = (flat > 0) & (flat < n)
    values = np.where(flat == 0, spectrum.energy / n, _harmonic_mean(spectrum.variances))
    values[inner] = root[inner] * (flat[inner] / (n - flat[inner]))
    return values.reshape(orders.shape)


def _harmonic_mean(l: FloatArray) -> float:
    """In units of the smallest value: what is lost of ``l_n/l_i`` is below what is kept."""
    with np.errstate(under="ignore"):
        shares: NDArray[np.float64] = l[-1] / l
    return float(l[-1] * (l.size / np.sum(shares)))


def _matched_penalty(noise_std: float | None, penalty: float | None) -> float:
    """The penalty of the Bayes risk; raises if noise and penalty are both given and do not belong together."""
    if noise_std is None:
        return 0.0 if penalty is None else non_negative(penalty, "penalty")
    variance = noise_level(noise_std) ** 2
    if penalty is None or abs(non_negative(penalty, "penalty") - variance) <= _MATCHED * variance:
        return variance
    raise InputError(
        f"the interlacing theorem is proved for the matched penalty noise_std**2 = {variance:g} (and for none without "
        f"noise), got penalty = {penalty:g}: give one of the two, or see risk.equivalent for any pair"
    )
