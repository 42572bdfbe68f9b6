"""Figures of `linflow.plotting`: no warning at any spectrum, nothing overlaps, what is drawn is what was computed."""

from __future__ import annotations

import itertools
import re
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from linflow import data, risk
from linflow.claims.evidence import Asymptotic, Confidence, Enclosed, NoViolation
from linflow.claims.outcome import Outcome
from linflow.errors import InputError, OutputError, ShapeError
from linflow.plotting import error_figure, mean_and_band, save, singular_value_figure
from linflow.spectrum import Spectrum

SPECTRA = {
    "n=1": Spectrum([2.0]),
    "n=2": Spectrum([3.0, 1.0]),
    "n=3": Spectrum.step(3, 1, 1e-3),
    "flat": Spectrum.flat(32),
    "power law": Spectrum.power_law(32),
    "exponential": Spectrum.exponential(48, 0.25),
    "step": Spectrum.step(32, 8, 1e-4),
    "spiked": Spectrum.spiked(40, (100.0, 30.0, 10.0, 3.0)),
    "steep": Spectrum(10.0 ** (-5.0 * np.arange(16))),
    "280 decades": Spectrum(10.0 ** np.linspace(140, -140, 12)),
    "whole range": Spectrum(np.where(np.arange(6) < 3, 1e150, 1e-150)),
    "tiny": Spectrum.flat(4, value=1e-150),
    "huge": Spectrum.power_law(4).scaled(1e150),
    "awkward name": Spectrum.power_law(5).named("a $ b_c^ {d \\ " + "W" * 200 + "\nnext line"),
    "digits": Spectrum.from_data(data.digits(), name="digits 8x8"),
}


def outcome(spectrum: Spectrum, m: int, low: float, high: float, **changes: Any) -> Outcome:
    evidence = Confidence(low=low, high=high, estimate=low + (high - low) / 2, alpha=1e-6, draws=48)
    made = Outcome("T2", spectrum.name, spectrum.key, spectrum.n, m, "upper", 2 * high, 0.05, False, evidence)
    return replace(made, **changes)


def drawn(spectrum: Spectrum, trials: int = 60, outcomes: list[Outcome] | None = None) -> Figure:
    return error_figure(spectrum, risk.simulate(spectrum, trials=trials, seed=0), outcomes or [])


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of visible texts whose boxes meet, and texts that stick out of the figure."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    titles = [figure.get_suptitle(), *(axes.get_title() for axes in figure.axes)]
    ticks = [
        label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels(which="both")
    ]
    labels = [label for axes in figure.axes for label in (axes.xaxis.label, axes.yaxis.label, axes.title)]
    texts: list[Text] = [*ticks, *labels, *figure.legends[0].get_texts(), *figure.texts]
    texts += [figure._suptitle] if figure._suptitle is not None else []  # type: ignore[attr-defined]
    assert any(titles)
    boxes = [
        (t.get_text(), t.get_window_extent(renderer)) for t in dict.fromkeys(texts) if t.get_visible() and t.get_text()
    ]
    found = [(a, b) for (a, one), (b, two) in itertools.combinations(boxes, 2) if one.overlaps(two)]
    frame = figure.bbox
    found += [
        (text, "the edge")
        for text, box in boxes
        if box.x0 < frame.x0 or box.y0 < frame.y0 or box.x1 > frame.x1 or box.y1 > frame.y1
    ]
    return found


def assert_sound(figure: Figure) -> None:
    assert overlaps(figure) == []
    for axes in figure.axes:
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert axes.get_yscale() == "log"
        low, high = axes.get_ylim()
        ticks = [tick for tick in axes.get_yticks() if low <= tick <= high]
        assert 2 <= len(ticks) <= 9
        for line in axes.get_lines():
            points = np.asarray(line.get_xydata())
            assert np.isfinite(points).all()
            if points.size and line.get_label() != "":
                assert (points[:, 1] > 0).all()


@pytest.mark.parametrize("name", SPECTRA)
def test_every_spectrum_gives_a_sound_figure(name: str) -> None:
    spectrum = SPECTRA[name]
    some = [outcome(spectrum, m, 0.7 * t, 3 * t) for m in range(1, spectrum.n, 5) if (t := float(spectrum.tail(m))) < 1e299]
    some += [replace(o, m=2, evidence=replace(o.evidence, low=0.0)) for o in some[:1] if spectrum.n > 2]
    figure = drawn(spectrum, outcomes=some)
    assert_sound(figure)
    for axes in figure.axes:
        low, high = axes.get_ylim()
        for line in axes.get_lines():
            y = np.asarray(line.get_ydata(), dtype=float)
            assert (y >= low * (1 - 1e-9)).all()
            assert (y <= high * (1 + 1e-9)).all()
        assert all(tick == int(tick) for tick in axes.get_xticks())
    assert figure.get_suptitle().endswith(f", n = {spectrum.n}")
    chain = {"interlacing, upper", "interlacing, lower (equivalent)"}
    assert {"T1 lower, tail($m$)", "T2, best rank", "exact $E_m$", *chain} <= set(legend(figure))
    assert ("T1 upper" in legend(figure)) == (spectrum.n > 2)


