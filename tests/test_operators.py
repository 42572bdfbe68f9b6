"""Operators of one's own: every form of the same matrix measures the same, and what is no operator is one sentence."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import linflow as lf
from linflow import measurement as ms
from linflow.errors import InputError, LinflowError, ShapeError
from tests.faults.recipes import fill

quick = settings(max_examples=30, deadline=None, derandomize=True)


class ByProducts:
    """`shape`, `matvec`, `rmatvec`, and nothing else."""

    def __init__(self, A: NDArray[Any]) -> None:
        self._A, self.shape = A, A.shape

    def matvec(self, x: NDArray[Any]) -> Any:
        return self._A @ x

    def rmatvec(self, y: NDArray[Any]) -> Any:
        return self._A.conj().T @ y


class ByHand:
    """`shape`, `@` and one of `.T`, `.H`."""

    def __init__(self, A: NDArray[Any], adjoint: str) -> None:
        self._A, self.shape, self._adjoint = A, A.shape, adjoint
        if adjoint:
            setattr(self, adjoint, ByHand(A.T if adjoint == "T" else A.conj().T, ""))

    def __matmul__(self, x: NDArray[Any]) -> Any:
        return self._A @ x


class Physics(torch.nn.Module):
    """Signals of shape (2, 3, 1), measured by a matrix of torch's, in its own precision."""

    def __init__(self, A: NDArray[Any], dtype: torch.dtype = torch.float64) -> None:
        super().__init__()
        self.register_buffer("matrix", torch.tensor(A).to(dtype))

    def A(self, x: torch.Tensor) -> torch.Tensor:
        matrix: torch.Tensor = self.get_buffer("matrix")
        return (matrix @ x.reshape(-1)).reshape(1, -1, 1)

    def A_adjoint(self, y: torch.Tensor) -> torch.Tensor:
        matrix: torch.Tensor = self.get_buffer("matrix")
        return (matrix.conj().T @ y.reshape(-1)).reshape(1, 2, 3, 1)


def pylops_matrix(A: NDArray[Any]) -> Any:
    return pytest.importorskip("pylops").MatrixMult(A, dtype=A.dtype)


FORMS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "array": lambda A: A,
    "list": lambda A: A.tolist(),
    "csr": scipy.sparse.csr_array,
    "coo": scipy.sparse.coo_matrix,
    "scipy": aslinearoperator,
    "scipy, sparse": lambda A: aslinearoperator(scipy.sparse.csr_array(A)),
    "scipy, by functions": lambda A: LinearOperator(A.shape, lambda x: A @ x, lambda y: A.conj().T @ y, dtype=A.dtype),
    "products": ByProducts,
    "@ and T": lambda A: ByHand(A, "T"),
    "@ and H": lambda A: ByHand(A, "H"),
    "pylops": pylops_matrix,
    "again": lambda A: ms.as_operator(ByProducts(A)),
}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_matrix_measures_the_same(name: str, kind: str) -> None:
    rng = np.random.default_rng(0)
    A = ms.gaussian(3, 6, rng, field="real" if kind == "real" else "complex")
    operator = ms.as_operator(FORMS[name](A))
    x, y = rng.standard_normal((6, 2)), rng.standard_normal((3, 2)) + (1j if kind == "complex" else 0)
    assert isinstance(operator, LinearOperator)
    assert (operator.shape, operator.dtype) == (A.shape, A.dtype)
    np.testing.assert_allclose(operator.matmat(x), A @ x, rtol=1e-13)
    np.testing.assert_allclose(operator.rmatmat(y), A.conj().T @ y, rtol=1e-13)
    np.testing.assert_allclose(operator.matvec(x[:, 0]), A @ x[:, 0], rtol=1e-13)
    np.testing.assert_allclose(ms.as_dense(FORMS[name](A)), A, rtol=1e-14)
    np.testing.assert_allclose(ms.apply(FORMS[name](A), x.T), x.T @ A.T, rtol=1e-13)
    assert operator.matmat(np.zeros((6, 0))).shape == (3, 0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.complex128, torch.complex64])
