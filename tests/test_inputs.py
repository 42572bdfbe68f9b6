"""A user's own spectra at every command: one meaning, said once, and one sentence where it has none."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from PIL import Image
from typer.testing import CliRunner

import linflow as lf
from linflow import cli
from linflow.errors import InputError
from linflow.experiments import Experiment, Variable, experiment_files, load, run, scaled_counts, spectrum_for
from linflow.inputs import Given, range_of_words
from linflow.plotting import prediction_figure, save

SIGMA = np.array([3.5, 2.0, 1.0, 0.25])
X = np.random.default_rng(0).standard_normal((40, 3)) * [3.0, 2.0, 1.0] + 5.0


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the same spectrum in every form, and where the commands run."""
    monkeypatch.chdir(tmp_path)
    scipy.io.savemat("s.mat", {"s": SIGMA, "U": np.eye(3)})
    np.savetxt("s.csv", SIGMA, header="sigma", comments="", fmt="%.17g")
    np.savetxt("variances.txt", SIGMA**2, fmt="%.17g")
    rotation = np.linalg.qr(np.arange(16.0).reshape(4, 4) % 7 + np.eye(4))[0]
    C = rotation * SIGMA**2 @ rotation.T
    np.save("C.npy", (C + C.T) / 2)
    np.save("X.npy", X)
    Path("faces/a").mkdir(parents=True)
    for k in range(6):
        pixels = np.random.default_rng(k).integers(0, 4096, (4, 4)).astype(np.uint16)
        Image.fromarray(pixels).save(f"faces/a/{k}.png")
    return tmp_path


def given_words(*words: object) -> Any:
    return CliRunner().invoke(cli.app, [*map(str, words)])


#: words -> the spectrum that they name
SAME = {
    "values": ["--values", "s.mat", "--variable", "s"],
    "values of text": ["--values", "s.csv"],
    "column by name": ["--values", "s.csv"],
    "covariance": ["--covariance", "C.npy"],
    "variances": ["--covariance", "variances.txt"],
}


@pytest.mark.parametrize("name", SAME)
def test_predict_reads_every_form_of_a_spectrum(name: str, files: Path) -> None:
    done = given_words("predict", *SAME[name], "--m", "1,2", "--json")
    assert done.exit_code == 0, done.output
    row = json.loads(done.stdout)[0]
    assert row["interlacing_lower"] == pytest.approx(lf.risk.equivalent(lf.Spectrum(SIGMA), 1), rel=1e-9)
    said = [line for line in done.stderr.splitlines() if line.startswith("read ")]
    assert len(said) == 1
    assert SAME[name][1] in said[0]


