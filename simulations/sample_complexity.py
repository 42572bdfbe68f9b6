"""How many measurements does an error take: E_m over all m, between the two sides of the interlacing theorem.

The expected error E_m of the maximum-likelihood estimate is simulated for every m at once (one QR factorisation a draw of
A), on synthetic spectra and on those of real images, and compared with the interlacing theorem (its lower side is the
deterministic equivalent m kappa), T1 (both sides), T2 at its best rank, and exact values. The table reads off the
measurements needed for E_m <= eps * energy. The theorem says them from both sides, without simulation, and the two differ
by one at most: its upper side at m + 1 is below its lower side at m.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, entries, estimate, settings, spectrum_for

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

TARGETS = (0.5, 0.1, 0.01)
SPECTRA: dict[str, Callable[[], lf.Spectrum]] = {
    "flat": lambda: lf.Spectrum.flat(96),
    "power law 1": lambda: lf.Spectrum.power_law(96, 1.0),
    "power law 0.6": lambda: lf.Spectrum.power_law(96, 0.6),
    "exponential 0.25": lambda: lf.Spectrum.exponential(96, 0.25),
    "step at 24": lambda: lf.Spectrum.step(96, 24, 1e-2),
    "spiked": lambda: lf.Spectrum.spiked(96, (100.0, 30.0, 10.0, 3.0)),
    "digits 8x8": lambda: lf.Spectrum.from_data(lf.data.digits()),
    "patches 8x8": lambda: lf.Spectrum.from_data(lf.data.natural_patches(8)),
    "faces 12x12": lambda: lf.Spectrum.from_data(lf.data.faces(12)),
}


@cache
def spectrum_of(name: str) -> lf.Spectrum:
    """The spectrum of a case, fitted once in each process."""
    return SPECTRA[name]()


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Mean error curve of one block of draws."""
    seed = int(rng.integers(2**63))
    spectrum = spectrum_for(params, spectrum_of)
    curves = lf.risk.simulate(spectrum, trials=params["draws"], seed=seed, workers=1)
    return {"error": curves.mean(axis=0), "singular_values": spectrum.singular_values}


EXPERIMENT = Experiment(
    name="sample-complexity",
    title="Measurements needed for a relative error, simulated and predicted",
    cell=cell,
    grid={"spectrum": tuple(SPECTRA)},
    blocks=40,
    settings={"draws": 500},
    variables={
        "error": Variable("mean squared error of the MLE, mean over the block's draws of A", "[x]^2", ("m",)),
        "singular_values": Variable("singular values of the flow", "[x]", ("index",), once=True),
    },
    quick={"blocks": 10, "draws": 60},
    cost=lambda params: float(spectrum_for(params, spectrum_of).n),
    spectra=lambda given: {"spectrum": given},
)


def measurements_needed(values: Any, target: float) -> int:
    """The smallest m at which ``values[m] <= target``; m = n always does, since E_n = 0."""
    reached = np.flatnonzero(np.asarray(values) <= target)
    return int(reached[0]) if reached.size else len(values) - 1


def stored_spectrum(dataset: xr.Dataset, name: str) -> lf.Spectrum:
    """The spectrum that the cells had."""
    return lf.Spectrum.from_values(entries(dataset["singular_values"].sel(spectrum=name)), name=name)


def curves_of(dataset: xr.Dataset, name: str) -> dict[str, Any]:
    """Simulation and theory of one spectrum over m = 0..n, in units of its energy."""
    spectrum = stored_spectrum(dataset, name)
    m = np.arange(spectrum.n + 1)
    simulated = estimate(dataset["error"].sel(spectrum=name), positive=True)
    curves = {key: simulated[key].values[m] for key in ("mean", "low", "high")}
    least, most = lf.risk.interlacing(spectrum, m)
    curves |= {
        "T1 lower": lf.risk.theorem_lower(spectrum, m),
        "T1 upper": lf.risk.theorem_upper(spectrum, m),
        "T2": lf.risk.best_upper(spectrum, m),
        "equivalent": least,  # which is the lower side of the theorem
        "interlacing": most,
    }
    return {key: values / spectrum.energy for key, values in curves.items()}


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """Measurements needed for E_m <= eps * energy."""
    rows: list[dict[str, object]] = []
    for name in dataset["spectrum"].values.tolist():
        curves = curves_of(dataset, name)
        for eps in TARGETS:
            needed = {key: measurements_needed(values, eps) for key, values in curves.items()}
            rows.append(
                {
                    "spectrum": name,
                    "n": len(curves["mean"]) - 1,
                    "eps": eps,
                    "m simulated": needed["mean"],
                    "95 %": f"{needed['low']} .. {needed['high']}",
                    "m proved": _range(needed["equivalent"], needed["interlacing"]),
                    "m by equivalent": needed["equivalent"],
                    "m by T2": needed["T2"],
                    "m by T1": needed["T1 upper"],
                    "m at least (T1 lower)": needed["T1 lower"],
                }
            )
    return rows


