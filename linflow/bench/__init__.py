"""Side-by-side benchmarks, speed and accuracy, measured in one run on the machine at hand."""

from linflow.bench.curves import accuracy_rows, accuracy_table, error_curve_rows, error_curve_table, pinv_curve

__all__ = ["accuracy_rows", "accuracy_table", "error_curve_rows", "error_curve_table", "pinv_curve"]
