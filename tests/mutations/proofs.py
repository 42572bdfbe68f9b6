"""Faults of the ledger: it says more than its steps established, or does not notice that they establish something else."""

from __future__ import annotations

from tests.mutations.runner import Fault

_PROPOSITIONS = "proofs/propositions.py"
_LEDGER = "proofs/ledger.py"
_KERNEL = "proofs/kernel.py"
_CHECKS = "proofs/checks.py"

_RULES = "proofs_propositions.py::"
_DOMAIN = _RULES + "test_a_domain_belongs_to_a_fact_and_goes_with_it"
_SAID = _RULES + "test_what_is_said_is_what_follows_and_no_more"
_DECREASE = _RULES + "test_a_function_that_may_decrease_turns_no_inequality"
_SEEN = _RULES + "test_sizes_and_instances_are_seen"


def _fault(file: str, name: str, what: str, old: str, new: str, *tests: str) -> Fault:
    """Tests without ``tests/test_`` in front."""
    return Fault(name, what, file, old, new, tuple(f"tests/test_{test}" for test in tests))


def _in_proof(file: str, name: str, what: str, old: str, new: str) -> Fault:
    """A fault in one proof, which the ledger itself must notice."""
    test = "certificates" if file.endswith("_certificates") else file
    return _fault(f"proofs/{file}.py", name, what, old, new, f"proofs_{test}.py::test_it_holds")


# ------------------------------------------------------------------------------------------- what may follow from what

