"""The kernel of the proofs: what may count as established, and what must leave a gap; the commands; the wheel."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sympy as sp
from flint import arb, fmpq, fmpq_mat

import proofs
from linflow.claims import catalogue
from linflow.cli import main as linflow
from proofs import checks
from proofs.command import main as proofs_command
from proofs.command import markdown, summary, text
from proofs.ledger import Entry, Gap, How, Statement, establish, examine
from proofs.propositions import Fact, Proposition
from tests.proof_faults import documented

#: Files from which letters, and functions of lists, are taken as well.
NOTATION = {"mle", "truncated", "range_finder", "named_spectra"}
ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "proofs").glob("*.py"))
#: What a proof may be made of. Random numbers are not among it, nor is linflow.
LIBRARIES = {
    *("sympy", "flint", "cvxpy", "numpy", "sklearn", "skimage"),
    *("__future__", "collections", "dataclasses", "enum", "fractions", "functools", "itertools", "math", "operator"),
    "typing",
    *("argparse", "contextlib", "contextvars", "importlib", "json", "sys", "textwrap", "time"),
}


def statement(name: str = "S", uses: tuple[str, ...] = ()) -> Statement:
    return Statement(name, "something", uses=uses)


def holding(name: str, *used: Statement) -> Statement:
    found = Statement(name, Proposition(sp.S.One, "=", sp.S.One))

    @found.concludes
    def conclusion() -> Fact:
        for other in used:
            other.fact()
        return checks.same(1, 1)

    return found


def gap_of(found: Statement) -> str:
    (entry,) = examine([found])
    assert not entry.holds
    return next((result.gap for result in entry.results), entry.missing)


def test_a_statement_without_steps_does_not_hold() -> None:
    assert not examine([statement()])[0].holds


def test_a_step_that_checks_nothing_is_a_gap() -> None:
    found = statement()
    found.symbolic("nothing", scope="none")(lambda: None)
    assert gap_of(found) == "it checks nothing"


def test_a_step_that_raises_is_a_gap_and_the_others_go_on() -> None:
    found = statement()

    @found.ball("divides by zero", scope="none")
    def _() -> None:
        checks.same(1, 1)
        _ = 1 // 0

    @found.ball("holds", scope="none")
    def _() -> None:
        checks.below(1, 2)

    (entry,) = examine([found])
    assert [result.holds for result in entry.results] == [False, True]
    assert entry.results[0].gap.startswith("ZeroDivisionError")
    assert not entry.holds


def test_a_citation_needs_its_source() -> None:
    found = statement()
    found.cited("a theorem", source="")
    assert gap_of(found) == "nothing establishes it"
    found = statement()
    found.cited("a theorem", source="somebody, Theorem 1")
    assert examine([found])[0].holds


@pytest.mark.parametrize("value", [1, None, sp.true, sp.Symbol("x") > 0, "yes"], ids=str)
def test_only_true_establishes(value: object) -> None:
    with pytest.raises(Gap):
        establish(value, "no")  # type: ignore[arg-type]


def test_arguments_are_not_circular() -> None:
    a = holding("A")
    b = holding("B", a)
    first, second = examine([b, a])
    assert not first.holds
    assert second.holds
    assert "uses A" in first.missing
    assert not examine([holding("A"), holding("A")])[1].holds
    assert [entry.holds for entry in examine([a, b])] == [True, True]


def test_what_is_used_comes_along() -> None:
    a, c = holding("A"), holding("C")
    b = holding("B", a)
    d = holding("D", b)
    assert [entry.statement.name for entry in examine([a, b, c, d], ["D"])] == ["A", "B", "D"]
    assert [entry.holds for entry in examine([a, b, c, d], ["D"])] == [True] * 3


def test_what_uses_a_statement_that_fails_does_not_hold() -> None:
    wrong = Statement("wrong", Proposition(sp.S.One, "=", sp.S(2)))
    wrong.concludes(lambda: checks.same(1, 2))
    assert [entry.holds for entry in examine([wrong, holding("A", wrong)])] == [False, False]


x, y = sp.symbols("x y")
positive = sp.Symbol("p", positive=True)


@pytest.mark.parametrize(
    ("check", "arguments"),
    [
        (checks.same, (x, y)),
        (checks.same, ((x + 1) ** 2, x**2 + 1)),
        (checks.same, (sp.Matrix([1, 2]), sp.Matrix([1, 3]))),
        (checks.same, (sp.Matrix([1, 2]), sp.Matrix([[1, 2]]))),
        (checks.same, (sp.oo, sp.oo)),
        (checks.same, (sp.pi, sp.Rational(355, 113))),
        (checks.differs, (sp.Integer(1), sp.Rational(2, 2))),
        (checks.differs, (x, y)),
        (checks.infinite, (x,)),
        (checks.infinite, (-sp.oo,)),
        (checks.nonnegative, (x,)),
        (checks.nonnegative, (positive - 1,)),
        (checks.at_most, (positive, positive / 2)),
        (checks.below, (arb(1), arb(1))),
        (checks.below, (2, 1)),
        (checks.below, (arb(1, 0.5), arb(1.2))),
        (checks.below, (arb("nan"), arb(1))),
        (checks.exactly, (fmpq(1, 3), fmpq(1, 2))),
        (checks.exactly, (1.0, 1.0)),
        (checks.exactly, (arb(1), arb(1))),
        (checks.positive_semidefinite, (fmpq_mat([[1, 0], [1, 1]]),)),
        (checks.positive_semidefinite, (fmpq_mat([[0, 1], [1, 0]]),)),
        (checks.positive_semidefinite, (fmpq_mat([[1, 1, 0], [1, 1, 1], [0, 1, 1]]),)),
        (checks.positive_semidefinite, (fmpq_mat([[2, 1], [1, fmpq(1, 2) - fmpq(1, 10**30)]]),)),
    ],
)
def test_a_checker_refuses_what_does_not_hold(check: object, arguments: tuple[object, ...]) -> None:
    with pytest.raises(Gap):
        check(*arguments)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("check", "arguments"),
    [
        (checks.same, ((x + y) ** 2, x**2 + 2 * x * y + y**2)),
        (checks.same, (sp.Matrix([[x, 0]]), sp.Matrix([[x, 0]]))),
        (checks.same, (sp.gamma(positive + 1), positive * sp.gamma(positive))),
        (checks.differs, (sp.Integer(1), sp.Rational(1, 2))),
        (checks.at_most, (positive / (1 + positive), positive)),
        (checks.below, (fmpq(1, 3), arb(1) / 2)),
        (checks.exactly, (fmpq(2, 4), fmpq(1, 2))),
        (checks.positive_semidefinite, (fmpq_mat([[2, 1], [1, fmpq(1, 2)]]),)),
        (checks.positive_semidefinite, (fmpq_mat([[0, 0], [0, 1]]),)),
    ],
)
def test_a_checker_accepts_what_holds(check: object, arguments: tuple[object, ...]) -> None:
    check(*arguments)  # type: ignore[operator]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module))
    return names


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_proof_draws_nothing_and_knows_nothing_of_linflow(path: Path) -> None:
    assert {name.split(".")[0] for name in imported(path)} <= LIBRARIES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            assert node.attr not in ("random", "default_rng", "randMatrix", "evalf", "allclose", "isclose"), path.name


@pytest.mark.parametrize("file", proofs.FILES)
def test_a_file_is_an_argument_with_named_steps(file: str) -> None:
    found = [s for s in proofs.statements() if s.file == f"proofs.{file}"]
    assert found
    docstring = ast.get_docstring(ast.parse((ROOT / "proofs" / f"{file}.py").read_text(encoding="utf-8"))) or ""
    assert "Statement" in docstring
    assert "Proof" in docstring
    for step in (step for s in found for step in s.steps):
        assert step.says
        assert (step.check is None) == (step.how is How.CITED)
        assert not step.scope or step.how is How.CITED, "what was seen is the scope"


@pytest.mark.parametrize("found", proofs.statements(), ids=lambda s: s.name)
def test_what_is_said_is_written_from_propositions(found: Statement) -> None:
    assert found.goals
    assert not found.by_hand
    assert [step.how for step in found.steps].count(How.CHAIN) == 1
    # Every proposition is said, and the words between them say nothing that only a proposition may.
    assert {f"{{{number}}}" for number in range(len(found.goals))} <= set(re.findall(r"\{\d+\}", found.words))
    between = re.sub(r"\{\d+\}", "", found.words)
    assert not re.search(r"\d\s*[/^*]|[<>]|\d{2,}", between), between


#: Parts of the kernel of the proofs, and what a proof may take from them: facts come from checkers and rules alone.
MAKERS = {"established", "recorded", "replaced", "Record", "recording"}


@pytest.mark.parametrize("file", proofs.FILES)
def test_a_proof_makes_no_fact_and_no_explicit_symbols_by_hand(file: str) -> None:
    tree = ast.parse((ROOT / "proofs" / f"{file}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not MAKERS & {alias.name for alias in node.names}
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            assert called != "Fact"
            first = node.args[0] if node.args else None
            if called == "symbols" and not (isinstance(first, ast.Constant) and ":" not in str(first.value)):
                pytest.fail(f"a family of symbols of explicit size that nobody notes: line {node.lineno}")


@pytest.mark.parametrize("file", proofs.FILES)
def test_what_a_file_imports_from_another_proof_it_uses(file: str) -> None:
    module = importlib.import_module(f"proofs.{file}")
    tree = ast.parse((ROOT / "proofs" / f"{file}.py").read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level == 1}
    mine = {s.name for s in proofs.statements() if s.file == module.__name__}
    used = {name for row in documented().values() if row[0] in mine for name in row[3].split(", ") if name}
    for other in imported & set(proofs.FILES):
        theirs = {s.name for s in proofs.statements() if s.file == f"proofs.{other}"}
        assert theirs & used or other in NOTATION, f"{file} takes from {other} and uses none of {theirs}"


def test_every_file_is_in_the_ledger_and_no_name_occurs_twice() -> None:
    kernel = {"__init__", "__main__", "kernel", "algebra", "notation", "propositions", "ledger", "checks", "command"}
    kernel |= {"matrices", "rationals", "members"}
    assert {path.stem for path in FILES} - kernel == set(proofs.FILES)
    names = [s.name for s in proofs.statements()]
    assert len(set(names)) == len(names)


def test_the_ledger_shows_gaps(capsys: pytest.CaptureFixture[str]) -> None:
    found = statement("wrong")

    @found.symbolic("one is two", scope="1, 2")
    def _() -> None:
        checks.same(1, 2)

    entry: Entry = examine([found])[0]
    assert "GAP" in text(entry)
    assert "1 is not 2" in text(entry)
    assert "1 DO NOT HOLD" in summary([entry])
    assert "DOES NOT HOLD" in markdown([entry])
    assert "all hold" not in summary([])


def test_the_command_prints_the_ledger_and_says_by_its_status_whether_it_holds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert proofs_command(["inverse-chi-square"]) == 0
    assert "all hold" in capsys.readouterr().out
    assert proofs_command(["inverse-chi-square", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["holds"] is True
    first = found["statements"][0]
    assert first["steps"][0]["how"] == "symbolic"
    assert first["steps"][0]["facts"][0].endswith("= 1")
    assert (first["sizes_up_to"], first["argued"], first["uses"]) == (None, 0, [])
    assert proofs_command(["no-such-statement"]) == 2
    assert "no statement is named" in capsys.readouterr().err
    monkeypatch.setattr("proofs.command.statements", lambda: [statement("empty")])
    assert proofs_command([]) == 1
    assert "1 DO NOT HOLD" in capsys.readouterr().out
    monkeypatch.setattr("proofs.command.statements", list)
    assert proofs_command([]) == 1


def test_linflow_prove_is_the_same_ledger(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        linflow(["prove", "inverse-chi-square"])
    assert exit_.value.code == 0
    assert "inverse-chi-square holds" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit_:
        linflow(["prove", "no-such-statement"])
    assert exit_.value.code == 2
    assert "no statement is named no-such-statement" in capsys.readouterr().err


def test_without_sympy_one_sentence_says_what_to_install() -> None:
    code = "import sys; sys.modules['sympy'] = None\nfrom linflow.cli import main\nmain(['prove'])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr.strip() == "linflow: the proofs need sympy: pip install 'linflow[proofs]'"


def test_the_wheel_carries_the_proofs(tmp_path: Path) -> None:
    script = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, check=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as archive:
        archive.extractall(tmp_path / "site")
    found = subprocess.run(
        [sys.executable, "-m", "linflow", "prove", "inverse-chi-square"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert "inverse-chi-square holds" in found.stdout


#: Theorems of the catalogue that the ledger has under another name.
ELSEWHERE = {
    "sharp-exponential-complex": "complex-exponential",
    "oracle-first": "E_1",
    "oracle": "enclosures-plane",
    "oracle-last": "E_{n-1}",
    **{f"interlacing-complex-{side}": "interlacing" for side in ("lower", "upper")},
    **{f"interlacing-real-{side}": "interlacing" for side in ("lower", "complex", "upper")},
    "interlacing-complex-real": "complex-below-real",
    "interlacing-penalty-complex-lower": "penalty-interlacing",
    "interlacing-penalty-complex-upper": "penalty",
    "interlacing-penalty-real-lower": "penalty",
    "interlacing-penalty-real-upper": "penalty-interlacing",
    **{f"interlacing-{name}-{field}": "penalty" for name in ("resolvent", "log-det") for field in ("real", "complex")},
    **{f"T6-{norm}-{form}": "T6" for norm in ("frobenius", "spectral") for form in ("preprint", "journal")},
}


#: Links of the catalogue that are equalities at some spectra: the step that establishes it, in the proof of the inequality.
EQUALITIES = {
    "interlacing-equal-complex": ("complex-equivalent", "flat"),
    "interlacing-equal-real": ("real-equivalent", "equality"),
}


def test_every_theorem_of_the_catalogue_is_proved_in_the_ledger() -> None:
    proved = {s.name: {step.says for step in s.steps} for s in proofs.statements()}
    theorems = {claim.name for claim in catalogue() if claim.status == "theorem"}
    assert theorems
    assert {ELSEWHERE.get(name, name) for name in theorems - set(EQUALITIES)} <= set(proved)
    assert all(step in proved[name] for name, step in EQUALITIES.values())
    # A name that the catalogue has no more is mapped to nothing.
    assert {*ELSEWHERE, *EQUALITIES} <= theorems


def test_every_row_of_the_documentation_is_held_by_the_test_of_its_file() -> None:
    """`entries_of` holds the rows of one file against the documentation, so that the whole is run once."""
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("test_proofs_*.py")]
    named = {file for text in tests for file in re.findall(r'entries_of\("(\w+)"\)', text)}
    assert named | {"bound_certificates", "estimator_certificates"} == set(proofs.FILES)
    names = [statement.name for statement in proofs.statements()]
    assert list(documented()) == names
    # No argument is circular.
    for place, row in enumerate(documented().values()):
        used = [name.strip() for name in row[3].split(",") if name.strip()]
        assert set(used) <= set(names[:place]), row[0]


#: Where steps are checked up to some size only, the size; all other statements are checked for all sizes.
SIZES = {"complex-exact": 4, "enclosures": 4, "enclosures-plane": 4}


def test_explicit_sizes_are_few_and_no_smaller_than_they_were() -> None:
    found = {name: int(at.group(1)) for name, row in documented().items() if (at := re.search(r"sizes <= (\d+)", row[4]))}
    assert found == SIZES
    assert {row[4].split(" (")[0] for row in documented().values()} == {"holds"}
