"""What a run's decisions cost, by what they rest on: cells, draws, and seconds of one processor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from linflow.claims.evidence import BASES, Basis
from linflow.claims.outcome import Outcome


@dataclass(frozen=True)
class Cost:
    """What the cells cost whose weakest evidence is of one basis.

    Parameters
    ----------
    basis : see :mod:`linflow.claims.evidence`.
    cells : how many.
    draws : behind all of them; claims about one cell share its draws, which count once.
    seconds : of one processor. They differ from run to run, and equal costs may have taken unequal time.
    """

    basis: Basis
    cells: int
    draws: int
    seconds: float = field(compare=False)


def costs(decided: Iterable[tuple[Sequence[Outcome], float]]) -> tuple[Cost, ...]:
    """Of decided cells, each with the seconds that it took: the costs by basis, from the strongest to the weakest.

    >>> costs([])
    ()
    """
    found: dict[Basis, Cost] = {}
    for outcomes, seconds in decided:
        if outcomes:
            basis = max((outcome.basis for outcome in outcomes), key=BASES.index)
            draws = max(outcome.draws for outcome in outcomes)
            so_far = found.get(basis, Cost(basis, 0, 0, 0.0))
            found[basis] = Cost(basis, so_far.cells + 1, so_far.draws + draws, so_far.seconds + seconds)
    return tuple(sorted(found.values(), key=lambda cost: BASES.index(cost.basis)))
