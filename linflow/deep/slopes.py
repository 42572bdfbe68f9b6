"""Jacobians of a map by backward passes, one for each coordinate: for maps of which nothing is known but their values."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from linflow.errors import InputError


def jacobians(function: Callable[[Tensor], Tensor], points: Tensor) -> Tensor:
    """Jacobians, (k, n, n), of a map of rows, (k, n) to (k, n), that do not depend on each other.

    They have slopes themselves where torch keeps a graph, so that a log-determinant made of them can be minimised.

    Raises
    ------
    InputError
        The values have no slopes: torch lost sight of them on the way.

    Examples
    --------
    >>> points = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    >>> jacobians(lambda x: torch.stack([x[:, 0] * x[:, 1], x[:, 1]], dim=1), points)
    tensor([[[2., 1.],
             [0., 1.]]], dtype=torch.float64)
    """
    further = torch.is_grad_enabled() and points.requires_grad
    with torch.enable_grad():
        variable = points if further else points.detach().requires_grad_(True)
        values = function(variable)
        if not values.requires_grad:
            raise InputError("the map has no slopes: something in it leaves torch, or detaches")
        rows = [
            torch.autograd.grad(
                values[:, i].sum(), variable, create_graph=further, retain_graph=True, materialize_grads=True
            )[0]
            for i in range(values.shape[1])
        ]
    return torch.stack(rows, dim=1)
