r"""Compressed sensing with a deep flow: error against m, beside its linear part, truncated priors, a GAN and the lasso.

A RealNVP (digits) or Glow (folders of images) is trained on part of a data set; images that it never saw are reconstructed
from m noiseless Gaussian measurements. Beating the lasso says nothing about depth, so every method is compared with the
linear flow that the deep one starts from, on the same images and the same A. The rivals' settings (alpha of the lasso, in
orthonormal cosines and Haar wavelets about the training mean; the GAN's penalty) are tuned on validation images; the rank
of the truncated prior is the best one by T3. "lasso, published" is the published comparison's: no mean, alpha = 0.01.

Other data: ``linflow run deep-sample-complexity --data FACES`` trains on a folder of images at 32 x 32 pixels in colour and
keeps a tenth of them for testing; with ``--ood OTHERS`` the test images are those of a second folder.

Sources: Asim et al. (ICML 2020), experiments on compressed sensing; Bora et al. (2017) for the GAN's estimator.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, estimate, settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
DIGITS = "digits"
#: Pixels along a side of the images of folders.
SIDE = 32
FLOW, LINEAR, TRUNCATED, GAN = "deep flow", "linear flow", "truncated linear", "GAN"
DCT, HAAR, PUBLISHED = "lasso, cosines", "lasso, Haar", "lasso, published"
METHODS = (FLOW, LINEAR, TRUNCATED, GAN, DCT, HAAR, PUBLISHED)
#: Part of a data set for testing, part for tuning the rivals; the rest is for training.
TEST_PART, VALIDATION_PART = 1 / 6, 1 / 18
#: Validation images used, and penalties of the GAN that are tried, in units of m.
VALIDATION, PENALTIES = 12, (0.0, 1e-3, 1e-2)


@dataclass(frozen=True)
class Data:
    """Images as flat rows, split once and for all."""

    shape: tuple[int, int, int]
    training: Array
    validation: Array
    test: Array


@cache
def data_of(case: str) -> Data:
    """Digits, or the images of one or two folders ("FOLDER" or "FOLDER / FOLDER")."""
    if case == DIGITS:
        images, shape, folders = lf.data.digits(), (8, 8, 1), [""]
    else:
        folders, shape = case.split(" / "), (SIDE, SIDE, 3)
        images = lf.data.image_folder(folders[0], size=SIDE, grey=False)
    images = images[np.random.default_rng(0).permutation(len(images))]
    tested, tuned = max(1, round(TEST_PART * len(images))), max(1, round(VALIDATION_PART * len(images)))
    test = images[:tested] if len(folders) == 1 else lf.data.image_folder(folders[1], size=SIDE, grey=False)
    return Data(shape, images[tested + tuned :], images[tested : tested + tuned], test)


def model_of(case: str, kind: str, steps: int) -> Any:
    """A trained flow or GAN; trained once, and then kept in linflow's cache folder."""
    from linflow.deep import trained

    data = data_of(case)
    images = data.training.reshape(-1, *data.shape)
    if kind == "flow":
        kind = "realnvp" if case == DIGITS else "glow"
    options: dict[str, Any] = {"batch": 128} if kind == "realnvp" else {}
    return trained(kind, images, steps=steps, **options)


