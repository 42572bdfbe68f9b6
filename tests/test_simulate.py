"""Error curves: accuracy against 1000-digit arithmetic, reproducibility, and the ways a draw can be bad."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray

from linflow import risk
from linflow.checks import FIELDS, Field
from linflow.errors import InputError, RankError, ShapeError
from linflow.risk.extended import is_steep
from linflow.spectrum import Spectrum
from linflow.testing import seeds, spectra

N = 16
TABLE = {
    "10^-i": 10.0 ** -np.arange(1.0, N + 1),
    "10^-5i": 10.0 ** (-5 * np.arange(1.0, N + 1)),
    "1 (8 times), 1e-12 (8 times)": np.r_[np.ones(8), np.full(8, 1e-12)],
    "size 1e+140": 1e140 * 10.0 ** (-np.arange(N) / 2),
    "size 1e-140": 1e-140 * 10.0 ** (-np.arange(N) / 2),
    "1e150 to 1e-150": 10.0 ** np.linspace(150, -150, N),
}


@pytest.mark.parametrize("ratio", [1.3, 2.0, 3.0])
def test_long_spectra_of_many_scales_keep_their_digits_too(ratio: float) -> None:
    n = 130
    spectrum, A = Spectrum(ratio ** -np.arange(float(n))), np.random.default_rng(0).standard_normal((n, n))
    # The first few m in many digits, by Gram-Schmidt: all would take minutes.
    exact = gram_schmidt_curve(spectrum.singular_values, A[:N])
    assert worst_error(risk.error_curve(spectrum, A), exact) < 1e-14
    assert is_steep(spectrum.singular_values)


@pytest.mark.parametrize("n", [1, 2, 60, 256, 4000])
def test_spectra_of_few_scales_are_taken_in_double_precision(n: int) -> None:
    i = np.arange(1.0, n + 1)
    for values in (np.ones(n), 1 / i, i**-3.0, np.where(i <= n / 2, 1.0, 1e-12), 1.01**-i):
        assert not is_steep(values)
    # Too long for it, however steep.
    assert not is_steep(1.1 ** -np.arange(257.0))


def gram_schmidt_curve(sigma: NDArray[np.float64], A: NDArray[np.float64]) -> list[mp.mpf]:
    """X_A(m) by Gram-Schmidt in 1200 digits, from the projector's diagonal: no QR, no sorting."""
    with mp.workdps(1200):
        s = [mp.mpf(float(x)) for x in sigma]
        basis: list[list[mp.mpf]] = []
        errors = [mp.fsum(x * x for x in s)]
        for row in A:
            v = [mp.mpf(float(a)) * b for a, b in zip(row, s, strict=True)]
            for q in basis:
                c = mp.fsum(x * y for x, y in zip(q, v, strict=True))
                v = [x - c * y for x, y in zip(v, q, strict=True)]
            norm = mp.sqrt(mp.fsum(x * x for x in v))
            basis.append([x / norm for x in v])
            errors.append(mp.fsum(b * b * (1 - mp.fsum(q[i] ** 2 for q in basis)) for i, b in enumerate(s)))
        return errors


