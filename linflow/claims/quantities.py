r"""What claims speak about: quantities that can be enclosed exactly somewhere, and sampled as bounded draws anywhere.

A quantity answers two questions at (spectrum, m). `enclosure`: is there an oracle, and what interval does it prove?
`draws`: a batch of `Draws`, i.i.d. weights W in [0, 1] with ``quantity = scale * E W`` (or ``scale / E W``), and the
quantity's own value for each draw. A quantity whose value is a function of A may also say which (`at`, and `enclosure_at`
in ball arithmetic): statements about every A are then hunted over A, and not only drawn. The verdict engine knows nothing
else, so a new quantity is one class. It holds each answer against this contract (:mod:`linflow.claims.contract`);
`linflow.testing.assert_quantity` tries a new quantity as a whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from linflow.arrays import NoArray
from linflow.checks import FIELDS, Field, FloatArray, one_of
from linflow.claims.conditional import conditional_errors
from linflow.claims.tilted import draw_amplification, draw_tilted
from linflow.errors import InputError
from linflow.identity import code_digest, content
from linflow.risk import bounds
from linflow.risk.draws import gaussian_rows
from linflow.risk.enclosure import enclosure, error_ball, is_flat
from linflow.risk.exact import exact, has_exact
from linflow.risk.plane import SEARCH_BITS, real_curve
from linflow.risk.simulate import error_curve
from linflow.risk.witness import error_enclosure
from linflow.spectrum import Spectrum

if TYPE_CHECKING:
    from linflow.risk.balls import Ball

#: Relative rounding of a draw's value: closer than this, a draw contradicts nothing.
DRAW_ROUNDING = 1e-9


@dataclass(frozen=True)
class Breach(NoArray, instead="its ratio"):
    """A draw outside what the sampler relies on: `statement` ("T4" or "T8") and by which ratio it is exceeded."""

    statement: str
    ratio: float

    def __post_init__(self) -> None:
        one_of(self.statement, "statement of a breach", ("T4", "T8"))
        if not (type(self.ratio) in (float, int) and self.ratio > 1):
            raise InputError(f"the ratio of a breach must be a number > 1, got {self.ratio!r}")


@dataclass(frozen=True)
class Draws(NoArray, instead="its values or its weights"):
    """A batch of draws of a quantity.

    Parameters
    ----------
    weights : (size,) array in [0, 1], or empty if the quantity has no mean to estimate (a property of each draw only).
        Their own rounding must stay below 1e-12 of their mean: what they exclude beyond that counts.
    values : (size,) array, the quantity's own value for each draw, for claims about every draw.
    breaches : draws that contradict what the sampler relies on.
    """

    weights: FloatArray
    values: FloatArray
    breaches: tuple[Breach, ...] = field(default=())


@dataclass(frozen=True)
class Plain(NoArray, instead="its values or its A"):
    """Draws of a quantity under plain Gaussian measurements: no tilt, no weights.

    Parameters
    ----------
    values : (size,) array, whose mean is the quantity (where it has one).
    A : (size, m, n) array of the measurements in the eigenbasis, or None where the values do not follow from A alone.
    """

    values: FloatArray
    A: FloatArray | None = None


@dataclass(frozen=True)
class Sketch(NoArray, instead="its value"):
    """A quick estimate of a quantity for searches, and an interval that is honest about it but proves nothing."""

    value: float
    low: float
    high: float


class Quantity(NoArray, ABC, instead="its draws(spectrum, m, size, rng)"):
    """A number that depends on (spectrum, m), about which claims are made."""

    #: Short name for tables.
    name: ClassVar[str]
    #: Whether the quantity is ``scale / E W`` rather than ``scale * E W``.
    inverse: ClassVar[bool] = False
    #: Whether its draws have weights; else only claims about every draw can be made.
    has_mean: ClassVar[bool] = True
    #: Relative rounding of the value of a draw.
    rounding: ClassVar[float] = DRAW_ROUNDING
    #: Draws behind a statement about every A.
    tries: ClassVar[int] = 48

    def defined(self, spectrum: Spectrum, m: int) -> bool:
        """Whether the quantity exists, and can be sampled, at (spectrum, m)."""
        return True

    def enclosure(self, spectrum: Spectrum, m: int) -> tuple[float, float] | None:
        """A proved interval, where an oracle exists."""
        return None

    def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Ball | None:
        """A ball whose radius is about ``2**-accuracy`` of it, where one can be had: for sides that lie too close."""
        return None

    def estimate(self, spectrum: Spectrum, m: int) -> float | None:
        """The value in float64, where a formula gives it fast: for searches, which cannot wait for an enclosure."""
        return None

    def sketch(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Sketch:
        """A quick estimate from `size` draws, for searches; equal generators make it comparable between spectra."""
        scale = self.scale(spectrum, m)
        found = _sketch(self.draws(spectrum, m, size, rng).weights, largest=1.0)
        if not self.inverse:
            return Sketch(scale * found.value, scale * found.low, scale * found.high)
        edges = (scale / w if w > 0 else np.inf for w in (found.value, found.high, found.low))
        return Sketch(*edges)

    def scale(self, spectrum: Spectrum, m: int) -> float:
        """The constant between the mean weight and the quantity."""
        return 1.0

    @abstractmethod
    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
        """`size` independent draws."""

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain | None:
        """Draws without weights, by another road than `draws`: claims about every A use them, and `assert_quantity`.

        A quantity that has none draws from a law that is not tilted: the mean of its draws' `values` is the quantity.
        """
        return None

    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray | None:
        """The value for each of (size, m, n) measurements in the eigenbasis; None if it is no function of A alone."""
        return None

    def slope_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray | None:
        """Gradient of `at` in the entries of one (m, n) A; None if it is not known."""
        return None

    def enclosure_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> tuple[float, float] | None:
        """An interval that the value at one (m, n) A lies in, rounding included; None if no ball arithmetic is known."""
        return None

    @property
    def stream(self) -> str:
        """What the random numbers of its draws follow from, beside the seed: its class's name and its fields' content."""
        return content(self, code=False)

    @property
    def key(self) -> str:
        """Digest of all that its answers depend on: its fields, its class's code as far as it reaches, linflow's code."""
        return content([code_digest(), self])


@dataclass(frozen=True)
class ExpectedError(Quantity):
    """E_m, the expected squared error of the MLE; `field` "real" or "complex"; without `oracle` it is always sampled."""

    name: ClassVar[str] = "E_m"
    field: Field = "real"
    oracle: bool = True

    def __post_init__(self) -> None:
        one_of(self.field, "field", FIELDS)

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        return self.oracle or 1 <= m < spectrum.n

    def enclosure(self, spectrum: Spectrum, m: int) -> tuple[float, float] | None:  # noqa: D102
        slow = _on_the_curve(spectrum, m, self.field) and spectrum.n > _CURVE_LIMIT
        found = enclosure(spectrum, m, self.field) if self.oracle and not slow else None
        return None if found is None else (found.low, found.high)

    def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Ball | None:  # noqa: D102
        return error_ball(spectrum, m, self.field, accuracy) if self.oracle else None

    def estimate(self, spectrum: Spectrum, m: int) -> float | None:  # noqa: D102
        if not (self.oracle and has_exact(spectrum, m, self.field)):
            return None
        if _on_the_curve(spectrum, m, self.field):
            return float(real_curve(spectrum, SEARCH_BITS).values[m]) if spectrum.n <= _CURVE_LIMIT else None
        return float(exact(spectrum, m, self.field))

    def sketch(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Sketch:  # noqa: D102
        if not (self.oracle and self.field == "real" and 1 <= m < spectrum.n):
            return super().sketch(spectrum, m, size, rng)
        errors = conditional_errors(spectrum, m, size, rng)
        return _sketch(errors, largest=float(errors.max()))

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:  # noqa: D102
        rows = gaussian_rows(self.field)
        A = np.stack([rows(m, spectrum.n, rng) for _ in range(size)])
        return Plain(error_curve(spectrum, A)[:, m], A if self.field == "real" else None)

    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:  # noqa: D102
        # Real A are complex ones too, so a statement about every complex A is one about these.
        return error_curve(spectrum, A)[:, m]

    def slope_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:
        """``-2 (B B^T)^-1 B Lambda (I - P) Sigma`` with ``B = A Sigma``, P the projector on its rows."""
        sigma = spectrum.singular_values
        Q, R = np.linalg.qr((A * sigma).T)
        seen = Q.T * sigma
        left = (seen * sigma - (seen @ seen.T) @ Q.T) * sigma
        slope: FloatArray = -2.0 * np.linalg.solve(R, left)
        return slope

    def enclosure_at(self, spectrum: Spectrum, m: int, A: FloatArray) -> tuple[float, float]:  # noqa: D102
        found = error_enclosure(spectrum, A)
        return found.low, found.high

    def _rank(self, spectrum: Spectrum, m: int) -> int:
        return int(bounds.best_rank(spectrum, m)) if self.field == "real" else 0

    def scale(self, spectrum: Spectrum, m: int) -> float:  # noqa: D102
        if m == spectrum.n:
            return spectrum.energy  # any number > 0 does: the error is 0
        if m < 2 or self.field == "complex":
            return float(bounds.error_range(spectrum, m)[1])
        return float(bounds.truncated(spectrum, m, self._rank(spectrum, m)))

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        if m in (0, spectrum.n):
            error = np.full(size, spectrum.tail(m))
            return Draws(weights=np.clip(error / max(self.scale(spectrum, m), np.finfo(float).tiny), 0, 1), values=error)
        if m < 2 or self.field == "complex":
            rows = gaussian_rows(self.field)
            A = np.stack([rows(m, spectrum.n, rng) for _ in range(size)])
            dominating = np.full(size, self.scale(spectrum, m))
            relied_on = "T8"
        else:
            tilted = draw_tilted(spectrum, m, self._rank(spectrum, m), size=size, rng=rng)
            A, dominating, relied_on = tilted.A, tilted.dominating, "T4"
        error = error_curve(spectrum, A)[:, m]
        low, high = bounds.error_range(spectrum, m)
        breaches = [
            *_breaches("T8", error / high),
            *_breaches("T8", low / error),
            *_breaches(relied_on, error / dominating),
        ]
        return Draws(weights=np.clip(error / dominating, 0, 1), values=error, breaches=tuple(breaches))


@dataclass(frozen=True)
class TruncatedRisk(Quantity):
    """T3's risk of least squares in the prior of rank ``m // 2``, with noise of ``noise`` times sigma_{k+1}."""

    name: ClassVar[str] = "risk(G_k)"
    inverse: ClassVar[bool] = True
    noise: float = 0.0

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        return 4 <= m <= spectrum.n <= _DENSE_LIMIT

    def setting(self, spectrum: Spectrum, m: int) -> tuple[int, float]:
        """The rank k and the noise level at (spectrum, m)."""
        k = m // 2
        return k, self.noise * float(spectrum.singular_values[k])

    def scale(self, spectrum: Spectrum, m: int) -> float:  # noqa: D102
        k, noise_std = self.setting(spectrum, m)
        return float(spectrum.tail(k)) + noise_std**2

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        # Given A_1 the mean of the risk is known. Noise on the measurements acts like one more column of A with variance
        # noise_std**2. (Its tail(k) counts that variance once too often: the quantity here is the risk plus noise_std**2,
        # and so is the claim's value.)
        k, noise_std = self.setting(spectrum, m)
        missed = float(np.sum(spectrum.variances[k:][::-1])) + noise_std**2
        risk = missed * (1.0 + draw_amplification(m, k, size=size, rng=rng))
        return Draws(weights=np.clip(self.scale(spectrum, m) / risk, 0, 1), values=risk)

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:  # noqa: D102
        k, noise_std = self.setting(spectrum, m)
        A = rng.standard_normal((size, m, spectrum.n))
        noise = noise_std * rng.standard_normal((size, m, 1))
        seen = np.concatenate([A[:, :, k:] * spectrum.singular_values[k:], noise], axis=2)
        amplified = np.linalg.pinv(A[:, :, :k]) @ seen
        return Plain(self.scale(spectrum, m) + np.einsum("bij,bij->b", amplified, amplified))


