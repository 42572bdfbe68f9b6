"""What ``A x = y`` may be rewritten as without changing x: one table of laws for every public function of (A, y)."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import linflow as lf
from linflow import pursuit, testing
from linflow.checks import FloatArray
from linflow.errors import InputError, LinflowError, RankError
from linflow.testing import Problem

#: units: A and y in another unit. rows: each measurement in a unit of its own. order: measurements in another order.
#: signals: x and y in another unit. model: x in another unit, and A in its inverse. columns: coordinates of x in another
#: order, no flow being asked. mixing: measurements rotated. batch: signals of a batch apart (these two are the laws of
#: linflow.testing).
UNITS, ROWS, ORDER, SIGNALS, MODEL, COLUMNS, MIXING, BATCH = LAWS = (
    "units",
    "rows",
    "order",
    "signals",
    "model",
    "columns",
    "mixing",
    "batch",
)
#: What every function obeys.
ALL = {UNITS, ORDER, SIGNALS, MODEL, MIXING, BATCH}
#: Factors of units: powers of ten round, powers of two do not.
FACTORS = (1e-12, 1e-9, 1e-6, 1e-3, 1e4, 1e7, 1e10, 2.0**-300, 2.0**300)


@dataclass(frozen=True)
class Unit:
    """The unit of A and that of x, as factors; that of y is their product."""

    A: float = 1.0
    x: float = 1.0

    @property
    def y(self) -> float:
        return self.A * self.x


@dataclass(frozen=True)
class Subject:
    """A function of (A, y) with its other arguments, which are in units too."""

    name: str
    estimate: Callable[[lf.LinearFlow, Any, Any, Unit], Any]
    laws: set[str]
    #: Needs independent rows.
    independent: bool = False
    #: How an answer grows with the unit of x.
    power: int = 1
    rtol: float = 1e-8

    def __str__(self) -> str:
        return self.name

    @property
    def function(self) -> str:
        return self.name.split(",")[0]


def moments(flow: lf.LinearFlow, A: Any, y: Any, noise_std: float) -> FloatArray:
    """Mean and standard deviations of the posterior."""
    found = lf.posterior(flow, A, y, noise_std=noise_std)
    return np.stack(np.broadcast_arrays(found.mean, found.std), axis=-2)


def signs(flow: lf.LinearFlow, A: Any, y: Any) -> FloatArray:
    """A sparse signal that depends on nothing but the shape: only its signs are asked for."""
    x_0 = np.zeros(np.shape(A)[1])
    x_0[: max(1, len(x_0) // 4)] = (-1.0) ** np.arange(max(1, len(x_0) // 4))
    return np.broadcast_to(x_0, (*np.shape(y)[:-1], len(x_0)))


def phases(A: Any) -> NDArray[np.complex128]:
    """A phase for each row: the complex measurements say the same as the real ones."""
    return np.asarray(np.exp(1j * (1.0 + np.arange(len(A)))))


def turned(A: Any, y: Any) -> tuple[Any, Any]:
    """The same measurements as complex ones."""
    A, y = np.ma.asanyarray(A), np.ma.asanyarray(y)
    turn = phases(A)
    return (A * turn[:, None]) if A.size else A + 0j, y * turn


SUBJECTS = (
    Subject("mle", lambda flow, A, y, unit: lf.mle(flow, A, y), ALL | {ROWS}, independent=True),
    Subject("map_estimate", lambda flow, A, y, unit: lf.map_estimate(flow, A, y, noise_std=0.3 * unit.y), ALL),
    Subject("penalised", lambda flow, A, y, unit: lf.penalised(flow, A, y, penalty=0.2 * unit.y**2), ALL),
    Subject("posterior", lambda flow, A, y, unit: moments(flow, A, y, 0.3 * unit.y), ALL - {BATCH}),
    Subject("posterior, noiseless", lambda flow, A, y, unit: moments(flow, A, y, 0.0), ALL - {BATCH} | {ROWS}, True),
    Subject("truncated_least_squares", lambda flow, A, y, unit: lf.truncated_least_squares(flow, A, y, rank=1), ALL),
    Subject(
        "truncated_least_squares, rank n",
        lambda flow, A, y, unit: lf.truncated_least_squares(flow, A, y, rank=flow.n),
        ALL | {ROWS},
        independent=True,
    ),
    Subject("gradient_flow", lambda flow, A, y, unit: lf.gradient_flow(flow, A, y, time=0.05 / unit.y**2), ALL),
    Subject(
        "gradient_flow, at infinity", lambda flow, A, y, unit: lf.gradient_flow(flow, A, y, time=math.inf), ALL | {ROWS}
    ),
    Subject(
        "reconstruct",
        lambda flow, A, y, unit: lf.reconstruct(flow, A, y, noise_std=0.3 * unit.y, tolerance=1e-11).x,
        ALL,
    ),
    Subject("mle, complex", lambda flow, A, y, unit: lf.mle(flow, *turned(A, y)), ALL | {ROWS}),
    Subject("posterior, complex", lambda flow, A, y, unit: moments(flow, *turned(A, y), 0.3 * unit.y), ALL - {BATCH}),
    Subject(
        "map_estimate, covariance",
        lambda flow, A, y, unit: lf.map_estimate(flow, A, y, noise_std=(0.3 * unit.y) ** 2 * np.eye(len(A))),
        ALL,
    ),
    Subject("basis_pursuit", lambda flow, A, y, unit: lf.basis_pursuit(A, y), ALL | {ROWS, COLUMNS}, independent=True),
    Subject(
        "recovery",
        lambda flow, A, y, unit: lf.recovery(A, unit.x * signs(flow, A, y)).found[..., None] + np.ones(flow.n),
        ALL | {ROWS},
        independent=True,
        power=0,
    ),
    Subject(
        "certificate_margin",
        lambda flow, A, y, unit: np.full((*np.shape(y)[:-1], flow.n), pursuit.certificate_margin(A, signs(flow, A, [0.0]))),
        ALL | {ROWS},
        independent=True,
        power=0,
    ),
    # A duality gap of 1e-13 of the value leaves a distance of its root.
    Subject(
        "lasso",
        lambda flow, A, y, unit: lf.lasso(A, y, penalty=0.4 * unit.A * unit.y, tolerance=1e-13),
        ALL | {COLUMNS},
        rtol=1e-5,
    ),
)


def problem(seed: int) -> Problem:
    m, n = ((3, 8), (5, 6), (1, 4), (4, 9))[seed % 4]
    return Problem.random(lf.Spectrum.power_law(n, exponent=0.7), m=m, batch=(2,), noise_std=0.1, seed=seed)


def rescaled(flow: lf.LinearFlow, factor: float) -> lf.LinearFlow:
    return lf.LinearFlow(
        flow.spectrum.scaled(factor), mean=factor * flow.mean, basis=flow.basis, latent_basis=flow.latent_basis
    )


def broken(subject: Subject, law: str, given: Problem, factor: float) -> float:
    """How far the answer to the rewritten problem is from what it has to be, relative to what is allowed."""
    flow, A, y, rng = given.flow, given.A, given.y, np.random.default_rng(7)
    seen = np.asarray(subject.estimate(flow, A, y, Unit()))
    if law in (MIXING, BATCH):
        try:
            testing.assert_equivariant(
                lambda flow, A, y: subject.estimate(flow, A, y, Unit())[..., -flow.n :].reshape(*y.shape[:-1], -1)[
                    ..., : flow.n
                ],
                given,
                laws=(law,),
                rtol=subject.rtol,
            )
        except AssertionError:
            return math.inf
        return 0.0
    if law == UNITS:
        found = subject.estimate(flow, factor * A, factor * y, Unit(A=factor))
    elif law == SIGNALS:
        found = subject.estimate(rescaled(flow, factor), A, factor * y, Unit(x=factor)) / factor**subject.power
    elif law == MODEL:
        unit = Unit(A=1 / factor, x=factor)
        found = subject.estimate(rescaled(flow, factor), A / factor, y, unit) / factor**subject.power
    elif law == ROWS:
        drawn = []
        for _ in range(4):
            factors = factor ** rng.uniform(-0.5, 0.5, len(A))
            drawn.append(subject.estimate(flow, factors[:, None] * A, factors * y, Unit()))
        found = max(drawn, key=lambda x: float(np.abs(x - seen).max()))
    elif law == ORDER:
        order = np.arange(len(A))[::-1]
        found = subject.estimate(flow, A[order], y[:, order], Unit())
    else:
        order = rng.permutation(flow.n)
        found, seen = subject.estimate(flow, A[:, order], y, Unit()), seen[..., order]
    return float(np.abs(found - seen).max() / (subject.rtol * np.abs(seen).max()))


@pytest.mark.parametrize(
    ("subject", "law"), [(subject, law) for subject in SUBJECTS for law in LAWS if law in subject.laws], ids=str
)
def test_the_law_holds(subject: Subject, law: str) -> None:
    factors = {UNITS: FACTORS, ROWS: FACTORS, SIGNALS: FACTORS, MODEL: FACTORS[1::2] + FACTORS[-1:]}.get(law, (1.0,))
    for seed in range(4):
        given = problem(seed)
        worst = {factor: broken(subject, law, given, factor) for factor in factors}
        assert max(worst.values()) <= 1.0, (seed, worst)


def test_the_table_names_every_public_function_of_measurements() -> None:
    public = {name: getattr(lf, name) for name in lf.__all__} | {name: getattr(pursuit, name) for name in pursuit.__all__}
    of_measurements = {
        name
        for name, value in public.items()
        if inspect.isfunction(value) and {"A"} < set(inspect.signature(value).parameters) & {"A", "y", "x_0"}
    }
    assert of_measurements == {subject.function for subject in SUBJECTS}


def tikhonov(flow: lf.LinearFlow, A: Any, y: Any, unit: Unit) -> FloatArray:
    """An absolute tolerance in disguise: least squares whose small singular values are those below 1e-6."""
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    kept = s > 1e-6
    return np.asarray((y @ U)[..., kept] / s[kept] @ Vt[kept])


@pytest.mark.parametrize("law", [UNITS, ROWS])
def test_an_absolute_tolerance_breaks_the_law(law: str) -> None:
    faulty = Subject("faulty", tikhonov, ALL)
    assert broken(faulty, law, problem(0), 1e3) <= 1.0 or law == ROWS
    assert broken(faulty, law, problem(0), 1e-30) > 1.0


@pytest.mark.parametrize(
    ("law", "fault"),
    [
        (ORDER, lambda flow, A, y, unit: y[..., :1] * A[0]),
        (SIGNALS, lambda flow, A, y, unit: np.sign(y @ A)),
        (MODEL, lambda flow, A, y, unit: y @ A),
        (COLUMNS, lambda flow, A, y, unit: (y @ A) * np.arange(A.shape[1])),
        (MIXING, lambda flow, A, y, unit: np.abs(y) @ A),
        (BATCH, lambda flow, A, y, unit: y @ A / np.abs(y).max()),
    ],
)
def test_every_other_law_can_be_broken(law: str, fault: Any) -> None:
    assert broken(Subject("faulty", fault, ALL), law, problem(0), 1e3) > 1.0


# The lasso takes all its steps on columns that differ so much.
@pytest.mark.parametrize("subject", [subject for subject in SUBJECTS if subject.name != "lasso"], ids=str)
def test_what_the_caller_told_numpy_of_underflow_does_not_matter(subject: Subject) -> None:
    def answer(given: Problem) -> Any:
        try:
            return np.asarray(subject.estimate(given.flow, given.A, given.y, Unit()))
        except LinflowError as error:
            return str(error)

    for spectrum in (10.0 ** (-5.0 * np.arange(9)), 10.0 ** np.linspace(149, -149, 7)):
        given = Problem.random(lf.Spectrum(spectrum), m=3, batch=(2,), noise_std=0.1, seed=0)
        expected = answer(given)
        with np.errstate(all="raise"):
            np.testing.assert_array_equal(answer(given), expected)


@pytest.mark.parametrize("size", [1e20, 1e60, 1e150])
def test_standard_deviations_have_no_squares(size: float) -> None:
    flow = lf.LinearFlow.from_variances([4.0, 1.0])
    found = lf.posterior(flow, size * np.eye(2), [0.0, 0.0], noise_std=1e-150).std
    np.testing.assert_allclose(found * size, 1e-150, rtol=1e-12)


# ------------------------------------------------------------------------------------------------- degenerate inputs


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_how_arrays_are_kept_does_not_matter(subject: Subject) -> None:
    given = problem(0)
    A, y = (np.round(256 * values).astype(np.float32) / 256 for values in (given.A, given.y))
    expected = subject.estimate(given.flow, A.astype(np.float64), y.astype(np.float64), Unit())
    spaced = np.zeros((2 * A.shape[0], 3 * A.shape[1]), dtype=A.dtype)
    spaced[::2, ::3] = A
    for values in (A, A.tolist(), np.asfortranarray(A), spaced[::2, ::3], np.ma.masked_invalid(A)):
        measured = y.tolist() if isinstance(values, list) else y
        np.testing.assert_allclose(subject.estimate(given.flow, values, measured, Unit()), expected, rtol=1e-9)
    for values in (A, y):
        values.flags.writeable = False
    before = A.copy(), y.copy()
    np.testing.assert_allclose(subject.estimate(given.flow, A, y, Unit()), expected, rtol=1e-9)
    np.testing.assert_array_equal(A, before[0])
    np.testing.assert_array_equal(y, before[1])


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_masked_entries_are_refused(subject: Subject) -> None:
    given = problem(0)
    hidden_A, hidden_y = np.ma.masked_array(given.A, mask=False), np.ma.masked_array(given.y, mask=False)
    subject.estimate(given.flow, hidden_A, hidden_y, Unit())
    hidden_A[1, 2] = hidden_y[0, 1] = np.ma.masked
    with pytest.raises(InputError, match=r"^A has masked entries \(1 of \d+\): [^.\n]*$"):
        subject.estimate(given.flow, hidden_A, given.y, Unit())
    if subject.function not in ("recovery", "certificate_margin"):  # they take signals
        with pytest.raises(InputError, match="y has masked entries"):
            subject.estimate(given.flow, given.A, hidden_y, Unit())
        with pytest.raises(InputError, match="y has masked entries"):
            subject.estimate(given.flow, given.A, [hidden_y[0], hidden_y[1]], Unit())


def test_masked_signals_and_counts_are_refused() -> None:
    A, hidden = np.ones((1, 2)), np.ma.masked_equal([1.0, 2.0], 2.0)
    for refused in (
        lambda: lf.recovery(A, hidden),
        lambda: pursuit.certificate_margin(A, hidden),
        lambda: lf.Spectrum(hidden),
        lambda: lf.Spectrum([1.0, 2.0]).tail(np.ma.masked_equal([1, 2], 2)),
        lambda: lf.measurement.apply(A, hidden),
        lambda: lf.measurement.row_sampling(np.ma.masked_equal([1, 2], 2), 3),
    ):
        with pytest.raises(InputError, match="masked entries"):
            refused()


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
@pytest.mark.parametrize("n", [1, 5])
def test_no_measurement_and_all_measurements(subject: Subject, n: int) -> None:
    rng = np.random.default_rng(n)
    flow = lf.LinearFlow.from_spectrum(np.arange(1.0, n + 1), rng=rng, mean=rng.standard_normal(n))
    answers_without_flow = ("basis_pursuit", "recovery", "certificate_margin", "lasso")
    if subject.name != "truncated_least_squares":  # no measurement does not determine the direction that it seeks
        found = subject.estimate(flow, np.zeros((0, n)), np.zeros((2, 0)), Unit())
        if subject.function in answers_without_flow:
            nothing = {"certificate_margin": -np.inf, "recovery": 1.0}.get(subject.function, 0.0)
            np.testing.assert_array_equal(found, np.full((2, n), nothing))
        else:
            np.testing.assert_allclose(found.reshape(2, -1, n)[:, 0], np.broadcast_to(flow.mean, (2, n)), rtol=1e-14)
    A, x = rng.standard_normal((n, n)), flow.sample(2, rng)
    found = subject.estimate(flow, A, x @ A.T, Unit())
    if ROWS in subject.laws and subject.power:  # those that explain all measurements
        np.testing.assert_allclose(found.reshape(2, -1, n)[:, 0], x, rtol=1e-9, atol=1e-9)
    elif subject.function in ("recovery", "certificate_margin"):
        np.testing.assert_allclose(found, np.full((2, n), 2.0 if subject.function == "recovery" else 1.0), rtol=1e-12)


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
@pytest.mark.parametrize("fault", ["zero", "repeated", "in another unit", "combined"])
def test_dependent_rows_are_named_where_they_must_not_be(subject: Subject, fault: str) -> None:
    flow, x = problem(0).flow, problem(0).x
    A = np.round(8 * problem(0).A) / 8
    extra = {"zero": 0 * A[0], "repeated": A[1], "in another unit": 3e-9 * A[1], "combined": A[0] - 2 * A[1]}[fault]
    A = np.vstack([A, extra])
    if not subject.independent:
        assert np.isfinite(subject.estimate(flow, A, x @ A.T, Unit())).all()
        return
    with pytest.raises(RankError, match=r"^row \d of A[^\n]*drop that measurement[^.\n]*$") as caught:
        subject.estimate(flow, A, x @ A.T, Unit())
    assert isinstance(caught.value, LinflowError)
