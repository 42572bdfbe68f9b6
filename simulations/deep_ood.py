r"""Out of distribution with a deep flow: trained on one set of images, tried on another, beside a GAN.

A GAN reconstructs only what lies in its k-dimensional range, whatever is measured; an invertible network has every image in
its range. Measured here as the *reach*: the PSNR that each model gives an image that is known completely. For the flow it
is that of a round trip G(G^{-1}(x)), which only rounding limits (shown clipped at 120 dB); for the GAN that of the nearest
image in its range, the best of several descents; for the linear flow truncated to the GAN's k directions, that of the
projection. Then compressed sensing of images of the training set's kind and of the other kind: does what the flow learnt
beyond its covariance help, or harm, on images of another kind? Always beside the linear flow, on the same images and A.

The GAN's penalty is tuned on validation images of the training set's kind. The 70 faces of scikit-image that are left for
training teach a flow nothing beyond their covariance, and the weights that are kept are then those of the linear model.

Other data: ``linflow run deep-ood --data FACES --ood BIRDS`` at 32 x 32 pixels in colour (``--set size=64``: others).
Source: Asim et al. (ICML 2020), experiments out of distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Problem, Variable, estimate, folder_images, own_answers, settings
from linflow.experiments.compared import beyond, compared, own_styles, told

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from linflow.experiments import Outside

Array = NDArray[np.float64]
OWN, OTHER = "own kind, held out", "other kind"
FLOW, LINEAR, GAN, RANK = "deep flow", "linear flow", "GAN", "truncated linear"
METHODS, REACHES = (FLOW, LINEAR, GAN), (FLOW, RANK, GAN)
DIGITS, FACES = "digits 0-4 / digits 5-9", "faces / non-faces"
TEST_PART, CEILING = 0.2, 120.0
#: Differences in dB below this are rounding: the flow is its linear part.
SAME = 0.05
#: Validation images of the GAN, and its penalties that are tried, in units of m.
VALIDATION, PENALTIES = 12, (0.0, 1e-3, 1e-2)


@dataclass(frozen=True)
class Pair:
    """Training images, and the images to reconstruct, flat."""

    shape: tuple[int, int, int]
    training: Array
    validation: Array
    images: dict[str, Array]


@cache
def pair_of(name: str, size: int) -> Pair:
    """Training and test images of a pair; the same in every process."""
    if name == DIGITS:
        from sklearn.datasets import load_digits

        low = load_digits().target < 5
        own, other, shape = lf.data.digits()[low], lf.data.digits()[~low], (8, 8, 1)
    elif name == FACES:
        own, other, shape = lf.data.faces(8), lf.data.non_faces(8), (8, 8, 1)
    else:
        own, other = (folder_images(folder, size=size, grey=False) for folder in name.split(" / "))
        shape = (size, size, 3)
    rng = np.random.default_rng(0)
    own, other = own[rng.permutation(len(own))], other[rng.permutation(len(other))]
    count = max(1, round(TEST_PART * len(own)))
    tuned = min(VALIDATION, len(own) // 10)
    return Pair(shape, own[count + tuned :], own[count : count + tuned], {OWN: own[:count], OTHER: other})


def outside(given: Outside, params: dict[str, Any]) -> Any:
    """The flow in the place of the trained one."""
    from linflow.deep.outside import whole

    return whole(given, 64 if params["pair"] in (DIGITS, FACES) else 3 * params["size"] ** 2)


def model_of(params: dict[str, Any], kind: str) -> Any:
    """A trained flow or GAN, trained once, and then kept in linflow's cache folder; or the flow that is given."""
    from linflow.deep import trained

    if kind == "flow" and params["given_flow"] is not None:
        return outside(params["given_flow"], params)
    pair, steps = pair_of(params["pair"], params["size"]), params[f"{kind}_steps"]
    if kind == "flow":
        kind = "realnvp" if pair.shape[0] == 8 else "glow"
    options: dict[str, Any] = {"batch": 128} if kind == "realnvp" else {}
    return trained(kind, pair.training.reshape(-1, *pair.shape), steps=steps, **options)