@dataclass(frozen=True)
class SpectralError(Quantity):
    """``E || (I - P) G^T ||``, spectral norm, not squared."""

    name: ClassVar[str] = "E ||(I-P)G^T||"

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        return 2 <= m < spectrum.n <= _DENSE_LIMIT

    def scale(self, spectrum: Spectrum, m: int) -> float:  # noqa: D102
        # ||.|| <= sqrt(Y_k) and Y_k >= tail(k), so ||.|| sqrt(tail(k)) / Y_k <= 1.
        k = int(bounds.best_rank(spectrum, m))
        return float(bounds.truncated(spectrum, m, k)) / float(np.sqrt(spectrum.tail(k)))

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        k = int(bounds.best_rank(spectrum, m))
        tilted = draw_tilted(spectrum, m, k, size=size, rng=rng)
        norms = spectral_norms(residual_factors(spectrum, tilted.A))
        breaches = _breaches("T4", norms**2 / tilted.dominating)
        weights = norms * np.sqrt(spectrum.tail(k)) / tilted.dominating
        return Draws(weights=np.clip(weights, 0, 1), values=norms, breaches=tuple(breaches))

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:  # noqa: D102
        A = rng.standard_normal((size, m, spectrum.n))
        return Plain(self.at(spectrum, m, A), A)

    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:  # noqa: D102
        return spectral_norms(residual_factors(spectrum, A))


