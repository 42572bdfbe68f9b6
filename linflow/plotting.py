"""Figures: the error of a spectrum against every bound on it, and the spectra themselves.

The only room of linflow that knows matplotlib; pyplot, its global state and its need of a display stay outside. Colours
are those of Okabe & Ito (2008); each series has a dash pattern and a marker of its own too, so that it survives greyscale.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from linflow import risk
from linflow.checks import Count, Counts, FloatArray, finite_array, instances_of, listed, path_of
from linflow.claims.evidence import Confidence, Enclosed
from linflow.claims.outcome import Outcome
from linflow.engine.files import shortened
from linflow.errors import InputError, OutputError, ShapeError
from linflow.figures import FORMATS, file_of
from linflow.spectrum import Spectrum, counts_for, spectrum_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TEXT, _SMALL = 9.0, 8.0
#: Up to this many points each one gets a marker.
_FEW = 16
#: The draws do not settle a mean that one of them moves by more than this fraction.
_INFLUENCE = 0.05
#: Singular values farther than this many decades from the median largest one do not stretch the axis of the others.
_FAR = 15.0
#: Exponents that a logarithmic axis can hold with a margin.
_LOWEST, _HIGHEST = -305.0, 305.0

Style = dict[str, Any]
_DASHES: Sequence[Any] = ("-", "--", (0, (6, 1.5, 1, 1.5)), (0, (1, 1.2)), (0, (4, 1.2, 1, 1.2, 1, 1.2)))
_COLOURS, _MARKERS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "black"), "ovs^Dxp"
_HOLLOW: Style = {"markerfacecolor": "none", "markersize": 4.5, "linewidth": 1.3}
_MEAN: Style = {"color": "#56B4E9", "linestyle": "-", "linewidth": 2.6, "marker": "o", "markersize": 5.0}
_UNSETTLED: Style = {**_MEAN, "markerfacecolor": "white", "markeredgewidth": 1.4}
_EXACT: Style = {"color": "black", "linestyle": "", "marker": "D", **_HOLLOW}
_NOISY: Style = {"color": "#56B4E9", "linestyle": "-", "marker": "p", **_HOLLOW}
_UPPER = ("T1 upper", "T2, best rank")
_BOUNDS: dict[str, Style] = {
    "T1 upper": {"color": "#D55E00", "linestyle": _DASHES[1], "marker": "v", **_HOLLOW},
    "T2, best rank": {"color": "#CC79A7", "linestyle": _DASHES[2], "marker": "s", **_HOLLOW},
    "interlacing, upper": {"color": "#E69F00", "linestyle": "-", "marker": "+", **_HOLLOW},
    "interlacing, lower (equivalent)": {"color": "#0072B2", "linestyle": _DASHES[3], "marker": "x", **_HOLLOW},
    "T1 lower, tail($m$)": {"color": "#009E73", "linestyle": _DASHES[4], "marker": "^", **_HOLLOW},
}


def error_figure(spectrum: Spectrum | ArrayLike, curves: ArrayLike, outcomes: Sequence[Outcome] = ()) -> Figure:
    r"""Error of one spectrum against m, with every bound on it (left), and each bound in units of the error (right).

    Parameters
    ----------
    spectrum : Spectrum, or (n,) array of singular values, [x]
    curves : (trials, n + 1) array, [x]^2
        Real Gaussian draws of X_A(m), m = 0..n, from :func:`linflow.risk.simulate`.
    outcomes : outcomes of claims about E_m (real Gaussian A); those of other spectra are left out.
        The interval of a confidence sequence is drawn once, however many claims share it.

    Raises
    ------
    ShapeError, InputError
        `curves` has another shape, or holds negative or non-finite errors.

    Notes
    -----
    The band is the one of :func:`mean_and_band`. Under steep spectra errors are heavy-tailed: where a single draw moves
    the mean by more than 5 %, no interval of the draws means anything, so the mean is drawn hollow and has no band. On the
    right E_m is the exact value where one is known, else the mean where the draws settle it, else nothing; vertical bars
    are the upper bounds over the rigorous intervals of `outcomes`. E_n = 0 has no place on a logarithmic axis: m < n.
    """
    spectrum, draws = spectrum_of(spectrum), finite_array(curves, "curves")
    n = spectrum.n
    if draws.ndim != 2 or draws.shape[1] != n + 1 or len(draws) == 0:
        raise ShapeError(f"curves must have shape (trials, {n + 1}) for n = {n}, as risk.simulate gives, got {draws.shape}")
    if draws.min() < 0:
        raise InputError(f"curves must hold errors >= 0, got {draws.min():g}")
    data = _Errors.of(spectrum, draws, instances_of(outcomes, Outcome, "outcomes"))
    figure = _figure()
    figure.suptitle(f"{_plain(spectrum.name, 48)}, n = {n}", fontsize=_TEXT + 1)
    left, right = figure.subplots(1, 2)
    _error_panel(left, data)
    _ratio_panel(right, data)
    for axes in (left, right):
        margin = max(0.3, 0.03 * n)
        axes.set_xlim(-margin, n - 1 + margin)
        axes.set_xticks(range(0, n, next(s for s in (1, 2, 5, 10, 20, 50, 100, n) if n <= 9 * s)))
        axes.set_xlabel("measurements $m$", fontsize=_TEXT)
    handles, labels = zip(*_legend(data), strict=True)
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=_SMALL, handlelength=3.2)
    return figure


def singular_value_figure(spectra: Sequence[Spectrum | ArrayLike]) -> Figure:
    """Singular values sigma_i against i, both axes logarithmic, one line a spectrum.

    Spectra that lie more than 15 decades away from the others do not stretch the axis: the legend says that they leave the
    frame. Raises InputError if there is no spectrum.
    """
    found = [spectrum_of(part, "each of spectra") for part in listed(spectra, "spectra", "Spectrum")]
    if not found:
        raise InputError("singular_value_figure needs at least one spectrum")
    figure = _figure()
    axes = figure.subplots()
    middle = np.median([np.log10(s.singular_values[0]) for s in found])
    tame = [s.singular_values for s in found if np.all(np.abs(np.log10(s.singular_values) - middle) <= _FAR)]
    low, high = _log_scale(axes, tame or [s.singular_values for s in found])
    for k, s in enumerate(found):
        inside = low <= s.singular_values[-1] and s.singular_values[0] <= high
        label = _plain(s.name, 32) + ("" if inside else " (leaves the frame)")
        style = {"color": _COLOURS[k % 7], "linestyle": _DASHES[k % 5], "marker": _MARKERS[k % 7], **_HOLLOW}
        _draw(axes, np.arange(1.0, s.n + 1), s.singular_values, style, label=label)
    largest = max(s.n for s in found)
    axes.set_xscale("log")
    axes.set_xlim(0.9, 1.1 * max(largest, 2))
    ticks = [d * 10**k for k in range(9) for d in ((1, 2, 5) if largest <= 1000 else (1,)) if d * 10**k <= max(largest, 2)]
    axes.set_xticks(ticks, [f"{tick}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("index $i$", fontsize=_TEXT)
    axes.set_ylabel(r"singular value $\sigma_i$, $[x]$", fontsize=_TEXT)
    axes.set_title("singular values", fontsize=_TEXT + 1)
    columns = -(-len(found) // 20)
    figure.legend(loc="outside right upper", ncols=columns, frameon=False, fontsize=_SMALL, handlelength=3.2)
    return figure


def prediction_figure(
    spectrum: Spectrum | ArrayLike, m: Count | Counts, *, exact: ArrayLike, noise_std: float = 0.0, penalty: float = 0.0
) -> Figure:
    """What is known of E_m without a simulation: bounds, the band of the interlacing theorem, exact values; over m.

    Parameters
    ----------
    m : numbers of measurements in 0..n, in any order; E_n = 0 has no place on a logarithmic axis.
    exact : E_m at each of `m`, NaN where none is known.
    noise_std, penalty : of the equivalent, which is drawn beside the noiseless one where either is not 0.

    Raises
    ------
    InputError
        No m below n is asked for.
    """
    from matplotlib.ticker import MaxNLocator

    spectrum, asked = counts_for(spectrum, m)
    counts, order = np.unique(asked, return_index=True)
    known = np.asarray(exact, dtype=np.float64)[order]
    counts, known = counts[counts < spectrum.n], known[counts < spectrum.n]
    if counts.size == 0:
        raise InputError(f"a figure needs an m below n = {spectrum.n}: E_n = 0 has no place on a logarithmic axis")
    lower, upper = risk.interlacing(spectrum, counts)
    values = (risk.theorem_upper(spectrum, counts), risk.best_upper(spectrum, counts), upper, lower)
    bounds = dict(zip(_BOUNDS, (*values, risk.theorem_lower(spectrum, counts)), strict=True))
    lines = [(label, found, _BOUNDS[label]) for label, found in bounds.items()]
    if noise_std or penalty:
        name = f"equivalent, noise {noise_std:g}, penalty {penalty:g}"
        lines.append((name, risk.equivalent(spectrum, counts, noise_std=noise_std, penalty=penalty), _NOISY))
    figure, x = _figure(), counts.astype(np.float64)
    axes = figure.subplots()
    _log_scale(axes, [known, *(found for _, found, _ in lines)])
    band = axes.fill_between(x, lower, upper, color=_BOUNDS["interlacing, upper"]["color"], alpha=0.35, linewidth=0)
    band.set_label("interlacing theorem: $E_m$ lies here")
    for label, found, style in lines:
        _draw(axes, x, found, style)
        axes.plot([], [], **{**style, **({} if x.size <= _FEW else {"marker": ""})}, label=label)
    if np.isfinite(known).any():
        axes.plot(x, known, **{**_EXACT, "markersize": 4.5 if x.size <= _FEW else 2.5}, zorder=4.0, label="exact $E_m$")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("measurements $m$", fontsize=_TEXT)
    axes.set_ylabel(r"error $E_m = \mathrm{E}\,\|\hat{x} - x\|^2$, $[x]^2$", fontsize=_TEXT)
    axes.set_title(f"{_plain(spectrum.name, 48)}, n = {spectrum.n}", fontsize=_TEXT + 1)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=_SMALL, handlelength=3.2)
    return figure


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write `figure` to `path`, whose ending says how: .png or none (150 dpi), .pdf, .svg; aside first and then renamed.

    A reader never sees half a file, and the same figure gives the same bytes: :func:`linflow.figures.file_of`. Raises
    InputError for another ending, and OutputError if `path` cannot be written, say because its folder is missing (none is
    made).
    """
    path = path_of(path, "path")
    ending = path.suffix.lower() or ".png"
    form = next((form for form in FORMATS if ending == f".{form}"), None)
    if form is None:
        raise InputError(
            f"path must end in .{', .'.join(FORMATS)}, which says how the figure is written, got {shortened(path)}"
        )
    image = file_of(figure, form)
    # A sibling, so that the rename stays within one file system; opened plainly, so that the umask applies.
    temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        with temporary.open("xb") as file:
            file.write(image)
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write the figure to {path}: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return path


