"""Identity by content: a digest of everything that a value, an object, a function or a class consists of.

Names and ``repr`` do not identify: an array of a thousand entries shows six, a class made inside a function shows nothing
of what it closes over, and a mended function keeps its name. :func:`content` looks at what is there: all bytes of an array,
every field of an object, the compiled code of a function with its defaults and attributes, the variables that it closes
over, the globals that it names and the modules that it imports, followed as far as they lead. Only what was installed
counts by name and version, and linflow itself by the digest of its whole source (:mod:`linflow.provenance`).

Two values of equal content are equal for every purpose of this package; unequal ones are never merged; and the content of a
value is the same in every process, before and after it was pickled. What remains outside is what no one can see before code
runs: files, environment variables and devices that it reads when it is called, names that it makes up
(``globals()["V"]``, ``importlib.import_module(text)``), and libraries that are altered while a program runs. The values
that a `functools.cached_property` remembers follow from the rest and do not count. Whoever depends on a file holds its
contents, or their digest, in a field of the object::

    @dataclass(frozen=True)
    class Measured(Quantity):
        table: bytes = Path("table.csv").read_bytes()
"""

from __future__ import annotations

import hashlib
import struct
import types
from collections.abc import Iterable
from functools import cached_property
from typing import Any, ParamSpec, TypeVar, TypeVarTuple

import numpy as np

from linflow import compiled, provenance, state
from linflow.errors import InputError
from linflow.provenance import code_digest

__all__ = ["code_digest", "content"]

#: Entries of a class that say nothing about what it does: others imply them, or Python leaves them there as it runs.
_INCIDENTAL_IN_CLASS = frozenset(
    [
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__dict__",
        "__firstlineno__",
        "__module__",
        "__slotnames__",
        "__static_attributes__",
        "__weakref__",
        "__abstractmethods__",
        "_abc_impl",
    ]
)
#: Entries of a module that say where it lies and how it was loaded.
_INCIDENTAL_IN_MODULE = frozenset(
    [
        "__annotate__",
        "__builtins__",
        "__cached__",
        "__conditional_annotations__",
        "__file__",
        "__linflow_folder__",
        "__loader__",
        "__package__",
        "__path__",
        "__spec__",
        "__warningregistry__",
    ]
)
#: What a descriptor copies from the function that it holds.
_COPIED = frozenset(
    ["__annotations__", "__doc__", "__isabstractmethod__", "__module__", "__name__", "__qualname__", "__wrapped__"]
)
#: What it holds.
_HELD = ("fget", "fset", "fdel", "func", "__func__", "attrname", "__doc__")
_SIMPLE = frozenset({type(None), bool, str, bytes, int, float, complex})
_Definition = types.FunctionType | type | types.ModuleType


def content(value: object, *, code: bool = True) -> str:
    """Hexadecimal digest of what `value` consists of.

    Parameters
    ----------
    value : numbers, strings, arrays, containers, functions, classes, modules, and objects with fields.
    code : whether the code of functions and classes counts, and the order of dicts. Without it functions and classes count
        by their qualified name, so that the digest of an object with fields is that of its class's name and its fields'
        content, whatever version of any library is installed.

    Raises
    ------
    InputError
        It holds something whose content cannot be told, such as an open file, or is nested too deeply.

    Examples
    --------
    >>> a, b = np.zeros(2000), np.zeros(2000)
    >>> b[1000] = 1e-9
    >>> content(a) == content(a.copy()), content(a) == content(b), repr(a) == repr(b)
    (True, False, True)
    >>> def scaled(factor):
    ...     return lambda x: factor * x
    >>> content(scaled(2)) == content(scaled(2)), content(scaled(2)) == content(scaled(3))
    (True, False)
    """
    try:
        return _Reader(code).digest(value).hex()
    except RecursionError:
        raise InputError(
            f"the content of a {type(value).__qualname__} cannot be told: its parts lie within each other too deeply to be "
            "read, so hold it flat, as an array or a list"
        ) from None


