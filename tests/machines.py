"""``python -m tests.machines``: the numerical tests as on other processors, and on the oldest libraries.

The wheels of numpy and scipy bring OpenBLAS with kernels for many processors and choose by the one they run on;
``OPENBLAS_CORETYPE`` chooses another set, whose sums are rounded in another order. What passes with one and fails with
another hangs on the last bits of a number. (numpy's own loops are not switched.) Exit status 0 only if every run passes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: Tests whose outcome could hang on rounding.
NUMERICAL = (
    *("bounds", "certainties", "confidence", "equivalent", "estimators", "exact", "flow", "hunt", "measurement", "pursuit"),
    *("contract", "edges_of_verdicts", "evidence", "every", "fista", "laws_of_measurements", "planted_claims", "proved"),
    *("blocked", "ensemble_claims", "exact_real", "lanes", "octaves", "pairs", "roots", "separation"),
    *("pursuit_certificates", "rank_decisions", "risk_laws", "simulate", "spectrum", "testing", "tilted", "verdict"),
    *("bases", "forms_of_measurements", "interlacing", "matrix_free", "moments", "open_questions", "witness"),
)
#: Tests of what the other libraries are used for: with the oldest versions these are run as well.
LIBRARIES = (
    "data",
    "data_load",
    "data_pictures",
    "data_tables",
    "ecosystem",
    "engine_pool",
    "experiments_gathered",
    "experiments_run",
    "inputs",
    "engine_store",
    "learn",
    "loading",
    "methods",
    "plotting",
    "report",
    "tables",
)
#: Not run here: prefix of the file -> why.
OTHERS = {
    "architecture": "reads source code",
    "cli": "starts the command in processes of its own; what it computes is tested above",
    "deep_": "torch has kernels of its own",
    "device": "torch has kernels of its own",
    "documentation": "reads the documentation",
    "faults": "kills processes and damages files",
    "engine_progress": "prints lines",
    "engine_stopping": "signals and exit statuses",
    "fault_": "calls with arguments as users write them, among them tensors",
    "gate": "types and messages, among them those of tensors",
    "identity": "compares digests",
    "journal": "keeps and reads digests",
    "machine_checked": "Coq, which computes with no floating point",
    "machines": "tests this script",
    "mutations": "plants faults",
    "operators": "types and sentences, among them those of tensors",
    "proofs_": "exact arithmetic and intervals",
    "simulations_": "whole experiments, most of them with torch",
    "types": "reads source code",
    "wall": "sentences and exit statuses",
}
#: Without torch, which the oldest run does not install.
NEED_TORCH = ("tests/test_experiments_run.py::test_every_experiment_of_ours_is_what_its_file_says",)

KERNELS = ("Haswell", "Zen", "Sandybridge", "Prescott", "SkylakeX")
_PROBE = (
    "import json, platform, numpy, scipy.linalg, threadpoolctl\n"
    "found = {i.get('architecture') for i in threadpoolctl.threadpool_info() if i['user_api'] == 'blas'}\n"
    "versions = f'python {platform.python_version()}, numpy {numpy.__version__}, scipy {scipy.__version__}'\n"
    "print(json.dumps(['+'.join(sorted(map(str, found))), versions]))"
)


class MachineError(Exception):
    """A run cannot be made."""


@dataclass(frozen=True)
class Outcome:
    """What pytest said: how many tests passed, how many failed or could not be run, which, and its exit status."""

    passed: int
    failed: int
    names: tuple[str, ...]
    status: int

    @property
    def sound(self) -> bool:
        """Whether tests ran and all of them passed."""
        return self.status == 0 and self.passed > 0 and self.failed == 0

    @classmethod
    def read(cls, output: str, status: int) -> Outcome:
        """From the summary that ends the output of pytest."""
        last = next((line for line in reversed(output.splitlines()) if re.search(r" in [0-9.]+s", line)), "")
        count = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", last)}
        names = re.findall(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", output, flags=re.MULTILINE)
        return cls(count.get("passed", 0), count.get("failed", 0) + count.get("error", 0), tuple(names), status)


def files(names: Sequence[str]) -> list[str]:
    """Paths of the test files, relative to the root of the checkout."""
    return [f"tests/test_{name}.py" for name in names]


def oldest(pyproject: str) -> list[str]:
    """The lower bounds of a pyproject.toml as pip constraints; MachineError for a dependency without one.

    >>> oldest('project.dependencies = ["numpy>=2.0", "torch>=2.4,<2.14"]')
    ['numpy==2.0', 'torch==2.4']
    """
    constraints = []
    for requirement in tomllib.loads(pyproject)["project"]["dependencies"]:
        found = re.fullmatch(r"([A-Za-z0-9._-]+) *>= *([0-9][0-9.]*)(?: *,.*)?", requirement)
        if found is None:
            raise MachineError(f"{requirement!r} in pyproject.toml has no lower bound")
        constraints.append(f"{found[1]}=={found[2]}")
    return constraints


def runnable(kernels: Sequence[str], processor_flags: str) -> list[str]:
    """The kernels that this processor can execute."""
    return [kernel for kernel in kernels if kernel != "SkylakeX" or "avx512f" in processor_flags.split()]


def probe(python: str, kernel: str | None) -> tuple[str, str]:
    """The architecture whose kernels OpenBLAS really runs when asked for `kernel`, and the versions in use."""
    done = subprocess.run(
        [python, "-c", _PROBE], env=_environment(kernel), cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise MachineError(f"numpy and scipy cannot be imported with kernel {kernel}: {done.stderr.strip()[-300:]}")
    architecture, versions = (str(part) for part in json.loads(done.stdout))
    return architecture, versions


def run_tests(
    python: str, paths: Sequence[str], *, kernel: str | None, seed: int, workers: int, extra: Sequence[str] = ()
) -> tuple[Outcome, str]:
    """Run pytest on `paths`; its outcome and its output."""
    command = [
        python,
        "-m",
        "pytest",
        "-p",
        "tests.fresh_examples",
        f"--hypothesis-seed={seed}",
        "-n",
        str(workers),
        "-rfE",
    ]
    done = subprocess.run(
        [*command, "--tb=short", *extra, *paths],
        env=_environment(kernel),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    return Outcome.read(output, done.returncode), output


def install_oldest(folder: Path) -> str:
    """A virtual environment with the oldest libraries and current test tools; returns its python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    constraints = folder / "oldest.txt"
    constraints.write_text("\n".join(oldest(pyproject)) + "\n", encoding="utf-8")
    tools = [
        tool
        for tool in tomllib.loads(pyproject)["project"]["optional-dependencies"]["test"]
        if not tool.startswith(("torch", "zuko", "ruff", "mypy"))
    ]
    done = subprocess.run(
        [python, "-m", "pip", "install", "-q", "-c", str(constraints), "-e", str(ROOT), *tools],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MachineError(f"pip cannot install the oldest versions: {done.stderr.strip()[-600:]}")
    return python


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0 (all runs pass), 1 (some do not) or 2 (a run could not be made)."""
    parser = argparse.ArgumentParser(prog="python -m tests.machines", description=__doc__)
    parser.add_argument("paths", nargs="*", help="test files (default: the numerical ones)")
    parser.add_argument("--kernel", action="append", metavar="NAME", help=f"of {', '.join(KERNELS)} (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="of the first run; each later run takes the next (default: 1)")
    parser.add_argument("--workers", type=int, default=1, help="tests at a time (default: 1)")
    parser.add_argument(
        "--oldest", action="store_true", help="run once, with the oldest libraries that pyproject.toml allows"
    )
    parser.add_argument("--log", type=Path, help="append all output of pytest to this file")
    options = parser.parse_args(arguments)
    try:
        if options.oldest:
            with tempfile.TemporaryDirectory() as folder:
                python = install_oldest(Path(folder) / "oldest")
                paths = options.paths or [*files(NUMERICAL + LIBRARIES), *_DOCTESTS]
                # Old libraries among new ones of their own warn about what those deprecate.
                extra = ["-W", "ignore::DeprecationWarning", *(f"--deselect={test}" for test in NEED_TORCH)]
                sound = _report(python, paths, None, probe(python, None), options.seed, options.workers, options.log, extra)
                return 0 if sound else 1
        return _all_kernels(options)
    except MachineError as error:
        print(f"tests.machines: {error}", file=sys.stderr)
        return 2


#: Examples in docstrings; those of the deep flows need torch.
_DOCTESTS = ("linflow", "--ignore=linflow/deep")


def _all_kernels(options: argparse.Namespace) -> int:
    paths = options.paths or [*files(NUMERICAL), *_DOCTESTS]
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
    seen: dict[str, str] = {}
    sound, seed = True, options.seed
    wanted = options.kernel or KERNELS
    for kernel in wanted:
        if kernel not in runnable(wanted, flags):
            print(f"{kernel:12} not run: this processor has no AVX-512", flush=True)
            continue
        found = probe(sys.executable, kernel)
        if found[0] in seen:
            print(f"{kernel:12} not run: OpenBLAS takes the kernels {found[0]}, as for {seen[found[0]]}", flush=True)
            continue
        seen[found[0]] = kernel
        sound &= _report(sys.executable, paths, kernel, found, seed, options.workers, options.log)
        seed += 1
    if len(seen) < 2 and options.kernel is None:
        raise MachineError("OPENBLAS_CORETYPE changes nothing here: is this another BLAS, or another processor?")
    return 0 if sound else 1


def _report(
    python: str,
    paths: Sequence[str],
    kernel: str | None,
    found: tuple[str, str],
    seed: int,
    workers: int,
    log: Path | None,
    extra: Sequence[str] = (),
) -> bool:
    start = time.monotonic()
    outcome, output = run_tests(python, paths, kernel=kernel, seed=seed, workers=workers, extra=extra)
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"==== {kernel or 'oldest'}, seed {seed}\n{output}\n")
    counts = f"{outcome.passed} passed, {outcome.failed} failed"
    seconds = time.monotonic() - start
    asked = kernel or "oldest"
    print(f"{asked:12} kernels {found[0]}, seed {seed}: {counts} (status {outcome.status}, {seconds:.0f} s; {found[1]})")
    for name in outcome.names:
        print(f"{'':12} {name}")
    if outcome.status != 0 and not outcome.names:
        print(output[-2000:])
    sys.stdout.flush()
    return outcome.sound


def _environment(kernel: str | None) -> Mapping[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    chosen = {} if kernel is None else {"OPENBLAS_CORETYPE": kernel}
    # This checkout, whatever linflow is installed.
    fixed = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HYPOTHESIS_PROFILE": "search"}
    return {**inherited, **chosen, **fixed}


if __name__ == "__main__":
    sys.exit(main())
