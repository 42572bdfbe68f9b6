r"""Invertible prior against truncated priors of every rank: the representation error, out of distribution, and with noise.

Slides 5-6 and 14-16. A truncated prior keeps the k largest directions of the flow, the linear stand-in for a GAN. Its risk
is exactly ``tail(k) + (tail(k) + s^2) k/(m-k-1)`` (T3): the representation error tail(k) stays however many measurements
there are, and by T4 no rank beats the invertible prior without noise. For signals of another law T3 holds with that law's
variances in the model's eigenbasis, while the invertible prior follows the deterministic equivalent. With noise the best
rank k* is computable; rules that choose it from the measurements alone are held against it, and all of them against the
full flow with penalty gamma = noise_std^2 (the question that Gunn et al. 2026 leave: THEORY.md T11).

The reconstructions are linear in y, so each draw of A gives its risk averaged exactly over signals and noise.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, entries, estimate, scaled_counts, settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

#: Beyond m - SPARE the squared error of least squares has no variance, and means of draws would mean nothing.
SPARE = 4
#: Measurements, and ranks above 0, for n = 64.
COUNTS = (8, 12, 16, 24, 32, 40, 48, 56, 60)
RANKS = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52)
RULES = ("k* of T3", "discrepancy", "SURE", "GCV", "leave-one-out", "flow, penalty s^2")
Array = NDArray[np.float64]


def _digits_and_patches() -> tuple[lf.Spectrum, Array]:
    flow = lf.LinearFlow.fit(lf.data.digits())
    directions = np.eye(flow.n) if flow.basis is None else flow.basis
    # About the model's mean: a shift of the mean has to be reconstructed like everything else.
    return flow.spectrum, np.mean(((lf.data.natural_patches(8) - flow.mean) @ directions) ** 2, axis=0)


def _white(spectrum: lf.Spectrum) -> tuple[lf.Spectrum, Array]:
    return spectrum, np.full(spectrum.n, spectrum.energy / spectrum.n)


#: name -> (spectrum of the model, variances of the foreign signals along its eigenvectors).
CASES: dict[str, Callable[[], tuple[lf.Spectrum, Array]]] = {
    "power law 1": lambda: _white(lf.Spectrum.power_law(64, 1.0)),
    "exponential 0.1": lambda: _white(lf.Spectrum.exponential(64, 0.1)),
    "digits 8x8": _digits_and_patches,
}
FOREIGN = {"power law 1": "white signals", "exponential 0.1": "white signals", "digits 8x8": "photograph patches"}


@cache
def case_of(name: str) -> tuple[lf.Spectrum, Array]:
    """Model and foreign signals of a case, made once in each process."""
    return CASES[name]()


def case_for(params: dict[str, Any]) -> tuple[lf.Spectrum, Array]:
    """The case of a cell; beside a spectrum from outside the foreign signals are white."""
    name, own = params["spectrum"], params.get("given", {})
    return _white(own[name]) if name in own else case_of(name)


def noise_of(spectrum: lf.Spectrum, level: float) -> float:
    """noise_std: `level` times the standard deviation of a noiseless measurement of the model's own signals."""
    return float(level * np.sqrt(spectrum.energy))


