r"""Where recovery begins: success over (effective rank / n, m / n) for the flow, its truncation and basis pursuit.

Slides 13 (compressed sensing) and 17 (theory for the linear invertible model). Three priors see the same Gaussian A:

* **flow**: the linear flow with a step spectrum, k singular values 1 and n - k of FLOOR, so of effective rank (energy
  / largest variance) k + FLOOR^2 (n - k), which is k up to a quarter of a percent of n. Success: the error X_A of its
  MLE, averaged over signals, is at most TOLERANCE of the energy. Theory: the contour on which the deterministic
  equivalent m kappa (THEORY.md, section 4) is TOLERANCE of the energy.
* **truncated**: least squares in the rank-k truncation G_k of that flow, the linear stand-in for a GAN prior; the same
  success. Theory: m = k + 1, up to which its expected error is infinite or contains unseen directions, and the contour
  of its exact risk (T3).
* **l1**: basis pursuit on k-sparse signals of random support and signs. Success: the signal is the unique solution,
  decided exactly by certificates and HiGHS (see linflow/pursuit). Theory: m = delta(k / n) n, the statistical
  dimension of the descent cone, delta(rho) = inf_tau rho (1 + tau^2) + (1 - rho) sqrt(2/pi) int_tau^inf (u - tau)^2
  e^{-u^2/2} du (Amelunxen, Lotz, McCoy & Tropp 2014, "Living on the edge", Proposition 4.5).

For each prior, n and k a probit curve Phi((m - a)/b) is fitted to the successes over m; 10, 50 and 90 % points are
read off it, with standard errors by the jackknife over blocks. The width between 10 and 90 %, in units of n, falls as
n grows.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_ndtr, ndtr, ndtri

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, settings

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

FLOOR = 0.05
TOLERANCE = 0.05
PRIORS = ("flow", "truncated", "l1")
TITLES = {
    "flow": "linear flow, step spectrum",
    "truncated": "its truncated prior $G_k$",
    "l1": "basis pursuit, $k$-sparse signals",
}
SHORT = {"flow": "linear flow", "truncated": "truncated prior", "l1": "basis pursuit"}
#: Quantiles of the fitted curves, with the z of each.
LEVELS = {10: float(ndtri(0.1)), 50: 0.0, 90: float(ndtri(0.9))}


def count(fraction: float, n: int) -> int:
    """The whole number nearest to ``fraction * n``."""
    return round(fraction * n)


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Share of successes of one block of draws of A, for every prior and rank."""
    n, draws = params["n"], params["draws"]
    m = count(params["m_fraction"], n)
    ranks = [count(fraction, n) for fraction in params["rank_fraction"]]
    A = rng.standard_normal((draws, m, n))
    signals = np.zeros((draws, len(ranks), n))
    for draw in range(draws):
        for index, k in enumerate(ranks):
            signals[draw, index, rng.permutation(n)[:k]] = rng.choice([-1.0, 1.0], size=k)
    decided = lf.recovery(A, signals)
    success = {"l1": decided.found.mean(axis=0), "flow": [], "truncated": []}
    for k in ranks:
        spectrum = lf.Spectrum.step(n, k, params["floor"])
        limit = params["tolerance"] * spectrum.energy
        success["flow"].append(np.mean(lf.risk.error_curve(spectrum, A)[:, -1] <= limit))
        success["truncated"].append(np.mean(truncated_error(A, k, params["floor"]) <= limit))
    return {
        "success": np.array([success[prior] for prior in params["prior"]]),
        "adjudicated": decided.adjudicated.mean(axis=0),
    }


