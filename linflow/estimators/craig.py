r"""Craig's conjugate gradients for the smallest solution of a latent system, and the certificate of what they end with.

In latents, w = V^T z, the estimate is the smallest solution (w, t) of ``K^T w + F^T t = r`` as in the dense road (see
:mod:`linflow.estimators.latent`). It is found by Craig's conjugate gradients ("The N-step iteration procedures", 1955;
CGNE in Saad, "Iterative Methods for Sparse Linear Systems", section 8.3.2) in the latents of the flow, which is to be
preconditioned by the flow's own covariance.

What is certified, from products made afresh at the end, with v the multipliers and ``u = (K v, F v)``:

* ``residual = |r - K^T w - F^T t| / |r|``, in units of the measurements, and ``|w - K v| <= tolerance |w|``: up to the
  latter, the estimate is *exactly* that of measurements that differ from y by the residual.
* Where every measurement is noisy, ``|w - w*| <= |(w, t) - u| + |F^{-T} (r - K^T w - F^T t)| / 2``: (w, t) less its
  projection on the range of (K, F) is no longer than (w, t) - u, and the rest is ``K (K^T K + F^T F)^{-1}`` of the
  residual, whose norm against F is at most ``max_s s / (s^2 + 1) = 1/2``. Relative to |w| this is `error`: a bound on the
  latents, and times sigma_1 one on the signal.

Without noise no bound on the latents is known but by the smallest singular value of A G, and none is claimed; the
iteration then goes on until, beside the residual, its last steps changed (w, t) by no more than the tolerance.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from linflow.checks import FloatArray
from linflow.engine.progress import shown
from linflow.errors import NotConvergedError
from linflow.estimators.latent import LatentSystem

#: Steps over which the change is judged, and without progress after which an iteration is given up.
_LOOKED_AT, _PATIENCE = 3, 1000
#: A residual so far below the tolerance ends the iteration whatever the last steps changed: what follows may be rounding.
_FAR_BELOW = 1e-4
#: Seconds after which progress is shown.
_SILENT = 5.0


@dataclass(frozen=True, eq=False)
class Solved:
    """Solutions of a batch, and what is certified of them."""

    w: FloatArray
    residual: FloatArray
    error: FloatArray
    steps: int


def solved(system: LatentSystem, r: FloatArray, tolerance: float, most: int) -> Solved:
    """The smallest (w, t) with ``K^T w + F^T t = r``, (k, n), certified."""
    started, taken = time.monotonic(), 0
    with ExitStack() as stack:
        # What leaves float64 is not within any tolerance.
        stack.enter_context(np.errstate(all="ignore"))
        state = _State(system, r, tolerance)
        certificate = state.restart()
        report: Any = None
        while not certificate.within(tolerance) and taken < most:
            before, worst = taken, float(certificate.claimed.max())
            while taken < most and not (state.settled.all() or state.stuck):
                state.step()
                taken += 1
                if report is None and time.monotonic() - started > _SILENT:
                    report = stack.enter_context(shown("solving", unit="steps"))
                if report is not None:
                    report(taken, None, f"residual {state.worst:.1e}, wanted {tolerance:.1e}")
            # Nothing of the recurrences is believed: the residual is made afresh, and goes on being reduced if need be.
            certificate = state.restart()
            if taken == before or not certificate.claimed.max() < 0.5 * worst:
                if not state.preconditioned:
                    break
                state.preconditioned = False  # it may not see what is left
                state.restart()
    if not certificate.within(tolerance):
        raise NotConvergedError(_sorry(certificate, tolerance, taken))
    return Solved(state.w, certificate.residual, certificate.error, taken)


@dataclass(frozen=True, eq=False)
class _Certificate:
    residual: FloatArray
    error: FloatArray
    #: ``|w - K v| / |w|``
    strayed: FloatArray
    noisy: bool

    @property
    def claimed(self) -> FloatArray:
        """What must be at most the tolerance."""
        return self.error if self.noisy else np.maximum(self.residual, self.strayed)

    def within(self, tolerance: float) -> bool:
        """Whether the claims of the module hold."""
        return bool(np.all(self.claimed <= tolerance))


class _State:
    """Craig's iteration for a batch; what has settled stays as it is."""

    def __init__(self, system: LatentSystem, r: FloatArray, tolerance: float) -> None:
        self.system, self.r, self.tolerance = system, r, tolerance
        self.noisy = bool(system.std.all())
        self._undone = system.preconditioner()
        self.preconditioned = self._undone is not None
        self.w, self.t, self.v = np.zeros((len(r), system.flow.n)), np.zeros(r.shape), np.zeros(r.shape)
        self.size = np.linalg.norm(r, axis=1)
        self._begin(r.copy())

    def _precondition(self, rho: FloatArray) -> FloatArray:
        return rho.copy() if self._undone is None or not self.preconditioned else self._undone(rho)

    def _begin(self, rho: FloatArray) -> None:
        self.rho = rho
        self.q = self._precondition(rho)
        self.gamma = np.sum(rho * self.q, axis=1)
        self.p = self.system.back(self.q)
        self.gains: list[FloatArray] = []
        self.best, self.since, self.stuck = np.inf, 0, False
        self.settled = self._small(self._residual())

    def step(self) -> None:
        """One step along conjugate directions."""
        p_t = self.system.std * self.q
        length = np.sum(self.p**2, axis=1) + np.sum(p_t**2, axis=1)
        moving = ~self.settled & (length > 0) & (self.gamma > 0)
        alpha = np.where(moving, self.gamma / np.where(length > 0, length, 1.0), 0.0)[:, None]
        self.w += alpha * self.p
        self.t += alpha * p_t
        self.v += alpha * self.q
        self.rho -= alpha * (self.system.seen(self.p) + self.system.std * p_t)
        z = self._precondition(self.rho)
        gamma = np.sum(self.rho * z, axis=1)
        self.gains.append(alpha[:, 0] * self.gamma)
        beta = np.where(moving, gamma / np.where(self.gamma > 0, self.gamma, 1.0), 0.0)[:, None]
        self.q = z + beta * self.q
        self.p = self.system.back(z) + beta * self.p
        self.gamma = np.where(moving, gamma, self.gamma)
        self.gains = self.gains[-_LOOKED_AT:]
        self.settled |= self._small(self._residual())
        self._watch(bool(moving.any()))

    def _watch(self, moves: bool) -> None:
        worst = self.worst
        if worst < 0.9 * self.best:
            self.best, self.since = worst, 0
        else:
            self.since += 1
        patience = min(_PATIENCE, 50 + 5 * min(self.system.flow.n, self.system.std.size))
        self.stuck = self.since > patience or not moves or not worst <= 1e6 * self.best

    @property
    def worst(self) -> float:
        """The largest relative residual of what has not settled."""
        left = np.where(self.settled, 0.0, self._residual())
        return float(left.max(initial=0.0))

    def _residual(self) -> FloatArray:
        found: FloatArray = np.linalg.norm(self.rho, axis=1) / np.where(self.size > 0, self.size, 1.0)
        return found

    def _small(self, residual: FloatArray) -> Any:
        if self.noisy:
            bound = 0.5 * np.linalg.norm(self.rho / self.system.std, axis=1)
            return bound <= 0.5 * self.tolerance * np.linalg.norm(self.w, axis=1)
        change = np.sqrt(np.sum(self.gains, axis=0)) if self.gains else np.where(self.size > 0, np.inf, 0.0)
        size = np.sqrt(np.sum(self.w**2, axis=1) + np.sum(self.t**2, axis=1))
        small = (residual <= 0.5 * self.tolerance) & (change <= self.tolerance * size)
        return small | (residual <= _FAR_BELOW * self.tolerance)

    def restart(self) -> _Certificate:
        """Certify what there is by products made afresh, and begin again from there."""
        rho = self.r - self.system.seen(self.w) - self.system.std * self.t
        strayed = np.linalg.norm(self.w - self.system.back(self.v), axis=1)
        strayed = np.hypot(strayed, np.linalg.norm(self.t - self.system.std * self.v, axis=1))
        size = np.linalg.norm(self.w, axis=1)
        residual = np.linalg.norm(rho, axis=1) / np.where(self.size > 0, self.size, 1.0)
        error = np.full(len(rho), np.inf)
        if self.noisy:
            bound = strayed + 0.5 * np.linalg.norm(rho / self.system.std, axis=1)
            error = np.where(bound > 0, bound / np.where(size > 0, size, np.finfo(np.float64).tiny), 0.0)
        relative = np.where(strayed > 0, strayed / np.where(size > 0, size, np.finfo(np.float64).tiny), 0.0)
        self._begin(rho)
        return _Certificate(residual, error, relative, self.noisy)


def _sorry(certificate: _Certificate, tolerance: float, taken: int) -> str:
    what = "error bound" if certificate.noisy else "residual"
    return (
        f"the iteration did not reach a relative {what} of {tolerance:.1e} in {taken} steps, it is at "
        f"{certificate.claimed.max():.1e}: use a larger tolerance, more iterations (of reconstruct), or noise_std > 0 if "
        "measurements may contradict each other"
    )