@dataclass(frozen=True)
class FailureProbability(Quantity):
    """Probability that ``||G(I-P)||`` exceeds T6's bound of the given norm and form, at rank ``m // 2``."""

    name: ClassVar[str] = "P(exceeds)"
    norm: bounds.Norm = "frobenius"
    form: bounds.Form = "journal"
    t: float = 1.5
    u: float = 2.0

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        return m - m // 2 >= 4 and m < spectrum.n <= _DENSE_LIMIT

    def bound(self, spectrum: Spectrum, m: int) -> float:
        """T6's bound at (spectrum, m)."""
        return float(bounds.tail_upper(spectrum, m, rank=m // 2, t=self.t, u=self.u, norm=self.norm, form=self.form))

    def probability(self, spectrum: Spectrum, m: int) -> float:
        """The failure probability that T6 allows at (spectrum, m)."""
        return float(bounds.tail_probability(m - m // 2, t=self.t, u=self.u, norm=self.norm, form=self.form))

    def scale(self, spectrum: Spectrum, m: int) -> float:  # noqa: D102
        # Where the norm exceeds the bound, Y_k does too: 1{fails} bound^2 / Y_k <= 1.
        k = int(bounds.best_rank(spectrum, m))
        return float(bounds.truncated(spectrum, m, k)) / self.bound(spectrum, m) ** 2

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        tilted = draw_tilted(spectrum, m, int(bounds.best_rank(spectrum, m)), size=size, rng=rng)
        bound = self.bound(spectrum, m)
        errors, fails = self._exceeding(spectrum, tilted.A, bound)
        breaches = _breaches("T4", errors / tilted.dominating)
        weights = np.where(fails, bound**2 / tilted.dominating, 0.0)
        return Draws(weights=np.clip(weights, 0, 1), values=fails.astype(float), breaches=tuple(breaches))

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:  # noqa: D102
        A = rng.standard_normal((size, m, spectrum.n))
        return Plain(self._exceeding(spectrum, A, self.bound(spectrum, m))[1].astype(float))

    def _exceeding(self, spectrum: Spectrum, A: FloatArray, bound: float) -> tuple[FloatArray, NDArray[np.bool_]]:
        """The squared Frobenius norms, and where the norm that is meant exceeds the bound."""
        factors = residual_factors(spectrum, A)
        squares: FloatArray = np.einsum("bij,bij->b", factors, factors)
        fails = squares > bound**2
        if self.norm == "spectral" and fails.any():
            # The spectral norm is the smaller one, and takes more work than all the rest.
            fails[fails] = spectral_norms(factors[fails]) > bound
        return squares, fails


#: Real A, 1 < m < n - 1: up to this n the curve of all m takes a few seconds at most, and draws no less.
_CURVE_LIMIT = 200


def _on_the_curve(spectrum: Spectrum, m: int, field: Field) -> bool:
    """Whether E_m comes from the two-dimensional integral."""
    return field == "real" and 1 < m < spectrum.n - 1 and not is_flat(spectrum)


#: Quantities that need dense algebra for every draw, or the whole budget of draws: up to this n.
_DENSE_LIMIT = 64


def residual_factors(spectrum: Spectrum, A: FloatArray) -> FloatArray:
    """``Sigma Q_2`` of each of (size, m, n) measurements, Q_2 an orthonormal basis of what they miss, (size, n, n - m).

    Its norms are those of ``G (I - P)``.
    """
    sigma = spectrum.singular_values
    # Householder reflections of rows sorted by scale: each row of Q is accurate relative to itself.
    Q = np.linalg.qr(np.swapaxes(A * sigma, 1, 2), mode="complete")[0]
    factors: FloatArray = sigma[:, None] * Q[:, :, A.shape[1] :]
    return factors


def spectral_norms(matrices: FloatArray) -> FloatArray:
    """Largest singular value of each of (size, rows, columns) matrices."""
    return np.asarray(np.linalg.svd(matrices, compute_uv=False)[:, 0])


def _breaches(statement: str, ratios: FloatArray) -> list[Breach]:
    """At most one breach, the worst, of a ratio that must not exceed 1."""
    worst = float(np.max(ratios))
    return [] if worst <= 1 + DRAW_ROUNDING else [Breach(statement, worst)]


def _sketch(draws: FloatArray, largest: float) -> Sketch:
    """Mean and three standard errors; above also what draws of size `largest` may add that were too rare to be seen."""
    mean, spread = float(draws.mean()), float(draws.std())
    if mean > 0 and spread <= 1e-13 * mean:
        return Sketch(mean, mean, mean)
    error = 3.0 * spread / float(np.sqrt(draws.size))
    # No event in `size` draws: its probability is below 3 / size (at the 5 % level).
    return Sketch(mean, max(mean - error, 0.0), mean + error + 3.0 * largest / draws.size)


#: What a claim is about unless it says otherwise.
EXPECTED_ERROR = ExpectedError()
