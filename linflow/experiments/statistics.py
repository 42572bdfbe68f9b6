"""From blocks to means with intervals, and the colours of the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from linflow.arrays import REAL, shown
from linflow.checks import flag, probability
from linflow.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

#: Colours of Okabe & Ito (2008), told apart by every kind of colour vision.
OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "purple": "#CC79A7",
}


def estimate(values: xr.DataArray, *, level: float = 0.95, positive: bool = False, dim: str = "block") -> xr.Dataset:
    """Mean over blocks with a confidence interval from their spread.

    Parameters
    ----------
    values : with dimension `dim`; blocks that are NaN (failed cells) are left out.
    level : coverage of the interval, Student's t with one degree of freedom less than there are blocks.
    positive : for quantities that cannot be negative: the interval is taken on the logarithmic scale,
        ``mean * exp(+-t s.e./mean)`` (delta method).

    Returns
    -------
    xr.Dataset : variables "mean", "low", "high" and "blocks" (how many were used), without the dimension `dim`. With fewer
        than two blocks the interval is NaN, never zero.

    Examples
    --------
    >>> import xarray as xr
    >>> result = estimate(xr.DataArray([1.0, 2.0, 3.0, np.nan], dims="block"))
    >>> float(result["mean"]), int(result["blocks"]), round(float(result["high"] - result["low"]) / 2, 3)
    (2.0, 3, 2.484)
    """
    from scipy.special import stdtrit

    level, positive = probability(level, "level"), flag(positive, "positive")
    if not hasattr(values, "notnull") or dim not in getattr(values, "dims", ()):
        raise InputError(f"values must be an xarray.DataArray with the dimension {shown(dim)}, got {shown(values)}")
    if values.dtype.kind not in REAL:
        raise InputError(f"values must be real numbers, got the dtype {values.dtype}")
    count = values.notnull().sum(dim)
    # Written out and not by nanmean and nanstd, which warn where every block is missing.
    mean = values.sum(dim) / count.where(count > 0)
    spread = ((values - mean) ** 2).sum(dim) / (count - 1).where(count > 1)
    t = stdtrit(np.maximum(count - 1, 1), 0.5 + level / 2)
    half = t * np.sqrt(spread / count.where(count > 1))
    if positive:
        factor = np.exp(half / mean.where(mean > 0))
        # A mean of exactly 0 (the error at m = n) has no logarithm, and with no spread it needs none.
        low, high = (mean / factor).where(mean > 0, mean - half), (mean * factor).where(mean > 0, mean + half)
    else:
        low, high = mean - half, mean + half
    return mean.to_dataset(name="mean").assign(low=low, high=high, blocks=count)
