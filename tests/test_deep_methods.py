"""Every comparison takes a method from outside, shows it, and leaves the numbers of its own methods as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.text import Text
from typer.testing import CliRunner

from linflow import cli
from linflow.deep.deterministic import thread_count
from linflow.experiments import OKABE_ITO, experiment_files, load, run
from linflow.experiments.compared import beyond, own_styles, told
from tests.studies import check_outputs
from tests.test_deep_outside import block, patch_file, whole_function

#: The experiments that compare methods: (dimension, reference, changes that make them tiny, kind of the flow).
COMPARISONS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "denoising": (
        "denoiser",
        "linear flow",
        {"noise_std": (0.1,), "image": ("camera",), "size": 32, "samples": 50, "proxies": 1, "bm3d": 0},
        "",
    ),
    "inpainting": ("estimator", "posterior mean", {"case": ("digits",), "mask": ("random",), "samples": 50}, ""),
    "deep-denoising": ("estimator", "linear patches", {"case": ("digits",), "stride": 4, "noise_std": (0.1,)}, "patches"),
    "deep-inpainting": ("estimator", "linear", {"case": ("digits",), "mask": ("random",), "images": 2}, "whole"),
    "deep-ood": (
        "prior",
        "linear flow",
        {
            **{"pair": ("digits 0-4 / digits 5-9",), "signals": ("other kind",), "share": (0.5,)},
            **{"gan_steps": 1, "restarts": 1, "gan_search": 1, "images": 1},
        },
        "whole",
    ),
    "deep-sample-complexity": (
        "prior",
        "linear flow",
        {"m": (16,), "images": 2, "prior": ("deep flow", "linear flow")},
        "whole",
    ),
}
METHODS = """
import numpy as np

def of_training(problem):
    assert problem.train.shape[1] == problem.n == np.prod(problem.shape)
    return np.tile(problem.train.mean(axis=0), (len(problem.y), 1))

def drawn(problem):
    problem.y[:] = 0.0
    return problem.rng.random((len(problem.y), problem.n))
"""


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> Iterator[None]:
    with thread_count(1):
        yield


def test_every_comparison_is_here() -> None:
    taking = {name for name, file in experiment_files().items() if "own_answers(" in file.read_text(encoding="utf-8")}
    assert taking == set(COMPARISONS)
    for name, (dimension, *_) in COMPARISONS.items():
        assert load(name).experiment.methods == dimension


@pytest.mark.usefixtures("trained_models")
@pytest.mark.parametrize("name", COMPARISONS)
def test_every_comparison_shows_methods_from_outside_and_keeps_its_own_numbers(name: str, tmp_path: Path) -> None:
    dimension, reference, changes, kind = COMPARISONS[name]
    flow = {"": None, "whole": whole_function(tmp_path, 64), "patches": patch_file(tmp_path)}[kind]
    (tmp_path / "mine.py").write_text(METHODS)
    mine = [f"{tmp_path / 'mine.py'}:{function}" for function in ("of_training", "drawn")]
    study = load(name)
    options: dict[str, Any] = {"out": tmp_path, "quick": True, "workers": 1, "flow": flow}
    options["changes"] = {**changes, "blocks": 2}
    with_them = run(study.experiment, methods=mine, **options)
    assert with_them.attrs["n_failed"] == 0, with_them["error_text"].values
    assert with_them[dimension].values.tolist()[-2:] == ["of training", "drawn"]
    alone = run(study.experiment, **options)
    for variable in alone.data_vars:
        kept = with_them[variable]
        kept = kept.sel({dimension: alone[dimension].values}) if dimension in kept.dims else kept
        np.testing.assert_array_equal(kept.values, alone[variable].values, err_msg=str(variable))
    psnr = with_them["psnr"].sel({dimension: ["of training", "drawn"]})
    assert bool(psnr.notnull().all())
    assert bool((psnr.isel({dimension: 0}) > psnr.isel({dimension: 1})).all())  # knowing something against noise

    drawn = check_outputs(study, with_them)
    assert study.reading is not None
    assert study.table is not None
    said = study.reading(with_them)
    row = study.table(with_them)[0]
    for method in ("of training", "drawn"):
        assert sum(method in column and "-" in column for column in map(str, row)) == 1, row
        gains = [str(value) for column, value in row.items() if method in column and " - " in column.replace(":", " ")]
        difference = with_them["psnr"].sel({dimension: method}) - with_them["psnr"].sel({dimension: reference})
        first = difference.isel({d: 0 for d in difference.dims if d != "block"})
        assert gains[0].startswith(f"{float(first.mean()):+.2f} ± ")
        told_as = reference if reference != "linear" else "linear model"
        assert f"Your method {method} against the {told_as}, paired, mean ± standard error: {gains[0]} dB (" in said
        titles: list[Any] = [text for figure in drawn.values() for text in figure.findobj(Text)]
        names = {title.get_text() for title in titles}
        assert any(method in text for text in names)
    assert "Your method" not in study.reading(alone)


def test_own_methods_have_colours_and_markers_of_their_own() -> None:
    names = [f"method {i}" for i in range(6)]
    styles = own_styles(names, ("black", "orange", "green", "blue"))
    assert list(styles) == names
    assert {colour for colour, _ in styles.values()} == {"sky", "yellow", "vermillion", "purple"}
    assert len(set(styles.values())) == 6
    assert len({marker for _, marker in own_styles(names, tuple(OKABE_ITO)).values()}) == 6


def test_of_many_places_the_best_and_the_worst_are_told() -> None:
    import xarray as xr

    def gain(value: float) -> Any:
        return xr.DataArray([value - 1, value + 1], dims="block")

    few = {f"m = {m}": gain(m) for m in (3.0, 1.0)}
    assert told("a", "b", few).endswith("+3.00 ± 1.00 dB (m = 3.0), +1.00 ± 1.00 dB (m = 1.0).")
    many = {f"m = {m}": gain(m) for m in (3.0, -1.0, 7.0, 4.0, 5.0)}
    assert told("a", "b", many).endswith("at 5 places: from -1.00 ± 1.00 dB (m = -1.0) to +7.00 ± 1.00 dB (m = 7.0).")
    single = {"m = 1": xr.DataArray([1.0], dims="block"), "m = 2": xr.DataArray([np.nan, np.nan], dims="block")}
    assert told("a", "b", single).endswith("too few blocks to tell.")
    dataset = xr.Dataset(coords={"k": ["a", "mine", "b", "too"]})
    assert beyond(dataset, "k", ("a", "b", "c")) == ["mine", "too"]


def test_the_command_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, (program, *words) = block("docs/own-method.md", "my_method.py"), block("docs/own-method.md", "command").split()
    assert program == "linflow"
    Path("my_method.py").write_text(code)
    few = ["blocks=2", "stride=4", "noise_std=0.1", "size=32", "bm3d=0", "case=digits,photographs"]
    tiny = [word for change in few for word in ("--set", change)]
    with torch.random.fork_rng():
        given = patch_file(tmp_path)
    done = CliRunner().invoke(cli.app, [*words, *tiny, "--flow", given, "--workers", "1", "--out", "out"])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "deep-denoising.md").read_text()
    assert "--method my_method.py:fourier_wiener" in page
    assert "fourier wiener - linear patches" in page
    from linflow.testing import assert_method

    namespace: dict[str, Any] = {}
    exec(code, namespace)
    assert_method(namespace["fourier_wiener"])
