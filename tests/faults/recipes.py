"""A right call of every public function: each argument with its kind, which says what it may be and what not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr
from sklearn.decomposition import PCA

import linflow as lf
from linflow import bases, claims, experiments, measurement, plotting, pursuit, risk
from linflow.claims.quantities import ExpectedError

#: Kinds of arguments. "measurement": an array, a sparse matrix or an operator, real or complex; "counts": one m or an array
#: of them; "count": one m; "bound": a number or a function; "mean": an array or a number; "rng": a generator, or its seed;
#: "noise": a number, or an array of as many as there are measurements; "basis": an array or an operator.
KINDS = (
    *("array", "mean", "measurement", "complex_matrix", "indices", "counts", "count", "number", "time", "whole", "seed"),
    *(
        "flag",
        "option",
        "options",
        "label",
        "cases",
        "shape",
        "bound",
        "callable",
        "object",
        "path",
        "rng",
        "noise",
        "basis",
    ),
)


@dataclass(frozen=True)
class Argument:
    """A kind of argument and a right value, made anew for every call."""

    kind: str
    make: Callable[[], Any]
    #: None means something too.
    optional: bool = False


@dataclass(frozen=True)
class Recipe:
    """A right call."""

    name: str
    function: Callable[..., Any]
    arguments: dict[str, Argument]
    #: How often it is called, against the others: what takes milliseconds is called less often.
    weight: float = 1.0
    #: The answer does not depend on the clock or on files.
    repeatable: bool = True
    #: Arguments that stay as they are.
    fixed: Callable[[], dict[str, Any]] = field(default=dict)


RECIPES: dict[str, Recipe] = {}


def recipe(
    called: str, function: Callable[..., Any], /, *, weight: float = 1.0, repeatable: bool = True, **given: Any
) -> None:
    """Arguments are `Argument`s; what is none stays as it is (a function of nothing makes it anew)."""
    arguments: dict[str, Any] = {key: value for key, value in given.items() if isinstance(value, Argument)}
    rest: dict[str, Any] = {key: value for key, value in given.items() if not isinstance(value, Argument)}
    RECIPES[called] = Recipe(
        called, function, arguments, weight, repeatable, lambda: {k: make() for k, make in rest.items()}
    )


def of(kind: str, value: Any, *, optional: bool = False) -> Argument:
    assert kind in KINDS, kind
    return Argument(kind, lambda: value.copy() if isinstance(value, np.ndarray) else value, optional)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


SPECTRUM = lf.Spectrum([4.0, 2.0, 1.0, 0.5])
FLOW = lf.LinearFlow.from_spectrum(SPECTRUM, rng=rng(), mean=[1.0, -1.0, 0.5, 2.0])
VALUES = np.array([4.0, 2.0, 1.0, 0.5])
A = np.array([[1.0, 0.5, -1.0, 2.0], [0.25, -1.0, 1.0, 0.5]])
SQUARE = np.array([[1.0, 0.5, 0.0, 0.0], [0.0, 1.0, 0.0, 0.25], [0.5, 0.0, 2.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
Y = np.array([[1.0, -2.0], [0.5, 3.0], [0.0, 1.0]])
X = np.round(np.random.default_rng(3).standard_normal((9, 4)) * 64) / 64

S = of("object", SPECTRUM)
M = of("counts", np.array([1, 2]))
ONE = of("count", 2)
RANK = of("whole", 1)
FIELD = of("option", "real")
RNG = Argument("rng", rng)
PERHAPS_RNG = Argument("rng", rng, optional=True)
SEED = of("seed", 3)


def linear() -> None:
    """Spectra and linear flows."""
    n = of("whole", 4)
    recipe("Spectrum", lf.Spectrum, singular_values=of("array", VALUES))
    recipe("Spectrum.from_values", lf.Spectrum.from_values, values=of("array", VALUES))
    recipe("Spectrum.power_law", lf.Spectrum.power_law, n=n, exponent=of("number", 0.5))
    recipe("Spectrum.exponential", lf.Spectrum.exponential, n=n, rate=of("number", 0.5))
    recipe("Spectrum.step", lf.Spectrum.step, n=n, rank=RANK, floor=of("number", 0.5))
    recipe("Spectrum.flat", lf.Spectrum.flat, n=n, value=of("number", 2.0))
    recipe("Spectrum.spiked", lf.Spectrum.spiked, n=n, spikes=of("array", np.array([8.0, 4.0])), bulk=of("number", 0.5))
    recipe("Spectrum.log_spaced", lf.Spectrum.log_spaced, n=n, condition=of("number", 100.0))
    for name, function in (("Spectrum.from_data", lf.Spectrum.from_data), ("LinearFlow.fit", lf.LinearFlow.fit)):
        recipe(name, function, weight=2, X=of("array", X), shrinkage=of("number", 0.25))
        recipe(f"{name} with a rule", function, X=of("array", X), shrinkage=of("option", "oas"))
    covariance = of("array", SQUARE @ SQUARE.T)
    recipe("Spectrum.from_covariance", lf.Spectrum.from_covariance, C=covariance)
    recipe("Spectrum.concatenate", lf.Spectrum.concatenate, spectra=of("cases", (SPECTRUM, SPECTRUM)))
    recipe("Spectrum.scaled", SPECTRUM.scaled, factor=of("number", 2.0))
    recipe("Spectrum.tail", SPECTRUM.tail, m=M)
    recipe("Spectrum.effective_rank", SPECTRUM.effective_rank, k=RANK)
    mean = of("array", VALUES, optional=True)
    basis = of("basis", np.linalg.qr(SQUARE)[0], optional=True)
    recipe("LinearFlow", lf.LinearFlow, spectrum=S, mean=mean, basis=basis, latent_basis=basis)
    recipe("LinearFlow.from_matrix", lf.LinearFlow.from_matrix, weight=2, G=of("array", SQUARE), mean=mean)
    recipe("LinearFlow.from_covariance", lf.LinearFlow.from_covariance, weight=2, C=covariance, mean=mean)
    recipe("LinearFlow.from_spectrum", lf.LinearFlow.from_spectrum, spectrum=of("array", VALUES), mean=mean, basis=basis)
    recipe("LinearFlow.from_spectrum at random", lf.LinearFlow.from_spectrum, spectrum=S, rng=PERHAPS_RNG)
    recipe("LinearFlow.from_variances", lf.LinearFlow.from_variances, variances=of("array", VALUES), mean=mean, basis=basis)
    recipe("bases.dct", bases.dct, shape=of("shape", (2, 2)))
    recipe("bases.hartley", bases.hartley, shape=of("shape", (2, 2)))
    levels = of("whole", 1, optional=True)
    recipe("bases.wavelet", bases.wavelet, shape=of("shape", (2, 2)), name=of("option", "haar"), levels=levels)
    recipe("LinearFlow.forward", FLOW.forward, z=of("array", X))
    recipe("LinearFlow.inverse", FLOW.inverse, x=of("array", X))
    recipe("LinearFlow.log_prob", FLOW.log_prob, x=of("array", X))
    recipe("LinearFlow.sample", FLOW.sample, size=of("shape", (2, 3)), rng=RNG)
    recipe("LinearFlow.truncate", FLOW.truncate, rank=RANK)
    recipe(
        "LinearFlow.from_sklearn", lf.LinearFlow.from_sklearn, model=Argument("object", _components), name=of("label", "a")
    )
    recipe("LinearFlow.save", FLOW.save, path=of("path", "a-file"))
    recipe("LinearFlow.load", lf.LinearFlow.load, path=of("path", "a-file"))
    truncated = FLOW.truncate(2)
    recipe("TruncatedFlow.forward", truncated.forward, z=of("array", Y))
    recipe("TruncatedFlow.project", truncated.project, x=of("array", X))
    recipe(
        "TruncatedFlow",
        lf.TruncatedFlow,
        mean=of("array", VALUES),
        basis=of("array", np.eye(4)[:, :2]),
        singular_values=of("array", VALUES[:2]),
        representation_error=of("number", 1.25),
    )


def _components() -> Any:
    return PCA(n_components=2).fit(X)


def predictions() -> None:
    """Tables of what risk says, and figures."""
    levels: dict[str, Any] = {"noise_std": of("number", 0.5), "penalty": of("number", 0.25)}
    recipe("predict", lf.predict, weight=0.3, spectrum=S, m=M, **levels)
    curves = of("array", np.array([[21.25, 5.25, 1.25, 0.25, 0.0], [21.25, 4.0, 1.0, 0.5, 0.0]]))
    recipe("plotting.error_figure", _points(plotting.error_figure), weight=0.02, spectrum=S, curves=curves)
    recipe(
        "plotting.singular_value_figure",
        _points(plotting.singular_value_figure),
        weight=0.02,
        spectra=of("cases", (SPECTRUM, SPECTRUM)),
    )


def _points(draw: Callable[..., Any]) -> Callable[..., Any]:
    """What a figure shows, as numbers."""

    def shown(**given: Any) -> list[Any]:
        lines = [line for axes in draw(**given).axes for line in axes.get_lines()]
        return [np.nan_to_num(np.asarray(line.get_ydata(), dtype=float)) for line in lines]

    shown.__signature__ = inspect.signature(draw)  # type: ignore[attr-defined]
    return shown


def estimators() -> None:
    """Reconstructions."""
    flow, a, y = of("object", FLOW), of("measurement", A), of("array", Y)
    noise = of("noise", 0.5)
    recipe("mle", lf.mle, weight=2, flow=flow, A=a, y=y)
    recipe("map_estimate", lf.map_estimate, weight=2, flow=flow, A=a, y=y, noise_std=noise)
    recipe("penalised", lf.penalised, weight=2, flow=flow, A=a, y=y, penalty=of("number", 0.5))
    recipe("posterior", lf.posterior, weight=2, flow=flow, A=a, y=y, noise_std=noise)
    tolerance = of("number", 0.0009765625, optional=True)
    recipe("mle by products", lf.mle, flow=flow, A=a, y=y, tolerance=tolerance)
    recipe("map_estimate by products", lf.map_estimate, flow=flow, A=a, y=y, noise_std=noise, tolerance=tolerance)
    recipe(
        "reconstruct",
        lf.reconstruct,
        flow=flow,
        A=a,
        y=y,
        noise_std=noise,
        tolerance=tolerance,
        iterations=of("whole", 200),
    )
    drawn: dict[str, Any] = {"probes": of("whole", 2), "rng": RNG, "tolerance": tolerance}
    recipe("posterior_std", lf.posterior_std, flow=flow, A=a, noise_std=noise, **drawn)
    levels = of("array", np.array([0.5, 0.25]))
    recipe("map_estimate with levels", lf.map_estimate, flow=flow, A=a, y=y, noise_std=levels)
    recipe("posterior with levels", lf.posterior, flow=flow, A=a, y=y, noise_std=levels)
    recipe("truncated_least_squares", lf.truncated_least_squares, weight=2, flow=flow, A=a, y=y, rank=RANK)
    start = of("array", VALUES, optional=True)
    recipe("gradient_flow", lf.gradient_flow, weight=2, flow=flow, A=a, y=y, time=of("time", 0.5), start=start)
    recipe("Posterior", lf.Posterior, mean=of("array", VALUES), factor=of("array", np.eye(4)[:, :3]))
    law = lf.Posterior(mean=VALUES, factor=np.eye(4)[:, :3])
    recipe("Posterior.sample", law.sample, size=of("shape", (2,)), rng=RNG)
    positive = of("number", 0.5)
    steps, rounds = of("whole", 2000), of("whole", 2)
    recipe("lasso", lf.lasso, weight=0.2, A=a, y=y, penalty=positive, tolerance=of("number", 0.125), steps=steps)
    recipe("basis_pursuit", lf.basis_pursuit, weight=0.1, A=a, y=y, rounds=rounds)
    signals = of("array", np.array([[0.0, 5.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]))
    recipe("recovery", lf.recovery, weight=0.1, A=a, x_0=signals, rounds=rounds)
    signal = of("array", np.array([0.0, 5.0, 0.0, 0.0]))
    recipe("pursuit.certificate_margin", pursuit.certificate_margin, weight=0.1, A=a, x_0=signal)


def measurements() -> None:
    """Ensembles."""
    m, n = of("count", 2), of("whole", 4)
    for name in ("rademacher", "subsampled_dct", "subsampled_hadamard", "random_rows"):
        recipe(f"measurement.{name}", getattr(measurement, name), m=m, n=n, rng=RNG)
    recipe("measurement.gaussian", measurement.gaussian, m=m, n=n, rng=RNG, field=FIELD)
    recipe("measurement.sparse_sign", measurement.sparse_sign, m=m, n=n, rng=RNG, density=of("number", 0.5))
    recipe("measurement.row_sampling", measurement.row_sampling, indices=of("indices", np.array([2, 0])), n=n)
    recipe("measurement.identity", measurement.identity, n=n)
    recipe("measurement.as_dense", measurement.as_dense, A=of("measurement", A))
    recipe("measurement.as_operator", measurement.as_operator, A=of("measurement", A))
    recipe("measurement.ensembles", measurement.ensembles, weight=0.1)
    recipe("measurement.apply", measurement.apply, weight=2, A=of("measurement", A), x=of("complex_matrix", X))


def risks() -> None:
    """Functions of a spectrum."""
    noise = of("number", 0.5)
    for name in ("theorem_lower", "theorem_upper", "best_upper", "error_range"):
        recipe(f"risk.{name}", getattr(risk, name), spectrum=S, m=M)
    recipe("risk.best_rank", risk.best_rank, spectrum=S, m=M, field=FIELD)
    for name in ("complex_upper", "spectral_upper"):
        recipe(f"risk.{name}", getattr(risk, name), spectrum=S, m=M, rank=of("whole", 1, optional=True))
    recipe("risk.truncated", risk.truncated, spectrum=S, m=M, rank=RANK, noise_std=noise)
    t, norm, form = of("number", 2.0), of("option", "spectral"), of("option", "preprint")
    forms: dict[str, Any] = {"t": t, "u": t, "norm": norm, "form": form}
    wide = of("object", lf.Spectrum.power_law(8))
    recipe("risk.tail_upper", risk.tail_upper, spectrum=wide, m=of("counts", np.array([6, 7])), rank=RANK, **forms)
    recipe("risk.tail_probability", risk.tail_probability, p=of("counts", np.array([4, 5])), **forms)
    rank = of("whole", 1, optional=True)
    recipe("risk.denoising", risk.denoising, spectrum=S, noise_std=noise, rank=rank, penalty=noise)
    recipe("risk.exact", risk.exact, spectrum=S, m=M, field=FIELD)
    recipe("risk.has_exact", risk.has_exact, spectrum=S, m=ONE, field=FIELD)
    recipe("risk.enclosure", risk.enclosure, spectrum=S, m=ONE, field=FIELD)
    recipe("risk.Enclosure", risk.Enclosure, low=of("time", 0.5), high=of("time", 1.5))
    variances = of("array", VALUES, optional=True)
    settings: dict[str, Any] = {"noise_std": noise, "penalty": noise, "signal_variances": variances}
    recipe("risk.equivalent", risk.equivalent, weight=2, spectrum=S, m=M, **settings)
    recipe("risk.kappa", risk.kappa, spectrum=S, m=M, penalty=noise)
    level = of("number", 0.5, optional=True)
    recipe("risk.interlacing", risk.interlacing, spectrum=S, m=M, field=FIELD, noise_std=level)
    recipe("risk.interlacing with a penalty", risk.interlacing, spectrum=S, m=M, penalty=level)
    recipe("risk.per_dimension", risk.per_dimension, spectrum=S, order=of("mean", np.array([0.5, 2.0])))
    for name in ("log_det_range", "resolvent_range"):
        recipe(f"risk.{name}", getattr(risk, name), spectrum=S, m=M, penalty=noise, field=FIELD)
    square = of("complex_matrix", SQUARE)
    recipe("risk.error_curve", risk.error_curve, weight=2, spectrum=of("array", VALUES), A=square)
    draws: dict[str, Any] = {"trials": of("whole", 2), "seed": SEED, "field": FIELD}
    recipe("risk.simulate", risk.simulate, weight=0.5, spectrum=S, m_max=of("count", 3, optional=True), **draws)
    recipe("risk.simulate on a device", risk.simulate, weight=0.5, spectrum=S, device=of("label", "cpu"), **draws)
    ensemble = of("callable", measurement.gaussian, optional=True)
    recipe("risk.simulate an ensemble", risk.simulate, weight=0.5, spectrum=S, ensemble=ensemble, **draws)


def statements() -> None:
    """Claims and verdicts."""
    value, domain = of("callable", lambda spectrum, m: spectrum.energy), of("callable", lambda spectrum, m: m >= 0)
    tried = (lf.Case(SPECTRUM, (1, 2)),)
    described: dict[str, Any] = {
        "name": of("label", "mine"),
        "kind": of("option", "upper"),
        "value": value,
        "holds_for": domain,
    }
    more: dict[str, Any] = {
        "status": of("option", "user"),
        "every_draw": of("flag", False),
        "tolerance": of("number", 0.25),
    }
    cases = of("cases", tried)
    recipe("Claim", lf.Claim, **described, **more, cases=cases, quantity=of("object", ExpectedError()), statement=str)
    claim = lf.Claim(name="mine", statement="", kind="upper", value=lambda spectrum, m: 0.5 * spectrum.energy)
    recipe("Claim.value_at", claim.value_at, spectrum=S, m=lambda: 2)
    recipe("Case", lf.Case, spectrum=S, m=of("cases", np.array([1, 2])))
    decided: dict[str, Any] = {
        "alpha": of("number", 0.125),
        "seed": SEED,
        "cases": of("cases", tried, optional=True),
        "max_draws": of("whole", 64),
    }
    one: dict[str, Any] = {"workers": lambda: 1}
    recipe("verify", lf.verify, weight=0.05, claim=of("object", claim), **decided, **one)
    recipe("verify_all", lf.verify_all, weight=0.05, claims=of("cases", (claim,)), **decided, **one)
    hunted: dict[str, Any] = {"seed": SEED, "max_n": of("whole", 3), "alpha": of("number", 0.125), "rounds": lambda: 1}
    recipe("hunt", lf.hunt, weight=0.005, repeatable=False, claim=of("object", claim), **hunted, **one)
    recipe("catalogue", lf.catalogue, weight=0.01)
    recipe("claims.case_for", claims.case_for, spectrum=S)
    recipe("claims.default_cases", claims.default_cases, weight=0.02, quick=of("flag", True))
    recipe("claims.claims_from_file", claims.claims_from_file, path=of("path", "a-file"))
    recipe("claims.installed_claims", claims.installed_claims, weight=0.05)
    recipe("claims.ConfidenceSequence", claims.ConfidenceSequence, alpha=of("number", 0.25))
    sequence = claims.ConfidenceSequence(0.25)
    sequence.add([0.25, 0.5])
    recipe("claims.ConfidenceSequence.above", sequence.above, q=of("time", 0.25))
    recipe("claims.ConfidenceSequence.below", sequence.below, q=of("time", 0.25))
    recipe("claims.ConfidenceSequence.add", _added, draws=of("array", np.array([0.5, 0.25])))
    recipe("claims.ExpectedError", claims.ExpectedError, field=FIELD)
    recipe("claims.MLERisk", claims.MLERisk, ensemble=of("callable", measurement.rademacher))


def _added(draws: Any) -> tuple[float, float]:
    sequence = claims.ConfidenceSequence(0.25)
    sequence.add(draws)
    return sequence.interval()


def assertions() -> None:
    """What tests of one's own are made of."""
    from linflow import testing

    problem = testing.Problem.random(SPECTRUM, 2)
    bound: dict[str, Any] = {"spectrum": S, "m": ONE, "kind": of("option", "upper", optional=True), "seed": SEED}
    levels: dict[str, Any] = {"alpha": of("number", 0.125), "max_draws": of("whole", 64), "undecided": of("option", "pass")}
    given = of("bound", 30.0)
    recipe("testing.assert_bound", testing.assert_bound, weight=0.2, value=given, **bound, **levels)
    recipe("testing.assert_every_draw", testing.assert_every_draw, value=given, **bound, weight=0.2, draws=of("whole", 4))
    held: dict[str, Any] = {"estimator": of("callable", lf.mle), "problem": of("object", problem)}
    rtol = of("number", 0.125, optional=True)
    recipe("testing.assert_consistent", testing.assert_consistent, **held, rtol=rtol)
    recipe("testing.assert_optimal", testing.assert_optimal, **held, rtol=rtol)
    seen = experiments.Problem(y=Y, A=A, noise_std=0.5, shape=(4,))
    tried: dict[str, Any] = {"problem": of("object", seen), "tolerance": of("number", 0.125)}
    recipe("testing.assert_method", testing.assert_method, weight=0.2, method=of("callable", _method), **tried)
    laws = of("options", ("units", "batch"))
    recipe("testing.assert_equivariant", testing.assert_equivariant, weight=0.2, **held, laws=laws, seed=SEED, rtol=rtol)
    quantity = of("object", ExpectedError())
    small = of("cases", (lf.Case(lf.Spectrum.flat(2), (1,)),), optional=True)
    drawn: dict[str, Any] = {"cases": small, "draws": of("whole", 16), "alpha": of("number", 0.125), "seed": SEED}
    recipe("testing.assert_quantity", testing.assert_quantity, weight=0.02, quantity=quantity, **drawn)
    parts: dict[str, Any] = {
        "A": of("array", A),
        "x": of("array", X[:3]),
        "y": of("array", Y),
        "noise_std": of("number", 0.5),
    }
    recipe("testing.Problem", testing.Problem, flow=of("object", FLOW), **parts)
    sort: dict[str, Any] = {"ensemble": of("option", "gaussian"), "rotated": of("flag", True), "mean": of("flag", True)}
    made: dict[str, Any] = {"noise_std": of("number", 0.5), "batch": of("shape", (2,)), "seed": SEED}
    recipe("testing.Problem.random", testing.Problem.random, weight=0.3, spectrum=S, m=ONE, **sort, **made)
    kinds, n = of("options", ("spread", "step")), of("whole", 4)
    recipe("testing.spectra", testing.spectra, min_n=of("whole", 2), max_n=n, decades=of("number", 2.0), kinds=kinds)
    ensembles = of("options", ("rows", "gaussian"))
    recipe("testing.measurements", testing.measurements, n=n, m=of("count", 2, optional=True), ensembles=ensembles)
    recipe("testing.noise_levels", testing.noise_levels, smallest=of("number", 0.125), largest=of("number", 4.0))
    switches: dict[str, Any] = {"rotated": of("flag", True), "mean": of("flag", True)}
    more: dict[str, Any] = {
        "m": of("count", 2, optional=True),
        "noise_std": of("number", 0.5),
        "ensembles": ensembles,
        **switches,
    }
    recipe("testing.problems", testing.problems, weight=0.3, **more)