def test_left_panel_draws_what_was_computed() -> None:
    spectrum, m = SPECTRA["power law"], np.arange(32)
    curves = risk.simulate(spectrum, trials=60, seed=0)
    left, right = error_figure(spectrum, curves).axes
    lines = [np.asarray(line.get_ydata()) for line in left.get_lines()]
    for expected in (
        curves.mean(axis=0)[:-1],
        risk.best_upper(spectrum, m),
        *risk.interlacing(spectrum, m),
        spectrum.tail(m),
    ):
        assert sum(line.shape == expected.shape and np.allclose(line, expected, rtol=1e-12) for line in lines) == 1
    upper = risk.theorem_upper(spectrum, m[2:])
    assert any(line.shape == upper.shape and np.allclose(line, upper, rtol=1e-12) for line in lines)
    # The ratio panel, by other means: E_m is exact.
    ratio = risk.best_upper(spectrum, m) / risk.exact(spectrum, m)
    drawn_ratios = [np.asarray(line.get_ydata()) for line in right.get_lines()]
    assert any(y.size == 32 and np.allclose(y, ratio) for y in drawn_ratios)


def test_band_holds_the_mean_and_is_drawn_around_it() -> None:
    curves = risk.simulate(SPECTRA["spiked"], trials=80, seed=3)[:, :-1]
    mean, low, high, _ = mean_and_band(curves)
    np.testing.assert_allclose(mean, curves.mean(axis=0), rtol=1e-13)
    error = curves.std(axis=0, ddof=1) / np.sqrt(80)
    np.testing.assert_allclose(high, mean * np.exp(1.96 * error / mean), rtol=1e-3)
    assert ((low > 0) & (low <= mean) & (mean <= high)).all()
    bands = [c for c in drawn(SPECTRA["power law"]).axes[0].collections if isinstance(c, PolyCollection)]
    vertices = np.concatenate([path.vertices for path in bands[0].get_paths()])
    mean = risk.simulate(SPECTRA["power law"], trials=60, seed=0).mean(axis=0)
    for m in range(1, 32):
        edges = vertices[vertices[:, 0] == m, 1]
        assert edges.min() < mean[m] < edges.max()


def test_normal_draws_are_covered_and_a_shifted_truth_is_not() -> None:
    # 400 bands of a known mean: misses are binomial(400, about 0.05), above 50 with probability below 1e-9.
    draws = np.random.default_rng(0).lognormal(0.0, 0.5, (200, 400))
    _, low, high, settled = mean_and_band(draws)
    truth = np.exp(0.125)
    assert settled.all()
    assert np.sum((truth < low) | (truth > high)) <= 50
    assert np.sum((1.2 * truth < low) | (1.2 * truth > high)) > 350


def test_heavy_tailed_mean_is_marked_and_kept_out_of_the_ratios() -> None:
    spectrum = SPECTRA["280 decades"]
    figure = drawn(spectrum)
    left, right = figure.axes
    assert any("unsettled" in label for label in legend(figure))
    # E_m is known at m = 0, 1, 11 only: the mean of the draws is wrong by decades in between, and no ratio rests on it.
    positions = {float(x) for line in right.get_lines()[1:] for x in np.asarray(line.get_xdata())}
    assert positions == {0.0, 1.0, 11.0}
    assert not any("unsettled" in label for label in legend(drawn(SPECTRA["flat"])))
    assert len(left.get_lines()) > 0


def test_one_draw_settles_nothing() -> None:
    figure = drawn(SPECTRA["power law"], trials=1)
    assert_sound(figure)
    assert not any("95 %" in label for label in legend(figure))


def bars(figure: Figure) -> list[Any]:
    return [line.get_xydata() for line in figure.axes[0].get_lines() if line.get_marker() == "_"]


