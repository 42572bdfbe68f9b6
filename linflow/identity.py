"""Identity by content: a digest of everything that a value, an object, a function or a class consists of.

Names and ``repr`` do not identify: an array of a thousand entries shows six, a class made inside a function shows nothing
of what it closes over, and a mended function keeps its name. :func:`content` looks at what is there: all bytes of an array,
every field of an object, the compiled code of a function with its defaults, the variables that it closes over and the
globals that it names, followed as far as they lead. Packages that are installed count by name and version, and linflow
itself by the digest of its whole source (:func:`code_digest`), since results depend on all of it.

Two values of equal content are equal for every purpose of this package; unequal ones are never merged.
"""

from __future__ import annotations

import hashlib
import struct
import sys
import sysconfig
import types
from functools import cache, cached_property
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import numpy as np

from linflow.errors import InputError

#: Libraries whose version decides the numbers that linflow returns.
_LIBRARIES = ("numpy", "scipy", "python-flint")
#: Entries of a class that say nothing about what it does, or that Python adds when it is first used (`__slotnames__`: when
#: an object of it is first pickled or copied).
_INCIDENTAL = frozenset(
    {
        "__annotations__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__dict__",
        "__doc__",
        "__firstlineno__",
        "__match_args__",
        "__module__",
        "__slotnames__",
        "__static_attributes__",
        "__weakref__",
        "__abstractmethods__",
        "_abc_impl",
        "__parameters__",
        "__orig_bases__",
    }
)