def data() -> None:
    """Images. (Photographs take a tenth of a second to read.)"""
    recipe("data.faces", lf.data.faces, weight=0.01, size=of("whole", 12))
    recipe("data.non_faces", lf.data.non_faces, weight=0.01, size=of("whole", 12))
    patches: dict[str, Any] = {"size": of("whole", 4), "count": of("whole", 8), "seed": SEED}
    recipe("data.natural_patches", lf.data.natural_patches, weight=0.005, **patches)
    recipe("data.digits", lf.data.digits, weight=0.005)
    folder: dict[str, Any] = {"folder": of("path", "a-file"), "size": of("whole", 4), "grey": of("flag", True)}
    more: dict[str, Any] = {"recursive": of("flag", False), "frames": of("flag", False)}
    ends = of("array", np.array([0.0, 255.0]), optional=True)
    recipe("data.image_folder", lf.data.image_folder, weight=0.1, **folder, **more, value_range=ends)
    word: dict[str, Any] = {"word": of("path", "a-file"), "size": of("whole", 4), "grey": of("flag", True)}
    recipe("experiments.folder_images", experiments.folder_images, weight=0.1, **word)
    recipe("data.load", lf.data.load, weight=0.1, source=of("array", X), column=of("whole", 1, optional=True))


def studies() -> None:
    """Experiments."""
    made: dict[str, Any] = {"cell": of("callable", _cell), "name": of("label", "mine"), "blocks": of("whole", 2)}
    variables: dict[str, Any] = {
        "grid": lambda: {"n": (1, 2)},
        "variables": lambda: {"v": experiments.Variable("v")},
        "title": str,
    }
    recipe("experiments.Experiment", experiments.Experiment, **made, **variables)
    experiment = experiments.Experiment(
        name="mine", title="", cell=_cell, grid={"n": (1, 2)}, variables={"v": experiments.Variable("v")}
    )
    recipe("experiments.Experiment.plan", experiment.plan, quick=of("flag", False), seed=SEED)
    blocks = xr.DataArray([1.0, 2.0, 4.0], dims="block")
    levels: dict[str, Any] = {"level": of("number", 0.5), "positive": of("flag", False)}
    recipe("experiments.estimate", experiments.estimate, weight=0.1, values=of("object", blocks), **levels)
    recipe("experiments.entries", experiments.entries, weight=0.1, values=of("object", blocks))
    own: dict[str, Any] = {"params": lambda: {"spectrum": "a"}, "own": lambda: lambda name: SPECTRUM}
    recipe("experiments.spectrum_for", experiments.spectrum_for, weight=0.1, **own)
    counts: dict[str, Any] = {"counts": lambda: (8, 16), "usual": lambda: 64, "spectra": of("cases", (SPECTRUM,))}
    recipe("experiments.scaled_counts", experiments.scaled_counts, weight=0.1, **counts)
    seen: dict[str, Any] = {
        "y": of("array", Y),
        "A": of("array", A),
        "noise_std": of("number", 0.5),
        "shape": of("shape", (4,)),
    }
    recipe("experiments.Problem", experiments.Problem, **seen, rng=RNG)
    problem = experiments.Problem(y=Y, A=A, noise_std=0.5, shape=(4,))
    recipe("experiments.Problem.images", problem.images, x=of("array", X))
    asked: dict[str, Any] = {"name": of("label", "mine"), "method": of("callable", _method)}
    recipe("experiments.answer", experiments.answer, **asked, problem=of("object", problem))
    recipe("experiments.own_answers", experiments.own_answers, params=lambda: {}, problem=of("object", problem))
    recipe("experiments.load", experiments.load, target=of("path", "a-file"))
    recipe("experiments.settings", experiments.settings, weight=0.1, dataset=of("object", _dataset()))