def truncated_error(A: Floats, k: int, floor: float) -> Floats:
    """Error of least squares (m >= k) or the minimum norm (m < k) in G_k, averaged over signals, for each draw.

    With A = [A_1 A_2] the estimate of the first k coordinates is ``A_1^+ A x``, that of the others 0, so the error is
    ``|I - A_1^+ A_1|^2 + floor^2 |A_1^+ A_2|^2 + floor^2 (n - k)``; the first term is the rank that A_1 lacks.
    """
    m, n = A.shape[1:]
    first, rest = A[:, :, :k], A[:, :, k:]
    if m >= k:
        Q, R = np.linalg.qr(first)
        mixed = np.linalg.solve(R, np.swapaxes(Q, 1, 2) @ rest)
    else:
        Q, R = np.linalg.qr(np.swapaxes(first, 1, 2))
        mixed = np.linalg.solve(np.swapaxes(R, 1, 2), rest)
    error: Floats = max(k - m, 0) + floor**2 * (np.sum(mixed**2, axis=(1, 2)) + n - k)
    return error


def not_whole(params: dict[str, Any]) -> bool:
    """True where m_fraction * n is no whole number of measurements."""
    m = params["m_fraction"] * params["n"]
    return bool(abs(m - round(m)) > 1e-6)


EXPERIMENT = Experiment(
    name="phase-transition",
    title="Phase transitions of the flow, its truncation and basis pursuit",
    cell=cell,
    grid={"n": (25, 50, 100), "m_fraction": tuple(round(0.01 * i, 2) for i in range(1, 100))},
    inner={"prior": PRIORS, "rank_fraction": tuple(round(0.08 * i, 2) for i in range(1, 10))},
    blocks=10,
    settings={"draws": 25, "floor": FLOOR, "tolerance": TOLERANCE},
    variables={
        "success": Variable("share of draws in which the signal is recovered", "", ("prior", "rank_fraction")),
        "adjudicated": Variable("share of basis pursuit decisions left to HiGHS", "", ("rank_fraction",)),
    },
    quick={
        "n": (25, 50),
        "m_fraction": tuple(round(0.04 * i, 2) for i in range(1, 25)),
        "rank_fraction": (0.08, 0.2, 0.32, 0.44, 0.56, 0.68),
        "draws": 15,
        "blocks": 6,
    },
    skip=not_whole,
    cost=lambda params: float(params["n"] ** 2 * (1 + params["m_fraction"])),
)


# --------------------------------------------------------------------------------------------------------- theory


@cache
def statistical_dimension(rho: float) -> float:
    """delta(rho) of the descent cone of the 1-norm at a vector with a share rho of entries that are not 0.

    The integral is ``2 ((1 + tau^2) Phi(-tau) - tau phi(tau))`` in closed form.
    """

    def bound(tau: float) -> float:
        density = np.exp(-(tau**2) / 2) / np.sqrt(2 * np.pi)
        return float(rho * (1 + tau**2) + (1 - rho) * 2 * ((1 + tau**2) * ndtr(-tau) - tau * density))

    if rho <= 0:
        return 0.0
    return min(1.0, float(minimize_scalar(bound, bounds=(0.0, 20.0), method="bounded", options={"xatol": 1e-10}).fun))


@cache
def contour(prior: str, n: int, k: int, floor: float, tolerance: float) -> float:
    """The m, interpolated in the log of the risk, from which the predicted risk is at most `tolerance` of the energy."""
    if prior == "l1":
        return n * statistical_dimension(k / n)
    spectrum, m = lf.Spectrum.step(n, k, floor), np.arange(n)
    if prior == "flow":
        risk = np.asarray(lf.risk.equivalent(spectrum, m))
    else:
        risk = np.full(n, np.inf)
        risk[k + 2 :] = lf.risk.truncated(spectrum, m[k + 2 :], rank=k)
    reached = np.flatnonzero(risk <= tolerance * spectrum.energy)
    if not reached.size:
        return float(n)
    last = int(reached[0])
    if last == 0 or not np.isfinite(risk[last - 1]):
        return float(last)
    drop = np.log(risk[last - 1] / (tolerance * spectrum.energy)) / np.log(risk[last - 1] / risk[last])
    return float(last - 1 + drop)


