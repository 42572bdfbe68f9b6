"""Complex measurements of real signals, and noise of every form, against the same problem written out in real numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import linflow as lf
from linflow import measurement as ms
from linflow.errors import InputError, RankError, ShapeError

Array = NDArray[Any]
few = settings(max_examples=15, deadline=None, derandomize=True)
seeds = st.integers(0, 10**6)


def a_flow(n: int, rng: np.random.Generator, *, rotated: bool = True) -> lf.LinearFlow:
    return lf.LinearFlow.from_spectrum(
        lf.Spectrum.power_law(n, 0.7), rng=rng if rotated else None, mean=rng.standard_normal(n)
    )


def parts(A: Array) -> Array:
    return np.concatenate([A.real, A.imag])


def parts_of(y: Array) -> Array:
    return np.concatenate([y.real, y.imag], axis=-1)


def conditioned(flow: lf.LinearFlow, A: Array, y: Array, C: Array) -> tuple[Array, Array]:
    """Posterior mean and covariance by the Gram matrix, for real A and noise of covariance C."""
    seen = A @ flow.covariance
    gain = np.linalg.solve(seen @ A.T + C, seen).T
    return flow.mean + (y - A @ flow.mean) @ gain.T, flow.covariance - gain @ seen


def fourier(n: int) -> Array:
    return np.fft.fft(np.eye(n)) / math.sqrt(n)


# ------------------------------------------------------------------------------------------------------------ complex


@few
@given(st.integers(1, 9), st.integers(1, 6), st.booleans(), seeds)
def test_complex_measurements_are_their_parts(n: int, m: int, rotated: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flow, A = a_flow(n, rng, rotated=rotated), ms.gaussian(m, n, rng, field="complex")
    y = rng.standard_normal((2, m)) + 1j * rng.standard_normal((2, m))
    S, r = parts(A), parts_of(y)
    mean, covariance = conditioned(flow, S, r, 0.5 * 0.3**2 * np.eye(2 * m))
    law = lf.posterior(flow, A, y, noise_std=0.3)
    np.testing.assert_allclose(lf.map_estimate(flow, A, y, noise_std=0.3), mean, atol=1e-9)
    np.testing.assert_allclose(law.mean, mean, atol=1e-9)
    np.testing.assert_allclose(law.covariance, covariance, atol=1e-9)
    # |.|^2 of a complex misfit is that of both parts: no factor for penalties and gradient flows.
    np.testing.assert_allclose(lf.penalised(flow, A, y, penalty=0.3), lf.penalised(flow, S, r, penalty=0.3), atol=1e-10)
    np.testing.assert_allclose(lf.gradient_flow(flow, A, y, time=0.2), lf.gradient_flow(flow, S, r, time=0.2), atol=1e-10)
    k = min(n, 2)
    np.testing.assert_allclose(
        lf.truncated_least_squares(flow, A, y, rank=k), lf.truncated_least_squares(flow, S, r, rank=k), atol=1e-8
    )
    if 2 * m <= n:
        np.testing.assert_allclose(lf.mle(flow, A, y), lf.mle(flow, S, r), atol=1e-8)
        assert lf.posterior(flow, A, y, noise_std=0.0).factor.shape == (n, n - 2 * m)


def exponentials(n: int) -> Array:
    """The same as people write it, with angles of up to 2 pi n: a part that is zero is rounding here."""
    k = np.arange(n)
    return np.asarray(np.exp(-2j * math.pi * k[:, None] * k / n) / math.sqrt(n))


@pytest.mark.parametrize("n", [1, 2, 7, 16, 45, 64])
@pytest.mark.parametrize("rotated", [True, False])
@pytest.mark.parametrize("written", [fourier, exponentials])
def test_masked_fourier_transforms_of_real_signals(n: int, rotated: bool, written: Callable[[int], Array]) -> None:
    """DC and Nyquist have no imaginary part, and k and -k say the same: never an error of our own making."""
    rng = np.random.default_rng(n)
    flow, F = a_flow(n, rng, rotated=rotated), written(n)
    masks = [np.arange(n), np.array([0]), rng.permutation(n)[: (n + 1) // 2], np.array([1 % n, -1 % n, n // 2])]
    for rows in masks:
        A, x = F[rows], flow.sample(2, rng)
        # As a product with the matrix, and as a fast transform, which rounds otherwise.
        for y in (x @ A.T, (np.fft.fft(x) / math.sqrt(n))[:, rows], np.fft.fft(x.astype(complex))[:, rows] / math.sqrt(n)):
            x_hat = lf.mle(flow, A, y)
            np.testing.assert_allclose(x_hat @ A.T, y, atol=1e-12)
            # Nothing of the signal is left in what is measured, and nothing is added where nothing is.
            S = parts(A)
            _, s, Vt = np.linalg.svd(S @ flow.matrix)
            rank = int(np.sum(s > 1e-8 * s[0]))
            z = np.linalg.solve(flow.matrix, (x_hat - flow.mean).T).T
            np.testing.assert_allclose(z @ Vt[rank:].T, 0.0, atol=1e-9)
            law = lf.posterior(flow, A, y, noise_std=0.0)
            np.testing.assert_allclose(law.mean, x_hat, atol=1e-12)
            assert law.factor.shape == (n, n - rank)
            np.testing.assert_allclose(lf.gradient_flow(flow, A, y, time=math.inf), x_hat, atol=1e-9)
            np.testing.assert_allclose(lf.truncated_least_squares(flow, A, y, rank=n), x_hat, atol=1e-9)
            np.testing.assert_allclose(lf.map_estimate(flow, A, y, noise_std=1e-5), x_hat, atol=1e-2)


def test_a_twin_that_stacks_by_hand_ends_in_an_error() -> None:
    """What the real road says to the same rows: there they are the user's own."""
    flow, F = a_flow(8, np.random.default_rng(0)), fourier(8)
    with pytest.raises(RankError):
        lf.mle(flow, parts(F), parts_of(F @ flow.mean))