_penalties: dict[tuple[Any, ...], float] = {}


def tuned_penalty(params: dict[str, Any], m: int) -> float:
    """The GAN's penalty over m, chosen on validation images; the same in every process."""
    from linflow import deep

    key = (params["pair"], params["size"], m, params["gan_steps"], *effort(params).values())
    if key not in _penalties:
        images, gan = pair_of(params["pair"], params["size"]).validation, model_of(params, "gan")
        A = lf.measurement.gaussian(m, images.shape[1], np.random.default_rng([1, m]))

        def error(penalty: float) -> float:
            starts = np.random.default_rng([2, m])
            found = deep.csgm(gan, A, images @ A.T, rng=starts, penalty=m * penalty, **effort(params))
            return float(np.mean((found.x - images) ** 2))

        _penalties[key] = min(PENALTIES, key=error)
    return _penalties[key]


def effort(params: dict[str, Any]) -> dict[str, int]:
    """Starts and steps of the GAN's search."""
    return {"restarts": params["restarts"], "steps": params["gan_search"]}


def psnr(x_hat: Array, x: Array) -> Array:
    """PSNR of each image, values clipped to [0, 1], at most `CEILING`."""
    mse = np.mean((np.clip(x_hat, 0, 1) - x) ** 2, axis=1)
    found: Array = -10 * np.log10(np.maximum(mse, 10 ** (-CEILING / 10)))
    return found


def problem_of(params: dict[str, Any], A: Array, y: Array, rng: np.random.Generator) -> Problem:
    """Some images as they are measured, without noise."""
    pair = pair_of(params["pair"], params["size"])
    return Problem(y=y, A=A, noise_std=0.0, shape=pair.shape, training=lambda: pair.training, rng=rng)


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """PSNR of every method on the block's images with an A of its own, and what each model can reach at all."""
    import torch

    from linflow import deep

    images = pair_of(params["pair"], params["size"]).images[params["signals"]]
    block, parts = params["block"], params["parts"]
    x = (images[block % parts :: parts] if len(images) >= parts else images)[: params["images"]]
    n = x.shape[1]
    found = np.zeros((len(params["share"]), len(compared(params, METHODS))))
    for i, share in enumerate(params["share"]):
        m = max(1, round(share * n))
        A = lf.measurement.gaussian(m, n, rng)
        y = x @ A.T
        # Those from outside first: a mistake in one is told before a flow is trained.
        own = own_answers(params, problem_of(params, A, y, rng))
        flow, gan = model_of(params, "flow"), model_of(params, "gan")
        estimates = {FLOW: deep.solve(flow, A, y), LINEAR: lf.mle(flow.linear, A, y)}
        estimates[GAN] = deep.csgm(gan, A, y, rng=rng, penalty=m * tuned_penalty(params, m), **effort(params)).x
        estimates |= own
        found[i] = [psnr(estimates[name], x).mean() for name in compared(params, METHODS)]
    with torch.no_grad():
        again = flow.forward(flow.inverse(x)).numpy()
    reached = {FLOW: again, RANK: flow.linear.truncate(gan.latent).project(x)}
    reached[GAN] = deep.csgm(gan, np.eye(n), x, rng=rng, penalty=0.0, **effort(params)).x
    return {"psnr": found, "reach": [psnr(reached[name], x).mean() for name in REACHES]}


def two_folders(data: str, ood: str) -> dict[str, Any]:
    """The pair of two folders."""
    if not data or not ood:
        raise lf.InputError("deep-ood needs both --data (the flow's images) and --ood (the other ones)")
    search = {"flow_steps": 1200, "restarts": 3, "gan_search": 60, "images": 4}
    return {"pair": (f"{data} / {ood}",), "share": (0.1, 0.2, 0.5), "blocks": 6, "parts": 6} | search


