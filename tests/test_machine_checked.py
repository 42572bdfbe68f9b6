"""What Coq checks: sources that may be compiled, the golden statements, the documentation; each planted fault is refused.

The whole of ``proofs/machine`` is compiled by ``linflow prove --machine``, once, in .ci/run.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import proofs
from linflow.cli import main as linflow
from linflow.errors import InputError
from linflow.proving import prove_by_machine
from proofs.machine import command, golden, sources
from proofs.machine.chapters import CHAPTERS
from proofs.machine.coq import CLOSED, Coq, CoqError, NoCoqError, Stated, check, find_coq
from proofs.machine.sources import Source, SourceError, blanked, refusals

ROOT = Path(__file__).resolve().parents[1]
FILES = sources.read(command.FOLDER)
needs_coq = pytest.mark.skipif(
    shutil.which("coqc") is None, reason="no coqc: apt install coq libcoq-mathcomp-algebra (.ci/run does, where it may)"
)

#: A file like ours, with each of the things that one may contain.
SOUND = """(* A remark: Axiom, Admitted. (* nested "*)" *) *)
From Coq Require Import Arith.
Set Implicit Arguments.
Section Room.
Variable n : nat.
Hypothesis small : n <= 3.
Notation m := (n + 1).
Let twice := n + n.
Definition next := n + 1.
Lemma on_the_way : n <= 4.
Proof. apply (Nat.le_trans _ 3 _ small). repeat constructor. Qed.
Theorem bounded : next <= 4.
Proof.
{ unfold next. rewrite Nat.add_1_r. apply le_n_S. exact small. }
Qed.
End Room.
Theorem plain (k : nat) : k <= 3 -> k <= 4.
Proof. exact (@on_the_way k). Qed.
"""
#: What is put into it -> what is said of it.
UNSOUND = {
    "admitted": ("exact small. }\nQed.", "exact small. }\nAdmitted.", "small.v:15: Admitted"),
    "admit": ("exact small. }", "admit. }", "small.v:14: admit"),
    "admit in a chain": ("exact small. }", "now (idtac; admit). }", "small.v:14: admit"),
    "axiom": ("Section Room.", "Axiom magic : False. Section Room.", "small.v:4: Axiom"),
    "local axiom": ("Section Room.", "Local Axiom magic : False. Section Room.", "small.v:4: Axiom"),
    "parameter": ("Section Room.", "Parameter c : nat. Section Room.", "small.v:4: Parameter"),
    "conjecture": ("Section Room.", "Conjecture c : False. Section Room.", "small.v:4: Conjecture"),
    "variable": ("Section Room.", "Variable c : nat. Section Room.", "small.v:4: Variable outside a section"),
    "hypotheses": ("End Room.", "End Room. Hypotheses h : False.", "small.v:16: Hypotheses outside a section"),
    "context": ("Section Room.", "Context (c : False). Section Room.", "small.v:4: Context is no command of these files"),
    "after a section": ("End Room.", "End Other.", "small.v:16: End Other ends no section"),
    "open section": ("End Room.\n", "", "small.v: the section Room is not ended"),
    "guard": ("Section Room.", "Unset Guard Checking. Section Room.", "small.v:4: Guard Checking"),
    "universes": ("Section Room.", "Unset  Universe\nChecking. Section Room.", "small.v:4: Universe Checking"),
    "positivity": ("Section Room.", "Unset Positivity Checking. Section Room.", "small.v:4: Positivity Checking"),
    "bypass": ("Lemma on", "#[bypass_check(guard)] Lemma on", "small.v:10: bypass_check"),
    "native": ("exact small. }", "native_compute. exact small. }", "small.v:14: native_compute"),
    "inductive": ("Section Room.", "Inductive t := T. Section Room.", "small.v:4: Inductive is no command of these files"),
    "module": ("Section Room.", "Module M. Section Room.", "small.v:4: Module is no command of these files"),
    "module type": (
        "Section Room.",
        "Declare Module M : T. Section Room.",
        "small.v:4: Declare is no command of these files",
    ),
    "coercion": (
        "Section Room.",
        "Coercion f : a >-> b. Section Room.",
        "small.v:4: Coercion is no command of these files",
    ),
    "notation": ("Section Room.", 'Notation "a <= b" := (b <= a). Section Room.', "small.v:4: Notation outside a section"),
    "local notation": (
        "Section Room.",
        "Local Notation le := ge. Section Room.",
        "small.v:4: Local is no command of these files",
    ),
    "in a proof": ("exact small. }", "Definition d := 0. exact small. }", "small.v:14: Definition inside a proof"),
    "printing": ("Set Implicit Arguments.", "Set Printing Width 9.", "small.v:3: Printing"),
    "load": ("Section Room.", "Load evil. Section Room.", "small.v:4: Load is no command of these files"),
    "foreign": (
        "From Coq Require",
        "From evil Require",
        "small.v:2: Require from elsewhere than Coq, mathcomp and machine",
    ),
    "plain require": ("From Coq Require", "Require", "small.v:2: Require is no command of these files"),
    "comment": ("Section Room.", "(* Section Room.", "small.v: a comment is not ended"),
    "string": ("Section Room.", '" Section Room.', "small.v: a string is not ended"),
    "half a sentence": (
        "exact (@on_the_way k). Qed.\n",
        "exact (@on_the_way k). Qed. Admitted",
        "small.v: the last sentence is not ended",
    ),
}


def small(text: str = SOUND) -> Source:
    return Source("small", text)


def planted(old: str, new: str) -> Source:
    assert SOUND.count(old) >= 1
    return small(SOUND.replace(old, new, 1))


def test_a_sound_file_is_read_as_it_is() -> None:
    assert refusals(small()) == []
    kinds = [(item.kind, item.name) for item in small().items]
    assert kinds == [("definition", "next"), ("lemma", "on_the_way"), ("theorem", "bounded"), ("theorem", "plain")]
    assert small().uses == ()


@pytest.mark.parametrize(("old", "new", "said"), UNSOUND.values(), ids=list(UNSOUND))
def test_each_planted_fault_is_refused(old: str, new: str, said: str) -> None:
    assert said in refusals(planted(old, new))


@pytest.mark.parametrize("word", sorted(sources.REFUSED - {"Export", "export"}))
def test_no_refused_word_hides_in_a_proof_and_none_counts_in_a_comment_or_string(word: str) -> None:
    assert any(line.endswith(f": {word}") for line in refusals(planted("exact small. }", f"{word}. exact small. }}")))
    for harmless in (f"(* {word}. *)", f"(* (* *) {word} *)", f'idtac "{word}. ""{word}"" (*".', f'(* "*)" {word}. *)'):
        assert refusals(planted("exact small. }", f"{harmless} exact small. }}")) == []


def test_blanks_keep_every_place() -> None:
    text = blanked(SOUND)
    assert len(text) == len(SOUND)
    assert [line for line, char in enumerate(text) if char == "\n"] == [at for at, char in enumerate(SOUND) if char == "\n"]
    assert "remark" not in text


def test_files_are_ordered_and_a_circle_or_a_gap_is_an_error() -> None:
    a, b, c = (
        Source(name, f"From machine Require Import {uses}.") for name, uses in (("a", "b c"), ("b", "c"), ("c", "d"))
    )
    d = Source("d", "")
    assert [source.name for source in sources.ordered([a, b, c, d])] == ["d", "c", "b", "a"]
    assert [source.name for source in sources.with_used([d, c, b, a], ["b"])] == ["d", "c", "b"]
    with pytest.raises(SourceError, match=r"c\.v requires d, which is not there"):
        sources.ordered([a, b, c])
    with pytest.raises(SourceError, match="require each other"):
        sources.ordered([a, b, Source("c", "From machine Require Import a.")])


# ----------------------------------------------------------------------------------------- the files that are shipped


@pytest.mark.parametrize("source", FILES, ids=lambda source: source.name)
def test_every_shipped_file_may_stand(source: Source) -> None:
    assert refusals(source) == []
    assert max(len(line) for line in source.text.splitlines()) <= 110
    assert source.text.startswith("(* "), "the first line says what it shows"
    for word in re.findall(r"Abort|Show|Time\b|Search", blanked(source.text)):
        raise AssertionError(f"{source.name}.v: {word} is left over")


def test_no_two_files_share_a_name() -> None:
    assert sources.repeated(FILES) == []
    assert sources.repeated([small(), Source("other", "Lemma next : True. Proof. exact I. Qed.")]) == [
        "other.v: next is a name of small.v too"
    ]


def test_every_file_has_its_chapter_and_every_statement_is_held() -> None:
    assert sorted(chapter.file for chapter in CHAPTERS) == sorted(source.name for source in FILES)
    held = golden.read(command.GOLDEN.read_text(encoding="utf-8"))
    assert list(held) == [f"{item.kind} {source.name}.{item.name}" for source in FILES for item in source.stated]
    assert all(said.startswith(f"{head.split('.')[1]} ") for head, said in held.items())


def test_the_ledger_has_the_statements_that_the_chapters_name() -> None:
    known = {statement.name for statement in proofs.statements()}
    named = {name for chapter in CHAPTERS for name in chapter.ledger}
    assert named <= known


def test_the_documentation_has_the_table_of_the_files() -> None:
    text = (ROOT / "docs" / "machine.md").read_text(encoding="utf-8")
    assert text.split("<!-- machine -->\n")[1].split("\n<!-- /machine -->")[0] == command.table(FILES)


# --------------------------------------------------------------------------------------------------- the golden file


def stated(statement: str, axioms: str = CLOSED, kind: str = "theorem", name: str = "t") -> Stated:
    return Stated("a", kind, name, statement, axioms, 0.1)


BOUND = "t\n     : forall m kappa : R, 0 < kappa -> m <= n -> kappa * (m - 1) <= tail m"
#: A statement that says something else.
CHANGED = {
    "m for m - 1": BOUND.replace("(m - 1)", "m"),
    "a hypothesis less": BOUND.replace(" 0 < kappa ->", ""),
    "a hypothesis more": BOUND.replace("0 < kappa ->", "0 < kappa -> kappa < 1 ->"),
    "weak for strict": BOUND.replace("0 < kappa", "0 <= kappa"),
    "turned": BOUND.replace("<= tail", ">= tail"),
    "another name": BOUND.replace("tail", "head"),
}


@pytest.mark.parametrize("statement", CHANGED.values(), ids=list(CHANGED))
def test_a_changed_statement_is_a_difference(statement: str) -> None:
    text = golden.written([stated(BOUND)], "8.16.1")
    assert golden.differences([stated(BOUND)], text) == []
    found = golden.differences([stated(statement)], text)
    assert any(line[0] in "+-" for line in found)


def test_layout_is_no_difference_and_a_missing_or_new_statement_is() -> None:
    text = golden.written([stated(BOUND), stated("d = 0", "", "definition", "d")], "8.16.1")
    definition = stated("d =\n  0", "", "definition", "d")
    assert golden.differences([definition, stated(BOUND.replace(" -> ", " ->\n      "))], text) == []
    assert golden.differences([stated(BOUND)], text)[0] == "- definition a.d"
    assert golden.differences([stated(BOUND), definition, stated("u : True", name="u")], text)[0] == "+ theorem a.u"
    assert golden.differences([stated(BOUND), stated("d = 1", "", "definition", "d")], text) != []
    assert golden.differences([], text, files=["another"]) == []


def test_a_theorem_with_an_axiom_does_not_hold() -> None:
    assert stated(BOUND).closed
    assert not stated(BOUND, "Axioms:\nclassic : forall P : Prop, P \\/ ~ P").closed
    assert not stated(BOUND, "").closed
    said = command.summary([stated(BOUND), stated(BOUND, "Axioms: x", name="u")], [], 1)
    assert "axioms in u" in said
    assert "DIFFERENT FROM" in command.summary([stated(BOUND)], ["- x"], 1)
    runs = {
        (stated(BOUND),): True,
        (stated(BOUND), stated(BOUND, "Axioms:\nx : False", name="u")): False,
        (): False,
    }
    for found, holds in runs.items():
        assert command.as_row([], found, Coq(Path("coqc"), "8.16.1"), [])["holds"] is holds
        assert command.as_row([], found, Coq(Path("coqc"), "8.16.1"), ["- x"])["holds"] is False


# ------------------------------------------------------------------------------------------------------- the command


def test_without_coq_one_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("COQBIN", raising=False)
    with pytest.raises(NoCoqError, match=r"no coqc on PATH .*apt install coq libcoq-mathcomp-algebra .*opam install coq"):
        find_coq()
    with pytest.raises(SystemExit) as exit_:
        linflow(["prove", "--machine"])
    assert exit_.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("linflow: the machine-checked proofs need Coq 8.16 with MathComp 1.15")
    assert said.count("\n") == 1
    monkeypatch.setenv("COQBIN", str(tmp_path))
    with pytest.raises(NoCoqError, match="no coqc in COQBIN"):
        find_coq()


def test_a_name_that_no_file_has_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no machine-checked file is named nonsense; there are arithmetic, "):
        prove_by_machine(["nonsense"])


def test_files_can_be_listed_without_coq(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    assert prove_by_machine(only_list=True) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [chapter.file for chapter in CHAPTERS]


def fake(folder: Path, script: str) -> Coq:
    """Not a Coq that proves anything: one that fails."""
    (folder / "coqc").write_text(f"#!{sys.executable}\nimport sys\n{script}\n", encoding="utf-8")
    (folder / "coqc").chmod(0o755)
    return Coq(folder / "coqc", "0")


def test_a_coq_that_fails_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CoqError, match=r"small\.v does not compile: no such thing"):
        check([small()], fake(tmp_path, "sys.exit('no such\\nthing')"))
    missing = "sys.exit('Cannot find a physical path bound to logical path all_ssreflect with prefix mathcomp.')"
    with pytest.raises(NoCoqError, match=r"coqc has no MathComp \(algebra\): apt install"):
        check([small()], fake(tmp_path, missing))


def test_what_is_refused_is_never_compiled(tmp_path: Path) -> None:
    coq = fake(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(CoqError, match=r"refused: small\.v:15: Admitted"):
        check([planted("exact small. }\nQed.", "exact small. }\nAdmitted.")], coq)
    with pytest.raises(CoqError, match=r"refused: b\.v: x is a name of a\.v too"):
        check([Source(name, "Definition x := 0.") for name in "ab"], coq)
    assert not (tmp_path / "ran").exists()


# ---------------------------------------------------------------------------------------------- with Coq: small files


def checked(*texts: Sequence[str]) -> dict[str, Stated]:
    return {one.name: one for one in check([Source(name, text) for name, text in texts], find_coq())}


@needs_coq
def test_coq_says_what_a_sound_file_defines_and_proves() -> None:
    found = checked(
        ("small", SOUND),
        (
            "user",
            "From machine Require Import small.\nTheorem used : next 2 <= 4.\n"
            "Proof. apply bounded. repeat constructor. Qed.\n",
        ),
    )
    assert list(found) == ["next", "bounded", "plain", "used"]
    assert " ".join(found["next"].statement.split()) == "next = Nat.add^~ 1%N : nat -> nat"
    assert (
        " ".join(found["bounded"].statement.split())
        == "bounded : forall n : nat, (n <= 3)%coq_nat -> (next n <= 4)%coq_nat"
    )
    assert all(one.closed for one in found.values())
    assert all(one.axioms == CLOSED for one in found.values() if one.kind == "theorem")


@needs_coq
def test_only_what_coq_says_counts() -> None:
    axiom = "From Coq Require Import Classical.\nTheorem excluded (P : Prop) : P \\/ ~ P.\nProof. exact (classic P). Qed.\n"
    innocent = "Theorem innocent : True.\nProof. exact I. Qed.\n"
    assert refusals(Source("small", axiom + innocent)) == [], "nothing in the text betrays it"
    found = checked(("small", axiom + innocent))
    assert not found["excluded"].closed
    assert "classic" in found["excluded"].axioms
    assert found["innocent"].closed


@needs_coq
@pytest.mark.parametrize(
    ("old", "new"),
    [("next <= 4", "next <= 3"), ("Hypothesis small : n <= 3", "Hypothesis small : n <= 4")],
    ids=["too strong", "too weak a hypothesis"],
)
def test_what_is_not_so_does_not_compile(old: str, new: str) -> None:
    with pytest.raises(CoqError, match=r"small\.v does not compile"):
        check([planted(old, new)], find_coq())


@needs_coq
def test_a_weaker_statement_that_is_proved_is_a_difference(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "machine"
    folder.mkdir()
    (folder / "small.v").write_text(SOUND, encoding="utf-8")
    found = list(checked(("small", SOUND)).values())
    (folder / "statements.txt").write_text(golden.written(found, "8.16.1"), encoding="utf-8")
    monkeypatch.setattr(command, "FOLDER", folder)
    monkeypatch.setattr(command, "GOLDEN", folder / "statements.txt")
    before = sorted(folder.iterdir())
    assert command.show([], as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["holds"] is True
    assert sorted(folder.iterdir()) == before, "nothing is written where the sources lie"
    weaker = SOUND.replace(
        "Theorem plain (k : nat) : k <= 3 -> k <= 4.", "Theorem plain (k : nat) : k <= 2 -> k <= 4."
    ).replace("exact (@on_the_way k).", "intro h. apply (@on_the_way k). apply (Nat.le_trans _ 2 _ h). repeat constructor.")
    (folder / "small.v").write_text(weaker, encoding="utf-8")
    assert command.show([], as_json=True) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["holds"] is False
    assert "- theorem small.plain" not in said.err
    assert re.search(r"^- .*k <= 3", said.err, re.MULTILINE)
    assert re.search(r"^\+ .*k <= 2", said.err, re.MULTILINE)
