"""Risk of the linear invertible model: bounds, exact values, deterministic equivalents, simulation."""
