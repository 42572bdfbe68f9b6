"""The command line: parse, call, print. Every error that a user can cause is one sentence and exit status 2."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from linflow import __version__
from linflow.engine.stopping import PIPE, flushed, open_streams, quiet_exit, say, sentence_and_status, stoppable
from linflow.errors import InputError
from linflow.figures import FigureFormat
from linflow.inputs import Given
from linflow.options import takes_images, takes_spectra
from linflow.tables import Column, Format, Table

#: Commands that keep what they have finished.
_RESUMABLE = ("verify", "hunt", "run", "train")


class _Commands(TyperGroup):
    """Every command behind one wall: whatever comes out of it is a sentence and an exit status, never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; exit status 1 is its own to give, for what was refuted or failed."""
        with stoppable():
            try:
                return super().invoke(ctx)
            except BaseException as error:
                if type(error).__module__.partition(".")[0] in ("typer", "click") or "LINFLOW_TRACEBACK" in os.environ:
                    raise
                raise typer.Exit(_ended(error, resumes=ctx.invoked_subcommand in _RESUMABLE)) from None


app = typer.Typer(
    name="linflow",
    cls=_Commands,
    help="Theory verification and simulation for invertible generative models in inverse problems.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed that every random number follows from.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes; default all cores.")]
Form = Annotated[Format | None, typer.Option("--format", help="Print the table in this form, and nothing else.")]
Figures = Annotated[FigureFormat, typer.Option(help="How figures are written: pixels, or one of two vector formats.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: --format json.")]
Out = Annotated[Path, typer.Option(help="Folder for the results; created if it does not exist.")]


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    open_streams()
    try:
        try:
            app(args=arguments, standalone_mode=True)
        finally:
            # Here, where a full disk or a reader that went away is one sentence, and not after the end of the program.
            if (failure := flushed()) is not None:
                raise failure
    except OSError as error:  # of --help too, which is no command
        sys.exit(_ended(error, resumes=False))


def _ended(error: BaseException, *, resumes: bool) -> int:
    """Say what ended the command, and give its exit status."""
    said, status = sentence_and_status(error, resumes=resumes)
    if status == PIPE:
        quiet_exit()
    elif said:
        say(said)
    return status


def _form(as_json: bool, form: Format | None) -> Format | None:
    if as_json and form not in (None, "json"):
        raise InputError(f"--json is --format json, and --format {form} is given too: choose one of them")
    return "json" if as_json else form


def run_file(file: str) -> None:
    """``python -m simulations.NAME OPTIONS`` as ``linflow run FILE OPTIONS``."""
    main(["run", file, *sys.argv[1:]])


def _version(show: bool) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
@takes_spectra
def verify(
    own: Annotated[Path | None, typer.Argument(metavar="[CLAIMS.py]", help="Verify only the claims of this file.")] = None,
    claims: Annotated[Path | None, typer.Option(help="Verify the claims of this file beside the catalogue.")] = None,
    out: Out = Path("linflow-results"),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer spectra.")] = False,
    seed: Seed = 0,
    alpha: Annotated[float, typer.Option(help="Probability that any verdict of the run is wrong, at most.")] = 1e-6,
    workers: Workers = None,
    form: Form = None,
    figures: Figures = "png",
    *,
    given: Given,
) -> None:
    """Decide every claim of the catalogue (or your own) on synthetic and real spectra, and on yours.

    Writes verdicts.json, verdicts.csv, verdicts.md and figures to the output folder. Exit status 0 if no theorem is refuted
    or left undecided, every false control refuted and no claim of yours refuted; 1 if not; 2 for bad input.
    """
    from linflow.report import run_verify

    status = run_verify(
        own=own,
        claims=claims,
        out=out,
        given=given,
        quick=quick,
        seed=seed,
        alpha=alpha,
        workers=workers,
        form=form,
        figures=figures,
    )
    raise typer.Exit(status)


@app.command(no_args_is_help=True)
@takes_spectra
def hunt(
    claim: Annotated[str, typer.Argument(metavar="CLAIM", help="Name of a claim, as in the table of linflow verify.")],
    claims: Annotated[Path | None, typer.Option(help="File with claims of your own.")] = None,
    seed: Seed = 0,
    minutes: Annotated[float | None, typer.Option(help="Start no round after so many minutes; default 1.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Play so many rounds: exactly reproducible.")] = None,
    max_n: Annotated[int | None, typer.Option("--max-n", min=2, help="Largest dimension tried; default 48.")] = None,
    workers: Workers = None,
    out: Out = Path("linflow-results"),
    as_json: Json = False,
    form: Form = None,
    *,
    given: Given,
) -> None:
    """Search over spectra and m for a counterexample to a claim, and for the case in which it is tightest.

    Spectra of yours are searched around too, in every round.

    A claim counts as refuted only by a verdict, exact or rigorous, from fresh draws (error 1e-6); one that survives is not
    proved. Writes hunt-CLAIM.json, and hunt-CLAIM.sqlite from which a hunt that was stopped, or a longer one, continues.
    Exit status 0 if a false control is refuted or any other claim is not; 1 if it is the other way round; 2 for bad input.
    """
    from linflow.hunting import run_hunt

    status = run_hunt(
        claim,
        claims=claims,
        out=out,
        seed=seed,
        minutes=minutes,
        rounds=rounds,
        max_n=max_n,
        workers=workers,
        given=given,
        form=_form(as_json, form),
    )
    raise typer.Exit(status)


@app.command()
@takes_spectra
def predict(
    m: Annotated[str | None, typer.Option("--m", help="Numbers of measurements: 64 or 8,16,64 or 10:1000:10.")] = None,
    family: Annotated[str | None, typer.Option(help="power-law, exponential, flat, step, spiked or log-spaced.")] = None,
    n: Annotated[int | None, typer.Option("--n", min=1, help="Dimension, for --family; default 1000.")] = None,
    exponent: Annotated[float | None, typer.Option(help="For power-law: sigma_i = i**-exponent; default 1.")] = None,
    rate: Annotated[float | None, typer.Option(help="For exponential: sigma_i = exp(-rate (i - 1)); default 0.25.")] = None,
    rank: Annotated[int | None, typer.Option(help="For step: number of ones; default 10.")] = None,
    floor: Annotated[float | None, typer.Option(help="For step: the other values; default 0.001.")] = None,
    condition: Annotated[float | None, typer.Option(help="For log-spaced: sigma_1 / sigma_n; default 1e6.")] = None,
    noise_std: Annotated[float, typer.Option(help="Noise on each measurement, for the equivalent.")] = 0.0,
    penalty: Annotated[float, typer.Option(help="Penalty gamma, for the equivalent.")] = 0.0,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE.png|pdf|svg", help="Draw the bounds, the equivalent and exact values.")
    ] = None,
    as_json: Json = False,
    form: Form = None,
    *,
    given: Given,
) -> None:
    """Every bound, both sides of the interlacing theorem, exact values where known, the equivalent; no simulation."""
    from linflow.predict import draw, predict, spectrum_from_options, table, whole_numbers

    form = _form(as_json, form)

    spectrum = spectrum_from_options(
        family=family,
        n=n,
        exponent=exponent,
        rate=rate,
        rank=rank,
        floor=floor,
        condition=condition,
        given=given,
    )
    frame = predict(spectrum, whole_numbers(m, spectrum.n), noise_std=noise_std, penalty=penalty)
    if figure is not None:
        draw(spectrum, frame, figure)
    table(spectrum, frame).put(form)


@app.command()
def bench(
    subject: Annotated[str, typer.Argument(metavar="[growth]", help="How cost and memory grow with n, instead.")] = "rows",
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ROW", help="This row only; may be given several times.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes only.")] = False,
    long: Annotated[bool, typer.Option("--long", help="Also the sizes that take minutes each.")] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Threads of every side alike; default all cores.")
    ] = None,
    clock: Annotated[
        Literal["wall", "cpu"], typer.Option(help="Seconds on the wall, or of processors: for a machine that is busy.")
    ] = "wall",
    accuracy: Annotated[bool, typer.Option("--accuracy", help="Measure relative errors instead of speed.")] = False,
    out: Out = Path("linflow-results"),
    as_json: Json = False,
    form: Form = None,
    figures: Figures = "png",
) -> None:
    """Measure linflow against what is used for the same work today, side by side in one run.

    Every row first compares the answers. Writes bench.json, bench.md and a figure (for growth: bench-growth) to the output
    folder; --accuracy only prints. A rival that is not installed is named in its row. Exit status 0; 2 for bad
    input.
    """
    form = _form(as_json, form)
    if accuracy:
        from linflow.bench.accuracy import accuracy_rows, accuracy_table

        accuracy_table(accuracy_rows()).put(form)
        return
    from linflow.bench.command import run_bench

    run_bench(
        subject,
        only=only or (),
        quick=quick,
        long=long,
        threads=threads,
        clock=clock,
        out=out,
        form=form,
        figures=figures,
    )


@app.command()
def prove(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these statements and those they use.")
    ] = None,
    machine: Annotated[
        bool, typer.Option("--machine", help="What Coq checks instead; NAMEs are files of proofs/machine (needs Coq).")
    ] = False,
    as_json: Json = False,
    form: Form = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print a table of the statements: --format md.")] = False,
    show_list: Annotated[bool, typer.Option("--list", help="List the statements, check nothing.")] = False,
) -> None:
    """Check every step of every proof, and print the ledger (extra 'proofs').

    Exit status 0 only if every step holds; 1 if one does not; 2 for bad input.
    """
    from linflow.proving import prove as run_proofs
    from linflow.proving import prove_by_machine

    form = _form(as_json, form)
    if as_markdown and form not in (None, "md"):
        raise InputError(f"--markdown is --format md, and --format {form} is given too: choose one of them")
    run = prove_by_machine if machine else run_proofs
    raise typer.Exit(run(names or [], form="md" if as_markdown else form, only_list=show_list))


@app.command()
@takes_images
def train(
    data: Annotated[Path | None, typer.Option(help="Folder of images; default scikit-learn's digits.")] = None,
    size: Annotated[int | None, typer.Option(min=4, help="Side in pixels to which --data images are resized.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Train so long; default 5.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Train so many steps: exactly reproducible.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="realnvp, glow, patches or gan; default glow, for digits realnvp.")
    ] = None,
    grey: Annotated[bool, typer.Option("--grey", help="Luminance of --data images only.")] = False,
    seed: Seed = 0,
    threads: Annotated[
        int, typer.Option(min=1, max=256, help="Threads of torch; weights depend on them through rounding.")
    ] = 1,
    device: Annotated[str, typer.Option(help="Where to train: cpu, or cuda.")] = "cpu",
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("flow.pt"),
    *,
    given: Given,
) -> None:
    """Train a deep flow (or a GAN to compare it with) on images, from the linear model on (extra 'deep').

    Stopped at any time, the same command continues from OUT.part. Exit status 0; 2 for bad input.
    """
    from linflow.deep.training import run_train

    run_train(
        data=data,
        size=size,
        minutes=minutes,
        steps=steps,
        kind=kind,
        grey=grey,
        given=given,
        seed=seed,
        threads=threads,
        device=device,
        out=out,
    )


@app.command(no_args_is_help=True)
@takes_spectra
def run(
    experiment: Annotated[
        str | None, typer.Argument(metavar="NAME|FILE.py", help="One of --list, or your own file.")
    ] = None,
    out: Out = Path("linflow-results"),
    quick: Annotated[bool, typer.Option("--quick", help="A smaller grid with fewer draws.")] = False,
    seed: Seed = 0,
    workers: Workers = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Compute on a Dask scheduler, tcp://host:port (extra 'dist').")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change a setting or a dimension's values, such as draws=50."),
    ] = None,
    ood: Annotated[
        Path | None, typer.Option(help="Folder of out-of-distribution images, for experiments that take one.")
    ] = None,
    flow: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.pt|FILE.py:FUNCTION",
            help="A flow in the place of the experiment's own: of linflow train, or what a function of yours makes.",
        ),
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            metavar="FILE.py:FUNCTION",
            help="A method of yours to be compared with the experiment's own; may be given several times.",
        ),
    ] = None,
    show_list: Annotated[bool, typer.Option("--list", help="List the experiments.")] = False,
    form: Form = None,
    figures: Figures = "png",
    *,
    given: Given,
) -> None:
    """Run an experiment: every cell is stored as it finishes, and the same command continues a run that was stopped.

    Writes NAME.sqlite (all cells), NAME.nc, NAME.csv, NAME.md (table and reading) and figures NAME*.png (--figures) to the
    output folder. Exit status 0; 1 if a cell failed; 2 for bad input.
    """
    from linflow.experiments.command import list_command, run_command

    if show_list:
        rows = list_command()
        if form is not None:
            columns = (Column("name", left=True), Column("summary", left=True))
            Table(columns, [{"name": name, "summary": what} for name, what in rows]).put(form)
            return
        width = max((len(name) for name, _ in rows), default=0) + 2
        for name, what in rows:
            typer.echo(f"{name:{width}}{what}")
        return
    if experiment is None:
        raise InputError("which experiment? give a name of 'linflow run --list', or a file of yours")
    if workers is not None and scheduler is not None:
        raise InputError("--workers is for this machine, --scheduler for a cluster: give one of them")
    chosen = {}
    for change in changes or []:
        name, equals, value = change.partition("=")
        if not equals:
            raise InputError(f"--set takes NAME=VALUE, such as draws=50, got {change!r}")
        chosen[name.strip()] = value.strip()
    status = run_command(
        experiment,
        out=out,
        quick=quick,
        seed=seed,
        workers=workers,
        scheduler=scheduler,
        changes=chosen,
        given=given,
        ood=ood,
        flow=flow,
        methods=methods or (),
        form=form,
        figures=figures,
    )
    raise typer.Exit(status)
