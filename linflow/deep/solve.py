r"""Inverse problems with a flow as prior: one objective, one solver, batched, each image with its own line search.

``y = A x + noise`` is explained by minimising one of three objectives, gamma being the penalty:

* ``space="latent"``: ``|A G(z) - y|^2 + gamma |z|^p`` over z, p = 1 or 2 (Asim et al. 2020);
* ``space="signal"``: ``|A x - y|^2 - 2 gamma log p_G(x)`` over x, the posterior mode for gamma = noise_std^2;
* ``space="posterior"``: the same objective after the substitution ``x = mean + R u`` with the exact posterior
  N(mean, R R^T) of the flow's linear part. What is left to minimise is ``|u|^2 / 2 + [nll_flow - nll_linear](x)``: no
  measurement operator, and the conditioning of the nonlinear part alone. Without noise A x = y holds by construction.

For a flow that is linear the last two give `linflow.map_estimate` (without noise the last gives `linflow.mle`) at u = 0.
An image's result has the same bits whatever other images are in its batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from linflow import estimators
from linflow.arrays import NoArray
from linflow.checks import (
    FloatArray,
    Random,
    batch_of,
    finite_array,
    generator,
    noise_level,
    non_negative,
    one_of,
    overflow,
    positive_int,
    representable,
    whole_in,
)
from linflow.deep.bijection import AnyFlow
from linflow.deep.flow import flow_of
from linflow.deep.lbfgs import Minimised, in_groups, minimise
from linflow.errors import InputError, ShapeError
from linflow.flow import LinearFlow
from linflow.measurement import Measurement, as_dense

SPACES = ("posterior", "latent", "signal")
STARTS = ("zero", "linear")


@dataclass(frozen=True)
class Solution(NoArray, instead="its x or its z"):
    """Reconstructions with how the search ended.

    Parameters
    ----------
    x : (..., n) array, the reconstructions, [x].
    z : (..., n) array, their latents.
    objective : (...) array, final values of the objective.
    steps : (...) array, accepted steps.
    converged : (...) array, False where the steps ran out first.
    """

    x: FloatArray
    z: FloatArray
    objective: FloatArray
    steps: np.ndarray
    converged: np.ndarray


def solve(flow: AnyFlow | LinearFlow, A: Measurement, y: ArrayLike, **options: Any) -> FloatArray:
    """Reconstructions, (..., n): the `x` of :func:`solution`, which takes the same options."""
    return solution(flow, A, y, **options).x


def solution(
    flow: AnyFlow | LinearFlow,
    A: Measurement,
    y: ArrayLike,
    *,
    noise_std: float = 0.0,
    penalty: float | None = None,
    power: int = 2,
    space: str = "posterior",
    start: str | ArrayLike = "linear",
    steps: int = 60,
) -> Solution:
    """Explain measurements by the flow.

    Parameters
    ----------
    flow : a flow, also one of :func:`~linflow.deep.wrap`, or a `LinearFlow`.
    A : (m, n) array or measurement operator, [y]/[x]
    y : (..., m) array, [y]; leading axes are a batch, and no image's result depends on the others.
    noise_std : standard deviation of the noise on each measurement, [y].
    penalty : gamma, [y]^2; default ``noise_std**2``. In posterior space it takes the place of the noise's variance.
    power : p, for latent space.
    space : "posterior", "latent" or "signal", see the module.
    start : "zero" (the latent 0), "linear" (the linear part's estimate), or an (n,) or (..., n) array of latents.
    steps : most steps of L-BFGS.

    Raises
    ------
    ShapeError
        `A`, `y` or `start` do not fit the flow.
    InputError
        Values that are not finite, an unknown space, start or power; a start for posterior space other than "linear"; a
        conditional flow (its solver is :mod:`linflow.deep.patches`).

    Examples
    --------
    A fresh flow is its linear part:

    >>> import linflow
    >>> from linflow.deep import RealNVP
    >>> linear = LinearFlow.from_matrix(np.diag([2.0, 1.0]))
    >>> A, y = np.array([[1.0, 1.0]]), np.array([3.0])
    >>> found = solution(RealNVP(linear), A, y, noise_std=0.5)
    >>> bool(np.allclose(found.x, linflow.map_estimate(linear, A, y, noise_std=0.5)))
    True
    """
    flow = flow_of(flow)
    one_of(space, "space", SPACES)
    power = whole_in(power, "power", 1, 2, "1 or 2")
    if flow.conditional:
        raise InputError("solve needs one density: this flow is conditional on a noise level, use linflow.deep.split")
    noise_std = noise_level(noise_std)
    gamma = noise_std**2 if penalty is None else non_negative(penalty, "penalty")
    problem = _Problem.of(flow, A, y, gamma)
    batch, steps = problem.batch, positive_int(steps, "steps")
    first = _start(problem, start, batch)
    with flow.frozen():
        if space == "posterior":
            if not (isinstance(start, str) and start == "linear"):
                raise InputError(
                    'space="posterior" starts at the linear estimate: leave start="linear", or take another space'
                )
            x, found = _posterior(problem, steps)
        else:
            x, found = _latent(problem, first, power, steps) if space == "latent" else _signal(problem, first, steps)
        z = _mapped(flow.inverse, x)
    return Solution(
        x=representable(_numpy(x), "the reconstruction").reshape(*batch, flow.n),
        z=representable(_numpy(z), "its latent").reshape(*batch, flow.n),
        objective=representable(_numpy(found.values), "the objective").reshape(batch),
        steps=_numpy(found.steps).reshape(batch),
        converged=_numpy(found.converged).reshape(batch),
    )


def random_start(flow: AnyFlow | LinearFlow, norm: float, rng: Random, count: int = 1) -> FloatArray:
    """Latents of the given norm in uniformly random directions, (count, n)."""
    norm, count = non_negative(norm, "norm"), positive_int(count, "count")
    n = flow.n if isinstance(flow, LinearFlow) else flow_of(flow).n
    directions = generator(rng).standard_normal((count, n))
    with overflow():
        found = norm * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    return representable(found, "a start of this norm")


def null_space_start(flow: AnyFlow | LinearFlow, A: Measurement, x: ArrayLike, norm: float, rng: Random) -> FloatArray:
    """Latents of the signals `x` moved by `norm`, [x], in uniformly random directions that A does not see, (..., n).

    Raises
    ------
    InputError
        A has as many rows as columns, so that it sees every direction.
    """
    flow = flow_of(flow)
    dense, x, norm = finite_array(as_dense(A), "A"), batch_of(x, flow.n, "x"), non_negative(norm, "norm")
    if dense.shape[1] != flow.n:
        raise ShapeError(f"A must have {flow.n} columns for this flow, got shape {dense.shape}")
    if len(dense) >= flow.n:
        raise InputError(f"A sees every direction: it has {len(dense)} rows for n = {flow.n}, a null space needs fewer")
    moves = generator(rng).standard_normal(x.shape)
    seen = np.linalg.qr(dense.T)[0]
    moves = moves - (moves @ seen) @ seen.T
    with overflow():
        moved = x + moves * (norm / np.linalg.norm(moves, axis=-1, keepdims=True))
    with torch.no_grad():
        return representable(_numpy(flow.inverse(representable(moved, "a signal moved by this norm"))), "its latent")


def posterior_root(linear: LinearFlow, A: ArrayLike, variance: float) -> FloatArray:
    """R with ``R R^T`` the posterior covariance of the linear flow; (n, n - m) for noise of variance 0, else (n, n).

    >>> linear = LinearFlow.from_matrix(np.diag([2.0, 1.0]))
    >>> R = posterior_root(linear, [[1.0, 0.0]], 4.0)
    >>> np.round(R @ R.T, 12)
    array([[2., 0.],
           [0., 1.]])
    """
    G = linear.matrix
    B = np.asarray(A) @ G
    m, n = B.shape
    _, s, Vt = np.linalg.svd(B, full_matrices=m < n)
    if variance == 0:
        root: FloatArray = G @ Vt[m:].T
        return root
    shrunk = np.ones(n)
    shrunk[: s.size] = np.sqrt(variance / (s**2 + variance))
    return np.asarray(G @ (Vt.T * shrunk))


# ---------------------------------------------------------------------------------------------------- the objectives


@dataclass(frozen=True)
class _Problem:
    """A, y as (rows, m) and the batch that these are, gamma, and the linear part's estimates, (rows, n)."""

    flow: AnyFlow
    linear: LinearFlow
    A: Tensor
    y: Tensor
    batch: tuple[int, ...]
    gamma: float
    estimate: Tensor

    @classmethod
    def of(cls, flow: AnyFlow, A: Measurement, y: ArrayLike, gamma: float) -> _Problem:
        dense = as_dense(A)
        if np.iscomplexobj(dense) or dense.ndim != 2 or dense.shape[1] != flow.n:
            raise ShapeError(f"A must be real with {flow.n} columns for this flow, got shape {dense.shape}")
        dense, values = finite_array(dense, "A"), finite_array(y, "y")
        if values.ndim == 0 or values.shape[-1] != len(dense):
            raise ShapeError(f"y must have shape (..., {len(dense)}) for this A, got {values.shape}")
        linear, rows = flow.linear, flow.tensor(values.reshape(-1, len(dense)))
        # The estimate is affine in y: its matrix, then one product for each row, which no other row can change.
        seen = dense @ linear.mean
        units = np.eye(len(dense)) + seen
        if gamma == 0:
            gain = estimators.mle(linear, dense, units) - linear.mean
        else:
            gain = estimators.penalised(linear, dense, units, penalty=gamma) - linear.mean
        K, offset = flow.tensor(gain), flow.tensor(seen)
        moved = _mapped(lambda part: (part - offset) @ K, rows)
        return cls(flow, linear, flow.tensor(dense), rows, values.shape[:-1], gamma, flow.tensor(linear.mean) + moved)

    @property
    def mean(self) -> Tensor:
        """Of the linear part, (n,)."""
        return self.flow.tensor(self.linear.mean)

    @property
    def whitening(self) -> Tensor:
        """The inverse of the linear part's matrix, (n, n)."""
        return self.flow.tensor(self.linear.inverse(self.linear.mean + np.eye(self.linear.n)).T)

    @property
    def rounding(self) -> float:
        """Relative rounding error of the network."""
        return float(torch.finfo(self.flow.dtype).eps)

    @property
    def floor(self) -> Tensor:
        """The misfit below which there is nothing but rounding, (rows,)."""
        return (30 * self.rounding) ** 2 * self.y.square().sum(1)

    def misfit(self, x: Tensor, rows: Tensor) -> Tensor:
        """``|A x - y|^2``, (k,)."""
        return (x @ self.A.T - self.y[rows]).square().sum(1)


def _latent(problem: _Problem, first: Tensor, power: int, steps: int) -> tuple[Tensor, Minimised]:
    flow, gamma = problem.flow, problem.gamma

    def objective(z: Tensor, rows: Tensor) -> Tensor:
        squared = z.square().sum(1)
        # |z| has no slope at its minimum 0: there the root is rounded off.
        return problem.misfit(flow.forward(z), rows) + gamma * (squared if power == 2 else (squared + 1e-24).sqrt())

    resolution = problem.floor + problem.rounding * gamma
    found = minimise(objective, first, steps=steps, resolution=resolution)
    return _mapped(flow.forward, found.points), found


def _signal(problem: _Problem, first: Tensor, steps: int) -> tuple[Tensor, Minimised]:
    flow, gamma, white = problem.flow, problem.gamma, problem.whitening
    G, mean = flow.tensor(problem.linear.matrix), problem.mean

    def objective(h: Tensor, rows: Tensor) -> Tensor:
        x = mean + h @ G.T  # the coordinates in which the linear part is white
        return problem.misfit(x, rows) - 2 * gamma * flow.log_prob(x)

    start = _mapped(lambda z: (flow.forward(z) - mean) @ white.T, first)
    resolution = problem.floor + 8 * problem.rounding * flow.n * gamma
    found = minimise(objective, start, steps=steps, resolution=resolution)
    return _mapped(lambda h: mean + h @ G.T, found.points), found


def _posterior(problem: _Problem, steps: int) -> tuple[Tensor, Minimised]:
    flow, mean = problem.flow, problem.estimate
    R = flow.tensor(posterior_root(problem.linear, problem.A.cpu().numpy(), problem.gamma))
    whitening, centre = problem.whitening, problem.mean
    white, root = _mapped(lambda x: (x - centre) @ whitening.T, mean), whitening @ R

    def objective(u: Tensor, rows: Tensor) -> Tensor:
        # The linear density enters through its exponent; its constant is that of the flow's linear part.
        exponent = 0.5 * (white[rows] + u @ root.T).square().sum(1)
        return 0.5 * u.square().sum(1) - flow.log_prob(mean[rows] + u @ R.T) - exponent

    start = mean.new_zeros(len(mean), R.shape[1])
    found = minimise(objective, start, steps=steps, resolution=8 * problem.rounding * flow.n)
    # In groups by rows of x: without noise u has fewer columns, and for m = n none.
    return _mapped_rows(lambda x, rows: x + found.points[rows] @ R.T, mean), found


def _start(problem: _Problem, start: str | ArrayLike, batch: tuple[int, ...]) -> Tensor:
    flow, count = problem.flow, len(problem.y)
    if isinstance(start, str):
        if one_of(start, "start", STARTS) == "zero":
            return flow.mean.new_zeros(count, flow.n)
        with flow.frozen():
            return _mapped(flow.inverse, problem.estimate)
    given = batch_of(start, flow.n, "start")
    try:
        spread = np.broadcast_to(given, (*batch, flow.n))
    except ValueError:
        raise ShapeError(f"start must broadcast to the batch of y, {(*batch, flow.n)}, got {given.shape}") from None
    return flow.tensor(spread.reshape(count, flow.n))


def _mapped(function: Any, points: Tensor) -> Tensor:
    """``function(points)`` with the bits that each row would have alone."""
    return _mapped_rows(lambda part, _: function(part), points)


def _mapped_rows(function: Any, points: Tensor) -> Tensor:
    with torch.no_grad():
        return in_groups(function, points, torch.arange(len(points)))


def _numpy(tensor: Tensor) -> FloatArray:
    found: FloatArray = tensor.detach().cpu().numpy()
    return found
