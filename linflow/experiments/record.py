"""How to get a result again: the whole command, a digest of every input, and the versions that its numbers come from."""

from __future__ import annotations

import hashlib
import platform
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from linflow import __version__
from linflow.engine.outside import Outside
from linflow.inputs import Given

#: Libraries that decide numbers or the bytes of files and figures.
_LIBRARIES = ("numpy", "scipy", "python-flint", "scikit-learn", "scikit-image", "pillow", "xarray", "matplotlib", "torch")


@dataclass(frozen=True)
class Command:
    """A ``linflow run`` as it was typed, without what decides no number (``--out``, ``--workers``, ``--scheduler``).

    >>> print(Command("noise", quick=True, seed=3, changes={"draws": "50"}))
    linflow run noise --quick --seed 3 --set draws=50
    """

    target: str
    quick: bool = False
    seed: int = 0
    changes: Mapping[str, str] = field(default_factory=dict)
    given: Given = field(default_factory=Given)
    ood: Path | None = None
    flow: Outside | None = None
    methods: tuple[Outside, ...] = ()

    def __str__(self) -> str:
        words = ["linflow", "run", self.target, *(["--quick"] if self.quick else []), "--seed", str(self.seed)]
        for name, value in self.changes.items():
            words += ["--set", f"{name}={value}"]
        words += self.given.words() + ([] if self.ood is None else ["--ood", str(self.ood)])
        words += [] if self.flow is None else ["--flow", self.flow.name]
        for method in self.methods:
            words += ["--method", method.name]
        return shlex.join(words)

    def inputs(self) -> dict[str, str]:
        """Every file and folder that the command reads, with a digest of its bytes."""
        found = {}
        outside = [*self.methods, *([] if self.flow is None else [self.flow])]
        made = [Path(given.path) for given in outside if given.path]
        script = Path(self.target) if self.target.endswith(".py") else None
        for path in (script, *self.given.paths.values(), self.ood, *made):
            if path is not None:
                found[str(path)] = digest_of(path)
        return found


def digest_of(path: Path) -> str:
    """SHA-256 of a file; of a folder, of the names and digests of all files in it.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "a").write_text("text")
    ...     before = digest_of(Path(folder))
    ...     (Path(folder) / "a").write_text("other")
    ...     before == digest_of(Path(folder))
    4
    5
    False
    """
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for inside in sorted(path.rglob("*")):
        if inside.is_file():
            digest.update(
                f"{inside.relative_to(path).as_posix()}\0{digest_of(inside)}\n".encode("utf-8", "surrogateescape")
            )
    return digest.hexdigest()


def versions() -> str:
    """Of linflow, Python and the libraries that are installed."""
    found = [f"linflow {__version__}", f"python {platform.python_version()}"]
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def as_markdown(command: Command, cells: int, code: str) -> str:
    """The last part of a result's page."""
    # Indented, and not between marks, so that no character of a path ends it.
    lines = [f"    {command}", f"{cells} cells, code {code}; {versions()}."]
    inputs = command.inputs()
    if command.flow is not None:
        lines.append(f"The flow: content {command.flow.digest}, weights {command.flow.weights}.")
    lines += [f"The method {method.name}: content {method.digest}." for method in command.methods]
    if inputs:
        lines.append("\n".join(f"- input {path}: sha256 {digest}" for path, digest in inputs.items()))
    return "\n\n".join(["## The same again", *lines])
