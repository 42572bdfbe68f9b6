r"""Latent against signal log-likelihood: for a linear flow the two differ by log|det G|, for every signal.

Slides 20-21 (and the z-space proxy of slide 10). T10: ``log p_X(x) = log p_Z(z) - log|det G|`` with x = mean + G z, so the
points (log p_Z, log p_X) of samples, of perturbed samples and of other data lie on one line of slope 1, and ranking signals
by either likelihood is the same. What differs is where on the line they lie: the mean latent log-likelihood of any signals
is exactly ``-n/2 log(2 pi) - 1/2 sum_i t_i/l_i``, t_i their mean squares along the model's eigenvectors.

The signal log-likelihood is computed by Cholesky factorisation of the covariance, without `LinearFlow`'s factors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, estimate, settings
from linflow.experiments.given import GIVEN

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
SAMPLES, NEAR, FAR, HELD_OUT, OTHER, SMOOTH = (
    "samples of the flow",
    "perturbed by 0.1",
    "perturbed by 0.3",
    "held-out data",
    "other data",
    "the mean, perturbed by 0.1",
)
GROUPS = (SAMPLES, NEAR, FAR, HELD_OUT, OTHER, SMOOTH)
#: Those that need no images.
DRAWN = (SAMPLES, NEAR, FAR, SMOOTH)
#: name -> (data that the flow is fitted to, the other data).
CASES: dict[str, tuple[Callable[[], Array], Callable[[], Array]]] = {
    "digits 8x8": (lf.data.digits, lambda: lf.data.natural_patches(8)),
    "patches 8x8": (lambda: lf.data.natural_patches(8), lf.data.digits),
    "faces 8x8": (lambda: lf.data.faces(8), lambda: lf.data.non_faces(8)),
}
OTHERS = {"digits 8x8": "patches", "patches 8x8": "digits", "faces 8x8": "non-faces"}


@cache
def case_of(name: str) -> tuple[lf.LinearFlow, Array, Array]:
    """The flow fitted to one half of the data, the other half, and the other data; the same in every process."""
    fitted, other = np.asarray(CASES[name][0]()), np.asarray(CASES[name][1]())
    rng = np.random.default_rng(0)
    fitted = fitted[rng.permutation(len(fitted))]
    half = len(fitted) // 2
    return lf.LinearFlow.fit(fitted[:half], name=name), fitted[half:], other


def signals_of(params: dict[str, Any]) -> tuple[lf.LinearFlow, Array | None]:
    """The flow of a cell, and the images of its group; None where they are drawn. A spectrum from outside has no images."""
    name, group = params["spectrum"], params["group"]
    given = params.get(GIVEN, {}).get(name)
    if given is not None:
        return lf.LinearFlow.from_spectrum(given), None
    flow, held_out, other = case_of(name)
    return flow, {HELD_OUT: held_out, OTHER: other}.get(group)


def noise_of(flow: lf.LinearFlow, level: float) -> float:
    """Standard deviation of white perturbations: `level` times the root mean square of the smallest half of sigma_i."""
    return float(level * np.sqrt(np.mean(flow.spectrum.variances[flow.n // 2 :])))


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Both log-likelihoods of some signals of one group."""
    flow, images = signals_of(params)
    size, group = params["signals"], params["group"]
    if images is not None:
        x = images[rng.integers(len(images), size=size)]
    else:
        x = np.tile(flow.mean, (size, 1)) if group == SMOOTH else flow.sample(size, rng)
    level = {NEAR: 0.1, FAR: 0.3, SMOOTH: 0.1}.get(group, 0.0)
    x = x + noise_of(flow, level) * rng.standard_normal(x.shape)
    z = flow.inverse(x)
    latent = -0.5 * np.sum(z**2, axis=1) - 0.5 * flow.n * np.log(2 * np.pi)
    return {
        "latent": latent,
        "signal": _log_density(flow.covariance, x - flow.mean),
        "log_det": flow.log_det,
        "peak": -0.5 * flow.n * np.log(2 * np.pi),
        "expected": expected_of(flow, images, group),
    }


def _log_density(covariance: Array, centred: Array) -> Array:
    """Log density of N(0, covariance) by Cholesky factorisation."""
    factor = scipy.linalg.cholesky(covariance, lower=True)
    white = scipy.linalg.solve_triangular(factor, centred.T, lower=True)
    log_det = 2 * np.log(np.diagonal(factor)).sum()
    density: Array = -0.5 * (np.sum(white**2, axis=0) + len(factor) * np.log(2 * np.pi) + log_det)
    return density


