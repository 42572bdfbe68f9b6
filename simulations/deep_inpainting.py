"""Inpainting by a nonlinear flow against the posterior mean of its linear part and biharmonic inpainting.

Slide 16, and the published experiment's centre box (30 % of the side). Pixels of test images are hidden: half of them at
random, a box, strokes of letters; the others are seen with a little noise. Small images get a flow of the whole image and
its posterior mode, searched in the coordinates of the exact linear posterior, where the search starts at the linear
model's answer. Larger ones get a flow of 8 x 8 patches that knows the noise level, by half-quadratic splitting from the
biharmonic image.

The linear model is the control: the posterior mean of the flow's linear part (T4, the best linear estimate), and for
patches the same splitting with the flow before it is trained. A gain over biharmonic inpainting, which knows no data set,
says nothing about depth. A block is one draw of test images and masks, differences are paired. ``--data A --ood B``
trains on folder A and tests on folder B, in colour at ``--set size=64`` pixels (up to 32: a flow of the whole image).

Sources: Asim et al. (ICML 2020); Venkatakrishnan et al. (2013) for splitting; THEORY.md section 1.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Problem, Variable, entries, estimate, folder_images, own_answers
from linflow.experiments.compared import beyond, compared, own_styles, plus_minus, told

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from linflow.deep import Flow
    from linflow.experiments import Outside

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

MASKS = ("random", "box", "text", "centre box")
REFERENCE = "linear"
METHODS = (REFERENCE, "biharmonic", "flow")
PIXELS = ("row", "column", "channel")
#: Up to this side the flow is one of the whole image.
WHOLE = 32
#: Letters of 5 x 3 pixels, row by row.
LETTERS = ("100100100100111", "111010010010111", "101111111111101", "111100110100100", "111101101101111", "101101111111101")


def hidden_pixels(mask: str, side: int, rng: np.random.Generator) -> Mask:
    """The pixels that are not seen, (side, side)."""
    hidden = np.zeros((side, side), dtype=bool)
    if mask == "random":
        hidden.flat[rng.permutation(side * side)[: side * side // 2]] = True
    elif mask in ("box", "centre box"):
        extent = side // 2 if mask == "box" else max(1, round(0.3 * side))
        edge = (side - extent) // 2
        hidden[edge : edge + extent, edge : edge + extent] = True
    else:
        # Lines of letters, 6 pixels a line and 4 a letter, beginning anywhere.
        page = np.zeros((side + 6, side + 4), dtype=bool)
        for top in range(0, side + 1, 6):
            for left in range(0, side + 1, 4):
                letter = LETTERS[int(rng.integers(len(LETTERS)))]
                page[top : top + 5, left : left + 3] = np.reshape([stroke == "1" for stroke in letter], (5, 3))
        top, left = int(rng.integers(6)), int(rng.integers(4))
        hidden = page[top : top + side, left : left + side]
    return hidden


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
        return digits[:1500], digits[1500:]
    if case == "photographs":
        train = np.concatenate([tiles(name, 64) for name in ("astronaut", "coffee", "chelsea")])
        test = np.concatenate([tiles(name, 64) for name in ("camera", "coins")])
        return train, np.random.default_rng(0).permutation(test)
    folders = case.split(" / ")
    train, test = (folder_images(folder, size=size, grey=False).reshape(-1, size, size, 3) for folder in folders)
    return train, test


def training_of(case: str, size: int) -> FloatArray:
    """The training images, one a row."""
    train = images_of(case, size)[0]
    return train.reshape(len(train), -1)


def outside(given: Outside, params: dict[str, Any]) -> Any:
    """The flow in the place of the trained one: of whole images up to `WHOLE` pixels, else of patches."""
    from linflow.deep.outside import patches, whole

    case, size = params["case"], {"digits": 8, "photographs": 64}.get(params["case"], params["size"])
    channels = 1 if case in ("digits", "photographs") else 3
    return patches(given, size, channels) if size > WHOLE else whole(given, channels * size**2)


@cache
def flow_of(case: str, size: int, steps: int, given: Outside | None = None) -> Any:
    """The flow, given or trained, of whole images or of patches, from the cache of trained models where it is there."""
    from linflow import deep

    if given is not None:
        return outside(given, {"case": case, "size": size})
    train = images_of(case, size)[0]
    if train.shape[1] > WHOLE:
        patches: Flow = deep.trained("patches", train, steps=steps)
        return patches
    whole: Flow = deep.trained("realnvp" if train.shape[1] <= 8 else "glow", train, steps=steps)
    return whole


def biharmonic(images: FloatArray, hidden: Mask) -> FloatArray:
    """Inpainting by the biharmonic equation, which knows of no data set."""
    from skimage.restoration import inpaint_biharmonic

    return np.array([inpaint_biharmonic(image, hidden, channel_axis=-1) for image in images])


def inpaint(params: dict[str, Any], images: FloatArray, hidden: Mask, rng: np.random.Generator) -> dict[str, FloatArray]:
    """What every method makes of images whose pixels are seen with noise, except the hidden ones."""
    from linflow import deep
    from linflow.deep.patches import linear_control

    noise_std, shape = params["noise_std"], images.shape[1:]
    A = lf.measurement.row_sampling(np.repeat(~hidden.ravel(), shape[2]), n=images[0].size)
    noisy = images + noise_std * rng.standard_normal(images.shape)
    y = lf.measurement.apply(A, noisy.reshape(len(images), -1))
    training = partial(training_of, params["case"], params["size"])
    problem = Problem(y=y, A=A, noise_std=noise_std, shape=shape, training=training, rng=rng)
    # Those from outside first: a mistake in one is told before a flow is trained.
    own = {name: problem.images(rows) for name, rows in own_answers(params, problem).items()}
    flow = flow_of(params["case"], params["size"], params["steps"], params["given_flow"])
    filled = biharmonic(np.clip(noisy, 0.0, 1.0), hidden)
    if flow.conditional:
        # A box is wider than a patch: what fills it at the start has to be plausible, for the control too.
        options: dict[str, Any] = {"shape": shape, "noise_std": noise_std, "rounds": params["rounds"]}
        options |= {"levels": (0.1, max(0.01, noise_std)), "start": filled.reshape(len(images), -1)}
        linear, found = (deep.split(model, A, y, **options) for model in (linear_control(flow), flow))
    else:
        linear = lf.map_estimate(flow.linear, A, y, noise_std=noise_std)
        found = deep.solve(flow, A, y, noise_std=noise_std)
    results = {REFERENCE: linear.reshape(images.shape), "biharmonic": filled}
    return {**results, "flow": found.reshape(images.shape), **own}


def psnr(estimated: FloatArray, truth: FloatArray) -> float:
    """Of the mean squared error of the clipped estimates over all images, in dB for a peak of 1."""
    return float(-10 * np.log10(np.mean((np.clip(estimated, 0.0, 1.0) - truth) ** 2)))


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Some test images under one mask; folders of few test images are gone through in turn."""
    test = images_of(params["case"], params["size"])[1]
    count = min(params["images"] if test.shape[1] <= WHOLE else 1, len(test))
    images = test[(params["block"] * count + np.arange(count)) % len(test)]
    hidden = hidden_pixels(params["mask"], images.shape[1], rng)
    results = inpaint(params, images, hidden, rng)
    return {
        "psnr": [psnr(results[name][:, hidden], images[:, hidden]) for name in compared(params, METHODS)],
        "psnr_image": [psnr(results[name], images) for name in compared(params, METHODS)],
        "hidden": hidden.mean(),
        "original": images[0],
        "unseen": hidden,
        "completed": [results[name][0] for name in compared(params, METHODS)],
    }