def theory(dataset: xr.Dataset, prior: str, n: int, ranks: list[int]) -> Floats:
    """The theory line of a prior in measurements, one value a rank."""
    constants = settings(dataset)
    return np.array([contour(prior, n, k, constants["floor"], constants["tolerance"]) for k in ranks])


# ----------------------------------------------------------------------------------------------------------- fits


def probit_fit(m: Floats, successes: Floats, trials: Floats) -> tuple[Floats, Floats]:
    """Maximum-likelihood a, b of ``P(success) = Phi((m - a) / b)``; `successes` and `trials` are (..., len(m)).

    Damped Fisher scoring on (a, log b). b is kept above a tenth of the grid's step, where the likelihood is flat: a
    transition between two neighbouring grid points has no finer width to tell.
    """
    step = float(np.diff(m).min())
    finest = np.log(step / 10)
    share = (successes + 1e-9) / (trials + 2e-9)
    # Spearman-Kaerber: the mean of the threshold is the area above the curve.
    a = m[0] + np.sum(1 - share, axis=-1) * step
    log_b = np.full_like(a, np.log(np.ptp(m) / 10))

    def likelihood(a: Floats, log_b: Floats) -> Floats:
        eta = (m - a[..., None]) / np.exp(log_b)[..., None]
        value: Floats = np.sum(successes * log_ndtr(eta) + (trials - successes) * log_ndtr(-eta), axis=-1)
        return value

    damping, best = np.full_like(a, 1e-2), likelihood(a, log_b)
    for _ in range(80):
        b = np.exp(log_b)[..., None]
        eta = (m - a[..., None]) / b
        log_density = -(eta**2) / 2 - np.log(2 * np.pi) / 2
        up, down = np.exp(log_density - log_ndtr(eta)), np.exp(log_density - log_ndtr(-eta))
        score = successes * up - (trials - successes) * down
        weight = trials * up * down
        J = np.stack(np.broadcast_arrays(-1 / b + 0 * eta, -eta), axis=-1)
        gradient = np.einsum("...m,...mi->...i", score, J)
        fisher = np.einsum("...m,...mi,...mj->...ij", weight, J, J)
        scale = np.einsum("...ii->...i", fisher) * damping[..., None] + 1e-12
        fisher[..., [0, 1], [0, 1]] += scale
        move = np.linalg.solve(fisher, gradient[..., None])[..., 0]
        a_new = np.clip(a + move[..., 0], m[0] - np.ptp(m), m[-1] + np.ptp(m))
        log_b_new = np.clip(log_b + np.clip(move[..., 1], -1, 1), finest, np.log(4 * np.ptp(m)))
        value = likelihood(a_new, log_b_new)
        better = value >= best
        a, log_b, best = np.where(better, a_new, a), np.where(better, log_b_new, log_b), np.where(better, value, best)
        damping = np.clip(np.where(better, damping / 5, damping * 5), 1e-8, 1e8)
    return a, np.exp(log_b)


