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
from linflow.risk.equivalent import equivalent, kappa
from linflow.risk.simulate import error_curve, simulate

__all__ = [
    "best_rank",
    "best_upper",
    "complex_upper",
    "denoising",
    "equivalent",
    "error_curve",
    "error_range",
    "kappa",
    "simulate",
    "spectral_upper",
    "tail_probability",
    "tail_upper",
    "theorem_lower",
    "theorem_upper",
    "truncated",
]
