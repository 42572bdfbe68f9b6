r"""Bounds on the error of the linear invertible model, and the closed-form risks that they are made of.

Setting: ``x = mu + G z``, ``z ~ N(0, I_n)``, m noiseless Gaussian measurements; ``E_m`` is the expected squared error of
the maximum-likelihood estimate, ``l_i = sigma_i**2``, ``tail(k) = sum_{i > k} l_i``.

=========================== ===== ====================================================================== ==========
function                    id    statement                                                              kind
=========================== ===== ====================================================================== ==========
:func:`theorem_lower`       T1    ``E_m >= tail(m)``, for every A                                        lower
:func:`theorem_upper`       T1    ``E_m <= m tail(m - 2)``, 2 <= m < n                                   upper
:func:`best_upper`          T2    ``E_m <= (1 + k/(m-k-1)) tail(k)``, every 0 <= k <= m - 2, minimised   upper
:func:`truncated`           T3    the k-th term of T2 is the risk of least squares in the rank-k prior   exact
:func:`spectral_upper`      T5    ``E ||(I - P) G^T|| <= ...``                                           upper
:func:`tail_upper`          T6    ``||G (I - P)||`` exceeds the bound with at most `tail_probability`    upper
:func:`complex_upper`       T7    complex A: ``E_m <= (1 + k/(m-k)) tail(k)``, minimised                 upper
:func:`error_range`         T8    ``tail(m) <= X_A <= sum_{i <= n-m} l_i`` for every A                   both
:func:`denoising`           T11   risk of rank k with penalty gamma from ``y = x + noise``               exact
=========================== ===== ====================================================================== ==========

Sources: T1 Asim, Daniels, Leong, Hand & Ahmed (ICML 2020), theory section; T2, T5, T6 Halko, Martinsson & Tropp (2011),
Theorems 10.5-10.8; T3 and T7 real and complex inverse-Wishart means; T8 Ky Fan's maximum principle.

An upper bound that makes no statement at some m (T1 at m < 2, say) is ``inf`` there: true, and useless.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias, get_args, overload

import numpy as np
from numpy.typing import ArrayLike

from linflow.checks import (
    FIELDS,
    Count,
    Counts,
    Field,
    FloatArray,
    IntArray,
    Interval,
    measurement_counts,
    noise_level,
    non_negative,
    number_in,
    one_of,
    rank_in,
    scalar_or_array,
    vanishing,
)
from linflow.errors import InputError
from linflow.spectrum import Spectrum, counts_for, spectrum_of

#: Which norm T6 bounds, and which of its two published forms.
Norm: TypeAlias = Literal["frobenius", "spectral"]
Form: TypeAlias = Literal["preprint", "journal"]


@overload
def theorem_lower(spectrum: Spectrum | ArrayLike, m: Count) -> float: ...
@overload
def theorem_lower(spectrum: Spectrum | ArrayLike, m: Counts) -> FloatArray: ...
def theorem_lower(spectrum: Spectrum | ArrayLike, m: Count | Counts) -> float | FloatArray:
    """T1, lower side: ``tail(m)``, the best rank-m approximation error; it holds for every A.

    Parameters
    ----------
    spectrum : Spectrum of the flow, or an (n,) array of its singular values in any order, [x].
    m : int or array of ints in 0..n, number of measurements.

    Returns
    -------
    float (scalar m) or array, [x]^2.

    Examples
    --------
    >>> theorem_lower(Spectrum.flat(4), m=[0, 1, 4])
    array([4., 3., 0.])
    """
    spectrum = spectrum_of(spectrum)
    return spectrum.tail(m)


@overload
def theorem_upper(spectrum: Spectrum | ArrayLike, m: Count) -> float: ...
@overload
def theorem_upper(spectrum: Spectrum | ArrayLike, m: Counts) -> FloatArray: ...
def theorem_upper(spectrum: Spectrum | ArrayLike, m: Count | Counts) -> float | FloatArray:
    """T1, upper side: ``m * tail(m - 2)`` for m >= 2 (``inf`` below, where the theorem makes no statement).

    Examples
    --------
    >>> theorem_upper(Spectrum.flat(4), m=[1, 2, 3])
    array([inf,  8.,  9.])
    """
    spectrum, counts = counts_for(spectrum, m)
    with np.errstate(over="ignore"):  # beyond float64 the bound is inf
        bound = np.where(counts >= 2, counts * spectrum.tail(np.maximum(counts - 2, 0)), np.inf)
    return scalar_or_array(bound, m)


@overload
def best_rank(spectrum: Spectrum | ArrayLike, m: Count, *, field: Field = ...) -> int: ...
@overload
def best_rank(spectrum: Spectrum | ArrayLike, m: Counts, *, field: Field = ...) -> IntArray: ...
def best_rank(spectrum: Spectrum | ArrayLike, m: Count | Counts, *, field: Field = "real") -> int | IntArray:
    r"""The k that minimises T2 (``field="complex"``: T7) at each m; an int, or an int array.

    Notes
    -----
    ``tail(k) / (m - 1 - k)`` is a convex decreasing sequence over a positive decreasing line, hence quasi-convex in k:
    going from k to k + 1 helps exactly while ``k + 1 + tail(k+1)/l_{k+1} <= m - 1``, that is, while
    ``k + r_k <= m - 1`` with ``r_k`` the effective rank of :meth:`Spectrum.effective_rank`. The left side is
    non-decreasing in k, so the best rank is a binary search: O(n) once, O(log n) for each m. (The same index k* decides
    benign overfitting in Bartlett et al. 2020.) For T7 put m in the place of m - 1.

    Examples
    --------
    >>> best_rank(Spectrum.step(n=32, rank=8, floor=1e-4), m=[2, 10, 31])
    array([0, 8, 8])
    """
    spectrum, counts = counts_for(spectrum, m)
    budget = counts - _lost_degrees(field)
    needed = np.arange(spectrum.n) + spectrum.tail(np.arange(spectrum.n)) / spectrum.variances
    # Rounding may break the monotonicity by an ulp where r_k is constant; the running maximum restores it.
    rank = np.searchsorted(np.maximum.accumulate(needed), budget, side="right")
    rank = np.clip(rank, 0, np.maximum(budget - 1, 0)).astype(np.int64)
    return int(rank) if np.ndim(m) == 0 else rank


@overload
def best_upper(spectrum: Spectrum | ArrayLike, m: Count) -> float: ...
@overload
def best_upper(spectrum: Spectrum | ArrayLike, m: Counts) -> FloatArray: ...
def best_upper(spectrum: Spectrum | ArrayLike, m: Count | Counts) -> float | FloatArray:
    """T2 minimised over k: ``min_{0 <= k <= m-2} (1 + k/(m-k-1)) tail(k)``; ``energy`` for m < 2.

    It is at once the bound of randomized range finding and, by T3, the risk of the best truncated prior (T4).

    Examples
    --------
    >>> s = Spectrum.power_law(n=64)
    >>> by_hand = min((1 + k / (10 - k - 1)) * s.tail(k) for k in range(9))
    >>> bool(np.isclose(best_upper(s, m=10), by_hand, rtol=1e-14))
    True
    """
    spectrum, counts = counts_for(spectrum, m)
    rank = best_rank(spectrum, counts)
    return scalar_or_array((1 + _amplification(counts, rank, 1)) * spectrum.tail(rank), m)


@overload
def truncated(spectrum: Spectrum | ArrayLike, m: Count, rank: int, *, noise_std: float = ...) -> float: ...
@overload
def truncated(spectrum: Spectrum | ArrayLike, m: Counts, rank: int, *, noise_std: float = ...) -> FloatArray: ...
def truncated(
    spectrum: Spectrum | ArrayLike, m: Count | Counts, rank: int, *, noise_std: float = 0.0
) -> float | FloatArray:
    r"""T3, exact: risk of least squares in the rank-k truncated generator G_k from m Gaussian measurements.

    ``tail(k) + (tail(k) + s**2) k/(m-k-1)`` for k <= m - 2, with s = `noise_std`.

    Parameters
    ----------
    rank : int, k <= n. For k in {m - 1, m} the mean of the inverse Wishart is infinite, and so is the returned risk
        (unless nothing is left to be amplified: tail(k) + s**2 = 0).
    noise_std : standard deviation of the noise on each measurement, [y].

    Raises
    ------
    InputError
        ``rank > m`` for some m: the least-squares solution is not unique there.

    Examples
    --------
    >>> s = Spectrum.step(n=10, rank=2, floor=0.5)
    >>> truncated(s, m=5, rank=2) == (1 + 2 / (5 - 2 - 1)) * 8 * 0.25
    True
    """
    spectrum, counts = counts_for(spectrum, m)
    k = rank_in(rank, 0, spectrum.n)
    noise = noise_level(noise_std) ** 2
    if np.any(counts < k):
        raise InputError(
            f"least squares in a rank-{k} prior needs m >= {k} measurements, got m = {counts.min()}: lower the rank"
        )
    amplified = spectrum.tail(k) + noise
    if amplified == 0:  # an infinite amplification of nothing
        return scalar_or_array(np.zeros(counts.shape), m)
    return scalar_or_array(spectrum.tail(k) + amplified * _amplification(counts, k, 1), m)


@overload
def complex_upper(spectrum: Spectrum | ArrayLike, m: Count, rank: int | None = ...) -> float: ...
@overload
def complex_upper(spectrum: Spectrum | ArrayLike, m: Counts, rank: int | None = ...) -> FloatArray: ...
def complex_upper(spectrum: Spectrum | ArrayLike, m: Count | Counts, rank: int | None = None) -> float | FloatArray:
    """T7: ``(1 + k/(m-k)) tail(k)`` for complex Gaussian A; minimised over 0 <= k <= m - 1 unless `rank` is given.

    ``inf`` where m <= rank, and rank > 0: the theorem makes no statement there, even where nothing is left (rank = n).

    Examples
    --------
    >>> complex_upper(Spectrum.flat(4), m=2, rank=1)
    6.0
    """
    spectrum, counts = counts_for(spectrum, m)
    k: IntArray | int = best_rank(spectrum, counts, field="complex") if rank is None else rank_in(rank, 0, spectrum.n)
    factor = 1 + _amplification(counts, k, 0)
    # Not inf * 0 at rank = n, where no tail is left.
    return scalar_or_array(np.where(np.isfinite(factor), spectrum.tail(k), 1.0) * factor, m)


@overload
def error_range(spectrum: Spectrum | ArrayLike, m: Count) -> tuple[float, float]: ...
@overload
def error_range(spectrum: Spectrum | ArrayLike, m: Counts) -> tuple[FloatArray, FloatArray]: ...
def error_range(spectrum: Spectrum | ArrayLike, m: Count | Counts) -> tuple[float, float] | tuple[FloatArray, FloatArray]:
    """T8: the interval ``[tail(m), sum_{i <= n-m} l_i]`` that holds X_A for every A of full rank (Ky Fan).

    Examples
    --------
    >>> error_range(Spectrum([2.0, 1.0]), m=1)
    (1.0, 4.0)
    """
    spectrum, counts = counts_for(spectrum, m)
    head = np.append(0.0, np.cumsum(spectrum.variances, dtype=np.longdouble)).astype(np.float64)
    low, high = spectrum.tail(counts), head[spectrum.n - counts]
    return (float(low), float(high)) if np.ndim(m) == 0 else (low, high)


@overload
def spectral_upper(spectrum: Spectrum | ArrayLike, m: Count, rank: int | None = ...) -> float: ...
@overload
def spectral_upper(spectrum: Spectrum | ArrayLike, m: Counts, rank: int | None = ...) -> FloatArray: ...
def spectral_upper(spectrum: Spectrum | ArrayLike, m: Count | Counts, rank: int | None = None) -> float | FloatArray:
    r"""T5: bound on ``E ||(I - P) G^T||`` (spectral norm, not squared), [x]; minimised over k unless `rank` is given.

    ``(1 + sqrt(k/(p-1))) sigma_{k+1} + e sqrt(m)/p sqrt(tail(k))`` with ``p = m - k >= 2`` (``inf`` where p < 2).

    Notes
    -----
    Halko, Martinsson & Tropp (2011), Theorem 10.6.

    Examples
    --------
    >>> spectral_upper(Spectrum.flat(4), m=2, rank=0) == 1 + math.e * 2**0.5 / 2 * 2
    True
    """
    spectrum, counts = counts_for(spectrum, m)
    ranks = range(spectrum.n) if rank is None else [rank_in(rank, 0, spectrum.n - 1)]
    best = np.full(counts.shape, np.inf)
    for k in ranks:
        p = counts - k
        if not np.any(p >= 2):
            continue
        safe = np.maximum(p, 2)
        bound = (1 + np.sqrt(k / (safe - 1))) * spectrum.singular_values[k]
        bound = bound + math.e * np.sqrt(counts) / safe * math.sqrt(spectrum.tail(k))
        best = np.where(p >= 2, np.minimum(best, bound), best)
    return scalar_or_array(best, m)


#: T6 as published twice: (factor under the root, offset in its denominator, factor of t**-p, factor of the Gaussian term).
_TAIL_FORMS: dict[Form, tuple[float, int, float, float]] = {"preprint": (12.0, 0, 5.0, 2.0), "journal": (3.0, 1, 2.0, 1.0)}


@overload
def tail_upper(
    spectrum: Spectrum | ArrayLike, m: Count, *, rank: int, t: float, u: float, norm: Norm = ..., form: Form = ...
) -> float: ...
@overload
def tail_upper(
    spectrum: Spectrum | ArrayLike, m: Counts, *, rank: int, t: float, u: float, norm: Norm = ..., form: Form = ...
) -> FloatArray: ...
def tail_upper(
    spectrum: Spectrum | ArrayLike,
    m: Count | Counts,
    *,
    rank: int,
    t: float,
    u: float,
    norm: Norm = "frobenius",
    form: Form = "journal",
) -> float | FloatArray:
    r"""T6: a bound that ``||G (I - P)||`` exceeds with probability at most :func:`tail_probability`, [x].

    Parameters
    ----------
    rank : k with ``p = m - k >= 4``.
    t, u : both >= 1; larger values make the bound larger and its failure rarer.
    norm : "frobenius" (Theorem 10.7) or "spectral" (Theorem 10.8).
    form : "preprint" (``sqrt(12 k/p)``) or "journal" (``sqrt(3 k/(p+1))``, sharper); see Notes.

    Notes
    -----
    Halko, Martinsson & Tropp (2011). With r the root, ``c = e sqrt(k+p)/(p+1)``:
    Frobenius ``(1 + t r) sqrt(tail(k)) + u t c sigma_{k+1}``; spectral ``(1 + t r) sigma_{k+1} + t c sqrt(tail(k)) +
    u t c sigma_{k+1}``. The two published forms differ in r and in the failure probability.

    Examples
    --------
    >>> s = Spectrum.power_law(n=32)
    >>> tail_upper(s, 16, rank=8, t=2, u=2) < tail_upper(s, 16, rank=8, t=2, u=2, form="preprint")
    True
    """
    spectrum, counts = counts_for(spectrum, m)
    k = rank_in(rank, 0, spectrum.n - 1)
    p = _oversampling(counts, k)
    factor, offset, _, _ = _TAIL_FORMS[one_of(form, "form", get_args(Form))]
    t, u = _at_least_one(t, "t"), _at_least_one(u, "u")
    sigma, root_tail = float(spectrum.singular_values[k]), math.sqrt(spectrum.tail(k))
    with np.errstate(over="ignore"):  # beyond float64 the bound is inf
        growth = 1 + t * np.sqrt(factor * k / (p + offset))
        c = t * math.e * np.sqrt(counts) / (p + 1)
        if one_of(norm, "norm", get_args(Norm)) == "frobenius":
            return scalar_or_array(growth * root_tail + u * c * sigma, m)
        return scalar_or_array(growth * sigma + c * root_tail + u * c * sigma, m)


@overload
def tail_probability(p: Count, *, t: float, u: float, norm: Norm = ..., form: Form = ...) -> float: ...
@overload
def tail_probability(p: Counts, *, t: float, u: float, norm: Norm = ..., form: Form = ...) -> FloatArray: ...
def tail_probability(
    p: Count | Counts, *, t: float, u: float, norm: Norm = "frobenius", form: Form = "journal"
) -> float | FloatArray:
    r"""The failure probability that belongs to :func:`tail_upper`, at oversampling ``p = m - k >= 4``.

    Preprint: ``5 t**-p + 2 exp(-u**2/2)`` (Frobenius), ``5 t**-p + exp(-u**2/2)`` (spectral); journal:
    ``2 t**-p + exp(-u**2/2)``. Values above 1 make no statement.

    Examples
    --------
    >>> tail_probability(4, t=2.0, u=3.0) == 2 * 2.0**-4 + math.exp(-4.5)
    True
    """
    oversampling = _oversampling(measurement_counts(p, None, "p"), 0)
    _, _, power, gaussian = _TAIL_FORMS[one_of(form, "form", get_args(Form))]
    if one_of(norm, "norm", get_args(Norm)) == "spectral":
        gaussian = 1.0
    u = _at_least_one(u, "u")
    value = power * _at_least_one(t, "t") ** (-oversampling.astype(np.float64)) + gaussian * math.exp(-u * u / 2)
    return scalar_or_array(np.asarray(value), p)


def denoising(spectrum: Spectrum | ArrayLike, *, noise_std: float, rank: int | None = None, penalty: float = 0.0) -> float:
    r"""T11, exact: risk of the rank-k prior with penalty gamma from the denoising observation ``y = x + noise``.

    ``sum_{i <= k} (gamma**2 l_i + l_i**2 s**2)/(l_i + gamma)**2 + tail(k)``; `rank` defaults to n.

    Notes
    -----
    At gamma = 0 the best rank is ``#{i : l_i > s**2}``; at gamma = s**2 every direction helps and the risk is
    ``sum_i l_i s**2/(l_i + s**2)``, below every choice of rank.

    Examples
    --------
    >>> s = Spectrum([2.0, 1.0])
    >>> denoising(s, noise_std=0.5, penalty=0.25) == 4 * 0.25 / 4.25 + 1 * 0.25 / 1.25
    True
    """
    spectrum = spectrum_of(spectrum)
    k = spectrum.n if rank is None else rank_in(rank, 0, spectrum.n)
    noise_std, gamma = noise_level(noise_std), non_negative(penalty, "penalty")
    head = spectrum.variances[:k]
    # Weights in 0..1, multiplied one after the other: no square of a large l_i or a small weight is formed.
    with np.errstate(over="ignore"):
        kept = 1 / (1 + gamma / head)
        lost = 1 / (1 + head / gamma) if gamma > 0 else np.zeros(k)
    with vanishing():
        return float(np.sum(head * lost * lost + (noise_std * kept) ** 2) + spectrum.tail(k))


def _lost_degrees(field: Field) -> int:
    """Degrees of freedom that the inverse-Wishart mean loses: 1 for real, 0 for complex Gaussians."""
    return 1 if one_of(field, "field", FIELDS) == "real" else 0


def _amplification(m: IntArray, k: IntArray | int, lost: int) -> FloatArray:
    """``k/(m - k - lost)``, 0 at k = 0, and ``inf`` where the inverse-Wishart mean does not exist."""
    free = m - k - lost
    factor = np.where(free > 0, k / np.maximum(free, 1), np.inf)
    return np.where(np.asarray(k) == 0, 0.0, factor)


def _oversampling(m: IntArray, k: int) -> IntArray:
    p: IntArray = m - k
    if np.any(p < 4):
        raise InputError(f"the tail bounds need an oversampling m - rank >= 4, got {int(np.min(p))}: lower the rank")
    return p


def _at_least_one(value: float, name: str) -> float:
    return number_in(value, name, Interval(1.0))
