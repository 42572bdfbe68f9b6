"""Experiments: a grid and a function of one cell become tasks, an engine, a store and one labelled result.

An experiment is one Python file; see :class:`Experiment` for what it holds, and ``simulations/`` for those of linflow.
``linflow run NAME`` or ``linflow run path/to/file.py`` runs it; :func:`run` does the same from Python.
"""

from linflow.engine.cluster import DaskEngine
from linflow.engine.given import Given
from linflow.engine.pool import Engine, LokyEngine, Lost, SerialEngine
from linflow.experiments.discover import Study, experiment_files, load
from linflow.experiments.experiment import Experiment, Plan, Variable
from linflow.experiments.results import COMPUTED, FAILED, SKIPPED, entries, settings
from linflow.experiments.run import run
from linflow.experiments.statistics import OKABE_ITO, estimate

__all__ = [
    "COMPUTED",
    "FAILED",
    "OKABE_ITO",
    "SKIPPED",
    "DaskEngine",
    "Engine",
    "Experiment",
    "Given",
    "LokyEngine",
    "Lost",
    "Plan",
    "SerialEngine",
    "Study",
    "Variable",
    "entries",
    "estimate",
    "experiment_files",
    "load",
    "run",
    "settings",
]
