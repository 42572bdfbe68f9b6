r"""What every flow must satisfy, as checks that return a sentence with the number that breaks it, or None.

Each law compares a flow with itself or with autograd, never with another implementation. Tolerances are relative: a share
of the size of what is compared (default the root of the rounding unit, half of the digits of the flow's precision), plus
the rounding that the Jacobian's own conditioning makes of that of its input.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from linflow.deep.bijection import AnyFlow
from linflow.deep.slopes import jacobians

#: Latents that are drawn, and for how many of these the Jacobian is formed; for one beyond the dimension after them.
COUNT, JACOBIANS, SEVERAL = 4, 2, 128
#: Where a log-density may be -inf, and nothing else that is no number: so many times as far from the mean as a signal.
FAR = (1e20, 1e80, 1e160, 1e200, 1e300)
#: Roundings that a network's layers make of one.
_LAYERS = 64
#: The density's own model, if it has another way to it: signals (k, n) -> (k,), or None.
Own = Callable[[Tensor], Tensor | None]


def refuted(
    flow: AnyFlow,
    *,
    points: np.ndarray | None = None,
    noise_std: float | None = None,
    tolerance: float | None = None,
    largest: int | None = None,
    own: Own | None = None,
) -> str | None:
    """The first law that a flow breaks, in words that go on from "the flow is none:"; None if it breaks none.

    Parameters
    ----------
    points : (k, n) array of signals at which it is held against the laws; default those of standard normal latents.
    noise_std : for a conditional flow.
    tolerance : relative, see the module.
    largest : dimension up to which the log-determinant is held against the Jacobian; None for any.
    own : another way to the flow's log-density.
    """
    with torch.no_grad():
        if points is None:
            z = flow.tensor(np.random.default_rng(0).standard_normal((COUNT, flow.n)))
            x = flow.forward(z.clone(), noise_std).detach()
        else:
            x = flow.tensor(points)
            z = flow.inverse(x.clone(), noise_std).detach()
        eps = float(torch.finfo(flow.dtype).eps)
        case = _Case(flow, z, x, noise_std, eps, math.sqrt(eps) if tolerance is None else tolerance, largest, own)
        return next((found for law in LAWS for found in law(case)), None)


@dataclass(frozen=True)
class _Case:
    """A flow, latents (k, n) and their signals, a noise level, the rounding unit, and the relative tolerance."""

    flow: AnyFlow
    z: Tensor
    x: Tensor
    noise_std: float | None
    eps: float
    tolerance: float
    largest: int | None
    own: Own | None

    def generate(self, z: Tensor) -> tuple[Tensor, Tensor]:
        x, log_det = self.flow.generate(z, self.noise_std)
        return x.detach(), log_det.detach()

    def normalise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z, log_det = self.flow.normalise(x, self.noise_std)
        return z.detach(), log_det.detach()

    @cached_property
    def jacobian(self) -> Tensor | None:
        """Jacobians at the first latents; None for a flow too large for them."""
        if self.largest is not None and self.flow.n > self.largest:
            return None
        first = self.z[: JACOBIANS if self.flow.n <= SEVERAL else 1]
        return jacobians(lambda z: self.flow.forward(z, self.noise_std), first)

    @cached_property
    def amplified(self) -> float:
        """How far rounding of signals moves their latents."""
        if self.jacobian is None:
            return 0.0
        smallest = float(torch.linalg.svdvals(self.jacobian)[:, -1].min())
        return _LAYERS * self.eps * _size(self.x) / smallest if smallest > 0 else math.inf

    @cached_property
    def spread(self) -> float:
        """Size of the signals about the mean."""
        return max(_size(self.x - self.flow.mean), self.eps * _size(self.x))

    @cached_property
    def volume(self) -> float:
        """What a log-determinant may be off by."""
        conditioning = 0.0 if self.jacobian is None else float(torch.linalg.cond(self.jacobian).max())
        scale = float(self.generate(self.z)[1].abs().max())
        return self.tolerance * max(float(self.flow.n), scale) + self.flow.n * _LAYERS * self.eps * conditioning


def shapes(case: _Case) -> Iterator[str]:
    """Signals, latents and log-determinants have the shapes of their batch, also of a batch of two axes and of none."""
    z = case.z[:2]
    for batch in (z, z[None], z[0]):
        for name, found in (("generate", case.generate(batch)), ("normalise", case.normalise(batch))):
            wanted = (tuple(batch.shape), tuple(batch.shape[:-1]))
            got = (tuple(found[0].shape), tuple(found[1].shape))
            if got != wanted:
                both = " and ".join(map(str, wanted))
                yield f"{name} of shape {wanted[0]} must return shapes {both}, got {got[0]} and {got[1]}"


def values(case: _Case) -> Iterator[str]:
    """Signals and latents near the mean are finite."""
    told = {"its signals": case.x, "its latents": case.z, "the latents of its signals": case.normalise(case.x)[0]}
    yield from _not_finite(told)


def densities(case: _Case) -> Iterator[str]:
    """So are log-determinants and log-densities there."""
    told = {"its log-determinants": case.generate(case.z)[1]}
    yield from _not_finite(told | {"its log-densities": case.flow.log_prob(case.x, case.noise_std)})


def _not_finite(told: dict[str, Tensor]) -> Iterator[str]:
    for name, found in told.items():
        if not bool(torch.isfinite(found).all()):
            yield f"{name} near the mean must be finite, got {found[~torch.isfinite(found)][0].item()}"


def untouched(case: _Case) -> Iterator[str]:
    """Neither map changes what it is given."""
    for name, map_, given in (("forward", case.flow.forward, case.z), ("inverse", case.flow.inverse, case.x)):
        handed = given.clone()
        map_(handed, case.noise_std)
        if not torch.equal(handed.nan_to_num(), given.nan_to_num()):
            yield f"{name} changes its input by {float((handed - given).abs().max()):.3g}"


def repeatable(case: _Case) -> Iterator[str]:
    """The same input gives the same output."""
    for name, map_, given in (("generate", case.generate, case.z), ("normalise", case.normalise, case.x)):
        first, second = map_(given)[0], map_(given)[0]
        apart = _size(first - second)
        # Not bit for bit: threads may add in another order.
        if not apart <= case.tolerance * max(1.0, _size(first)):
            yield f"{name} is random, two calls differ by {apart:.3g}"


def alone(case: _Case) -> Iterator[str]:
    """A row of a batch has what it has alone, up to rounding."""
    for name, map_, given in (("generate", case.generate, case.z), ("normalise", case.normalise, case.x)):
        together = map_(given)
        single = [map_(row[None]) for row in given]
        for i, what in enumerate(("values", "log-determinants")):
            rows = torch.cat([part[i] for part in single])
            if not bool(torch.isfinite(rows).all() & torch.isfinite(together[i]).all()):
                continue  # the next law tells
            apart = _size(rows - together[i])
            allowed = case.tolerance * max(1.0, _size(together[i])) + (case.amplified if name == "normalise" else 0.0)
            if not apart <= (case.volume if i else allowed):
                yield f"it mixes the rows of a batch, {what} of {name} in a batch and alone differ by {apart:.3g}"


def round_trip(case: _Case) -> Iterator[str]:
    """Each map undoes the other."""
    back = float((case.normalise(case.x)[0] - case.z).abs().max())
    if not back <= case.tolerance * max(1.0, _size(case.z)) + case.amplified:
        yield f"the latents of its signals differ from those that made them by {back:.3g}"
    again = float((case.generate(case.normalise(case.x)[0])[0] - case.x).abs().max())
    if not again <= case.tolerance * case.spread:
        yield f"the signals of its latents differ from those that they came from by {again:.3g} of {case.spread:.3g}"


def volume(case: _Case) -> Iterator[str]:
    """The log-determinants of both maps are opposite, and that of the Jacobian."""
    there = case.generate(case.z)[1]
    gap = float((there + case.normalise(case.x)[1]).abs().max())
    if not gap <= 2 * case.volume:
        yield f"the log-determinants of its two maps must be opposite, their sum is {gap:.3g}"
    if case.jacobian is not None:
        told = torch.linalg.slogdet(case.jacobian)[1]
        apart = float((there[: len(told)] - told).abs().max())
        if not apart <= case.volume:
            worst = int((there[: len(told)] - told).abs().argmax())
            yield (
                f"its log-determinant {float(there[worst]):.6g} is not that of its Jacobian by autograd, "
                f"{float(told[worst]):.6g}"
            )


def density(case: _Case) -> Iterator[str]:
    """The log-density is that of the latent plus the log-determinant, whichever way it is computed."""
    z, change = case.normalise(case.x)
    expected = change - 0.5 * (z.square().sum(1) + case.flow.n * math.log(2 * math.pi))
    allowed = 2 * case.volume + 4 * (case.tolerance * max(1.0, _size(z)) + case.amplified) * float(z.abs().sum(1).max())
    for name, found in (
        ("log_prob", case.flow.log_prob(case.x, case.noise_std)),
        ("the model's own log_prob", None if case.own is None else case.own(case.x)),
    ):
        if found is not None and found.shape != expected.shape:
            yield f"{name} of {len(z)} signals must have shape ({len(z)},), got {tuple(found.shape)}"
        elif found is not None and not (gap := float((found - expected).abs().max())) <= allowed:
            yield (
                f"{name} differs by {gap:.3g} from the standard normal log-density of the latents plus the "
                "log-determinant: the latents have another distribution, or forward and inverse are exchanged"
            )


def far_out(case: _Case) -> Iterator[str]:
    """Far from the data a log-density is finite or -inf, never NaN."""
    for scale in FAR:
        found = case.flow.log_prob(case.flow.mean + scale * (case.x - case.flow.mean), case.noise_std)
        if bool(torch.isnan(found).any() | torch.isposinf(found).any()):
            bad = found[torch.isnan(found) | torch.isposinf(found)][0].item()
            yield f"its log-density {scale:g} times as far out as a signal must be finite or -inf, got {bad}"


def samples(case: _Case) -> Iterator[str]:
    """Samples have their shape, and follow from the generator that is handed in."""
    first, again, other = (case.flow.sample(3, np.random.default_rng(seed), noise_std=case.noise_std) for seed in (1, 1, 2))
    if tuple(first.shape) != (3, case.flow.n):
        yield f"3 samples must have shape (3, {case.flow.n}), got {tuple(first.shape)}"
    elif not _size(first - again) <= case.tolerance * case.spread:
        yield f"samples of one seed differ by {_size(first - again):.3g}"
    elif torch.equal(first, other):
        yield "samples of two seeds are the same"


LAWS = (untouched, shapes, values, repeatable, alone, densities, round_trip, volume, density, far_out, samples)


def _size(values: Tensor) -> float:
    return float(values.abs().max()) if values.numel() else 0.0
