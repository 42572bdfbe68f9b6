"""Coq at work: the files compiled in a temporary folder, then what it says of each definition and theorem."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .sources import Source, refusals, repeated

INSTALL = (
    "apt install coq libcoq-mathcomp-algebra  (Debian) or, after  opam repo add coq-released "
    "https://coq.inria.fr/opam/released ,  opam install coq.8.16.1 coq-mathcomp-algebra.1.15.0"
)
#: What Print Assumptions says of a theorem that rests on nothing but its own hypotheses.
CLOSED = "Closed under the global context"
_WIDTH = 100
_SECONDS_EACH = 600
_MARK = "@@@"
_TIMED = re.compile(r"^Chars (\d+) - \d+ \[.*\] ([\d.]+) secs", re.MULTILINE)


class NoCoqError(LookupError):
    """There is no coqc, or it has no MathComp."""


class CoqError(RuntimeError):
    """A file is refused, does not compile, or Coq cannot say what was asked for."""


@dataclass(frozen=True)
class Stated:
    """A definition or theorem as Coq prints it.

    Attributes
    ----------
    file, kind, name : where it stands; "definition" or "theorem".
    statement : what Coq prints.
    axioms : of a theorem: ``CLOSED``, or what Coq lists; of a definition: "".
    seconds : for its own proof.
    """

    file: str
    kind: str
    name: str
    statement: str
    axioms: str
    seconds: float

    @property
    def closed(self) -> bool:
        """Whether nothing is assumed beside what the statement says."""
        return self.kind == "definition" or self.axioms == CLOSED


@dataclass(frozen=True)
class Coq:
    """The compiler `coqc`; `version` is what it says it is."""

    coqc: Path
    version: str

    def run(self, folder: Path, file: str, *options: str) -> str:
        """Its output for a file of that folder; CoqError if it fails."""
        command = [
            str(self.coqc),
            "-q",
            "-w",
            "-notation-overridden,-ambiguous-paths",
            *options,
            "-Q",
            ".",
            "machine",
            file,
        ]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS_EACH, env=_environment()
            )
        except subprocess.TimeoutExpired as error:
            raise CoqError(f"{file}: Coq did not end within {_SECONDS_EACH} s") from error
        if done.returncode == 0:
            return done.stdout
        said = " ".join(done.stderr.split())
        if "with prefix mathcomp" in said:
            raise NoCoqError(f"coqc has no MathComp (algebra): {INSTALL}")
        raise CoqError(f"{file} does not compile: {said}")


def find_coq() -> Coq:
    """The coqc of the folder COQBIN, or else of PATH; NoCoqError if there is none."""
    folder = os.environ.get("COQBIN")
    found = shutil.which("coqc", path=folder) if folder else shutil.which("coqc")
    if found is None:
        where = f"no coqc in COQBIN ({folder})" if folder else "no coqc on PATH (nor COQBIN)"
        raise NoCoqError(f"the machine-checked proofs need Coq 8.16 with MathComp 1.15, and there is {where}: {INSTALL}")
    done = subprocess.run([found, "--print-version"], capture_output=True, text=True, check=False)
    words = done.stdout.split()
    if done.returncode or not words:
        raise NoCoqError(f"{found} does not tell its version: {INSTALL}")
    return Coq(Path(found), words[0])


def check(
    sources: Sequence[Source],
    coq: Coq,
    *,
    asked: Sequence[Source] | None = None,
    each: Callable[[str, float], None] | None = None,
) -> list[Stated]:
    """Compile the files, and print what `asked` (default all) define and prove.

    Parameters
    ----------
    sources : in an order in which they compile.
    each : called with the name and the seconds of each file that was compiled.

    Raises
    ------
    CoqError
        A file may not stand as it is, or does not compile.
    NoCoqError
        Coq has no MathComp.
    """
    refused = [line for source in sources for line in refusals(source)] + repeated(sources)
    if refused:
        raise CoqError("refused: " + "; ".join(refused))
    with tempfile.TemporaryDirectory(prefix="linflow-machine-") as name:
        folder = Path(name)
        timings = _compiled(sources, coq, folder, each)
        return _asked(sources, sources if asked is None else asked, coq, folder, timings)


def _compiled(
    sources: Sequence[Source], coq: Coq, folder: Path, each: Callable[[str, float], None] | None
) -> dict[str, Mapping[str, float]]:
    """Seconds of each item of each file."""
    waiting: dict[str, Future[dict[str, float]]] = {}

    def compiled(source: Source) -> dict[str, float]:
        for name in source.uses:
            waiting[name].result()
        (folder / f"{source.name}.v").write_text(source.text, encoding="ascii")
        seconds = _seconds(source, coq.run(folder, f"{source.name}.v", "-time"))
        if each is not None:
            each(source.name, sum(seconds.values()))
        return seconds

    # Files are handed out in their order, so whatever one waits for is done or at work.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as workers:
        for source in sources:
            waiting[source.name] = workers.submit(compiled, source)
        try:
            return {name: future.result() for name, future in waiting.items()}
        except BaseException:
            for future in waiting.values():
                future.cancel()
            raise


def _seconds(source: Source, timed: str) -> dict[str, float]:
    """Each sentence's time goes to the definition or proof that it stands in."""
    starts = [item.start for item in source.items]
    found = {item.name: 0.0 for item in source.items} | {"": 0.0}
    for match in _TIMED.finditer(timed):
        at = bisect_right(starts, int(match[1])) - 1
        found[source.items[at].name if at >= 0 else ""] += float(match[2])
    return found


