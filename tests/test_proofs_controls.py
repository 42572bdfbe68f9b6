"""The file proofs/controls.py: it holds, and not with a fault in it; the same machinery disproves nothing that is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import ctx, fmpq

import linflow as lf
from linflow import Spectrum
from proofs import controls
from proofs.checks import below
from proofs.enclosures import BITS, complex_errors, real_error
from proofs.ledger import Gap
from proofs.named_spectra import real_upper, theorem_upper
from tests.proof_faults import entries_of, gaps


def test_it_holds() -> None:
    entries = entries_of("controls")
    assert entries
    assert all(entry.holds for entry in entries)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return sigma_1 * sigma_2", "return sigma_2**2"),
        ("return (m - 1) / 2 * sp.prod", "return (m - 1) * sp.prod"),
        ("(-count / sp.Integer(2))", "(-count)"),
        ("return (1 - root**2) / (2 * root) * log", "return (1 - root**2) / root * log"),
        ("(1 - root**2) / (2 * root) * log((1 + root) / (1 - root))", "(1 - root**2) / (2 * root) * log(1 + root)"),
        ("return m * tail(l, m - 1)", "return m * tail(l, m - 2)"),
        ("return C * tail(l, m - 2)", "return C * tail(l, m - 1)"),
        ("fmpq(1, 2**i) for i in range(n)", "fmpq(1, 3**i) for i in range(n)"),
        ("value = 2 ** (1 - i)", "value = 2 ** (2 - i)"),
        ("sp.integrate((1 + u) ** -HALF, (u, 0, R))", "sp.integrate((1 + u) ** (-3 * HALF), (u, 0, R))"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("controls", old, new)


#: Spectra on which the false bounds fall; the true ones have to stand on the same.
FAMILIES: list[Callable[[int], list[fmpq]]] = [
    lambda m: controls.step(m, m + 1, fmpq(1, 10**12)),
    lambda m: controls.step(m - 1, m + 1, fmpq(1, 10**8)),
    lambda m: controls.halving(m + 1),
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("m", [2, 5, 9, 31])
def test_what_is_true_is_not_disproved(family: Callable[[int], list[fmpq]], m: int) -> None:
    l = family(m)
    with ctx.workprec(2 * BITS):
        found = real_error(l, m)
        true_bounds = [theorem_upper(l, m), *(real_upper(l, m, k) for k in range(m - 1))]
        for bound in true_bounds:
            with pytest.raises(Gap):
                below(bound, found)
            below(found, bound)
        # T7's bound is false for real A and true for complex A.
        below(complex_errors(l)[m], controls.complex_for_real(l, m))


CONTROLS: dict[str, Callable[[list[fmpq], int], Any]] = {
    "false-m-tail-m": controls.m_tail_m,
    "false-m-tail-m-1": controls.m_tail_m_1,
    "false-almost-lower": controls.almost_lower,
    "false-complex-for-real": controls.complex_for_real,
    "false-constant": lambda l, m: controls.constant(l, m, 4),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_the_false_bounds_are_those_of_linflow(name: str) -> None:
    claim = next(claim for claim in lf.catalogue() if claim.name == name)
    for sigma in ((3, 1), (4, 2, 1), (5, 4, 1, 1)):
        spectrum, l = Spectrum([float(s) for s in sigma]), [fmpq(s * s) for s in sigma]
        for m in range(2 if name == "false-constant" else 1, len(sigma)):
            exact = CONTROLS[name](l, m)
            assert np.isclose(claim.value(spectrum, m), float(exact.p) / float(exact.q), rtol=1e-14)
