"""`LinearFlow`: algebra against dense matrices and scipy.stats, laws by exact tests, files by damage."""

from __future__ import annotations

import math
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.covariance import OAS, LedoitWolf

from linflow.errors import DataError, InputError, LinflowError, OutputError, RankError, ShapeError
from linflow.flow import LinearFlow
from linflow.graded import graded_svd
from linflow.spectrum import Spectrum

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
#: Chance that a correct program fails one statistical check of this file.
ALPHA = 1e-9


@st.composite
def flows(draw: st.DrawFn, decades: float = 2.0, max_n: int = 6) -> LinearFlow:
    """Rotated flows with an offset; singular values within `decades` of 1, repeated ones included."""
    exponents = st.one_of(st.floats(-decades, decades), st.sampled_from([-decades, 0.0, decades]))
    values = 10.0 ** np.array(draw(st.lists(exponents, min_size=1, max_size=max_n)))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return LinearFlow.from_spectrum(values, rng=rng, mean=5.0 * rng.standard_normal(values.size) + 1.0)


seeds = st.integers(0, 10**6)
quick = settings(max_examples=40, deadline=None, derandomize=True)


# ---------------------------------------------------------------------------------------------------- the algebra


@quick
@given(flows(decades=6.0), seeds)
def test_inverse_undoes_forward_on_batches(flow: LinearFlow, seed: int) -> None:
    z = np.random.default_rng(seed).standard_normal((2, 3, flow.n))
    x = flow.forward(z)
    assert x.shape == z.shape
    # x is rounded to eps |x| in each coordinate, and the inverse divides by sigma_n at worst.
    smallest = flow.spectrum.singular_values[-1]
    tolerance = 20 * flow.n * EPS * (np.abs(x).max() + np.abs(flow.mean).max()) / smallest + 20 * flow.n * EPS
    assert np.abs(flow.inverse(x) - z).max() <= tolerance
    np.testing.assert_allclose(flow.forward(z[1, 2]), x[1, 2], rtol=0, atol=20 * flow.n * EPS * np.abs(x).max())


@quick
@given(flows(), seeds)
def test_forward_is_the_dense_matrix_plus_the_mean(flow: LinearFlow, seed: int) -> None:
    z = np.random.default_rng(seed).standard_normal((4, flow.n))
    scale = 30 * flow.n * EPS * (flow.spectrum.condition + np.abs(flow.mean).max()) * flow.spectrum.singular_values[0]
    np.testing.assert_allclose(flow.forward(z), flow.mean + z @ flow.matrix.T, rtol=1e-13, atol=scale)
    np.testing.assert_allclose(flow.covariance, flow.matrix @ flow.matrix.T, rtol=1e-13, atol=scale)
    np.testing.assert_allclose(
        flow.log_det, np.linalg.slogdet(flow.matrix)[1], atol=30 * flow.n * EPS * flow.spectrum.condition
    )


@quick
@given(flows(decades=1.0), seeds)
def test_log_prob_against_scipy(flow: LinearFlow, seed: int) -> None:
    x = flow.sample((3, 2), np.random.default_rng(seed))
    reference = scipy.stats.multivariate_normal(flow.mean, flow.covariance)
    expected = np.reshape(reference.logpdf(x), (3, 2))
    # The reference inverts a covariance of condition cond(G)^2 and squares residuals of offset signals.
    size = (
        1.0
        + np.sum(((x - flow.mean) / flow.spectrum.singular_values[-1]) ** 2)
        + np.sum((x / flow.spectrum.singular_values[-1]) ** 2)
    )
    tolerance = 100 * flow.n * EPS * flow.spectrum.condition**2 * size
    assert flow.log_prob(x).shape == (3, 2)
    np.testing.assert_allclose(flow.log_prob(x), expected, atol=tolerance, rtol=0)


