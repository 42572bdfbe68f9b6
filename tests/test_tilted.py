"""Tilted sampling: the law of A and the means of its ratios against plain draws and exact values; wrong tilts are caught.

`dense_draws` is the sampler as THEORY.md section 6 states it (dense, one residual a draw), an implementation by different
algebra; its parameters break it on purpose. Each comparison of means fails by chance with the probability of a normal
beyond Z = 5 standard errors, 6e-7.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from linflow.claims.quantities import ExpectedError, FailureProbability, Quantity, SpectralError, TruncatedRisk
from linflow.claims.tilted import TiltedDraws, draw_amplification, draw_tilted
from linflow.errors import InputError
from linflow.risk import bounds
from linflow.risk.exact import exact
from linflow.risk.simulate import error_curve, simulate
from linflow.spectrum import Spectrum
from linflow.testing import seeds, spectra

Array = NDArray[np.float64]
Z, BY_CHANCE = 5.0, 6e-7

CASES = {
    "exponential": (Spectrum.exponential(7, 0.4), 5, 2),
    "step at its rank": (Spectrum.step(6, 2, 1e-2), 4, 2),
    "power law, k = 1": (Spectrum.power_law(5, 1.0), 4, 1),
    "six decades, k = m - 2": (Spectrum.log_spaced(6, 1e6), 5, 3),
    "m = 2, k = 0": (Spectrum.power_law(4, 1.0), 2, 0),
    "square": (Spectrum.exponential(5, 0.3), 5, 3),
}
Case = tuple[Spectrum, int, int]


def dominating(spectrum: Spectrum, A: Array, k: int) -> Array:
    """Y_k(A) by pseudo-inverses."""
    mixing = np.linalg.pinv(A[:, :, :k]) @ (A[:, :, k:] * spectrum.singular_values[k:])
    return float(spectrum.tail(k)) + np.asarray((mixing**2).sum(axis=(1, 2)))


def amplification(A: Array, k: int) -> Array:
    """``||A_1^+||_F^2`` by pseudo-inverses."""
    return np.asarray((np.linalg.pinv(A[:, :, :k]) ** 2).sum(axis=(1, 2)))


def dense_draws(
    case: Case,
    size: int,
    seed: int,
    *,
    freedom: int = -1,
    column_freedom: int = 3,
    probability: Callable[[int, int], float] = lambda m, k: k / (m - 1),
    by_variance: bool = True,
    any_column: bool = True,
) -> TiltedDraws:
    """THEORY.md section 6, one draw at a time."""
    spectrum, m, k = case
    rng = np.random.default_rng(seed)
    l = spectrum.variances[k:] if by_variance else np.ones(spectrum.n - k)
    # Column k + j is taken with the probability l_j / sum(l).
    up_to = np.cumsum(l / l.sum())
    A = rng.standard_normal((size, m, spectrum.n))
    for a in A:
        if rng.random() >= probability(m, k):
            continue
        i = int(rng.integers(k)) if any_column else k - 1
        j = k + min(int(up_to.searchsorted(rng.random(), side="right")), l.size - 1)
        others = np.delete(a[:, :k], i, axis=1)
        r = a[:, i] - others @ np.linalg.lstsq(others, a[:, i], rcond=None)[0]
        u = r / np.linalg.norm(r)
        a[:, i] += u * np.sqrt(rng.chisquare(m - k + freedom)) - r
        a[:, j] += u * (np.sqrt(rng.chisquare(column_freedom)) * (2 * rng.integers(2) - 1) - u @ a[:, j])
    return TiltedDraws(A=A, dominating=dominating(spectrum, A, k))


def tilted(case: Case, size: int, seed: int) -> TiltedDraws:
    spectrum, m, k = case
    return draw_tilted(spectrum, m, k, size=size, rng=np.random.default_rng(seed))


def mean_dominating(case: Case) -> float:
    """B_k, written out (and not taken from linflow)."""
    spectrum, m, k = case
    return (1 + k / (m - k - 1)) * float(np.sum(spectrum.variances[k:]))


def functionals(spectrum: Spectrum, A: Array, k: int) -> dict[str, Array]:
    """Bounded functions of A that no rotation of the measurements changes."""
    gram = A.swapaxes(1, 2) @ A
    n, m = spectrum.n, A.shape[1]
    found = {"1/(1+|a_n|^2)": 1 / (1 + gram[:, -1, -1]), "1/(1+<a_1,a_n>^2)": 1 / (1 + gram[:, 0, -1] ** 2)}
    for i in range(k):
        found[f"1/(1+|a_{i + 1}|^2)"] = 1 / (1 + gram[:, i, i])
    if k:
        inverse = np.linalg.inv(gram[:, :k, :k])
        found["1/(1+(A_1'A_1)^-1_11)"] = 1 / (1 + inverse[:, 0, 0])
        found["1/(1+(A_1'A_1)^-1_kk)"] = 1 / (1 + inverse[:, -1, -1])
        found["1/(1+<A_1^+ a_n>_1^2)"] = 1 / (1 + (inverse @ gram[:, :k, -1:])[:, 0, 0] ** 2)
    if m < n:
        # diagonal of the projector onto the row space of A Sigma, and one entry off it
        Q = np.linalg.qr((A * spectrum.singular_values).swapaxes(1, 2))[0]
        found["P_11"], found["P_nn"] = (Q[:, 0] ** 2).sum(axis=1), (Q[:, -1] ** 2).sum(axis=1)
        found["P_1n^2"] = (Q[:, 0] * Q[:, -1]).sum(axis=1) ** 2
    return found


def score(one: Array, other: Array | float) -> float:
    """Difference of the means in standard errors."""
    variance = one.var() / one.size
    if not isinstance(other, float):
        variance += other.var() / other.size
    difference = abs(float(one.mean()) - float(np.mean(other)))
    return float(difference / np.sqrt(variance)) if variance > 0 else (0.0 if difference < 1e-12 else np.inf)


def worst_score(case: Case, draws: TiltedDraws) -> float:
    """The law of A: E_Q[f B/Y] against E_P[f] for every functional, and E_Q[B/Y] = 1."""
    spectrum, m, k = case
    size = len(draws.A)
    weights = mean_dominating(case) / draws.dominating
    plain = functionals(spectrum, np.random.default_rng(77).standard_normal((size, m, spectrum.n)), k)
    weighted = functionals(spectrum, draws.A, k)
    return max(score(weights, 1.0), *(score(weighted[name] * weights, plain[name]) for name in plain))


@pytest.mark.parametrize("name", CASES)
def test_the_law_of_the_whole_matrix(name: str) -> None:
    assert worst_score(CASES[name], tilted(CASES[name], 40_000, seed=5)) < Z


@pytest.mark.parametrize("name", ["exponential", "step at its rank"])
def test_the_dense_sampler_of_the_theory_has_that_law_too(name: str) -> None:
    case = CASES[name]
    dense, triangular = dense_draws(case, 4000, seed=6), tilted(case, 40_000, seed=5)
    assert worst_score(case, dense) < Z
    assert ks_2samp(dense.dominating, triangular.dominating).pvalue > BY_CHANCE
    for k, f in functionals(case[0], dense.A, case[2]).items():
        assert score(f, functionals(case[0], triangular.A, case[2])[k]) < Z


BROKEN: dict[str, Callable[[Case], TiltedDraws]] = {
    "chi2 with m-k+1": lambda case: dense_draws(case, 6000, 6, freedom=1),
    "chi2 with m-k": lambda case: dense_draws(case, 6000, 6, freedom=0),
    "chi2_1 for the column": lambda case: dense_draws(case, 6000, 6, column_freedom=1),
    "probability k/m": lambda case: dense_draws(case, 20_000, 6, probability=lambda m, k: k / m),
    "column chosen evenly": lambda case: dense_draws(case, 6000, 6, by_variance=False),
    "always the last column": lambda case: dense_draws(case, 6000, 6, any_column=False),
    "no tilt": lambda case: dense_draws(case, 6000, 6, probability=lambda m, k: 0.0),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_wrong_tilt_is_rejected_by_the_same_check(how: str) -> None:
    case = CASES["exponential"]
    assert worst_score(case, BROKEN[how](case)) > Z


@pytest.mark.parametrize("name", ["exponential", "power law, k = 1", "m = 2, k = 0"])
def test_mean_error_against_plain_draws(name: str) -> None:
    spectrum, m, k = CASES[name]
    assert mean_dominating(CASES[name]) == pytest.approx(float(bounds.truncated(spectrum, m, k)), rel=1e-13)
    plain = simulate(spectrum, trials=8000, seed=9, m_max=m)[:, m]
    errors = mean_errors(CASES[name], tilted(CASES[name], 8000, seed=8))
    assert score(errors, plain) < Z
    assert score(1.1 * errors, plain) > Z
    if k:
        assert score(mean_errors(CASES[name], dense_draws(CASES[name], 8000, 6, freedom=1)), plain) > Z


@dataclass(frozen=True)
class Exceeding(FailureProbability):
    """Exceeding a part of T6's bound: an event that plain draws meet."""

    part: float = 1.0

    def bound(self, spectrum: Spectrum, m: int) -> float:
        return self.part * super().bound(spectrum, m)