def _method(problem: experiments.Problem) -> Any:
    return problem.y @ problem.A


def _dataset() -> xr.Dataset:
    return xr.Dataset(attrs={"parameters": '{"settings": {"draws": 10}}'})


def _cell(params: dict[str, Any], rng: np.random.Generator) -> dict[str, float]:
    return {"v": 1.0}


def deep() -> None:
    """Flows of torch; only what takes and gives arrays."""
    from linflow import deep as d
    from linflow.testing import assert_flow

    @cache
    def flow() -> Any:
        return d.RealNVP(FLOW, steps=1, width=4)

    @cache
    def patches() -> Any:
        linear = lf.LinearFlow.from_spectrum(np.geomspace(1.0, 0.25, 4))
        return d.Glow(linear, (2, 2, 1), levels=1, steps=1, width=2, conditional=True)

    @cache
    def generator() -> Any:
        return d.Generator((4,), latent=2, width=4)

    def lazily(make: Callable[[], Any]) -> Argument:
        return Argument("object", make)

    a, y, noise = of("measurement", A), of("array", Y), of("number", 0.5)
    optional = of("number", 0.5, optional=True)
    options: dict[str, Any] = {"space": of("option", "latent"), "steps": of("whole", 2), "power": of("whole", 2)}
    for name in ("solve", "solution"):
        recipe(f"deep.{name}", getattr(d, name), weight=0.03, flow=lazily(flow), A=a, y=y, noise_std=noise, **options)
    recipe(
        "deep.solution with a penalty", d.solution, weight=0.03, flow=lazily(flow), A=a, y=y, penalty=optional, **options
    )
    recipe("deep.random_start", d.random_start, flow=lazily(flow), norm=noise, rng=RNG, count=of("whole", 2))
    null: dict[str, Any] = {"A": a, "x": of("array", X), "norm": noise, "rng": RNG}
    recipe("deep.null_space_start", d.null_space_start, weight=0.1, flow=lazily(flow), **null)
    images = of("array", np.full((3, 4, 4, 1), 0.5))
    stride = of("whole", 2)
    pixels: dict[str, Any] = {"images": images, "noise_std": noise, "stride": stride}
    recipe("deep.denoise_once", d.denoise_once, weight=0.03, flow=lazily(patches), **pixels)
    schedule = of("array", np.array([1.0, 0.5]))
    recipe("deep.denoise", d.denoise, weight=0.03, flow=lazily(patches), **pixels, schedule=schedule, bounds=lambda: None)
    seen = of("measurement", np.eye(16)[:3])
    split: dict[str, Any] = {
        "levels": of("array", np.array([0.5, 0.25])),
        "rounds": of("whole", 2),
        "relaxation": of("number", 1.5),
    }
    more: dict[str, Any] = {"shape": of("shape", (4, 4, 1)), "bounds": lambda: None, "noise_std": noise, "stride": stride}
    measured = of("array", np.array([[0.5, 0.25, 0.75]]))
    recipe("deep.split", d.split, weight=0.03, flow=lazily(patches), A=seen, y=measured, **split, **more)
    tries: dict[str, Any] = {"restarts": of("whole", 2), "steps": of("whole", 2), "rng": RNG, "noise_std": noise}
    recipe("deep.csgm", d.csgm, weight=0.03, made=lazily(generator), A=a, y=y, **tries)
    recipe("deep.flips", d.flips, images=images, rng=RNG)
    recipe("deep.crops", d.crops, size=of("whole", 2), mirror=of("flag", True))
    recipe("deep.jitter", d.jitter, angle=noise, shift=noise, zoom=noise, share=noise)
    network: dict[str, Any] = {
        "steps": of("whole", 1),
        "width": of("whole", 4),
        "seed": SEED,
        "conditional": of("flag", False),
    }
    linear, dropout = of("object", FLOW), of("number", 0.25)
    recipe("deep.RealNVP", d.RealNVP, weight=0.1, linear=linear, **network, dropout=dropout)
    recipe("deep.Glow", d.Glow, weight=0.1, linear=linear, shape=of("shape", (2, 2, 1)), levels=of("whole", 1), **network)
    recipe("deep.Generator", d.Generator, weight=0.1, shape=of("shape", (4,)), latent=of("whole", 2), width=of("whole", 4))
    training: dict[str, Any] = {
        "images": of("array", np.full((6, 4), 0.5) + X[:6] / 16),
        "steps": of("whole", 1),
        "seed": SEED,
    }
    once: dict[str, Any] = {"batch": of("whole", 2), "rate": of("number", 0.001953125)}
    fresh = lazily(flow.__wrapped__)  # it is trained in place
    recipe("deep.fit", d.fit, weight=0.01, repeatable=False, flow=fresh, **training, **once, held_out=of("number", 0.25))
    recipe("deep.fit_gan", d.fit_gan, weight=0.01, repeatable=False, **training, **once, latent=of("whole", 2))
    kind: dict[str, Any] = {"kind": of("option", "realnvp"), "width": of("whole", 4), "depth": of("whole", 1)}
    start: dict[str, Any] = {key: value for key, value in training.items() if key != "steps"}
    recipe("deep.untrained", d.untrained, weight=0.02, repeatable=False, **kind, **start)
    recipe("deep.load", d.load, path=of("path", "a-file"))
    recipe("deep.load_generator", d.load_generator, path=of("path", "a-file"))
    pair: dict[str, Any] = {"forward": lambda: lambda z: 2 * z, "inverse": lambda: lambda x: x / 2}
    offset, tolerance = of("array", np.array([0.5, 0.0, -1.0, 2.0])), of("number", 0.125, optional=True)
    more = {"n": of("whole", 4), "mean": offset, "linear": linear, "tolerance": tolerance}
    recipe("deep.wrap", d.wrap, weight=0.03, **pair, **more)
    recipe("deep.wrap of a shape", d.wrap, weight=0.03, **pair, shape=of("shape", (4,)))
    points = of("array", X[:2])
    recipe("testing.assert_flow", assert_flow, weight=0.03, flow=lazily(flow), points=points, tolerance=tolerance)
    recipe("deep.save", d.save, weight=0.1, model=lazily(flow), path=of("path", "a-file"))


