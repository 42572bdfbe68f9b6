"""The error of the MLE under any ensemble of measurements, as a quantity to make claims about: by draws alone.

The theorems, the oracles and the bounds of the ledger are about Gaussian A, for which the eigenbasis of the flow does not
matter. Of another ensemble only this is used: whatever A is, what the measurements miss is a part of the signal, so that
the error lies in 0..E_0. Plain draws over E_0 are then draws in [0, 1], whose mean a confidence sequence encloses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from linflow.checks import callable_of, one_of
from linflow.claims.quantities import Draws, Plain, Quantity
from linflow.measurement import Ensemble, ensembles
from linflow.risk.simulate import ensemble_curves
from linflow.spectrum import Spectrum


@dataclass(frozen=True, kw_only=True)
class MLERisk(Quantity):
    """Mean of X_A(m), the squared error of the MLE averaged over signals, under measurements of an ensemble, [x]^2.

    Parameters
    ----------
    ensemble : ``ensemble(m, n, rng) -> A`` of shape (m, n), an array, a sparse matrix or an operator, real or complex; or
        the name of one of :func:`linflow.measurement.ensembles`.
        A measures coordinates in the eigenbasis of the flow, the one of the largest singular value first, as in
        :func:`linflow.risk.simulate`; rows that depend on earlier ones leave the error where it was. Two ensembles are told
        apart by their code, with all that it reaches, and by what they hold.

    Raises
    ------
    InputError
        No function, or the name of no ensemble.

    Notes
    -----
    No theorem applies: a claim is decided by draws, or not at all. One of ``every_draw`` is held against draws alone too,
    for no search knows which A the ensemble can give. Where an ensemble does not exist (m > n, n no power of two) it
    raises: leave that out by the claim's `holds_for`.

    Examples
    --------
    Of random rows the mean is known: each coordinate is missed with probability 1 - m/n.

    >>> from linflow.claims import Case, Claim, verify
    >>> claim = Claim(
    ...     name="rows",
    ...     statement="E X_A <= 1.1 (1 - m/n) E_0",
    ...     kind="upper",
    ...     value=lambda spectrum, m: 1.1 * (1 - m / spectrum.n) * spectrum.energy,
    ...     quantity=MLERisk(ensemble="random rows"),
    ... )
    >>> verify(claim, cases=[Case(Spectrum.power_law(12), (3, 6))], workers=1).sentence
    'supported (rigorous)'
    """

    name: ClassVar[str] = "E X_A"
    ensemble: Ensemble | str

    def __post_init__(self) -> None:
        if isinstance(self.ensemble, str):
            one_of(self.ensemble, "ensemble", tuple(ensembles()))
        else:
            callable_of(self.ensemble, "ensemble", "of (m, n, rng), or a name")

    def scale(self, spectrum: Spectrum, m: int) -> float:  # noqa: D102
        return float(spectrum.energy)

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        values = self.plain(spectrum, m, size, rng).values
        return Draws(weights=np.clip(values / self.scale(spectrum, m), 0, 1), values=values)

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:  # noqa: D102
        ensemble = ensembles()[self.ensemble] if isinstance(self.ensemble, str) else self.ensemble
        return Plain(ensemble_curves(spectrum, ensemble, m, size=size, rng=rng)[:, m])
