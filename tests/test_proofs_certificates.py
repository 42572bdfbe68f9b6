"""The certificates of proofs/: they hold, not with a fault in the file, and none that is tampered with; linflow agrees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

import linflow as lf
from linflow import LinearFlow, Spectrum, risk
from proofs import bound_certificates, estimator_certificates, rationals
from proofs.estimator_certificates import BasisPursuit, Lasso
from proofs.ledger import Gap
from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    for file in ("bound_certificates", "estimator_certificates"):
        (entry,) = entries_of(file)
        assert entry.holds


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("bound", "positive_semidefinite(self.S + self.lam *", "positive_semidefinite(self.S - self.lam *"),
        ("bound", "value = _k * _lam + sp.Trace(_S)", "value = _lam + sp.Trace(_S)"),
        ("bound", "exactly(self.k * self.lam + trace(self.S)", "exactly(self.lam + trace(self.S)"),
        ("bound", "lam, S = lam + INSIDE, S + INSIDE", "lam, S = lam - INSIDE, S + INSIDE"),
        ("bound", "bounds(n)[n - m][0]", "bounds(n)[m][0]"),
        ("bound", "M = generator(n).transpose() * generator(n)\n    lam", "M = generator(n) * generator(n)\n    lam"),
        ("bound", "P = B.transpose() * (B * B.transpose()).inv() * B", "P = B.transpose() * B"),
        ("bound", "l[k - 1], S, value", "l[k], S, value"),
        ("estimator", "return cls(B, r, B.transpose() * nu, nu)", "return cls(B, r, -B.transpose() * nu, nu)"),
        ("estimator", "(gram + gamma * identity(gram.nrows()))", "(gram + 2 * gamma * identity(gram.nrows()))"),
        (
            "estimator",
            "gradient = _B.T * (_B * _z - _r) + _gamma * _z",
            "gradient = _B.T * (_B * _z - _r) + 2 * _gamma * _z",
        ),
        ("estimator", "least = _lasso(_x) - sp.Trace(_g.T * _d)", "least = _lasso(_x) + sp.Trace(_g.T * _d)"),
        ("estimator", "gram.solve(pattern - A_S.transpose() * approximate)", "gram.solve(pattern)"),
        ("estimator", "A_S.transpose() * y - penalty * pattern", "A_S.transpose() * y + penalty * pattern"),
        ("estimator", "(identity(n) - K) * (identity(n) + K).inv()", "(identity(n) - K) * (identity(n) - K)"),
    ],
)
def test_a_fault_leaves_a_gap(file: str, old: str, new: str) -> None:
    assert gaps(f"{file}_certificates", old, new)


# --------------------------------------------------------------------------------------------------------- tampering


def changed(matrix: fmpq_mat, i: int, j: int, by: Any) -> fmpq_mat:
    """The matrix with one entry changed."""
    rows = [[matrix[a, b] for b in range(matrix.ncols())] for a in range(matrix.nrows())]
    rows[i][j] += by
    return fmpq_mat(rows)


def rejected(certificate: Any, **tampered: Any) -> None:
    certificate.verify()
    with pytest.raises(Gap):
        replace(certificate, **tampered).verify()


def test_a_tampered_bound_is_rejected() -> None:
    bound, attained = bound_certificates.bounds(4)[2]
    rejected(bound, value=bound.value - fmpq(1, 10**9))
    rejected(bound, lam=bound.lam - fmpq(1, 10**6))
    rejected(bound, lam=bound.lam / 2, value=bound.value - 2 * bound.lam / 2)
    rejected(bound, S=-bound.S)
    rejected(bound, S=0 * bound.S, value=2 * bound.lam)
    rejected(bound, S=changed(bound.S, 0, 1, fmpq(1, 10)))
    rejected(bound, M=2 * bound.M)
    # Not semidefinite, though the trace and with it the value are right.
    rejected(bound, S=changed(changed(bound.S, 0, 0, 5), 1, 1, -5))
    rejected(attained, value=attained.value + fmpq(1, 10**9))
    rejected(attained, k=3)
    rejected(attained, Q=changed(attained.Q, 0, 0, fmpq(1, 100)))
    rejected(attained, Q=attained.Q.transpose() * 0)
    # A projector that is not one: an eigenvalue above 1, the trace kept.
    Q = changed(changed(0 * attained.Q, 0, 0, fmpq(3, 2)), 1, 1, fmpq(1, 2))
    rejected(attained, Q=Q, value=rationals.trace(attained.M * Q))


def test_a_tampered_estimate_is_rejected() -> None:
    model = estimator_certificates.problem(3)
    mle, penalised, truncated = model.mle(), model.penalised(fmpq(9)), model.truncated(2)
    rejected(mle, z=changed(mle.z, 0, 0, fmpq(1, 10**12)))
    rejected(mle, nu=-mle.nu)
    rejected(mle, r=2 * mle.r)
    # Another solution of B z = r, not the shortest: no multiplier.
    other = model.penalised(fmpq(1, 10**6)).z
    rejected(mle, z=other, r=mle.B * other)
    rejected(penalised, z=changed(penalised.z, 2, 0, fmpq(1, 10**12)))
    rejected(penalised, gamma=fmpq(8))
    rejected(penalised, gamma=-penalised.gamma)
    rejected(penalised, z=mle.z)
    rejected(truncated, z=changed(truncated.z, 1, 0, fmpq(1, 10**12)))
    # The normal equations have many solutions if there are more columns than rows.
    rejected(penalised, gamma=fmpq(0), z=mle.z)


def test_a_tampered_sparse_estimate_is_rejected() -> None:
    m, n, x = estimator_certificates.SPARSE[2]
    A, y = estimator_certificates.sparse_problem(m, n, x)
    found, shrunk = BasisPursuit.of(A, y), Lasso.of(A, y, fmpq(1, 2))
    rejected(found, nu=-found.nu)
    rejected(found, nu=found.nu / 2)
    rejected(found, nu=changed(found.nu, 0, 0, fmpq(1, 100)))
    rejected(found, x=-found.x)
    rejected(found, x=-found.x, y=-y)
    # The signal that was measured explains y as well, but is longer.
    rejected(found, x=rationals.column(x))
    rejected(shrunk, x=found.x)
    rejected(shrunk, penalty=fmpq(1, 3))
    rejected(shrunk, penalty=fmpq(0))
    rejected(shrunk, x=0 * shrunk.x)


def test_a_multiplier_at_the_boundary_off_the_support_is_rejected() -> None:
    """Two equal columns: a minimiser, but not the only one."""
    A, y = fmpq_mat([[1, 1, 0], [0, 0, 1]]), rationals.column([2, 0])
    one = BasisPursuit(A, y, rationals.column([2, 0, 0]), rationals.column([1, 0]))
    with pytest.raises(Gap, match="off the support"):
        one.verify()
    with pytest.raises(Gap, match="dependent"):
        replace(one, x=rationals.column([1, 1, 0])).verify()


# ----------------------------------------------------------------------------------------------------------- linflow


def floats(matrix: fmpq_mat) -> NDArray[np.float64]:
    found: NDArray[np.float64] = rationals.floats(matrix)
    return found


def vector(matrix: fmpq_mat) -> NDArray[np.float64]:
    return floats(matrix)[:, 0]


@pytest.mark.parametrize("m", [2, 3, 4])
def test_linflow_computes_the_certified_estimates(m: int) -> None:
    model = estimator_certificates.problem(m)
    G, U, mu = model.G, model.U, model.mu
    flow = LinearFlow.from_matrix(floats(G), mean=vector(mu))
    A, y = floats(model.A), vector(model.y)
    # Rounding of the data, amplified by the condition number of B or of A U_k, or by its square.
    assert max(np.linalg.cond(floats(model.B)), np.linalg.cond(A @ floats(U)[:, :m])) < 1000
    tolerance = 1e-10

    def same(found: NDArray[np.float64], exact: fmpq_mat) -> None:
        assert np.abs(found - vector(exact)).max() <= tolerance * np.abs(vector(exact)).max()

    same(lf.mle(flow, A, y), mu + G * model.mle().z)
    for gamma in estimator_certificates.GAMMA:
        exact = mu + G * model.penalised(gamma).z
        same(lf.penalised(flow, A, y, penalty=float(gamma.p) / float(gamma.q)), exact)
        same(lf.map_estimate(flow, A, y, noise_std=(float(gamma.p) / float(gamma.q)) ** 0.5), exact)
    for rank in range(1, m + 1):
        exact = mu + rationals.columns(U, range(rank)) * model.truncated(rank).z
        same(lf.truncated_least_squares(flow, A, y, rank=rank), exact)


@pytest.mark.parametrize(("m", "n", "x"), estimator_certificates.SPARSE)
def test_linflow_computes_the_certified_sparse_estimates(m: int, n: int, x: tuple[int, ...]) -> None:
    A, y = estimator_certificates.sparse_problem(m, n, x)
    found = vector(BasisPursuit.of(A, y).x)
    assert np.abs(lf.basis_pursuit(floats(A), vector(y)) - found).max() < 1e-10 * np.abs(found).max()
    for penalty in estimator_certificates.PENALTIES:
        exact = vector(Lasso.of(A, y, penalty).x)
        computed = lf.lasso(floats(A), vector(y), penalty=float(penalty.p) / float(penalty.q), tolerance=1e-14)

        def objective(point: NDArray[np.float64], weight: fmpq = penalty) -> float:
            residual = floats(A) @ point - vector(y)
            return float(residual @ residual / 2 + float(weight.p) / float(weight.q) * np.abs(point).sum())

        assert abs(objective(computed) / objective(exact) - 1) < 1e-10
        assert np.abs(floats(A) @ (computed - exact)).max() < 1e-5 * np.abs(vector(y)).max()


@pytest.mark.parametrize("n", [2, 5, 8])
def test_linflow_stays_within_the_certified_range(n: int) -> None:
    G = floats(bound_certificates.generator(n))
    spectrum = Spectrum(np.linalg.svd(G, compute_uv=False))
    slack = 1e-5 * spectrum.energy
    for m in range(1, n):
        below, above = bound_certificates.bounds(n)[m][0], bound_certificates.bounds(n)[n - m][0]
        low = float((rationals.trace(below.M) - below.value).p) / float((rationals.trace(below.M) - below.value).q)
        high = float(above.value.p) / float(above.value.q)
        known_low, known_high = risk.error_range(spectrum, m)
        assert known_low - slack <= low <= known_low + 1e-13 * spectrum.energy
        assert known_high - 1e-13 * spectrum.energy <= high <= known_high + slack


def test_linflow_computes_the_rational_errors() -> None:
    """X_A of an explicit A, which is a rational number, by linflow's posterior."""
    for n in (3, 6):
        G = bound_certificates.generator(n)
        flow = LinearFlow.from_matrix(floats(G))
        for m in range(1, n):
            A = rationals.measurements(m, n)
            exact = bound_certificates.error(G, A)
            found = float((lf.posterior(flow, floats(A), np.zeros(m), noise_std=0.0).std ** 2).sum())
            assert np.isclose(found, float(exact.p) / float(exact.q), rtol=1e-9)