_KERNEL_FAULTS = (
    _fault(
        _PROPOSITIONS,
        "chain-of-anything",
        "links that do not begin where the one before ends",
        "        if not agree(before.right, after.left):",
        "        if before is after:",
        _RULES + "test_a_chain_that_does_not_compose_is_a_gap",
    ),
    _fault(
        _PROPOSITIONS,
        "chain-as-strong-as-an-equation",
        "a <= b = c read as a = c",
        "    strongest = max(",
        "    strongest = min(",
        _RULES + "test_a_chain_has_the_relation_of_its_ends",
    ),
    _fault(
        _PROPOSITIONS,
        "said-beyond-the-domain",
        "a statement on a larger domain than its facts",
        "        if not domain.implies(condition):",
        "        if condition is domain:",
        _DOMAIN,
    ),
    _fault(
        _PROPOSITIONS,
        "values-outside-the-domain",
        "a fact used at values for which it is not known",
        "        needs = [condition.at(values) for condition in self.when]\n",
        "        needs: list[Condition] = []\n",
        _DOMAIN,
    ),
    _fault(
        _PROPOSITIONS,
        "any-key-has-a-value",
        "a quantity rewritten into another",
        "            if not isinstance(letter, sp.Symbol | sp.MatrixSymbol) or letter in bound:",
        "            if letter in bound:",
        _RULES + "test_only_a_free_letter_has_other_values",
    ),
    _fault(
        _PROPOSITIONS,
        "values-captured",
        "a value in the letter of a sum",
        "            if captured := bound & sp.sympify(value).free_symbols:",
        "            if captured := bound & {letter}:",
        _RULES + "test_only_a_free_letter_has_other_values",
    ),
    _fault(
        _PROPOSITIONS,
        "one-functional-here-and-another-there",
        "a functional given a value at some of its arguments",
        "    if applied != set(values):",
        "    if not applied:",
        _RULES + "test_a_fact_about_every_functional_is_about_one_at_a_time",
    ),
    _fault(
        "proofs/members.py",
        "one-spectrum-for-every-one",
        "a fact at named spectra taken to the inverse of every one",
        "    if fact.given or fact.at_instances:",
        "    if fact.given:",
        "proofs_members.py::test_a_fact_about_one_spectrum_stays_there",
    ),
    _fault(
        _PROPOSITIONS,
        "any-value-for-a-positive-symbol",
        "k >= 1 forgotten when k is put",
        "        return [Condition(value, sp.S.Zero, strict=True)]\n",
        "        return []\n",
        _RULES + "test_values_obey_what_their_symbols_do",
    ),
    _fault(
        _PROPOSITIONS,
        "every-function-increases",
        "an inequality kept by a function that decreases",
        "        establish(rises(slope) or rises(domain.opened(slope)) or known,",
        "        establish(True,",
        _DECREASE,
    ),
    _fault(
        _PROPOSITIONS,
        "relations-not-said",
        "a fact that holds under relations said without them",
        "        if str(pair) not in named:",
        "        if pair is named:",
        _RULES + "test_relations_on_which_a_fact_rests_are_said",
    ),
    _fault(
        _PROPOSITIONS,
        "weak-for-strict",
        "a <= b for a < b",
        '"<": ("<",)}\n\n',
        '"<": ("<", "<=")}\n\n',
        _SAID,
    ),
    _fault(
        _PROPOSITIONS,
        "both-sides-turned",
        "a <= b for b <= a",
        '    if not ends and fact.relation == relation == "=":',
        "    if not ends:",
        _SAID,
    ),
    _fault(
        _PROPOSITIONS,
        "two-meanings",
        "one name for two things",
        "    if not agree(known, meaning):",
        "    if known is None:",
        _RULES + "test_the_mean_is_linear_and_monotone",
    ),
    _fault(
        _PROPOSITIONS,
        "sums-of-some-terms",
        "terms summed where the inequality is not known",
        "        elif not _in_order(condition, index, low, high):",
        "        elif condition is index:",
        _RULES + "test_sums_need_every_term",
    ),
    _fault(
        _PROPOSITIONS,
        "another-spectrum",
        "E_m for n values taken for that for m + 1",
        "any(found.whole for found in _quantities(self)):",
        "not _quantities(self) and values is None:",
        _RULES + "test_the_whole_spectrum_is_not_cut",
    ),
    _fault(
        _PROPOSITIONS,
        "arguments-not-counted",
        "a link in words that the ledger does not count",
        "    current().argued.append(because)\n",
        "",
        _RULES + "test_arguments_in_words_are_counted",
    ),
    _fault(
        _CHECKS,
        "checked-on-a-smaller-domain",
        "an inequality checked where it is evident",
        "    establish(is_nonnegative(found), f\"{what or 'sign'}: {found} >= 0 is not evident\")",
        "    establish(True, what)",
        _RULES + "test_a_checker_looks_no_further_than_the_domain",
    ),
    _fault(
        _LEDGER,
        "conclusion-not-compared",
        "a statement whose conclusion is another",
        "                follows(fact, goal, self.setting)\n",
        "                establish(fact is not goal, str(goal))\n",
        _RULES + "test_a_statement_is_its_conclusion",
    ),
    _fault(
        _LEDGER,
        "no-conclusion-needed",
        "a statement that no step concludes",
        "return bool(self.statement.by_hand) or (goals and any(",
        "return bool(self.statement.by_hand) or (goals or any(",
        _RULES + "test_without_a_conclusion_nothing_is_said",
    ),
    _fault(
        _LEDGER,
        "use-not-noted",
        "a statement used and not named",
        "        current().used.append(self.name)\n",
        "",
        _RULES + "test_what_is_used_is_what_was_used",
    ),
    _fault(
        _LEDGER,
        "some-instances",
        "said of all instances, checked at some",
        "not seen.issuperset(families):",
        "seen is families:",
        _RULES + "test_instances_are_all_gone_through",
    ),
    _fault(
        _LEDGER,
        "largest-of-all-steps",
        "the size of the step that was checked furthest",
        "        return min(found, default=None)",
        "        return None if len(found) < 3 else max(found, default=None)",
        _RULES + "test_a_statement_is_its_conclusion",
    ),
    _fault(
        _KERNEL,
        "sizes-not-noted",
        "explicit sizes that pass for all sizes",
        "        current().sizes.add(number)\n",
        "",
        _SEEN,
    ),
)

# ------------------------------------------------------------------------------------------------ proofs as a referee would

