"""Hypothesis strategies: spectra, flows, measurements, noise levels and whole problems.

Sizes and singular values are drawn by Hypothesis itself, and shrink towards few dimensions and a flat spectrum of ones.
Random matrices follow from a drawn seed: their entries would be hundreds of choices that Hypothesis could neither cover
nor shrink. What shrinks instead are the sizes, the ensemble (towards single coordinates) and the switches (no rotation,
no offset, no batch).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from linflow.checks import (
    FloatArray,
    Interval,
    collection,
    flag,
    instance_of,
    non_negative,
    number_in,
    one_of,
    positive,
    positive_int,
    sample_shape,
    whole_in,
)
from linflow.errors import InputError
from linflow.flow import LinearFlow
from linflow.spectrum import LARGEST, SMALLEST, Spectrum
from linflow.testing.problem import ENSEMBLES, Problem, full_rank

#: Kinds of spectra. The last, "extreme", ranges over 300 decades and is drawn only on request.
KINDS = ("spread", "clustered", "repeated", "step", "exponential", "power", "extreme")
#: Decades of the spectra of problems: normal equations in float64 have digits left to compare.
_PROBLEM_DECADES = 2.0

#: Seeds for `numpy.random.default_rng`.
seeds = st.integers(0, 2**32 - 1)


def spectra(
    *, min_n: int = 1, max_n: int = 12, decades: float = 6.0, kinds: Collection[str] = KINDS[:-1]
) -> st.SearchStrategy[Spectrum]:
    """Spectra of `min_n` to `max_n` singular values within `decades` decades below 1; shrink to ones.

    Parameters
    ----------
    min_n, max_n : int, 1 <= min_n <= max_n
    decades : float in 0..150
    kinds : some of `KINDS`
        "spread": independent values. "clustered" and "repeated": at most three different ones, nearly or exactly equal.
        "step": ones, then a floor. "exponential" and "power": decay by a rate or an exponent. "extreme": values anywhere
        in 1e-150..1e150, whatever `decades` says.

    Raises
    ------
    InputError
        Sizes or decades out of range, no kind or one that does not exist.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(spectra(max_n=5), lambda spectrum: True).singular_values
    array([1.])
    >>> find(spectra(), lambda spectrum: spectrum.condition >= 100).singular_values
    array([1.  , 0.01])
    """
    min_n, max_n = positive_int(min_n, "min_n"), positive_int(max_n, "max_n")
    if min_n > max_n:
        raise InputError(f"min_n must be at most max_n, got {min_n} and {max_n}")
    return _spectra(
        min_n, max_n, number_in(decades, "decades", Interval(0.0, 150.0)), _chosen(kinds, "kind of spectrum", KINDS)
    )


@st.composite
def _spectra(draw: st.DrawFn, min_n: int, max_n: int, decades: float, kinds: tuple[str, ...]) -> Spectrum:
    n = draw(st.integers(min_n, max_n))
    kind = draw(st.sampled_from(kinds))
    # Every kind starts from n exponents, so that "spread", the first, has the fewest choices of all: Hypothesis prefers
    # what has fewer, and can change the kind of a failing example without losing its values.
    exponents = st.floats(-150.0, 150.0) if kind == "extreme" else st.floats(-decades, 0.0)
    logs = np.array(draw(st.lists(exponents, min_size=n, max_size=n)))
    steps = np.arange(n)
    if kind in ("clustered", "repeated"):
        logs = logs[[draw(st.integers(0, min(n, 3) - 1)) for _ in steps]]
        if kind == "clustered":
            logs = logs + 1e-9 * steps
    elif kind == "step":
        logs = np.where(steps < draw(st.integers(0, n)), 0.0, logs[0])
    elif kind in ("exponential", "power") and n > 1:
        decay = steps if kind == "exponential" else np.log1p(steps)
        logs = logs[0] * decay / decay[-1]  # the first exponent is that of the last value
    return Spectrum(np.clip(10.0**logs, SMALLEST, LARGEST), name=f"{kind} {n}")


@st.composite
def cases(draw: st.DrawFn, spectra: st.SearchStrategy[Spectrum] | None = None) -> tuple[Spectrum, int]:
    """A spectrum of two or more values, and a number of measurements 1..n - 1: where the theory is about something.

    Parameters
    ----------
    spectra : strategy for the spectrum, default ``spectra(min_n=2)``.

    Examples
    --------
    >>> from hypothesis import find
    >>> spectrum, m = find(cases(), lambda case: case[1] >= 3)
    >>> spectrum.singular_values, m
    (array([1., 1., 1., 1.]), 3)
    """
    spectrum = draw(_spectra_or(spectra, min_n=2, decades=6.0))
    assume(spectrum.n >= 2)
    return spectrum, draw(st.integers(1, spectrum.n - 1))


@st.composite
def flows(
    draw: st.DrawFn, spectra: st.SearchStrategy[Spectrum] | None = None, *, rotated: bool = True, mean: bool = True
) -> LinearFlow:
    """Linear flows; shrink to a diagonal matrix without offset.

    Parameters
    ----------
    spectra : strategy for the spectrum, default ``spectra(decades=2)``.
    rotated : whether some flows have Haar-random bases of signals and of latents.
    mean : whether some flows have an offset, of the size of sigma_1.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(flows(), lambda flow: flow.n == 2).matrix
    array([[1., 0.],
           [0., 1.]])
    """
    spectrum, turned, moved = draw(_spectra_or(spectra)), rotated and draw(st.booleans()), mean and draw(st.booleans())
    return Problem.random(spectrum, 1, rotated=turned, mean=moved, seed=draw(seeds)).flow


def measurements(n: int, *, m: int | None = None, ensembles: Collection[str] = ENSEMBLES) -> st.SearchStrategy[FloatArray]:
    """Dense (m, n) measurement matrices with linearly independent rows; shrink to coordinates of x.

    Parameters
    ----------
    n : int
        Size of the signal.
    m : int in 1..n or None
        Number of measurements; None draws it.
    ensembles : some of `ENSEMBLES`
        "rows": coordinates of x. "gaussian", "rademacher" (signs), "dct" (cosines behind random signs). "near-parallel":
        rows that differ by a hundredth of their length, independent though they hardly look it.

    Raises
    ------
    InputError
        m outside 1..n, no ensemble or one that does not exist.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(measurements(3, m=2), lambda A: True).shape
    (2, 3)
    """
    n = positive_int(n, "n")
    return _measurements(n, _count(m, n), _chosen(ensembles, "ensemble", ENSEMBLES))


@st.composite
def _measurements(draw: st.DrawFn, n: int, m: int | None, ensembles: tuple[str, ...]) -> FloatArray:
    rows = draw(st.integers(1, n)) if m is None else m
    return full_rank(draw(st.sampled_from(ensembles)), rows, n, np.random.default_rng(draw(seeds)))


def noise_levels(smallest: float = 1e-3, largest: float = 10.0) -> st.SearchStrategy[float]:
    """Standard deviations of noise, log-uniform between `smallest` and `largest`, [y].

    Never 0, which is another problem (:func:`problems` has it by default), and rarely 1, where a standard deviation that
    is taken for a variance goes unnoticed.

    Raises
    ------
    InputError
        Not ``0 < smallest <= largest``.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(noise_levels(), lambda noise_std: noise_std < 0.5)
    0.1
    """
    smallest, largest = positive(smallest, "smallest"), positive(largest, "largest")
    if smallest > largest:
        raise InputError(f"noise levels need 0 < smallest <= largest, got {smallest} and {largest}")
    logs = st.floats(float(np.log10(smallest)), float(np.log10(largest)))
    return logs.map(lambda log: min(max(10.0**log, smallest), largest))


def problems(
    spectra: st.SearchStrategy[Spectrum] | None = None,
    *,
    m: int | None = None,
    noise_std: float | st.SearchStrategy[float] = 0.0,
    ensembles: Collection[str] = ENSEMBLES,
    rotated: bool = True,
    mean: bool = True,
    batches: Collection[tuple[int, ...]] = ((), (1,), (3,), (2, 2)),
) -> st.SearchStrategy[Problem]:
    """Inverse problems; shrink to few dimensions, single coordinates, no rotation, no offset and one signal.

    Parameters
    ----------
    spectra : strategy for the spectrum, default ``spectra(decades=2)``, where float64 decides what is right.
    m : int or None
        Number of measurements, at most n; None draws it from 1..n.
    noise_std : float >= 0 or a strategy such as `noise_levels`, [y]
    ensembles, rotated, mean : as in `measurements` and `flows`.
    batches : shapes of the batch of signals to choose from.

    Raises
    ------
    InputError
        Nothing to choose from, an ensemble that does not exist.

    Examples
    --------
    >>> from hypothesis import find
    >>> find(problems(noise_std=0.3), lambda problem: problem.m == 2)
    Problem.random(Spectrum([1.0, 1.0]), m=2, ensemble='rows', rotated=False, mean=False, noise_std=0.3, batch=(), seed=0)
    """
    shapes = tuple(sample_shape(batch) for batch in collection(batches, "shape", ()))
    rotated, mean = flag(rotated, "rotated"), flag(mean, "mean")
    if m is not None:
        m = positive_int(m, "m")
    noise = noise_std if isinstance(noise_std, st.SearchStrategy) else st.just(non_negative(noise_std, "noise_std"))
    chosen = _chosen(ensembles, "ensemble", ENSEMBLES)
    return _problems(_spectra_or(spectra, min_n=m or 1), m, noise, chosen, rotated, mean, shapes)


@st.composite
def _problems(
    draw: st.DrawFn,
    spectra: st.SearchStrategy[Spectrum],
    m: int | None,
    noise: st.SearchStrategy[float],
    ensembles: tuple[str, ...],
    rotated: bool,
    mean: bool,
    batches: tuple[tuple[int, ...], ...],
) -> Problem:
    spectrum = draw(spectra)
    assume(m is None or m <= spectrum.n)
    return Problem.random(
        spectrum,
        draw(st.integers(1, spectrum.n)) if m is None else m,
        ensemble=draw(st.sampled_from(ensembles)),
        rotated=rotated and draw(st.booleans()),
        mean=mean and draw(st.booleans()),
        noise_std=draw(noise),
        batch=draw(st.sampled_from(batches)),
        seed=draw(seeds),
    )


def _spectra_or(
    given: st.SearchStrategy[Spectrum] | None, *, min_n: int = 1, decades: float = _PROBLEM_DECADES
) -> st.SearchStrategy[Spectrum]:
    if given is None:
        return spectra(min_n=min_n, max_n=max(12, min_n), decades=decades)
    return instance_of(given, st.SearchStrategy, "spectra")


def _count(m: int | None, n: int) -> int | None:
    return None if m is None else whole_in(m, "m", 1, n, f"a whole number in 1..n = 1..{n}")


def _chosen(given: Collection[str], name: str, options: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one_of(entry, name, options) for entry in collection(given, name, options[0]))
