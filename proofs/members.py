"""The members of the interlacing theorem and of its lemmas, as quantities that the ledger can print and chain."""

from __future__ import annotations

from typing import Any

import sympy as sp

from .kernel import Gap
from .notation import E, Quantity, complex_E, l, quantity, written
from .propositions import Fact, at_least, replaced

n, m = sp.symbols("n m", integer=True, positive=True)

#: Where kappa_m is a positive number, and something is left unmeasured.
MEASURED = at_least(n, m + 1)

#: kappa_s, the root of sum_i l_i/(l_i + kappa) = s.
kappa = quantity("kappa", "kappa_{}", whole=True)
#: E 1/(b M_{A'} b^*), b one row and A' the other rows, r in all: over real, over complex rows.
V = quantity("V", "V_{}", whole=True)
complex_V = quantity("complex_V", "V_{}(complex)", whole=True)  # noqa: N816
#: The means over one row a of E and V at what it leaves: all rows real, all complex, and a real before complex ones.
after_E = quantity("after_E", "E[E_{}(L_a)]", whole=True)  # noqa: N816
after_complex_E = quantity("after_complex_E", "E[E_{}(complex, L_a)]", whole=True)  # noqa: N816
mixed_E = quantity("mixed_E", "E[E_{}(complex, L_a), a real]", whole=True)  # noqa: N816
after_V = quantity("after_V", "E[V_{}(M_a)]", whole=True)  # noqa: N816
after_complex_V = quantity("after_complex_V", "E[V_{}(complex, M_a)]", whole=True)  # noqa: N816
mixed_V = quantity("mixed_V", "E[V_{}(complex, M_a), a real]", whole=True)  # noqa: N816
#: E and kappa at the variances 1/l.
dual_E = quantity("dual_E", "E_{}(1/l)", whole=True)  # noqa: N816
dual_complex_E = quantity("dual_complex_E", "E_{}(complex, 1/l)", whole=True)  # noqa: N816
dual_kappa = quantity("dual_kappa", "kappa_{}(1/l)", whole=True)


_DUALS = {E: dual_E, complex_E: dual_complex_E, kappa: dual_kappa}
_DUALS |= {dual: plain for plain, dual in _DUALS.items()}


def at_inverse_spectrum(fact: Fact) -> Fact:
    """A fact about every spectrum, at the variances 1/l; each quantity in it must have a counterpart there.

    So must those of its conditions; and it is about every spectrum only if it rests on no relation and on no instance.

    >>> from .checks import at_most
    >>> print(at_inverse_spectrum(at_most(0, E(2) * kappa(1))))
    0 <= E_2(1/l) kappa_1(1/l)
    """
    if fact.given or fact.at_instances:
        raise Gap(f"{fact} is not about every spectrum")
    values = {}
    conditions = [side for condition in fact.when for side in (condition.larger, condition.smaller)]
    for found in {found for part in (fact.left, fact.right, *conditions) for found in part.atoms(Quantity)}:
        if found.func not in _DUALS:
            raise Gap(f"{written(found)} has no counterpart at the inverse spectrum")
        values[found] = _DUALS[found.func](*found.args)
    return replaced(fact, values)


def per_unmeasured(value: Any, m: Any) -> Any:
    """value/(n - m).

    >>> per_unmeasured(E(2), 2)
    E(2)/(n - 2)
    """
    return value / (n - m)


def equivalent(m: Any) -> Any:
    """m kappa_m."""
    return m * kappa(m)


def inverse_sum() -> Any:
    """sum_i 1/l_i."""
    index = sp.Symbol("i", integer=True, positive=True)
    return sp.Sum(1 / l(index), (index, 1, n))
