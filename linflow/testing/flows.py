"""`assert_flow`: whether an invertible model is one, with the log-determinant and the density that it says."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from linflow.checks import Interval, batch_of, number_in
from linflow.errors import ShapeError
from linflow.flow import LinearFlow
from linflow.testing.failing import fail

if TYPE_CHECKING:
    from linflow.deep.bijection import AnyFlow

#: Noise level at which a conditional flow is looked at.
_NOISE = 0.1
_TOLERANCES = Interval(0.0, 1.0, open_low=True, open_high=True)


def assert_flow(flow: AnyFlow | LinearFlow, *, points: ArrayLike | None = None, tolerance: float | None = None) -> None:
    """Fail if `flow` is not what a flow is, in its own precision and in float64.

    Its maps undo each other, from latents and from data; the log-determinant is that of autograd's Jacobian; the density
    is that of the latent plus the log-determinant, and far out (1e20 to 1e300 times as far as the data) its logarithm is
    finite or -inf; a row has in a batch what it has alone; shapes are those of the batch; inputs stay as they are; samples
    have their shape and follow from the generator.

    Parameters
    ----------
    flow : a flow of :mod:`linflow.deep`, also a conditional one (at noise 0.1), what `linflow.deep.wrap` made, or a
        `LinearFlow`; as it is, so that ``flow.eval()`` comes first. A model of another library goes through `wrap` first.
    points : (k, n) array of signals at which it is checked; default those of four latents. The Jacobian is formed for the
        first two, and for one beyond n = 128: n backward passes each.
    tolerance : relative; default the root of the rounding unit of each precision, so half of its digits.

    Raises
    ------
    AssertionError
        The first property that does not hold, in one sentence, with the number.
    InputError
        `flow` is no flow of linflow; points that are not finite.
    ShapeError
        `points` do not fit the flow.

    Examples
    --------
    >>> import numpy as np
    >>> from linflow.deep import RealNVP
    >>> flow = RealNVP(LinearFlow.from_matrix(np.diag([2.0, 1.0])), steps=2, width=8).eval()
    >>> assert_flow(flow)
    >>> class Wrong(RealNVP):
    ...     def inverse(self, x, noise_std=None):
    ...         return super().inverse(x, noise_std) + 1.0
    ...
    ...     def normalise(self, x, noise_std=None):
    ...         z, log_det = super().normalise(x, noise_std)
    ...         return z + 1.0, log_det
    >>> assert_flow(Wrong(flow.linear, steps=2, width=8).eval())
    Traceback (most recent call last):
        ...
    AssertionError: in float32: the latents of its signals differ from those that made them by 1
    """
    __tracebackhide__ = True
    import torch

    from linflow.deep.flow import flow_of
    from linflow.deep.laws import refuted
    from linflow.deep.wrapped import Wrapped

    checked = flow_of(flow)
    tolerance = None if tolerance is None else number_in(tolerance, "tolerance", _TOLERANCES)
    given = None if points is None else batch_of(points, checked.n, "points")
    if given is not None and (given.ndim != 2 or len(given) == 0):
        raise ShapeError(f"points must be several signals, of shape (k, {checked.n}), got {given.shape}")
    variants = [checked]
    # What has no weights answers in one precision only.
    if isinstance(checked, torch.nn.Module) and checked.dtype != torch.float64 and any(True for _ in checked.parameters()):
        variants.append(copy.deepcopy(checked).double())
    level = _NOISE if checked.conditional else None
    for variant in variants:
        own = variant.model_log_prob if isinstance(variant, Wrapped) else None
        found = refuted(variant, points=given, noise_std=level, tolerance=tolerance, own=own)
        if found is not None:
            hint = ": call eval() first" if getattr(variant, "training", False) else ""
            fail(f"in {str(variant.dtype).removeprefix('torch.')}: {found}{hint}")
