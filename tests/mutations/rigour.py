"""Faults of rigour: the numbers stay right, and more is said than was shown.

An error term left out, a scope made wider, a check of a quantity's answers dropped, two things taken for one.
"""

from __future__ import annotations

from tests.mutations.runner import Fault

_CONTRACT = "linflow/claims/contract.py"
_ENSEMBLES = "linflow/claims/ensembles.py"
_EVERY = "linflow/claims/every.py"
_EVIDENCE = "linflow/claims/evidence.py"
_FILES = "linflow/engine/files.py"
_IDENTITY = "linflow/identity.py"
_PROVED = "linflow/claims/proved.py"
_QUANTITIES = "linflow/claims/quantities.py"
_RELATION = "linflow/claims/relation.py"
_RUN = "linflow/claims/run.py"
_TESTING = "linflow/testing/quantities.py"
_TILTED = "linflow/claims/tilted.py"
_VERDICT = "linflow/claims/verdict.py"
_OUTCOME = "linflow/claims/outcome.py"
_WITNESS = "linflow/risk/witness.py"

_BY_FORM = "evidence.py::test_what_each_kind_of_evidence_may_decide"
_WITHIN_ROUNDING = "evidence.py::test_within_rounding_an_inequality_is_neither_supported_nor_refuted"
_PROVED_HOLD = "proved.py::test_proved_bounds_hold_the_exact_value"
_BREACH = "verdict.py::test_a_breach_refutes_what_the_sampler_relies_on_and_leaves_the_cell_undecided"
_SUMMARY = "verdict.py::test_summary_takes_the_weakest_basis_to_support_and_the_strongest_to_refute"
_MEAN = "contract.py::test_a_broken_answer_about_a_mean_is_refused"
_EVERY_A = "contract.py::test_a_broken_answer_about_every_A_is_refused"
_CONTRADICT = "contract.py::test_answers_that_contradict_each_other_fail"
_DIFFERENCE = "identity.py::test_a_difference_anywhere_is_another_identity"
_FORGED = "contract.py::test_what_is_inherited_or_made_up_supports_and_refutes_nothing"
_AMPLIFICATION = "tilted.py::test_the_amplification_alone_has_the_same_law"


def _fault(file: str, name: str, what: str, old: str, new: str, *tests: str) -> Fault:
    """Tests without ``tests/test_`` in front."""
    return Fault(name, what, file, old, new, tuple(f"tests/test_{test}" for test in tests))


# ------------------------------------------------------------------------------------- what evidence may say of a claim

