"""Gaussian models of data and the posteriors that follow from them, against scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from linflow.bench.contest import Contest, Side, Work, relative
from linflow.bench.effort import Effort
from linflow.checks import FloatArray
from linflow.estimators import mle, posterior
from linflow.flow import LinearFlow
from linflow.spectrum import Spectrum

#: scikit-learn's estimators by linflow's names for their shrinkage.
_SHRINKAGES = {"oas": "OAS", "ledoit-wolf": "LedoitWolf"}
_NOISE = 0.1


def fits(effort: Effort) -> Iterator[Contest]:
    """`LinearFlow.fit`, which ends in eigenvectors, against the covariance alone and against its decomposition."""
    sizes = effort.pick(quick=(256,), usual=(1024,), long=(1024, 4096, 12288))
    for n in sizes:
        samples = max(100, n // 4)
        X = np.random.default_rng(0).standard_normal((samples, n)) / np.arange(1.0, n + 1)
        v = np.random.default_rng(1).standard_normal(n)
        for shrinkage, name in _SHRINKAGES.items():
            rivals = [Side(f"scikit-learn {name}", partial(_covariance, X, v, name), note="the covariance alone")]
            if n <= 4096:  # beyond, eigenvectors of a full matrix take a quarter of an hour
                rivals.append(Side(f"scikit-learn {name} and eigh", partial(_decomposed, X, v, name), goal=10.0))
            yield Contest(
                row="models of data",
                size=f"n = {n}, {samples} samples, {shrinkage}",
                n=n,
                ours=Side("LinearFlow.fit", partial(_fitted, X, v, shrinkage)),
                rivals=rivals,
                far=relative,
                tolerance=1e-8,
            )


def posteriors(effort: Effort) -> Iterator[Contest]:
    """Mean and standard deviations of x given noisy measurements: a Gaussian process with the kernel ``A Sigma A^T``."""
    n, m = effort.pick(quick=(128, 32), usual=(1024, 256), long=(4096, 1000))
    flow = LinearFlow.from_spectrum(Spectrum.power_law(n))
    rng = np.random.default_rng(0)
    A = rng.standard_normal((m, n))
    exact = A @ flow.sample(1, rng)[0]
    y = exact + _NOISE * rng.standard_normal(m)
    kernel = ("scikit-learn GaussianProcessRegressor",)
    yield Contest(
        row="posterior",
        size=f"mean and deviations, n = {n}, m = {m}",
        n=n,
        ours=Side("lf.posterior", partial(_posterior, flow, A, y)),
        rivals=(Side(*kernel, partial(_process, flow, A, y, deviations=True), goal=10.0),),
        far=relative,
        tolerance=1e-6,
    )
    yield Contest(
        row="posterior",
        size=f"mle, n = {n}, m = {m}",
        n=n,
        ours=Side("lf.mle", lambda: Work(lambda: mle(flow, A, exact))),
        rivals=(Side(*kernel, partial(_process, flow, A, exact, deviations=False), goal=10.0, note="with noise 1e-6"),),
        far=relative,
        tolerance=1e-4,
    )


def _fitted(X: FloatArray, v: FloatArray, shrinkage: str) -> Work:
    def answer() -> FloatArray:
        flow = LinearFlow.fit(X, shrinkage=shrinkage)
        U = np.asarray(flow.basis)
        return np.asarray(U @ (flow.spectrum.singular_values**2 * (U.T @ v)))

    return Work(lambda: LinearFlow.fit(X, shrinkage=shrinkage), answer=answer)


def _estimated(X: FloatArray, name: str) -> FloatArray:
    from sklearn import covariance

    found: FloatArray = getattr(covariance, name)(store_precision=False).fit(X).covariance_
    return found


def _covariance(X: FloatArray, v: FloatArray, name: str) -> Work:
    return Work(lambda: _estimated(X, name), answer=lambda: _estimated(X, name) @ v)


def decomposed(X: FloatArray, name: str) -> tuple[FloatArray, FloatArray]:
    """Variances and eigenvectors of scikit-learn's estimate of a covariance."""
    from scipy.linalg import eigh

    variances, U = eigh(_estimated(X, name))
    return variances, U


def _decomposed(X: FloatArray, v: FloatArray, name: str) -> Work:
    def answer() -> FloatArray:
        variances, U = decomposed(X, name)
        return np.asarray(U @ (variances * (U.T @ v)))

    return Work(lambda: decomposed(X, name), answer=answer)


def _posterior(flow: LinearFlow, A: FloatArray, y: FloatArray) -> Work:
    def run() -> FloatArray:
        found = posterior(flow, A, y, noise_std=_NOISE)
        return np.stack([found.mean, found.std])

    return Work(run)


def _process(flow: LinearFlow, A: FloatArray, y: FloatArray, *, deviations: bool) -> Work:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import DotProduct

    s = flow.spectrum.singular_values

    def run() -> FloatArray:
        kernel = DotProduct(sigma_0=0.0, sigma_0_bounds="fixed")
        noise = _NOISE**2 if deviations else 1e-12
        process = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(A * s, y)
        if not deviations:
            return np.asarray(process.predict(np.diag(s)))
        return np.stack(process.predict(np.diag(s), return_std=True))

    return Work(run)
