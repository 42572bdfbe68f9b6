"""Laws that every function of a spectrum obeys: units, no NaN, rows in any units; and that no function is forgotten."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from linflow import risk
from linflow.checks import FIELDS, FloatArray
from linflow.errors import RankError
from linflow.spectrum import Spectrum
from linflow.testing import seeds, spectra
from linflow.testing.strategies import KINDS

#: A function of a spectrum, with everything else that has units given in terms of one unit of x; all its numbers.
Function = Callable[[Spectrum, float], Any]


def counts(spectrum: Spectrum) -> list[int]:
    return list(range(spectrum.n + 1))


def known(spectrum: Spectrum, field: Any) -> list[int]:
    return [m for m in counts(spectrum) if risk.has_exact(spectrum, m, field)]


def measurements(spectrum: Spectrum) -> FloatArray:
    return np.random.default_rng(spectrum.n).standard_normal((spectrum.n, spectrum.n))


def enclosed(spectrum: Spectrum, unit: float) -> list[float]:
    found = [risk.enclosure(spectrum, m, field) for field in FIELDS for m in known(spectrum, field)]
    return [edge for interval in found if interval is not None for edge in (interval.low, interval.midpoint, interval.high)]


def at_ranks(function: Callable[..., Any], most: Callable[[Spectrum, int], int]) -> Function:
    """`function` of (spectrum, m, rank=k) at every m and every k up to `most`."""
    return lambda s, unit: [function(s, m, rank=k) for m in counts(s) for k in range(most(s, m) + 1)]


def noisy_equivalent(s: Spectrum, unit: float) -> Any:
    t = s.variances * np.linspace(0.5, 2, s.n)
    levels = [(0.0, 0.0), (0.3 * unit, 0.0), (0.0, 0.1 * unit**2), (0.3 * unit, 0.09 * unit**2)]
    found = [
        risk.equivalent(s, counts(s), noise_std=a, penalty=b, signal_variances=v) for a, b in levels for v in (None, t)
    ]
    return [*found, risk.equivalent(s, [s.n + 1, 10 * s.n], noise_std=0.3 * unit, penalty=0.09 * unit**2)]


def both_sides(s: Spectrum, unit: float) -> list[Any]:
    found = [edge for f in FIELDS for edge in risk.interlacing(s, counts(s), field=f)]
    return [*found, *(edge for f in FIELDS for edge in risk.interlacing(s, many(s), field=f, noise_std=0.3 * unit))]


def many(spectrum: Spectrum) -> list[int]:
    return [*counts(spectrum), spectrum.n + 1, 10 * spectrum.n]


def matched(function: Callable[..., Any], s: Spectrum, unit: float) -> list[Any]:
    return [edge for f in FIELDS for edge in function(s, many(s), penalty=0.1 * unit**2, field=f)]


#: name -> (power of the unit, the function at every m and at the edges of its domain)
RISK: dict[str, tuple[int, Function]] = {
    "theorem_lower": (2, lambda s, unit: risk.theorem_lower(s, counts(s))),
    "theorem_upper": (2, lambda s, unit: risk.theorem_upper(s, counts(s))),
    "best_upper": (2, lambda s, unit: risk.best_upper(s, counts(s))),
    # Two ranks may tie, and rounding decides: what they attain is what has units.
    "best_rank": (2, lambda s, unit: [risk.complex_upper(s, m, risk.best_rank(s, m)) for m in counts(s)]),
    "truncated": (
        2,
        lambda s, unit: [
            risk.truncated(s, m, k, noise_std=a) for m in counts(s) for k in range(m + 1) for a in (0.0, 0.3 * unit)
        ],
    ),
    "complex_upper": (
        2,
        lambda s, unit: [
            *at_ranks(risk.complex_upper, lambda s, m: s.n)(s, unit),
            *risk.complex_upper(s, counts(s)),
        ],
    ),
    "error_range": (2, lambda s, unit: risk.error_range(s, counts(s))),
    "spectral_upper": (
        1,
        lambda s, unit: [
            *at_ranks(risk.spectral_upper, lambda s, m: s.n - 1)(s, unit),
            *risk.spectral_upper(s, counts(s)),
        ],
    ),
    "tail_upper": (
        1,
        lambda s, unit: [
            risk.tail_upper(s, m, rank=k, t=t, u=u, norm=norm, form=form)
            for m in range(4, s.n + 1)
            for k in range(m - 3)
            for t, u in ((1.0, 1.0), (1.5, 2.5), (1e6, 1e6))
            for norm in ("frobenius", "spectral")
            for form in ("preprint", "journal")
        ],
    ),
    "denoising": (
        2,
        lambda s, unit: [
            risk.denoising(s, noise_std=a, rank=k, penalty=b)
            for k in counts(s)
            for a in (0.0, 0.3 * unit)
            for b in (0.0, 0.1 * unit**2)
        ],
    ),
    "exact": (2, lambda s, unit: [value for f in FIELDS for value in risk.exact(s, known(s, f), f)]),
    "has_exact": (0, lambda s, unit: [risk.has_exact(s, m, f) for m in counts(s) for f in FIELDS]),
    "enclosure": (2, enclosed),
    "equivalent": (2, noisy_equivalent),
    "kappa": (
        2,
        lambda s, unit: [
            *risk.kappa(s, counts(s)),
            *risk.kappa(s, [*counts(s), s.n + 1, 10 * s.n], penalty=0.1 * unit**2),
        ],
    ),
    "interlacing": (2, both_sides),
    "per_dimension": (2, lambda s, unit: risk.per_dimension(s, np.linspace(0, s.n, 4 * s.n + 1))),
    "resolvent_range": (-2, lambda s, unit: matched(risk.resolvent_range, s, unit)),
    "log_det_range": (0, lambda s, unit: matched(risk.log_det_range, s, unit)),
    "error_curve": (2, lambda s, unit: risk.error_curve(s, measurements(s))),
    "simulate": (2, lambda s, unit: [risk.simulate(s, trials=2, seed=1, field=f) for f in FIELDS]),
}
SPECTRUM: dict[str, tuple[int, Function]] = {
    "tail": (2, lambda s, unit: s.tail(counts(s))),
    "energy": (2, lambda s, unit: s.energy),
    "effective_rank": (0, lambda s, unit: [s.effective_rank(k) for k in range(s.n)]),
    "condition": (0, lambda s, unit: s.condition),
    "variances": (2, lambda s, unit: s.variances),
    "singular_values": (1, lambda s, unit: s.singular_values),
    "n": (0, lambda s, unit: s.n),
}
TABLE = {**RISK, **SPECTRUM}
#: Public names of `Spectrum` that compute nothing: constructors and labels.
OTHERS = {"from_values", "power_law", "exponential", "step", "flat", "spiked", "log_spaced", "concatenate"} | {
    *("from_data", "from_covariance"),
}
OTHERS |= {"scaled", "named", "name", "key", "content_key"}
#: What rounding may do: all of these are sums and quotients of positive terms.
ROUNDING = 1e-11


def numbers(values: Any) -> FloatArray:
    parts = values if isinstance(values, Sequence | tuple) else [values]
    return np.concatenate([np.ravel(np.asarray(part, dtype=np.float64)) for part in parts] or [np.empty(0)])


def assert_units(power: int, function: Function, spectrum: Spectrum, factor: float) -> None:
    unit = float(np.sqrt(spectrum.singular_values[0]) * np.sqrt(spectrum.singular_values[-1]))
    before, after = (numbers(function(s, u)) for s, u in ((spectrum, unit), (spectrum.scaled(factor), factor * unit)))
    # Divided one factor at a time: the square of a factor may leave the range of float64 where no value does.
    for _ in range(abs(power)):
        after = after / factor if power > 0 else after * factor
    np.testing.assert_allclose(after, before, rtol=ROUNDING, atol=0)


def has_nan(function: Function, spectrum: Spectrum, unit: float) -> bool:
    return bool(np.any(np.isnan(numbers(function(spectrum, unit)))))


def test_no_function_of_a_spectrum_is_forgotten() -> None:
    public = {name: getattr(risk, name) for name in risk.__all__}
    of_spectra = {name for name, f in public.items() if "spectrum" in inspect.signature(f).parameters}
    assert of_spectra == set(RISK)
    assert {name for name in vars(Spectrum) if not name.startswith("_")} | {"singular_values", "name"} == set(
        SPECTRUM
    ) | OTHERS


factors = st.one_of(st.integers(-330, 330).map(lambda power: 2.0**power), st.floats(-100, 100).map(lambda d: 10.0**d))


@pytest.mark.parametrize("name", TABLE)
def test_units_are_a_law(name: str) -> None:
    power, function = TABLE[name]
    slow = name in ("enclosure", "exact")

    @given(spectra(max_n=4 if slow else 7, decades=5.0 if slow else 40.0), factors)
    @settings(max_examples=8 if slow else 25, deadline=None)
    def law(spectrum: Spectrum, factor: float) -> None:
        assert_units(power, function, spectrum, factor)

    law()


@pytest.mark.parametrize(
    ("power", "function"),
    [
        (2, lambda s, unit: s.tail(0) + 1e-12),
        (2, lambda s, unit: risk.equivalent(s, counts(s), penalty=0.1)),
        (2, lambda s, unit: risk.denoising(s, noise_std=0.3)),
        (2, lambda s, unit: s.energy if s.energy > 1e-30 else 0.0),
        (1, lambda s, unit: s.energy),
    ],
    ids=["absolute tolerance", "penalty without units", "noise without units", "threshold", "wrong power"],
)
def test_what_depends_on_units_breaks_the_law(power: int, function: Function) -> None:
    @given(spectra(max_n=4), factors)
    @settings(max_examples=50, deadline=None, phases=[Phase.generate])
    def law(spectrum: Spectrum, factor: float) -> None:
        assert_units(power, function, spectrum, factor)

    with pytest.raises(AssertionError):
        law()


EDGES = [
    Spectrum([2.0]),
    Spectrum([1e150]),
    Spectrum([1e-150]),
    Spectrum([1e150, 1e-150]),
    Spectrum.flat(5),
    Spectrum.flat(5, 1e150),
    Spectrum.flat(5, 1e-150),
    Spectrum.step(6, 3, 1e-150),
    Spectrum(10.0 ** np.linspace(150, -150, 7), name="600 decades"),
]


@pytest.mark.parametrize("name", TABLE)
def test_no_function_of_a_spectrum_ever_returns_nan(name: str) -> None:
    _, function = TABLE[name]
    slow = name in ("enclosure", "exact")
    for spectrum in EDGES:
        for unit in (1e-140, 1.0, 1e140):
            assert not has_nan(function, spectrum, unit)

    @given(spectra(max_n=4 if slow else 6, kinds=KINDS), st.floats(-140, 140).map(lambda decades: 10.0**decades))
    @settings(max_examples=8 if slow else 25, deadline=None)
    def law(spectrum: Spectrum, unit: float) -> None:
        assert not has_nan(function, spectrum, unit)

    law()


#: Spectra of which some number underflows on the way.
VANISHING = {
    "step": Spectrum.step(5, 2, 1e-100),
    "wide": Spectrum(10.0 ** np.linspace(149, -149, 5)),
    "smallest": Spectrum([1e-149]),
}


@pytest.mark.parametrize("name", RISK)
def test_what_the_caller_told_numpy_of_underflow_does_not_matter(name: str) -> None:
    function = RISK[name][1]
    for spectrum in VANISHING.values():
        unit = float(np.sqrt(spectrum[0] * spectrum[-1]))
        expected = numbers(function(spectrum, unit))
        with np.errstate(all="raise"):
            np.testing.assert_array_equal(numbers(function(spectrum, unit)), expected)


def test_infinity_times_nothing_is_seen_to_break_the_law() -> None:
    def product(s: Spectrum, unit: float) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (1 + np.arange(s.n + 1) / np.arange(s.n, -1, -1)) * s.tail(counts(s))

    assert has_nan(product, Spectrum.flat(3), 1.0)


# ------------------------------------------------------------------------------------------------ measurements

POWERS = [2.0**-1000, 2.0**-3, 2.0**1000]


@given(spectra(max_n=7, decades=140.0), seeds, st.booleans(), st.data())
@settings(max_examples=60, deadline=None)
def test_an_error_curve_has_no_units_of_A_nor_of_its_rows(
    spectrum: Spectrum, seed: int, is_complex: bool, data: st.DataObject
) -> None:
    n, rng = spectrum.n, np.random.default_rng(seed)
    m = data.draw(st.integers(0, n))
    A = rng.standard_normal((m, n)) + (1j * rng.standard_normal((m, n)) if is_complex else 0)
    curve = risk.error_curve(spectrum, A)
    rows = 10.0 ** rng.uniform(-300, 300, (m, 1))
    for factor in (1e-300, 1e155, 1e200, 1e300, -3.0, rows):
        np.testing.assert_allclose(risk.error_curve(spectrum, A * factor), curve, rtol=1e-11, atol=0)
    for power in POWERS:  # exact, hence to the last bit
        assert np.array_equal(risk.error_curve(spectrum, A * power), curve)
    order = rng.permutation(m)
    np.testing.assert_allclose(risk.error_curve(spectrum, A[order])[m], curve[m], rtol=1e-10, atol=0)
    if m == n:
        assert curve[n] == 0.0


@pytest.mark.parametrize("unit", [1e-310, 1e-317])
@pytest.mark.parametrize("is_complex", [False, True])
def test_subnormal_rows_give_the_curve_of_the_entries_that_they_are(unit: float, is_complex: bool) -> None:
    """Entries below 1e-308 have lost bits: the curve is that of what is left of them, and right to the last digit."""
    A = np.random.default_rng(0).standard_normal((4, 4)) * (1 + 1j * is_complex)
    spectrum = Spectrum([1.0, 0.5, 0.1, 1e-3])
    stored = A * unit
    exact = stored * 2.0**500 * 2.0**500  # the same numbers, moved to where they are normal
    assert np.array_equal(risk.error_curve(spectrum, stored), risk.error_curve(spectrum, exact))
    np.testing.assert_allclose(risk.error_curve(spectrum, stored), risk.error_curve(spectrum, A), rtol=1e-320 / unit + 1e-9)


@pytest.mark.parametrize("units", [[1.0, 1.0, 1.0], [1e300, 1e-300, 1.0], [1e-310, 1.0, 1e308]])
def test_whether_a_row_is_called_dependent_has_no_units(units: list[float]) -> None:
    scale = np.array(units)[:, None]
    independent = np.array([[1.0, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 1.0]])
    dependent = np.array([[1.0, 0.5, 0.25], [0.5, 1.0, 0.5], [1.5, 1.5, 0.75]])
    spectrum = Spectrum([1e3, 1.0, 1e-3])
    reference = risk.error_curve(spectrum, independent)
    np.testing.assert_allclose(risk.error_curve(spectrum, independent * scale), reference, rtol=1e-9)
    with pytest.raises(RankError, match="row 2 of A depends linearly"):
        risk.error_curve(spectrum, dependent * scale)
    skipped = risk.simulate(spectrum, trials=1, seed=0, ensemble=lambda m, n, rng: dependent * scale)[0]
    assert skipped[3] == skipped[2]
