r"""Are the verdicts' confidence sequences calibrated: how often they miss the mean at any look, and how soon they decide.

Every statistical verdict of `linflow verify` rests on the confidence sequence of :mod:`linflow.claims.confidence`, which
must not exclude the true mean with probability above alpha, however often one looks and whatever the law on [0, 1]. Here
it is looked at after every draw, on laws that are hard for it, whose means are known: coins, rare large values, values
close to their mean, a heavy tail, and the tilted ratio of the error of the MLE that the verdicts themselves use. Two twins
show that the check can fail: the normal interval and Hoeffding's, which hold at one look only, looked at as often.

Honesty is cheap if nothing is ever decided: the second question is how many draws exclude a value q that is off the mean.
No method whose error is at most alpha for every law on [0, 1] can do on average with fewer than about log(1/alpha)/KL_inf,
KL_inf = inf { KL(law, R) : R on [0, 1] beyond q } = max_c E log(1 - c + c W/q) for q below the mean (Honda & Takemura
2010; the gambler who knows the law stakes that c). Hoeffding's inequality and the empirical Bernstein inequality (Maurer &
Pontil 2009, with the true variance) need more, although they are held here to one look at a size fixed in advance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.claims.confidence import log_capital
from linflow.claims.tilted import draw_tilted
from linflow.experiments import OKABE_ITO, Experiment, Variable, settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

#: Levels at which the misses are counted.
ALPHAS = (0.05, 0.01, 0.001)
#: What q is over the mean.
FACTORS = (1 / 3, 0.9, 1.1, 3.0)
INTERVALS = ("sequence", "normal interval", "Hoeffding")
#: A mean that is known up to rounding is not excluded by rounding.
ROUNDING = 1e-12
#: The normal interval is not looked at before so many draws: not even its friends trust it there.
FIRST_LOOK = 30
#: m = rank + 2 = n - 1: the fewest measurements at which Y_k of k = rank has a mean; its variance is infinite there.
STEP, STEP_RANK, STEP_M = lf.Spectrum.step(4, 1, 1e-2), 1, 3
_BATCH, _NODES = 50_000, 200_000


class Law(NamedTuple):
    """A law on [0, 1]: ``sample(rng, size)``, its exact mean, and its values with their weights (None: by draws only)."""

    sample: Callable[[np.random.Generator, int], Array]
    mean: Callable[[], float]
    values: Callable[[], tuple[Array, Array]] | None


def two_points(p: float, usual: float = 0.0) -> Law:
    """1 with probability `p`, else `usual`."""
    return Law(
        lambda rng, size: np.where(rng.random(size) < p, 1.0, usual),
        lambda: p + (1 - p) * usual,
        lambda: (np.array([usual, 1.0]), np.array([1 - p, p])),
    )


def by_quantiles(quantile: Callable[[Array], Array], mean: float) -> Law:
    """The law of ``quantile(U)``, U uniform on [0, 1); its expectations by the midpoint rule."""
    midpoints = (np.arange(_NODES) + 0.5) / _NODES
    weights = np.full(_NODES, 1.0 / _NODES)
    return Law(lambda rng, size: quantile(rng.random(size)), lambda: mean, lambda: (quantile(midpoints), weights))


def tilted_ratios(rng: np.random.Generator, size: int) -> Array:
    """``X_A / Y_k(A)`` under the tilted law, for the step spectrum; its mean is ``E_m / B_k``.

    With m = n - 1 measurements one direction v is left, A v = 0, and ``X_A = |v|^2 / sum_i v_i^2 / l_i``.
    """
    parts = [tilted_batch(rng, min(_BATCH, size - first)) for first in range(0, size, _BATCH)]
    return np.concatenate(parts)


def tilted_batch(rng: np.random.Generator, size: int) -> Array:
    """One batch of :func:`tilted_ratios`."""
    drawn = draw_tilted(STEP, STEP_M, STEP_RANK, size=size, rng=rng)
    columns = np.arange(STEP.n)
    # By Cramer's rule, up to signs.
    v = np.stack([np.linalg.det(drawn.A[:, :, columns != j]) for j in columns], axis=1)
    error = np.sum(v**2, axis=1) / np.sum(v**2 / STEP.variances, axis=1)
    ratios: Array = np.clip(error / drawn.dominating, 0.0, 1.0)
    return ratios


@cache
def tilted_mean() -> float:
    """``E_m / B_k`` of the step spectrum, from the oracle at m = n - 1 and T3."""
    return float(lf.risk.exact(STEP, STEP_M) / lf.risk.truncated(STEP, STEP_M, STEP_RANK))


LAWS: dict[str, Law] = {
    "coin 1/2": two_points(0.5),
    "coin 1/100": two_points(0.01),
    "coin 1/1000": two_points(0.001),
    "0.001 or rarely 1": two_points(0.005, usual=0.001),
    "uniform": by_quantiles(lambda u: u, 0.5),
    "arcsine": by_quantiles(lambda u: np.sin(np.pi * u / 2) ** 2, 0.5),
    "0.5 +- 0.001": by_quantiles(lambda u: 0.499 + 0.002 * u, 0.5),
    # A density like 1 / w^2.
    "0.001/U up to 1": by_quantiles(lambda u: np.minimum(1.0, 1e-3 / (1.0 - u)), 1e-3 * (1.0 + float(np.log(1e3)))),
    "tilted X_A/Y_k": Law(tilted_ratios, tilted_mean, None),
}


def levels_of_misses(draws: Array, mean: float) -> dict[str, Array]:
    """Logarithm of the smallest level at which each kind of interval excludes `mean` at some look, for each row of draws.

    An interval is valid at every look if this is at most log(alpha) with probability at most alpha, for every alpha.
    """
    above = log_capital(draws, mean * (1 + ROUNDING)).max(axis=1)
    below = log_capital(1.0 - draws, 1.0 - mean * (1 - ROUNDING)).max(axis=1)
    levels = (np.log(2.0) - np.maximum(above, below), *peeking_levels(draws, mean))
    return dict(zip(INTERVALS, levels, strict=True))


def peeking_levels(draws: Array, mean: float) -> tuple[Array, Array]:
    """The same for the twins, whose intervals hold at one look: the normal interval and Hoeffding's."""
    from scipy.special import log_ndtr

    size = np.arange(1.0, draws.shape[1] + 1)
    off = np.cumsum(draws - mean, axis=1) / size
    square = np.cumsum((draws - mean) ** 2, axis=1) / size
    variance = square - off**2
    # No spread seen: no interval.
    sure = (variance > 1e-9 * square) & (size >= FIRST_LOOK)
    z = np.sqrt(np.where(sure, size * off**2 / np.where(sure, variance, 1.0), 0.0)).max(axis=1)
    return np.log(2.0) + log_ndtr(-z), np.log(2.0) - (2.0 * size * off**2).max(axis=1)


