"""Identity by content: what differs anywhere has another key, what is equal has the same one in every process."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import itertools
import math
import operator
import pickle
import re
import subprocess
import sys
import threading
import types
import typing
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from linflow import provenance
from linflow.claims.quantities import ExpectedError, Quantity
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


class Named(Spectrum):
    """A spectrum that carries more than its values."""


class Forgetful:
    """Pickles itself without what it holds."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __reduce__(self) -> Any:
        return Forgetful, (0,)


class Stateless(Forgetful):
    __reduce__ = object.__reduce__

    def __getstate__(self) -> dict[str, Any]:
        return {}


class Items(list[Any]):
    pass


class Members(set[Any]):
    pass


class Singleton:
    """Pickled by name."""

    def __reduce__(self) -> str:
        return "SINGLETON"


def with_field(made: Any, value: Any) -> Any:
    made.__dict__["value"] = value
    return made


def attribute(value: Any) -> Callable[[], Any]:
    def level() -> Any:
        return level.value  # type: ignore[attr-defined]

    level.value = value  # type: ignore[attr-defined]
    return level


def default(value: Any) -> Callable[..., Any]:
    def chosen(x: Any = value) -> Any:
        return x

    return chosen


def keyword_default(value: Any) -> Callable[..., Any]:
    def chosen(*, x: Any = value) -> Any:
        return x

    return chosen


def behind_a_name(value: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def mine(*args: Any) -> Any:
        return value

    return mine


def in_module(value: Any, name: str = "settings") -> types.ModuleType:
    module = types.ModuleType(name)
    module.value = value  # type: ignore[attr-defined]
    return module


def in_globals(value: Any) -> types.FunctionType:
    """A function whose namespace says that it is numpy's."""
    return types.FunctionType(calls_helper.__code__, {"helper": len, "CONSTANT": value, "__file__": np.__file__})


def in_metaclass(value: Any) -> Any:
    return type("Meta", (type(Quantity),), {"value": value})("Inner", (Quantity,), {})


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
    "bound builtin": lambda value: {1: value}.get,
    "bound builtin of a list": lambda value: [value].__getitem__,
    "bound method": lambda value: class_closing_over(value).method,
    "attribute of a function": attribute,
    "default": default,
    "keyword default": keyword_default,
    "cached function": lambda value: functools.lru_cache(closing_over(value)),
    "behind a name of numpy's": lambda value: behind_a_name(value, np.linalg.norm),
    "behind a name of linflow's": lambda value: behind_a_name(value, ExpectedError.enclosure),
    "class of type()": lambda value: type("Inner", (ExpectedError,), {"value": value})(),
    "class that says it is numpy's": lambda value: type("ndarray", (), {"value": value, "__module__": "numpy"}),
    "method of a class of type()": lambda value: type("Inner", (), {"value": lambda self: value}),
    "property": lambda value: type("Inner", (), {"value": property(lambda self: value)}),
    "cached property": lambda value: type("Inner", (), {"value": functools.cached_property(lambda self: value)}),
    "partial method": lambda value: type("Inner", (), {"value": functools.partialmethod(max, value)}),
    "metaclass": in_metaclass,
    "docstring of a class": lambda value: type("Inner", (), {"__doc__": value}),
    "module": in_module,
    "module that says it is numpy": lambda value: in_module(value, "numpy"),
    "globals that say they are numpy's": in_globals,
    "field of a spectrum's subclass": lambda value: with_field(Named([2.0, 1.0]), value),
    "further field of a spectrum": lambda value: with_field(Spectrum([2.0, 1.0]), value),
    "field that is not pickled": Forgetful,
    "field that is no state": Stateless,
    "item of a list's subclass": lambda value: Items([value]),
    "field of a list's subclass": lambda value: with_field(Items([1]), value),
    "member of a set's subclass": lambda value: Members([closing_over(value), 1]),
    "key of a dict": lambda value: {closing_over(value): 1},
    "member of a set": lambda value: {closing_over(value), 1},
}


#: Those of which pickling makes no equal copy: it refuses, or it takes what the class or the name says.
UNPICKLED = {
    "cached function",
    "cached property",
    "module that says it is numpy",
    "field that is not pickled",
    "field that is no state",
    "further field of a spectrum",
}


def lambdas(one: str, other: str) -> tuple[Any, Any]:
    return eval(one), eval(other)


