r"""The published ablations of start and penalty, for a deep flow, beside what the linear theory says exactly (T9).

Compressed sensing by latent optimisation, ``min_z |A G(z) - y|^2 + gamma |z|^2``, without noise, from three kinds of start:

* **of a given norm**, tau sqrt(n), in a random direction, gamma = 0. The published norms 0, 20, ..., 120 for n = 12288 are
  tau = 0 to 1.08. For a linear flow the error is (1 + tau^2) times that from 0, for every A (T9): 10 log10(1 + tau^2) dB.
* **zero**, with penalties gamma. For a linear flow the end is the penalised estimate, wherever the start.
* **the truth, moved in the null space of A**, with penalties. At gamma = 0 any invertible G, deep or linear, stays where it
  starts: A G(z_0) = y already, so the error is the size of the move. The published 27.10 dB is that: 26.9 dB are a move of
  norm 5 in 12288 pixels before clipping. It needs the true image, so it is no method, only a warning.

Signals are test images for both flows; T9's expectation over z is replaced by the exact linear error for these images.
Source: Asim et al. (ICML 2020) and the figures published with its code; THEORY.md T9.
"""

from __future__ import annotations

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
DEEP, LINEAR = "deep flow", "linear flow"
FLOWS = (DEEP, LINEAR)
ZERO, MOVED = "zero", "truth, moved in the null space"
#: Published: start norms for n = 12288 as tau, and the PSNR there (compressed sensing, m = 5000, gamma = 0).
TAU = tuple(float(norm / np.sqrt(12288)) for norm in (0, 20, 40, 60, 80, 100, 120))
PUBLISHED = (35.98, 35.72, 35.42, 35.03, 34.45, 34.06, 33.57)
#: Root mean square of the published move in the null space, norm 5 in 12288 pixels.
MOVE = 5 / float(np.sqrt(12288))
TEST, SIDE = 300, 8


@cache
def images() -> tuple[Array, Array]:
    """Digits for training and for testing."""
    found = lf.data.digits()
    found = found[np.random.default_rng(0).permutation(len(found))]
    return found[TEST:], found[:TEST]


def deep_flow(steps: int) -> Any:
    """A trained flow; trained once, and then kept in linflow's cache folder."""
    from linflow.deep import trained

    return trained("realnvp", images()[0].reshape(-1, SIDE, SIDE, 1), steps=steps, batch=128)


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Squared errors of the block's images from every start and with every penalty, deep flow and linear flow."""
    from linflow import deep

    x = images()[1][params["block"] % params["parts"] :: params["parts"]][: params["images"]]
    flow, m, n = deep_flow(params["flow_steps"]), params["m"], x.shape[1]
    linear = flow.linear
    A = lf.measurement.gaussian(m, n, rng)
    y = x @ A.T
    # The last layer of a linear flow only turns the latent: a direction for one is a direction for the other.
    directions = deep.random_start(flow, float(np.sqrt(n)), rng, len(x))
    norms = np.zeros((len(params["tau"]), len(FLOWS)))
    for i, tau in enumerate(params["tau"]):
        start = tau * directions
        found = deep.solve(flow, A, y, space="latent", start=start, steps=params["search"])
        norms[i] = _error(found, x), _error(lf.gradient_flow(linear, A, y, time=np.inf, start=start), x)
    exact = np.array([_expected(linear, A, x, tau) for tau in params["tau"]])
    penalties = np.zeros((len(params["gamma"]), 2, len(FLOWS)))
    moved = deep.null_space_start(flow, A, x, MOVE * np.sqrt(n), rng)
    for i, ratio in enumerate(params["gamma"]):
        gamma = ratio * m  # measurements have entries of mean square 1, so |A x|^2 grows with m
        for j, start in enumerate((np.zeros(n), moved)):
            found = deep.solve(flow, A, y, space="latent", start=start, penalty=gamma, steps=params["search"])
            penalties[i, j, 0] = _error(found, x)
            # Without a penalty the moved start stays where it is; any move of its size has its error.
            without = lf.mle(linear, A, y) if j == 0 else x + MOVE
            end = lf.penalised(linear, A, y, penalty=gamma) if gamma > 0 else without
            penalties[i, j, 1] = _error(end, x)
    return {"norms": norms, "expected": exact, "penalties": penalties}


def _error(x_hat: Array, x: Array) -> float:
    """Mean squared error of a pixel."""
    return float(np.mean((x_hat - x) ** 2))


