"""The solver of inverse problems: against SciPy, against the closed forms of linear flows, and against its own batch."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import linflow as lf
from linflow.deep.flow import Flow, RealNVP
from linflow.deep.lbfgs import Minimised, minimise
from linflow.deep.solve import null_space_start, posterior_root, random_start, solution, solve

BATCHES = (1, 4, 6, 12)
#: One of each objective.
PROBLEMS: list[dict[str, Any]] = [
    {"space": "posterior"},
    {"space": "posterior", "noise_std": 0.1},
    {"space": "signal", "noise_std": 0.1},
    {"space": "latent", "start": "zero"},
    {"space": "latent", "start": "linear", "noise_std": 0.1, "power": 1},
]


@cache
def linear() -> lf.LinearFlow:
    return lf.LinearFlow.fit(lf.data.digits()[300:])


def fresh() -> Flow:
    """A flow that is linear."""
    return RealNVP(linear(), steps=4, width=16, dropout=0.0).eval()


def crooked(strength: float = 0.3, dtype: Any = torch.float64) -> Flow:
    """A flow that is not linear, without training: its couplings get random last layers."""
    flow = RealNVP(linear(), steps=4, width=16, dropout=0.1)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        for parameter in flow.body.parameters():
            parameter.add_(strength * torch.randn_like(parameter) / np.sqrt(parameter.shape[-1]))
    return flow.to(dtype)


@cache
def measured(m: int, count: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A, images and measurements."""
    A = lf.measurement.gaussian(m, 64, np.random.default_rng(m))
    x = lf.data.digits()[:count]
    return A, x, x @ A.T


def rosenbrock(points: Any, rows: Any) -> Any:
    return (100 * (points[:, 1:] - points[:, :-1] ** 2) ** 2 + (1 - points[:, :-1]) ** 2).sum(1) * (1.0 + rows)


# ---------------------------------------------------------------------------------------------------- the minimiser


def test_minimise_finds_the_minimum_of_rosenbrock_and_scipy_agrees() -> None:
    from scipy.optimize import minimize, rosen, rosen_der

    starts = np.random.default_rng(0).uniform(-2, 2, (8, 5))
    found = minimise(rosenbrock, torch.from_numpy(starts), steps=500)
    assert bool(found.converged.all())
    for start, end in zip(starts, found.points.numpy(), strict=True):
        ours = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options={"maxiter": 500, "gtol": 1e-9, "ftol": 0})
        # Rosenbrock's function has a second minimum in five dimensions: both methods end in one of the two.
        assert rosen_der(end) == pytest.approx(np.zeros(5), abs=1e-4)
        assert min(np.abs(end - 1).max(), np.abs(end - ours.x).max(), abs(rosen(end) - 3.9308)) < 1e-3


def test_every_step_satisfies_the_strong_wolfe_conditions_and_the_value_falls() -> None:
    start = torch.from_numpy(np.random.default_rng(1).uniform(-2, 2, (6, 4)))

    def at(steps: int) -> Minimised:
        return minimise(rosenbrock, start, steps=steps)

    values = torch.stack([rosenbrock(start, torch.arange(6)), *(at(k).values for k in range(1, 25))])
    assert bool((values[1:] <= values[:-1]).all())
    for k in range(0, 24, 5):
        before, after = (start if k == 0 else at(k).points), at(k + 1).points
        slopes = []
        for points in (before, after):
            variable = points.clone().requires_grad_(True)
            slopes.append(torch.autograd.grad(rosenbrock(variable, torch.arange(6)).sum(), variable)[0])
        moved = at(k + 1).steps > (0 if k == 0 else at(k).steps)
        promised, left = ((slope * (after - before)).sum(1)[moved] for slope in slopes)
        assert bool((promised < 0).all())
        assert bool((values[k + 1] <= values[k])[moved].all())
        assert bool((left.abs() <= -0.9 * promised * (1 + 1e-12)).all())


