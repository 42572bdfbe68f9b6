"""Hypothesis strategies shared by the tests: spectra of every kind, extreme and clustered ones among them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from linflow.spectrum import Spectrum


@st.composite
def spectra(draw: st.DrawFn, *, min_n: int = 1, max_n: int = 12, decades: float = 6.0) -> Spectrum:
    """Spectra of min_n..max_n values within `decades` decades below 1: spread, clustered, or with repeats."""
    n = draw(st.integers(min_n, max_n))
    kind = draw(st.sampled_from(["spread", "clustered", "repeated"]))
    exponents = st.floats(-decades, 0.0, allow_nan=False)
    if kind == "spread":
        logs = draw(st.lists(exponents, min_size=n, max_size=n))
    else:
        centres = draw(st.lists(exponents, min_size=1, max_size=3))
        logs = [draw(st.sampled_from(centres)) for _ in range(n)]
        if kind == "clustered":
            logs = [x + 1e-9 * i for i, x in enumerate(logs)]
    return Spectrum(10.0 ** np.array(logs), name=f"{kind} {n}")


seeds = st.integers(0, 2**32 - 1)
