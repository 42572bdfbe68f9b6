"""Inpainting by the posterior of a linear flow: its mean, its pixel-wise standard deviation, and whether to trust that.

Slide 16. A flow is fitted to training images (digits, faces, patches of photographs), pixels of held-out images are hidden
(half of them at random, a centre box, strokes of letters), the others are seen with a little noise, and the hidden ones
get the mean and the standard deviation of the Gaussian posterior. One case is out of distribution: the flow knows faces
only, and is given patches without a face.

Theory: if the model is right, the posterior mean is the best estimate (T4), its mean squared error is the mean posterior
variance, and an interval of nominal level p covers a hidden pixel with probability p exactly. All three are checked on
samples of the model itself. On real images the intervals may err, and how much is reported. Sources: Asim et al. (ICML
2020); THEORY.md section 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Problem, Variable, entries, estimate, own_answers
from linflow.experiments.compared import beyond, compared, plus_minus, told

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]

#: Side of the images of each case, in pixels.
SIDES = {"digits": 8, "patches": 16, "faces": 24, "non-faces by faces": 24}
MASKS = ("random", "box", "text")
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
REFERENCE = "posterior mean"
METHODS = (REFERENCE, "biharmonic", "training mean")
#: Letters of 5 x 3 pixels, row by row.
LETTERS = ("100100100100111", "111010010010111", "101111111111101", "111100110100100", "111101101101111", "101101111111101")


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """One split into training and test images, one mask."""
    train, test = split(params["case"], params["images"], params["block"], rng)
    flow = lf.LinearFlow.fit(train)
    hidden = hidden_pixels(params["mask"], SIDES[params["case"]], rng)
    noise_std, scale = params["noise_std"], params["std_scale"]
    A, y = seen(hidden, test, noise_std, rng)
    coverage, ratio, posterior = assess(flow, hidden, test, y, noise_std, scale)
    samples = flow.sample(params["samples"], rng)
    own_coverage, own_ratio, _ = assess(flow, hidden, samples, seen(hidden, samples, noise_std, rng)[1], noise_std, scale)
    shape = (SIDES[params["case"]],) * 2
    problem = Problem(y=y, A=A, noise_std=noise_std, shape=(*shape, 1), training=lambda: train, rng=rng)
    estimates = dict(
        zip(METHODS, (posterior.mean, biharmonic(test, hidden), np.broadcast_to(flow.mean, test.shape)), strict=True)
    )
    estimates |= own_answers(params, problem)
    return {
        "psnr": [psnr(estimates[name][:, hidden], test[:, hidden]) for name in compared(params, METHODS)],
        "coverage": [own_coverage, coverage],
        "ratio": [own_ratio, ratio],
        "hidden": hidden.mean(),
        "original": test[0].reshape(shape),
        "unseen": hidden.reshape(shape),
        "completed": posterior.mean[0].reshape(shape),
        "restored": [estimates[name][0].reshape(shape) for name in compared(params, METHODS)],
        "std": posterior.std.reshape(shape),
    }


EXPERIMENT = Experiment(
    name="inpainting",
    title="Inpainting by posterior mean, with pixel-wise uncertainty and its calibration",
    cell=cell,
    grid={"case": tuple(SIDES), "mask": MASKS},
    blocks=40,
    inner={"estimator": METHODS, "law": ("model", "images"), "level": LEVELS},
    # std_scale other than 1 falsifies the standard deviations on purpose: the check of calibration must notice.
    settings={"images": 20, "samples": 400, "noise_std": 0.02, "std_scale": 1.0},
    variables={
        "psnr": Variable("PSNR of the hidden pixels of the test images, peak 1", "dB", ("estimator",)),
        "coverage": Variable("share of hidden pixels inside the central interval of the posterior", "", ("law", "level")),
        "ratio": Variable("mean squared error of the hidden pixels over the mean posterior variance", "", ("law",)),
        "hidden": Variable("share of pixels hidden"),
        "original": Variable("the first test image of block 0", "peak 1", ("row", "column"), once=True),
        "unseen": Variable("1 for its hidden pixels, 0 for the others", "", ("row", "column"), once=True),
        "completed": Variable("its posterior mean", "peak 1", ("row", "column"), once=True),
        "restored": Variable("what every method makes of it", "peak 1", ("estimator", "row", "column"), once=True),
        "std": Variable("its posterior standard deviation", "peak 1", ("row", "column"), once=True),
    },
    quick={"blocks": 6, "samples": 200},
    cost=lambda params: float(SIDES[params["case"]]) ** 4,
    methods="estimator",
)


def split(data: str, images: int, block: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Training and test images of a case, rows of pixels in [0, 1]; no test image shares pixels with a training image."""
    if data == "patches":
        # Neighbouring patches overlap, so a whole photograph is held out, each of the four in its turn.
        patches = lf.data.natural_patches(SIDES[data], count=4000, seed=int(rng.integers(2**32))).reshape(4, 1000, -1)
        train = np.delete(patches, block % 4, axis=0).reshape(3000, -1)
        return train, patches[block % 4][:images]
    if data == "non-faces by faces":
        others = lf.data.non_faces(SIDES[data])
        return lf.data.faces(SIDES[data]), others[rng.permutation(len(others))[:images]]
    every = lf.data.digits() if data == "digits" else lf.data.faces(SIDES[data])
    order = rng.permutation(len(every))
    return every[order[images:]], every[order[:images]]


