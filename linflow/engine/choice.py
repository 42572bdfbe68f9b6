"""Which engine does the work: this process, processes of this machine, or a cluster."""

from __future__ import annotations

from linflow.engine.pool import Engine, LokyEngine, SerialEngine


def choose_engine(workers: int | None = None, scheduler: str | None = None) -> Engine:
    """The engine for the given options.

    >>> type(choose_engine(1)).__name__
    'SerialEngine'
    """
    if scheduler is not None:
        from linflow.engine.cluster import DaskEngine  # needs the extra 'dist'

        return DaskEngine(scheduler)
    local = LokyEngine(workers)
    return SerialEngine() if local.workers == 1 else local