def attempt(x: float) -> float:
    try:
        return 1 / x
    except ZeroDivisionError:
        return 2.0


RECORDS = np.array([(1.0, 2.0)], dtype=[("a", "f8"), ("b", "f8")])
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
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    (10**5000, 10**5000 + 1),
    (RECORDS, RECORDS.view([("b", "f8"), ("a", "f8")])),
    (RECORDS, RECORDS.view([("a", "i8"), ("b", "f8")])),
    (RECORDS.dtype, np.dtype([("b", "f8"), ("a", "f8")])),
    (np.eye(2), np.eye(2).view(np.matrix)),
    (np.float64(1.0), np.array(1.0)),
    (np.array([0.0, 1.0]).item, np.array([0.0, 2.0]).item),
    (np.ma.masked_array([1.0, 2.0], fill_value=0.0), np.ma.masked_array([1.0, 2.0], fill_value=1.0)),
    (np.poly1d([1.0, 2.0]), np.poly1d([1.0, 3.0])),
    (np.vectorize(lambda x: 1.0), np.vectorize(lambda x: 2.0)),
    (operator.itemgetter(1), operator.itemgetter(2)),
    (re.compile("a"), re.compile("a", re.IGNORECASE)),
    (range(3), range(4)),
    (bytearray(b"a"), bytearray(b"b")),
    (in_module(1, "this"), in_module(1, "that")),
    lambdas("lambda x, y: x - y", "lambda y, x: x - y"),
    lambdas("lambda x, y: x - y", "lambda y, x: y - x"),
    lambdas("lambda a: len(a)", "lambda *a: len(a)"),
    lambdas("lambda a: len(a)", "lambda *, a: len(a)"),
    lambdas("lambda a, b=1: a", "lambda a, b=2: a"),
    lambdas("lambda a: a.b", "lambda a: a.c"),
    (attempt, types.FunctionType(attempt.__code__.replace(co_exceptiontable=b""), globals(), "attempt")),
    (type("Made", (ExpectedError,), {"__module__": "linflow"}), type("Made", (Quantity,), {"__module__": "linflow"})),
]


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize("pair", range(len(PAIRS)))
def test_a_difference_anywhere_is_another_identity(holder: str, pair: int) -> None:
    one, other = PAIRS[pair]
    hold = HOLDERS[holder]
    held = hold(one)
    assert content(held) != content(hold(other))
    assert content(held) == content(hold(one)) == content(held)


@pytest.mark.parametrize("holder", [name for name in HOLDERS if name not in UNPICKLED])
def test_a_copy_that_was_pickled_is_the_same(holder: str) -> None:
    held = HOLDERS[holder](Holds((1.5, "a", np.arange(3))))
    before = content(held), content(held, code=False)
    copy = pickle.loads(cloudpickle.dumps(held))
    assert (content(copy), content(copy, code=False)) == before
    assert (content(held), content(held, code=False)) == before


