"""`linflow verify` from claims to files: runs it, shows progress, prints the table, writes verdicts and figures."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from functools import partial
from pathlib import Path
from typing import Any

from linflow import __version__, risk
from linflow.claims import (
    Case,
    Claim,
    Outcome,
    Report,
    Verdict,
    case_for,
    catalogue,
    claims_from_file,
    default_cases,
    installed_claims,
    verify_all,
)
from linflow.claims.evidence import NOT_REFUTED, REFUTED, SUPPORTED, UNDECIDED, NoViolation
from linflow.claims.outcome import ROW, as_json
from linflow.claims.quantities import EXPECTED_ERROR
from linflow.engine.choice import choose_engine
from linflow.engine.files import prepare_folder, write_bytes
from linflow.engine.pool import Engine, Lost
from linflow.engine.progress import shown
from linflow.errors import OutputError
from linflow.figures import FigureFormat
from linflow.inputs import Given
from linflow.plotting import error_figure, save, singular_value_figure
from linflow.spectrum import Spectrum
from linflow.tables import Cell, Column, Format, Table, console

#: Side in pixels of images, where no other is asked for.
_SIDE = 16
#: Draws of A behind the mean and its band in the figures.
_FIGURE_TRIALS = 400
_COLOURS = {SUPPORTED: "green", NOT_REFUTED: "green", REFUTED: "red", UNDECIDED: "yellow"}
#: Sentences are printed as they are: brackets in a user's names are no markup.
_PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}
_COLUMNS = (
    Column("claim", left=True),
    Column("statement", "what it says", left=True),
    Column("kind", left=True),
    Column("tried", "tried on", left=True),
    Column("decision", "verdict", left=True),
    Column("tightest", "tightest case: its ratio (basis)", left=True),
)


def run_verify(
    *,
    own: Path | None,
    claims: Path | None,
    out: Path,
    given: Given,
    quick: bool,
    seed: int,
    alpha: float,
    workers: int | None,
    form: Format | None = None,
    figures: FigureFormat = "png",
) -> int:
    """Run `linflow verify`; returns its exit status (0 as expected, 1 not, 2 a claim's own function failed).

    With a `form` the table alone is printed, and every sentence about it goes to standard error.
    """
    place = out.absolute()  # before a user's file is loaded, which may change the working folder
    chosen = claims_from_file(own) if own is not None else [*catalogue(), *installed_claims()]
    if claims is not None:
        chosen += claims_from_file(claims)
    cases = default_cases(quick=quick)
    cases += [case_for(spectrum) for spectrum in given.spectra(size=_SIDE)]
    prepare_folder(place)
    with choose_engine(workers) as engine:
        with shown("deciding claims", unit="cells") as told:
            report = verify_all(
                chosen,
                alpha=alpha,
                seed=seed,
                cases=cases,
                progress=lambda done, total: told(done, total, ""),
                journal=place / "verify.sqlite",
                engine=engine,
            )
        write_bytes(place / "verdicts.json", json.dumps(to_json(report), indent=1, allow_nan=False).encode())
        write_bytes(place / "verdicts.csv", to_csv(report).encode())
        write_bytes(place / "verdicts.md", to_markdown(report).encode())
        asked = asked_on(report)
        with shown("drawing figures", unit="figures") as told:
            for done, _ in enumerate(_figures(report, asked, place / "figures", engine, figures), start=1):
                told(done, len(asked) + 1, "")
    if form is None:
        print_report(report, console())
    else:
        summary(report).put(form)
        print_sentences(report, console(sys.stderr))
    told_on = console() if form is None else console(sys.stderr)
    spending(report).show(told_on)
    told_on.print(f"verdicts.json, verdicts.csv, verdicts.md and figures are in {out}/", **_PLAIN)
    if report.errors:
        first, others = " ".join(report.errors[0].split()), len(report.errors) - 1
        more = f" (and {others} more of the kind, in verdicts.json)" if others else ""
        print(f"linflow: {first}{more}", file=sys.stderr)
        return 2
    return 0 if report.as_expected else 1


def to_json(report: Report) -> dict[str, Any]:
    """The content of verdicts.json."""
    return {
        "alpha": report.alpha,
        "seed": report.seed,
        "max_draws": report.max_draws,
        "version": __version__,
        "draws": [{"basis": cost.basis, "cells": cost.cells, "draws": cost.draws} for cost in report.costs],
        "claims": [as_json(verdict) for verdict in report.verdicts],
    }


def to_csv(report: Report) -> str:
    """One line for each claim, spectrum and m."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(ROW)
    for verdict in report.verdicts:
        writer.writerows(outcome.row().values() for outcome in verdict.cases)
    return text.getvalue()


def to_markdown(report: Report) -> str:
    """The table of the report in Markdown."""
    return summary(report).markdown()


def summary(report: Report) -> Table:
    """One row a claim: for people in words, for programs in numbers too."""
    return Table(_COLUMNS, [_row(verdict) for verdict in report.verdicts])


def spending(report: Report) -> Table:
    """What the decisions rest on, and what they cost: cells, draws, and seconds of one processor.

    The seconds are in no file of verdicts, whose bytes do not depend on how long anything took.
    """
    columns = (Column("basis", left=True), Column("cells"), Column("draws"), Column("seconds", digits=3))
    return Table(columns, [vars(cost) for cost in report.costs], "what the cells rest on, and what they cost")


def _row(verdict: Verdict) -> dict[str, Cell]:
    claim, worst = verdict.claim, verdict.worst
    return {
        "claim": claim.name,
        "statement": claim.statement,
        "kind": claim.kind,
        "status": claim.status,
        "tried": tried(verdict),
        "spectra": verdict.spectra,
        "cases": len(verdict.cases),
        "decision": decision(verdict),
        "verdict": verdict.verdict,
        "basis": verdict.basis,
        "tightest": tightest(verdict),
        "spectrum": None if worst is None else worst.spectrum,
        "n": None if worst is None else worst.n,
        "m": None if worst is None else worst.m,
        "ratio": None if worst is None else worst.ratio,
    }


def print_report(report: Report, console: Any) -> None:
    """The table for people, and one sentence on what it amounts to."""
    from rich import box
    from rich.table import Table as Printed
    from rich.text import Text

    table = Printed(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in _COLUMNS:
        table.add_column(column.label, overflow="fold")
    status = None
    for verdict in report.verdicts:
        if status not in (None, verdict.claim.status):
            table.add_section()
        status = verdict.claim.status
        table.add_row(
            Text(verdict.claim.name, style="bold"),
            Text(verdict.claim.statement),
            verdict.claim.kind,
            tried(verdict),
            Text(decision(verdict), style=_COLOURS[verdict.verdict]),
            Text(tightest(verdict)),
        )
    console.print(table)
    print_sentences(report, console)


def print_sentences(report: Report, console: Any) -> None:
    """How many claims came out how, and where those that should not have been are refuted."""
    console.print(
        f"{totals(report)} (family-wise error {report.alpha:g}, seed {report.seed})", highlight=False, markup=False
    )
    for verdict in report.verdicts:
        if verdict.verdict == REFUTED and verdict.claim.status != "control" and verdict.worst is not None:
            console.print(refutation(verdict.claim, verdict.worst), **_PLAIN)


#: Statuses in the order of the table, and what each is called.
_STATUSES = {"theorem": "theorems", "control": "false controls", "conjecture": "conjectures", "user": "own claims"}


def totals(report: Report) -> str:
    """How many claims of each status came out how.

    >>> totals(Report((), alpha=1e-6, seed=0, max_draws=1))
    'no claims'
    """
    parts = []
    for status, name in _STATUSES.items():
        verdicts = [verdict.verdict for verdict in report.verdicts if verdict.claim.status == status]
        found = [f"{verdicts.count(word)} {word}" for word in _COLOURS if word in verdicts]
        if found:
            parts.append(f"{len(verdicts)} {name}: {', '.join(found)}")
    return "; ".join(parts) or "no claims"


def tried(verdict: Verdict) -> str:
    """On how many spectra, and in how many cases."""
    return f"{verdict.spectra} spectra, {len(verdict.cases)} cases"


def decision(verdict: Verdict) -> str:
    """The verdict, what qualifies it, and its basis."""
    return f"conjecture, {verdict.sentence}" if verdict.claim.status == "conjecture" else verdict.sentence


def tightest(verdict: Verdict) -> str:
    """The case of least room: how much it leaves, as far as that is known, and what that rests on."""
    worst = verdict.worst
    if worst is None:
        return "no case in its domain"
    return f"{worst.spectrum}, n = {worst.n}, m = {worst.m}: {_ratio(worst)} ({worst.evidence.words()})"


def _ratio(outcome: Outcome) -> str:
    """The ratio of a case, with as many digits as its evidence has; of draws, what was seen."""
    if isinstance(outcome.evidence, NoViolation):
        return f"{_digits(outcome.ratio)} seen"
    low, high = (_digits(ratio) for ratio in outcome.ratios)
    return low if low == high else f"{low} .. {high}"


def _digits(ratio: float) -> str:
    return "inf" if math.isinf(ratio) else f"{ratio:.4g}"


def refutation(claim: Claim, worst: Outcome) -> str:
    """The sentence that says where and by how much a claim fails."""
    return (
        f"{claim.name} is refuted at spectrum {worst.spectrum!r}, n = {worst.n}, m = {worst.m}: claimed "
        f"{claim.kind} value {worst.value:.6g}, {claim.quantity.name} lies in [{worst.low:.6g}, {worst.high:.6g}] "
        f"({worst.evidence.words()})"
    )


def asked_on(report: Report) -> list[Case]:
    """The cases of a report whose spectra some claim was asked on."""
    keys = {outcome.spectrum_key for verdict in report.verdicts for outcome in verdict.cases}
    return [case for case in report.cases if case.spectrum.key in keys]


def _figures(report: Report, cases: list[Case], folder: Path, engine: Engine, ending: FigureFormat) -> Any:
    """Draw every figure of these cases; yields once for each."""
    if not cases:
        return
    prepare_folder(folder)
    save(singular_value_figure([case.spectrum for case in cases]), folder / f"spectra.{ending}")
    yield
    about_error = error_outcomes(report)
    names = file_names([case.spectrum for case in cases])
    jobs = [
        (case, [o for o in about_error if o.spectrum_key == case.spectrum.key], folder / f"{name}.{ending}")
        for case, name in zip(cases, names, strict=True)
    ]
    for index, lost in engine.map(partial(_draw_figure, report.seed), jobs):
        if isinstance(lost, Lost):
            raise OutputError(f"the figure {str(jobs[index][2])!r} could not be drawn: {lost.reason}")
        yield


def error_outcomes(report: Report) -> list[Outcome]:
    """What the report knows about E_m itself: the outcomes whose intervals the figures show."""
    return [
        outcome
        for verdict in report.verdicts
        if verdict.claim.quantity == EXPECTED_ERROR and not verdict.claim.every_draw
        for outcome in verdict.cases
    ]


def _draw_figure(seed: int, job: tuple[Case, list[Outcome], Path]) -> None:
    case, outcomes, path = job
    curves = risk.simulate(case.spectrum, trials=_FIGURE_TRIALS, seed=seed, workers=1)
    save(error_figure(case.spectrum, curves, outcomes), path)


def file_names(spectra: list[Spectrum]) -> list[str]:
    """A file name for each spectrum: its name, and where two different ones share it, a digest of its values."""
    plain = [slug(spectrum) for spectrum in spectra]
    sharing: dict[str, set[str]] = {}
    for name, spectrum in zip(plain, spectra, strict=True):
        sharing.setdefault(name, set()).add(spectrum.key)
    return [
        name if len(sharing[name]) == 1 else f"{name}-{spectrum.key[:8]}"
        for name, spectrum in zip(plain, spectra, strict=True)
    ]


def slug(spectrum: Spectrum) -> str:
    """A file name for a spectrum."""
    words = "".join(c if c.isalnum() or c in ".-" else " " for c in spectrum.name.replace("+", "")).split()
    return "-".join([*words, f"n{spectrum.n}"]).lower()