EXPERIMENT = Experiment(
    name="deep-ood",
    title="Out of distribution: a deep flow, its linear part and a GAN, trained on one set and tried on another",
    cell=cell,
    grid={"pair": (FACES, DIGITS), "signals": (OWN, OTHER)},
    blocks=10,
    inner={"share": (0.1, 0.25, 0.5, 0.75, 0.9), "prior": METHODS, "model": REACHES},
    settings={
        "size": 32,
        "flow_steps": 1500,
        "gan_steps": 4000,
        "parts": 10,
        "images": 20,
        "restarts": 10,
        "gan_search": 100,
    },
    variables={
        "psnr": Variable("PSNR, mean over images, clipped to [0, 1]", "dB", ("share", "prior")),
        "reach": Variable("PSNR of an image that is known completely", "dB", ("model",)),
    },
    quick={
        "pair": (DIGITS,),
        "share": (0.25, 0.5, 0.75),
        "blocks": 6,
        "parts": 6,
        "images": 10,
        "flow_steps": 800,
        "gan_steps": 1500,
        "restarts": 3,
        "gan_search": 50,
    },
    folders=two_folders,
    flow=outside,
    methods="prior",
)


def names_of(dataset: xr.Dataset) -> list[str]:
    """The methods that are compared with the linear flow, those from outside last."""
    return [str(name) for name in dataset["prior"].values if name != LINEAR]


def _cases(dataset: xr.Dataset) -> list[tuple[str, str]]:
    return [(pair, kind) for pair in dataset["pair"].values.tolist() for kind in dataset["signals"].values.tolist()]


def _short(pair: str) -> str:
    """A pair's name without the way to its folders."""
    return " / ".join(part.rstrip("/").rsplit("/", 1)[-1] for part in pair.split(" / "))


def _pm(values: Any, *, sign: bool = False) -> str:
    error = float(values.std("block", ddof=1)) / np.sqrt(float(values.notnull().sum("block")))
    return f"{float(values.mean('block')):{'+' if sign else ''}.2f} ± {error:.2f}"


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """PSNR, paired differences to the linear flow, and the reach; ± is one standard error over blocks."""
    rows: list[dict[str, object]] = []
    for pair, kind in _cases(dataset):
        part = dataset.sel(pair=pair, signals=kind)
        reach = {f"reach of the {name}, dB": _pm(part["reach"].sel(model=name)) for name in REACHES}
        for share in dataset["share"].values.tolist():
            values = part["psnr"].sel(share=share)
            linear = values.sel(prior=LINEAR)
            row: dict[str, object] = {"trained on / other": _short(pair), "images": kind, "m / n": share}
            row |= {"linear flow, dB": _pm(linear)}
            row |= {f"{name}: - linear, dB": _pm(values.sel(prior=name) - linear, sign=True) for name in names_of(dataset)}
            rows.append(row | reach)
    return rows


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    parts = []
    for pair, kind in _cases(dataset):
        part = dataset.sel(pair=pair, signals=kind)
        linear = part["psnr"].sel(prior=LINEAR)
        gain, gan = estimate(part["psnr"].sel(prior=FLOW) - linear), estimate(part["psnr"].sel(prior=GAN) - linear)
        better = int((gain["low"] > 0).sum())
        worse = int((gain["high"] < 0).sum())
        reach = part["reach"].mean("block")
        parts.append(
            f"{_short(pair)}, {kind}: the deep flow against its linear part "
            f"{float(gain['mean'].min()):+.2f} to {float(gain['mean'].max()):+.2f} dB over m (better beyond the interval "
            f"at {better}, worse at {worse} of {gain['mean'].size}), the GAN {float(gan['mean'].min()):+.1f} to "
            f"{float(gan['mean'].max()):+.1f} dB; an image known completely: flow {float(reach.sel(model=FLOW)):.0f} dB, "
            f"GAN {float(reach.sel(model=GAN)):.1f} dB, as many directions of the linear flow "
            f"{float(reach.sel(model=RANK)):.1f} dB."
        )
        if float(np.abs(part["psnr"].sel(prior=FLOW) - linear).max()) < SAME and "flow" not in dataset.attrs:
            parts.append("(Training never improved on the linear model for held-out images, so the flow is still linear.)")
    own = "".join(f" {sentence}" for sentence in _own_sentences(dataset))
    return " ".join(parts) + f"{own} The flow's representation error is rounding, on images of any kind; the GAN's is not."


