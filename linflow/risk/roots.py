r"""kappa_s and A_s in ball arithmetic, to as many bits as are asked for.

kappa_s is the root of ``sum_i l_i/(l_i + kappa) = s``, s a whole number in 1..n - 1, and ``A_s = s kappa_s/(n - s)``; A_0
is the mean of the l_i and A_n their harmonic mean. Kind: exact. The sigma_i are taken as exact float64 numbers.

How: as in :mod:`linflow.risk.fixed_point`, the equation says that two sums of positive terms balance,

    B(kappa) = sum_{i > s} l_i/(l_i + kappa)  =  sum_{i <= s} kappa/(l_i + kappa) = A(kappa),

so that nothing cancels. B falls and A rises as kappa grows: ``B > A`` at one number and ``B < A`` at another, both shown
by balls, enclose the root, wherever the numbers come from. They are taken on either side of what Newton's steps in log
kappa, each of which doubles the digits, make of the root in float64. Tested in tests/test_roots.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from linflow.errors import NotConvergedError
from linflow.risk.balls import FIRST_PRECISION, precision
from linflow.risk.equivalent import kappa
from linflow.spectrum import Spectrum

if TYPE_CHECKING:
    from flint import arb

#: Bits beyond those asked for: the sums lose log2(n) of them, and a sign needs a few that are left over.
_SPARE = 32


def per_dimension_ball(spectrum: Spectrum, order: int, accuracy: int) -> arb:
    """A ball around A_s whose radius is below ``2**-accuracy`` of it, [x]^2.

    Parameters
    ----------
    order : s, in 0..n.
    accuracy : bits, at least 1.

    Raises
    ------
    NotConvergedError
        A root that is not enclosed (none is known).

    Examples
    --------
    >>> pair = Spectrum([3.0, 1.0])  # by hand: (9 + 1)/2, (9 1)^1/2, 2/(1/9 + 1)
    >>> [float(per_dimension_ball(pair, order, 100)) for order in (0, 1, 2)]
    [5.0, 3.0, 1.8]
    """
    from flint import arb

    n = spectrum.n
    with precision(max(accuracy, FIRST_PRECISION) + _SPARE + n.bit_length()):
        l = [arb(float(sigma)) ** 2 for sigma in spectrum.singular_values]
        if order == 0:
            return sum(l, arb(0)) / n
        if order == n:
            return n / sum((1 / x for x in l), arb(0))
        return _root(l, order, float(kappa(spectrum, order)), accuracy) * order / (n - order)


def _root(l: list[arb], order: int, start: float, accuracy: int) -> arb:
    """The root, from a number near it."""
    from flint import arb

    at, digits = arb(start), 32
    while digits < accuracy + 8:
        B, A, slope = _balance(l, order, at)
        at = (at * ((B / A).log() / slope).exp()).mid()
        digits = 2 * digits
    step = arb(2) ** (-accuracy - 4)
    low, high = at * (1 - step), at * (1 + step)
    (B_low, A_low, _), (B_high, A_high, _) = (_balance(l, order, end) for end in (low, high))
    if not (B_low > A_low and B_high < A_high):
        raise NotConvergedError(f"kappa of order {order} is not enclosed to {accuracy} bits")
    return low.union(high)


def _balance(l: list[arb], order: int, at: arb) -> tuple[arb, arb, arb]:
    """B, A, and minus the slope of ``log(B/A)`` in log kappa."""
    from flint import arb

    A, B, change_A, change_B = arb(0), arb(0), arb(0), arb(0)
    for i, x in enumerate(l):
        total = x + at
        product = x * at / (total * total)
        if i < order:
            A, change_A = A + at / total, change_A + product
        else:
            B, change_B = B + x / total, change_B + product
    return B, A, change_A / A + change_B / B
