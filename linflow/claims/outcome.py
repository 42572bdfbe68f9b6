"""Outcomes and verdicts: what one case says of a claim, what all of its cases say, and how both are stored.

An outcome is a question (a claim's value at one spectrum and m) and the evidence on it; everything else about it follows. A
verdict is a claim and its outcomes, likewise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from linflow.arrays import NoArray
from linflow.claims.claim import Claim
from linflow.claims.evidence import (
    BASES,
    NOT_REFUTED,
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    Basis,
    Evidence,
    Nothing,
    NoViolation,
    Separated,
    Word,
    from_json,
)
from linflow.claims.relation import RELATIONS, Kind, Relation

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Outcome(NoArray, instead="its value or its evidence"):
    """What one cell says about one claim; one row of `cases` in verdicts.json. Everything but the evidence is the
    question."""

    claim: str
    spectrum: str
    spectrum_key: str
    n: int
    m: int
    kind: Kind
    value: float
    tolerance: float
    every_draw: bool
    evidence: Evidence
    #: A draw against what a sampler relies on; `claim` is then the statement that it breaks.
    breach: bool = False

    @property
    def relation(self) -> Relation:
        """What is claimed of the quantity and the value."""
        return RELATIONS[self.kind]

    @property
    def verdict(self) -> Word:
        """What the evidence says."""
        return self.evidence.verdict(self.relation, self.value, self.tolerance)

    @property
    def basis(self) -> Basis:
        """What it rests on."""
        return self.evidence.basis

    @property
    def draws(self) -> int:
        """Draws behind it."""
        return self.evidence.drawn

    @property
    def low(self) -> float:
        """Lower end of what was shown about the quantity."""
        return self.evidence.low

    @property
    def high(self) -> float:
        """Upper end of what was shown about the quantity."""
        return self.evidence.high

    @property
    def estimate(self) -> float:
        """Where the quantity is thought to be; where nothing says, the end of the interval that strains the claim most."""
        if self.evidence.estimate is not None:
            return self.evidence.estimate
        return self.relation.farthest(self.low, self.high, self.value)

    @property
    def ratio(self) -> float:
        """How much room the claim has, by what ranks its cases: above 1 it holds with room to spare, at 1 it is tight."""
        value, low, high = self.evidence.compared(self.value)
        if self.verdict == REFUTED:
            # A heavy-tailed estimate may exaggerate: a refutation shows what its interval proves.
            return self.relation.ratio(value, self.relation.nearest(low, high, value))
        if isinstance(self.evidence, Separated):
            return self.relation.ratio(value, self.relation.farthest(low, high, value))
        # Where no draw came near the event, the interval's edge is what is known.
        return self.relation.ratio(value, self.estimate if self.estimate > 0 else high)

    @property
    def ratios(self) -> tuple[float, float]:
        """The interval of the ratio that the evidence shows."""
        value, *ends = self.evidence.compared(self.value)
        first, second = sorted(self.relation.ratio(value, end) for end in ends)
        return first, second

    @property
    def deviation(self) -> float:
        """Largest relative distance from the value that the evidence leaves."""
        return self.relation.deviation(self.low, self.high, self.value)

    @property
    def equal_up_to_rounding(self) -> bool:
        """Undecided only because bound and quantity differ by no more than rounding."""
        return self.verdict == UNDECIDED and self.evidence.equal_up_to_rounding(self.relation, self.value)

    @property
    def suspected(self) -> bool:
        """Whether evidence that refutes nothing speaks against the claim."""
        return self.verdict == UNDECIDED and self.evidence.suspicion(self.relation, self.value, self.tolerance)

    @property
    def note(self) -> str:
        """What is to be said beside the verdict, in a few words."""
        if self.equal_up_to_rounding:
            return "equal up to rounding"
        if isinstance(self.evidence, NoViolation):
            return f"violations more likely than {self.evidence.ruled_out:.2g} are ruled out"
        if isinstance(self.evidence, Nothing):
            return self.evidence.why
        if self.verdict == NOT_REFUTED:
            return f"deviation at most {self.deviation:.2g}"
        if self.suspected:
            return "the central limit theorem would refute it"
        return ""

    @property
    def sentence(self) -> str:
        """Verdict, what qualifies it, and what it rests on."""
        words = [word for word in (self.note if self.verdict != SUPPORTED else "", self.evidence.words()) if word]
        return f"{self.verdict} ({'; '.join(dict.fromkeys(words))})"

    def row(self) -> dict[str, Any]:
        """One row of a table: the columns `ROW`."""
        return {name: getattr(self, name) for name in ROW}

    def to_json(self) -> dict[str, Any]:
        """The question and the evidence, as a record that `outcome_from_json` reads back."""
        return {name: getattr(self, name) for name in _QUESTION} | {"evidence": self.evidence.to_json()}


#: Ratios that differ by this much, relatively, may do so by rounding.
_ALIKE = 1e-9
#: Columns of verdicts.csv, and of a DataFrame of verdicts.
ROW = (
    *("claim", "spectrum", "spectrum_key", "n", "m", "value", "estimate", "low", "high"),
    *("draws", "verdict", "basis", "ratio", "note"),
)
_QUESTION = ("claim", "spectrum", "spectrum_key", "n", "m", "kind", "value", "tolerance", "every_draw", "breach")


def outcome_from_json(row: dict[str, Any]) -> Outcome:
    """The inverse of `Outcome.to_json`; raises KeyError, TypeError or ValueError for anything else."""
    return Outcome(**{name: row[name] for name in _QUESTION}, evidence=from_json(row["evidence"]))


@dataclass(frozen=True)
class Verdict(NoArray, instead="its to_dataframe()"):
    """The verdict on one claim over all its cells.

    Parameters
    ----------
    claim : Claim
    cases : what each cell says.
    errors : what went wrong in the claim's own functions, a sentence each.
    """

    claim: Claim
    cases: tuple[Outcome, ...] = field(repr=False)
    errors: tuple[str, ...] = ()

    @cached_property
    def verdict(self) -> Word:
        """ "refuted" if any cell refutes it, "supported" if every cell supports it, "not refuted" if the others could only
        fail to refute it (an equality, a statement about every A), else "undecided"."""
        words = {case.verdict for case in self.cases}
        if REFUTED in words:
            return REFUTED
        if not words or self.errors or UNDECIDED in words:
            return UNDECIDED
        return NOT_REFUTED if NOT_REFUTED in words else SUPPORTED

    @cached_property
    def basis(self) -> Basis:
        """The strongest basis of the cells that refute it; otherwise the weakest of all."""
        if self.verdict == REFUTED:
            return min((case.basis for case in self.cases if case.verdict == REFUTED), key=BASES.index)
        return max((case.basis for case in self.cases), key=BASES.index, default="none")

    @cached_property
    def worst(self) -> Outcome | None:
        """The cell with the least room, by `Outcome.ratio`.

        A refuted claim has its worst among the refuting cells, ranked by the interval's edge nearest the claim; another
        one among those that are decided, if any: an undecided cell's estimate may be far off. Of cells that rounding alone
        tells apart it is the one of the largest n, then m, on every processor.
        """
        refuting = [case for case in self.cases if case.verdict == REFUTED]
        decided = [case for case in self.cases if case.verdict in (SUPPORTED, NOT_REFUTED) or case.equal_up_to_rounding]
        cases = refuting or decided or self.cases
        strains = [self._strain(case) for case in cases]
        if not strains:
            return None
        most = max(strains)
        alike = _ALIKE * (1.0 if cases[0].relation.two_sided else abs(most))
        tight = [case for case, strain in zip(cases, strains, strict=True) if strain == most or strain >= most - alike]
        return max(tight, key=lambda case: (case.n, case.m))

    def to_dataframe(self) -> pd.DataFrame:
        """One row for each cell, with the columns of verdicts.csv."""
        return frame_of(self.cases)

    @property
    def spectra(self) -> int:
        """Number of different spectra it was tried on, by their values."""
        return len({case.spectrum_key for case in self.cases})

    @property
    def equal_up_to_rounding(self) -> bool:
        """Undecided, and only because in some cells bound and quantity differ by no more than rounding."""
        left = [case for case in self.cases if case.verdict == UNDECIDED]
        return bool(left) and self.verdict == UNDECIDED and not self.errors and all(c.equal_up_to_rounding for c in left)

    @property
    def note(self) -> str:
        """What qualifies the verdict, over all cells; empty where nothing does."""
        if self.equal_up_to_rounding:
            cells = sum(case.equal_up_to_rounding for case in self.cases)
            return f"equal up to rounding in {cells} of {len(self.cases)} cases"
        if self.verdict == UNDECIDED:
            cells = sum(case.verdict == UNDECIDED for case in self.cases)
            return f"in {cells} of {len(self.cases)} cases" if cells else ""
        if self.verdict != NOT_REFUTED:
            return ""
        parts = []
        tried = [case.evidence for case in self.cases if isinstance(case.evidence, NoViolation)]
        bounded = [case.deviation for case in self.cases if case.verdict == NOT_REFUTED and case.evidence not in tried]
        if bounded:
            parts.append(f"deviation at most {max(bounded):.2g}")
        if tried:
            draws, searches = sum(e.draws for e in tried), sum(e.searches for e in tried)
            searched = f" and {searches} searches" if searches else ""
            # No violation in all N draws: the mean over the cells of its probability is at most log(1/alpha)/N.
            mean = -float(np.log(min(e.alpha for e in tried))) / max(draws, 1)
            parts.append(f"no violation in {draws} draws{searched}, rules out a mean frequency above {mean:.1g}")
        return "; ".join(parts)

    @property
    def sentence(self) -> str:
        """Verdict, what qualifies it, and its basis."""
        words = [self.note, self.basis if self.cases and not (self.note and self.basis == "no violation") else ""]
        inside = "; ".join(word for word in words if word)
        return f"{self.verdict} ({inside})" if inside else self.verdict

    def _strain(self, case: Outcome) -> float:
        """How little room an outcome leaves: larger is worse."""
        if case.relation.two_sided:
            return abs(np.log(case.ratio)) if 0 < case.ratio < np.inf else np.inf
        return -case.ratio


def frame_of(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """One row for each outcome, with the columns `ROW`; without any the columns are there too."""
    import pandas as pd

    return pd.DataFrame([outcome.row() for outcome in outcomes], columns=list(ROW))


def summarise(claim: Claim, outcomes: Iterable[Outcome], errors: Iterable[str]) -> Verdict:
    """The verdict on a claim from its cells."""
    return Verdict(claim, tuple(outcomes), tuple(errors))


# ------------------------------------------------------------------------------------------------------------------ JSON


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The row of a claim in verdicts.json."""
    claim, worst = verdict.claim, verdict.worst
    row = {
        "name": claim.name,
        "statement": claim.statement,
        "source": claim.source,
        "status": claim.status,
        "kind": claim.kind,
        "verdict": verdict.verdict,
        "basis": verdict.basis,
        "note": verdict.note,
        "worst": None
        if worst is None
        else {
            "spectrum": worst.spectrum,
            "spectrum_key": worst.spectrum_key,
            "n": worst.n,
            "m": worst.m,
            "ratio": worst.ratio,
            "ratio_low": worst.ratios[0],
            "ratio_high": worst.ratios[1],
            "verdict": worst.verdict,
            "basis": worst.basis,
        },
        "errors": list(verdict.errors),
        "cases": [
            {
                "spectrum": case.spectrum,
                "spectrum_key": case.spectrum_key,
                "n": case.n,
                "m": case.m,
                "value": case.value,
                "estimate": case.estimate,
                "low": case.low,
                "high": case.high,
                "draws": case.draws,
                "verdict": case.verdict,
                "basis": case.basis,
                "note": case.note,
                "evidence": case.evidence.to_json(),
            }
            for case in verdict.cases
        ],
    }
    finite: dict[str, Any] = _finite(row)
    return finite


def _finite(value: Any) -> Any:
    """JSON has no infinity and no NaN."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
