"""False claims, planted: ``linflow verify tests/planted_false_claims.py`` must support none of them, whatever the seed.

They are false by a fifth, by one or three hundredths, by a part in a million or by rounding; for each kind of claim, and
for each way in which a claim is decided: by an oracle, by draws, by draws of another quantity, for every A. Whoever wants
to pass them cannot be generous with tolerances, and cannot take draws for a proof. The comment on each says why it is
false; the true values in it were computed by another road (quadrature on the sphere, conditional expectations, plain draws)
or follow from a theorem. Each is tried on few spectra of its own, except where the default ones are the trap.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import linflow as lf
from linflow.checks import Field
from linflow.claims.certainties import Dominance
from linflow.claims.penalised import Penalised
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

#: Just beyond the rounding of 1e-12 that a bound might be allowed.
ROUNDING = 9.9e-13
#: The least that float64 can tell from 1.
ULP = 3e-16

FLAT = lf.Spectrum.flat(9)
PAIR = lf.Spectrum([3.0, 2.0]).named("pair 3, 2")
TRIPLE = lf.Spectrum([3.0, 2.0, 1.0]).named("triple 3, 2, 1")
QUAD = lf.Spectrum([4.0, 3.0, 2.0, 1.0]).named("quad 4, 3, 2, 1")
POWER = lf.Spectrum.power_law(12, 1.0)
LONG_POWER = lf.Spectrum.power_law(32, 1.0)
EXPONENTIAL = lf.Spectrum.exponential(12, 0.25)
CLIFF = lf.Spectrum.step(12, 4, 1e-2)
DEEP_CLIFF = lf.Spectrum.step(12, 4, 1e-3)
SPIKE = lf.Spectrum.spiked(40, (10.0,)).named("one spike of 10, n = 40")
LONG_FLAT = lf.Spectrum.flat(200)
NEARLY_FLAT = lf.Spectrum.spiked(60, (1.01,), bulk=1.0).named("nearly flat, n = 60")

COMPLEX = ExpectedError(field="complex")
SAMPLED = ExpectedError(oracle=False)


def false(
    name: str,
    kind: Kind,
    value: Value,
    *cases: lf.Case,
    quantity: Quantity = EXPECTED_ERROR,
    every_draw: bool = False,
    tolerance: float = 0.05,
) -> lf.Claim:
    """A planted claim, stated on its own cases only."""

    def here(spectrum: lf.Spectrum, m: int) -> bool:
        return any(spectrum == case.spectrum and m in case.m for case in cases)

    return lf.Claim(
        name=f"planted-{name}",
        statement=f"false on purpose ({kind})",
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


def inside_enclosure(factor: float, field: Field = "real") -> Value:
    """`factor` times that edge of the enclosure that makes the claim false for certain."""

    def value(s: lf.Spectrum, m: int) -> float:
        found = lf.risk.enclosure(s, m, field)
        if found is None:
            raise lf.InputError(f"no enclosure at m = {m}")
        return factor * (found.low if factor < 1 else found.high)

    return value


def largest(factor: float) -> Value:
    """`factor` times ``sum_{i<=n-m} l_i``, the supremum of X_A over A (T8)."""
    return lambda s, m: factor * float(lf.risk.error_range(s, m)[1])


def equivalent(factor: float) -> Value:
    """`factor` times m kappa, the lower side of the interlacing theorem: E_m is larger unless the spectrum is flat."""
    return lambda s, m: factor * float(lf.risk.equivalent(s, m))


def next_equivalent(factor: float) -> Value:
    """`factor` times ``f (m-1) kappa_{m-1}``, f = (n-m)/(n-m+1), the upper side of the interlacing theorem."""
    return lambda s, m: factor * (s.n - m) / (s.n - m + 1) * float(lf.risk.equivalent(s, m - 1))


def at_order(shift: float) -> Value:
    """``(n - m) A_{m + shift}`` of the interlacing theorem's chain."""
    return lambda s, m: (s.n - m) * float(lf.risk.per_dimension(s, m + shift))


