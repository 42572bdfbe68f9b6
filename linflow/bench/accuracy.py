"""Accuracy of error curves side by side: `lf.risk.error_curve` and the textbook's pinv against 1200 digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from linflow import risk
from linflow.checks import FloatArray
from linflow.spectrum import Spectrum
from linflow.tables import Column, Table


def accuracy_rows(draws: int = 20) -> list[dict[str, Any]]:
    """Largest relative error over m and over `draws` draws of A at n = 16: `error_curve` and pinv against 1200 digits.

    >>> row = accuracy_rows(draws=1)[0]
    >>> row["error_curve"] < 1e-12 < row["pinv"]
    True
    """
    n = 16
    i = np.arange(1.0, n + 1)
    spectra = {
        "10^-i": 10.0**-i,
        "10^-5i": 10.0 ** (-5 * i),
        "1 (8 times), 1e-12 (8 times)": np.where(i <= 8, 1.0, 1e-12),
        "1e+140 x 10^(-i/2)": 1e140 * 10.0 ** (-i / 2),
        "1e-140 x 10^(-i/2)": 1e-140 * 10.0 ** (-i / 2),
    }
    rows = []
    for name, values in spectra.items():
        spectrum, rng = Spectrum(values, name=name), np.random.default_rng(0)
        worst = {"error_curve": 0.0, "pinv": 0.0}
        for _ in range(draws):
            A = rng.standard_normal((n, n))
            reference = _many_digits(spectrum.singular_values, A)
            curves = {"error_curve": risk.error_curve(spectrum, A), "pinv": pinv_curve(spectrum, A)}
            for method, curve in curves.items():
                errors = [abs(float(float(c) / exact - 1)) for c, exact in zip(curve[:n], reference, strict=True)]
                worst[method] = max(worst[method], *errors)
        rows.append({"spectrum": name, "n": n, "draws": draws, **worst})
    return rows


def _many_digits(sigma: FloatArray, A: FloatArray) -> list[Any]:
    """X_A(m), m = 0..n-1, by Gram-Schmidt in 4000-bit ball arithmetic: no QR, no sorting."""
    from flint import arb, ctx

    before, ctx.prec = ctx.prec, 4000
    try:
        s = [arb(float(value)) for value in sigma]
        left = [x * x for x in s]
        errors, basis = [], []  # type: list[Any], list[list[Any]]
        for row in A:
            errors.append(sum(left, arb(0)))
            v = [arb(float(a)) * x for a, x in zip(row, s, strict=True)]
            for q in basis:
                c = sum((a * b for a, b in zip(q, v, strict=True)), arb(0))
                v = [b - c * a for a, b in zip(q, v, strict=True)]
            norm = sum((x * x for x in v), arb(0)).sqrt()
            basis.append([x / norm for x in v])
            left = [rest - (x * q) ** 2 for rest, x, q in zip(left, s, basis[-1], strict=True)]
        return [arb(error.mid()) for error in errors]
    finally:
        ctx.prec = before


def accuracy_table(rows: list[dict[str, Any]]) -> Table:
    """The rows for people."""
    columns = (
        Column("spectrum", "singular values", left=True),
        Column("error_curve", "lf.risk.error_curve", digits=1),
        Column("pinv", "numpy.linalg.pinv", digits=1),
    )
    title = f"largest relative error over m, {rows[0]['draws']} draws of A, n = {rows[0]['n']}, against 1200 digits"
    return Table(columns, rows, title)


def pinv_curve(spectrum: Spectrum, A: FloatArray, m: list[int] | None = None) -> FloatArray:
    """``|| G (I - P) ||_F^2`` by `numpy.linalg.pinv` of A G, one m at a time: the textbook formula.

    >>> s = Spectrum([2.0, 1.0])
    >>> np.allclose(pinv_curve(s, np.eye(2)), [5.0, 1.0, 0.0])
    True
    """
    G = np.diag(spectrum.singular_values)
    errors = []
    for count in range(len(A) + 1) if m is None else m:
        AG = A[:count] * spectrum.singular_values
        errors.append(float(np.linalg.norm(G - G @ np.linalg.pinv(AG) @ AG) ** 2))
    return np.array(errors)