class _Reader:
    """Feeds a value's content to a hash.

    Functions, classes and modules refer to each other freely: each is named by a number where it occurs, and read once,
    after the data. Data are told by a digest of their own each time they occur, so that it makes no difference whether two
    equal parts are one object; only an object that holds itself is named, by its depth.
    """

    def __init__(self, code: bool) -> None:
        self.hash = hashlib.sha256()
        self.code = code
        #: Definitions by address; kept alive, as all that is remembered here, so that no address is used twice.
        self.met: dict[int, tuple[int, _Definition]] = {}
        self.waiting: list[_Definition] = []
        self.told: dict[int, tuple[bytes, object]] = {}
        self.inside: tuple[int, ...] = ()
        self.loops = 0

    def digest(self, value: object) -> bytes:
        """Digest of a value and of all definitions that it leads to."""
        self.read(value)
        while self.waiting:
            definition = self.waiting.pop(0)
            self.tell("definition", str(self.met[id(definition)][0]).encode())
            self._definition(definition)
        return self.hash.digest()

    def tell(self, tag: str, data: bytes = b"") -> None:
        """One unambiguous piece: tag, length, bytes."""
        self.hash.update(f"{tag}:{len(data)}:".encode())
        self.hash.update(data)

    def read(self, value: Any) -> None:
        if type(value) in _SIMPLE:
            self._simple(value)
        elif issubclass(type(value), _Definition) and (self.code or type(value) is not types.FunctionType):
            self._name(value)
        elif id(value) in self.told:
            self.tell("data", self.told[id(value)][0])
        elif id(value) in self.inside:
            self.tell("itself", str(self.inside.index(id(value))).encode())
            self.loops += 1
        else:
            around, loops, path = self.hash, self.loops, self.inside
            self.hash, self.inside = hashlib.sha256(), (*path, id(value))
            self._data(value)
            found = self.hash.digest()
            self.hash, self.inside = around, path
            self.tell("data", found)
            if self.loops == loops:  # else it depends on what lies around it
                self.told[id(value)] = found, value

    def _simple(self, value: Any) -> None:
        if isinstance(value, float):
            self.tell("float", struct.pack("<d", value))
        elif isinstance(value, complex):
            self.tell("complex", struct.pack("<dd", value.real, value.imag))
        elif isinstance(value, bytes):
            self.tell("bytes", value)
        else:  # integers by hexadecimal digits: Python refuses to write out long ones in decimal
            text = f"{value:x}" if isinstance(value, int) else str(value)
            self.tell(type(value).__name__, text.encode("utf-8", "surrogatepass"))

    def _name(self, value: _Definition) -> None:
        """A definition where it occurs: by name if that says all, else by the number under which it is read."""
        if isinstance(value, types.ModuleType):
            name, known = value.__name__, provenance.of_module(value)
        elif isinstance(value, type):
            name, known = f"{value.__module__}.{value.__name__}", provenance.of_class(value)
        else:
            name, known = f"{value.__module__}.{value.__qualname__}", provenance.of_function(value)
            if not provenance.is_found_in_library(value, value.__module__, value.__qualname__):
                known = None  # one of many that a library may have made under this name
        if not self.code or known is not None:
            self.tell("installed", f"{name} {known if self.code else ''}".encode())
            return
        if id(value) not in self.met:
            self.met[id(value)] = len(self.met), value
            self.waiting.append(value)
        self.tell("number", str(self.met[id(value)][0]).encode())

    def _definition(self, value: _Definition) -> None:
        if isinstance(value, types.ModuleType):
            self.tell("module", value.__name__.encode())
            self._entries(vars(value), _INCIDENTAL_IN_MODULE)
        elif isinstance(value, type):
            self.tell("class", f"{value.__module__}.{value.__name__}".encode())
            self.read((type(value), *value.__mro__[1:]))
            self._entries(vars(value), _INCIDENTAL_IN_CLASS)
        else:
            self._function(value)

    def _entries(self, namespace: Any, incidental: frozenset[str]) -> None:
        # By name: pickling a class by value sorts them.
        for name, entry in sorted(namespace.items()):
            # Python makes an empty dict of annotations when it is asked for one.
            if name not in incidental and not (name == "__annotations__" and not entry):
                self.tell("entry", name.encode())
                self.read(entry)

    def _function(self, function: types.FunctionType) -> None:
        self.tell("function", f"{function.__module__}.{function.__qualname__} {function.__name__}".encode())
        if self.code:
            self.read(function.__code__)
            self.read([function.__defaults__, function.__kwdefaults__, function.__doc__, function.__annotations__])
            self.read(function.__dict__)
            known = provenance.of_function(function)
            self.tell("globals of", (known or "the user").encode())
            if known is None:
                for name, found in compiled.reached(function):
                    self.tell("global", name.encode())
                    self.read(found)
        for cell in function.__closure__ or ():
            try:
                self.read(cell.cell_contents)
            except ValueError:  # a variable that was never set
                self.tell("unset")

    def _data(self, value: Any) -> None:
        kind = type(value)
        if kind in (list, tuple):
            self.tell(kind.__name__, str(len(value)).encode())
            for item in value:
                self.read(item)
        elif kind in (dict, types.MappingProxyType):
            if self.code:
                self.tell(kind.__name__, str(len(value)).encode())
                for item in value.items():
                    self.read(item)
            else:
                self._unordered(kind.__name__, value.items())
        elif kind in (set, frozenset):
            self._unordered(kind.__name__, value)
        elif kind is types.FunctionType:
            self._function(value)
        elif kind is types.CodeType:
            self.read(compiled.parts(value))
        elif kind is types.MethodType:
            # The function by itself: it is an entry of the object's class, or, once pickled, a copy of that entry.
            self.tell("method", self._apart(value.__func__, {}))
            self.read(value.__self__)
        elif kind is types.BuiltinFunctionType:
            self.tell("builtin", f"{value.__module__}.{value.__qualname__}".encode())
            self.read(value.__self__)
        else:
            self._object(value)

    def _unordered(self, tag: str, items: Iterable[Any]) -> None:
        self.tell(tag)
        # Each from the same start: the numbers of definitions must not depend on the order.
        for digest in sorted([self._apart(item, self.met) for item in items]):
            self.tell("item", digest)

    def _apart(self, value: object, met: dict[int, tuple[int, _Definition]]) -> bytes:
        """Digest of a value with definitions numbered from those already `met`, and none of its own counted later."""
        reader = _Reader(self.code)
        reader.met, reader.inside = dict(met), self.inside
        digest = reader.digest(value)
        self.loops += reader.loops
        return digest

    def _object(self, value: Any) -> None:
        kind = type(value)
        self.tell("object")
        self.read(kind)
        keyed = next((base for base in kind.__mro__ if "content_key" in vars(base)), None)
        if keyed is not None and keyed.__module__.startswith("linflow.") and provenance.of_class(keyed):
            self.tell("key", str(value.content_key).encode())
            if kind is keyed:  # which says all about its own fields, and nothing about those of subclasses
                self.read(state.fields(value, known=frozenset(keyed.__annotations__)))
                return
        if isinstance(value, np.ndarray | np.generic):
            self._array(value)
            if provenance.of_class(kind) is None:
                self.read(state.fields(value))
        elif isinstance(value, np.dtype):
            self.read([value.str, value.metadata, value.__reduce__()[1:]])
        elif isinstance(value, property | classmethod | staticmethod | cached_property):
            self.read([getattr(value, part, None) for part in _HELD])
            self.read(state.fields(value, known=_COPIED | {"func", "attrname", "lock"}))
        elif isinstance(value, types.GetSetDescriptorType | types.ClassMethodDescriptorType):
            self.read([value.__objclass__, value.__name__])
        elif isinstance(value, TypeVar | ParamSpec | TypeVarTuple):
            told = ("__name__", "__bound__", "__constraints__", "__covariant__", "__contravariant__")
            self.read([getattr(value, part, None) for part in told])
        elif (parts := state.tensor(value)) is not None:
            self.read(parts)
            self.read(state.fields(value))
        else:
            self._held(value)

    def _array(self, value: Any) -> None:
        array = np.asarray(np.ma.getdata(value))
        plain = array.dtype.kind in "biufcSUOmM" and array.dtype.metadata is None
        # The letters of a structured type leave out the names of its fields.
        self.read([array.dtype.str if plain else array.dtype, array.shape])
        if array.dtype.hasobject:
            self.read(array.ravel().tolist())
        else:
            self.tell("entries", np.ascontiguousarray(array).tobytes())
        if isinstance(value, np.ma.MaskedArray):
            self.read(
                [
                    np.ma.getmaskarray(value),
                    None if value is np.ma.masked else np.asarray(value.fill_value),
                    bool(value.hardmask),
                ]
            )

    def _held(self, value: Any) -> None:
        kind = type(value)
        # First, as some types pickle an empty dict only after they were asked for one.
        fields = state.lasting_fields(value)
        self.read(state.payload(value))
        reduced = state.reduced(value)
        if isinstance(reduced, str):
            module = getattr(value, "__module__", None) or kind.__module__
            if self._installed(value, str(module), reduced):
                return
            if state.is_compiled(kind) and not fields:
                raise state.untold(value, f"it says no more than its name, {reduced!r}")
            self.tell("named", f"{module}.{reduced}".encode())
        else:
            self.read(reduced)
        self.read(fields)

    def _installed(self, value: object, module: str, name: str) -> bool:
        """Tell a library's own object by its name, if it is found there."""
        # A numpy function does not know its module: one that was made from a function of the user's is in none of these.
        places = ("numpy", "scipy.special") if isinstance(value, np.ufunc) else (module,)
        place = next((place for place in places if provenance.is_found_in_library(value, place, name)), None)
        known = None if place is None else provenance.of_import(place)
        if known is None:
            if isinstance(value, np.ufunc):
                raise state.untold(value, "it does not show which function it was made of")
            return False
        self.tell("installed", f"{place}.{name} {known if self.code else ''}".encode())
        return True
