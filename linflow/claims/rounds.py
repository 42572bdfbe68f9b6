"""One round of a hunt: random spectra, the best few improved, the winner read again with fresh draws and, if it looks like
a violation, given a verdict. A pure function of the claim, the seed, the round's number and the elites handed to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from linflow.checks import FloatArray, IntArray
from linflow.claims.candidates import Candidate, changed, random_candidate, shape
from linflow.claims.evidence import REFUTED
from linflow.claims.landscape import AWAY, LIMIT, Reading, Survey, Terrain, best_first, random_n
from linflow.claims.outcome import Outcome, outcome_from_json
from linflow.claims.verdict import Cell, Test, decide

#: Spectra that a round begins with, and how many m of each are read where a draw is needed, and where a formula is.
_POPULATION, _SAMPLED_M, _KNOWN_M = 32, 2, 12
#: Dimensions tried before a round makes do with one at which the claim may say nothing.
_ATTEMPTS = 30
#: Draws behind a reading: at first sight, while improving, and at the end with fresh random numbers.
_GLANCE, _LOOK, _STARE = 32, 160, 2048
#: How many are read more closely, and how many of those improved.
_PROMISING, _FINALISTS = 8, 2
#: Groups of gaps moved together, first and (where readings are noisy) then; readings spent on each search.
_COARSE, _FINER, _READINGS = 6, 12, 70
#: Readings for each gap spent on the last search, in all gaps, where readings are exact.
_FINE_READINGS = 8
#: Streams of random numbers of a round: for the readings, for the choices of the search, for reading its winner again, for
#: a verdict; and for the verdicts at the end of a hunt.
_SEARCH, _CHOICES, _FRESH, _VERDICT, FINAL = range(5)
#: Draws behind a verdict. A claim about every draw is held against a few sets of fresh draws.
VERDICT_DRAWS, _SETS = 10_000, 8


@dataclass(frozen=True)
class Find:
    """A candidate and its fresh reading, as it is journalled."""

    sigma: tuple[float, ...]
    m: int
    room: float
    cautious: float
    score: float
    spread: float

    @classmethod
    def of(cls, reading: Reading) -> Find:
        """From a reading."""
        candidate = reading.candidate
        return cls(candidate.sigma, candidate.m, reading.room, reading.cautious, reading.score, reading.spread)

    @property
    def candidate(self) -> Candidate:
        """The spectrum and m."""
        return Candidate(self.sigma, self.m)


@dataclass(frozen=True)
class Round:
    """What one round found.

    Parameters
    ----------
    best : the least score; None if the claim said nothing anywhere.
    away : for claims that are tight on flat spectra, the least room away from them.
    verdict : on `best`, where it looked like a violation.
    evaluations : readings taken; `lowest` the least of their (cautious) rooms.
    lost : why nothing is known of the round, if it killed every worker that played it.
    """

    number: int
    best: Find | None
    away: Find | None
    verdict: Outcome | None
    evaluations: int
    lowest: float | None
    seconds: float
    lost: str | None = None

    @property
    def refuted(self) -> bool:
        """Whether the claim is refuted for certain: exactly, or by a rigorous confidence sequence."""
        return self.verdict is not None and is_certain(self.verdict)

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Round:
        """The inverse of ``dataclasses.asdict``, through JSON."""
        finds = {name: row[name] and Find(**row[name] | {"sigma": tuple(row[name]["sigma"])}) for name in ("best", "away")}
        return cls(**row | finds | {"verdict": row["verdict"] and outcome_from_json(row["verdict"])})

    def to_json(self) -> dict[str, Any]:
        """As a row of the journal."""
        return asdict(self) | {"verdict": self.verdict and self.verdict.to_json()}


def is_certain(outcome: Outcome) -> bool:
    """Refuted: by an enclosure, one A, or a confidence sequence. What the central limit theorem says refutes nothing."""
    return outcome.verdict == REFUTED


@dataclass(frozen=True)
class Plan:
    """All that the rounds of a hunt share."""

    terrain: Terrain
    seed: int
    max_n: int
    alpha: float
    starts: tuple[Candidate, ...] = ()

    @property
    def key(self) -> str:
        """Rounds of equal keys and numbers are equal."""
        own = "".join(f"-{start.spectrum.key}" for start in self.starts)
        return f"{self.terrain.key}-{self.seed}-{self.max_n}-{self.alpha!r}{own}"

    def words(self, *words: int) -> np.random.SeedSequence:
        """A stream of random numbers of its own."""
        return np.random.SeedSequence(self.seed, spawn_key=words)


def play(plan: Plan, number: int, elites: Sequence[Candidate]) -> Round:
    """Round `number`, given the best candidates of rounds that were finished before."""
    began = time.perf_counter()
    # One thread, so that neither rounding nor speed depends on how many rounds run at once.
    with threadpool_limits(limits=1):
        survey = Survey(plan.terrain, plan.words(number, _SEARCH))
        rng = np.random.default_rng(plan.words(number, _CHOICES))
        seen = _population(plan, survey, rng, elites)
        finalists = _closer(survey, best_first(seen, _PROMISING))[:_FINALISTS]
        if plan.terrain.tight_when_flat:
            # Near flat there is always less room: the last place is kept for the best away from there.
            away = [r for r in seen if r.spread >= AWAY]
            finalists = [*finalists[: _FINALISTS - 1], *_closer(survey, best_first(away, _PROMISING))[:1]]
        finalists = [_improved(survey, rng, r) for r in finalists]
        fresh = Survey(plan.terrain, plan.words(number, _FRESH))
        final = best_first(_present([fresh.read(r.candidate, _STARE) for r in finalists]), 1)
        distant = None if survey.away is None else fresh.read(survey.away.candidate, _STARE)
        verdict = None
        if final and final[0].striking:
            # 1/((r + 1)(r + 2)) over all rounds r sums to 1: half of alpha, however long the hunt lasts.
            share = plan.alpha / (2 * (number + 1) * (number + 2))
            verdict = judge(plan, final[0].candidate, share, plan.words(number, _VERDICT))
    lowest = [s.lowest for s in (survey, fresh) if s.lowest is not None]
    return Round(
        number,
        best=Find.of(final[0]) if final else None,
        away=None if distant is None else Find.of(distant),
        verdict=verdict,
        evaluations=survey.evaluations + fresh.evaluations,
        lowest=min(lowest, default=None),
        seconds=time.perf_counter() - began,
    )


def judge(plan: Plan, candidate: Candidate, alpha: float, seed: np.random.SeedSequence) -> Outcome:
    """A verdict at one candidate by draws that had no part in finding it."""
    claim, spectrum, m = plan.terrain.claim, candidate.spectrum.named(shape(candidate.sigma)), candidate.m
    # The whole budget, whatever the claim's status; and no proof, which might be of the very claim.
    test = Test.of(claim, claim.value_at(spectrum, m), VERDICT_DRAWS, by_proof=False)
    words = seed.generate_state(_SETS)
    found: list[Outcome] = []
    for word in words if claim.every_draw else words[:1]:
        found.append(decide(Cell(claim.quantity, spectrum, m, (test,), alpha=alpha / 2, seed=int(word)))[0])
        if found[-1].verdict == REFUTED:
            return found[-1]
    return min(found, key=lambda outcome: outcome.ratio)


def _closer(survey: Survey, readings: list[Reading]) -> list[Reading]:
    """The same candidates read with more draws, best first."""
    again = [reading if reading.exact else survey.read(reading.candidate, _LOOK) for reading in readings]
    return best_first(_present(again), len(readings))


def _population(plan: Plan, survey: Survey, rng: np.random.Generator, elites: Sequence[Candidate]) -> list[Reading]:
    """First readings: of the user's starts; of relatives of the elites in every second round, else of random spectra."""
    own = [start.at(m) for start in plan.starts for m in _some_m(survey, rng, start, None)]
    starts = _present([survey.read(candidate, _GLANCE) for candidate in own])
    elites = [*elites, *(reading.candidate for reading in best_first(starts, len(plan.starts)))]
    n = _size(plan, survey, rng)
    from_elites = bool(elites) and rng.random() < 0.5
    # In every second round all spectra share one m, so that no m is forgotten where another leaves less room; always so
    # for claims that are tight on flat spectra, which one m (the first, or the last) would win in every round.
    focus = rng.random() if plan.terrain.tight_when_flat or rng.random() < 0.5 else None
    readings = starts
    for i in range(_POPULATION):
        if from_elites:
            parent = elites[int(rng.integers(len(elites)))]
            candidate = parent if i < len(elites) else changed(rng, parent, plan.max_n)
        else:
            candidate = random_candidate(rng, n, scale_free=plan.terrain.scale_free)
        wanted = [candidate.m] if from_elites else _some_m(survey, rng, candidate, focus)
        readings += _present([survey.read(candidate.at(m), _GLANCE) for m in wanted])
        if i == 0:
            # What a claim says at the ends needs no search: it is looked at once, and kept if it is wrong.
            ends = _present([survey.read(candidate.at(m), _GLANCE) for m in (0, candidate.n) if m not in wanted])
            readings += [reading for reading in ends if reading.striking]
    return readings