def two_folders(data: str, ood: str) -> str:
    """The name of a case of two folders."""
    if not data or not ood:
        raise lf.InputError("deep-inpainting needs both --data (images to train on) and --ood (images to complete)")
    return f"{data} / {ood}"


EXPERIMENT = Experiment(
    name="deep-inpainting",
    title="Inpainting: nonlinear flow, its linear part, biharmonic",
    cell=cell,
    grid={"case": ("digits", "photographs"), "mask": MASKS},
    blocks=12,
    inner={"estimator": METHODS},
    settings={"size": 64, "steps": 4000, "images": 20, "noise_std": 0.02, "rounds": 40},
    variables={
        "psnr": Variable("PSNR of the hidden pixels, peak 1", "dB", ("estimator",)),
        "psnr_image": Variable("PSNR of the whole image, peak 1", "dB", ("estimator",)),
        "hidden": Variable("share of pixels hidden"),
        "original": Variable("the first image of block 0", "peak 1", PIXELS, once=True),
        "unseen": Variable("1 for its hidden pixels, 0 for the others", "", PIXELS[:2], once=True),
        "completed": Variable("what every method makes of it", "peak 1", ("estimator", *PIXELS), once=True),
    },
    quick={"steps": 600, "blocks": 6, "images": 10, "rounds": 20},
    folders=lambda data, ood: {"case": (two_folders(data, ood),), "steps": 16000},
    flow=outside,
    methods="estimator",
)


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """PSNR of the hidden pixels and of the image, and the flow's paired gain; ± is one standard error over blocks."""
    rows: list[dict[str, object]] = []
    for case in dataset["case"].values.tolist():
        for mask in dataset["mask"].values.tolist():
            found = dataset.sel(case=case, mask=mask)
            row: dict[str, object] = {"images": _short(case), "mask": mask}
            row["hidden %"] = f"{100 * float(found['hidden'].mean()):.0f}"
            row |= {f"{name}, dB": _pm(found["psnr"].sel(estimator=name)) for name in names_of(dataset)}
            row |= {f"flow - {name}": _pm(_gain(found["psnr"], name), sign="+") for name in METHODS[:2]}
            for name in beyond(dataset, "estimator", METHODS):
                row[f"{name} - {REFERENCE}"] = plus_minus(_gain(found["psnr"], REFERENCE, name), sign=True)
            row |= {f"{name}, whole image": _pm(found["psnr_image"].sel(estimator=name)) for name in ("linear", "flow")}
            rows.append(row)
    return rows


