r"""Sides of claims that can be had in ball arithmetic, to as many bits as it takes to tell them from the quantity.

A claim compares a quantity with a number that a function of (spectrum, m) returns in float64. Where the two lie closer than
rounding, no interval of float64 numbers decides; if quantity and side both offer themselves as balls, the question goes
there (:mod:`linflow.claims.separation`), and the claim is about the side itself, not about the float64 number next to it. A
plain function offers nothing of the kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from linflow.checks import Field
from linflow.risk.balls import precision
from linflow.risk.enclosure import error_ball
from linflow.risk.exact import exact
from linflow.risk.interlacing import ORDERS, interlacing
from linflow.risk.roots import per_dimension_ball
from linflow.spectrum import Spectrum

if TYPE_CHECKING:
    from linflow.risk.balls import Ball

#: Bits beyond the accuracy at which a ball is multiplied by a rational number.
_SPARE = 16


class Side(ABC):
    """A function of (spectrum, m) that a claim may have as its value, in float64 and as a ball."""

    @abstractmethod
    def __call__(self, spectrum: Spectrum, m: int) -> float:
        """The side in float64, to a relative error of 1e-12."""

    @abstractmethod
    def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Ball | None:
        """A ball around the side, of a radius of about ``2**-accuracy`` of it; None where there is none."""


@lru_cache(maxsize=1024)
def _interlacing(spectrum: Spectrum, m: int, field: Field) -> tuple[float, float]:
    """Both sides of E_m: each link of the theorem asks for one of them."""
    low, high = interlacing(spectrum, m, field=field)
    return float(low), float(high)


@dataclass(frozen=True)
class InterlacingSide(Side):
    """A side of the interlacing theorem, ``(n - m) A_s``: the lower (0) or the upper one (1) of E_m.

    >>> from linflow.spectrum import Spectrum
    >>> upper = InterlacingSide(1, "complex")  # m kappa_m, of two values their product
    >>> upper(Spectrum([3.0, 2.0]), 1), bool(upper.ball(Spectrum([3.0, 2.0]), 1, 200).contains(6))
    (6.0, True)
    """

    which: int
    field: Field

    def __call__(self, spectrum: Spectrum, m: int) -> float:
        """See `Side`."""
        return _interlacing(spectrum, m, self.field)[self.which]

    def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Ball:
        """See `Side.ball`."""
        with precision(accuracy + _SPARE):
            return (spectrum.n - m) * per_dimension_ball(spectrum, m + ORDERS[self.field][self.which], accuracy)


@dataclass(frozen=True)
class ComplexErrorSide(Side):
    """The expected error of complex measurements, `fewer` of them less than m, for each of the n - m dimensions left.

    >>> from linflow.spectrum import Spectrum
    >>> ComplexErrorSide(fewer=1)(Spectrum.flat(4), 2)
    2.0
    """

    fewer: int

    def __call__(self, spectrum: Spectrum, m: int) -> float:
        """See `Side`."""
        return (spectrum.n - m) / (spectrum.n - m + self.fewer) * float(exact(spectrum, m - self.fewer, "complex"))

    def ball(self, spectrum: Spectrum, m: int, accuracy: int) -> Ball | None:
        """See `Side.ball`."""
        error = error_ball(spectrum, m - self.fewer, "complex", accuracy)
        with precision(accuracy + _SPARE):
            return None if error is None else error * (spectrum.n - m) / (spectrum.n - m + self.fewer)