def transitions(dataset: xr.Dataset, prior: str, n: int) -> dict[str, Any]:
    """Everything about one prior at one n.

    Returns
    -------
    "m", "ranks"; "share" (rank, m) of successes and "trials" (m,); "points" {10, 50, 90} (rank,) fitted, in measurements,
    "errors" of them; "width" (90 - 10 %, mean over ranks, in measurements) and its "width error", by the jackknife.
    """
    draws = settings(dataset)["draws"]
    values = dataset["success"].sel(n=n, prior=prior).transpose("block", "rank_fraction", "m_fraction")
    there = values.notnull().any(("block", "rank_fraction")).values
    m = np.array([count(f, n) for f in dataset["m_fraction"].values[there]], dtype=float)
    raw = values.values[:, :, there]
    trials = np.where(np.isfinite(raw), float(draws), 0.0)
    successes = np.where(np.isfinite(raw), raw * draws, 0.0)
    blocks = len(raw)
    # Row 0 is the fit to everything, row b + 1 the fit without block b.
    totals = [np.concatenate([x.sum(axis=0, keepdims=True), x.sum(axis=0, keepdims=True) - x]) for x in (successes, trials)]
    a, b = probit_fit(m, *totals)
    points = {level: a + z * b for level, z in LEVELS.items()}
    widths = (points[90] - points[10]).mean(axis=-1)

    def spread(replicates: Floats) -> Floats:
        """Jackknife standard error."""
        variance: Floats = (blocks - 1) / blocks * np.sum((replicates - replicates.mean(axis=0)) ** 2, axis=0)
        return np.sqrt(variance)

    return {
        "m": m,
        "ranks": [count(f, n) for f in dataset["rank_fraction"].values],
        "share": totals[0][0] / np.maximum(totals[1][0], 1.0),
        "trials": totals[1][0],
        "points": {level: value[0] for level, value in points.items()},
        "errors": {level: spread(value[1:]) for level, value in points.items()},
        "b": b[0],
        "width": float(widths[0]),
        "width error": float(spread(widths[1:])),
    }


def sharpening(dataset: xr.Dataset, prior: str) -> tuple[float, float]:
    """Exponent p of ``width / n ~ n^p`` and its standard error, by weighted least squares on the logarithms."""
    sizes = dataset["n"].values.tolist()
    found = [transitions(dataset, prior, n) for n in sizes]
    x = np.log(sizes)
    y = np.log([f["width"] / n for f, n in zip(found, sizes, strict=True)])
    errors = np.array([max(f["width error"] / f["width"], 1e-3) for f in found])
    weights = errors**-2.0
    if len(sizes) < 2:
        return float("nan"), float("nan")
    centred = x - np.sum(weights * x) / np.sum(weights)
    information = float(np.sum(weights * centred**2))
    return float(np.sum(weights * centred * y) / information), information**-0.5


