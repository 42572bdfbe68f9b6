"""Fast bases: each is the orthogonal matrix of its definition, and a flow in it is the flow in that matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import linflow as lf
from linflow import bases
from linflow.errors import DataError, InputError, LinflowError, OutputError, ShapeError

few = settings(max_examples=25, deadline=None, derandomize=True)


def cosines(n: int) -> NDArray[np.float64]:
    """DCT-II from its definition: rows are frequencies."""
    k, j = np.arange(n)[:, None], np.arange(n)
    return np.asarray(np.cos(math.pi * k * (2 * j + 1) / (2 * n)) * np.where(k == 0, 1.0, math.sqrt(2.0)) / math.sqrt(n))


def cas(shape: tuple[int, ...]) -> NDArray[np.float64]:
    places = np.stack(np.meshgrid(*(np.arange(s) for s in shape), indexing="ij"), axis=-1).reshape(-1, len(shape))
    angle = 2 * math.pi * (places / np.array(shape)) @ places.T
    return np.asarray((np.cos(angle) + np.sin(angle)) / math.sqrt(len(places)))


class Rotation:
    """Somebody's own: a dense orthogonal matrix behind products."""

    def __init__(self, n: int, fault: str = "") -> None:
        self.U, self.shape, self.fault = np.linalg.qr(np.random.default_rng(0).standard_normal((n, n)))[0], (n, n), fault

    def matvec(self, c: NDArray[np.float64]) -> Any:
        x = self.U @ c
        if self.fault == "input":
            c[:] = 0.0
        return {"long": 1.001 * x, "nan": x * np.nan, "shape": x[:-1], "text": "x", "sign": np.abs(x)}.get(self.fault, x)

    def rmatvec(self, x: NDArray[np.float64]) -> Any:
        c = self.U.T @ x
        return {"long": c / 1.001, "other": c[::-1], "single": c.astype(np.float32), "raises": None}.get(self.fault, c)


BASES: dict[str, Callable[[], Any]] = {
    "dct": lambda: bases.dct((6,)),
    "dct of images": lambda: bases.dct((3, 4)),
    "hartley": lambda: bases.hartley((5,)),
    "hartley of colour": lambda: bases.hartley((2, 3, 2)),
    "haar": lambda: bases.wavelet((8,), name="haar"),
    "db4": lambda: bases.wavelet((16, 8), name="db4", levels=2),
    "db3": lambda: bases.wavelet((4, 4, 2), name="db3", levels=1),
    "short": lambda: bases.wavelet((2,), name="db4", levels=1),
    "no levels": lambda: bases.wavelet((3,), name="db2"),
    "own": lambda: bases.as_basis(Rotation(5), 5),
    "ordered": lambda: bases.Ordered(bases.dct((6,)), np.array([3, 0, 5, 1, 2, 4])),
    "coordinates": lambda: bases.Ordered(None, np.array([2, 0, 1])),
}


@pytest.mark.parametrize("name", BASES)
def test_every_basis_is_an_orthogonal_matrix(name: str) -> None:
    basis = BASES[name]()
    U = np.asarray(basis)
    n = basis.n
    assert basis.shape == U.shape == (n, n)
    np.testing.assert_allclose(U.T @ U, np.eye(n), atol=1e-13)
    x = np.random.default_rng(0).standard_normal((2, 3, n))
    np.testing.assert_allclose(x @ basis, x @ U, atol=1e-13)
    np.testing.assert_allclose(x @ basis.T, x @ U.T, atol=1e-13)
    np.testing.assert_allclose(x[0, 0] @ basis, x[0, 0] @ U, atol=1e-13)
    np.testing.assert_allclose(basis @ x[0].T, U @ x[0].T, atol=1e-13)
    np.testing.assert_allclose(basis.T @ x[0].T, U.T @ x[0].T, atol=1e-13)
    assert (np.zeros((0, n)) @ basis).shape == (0, n)
    with pytest.raises(ShapeError, match="multiplies vectors"):
        np.ones(n + 1) @ basis


