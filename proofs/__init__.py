"""Proofs of the linear theory: one file a statement, each step checked by machine or cited; ``python -m proofs`` runs them.

A file is to be read as a short argument: its docstring is the proof, its functions check the steps in that order.
Nothing here uses linflow's code, so that the tests can hold the library against the proofs.
"""

from __future__ import annotations

from importlib import import_module

from .ledger import Statement

#: Files in reading order.
FILES: tuple[str, ...] = (
    "mle",
    "error",
    "lower_bound",
    "inverse_chi_square",
    "inverse_wishart",
    "truncated",
    "dominance",
    "range_finder",
    "upper_bound",
    "complex_bound",
    "smallest_singular_value",
    "spectral",
    "tail",
    "tilt",
    "start",
    "proxy",
    "denoising",
    "first_and_last",
    "complex_exact",
    "equivalents",
    "chebyshev",
    "symmetric",
    "weights",
    "deflation",
    "inverse_trace",
    "swap",
    "base_inequality",
    "pair_rotation",
    "real_sandwich",
    "complex_sandwich",
    "comparison",
    "outer_link",
    "interlacing",
    "tail_corollary",
    "penalty_sandwich",
    "penalty_interlacing",
    "real_exact",
    "power_law",
    "bound_certificates",
    "estimator_certificates",
    "enclosures",
    "enclosures_plane",
    "exponential",
    "named_spectra",
    "controls",
)


def statements() -> list[Statement]:
    """Every statement, in reading order."""
    found = []
    for file in FILES:
        module = import_module(f".{file}", __name__)
        values = vars(module).values()
        found += [value for value in values if isinstance(value, Statement) and value.file == module.__name__]
    return found
