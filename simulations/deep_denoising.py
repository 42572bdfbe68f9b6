"""Denoising by a flow of patches that knows the noise level: against BM3D, non-local means and the linear patch filter.

Slides 10-11. A small Glow learns the law of 8 x 8 patches plus noise, for every noise level at once. Tweedie's formula
turns its log-density into a denoiser, half-quadratic splitting lets overlapping patches agree. Photographs of
scikit-image: trained on three, tested on tiles of two others; digits: trained on 1700, tested on others.

The control is the linear patch filter, the same flow before it is trained (Wiener's, one pass: later passes cost it
accuracy): a gain over BM3D proves nothing about depth, a gain over this one does. BM3D (extra ``bm3d``; without it the
experiment runs and leaves it out) gets the noisy image as it is, and clipped to [0, 1] too. Non-local means is tuned on a
training image. Every estimate is clipped to [0, 1]; a block is one test image with its own noise, so differences are
paired. ``--data A --ood B`` trains on the images of folder A and tests on those of folder B, in colour.

Sources: Asim et al. (ICML 2020); Zoran & Weiss (2011); Dabov, Foi, Katkovnik & Egiazarian (2007) for BM3D.
"""

from __future__ import annotations

from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import METHODS as SHARED
from linflow.experiments import (
    OKABE_ITO,
    Experiment,
    Problem,
    Variable,
    answer,
    entries,
    estimate,
    folder_images,
    own_answers,
    settings,
)
from linflow.experiments.compared import beyond, compared, own_styles, plus_minus, told
from linflow.experiments.methods import non_local_means

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from linflow.deep import Flow
    from linflow.experiments import Outside

FloatArray = NDArray[np.float64]

TRAINING, TESTING = ("astronaut", "coffee", "chelsea"), ("camera", "coins")
REFERENCE = "linear patches"
METHODS = ("noisy", REFERENCE, "non-local means", "BM3D", "BM3D, clipped input", "flow patches")
PIXELS = ("row", "column", "channel")
#: BM3D and non-local means compare blocks: images below this side have too few of them.
_SMALLEST = 32
_TUNED = (0.3, 0.45, 0.6, 0.75, 0.9, 1.1)


