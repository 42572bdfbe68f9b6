"""What users' code raises, as one sentence: whatever it is, wherever it comes from, however it describes itself.

Only an interrupt is not the code's own: it is the user's, who wants to stop.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from linflow.engine.sources import PREFIX
from linflow.engine.undisturbed import undisturbed
from linflow.errors import LinflowError

#: Texts are cut here: they are for people.
_LONGEST = 500


def described(error: BaseException) -> str:
    """Type, message and the deepest line of the user's file on the error's way, in one line.

    >>> described(ValueError("no such\\nluck")), described(MemoryError())
    ('ValueError: no such luck', 'MemoryError')
    """
    place, trace = "", error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if str(trace.tb_frame.f_globals.get("__name__", "")).startswith(PREFIX):
            place = f" (line {trace.tb_lineno} of {Path(code.co_filename).name})"
        trace = trace.tb_next
    words = text_of(error)
    return f"{type(error).__name__}{f': {words}' if words else ''}"[:_LONGEST] + place


def text_of(value: object) -> str:
    """`str` in one line, of anything: an object of a user's may fail to say what it is, too.

    >>> text_of("a\\n b"), text_of(KeyError())
    ('a b', '')
    """
    try:
        # Half a surrogate pair can be held by a string, and be written nowhere.
        return " ".join(str(value).split()).encode("utf-8", "backslashreplace").decode()
    except Exception:  # the object's own method may raise anything
        return "(it cannot say what it is)"


class failing_as:  # noqa: N801 - used like a function
    """Around a call of a user's code: what it raises becomes a `kind` that says `what` raised it.

    ``sys.exit`` is no way out of a command either: its results would be lost without a word.

    >>> with failing_as(LinflowError, "value of claim 'c'"):
    ...     raise SystemExit(0)
    Traceback (most recent call last):
        ...
    linflow.errors.LinflowError: value of claim 'c' raised SystemExit: 0
    """

    # No generator: those give a StopIteration of the user's a meaning of their own.
    def __init__(self, kind: type[LinflowError], what: str) -> None:
        self.kind, self.what = kind, what

    def __enter__(self) -> None:
        self.around = undisturbed()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.around.put_back()
        if error is not None and not isinstance(error, KeyboardInterrupt):
            raise self.kind(f"{self.what} raised {described(error)}") from error
