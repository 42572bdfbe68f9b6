"""What the ledger proves about E_m and X_A at a spectrum and m: bounds that decide users' claims without a draw.

The statements of the catalogue are never decided by these, each of which is a statement of the catalogue itself: they stay
tested by enclosures and draws. The proofs are in proofs/; the bounds are those of :mod:`linflow.risk.bounds` and of
:mod:`linflow.risk.interlacing`, as float64 numbers: a claim with the same number is the proved statement.
"""

from __future__ import annotations

import math

from linflow.claims.evidence import Proved
from linflow.claims.quantities import ExpectedError, Quantity
from linflow.risk import bounds
from linflow.risk.interlacing import interlacing
from linflow.spectrum import Spectrum


def proved_about(quantity: Quantity, spectrum: Spectrum, m: int, *, every_draw: bool) -> Proved | None:
    """Proved bounds of the quantity's mean, or of its value at every A; None if the ledger says nothing about it.

    >>> found = proved_about(ExpectedError(), Spectrum.step(8, 2, 1e-3), 4, every_draw=False)
    >>> found.by, found.low < found.high
    (('interlacing-real-lower', 'interlacing-real-upper'), True)
    """
    if type(quantity) is not ExpectedError:
        return None
    low, above = (float(end) for end in bounds.error_range(spectrum, m))
    lowers, uppers = [(low, "T1-lower")], [(above, "T8")]
    if not every_draw:
        real = quantity.field == "real"
        best = bounds.best_upper if quantity.field == "real" else bounds.complex_upper
        uppers.append((float(best(spectrum, m)), "T2" if real else "T7"))
        least, most = interlacing(spectrum, m, field=quantity.field)
        lowers.append((least, f"interlacing-{quantity.field}-lower"))
        uppers.append((most, f"interlacing-{quantity.field}-upper"))
    low, by_low = max(lowers, key=lambda bound: bound[0])
    high, by_high = min((bound for bound in uppers if math.isfinite(bound[0])), key=lambda bound: bound[0])
    return Proved(low=low, high=max(high, low), by=(by_low, by_high))
