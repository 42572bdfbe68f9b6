"""LAPACK and BLAS on parts of arrays, in place, where the wrappers of scipy copy.

scipy hands out the addresses of the routines that it was built with (``scipy.linalg.cython_lapack``). They take a leading
dimension, so that a panel of a matrix, or what lies behind it, need not lie by itself; other threads run meanwhile.

A matrix of LAPACK (n x m, column by column) is the transpose of an array (m, n): column k is row k of the array, and
``B @ A`` of arrays is their product ``A B``.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from numpy.typing import NDArray
from scipy.linalg import cython_blas, cython_lapack


def factor_panel(panel: NDArray[Any], T: NDArray[Any], work: NDArray[Any]) -> None:
    """QR of ``panel.T`` in place: R on and above the diagonal, reflectors V of unit heads below it.

    Parameters
    ----------
    panel : (b, n) array of unit stride along its rows, b <= n.
    T : (b, b) array; the triangle (in the order of LAPACK) with ``Q = I - V T V^H`` is written there, and nothing below it.
    work : at least b * b entries.
    """
    b, n = panel.shape
    info = ctypes.byref(ctypes.c_int())
    _routine("geqrt", panel)(_int(n), _int(b), _int(b), *_matrix(panel), *_matrix(T), work.ctypes.data, info)


def product(
    A: NDArray[Any], B: NDArray[Any], out: NDArray[Any], *, form: str = "NN", add: float = 0.0, sign: float = 1.0
) -> None:
    """``out = sign B @ A + add out``, in place, A and B each as it is (N) or adjoint (C) as `form` says.

    Parameters
    ----------
    A, B, out : arrays of unit stride along their rows, apart from each other, of one type.
    add : 0 overwrites what is there.
    """
    columns, rows = out.shape
    inner = A.shape[form[0] == "C"]
    if not out.size or not inner:
        return
    forms, sizes = (_letter(form[0]), _letter(form[1])), (_int(rows), _int(columns), _int(inner))
    _routine("gemm", out)(*forms, *sizes, _scalar(sign), *_matrix(A), *_matrix(B), _scalar(add), *_matrix(out))


def _routine(name: str, array: NDArray[Any]) -> Callable[..., None]:
    return _found(("z" if array.dtype.char == "D" else "d") + name)


@cache
def _found(name: str) -> Callable[..., None]:
    """The routine at its address; every argument is an address too."""
    known = cython_blas.__pyx_capi__ if name in cython_blas.__pyx_capi__ else cython_lapack.__pyx_capi__
    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    signature = name_of(known[name])
    arguments = [ctypes.c_void_p] * (signature.count(b",") + 1)
    return ctypes.CFUNCTYPE(None, *arguments)(pointer_of(known[name], signature))


# What the routines only read is made once: a call is a good part of the time of a small product.


@lru_cache(maxsize=4096)
def _int(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


@cache
def _letter(value: str) -> Any:
    return ctypes.byref(ctypes.c_char(value.encode()))


@cache
def _scalar(value: float) -> Any:
    parts = ctypes.c_double * 2  # a complex number; a routine for real ones reads the first
    return ctypes.byref(parts(value, 0.0))


def _matrix(array: NDArray[Any]) -> tuple[int, Any]:
    """Its address, and how many entries it is from row to row."""
    pitch = array.strides[0] // array.itemsize if len(array) > 1 else array.shape[1]
    return array.ctypes.data, _int(max(pitch, 1))
