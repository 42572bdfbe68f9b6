"""Exceptions of linflow.

Every error that linflow raises on purpose derives from :class:`LinflowError` and from the builtin that fits, so that
``except ValueError`` in a caller's code works and the command line can tell a user's mistake from a bug.
"""

from __future__ import annotations


class LinflowError(Exception):
    """Base of every error that linflow raises on purpose."""


class InputError(LinflowError, ValueError):
    """A value is outside what the function accepts; the message says what is."""


class ShapeError(InputError):
    """Arrays whose shapes do not fit together."""


class RankError(InputError):
    """Measurements that depend linearly on each other where the estimator needs them independent."""


class NotConvergedError(LinflowError, ArithmeticError):
    """An iteration that did not reach its tolerance within the iterations allowed."""


class DataError(LinflowError, OSError):
    """A file or folder that cannot be read, is empty, or holds something else than expected."""


class OutputError(LinflowError, OSError):
    """A result that cannot be written where the user asked for it."""


class ClaimError(LinflowError, RuntimeError):
    """A claims file or a claim that raises, or that defines nothing to verify."""


class MissingTorchError(LinflowError, ImportError):
    """torch, which deep flows need, is not installed."""


class MissingExtraError(LinflowError, ImportError):
    """A library that a part of linflow needs, and that comes with an extra, is not installed."""
