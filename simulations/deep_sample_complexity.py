r"""Compressed sensing with a deep flow: error against m, beside its linear part, patches, a GAN and the lasso.

A RealNVP (digits) or Glow (folders of images) is trained on part of a data set; images that it never saw are reconstructed
from m Gaussian measurements. Beating the lasso says nothing about depth, so every method is compared with the linear flow
that the deep one starts from, on the same images and the same A. A flow of patches that knows the noise level, used by
splitting, has its own control, the same splitting before it is trained. The rivals' settings (alpha of the lasso, in
orthonormal cosines and Haar wavelets about the training mean; the GAN's penalty) are tuned on validation images; the rank
of the truncated prior is the best one by T3. "published lasso" is the published comparison's: no mean, alpha = 0.01.

Other data: ``--data FACES`` trains on a folder of images at ``--set size=32`` pixels in colour and keeps a sixth of them
for testing; with ``--ood OTHERS`` the test images are those of a second folder. ``--set noise=0.1`` measures with noise of
that standard deviation, for A with standard normal entries: the published experiment, whose A and noise are both smaller
by a factor sqrt(m). Only the methods named in ``--set prior=...`` are trained and run (the linear flow has to stay).

Sources: Asim et al. (ICML 2020), experiments on compressed sensing; Bora et al. (2017) for the GAN's estimator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import (
    OKABE_ITO,
    Experiment,
    Problem,
    Variable,
    entries,
    estimate,
    folder_images,
    own_answers,
    settings,
)
from linflow.experiments.compared import beyond, own_styles, told

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from linflow.experiments import Outside

Array = NDArray[np.float64]
DIGITS = "digits"
FLOW, LINEAR, TRUNCATED = "deep flow", "linear flow", "truncated linear"
PATCHES, LINEAR_PATCHES, GAN = "flow patches", "linear patches", "GAN"
DCT, HAAR, PUBLISHED = "lasso cosines", "lasso Haar", "published lasso"
#: The linear model that each flow starts from.
CONTROLS = {FLOW: LINEAR, PATCHES: LINEAR_PATCHES}
#: Part of a data set for testing, part for tuning the rivals; the rest is for training.
TEST_PART, VALIDATION_PART = 1 / 6, 1 / 18
#: Validation images used, and penalties of the GAN that are tried, in units of m.
VALIDATION, PENALTIES = 12, (0.0, 1e-3, 1e-2)
#: Dimensions of pictures, and how many are kept to be shown.
PICTURES, SHOWN = ("image", "row", "column", "channel"), 6
#: Noise level at which the splitting ends.
LAST_LEVEL = 0.005
#: What a cell's settings say about a model or a search.
Params = Mapping[str, Any]


@dataclass(frozen=True)
class Data:
    """Images as flat rows, split once and for all."""

    shape: tuple[int, int, int]
    training: Array
    validation: Array
    test: Array


@cache
def data_of(case: str, size: int) -> Data:
    """Digits, or the images of one or two folders ("FOLDER" or "FOLDER / FOLDER") at `size` x `size` pixels in colour."""
    if case == DIGITS:
        images, shape, folders = lf.data.digits(), (8, 8, 1), [""]
    else:
        folders, shape = case.split(" / "), (size, size, 3)
        images = folder_images(folders[0], size=size, grey=False)
    images = images[np.random.default_rng(0).permutation(len(images))]
    tested = max(1, round(TEST_PART * len(images))) if len(folders) == 1 else 0
    tuned = max(1, round(VALIDATION_PART * len(images)))
    test = images[:tested] if tested else folder_images(folders[1], size=size, grey=False)
    return Data(shape, images[tested + tuned :], images[tested : tested + tuned], test)


def outside(given: Outside, params: Params) -> Any:
    """The flow in the place of the trained one: of whole images, or one of patches in the place of that."""
    from linflow.deep.outside import outside, patches, whole

    side, channels = (8, 1) if params["case"] == DIGITS else (params["size"], 3)
    if outside(given).conditional:
        return patches(given, side, channels)
    return whole(given, channels * side**2)


def model_of(params: Params, kind: str) -> Any:
    """A trained model, trained once, and then kept in linflow's cache folder; or the one that is given."""
    from linflow import deep

    if kind != "gan" and (given := params.get("given_flow")) is not None:
        found = outside(given, params)
        if found.conditional == (kind == "patches"):
            return found.to(params["device"])
    kind, options = recipe(params, kind)
    steps = params["gan_steps" if kind == "gan" else "patch_steps" if kind == "patches" else "flow_steps"]
    return deep.trained(kind, training_of(params), steps=steps, device=params["device"], **options)