_EVIDENCE_FAULTS = (
    _fault(
        _EVIDENCE,
        "spare-room-left-out",
        "intervals support a value within their own rounding",
        "spare: ClassVar[float] = ROUNDING",
        "spare: ClassVar[float] = 0.0",
        _WITHIN_ROUNDING,
    ),
    _fault(
        _RELATION,
        "rounding-in-favour",
        "rounding counted in favour of an upper bound",
        "Answer.HOLDS if high <= value - spare * size",
        "Answer.HOLDS if high <= value + spare * size",
        _WITHIN_ROUNDING,
    ),
    _fault(
        _RELATION,
        "rounding-in-favour-of-close",
        "rounding counted in favour of what is close",
        "(tolerance - spare) * size",
        "(tolerance + spare) * size",
        "evidence.py::test_at_the_edge_of_a_tolerance_rounding_decides_nothing",
    ),
    _fault(
        _RELATION,
        "equality-within-tolerance-supported",
        "an equality supported by an interval within its tolerance",
        "return Answer.HOLDS if low == value == high else Answer.OPEN",
        "return Answer.HOLDS if self.deviation(low, high, value) <= tolerance else Answer.OPEN",
        "evidence.py::test_only_an_interval_without_width_shows_an_equality",
    ),
    _fault(
        _EVIDENCE,
        "no-violation-supports",
        "that no violation was found supports a statement about every A",
        '    form = "no violation"\n',
        '    form = "no violation"\n    may_support = True\n',
        _BY_FORM,
    ),
    _fault(
        _EVIDENCE,
        "no-violation-refutes",
        "what was merely seen refutes",
        '    form = "no violation"\n    may_refute = False\n',
        '    form = "no violation"\n',
        _BY_FORM,
    ),
    _fault(
        _EVIDENCE,
        "asymptotic-refutes",
        "the central limit theorem refutes",
        '    form = "asymptotic"\n    may_refute = False\n',
        '    form = "asymptotic"\n',
        _BY_FORM,
    ),
    _fault(
        _EVIDENCE,
        "asymptotic-supports",
        "the central limit theorem supports",
        '    form = "asymptotic"\n',
        '    form = "asymptotic"\n    may_support = True\n',
        _BY_FORM,
    ),
    _fault(
        _EVIDENCE,
        "nothing-refutes",
        "nothing shown, and refuted all the same",
        '    form = "nothing"\n    may_refute = False\n',
        '    form = "nothing"\n',
        _BY_FORM,
    ),
    _fault(
        _EVIDENCE,
        "violation-supports",
        "one A that keeps a claim supports it",
        '    form = "violation"\n',
        '    form = "violation"\n    may_support = True\n',
        _BY_FORM,
    ),
    _fault(
        _EVIDENCE,
        "proved-beyond-its-bound",
        "a proved bound supports a little more than it says",
        "    spare = 0.0\n",
        "    spare = -1e-14\n",
        "evidence.py::test_a_proved_bound_is_the_claim_that_states_it_and_no_more",
    ),
    _fault(
        _EVIDENCE,
        "equal-up-to-rounding-on-both-sides",
        "an equality left open called one up to rounding",
        "return not relation.two_sided and relation.deviation",
        "return relation.deviation",
        "evidence.py::test_only_inequalities_are_equalities_up_to_rounding",
    ),
    _fault(
        _EVIDENCE,
        "ruled-out-too-much",
        "1/N for what N draws rule out, whatever the error",
        "-math.expm1(math.log(self.alpha) / self.draws)",
        "1.0 / self.draws",
        "evidence.py::test_what_so_many_draws_rule_out",
    ),
    _fault(
        _RELATION,
        "thresholds-without-margin",
        "a sequence asked about values that its answer cannot decide",
        "_CLEAR = 1.5",
        "_CLEAR = 0.5",
        "verdict.py::test_draws_stop_as_soon_as_all_is_decided",
    ),
    _fault(
        _RELATION,
        "smallest-deviation",
        "the deviation of the interval's nearer end",
        "most = max(abs(low - value), abs(high - value))",
        "most = min(abs(low - value), abs(high - value))",
        "evidence.py::test_only_an_interval_without_width_shows_an_equality",
    ),
)

# ------------------------------------------------------------------------------------------- every A, and what is proved