def third_theorem(factor: float) -> Value:
    """`factor` times T3 at k = m // 2."""
    return lambda s, m: factor * float(lf.risk.truncated(s, m, m // 2))


# Decided by an oracle: m = 1, m = n - 1, flat spectra. E_1 of the pair is 3 x 2, of a flat spectrum n - m: both exactly.
BY_ORACLE = [
    false("upper-oracle-1-percent", "upper", exact(0.99), lf.Case(POWER, (1,))),
    false("lower-oracle-1-percent", "lower", exact(1.01), lf.Case(POWER, (11,))),
    false("equal-oracle-20-percent", "equal", exact(1.2), lf.Case(POWER, (1,))),
    # E_31 = 0.00293434446 by quadrature; the claim says 0.0029637.
    false("equal-oracle-1-percent", "equal", lambda s, m: 1.01 * 0.00293434446, lf.Case(LONG_POWER, (31,))),
    false("equal-flat-3-percent", "equal", lambda s, m: 1.03 * (s.n - m), lf.Case(FLAT, (2, 4, 7))),
    false("upper-oracle-rounding", "upper", inside_enclosure(1 - ROUNDING), lf.Case(POWER, (1, 11))),
    false("lower-oracle-rounding", "lower", inside_enclosure(1 + ROUNDING), lf.Case(POWER, (1, 11))),
    false("equal-oracle-rounding", "equal", inside_enclosure(1 + ROUNDING), lf.Case(POWER, (1, 11))),
    false("upper-oracle-ulp", "upper", lambda s, m: 6.0 * (1 - ULP), lf.Case(PAIR, (1,))),
    false("lower-oracle-ulp", "lower", lambda s, m: 6.0 * (1 + ULP), lf.Case(PAIR, (1,))),
    false("upper-flat-ulp", "upper", lambda s, m: (s.n - m) * (1 - ULP), lf.Case(FLAT, (2, 4))),
    # 1.0501 is outside "within 5 %" of the value.
    false("close-oracle-outside", "close", exact(1 / 1.0501), lf.Case(POWER, (1, 11)), tolerance=0.05),
    false("close-oracle-rounding", "close", exact(1 / (1.05 * (1 + 1e-9))), lf.Case(POWER, (1,)), tolerance=0.05),
    # At m = 1 an equality; at m = 3 the left side is 4.123 (quadrature) and the right one 6.452.
    false(
        "equal-for-some-m", "equal", lambda s, m: float(lf.risk.exact(s, 1)) * (s.n - m) / (s.n - 1), lf.Case(QUAD, (1, 3))
    ),
]

# Decided by draws at 2 <= m <= n - 2, or at the ends with the oracle taken away.
BY_DRAWS = [
    # E_m > m kappa: 1.085, 1.077, 1.064 times, by conditional expectations.
    false("upper-equivalent", "upper", equivalent(0.99), lf.Case(POWER, (3, 6))),
    false("upper-20-percent", "upper", equivalent(0.8), lf.Case(POWER, (3, 6, 9))),
    false("equal-equivalent", "equal", equivalent(1.0), lf.Case(POWER, (3, 6, 9))),
    # f (m-1) kappa_{m-1} is 1.186, 1.063, 1.027 times E_m.
    false("lower-next-equivalent", "lower", next_equivalent(1.0), lf.Case(POWER, (6, 9))),
    false("lower-above-T2", "lower", lambda s, m: 1.01 * float(lf.risk.best_upper(s, m)), lf.Case(EXPONENTIAL, (3, 6))),
    # At m = 1 an equality; at m = 2 the left side is 10.64 (conditional expectations) and the right one 12.90.
    false(
        "equal-for-one-m", "equal", lambda s, m: float(lf.risk.exact(s, 1)) * (s.n - m) / (s.n - 1), lf.Case(QUAD, (1, 2))
    ),
    false("equal-sampled-1-percent", "equal", exact(1.01), lf.Case(LONG_POWER, (31,)), quantity=SAMPLED),
    false("equal-sampled-3-percent", "equal", exact(0.97), lf.Case(POWER, (1,)), quantity=SAMPLED),
    false("equal-sampled-rounding", "equal", exact(1 + ROUNDING), lf.Case(POWER, (1, 11)), quantity=SAMPLED),
    false("upper-sampled-rounding", "upper", inside_enclosure(1 - ROUNDING), lf.Case(POWER, (1, 11)), quantity=SAMPLED),
    false("close-sampled-outside", "close", exact(1 / 1.06), lf.Case(POWER, (11,)), quantity=SAMPLED, tolerance=0.05),
    false("close-sampled-rounding", "close", exact(1 / 1.0500001), lf.Case(POWER, (11,)), quantity=SAMPLED, tolerance=0.05),
    # The complex closed form for real A, which is 1.05 and 1.10 times as large.
    false(
        "equal-complex-for-real", "equal", lambda s, m: float(lf.risk.exact(s, m, "complex")), lf.Case(EXPONENTIAL, (3, 6))
    ),
]

# At a cliff: m = rank + 1, where the mean is carried by rare draws.
AT_CLIFFS = [
    # T2 with k = m - 1, outside its domain: E_5 is 2.40 and 3.99 times as large (conditional expectations).
    false(
        "upper-cliff",
        "upper",
        lambda s, m: float(lf.risk.complex_upper(s, m, rank=m - 1)),
        lf.Case(CLIFF, (5,)),
        lf.Case(DEEP_CLIFF, (5,)),
    ),
    # The equivalent and a margin, which holds beside the cliff: there E_5 is 2.75 times m kappa.
    false("upper-cliff-equivalent", "upper", equivalent(1.03), lf.Case(CLIFF, (5,))),
    false("close-cliff-equivalent", "close", equivalent(2.0), lf.Case(DEEP_CLIFF, (5,)), tolerance=0.5),
    false("lower-cliff", "lower", next_equivalent(1.01), lf.Case(CLIFF, (5,))),
]

# Other quantities. T3 is an equality, k = m // 2.
OTHER_QUANTITIES = [
    false(
        "T3-equal-3-percent", "equal", third_theorem(1.03), lf.Case(POWER, (8, 12)), quantity=TruncatedRisk(), tolerance=0.1
    ),
    false("T3-upper-1-percent", "upper", third_theorem(0.99), lf.Case(POWER, (8,)), quantity=TruncatedRisk()),
    false("T3-lower-1-percent", "lower", third_theorem(1.01), lf.Case(POWER, (8,)), quantity=TruncatedRisk()),
    false("T3-equal-rounding", "equal", third_theorem(1 + ROUNDING), lf.Case(POWER, (8,)), quantity=TruncatedRisk()),
    # Complex T3, k/(m-k) for k/(m-k-1): at m = 24, k = 12, 2 for 2.0909.
    false(
        "T3-equal-complex",
        "equal",
        lambda s, m: (1 + (m // 2) / (m - m // 2)) * float(s.tail(m // 2)),
        lf.Case(LONG_POWER, (24,)),
        quantity=TruncatedRisk(),
        tolerance=0.1,
    ),
    # The quantity is the risk plus the noise's variance, which the value forgets.
    false(
        "T3-equal-without-noise",
        "equal",
        lambda s, m: float(lf.risk.truncated(s, m, m // 2, noise_std=1.5 * float(s.singular_values[m // 2]))),
        lf.Case(POWER, (8,)),
        quantity=TruncatedRisk(noise=1.5),
        tolerance=0.1,
    ),
    false("complex-equal-1-percent", "equal", exact(1.01, "complex"), lf.Case(POWER, (3, 6)), quantity=COMPLEX),
    false(
        "complex-upper-rounding", "upper", inside_enclosure(1 - ROUNDING, "complex"), lf.Case(POWER, (4,)), quantity=COMPLEX
    ),
    # The interlacing theorem, the wrong way round: E_m of complex A is at most m kappa, and less unless l is flat.
    false("complex-lower-equivalent", "lower", equivalent(1.0), lf.Case(POWER, (3, 6)), quantity=COMPLEX),
    false("complex-close-outside", "close", exact(0.95, "complex"), lf.Case(POWER, (6,)), quantity=COMPLEX, tolerance=0.05),
    # Never below sigma_{m+1} (Eckart and Young), so on average above it.
    false(
        "spectral-upper",
        "upper",
        lambda s, m: float(s.singular_values[m]),
        lf.Case(POWER, (3, 6)),
        quantity=SpectralError(),
    ),
    # m = n - 1 = 2: E (sum_i q_i^2 / l_i)^(-1/2) = 1.67597412962, by quadrature over the sphere.
    false(
        "spectral-equal-1-percent",
        "equal",
        lambda s, m: 1.01 * 1.67597412962,
        lf.Case(TRIPLE, (2,)),
        quantity=SpectralError(),
    ),
    # One direction is left at m = n - 1, so the norms are equal, and E ||.|| < (E ||.||^2)^(1/2) by Jensen.
    false(
        "spectral-lower-jensen",
        "lower",
        lambda s, m: math.sqrt(lf.risk.exact(s, m)),
        lf.Case(TRIPLE, (2,)),
        quantity=SpectralError(),
    ),
    # The probability is 7.9e-4 (473 of 600 000 plain draws), T6 allows more than 1.
    false(
        "failure-upper", "upper", lambda s, m: 4e-4, lf.Case(DEEP_CLIFF, (8,)), quantity=FailureProbability(t=1.0, u=1.0)
    ),
    # X_A exceeds any bound below its supremum with positive probability.
    false("failure-upper-zero", "upper", lambda s, m: 0.0, lf.Case(DEEP_CLIFF, (8,)), quantity=FailureProbability()),
    # Of a flat spectrum the norm is sqrt(n - m) for every A: it never fails.
    false("failure-lower-flat", "lower", lambda s, m: 1e-9, lf.Case(FLAT, (8,)), quantity=FailureProbability()),
]

# Links of the interlacing theorem with an order, a factor, a field or a term changed.
STEEP = lf.Spectrum([1.0, 1e-6]).named("pair 1, 1e-6")
SHORT_STEP = lf.Spectrum.step(4, 2, 0.1).named("step 2, floor 0.1")
PENALISED, LOG_DET = Penalised(level=0.1), Penalised(functional="log-det", field="complex", level=1.0)
CHAIN = [
    # E_1 of a pair is A_1 times n - m = 1: 6 for the pair 3, 2, where A_0.9 is 6.05.
    false("chain-lower-order", "lower", at_order(-0.1), lf.Case(PAIR, (1,))),
    # E_1 = l_1 l_2 log(l_1/l_2)/(l_1 - l_2) = 2.8e-11, A_1.1 = 1.1e-11.
    false("chain-complex-upper-order", "upper", at_order(0.1), lf.Case(STEEP, (1,)), quantity=COMPLEX),
    false("chain-complex-lower-order", "lower", at_order(0.0), lf.Case(POWER, (4,)), quantity=COMPLEX),
    false("chain-complex-for-real", "upper", at_order(0.0), lf.Case(POWER, (1, 11))),
    false("chain-fields-exchanged", "upper", lambda s, m: float(lf.risk.exact(s, m, "complex")), lf.Case(POWER, (1, 11))),
    # n - m is at most f (n - m) for no f < 1.
    false("chain-factor-twice", "upper", next_equivalent(0.9), lf.Case(FLAT, (2, 4))),
    # The equivalent lies above the complex risk and below the real one.
    false(
        "chain-penalty-real-upper",
        "upper",
        lambda s, m: lf.risk.interlacing(s, m, penalty=PENALISED.penalty(s))[0],
        lf.Case(SHORT_STEP, (1, 3)),
        quantity=PENALISED,
    ),
    # Without its last term the equivalent exceeds itself by m.
    false(
        "chain-log-det-last-term",
        "lower",
        lambda s, m: m + lf.risk.log_det_range(s, m, penalty=LOG_DET.penalty(s), field="complex")[0],
        lf.Case(SHORT_STEP, (1, 3)),
        quantity=LOG_DET,
    ),
]

# About every A: draws can refute, and never prove. T8's range is the least: its ends are approached by A near projections.
EVERY_DRAW = [
    false("every-upper-1-percent", "upper", largest(0.99), lf.Case(TRIPLE, (1,)), lf.Case(SPIKE, (20,)), every_draw=True),
    false("every-upper-millionth", "upper", largest(1 - 1e-6), lf.Case(POWER, (4,)), every_draw=True),
    false("every-upper-hundredth-of-range", "upper", lambda s, m: 60.0, lf.Case(SPIKE, (20,)), every_draw=True),
    false("every-lower-1-percent", "lower", lambda s, m: 1.01 * float(s.tail(m)), lf.Case(POWER, (2, 6)), every_draw=True),
    false(
        "every-lower-millionth",
        "lower",
        lambda s, m: (1 + 1e-6) * float(s.tail(m)),
        lf.Case(POWER, (2, 6)),
        every_draw=True,
    ),
    # Draws lie within 20.1 .. 25.1; the supremum is 119.
    false("every-close", "close", lambda s, m: 21.1, lf.Case(SPIKE, (20,)), every_draw=True, tolerance=0.6),
    # An equality with a tolerance that the draws keep to, and not every A.
    false("every-equal", "equal", lambda s, m: 21.1, lf.Case(SPIKE, (20,)), every_draw=True, tolerance=0.6),
    # X_A = n - m for every A.
    false("every-flat-rounding", "upper", lambda s, m: (s.n - m) * (1 - 1e-10), lf.Case(FLAT, (3, 5)), every_draw=True),
    # X_A / Y_m comes as near to 1 as one likes when A comes near to seeing the first m directions alone.
    false("every-dominance", "upper", lambda s, m: 1 - 1e-7, lf.Case(POWER, (6,)), quantity=Dominance(), every_draw=True),
    # The norm approaches sigma_1 when A misses the first direction.
    false(
        "every-spectral",
        "upper",
        lambda s, m: 0.99 * float(s.singular_values[0]),
        lf.Case(SPIKE, (20,)),
        quantity=SpectralError(),
        every_draw=True,
    ),
    false("every-complex", "upper", largest(0.9), lf.Case(SPIKE, (20,)), quantity=COMPLEX, every_draw=True),
    # An unlikely event is not an impossible one.
    false(
        "every-failure",
        "upper",
        lambda s, m: 0.0,
        lf.Case(DEEP_CLIFF, (8,)),
        quantity=FailureProbability(),
        every_draw=True,
    ),
]


def _upper_with_trap(name: str, share: float, at: int, case: lf.Case) -> lf.Claim:
    return lf.Claim(
        name=f"planted-{name}",
        statement=f"E_{at} <= {share} E_0: true on every default spectrum, false on its own",
        kind="upper",
        value=lambda s, m: share * s.energy,
        holds_for=lambda s, m: m == at and s.n >= 30,
        source="planted",
        cases=(case,),
    )


# True on the default spectra (the worst is flat with n = 32: 0.9375 at m = 2, 0.875 at m = 4); the claim's own case has
# E_2 = 0.99 E_0 by the formula for flat spectra, and E_4 >= tail(4) > 0.93 E_0 by T1.
TRAPS = [
    _upper_with_trap("own-case-oracle", 0.95, 2, lf.Case(LONG_FLAT, (2,))),
    _upper_with_trap("own-case-draws", 0.9, 4, lf.Case(NEARLY_FLAT, (4,))),
]
