"""Exact expected errors for all m against quadrature of the formulas, one m at a time, by mpmath and by scipy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np

from linflow import risk
from linflow.bench.contest import Contest, Side, Work, entrywise
from linflow.bench.effort import Effort
from linflow.checks import Field, FloatArray
from linflow.spectrum import Spectrum

#: Numbers of measurements at which a rival integrates, as shares of n: a small one, which costs it less than others.
_SHARES = (1 / 8,)
#: Digits in which mpmath works, as many as float64 has.
_DIGITS = 15


def contests(effort: Effort) -> Iterator[Contest]:
    """Every E_m, m = 0..n. Real A: a rival integrates m = 1 alone, the one m whose formula is an integral over a line."""
    n = effort.pick(quick=16, usual=64, long=64)
    spectrum = Spectrum.power_law(n)
    for field in ("complex", "real"):
        counts = [max(1, int(share * n)) for share in _SHARES] if field == "complex" else [1]
        what = "m = " + " and ".join(map(str, counts))
        note = f"{what}, scaled to all m"
        if field == "real":
            note += "; for 1 < m < n the integral is over a plane, so that this is far less than all of its work"
        integrands: Callable[..., Any] = complex_integrand if field == "complex" else first_integrand
        rival = partial(Side, share=len(counts) / n, note=note)
        yield Contest(
            row="exact values",
            size=f"n = {n}, every E_m, {field} A",
            n=n,
            ours=Side("lf.risk.exact", partial(_ours, spectrum, counts, field)),
            rivals=(
                rival("mpmath.quad", partial(_mpmath, spectrum, counts, integrands), goal=100.0, needs=("mpmath",)),
                rival("scipy.integrate.quad", partial(_scipy, spectrum, counts, integrands)),
            ),
            far=entrywise,
            tolerance=1e-7,
        )


def complex_integrand(l: Sequence[Any], m: int, t: Any) -> Any:
    """``m P(N_t > m)``, N_t a sum of independent Bernoulli variables of means ``l_i / (l_i + t)``; E_m is its integral."""
    # P(N >= k) for k = 0..m + 1, one variable after another: sums of positive terms.
    beyond = [t * 0 + 1] + [t * 0] * (m + 1)
    for value in l:
        seen, unseen = value / (value + t), t / (value + t)
        beyond = [beyond[0], *(beyond[k] * unseen + beyond[k - 1] * seen for k in range(1, m + 2))]
    return m * beyond[m + 1]


def first_integrand(l: Sequence[Any], m: int, t: Any) -> Any:
    """Of E_1, real A: ``sum_j (T - l_j) l_j / (1 + l_j t) prod_k (1 + l_k t)^(-1/2) / 2``."""
    total, product, ends = sum(l), t * 0 + 1, t * 0
    for value in l:
        product *= 1 + value * t
        ends += (total - value) * value / (1 + value * t)
    return ends / product ** (t * 0 + 1 / 2) / 2


def _places(spectrum: Spectrum) -> FloatArray:
    """Ends of pieces of the line of log t, outside of which less than 1e-12 of an integral lies."""
    logs = np.log(np.append(spectrum.singular_values**2, spectrum.singular_values**-2.0))
    low, high = float(logs.min()) - 36.0, float(logs.max()) + 36.0
    return np.linspace(low, high, 2 + int((high - low) / 12))


def _along(integrand: Callable[..., Any], l: Sequence[float], m: int, s: float) -> float:
    """The integrand in log t."""
    t = float(np.exp(s))
    return t * float(integrand(l, m, t))


def every_value(spectrum: Spectrum, field: Field) -> FloatArray:
    """E_m for m = 0..n, computed anew at each call."""
    _forget()
    return risk.exact(spectrum, list(range(spectrum.n + 1)), field)


def by_scipy(spectrum: Spectrum, counts: Sequence[int], integrand: Callable[..., Any]) -> FloatArray:
    """The integral of each of some m, by `scipy.integrate.quad`."""
    from scipy.integrate import quad

    l, places, found = (spectrum.singular_values**2).tolist(), _places(spectrum), []
    for m in counts:
        line = partial(_along, integrand, l, m)
        found.append(sum(quad(line, a, b, epsabs=1e-300, epsrel=1e-10)[0] for a, b in pairwise(places)))
    return np.array(found)


def _ours(spectrum: Spectrum, counts: list[int], field: Field) -> Work:
    return Work(lambda: every_value(spectrum, field), answer=lambda: every_value(spectrum, field)[counts])


def _forget() -> None:
    """Every run computes anew what linflow keeps of a spectrum."""
    for module in ("exact", "plane"):
        # By name: the package's own `exact` is the function.
        for function in vars(import_module(f"linflow.risk.{module}")).values():
            if callable(clear := getattr(function, "cache_clear", None)):
                clear()


def _mpmath(spectrum: Spectrum, counts: list[int], integrand: Callable[..., Any]) -> Work:
    from mpmath import mp

    l = [mp.mpf(float(s)) ** 2 for s in spectrum.singular_values]

    def values() -> FloatArray:
        with mp.workdps(_DIGITS):
            places = [mp.mpf(float(s)) for s in _places(spectrum)]
            return np.array([float(mp.quad(lambda s, m=m: mp.exp(s) * integrand(l, m, mp.exp(s)), places)) for m in counts])

    return Work(values)


def _scipy(spectrum: Spectrum, counts: list[int], integrand: Callable[..., Any]) -> Work:
    return Work(lambda: by_scipy(spectrum, counts, integrand))