_SCOPE_FAULTS = (
    _fault(
        _ENSEMBLES,
        "ensemble-at-twice-its-size",
        "the error under another ensemble in units of twice the energy",
        "np.clip(values / self.scale(spectrum, m), 0, 1)",
        "np.clip(values / (2 * self.scale(spectrum, m)), 0, 1)",
        "ensemble_claims.py::test_known_means_are_told_from_wrong_ones[constant-6.0]",
    ),
    _fault(
        _ENSEMBLES,
        "ensemble-cut-at-the-tail",
        "weights under another ensemble cut off at the least error that any A leaves",
        "return float(spectrum.energy)",
        "return float(spectrum.tail(m)) or 1.0",
        "ensemble_claims.py::test_known_means_are_told_from_wrong_ones[random rows-80.25]",
    ),
    _fault(
        _EVERY,
        "no-ball-confirms",
        "violations of float64 taken at their word though ball arithmetic is known",
        "proved = None if A is None else contract.enclosure_at(self.quantity, self.spectrum, self.m, A, found)",
        "proved = None",
        "every.py::test_only_ball_arithmetic_says_exact",
    ),
    _fault(
        _EVERY,
        "ball-not-heeded",
        "a violation stands that ball arithmetic denies",
        "if relation.answer(low, high, value, **limits) is not Answer.FAILS:",
        "if not low <= high:",
        "every.py::test_only_ball_arithmetic_says_exact",
    ),
    _fault(
        _EVERY,
        "search-only-upward",
        "searches for large values only",
        "    for direction in relation.directions:\n        for start",
        "    for direction in (1,):\n        for start",
        "every.py::test_a_users_quantity_is_hunted_over_A_as_well",
    ),
    _fault(
        _EVERY,
        "largest-draw-only",
        "two-sided statements held against the largest draw only",
        "    for direction in relation.directions:\n        worst",
        "    for direction in relation.directions[:1]:\n        worst",
        "verdict.py::test_every_draw_means_each_of_them",
    ),
    _fault(
        _EVERY,
        "draws-rounding-forgotten",
        "a float64 value held against a claim beyond its own rounding",
        'limits["forgiven"] = max(contract.rounding_of(self.quantity), ROUNDING)',
        'limits["forgiven"] = ROUNDING',
        "verdict.py::test_rounding_is_forgiven_when_refuting_and_never_when_supporting",
    ),
    _fault(
        _EVERY,
        "tilted-draws-rule-out",
        "draws of the tilted law said to rule out a frequency under the plain one",
        "plain = contract.plain_of(quantity, spectrum, m, size, rng)",
        "plain = None",
        "every.py::test_what_draws_rule_out_is_about_plain_draws",
    ),
    _fault(
        _WITNESS,
        "error-enclosure-accuracy",
        "an enclosure of X_A too wide to say anything, at the first precision",
        "return outward(left) if left.rel_accuracy_bits() > _ACCURACY else None",
        "return outward(left)",
        "witness.py::test_enclosures_are_narrow_however_wide_the_spectrum",
    ),
    _fault(
        _WITNESS,
        "truncated-enclosure-accuracy",
        "an enclosure of Y_k too wide to say anything, at the first precision",
        "if total.rel_accuracy_bits() > _ACCURACY:",
        "if total.is_finite():",
        "witness.py::test_rows_that_are_nearly_dependent_cost_precision_and_no_digits",
    ),
    _fault(
        "linflow/claims/certainties.py",
        "certainty-in-a-far-unit",
        "dense algebra beyond float64 speaks against a theorem",
        "        spectrum = _in_own_unit(spectrum)\n",
        "",
        "certainties.py::test_no_unit_matters",
    ),
    _fault(
        "linflow/risk/bounds.py",
        "underflow-is-the-callers",
        "a number too small for float64 is an error where the caller made it one",
        "    with vanishing():\n",
        "    if spectrum.n:\n",
        "risk_laws.py::test_what_the_caller_told_numpy_of_underflow_does_not_matter",
    ),
    _fault(
        "linflow/estimators/latent.py",
        "python-power-overflows",
        "a number beyond float64 is Python's OverflowError",
        "0 < c * c < np.inf",
        "0 < c**2 < np.inf",
        "laws_of_measurements.py::test_the_law_holds",
    ),
    _fault(
        "linflow/claims/certainties.py",
        "quotient-not-outwards",
        "a quotient of two enclosures rounded to nearest",
        "return low * (1 - 1e-15), high * (1 + 1e-15)",
        "return low, high",
        "witness.py::test_the_quotient_of_enclosures_is_rounded_outwards",
    ),
    _fault(
        "linflow/claims/certainties.py",
        "quotient-by-the-wrong-end",
        "the lower end of T4's ratio over the lower end of the risk",
        "max(error.low / risk.high for risk in risks)",
        "max(error.low / risk.low for risk in risks)",
        "witness.py::test_each_end_of_a_quotient_is_that_of_the_worst_ends",
    ),
    _fault(
        _PROVED,
        "mean-for-every-A",
        "a bound of the mean used for every A",
        "    if not every_draw:\n",
        "    if spectrum.n:\n",
        _PROVED_HOLD,
    ),
    _fault(
        _PROVED,
        "subclass-gets-proofs",
        "what is proved of E_m said of quantities that derive from it",
        "if type(quantity) is not ExpectedError:",
        "if not isinstance(quantity, ExpectedError):",
        "proved.py::test_the_ledger_says_nothing_about_other_quantities",
    ),
    _fault(
        _PROVED,
        "proved-ends-exchanged",
        "T8's upper end as the lower bound",
        "low, above = (",
        "above, low = (",
        _PROVED_HOLD,
    ),
    _fault(
        _PROVED,
        "proved-complex-for-real",
        "T7, which is about complex A, used for real ones",
        'best = bounds.best_upper if quantity.field == "real" else bounds.complex_upper',
        "best = bounds.complex_upper",
        "proved.py::test_bounds_for_complex_measurements_are_not_used_for_real_ones",
    ),
    _fault(
        _VERDICT,
        "catalogue-by-its-own-proof",
        "a statement of the catalogue decided by itself",
        'by_proof = claim.status == "user"',
        'by_proof = claim.status != "control"',
        "proved.py::test_the_catalogue_is_never_decided_by_its_own_statements",
    ),
    _fault(
        _TILTED,
        "amplification-untilted-pivot",
        "draws of the amplification whose last pivot is not tilted",
        "np.where(tilted, m - k - 1, m - k + 1)",
        "np.where(tilted, m - k + 1, m - k + 1)",
        _AMPLIFICATION,
    ),
    _fault(
        _TILTED,
        "amplification-probability",
        "draws of the amplification tilted with probability k/m",
        "rng.random(size) < k / (m - 1)\n    pivot",
        "rng.random(size) < k / m\n    pivot",
        _AMPLIFICATION,
    ),
    _fault(
        _TILTED,
        "amplification-bidiagonal",
        "the upper diagonal with one degree of freedom more",
        "np.arange(k - 2, 0, -1.0)",
        "np.arange(k - 1, 1, -1.0)",
        _AMPLIFICATION,
    ),
    _fault(
        _TILTED,
        "amplification-last-column",
        "the last column of the inverse without what lies above its pivot",
        "        last += entry**2\n",
        "        last += 0.0 * entry\n",
        _AMPLIFICATION,
    ),
)