def draws_needed(draws: Array, q: float, mean: float, alphas: tuple[float, ...] = ALPHAS) -> Array:
    """Draws until the sequence excludes `q`, for each of `alphas` and each row; inf where it never does."""
    path = log_capital(draws, q) if q < mean else log_capital(1.0 - draws, 1.0 - q)
    reached = path >= np.log(2.0 / np.array(alphas))[:, None, None]
    return np.where(reached.any(axis=2), reached.argmax(axis=2) + 1.0, np.inf)


def information(values: Array, weights: Array, q: float, mean: float) -> float:
    """KL_inf in nats a draw, of a law by its values and weights: the growth of the best constant stake, by bisection."""
    gains = values / q - 1.0 if q < mean else (1.0 - values) / (1.0 - q) - 1.0
    low, high = 0.0, 1.0
    for _ in range(40):
        stake = (low + high) / 2
        low, high = (stake, high) if weights @ (gains / (1.0 + stake * gains)) > 0 else (low, stake)
    return float(weights @ np.log1p(low * gains))


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """A block of repetitions of the first question, and some of the second."""
    law = LAWS[params["law"]]
    mean, repetitions, runs = law.mean(), params["repetitions"], params["runs"]
    draws = law.sample(rng, repetitions * params["draws"]).reshape(repetitions, -1)
    longer = law.sample(rng, runs * params["horizon"]).reshape(runs, -1)
    # A law that is known by draws only: those of the block. (Its KL_inf is then too large by about 1 / size.)
    values, weights = law.values() if law.values else (longer.ravel(), np.full(longer.size, 1.0 / longer.size))
    factors, alphas = params["factor"], params["alpha"]
    needed, known = np.full((len(factors), len(alphas), runs), np.nan), np.full(len(factors), np.nan)
    for i, factor in enumerate(factors):
        if factor * mean < 1:
            needed[i] = draws_needed(longer, factor * mean, mean, alphas)
            known[i] = information(values, weights, factor * mean, mean)
    levels = levels_of_misses(draws, mean)
    return {
        "level": np.stack([levels[name] for name in params["interval"]]),
        "needed": needed,
        "information": known,
        "variance": float(weights @ (values - mean) ** 2),
        "mean": mean,
    }


