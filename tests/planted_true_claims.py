"""True claims that are no equalities: ``linflow verify tests/planted_true_claims.py`` must refute none, whatever the seed.

The counterpart of ``planted_false_claims.py``: an engine that refuses to support anything would pass that file. Each has
some room, from a part in 1e12 where an oracle decides to a tenth where draws do, and should come out supported.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import linflow as lf
from linflow.checks import Field
from linflow.claims.certainties import Dominance
from linflow.claims.quantities import (
    EXPECTED_ERROR,
    ExpectedError,
    FailureProbability,
    Quantity,
    SpectralError,
    TruncatedRisk,
)
from linflow.claims.relation import Kind

Value = Callable[[lf.Spectrum, int], float]

POWER = lf.Spectrum.power_law(12, 1.0)
EXPONENTIAL = lf.Spectrum.exponential(12, 0.25)
CLIFF = lf.Spectrum.step(12, 4, 1e-2)
FLAT = lf.Spectrum.flat(9)
COMPLEX = ExpectedError(field="complex")


def true(
    name: str,
    kind: Kind,
    value: Value,
    *cases: lf.Case,
    quantity: Quantity = EXPECTED_ERROR,
    every_draw: bool = False,
    tolerance: float = 0.05,
) -> lf.Claim:
    """A true claim, stated on its own cases only."""

    def here(spectrum: lf.Spectrum, m: int) -> bool:
        return any(spectrum == case.spectrum and m in case.m for case in cases)

    return lf.Claim(
        name=f"sound-{name}",
        statement=f"true, with some room ({kind})",
        kind=kind,
        value=value,
        holds_for=here,
        source="planted",
        quantity=quantity,
        every_draw=every_draw,
        tolerance=tolerance,
        cases=cases,
    )


def exact(factor: float, field: Field = "real") -> Value:
    """`factor` times the exact expected error."""
    return lambda s, m: factor * float(lf.risk.exact(s, m, field))


def equivalent(factor: float) -> Value:
    """`factor` times m kappa, the lower side of the interlacing theorem."""
    return lambda s, m: factor * float(lf.risk.equivalent(s, m))


def next_equivalent(factor: float) -> Value:
    """`factor` times ``f (m-1) kappa_{m-1}``, f = (n-m)/(n-m+1), the upper side of the interlacing theorem."""
    return lambda s, m: factor * (s.n - m) / (s.n - m + 1) * float(lf.risk.equivalent(s, m - 1))


def third_theorem(factor: float) -> Value:
    """`factor` times T3 at k = m // 2."""
    return lambda s, m: factor * float(lf.risk.truncated(s, m, m // 2))


SOUND = [
    true("oracle-upper", "upper", exact(1.01), lf.Case(POWER, (1, 11)), lf.Case(FLAT, (4,))),
    true("oracle-lower", "lower", exact(0.99), lf.Case(POWER, (1, 11)), lf.Case(FLAT, (4,))),
    # 2e-12 is far beyond the 1e-14 to which the exact value is known.
    true("oracle-upper-rounding", "upper", exact(1 + 2e-12), lf.Case(POWER, (1, 11))),
    true("oracle-close", "close", exact(1.03), lf.Case(POWER, (1, 11)), tolerance=0.05),
    # E_m is 1.085, 1.077, 1.064 times m kappa, and f (m-1) kappa_{m-1} is 1.186, 1.063, 1.027 times E_m.
    true("draws-lower", "lower", equivalent(0.97), lf.Case(POWER, (3, 6, 9)), lf.Case(EXPONENTIAL, (3, 6))),
    true("draws-upper", "upper", next_equivalent(1.05), lf.Case(POWER, (3, 6, 9))),
    # E_5 is 2.75 times m kappa at the cliff (and T2 has no rank to offer there that is any good).
    true("cliff-lower", "lower", equivalent(2.0), lf.Case(CLIFF, (5,))),
    true("T3-upper", "upper", third_theorem(1.1), lf.Case(POWER, (8,)), quantity=TruncatedRisk()),
    true("T3-lower", "lower", third_theorem(0.9), lf.Case(POWER, (8,)), quantity=TruncatedRisk()),
    true("T3-close", "close", third_theorem(1.03), lf.Case(POWER, (8,)), quantity=TruncatedRisk(), tolerance=0.1),
    true("complex-upper", "upper", equivalent(1.0), lf.Case(POWER, (3, 6)), quantity=COMPLEX),
    true("complex-close", "close", exact(0.97, "complex"), lf.Case(POWER, (3, 6)), quantity=COMPLEX, tolerance=0.05),
    # Jensen, and T2 under the root.
    true(
        "spectral-upper",
        "upper",
        lambda s, m: math.sqrt(lf.risk.best_upper(s, m)),
        lf.Case(POWER, (3, 6)),
        quantity=SpectralError(),
    ),
    # 7.9e-4 (473 of 600 000 plain draws).
    true(
        "failure-upper",
        "upper",
        lambda s, m: 2e-3,
        lf.Case(lf.Spectrum.step(12, 4, 1e-3), (8,)),
        quantity=FailureProbability(t=1.0, u=1.0),
    ),
    # T8 and T4 with room: theorems about every A, which draws cannot refute (nor prove).
    true(
        "every-upper",
        "upper",
        lambda s, m: 1.01 * float(lf.risk.error_range(s, m)[1]),
        lf.Case(POWER, (4,)),
        every_draw=True,
    ),
    true("every-lower", "lower", lambda s, m: 0.99 * float(s.tail(m)), lf.Case(POWER, (4,)), every_draw=True),
    true("every-dominance", "upper", lambda s, m: 1.01, lf.Case(POWER, (6,)), quantity=Dominance(), every_draw=True),
]
