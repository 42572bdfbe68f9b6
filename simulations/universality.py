r"""Do other measurements behave like Gaussian ones: error curves of six ensembles against the real Gaussian curve.

Slides 13 and 17 (the theorem is about Gaussian measurements; practice uses others). Ensembles: Rademacher, sparse sign
(two entries in three are 0, Achlioptas 2003), subsampled DCT and Hadamard behind random column signs, complex
Gaussian, and the real Gaussian drawn once more, which must agree and shows that the test does not cry wolf.

Two bases. In the **canonical** one the eigenvectors of the flow are the coordinate axes; in the **Haar** one they are
a random rotation, drawn anew with each A. The noiseless error depends on A through its row space only, and a Haar
rotation makes the row space of every real A of full rank uniform: there, all real ensembles have the Gaussian law,
exactly and for every m. In the canonical basis a row with entries +-1 sees every direction equally, a Gaussian row
does not; at m = 1, by hand, E_1 = sum l_i - sum l_i^2 / sum l_i for signs against the exact value of
linflow.risk.exact. For complex rows T7 has m - k where T2 has m - k - 1, and E_m(complex) <= E_m(real) by the
interlacing theorem. With noise the singular values of A matter too, and those of orthogonal rows do not spread as
those of independent entries do.

The test: at each of some m, each spectrum, basis and noise level, Welch's t between the block means of the ensemble
and those of the Gaussian; all p-values of all ensembles together are corrected by Holm's method, so that the
probability of even one false alarm is at most LEVEL. Intervals of the relative deviation are shown at 95 % each and,
in the table, simultaneously at 1 - LEVEL. Sources: THEORY.md sections 1, 2, 7; Dudeja, Lu & Sen 2022 ("Universality of
approximate message passing with semi-random matrices") for the question.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

import linflow as lf
from linflow.experiments import OKABE_ITO, Experiment, Variable, entries, scaled_counts, settings, spectrum_for

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

#: Family-wise level of the whole table.
LEVEL = 0.01
REFERENCE = "Gaussian"
SPECTRA: dict[str, Callable[[int], lf.Spectrum]] = {
    "power law 1": lambda n: lf.Spectrum.power_law(n, 1.0),
    "exponential 0.05": lambda n: lf.Spectrum.exponential(n, 0.05),
    "step at n/4": lambda n: lf.Spectrum.step(n, n // 4, 0.1),
}
#: name here -> (name in the table of ensembles, options)
ENSEMBLES: dict[str, tuple[str, dict[str, float]]] = {
    REFERENCE: ("gaussian", {}),
    "Gaussian again": ("gaussian", {}),
    "Rademacher": ("rademacher", {}),
    "sparse sign": ("sparse sign", {"density": 1 / 3}),
    "DCT": ("subsampled dct", {}),
    "Hadamard": ("subsampled hadamard", {}),
    "complex Gaussian": ("complex gaussian", {}),
}
BASES = ("Haar", "canonical")


def rows_of(ensemble: str, basis: str) -> Callable[[int, int, np.random.Generator], NDArray[Any]]:
    """Draws of A in the eigenbasis of the flow: A itself, or A U for a fresh Haar-random U."""

    name, options = ENSEMBLES[ensemble]

    def draw(m: int, n: int, rng: np.random.Generator) -> NDArray[Any]:
        return lf.measurement.as_dense(partial(lf.measurement.ensembles()[name], **options)(m, n, rng))

    if basis == "canonical":
        return draw

    def rotated(m: int, n: int, rng: np.random.Generator) -> NDArray[Any]:
        U, R = np.linalg.qr(rng.standard_normal((n, n)))
        return np.asarray(draw(m, n, rng) @ (U * np.sign(np.diagonal(R))))

    return rotated


def noisy_curves(spectrum: lf.Spectrum, A: NDArray[Any], noise_std: float) -> Floats:
    """Error of the posterior mean after each row of A, (draws, m + 1): the trace of the posterior covariance.

    One rank-one update a row, for all draws at once; with noise the update is stable.
    """
    draws, m, n = A.shape
    covariance = np.broadcast_to(np.diag(spectrum.variances).astype(A.dtype), (draws, n, n)).copy()
    curves = np.empty((draws, m + 1))
    curves[:, 0] = spectrum.energy
    for row in range(m):
        # What the row sees of the signal: c = C a^H, and its variance a C a^H + s^2.
        seen = (covariance @ A[:, row, :, None].conj())[..., 0]
        variance = np.einsum("dn,dn->d", A[:, row], seen).real + noise_std**2
        covariance -= seen[:, :, None] * (seen.conj() / variance[:, None])[:, None, :]
        curves[:, row + 1] = np.einsum("dnn->d", covariance).real
    return curves


def cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Mean error curve of one block of draws."""
    n, draws = params["n"], params["draws"]
    spectrum = spectrum_for(params, lambda name: SPECTRA[name](n))
    ensemble = rows_of(params["ensemble"], params["basis"])
    if params["noise_std"] == 0:
        seed = int(rng.integers(2**63))
        curves = lf.risk.simulate(spectrum, trials=draws, seed=seed, ensemble=ensemble, workers=1)
    else:
        A = np.stack([ensemble(n, n, rng) for _ in range(draws)])
        # The noise is given relative to the signal a row of A sees, whatever the spectrum.
        curves = noisy_curves(spectrum, A, params["noise_std"] * np.sqrt(spectrum.energy))
    return {"error": curves.mean(axis=0) / spectrum.energy, "singular_values": spectrum.singular_values}


