r"""A quantity and a side that float64 cannot tell apart, told apart in ball arithmetic.

Both are enclosed to more and more bits until zero lies outside of their difference, or :data:`ACCURACIES` are spent. The
sign of the difference is then proved, with every rounding error counted: nothing is forgiven, and nothing needs to be. Of
two numbers that are equal no number of bits shows it, so an equality stays as open as it was.
"""

from __future__ import annotations

from linflow.claims import contract
from linflow.claims.evidence import ROUNDING, Enclosed, Separated
from linflow.claims.quantities import Quantity
from linflow.claims.relation import Answer, Relation
from linflow.claims.sides import Side
from linflow.errors import NotConvergedError
from linflow.risk.enclosure import relative_difference
from linflow.spectrum import Spectrum

#: Bits that are tried. Float64 resolves 2**-53; twice as much tells most sides apart that are not equal, and what the
#: greatest takes is seconds (m = 1 on a spectrum of hundreds of decades).
ACCURACIES = (192, 384)
#: Bits beyond them in which the difference is worked out.
_SPARE = 64


def separated(
    quantity: Quantity, side: Side, spectrum: Spectrum, m: int, *, relation: Relation, value: float, shown: Enclosed
) -> Separated | None:
    """Evidence on which side of `side` the quantity lies; None if that is not seen, or one of them comes in no balls.

    Parameters
    ----------
    relation : what is claimed; of equalities nothing is shown.
    value : the side in float64.
    shown : what is known of the quantity in float64.

    Raises
    ------
    ClaimError
        A ball that contradicts what the side, or the quantity, says of itself in float64.
    """
    if relation.two_sided:
        return None
    for accuracy in ACCURACIES:
        try:
            one = contract.ball_of(quantity, spectrum, m, accuracy, shown.low, shown.high)
            other = None if one is None else contract.ball_of_side(side, spectrum, m, accuracy, value, ROUNDING)
        except NotConvergedError:
            return None
        if one is None or other is None:
            return None
        found = relative_difference(one, other, accuracy + _SPARE)
        if relation.answer(found.low, found.high, 0.0, tolerance=0.0, forgiven=0.0) is not Answer.OPEN:
            return Separated(
                low=shown.low, high=shown.high, estimate=shown.estimate, least=found.low, most=found.high, bits=accuracy
            )
    return None
