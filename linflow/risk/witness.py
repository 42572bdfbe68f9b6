r"""The error X_A of one A, and the risk of a truncated prior, in ball arithmetic: it refutes what is said of every A.

With ``B = A Sigma`` the error is ``X_A = tr(Lambda) - tr((B B^T)^-1 B Lambda B^T)``; A and sigma are taken as the exact
float64 numbers that they are, and the precision is raised until the difference is known relative to itself.

Kind: exact. No code is shared with :mod:`linflow.risk.simulate`, whose QR it checks. Tested in tests/test_witness.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from linflow.checks import FloatArray, finite_array, instance_of, rank_in
from linflow.errors import NotConvergedError, RankError, ShapeError
from linflow.risk.balls import FIRST_PRECISION, precision
from linflow.risk.enclosure import Enclosure, outward
from linflow.spectrum import Spectrum

#: Largest precision tried, in bits: enough for spectra that span 600 decades.
_LARGEST_PRECISION = 2**15
#: Relative accuracy of the interval, in bits.
_ACCURACY = 60


def error_enclosure(spectrum: Spectrum, A: ArrayLike) -> Enclosure:
    """Rigorous interval for the error of the MLE after the measurements A, averaged over signals.

    Parameters
    ----------
    spectrum : Spectrum
    A : (m, n) real array, m <= n, in the eigenbasis: column i belongs to the i-th largest singular value.

    Returns
    -------
    Enclosure : ``low <= X_A <= high``, [x]^2, of relative width about 1e-15.

    Raises
    ------
    ShapeError, InputError
        A is not such an array.
    RankError
        The rows of A are linearly dependent, or so nearly that no precision tried tells them apart.

    Examples
    --------
    Of singular values 2, 1 one measurement of the first leaves the other:

    >>> error_enclosure(Spectrum([2.0, 1.0]), [[1.0, 0.0]])
    Enclosure(low=1.0, high=1.0)
    """
    rows, n = finite_array(A, "A"), instance_of(spectrum, Spectrum, "spectrum").n
    if rows.ndim != 2 or rows.shape[1] != n or len(rows) > n:
        raise ShapeError(f"A must have shape (m, n = {n}) with m <= n, got {rows.shape}")
    if len(rows) == n:
        return Enclosure(0.0, 0.0)
    # In units of each row's size: exact, and no square leaves the range of what is stored.
    rows = np.ldexp(rows, -np.frexp(np.abs(rows).max(axis=1, initial=0.0))[1][:, None])
    bits = FIRST_PRECISION
    while bits <= _LARGEST_PRECISION:
        found = _at_precision(spectrum, rows, bits)
        if found is not None:
            return found
        bits *= 2
    if np.linalg.matrix_rank(rows) < len(rows):
        raise RankError("the rows of A are linearly dependent: drop those that measure nothing new")
    raise NotConvergedError(f"X_A could not be enclosed with {_LARGEST_PRECISION} bits: A is too ill-conditioned")


def truncated_enclosure(spectrum: Spectrum, A: ArrayLike, rank: int) -> Enclosure | None:
    """Rigorous interval for ``Y_k(A) = tail(k) + ||A_1^+ A_2 Sigma_2||_F^2``, the risk of rank k for this A; k <= m.

    None where the first k columns of A are dependent, so that the risk is infinite.

    >>> truncated_enclosure(Spectrum([2.0, 1.0]), [[1.0, 1.0]], 1)
    Enclosure(low=2.0, high=2.0)
    """
    from flint import arb, arb_mat

    rows, n = finite_array(A, "A"), instance_of(spectrum, Spectrum, "spectrum").n
    if rows.ndim != 2 or rows.shape[1] != n:
        raise ShapeError(f"A must have shape (m, n = {n}), got {rows.shape}")
    k = rank_in(rank, 0, len(rows), " (the number of measurements)")
    bits = FIRST_PRECISION
    while bits <= _LARGEST_PRECISION:
        with precision(bits):
            sigma = [arb(float(value)) for value in spectrum.singular_values]
            total = sum((s * s for s in sigma[k:]), arb(0))
            if k and k < spectrum.n:
                head = arb_mat([[arb(float(a)) for a in row[:k]] for row in rows])
                rest = arb_mat([[arb(float(a)) * s for a, s in zip(row[k:], sigma[k:], strict=True)] for row in rows])
                try:
                    mixing = (head.transpose() * head).solve(head.transpose() * rest)
                except ZeroDivisionError:  # singular as far as this precision sees
                    bits *= 2
                    continue
                total = total + (mixing * mixing.transpose()).trace()
            if total.rel_accuracy_bits() > _ACCURACY:
                return outward(total)
        bits *= 2
    return None


def _at_precision(spectrum: Spectrum, rows: FloatArray, bits: int) -> Enclosure | None:
    from flint import arb, arb_mat

    with precision(bits):
        sigma = [arb(float(value)) for value in spectrum.singular_values]
        B = arb_mat([[arb(float(a)) * s for a, s in zip(row, sigma, strict=True)] for row in rows])
        weighted = arb_mat([[B[i, j] * s for j, s in enumerate(sigma)] for i in range(len(rows))])
        total = sum((s * s for s in sigma), arb(0))
        if not len(rows):
            return outward(total)
        try:
            caught = (B * B.transpose()).solve(weighted * weighted.transpose()).trace()
        except ZeroDivisionError:  # singular as far as this precision sees
            return None
        left = total - caught
        return outward(left) if left.rel_accuracy_bits() > _ACCURACY else None
