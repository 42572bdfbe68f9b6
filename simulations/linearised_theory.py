r"""The theorem carried to deep flows: linear theory of the Jacobian at each image's latent, against the flow's error.

A flow G has a linear model of its own at each latent: ``G(z) = x_0 + J (z - z_0)`` to first order. Three theories of its
error from m Gaussian measurements, held against what the flow does:

* **linear**: the deterministic equivalent of one Gaussian model of all images, which knows nothing of the flow;
* **local, typical latent**: the same from the singular values of J, for z_0 ~ N(0, I) not seen (T1, T2, interlacing);
* **local**: from J and the image's own latent, ``E_A |J (I - P) z_0|^2``, for the smallest latent that explains the
  measurements; with z_0 plus the slope of log|det J| in its place, for the most likely signal.
  (`linflow.deep.linearised` has the derivation; given the linearisation, only the equivalent is not exact.)

Signals are samples of the flow, where the model is exact, held-out images, where it is not, and images of other data. One
bound is rigorous for a nonlinear flow, every A and every estimator: Shannon's, from E log|det J| (samples only).
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
SAMPLES, HELD_OUT, OTHER = "samples of the flow", "held-out images", "other images"
DIGITS = "digits"
#: Part of the images that is held out, and signals drawn for the covariance of the flow.
HELD_OUT_PART, DRAWS = 0.2, 2**15


@dataclass(frozen=True)
class Model:
    """A trained flow, the images to try it on, and its own moments: covariance, mean and E log|det J|, from samples."""

    flow: Any
    images: dict[str, Array]
    covariance: Array
    mean: Array
    log_det: float

    def linear(self, signals: str) -> tuple[lf.LinearFlow, Array]:
        """The Gaussian model that the signals are best described by, and their mean squares along its eigenvectors."""
        if signals == SAMPLES:
            flow = lf.LinearFlow.from_matrix(np.linalg.cholesky(self.covariance), self.mean)
            return flow, flow.spectrum.variances
        flow = self.flow.linear
        directions = np.eye(flow.n) if flow.basis is None else flow.basis
        return flow, np.mean(((self.images[signals] - flow.mean) @ directions) ** 2, axis=0)

    def latents(self, signals: str, count: int, rng: np.random.Generator) -> Array:
        """Latents of some signals, (count, n)."""
        if signals == SAMPLES:
            return rng.standard_normal((count, self.flow.n))
        images = self.images[signals]
        z: Array = self.flow.inverse(images[rng.permutation(len(images))[:count]]).detach().numpy()
        return z


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
    flow = flow.double().requires_grad_(False)
    # In parts: the activations of all draws at once would take gigabytes.
    parts = [flow.generate(z) for z in np.random.default_rng(1).standard_normal((DRAWS // 512, 512, flow.n))]
    x: Array = np.concatenate([signals.numpy() for signals, _ in parts])
    log_det = np.concatenate([values.numpy() for _, values in parts])
    groups = {HELD_OUT: images[order[:held_out]]} | ({} if other is None else {OTHER: other})
    return Model(flow, groups, np.cov(x.T), x.mean(axis=0), float(log_det.mean()))


def outside(given: Outside, params: Mapping[str, Any]) -> Any:
    """The flow in the place of the trained one."""
    from linflow.deep.outside import whole

    return whole(given, 64 if params["case"] == DIGITS else params["size"] ** 2)


def images_of(case: str, size: int) -> tuple[Array, Array | None]:
    """Images and the other ones: digits and patches of photographs, or "FOLDER" or "FOLDER / OTHER FOLDER", grey."""
    if case == DIGITS:
        return lf.data.digits(), lf.data.natural_patches(8)
    folder, _, ood = case.partition(" / ")
    return folder_images(folder, size=size), folder_images(ood, size=size) if ood else None


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Measured errors of some signals from one draw of A, and what each theory says of these signals."""
    from linflow import deep
    from linflow.deep.deterministic import thread_count
    from linflow.deep.linearised import LATENT, SIGNAL, entropy_lower, linearise, smallest_latent

    with thread_count(1):
        model = model_of(params["case"], params["training"], params["size"], params["given_flow"])
        flow, n, signals = model.flow, model.flow.n, params["signals"]
        m = int(np.clip(round(params["fraction"] * n), 1, n - 1))
        z = model.latents(signals, params["images"], rng)
        x = flow.forward(z).numpy()
        A = lf.measurement.gaussian(m, n, rng)
        y = lf.measurement.apply(A, x)
        linear, variances = model.linear(signals)
        latent = _errors(smallest_latent(flow, A, y, steps=params["steps"]), x)
        signal = _errors(deep.solve(flow, A, y, steps=params["steps"]), x)
        local = linearise(flow, z)
    spectra, logs = local.spectra(), np.log10(local.singular_values)
    predicted = local.predicted(m, LATENT)
    return {
        "latent": latent.mean(),
        "signal": signal.mean(),
        "linear": _errors(lf.mle(linear, A, y), x).mean(),
        "latent_first_order": local.error(A, LATENT).mean(),
        "signal_first_order": local.error(A, SIGNAL).mean(),
        "latent_theory": predicted.mean(),
        "signal_theory": local.predicted(m, SIGNAL).mean(),
        "typical_theory": np.mean([lf.risk.equivalent(s, m) for s in spectra]),
        "linear_theory": lf.risk.equivalent(linear.spectrum, m, signal_variances=variances),
        "local_lower": np.mean([lf.risk.theorem_lower(s, m) for s in spectra]),
        "local_t1": np.mean([lf.risk.theorem_upper(s, m) for s in spectra]),
        "local_most": np.mean([lf.risk.interlacing(s, m)[1] for s in spectra]),
        "local_t2": np.mean([lf.risk.best_upper(s, m) for s in spectra]),
        "global_lower": lf.risk.theorem_lower(linear.spectrum, m),
        "global_t2": lf.risk.best_upper(linear.spectrum, m),
        "entropy_bound": entropy_lower(model.covariance, model.log_det, A) if signals == SAMPLES else np.nan,
        "scale": variances.sum(),
        "norm": np.mean(z**2),
        "pull": np.mean(local.pulls[SIGNAL] ** 2),
        "energy": np.mean(np.sum(local.singular_values**2, axis=1)),
        "volume": np.mean(np.sum(np.log(local.singular_values), axis=1)),
        "global_volume": np.log(linear.spectrum.singular_values).sum(),
        "local_spectrum": np.stack([logs.mean(axis=0), *np.quantile(logs, [0.05, 0.95], axis=0)]),
        "global_spectrum": np.log10(linear.spectrum.singular_values),
        "measured": latent,
        "predicted": predicted,
    }


