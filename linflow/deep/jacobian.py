r"""The Jacobian ``J(z) = dG/dz`` of a flow at given latents, its singular values, and its volume's slope.

A nonlinear flow has a linear model of its own at each latent: ``G(z + d) = G(z) + J d + O(|d|^2)``. What the linear theory
says about G it says about J to first order in d. By the chain rule ``log |det J|``, the sum of the logarithms of the
singular values, is what the flow reports as `log_det`: the two come from different algebra.

Everything is as accurate as the flow's network: call ``flow.double()`` first where float32 is not enough (its derivatives
have about 1e-6 of relative error, small singular values more).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.func import vjp, vmap

from linflow.checks import FloatArray, finite_array, positive_int
from linflow.deep.bijection import AnyFlow
from linflow.deep.flow import flow_of
from linflow.deep.slopes import jacobians
from linflow.errors import InputError, ShapeError
from linflow.flow import LinearFlow


def jacobian(flow: AnyFlow | LinearFlow, z: ArrayLike, *, rows: int = 64) -> FloatArray:
    """Jacobians of G at the latents `z`.

    Parameters
    ----------
    z : (..., n) array of latents.
    rows : rows of J that are computed together, for all latents at once; fewer need less memory.

    Returns
    -------
    (..., n, n) array, [x]: ``J[..., i, j]`` is the slope of coordinate i of the signal along coordinate j of the latent.

    Raises
    ------
    ShapeError
        `z` does not fit the flow.
    InputError
        A conditional flow, which has one Jacobian for each noise level; latents that are not finite.

    Examples
    --------
    An untrained flow is linear, and its Jacobian has the singular values of its linear part everywhere:

    >>> from linflow import LinearFlow
    >>> from linflow.deep import RealNVP
    >>> flow = RealNVP(LinearFlow.from_matrix(np.diag([2.0, 1.0, 0.5, 0.25])), steps=2, width=8)
    >>> J = jacobian(flow, [[0.0, 1.0, -1.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
    >>> J.shape, np.round(np.linalg.svd(J, compute_uv=False), 5)[0].tolist()
    ((2, 4, 4), [2.0, 1.0, 0.5, 0.25])
    """
    flow = flow_of(flow)
    points, batch = _latents(flow, z)
    rows = positive_int(rows, "rows")
    with flow.frozen():
        try:
            found = _together(flow, points, rows)
        except (RuntimeError, NotImplementedError):
            # What another library's flow is made of may have slopes only one at a time.
            found = jacobians(flow.forward, points)
    J: FloatArray = found.detach().cpu().numpy()
    return np.ascontiguousarray(J).reshape(*batch, flow.n, flow.n)


def singular_values(flow: AnyFlow | LinearFlow, z: ArrayLike, *, rows: int = 64) -> FloatArray:
    """Singular values of the Jacobian at the latents `z`, (..., n), descending, [x]; see :func:`jacobian`.

    >>> from linflow import LinearFlow
    >>> from linflow.deep import RealNVP
    >>> flow = RealNVP(LinearFlow.from_matrix(np.diag([2.0, 1.0, 0.5, 0.25])), steps=2, width=8)
    >>> z = np.array([0.0, 1.0, -1.0, 3.0])
    >>> bool(np.isclose(np.log(singular_values(flow, z)).sum(), float(flow.log_det(z).detach())))
    True
    """
    return np.asarray(np.linalg.svd(jacobian(flow, z, rows=rows), compute_uv=False), dtype=np.float64)


def volume_slope(flow: AnyFlow | LinearFlow, z: ArrayLike) -> FloatArray:
    """Gradient of ``log |det J(z)|``, (..., n): zero for a linear flow.

    ``z`` plus this is ``-J^T`` times the gradient of ``log p(x)``: the direction in the latent along which the density of
    the signal falls fastest.

    >>> from linflow import LinearFlow
    >>> from linflow.deep import RealNVP
    >>> volume_slope(RealNVP(LinearFlow.from_matrix(np.eye(2)), steps=2, width=8), [1.0, 2.0]).tolist()
    [0.0, 0.0]
    """
    flow = flow_of(flow)
    points, batch = _latents(flow, z)
    with flow.frozen(), torch.enable_grad():
        variable = points.requires_grad_(True)
        volume = flow.log_det(variable).sum()
        # A flow that keeps volumes may say so with a constant, which has no slope at all.
        slope = torch.autograd.grad(volume, variable)[0] if volume.requires_grad else torch.zeros_like(points)
    found: FloatArray = slope.detach().cpu().numpy() + 0.0  # no negative zeros
    return found.reshape(*batch, flow.n)


def _together(flow: AnyFlow, points: Tensor, rows: int) -> Tensor:
    """Jacobians, (latents, n, n), so many rows of them at once."""
    eye = torch.eye(flow.n, dtype=torch.float64, device=flow.mean.device)
    pull = vjp(flow.forward, points)[1]

    def row(direction: Tensor) -> Tensor:
        slope: Tensor = pull(direction.expand_as(points))[0]
        return slope

    found: Tensor = vmap(row, chunk_size=rows)(eye)  # (n rows, latents, n)
    return found.transpose(0, 1)


def _latents(flow: AnyFlow, z: ArrayLike) -> tuple[Tensor, tuple[int, ...]]:
    if flow.conditional:
        raise InputError("a Jacobian needs one density: this flow is conditional on a noise level")
    values = finite_array(z, "latents")
    if values.shape[-1:] != (flow.n,):
        raise ShapeError(f"this flow takes latents of shape (..., {flow.n}), got {values.shape}")
    return flow.tensor(values.reshape(-1, flow.n)), values.shape[:-1]
