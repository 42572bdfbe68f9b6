r"""Statements about every A: drawn, then hunted over A, and refuted only by one A that is shown to break them.

The value of most quantities is a smooth function of A (`Quantity.at`), so a violation is looked for by climbing: from the
measurements of the m strongest and of the m weakest directions, and from the worst A drawn (or a fresh one), by
quasi-Newton steps in the entries of ``A Sigma`` (there every direction of the latent counts alike), in all of them where
the gradient is known, else in a few random directions. What looks like a violation is confirmed in ball arithmetic
(`Quantity.enclosure_at`); a quantity that offers none is taken at its word, beyond the rounding that it declares. That
nothing was found proves nothing: the evidence is then :class:`NoViolation`.

Tested in tests/test_every.py against statements whose supremum is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from linflow.checks import FloatArray
from linflow.claims import contract
from linflow.claims.evidence import ROUNDING, Evidence, NoViolation, Violation
from linflow.claims.quantities import Quantity
from linflow.claims.relation import Answer, Relation
from linflow.errors import LinflowError
from linflow.spectrum import Spectrum

#: From this n on a statement gets so many draws of A: each costs much.
_LARGE_N, _FEW_DRAWS = 256, 8
#: Steps of a climb with a gradient; directions, steps and changes of direction of one without.
_STEPS, _DIRECTIONS, _BLIND_STEPS, _ROUNDS = 30, 6, 3, 2
#: Relative step of a difference quotient, and what stands for the logarithm of no value at all.
_DIFFERENCE, _WORST = 1e-6, 1e6
#: Entries of an A that is kept with its violation.
_KEPT = 4096


@dataclass(frozen=True)
class Tried:
    """Values of a quantity for draws of A, and these A where they are known."""

    quantity: Quantity
    spectrum: Spectrum
    m: int
    values: FloatArray
    A: FloatArray | None

    @classmethod
    def of(cls, quantity: Quantity, spectrum: Spectrum, m: int, rng: np.random.Generator) -> Tried:
        """Plain draws where the quantity has them, so that what they rule out is about Gaussian A; else its own draws."""
        size = quantity.tries if spectrum.n <= _LARGE_N else min(quantity.tries, _FEW_DRAWS)
        plain = contract.plain_of(quantity, spectrum, m, size, rng)
        if plain is not None:
            contract.hold_at(quantity, spectrum, m, plain)
            return cls(quantity, spectrum, m, plain.values, plain.A)
        return cls(quantity, spectrum, m, contract.draws_of(quantity, spectrum, m, size, rng).values, None)

    def violation(
        self, relation: Relation, value: float, tolerance: float, found: float, A: FloatArray | None
    ) -> Violation | None:
        """The violation that `found`, the quantity at A, amounts to; None if it is not shown to be one."""
        limits = {"tolerance": tolerance, "forgiven": ROUNDING}
        if relation.answer(found, found, value, **limits) is not Answer.FAILS:
            return None
        proved = None if A is None else contract.enclosure_at(self.quantity, self.spectrum, self.m, A, found)
        if proved is None:
            # Taken at its word, beyond the rounding that it declares.
            low = high = found
            limits["forgiven"] = max(contract.rounding_of(self.quantity), ROUNDING)
        else:
            low, high = proved
        if relation.answer(low, high, value, **limits) is not Answer.FAILS:
            return None
        kept = None if A is None or A.size > _KEPT else tuple(tuple(float(a) for a in row) for row in A)
        estimate = low + 0.5 * (high - low)
        return Violation(low=low, high=high, estimate=estimate, A=kept, enclosed=proved is not None, draws=self.values.size)


def evidence_on_every_A(
    tried: Tried, relation: Relation, value: float, tolerance: float, *, alpha: float, rng: np.random.Generator
) -> Evidence:
    """What draws and searches over A show about ``quantity(A) <relation> value`` for every A."""
    low, high = float(tried.values.min()), float(tried.values.max())
    searches = evaluations = 0
    # Broken by a draw that no ball arithmetic confirms: climbing may find one that it does.
    drawn: Violation | None = None
    for direction in relation.directions:
        worst = int(tried.values.argmax() if direction > 0 else tried.values.argmin())
        A = None if tried.A is None else tried.A[worst]
        drawn = drawn or tried.violation(relation, value, tolerance, float(tried.values[worst]), A)
        if drawn is not None and drawn.enclosed:
            return drawn
    for direction in relation.directions:
        for start in _starts(tried, direction, rng):
            climb = _Climb(tried, direction, start, rng)
            if not climb.known:
                break
            searches += 1
            climb.run()
            evaluations += climb.evaluations
            low, high = min(low, climb.best), max(high, climb.best)
            found = tried.violation(relation, value, tolerance, climb.best, climb.best_A)
            if found is not None:
                return found
    if drawn is not None:
        return drawn
    worst_seen = relation.farthest(low, high, value)
    return NoViolation(
        low=low,
        high=high,
        estimate=worst_seen,
        draws=tried.values.size,
        searches=searches,
        evaluations=evaluations,
        alpha=alpha,
    )


def _starts(tried: Tried, direction: int, rng: np.random.Generator) -> Iterator[FloatArray]:
    """Measurements to climb from, simplest first."""
    n, m = tried.spectrum.n, tried.m
    if not 1 <= m < n:
        return  # without measurements, or with all of them, nothing depends on A
    identity = np.eye(n)
    yield identity[:m]
    yield identity[n - m :][::-1]
    if tried.A is None:
        yield rng.standard_normal((m, n))
    else:
        yield tried.A[int(tried.values.argmax() if direction > 0 else tried.values.argmin())]


class _Climb:
    """A local search from one A for a large (direction +1) or small (-1) value."""

    def __init__(self, tried: Tried, direction: int, start: FloatArray, rng: np.random.Generator) -> None:
        self.tried, self.direction, self.start, self.rng = tried, direction, start, rng
        self.sigma = tried.spectrum.singular_values / tried.spectrum.singular_values[0]
        self.evaluations = 0
        self.best, self.best_A = -direction * np.inf, start
        values = self._values(start[None])
        self.known = values is not None
        #: Values of one sign are compared by their logarithm: they may span hundreds of decades.
        self.by_log = values is not None and bool(values[0] > 0)

    def run(self) -> None:
        """Climb; afterwards `best` and `best_A` are the best seen."""
        from scipy.optimize import minimize  # here: its import is slow, and most processes never climb

        with np.errstate(all="ignore"):
            slope = self._slope(self.start)
        if slope is not None:
            options = {"maxiter": _STEPS, "maxfun": 2 * _STEPS}
            minimize(self._along_slope, self._latent(self.start), jac=True, method="L-BFGS-B", options=options)
            return
        for _ in range(_ROUNDS):
            centre = self._latent(self.best_A)
            size = min(centre.size, _DIRECTIONS)
            width = float(np.linalg.norm(centre)) / np.sqrt(centre.size)
            directions = width * (np.eye(size) if size == centre.size else self.rng.standard_normal((size, centre.size)))
            minimize(
                lambda c, centre=centre, directions=directions: self._by_differences(c, centre, directions),
                np.zeros(size),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": _BLIND_STEPS, "maxfun": 2 * _BLIND_STEPS},
            )

    def _latent(self, A: FloatArray) -> FloatArray:
        """Entries of A Sigma, Sigma in units of its largest value."""
        latent: FloatArray = (A * self.sigma).ravel()
        return latent

    def _measurements(self, latent: FloatArray) -> FloatArray:
        A: FloatArray = latent.reshape(-1, *self.start.shape) / self.sigma
        return A

    def _along_slope(self, latent: FloatArray) -> tuple[float, FloatArray]:
        with np.errstate(all="ignore"):  # what leaves float64 is not used
            A = self._measurements(latent)
            values = self._values(A)
            slope = None if values is None else self._slope(A[0])
            if values is None or slope is None or not self._usable(values):
                return _WORST, np.zeros_like(latent)
            gradient = -self.direction * (slope / self.sigma / (values[0] if self.by_log else 1.0)).ravel()
        return (
            (float(self._height(values)[0]), gradient) if np.isfinite(gradient).all() else (_WORST, np.zeros_like(latent))
        )

    def _by_differences(self, c: FloatArray, centre: FloatArray, directions: FloatArray) -> tuple[float, FloatArray]:
        here = centre + c @ directions
        with np.errstate(all="ignore"):
            values = self._values(self._measurements(np.concatenate([here[None], here + _DIFFERENCE * directions])))
        if values is None or not self._usable(values):
            return _WORST, np.zeros_like(c)
        heights = self._height(values)
        return float(heights[0]), (heights[1:] - heights[0]) / _DIFFERENCE

    def _usable(self, values: FloatArray) -> bool:
        return not self.by_log or bool(np.all(values > 0))

    def _height(self, values: FloatArray) -> FloatArray:
        return -self.direction * (np.log(values) if self.by_log else values)

    def _values(self, A: FloatArray) -> FloatArray | None:
        """Values at (size, m, n) measurements, the best of them remembered; None where there are none."""
        try:
            values = contract.values_at(self.tried.quantity, self.tried.spectrum, self.tried.m, A)
        except LinflowError:
            if self.evaluations == 0:  # at the start that is a fault of the quantity; later the climb left its domain
                raise
            return None
        if values is None:
            return None
        self.evaluations += len(values)
        place = int((self.direction * values).argmax())
        if self.direction * values[place] > self.direction * self.best:
            self.best, self.best_A = float(values[place]), A[place].copy()
        return values

    def _slope(self, A: FloatArray) -> FloatArray | None:
        return contract.slope_at(self.tried.quantity, self.tried.spectrum, self.tried.m, A)