def test_data_of_every_form_become_a_model(files: Path) -> None:
    done = given_words("predict", "--data", "X.npy", "--m", 1, "--json")
    wanted = lf.risk.equivalent(lf.Spectrum.from_data(X), 1)
    assert json.loads(done.stdout)[0]["equivalent"] == pytest.approx(wanted, rel=1e-12)
    words = ["--data", "faces", "--recursive", "--size", 2, "--range", "0:4095", "--m", 1, "--json"]
    done = given_words("predict", *words)
    assert done.exit_code == 0, done.output
    images = lf.data.image_folder("faces", size=2, recursive=True, value_range=(0, 4095))
    wanted = lf.risk.equivalent(lf.Spectrum.from_data(images), 1)
    assert json.loads(done.stdout)[0]["equivalent"] == pytest.approx(wanted, rel=1e-12)
    assert "6 grey images of 2 x 2, 16-bit from 0..4095" in done.stderr
    # Twins: each option matters.
    for left_out in (["--recursive"], ["--range", "0:4095"], ["--size", 2]):
        fewer = [word for word in words if word not in left_out]
        other = given_words("predict", *fewer)
        assert other.exit_code != 0 or json.loads(other.stdout)[0]["equivalent"] != pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_own_singular_values_to_a_figure_in_one_command(ending: str, files: Path) -> None:
    words = ["predict", "--values", "s.mat", "--variable", "s", "--m", "0:4", "--figure", f"e.{ending}", "--noise-std", 0.1]
    done = given_words(*words)
    assert done.exit_code == 0, done.output
    drawn = (files / f"e.{ending}").read_bytes()
    assert drawn.startswith({"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[ending])
    if ending == "svg":  # no date, and no names that are drawn by lot
        done = given_words(*words[:-3], "again.svg", "--noise-std", 0.1)
        assert (files / "again.svg").read_bytes() == drawn


def test_the_figure_draws_what_is_predicted() -> None:
    spectrum, m = lf.Spectrum(SIGMA), [2, 1, 3, 4]
    figure = prediction_figure(spectrum, m, exact=[np.nan, lf.risk.exact(spectrum, 1), np.nan, 0.0])
    (axes,) = figure.axes
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    curves = {tuple(values) for values in drawn if values.size == 3}
    lower, upper = lf.risk.interlacing(spectrum, [1, 2, 3])
    for values in (lower, upper, lf.risk.theorem_lower(spectrum, [1, 2, 3]), lf.risk.best_upper(spectrum, [1, 2, 3])):
        assert tuple(values) in curves
    with pytest.raises(InputError, match="needs an m below n = 4"):
        prediction_figure(spectrum, [4], exact=[0.0])
    with pytest.raises(InputError, match=r"must end in \.png, \.pdf, \.svg"):
        save(figure, "e.jpg")


#: words -> what is said
REFUSED: dict[str, tuple[list[object], str]] = {
    "two sources": (["predict", "--values", "s.csv", "--covariance", "C.npy"], "got --values and --covariance"),
    "several arrays": (["predict", "--values", "s.mat"], "holds 2 arrays, 's' 1 x 4, 'U' 3 x 3: name one"),
    "a matrix of values": (["predict", "--values", "C.npy"], "this is a 4 x 4 matrix: choose a column (--column"),
    "a vector of data": (["predict", "--data", "s.csv"], "data are a matrix with a sample in each row"),
    "no covariance": (["predict", "--covariance", "X.npy"], "a covariance is a square (n, n) matrix"),
    "a folder of values": (["predict", "--values", "faces"], "is a folder: give a file"),
    "a folder in a folder": (["predict", "--data", "faces"], "--recursive"),
    "size of no image": (["predict", "--data", "X.npy", "--size", 8], "--size is for images"),
    "size of nothing": (
        ["verify", "--quick", "--size", 8],
        "--size says how to read what --values, --data or --covariance name",
    ),
    "size of a family": (["predict", "--family", "flat", "--size", 8], "--size is for --values, --data and --covariance"),
    "range": (["predict", "--data", "faces", "--recursive", "--range", "5"], "--range takes two numbers"),
    "column of images": (["predict", "--data", "faces", "--column", 1], "column is for files of numbers"),
    "a figure's ending": (["predict", "--values", "s.csv", "--figure", "e.jpg"], "must end in .png, .pdf, .svg"),
    "a figure's folder": (["predict", "--values", "s.csv", "--figure", "none/e.png"], "cannot write the figure"),
    "no such experiment's spectra": (["run", "calibration", "--values", "s.csv"], "takes no --values"),
    "out of distribution": (["run", "noise", "--values", "s.csv", "--ood", "faces"], "takes no --ood"),
    "too long a start": (["hunt", "T2", "--data", "X.npy", "--max-n", 2], "needs 2..max_n = 2..2 singular values"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_options_do_not_mean_is_one_sentence(name: str, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, said = REFUSED[name]
    done = given_words(*words)
    output = done.stderr + capsys.readouterr().err
    (line,) = [line for line in output.splitlines() if line.startswith("linflow: ")]
    assert said in line
    assert done.exit_code == 2
    assert words[0] == "hunt" or not (files / "linflow-results").exists()


def test_own_values_to_a_verdict_in_one_command(files: Path) -> None:
    claim = (
        "import linflow as lf\n"
        'claim = lf.Claim(name="mine", statement="", kind="upper", value=lambda s, m: s.energy,'
        " holds_for=lambda s, m: s.n == 4 and s.condition == 14)\n"
    )
    (files / "mine.py").write_text(claim)
    done = given_words("verify", "mine.py", "--values", "s.csv", "--quick", "--workers", 1, "--out", "out")
    assert done.exit_code == 0, done.output
    (verdict,) = json.loads((files / "out" / "verdicts.json").read_text())["claims"]
    assert verdict["verdict"] == "supported"
    assert {case["spectrum"] for case in verdict["cases"]} == {"s"}
    assert "read 's.csv': a vector of 4 numbers, float64, 0.25..3.5, header skipped" in done.stderr


def test_the_words_of_what_was_given_are_the_options() -> None:
    given = Given(data=Path("a b"), size=8, rgb=True, recursive=True, frames=True, value_range="0:9", column="2")
    assert given.words() == (
        ["--data", "a b", "--size", "8", "--range", "0:9", "--column", "2", "--rgb", "--recursive", "--frames"]
    )
    assert Given().words() == []
    for words in ("1:0", "a:b", "1", "0:inf", "1:2:3", ""):
        with pytest.raises(InputError, match="--range takes two numbers"):
            range_of_words(words)


# ---------------------------------------------------------------------------------------------------------- experiments


def _cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    return {"energy": spectrum_for(params, lambda name: lf.Spectrum.flat(len(name))).energy}


STUDY = Experiment(
    name="own-spectra",
    title="Energies",
    cell=_cell,
    grid={"spectrum": ("a", "ab")},
    blocks=1,
    variables={"energy": Variable("energy", "[x]^2")},
    spectra=lambda given: {"spectrum": given},
)


def test_a_given_spectrum_takes_the_place_of_the_studys(tmp_path: Path) -> None:
    mine = lf.Spectrum(SIGMA, name="mine")
    assert run(STUDY, out=tmp_path, workers=1)["energy"].values.ravel().tolist() == [1.0, 2.0]
    found = run(STUDY, out=tmp_path, workers=1, changes={"spectrum": [mine, "ab"]})
    assert found["spectrum"].values.tolist() == ["mine", "ab"]
    assert found["energy"].values.ravel().tolist() == [mine.energy, 2.0]
    assert json.loads(found.attrs["parameters"])["given"] == {"mine": mine.key}
    # By content: the same name with other values is another run, and the same values are computed once.
    other = run(STUDY, out=tmp_path, workers=1, changes={"spectrum": [mine.scaled(2.0, name="mine")]})
    assert float(other["energy"].item()) == 4 * mine.energy
    with sqlite3.connect(tmp_path / "own-spectra.sqlite") as book:
        before = book.execute("SELECT count(*) FROM records").fetchone()
    run(STUDY, out=tmp_path, workers=1, changes={"spectrum": [lf.Spectrum(SIGMA, name="mine"), "ab"]})
    with sqlite3.connect(tmp_path / "own-spectra.sqlite") as book:
        assert book.execute("SELECT count(*) FROM records").fetchone() == before
    with pytest.raises(InputError, match="two different spectra are called 'mine'"):
        STUDY.plan(changes={"spectrum": [mine, mine.scaled(2.0, name="mine")]})
    with pytest.raises(InputError, match="must be one of 'a', 'ab', got 'mine'"):
        STUDY.plan(changes={"spectrum": ["mine"]})


def test_own_spectra_through_an_experiment_in_one_command(files: Path) -> None:
    """From a file to table, reading and figures, at an n that is not the study's."""
    np.save("power.npy", np.arange(1.0, 13.0) ** -0.8)
    words = ["--quick", "--workers", 1, "--set", "blocks=2", "--set", "draws=2", "--out", "out"]
    done = given_words("run", "sample-complexity", "--values", "power.npy", *words)
    assert done.exit_code == 0, done.output
    page = (files / "out" / "sample-complexity.md").read_text()
    assert "| power | 12 |" in page
    assert "digits" not in page
    assert "--values power.npy" in page
    assert "input power.npy: sha256 " in page
    assert (files / "out" / "sample-complexity.png").is_file()


#: Experiments on spectra -> what makes a cell of them small.
STUDIES: dict[str, dict[str, Any]] = {
    "sample-complexity": {},
    "interlacing": {},
    "universality": {},
    "noise": {"ratio": (0.0, 1.0)},
    "starts-and-penalties": {"tau": (0.0,), "ratio": (1.0,), "signals": 3},
    "representation-error": {"level": (0.2,), "signals": 3},
}


@pytest.mark.parametrize("name", STUDIES)
def test_every_experiment_on_spectra_takes_ones_own(name: str) -> None:
    mine = lf.Spectrum(np.arange(1.0, 25.0) ** -0.8, name="mine")
    experiment = load(name).experiment
    assert experiment.spectra is not None
    changes = {**experiment.spectra([mine]), **STUDIES[name], "draws": 1}
    plan = experiment.plan(quick=True, changes=changes)
    assert plan.grid["spectrum"] == ("mine",)
    assert all(0 < m <= 2 * mine.n for m in (*plan.grid.get("m", ()), *plan.inner.get("m", ())) if isinstance(m, int))
    params = plan.cells()[0]
    found = experiment.cell(params, plan.generator(params))
    assert np.array_equal(found["singular_values"], mine.singular_values)
    assert experiment.cost is None or experiment.cost(params) > 0


def test_the_likelihood_proxy_takes_a_spectrum_without_images() -> None:
    mine = lf.Spectrum(np.arange(1.0, 9.0) ** -0.8, name="mine")
    study = load("likelihood-proxy")
    experiment = study.experiment
    assert experiment.spectra is not None
    plan = experiment.plan(quick=True, changes={**experiment.spectra([mine]), "signals": 5})
    assert plan.grid["spectrum"] == ("mine",)
    assert {params["group"] for params in plan.cells()} == {"samples of the flow", *plan.grid["group"]}
    for params in plan.cells()[:: plan.blocks]:
        found = experiment.cell(params, plan.generator(params))
        assert found["log_det"] == pytest.approx(np.log(mine.singular_values).sum())
        assert np.allclose(found["signal"], found["latent"] - found["log_det"])  # T10


def test_every_experiment_with_a_dimension_of_spectra_takes_them_or_is_named_here() -> None:
    """Those whose cases are more than a spectrum (data, or a family at every n) do not."""
    others: set[str] = set()
    for name in experiment_files():
        if not name.startswith("deep-"):
            experiment = load(name).experiment
            assert ("spectrum" in experiment.grid) <= ((experiment.spectra is not None) or name in others), name


def test_images_that_changed_under_their_path_are_another_run(files: Path) -> None:
    study = (
        "from linflow.experiments import Experiment, Variable\n"
        "from pathlib import Path\n"
        "def cell(params, rng):\n"
        '    return {"size": float(sum(f.stat().st_size for f in Path(params["images"]).rglob("*.png")))}\n'
        'EXPERIMENT = Experiment(name="sizes", title="", cell=cell, grid={"k": (1,)}, blocks=1, settings={"images": ""},\n'
        '    variables={"size": Variable("bytes")}, folders=lambda data, ood: {"images": data})\n'
    )
    (files / "sizes.py").write_text(study)
    sizes = []
    for _ in range(2):
        done = given_words("run", "sizes.py", "--data", "faces", "--workers", 1, "--out", "out")
        assert done.exit_code == 0, done.output
        sizes.append((files / "out" / "sizes.csv").read_text())
        Image.fromarray(np.zeros((4, 4), dtype=np.uint8)).save("faces/a/more.png")
    assert sizes[0] != sizes[1]


def test_measurements_are_those_of_the_study_in_units_of_n() -> None:
    assert scaled_counts((8, 16, 60), 64, [lf.Spectrum.flat(64)]) == (8, 16, 60)
    assert scaled_counts((1, 2, 64), 64, [lf.Spectrum.flat(16), lf.Spectrum.power_law(16)]) == (1, 16)
    with pytest.raises(InputError, match=r"spectra of different lengths \(3, 4\)"):
        scaled_counts((8,), 64, [lf.Spectrum.flat(3), lf.Spectrum.flat(4)])


# ---------------------------------------------------------------------------------------------------------------- hunts


def test_a_hunt_begins_at_ones_own_spectrum() -> None:
    """A claim that is false at one spectrum alone, which no search finds by chance."""
    mine = lf.Spectrum([4.0, 1.25, 0.5])

    def value(spectrum: lf.Spectrum, m: int) -> float:
        near = spectrum.n == 3 and np.allclose(spectrum.singular_values, mine.singular_values, rtol=1e-12)
        return 0.5 * spectrum.tail(m) if near else 2 * spectrum.energy

    claim = lf.Claim(name="trap", statement="", kind="upper", value=value, holds_for=lambda s, m: 0 < m < s.n)
    options: dict[str, Any] = {"rounds": 1, "max_n": 3, "workers": 1}
    found = lf.hunt(claim, starts=[mine], **options)
    assert found.outcome == "refuted"
    assert found.worst is not None
    assert np.allclose(found.worst.singular_values, mine.singular_values, rtol=1e-12)
    assert lf.hunt(claim, **options).outcome == "not refuted"  # twin
    with pytest.raises(InputError, match="within 12 decades, and 'wide' spans 13"):
        lf.hunt(claim, starts=[lf.Spectrum([1.0, 1e-13], name="wide")], **options)