def dense_norms(spectrum: Spectrum, A: Array, order: float | Literal["fro"]) -> Array:
    """``||G - G (A G)^+ A G||`` of each draw, by pseudo-inverses."""
    G = np.diag(spectrum.singular_values)
    seen = A @ G
    return np.asarray(np.linalg.norm(G - G @ np.linalg.pinv(seen) @ seen, order, axis=(1, 2)))


#: Each quantity that is sampled under Q, and the norm behind it.
SAMPLED: dict[str, tuple[Quantity, float | Literal["fro"]]] = {
    "E_m": (ExpectedError(oracle=False), "fro"),
    "complex E_m": (ExpectedError(field="complex", oracle=False), "fro"),
    "T5": (SpectralError(), 2.0),
    "T6, frobenius, preprint": (Exceeding(norm="frobenius", form="preprint", t=1.0, u=1.0, part=0.15), "fro"),
    "T6, frobenius, journal": (Exceeding(norm="frobenius", form="journal", t=1.0, u=1.0, part=0.23), "fro"),
    "T6, spectral, preprint": (Exceeding(norm="spectral", form="preprint", t=1.0, u=1.0, part=0.13), 2.0),
    "T6, spectral, journal": (Exceeding(norm="spectral", form="journal", t=1.0, u=1.0, part=0.17), 2.0),
}