EXPERIMENT = Experiment(
    name="calibration",
    title="Confidence sequences of the verdicts: misses at any look, and draws to a verdict",
    cell=cell,
    grid={"law": tuple(LAWS)},
    blocks=40,
    inner={"interval": INTERVALS, "factor": FACTORS, "alpha": ALPHAS},
    settings={"draws": 2000, "repetitions": 250, "horizon": 20_000, "runs": 10},
    variables={
        "level": Variable("log of the least level at which the mean is ever excluded", "", ("interval", "repetition")),
        "needed": Variable("draws to exclude factor x mean (inf: beyond the horizon)", "", ("factor", "alpha", "run")),
        "information": Variable("KL_inf between the law and means beyond factor x mean", "nats", ("factor",)),
        "variance": Variable("variance of the law"),
        "mean": Variable("its exact mean", once=True),
    },
    quick={"blocks": 10, "draws": 500, "repetitions": 40, "horizon": 5000, "runs": 4},
    cost=lambda params: 3.0 if "tilted" in params["law"] else 1.0,
)


class Misses(NamedTuple):
    """Share of repetitions that miss, with the 95 % interval of Clopper & Pearson, and the number of repetitions."""

    rate: float
    low: float
    high: float
    repetitions: int


def misses(dataset: xr.Dataset, law: str, interval: str, alpha: float) -> Misses:
    """How often the kind of interval excluded the mean of `law` at any look, at level `alpha`."""
    from scipy.special import betaincinv

    levels = dataset["level"].sel(law=law, interval=interval).values.ravel()
    levels = levels[~np.isnan(levels)]
    size, count = levels.size, int(np.sum(levels <= np.log(alpha)))
    low = float(betaincinv(count, size - count + 1, 0.025)) if count else 0.0
    high = float(betaincinv(count + 1, size - count, 0.975)) if count < size else 1.0
    return Misses(count / size, low, high, size)


