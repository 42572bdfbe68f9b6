r"""Nonlinear invertible networks (RealNVP, Glow) through the same experiments; needs the extra ``deep``.

A :class:`Flow` has the protocol of :class:`~linflow.flow.LinearFlow` (`forward`, `inverse`, `log_det`, `log_prob`,
`sample`) and a linear flow as its first layer, which it *is* before it is trained. Signals and latents are flat, (..., n);
an image of shape (H, W, C) is flattened in that order.

* Models: `RealNVP`, `Glow`; `fit` trains one in place, `trained` gives one with settings that were tried, from a cache;
  `save` and `load`, which know classes of yours from `register`. `wrap` takes flows of other libraries. `Generator` is the
  rival without an inverse, a GAN.
* Inverse problems: `solve` (or `solution`, with how the search ended) for one flow over the whole signal; `denoise` and
  `split` for images larger than a flow of patches; `csgm` for the GAN.

>>> import numpy as np
>>> from linflow import LinearFlow, deep
>>> linear = LinearFlow.from_matrix(np.diag([2.0, 1.0, 0.5, 0.25]))
>>> flow = deep.RealNVP(linear, steps=2, width=8)
>>> x = np.array([1.0, -1.0, 0.5, 0.0])
>>> bool(np.isclose(flow.log_prob(x).item(), linear.log_prob(x)))
True
"""

from linflow.errors import MissingTorchError

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":  # torch is there and lacks something itself: that has to be seen
        raise
    raise MissingTorchError("linflow.deep needs torch: pip install 'linflow[deep]'") from None

from linflow.deep.augment import crops, flips, jitter
from linflow.deep.fit import Fitted, fit
from linflow.deep.flow import Flow, Glow, RealNVP
from linflow.deep.gan import Generator, csgm, fit_gan
from linflow.deep.patches import denoise, denoise_once, split
from linflow.deep.recipes import cache_folder, trained, untrained
from linflow.deep.solve import Solution, null_space_start, random_start, solution, solve
from linflow.deep.store import load, load_generator, register, save
from linflow.deep.wrapped import wrap

__all__ = [
    "Fitted",
    "Flow",
    "Generator",
    "Glow",
    "RealNVP",
    "Solution",
    "cache_folder",
    "crops",
    "csgm",
    "denoise",
    "denoise_once",
    "fit",
    "fit_gan",
    "flips",
    "jitter",
    "load",
    "load_generator",
    "null_space_start",
    "random_start",
    "register",
    "save",
    "solution",
    "solve",
    "split",
    "trained",
    "untrained",
    "wrap",
]