def test_log_prob_without_the_offset_is_refuted() -> None:
    flow = LinearFlow.from_spectrum([2.0, 0.5], rng=np.random.default_rng(1), mean=[3.0, -1.0])
    x = flow.sample(5, np.random.default_rng(2))
    forgotten = scipy.stats.multivariate_normal(np.zeros(2), flow.covariance).logpdf(x)
    assert np.abs(flow.log_prob(x) - forgotten).min() > 1e-3


def test_log_prob_beyond_the_range_of_float64_is_minus_infinity() -> None:
    flow = LinearFlow.from_spectrum([1e-150], mean=[1.0])
    assert flow.log_prob([1e10]) == -np.inf


def test_a_diagonal_flow_allocates_nothing_square() -> None:
    n = 200_000  # n x n would be 320 GB
    flow = LinearFlow.from_spectrum(Spectrum.power_law(n=n), mean=np.ones(n))
    assert flow.basis is None
    assert flow.latent_basis is None
    x = flow.sample(2, np.random.default_rng(0))
    np.testing.assert_allclose(flow.forward(flow.inverse(x)), x, rtol=1e-12, atol=1e-12)
    assert np.isfinite(flow.log_prob(x)).all()


def test_arrays_inside_are_read_only_copies() -> None:
    mean, basis = np.array([1.0, 2.0]), np.eye(2)
    flow = LinearFlow.from_spectrum([2.0, 1.0], mean=mean, basis=basis)
    mean[0] = 9.0
    basis[0, 0] = 9.0
    assert flow.basis is not None
    assert flow.mean[0] == 1.0
    assert flow.basis[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        flow.mean[0] = 3.0


# -------------------------------------------------------------------------------------------------- from a matrix


@quick
@given(st.integers(1, 6), seeds)
def test_from_matrix_multiplies_back(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    G, mean = rng.standard_normal((n, n)) * 10.0 ** rng.uniform(-2, 2), rng.standard_normal(n)
    flow = LinearFlow.from_matrix(G, mean)
    np.testing.assert_allclose(flow.matrix, G, atol=50 * n * EPS * np.abs(G).max())
    np.testing.assert_array_equal(flow.mean, mean)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seeds, st.sampled_from([(0, 8), (8, 0), (-8, 0), (5, 5), (-5, 3)]))
@example(seed=45536, decades=(-5, 3))  # wrong by 3000 times where the rows are not sorted first
def test_graded_matrices_keep_their_small_singular_values(seed: int, decades: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    n = 5
    core = np.linalg.qr(rng.standard_normal((n, n)))[0]
    left, right = (10.0 ** -(d * np.arange(n)) for d in decades)
    G = left[:, None] * core * right
    found = LinearFlow.from_matrix(G).spectrum.singular_values
    with mpmath.workdps(200):
        exact = np.array([float(s) for s in mpmath.svd_r(mpmath.matrix(G.tolist()), compute_uv=False)])
    # Relative to each singular value, only the condition of the scaled core counts: that of its leading blocks once sorted.
    ordered = core[np.argsort(-left)][:, np.argsort(-right)]
    minors = max(np.linalg.cond(ordered[:k, :k]) for k in range(1, n))
    np.testing.assert_allclose(found, np.sort(exact)[::-1], rtol=100 * n * EPS * minors)


def test_the_usual_svd_fails_the_graded_check() -> None:
    core = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    G = (10.0 ** -(8 * np.arange(5.0)))[::-1, None] * core
    plain, found = np.linalg.svd(G, compute_uv=False), LinearFlow.from_matrix(G).spectrum.singular_values
    assert abs(plain[-1] / found[-1] - 1) > 0.5


def test_scaled_permutations_are_exact() -> None:
    values = 10.0 ** -(5.0 * np.arange(16)) * np.where(np.arange(16) % 2, -1.0, 1.0)
    G = np.diag(values)[:, ::-1]
    flow = LinearFlow.from_matrix(G, np.ones(16))
    np.testing.assert_allclose(flow.spectrum.singular_values, np.abs(values), rtol=4 * EPS)
    np.testing.assert_allclose(flow.matrix, G, rtol=4 * EPS)


@pytest.mark.parametrize(
    ("G", "error", "sentence"),
    [
        (np.ones((2, 3)), ShapeError, r"square \(n, n\) matrix, got shape \(2, 3\)"),
        (np.zeros((0, 0)), ShapeError, "non-empty square"),
        ([1.0, 2.0], ShapeError, "square"),
        ([[1.0, np.nan], [0.0, 1.0]], InputError, "G must be finite"),
        ([[1.0j, 0.0], [0.0, 1.0]], InputError, "real numbers"),
        ([[1.0, 2.0], [2.0, 4.0]], RankError, "singular to rounding.*from_spectrum"),
        ([[1e-30, 2e-30], [2.0, 4.0]], RankError, "singular to rounding"),
        ([[1.0, 2.0], [0.0, 0.0]], RankError, "row 1 is zero"),
        ([[1.0, 0.0], [2.0, 0.0]], RankError, "column 1 is zero"),
        (np.zeros((2, 2)), RankError, "row 0 is zero"),
        ([[1e-160]], InputError, "1e-150"),
    ],
)
def test_from_matrix_refuses(G: object, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        LinearFlow.from_matrix(G)  # type: ignore[arg-type]


def test_graded_svd_of_a_tall_matrix() -> None:
    rng = np.random.default_rng(5)
    M = rng.standard_normal((7, 3)) * 10.0 ** -np.array([0.0, 20.0, 40.0])
    U, s, V = graded_svd(M)
    np.testing.assert_allclose(U.T @ U, np.eye(3), atol=1e-14)
    np.testing.assert_allclose((U * s) @ V.T, M, rtol=1e-12)


# ------------------------------------------------------------------------------------------------ from a spectrum


def _kolmogorov_distance_to_uniform(values: Array) -> float:
    return float(scipy.stats.kstest(values, scipy.stats.uniform(-1.0, 2.0).cdf).statistic)


def test_random_bases_are_haar() -> None:
    # Archimedes: one coordinate of a uniform point on the sphere in R^3 is uniform on [-1, 1].
    draws, rng = 3000, np.random.default_rng(7)
    sampled = [LinearFlow.from_spectrum([3.0, 2.0, 1.0], rng=rng) for _ in range(draws)]
    # Dvoretzky-Kiefer-Wolfowitz-Massart, shared over four checks.
    limit = math.sqrt(math.log(2 * 4 / ALPHA) / (2 * draws))
    for corner in [(0, 0), (2, 1)]:
        U = np.array([flow.basis[corner] for flow in sampled if flow.basis is not None])
        V = np.array([flow.latent_basis[corner] for flow in sampled if flow.latent_basis is not None])
        assert _kolmogorov_distance_to_uniform(U) < limit
        assert _kolmogorov_distance_to_uniform(V) < limit
    # Twin: QR alone, without the sign fix, is not Haar (LAPACK's Q[0, 0] is never positive).
    unfixed = np.linalg.qr(np.random.default_rng(8).standard_normal((draws, 3, 3)))[0][:, 0, 0]
    assert _kolmogorov_distance_to_uniform(unfixed) > limit


def test_a_given_basis_is_the_eigenbasis() -> None:
    basis = np.array([[0.6, -0.8], [0.8, 0.6]])
    flow = LinearFlow.from_spectrum([5.0, 1.0], basis=basis, mean=[1.0, 1.0])
    np.testing.assert_allclose(flow.covariance @ basis[:, 0], 25.0 * basis[:, 0])
    np.testing.assert_allclose(flow.forward([1.0, 0.0]), [4.0, 5.0])


def test_from_spectrum_refuses() -> None:
    spectrum = Spectrum.flat(2, value=3.0)
    with pytest.raises(InputError, match=r"either rng .* or basis"):
        LinearFlow.from_spectrum(spectrum, rng=np.random.default_rng(0), basis=np.eye(2))
    with pytest.raises(InputError, match=r"basis must be orthogonal.*numpy\.linalg\.qr"):
        LinearFlow.from_spectrum(spectrum, basis=[[1.0, 0.0], [0.1, 1.0]])
    with pytest.raises(ShapeError, match=r"basis must have shape \(2, 2\)"):
        LinearFlow.from_spectrum(spectrum, basis=np.eye(3))
    with pytest.raises(ShapeError, match=r"mean must have shape \(2,\)"):
        LinearFlow.from_spectrum(spectrum, mean=[1.0, 2.0, 3.0])
    with pytest.raises(InputError, match="mean must be finite"):
        LinearFlow.from_spectrum(spectrum, mean=[1.0, np.inf])
    with pytest.raises(InputError, match=r"numpy\.random\.Generator"):
        LinearFlow.from_spectrum(spectrum, rng="0")  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------------------------- fit


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(2, 12), st.integers(1, 6), seeds)
def test_fit_matches_scikit_learn(samples: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((samples, n)) @ rng.standard_normal((n, n)) + 10.0
    for shrinkage, estimator in (("oas", OAS()), ("ledoit-wolf", LedoitWolf())):
        reference = estimator.fit(X).covariance_
        if np.linalg.eigvalsh(reference)[0] <= 1e-10 * np.trace(reference):
            continue  # scikit-learn shrinks by nothing when n = 1 or the samples happen to suffice; refused elsewhere
        flow = LinearFlow.fit(X, shrinkage=shrinkage)
        np.testing.assert_allclose(flow.covariance, reference, atol=200 * EPS * 100 * n)
        np.testing.assert_allclose(flow.mean, X.mean(axis=0))
        np.testing.assert_allclose(flow.matrix, flow.matrix.T, atol=100 * n * EPS * flow.spectrum.singular_values[0])
        assert flow.spectrum == Spectrum.from_data(X, shrinkage=shrinkage) or np.allclose(
            flow.spectrum.singular_values, Spectrum.from_data(X, shrinkage=shrinkage).singular_values, rtol=1e-12
        )


def test_fit_with_another_shrinkage_is_refuted() -> None:
    X = np.random.default_rng(0).standard_normal((30, 4)) * [4.0, 2.0, 1.0, 0.5] + 10.0
    reference = OAS().fit(X).covariance_
    wrong = LinearFlow.fit(X, shrinkage=0.5).covariance
    assert np.abs(wrong - reference).max() > 1e-2


def test_fit_of_data_of_low_rank() -> None:
    X = np.outer([1.0, 2.0, 4.0], [1.0, -1.0, 0.5, 2.0]) + 3.0
    flow = LinearFlow.fit(X, shrinkage=0.1)
    S = np.cov(X.T, bias=True)
    np.testing.assert_allclose(flow.covariance, 0.9 * S + 0.1 * np.trace(S) / 4 * np.eye(4), atol=1e-13)
    with pytest.raises(InputError, match="singular with shrinkage 0"):
        LinearFlow.fit(X, shrinkage=0.0)
    with pytest.raises(InputError, match="at least 2 samples"):
        LinearFlow.fit(X[:1])
    with pytest.raises(InputError, match="shrinkage must be"):
        LinearFlow.fit(X, shrinkage="none")


# -------------------------------------------------------------------------------------------------------- sampling


def _samples_fit(flow: LinearFlow, x: Array) -> bool:
    """Two exact tests of x ~ flow: the whitened length is chi-squared with N n degrees, the whitened mean with n."""
    z = np.linalg.solve(flow.matrix, (x - flow.mean).T).T
    length, centre = np.sum(z**2), len(z) * np.sum(z.mean(axis=0) ** 2)
    low, high = scipy.stats.chi2(z.size).ppf([ALPHA / 4, 1 - ALPHA / 4])
    return bool(low < length < high and centre < scipy.stats.chi2(flow.n).isf(ALPHA / 2))


def test_samples_have_the_law_of_the_flow_and_of_no_other() -> None:
    rng = np.random.default_rng(3)
    flow = LinearFlow.from_spectrum([4.0, 1.0, 0.25], rng=rng, mean=[1.0, -2.0, 3.0])
    x = flow.sample(4000, rng)
    assert _samples_fit(flow, x)
    assert not _samples_fit(LinearFlow(flow.spectrum, basis=flow.basis), x)  # offset forgotten
    assert not _samples_fit(LinearFlow(flow.spectrum.scaled(1.1), mean=flow.mean, basis=flow.basis), x)
    assert not _samples_fit(LinearFlow(flow.spectrum, mean=flow.mean), x)  # basis forgotten


def test_sample_shapes_and_repeatability() -> None:
    flow = LinearFlow.from_spectrum([2.0, 1.0], mean=[1.0, 1.0])
    assert flow.sample(3, np.random.default_rng(0)).shape == (3, 2)
    assert flow.sample((), np.random.default_rng(0)).shape == (2,)
    assert flow.sample((2, 0), np.random.default_rng(0)).shape == (2, 0, 2)
    np.testing.assert_array_equal(flow.sample(3, np.random.default_rng(4)), flow.sample(3, np.random.default_rng(4)))
    with pytest.raises(InputError, match=r"numpy\.random\.Generator"):
        flow.sample(3, None)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="size"):
        flow.sample(-1, np.random.default_rng(0))


# -------------------------------------------------------------------------------------------------------- truncate


@quick
@given(flows(), st.data())
def test_truncation_is_the_best_model_of_its_rank(flow: LinearFlow, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, flow.n))
    prior = flow.truncate(k)
    assert (prior.n, prior.rank) == (flow.n, k)
    P = np.zeros((flow.n, flow.n))
    if k:
        span = prior.forward(np.eye(k)) - prior.mean
        P = span.T @ np.linalg.pinv(span.T)
    # E |x - project(x)|^2 with a projector made from the range alone, and with project itself.
    energy = flow.spectrum.energy
    expected = np.trace((np.eye(flow.n) - P) @ flow.covariance)
    tolerance = 100 * flow.n**2 * EPS * energy * flow.spectrum.condition
    assert abs(prior.representation_error - expected) <= tolerance
    half = flow.forward(np.eye(flow.n))
    assert abs(np.sum((half - prior.project(half)) ** 2) - expected) <= tolerance + 1e-12 * np.abs(flow.mean).max() ** 2
    # Eckart-Young: no smaller than the best rank-k error of G.
    assert abs(prior.representation_error - np.sum(np.linalg.svd(flow.matrix, compute_uv=False)[k:] ** 2)) <= tolerance


def test_truncation_of_another_rank_is_refuted() -> None:
    flow = LinearFlow.from_spectrum([4.0, 2.0, 1.0], rng=np.random.default_rng(0), mean=[1.0, 2.0, 3.0])
    x = flow.sample(10, np.random.default_rng(1))
    assert np.abs(flow.truncate(1).project(x) - flow.truncate(2).project(x)).max() > 0.1
    assert flow.truncate(1).representation_error == 5.0
    with pytest.raises(InputError, match=r"rank must be a whole number in 0\.\.3"):
        flow.truncate(4)
    with pytest.raises(ShapeError, match=r"z must have shape \(\.\.\., 1\)"):
        flow.truncate(1).forward([1.0, 2.0])


def test_wrong_last_axes_are_refused() -> None:
    flow = LinearFlow.from_spectrum([2.0, 1.0], mean=[1.0, 0.0])
    for call in (flow.forward, flow.inverse, flow.log_prob):
        with pytest.raises(ShapeError, match=r"must have shape \(\.\.\., 2\)"):
            call(np.zeros((2, 3)))
        with pytest.raises(ShapeError, match="got"):
            call(1.0)
        with pytest.raises(InputError, match="must be finite"):
            call([np.nan, 1.0])


# ----------------------------------------------------------------------------------------------------------- files


def _same(a: LinearFlow, b: LinearFlow) -> bool:
    pairs = [(a.basis, b.basis), (a.latent_basis, b.latent_basis)]
    return (
        a.spectrum == b.spectrum
        and a.spectrum.name == b.spectrum.name
        and a.mean.tobytes() == b.mean.tobytes()
        and all((p is None) == (q is None) and (p is None or q is None or p.tobytes() == q.tobytes()) for p, q in pairs)
    )


def _example(kind: str) -> LinearFlow:
    rng = np.random.default_rng(2)
    if kind == "fit":
        return LinearFlow.fit(rng.standard_normal((5, 3)) + 2.0)
    if kind == "diagonal":
        return LinearFlow.from_spectrum(Spectrum.power_law(3), mean=[0.1, 0.2, 0.3])
    if kind == "basis":
        return LinearFlow.from_spectrum([2.0, 1.0], basis=[[0.6, -0.8], [0.8, 0.6]])
    return LinearFlow.from_matrix(rng.standard_normal((3, 3)), mean=rng.standard_normal(3))


@pytest.mark.parametrize("kind", ["fit", "diagonal", "basis", "matrix"])
def test_files_round_trip_bit_for_bit(tmp_path: Path, kind: str) -> None:
    flow, path = _example(kind), tmp_path / "flow"  # no suffix: the path is taken literally
    flow.save(path)
    flow.save(str(path))  # overwriting is allowed
    assert [entry.name for entry in tmp_path.iterdir()] == ["flow"]
    assert _same(LinearFlow.load(path), flow)
    assert not _same(LinearFlow.load(path), _example("fit" if kind != "fit" else "matrix"))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_damaged_byte_is_reported_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, place: float, change: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    flow = _example("matrix")
    flow.save(path)
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= change
    path.write_bytes(bytes(content))
    try:
        loaded = LinearFlow.load(path)
    except DataError as error:
        sentence = str(error)
    else:
        assert _same(loaded, flow)  # a time stamp or another byte that no number depends on
        return
    assert "\n" not in sentence
    assert path.name in sentence


@pytest.mark.parametrize("kept", [0, 10, 100, 900])
def test_half_a_file_is_reported(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "flow.npz"
    _example("matrix").save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"flow\.npz is damaged, or is no npz file"):
        LinearFlow.load(path)


def test_foreign_files_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "flow.npz"
    with pytest.raises(DataError, match=r"cannot read a flow from .*flow\.npz: No such file"):
        LinearFlow.load(path)
    with pytest.raises(DataError, match="cannot read"):
        LinearFlow.load(tmp_path)
    np.savez(path, weights=np.ones(3))
    with pytest.raises(DataError, match="not a linflow flow: it holds weights"):
        LinearFlow.load(path)
    np.savez(path, format="linflow.LinearFlow", version=99)
    with pytest.raises(DataError, match=r"format version 99, but this linflow reads versions 1 and 2"):
        LinearFlow.load(path)
    np.savez(path, format="linflow.LinearFlow", version=1, symmetric=False)
    with pytest.raises(DataError, match="damaged: it lacks 'basis'"):
        LinearFlow.load(path)
    np.savez(
        path,
        format="linflow.LinearFlow",
        version=1,
        symmetric=False,
        name="x",
        basis=np.zeros((0, 0)),
        latent_basis=np.zeros((0, 0)),
        singular_values=np.ones(2),
        mean=np.ones(3),
    )
    with pytest.raises(DataError, match=r"damaged: mean must have shape \(2,\)"):
        LinearFlow.load(path)
    np.savez(path, mean=np.array([{}], dtype=object))
    with pytest.raises(DataError, match="damaged"):
        LinearFlow.load(path)


def test_unwritable_places_are_reported(tmp_path: Path) -> None:
    flow = _example("diagonal")
    with pytest.raises(OutputError, match="cannot write the flow"):
        flow.save(tmp_path / "missing" / "flow.npz")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot write the flow"):
        flow.save(tmp_path / "folder")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
    assert issubclass(OutputError, LinflowError)
