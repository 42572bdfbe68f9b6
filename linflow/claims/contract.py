"""The contract of a quantity, held against each of its answers: what breaks it is refused in a sentence, never decided on.

An enclosure must be ordered, a scale positive, draws finite, in range and as many as were asked for. A quantity that breaks
this says nothing about any claim, so the engine asks only through these functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import numpy as np

from linflow.arrays import shown
from linflow.checks import FloatArray, real_number
from linflow.claims.quantities import Breach, Draws, Plain, Quantity, Sketch
from linflow.claims.sides import Side
from linflow.engine.undisturbed import undisturbed
from linflow.engine.users import described, failing_as
from linflow.errors import ClaimError, InputError, LinflowError
from linflow.risk.balls import is_ball, meets
from linflow.spectrum import Spectrum

if TYPE_CHECKING:
    from linflow.risk.balls import Ball

T = TypeVar("T")

_LARGEST_ROUNDING = 1e-3


def defined_at(quantity: Quantity, spectrum: Spectrum, m: int) -> bool:
    """`Quantity.defined`: what has a truth value."""
    return _asked(lambda spectrum, m: bool(quantity.defined(spectrum, m)), quantity, "defined", spectrum, m)


def name_of(quantity: Quantity) -> str:
    """`Quantity.name`: a text, which every sentence and every table about it needs."""
    name = getattr(quantity, "name", None)
    if not isinstance(name, str) or not name.strip():
        kind = type(quantity).__name__
        raise InputError(f"the quantity {kind} has no name: give its class a line such as name = {kind.lower()!r}")
    return name


def enclosure_of(quantity: Quantity, spectrum: Spectrum, m: int) -> tuple[float, float] | None:
    """`Quantity.enclosure`: None, or two real numbers, the first at most the second."""
    _own(quantity, "enclosure", ("draws", "scale", "inverse"), spectrum, m)
    found = _asked(quantity.enclosure, quantity, "enclosure", spectrum, m)
    return None if found is None else _interval(found, quantity, "enclosure", spectrum, m)


def hold_against_draws(
    quantity: Quantity, spectrum: Spectrum, m: int, enclosed: tuple[float, float], drawn: tuple[float, float]
) -> None:
    """Raise unless an enclosure and what draws show of the same mean have a number in common."""
    if apart(enclosed, drawn, rounding_of(quantity)):
        how = f"returned ({enclosed[0]:g}, {enclosed[1]:g}), but its draws show a mean in ({drawn[0]:g}, {drawn[1]:g})"
        _broken(quantity, "enclosure", spectrum, m, how)


def enclosure_at(quantity: Quantity, spectrum: Spectrum, m: int, A: FloatArray, value: float) -> tuple[float, float] | None:
    """`Quantity.enclosure_at`, likewise, around the `value` that the quantity says it has there."""
    _own(quantity, "enclosure_at", ("at",), spectrum, m)
    found = _asked(quantity.enclosure_at, quantity, "enclosure_at", spectrum, m, A)
    if found is None:
        return None
    low, high = _interval(found, quantity, "enclosure_at", spectrum, m)
    if apart((low, high), (value, value), rounding_of(quantity)):
        how = f"returned ({low:g}, {high:g}), which does not hold at(A) = {value:g}"
        _broken(quantity, "enclosure_at", spectrum, m, how)
    return low, high


def ball_of(quantity: Quantity, spectrum: Spectrum, m: int, accuracy: int, low: float, high: float) -> Ball | None:
    """`Quantity.ball`: None, or a ball of finite radius that meets the interval ``low..high`` of `Quantity.enclosure`."""
    # A ball of linflow's that is inherited is not that of a quantity with an enclosure, draws or a scale of its own.
    if _inherited(quantity, "ball", ("enclosure", "draws", "scale", "inverse")):
        return None
    found = _asked(quantity.ball, quantity, "ball", spectrum, m, accuracy)
    if found is not None and not (is_ball(found) and meets(found, low, high)):
        _broken(quantity, "ball", spectrum, m, f"returned {shown(found)}, which is no ball within {low:g}..{high:g}")
    return found


def ball_of_side(side: Side, spectrum: Spectrum, m: int, accuracy: int, value: float, rounding: float) -> Ball | None:
    """`Side.ball`: None, or a ball of finite radius that the side in float64 lies in, up to its relative rounding."""
    name = type(side).__name__
    with failing_as(ClaimError, f"{name}.ball({spectrum.name}, m={m})"):
        found = side.ball(spectrum, m, accuracy)
    room = rounding * abs(value)
    if found is not None and not (is_ball(found) and meets(found, value - room, value + room)):
        raise ClaimError(
            f"{name}.ball({spectrum.name}, m={m}) returned {shown(found)}, which is no ball around its value {value!r}: "
            "nothing is decided by a side that contradicts itself"
        )
    return found


def scale_of(quantity: Quantity, spectrum: Spectrum, m: int) -> float:
    """`Quantity.scale`: a finite number > 0."""
    found = _number(_asked(quantity.scale, quantity, "scale", spectrum, m), quantity, "scale", spectrum, m)
    if not np.finfo(np.float64).tiny <= found < np.inf:
        _broken(quantity, "scale", spectrum, m, f"returned {found!r}, which is not a finite number > 0 of full precision")
    return found


def estimate_of(quantity: Quantity, spectrum: Spectrum, m: int) -> float | None:
    """`Quantity.estimate`: None or a number."""
    found = _asked(quantity.estimate, quantity, "estimate", spectrum, m)
    return None if found is None else _number(found, quantity, "estimate", spectrum, m)


def sketch_of(quantity: Quantity, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Sketch:
    """`Quantity.sketch`: a number inside its interval."""
    found = _asked(quantity.sketch, quantity, "sketch", spectrum, m, size, rng)
    if not isinstance(found, Sketch):
        _broken(quantity, "sketch", spectrum, m, f"returned {type(found).__name__}, not Sketch(value, low, high)")
    ends = (found.value, found.low, found.high)
    value, low, high = (_number(end, quantity, "sketch", spectrum, m) for end in ends)
    if not low <= value <= high:
        _broken(quantity, "sketch", spectrum, m, f"returned {found!r}, whose value lies outside of its interval")
    return Sketch(value, low, high)


def draws_of(quantity: Quantity, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Draws:
    """`Quantity.draws`: `size` finite values, and as many weights in [0, 1] if the quantity has a mean."""
    found = _asked(quantity.draws, quantity, "draws", spectrum, m, size, rng)
    if not isinstance(found, Draws):
        _broken(quantity, "draws", spectrum, m, f"returned {type(found).__name__}, not Draws(weights=..., values=...)")
    values = _finite(found.values, (size,), quantity, "draws", "values", spectrum, m)
    weights = _finite(found.weights, (size if quantity.has_mean else 0,), quantity, "draws", "weights", spectrum, m)
    if weights.size and not (weights.min() >= 0 and weights.max() <= 1):
        at = f"{weights.min():g}..{weights.max():g}"
        _broken(quantity, "draws", spectrum, m, f"returned weights in {at}: they must lie in 0..1")
    breaches: object = found.breaches
    if not (isinstance(breaches, tuple | list) and all(isinstance(breach, Breach) for breach in breaches)):
        _broken(quantity, "draws", spectrum, m, "returned breaches that are no Breach")
    return Draws(weights, values, tuple(found.breaches))


def plain_of(quantity: Quantity, spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> Plain | None:
    """`Quantity.plain`: None, or `size` finite values and their (size, m, n) measurements if they have any."""
    found = _asked(quantity.plain, quantity, "plain", spectrum, m, size, rng)
    if found is None:
        return None
    if not isinstance(found, Plain):
        _broken(quantity, "plain", spectrum, m, f"returned {type(found).__name__}, not Plain(values=...)")
    values = _finite(found.values, (size,), quantity, "plain", "values", spectrum, m)
    shape = (size, m, spectrum.n)
    A = None if found.A is None else _finite(found.A, shape, quantity, "plain", "A", spectrum, m)
    return Plain(values, A)


def hold_at(quantity: Quantity, spectrum: Spectrum, m: int, plain: Plain) -> None:
    """Raise unless the values of plain draws are those that `Quantity.at` has for their A, where both are known."""
    again = None if plain.A is None else values_at(quantity, spectrum, m, plain.A)
    if again is not None and np.any(np.abs(again - plain.values) > rounding_of(quantity) * np.abs(again)):
        _broken(quantity, "plain", spectrum, m, "returned values and A, but at(A) is not the value of the plain draw")


def values_at(quantity: Quantity, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray | None:
    """`Quantity.at`: None, or a finite value for each of (size, m, n) measurements."""
    found = _asked(quantity.at, quantity, "at", spectrum, m, A)
    return None if found is None else _finite(found, (len(A),), quantity, "at", "values", spectrum, m)


def slope_at(quantity: Quantity, spectrum: Spectrum, m: int, A: FloatArray) -> FloatArray | None:
    """`Quantity.slope_at`: None, or an array of the shape of A; where a slope leaves float64 it need not be finite."""
    found = _asked(quantity.slope_at, quantity, "slope_at", spectrum, m, A)
    return None if found is None else _real(found, A.shape, quantity, "slope_at", "a gradient", spectrum, m)


def rounding_of(quantity: Quantity) -> float:
    """`Quantity.rounding`: a relative error that leaves something to be told apart."""
    if not 0 <= quantity.rounding <= _LARGEST_ROUNDING:
        raise ClaimError(
            f"quantity {quantity.name!r} breaks its contract: its rounding must lie in 0..{_LARGEST_ROUNDING:g}, got "
            f"{quantity.rounding!r}"
        )
    return float(quantity.rounding)


def _own(quantity: Quantity, oracle: str, others: tuple[str, ...], spectrum: Spectrum, m: int) -> None:
    """An oracle of linflow's that is inherited says nothing about a quantity of which one of the `others` has changed."""
    for changed in _inherited(quantity, oracle, others):
        owner = next(kind for kind in type(quantity).__mro__ if oracle in vars(kind))
        how = f"is that of {owner.__name__}, while {changed} is not: define both, or neither"
        _broken(quantity, oracle, spectrum, m, how)


