"""Flows from outside in experiments: from files and functions, told apart by content, fitting the images or refused."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import linflow as lf
from linflow import cli, deep
from linflow.deep import outside
from linflow.deep.deterministic import thread_count
from linflow.engine.outside import Outside
from linflow.errors import DataError, InputError, LinflowError, ShapeError
from linflow.experiments import Experiment, experiment_files, load, run
from linflow.experiments.outside import fitting

ROOT = Path(__file__).resolve().parent.parent
#: Experiments of deep flows, and where they take one: (changes, n of whole images or None for patches).
DEEP: dict[str, tuple[dict[str, Any], int | None]] = {
    "linearised-theory": ({}, 64),
    "deep-likelihood-proxy": ({}, 64),
    "deep-ood": ({"pair": ("digits 0-4 / digits 5-9",)}, 64),
    "deep-sample-complexity": ({}, 64),
    "deep-starts-and-penalties": ({}, 64),
    "deep-inpainting": ({"case": ("digits",)}, 64),
    "deep-denoising": ({"case": ("digits",)}, None),
}

EXPERIMENT = """
import numpy as np
from linflow.experiments import Experiment, Variable

def outside(given, params):
    from linflow.deep.outside import whole
    return whole(given, params["n"])

def cell(params, rng):
    flow = outside(params["given_flow"], params)
    return {"x": float(flow.forward(np.ones(params["n"])).detach().sum()), "drawn": rng.random()}

