r"""Verdicts: each claim held against every spectrum and m, by oracles and proved bounds where they exist, else by draws.

A *cell* is one quantity at one (spectrum, m); all claims about it share its draws. What a cell shows about a claim is a
value, its :class:`~linflow.claims.evidence.Evidence`, and the verdict is a function of that alone. A statement about a mean
gets

* an enclosure, where the quantity has an oracle; where it leaves the claim open and both sides come in balls, these;
* for users' own claims, what the ledger proves (never the catalogue's own statement of it);
* a confidence sequence at level alpha / (2 cells), so that the probability of any wrong interval in the whole run is at
  most alpha / 2. Draws stop as soon as every inequality on the cell is decided; an equality gets the whole budget.

A statement about every A is drawn and hunted over A (:mod:`linflow.claims.every`). What a sampler relies on (T8's range,
T4's ratio) is checked on each draw: a draw outside refutes that statement, and leaves the other claims of its cell
undecided, because their sampler can no longer be trusted.
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from linflow.checks import FloatArray
from linflow.claims import contract
from linflow.claims.claim import Claim
from linflow.claims.confidence import ConfidenceSequence, normal_interval
from linflow.claims.every import Tried, evidence_on_every_A
from linflow.claims.evidence import (
    REFUTED,
    ROUNDING,
    SUPPORTED,
    UNDECIDED,
    Asymptotic,
    Confidence,
    Enclosed,
    Evidence,
    Nothing,
    Violation,
    Word,
)
from linflow.claims.outcome import Outcome
from linflow.claims.proved import proved_about
from linflow.claims.quantities import Breach, Draws, Quantity
from linflow.claims.relation import RELATIONS, Answer, Kind, Relation
from linflow.claims.separation import separated
from linflow.claims.sides import Side
from linflow.errors import ClaimError
from linflow.identity import code_digest, content
from linflow.spectrum import Spectrum

#: Draws before the first look.
_FIRST_BLOCK = 32
_NO_COINCIDENCE = 10


@dataclass(frozen=True)
class Test:
    """One claim's value in one cell.

    Parameters
    ----------
    by_proof : whether a bound that the ledger proves may decide it.
    side : what `value` is the float64 number of, where it also comes in balls.
    """

    claim: str
    kind: Kind
    value: float
    tolerance: float
    every_draw: bool
    max_draws: int
    by_proof: bool = False
    side: Side | None = field(default=None, compare=False)

    #: pytest collects classes named Test*; this one is not a test case.
    __test__ = False

    @classmethod
    def of(cls, claim: Claim, value: float, max_draws: int, *, by_proof: bool | None = None) -> Test:
        """What a claim says with this value; by default proofs decide users' own claims alone."""
        if by_proof is None:
            by_proof = claim.status == "user"
        side = claim.value if isinstance(claim.value, Side) else None
        return cls(claim.name, claim.kind, value, claim.tolerance, claim.every_draw, max_draws, by_proof, side)

    @property
    def relation(self) -> Relation:
        """What is claimed of the quantity and the value."""
        return RELATIONS[self.kind]


@dataclass(frozen=True)
class Cell:
    """One quantity at one (spectrum, m) with every claim about it; `decide` is a pure function of this."""

    quantity: Quantity
    spectrum: Spectrum
    m: int
    tests: tuple[Test, ...]
    alpha: float
    seed: int
    #: The quantity's key where the cell was made: in another process it must be the same.
    quantity_key: str = ""

    @property
    def place(self) -> str:
        """Digest of what the random numbers follow from beside the seed: the quantity, the singular values, m."""
        return hashlib.sha256(f"{self.quantity.stream}|{self.spectrum.key}|{self.m}".encode()).hexdigest()

    @property
    def key(self) -> str:
        """Digest of everything that the outcome depends on, code included."""
        spectrum = [self.spectrum.key, self.spectrum.name]
        tests = [vars(test) | {"side": None if test.side is None else content(test.side)} for test in self.tests]
        quantity = self.quantity_key or self.quantity.key
        parts = [code_digest(), quantity, spectrum, self.m, tests, self.alpha, self.seed]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def answered_by(self, outcomes: Iterable[Outcome]) -> bool:
        """Whether stored outcomes answer the questions of this cell, each of them once."""
        asked = {(t.claim, t.kind, t.value, t.tolerance, t.every_draw) for t in self.tests}
        rows = list(outcomes)
        own = [row for row in rows if not row.breach]
        return (
            all((row.spectrum_key, row.n, row.m) == (self.spectrum.key, self.spectrum.n, self.m) for row in rows)
            and len(own) == len(self.tests)
            and {(row.claim, row.kind, row.value, row.tolerance, row.every_draw) for row in own} == asked
        )

    def generator(self, *words: int) -> np.random.Generator:
        """The cell's own random numbers: they follow from the seed and the place, not from the order of work."""
        place = tuple(int(self.place[i : i + 8], 16) for i in range(0, 32, 8))
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(*place, *words)))