def pinv_curve(sigma: NDArray[np.float64], A: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same by `numpy.linalg.pinv` of A G, one m at a time."""
    G = np.diag(sigma)
    curve = []
    for m in range(len(A) + 1):
        AG = A[:m] @ G
        curve.append(np.linalg.norm(G - G @ np.linalg.pinv(AG) @ AG) ** 2)
    return np.array(curve)


def worst_error(curve: NDArray[np.float64], exact: list[mp.mpf]) -> float:
    with mp.workdps(30):
        return max(float(abs(mp.mpf(float(c)) / e - 1)) for c, e in zip(curve[:N], exact[:N], strict=True))


@pytest.mark.parametrize("name", TABLE)
def test_relative_accuracy_against_1200_digits(name: str) -> None:
    A = np.random.default_rng(12).standard_normal((N, N))
    sigma = TABLE[name]
    exact = gram_schmidt_curve(sigma, A)
    assert worst_error(risk.error_curve(sigma, A), exact) < 1e-12
    for m in (1, 5, 8, 12):  # tall factors: the remainder keeps the same relative accuracy
        tall = risk.error_curve(sigma, A[:m])
        assert tall.shape == (m + 1,)
        with mp.workdps(30):
            assert all(float(abs(mp.mpf(float(tall[j])) / exact[j] - 1)) < 1e-12 for j in range(m + 1))


@pytest.mark.parametrize(("name", "at_least"), [("10^-i", 1e-4), ("10^-5i", 1e90), ("1 (8 times), 1e-12 (8 times)", 1e-8)])
def test_pinv_fails_the_same_check(name: str, at_least: float) -> None:
    """The twin: the textbook formula must be seen to fail where the sorted QR passes."""
    A = np.random.default_rng(12).standard_normal((N, N))
    assert worst_error(pinv_curve(TABLE[name], A), gram_schmidt_curve(TABLE[name], A)) > at_least


@given(spectra(max_n=10, decades=1.5), seeds, st.booleans())
@settings(max_examples=40, deadline=None)
def test_agrees_with_projectors_where_those_are_accurate(spectrum: Spectrum, seed: int, is_complex: bool) -> None:
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((spectrum.n, spectrum.n)) + 1j * is_complex * rng.standard_normal((spectrum.n, spectrum.n))
    A = A if is_complex else A.real
    curve = risk.error_curve(spectrum, A)
    for m in range(spectrum.n):
        Q = np.linalg.qr((A[:m] * spectrum.singular_values).conj().T)[0] if m else np.zeros((spectrum.n, 0))
        residual = np.diag(spectrum.singular_values) - np.diag(spectrum.singular_values) @ Q @ Q.conj().T
        assert curve[m] == pytest.approx(np.linalg.norm(residual) ** 2, rel=1e-6)
        assert risk.error_curve(spectrum, A[:m])[m] == pytest.approx(curve[m], rel=1e-9)
    assert np.all(np.diff(curve) <= 0)


def test_batches_and_an_unsorted_array_keep_the_pairing_of_columns() -> None:
    rng = np.random.default_rng(0)
    A = rng.standard_normal((2, 3, 4, 5))
    sigma = np.array([0.1, 3.0, 1.0, 2.0, 0.5])
    curves = risk.error_curve(sigma, A)
    assert curves.shape == (2, 3, 5)
    order = np.argsort(-sigma)
    assert np.array_equal(curves[1, 2], risk.error_curve(Spectrum(sigma), A[1, 2][:, order]))
    assert not np.allclose(curves[1, 2], risk.error_curve(Spectrum(sigma), A[1, 2]))
    assert np.allclose(risk.error_curve(sigma, A.astype(np.float32)), curves, rtol=1e-4)
    assert risk.error_curve(sigma, np.empty((0, 4, 5))).shape == (0, 5)
    assert np.allclose(risk.error_curve(sigma, np.empty((0, 5))), [np.sum(sigma**2)])
    assert np.allclose(risk.error_curve([2.0], [[3.0]]), [4.0, 0.0])


@pytest.mark.parametrize(
    "sigma", [[3.0, 2.0, 1.0, 0.5], 10.0 ** (-5.0 * np.arange(6)), [1.0, 1.0, 1.0, 1e-6, 1e-6, 1e-6]], ids=len
)
@pytest.mark.parametrize("unit", [1.0, 1.0 + 1.0j])
def test_a_draw_has_the_same_curve_in_every_company(sigma: ArrayLike, unit: complex) -> None:
    """Bit for bit: in double precision, in extended precision, and where single draws need it (rank 3, and a cliff)."""
    spectrum = Spectrum(sigma)
    real = np.random.default_rng(5).standard_normal((12, spectrum.n, spectrum.n))
    # Three measurements that hardly tell three directions apart: the rows grow in some of the draws.
    real[::3, 2, :3] = real[::3, 1, :3] + 1e-4 * real[::3, 2, :3]
    A = real * unit
    for m in (1, 3, spectrum.n):
        together = risk.error_curve(spectrum, A[:, :m])
        alone = np.array([risk.error_curve(spectrum, draw[:m]) for draw in A])
        assert together.tobytes() == alone.tobytes()


def test_bad_draws_are_refused() -> None:
    s = Spectrum.exponential(6, 3.0)
    A = np.random.default_rng(1).standard_normal((6, 6))
    with pytest.raises(ShapeError, match="A has 6 columns, the spectrum 5"):
        risk.error_curve(Spectrum.flat(5), A)
    with pytest.raises(ShapeError, match="more than n = 6"):
        risk.error_curve(s, np.ones((7, 6)))
    with pytest.raises(InputError, match="finite, but entry 0 is nan"):
        risk.error_curve(s, np.full((2, 6), np.nan))
    with pytest.raises(ShapeError, match="must have shape"):
        risk.error_curve(s, np.ones(6))
    for copy in (A[1], -3.0 * A[0], A[0] + A[2], np.zeros(6)):
        B = A.copy()
        B[4] = copy
        with pytest.raises(RankError, match="row 4 of A depends linearly"):
            risk.error_curve(s, B)


def test_dependent_rows_of_a_discrete_ensemble_measure_nothing() -> None:
    def signs(m: int, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        A = rng.choice([-1.0, 1.0], size=(m, n))
        A[2] = -A[0]
        return A

    s = Spectrum([3.0, 2.0, 1.0, 0.5])
    curves = risk.simulate(s, trials=40, seed=5, ensemble=signs)
    assert np.all(curves[:, 3] == curves[:, 2])
    A = np.random.default_rng(0).choice([-1.0, 1.0], size=(4, 4))
    for m in range(5):  # and the value is that of the projector onto the span
        AG = A[:m] * s.singular_values
        P = np.linalg.pinv(AG) @ AG if m else np.zeros((4, 4))
        expected = np.linalg.norm(np.diag(s.singular_values) @ (np.eye(4) - P)) ** 2
        curve = risk.simulate(s, trials=1, seed=0, ensemble=lambda rows, n, rng: A[:rows])[0]
        assert curve[m] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [5, 80])
@pytest.mark.parametrize("field", ["real", "complex"])
def test_same_numbers_for_any_workers_and_any_number_of_trials(n: int, field: Field) -> None:
    s = Spectrum.power_law(n)
    one = risk.simulate(s, trials=70, seed=9, field=field, workers=1)
    assert one.shape == (70, n + 1)
    assert np.array_equal(one, risk.simulate(s, trials=70, seed=9, field=field, workers=3))
    assert np.array_equal(one[:50], risk.simulate(s, trials=50, seed=9, field=field))
    assert not np.array_equal(one, risk.simulate(s, trials=70, seed=10, field=field))
    assert np.array_equal(one, risk.simulate(s, trials=70, seed=np.random.SeedSequence(9), field=field))
    assert np.all(one[:, -1] == 0.0)


def test_mean_against_the_exact_oracles_and_the_wrong_field_is_caught() -> None:
    s, trials = Spectrum.power_law(8), 20_000
    for field, other in zip(FIELDS, FIELDS[::-1], strict=True):
        curves = risk.simulate(s, trials=trials, seed=2, field=field)
        for m in (1, 7):
            mean, error = curves[:, m].mean(), curves[:, m].std() / np.sqrt(trials)
            assert abs(mean - risk.exact(s, m, field=field)) < 4.5 * error  # failure probability 7e-6
            assert abs(mean - risk.exact(s, m, field=other)) > 4.5 * error


def test_bad_arguments_of_simulate() -> None:
    s = Spectrum.flat(3)
    with pytest.raises(InputError, match="trials must be a whole number >= 1"):
        risk.simulate(s, trials=0, seed=0)
    with pytest.raises(InputError, match="seed must be a whole number >= 0"):
        risk.simulate(s, trials=1, seed=-1)
    with pytest.raises(InputError, match="field must be one of"):
        risk.simulate(s, trials=1, seed=0, field="quaternion")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"the ensemble must return shape \(3, 3\)"):
        risk.simulate(s, trials=1, seed=0, ensemble=lambda m, n, rng: np.ones((1, 1)))
    for bad, sentence in ((np.nan, "must be finite"), (np.inf, "must be finite"), ("1", "must be an array of numbers")):
        with pytest.raises(InputError, match=sentence):
            risk.simulate(s, trials=1, seed=0, ensemble=lambda m, n, rng, bad=bad: np.full((m, n), bad))  # type: ignore[misc]
    assert risk.simulate(s, trials=2, seed=0, m_max=0).tolist() == [[3.0], [3.0]]


def test_a_row_that_sees_small_directions_only_is_not_a_dependent_one() -> None:
    np.testing.assert_allclose(risk.error_curve(Spectrum([1e14, 1.0]), np.array([[0.0, 1.0]])), [1e28, 1e28])
    curve = risk.error_curve(Spectrum([1e14, 1.0, 1e-14]), np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
    np.testing.assert_allclose(curve, [1e28, 1e28, 1e28])
    with pytest.raises(RankError, match="row 1 of A depends linearly"):
        risk.error_curve(Spectrum([1e14, 1.0]), np.array([[0.0, 1.0], [0.0, 2.0]]))
