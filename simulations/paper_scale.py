"""The size of the paper's experiments, n = 12288 (64 x 64 x 3) and m up to 5000: predicted at once, simulated in minutes.

Slides 13 and 17. The spectrum is a power law with the decay of natural images (fitted to patches of photographs), or is
that of a folder of images (``--data FOLDER``). One QR factorisation a draw of A gives the error for every m at once.

Theory: T1 lower side (for each draw), T2 at its best rank, the deterministic equivalent m kappa. Cost of a draw: about 4 n
m_max^2 flops for the factorisation (1.2e12) and as many again for the remainder, and 1.6 GB of memory, so two workers
fit easily into 24 GiB. Sources: Asim et al. (ICML 2020); Halko, Martinsson & Tropp (2011); THEORY.md sections 2, 4 and 5.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, entries, estimate, folder_images, settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

SHOWN = (0.01, 0.1, 0.2, 0.5, 1.0)


@cache
def decay() -> float:
    """Exponent a of sigma_i ~ i^-a in 16 x 16 patches of photographs: a line through the logarithms, i = 2..128."""
    sigma = lf.Spectrum.from_data(lf.data.natural_patches(16, count=4000)).singular_values
    i = np.arange(2, 129)
    return float(-np.polyfit(np.log(i), np.log(sigma[i - 1]), 1)[0])


@cache
def spectrum_of(n: int, folder: str) -> lf.Spectrum:
    """The spectrum of the run; from a folder, of colour images of at most n values."""
    if folder:
        side = math.isqrt(n // 3)
        return lf.Spectrum.from_data(folder_images(folder, size=side, grey=False), name=folder)
    return lf.Spectrum.power_law(n, decay())


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """The error curve of one draw of A."""
    spectrum = spectrum_of(params["n"], params["data"])
    m_max = min(params["m_max"], spectrum.n)
    seed = int(rng.integers(2**63))
    error = lf.risk.simulate(spectrum, trials=1, seed=seed, m_max=m_max, workers=1)[0]
    return {"error": error, "singular_values": spectrum.singular_values}


def one_folder(data: str, ood: str) -> dict[str, str]:
    """The setting that ``--data`` stands for."""
    if ood:
        raise lf.InputError("paper-scale takes one folder of images, --data; it has no use for --ood")
    return {"data": data}


EXPERIMENT = Experiment(
    name="paper-scale",
    title="Compressed sensing at the paper's size: prediction and simulation",
    cell=cell,
    grid={"n": (12288,)},
    blocks=8,
    settings={"m_max": 5000, "data": ""},
    variables={
        "error": Variable("squared error of the MLE for one draw of A, averaged over signals", "[x]^2", ("m",)),
        "singular_values": Variable("singular values of the flow", "[x]", ("index",), once=True),
    },
    quick={"n": (1536,), "m_max": 600},
    folders=one_folder,
)


def curves_of(dataset: xr.Dataset) -> dict[str, Any]:
    """Simulation and theory for m = 1..m_max in units of the energy."""
    spectrum = lf.Spectrum.from_values(entries(dataset["singular_values"].isel(n=0)))
    error = dataset["error"].isel(n=0, m=slice(1, None))
    m = dataset["m"].values[1:]
    m, error = m[m < spectrum.n], error.isel(m=slice(0, int(np.sum(m < spectrum.n))))
    least, most = lf.risk.interlacing(spectrum, m)
    theory = {
        "equivalent": least,
        "interlacing": most,
        "T1 lower": lf.risk.theorem_lower(spectrum, m),
        "T2": lf.risk.best_upper(spectrum, m),
    }
    found = estimate(error, positive=True)
    curves = {key: found[key].values for key in ("mean", "low", "high")} | theory
    curves = {key: values / spectrum.energy for key, values in curves.items()}
    curves["smallest"] = error.min("block").values / spectrum.energy
    curves["s.e."] = error.std("block", ddof=1).values / math.sqrt(dataset.sizes["block"]) / spectrum.energy
    return curves | {"m": m, "n": spectrum.n, "name": _name(dataset, spectrum)}


def _name(dataset: xr.Dataset, spectrum: lf.Spectrum) -> str:
    """The folder, or the power law with its exponent, which is that of the ratio of the first two values."""
    first, second = spectrum.singular_values[:2]
    return str(settings(dataset)["data"]) or f"power law {np.log2(first / second):g}"


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """Relative error at some m; ± is one standard error over draws."""
    curves = curves_of(dataset)
    rows: list[dict[str, object]] = []
    for share in SHOWN:
        i = max(round(share * len(curves["m"])) - 1, 0)
        mean, predicted = curves["mean"][i], curves["equivalent"][i]
        rows.append(
            {
                "n": curves["n"],
                "m": int(curves["m"][i]),
                "E_m / energy": f"{mean:.6f} ± {curves['s.e.'][i]:.6f}",
                "equivalent": f"{predicted:.6f}",
                "simulated / equivalent (95 %)": (
                    f"{mean / predicted:.5f} ({curves['low'][i] / predicted:.5f} .. {curves['high'][i] / predicted:.5f})"
                ),
                "proved (interlacing)": f"{predicted:.6f} .. {curves['interlacing'][i]:.6f}",
                "T1 lower": f"{curves['T1 lower'][i]:.6f}",
                "T2": f"{curves['T2'][i]:.6f}",
            }
        )
    return rows


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    curves = curves_of(dataset)
    gap = np.abs(curves["mean"] / curves["equivalent"] - 1)
    below = int(np.sum(curves["smallest"] < curves["T1 lower"] * (1 - 1e-9)))
    above = int(np.sum(curves["low"] > curves["T2"]))
    inside = np.mean((curves["low"] <= curves["equivalent"]) & (curves["equivalent"] <= curves["high"]))
    outside = int(np.sum((curves["low"] > curves["interlacing"]) | (curves["high"] < curves["equivalent"])))
    width = np.median(curves["interlacing"] / curves["equivalent"] - 1)
    m, draws = curves["m"], dataset.sizes["block"]
    return (
        f"For n = {curves['n']} ({curves['name']}), at all m = 1..{m[-1]}: "
        f"the mean of {draws} simulated draws differs from the deterministic equivalent by at most {100 * gap.max():.2g} % "
        f"(at m = {m[gap.argmax()]}; median over m {100 * np.median(gap):.2g} %), and its 95 % interval holds the "
        f"equivalent at {100 * inside:.0f} % of all m (neighbouring m share draws). A draw falls below T1's lower side in "
        f"{below} and the interval lies above T2 in {above} of {len(gap)} places. The two sides of the interlacing "
        f"theorem, of which the equivalent is the lower, are {100 * width:.2g} % apart in the median over m; the interval "
        f"lies outside of them in {outside} places."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """The error over m with the bounds, and its ratio to the prediction."""
    from matplotlib.figure import Figure

    curves = curves_of(dataset)
    m = curves["m"]
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    styles: dict[str, dict[str, Any]] = {
        "T2": {"color": OKABE_ITO["purple"], "linestyle": (0, (6, 1.5, 1, 1.5)), "label": "T2 at its best rank"},
        "interlacing": {"color": OKABE_ITO["orange"], "linestyle": "-", "label": "interlacing theorem, upper side"},
        "equivalent": {
            "color": OKABE_ITO["black"],
            "linestyle": (0, (1, 1.4)),
            "label": "its lower side: the deterministic equivalent",
        },
        "T1 lower": {"color": OKABE_ITO["green"], "linestyle": (0, (4, 1.5)), "label": "T1, lower side: tail(m)"},
    }
    for panel, scale in ((left, 1.0), (right, curves["equivalent"])):
        mean, low, high = (curves[key] / scale for key in ("mean", "low", "high"))
        panel.plot(m, mean, color=OKABE_ITO["sky"], linewidth=2.6, label="simulated mean")
        panel.fill_between(m, low, high, color=OKABE_ITO["sky"], alpha=0.4, linewidth=0, label="95 % band of the mean")
        for key, style in styles.items():
            if panel is left or key in ("equivalent", "interlacing"):
                panel.plot(m, curves[key] / scale, linewidth=1.5, **style)
        panel.set_xlabel("measurements $m$")
        panel.grid(visible=True, color="0.9", linewidth=0.6)
        panel.set_xlim(0, m[-1])
    left.set(yscale="log", ylabel="error $E_m$ / energy", title="Error of the most likely signal")
    left.set_ylim(float(curves["T1 lower"].min()) / 1.3, min(2.0, float(curves["T2"].max()) * 1.1))
    right.set(ylabel="$E_m$ / deterministic equivalent", title="Simulation over prediction")
    right.ticklabel_format(axis="y", useOffset=False)
    figure.suptitle(
        f"n = {curves['n']}, {curves['name']}, {dataset.sizes['block']} draws of A (band: Student's t)", fontsize=11
    )
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return {"": figure}


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
