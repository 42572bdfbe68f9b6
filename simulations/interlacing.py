r"""The interlacing theorem beside the other bounds: how far each lies from the expected error E_m, on the same spectra.

For real Gaussian A and 1 <= m < n the theorem says ``m kappa_m <= E_m <= (n-m)/(n-m+1) (m-1) kappa_{m-1}``. Its lower side
is the deterministic equivalent of Derezinski, Liang, Liao & Mahoney (2020) for Gaussian sketches, which gives it as an
approximation with a relative error that vanishes as the stable rank grows. Beside it: Halko, Martinsson & Tropp (2011),
Theorem 10.5, at the best rank (T2), and both sides of Asim et al. (2020) (T1). E_m is exact where an exact value is known,
else the mean of simulated draws.
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

SPECTRA: dict[str, Callable[[], lf.Spectrum]] = {
    "digits 8x8": lambda: lf.Spectrum.from_data(lf.data.digits()),
    "faces 12x12": lambda: lf.Spectrum.from_data(lf.data.faces(12)),
    "exponential 0.25": lambda: lf.Spectrum.exponential(64, 0.25),
    "step at 16": lambda: lf.Spectrum.step(64, 16, 1e-2),
}
#: Share of n at which the table is read.
SHARES = (1 / 8, 1 / 4, 1 / 2, 3 / 4)
#: name -> (colour, dashes, label in the figure, column of the table), from above to below.
BOUNDS: dict[str, tuple[str, Any, str, str]] = {
    "T1 upper": ("vermillion", "--", "T1, upper", "T1, upper side (Asim et al. 2020)"),
    "T2": ("purple", (0, (6, 1.5, 1, 1.5)), "T2, best rank", "T2 (Halko et al. 2011, Thm 10.5), best rank"),
    "upper": ("orange", "-", "interlacing, upper", "interlacing, upper side"),
    "lower": ("blue", "-", "interlacing, lower", "interlacing, lower side (equivalent of Derezinski et al. 2020)"),
    "T1 lower": ("green", (0, (4, 1.5)), "T1, lower", "T1, lower side"),
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
    name="interlacing",
    title="The interlacing theorem beside other bounds on the expected error",
    cell=cell,
    grid={"spectrum": tuple(SPECTRA)},
    blocks=20,
    settings={"draws": 200},
    variables={
        "error": Variable("mean squared error of the MLE, mean over the block's draws of A", "[x]^2", ("m",)),
        "singular_values": Variable("singular values of the flow", "[x]", ("index",), once=True),
    },
    quick={"blocks": 10, "draws": 60},
    cost=lambda params: float(spectrum_for(params, spectrum_of).n),
    spectra=lambda given: {"spectrum": given},
)


def stored_spectrum(dataset: xr.Dataset, name: str) -> lf.Spectrum:
    """The spectrum that the cells had."""
    return lf.Spectrum.from_values(entries(dataset["singular_values"].sel(spectrum=name)), name=name)


def curves_of(dataset: xr.Dataset, name: str) -> dict[str, Any]:
    """E_m and every bound at m = 1..n-1, in units of the energy; "known" marks the m with an exact value."""
    spectrum = stored_spectrum(dataset, name)
    m = np.arange(1, spectrum.n)
    simulated = estimate(dataset["error"].sel(spectrum=name), positive=True)
    mean, low, high = (simulated[key].values[m].copy() for key in ("mean", "low", "high"))
    known = np.array([lf.risk.has_exact(spectrum, int(count)) for count in m])
    reference = mean.copy()
    reference[known] = lf.risk.exact(spectrum, m[known])
    least, most = lf.risk.interlacing(spectrum, m)
    curves = {
        "T1 upper": lf.risk.theorem_upper(spectrum, m),
        "T2": lf.risk.best_upper(spectrum, m),
        "upper": most,
        "lower": least,
        "T1 lower": lf.risk.theorem_lower(spectrum, m),
        "mean": mean,
        "low": low,
        "high": high,
        "E": reference,
    }
    return {key: values / spectrum.energy for key, values in curves.items()} | {"m": m, "known": known}


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """Each bound in units of E_m."""
    rows: list[dict[str, object]] = []
    for name in dataset["spectrum"].values.tolist():
        curves, n = curves_of(dataset, name), stored_spectrum(dataset, name).n
        for share in SHARES:
            i = round(share * n) - 1
            E = curves["E"][i]
            error = 0.5 * (curves["high"][i] - curves["low"][i]) / E
            shown = f"{E:.4g} (exact)" if curves["known"][i] else f"{E:.4g} ± {100 * error:.2g} %"
            ratios: dict[str, object] = {label: f"{curves[key][i] / E:.3f}" for key, (*_, label) in BOUNDS.items()}
            rows.append({"spectrum": name, "n": n, "m": i + 1, "E_m / energy": shown} | ratios)
    return rows


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    outside, places = 0, 0
    spans = {key: [np.inf, 0.0] for key in ("T2", "upper", "lower")}
    for name in dataset["spectrum"].values.tolist():
        curves = curves_of(dataset, name)
        edges = (curves["E"], curves["E"]) if curves["known"].all() else (curves["low"], curves["high"])
        outside += int(np.sum((edges[0] > curves["upper"] * (1 + 1e-9)) | (edges[1] < curves["lower"] * (1 - 1e-9))))
        places += len(curves["m"])
        for key, span in spans.items():
            ratio = curves[key] / curves["E"]
            span[:] = [min(span[0], float(ratio.min())), max(span[1], float(ratio.max()))]
    told = {key: f"{low:.3g} to {high:.3g}" for key, (low, high) in spans.items()}
    return (
        f"At {places} pairs of a spectrum and m the 95 % interval of E_m (or its exact value) lies outside the two sides "
        f"of the interlacing theorem {outside} times; where E_m touches a side, an interval misses it now and then. "
        f"In units of E_m the lower side is {told['lower']}, the upper side {told['upper']}, T2 at its best rank "
        f"{told['T2']}."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """One column a spectrum: the error with every bound; every bound in units of the error; the theorem's sides alone."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    names = dataset["spectrum"].values.tolist()
    figure = Figure(figsize=(2.6 * len(names) + 1.3, 7.6), layout="constrained")
    grid = figure.subplots(3, len(names), squeeze=False, height_ratios=(1.0, 1.0, 0.75))
    for column, name in enumerate(names):
        curves, n = curves_of(dataset, name), stored_spectrum(dataset, name).n
        m, (top, middle, bottom) = curves["m"], grid[:, column]
        top.plot(m, curves["mean"], color=OKABE_ITO["sky"], linewidth=5.0, alpha=0.7, solid_capstyle="butt")
        known = np.flatnonzero(curves["known"])
        few = known[np.unique(np.linspace(0, known.size - 1, 9).round().astype(int))] if known.size else known
        for panel in (top, bottom):
            panel.plot(
                m[few],
                (curves["E"] / (1.0 if panel is top else curves["E"]))[few],
                "D",
                color="black",
                markerfacecolor="white",
                markersize=4,
                zorder=5,
            )
        for key, (colour, dashes, _, _) in BOUNDS.items():
            style = {"color": OKABE_ITO[colour], "linestyle": dashes, "linewidth": 1.5}
            top.plot(m, curves[key], **style)
            middle.plot(m, curves[key] / curves["E"], **style)
            if key in ("lower", "upper"):
                bottom.plot(m, curves[key] / curves["E"], **style)
        middle.axhline(1.0, color="0.6", linewidth=0.8, zorder=0)
        uncertain = (np.where(curves["known"], 1.0, curves[key] / curves["E"]) for key in ("low", "high"))
        bottom.fill_between(m, *uncertain, color=OKABE_ITO["sky"], alpha=0.5, linewidth=0)
        # A narrow theorem shows its width; a wide one is cut where two sides lie a factor of 1.5 from the error.
        span = np.stack([curves["lower"], curves["upper"]]) / curves["E"]
        room = float(np.clip(1.15 * np.abs(span - 1.0).max(), 0.02, 0.5))
        bottom.set(ylim=(1.0 - room, 1.0 + room), xlabel="measurements $m$")
        top.set(title=f"{name}, $n$ = {n}", yscale="log", ylim=(1e-7, 40.0))
        middle.set(yscale="log", ylim=(0.08, 90.0))
        for panel in (top, middle):
            panel.yaxis.set_major_locator(LogLocator(numticks=7))
            panel.yaxis.set_minor_locator(NullLocator())
            if column:
                panel.tick_params(labelleft=False)
        for panel in (top, middle, bottom):
            panel.set_xlim(0, n)
            panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            panel.tick_params(labelsize=9)
            panel.grid(visible=True, color="0.92", linewidth=0.6)
    for panel, label in zip(grid[:, 0], ("$E_m$ / energy", "bound / $E_m$", "the two sides / $E_m$"), strict=True):
        panel.set_ylabel(label, fontsize=10)
    ends = {key: float(curves[key][-1]) for key in BOUNDS}
    both = ("interlacing, both sides", "blue")
    _label(grid[0, -1], [(*_name(key), ends[key]) for key in ("T1 upper", "T2")] + [(*both, ends["lower"])])
    _label(grid[1, -1], [(*_name(key), ends[key] / float(curves["E"][-1])) for key in BOUNDS])
    draws = dataset.sizes["block"] * settings(dataset)["draws"]
    figure.supxlabel(
        f"light blue: mean of {draws} simulated draws of A, below with its 95 % interval; diamonds: exact values",
        fontsize=9,
    )
    return {"": figure}


def _name(key: str) -> tuple[str, str]:
    colour, _, label, _ = BOUNDS[key]
    return label, colour


def _label(panel: Any, lines: list[tuple[str, str, float]]) -> None:
    """Names beside the ends of lines, which are given from above to below; moved apart where they would touch."""
    low, high = np.log(panel.get_ylim())
    ends = [float(np.clip((np.log(end) - low) / (high - low), 0.0, 1.0)) for _, _, end in lines]
    below = 1.1
    for (label, colour, _), end in zip(lines, ends, strict=True):
        below = min(end, below - 0.09)
        panel.annotate(
            label,
            (1.0, end),
            (1.08, below),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=OKABE_ITO[colour],
            fontsize=9,
            va="center",
            arrowprops={"arrowstyle": "-", "color": OKABE_ITO[colour], "linewidth": 0.7, "relpos": (0.0, 0.5)},
            annotation_clip=False,
        )


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