def _range(least: int, most: int) -> str:
    return f"{least} .. {most}" if least < most else f"{least}"


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    rows: list[Any] = table(dataset)
    misses = [abs(row["m by equivalent"] - row["m simulated"]) for row in rows]
    exceeded = [row["m by T2"] / row["m simulated"] for row in rows if row["m simulated"] > 0]
    outside, beyond, worst, place = 0, 0, 0.0, ("", 0)
    proved, single, wide = 0, 0, 0
    for name in dataset["spectrum"].values.tolist():
        curves = curves_of(dataset, name)
        inner = slice(1, -1)
        bound = np.minimum(curves["T1 upper"], curves["T2"])
        # A mean that errs by rounding alone (flat spectra have no spread) contradicts nothing.
        outside += int(np.sum((curves["low"] > bound * (1 + 1e-9))[inner]))
        outside += int(np.sum((curves["high"] < curves["T1 lower"] * (1 - 1e-9))[inner]))
        beyond += int(np.sum((curves["low"] > curves["interlacing"] * (1 + 1e-9))[inner]))
        beyond += int(np.sum((curves["high"] < curves["equivalent"] * (1 - 1e-9))[inner]))
        for eps in TARGETS:
            least, most = (measurements_needed(curves[key], eps) for key in ("equivalent", "interlacing"))
            wide, single = max(wide, most - least), single + (most == least)
            proved += least <= measurements_needed(curves["mean"], eps) <= most
        gap = np.abs(np.log(curves["mean"][inner] / curves["equivalent"][inner]))
        if gap.max() > worst:
            worst, place = float(gap.max()), (name, int(gap.argmax()) + 1)
    draws = dataset.sizes["block"] * settings(dataset)["draws"]
    verdict = (
        "No interval of the simulation lies outside T1 or above T2 at any m"
        if outside == 0
        else f"{outside} intervals of the simulation lie outside T1 or above T2 (an interval misses 5 times in 100)"
    )
    return (
        f"{verdict} ({draws} draws a spectrum); outside the interlacing theorem: {beyond} (where the truth "
        f"touches a side, an interval misses it now and then). Its two sides leave at most {wide + 1} values for the "
        f"measurements needed, and a single one in {single} of {len(rows)} cases; the simulated mean agrees in {proved}. "
        "For the measurements needed to reach a relative error of "
        f"{', '.join(f'{eps:g}' for eps in TARGETS)}, the deterministic equivalent is off by at most {max(misses)} and by "
        f"{np.mean(misses):.2g} on average over {len(rows)} cases; T2 asks for {min(exceeded):.2f} to {max(exceeded):.2f} "
        f"times as many as are needed (median {np.median(exceeded):.2f}). The equivalent is furthest from the simulated "
        f"mean at m = {place[1]} of {place[0]}, by a factor of {np.exp(worst):.2f}."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Small multiples, one panel a spectrum: the error with every bound, and its ratio to the equivalent."""
    return {"": _error_figure(dataset), "ratio": _ratio_figure(dataset)}


def _error_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.ticker import LogLocator, NullLocator

    styles: dict[str, dict[str, Any]] = {
        "T1 upper": {"color": OKABE_ITO["vermillion"], "linestyle": "--", "label": "T1, upper side: m tail(m - 2)"},
        "T2": {"color": OKABE_ITO["purple"], "linestyle": (0, (6, 1.5, 1, 1.5)), "label": "T2 at its best rank"},
        "interlacing": {"color": OKABE_ITO["orange"], "linestyle": "-", "label": "interlacing theorem, upper side"},
        "equivalent": {
            "color": OKABE_ITO["black"],
            "linestyle": (0, (1, 1.4)),
            "label": "its lower side: the equivalent $m\\,\\kappa_m$",
        },
        "T1 lower": {"color": OKABE_ITO["green"], "linestyle": (0, (4, 1.5)), "label": "T1, lower side: tail(m)"},
    }
    figure, panels = _panels(dataset, "error $E_m$ / energy")
    for name, panel in panels.items():
        curves, spectrum = curves_of(dataset, name), stored_spectrum(dataset, name)
        n = spectrum.n
        m = np.arange(n)  # E_n = 0 has no place on a logarithmic axis
        _draw_mean(panel, m, curves["mean"][m], curves["low"][m], curves["high"][m])
        for key, style in styles.items():
            panel.plot(m, curves[key][m], linewidth=1.4, **style)
        _draw_exact(panel, *known(spectrum))
        panel.set(yscale="log", xlim=(0, n), ylim=(float(curves["T1 lower"][n - 1]) / 3, 30.0))
        panel.yaxis.set_major_locator(LogLocator(numticks=6))
        panel.yaxis.set_minor_locator(NullLocator())
    _add_legend(figure, panels, dataset)
    return figure


def _ratio_figure(dataset: xr.Dataset) -> Figure:
    figure, panels = _panels(dataset, "$E_m$ / deterministic equivalent")
    for name, panel in panels.items():
        curves, spectrum = curves_of(dataset, name), stored_spectrum(dataset, name)
        n = spectrum.n
        m = np.arange(1, n)
        mean, low, high, most = (curves[key][m] / curves["equivalent"][m] for key in ("mean", "low", "high", "interlacing"))
        _draw_mean(panel, m, mean, low, high)
        style: dict[str, Any] = {"linewidth": 1.4, "color": OKABE_ITO["black"], "linestyle": (0, (1, 1.4))}
        panel.axhline(1.0, label="lower side: the equivalent $m\\,\\kappa_m$", **style)
        panel.plot(m, most, color=OKABE_ITO["orange"], linewidth=1.4, label="interlacing theorem, upper side")
        counts, exact = known(spectrum)
        ratios = exact / curves["equivalent"][counts]
        _draw_exact(panel, counts, ratios)
        # The band may be as wide as it likes: the mean and the exact values set the scale.
        values = np.append(mean, ratios)
        room = max(0.1 * float(np.ptp(values)), 0.02)
        panel.set(xlim=(0, n), ylim=(min(float(values.min()), 1.0) - room, max(float(values.max()), 1.0) + room))
    _add_legend(figure, panels, dataset)
    return figure


def _panels(dataset: xr.Dataset, label: str) -> tuple[Figure, dict[str, Any]]:
    """An empty figure with one panel a spectrum."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    names = dataset["spectrum"].values.tolist()
    columns = min(3, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(3.3 * columns, 2.5 * lines + 1.0), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for index, panel in enumerate(grid.flat):
        if index >= len(names):
            panel.set_visible(False)
            continue
        panel.set_title(f"{names[index]}, n = {stored_spectrum(dataset, names[index]).n}", fontsize=9)
        panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        panel.tick_params(labelsize=8)
        panel.grid(visible=True, color="0.9", linewidth=0.6)
        if index + columns >= len(names):
            panel.set_xlabel("measurements $m$", fontsize=9)
        if index % columns == 0:
            panel.set_ylabel(label, fontsize=9)
    return figure, dict(zip(names, grid.flat, strict=False))


def _draw_mean(panel: Any, m: Any, mean: Any, low: Any, high: Any) -> None:
    panel.plot(m, mean, color=OKABE_ITO["sky"], linewidth=3.0, label="simulated mean")
    panel.fill_between(m, low, high, color=OKABE_ITO["sky"], alpha=0.4, linewidth=0, label="95 % band of the mean")


@cache
def known(spectrum: lf.Spectrum) -> tuple[Any, Any]:
    """Some m spread over 1..n-1, and the exact E_m / energy there, as far as it is known."""
    spread = np.unique(np.linspace(1, spectrum.n - 1, 9).round().astype(int))
    counts = np.array([m for m in spread.tolist() if m and lf.risk.has_exact(spectrum, m)], dtype=int)
    return counts, lf.risk.exact(spectrum, counts) / spectrum.energy


def _draw_exact(panel: Any, counts: Any, values: Any) -> None:
    style = {"color": OKABE_ITO["black"], "markerfacecolor": "none", "clip_on": False, "zorder": 5}
    panel.plot(counts, values, "D", markersize=4.5, label="exact", **style)


def _add_legend(figure: Figure, panels: dict[str, Any], dataset: xr.Dataset) -> None:
    handles, labels = next(iter(panels.values())).get_legend_handles_labels()
    blocks = dataset.sizes["block"]
    note = f"band from {blocks} blocks of {settings(dataset)['draws']} draws of A each (Student's t on the log scale)"
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": 4, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **style)


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
