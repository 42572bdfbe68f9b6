"""Where code comes from: what stands for the whole of a library, and what is the user's own and must be read.

A name proves nothing: `functools.wraps` copies the name of a library's function onto the user's, a class that ``type(...)``
made is said to live in ``abc``, and a file of the user's may be called ``this.py``. What counts is the file that code was
compiled from, and that a class is really found in the module that it names. A file belongs to Python, to linflow, to an
installed distribution, or to the user; only the last is read (by :mod:`linflow.identity`).

Libraries are taken as they were installed: a function of theirs that is replaced while a program runs is not noticed inside
of them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import site
import sys
import sysconfig
import types
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

#: Libraries whose version decides the numbers that linflow returns.
_LIBRARIES = ("numpy", "scipy", "python-flint", "scikit-learn", "scikit-image", "pillow")
_ROOT = Path(__file__).resolve().parent
#: Parts of linflow from which torch is reached; the package itself is one, as all of it hangs on its name.
_WITH_TORCH = ("__init__.py", "deep", "_simulations")
#: Flag of the types that Python code can make; the others are compiled into the interpreter or an extension.
_HEAP_TYPE = 1 << 9


@cache
def code_digest() -> str:
    """Digest of linflow's own source and of the versions of Python and the libraries that its numbers come from.

    >>> len(code_digest())
    64
    """
    digest = hashlib.sha256()
    # The numbers do not hang on whether the C was compiled: it is the same function twice.
    for path in sorted([*_ROOT.rglob("*.py"), *_ROOT.rglob("*.c")]):
        text = path.read_bytes()
        digest.update(f"{path.relative_to(_ROOT).as_posix()} {len(text)}\n".encode())
        digest.update(text)
    digest.update(f"python {platform.python_version()}\n".encode())
    for library in _LIBRARIES:
        digest.update(f"{library} {_version(library)}\n".encode())
    return digest.hexdigest()


def of_module(module: types.ModuleType) -> str | None:
    """What stands for all that a module consists of; None for the user's own.

    >>> import math
    >>> of_module(math) == f"python {platform.python_version()}", of_module(types.ModuleType("math"))
    (True, None)
    """
    if sys.modules.get(module.__name__) is not module:
        return None
    spec = getattr(module, "__spec__", None)
    if spec is not None:
        return _of_spec(spec)
    return _of_file(getattr(module, "__file__", None))


def of_import(name: str) -> str | None:
    """What stands for the module that an absolute import of `name` finds, without importing it; None for the user's own."""
    top = name.partition(".")[0]
    loaded = sys.modules.get(top)
    if loaded is not None:
        return of_module(loaded)
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    return None if spec is None else _of_spec(spec)


def of_function(function: types.FunctionType) -> str | None:
    """What stands for the globals of a function: it was compiled from a library's file, for that library's namespace."""
    namespace, compiled_from = function.__globals__, function.__code__.co_filename
    if compiled_from.startswith("<frozen "):
        module = sys.modules.get(str(namespace.get("__name__")))
        return of_module(module) if module is not None and vars(module) is namespace else None
    known = _of_file(compiled_from)
    return known if known is not None and known == _of_file(namespace.get("__file__")) else None


def of_class(kind: type) -> str | None:
    """What stands for all that a class consists of; None for one that is the user's own or was made while running.

    >>> of_class(type("OrderedDict", (dict,), {"__module__": "collections"})) is None
    True
    """
    module = sys.modules.get(str(kind.__module__))
    known = None if module is None else of_module(module)
    if not kind.__flags__ & _HEAP_TYPE:
        return known or "compiled"
    return known if known is not None and _is_found(kind, module, kind.__qualname__) else None


def is_found_in_library(value: object, module: object, path: str) -> bool:
    """Whether the entry `path` (names joined by dots) of a library's loaded module is this very object.

    A decorator of a library makes functions that are found in the user's module: they are the user's.
    """
    place = sys.modules.get(str(module))
    return place is not None and of_module(place) is not None and _is_found(value, place, path)


def _is_found(value: object, module: object, path: str) -> bool:
    owner = module
    for name in path.split("."):
        # Not by `getattr`: a module may answer it by loading something, or by a warning.
        owner = getattr(owner, "__dict__", {}).get(name)
        if owner is None:
            return False
    return owner is value


def _of_spec(spec: ModuleSpec) -> str | None:
    if spec.origin in ("built-in", "frozen"):
        return _label("python")
    folders = list(spec.submodule_search_locations or ())
    return _of_file(spec.origin if spec.origin is not None or not folders else folders[0])


def _of_file(file: object) -> str | None:
    owner = _owner(file) if isinstance(file, str) else None
    return None if owner is None else _label(owner)


def _label(owner: str) -> str:
    if owner == "linflow":
        return code_digest()
    if owner == "linflow with torch":
        return f"{code_digest()} torch {_version('torch')}"
    if owner == "python":
        return f"python {platform.python_version()}"
    return owner


@cache
def _owner(file: str) -> str | None:
    """Who a file belongs to: linflow (with torch or not), Python, distributions with their versions; None for the user."""
    path = Path(file).resolve()
    if _ROOT in path.parents:
        return "linflow with torch" if path.relative_to(_ROOT).parts[0] in _WITH_TORCH else "linflow"
    # Packages first: their folder may lie inside Python's own.
    for folder in _package_folders():
        if folder in path.parents:
            top = path.relative_to(folder).parts[0].partition(".")[0]
            # What no distribution brought was put there by the user, and has no version.
            names = sorted(set(_distributions().get(top, ())))
            return " ".join(f"{name} {_version(name)}" for name in names) or None
    own = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
    return "python" if any(folder in path.parents for folder in own) else None


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


@cache
def _package_folders() -> tuple[Path, ...]:
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    return tuple({Path(folder).resolve(): None for folder in (*folders, site.getusersitepackages())})


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "?"
