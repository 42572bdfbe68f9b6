r"""Latent against signal log-likelihood of a deep flow, and how far the signal moves when the latent does.

Slides 20-21 say that likely latents are likely images: ``log p_X(x) = log p_Z(z) - log|det J(z)|``. For a linear flow the
last term is a constant, and the two rank all signals alike (T10); a deep flow has its own determinant at each z. So: rank
correlations within and across groups of signals, with the flow's linear part beside it as the control where they are 1.

Then ``|G(z + d) - G(z)|`` against ``|d|``: towards the latents of other images (natural directions), in isotropic
directions, and in directions with non-negative coordinates, which the published figure calls random. To first order the
mean square in isotropic directions is ``|d|^2 |J|_F^2 / n``, exactly so for a linear flow; non-negative directions all lie
within a cone about (1, ..., 1)/sqrt(n), and what they show depends on the basis of the latent.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, estimate, folder_images, settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from linflow.experiments import Outside

Array = NDArray[np.float64]
DIGITS = "digits"
DEEP, LINEAR = "deep flow", "linear part"
SAMPLES, HELD_OUT, NEAR, FAR, OTHER = (
    "samples of the flow",
    "held-out images",
    "held-out, noise 0.05",
    "held-out, noise 0.1",
    "other images",
)
GROUPS = (SAMPLES, HELD_OUT, NEAR, FAR, OTHER)
NOISE = {NEAR: 0.05, FAR: 0.1}
NATURAL, ISOTROPIC, PUBLISHED = "natural", "isotropic", "non-negative"
DIRECTIONS = (NATURAL, ISOTROPIC, PUBLISHED)
HELD_OUT_PART = 0.2


@dataclass(frozen=True)
class Model:
    """A trained flow, its held-out images, other images, and the step between two grey levels."""

    flow: Any
    held_out: Array
    other: Array
    unit: float

    def normalise(self, model: str, x: Array) -> tuple[Array, Array]:
        """Latents and log-densities of the signals under the deep flow or its linear part."""
        if model == LINEAR:
            linear = self.flow.linear
            return linear.inverse(x), linear.log_prob(x)
        z, log_det = self.flow.normalise(x)
        return z.numpy(), (log_det - 0.5 * (z**2).sum(1) - 0.5 * self.flow.n * np.log(2 * np.pi)).numpy()

    def generate(self, model: str, z: Array) -> Array:
        """Signals of the latents."""
        x: Array = self.flow.linear.forward(z) if model == LINEAR else self.flow.forward(z).numpy()
        return x


@cache
def model_of(case: str, steps: int, size: int, given: Outside | None = None) -> Model:
    """The flow of a case, `given` or trained once (and kept in linflow's cache); the same in every process."""
    from linflow import deep

    images, other = images_of(case, size)
    order = np.random.default_rng(0).permutation(len(images))
    held_out = max(2, round(HELD_OUT_PART * len(images)))
    fitted = images[order[held_out:]].reshape(-1, size, size, 1)
    change = "jitter" if case == DIGITS else "shifts"
    if given is None:
        flow: Any = deep.trained("realnvp" if size <= 8 else "glow", fitted, steps=steps, augment=change)
    else:
        flow = copy.deepcopy(outside(given, {"case": case, "size": size}))
    return Model(
        flow.double().requires_grad_(False), images[order[:held_out]], other, 1 / 16 if case == DIGITS else 1 / 255
    )


def outside(given: Outside, params: Mapping[str, Any]) -> Any:
    """The flow in the place of the trained one."""
    from linflow.deep.outside import whole

    return whole(given, 64 if params["case"] == DIGITS else params["size"] ** 2)


def images_of(case: str, size: int) -> tuple[Array, Array]:
    """Images and the other ones: digits and patches of photographs, or "FOLDER / OTHER FOLDER", grey."""
    if case == DIGITS:
        return lf.data.digits(), lf.data.natural_patches(8)
    folder, _, ood = case.partition(" / ")
    other = folder_images(ood, size=size) if ood else photographs(size)
    return folder_images(folder, size=size), other


def photographs(size: int) -> Array:
    """Patches of scikit-image's photographs, where no other folder is given."""
    return lf.data.natural_patches(size)


def directions(kind: str, z: Array, others: Array, rng: np.random.Generator) -> Array:
    """Unit vectors, one for each row of `z`: towards rows of `others`, isotropic, or with coordinates uniform in [0, 1)."""
    normal = kind == ISOTROPIC
    drawn: Array = rng.standard_normal(z.shape) if normal else rng.random(z.shape)
    steps = others - z if kind == NATURAL else drawn
    unit: Array = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    return unit


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Both log-likelihoods of signals of each group, and the moves of held-out images."""
    from linflow.deep.deterministic import thread_count
    from linflow.deep.jacobian import jacobian

    with thread_count(1):
        case = model_of(params["case"], params["training"], params["size"], params["given_flow"])
        model, size = params["model"], params["signals"]
        n = case.flow.n
        latent, signal = np.empty((2, len(params["group"]), size))
        for i, group in enumerate(params["group"]):
            z, signal[i] = case.normalise(model, _signals(case, model, group, size, rng))
            latent[i] = -0.5 * np.sum(z**2, axis=1) - 0.5 * n * np.log(2 * np.pi)
        # Pairs of different held-out images, with the noise that the density was trained on.
        pairs = min(size, len(case.held_out) // 2)
        images = case.held_out[rng.permutation(len(case.held_out))[: 2 * pairs]]
        z = case.normalise(model, images + case.unit * (rng.random(images.shape) - 0.5))[0]
        z, others = z[:pairs], z[pairs:]
        x, (_, density) = case.generate(model, z), case.normalise(model, case.generate(model, z))
        moved, loss = np.empty((2, len(params["direction"]), len(params["distance"])))
        for i, kind in enumerate(params["direction"]):
            unit = directions(kind, z, others, rng)
            for j, distance in enumerate(params["distance"]):
                there = case.generate(model, z + distance * unit)
                moved[i, j] = np.mean(np.sum((there - x) ** 2, axis=1))
                loss[i, j] = np.mean(density - case.normalise(model, there)[1])
        if model == LINEAR:
            energy = case.flow.linear.spectrum.energy
        else:
            energy = np.mean(np.sum(jacobian(case.flow, z[: params["jacobians"]]) ** 2, axis=(1, 2)))
    return {
        "latent": latent,
        "signal": signal,
        "moved": moved,
        "loss": loss,
        "energy": energy / n,
        "apart": np.mean(np.linalg.norm(others - z, axis=1)),
    }


def _signals(case: Model, model: str, group: str, size: int, rng: np.random.Generator) -> Array:
    if group == SAMPLES:
        return case.generate(model, rng.standard_normal((size, case.flow.n)))
    images = case.other if group == OTHER else case.held_out
    x = images[rng.integers(len(images), size=size)]
    # The density is of images with the rounding of their grey levels undone by uniform noise.
    x = x + case.unit * (rng.random(x.shape) - 0.5)
    noisy: Array = x + NOISE.get(group, 0.0) * rng.standard_normal(x.shape)
    return noisy


EXPERIMENT = Experiment(
    name="deep-likelihood-proxy",
    title="Latent log-likelihood of a deep flow as a proxy for signal log-likelihood",
    cell=cell,
    grid={"case": (DIGITS,), "model": (DEEP, LINEAR)},
    blocks=16,
    inner={"group": GROUPS, "direction": DIRECTIONS, "distance": (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)},
    settings={"signals": 150, "jacobians": 16, "training": 2000, "size": 8},
    variables={
        "latent": Variable("log p_Z(z) of each signal", "nat", ("group", "sample")),
        "signal": Variable("log p_X(x) of the same signals", "nat, x in [x]^n", ("group", "sample")),
        "moved": Variable("|G(z + d) - G(z)|^2 from held-out images, mean", "[x]^2", ("direction", "distance")),
        "loss": Variable("log p_X(G(z)) - log p_X(G(z + d)), mean", "nat", ("direction", "distance")),
        "energy": Variable("|J|_F^2 / n at held-out images, mean", "[x]^2"),
        "apart": Variable("distance between the latents of two held-out images, mean"),
    },
    quick={"blocks": 8, "signals": 80, "jacobians": 8, "training": 600},
    folders=lambda data, ood: {"case": (f"{data} / {ood}" if ood else data,), "size": 16, "training": 3000},
    flow=outside,
)


def correlations(part: xr.Dataset) -> xr.Dataset:
    """Spearman's correlation of the two log-likelihoods, each block: in each group, and over all groups together."""
    import xarray as xr
    from scipy.stats import rankdata

    def spearman(x: Array, y: Array) -> float:
        there = np.isfinite(x) & np.isfinite(y)
        return float(np.corrcoef(rankdata(x[there]), rankdata(y[there]))[0, 1]) if there.sum() > 2 else np.nan

    def over(dims: list[str]) -> xr.DataArray:
        pair = (part[key].stack(point=dims).drop_vars(["point", *dims], errors="ignore") for key in ("latent", "signal"))
        cores = [["point"], ["point"]]
        found: xr.DataArray = xr.apply_ufunc(spearman, *pair, input_core_dims=cores, vectorize=True)
        return found

    return xr.Dataset({"within": over(["sample"]), "across": over(["group", "sample"])})


def _short(case: str) -> str:
    return " / ".join(part.rstrip("/").rsplit("/", 1)[-1] for part in case.split(" / "))


def _interval(values: xr.Dataset, digits: int = 3) -> str:
    mean, low, high = (float(values[key]) for key in ("mean", "low", "high"))
    return f"{mean:.{digits}f} ({low:.{digits}f} .. {min(high, 1.0):.{digits}f})"


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """Rank correlations with their intervals, and how far from a line of slope 1 the points lie."""
    rows: list[dict[str, object]] = []
    for case in dataset["case"].values.tolist():
        for model in dataset["model"].values.tolist():
            part = dataset.sel(case=case, model=model)
            ranks = correlations(part)
            for group in [*dataset["group"].values.tolist(), "all together"]:
                own = part if group == "all together" else part.sel(group=group)
                rank = ranks["across"] if group == "all together" else ranks["within"].sel(group=group)
                dims = [dim for dim in ("group", "sample") if dim in own["latent"].dims]
                volume = (own["latent"] - own["signal"]).std(dims)
                rows.append(
                    {
                        "flow": _short(case),
                        "model": model,
                        "signals": group,
                        "rank correlation (95 %)": _interval(estimate(rank)),
                        "spread of log|det J|, nat": float(volume.mean()),
                        "spread of log p_Z, nat": float(own["latent"].std(dims).mean()),
                        "mean log p_Z": float(own["latent"].mean()),
                        "mean log p_X": float(own["signal"].mean()),
                    }
                )
    return rows


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    words: list[str] = []
    for case in dataset["case"].values.tolist():
        deep = dataset.sel(case=case, model=DEEP)
        ranks = correlations(deep)
        within = {group: estimate(ranks["within"].sel(group=group)) for group in dataset["group"].values.tolist()}
        listed = ", ".join(f"{group} {_interval(value, 2)}" for group, value in within.items())
        words.append(
            f"Under the deep flow ({_short(case)}) the rank correlation of latent and signal log-likelihood over all "
            f"groups together is {_interval(estimate(ranks['across']), 2)} (95 % interval); within a group it is: {listed}."
        )
        if LINEAR in dataset["model"].values:
            control = correlations(dataset.sel(case=case, model=LINEAR))
            least = min(float(control["within"].min()), float(control["across"].min()))
            words.append(f"Under the linear part it is at least {least:.6f} everywhere, as T10 has it.")
        first = _ratio(deep, ISOTROPIC)
        distance = dataset["distance"].values
        words.append(
            f"In isotropic directions the signal moves {float(first['mean'][0]):.2f} times the first-order root mean "
            f"square at |d| = {distance[0]:g} and {float(first['mean'][-1]):.2f} times at |d| = {distance[-1]:g} "
            f"(two images lie {float(deep['apart'].mean()):.1f} apart in the latent)."
        )
        for kind in (NATURAL, PUBLISHED):
            if kind in dataset["direction"].values and ISOTROPIC in dataset["direction"].values:
                squares = deep["moved"].sel(direction=kind) / deep["moved"].sel(direction=ISOTROPIC)
                ratio = estimate(squares**0.5)
                low, high = float(ratio["mean"].min()), float(ratio["mean"].max())
                name = "towards other images" if kind == NATURAL else "in a non-negative direction, as published,"
                words.append(f"A step {name} moves it {low:.2f} to {high:.2f} times as far as an isotropic one.")
        lost = deep["loss"].mean("block")
        parts = [f"{-float(lost.sel(direction=kind)[-1]):+.0f} ({kind})" for kind in dataset["direction"].values.tolist()]
        words.append(f"At |d| = {distance[-1]:g} the log-likelihood of the image has changed by {', '.join(parts)} nats.")
    return " ".join(words)


def _ratio(part: xr.Dataset, kind: str) -> xr.Dataset:
    """Root mean square of the move over its first-order value in isotropic directions."""
    moved = part["moved"].sel(direction=kind) / part["energy"]
    return estimate(moved**0.5 / part["distance"], positive=True)


_STYLES = {
    SAMPLES: ("green", "^"),
    HELD_OUT: ("blue", "D"),
    NEAR: ("orange", "o"),
    FAR: ("vermillion", "s"),
    OTHER: ("purple", "v"),
}
_WAYS = {NATURAL: ("blue", "D"), ISOTROPIC: ("black", "o"), PUBLISHED: ("vermillion", "s")}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """The two likelihoods of every signal, their rank correlations, and moves in three kinds of direction."""
    from matplotlib.figure import Figure

    found: dict[str, Figure] = {}
    for case in dataset["case"].values.tolist():
        models = dataset["model"].values.tolist()
        figure = Figure(figsize=(10.6, 7.8), layout="constrained")
        figure.suptitle(f"Is a likely latent a likely image? A deep flow ({_short(case)}) and its linear part", fontsize=11)
        grid = figure.subplots(2, 3, squeeze=False)
        for panel in grid.flat:
            panel.tick_params(labelsize=8)
            panel.grid(visible=True, color="0.9", linewidth=0.6)
        for row, model in enumerate(models):
            part = dataset.sel(case=case, model=model)
            _cloud_panel(grid[row][0], part, model)
            _rank_panel(grid[row][1], part, model)
            _move_panel(grid[row][2], part, model)
        for panel in grid[len(models) :].flat:
            panel.axis("off")
        handles, labels = grid[0][0].get_legend_handles_labels()
        more, names = grid[0][2].get_legend_handles_labels()
        signals = settings(dataset)["signals"]
        note = (
            f"bars: 95 % interval (Student's t) over {dataset.sizes['block']} blocks of {signals} signals; moves: from "
            "held-out images, intervals on the log scale"
        )
        style: dict[str, Any] = {"loc": "outside lower center", "ncols": 4, "fontsize": 8, "frameon": False}
        figure.legend([*handles, *more], [*labels, *names], title=note, title_fontsize=8, **style)
        found["" if not found else f"case-{len(found) + 1}"] = figure
    return found


def _cloud_panel(panel: Any, part: xr.Dataset, model: str) -> None:
    from matplotlib.ticker import NullLocator

    both = part[["latent", "signal"]]
    # From where the flow's samples lie; the axes are linear near it and logarithmic far from it.
    both = both - both.sel(group=SAMPLES).median()
    for group in part["group"].values.tolist():
        colour, marker = _STYLES[group]
        x, y = (both[key].sel(group=group).values.ravel()[:160] for key in ("latent", "signal"))
        style: dict[str, Any] = {"color": OKABE_ITO[colour], "markersize": 3.5, "linestyle": "", "alpha": 0.7}
        panel.plot(x, y, marker, markerfacecolor="none", label=group, **style)
    panel.axline((0.0, 0.0), slope=1.0, color="0.35", linewidth=1.0, zorder=1)
    ticks = [-10000, -1000, -100, -50, 0, 50]
    for axis, key in ((panel.xaxis, "latent"), (panel.yaxis, "signal")):
        low, high = float(both[key].min()) * 1.3, max(50.0, float(both[key].max()) * 1.1)
        (panel.set_xscale if key == "latent" else panel.set_yscale)("symlog", linthresh=100, linscale=1.5)
        axis.set_ticks([tick for tick in ticks if low <= tick <= high])
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter("{x:.0f}")
        (panel.set_xlim if key == "latent" else panel.set_ylim)(low, high)
    panel.set_title(f"{model}: every signal (line: slope 1)", fontsize=9)
    panel.set_xlabel(r"latent $\log p_Z(z)$, nats from the samples' median", fontsize=9)
    panel.set_ylabel(r"signal $\log p_X(x)$, likewise", fontsize=9)


def _rank_panel(panel: Any, part: xr.Dataset, model: str) -> None:
    ranks, groups = correlations(part), part["group"].values.tolist()
    least = min(1.0, float(estimate(ranks["within"])["low"].min()))
    for row, group in enumerate([*groups, "all together"]):
        values = estimate(ranks["across"] if group == "all together" else ranks["within"].sel(group=group))
        colour, marker = _STYLES.get(group, ("black", "*"))
        bars = np.abs([[float(values["mean"] - values["low"])], [float(values["high"] - values["mean"])]])
        panel.errorbar(
            [float(values["mean"])], [-row], xerr=bars, fmt=marker, color=OKABE_ITO[colour], capsize=3, markersize=5
        )
    panel.set(
        yticks=[-row for row in range(len(groups) + 1)], ylim=(-len(groups) - 0.5, 0.5), xlim=(min(0.6, least) - 0.05, 1.03)
    )
    panel.set_yticklabels([*groups, "all together"], fontsize=8)
    panel.set_title(f"{model}: rank correlation of the two", fontsize=9)
    panel.set_xlabel("Spearman's correlation", fontsize=9)


def _move_panel(panel: Any, part: xr.Dataset, model: str) -> None:
    distance, kinds = part["distance"].values, part["direction"].values.tolist()
    panel.axhline(1.0, linestyle="--", color="0.35", linewidth=1.2, label=r"first order, isotropic: $|d|\,|J|_F/\sqrt{n}$")
    for j, kind in enumerate(kinds):
        colour, marker = _WAYS[kind]
        values = _ratio(part, kind)
        middle = values["mean"].values
        bars = np.abs(np.stack([middle - values["low"].values, values["high"].values - middle]))
        style: dict[str, Any] = {"color": OKABE_ITO[colour], "markersize": 4, "linewidth": 1.0, "capsize": 2.0}
        # Side by side, so that bars at one distance do not hide each other.
        place = distance * 1.06 ** (j - (len(kinds) - 1) / 2)
        panel.errorbar(place, middle, yerr=bars, fmt=f"{marker}-", label=f"{kind} directions", **style)
    panel.set(xscale="log")
    panel.set_xticks(distance, [f"{value:g}" for value in distance])
    panel.set_xticks([], minor=True)
    panel.set_title(f"{model}: how far the image moves", fontsize=9)
    panel.set_xlabel("move of the latent $|d|$", fontsize=9)
    panel.set_ylabel(r"rms of $|G(z+d)-G(z)|$ / first order", fontsize=9)


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
