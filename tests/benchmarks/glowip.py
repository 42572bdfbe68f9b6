"""``python -m tests.benchmarks.glowip CHECKOUT``: Glow as the authors of GlowIP wrote it, beside linflow's, in one run.

CHECKOUT is a copy of their repository (Asim, Ahmed & Hand 2020); nothing of it is part of linflow. Their coupling nets have
512 channels, with activation norms inside; their last level has one step. linflow's flow is made of the same steps.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from linflow.bench import flows
from linflow.bench.command import conditions
from linflow.bench.contest import Contest, Side, Work
from linflow.bench.effort import Effort
from linflow.bench.networks import Network, stirred
from linflow.bench.shown import readings_table
from linflow.deep.flow import Flow
from linflow.deep.layers import ActNorm, InvertibleConv, Layer, MultiScale, Sequence, SpaceToDepth, convolutional
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum

_SHAPE, _STEPS, _WIDTH = (16, 16, 3), 6, 512


def ours() -> Network:
    """Two levels, of six steps and of one."""
    height, width, channels = _SHAPE

    def steps(count: int, channels: int) -> Layer:
        made: list[Layer] = []
        for _ in range(count):
            made += [ActNorm(channels), InvertibleConv(channels), convolutional(channels, _WIDTH)]
        return Sequence(*made)

    levels = [steps(_STEPS, 4 * channels), steps(1, 8 * channels)]
    body = MultiScale([SpaceToDepth(), SpaceToDepth()], levels, (channels, height, width))
    linear = LinearFlow.from_spectrum(Spectrum.power_law(height * width * channels), rng=0)
    flow = stirred(Flow(linear, body, _SHAPE, {}, conditional=False))
    return Network(flow, flow.log_prob, flow.forward, flow.inverse)


def theirs() -> Network:
    """Of the module `glow` of the checkout, which has to be on the path."""
    height, width, channels = _SHAPE
    image = (channels, height, width)
    found: Any = importlib.import_module("glow.glow")
    model = found.Glow(image, K=_STEPS, L=2, coupling="affine", device="cpu", nn_init_last_zeros=True)
    with torch.no_grad():  # sets its activation norms, and the sizes of its latents
        model(torch.randn(16, *image))
    model = stirred(model)

    def parts(x: Tensor) -> tuple[Tensor, Tensor]:
        z, log_det, _ = model(x.view(-1, *image), logdet=torch.zeros(len(x)))
        return model.flatten_z(z), log_det

    def log_prob(x: Tensor) -> Tensor:
        z, log_det = parts(x)
        return log_det - 0.5 * z.square().sum(1)

    def generate(z: Tensor) -> Tensor:
        found: Tensor = model(model.unflatten_z(z, clone=False), reverse=True, reverse_clone=False)
        return found.flatten(1)

    return Network(model, log_prob, generate, lambda x: parts(x)[0])


def contests() -> Iterator[Contest]:
    """Four kinds of work, in float32."""
    for kind, work in flows.KINDS.items():

        def prepare(make: Any, work: Any = work) -> Work:
            return flows.work_of(make(), work, 16 * 16 * 3, torch.float32)

        yield Contest(
            row="deep flows",
            size=f"Glow, {kind}, float32",
            ours=Side("linflow", partial(prepare, ours)),
            rivals=[Side("GlowIP", partial(prepare, theirs), goal=1.0)],
            far=max,
            tolerance=flows.ROUND_TRIP["float32"],
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    sys.path.insert(0, str(chosen.checkout))
    effort = Effort(quick=chosen.quick, threads=chosen.threads, clock=chosen.clock)
    readings = [reading for contest in contests() for reading in contest.readings(effort)]
    readings_table(readings, conditions(effort)).put("md")


if __name__ == "__main__":
    main()
