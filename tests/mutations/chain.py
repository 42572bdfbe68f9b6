"""Faults in the interlacing theorem: an order, a factor, a field or a term changed, and the questions beside it."""

from __future__ import annotations

from tests.mutations.runner import Fault

_INTERLACING = "linflow/risk/interlacing.py"
_MATCHED = "linflow/risk/matched.py"
_LEVERAGES = "linflow/risk/leverages.py"
_OPEN = "linflow/claims/open_questions.py"
_PENALISED = "linflow/claims/penalised.py"
_ORDERED = "interlacing.py::test_the_chain_of_equivalents_falls_between_the_means"
_DIGITS = "interlacing.py::test_penalised_equivalents_against_sixty_digits"
_MEANS = "interlacing.py::test_penalised_means_lie_between_both_sides_and_the_fields_on_either_side[3-2-0.2-real]"


def _fault(file: str, name: str, what: str, old: str, new: str, *tests: str) -> Fault:
    return Fault(name, what, file, old, new, tuple(f"tests/test_{test}" for test in tests))


CHAIN = (
    _fault(
        _INTERLACING,
        "chain-complex-order",
        "the complex lower side at the order m in the place of m + 1",
        '"complex": (1, 0)}',
        '"complex": (0, 0)}',
        _ORDERED,
    ),
    _fault(
        _INTERLACING,
        "chain-factor",
        "(m-1) kappa_{m-1} without its factor f",
        "(spectrum.n - asked) * per_dimension",
        "(spectrum.n - asked - order) * per_dimension",
        _ORDERED,
    ),
    _fault(
        _INTERLACING,
        "chain-last-order",
        "the arithmetic mean where all measurements are made",
        "spectrum.energy / n, _harmonic_mean(spectrum.variances))",
        "spectrum.energy / n, spectrum.energy / n)",
        _ORDERED,
    ),
    _fault(
        _INTERLACING,
        "chain-any-penalty",
        "a penalty that does not match the noise taken for one that does",
        "<= _MATCHED * variance:",
        "<= np.inf:",
        "interlacing.py::test_bad_input_is_named",
    ),
    _fault(
        _MATCHED,
        "log-det-last-term",
        "the log-determinant's equivalent without its last term",
        "- l / (l + kappa)",
        "- 0.0 * l / (l + kappa)",
        _DIGITS,
    ),
    _fault(
        _MATCHED,
        "resolvent-order",
        "the resolvent of real A bounded at m - 1 in the place of m + 1",
        '{"real": (0, 1), "complex": (-1, 0)}',
        '{"real": (0, -1), "complex": (-1, 0)}',
        _MEANS,
    ),
    _fault(
        _LEVERAGES,
        "leverage-convolution",
        "laws of two sums multiplied in the place of convolved",
        "before[i, :m] * below[::-1]",
        "before[i, :m] * below",
        "open_questions.py::test_leverages_give_the_exact_error_and_add_up",
    ),
    _fault(
        _OPEN,
        "one-step-split",
        "the root after one row for one eigenvalue less",
        "np.sum(p[:, j + 1 :], axis=1) + mixed - np.sum(q[:, : j + 1], axis=1)",
        "np.sum(p[:, j:], axis=1) + mixed - np.sum(q[:, :j], axis=1)",
        "open_questions.py::test_roots_after_a_row_are_those_of_the_dense_covariance",
    ),
    _fault(
        _OPEN,
        "majorisation-at-one-k",
        "the least strained k in the place of the worst",
        "at = int(np.argmax(",
        "at = int(np.argmin(",
        "open_questions.py::test_misplaced_leverage_is_the_worst_of_every_k",
    ),
    _fault(
        _PENALISED,
        "log-det-tilt",
        "a size-biased square with one degree of freedom too few",
        "rng.chisquare(3, size=size)",
        "rng.chisquare(2, size=size)",
        "open_questions.py::test_the_tilted_log_determinant_is_the_plain_one[real]",
    ),
    _fault(
        "linflow/claims/proved.py",
        "proved-chain-of-the-other-field",
        "the sides for real A said of complex ones",
        "interlacing(spectrum, m, field=quantity.field)",
        "interlacing(spectrum, m)",
        "proved.py::test_proved_bounds_hold_the_exact_value",
    ),
    _fault(
        "linflow/predict.py",
        "predict-chain",
        "predict gives the upper side twice",
        '"interlacing_lower": lower,',
        '"interlacing_lower": upper,',
        "cli.py::test_predict_against_the_library",
    ),
    _fault(
        "simulations/sample_complexity.py",
        "needed-by-T2",
        "the measurements needed by T2 told for those that are proved",
        '"m proved": _range(needed["equivalent"], needed["interlacing"])',
        '"m proved": _range(needed["T2"], needed["T2"])',
        "simulations_interlacing.py::test_what_sample_complexity_says",
    ),
)
