"""Exact values: Arb against the trapezoidal rule, both against closed forms, mpmath and Monte Carlo; the compression."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib import import_module
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linflow.checks import FIELDS, Field, FloatArray
from linflow.errors import InputError, NotConvergedError, ShapeError
from linflow.risk.compress import NODES, SMALL, compress
from linflow.risk.enclosure import Enclosure, enclosure
from linflow.risk.exact import exact, has_exact
from linflow.spectrum import Spectrum
from linflow.testing import spectra

# `linflow.risk` hands on functions of the same names as these modules.
enclosure_module = import_module("linflow.risk.enclosure")
balls_module = import_module("linflow.risk.balls")
exact_module = import_module("linflow.risk.exact")
plane_module = import_module("linflow.risk.plane")

HARMONIC = Spectrum.power_law(32, 1.0)  # l_i = i**-2
GEOMETRIC = Spectrum.exponential(32, 0.25)  # l_i = exp(-i/2), i = 0..31
SPREAD = Spectrum(10.0 ** np.linspace(150, -150, 9), name="600 decades")
SOME = [
    HARMONIC,
    GEOMETRIC,
    SPREAD,
    Spectrum([3.0, 2.0], name="pair"),
    Spectrum([1e-140, 2e-140, 5e-140], name="tiny"),
    Spectrum([1e140, 2e140, 5e140], name="huge"),
    Spectrum([1e150] * 5 + [1e-150] * 3, name="two levels"),
    Spectrum([1.0, 1.0, 1.0 + 2**-52, 2.0, 2.0], name="repeated and adjacent"),
    Spectrum([1e-140, 2e-140, 1e140], name="one large"),
    Spectrum.step(40, 7, 1e-3),
    Spectrum.spiked(30),
]


def enclosed(spectrum: Spectrum, m: int, field: Field = "real") -> Enclosure:
    found = enclosure(spectrum, m, field)
    assert found is not None
    assert found.low <= found.high
    # Balls of any precision, and float64 sums whose rounding is counted.
    in_float64 = field == "real" and 1 < m < spectrum.n - 1 and spectrum.condition > 1
    assert found.high - found.low <= (1e-11 if in_float64 else 1e-14) * found.low
    return found


# ------------------------------------------------------------------------------------------------ known values


@pytest.mark.parametrize(
    ("spectrum", "m", "field", "digits"),
    [
        (HARMONIC, 1, "real", "1.10002065693"),
        (HARMONIC, 31, "real", "0.00293434446"),
        (GEOMETRIC, 1, "real", "1.98928331467"),
        (GEOMETRIC, 31, "real", "3.51325131e-06"),
        (Spectrum.power_law(8), 1, "complex", "0.9101046869"),
        (Spectrum.power_law(8), 2, "complex", "0.5762098910"),
        (Spectrum.power_law(8), 4, "complex", "0.2514259333"),
        (Spectrum.power_law(8), 7, "complex", "0.04266067095"),
    ],
)
def test_reference_values_to_all_their_digits(spectrum: Spectrum, m: int, field: Field, digits: str) -> None:
    mantissa, _, exponent = digits.partition("e")
    last_place = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    assert abs(exact(spectrum, m, field) - float(digits)) <= 0.5 * last_place
    assert abs(enclosed(spectrum, m, field).midpoint - float(digits)) <= 0.5 * last_place


@pytest.mark.parametrize(("a", "b"), [(3.0, 2.0), (1e140, 1e-140), (1.0, 1.0 - 2**-50), (7e-141, 1e-140)])
def test_closed_forms_for_two_values(a: float, b: float) -> None:
    spectrum = Spectrum([a, b])
    assert exact(spectrum, 1) == pytest.approx(a * b, rel=1e-13)
    with mpmath.workdps(60):
        x, y = mpmath.mpf(a) ** 2, mpmath.mpf(b) ** 2
        logarithmic = float(x * y * mpmath.log(x / y) / (x - y))
        product = mpmath.mpf(a) * mpmath.mpf(b)
        found = enclosed(spectrum, 1)
        assert found.low <= product <= found.high
    assert exact(spectrum, 1, "complex") == pytest.approx(logarithmic, rel=1e-13)
    assert enclosed(spectrum, 1, "complex").midpoint == pytest.approx(logarithmic, rel=1e-14)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("n", [1, 2, 7])
def test_flat_spectra_and_the_ends(n: int, field: Field) -> None:
    flat = Spectrum.flat(n, 3.0)
    assert np.array_equal(exact(flat, np.arange(n + 1), field), 9.0 * (n - np.arange(n + 1)))
    for m in range(n + 1):
        assert enclosed(flat, m, field) == Enclosure(9.0 * (n - m), 9.0 * (n - m))
    general = Spectrum(np.arange(1.0, n + 1))
    assert exact(general, [0, n], field).tolist() == [float(np.sum(np.arange(1, n + 1) ** 2)), 0.0]
    assert enclosed(general, n, field) == Enclosure(0.0, 0.0)


# ------------------------------------------------------------------------------------------------ two roads


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("spectrum", SOME, ids=lambda s: s.name)
def test_quadrature_agrees_with_the_enclosure(spectrum: Spectrum, field: Field) -> None:
    # The float64 road takes logarithms of l: their rounding, |log l| eps, is what it may be off by.
    tolerance = 1e-14 + 8 * np.finfo(float).eps * 2 * math.log(spectrum.condition) * (1 if field == "real" else 4)
    wanted = [m for m in range(spectrum.n + 1) if has_exact(spectrum, m, field)]
    values = exact(spectrum, wanted, field)
    for m, value in zip(wanted, values, strict=True):
        assert value == pytest.approx(enclosed(spectrum, m, field).midpoint, rel=tolerance)


@pytest.mark.parametrize("field", FIELDS)
def test_arb_integral_agrees_with_the_matrix_formula(field: Field) -> None:
    # With complex A both roads exist at m = 1 and m = n - 1; twins of each value turn complex A into real A.
    spectrum = Spectrum([5.0, 3.0, 2.5, 1.0, 0.1])
    for m in (1, 4):
        integral = enclosure_module.outward(enclosure_module._extreme(spectrum, m, field, 60))
        matrix = enclosure_module.outward(enclosure_module._complex_curve(spectrum, 60)[m])
        overlap = integral.low <= matrix.high and matrix.low <= integral.high
        assert overlap == (field == "complex")


def differentiated_log_det(variances: list[float], m: int) -> Any:
    """E_m for complex A from F_m itself, differentiated numerically (THEORY.md section 3), in 60 digits."""

    def F(*logs: Any) -> Any:
        n = len(logs)
        V = mpmath.matrix([[mpmath.exp(x * k) for k in range(n)] for x in logs])
        M = mpmath.inverse(V) * mpmath.diag(list(logs)) * V
        return mpmath.fsum(M[k, k] for k in range(n - m, n))

    with mpmath.workdps(60):
        exact_variances = [mpmath.mpf(value) for value in variances]
        logs = [mpmath.log(value) for value in exact_variances]
        orders = [tuple(int(i == j) for j in range(len(logs))) for i in range(len(logs))]
        return mpmath.fsum(
            value * (1 - mpmath.diff(F, tuple(logs), order)) for value, order in zip(exact_variances, orders, strict=True)
        )


@pytest.mark.parametrize("sigma", [[3.0, 2.0, 0.5], [4.0, 2.0, 1.0, 0.125]])
def test_complex_values_are_the_derivative_of_the_log_determinant(sigma: list[float]) -> None:
    for m in range(1, len(sigma)):
        found = enclosed(Spectrum(sigma), m, "complex")
        reference = differentiated_log_det([s**2 for s in sigma], m)
        assert found.low <= reference <= found.high
        assert not found.low <= reference * (1 + mpmath.mpf(10) ** -14) <= found.high


def test_real_values_are_the_integrals_of_the_theory() -> None:
    # E_1 = T - ..., with the subtraction that the module avoids, and E_{n-1}, in 30 digits.
    sigma = [3.0, 2.0, 0.5, 0.25]
    with mpmath.workdps(30):
        variances = [mpmath.mpf(s) ** 2 for s in sigma]

        def root(t: Any, values: list[Any]) -> Any:
            return mpmath.fprod(1 / mpmath.sqrt(1 + 2 * t * x) for x in values)

        points = [0, 0.01, 0.1, 1, 10, 100, 1000, mpmath.inf]
        first = mpmath.fsum(variances) - mpmath.quad(
            lambda t: mpmath.fsum(x**2 / (1 + 2 * t * x) for x in variances) * root(t, variances), points
        )
        inverses = [1 / x for x in variances]
        last = mpmath.quad(lambda t: mpmath.fsum(1 / (1 + 2 * t * x) for x in inverses) * root(t, inverses), points)
        for m, reference in ((1, first), (3, last)):
            found = enclosed(Spectrum(sigma), m)
            assert found.low <= reference <= found.high
            assert not found.low <= reference * (1 - mpmath.mpf(10) ** -14) <= found.high


def test_nearly_equal_values_tend_to_repeated_ones() -> None:
    repeated = Spectrum([2.0, 1.0, 1.0, 1.0, 0.5])
    for m in range(1, 5):
        limit = enclosed(repeated, m, "complex").midpoint
        near = enclosed(Spectrum([2.0, 1.0 + 1e-13, 1.0, 1.0 - 1e-13, 0.5]), m, "complex").midpoint
        assert near == pytest.approx(limit, rel=1e-12)


# ------------------------------------------------------------------------------------------------ Monte Carlo

TRIALS = 60_000
DELTA = 1e-9  # chance that an interval below misses the mean; five are used


def sampled_interval(spectrum: Spectrum, m: int, field: Field) -> tuple[float, float]:
    """Interval that contains E_m with probability 1 - DELTA: empirical Bernstein (Maurer & Pontil 2009, Theorem 4).

    The error of a draw is bounded by sums of variances (Ky Fan). It is computed from an orthonormal basis of the rows of
    A Sigma: fine, and independent of linflow, for the well-conditioned spectra used here.
    """
    rng = np.random.default_rng(20240601 + m)
    A = rng.standard_normal((TRIALS, m, spectrum.n)).astype(np.complex128)
    if field == "complex":
        A += 1j * rng.standard_normal(A.shape)
    Q = np.linalg.qr((A * spectrum.singular_values).conj().transpose(0, 2, 1))[0]
    seen = (np.abs(Q) ** 2).sum(axis=2)
    errors = (1.0 - seen) @ spectrum.variances
    width = float(spectrum.variances[: spectrum.n - m].sum() - spectrum.variances[m:].sum())
    log_term = math.log(4 / DELTA)
    half = math.sqrt(2 * float(errors.var(ddof=1)) * log_term / TRIALS) + 7 * width * log_term / (3 * (TRIALS - 1))
    return float(errors.mean()) - half, float(errors.mean()) + half


@pytest.mark.parametrize(("m", "field"), [(1, "real"), (3, "real"), (1, "complex"), (2, "complex"), (3, "complex")])
def test_simulation_confirms_the_value_and_rejects_false_ones(m: int, field: Field) -> None:
    spectrum = Spectrum([2.0, 1.0, 0.5, 0.25])
    low, high = sampled_interval(spectrum, m, field)
    assert low <= exact(spectrum, m, field) <= high
    # The same test must reject the value of the other kind of A, and the values of one measurement more or fewer.
    other: Field = "real" if field == "complex" else "complex"
    wrong = [exact(spectrum, k, "complex") for k in (m - 1, m + 1)]
    if has_exact(spectrum, m, other):
        wrong.append(exact(spectrum, m, other))
    for value in wrong:
        assert not low <= value <= high


# ------------------------------------------------------------------------------------------------ properties


@given(spectra(min_n=2, max_n=6, decades=3.0), st.integers(-300, 300))
@settings(max_examples=25, deadline=None)
def test_scaling_by_a_power_of_two_is_exact(spectrum: Spectrum, power: int) -> None:
    scaled = Spectrum(np.ldexp(spectrum.singular_values, power))
    for field in FIELDS:
        for m in {1, spectrum.n - 1}:
            before, after = enclosed(spectrum, m, field), enclosed(scaled, m, field)
            assert after.low <= math.ldexp(before.high, 2 * power)
            assert after.high >= math.ldexp(before.low, 2 * power)
            assert exact(scaled, m, field) == pytest.approx(math.ldexp(exact(spectrum, m, field), 2 * power), rel=1e-12)


@given(spectra(min_n=2, max_n=7), st.data(), st.floats(1.0, 10.0))
@settings(max_examples=25, deadline=None)
def test_error_grows_with_every_singular_value(spectrum: Spectrum, data: st.DataObject, factor: float) -> None:
    larger = spectrum.singular_values.copy()
    larger[data.draw(st.integers(0, spectrum.n - 1))] *= factor
    for field in FIELDS:
        for m in range(spectrum.n + 1):
            # A flat spectrum has a value at every m; it may stop being flat here.
            if has_exact(spectrum, m, field) and has_exact(Spectrum(larger), m, field):
                assert enclosed(Spectrum(larger), m, field).high >= enclosed(spectrum, m, field).low


@given(spectra(min_n=2, max_n=10))
@settings(max_examples=25, deadline=None)
def test_error_lies_between_the_best_rank_and_one_measurement_fewer(spectrum: Spectrum) -> None:
    n = spectrum.n
    for field in FIELDS:
        known = [m for m in range(n + 1) if has_exact(spectrum, m, field)]
        highs = [enclosed(spectrum, m, field).high for m in known]
        lows = [enclosed(spectrum, m, field).low for m in known]
        # The tail is rounded once, to nearest.
        assert all(high >= spectrum.tail(m) * (1 - 2**-53) for m, high in zip(known, highs, strict=True))
        assert all(low <= high for low, high in zip(lows[1:], highs[:-1], strict=True))
    for m in {1, n - 1}:
        assert enclosed(spectrum, m, "complex").low <= enclosed(spectrum, m, "real").high


@given(spectra(min_n=2, max_n=9, decades=20.0))
@settings(max_examples=25, deadline=None)
def test_complex_curve_agrees_with_the_enclosures(spectrum: Spectrum) -> None:
    values = exact(spectrum, np.arange(spectrum.n + 1), "complex")
    for m, value in enumerate(values):
        assert value == pytest.approx(enclosed(spectrum, m, "complex").midpoint, rel=2e-13)


# ------------------------------------------------------------------------------------------------ where there is none


def test_missing_oracles_are_an_error_that_says_which_exist() -> None:
    spectrum = Spectrum.power_law(5)
    assert all(has_exact(spectrum, m, field) for m in range(6) for field in FIELDS)
    steep = Spectrum([1e45, 1.0, 1.0, 1e-45])
    assert [has_exact(steep, m) for m in range(5)] == [True, True, False, True, True]
    with pytest.raises(InputError, match=r"m = 2, n = 4 and a condition of 1e\+90: .* m = 0, 1, n - 1 and n"):
        exact(steep, [0, 2])
    assert enclosure(steep, 2) is None
    long = Spectrum.power_law(plane_module.LIMIT + 1)
    assert not has_exact(long, 2)
    with pytest.raises(InputError, match="every m has one up to n = 400"):
        exact(long, 2)
    assert enclosure(long, 2) is None
    large = Spectrum.power_law(exact_module.COMPLEX_LIMIT + 1)
    assert not has_exact(large, 2, "complex")
    assert exact(large, 1, "complex") < exact(large, 1)
    with pytest.raises(InputError, match="up to n = 1000"):
        exact(large, 2, "complex")
    assert enclosure(large, 2, "complex") is None
    assert enclosure(Spectrum.power_law(enclosure_module.DISTINCT_LIMIT + 1), 1) is None
    for bad in ({"m": 6}, {"m": -1}, {"m": 1, "field": "quaternion"}):
        with pytest.raises(InputError):
            exact(spectrum, **bad)
        with pytest.raises(InputError):
            enclosure(spectrum, **bad)


@pytest.mark.parametrize(
    ("setting", "value", "m", "field"),
    [
        ("STEP", 1.0, 1, "real"),
        ("STEP", 1.0, 6, "complex"),
        ("NEGLIGIBLE", 10.0, 1, "real"),
        ("NEGLIGIBLE", 10.0, 3, "complex"),
        ("_complex_step", lambda *_: 3.0, 3, "complex"),
    ],
)
def test_a_quadrature_that_has_not_converged_is_an_error(
    setting: str, value: Any, m: int, field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    spectrum = Spectrum(1.0 + np.arange(7.0) / 100, name=setting)
    exact_module._complex_curve.cache_clear()
    assert exact(spectrum, m, field) > 0
    exact_module._complex_curve.cache_clear()
    monkeypatch.setattr(exact_module, setting, value)
    with pytest.raises(NotConvergedError, match="did not converge"):
        exact(spectrum, m, field)


@pytest.mark.parametrize(
    ("setting", "value", "field", "sentence"),
    [
        ("precisions", lambda most: [40], "real", "with a precision of 40 bits"),
        ("_LONGEST", 4, "real", "does not vanish within 4 units"),
        ("precisions", lambda most: [128, 256], "complex", "with a precision of 256 bits"),
    ],
)
def test_an_enclosure_that_stays_wide_is_an_error(
    setting: str, value: Any, field: Field, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spectrum = Spectrum(10.0 ** np.linspace(20, -20, 12), name=setting)
    monkeypatch.setattr(balls_module if setting == "_LONGEST" else enclosure_module, setting, value)
    for cached in (enclosure_module._enclosure, enclosure_module._complex_curve):
        cached.cache_clear()
    with pytest.raises(NotConvergedError, match=sentence):
        enclosure(spectrum, 1, field)
    monkeypatch.undo()
    enclosed(spectrum, 1, field)


def test_shapes_follow_m() -> None:
    assert isinstance(exact(HARMONIC, 1), float)
    assert exact(HARMONIC, [[0, 1], [31, 32]]).shape == (2, 2)
    assert exact(HARMONIC, np.array([], dtype=int)).shape == (0,)
    assert exact(HARMONIC, [31, 1])[1] == exact(HARMONIC, 1)


# ------------------------------------------------------------------------------------------------ large spectra


def test_large_spectra() -> None:
    # The compressed sums against the full ones, at a size where both are affordable.
    spectrum = Spectrum.power_law(30_000, 0.8)
    for m in (1, spectrum.n - 1):
        compressed = exact(spectrum, m)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(exact_module, "compress", lambda *arrays: arrays)
            assert exact(spectrum, m) == pytest.approx(compressed, rel=1e-13)
    million = Spectrum.power_law(1_000_000)
    # E_1 approaches its limit like 1/n, so two smaller sizes predict it; E_{n-1} / l_n tends to 3.
    coarse, fine = (exact(Spectrum.power_law(n), 1) for n in (1_000, 2_000))
    assert exact(million, 1) == pytest.approx(2 * fine - coarse, rel=2e-6)
    assert million.tail(1) < exact(million, 1) < million.energy
    assert exact(million, 999_999) == pytest.approx(3.0 * million.tail(999_999), rel=1e-5)


def smooth_functions(log_scale: float) -> list[Any]:
    def below(x: FloatArray) -> FloatArray:
        return np.exp(-np.logaddexp(0.0, log_scale - x))

    return [lambda x: np.logaddexp(0.0, x - log_scale), below, lambda x: below(x) ** 2]


@pytest.mark.parametrize(
    "log_l",
    [
        -2.0 * np.log(np.arange(1.0, 20_001.0)),
        np.random.default_rng(1).normal(0.0, 8.0, 20_000),
        np.random.default_rng(2).normal(3.0, 1e-3, 5_000),
        np.linspace(-50.0, 0.0, 2_100),
        np.repeat([0.0, -1.0, -40.0], 1_000),
    ],
    ids=["power law", "log-normal", "cluster", "no wide bin", "three values"],
)
def test_compression_reproduces_the_sums(log_l: FloatArray) -> None:
    measure = np.exp(np.random.default_rng(3).normal(0.0, 2.0, log_l.size))
    nodes, count, weight = compress(log_l, np.ones_like(log_l), measure)
    bins = np.ptp(log_l) + 1
    assert nodes.size <= min(np.unique(log_l).size, NODES * (bins + 1))
    for log_scale in np.linspace(log_l.min() - 20.0, log_l.max() + 5.0, 9):
        for f in smooth_functions(log_scale):
            # Relative to themselves, since every term is positive; 50 log units up, log l itself is good to 1e-14.
            assert count @ f(nodes) == pytest.approx(math.fsum(f(log_l)), rel=3e-14)
            assert weight @ f(nodes) == pytest.approx(math.fsum(measure * f(log_l)), rel=3e-14)
    # The limits of the method show: a function with a kink is not reproduced.
    if nodes.size < np.unique(log_l).size:
        kink = float(np.quantile(log_l, 0.412345))
        assert count @ np.abs(nodes - kink) != pytest.approx(math.fsum(np.abs(log_l - kink)), rel=3e-14)


def test_compression_leaves_small_input_alone_and_checks_shapes() -> None:
    log_l = np.linspace(0.0, -1.0, SMALL)
    ones = np.ones(SMALL)
    nodes, weight = compress(log_l, ones)
    assert nodes is log_l
    assert weight is ones
    with pytest.raises(ShapeError, match="one shape"):
        compress(log_l, ones[1:])


@given(spectra(min_n=2, max_n=6))
@settings(max_examples=10, deadline=None)
def test_a_perturbed_spectrum_leaves_the_enclosure(spectrum: Spectrum) -> None:
    # The enclosures are narrow enough to see 1e-13 in one singular value scale.
    assume(spectrum.condition > 1)
    found = enclosed(spectrum, 1)
    moved = enclosed(spectrum.scaled(1 + 1e-13), 1)
    assert found.high < moved.low


def test_an_interrupt_within_compiled_code_is_an_interrupt() -> None:
    """The integrator calls back into Python, and an interrupt there comes out of it as an error of another kind."""
    script = (
        "import _thread, signal, threading, numpy as np\n"
        "from linflow import Spectrum\n"
        "from linflow.risk import enclosure\n"
        "enclosure(Spectrum([2.0, 1.0, 0.5]), 1)\n"
        # A shell that starts the tests in the background has them ignore interrupts.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "threading.Timer(0.3, _thread.interrupt_main).start()\n"
        "try:\n"
        "    for seed in range(1000):\n"
        "        enclosure(Spectrum(np.random.default_rng(seed).uniform(0.1, 1.0, 900)), 1)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout == "interrupted\n", done.stderr
