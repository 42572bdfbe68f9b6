"""Proofs changed as a referee would change them: consistently, in every place of the file. Each must leave a gap."""

from __future__ import annotations

import pytest

from tests.proof_faults import gaps

#: name -> (file, (old, new), ...): every occurrence of each phrase is replaced.
CONSISTENT: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "e is a tenth": ("smallest_singular_value", (("sp.E *", "sp.Rational(1, 10) *"),)),
    "e is two": ("smallest_singular_value", (("sp.E *", "2 *"),)),
    "the unit is that of another p": (
        "smallest_singular_value",
        (("/ (p + 1)\n", "/ (p + 2)\n"), ("* (p + 1) / p", "* (p + 2) / p")),
    ),
    "ten times the logarithm": ("exponential", (("return sp.log(1 / base)", "return 10 * sp.log(1 / base)"),)),
    "ten times the bound": (
        "exponential",
        (("return 4 * decay", "return 40 * decay"), ("2 / (1 + q) * ", "20 / (1 + q) * ")),
    ),
    "the sum of E_m one term shorter": (
        "exponential",
        (
            ("(q ** (first + 1) - q ** (last + 1)) / (1 - q)", "(q ** (first + 2) - q ** (last + 1)) / (1 - q)"),
            ("telescoped(each, partial_sum(j), j, m + 1, n)", "telescoped(each, partial_sum(j), j, m + 2, n)"),
        ),
    ),
    "eps without its factor": ("enclosures", (("return 2 * growth / (exp", "return growth / (exp"),)),
    "one side of the trapezoidal rule": (
        "enclosures",
        (
            ("return 2 * growth / (exp", "return growth / (exp"),
            ("return 2 * mass / (exp", "return mass / (exp"),
            ("for _ in (-1, 1))", "for _ in (1,))"),
        ),
    ),
    "a wider strip": (
        "enclosures",
        (("(exp(pi**2 / step) - 1)", "(exp(2 * pi**2 / step) - 1)"), ("_STRIP = sp.pi / 2", "_STRIP = sp.pi")),
    ),
    "no factor grows": ("enclosures", (("    return n + 2\n", "    return n\n"), ("growth_of(_n, 1)", "growth_of(_n, 0)"))),
    "T5 from p = 1": ("spectral", (("when=(at_least(p, 2),)", "when=(at_least(p, 1),)"),)),
    "T2 up to k = m - 1": ("range_finder", (("DOMAIN = (at_least(m, rank + 2),)", "DOMAIN = (at_least(m, rank + 1),)"),)),
    "T7 up to k = m": (
        "complex_bound",
        (("at_least(m, rank + 1)", "at_least(m, rank)"), ("at_least(m, k + 1)", "at_least(m, k)")),
    ),
    "T1 from m = 1": ("upper_bound", (("when=(at_least(m, 2),)", "when=(at_least(m, 1),)"),)),
    "T1 with m - 2": ("upper_bound", (("    return m - 1\n", "    return m - 2\n"),)),
    "T3 from m = k + 1": ("truncated", (("at_least(m, k + 2)", "at_least(m, k + 1)"),)),
    "inverse-Wishart from m = k + 1": ("inverse_wishart", (("at_least(m, k + 2)", "at_least(m, k + 1)"),)),
    "inverse-chi-square from 1": ("inverse_chi_square", (("more_than(nu, 2)", "more_than(nu, 1)"),)),
    "inverse-chi-square finite at 2": (
        "inverse_chi_square",
        (("more_than(nu, 2)", "at_least(nu, 2)"), ("import Fact, Proposition, ", "import Fact, Proposition, at_least, ")),
    ),
    "T1-lower with one value more": ("lower_bound", (("return sum_of(count + 1, n)", "return sum_of(count, n)"),)),
    "T8 with one value less": ("lower_bound", (("return sum_of(1, n - count)", "return sum_of(1, n - count - 1)"),)),
    "T6 from p = 3": ("tail", (("LEAST = sp.Integer(4)", "LEAST = sp.Integer(3)"),)),
    "T6 less often": ("tail", (('"journal": (3, 1, 2, 1, 1)', '"journal": (3, 1, 1, 1, 1)'),)),
    "T6 with r^2 = 2k/(p+1)": (
        "tail",
        (('"journal": (3, 1, 2, 1, 1)', '"journal": (2, 1, 2, 1, 1)'), ("((p + 1) / 6)", "((p + 1) / 4)")),
    ),
    "the integral for n = 2, real A": (
        "first_and_last",
        (("zip(ERRORS.items(), (3, 2)", "zip(ERRORS.items(), (2, 2)"), ("by_parts(), (3, 2)", "by_parts(), (2, 2)")),
    ),
    "kappa above twice the tail": ("equivalents", (('"<=", m * kappa, when', '"<=", m * kappa / 2, when'),)),
    "the power law's constant from a = 0": ("power_law", (("more_than(rate, sp.Rational(1, 2))", "more_than(rate, 0)"),)),
    "kappa twice as large": (
        "power_law",
        (("    return (C / count) ** (2 * a)\n", "    return 2 * (C / count) ** (2 * a)\n"),),
    ),
    "half a tail": (
        "power_law",
        (("    return start ** (1 - 2 * a) / (2 * a - 1)\n", "    return start ** (1 - 2 * a) / (2 * a - 1) / 2\n"),),
    ),
    "Chevet without its second term": (
        "spectral",
        (("return S * T_F + S_F * T", "return S * T_F"), ("S * T_F + T * S_F", "S * T_F")),
    ),
    "the best penalty twice the noise": ("denoising", (("mode(l, s**2)", "mode(l, 2 * s**2)"),)),
    "the start counted twice": ("start", (("return 1 + tau**2", "return 1 + 2 * tau**2"),)),
    "dominated the other way": ("dominance", (('Proposition(X(m), "<=", Y(k))', 'Proposition(X(m), ">=", Y(k))'),)),
    "a smaller weight of P": ("tilt", (("return 1 - k / (m - 1)", "return 1 - k / m"),)),
    "a dual bound nearer than shown": ("bound_certificates", (("GAP = fmpq(1, 10**5)", "GAP = fmpq(1, 10**12)"),)),
    "an instance left out": ("bound_certificates", (("for n in SIZES:", "for n in range(2, 8):"),)),
    "a spectrum left out": ("named_spectra", (("for spectrum in RATIONAL:", "for spectrum in SYNTHETIC[1:]:"),)),
    "a failure earlier than the first": ("controls", (("{1: 9, 2: 16", "{1: 8, 2: 16"),)),
}


@pytest.mark.parametrize("name", CONSISTENT)
def test_a_consistent_change_leaves_a_gap(name: str) -> None:
    file, changes = CONSISTENT[name]
    assert gaps(file, *changes)
