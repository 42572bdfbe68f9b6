r"""Verdicts: each claim held against every spectrum and m, by oracles where they exist, else by confidence sequences.

A *cell* is one quantity at one (spectrum, m); all claims about it share its draws. A cell is decided

* `exact`: by the interval that an oracle proves, or, for claims about every A, by holding each draw against the claim;
* `rigorous`: by a confidence sequence at level alpha / (2 cells), so that the probability of any wrong rigorous verdict in
  the whole run is at most alpha / 2; draws stop as soon as every claim on the cell is decided;
* `asymptotic`: by the central limit theorem at the same level, only where the budget ran out first, and labelled so.

What a sampler relies on (T8's range, T4's ratio) is checked on each draw: a draw outside refutes that statement, and leaves
the other claims of its cell undecided, because their sampler can no longer be trusted.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from linflow.checks import FloatArray
from linflow.claims.claim import Claim
from linflow.claims.confidence import ConfidenceSequence, normal_interval
from linflow.claims.quantities import ROUNDING, Breach, Quantity
from linflow.spectrum import Spectrum

SUPPORTED, REFUTED, UNDECIDED = "supported", "refuted", "undecided"
EXACT, RIGOROUS, ASYMPTOTIC = "exact", "rigorous", "asymptotic"
#: From strongest to weakest.
BASES = (EXACT, RIGOROUS, ASYMPTOTIC)

#: Rounding allowed between a float64 bound and an enclosure: both sides of T1 are equalities on some spectra.
_SLACK = 1e-12
_FIRST_BLOCK, _LARGEST_BLOCK = 64, 512
#: Draws that a claim about every A is held against in each cell.
_CERTAINTY_DRAWS = 48


@dataclass(frozen=True)
class Test:
    """One claim's value in one cell."""

    claim: str
    kind: str
    value: float
    tolerance: float
    every_draw: bool
    max_draws: int

    #: pytest collects classes named Test*; this one is not a test case.
    __test__ = False


@dataclass(frozen=True)
class Cell:
    """One quantity at one (spectrum, m) with every claim about it; `decide` is a pure function of this."""

    quantity: Quantity
    spectrum: Spectrum
    m: int
    tests: tuple[Test, ...]
    alpha: float
    seed: int

    @property
    def place(self) -> str:
        """Digest of what the draws depend on beside the seed: the quantity, the singular values, m."""
        return hashlib.sha256(f"{self.quantity.key}|{self.spectrum.key}|{self.m}".encode()).hexdigest()

    @property
    def key(self) -> str:
        """Digest of everything that the outcome depends on."""
        parts = [self.place, self.spectrum.name, [vars(t) for t in self.tests], self.alpha, self.seed]
        return hashlib.sha256(json.dumps(parts, default=repr).encode()).hexdigest()

    def generator(self) -> np.random.Generator:
        """The cell's own random numbers: they follow from the seed and the place, not from the order of work."""
        words = tuple(int(self.place[i : i + 8], 16) for i in range(0, 32, 8))
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=words))


@dataclass(frozen=True)
class Outcome:
    """What one cell says about one claim; one row of `cases` in verdicts.json."""

    claim: str
    spectrum: str
    n: int
    m: int
    value: float
    estimate: float
    low: float
    high: float
    draws: int
    verdict: str
    basis: str
    ratio: float
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """The verdict on one claim over all its cells.

    Parameters
    ----------
    verdict : "refuted" if any cell refutes it, "supported" if every cell supports it, else "undecided".
    basis : the weakest basis that a supported verdict rests on; the strongest that a refuted one has.
    worst : the cell with the least room, by `Outcome.ratio`: how many times the bound exceeds the quantity ("upper") or the
        quantity the bound ("lower"), below 1 when violated; for "equal" and "close", estimate over value. A refuted claim
        has its worst among the refuting cells (ranked by the interval's edge nearest the claim), another one among those
        that support it, if any.
    """

    claim: Claim
    verdict: str
    basis: str
    worst: Outcome | None
    cases: tuple[Outcome, ...] = field(repr=False)
    errors: tuple[str, ...] = ()

    @property
    def spectra(self) -> int:
        """Number of spectra it was tried on."""
        return len({case.spectrum for case in self.cases})


