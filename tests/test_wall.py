"""The last wall: whatever users' files, options, paths and disks do, a command ends with one sentence and a status.

In this process, with work that takes no time; the campaign (tests/faults) plays the same at random, and in processes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from linflow.engine.files import regular_file
from linflow.engine.users import failing_as
from linflow.errors import ClaimError, InputError, LinflowError
from linflow.experiments import Experiment, Variable
from linflow.experiments.discover import experiment_files, load
from tests.faults import materials
from tests.faults.common import Answer, answer, sentences, wrong

LONG = "x" * 5000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words").write_text("no numbers")
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")


def refused(*words: str) -> str:
    """The one sentence with which a line must be refused."""
    found = answer(words)
    assert wrong(found) == "", found
    assert found.status == 2, found
    return sentences(found.err)[0]


def run(*options: str) -> tuple[str, ...]:
    return ("run", "small.py", "--workers", "1", "--out", "out", *options)


VERIFY = ("verify", "mine.py", "--quick", "--workers", "1", "--out", "out")
HUNT = ("hunt", "mine", "--claims", "mine.py", "--rounds", "1", "--max-n", "3", "--workers", "1", "--out", "out")


@pytest.mark.parametrize("what", materials.RAISED)
def test_whatever_a_users_file_raises_is_one_sentence(what: str, tmp_path: Path) -> None:
    fails = materials.RAISED[what]
    materials.claims(tmp_path, fails=fails, value="fails()")
    assert "claim 'mine': value(" in refused(*VERIFY)
    assert "claim 'mine': value(" in refused(*HUNT)
    materials.claims(tmp_path, fails=fails, after="fails()")
    assert "the claims file 'mine.py' raised" in refused(*VERIFY)
    for name in ("skip", "cost"):
        materials.experiment(tmp_path, fails=fails, options=f"{name}=lambda params: fails(),")
        assert f"{name} of experiment 'small' raised" in refused(*run())
    materials.experiment(tmp_path, fails=fails, options="folders=lambda data, ood: fails(),")
    assert "folders of experiment 'small' raised" in refused(*run("--data", "."))
    materials.experiment(tmp_path, fails=fails, after="fails()")
    assert "the experiment file 'small.py' raised" in refused(*run())


@pytest.mark.parametrize("name", ["table", "reading", "figures"])
def test_what_an_author_makes_of_a_result_costs_no_cell(name: str, tmp_path: Path) -> None:
    returned = [f"return {nonsense}" for nonsense in materials.NONSENSE if (name, nonsense) != ("reading", "'\\ud800'")]
    for body in (*returned, *(f"fails()  # {what}" for what in ("memory", "exit"))):
        fails = materials.RAISED.get(body.rpartition(" ")[2], "pass")
        materials.experiment(tmp_path, fails=fails, after=f"def {name}(dataset):\n    {body}")
        assert f"{name} of experiment 'small'" in refused(*run()), body
    # All cells were kept: the last of many runs computed none.
    assert (tmp_path / "out" / "small.csv").exists()
    materials.experiment(tmp_path)
    found = answer(run())
    assert found.status == 0
    assert found.err.splitlines()[0] == "small: 8 of 8 cells"


@pytest.mark.parametrize("what", ["memory", "exit", "wordless", "stop", "own base"])
def test_a_cell_that_raises_anything_is_a_failed_row(what: str, tmp_path: Path) -> None:
    materials.experiment(tmp_path, fails=materials.RAISED[what], cell="if params['i'] == 1: fails()")
    found = answer(run())
    assert wrong(found) == ""
    assert found.status == 1
    assert "4 of 8 cells failed" in found.err


#: What a user's code may leave behind in the process.
LEFT_BEHIND = {
    "another folder": "import os; os.chdir('/')",
    "errors of NumPy's": "import numpy; numpy.seterr(all='raise')",
    "no stream": "sys.stdout = None",
    "another stream": "import io; sys.stdout = sys.stderr = io.StringIO()",
}


def fresh(folder: Path) -> Answer:
    """The small experiment, of which nothing is kept yet."""
    for file in (folder / "out").iterdir() if (folder / "out").exists() else ():
        file.unlink()
    found = answer(run())
    assert (wrong(found), found.status) == ("", 0), found
    return found


@pytest.mark.parametrize("what", LEFT_BEHIND)
def test_what_a_users_code_leaves_behind_changes_nothing(what: str, tmp_path: Path) -> None:
    left, before = LEFT_BEHIND[what], (np.geterr(), Path.cwd())
    materials.experiment(tmp_path)
    plain = fresh(tmp_path).out.splitlines()[:-1]
    numbers = (tmp_path / "out" / "small.csv").read_bytes()
    for how in ({"cell": left}, {"after": left}, {"after": f"def reading(dataset):\n    {left}\n    return ''"}):
        materials.experiment(tmp_path, **how)  # type: ignore[arg-type]
        assert fresh(tmp_path).out.splitlines()[:-1] == plain
        assert (tmp_path / "out" / "small.csv").read_bytes() == numbers
        assert (np.geterr(), Path.cwd()) == before


@pytest.mark.parametrize("what", ["another folder", "errors of NumPy's"])
def test_what_claims_leave_behind_changes_nothing(what: str, tmp_path: Path) -> None:
    before = (np.geterr(), Path.cwd())
    materials.claims(tmp_path, value=LEFT_BEHIND[what], after=LEFT_BEHIND[what])
    found = answer(HUNT)
    assert (wrong(found), found.status) == ("", 0), found
    assert (tmp_path / "out" / "hunt-mine.json").exists()
    assert (np.geterr(), Path.cwd()) == before


def test_a_file_that_goes_elsewhere_finds_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "number").write_text("3")
    cell = "return {'v': float(__import__('pathlib').Path('number').read_text()), 'w': [1.0, 1.0]}"
    materials.experiment(tmp_path, cell=cell, after="import os; os.chdir('there')")
    fresh(tmp_path)
    assert ",3.0,computed" in (tmp_path / "out" / "small.csv").read_text()


def test_streams_that_are_closed_are_opened_again() -> None:
    closed = "sys.stdout.close(); sys.stderr.close()"
    wrapped = "import io; sys.stdout = io.TextIOWrapper(sys.stdout.buffer)"
    for left in (closed, wrapped):
        code = (
            "import sys\nfrom linflow.engine.undisturbed import undisturbed\n"
            f"with undisturbed():\n    {left}\nprint('there')\nprint('as well', file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "there\n", "as well\n")


#: Lines that must be refused, and what is said of them.
REFUSED: dict[str, tuple[list[str], str]] = {
    "train into this folder": (["train", "--steps", "1", "--out", "."], "is a folder"),
    "n": (["predict", "--family", "flat", "--n", "99999999999999999999"], "--n asks for 99999999999999999999"),
    "n of more digits than Python writes": (["predict", "--family", "flat", "--n", "9" * 4300], "--n asks for about 2**"),
    "m": (["predict", "--family", "flat", "--n", "100", "--m", "0:10000000000:1"], "--m must lie in 0..n = 0..100"),
    "many m": (["predict", "--family", "flat", "--n", "2000000", "--m", "0:2000000"], "--m names 2000001 numbers"),
    "noise": (["predict", "--family", "flat", "--noise-std", "1e200"], "noise_std must be 0 or lie in 1e-150..1e+150"),
    "condition": (["predict", "--family", "log-spaced", "--condition", "inf"], "condition must be a finite number >= 1"),
    "pipe": (["predict", "--values", "pipe.py"], "is a pipe or a device: give a file"),
    "device": (["predict", "--values", os.devnull], "is a pipe or a device: give a file"),
    "folder": (["predict", "--values", "folder.py"], "is a folder: give a file"),
    "claims from a pipe": (["verify", "pipe.py"], "is a pipe or a device: give a file"),
    "claims from a folder": (["hunt", "x", "--claims", "folder.py"], "is a folder: give a file"),
    "experiment from a pipe": (["run", "pipe.py"], "is a pipe or a device: give a file"),
    "images from a file": (["predict", "--data", "words"], "is not a folder: give a folder of images"),
    "results into a file": (["verify", "--quick", "--out", "words"], "choose another folder with --out"),
    **{
        f"long path for {words[-1]}": ([*words, LONG], "File name too long")
        for words in (
            ["verify"],
            ["verify", "--claims"],
            ["verify", "--quick", "--data"],
            ["verify", "--quick", "--out"],
            ["hunt", "x", "--claims"],
            ["predict", "--values"],
            ["predict", "--data"],
        )
    },
    "long name of an experiment": (["run", LONG], "no experiment is named 'xxx"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_hostile_line_is_refused_in_one_sentence(what: str) -> None:
    words, said = REFUSED[what]
    sentence = refused(*words)
    assert said in sentence
    assert len(sentence) < 1000, "a sentence repeats no thousands of characters"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("blocks=nan", "blocks takes numbers such as 2, got 'nan'"),
        ("blocks=1e400", "blocks takes numbers such as 2, got '1e400'"),
        ("blocks=1e12", "would have 4e+12 cells: at most 1e+07 are run"),
        ("seconds=inf", "seconds takes numbers such as 0.0, got 'inf'"),
        ("i=99999999999999999999", "whole coordinates of 'i' must lie within 2**63"),
        ("kind=mine", "kind of experiment 'small' must be one of 'a', 'b', got 'mine'"),
        (f"kind=a,{LONG}", "kind of experiment 'small' must be one of 'a', 'b', got 'xxx"),
    ],
)
def test_a_setting_without_sense_is_refused_before_anything_runs(change: str, said: str, tmp_path: Path) -> None:
    materials.experiment(tmp_path)
    assert said in refused(*run("--set", change))
    assert not (tmp_path / "out").exists()


def test_every_case_of_our_experiments_is_one_of_their_own() -> None:
    for name in experiment_files():
        experiment = load(name).experiment
        for dimension, values in {**experiment.grid, **experiment.inner}.items():
            if isinstance(next(iter(values)), str):
                experiment.choose(dimension, list(values))
                with pytest.raises(InputError, match=f"^{dimension} of experiment '{name}' must be one of '"):
                    experiment.choose(dimension, ["mine"])


def test_choices_open_and_close_what_can_be_set() -> None:
    def made(**more: object) -> Experiment:
        fields = {"grid": {"kind": ("a",)}, "settings": {"device": "cpu"}, "variables": {"v": Variable("v")}}
        return Experiment(name="e", title="", cell=lambda params, rng: {"v": 1}, **fields, **more)  # type: ignore[arg-type]

    with pytest.raises(InputError, match="kind of experiment 'e' must be one of 'a', got 'b'"):
        made().plan(changes={"kind": ("b",)})
    assert made(choices={"kind": None}).plan(changes={"kind": ("b",)}).grid == {"kind": ("b",)}
    assert made().plan(changes={"device": "none"}).settings == {"device": "none"}
    with pytest.raises(InputError, match="device of experiment 'e' must be one of 'cpu', got 'none'"):
        made(choices={"device": ("cpu",)}).plan(changes={"device": "none"})
    with pytest.raises(InputError, match="choices of experiment 'e' name 'none', which it does not have"):
        made(choices={"none": ()})


def test_files_of_numbers_that_lie(tmp_path: Path) -> None:
    def head(shape: tuple[int, ...]) -> None:
        with (tmp_path / "a.npy").open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})

    for shape in ((10**13,), (2**62, 2), (-3,)):
        head(shape)
        assert "cannot be read as numbers" in refused("predict", "--values", "a.npy")
    np.save(tmp_path / "a.npy", np.array([{}, 1], dtype=object), allow_pickle=True)
    assert "cannot be read as numbers" in refused("predict", "--values", "a.npy")
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00\x76\x00" + b"(" * 118)
    assert "cannot be read as numbers" in refused("predict", "--values", "a.npy")
    # A twin that is sound.
    np.save(tmp_path / "a.npy", [2.0, 1.0])
    assert answer(["predict", "--values", "a.npy", "--m", "1"]).status == 0


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "secret.py"
    file.write_text("")
    file.chmod(0)
    if os.access(file, os.R_OK):
        pytest.skip("whoever runs the tests may read everything")
    assert "Permission denied" in refused("verify", "secret.py")


def test_names_are_no_markup(tmp_path: Path) -> None:
    materials.claims(tmp_path, name="[/bold]", statement="[/bold] [red]", value="fails()", fails="raise KeyError")
    assert "claim '[/bold]'" in refused(*VERIFY)
    materials.experiment(tmp_path, title="T [/bold] [red]", after="def table(d): return [{'[/x]': '[/y]'}]")
    found = answer(run())
    assert found.status == 0
    assert all(text in " ".join(found.out.split()) for text in ("T [/bold] [red]", "[/x]", "[/y]"))
    (tmp_path / "[bold].csv").write_text("2.0,1.0\n")
    found = answer(["predict", "--values", "[bold].csv", "--m", "1"])
    assert found.status == 0
    assert "[bold], n = 2" in found.out


def test_a_hunt_sends_a_users_functions_and_classes_to_its_workers(tmp_path: Path) -> None:
    materials.claims(tmp_path, n=9)
    answers = []
    for workers in ("1", "2"):
        found = answer([*HUNT[:4], "--rounds", "2", "--max-n", "3", "--workers", workers, "--out", workers, "--json"])
        assert found.status == 0, found.err
        answers.append({key: value for key, value in json.loads(found.out).items() if key != "seconds"})
    assert answers[0] == answers[1]


def test_an_interrupt_is_no_failure_of_users_code() -> None:
    with pytest.raises(KeyboardInterrupt), failing_as(ClaimError, "value"):
        raise KeyboardInterrupt
    with pytest.raises(ClaimError, match="value raised StopIteration"), failing_as(ClaimError, "value"):
        raise StopIteration


def test_only_what_has_an_end_is_read(tmp_path: Path) -> None:
    for path in (tmp_path / "pipe.py", tmp_path / "folder.py", tmp_path / LONG, tmp_path / "none", Path("a\0b")):
        with pytest.raises(LinflowError):
            regular_file(path, "file")
    regular_file(tmp_path / "words", "file")


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (Answer(2, "", "linflow: a\n"), ""),
        (Answer(2, "", "small: 0 of 8 cells\nlinflow: a\n"), ""),
        (Answer(2, "", "linflow: a\nlinflow: b\n"), "2 lines"),
        (Answer(2, "", ""), "0 lines"),
        (Answer(1, "", ""), "without a reason"),
        (Answer(120, "", "linflow: a\n"), "status 120"),
        (Answer(2, "", "linflow: this is a fault of linflow, not yours (KeyError)"), "this is a fault"),
        (Answer(2, "", "Traceback (most recent call last):\nKeyError: 1"), "a traceback"),
        (Answer(0, "", "RuntimeWarning: overflow"), "complaints"),
        (Answer(0, "", "", hung=True), "hangs"),
    ],
)
def test_the_judge_of_the_campaign(found: Answer, problem: str) -> None:
    assert problem in wrong(found)
    assert bool(wrong(found)) == bool(problem)
