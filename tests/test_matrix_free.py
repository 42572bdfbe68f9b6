"""Estimates by products alone: within their certificates of the dense ones, and never unconverged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import linflow as lf
from linflow import bases
from linflow import measurement as ms
from linflow.errors import InputError, LinflowError, NotConvergedError, ShapeError
from linflow.estimators import matrix_free
from linflow.estimators.latent import LatentSystem
from linflow.estimators.noise import Noise, noise_of

Array = NDArray[Any]
few = settings(max_examples=20, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)
#: Chance that a correct program fails one statistical check of this file.
ALPHA = 1e-9


def a_flow(n: int, rng: np.random.Generator, kind: str = "rotated") -> lf.LinearFlow:
    mean, spectrum = rng.standard_normal(n), lf.Spectrum.power_law(n, 0.7)
    if kind == "fast":
        return lf.LinearFlow.from_variances(rng.permutation(spectrum.variances), mean=mean, basis=bases.dct((n,)))
    return lf.LinearFlow.from_spectrum(spectrum, rng=rng if kind == "rotated" else None, mean=mean)


def noise(form: str, m: int, rng: np.random.Generator) -> Any:
    if form == "level":
        return 0.2
    if form == "levels":
        return rng.uniform(0.05, 1.0, m)
    if form == "some exact":
        return np.where(np.arange(m) % 3 == 0, 0.0, rng.uniform(0.05, 1.0, m))
    root = rng.standard_normal((m, m + 3))
    return 0.05 * root @ root.T


def distance(flow: lf.LinearFlow, x: Array, x_ref: Array) -> float:
    """Of latents, relative to the reference's, the largest of a batch."""
    z, z_ref = flow.inverse(x), flow.inverse(x_ref)
    return float((np.linalg.norm(z - z_ref, axis=-1) / np.maximum(np.linalg.norm(z_ref, axis=-1), 1e-300)).max())


ENSEMBLES = [name for name in ms.ensembles() if name != "subsampled hadamard"]


