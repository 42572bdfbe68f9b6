r"""Error curves of many draws at once on an accelerator, by Householder reflections in torch.

The factorisation is that of :mod:`linflow.risk.simulate`: rows of ``M = Sigma A^T`` sorted by decreasing sigma, reflected
one column after the other, the squares of ``Sigma Q`` summed. All n columns of Q are formed: those beyond m span what the
measurements missed, so that every error is a sum of positive terms.

A graphics processor wants few and large steps. Many small draws are therefore reflected together, column by column within
a panel; what stands to the right of a panel follows in two products, the panel written as ``I - V T V^*`` with
``T^{-1} = diag(1/tau) + triu(V^* V, 1)`` (Puglisi 1992; Joffrain et al. 2006). Even so a column is a dozen small kernels,
and starting them costs more than they do: from the second batch on they are replayed as one recorded graph. Few large draws
go to the device's own LAPACK.

Kind: exact for each draw, up to the rounding of float64, with the device's order of sums.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from linflow.checks import Field, FloatArray, label
from linflow.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

#: Columns that are reflected one by one before a product brings the rest up to date.
_PANEL = 32
#: Bytes of the draws that are handled together. A constant: were it the free memory, rounding would hang on it.
_TOGETHER = 2**30
#: Fewer draws than this go one by one to the library of the device.
_MANY = 16


class Device:
    """Factorisations of draws of A under one spectrum, on one device of torch.

    Parameters
    ----------
    name : "cpu", "cuda", "cuda:1", ..., as torch calls it.
    sigma : (n,) array, descending, its range centred on 1 so that no square overflows.

    Raises
    ------
    InputError
        torch is not installed, knows no such device, cannot reach it, or has no float64 there.

    Examples
    --------
    >>> device = Device("cpu", np.array([2.0, 1.0]))
    >>> *_, gains = device(np.array([[[1.0, 1.0], [1.0, -1.0]]]))
    >>> gains.round(12).tolist()  # 5 - 8/5 and 8/5
    [[3.4, 1.6]]
    """

    def __init__(self, name: str, sigma: FloatArray) -> None:
        torch, name = _torch(), label(name, "device")
        try:
            self._scale = torch.tensor(sigma, dtype=torch.float64, device=name)
            self._scale.cpu()
        except Exception as error:  # each backend of torch has errors of its own
            reason = str(error).partition("\n")[0]
            raise InputError(f"device {name!r} cannot be used for float64 arrays: {reason}") from None
        self._sigma = [float(value) for value in sigma]
        self._recorded: dict[tuple[Any, ...], Callable[[Tensor], tuple[Tensor, ...]] | None] = {}

    def draws_together(self, m: int, itemsize: int) -> int:
        """How many draws of m measurements are best handed over at a time."""
        return max(1, _TOGETHER // max(1, m * len(self._sigma) * itemsize))

    def space(self, shape: tuple[int, ...], field: Field) -> NDArray[Any]:
        """An array for draws, from which they reach the device fastest."""
        torch = _torch()
        dtype = torch.float64 if field == "real" else torch.complex128
        space: NDArray[Any] = torch.empty(shape, dtype=dtype, pin_memory=self._scale.device.type == "cuda").numpy()
        return space

    def __call__(self, A: NDArray[Any]) -> tuple[FloatArray, ...]:
        """Factor a batch of draws.

        Parameters
        ----------
        A : (draws, m, n) array, real or complex, 1 <= m <= n; columns in the order of sigma.

        Returns
        -------
        lengths : (draws, m) array, of the rows of A in units of their own.
        sizes : (draws, m) array, of the rows of A Sigma after that.
        pivots : (draws, m) array, the diagonal of R without signs.
        growth : (draws,) array, the largest entry of a reflector times its pivot, relative to sigma of its row.
        gains : (draws, n) array, ``|| Sigma q_j ||^2``; X_A(m) is the sum of those from m on.
        """
        there = _torch().from_numpy(np.ascontiguousarray(A)).to(self._scale.device)
        key = (there.shape, there.dtype)
        factor: Callable[[Tensor], tuple[Tensor, ...]] = self._factored
        if there.device.type == "cuda" and there.shape[0] >= _MANY and key in self._recorded:
            factor = self._recorded[key] = self._recorded[key] or _recorded(self._factored, there)
        else:
            self._recorded[key] = None
        return tuple(part.cpu().numpy() for part in factor(there))

    def _factored(self, A: Tensor) -> tuple[Tensor, ...]:
        torch, scale = _torch(), self._scale
        # Neither the units of A nor those of single rows matter, and none may underflow.
        largest = A.abs().amax(dim=2, keepdim=True)
        A = A / largest.masked_fill(largest == 0, 1.0)
        rows = A * scale
        lengths, sizes = torch.linalg.vector_norm(A, dim=2), torch.linalg.vector_norm(rows, dim=2)
        V, pivots, Q_rows = (_by_panels if A.shape[0] >= _MANY else _by_library)(rows, self._sigma)
        # The leading entry of a reflector is 1 by convention: only those after it can grow.
        growth = (V.abs() * pivots[:, :, None] / scale).triu(1).amax(dim=(1, 2))
        gains = (Q_rows * scale).abs().square().sum(dim=2)
        return lengths, sizes, pivots, growth, gains


def _by_library(rows: Tensor, sigma: list[float]) -> tuple[Tensor, Tensor, Tensor]:
    """Reflectors (draws, m, n), pivots (draws, m), and all columns of Q as rows (draws, n, n), by the device's LAPACK."""
    torch = _torch()
    m, n = rows.shape[1], len(sigma)
    factored, tau = torch.geqrf(rows.mT)
    square = torch.nn.functional.pad(factored, (0, n - m))
    return factored.mT, factored.diagonal(dim1=1, dim2=2).abs(), torch.linalg.householder_product(square, tau).mT