EXPERIMENT = Experiment(
    name="likelihood-proxy",
    title="Latent log-likelihood as a proxy for signal log-likelihood",
    cell=cell,
    grid={"spectrum": tuple(CASES), "group": GROUPS},
    blocks=16,
    settings={"signals": 200},
    variables={
        "latent": Variable("log p_Z(z) of each signal", "nat", ("sample",)),
        "signal": Variable("log p_X(x) of the same signals, by Cholesky factorisation", "nat, x in [x]^n", ("sample",)),
        "log_det": Variable("log|det G|", "nat, x in [x]^n", once=True),
        "peak": Variable("log p_Z(0)", "nat", once=True),
        "expected": Variable("exact mean of log p_Z(z) in the group", "nat", once=True),
    },
    quick={"blocks": 8, "signals": 60},
    spectra=lambda given: {"spectrum": given, "group": DRAWN},
)


def expected_latent(name: str, group: str) -> float:
    """Exact mean of the latent log-likelihood in a group of a case."""
    return expected_of(*signals_of({"spectrum": name, "group": group}), group)


def expected_of(flow: lf.LinearFlow, images: Array | None, group: str) -> float:
    """Exact mean of the latent log-likelihood in a group: of these images, or of what is drawn."""
    directions = np.eye(flow.n) if flow.basis is None else flow.basis
    levels = {NEAR: 0.1, FAR: 0.3, SMOOTH: 0.1}
    t = np.zeros(flow.n)
    if images is not None:
        t = np.mean(((images - flow.mean) @ directions) ** 2, axis=0)
    elif group != SMOOTH:
        t = flow.spectrum.variances
    t = t + noise_of(flow, levels.get(group, 0.0)) ** 2
    return float(-0.5 * flow.n * np.log(2 * np.pi) - 0.5 * np.sum(t / flow.spectrum.variances))


def _label(name: str, group: str) -> str:
    return {HELD_OUT: f"held-out {name.split()[0]}", OTHER: OTHERS.get(name, OTHER)}.get(group, group)


