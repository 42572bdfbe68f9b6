"""Error curves on a GPU, against this machine's processors and against the card's own rate of float64 products."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from linflow import risk
from linflow.bench.contest import Contest, Reading, Side, Work, relative
from linflow.bench.effort import Effort
from linflow.spectrum import Spectrum

_ROW = "error curves on a GPU"


def contests(effort: Effort) -> Iterator[Contest | Reading]:
    """n = 512 and 2048; a row that says why where there is no card, or no way to one."""
    if (why := _absent()) is not None:
        yield Reading(_ROW, "all m", note=why)
        return
    for n in effort.pick(quick=(512,), usual=(512, 2048), long=(512, 2048)):
        trials = max(8, 2**23 // n**2)
        spectrum = Spectrum.power_law(n)
        yield Contest(
            row=_ROW,
            size=f"n = {n}, {trials} draws",
            n=n,
            ours=Side(_card(), partial(_simulated, spectrum, trials, {"device": "cuda"}), share=float(trials)),
            rivals=(Side("the processors", partial(_simulated, spectrum, trials, {}), share=float(trials), goal=1.0),),
            far=relative,
            tolerance=1e-10,
        )
        yield Contest(
            row=_ROW,
            size=f"n = {n}, the card's bound",
            n=n,
            ours=Side(_card(), partial(_simulated, spectrum, trials, {"device": "cuda"}), share=float(trials)),
            rivals=(Side("8/3 n^3 flops of A @ B there", partial(_products, n), share=0.75),),
        )


def _absent() -> str | None:
    if "device" not in inspect.signature(risk.simulate).parameters:
        return "lf.risk.simulate has no device= in this version"
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    return None if torch.cuda.is_available() else "no CUDA device here"


def _card() -> str:
    import torch

    return f"lf.risk.simulate on {torch.cuda.get_device_name()}"


def _simulated(spectrum: Spectrum, trials: int, where: dict[str, Any]) -> Work:
    return Work(lambda: risk.simulate(spectrum, trials=trials, seed=0, **where))


def _products(n: int) -> Work:
    import torch

    A, B = torch.from_numpy(np.random.default_rng(0).standard_normal((2, n, n))).cuda()

    def run() -> None:
        A @ B
        torch.cuda.synchronize()

    return Work(run)
