"""The engine room: what carries long work of any kind, to its end or to a stop, with nothing lost.

Worker processes (:mod:`linflow.engine.pool`) and files that are whole or not there (:mod:`linflow.engine.files`).
"""