def _errors(x_hat: Array, x: Array) -> Array:
    squares: Array = np.sum((x_hat - x) ** 2, axis=1)
    return squares


EXPERIMENT = Experiment(
    name="linearised-theory",
    title="The linear theory of a deep flow's Jacobian against the flow's error",
    cell=cell,
    grid={
        "case": (DIGITS,),
        "signals": (SAMPLES, HELD_OUT, OTHER),
        "fraction": (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0.9375),
    },
    blocks=16,
    settings={"images": 8, "steps": 60, "training": 2000, "size": 8},
    variables={
        "latent": Variable("squared error of the smallest latent that explains y, mean over signals", "[x]^2"),
        "signal": Variable("squared error of the most likely signal that explains y, likewise", "[x]^2"),
        "linear": Variable("squared error of the Gaussian model's MLE, likewise", "[x]^2"),
        "latent_first_order": Variable("|J (I - P) z_0|^2 for the same signals and A", "[x]^2"),
        "signal_first_order": Variable("|J (I - P) (z_0 + g)|^2 for the same signals and A", "[x]^2"),
        "latent_theory": Variable("equivalent of the mean of |J (I - P) z_0|^2 over A", "[x]^2"),
        "signal_theory": Variable("equivalent of the mean of |J (I - P) (z_0 + g)|^2 over A", "[x]^2"),
        "typical_theory": Variable("equivalent of the local spectra, m kappa", "[x]^2"),
        "linear_theory": Variable("equivalent of the Gaussian model", "[x]^2"),
        "local_lower": Variable("tail(m) of the local spectra", "[x]^2"),
        "local_t1": Variable("m tail(m-2) of the local spectra", "[x]^2"),
        "local_most": Variable("upper side of the interlacing theorem for the local spectra", "[x]^2"),
        "local_t2": Variable("best T2 bound of the local spectra", "[x]^2"),
        "global_lower": Variable("tail(m) of the Gaussian model", "[x]^2"),
        "global_t2": Variable("best T2 bound of the Gaussian model", "[x]^2"),
        "entropy_bound": Variable("Shannon's lower bound for this A, every estimator", "[x]^2"),
        "scale": Variable("mean squared distance of the signals from the Gaussian model's mean", "[x]^2"),
        "norm": Variable("|z_0|^2 / n"),
        "pull": Variable("|z_0 + g|^2 / n"),
        "energy": Variable("|J|_F^2", "[x]^2"),
        "volume": Variable("log|det J|"),
        "global_volume": Variable("log|det G| of the Gaussian model"),
        "local_spectrum": Variable("log10 of the local singular values: mean, 5 % and 95 %", "", ("statistic", "index")),
        "global_spectrum": Variable("log10 of the Gaussian model's singular values", "", ("index",)),
        "measured": Variable("squared error of the smallest latent, each signal", "[x]^2", ("image",)),
        "predicted": Variable("its local theory, each signal", "[x]^2", ("image",)),
    },
    quick={"fraction": (0.125, 0.25, 0.5, 0.75, 0.9375), "blocks": 8, "images": 4, "training": 600, "steps": 40},
    cost=lambda params: params["fraction"] * (1.0 - params["fraction"]),
    folders=lambda data, ood: {
        "case": (f"{data} / {ood}" if ood else data,),
        "signals": (SAMPLES, HELD_OUT, OTHER) if ood else (SAMPLES, HELD_OUT),
        "size": 16,
        "training": 3000,
    },
    flow=outside,
)