def truncated_risk(variances: Array, m: Any, rank: Any, noise_std: float = 0.0) -> Any:
    """T3 for signals with any `variances` along the model's eigenvectors; NaN above rank m - SPARE."""
    m, rank = np.asarray(m), np.asarray(rank)
    tail = np.append(np.cumsum(variances[::-1])[::-1], 0.0)[rank]
    free = np.maximum(m - rank - 1, 1)
    return np.where(rank <= m - SPARE, tail + (tail + noise_std**2) * rank / free, np.nan)


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Mean over the block's draws of A: exact risks, and the loss of each rule that chooses the rank."""
    counts, ranks, levels = params["m"], np.array(params["rank"]), params["level"]
    spectrum, foreign = case_for(params)
    flow = lf.LinearFlow.from_spectrum(spectrum)
    sums: dict[str, Array] = {
        **{key: np.zeros((len(counts), len(ranks))) for key in ("own", "other", "gain")},
        **{key: np.zeros(len(counts)) for key in ("mle_own", "mle_other")},
        **{key: np.zeros((len(levels), len(counts), len(params["rule"]))) for key in ("chosen_risk", "chosen_rank")},
    }
    for _ in range(params["draws"]):
        for i, m in enumerate(counts):
            A = lf.measurement.gaussian(m, spectrum.n, rng)
            lost = lf.mle(flow, A, np.eye(m)).T @ A - np.eye(spectrum.n)
            sums["mle_own"][i] += np.sum(lost**2 @ spectrum.variances)
            sums["mle_other"][i] += np.sum(lost**2 @ foreign)
            inverses = []
            for j, rank in enumerate(ranks):
                if rank > m - SPARE:
                    sums["own"][i, j] = sums["other"][i, j] = sums["gain"][i, j] = np.nan
                    continue
                inverse = lf.truncated_least_squares(flow, A, np.eye(m), rank=int(rank)).T
                lost = inverse @ A - np.eye(spectrum.n)
                sums["own"][i, j] += np.sum(lost**2 @ spectrum.variances)
                sums["other"][i, j] += np.sum(lost**2 @ foreign)
                sums["gain"][i, j] += np.sum(inverse**2)
                inverses.append(inverse)
            for level_index, level in enumerate(levels):
                noise_std = noise_of(spectrum, level)
                x = flow.sample(params["signals"], rng)
                y = lf.measurement.apply(A, x) + noise_std * rng.standard_normal((len(x), m))
                found = _choices(spectrum, A, x, y, np.array(inverses), ranks[: len(inverses)], noise_std)
                full = np.sum((lf.map_estimate(flow, A, y, noise_std=noise_std) - x) ** 2, axis=1).mean()
                sums["chosen_risk"][level_index, i] += [*(risk for risk, _ in found), full]
                sums["chosen_rank"][level_index, i] += [*(rank for _, rank in found), spectrum.n]
    means = {key: total / params["draws"] for key, total in sums.items()}
    return means | {"singular_values": spectrum.singular_values, "foreign": foreign}


def _choices(
    spectrum: lf.Spectrum, A: Array, x: Array, y: Array, inverses: Array, ranks: NDArray[np.int64], noise_std: float
) -> list[tuple[float, float]]:
    """(mean loss, mean rank) of each rule of `RULES` but the last, over the signals x (B, n) with measurements y (B, m)."""
    m = A.shape[0]
    estimates = np.einsum("knm,bm->bkn", inverses, y)
    loss = np.sum((estimates - x[:, None]) ** 2, axis=2)
    residual = y[:, None] - estimates @ A.T
    rss = np.sum(residual**2, axis=2)
    leverage = np.einsum("mn,knm->km", A, inverses)
    fits = rss <= m * noise_std**2
    oracle = int(np.nanargmin(truncated_risk(spectrum.variances, m, ranks, noise_std)))
    chosen = [
        np.full(len(x), oracle),
        # Morozov: the smallest rank whose residual is no larger than the noise, else the largest rank.
        np.where(fits.any(axis=1), fits.argmax(axis=1), len(ranks) - 1),
        np.argmin(rss + 2 * ranks * noise_std**2, axis=1),
        np.argmin(rss / (m - ranks) ** 2, axis=1),
        # Each measurement predicted from all the others, in closed form (PRESS).
        np.argmin(np.sum((residual / (1 - leverage)) ** 2, axis=2), axis=1),
    ]
    return [(float(loss[np.arange(len(x)), pick].mean()), float(ranks[pick].mean())) for pick in chosen]