@pytest.mark.parametrize("quantity", [ExpectedError(), Holds(ExpectedError)])
def test_without_code_no_version_counts(quantity: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(quantity), content(quantity, code=False)
    monkeypatch.setattr(provenance, "code_digest", lambda: "another version")
    assert content(quantity) != before[0]
    assert content(quantity, code=False) == before[1]


@given(st.recursive(st.none() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists))
def test_equal_data_are_equal_however_they_are_shared(value: Any) -> None:
    assert content([value, value]) == content([value, *[value]])
    first, second = ([value], [value])
    assert content([first, first]) == content([first, second])


def test_the_order_of_a_set_is_no_content_and_that_of_a_dict_is_code() -> None:
    assert content({f"k{i}" for i in range(99)}) == content({f"k{i}" for i in reversed(range(99))})
    assert content({"a": 1, "b": 2}, code=False) == content({"b": 2, "a": 1}, code=False)


def test_what_python_leaves_in_a_class_is_no_content() -> None:
    class Kept:
        pass

    before = content(Kept)
    Kept().__reduce_ex__(4)
    assert "__slotnames__" in vars(Kept)
    assert Kept.__annotations__ == {}
    assert content(Kept) == before


@pytest.mark.parametrize(("one", "other"), [("x, y: x - y", "y, x: y - x"), ("a: len(a)", "*a: len(a)")])
def test_the_names_and_kinds_of_arguments_count(one: str, other: str) -> None:
    first, second = lambdas(f"lambda {one}", f"lambda {other}")
    assert content(first) != content(second)


def test_shared_parts_take_no_longer_than_their_number() -> None:
    value: Any = Holds(1)
    for _ in range(60):
        value = Holds((value, value))
    assert content(value) == content(value)


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
    assert content(type(used)) == content(type(unused))  # before the objects: to look at one is a use as well
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


def table(value: int) -> Any:
    import pandas as pd

    return pd.DataFrame({"a": [1.0, value], "b": ["x", "y"]})


def tensor(value: int, **how: Any) -> Any:
    return pytest.importorskip("torch").full((3,), value, **how)


def layer(value: int) -> Any:
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        made = torch.nn.Linear(2, 2)
        for parameter in made.parameters():
            parameter.fill_(value)
    return made


def noted(made: Any, value: int) -> Any:
    made.note = value
    return made


def hooked(value: int) -> Any:
    made = tensor(1.0, requires_grad=True)  # type: ignore[arg-type]
    made.register_hook(lambda gradient: gradient * value)
    return made


#: Objects of other libraries, made anew from a number: they keep caches, and addresses of their memory.
FOREIGN: dict[str, Callable[[int], Any]] = {
    "a table": table,
    "its labels": lambda value: table(1).rename(columns={"a": f"a{value}"}),
    "its index": lambda value: table(1).set_index([[0, value]]),
    "its attributes": lambda value: table(1).assign().pipe(lambda made: (made.attrs.update(of=value), made)[1]),
    "a column with gaps": lambda value: table(value)["a"].astype("Int64").mask([True, False]),
    "a category": lambda value: table(1)["b"].astype("category").cat.rename_categories({"x": f"x{value}"}),
    "a tensor": lambda value: tensor(float(value)),  # type: ignore[arg-type]
    "its size": lambda value: tensor(1)[:value],
    "a tensor of bfloat16": lambda value: tensor(value).bfloat16(),
    "a complex tensor": lambda value: tensor(value * 1j).conj(),  # type: ignore[arg-type]
    "an empty tensor": lambda value: tensor(1)[:0].reshape(0, value),
    "a sparse tensor": lambda value: tensor(value).to_sparse(),
    "whether it has a gradient": lambda value: tensor(1.0, requires_grad=value == 1),  # type: ignore[arg-type]
    "a tensor's own field": lambda value: noted(tensor(1), value),
    "a hook": hooked,
    "a layer": layer,
}


@pytest.mark.parametrize("what", FOREIGN)
def test_objects_of_other_libraries_are_what_they_hold(what: str) -> None:
    make = FOREIGN[what]
    one, again, other = make(1), make(1), make(2)
    assert content(one) == content(again) != content(other)
    for use in (repr, copy.deepcopy, lambda made: getattr(getattr(made, "index", None), "is_unique", None)):
        with contextlib.suppress(RuntimeError):  # torch copies no tensor with a hook
            use(one)
    assert content(one) == content(again)
    if what != "a hook":
        assert content(pickle.loads(cloudpickle.dumps(one))) == content(again)


def test_an_address_is_no_content() -> None:
    with pytest.raises(InputError, match=r"content of a UntypedStorage cannot be told .*an address"):
        content(tensor(1).untyped_storage())


@dataclass(frozen=True)
class Unread:
    value: Any
    says: str


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


UNTOLD = [
    Unread(np.frompyfunc(lambda x: x, 1, 1), "content of a ufunc cannot be told .*which function"),
    Unread(itertools.count(1), "content of a count cannot be told .*after each step"),
    Unread(iter([1]), "content of a list_iterator cannot be told"),
    Unread((i for i in (1, 2)), "content of a generator cannot be told"),
    Unread(functools.singledispatch(closing_over), "content of a ReferenceType cannot be told"),
    Unread(threading.Lock(), "content of a lock cannot be told"),
    Unread(memoryview(b"a"), "content of a memoryview cannot be told"),
    Unread(nested(100_000), "content of a (Holds|list) cannot be told.* too deeply"),
]


@pytest.mark.parametrize("hold", [Holds, lambda value: value])
@pytest.mark.parametrize("unread", UNTOLD, ids=lambda unread: type(unread.value).__name__)
def test_what_cannot_be_told_is_refused_in_a_sentence(unread: Unread, hold: Callable[[Any], Any]) -> None:
    with pytest.raises(InputError, match=unread.says) as caught:
        content(hold(unread.value))
    assert "\n" not in str(caught.value)


def test_an_open_file_is_refused(tmp_path: Path) -> None:
    with (
        (tmp_path / "file").open("w") as file,
        pytest.raises(InputError, match="content of a TextIOWrapper cannot be told"),
    ):
        content(Holds(file))


def test_code_that_calls_itself_in_a_long_chain_is_read() -> None:
    """The twin of the depth that is refused: definitions are read one after the other, however far they lead."""
    chain: Any = None
    for i in range(2000):
        chain = types.FunctionType(calls_next.__code__, {"following": chain, "CONSTANT": i})
    assert content(chain) == content(chain)


def calls_next() -> Any:
    return following() + CONSTANT  # type: ignore[name-defined]  # noqa: F821


def test_an_import_that_fails_is_told_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)

    def absent() -> Any:
        import linflow_test_absent  # type: ignore[import-not-found]

        return linflow_test_absent

    def raising() -> Any:
        import linflow_test_raising  # type: ignore[import-not-found]

        return linflow_test_raising

    (tmp_path / "linflow_test_raising.py").write_text("1 / 0")
    assert content(absent) == content(absent)
    with pytest.raises(InputError, match=r"importing 'linflow_test_raising'.* raises ZeroDivisionError"):
        content(raising)