def recipe(params: Params, kind: str) -> tuple[str, dict[str, Any]]:
    """Architecture and settings for "flow", "patches" or "gan"."""
    digits = params["case"] == DIGITS
    if kind == "flow":
        return ("realnvp", {"batch": 128}) if digits else ("glow", {})
    return kind, {"size": 4} if kind == "patches" and digits else {}  # half of a digit's side: 8 would be all of it


def training_of(params: Params) -> Array:
    """The training images, (count, H, W, C)."""
    data = data_of(params["case"], params["size"])
    return data.training.reshape(-1, *data.shape)


@cache
def _linear_of(case: str, size: int) -> lf.LinearFlow:
    from linflow import deep

    params = {"case": case, "size": size}
    kind, options = recipe(params, "flow")
    return deep.untrained(kind, training_of(params), **options).linear


def linear_of(params: Params) -> lf.LinearFlow:
    """The linear flow that the deep one starts from."""
    return _linear_of(params["case"], params["size"])


@cache
def _linear_patches_of(case: str, size: int) -> Any:
    """What the splitting uses before it is trained."""
    from linflow import deep
    from linflow.deep.patches import linear_control

    params = {"case": case, "size": size}
    kind, options = recipe(params, "patches")
    return linear_control(deep.untrained(kind, training_of(params), **options))


# ------------------------------------------------------------------------------------------------------------ the methods


@dataclass(frozen=True)
class Task:
    """Measurements y = A x + noise of some images, and all that the experiment's own methods look at."""

    params: Params
    data: Data
    A: Array
    y: Array
    rng: np.random.Generator

    @property
    def m(self) -> int:
        """Number of measurements."""
        return len(self.A)

    @property
    def noise_std(self) -> float:
        """Noise on each measurement."""
        return float(self.params["noise"])

    @property
    def problem(self) -> Problem:
        """What a method from outside gets."""
        training, shape = self.data.training, self.data.shape
        return Problem(y=self.y, A=self.A, noise_std=self.noise_std, shape=shape, training=lambda: training, rng=self.rng)

    @cached_property
    def estimate(self) -> Array:
        """The linear flow's answer, with which the splitting starts too."""
        linear = linear_of(self.params)
        if self.noise_std:
            return lf.map_estimate(linear, self.A, self.y, noise_std=self.noise_std)
        return lf.mle(linear, self.A, self.y)


def _flow(p: Task) -> Array:
    from linflow import deep

    return deep.solve(model_of(p.params, "flow"), p.A, p.y, noise_std=p.noise_std)


def _truncated(p: Task) -> Array:
    linear = linear_of(p.params)
    rank = min(range(p.m - 1), key=lambda k: float(lf.risk.truncated(linear.spectrum, p.m, k, noise_std=p.noise_std)))
    return lf.truncated_least_squares(linear, p.A, p.y, rank=rank)