def test_coils_that_measure_more_than_there_is() -> None:
    """Multi-coil magnetic resonance: masked transforms of the signal times smooth complex profiles."""
    rng, side = np.random.default_rng(3), 6
    n = side * side
    F = np.kron(fourier(side), fourier(side))[rng.random(n) < 0.4]
    flow = a_flow(n, rng)
    profiles = rng.standard_normal((4, n)) + 1j * rng.standard_normal((4, n))
    x = flow.sample((), rng)
    for coils in (1, 2, 4):
        A = np.concatenate([F * profile for profile in profiles[:coils]])
        y = A @ x
        x_hat = lf.mle(flow, A, y)
        np.testing.assert_allclose(A @ x_hat, y, atol=1e-11)
        if 2 * len(A) > n:
            np.testing.assert_allclose(x_hat, x, atol=1e-9)
        single = lf.mle(flow, A.astype(np.complex64), y.astype(np.complex64))
        np.testing.assert_allclose(single, x_hat, atol=1e-3)


def test_parts_that_contradict_each_other_are_named() -> None:
    rng = np.random.default_rng(0)
    flow, F = a_flow(8, rng), fourier(8)
    A, x = F[[0, 1, 7, 4]], flow.sample((), rng)
    y = A @ x
    lf.mle(flow, A, y)
    cases: list[tuple[int, complex, str]] = [
        (0, 1e-6j, "the imaginary part of row 0"),
        (3, 1e-6j, "the imaginary part of row 3"),
        (2, 1e-6, "the real part of row [12]"),
        (1, 1e-6j, "the imaginary part of row [12]"),
    ]
    estimates: list[Callable[[Array], Any]] = [
        lambda y: lf.mle(flow, A, y),
        lambda y: lf.posterior(flow, A, y, noise_std=0.0),
        lambda y: lf.penalised(flow, A, y, penalty=0.0),
        lambda y: lf.truncated_least_squares(flow, A, y, rank=8),
    ]
    for row, error, words in cases:
        wrong = y.copy()
        wrong[row] += error
        for estimate in estimates:
            with pytest.raises(InputError, match=f"^y contradicts itself: {words}[^\n]*noise_std > 0$"):
                estimate(wrong)
        assert np.isfinite(lf.map_estimate(flow, A, wrong, noise_std=0.1)).all()
    # The first of a batch is right, the second is not.
    with pytest.raises(InputError, match="imaginary part of row 0"):
        lf.mle(flow, A, [y, y + np.array([1e-3j, 0, 0, 0])])


