"""The file proofs/members.py: facts go over to the inverse spectrum whole, and to a smaller domain only."""

from __future__ import annotations

import pytest
import sympy as sp
from flint import arb

from proofs import members
from proofs.checks import at_most, below_at
from proofs.kernel import Gap
from proofs.members import at_inverse_spectrum, kappa, m, n
from proofs.notation import E, complex_E, tail
from proofs.propositions import Fact, Proposition, argued, at_least, restricted, under

FACT = at_most(0, E(m) * complex_E(m + 1) * kappa(m))


def test_every_quantity_has_its_counterpart_at_the_inverse_spectrum() -> None:
    found = at_inverse_spectrum(FACT).right
    assert found == members.dual_E(m) * members.dual_complex_E(m + 1) * members.dual_kappa(m)
    with pytest.raises(Gap, match="no counterpart at the inverse spectrum"):
        at_inverse_spectrum(at_most(0, E(m) * tail(m)))


def test_twice_inverted_is_the_same() -> None:
    assert at_inverse_spectrum(at_inverse_spectrum(FACT)).right == FACT.right


def test_a_fact_about_one_spectrum_stays_there() -> None:
    level = sp.Symbol("l", positive=True)
    assert at_inverse_spectrum(FACT).relation == "<="
    with pytest.raises(Gap, match="not about every spectrum"):
        at_inverse_spectrum(under(FACT, (kappa(m), level)))
    with pytest.raises(Gap, match="not about every spectrum"):
        at_inverse_spectrum(argued_at_instances())
    with pytest.raises(Gap, match="no counterpart at the inverse spectrum"):
        at_inverse_spectrum(argued(0, "<=", E(m), "a claim", when=(at_least(tail(m), 1),)))
    with pytest.raises(Gap, match="no free letter"):
        FACT.at({E(m): members.dual_E(m)})


def argued_at_instances() -> Fact:
    return below_at(Proposition(E(m), "<", E(m) + 1, at_instances="one spectrum"), {m: 2, E: arb})


def test_a_wider_domain_is_a_gap() -> None:
    fact = at_most(1, n - m, when=(at_least(n, m + 1),))
    assert restricted(fact, at_least(n, m + 2)).when == (at_least(n, m + 2),)
    for wider in ((at_least(n, m),), ()):
        with pytest.raises(Gap, match="does not imply"):
            restricted(fact, *wider)


def test_the_members_of_a_flat_spectrum_are_one_number() -> None:
    level = 2 * (n - m) / m
    assert members.per_unmeasured(members.equivalent(m).subs(kappa(m), level), m).simplify() == 2
