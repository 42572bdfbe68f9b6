"""Verifying many claims: cells from claims and cases, decided in parallel, journalled so that nothing is done twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from linflow.arrays import NoArray
from linflow.checks import callable_of, instance_of, instances_of, path_of, positive_int, probability, whole_number
from linflow.claims.cases import default_cases
from linflow.claims.claim import Case, Claim
from linflow.claims.cost import Cost, costs
from linflow.claims.evidence import NOT_REFUTED, REFUTED, SUPPORTED
from linflow.claims.outcome import Outcome, Verdict, frame_of, outcome_from_json, summarise
from linflow.claims.quantities import Quantity
from linflow.claims.verdict import Cell, Test, decide
from linflow.engine.choice import choose_engine
from linflow.engine.pool import Engine, Lost
from linflow.engine.sources import send_by_value
from linflow.engine.store import Record, Store
from linflow.engine.users import described
from linflow.errors import ClaimError, InputError, LinflowError
from linflow.identity import code_digest
from linflow.spectrum import Spectrum

if TYPE_CHECKING:
    import pandas as pd

#: Family-wise error of a run, unless told otherwise.
ALPHA = 1e-6
MAX_DRAWS = 10_000
#: A control needs one refuting cell only, and a conjecture none: their cells get this fraction of the budget.
_OTHERS = 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Report(NoArray, instead="its to_dataframe()"):
    """All verdicts of a run, with what is needed to run it again."""

    verdicts: tuple[Verdict, ...]
    alpha: float
    seed: int
    max_draws: int
    cases: tuple[Case, ...] = field(repr=False, default=())
    #: By what the cells rest on; of those from the journal what they took when they were decided.
    costs: tuple[Cost, ...] = field(repr=False, default=())

    @property
    def errors(self) -> list[str]:
        """What went wrong in claims' own functions."""
        return [error for verdict in self.verdicts for error in verdict.errors]

    def to_dataframe(self) -> pd.DataFrame:
        """One row for each claim, spectrum and m, with the columns of verdicts.csv."""
        return frame_of(outcome for verdict in self.verdicts for outcome in verdict.cases)

    @property
    def as_expected(self) -> bool:
        """Every theorem supported or, if that is all that can be shown, not refuted; controls refuted, users' claims not.

        A theorem that is an equality in some cell, up to rounding, is as expected there.
        """
        return all(_as_expected(verdict) for verdict in self.verdicts)


def _as_expected(verdict: Verdict) -> bool:
    if verdict.claim.status == "theorem":
        return verdict.verdict in (SUPPORTED, NOT_REFUTED) or verdict.equal_up_to_rounding
    if verdict.claim.status == "control":
        return verdict.verdict == REFUTED
    return verdict.claim.status != "user" or verdict.verdict != REFUTED


def verify(
    claim: Claim,
    *,
    alpha: float = ALPHA,
    seed: int = 0,
    cases: Sequence[Case] | None = None,
    max_draws: int = MAX_DRAWS,
    workers: int | None = None,
) -> Verdict:
    """Decide one claim.

    Parameters
    ----------
    alpha : family-wise error. The probability that any verdict is wrong is at most alpha / 2; the other half goes to what
        draws rule out where no violation of a statement about every A was found.
    seed : everything random follows from it, for any number of workers.
    cases : spectra and m to try; default: synthetic spectra, and real ones that need no download.
    max_draws : budget of each cell.
    workers : processes; default all cores. A claim's functions are called in this process only. A quantity's class is sent
        as it stands; the modules that it uses are imported anew.

    Returns
    -------
    Verdict : with `verdict` ("supported", "refuted", "not refuted", "undecided"), `basis`, `worst` and every case with its
        evidence.

    Raises
    ------
    ClaimError
        The claim's own functions raise or return no number, or its quantity breaks the contract of quantities.

    Examples
    --------
    >>> from linflow.spectrum import Spectrum
    >>> wrong = Claim(name="wrong", statement="E_m <= 15 tail(m)", kind="upper", value=lambda s, m: 15 * s.tail(m))
    >>> verdict = verify(wrong, cases=[Case(Spectrum.exponential(24, 0.5), (12,))], workers=1)
    >>> verdict.verdict, verdict.basis, verdict.worst.m
    ('refuted', 'exact', 12)
    >>> half = Claim(name="half", statement="E_m <= 1/2 tail(m)", kind="upper", value=lambda s, m: 0.5 * s.tail(m))
    >>> verify(half, cases=[Case(Spectrum.exponential(300, 0.5), (12,))], workers=1).sentence
    'refuted (proved)'
    """
    report = verify_all([claim], alpha=alpha, seed=seed, cases=cases, max_draws=max_draws, workers=workers)
    if report.errors:
        raise ClaimError(report.errors[0])
    return report.verdicts[0]


