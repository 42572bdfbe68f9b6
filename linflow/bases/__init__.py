r"""Fast orthogonal bases: U applied by a transform, in O(n) memory, where a matrix would take n^2 numbers.

A basis stands where an orthogonal (n, n) array may stand, as `LinearFlow.basis`: ``rows @ U.T`` makes signals of
coefficients (synthesis, ``U c`` for each row c), ``rows @ U`` coefficients of signals (analysis, ``U^T x``). `dct`,
`hartley` and `wavelet` make them; any object with ``shape``, ``matvec`` (synthesis) and ``rmatvec`` (analysis) is one
too, once it has been found orthogonal on random vectors.

Signals are flat: those of an image of shape (H, W) have H W entries, row after row, and so have its coefficients.
"""

from linflow.bases.basis import Basis, Ordered, as_basis, is_fast, require_dense
from linflow.bases.transforms import dct, from_description, hartley, wavelet

__all__ = ["Basis", "Ordered", "as_basis", "dct", "from_description", "hartley", "is_fast", "require_dense", "wavelet"]
