r"""The published ablations of start and penalty, for a deep flow, beside what the linear theory says exactly (T9).

Compressed sensing by latent optimisation, ``min_z |A G(z) - y|^2 + gamma |z|^2``, without noise, from three kinds of start:

* **of a given norm**, tau sqrt(n), in a random direction, gamma = 0. The published norms 0, 20, ..., 120 for n = 12288 are
  tau = 0 to 1.08. For a linear flow the error is (1 + tau^2) times that from 0, for every A (T9): 10 log10(1 + tau^2) dB.
* **zero**, with penalties gamma. For a linear flow the end is the penalised estimate, wherever the start.
* **the truth, moved in the null space of A**, with penalties. At gamma = 0 any invertible G, deep or linear, stays where it
  starts: A G(z_0) = y already, so the error is the size of the move. The published 27.10 dB is that: 26.9 dB are a move of
  norm 5 in 12288 pixels before clipping. It needs the true image, so it is no method, only a warning.

Other data: ``--data FACES`` trains on a folder of images at ``--set size=8`` pixels in colour, a sixth kept for testing.

Signals are test images for both flows; T9's expectation over z is replaced by the exact linear error for these images.
Source: Asim et al. (ICML 2020) and the figures published with its code; THEORY.md T9.
"""

from __future__ import annotations

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
DEEP, LINEAR = "deep flow", "linear flow"
FLOWS = (DEEP, LINEAR)
ZERO, MOVED, FAR = "zero", "truth, moved", "truth, moved far"
STARTS = (ZERO, MOVED, FAR)
#: Published: start norms for n = 12288 as tau, and the PSNR there (compressed sensing, m = 5000, gamma = 0).
TAU = tuple(float(norm / np.sqrt(12288)) for norm in (0, 20, 40, 60, 80, 100, 120))
PUBLISHED = (35.98, 35.72, 35.42, 35.03, 34.45, 34.06, 33.57)
#: Root mean square of the published move in the null space, norm 5 in 12288 pixels.
MOVE = 5 / float(np.sqrt(12288))
#: The published move was large beside the error of the published estimates, here it is small: so one four times as far.
MOVES = {MOVED: MOVE, FAR: 4 * MOVE}
DIGITS, TEST_PART = "digits", 1 / 6


@cache
def images(case: str, size: int) -> tuple[Array, Array]:
    """Flat images for training and for testing: digits, or a folder's."""
    found = lf.data.digits() if case == DIGITS else folder_images(case, size=size, grey=False)
    found = found[np.random.default_rng(0).permutation(len(found))]
    count = max(1, round(TEST_PART * len(found)))
    return found[count:], found[:count]


def pixels(case: str, size: int) -> int:
    """Values of one image."""
    return 64 if case == DIGITS else 3 * size**2


def outside(given: Outside, params: dict[str, Any]) -> Any:
    """The flow in the place of the trained one."""
    from linflow.deep.outside import whole

    return whole(given, pixels(params["case"], params["size"]))


def deep_flow(params: dict[str, Any]) -> Any:
    """A trained flow, trained once, and then kept in linflow's cache folder; or the one that is given."""
    from linflow.deep import trained

    if params["given_flow"] is not None:
        return outside(params["given_flow"], params)
    case, size, steps = params["case"], params["size"], params["flow_steps"]
    training = images(case, size)[0]
    if case == DIGITS or size <= 8:
        side, channels = (8, 1) if case == DIGITS else (size, 3)
        return trained("realnvp", training.reshape(-1, side, side, channels), steps=steps, batch=128)
    return trained("glow", training.reshape(-1, size, size, 3), steps=steps)


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Squared errors of the block's images from every start and with every penalty, deep flow and linear flow."""
    from linflow import deep

    case, size, m = params["case"], params["size"], params["m"]
    x = images(case, size)[1][params["block"] % params["parts"] :: params["parts"]][: params["images"]]
    flow, n = deep_flow(params), x.shape[1]
    linear = flow.linear
    A = lf.measurement.gaussian(m, n, rng)
    y = x @ A.T
    # The last layer of a linear flow only turns the latent: a direction for one is a direction for the other.
    directions = deep.random_start(flow, float(np.sqrt(n)), rng, len(x))
    tau = np.array(params["tau"])[:, None, None]

    def search(starts: Array, penalty: float) -> Array:
        """Where the deep flow ends, (starts, images, n), from starts for each image; one batch, which changes no result."""
        repeated = np.broadcast_to(y, (len(starts), *y.shape))
        return deep.solve(flow, A, repeated, space="latent", start=starts, penalty=penalty, steps=params["search"])

    ends = search(tau * directions, 0.0), lf.gradient_flow(linear, A, y, time=np.inf, start=tau * directions)
    norms = np.stack([np.mean((found - x) ** 2, axis=(1, 2)) for found in ends], axis=1)
    exact = np.array([_expected(linear, A, x, size) for size in params["tau"]])
    moved = [deep.null_space_start(flow, A, x, move * np.sqrt(n), rng) for move in MOVES.values()]
    starts = np.stack([np.zeros_like(x), *moved])
    penalties = np.zeros((len(params["gamma"]), len(STARTS), len(FLOWS)))
    for i, ratio in enumerate(params["gamma"]):
        gamma = ratio * m  # measurements have entries of mean square 1, so |A x|^2 grows with m
        penalties[i, :, 0] = np.mean((search(starts, gamma) - x) ** 2, axis=(1, 2))
        for j, name in enumerate(STARTS):
            # Without a penalty the moved start stays where it is; any move of its size has its error.
            without = lf.mle(linear, A, y) if name == ZERO else x + MOVES[name]
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


