"""Users' own claims: from a Python file, or from installed packages through the entry point group ``linflow.claims``."""

from __future__ import annotations

import os
from importlib.metadata import entry_points

from linflow.checks import path_of
from linflow.claims.claim import Claim
from linflow.engine.sources import Source
from linflow.engine.users import failing_as, text_of
from linflow.errors import ClaimError

ENTRY_POINT_GROUP = "linflow.claims"


def claims_from_file(path: str | os.PathLike[str]) -> list[Claim]:
    """Every module-level `Claim` of a Python file (single ones, and those in lists or tuples).

    The file may import modules that lie beside it.

    Raises
    ------
    DataError
        The file does not exist or cannot be read.
    ClaimError
        The file raises while it is run, or defines no claim.
    """
    file = path_of(path, "path")
    source = Source.read(file, "claims")
    try:
        names = vars(source.execute())
    except KeyboardInterrupt:
        raise
    except SyntaxError as error:
        raise ClaimError(f"the claims file {str(path)!r} has a syntax error in line {error.lineno}: {error.msg}") from error
    except BaseException as error:  # the user's file may raise anything; where it did is what helps
        how = f"{type(error).__name__} in line {_line_in(error, source.path)}: {text_of(error)}"
        raise ClaimError(f"the claims file {str(path)!r} raised {how}") from error
    claims = _collect(list(names.values()))
    if not claims:
        raise ClaimError(f"the claims file {str(path)!r} defines no claim: assign a linflow.Claim(...) to a name in it")
    return claims


def installed_claims() -> list[Claim]:
    """Claims of installed packages: an entry point names a `Claim`, a list of them, or a function that returns either."""
    claims = []
    for point in entry_points(group=ENTRY_POINT_GROUP):
        with failing_as(ClaimError, f"the installed claims {point.name!r} ({point.value})"):
            found = point.load()
            found = found() if callable(found) and not isinstance(found, Claim) else found
        claims += _collect([found])
    return claims


def _collect(values: list[object]) -> list[Claim]:
    claims: list[Claim] = []
    for value in values:
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Claim) and not any(item is claim for claim in claims):
                claims.append(item)
    return claims


def _line_in(error: BaseException, path: str) -> int | str:
    """The last line of the file on the error's way, as the user sees it."""
    line: int | str = "?"
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