def hidden_pixels(mask: str, side: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """The pixels that are not seen, (side * side,)."""
    hidden = np.zeros((side, side), dtype=bool)
    if mask == "random":
        hidden.flat[rng.permutation(side * side)[: side * side // 2]] = True
    elif mask == "box":
        edge = side // 4
        hidden[edge : side - edge, edge : side - edge] = True
    else:
        # Lines of letters, 6 pixels a line and 4 a letter, beginning anywhere.
        page = np.zeros((side + 6, side + 4), dtype=bool)
        for top in range(0, side + 1, 6):
            for left in range(0, side + 1, 4):
                letter = LETTERS[int(rng.integers(len(LETTERS)))]
                page[top : top + 5, left : left + 3] = np.reshape([stroke == "1" for stroke in letter], (5, 3))
        top, left = int(rng.integers(6)), int(rng.integers(4))
        hidden = page[top : top + side, left : left + side]
    return hidden.ravel()


def seen(
    hidden: NDArray[np.bool_], images: FloatArray, noise_std: float, rng: np.random.Generator
) -> tuple[lf.measurement.Measurement, FloatArray]:
    """A and y: noisy values of the pixels that are not hidden."""
    A = lf.measurement.row_sampling(~hidden, n=hidden.size)
    y = lf.measurement.apply(A, images)
    return A, y + noise_std * rng.standard_normal(y.shape)


def assess(
    flow: lf.LinearFlow,
    hidden: NDArray[np.bool_],
    images: FloatArray,
    y: FloatArray,
    noise_std: float,
    std_scale: float,
) -> tuple[FloatArray, float, lf.Posterior]:
    """Coverage at every level, squared error over posterior variance (hidden pixels), and the posterior given y."""
    from scipy.special import ndtri

    posterior = lf.posterior(flow, lf.measurement.row_sampling(~hidden, n=hidden.size), y, noise_std=noise_std)
    std = std_scale * posterior.std[hidden]
    errors = (posterior.mean - images)[:, hidden]
    half_widths = ndtri(0.5 + np.array(LEVELS) / 2)
    coverage = np.array([np.mean(np.abs(errors) <= half * std) for half in half_widths])
    return coverage, float(np.mean(errors**2) / np.mean(std**2)), posterior


def biharmonic(images: FloatArray, hidden: NDArray[np.bool_]) -> FloatArray:
    """Inpainting by the biharmonic equation, which knows of no data set."""
    from skimage.restoration import inpaint_biharmonic

    side = int(np.sqrt(hidden.size))
    shape = (side, side)
    filled = [inpaint_biharmonic(image.reshape(shape), hidden.reshape(shape)).ravel() for image in images]
    return np.array(filled)


def psnr(estimated: FloatArray, truth: FloatArray) -> float:
    """Of the mean squared error over all images, in dB, for a peak of 1."""
    return float(-10 * np.log10(np.mean((estimated - truth) ** 2)))


def calibration(dataset: xr.Dataset) -> tuple[float, float]:
    """Calibration on the model's own samples, where it must hold: (p-value, largest |coverage - level|).

    Every block is an independent mean with expectation `level`, so each case, mask and level has a t-test over blocks; the
    p-value is Bonferroni's for all of them.
    """
    from scipy.stats import t as student

    coverage = dataset["coverage"].sel(law="model")
    blocks = coverage.notnull().sum("block")
    gap = coverage.mean("block") - coverage["level"]
    statistic = np.abs(gap) / (coverage.std("block", ddof=1) / np.sqrt(blocks))
    p_values = 2 * student.sf(np.asarray(statistic), np.asarray(blocks) - 1)
    return float(min(1.0, np.nanmin(p_values) * p_values.size)), float(np.abs(gap).max())


def _pm(values: Any, digits: int = 2) -> str:
    """Mean and standard error over blocks."""
    found = estimate(values, level=0.95)
    error = float(values.std("block", ddof=1) / np.sqrt(found["blocks"]))
    return f"{float(found['mean']):.{digits}f} ± {error:.{digits}f}"


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """PSNR, and the coverage of 50, 80 and 95 % intervals; ± is one standard error over blocks."""
    rows: list[dict[str, object]] = []
    for data in dataset["case"].values.tolist():
        for mask in dataset["mask"].values.tolist():
            case = dataset.sel(case=data, mask=mask)
            row: dict[str, object] = {"data": data, "mask": mask, "hidden %": f"{100 * float(case['hidden'].mean()):.0f}"}
            row |= {f"{method}, dB": _pm(case["psnr"].sel(estimator=method)) for method in names_of(dataset)}
            for name in beyond(dataset, "estimator", METHODS):
                row[f"{name} - {REFERENCE}"] = plus_minus(_gain(case["psnr"], name), sign=True)
            for law in ("model", "images"):
                shares = 100 * case["coverage"].sel(law=law, level=[0.5, 0.8, 0.95])
                row[f"50/80/95 % cover, {law}"] = "; ".join(_pm(shares.isel(level=i), 1) for i in range(3))
            row["error^2 / variance, images"] = _pm(case["ratio"].sel(law="images"))
            rows.append(row)
    return rows


def names_of(dataset: xr.Dataset) -> list[str]:
    """The methods that were compared, those from outside last."""
    return [str(name) for name in dataset["estimator"].values]


def _gain(psnrs: xr.DataArray, name: str) -> xr.DataArray:
    return psnrs.sel(estimator=name) - psnrs.sel(estimator=REFERENCE)


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    p_value, gap = calibration(dataset)
    means = dataset.mean("block")
    gains = means["psnr"].sel(estimator=REFERENCE) - means["psnr"].sel(estimator="biharmonic")
    own, real = (_span(100 * means["coverage"].sel(law=law, level=0.95), 1) for law in ("model", "images"))
    ratio = means["ratio"]
    own_ratio, real_ratio = (_span(ratio.sel(law=law), 2) for law in ("model", "images"))
    verdict = (
        f"no coverage differs from its level (smallest p {p_value:.2g} after Bonferroni over all cases)"
        if p_value > 1e-3
        else f"the coverage is wrong (p = {p_value:.1e} after Bonferroni over all cases)"
    )
    worst, best = _place(gains, gains.argmin(...)), _place(gains, gains.argmax(...))
    overconfident = _place(ratio.sel(law="images"), ratio.sel(law="images").argmax(...))
    return (
        f"On samples of the model itself {verdict}: the largest gap is {100 * gap:.2g} points, the 95 % intervals cover "
        f"{own} %, and the squared error is {own_ratio} times the posterior variance. On real images the 95 % intervals "
        f"cover {real} %, and the squared error is {real_ratio} times the "
        f"variance (most at {overconfident}): pixels are not Gaussian, so read the standard deviation as a map of where "
        f"errors are, not as a guarantee. Against biharmonic inpainting, which knows no data set, "
        f"the posterior mean gains {float(gains.max()):+.1f} dB at best ({best}) and {float(gains.min()):+.1f} dB at worst "
        f"({worst})." + "".join(f" {sentence}" for sentence in _own_sentences(dataset))
    )


def _own_sentences(dataset: xr.Dataset) -> list[str]:
    """One for each method from outside."""
    places = {
        f"{case}, {mask}": dataset["psnr"].sel(case=case, mask=mask)
        for case in dataset["case"].values.tolist()
        for mask in dataset["mask"].values.tolist()
    }
    return [
        told(name, REFERENCE, {place: _gain(found, name) for place, found in places.items()})
        for name in beyond(dataset, "estimator", METHODS)
    ]


def _span(values: Any, digits: int) -> str:
    return f"{float(values.min()):.{digits}f} to {float(values.max()):.{digits}f}"


def _place(values: Any, index: Any) -> str:
    at = values.isel(index)
    return f"{at['case'].item()}, {at['mask'].item()}"


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Held-out images with their posterior, and calibration curves."""
    return {"": _image_figure(dataset), "calibration": _calibration_figure(dataset)}


def _image_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    names, masks = dataset["case"].values.tolist(), dataset["mask"].values.tolist()
    columns = min(2, len(names))
    own = beyond(dataset, "estimator", METHODS)
    shown = 4 + len(own)
    figure = Figure(
        figsize=(1.3 * shown * columns, 1.45 * len(masks) * -(-len(names) // columns) + 0.9), layout="constrained"
    )
    groups = figure.subfigures(-(-len(names) // columns), columns, squeeze=False, wspace=0.03, hspace=0.03)
    for group, name in zip(groups.flat, names, strict=False):
        side = SIDES[name]
        group.suptitle(f"{name}, {side} x {side} pixels", fontsize=10, fontweight="bold")
        panels = group.subplots(len(masks), shown, squeeze=False)
        for line, mask in zip(panels, masks, strict=True):
            found = dataset.sel(case=name, mask=mask)
            image, unseen, mean, std = (entries(found[key]) for key in ("original", "unseen", "completed", "std"))
            others = [entries(found["restored"].sel(estimator=name)) for name in own]
            for panel in line:
                panel.set(xticks=[], yticks=[])
            line[0].set_ylabel(mask, fontsize=9)
            if not image.size:
                continue
            hidden = unseen > 0
            grey: dict[str, Any] = {"cmap": "gray", "vmin": 0.0, "vmax": 1.0}
            line[0].imshow(image, **grey)
            line[1].set_facecolor(OKABE_ITO["sky"])
            line[1].imshow(np.ma.masked_array(image, mask=hidden), **grey)
            line[2].imshow(mean, **grey)
            line[3].imshow(std, cmap="viridis", vmin=0.0)
            line[2].set_xlabel(f"{psnr(mean[hidden], image[hidden]):.1f} dB", fontsize=8)
            for panel, picture in zip(line[4:], others, strict=True):
                panel.imshow(picture, **grey)
                panel.set_xlabel(f"{psnr(picture[hidden], image[hidden]):.1f} dB", fontsize=8)
            line[3].set_xlabel(f"max {std.max():.2f}", fontsize=8)
        for panel, title in zip(panels[0], ("original", "seen", REFERENCE, "posterior std", *own), strict=True):
            panel.set_title(title, fontsize=9)
    figure.supxlabel(
        "hidden pixels in blue; dB: PSNR of this image's hidden pixels; std from 0 (dark) to its max (yellow)",
        fontsize=8,
    )
    return figure


def _calibration_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    names, masks = dataset["case"].values.tolist(), dataset["mask"].values.tolist()
    levels = dataset["level"].values
    columns = min(2, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(4.4 * columns, 3.1 * lines + 1.0), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    colours = (OKABE_ITO["blue"], OKABE_ITO["vermillion"], OKABE_ITO["green"])
    for panel in grid.flat[len(names) :]:
        panel.set_visible(False)
    for index, name in enumerate(names):
        panel = grid.flat[index]
        panel.plot([0, 100], [0, 0], color=OKABE_ITO["black"], linewidth=1.0, linestyle=(0, (4, 2)), label="calibrated")
        for mask, colour, shift in zip(masks, colours, (-0.8, 0.0, 0.8), strict=False):
            for law, marker, face in (("model", "s", "white"), ("images", "o", colour)):
                found = estimate(dataset["coverage"].sel(case=name, mask=mask, law=law))
                gap = 100 * (found["mean"].values - levels)
                bars = 100 * (found["high"].values - found["mean"].values)
                panel.errorbar(
                    100 * levels + shift,
                    gap,
                    yerr=bars,
                    color=colour,
                    marker=marker,
                    markersize=4.5,
                    markerfacecolor=face,
                    linewidth=1.4 if law == "images" else 0.0,
                    elinewidth=1.2,
                    label=f"{mask}, {'test images' if law == 'images' else 'samples of the model'}",
                )
        panel.set_title(name, fontsize=10)
        panel.grid(visible=True, color="0.9", linewidth=0.6)
        panel.set_xlim(0, 102)
        if index % columns == 0:
            panel.set_ylabel("coverage minus level\n(percentage points)", fontsize=9)
        if index + columns >= len(names):
            panel.set_xlabel("nominal level of the interval, %", fontsize=9)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    note = (
        "coverage of hidden pixels by the posterior's central intervals; above 0 too wide, below 0 too narrow; bars: 95 % "
        f"over {dataset.sizes['block']} blocks"
    )
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": 4, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **style)
    return figure


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