def mean_and_band(draws: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
    """Mean over draws, the 95 % normal interval of its logarithm (delta method), and where no single draw decides the mean.

    The interval is ``mean exp(+-1.96 s.e./mean)``: it stays positive however heavy the tail.

    >>> mean, low, high, settled = mean_and_band(np.array([[1.0, 1e9], [1.0, 1.0], [1.0, 1.0]]))
    >>> float(mean[0]), float(low[0]), float(high[0]), settled.tolist()
    (1.0, 1.0, 1.0, [True, False])
    """
    trials = len(draws)
    # In units of the largest draw, so that no square leaves the range of float64.
    unit = draws.max(axis=0)
    relative = np.where(unit > 0, draws / np.where(unit > 0, unit, 1.0), 1.0)
    centre = relative.mean(axis=0)
    error = relative.std(axis=0, ddof=1) / centre / np.sqrt(trials) if trials > 1 else np.zeros_like(centre)
    growth, mean = np.exp(1.959963984540054 * error), unit * centre
    return mean, mean / growth, mean * growth, (1 / centre - 1 <= _INFLUENCE * (trials - 1)) & (trials > 1)


@dataclass(frozen=True)
class _Errors:
    """The numbers behind `error_figure`, for m = 0..n-1."""

    trials: int
    m: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    settled: NDArray[np.bool_]
    bounds: dict[str, FloatArray]
    exact: dict[int, float]
    intervals: dict[int, tuple[float, float]]

    @classmethod
    def of(cls, spectrum: Spectrum, draws: FloatArray, outcomes: Sequence[Outcome]) -> _Errors:
        n, m = spectrum.n, np.arange(spectrum.n)
        known = [k for k in range(n) if risk.has_exact(spectrum, k)]
        exact = dict(zip(known, risk.exact(spectrum, known).tolist(), strict=True))
        intervals: dict[int, tuple[float, float]] = {}
        for o in outcomes:
            if o.every_draw or o.spectrum_key != spectrum.key or o.m >= n:
                continue
            if isinstance(o.evidence, Enclosed):
                exact.setdefault(o.m, o.estimate)
            elif isinstance(o.evidence, Confidence) and 0 < o.high < np.inf:
                intervals.setdefault(o.m, (o.low, o.high))
        upper, lower = risk.theorem_upper(spectrum, m), risk.theorem_lower(spectrum, m)
        chain_lower, chain_upper = risk.interlacing(spectrum, m)
        values = (upper, risk.best_upper(spectrum, m), chain_upper, chain_lower, lower)
        bounds = dict(zip(_BOUNDS, values, strict=True))
        return cls(len(draws), m.astype(np.float64), *mean_and_band(draws[:, :n]), bounds, exact, intervals)


def _error_panel(axes: Axes, data: _Errors) -> None:
    exact, where = list(data.exact.values()), data.settled
    shown = [data.mean, data.low, data.high, *data.bounds.values(), exact, *data.intervals.values()]
    floor, ceiling = _log_scale(axes, shown)
    _draw(axes, data.m, data.mean, _MEAN, zorder=2.0)
    axes.fill_between(data.m, data.low, data.high, where=where, color=_MEAN["color"], alpha=0.35, linewidth=0)
    axes.plot(data.m[~where], data.mean[~where], **{**_UNSETTLED, "linestyle": ""}, zorder=2.1)
    for label, values in data.bounds.items():
        _draw(axes, data.m, values, _BOUNDS[label], zorder=3.0)
    axes.plot(list(data.exact), exact, **{**_EXACT, "markersize": 4.5 if len(exact) <= _FEW else 2.5}, zorder=4.0)
    for at, edges in data.intervals.items():
        _bar(axes, at, np.clip(edges, floor, ceiling), "black")
    axes.set_ylabel(r"error $E_m = \mathrm{E}\,\|\hat{x} - x\|^2$, $[x]^2$", fontsize=_TEXT)


def _ratio_panel(axes: Axes, data: _Errors) -> None:
    reference, low, high = (np.where(data.settled, values, np.nan) for values in (data.mean, data.low, data.high))
    for array in (reference, low, high):
        array[list(data.exact)] = list(data.exact.values())
    ratios = {label: [_ratio(v, by) for by in (reference, high, low)] for label, v in data.bounds.items()}
    bars: list[tuple[float, FloatArray, str]] = []
    for label, side in zip(_UPPER, (-1, 1), strict=True):
        for at, interval in data.intervals.items():
            if np.isfinite(bound := data.bounds[label][at]):
                # Side by side, so that the bars of two bounds at one m do not hide each other.
                bars.append((at + 0.004 * data.m.size * side, _ratio(bound, np.array(interval)), _BOUNDS[label]["color"]))
    shown = [[1.0], *(ratio for three in ratios.values() for ratio in three), *(edges for _, edges, _ in bars)]
    floor, ceiling = _log_scale(axes, shown)
    axes.axhline(1.0, color="0.7", linewidth=1.0, zorder=1.0)
    for label, (ratio, least, most) in ratios.items():
        _draw(axes, data.m, ratio, _BOUNDS[label], zorder=3.0)
        where, colour = _drawable(least) & _drawable(most), _BOUNDS[label]["color"]
        axes.fill_between(data.m, least, most, where=where, color=colour, alpha=0.2, linewidth=0)
    for position, edges, colour in bars:
        _bar(axes, position, np.clip(edges, floor, ceiling), colour)
    axes.set_ylabel(r"bound / $E_m$", fontsize=_TEXT)


def _legend(data: _Errors) -> list[tuple[Any, str]]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    plain: Style = {} if data.m.size <= _FEW else {"marker": ""}
    entries: list[tuple[Any, str]] = []
    if data.settled.any():
        band = Patch(color=_MEAN["color"], alpha=0.35, linewidth=0)
        entries.append(((band, Line2D([], [], **{**_MEAN, **plain})), f"mean of {data.trials} draws, 95 % interval"))
    if not data.settled.all():
        entries.append((Line2D([], [], **_UNSETTLED), "mean unsettled: one draw moves it > 5 %"))
    entries.append((Line2D([], [], **_EXACT), "exact $E_m$"))  # at m = 0, if nowhere else
    if data.intervals:
        bar = Line2D([], [], color="black", marker="|", markersize=9.0, linestyle="")
        entries.append((bar, "rigorous interval of $E_m$"))
    shown = [label for label, values in data.bounds.items() if np.isfinite(values).any()]
    return entries + [(Line2D([], [], **{**_BOUNDS[label], **plain}), label) for label in shown]


def _figure() -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _plain(text: str, longest: int) -> str:
    """`text` on one line of limited length, no part of which matplotlib takes for mathematics."""
    line = " ".join(text.split())
    return (line if len(line) <= longest else line[: longest - 1] + "…").replace("$", r"\$")


def _drawable(values: FloatArray) -> NDArray[np.bool_]:
    return np.asarray((values > 10.0**_LOWEST) & (values < 10.0**_HIGHEST))  # false for NaN


def _draw(axes: Axes, x: FloatArray, y: FloatArray, style: Style, **extra: Any) -> None:
    """A line through the points that a logarithmic axis can hold, broken where one is missing."""
    there = np.flatnonzero(_drawable(y))
    for run in np.split(there, np.flatnonzero(np.diff(there) > 1) + 1):
        if run.size:
            marker = {} if x.size <= _FEW or run.size == 1 else {"marker": ""}
            axes.plot(x[run], y[run], **{**style, **marker, **extra})


def _bar(axes: Axes, at: float, edges: FloatArray, colour: str) -> None:
    axes.plot([at, at], edges, color=colour, linewidth=0.9, marker="_", markersize=4.0, zorder=3.5)


def _ratio(bound: FloatArray, error: FloatArray) -> FloatArray:
    with np.errstate(all="ignore"):  # inf and 0 are not drawn
        return bound / error


def _log_scale(axes: Axes, shown: Sequence[Any]) -> tuple[float, float]:
    """A logarithmic y axis around the drawable values of `shown`, with ticks that fit any number of decades; its limits."""
    from matplotlib.ticker import NullFormatter

    values = np.concatenate([np.ravel(np.asarray(part, dtype=np.float64)) for part in shown])
    decades = np.log10(values[_drawable(values)])
    low, high = float(decades.min()), float(decades.max())
    margin = max(0.05 * (high - low), 0.5 * (1.0 - (high - low)))
    low, high = max(low - margin, _LOWEST), min(high + margin, _HIGHEST)
    # Before anything is drawn, and with ticks of our own: autoscaling and locators look beyond the axis and beyond float64.
    axes.set_yscale("log")
    axes.set_ylim(10.0**low, 10.0**high)
    digits = np.outer(10.0 ** np.arange(np.floor(low), high), np.arange(1, 10))
    minor = digits[(digits >= 10.0**low) & (digits <= 10.0**high)]
    narrow, stride = high - low < 2.5, next(step for step in (1, 2, 3, 5, 10, 20, 50, 100) if high - low <= 6.5 * step)
    powers = 10.0 ** (stride * np.arange(-(-low // stride), high // stride + 1))
    major = np.intersect1d(minor, digits[:, [0, 1, 4]]) if narrow else powers
    axes.set_yticks(major, [_number(tick, narrow) for tick in major])
    axes.set_yticks(minor if stride == 1 else [], minor=True)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=_SMALL)
    axes.grid(True, color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    return 10.0**low, 10.0**high


def _number(value: float, plain: bool) -> str:
    if plain and 1e-3 <= value < 1e4:
        return f"{value:g}"
    digit, exponent = f"{value:.0e}".split("e")
    return rf"$10^{{{int(exponent)}}}$" if digit == "1" else rf"${digit}\times 10^{{{int(exponent)}}}$"
