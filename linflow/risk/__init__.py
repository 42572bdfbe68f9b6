"""Risk of the linear invertible model: bounds, exact values, deterministic equivalents, simulation."""

from linflow.risk.bounds import (
    best_rank,
    best_upper,
    complex_upper,
    denoising,
    error_range,
    spectral_upper,
    tail_probability,
    tail_upper,
    theorem_lower,
    theorem_upper,
    truncated,
)
from linflow.risk.enclosure import Enclosure, enclosure
from linflow.risk.equivalent import equivalent, kappa
from linflow.risk.exact import exact, has_exact
from linflow.risk.interlacing import interlacing, per_dimension
from linflow.risk.matched import log_det_range, resolvent_range
from linflow.risk.simulate import error_curve, simulate

__all__ = [
    "Enclosure",
    "best_rank",
    "best_upper",
    "complex_upper",
    "denoising",
    "enclosure",
    "equivalent",
    "error_curve",
    "error_range",
    "exact",
    "has_exact",
    "interlacing",
    "kappa",
    "log_det_range",
    "per_dimension",
    "resolvent_range",
    "simulate",
    "spectral_upper",
    "tail_probability",
    "tail_upper",
    "theorem_lower",
    "theorem_upper",
    "truncated",
]
