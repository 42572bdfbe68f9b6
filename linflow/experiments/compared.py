"""Methods from outside in tables, figures and readings: their names, their colours, their differences to a reference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from linflow.checks import label, listed, mapping
from linflow.errors import InputError
from linflow.experiments.statistics import OKABE_ITO

if TYPE_CHECKING:
    import xarray as xr

#: Markers that no experiment gives to a method of its own.
_MARKERS = ("*", "X", "p", "h", "d", "8")
#: So many places are told one by one, of more the best and the worst.
_TOLD = 4


def compared(params: Mapping[str, Any], known: Iterable[str]) -> list[str]:
    """The methods that a cell compares: the experiment's own, and after them those from outside.

    >>> compared({}, ("noisy", "BM3D"))
    ['noisy', 'BM3D']
    """
    return [*listed(known, "known", "names"), *mapping(params, "params").get("given_methods", {})]


def beyond(dataset: xr.Dataset, dimension: str, known: Iterable[str]) -> list[str]:
    """The methods along a dimension that are not the experiment's own, in their order.

    >>> import xarray as xr
    >>> beyond(xr.Dataset(coords={"estimator": ["noisy", "my median"]}), "estimator", ("noisy", "BM3D"))
    ['my median']
    """
    if label(dimension, "dimension") not in getattr(dataset, "coords", ()):
        raise InputError(f"the dataset has no dimension {dimension!r}")
    own = set(listed(known, "known", "names"))
    return [name for name in map(str, dataset[dimension].values.tolist()) if name not in own]


def own_styles(names: Sequence[str], taken: Iterable[str]) -> dict[str, tuple[str, str]]:
    """A colour and a marker for each method from outside: colours that the experiment has not taken come first.

    >>> own_styles(["a", "b"], ("black", "orange", "sky", "green", "yellow", "blue"))
    {'a': ('vermillion', '*'), 'b': ('purple', 'X')}
    """
    taken = set(listed(taken, "taken", "names of colours"))
    colours = [colour for colour in OKABE_ITO if colour not in taken] or list(OKABE_ITO)
    # On white paper yellow is the last that one would choose.
    colours.sort(key=lambda colour: colour == "yellow")
    return {
        name: (colours[index % len(colours)], _MARKERS[index % len(_MARKERS)])
        for index, name in enumerate(listed(names, "names", "names of methods"))
    }


def plus_minus(values: xr.DataArray, *, sign: bool = False) -> str:
    """Mean over blocks ± its standard error, to two decimals; "-" for fewer than two blocks.

    >>> import xarray as xr
    >>> plus_minus(xr.DataArray([1.0, 2.0, 3.0], dims="block"), sign=True)
    '+2.00 ± 0.58'
    """
    count = int(values.notnull().sum())
    if count < 2:
        return "-"
    error = float(values.std(ddof=1)) / np.sqrt(count)
    return f"{float(values.mean()):{'+' if sign else ''}.2f} ± {error:.2f}"


def told(name: str, reference: str, differences: Mapping[str, xr.DataArray]) -> str:
    """One sentence on what a method from outside gains over the reference, paired.

    Parameters
    ----------
    name, reference : of the two methods.
    differences : place (case, noise, ...) -> differences in dB, one for each block; of many places the best and the worst
        are told.

    Examples
    --------
    >>> import xarray as xr
    >>> told("my median", "linear flow", {"noise 0.1": xr.DataArray([1.0, 2.0, 3.0], dims="block")})
    'Your method my median against the linear flow, paired, mean ± standard error: +2.00 ± 0.58 dB (noise 0.1).'
    """
    there = {place: gain for place, gain in mapping(differences, "differences").items() if int(gain.notnull().sum()) > 1}
    head = f"Your method {label(name, 'name')} against the {label(reference, 'reference')}, paired, mean ± standard error"
    if not there:
        return f"{head}: too few blocks to tell."
    words = {place: f"{plus_minus(gain, sign=True)} dB ({place})" for place, gain in there.items()}
    if len(there) <= _TOLD:
        return f"{head}: {', '.join(words.values())}."
    ordered = sorted(there, key=lambda place: float(there[place].mean()))
    return f"{head}, at {len(there)} places: from {words[ordered[0]]} to {words[ordered[-1]]}."
