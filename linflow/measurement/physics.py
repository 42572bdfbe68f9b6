"""`from_physics`: an operator of PyTorch, such as the linear physics of deepinv, as measurements of flat signals."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from linflow.arrays import shown
from linflow.checks import sides
from linflow.engine.users import failing_as
from linflow.errors import InputError, MissingTorchError, ShapeError
from linflow.measurement.operators import as_operator


def from_physics(physics: Any, *, shape: tuple[int, ...]) -> LinearOperator:
    r"""Measurements by a linear `physics` with methods ``A`` and ``A_adjoint`` on tensors.

    Parameters
    ----------
    physics : object
        ``physics.A(x)`` takes a tensor (1, *shape) and returns one of any shape, real or complex, with one signal in front;
        ``physics.A_adjoint(y)`` is its adjoint. The linear physics of deepinv are such.
    shape : tuple of ints
        That of one signal, without the batch: (C, H, W). Signals of the operator are flat, in that order.

    Returns
    -------
    LinearOperator of shape (m, n), n the product of `shape` and m the number of entries of ``physics.A(x)``
        Checked as by `as_operator`. Signals are sent in float64, or in float32 if the physics takes no other.

    Raises
    ------
    InputError
        It has no ``A`` or ``A_adjoint``, or they raise; everything of `as_operator`.
    ShapeError
        `shape` is none, or ``A`` does not return one measurement for one signal.
    MissingTorchError
        torch is not installed.

    Notes
    -----
    No gradient is recorded. Entries that the physics sets to zero instead of leaving them out (as the masks of deepinv do)
    are rows of A that measure nothing: `mle` without noise refuses them in a dense system, `map_estimate` takes them.

    Examples
    --------
    ::

        physics = deepinv.physics.BlurFFT((1, 64, 64), filter=kernel)
        A = lf.measurement.from_physics(physics, shape=(1, 64, 64))
        x_hat = lf.map_estimate(flow, A, y.numpy().ravel(), noise_std=0.05)
    """
    shape = sides(shape)
    for name in ("A", "A_adjoint"):
        if not callable(getattr(physics, name, None)):
            raise InputError(f"physics must have methods A and A_adjoint, got {shown(physics)} without {name}")
    return as_operator(_Physics(physics, shape))


class _Physics:
    """Flat vectors to tensors and back."""

    def __init__(self, physics: Any, signal: tuple[int, ...]) -> None:
        try:
            self.torch = import_module("torch")
        except ModuleNotFoundError:
            raise MissingTorchError("from_physics needs torch: pip install 'linflow[deep]'") from None
        self.physics, self.signal = physics, signal
        tensors = [part for name in ("parameters", "buffers") for part in getattr(physics, name, tuple)()]
        self.device = tensors[0].device if tensors else "cpu"
        n = math.prod(signal)
        seen = self._first(np.linspace(-1.0, 1.0, n))
        if not isinstance(seen, self.torch.Tensor) or seen.ndim < 1 or seen.shape[0] != 1:
            raise ShapeError(
                "physics.A must return one tensor with one measurement in front for one signal, got "
                f"{shown(tuple(seen.shape)) if hasattr(seen, 'shape') else shown(seen)}"
            )
        self.measured, self.shape = tuple(seen.shape), (seen.numel(), n)
        self.made = seen.dtype
        self.dtype = np.dtype(str(seen.dtype).removeprefix("torch."))

    def _first(self, x: NDArray[np.float64]) -> Any:
        """The first product, in the first precision that the physics takes."""
        self.real = self.torch.float64
        try:
            return self._A(x)
        except RuntimeError:
            self.real = self.torch.float32
        with failing_as(InputError, "physics.A"):
            return self._A(x)

    def _A(self, x: NDArray[np.float64]) -> Any:
        with self.torch.no_grad():
            return self.physics.A(self._tensor(x, (1, *self.signal), self.real))

    def matvec(self, x: NDArray[np.float64]) -> NDArray[Any]:
        """``A x``."""
        return np.asarray(self._A(x).cpu().reshape(-1))

    def rmatvec(self, y: NDArray[Any]) -> NDArray[Any]:
        """The adjoint."""
        with self.torch.no_grad():
            return np.asarray(self.physics.A_adjoint(self._tensor(y, self.measured, self.made)).cpu().reshape(-1))

    def _tensor(self, values: NDArray[Any], shape: tuple[int, ...], dtype: Any) -> Any:
        return self.torch.tensor(values, dtype=dtype, device=self.device).reshape(shape)