@pytest.mark.parametrize("steps", [1, 7, 60])
def test_rows_have_the_bits_that_they_have_alone(steps: int) -> None:
    starts = torch.from_numpy(np.random.default_rng(2).uniform(-2, 2, (12, 6)))
    together = minimise(rosenbrock, starts, steps=steps)
    for i in range(12):

        def own(points: Any, rows: Any, i: int = i) -> Any:
            return rosenbrock(points, rows + i)

        alone = minimise(own, starts[i : i + 1], steps=steps)
        assert torch.equal(alone.points[0], together.points[i])
        assert torch.equal(alone.values[0], together.values[i])


def test_infinite_values_are_walked_round_and_infinite_starts_stay() -> None:
    def walled(points: Any, rows: Any) -> Any:
        inside = points[:, 0] < 1.5
        return torch.where(inside, (points[:, 0] - 1).square() - (1.5 - points[:, 0]).clamp_min(1e-30).log(), torch.inf)

    found = minimise(walled, torch.tensor([[-50.0], [2.0]], dtype=torch.float64))
    assert bool(torch.isfinite(found.points).all())
    # (x - 1)^2 - log(1.5 - x): 2 (x - 1) + 1 / (1.5 - x) = 0.
    assert float(found.points[0, 0]) == pytest.approx((2.5 - np.sqrt(2.25)) / 2, abs=1e-6) or found.values[0] < 0.3
    assert found.converged.tolist()[1] is False
    assert float(found.points[1, 0]) == 2.0


def test_a_start_at_the_minimum_stays_there() -> None:
    found = minimise(lambda x, rows: x.square().sum(1), torch.zeros(2, 3, dtype=torch.float64))
    assert found.steps.tolist() == [0, 0]
    assert found.converged.tolist() == [True, True]


# ------------------------------------------------------------------------------------------ linear flows: closed forms


@pytest.mark.parametrize("m", [1, 16, 48, 64])
def test_the_linear_flow_gives_the_closed_forms(m: int) -> None:
    A, _, y = measured(m)
    flow = fresh()
    room = 1e-5  # the network is kept in float32
    np.testing.assert_allclose(solve(flow, A, y), lf.mle(linear(), A, y), atol=room)
    for space in ("posterior", "signal", "latent"):
        start: dict[str, Any] = {"start": "zero"} if space != "posterior" else {}
        found = solution(flow, A, y, noise_std=0.5, space=space, steps=300, **start)
        np.testing.assert_allclose(found.x, lf.map_estimate(linear(), A, y, noise_std=0.5), atol=2e-3)
    # The body of a fresh flow is a permutation of the latent.
    np.testing.assert_allclose(np.sort(found.z), np.sort(linear().inverse(found.x)), atol=1e-3)


def test_the_posterior_root_is_the_posteriors() -> None:
    A, _, y = measured(16)
    for noise_std in (0.0, 0.3):
        R = posterior_root(linear(), A, noise_std**2)
        np.testing.assert_allclose(R @ R.T, lf.posterior(linear(), A, y, noise_std=noise_std).covariance, atol=1e-12)


def test_t9_a_start_of_size_tau_costs_1_plus_tau_squared() -> None:
    """From any start, latent descent ends where gradient flow does, start by start; so its mean error is T9's."""
    m, tau = 24, 1.5
    A, _, _ = measured(m)
    rng = np.random.default_rng(3)
    z, z_0 = rng.standard_normal((2, 400, 64))
    x = linear().forward(z)
    flow = fresh().to(torch.float64)
    found = solve(flow, A, x @ A.T, space="latent", start=tau * z_0, steps=400)
    with torch.no_grad():
        same_start = linear().inverse(flow.forward(tau * z_0).numpy())
    expected = lf.gradient_flow(linear(), A, x @ A.T, time=np.inf, start=same_start)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    eigenbasis = linear().basis
    assert eigenbasis is not None
    exact = lf.risk.error_curve(linear().spectrum, A @ eigenbasis)[m]
    errors = np.sum((found - x) ** 2, axis=1)
    half = 5 * errors.std(ddof=1) / np.sqrt(len(errors))
    assert abs(errors.mean() - (1 + tau**2) * exact) < half
    # Twin: a start that costs nothing.
    assert abs(errors.mean() - exact) > half