def test_physics_of_torch_are_flat_operators(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(1)
    A = np.asarray(torch.tensor(ms.gaussian(4, 6, rng, field="complex")).to(torch.complex64))
    A = A if dtype.is_complex else A.real.copy()
    physics = Physics(A, dtype)
    if dtype.is_complex:  # it takes real signals
        physics.A = lambda x: Physics.A(physics, x.to(dtype))  # type: ignore[method-assign]
    operator = ms.from_physics(physics, shape=(2, 3, 1))
    x, y = rng.standard_normal(6), rng.standard_normal(4)
    rtol = 1e-13 if dtype in (torch.float64, torch.complex128) else 1e-5
    np.testing.assert_allclose(operator.matvec(x), A @ x, rtol=rtol)
    np.testing.assert_allclose(operator.rmatvec(y), A.conj().T @ y, rtol=rtol)
    assert operator.shape == (4, 6)


def test_what_is_no_physics_is_one_sentence() -> None:
    class One:
        def A(self, x: torch.Tensor) -> Any:
            return x

    class Sum:
        def A(self, x: torch.Tensor) -> Any:
            return x.sum()

        def A_adjoint(self, y: torch.Tensor) -> Any:
            return y

    class Raises(Sum):
        def A(self, x: torch.Tensor) -> Any:
            raise RuntimeError("no\ngood")

    for physics, words in (
        (One(), "without A_adjoint"),
        (Sum(), "one tensor with one"),
        (Raises(), "RuntimeError: no good"),
    ):
        with pytest.raises(LinflowError, match=words) as caught:
            ms.from_physics(physics, shape=(2,))
        assert "\n" not in str(caught.value)
    with pytest.raises(ShapeError, match="shape must be a tuple"):
        ms.from_physics(Sum(), shape=2)  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------------------ what is no operator


class Faulty(ByProducts):
    """A right operator but for one thing."""

    def __init__(self, A: NDArray[Any], fault: str) -> None:
        super().__init__(A)
        self.fault = fault

    def matvec(self, x: NDArray[Any]) -> Any:
        y = self._A @ x
        if self.fault == "input":
            x[0] = 0.0
        faults: dict[str, Callable[[], Any]] = {
            "nan": lambda: y * np.nan,
            "short": lambda: y[:-1],
            "matrix": lambda: np.outer(y, y),
            "raises": lambda: SENTENCES["none"],
            "text": lambda: "no numbers",
            "grad": lambda: torch.tensor(y, requires_grad=True),
        }
        return faults.get(self.fault, lambda: y)()

    def rmatvec(self, y: NDArray[Any]) -> Any:
        x = super().rmatvec(y)
        if self.fault == "adjoint input":
            y *= 0
        faults: dict[str, Callable[[], Any]] = {
            "adjoint": lambda: 1.001 * x,
            "sign": lambda: x * np.where(np.arange(len(x)) == 1, -1.0, 1.0),
            "adjoint nan": lambda: x / 0.0,
            "adjoint short": lambda: x[:-1],
        }
        with np.errstate(divide="ignore"):
            return faults.get(self.fault, lambda: x)()


SENTENCES = {
    "input": "changes its input",
    "nan": "is not finite",
    "short": "A x must have 4 entries",
    "matrix": "A x must have 4 entries|raised",
    "raises": "the product A x of an operator raised KeyError: 'none'",
    "text": "got 'no numbers'",
    "grad": "requires grad",
    "adjoint input": "changes its input",
    "adjoint": "the adjoint of A is none: for random x and y",
    "sign": "the adjoint of A is none",
    "adjoint nan": "is not finite",
    "adjoint short": "must have 6 entries",
}


def both_products(A: Any) -> None:
    operator = ms.as_operator(A)
    operator.matvec(np.ones(6))
    operator.rmatvec(np.ones(4))


@pytest.mark.parametrize("fault", SENTENCES)
def test_a_faulty_product_is_one_sentence(fault: str) -> None:
    A = np.random.default_rng(0).standard_normal((4, 6))
    assert ms.as_operator(Faulty(A, "")).rmatvec(np.ones(4)).shape == (6,)
    with pytest.raises(InputError, match=SENTENCES[fault]) as caught:
        both_products(Faulty(A, fault))
    assert "\n" not in str(caught.value)


def test_what_is_no_operator_is_one_sentence() -> None:
    class NoShape:
        shape = (2, 2, 2)

        def matvec(self, x: Any) -> Any:
            return x

    class NoAdjoint:
        shape = (2, 2)

        def matvec(self, x: Any) -> Any:
            return x

    class Lies(ByProducts):
        dtype = np.dtype(np.float64)

    for wrong, words in (
        (NoShape(), r"must have a shape \(m, n\)"),
        ("A", "A must be an array of numbers"),
        (None, "A must be an array of numbers"),
        (np.ones(3), r"A must be an \(m, n\) matrix"),
        (np.array([[np.nan]]), "A must be finite"),
        (scipy.sparse.csr_array([[np.inf]]), "A must be finite"),
    ):
        for function in (ms.as_operator, ms.as_dense):
            with pytest.raises(InputError, match=words):
                function(wrong)
    operator = ms.as_operator(NoAdjoint())
    assert operator.matvec(np.ones(2)).tolist() == [1.0, 1.0]
    with pytest.raises(InputError, match="A has no adjoint"):
        operator.rmatvec(np.ones(2))
    with pytest.raises(InputError, match="complex, but the dtype of A is real"):
        ms.as_operator(Lies(np.eye(2) * 1j)).matvec(np.ones(2))


def test_the_adjoint_is_held_to_the_precision_of_the_operator() -> None:
    """A single-precision adjoint passes as one, and not as one in double precision."""
    A = np.random.default_rng(0).standard_normal((40, 60))
    single = A.astype(np.float32)

    class Single(ByProducts):
        dtype: Any = np.dtype(np.float32)

        def rmatvec(self, y: NDArray[Any]) -> Any:
            return single.T @ y.astype(np.float32)

    assert ms.as_operator(Single(single)).rmatvec(np.ones(40)).dtype == np.float64
    Single.dtype = np.dtype(np.float64)
    with pytest.raises(InputError, match="the adjoint of A is none"):
        ms.as_operator(Single(single)).rmatvec(np.ones(40))


def test_functions_of_vectors_are_given_vectors() -> None:
    """As people write them: SciPy would hand them columns of shape (n, 1) whenever it multiplies a matrix."""
    kept = np.array([4, 0, 2])

    def adjoint(y: NDArray[Any]) -> NDArray[Any]:
        full = np.zeros(5)
        full[kept] = y
        return full

    A = LinearOperator((3, 5), matvec=lambda x: x[kept], rmatvec=adjoint, dtype=float)
    twice = ms.as_operator(2.0 * A)
    np.testing.assert_array_equal(twice.matmat(np.eye(5)), 2 * np.eye(5)[kept])
    np.testing.assert_array_equal(twice.rmatmat(np.eye(3)), 2 * np.eye(5)[:, kept])
    np.testing.assert_array_equal(ms.as_dense(A), np.eye(5)[kept])
    np.testing.assert_array_equal(ms.apply(A, np.eye(5)), np.eye(5)[:, kept])


def test_checked_operators_travel() -> None:
    A = ms.as_operator(ms.subsampled_dct(3, 8, np.random.default_rng(0)))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(A)).matvec(np.ones(8)), A.matvec(np.ones(8)))


