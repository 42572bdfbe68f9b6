"""What a check tells Hypothesis: that it failed, that it decided nothing, and how near it came."""

from __future__ import annotations

import contextlib
import math
from typing import NoReturn

import hypothesis
from hypothesis.errors import InvalidArgument

from linflow.spectrum import Spectrum


def fail(headline: str, *details: tuple[str, object]) -> NoReturn:
    """Raise the AssertionError of a failed check: a headline, then a line for each (name, value).

    >>> fail("too large", ("claimed", 1.0), ("found", 2.0))
    Traceback (most recent call last):
    ...
    AssertionError: too large
      claimed:  1.0
      found:    2.0
    """
    # Hypothesis tells failures apart by the line that raises. All come from this one, so that it shrinks to the simplest
    # failure of a test, not to the simplest of each kind.
    __tracebackhide__ = True
    width = 1 + max((len(name) for name, _ in details), default=0)
    raise AssertionError("\n".join([headline, *(f"  {name + ':':<{width}}  {value}" for name, value in details)]))


def count(what: str) -> None:
    """Count an example that decided nothing: ``pytest --hypothesis-show-statistics`` shows how many there were."""
    if hypothesis.currently_in_test_context():
        hypothesis.event(f"linflow.testing: {what}")


def steer(label: str, ratio: float) -> None:
    """Let Hypothesis climb towards the examples where a bound is tightest: towards the smallest `ratio`."""
    if hypothesis.currently_in_test_context() and 0 < ratio < math.inf:
        # One score a label and example: of several bounds checked under one name, the first is climbed.
        with contextlib.suppress(InvalidArgument):
            hypothesis.target(-math.log(ratio), label=label)


def pasteable(spectrum: Spectrum) -> str:
    """The spectrum as code, every digit of every value.

    >>> pasteable(Spectrum([0.1, 1.0], name="pair"))
    'Spectrum([1.0, 0.1])'
    """
    return f"Spectrum({spectrum.singular_values.tolist()})"