def names_of(dataset: xr.Dataset) -> list[str]:
    """The methods that were compared, those from outside last."""
    return [str(name) for name in dataset["estimator"].values]


def _gain(psnrs: xr.DataArray, rival: str, of: str = "flow") -> xr.DataArray:
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
        gains = [f"{_pm(_gain(found.sel(mask=m), 'linear'), sign='+')} dB ({m})" for m in dataset["mask"].values.tolist()]
        parts.append(f"{_short(case)}: {', '.join(gains)}")
    return (
        "What the nonlinear flow gains over its own linear part in the hidden pixels (paired, mean ± one standard error "
        f"over {dataset.sizes['block']} blocks). {'. '.join(parts)}. The flow's answer is a mode: where little is known of "
        "the hidden pixels (the inside of a box) it need not have a smaller error than the linear model's mean."
        + "".join(f" {sentence}" for sentence in _own_sentences(dataset))
    )


def _own_sentences(dataset: xr.Dataset) -> list[str]:
    """One for each method from outside."""
    places = {
        f"{_short(case)}, {mask}": dataset["psnr"].sel(case=case, mask=mask)
        for case in dataset["case"].values.tolist()
        for mask in dataset["mask"].values.tolist()
    }
    return [
        told(name, "linear model", {place: _gain(found, REFERENCE, name) for place, found in places.items()})
        for name in beyond(dataset, "estimator", METHODS)
    ]


#: From the left to the right in the figure, those from outside after them.
_STYLE = {"biharmonic": ("orange", "s"), REFERENCE: ("black", "D"), "flow": ("blue", "o")}


