"""Orthonormal cosine, Hartley and wavelet transforms as bases."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import scipy.fft

from linflow.arrays import shown
from linflow.bases.basis import Basis, Ordered, require_orthogonal
from linflow.checks import FloatArray, IntArray, label, sides, whole_in
from linflow.errors import InputError, MissingExtraError, ShapeError


def dct(shape: tuple[int, ...]) -> Basis:
    r"""Orthonormal cosine transform (DCT-II along each axis) of signals of a `shape`; O(n log n) a product.

    Coefficient (k_1, ..., k_d) is that of ``prod_a cos(pi k_a (2 j_a + 1) / (2 n_a))``, flat in the order of the axes. It
    is the usual eigenbasis of images that are stationary and mirrored at their edges.

    Raises
    ------
    ShapeError, InputError
        `shape` is no tuple of whole numbers >= 1.

    Examples
    --------
    >>> U = dct((2,))
    >>> np.round(np.asarray(U) * np.sqrt(2.0), 12)
    array([[ 1.,  1.],
           [ 1., -1.]])
    """
    return _Cosines(sides(shape))


def hartley(shape: tuple[int, ...]) -> Basis:
    r"""Orthonormal Hartley transform of signals of a `shape`: Fourier without complex numbers; O(n log n) a product.

    Coefficient k is that of ``cos(t) + sin(t)``, ``t = 2 pi (k . j / shape)``, in the order of ``numpy.fft.fftn``. It is
    the eigenbasis of every periodic stationary law, whose power spectrum (with ``S(k) = S(-k)``) are the variances.

    Examples
    --------
    >>> U = hartley((3,))
    >>> np.round(np.array([1.0, 1.0, 1.0]) @ U / np.sqrt(3.0), 12)
    array([1., 0., 0.])
    """
    return _Hartley(sides(shape))


def wavelet(shape: tuple[int, ...], *, name: str = "db4", levels: int | None = None) -> Basis:
    r"""Periodic orthogonal wavelets of signals of a `shape`, by PyWavelets; O(n) a product.

    Parameters
    ----------
    shape : tuple of ints
        Each side a multiple of ``2**levels``.
    name : str
        An orthogonal wavelet of PyWavelets: "haar", "db4", "sym8", "coif2", ...
    levels : int or None
        None: as many as leave every side even before each, and not shorter than the filter.

    Raises
    ------
    InputError
        A wavelet that is unknown or not orthogonal, or more levels than the sides allow.
    MissingExtraError
        PyWavelets is not installed.

    Notes
    -----
    Coefficients are flat in the layout of ``pywt.coeffs_to_array``: the coarse ones in the first corner.

    Examples
    --------
    >>> U = wavelet((4,), name="haar", levels=1)
    >>> np.round(np.array([1.0, 1.0, 2.0, 0.0]) @ U * np.sqrt(2.0), 12)
    array([2., 2., 0., 2.])
    """
    return _Wavelets(sides(shape), label(name, "name"), levels)


def from_description(words: dict[str, Any], order: IntArray) -> Basis:
    """The basis of linflow's that `described` described, its columns in an order (empty: their own).

    >>> from_description(dct((2, 3)).described(), np.array([])).shape
    (6, 6)
    """
    if not isinstance(words, dict):
        raise InputError("the description of a basis is none")
    kinds: dict[str, Any] = {"dct": dct, "hartley": hartley, "wavelet": wavelet}
    options = {key: value for key, value in words.items() if key != "kind"}
    shape = sides(tuple(options.pop("shape")))
    basis = None if words["kind"] == "identity" else kinds[words["kind"]](shape, **options)
    n = math.prod(shape)
    if not order.size:
        return basis if basis is not None else Ordered(None, np.arange(n))
    if order.shape != (n,) or not np.array_equal(np.sort(order), np.arange(n)):
        raise ShapeError("the order of the basis is no permutation")
    return Ordered(basis, order.astype(np.int64))


class _Cosines(Basis):
    kind: ClassVar[str] = "dct"

    def __init__(self, signal: tuple[int, ...]) -> None:
        super().__init__(math.prod(signal))
        self.signal = signal

    def synthesis(self, rows: FloatArray) -> FloatArray:
        return self._transformed(scipy.fft.idctn, rows)

    def analysis(self, rows: FloatArray) -> FloatArray:
        return self._transformed(scipy.fft.dctn, rows)

    def described(self) -> dict[str, Any] | None:
        return {"kind": self.kind, "shape": list(self.signal)}

    def _transformed(self, transform: Any, rows: FloatArray) -> FloatArray:
        axes = tuple(range(1, len(self.signal) + 1))
        found: FloatArray = transform(rows.reshape(-1, *self.signal), axes=axes, norm="ortho").reshape(rows.shape)
        return found


class _Hartley(_Cosines):
    kind: ClassVar[str] = "hartley"

    def synthesis(self, rows: FloatArray) -> FloatArray:  # its own inverse
        return self.analysis(rows)

    def analysis(self, rows: FloatArray) -> FloatArray:
        spectrum = self._transformed(scipy.fft.fftn, rows)
        return np.asarray(spectrum.real - spectrum.imag)


class _Wavelets(_Cosines):
    kind: ClassVar[str] = "wavelet"

    def __init__(self, signal: tuple[int, ...], name: str, levels: int | None) -> None:
        super().__init__(signal)
        try:
            import pywt
        except ModuleNotFoundError:
            raise MissingExtraError("wavelets need PyWavelets: pip install 'linflow[wavelets]'") from None
        self.name = name
        try:
            found = pywt.Wavelet(name)
        except ValueError:
            raise InputError(f"name must be a wavelet of PyWavelets, such as 'db4', got {shown(name)}") from None
        if not found.orthogonal:
            raise InputError(f"the wavelet {name!r} is not orthogonal: use one such as 'db4', 'sym8' or 'coif2'")
        allowed = min((side & -side).bit_length() - 1 for side in signal)
        if levels is None:
            useful = min(max(0, (side // max(found.dec_len - 1, 1)).bit_length() - 1) for side in signal)
            levels = min(allowed, useful)
        why = f"a whole number in 0..{allowed}, because each side is to be a multiple of 2**levels"
        self.levels = whole_in(levels, "levels", 0, allowed, why)
        require_orthogonal(self, f"the wavelet {name!r}")  # the filters of some are known to a few digits only

    def described(self) -> dict[str, Any] | None:
        return {"kind": self.kind, "shape": list(self.signal), "name": self.name, "levels": self.levels}

    def synthesis(self, rows: FloatArray) -> FloatArray:
        import pywt

        values = rows.reshape(-1, *self.signal).copy()
        axes = tuple(range(1, values.ndim))
        for level in reversed(range(self.levels)):
            box = (slice(None), *(slice(side >> level) for side in self.signal))
            values[box] = pywt.idwtn(_corners(values[box]), self.name, mode="periodization", axes=axes)
        return values.reshape(rows.shape)

    def analysis(self, rows: FloatArray) -> FloatArray:
        import pywt

        values = rows.reshape(-1, *self.signal).copy()
        axes = tuple(range(1, values.ndim))
        for level in range(self.levels):
            box = (slice(None), *(slice(side >> level) for side in self.signal))
            parts = pywt.dwtn(values[box], self.name, mode="periodization", axes=axes)
            for name, corner in _corners(values[box]).items():
                corner[...] = parts[name]
        return values.reshape(rows.shape)


def _corners(values: FloatArray) -> dict[str, FloatArray]:
    """Views of the parts of one level: "a" is the first half of an axis, "d" the second."""
    corners = {"": values}
    for axis, side in enumerate(values.shape[1:], start=1):
        halves = {"a": slice(side // 2), "d": slice(side // 2, side)}
        corners = {
            name + letter: part[(slice(None),) * axis + (half,)]
            for name, part in corners.items()
            for letter, half in halves.items()
        }
    return corners
