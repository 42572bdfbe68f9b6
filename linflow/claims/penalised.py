r"""Quantities with a matched penalty gamma: the Bayes risk, the trace of the resolvent, the log-determinant.

``S = A Lambda A*`` for m Gaussian measurements. gamma is `level` times the mean of the l_i, so that claims about them have
no units. The Bayes risk lies in 0..sum l and the resolvent's trace in 0..m/gamma for every A. The log-determinant has no
bound, but ``log det(I + S/gamma) <= tr S/gamma``, whose mean is known: under the law Q with ``dQ = (tr S / E tr S) dP`` the
ratio W of the two is bounded, and

    E log det(I + S/gamma) = (m sum l/gamma) E_Q W,   0 <= W <= 1.

Q is sampled exactly: one entry of A, chosen with probability l_i/(m sum l), has its square size-biased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from linflow.checks import FIELDS, Field, FloatArray, one_of, positive
from linflow.claims.quantities import Draws, Plain, Quantity
from linflow.risk.draws import gaussian_rows
from linflow.spectrum import Spectrum

Functional = Literal["error", "resolvent", "log-det"]
#: Dense algebra for every draw: up to this n, and up to this quotient of l_1 and gamma.
_SIZE, _CONDITION = 64, 1e8


@dataclass(frozen=True)
class Penalised(Quantity):
    """Mean of a function of A with the penalty ``level * (mean of l)``.

    Parameters
    ----------
    functional : "error" (``X_gamma = tr(Lambda - Lambda A*(S + gamma)^{-1} A Lambda)``, [x]^2), "resolvent"
        (``tr (S + gamma)^{-1}``, [x]^-2), or "log-det" (``log det(I + S/gamma)``).
    field : "real" or "complex" entries of A.
    level : gamma over the mean of l, > 0.
    """

    name: ClassVar[str] = "E f(A, gamma)"
    functional: Functional = "error"
    field: Field = "real"
    level: float = 0.3

    def __post_init__(self) -> None:
        one_of(self.functional, "functional", get_args(Functional))
        one_of(self.field, "field", FIELDS)
        object.__setattr__(self, "level", positive(self.level, "level"))

    def penalty(self, spectrum: Spectrum) -> float:
        """Gamma at a spectrum."""
        return self.level * spectrum.energy / spectrum.n

    def defined(self, spectrum: Spectrum, m: int) -> bool:  # noqa: D102
        return m >= 1 and spectrum.n <= _SIZE and float(spectrum.variances[0]) <= _CONDITION * self.penalty(spectrum)

    def scale(self, spectrum: Spectrum, m: int) -> float:  # noqa: D102
        largest = {
            "error": spectrum.energy,
            "resolvent": m / self.penalty(spectrum),
            "log-det": m * (spectrum.energy / self.penalty(spectrum)),
        }
        return largest[self.functional]

    def draws(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:  # noqa: D102
        A = self._rows(spectrum, m, size, rng)
        dominating: FloatArray | float = self.scale(spectrum, m)
        if self.functional == "log-det":
            _size_bias(A, spectrum, rng)
            traces = np.sum(np.abs(A) ** 2 * spectrum.variances, axis=(1, 2))
            dominating = traces / self.penalty(spectrum)
        values = self._values(spectrum, A)
        return Draws(weights=np.clip(values / dominating, 0, 1), values=values)

    def plain(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain:  # noqa: D102
        A = self._rows(spectrum, m, size, rng)
        return Plain(self._values(spectrum, A), A if self.field == "real" else None)

    def at(self, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray:  # noqa: D102
        return self._values(spectrum, A)

    def _rows(self, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Any:
        rows = gaussian_rows(self.field)
        return np.stack([rows(m, spectrum.n, rng) for _ in range(size)])

    def _values(self, spectrum: Spectrum, A: Any) -> FloatArray:
        gamma = self.penalty(spectrum)
        seen = A * spectrum.singular_values
        if self.functional != "error":
            # The singular values of A Sigma, whose squares are the eigenvalues of S, and zeros beyond n.
            squares = np.linalg.svd(seen, compute_uv=False) ** 2
            missing = max(A.shape[1] - squares.shape[1], 0)
            if self.functional == "log-det":
                return np.asarray(np.log1p(squares / gamma).sum(axis=1))
            return np.asarray((1 / (squares + gamma)).sum(axis=1) + missing / gamma)
        # || L^{-1} Sigma ||^2 with L L* = I + Sigma A* A Sigma/gamma: a sum of squares, nothing is subtracted.
        gram = np.conj(np.swapaxes(seen, 1, 2)) @ seen / gamma + np.eye(spectrum.n)
        factor = np.linalg.cholesky(gram)
        left = np.linalg.solve(factor, np.broadcast_to(np.diag(spectrum.singular_values), factor.shape))
        return np.asarray(np.sum(np.abs(left) ** 2, axis=(1, 2)))


def _size_bias(A: Any, spectrum: Spectrum, rng: np.random.Generator) -> None:
    """In place: plain draws become those of the law tilted by tr S, by an entry of each whose square is size-biased."""
    size, m, n = A.shape
    i = rng.choice(n, size=size, p=spectrum.variances / spectrum.variances.sum())
    k, draw = rng.integers(m, size=size), np.arange(size)
    # |a|^2 is chi^2_1 for real entries, which tilted by itself is chi^2_3, and Gamma(1) and Gamma(2) for complex ones.
    radius = np.sqrt(rng.gamma(2.0, size=size) if np.iscomplexobj(A) else rng.chisquare(3, size=size))
    A[draw, k, i] *= radius / np.abs(A[draw, k, i])
