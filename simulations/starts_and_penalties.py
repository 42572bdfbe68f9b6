r"""Where regularisation comes from: the start of gradient descent, when it stops, or a penalty.

Slides 18-19. Gradient flow on ``|A G z - y|^2`` from a start z_0 ~ N(0, tau^2 I) tends to the solution nearest to z_0. Its
risk is exactly ``(1 + tau^2) E_m`` without noise (T9): the part of z_0 that A does not see stays, and in expectation it is
tau^2 times as large as the part of the signal that A does not see. So a likely start (tau = 0) regularises by itself, an
unlikely one does not, and any penalty gamma > 0 makes the end forget the start. With measurement noise, stopping at time t
acts like the penalty gamma = 1/(2t): for tau = 0 its risk is at most 1.6862 times that of the penalty, for every A (Ali,
Kolter & Tibshirani, AISTATS 2019: ``1 - e^{-u} <= 1.2985 u/(1+u)`` and ``e^{-u} <= 1/(1+u)``).

Signals, starts and noise are drawn; the exact risk given A comes from the singular values of A G, by algebra of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, entries, estimate, scaled_counts, settings, spectrum_for

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
SPECTRA: dict[str, Callable[[], lf.Spectrum]] = {
    "power law 1": lambda: lf.Spectrum.power_law(48, 1.0),
    "digits 8x8": lambda: lf.Spectrum.from_data(lf.data.digits()),
}
#: Measurements, for n = 48.
COUNTS = (8, 16, 24, 32, 40)
#: Penalties of the first figure, in units of the smallest variance of the model: small, and none too small to tell.
SMALL_PENALTY = 1e-2
#: Ali, Kolter & Tibshirani (2019): the most that early stopping loses to the penalty gamma = 1/(2t).
STOPPING_FACTOR = 1.2985**2


@cache
def spectrum_of(name: str) -> lf.Spectrum:
    """The spectrum of a case, fitted once in each process."""
    return SPECTRA[name]()


def noise_of(spectrum: lf.Spectrum, level: float) -> float:
    """noise_std: `level` times the standard deviation of a noiseless measurement."""
    return float(level * np.sqrt(spectrum.energy))


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Mean errors over the block's draws of A, signals, starts and noise, with the exact means given A."""
    m, starts, ratios = params["m"], params["tau"], params["ratio"]
    spectrum = spectrum_for(params, spectrum_of)
    noise_std = noise_of(spectrum, params["level"])
    flow = lf.LinearFlow.from_spectrum(spectrum, rng=rng)
    G, gamma = flow.matrix, SMALL_PENALTY * float(spectrum.variances[-1])
    shape = (len(starts), len(ratios))
    sums: dict[str, Any] = {key: np.zeros(len(starts)) for key in ("end", "end_penalised")}
    sums |= {"mle": np.zeros(()), "penalty": np.zeros(len(ratios))}
    sums |= {key: np.zeros(shape) for key in ("stopped", "stopped_exact")} | {"penalty_exact": np.zeros(len(ratios))}
    for _ in range(params["draws"]):
        A = lf.measurement.gaussian(m, spectrum.n, rng)
        z, z_0 = rng.standard_normal((2, params["signals"], spectrum.n))
        x = flow.forward(z)
        y = lf.measurement.apply(A, x)
        # By the other room's algebra: the columns of A in the eigenbasis of the flow.
        eigenbasis = np.eye(spectrum.n) if flow.basis is None else flow.basis
        sums["mle"] += lf.risk.error_curve(spectrum, A @ eigenbasis)[m]
        # |A G z - y|^2 + gamma |z|^2 is a sum of squares of m + n measurements; the last n see sqrt(gamma) z.
        extended = np.vstack([A, np.sqrt(gamma) * np.linalg.inv(G)])
        longer = np.hstack([y, np.zeros_like(x)])
        for i, tau in enumerate(starts):
            end = lf.gradient_flow(flow, A, y, time=np.inf, start=tau * z_0)
            sums["end"][i] += _error(end, x)
            end = lf.gradient_flow(flow, extended, longer, time=np.inf, start=tau * z_0)
            sums["end_penalised"][i] += _error(end, x)
        noisy = y + noise_std * rng.standard_normal(y.shape)
        exact = _ExactRisk(A @ G, G, noise_std)
        for j, ratio in enumerate(ratios):
            penalty = ratio * noise_std**2
            sums["penalty"][j] += _error(lf.penalised(flow, A, noisy, penalty=penalty), x)
            sums["penalty_exact"][j] += exact.penalised(penalty)
            for i, tau in enumerate(starts):
                stopped = lf.gradient_flow(flow, A, noisy, time=1 / (2 * penalty), start=tau * z_0)
                sums["stopped"][i, j] += _error(stopped, x)
                sums["stopped_exact"][i, j] += exact.stopped(1 / (2 * penalty), tau)
    means = {key: total / params["draws"] for key, total in sums.items()}
    return means | {"singular_values": spectrum.singular_values}