# ------------------------------------------------------------------------------------------------------- deciding a cell


def decide(cell: Cell) -> list[Outcome]:
    """Decide every claim of a cell."""
    means = [test for test in cell.tests if not test.every_draw]
    certain = [test for test in cell.tests if test.every_draw]
    shown = _without_draws(cell, means)
    sampled = [test for test in means if test not in shown]
    breaches: list[Breach] = []
    if sampled:
        sampler = _Sampler(cell)
        shown |= _by_sampling(cell, sampled, sampler)
        breaches = sampler.breaches
    shown |= _about_every_A(cell, certain)
    outcomes = [_outcome(cell, test, shown[test]) for test in cell.tests]
    return [*outcomes, *(_breached(cell, breach, sampler.values.size) for breach in breaches)]


def _without_draws(cell: Cell, tests: list[Test]) -> dict[Test, Evidence]:
    """What an oracle or the ledger says; a test that the oracle leaves open for its rounding alone may be proved."""
    shown: dict[Test, Evidence] = {}
    if not tests:
        return shown
    oracle = contract.enclosure_of(cell.quantity, cell.spectrum, cell.m)
    if oracle is not None:
        _hold_against_draws(cell, oracle)
        shown = dict.fromkeys(tests, Enclosed.of(*oracle))
        for test in tests:
            if test.side is not None and _word(test, shown[test]) == UNDECIDED:
                shown[test] = _in_balls(cell, test, test.side, Enclosed.of(*oracle))
    for test in tests:
        if test.by_proof and (oracle is None or (_word(test, shown[test]) == UNDECIDED and not _false(test, *oracle))):
            proved = proved_about(cell.quantity, cell.spectrum, cell.m, every_draw=False)
            if proved is not None and (word := _word(test, proved)) in _DECISIVE:
                shown[test] = proved.deciding(test.relation, word)
    return shown


def _in_balls(cell: Cell, test: Test, side: Side, shown: Enclosed) -> Evidence:
    """What balls say of a test that intervals of float64 numbers leave open, if they say anything."""
    found = separated(cell.quantity, side, cell.spectrum, cell.m, relation=test.relation, value=test.value, shown=shown)
    return shown if found is None else found


def _hold_against_draws(cell: Cell, oracle: tuple[float, float]) -> None:
    """An oracle that is not linflow's own is believed unless the quantity's own draws contradict it.

    Raises
    ------
    ClaimError
        They do. Its chance for a sound quantity is that of the confidence sequence which the cell does not need now.
    """
    owner = next(kind for kind in type(cell.quantity).__mro__ if "enclosure" in vars(kind))
    if owner.__module__.startswith("linflow."):
        return
    sampler = _Sampler(cell)
    try:
        sampler.extend(_FIRST_BLOCK)
        scale = contract.scale_of(cell.quantity, cell.spectrum, cell.m)
    except ClaimError:  # where an oracle answers, draws are not needed, and those that fail contradict nothing
        return
    drawn = of_quantity(*sampler.sequence.interval(), scale, cell.quantity.inverse)
    contract.hold_against_draws(cell.quantity, cell.spectrum, cell.m, oracle, drawn)


