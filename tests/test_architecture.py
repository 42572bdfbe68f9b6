"""The layers of the package: one direction, no way back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent / "linflow"

#: Row of each module (first match wins); a module may import rows at most its own, and siblings only where listed.
LAYERS = {
    "linflow.errors": 0,
    "linflow.arrays": 0,
    "linflow.checks": 0,
    "linflow.provenance": 0,
    "linflow.compiled": 0,
    "linflow.state": 0,
    "linflow.identity": 0,
    "linflow.engine": 1,
    "linflow.spectrum": 1,
    "linflow.tables": 1,
    "linflow.data": 1,
    "linflow.moments": 1,
    "linflow.graded": 1,
    "linflow.figures": 1,
    "linflow.fitted": 1,
    "linflow.bases": 1,
    "linflow.flow": 2,
    "linflow.inputs": 2,
    "linflow.measurement": 2,
    "linflow.estimators": 3,
    "linflow.stacks": 2,
    "linflow.pursuit": 3,
    "linflow.fista": 3,
    "linflow.learn": 3,
    "linflow.risk": 3,
    "linflow.claims": 4,
    "linflow.experiments": 4,
    "linflow.plotting": 5,
    "linflow.options": 5,
    "linflow.predict": 5,
    "linflow.bench": 5,
    "linflow.report": 5,
    "linflow.hunting": 5,
    "linflow.proving": 5,
    "linflow.deep": 5,
    "linflow.testing": 5,
    "linflow.cli": 6,
    "linflow.__main__": 7,
}
#: Pairs in one row that may see each other; everything else in a row may not.
ALLOWED = {
    ("linflow.stacks", "linflow.measurement"),
    ("linflow.arrays", "linflow.errors"),
    *(("linflow.checks", f"linflow.{part}") for part in ("arrays", "errors")),
    *((of, to) for of in ("linflow.compiled", "linflow.state") for to in ("linflow.errors", "linflow.provenance")),
    *(("linflow.identity", f"linflow.{part}") for part in ("compiled", "errors", "provenance", "state")),
    *(("linflow.data", f"linflow.{part}") for part in ("engine", "moments")),
    ("linflow.spectrum", "linflow.moments"),
    ("linflow.report", "linflow.plotting"),
    ("linflow.predict", "linflow.plotting"),
    # Deep flows are among what is timed.
    ("linflow.bench", "linflow.deep"),
    # Its flows are held against their laws there; nothing of torch is imported before.
    ("linflow.testing", "linflow.deep"),
}
#: (library, the only rooms that may know it)
LIBRARIES = {
    "matplotlib": ("linflow.plotting", "linflow.figures", "linflow.bench.figure"),
    "torch": (
        "linflow.deep",
        "linflow.testing.flows",
        "linflow.measurement.physics",
        "linflow.risk.device",
        "linflow.bench",
    ),
    "typer": ("linflow.cli", "linflow.options"),
    "flint": (
        "linflow.risk.balls",
        "linflow.risk.enclosure",
        "linflow.risk.roots",
        "linflow.risk.witness",
        "linflow.bench.accuracy",
    ),
    "hypothesis": ("linflow.testing",),
    # One pool, one store, one writer.
    "joblib": ("linflow.engine", "linflow.bench.engines"),
    "distributed": ("linflow.engine", "linflow.bench.engines"),
    "multiprocessing": ("linflow.engine",),
    "sqlite3": ("linflow.engine",),
    "tempfile": ("linflow.engine",),
    "signal": ("linflow.engine",),
}


def room_of(module: str) -> str:
    return next(room for room in LAYERS if module == room or module.startswith(room + "."))


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if module != "linflow":  # the public face hands on names of every layer
            found.append((module, path))
    return found


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{path}: relative imports hide the layer"
            names |= {f"{node.module}.{a.name}" if node.module == "linflow" else node.module for a in node.names}
    return names


def violations(module: str, names: set[str]) -> list[str]:
    here, found = room_of(module), []
    for name in sorted(names):
        top = name.split(".")[0]
        if top in LIBRARIES and not any(module == room or module.startswith(room + ".") for room in LIBRARIES[top]):
            found.append(f"{module} imports {top}")
        if top != "linflow" or name in ("linflow", "linflow.__version__"):  # the version, and where the package lies
            continue
        there = room_of(name)
        if there == here or (here, there) in ALLOWED:
            continue
        if LAYERS[there] >= LAYERS[here]:
            found.append(f"{module} (row {LAYERS[here]}) imports {name} (row {LAYERS[there]})")
    return found


@pytest.mark.parametrize(("module", "path"), modules(), ids=[m for m, _ in modules()])
def test_a_lower_row_never_imports_a_higher_one(module: str, path: Path) -> None:
    assert violations(module, imports(path)) == []


def test_the_check_itself_catches_each_kind_of_violation() -> None:
    assert violations("linflow.spectrum", {"linflow.flow"})
    assert violations("linflow.estimators", {"linflow.risk.bounds"})
    assert violations("linflow.risk.bounds", {"linflow.estimators"})
    assert violations("linflow.claims.run", {"matplotlib.figure"})
    assert violations("linflow.risk.bounds", {"linflow.claims"})
    assert violations("linflow.claims.run", {"hypothesis.strategies"})
    assert violations("linflow.plotting", {"linflow.testing"})
    assert violations("linflow.report", {"joblib"})
    assert not violations("linflow.claims.run", {"linflow.risk", "numpy"})
    with pytest.raises(StopIteration):
        room_of("linflow.unheard_of")
