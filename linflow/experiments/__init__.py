"""Experiments: a grid and a function of one cell become tasks, an engine, a store and one labelled result.

An experiment is one Python file; see :class:`Experiment` for what it holds, and ``simulations/`` for those of linflow.
``linflow run NAME`` or ``linflow run path/to/file.py`` runs it; :func:`run` does the same from Python.
"""

from linflow.engine.cluster import DaskEngine
from linflow.engine.outside import Outside
from linflow.engine.pool import Engine, LokyEngine, Lost, SerialEngine
from linflow.experiments.discover import Study, experiment_files, load
from linflow.experiments.experiment import Experiment, Variable
from linflow.experiments.folders import folder_images
from linflow.experiments.gathered import COMPUTED, FAILED, SKIPPED
from linflow.experiments.given import scaled_counts, spectrum_for
from linflow.experiments.methods import METHODS, Method, Problem, answer, own_answers
from linflow.experiments.plan import Plan
from linflow.experiments.results import entries, settings
from linflow.experiments.run import run
from linflow.experiments.statistics import OKABE_ITO, estimate

__all__ = [
    "COMPUTED",
    "FAILED",
    "METHODS",
    "OKABE_ITO",
    "SKIPPED",
    "DaskEngine",
    "Engine",
    "Experiment",
    "LokyEngine",
    "Lost",
    "Method",
    "Outside",
    "Plan",
    "Problem",
    "SerialEngine",
    "Study",
    "Variable",
    "answer",
    "entries",
    "estimate",
    "experiment_files",
    "folder_images",
    "load",
    "own_answers",
    "run",
    "scaled_counts",
    "settings",
    "spectrum_for",
]
