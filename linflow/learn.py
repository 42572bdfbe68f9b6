"""scikit-learn's habits around a linear flow: an estimator that is fitted, cloned, searched over and put into pipelines.

One thing has one name in each of the two worlds. A :class:`~linflow.LinearFlow` is a fitted model and knows `log_prob`,
`inverse` and `forward`, and none of scikit-learn's words; an estimator is a recipe that becomes one by `fit`, and says
`score_samples`, `transform` and `inverse_transform` of it. The way across is `flow_` in the one direction and
:meth:`LinearFlow.from_sklearn` in the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from linflow.arrays import NoArray, numeric
from linflow.checks import FloatArray, Random, generator, positive_int
from linflow.flow import LinearFlow


class LinearFlowEstimator(NoArray, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """`LinearFlow.fit` as an estimator of scikit-learn.

    Parameters
    ----------
    shrinkage : "oas", "ledoit-wolf", or a float in [0, 1]
        As in :meth:`LinearFlow.fit`; checked by `fit`, as scikit-learn's habit is.
    name : str
        Of the spectrum of the flow.

    Attributes
    ----------
    flow_ : LinearFlow
    n_features_in_ : int
    feature_names_in_ : (n,) array of str, if X had names

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> X = np.random.default_rng(0).standard_normal((60, 5)) * [5.0, 4.0, 3.0, 2.0, 1.0]
    >>> search = GridSearchCV(LinearFlowEstimator(), {"shrinkage": [0.0, 0.1, 0.9, "oas"]}).fit(X)
    >>> flow = search.best_estimator_.flow_
    >>> bool(np.allclose(search.score(X), flow.log_prob(X).mean()))
    True
    """

    _instead = "its flow_"

    def __init__(self, *, shrinkage: str | float = "oas", name: str = "data") -> None:
        self.shrinkage = shrinkage
        self.name = name

    def fit(self, X: ArrayLike, y: object = None) -> LinearFlowEstimator:
        """Fit the flow to X (samples, n), [x]; `y` is there for pipelines and not read."""
        self.flow_ = LinearFlow.fit(self._read(X, reset=True), shrinkage=self.shrinkage, name=self.name)
        return self

    def score_samples(self, X: ArrayLike) -> FloatArray:
        """Log density of each sample of X (samples, n), [x] -> (samples,): `LinearFlow.log_prob`."""
        return self._fitted().log_prob(self._read(X))

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Mean log density of the samples of X: what a search over parameters maximises."""
        return float(np.mean(self.score_samples(X)))

    def transform(self, X: ArrayLike) -> FloatArray:
        """Latents of X (samples, n), [x] -> (samples, n), white under the model: `LinearFlow.inverse`."""
        return self._fitted().inverse(self._read(X))

    def inverse_transform(self, X: ArrayLike) -> FloatArray:
        """Signals of the latents X (samples, n) -> (samples, n), [x]: `LinearFlow.forward`."""
        flow = self._fitted()
        return flow.forward(numeric(X, "X", "an array of real numbers"))

    def sample(self, n_samples: int = 1, *, random_state: Random) -> FloatArray:
        """Independent draws, (n_samples, n), [x]; `random_state` is a Generator of NumPy, or a whole number as its seed."""
        return self._fitted().sample(positive_int(n_samples, "n_samples"), generator(random_state, "random_state"))

    @property
    def _n_features_out(self) -> int:
        return self._fitted().n

    def _fitted(self) -> LinearFlow:
        check_is_fitted(self)
        return self.flow_

    def _read(self, X: Any, *, reset: bool = False) -> FloatArray:
        """X by scikit-learn's gate, in its words, and then by linflow's: what lies behind masks, and text, is no number."""
        if not reset:
            check_is_fitted(self)
        if hasattr(X, "requires_grad"):
            numeric(X, "X", "an array of real numbers")
        values: FloatArray = validate_data(self, X, dtype=np.float64, reset=reset, ensure_min_samples=2 if reset else 1)
        numeric(X, "X", "an array of real numbers")
        return values
