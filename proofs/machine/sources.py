"""The Coq files: what they define and prove, in which order they compile, and what may not stand in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

#: Words that may stand nowhere, in proofs neither: they assume what should be shown, switch checks off or change printing.
REFUSED = frozenset(
    {
        *("Axiom", "Axioms", "Parameter", "Parameters", "Conjecture", "Conjectures"),
        *("Admitted", "Admit", "admit", "give_up"),
        *("bypass_check", "native_compute", "Global", "global", "Export", "export"),
    }
)
#: With these a sentence may begin outside of proofs; whatever else could define or assume something is not held to be read.
COMMANDS = frozenset(
    {
        *("From", "Import", "Set", "Unset", "Local", "Section", "End", "Implicit", "Add", "Ltac"),
        *("Definition", "Theorem", "Lemma", "Proof"),
    }
)
#: With these only inside of a section, which generalises over them or forgets them at its end.
ONLY_IN_SECTIONS = frozenset({"Variable", "Variables", "Hypothesis", "Hypotheses", "Notation", "Let"})
_ENDS_OF_PROOFS = frozenset({"Qed", "Defined", "Abort"})
_CHECKS = re.compile(r"\b(?:Guard|Positivity|Universe)\s+Checking\b")
_REQUIRE = re.compile(r"From\s+(Coq|mathcomp|machine)\s+Require\s+(?:Import|Export)\s+([\w.\s]+)\Z")
_PRINTING = re.compile(r"\b(?:Set|Unset)\s+Printing\b")
_ALLOWED = re.compile(r"Unset\s+Printing\s+Implicit\s+Defensive\Z")
_HEAD = re.compile(r"(Definition|Theorem|Lemma)\s+(\w+)")
_LOCAL = re.compile(r"Local\s+(?:Open\s+Scope|Ltac)\b")
_ADD = re.compile(r"Add\s+Field\b")
_WORD = re.compile(r"[A-Za-z_][\w']*")
_SECTION, _END = re.compile(r"Section\s+(\w+)\Z"), re.compile(r"End\s+(\w+)\Z")


class SourceError(ValueError):
    """A file that cannot be read as Coq, or a circle of files."""


@dataclass(frozen=True)
class Sentence:
    """Up to a full stop; `start` is its offset in the file, `line` the number of its line."""

    start: int
    line: int
    text: str


@dataclass(frozen=True)
class Item:
    """A definition, theorem or lemma."""

    kind: str
    name: str
    start: int


@dataclass(frozen=True)
class Source:
    """One Coq file, `name` without its ending."""

    name: str
    text: str

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """Its sentences, without comments and strings."""
        return tuple(_sentences(blanked(self.text)))

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What it defines and proves, in its order."""
        heads = ((_HEAD.match(sentence.text), sentence.start) for sentence in self.sentences)
        return tuple(Item(head[1].lower(), head[2], start) for head, start in heads if head)

    @property
    def stated(self) -> tuple[Item, ...]:
        """What is held in the golden file: lemmas are on the way only."""
        return tuple(item for item in self.items if item.kind != "lemma")

    @property
    def theorems(self) -> tuple[str, ...]:
        """Names of its theorems."""
        return tuple(item.name for item in self.items if item.kind == "theorem")

    @property
    def uses(self) -> tuple[str, ...]:
        """The other files that it requires."""
        required = (_REQUIRE.match(sentence.text) for sentence in self.sentences)
        return tuple(name for found in required if found and found[1] == "machine" for name in found[2].split())


def read(folder: Path) -> list[Source]:
    """Every Coq file of a folder, in an order in which they compile."""
    found = []
    for path in sorted(folder.glob("*.v")):
        try:
            found.append(Source(path.stem, path.read_text(encoding="ascii")))
        except UnicodeDecodeError as error:
            raise SourceError(f"{path.name}: other characters than ASCII") from error
    return ordered(found)


def ordered(sources: Iterable[Source]) -> list[Source]:
    """The files, each after those that it uses; SourceError if one is missing or they run in a circle.

    >>> [s.name for s in ordered([Source("b", "From machine Require Import a."), Source("a", "")])]
    ['a', 'b']
    """
    waiting = {source.name: source for source in sources}
    found: list[Source] = []
    for source in waiting.values():
        for name in source.uses:
            if name not in waiting:
                raise SourceError(f"{source.name}.v requires {name}, which is not there")
    while waiting:
        ready = [source for source in waiting.values() if not any(name in waiting for name in source.uses)]
        if not ready:
            raise SourceError(f"the files {', '.join(sorted(waiting))} require each other")
        found += ready
        waiting = {name: source for name, source in waiting.items() if source not in ready}
    return found