def _inherited(quantity: Quantity, oracle: str, others: tuple[str, ...]) -> list[str]:
    """Which of the others a class defines below the class of linflow's that its `oracle` comes from."""
    kinds = type(quantity).__mro__
    place = {name: next(i for i, kind in enumerate(kinds) if name in vars(kind)) for name in (oracle, *others)}
    owner = kinds[place[oracle]]
    if owner is Quantity or not owner.__module__.startswith("linflow."):
        return []
    return [name for name in others if place[name] < place[oracle]]


def apart(one: tuple[float, float], other: tuple[float, float], rounding: float) -> bool:
    """Whether two intervals have no number in common, rounding granted."""
    size = rounding * max((abs(end) for end in (*one, *other) if np.isfinite(end)), default=0.0)
    return one[0] > other[1] + size or other[0] > one[1] + size


def _asked(function: Callable[..., T], quantity: Quantity, what: str, spectrum: Spectrum, m: int, *rest: Any) -> T:
    try:
        with undisturbed():
            return function(spectrum, m, *rest)
    except (LinflowError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a user's quantity may raise anything; its name and place are what helps
        raise ClaimError(
            f"{what} of quantity {quantity.name!r} at ({spectrum.name}, m={m}) raised {described(error)}"
        ) from error


def _broken(quantity: Quantity, what: str, spectrum: Spectrum, m: int, how: str) -> NoReturn:
    raise ClaimError(f"quantity {quantity.name!r} breaks its contract: {what}({spectrum.name}, m={m}) {how}")


def _number(found: object, quantity: Quantity, what: str, spectrum: Spectrum, m: int) -> float:
    number = real_number(found)
    if np.isnan(number):
        _broken(quantity, what, spectrum, m, f"returned {found!r}, which is no number")
    return number


def _interval(found: object, quantity: Quantity, what: str, spectrum: Spectrum, m: int) -> tuple[float, float]:
    if not isinstance(found, tuple | list) or len(found) != 2:
        _broken(quantity, what, spectrum, m, f"returned {found!r}, not a pair (low, high)")
    low, high = (_number(end, quantity, what, spectrum, m) for end in found)
    if not low <= high:
        _broken(quantity, what, spectrum, m, f"returned ({low:g}, {high:g}), whose low end exceeds its high end")
    return low, high


def _finite(
    found: object, shape: tuple[int, ...], quantity: Quantity, what: str, name: str, spectrum: Spectrum, m: int
) -> FloatArray:
    values = _real(found, shape, quantity, what, name, spectrum, m)
    if not np.isfinite(values).all():
        bad = values[~np.isfinite(values)]
        _broken(quantity, what, spectrum, m, f"returned {name} that are not finite ({bad.size} of {values.size})")
    return values


def _real(
    found: object, shape: tuple[int, ...], quantity: Quantity, what: str, name: str, spectrum: Spectrum, m: int
) -> FloatArray:
    if isinstance(found, np.ma.MaskedArray):
        _broken(quantity, what, spectrum, m, f"returned {name} as a masked array: fill or drop what is masked")
    try:
        array = np.asarray(found)
        if array.dtype.kind not in "biuf":
            raise TypeError
        values: FloatArray = array.astype(np.float64)
    except (TypeError, ValueError):
        _broken(quantity, what, spectrum, m, f"returned {name} that are no real numbers")
    if values.shape != shape:
        _broken(quantity, what, spectrum, m, f"returned {name} of shape {values.shape}, asked for were {shape}")
    return values
