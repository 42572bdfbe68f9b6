r"""Reconstructions of x from ``y = A x + noise`` under a `LinearFlow`: the most likely, the penalised, the posterior, ...

This package never imports `linflow.risk`: each checks the other.
"""

from linflow.estimators.closed import Posterior as Posterior
from linflow.estimators.closed import gradient_flow as gradient_flow
from linflow.estimators.closed import map_estimate as map_estimate
from linflow.estimators.closed import mle as mle
from linflow.estimators.closed import penalised as penalised
from linflow.estimators.closed import posterior as posterior
from linflow.estimators.closed import truncated_least_squares as truncated_least_squares
from linflow.estimators.matrix_free import Reconstruction as Reconstruction
from linflow.estimators.matrix_free import posterior_std as posterior_std
from linflow.estimators.matrix_free import reconstruct as reconstruct
