"""What an object holds: its fields, the data of a built-in type that it extends, and what pickle would store besides.

None of the three alone says all: a class may leave fields out when it is pickled, a subclass of a list is its items and its
fields, and a compiled object shows nothing but what pickle stores.
"""

from __future__ import annotations

import copyreg
import sys
import types
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from linflow import provenance
from linflow.errors import InputError

#: Types that hold data outside of fields, and how to see these whatever a subclass overrides.
_PAYLOADS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (complex, complex.__complex__),
    (bytes, lambda value: bytes.__getitem__(value, slice(None))),
    (bytearray, lambda value: bytes(bytearray.__getitem__(value, slice(None)))),
    (list, lambda value: tuple(list.__iter__(value))),
    (tuple, lambda value: tuple(tuple.__iter__(value))),
    (dict, lambda value: dict(dict.items(value))),
    (set, lambda value: frozenset(set.__iter__(value))),
    (frozenset, lambda value: frozenset(frozenset.__iter__(value))),
)


def untold(value: object, why: str) -> InputError:
    """The error that says that the content of `value` cannot be told."""
    return InputError(
        f"the content of a {type(value).__qualname__} cannot be told ({why}), so results that depend on it "
        "cannot be kept apart: hold numbers, strings, arrays, functions, or objects made of these"
    )


def payload(value: object) -> Any:
    """The data of the built-in type that an object extends; None if it extends none.

    >>> class Shouted(str):
    ...     def __str__(self):
    ...         return "!"
    >>> payload(Shouted("a"))
    'a'
    """
    return next((see(value) for base, see in _PAYLOADS if isinstance(value, base)), None)


def fields(value: object, known: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Entries of an object's ``__dict__`` and of its slots, without those that are `known` or that a property remembers.

    >>> from fractions import Fraction
    >>> sorted(fields(Fraction(1, 3)).items())
    [('Fraction._denominator', 3), ('Fraction._numerator', 1)]
    """
    kind = type(value)
    try:
        # Not by `getattr`: a proxy would answer for what it stands for.
        own: dict[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = {}
    found = {name: field for name, field in _lasting(kind, own).items() if name not in known}
    for base in kind.__mro__:
        if "__slots__" in vars(base):
            for name, slot in vars(base).items():
                if isinstance(slot, types.MemberDescriptorType) and name not in known:
                    try:
                        found[f"{base.__qualname__}.{name}"] = slot.__get__(value)
                    except AttributeError:  # a slot that was never filled
                        continue
    return found


def reduced(value: object) -> str | list[Any]:
    """What pickle would store of an object besides its fields: a global name, or a list of parts.

    Raises
    ------
    InputError
        Nothing: the object refuses, or it is an iterator, which is another one after each step.
    """
    kind: Any = type(value)
    if kind.__module__ == "torch.storage":
        raise untold(value, "what pickle stores of it names an address in memory")
    if isinstance(value, Iterator) and provenance.of_class(kind) is not None:
        raise untold(value, "it is another one after each step")
    try:
        found = copyreg.dispatch_table[kind](value) if kind in copyreg.dispatch_table else kind.__reduce_ex__(value, 4)
    except RecursionError:
        raise
    except Exception as error:
        raise untold(value, str(error)) from None
    if isinstance(found, str):
        return found
    ways = kind.__reduce_ex__, kind.__reduce__
    if ways in {(base.__reduce_ex__, base.__reduce__) for base in (set, frozenset)}:
        return []  # the items in the order of their hashes, which differs from process to process, and the fields
    if ways == (object.__reduce_ex__, object.__reduce__) and kind.__getstate__ is object.__getstate__:
        found = (*found[:2], None, *found[3:])  # its state are the fields
    return [_part(kind, part) for part in found]


def lasting_fields(value: object) -> dict[str, Any]:
    """The fields of an object that are not remembered merely for speed.

    The objects of pandas keep caches in theirs, and marks of their own. What they pickle by a method of their own is the
    data with their labels and attributes, and all of them.
    """
    kind: Any = type(value)
    if kind.__module__.partition(".")[0] != "pandas" or provenance.of_class(kind) is None:
        return fields(value)
    ways = (kind.__reduce_ex__, kind.__reduce__, kind.__getstate__)
    own = ways != (object.__reduce_ex__, object.__reduce__, object.__getstate__)
    return {} if own else fields(value, known=frozenset({"_cache"}))


def tensor(value: Any) -> list[Any] | None:
    """What a dense tensor of PyTorch's consists of, None for all else; nothing here imports torch.

    What pickle stores of one names the address of its memory, which differs from process to process.
    """
    if not (hasattr(value, "detach") and hasattr(value, "untyped_storage")):
        return None
    if str(value.layout) != "torch.strided" or value.is_quantized or value.device.type == "meta":
        return None
    flat = value.detach().cpu().resolve_conj().resolve_neg().reshape(-1)
    # As bytes: NumPy has no bfloat16, and tensors without entries have no view of another type.
    entries = flat.view(sys.modules["torch"].uint8).numpy().tobytes() if flat.numel() else b""
    hooks = list((value._backward_hooks or {}).values())
    return [str(value.dtype), tuple(value.shape), value.device.type, bool(value.requires_grad), entries, hooks]


def is_compiled(kind: type) -> bool:
    """Whether a type, or one that it extends, comes from a library, and may so hold what Python code does not see."""
    return any(provenance.of_class(base) is not None for base in kind.__mro__[:-1])


def _part(kind: type, part: Any) -> Any:
    """One part of what pickle would store: iterators as lists, and no values that a property merely remembers."""
    if isinstance(part, Iterator):
        return list(part)
    if isinstance(part, tuple) and len(part) == 2 and all(isinstance(half, dict | None) for half in part):
        return tuple(_part(kind, half) for half in part)
    return _lasting(kind, part) if isinstance(part, dict) else part


def _lasting(kind: type, entries: dict[Any, Any]) -> dict[Any, Any]:
    return {
        key: item
        for key, item in entries.items()
        if not (isinstance(key, str) and isinstance(getattr(kind, key, None), cached_property))
    }
