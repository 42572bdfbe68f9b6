"""What a user hands in from outside: a file, a function of a Python file or module by its name, or a function itself.

It is told from others by its content and not by its name: a file by all of its bytes, a function by its code, what that
reaches and the versions of the libraries that it names. Python files travel to other processes as text, with the modules
beside them; a file of data is read there by its absolute path, and refused if it has changed since.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import pickle
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from linflow.arrays import NoArray
from linflow.checks import path_of
from linflow.engine.files import regular_file, shortened
from linflow.engine.sources import Source
from linflow.engine.undisturbed import undisturbed
from linflow.engine.users import failing_as, text_of
from linflow.errors import DataError, InputError
from linflow.identity import content

#: What was handed in as an object, as far as this process has it.
_at_hand: dict[Outside, Callable[..., Any]] = {}
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class Outside(NoArray):
    """A file, or a function that makes something; made by :meth:`read`.

    Parameters
    ----------
    name : as it was given, for sentences and records.
    path : absolute, of the file or the Python file; "" for a module that is installed.
    module, function : where it is made; "" and "" for a file that is read.
    source : the Python file as text, where there is one.
    digest : of its content.
    weights : digest of what came of it where it was checked; "" before. No other process may then make anything else of it.
    held : what was handed in as an object, pickled; nothing where it has a name.
    """

    name: str
    path: str
    module: str
    function: str
    source: Source | None = field(repr=False)
    digest: str
    weights: str = ""
    held: bytes = field(default=b"", repr=False)

    @classmethod
    def of(cls, function: Callable[..., Any], name: str, what: str) -> Outside:
        """A function, or another object that can be called, as it is in this session.

        Raises
        ------
        InputError
            Its content cannot be told, or it cannot be sent to other processes.

        Examples
        --------
        >>> doubled = Outside.of(lambda x: 2 * x, "doubled", "method")
        >>> doubled.call(3)
        6
        """
        called = f"the {what} {name!r}"
        held = pickled_by_value(function, called, "put it into a file of its own, and name it FILE.py:FUNCTION")
        found = cls(name, "", "", name, None, content(function), held=held)
        _at_hand[found] = function  # in this process it is what it was
        return found

    @classmethod
    def read(cls, name: str | os.PathLike[str], what: str) -> Outside:
        """What `name` stands for: ``FILE``, ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION``; `what` it should be, in words.

        Raises
        ------
        InputError
            A Python file without the name of a function.
        DataError
            There is no such file, module or function, or it cannot be read.

        Examples
        --------
        >>> Outside.read("my_flow.py", "flow")
        Traceback (most recent call last):
            ...
        linflow.errors.InputError: name the function that makes the flow: my_flow.py:make_flow
        """
        text = str(path_of(name, what))
        place, _, function = text.rpartition(":")
        if function.isidentifier() and (place.endswith(".py") or _MODULE.fullmatch(place)):
            beside = Path(place if place.endswith(".py") else f"{place}.py")
            if place.endswith(".py") or beside.is_file():
                source = Source.read(beside, what)
                found = cls(text, source.path, "", function, source, "")
            else:
                found = cls(text, "", place, function, None, "")
            digest = found.function_digest()
        elif text.endswith(".py"):
            raise InputError(f"name the function that makes the {what}: {text}:make_{what}")
        else:
            regular_file(Path(text), f"{what} file")
            found = cls(text, str(Path(text).resolve()), "", "", None, "")
            digest = found.file_digest()
        return cls(found.name, found.path, found.module, found.function, found.source, digest)

    @property
    def is_file(self) -> bool:
        """Whether it is read, and not made by a function."""
        return not self.function

    def function_digest(self) -> str:
        """Digest of the function's content."""
        function = self.callable()
        if self.source is None:
            return content(function)
        with self.source.served():  # it may import a neighbour when it is called
            return self.source.content_of(function)

    def file_digest(self) -> str:
        """SHA-256 of the file as it is now."""
        try:
            with Path(self.path).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"the file {shortened(self.name)} cannot be read: {error.strerror or error}") from error

    def require_unchanged(self) -> None:
        """Raise DataError if the file is not the one that was given."""
        if self.file_digest() != self.digest:
            raise DataError(f"the file {shortened(self.name)} has changed since the run began: start it again")

    def callable(self) -> Callable[..., Any]:
        """The function, in this process."""
        if self.held:
            if self not in _at_hand:
                _at_hand[self] = pickle.loads(self.held)
            return _at_hand[self]
        if self.source is not None:
            with failing_as(DataError, f"the file {shortened(self.source.path)}"), self.source.served():
                module: Any = self.source.execute()
        else:
            try:
                module = importlib.import_module(self.module)
            except ModuleNotFoundError as error:
                if error.name is None or not f"{self.module}.".startswith(f"{error.name}."):
                    raise DataError(f"the module {self.module} cannot be imported: {error}") from error
                raise DataError(
                    f"there is no module {self.module!r}: give a path, such as {self.module}.py:{self.function}"
                ) from None
        function = getattr(module, self.function, None)
        if not callable(function):
            raise DataError(f"{self.name!r} names no function: there is no {self.function} to call in it")
        made: Callable[..., Any] = function
        return made

    def call(self, *arguments: Any) -> Any:
        """What the function makes of `arguments`; a DataError says what it raised."""
        function = self.callable()
        place = "" if self.held else f" of {shortened(self.path or self.module)}"
        with failing_as(DataError, f"{self.function}{place}"):
            if self.source is None:
                return function(*arguments)
            with self.source.served(), undisturbed():
                self.source.enter()
                return function(*arguments)


def pickled_by_value(value: object, what: str, instead: str) -> bytes:
    """A pickle that holds the module in which `value` was made too: a worker on another machine has not got it.

    Raises
    ------
    InputError
        It cannot be pickled; `what` it is, and what to do `instead`.
    """
    import cloudpickle

    name = getattr(value, "__module__", None) or type(value).__module__
    module = sys.modules.get(name)
    by_value = module is not None and name != "__main__" and not name.startswith("linflow.")
    try:
        if by_value:
            cloudpickle.register_pickle_by_value(module)
        return bytes(cloudpickle.dumps(value))
    except Exception as error:
        raise InputError(
            f"{what} cannot be sent to other processes ({type(error).__name__}: {text_of(error)}): {instead}"
        ) from error
    finally:
        if by_value:
            with contextlib.suppress(ValueError):
                cloudpickle.unregister_pickle_by_value(module)