def styles_of(dataset: xr.Dataset) -> dict[str, tuple[str, str]]:
    """Colour and marker of every method."""
    return _STYLE | own_styles(beyond(dataset, "estimator", METHODS), [colour for colour, _ in _STYLE.values()])


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """The gain over the linear part under every mask, and completed images."""
    return {"": _gain_figure(dataset), "images": _image_figure(dataset)}


def _gain_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    cases, masks = dataset["case"].values.tolist(), dataset["mask"].values.tolist()
    figure = Figure(figsize=(3.8 * len(cases) + 0.4, 3.6), layout="constrained")
    styles = styles_of(dataset)
    panels = figure.subplots(1, len(cases), squeeze=False)[0]
    for panel, case in zip(panels, cases, strict=True):
        found = dataset["psnr"].sel(case=case)
        for index, (name, (colour, marker)) in enumerate(styles.items()):
            e = estimate(found.sel(estimator=name))
            at = np.arange(len(masks)) + 0.16 * (index - (len(styles) - 1) / 2) * min(1.0, 5 / len(styles))
            style: dict[str, Any] = {"color": OKABE_ITO[colour], "marker": marker, "linestyle": "none", "capsize": 3}
            panel.errorbar(at, e["mean"].values, yerr=(e["high"] - e["mean"]).values, label=name, markersize=6, **style)
        low, high = panel.get_ylim()
        panel.set_ylim(low, high + 0.1 * (high - low))
        for i, mask in enumerate(masks):
            gain = _gain(found.sel(mask=mask), "linear")
            panel.text(i, 0.97, f"{float(gain.mean()):+.1f}", transform=panel.get_xaxis_transform(), ha="center", va="top")
        panel.set_xticks(range(len(masks)), masks)
        panel.set(title=_short(case), ylabel="PSNR of the hidden pixels, dB", xlim=(-0.5, len(masks) - 0.5))
        panel.grid(visible=True, axis="y", color="0.9", linewidth=0.6)
    handles, labels = panels[0].get_legend_handles_labels()
    note = f"bars: 95 % over {dataset.sizes['block']} blocks; at the top: flow minus linear, paired"
    style = {"loc": "outside lower center", "ncols": 3, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **style)
    return figure


def _image_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    cases, masks = dataset["case"].values.tolist(), dataset["mask"].values.tolist()
    shown = len(names_of(dataset)) + 2
    figure = Figure(figsize=(1.3 * shown * len(cases), 1.4 * len(masks) + 0.7), layout="constrained")
    groups = figure.subfigures(1, len(cases), squeeze=False)[0]
    for group, case in zip(groups, cases, strict=True):
        group.suptitle(_short(case), fontsize=10, fontweight="bold")
        for index, (line, mask) in enumerate(zip(group.subplots(len(masks), shown, squeeze=False), masks, strict=True)):
            found = dataset.sel(case=case, mask=mask)
            image, hidden = entries(found["original"]), entries(found["unseen"]) > 0
            seen = np.broadcast_to(image, (*image.shape[:2], 3)).copy()
            seen[hidden] = [86 / 255, 180 / 255, 233 / 255]  # the sky blue of Okabe and Ito
            results = {name: entries(found["completed"].sel(estimator=name)) for name in names_of(dataset)}
            for panel, (name, picture) in zip(line, {"original": image, "seen": seen, **results}.items(), strict=True):
                panel.set(xticks=[], yticks=[])
                if picture.size:
                    panel.imshow(np.clip(picture, 0.0, 1.0).squeeze(), cmap="gray", vmin=0.0, vmax=1.0)
                if name in names_of(dataset) and picture.size:
                    panel.set_xlabel(f"{psnr(picture[hidden], image[hidden]):.1f} dB", fontsize=8)
                if index == 0:
                    panel.set_title(name, fontsize=9)
            line[0].set_ylabel(mask, fontsize=9)
    figure.supxlabel("hidden pixels in blue; dB: PSNR of this image's hidden pixels", fontsize=8)
    return figure


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