#: (measured, theory, its name, colour, marker)
PAIRS = (
    ("latent", "latent_theory", "smallest latent", "blue", "D"),
    ("signal", "signal_theory", "most likely signal", "vermillion", "o"),
    ("linear", "linear_theory", "Gaussian model", "black", "s"),
)
#: A theory this near counts as right in the reading.
NEAR = 1.25
#: First-order errors with the same A, where there is one: what is left over is the linearisation's fault alone.
FIRST_ORDER = {"latent": "latent_first_order", "signal": "signal_first_order", "linear": "linear_theory"}


def _ratio(part: xr.Dataset, measured: str) -> xr.Dataset:
    return estimate(part[measured] / part[FIRST_ORDER[measured]], positive=True)


def _cases(dataset: xr.Dataset) -> list[tuple[str, str]]:
    return [(case, signals) for case in dataset["case"].values.tolist() for signals in dataset["signals"].values.tolist()]


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """Errors in units of the signals' variance; each measured error over its theory; the rank correlation over signals."""
    rows: list[dict[str, object]] = []
    for case, signals in _cases(dataset):
        for fraction in dataset["fraction"].values.tolist():
            part = dataset.sel(case=case, signals=signals, fraction=fraction)
            row: dict[str, object] = {"flow": _short(case), "signals": signals, "m / n": fraction}
            for measured, theory, name, _, _ in PAIRS:
                row[f"{name}: error"] = _pm(part[measured] / part["scale"])
                if measured != "linear":
                    row[f"{name}: error / first order, same A"] = _pm(part[measured] / part[FIRST_ORDER[measured]])
                row[f"{name}: theory"] = float((part[theory] / part["scale"]).mean())
            row["theory of a typical latent"] = float((part["typical_theory"] / part["scale"]).mean())
            row["rank correlation over signals"] = _pm(rank_correlation(part))
            bound = part["entropy_bound"] / part["scale"]
            row["entropy bound"] = float(bound.mean()) if signals == SAMPLES else "-"
            rows.append(row)
    return rows


def _pm(values: xr.DataArray) -> str:
    found = values.values[np.isfinite(values.values)]
    return f"{found.mean():.3g} ± {found.std(ddof=1) / np.sqrt(found.size):.1g}" if found.size > 1 else "-"


def _short(case: str) -> str:
    return " / ".join(part.rstrip("/").rsplit("/", 1)[-1] for part in case.split(" / "))


