r"""The theorem of the linear model carried to a nonlinear flow: the theory of its linearisation at the true latent.

**Local theory** (kind: first order; no bound). Let ``y = A x_0``, ``x_0 = G(z_0)``, A Gaussian, J the Jacobian at z_0 with
singular values sigma_i and right singular vectors v_i, ``l_i = sigma_i^2``. Put ``G(z) = x_0 + J (z - z_0)`` and let P
project onto the row space of A J. Two estimators, the same for a linear flow:

* *smallest latent*, ``min |z|^2 : A G(z) = y``. To first order ``x_hat - x_0 = -J (I - P) z_0``.
* *most likely signal*, ``max p_G(x) : A x = y``. Its objective is ``|z|^2/2 + log |det J(z)|``; with g the slope of the
  second term at z_0, ``x_hat - x_0 = -J (I - P) s``, ``s = z_0 + g`` (minus J^T times the score of p_G at x_0).

The theorem's ``|G (I - P)|_F^2`` is the mean of this over typical latents; here the latent is the signal's own. A is
rotation invariant, so that the mean over A of ``(I - P) J^T J (I - P)`` is diagonal in the basis v_i (flip the sign of one
left singular vector: its law stays). Hence, exactly,

    ``E_A |J (I - P) s|^2 = sum_i M_i(sigma) (v_i . s)^2``,

the error of a *linear* flow with spectrum sigma on signals with the variances ``t_i = l_i (v_i . s)^2``, which is what
:func:`linflow.risk.equivalent` predicts from `signal_variances`.

**Lower bound** (kind: lower; for every A and every estimator, signals drawn from the flow; :func:`entropy_lower`). With Q
the orthonormalised rows of A and C the covariance of x, the conditional entropy of the n - m unseen coordinates is at least
``h(x) - log((2 pi e)^m det Q C Q^T)/2``, ``h(x) = n log(2 pi e)/2 + E log |det J|``, and a law with entropy h in n - m
dimensions has a variance of at least ``(n - m) exp(2 h/(n - m))/(2 pi e)`` in all (Shannon). For a linear flow it is T1's
argument with the geometric in the place of the arithmetic mean of the conditional variances.

**Two inequalities between the spectra**, both equalities only for linear flows: ``tr C <= E |J|_F^2`` (Poincare's
inequality for Gaussian z) and ``2 E log |det J| <= log det C`` (the Gaussian has the largest entropy). So the local spectra
are the steeper ones: more energy in all, less volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from linflow import estimators, risk
from linflow.checks import Count, Counts, FloatArray, finite_array, one_of, positive_int
from linflow.deep.bijection import AnyFlow
from linflow.deep.flow import flow_of
from linflow.deep.jacobian import jacobian, volume_slope
from linflow.deep.lbfgs import minimise
from linflow.deep.solve import posterior_root
from linflow.errors import InputError, ShapeError
from linflow.flow import LinearFlow
from linflow.measurement import Measurement, as_dense
from linflow.spectrum import Spectrum

LATENT, SIGNAL = "smallest latent", "most likely signal"
ESTIMATORS = (LATENT, SIGNAL)


@dataclass(frozen=True)
class Local:
    """A flow's linearisation at some latents z_0; made by :func:`linearise`.

    Parameters
    ----------
    basis : (k, n, n) array, left singular vectors of the Jacobians, in columns.
    singular_values : (k, n) array, descending, [x].
    pulls : estimator -> (k, n) array, coordinates of z_0 (smallest latent) and of ``z_0 + g`` (most likely signal) along
        the right singular vectors.
    """

    basis: FloatArray
    singular_values: FloatArray
    pulls: dict[str, FloatArray]

    def spectra(self) -> list[Spectrum]:
        """One spectrum a latent."""
        return [Spectrum(values, name=f"local {i}") for i, values in enumerate(self.singular_values)]

    def predicted(self, m: Count | Counts, estimator: str = LATENT) -> FloatArray:
        """Deterministic equivalent of the first-order error, each latent's mean over A: (k,) + the shape of m, [x]^2."""
        pulls = self.pulls[one_of(estimator, "estimator", ESTIMATORS)]
        variances = (self.singular_values * pulls) ** 2
        pairs = zip(self.spectra(), variances, strict=True)
        return np.array([risk.equivalent(spectrum, m, signal_variances=t) for spectrum, t in pairs])

    def error(self, A: Measurement, estimator: str = LATENT) -> FloatArray:
        """First-order error for this very A, (k,), [x]^2: what :meth:`predicted` averages, by exact algebra."""
        pulls = self.pulls[one_of(estimator, "estimator", ESTIMATORS)]
        dense = as_dense(A)
        found = []
        for U, sigma, s in zip(self.basis, self.singular_values, pulls, strict=True):
            rows = np.linalg.qr((dense @ U * sigma).T)[0]  # orthonormal rows of A J, in the basis v_i
            found.append(float(np.sum((sigma * (s - rows @ (rows.T @ s))) ** 2)))
        return np.array(found)


