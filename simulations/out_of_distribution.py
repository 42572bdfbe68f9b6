r"""Data-set bias: a flow fitted on one set of images reconstructs another, with the whole flow and with truncated ones.

Slides 14-16. A `LinearFlow` is fitted to half of a data set; real images, of the other half and of another data set, are
reconstructed from m noiseless Gaussian measurements with the invertible prior (MLE) and with truncated priors. All that
the theory needs of the images are the mean squares t_i of their coordinates along the model's eigenvectors, about the
model's mean (so a shifted mean counts as signal): the deterministic equivalent with ``signal_variances=t`` for the whole
flow (asymptotic), and ``(1 + k/(m-k-1)) sum_{i>k} t_i`` for rank k (T3, which for Gaussian A holds for every fixed signal,
hence exactly for these images).

Other data: ``linflow run out-of-distribution --data A --ood B`` fits the flow to the images of folder A and takes those of
folder B for the other data set, both grey and 8 x 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, entries, estimate, folder_images, settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
#: Beyond m - SPARE the squared error of least squares has no variance, and means of draws would mean nothing.
SPARE = 4
#: Pixels along a side of the images of folders.
SIDE = 8
#: Ranks that are shown, and the m at which reconstructions are.
SHOWN_RANKS, SHOWN_M = (8, 24), 48
RECONSTRUCTIONS = ("invertible", *(f"rank {rank}" for rank in SHOWN_RANKS))
OWN, OTHER = "held-out half", "other data set"
#: name -> (data set that the flow is fitted to, the other one); rows are images.
PAIRS: dict[str, tuple[Callable[[], Array], Callable[[], Array]]] = {
    "digits / inverted digits": (lf.data.digits, lambda: 1.0 - lf.data.digits()),
    "digits / patches": (lf.data.digits, lambda: lf.data.natural_patches(8)),
    "patches / digits": (lambda: lf.data.natural_patches(8), lf.data.digits),
    "faces / non-faces": (lambda: lf.data.faces(8), lambda: lf.data.non_faces(8)),
}


@cache
def pair_of(name: str) -> tuple[lf.LinearFlow, dict[str, Array]]:
    """The flow fitted to one half of the first data set, and the images to reconstruct; the same in every process."""
    if name in PAIRS:
        fitted, other = (np.asarray(load(), dtype=np.float64) for load in PAIRS[name])
    else:
        fitted, other = (folder_images(folder, size=SIDE) for folder in name.split(" / "))
    rng = np.random.default_rng(0)
    fitted, other = fitted[rng.permutation(len(fitted))], other[rng.permutation(len(other))]
    half = len(fitted) // 2
    return lf.LinearFlow.fit(fitted[:half], name=name), {OWN: fitted[half:], OTHER: other}


def images_of(name: str, signals: str, blocks: int) -> Array:
    """The images used, cut to a multiple of `blocks` where there are so many."""
    images: Array = pair_of(name)[1][signals]
    return images[: len(images) // blocks * blocks] if len(images) >= blocks else images


def own_images(name: str, signals: str, blocks: int, block: int) -> Array:
    """The images of one block, every blocks-th one; of fewer images than blocks, all of them (then only A varies)."""
    images = images_of(name, signals, blocks)
    return images[block % blocks :: blocks] if len(images) >= blocks else images


def signal_variances(name: str, images: Array) -> Array:
    """Mean square of each coordinate of the images along the model's eigenvectors, about the model's mean."""
    flow = pair_of(name)[0]
    directions = np.eye(flow.n) if flow.basis is None else flow.basis
    squares: Array = np.mean(((images - flow.mean) @ directions) ** 2, axis=0)
    return squares


def truncated_risk(variances: Array, m: Any, rank: Any) -> Any:
    """T3 for signals with these mean squares; NaN above rank m - SPARE."""
    m, rank = np.asarray(m), np.asarray(rank)
    tail = np.append(np.cumsum(variances[::-1])[::-1], 0.0)[rank]
    return np.where(rank <= m - SPARE, tail * (1 + rank / np.maximum(m - rank - 1, 1)), np.nan)


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Mean squared error over the block's own images and draws of A; one image as the last draw has it."""
    pair, parts = params["pair"], params["parts"]
    flow = pair_of(pair)[0]
    x = own_images(pair, params["signals"], parts, params["block"])
    counts, ranks = params["m"], params["rank"]
    shown, contrasted = shown_m(counts), int(x[:20].std(axis=1).argmax())
    pictures = {}
    invertible, truncated = np.zeros(len(counts)), np.zeros((len(counts), len(ranks)))
    for _ in range(params["draws"]):
        for i, m in enumerate(counts):
            A = lf.measurement.gaussian(m, flow.n, rng)
            y = lf.measurement.apply(A, x)
            estimates = {RECONSTRUCTIONS[0]: lf.mle(flow, A, y)}
            invertible[i] += np.mean(np.sum((estimates[RECONSTRUCTIONS[0]] - x) ** 2, axis=1))
            for j, rank in enumerate(ranks):
                if rank > m - SPARE:
                    truncated[i, j] = np.nan
                    continue
                x_hat = estimates[f"rank {rank}"] = lf.truncated_least_squares(flow, A, y, rank=rank)
                truncated[i, j] += np.mean(np.sum((x_hat - x) ** 2, axis=1))
            if m == shown:
                pictures = {name: found[contrasted] for name, found in estimates.items()}
    side = int(np.sqrt(flow.n))
    reconstructions = np.stack([pictures.get(name, np.full(flow.n, np.nan)) for name in RECONSTRUCTIONS])
    return {
        "invertible": invertible / params["draws"],
        "truncated": truncated / params["draws"],
        "singular_values": flow.spectrum.singular_values,
        "moments": signal_variances(pair, images_of(pair, params["signals"], parts)),
        "own_moments": signal_variances(pair, images_of(pair, OWN, parts)),
        "model_mean": flow.mean.reshape(side, side),
        "truth": x[contrasted].reshape(side, side),
        "reconstruction": reconstructions.reshape(-1, side, side),
    }


