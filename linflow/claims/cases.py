"""The spectra that `linflow verify` tries every claim on: synthetic ones chosen to hurt, and real images."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from linflow import data
from linflow.checks import flag
from linflow.claims.claim import Case
from linflow.spectrum import Spectrum, spectrum_of


def default_cases(*, quick: bool = False) -> list[Case]:
    """The default cases; `quick` leaves out the larger spectra.

    >>> len(default_cases(quick=True)) < len(default_cases())
    True
    """
    quick = flag(quick, "quick")
    cases = [
        Case(Spectrum([2.0]).named("single"), (0, 1)),
        Case(Spectrum([3.0, 1.0]).named("pair"), (0, 1, 2)),
        Case(Spectrum.step(3, 1, 1e-3).named("step 1, floor 0.001"), (0, 1, 2, 3)),
        Case(Spectrum.step(4, 2, 1e-4).named("step 2, floor 0.0001"), (1, 2, 3)),
        _spread(Spectrum.power_law(32, 1.0)),
        _spread(Spectrum.step(32, 8, 1e-4), extra=(7, 8, 9, 10, 11)),
        _spread(Spectrum(10.0 ** (-5.0 * np.arange(16)), name="steep 10^-5i")),
        _spread(Spectrum(10.0 ** np.linspace(140, -140, 12), name="1e+140 to 1e-140")),
    ]
    if quick:
        return cases
    return [
        *cases,
        _spread(Spectrum.flat(32)),
        _spread(Spectrum.spiked(40, (100.0, 30.0, 10.0, 3.0)), extra=(3, 4, 5, 6, 7)),
        _spread(Spectrum.power_law(48, 0.6)),
        _spread(Spectrum.exponential(48, 0.25)),
        _spread(Spectrum.log_spaced(40, 1e12)),
        _spread(Spectrum.from_data(data.digits(), name="digits 8x8")),
        _spread(Spectrum.from_data(data.natural_patches(8), name="patches 8x8")),
        _spread(Spectrum.from_data(data.faces(12), name="faces 12x12")),
    ]


def case_for(spectrum: Spectrum | ArrayLike) -> Case:
    """A case with measurements spread over 0..n, both ends included."""
    return _spread(spectrum_of(spectrum))


def _spread(spectrum: Spectrum, extra: tuple[int, ...] = ()) -> Case:
    n = spectrum.n
    fractions = (n // 8, n // 4, n // 2, 3 * n // 4)
    counts = (0, 1, 2, 3, *fractions, n - 2, n - 1, n, *extra)
    return Case(spectrum, [m for m in counts if 0 <= m <= n])