def own_images(case: str, blocks: int, block: int, most: int) -> Array:
    """The test images of one block: every blocks-th one; of fewer images than blocks, all."""
    test = data_of(case).test
    return test[block % blocks :: blocks][:most] if len(test) >= blocks else test[:most]


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """PSNR and mean squared error of every method on the block's images, with an A of its own."""
    from linflow import deep
    from linflow.deep import rivals

    case, m, data = params["case"], params["m"], data_of(params["case"])
    x = own_images(case, params["parts"], params["block"], params["images"])
    n, mean = x.shape[1], data.training.mean(axis=0)
    A = lf.measurement.gaussian(m, n, rng)
    y = x @ A.T
    flow, gan = model_of(case, "flow", params["flow_steps"]), model_of(case, "gan", params["gan_steps"])
    rank = min(range(m - 1), key=lambda k: float(lf.risk.truncated(flow.linear.spectrum, m, k)))
    found = {
        FLOW: deep.solve(flow, A, y),
        LINEAR: lf.mle(flow.linear, A, y),
        TRUNCATED: lf.truncated_least_squares(flow.linear, A, y, rank=rank),
        GAN: deep.csgm(gan, A, y, rng=rng, penalty=m * tuned_penalty(case, m, params), **gan_effort(params)).x,
    }
    for name, basis in ((DCT, "dct"), (HAAR, "haar")):
        options: dict[str, Any] = {"shape": data.shape, "basis": basis}
        alpha = tuned_alpha(case, m, basis)
        found[name] = rivals.lasso_images(A, y, alpha=alpha, mean=mean, **options)
    found[PUBLISHED] = rivals.lasso_images(A, y, shape=data.shape, basis="dct", alpha=rivals.PUBLISHED)
    errors = {name: np.mean((np.clip(x_hat, 0, 1) - x) ** 2, axis=1) for name, x_hat in found.items()}
    return {
        "psnr": [np.mean(-10 * np.log10(np.maximum(errors[name], 1e-20))) for name in METHODS],
        "mse": [errors[name].mean() for name in METHODS],
    }


def gan_effort(params: dict[str, Any]) -> dict[str, int]:
    """Starts and steps of the GAN's search."""
    return {"restarts": params["restarts"], "steps": params["gan_search"]}


@cache
def tuned_alpha(case: str, m: int, basis: str) -> float:
    """The lasso's alpha, chosen on validation images; the same in every process."""
    from linflow.deep import rivals

    data = data_of(case)
    chosen = data.validation[:VALIDATION]
    mean = data.training.mean(axis=0)
    return rivals.tuned_alpha(chosen, m, np.random.default_rng([1, m]), shape=data.shape, basis=basis, mean=mean)


_penalties: dict[tuple[Any, ...], float] = {}


def tuned_penalty(case: str, m: int, params: dict[str, Any]) -> float:
    """The GAN's penalty over m, chosen on validation images; the same in every process."""
    from linflow import deep

    key = (case, m, params["gan_steps"], *gan_effort(params).values())
    if key not in _penalties:
        images, gan = data_of(case).validation[:VALIDATION], model_of(case, "gan", params["gan_steps"])
        A = lf.measurement.gaussian(m, images.shape[1], np.random.default_rng([1, m]))

        def error(penalty: float) -> float:
            rng = np.random.default_rng([2, m])
            found = deep.csgm(gan, A, images @ A.T, rng=rng, penalty=m * penalty, **gan_effort(params))
            return float(np.mean((found.x - images) ** 2))

        _penalties[key] = min(PENALTIES, key=error)
    return _penalties[key]


def folders(data: str, ood: str) -> dict[str, Any]:
    """Faces of 32 x 32 pixels in colour have n = 3072."""
    if not data:
        raise lf.InputError("deep-sample-complexity takes --data FOLDER, and --ood only beside it")
    return {"case": (f"{data} / {ood}" if ood else data,), "m": (154, 307, 614, 1536), "blocks": 4, "parts": 4}


EXPERIMENT = Experiment(
    name="deep-sample-complexity",
    title="Compressed sensing: deep flow, linear flow, truncated priors, GAN, lasso",
    cell=cell,
    grid={"case": (DIGITS,), "m": (4, 8, 12, 16, 24, 32, 40, 48)},
    blocks=15,
    inner={"prior": METHODS},
    settings={
        "flow_steps": 2000,
        "gan_steps": 4000,
        "parts": 15,
        "images": 20,
        "restarts": 10,
        "gan_search": 100,
    },
    variables={
        "psnr": Variable("PSNR, mean over images, values clipped to [0, 1]", "dB", ("prior",)),
        "mse": Variable("mean squared error of a pixel, likewise clipped", "[x]^2", ("prior",)),
    },
    quick={
        "m": (8, 16, 32),
        "blocks": 6,
        "parts": 6,
        "images": 15,
        "flow_steps": 800,
        "gan_steps": 1500,
        "restarts": 4,
        "gan_search": 50,
    },
    cost=lambda params: float(params["m"]),
    folders=folders,
)