def verify_all(
    claims: Sequence[Claim],
    *,
    alpha: float = ALPHA,
    seed: int = 0,
    cases: Sequence[Case] | None = None,
    max_draws: int = MAX_DRAWS,
    workers: int | None = None,
    progress: Progress | None = None,
    journal: Path | None = None,
    engine: Engine | None = None,
) -> Report:
    """Decide many claims in one run, with family-wise error `alpha` over all of its cells.

    Parameters are those of `verify`, and

    progress : called with (cells done, cells in all) after each cell.
    journal : file in which each decided cell is kept at once (a :class:`linflow.engine.store.Store`). Runs take from it
        what was decided under the same alpha, by the same code, and what was altered on the disk is decided again.

    Raises
    ------
    InputError
        Two claims of one name, alpha outside (0, 1).
    DataError, OutputError
        The journal is no journal, or is damaged; it cannot be written, or another run writes to it.
    """
    claims = instances_of(claims, Claim, "claims")
    cases = default_cases() if cases is None else instances_of(cases, Case, "cases")
    names = [claim.name for claim in claims]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"two claims are named {twice!r}: names must differ")
    alpha, seed = probability(alpha, "alpha"), whole_number(seed, "seed")
    max_draws = positive_int(max_draws, "max_draws")
    journal = None if journal is None else path_of(journal, "journal")
    if progress is not None:
        callable_of(progress, "progress", "of (cells done, cells in all)")
    engine = choose_engine(workers) if engine is None else instance_of(engine, Engine, "engine")  # type: ignore[type-abstract]
    chosen = tuple(cases)
    cells, errors = _cells(claims, chosen, alpha, seed, max_draws)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
    results: list[list[Outcome]] = [[] for _ in cells]
    seconds = [0.0] * len(cells)
    with Store(journal, {"command": "verify", "code": code_digest()}) as book:
        known = _remembered(book.records())
        pending = []
        for i, cell in enumerate(cells):
            earlier = known.get(cell.key)
            if earlier is None or not cell.answered_by(earlier.outcomes):
                pending.append(i)
            else:
                results[i], seconds[i] = earlier.outcomes, earlier.seconds
        # Long cells first, so that no core idles at the end. Oracles of complex spectra are shared within a worker by
        # cache, hence by spectrum.
        pending.sort(key=lambda i: (-cells[i].spectrum.n, cells[i].spectrum.key, cells[i].quantity_key, cells[i].m))
        done = len(cells) - len(pending)
        if progress:
            progress(done, len(cells))
        sides = (test.side for i in pending for test in cells[i].tests)
        kinds = [*(type(cells[i].quantity) for i in pending), *(type(side) for side in sides if side is not None)]
        send_by_value(*(kind.__module__ for kind in kinds))
        for index, found in engine.map(_attempt, [cells[i] for i in pending], tick=book.check):
            cell = cells[pending[index]]
            if isinstance(found, Lost):
                found = _Found([], f"{_place(cell)}: {found.reason}", 0.0)
            if found.error is None:
                results[pending[index]], seconds[pending[index]] = found.outcomes, found.seconds
                book.add(_recorded(cell, found))
            else:
                for name in dict.fromkeys(test.claim for test in cell.tests):
                    errors.setdefault(name, []).append(f"claim {name!r}: {found.error}")
            done += 1
            if progress:
                progress(done, len(cells))
    breaches: dict[str, list[Outcome]] = {}
    for result in results:
        for outcome in result:
            (breaches if outcome.breach else outcomes).setdefault(outcome.claim, []).append(outcome)
    verdicts = []
    for claim in claims:
        # A breach is of the catalogue's statement, not of a user's claim that has its name.
        broken = breaches.pop(claim.name, []) if claim.status == "theorem" else []
        verdicts.append(summarise(claim, [*outcomes[claim.name], *broken], errors.get(claim.name, [])))
    verdicts += [summarise(_breached_claim(name), broken, []) for name, broken in breaches.items()]
    spent = costs(zip(results, seconds, strict=True))
    return Report(tuple(verdicts), alpha=alpha, seed=seed, max_draws=max_draws, cases=chosen, costs=spent)