def test_real_measurements_stay_real() -> None:
    flow = a_flow(4, np.random.default_rng(0))
    with pytest.raises(InputError, match="y must be an array of real numbers, got complex numbers"):
        lf.mle(flow, np.eye(4)[:2], np.array([1j, 0]))
    A = ms.gaussian(2, 4, np.random.default_rng(0), field="complex")
    with pytest.raises(ShapeError, match=r"y must have shape \(\.\.\., 2\)"):
        lf.mle(flow, A, np.zeros(3))
    with pytest.raises(InputError, match="must be finite"):
        lf.mle(flow, A, [np.nan, 1j])
    np.testing.assert_allclose(lf.mle(flow, np.eye(4)[:2].astype(complex), [1.0, 2.0])[:2], [1.0, 2.0], atol=1e-12)


# -------------------------------------------------------------------------------------------------------------- noise


def covariance(m: int, rng: np.random.Generator) -> Array:
    root = rng.standard_normal((m, m + 2))
    return np.asarray(0.1 * root @ root.T)


@few
@given(st.integers(1, 6), st.integers(1, 9), seeds)
def test_every_form_of_noise_is_gaussian_conditioning(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flow, A, y = a_flow(n, rng), rng.standard_normal((m, n)), rng.standard_normal((2, m))
    std, C = rng.uniform(0.2, 2.0, m), covariance(m, rng)
    forms: list[tuple[Any, Array]] = [
        (0.4, 0.16 * np.eye(m)),
        (std, np.diag(std**2)),
        (np.diag(std**2), np.diag(std**2)),
        (C, C),
    ]
    for noise_std, wanted in forms:
        mean, cov = conditioned(flow, A, y, wanted)
        law = lf.posterior(flow, A, y, noise_std=noise_std)
        np.testing.assert_allclose(law.mean, mean, atol=1e-8)
        np.testing.assert_allclose(law.covariance, cov, atol=1e-8)
        np.testing.assert_allclose(lf.map_estimate(flow, A, y, noise_std=noise_std), mean, atol=1e-8)
    same = [lf.map_estimate(flow, A, y, noise_std=s) for s in (0.4, np.full(m, 0.4), [0.4] * m, 0.16 * np.eye(m))]
    np.testing.assert_array_equal(same[0], same[1])
    np.testing.assert_array_equal(same[0], same[2])
    np.testing.assert_allclose(same[3], same[0], rtol=1e-12, atol=1e-12)


@few
@given(st.integers(2, 5), seeds)
def test_complex_noise_has_the_covariance_that_is_stated(m: int, seed: int) -> None:
    rng, n = np.random.default_rng(seed), 6
    flow, A = a_flow(n, rng), ms.gaussian(m, n, rng, field="complex")
    root = ms.gaussian(m, m + 2, rng, field="complex")
    C, y = root @ root.conj().T, ms.gaussian(1, m, rng, field="complex")[0]
    # Proper complex noise: E n n^H = C and E n n^T = 0 make the covariance of its parts.
    of_parts = np.block([[C.real, -C.imag], [C.imag, C.real]]) / 2
    mean, cov = conditioned(flow, parts(A), parts_of(y), of_parts)
    law = lf.posterior(flow, A, y, noise_std=C)
    np.testing.assert_allclose(law.mean, mean, atol=1e-9)
    np.testing.assert_allclose(law.covariance, cov, atol=1e-9)
    std = rng.uniform(0.5, 1.0, m)
    mean, _ = conditioned(flow, parts(A), parts_of(y), np.diag(np.tile(std**2, 2) / 2))
    np.testing.assert_allclose(lf.map_estimate(flow, A, y, noise_std=std), mean, atol=1e-9)
    np.testing.assert_allclose(lf.map_estimate(flow, A, y, noise_std=np.diag(std**2)), mean, atol=1e-9)


def test_exact_measurements_may_stand_among_noisy_ones() -> None:
    rng = np.random.default_rng(0)
    flow, A, y = a_flow(6, rng), rng.standard_normal((4, 6)), rng.standard_normal(4)
    std = np.array([0.0, 0.5, 0.0, 0.3])
    law = lf.posterior(flow, A, y, noise_std=std)
    np.testing.assert_allclose((A @ law.mean)[[0, 2]], y[[0, 2]], atol=1e-12)
    np.testing.assert_allclose(A[[0, 2]] @ law.factor, 0.0, atol=1e-12)
    nearly = lf.posterior(flow, A, y, noise_std=np.where(std == 0, 1e-8, std))
    np.testing.assert_allclose(law.mean, nearly.mean, atol=1e-6)
    np.testing.assert_allclose(law.covariance, nearly.covariance, atol=1e-6)
    # A singular covariance: the difference of two measurements is exact.
    C = np.full((2, 2), 0.25)
    law = lf.posterior(flow, A[:2], y[:2], noise_std=C)
    np.testing.assert_allclose((A[0] - A[1]) @ law.mean, y[0] - y[1], atol=1e-10)
    # Twice the same exact row has no estimate, twice the same noisy row is one of half the variance.
    twice, seen = np.vstack([A, A[:2]]), np.append(y, y[:2])
    with pytest.raises(RankError, match="drop that measurement, or use a larger penalty"):
        lf.map_estimate(flow, twice, seen, noise_std=[0.0, 0.5, 0.0, 0.3, 0.0, 0.5])
    np.testing.assert_allclose(
        lf.map_estimate(flow, np.vstack([A, A]), np.append(y, y), noise_std=np.full(8, 0.3)),
        lf.map_estimate(flow, A, y, noise_std=np.full(4, 0.3 / math.sqrt(2.0))),
        atol=1e-12,
    )
    # An exact complex row whose imaginary part measures nothing.
    F, x = fourier(6), flow.sample((), rng)
    x_hat = lf.map_estimate(flow, F[[0, 1, 5]], F[[0, 1, 5]] @ x, noise_std=[0.0, 0.2, 0.2])
    np.testing.assert_allclose(F[0] @ x_hat, F[0] @ x, atol=1e-12)


@pytest.mark.parametrize(
    ("noise_std", "error", "words"),
    [
        ([0.1, -0.2, 0.1], InputError, "standard deviations >= 0, but entry 1 is -0.2"),
        (
            [0.1, 0.2],
            ShapeError,
            r"\(3,\) standard deviations or a \(3, 3\) covariance for m = 3 .*shape \(2,\)",
        ),
        (np.eye(2), ShapeError, r"got shape \(2, 2\)"),
        (np.ones((3, 3, 1)), ShapeError, r"got shape \(3, 3, 1\)"),
        (np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), InputError, "not positive semi-definite"),
        (np.array([[1.0, 0.5, 0.0], [0.4, 1.0, 0.0], [0.0, 0.0, 1.0]]), InputError, "not symmetric"),
        (np.diag([1.0, -1.0, 1.0]), InputError, "its diagonal entry 1 is"),
        (np.array([[0.0, 0.1, 0.0], [0.1, 1.0, 0.0], [0.0, 0.0, 1.0]]), InputError, "without variance has covariances"),
        (np.eye(3) + 1j, InputError, "real numbers, got complex"),
        ([[1.0, 0.0, np.inf]] * 3, InputError, "must be finite"),
        ([0.1, None, 0.1], InputError, "got None"),
        ("0.1", InputError, "a finite number >= 0, got '0.1'"),
        (np.ma.masked_equal([1.0, 2.0, 3.0], 2.0), InputError, "masked entries"),
    ],
)
def test_what_is_no_noise_is_one_sentence(noise_std: Any, error: type[Exception], words: str) -> None:
    flow = a_flow(4, np.random.default_rng(0))
    A = np.random.default_rng(1).standard_normal((3, 4))
    estimates: tuple[Callable[..., Any], ...] = (lf.map_estimate, lf.posterior)
    for estimate in estimates:
        with pytest.raises(error, match=words) as caught:
            estimate(flow, A, np.zeros(3), noise_std=noise_std)
        assert "\n" not in str(caught.value)


