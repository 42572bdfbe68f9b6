"""Error curves on a GPU, against this machine's processors and against the card's own rate of float64 products."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from linflow import risk
from linflow.bench.contest import Contest, Reading, Side, Work, relative
from linflow.bench.effort import Effort
from linflow.risk.curves import centred
from linflow.risk.device import Device
from linflow.spectrum import Spectrum

_ROW = "error curves on a GPU"


def contests(effort: Effort) -> Iterator[Contest | Reading]:
    """n = 512 and more; a row that says why where there is no card, or no way to one."""
    if (why := _absent()) is not None:
        yield Reading(_ROW, "all m", note=why)
        return
    for n in effort.pick(quick=(512,), usual=(512, 2048), long=(512, 4096, 12288)):
        trials = max(1, 2**28 // n**2)
        spectrum = Spectrum.power_law(n)
        simulated = Side(
            f"lf.risk.simulate on {_card()}", partial(_simulated, spectrum, trials, {"device": "cuda"}), share=float(trials)
        )
        factored = Side(f"factored on {_card()}", partial(_factored, spectrum, trials), share=float(_at_hand(trials, n)))
        processors = Side("the processors", partial(_simulated, spectrum, trials, {}), share=float(trials), goal=1.0)
        bound = Side("8/3 n^3 flops of A @ B there", partial(_products, n), share=0.75)
        yield Contest(
            row=_ROW,
            size=f"n = {n}, {trials} draws",
            n=n,
            ours=simulated,
            rivals=(processors,),
            far=relative,
            tolerance=1e-10,
        )
        for ours, what in ((simulated, "the card's bound"), (factored, "the card's bound, draws at hand")):
            yield Contest(row=_ROW, size=f"n = {n}, {what}", n=n, ours=ours, rivals=(bound,))


def _absent() -> str | None:
    try:
        import torch
    except ImportError:
        return "torch is not installed"
    return None if torch.cuda.is_available() else "no CUDA device here"


def _card() -> str:
    import torch

    return str(torch.cuda.get_device_name())


def _simulated(spectrum: Spectrum, trials: int, where: dict[str, Any]) -> Work:
    return Work(lambda: risk.simulate(spectrum, trials=trials, seed=0, **where))


def _at_hand(trials: int, n: int) -> int:
    """How many draws are factored together."""
    return min(trials, max(1, 2**27 // n**2))


def _factored(spectrum: Spectrum, trials: int) -> Work:
    """The device's part of a simulation: draws wait in memory from which they reach it fastest."""
    device = Device("cuda", centred(spectrum.singular_values)[0])
    A = device.space((_at_hand(trials, spectrum.n), spectrum.n, spectrum.n), "real")
    np.random.default_rng(0).standard_normal(out=A)
    return Work(lambda: device(A))


def _products(n: int) -> Work:
    import torch

    A, B = torch.from_numpy(np.random.default_rng(0).standard_normal((2, n, n))).cuda()

    def run() -> None:
        A @ B
        torch.cuda.synchronize()

    return Work(run)
