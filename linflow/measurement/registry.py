"""The ensembles by name: one table for simulations, experiments and tests.

To add an ensemble, write a function ``(m, n, rng) -> A`` (an array, a sparse matrix or an operator of shape (m, n)), put it
into this table, and name it in ``linflow.measurement.__init__``; the tests of every ensemble then hold it too. An ensemble
of one's own need not be in the table: whatever takes an ensemble takes such a function.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np

from linflow.measurement.ensembles import (
    gaussian,
    rademacher,
    random_rows,
    sparse_sign,
    subsampled_dct,
    subsampled_hadamard,
)
from linflow.measurement.operators import Measurement

#: ``ensemble(m, n, rng)`` -> A of shape (m, n): one draw of the measurements.
Ensemble: TypeAlias = Callable[[int, int, np.random.Generator], Measurement]

_ENSEMBLES: dict[str, Ensemble] = {
    "gaussian": gaussian,
    "complex gaussian": partial(gaussian, field="complex"),
    "rademacher": rademacher,
    "sparse sign": sparse_sign,
    "subsampled dct": subsampled_dct,
    "subsampled hadamard": subsampled_hadamard,
    "random rows": random_rows,
}


def ensembles() -> dict[str, Ensemble]:
    """Every ensemble of linflow by its name, each a function of (m, n, rng).

    Some have no more rows than columns (m <= n), and the Hadamard matrix exists where n is a power of two.

    Examples
    --------
    >>> A = ensembles()["rademacher"](2, 3, np.random.default_rng(0))
    >>> A.shape
    (2, 3)
    """
    return dict(_ENSEMBLES)