# ---------------------------------------------------------------------------------------------------------- ensembles


@pytest.mark.parametrize("name", ms.ensembles())
def test_every_ensemble_is_simulated(name: str) -> None:
    ensemble, spectrum = ms.ensembles()[name], lf.Spectrum.power_law(16, 1.0)
    curves = lf.risk.simulate(spectrum, trials=2, seed=0, ensemble=ensemble)
    dense = lf.risk.simulate(spectrum, trials=2, seed=0, ensemble=lambda m, n, rng: ms.as_dense(ensemble(m, n, rng)))
    np.testing.assert_array_equal(curves, dense)
    assert curves.shape == (2, 17)
    assert (np.diff(curves, axis=1) <= 1e-12).all()


def test_an_ensemble_of_ones_own_is_simulated_in_any_form() -> None:
    spectrum = lf.Spectrum.power_law(6, 0.5)
    forms = [FORMS[name] for name in ("array", "csr", "scipy", "products", "@ and H")]
    curves = [
        lf.risk.simulate(spectrum, trials=2, seed=1, ensemble=lambda m, n, rng, f=form: f(rng.standard_normal((m, n))))  # type: ignore[misc]
        for form in forms
    ]
    for found in curves[1:]:
        np.testing.assert_allclose(found, curves[0], rtol=1e-12, atol=1e-12)
    with pytest.raises(ShapeError, match="the ensemble must return shape"):
        lf.risk.simulate(spectrum, trials=1, seed=0, ensemble=lambda m, n, rng: np.ones((m, n + 1)))


