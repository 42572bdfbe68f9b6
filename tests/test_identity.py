"""Identity by content: what differs anywhere has another key, what is equal has the same one in every process."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import math
import subprocess
import sys
import typing
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linflow import identity
from linflow.claims import ExpectedError
from linflow.errors import InputError
from linflow.identity import code_digest, content
from linflow.spectrum import Spectrum


def closing_over(value: Any) -> Callable[[], Any]:
    return lambda: value


def class_closing_over(value: Any) -> Any:
    class Inner:
        def method(self) -> Any:
            return value

    return Inner()


@dataclass(frozen=True)
class Holds:
    value: Any


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


#: Ways to hold a value in which its `repr`, its name or its hash would not show a difference.
HOLDERS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda value: value,
    "list": lambda value: [0, value],
    "dict": lambda value: {"a": value},
    "field": Holds,
    "slot": Slotted,
    "nested": lambda value: Holds((Holds([value]),)),
    "closure": closing_over,
    "class in a function": class_closing_over,
    "partial": lambda value: functools.partial(max, value),
    "ordered": lambda value: OrderedDict(a=value),
    "object array": lambda value: np.array([None, Holds(value)], dtype=object),
}
LONG = np.zeros(5000)
CHANGED = LONG.copy()
CHANGED[2500] = 5e-324
PAIRS: list[tuple[Any, Any]] = [
    (LONG, CHANGED),
    (Spectrum(np.linspace(1, 2, 50)), Spectrum(np.append(np.linspace(1, 2, 50)[1:-1], [1.0, 2.0 + 1e-15]))),
    (0.0, -0.0),
    (1, 1.0),
    (1, True),
    ("1", 1),
    ((1,), [1]),
    ([[1], [2]], [[1, 2]]),
    (math.sin, math.cos),
    (np.float32(0.1), np.float64(np.float32(0.1))),
    (np.arange(4), np.arange(4).reshape(2, 2)),
    (np.ma.masked_array([1.0, 2.0], [True, False]), np.ma.masked_array([1.0, 2.0], [False, True])),
    (np.random.default_rng(0), np.random.default_rng(1)),
    ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
    ({1, 2}, {1, 3}),
    (b"\0", b"\0\0"),
    (Holds, Slotted),
]


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("pair", range(len(PAIRS)))
def test_a_difference_anywhere_is_another_identity(holder: str, pair: int) -> None:
    one, other = PAIRS[pair]
    hold = HOLDERS[holder]
    assert content(hold(one)) != content(hold(other))
    assert content(hold(one)) == content(hold(one))


@given(st.recursive(st.none() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists))
def test_equal_data_are_equal_however_they_are_shared(value: Any) -> None:
    assert content([value, value]) == content([value, *[value]])
    first, second = ([value], [value])
    assert content([first, first]) == content([first, second])


def test_the_order_of_a_dict_and_of_a_set_is_no_content() -> None:
    assert content({"a": 1, "b": 2}) == content({"b": 2, "a": 1})
    assert content({f"k{i}" for i in range(99)}) == content({f"k{i}" for i in reversed(range(99))})


CONSTANT = 1


def helper() -> int:
    return 1


def calls_helper() -> int:
    return helper() + CONSTANT


def test_code_counts_as_far_as_it_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(calls_helper), content(Holds(calls_helper))
    for name, value in (("CONSTANT", 2), ("helper", lambda: 2)):
        with monkeypatch.context() as patched:
            patched.setattr(sys.modules[__name__], name, value)
            assert content(calls_helper) != before[0]
            assert content(Holds(calls_helper)) != before[1]
            assert content(Holds(3), code=False) == content(Holds(3), code=False)
    assert (content(calls_helper), content(Holds(calls_helper))) == before


def functions(what: str) -> tuple[Any, Any]:
    """Two functions of equal names that differ in one part."""

    def defaults(value: int) -> Any:
        def inner(x: int = value) -> int:
            return x

        return inner

    def keywords(value: int) -> Any:
        def inner(*, x: int = value) -> int:
            return x

        return inner

    def compiled(text: str) -> Any:
        space: dict[str, Any] = {"__name__": __name__, "CONSTANT": 1, "OTHER": 2}
        exec(text, space)  # not a line of a file: only what is compiled can tell the two apart
        return space["f"]

    makers: dict[str, tuple[Callable[[Any], Any], Any, Any]] = {
        "default": (defaults, 1, 2),
        "keyword": (keywords, 1, 2),
        "constant": (compiled, "def f(x): return x + 300", "def f(x): return x + 301"),
        "constant inside": (compiled, "def f(x): return lambda: x + 300", "def f(x): return lambda: x + 301"),
        "constant in a tuple": (compiled, "def f(x): return x in (1, 2)", "def f(x): return x in (1, 3)"),
        "operation": (compiled, "def f(x): return x + x", "def f(x): return x * x"),
        "global": (compiled, "def f(x): return CONSTANT", "def f(x): return OTHER"),
        "attribute": (compiled, "def f(x): return x.real", "def f(x): return x.imag"),
        "bound to": (lambda value: Holds(value).__eq__, 1, 2),
        "method of": (lambda value: Sums(value).total, 1, 2),
    }
    make, one, other = makers[what]
    return make(one), make(other)


@dataclass(frozen=True)
class Sums:
    value: Any

    def total(self) -> Any:
        return self.value


@pytest.mark.parametrize(
    "what",
    [
        "default",
        "keyword",
        "constant",
        "constant inside",
        "constant in a tuple",
        "operation",
        "global",
        "attribute",
        "bound to",
        "method of",
    ],
)
def test_every_part_of_a_function_counts(what: str) -> None:
    one, other = functions(what)
    assert content(one) != content(other)
    assert content(one) == content(functions(what)[0])
    assert content(Holds(one)) != content(Holds(other))


def calls_from_inside() -> Callable[[], int]:
    return lambda: helper() + CONSTANT


def test_globals_of_inner_functions_count(monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(calls_from_inside)
    for name, value in (("CONSTANT", 2), ("helper", lambda: 2)):
        with monkeypatch.context() as patched:
            patched.setattr(sys.modules[__name__], name, value)
            assert content(calls_from_inside) != before
    assert content(calls_from_inside) == before


def returns_nothing(self: Any) -> int:
    return 0


def returns_one(self: Any) -> int:
    return 1


def returns_two(self: Any) -> int:
    return 2


def derived(what: str, value: int) -> Any:
    """An object of a class of which one part depends on `value`, and nothing else does."""

    def part(name: str) -> Callable[[Any], int]:
        return (returns_nothing, returns_one, returns_two)[value if name == what else 0]

    base = type(
        "Base",
        (),
        {"inherited": value if what == "attribute of a base" else 0, "method": part("method of a base")},
    )
    parts = {
        "own": value if what == "attribute" else 0,
        "asked": property(part("property")),
        "remembered": functools.cached_property(part("remembered property")),
        "cached": functools.lru_cache(part("cached method")),
        "static": staticmethod(part("static method")),
        "of_class": classmethod(part("class method")),
    }
    return type("Middle", (base,), parts)()


PARTS = (
    "attribute of a base",
    "method of a base",
    "attribute",
    "property",
    "remembered property",
    "cached method",
    "static method",
    "class method",
)


@pytest.mark.parametrize("what", PARTS)
def test_every_part_of_a_class_counts(what: str) -> None:
    assert content(derived(what, 1)) != content(derived(what, 2))
    assert content(derived(what, 1)) == content(derived(what, 1))


def fresh(how: str) -> Any:
    """An object of a class that nothing was done with yet."""

    class Ordinary:
        def __init__(self) -> None:
            self.value = 1

    @dataclass(frozen=True)
    class Frozen:
        value: int = 1

    class Slots:
        __slots__ = ("value",)

        def __init__(self) -> None:
            self.value = 1

    class Mine(ExpectedError):  # noqa: N818 - an error of estimation, no exception
        @functools.cached_property
        def slow(self) -> int:
            return 1

    return {"ordinary": Ordinary, "dataclass": Frozen, "slots": Slots, "quantity": Mine}[how]()


def pickled(value: Any) -> None:
    with contextlib.suppress(TypeError):  # Python 3.11 cannot pickle a class of a function with a property that remembers
        cloudpickle.dumps(value)


#: What may be done with an object between two looks at it.
USES: dict[str, Callable[[Any], Any]] = {
    "its content": content,
    "its content without code": lambda value: content(value, code=False),
    "copies": lambda value: (copy.copy(value), copy.deepcopy(value)),
    "pickled": pickled,
    "shown": lambda value: (repr(value), str(value), dir(value)),
    "compared": lambda value: (value == 1, hash(value), isinstance(value, ExpectedError)),
    "documented": lambda value: (inspect.signature(type(value)), typing.get_type_hints(type(value))),
    "derived from": lambda value: type("Derived", (type(value),), {}),
    "properties asked": lambda value: getattr(value, "slow", None),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("how", ["ordinary", "dataclass", "slots", "quantity"])
def test_use_is_no_difference(how: str, use: str) -> None:
    used, unused = fresh(how), fresh(how)
    USES[use](used)
    assert content(used) == content(unused)
    assert content(used) == content(used)


def test_without_code_an_object_is_its_class_and_its_fields() -> None:
    inner = [class_closing_over(i) for i in (1, 2)]
    assert content(inner[0]) != content(inner[1])
    assert content(inner[0], code=False) == content(inner[1], code=False)
    assert content(Holds(1), code=False) != content(Holds(2), code=False)


def test_what_holds_itself_ends() -> None:
    loop: list[Any] = [1]
    loop.append(loop)
    table: dict[str, Any] = {"a": 1}
    table["self"] = table
    for value in (loop, table):
        assert content(value) == content(value)


def test_the_name_of_a_spectrum_is_no_content() -> None:
    assert content(Spectrum([2.0, 1.0], name="a")) == content(Spectrum([1.0, 2.0], name="b"))


def test_what_cannot_be_told_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with (
        (tmp_path / "file").open("w") as file,
        pytest.raises(InputError, match="content of a TextIOWrapper cannot be told"),
    ):
        content(Holds(file))


SCRIPT = """
import numpy as np
from tests.test_identity import Holds, calls_helper, class_closing_over
from linflow.claims.quantities import ExpectedError
from linflow.identity import content
print(content([Holds({"b": {3, "x", (1, 2)}, "a": np.arange(9)}), calls_helper, class_closing_over(3), ExpectedError()]))
"""


def test_the_same_in_every_process() -> None:
    root = Path(__file__).parents[1]
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=root,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1


def test_the_digest_of_the_code_sees_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_digest() == code_digest()
    assert len(code_digest()) == 64
    outer, inner = tmp_path / "outer.py", tmp_path / "deeper" / "still" / "inner.py"
    inner.parent.mkdir(parents=True)
    for path in (outer, inner):
        path.write_text("x = 1\n")
    monkeypatch.setattr(identity, "__file__", str(tmp_path / "identity.py"))
    digests = [code_digest.__wrapped__()]
    for path in (outer, inner):
        path.write_text("x = 2\n")  # of equal length
        digests.append(code_digest.__wrapped__())
    inner.rename(inner.with_name("other.py"))
    digests.append(code_digest.__wrapped__())
    monkeypatch.setattr(identity, "_version", lambda library: "another")
    digests.append(code_digest.__wrapped__())
    assert len(set(digests)) == len(digests)
    assert code_digest.__wrapped__() == digests[-1]
