"""The grid of a phase transition: which sparse signals basis pursuit finds, decided, against solvers in a loop."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from linflow.bench.contest import Contest, Side, Work
from linflow.bench.effort import Effort
from linflow.checks import FloatArray
from linflow.pursuit import recovery

#: What a solver's signal may differ from the true one, relative to it, and still count as found.
_FOUND = 1e-4


def contests(effort: Effort) -> Iterator[Contest]:
    """Decisions over m/n and k/n, linflow's with certificates; the rivals solve for the signal and compare it."""
    n = effort.pick(quick=20, usual=50, long=100)
    draws = effort.pick(quick=4, usual=10, long=10)
    loops = effort.pick(quick=2, usual=2, long=1)
    problems = [_problem(n, m, draws) for m in np.linspace(0.2, 0.8, 4) * n]
    few = [(A[:loops], x[:loops]) for A, x in problems]
    share, note = loops / draws, f"{loops} of {draws} draws, scaled"
    yield Contest(
        row="phase transition",
        size=f"n = {n}, {draws} draws of A, 4 m, 8 k",
        n=n,
        ours=Side("lf.recovery", partial(_ours, problems, loops)),
        rivals=(
            Side("cvxpy, a loop", partial(_cvxpy, few), share=share, goal=50.0, needs=("cvxpy",), note=note),
            Side("HiGHS, a loop", partial(_highs, few), share=share, goal=50.0, note=note),
        ),
        far=_differing,
        tolerance=0.0,
    )


def _problem(n: int, m: float, draws: int) -> tuple[FloatArray, FloatArray]:
    """Measurements (draws, m, n), and signs of 8 supports for each."""
    rng = np.random.default_rng(round(m))
    signals = np.zeros((draws, 8, n))
    for draw in signals:
        for place, k in enumerate(np.linspace(0.05, 0.6, 8) * n):
            draw[place, rng.permutation(n)[: round(k)]] = rng.choice([-1.0, 1.0], size=round(k))
    return rng.standard_normal((draws, round(m), n)), signals


def _ours(problems: list[tuple[FloatArray, FloatArray]], loops: int) -> Work:
    def decided(few: int | None) -> list[bool]:
        return [bool(found) for A, x in problems for found in recovery(A[:few], x[:few]).found.ravel()]

    return Work(lambda: decided(None), answer=lambda: decided(loops))


def _cvxpy(problems: list[tuple[FloatArray, FloatArray]]) -> Work:
    from importlib import import_module

    cvxpy: Any = import_module("cvxpy")

    def decided() -> list[bool]:
        found = []
        for A, x in _pairs(problems):
            solved = cvxpy.Variable(x.size)
            cvxpy.Problem(cvxpy.Minimize(cvxpy.norm1(solved)), [A @ solved == A @ x]).solve(solver="CLARABEL")
            found.append(_same(np.asarray(solved.value), x))
        return found

    return Work(decided)


def _highs(problems: list[tuple[FloatArray, FloatArray]]) -> Work:
    from scipy.optimize import linprog

    def decided() -> list[bool]:
        found = []
        for A, x in _pairs(problems):
            n = x.size
            both = linprog(np.ones(2 * n), A_eq=np.hstack([A, -A]), b_eq=A @ x, bounds=(0, None), method="highs").x
            found.append(_same(both[:n] - both[n:], x))
        return found

    return Work(decided)


def _pairs(problems: list[tuple[FloatArray, FloatArray]]) -> Iterator[tuple[FloatArray, FloatArray]]:
    for stack, signals in problems:
        for A, several in zip(stack, signals, strict=True):
            for x in several:
                yield A, x


def _same(found: FloatArray, x: FloatArray) -> bool:
    return bool(np.linalg.norm(found - x) <= _FOUND * np.linalg.norm(x))


def _differing(ours: list[bool], theirs: list[bool]) -> float:
    """The share of decisions that are not the same."""
    return float(np.mean(np.array(ours) != np.array(theirs)))