def plain_values(quantity: Quantity, spectrum: Spectrum, m: int, norms: Array) -> Array:
    """The value of each plain draw, from the norm of its residual."""
    if isinstance(quantity, Exceeding):
        full = bounds.tail_upper(
            spectrum, m, rank=m // 2, t=quantity.t, u=quantity.u, norm=quantity.norm, form=quantity.form
        )
        return np.asarray(norms > quantity.part * full, dtype=float)
    return norms if isinstance(quantity, SpectralError) else norms**2


@pytest.mark.parametrize("name", SAMPLED)
def test_sampled_quantities_against_plain_draws(name: str) -> None:
    (quantity, order), (spectrum, m) = SAMPLED[name], (Spectrum.power_law(10, 1.0).scaled(0.3), 8)
    rng = np.random.default_rng(21)
    drawn = quantity.draws(spectrum, m, 4000, rng)
    assert not drawn.breaches
    A = rng.standard_normal((4000, m, spectrum.n))
    if name.startswith("complex"):
        A = A + 1j * rng.standard_normal(A.shape)
    plain = plain_values(quantity, spectrum, m, dense_norms(spectrum, A, order))
    found = quantity.scale(spectrum, m) * drawn.weights
    assert plain.std() > 0, "plain draws must meet the event"
    assert score(found, plain) < Z
    for factor in (0.7, 1.4):
        assert score(factor * found, plain) > Z


def mean_errors(case: Case, draws: TiltedDraws) -> Array:
    """Draws whose mean is E_m."""
    return np.asarray(mean_dominating(case) * error_curve(case[0], draws.A)[:, case[1]] / draws.dominating)


@pytest.mark.parametrize(
    "spectrum",
    [
        Spectrum.power_law(5, 1.0),
        Spectrum.exponential(8, 0.4),
        Spectrum.step(8, 4, 1e-4),  # plain draws are hopeless here and below
        Spectrum.step(5, 2, 1e-6),
    ],
)
def test_mean_error_against_exact_values(spectrum: Spectrum) -> None:
    m = spectrum.n - 1
    case = (spectrum, m, int(bounds.best_rank(spectrum, m)))
    errors = mean_errors(case, tilted(case, 8000, seed=10))
    assert score(errors, float(exact(spectrum, m))) < Z
    assert score(errors, 1.1 * float(exact(spectrum, m))) > Z


@given(spectra(min_n=2, max_n=10, decades=20.0), seeds, st.data())
@settings(max_examples=60, deadline=None)
def test_no_error_exceeds_the_dominating_one(spectrum: Spectrum, seed: int, data: st.DataObject) -> None:
    m = data.draw(st.integers(1, spectrum.n))
    k = data.draw(st.integers(0, max(m - 2, 0)))
    draws = tilted((spectrum, m, k), 8, seed)
    assert draws.A.shape == (8, m, spectrum.n)
    assert np.all(draws.dominating >= spectrum.tail(k) * (1 - 1e-12))
    ratio = error_curve(spectrum, draws.A)[:, m] / draws.dominating
    assert np.all(ratio <= 1 + 1e-9)
    assert np.all(ratio > 0) if m < spectrum.n else np.all(ratio == 0)
    # A_1 is triangular up to one exchange: its condition, times rounding, bounds what the two roads may differ by.
    condition = np.linalg.cond(draws.A[:, :, :k]) if k else np.ones(8)
    assert np.all(np.abs(draws.dominating / dominating(spectrum, draws.A, k) - 1) <= 1e-13 * condition)


