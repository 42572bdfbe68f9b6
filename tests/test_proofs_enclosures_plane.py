"""The file proofs/enclosures_plane.py: it holds, and not with a fault in it; linflow agrees with its intervals."""

from __future__ import annotations

import pytest
from flint import arb, ctx, fmpq

from linflow import Spectrum, risk
from proofs import enclosures_plane
from tests.proof_faults import entries_of, gaps

#: Bits of the intervals that linflow's values are held against.
BITS = 36

SPECTRA = [
    Spectrum([3.0, 2.0, 0.5]),
    Spectrum([2.0, 1.0, 1.0, 0.125]),
    Spectrum([1.0, 1.0, 1.0 - 2**-50, 1e-2]),
]


def test_it_holds() -> None:
    entries = entries_of("enclosures_plane")
    assert entries
    assert [result.gap for entry in entries for result in entry.results if not result.holds] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return (1 + u) ** 2 + 2 * u * v\n", "return (1 + u) ** 2 + u * v\n"),
        ("return 2 * (1 + one) * (1 + other) + 2", "return 2 * (1 + one) * (1 + other) + 4"),
        ("return cosine ** -(crowd + 4)", "return cosine ** -(crowd + 2)"),
        ("return cosine ** -(crowd / 2 + 2)", "return cosine ** -(crowd / 2 + 1)"),
        ("return 2 - sum(shares) / 2 - shares[j]", "return 1 - sum(shares) / 2 - shares[j]"),
        ("return prod(1 + x for x in u) * (1 + u[0]) ** 4", "return prod(1 + x for x in u) * (1 + u[0]) ** 2"),
        ("first * b + second * c for a, b, c", "first * b + first * c for a, b, c"),
        ("return [(m - 1) * both[m + 1] / size", "return [(m - 1) * both[m] / size"),
        ("low = h * total / (", "low = total / ("),
        ("totals = [x + y for x, y in zip(totals, last, strict=True)]", "totals = last"),
        ("return u[j] * u[k] * sum(", "return u[j] * sum("),
        ("combinations(others, m - 1))", "combinations(others, m))"),
        ("return (m - 1) / t * K(m, t, v)", "return m / t * K(m, t, v)"),
        ("return 4 * u / (1 + u) ** 2", "return 5 * u / (1 + u) ** 2"),
        ("return 1 + 2 * u * (1 - 2 * s) + u**2", "return 1 + 2 * u * (1 - s) + u**2"),
        ("w: 1 + _v}", "w: 2 + _v}"),
        ("{real_exact.tau: _t, ", "{real_exact.tau: 2 * _t, "),
        ("(_v, 0, sp.oo), (_t", "(_v, 1, sp.oo), (_t"),
        ("same(strip_growth(2 * _N, 4, _phi), growth", "same(strip_growth(_N, 4, _phi), growth"),
        ("_SINE = (_s, sp.sin(_phi / 2) ** 2)", "_SINE = (_s, sp.sin(_phi) ** 2)"),
        # What is said: an error or a domain that the steps do not give.
        ("Proposition(_sum / (1 + _ERROR_V) / (1 + _ERROR), ", "Proposition(_sum / (1 + _ERROR_V), "),
        ("when=(*_DOMAIN, _SMALL, _SMALL_V)", "when=(*_DOMAIN, _SMALL)"),
        ("_DOMAIN = (TWO_ROWS, MEASURED)", "_DOMAIN = (MEASURED,)"),
        ("ENCLOSURES.fact(5), ENCLOSURES.fact(6)", "ENCLOSURES.fact(0), ENCLOSURES.fact(6)"),
        ("(_growth_v, _psi, _g, _sum, _outer)", "(_growth_v, _psi, _h, _sum, _outer)"),
    ],
)
def test_a_fault_leaves_a_gap(old: str, new: str) -> None:
    assert gaps("enclosures_plane", old, new)


@pytest.mark.parametrize("spectrum", SPECTRA, ids=lambda spectrum: str(spectrum.n))
def test_linflow_agrees(spectrum: Spectrum) -> None:
    l = [fmpq(*float(value).as_integer_ratio()) ** 2 for value in spectrum.singular_values]
    for m, ball in enumerate(enclosures_plane.real_errors(l, BITS), start=2):
        with ctx.workprec(200):
            found = risk.enclosure(spectrum, m)
            assert found is not None
            assert ball.overlaps(arb(found.low).union(arb(found.high)))
            assert abs(float(arb(risk.exact(spectrum, m)) / ball) - 1) < 2e-11
            # And an interval of another m, or of a spectrum that is a little larger, does not meet it.
            other = risk.enclosure(spectrum.scaled(1 + 1e-9), m)
            assert other is not None
            assert not ball.overlaps(arb(other.low).union(arb(other.high)))


def test_a_coarse_rule_contains_a_fine_one() -> None:
    """The error bound at work: a wide step gives a wide interval, and still a true one."""
    l = [fmpq(9), fmpq(4), fmpq(1), fmpq(1, 100)]
    for fine, coarse in zip(enclosures_plane.real_errors(l, 30), enclosures_plane.real_errors(l, 8), strict=True):
        with ctx.workprec(200):
            assert coarse.contains(fine)
            assert coarse.rad() > fine.rad() * 2**18
