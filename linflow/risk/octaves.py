r"""The trapezoidal rule in ``log t`` on nodes ``t = 2^(k/r)``, with an error bound that is known beforehand.

Let f(t) dt/t be integrated over t > 0, f a polynomial in t with coefficients >= 0 over factors ``(1 + a_k t)^(1/2)``,
``a_k > 0``. On the ray ``t e^(i phi)``, |phi| < pi, the numerator does not grow, and with ``p = a t / (1 + a t)``

    |1 + a t e^(i phi)|^2 = (1 + a t)^2 (1 - 4 p (1 - p) sin(phi/2)^2)  >=  (1 + a t)^2 cos(phi/2)^(8 p (1 - p)),

as ``log(1 - x y)`` is concave in x on 0..1 and 0 at 0. So the integral of |f| over the ray is at most ``cos(phi/2)^(-N/2)``
times that of f, where N, at most the number of factors, is the largest value of ``sum_k 4 p_k (1 - p_k)``: how many
factors are in transition at a time. Hence the trapezoidal rule with the step ``h = log(2) / r`` is wrong by at most

    eps = 2 cos(phi/2)^(-N/2) / (e^(2 pi phi / h) - 1),    for every phi in (0, pi),

*relative to the integral itself* (Trefethen & Weideman 2014, "The exponentially convergent trapezoidal rule", Theorem 5.1).
Proved in proofs/enclosures_plane.py; tested in tests/test_octaves.py.

Nodes that are powers of two, but for r - 1 roots, need no logarithm and no exponential: their rounding does not hang on a
processor's library, and is certified here in integers.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from linflow.checks import FloatArray
from linflow.errors import NotConvergedError

#: log(2), rounded to nearest.
LOG_2 = 0.6931471805599453
#: Roundings in each of :func:`powers`: their relative error is at most 2**-52.
ROUNDINGS = 2


def in_transition(rates: FloatArray) -> float:
    """An upper bound on ``sum_k 4 p_k (1 - p_k)``, ``p_k = r_k^2 t / (1 + r_k^2 t)``, over all t > 0.

    Parameters
    ----------
    rates : (n,) array of positive numbers r_k, descending.

    >>> in_transition(np.ones(6)), in_transition(np.array([1e8, 1.0])) < 1.2
    (6.0, True)
    """
    # Left of 1 / r_1^2 and right of 1 / r_n^2 the sum rises and falls; between two nodes it changes by a factor of at most
    # 2^(1/8) from the nearer one, as the logarithm of p (1 - p) has the slope 1 - 2 p in log t.
    edges = -2 * np.log2(rates[[0, -1]])
    root = powers(math.floor(4 * edges[0]), math.ceil(4 * edges[1]), 8)
    u = (rates * root[:, None]) ** 2
    most = float((4 * u / (1 + u) / (1 + u)).sum(axis=1).max())
    return min(float(rates.size), 1.1 * most)


def rule_error(half_factors: float, per_octave: int) -> float:
    """Bound eps for the rule with `per_octave` nodes for each factor 2, relative to the integral (see the module).

    Parameters
    ----------
    half_factors : N, how many factors ``(1 + a t)^(1/2)`` are in transition at a time.

    >>> rule_error(68, 4) < 1e-15 < rule_error(68, 2)
    True
    """
    step = LOG_2 / per_octave
    # Where the exponent is smallest: d/dphi of N/2 log cos(phi/2) + 2 pi phi / h vanishes.
    half_angle = math.atan(8 * math.pi / (half_factors * step))
    growth = -half_factors / 2 * math.log(math.cos(half_angle))
    exponent = 4 * math.pi * half_angle / step
    # 2 e^growth / (e^exponent - 1), with a hundredth to spare for the rounding of this line.
    return 2.02 * math.exp(growth - exponent) / -math.expm1(-exponent) if growth < exponent else math.inf


def nodes_per_octave(half_factors: float, bits: int) -> int:
    """The fewest nodes for each factor 2 at which the rule errs by at most ``2**-bits`` of the integral.

    >>> nodes_per_octave(68, bits=50)
    4
    """
    per_octave = 1
    while rule_error(half_factors, per_octave) > 2.0**-bits:
        per_octave += 1
    return per_octave


def powers(first: int, last: int, per_octave: int) -> FloatArray:
    """``2**(k / per_octave)`` for k = first..last, each with a relative error of at most 2**-52, on every processor.

    >>> powers(-2, 2, 1)
    array([0.25, 0.5 , 1.  , 2.  , 4.  ])
    """
    octave, place = np.divmod(np.arange(first, last + 1), per_octave)
    return np.ldexp(_roots(per_octave)[place], octave)


@lru_cache(maxsize=64)
def _roots(per_octave: int) -> FloatArray:
    """``2**(j / r)``, j = 0..r-1, verified in integers: ``(x (1 - 2^-52))^r <= 2^j <= (x (1 + 2^-52))^r``."""
    roots = np.array([2.0 ** (j / per_octave) for j in range(per_octave)])
    for j, root in enumerate(roots):
        numerator, denominator = float(root).as_integer_ratio()
        wanted = (denominator << 52) ** per_octave << j
        if not (numerator * (2**52 - 1)) ** per_octave <= wanted <= (numerator * (2**52 + 1)) ** per_octave:
            raise NotConvergedError(f"this platform's power function is wrong: 2.0**({j}/{per_octave}) gave {root!r}")
    roots.flags.writeable = False
    return roots
