"""LAPACK's blocked reflections on parts of arrays, in place, where the wrappers of scipy copy.

scipy hands out the addresses of the routines that it was built with (``scipy.linalg.cython_lapack``). They take a leading
dimension, so that a panel of a matrix, or what lies behind it, need not lie by itself; other threads run meanwhile.

A matrix of LAPACK (n x m, column by column) is the transpose of an array (m, n): column k is row k of the array.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cython_lapack


def factor_panel(panel: NDArray[Any], T: NDArray[Any], work: NDArray[Any]) -> None:
    """QR of ``panel.T`` in place: R on and above the diagonal, reflectors V of unit pivots below it.

    Parameters
    ----------
    panel : (b, n) array of unit stride along its rows, b <= n.
    T : (b, b) contiguous array, overwritten by the triangle (in the order of LAPACK) with ``Q = I - V T V^H``.
    work : at least b * b entries of the same type.
    """
    b, n = panel.shape
    whole = (_int(n), _int(b), _int(b))
    _routine("geqrt", panel)(*whole, _at(panel), _int(_pitch(panel)), _at(T), _int(b), _at(work), _int(0))


def reflect(V: NDArray[Any], T: NDArray[Any], C: NDArray[Any], work: NDArray[Any], *, adjoint: bool) -> None:
    """``C.T = (I - V T V^H) C.T`` in place, or its adjoint.

    Parameters
    ----------
    V, T : (b, n) and (b, b) arrays, as :func:`factor_panel` left them; what lies above the pivots of V is not read.
    C : (columns, n) array of unit stride along its rows.
    work : at least b * columns entries of the same type.
    adjoint : whether the reflections are applied in their order (``Q^H C``) or in the reverse one (``Q C``).
    """
    (b, n), columns = V.shape, len(C)
    if columns == 0:
        return
    way = (b"C" if np.iscomplexobj(V) else b"T") if adjoint else b"N"
    letters = (ctypes.byref(ctypes.c_char(letter)) for letter in (b"L", way, b"F", b"C"))
    whole, of_v, of_c = (_int(n), _int(columns), _int(b)), (_at(V), _int(_pitch(V))), (_at(C), _int(_pitch(C)))
    _routine("larfb", V)(*letters, *whole, *of_v, _at(T), _int(b), *of_c, _at(work), _int(columns))


def _routine(name: str, array: NDArray[Any]) -> Callable[..., None]:
    return _found(("z" if np.iscomplexobj(array) else "d") + name)


@cache
def _found(name: str) -> Callable[..., None]:
    """The routine at its address; every argument is an address too."""
    capsule = cython_lapack.__pyx_capi__[name]
    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    signature = name_of(capsule)
    arguments = [ctypes.c_void_p] * (signature.count(b",") + 1)
    return ctypes.CFUNCTYPE(None, *arguments)(pointer_of(capsule, signature))


def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _at(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _pitch(array: NDArray[Any]) -> int:
    """Entries from row to row."""
    return array.strides[0] // array.itemsize if len(array) > 1 else array.shape[1]
