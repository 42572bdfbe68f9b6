r"""L-BFGS for a batch of independent problems, each with its own history, line search and stopping.

The usual torch optimiser treats a batch as one problem: one step length and one curvature history for all images, so that a
result depends on which other images are in the batch, and one bad image spoils the rest. Here every row is alone, and rows
that are done cost nothing. Rows are evaluated in groups of one fixed size, because a matrix product rounds differently for
different numbers of rows: so a row's iterates are those it would have by itself, bit for bit.

Each step satisfies the strong Wolfe conditions (sufficient decrease 1e-4, curvature 0.9), found by bracketing: an interval
that must contain such a step is narrowed by safeguarded cubic steps. A value that is not finite counts as too large, so
that a step into overflow is shortened, never taken.

Source: Nocedal & Wright 2006, Algorithms 7.4 (two loops) and 3.5 (bracketing).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

#: Values of some rows: called with (points (k, n), rows (k,)), returns (k,). Rows must not depend on each other.
Objective = Callable[[Tensor, Tensor], Tensor]

_DECREASE, _CURVATURE = 1e-4, 0.9
_LONGEST_SEARCH = 25
#: Numbers evaluated together: 32 rows of 64, one row of 2048 and more (there the work of one row fills a core).
_GROUP_SIZE, _MOST_ROWS = 2048, 32


@dataclass(frozen=True)
class Minimised:
    """Where each row ended.

    Parameters
    ----------
    points : (rows, n)
    values : (rows,), never above the values at the start.
    steps : (rows,) number of accepted steps.
    converged : (rows,) whether the gradient became small or no step could lower the value any further; False where the
        steps ran out, and where the start has no finite value.
    """

    points: Tensor
    values: Tensor
    steps: Tensor
    converged: Tensor


def minimise(
    objective: Objective,
    start: Tensor,
    *,
    steps: int = 100,
    history: int = 10,
    tolerance: float = 1e-9,
    resolution: float | Tensor = 0.0,
) -> Minimised:
    """Minimise each row of `objective` from the rows of `start`.

    Parameters
    ----------
    objective : see `Objective`; differentiable by torch.
    start : (rows, n)
    steps : most steps of a row.
    history : pairs kept for the curvature.
    tolerance : a row stops when its gradient is this small relative to its gradient at the start.
    resolution : float or (rows,), the objective's rounding error: a row stops when its direction promises less than that,
        because a line search among rounding errors is long and finds nothing.

    Examples
    --------
    >>> scales = torch.tensor([[1.0, 100.0], [2.0, 3.0]], dtype=torch.float64)
    >>> found = minimise(lambda x, rows: (scales[rows] * (x - 1) ** 2).sum(1), torch.zeros(2, 2, dtype=torch.float64))
    >>> bool(torch.allclose(found.points, torch.ones(2, 2, dtype=torch.float64)))
    True
    """
    points = start.detach().clone()
    count, n = points.shape
    values, slopes = evaluate(objective, points, torch.arange(count, device=points.device))
    finite = torch.isfinite(values) & torch.isfinite(slopes).all(1)
    limit = tolerance * slopes.norm(dim=1)
    done = ~finite | (slopes.norm(dim=1) == 0)  # there is no way down from an infinite value
    least = torch.as_tensor(resolution, dtype=points.dtype, device=points.device).expand(count)
    taken = torch.zeros(count, dtype=torch.long, device=points.device)
    moves, turns = points.new_zeros(2, history, count, n)
    weights = points.new_zeros(history, count)  # 1 / (move . turn), 0 for an empty place
    for step in range(steps):
        active = torch.nonzero(~done).flatten()
        if active.numel() == 0:
            break
        order = [(step - 1 - j) % history for j in range(min(step, history))]
        direction = -_curved(slopes[active], moves[:, active], turns[:, active], weights[:, active], order)
        promised = -0.5 * (direction * slopes[active]).sum(1)
        # Along the slope itself the promise is in no unit of the objective's.
        idle = (promised >= 0) & (promised < least[active]) & (weights[:, active] != 0).any(0)
        done[active[idle]] = True
        active, direction = active[~idle], direction[~idle]
        # Where rounding spoilt the history the direction may point uphill: that row starts again from its slope.
        lost = ~((direction * slopes[active]).sum(1) < 0)
        direction[lost] = -slopes[active][lost]
        weights[:, active[lost]] = 0.0
        fresh = (weights[:, active] == 0).all(0)
        first = torch.where(fresh, (1.0 / slopes[active].norm(dim=1)).clamp_max(1.0), 1.0)
        new_points, new_values, new_slopes, ok = _search(
            objective, active, points[active], values[active], slopes[active], direction, first
        )
        rows, place = active[ok], step % history
        move, turn = new_points[ok] - points[rows], new_slopes[ok] - slopes[rows]
        curvature = (move * turn).sum(1)
        moves[place, rows], turns[place, rows] = move, turn
        weights[place] = 0.0
        weights[place, rows] = torch.where(curvature > 0, 1.0 / curvature, 0.0)
        points[rows], values[rows], slopes[rows] = new_points[ok], new_values[ok], new_slopes[ok]
        taken[rows] += 1
        # A row whose search failed along its slope is as low as rounding allows; one that used its history tries again.
        weights[:, active[~ok]] = 0.0
        done[active[~ok & fresh]] = True
        done[rows[slopes[rows].norm(dim=1) <= limit[rows]]] = True
    return Minimised(points, values, taken, done & finite)


def evaluate(objective: Objective, points: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Values (k,) and slopes (k, n) of an objective at `points`, each row with the bits that it would have alone."""

    def with_slopes(part: Tensor, of: Tensor) -> Tensor:
        with torch.enable_grad():
            variable = part.detach().requires_grad_(True)
            value = objective(variable, of)
            (slope,) = torch.autograd.grad(value.sum(), variable)
        return torch.cat([value.detach()[:, None], slope], dim=1)

    found = in_groups(with_slopes, points, rows)
    return found[:, 0].clone(), found[:, 1:].clone()