# ------------------------------------------------------------------------------------------------- flows that are bent


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: "-".join(map(str, p.values())))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
def test_results_do_not_depend_on_the_batch(problem: dict[str, Any], dtype: Any) -> None:
    A, _, y = measured(16)
    flow = crooked(dtype=dtype)
    whole = solution(flow, A, y, steps=15, **problem)
    for size in BATCHES:
        parts = [solution(flow, A, y[i : i + size], steps=15, **problem) for i in range(0, 12, size)]
        for name in ("x", "z", "objective", "steps"):
            assert np.array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name)), (size, name)


def test_posterior_space_explains_the_measurements_and_lowers_the_posterior() -> None:
    A, _, y = measured(16)
    flow = crooked().eval()
    found = solution(flow, A, y)
    np.testing.assert_allclose(found.x @ A.T, y, atol=1e-11)
    start = lf.mle(linear(), A, y)
    with torch.no_grad():
        gain = (flow.log_prob(found.x) - flow.log_prob(start)).numpy()
    assert gain.min() > 0.1


def test_the_three_spaces_agree_where_they_have_the_same_minimum() -> None:
    """Signal and posterior space are one objective; from one basin they end in one place, and SciPy too."""
    from scipy.optimize import minimize

    A, _, y = measured(40, 3)
    flow, noise_std = crooked(0.1).eval(), 0.3
    signal = solution(flow, A, y, noise_std=noise_std, space="signal", steps=500)
    posterior = solution(flow, A, y, noise_std=noise_std, space="posterior", steps=500)
    np.testing.assert_allclose(signal.x, posterior.x, atol=1e-4)

    def objective(x: np.ndarray, values: np.ndarray) -> tuple[float, np.ndarray]:
        variable = torch.from_numpy(x[None]).requires_grad_(True)
        value = (variable @ torch.from_numpy(A.T) - torch.from_numpy(values)).square().sum() / (2 * noise_std**2)
        value = value - flow.log_prob(variable).sum()
        return float(value.detach()), torch.autograd.grad(value, variable)[0].numpy()[0]

    G, mean = linear().matrix, linear().mean
    for x, values in zip(posterior.x, y, strict=True):

        def white(h: np.ndarray, values: np.ndarray = values) -> tuple[float, np.ndarray]:
            value, slope = objective(mean + G @ h, values)
            return value, G.T @ slope

        first = linear().inverse(lf.map_estimate(linear(), A, values, noise_std=noise_std))
        options = {"maxiter": 2000, "maxfun": 4000, "ftol": 1e-15, "gtol": 1e-9}
        ref = minimize(white, first, jac=True, method="L-BFGS-B", options=options)
        np.testing.assert_allclose(x, mean + G @ ref.x, atol=1e-3)


def test_no_nan_in_a_thousand_solves_from_far_starts() -> None:
    """1008 solves: norms 0 to 120, a flow bent hard, single precision, with and without a penalty."""
    A, _, y = measured(24)
    flow, rng, solves = crooked(1.0, torch.float32), np.random.default_rng(0), 0
    penalties: list[dict[str, Any]] = [{}, {"noise_std": 0.1}]
    for norm in (0, 20, 40, 60, 80, 100, 120):
        for size in BATCHES:
            for options in penalties:
                for i in range(0, 36 if size == 12 else 12, size):
                    values = y[i % 12 : i % 12 + size]
                    start = random_start(flow, norm, rng, size)
                    found = solution(flow, A, values, space="latent", start=start, steps=2, **options)
                    solves += size
                    assert np.isfinite(found.x).all()
                    assert np.isfinite(found.objective).all()
                    with torch.no_grad():
                        first = flow.eval().forward(start).numpy() @ A.T - values
                    gamma = options.get("noise_std", 0.0) ** 2
                    before = np.sum(first**2, axis=1) + gamma * np.sum(start**2, axis=1)
                    # Rounding in single precision of the same number, computed in a batch of another size.
                    assert np.all(found.objective <= before * (1 + 1e-4))
    assert solves >= 1000