def _size(plan: Plan, survey: Survey, rng: np.random.Generator) -> int:
    """A dimension for the round, one at which the claim says something if a few attempts find it."""
    for _ in range(_ATTEMPTS):
        n = random_n(rng, plan.max_n)
        if survey.domain(random_candidate(rng, n, scale_free=plan.terrain.scale_free)):
            break
    return n


def _some_m(survey: Survey, rng: np.random.Generator, candidate: Candidate, focus: float | None) -> list[int]:
    """Some m of the claim's domain: many where a formula is known, few where draws are needed; one in a `focus`."""
    claim = survey.terrain.claim
    domain = [int(m) for m in rng.permutation(survey.domain(candidate))]
    if focus is not None:
        return sorted(domain)[int(focus * len(domain)) :][:1]
    known = set() if claim.every_draw else {m for m in domain if claim.quantity.estimate(candidate.spectrum, m) is not None}
    sampled = [m for m in domain if m not in known]
    return [m for m in domain if m in known][:_KNOWN_M] + sampled[:_SAMPLED_M]


def _improved(survey: Survey, rng: np.random.Generator, start: Reading) -> Reading:
    """A local minimum of the score near `start`: a few groups of gaps first, then finer ones."""
    if start.candidate.n < 3 and survey.terrain.scale_free:
        steps: list[tuple[int, bool]] = [(1, False)]
    else:
        steps = [(_COARSE, False), (_FINER, start.exact)]
    best = start
    for groups, exact in steps:
        labels = best.candidate.groups(best.candidate.n - 1 if exact else groups)
        search = _descend if exact else _simplex
        found = survey.read(search(survey, rng, best, labels), _LOOK)
        if found is not None and found.score < best.score:
            best = found
    return best


