"""Denoising of photographs: the linear flow on overlapping patches against BM3D, non-local means and total variation.

Slides 10-11. A linear flow is fitted to 8 x 8 patches of training photographs (astronaut, coffee, chelsea). On photographs
that it never saw, every overlapping patch gets its most probable signal (a Wiener filter, in closed form) and the patches
are averaged. BM3D (extra ``bm3d``; without it the experiment runs and leaves it out) gets the same unclipped noisy image;
the parameters of non-local means and total variation are tuned on a training photograph.

Theory: T10, the most likely x and the forward image of the most likely z are the same, here found by two minimisations,
one over x, one over z; T11, the exact risk of the patch estimate, on samples of the model, and on real patches with their
own second moments in place of the model's variances. Sources: Asim et al. (ICML 2020); Dabov, Foi, Katkovnik &
Egiazarian (2007) for BM3D; THEORY.md section 2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import METHODS as SHARED
from linflow.experiments import OKABE_ITO, Experiment, Problem, Variable, answer, entries, estimate, own_answers, settings
from linflow.experiments.compared import beyond, compared, own_styles, plus_minus, told
from linflow.experiments.methods import non_local_means

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]

SIDE = 8
TRAINING = ("astronaut", "coffee", "chelsea")
IMAGES = ("camera", "coins")
REFERENCE = "linear flow"
METHODS = ("noisy", REFERENCE, "total variation", "non-local means", "BM3D")
#: Pixels along a side of what is shown.
SHOWN = 128
RISKS = ("model, matched", "model, best rank", "photograph, matched")


def photograph(name: str, size: int) -> FloatArray:
    """Grey photograph in [0, 1] from scikit-image's wheel, its central size x size pixels at most."""
    from skimage import data
    from skimage.color import rgb2gray

    image = np.asarray(getattr(data, name)())
    grey = np.asarray(rgb2gray(image) if image.ndim == 3 else image / 255.0, dtype=np.float64)
    return centre(grey, size)


