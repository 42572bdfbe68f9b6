r"""Measurement ensembles: the matrix A of ``y = A x + noise``, dense or matrix-free.

Each ensemble returns an ``(m, n)`` array, or a :class:`scipy.sparse.linalg.LinearOperator` where a fast transform or a
sparse matrix does without the array. `apply` and `as_dense` accept both (and scipy sparse matrices), so that code
need not care which one it got. All random ensembles have entries of mean square 1, hence ``E |A x|^2 = m |x|^2`` and
one noise level means the same in each; the selections (`row_sampling`, `random_rows`, `identity`) have entries 0 and 1.
"""

from linflow.measurement.ensembles import gaussian as gaussian
from linflow.measurement.ensembles import identity as identity
from linflow.measurement.ensembles import rademacher as rademacher
from linflow.measurement.ensembles import random_rows as random_rows
from linflow.measurement.ensembles import row_sampling as row_sampling
from linflow.measurement.ensembles import sparse_sign as sparse_sign
from linflow.measurement.ensembles import subsampled_dct as subsampled_dct
from linflow.measurement.ensembles import subsampled_hadamard as subsampled_hadamard
from linflow.measurement.operators import Measurement as Measurement
from linflow.measurement.operators import apply as apply
from linflow.measurement.operators import as_dense as as_dense
from linflow.measurement.operators import as_operator as as_operator
from linflow.measurement.operators import is_matrix_free as is_matrix_free
from linflow.measurement.physics import from_physics as from_physics
from linflow.measurement.registry import Ensemble as Ensemble
from linflow.measurement.registry import ensembles as ensembles

__all__ = [
    "apply",
    "as_dense",
    "as_operator",
    "ensembles",
    "from_physics",
    "gaussian",
    "identity",
    "rademacher",
    "random_rows",
    "row_sampling",
    "sparse_sign",
    "subsampled_dct",
    "subsampled_hadamard",
]