def shown_m(counts: Sequence[int]) -> int:
    """The m at which reconstructions are shown: the largest up to `SHOWN_M`, else the smallest."""
    return max((m for m in counts if m <= SHOWN_M), default=min(counts))


def two_folders(data: str, ood: str) -> str:
    """The name of a pair of folders."""
    if not data or not ood:
        raise lf.InputError("out-of-distribution needs both --data (the flow's images) and --ood (the other ones)")
    return f"{data} / {ood}"


EXPERIMENT = Experiment(
    name="out-of-distribution",
    title="A flow fitted on one data set, images from another: invertible against truncated",
    cell=cell,
    grid={"pair": tuple(PAIRS), "signals": (OWN, OTHER)},
    blocks=10,
    inner={
        "m": (4, 8, 12, 16, 24, 32, 40, 48, 52, 56, 60),
        "rank": (0, 2, 4, 8, 12, 16, 24, 32, 40, 48),
        "prior": RECONSTRUCTIONS,
    },
    settings={"draws": 60, "parts": 10},
    variables={
        "invertible": Variable("squared error of the MLE, mean over images and draws of A", "[x]^2", ("m",)),
        "truncated": Variable("squared error of the rank-k prior, likewise", "[x]^2", ("m", "rank")),
        "singular_values": Variable("singular values of the flow", "[x]", ("index",), once=True),
        "moments": Variable("mean squares of all images along its eigenvectors", "[x]^2", ("index",), once=True),
        "own_moments": Variable("the same of the held-out half of its own data", "[x]^2", ("index",), once=True),
        "model_mean": Variable("mean of the flow", "[x]", ("row", "column"), once=True),
        "truth": Variable("an image of block 0, of high contrast", "[x]", ("row", "column"), once=True),
        "reconstruction": Variable(
            "its reconstructions from the last draw at one m", "[x]", ("prior", "row", "column"), once=True
        ),
    },
    quick={"draws": 5, "m": (8, 16, 32, 48, 60), "rank": (0, 2, 8, 16, 24, 40)},
    folders=lambda data, ood: {"pair": (two_folders(data, ood),)},
)


def _cases(dataset: xr.Dataset) -> list[tuple[str, str]]:
    return [(p, s) for p in dataset["pair"].values.tolist() for s in dataset["signals"].values.tolist()]