def one_folder(data: str, ood: str) -> dict[str, Any]:
    """Images of 8 x 8 pixels in colour, n = 192: at 16 x 16, 60 steps in latent space end 5 dB below the linear flow."""
    if not data or ood:
        raise lf.InputError("deep-starts-and-penalties takes --data FOLDER, and no --ood")
    less = {"tau": (0.0, TAU[3], TAU[6], 4.0), "gamma": (0.0, 1e-4, 1e-3, 1e-2)}
    return {"case": (data,), "m": (48, 96, 144), "search": 300, "blocks": 6, "parts": 6, **less}


EXPERIMENT = Experiment(
    name="deep-starts-and-penalties",
    title="Start and penalty in latent optimisation: a deep flow beside the linear theory",
    cell=cell,
    grid={"case": (DIGITS,), "m": (16, 32, 48)},
    blocks=8,
    inner={
        "tau": (*TAU[::2], 2.0, 4.0),
        "gamma": (0.0, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
        "start": STARTS,
        "flow": FLOWS,
    },
    settings={"size": 8, "flow_steps": 2000, "parts": 8, "images": 6, "search": 100},
    variables={
        "norms": Variable("mean squared error from a start of size tau, gamma = 0", "[x]^2", ("tau", "flow")),
        "expected": Variable("exact mean over starts for the linear flow (T9, these images)", "[x]^2", ("tau",)),
        "penalties": Variable("mean squared error with the penalty gamma m", "[x]^2", ("gamma", "start", "flow")),
    },
    quick={
        "m": (32,),
        "blocks": 6,
        "parts": 6,
        "images": 8,
        "flow_steps": 800,
        "tau": (0.0, TAU[3], TAU[6], 4.0),
        "gamma": (0.0, 1e-4, 1e-3, 1e-2),
    },
    folders=one_folder,
    flow=outside,
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
    for case, m in _places(dataset):
        part = dataset.sel(case=case, m=m)
        for tau in dataset["tau"].values.tolist():
            row: dict[str, object] = {"images": _short(case), "m": m, "start": f"tau = {tau:.2f}", "gamma / m": 0.0}
            row |= {f"{name}, dB": _pm(decibels(part["norms"].sel(tau=tau, flow=name))) for name in FLOWS}
            row["lost, deep"] = _pm(loss(part, DEEP).sel(tau=tau))
            row["lost, T9"] = f"{10 * np.log10(1 + tau**2):.2f}"
            rows.append(row)
        for start in STARTS:
            for gamma in dataset["gamma"].values.tolist():
                place = {"gamma": gamma, "start": start}
                row = {"images": _short(case), "m": m, "start": start, "gamma / m": gamma}
                row |= {f"{name}, dB": _pm(decibels(part["penalties"].sel(**place, flow=name))) for name in FLOWS}
                rows.append(row | {"lost, deep": "", "lost, T9": ""})
    return rows


def _places(dataset: xr.Dataset) -> list[tuple[str, int]]:
    return [(case, m) for case in dataset["case"].values.tolist() for m in dataset["m"].values.tolist()]


def _short(case: str) -> str:
    """A case's name without the way to its folder."""
    return case.rstrip("/").rsplit("/", 1)[-1]


def _pm(values: Any) -> str:
    error = float(values.std("block", ddof=1)) / np.sqrt(float(values.notnull().sum("block")))
    return f"{float(values.mean('block')):.2f} ± {error:.2f}"


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    parts = []
    for case, m in _places(dataset):
        part = dataset.sel(case=case, m=m)
        lost, near = loss(part, DEEP).mean("block"), float(dataset["tau"].sel(tau=TAU[6], method="nearest"))
        penalised = decibels(part["penalties"].sel(flow=DEEP)).mean("block")
        best = {start: float(penalised.sel(start=start)[1:].max()) for start in STARTS}
        stuck = [
            f"moved by {move:.3f} a pixel {float(penalised.sel(gamma=0.0, start=start)):.2f} dB (the move itself: "
            f"{float(decibels(move**2)):.2f}), with the best penalty {best[start]:.2f} dB"
            for start, move in MOVES.items()
        ]
        parts.append(
            f"{_short(case)}, m = {m}: a start of size tau = {near:.2f} (the published norm 120) costs the deep flow "
            f"{float(lost.sel(tau=near)):.2f} dB, the linear theory says {10 * np.log10(1 + near**2):.2f} dB; from tau = "
            f"{float(dataset['tau'][-1]):g} it is {float(lost[-1]):.2f} against "
            f"{10 * np.log10(1 + float(dataset['tau'][-1]) ** 2):.2f} dB. From the truth moved in the null space, a search "
            f"without a penalty stays where it starts: {'; '.join(stuck)}. From zero it ends at "
            f"{float(penalised.sel(gamma=0.0, start=ZERO)):.2f} dB without a penalty, {best[ZERO]:.2f} dB with the best."
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
    """Loss over the size of the start, and PSNR over the penalty; one figure for each set of images."""
    cases = dataset["case"].values.tolist()
    return {"" if case == cases[0] else _short(case): _figure(dataset, case) for case in cases}


def _figure(dataset: xr.Dataset, case: str) -> Figure:
    from matplotlib.figure import Figure

    dataset = dataset.sel(case=case)
    counts = dataset["m"].values.tolist()
    figure = Figure(figsize=(10.0, 5.4), layout="constrained")
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
    marks = {ZERO: ("blue", "o"), MOVED: ("vermillion", "s"), FAR: ("green", "^")}
    lines = [(flow, start, *marks[start], "-" if flow == DEEP else "--") for flow in FLOWS for start in STARTS]
    for flow, start, colour, marker, line in lines:
        found = estimate(decibels(dataset["penalties"].sel(m=m, flow=flow, start=start)))
        style = {"color": OKABE_ITO[colour], "marker": marker, "linestyle": line, "markersize": 4.5, "capsize": 2.0}
        bars = found["high"] - found["mean"]
        right.errorbar(place, found["mean"], yerr=bars, linewidth=1.2, label=f"{flow} from {start}", **style)
    for start, move in MOVES.items():
        right.axhline(decibels(move**2), color=OKABE_ITO[marks[start][0]], linestyle=":", linewidth=1.0, zorder=1)
    words = ["0" if value == 0 else f"$10^{{{round(np.log10(value))}}}$" for value in gamma]
    right.set_xticks(place, words)
    right.set(xlabel=r"penalty $\gamma / m$", ylabel="PSNR, dB")
    right.set_title(f"$m$ = {m}: no penalty stays at the start, a penalty forgets it", fontsize=10)
    left.legend(fontsize=8, frameon=False)
    handles, labels = right.get_legend_handles_labels()
    note = f"right panel; dotted: the moves themselves, {MOVE:.3f} and {4 * MOVE:.2f} a pixel"
    figure.legend(
        handles, labels, loc="outside lower right", ncols=2, fontsize=8, frameon=False, title=note, title_fontsize=8
    )
    for panel in (left, right):
        panel.grid(visible=True, color="0.9", linewidth=0.6)
    drawn = settings(dataset)
    n = pixels(case, drawn["size"])
    figure.suptitle(
        f"{_short(case)}, $n$ = {n}; bars: 95 % interval of the mean (Student's t) from {dataset.sizes['block']} blocks, "
        f"each with its own $A$, starts and up to {drawn['images']} test images",
        fontsize=8,
    )
    return figure


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