def rank_correlation(part: xr.Dataset) -> xr.DataArray:
    """Spearman's correlation of measured and predicted errors over the signals of each block (all see one A)."""
    from scipy.stats import rankdata

    def correlation(x: Array, y: Array) -> float:
        there = np.isfinite(x) & np.isfinite(y)
        return float(np.corrcoef(rankdata(x[there]), rankdata(y[there]))[0, 1]) if there.sum() > 2 else np.nan

    import xarray as xr

    dims = [["image"], ["image"]]
    pairs = part["measured"], part["predicted"]
    found: xr.DataArray = xr.apply_ufunc(correlation, *pairs, input_core_dims=dims, vectorize=True)
    return found


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    words: list[str] = []
    for case, signals in _cases(dataset):
        part = dataset.sel(case=case, signals=signals)
        latent, signal, linear = (_ratio(part, measured)["mean"] for measured, *_ in PAIRS)
        across = part["latent"].mean("block") / part["linear_theory"].mean("block")
        blind = part["latent"].mean("block") / part["typical_theory"].mean("block")
        correlation = rank_correlation(part).mean("block")
        few = f"at m/n = {latent['fraction'].values[0]:g}: {float(latent[0]):.2f} and {float(signal[0]):.2f}"
        many = f"from m/n = 0.5 on: {_span(_late(latent))} and {_span(_late(signal))}"
        words.append(
            f"On {signals} ({_short(case)}) the smallest latent has {_span(latent)} times its first-order error for the "
            f"same A, the most likely signal {_span(signal)} ({few}; {many}); the linear MLE has {_span(linear)} times the "
            f"error of the linear theory, and the deep flow's smallest latent {_span(across)} times that. Without the own "
            f"latent of the image the local theory is off by {_span(blind)} (|z_0|^2/n: {float(part['norm'].mean()):.2f}). "
            f"Which of the signals are hard is foretold with a rank correlation of {_span(correlation)}."
        )
    own = dataset.sel(signals=SAMPLES) if SAMPLES in dataset["signals"].values else None
    if own is not None:
        words.append(_rigorous(own))
    words.append(_verdict(dataset))
    return " ".join(words)


def _verdict(dataset: xr.Dataset) -> str:
    parts = []
    for measured, _, name, _, _ in PAIRS[:2]:
        ratio = _ratio(dataset, measured)["mean"]
        factor = np.abs(np.log(ratio))
        worst = ratio.where(factor == factor.max(), drop=True).squeeze()
        where = f"{worst['signals'].item()}, m/n = {worst['fraction'].item():g}"
        parts.append(
            f"{name} at {int((factor <= np.log(NEAR)).sum())} of {ratio.size} places (worst {float(worst):.2f}: {where})"
        )
    return (
        f"In all, first order at the truth is within a factor {NEAR:g} of the error of the {', of the '.join(parts)}. It "
        "cannot be exact at any m, since a typical latent is missed by about sqrt(n - m), which is far from small."
    )


def _rigorous(own: xr.Dataset) -> str:
    energy = estimate((own["energy"] / own["scale"]).mean("fraction").mean("case"))
    volume = estimate((own["volume"] - own["global_volume"]).mean("fraction").mean("case"))
    least = float((estimate(own["signal"])["mean"] / estimate(own["entropy_bound"])["mean"]).min())
    below = int((estimate(own["latent"])["high"] < own["global_lower"].mean("block")).sum())
    places = own["global_lower"].mean("block").size
    middle = own["latent"].mean("block")
    inside = (own["local_lower"].mean("block") <= middle) & (middle <= own["local_t2"].mean("block"))
    more = f"{float(energy['mean']):.2f} times ({float(energy['low']):.2f} to {float(energy['high']):.2f})"
    less = f"{-float(volume['mean']):.1f} nats ({-float(volume['high']):.1f} to {-float(volume['low']):.1f})"
    return (
        f"For the flow's own samples: the local spectra have {more} the energy of the covariance (Poincare: at least 1) "
        f"and a log-volume lower by {less} (maximal entropy: at least 0); the error nearest to Shannon's lower bound is "
        f"{least:.2g} times it. The flow's error lies between T1's lower and T2's upper bound of the local spectra at "
        f"{int(inside.sum())} of {places} m, and significantly below tail(m) of its covariance, under which no linear "
        f"model can come, at {below}."
    )


def _span(values: xr.DataArray) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"