def test_covariances_in_any_units_are_told_from_rounding() -> None:
    """Positive semi-definite to rounding is enough, also where the measurements differ by twenty decades."""
    rng = np.random.default_rng(2)
    root = rng.standard_normal((5, 3))
    units = 10.0 ** np.array([0, -10, 10, 3, -3])
    C = root @ root.T * units * units[:, None]
    flow, A, y = a_flow(7, rng), rng.standard_normal((5, 7)), rng.standard_normal(5)
    found = lf.map_estimate(flow, units[:, None] * A, units * y, noise_std=C)
    np.testing.assert_allclose(found, lf.map_estimate(flow, A, y, noise_std=root @ root.T), atol=1e-9)
    with pytest.raises(InputError, match="not positive semi-definite"):
        lf.map_estimate(flow, units[:, None] * A, units * y, noise_std=C - 1e-9 * np.diag(np.diag(C)))


# --------------------------------------------------------------------------------------------------------------- laws


@few
@given(st.integers(2, 6), st.integers(2, 6), seeds, st.sampled_from([1.0, 1e-9, 2.0**200]))
def test_measurements_and_their_noise_may_be_rewritten_together(n: int, m: int, seed: int, factor: float) -> None:
    rng = np.random.default_rng(seed)
    flow, A, y = a_flow(n, rng), rng.standard_normal((m, n)), rng.standard_normal((2, m))
    std, C = rng.uniform(0.5, 2.0, m), covariance(m, rng) + 0.1 * np.eye(m)
    units, order = factor ** rng.uniform(-0.5, 0.5, m), rng.permutation(m)
    Q = np.linalg.qr(rng.standard_normal((m, m)))[0]
    seen = lf.map_estimate(flow, A, y, noise_std=std)
    close: dict[str, Any] = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(lf.map_estimate(flow, units[:, None] * A, units * y, noise_std=units * std), seen, **close)
    np.testing.assert_allclose(lf.map_estimate(flow, A[order], y[:, order], noise_std=std[order]), seen, **close)
    turned = lf.map_estimate(flow, Q @ A, y @ Q.T, noise_std=Q * std**2 @ Q.T)
    np.testing.assert_allclose(turned, seen, **close)
    seen = lf.map_estimate(flow, A, y, noise_std=C)
    scaled = lf.map_estimate(flow, units[:, None] * A, units * y, noise_std=units[:, None] * C * units)
    np.testing.assert_allclose(scaled, seen, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(lf.map_estimate(flow, Q @ A, y @ Q.T, noise_std=Q @ C @ Q.T), seen, rtol=1e-8, atol=1e-8)
    if factor != 1.0:  # twin: the noise left in the old units
        moved = lf.map_estimate(flow, units[:, None] * A, units * y, noise_std=std)
        assert np.abs(moved - lf.map_estimate(flow, A, y, noise_std=std)).max() > 1e-9


@few
@given(st.integers(2, 6), st.integers(1, 3), seeds)
def test_complex_rows_have_no_phase(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flow, A, x = a_flow(n, rng), ms.gaussian(m, n, rng, field="complex"), rng.standard_normal((2, n))
    y = x @ A.T
    phase = np.exp(2j * np.pi * rng.random(m)) * 10.0 ** rng.uniform(-3, 3, m)
    Q = np.linalg.qr(ms.gaussian(m, m, rng, field="complex"))[0]
    estimates: list[Callable[[Array, Array], Array]] = [
        lambda A, y: lf.mle(flow, A, y),
        lambda A, y: lf.gradient_flow(flow, A, y, time=math.inf),
    ]
    for estimate in estimates:
        seen = estimate(A, y)
        np.testing.assert_allclose(estimate(phase[:, None] * A, phase * y), seen, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(estimate(Q @ A, y @ Q.T), seen, rtol=1e-7, atol=1e-7)
    seen = lf.map_estimate(flow, A, y, noise_std=0.3)
    np.testing.assert_allclose(lf.map_estimate(flow, Q @ A, y @ Q.T, noise_std=0.3), seen, atol=1e-10)
    np.testing.assert_allclose(lf.map_estimate(flow, A.conj(), y.conj(), noise_std=0.3), seen, atol=1e-10)
    turned = lf.map_estimate(flow, phase[:, None] * A, phase * y, noise_std=0.3 * np.abs(phase))
    np.testing.assert_allclose(turned, seen, atol=1e-9)