# --------------------------------------------------------------------------------------------------------- output


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """For each prior and n: how sharp the transition is, and where it lies against the theory line."""
    rows: list[dict[str, object]] = []
    for prior in dataset["prior"].values.tolist():
        for n in dataset["n"].values.tolist():
            found = transitions(dataset, prior, n)
            off = found["points"][50] - theory(dataset, prior, n, found["ranks"])
            worst = int(np.argmax(np.abs(off)))
            handed = float(dataset["adjudicated"].sel(n=n).mean()) if prior == "l1" else float("nan")
            rows.append(
                {
                    "prior": SHORT[prior],
                    "n": n,
                    "10-90 % width / n": round(found["width"] / n, 4),
                    "s.e.": round(found["width error"] / n, 4),
                    "in measurements": round(found["width"], 2),
                    "50 % point - theory, mean": round(float(off.mean()), 2),
                    "worst": f"{off[worst]:+.2f} ± {found['errors'][50][worst]:.2f} (k = {found['ranks'][worst]})",
                    "draws": int(found["trials"].max()),
                    "left to HiGHS": "" if np.isnan(handed) else f"{100 * handed:.1f} %",
                }
            )
    return rows


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    n = int(dataset["n"].values[-1])
    parts = []
    for prior in dataset["prior"].values.tolist():
        found = transitions(dataset, prior, n)
        off = np.abs(found["points"][50] - theory(dataset, prior, n, found["ranks"]))
        exponent, error = sharpening(dataset, prior)
        parts.append(
            f"{SHORT[prior]}: the fitted 50 % point is within {off.max():.1f} of the theory line at every rank (mean "
            f"{off.mean():.1f}), the 10-90 % width is {found['width']:.1f} ± {found['width error']:.2f} measurements, and "
            f"width / n falls as n^({exponent:.2f} ± {error:.2f})"
        )
    ranks = [count(f, n) for f in dataset["rank_fraction"].values]
    flow, truncated = (transitions(dataset, prior, n)["points"][50] for prior in ("flow", "truncated"))
    saved = truncated - flow
    best = int(np.argmax(saved))
    return (
        f"At n = {n}, in measurements: {'; '.join(parts)}. At the same success of one half the flow needs fewer "
        f"measurements than its truncation at {int(np.sum(saved > 0))} of {len(ranks)} ranks, by up to {saved[best]:.1f} "
        f"(k = {ranks[best]})."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """The three phase diagrams at the largest n, and the sharpening as n grows."""
    return {"": _diagram(dataset), "sharpening": _sharpening_figure(dataset)}


LINES = {"flow": "contour of the equivalent $m\\kappa$", "truncated": "contour of T3", "l1": "statistical dimension"}
COLOURS = {10: OKABE_ITO["orange"], 50: OKABE_ITO["vermillion"], 90: OKABE_ITO["purple"]}


def _diagram(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure

    n = int(dataset["n"].values[-1])
    constants = settings(dataset)
    figure = Figure(figsize=(11.5, 5.2), layout="constrained")
    panels = figure.subplots(1, 3, sharey=True)
    for panel, prior in zip(panels, PRIORS, strict=True):
        found = transitions(dataset, prior, n)
        ranks = np.array(found["ranks"])
        mesh = panel.pcolormesh(
            ranks / n, found["m"] / n, found["share"].T, cmap="Greys_r", vmin=0, vmax=1, shading="nearest", rasterized=True
        )
        for level, colour in COLOURS.items():
            error = 1.96 * found["errors"][level] / n
            panel.errorbar(
                ranks / n,
                found["points"][level] / n,
                yerr=error,
                color=colour,
                marker={10: "v", 50: "o", 90: "^"}[level],
                markersize=4,
                linewidth=1.2,
                capsize=2,
                label=f"fitted {level} % success (bar: 95 %)",
            )
        fine = np.arange(ranks[0], min(n - 2, ranks[-1] + 2) + 1)
        line = theory(dataset, prior, n, fine.tolist()) / n
        panel.plot(
            fine / n, line, color=OKABE_ITO["sky"], linewidth=2.4, label="theory line (named in the panel)", zorder=4
        )
        if prior == "truncated":
            style = {"color": OKABE_ITO["green"], "linewidth": 2.0, "linestyle": "--", "zorder": 4}
            panel.plot(fine / n, (fine + 1) / n, label="$m = k + 1$", **style)
        panel.set_title(f"{TITLES[prior]}\ntheory: {LINES[prior]}", fontsize=10)
        label = "non-zeros $k/n$" if prior == "l1" else "effective rank $k/n$"
        half = float(np.diff(found["m"]).min()) / 2
        edges = ((ranks[0] - 1) / n, (fine[-1] + 1) / n)
        panel.set(xlabel=label, ylim=((found["m"][0] - half) / n, (found["m"][-1] + half) / n), xlim=edges)
    panels[0].set_ylabel("measurements $m/n$")
    figure.colorbar(mesh, ax=panels, label="share of successes", pad=0.01)
    handles, labels = panels[1].get_legend_handles_labels()
    note = (
        f"n = {n}, {int(found['trials'].max())} draws of A a point. Flow and truncation succeed if the error is at most "
        f"{constants['tolerance']:g} of the energy (step spectrum, floor {constants['floor']:g}); basis pursuit if exact."
    )
    legend: dict[str, Any] = {"loc": "outside lower center", "ncols": 5, "fontsize": 8.5, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=9, **legend)
    return figure


def _sharpening_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

    sizes = dataset["n"].values.tolist()
    chosen = dataset.sizes["rank_fraction"] // 2
    fraction = float(dataset["rank_fraction"].values[chosen])
    colours = [OKABE_ITO[c] for c in ("sky", "orange", "vermillion", "purple", "black")]
    markers = "osD^v"
    figure = Figure(figsize=(11.5, 6.6), layout="constrained")
    panels = figure.subplots(2, 3, sharey="row")
    for column, prior in enumerate(PRIORS):
        top, bottom = panels[:, column]
        found = {n: transitions(dataset, prior, n) for n in sizes}
        for index, n in enumerate(sizes):
            f, colour = found[n], colours[index % len(colours)]
            low, high = wilson(f["share"][chosen], f["trials"][chosen])
            share = f["share"][chosen]
            top.errorbar(
                f["m"] / n,
                share,
                yerr=np.maximum([share - low, high - share], 0.0),
                fmt=markers[index % len(markers)],
                markersize=3,
                color=colour,
                linewidth=0.8,
                label=f"n = {n} (bar: 95 %, Wilson)",
            )
            m = np.linspace(0, n, 400)
            top.plot(m / n, ndtr((m - f["points"][50][chosen]) / f["b"][chosen]), color=colour, linewidth=1.4)
        line = theory(dataset, prior, sizes[-1], [count(fraction, sizes[-1])])[0] / sizes[-1]
        top.axvline(line, color=OKABE_ITO["black"], linestyle="--", linewidth=1.2, label=f"theory line, n = {sizes[-1]}")
        centre = found[sizes[0]]["points"][50][chosen] / sizes[0]
        reach = max(4 * found[sizes[0]]["b"][chosen] / sizes[0], 0.06)
        top.set(xlim=(max(0.0, centre - reach), min(1.0, centre + reach)), ylim=(-0.03, 1.03))
        top.set_xlabel("measurements $m/n$")
        top.set_title(f"{TITLES[prior]}, $k/n$ = {fraction:g}", fontsize=10)
        width = np.array([found[n]["width"] / n for n in sizes])
        error = np.array([found[n]["width error"] / n for n in sizes])
        exponent, spread = sharpening(dataset, prior)
        each = np.array([(found[n]["points"][90] - found[n]["points"][10]) / n for n in sizes])
        bottom.plot(sizes, each, color="0.75", linewidth=0.8, zorder=1)
        bottom.plot([], [], color="0.75", linewidth=0.8, label="each rank")
        bottom.errorbar(
            sizes,
            width,
            yerr=1.96 * error,
            fmt="o",
            color=OKABE_ITO["blue"],
            capsize=3,
            label="mean over ranks (bar: 95 %)",
        )
        slope = f"fit: $n^p$, $p$ = {exponent:.2f} ± {spread:.2f}"
        middle = np.exp(np.mean(np.log(width)) + exponent * (np.log(sizes) - np.mean(np.log(sizes))))
        bottom.plot(sizes, middle, color=OKABE_ITO["blue"], linestyle="--", linewidth=1.2, label=slope)
        bottom.set(xscale="log", yscale="log", xlabel="signal size $n$")
        bottom.xaxis.set_major_locator(FixedLocator(sizes))
        bottom.xaxis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
        bottom.xaxis.set_minor_locator(NullLocator())
        bottom.legend(fontsize=8, loc="lower left", frameon=True, framealpha=0.9)
        bottom.grid(visible=True, color="0.92", linewidth=0.6)
    floor, ceiling = panels[1, 0].get_ylim()
    panels[1, 0].set_ylim(floor / 2.2, ceiling)
    ticks = [t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if floor <= t <= ceiling]
    panels[1, 0].yaxis.set_major_locator(FixedLocator(ticks))
    panels[1, 0].yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    panels[1, 0].yaxis.set_minor_locator(NullLocator())
    panels[0, 0].set_ylabel("share of successes")
    panels[1, 0].set_ylabel("10-90 % width / $n$")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": 5, "fontsize": 9, "frameon": False}
    figure.legend(
        handles, labels, title="upper row: points are simulated, curves the probit fits", title_fontsize=9, **style
    )
    return figure


def wilson(share: Floats, trials: Floats, z: float = 1.96) -> tuple[Floats, Floats]:
    """Wilson's interval for a probability."""
    trials = np.maximum(trials, 1.0)
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    return centre - half, centre + half


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