def test_intervals_are_drawn_once_and_only_where_they_are_intervals() -> None:
    spectrum = SPECTRA["power law"]
    good = outcome(spectrum, 8, 0.1, 0.4)
    others = [
        replace(good, claim="T1-upper"),
        replace(good, m=9, every_draw=True),
        replace(good, m=10, evidence=Asymptotic(low=0.1, high=0.4, alpha=1e-6, draws=48)),
        replace(good, m=11, spectrum_key=Spectrum.power_law(31).key),  # another spectrum, be its name the same
        replace(good, m=12, evidence=NoViolation(low=0.1, high=0.4, draws=48, searches=0, evaluations=0, alpha=1e-6)),
        replace(good, m=32),
        replace(good, m=13, evidence=replace(good.evidence, high=np.inf)),
    ]
    figure = drawn(spectrum, outcomes=[good, *others])
    (bar,) = bars(figure)
    np.testing.assert_allclose(bar, [[8, 0.1], [8, 0.4]])
    assert "rigorous interval of $E_m$" in legend(figure)
    assert "rigorous interval of $E_m$" not in legend(drawn(spectrum))
    # Both upper bounds over the interval, whatever the draws say.
    right = [line for line in figure.axes[1].get_lines() if line.get_marker() == "_"]
    ends = sorted(float(y) for line in right for y in np.asarray(line.get_ydata()))
    both = [float(f(spectrum, 8)) / e for f in (risk.theorem_upper, risk.best_upper) for e in (0.1, 0.4)]
    np.testing.assert_allclose(ends, sorted(both))


def test_an_enclosed_value_counts_as_exact() -> None:
    spectrum = Spectrum.log_spaced(12, 1e90)  # too steep for an exact value of linflow's own at m = 7
    value = outcome(spectrum, 7, 0.25, 0.25, evidence=Enclosed(low=0.25, high=0.25, estimate=0.25))
    diamonds = [line for line in drawn(spectrum, outcomes=[value]).axes[0].get_lines() if line.get_marker() == "D"]
    points = np.asarray(diamonds[0].get_xydata())
    assert sorted(points[:, 0]) == [0, 1, 7, 11]
    assert [7, 0.25] in points.tolist()


@pytest.mark.parametrize("curves", [np.ones((3, 4)), np.ones(6), np.ones((0, 6)), np.ones((2, 3, 6))])
def test_curves_of_another_shape_are_refused(curves: Any) -> None:
    with pytest.raises(ShapeError, match="curves must have shape"):
        error_figure(Spectrum.flat(5), curves)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_curves_that_are_no_errors_are_refused(bad: float) -> None:
    curves = np.ones((3, 6))
    curves[1, 2] = bad
    with pytest.raises(InputError, match="curves must"):
        error_figure(Spectrum.flat(5), curves)


def test_singular_values_of_everything_at_once() -> None:
    figure = singular_value_figure(list(SPECTRA.values()))
    assert_sound(figure)
    assert len(figure.axes[0].get_lines()) == len(SPECTRA)
    assert legend(figure)[3] == "flat"
    assert sum("leaves the frame" in label for label in legend(figure)) == 5
    low, high = figure.axes[0].get_ylim()
    assert high / low < 1e30


@pytest.mark.parametrize("name", ["n=1", "flat", "280 decades", "whole range", "tiny", "awkward name", "digits"])
def test_singular_values_of_one(name: str) -> None:
    figure = singular_value_figure([SPECTRA[name]])
    assert_sound(figure)
    assert "leaves" not in legend(figure)[0]
    np.testing.assert_array_equal(figure.axes[0].get_lines()[0].get_ydata(), SPECTRA[name].singular_values)


def test_no_spectrum_is_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        singular_value_figure([])


def test_saved_bytes_are_reproducible_and_hold_no_metadata(tmp_path: Path) -> None:
    first = save(drawn(SPECTRA["power law"]), tmp_path / "a.png")
    second = save(drawn(SPECTRA["power law"]), str(tmp_path / "b.png"))
    assert first == tmp_path / "a.png"
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"\x89PNG")
    assert not re.search(rb"tEXt|zTXt|iTXt|tIME|matplotlib", first.read_bytes(), re.IGNORECASE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(first.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_save_replaces_whole_files_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def fail(self: Path, target: Path) -> Path:
        assert self.parent == tmp_path
        assert self.read_bytes().startswith(b"\x89PNG")
        raise OSError(28, "No space left on device")

    figure = singular_value_figure([Spectrum.flat(3)])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OutputError, match="No space left"):
            save(figure, target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
    save(figure, target)
    assert target.read_bytes().startswith(b"\x89PNG")


def test_unwritable_targets_raise_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    figure = singular_value_figure([Spectrum.flat(3)])
    for target in (tmp_path / "file" / "a.png", tmp_path / "missing" / "a.png", tmp_path / "folder"):
        with pytest.raises(OutputError, match=f"^cannot write the figure to {re.escape(str(target))}: [^\n]+$"):
            save(figure, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_neither_linflow_nor_plotting_imports_matplotlib_early_nor_pyplot_ever() -> None:
    code = (
        "import sys, linflow.plotting as p; from linflow import Spectrum; assert 'matplotlib' not in sys.modules;"
        "p.singular_value_figure([Spectrum.flat(2)]); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
