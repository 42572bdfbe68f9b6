"""`linflow hunt` from a claim's name to files: runs it, shows progress, prints the tightest case, writes it as JSON."""

from __future__ import annotations

import difflib
import json
import math
import sys
import textwrap
from pathlib import Path
from typing import Any

from linflow.claims import Claim, Hunt, Tightest, catalogue, claims_from_file, hunt, installed_claims
from linflow.claims.hunt import MAX_N, MINUTES
from linflow.engine.files import prepare_folder, write_bytes
from linflow.engine.progress import shown
from linflow.errors import InputError
from linflow.inputs import Given
from linflow.tables import Column, Format, Table

_WIDTH = 110
#: Side in pixels of images, where no other is asked for: n = 36 is within the default of --max-n.
_SIDE = 6
_COLUMNS = (
    Column("case", left=True),
    Column("n", latex="$n$"),
    Column("m", latex="$m$"),
    Column("ratio", digits=6),
    Column("low", digits=6),
    Column("high", digits=6),
    Column("basis", left=True),
    Column("verdict", left=True),
    Column("shape", left=True),
    Column("best_rank", "T2's best k", latex="T2's best $k$"),
    Column("spread", "distance from flat"),
    Column("round"),
)
_OUTCOMES = {
    "refuted": "refuted",
    "suspected": "suspected to be false, by the central limit theorem: look closer",
    "not refuted": "not refuted (a hunt proves nothing)",
}


def run_hunt(
    name: str,
    *,
    claims: Path | None,
    out: Path,
    seed: int,
    minutes: float | None,
    rounds: int | None,
    max_n: int | None,
    workers: int | None,
    given: Given,
    form: Format | None = None,
) -> int:
    """Run `linflow hunt`; returns its exit status: 0 if a control is refuted or anything else is not, 1 otherwise."""
    place = out.absolute()  # before a user's file is loaded, which may change the working folder
    claim = claim_named(name, claims)
    minutes = MINUTES if minutes is None and rounds is None else minutes
    starts = given.spectra(size=_SIDE)
    prepare_folder(place)
    file = place / f"hunt-{''.join(c if c.isalnum() or c in '.-_' else '-' for c in name)}.json"
    with shown(f"hunting {name}") as told:

        def progress(done: int, seconds: float, smallest: float | None) -> None:
            # Whichever budget ends first.
            share = max(done / rounds if rounds else 0.0, seconds / (60 * minutes) if minutes else 0.0)
            ratio = "" if smallest is None else f", smallest ratio {smallest:.6g}"
            told(min(share, 1.0), 1.0, f"{done} rounds{ratio}")

        found = hunt(
            claim,
            seed=seed,
            rounds=rounds,
            minutes=minutes,
            max_n=MAX_N if max_n is None else max_n,
            starts=starts,
            workers=workers,
            journal=file.with_suffix(".sqlite"),
            progress=progress,
        )
    text = json.dumps(found.to_json(), indent=1, allow_nan=False)
    write_bytes(file, text.encode())
    if form == "json":
        print(text)
        return 0 if found.as_expected else 1
    stream = sys.stdout if form is None else sys.stderr
    if form is not None:
        table(found).put(form)
    print("\n".join(lines(found)), file=stream)
    print(f"again: linflow hunt {name}{options(found, claims)}{''.join(f' {word}' for word in given.words())}", file=stream)
    kept = f"{file.name} (this result) and {file.stem}.sqlite (every round; a longer hunt continues it)"
    print(f"{kept} are in {out}/", file=stream)
    return 0 if found.as_expected else 1


def claim_named(name: str, claims: Path | None) -> Claim:
    """The claim of that name, the user's own first; InputError with the nearest names if there is none."""
    known = [*(claims_from_file(claims) if claims is not None else []), *catalogue(), *installed_claims()]
    for claim in known:
        if claim.name == name:
            return claim
    names = list(dict.fromkeys(claim.name for claim in known))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known are {', '.join(names)}"
    raise InputError(f"there is no claim {name!r}: {hint}")


def table(found: Hunt) -> Table:
    """The cases that a hunt reports."""
    rows = [row | {"singular_values": " ".join(map(repr, row["singular_values"]))} for row in found.rows()]
    return Table(_COLUMNS, rows, f"{found.claim}: {_OUTCOMES[found.outcome]}")


def lines(found: Hunt) -> list[str]:
    """The report for people."""
    kind = "" if found.status == "user" else f" ({found.status})"
    text = [f"{found.claim}{kind}: {found.statement}", f"{_OUTCOMES[found.outcome]}, error at most {found.alpha:g}"]
    case = found.worst
    if case is None:
        text.append(
            "nothing to rank: the claim said nothing where it was tried, or is about an event that no draw came near"
        )
    elif found.tight_when_flat:
        text.append("an equality on flat spectra: searched for the least room over its squared distance from flat")
        text += _case("tightest, so measured", case, found.kind)
        if found.away_from_flat is not None:
            text += _case("tightest away from flat (distance 1 or more)", found.away_from_flat, found.kind)
    else:
        text += _case("tightest", case, found.kind)
    if found.lost:
        text.append(
            f"rounds {', '.join(map(str, found.lost))} killed every worker that played them (out of memory?): not searched"
        )
    smallest = "" if found.smallest_ratio is None else f", smallest ratio {_number(found.smallest_ratio)}"
    text.append(
        f"{found.evaluations} evaluations{smallest}, in {found.rounds} rounds and {found.seconds:.0f} s, over spectra of "
        f"2..{found.max_n} values within {found.decades} decades"
    )
    return text


def _case(title: str, case: Tightest, kind: str) -> list[str]:
    interval = f"in {_number(case.low)} .. {_number(case.high)}, {case.basis}"
    rank = f", T2's best k = {case.best_rank}" if case.m >= 2 else ""
    distance = f", distance {case.spread:.2g} from flat" if case.spread else ""
    values = textwrap.fill(" ".join(f"{value:.6g}" for value in case.singular_values), _WIDTH)
    return [
        f"{title}: ratio {_number(case.ratio)} ({interval}; {case.verdict} here)",
        f"  n = {case.n}, m = {case.m}{rank}{distance}; {case.shape}; found in round {case.round}",
        textwrap.indent(values, "  "),
    ]


def _number(value: float) -> str:
    """A ratio; close to 1 by what it differs from 1."""
    if math.isfinite(value) and value != 1 and abs(value - 1) < 1e-4:
        return f"1 {'+' if value > 1 else '-'} {abs(value - 1):.2g}"
    return f"{value:.6g}"


def options(found: Hunt, claims: Path | None) -> str:
    """The options that give this hunt's tightest case again, without its clock."""
    cases = [case for case in (found.worst, found.away_from_flat) if case is not None]
    chosen: list[tuple[str, Any]] = [
        ("seed", found.seed),
        ("rounds", max((case.round + 1 for case in cases), default=found.rounds)),
    ]
    if found.max_n != MAX_N:
        chosen.append(("max-n", found.max_n))
    if claims is not None:
        chosen.append(("claims", claims))
    return "".join(f" --{key} {value}" for key, value in chosen)