def test_installed_modules_are_named_and_not_imported() -> None:
    code = (
        "import sys\nfrom linflow.identity import content\ndef f():\n    import matplotlib.pyplot\n"
        "content(f)\nassert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=True)


@contextlib.contextmanager
def managed() -> Iterator[int]:
    yield 1


def test_what_a_library_made_for_the_user_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(managed)

    def other() -> Iterator[int]:
        yield 2

    other.__qualname__ = "managed"
    monkeypatch.setattr(sys.modules[__name__], "managed", contextlib.contextmanager(other))
    assert content(managed) != before


SINGLETON = Singleton()


def test_what_is_pickled_by_name_is_its_fields() -> None:
    assert content(SINGLETON) == content(Singleton()) != content(with_field(Singleton(), 1))
    assert content(np.sin) != content(np.cos)
    assert content(Ellipsis) != content(NotImplemented)


SCRIPT = """
import pickle, sys
import numpy as np
from tests.test_identity import HOLDERS, Holds, calls_helper, class_closing_over
from linflow.claims.quantities import ExpectedError
from linflow.identity import content
value = Holds({"b": {3, "x", (1, 2)}, "a": np.arange(9)})
for code in (True, False):
    print(content([value, calls_helper, class_closing_over(3), ExpectedError()], code=code))
    print(*(content(hold(value), code=code) for hold in HOLDERS.values()))
    print(*(content(copy, code=code) for copy in pickle.load(open(sys.argv[1], "rb"))))
"""


def test_the_same_in_every_process(tmp_path: Path) -> None:
    value = Holds({"b": {3, "x", (1, 2)}, "a": np.arange(9)})
    held = [hold(value) for name, hold in HOLDERS.items() if name not in UNPICKLED]
    held.append(class_closing_over(1))
    file = tmp_path / "copies.pickle"
    file.write_bytes(cloudpickle.dumps(held))
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(file)],
            cwd=Path(__file__).parents[1],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1
    lines = found.pop().splitlines()
    assert lines[2].split() == [content(one) for one in held]
    assert lines[5].split() == [content(one, code=False) for one in held]


def test_the_digest_of_the_code_sees_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_digest() == code_digest()
    assert len(code_digest()) == 64
    outer, inner = tmp_path / "outer.py", tmp_path / "deeper" / "still" / "inner.py"
    inner.parent.mkdir(parents=True)
    for path in (outer, inner):
        path.write_text("x = 1\n")
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    digests = [code_digest.__wrapped__()]
    for path in (outer, inner):
        path.write_text("x = 2\n")  # of equal length
        digests.append(code_digest.__wrapped__())
    inner.rename(inner.with_name("other.py"))
    digests.append(code_digest.__wrapped__())
    monkeypatch.setattr(provenance, "_version", lambda library: "another")
    digests.append(code_digest.__wrapped__())
    assert len(set(digests)) == len(digests)
    assert code_digest.__wrapped__() == digests[-1]