def linearise(flow: AnyFlow | LinearFlow, z: ArrayLike) -> Local:
    """The linear model of a flow at each of the latents `z`, (k, n).

    Raises
    ------
    ShapeError
        `z` is not (k, n).

    Examples
    --------
    Of a linear flow, at a latent whose coordinates are all 1, the prediction is the theorem's own:

    >>> from linflow import LinearFlow
    >>> from linflow.deep import RealNVP
    >>> spectrum = Spectrum.power_law(6)
    >>> flow = RealNVP(LinearFlow.from_matrix(np.diag(spectrum.singular_values)), steps=2, width=8).double()
    >>> local = linearise(flow, np.ones((1, 6)))
    >>> bool(np.isclose(local.predicted(3)[0], risk.equivalent(spectrum, 3)))
    True
    """
    flow, values = flow_of(flow), finite_array(z, "latents")
    if values.ndim != 2:
        raise ShapeError(f"linearise needs latents of shape (k, {flow.n}), got {values.shape}")
    U, sigma, Vt = np.linalg.svd(jacobian(flow, values))
    slopes = values + volume_slope(flow, values)
    along = [np.einsum("kij,kj->ki", Vt, s) for s in (values, slopes)]
    return Local(basis=U, singular_values=sigma, pulls=dict(zip(ESTIMATORS, along, strict=True)))


def smallest_latent(flow: AnyFlow | LinearFlow, A: Measurement, y: ArrayLike, *, steps: int = 60) -> FloatArray:
    """``x = G(z)`` for the smallest latent that explains exact measurements, ``min |z|^2 : A G(z) = y``.

    The constraint holds by construction: the search is over ``x = mean + R u``, all signals with A x = y, from the estimate
    of the flow's linear part. For a linear flow this is `linflow.mle`.

    Parameters
    ----------
    A : (m, n) array or measurement operator, m < n.
    y : (k, m) array.
    steps : most steps of L-BFGS.

    Returns
    -------
    (k, n) array.
    """
    flow, dense, values = flow_of(flow), as_dense(A), finite_array(y, "y")
    if flow.conditional:
        raise InputError("the smallest latent needs one density: this flow is conditional on a noise level")
    if dense.shape[1] != flow.n or values.ndim != 2 or values.shape[1] != len(dense):
        raise ShapeError(f"A must be (m, {flow.n}) and y (k, m) for this flow, got {dense.shape} and {values.shape}")
    linear = flow.linear
    mean = flow.tensor(estimators.mle(linear, dense, values))
    R = flow.tensor(posterior_root(linear, dense, 0.0))

    def objective(u: Tensor, rows: Tensor) -> Tensor:
        return 0.5 * flow.inverse(mean[rows] + u @ R.T).square().sum(1)

    start = mean.new_zeros(len(values), R.shape[1])
    resolution = 8 * float(torch.finfo(flow.dtype).eps) * flow.n
    with flow.frozen():
        found = minimise(objective, start, steps=positive_int(steps, "steps"), resolution=resolution)
    x: FloatArray = (mean + found.points @ R.T).cpu().numpy()
    return x


def entropy_lower(covariance: ArrayLike, log_det: float, A: ArrayLike) -> float:
    """Shannon's lower bound on the mean squared error of every estimator from ``y = A x``, exact or noisy, [x]^2.

    Parameters
    ----------
    covariance : (n, n) array, of the signals, [x]^2.
    log_det : ``E log |det J(z)|`` over the flow's latents.
    A : (m, n) array of full rank, m < n.

    Examples
    --------
    Of a linear flow whose unseen conditional variances are equal it is the error itself:

    >>> bool(np.isclose(entropy_lower(np.diag([9.0, 4.0, 4.0]), np.log(12.0), [[1.0, 0.0, 0.0]]), 8.0))
    True
    """
    C, dense = finite_array(covariance, "covariance"), finite_array(A, "A")
    m, n = dense.shape
    if C.shape != (n, n) or m >= n:
        raise ShapeError(f"the bound needs a covariance of shape ({n}, {n}) and m < n, got {C.shape} and m = {m}")
    Q = np.linalg.qr(dense.T)[0]
    seen = np.linalg.slogdet(Q.T @ C @ Q)[1] if m else 0.0
    return float((n - m) * np.exp((2 * log_det - seen) / (n - m)))
