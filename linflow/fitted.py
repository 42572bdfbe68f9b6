"""Fitted Gaussian models of scikit-learn, read as a mean, an eigenbasis and singular values.

===================================== =============================================== ==================================
fitted object                         law of x                                        read from
===================================== =============================================== ==================================
PCA                                   ``W diag(v - s) W^T + s I``, Tipping & Bishop   its components, variances v, noise s
FactorAnalysis                        ``W^T W + diag(psi)``                           an SVD of ``[W^T, diag(psi)^1/2]``
EmpiricalCovariance, LedoitWolf, OAS, its `covariance_`                               an eigendecomposition
ShrunkCovariance, MinCovDet
GraphicalLasso, GraphicalLassoCV      the inverse of its `precision_`                 an eigendecomposition
===================================== =============================================== ==================================

A graphical lasso keeps a covariance and a precision that are inverse to each other up to the tolerance of its solver only;
its own `score` and `mahalanobis` follow the precision, and so does the flow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from linflow.arrays import shown
from linflow.checks import FloatArray, finite_array
from linflow.errors import InputError

_READS = "a fitted PCA, FactorAnalysis or covariance estimator of scikit-learn"
#: A covariance and a precision that miss each other by more than this are not of one model.
_DISAGREEMENT = 1e-2


@dataclass(frozen=True, eq=False)
class Gaussian:
    """The law ``N(mean, basis diag(singular_values)^2 basis^T)``; values in any order, columns of the basis in the same."""

    mean: FloatArray
    basis: FloatArray
    singular_values: FloatArray


def gaussian_of(model: object) -> Gaussian:
    """What a fitted model of scikit-learn says of x.

    Raises
    ------
    InputError
        It is of another type, not fitted, whitened, singular, or has a covariance and a precision that disagree.

    Examples
    --------
    >>> from sklearn.covariance import EmpiricalCovariance
    >>> found = gaussian_of(EmpiricalCovariance().fit([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]]))
    >>> np.sort(found.singular_values) ** 2
    array([0.5, 2. ])
    """
    from sklearn.covariance import EmpiricalCovariance
    from sklearn.decomposition import PCA, FactorAnalysis

    readers: tuple[tuple[type, Callable[[Any], Gaussian]], ...] = (
        (PCA, _of_pca),
        (FactorAnalysis, _of_factors),
        (EmpiricalCovariance, _of_covariance),  # and all that are made from it
    )
    for kind, read in readers:
        if isinstance(model, kind):
            _require_fitted(model)
            return read(model)
    raise InputError(f"model must be {_READS}, got {shown(model)}")


def _require_fitted(model: object) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        raise InputError(f"model is {shown(model)} that is not fitted: call its fit(X) first") from None


def _of_pca(model: Any) -> Gaussian:
    if model.whiten:
        raise InputError(
            "model is a PCA with whiten=True, whose get_covariance and score_samples scale the components once too often,"
            " so that they are not of the law of x: fit it with whiten=False"
        )
    components = finite_array(model.components_, "components_ of the PCA")
    rank, n = components.shape
    # The components, completed to a basis: exactly orthogonal also where they were computed in float32.
    Q, R = np.linalg.qr(components.T, mode="complete")
    Q[:, :rank] *= np.where(np.diag(R) < 0, -1.0, 1.0)
    noise = float(model.noise_variance_)
    variances = np.full(n, noise)
    variances[:rank] = np.maximum(finite_array(model.explained_variance_, "explained_variance_ of the PCA"), noise)
    # Variances, as some of its solvers find them from a covariance, whose rounding is of this size.
    _require_regular(variances, model)
    return Gaussian(finite_array(model.mean_, "mean_ of the PCA"), Q, np.sqrt(variances))


def _of_factors(model: Any) -> Gaussian:
    loadings = finite_array(model.components_, "components_ of the FactorAnalysis")
    noise = finite_array(model.noise_variance_, "noise_variance_ of the FactorAnalysis")
    # A square root of the covariance has half of its decades: no small variance is lost that the covariance would hold.
    U, values, _ = np.linalg.svd(np.hstack([loadings.T, np.diag(np.sqrt(noise))]), full_matrices=False)
    _require_regular(values, model)
    return Gaussian(finite_array(model.mean_, "mean_ of the FactorAnalysis"), U, values)


def _of_covariance(model: Any) -> Gaussian:
    from sklearn.covariance import GraphicalLasso, GraphicalLassoCV

    kind = type(model).__name__
    covariance = finite_array(model.covariance_, f"covariance_ of the {kind}")
    mean = finite_array(model.location_, f"location_ of the {kind}")
    if not isinstance(model, GraphicalLasso | GraphicalLassoCV):
        values, basis = np.linalg.eigh(covariance)
        _require_regular(values, model)
        return Gaussian(mean, basis, np.sqrt(values))
    precision = finite_array(model.get_precision(), f"precision_ of the {kind}")
    missed = float(np.abs(covariance @ precision - np.eye(len(covariance))).max())
    if missed > _DISAGREEMENT:
        raise InputError(
            f"the covariance_ and the precision_ of this {kind} are not inverse to each other (their product misses the "
            f"identity by {missed:.1g}): let it converge, with more iterations (max_iter) or a larger alpha"
        )
    values, basis = np.linalg.eigh(precision)
    _require_regular(values, model)
    return Gaussian(mean, basis, 1.0 / np.sqrt(values))


def _require_regular(values: FloatArray, model: object) -> None:
    """Raise where eigenvalues, or singular values, say that the covariance is singular to rounding."""
    if not values.min() > values.max() * np.finfo(np.float64).eps * values.size:
        raise InputError(
            f"the covariance of this {type(model).__name__} is singular, so that it has no density: fit it with fewer "
            "components, with shrinkage, or on more samples"
        )
