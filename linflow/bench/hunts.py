"""Hunts: readings of a claim a second, where it is computed exactly and where it is sampled."""

from __future__ import annotations

from collections.abc import Iterator

from linflow.bench.contest import Reading, spread
from linflow.bench.effort import Effort
from linflow.claims import Claim, catalogue, hunt
from linflow.claims.hunt import Hunt

#: A claim about an exact value at small n, and one about a norm that no formula gives.
_CLAIMS = {"read exactly": "T1-upper", "sampled": "T5"}
_MAX_N = 16


def readings(effort: Effort) -> Iterator[Reading]:
    """One row a claim, with one worker; seeds are the rounds."""
    known = {claim.name: claim for claim in catalogue()}
    rounds, seeds = effort.pick(quick=(1, 2), usual=(2, 3), long=(8, 5))
    for what, name in _CLAIMS.items():
        if name not in known:
            yield Reading("hunts", what, unit="readings/s", note=f"the catalogue has no claim {name!r}")
            continue
        with effort.limited():
            rates = [_rate(known[name], rounds, seed, effort) for seed in range(seeds)]
        middle, low, high = spread(rates)
        yield Reading(
            row="hunts",
            size=f"{name}, {what}, n <= {_MAX_N}",
            unit="readings/s",
            ours=middle,
            ours_low=low,
            ours_high=high,
            rounds=seeds,
            note="one worker",
        )


def _rate(claim: Claim, rounds: int, seed: int, effort: Effort) -> float:
    start = effort.now()
    found: Hunt = hunt(claim, seed=seed, rounds=rounds, max_n=_MAX_N, workers=1)
    return found.evaluations / (effort.now() - start)