def test_transforms_are_those_of_their_definitions() -> None:
    np.testing.assert_allclose(np.asarray(bases.dct((6,))), cosines(6).T, atol=1e-14)
    np.testing.assert_allclose(np.asarray(bases.dct((3, 4))), np.kron(cosines(3), cosines(4)).T, atol=1e-14)
    for shape in ((5,), (2, 3), (2, 3, 2)):
        np.testing.assert_allclose(np.asarray(bases.hartley(shape)), cas(shape), atol=1e-14)
    pywt = pytest.importorskip("pywt")
    x = np.random.default_rng(0).standard_normal((16, 8))
    coefficients = pywt.coeffs_to_array(pywt.wavedecn(x, "haar", mode="periodization", level=2))[0]
    np.testing.assert_allclose(x.ravel() @ bases.wavelet((16, 8), name="haar", levels=2), coefficients.ravel(), atol=1e-13)
    # Twin: the other cosine transform is none of ours.
    assert not np.allclose(np.asarray(bases.dct((6,))), scipy.fft.dct(np.eye(6), type=3, norm="ortho", axis=0).T)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("long", "must be orthogonal"),
        ("other", "must be orthogonal"),
        ("single", "must be orthogonal"),
        ("sign", "must be orthogonal"),
        ("nan", "must return 5 finite numbers"),
        ("shape", "must return 5 finite numbers"),
        ("text", "got 'x'"),
        ("raises", "got None"),
    ],
)
def test_what_is_no_basis_is_one_sentence(fault: str, words: str) -> None:
    lf.LinearFlow(lf.Spectrum.flat(5), basis=Rotation(5, "input"))  # it is given a copy
    with pytest.raises(InputError, match=words) as caught:
        lf.LinearFlow(lf.Spectrum.flat(5), basis=Rotation(5, fault))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bases.dct(4), "shape must be a tuple"),  # type: ignore[arg-type]
        (lambda: bases.dct((0,)), "each side of shape must be a whole number >= 1"),
        (lambda: bases.wavelet((8,), name="bior2.2"), "not orthogonal"),
        (lambda: bases.wavelet((64,), name="dmey", levels=1), "the wavelet 'dmey' must be orthogonal"),
        (lambda: bases.wavelet((8,), name="no such"), "must be a wavelet of PyWavelets"),
        (lambda: bases.wavelet((12,), levels=3), r"levels must be a whole number in 0\.\.2"),
        (lambda: lf.LinearFlow(lf.Spectrum.flat(5), basis=bases.dct((6,))), r"must have shape \(5, 5\)"),
        (lambda: lf.LinearFlow.from_variances([1.0, 0.0]), "variances must be positive"),
        (lambda: lf.LinearFlow.from_variances([2.0, 3.0], basis=bases.dct((3,))), r"must have shape \(2, 2\)"),
        (lambda: lf.LinearFlow.from_variances([2.0, 3.0], basis=np.eye(3)), r"must have shape \(2, 2\)"),
        (lambda: lf.LinearFlow.from_variances([]), "non-empty"),
    ],
)
def test_bases_that_do_not_fit_are_one_sentence(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(LinflowError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


# -------------------------------------------------------------------------------------------------------------- flows


@few
@given(st.sampled_from(sorted(BASES)), st.integers(0, 999))
def test_a_flow_in_a_fast_basis_is_the_flow_in_its_matrix(name: str, seed: int) -> None:
    rng, basis = np.random.default_rng(seed), BASES[name]()
    n = basis.n
    variances, mean = 10.0 ** rng.uniform(-4, 2, n), rng.standard_normal(n)
    fast = lf.LinearFlow.from_variances(variances, mean=mean, basis=basis)
    U = np.asarray(basis)
    np.testing.assert_allclose(fast.covariance, U * variances @ U.T, atol=1e-10)
    slow = lf.LinearFlow.from_variances(variances, mean=mean, basis=U)
    again = lf.LinearFlow.from_spectrum(np.sqrt(variances), mean=mean, basis=basis)
    z, x = rng.standard_normal((2, n)), slow.sample(3, np.random.default_rng(1))
    for flow in (fast, again):
        assert flow.spectrum.singular_values.tolist() == slow.spectrum.singular_values.tolist()
        assert flow.log_det == slow.log_det
        np.testing.assert_allclose(flow.forward(z), slow.forward(z), atol=1e-11)
        np.testing.assert_allclose(flow.inverse(x), slow.inverse(x), atol=1e-9)
        np.testing.assert_allclose(flow.log_prob(x), slow.log_prob(x), atol=1e-7)
        np.testing.assert_allclose(flow.sample(3, np.random.default_rng(1)), x, atol=1e-11)
        np.testing.assert_allclose(flow.matrix, slow.matrix, atol=1e-11)
        rank = n // 2
        np.testing.assert_allclose(flow.truncate(rank).project(x), slow.truncate(rank).project(x), atol=1e-10)
    A = rng.standard_normal((2, n))
    np.testing.assert_allclose(lf.mle(fast, A, x @ A.T), lf.mle(slow, A, x @ A.T), rtol=1e-6, atol=1e-8)
    fast_law, slow_law = (lf.posterior(flow, A, x @ A.T, noise_std=0.3) for flow in (fast, slow))
    np.testing.assert_allclose(fast_law.covariance, slow_law.covariance, atol=1e-8)


def test_variances_stay_with_their_coefficients() -> None:
    flow = lf.LinearFlow.from_variances([[1.0, 4.0], [9.0, 2.0]])
    np.testing.assert_allclose(flow.covariance, np.diag([1.0, 4.0, 9.0, 2.0]))
    U = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    values = np.array([1.0, 3.0, 2.0])
    np.testing.assert_allclose(lf.LinearFlow.from_spectrum(values, basis=U).covariance, U * values**2 @ U.T, atol=1e-14)
    # A stationary law: its covariance is a circulant of the transform of its power spectrum.
    power = np.array([5.0, 2.0, 1.0, 1.0, 2.0])
    covariance = lf.LinearFlow.from_variances(power, basis=bases.hartley((5,))).covariance
    lags = np.fft.ifft(power).real
    np.testing.assert_allclose(covariance, lags[(np.arange(5)[:, None] - np.arange(5)) % 5], atol=1e-14)


@pytest.mark.parametrize("name", [name for name in BASES if name != "own"])
def test_flows_in_fast_bases_come_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    basis = BASES[name]()
    rng = np.random.default_rng(0)
    flow = lf.LinearFlow.from_variances(rng.uniform(1, 2, basis.n), mean=rng.standard_normal(basis.n), basis=basis)
    flow.save(tmp_path / "flow.npz")
    back = lf.LinearFlow.load(tmp_path / "flow.npz")
    z = rng.standard_normal((2, basis.n))
    np.testing.assert_array_equal(back.forward(z), flow.forward(z))
    assert isinstance(back.basis, bases.Basis)
    assert isinstance(flow.basis, bases.Basis)
    assert back.basis.described() == flow.basis.described()


def test_what_a_file_cannot_hold_is_said(tmp_path: Path) -> None:
    path = tmp_path / "flow.npz"
    with pytest.raises(OutputError, match="a basis of one's own cannot be saved"):
        lf.LinearFlow(lf.Spectrum.flat(5), basis=Rotation(5)).save(path)
    assert not path.exists()
    lf.LinearFlow(lf.Spectrum.flat(4), basis=bases.dct((4,))).save(path)
    held = dict(np.load(path))
    assert str(held["version"]) == "2"
    for key, value in (
        ("basis_transform", np.array('{"kind": "dct"')),
        ("basis_transform", np.array('{"kind": "fft", "shape": [4]}')),
        ("basis_transform", np.array('{"kind": "dct", "shape": [4], "levels": 1}')),
        ("basis_transform", np.array('{"kind": "dct", "shape": [5]}')),
        ("basis_transform", np.array("[1]")),
        ("basis_order", np.array([0, 0, 1, 2])),
    ):
        np.savez(path, **{**held, key: value})
        with pytest.raises(DataError, match="damaged") as caught:
            lf.LinearFlow.load(path)
        assert "\n" not in str(caught.value)
    lf.LinearFlow(lf.Spectrum.flat(4)).save(path)
    assert str(np.load(path)["version"]) == "1"


def test_a_million_dimensions_cost_a_million_numbers() -> None:
    side = 1024
    k = np.hypot(*np.meshgrid(np.arange(side), np.arange(side)))
    flow = lf.LinearFlow.from_variances(1 / (1 + k**3), basis=bases.dct((side, side)))
    x = flow.sample((), np.random.default_rng(0))
    np.testing.assert_allclose(flow.forward(flow.inverse(x)), x, atol=1e-10)
    for dense in (
        lambda: flow.matrix,
        lambda: flow.covariance,
        lambda: np.asarray(flow.basis),
        lambda: flow.truncate(10**5),
    ):
        with pytest.raises(InputError, match="GiB"):
            dense()
    assert lf.risk.equivalent(flow.spectrum, 10**5) < flow.spectrum.energy


def test_deep_flows_begin_with_any_basis() -> None:
    deep = pytest.importorskip("linflow.deep")
    flow = lf.LinearFlow.from_variances([1.0, 3.0, 2.0, 4.0], basis=bases.dct((4,)))
    x = flow.sample(2, np.random.default_rng(0))
    np.testing.assert_allclose(deep.RealNVP(flow, steps=1, width=4).log_prob(x).detach(), flow.log_prob(x), rtol=1e-5)
