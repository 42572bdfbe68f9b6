"""Methods from outside in experiments: what they get, what is refused, what tells them apart; the others stay the same."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator
from typer.testing import CliRunner

from linflow import cli
from linflow.errors import DataError, InputError, LinflowError, ShapeError
from linflow.experiments import Experiment, Problem, Variable, answer, load, run
from linflow.experiments.methods import METHODS, own_generator
from linflow.measurement import identity, row_sampling
from linflow.testing import assert_method
from linflow.testing.methods import some_images

EXPERIMENT = """
import numpy as np
from linflow.experiments import Experiment, Problem, Variable, own_answers
from linflow.experiments.compared import compared
from linflow.measurement import identity

def training():
    return np.ones((5, 4))

def cell(params, rng):
    y = rng.standard_normal((3, 4))
    problem = Problem(y=y, A=identity(4), noise_std=1.0, shape=(2, 2, 1), training=training, rng=rng)
    found = own_answers(params, problem)
    found |= {"noisy": y, "noise": rng.standard_normal((3, 4))}
    return {"mean": [found[name].mean() for name in compared(params, ("noisy", "noise"))]}

EXPERIMENT = Experiment(
    name="own", title="Own", cell=cell, grid={"n": (4,)}, blocks=2, inner={"estimator": ("noisy", "noise")},
    variables={"mean": Variable("a mean", dims=("estimator",))}, methods="estimator",
)
"""


@pytest.fixture
def own(tmp_path: Path) -> Experiment:
    (tmp_path / "own.py").write_text(EXPERIMENT)
    return load(tmp_path / "own.py").experiment


def written(folder: Path, body: str, name: str = "mine") -> str:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(f"import numpy as np\n{body}")
    return f"{folder / name}.py:my_method"


def constant(value: float) -> str:
    return f"def my_method(problem):\n    return np.full((len(problem.y), problem.n), {value})\n"


def means(own: Experiment, out: Path, *methods: Any, named: Any = None, **options: Any) -> dict[str, list[float]]:
    dataset = run(own, out=out, methods=methods if named is None else named, **{"workers": 1, **options})
    assert dataset.attrs["n_failed"] == 0, dataset["error_text"].values
    return {str(name): dataset["mean"].sel(estimator=name).values.ravel().tolist() for name in dataset["estimator"].values}


def cells_of(folder: Path) -> int:
    with sqlite3.connect(folder / "own.sqlite") as connection:
        count = int(connection.execute("SELECT count(*) FROM records").fetchone()[0])
    connection.close()
    return count


def a_problem(**changes: Any) -> Problem:
    parts: dict[str, Any] = {"y": np.arange(8.0).reshape(2, 4), "A": identity(4), "noise_std": 0.5, "shape": (2, 2, 1)}
    return Problem(**{**parts, **changes})


# ------------------------------------------------------------------------------------------------------------ in a run


def test_a_method_is_compared_and_the_numbers_of_the_others_stay(own: Experiment, tmp_path: Path) -> None:
    out, file = tmp_path / "out", written(tmp_path / "a", constant(7.0))
    alone = means(own, out)
    both = means(own, out, file)
    assert list(both) == ["noisy", "noise", "my method"]
    assert both["my method"] == [7.0, 7.0]
    drawing = "def my_method(problem):\n    problem.y[:] = 0\n    return problem.rng.standard_normal((3, 4))\n"
    drawn = means(own, out, written(tmp_path / "b", drawing))
    for found in (both, drawn):
        assert {name: found[name] for name in alone} == alone
    # Its random numbers are its own, of each block, and the same whatever runs beside it.
    second = written(tmp_path / "c", constant(1.0)).replace("my_method", "another")
    (tmp_path / "c" / "mine.py").write_text("def another(problem):\n    return problem.rng.standard_normal((3, 4))\n")
    more = means(own, out, second, written(tmp_path / "b", drawing))
    assert more["my method"] == drawn["my method"]
    assert len({*more["my method"], *more["another"], *more["noise"]}) == 6


def test_a_method_is_kept_under_its_content_and_not_its_place(own: Experiment, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert means(own, out, written(tmp_path / "a", constant(1.0)))["my method"] == [1.0, 1.0]
    assert means(own, out, written(tmp_path / "elsewhere", constant(1.0)))["my method"] == [1.0, 1.0]
    assert cells_of(out) == 2
    assert means(own, out, written(tmp_path / "a", constant(2.0)))["my method"] == [2.0, 2.0]
    assert cells_of(out) == 4
    assert means(own, out, written(tmp_path / "a", constant(1.0)))["my method"] == [1.0, 1.0]
    assert cells_of(out) == 4


def test_what_stands_at_the_top_of_its_file_counts(own: Experiment, tmp_path: Path) -> None:
    body = (
        "from pathlib import Path\nWEIGHT = float(Path(__file__).with_name('w.txt').read_text())\n"
        "def my_method(problem):\n    return WEIGHT * np.ones((3, 4))\n"
    )
    file = written(tmp_path / "a", body)
    for weight in (2.0, 3.0):
        (tmp_path / "a" / "w.txt").write_text(str(weight))
        sys.modules.pop("linflow_file_mine", None)  # as in another program: one that runs has read its file
        assert means(own, tmp_path / "out", file)["my method"] == [weight, weight]
    assert cells_of(tmp_path / "out") == 4


def test_workers_get_the_method_and_the_modules_beside_it(own: Experiment, tmp_path: Path) -> None:
    body = "def my_method(problem):\n    import beside_the_method\n    return beside_the_method.of(problem)\n"
    file = written(tmp_path / "a", body)
    (tmp_path / "a" / "beside_the_method.py").write_text("def of(problem):\n    return problem.train[:3] * 5\n")
    assert means(own, tmp_path / "out", file, workers=2)["my method"] == [5.0, 5.0]


def test_a_method_that_fails_is_a_sentence_and_never_a_number(own: Experiment, tmp_path: Path) -> None:
    bodies = {
        "raises": ("    raise OSError('no such disk')\n", "my_method of "),
        "nan": ("    return np.full((3, 4), np.nan)\n", "what method 'my method' returned must be finite"),
        "one": ("    return np.ones(4)\n", r"must return an array of shape \(3, 4\)"),
    }
    for name, (body, sentence) in bodies.items():
        file = written(tmp_path / name, f"def my_method(problem):\n{body}")
        dataset = run(own, out=tmp_path / "out", methods=[file], workers=1)
        assert dataset.attrs["n_failed"] == 2
        with pytest.raises(DataError, match=sentence):
            raise DataError(str(dataset["error_text"].values.ravel()[0]))
        assert bool(dataset["mean"].isnull().all())


def times(factor: float) -> Any:
    def scaled_ones(problem: Problem) -> Any:
        return factor * np.ones((len(problem.y), problem.n))

    return scaled_ones


class Weighted:
    """A method that holds its weights."""

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self, problem: Problem) -> Any:
        return self.weight + problem.rng.standard_normal((len(problem.y), problem.n))


def test_functions_are_methods_as_they_are_and_by_any_name(own: Experiment, tmp_path: Path) -> None:
    out, file = tmp_path / "out", written(tmp_path / "a", constant(7.0))
    alone = means(own, out)
    found = means(own, out, times(3.0), file, Weighted(100.0))
    assert {name: found[name] for name in alone} == alone
    assert (found["scaled ones"], found["my method"]) == ([3.0, 3.0], [7.0, 7.0])
    assert all(abs(value - 100) < 9 for value in found["Weighted"])
    by_name = means(own, out, named={"three": times(3.0), "of a file": file, "a network, 100": Weighted(100.0)})
    assert list(by_name) == ["noisy", "noise", "three", "of a file", "a network, 100"]
    assert (by_name["three"], by_name["of a file"]) == ([3.0, 3.0], [7.0, 7.0])
    # Random numbers follow from the name, as those of every method.
    assert by_name["a network, 100"] != found["Weighted"]
    assert means(own, out, named={"Weighted": Weighted(100.0)})["Weighted"] == found["Weighted"]


def test_a_function_is_kept_under_what_it_is_and_holds(own: Experiment, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for factor, cells in ((1.0, 2), (2.0, 4), (1.0, 4)):  # the same code, and another number in it
        assert means(own, out, times(factor))["scaled ones"] == [factor, factor]
        assert cells_of(out) == cells
    for weight, cells in ((1.0, 6), (5.0, 8), (1.0, 8)):
        means(own, out, Weighted(weight))
        assert cells_of(out) == cells
    assert means(own, out, named={"other": times(1.0)})["other"] == [1.0, 1.0]
    assert cells_of(out) == 10


def test_workers_get_functions_too(own: Experiment, tmp_path: Path) -> None:
    here = means(own, tmp_path / "one", named={"w": Weighted(3.0), "three": lambda problem: 3 * np.ones((3, 4))})
    there = means(
        own, tmp_path / "two", named={"w": Weighted(3.0), "three": lambda problem: 3 * np.ones((3, 4))}, workers=2
    )
    assert here == there


def test_functions_that_are_no_methods_are_refused_before_anything_runs(own: Experiment, tmp_path: Path) -> None:
    from threading import Lock

    lock = Lock()
    wrong: list[tuple[Any, type[Exception], str]] = [
        ([lambda problem: problem.y], InputError, "a function without a name .* methods={'my name': "),
        ({3: times(1.0)}, InputError, "a method is called by a few words in one line, got 3"),
        ({" ": times(1.0)}, InputError, "a method is called by a few words"),
        ({"a\nb": times(1.0)}, InputError, "a method is called by a few words"),
        ({"Noisy": times(1.0)}, InputError, "has a method 'noisy' of its own"),
        ([times(1.0), times(2.0)], InputError, "two methods are called 'scaled ones'"),
        ([lambda: None], InputError, "without a name"),
        ({"two": lambda problem, more: None}, DataError, "cannot be called with one problem"),
        ({"three": 3}, InputError, "each of methods must be a path"),
        ([3], InputError, "each of methods must be a path"),
        ({"locked": lambda problem: lock}, InputError, "lock"),
    ]
    for methods, error, words in wrong:
        with pytest.raises(error, match=words) as caught:
            run(own, out=tmp_path / "out", methods=methods, workers=1)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out").exists()
    with pytest.raises(AssertionError, match="raises raised ZeroDivisionError"):
        means(own, tmp_path / "failed", named={"raises": lambda problem: 1 / 0})


def test_what_names_no_method_is_refused_before_anything_runs(own: Experiment, tmp_path: Path) -> None:
    a, b = written(tmp_path / "a", constant(1.0)), written(tmp_path / "b", constant(2.0))
    (tmp_path / "a" / "more.py").write_text(
        "three = 3\ndef Noisy(problem):\n    pass\ndef two(problem, other):\n    pass\ndef none():\n    pass\n"
    )
    more = f"{tmp_path / 'a' / 'more.py'}:"
    cases: tuple[tuple[Any, type[LinflowError], str], ...] = (
        ([a, b], InputError, "two methods are called 'my method': rename one of the functions"),
        ([a, a], InputError, "two methods are called 'my method'"),
        ([f"{more}Noisy"], InputError, "experiment 'own' has a method 'noisy' of its own: rename the function"),
        ([f"{more}two"], DataError, "cannot be called with one problem: missing a required argument: 'other'"),
        ([f"{more}none"], DataError, "cannot be called with one problem"),
        ([f"{more}three"], DataError, "names no function"),
        ([f"{more}missing"], DataError, "names no function"),
        ([str(tmp_path / "a" / "mine.py")], InputError, "name the function of a method, such as my_file.py:my_method"),
        ([f"{tmp_path}:my_method"], DataError, "the method file .* does not exist"),
        (["no_such_module:method"], DataError, "there is no module 'no_such_module'"),
        ([":method"], InputError, "name the function of a method"),
        ([""], InputError, "each of methods must be a path"),
        ([3], InputError, "each of methods must be a path"),
        (a, InputError, "methods must be several of names"),
    )
    for methods, kind, sentence in cases:
        with pytest.raises(kind, match=sentence) as error:
            run(own, out=tmp_path / "out", methods=methods, workers=1)
        assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="experiment 'sample-complexity' takes no --method"):
        run(load("sample-complexity").experiment, out=tmp_path / "out", methods=[a], workers=1)


def test_methods_are_compared_along_a_dimension_of_names() -> None:
    def made(**changes: Any) -> Experiment:
        variables = {"v": Variable("v", dims=("k",))}
        return Experiment(name="x", title="x", cell=lambda p, r: {}, grid={"n": (1,)}, variables=variables, **changes)

    assert made(inner={"k": ("a",)}, methods="k").methods == "k"
    for changes in ({"methods": "n"}, {"methods": "k"}, {"methods": "k", "inner": {"k": (1, 2)}}, {"methods": 3}):
        with pytest.raises(InputError, match="must be a dimension of inner that holds names of methods"):
            made(**changes)


def test_the_command_takes_methods_and_its_page_says_how_to_get_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(EXPERIMENT)
    written(tmp_path / "a", constant(1.0))
    (tmp_path / "b.py").write_text("def other(problem):\n    return 2 * problem.y\n")
    words = ["run", "own.py", "--method", "a/mine.py:my_method", "--method", "b.py:other", "--workers", "1"]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "linflow-results" / "own.md").read_text()
    assert "linflow run own.py --seed 0 --method a/mine.py:my_method --method b.py:other\n" in page
    for place in ("a/mine.py", "b.py"):
        assert f"- input {(tmp_path / place).resolve()}: sha256 " in page
    assert page.count("The method ") == 2
    assert "my method" in (tmp_path / "linflow-results" / "own.csv").read_text()


# ------------------------------------------------------------------------------------------------------- what a method gets


def test_a_problem_is_of_one_piece() -> None:
    problem = a_problem()
    assert problem.noisy.shape == (2, 2, 2, 1)
    np.testing.assert_array_equal(problem.images(problem.y), problem.noisy)
    np.testing.assert_array_equal(problem.noisy[1, :, :, 0], [[4.0, 5.0], [6.0, 7.0]])
    assert a_problem(training=lambda: np.ones((6, 4))).train.shape == (6, 4)
    with pytest.raises(ShapeError, match=r"the training signals must have shape \(samples, 4\), got \(6, 2, 2, 1\)"):
        _ = a_problem(training=lambda: np.ones((6, 2, 2, 1))).train
    with pytest.raises(InputError, match="there are no training signals"):
        _ = problem.train
    for changes, kind, sentence in (
        ({"y": np.ones(4)}, ShapeError, r"y must have shape \(batch, 4\) for this A, got \(4,\)"),
        ({"y": np.ones((2, 3))}, ShapeError, "y must have shape"),
        ({"shape": (2, 3)}, ShapeError, "have 6 entries, and A has 4 columns"),
        ({"noise_std": -1.0}, InputError, "noise_std"),
        ({"A": 1j * np.eye(4)}, InputError, "A must be an array of real numbers"),
        ({"A": aslinearoperator(1j * np.eye(4))}, InputError, "A must be real"),
        ({"y": np.full((2, 4), np.nan)}, InputError, "y must be finite"),
    ):
        with pytest.raises(kind, match=sentence):
            a_problem(**changes)


def test_nothing_is_shared_that_a_method_could_change() -> None:
    train, y, A = np.ones((3, 4)), np.ones((2, 4)), np.eye(4)
    problem = a_problem(y=y, A=A, training=lambda: train)

    def vandal(given: Problem) -> Any:
        for array in (given.A, given.train):
            with pytest.raises(ValueError, match="read-only"):
                array[0, 0] = 9.0
        given.y[:] = 9.0
        given.noisy[:] = 9.0
        given.rng.random(5)
        return given.y

    state = problem.rng.bit_generator.state
    np.testing.assert_array_equal(answer("vandal", vandal, problem), np.full((2, 4), 9.0))
    np.testing.assert_array_equal(problem.y, np.ones((2, 4)))
    assert train.flags.writeable
    assert A.flags.writeable
    assert problem.rng.bit_generator.state == state


NOT_THE_IDENTITY = (row_sampling([0, 1, 2, 2], 4), np.diag([1.0, 1.0, 1.0, 0.0]), np.eye(4)[::-1], np.ones((3, 4)))


@pytest.mark.parametrize("A", NOT_THE_IDENTITY)
def test_noisy_signals_are_there_only_where_signals_are_measured(A: Any) -> None:
    # Of a projection that leaves this y as it is, too.
    y = np.zeros((1, A.shape[0]))
    with pytest.raises(InputError, match="are no noisy signals: A is not the identity"):
        _ = a_problem(y=y, A=A).noisy
    with pytest.raises(DataError, match="method 'noisy' raised InputError: the measurements are no noisy signals"):
        answer("noisy", METHODS["noisy"], a_problem(y=y, A=A))
    assert a_problem(A=np.eye(4)).noisy.shape == (2, 2, 2, 1)


REFUSED: dict[str, tuple[Callable[[Problem], Any], str]] = {
    "raises": (lambda p: 1 / 0, "method 'mine' raised ZeroDivisionError: division by zero"),
    "exits": (lambda p: exec("raise SystemExit(0)"), "method 'mine' raised SystemExit: 0"),
    "none": (lambda p: None, "method 'mine' returned None"),
    "text": (lambda p: "ten", "what method 'mine' returned must be"),
    "complex": (lambda p: p.y * 1j, "what method 'mine' returned must be"),
    "masked": (lambda p: np.ma.masked_less(p.y, 3), "masked"),
    "infinite": (lambda p: p.y / np.zeros(1), "what method 'mine' returned must be finite"),
    "one row": (lambda p: p.y[0], r"shape \(2, 4\), one row for each signal, got shape \(4,\)"),
    "transposed": (lambda p: p.y.T, r"got shape \(4, 2\)"),
    "images": (lambda p: p.noisy, r"got shape \(2, 2, 2, 1\): return x.reshape\(len\(x\), -1\)"),
    "no training": (lambda p: p.train, "there are no training signals"),
}


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_estimate_is_a_sentence_with_the_methods_name(name: str) -> None:
    method, sentence = REFUSED[name]
    with pytest.raises(DataError, match=sentence) as error:
        answer("mine", method, a_problem())
    assert "\n" not in str(error.value)
    with pytest.raises(AssertionError, match=r".+"):
        assert_method(method, a_problem())


def test_random_numbers_follow_from_the_cell_the_name_and_m() -> None:
    def first(seed: int, name: str, m: int) -> float:
        problem = a_problem(y=np.ones((1, m)), A=np.ones((m, 4)), rng=np.random.default_rng(seed))
        problem.rng.random(seed)  # what the cell drew before does not matter
        return float(own_generator(problem, name).random())

    assert len({first(seed, name, m) for seed in (0, 1) for name in ("a", "b") for m in (2, 3)}) == 8
    assert first(1, "a", 2) == first(1, "a", 2)


# ------------------------------------------------------------------------------------------------------- the assertion


def test_good_methods_pass() -> None:
    def learnt(problem: Problem) -> Any:
        gain = problem.train.var(axis=0) / (problem.train.var(axis=0) + problem.noise_std**2)
        return problem.train.mean(axis=0) + gain * (problem.y - problem.train.mean(axis=0))

    assert_method(learnt)
    assert_method(METHODS["noisy"])
    assert_method(lambda p: p.y + p.rng.standard_normal(p.y.shape))
    assert_method(lambda p: p.y @ p.A, a_problem(A=np.ones((4, 4))))
    with pytest.raises(ShapeError, match="at least one signal"):
        assert_method(METHODS["noisy"], a_problem(y=np.ones((0, 4))))


_calls = iter(range(100))
WRONG: dict[str, tuple[Callable[[Problem], Any], str]] = {
    "batch": (lambda p: p.y - p.y.mean(axis=0), "for a signal alone another estimate than in a batch"),
    "order": (lambda p: np.cumsum(p.y, axis=0), "for a signal alone another estimate than in a batch"),
    "in place": (lambda p: np.multiply(p.y, 0.5, out=p.y), "changes the measurements that it gets"),
    "counts calls": (lambda p: p.y + next(_calls), "another estimate when it is called again"),
    "global random numbers": (lambda p: p.y + np.random.standard_normal(p.y.shape), "when it is called again"),  # noqa: NPY002
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_methods_fail(name: str) -> None:
    method, sentence = WRONG[name]
    with pytest.raises(AssertionError, match=sentence):
        assert_method(method)
    with pytest.raises(AssertionError, match=sentence):
        assert_method(method, some_images())
