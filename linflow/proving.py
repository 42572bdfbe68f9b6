"""``linflow prove``: the proofs that linflow ships, loaded only here and when asked for.

The ledger needs the extra 'proofs'; what Coq checks needs Coq.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

from linflow.engine.files import shipped_folder
from linflow.errors import DataError, InputError
from linflow.tables import Column, Format, Table

#: The package is loaded by its path under this name: ``proofs`` itself may not be on the import path, or be another's.
_NAME = "linflow._proofs"


def prove(names: Sequence[str] = (), *, form: Format | None = None, only_list: bool = False) -> int:
    """Check the proofs of the statements called `names` (default all) and print the ledger.

    Parameters
    ----------
    form : of the table of the statements; default the ledger, step by step.
    only_list : list them, check nothing.

    Returns
    -------
    int : 0 if every step holds, 1 if not.

    Raises
    ------
    InputError
        A name that no statement has; SymPy or cvxpy is not installed.
    DataError
        This installation does not carry the proofs.

    Examples
    --------
    >>> prove(["inverse-chi-square"], only_list=True)
    inverse-chi-square  E[1/chi^2_nu] = 1/(nu - 2) for nu > 2; E[1/chi^2_1] = inf; ...
    0
    """
    try:
        _package()
        command = import_module(f"{_NAME}.command")
    except ModuleNotFoundError as error:
        raise _lacking(error) from error
    try:
        return int(command.show(names, only_list=only_list, **_asked(form, only_list)))
    except command.UnknownStatementError as error:
        raise InputError(str(error)) from error
    except ModuleNotFoundError as error:  # the files of the proofs are imported when the ledger is made
        raise _lacking(error) from error


def prove_by_machine(names: Sequence[str] = (), *, form: Format | None = None, only_list: bool = False) -> int:
    """Have Coq check the files called `names` (default all) of ``proofs/machine``, and print what it says of each theorem.

    Returns
    -------
    int : 0 if all compile, none assumes an axiom, and every statement is the one agreed upon; 1 if not.

    Raises
    ------
    InputError
        A name that no file has; Coq or MathComp is not installed.
    DataError
        This installation does not carry the proofs.

    Examples
    --------
    >>> prove_by_machine(["chebyshev"], only_list=True)
    chebyshev        Chebyshev's sum inequality with weights, from its identity
    0
    """
    _package()
    command = import_module(f"{_NAME}.machine.command")
    try:
        return int(command.show(names, only_list=only_list, **_asked(form, only_list)))
    except (command.UnknownFileError, command.NoCoqError) as error:
        raise InputError(str(error)) from error


def _asked(form: Format | None, only_list: bool) -> dict[str, Any]:
    """What the proofs, which know nothing of linflow, are told: JSON and Markdown of a run they write themselves."""
    if form is None or (form in ("json", "md") and not only_list):
        return {"as_json": form == "json", "as_markdown": form == "md"}
    return {"put": lambda rows: Table([Column(name, left=True) for name in rows[0]] if rows else [], rows).put(form)}


def _lacking(error: ModuleNotFoundError) -> Exception:
    if error.name not in ("sympy", "cvxpy"):
        return error
    return InputError(f"the proofs need {error.name}: pip install 'linflow[proofs]'")


def _package() -> ModuleType:
    if _NAME in sys.modules:
        return sys.modules[_NAME]
    folder = shipped_folder("proofs")
    if folder is None:
        raise DataError("this installation of linflow carries no proofs: install a wheel or the source tree")
    spec = spec_from_file_location(_NAME, folder / "__init__.py", submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise DataError(f"the proofs in {str(folder)!r} cannot be loaded")
    module = module_from_spec(spec)
    sys.modules[_NAME] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[_NAME]
        raise
    return module
