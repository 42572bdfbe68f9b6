"""Faults where a researcher's own things come in: spectra as arrays, seeds, fitted models, tables and figures."""

from __future__ import annotations

from tests.mutations.runner import Fault

_SPECTRUM = "linflow/spectrum.py"
_FLOW = "linflow/flow.py"
_EQUIVALENT = "linflow/risk/equivalent.py"
_CHECKS = "linflow/checks.py"
_FITTED = "linflow/fitted.py"
_LEARN = "linflow/learn.py"
_TABLES = "linflow/tables.py"
_FIGURES = "linflow/figures.py"
_UNSORTED = "ecosystem.py::test_a_flow_of_unsorted_values_is_the_one_that_was_written_down"


def _fault(file: str, name: str, what: str, old: str, new: str, *tests: str) -> Fault:
    return Fault(name, what, file, old, new, tuple(f"tests/test_{test}" for test in tests))


ECOSYSTEM = (
    _fault(
        _SPECTRUM,
        "spectrum-array-of-squares",
        "NumPy reads the variances for the singular values",
        "return np.array(self.singular_values, dtype=dtype, copy=copy)",
        "return np.array(self.variances, dtype=dtype, copy=copy)",
        "ecosystem.py::test_a_spectrum_is_read_as_the_array_of_its_values",
    ),
    _fault(
        _SPECTRUM,
        "spectrum-order-forgotten",
        "what belongs to the values one by one stays where it was when they are sorted",
        "return made, None if np.array_equal(order, np.arange(order.size)) else order",
        "return made, None",
        _UNSORTED,
    ),
    _fault(
        _EQUIVALENT,
        "equivalent-variances-unsorted",
        "the signal's variances do not follow the singular values",
        "t = t if order is None else t[order]",
        "t = t if order is None else t[:]",
        "ecosystem.py::test_every_function_of_risk_takes_the_values_in_any_order[equivalent]",
    ),
    _fault(
        _FLOW,
        "flow-basis-unsorted",
        "the columns of a basis do not follow the singular values",
        "Q = _in_order(Q, order, name)",
        "Q = _in_order(Q, np.sort(order), name)",
        _UNSORTED,
    ),
    _fault(
        _CHECKS,
        "seed-of-truth",
        "True and 0.5 seed a generator",
        "return np.random.default_rng(whole_in(rng, name, 0, None, expected))",
        "return np.random.default_rng(abs(int(rng)) if rng is not expected else None)",
        "ecosystem.py::test_a_seed_draws_what_its_generator_draws[LinearFlow.sample]",
    ),
    _fault(
        _CHECKS,
        "seed-ignored",
        "every seed draws the same",
        "return np.random.default_rng(whole_in(rng, name, 0, None, expected))",
        "return np.random.default_rng(0 * whole_in(rng, name, 0, None, expected))",
        "ecosystem.py::test_a_seed_draws_what_its_generator_draws[LinearFlow.sample]",
    ),
    _fault(
        _FITTED,
        "pca-noise",
        "the noise of probabilistic components is left out",
        "variances = np.full(n, noise)",
        "variances = np.full(n, noise / 2)",
        "learn.py::test_a_fitted_model_keeps_its_density[PCA]",
    ),
    _fault(
        _FITTED,
        "factors-noise",
        "standard deviations of the factors' noise for its variances",
        "np.diag(np.sqrt(noise))",
        "np.diag(noise)",
        "learn.py::test_a_fitted_model_keeps_its_density[factors]",
    ),
    _fault(
        _FITTED,
        "lasso-precision",
        "a precision read as a covariance",
        "return Gaussian(mean, basis, 1.0 / np.sqrt(values))",
        "return Gaussian(mean, basis, np.sqrt(values))",
        "learn.py::test_a_fitted_model_keeps_its_density[graphical lasso]",
    ),
    _fault(
        _FITTED,
        "singular-allowed",
        "a singular covariance has a density",
        "if not values.min() > values.max() * np.finfo(np.float64).eps * values.size:",
        "if values.size == 0:",
        "learn.py::test_what_has_no_density_is_one_sentence[singular components]",
    ),
    _fault(
        _LEARN,
        "estimator-reads-masks",
        "what lies behind a mask is fitted",
        """ensure_min_samples=2 if reset else 1)
        numeric(X, "X", "an array of real numbers")
""",
        """ensure_min_samples=2 if reset else 1)
""",
        "learn.py::test_what_is_no_number_is_refused_by_every_method[masked]",
    ),
    _fault(
        _LEARN,
        "estimator-score-sum",
        "the sum of the log densities for their mean",
        "return float(np.mean(self.score_samples(X)))",
        "return float(np.sum(self.score_samples(X)))",
        "learn.py::test_an_estimator_says_of_its_flow_what_the_flow_says",
    ),
    _fault(
        _TABLES,
        "latex-unescaped",
        "per cent begins a comment",
        'for c in "&%$#_{}"}',
        'for c in "&$#_{}"}',
        "tables.py::test_no_text_is_a_command_of_latex",
    ),
    _fault(
        _TABLES,
        "latex-bracket",
        "a bracket at the start of a row belongs to the end of the one before",
        '    "[": "{[}",\n',
        '    "[": "[",\n',
        "tables.py::test_no_text_is_a_command_of_latex",
    ),
    _fault(
        _TABLES,
        "csv-rounded",
        "a CSV file has the digits that people are shown",
        'return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value',
        'return "" if value is None or value != value else f"{value:.6g}" if isinstance(value, float) else value',
        "tables.py::test_csv_reads_back_what_was_there",
    ),
    _fault(
        _FIGURES,
        "figures-unsalted",
        "names inside an SVG are random",
        '{"svg.hashsalt": _SALT}',
        '{"svg.hashsalt": None}',
        "tables.py::test_the_same_figure_is_the_same_file[svg]",
    ),
    _fault(
        _FIGURES,
        "figures-dated",
        "a PDF says when it was written",
        '{"CreationDate": None, "Creator": None, "Producer": None}',
        '{"Creator": None, "Producer": None}',
        "tables.py::test_the_same_figure_is_the_same_file[pdf]",
    ),
)