def _by_panels(rows: Tensor, sigma: list[float]) -> tuple[Tensor, Tensor, Tensor]:
    """The same for many draws together; `rows` is overwritten."""
    torch = _torch()
    draws, m, n = rows.shape
    pivots = torch.empty((draws, m), dtype=torch.float64, device=rows.device)
    starts = range(0, m, _PANEL)
    triangles = []
    for start in starts:
        stop = min(start + _PANEL, m)
        panel = rows[:, start:stop, start:]
        inverse_tau = torch.empty((draws, stop - start), dtype=torch.float64, device=rows.device)
        for i in range(stop - start):
            _reflect(panel[:, i:, i:], sigma[start + i], pivots[:, start + i], inverse_tau[:, i])
        panel.triu_()
        inverse = (panel.conj() @ panel.mT).triu(1) + torch.diag_embed(inverse_tau)
        unit = torch.eye(stop - start, dtype=rows.dtype, device=rows.device).expand_as(inverse)
        triangles.append(torch.linalg.solve_triangular(inverse, unit, upper=True))
        _apply(rows[:, stop:, start:], panel, triangles[-1].conj())
    Q_rows = torch.eye(n, dtype=rows.dtype, device=rows.device).expand(draws, n, n).contiguous()
    for start, triangle in zip(reversed(starts), reversed(triangles), strict=True):
        _apply(Q_rows[:, start:, start:], rows[:, start : min(start + _PANEL, m), start:], triangle.mT)
    return rows, pivots, Q_rows


def _reflect(panel: Tensor, size: float, pivots: Tensor, inverse_tau: Tensor) -> None:
    """Reflect the columns that lie in the rows of `panel` (draws, b, r) so that the first keeps its leading entry alone.

    The reflector, its leading entry 1, takes the place of the first; its pivot and ``1 / tau`` are written. Entries are of
    the order of `size` at most: in that unit their squares stay far from the edges of float64.
    """
    torch = _torch()
    x = panel[:, 0] / size
    length = torch.linalg.vector_norm(x, dim=1)
    torch.mul(length, size, out=pivots)
    first = x[:, 0]
    signed = torch.where(first == 0, length.to(x.dtype), first.sgn() * length) if x.is_complex() else length.copysign(first)
    total = first + signed
    nothing = total == 0
    # A column of zeros is reflected in its first coordinate, which leaves it as it is.
    v = x / total.masked_fill(nothing, 1.0)[:, None]
    v[:, 0] = 1.0
    torch.clamp(length / total.abs().masked_fill(nothing, 1.0), min=0.5, out=inverse_tau)
    rest = panel[:, 1:]
    if rest.shape[1]:
        rest.baddbmm_((rest @ v.conj()[:, :, None]) / inverse_tau[:, None, None], v[:, None, :], alpha=-1)
    panel[:, 0] = v


def _apply(rows: Tensor, panel: Tensor, triangle: Tensor) -> None:
    """``rows -= rows V^* triangle V`` in place, V the rows of `panel`."""
    if rows.shape[1]:
        rows.baddbmm_((rows @ panel.mH) @ triangle, panel, alpha=-1)


def _recorded(function: Callable[[Tensor], tuple[Tensor, ...]], like: Tensor) -> Callable[[Tensor], tuple[Tensor, ...]]:
    """`function` of tensors like this one, recorded as one graph: starting a small kernel costs more than it does."""
    torch = _torch()
    given, graph = like.clone(), torch.cuda.CUDAGraph()
    # What the libraries set up at their first use must not be recorded.
    aside = torch.cuda.Stream(like.device)
    aside.wait_stream(torch.cuda.current_stream(like.device))
    with torch.cuda.stream(aside):
        function(given)
    torch.cuda.current_stream(like.device).wait_stream(aside)
    with torch.cuda.graph(graph):
        left = function(given)

    def replay(A: Tensor) -> tuple[Tensor, ...]:
        given.copy_(A)
        graph.replay()
        return left

    return replay


@cache
def _torch() -> ModuleType:
    try:
        import torch
    except ImportError:
        raise InputError("device needs torch: pip install 'linflow[deep]', or leave device out") from None
    return torch