def test_the_table_of_ensembles_is_every_random_one() -> None:
    random = {n for n in ms.__all__ if "rng" in inspect.signature(getattr(ms, n)).parameters}
    assert random == {name.replace(" ", "_") for name in ms.ensembles()} - {"complex_gaussian"}
    ms.ensembles().clear()
    assert ms.ensembles()


@quick
@given(st.sampled_from(sorted(FORMS)), st.integers(1, 5), st.integers(1, 6), st.integers(0, 999))
def test_products_are_those_of_the_matrix(name: str, m: int, n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, x, y = rng.standard_normal((m, n)), rng.standard_normal(n), rng.standard_normal(m)
    operator = ms.as_operator(FORMS[name](A))
    np.testing.assert_allclose(operator.matvec(x), A @ x, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(operator.rmatvec(y), A.T @ y, rtol=1e-11, atol=1e-12)


OF_MEASUREMENTS = {
    name: recipe
    for name, recipe in fill().items()
    if recipe.arguments.get("A") is not None
    and recipe.arguments["A"].kind == "measurement"
    and not name.startswith("deep.")
}


@pytest.mark.parametrize("form", [aslinearoperator, scipy.sparse.csr_array])
def test_nothing_is_multiplied_out_that_the_machine_cannot_hold(
    form: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {"truncated_least_squares", "gradient_flow", "posterior", "measurement.as_dense"} <= set(OF_MEASUREMENTS)
    answered: list[tuple[str, float]] = []
    refused: dict[tuple[str, float], str] = {}
    for room in (1e9, 8.0):
        monkeypatch.setattr("linflow.measurement.operators.memory_of_machine", lambda room=room: room)
        for name, recipe in OF_MEASUREMENTS.items():
            given = recipe.fixed() | {key: argument.make() for key, argument in recipe.arguments.items()}
            given["A"] = form(np.atleast_2d(given["A"]))
            try:
                recipe.function(**given)
                answered.append((name, room))
            except LinflowError as error:
                # What takes no operators says so, with any memory.
                if "multiplied out" in str(error):
                    refused[name, room] = str(error)
    assert all(room == 8.0 for _, room in refused)
    assert all("GiB of memory: use an estimator" in said and "\n" not in said for said in refused.values())
    names = {name for name, _ in refused}
    assert {"truncated_least_squares", "gradient_flow", "posterior", "measurement.as_dense"} <= names
    # Twin: with room, the same calls are answered.
    assert {(name, 1e9) for name in names} <= set(answered)


def test_a_huge_operator_is_refused_before_it_is_multiplied() -> None:
    n = 2**20
    A = LinearOperator((2**10 * n, n), matvec=unused, rmatvec=unused, dtype=np.float64)  # 8 PiB
    flow = lf.LinearFlow.from_spectrum(lf.Spectrum.flat(n))
    y = np.zeros(1)
    for estimate in (
        lambda: lf.truncated_least_squares(flow, A, y, rank=3),
        lambda: lf.gradient_flow(flow, A, y, time=1.0),
        lambda: ms.as_dense(A),
    ):
        with pytest.raises(InputError, match=r"A multiplied out has 1073741824 x 1048576 entries"):
            estimate()


def unused(x: Any) -> Any:
    raise AssertionError("a product was made")


def test_what_cannot_be_gone_through_is_one_sentence() -> None:
    class Ragged:  # as PyTorch's nested tensors: to be gone through, but for an error of its library
        def __iter__(self) -> Any:
            raise RuntimeError("no sizes")

    def broken() -> Any:
        yield [1.0]
        raise ZeroDivisionError

    wrong: tuple[Any, ...] = (Ragged(), broken(), 3.0, "ab")
    for several in wrong:
        with pytest.raises(InputError, match="spectra must be several of Spectrum, in a list, got"):
            lf.Spectrum.concatenate(several)
    assert lf.Spectrum.concatenate([[1.0, 2.0], [3.0]]).n == 3
