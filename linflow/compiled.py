"""Compiled functions: what their code consists of, and what they reach by name.

The code of a function is more than its instructions: the names and kinds of its arguments decide what a call means, and the
exception table what an error leads to. Where it lies in its file, and which file that is, are no part of it.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from linflow import provenance
from linflow.errors import InputError

#: Instructions that look a name up, or leave it, among a module's names.
_GLOBAL = frozenset({"LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})


def parts(code: types.CodeType) -> list[Any]:
    """All that decides what a code object does.

    >>> parts((lambda x, y: x).__code__) == parts((lambda y, x: y).__code__)
    False
    """
    return [
        code.co_code,
        code.co_consts,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
        code.co_flags,
        code.co_exceptiontable,
        (code.co_name, code.co_qualname),
    ]


def reached(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Names that a function looks up while it runs, with what they stand for: globals, and modules imported inside of it.

    An installed module is named by what stands for it (:mod:`linflow.provenance`) and not loaded. The user's is imported,
    as the call would do: what it consists of cannot be told before.

    Raises
    ------
    InputError
        A module of the user's raises an error when it is imported.

    >>> def circle(radius):
    ...     return radius * scale
    >>> scale = 3
    >>> list(reached(circle))
    [('scale', 3)]
    """
    namespace = function.__globals__
    names, imports = _looked_up(function.__code__)
    for name in names:
        if name in namespace:
            yield name, namespace[name]
    for name, fromlist, level in imports:
        installed = provenance.of_import(name) if level == 0 else None
        yield "." * level + name, installed if installed is not None else _imported(function, name, fromlist, level)


def _imported(function: types.FunctionType, name: str, fromlist: tuple[str, ...], level: int) -> types.ModuleType | str:
    try:
        found = __import__(name, function.__globals__, {}, fromlist, level)
    except ImportError:  # the function may know what to do without it
        return "absent"
    except Exception as error:
        raise InputError(
            f"the content of function {function.__qualname__} cannot be told: importing {name!r}, as it does, raises "
            f"{type(error).__name__}: {error}"
        ) from None
    # Without a list of names, `import a.b` finds a; b is one of its entries.
    return found if fromlist or level else sys.modules.get(name, found)


@lru_cache(maxsize=4096)
def _looked_up(code: types.CodeType) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...], int], ...]]:
    """Names of globals and (name, names from it, level) of imports, of a function's code and of the functions inside it."""
    names, imports = set(), set()
    instructions = list(dis.get_instructions(code))
    for place, instruction in enumerate(instructions):
        if instruction.opname in _GLOBAL:
            names.add(str(instruction.argval))
        elif instruction.opname == "IMPORT_NAME":
            # The two constants before it are the level and the names that are imported from it.
            level, fromlist = (before.argval for before in instructions[place - 2 : place])
            imports.add((str(instruction.argval), tuple(fromlist or ()), int(level)))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            inner = _looked_up(constant)
            names.update(inner[0])
            imports.update(inner[1])
    return tuple(sorted(names)), tuple(sorted(imports))