# ------------------------------------------------------------------------------------------ cells, summaries, the report

_VERDICT_FAULTS = (
    _fault(
        _VERDICT,
        "excluded-at-the-other-end",
        "a bound said to be passed where the one below it was",
        "else sequence.above(above / scale):",
        "else sequence.above(below / scale):",
        "verdict.py::test_what_is_excluded_was_played_and_decides",
    ),
    _fault(
        _VERDICT,
        "excluded-at-the-other-end-inverse",
        "of an inverse mean a bound said to be kept where the one above it was",
        "if sequence.below(scale / above) if",
        "if sequence.below(scale / below) if",
        "verdict.py::test_what_is_excluded_was_played_and_decides",
    ),
    _fault(
        "linflow/claims/cost.py",
        "shared-draws-counted-twice",
        "draws that two claims share counted for each",
        "draws = max(outcome.draws for outcome in outcomes)",
        "draws = sum(outcome.draws for outcome in outcomes)",
        "verdict.py::test_costs_count_each_cell_once_and_shared_draws_once",
    ),
    _fault(
        "linflow/claims/open_questions.py",
        "newton-without-brackets",
        "a Newton step taken wherever it leads",
        "inside = (here + step >= below) & (here + step <= above)",
        "inside = np.isfinite(step)",
        "open_questions.py::test_roots_by_steps_are_those_by_halving",
    ),
    _fault(
        _VERDICT,
        "normal-for-rigorous",
        "the normal interval under the name of the confidence sequence",
        "low, high = of_quantity(*sampler.sequence.interval(), scale, inverse)",
        "low, high = of_quantity(*normal_interval(sampler.sequence.draws, cell.alpha), scale, inverse)",
        "verdict.py::test_the_central_limit_theorem_decides_nothing_and_is_said_only_against",
    ),
    _fault(
        _VERDICT,
        "breach-not-kept",
        "a breach of what the sampler relies on goes unnoticed",
        "self.breaches += drawn.breaches",
        "self.breaches += ()",
        _BREACH,
    ),
    _fault(
        _VERDICT,
        "breach-not-reported",
        "a breach leaves its cell undecided and refutes nothing",
        "return [*outcomes, *(_breached(cell, breach, sampler.values.size) for breach in breaches)]",
        "return outcomes",
        _BREACH,
    ),
    _fault(
        _VERDICT,
        "enclosure-at-its-word",
        "an enclosure not held against the contract",
        "oracle = contract.enclosure_of(cell.quantity, cell.spectrum, cell.m)",
        "oracle = cell.quantity.enclosure(cell.spectrum, cell.m)",
        _MEAN,
    ),
    _fault(
        _VERDICT,
        "cell-key-without-code",
        "a cell decided by other code is taken from the journal",
        "parts = [code_digest(), quantity,",
        "parts = [quantity,",
        "verdict.py::test_the_code_is_part_of_every_key",
    ),
    _fault(
        _QUANTITIES,
        "quantity-key-without-code",
        "a quantity of other code has the same key",
        "return content([code_digest(), self])",
        "return content([self])",
        "verdict.py::test_the_code_is_part_of_every_key",
    ),
    _fault(
        _VERDICT,
        "cell-key-by-name",
        "spectra of one name share their decided cells",
        "spectrum = [self.spectrum.key, self.spectrum.name]",
        "spectrum = [self.spectrum.name]",
        "verdict.py::test_every_place_has_random_numbers_of_its_own",
    ),
    _fault(
        _RUN,
        "spectra-by-name",
        "two spectra of one name share a cell",
        "place = (keys.of(claim.quantity), case.spectrum.key, m, claim.every_draw)",
        "place = (keys.of(claim.quantity), case.spectrum.name, m, claim.every_draw)",
        "verdict.py::test_two_spectra_of_one_name_are_two",
    ),
    _fault(
        _RUN,
        "quantity-by-repr",
        "quantities that look alike share a cell",
        "self.known[id(quantity)] = (quantity, quantity.key)",
        "self.known[id(quantity)] = (quantity, repr(quantity))",
        "verdict.py::test_different_quantities_are_never_merged",
    ),
    _fault(
        _OUTCOME,
        "tightest-by-rounding",
        "of cells that rounding alone tells apart, the one that it happens to choose is shown",
        "_ALIKE = 1e-9\n",
        "_ALIKE = 0.0\n",
        "verdict.py::test_of_cells_that_rounding_tells_apart_the_largest_is_shown",
    ),
    _fault(
        _OUTCOME,
        "undecided-cells-ignored",
        "a claim supported though some cells are undecided",
        "if not words or self.errors or UNDECIDED in words:",
        "if words <= {UNDECIDED} or self.errors:",
        _SUMMARY,
    ),
    _fault(
        _OUTCOME,
        "errors-ignored",
        "a claim supported though its functions failed in some cells",
        "if not words or self.errors or UNDECIDED in words:",
        "if not words or UNDECIDED in words:",
        _SUMMARY,
    ),
    _fault(
        _OUTCOME,
        "not-refuted-is-supported",
        "what could only fail to be refuted counted as supported",
        "return NOT_REFUTED if NOT_REFUTED in words else SUPPORTED",
        "return SUPPORTED",
        _SUMMARY,
    ),
    _fault(
        _OUTCOME,
        "one-cell-equal-up-to-rounding",
        "undecided cells excused by one that is so for its rounding",
        "all(c.equal_up_to_rounding for c in left)",
        "any(c.equal_up_to_rounding for c in left)",
        "verdict.py::test_a_theorem_that_is_an_equality_up_to_rounding_is_as_expected",
    ),
    _fault(
        _OUTCOME,
        "deviation-of-the-best-case",
        "the deviation of the best case said of all",
        "{max(bounded):.2g}",
        "{min(bounded):.2g}",
        "verdict.py::test_a_summary_says_the_largest_deviation_that_is_left",
    ),
    _fault(
        _OUTCOME,
        "best-case-for-worst",
        "the case with the most room shown as the worst",
        "        strains = [self._strain(case) for case in cases]\n",
        "        strains = [-self._strain(case) for case in cases]\n",
        _SUMMARY,
    ),
    _fault(
        _RUN,
        "refuted-user-as-expected",
        "a run as expected though a user's claim is refuted",
        'verdict.claim.status != "user" or verdict.verdict != REFUTED',
        'verdict.claim.status in ("user", "conjecture")',
        "verdict.py::test_a_run_is_as_expected_only_if_every_claim_is",
    ),
    _fault(
        "linflow/report.py",
        "basis-of-another-case",
        "the table shows the basis of another case than the one it names",
        "{_ratio(worst)} ({worst.evidence.words()})",
        "{_ratio(worst)} ({verdict.cases[0].evidence.words()})",
        "report.py::test_the_basis_shown_is_that_of_the_case_shown",
    ),
    _fault(
        "linflow/report.py",
        "ratio-without-its-interval",
        "a ratio shown by its lower end as if that were known",
        'return low if low == high else f"{low} .. {high}"',
        "return low",
        "report.py::test_the_table_shows_what_the_case_shown_rests_on",
    ),
)

