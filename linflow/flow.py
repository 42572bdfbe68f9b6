r"""`LinearFlow`: the linear invertible generative model ``x = mean + G z``, z ~ N(0, I), kept as its factors.

``G = U diag(sigma) V^T`` is stored as (spectrum, U, V) and never multiplied out unless asked: densities, inverses and
estimators then work in the eigenbasis, where directions of very different scale do not mix. An orthogonal factor that
is the identity is stored as None, and one that is a fast transform as a :class:`~linflow.bases.Basis`, so that a flow of a
million dimensions costs a million numbers.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow.arrays import NoArray
from linflow.bases import Basis, Ordered, as_basis, from_description, is_fast, require_dense
from linflow.checks import (
    FloatArray,
    IntArray,
    Random,
    batch_of,
    finite_array,
    generator,
    non_negative,
    overflow,
    path_of,
    rank_in,
    representable,
    sample_shape,
)
from linflow.errors import DataError, InputError, OutputError, RankError, ShapeError
from linflow.fitted import gaussian_of
from linflow.graded import binary_exponents, graded_svd, times, times_transposed
from linflow.moments import mapped
from linflow.spectrum import (
    Spectrum,
    centred_with_shrinkage,
    eigen_of_covariance,
    model_of_mapped,
    ordered,
    shrunk_variances,
    spectrum_of,
)

#: An orthogonal (n, n) array, or a `Basis`, which multiplies like one.
Orthogonal: TypeAlias = Any

#: Version 2 has fast bases; what has none is written as version 1, which every linflow reads.
_FORMAT, _VERSION, _FAST_VERSION = "linflow.LinearFlow", 1, 2
#: Largest entry of ``Q^T Q - I`` that counts as rounding: a basis typed with a few digits, or in float32, is none.
_ORTHOGONAL_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False)
class LinearFlow(NoArray, instead="its matrix, its covariance, its mean or its spectrum"):
    r"""Gaussian model ``x = mean + U diag(sigma) V^T z`` with z ~ N(0, I_n), so ``x ~ N(mean, G G^T)``.

    Usually made by `from_matrix`, `from_spectrum` or `fit`.

    Parameters
    ----------
    spectrum : Spectrum
        The singular values sigma of G, [x]. An (n,) array may be in any order: entry i belongs to column i of the bases.
    mean : (n,) array or None, [x]
        None is zero.
    basis : (n, n) orthogonal array, or a fast basis (:mod:`linflow.bases`), or None
        U, whose columns are the eigenvectors of the covariance of x, largest first. None is the identity.
    latent_basis : (n, n) orthogonal array, or a fast basis, or None
        V, likewise in the space of z; it does not change the law of x.

    Raises
    ------
    ShapeError
        `mean` or a basis does not fit the spectrum.
    InputError
        Entries that are not finite, or a basis that is not orthogonal.

    Examples
    --------
    >>> flow = LinearFlow.from_matrix([[2.0, 1.0], [0.0, 1.0]], mean=[1.0, 0.0])
    >>> flow.forward([1.0, 1.0])
    array([4., 1.])
    >>> bool(np.isclose(flow.log_det, np.log(2.0 * 1.0)))
    True
    """

    spectrum: Spectrum
    mean: FloatArray = field(default=cast(FloatArray, None), kw_only=True)
    basis: Orthogonal | None = field(default=None, kw_only=True)
    latent_basis: Orthogonal | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        spectrum, order = ordered(self.spectrum)
        object.__setattr__(self, "spectrum", spectrum)
        # Before the bases are replaced by their copies: `fit` passes one array as both, which need not be kept twice.
        symmetric = self.latent_basis is self.basis
        given_mean = cast(FloatArray | None, self.mean)
        mean = np.zeros(self.n) if given_mean is None else finite_array(given_mean, "mean")
        if mean.shape != (self.n,):
            raise ShapeError(f"mean must have shape ({self.n},) for n = {self.n} singular values, got {mean.shape}")
        object.__setattr__(self, "mean", _read_only(mean))
        object.__setattr__(self, "basis", _orthogonal(self.basis, self.n, "basis", order))
        latent = self.basis if symmetric else _orthogonal(self.latent_basis, self.n, "latent_basis", order)
        object.__setattr__(self, "latent_basis", latent)

    # ---------------------------------------------------------------------------------------------- constructors

    @classmethod
    def from_matrix(cls, G: ArrayLike, mean: ArrayLike | None = None, *, name: str = "matrix") -> LinearFlow:
        r"""Flow with the dense invertible matrix `G`.

        Parameters
        ----------
        G : (n, n) array, [x]
        mean : (n,) array or None, [x]

        Raises
        ------
        ShapeError
            `G` is not square or `mean` does not fit.
        RankError
            `G` is singular to rounding. A matrix that is only badly scaled (rows or columns of very different size,
            such as ``diag(1, 1e-40)``) is not singular, and its smallest singular values are found to full relative
            accuracy.

        Notes
        -----
        Badly scaled matrices go to LAPACK's ``gejsv`` (one-sided Jacobi; Drmač & Veselić, SIAM J. Matrix Anal. Appl.
        29, 2008), because the usual bidiagonal SVD loses everything below 1e-16 of the largest singular value.

        Examples
        --------
        >>> LinearFlow.from_matrix(np.diag([1e-40, -2.0])).spectrum.singular_values
        array([2.e+00, 1.e-40])
        """
        G = finite_array(G, "G")
        if G.ndim != 2 or G.shape[0] != G.shape[1] or G.size == 0:
            raise ShapeError(f"G must be a non-empty square (n, n) matrix, got shape {G.shape}")
        # The largest entry goes to [1/2, 1), so that nothing overflows inside LAPACK; a power of two loses no bit.
        exponent = int(binary_exponents(np.abs(G).max(keepdims=True)).item())
        _require_invertible(G)
        U, singular_values, V = graded_svd(np.ldexp(G, -exponent))
        singular_values = np.ldexp(singular_values, exponent)
        return cls(Spectrum(singular_values, name=name), mean=_given(mean), basis=U, latent_basis=V)

    @classmethod
    def from_spectrum(
        cls,
        spectrum: Spectrum | ArrayLike,
        *,
        rng: Random | None = None,
        mean: ArrayLike | None = None,
        basis: Orthogonal | None = None,
    ) -> LinearFlow:
        """Flow with the given singular values.

        Parameters
        ----------
        spectrum : Spectrum, or (n,) array of singular values, [x]
            An array may be in any order: entry i belongs to column i of `basis`, or to coordinate i without one.
        rng : numpy.random.Generator, whole number as its seed, or None
            Given, U and V are independent Haar-random rotations (reflections included).
        mean : (n,) array or None, [x]
        basis : (n, n) orthogonal array, or a fast basis (:mod:`linflow.bases`), or None
            Given, it is U, and V is the identity. With neither `rng` nor `basis`, G is diagonal.

        Raises
        ------
        InputError
            Both `rng` and `basis` given, or a basis that is not orthogonal.

        Examples
        --------
        >>> flow = LinearFlow.from_spectrum([3.0, 1.0], rng=np.random.default_rng(0))
        >>> np.round(np.linalg.svd(flow.matrix, compute_uv=False), 12)
        array([3., 1.])
        """
        if rng is not None and basis is not None:
            raise InputError("give either rng (random eigenbasis) or basis (this eigenbasis), not both")
        if rng is None:
            values = cast(Spectrum, spectrum)  # the dataclass accepts arrays, as `_given` says
            return cls(values, mean=_given(mean), basis=None if basis is None else _given(basis))
        spectrum, rng = spectrum_of(spectrum), generator(rng)
        U, V = _haar(spectrum.n, rng), _haar(spectrum.n, rng)
        return cls(spectrum, mean=_given(mean), basis=U, latent_basis=V)

    @classmethod
    def from_variances(
        cls,
        variances: ArrayLike,
        *,
        mean: ArrayLike | None = None,
        basis: Orthogonal | None = None,
        name: str = "variances",
    ) -> LinearFlow:
        r"""Flow with the given variance of each coefficient in a basis, in the order of the basis; O(n) for a fast one.

        Parameters
        ----------
        variances : array of n numbers > 0, of any shape, [x]^2
            Of coefficient i of `basis`, flat in C order: a power spectrum of shape (H, W), say.
        mean : (n,) array or None, [x]
        basis : (n, n) orthogonal array, or a fast basis (:mod:`linflow.bases`), or None
            U; None is the identity: the variances of the coordinates of x.

        Raises
        ------
        InputError
            Variances that are not positive, or whose roots a `Spectrum` does not take.
        ShapeError
            `basis` or `mean` does not fit.

        Examples
        --------
        >>> from linflow import bases
        >>> flow = LinearFlow.from_variances([1.0, 9.0])
        >>> flow.spectrum.singular_values, flow.covariance
        (array([3., 1.]), array([[1., 0.],
               [0., 9.]]))
        >>> frequencies = np.hypot(*np.meshgrid(np.arange(8.0), np.arange(8.0)))
        >>> LinearFlow.from_variances(1 / (1 + frequencies**3), basis=bases.dct((8, 8))).n
        64
        """
        values = finite_array(variances, "variances").ravel()
        if values.size and values.min() <= 0:
            raise InputError(f"variances must be positive, but the smallest is {values.min():g}: drop those directions")
        order = np.argsort(-values, kind="stable")
        spectrum = Spectrum(np.sqrt(values), name=name)
        # Latents in the order of the basis too: G is U times the roots of the variances, as they are given.
        return cls(spectrum, mean=_given(mean), basis=_in_order(basis, order), latent_basis=_in_order(None, order))

    @classmethod
    def fit(cls, X: ArrayLike, *, shrinkage: str | float = "oas", name: str = "data") -> LinearFlow:
        r"""Gaussian model of data: the sample mean, and the symmetric square root of a shrunk covariance.

        Parameters
        ----------
        X : (samples, n) array, rows are samples, [x]
            Fewer samples than dimensions, or data of lower rank, are fine as long as something is shrunk. If it lies on the
            disk (memory-mapped) it is read once, by blocks of rows, and never held.
        shrinkage : "oas", "ledoit-wolf", or a float rho in [0, 1]
            As in `Spectrum.from_data`; the spectrum is the same.

        Raises
        ------
        InputError
            Fewer than two samples, constant data, or a singular covariance.

        Examples
        --------
        >>> X = np.random.default_rng(0).standard_normal((50, 3)) + [0.0, 5.0, 0.0]
        >>> flow = LinearFlow.fit(X, shrinkage=0.0)
        >>> bool(np.allclose(flow.covariance, np.cov(X.T, bias=True)) and np.allclose(flow.mean, X.mean(axis=0)))
        True
        """
        if (rows := mapped(X)) is not None:
            mean, variances, U = model_of_mapped(rows, shrinkage)
            return cls(Spectrum(np.sqrt(variances), name=name), mean=mean, basis=U, latent_basis=U)
        X, rho, centred = centred_with_shrinkage(X, shrinkage)
        # full_matrices completes V^T to a basis of the whole space, and is needed (and cheap) only if samples < n.
        _, values, Vt = np.linalg.svd(centred, full_matrices=X.shape[0] < X.shape[1])
        spectrum = Spectrum(np.sqrt(shrunk_variances(values, X.shape, rho)), name=name)
        U = np.ascontiguousarray(Vt.T)
        return cls(spectrum, mean=X.mean(axis=0), basis=U, latent_basis=U)

    @classmethod
    def from_covariance(cls, C: ArrayLike, mean: ArrayLike | None = None, *, name: str = "covariance") -> LinearFlow:
        r"""Gaussian model N(mean, C), with the symmetric square root of `C` as G.

        Parameters
        ----------
        C : (n, n) symmetric, positive definite array, or the (n,) variances of a diagonal one, [x]^2
            As in `Spectrum.from_covariance`; the spectrum is the same.
        mean : (n,) array or None, [x]

        Raises
        ------
        ShapeError, InputError
            As `Spectrum.from_covariance`; a mean that does not fit.

        Examples
        --------
        >>> flow = LinearFlow.from_covariance([[2.0, 1.0], [1.0, 2.0]], mean=[1.0, 0.0])
        >>> np.round(flow.covariance, 12)
        array([[2., 1.],
               [1., 2.]])
        """
        variances, U = eigen_of_covariance(C)
        return cls(Spectrum(np.sqrt(variances), name=name), mean=_given(mean), basis=U, latent_basis=U)

    @classmethod
    def from_sklearn(cls, model: object, *, name: str | None = None) -> LinearFlow:
        r"""The Gaussian law of a fitted model of scikit-learn: the same log-density.

        Parameters
        ----------
        model : fitted PCA (its probabilistic model, with `noise_variance_`), FactorAnalysis, or covariance estimator
            (EmpiricalCovariance, LedoitWolf, OAS, ShrunkCovariance, MinCovDet, GraphicalLasso, GraphicalLassoCV), or a
            :class:`linflow.LinearFlowEstimator`.
        name : of the spectrum; default that of the model's class.

        Raises
        ------
        InputError
            Another type, a model that is not fitted, a whitened PCA, a singular covariance, or a graphical lasso that did
            not converge.

        Notes
        -----
        :mod:`linflow.fitted` says what is read of each. G is the symmetric square root of the covariance, as in `fit`.

        Examples
        --------
        >>> from sklearn.decomposition import PCA
        >>> X = np.random.default_rng(0).standard_normal((50, 4)) * [4.0, 3.0, 2.0, 1.0]
        >>> pca = PCA(n_components=2).fit(X)
        >>> flow = LinearFlow.from_sklearn(pca)
        >>> bool(np.allclose(flow.log_prob(X), pca.score_samples(X)))
        True
        """
        if isinstance(own := getattr(model, "flow_", None), LinearFlow):
            return own
        found = gaussian_of(model)
        order = np.argsort(-found.singular_values, kind="stable")
        spectrum = Spectrum(found.singular_values, name=type(model).__name__ if name is None else name)
        basis = found.basis[:, order]
        return cls(spectrum, mean=found.mean, basis=basis, latent_basis=basis)

    # ------------------------------------------------------------------------------------------------ quantities

    @property
    def n(self) -> int:
        """Dimension of the signal."""
        return self.spectrum.n

    @property
    def matrix(self) -> FloatArray:
        """G as a dense (n, n) array, [x]; computed at each access. InputError beyond 2 GiB."""
        require_dense(self.n, "the matrix of a flow")
        U = np.eye(self.n) if self.basis is None else np.asarray(self.basis)
        scaled: FloatArray = U * self.spectrum.singular_values
        return scaled if self.latent_basis is None else cast(FloatArray, scaled @ self.latent_basis.T)

    @property
    def covariance(self) -> FloatArray:
        """``G G^T`` as a dense, exactly symmetric (n, n) array, [x]^2; computed at each access. InputError beyond 2 GiB."""
        require_dense(self.n, "the covariance of a flow")
        if self.basis is None:
            return np.diag(self.spectrum.variances)
        half: FloatArray = np.asarray(self.basis) * self.spectrum.singular_values
        return half @ half.T

    @property
    def log_det(self) -> float:
        """``log |det G|``, a sum of logarithms: no overflow, however large n is.

        >>> flow = LinearFlow.from_spectrum(np.full(1000, 1e100))
        >>> bool(np.isclose(flow.log_det, 1000 * 100 * np.log(10.0), rtol=1e-14))
        True
        """
        return float(np.log(self.spectrum.singular_values).sum())

    def forward(self, z: ArrayLike) -> FloatArray:
        """``mean + G z`` for latents z (..., n) -> (..., n), [x]."""
        with overflow():
            x = self.mean + times_transposed(self._to_eigenbasis(z) * self.spectrum.singular_values, self.basis)
        return representable(x, "a signal for these latents")

    def inverse(self, x: ArrayLike) -> FloatArray:
        """``G^{-1} (x - mean)`` for signals x (..., n), [x] -> (..., n)."""
        with overflow():
            z = times_transposed(self._whiten(x), self.latent_basis)
        return representable(z, "a latent for these signals")

    def log_prob(self, x: ArrayLike) -> FloatArray:
        r"""Log density of N(mean, G G^T) at x (..., n), [x] -> (...,), natural logarithm of 1/[x]^n.

        ``-|z|^2/2 - n/2 log(2 pi) - log|det G|`` with z = G^{-1}(x - mean); THEORY T10. It is -inf where the logarithm
        itself overflows (|z| beyond 1e154).

        Examples
        --------
        >>> from scipy.stats import norm
        >>> flow = LinearFlow.from_matrix([[2.0]], mean=[1.0])
        >>> bool(np.isclose(flow.log_prob([4.0]), norm(1.0, 2.0).logpdf(4.0)))
        True
        """
        with overflow():
            squared_norm = np.sum(self._whiten(x) ** 2, axis=-1)
        # Sums of terms that overflow with either sign: no square of such a latent is a float64 number.
        squared_norm = np.where(np.isnan(squared_norm), np.inf, squared_norm)
        return np.asarray(-0.5 * squared_norm - 0.5 * self.n * np.log(2 * np.pi) - self.log_det)

    def sample(self, size: int | tuple[int, ...], rng: Random) -> FloatArray:
        """Independent draws of x, shape (*size, n), [x]; `rng` is a Generator of NumPy, or the seed of one.

        >>> LinearFlow.from_spectrum([1.0, 2.0]).sample((4, 3), np.random.default_rng(0)).shape
        (4, 3, 2)
        """
        return self.forward(generator(rng).standard_normal((*sample_shape(size), self.n)))

    def truncate(self, rank: int) -> TruncatedFlow:
        """The best model of `rank` directions: the `rank` largest singular values, the same mean.

        >>> LinearFlow.from_spectrum([3.0, 2.0, 1.0]).truncate(1).representation_error == 2.0**2 + 1.0**2
        True
        """
        rank = rank_in(rank, 0, self.n)
        require_dense(self.n, f"the basis of {rank} directions", rank)
        if isinstance(self.basis, Basis):
            U = np.asarray(self.basis @ np.eye(self.n, rank))
        else:
            U = np.eye(self.n, rank) if self.basis is None else self.basis[:, :rank]
        tail = float(self.spectrum.tail(rank))
        return TruncatedFlow(
            mean=self.mean, basis=U, singular_values=self.spectrum.singular_values[:rank], representation_error=tail
        )

    def _to_eigenbasis(self, z: ArrayLike) -> FloatArray:
        return times(batch_of(z, self.n, "z"), self.latent_basis)

    def _whiten(self, x: ArrayLike) -> FloatArray:
        return times(batch_of(x, self.n, "x") - self.mean, self.basis) / self.spectrum.singular_values

    # --------------------------------------------------------------------------------------------------- storage

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the flow to `path` (npz). A reader never sees half a file: it is written aside, then renamed.

        Raises
        ------
        OutputError
            `path` cannot be written, or a basis is a transform of one's own, which no file can hold.
        """
        path = path_of(path, "path")
        if not path.name:
            raise OutputError(f"cannot write the flow to {path}: it is a folder")
        arrays = {
            "format": np.array(_FORMAT),
            "version": np.array(_VERSION),
            "name": np.array(self.spectrum.name),
            "singular_values": self.spectrum.singular_values,
            "mean": self.mean,
            "symmetric": np.array(self.latent_basis is self.basis),
            # An identity is stored as an empty array: a missing one would be taken for damage, which it then is.
            **_stored("basis", self.basis),
            **_stored("latent_basis", None if self.latent_basis is self.basis else self.latent_basis),
        }
        if any(key.endswith("_transform") for key in arrays):
            arrays["version"] = np.array(_FAST_VERSION)
        # A sibling, so that the rename stays within one file system; opened plainly, so that the umask applies.
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with temporary.open("xb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            temporary.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise OutputError(f"cannot write the flow to {_one_line(path)}: {error.strerror or error}") from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LinearFlow:
        """Read a flow that `save` wrote; every number comes back bit for bit.

        Raises
        ------
        DataError
            The file is missing, damaged, not a flow, or of a version that this linflow does not know.
        """
        arrays, path = _read_arrays(path_of(path, "path")), _one_line(path)
        if "format" not in arrays or str(arrays["format"]) != _FORMAT:
            raise DataError(f"{path} is not a linflow flow: it holds {_one_line(', '.join(sorted(arrays))) or 'nothing'}")
        if "version" not in arrays or str(arrays["version"]) not in (str(_VERSION), str(_FAST_VERSION)):
            found = arrays.get("version", "none")
            known = f"versions {_VERSION} and {_FAST_VERSION}"
            raise DataError(f"{path} has format version {found}, but this linflow reads {known}: update linflow")
        try:
            basis, latent_basis = (_loaded(arrays, key) for key in ("basis", "latent_basis"))
            if bool(arrays["symmetric"]):
                latent_basis = basis
            spectrum = Spectrum(arrays["singular_values"], name=str(arrays["name"]))
            return cls(spectrum, mean=arrays["mean"], basis=basis, latent_basis=latent_basis)
        except KeyError as error:
            raise DataError(f"{path} is damaged: it lacks {error}") from None
        except (InputError, ValueError, TypeError) as error:
            raise DataError(f"{path} is damaged: {_one_line(error)}") from None


@dataclass(frozen=True, eq=False)
class TruncatedFlow(NoArray, instead="its mean, its basis or its singular_values"):
    r"""``x = mean + U_k diag(sigma_1..sigma_k) z`` with z ~ N(0, I_k): the linear stand-in for a GAN prior.

    Made by `LinearFlow.truncate`. Its latents are coordinates in the eigenbasis, whatever V the full flow has.

    Parameters
    ----------
    mean : (n,) array, [x]
    basis : (n, k) array, U_k
    singular_values : (k,) array, [x]
    representation_error : float, [x]^2
        ``sum_{i>k} sigma_i^2 = E |x - project(x)|^2`` for x from the full flow: what this prior can never remove.

    Examples
    --------
    >>> prior = LinearFlow.from_spectrum([3.0, 1.0], mean=[5.0, 7.0]).truncate(1)
    >>> prior.forward([2.0])
    array([11.,  7.])
    >>> prior.project([1.0, 2.0])
    array([1., 7.])
    """

    mean: FloatArray
    basis: FloatArray
    singular_values: FloatArray
    representation_error: float

    def __post_init__(self) -> None:
        for name in ("mean", "basis", "singular_values"):
            object.__setattr__(self, name, _read_only(finite_array(getattr(self, name), name)))
        n, k = self.mean.shape[:1], self.singular_values.shape
        if (self.mean.ndim, self.singular_values.ndim) != (1, 1) or self.basis.shape != (*n, *k):
            shapes = f"{self.mean.shape}, {self.basis.shape} and {k}"
            raise ShapeError(f"mean, basis and singular_values must have shapes (n,), (n, k) and (k,), got {shapes}")
        object.__setattr__(self, "representation_error", non_negative(self.representation_error, "representation_error"))

    @property
    def n(self) -> int:
        """Dimension of the signal."""
        return int(self.basis.shape[0])

    @property
    def rank(self) -> int:
        """Dimension k of the latent."""
        return int(self.basis.shape[1])

    def forward(self, z: ArrayLike) -> FloatArray:
        """``mean + U_k (sigma * z)`` for latents z (..., k) -> (..., n), [x]."""
        with overflow():
            x = self.mean + (batch_of(z, self.rank, "z") * self.singular_values) @ self.basis.T
        return representable(x, "a signal for these latents")

    def project(self, x: ArrayLike) -> FloatArray:
        """The point of the prior's range nearest to x (..., n), [x]."""
        with overflow():
            nearest = self.mean + ((batch_of(x, self.n, "x") - self.mean) @ self.basis) @ self.basis.T
        return representable(nearest, "the point nearest to these signals")


# ------------------------------------------------------------------------------------------------ shared algebra


def _require_invertible(G: FloatArray) -> None:
    """Raise unless G becomes well conditioned once its rows and columns are scaled to one size."""
    equilibrated = G
    # Twice: the first round on badly scaled columns sees little more than the largest column.
    for axis in (1, 0, 1, 0):
        largest = np.abs(equilibrated).max(axis=axis, keepdims=True)
        if not largest.all():
            which = f"{'row' if axis == 1 else 'column'} {np.flatnonzero(largest == 0)[0]}"
            raise RankError(f"G must be invertible, but its {which} is zero: drop that direction")
        equilibrated = np.ldexp(equilibrated, -binary_exponents(largest))
    s = np.linalg.svd(equilibrated, compute_uv=False)
    # An SVD leaves about eps s[0] where the exact value is 0. A hundred times that: no processor's rounding then decides.
    if s[-1] <= 100 * np.sqrt(G.shape[0]) * np.finfo(float).eps * s[0]:
        raise RankError(
            f"G must be invertible, but it is singular to rounding (with its rows and columns scaled to one size, the "
            f"smallest over the largest singular value is {s[-1] / s[0]:.1e}): drop the dependent directions, or use "
            "from_spectrum, which takes singular values of any spread"
        )


def _orthogonal(Q: Orthogonal | None, n: int, name: str, order: IntArray | None) -> Orthogonal | None:
    """`Q` if it is orthogonal, its columns in the `order` of the singular values; None is the identity."""
    if order is not None:
        Q = _in_order(Q, order, name)
    if Q is None:
        return None
    if is_fast(Q):
        return as_basis(Q, n, name)
    Q = finite_array(Q, name)
    if Q.shape != (n, n):
        raise ShapeError(f"{name} must have shape ({n}, {n}) for n = {n} singular values, got {Q.shape}")
    with overflow():
        deviation = np.abs(Q.T @ Q - np.eye(n)).max()
    if not deviation <= _ORTHOGONAL_TOLERANCE:
        raise InputError(
            f"{name} must be orthogonal, but {name}^T {name} differs from the identity by {deviation:.1e} "
            f"(allowed: {_ORTHOGONAL_TOLERANCE:g}): orthonormalise it with numpy.linalg.qr"
        )
    return _read_only(Q)


def _haar(n: int, rng: np.random.Generator) -> FloatArray:
    """Haar-distributed orthogonal matrix: QR of a Gaussian one, made unique by diag(R) > 0 (Mezzadri 2007)."""
    Q, R = np.linalg.qr(rng.standard_normal((n, n)))
    return cast(FloatArray, Q * np.where(np.diag(R) < 0, -1.0, 1.0))


def _given(values: ArrayLike | None) -> FloatArray:
    # The dataclass validates and copies; this only lets it accept lists without loosening the type of its fields.
    return cast(FloatArray, values)


def _one_line(words: object) -> str:
    """`words` without line breaks: what a damaged file puts into messages must not break up the sentence."""
    return " ".join(str(words).split())


def _in_order(Q: Orthogonal | None, order: IntArray, name: str = "basis") -> Orthogonal | None:
    """The columns of Q in another order."""
    if np.array_equal(order, np.arange(order.size)):
        return Q
    if Q is None or is_fast(Q):
        return Ordered(None if Q is None else as_basis(Q, order.size, name), order)
    Q = finite_array(Q, name)
    if Q.shape != (order.size, order.size):
        raise ShapeError(f"{name} must have shape ({order.size}, {order.size}) for n = {order.size} values, got {Q.shape}")
    return Q[:, order]


def _stored(name: str, Q: Orthogonal | None) -> dict[str, NDArray[Any]]:
    """What a file holds of a basis: its entries, or the name of a transform and the order of its columns."""
    if not isinstance(Q, Basis):
        return {name: np.zeros((0, 0)) if Q is None else Q}
    words = Q.described()
    if words is None:
        raise OutputError(
            f"a {name} of one's own cannot be saved: save the spectrum and the mean, and give the basis again"
        )
    order = Q.order if isinstance(Q, Ordered) else np.zeros(0, dtype=np.int64)
    return {name: np.zeros((0, 0)), f"{name}_transform": np.array(json.dumps(words)), f"{name}_order": order}


def _loaded(arrays: dict[str, NDArray[Any]], name: str) -> Orthogonal | None:
    if f"{name}_transform" in arrays:
        return from_description(json.loads(str(arrays[f"{name}_transform"])), arrays[f"{name}_order"])
    return arrays[name] if arrays[name].size else None


def _read_only(values: FloatArray) -> FloatArray:
    values.flags.writeable = False
    return values


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of an npz file; DataError, in one sentence, for anything that is none."""
    shown = _one_line(path)
    damaged = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError, KeyError)
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
        if broken is not None:
            raise DataError(f"{shown} is damaged: the checksum of {broken!r} does not match")
        with np.load(path, allow_pickle=False) as stored:
            return {key: stored[key] for key in stored.files}
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"cannot read a flow from {shown}: {error.strerror or error}") from None
    except damaged as error:
        raise DataError(f"{shown} is damaged, or is no npz file: {_one_line(error)}") from None