def _detection(part: Any, group: str) -> float:
    """Chance that a signal of `group` has a lower likelihood than a sample of the flow."""
    samples = np.sort(part["latent"].sel(group=SAMPLES).values.ravel())
    values = part["latent"].sel(group=group).values.ravel()
    return float(1 - np.mean(np.searchsorted(samples, values[np.isfinite(values)]) / len(samples)))


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """The line, and where on it each group lies."""
    rows: list[dict[str, object]] = []
    for name in dataset["spectrum"].values.tolist():
        part = dataset.sel(spectrum=name)
        for group in dataset["group"].values.tolist():
            own = part.sel(group=group)
            latent, signal, log_det = own["latent"], own["signal"], float(own["log_det"])
            mean = estimate(latent.mean("sample"))
            slope, _ = np.polyfit(latent.values.ravel(), signal.values.ravel(), 1)
            rows.append(
                {
                    "flow": name,
                    "signals": _label(name, group),
                    "slope": float(slope),
                    "-log|det G|": -log_det,
                    "largest distance from the line": float(np.abs(signal - latent + log_det).max()),
                    "mean log p_Z (95 %)": f"{mean['mean']:.5g} ({mean['low']:.5g} .. {mean['high']:.5g})",
                    "exact": float(own["expected"]),
                    "less likely than a sample": _detection(part, group),
                }
            )
    return rows


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    worst = inside = total = 0.0
    words = []
    for name in dataset["spectrum"].values.tolist():
        part = dataset.sel(spectrum=name)
        gap = np.abs(part["signal"] - part["latent"] + part["log_det"]) / np.abs(part["signal"]).clip(min=1.0)
        worst = max(worst, float(gap.max()))
        for group in dataset["group"].values.tolist():
            mean = estimate(part["latent"].sel(group=group).mean("sample"))
            inside += bool(mean["low"] <= part["expected"].sel(group=group) <= mean["high"])
            total += 1
        if OTHER in dataset["group"].values:
            words.append(f"{_label(name, OTHER)} under the flow of {name.split()[0]} {_detection(part, OTHER):.2f}")
    others = "the chance that an image of other data is less likely than a sample of the flow is "
    found = f"{others}{', '.join(words)}; and " if words else ""
    return (
        f"T10 holds for every signal, likely or not: the two log-likelihoods differ by log|det G| to {worst:.1e} of their "
        "size, so maximising one is maximising the other, and the scatter is a line of slope 1. The exact mean latent "
        f"log-likelihood lies inside the 95 % interval for {inside:.0f} of {total:.0f} groups. The likelihood says where "
        f"on the line signals lie, not whether they are of the data: {found}the mean image with a little noise is likelier "
        "than nearly every sample, though it is no image of the data at all. A nonlinear flow has its own determinant at "
        "each z, so there the line becomes a cloud."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """One panel a flow: every signal a point, the exact line through them; and the groups' distributions."""
    from matplotlib.figure import Figure

    names = dataset["spectrum"].values.tolist()
    figure = Figure(figsize=(max(3.4 * len(names), 7.4) + 1.0, 7.2), layout="constrained")
    figure.suptitle("Latent and signal log-likelihood of a linear flow: one line for all signals (T10)", fontsize=11)
    grid = figure.subplots(2, len(names), squeeze=False, height_ratios=[1.3, 1.0], sharex="col")
    colours = ("blue", "green", "orange", "black", "vermillion", "purple")
    styles = dict(zip(GROUPS, zip(colours, "os^xDv", strict=True), strict=True))
    order = [group for group in GROUPS if group in dataset["group"].values]
    for index, name in enumerate(names):
        part = dataset.sel(spectrum=name)
        peak, log_det = (float(part[key].max()) for key in ("peak", "log_det"))  # the same for all groups
        # Nats below the peak, on a logarithmic scale: other data lie thousands below, where samples lie n/2 +- sqrt(n/2).
        below = {"latent": peak - part["latent"], "signal": peak - log_det - part["signal"]}
        span = np.array([float(below["latent"].min()) / 2, float(below["latent"].max()) * 2])
        top, bottom = grid[0][index], grid[1][index]
        top.plot(span, span, color="0.35", linewidth=1.2, zorder=1, label=r"$\log p_X = \log p_Z - \log|\det G|$ (exact)")
        for row, group in enumerate(order):
            colour, marker = styles[group]
            latent, signal = (below[key].sel(group=group).values.ravel() for key in ("latent", "signal"))
            style: dict[str, Any] = {"color": OKABE_ITO[colour], "markersize": 4, "linestyle": "", "alpha": 0.8}
            top.plot(latent[:80], signal[:80], marker, markerfacecolor="none", label=group, **style)
            mean = estimate(below["latent"].sel(group=group).mean("sample"), positive=True)
            edges = np.nanquantile(latent, [0.05, 0.95])
            bottom.plot(edges, [-row, -row], color=OKABE_ITO[colour], linewidth=7, alpha=0.35, solid_capstyle="butt")
            bars = [[float(mean["mean"] - mean["low"])], [float(mean["high"] - mean["mean"])]]
            bottom.errorbar([float(mean["mean"])], [-row], xerr=bars, fmt=marker, capsize=3, color=OKABE_ITO[colour])
            exact = peak - float(part["expected"].sel(group=group))
            bottom.plot(exact, -row, "|", color="black", markersize=17, markeredgewidth=1.2)
        top.set(xscale="log", yscale="log", xlim=span[::-1], ylim=span[::-1])
        bottom.set(ylim=(-len(order) + 0.4, 0.6), yticks=[-row for row in range(len(order))])
        bottom.set_yticklabels(order if index == 0 else [], fontsize=8)
        bottom.set_xlabel(r"latent $\log p_Z(z)$: nats below its peak", fontsize=9)
        other = f", other data: {_label(name, OTHER)}" if OTHER in order else ""
        top.set_title(f"flow: {name}{other}\n$\\log|\\det G|$ = {log_det:.1f}", fontsize=9)
        top.set_ylabel(r"signal $\log p_X(x)$: nats below its peak" if index == 0 else "", fontsize=9)
        for panel in (top, bottom):
            panel.tick_params(labelsize=8)
            panel.grid(visible=True, color="0.9", linewidth=0.6)
    handles, labels = grid[0][0].get_legend_handles_labels()
    note = (
        "below: marker and thin bar, mean with its 95 % interval (Student's t on the log scale, "
        f"{dataset.sizes['block']} blocks of {settings(dataset)['signals']} signals);\n"
        "broad bar, 5 to 95 % of the signals; black stroke, exact mean. Perturbed: white noise, that many times the root "
        "mean square\nof the smaller half of the singular values. Likelier is to the right and up."
    )
    legend: dict[str, Any] = {"loc": "outside lower center", "ncols": 4, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **legend)
    return {"": figure}


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
