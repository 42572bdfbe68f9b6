"""Faults in what ball arithmetic decides: a root, an order, a factor or a sign changed, a check left out."""

from __future__ import annotations

from tests.mutations.runner import Fault

_ROOTS = "linflow/risk/roots.py"
_ENCLOSURE = "linflow/risk/enclosure.py"
_SIDES = "linflow/claims/sides.py"
_SEPARATION = "linflow/claims/separation.py"
_CONTRACT = "linflow/claims/contract.py"
_EVIDENCE = "linflow/claims/evidence.py"
_OUTCOME = "linflow/claims/outcome.py"
_VERDICT = "linflow/claims/verdict.py"
_TRUTH = "separation.py::test_what_rounding_leaves_open_is_decided_as_the_truth_requires"
_NEARLY_FLAT = "separation.py::test_each_link_is_decided_on_a_nearly_flat_spectrum"


def _fault(file: str, name: str, what: str, old: str, new: str, *tests: str) -> Fault:
    return Fault(name, what, file, old, new, tuple(f"tests/test_{test}" for test in tests))


BALLS = (
    _fault(
        _ROOTS,
        "root-order",
        "a sum cut one value too early",
        "        if i < order:",
        "        if i < order - 1:",
        "roots.py::test_closed_forms",
    ),
    _fault(
        _ROOTS,
        "root-not-shown",
        "a ball around Newton's last step, whatever the signs beside it",
        "if not (B_low > A_low and B_high < A_high):",
        "if False:",
        "roots.py::test_a_start_that_is_far_off_is_an_error_and_no_ball",
    ),
    _fault(
        _ROOTS,
        "root-narrow",
        "the middle of the ball for the ball",
        "return low.union(high)",
        "return low",
        "roots.py::test_the_root_is_enclosed_as_narrowly_as_asked_for[60-step 3, floor 1e-08]",
    ),
    _fault(
        _ENCLOSURE,
        "difference-turned",
        "side minus quantity",
        "return outward((one - other) / other)",
        "return outward((other - one) / other)",
        _TRUTH,
    ),
    _fault(
        _SIDES,
        "side-order",
        "the ball of the lower side for that of the upper one",
        "m + ORDERS[self.field][self.which], accuracy)",
        "m + ORDERS[self.field][1 - self.which], accuracy)",
        _TRUTH,
    ),
    _fault(
        _SIDES,
        "side-factor",
        "the error of fewer measurements without its factor",
        "error * (spectrum.n - m) / (spectrum.n - m + self.fewer)",
        "error * 1",
        f"{_NEARLY_FLAT}[interlacing-real-complex]",
    ),
    _fault(
        _SEPARATION,
        "equal-numbers-separated",
        "balls that overlap taken for balls that do not",
        "tolerance=0.0, forgiven=0.0) is not Answer.OPEN:",
        "tolerance=0.0, forgiven=0.0) is not None:",
        "separation.py::test_equal_numbers_stay_as_open_as_they_were",
    ),
    _fault(
        _CONTRACT,
        "side-contradicts-itself",
        "a side taken at its word in balls, whatever it says in float64",
        "meets(found, value - room, value + room)",
        "meets(found, value - room, value + 1.0)",
        "separation.py::test_a_side_that_contradicts_itself_decides_nothing",
    ),
    _fault(
        _CONTRACT,
        "ball-elsewhere",
        "a quantity's ball that its enclosure excludes",
        "is_ball(found) and meets(found, low, high)",
        "is_ball(found)",
        "separation.py::test_a_quantity_whose_ball_is_not_its_own_decides_nothing",
    ),
    _fault(
        _CONTRACT,
        "ball-inherited",
        "an inherited ball taken for that of a quantity with its own enclosure",
        '_inherited(quantity, "ball", ("enclosure", "draws", "scale", "inverse"))',
        '_inherited(quantity, "ball", ())',
        "separation.py::test_an_inherited_ball_is_not_that_of_another_quantity",
    ),
    _fault(
        _EVIDENCE,
        "separated-in-float64",
        "the difference added to 1, where float64 loses it",
        "relation.answer(self.least, self.most, 0.0,",
        "relation.answer(1 + self.least, 1 + self.most, 1.0,",
        "separation.py::test_the_sign_of_the_difference_alone_decides",
    ),
    _fault(
        _OUTCOME,
        "separated-ratio",
        "the ratio of the float64 numbers that could not be told apart",
        "if isinstance(self.evidence, Separated):",
        "if False:",
        _TRUTH,
    ),
    _fault(
        _VERDICT,
        "balls-always",
        "balls asked for what float64 decides",
        "if test.side is not None and _word(test, shown[test]) == UNDECIDED:",
        "if test.side is not None:",
        "separation.py::test_only_what_is_left_open_goes_to_balls",
    ),
    _fault(
        _VERDICT,
        "side-not-in-the-key",
        "two sides of one float64 value taken for one question",
        '{"side": None if test.side is None else content(test.side)}',
        '{"side": None}',
        "separation.py::test_a_cell_with_a_side_is_the_same_in_another_process",
    ),
)