def _own_sentences(dataset: xr.Dataset) -> list[str]:
    """One for each method from outside."""
    places = {
        f"{_short(pair)}, {kind}, m / n = {share:g}": dataset["psnr"].sel(pair=pair, signals=kind, share=share)
        for pair, kind in _cases(dataset)
        for share in dataset["share"].values.tolist()
    }
    return [
        told(name, LINEAR, {place: found.sel(prior=name) - found.sel(prior=LINEAR) for place, found in places.items()})
        for name in beyond(dataset, "prior", METHODS)
    ]


#: Colour, marker and line of each method.
_STYLE = {FLOW: ("blue", "D", "-"), LINEAR: ("black", "o", "--"), GAN: ("purple", "v", "-"), RANK: ("sky", "s", "-")}


def styles_of(dataset: xr.Dataset) -> dict[str, tuple[str, str, str]]:
    """Colour, marker and line of every method and model."""
    own = own_styles(beyond(dataset, "prior", METHODS), [colour for colour, _, _ in _STYLE.values()])
    return {**_STYLE, **{name: (colour, marker, "-") for name, (colour, marker) in own.items()}}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """PSNR over m for own and other images, and the reach."""
    from matplotlib.figure import Figure

    pairs, kinds = dataset["pair"].values.tolist(), dataset["signals"].values.tolist()
    figure = Figure(figsize=(11.0, 3.6 * len(pairs) + 0.8), layout="constrained")
    grid = figure.subplots(len(pairs), len(kinds) + 1, squeeze=False)
    lines = styles_of(dataset)
    for axes, pair in zip(grid, pairs, strict=True):
        for panel, kind in zip(axes, kinds, strict=False):
            for name in map(str, dataset["prior"].values):
                colour, marker, line = lines[name]
                found = estimate(dataset["psnr"].sel(pair=pair, signals=kind, prior=name))
                style: dict[str, Any] = {"color": OKABE_ITO[colour], "marker": marker, "linestyle": line}
                bars = found["high"] - found["mean"]
                style |= {"markersize": 4.5, "capsize": 2.0, "linewidth": 1.4}
                panel.errorbar(dataset["share"], found["mean"], yerr=bars, label=name, **style)
            trained_on, other = _short(pair).split(" / ")
            panel.set_title(f"trained on {trained_on}, images: {other if kind == OTHER else trained_on}", fontsize=9)
            panel.set(xlabel="$m / n$", ylabel="PSNR, dB")
        low = min(panel.get_ylim()[0] for panel in axes[:-1])
        high = max(panel.get_ylim()[1] for panel in axes[:-1])
        for panel in axes[:-1]:
            panel.set_ylim(low, high)
        last = axes[-1]
        for place, name in enumerate(REACHES):
            colour, marker, _ = lines[name]
            found = estimate(dataset["reach"].sel(pair=pair, model=name))
            at = place + 0.16 * (np.arange(len(kinds)) - 0.5)
            for x, mean, top, kind in zip(at, found["mean"].values, found["high"].values, kinds, strict=True):
                face = "white" if kind == OTHER else OKABE_ITO[colour]
                style = {"color": OKABE_ITO[colour], "marker": marker, "markerfacecolor": face, "capsize": 2.0}
                last.errorbar(x, mean, yerr=top - mean, linestyle="none", **style)
        last.set_xticks(range(len(REACHES)), [name.replace(" ", "\n") for name in REACHES], fontsize=8)
        last.set(ylabel="PSNR of an image known completely, dB", xlim=(-0.5, len(REACHES) - 0.5), ylim=(0, None))
        last.set_title("reach; filled: own kind, hollow: other", fontsize=9)
        for panel in axes:
            panel.grid(visible=True, color="0.9", linewidth=0.6)
    handles, labels = grid[0][0].get_legend_handles_labels()
    note = (
        f"bars: 95 % interval of the mean (Student's t) from {dataset.sizes['block']} blocks, each with its own $A$ and "
        f"up to {settings(dataset)['images']} images"
    )
    style = {"loc": "outside lower center", "ncols": 3, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **style)
    return {"": figure}


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
