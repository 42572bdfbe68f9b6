"""Random numbers and rounding that depend on nothing but the arguments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from linflow.arrays import shown
from linflow.checks import positive_int, whole_in
from linflow.errors import InputError

#: Torch takes no larger one.
_LARGEST_SEED = 2**63 - 1


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's global generator at `seed` inside, and as the caller left it afterwards."""
    seed = whole_in(seed, "seed", 0, _LARGEST_SEED, "a whole number >= 0, below 2**63")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def thread_count(count: int) -> Iterator[None]:
    """So many threads inside: sums over a batch round differently with another number of them.

    One is the default everywhere: the networks here are too small to gain from more, and where cores are shared two
    threads that wait for each other were ten times slower than one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(positive_int(count, "threads"))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def named_device(name: str) -> torch.device:
    """The device called `name`, such as "cpu" or "cuda", where float64 works on it.

    Raises
    ------
    InputError
        There is no such device here.
    """
    if not isinstance(name, str):
        raise InputError(f"device must be a name such as 'cpu', got {shown(name)}")
    try:
        device = torch.device(name)
        torch.zeros(1, dtype=torch.float64, device=device).item()
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise InputError(f"device {name!r} cannot be used here: take 'cpu', or 'cuda' where torch sees a GPU") from error
    return device