def tiles(name: str, side: int) -> FloatArray:
    """A photograph of scikit-image in [0, 1], grey, cut into tiles: (count, side, side, 1)."""
    from skimage import data
    from skimage.color import rgb2gray

    image = np.asarray(getattr(data, name)())
    grey = np.asarray(rgb2gray(image) if image.ndim == 3 else image / 255.0, dtype=np.float64)
    rows, columns = (extent // side for extent in grey.shape)
    cut = grey[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return cut.swapaxes(1, 2).reshape(-1, side, side, 1)


@cache
def images_of(case: str, size: int) -> tuple[FloatArray, FloatArray]:
    """Training and test images of a case, (count, H, W, C); no test image shares pixels with a training image."""
    if case == "digits":
        digits = lf.data.digits()[np.random.default_rng(0).permutation(1797)].reshape(-1, 8, 8, 1)
        return digits[:1700], digits[1700:]
    if case == "photographs":
        # Tiles of both test photographs in turn, from all over them.
        rng = np.random.default_rng(0)
        first, second = (rng.permutation(tiles(name, size)) for name in TESTING)
        count = min(len(first), len(second))
        paired = np.stack([first[:count], second[:count]], axis=1).reshape(-1, size, size, 1)
        return np.concatenate([tiles(name, 64) for name in TRAINING]), paired
    folders = case.split(" / ")
    train, test = (folder_images(folder, size=size, grey=False).reshape(-1, size, size, 3) for folder in folders)
    return train, test


@cache
def training_of(case: str, size: int) -> FloatArray:
    """Training images of the size of those to be denoised, one a row: what methods from outside may learn from."""
    found = np.concatenate([tiles(name, size) for name in TRAINING]) if case == "photographs" else images_of(case, size)[0]
    return found.reshape(len(found), -1)


def outside(given: Outside, params: dict[str, Any]) -> Flow:
    """The flow in the place of the trained one."""
    from linflow.deep.outside import patches

    side = 8 if params["case"] == "digits" else params["size"]
    return patches(given, side, 1 if params["case"] in ("digits", "photographs") else 3)


@cache
def patch_flow(case: str, size: int, steps: int, given: Outside | None = None) -> Flow:
    """The flow of patches, given or trained, from the cache of trained models where it is there."""
    from linflow import deep

    if given is not None:
        return outside(given, {"case": case, "size": size})
    change = "jitter" if case == "digits" else "crops"
    flow: Flow = deep.trained("patches", images_of(case, size)[0], steps=steps, augment=change)
    return flow


def problem_of(noisy: FloatArray, params: dict[str, Any], rng: np.random.Generator) -> Problem:
    """One noisy image, (H, W, C), as every method gets it."""
    return Problem(
        y=noisy.reshape(1, -1),
        A=lf.measurement.identity(noisy.size),
        noise_std=params["noise_std"],
        shape=noisy.shape,
        training=partial(training_of, params["case"], params["size"]),
        rng=rng,
    )


@cache
def tuned(case: str, size: int, noise_std: float) -> float:
    """The factor of non-local means that is best on six noisy training images."""
    train = images_of(case, size)[0]
    clean = train[:: len(train) // 6][:6]  # from all over: the first ones may be one smooth corner
    noisy = clean + noise_std * np.random.default_rng(1).standard_normal(clean.shape)
    y, shape = noisy.reshape(len(noisy), -1), clean.shape[1:]
    problem = Problem(y=y, A=lf.measurement.identity(y.shape[1]), noise_std=noise_std, shape=shape)

    def quality(factor: float) -> float:
        estimates = problem.images(non_local_means(problem, factor=factor))
        return float(np.mean([psnr(x_hat, x) for x_hat, x in zip(estimates, clean, strict=True)]))

    return max(_TUNED, key=quality)


def psnr(estimated: FloatArray, truth: FloatArray) -> float:
    """In dB for a peak of 1, of the clipped estimate, to 4 decimals: BM3D is not the same to the last bit in every run."""
    return round(float(-10 * np.log10(np.mean((np.clip(estimated, 0.0, 1.0) - truth) ** 2))), 4)


def restorations(problem: Problem, params: dict[str, Any]) -> dict[str, FloatArray]:
    """What every method makes of one noisy image."""
    from linflow import deep
    from linflow.deep.patches import linear_control

    # Those from outside first: a mistake in one is told before a flow is trained.
    found = own_answers(params, problem)
    case, size, noise_std, noisy = params["case"], params["size"], params["noise_std"], problem.noisy[0]
    flow, stride = patch_flow(case, size, params["steps"], params["given_flow"]), params["stride"]
    shared = ["noisy"]
    if min(noisy.shape[:2]) >= _SMALLEST:
        nearby = partial(non_local_means, factor=tuned(case, size, noise_std))
        found["non-local means"] = answer("non-local means", nearby, problem)
        shared += ["BM3D", "BM3D, clipped input"] if params["bm3d"] else []
    found |= {name: answer(name, SHARED[name], problem) for name in shared}
    results = {name: problem.images(rows)[0] for name, rows in found.items()}
    results[REFERENCE] = deep.denoise_once(linear_control(flow), noisy, noise_std, stride=stride)
    results["flow patches"] = deep.denoise(flow, noisy, noise_std, stride=stride)
    return results


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """One draw of noise on one test image."""
    test = images_of(params["case"], params["size"])[1]
    clean = test[params["block"] % len(test)]
    noisy = clean + params["noise_std"] * rng.standard_normal(clean.shape)
    results = restorations(problem_of(noisy, params, rng), params)
    restored = [results.get(name, np.full_like(clean, np.nan)) for name in compared(params, METHODS)]
    return {"psnr": [psnr(result, clean) for result in restored], "original": clean, "restored": restored}


def two_folders(data: str, ood: str) -> str:
    """The name of a case of two folders."""
    if not data or not ood:
        raise lf.InputError("deep-denoising needs both --data (images to train on) and --ood (images to denoise)")
    return f"{data} / {ood}"


EXPERIMENT = Experiment(
    name="deep-denoising",
    title="Denoising: flow of patches, linear patches, BM3D, non-local means",
    cell=cell,
    grid={"case": ("photographs", "digits"), "noise_std": (0.05, 0.1, 0.2)},
    blocks=12,
    inner={"estimator": METHODS},
    # Whether BM3D is there is a setting, so that installing it later makes a new run.
    settings={"size": 128, "steps": 8000, "stride": 2, "bm3d": int(find_spec("bm3d") is not None)},
    variables={
        "psnr": Variable("PSNR of the clipped estimate, peak 1", "dB", ("estimator",)),
        "original": Variable("the image of block 0", "peak 1", PIXELS, once=True),
        "restored": Variable("what every method makes of it", "peak 1", ("estimator", *PIXELS), once=True),
    },
    quick={"size": 64, "steps": 600, "blocks": 8},
    folders=lambda data, ood: {"case": (two_folders(data, ood),), "size": 64, "steps": 16000},
    flow=outside,
    methods="estimator",
)


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """PSNR, and the flow's paired gains; ± is one standard error over test images."""
    rows: list[dict[str, object]] = []
    for case in dataset["case"].values.tolist():
        for noise_std in dataset["noise_std"].values.tolist():
            found = dataset["psnr"].sel(case=case, noise_std=noise_std)
            row: dict[str, object] = {"images": _short(case), "noise": noise_std}
            row |= {f"{name}, dB": _pm(found.sel(estimator=name)) for name in names_of(dataset)}
            for rival in (REFERENCE, "BM3D"):
                row[f"flow - {rival}"] = _pm(_gain(found, rival), sign="+")
            for name in beyond(dataset, "estimator", METHODS):
                row[f"{name} - {REFERENCE}"] = plus_minus(_gain(found, REFERENCE, name), sign=True)
            rows.append(row)
    return rows


def names_of(dataset: xr.Dataset) -> list[str]:
    """The methods that were compared, those from outside last."""
    return [str(name) for name in dataset["estimator"].values]


def _gain(psnrs: xr.DataArray, rival: str, of: str = "flow patches") -> xr.DataArray:
    return psnrs.sel(estimator=of) - psnrs.sel(estimator=rival)


def _pm(values: xr.DataArray, sign: str = "") -> str:
    """Mean and standard error over blocks."""
    count = int(values.notnull().sum())
    if count < 2:
        return "-"
    return f"{float(values.mean()):{sign}.2f} ± {float(values.std(ddof=1)) / np.sqrt(count):.2f}"


def _short(case: str) -> str:
    """A case's name; of two folders their last parts."""
    return " / ".join(part.rstrip("/").rsplit("/", 1)[-1] for part in case.split(" / "))


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    parts = []
    for case in dataset["case"].values.tolist():
        found = dataset["psnr"].sel(case=case)
        gains = []
        for rival in [name for name in names_of(dataset) if name not in ("noisy", "flow patches")]:
            each = [_pm(_gain(found.sel(noise_std=s), rival), sign="+") for s in dataset["noise_std"].values]
            if "-" not in each:
                gains.append(f"{', '.join(each)} dB from {rival}")
        parts.append(f"{_short(case)}: {'; '.join(gains)}")
    levels = ", ".join(f"{s:g}" for s in dataset["noise_std"].values)
    made = dataset.attrs["flow"] if "flow" in dataset.attrs else f"trained for {settings(dataset)['steps']} steps"
    absent = "" if settings(dataset)["bm3d"] else " BM3D is not installed: pip install 'linflow[bm3d]'."
    return (
        f"Paired differences of the flow of patches, {made}, at noise {levels} "
        f"(mean over {dataset.sizes['block']} test images ± one standard error). {'. '.join(parts)}. The first is what "
        "training adds to the linear model that the flow starts from: only that one speaks for depth. BM3D expects "
        f"Gaussian noise, so clipped input costs it accuracy as the noise grows.{absent}"
        + "".join(f" {sentence}" for sentence in _own_sentences(dataset))
    )


def _own_sentences(dataset: xr.Dataset) -> list[str]:
    """One for each method from outside."""
    places = {
        f"{_short(case)}, noise {noise_std:g}": dataset["psnr"].sel(case=case, noise_std=noise_std)
        for case in dataset["case"].values.tolist()
        for noise_std in dataset["noise_std"].values.tolist()
    }
    return [
        told(name, REFERENCE, {place: _gain(found, REFERENCE, name) for place, found in places.items()})
        for name in beyond(dataset, "estimator", METHODS)
    ]


_STYLE = {
    "linear patches": ("orange", "s", "--"),
    "non-local means": ("green", "^", ":"),
    "BM3D": ("black", "D", "-."),
    "BM3D, clipped input": ("purple", "v", (0, (1, 1))),
    "flow patches": ("blue", "o", "-"),
}


def styles_of(dataset: xr.Dataset) -> dict[str, tuple[str, str, Any]]:
    """Colour, marker and line of every method that is drawn."""
    own = own_styles(beyond(dataset, "estimator", METHODS), [colour for colour, _, _ in _STYLE.values()])
    return {**_STYLE, **{name: (colour, marker, "-") for name, (colour, marker) in own.items()}}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """PSNR over noise, and what every method makes of one noisy image of each case."""
    return {"": _psnr_figure(dataset), "images": _image_figure(dataset)}


def _psnr_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    cases, levels = dataset["case"].values.tolist(), dataset["noise_std"].values
    figure = Figure(figsize=(7.6, 3.1 * len(cases) + 0.8), layout="constrained")
    grid = figure.subplots(len(cases), 2, squeeze=False)
    handles: dict[str, Any] = {}
    for (left, right), case in zip(grid, cases, strict=True):
        found = dataset["psnr"].sel(case=case)
        for index, (name, (colour, marker, line)) in enumerate(styles_of(dataset).items()):
            values = found.sel(estimator=name)
            if not bool(values.notnull().any()):
                continue
            # Side by side, so that bars do not hide each other.
            at = levels * 1.03 ** (index - 2)
            style: dict[str, Any] = {"color": OKABE_ITO[colour], "marker": marker, "linestyle": line, "label": name}
            for panel, shown in ((left, values), (right, values - found.sel(estimator=REFERENCE))):
                if panel is right and name == REFERENCE:
                    right.axhline(0.0, color=OKABE_ITO[colour], linestyle=line)
                    continue
                e = estimate(shown)
                mean, bars = e["mean"].values, (e["high"] - e["mean"]).values
                handles[name] = panel.errorbar(at, mean, yerr=bars, linewidth=1.3, markersize=4.5, capsize=2, **style)
        left.set(title=_short(case), ylabel="PSNR, dB")
        right.set(title="gain over linear patches", ylabel="paired difference, dB")
        for panel in (left, right):
            panel.set_xscale("log")
            panel.set_xlim(levels.min() / 1.3, levels.max() * 1.3)
            panel.set_xticks(levels, [f"{s:g}" for s in levels])
            panel.xaxis.set_minor_locator(NullLocator())
            panel.set_xlabel("noise standard deviation (peak 1)")
            panel.grid(visible=True, color="0.9", linewidth=0.6)
    note = f"bars: 95 % over {dataset.sizes['block']} test images"
    style = {"loc": "outside lower center", "ncols": 3, "fontsize": 8, "frameon": False}
    figure.legend(handles.values(), handles.keys(), title=note, title_fontsize=8, **style)
    return figure


def _image_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    cases, levels, own = dataset["case"].values.tolist(), dataset["noise_std"].values.tolist(), settings(dataset)
    noise_std = levels[len(levels) // 2]
    shown = len(names_of(dataset)) + 1 - 2 * (not own["bm3d"])
    figure = Figure(figsize=(1.75 * shown, 2.2 * len(cases) + 0.4), layout="constrained")
    for line, case in zip(figure.subplots(len(cases), shown, squeeze=False), cases, strict=True):
        found = dataset.sel(case=case, noise_std=noise_std)
        pictures = {"original": entries(found["original"])}
        for name in names_of(dataset):
            value = float(found["psnr"].sel(estimator=name, block=0))
            pictures[f"{name}\n{value:.1f} dB"] = entries(found["restored"].sel(estimator=name))
        pictures = {title: picture for title, picture in pictures.items() if picture.size}
        for panel in line[len(pictures) :]:
            panel.set_visible(False)
        for panel, (title, picture) in zip(line, pictures.items(), strict=False):
            panel.imshow(np.clip(picture, 0.0, 1.0).squeeze(), cmap="gray", vmin=0.0, vmax=1.0)
            panel.set(xticks=[], yticks=[])
            panel.set_title(title, fontsize=8)
        line[0].set_ylabel(_short(case), fontsize=8)
    figure.suptitle(f"Noise standard deviation {noise_std:g} (peak 1)", fontsize=10)
    return figure


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
