r"""Noise and penalty: the risk over (gamma, m), its minimum at gamma = noise_std^2, and the peak at m = n without penalty.

Slides 12-13 and 18-19. The penalised estimate ``argmin |A G z - y|^2 + gamma |z|^2`` is simulated over the penalty gamma
and the number of measurements m, beyond m = n too, and compared with the deterministic equivalent (THEORY.md section 4).
At gamma = noise_std^2 it is the posterior mean, so no other gamma is better, and its risk lies between
the two sides of the interlacing theorem, at every size. As gamma -> 0 the risk peaks at m = n: the
estimate follows the noise exactly ("double descent", Hastie, Montanari, Rosset & Tibshirani 2022). For m > n + 1 without
penalty it is least squares, with the exact risk ``s^2 n/(m - n - 1)`` (T3 with noise at k = n).

The estimate is linear in y, so each draw of A gives its risk averaged exactly over signals and noise.
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
    "power law 0.5": lambda: lf.Spectrum.power_law(64, 0.5),
    "digits 8x8": lambda: lf.Spectrum.from_data(lf.data.digits()),
    "patches 8x8": lambda: lf.Spectrum.from_data(lf.data.natural_patches(8)),
}
#: gamma / noise_std^2; 0 stands for its limit, simulated as the minimum-norm (or least-squares) estimate.
RATIOS = (0.0, 1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1000.0)
#: Measurements for n = 64, close together around n.
COUNTS = (4, 8, 16, 24, 32, 40, 48, 54, 58, 60, 62, 64, 66, 68, 70, 74, 80, 96, 112, 128)
SHOWN_RATIOS = (0.0, 1e-2, 1.0, 100.0)
#: Without penalty the risk has a mean only for |m - n| >= 2, and a variance for |m - n| >= 4.
SPARE = 4


@cache
def spectrum_of(name: str) -> lf.Spectrum:
    """The spectrum of a case, fitted once in each process."""
    return SPECTRA[name]()


def noise_of(spectrum: lf.Spectrum, level: float) -> float:
    """noise_std: `level` times the standard deviation of a noiseless measurement."""
    return float(level * np.sqrt(spectrum.energy))


def predicted(spectrum: lf.Spectrum, m: Any, level: float, ratio: float) -> Any:
    """Deterministic equivalent for any m up to 3 n."""
    noise_std = noise_of(spectrum, level)
    # Coordinates that hardly vary change no risk, and stretch the equivalent's range of m beyond n; the limit gamma -> 0
    # needs a gamma that is small for the signal but not for them, else they would soak up noise.
    silent = np.full(2 * spectrum.n, 1e-12 * spectrum.singular_values[-1])
    longer = lf.Spectrum.from_values(np.append(spectrum.singular_values, silent))
    return lf.risk.equivalent(longer, m, noise_std=noise_std, penalty=max(ratio, 1e-12) * noise_std**2)


def proved(spectrum: lf.Spectrum, m: Any, level: float) -> Any:
    """Both sides of the interlacing theorem for the matched penalty, gamma = noise_std^2, in units of the energy."""
    lower, upper = lf.risk.interlacing(spectrum, m, noise_std=noise_of(spectrum, level))
    return lower / spectrum.energy, upper / spectrum.energy


def has_variance(n: int, m: Any, ratio: Any) -> Any:
    """Whether the error over draws of A has a variance, so that its mean can be simulated."""
    return (np.asarray(ratio) > 0) | (np.abs(np.asarray(m) - n) >= SPARE)


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Mean exact risk over the block's draws of A, at every m and gamma."""
    spectrum = spectrum_for(params, spectrum_of)
    noise_std = noise_of(spectrum, params["level"])
    flow = lf.LinearFlow.from_spectrum(spectrum)
    risk = np.zeros((len(params["m"]), len(params["ratio"])))
    for _ in range(params["draws"]):
        for i, m in enumerate(params["m"]):
            A = lf.measurement.gaussian(m, spectrum.n, rng)
            for j, ratio in enumerate(params["ratio"]):
                if not has_variance(spectrum.n, m, ratio):
                    risk[i, j] = np.nan
                    continue
                inverse = _inverse(flow, A, ratio * noise_std**2)
                lost = inverse @ A - np.eye(spectrum.n)
                risk[i, j] += np.sum(lost**2 @ spectrum.variances) + noise_std**2 * np.sum(inverse**2)
    return {"risk": risk / params["draws"], "singular_values": spectrum.singular_values}


