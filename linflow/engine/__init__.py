"""The engine room: what carries long work of any kind, to its end or to a stop, with nothing lost.

Engines that do the work (:mod:`linflow.engine.pool`, :mod:`linflow.engine.cluster`), a store of what is done
(:mod:`linflow.engine.store`), files that are whole or not there (:mod:`linflow.engine.files`), users' files as text that
any worker can execute (:mod:`linflow.engine.sources`), progress (:mod:`linflow.engine.progress`) and what a signal does
(:mod:`linflow.engine.stopping`).
"""

from linflow.engine.cluster import DaskEngine
from linflow.engine.pool import Engine, LokyEngine, Lost, SerialEngine

__all__ = ["DaskEngine", "Engine", "LokyEngine", "Lost", "SerialEngine", "choose_engine"]


def choose_engine(workers: int | None = None, scheduler: str | None = None) -> Engine:
    """The engine for the given options.

    >>> type(choose_engine(1)).__name__
    'SerialEngine'
    """
    if scheduler is not None:
        return DaskEngine(scheduler)
    local = LokyEngine(workers)
    return SerialEngine() if local.workers == 1 else local
