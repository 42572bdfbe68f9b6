"""ADMM on many sparse problems at once (Boyd et al. 2011, section 6.2), over-relaxed.

It proposes signals and dual points; whether they are right is for others to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linflow.checks import FloatArray

#: Threshold in units of the largest |A^+ y|, over-relaxation.
_THRESHOLD, _RELAXATION = 0.3, 1.7
#: Steps between two looks at the certificates.
ROUND = 40


@dataclass
class Iteration:
    """ADMM for ``min |x|_1, Q x = c`` on every (matrix, column) that is not decided yet.

    `active` names the matrices still here, `origin` the columns; both are thinned out by `shrink`.
    """

    Q: FloatArray
    particular: FloatArray
    z: FloatArray
    u: FloatArray
    threshold: FloatArray
    active: NDArray[np.int64]
    origin: NDArray[np.int64]
    decided: NDArray[np.bool_]

    @classmethod
    def of(cls, Q: FloatArray, c: FloatArray) -> Iteration:
        """Start for ``Q x = c``: Q (D, m, n) with orthonormal rows, c (D, m, K)."""
        particular = np.swapaxes(Q, 1, 2) @ c
        size = np.abs(particular).max(axis=1, keepdims=True)
        D, K = len(Q), c.shape[2]
        return cls(
            Q=Q,
            particular=particular,
            z=particular,
            u=np.zeros_like(particular),
            threshold=_THRESHOLD * np.where(size > 0, size, 1.0),
            active=np.arange(D),
            origin=np.broadcast_to(np.arange(K), (D, K)),
            decided=np.zeros((D, K), dtype=bool),
        )

    def advance(self, steps: int) -> None:
        """Take that many steps."""
        transposed, z, u = np.ascontiguousarray(np.swapaxes(self.Q, 1, 2)), self.z, self.u
        for _ in range(steps):
            v = z - u
            x = v - transposed @ (self.Q @ v) + self.particular
            x += (_RELAXATION - 1.0) * (x - z)
            x += u
            u = np.clip(x, -self.threshold, self.threshold)
            z = x - u
        self.z, self.u = z, u

    def coefficients(self) -> FloatArray:
        """C, (D, m, K): the dual candidate w = Q^T c in coordinates of the row space."""
        projected: FloatArray = self.Q @ (self.u / self.threshold)
        return projected

    def feasible(self) -> FloatArray:
        """z moved to the nearest solution of Q x = c."""
        moved: FloatArray = self.z - np.swapaxes(self.Q, 1, 2) @ (self.Q @ self.z) + self.particular
        return moved

    def undecided(self) -> list[tuple[int, int]]:
        """Places (matrix, column) of this moment."""
        return [(int(i), int(j)) for i, j in np.argwhere(~self.decided)]

    def first(self, i: int, j: int) -> tuple[int, int]:
        """Where the place of this moment was at the start."""
        return int(self.active[i]), int(self.origin[i, j])

    def shrink(self) -> bool:
        """Drop what is decided; False if nothing is left."""
        keep = np.flatnonzero(~self.decided.all(axis=1))
        self._keep_matrices(keep)
        if not keep.size:
            return False
        width = int((~self.decided).sum(axis=1).max())
        if width < self.decided.shape[1]:
            order = np.argsort(self.decided, axis=1, kind="stable")[:, :width]
            for name in ("particular", "z", "u", "threshold"):
                setattr(self, name, np.take_along_axis(getattr(self, name), order[:, None, :], axis=2))
            self.origin = np.take_along_axis(self.origin, order, axis=1)
            self.decided = np.take_along_axis(self.decided, order, axis=1)
        return True

    def _keep_matrices(self, keep: NDArray[np.int64]) -> None:
        if keep.size < len(self.active):
            for name in ("Q", "particular", "z", "u", "threshold", "active", "origin", "decided"):
                setattr(self, name, getattr(self, name)[keep])