def _expected(linear: lf.LinearFlow, A: Array, x: Array, tau: float) -> float:
    """Mean over the directions of the start, exact: what A does not see of the image, and of tau G z_0."""
    B = A @ linear.matrix
    unseen = linear.matrix @ (np.eye(linear.n) - np.linalg.pinv(B) @ B)
    return _error(lf.mle(linear, A, x @ A.T), x) + tau**2 * float(np.sum(unseen**2)) / linear.n


EXPERIMENT = Experiment(
    name="deep-starts-and-penalties",
    title="Start and penalty in latent optimisation: a deep flow beside the linear theory",
    cell=cell,
    grid={"m": (16, 32, 48)},
    blocks=12,
    inner={
        "tau": (*TAU, 2.0, 4.0),
        "gamma": (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
        "start": (ZERO, MOVED),
        "flow": FLOWS,
    },
    settings={"flow_steps": 2000, "parts": 12, "images": 25, "search": 200},
    variables={
        "norms": Variable("mean squared error from a start of size tau, gamma = 0", "[x]^2", ("tau", "flow")),
        "expected": Variable("exact mean over starts for the linear flow (T9, these images)", "[x]^2", ("tau",)),
        "penalties": Variable("mean squared error with the penalty gamma m", "[x]^2", ("gamma", "start", "flow")),
    },
    quick={
        "m": (32,),
        "blocks": 6,
        "parts": 6,
        "images": 10,
        "search": 100,
        "flow_steps": 800,
        "tau": (0.0, TAU[3], TAU[6], 4.0),
        "gamma": (0.0, 1e-5, 1e-4, 1e-3, 1e-2),
    },
)


def decibels(values: Any) -> Any:
    """PSNR of a mean squared error, unclipped."""
    return -10 * np.log10(values)


def loss(dataset: xr.Dataset, flow: str) -> Any:
    """PSNR lost by a start of size tau, dB, by block."""
    values = decibels(dataset["norms"].sel(flow=flow))
    return values.sel(tau=0.0) - values


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """What a start costs, and what a penalty mends; ± is one standard error over blocks."""
    rows: list[dict[str, object]] = []
    for m in dataset["m"].values.tolist():
        part = dataset.sel(m=m)
        for tau in dataset["tau"].values.tolist():
            row: dict[str, object] = {"m": m, "start": f"tau = {tau:.2f}", "gamma / m": 0.0}
            row |= {f"{name}, dB": _pm(decibels(part["norms"].sel(tau=tau, flow=name))) for name in FLOWS}
            row["lost, deep"] = _pm(loss(part, DEEP).sel(tau=tau))
            row["lost, T9"] = f"{10 * np.log10(1 + tau**2):.2f}"
            rows.append(row)
        for start in (ZERO, MOVED):
            for gamma in dataset["gamma"].values.tolist():
                place = {"gamma": gamma, "start": start}
                row = {"m": m, "start": start, "gamma / m": gamma}
                row |= {f"{name}, dB": _pm(decibels(part["penalties"].sel(**place, flow=name))) for name in FLOWS}
                rows.append(row | {"lost, deep": "", "lost, T9": ""})
    return rows


def _pm(values: Any) -> str:
    error = float(values.std("block", ddof=1)) / np.sqrt(float(values.notnull().sum("block")))
    return f"{float(values.mean('block')):.2f} ± {error:.2f}"


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    parts = []
    for m in dataset["m"].values.tolist():
        part = dataset.sel(m=m)
        lost, near = loss(part, DEEP).mean("block"), float(dataset["tau"].sel(tau=TAU[6], method="nearest"))
        penalised = decibels(part["penalties"].sel(flow=DEEP)).mean("block")
        stuck = float(penalised.sel(gamma=0.0, start=MOVED))
        best = {start: float(penalised.sel(start=start)[1:].max()) for start in (ZERO, MOVED)}
        parts.append(
            f"m = {m}: a start of size tau = {near:.2f} (the published norm 120) costs the deep flow "
            f"{float(lost.sel(tau=near)):.2f} dB, the linear theory says {10 * np.log10(1 + near**2):.2f} dB; from tau = "
            f"{float(dataset['tau'][-1]):g} it is {float(lost[-1]):.2f} against "
            f"{10 * np.log10(1 + float(dataset['tau'][-1]) ** 2):.2f} dB. Started at the truth moved by {MOVE:.3f} a pixel "
            f"in the null space, it ends at {stuck:.2f} dB without a penalty ({decibels(MOVE**2):.2f} dB is the move), "
            f"and the best penalty brings {best[MOVED]:.2f} dB from there, {best[ZERO]:.2f} dB from zero, against "
            f"{float(penalised.sel(gamma=0.0, start=ZERO)):.2f} dB from zero without any."
        )
    gap = estimate(dataset["norms"].sel(flow=LINEAR) - dataset["expected"])
    inside = int(((gap["low"] <= 1e-12) & (gap["high"] >= -1e-12)).sum())
    published = f"{PUBLISHED[0] - PUBLISHED[-1]:.2f} dB at norm 120"
    return (
        " ".join(parts) + f" The linear flow's error agrees with its exact mean (T9 for given images) within the "
        f"95 % interval at {inside} of {gap['mean'].size} places. The published loss, {published}, "
        f"lies below T9's {10 * np.log10(1 + TAU[-1] ** 2):.2f} dB."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Loss over the size of the start, and PSNR over the penalty."""
    from matplotlib.figure import Figure

    counts = dataset["m"].values.tolist()
    figure = Figure(figsize=(10.0, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    colours = ("blue", "vermillion", "green")
    dense = np.linspace(0, float(dataset["tau"].max()), 200)
    left.plot(dense, 10 * np.log10(1 + dense**2), "k--", label="linear theory, T9: $10\\,\\log_{10}(1+\\tau^2)$")
    published = PUBLISHED[0] - np.array(PUBLISHED)
    left.plot(TAU, published, "x", color=OKABE_ITO["purple"], markersize=6, label="published Glow, $n$ = 12288, $m$ = 5000")
    for m, colour, marker in zip(counts, colours, "os^", strict=False):
        found = estimate(loss(dataset.sel(m=m), DEEP))
        style: dict[str, Any] = {"color": OKABE_ITO[colour], "marker": marker, "markersize": 4.5, "capsize": 2.0}
        bars = found["high"] - found["mean"]
        left.errorbar(dataset["tau"], found["mean"], yerr=bars, linewidth=1.2, label=f"deep flow, $m$ = {m}", **style)
    left.set(xlabel=r"size of the start, $\tau = |z_0|/\sqrt{n}$", ylabel="PSNR lost against the start 0, dB")
    left.set_title("no penalty: a far start costs", fontsize=10)
    gamma = dataset["gamma"].values
    place = np.where(gamma > 0, np.log10(np.maximum(gamma, 1e-300)), np.log10(gamma[gamma > 0].min()) - 1)
    m = counts[len(counts) // 2]
    drawn = [(DEEP, ZERO, "blue", "o", "-"), (DEEP, MOVED, "vermillion", "s", "-")]
    drawn += [(LINEAR, ZERO, "sky", "D", "--"), (LINEAR, MOVED, "orange", "^", "--")]
    for flow, start, colour, marker, line in drawn:
        found = estimate(decibels(dataset["penalties"].sel(m=m, flow=flow, start=start)))
        style = {"color": OKABE_ITO[colour], "marker": marker, "linestyle": line, "markersize": 4.5, "capsize": 2.0}
        bars = found["high"] - found["mean"]
        right.errorbar(place, found["mean"], yerr=bars, linewidth=1.2, label=f"{flow} from {start}", **style)
    right.axhline(
        decibels(MOVE**2), color="0.5", linestyle=":", linewidth=1.2, label="the move itself (any invertible $G$)"
    )
    words = ["0" if value == 0 else f"$10^{{{round(np.log10(value))}}}$" for value in gamma]
    right.set_xticks(place, words)
    right.set(xlabel=r"penalty $\gamma / m$", ylabel="PSNR, dB")
    right.set_title(f"$m$ = {m}: a penalty mends a bad start, and costs little", fontsize=10)
    for panel in (left, right):
        panel.grid(visible=True, color="0.9", linewidth=0.6)
        panel.legend(fontsize=8, frameon=False)
    images_each = settings(dataset)["images"]
    figure.supxlabel(
        f"digits, $n$ = 64; bars: 95 % interval of the mean (Student's t) from {dataset.sizes['block']} blocks, each with "
        f"its own $A$, starts and up to {images_each} test images",
        fontsize=8,
    )
    return {"": figure}


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
