r"""How much room a claim leaves at a spectrum and an m, read fast: from a float64 oracle, or from draws.

The *room* is the logarithm of the ratio that the verdicts use: above 0 the claim holds, below 0 it is violated. Where no
oracle exists it is read from draws with the same random numbers for every spectrum of a round (common random numbers), so
that a local search follows the spectrum and not the noise. A search that minimises a noisy room is drawn to where the noise
is large; hence the *cautious* room, the largest that the draws leave possible (`Quantity.sketch`), is what it goes by.

Some claims hold with equality on every flat spectrum (both conjectures do). There the room vanishes like the square of
the distance from flat, and a search for the least room would go nowhere else. For such claims the *score* that is
minimised is the room over ``min(1, spread**2)``, `spread` the standard deviation of log l under the weights
``(l kappa / (l + kappa)**2)**2``, that is, over the directions that m measurements half see. A score is negative exactly
where the room is.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, replace

import numpy as np

from linflow.claims import contract
from linflow.claims.candidates import DECADES, Candidate, random_candidate
from linflow.claims.claim import Claim
from linflow.claims.quantities import DRAW_ROUNDING
from linflow.claims.relation import LIMIT as LIMIT
from linflow.errors import InputError
from linflow.identity import code_digest, content
from linflow.risk.equivalent import kappa
from linflow.spectrum import Spectrum

#: A claim about every draw needs fewer of them: its worst draw counts, and not their mean.
_FEWER = 8
#: Rounding of the float64 oracles within DECADES: less than this is no violation.
ORACLE_ROUNDING = 1e-12
#: Spread below which a spectrum counts as flat, and from which on it counts as away from flat.
_NEARLY_FLAT, AWAY = 0.01, 1.0


@dataclass(frozen=True)
class Reading:
    """The room at a candidate.

    Parameters
    ----------
    room : log of the ratio, the claim holds above 0.
    cautious : the largest room that the draws leave possible; `room` itself where no draws were needed.
    score : what the search minimises.
    spread : distance from flat where m looks (0 where the claim needs none).
    slack : rounding, beyond which a negative room means something.
    """

    candidate: Candidate
    room: float
    cautious: float
    score: float
    spread: float
    slack: float

    @property
    def exact(self) -> bool:
        """Whether no draws stand behind it, or draws that do not differ."""
        return self.room == self.cautious

    @property
    def striking(self) -> bool:
        """Whether it looks like a violation: worth a verdict."""
        return self.cautious < -self.slack


@dataclass(frozen=True)
class Terrain:
    """What a hunt knows about its claim before it starts.

    Parameters
    ----------
    scale_free : the room does not change when the spectrum is multiplied by a number.
    tight_when_flat : the claim is an equality on flat spectra.
    key : digest of what the claim says on a few random spectra, of its quantity and of linflow's code: another key, another
        hunt.
    """

    claim: Claim
    scale_free: bool
    tight_when_flat: bool
    key: str

    @classmethod
    def explore(cls, claim: Claim, max_n: int) -> Terrain:
        """Find out by trying.

        Raises
        ------
        InputError
            No random spectrum with 2 <= n <= max_n lies in the claim's domain.
        ClaimError
            The claim's functions raise or return no number.
        """
        blank = cls(claim, scale_free=True, tight_when_flat=False, key="")
        survey = Survey(blank, np.random.SeedSequence(0))
        rng = np.random.default_rng(0)
        rooms: list[str] = []
        scale_free = True
        for _ in range(400):
            n = random_n(rng, max_n)
            drawn = random_candidate(rng, n)
            for m in rng.permutation(survey.domain(drawn))[:2]:
                candidate = drawn.at(int(m))
                here, there = survey.read(candidate, 16), survey.read(candidate.scaled(10.0), 16)
                rooms.append("nothing" if here is None else f"{here.room:.9f}")
                # A float64 claim is not scale free to the last bit; a claim that depends on the scale does so grossly.
                scale_free &= (here is None) == (there is None)
                scale_free &= here is None or there is None or abs(here.room - there.room) < 1e-6
            if len(rooms) >= 24:
                break
        if not rooms:
            raise InputError(
                f"claim {claim.name!r} holds for none of 400 random spectra with n = 2..{max_n}, so there is nothing to "
                "search: choose another claim, or another --max-n"
            )
        flat = [
            reading
            for n in (2, 3, 5, 8)
            for m in range(1, n)
            if (reading := survey.read(Candidate((1.0,) * n, m), 16)) is not None
        ]
        tight = bool(flat) and all(r.exact and abs(r.room) < DRAW_ROUNDING for r in flat)
        parts = [
            code_digest(),
            DECADES,
            claim.name,
            claim.kind,
            claim.quantity.key,
            content([claim.value, claim.holds_for]),
            claim.every_draw,
            claim.tolerance,
            rooms,
        ]
        key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
        return cls(claim, scale_free, tight and not claim.relation.two_sided, key)


def random_n(rng: np.random.Generator, max_n: int) -> int:
    """Log-uniform in 2..max_n."""
    return int(np.exp(rng.uniform(np.log(2), np.log(max_n + 1))))


class Survey:
    """Readings with common random numbers, and what they have shown so far."""

    def __init__(self, terrain: Terrain, seed: np.random.SeedSequence) -> None:
        self.terrain, self.seed = terrain, seed
        self.evaluations = 0
        self.lowest: float | None = None
        self.away: Reading | None = None

    def domain(self, candidate: Candidate) -> list[int]:
        """The m to search at: those inside, or where the claim is about the ends alone, the ends."""
        claim, n = self.terrain.claim, candidate.n
        inner = [m for m in range(1, n) if claim.applies(candidate.spectrum, m)]
        return inner or [m for m in (0, n) if claim.applies(candidate.spectrum, m)]

    def score(self, candidate: Candidate, size: int) -> float:
        """The score alone, `LIMIT` where nothing is claimed."""
        reading = self.read(candidate, size)
        return LIMIT if reading is None else reading.score

    def read(self, candidate: Candidate, size: int) -> Reading | None:
        """The room, from a formula or from `size` draws; None where the claim makes no statement."""
        claim, spectrum, m = self.terrain.claim, candidate.spectrum, candidate.m
        if not claim.applies(spectrum, m):
            return None
        value = claim.value_at(spectrum, m)
        if claim.says_nothing(value):
            return None
        self.evaluations += 1
        room, cautious, slack = self._room(spectrum, m, value, size)
        reading = Reading(candidate, room, cautious, cautious, 0.0, slack)
        if self.terrain.tight_when_flat and 1 <= m < candidate.n:
            spread = spread_at(spectrum, m)
            score = cautious / min(1.0, spread**2) if spread > _NEARLY_FLAT else LIMIT
            reading = replace(reading, score=min(score, LIMIT), spread=spread)
            if spread >= AWAY and (self.away is None or reading.cautious < self.away.cautious):
                self.away = reading
        if reading.score < LIMIT and (self.lowest is None or reading.cautious < self.lowest):
            self.lowest = reading.cautious
        return reading

    def _room(self, spectrum: Spectrum, m: int, value: float, size: int) -> tuple[float, float, float]:
        """Room, cautious room, slack."""
        claim = self.terrain.claim
        quantity = claim.quantity
        # The seed does not depend on the spectrum: common random numbers.
        rng = np.random.default_rng(self.seed)
        if claim.every_draw:
            drawn = contract.draws_of(quantity, spectrum, m, max(size // _FEWER, 4), rng).values
            room = min(room_of(claim, value, float(extreme)) for extreme in (drawn.min(), drawn.max()))
            return room, room, quantity.rounding
        known = contract.estimate_of(quantity, spectrum, m)
        if known is not None:
            room = room_of(claim, value, known)
            return room, room, ORACLE_ROUNDING
        sketch = contract.sketch_of(quantity, spectrum, m, size, rng)
        # Within the interval the room is largest at an edge, or for "equal" and "close" at the value itself.
        places = (sketch.low, sketch.high, min(max(value, sketch.low), sketch.high))
        cautious = max(room_of(claim, value, place) for place in places)
        return room_of(claim, value, sketch.value), cautious, ORACLE_ROUNDING


def room_of(claim: Claim, value: float, quantity: float) -> float:
    """Log of the ratio of a claim, within -LIMIT..LIMIT; for "equal" and "close" what a deviation leaves of the allowance.

    >>> claim = Claim(name="half", statement="", kind="upper", value=lambda spectrum, m: 0.5)
    >>> round(room_of(claim, 0.5, 0.25), 6) == round(math.log(2), 6), room_of(claim, 0.5, 0.5)
    (True, 0.0)
    """
    # A verdict on the mean lets "equal" deviate by nothing; one on every draw by its rounding, and "close" by the
    # tolerance.
    allowance = claim.tolerance if claim.kind == "close" else claim.quantity.rounding if claim.every_draw else 0.0
    return claim.relation.room(value, quantity, allowance)


def spread_at(spectrum: Spectrum, m: int) -> float:
    """Standard deviation of log l over the directions that m measurements half see; 0 for a flat spectrum.

    >>> spread_at(Spectrum.flat(5), 2), spread_at(Spectrum.exponential(64, 0.5), 32) > 1
    (0.0, True)
    """
    l, root = spectrum.variances, float(kappa(spectrum, m))
    weights = ((l / (l + root)) * (root / (l + root))) ** 2
    logs = 2.0 * np.log(spectrum.singular_values)
    mean = float(weights @ logs / weights.sum())
    return math.sqrt(float(weights @ (logs - mean) ** 2 / weights.sum()))


def best_first(readings: list[Reading], count: int) -> list[Reading]:
    """The `count` readings of least score, one for each spectrum; ties in the order in which they were read."""
    best: dict[tuple[float, ...], Reading] = {}
    for reading in sorted(readings, key=lambda reading: reading.score):
        best.setdefault(reading.candidate.sigma, reading)
    return list(best.values())[:count]