def _pm(values: Any, digits: int, *, sign: bool = False) -> str:
    """Mean with its standard error over blocks."""
    error = float(values.std("block", ddof=1)) / np.sqrt(float(values.notnull().sum("block")))
    return f"{float(values.mean('block')):{'+' if sign else ''}.{digits}f} ± {error:.{digits}f}"


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """PSNR of every method, and its paired difference to the linear flow; ± is one standard error over blocks."""
    rows: list[dict[str, object]] = []
    for case in dataset["case"].values.tolist():
        for m in dataset["m"].values.tolist():
            part = dataset.sel(case=case, m=m)
            linear = part["psnr"].sel(prior=LINEAR)
            row: dict[str, object] = {"images": case, "m": m, "linear flow, dB": _pm(linear, 2)}
            for name in METHODS:
                if name != LINEAR:
                    row[f"{name}: - linear, dB"] = _pm(part["psnr"].sel(prior=name) - linear, 2, sign=True)
            ratio = part["mse"].sel(prior=FLOW).mean("block") / part["mse"].sel(prior=LINEAR).mean("block")
            row["mse, flow / linear"] = f"{float(ratio):.2f}"
            rows.append(row)
    return rows


def gains(dataset: xr.Dataset, method: str) -> Any:
    """Paired differences of the flow's PSNR to a method's, with 95 % intervals."""
    return estimate(dataset["psnr"].sel(prior=FLOW) - dataset["psnr"].sel(prior=method))


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    parts = []
    for case in dataset["case"].values.tolist():
        part, m = dataset.sel(case=case), dataset["m"].values
        linear = gains(part, LINEAR)
        mse = part["mse"].mean("block")
        ratio = mse.sel(prior=FLOW) / mse.sel(prior=LINEAR)
        best, least = int(linear["mean"].values.argmax()), int(linear["mean"].values.argmin())
        clear = [str(count) for count, low in zip(m, linear["low"].values, strict=True) if low > 0]
        spans = []
        for name in (GAN, DCT, HAAR, PUBLISHED, TRUNCATED):
            gain = gains(part, name)["mean"]
            spans.append(f"{name} by {float(gain.min()):+.1f} to {float(gain.max()):+.1f} dB")
        parts.append(
            f"{case}: the deep flow gains over its own linear part {float(linear['mean'][best]):+.2f} dB at m = {m[best]}, "
            f"where most, and {float(linear['mean'][least]):+.2f} dB at m = {m[least]}, where least; the 95 % interval of "
            f"the gain lies above 0 at {len(clear)} of {len(m)} m ({', '.join(clear) or 'none'}). Its mean squared error, "
            f"decided by the worst images, is {float(ratio.min()):.2f}-{float(ratio.max()):.2f} times the linear one's. "
            f"Over the range of m it "
            f"exceeds the others: {'; '.join(spans)}. The linear flow alone is above the GAN at "
            f"{int((gains(part, GAN)['mean'] > linear['mean']).sum())} and above the lasso in cosines at "
            f"{int((gains(part, DCT)['mean'] > linear['mean']).sum())} of {len(m)} m, so that a comparison without it "
            "would credit depth with what a covariance does."
        )
    return " ".join(parts)


_COLOURS = ("blue", "black", "sky", "purple", "orange", "vermillion", "green")
_MARKERS = "Dos^v<x"


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """PSNR over m, its difference to the linear flow, and reconstructions."""
    return {"": _psnr_figure(dataset), "images": _image_figure(dataset)}