EXPERIMENT = Experiment(
    name="representation-error",
    title="Invertible against truncated priors: representation error, foreign signals, noise",
    cell=cell,
    grid={"spectrum": tuple(CASES)},
    blocks=24,
    inner={
        "m": COUNTS,
        "rank": (0, *RANKS),
        "level": (0.01, 0.05, 0.2),
        "rule": RULES,
    },
    settings={"draws": 30, "signals": 20},
    variables={
        "own": Variable("risk of the truncated prior, own signals, no noise", "[x]^2", ("m", "rank")),
        "other": Variable("risk of the truncated prior, foreign signals, no noise", "[x]^2", ("m", "rank")),
        "gain": Variable("noise in the truncated estimate for each unit of noise variance", "[x]^2/[y]^2", ("m", "rank")),
        "mle_own": Variable("risk of the invertible prior, own signals, no noise", "[x]^2", ("m",)),
        "mle_other": Variable("risk of the invertible prior, foreign signals, no noise", "[x]^2", ("m",)),
        "chosen_risk": Variable("squared error under each rule, noisy own signals", "[x]^2", ("level", "m", "rule")),
        "chosen_rank": Variable("mean rank that each rule chooses (the flow: n)", "", ("level", "m", "rule")),
        "singular_values": Variable("singular values of the model", "[x]", ("index",), once=True),
        "foreign": Variable("mean squares of foreign signals along its eigenvectors", "[x]^2", ("index",), once=True),
    },
    quick={
        "blocks": 10,
        "draws": 5,
        "m": (8, 16, 32, 48, 60),
        "rank": (0, 1, 2, 4, 8, 12, 16, 24, 32, 40, 48),
    },
    spectra=lambda given: {
        "spectrum": given,
        "m": tuple(m for m in scaled_counts(COUNTS, 64, given) if m > SPARE + 1),
        "rank": (0, *scaled_counts(RANKS, 64, given)),
    },
)


def stored_case(dataset: xr.Dataset, name: str) -> tuple[lf.Spectrum, Array]:
    """Model and foreign signals of a case, as the cells had them."""
    part = dataset.sel(spectrum=name)
    return lf.Spectrum.from_values(entries(part["singular_values"]), name=name), entries(part["foreign"])


def rank_risks(spectrum: lf.Spectrum, m: int, level: float) -> tuple[NDArray[np.int64], Array]:
    """All ranks up to m - SPARE and their exact risks (T3)."""
    ranks: NDArray[np.int64] = np.arange(0, min(m - SPARE, spectrum.n) + 1)
    return ranks, truncated_risk(spectrum.variances, m, ranks, noise_of(spectrum, level))


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """Without noise (s = 0): who wins where. With noise: k*, the best rule that chooses it, and the full flow."""
    rows: list[dict[str, object]] = []
    rules = [rule for rule in dataset["rule"].values.tolist() if rule in RULES[1:-1]]
    for name in dataset["spectrum"].values.tolist():
        spectrum, foreign = stored_case(dataset, name)
        for m in dataset["m"].values.tolist():
            part = dataset.sel(spectrum=name, m=m)
            for level in (0.0, *dataset["level"].values.tolist()):
                ranks, risks = rank_risks(spectrum, m, level)
                flow = part["chosen_risk"].sel(level=level, rule=RULES[-1]) if level else part["mle_own"]
                mean = estimate(flow, positive=True)
                near = ranks[risks <= 2 * float(mean["mean"])]
                best = int(risks.argmin())
                row: dict[str, object] = {
                    "spectrum": name,
                    "m": m,
                    "s": level,
                    "flow / energy (95 %)": _interval(mean, spectrum.energy),
                    "rank k* / energy": float(risks[best] / spectrum.energy),
                    "k*": int(ranks[best]),
                    "ranks within factor 2": f"{near.min()} .. {near.max()}" if near.size else "none",
                }
                if level:
                    losses = part["chosen_risk"].sel(level=level).mean("block") / risks[best]
                    cost, first = min((float(losses.sel(rule=rule)), rule) for rule in rules)
                    row |= {"best rule, loss / k*": f"{first} {cost:.2f}"}
                    row |= {"foreign: flow": "", "foreign: k*": ""}
                else:
                    other = estimate(part["mle_other"], positive=True)
                    floor = float(truncated_risk(foreign, m, ranks[best]) / foreign.sum())
                    row |= {"best rule, loss / k*": "", "foreign: flow": _interval(other, float(foreign.sum()))}
                    row |= {"foreign: k*": f"{floor:.3g}"}
                rows.append(row)
    return rows