def _inverse(flow: lf.LinearFlow, A: Array, penalty: float) -> Array:
    """The matrix that takes y to the estimate (the flow has mean 0)."""
    unit = np.eye(A.shape[0])
    if penalty > 0:
        return lf.penalised(flow, A, unit, penalty=penalty).T
    # For m > n, and up to rounding below, the limit gamma -> 0.
    return (lf.truncated_least_squares(flow, A, unit, rank=flow.n) if len(A) > flow.n else lf.mle(flow, A, unit)).T


EXPERIMENT = Experiment(
    name="noise",
    title="Noisy compressed sensing over penalty and measurements",
    cell=cell,
    grid={"spectrum": tuple(SPECTRA), "level": (0.05, 0.3)},
    blocks=16,
    inner={"m": COUNTS, "ratio": RATIOS},
    settings={"draws": 12},
    variables={
        "risk": Variable("mean squared error, averaged over signals, noise and the block's A", "[x]^2", ("m", "ratio")),
        "singular_values": Variable("singular values of the flow", "[x]", ("index",), once=True),
    },
    quick={
        "spectrum": ("power law 0.5", "digits 8x8"),
        "blocks": 10,
        "draws": 4,
        "m": (8, 16, 32, 48, 58, 64, 70, 80, 112),
        "ratio": (0.0, 1e-2, 0.1, 1.0, 10.0, 100.0),
    },
    cost=lambda params: float(spectrum_for(params, spectrum_of).n),
    spectra=lambda given: {"spectrum": given, "m": scaled_counts(COUNTS, 64, given)},
)


def stored_spectrum(dataset: xr.Dataset, name: str) -> lf.Spectrum:
    """The spectrum that the cells had."""
    return lf.Spectrum.from_values(entries(dataset["singular_values"].sel(spectrum=name).isel(level=0)), name=name)


def _cases(dataset: xr.Dataset) -> list[tuple[str, float]]:
    return [(name, level) for name in dataset["spectrum"].values.tolist() for level in dataset["level"].values.tolist()]


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """For each m: the best gamma, what the right one and almost none cost, and how far the equivalent is off."""
    rows: list[dict[str, object]] = []
    ratios = dataset["ratio"].values
    for name, level in _cases(dataset):
        spectrum = stored_spectrum(dataset, name)
        part = dataset["risk"].sel(spectrum=name, level=level)
        for m in dataset["m"].values.tolist():
            values = estimate(part.sel(m=m), positive=True) / spectrum.energy
            means = values["mean"].values
            theory = np.array([predicted(spectrum, m, level, ratio) for ratio in ratios]) / spectrum.energy
            right, (least, most) = values.sel(ratio=1.0), proved(spectrum, m, level)
            there = np.isfinite(means) & np.isfinite(theory)
            none = means[0] if np.isfinite(means[0]) else means[1]
            rows.append(
                {
                    "spectrum": name,
                    "s": level,
                    "m": m,
                    "best gamma / s^2": float(ratios[np.nanargmin(means)]),
                    "risk / energy at gamma = s^2": f"{right['mean']:.4g} ({right['low']:.4g} .. {right['high']:.4g})",
                    "proved at gamma = s^2": f"{least:.4g} .. {most:.4g}",
                    "equivalent": float(predicted(spectrum, m, level, 1.0) / spectrum.energy),
                    "largest |simulated / equivalent - 1|": float(np.max(np.abs(means[there] / theory[there] - 1))),
                    f"least gamma ({ratios[0] if np.isfinite(means[0]) else ratios[1]:g} s^2), times worse": float(
                        none / right["mean"]
                    ),
                }
            )
    return [_same_columns(row) for row in rows]


