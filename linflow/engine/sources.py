"""A user's Python file with the modules beside it that it imports, as text: any worker can execute it, edited or not.

An experiment or a claims file may import its neighbours, as a script may. They are found by reading the import statements,
those inside functions too; a name that a program makes up (``importlib.import_module(text)``) is not. What is executed is
the text that was read, wherever that happens, so that a run has one version of it although the files are edited meanwhile.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

from linflow import provenance
from linflow.engine.files import regular_file
from linflow.engine.undisturbed import enter, undisturbed, working_folder
from linflow.errors import DataError, InputError
from linflow.identity import content

#: Modules made from users' files are called by this and the file's name: the same in every process, and for every edit.
PREFIX = "linflow_file_"


@dataclass(frozen=True)
class Neighbour:
    """A module beside a user's file."""

    name: str
    path: str
    text: str
    is_package: bool


@dataclass(frozen=True)
class Source:
    """A user's file: its path, its text, and the modules beside it that it imports, directly or through each other."""

    path: str
    text: str
    neighbours: tuple[Neighbour, ...] = ()

    @classmethod
    def read(cls, file: Path, what: str) -> Source:
        """The file and its neighbours; DataError (about `what` file) if it cannot be read."""
        regular_file(file, f"{what} file")
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise DataError(f"the {what} file {str(file)!r} cannot be read: {why}") from error
        path = file.resolve()
        return cls(str(path), text, tuple(_neighbours(path.parent, text)))

    @property
    def key(self) -> str:
        """Digest of all that is executed, and of where it lies."""
        parts = [self.path, self.text, *(part for n in self.neighbours for part in (n.name, n.path, n.text))]
        return hashlib.sha256("\0".join(f"{len(part)} {part}" for part in parts).encode("utf-8", "replace")).hexdigest()

    @property
    def module_name(self) -> str:
        """Name of the module that :meth:`execute` makes."""
        return PREFIX + Path(self.path).stem

    def execute(self) -> types.ModuleType:
        """The file as a module, made once for the same text; anything that it raises comes out."""
        self.activate()
        known = sys.modules.get(self.module_name)
        if known is not None and getattr(known, "__linflow_key__", None) == self.key:
            return known
        module = types.ModuleType(self.module_name)
        module.__file__ = self.path
        # Data classes look their module up while they are made, so it has to be known before it is executed.
        sys.modules[self.module_name] = module
        try:
            with undisturbed():
                exec(compile(self.text, self.path, "exec"), module.__dict__)
                module.__linflow_folder__ = working_folder()  # type: ignore[attr-defined]
        except BaseException:
            del sys.modules[self.module_name]
            raise
        module.__linflow_key__ = self.key  # type: ignore[attr-defined]
        return module

    def enter(self) -> None:
        """Go to the working folder that the file chose while it was loaded; its functions may read what lies there."""
        enter(getattr(sys.modules.get(self.module_name), "__linflow_folder__", None))

    def content_of(self, value: object) -> str:
        """Digest of a function of this file with all that it reaches; where that cannot be told, of the texts."""
        try:
            return content(value)
        except InputError:
            # It reaches an open file, say: the texts that made it decide, and the versions of all that they import.
            texts = [self.text, *(neighbour.text for neighbour in self.neighbours)]
            installed = sorted({str(provenance.of_import(name)) for text in texts for name in imported(text)})
            return hashlib.sha256(json.dumps([texts, installed]).encode()).hexdigest()

    @contextmanager
    def served(self) -> Iterator[None]:
        """Imports find the neighbours of this file for the length of a block, and those of before after it."""
        before = tuple(_FINDER.served.values())
        self.activate()
        try:
            yield
        finally:
            _FINDER.serve(before)

    def activate(self) -> None:
        """Let imports find the neighbours of this file, and not those of another of the same names."""
        _FINDER.serve(self.neighbours)


def _neighbours(folder: Path, text: str) -> Iterator[Neighbour]:
    """Modules of `folder` that a program imports, each once."""
    seen: set[str] = set()
    waiting = list(imported(text))
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        found = _beside(folder, name)
        if found is not None:
            yield found
            waiting += imported(found.text, found.name if found.is_package else name.rpartition(".")[0])


def imported(text: str, package: str = "") -> Iterator[str]:
    """Names of modules that a program's text may import, each after the packages that it lies in; `package` is its own."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # told when it is executed
        return
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1) if all(parts[:length]))


def _beside(folder: Path, name: str) -> Neighbour | None:
    """The module of this name in the folder; None if it comes from elsewhere."""
    top = name.partition(".")[0]
    loaded = sys.modules.get(top)
    if top == "linflow" or (loaded is not None and top not in _FINDER.served):
        return None
    place = folder.joinpath(*name.split("."))
    for path, is_package in ((place / "__init__.py", True), (place.with_name(place.name + ".py"), False)):
        if path.is_file():
            try:
                return Neighbour(name, str(path), path.read_text(encoding="utf-8"), is_package)
            except (OSError, UnicodeDecodeError) as error:
                raise DataError(f"the module {str(path)!r} cannot be read: {error}") from error
    # A folder without __init__.py is a package too, unless another of its name is installed.
    if place.is_dir() and any(place.glob("*.py")) and ("." in name or importlib.util.find_spec(top) is None):
        return Neighbour(name, str(place / "__init__.py"), "", is_package=True)
    return None


class _Finder(MetaPathFinder, Loader):
    """Finds the neighbours of the file that was activated last."""

    def __init__(self) -> None:
        self.served: dict[str, Neighbour] = {}
        self._made: dict[Neighbour, types.ModuleType] = {}
        self._lock = threading.Lock()

    def serve(self, neighbours: Sequence[Neighbour]) -> None:
        """Make these, and no others, importable; modules that were made from the same text before are handed out again."""
        wanted = {neighbour.name: neighbour for neighbour in neighbours}
        with self._lock:
            if wanted == self.served:
                return
            for name, neighbour in self.served.items():
                module = sys.modules.pop(name, None)
                if module is not None:
                    self._made[neighbour] = module
            # All or none: modules made from one text may hold objects of another that has changed.
            if all(neighbour in self._made for neighbour in neighbours):
                sys.modules.update({name: self._made[neighbour] for name, neighbour in wanted.items()})
            self.served = wanted
            if self not in sys.meta_path:
                sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The protocol of ``sys.meta_path``."""
        found = self.served.get(name)
        if found is None:
            return None
        folders = [str(Path(found.path).parent)] if found.is_package else None
        return importlib.util.spec_from_file_location(name, found.path, loader=self, submodule_search_locations=folders)

    def exec_module(self, module: types.ModuleType) -> None:
        """The protocol of loaders."""
        found = self.served[module.__name__]
        exec(compile(found.text, found.path, "exec"), module.__dict__)


_FINDER = _Finder()


def send_by_value(*names: str) -> None:
    """Let other processes get what lives in these modules as it is in this one, and not as an import there would make it.

    So do users' files and their neighbours, which no other process finds. A library's modules are found everywhere.
    """
    import cloudpickle

    files = (name for name in list(sys.modules) if name.startswith(PREFIX))
    for name in dict.fromkeys((*names, *files, *_FINDER.served)):
        module = sys.modules.get(name)
        if module is not None and provenance.of_module(module) is None:
            cloudpickle.register_pickle_by_value(module)
