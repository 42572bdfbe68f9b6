r"""Properties of the linear model that hold for each draw, computed by two roads whose results must agree.

One side always comes from `linflow.risk`, the other from `linflow.estimators` or from plain dense algebra, so that a
fault in either shows. The value of each draw is a ratio that the theory puts at exactly 1 (kind "equal") or at most at 1
("upper").
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from linflow import estimators
from linflow.checks import FloatArray
from linflow.claims.quantities import Draws, Quantity
from linflow.flow import LinearFlow
from linflow.risk import bounds
from linflow.risk.simulate import error_curve
from linflow.risk.witness import error_enclosure, truncated_enclosure
from linflow.spectrum import Spectrum

#: Dense algebra on the other side: conditioning and size are kept where it has digits to compare.
_CONDITION, _SIZE = 1e6, 64
_CONDITION_OF_CLOSED_FORMS = 1e290


class _PerDraw(Quantity):
    """A ratio computed for each draw; it has no mean to estimate."""

    has_mean: ClassVar[bool] = False
    #: What dense algebra keeps at this conditioning.
    rounding: ClassVar[float] = 1e-7
    #: A draw is two estimates by dense algebra: each case gets few, and all of them together are some thousand.
    tries: ClassVar[int] = 16

    def defined(self, spectrum: Spectrum, m: int) -> bool:
        return 1 <= m < spectrum.n <= _SIZE and spectrum.condition <= _CONDITION

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        spectrum = _in_own_unit(spectrum)
        values = np.array([self.ratio(spectrum, m, rng) for _ in range(size)])
        return Draws(weights=np.empty(0), values=values)

    @abstractmethod
    def ratio(self, spectrum: Spectrum, m: int, rng: np.random.Generator) -> float:
        """The ratio for one draw."""


def _in_own_unit(spectrum: Spectrum) -> Spectrum:
    """The spectrum around 1, by a power of two, which rounds nothing.

    A ratio depends on no unit, but the squares and products of dense algebra leave float64 in a unit that is far from it.
    """
    ends = np.frexp(spectrum.singular_values[[0, -1]])[1]
    return Spectrum(np.ldexp(spectrum.singular_values, -int(ends.sum() // 2)), name=spectrum.name)


@dataclass(frozen=True)
class Dominance(_PerDraw):
    """T4, draw by draw: the largest ``X_A / Y_k(A)`` over the ranks k <= m of truncated priors."""

    name: ClassVar[str] = "max_k X_A/Y_k"
    tries: ClassVar[int] = Quantity.tries

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        # All at once: at these sizes a call costs more than its algebra.
        return Draws(weights=np.empty(0), values=self.at(spectrum, m, rng.standard_normal((size, m, spectrum.n))))

    def ratio(self, spectrum: Spectrum, m: int, rng: np.random.Generator) -> float:  # noqa: D102
        return float(self.draws(spectrum, m, 1, rng).values[0])

    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:  # noqa: D102
        ratios: FloatArray = error_curve(spectrum, A)[:, m] / np.min(_risks(spectrum, A, _ranks(m)), axis=0)
        return ratios

    def enclosure_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> tuple[float, float]:  # noqa: D102
        error = error_enclosure(spectrum, A)
        risks = [risk for k in _ranks(m) if (risk := truncated_enclosure(spectrum, A, k)) is not None]
        # Rounded outwards by more than the rounding of two quotients.
        low, high = max(error.low / risk.high for risk in risks), max(error.high / risk.low for risk in risks)
        return low * (1 - 1e-15), high * (1 + 1e-15)


def _ranks(m: int) -> list[int]:
    """The ranks that m measurements are compared with."""
    return sorted({0, m // 4, m // 2, max(m - 2, 0), m - 1, m})


def _risks(spectrum: Spectrum, A: FloatArray, ranks: list[int]) -> FloatArray:
    """Y_k of each of (size, m, n) measurements for each rank k <= m, (ranks, size), by dense algebra.

    Infinite where the first k columns are dependent. One factorisation ``A_1 = Q R`` of the first m columns serves every
    rank: those of rank k are ``Q`` times the leading k x k block of R, whose inverse is the leading block of R's.
    """
    m = A.shape[1]
    Q, R = np.linalg.qr(A[:, :, :m])
    pivots = np.abs(np.diagonal(R, axis1=1, axis2=2))
    # Of the first k columns, for each k: one that depends on those before it makes all larger ranks infinite.
    smallest, largest = np.minimum.accumulate(pivots, axis=1), np.maximum.accumulate(pivots, axis=1)
    independent = smallest > 1e-12 * largest
    inverse = np.linalg.inv(np.where((independent[:, :, None]) | ~np.eye(m, dtype=bool), R, 1.0))
    weighted = np.concatenate([R, np.swapaxes(Q, 1, 2) @ A[:, :, m:]], axis=2) * spectrum.singular_values
    risks = np.empty((len(ranks), len(A)))
    for risk, k in zip(risks, ranks, strict=True):
        risk[:] = float(spectrum.tail(k))
        if k:
            mixing = inverse[:, :k, :k] @ weighted[:, :k, k:]
            risk += np.where(independent[:, k - 1], np.einsum("bij,bij->b", mixing, mixing), np.inf)
    return risks


@dataclass(frozen=True)
class RandomStart(_PerDraw):
    """T9: risk of gradient flow run to its limit from ``z_0 ~ N(0, tau^2 I)``, over ``(1 + tau^2) X_A``."""

    name: ClassVar[str] = "risk(start)/X_A"
    tau: float = 0.7

    def ratio(self, spectrum: Spectrum, m: int, rng: np.random.Generator) -> float:  # noqa: D102
        flow = LinearFlow.from_spectrum(spectrum, rng=rng, mean=rng.standard_normal(spectrum.n))
        A = rng.standard_normal((m, spectrum.n))
        # The estimate is affine in (z, z_0), both white: its risk is the sum of squares over unit vectors of either.
        unit = np.eye(spectrum.n)
        signals = np.vstack([flow.forward(unit), np.tile(flow.mean, (spectrum.n, 1))])
        start = np.vstack([np.zeros_like(unit), unit])
        # One call for both halves: its cost is that of factorising A.
        missed = signals - estimators.gradient_flow(flow, A, signals @ A.T, time=np.inf, start=start)
        signal_part, start_part = missed[: spectrum.n], missed[spectrum.n :]
        found = float(np.sum(signal_part**2) + self.tau**2 * np.sum(start_part**2))
        seen = A if flow.basis is None else A @ flow.basis  # the measurements as the eigenbasis sees them
        return found / ((1 + self.tau**2) * float(error_curve(spectrum, seen)[m]))


@dataclass(frozen=True)
class ForgottenStart(_PerDraw):
    """T9, second half: with a penalty gamma the minimiser is unique, and within ``gamma/s_min^2`` of the MLE's latent."""

    name: ClassVar[str] = "|z_gamma - z|/bound"

    def ratio(self, spectrum: Spectrum, m: int, rng: np.random.Generator) -> float:  # noqa: D102
        flow = LinearFlow.from_spectrum(spectrum, rng=rng, mean=rng.standard_normal(spectrum.n))
        A = rng.standard_normal((m, spectrum.n))
        y = flow.sample(1, rng)[0] @ A.T
        smallest = float(np.linalg.svd(A @ flow.matrix, compute_uv=False)[-1])
        gamma = 0.1 * smallest**2
        z = flow.inverse(estimators.mle(flow, A, y))
        moved = flow.inverse(estimators.penalised(flow, A, y, penalty=gamma)) - z
        return float(np.linalg.norm(moved) / (gamma / smallest**2 * np.linalg.norm(z)))