EXPERIMENT = Experiment(
    name="own", title="Own", cell=cell, grid={"n": (4,)}, blocks=2,
    variables={"x": Variable("a sum"), "drawn": Variable("a number")}, flow=outside,
)
"""


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with thread_count(1):
        yield


@pytest.fixture
def own(tmp_path: Path) -> Experiment:
    file = tmp_path / "own.py"
    file.write_text(EXPERIMENT)
    return load(file).experiment


def written(folder: Path, name: str, body: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text("import numpy as np\nimport linflow as lf\n" + body)
    return f"{folder / name}.py:make"


def scaled(factor: float) -> str:
    return f"def make():\n    return lf.LinearFlow.from_matrix({factor} * np.eye(4))\n"


def cells_of(folder: Path) -> int:
    with sqlite3.connect(folder / "own.sqlite") as connection:
        count = int(connection.execute("SELECT count(*) FROM records").fetchone()[0])
    connection.close()
    return count


def sum_of(own: Experiment, flow: str, out: Path, **options: Any) -> float:
    dataset = run(own, out=out, flow=flow, workers=options.pop("workers", 1), **options)
    assert dataset.attrs["n_failed"] == 0, dataset["error_text"].values
    assert dataset.attrs["flow"] == flow
    return float(dataset["x"][0, 0])


def test_a_flow_is_kept_under_its_content_and_not_its_name(own: Experiment, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = written(tmp_path / "a", "flow_a", scaled(2.0))
    assert sum_of(own, first, out) == 8.0
    assert cells_of(out) == 2
    assert sum_of(own, first, out) == 8.0
    assert cells_of(out) == 2  # nothing anew
    # The same name, another content: computed anew, and the old cells stay what they are.
    written(tmp_path / "a", "flow_a", scaled(3.0))
    assert sum_of(own, first, out) == 12.0
    assert cells_of(out) == 4
    # Random numbers are paired: they are the same with any flow.
    before = run(own, out=out, flow=first, workers=1)["drawn"].values
    written(tmp_path / "a", "flow_a", scaled(2.0))
    np.testing.assert_array_equal(run(own, out=out, flow=first, workers=1)["drawn"].values, before)
    assert cells_of(out) == 4


def test_weights_that_a_function_reads_count_too(own: Experiment, tmp_path: Path) -> None:
    body = "from pathlib import Path\ndef make():\n    return lf.LinearFlow.load(Path(__file__).with_name('w.npz'))\n"
    flow = written(tmp_path / "a", "reading", body)
    for factor in (2.0, 5.0):
        lf.LinearFlow.from_matrix(factor * np.eye(4)).save(tmp_path / "a" / "w.npz")
        outside._made.clear()  # as in another program
        assert sum_of(own, flow, tmp_path / "out") == 4 * factor
    assert cells_of(tmp_path / "out") == 4


def test_a_file_of_linflow_is_a_flow_and_its_bytes_tell_it(own: Experiment, tmp_path: Path) -> None:
    file = tmp_path / "flow.pt"
    for factor in (2.0, 3.0):
        deep.save(deep.RealNVP(lf.LinearFlow.from_matrix(factor * np.eye(4)), steps=1, width=4), file)
        assert sum_of(own, str(file), tmp_path / "out") == 4 * factor
    (tmp_path / "b").mkdir()
    file.rename(tmp_path / "b" / "moved.pt")
    assert sum_of(own, str(tmp_path / "b" / "moved.pt"), tmp_path / "out") == 12.0
    assert cells_of(tmp_path / "out") == 4
    given = Outside.read(str(tmp_path / "b" / "moved.pt"), "flow")
    outside._made.clear()
    (tmp_path / "b" / "moved.pt").write_bytes(b"other")
    with pytest.raises(DataError, match="has changed since the run began"):
        outside.outside(given)


def test_workers_get_the_function_and_the_modules_beside_it(tmp_path: Path) -> None:
    """Without torch, which takes long to be imported: the hook asks for no more than what the function makes."""
    text = EXPERIMENT.replace(
        'from linflow.deep.outside import whole\n    return whole(given, params["n"])', "return given.call()"
    )
    assert "deep" not in text
    (tmp_path / "own.py").write_text(text.replace(".detach()", ""))
    flow = written(tmp_path / "a", "with_neighbour", "def make():\n    import beside_it\n    return beside_it.Flow()\n")
    (tmp_path / "a" / "beside_it.py").write_text(
        "class Flow:\n    def forward(self, z):\n        return 7 * z\n    def digest(self):\n        return 'seven'\n"
    )
    assert sum_of(load(tmp_path / "own.py").experiment, flow, tmp_path / "out", workers=2) == 28.0


REFUSED = {
    "None": ("def make():\n    pass\n", "returned None: let it return a flow"),
    "raises": ("def make():\n    raise OSError('no such disk')\n", "raised OSError: no such disk"),
    "no flow": ("def make():\n    return 3\n", "is no flow here: model must be a flow of zuko"),
    "size": ("def make():\n    return lf.LinearFlow.from_matrix(np.eye(3))\n", "has n = 3 and the images have n = 4"),
    "no function": ("make = 3\n", "names no function"),
    "syntax": ("def make(:\n", "raised SyntaxError"),
    "wrong": (
        "from linflow import deep\ndef make():\n    return deep.wrap(forward=lambda z: z, inverse=lambda x: 2 * x, n=4)\n",
        "differ from those that made them",
    ),
    "patches": (
        "from linflow import deep\ndef make():\n    linear = lf.LinearFlow.from_matrix(np.eye(4))\n"
        "    return deep.Glow(linear, (2, 2, 1), levels=1, steps=1, width=2, conditional=True)\n",
        "knows levels of noise",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_flow_for_an_experiment_is_refused_before_anything_runs(
    name: str, own: Experiment, tmp_path: Path
) -> None:
    body, sentence = REFUSED[name]
    with pytest.raises(LinflowError, match=sentence) as error:
        run(own, out=tmp_path / "out", flow=written(tmp_path / "a", "refused", body), workers=1)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_flow_that_is_another_in_each_process_is_refused(own: Experiment, tmp_path: Path) -> None:
    random = written(
        tmp_path / "a", "random_flow", "def make():\n    return lf.LinearFlow.from_matrix(np.random.rand(4, 4))\n"
    )
    given = fitting(own, own.plan(), Outside.read(random, "flow"))
    assert given is not None
    assert outside.outside(given).n == 4
    outside._made.clear()  # as in another process
    with pytest.raises(DataError, match="makes another flow each time: let it load its weights"):
        outside.outside(given)


def test_names_that_stand_for_nothing_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, kind, sentence in (
        ("my_flow.py", InputError, r"name the function that makes the flow: my_flow\.py:make_flow"),
        ("my_flow.py:make", DataError, "does not exist"),
        ("no_such_module:make", DataError, r"no module 'no_such_module': give a path, such as no_such_module\.py:make"),
        ("flow.pt", DataError, "the flow file 'flow.pt' does not exist"),
        (".", DataError, "is a folder"),
        ("", InputError, "flow must be a path"),
    ):
        with pytest.raises(kind, match=sentence):
            Outside.read(name, "flow")
    (tmp_path / "mine.py").write_text("import linflow as lf\ndef make():\n    return lf.LinearFlow.from_matrix([[2.0]])\n")
    # A module's name finds the file beside, and then what is installed.
    assert Outside.read("mine:make", "flow").digest == Outside.read("mine.py:make", "flow").digest
    assert Outside.read("platform:python_version", "flow").path == ""
    assert "mine" not in sys.modules
    (tmp_path / "text.pt").write_text("no flow")
    with pytest.raises(DataError, match="is damaged, or was not written"):
        outside.outside(Outside.read("text.pt", "flow"))


def test_experiments_without_a_flow_take_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="experiment 'sample-complexity' takes no --flow"):
        run(load("sample-complexity").experiment, out=tmp_path / "out", flow="flow.pt")
    taking = {name for name, file in experiment_files().items() if "flow=outside," in file.read_text(encoding="utf-8")}
    assert taking == set(DEEP) == {name for name in experiment_files() if name.startswith("deep-")} | {"linearised-theory"}


def patch_file(folder: Path, side: int = 4, channels: int = 1) -> str:
    n = side * side * channels
    linear = lf.LinearFlow.from_spectrum(np.geomspace(0.5, 0.1, n), mean=0.5 * np.ones(n))
    flow = deep.Glow(linear, (side, side, channels), levels=1, steps=1, width=2, conditional=True)
    deep.save(flow, folder / f"patches-{side}-{channels}.pt")
    return str(folder / f"patches-{side}-{channels}.pt")


def whole_function(folder: Path, n: int) -> str:
    return written(
        folder, f"whole_{n}", f"def make():\n    return lf.LinearFlow.from_matrix(0.2 * np.eye({n}), 0.5 * np.ones({n}))\n"
    )


@pytest.mark.parametrize("name", DEEP)
def test_every_deep_experiment_takes_a_flow_of_its_images_and_no_other(name: str, tmp_path: Path) -> None:
    experiment = load(name).experiment
    changes, n = DEEP[name]
    plan = experiment.plan(quick=True, changes=changes)
    right = whole_function(tmp_path, n) if n else patch_file(tmp_path)
    wrong = whole_function(tmp_path, 16 if n else 64)
    assert fitting(experiment, plan, Outside.read(right, "flow")) is not None
    with pytest.raises((InputError, ShapeError), match=r"has n = 16 and the images have n = 64|none of square patches"):
        fitting(experiment, plan, Outside.read(wrong, "flow"))
    # In colour, of folders: n = 3 size^2, or grey where these experiments are.
    folders = experiment.folders
    assert folders is not None
    ood = "" if name in ("deep-starts-and-penalties", "linearised-theory") else "/b"
    given = {**dict(folders("/a", ood)), "size": 8}
    grey = name in ("linearised-theory", "deep-likelihood-proxy")
    plan = experiment.plan(quick=True, changes=given)
    fits = patch_file(tmp_path, 4, 3) if n is None else whole_function(tmp_path, 64 if grey else 192)
    assert fitting(experiment, plan, Outside.read(fits, "flow")) is not None
    if not grey:
        with pytest.raises((InputError, ShapeError), match=r"the images have n = 192|of patches of 4 x 4 x 1"):
            fitting(experiment, plan, Outside.read(right, "flow"))


#: That of linearised-theory is the command of the documentation.
TINY: dict[str, dict[str, Any]] = {
    "deep-likelihood-proxy": {"signals": 4, "jacobians": 1},
    "deep-ood": {"gan_steps": 1, "restarts": 1, "gan_search": 1, "images": 1, "share": (0.5,)},
    "deep-sample-complexity": {"m": (16,), "images": 2, "prior": ("deep flow", "linear flow")},
    "deep-starts-and-penalties": {"images": 1, "search": 3, "tau": (0.0, 1.0), "gamma": (0.0, 0.1)},
    "deep-inpainting": {"images": 2, "mask": ("random",)},
    "deep-denoising": {"stride": 4, "noise_std": (0.1,)},
}


@pytest.mark.usefixtures("trained_models")
@pytest.mark.parametrize("name", TINY)
def test_every_deep_experiment_computes_with_the_flow_that_is_given(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment, trained = load(name).experiment, deep.trained

    def only_the_rival(kind: str, *given: Any, **options: Any) -> Any:
        assert kind == "gan", "a flow was trained although one was given"
        return trained("gan", *given, **options)

    monkeypatch.setattr(deep, "trained", only_the_rival)
    changes, n = DEEP[name]
    plan = experiment.plan(quick=True, changes=changes | TINY[name])
    given = fitting(experiment, plan, Outside.read(whole_function(tmp_path, n) if n else patch_file(tmp_path), "flow"))
    params = plan.cells()[0]
    found = experiment.cell({**params, "given_flow": given}, plan.generator(params))
    assert set(found) == set(experiment.variables)
    # This flow is linear: whatever it computes is what the linear model does.
    if name == "deep-inpainting":
        np.testing.assert_allclose(found["psnr"][0], found["psnr"][2], atol=1e-4)
    elif name == "deep-likelihood-proxy":
        gap = found["signal"] - found["latent"]
        np.testing.assert_allclose(gap, np.full(gap.shape, gap.ravel()[0]), rtol=1e-9)
    elif name == "deep-ood":
        assert found["reach"][0] > 100


def test_a_flow_of_patches_takes_the_place_of_that_of_patches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = load("deep-sample-complexity").experiment
    monkeypatch.setattr(deep, "trained", lambda *a, **o: pytest.fail("a flow was trained although one was given"))
    changes = {"m": (32,), "images": 1, "rounds": 4, "prior": ("linear flow", "flow patches", "linear patches")}
    plan = experiment.plan(quick=True, changes=changes)
    given = fitting(experiment, plan, Outside.read(patch_file(tmp_path), "flow"))
    params = plan.cells()[0]
    psnr = experiment.cell({**params, "given_flow": given}, plan.generator(params))["psnr"]
    # It is untrained, and so its own control.
    np.testing.assert_allclose(psnr[1], psnr[2], atol=1e-3)


def block(document: str, name: str) -> str:
    """What follows a mark in a document: the fenced block, or the indented line."""
    text = (ROOT / document).read_text(encoding="utf-8").split(f"<!-- {name} -->\n", 1)[1]
    return text.split("```python\n", 1)[1].split("```", 1)[0] if text.startswith("```") else text.split("\n", 1)[0].strip()


def test_the_command_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zuko

    monkeypatch.chdir(tmp_path)
    code, (program, *words) = block("docs/own-flow.md", "my_flow.py"), block("docs/own-flow.md", "command").split()
    assert program == "linflow"
    Path("my_flow.py").write_text(code)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = zuko.flows.RealNVP(64, transforms=3, hidden_features=(64,))
    torch.save(model.state_dict(), "my_flow.pt")
    monkeypatch.setattr(sys.modules[load("linearised-theory").experiment.cell.__module__], "DRAWS", 512)
    few = ["blocks=2", "images=2", "steps=3", "fraction=0.5", "signals=samples of the flow"]
    tiny = [word for change in few for word in ("--set", change)]
    done = CliRunner().invoke(cli.app, [*words, *tiny, "--workers", "1", "--out", "out"])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "linearised-theory.md").read_text()
    assert "--flow my_flow.py:make_flow" in page
    assert f"- input {(tmp_path / 'my_flow.py').resolve()}: sha256 " in page
    assert "The flow: content " in page