def level_shown(dataset: xr.Dataset) -> float:
    """The level at which the table and the figure show draws to a verdict: the middle one."""
    alphas = sorted(dataset["alpha"].values.tolist())
    return float(alphas[len(alphas) // 2])


class Verdict(NamedTuple):
    """Draws to exclude factor x mean: quartiles for the sequence, and what the other methods need."""

    quartiles: tuple[float, float, float]
    information: float
    hoeffding: float
    bernstein: float


def verdict(dataset: xr.Dataset, law: str, factor: float, alpha: float) -> Verdict | None:
    """Draws to a verdict; None where factor x mean is no mean of a law on [0, 1]."""
    part = dataset.sel(law=law, factor=factor)
    needed = part["needed"].sel(alpha=alpha).values.ravel()
    needed = needed[~np.isnan(needed)]
    if needed.size == 0:
        return None
    gap = abs(factor - 1) * float(part["mean"])
    low, middle, high = (float(q) for q in np.quantile(needed, (0.25, 0.5, 0.75), method="inverted_cdf"))
    lower_bound = float(np.log(1 / alpha) / np.nanmean(part["information"].values))
    # The size at which the half-width is the gap: alpha / 2 a side. Bernstein: sqrt(2 V L / n) + 7 L / (3 (n - 1)) = gap.
    hoeffding = np.log(2 / alpha) / (2 * gap**2)
    log_term, variance = np.log(4 / alpha), float(np.nanmean(part["variance"].values))
    root = np.sqrt(2 * variance * log_term)
    bernstein = ((root + np.sqrt(root**2 + 4 * gap * 7 / 3 * log_term)) / (2 * gap)) ** 2
    return Verdict((low, middle, high), lower_bound, float(hoeffding), float(bernstein))


def _draws(value: float, horizon: float) -> str:
    return f"{value:.3g}" if value <= horizon or np.isfinite(value) else f"> {horizon:g}"


def verdicts(dataset: xr.Dataset) -> list[tuple[str, float, Verdict]]:
    """(law, factor, draws to a verdict) wherever factor x mean is the mean of a law on [0, 1]."""
    alpha, laws, factors = level_shown(dataset), dataset["law"].values.tolist(), dataset["factor"].values.tolist()
    found = [(law, factor, verdict(dataset, law, factor, alpha)) for law in laws for factor in factors]
    return [(law, factor, one) for law, factor, one in found if one is not None]


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """First the misses at every level, then the draws to a verdict at one."""
    horizon = settings(dataset)["horizon"]
    rows: list[dict[str, object]] = []
    for law in dataset["law"].values.tolist():
        for alpha in dataset["alpha"].values.tolist():
            row: dict[str, object] = {"law": law, "alpha": alpha, "what": "share that ever misses the mean"}
            for interval in dataset["interval"].values.tolist():
                share = misses(dataset, law, interval, alpha)
                row[interval] = f"{share.rate:.4f} ({share.low:.4f} .. {share.high:.4f})"
            rows.append(row)
    for law, factor, found in verdicts(dataset):
        low, middle, high = (f"{q:.0f}" if np.isfinite(q) else f"> {horizon}" for q in found.quartiles)
        rows.append(
            {
                "law": law,
                "alpha": level_shown(dataset),
                "what": f"draws to exclude {factor:.3g} x mean",
                "sequence": f"{middle} ({low} .. {high})",
                "Hoeffding": f"{found.hoeffding:.3g} (one look)",
                "empirical Bernstein": f"{found.bernstein:.3g} (one look)",
                "at least": f"{found.information:.3g}",
            }
        )
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [{name: row.get(name, "-") for name in names} for row in rows]


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    run, own = settings(dataset), INTERVALS[0]
    laws, alphas = dataset["law"].values.tolist(), dataset["alpha"].values.tolist()
    places = [(law, alpha) for law in laws for alpha in alphas]

    def worst(interval: str) -> str:
        ratio, law, alpha = max((misses(dataset, law, interval, alpha).rate / alpha, law, alpha) for law, alpha in places)
        return f"{ratio:.3g} times as often as stated ({law}, alpha = {alpha:g})"

    shares = [(misses(dataset, law, own, alpha), alpha) for law, alpha in places]
    above = sum(share.low > alpha for share, alpha in shares)
    below = sum(share.high <= alpha for share, alpha in shares)
    found = [one for *_, one in verdicts(dataset)]
    excess = [one.quartiles[1] / one.information for one in found if np.isfinite(one.quartiles[1])]
    speed = f"Within {run['horizon']} draws the median run excludes q in {len(excess)} of {len(found)} cases"
    if excess:
        speed += (
            f", after {min(excess):.2g} to {max(excess):.2g} times (median {np.median(excess):.2g}) the draws of the "
            f"information bound, alpha = {level_shown(dataset):g}"
        )
    twins = " and ".join(
        f"the {name if name[0].islower() else name + ' interval'}, {worst(name)}" for name in INTERVALS[1:]
    )
    return (
        f"Looked at after each of {run['draws']} draws, in {shares[0][0].repetitions} repetitions a law, the sequence "
        f"excludes the true mean at most {worst(own)}. Its share is above alpha beyond the 95 % interval in {above} of "
        f"{len(places)} cases, and below it in {below}. Intervals that hold at one look are caught by the same check: "
        f"{twins}. {speed}."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """The share of misses over alpha, one panel a law; and draws to a verdict, one panel a factor."""
    return {"": _miss_figure(dataset), "verdict": _verdict_figure(dataset)}


_STYLES: dict[str, dict[str, Any]] = {
    "sequence": {"color": OKABE_ITO["blue"], "linestyle": "-", "linewidth": 2.0},
    "normal interval": {"color": OKABE_ITO["vermillion"], "linestyle": (0, (5, 1.5)), "linewidth": 1.4},
    "Hoeffding": {"color": OKABE_ITO["orange"], "linestyle": (0, (1.5, 1.2)), "linewidth": 1.6},
}
_LABELS = {
    "sequence": "confidence sequence",
    "normal interval": "normal interval, looked at as often",
    "Hoeffding": "Hoeffding's interval, looked at as often",
}


def _miss_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    names = dataset["law"].values.tolist()
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(3.1 * columns, 2.4 * lines + 1.1), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    alphas = np.geomspace(1e-3, 0.5, 55)
    repetitions = 1
    for index, panel in enumerate(grid.flat):
        if index >= len(names):
            panel.set_visible(False)
            continue
        panel.fill_between(alphas, alphas, 1.0, color="0.94", linewidth=0, zorder=0)
        panel.plot(alphas, alphas, color=OKABE_ITO["black"], linewidth=1.0, label=r"stated: $\alpha$ (grey: too often)")
        for interval, style in _STYLES.items():
            shares = np.array([misses(dataset, names[index], interval, alpha) for alpha in alphas])
            repetitions = int(shares[0, 3])
            rate = np.where(shares[:, 0] > 0, shares[:, 0], np.nan)
            low, high = np.where(shares[:, 0] > 0, shares[:, 1:3].T, np.nan)
            panel.fill_between(alphas, low, high, color=style["color"], alpha=0.2, linewidth=0)
            panel.plot(alphas, rate, label=_LABELS[interval], **style)
        panel.set(xscale="log", yscale="log", xlim=(1e-3, 0.5), ylim=(1 / repetitions, 1.0))
        panel.set_title(f"{names[index]}; mean {float(dataset['mean'].sel(law=names[index])):.3g}", fontsize=9)
        panel.tick_params(labelsize=8)
        panel.grid(visible=True, color="0.9", linewidth=0.6)
        if index + columns >= len(names):
            panel.set_xlabel(r"level $\alpha$", fontsize=9)
        if index % columns == 0:
            panel.set_ylabel("share that ever misses", fontsize=9)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    note = (
        f"{repetitions} repetitions a law, a look after each of {settings(dataset)['draws']} draws; "
        "bands: 95 % intervals (Clopper & Pearson)"
    )
    legend: dict[str, Any] = {"loc": "outside lower center", "ncols": 2, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **legend)
    return figure


def _verdict_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    names, factors = dataset["law"].values.tolist(), dataset["factor"].values.tolist()
    horizon = settings(dataset)["horizon"]
    figure = Figure(figsize=(2.5 * len(factors) + 1.2, 0.32 * len(names) + 2.0), layout="constrained")
    panels = dict(zip(factors, figure.subplots(1, len(factors), squeeze=False, sharey=True).flat, strict=True))
    marks = _marks(dataset)
    for law, factor, found in verdicts(dataset):
        panel, row = panels[factor], names.index(law)
        low, middle, high = (min(value, horizon) for value in found.quartiles)
        panel.plot([low, high], [row, row], color=OKABE_ITO["blue"], linewidth=2.4, solid_capstyle="butt", zorder=3)
        for key, value in {
            "median" if np.isfinite(found.quartiles[1]) else "unfinished": middle,
            "information": found.information,
            "bernstein": found.bernstein,
            "hoeffding": found.hoeffding,
        }.items():
            panel.plot(value, row, **marks[key])
    for factor, panel in panels.items():
        panel.axvline(horizon, color="0.6", linewidth=0.8, linestyle=":")
        panel.set_xscale("log")
        panel.set_title(f"$q$ = {factor:.3g} × mean", fontsize=9)
        panel.set_xlabel("draws to exclude $q$", fontsize=9)
        panel.tick_params(labelsize=8)
        panel.grid(visible=True, color="0.92", linewidth=0.6)
    first = panels[factors[0]]
    first.set_yticks(range(len(names)), names, fontsize=8)
    first.set_ylim(len(names) - 0.5, -0.5)
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": 3, "fontsize": 8, "frameon": False}
    note = rf"$\alpha$ = {level_shown(dataset):g}; where $q$ would exceed 1 there is nothing to exclude"
    figure.legend(handles=[Line2D([], [], **mark) for mark in marks.values()], title=note, title_fontsize=8, **style)
    return figure


def _marks(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Marker and label of each number of draws."""
    runs, horizon = dataset.sizes["block"] * dataset.sizes["run"], settings(dataset)["horizon"]
    hollow: dict[str, Any] = {"linestyle": "", "markersize": 4.5, "markerfacecolor": "none"}
    own = {"color": OKABE_ITO["blue"], "linestyle": "", "markersize": 5.5, "zorder": 4}
    bound = {"color": OKABE_ITO["black"], "markersize": 10, "markeredgewidth": 1.8, "zorder": 5}
    return {
        "median": own | {"marker": "o", "label": f"confidence sequence, median (bar: quartiles) of {runs} runs"},
        "unfinished": own | {"marker": ">", "markerfacecolor": "white", "label": f"the same, beyond {horizon} draws"},
        "information": hollow | bound | {"marker": "|", "label": r"at least: $\log(1/\alpha)/\mathrm{KL}_{\inf}$"},
        "bernstein": hollow | {"marker": "s", "color": OKABE_ITO["purple"], "label": "empirical Bernstein, one look"},
        "hoeffding": hollow | {"marker": "D", "color": OKABE_ITO["orange"], "label": "Hoeffding, one look"},
    }


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
