"""scikit-learn's own checks of the estimator, its life in pipelines and searches, and fitted models read as flows."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.covariance import (
    OAS,
    EmpiricalCovariance,
    GraphicalLasso,
    GraphicalLassoCV,
    LedoitWolf,
    MinCovDet,
    ShrunkCovariance,
)
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import linflow as lf
from linflow.errors import InputError
from linflow.learn import LinearFlowEstimator

X = np.random.default_rng(0).standard_normal((80, 5)) @ np.diag([4.0, 3.0, 2.0, 1.0, 0.5]) + np.arange(5.0)
#: As users call it, unchecked.
raw: Any = lf


@parametrize_with_checks([LinearFlowEstimator(), LinearFlowEstimator(shrinkage=0.5)])  # type: ignore[untyped-decorator]
def test_the_checks_of_scikit_learn(estimator: LinearFlowEstimator, check: Callable[[LinearFlowEstimator], None]) -> None:
    check(estimator)


def test_an_estimator_says_of_its_flow_what_the_flow_says() -> None:
    fitted = lf.LinearFlowEstimator(shrinkage=0.25, name="mine").fit(X)
    flow = lf.LinearFlow.fit(X, shrinkage=0.25)
    assert (fitted.flow_.spectrum, fitted.flow_.spectrum.name, fitted.n_features_in_) == (flow.spectrum, "mine", 5)
    assert np.array_equal(fitted.score_samples(X), flow.log_prob(X))
    assert fitted.score(X) == pytest.approx(flow.log_prob(X).mean(), rel=1e-14)
    assert np.array_equal(fitted.transform(X), flow.inverse(X))
    np.testing.assert_allclose(fitted.inverse_transform(fitted.transform(X)), X, rtol=1e-12)
    assert np.array_equal(fitted.sample(3, random_state=7), flow.sample(3, np.random.default_rng(7)))
    assert lf.LinearFlow.from_sklearn(fitted) is fitted.flow_
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.score_samples(X), fitted.score_samples(X))
    for attribute in ("score_samples", "transform", "score"):  # one name for one thing: these are scikit-learn's
        assert not hasattr(flow, attribute)


def test_names_of_columns_come_in_and_go_out() -> None:
    frame = pd.DataFrame(X, columns=list("abcde"))
    fitted = LinearFlowEstimator().set_output(transform="pandas").fit(frame)
    assert fitted.feature_names_in_.tolist() == list("abcde")
    latents = fitted.transform(frame)
    assert list(latents.columns) == [f"linearflowestimator{i}" for i in range(5)]
    np.testing.assert_allclose(fitted.inverse_transform(latents), X, rtol=1e-12)
    with pytest.raises(ValueError, match="feature names"):
        fitted.score(frame[list("edcba")])


def test_pipelines_and_searches() -> None:
    pipeline = make_pipeline(StandardScaler(), LinearFlowEstimator(shrinkage=0.0))
    scaled = StandardScaler().fit_transform(X)
    assert pipeline.fit(X).score(X) == pytest.approx(lf.LinearFlow.fit(scaled, shrinkage=0.0).log_prob(scaled).mean())
    np.testing.assert_allclose(pipeline.inverse_transform(pipeline.transform(X)), X, rtol=1e-12)
    few = X[:7]
    search = GridSearchCV(LinearFlowEstimator(), {"shrinkage": [0.01, 0.3, 0.99, "oas", "ledoit-wolf"]}, cv=3).fit(few)
    by_hand = []
    for shrinkage in search.param_grid["shrinkage"]:
        folds = np.array_split(np.arange(7), 3)
        fits = [lf.LinearFlow.fit(np.delete(few, fold, axis=0), shrinkage=shrinkage) for fold in folds]
        by_hand.append(np.mean([fit.log_prob(few[fold]).mean() for fit, fold in zip(fits, folds, strict=True)]))
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], by_hand, rtol=1e-12)
    assert search.best_params_["shrinkage"] == search.param_grid["shrinkage"][int(np.argmax(by_hand))]
    assert clone(search.best_estimator_).get_params() == search.best_estimator_.get_params()
    assert not hasattr(clone(search.best_estimator_), "flow_")


def masked() -> Any:
    values = np.ma.masked_array(X, mask=False)
    values[0, 0] = np.ma.masked
    return values


#: what scikit-learn reads as numbers, and nobody means by them
REFUSED: dict[str, Callable[[], Any]] = {
    "masked": masked,
    "text": lambda: X.astype(str),
    "booleans": lambda: X > 0,
    "grad": lambda: torch.tensor(X, requires_grad=True),
    "constant": lambda: np.ones((9, 5)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_number_is_refused_by_every_method(name: str) -> None:
    value, fitted = REFUSED[name](), LinearFlowEstimator().fit(X)
    with pytest.raises(InputError) as error:
        LinearFlowEstimator().fit(value)
    assert "\n" not in str(error.value)
    if name != "constant":
        for method in (fitted.score, fitted.score_samples, fitted.transform, fitted.inverse_transform):
            with pytest.raises(InputError, match=r"^X "):
                method(value)


def test_wrong_parameters_are_told_at_fit() -> None:
    for wrong in (2.0, "best", None, True):
        estimator = raw.LinearFlowEstimator(shrinkage=wrong)
        with pytest.raises(InputError, match="shrinkage"):
            estimator.fit(X)
    fitted = raw.LinearFlowEstimator().fit(X)
    for wrong in (None, True, -1, "0"):
        with pytest.raises(InputError, match=r"^random_state must be"):
            fitted.sample(2, random_state=wrong)
    for method in ("score", "score_samples", "transform", "inverse_transform"):
        with pytest.raises(NotFittedError):
            getattr(LinearFlowEstimator(), method)(X)


# ------------------------------------------------------------------------------------------------- fitted models as flows


def reference(model: Any) -> tuple[Any, Any]:
    """Mean and covariance as the model itself says them; of a graphical lasso what its score follows."""
    if isinstance(model, GraphicalLasso | GraphicalLassoCV):
        return model.location_, np.linalg.inv(model.get_precision())
    if isinstance(model, EmpiricalCovariance):
        return model.location_, model.covariance_
    return model.mean_, model.get_covariance()


MODELS: dict[str, Any] = {
    "PCA": PCA(n_components=2),
    "PCA of all": PCA(),
    "PCA by a share": PCA(n_components=0.9),
    "PCA by its likelihood": PCA(n_components="mle"),
    "PCA by a covariance": PCA(n_components=3, svd_solver="covariance_eigh"),
    "PCA randomised": PCA(n_components=3, svd_solver="randomized", random_state=0),
    "PCA of one": PCA(n_components=1),
    "factors": FactorAnalysis(n_components=2),
    "no factors": FactorAnalysis(n_components=0),
    "rotated factors": FactorAnalysis(n_components=3, rotation="varimax"),
    "empirical": EmpiricalCovariance(),
    "centred": EmpiricalCovariance(assume_centered=True),
    "without its precision": EmpiricalCovariance(store_precision=False),
    "Ledoit-Wolf": LedoitWolf(),
    "OAS": OAS(),
    "shrunk": ShrunkCovariance(shrinkage=0.3),
    "robust": MinCovDet(random_state=0),
    "graphical lasso": GraphicalLasso(alpha=0.5),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_fitted_model_keeps_its_density(name: str) -> None:
    model = clone(MODELS[name]).fit(X)
    flow = lf.LinearFlow.from_sklearn(model)
    mean, covariance = reference(model)
    np.testing.assert_allclose(flow.mean, mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(flow.covariance, covariance, rtol=1e-9, atol=1e-9 * np.abs(covariance).max())
    np.testing.assert_allclose(flow.log_prob(X), multivariate_normal(mean, covariance).logpdf(X), rtol=1e-9)
    if hasattr(model, "score_samples"):
        np.testing.assert_allclose(flow.log_prob(X), model.score_samples(X), rtol=1e-9)
    assert flow.log_prob(X).mean() == pytest.approx(model.score(X), rel=1e-9)
    if hasattr(model, "mahalanobis"):
        np.testing.assert_allclose(np.sum(flow.inverse(X) ** 2, axis=1), model.mahalanobis(X), rtol=1e-9)
    assert flow.spectrum.name == type(model).__name__
    assert lf.LinearFlow.from_sklearn(model, name="mine").spectrum.name == "mine"


@given(st.integers(2, 6), st.integers(1, 5), st.integers(0, 2**32), st.floats(-6, 6))
@settings(max_examples=25, deadline=None)
def test_probabilistic_components_of_any_size_and_unit(n: int, rank: int, seed: int, decades: float) -> None:
    rng = np.random.default_rng(seed)
    samples = 10.0**decades * (rng.standard_normal((40, n)) @ rng.standard_normal((n, n)) + rng.standard_normal(n))
    model = PCA(n_components=min(rank, n)).fit(samples)
    flow = lf.LinearFlow.from_sklearn(model)
    if flow.spectrum.condition < 1e4:
        np.testing.assert_allclose(flow.log_prob(samples), model.score_samples(samples), rtol=1e-6, atol=1e-6)
    kept = np.maximum(model.explained_variance_, model.noise_variance_)
    np.testing.assert_allclose(flow.spectrum.variances[: kept.size], kept, rtol=1e-9)


def test_single_precision_is_read_as_what_it_says() -> None:
    model = PCA(n_components=2).fit(X.astype(np.float32))
    np.testing.assert_allclose(lf.LinearFlow.from_sklearn(model).log_prob(X), model.score_samples(X), rtol=1e-4)


#: model -> what is said
NO_FLOWS: dict[str, tuple[Callable[[], Any], str]] = {
    "not fitted": (PCA, "model is a PCA that is not fitted: call its fit(X) first"),
    "covariance not fitted": (OAS, "model is an OAS that is not fitted"),
    "no estimator of ours": (lambda: LinearFlowEstimator(), "model must be a fitted PCA, FactorAnalysis or covariance"),
    "another type": (lambda: KMeans(2, n_init=1, random_state=0).fit(X), "got a KMeans"),
    "a class": (lambda: PCA, "got "),
    "text": (lambda: "PCA", "got 'PCA'"),
    "none": (lambda: None, "got None"),
    "whitened": (lambda: PCA(2, whiten=True).fit(X), "whiten=False"),
    "singular components": (lambda: PCA().fit(X[:3]), "the covariance of this PCA is singular"),
    "nearly singular": (lambda: PCA(svd_solver="covariance_eigh").fit(X[:4]), "the covariance of this PCA is singular"),
    "singular": (lambda: EmpiricalCovariance().fit(X[:4]), "the covariance of this EmpiricalCovariance is singular"),
}


@pytest.mark.parametrize("name", NO_FLOWS)
def test_what_has_no_density_is_one_sentence(name: str) -> None:
    make, words = NO_FLOWS[name]
    with pytest.raises(InputError) as error:
        raw.LinearFlow.from_sklearn(make())
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_graphical_lasso_that_disagrees_with_itself_is_refused() -> None:
    model = GraphicalLasso(alpha=0.5).fit(X)
    model.precision_ = 1.1 * model.precision_  # a planted fault
    with pytest.raises(InputError, match="not inverse to each other"):
        lf.LinearFlow.from_sklearn(model)
