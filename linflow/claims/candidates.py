r"""Where a hunt looks: spectra written as gaps, random ones, changed ones, and a line that says what one looks like.

A spectrum is its largest value and the gaps ``d_i = log(sigma_i / sigma_{i+1}) >= 0``: any non-negative numbers give a
sorted spectrum, equal gaps an exponential, zeros a flat stretch, one large gap a cliff. The local search moves in
``w_i = arcsinh(d_i / KNEE)``, which is linear near zero and logarithmic above, so that one step size suits gaps from
0.1 % to a factor of 1e12.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from linflow.checks import FloatArray, IntArray
from linflow.spectrum import Spectrum

#: Decades from the largest to the smallest singular value that a hunt goes through (gaps beyond are scaled down).
DECADES = 12
_SPAN = DECADES * math.log(10)
#: Gap at which steps turn from absolute to relative.
_KNEE = 0.01
_HIGHEST = math.asinh(_SPAN / _KNEE)
#: Decades up and down of sigma_1 in random spectra, and in any, for claims that depend on the scale.
_SCALES, _SCALE_LIMIT = 4.0, 20.0


@dataclass(frozen=True)
class Candidate:
    """A spectrum, by its descending singular values, and an m.

    >>> found = Candidate.from_gaps(np.array([0.0, math.log(10)]), m=2)
    >>> [round(value, 12) for value in found.sigma], found.m
    ([1.0, 1.0, 0.1], 2)
    """

    sigma: tuple[float, ...]
    m: int

    @classmethod
    def from_gaps(cls, gaps: FloatArray, m: int, height: float = 0.0) -> Candidate:
        """The spectrum with ``log sigma_1 = height`` and the given gaps, at m."""
        gaps = np.clip(gaps, 0.0, _SPAN)
        gaps = gaps * min(1.0, _SPAN / max(float(gaps.sum()), 1e-300))
        height = float(np.clip(height, -_SCALE_LIMIT * math.log(10), _SCALE_LIMIT * math.log(10)))
        return cls(tuple(np.exp(height - np.append(0.0, np.cumsum(gaps))).tolist()), m)

    @cached_property
    def spectrum(self) -> Spectrum:
        """As a Spectrum."""
        return Spectrum(self.sigma, name=f"a spectrum with n = {self.n}")

    @property
    def n(self) -> int:
        """Dimension of the signal."""
        return len(self.sigma)

    @property
    def height(self) -> float:
        """``log sigma_1``."""
        return math.log(self.sigma[0])

    @cached_property
    def gaps(self) -> FloatArray:
        """``log(sigma_i / sigma_{i+1})``, i = 1..n-1."""
        return -np.diff(np.log(self.sigma))

    def at(self, m: int) -> Candidate:
        """The same spectrum at another m."""
        return Candidate(self.sigma, m)

    def scaled(self, factor: float) -> Candidate:
        """Every singular value times `factor`."""
        return Candidate(tuple(factor * value for value in self.sigma), self.m)

    def groups(self, most: int) -> IntArray:
        """A label for each gap: at most `most` runs of alike neighbours, cut where they differ most, else near m."""
        jumps = np.abs(np.diff(_warped(self.gaps)))
        jumps = jumps + 1e-9 / (1.0 + np.abs(np.arange(jumps.size) + 1.5 - self.m))
        cuts = np.zeros(self.gaps.size, dtype=np.int64)
        cuts[1 + np.argsort(-jumps, kind="stable")[: most - 1]] = 1
        return np.cumsum(cuts)

    def moved(self, labels: IntArray, offsets: FloatArray) -> Candidate:
        """Each group of gaps moved by its offset (in w); a last offset beyond the groups moves the height."""
        warped = np.clip(_warped(self.gaps) + offsets[labels], 0.0, _HIGHEST)
        height = self.height + (float(offsets[-1]) if offsets.size > labels[-1] + 1 else 0.0)
        return Candidate.from_gaps(_KNEE * np.sinh(warped), self.m, height)

    def room_to_move(self) -> list[tuple[float, float]]:
        """For each gap, the offsets in w that keep it within its range."""
        return [(-w, max(_HIGHEST - w, 0.0)) for w in _warped(self.gaps).tolist()]


def _warped(gaps: FloatArray) -> FloatArray:
    return np.asarray(np.arcsinh(gaps / _KNEE))


def random_candidate(rng: np.random.Generator, n: int, *, scale_free: bool = True) -> Candidate:
    """One to four pieces, each flat, exponential or a power law, with or without a cliff between them; at a random m.

    >>> found = random_candidate(np.random.default_rng(0), 9)
    >>> found.n, found.sigma[0], bool(np.all(found.gaps >= 0))
    (9, 1.0, True)
    """
    gaps = np.zeros(n - 1)
    pieces = int(rng.integers(1, min(4, n - 1) + 1))
    cuts = sorted(rng.permutation(np.arange(1, n - 1))[: pieces - 1].tolist())
    for start, stop in pairwise([0, *cuts, n - 1]):
        kind, size = rng.random(), float(rng.uniform(0.0, 1.0))
        if kind > 0.8:
            gaps[start:stop] = 10 ** (size - 0.5) * np.log1p(1.0 / np.arange(start + 1, stop + 1))
        elif kind > 0.4:
            gaps[start:stop] = 10 ** (3.0 * size - 2.5)
        if start > 0 and rng.random() < 0.6:
            gaps[start] = 10 ** rng.uniform(-1.0, 1.3)
    height = 0.0 if scale_free else float(rng.uniform(-_SCALES, _SCALES)) * math.log(10)
    return Candidate.from_gaps(gaps, int(rng.integers(1, n)), height)


def changed(rng: np.random.Generator, parent: Candidate, max_n: int) -> Candidate:
    """A relative of `parent`: a stretch of its gaps scaled, repeated or left out, or another m."""
    gaps, m, n = parent.gaps, parent.m, parent.n
    start = int(rng.integers(gaps.size))
    length = 1 + int(rng.integers(max(1, gaps.size // 3)))
    kind = int(rng.integers(4))
    block = gaps[start : start + length]
    if kind == 0:
        block = block[: max_n - n]
        gaps, m = np.concatenate([gaps[:start], block, gaps[start:]]), m + (block.size if start < m else 0)
    elif kind == 1 and block.size < gaps.size:
        gaps, m = np.delete(gaps, slice(start, start + length)), m - (block.size if start < m else 0)
    elif kind == 2:
        m += int(rng.choice([-2, -1, 1, 2]))
    else:
        gaps = gaps.copy()
        gaps[start : start + length] *= np.exp(rng.normal(0.0, 0.7))
    return Candidate.from_gaps(gaps, int(np.clip(m, 1, gaps.size)), parent.height)


def shape(sigma: Sequence[float] | FloatArray) -> str:
    """One line on what a spectrum looks like.

    >>> shape([1.0, 1.0, 1.0]), shape([1.0, 1.0, 1e-4, 1e-4, 1e-4])
    ('flat', 'step of rank 2, floor 0.0001')
    >>> shape(np.exp(-0.25 * np.arange(9))), shape(1.0 / np.arange(1, 9))
    ('exponential, rate 0.25', 'power law, exponent 1')
    >>> shape([1.0, 0.9, 0.8, 0.7, 1e-3, 1e-5, 1e-7])
    'log-linear through sigma_1 = 1, sigma_4 = 0.7, sigma_5 = 0.001, sigma_7 = 1e-07'
    """
    values = np.asarray(sigma, dtype=np.float64) / sigma[0]
    times = "" if abs(math.log10(sigma[0])) < 1e-9 else f", times {sigma[0]:.3g}"
    logs = np.log10(values)
    return _shape(values, logs) + times


def _shape(values: FloatArray, logs: FloatArray) -> str:
    n, drop = values.size, float(-logs[-1])
    # Levels: runs whose values agree within 5 %, far apart in comparison.
    cuts = np.flatnonzero(-np.diff(logs) > 0.1) + 1
    levels = np.split(logs, cuts)
    if max(float(level[0] - level[-1]) for level in levels) < 0.02 and len(levels) <= max(2, min(4, n // 2)):
        if len(levels) == 1:
            return "flat"
        if len(levels) == 2:
            return f"step of rank {levels[0].size}, floor {10 ** levels[1].mean():.3g}"
        return "levels " + ", ".join(f"{10 ** level.mean():.3g} ({level.size} times)" for level in levels)
    tolerance = max(0.02, 0.03 * drop)
    index = np.arange(n)
    for x, form in (
        (index * math.log10(math.e), "exponential, rate {:.3g}"),
        (np.log10(index + 1.0), "power law, exponent {:.3g}"),
    ):
        slope, start = np.polyfit(x, logs, 1)
        if n > 2 and np.abs(start + slope * x - logs).max() <= tolerance:
            return form.format(-slope)
    knots = [0, n - 1]
    while len(knots) < n:
        deviation = np.abs(np.interp(index, knots, logs[knots]) - logs)
        if deviation.max() <= tolerance:
            break
        knots = sorted([*knots, int(deviation.argmax())])
    return "log-linear through " + ", ".join(f"sigma_{k + 1} = {values[k]:.2g}" for k in knots)