@dataclass(frozen=True)
class LikelihoodProxy(_PerDraw):
    """T10: ``log p_X(G z)`` from the dense covariance, over ``log p_Z(z) - log|det G|`` from the flow (both shifted)."""

    name: ClassVar[str] = "log p_X / proxy"

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        return m == spectrum.n <= _SIZE and spectrum.condition <= 1e4

    def ratio(self, spectrum: Spectrum, m: int, rng: np.random.Generator) -> float:  # noqa: D102
        flow = LinearFlow.from_spectrum(spectrum, rng=rng, mean=rng.standard_normal(spectrum.n))
        z = rng.standard_normal(spectrum.n)
        centred = flow.forward(z) - flow.mean
        C = flow.matrix @ flow.matrix.T
        constant = spectrum.n * np.log(2 * np.pi)
        dense = -0.5 * float(centred @ np.linalg.solve(C, centred) + np.linalg.slogdet(C)[1] + constant)
        proxy = -0.5 * float(z @ z + constant) - flow.log_det
        # exp of the difference per dimension: 1 exactly when the two log-likelihoods agree, and no zero to divide by.
        return float(np.exp((dense - proxy) / spectrum.n))


@dataclass(frozen=True)
class DenoisingRisk(_PerDraw):
    """T11: risk of the rank-k penalised denoiser from dense matrices, over the closed form."""

    name: ClassVar[str] = "denoising risk"

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        return m == spectrum.n <= _SIZE and spectrum.condition <= _CONDITION

    def ratio(self, spectrum: Spectrum, m: int, rng: np.random.Generator) -> float:  # noqa: D102
        n = spectrum.n
        G = LinearFlow.from_spectrum(spectrum, rng=rng).matrix
        U, s, _ = np.linalg.svd(G)
        k, noise_std = int(rng.integers(1, n + 1)), float(s[0] * rng.uniform(0.05, 2))
        gamma = float(rng.uniform(0, 2)) * noise_std**2
        Gk = U[:, :k] * s[:k]
        K = Gk @ np.linalg.solve(Gk.T @ Gk + gamma * np.eye(k), Gk.T)
        dense = float(np.sum((K @ G - G) ** 2) + noise_std**2 * np.sum(K**2))
        return dense / bounds.denoising(spectrum, noise_std=noise_std, rank=k, penalty=gamma)


@dataclass(frozen=True)
class PenaltyBeatsRank(_PerDraw):
    """T11: risk at the penalty ``gamma = noise_std**2`` without truncation, over that of the best rank without penalty."""

    name: ClassVar[str] = "penalty/best rank"

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        # Both forms are closed, but noise beyond the ends of the spectrum must have a square in float64.
        return m == spectrum.n <= _SIZE and spectrum.condition <= _CONDITION_OF_CLOSED_FORMS

    def ratio(self, spectrum: Spectrum, m: int, rng: np.random.Generator) -> float:  # noqa: D102
        noise_std = float(np.exp(rng.uniform(*np.log(spectrum.singular_values[[-1, 0]] * [0.3, 3.0]))))
        by_rank = [bounds.denoising(spectrum, noise_std=noise_std, rank=k) for k in range(spectrum.n + 1)]
        return bounds.denoising(spectrum, noise_std=noise_std, penalty=noise_std**2) / min(by_rank)