def _error(x_hat: Array, x: Array) -> float:
    return float(np.mean(np.sum((x_hat - x) ** 2, axis=1)))


class _ExactRisk:
    """Risk given A, from the singular values S of K = A G and the sizes |G q_i|^2 of its right singular vectors in x."""

    def __init__(self, K: Array, G: Array, noise_std: float) -> None:
        _, S, Qt = np.linalg.svd(K, full_matrices=True)
        self.squares = np.append(S**2, np.zeros(len(Qt) - len(S)))
        self.sizes = np.sum((Qt @ G.T) ** 2, axis=1)
        self.noise = noise_std**2

    def penalised(self, penalty: float) -> float:
        kept = self.squares / (self.squares + penalty)
        # Noise enters z as kept / S, whose square is kept (1 - kept)/penalty.
        return float(self.sizes @ ((1 - kept) ** 2 + self.noise * kept * (1 - kept) / penalty))

    def stopped(self, time: float, tau: float) -> float:
        lost = np.exp(-2 * self.squares * time)
        seen = self.squares > 0
        gain = np.zeros_like(lost)
        gain[seen] = np.expm1(-2 * self.squares[seen] * time) ** 2 / self.squares[seen]
        return float(self.sizes @ ((1 + tau**2) * lost**2 + self.noise * gain))


EXPERIMENT = Experiment(
    name="starts-and-penalties",
    title="Regularisation by the start, by stopping early, or by a penalty",
    cell=cell,
    grid={"spectrum": tuple(SPECTRA), "m": COUNTS},
    blocks=16,
    inner={"tau": (0.0, 0.5, 1.0, 2.0, 4.0), "ratio": (1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1e3)},
    settings={"draws": 16, "signals": 50, "level": 0.2},
    variables={
        "end": Variable("error of gradient flow at infinite time, no noise", "[x]^2", ("tau",)),
        "end_penalised": Variable("the same with a small penalty", "[x]^2", ("tau",)),
        "mle": Variable("exact risk of the MLE, mean over the same draws of A", "[x]^2"),
        "stopped": Variable("error of gradient flow stopped at t = 1/(2 ratio s^2), noise s", "[x]^2", ("tau", "ratio")),
        "stopped_exact": Variable("its exact mean given the same draws of A", "[x]^2", ("tau", "ratio")),
        "penalty": Variable("error of the penalised estimate, gamma = ratio s^2, noise s", "[x]^2", ("ratio",)),
        "penalty_exact": Variable("its exact mean given the same draws of A", "[x]^2", ("ratio",)),
        "singular_values": Variable("singular values of the flow", "[x]", ("index",), once=True),
    },
    quick={
        "m": (16, 32),
        "blocks": 8,
        "draws": 4,
        "tau": (0.0, 1.0, 2.0, 4.0),
        "ratio": (1e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0),
    },
    cost=lambda params: float(params["m"]),
    spectra=lambda given: {"spectrum": given, "m": scaled_counts(COUNTS, 48, given)},
)


def stored_spectrum(dataset: xr.Dataset, name: str) -> lf.Spectrum:
    """The spectrum that the cells had."""
    return lf.Spectrum.from_values(entries(dataset["singular_values"].sel(spectrum=name).isel(m=0)), name=name)