def _simplex(survey: Survey, rng: np.random.Generator, start: Reading, labels: IntArray) -> Candidate:
    """Nelder & Mead's simplex in the offsets of the groups, and in the scale where it matters."""
    from scipy.optimize import minimize  # here: its import costs as much as all the others, and most processes never search

    size = int(labels[-1]) + 1 + (not survey.terrain.scale_free)
    simplex = np.vstack([np.zeros(size), np.diag(rng.choice([-1.0, 1.0], size) * 0.8)])
    options = {"maxfev": _READINGS, "initial_simplex": simplex, "adaptive": True, "xatol": 1e-3, "fatol": 1e-12}
    found = minimize(_objective(survey, start, labels), np.zeros(size), method="Nelder-Mead", options=options)
    return start.candidate.moved(labels, np.asarray(found.x))


def _descend(survey: Survey, rng: np.random.Generator, start: Reading, labels: IntArray) -> Candidate:
    """Quasi-Newton in every gap, within bounds; the gradient by differences of exact readings."""
    from scipy.optimize import minimize

    bounds = start.candidate.room_to_move()
    options = {"maxfun": _FINE_READINGS * len(bounds), "eps": 1e-5, "ftol": 1e-12}
    found = minimize(
        _objective(survey, start, labels), np.zeros(len(bounds)), method="L-BFGS-B", bounds=bounds, options=options
    )
    return start.candidate.moved(labels, np.asarray(found.x))


def _objective(survey: Survey, start: Reading, labels: IntArray) -> Callable[[FloatArray], float]:
    def score(offsets: FloatArray) -> float:
        return survey.score(start.candidate.moved(labels, offsets), _LOOK)

    return score


def _present(readings: Sequence[Reading | None]) -> list[Reading]:
    return [reading for reading in readings if reading is not None and reading.score < LIMIT]