def _same_columns(row: dict[str, object]) -> dict[str, object]:
    """The last column's key tells which least gamma has a mean at this m: into the cell with it."""
    *_, key = row
    value = row.pop(key)
    return row | {"least gamma: times worse": f"{value:.3g} ({key.split('(')[1].split(' ')[0]} s^2)"}


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    ratios = dataset["ratio"].values
    right = worse = close = total = matched = outside = 0
    gaps, peaks, place = [], [], ""
    for name, level in _cases(dataset):
        part, spectrum = dataset["risk"].sel(spectrum=name, level=level), stored_spectrum(dataset, name)
        for m in dataset["m"].values.tolist():
            # Common draws of A: the difference to gamma = s^2 is far better known than either risk.
            excess = estimate(part.sel(m=m) - part.sel(m=m, ratio=1.0))
            others = ratios != 1.0
            worse += int(np.sum(excess["low"].values[others] > 0))
            right += int(np.sum(excess["high"].values[others] < 0))
            total += int(np.sum(np.isfinite(excess["mean"].values[others])))
            values = estimate(part.sel(m=m), positive=True)
            least, most = (side * spectrum.energy for side in proved(spectrum, m, level))
            at_match = values.sel(ratio=1.0)
            matched += 1
            outside += bool(at_match["high"] < least or at_match["low"] > most)
            for j, ratio in enumerate(ratios):
                mean, expected = float(values["mean"][j]), float(predicted(spectrum, m, level, float(ratio)))
                if np.isfinite(mean) and np.isfinite(expected):
                    gaps.append(abs(mean / expected - 1))
                    if gaps[-1] == max(gaps):
                        place = f"{name}, s = {level:g}, m = {m}, gamma = {ratio:g} s^2"
                    close += bool(values["low"][j] <= expected <= values["high"][j])
        n = spectrum.n
        m_range = np.arange(2, 2 * n)
        almost_none = predicted(spectrum, m_range, level, 1e-3)
        peaks.append(f"m = {m_range[n // 2 :][almost_none[n // 2 :].argmax()]} ({name}, s = {level:g})")
    return (
        f"Of {total} comparisons of another gamma with noise_std^2, {worse} are worse and {right} better than it "
        "beyond the 95 % interval of the difference (common draws of A). At gamma = noise_std^2 the interval of the risk "
        f"lies outside the two sides of the interlacing theorem at {outside} of {matched} points. The deterministic "
        f"equivalent lies inside the 95 % interval of the simulated risk at {close} of {len(gaps)} points; it is off by "
        f"{100 * np.median(gaps):.2g} % in the median and by {100 * max(gaps):.2g} % at most ({place}). "
        f"At gamma = s^2/1000 the predicted risk beyond m = n/2 is largest at {', '.join(peaks)}: double descent where it "
        "lies at n; at gamma = s^2 the risk only falls."
    )


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Risk over m for some gamma (the peak), and over gamma for some m (the minimum)."""
    return {"": _peak_figure(dataset), "penalty": _penalty_figure(dataset)}


_COLOURS = [OKABE_ITO[key] for key in ("vermillion", "orange", "blue", "green")]
_MARKERS = "vsD^"


def _peak_figure(dataset: xr.Dataset) -> Figure:
    figure, grid = _panels(dataset, "Double descent: without penalty the risk peaks at m = n, with the right one it falls")
    shown = [ratio for ratio in SHOWN_RATIOS if ratio in dataset["ratio"].values]
    m = dataset["m"].values
    for panel, (name, level) in grid:
        spectrum = stored_spectrum(dataset, name)
        n, dense = spectrum.n, np.arange(1, m.max() + 1)
        for ratio, colour, marker in zip(shown, _COLOURS, _MARKERS, strict=False):
            word = {0.0: r"$\gamma \to 0$", 1.0: r"$\gamma = s^2$"}.get(ratio, rf"$\gamma = {ratio:g}\,s^2$")
            theory = predicted(spectrum, dense, level, ratio) / spectrum.energy
            panel.plot(dense, theory, color=colour, linewidth=1.4, label=f"{word}, equivalent")
            values = estimate(dataset["risk"].sel(spectrum=name, level=level, ratio=ratio), positive=True) / spectrum.energy
            _points(panel, m, values, colour, marker, f"{word}, simulated")
        matching = _COLOURS[shown.index(1.0)] if 1.0 in shown else "black"
        label = r"$\gamma = s^2$, between both sides of the interlacing theorem"
        panel.fill_between(dense, *proved(spectrum, dense, level), color=matching, alpha=0.3, linewidth=0, label=label)
        beyond = np.arange(n + 2, m.max() + 1)
        exact = noise_of(spectrum, level) ** 2 * n / (beyond - n - 1) / spectrum.energy
        panel.plot(beyond, exact, "k:", linewidth=1.6, label=r"$\gamma = 0$, $m > n + 1$: $s^2 n/(m-n-1)$, exact")
        panel.axvline(n, color="0.6", linewidth=0.8, label="$m = n$")
        lowest = float(predicted(spectrum, m.max(), level, 1.0) / spectrum.energy)
        panel.set(yscale="log", ylim=(lowest / 3, 30), xlim=(0, m.max() + 2), xlabel="measurements $m$")
    _legend(figure, grid[0][0], dataset)
    return figure


def _penalty_figure(dataset: xr.Dataset) -> Figure:
    from matplotlib.ticker import NullFormatter

    figure, grid = _panels(dataset, "The best penalty is the noise variance, at every m")
    ratios = dataset["ratio"].values
    ratios = ratios[ratios > 0]
    every = dataset["m"].values.tolist()
    counts = [m for m in (16, 48, 64, 112) if m in every] or every[:: max(1, len(every) // 4)]
    dense = np.geomspace(ratios.min(), ratios.max(), 60)
    for panel, (name, level) in grid:
        spectrum = stored_spectrum(dataset, name)
        for m, colour, marker in zip(counts, _COLOURS, _MARKERS, strict=False):
            theory = np.array([predicted(spectrum, m, level, float(ratio)) for ratio in dense]) / spectrum.energy
            panel.plot(dense, theory, color=colour, linewidth=1.4, label=f"$m$ = {m}, equivalent")
            part = dataset["risk"].sel(spectrum=name, level=level, m=m, ratio=ratios)
            _points(panel, ratios, estimate(part, positive=True) / spectrum.energy, colour, marker, f"$m$ = {m}, simulated")
        panel.axvline(1.0, color="black", linestyle=":", linewidth=1.4, label=r"$\gamma = s^2$: posterior mean")
        panel.set(xscale="log", yscale="log", xlabel=r"penalty $\gamma / s^2$")
        panel.yaxis.set_minor_formatter(NullFormatter())
        low, high = panel.get_ylim()
        panel.set_ylim(10.0 ** np.floor(np.log10(low)), float(np.clip(high, 1.3, 20.0)))
    _legend(figure, grid[0][0], dataset)
    return figure


def _panels(dataset: xr.Dataset, title: str) -> tuple[Figure, list[tuple[Any, tuple[str, float]]]]:
    from matplotlib.figure import Figure

    cases, columns = _cases(dataset), dataset.sizes["level"]
    lines = dataset.sizes["spectrum"]
    figure = Figure(figsize=(max(4.0 * columns, 7.6), 2.7 * lines + 1.4), layout="constrained")
    figure.suptitle(title, fontsize=11)
    grid = figure.subplots(lines, columns, squeeze=False)
    for panel, (name, level) in zip(grid.flat, cases, strict=True):
        n = stored_spectrum(dataset, name).n
        panel.set_title(f"{name}, $n$ = {n}, $s$ = {level:g} $\\sqrt{{\\mathrm{{energy}}}}$", fontsize=9)
        panel.tick_params(labelsize=8)
        panel.grid(visible=True, color="0.9", linewidth=0.6)
        panel.set_ylabel("risk / energy", fontsize=9)
    return figure, list(zip(grid.flat, cases, strict=True))


def _points(panel: Any, x: Any, values: Any, colour: str, marker: str, label: str) -> None:
    middle = values["mean"].values
    bars = np.abs(np.stack([middle - values["low"].values, values["high"].values - middle]))
    style = {"color": colour, "markersize": 4.0, "linewidth": 1.0, "capsize": 2.0}
    panel.errorbar(x, middle, yerr=bars, fmt=marker, label=label, **style)


def _legend(figure: Figure, panel: Any, dataset: xr.Dataset) -> None:
    handles, labels = panel.get_legend_handles_labels()
    note = (
        f"bars: 95 % interval of the mean, from {dataset.sizes['block']} blocks of {settings(dataset)['draws']} draws of A "
        "(Student's t, log scale)"
    )
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": 3, "fontsize": 8, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8, **style)


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