def _asked(
    imported: Sequence[Source],
    sources: Sequence[Source],
    coq: Coq,
    folder: Path,
    timings: Mapping[str, Mapping[str, float]],
) -> list[Stated]:
    """Asked from outside of the sections of the files, whose notations are then not in force.

    No two files use one name, so that Coq prints every name without its file whichever files are imported.
    """
    wanted = {f"machine.{source.name}.{item.name}": item for source in sources for item in source.stated}
    lines = ["From mathcomp Require Import all_ssreflect all_algebra.", "Local Open Scope ring_scope."]
    lines += [f"From machine Require Import {source.name}." for source in imported]
    lines += [f"Set Printing Width {_WIDTH}.", "Unset Printing Implicit Defensive."]
    for name, item in wanted.items():
        lines += [_mark(name), f"{'Check' if item.kind == 'theorem' else 'Print'} {name}."]
    found = _answers(coq, folder, lines)
    axioms = _axioms(coq, folder, [name for name, item in wanted.items() if item.kind == "theorem"])
    return [
        Stated(file, item.kind, item.name, _statement(found[name]), axioms.get(name, ""), timings[file][item.name])
        for name, item in wanted.items()
        for file in [name.split(".")[1]]
    ]


def _axioms(coq: Coq, folder: Path, theorems: Sequence[str]) -> dict[str, str]:
    """What Print Assumptions says of each: asked of all together, which is quick, and one by one if that is not closed."""
    if not theorems:
        return {}
    lines = [f"From machine Require {name}." for name in dict.fromkeys(theorem.split(".")[1] for theorem in theorems)]
    together = ", ".join(f"@{theorem}" for theorem in theorems)
    asked = [f"Definition together := ({together}, tt).", _mark("together"), "Print Assumptions together."]
    if _answers(coq, folder, [*lines, *asked])["together"].strip() == CLOSED:
        return dict.fromkeys(theorems, CLOSED)
    each = [line for theorem in theorems for line in (_mark(theorem), f"Print Assumptions {theorem}.")]
    return {name: said.strip() for name, said in _answers(coq, folder, [*lines, *each]).items()}


def _answers(coq: Coq, folder: Path, lines: Sequence[str]) -> dict[str, str]:
    """What Coq prints after each mark."""
    (folder / "asked_of_coq.v").write_text("\n".join(lines) + "\n", encoding="ascii")
    parts = coq.run(folder, "asked_of_coq.v").split(_MARK)[1:]
    return {name.strip(): said for name, _, said in (part.partition("\n") for part in parts)}


def _mark(word: str) -> str:
    return f'Goal True. idtac "{_MARK} {word}". Abort.'


def _statement(printed: str) -> str:
    """Without the name in front, the indentation of all lines, and what Coq adds about implicit arguments."""
    text = printed.split("\n\nArguments", 1)[0].strip("\n")
    lines = text.splitlines()
    return "\n".join(line.rstrip() for line in lines).strip()


def _environment() -> dict[str, str]:
    """Ours, without what would add folders to those that Coq searches."""
    return {name: value for name, value in os.environ.items() if name not in ("COQPATH", "COQLIB")}