#: Public names that are not called, and why.
NOT_CALLED = {
    **dict.fromkeys(
        ("bases", "claims", "data", "experiments", "learn", "measurement", "plotting", "risk", "deep", "testing"),
        "a module",
    ),
    **dict.fromkeys(
        (
            "ClaimError",
            "DataError",
            "InputError",
            "LinflowError",
            "NotConvergedError",
            "OutputError",
            "RankError",
            "ShapeError",
        ),
        "an error",
    ),
    **dict.fromkeys(("Hunt", "Reconstruction", "Verdict", "data.Loaded"), "made by linflow alone"),
    "LinearFlowEstimator": "refuses in scikit-learn's words, as the checks of scikit-learn ask",
    **{f"claims.{name}": "made by linflow alone" for name in ("Outcome", "Report", "Tightest")},
    **{f"claims.{name}": "what a quantity returns: claims.contract checks it" for name in ("Draws", "Plain")},
    "claims.Quantity": "abstract",
    **{
        f"testing.{name}": "a table of names, or a type"
        for name in ("ENSEMBLES", "KINDS", "LAWS", "Bound", "Estimator", "seeds")
    },
    **{f"testing.{name}": "made of strategies, which draw what Problem.random takes" for name in ("cases", "flows")},
    **{f"experiments.{name}": "a number or a table" for name in ("COMPUTED", "FAILED", "SKIPPED", "OKABE_ITO", "METHODS")},
    **{
        f"experiments.{name}": "starts processes"
        for name in ("DaskEngine", "LokyEngine", "SerialEngine", "Engine", "Lost", "run")
    },
    **{f"experiments.{name}": "made by linflow, or plain text" for name in ("Study", "Plan", "Variable")},
    "experiments.Method": "a type",
    "experiments.experiment_files": "takes nothing, reads a folder",
    **{f"bases.{name}": "abstract, or made by linflow alone" for name in ("Basis", "Ordered", "from_description")},
    **{f"bases.{name}": "of objects with products" for name in ("as_basis", "is_fast", "require_dense")},
    "measurement.from_physics": "takes an object of torch",
    "pursuit.Recovery": "made by linflow alone",
    **{f"deep.{name}": "made by linflow alone" for name in ("Fitted", "Flow", "Solution")},
    "deep.trained": "untrained and fit, from a cache on disk",
    "deep.cache_folder": "takes nothing",
    "deep.register": "takes a class",
    "experiments.Outside": "made by linflow of a name, and read from the disk",
}


def fill() -> dict[str, Recipe]:
    """Every recipe, made once."""
    if not RECIPES:
        for room in (linear, predictions, estimators, measurements, risks, statements, assertions, data, studies, deep):
            room()
        for name, known in list(RECIPES.items()):
            if known.arguments.get("spectrum") is S:
                values = {"spectrum": of("array", VALUES)}
                RECIPES[f"{name} of values"] = replace(known, arguments=known.arguments | values, weight=known.weight / 2)
    return RECIPES


def public_names() -> set[str]:
    """Names of everything that is exported: those of linflow itself without a prefix."""
    from linflow import deep as d
    from linflow import testing

    rooms: list[ModuleType] = [bases, claims, lf.data, d, experiments, measurement, pursuit, risk, testing]
    names = set(lf.__all__) | {"deep", "testing"}
    for room in rooms:
        own = [
            name for name, part in vars(room).items() if getattr(part, "__module__", "") == room.__name__ and callable(part)
        ]
        listed = getattr(room, "__all__", [name for name in own if not name.startswith("_")])
        prefix = room.__name__.removeprefix("linflow.")
        names |= {name if name in lf.__all__ or name in names else f"{prefix}.{name}" for name in listed}
    return names