_PROOF_FAULTS = (
    _in_proof(
        "smallest_singular_value", "e-is-a-tenth", "1/10 for e", "    return sp.E * ", "    return sp.Rational(1, 10) * "
    ),
    _in_proof(
        "exponential", "ten-logarithms", "a factor 10 throughout", "return sp.log(1 / base)", "return 10 * sp.log(1 / base)"
    ),
    _in_proof(
        "enclosures", "eps-halved", "eps without its factor 2", "    return 2 * growth / (exp", "    return growth / (exp"
    ),
    _in_proof(
        "enclosures_plane",
        "one-rule-in-the-plane",
        "the error of the rule in t alone",
        "Proposition(_sum / (1 + _ERROR_V) / (1 + _ERROR), ",
        "Proposition(_sum / (1 + _ERROR), ",
    ),
    _in_proof(
        "spectral", "T5-from-p-1", "p >= 1 for p >= 2", "k, p), when=(at_least(p, 2),)", "k, p), when=(at_least(p, 1),)"
    ),
    _in_proof("upper_bound", "m-for-m-1", "m for m - 1 in what is said", '"<=", constant(m) *', '"<=", m *'),
    _in_proof("complex_exact", "one-size", "checked at n = 2 alone", "SIZES = (2, 3, 4)\n", "SIZES = (2,)\n"),
    _in_proof("tilt", "dependency-dropped", "a statement used no more", "    WISHART.fact(0)\n", ""),
    _in_proof(
        "range_finder",
        "T2-at-k-m-1",
        "k <= m - 1 for k <= m - 2",
        "DOMAIN = (at_least(m, rank + 2),)",
        "DOMAIN = (at_least(m, rank + 1),)",
    ),
    _in_proof(
        "complex_bound",
        "T7-with-T2",
        "T2's factor for complex A",
        "return (1 + k / (m - k)) * tail",
        "return (1 + k / (m - k - 1)) * tail",
    ),
    _in_proof(
        "lower_bound",
        "T1-one-more",
        "the sum from m for that from m + 1",
        "return sum_of(count + 1, n)",
        "return sum_of(count, n)",
    ),
    _in_proof(
        "truncated",
        "noise-twice",
        "the noise counted twice",
        "return tail + (tail + noise) * k",
        "return tail + (tail + 2 * noise) * k",
    ),
    _in_proof(
        "inverse_wishart",
        "mean-below-its-domain",
        "finite for m = k + 1",
        "when=(at_least(m, k + 2),)",
        "when=(at_least(m, k + 1),)",
    ),
    _in_proof(
        "inverse_chi_square",
        "mean-at-two",
        "nu > 1 for nu > 2",
        'Proposition(inverse_mean(nu), "=", 1 / (nu - 2), when=(more_than(nu, 2),))',
        'Proposition(inverse_mean(nu), "=", 1 / (nu - 2), when=(more_than(nu, 1),))',
    ),
    _in_proof(
        "dominance", "dominance-turned", "X_A >= Y_k(A)", 'Proposition(X(m), "<=", Y(k))', 'Proposition(X(m), ">=", Y(k))'
    ),
    _in_proof(
        "first_and_last",
        "real-at-two",
        "n >= 2 for n >= 3, real A",
        "zip(ERRORS.items(), (3, 2), strict=True)\n    ),",
        "zip(ERRORS.items(), (2, 2), strict=True)\n    ),",
    ),
    _in_proof(
        "denoising",
        "penalty-doubled",
        "twice the noise as the best penalty",
        'Proposition(mode(l, s**2), "=", best_mode(l))',
        'Proposition(mode(l, 2 * s**2), "=", best_mode(l))',
    ),
    _in_proof(
        "equivalents",
        "tail-of-m-less-1",
        "tail(m - 1) for tail(m)",
        'Proposition(over(l, m + 1), "<=", m * kappa',
        'Proposition(over(l, m), "<=", m * kappa',
    ),
    _in_proof("controls", "fails-later", "C = 2 first fails at 17", "2: 16,", "2: 17,"),
    _in_proof(
        "bound_certificates",
        "some-generators",
        "n = 2, ..., 7 said to be 2, ..., 8",
        "        for n in SIZES:\n            l = eigen",
        "        for n in _SIZES[:-1]:\n            l = eigen",
    ),
    _in_proof("tail", "three-degrees", "T6 from p = 3", "LEAST = sp.Integer(4)", "LEAST = sp.Integer(3)"),
)

LEDGER = (*_KERNEL_FAULTS, *_PROOF_FAULTS)