def decide(cell: Cell) -> list[Outcome]:
    """Decide every claim of a cell."""
    means = [t for t in cell.tests if not t.every_draw]
    certain = [t for t in cell.tests if t.every_draw]
    rng = cell.generator()
    outcomes: list[Outcome] = []
    proved = cell.quantity.enclosure(cell.spectrum, cell.m) if means else None
    if proved is not None:
        outcomes += [_by_enclosure(cell, test, *proved) for test in means]
        means = []
    if not means and not certain:
        return outcomes
    sampler = _Sampler(cell, rng)
    if certain:
        sampler.extend(_CERTAINTY_DRAWS if cell.spectrum.n <= 256 else 8)
    if means:
        outcomes += _by_sampling(cell, means, sampler)
    outcomes += [_by_every_draw(cell, test, sampler.values) for test in certain]
    if sampler.breaches:
        outcomes = [_distrusted(o) if o.draws and not _is_certain(cell, o) else o for o in outcomes]
        outcomes += [_breached(cell, breach, sampler.values.size) for breach in sampler.breaches]
    return outcomes


class _Sampler:
    """Draws of a cell so far, grown in blocks."""

    def __init__(self, cell: Cell, rng: np.random.Generator) -> None:
        self.cell, self.rng = cell, rng
        self.sequence = ConfidenceSequence(cell.alpha)
        self.values: FloatArray = np.empty(0)
        self.breaches: list[Breach] = []

    def extend(self, size: int) -> None:
        # Batches of about 32 MB, so that large n does not fill the memory.
        largest = max(1, 4_000_000 // max(self.cell.m * self.cell.spectrum.n, 1))
        while size > 0:
            block = min(size, largest)
            drawn = self.cell.quantity.draws(self.cell.spectrum, self.cell.m, block, self.rng)
            self.sequence.add(drawn.weights)
            self.values = np.concatenate([self.values, drawn.values])
            self.breaches += drawn.breaches
            size -= block


def _by_sampling(cell: Cell, tests: list[Test], sampler: _Sampler) -> list[Outcome]:
    scale, inverse = cell.quantity.scale(cell.spectrum, cell.m), cell.quantity.inverse
    sequence = sampler.sequence
    decided: dict[str, str] = {}
    block = _FIRST_BLOCK
    while not sampler.breaches:
        for test in tests:
            if test.claim not in decided and (verdict := _from_sequence(sequence, test, scale, inverse)) != UNDECIDED:
                decided[test.claim] = verdict
        budget = max((t.max_draws for t in tests if t.claim not in decided), default=0)
        if sampler.values.size >= budget:
            break
        sampler.extend(min(block, budget - sampler.values.size))
        block = min(2 * block, _LARGEST_BLOCK)
    low, high = _quantity_interval(*sequence.interval(), scale, inverse)
    mean = float(sequence.draws.mean())
    estimate = (scale / mean if mean > 0 else np.inf) if inverse else scale * mean
    outcomes = []
    for test in tests:
        verdict, basis, edges = decided.get(test.claim, UNDECIDED), RIGOROUS, (low, high)
        if verdict == UNDECIDED:
            normal = _quantity_interval(*normal_interval(sequence.draws, cell.alpha), scale, inverse)
            if (verdict := _from_interval(test, *normal)) != UNDECIDED:
                basis, edges = ASYMPTOTIC, normal
        outcomes.append(_outcome(cell, test, estimate, *edges, sampler.values.size, verdict, basis))
    return outcomes


def _from_sequence(sequence: ConfidenceSequence, test: Test, scale: float, inverse: bool) -> str:
    """Decide by exclusion of the claimed value itself, which needs no interval."""

    # The slack keeps a value that is equal up to rounding from being excluded by draws that have no spread.
    def exceeds(value: float) -> bool:
        value *= 1 + _SLACK
        return sequence.below(scale / value) if inverse and value > 0 else sequence.above(value / scale)

    def falls_short(value: float) -> bool:
        value *= 1 - _SLACK
        return sequence.above(scale / value) if inverse and value > 0 else sequence.below(value / scale)

    if sequence.draws.size == 0:
        return UNDECIDED
    if test.kind == "upper":
        return SUPPORTED if falls_short(test.value) else REFUTED if exceeds(test.value) else UNDECIDED
    if test.kind == "lower":
        return SUPPORTED if exceeds(test.value) else REFUTED if falls_short(test.value) else UNDECIDED
    margin = test.tolerance if test.kind == "close" else 0.0
    if exceeds(test.value * (1 + margin)) or falls_short(test.value * (1 - margin)):
        return REFUTED
    inside = exceeds(test.value * (1 - test.tolerance)) and falls_short(test.value * (1 + test.tolerance))
    return SUPPORTED if inside else UNDECIDED


def _from_interval(test: Test, low: float, high: float) -> str:
    """Decide by an interval for the quantity."""
    slack = _SLACK * _size(test.value)
    if test.kind == "upper":
        return SUPPORTED if high <= test.value + slack else REFUTED if low > test.value + slack else UNDECIDED
    if test.kind == "lower":
        return SUPPORTED if low >= test.value - slack else REFUTED if high < test.value - slack else UNDECIDED
    margin = test.tolerance * _size(test.value)
    limit = margin if test.kind == "close" else slack
    if low > test.value + limit or high < test.value - limit:
        return REFUTED
    return SUPPORTED if low >= test.value - margin and high <= test.value + margin else UNDECIDED


def _size(value: float) -> float:
    """What relative tolerances are relative to: no tolerance reaches an infinite value."""
    return abs(value) if np.isfinite(value) else 0.0


def _quantity_interval(low: float, high: float, scale: float, inverse: bool) -> tuple[float, float]:
    if not inverse:
        return scale * low, scale * high
    return scale / high if high > 0 else np.inf, scale / low if low > 0 else np.inf


def _by_enclosure(cell: Cell, test: Test, low: float, high: float) -> Outcome:
    return _outcome(cell, test, low + 0.5 * (high - low), low, high, 0, _from_interval(test, low, high), EXACT)


def _by_every_draw(cell: Cell, test: Test, values: FloatArray) -> Outcome:
    low, high = float(values.min()), float(values.max())
    rounding = ROUNDING * _size(test.value)
    if test.kind == "upper":
        holds = high <= test.value + rounding
    elif test.kind == "lower":
        holds = low >= test.value - rounding
    else:
        holds = max(abs(low - test.value), abs(high - test.value)) <= test.tolerance * _size(test.value)
    worst = low if test.kind == "lower" else high
    if test.kind in ("equal", "close") and abs(low - test.value) > abs(high - test.value):
        worst = low
    outcome = _outcome(cell, test, float(values.mean()), low, high, values.size, SUPPORTED if holds else REFUTED, EXACT)
    return replace(outcome, ratio=_ratio(test, worst), note="every draw")


def _outcome(
    cell: Cell, test: Test, estimate: float, low: float, high: float, draws: int, verdict: str, basis: str
) -> Outcome:
    return Outcome(
        claim=test.claim,
        spectrum=cell.spectrum.name,
        n=cell.spectrum.n,
        m=cell.m,
        value=test.value,
        estimate=estimate,
        low=low,
        high=high,
        draws=draws,
        verdict=verdict,
        basis=basis,
        ratio=_ratio(test, _representative(test, estimate, low, high, verdict)),
    )


def _representative(test: Test, estimate: float, low: float, high: float, verdict: str) -> float:
    """The value of the quantity by which a case is ranked."""
    if verdict == REFUTED:
        # A heavy-tailed estimate may exaggerate: a refutation shows what its interval proves.
        if test.kind in ("upper", "lower"):
            return low if test.kind == "upper" else high
        return low if abs(low - test.value) < abs(high - test.value) else high
    # Where no draw came near the event, the interval's edge is what is known.
    return estimate if estimate > 0 else high


def _ratio(test: Test, estimate: float) -> float:
    """Room of the claim: above 1 it holds with room to spare, at 1 it is tight."""
    above, below = (test.value, estimate) if test.kind == "upper" else (estimate, test.value)
    if below == 0:
        return 1.0 if above == 0 else np.inf
    return float(above / below)


def _is_certain(cell: Cell, outcome: Outcome) -> bool:
    return any(t.every_draw and t.claim == outcome.claim for t in cell.tests)


def _distrusted(outcome: Outcome) -> Outcome:
    return replace(outcome, verdict=UNDECIDED, note="a draw broke what the sampler relies on")


def _breached(cell: Cell, breach: Breach, draws: int) -> Outcome:
    return Outcome(
        claim=breach.statement,
        spectrum=cell.spectrum.name,
        n=cell.spectrum.n,
        m=cell.m,
        value=1.0,
        estimate=breach.ratio,
        low=breach.ratio,
        high=breach.ratio,
        draws=draws,
        verdict=REFUTED,
        basis=EXACT,
        ratio=1.0 / breach.ratio,
        note="a draw outside the range that the sampler relies on",
    )


def summarise(claim: Claim, outcomes: list[Outcome], errors: list[str]) -> Verdict:
    """The verdict on a claim from its cells."""
    refuting = [o for o in outcomes if o.verdict == REFUTED]
    # An undecided cell's estimate may be far off: it names the worst case only where nothing is decided.
    pool = refuting or [o for o in outcomes if o.verdict == SUPPORTED] or outcomes
    worst = max(pool, key=lambda o: _distance(claim, o), default=None)
    if refuting:
        return Verdict(
            claim, REFUTED, min((o.basis for o in refuting), key=BASES.index), worst, tuple(outcomes), tuple(errors)
        )
    complete = bool(outcomes) and not errors and all(o.verdict == SUPPORTED for o in outcomes)
    basis = max((o.basis for o in outcomes), key=BASES.index, default=EXACT)
    return Verdict(claim, SUPPORTED if complete else UNDECIDED, basis, worst, tuple(outcomes), tuple(errors))


def _distance(claim: Claim, outcome: Outcome) -> float:
    """How little room an outcome leaves: larger is worse."""
    if claim.kind in ("equal", "close"):
        return abs(np.log(outcome.ratio)) if 0 < outcome.ratio < np.inf else np.inf
    return -outcome.ratio


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The row of a claim in verdicts.json."""
    claim, worst = verdict.claim, verdict.worst
    return {
        "name": claim.name,
        "statement": claim.statement,
        "source": claim.source,
        "status": claim.status,
        "kind": claim.kind,
        "verdict": verdict.verdict,
        "basis": verdict.basis,
        "worst": None
        if worst is None
        else {"spectrum": worst.spectrum, "n": worst.n, "m": worst.m, "ratio": _number(worst.ratio)},
        "errors": list(verdict.errors),
        "cases": [
            {
                "spectrum": o.spectrum,
                "n": o.n,
                "m": o.m,
                "value": _number(o.value),
                "estimate": _number(o.estimate),
                "low": _number(o.low),
                "high": _number(o.high),
                "draws": o.draws,
                "verdict": o.verdict,
                "basis": o.basis,
                "note": o.note,
            }
            for o in verdict.cases
        ],
    }


def _number(value: float) -> float | None:
    """JSON has no infinity and no NaN."""
    return float(value) if np.isfinite(value) else None