def _psnr_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    cases, m = dataset["case"].values.tolist(), dataset["m"].values
    figure = Figure(figsize=(9.6, 3.9 * len(cases) + 0.9), layout="constrained")
    grid = figure.subplots(len(cases), 2, squeeze=False)
    for axes, case in zip(grid, cases, strict=True):
        data = data_of(case)
        for name, colour, marker in zip(METHODS, _COLOURS, _MARKERS, strict=True):
            values = dataset["psnr"].sel(case=case, prior=name)
            style: dict[str, Any] = {"color": OKABE_ITO[colour], "marker": marker, "markersize": 4.5, "capsize": 2.0}
            style |= {"linestyle": "--" if name == LINEAR else "-", "linewidth": 2.0 if name == FLOW else 1.2}
            for panel, shown in zip(axes, (values, values - dataset["psnr"].sel(case=case, prior=LINEAR)), strict=True):
                found = estimate(shown)
                bars = found["high"] - found["mean"]
                panel.errorbar(m, found["mean"], yerr=bars, label=name, zorder=3 if name == FLOW else 2, **style)
        for panel in axes:
            panel.set_xlabel(f"measurements $m$ (of $n$ = {data.test.shape[1]})")
            panel.grid(visible=True, color="0.9", linewidth=0.6)
        axes[0].set(ylabel="PSNR, dB", title=_short(case))
        axes[1].set(ylabel="PSNR, difference to the linear flow, dB", title="the same images and the same $A$, paired")
    handles, labels = grid[0][0].get_legend_handles_labels()
    drawn = settings(dataset)
    note = (
        f"bars: 95 % interval of the mean (Student's t) from {dataset.sizes['block']} blocks, each with its own $A$ and "
        f"up to {drawn['images']} test images"
    )
    options: dict[str, Any] = {"loc": "outside lower center", "ncols": 4, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **options)
    return figure


def _short(case: str) -> str:
    """A case's name without the way to its folders."""
    return " / ".join(part.rstrip("/").rsplit("/", 1)[-1] for part in case.split(" / "))


def _image_figure(dataset: xr.Dataset) -> Figure:
    """What each method makes of some test images at one m."""
    from matplotlib.figure import Figure

    from linflow import deep
    from linflow.deep import rivals

    case = dataset["case"].values.tolist()[0]
    data, drawn = data_of(case), settings(dataset)
    counts = dataset["m"].values.tolist()
    m = counts[len(counts) // 2]
    rng = np.random.default_rng(dataset.attrs["seed"])
    A, x = lf.measurement.gaussian(m, data.test.shape[1], rng), data.test[:6]
    flow, gan = model_of(case, "flow", drawn["flow_steps"]), model_of(case, "gan", drawn["gan_steps"])
    penalty = m * tuned_penalty(case, m, drawn)
    mean = data.training.mean(axis=0)
    y = x @ A.T
    shown = {"truth": x, FLOW: deep.solve(flow, A, y), LINEAR: lf.mle(flow.linear, A, y)}
    shown[GAN] = deep.csgm(gan, A, y, rng=rng, penalty=penalty, **gan_effort(drawn)).x
    for name, basis in ((DCT, "dct"), (HAAR, "haar")):
        alpha = tuned_alpha(case, m, basis)
        shown[name] = rivals.lasso_images(A, y, shape=data.shape, basis=basis, alpha=alpha, mean=mean)
    figure = Figure(figsize=(1.15 * len(x) + 1.3, 1.15 * len(shown) + 0.6), layout="constrained")
    figure.suptitle(f"{_short(case)}: $m$ = {m} of $n$ = {x.shape[1]}; numbers: PSNR in dB", fontsize=10)
    for axes, (name, images) in zip(figure.subplots(len(shown), len(x)), shown.items(), strict=True):
        for panel, image, truth in zip(axes, images, x, strict=True):
            clipped = np.clip(image, 0, 1)
            panel.imshow(clipped.reshape(data.shape).squeeze(), cmap="gray", vmin=0, vmax=1)
            panel.set(xticks=[], yticks=[])
            if name != "truth":
                panel.set_title(f"{-10 * np.log10(np.mean((clipped - truth) ** 2)):.1f}", fontsize=8, pad=2)
        axes[0].set_ylabel(name, fontsize=8, rotation=0, ha="right", va="center")
    return figure


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