def test_a_start_in_the_null_space_stays_without_a_penalty_and_moves_with_one() -> None:
    """Any flow: x + v with A v = 0 explains y exactly, so descent stops at once and the error is |v|^2."""
    A, x, y = measured(40)
    flow = crooked().eval()
    start = null_space_start(flow, A, x, 2.0, np.random.default_rng(0))
    stuck = solve(flow, A, y, space="latent", start=start)
    assert np.linalg.norm(stuck - x, axis=1) == pytest.approx(np.full(12, 2.0), rel=1e-6)
    moved = solve(flow, A, y, space="latent", start=start, penalty=0.1)
    assert np.mean(np.linalg.norm(moved - x, axis=1)) < 1.5


def test_the_flow_is_left_as_it_was() -> None:
    A, _, y = measured(16)
    flow = crooked().train()
    before = {name: value.clone() for name, value in flow.state_dict().items()}
    first = solve(flow, A, y, steps=3)
    assert flow.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in flow.body.parameters())
    assert all(torch.equal(before[name], value) for name, value in flow.state_dict().items())
    # Dropout is off while solving: the same again.
    assert np.array_equal(first, solve(flow, A, y, steps=3))


def test_batches_have_any_shape() -> None:
    A, _, y = measured(16)
    flow = crooked()
    whole = solution(flow, A, y.reshape(3, 2, 2, 16), steps=3)
    assert whole.x.shape == whole.z.shape == (3, 2, 2, 64)
    assert whole.objective.shape == whole.steps.shape == whole.converged.shape == (3, 2, 2)
    assert np.array_equal(whole.x.reshape(12, 64), solve(flow, A, y, steps=3))
    assert np.array_equal(solve(flow, A, y[0], steps=3), solve(flow, A, y, steps=3)[0])
    assert solve(flow, A, y[:0]).shape == (0, 64)


def test_bad_input_is_one_sentence() -> None:
    A, _, y = measured(16)
    flow = fresh()
    cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (lf.InputError, "one of", {"space": "image"}),
        (lf.InputError, "power", {"power": 3}),
        (lf.InputError, "noise_std", {"noise_std": -1.0}),
        (lf.InputError, "penalty", {"penalty": np.nan}),
        (lf.InputError, "starts at the linear estimate", {"start": "zero"}),
        (lf.InputError, "start must be one of", {"start": "one", "space": "latent"}),
        (lf.ShapeError, "start must", {"start": np.zeros(63), "space": "latent"}),
        (lf.ShapeError, "start must", {"start": np.zeros((5, 64)), "space": "latent"}),
        (lf.InputError, "steps", {"steps": 0}),
    ]
    for error, words, options in cases:
        with pytest.raises(error, match=words):
            solve(flow, A, y, **options)
    with pytest.raises(lf.ShapeError, match="64 columns"):
        solve(flow, A[:, :63], y)
    with pytest.raises(lf.ShapeError, match="y must"):
        solve(flow, A, y[:, :15])
    with pytest.raises(lf.InputError, match="finite"):
        solve(flow, A, y * np.nan)
    with pytest.raises(lf.InputError, match="conditional"):
        solve(RealNVP(linear(), steps=1, width=4, conditional=True), A, y)
    with pytest.raises(lf.InputError, match="null space"):
        null_space_start(flow, np.eye(64), y @ A, 1.0, np.random.default_rng(0))
