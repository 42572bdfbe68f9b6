"""Spectra from outside in an experiment: a user's own in the place of the study's, by name for people, by content else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from linflow.checks import instances_of, label, mapping, positive_int
from linflow.errors import InputError
from linflow.spectrum import Spectrum

#: Where the params of a cell hold them, by name.
GIVEN = "given"


def spectrum_for(params: Mapping[str, Any], own: Callable[[str], Spectrum], dimension: str = "spectrum") -> Spectrum:
    """The spectrum that a cell's coordinate names: from outside if the run was given one, else of the study's `own`.

    >>> mine = Spectrum([2.0, 1.0], name="mine")
    >>> spectrum_for({"spectrum": "mine", GIVEN: {"mine": mine}}, Spectrum.flat) is mine
    True
    """
    name = mapping(params, "params").get(label(dimension, "dimension"))
    if name is None:
        raise InputError(f"there is no dimension {dimension!r} among the params of this cell")
    found: Spectrum | None = params.get(GIVEN, {}).get(name)
    return own(name) if found is None else found


def named(changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Spectrum]]:
    """The changes with the names of spectra in the place of those, and the spectra by name; two of a name are refused."""
    found: dict[str, Spectrum] = {}
    plain = dict(changes)
    for name, values in changes.items():
        own = [part for part in values if isinstance(part, Spectrum)] if isinstance(values, list | tuple) else []
        for spectrum in own:
            if found.setdefault(spectrum.name, spectrum) != spectrum:
                raise InputError(f"two different spectra are called {spectrum.name!r}: rename one of the files")
        if own:
            plain[name] = [part.name if isinstance(part, Spectrum) else part for part in values]
    return plain, found


def scaled_counts(counts: Sequence[int], usual: int, spectra: Sequence[Spectrum]) -> tuple[int, ...]:
    """Numbers of measurements chosen for n = `usual`, for the n that all of `spectra` share.

    >>> scaled_counts((8, 32, 60), 64, [Spectrum.flat(32)])
    (4, 16, 30)
    """
    sizes = {spectrum.n for spectrum in instances_of(spectra, Spectrum, "spectra")}
    if len(sizes) != 1:
        listed = ", ".join(map(str, sorted(sizes))) or "none"
        raise InputError(f"spectra of different lengths ({listed}): give those of one length")
    (n,), usual = sizes, positive_int(usual, "usual")
    return tuple(sorted({max(1, round(positive_int(count, "each of counts") * n / usual)) for count in counts}))
