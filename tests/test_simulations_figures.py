"""What is shown was stored: nothing that a figure, a table or a reading can reach fits, trains, draws, loads or solves.

Read off the source text of every shipped experiment, whatever a run of it would reach; that they do run without any of it
is seen in every small run (`tests.studies.check_outputs`).
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from linflow.experiments import experiment_files, load, run
from simulations import denoising, inpainting, out_of_distribution
from tests.studies import ComputedError, check_outputs

#: What they may import, inside functions or above.
LIBRARIES = (
    *("__future__", "collections", "dataclasses", "functools", "math", "re", "typing"),
    *("matplotlib", "numpy", "scipy.optimize", "scipy.special", "scipy.stats", "xarray"),
)
#: Of linflow itself: values given by formulas of singular values, statistics of what is stored, and errors.
FORMULAS = (
    *("risk.best_upper", "risk.denoising", "risk.equivalent", "risk.exact", "risk.has_exact", "risk.interlacing"),
    *("risk.theorem_lower", "risk.theorem_upper", "risk.truncated", "InputError"),
    *(f"experiments.{name}" for name in ("OKABE_ITO", "entries", "estimate", "settings")),
    *(f"experiments.compared.{name}" for name in ("beyond", "own_styles", "plus_minus", "told")),
    *("Spectrum.exponential", "Spectrum.from_values", "Spectrum.power_law", "Spectrum.step"),
)
#: NumPy's ways to draw, and to solve.
BANNED = ("random", "linalg", "fft")
ALLOWED = ("linalg.norm",)
#: What looks like computing and is statistics of stored values.
EXCEPTIONS = {"phase-transition": ["probit_fit: numpy.linalg.solve"]}  # Newton's step in a fit to counts of successes
#: Built-in ways around an import.
BUILTINS = ("__import__", "compile", "eval", "exec", "globals")


def computing(text: str) -> list[str]:
    """Whatever figures, table and reading of an experiment's source text reach beyond the lists above.

    Names are followed through the module, annotations left out, and through the attributes of what is imported.
    """
    statements = ast.parse(text).body
    definitions: dict[str, list[ast.stmt]] = {}
    for statement in statements:
        for name in _bound(statement):
            definitions.setdefault(name, []).append(statement)
    wanted, seen, found = ["figures", "table", "reading"], set[str](), list[str]()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        for statement in definitions.get(name, []):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                continue
            imported = {**_imported(statements), **_imported(ast.walk(statement))}
            names, uses = _named(statement)
            wanted += names
            found += [f"{name}: {builtin}" for builtin in BUILTINS if builtin in names]
            for use in uses:
                first, _, rest = use.partition(".")
                path = ".".join(part for part in (imported.get(first, ""), rest) if part)
                if first in imported and not _may(path):
                    found.append(f"{name}: {path}")
    return sorted(set(found))


def _bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign | ast.AugAssign) else targets
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]


def _imported(nodes: Any) -> dict[str, str]:
    """Name in the file -> dotted name of what it was imported from."""
    names: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                names |= {alias.asname: alias.name} if alias.asname else {first: first}
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _named(statement: ast.stmt) -> tuple[list[str], list[str]]:
    """Names that a statement reads, and the longest chains of attributes that begin at each; annotations say nothing."""
    names: list[str] = []
    chains: list[str] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Attribute | ast.Name):
            chain = ast.unparse(node)
            if all(part.isidentifier() for part in chain.split(".")):
                names.append(chain.split(".")[0])
                chains.append(chain)
                return
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    visit(child)

    visit(statement)
    return names, chains


def _may(path: str) -> bool:
    if path.split(".")[0] == "linflow":
        return any(path == f"linflow.{name}" or path.startswith(f"linflow.{name}.") for name in FORMULAS)
    if path.split(".")[0] == "numpy":
        own = path.removeprefix("numpy.")
        return own in ALLOWED or own.split(".")[0] not in BANNED
    return any(path == name or path.startswith(f"{name}.") for name in LIBRARIES)


@pytest.mark.parametrize("name", experiment_files())
def test_figures_tables_and_readings_only_read(name: str) -> None:
    assert computing(experiment_files()[name].read_text(encoding="utf-8")) == EXCEPTIONS.get(name, [])


HONEST = """
import numpy as np
import linflow as lf
from linflow.experiments import entries

def cell(params, rng):
    return {"x": lf.mle(flow_of(), rng.standard_normal((2, 4)), np.ones(2))}

def flow_of():
    return lf.LinearFlow.fit(lf.data.digits())

def shown(dataset: lf.LinearFlow) -> float:
    return lf.risk.equivalent(lf.Spectrum.from_values(entries(dataset["s"])), 3) + np.linalg.norm(dataset["x"])

def figures(dataset):
    return {"": shown(dataset)}

def table(dataset):
    return []