def in_groups(function: Callable[[Tensor, Tensor], Tensor], points: Tensor, rows: Tensor) -> Tensor:
    """``function(points, rows)``, (k, ...), computed in groups of rows of one size, the last one filled up with copies."""
    size = max(1, min(_MOST_ROWS, _GROUP_SIZE // max(points.shape[1], 1)))
    found = []
    for i in range(0, len(points), size):
        part, of = points[i : i + size], rows[i : i + size]
        missing = size - len(part)
        filled = torch.cat([part, part[-1:].expand(missing, -1)]), torch.cat([of, of[-1:].expand(missing)])
        found.append(function(*filled)[: len(part)])
    return torch.cat(found) if found else function(points, rows)


def _curved(slope: Tensor, moves: Tensor, turns: Tensor, weights: Tensor, order: list[int]) -> Tensor:
    """Inverse Hessian times slope, by the two loops over the history, newest first."""
    q, kept = slope.clone(), {}
    for j in order:
        kept[j] = weights[j] * (moves[j] * q).sum(1)
        q = q - kept[j][:, None] * turns[j]
    scale = torch.ones_like(slope[:, 0])
    known = torch.zeros_like(scale, dtype=torch.bool)
    for j in order:  # the newest pair that a row has sets its scale
        newest = ~known & (weights[j] > 0)
        scale = torch.where(newest, 1.0 / (weights[j] * turns[j].square().sum(1)).clamp_min(1e-300), scale)
        known |= newest
    q = q * scale[:, None]
    for j in reversed(order):
        back = weights[j] * (turns[j] * q).sum(1)
        q = q + (kept[j] - back)[:, None] * moves[j]
    return q


def _search(
    objective: Objective, rows: Tensor, points: Tensor, values: Tensor, slopes: Tensor, direction: Tensor, first: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A strong Wolfe step of each row: points, values and slopes after it, and whether one was found.

    A search that finds only sufficient decrease returns the lowest such point that it saw.
    """
    start_slope = (direction * slopes).sum(1)
    low, high = torch.zeros_like(first), torch.full_like(first, torch.inf)
    low_value, low_slope = values.clone(), start_slope.clone()
    high_value, high_slope = torch.full_like(first, torch.nan), torch.full_like(first, torch.nan)
    length = first.clone()
    best_points, best_values, best_slopes = points.clone(), values.clone(), slopes.clone()
    found, ok = torch.zeros_like(first, dtype=torch.bool), torch.zeros_like(first, dtype=torch.bool)
    for _ in range(_LONGEST_SEARCH):
        wanted = torch.nonzero(~found).flatten()
        if wanted.numel() == 0:
            break
        at = points[wanted] + length[wanted, None] * direction[wanted]
        value, slope = evaluate(objective, at, rows[wanted])
        along = (slope * direction[wanted]).sum(1)
        finite = torch.isfinite(value) & torch.isfinite(slope).all(1)
        enough = finite & (value <= values[wanted] + _DECREASE * length[wanted] * start_slope[wanted])
        lower = enough & (value <= low_value[wanted])
        flat = lower & (along.abs() <= -_CURVATURE * start_slope[wanted])
        better = flat | (lower & (value <= best_values[wanted]))
        keep = wanted[better]
        best_points[keep], best_values[keep], best_slopes[keep] = at[better], value[better], slope[better]
        ok[keep] = True
        found[wanted[flat]] = True
        # Too long: too little decrease, or already rising. Too short: still falling steeply.
        too_long = ~lower | (along >= 0)
        up, down = wanted[too_long], wanted[~too_long]
        high[up], high_value[up], high_slope[up] = length[up], value[too_long], along[too_long]
        low[down], low_value[down], low_slope[down] = length[down], value[~too_long], along[~too_long]
        length[wanted] = _next(low, high, low_value, high_value, low_slope, high_slope)[wanted]
        # An interval at the level of rounding holds nothing more.
        found |= (high - low) <= 1e-14 * torch.where(torch.isfinite(high), high, 1.0)
    return best_points, best_values, best_slopes, ok


def _next(low: Tensor, high: Tensor, f0: Tensor, f1: Tensor, d0: Tensor, d1: Tensor) -> Tensor:
    """Trial length: the minimum of the cubic through both ends, kept to the middle 80 %; without an end, further out."""
    width = high - low
    theta = d0 + d1 - 3 * (f1 - f0) / width
    root = (theta.square() - d0 * d1).clamp_min(0).sqrt()
    cubic = low + width * (1 - (d1 + root - theta) / (d1 - d0 + 2 * root))
    inside = torch.isfinite(cubic) & (cubic > low + 0.1 * width) & (cubic < high - 0.1 * width)
    middle = torch.where(inside, cubic, low + 0.5 * width)
    return torch.where(torch.isfinite(high), middle, torch.clamp(4 * low, min=1e-20))