def _cases(dataset: xr.Dataset) -> list[tuple[str, int]]:
    return [(name, m) for name in dataset["spectrum"].values.tolist() for m in dataset["m"].values.tolist()]


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """T9, the penalty that forgets the start, and the best stopping time beside the best penalty."""
    rows: list[dict[str, object]] = []
    for name, m in _cases(dataset):
        part = dataset.sel(spectrum=name, m=m)
        penalty = part["penalty_exact"].mean("block")
        for tau in dataset["tau"].values.tolist():
            ratio = estimate(part["end"].sel(tau=tau) / part["mle"])
            forgot = estimate(part["end_penalised"].sel(tau=tau) / part["mle"])
            stopped = part["stopped_exact"].sel(tau=tau).mean("block")
            best = int(stopped.values.argmin())
            rows.append(
                {
                    "spectrum": name,
                    "m": m,
                    "tau": tau,
                    "1 + tau^2 (T9)": 1 + tau**2,
                    "error / E_m (95 %)": f"{ratio['mean']:.3f} ({ratio['low']:.3f} .. {ratio['high']:.3f})",
                    "with small penalty": f"{forgot['mean']:.3f} ({forgot['low']:.3f} .. {forgot['high']:.3f})",
                    "noise: best stopping / best penalty": float(stopped.values.min() / penalty.values.min()),
                    "at 1/(2t) / s^2": float(dataset["ratio"].values[best]),
                    "never stopped / best penalty": float(stopped.values[0] / penalty.values.min()),
                }
            )
    return rows


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    ratio = estimate(dataset["end"] / dataset["mle"])
    expected = 1 + dataset["tau"] ** 2
    inside = int(((ratio["low"] <= expected) & (expected <= ratio["high"])).sum())
    spread = (dataset["end_penalised"].mean("block") / dataset["end_penalised"].sel(tau=0.0).mean("block") - 1).values
    loss = dataset["stopped_exact"].sel(tau=0.0) / dataset["penalty_exact"]
    stopped = dataset["stopped_exact"].mean("block").min("ratio") / dataset["penalty_exact"].mean("block").min("ratio")
    last = dataset["tau"].values[-1]
    gaps = []
    for name, m in _cases(dataset):
        spectrum = stored_spectrum(dataset, name)
        noise_std = noise_of(spectrum, settings(dataset)["level"])
        for value in dataset["ratio"].values.tolist():
            theory = lf.risk.equivalent(spectrum, m, noise_std=noise_std, penalty=value * noise_std**2)
            gaps.append(abs(float(dataset["penalty"].sel(spectrum=name, m=m, ratio=value).mean()) / theory - 1))
    likely, unlikely = stopped.sel(tau=0.0), stopped.sel(tau=last)
    return (
        f"T9's (1 + tau^2) E_m lies inside the 95 % interval of the error of gradient flow at {inside} of "
        f"{ratio['mean'].size} places, up to tau = {last:g}, where the error is {1 + last**2:g} times E_m; "
        f"with a penalty of {SMALL_PENALTY:g} times the smallest variance the error changes with the start by at most "
        f"{np.abs(spread).max():.1g} of itself. With noise, stopping at t has at most {float(loss.max()):.3f} times the "
        f"risk of the penalty gamma = 1/(2t) in any block (the bound is {STOPPING_FACTOR:.4f}), and the best time from "
        f"tau = 0 has {float(likely.min()):.3f} to {float(likely.max()):.3f} times the risk of the best penalty; from "
        f"tau = {last:g} it has {float(unlikely.min()):.3g} to {float(unlikely.max()):.3g} times that: stopping early "
        f"cannot repair a bad start, a penalty can. The penalised error is within {100 * np.median(gaps):.2g} % of the "
        f"deterministic equivalent in the median, {100 * max(gaps):.2g} % at most."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Risk against the norm of the start; and, with noise, against stopping time and penalty on one axis."""
    return {"": _start_figure(dataset), "stopping": _stopping_figure(dataset)}


_COLOURS = [OKABE_ITO[key] for key in ("blue", "orange", "green", "purple", "vermillion")]
_MARKERS = "Dos^v"


def _shown_counts(dataset: xr.Dataset) -> list[int]:
    every: list[int] = dataset["m"].values.tolist()
    return [m for m in (8, 16, 32) if m in every] or every[:3]


def _start_figure(dataset: xr.Dataset) -> Figure:
    names, counts = dataset["spectrum"].values.tolist(), _shown_counts(dataset)
    figure, grid = _panels(
        1, len(names), "Gradient flow to the end, without noise: an unlikely start costs (1 + $\\tau^2$)"
    )
    dense = np.linspace(0, dataset["tau"].values.max(), 100)
    for panel, name in zip(grid[0], names, strict=True):
        spectrum = stored_spectrum(dataset, name)
        energy = spectrum.energy
        for m, colour, marker in zip(counts, _COLOURS, _MARKERS, strict=False):
            part = dataset.sel(spectrum=name, m=m)
            level = float(part["mle"].mean()) / energy
            panel.plot(
                dense, (1 + dense**2) * level, color=colour, linewidth=1.4, label=f"$m$ = {m}: $(1+\\tau^2) E_m$ (T9)"
            )
            tau = dataset["tau"].values
            _points(panel, tau, estimate(part["end"], positive=True) / energy, colour, marker, f"$m$ = {m}, no penalty")
            panel.axhline(level, color=colour, linestyle="--", linewidth=1.0, label=f"$m$ = {m}: $E_m$")
            values = estimate(part["end_penalised"], positive=True) / energy
            _points(panel, tau, values, colour, marker, f"$m$ = {m}, small penalty", hollow=True)
        panel.set_title(f"{name}, $n$ = {spectrum.n}", fontsize=9)
        panel.set(yscale="log", xlabel=r"size $\tau$ of the start, $z_0 \sim N(0, \tau^2 I)$", ylabel="risk / energy")
    _legend(figure, grid[0][0], dataset, "$E_m$: exact given the draws of A; ")
    return figure


def _stopping_figure(dataset: xr.Dataset) -> Figure:
    names, counts = dataset["spectrum"].values.tolist(), _shown_counts(dataset)
    level = settings(dataset)["level"]
    title = f"Noise $s$ = {level:g} $\\sqrt{{\\mathrm{{energy}}}}$: from a likely start, stopping early acts like a penalty"
    figure, grid = _panels(len(names), len(counts), title)
    ratios = dataset["ratio"].values
    dense = np.geomspace(ratios.min(), ratios.max(), 80)
    for axes, name in zip(grid, names, strict=True):
        spectrum = stored_spectrum(dataset, name)
        noise_std = noise_of(spectrum, level)
        for panel, m in zip(axes, counts, strict=True):
            part = dataset.sel(spectrum=name, m=m)
            theory = [lf.risk.equivalent(spectrum, m, noise_std=noise_std, penalty=v * noise_std**2) for v in dense]
            panel.plot(dense, np.array(theory) / spectrum.energy, "k--", linewidth=1.4, label="penalty, equivalent")
            values = estimate(part["penalty"], positive=True) / spectrum.energy
            _points(panel, ratios, values, "black", "x", "penalty, simulated")
            for tau, colour, marker in zip((0.0, 1.0, 4.0), _COLOURS, _MARKERS, strict=False):
                if tau not in dataset["tau"].values:
                    continue
                exact = part["stopped_exact"].sel(tau=tau).mean("block") / spectrum.energy
                panel.plot(ratios, exact, color=colour, linewidth=1.4, label=f"stopped, $\\tau$ = {tau:g}, exact given A")
                values = estimate(part["stopped"].sel(tau=tau), positive=True) / spectrum.energy
                _points(panel, ratios, values, colour, marker, f"stopped, $\\tau$ = {tau:g}, simulated")
            panel.axvline(1.0, color="0.5", linestyle=":", linewidth=1.2, label="$s^2$")
            panel.set_title(f"{name}, $m$ = {m} of $n$ = {spectrum.n}", fontsize=9)
            panel.set(xscale="log", yscale="log", ylabel="risk / energy")
            panel.set_xlabel(r"$\gamma/s^2$, or $1/(2 t s^2)$: late $\leftarrow$ $t$ $\rightarrow$ early", fontsize=9)
    _legend(figure, grid[0][0], dataset, "")
    return figure


def _panels(lines: int, columns: int, title: str) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    figure = Figure(figsize=(max(3.8 * columns, 7.6), 2.8 * lines + 1.6), layout="constrained")
    figure.suptitle(title, fontsize=11)
    grid = figure.subplots(lines, columns, squeeze=False)
    for panel in grid.flat:
        panel.set_yscale("log")
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.tick_params(labelsize=8)
        panel.grid(visible=True, color="0.9", linewidth=0.6)
    return figure, grid


def _points(panel: Any, x: Any, values: Any, colour: str, marker: str, label: str, *, hollow: bool = False) -> None:
    middle = values["mean"].values
    bars = np.abs(np.stack([middle - values["low"].values, values["high"].values - middle]))
    style: dict[str, Any] = {"color": colour, "markersize": 4.5, "linewidth": 1.0, "capsize": 2.0}
    style |= {"markerfacecolor": "white"} if hollow else {}
    panel.errorbar(x, middle, yerr=bars, fmt=marker, label=label, **style)


def _legend(figure: Figure, panel: Any, dataset: xr.Dataset, words: str) -> None:
    handles, labels = panel.get_legend_handles_labels()
    drawn = settings(dataset)
    note = (
        f"{words}bars: 95 % interval of the mean, from {dataset.sizes['block']} blocks of {drawn['draws']} draws of A\n"
        f"with {drawn['signals']} signals and starts each (Student's t, log scale)"
    )
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": 3, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **style)


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