"""
PLANTED = {
    "a solver": ("return []", "return lf.mle(None, None, None)"),
    "a function that fits": ("return []", "return [flow_of()]"),
    "the cell itself": ("return []", "return [cell({}, None)]"),
    "deep, inside": ("return []", "from linflow import deep; return deep.solve(dataset)"),
    "deep, under another name": ("return []", "from linflow.deep import solve as read; return read(dataset)"),
    "deep, by its whole name": ("return []", "import linflow.deep; return linflow.deep.trained"),
    "a solver in a table of functions": ("def figures", "WAYS = {'mle': lf.mle}\n\ndef figures"),
    "data": ('dataset["x"])', "lf.data.digits())"),
    "another library": ("return []", "from skimage.restoration import denoise_nl_means; return denoise_nl_means"),
    "draws": ("return []", "return np.random.default_rng(0).random(3)"),
    "least squares": ("return []", "return np.linalg.lstsq(dataset)"),
    "a simulation": ("return []", "return lf.risk.simulate(dataset)"),
    "a whole run": ("return []", "from linflow.experiments import run; return run(dataset)"),
    "a fit of a spectrum": ("lf.Spectrum.from_values(", "lf.Spectrum.from_data("),
    "a way around": ("return []", "return __import__('linflow').mle"),
    "the module handed on": ("return []", "return vars(lf)['mle']"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_whatever_computes_is_found(planted: str) -> None:
    assert computing(HONEST) == []
    old, new = PLANTED[planted]
    text = HONEST.replace(old, new)
    if planted == "a solver in a table of functions":
        text = text.replace("return []", "return list(WAYS)")
    assert text != HONEST
    assert computing(text) != []


def test_every_experiment_has_a_small_run_in_which_that_is_checked() -> None:
    tests = Path(__file__).parent.glob("test_simulations_*.py")
    called: set[str] = set()
    for file in tests:
        calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        named = [call for call in calls if ast.unparse(call.func) in ("small_run", "checked_run")]
        called |= {str(word.value) for call in named for word in call.args[:1] if isinstance(word, ast.Constant)}
    assert set(experiment_files()) <= called


def planted_study(tmp_path: Path, body: str) -> tuple[Any, xr.Dataset]:
    """A study whose reading has another body, and its dataset."""
    text = (
        "import numpy as np\nimport linflow as lf\nfrom functools import cache\n"
        "from linflow.experiments import Experiment, Variable, entries\n"
        "def cell(params, rng):\n    return {'x': flow_of().n, 's': [3.0, 2.0, 1.0]}\n"
        "@cache\ndef flow_of():\n    return lf.LinearFlow.fit(lf.data.digits())\n"
        "EXPERIMENT = Experiment(name='planted', title='Planted', cell=cell, grid={'a': (1,)}, blocks=2,\n"
        "    variables={'x': Variable('x'), 's': Variable('s', dims=('i',), once=True)})\n"
        "def figures(dataset):\n    from matplotlib.figure import Figure\n    return {'': Figure()}\n"
        "def table(dataset):\n    return [{'s': entries(dataset['s'].isel(a=0)).sum()}]\n"
        f"def reading(dataset):\n    {body}\n    return 'word ' * 50\n"
    )
    file = tmp_path / "planted.py"
    file.write_text(text)
    study = load(file)
    return study, run(study.experiment, out=tmp_path, workers=1)


@pytest.mark.parametrize("body", ["flow_of()", "lf.mle(None, None, None)", "lf.risk.simulate(dataset, trials=1)"])
def test_a_reading_that_computes_is_caught_though_its_caches_are_warm(tmp_path: Path, body: str) -> None:
    study, dataset = planted_study(tmp_path, "pass")
    assert list(check_outputs(study, dataset)) == [""]
    study, dataset = planted_study(tmp_path, body)
    with pytest.raises(ComputedError, match="was called"):
        check_outputs(study, dataset)


# ------------------------------------------------------------------------- what is shown is what was measured, at no cost


def test_the_completed_digit_has_the_error_that_was_measured() -> None:
    params = {"case": "digits", "mask": "random", "images": 1, "samples": 10, "noise_std": 0.02, "std_scale": 1.0}
    found = inpainting.cell({**params, "block": 0}, np.random.default_rng(0))
    hidden = found["unseen"] > 0
    original, completed = found["original"][hidden], found["completed"][hidden]
    assert inpainting.psnr(completed, original) == pytest.approx(found["psnr"][0], rel=1e-12)
    assert inpainting.psnr(found["original"].T[hidden], completed) != pytest.approx(found["psnr"][0], rel=1e-3)


def test_the_denoised_photograph_has_the_error_that_was_measured() -> None:
    params = {"image": "coins", "noise_std": 0.1, "size": 40, "samples": 20, "proxies": 1, "bm3d": 0, "block": 0}
    found = denoising.cell(params, np.random.default_rng(0))
    measured = [denoising.psnr(picture, found["original"]) for picture in found["restored"]]
    np.testing.assert_array_equal(measured, found["psnr"])
    # The middle is what is shown of a large one.
    image = np.arange(600.0).reshape(20, 30)
    np.testing.assert_array_equal(denoising.centre(image, 10), image[5:15, 10:20])


def test_reconstructions_out_of_distribution_have_the_error_that_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    own = out_of_distribution.own_images
    monkeypatch.setattr(out_of_distribution, "own_images", lambda *place: own(*place)[:1])
    params = {"pair": "digits / patches", "signals": out_of_distribution.OTHER, "parts": 10, "block": 0, "draws": 1}
    found = out_of_distribution.cell({**params, "m": (16, 40, 60), "rank": (2, 8)}, np.random.default_rng(0))
    errors = np.sum((found["reconstruction"] - found["truth"]) ** 2, axis=(1, 2))
    assert out_of_distribution.shown_m((16, 40, 60)) == 40
    np.testing.assert_allclose(errors[:2], [found["invertible"][1], found["truncated"][1, 1]], rtol=1e-12)
    assert np.isnan(errors[2])  # rank 24 was not run
    assert not np.isclose(errors[0], found["invertible"][0], rtol=1e-3)