def content(value: object, *, code: bool = True) -> str:
    """Hexadecimal digest of what `value` consists of.

    Parameters
    ----------
    value : numbers, strings, arrays, containers, functions, classes, modules, and objects with fields.
    code : whether the code of functions and classes counts. Without it they count by their qualified name, so that the
        digest of an object with fields is that of its class's name and its fields' content.

    Raises
    ------
    InputError
        It holds something whose content cannot be told, such as an open file.

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
    reader = _Reader(code)
    reader.read(value)
    return reader.hash.hexdigest()


@cache
def code_digest() -> str:
    """Digest of linflow's own source and of the versions of the libraries that its numbers come from.

    >>> len(code_digest())
    64
    """
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        text = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(text)}\n".encode())
        digest.update(text)
    for library in _LIBRARIES:
        digest.update(f"{library} {_version(library)}\n".encode())
    return digest.hexdigest()


class _Reader:
    """Feeds a value's content to a hash.

    Functions, classes and modules refer to each other freely: one that was met before is named by its number. Data are read
    each time they occur, so that it makes no difference whether two equal parts are one object; only an object that holds
    itself is named, by its depth.
    """

    def __init__(self, code: bool, met: dict[int, tuple[int, object]] | None = None, inside: tuple[int, ...] = ()) -> None:
        self.hash = hashlib.sha256()
        self.code = code
        #: By address; kept alive, so that no address is used twice.
        self.met = {} if met is None else dict(met)
        self.inside = inside

    def tell(self, tag: str, data: bytes = b"") -> None:
        """One unambiguous piece: tag, length, bytes."""
        self.hash.update(f"{tag}:{len(data)}:".encode())
        self.hash.update(data)

    def read(self, value: Any) -> None:
        if value is None or (isinstance(value, bool | str | bytes | int | float | complex) and type(value) in _SIMPLE):
            self._simple(value)
            return
        if id(value) in self.inside:
            self.tell("itself", str(self.inside.index(id(value))).encode())
            return
        if isinstance(value, types.FunctionType | type | types.ModuleType):
            if id(value) in self.met:
                self.tell("met", str(self.met[id(value)][0]).encode())
                return
            self.met[id(value)] = (len(self.met), value)
        before, self.inside = self.inside, (*self.inside, id(value))
        self._compound(value)
        self.inside = before

    def _compound(self, value: Any) -> None:
        if isinstance(value, np.ndarray | np.generic) and type(value).__module__.split(".")[0] == "numpy":
            self._array(np.asarray(value), masked=np.ma.getmaskarray(value) if np.ma.isMaskedArray(value) else None)
        elif isinstance(value, list | tuple) and type(value) in (list, tuple):
            self.tell(type(value).__name__, str(len(value)).encode())
            for item in value:
                self.read(item)
        elif type(value) in (dict, types.MappingProxyType):
            self._unordered("dict", [(k, v) for k, v in value.items()])
        elif type(value) in (set, frozenset):
            self._unordered("set", list(value))
        elif isinstance(value, types.ModuleType):
            self._module(value)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self.tell("method")
            self.read(value.__func__)
            self.read(value.__self__)
        elif isinstance(value, types.CodeType):
            self._code(value)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, property | cached_property | classmethod | staticmethod):
            self.tell(type(value).__name__)
            for name in ("fget", "fset", "fdel", "func", "__func__"):
                self.read(getattr(value, name, None))
        elif isinstance(value, types.BuiltinFunctionType | types.BuiltinMethodType | np.ufunc):
            self.tell("builtin", f"{getattr(value, '__module__', '')}.{value.__name__}".encode())
        else:
            self._object(value)

    def _simple(self, value: Any) -> None:
        if isinstance(value, float):
            self.tell("float", struct.pack("<d", value))
        elif isinstance(value, complex):
            self.tell("complex", struct.pack("<dd", value.real, value.imag))
        elif isinstance(value, bytes):
            self.tell("bytes", value)
        else:
            self.tell(type(value).__name__, str(value).encode("utf-8", "surrogatepass"))

    def _array(self, array: np.ndarray[Any, Any], masked: np.ndarray[Any, Any] | None) -> None:
        self.tell("array", f"{array.dtype.str} {array.shape}".encode())
        if array.dtype.hasobject:
            for item in array.ravel().tolist():
                self.read(item)
        else:
            self.tell("entries", np.ascontiguousarray(array).tobytes())
        if masked is not None:
            self.tell("mask", masked.tobytes())

    def _unordered(self, tag: str, items: list[Any]) -> None:
        self.tell(tag, str(len(items)).encode())
        # Sorted by content: the order of insertion is no part of what a dict or a set is.
        digests = []
        for item in items:
            reader = _Reader(self.code, self.met, self.inside)
            reader.read(item)
            digests.append(reader.hash.digest())
        for digest in sorted(digests):
            self.tell("item", digest)

    def _module(self, module: types.ModuleType) -> None:
        known = _installed(module.__name__)
        if known is not None:
            self.tell("module", f"{module.__name__} {known}".encode())
            return
        file = getattr(module, "__file__", None)
        text = Path(file).read_bytes() if file and Path(file).is_file() else b""
        self.tell("module", module.__name__.encode() + b"\0" + text)

    def _function(self, function: types.FunctionType) -> None:
        known = _installed(function.__module__)
        self.tell("function", f"{function.__qualname__} {known or ''}".encode())
        if known is not None or not self.code:
            self.tell("of", str(function.__module__).encode())
            # A function of a library that was made with arguments differs by what it closes over.
            closed = function.__closure__ or ()
        else:
            self._code(function.__code__)
            self.read(function.__defaults__)
            self.read(function.__kwdefaults__)
            closed = function.__closure__ or ()
            for name in sorted(_names(function.__code__)):
                if name in function.__globals__:
                    self.tell("global", name.encode())
                    self.read(function.__globals__[name])
        for cell in closed:
            try:
                self.read(cell.cell_contents)
            except ValueError:  # a variable that was never set
                self.tell("unset")

    def _code(self, compiled: types.CodeType) -> None:
        self.tell("code", compiled.co_code)
        self.tell("names", "\0".join(compiled.co_names).encode())
        for constant in compiled.co_consts:
            self.read(constant)

    def _class(self, kind: type) -> None:
        known = _installed(kind.__module__)
        self.tell("class", f"{kind.__module__}.{kind.__qualname__} {known or ''}".encode())
        if known is not None or not self.code:
            return
        for base in kind.__mro__[1:]:
            self.read(base)
        for name, entry in sorted(vars(kind).items()):
            if name not in _INCIDENTAL and not isinstance(entry, types.MemberDescriptorType | types.GetSetDescriptorType):
                self.tell("entry", name.encode())
                self.read(entry)

    def _object(self, value: Any) -> None:
        self.read(type(value))
        identity = getattr(type(value), "content_key", None)
        if isinstance(identity, property):
            self.tell("key", str(value.content_key).encode())
            return
        wrapped = getattr(value, "__wrapped__", None)
        if wrapped is not None:  # a decorated function is known by its name to pickle, and by its code here
            self.read(wrapped)
        try:
            reduced = value.__reduce_ex__(4)
        except (TypeError, AttributeError) as error:
            raise InputError(
                f"the content of a {type(value).__qualname__} cannot be told ({error}), so results that depend on it "
                "cannot be kept apart: hold numbers, strings, arrays, functions, or objects made of these"
            ) from None
        self.read(reduced if isinstance(reduced, str) else tuple(_part(type(value), part) for part in reduced))


_SIMPLE = (bool, str, bytes, int, float, complex)


def _part(kind: type, part: Any) -> Any:
    """One part of what pickling would store: iterators as lists, and no values that a property merely remembers."""
    if hasattr(part, "__next__"):
        return list(part)
    if isinstance(part, tuple) and len(part) == 2 and all(isinstance(half, dict | None) for half in part):
        return tuple(_part(kind, half) for half in part)
    if isinstance(part, dict):
        return {key: item for key, item in part.items() if not isinstance(getattr(kind, str(key), None), cached_property)}
    return part


def _names(compiled: types.CodeType) -> set[str]:
    """Global names of a function's code and of the functions inside it."""
    names = set(compiled.co_names)
    for constant in compiled.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


def _installed(module: str | None) -> str | None:
    """What stands for the whole code of a module that is not the user's own; None for one that is."""
    top = (module or "").split(".")[0]
    if top == "linflow":
        return code_digest()
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        # An interpreter's minor version decides what its library does.
        return f"python {sys.version_info.major}.{sys.version_info.minor}" if top != "__main__" else None
    return _site_package(top)


@cache
def _site_package(top: str) -> str | None:
    loaded = sys.modules.get(top)
    file = getattr(loaded, "__file__", None)
    if loaded is None or file is None:
        return None
    folders = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    if not any(folder in Path(file).resolve().parents for folder in folders):
        return None
    names = packages_distributions().get(top, [top])
    return " ".join(f"{name} {_version(name)}" for name in sorted(set(names)))


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "?"