def centre(image: FloatArray, size: int) -> FloatArray:
    """The central size x size pixels at most."""
    top, left = (max((extent - size) // 2, 0) for extent in image.shape)
    return image[top : top + size, left : left + size]


@cache
def training_of(height: int, width: int) -> FloatArray:
    """The middles of the training photographs that are as large, one a row: what methods from outside may learn from."""
    whole = [photograph(name, max(height, width)) for name in TRAINING]
    large = [image for image in whole if image.shape[0] >= height and image.shape[1] >= width]
    corners = [((image.shape[0] - height) // 2, (image.shape[1] - width) // 2) for image in large]
    cut = [image[i : i + height, j : j + width] for image, (i, j) in zip(large, corners, strict=True)]
    return np.stack(cut).reshape(-1, height * width)


def problem_of(noisy: FloatArray, noise_std: float, rng: np.random.Generator | int = 0) -> Problem:
    """A noisy image as every method gets it."""
    return Problem(
        y=noisy.reshape(1, -1),
        A=lf.measurement.identity(noisy.size),
        noise_std=noise_std,
        shape=(*noisy.shape, 1),
        training=partial(training_of, *noisy.shape),
        rng=np.random.default_rng(rng),
    )


def patches_of(image: FloatArray) -> FloatArray:
    """Every overlapping patch, one a row."""
    return np.lib.stride_tricks.sliding_window_view(image, (SIDE, SIDE)).reshape(-1, SIDE * SIDE)


@cache
def patch_flow() -> lf.LinearFlow:
    """Fitted to random patches of the training photographs, equally many of each; the same in every cell."""
    rng = np.random.default_rng(0)
    chosen = [rng.choice(patches_of(photograph(name, 512)), 8000, replace=False) for name in TRAINING]
    return lf.LinearFlow.fit(np.concatenate(chosen))


def denoise_flow(noisy: FloatArray, noise_std: float) -> FloatArray:
    """Most probable signal of every overlapping patch, averaged where they overlap."""
    A = lf.measurement.identity(SIDE * SIDE)
    total, count = np.zeros_like(noisy), np.zeros_like(noisy)
    height, width = (extent - SIDE + 1 for extent in noisy.shape)
    restored = lf.map_estimate(patch_flow(), A, patches_of(noisy), noise_std=noise_std).reshape(height, width, SIDE, SIDE)
    for i in range(SIDE):
        for j in range(SIDE):
            total[i : i + height, j : j + width] += restored[:, :, i, j]
            count[i : i + height, j : j + width] += 1
    return np.asarray(total / count)


def denoise_tv(noisy: FloatArray, noise_std: float, factor: float) -> FloatArray:
    """Total variation (Chambolle 2004) with weight ``factor * noise_std``."""
    from skimage.restoration import denoise_tv_chambolle

    return np.asarray(denoise_tv_chambolle(noisy, weight=factor * noise_std, max_num_iter=200))


def denoise_nlm(noisy: FloatArray, noise_std: float, factor: float) -> FloatArray:
    """Non-local means with ``h = factor * noise_std`` and the noise known."""
    return non_local_means(problem_of(noisy, noise_std), factor=factor).reshape(noisy.shape)


@cache
def tuned(method: str, noise_std: float, size: int) -> float:
    """The factor that is best on a noisy training photograph (chelsea)."""
    clean = photograph("chelsea", min(size, 256))
    noisy = clean + noise_std * np.random.default_rng(1).standard_normal(clean.shape)
    denoise, factors = {
        "total variation": (denoise_tv, (0.6, 0.8, 1.0, 1.2, 1.4, 1.7, 2.0)),
        "non-local means": (denoise_nlm, (0.3, 0.45, 0.6, 0.75, 0.9, 1.1)),
    }[method]
    return max(factors, key=lambda factor: psnr(denoise(noisy, noise_std, factor), clean))


def psnr(estimated: FloatArray, truth: FloatArray) -> float:
    """In dB for a peak of 1, to 4 decimals: BM3D is not the same to the last bit in every run."""
    return round(float(-10 * np.log10(np.mean((estimated - truth) ** 2))), 4)


def restorations(problem: Problem, size: int, *, has_bm3d: bool) -> dict[str, FloatArray]:
    """What every method of the experiment makes of one noisy image."""
    noisy, noise_std = problem.noisy[0, :, :, 0], problem.noise_std
    shared = ("noisy", "BM3D") if has_bm3d else ("noisy",)
    results = {name: answer(name, SHARED[name], problem).reshape(noisy.shape) for name in shared}
    results[REFERENCE] = denoise_flow(noisy, noise_std)
    tunable: dict[str, Callable[[FloatArray, float, float], FloatArray]]
    tunable = {"total variation": denoise_tv, "non-local means": denoise_nlm}
    for name, denoise in tunable.items():
        results[name] = denoise(noisy, noise_std, tuned(name, noise_std, size))
    return results


def proxy_gap(flow: lf.LinearFlow, y: FloatArray, noise_std: float) -> float:
    """T10: largest difference of the minimisers over x and over z of the negative log posterior of one patch y."""
    from scipy.optimize import minimize

    s2, G = noise_std**2, flow.matrix
    precision = np.linalg.inv(flow.covariance)

    def x_space(x: FloatArray) -> float:
        return float(np.sum((x - y) ** 2) / (2 * s2) - flow.log_prob(x))

    def x_slope(x: FloatArray) -> FloatArray:
        return np.asarray((x - y) / s2 + precision @ (x - flow.mean))

    def z_space(z: FloatArray) -> float:
        return float(np.sum((flow.forward(z) - y) ** 2) / (2 * s2) + np.sum(z**2) / 2)

    def z_slope(z: FloatArray) -> FloatArray:
        return np.asarray(G.T @ (flow.forward(z) - y) / s2 + z)

    def minimiser(value: Any, slope: Any, curvature: FloatArray, start: FloatArray) -> FloatArray:
        found = minimize(value, start, jac=slope, hess=lambda _: curvature, method="trust-exact", options={"gtol": 1e-8})
        return np.asarray(found.x)

    unit = np.eye(flow.n)
    x = minimiser(x_space, x_slope, unit / s2 + precision, y)
    z = minimiser(z_space, z_slope, G.T @ G / s2 + unit, np.zeros(flow.n))
    return float(np.max(np.abs(flow.forward(z) - x)))


def moments_in_basis(flow: lf.LinearFlow, patches: FloatArray) -> FloatArray:
    """Mean square of patches about the model's mean along the model's eigenvectors."""
    centred = patches - flow.mean
    return np.asarray(np.mean((centred if flow.basis is None else centred @ flow.basis) ** 2, axis=0))


def predicted(flow: lf.LinearFlow, noise_std: float, moments: FloatArray | None = None) -> list[float]:
    """T11 for `RISKS`, [x]^2 a patch; for the photograph with its moments t_i: sum (s^4 t_i + l_i^2 s^2)/(l_i + s^2)^2."""
    l, s2 = flow.spectrum.variances, noise_std**2
    t = l if moments is None else moments
    return [
        lf.risk.denoising(flow.spectrum, noise_std=noise_std, penalty=s2),
        lf.risk.denoising(flow.spectrum, noise_std=noise_std, rank=int(np.sum(l > s2))),
        float(np.sum((s2**2 * t + l**2 * s2) / (l + s2) ** 2)),
    ]


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """One draw of noise on one photograph."""
    clean, noise_std, flow = photograph(params["image"], params["size"]), params["noise_std"], patch_flow()
    noisy = clean + noise_std * rng.standard_normal(clean.shape)
    problem = problem_of(noisy, noise_std, rng)
    results = {name: rows.reshape(clean.shape) for name, rows in own_answers(params, problem).items()}
    results |= restorations(problem, params["size"], has_bm3d=bool(params["bm3d"]))
    A = lf.measurement.identity(flow.n)
    x = flow.sample(params["samples"], rng)
    y = x + noise_std * rng.standard_normal(x.shape)
    rank = int(np.sum(flow.spectrum.variances > noise_std**2))
    seen = patches_of(noisy)
    errors = (
        lf.map_estimate(flow, A, y, noise_std=noise_std) - x,
        lf.truncated_least_squares(flow, A, y, rank=rank) - x,
        lf.map_estimate(flow, A, seen, noise_std=noise_std) - patches_of(clean),
    )
    measured = np.array([np.mean(np.sum(error**2, axis=1)) for error in errors])
    theory = predicted(flow, noise_std, moments_in_basis(flow, patches_of(clean)))
    restored = [results.get(name, np.full_like(clean, np.nan)) for name in compared(params, METHODS)]
    chosen = seen[rng.integers(0, len(seen), params["proxies"])]
    return {
        "psnr": [psnr(result, clean) for result in restored],
        "risk_ratio": measured / theory,
        "proxy_gap": max(proxy_gap(flow, patch, noise_std) for patch in chosen),
        "predicted": theory,
        "original": centre(clean, SHOWN),
        "restored": [centre(result, SHOWN) for result in restored],
    }


EXPERIMENT = Experiment(
    name="denoising",
    title="Denoising photographs: linear flow on patches, BM3D, non-local means, total variation",
    cell=cell,
    grid={"image": IMAGES, "noise_std": (0.05, 0.1, 0.2)},
    blocks=8,
    inner={"denoiser": METHODS, "case": RISKS},
    # Whether BM3D is there is a setting, so that installing it later makes a new run.
    settings={"size": 512, "samples": 20000, "proxies": 8, "bm3d": int(find_spec("bm3d") is not None)},
    variables={
        "psnr": Variable("PSNR of the whole image, peak 1", "dB", ("denoiser",)),
        "risk_ratio": Variable("measured over predicted (T11) squared error of a patch", "", ("case",)),
        "proxy_gap": Variable("largest difference between the minimisers over x and over z (T10)", "[x]"),
        "predicted": Variable("squared error of a patch by T11", "[x]^2", ("case",), once=True),
        "original": Variable("the middle of the photograph", "peak 1", ("row", "column"), once=True),
        "restored": Variable(
            "the same of what every method makes of block 0", "peak 1", ("denoiser", "row", "column"), once=True
        ),
    },
    quick={"size": 80, "samples": 2000, "proxies": 2, "blocks": 4},
    methods="denoiser",
)


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """PSNR, and T11 and T10; ± is one standard error over draws of the noise."""
    rows: list[dict[str, object]] = []
    for image in dataset["image"].values.tolist():
        for noise_std in dataset["noise_std"].values.tolist():
            case = dataset.sel(image=image, noise_std=noise_std)
            row: dict[str, object] = {"photograph": image, "noise": noise_std}
            for name in names_of(dataset):
                values = case["psnr"].sel(denoiser=name)
                row[f"{name}, dB"] = _pm(values, 2) if bool(values.notnull().any()) else "not installed"
            for name in beyond(dataset, "denoiser", METHODS):
                row[f"{name} - {REFERENCE}"] = plus_minus(_gain(case["psnr"], name), sign=True)
            row |= {f"{name}: / T11": _pm(case["risk_ratio"].sel(case=name), 4) for name in RISKS}
            row["T10 gap"] = f"{float(case['proxy_gap'].max()):.0e}"
            rows.append(row)
    return rows


def names_of(dataset: xr.Dataset) -> list[str]:
    """The methods that were compared, those from outside last."""
    return [str(name) for name in dataset["denoiser"].values]


def _gain(psnrs: xr.DataArray, name: str) -> xr.DataArray:
    return psnrs.sel(denoiser=name) - psnrs.sel(denoiser=REFERENCE)


def _pm(values: Any, digits: int) -> str:
    error = float(values.std("block", ddof=1)) / np.sqrt(float(values.notnull().sum("block")))
    return f"{float(values.mean('block')):.{digits}f} ± {error:.{digits}f}"


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    means = dataset["psnr"].mean("block")
    flow = means.sel(denoiser=REFERENCE)
    parts = []
    for name in [name for name in names_of(dataset) if name not in ("noisy", REFERENCE)]:
        gain = means.sel(denoiser=name) - flow
        if bool(gain.notnull().all()):
            parts.append(f"{name} by {float(gain.min()):+.1f} to {float(gain.max()):+.1f} dB")
    absent = "" if settings(dataset)["bm3d"] else " (BM3D is not installed: pip install 'linflow[bm3d]')"
    ratio = dataset["risk_ratio"].mean("block")
    spans = [f"{float(ratio.sel(case=c).min()):.3f} to {float(ratio.sel(case=c).max()):.3f} ({c})" for c in RISKS]
    gain = flow - means.sel(denoiser="noisy")
    gap = float(dataset["proxy_gap"].max())
    return (
        f"The linear flow raises the PSNR of the noisy image by {float(gain.min()):.1f} to {float(gain.max()):.1f} dB. "
        f"From it the others differ: {', '.join(parts)}{absent}. Measured over predicted (T11) patch risk is "
        f"{'; '.join(spans)}, the last with the photograph's own moments: exact for an image the model never saw. "
        f"Minimising over x and over z (T10) gives the same patch to {gap:.0e}. A linear prior is one Gaussian for all "
        "patches and cannot adapt to edges as the others do; slide 11's advantage over BM3D needs a nonlinear flow."
        + "".join(f" {sentence}" for sentence in _own_sentences(dataset))
    )


def _own_sentences(dataset: xr.Dataset) -> list[str]:
    """One for each method from outside."""
    places = {
        f"{image}, noise {noise_std:g}": dataset["psnr"].sel(image=image, noise_std=noise_std)
        for image in dataset["image"].values.tolist()
        for noise_std in dataset["noise_std"].values.tolist()
    }
    return [
        told(name, REFERENCE, {place: _gain(found, name) for place, found in places.items()})
        for name in beyond(dataset, "denoiser", METHODS)
    ]


def styles_of(dataset: xr.Dataset) -> dict[str, tuple[str, str]]:
    """Colour and marker of every method."""
    own = {name: style for name, style in zip(METHODS, _STYLES, strict=True) if name in names_of(dataset)}
    # Sky is the theory's.
    return own | own_styles(beyond(dataset, "denoiser", METHODS), [*(colour for colour, _ in _STYLES), "sky"])


_STYLES = (("black", "x"), ("blue", "o"), ("green", "s"), ("orange", "^"), ("vermillion", "D"))


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """PSNR over noise, and what every method makes of one noisy photograph."""
    return {"": _psnr_figure(dataset), "images": _image_figure(dataset)}


def _psnr_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    images, levels = dataset["image"].values.tolist(), dataset["noise_std"].values
    figure = Figure(figsize=(4.2 * (len(images) + 1), 4.4), layout="constrained")
    panels = figure.subplots(1, len(images) + 1, squeeze=False)[0]
    for panel, image in zip(panels, images, strict=False):
        for name, (colour, marker) in styles_of(dataset).items():
            found = estimate(dataset["psnr"].sel(image=image, denoiser=name))
            if bool(found["mean"].notnull().any()):
                bars = found["high"] - found["mean"]
                style: dict[str, Any] = {"color": OKABE_ITO[colour], "marker": marker, "label": name, "capsize": 2}
                panel.errorbar(levels, found["mean"], yerr=bars, linewidth=1.4, markersize=5, **style)
        single = -10 * np.log10(dataset["predicted"].sel(image=image, case=RISKS[2]).values / SIDE**2)
        style = {"color": OKABE_ITO["sky"], "linestyle": (0, (4, 2))}
        panel.plot(levels, single, label="T11: linear flow, patches not averaged", **style)
        panel.set(title=f"photograph: {image}", xlabel="noise standard deviation (peak 1)", ylabel="PSNR, dB")
        panel.grid(visible=True, color="0.9", linewidth=0.6)
    last = panels[-1]
    last.axhline(1.0, color=OKABE_ITO["black"], linestyle=(0, (4, 2)), linewidth=1.0)
    width = 0.02 * float(levels.max())
    for index, (case, colour, marker) in enumerate(zip(RISKS, ("blue", "purple", "vermillion"), "os^", strict=True)):
        for number, image in enumerate(images):
            found = estimate(dataset["risk_ratio"].sel(case=case, image=image))
            shift = width * (index - 1 + 0.3 * number)
            filled = OKABE_ITO[colour] if number else "white"
            style = {"color": OKABE_ITO[colour], "marker": marker, "markerfacecolor": filled, "linestyle": "none"}
            bars = found["high"] - found["mean"]
            last.errorbar(levels + shift, found["mean"], yerr=bars, label=None if number else case, **style)
    last.set(title="patch risk: measured / T11", xlabel="noise standard deviation (peak 1)", ylabel="ratio")
    last.margins(y=0.35)
    last.ticklabel_format(axis="y", useOffset=False)
    last.legend(fontsize=8, frameon=False, loc="upper center", ncols=1)
    last.grid(visible=True, color="0.9", linewidth=0.6)
    handles, labels = panels[0].get_legend_handles_labels()
    note = f"bars: 95 % over {dataset.sizes['block']} draws of the noise; right: open {images[0]}, filled the other"
    figure.legend(
        handles, labels, title=note, title_fontsize=8, loc="outside lower center", ncols=6, fontsize=8, frameon=False
    )
    return figure


def _image_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    images, levels, own = dataset["image"].values.tolist(), dataset["noise_std"].values.tolist(), settings(dataset)
    noise_std, size = levels[len(levels) // 2], min(own["size"], SHOWN)
    shown = 1 + len(names_of(dataset)) - (not own["bm3d"])
    figure = Figure(figsize=(2.1 * shown, 2.4 * len(images) + 0.5), layout="constrained")
    grid = figure.subplots(len(images), shown, squeeze=False)
    for line, image in zip(grid, images, strict=True):
        found = dataset.sel(image=image, noise_std=noise_std)
        clean = entries(found["original"])
        results = {name: entries(found["restored"].sel(denoiser=name)) for name in names_of(dataset)}
        pictures = {name: picture for name, picture in {"original": clean, **results}.items() if picture.size}
        for panel in line[len(pictures) :]:
            panel.set_visible(False)
        for panel, (name, picture) in zip(line, pictures.items(), strict=False):
            panel.imshow(picture, cmap="gray", vmin=0.0, vmax=1.0)
            panel.set(xticks=[], yticks=[])
            panel.set_title(name if name == "original" else f"{name}\n{psnr(picture, clean):.1f} dB", fontsize=9)
        line[0].set_ylabel(image)
    figure.suptitle(f"Central {size} x {size} pixels, noise standard deviation {noise_std:g} (peak 1)", fontsize=10)
    return figure


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