def _known(part: xr.Dataset) -> tuple[lf.Spectrum, Array, Array]:
    """Spectrum of the flow, mean squares of the images, and of images of its own kind, of one pair and kind of signals."""
    values, moments, own = (entries(part[key]) for key in ("singular_values", "moments", "own_moments"))
    return lf.Spectrum.from_values(values), moments, own


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """Errors in units of the images' mean square about the model's mean (the error of answering with that mean)."""
    rows: list[dict[str, object]] = []
    for pair, signals in _cases(dataset):
        spectrum, t, own = _known(dataset.sel(pair=pair, signals=signals))
        for m in dataset["m"].values.tolist():
            ranks = np.arange(0, min(m - SPARE, spectrum.n) + 1)
            values = estimate(dataset["invertible"].sel(pair=pair, signals=signals, m=m), positive=True) / t.sum()
            risks = truncated_risk(t, m, ranks) / t.sum()
            # The rank that one would choose: the best one for the data that the flow was made for.
            chosen = int(truncated_risk(own, m, ranks).argmin())
            rows.append(
                {
                    "flow / signals": pair if signals == OTHER else f"{pair.split(' / ')[0]} / the same",
                    "m": m,
                    "invertible (95 %)": f"{values['mean']:.3g} ({values['low']:.3g} .. {values['high']:.3g})",
                    "equivalent": float(lf.risk.equivalent(spectrum, m, signal_variances=t) / t.sum()),
                    "rank chosen in distribution": int(ranks[chosen]),
                    "its risk (T3)": float(risks[chosen]),
                    "best rank": int(ranks[risks.argmin()]),
                    "its risk": float(risks.min()),
                    "floor of rank 16": float(t[16:].sum() / t.sum()),
                }
            )
    return rows


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    inside = points = wins = best = cases = 0
    off: list[float] = []
    growth: list[str] = []
    upset: list[str] = []
    for pair, signals in _cases(dataset):
        part = dataset.sel(pair=pair, signals=signals)
        spectrum, t, own = _known(part)
        flow_error, errors = estimate(part["invertible"], positive=True), estimate(part["truncated"], positive=True)
        m = dataset["m"].values
        theory = truncated_risk(t, m[:, None], dataset["rank"].values)
        there = np.isfinite(theory)
        inside += int(np.sum(((errors["low"].values <= theory) & (theory <= errors["high"].values))[there]))
        points += int(there.sum())
        off += np.abs(flow_error["mean"].values / lf.risk.equivalent(spectrum, m, signal_variances=t) - 1).tolist()
        if signals == OTHER:
            for i, count in enumerate(m.tolist()):
                ranks = np.arange(0, count - SPARE + 1)
                risks = truncated_risk(t, count, ranks)
                wins += bool(flow_error["high"][i] < risks[truncated_risk(own, count, ranks).argmin()])
                best += bool(flow_error["high"][i] < risks.min())
                cases += 1
            last = float(flow_error["mean"][-1])
            growth.append(f"{risks.min() / last:.2g} ({pair})")
        else:
            least = [np.nanmin(truncated_risk(t, count, np.arange(0, count - SPARE + 1))) for count in m.tolist()]
            upset += [pair.split(" / ")[0]] * bool(np.any(flow_error["low"].values > least))
    models = ", ".join(dict.fromkeys(upset))
    own_word = (
        f"In distribution a truncated prior beats the invertible one for the flow of {models}: T4 is about signals "
        "with the model's own variances, but shrinkage gives some variance to directions in which the held-out images have "
        "none at all (pixels that are always black). "
        if upset
        else "In distribution no truncated prior beats the invertible one (T4). "
    )
    return (
        "On images of another data set the invertible prior is better, beyond its interval, than the truncated prior whose "
        f"rank is best in distribution at {wins} of {cases} places, and than even the best rank for those very images at "
        f"{best} of {cases}; at m = {dataset['m'].values[-1]} the best rank's risk is this many times the invertible "
        f"prior's: {', '.join(growth)}. {own_word}The deterministic equivalent with the images' mean squares is off by "
        f"{100 * np.median(off):.2g} % in the median and {100 * max(off):.2g} % at most, though the images are not "
        f"Gaussian; T3 lies inside the 95 % interval of the truncated priors' error at {inside} of {points} points "
        "(more than 95 %, since the interval allows for other images and T3 is given these)."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Error over m, one row a pair, own images left and foreign ones right; and some reconstructions."""
    return {"": _error_figure(dataset), "images": _image_figure(dataset)}


_COLOURS = [OKABE_ITO[key] for key in ("orange", "green", "purple")]
_MARKERS = "os^"


def _error_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    pairs, signals = dataset["pair"].values.tolist(), dataset["signals"].values.tolist()
    figure = Figure(figsize=(8.4, 2.5 * len(pairs) + 1.6), layout="constrained")
    figure.suptitle("Flow fitted on one data set, images from the same (left) and from another (right)", fontsize=11)
    grid = figure.subplots(len(pairs), len(signals), squeeze=False, sharey="row")
    shown = [rank for rank in (2, 8, 24) if rank in dataset["rank"].values]
    m = dataset["m"].values
    for axes, pair in zip(grid, pairs, strict=True):
        for panel, kind in zip(axes, signals, strict=True):
            part = dataset.sel(pair=pair, signals=kind)
            spectrum, t, _ = _known(part)
            dense = np.arange(1, spectrum.n)
            equivalent = lf.risk.equivalent(spectrum, dense, signal_variances=t) / t.sum()
            panel.plot(dense, equivalent, "k--", linewidth=1.4, label="invertible, equivalent")
            values = estimate(part["invertible"], positive=True) / t.sum()
            _points(panel, m, values, OKABE_ITO["blue"], "D", "invertible (MLE), images")
            for rank, colour, marker in zip(shown, _COLOURS, _MARKERS, strict=False):
                risk = truncated_risk(t, dense, rank) / t.sum()
                panel.plot(dense, risk, color=colour, linewidth=1.4, label=f"rank {rank}, T3 (exact)")
                values = estimate(part["truncated"].sel(rank=rank), positive=True) / t.sum()
                _points(panel, m, values, colour, marker, f"rank {rank}, images")
            model, name = pair.split(" / ")
            panel.set_title(f"flow: {model}, images: {name if kind == OTHER else f'{model}, held out'}", fontsize=9)
            panel.set(yscale="log", xlim=(0, spectrum.n))
            panel.tick_params(labelsize=8)
            panel.grid(visible=True, color="0.9", linewidth=0.6)
        low = min(line.min() for line in (_lowest(axis) for axis in axes))
        axes[0].set_ylim(low / 1.6, 8.0)
        axes[0].set_ylabel("error / error of the mean", fontsize=9)
    for panel in grid[-1]:
        panel.set_xlabel(f"measurements $m$ (of $n$ = {spectrum.n})", fontsize=9)
    handles, labels = grid[0][0].get_legend_handles_labels()
    note = (
        f"bars: 95 % interval of the mean over images and draws of A, from {dataset.sizes['block']} blocks with images of "
        f"their own\nand {settings(dataset)['draws']} draws each (Student's t, log scale); error of the mean: of answering "
        "with the flow's mean"
    )
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": 4, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **style)
    return figure


def _lowest(panel: Any) -> Array:
    """The values of the panel's theory lines up to the last simulated m."""
    return np.array([np.nanmin(line.get_ydata()[:60]) for line in panel.get_lines() if len(line.get_ydata()) > 30])


def _image_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    cases = _cases(dataset)
    n, m = dataset.sizes["index"], shown_m(dataset["m"].values.tolist())
    figure = Figure(figsize=(7.4, 0.95 * len(cases) + 0.9), layout="constrained")
    figure.suptitle(f"$m$ = {m} of $n$ = {n} measurements; numbers: root of (error / error of the mean)", fontsize=10)
    grid = figure.subplots(len(cases), 2 + len(RECONSTRUCTIONS), squeeze=False)
    for axes, (pair, kind) in zip(grid, cases, strict=True):
        part = dataset.sel(pair=pair, signals=kind)
        x, mean = entries(part["truth"]), entries(part["model_mean"])
        shown = {"truth": x} | {name: entries(part["reconstruction"].sel(prior=name)) for name in RECONSTRUCTIONS}
        model, other = pair.split(" / ")
        axes[0].text(
            1.0, 0.5, f"flow: {model}\nimage: {other if kind == OTHER else model}", fontsize=8, ha="right", va="center"
        )
        axes[0].axis("off")
        for panel, (word, image) in zip(axes[1:], shown.items(), strict=True):
            panel.set(xticks=[], yticks=[])
            if not image.size:
                continue
            panel.imshow(image, cmap="gray", vmin=0, vmax=1)
            relative = np.linalg.norm(image - x) / np.linalg.norm(x - mean)
            panel.set_title(word if word == "truth" else f"{word}: {relative:.2f}", fontsize=8, pad=2)
    return figure


def _points(panel: Any, x: Any, values: Any, colour: str, marker: str, label: str) -> None:
    middle = values["mean"].values
    bars = np.abs(np.stack([middle - values["low"].values, values["high"].values - middle]))
    style = {"color": colour, "markersize": 4.0, "linewidth": 1.0, "capsize": 2.0}
    panel.errorbar(x, middle, yerr=bars, fmt=marker, label=label, **style)


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