@few
@given(
    st.sampled_from(["rotated", "diagonal", "fast"]),
    st.sampled_from(ENSEMBLES),
    st.sampled_from(["level", "levels", "covariance", "some exact"]),
    st.integers(2, 40),
    st.floats(0.1, 1.6),
    seeds,
)
def test_noisy_estimates_are_within_their_bound_of_the_dense_ones(
    kind: str, ensemble: str, form: str, n: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    flow, wide = a_flow(n, rng, kind), ensemble in ("random rows", "subsampled dct")
    m = min(max(1, int(share * n)), n if wide else 2 * n)
    A = ms.ensembles()[ensemble](m, n, rng)
    noise_std, y = noise(form, m, rng), ms.apply(A, flow.sample(2, rng))
    y = y + 0.1 * rng.standard_normal(y.shape)
    if form == "some exact":  # exact rows that depend on each other have no estimate
        dense = ms.as_dense(A)[noise_std == 0]
        s = np.linalg.svd(np.concatenate([dense.real, dense.imag]) if np.iscomplexobj(dense) else dense, compute_uv=False)
        if 2 * len(dense) > n or (s.size and s[-1] < 1e-3 * s[0]):
            return
    expected = lf.map_estimate(flow, ms.as_dense(A), y, noise_std=noise_std)
    for tolerance in (1e-3, 1e-9):
        found = lf.reconstruct(flow, A, y, noise_std=noise_std, tolerance=tolerance)
        if form == "some exact":
            assert found.error is None
            assert found.residual.max() <= tolerance
            assert distance(flow, found.x, expected) <= 1e4 * tolerance
        else:
            assert found.error is not None
            assert found.error.max() <= tolerance
            # The certificate bounds the true error; rounding of the dense road is far below.
            assert distance(flow, found.x, expected) <= found.error.max() + 1e-11
        np.testing.assert_array_equal(lf.map_estimate(flow, A, y, noise_std=noise_std, tolerance=tolerance), found.x)


@few
@given(
    st.sampled_from(["rotated", "diagonal", "fast"]),
    st.sampled_from(ENSEMBLES),
    st.integers(2, 30),
    st.floats(0.1, 1.0),
    seeds,
)
def test_exact_estimates_are_those_of_nearby_measurements(
    kind: str, ensemble: str, n: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    flow, m = a_flow(n, rng, kind), max(1, int(share * n))
    A = ms.ensembles()[ensemble](m, n, rng)
    dense = ms.as_dense(A)
    S = np.concatenate([dense.real, dense.imag]) if np.iscomplexobj(dense) else dense
    x = flow.sample(2, rng)
    s = np.linalg.svd(S @ flow.matrix, compute_uv=False)
    s = s[s > 1e-10 * s[0]]
    if not s.size or s[-1] < 1e-4 * s[0]:  # sparse signs may all be zero
        return
    found = lf.reconstruct(flow, A, x @ dense.T, tolerance=1e-9)
    assert found.error is None
    assert found.residual.max() <= 1e-9
    np.testing.assert_allclose(found.x @ S.T, x @ S.T, atol=1e-6)
    # Of least norm: z has no part in what is not measured.
    _, values, Vt = np.linalg.svd(S @ flow.matrix)
    z = flow.inverse(found.x)
    rank = int(np.sum(values > 1e-10 * values[0]))
    np.testing.assert_allclose(z @ Vt[rank:].T, 0.0, atol=1e-6)
    if not np.iscomplexobj(dense) and len(s) == m:
        assert distance(flow, found.x, lf.mle(flow, dense, x @ dense.T)) <= 1e-9 * s[0] / s[-1] * 1e3
        np.testing.assert_array_equal(lf.mle(flow, A, x @ dense.T, tolerance=1e-9), found.x)


def test_penalties_are_not_shared_between_the_parts_of_complex_measurements() -> None:
    rng = np.random.default_rng(0)
    flow, A = a_flow(8, rng), ms.gaussian(5, 8, rng, field="complex")
    y = rng.standard_normal(5) + 1j * rng.standard_normal(5)
    expected = lf.penalised(flow, A, y, penalty=0.3)
    np.testing.assert_allclose(lf.penalised(flow, A, y, penalty=0.3, tolerance=1e-11), expected, atol=1e-9)
    assert np.abs(lf.map_estimate(flow, A, y, noise_std=0.3**0.5, tolerance=1e-11) - expected).max() > 1e-3


# ------------------------------------------------------------------------------------------------------ which road it is


def test_dense_matrices_take_the_dense_road(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    flow, A = a_flow(12, rng), rng.standard_normal((5, 12))
    y = A @ flow.mean + 1.0
    before = [lf.mle(flow, A, y), lf.map_estimate(flow, A, y, noise_std=0.3), lf.penalised(flow, A, y, penalty=0.3)]
    monkeypatch.setattr(matrix_free, "LARGE", 10)
    after = [lf.mle(flow, A, y), lf.map_estimate(flow, A, y, noise_std=0.3), lf.penalised(flow, A, y, penalty=0.3)]
    np.testing.assert_array_equal(before, after)
    operator = aslinearoperator(A)
    by_products = [
        lf.mle(flow, operator, y),
        lf.map_estimate(flow, operator, y, noise_std=0.3),
        lf.penalised(flow, operator, y, penalty=0.3),
    ]
    np.testing.assert_allclose(by_products, before, atol=1e-6)
    assert not np.array_equal(by_products, before)
    with pytest.raises(InputError, match="use map_estimate for its mean, posterior_std for its standard deviations"):
        lf.posterior(flow, operator, y, noise_std=0.3)


def test_a_large_identity_is_no_work() -> None:
    for rotated in (True, False):
        n = 400 if rotated else 4096
        flow = a_flow(n, np.random.default_rng(0), "rotated" if rotated else "diagonal")
        y = flow.sample((), np.random.default_rng(1))
        found = lf.reconstruct(flow, ms.identity(n), y)
        np.testing.assert_allclose(found.x, y, atol=1e-6)
        assert found.iterations <= 60
        noisy = lf.reconstruct(flow, ms.identity(n), y, noise_std=0.1)
        assert noisy.iterations <= 60
    assert np.abs(lf.mle(flow, ms.identity(n), y) - y).max() < 1e-6


def test_a_masked_fourier_transform_of_an_image() -> None:
    side, rng = 32, np.random.default_rng(0)
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    flow = lf.LinearFlow.from_variances(1 / (0.01 + k) ** 3, basis=bases.hartley((side, side)))
    kept = np.flatnonzero(rng.random(side * side) < 0.3)

    def forward(x: Array) -> Array:
        return np.asarray(np.fft.fft2(x.reshape(side, side), norm="ortho").ravel()[kept])

    def adjoint(y: Array) -> Array:
        full = np.zeros(side * side, dtype=complex)
        full[kept] = y.ravel()
        return np.asarray(np.fft.ifft2(full.reshape(side, side), norm="ortho").ravel())

    A = LinearOperator((len(kept), side * side), matvec=forward, rmatvec=adjoint, dtype=complex)
    x = flow.sample((), rng)
    found = lf.reconstruct(flow, A, forward(x))
    assert found.residual <= 1e-8
    np.testing.assert_allclose(forward(found.x), forward(x), atol=1e-5)
    # The flow's directions are those of the transform: what is measured is known, all else is the mean.
    hartley = bases.hartley((side, side))
    known = np.zeros(side * side, dtype=bool)
    known[kept] = True
    rows, columns = np.divmod(kept, side)
    known[(-rows % side) * side + (-columns % side)] = True
    seen = (x @ hartley) * known @ hartley.T
    np.testing.assert_allclose(found.x, seen, atol=1e-5)
    std, error = lf.posterior_std(flow, A, noise_std=0.0, probes=40, rng=0)
    exact = np.sqrt(np.sum(1 / (0.01 + k.ravel()[~known]) ** 3) / side**2)  # the same everywhere
    assert np.abs(std - exact).max() < 7 * error.max()


# ------------------------------------------------------------------------------------------------------- certificates


def test_nothing_unconverged_is_returned() -> None:
    rng = np.random.default_rng(0)
    flow, A = a_flow(30, rng), rng.standard_normal((20, 30))
    y = A @ flow.sample((), rng)
    calls: list[tuple[Callable[[], Any], str]] = [
        (lambda: lf.reconstruct(flow, A, y, iterations=3), "residual of 1.0e-08 in 3 steps"),
        (lambda: lf.reconstruct(flow, A, y, noise_std=0.01, iterations=3), "error bound of 1.0e-08 in 3 steps"),
        (lambda: lf.posterior_std(flow, A, noise_std=1e-9, rng=0, tolerance=1e-15), "error bound of 1.0e-15"),
    ]
    for call, words in calls:
        with pytest.raises(NotConvergedError, match=words) as caught:
            call()
        assert "\n" not in str(caught.value)
        assert isinstance(caught.value, LinflowError)


def test_measurements_that_contradict_each_other_have_no_estimate() -> None:
    rng = np.random.default_rng(0)
    flow, A = a_flow(9, rng), rng.standard_normal((4, 9))
    twice, y = np.vstack([A, A[1]]), np.append(A @ flow.mean + 1.0, 0.0)
    with pytest.raises(NotConvergedError, match="measurements may contradict each other"):
        lf.mle(flow, twice, y, tolerance=1e-8)
    y[4] = y[1]
    np.testing.assert_allclose(lf.mle(flow, twice, y, tolerance=1e-10), lf.mle(flow, A, y[:4]), atol=1e-7)
    zero = np.vstack([A, 0 * A[0]])
    with pytest.raises(LinflowError, match="row 4 of A G is zero"):
        lf.mle(flow, zero, y, tolerance=1e-8)
    y[4] = 0.0
    np.testing.assert_allclose(lf.mle(flow, zero, y, tolerance=1e-10), lf.mle(flow, A, y[:4]), atol=1e-7)


def test_the_residual_of_the_certificate_is_that_of_the_answer() -> None:
    """Recurrences drift away from what they stand for: an operator that rounds coarsely shows it."""
    rng = np.random.default_rng(1)
    flow, A = a_flow(12, rng, "diagonal"), rng.standard_normal((6, 12))
    y = A @ flow.mean + 1.0
    calls = [0]

    def drifting(x: Array) -> Array:
        calls[0] += 1
        return np.asarray((A @ x) * (1.0 + 1e-4 * math.sin(calls[0])))

    operator = LinearOperator(A.shape, matvec=drifting, rmatvec=lambda y: A.T @ y, dtype=np.float32)
    found = lf.reconstruct(flow, operator, y, tolerance=0.01)
    unit = np.sqrt(np.sum((A * flow.spectrum.singular_values) ** 2, axis=1))
    true = np.linalg.norm((y - A @ found.x) / unit) / np.linalg.norm((y - A @ flow.mean) / unit)
    assert 0.2 * true <= found.residual + 2e-4
    with pytest.raises(NotConvergedError):
        lf.reconstruct(flow, operator, y, tolerance=1e-7)


def test_the_certificate_is_made_afresh() -> None:
    """Twin: an adjoint that goes wrong after it was tried is not believed, because the claim is checked at the end."""
    rng = np.random.default_rng(0)
    flow, A = a_flow(12, rng, "diagonal"), rng.standard_normal((6, 12))
    calls = [0]

    def later_wrong(y: Array) -> Array:
        calls[0] += 1
        return np.asarray(A.T @ y * (1.0 if calls[0] < 8 else 1.5))

    operator = LinearOperator(A.shape, matvec=lambda x: A @ x, rmatvec=later_wrong, dtype=np.float64)
    with pytest.raises(NotConvergedError):
        lf.mle(flow, operator, A @ flow.mean + 1.0, tolerance=1e-8)


def test_single_precision_is_asked_for_what_it_can_give() -> None:
    rng = np.random.default_rng(0)
    flow = a_flow(12, rng)
    A = rng.standard_normal((6, 12)).astype(np.float32)
    operator = LinearOperator(
        A.shape, lambda x: A @ x.astype(np.float32), lambda y: A.T @ y.astype(np.float32), dtype=np.float32
    )
    y = A @ flow.mean + 1.0
    found = lf.reconstruct(flow, operator, y, noise_std=0.5)
    np.testing.assert_allclose(found.x, lf.map_estimate(flow, A, y, noise_std=0.5), atol=1e-3)
    with pytest.raises(NotConvergedError):
        lf.reconstruct(flow, operator, y, noise_std=0.5, tolerance=1e-13)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"tolerance": 0.0}, InputError, r"tolerance must be a number in \[1e-15, 1\), got 0.0"),
        ({"tolerance": 1.0}, InputError, "tolerance must be"),
        ({"tolerance": "small"}, InputError, "tolerance must be"),
        ({"iterations": 0}, InputError, "iterations must be a whole number >= 1"),
        ({"noise_std": -1.0}, InputError, "noise_std must be a finite number >= 0"),
        ({"noise_std": np.ones((2, 2))}, InputError, "a singular covariance of noise needs A as an array"),
        ({"y": np.ones(3)}, ShapeError, r"y must have shape \(\.\.\., 2\)"),
        ({"A": np.ones((2, 3))}, ShapeError, "one column for each of the n = 4"),
        ({"flow": None}, InputError, "flow must be a LinearFlow"),
    ],
)
def test_wrong_arguments_are_one_sentence(options: dict[str, Any], error: type[Exception], words: str) -> None:
    right: dict[str, Any] = {"flow": a_flow(4, np.random.default_rng(0)), "A": np.eye(4)[:2], "y": np.ones(2)}
    with pytest.raises(error, match=words) as caught:
        lf.reconstruct(**{**right, **options})
    assert "\n" not in str(caught.value)


