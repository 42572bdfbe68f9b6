"""Claims from users' files and from installed packages; and what is said when there is something wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from linflow.claims import Case, Claim, claims_from_file, installed_claims, loading, verify
from linflow.errors import ClaimError, DataError
from linflow.spectrum import Spectrum

TEN_LINES = """\
import linflow as lf

FACTOR = 2

twice_the_tail = lf.Claim(
    name="twice-the-tail",
    statement="E_m <= 2 sum_{i>m} l_i",
    kind="upper",
    value=lambda spectrum, m: FACTOR * spectrum.tail(m),
)
"""

OWN_QUANTITY = """\
from dataclasses import dataclass
import numpy as np
import linflow as lf
from linflow.claims import Quantity
from linflow.claims.quantities import Draws

SIDES = 2

@dataclass(frozen=True)
class Coin(Quantity):
    name = "coin"
    def draws(self, spectrum, m, size, rng):
        weights = rng.integers(0, SIDES, size).astype(float)
        return Draws(weights=weights, values=weights)

fair = lf.Claim(name="fair", statement="heads half the time", kind="upper", value=lambda s, m: 0.8, quantity=Coin())
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "my claims.py"
    file.write_text(text, encoding="utf-8")
    return file


def claim(name: str) -> Claim:
    return Claim(name=name, statement="", kind="upper", value=lambda spectrum, m: 1.0)


def test_a_file_of_ten_lines_is_loaded_and_refuted(tmp_path: Path) -> None:
    assert len(TEN_LINES.splitlines()) == 10
    file = write(tmp_path, TEN_LINES)
    (found,) = claims_from_file(file)
    assert found.name == "twice-the-tail"
    assert [c.name for c in claims_from_file(str(file))] == ["twice-the-tail"]
    verdict = verify(found, cases=[Case(Spectrum.exponential(48, 0.25), (12, 24))], workers=1)
    assert verdict.verdict == "refuted"
    assert verdict.worst is not None
    assert verdict.worst.spectrum == "exponential 0.25"
    assert verdict.worst.m in (12, 24)


def test_a_file_with_its_own_quantity_works_in_worker_processes_too(tmp_path: Path) -> None:
    file = write(tmp_path, OWN_QUANTITY)
    cases = [Case(Spectrum.flat(4), (1, 2, 3))]
    alone = verify(claims_from_file(file)[0], cases=cases, workers=1)
    shared = verify(claims_from_file(file)[0], cases=cases, workers=2)
    assert alone.verdict == "supported"
    assert alone.cases == shared.cases


def test_claims_in_lists_and_tuples_are_found_once_and_in_order(tmp_path: Path) -> None:
    text = (
        TEN_LINES
        + """
from dataclasses import replace
same = twice_the_tail
more = [replace(twice_the_tail, name="b"), "text", 3, replace(twice_the_tail, name="c")]
again = (same, more[0], replace(twice_the_tail, name="d"))
numbers = [1, 2]
if __name__ == "__main__":
    raise SystemExit("not run as a script")
"""
    )
    assert [c.name for c in claims_from_file(write(tmp_path, text))] == ["twice-the-tail", "b", "c", "d"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEN_LINES + "\nx = = 3\n", r"has a syntax error in line 12: invalid syntax"),
        (TEN_LINES + "\n\nx = 1 / 0\n", r"raised ZeroDivisionError in line 13: division by zero"),
        ("def f():\n    raise KeyError('k')\n\nf()\n", r"raised KeyError in line 2: 'k'"),
        ("import json\n\njson.loads('{')\n", r"raised JSONDecodeError in line 3: "),
        ("import no_such_module_anywhere\n", r"raised ModuleNotFoundError in line 1: "),
        (
            TEN_LINES.replace('"upper"', '"up"'),
            r"raised InputError in line 5: kind of claim 'twice-the-tail' must be one of",
        ),
        ("x = 3\n", r"defines no claim: assign a linflow\.Claim"),
        ("", r"defines no claim"),
        ("claims = {'a': 1}\n", r"defines no claim"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ClaimError, match=message) as raised:
        claims_from_file(write(tmp_path, text))
    assert "my claims.py" in str(raised.value)


def test_missing_files(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.py", "does not exist"), (tmp_path, "is a folder: give a file")):
        with pytest.raises(DataError, match=why):
            claims_from_file(path)


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "own_levels.py").write_text("LEVEL = 3.0\n")
    (tmp_path / "mine.py").write_text(
        "import own_levels\nfrom linflow import Claim\n"
        "c = Claim(name='c', statement='E_m <= 3', kind='upper', value=lambda s, m: own_levels.LEVEL)\n"
    )
    [claim] = claims_from_file(tmp_path / "mine.py")
    assert claim.value_at(Spectrum.flat(3), 1) == 3.0


@dataclass
class Point:
    """An entry point, as importlib.metadata gives it."""

    name: str
    load: Callable[[], object]
    value: str = "package.module:object"


def install(monkeypatch: pytest.MonkeyPatch, *objects: object) -> None:
    def entry_points(*, group: str) -> list[Point]:
        assert group == "linflow.claims"
        return [Point(f"point-{i}", lambda found=found: found) for i, found in enumerate(objects)]  # type: ignore[misc]

    monkeypatch.setattr(loading, "entry_points", entry_points)


def test_installed_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    assert installed_claims() == []
    install(monkeypatch, claim("a"), [claim("b"), claim("c")], lambda: claim("d"), lambda: (claim("e"), claim("f")), 3)
    assert [c.name for c in installed_claims()] == list("abcdef")


def test_installed_claims_that_cannot_be_loaded_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> object:
        raise ImportError("no such thing")

    install(monkeypatch, claim("a"), broken)
    with pytest.raises(ClaimError, match=r"'point-1' \(package\.module:object\) raised ImportError: no such thing"):
        installed_claims()
    monkeypatch.setattr(loading, "entry_points", lambda group: [Point("point-2", broken)])
    with pytest.raises(ClaimError, match="'point-2'"):
        installed_claims()
