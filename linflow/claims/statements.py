r"""The catalogue: every statement about the linear model that linflow knows, true ones, false ones, and open ones.

Identifiers T1-T11 are those of :mod:`linflow.risk.bounds`; :mod:`linflow.claims.chain` has the interlacing theorem. The
controls are false on purpose: a run in which one of them survives has tested nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from linflow.claims import certainties
from linflow.claims.chain import interlacing_conjectures, interlacing_controls, interlacing_theorems
from linflow.claims.claim import Case, Claim
from linflow.claims.quantities import ExpectedError, FailureProbability, SpectralError, TruncatedRisk
from linflow.risk import bounds
from linflow.risk.exact import exact
from linflow.spectrum import Spectrum

PAPER = "Asim, Daniels, Leong, Hand & Ahmed, ICML 2020"
HMT = "Halko, Martinsson & Tropp 2011"

Value = Callable[[Spectrum, int], float]
Domain = Callable[[Spectrum, int], bool]

_SAMPLED = ExpectedError(oracle=False)
_COMPLEX = ExpectedError(field="complex")
_NOISY = TruncatedRisk(noise=1.5)

_RATE = 0.25
_EXPONENTIAL = Case(Spectrum.exponential(96, _RATE), (1, 2, 16, 32, 95))
_LONG_POWER = Case(Spectrum.power_law(2000, 1.0).named("power law 1, n = 2000"), (32,))


def catalogue() -> list[Claim]:
    """Every claim of linflow, theorems first.

    >>> sorted({claim.status for claim in catalogue()})
    ['conjecture', 'control', 'theorem']
    """
    return [
        *_theorems(),
        *interlacing_theorems(),
        *_sharpness(),
        *_oracles(),
        *_controls(),
        *interlacing_controls(),
        *interlacing_conjectures(),
    ]


def _theorems() -> list[Claim]:
    tails = [
        FailureProbability(norm=norm, form=form) for norm in ("frobenius", "spectral") for form in ("preprint", "journal")
    ]
    return [
        Claim(
            name="T1-lower",
            statement="X_A >= sum_{i>m} l_i for every A, hence E_m is",
            kind="lower",
            value=bounds.theorem_lower,
            every_draw=True,
            source=f"{PAPER}, theory section; Eckart-Young",
            status="theorem",
        ),
        Claim(
            name="T1-upper",
            statement="E_m <= m sum_{i>m-2} l_i",
            kind="upper",
            value=bounds.theorem_upper,
            holds_for=lambda spectrum, m: 2 <= m < spectrum.n,
            source=f"{PAPER}, theory section",
            status="theorem",
        ),
        Claim(
            name="T2",
            statement="E_m <= (1 + k/(m-k-1)) sum_{i>k} l_i, every k <= m-2",
            kind="upper",
            value=bounds.best_upper,  # the smallest of the bounds: it implies each
            holds_for=lambda spectrum, m: 2 <= m < spectrum.n,
            source=f"{HMT}, Theorem 10.5",
            status="theorem",
        ),
        Claim(
            name="T3",
            statement="risk(G_k) = (1 + k/(m-k-1)) sum_{i>k} l_i (k = m/2)",
            kind="equal",
            value=lambda spectrum, m: bounds.truncated(spectrum, m, m // 2),
            quantity=TruncatedRisk(),
            tolerance=0.1,
            source="inverse-Wishart mean",
            status="theorem",
        ),
        Claim(
            name="T3-noisy",
            statement="risk(G_k) + s^2 = (1 + k/(m-k-1)) (sum_{i>k} l_i + s^2) (k = m/2)",
            kind="equal",
            value=_noisy_risk,
            quantity=_NOISY,
            tolerance=0.1,
            source="inverse-Wishart mean",
            status="theorem",
        ),
        Claim(
            name="T4",
            statement="X_A <= Y_k(A), the risk of every truncated prior, for every A",
            kind="upper",
            value=lambda spectrum, m: 1.0,
            quantity=certainties.Dominance(),
            every_draw=True,
            source="MLE = posterior mean = minimum mean square error",
            status="theorem",
        ),
        Claim(
            name="T5",
            statement="E ||(I-P)G^T|| <= (1 + sqrt(k/(p-1))) s_{k+1} + e sqrt(m)/p tail(k)^1/2",
            kind="upper",
            value=bounds.spectral_upper,
            quantity=SpectralError(),
            source=f"{HMT}, Theorem 10.6",
            status="theorem",
        ),
        *(
            Claim(
                name=f"T6-{tail.norm}-{tail.form}",
                statement=f"||G(I-P)|| exceeds its {tail.norm} tail bound ({tail.form} form) as rarely as stated",
                kind="upper",
                value=tail.probability,
                quantity=tail,
                source=f"{HMT}, Theorem {'10.7' if tail.norm == 'frobenius' else '10.8'}, {tail.form}",
                status="theorem",
            )
            for tail in tails
        ),
        Claim(
            name="T7",
            statement="complex A: E_m <= (1 + k/(m-k)) sum_{i>k} l_i, every k <= m-1",
            kind="upper",
            value=bounds.complex_upper,
            holds_for=lambda spectrum, m: 1 <= m < spectrum.n,
            quantity=_COMPLEX,
            source="complex inverse-Wishart mean",
            status="theorem",
        ),
        Claim(
            name="T8",
            statement="X_A <= sum_{i<=n-m} l_i for every A",
            kind="upper",
            value=lambda spectrum, m: bounds.error_range(spectrum, m)[1],
            every_draw=True,
            source="Ky Fan",
            status="theorem",
        ),
        Claim(
            name="T9",
            statement="gradient flow from z_0 ~ N(0, tau^2 I): risk = (1 + tau^2) E_m",
            kind="equal",
            value=lambda spectrum, m: 1.0,
            quantity=certainties.RandomStart(),
            every_draw=True,
            tolerance=1e-6,
            source="linflow",
            status="theorem",
        ),
        Claim(
            name="T9-penalty",
            statement="with a penalty gamma the start is forgotten: |z_gamma - z| <= gamma/s_min^2 |z|",
            kind="upper",
            value=lambda spectrum, m: 1.0,
            quantity=certainties.ForgottenStart(),
            every_draw=True,
            source="linflow",
            status="theorem",
        ),
        Claim(
            name="T10",
            statement="log p_X(G z) = log p_Z(z) - log|det G|",
            kind="equal",
            value=lambda spectrum, m: 1.0,
            quantity=certainties.LikelihoodProxy(),
            every_draw=True,
            tolerance=1e-6,
            source="change of variables",
            status="theorem",
        ),
        Claim(
            name="T11",
            statement="denoising risk of rank k, penalty gamma, in closed form",
            kind="equal",
            value=lambda spectrum, m: 1.0,
            quantity=certainties.DenoisingRisk(),
            every_draw=True,
            tolerance=1e-6,
            source="linflow",
            status="theorem",
        ),
        Claim(
            name="T11-penalty",
            statement="denoising: penalty gamma = s^2 beats every choice of rank",
            kind="upper",
            value=lambda spectrum, m: 1.0,
            quantity=certainties.PenaltyBeatsRank(),
            every_draw=True,
            source="linflow",
            status="theorem",
        ),
    ]


def _sharpness() -> list[Claim]:
    return [
        Claim(
            name="sharp-exponential",
            statement="l_i = e^{-2bi}: E_m >= 4b tanh(b) (m-1) tail(m), so T1 needs its factor m (b = 1/4)",
            kind="lower",
            value=lambda spectrum, m: 4 * _RATE * math.tanh(_RATE) * (m - 1) * spectrum.tail(m),
            holds_for=lambda spectrum, m: spectrum == _EXPONENTIAL.spectrum and 2 <= m < spectrum.n,
            cases=(_EXPONENTIAL,),
            source="linflow, proofs/exponential.py",
            status="theorem",
        ),
        Claim(
            name="sharp-exponential-complex",
            statement="l_i = e^{-2bi}, complex A: E_m = tail(m) 2bm/(1 - e^{-2bm}) exactly (b = 1/4)",
            kind="equal",
            value=lambda spectrum, m: 2 * _RATE * m / -math.expm1(-2 * _RATE * m) * spectrum.tail(m),
            holds_for=lambda spectrum, m: spectrum == _EXPONENTIAL.spectrum and 1 <= m < spectrum.n,
            quantity=_COMPLEX,
            cases=(_EXPONENTIAL,),
            source="linflow, proofs/exponential.py",
            status="theorem",
        ),
        Claim(
            name="sharp-power-law",
            statement="l_i = i^{-2}: E_m -> pi^2/4 tail(m) (within 5 % at m = 32, n = 2000)",
            kind="close",
            value=lambda spectrum, m: math.pi**2 / 4 * spectrum.tail(m),
            holds_for=lambda spectrum, m: spectrum == _LONG_POWER.spectrum,
            cases=(_LONG_POWER,),
            source="linflow",
            status="theorem",
        ),
    ]


def _oracles() -> list[Claim]:
    return [
        Claim(
            name="oracle-first",
            statement="m = 1: E_1 is the one-dimensional integral",
            kind="equal",
            value=lambda spectrum, m: exact(spectrum, 1),
            holds_for=lambda spectrum, m: m == 1 and _samples_well(spectrum),
            quantity=_SAMPLED,
            tolerance=0.1,
            source="linflow",
            status="theorem",
        ),
        Claim(
            name="oracle",
            statement="2 <= m <= n-2: E_m is the two-dimensional integral (within 10 %, by draws)",
            kind="close",
            value=exact,
            holds_for=lambda spectrum, m: 2 <= m <= spectrum.n - 2 and _samples_well(spectrum),
            quantity=_SAMPLED,
            tolerance=0.1,
            source="linflow",
            status="theorem",
        ),
        Claim(
            name="oracle-last",
            statement="m = n-1: E_{n-1} is the one-dimensional integral",
            kind="equal",
            value=lambda spectrum, m: exact(spectrum, spectrum.n - 1),
            holds_for=lambda spectrum, m: m == spectrum.n - 1 and _samples_well(spectrum),
            quantity=_SAMPLED,
            tolerance=0.1,
            source="linflow",
            status="theorem",
        ),
    ]


def _controls() -> list[Claim]:
    def control(name: str, statement: str, value: Value, holds_for: Domain) -> Claim:
        return Claim(
            name=name,
            statement=statement,
            kind="upper",
            value=value,
            holds_for=holds_for,
            source="false on purpose",
            status="control",
        )

    def inner(spectrum: Spectrum, m: int) -> bool:
        return 1 <= m < spectrum.n

    return [
        control("false-m-tail-m", "E_m <= m sum_{i>m} l_i", lambda s, m: m * s.tail(m), inner),
        control("false-m-tail-m-1", "E_m <= m sum_{i>m-1} l_i", lambda s, m: m * s.tail(m - 1), inner),
        control(
            "false-constant",
            "E_m <= 4 sum_{i>m-2} l_i (any constant free of m fails at some m)",
            lambda s, m: 4 * s.tail(m - 2),
            lambda s, m: 2 <= m < s.n,
        ),
        control("false-almost-lower", "E_m <= (1 + 1/m) sum_{i>m} l_i", lambda s, m: (1 + 1 / m) * s.tail(m), inner),
        control("false-complex-for-real", "E_m <= (1 + k/(m-k)) sum_{i>k} l_i for real A", bounds.complex_upper, inner),
    ]


def _samples_well(spectrum: Spectrum) -> bool:
    """Whether plain draws reach an oracle's value within the budget (and a flat spectrum would have nothing to reach)."""
    return 8 <= spectrum.n <= 48 and 2 <= spectrum.condition <= 50


def _noisy_risk(spectrum: Spectrum, m: int) -> float:
    k, noise_std = _NOISY.setting(spectrum, m)
    return float(bounds.truncated(spectrum, m, k, noise_std=noise_std)) + noise_std**2