def _late(values: xr.DataArray) -> xr.DataArray:
    return values.where(values["fraction"] >= 0.5, drop=True) if bool((values["fraction"] >= 0.5).any()) else values


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Above: error against m for each kind of signals; below: spectra, error over theory, signal by signal."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    found: dict[str, Figure] = {}
    for case in dataset["case"].values.tolist():
        part = dataset.sel(case=case)
        kinds = part["signals"].values.tolist()
        figure = Figure(figsize=(10.6, 8.4), layout="constrained")
        figure.suptitle(f"A deep flow ({_short(case)}) and the linear theory of its Jacobian", fontsize=11)
        grid = figure.subplots(2, 3, squeeze=False)
        for panel in grid.flat:
            panel.set_yscale("log")
            panel.yaxis.set_minor_formatter(NullFormatter())
            panel.tick_params(labelsize=8)
            panel.grid(visible=True, color="0.9", linewidth=0.6)
        for panel, kind in zip(grid[0], kinds, strict=False):
            _error_panel(panel, part.sel(signals=kind), kind)
        for panel in grid[0][len(kinds) :]:
            panel.axis("off")
        _spectrum_panel(grid[1][0], part)
        _ratio_panel(grid[1][1], part)
        _signal_panel(figure, grid[1][2], part)
        handles, labels = grid[0][0].get_legend_handles_labels()
        drawn = settings(dataset)
        note = (
            f"markers and bars: mean and 95 % interval (Student's t, log scale) over {dataset.sizes['block']} blocks, "
            f"each of one draw of A and {drawn['images']} signals;\nerrors in units of the signals' mean squared distance "
            "from the Gaussian model's mean"
        )
        style: dict[str, Any] = {"loc": "outside lower center", "ncols": 3, "fontsize": 8, "frameon": False}
        figure.legend(handles, labels, title=note, title_fontsize=8, **style)
        found["" if not found else f"case-{len(found) + 1}"] = figure
    return found


_KINDS = {SAMPLES: ("green", "^"), HELD_OUT: ("blue", "D"), OTHER: ("purple", "v")}
_LINES = {"latent_theory": "-", "signal_theory": "--", "linear_theory": ":"}
_NAMES = {
    "latent_theory": "local theory, smallest latent",
    "signal_theory": "local theory, most likely signal",
    "linear_theory": "linear theory (equivalent)",
}


def _error_panel(panel: Any, part: xr.Dataset, kind: str) -> None:
    fraction, scale = part["fraction"].values, part["scale"].mean("block")
    low, high = (part[key].mean("block") / scale for key in ("local_lower", "local_t2"))
    panel.fill_between(
        fraction, low, high, color="0.85", linewidth=0, label="local T1 lower to T2 upper (typical latent)", zorder=1
    )
    # m kappa of the local spectra is the lower side of the interlacing theorem, proved for a typical latent.
    least, most = (part[key].mean("block") / scale for key in ("typical_theory", "local_most"))
    panel.fill_between(
        fraction, least, most, color="0.6", linewidth=0, label="local interlacing theorem (typical latent)", zorder=1.5
    )
    for measured, theory, name, colour, marker in PAIRS:
        line = part[theory].mean("block") / scale
        panel.plot(fraction, line, _LINES[theory], color=OKABE_ITO[colour], linewidth=1.4, label=_NAMES[theory])
        _points(
            panel, fraction, estimate(part[measured], positive=True) / scale, OKABE_ITO[colour], marker, f"{name}, measured"
        )
    if kind == SAMPLES:
        bound = part["entropy_bound"].mean("block") / scale
        panel.plot(
            fraction,
            bound,
            color=OKABE_ITO["green"],
            linewidth=1.4,
            linestyle="-.",
            label="Shannon's lower bound (rigorous)",
        )
        lowest = float(min(part["latent"].mean("block").min(), part["signal"].mean("block").min()) / scale.mean())
        panel.set_ylim(bottom=lowest / 30)
    panel.set_title(kind, fontsize=9)
    panel.set_xlabel("measurements $m/n$", fontsize=9)
    panel.set_ylabel("squared error / variance", fontsize=9)