EXPERIMENT = Experiment(
    name="universality",
    title="Which measurement ensembles follow the Gaussian error curve",
    cell=cell,
    grid={"spectrum": tuple(SPECTRA), "basis": BASES, "noise_std": (0.0, 0.2), "ensemble": tuple(ENSEMBLES)},
    blocks=40,
    settings={"n": 64, "draws": 50},
    variables={
        "error": Variable("squared error of the posterior mean / energy, mean over the block's draws of A", "", ("m",)),
        "singular_values": Variable("singular values of the flow", "[x]", ("index",), once=True),
    },
    quick={"n": 32, "blocks": 12, "draws": 20},
    cost=lambda params: 1.0 + (params["noise_std"] > 0) + (params["basis"] == "Haar"),
    spectra=lambda given: {"spectrum": given, "n": scaled_counts((64,), 64, given)[0]},
)


def tested(n: int) -> list[int]:
    """The m at which the test is made: every eighth of n, and both ends."""
    return sorted({1, 2, 3, *(n * i // 8 for i in range(1, 8)), n - 2, n - 1})


def welch(values: Floats, reference: Floats) -> dict[str, Floats]:
    """Relative deviation of the mean of `values` from that of `reference`, Welch's t; blocks on axis 0, NaN out."""
    mean, square, count = [], [], []
    for blocks in (values, reference):
        used = np.isfinite(blocks)
        number = used.sum(axis=0)
        average = np.where(used, blocks, 0.0).sum(axis=0) / number
        mean.append(average)
        square.append((np.where(used, blocks - average, 0.0) ** 2).sum(axis=0) / (number - 1) / number)
        count.append(number)
    total = square[0] + square[1]
    # Both constant to rounding: no spread to compare with, and no deviation to find but one of rounding.
    total = np.maximum(total, (1e-12 * mean[1]) ** 2)
    freedom = total**2 / (square[0] ** 2 / (count[0] - 1) + square[1] ** 2 / (count[1] - 1) + 1e-300)
    freedom = np.clip(freedom, 1.0, count[0] + count[1] - 2)
    t = (mean[0] - mean[1]) / np.sqrt(total)
    ratio = mean[0] / mean[1]
    return {
        "deviation": ratio - 1,
        "error": np.sqrt(square[0] + ratio**2 * square[1]) / mean[1],
        "freedom": freedom,
        "p": 2 * stdtr(freedom, -np.abs(t)),
    }


def holm(p: Floats) -> Floats:
    """Holm's adjusted p-values: rejecting those at most alpha keeps the family-wise error at most alpha.

    >>> holm(np.array([0.01, 0.04, 0.03])).round(6).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def comparisons(dataset: xr.Dataset) -> list[dict[str, Any]]:
    """One row for each test: where, the deviation with its simultaneous interval, Holm's p."""
    n = settings(dataset)["n"]
    places = tested(n)
    rows: list[dict[str, Any]] = []
    for spectrum in dataset["spectrum"].values.tolist():
        for basis in dataset["basis"].values.tolist():
            for noise in dataset["noise_std"].values.tolist():
                part = (
                    dataset["error"]
                    .sel(spectrum=spectrum, basis=basis, noise_std=noise)
                    .transpose("block", "ensemble", "m")
                )
                for ensemble in dataset["ensemble"].values.tolist():
                    if ensemble == REFERENCE:
                        continue
                    found = welch(*(part.sel(ensemble=e).values[:, places] for e in (ensemble, REFERENCE)))
                    for index, m in enumerate(places):
                        row = {"spectrum": spectrum, "basis": basis, "noise_std": noise, "ensemble": ensemble, "m": m}
                        rows.append(row | {key: float(value[index]) for key, value in found.items()})
    adjusted = holm(np.array([row["p"] for row in rows]))
    for row, p in zip(rows, adjusted, strict=True):
        half = float(stdtrit(row["freedom"], 1 - LEVEL / 2 / len(rows))) * row["error"]
        row |= {"adjusted": float(p), "low": row["deviation"] - half, "high": row["deviation"] + half}
    return rows


def table(dataset: xr.Dataset) -> list[dict[str, object]]:
    """The verdict on each ensemble, basis and noise level.

    "deviation %" is the largest among those found significant (or of all, if none is), with its simultaneous interval; "all
    within %" bounds every deviation of the row at once, which says what "not refuted" can rule out.
    """
    rows: list[dict[str, object]] = []
    all_of_them = comparisons(dataset)
    for ensemble in [e for e in dataset["ensemble"].values.tolist() if e != REFERENCE]:
        for basis in dataset["basis"].values.tolist():
            for noise in dataset["noise_std"].values.tolist():
                wanted = (ensemble, basis, noise)
                group = [row for row in all_of_them if (row["ensemble"], row["basis"], row["noise_std"]) == wanted]
                rejected = [row for row in group if row["adjusted"] <= LEVEL]
                worst = max(rejected or group, key=lambda row: abs(row["deviation"]))
                bound = max(max(abs(row["low"]), abs(row["high"])) for row in group)
                interval = f"{100 * worst['low']:+.1f} .. {100 * worst['high']:+.1f}"
                rows.append(
                    {
                        "ensemble": ensemble,
                        "basis": basis,
                        "noise": noise,
                        "verdict": "differs" if rejected else "not refuted",
                        "rejected": f"{len(rejected)}/{len(group)}",
                        "p (Holm)": f"{min(row['adjusted'] for row in group):.1g}",
                        "deviation %": f"{100 * worst['deviation']:+.1f} ({interval})",
                        "at": f"{worst['spectrum']}, m = {worst['m']}",
                        "all within %": round(100 * bound, 1),
                    }
                )
    return rows


def reading(dataset: xr.Dataset) -> str:
    """What the result shows."""
    rows: list[Any] = table(dataset)
    tests = len(comparisons(dataset))
    groups: dict[tuple[str, float], list[Any]] = {}
    for row in rows:
        groups.setdefault((row["basis"], row["noise"]), []).append(row)
    parts = []
    for (basis, noise), group in groups.items():
        differ = [f"{row['ensemble']} ({row['deviation %'].split()[0]} %)" for row in group if row["verdict"] == "differs"]
        follow = [
            f"{row['ensemble']} (all within {row['all within %']:g} %)" for row in group if row["verdict"] != "differs"
        ]
        where = f"{basis} basis, {'no noise' if noise == 0 else f'noise {noise:g}'}"
        differing = ", ".join(differ) if differ else "none"
        parts.append(
            f"{where}: differing from the Gaussian: {differing}; not refuted: {', '.join(follow) if follow else 'none'}"
        )
    constants = settings(dataset)
    return (
        f"{tests} tests at a family-wise level of {LEVEL:g} (Holm), n = {constants['n']}, {dataset.sizes['block']} blocks "
        f"of {constants['draws']} draws. {'. '.join(parts)}. In brackets the largest significant deviation, or a "
        "simultaneous bound on all. Without noise only the row space of A counts, which the Haar basis makes uniform for "
        "every real A of full rank: there no real ensemble can differ."
    )


STYLES: dict[str, dict[str, Any]] = {
    "Gaussian again": {"color": "0.55", "linestyle": "-"},
    "Rademacher": {"color": OKABE_ITO["blue"], "linestyle": "-"},
    "sparse sign": {"color": OKABE_ITO["orange"], "linestyle": (0, (5, 1.5))},
    "DCT": {"color": OKABE_ITO["green"], "linestyle": "-"},
    "Hadamard": {"color": OKABE_ITO["purple"], "linestyle": (0, (1, 1.2))},
    "complex Gaussian": {"color": OKABE_ITO["vermillion"], "linestyle": (0, (6, 1.5, 1, 1.5))},
}


def figures(dataset: xr.Dataset) -> dict[str, Figure]:
    """Relative deviation from the Gaussian curve over m, a column a spectrum, a row a basis and noise; and the curves."""
    return {"": _deviation_figure(dataset), "curves": _curve_figure(dataset)}


def _panels(dataset: xr.Dataset) -> tuple[Figure, dict[tuple[str, str, float], Any]]:
    from matplotlib.figure import Figure

    spectra = dataset["spectrum"].values.tolist()
    lines = [(b, s) for s in dataset["noise_std"].values.tolist() for b in dataset["basis"].values.tolist()]
    figure = Figure(figsize=(3.7 * len(spectra), 2.15 * len(lines) + 1.0), layout="constrained")
    grid = figure.subplots(len(lines), len(spectra), squeeze=False, sharex=True)
    panels = {}
    for i, (basis, noise) in enumerate(lines):
        for j, spectrum in enumerate(spectra):
            panel = panels[spectrum, basis, noise] = grid[i, j]
            words = "no noise" if noise == 0 else f"noise {noise:g}"
            panel.set_title(f"{spectrum}; {basis} basis, {words}", fontsize=9)
            panel.grid(visible=True, color="0.92", linewidth=0.6)
            panel.tick_params(labelsize=8)
            if i == len(lines) - 1:
                panel.set_xlabel("measurements $m$", fontsize=9)
    return figure, panels


def _deviation_figure(dataset: xr.Dataset) -> Figure:
    n = settings(dataset)["n"]
    figure, panels = _panels(dataset)
    m = np.arange(1, n)
    marks = [row for row in comparisons(dataset) if row["adjusted"] <= LEVEL]
    for (spectrum, basis, noise), panel in panels.items():
        part = dataset["error"].sel(spectrum=spectrum, basis=basis, noise_std=noise).transpose("block", "ensemble", "m")
        for ensemble, style in STYLES.items():
            if ensemble not in dataset["ensemble"].values:
                continue
            found = welch(*(part.sel(ensemble=e).values[:, m] for e in (ensemble, REFERENCE)))
            half = stdtrit(found["freedom"], 0.975) * found["error"]
            percent, half = 100 * found["deviation"], 100 * half
            panel.fill_between(m, percent - half, percent + half, color=style["color"], alpha=0.18, linewidth=0)
            panel.plot(m, percent, linewidth=1.4, label=ensemble, **style)
            own = [
                row["m"]
                for row in marks
                if (row["spectrum"], row["basis"], row["noise_std"], row["ensemble"]) == (spectrum, basis, noise, ensemble)
            ]
            panel.plot(own, percent[np.array(own, dtype=int) - 1], "o", color=style["color"], markersize=3.5, zorder=4)
        panel.axhline(0.0, color=OKABE_ITO["black"], linewidth=0.9)
        panel.set_xlim(0, n)
        if spectrum == dataset["spectrum"].values[0]:
            panel.set_ylabel("deviation from the\nGaussian mean, %", fontsize=9)
    handles, labels = next(iter(panels.values())).get_legend_handles_labels()
    note = (
        "bands: 95 % intervals of the deviation; dots: differs from the Gaussian at a family-wise level of "
        f"{LEVEL:g} (Holm, over all panels; tested at {len(tested(n))} values of m)"
    )
    style = {"loc": "outside lower center", "ncols": 6, "fontsize": 8.5, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8.5, **style)
    return figure


def _curve_figure(dataset: xr.Dataset) -> Figure:
    n = settings(dataset)["n"]
    figure, panels = _panels(dataset)
    m = np.arange(n)  # E_n = 0 without noise has no place on a logarithmic axis
    for (spectrum, basis, noise), panel in panels.items():
        part = dataset["error"].sel(spectrum=spectrum, basis=basis, noise_std=noise)
        for ensemble in [REFERENCE, *STYLES]:
            if ensemble not in dataset["ensemble"].values:
                continue
            style = STYLES.get(ensemble, {"color": "0.8", "linewidth": 4.5})
            mean = part.sel(ensemble=ensemble).mean("block").values[m]
            panel.plot(m, mean, **{"linewidth": 1.3, "label": ensemble, **style})
        stored = dataset["singular_values"].sel(spectrum=spectrum, basis=basis, noise_std=noise).isel(ensemble=0)
        scale = lf.Spectrum.from_values(entries(stored), name=spectrum)
        theory = np.asarray(
            lf.risk.equivalent(scale, m, noise_std=noise * scale.energy**0.5, penalty=noise**2 * scale.energy)
        )
        dots = {"color": OKABE_ITO["black"], "linestyle": (0, (1, 2)), "linewidth": 1.3}
        panel.plot(m, theory / scale.energy, label="deterministic equivalent", **dots)
        panel.set(yscale="log", xlim=(0, n))
        if spectrum == dataset["spectrum"].values[0]:
            panel.set_ylabel("error / energy", fontsize=9)
    handles, labels = next(iter(panels.values())).get_legend_handles_labels()
    blocks, draws = dataset.sizes["block"], settings(dataset)["draws"]
    note = f"means of {blocks} blocks of {draws} draws of A, n = {n}; noise in units of the root of the energy"
    style = {"loc": "outside lower center", "ncols": 4, "fontsize": 8.5, "frameon": False}
    figure.legend(handles, labels, title=note, title_fontsize=8.5, **style)
    return figure


if __name__ == "__main__":
    from linflow.cli import run_file

    run_file(__file__)
