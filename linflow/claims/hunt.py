r"""The hunt: a search over spectra and m for the case in which a claim has the least room, or none.

Rounds (:mod:`linflow.claims.rounds`) are numbered, and round r is a pure function of the claim, the seed, r, and the best
candidates of the rounds up to r - LAG. So the result after N rounds is the same for any number of workers, and a hunt that
was killed continues from its journal and plays no round twice. The first round (by number) whose find is refuted for
certain ends the hunt.

What counts as refuted: a verdict of :func:`linflow.claims.verify` on the one case, from draws that had no part in finding
it, by an enclosure, one A in ball arithmetic, or a confidence sequence. Round r has the error ``alpha / (2 (r+1) (r+2))``,
the verdicts at the end a quarter of alpha each: with probability at least 1 - alpha no true claim is ever refuted, however
long the hunt. A claim that survives is not proved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linflow import __version__
from linflow.arrays import NoArray
from linflow.checks import callable_of, instance_of, instances_of, path_of, positive_int, probability, until, whole_number
from linflow.claims.candidates import DECADES, Candidate, shape
from linflow.claims.claim import Claim
from linflow.claims.landscape import Terrain
from linflow.claims.outcome import Outcome
from linflow.claims.rounds import FINAL, Find, Plan, Round, is_certain, judge
from linflow.claims.run import ALPHA
from linflow.claims.schedule import Journal, rounds_in_order
from linflow.errors import InputError
from linflow.risk.bounds import best_rank
from linflow.spectrum import Spectrum

if TYPE_CHECKING:
    import pandas as pd

MINUTES = 1.0
MAX_N = 48

#: Called with (rounds finished, seconds, the smallest ratio so far or None).
Progress = Callable[[int, float, float | None], None]


@dataclass(frozen=True)
class Tightest(NoArray, instead="its singular_values"):
    """One case and what a fresh verdict says about it.

    Parameters
    ----------
    singular_values : (n,) descending, [x]; `shape` says in one line what they look like.
    ratio : how many times a bound exceeds the quantity ("upper") or the quantity a bound ("lower"); below 1 it is violated.
        For "equal" and "close", quantity over value.
    low, high : interval for the ratio that the verdict's evidence shows, on its basis.
    verdict : "supported", "refuted", "not refuted" or "undecided", at this case alone.
    spread : distance from a flat spectrum, for claims that are tight on those: see :mod:`linflow.claims.landscape`.
    best_rank : the k that makes T2's bound smallest here.
    round : the round that found it.
    """

    n: int
    m: int
    ratio: float
    low: float
    high: float
    basis: str
    verdict: str
    shape: str
    best_rank: int
    spread: float
    round: int
    singular_values: tuple[float, ...] = field(repr=False)


@dataclass(frozen=True)
class Hunt(NoArray, instead="its worst.singular_values"):
    """The result of a hunt.

    Parameters
    ----------
    outcome : "refuted" (for certain up to alpha), "suspected" (the central limit theorem says so), or "not refuted"; a hunt
        proves nothing.
    worst : the case of least room that was found; None if the claim said nothing where it was tried, or if it is about the
        probability of an event that no draw came near.
    tight_when_flat : whether the claim is an equality on flat spectra. Then `worst` is the case of least room relative
        to its squared distance from flat, and `away_from_flat` the one of least room at a distance of 1 or more.
    smallest_ratio : over all evaluations, as far as the draws behind them are to be trusted.
    rounds, evaluations, seconds : how long it searched; `seconds` sums up the time over continued runs.
    lost : numbers of the rounds that killed every worker that played them (out of memory, say): nothing is known of these.
    """

    claim: str
    statement: str
    kind: str
    status: str
    outcome: str
    worst: Tightest | None
    tight_when_flat: bool
    away_from_flat: Tightest | None
    smallest_ratio: float | None
    rounds: int
    evaluations: int
    seed: int
    alpha: float
    max_n: int
    decades: int
    version: str
    lost: tuple[int, ...]
    seconds: float = field(compare=False)

    @property
    def as_expected(self) -> bool:
        """A control refuted, anything else not, and no round lost."""
        return not self.lost and (self.outcome == "refuted") == (self.status == "control")

    def rows(self) -> list[dict[str, Any]]:
        """The cases that it reports, at most two: the tightest, and the tightest away from flat."""
        cases = {"tightest": self.worst, "away from flat": self.away_from_flat}
        return [{"case": name, **vars(case)} for name, case in cases.items() if case is not None]

    def to_dataframe(self) -> pd.DataFrame:
        """One row for each case that it reports: "case", which it is, and the fields of `Tightest`."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=["case", *(part.name for part in fields(Tightest))])

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` prints; infinite numbers are null."""
        return {key: _plain(value) for key, value in asdict(self).items()}


def hunt(
    claim: Claim,
    *,
    seed: int = 0,
    rounds: int | None = None,
    minutes: float | None = None,
    max_n: int = MAX_N,
    alpha: float = ALPHA,
    starts: Sequence[Spectrum] = (),
    workers: int | None = None,
    journal: Path | None = None,
    progress: Progress | None = None,
) -> Hunt:
    """Search for a counterexample to a claim, over spectra with ``2 <= n <= max_n`` spanning 12 decades, and over m.

    Parameters
    ----------
    seed : every random number follows from it, for any number of workers.
    rounds : play so many rounds, from 0 on.
    minutes : start no further round after so much time (those that run are finished); default 1 unless `rounds` is given.
        With both, whichever comes first.
    max_n : largest dimension tried.
    alpha : probability that a true claim is called refuted.
    starts : spectra of the user's, which every round reads at some m and searches around, beside its own.
        Each has 2..`max_n` singular values within 12 decades.
    workers : processes; default all cores. At most 16 rounds run at a time.
    journal : file to which each finished round is appended at once. A hunt with the same claim, seed, `max_n` and `alpha`
        takes them from there; they count for `rounds` and (with their time) for `minutes`. It is kept, so that a longer
        hunt continues a shorter one.

    Raises
    ------
    InputError
        Numbers out of range, or a claim whose domain holds none of 400 random spectra.
    ClaimError
        The claim's own functions raise or return no number.
    OutputError
        The journal cannot be written.

    Examples
    --------
    >>> wrong = Claim(name="wrong", statement="E_m <= tail(m)", kind="upper", value=lambda spectrum, m: spectrum.tail(m),
    ...               holds_for=lambda spectrum, m: 0 < m < spectrum.n)
    >>> found = hunt(wrong, rounds=1, max_n=4, workers=1)
    >>> found.outcome, found.worst.ratio < 1
    ('refuted', True)
    """
    plan = _plan(claim, seed, max_n, alpha, starts)
    journal = None if journal is None else path_of(journal, "journal")
    if progress is not None:
        callable_of(progress, "progress", "of (rounds, seconds, smallest ratio)")
    most = math.inf if rounds is None else positive_int(rounds, "rounds")
    limit = MINUTES if rounds is None else math.inf
    if minutes is not None:
        limit = until(minutes, "minutes")
    if limit == 0:
        raise InputError("minutes must be positive, got 0")
    played: list[Round] = []
    smallest: float | None = None
    with Journal(journal, plan.key) as book:
        for found in rounds_in_order(plan, book, workers, most=most, seconds=60 * limit):
            played.append(found)
            if found.lowest is not None:
                smallest = min(math.exp(found.lowest), math.inf if smallest is None else smallest)
            if progress:
                progress(len(played), book.seconds, smallest)
            if found.refuted:
                break
        return _result(plan, played, book)


def _plan(claim: Claim, seed: int, max_n: int, alpha: float, starts: Sequence[Spectrum]) -> Plan:
    instance_of(claim, Claim, "claim")
    seed, max_n, alpha = whole_number(seed, "seed"), positive_int(max_n, "max_n"), probability(alpha, "alpha")
    if max_n < 2:
        raise InputError("max_n must be at least 2: with n = 1 there is nothing to search")
    own = tuple(_start(spectrum, max_n) for spectrum in instances_of(starts, Spectrum, "starts"))
    return Plan(Terrain.explore(claim, max_n), seed, max_n, alpha, own)


def _start(spectrum: Spectrum, max_n: int) -> Candidate:
    if not 2 <= spectrum.n <= max_n:
        raise InputError(
            f"a hunt from {spectrum.name!r} needs 2..max_n = 2..{max_n} singular values, and it has {spectrum.n}: give "
            "max_n (--max-n)"
        )
    if spectrum.condition > 10.0**DECADES:
        spans = f"{math.log10(spectrum.condition):.3g}"
        raise InputError(f"a hunt goes through spectra within {DECADES} decades, and {spectrum.name!r} spans {spans}")
    return Candidate(tuple(spectrum.singular_values.tolist()), 1)


# ------------------------------------------------------------------------------------------------ the result


def _result(plan: Plan, played: Sequence[Round], book: Journal) -> Hunt:
    claim = plan.terrain.claim
    worst = away = None
    outcomes = [r.verdict for r in played if r.verdict is not None]
    if played and played[-1].refuted:
        worst = _tightest(claim, played[-1].number, played[-1].best, played[-1].verdict)
    else:
        # Not by chance the least: each find of a round was read again with fresh draws.
        best = min(((r.best.score, r.number, r.best) for r in played if r.best), default=None)
        distant = min(((r.away.cautious, r.number, r.away) for r in played if r.away), default=None)
        if best is not None:
            outcomes.append(judge(plan, best[2].candidate, plan.alpha / 4, plan.words(0, FINAL)))
            worst = _tightest(claim, *best[1:], outcomes[-1])
        if distant is not None:
            outcomes.append(judge(plan, distant[2].candidate, plan.alpha / 4, plan.words(1, FINAL)))
            away = _tightest(claim, *distant[1:], outcomes[-1])
            if is_certain(outcomes[-1]):
                worst = away
    refuted = any(is_certain(o) for o in outcomes)
    suspected = any(o.suspected for o in outcomes)
    lowest = [r.lowest for r in played if r.lowest is not None]
    return Hunt(
        claim=claim.name,
        statement=claim.statement,
        kind=claim.kind,
        status=claim.status,
        outcome="refuted" if refuted else "suspected" if suspected else "not refuted",
        worst=worst,
        tight_when_flat=plan.terrain.tight_when_flat,
        away_from_flat=away,
        smallest_ratio=math.exp(min(lowest)) if lowest else None,
        rounds=len(played),
        evaluations=sum(r.evaluations for r in played),
        seed=plan.seed,
        alpha=plan.alpha,
        max_n=plan.max_n,
        decades=DECADES,
        version=__version__,
        lost=tuple(r.number for r in played if r.lost is not None),
        seconds=book.seconds,
    )


def _tightest(claim: Claim, number: int, find: Find | None, outcome: Outcome | None) -> Tightest | None:
    if find is None or outcome is None:
        return None
    low, high = outcome.ratios
    return Tightest(
        n=len(find.sigma),
        m=find.m,
        ratio=outcome.ratio,
        low=low,
        high=high,
        basis=outcome.basis,
        verdict=outcome.verdict,
        shape=shape(find.sigma),
        best_rank=int(best_rank(find.candidate.spectrum, find.m)),
        spread=find.spread,
        round=number,
        singular_values=find.sigma,
    )


def _plain(value: Any) -> Any:
    """JSON has no infinity."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
