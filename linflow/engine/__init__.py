"""The engine room: what carries long work of any kind, to its end or to a stop, with nothing lost.

Engines that do the work (:mod:`linflow.engine.pool`, :mod:`linflow.engine.cluster`), a store of what is done
(:mod:`linflow.engine.store`), files that are whole or not there (:mod:`linflow.engine.files`, :mod:`linflow.engine.seal`),
users' files as text that any worker can execute (:mod:`linflow.engine.sources`) and what they raise as a sentence
(:mod:`linflow.engine.users`), progress (:mod:`linflow.engine.progress`) and what ends a command
(:mod:`linflow.engine.stopping`).
"""
