r"""The expected error E_m (real A) with its last measurement integrated out: an estimator for searches.

Given the first m - 1 measurements, what is left of the model is again a linear model, with the singular values s_j of
``Sigma Q_2`` (Q_2 an orthonormal basis of what they miss), seen through one more Gaussian measurement. Its expected error
is the one-dimensional integral of :mod:`linflow.risk.enclosure`, so

    E_m = E[ E_1(s(A_{m-1})) ].

The tail of X_A that a cliff in the spectrum causes comes from the last pivot: integrated out, it adds nothing to the
spread. And the same A serves every spectrum of that size, so that the estimate is a smooth function of the spectrum,
where the tilted draws jump with the best rank. In return the draws are not bounded by a known number: no verdict rests
on them. Kind: exact mean, float64. Tested in tests/test_hunt.py against the tilted draws and the exact oracles.
"""

from __future__ import annotations

import math

import numpy as np

from linflow.checks import FloatArray
from linflow.spectrum import Spectrum

#: Step in log t: the trapezoidal rule is then off by about exp(-pi**2 / STEP) = 3e-9 of the integral.
_STEP = 0.5
#: The integrand is left out where it is below e**-_MARGIN of its largest value.
_MARGIN = 20.0
_BLOCK = 1_000_000


def conditional_errors(spectrum: Spectrum, m: int, size: int, rng: np.random.Generator) -> FloatArray:
    """`size` independent draws of ``E[X_A(m) | first m - 1 rows of A]``, 1 <= m < n, real A, [x]^2.

    >>> spectrum = Spectrum([3.0, 2.0])
    >>> bool(np.allclose(conditional_errors(spectrum, 1, 2, np.random.default_rng(0)), 6.0, rtol=1e-7))
    True
    """
    n, sigma = spectrum.n, spectrum.singular_values / spectrum.singular_values[0]
    A = rng.standard_normal((size, m - 1, n))
    # Householder reflections of rows sorted by scale: the basis of the small part is accurate relative to itself.
    Q = np.linalg.qr(np.swapaxes(A * sigma, 1, 2), mode="complete")[0]
    left = np.linalg.svd(sigma[:, None] * Q[:, :, m - 1 :], compute_uv=False)
    # Rounding may leave zeros where values lie 16 decades apart.
    l = np.maximum(left, 1e-30) ** 2
    return float(spectrum.variances[0]) * _first_error(l)


def _first_error(l: FloatArray) -> FloatArray:
    """E_1 for each row of descending variances: ``int 1/2 sum_j c_j u_j/(1+u_j) prod_k (1+u_k)^-1/2 ds``, u = l e^s."""
    others = l.sum(axis=1, keepdims=True) - l
    others[:, 0] = l[:, 1:].sum(axis=1)
    # At s = -log l_1 + x: relative to l_1, so that all rows share a grid; the integrand falls like e^x on the left, and
    # on the right at least like exp(-x/2) up to -log l_2 + x, like exp(-x) from there.
    start, stop = -_MARGIN, _MARGIN + float(np.log(l[:, 0] / l[:, 1]).max())
    grid = start + _STEP * np.arange(math.ceil((stop - start) / _STEP) + 1)
    scaled = l / l[:, :1]
    total = np.empty(len(l))
    rows = max(1, _BLOCK // (grid.size * l.shape[1]))
    for first in range(0, len(l), rows):
        part = slice(first, first + rows)
        u = np.exp(grid)[:, None] * scaled[part, None, :]
        density = 1.0 / np.sqrt(np.prod(1.0 + u, axis=2)) if l.shape[1] <= 8 else np.exp(-0.5 * np.log1p(u).sum(axis=2))
        total[part] = 0.5 * _STEP * np.einsum("bgj,bj,bg->b", u / (1.0 + u), others[part], density)
    return total