def _about_every_A(cell: Cell, tests: list[Test]) -> dict[Test, Evidence]:
    shown: dict[Test, Evidence] = {}
    tried: Tried | None = None
    for test in tests:
        if test.by_proof:
            proved = proved_about(cell.quantity, cell.spectrum, cell.m, every_draw=True)
            if proved is not None and _word(test, proved) == SUPPORTED:
                shown[test] = proved.deciding(test.relation, SUPPORTED)
                continue
        if tried is None:
            tried = Tried.of(cell.quantity, cell.spectrum, cell.m, cell.generator(0))
        # A search knows its claim by name, so that what it finds does not depend on the other claims of the run.
        rng = cell.generator(1, zlib.crc32(test.claim.encode()))
        shown[test] = evidence_on_every_A(tried, test.relation, test.value, test.tolerance, alpha=cell.alpha, rng=rng)
    return shown


class _Sampler:
    """Draws of a cell so far, grown in blocks."""

    def __init__(self, cell: Cell) -> None:
        self.cell, self.rng = cell, cell.generator()
        self.sequence = ConfidenceSequence(cell.alpha)
        self.values: FloatArray = np.empty(0)
        self.breaches: list[Breach] = []

    def extend(self, size: int) -> None:
        """Draw `size` more.

        Raises
        ------
        ClaimError
            The quantity draws the same numbers again, or one of them contradicts what a sampler that is not linflow's own
            says that it relies on.
        """
        # Batches of about 32 MB, so that large n does not fill the memory.
        largest = max(1, 4_000_000 // max(self.cell.m * self.cell.spectrum.n, 1))
        while size > 0:
            block = min(size, largest)
            drawn = contract.draws_of(self.cell.quantity, self.cell.spectrum, self.cell.m, block, self.rng)
            self._hold(drawn)
            self.sequence.add(drawn.weights)
            self.values = np.concatenate([self.values, drawn.values])
            self.breaches += drawn.breaches
            size -= block

    def _hold(self, drawn: Draws) -> None:
        quantity, before = self.cell.quantity, self.sequence.draws
        same = min(before.size, drawn.weights.size)
        # Ten different numbers in the same order are no coincidence.
        if np.array_equal(before[:same], drawn.weights[:same]) and np.unique(before[:same]).size >= _NO_COINCIDENCE:
            raise ClaimError(
                f"quantity {quantity.name!r} breaks its contract: its draws repeat themselves, so they do not come from "
                "the generator that it is given"
            )
        if drawn.breaches and not type(quantity).__module__.startswith("linflow.claims."):
            breach = drawn.breaches[0]
            raise ClaimError(
                f"quantity {quantity.name!r} draws numbers that contradict {breach.statement} by a factor "
                f"{breach.ratio:g}, on which its sampler relies: nothing can be decided on it"
            )


def _by_sampling(cell: Cell, tests: list[Test], sampler: _Sampler) -> dict[Test, Evidence]:
    scale, inverse = contract.scale_of(cell.quantity, cell.spectrum, cell.m), cell.quantity.inverse
    excluded = dict.fromkeys(tests, (-np.inf, np.inf))
    open_tests = list(tests)
    while not sampler.breaches:
        if sampler.values.size:
            for test in open_tests:
                excluded[test] = _excluded(sampler.sequence, test, scale, inverse)
            open_tests = [test for test in open_tests if _word(test, _interval(cell, *excluded[test])) not in _DECISIVE]
        budget = max((test.max_draws for test in open_tests), default=0)
        if sampler.values.size >= budget:
            break
        # Looks soon after one another save draws; where nothing but a refutation can end them there are few.
        patient = not any(test.relation.shown_by_intervals for test in open_tests)
        further = sampler.values.size // (1 if patient else 4)
        sampler.extend(min(max(_FIRST_BLOCK, further), budget - sampler.values.size))
    size = sampler.values.size
    if sampler.breaches:
        nothing = Nothing(low=-np.inf, high=np.inf, why="a draw broke what the sampler relies on", draws=size)
        return dict.fromkeys(tests, nothing)
    low, high = of_quantity(*sampler.sequence.interval(), scale, inverse)
    mean = float(sampler.sequence.draws.mean())
    estimate = (scale / mean if mean > 0 else np.inf) if inverse else scale * mean
    shown: dict[Test, Evidence] = {}
    for test in tests:
        # What was excluded once is excluded for good, to the last digit; the interval's own ends are rounded outwards.
        least, most = max(low, excluded[test][0]), min(high, excluded[test][1])
        if not least <= most < np.inf:
            if not least < np.inf:
                why = "the quantity lies beyond float64"
                shown[test] = Nothing(low=0.0, high=np.inf, why=why, draws=size)
                continue
            most = max(least, most)
        shown[test] = Confidence(low=least, high=most, estimate=estimate, alpha=cell.alpha, draws=size)
        if _word(test, shown[test]) == UNDECIDED and not test.relation.two_sided:
            normal = of_quantity(*normal_interval(sampler.sequence.draws, cell.alpha), scale, inverse)
            suspected = Asymptotic(low=normal[0], high=normal[1], estimate=estimate, alpha=cell.alpha, draws=size)
            if suspected.suspicion(test.relation, test.value, test.tolerance):
                shown[test] = suspected
    return shown


_DECISIVE = (SUPPORTED, REFUTED)
_LARGEST = float(np.finfo(np.float64).max)


def _interval(cell: Cell, low: float, high: float) -> Confidence:
    return Confidence(low=low, high=high, alpha=cell.alpha, draws=0)


def _excluded(sequence: ConfidenceSequence, test: Test, scale: float, inverse: bool) -> tuple[float, float]:
    """Between which of the values that decide the claim the sequence places the quantity; no interval is needed."""
    low, high = 0.0, np.inf  # no weight is negative, and no scale
    values = sorted(test.relation.thresholds(test.value, test.tolerance, ROUNDING))
    # In pairs, on both sides of where the answer changes. To lie above one, or below it, is to lie beyond both.
    for below, above in zip(values[::2], values[1::2], strict=True):
        if sequence.below(scale / above) if inverse and above > 0 else sequence.above(above / scale):
            low = max(low, above)
        elif sequence.above(scale / below) if inverse and below > 0 else sequence.below(below / scale):
            high = min(high, below, _LARGEST)
    return low, high


def of_quantity(low: float, high: float, scale: float, inverse: bool) -> tuple[float, float]:
    """An interval for the quantity from one for the mean weight, rounded outwards."""
    if inverse:
        low, high = scale / high if high > 0 else np.inf, scale / low if low > 0 else np.inf
    else:
        low, high = scale * low, scale * high
    return max(0.0, math.nextafter(low, -math.inf)) if low < np.inf else low, math.nextafter(high, math.inf)


def _false(test: Test, low: float, high: float) -> bool:
    """Whether the oracle shows the claim false, be it by rounding alone: no float64 bound proves it then."""
    return test.relation.answer(low, high, test.value, tolerance=test.tolerance, forgiven=0.0) is Answer.FAILS


def _word(test: Test, evidence: Evidence) -> Word:
    return evidence.verdict(test.relation, test.value, test.tolerance)


def _outcome(cell: Cell, test: Test, evidence: Evidence) -> Outcome:
    spectrum = cell.spectrum
    return Outcome(
        claim=test.claim,
        spectrum=spectrum.name,
        spectrum_key=spectrum.key,
        n=spectrum.n,
        m=cell.m,
        kind=test.kind,
        value=test.value,
        tolerance=test.tolerance,
        every_draw=test.every_draw,
        evidence=evidence,
    )


def _breached(cell: Cell, breach: Breach, draws: int) -> Outcome:
    """A draw outside the range that the sampler relies on: it refutes that statement."""
    ratio = breach.ratio
    test = Test(breach.statement, "upper", 1.0, 1.0, every_draw=True, max_draws=0)
    shown = Violation(low=ratio, high=ratio, estimate=ratio, A=None, enclosed=False, draws=draws)
    return replace(_outcome(cell, test, shown), breach=True)