def _cells(
    claims: Sequence[Claim], cases: Sequence[Case], alpha: float, seed: int, max_draws: int
) -> tuple[list[Cell], dict[str, list[str]]]:
    """Every cell, in a fixed order; and the errors of claims' own functions, which cost their claim that case only."""
    # Statements about every A share no draws with those about a mean: what goes wrong with the ones spares the others.
    tests: dict[tuple[str, str, int, bool], list[Test]] = {}
    places: dict[tuple[str, str, int, bool], tuple[Quantity, Spectrum, int]] = {}
    errors: dict[str, list[str]] = {}
    keys = _Keys()
    for claim in claims:
        for case in (*cases, *claim.cases):
            for m in case.m:
                try:
                    if not claim.applies(case.spectrum, m):
                        continue
                    value = claim.value_at(case.spectrum, m)
                except ClaimError as error:
                    errors.setdefault(claim.name, []).append(str(error))
                    continue
                if claim.says_nothing(value):
                    continue
                place = (keys.of(claim.quantity), case.spectrum.key, m, claim.every_draw)
                places.setdefault(place, (claim.quantity, case.spectrum, m))
                budget = max_draws if claim.status in ("theorem", "user") else max(1, max_draws // _OTHERS)
                test = Test.of(claim, value, budget)
                if test not in tests.setdefault(place, []):
                    tests[place].append(test)
    # Half of alpha for the confidence sequences, half for what draws rule out about every A.
    share = alpha / (2 * max(len(places), 1))
    cells = [
        Cell(quantity, spectrum, m, tuple(tests[place]), alpha=share, seed=seed, quantity_key=place[0])
        for place, (quantity, spectrum, m) in places.items()
    ]
    return cells, errors


class _Keys:
    """Keys of quantities, each found once: they follow code and data as far as these reach."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[Quantity, str]] = {}

    def of(self, quantity: Quantity) -> str:
        if id(quantity) not in self.known:
            self.known[id(quantity)] = (quantity, quantity.key)
        return self.known[id(quantity)][1]


@dataclass(frozen=True)
class _Found:
    """What became of a cell: outcomes, or the sentence of an error; and the seconds of a processor that it took."""

    outcomes: list[Outcome]
    error: str | None
    seconds: float


def _attempt(cell: Cell) -> _Found:
    start = time.process_time()
    outcomes: list[Outcome] = []
    error = None
    try:
        outcomes = decide(cell)
    except KeyboardInterrupt:
        raise
    except LinflowError as failure:  # a sentence already
        error = str(failure)
    except BaseException as failure:  # a user's quantity may raise anything; the other cells go on
        error = f"{_place(cell)} raised {described(failure)}"
    return _Found(outcomes, error, time.process_time() - start)


def _recorded(cell: Cell, found: _Found) -> Record:
    payload = json.dumps([outcome.to_json() for outcome in found.outcomes]).encode()
    return Record(cell.key, payload, seconds=found.seconds, label=_place(cell))


def _place(cell: Cell) -> str:
    return f"{cell.quantity.name} of {cell.spectrum.name}, m={cell.m}"


def _remembered(records: Mapping[str, Record]) -> dict[str, _Found]:
    known = {}
    for key, record in records.items():
        # What another linflow wrote may have another form: it is decided again.
        with suppress(ValueError, TypeError, KeyError, AttributeError):
            outcomes = [outcome_from_json(outcome) for outcome in json.loads(record.payload or b"")]
            known[key] = _Found(outcomes, None, record.seconds)
    return known


def _breached_claim(name: str) -> Claim:
    from linflow.claims.statements import catalogue

    return next(claim for claim in catalogue() if claim.name == name)