def _spectrum_panel(panel: Any, part: xr.Dataset) -> None:
    index = np.arange(1, part.sizes["index"] + 1)
    for kind in part["signals"].values.tolist():
        colour = OKABE_ITO[_KINDS[kind][0]]
        mean, low, high = (10 ** part["local_spectrum"].sel(signals=kind).mean(["block", "fraction"])).values
        panel.fill_between(index, low, high, color=colour, alpha=0.15, linewidth=0)
        panel.plot(index, mean, color=colour, linewidth=1.4, label=f"local, {kind}")
    for kind, dash, name in ((SAMPLES, "--", "covariance of the samples"), (HELD_OUT, ":", "Gaussian model of the images")):
        if kind in part["signals"].values:
            values = 10 ** part["global_spectrum"].sel(signals=kind).mean(["block", "fraction"])
            panel.plot(index, values, "k", linestyle=dash, linewidth=1.2, label=name)
    panel.legend(fontsize=7, frameon=False)
    panel.set_title("singular values of $J(z_0)$ (band: 5 to 95 % of the signals)", fontsize=9)
    panel.set_xlabel("index $i$", fontsize=9)
    panel.set_ylabel(r"singular value $\sigma_i$, $[x]$", fontsize=9)


def _ratio_panel(panel: Any, part: xr.Dataset) -> None:
    panel.axhline(1.0, color="0.35", linewidth=1.0, zorder=1)
    kinds = part["signals"].values.tolist()
    low, high = 0.35, 2.5
    for j, kind in enumerate(kinds):
        for measured in ("latent", "signal"):
            colour, marker = OKABE_ITO[_KINDS[kind][0]], _KINDS[kind][1]
            hollow = measured == "signal"
            # Side by side, so that bars at one m do not hide each other.
            place = part["fraction"].values + 0.009 * (2 * j - len(kinds) + 0.5 + hollow)
            values = _ratio(part.sel(signals=kind), measured)
            low, high = min(low, float(values["low"].min())), max(high, float(values["high"].max()))
            _points(panel, place, values, colour, marker, "" if hollow else kind, hollow=hollow)
    panel.legend(
        fontsize=7, frameon=False, ncols=2, loc="lower center", title="filled: smallest latent, hollow: most likely"
    )
    panel.get_legend().get_title().set_fontsize(7)
    bottom, top = low * (low / high) ** 0.35, 1.2 * high  # below the points there is room for the legend
    ticks = (0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0) if high < 10 * low else (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
    panel.set_ylim(bottom, top)
    panel.set_yticks([tick for tick in ticks if low <= tick <= top], [f"{tick:g}" for tick in ticks if low <= tick <= top])
    panel.set_title("error over its first-order value, same $A$", fontsize=9)
    panel.set_xlabel("measurements $m/n$", fontsize=9)
    panel.set_ylabel("measured / first order", fontsize=9)


def _signal_panel(figure: Figure, panel: Any, part: xr.Dataset) -> None:
    low, high = np.inf, 0.0
    points = None
    for kind in part["signals"].values.tolist():
        own, scale = part.sel(signals=kind), float(part["scale"].sel(signals=kind).mean())
        x, y = (
            own[key].transpose("fraction", ...).values.reshape(own.sizes["fraction"], -1)
            for key in ("predicted", "measured")
        )
        low, high = min(low, x.min() / scale), max(high, x.max() / scale)
        hue = np.repeat(own["fraction"].values, x.shape[1])
        style: dict[str, Any] = {"cmap": "viridis", "vmin": 0.0, "vmax": 1.0, "s": 8, "linewidths": 0.4, "alpha": 0.7}
        points = panel.scatter(x.ravel() / scale, y.ravel() / scale, c=hue, marker=_KINDS[kind][1], label=kind, **style)
    panel.plot([low, high], [low, high], color="0.35", linewidth=1.0)
    panel.set(xscale="log")
    panel.legend(fontsize=7, frameon=False)
    if points is not None:
        bar = figure.colorbar(points, ax=panel)
        bar.set_label("$m/n$", fontsize=8)
        bar.ax.tick_params(labelsize=7)
    panel.set_title("smallest latent, signal by signal (one A each)", fontsize=9)
    panel.set_xlabel("local theory / variance", fontsize=9)
    panel.set_ylabel("measured error / variance", fontsize=9)


def _points(panel: Any, x: Any, values: Any, colour: str, marker: str, label: str, *, hollow: bool = False) -> None:
    middle = values["mean"].values
    bars = np.abs(np.stack([middle - values["low"].values, values["high"].values - middle]))
    style: dict[str, Any] = {"color": colour, "markersize": 4.0, "linewidth": 1.0, "capsize": 2.0}
    style |= {"markerfacecolor": "white"} if hollow else {}
    panel.errorbar(x, middle, yerr=bars, fmt=marker, label=label, **style)


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