@pytest.mark.parametrize("name", ["exponential", "six decades, k = m - 2"])
def test_the_first_k_columns_are_exchangeable(name: str) -> None:
    spectrum, m, k = CASES[name]
    A = tilted((spectrum, m, k), 30_000, seed=11).A
    always = dense_draws((spectrum, m, k), 6000, 6, any_column=False).A
    size = np.linalg.norm(A[:, :, :k], axis=1)
    leverage = 1 / np.diagonal(np.linalg.inv(A[:, :, :k].swapaxes(1, 2) @ A[:, :, :k]), axis1=1, axis2=2)
    for i in range(1, k):
        for f in (1 / (1 + size**2), 1 / (1 + leverage)):
            assert score(f[:, 0] - f[:, i], 0.0) < Z
    size = 1 / (1 + np.linalg.norm(always[:, :, :k], axis=1) ** 2)
    assert score(size[:, 0] - size[:, k - 1], 0.0) > Z


@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_the_conditional_risk_is_that_of_least_squares(noise: float) -> None:
    """Its mean, and the law of ``||A_1^+||^2`` under Q: ``E_Q[g B/Y] = E_P[g]``, from noisy measurements."""
    spectrum, m, quantity = Spectrum.exponential(6, 0.5), 6, TruncatedRisk(noise=noise)
    k, noise_std = quantity.setting(spectrum, m)
    drawn = quantity.draws(spectrum, m, 40_000, np.random.default_rng(12))
    mean = float(bounds.truncated(spectrum, m, k, noise_std=noise_std)) + noise_std**2  # tail(k) counts the noise too
    assert score(mean * drawn.weights / quantity.scale(spectrum, m), 1.0) < Z
    assert score(1.05 * mean * drawn.weights / quantity.scale(spectrum, m), 1.0) > Z
    rng = np.random.default_rng(13)
    A, e = rng.standard_normal((40_000, m, spectrum.n)), noise_std * rng.standard_normal((40_000, m, 1))
    pinv = np.linalg.pinv(A[:, :, :k])
    seen = np.concatenate([A[:, :, k:] * spectrum.singular_values[k:], e], axis=2)
    plain = float(spectrum.tail(k)) + noise_std**2 + np.sum((pinv @ seen) ** 2, axis=(1, 2))
    conditional = (float(spectrum.tail(k)) + noise_std**2) * (1 + np.sum(pinv**2, axis=(1, 2)))
    found = mean / drawn.values / (1 + drawn.values / mean)
    assert score(found, 1 / (1 + conditional / mean)) < Z
    # The mean given A_1 is taken of the risk, and the risk itself has a wider law.
    assert score(found, 1 / (1 + plain / mean)) > Z


@pytest.mark.parametrize("k", [0, 1, 2, 3, 5, 9])
def test_the_amplification_alone_has_the_same_law(k: int) -> None:
    spectrum, m = Spectrum.exponential(12, 0.3), 11
    alone = draw_amplification(m, k, size=20_000, rng=np.random.default_rng(14))
    A = draw_tilted(spectrum, m, k, size=20_000, rng=np.random.default_rng(15)).A
    assert ks_2samp(alone, amplification(A, k)).pvalue > BY_CHANCE
    if k:  # and its mean is known
        mean = (m - 1) / (m - k - 1)
        assert score(mean / (1 + alone), 1.0) < Z
        assert score(1.1 * mean / (1 + alone), 1.0) > Z


def test_without_the_tilt_the_law_is_another() -> None:
    _, m, k = CASES["exponential"]
    alone = draw_amplification(m, k, size=20_000, rng=np.random.default_rng(14))
    plain = dense_draws(CASES["exponential"], 6000, 16, probability=lambda m, k: 0.0)
    assert ks_2samp(alone, amplification(plain.A, k)).pvalue < BY_CHANCE


def test_same_seed_same_draws_and_bad_arguments() -> None:
    case = CASES["exponential"]
    assert np.array_equal(tilted(case, 5, 1).A, tilted(case, 5, 1).A)
    assert not np.array_equal(tilted(case, 5, 1).A, tilted(case, 5, 2).A)
    spectrum, rng = Spectrum.flat(4), np.random.default_rng(0)
    for m in (0, 5):
        with pytest.raises(InputError, match=r"m must lie in 1\.\.n"):
            draw_tilted(spectrum, m, 0, size=1, rng=rng)
    for m, rank in ((4, 3), (1, 1), (3, -1)):
        with pytest.raises(InputError, match="at most m - 2"):
            draw_tilted(spectrum, m, rank, size=1, rng=rng)
        with pytest.raises(InputError, match="at most m - 2"):
            draw_amplification(m, rank, size=1, rng=rng)
    with pytest.raises(InputError, match="size"):
        draw_tilted(spectrum, 3, 1, size=0, rng=rng)