def test_batches_of_any_shape() -> None:
    rng = np.random.default_rng(0)
    flow, A = a_flow(5, rng), rng.standard_normal((3, 5))
    y = rng.standard_normal((2, 3, 3))
    found = lf.reconstruct(flow, A, y, noise_std=0.2)
    assert found.x.shape == (2, 3, 5)
    assert found.residual.shape == (2, 3)
    np.testing.assert_allclose(found.x, lf.map_estimate(flow, A, y, noise_std=0.2), atol=1e-6)
    assert lf.mle(flow, A, np.zeros((0, 3)), tolerance=1e-8).shape == (0, 5)
    np.testing.assert_array_equal(lf.mle(flow, np.zeros((0, 5)), np.zeros(0), tolerance=1e-8), flow.mean)
    np.testing.assert_array_equal(lf.mle(flow, A, A @ flow.mean, tolerance=1e-8), flow.mean)


@few
@given(st.integers(2, 12), st.sampled_from([1e-12, 1e6, 2.0**300]), seeds)
def test_units_do_not_matter_to_products_either(n: int, factor: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flow, m = a_flow(n, rng), max(1, n // 2)
    A, y = rng.standard_normal((m, n)), rng.standard_normal((2, m))
    units = factor ** rng.uniform(-0.5, 0.5, m)
    seen = lf.mle(flow, A, y, tolerance=1e-10)
    np.testing.assert_allclose(lf.mle(flow, units[:, None] * A, units * y, tolerance=1e-10), seen, rtol=1e-5, atol=1e-5)
    rescaled = lf.LinearFlow(flow.spectrum.scaled(factor**0.5), mean=factor**0.5 * flow.mean, basis=flow.basis)
    found = lf.mle(rescaled, A, factor**0.5 * y, tolerance=1e-10) / factor**0.5
    np.testing.assert_allclose(found, seen, rtol=1e-5, atol=1e-5)
    noisy = lf.map_estimate(flow, factor * A, factor * y, noise_std=0.3 * factor, tolerance=1e-10)
    np.testing.assert_allclose(noisy, lf.map_estimate(flow, A, y, noise_std=0.3), rtol=1e-7, atol=1e-7)


# ------------------------------------------------------------------------------------------------- standard deviations


@pytest.mark.parametrize("form", ["level", "levels", "covariance", "exact", "complex"])
def test_standard_deviations_by_draws_have_the_law_that_is_stated(form: str) -> None:
    """``probes * std^2 / exact^2`` is chi-square with `probes` degrees in each coordinate (Bonferroni over them)."""
    rng, probes = np.random.default_rng(5), 500
    flow = a_flow(7, rng)
    A = ms.gaussian(4, 7, rng, field="complex" if form == "complex" else "real")
    noise_std: Any = 0.0 if form == "exact" else 0.4 if form in ("level", "complex") else noise(form, 4, rng)
    std, error = lf.posterior_std(flow, A, noise_std=noise_std, probes=probes, rng=np.random.default_rng(1))
    exact = lf.posterior(flow, A, A @ flow.mean, noise_std=noise_std).std
    np.testing.assert_allclose(error, std / math.sqrt(2 * probes))
    low, high = scipy.stats.chi2(probes).ppf([ALPHA / 14, 1 - ALPHA / 14])
    ratio = probes * std**2 / exact**2
    assert low < ratio.min() <= ratio.max() < high
    assert not low < (probes * flow.covariance.diagonal() / exact**2).max() < high  # twin: the prior's own
    np.testing.assert_array_equal(std, lf.posterior_std(flow, A, noise_std=noise_std, probes=probes, rng=1)[0])


def test_preconditioners_undo_what_they_are_for() -> None:
    rng = np.random.default_rng(0)
    flow = a_flow(16, rng)
    for noise_std in (0.0, 0.3):
        system = LatentSystem.of(flow, ms.as_operator(3.0 * np.eye(16)), Noise.white(noise_std, 16))
        q = rng.standard_normal((2, 16))
        made = system.seen(system.back(q)) + system.std**2 * q
        undone = system.preconditioner()
        assert undone is not None
        np.testing.assert_allclose(undone(made), q, atol=1e-9)
    system = LatentSystem.of(flow, ms.as_operator(rng.standard_normal((8, 16))), Noise.white(0.0, 8))
    assert system.preconditioner() is None
    # K and K^T are adjoint, in any units and with any noise.
    for noise_std in (0.2, noise("levels", 8, rng), noise("covariance", 8, rng)):
        A = ms.as_operator(ms.gaussian(8, 16, rng, field="complex"))
        system = LatentSystem.of(flow, A, noise_of(noise_std, 8, is_complex=True))
        w, q = rng.standard_normal((1, 16)), rng.standard_normal((1, 16))
        np.testing.assert_allclose(system.seen(w) @ q.T, w @ system.back(q).T, rtol=1e-10)
