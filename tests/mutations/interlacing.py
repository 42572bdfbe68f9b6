"""Faults of the interlacing theorem's proofs: a member, a domain, a field or a link that is another one."""

from __future__ import annotations

from tests.mutations.runner import Fault

_MEMBERS = "proofs/members.py"
_RULES = "proofs/propositions.py"


def _fault(file: str, name: str, what: str, old: str, new: str, *tests: str) -> Fault:
    """Tests without ``tests/test_proofs_`` in front."""
    return Fault(name, what, file, old, new, tuple(f"tests/test_proofs_{test}" for test in tests))


def _proof(file: str, name: str, what: str, old: str, new: str) -> Fault:
    """A fault that the proof's own test catches."""
    return _fault(f"proofs/{file}.py", name, what, old, new, f"{file}.py::test_it_holds")


INTERLACING = (
    _fault(
        _MEMBERS,
        "equivalent-of-one-more",
        "(m + 1) kappa_m for m kappa_m",
        "    return m * kappa(m)",
        "    return (m + 1) * kappa(m)",
        "real_sandwich.py::test_it_holds",
    ),
    _fault(
        _MEMBERS,
        "unmeasured-dimensions",
        "n - m + 1 unmeasured dimensions after m measurements",
        "    return value / (n - m)",
        "    return value / (n - m + 1)",
        "comparison.py::test_it_holds",
    ),
    _fault(
        _MEMBERS,
        "nothing-unmeasured",
        "kappa_n is a positive number",
        "MEASURED = at_least(n, m + 1)",
        "MEASURED = at_least(n, m)",
        "real_sandwich.py::test_it_holds",
    ),
    _fault(
        _MEMBERS,
        "arithmetic-mean",
        "the sum of the l_i for that of their inverses",
        "return sp.Sum(1 / l(index)",
        "return sp.Sum(l(index)",
        "outer_link.py::test_it_holds",
    ),
    _fault(
        _MEMBERS,
        "inverse-spectrum-in-part",
        "a fact at 1/l keeps a quantity at l",
        "        if found.func not in _DUALS:\n            raise Gap(",
        "        if found.func not in _DUALS:\n            continue\n        if not found.args:\n            raise Gap(",
        "members.py::test_every_quantity_has_its_counterpart_at_the_inverse_spectrum",
    ),
    _fault(
        _MEMBERS,
        "inverse-spectrum-of-the-other-field",
        "the real error for the complex one at 1/l",
        "complex_E: dual_complex_E, kappa",
        "complex_E: dual_E, kappa",
        "members.py::test_twice_inverted_is_the_same",
    ),
    _fault(
        _RULES,
        "domain-made-wider",
        "a fact on a domain that does not imply its conditions",
        "    if unmet:\n",
        "    if unmet and not when:\n",
        "members.py::test_a_wider_domain_is_a_gap",
    ),
    _proof(
        "swap",
        "shape-of-a-real-square",
        "a real square has shape 1/3",
        "REAL_SHAPE = sp.Rational(1, 2)",
        "REAL_SHAPE = sp.Rational(1, 3)",
    ),
    _proof(
        "base_inequality",
        "base-at-two",
        "the base inequality for two eigenvalues",
        "SIZE = (at_least(n, 3),)",
        "SIZE = (at_least(n, 2),)",
    ),
    _proof(
        "interlacing",
        "fields-exchanged",
        "the complex error above its equivalent",
        'Proposition(per_unmeasured(equivalent(m), m), "<=", per_unmeasured(E(m), m)',
        'Proposition(per_unmeasured(equivalent(m), m), "<=", per_unmeasured(complex_E(m), m)',
    ),
    _proof(
        "interlacing",
        "factor-dropped",
        "f = 1 in the upper bound",
        "    return (n - m) / (n - m + 1)",
        "    return sp.Integer(1)",
    ),
    _proof(
        "tail_corollary",
        "one-rank-too-many",
        "the bound of every rank at k = m - 1",
        "DOMAIN = (at_least(m, rank + 2), at_least(n, m + 1))",
        "DOMAIN = (at_least(m, rank + 1), at_least(n, m + 1))",
    ),
    _proof(
        "penalty_sandwich",
        "last-term-dropped",
        "m kappa for the error with a penalty",
        "    return m * root - penalty",
        "    return m * root",
    ),
    _proof(
        "pair_rotation",
        "levels-the-other-way-round",
        "tau falls with l",
        'Proposition(tau(y), "<=", tau(y + gap))',
        'Proposition(tau(y + gap), "<=", tau(y))',
    ),
    _proof(
        "real_exact",
        "constant-of-the-exact-formula",
        "m for m - 1 before the integral",
        'Proposition(E(m), "=", error_factor(m) * double_integral(m - 1)',
        'Proposition(E(m), "=", m * double_integral(m - 1)',
    ),
)