def _patches(p: Task, *, trained: bool) -> Array:
    from linflow import deep
    from linflow.deep.patches import linear_control

    if p.params["given_flow"] is not None:
        model = model_of(p.params, "patches")
        model = model if trained else linear_control(model)
    else:
        model = model_of(p.params, "patches") if trained else _linear_patches_of(p.params["case"], p.params["size"])
    # It starts where the linear flow ends, at the noise level that the linear theory says of that.
    linear = linear_of(p.params)
    level = float(np.sqrt(lf.risk.equivalent(linear.spectrum, p.m) / linear.n))
    options: dict[str, Any] = {"start": p.estimate, "levels": (max(level, 2 * LAST_LEVEL), LAST_LEVEL)}
    options |= {"stride": model.shape[0] // 2, "rounds": p.params["rounds"]}
    return deep.split(model, p.A, p.y, shape=p.data.shape, noise_std=p.noise_std, **options)


def _gan(p: Task) -> Array:
    from linflow import deep

    gan, penalty = model_of(p.params, "gan"), p.m * tuned_penalty(p.params, p.m)
    return deep.csgm(gan, p.A, p.y, rng=p.rng, penalty=penalty, **effort(p.params)).x


def _lasso(p: Task, basis: str) -> Array:
    from linflow.deep import rivals

    alpha = tuned_alpha(p.params["case"], p.params["size"], p.m, p.noise_std, basis)
    mean = p.data.training.mean(axis=0)
    return rivals.lasso_images(p.A, p.y, shape=p.data.shape, basis=basis, alpha=alpha, mean=mean)


def _published(p: Task) -> Array:
    from linflow.deep import rivals

    return rivals.lasso_images(p.A, p.y, shape=p.data.shape, basis="dct", alpha=rivals.PUBLISHED)


METHODS: Mapping[str, Callable[[Task], Array]] = {
    FLOW: _flow,
    LINEAR: lambda p: p.estimate,
    PATCHES: lambda p: _patches(p, trained=True),
    LINEAR_PATCHES: lambda p: _patches(p, trained=False),
    TRUNCATED: _truncated,
    GAN: _gan,
    DCT: lambda p: _lasso(p, "dct"),
    HAAR: lambda p: _lasso(p, "haar"),
    PUBLISHED: _published,
}


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """PSNR and mean squared error of every method on the block's images, with an A of its own."""
    x = own_images(params)
    A = lf.measurement.gaussian(params["m"], x.shape[1], rng)
    y = x @ A.T + params["noise"] * rng.standard_normal((len(x), params["m"]))
    task = Task(params, data_of(params["case"], params["size"]), A, y, rng)
    # Those from outside first: a mistake in one is told before a flow is trained.
    own = own_answers(params, task.problem)
    found = np.stack([own[name] if name in own else METHODS[name](task) for name in params["prior"]])
    errors = np.mean((np.clip(found, 0, 1) - x) ** 2, axis=2)
    shape = task.data.shape
    return {
        "psnr": np.mean(decibels(errors), axis=1),
        "mse": errors.mean(axis=1),
        "truth": x[:SHOWN].reshape(-1, *shape),
        "reconstruction": found[:, :SHOWN].reshape(len(found), -1, *shape),
    }


def decibels(errors: Any) -> Any:
    """PSNR of mean squared errors, for a peak of 1."""
    return -10 * np.log10(np.maximum(errors, 1e-20))


def own_images(params: Params) -> Array:
    """The test images of one block: every parts-th one; of fewer images than parts, all."""
    test, parts = data_of(params["case"], params["size"]).test, params["parts"]
    return (test[params["block"] % parts :: parts] if len(test) >= parts else test)[: params["images"]]


def effort(params: Params) -> dict[str, int]:
    """Starts and steps of the GAN's search."""
    return {"restarts": params["restarts"], "steps": params["gan_search"]}


@cache
def tuned_alpha(case: str, size: int, m: int, noise_std: float, basis: str) -> float:
    """The lasso's alpha, chosen on validation images; the same in every process."""
    from linflow.deep import rivals

    data = data_of(case, size)
    options: dict[str, Any] = {"shape": data.shape, "basis": basis, "mean": data.training.mean(axis=0)}
    rng = np.random.default_rng([1, m])
    return rivals.tuned_alpha(data.validation[:VALIDATION], m, rng, noise_std=noise_std, **options)


_penalties: dict[tuple[Any, ...], float] = {}


def tuned_penalty(params: Params, m: int) -> float:
    """The GAN's penalty over m, chosen on validation images; the same in every process."""
    from linflow import deep

    case, size = params["case"], params["size"]
    key = (case, size, m, params["noise"], params["gan_steps"], *effort(params).values())
    if key not in _penalties:
        images, gan = data_of(case, size).validation[:VALIDATION], model_of(params, "gan")
        rng = np.random.default_rng([1, m])
        A = lf.measurement.gaussian(m, images.shape[1], rng)
        y = images @ A.T + params["noise"] * rng.standard_normal((len(images), m))

        def error(penalty: float) -> float:
            starts = np.random.default_rng([2, m])
            found = deep.csgm(gan, A, y, rng=starts, penalty=m * penalty, **effort(params))
            return float(np.mean((found.x - images) ** 2))

        _penalties[key] = min(PENALTIES, key=error)
    return _penalties[key]


def folders(data: str, ood: str) -> dict[str, Any]:
    """Faces of 32 x 32 pixels in colour have n = 3072."""
    if not data:
        raise lf.InputError("deep-sample-complexity takes --data FOLDER, and --ood only beside it")
    changes: dict[str, Any] = {"case": (f"{data} / {ood}" if ood else data,), "m": (154, 307, 614, 1536)}
    changes |= {"blocks": 6, "parts": 6, "flow_steps": 1200, "patch_steps": 4000, "rounds": 100}
    return changes | {"restarts": 3, "gan_search": 60}


EXPERIMENT = Experiment(
    name="deep-sample-complexity",
    title="Compressed sensing: deep flow, linear flow, patches, truncated priors, GAN, lasso",
    cell=cell,
    grid={"case": (DIGITS,), "m": (4, 8, 12, 16, 24, 32, 40, 48)},
    blocks=10,
    inner={"prior": tuple(METHODS)},
    settings={
        "size": 32,
        "noise": 0.0,
        "flow_steps": 2000,
        "patch_steps": 2000,
        "gan_steps": 4000,
        "parts": 10,
        "images": 16,
        "rounds": 60,
        "restarts": 10,
        "gan_search": 100,
        "device": "cpu",
    },
    variables={
        "psnr": Variable("PSNR, mean over images, values clipped to [0, 1]", "dB", ("prior",)),
        "mse": Variable("mean squared error of a pixel, likewise clipped", "[x]^2", ("prior",)),
        "truth": Variable("the first images of block 0", "[x]", PICTURES, once=True),
        "reconstruction": Variable("what every method makes of them", "[x]", ("prior", *PICTURES), once=True),
    },
    quick={
        "m": (8, 16, 32),
        "blocks": 6,
        "parts": 6,
        "images": 15,
        "rounds": 40,
        "flow_steps": 800,
        "patch_steps": 800,
        "gan_steps": 1500,
        "restarts": 4,
        "gan_search": 50,
    },
    cost=lambda params: float(params["m"]),
    choices={"device": ("cpu", "cuda")},
    folders=folders,
    flow=outside,
    methods="prior",
)


def names_of(dataset: xr.Dataset) -> list[str]:
    """The methods that were run, in the order of the legend."""
    there = dataset["prior"].values.tolist()
    if LINEAR not in there:
        raise lf.InputError(f"every method is compared with the {LINEAR}: keep it in --set prior=...")
    return [*(name for name in _STYLE if name in there), *beyond(dataset, "prior", _STYLE)]


def _pm(values: Any, digits: int, *, sign: bool = False) -> str:
    """Mean with its standard error over blocks."""
    error = float(values.std("block", ddof=1)) / np.sqrt(float(values.notnull().sum("block")))
    return f"{float(values.mean('block')):{'+' if sign else ''}.{digits}f} ± {error:.{digits}f}"


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """PSNR, and every method's paired difference to the linear flow; ± is one standard error over blocks."""
    rows: list[dict[str, object]] = []
    for case in dataset["case"].values.tolist():
        for m in dataset["m"].values.tolist():
            part = dataset.sel(case=case, m=m)
            linear = part["psnr"].sel(prior=LINEAR)
            best = main_of(part)
            row: dict[str, object] = {"images": _short(case), "m": m, f"{LINEAR}, dB": _pm(linear, 2)}
            row[f"{best}, dB"] = _pm(part["psnr"].sel(prior=best), 2)
            for name in names_of(part):
                if name != LINEAR:
                    row[f"{name}: - linear, dB"] = _pm(part["psnr"].sel(prior=name) - linear, 2, sign=True)
            ratio = part["mse"].sel(prior=best).mean("block") / part["mse"].sel(prior=LINEAR).mean("block")
            row[f"mse, {best} / linear"] = f"{float(ratio):.2f}"
            rows.append(row)
    return rows


def main_of(dataset: xr.Dataset) -> str:
    """The method that the others are told against: the deep flow, or what there is in its place."""
    return next(name for name in names_of(dataset) if name != LINEAR)


def gains(dataset: xr.Dataset, method: str, of: str = FLOW) -> Any:
    """Paired differences of a method's PSNR (the deep flow's) to another's, with 95 % intervals."""
    return estimate(dataset["psnr"].sel(prior=of) - dataset["psnr"].sel(prior=method))


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    parts = []
    names = names_of(dataset)
    for case in dataset["case"].values.tolist():
        part, m, main = dataset.sel(case=case), dataset["m"].values, main_of(dataset)
        told = [_against_control(part, of, control) for of, control in CONTROLS.items() if {of, control} <= set(names)]
        mse = part["mse"].mean("block")
        ratio = mse.sel(prior=main) / mse.sel(prior=LINEAR)
        spans = []
        for name in names:
            if name not in (main, LINEAR):
                gain = gains(part, name, main)["mean"]
                spans.append(f"{name} by {_span(gain, '+.1f')} dB")
        above = [
            f"the {name} at {int((gains(part, name, LINEAR)['mean'] > 0).sum())}" for name in (GAN, DCT) if name in names
        ]
        parts.append(
            f"{_short(case)}: {'; '.join(told) or main}. The mean squared error of the {main}, decided by the worst "
            f"images, is {_span(ratio, '.2f')} times the linear flow's"
            + (f"; its PSNR exceeds {', '.join(spans)}." if spans else ".")
        )
        if above:
            parts.append(
                f"The linear flow alone is above {' and '.join(above)} of {len(m)} m: a comparison without it would credit "
                "depth with what a covariance does."
            )
    return " ".join([*parts, *_own_sentences(dataset)])


def _own_sentences(dataset: xr.Dataset) -> list[str]:
    """One for each method from outside."""
    places = {
        f"{_short(case)}, m = {m}": dataset["psnr"].sel(case=case, m=m)
        for case in dataset["case"].values.tolist()
        for m in dataset["m"].values.tolist()
    }
    return [
        told(name, LINEAR, {place: found.sel(prior=name) - found.sel(prior=LINEAR) for place, found in places.items()})
        for name in beyond(dataset, "prior", _STYLE)
    ]


def _span(values: Any, form: str) -> str:
    """The range of some values over m.

    >>> _span(np.array([1.0, 2.5]), "+.1f"), _span(np.array([2.0]), ".2f")
    ('+1.0 to +2.5', '2.00')
    """
    low, high = (f"{float(end):{form}}" for end in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _against_control(part: xr.Dataset, of: str, control: str) -> str:
    """One sentence on what training adds to the linear model."""
    m, gain = part["m"].values, gains(part, control, of)
    best, least = int(gain["mean"].values.argmax()), int(gain["mean"].values.argmin())
    clear = [str(count) for count, low in zip(m, gain["low"].values, strict=True) if low > 0]
    words = f"against its linear control ({control}) the {of} gains "
    if len(m) == 1:
        ends = f"{float(gain['low'][0]):+.2f} .. {float(gain['high'][0]):+.2f}"
        return words + f"{float(gain['mean'][0]):+.2f} dB at m = {m[0]} (95 % interval {ends})"
    return words + (
        f"{float(gain['mean'][best]):+.2f} dB at m = {m[best]}, where most, and {float(gain['mean'][least]):+.2f} dB "
        f"at m = {m[least]}, where least; the 95 % interval lies above 0 at {len(clear)} of {len(m)} m "
        f"({', '.join(clear) or 'none'})"
    )


#: Colour, marker and line of each method; a control has its method's colour and a broken line.
_STYLE = {
    FLOW: ("blue", "D", "-"),
    LINEAR: ("blue", "o", "--"),
    PATCHES: ("vermillion", "s", "-"),
    LINEAR_PATCHES: ("vermillion", "^", "--"),
    TRUNCATED: ("sky", "v", ":"),
    GAN: ("purple", "P", "-"),
    DCT: ("black", "<", "-"),
    HAAR: ("green", ">", "-"),
    PUBLISHED: ("black", "x", ":"),
}


def styles_of(dataset: xr.Dataset) -> dict[str, tuple[str, str, str]]:
    """Colour, marker and line of every method."""
    own = own_styles(beyond(dataset, "prior", _STYLE), [colour for colour, _, _ in _STYLE.values()])
    return {**_STYLE, **{name: (colour, marker, "-") for name, (colour, marker) in own.items()}}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """PSNR over m, its difference to the linear flow, and reconstructions."""
    return {"": _psnr_figure(dataset), "images": _image_figure(dataset)}


def _psnr_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    cases, m, styles = dataset["case"].values.tolist(), dataset["m"].values, styles_of(dataset)
    figure = Figure(figsize=(9.6, 3.9 * len(cases) + 0.9), layout="constrained")
    grid = figure.subplots(len(cases), 2, squeeze=False)
    for axes, case in zip(grid, cases, strict=True):
        n = int(np.prod(entries(dataset["truth"].sel(case=case)).shape[2:]))
        for name in names_of(dataset):
            values = dataset["psnr"].sel(case=case, prior=name)
            colour, marker, line = styles[name]
            style: dict[str, Any] = {"color": OKABE_ITO[colour], "marker": marker, "linestyle": line, "label": name}
            style |= {"markersize": 4.5, "capsize": 2.0, "linewidth": 2.0 if name == FLOW else 1.2}
            for panel, shown in zip(axes, (values, values - dataset["psnr"].sel(case=case, prior=LINEAR)), strict=True):
                found = estimate(shown)
                bars = found["high"] - found["mean"]
                panel.errorbar(m, found["mean"], yerr=bars, zorder=3 if name == FLOW else 2, **style)
        for panel in axes:
            panel.set_xlabel(f"measurements $m$ (of $n$ = {n})")
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

    case, counts = dataset["case"].values.tolist()[0], dataset["m"].values.tolist()
    m = counts[len(counts) // 2]
    part = dataset.sel(case=case, m=m)
    x = entries(part["truth"])
    shown = {"truth": x} | {name: entries(part["reconstruction"].sel(prior=name)) for name in names_of(dataset)}
    figure = Figure(figsize=(1.15 * len(x) + 1.3, 1.15 * len(shown) + 0.6), layout="constrained")
    figure.suptitle(f"{_short(case)}: $m$ = {m} of $n$ = {x[:1].size}; numbers: PSNR in dB", fontsize=10)
    grid = figure.subplots(len(shown), max(len(x), 1), squeeze=False)
    for axes, (name, images) in zip(grid, shown.items(), strict=True):
        for panel, image, truth in zip(axes, images, x, strict=False):
            clipped = np.clip(image, 0, 1)
            panel.imshow(clipped.squeeze(), cmap="gray", vmin=0, vmax=1)
            if name != "truth":
                panel.set_title(f"{decibels(np.mean((clipped - truth) ** 2)):.1f}", fontsize=8, pad=2)
        for panel in axes:
            panel.set(xticks=[], yticks=[])
        axes[0].set_ylabel(name, fontsize=8, rotation=0, ha="right", va="center")
    return figure


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