# -------------------------------------------------------------------------------------------------- identity, the journal

_IDENTITY_FAULTS = (
    _fault(
        _IDENTITY,
        "use-is-content",
        "an object is another one once it was copied",
        '        "__slotnames__",\n',
        "",
        "identity.py::test_use_is_no_difference",
    ),
    _fault(
        "linflow/state.py",
        "caches-are-content",
        "a table is another one once it was asked something",
        'return {} if own else fields(value, known=frozenset({"_cache"}))',
        "return {} if own else fields(value)",
        "identity.py::test_objects_of_other_libraries_are_what_they_hold",
    ),
    _fault(
        "linflow/state.py",
        "tensors-by-address",
        "equal tensors in two places are two",
        'if not (hasattr(value, "detach") and hasattr(value, "untyped_storage")):',
        "if True:",
        "identity.py::test_objects_of_other_libraries_are_what_they_hold",
    ),
    _fault(
        _IDENTITY,
        "array-by-repr",
        "arrays that are shown alike are one",
        "np.ascontiguousarray(array).tobytes()",
        "repr(array).encode()",
        _DIFFERENCE,
    ),
)

# ------------------------------------------------------------------------------------------- the contract of a quantity

_CONTRACT_FAULTS = (
    _fault(
        _CONTRACT,
        "inverse-inherited",
        "an oracle inherited by a quantity that is its inverse",
        '_own(quantity, "enclosure", ("draws", "scale", "inverse"), spectrum, m)',
        '_own(quantity, "enclosure", ("draws", "scale"), spectrum, m)',
        _FORGED,
    ),
    _fault(
        _CONTRACT,
        "ball-without-its-value",
        "ball arithmetic that does not hold the value that it is for",
        "    if apart((low, high), (value, value), rounding_of(quantity)):\n",
        "    if not low <= high:\n",
        _FORGED,
    ),
    _fault(
        _CONTRACT,
        "plain-not-held",
        "plain draws that are not the values at their A",
        "np.any(np.abs(again - plain.values) > rounding_of(quantity) * np.abs(again))",
        "np.any(np.isnan(again))",
        _FORGED,
    ),
    _fault(
        _VERDICT,
        "oracle-not-held",
        "an oracle of the user's that the quantity's own draws contradict",
        "        _hold_against_draws(cell, oracle)\n",
        "",
        _FORGED,
    ),
    _fault(
        _CONTRACT,
        "order-unchecked",
        "an enclosure may be inverted",
        "if not low <= high:",
        "if low is high is None:",
        _MEAN,
    ),
    _fault(
        _CONTRACT,
        "sign-unchecked",
        "a scale may be negative",
        "if not np.finfo(np.float64).tiny <= found < np.inf:",
        "if not -np.inf < found < np.inf:",
        _MEAN,
    ),
    _fault(
        _CONTRACT,
        "shape-unchecked",
        "draws may be as many as they like",
        "if values.shape != shape:",
        "if values.ndim != len(shape):",
        _MEAN,
    ),
    _fault(
        _CONTRACT,
        "weights-unchecked",
        "weights may lie outside of 0..1",
        "if weights.size and not (weights.min() >= 0 and weights.max() <= 1):",
        "if weights.size and not (weights.min() >= 0 and weights.max() <= 2):",
        _MEAN,
    ),
    _fault(
        _CONTRACT,
        "finiteness-unchecked",
        "draws may be infinite",
        "if not np.isfinite(values).all():",
        "if np.isnan(values).any():",
        _MEAN,
    ),
    _fault(
        _CONTRACT,
        "masks-ignored",
        "what is masked counts as drawn",
        "if isinstance(found, np.ma.MaskedArray):",
        "if found is np.ma.masked:",
        _MEAN,
        _EVERY_A,
    ),
    _fault(
        _CONTRACT,
        "text-is-a-number",
        "text that reads like numbers is drawn",
        'if array.dtype.kind not in "biuf":',
        'if array.dtype.kind not in "biufU":',
        _MEAN,
    ),
    _fault(
        "linflow/arrays.py",
        "masked-number",
        "a masked entry is the number behind its mask",
        "    if isinstance(value, np.ma.MaskedArray):",
        "    if depth and isinstance(value, np.ma.MaskedArray):",
        _MEAN,
    ),
    _fault(
        _TESTING,
        "oracle-not-compared",
        "draws never held against the enclosure",
        "if oracle is not None and contract.apart(oracle, shown, rounding):",
        "if oracle is not None and contract.apart(oracle, oracle, rounding):",
        _CONTRADICT,
    ),
    _fault(
        _TESTING,
        "estimate-without-oracle",
        "an estimate never held against draws",
        '(shown, "draws") if oracle is None',
        '((-np.inf, np.inf), "draws") if oracle is None',
        _CONTRADICT,
    ),
    _fault(
        _TESTING,
        "slope-not-compared",
        "any slope will do",
        "_STEP, _SLOPE_ERROR = 1e-6, 1e-3",
        "_STEP, _SLOPE_ERROR = 1e-6, 10.0",
        _CONTRADICT,
    ),
    _fault(
        _TESTING,
        "plain-draws-of-their-own",
        "plain draws need not follow from their generator",
        "if one is None or two is None or not np.array_equal(one.values, two.values):",
        "if one is None or two is None:",
        _CONTRADICT,
    ),
)

RIGOUR: tuple[Fault, ...] = (
    *_EVIDENCE_FAULTS,
    *_SCOPE_FAULTS,
    *_VERDICT_FAULTS,
    *_IDENTITY_FAULTS,
    *_CONTRACT_FAULTS,
)
