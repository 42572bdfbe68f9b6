"""How much of a benchmark is run, on how many threads, and by which clock."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar, get_args

from linflow.checks import available_cores

T = TypeVar("T")
Clock: TypeAlias = Literal["wall", "cpu"]
CLOCKS: tuple[Clock, ...] = get_args(Clock)


@dataclass(frozen=True)
class Effort:
    """Sizes of work, and the conditions under which all sides do it.

    Parameters
    ----------
    quick : seconds a row.
    long : also what takes minutes a row.
    threads : of every side alike: of BLAS, of torch, of what linflow starts itself.
    clock : "wall", or "cpu": the seconds of all threads of this process, which other processes of a busy machine leave
        alone. With one thread the two are the same on an idle machine.
    """

    quick: bool = False
    long: bool = False
    threads: int = 0
    clock: Clock = "wall"

    def __post_init__(self) -> None:
        object.__setattr__(self, "threads", self.threads or available_cores())

    def pick(self, *, quick: T, usual: T, long: T) -> T:
        """One of three sizes.

        >>> Effort(long=True).pick(quick=1, usual=2, long=3), Effort().pick(quick=1, usual=2, long=3)
        (3, 2)
        """
        return quick if self.quick else long if self.long else usual

    def now(self) -> float:
        """The clock, in seconds."""
        return time.process_time() if self.clock == "cpu" else time.perf_counter()

    @contextlib.contextmanager
    def limited(self) -> Iterator[None]:
        """No library that is loaded uses more threads than `threads`."""
        from threadpoolctl import threadpool_limits

        torch = sys.modules.get("torch")
        before = torch.get_num_threads() if torch is not None else 0
        try:
            if torch is not None:
                torch.set_num_threads(self.threads)
            with threadpool_limits(self.threads):
                yield
        finally:
            if torch is not None:
                torch.set_num_threads(before)