def _interval(values: Any, unit: float) -> str:
    return f"{values['mean'] / unit:.3g} ({values['low'] / unit:.3g} .. {values['high'] / unit:.3g})"


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    inside = total = 0
    dominated, foreign_loses, cells, gains = 0, 0, 0, []
    ranks = dataset["rank"].values
    for name in dataset["spectrum"].values.tolist():
        spectrum, foreign = stored_case(dataset, name)
        part = dataset.sel(spectrum=name)
        own = estimate(part["own"])
        theory = truncated_risk(spectrum.variances, dataset["m"].values[:, None], ranks)
        # Rank 0 has no spread: the estimate is the mean, and T3 holds to rounding.
        there = np.isfinite(theory) & (ranks > 0)
        inside += int(np.sum(((own["low"].values <= theory) & (theory <= own["high"].values))[there]))
        total += int(there.sum())
        flow_own, flow_other = (estimate(part[key], positive=True) for key in ("mle_own", "mle_other"))
        other = truncated_risk(foreign, dataset["m"].values[:, None], ranks)
        dominated += int(np.sum(flow_own["low"].values > np.nanmin(theory, axis=1)))
        foreign_loses += int(np.sum(flow_other["low"].values > np.nanmin(other, axis=1)))
        cells += dataset.sizes["m"]
        for m in dataset["m"].values.tolist():
            for level in dataset["level"].values.tolist():
                flow = float(part["chosen_risk"].sel(m=m, level=level, rule=RULES[-1]).mean())
                gains.append(flow / rank_risks(spectrum, m, level)[1].min())
    oracle = dataset["chosen_risk"].mean("block").sel(rule=RULES[0])
    cost = (dataset["chosen_risk"].mean("block") / oracle).median(["spectrum", "level", "m"])
    order = sorted(RULES[1:-1], key=lambda rule: float(cost.sel(rule=rule)))
    ranked = ", ".join(f"{rule} {float(cost.sel(rule=rule)):.2f}" for rule in order)
    return (
        f"T3 lies inside the 95 % interval of the simulated truncated risk at {inside} of {total} points (expected: "
        f"{0.95 * total:.0f}). T4: without noise the invertible prior is worse than the best truncated one, beyond its "
        f"interval, at {dominated} of {cells} places on its own signals, and at {foreign_loses} of {cells} on foreign "
        "signals, where no theorem protects it (but there the best rank would have to be known from those signals). With "
        f"noise, the full flow with penalty noise_std^2 has {min(gains):.2f} to {max(gains):.2f} times the risk at the "
        f"best rank k* (median {np.median(gains):.2f}), though k* needs spectrum and noise as well. Rules that choose the "
        f"rank from the measurements have, in the median, this many times the loss at k*: {ranked}."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Risk over m for some ranks; with noise, risk over the rank; and what choosing the rank from data costs."""
    return {"": _risk_figure(dataset), "noise": _rank_figure(dataset), "choice": _choice_figure(dataset)}


_COLOURS = [OKABE_ITO[key] for key in ("orange", "green", "purple")]
_MARKERS = "os^"


def _risk_figure(dataset: xr.Dataset) -> Figure:
    names = dataset["spectrum"].values.tolist()
    figure, grid = _panels(len(names), 2, "Without noise: truncated priors stop at their representation error")
    shown = [rank for rank in (2, 8, 24) if rank in dataset["rank"].values] or dataset["rank"].values[1:4].tolist()
    m = dataset["m"].values
    for axes, name in zip(grid, names, strict=True):
        spectrum, foreign = stored_case(dataset, name)
        dense = np.arange(2, spectrum.n)
        for panel, key, variances in ((axes[0], "own", spectrum.variances), (axes[1], "other", foreign)):
            energy = variances.sum()
            for rank, colour, marker in zip(shown, _COLOURS, _MARKERS, strict=False):
                theory = truncated_risk(variances, dense, rank) / energy
                panel.plot(dense, theory, color=colour, linewidth=1.4, label=f"rank {rank}, T3 (exact)")
                floor = variances[rank:].sum() / energy
                panel.axhline(floor, color=colour, linestyle=":", linewidth=1.0, label=f"floor tail({rank})")
                simulated = estimate(dataset[key].sel(spectrum=name, rank=rank), positive=True) / energy
                _points(panel, m, simulated, colour, marker, f"rank {rank}, simulated")
            simulated = estimate(dataset[f"mle_{key}"].sel(spectrum=name), positive=True) / energy
            equivalent = lf.risk.equivalent(spectrum, dense, signal_variances=variances) / energy
            panel.plot(dense, equivalent, "k--", linewidth=1.4, label="invertible, equivalent")
            _points(panel, m, simulated, OKABE_ITO["blue"], "D", "invertible (MLE), simulated")
            low = float(min(simulated["low"].min(), equivalent[m - 2].min()))
            panel.set(yscale="log", ylim=(max(low / 2, 1e-4), 12.0), xlim=(0, spectrum.n))
        axes[0].set_title(f"{name} (n = {spectrum.n}), own signals", fontsize=9)
        axes[1].set_title(f"{name}, foreign: {FOREIGN.get(name, 'white signals')}", fontsize=9)
        axes[0].set_ylabel("risk / energy of the signals", fontsize=9)
    for panel in grid[-1]:
        panel.set_xlabel("measurements $m$", fontsize=9)
    _legend(figure, grid[0][0], dataset, 4)
    return figure


def _rank_figure(dataset: xr.Dataset) -> Figure:
    names, levels = dataset["spectrum"].values.tolist(), dataset["level"].values.tolist()
    figure, grid = _panels(len(names), len(levels), "With noise: the best rank of a truncated prior, and the full flow")
    every = dataset["m"].values.tolist()
    counts = [m for m in (16, 32, 60) if m in every] or every[-3:]
    for axes, name in zip(grid, names, strict=True):
        spectrum = stored_case(dataset, name)[0]
        for panel, level in zip(axes, levels, strict=True):
            noise_std = noise_of(spectrum, level)
            for m, colour, marker in zip(counts, _COLOURS, _MARKERS, strict=False):
                ranks = np.arange(0, m - SPARE + 1)
                theory = truncated_risk(spectrum.variances, m, ranks, noise_std) / spectrum.energy
                panel.plot(ranks, theory, color=colour, linewidth=1.4, label=f"$m$ = {m}, T3 with noise (exact)")
                part = dataset.sel(spectrum=name, m=m)
                simulated = estimate(part["own"] + noise_std**2 * part["gain"], positive=True) / spectrum.energy
                _points(panel, dataset["rank"].values, simulated, colour, marker, f"$m$ = {m}, simulated")
                panel.plot(theory.argmin(), theory.min(), "*", color="black", markersize=9, zorder=6, label="$k^*$")
                full = lf.risk.equivalent(spectrum, m, noise_std=noise_std, penalty=noise_std**2) / spectrum.energy
                panel.axhline(
                    full, color=colour, linestyle="--", linewidth=1.2, label=f"$m$ = {m}, flow, penalty $s^2$ (equivalent)"
                )
            panel.set_title(f"{name}, $s$ = {level:g} $\\sqrt{{\\mathrm{{energy}}}}$", fontsize=9)
            panel.set(yscale="log", xlim=(-1, max(counts) - SPARE + 1))
            bottom = panel.get_ylim()[0]
            panel.set_ylim(max(bottom, 1e-4), 5.0)
        axes[0].set_ylabel("risk / energy", fontsize=9)
    for panel in grid[-1]:
        panel.set_xlabel("rank $k$ of the truncated prior", fontsize=9)
    _legend(figure, grid[0][0], dataset, 3)
    return figure


def _choice_figure(dataset: xr.Dataset) -> Figure:
    names, levels = dataset["spectrum"].values.tolist(), dataset["level"].values.tolist()
    figure, grid = _panels(
        len(names), len(levels), "Choosing the rank from the measurements: mean loss / risk at the best rank"
    )
    colours = dict(zip(RULES, ("black", "orange", "sky", "green", "purple", "blue"), strict=True))
    markers = dict(zip(RULES, "*sv^oD", strict=True))
    m = dataset["m"].values
    for axes, name in zip(grid, names, strict=True):
        spectrum = stored_case(dataset, name)[0]
        for panel, level in zip(axes, levels, strict=True):
            oracle = np.array([rank_risks(spectrum, int(count), level)[1].min() for count in m])
            panel.axhline(1.0, color="black", linewidth=1.0, label="exact risk at $k^*$ (T3)")
            for rule in dataset["rule"].values.tolist():
                if rule == RULES[0]:
                    continue
                values = estimate(dataset["chosen_risk"].sel(spectrum=name, level=level, rule=rule), positive=True) / oracle
                colour = OKABE_ITO[colours[rule]]
                panel.plot(m, values["mean"], color=colour, linewidth=1.0)
                _points(panel, m, values, colour, markers[rule], rule)
            panel.set_title(f"{name}, $s$ = {level:g} $\\sqrt{{\\mathrm{{energy}}}}$", fontsize=9)
            noise_std = noise_of(spectrum, level)
            full = lf.risk.equivalent(spectrum, m, noise_std=noise_std, penalty=noise_std**2) / oracle
            panel.plot(m, full, "k--", linewidth=1.2, label="flow, penalty s^2, equivalent")
            ticks = (0.1, 0.2, 0.5, 1, 2, 4)
            panel.set(yscale="log", ylim=(0.1, 4.0), yticks=ticks, yticklabels=[f"{tick:g}" for tick in ticks])
            panel.minorticks_off()
        axes[0].set_ylabel("mean loss / risk at $k^*$", fontsize=9)
    for panel in grid[-1]:
        panel.set_xlabel("measurements $m$", fontsize=9)
    _legend(figure, grid[0][0], dataset, 3)
    return figure


def _panels(lines: int, columns: int, title: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(3.1 * columns, 8.0), 2.5 * lines + 1.4), layout="constrained")
    figure.suptitle(title, fontsize=11)
    grid = figure.subplots(lines, columns, squeeze=False)
    for panel in grid.flat:
        panel.tick_params(labelsize=8)
        panel.grid(visible=True, color="0.9", linewidth=0.6)
    return figure, grid


def _points(panel: Any, x: Any, values: Any, colour: str, marker: str, label: str) -> None:
    middle = values["mean"].values
    bars = np.abs(np.stack([middle - values["low"].values, values["high"].values - middle]))
    style = {"color": colour, "markersize": 4.0, "linewidth": 1.0, "capsize": 2.0}
    panel.errorbar(x, middle, yerr=bars, fmt=marker, label=label, **style)


def _legend(figure: Figure, panel: Any, dataset: xr.Dataset, columns: int) -> None:
    handles, labels = panel.get_legend_handles_labels()
    found = dict(zip(labels, handles, strict=True))
    unique = {label: found[label] for label in sorted(found)}
    note = (
        f"bars: 95 % interval of the mean, from {dataset.sizes['block']} blocks of {settings(dataset)['draws']} draws of A "
        "(Student's t, log scale)"
    )
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "fontsize": 8, "frameon": False}
    figure.legend(unique.values(), unique.keys(), title=note, title_fontsize=8, **style)


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