def with_used(sources: Sequence[Source], names: Iterable[str]) -> list[Source]:
    """The named files and those that they use, in the order of `sources`."""
    known = {source.name: source for source in sources}
    wanted, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += known[name].uses
    return [source for source in sources if source.name in wanted]


def refusals(source: Source) -> list[str]:
    """What may not stand in a file, one line each.

    >>> refusals(Source("a", "(* no Axiom here *) Theorem t : False. Proof. Admitted."))
    ['a.v:1: Admitted']
    """
    try:
        sentences = source.sentences
    except SourceError as error:
        return [f"{source.name}.v: {error}"]
    found, opened, proving = [], list[str](), False
    for sentence in sentences:
        place = f"{source.name}.v:{sentence.line}: "
        found += [place + what for what in _refused_words(sentence.text)]
        first = sentence.text.split(maxsplit=1)[0] if sentence.text else ""
        if proving:
            proving = first not in _ENDS_OF_PROOFS
            if proving and first[:1].isupper() and first not in REFUSED:
                found.append(f"{place}{first} inside a proof")
        elif first == "Proof":
            proving = True
        elif begun := _SECTION.match(sentence.text):
            opened.append(begun[1])
        elif ended := _END.match(sentence.text):
            if not opened or opened.pop() != ended[1]:
                found.append(f"{place}End {ended[1]} ends no section")
        elif first in ONLY_IN_SECTIONS:
            found += [] if opened else [f"{place}{first} outside a section"]
        elif first not in COMMANDS or (first == "Local" and not _LOCAL.match(sentence.text)):
            found.append(f"{place}{first} is no command of these files")
        elif first == "Add" and not _ADD.match(sentence.text):
            found.append(f"{place}Add of something else than a field")
    return found + [f"{source.name}.v: the section {name} is not ended" for name in opened]


def _refused_words(text: str) -> Iterator[str]:
    for word in _WORD.findall(text):
        if word in REFUSED and not (word == "Export" and _REQUIRE.match(text)):
            yield word
    if match := _CHECKS.search(text):
        yield " ".join(match[0].split())
    if _PRINTING.search(text) and not _ALLOWED.match(text):
        yield "Printing"
    if "Require" in _WORD.findall(text) and not _REQUIRE.match(text):
        yield "Require from elsewhere than Coq, mathcomp and machine"


def repeated(sources: Iterable[Source]) -> list[str]:
    """Names that two files give, one line each.

    >>> repeated([Source("a", "Lemma x : True. Proof. Qed."), Source("b", "Definition x := 0.")])
    ['b.v: x is a name of a.v too']
    """
    given: dict[str, str] = {}
    items = ((source.name, item.name) for source in sources for item in source.items)
    return [
        f"{file}.v: {name} is a name of {given[name]}.v too" for file, name in items if given.setdefault(name, file) != file
    ]


def blanked(text: str) -> str:
    r"""The text with spaces for comments (which nest) and strings; the same length and lines.

    >>> blanked('a (* b (* "*)" *) c *) d "Axiom"')
    'a                      d        '
    """
    kept, place, depth, string = list(text), 0, 0, False
    while place < len(text):
        pair = text[place : place + 2]
        width, inside = 1, string or depth > 0
        if string:
            string = text[place] != '"'
        elif text[place] == '"':
            string = inside = True
        elif pair == "(*":
            depth, width, inside = depth + 1, 2, True
        elif pair == "*)" and depth:
            depth, width = depth - 1, 2
        if inside:
            for at in range(place, place + width):
                kept[at] = "\n" if text[at] == "\n" else " "
        place += width
    if depth or string:
        raise SourceError("a comment is not ended" if depth else "a string is not ended")
    return "".join(kept)


def _sentences(text: str) -> Iterator[Sentence]:
    start = 0
    for stop in re.finditer(r"\.(?=\s|\Z)", text):
        # Bullets and braces stand before the sentence.
        skipped = re.match(r"[\s{}+*-]*", text[start : stop.start()])
        begin = start + (skipped.end() if skipped else 0)
        yield Sentence(begin, text.count("\n", 0, begin) + 1, text[begin : stop.start()].strip())
        start = stop.end()
    if text[start:].strip():
        raise SourceError("the last sentence is not ended")
